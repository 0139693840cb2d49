/* Goal: the monitor's views show what two looks at an instance say.
   Method: synthetic looks at a plan of two tiles and one link; views draw into cells, and the cells'
   text is compared.  No terminal and no instance are needed. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/monitor/qs_mon_loop.h"

static qs_plan_t plan;
static qs_boot_t boot;
static qs_attach_t attach;
static qs_mon_look_t was, is;
static qs_mon_cells_t cells;
static qs_mon_t mon = {.a = &attach, .was = &was, .is = &is};
static qs_mon_ui_t ui;

static void
make(void)
{
    strcpy(plan.topo, "test");
    plan.tile_cnt = 2;
    strcpy(plan.tile[0].name, "load");
    strcpy(plan.tile[1].name, "sink");
    plan.tile[0].cnt = plan.tile[1].cnt = 1;
    plan.link_cnt = 1;
    strcpy(plan.link[0].name, "load_sink");
    plan.link[0].consumer_cnt = 1;
    plan.link[0].consumer[0] = 1;
    plan.link[0].depth = 64;
    attach.plan = &plan;
    attach.boot = &boot;
    strcpy(attach.instance.name, "synthetic");
    was.at_ns = 1000000000;
    is.at_ns = 3000000000;
    is.now_ns = 60000000000;
    is.alive = true;
    for (u32 i = 0; i < 2; i++)
        is.cnc[i] = (qs_cnc_view_t){.state = QS_CNC_RUN, .pid = 10 + i, .heartbeat_ns = is.now_ns};
}

static bool
shows(char const *text)
{
    for (u32 y = 0; y < cells.h; y++) {
        char line[QS_MON_W_MAX + 1] = "";
        memcpy(line, cells.text[y], cells.w);
        if (strstr(line, text))
            return true;
    }
    return false;
}

static void
draw(char const *view, u32 w)
{
    ui.view = (u32)qs_mon_view_of(view);
    qs_mon_cells_clear(&cells, w, 24);
    qs_mon_draw(&mon, &cells, &ui);
}

Test(monitor, bars_have_a_letter_for_each_part_and_dots_for_the_rest, .init = make)
{
    char bar[11];

    qs_mon_bar(bar, 10, (double[]){50, 20}, "#B", 2, 100);
    cr_assert(eq(str, bar, "#####BB..."));
    qs_mon_bar(bar, 10, (double[]){300, 20}, "#B", 2, 100);
    cr_assert(eq(str, bar, "##########"));
    qs_mon_bar(bar, 10, (double[]){0, 0}, "#B", 2, 0);
    cr_assert(eq(str, bar, ".........."));
}

Test(monitor, text_outside_or_unprintable_does_no_harm)
{
    qs_mon_cells_clear(&cells, 10, 2);
    qs_mon_put(&cells, 8, 1, QS_MON_PLAIN, "a\033bc");
    qs_mon_put(&cells, 0, 5, QS_MON_PLAIN, "nowhere");
    cr_assert(eq(int, memcmp(cells.text[1], "        a? ", 11), 0));
}

Test(monitor, tiles_show_their_shares_and_who_is_stalled, .init = make)
{
    is.stem[0].processing_ns = 75;
    is.stem[0].caught_up_ns = 25;
    is.stem[1].backpressured_ns = 100;
    is.cnc[1].heartbeat_ns = is.now_ns - 5000000000;
    draw("tiles", 80);
    cr_expect(shows("load        run"));
    cr_expect(shows("###############....."), "busy for three quarters");
    cr_expect(shows("BBBBBBBBBBBBBBBBBBBB"));
    cr_expect(shows("!sink        STALL"));
    cr_expect(shows("5.0s"));
}

Test(monitor, links_show_rates_depth_and_losses_since_the_reset, .init = make)
{
    static qs_mon_look_t zero;

    is.in[0][0].frag = 5000;
    is.in[0][0].lost = 77;
    is.used[0][0] = 33;
    is.p99[0][0] = 4500;
    draw("links", 80);
    cr_expect(shows("!load_sink          sink         2500     33      77"));
    cr_expect(shows("4.5us"));
    zero.in[0][0].lost = 70;
    mon.zero = &zero;
    draw("links", 80);
    cr_expect(shows("2500     33       7"));
}

Test(monitor, a_dead_instance_is_called_dead_in_words, .init = make)
{
    draw("overview", 80);
    cr_expect(shows("alive"));
    cr_expect(shows("good: 2 of 2 tiles run"));
    is.alive = false;
    draw("overview", 80);
    cr_expect(shows("DEAD: its last state"));
    cr_expect(not(shows("good:")));
}

Test(monitor, errors_tell_deaths_and_how_they_were, .init = make)
{
    draw("errors", 80);
    cr_expect(shows("no tile died"));
    is.life[1] = (qs_boot_tile_t){.deaths = 3, .last_status = 9};
    draw("errors", 80);
    cr_expect(shows("ended by signal 9"));
}

Test(monitor, every_view_draws_at_every_size, .init = make)
{
    for (u32 v = 0; v < QS_MON_VIEW_CNT; v++)
        for (u32 w = 0; w < 300; w += 37)
            for (u32 h = 0; h < 140; h += 23) {
                ui.view = v;
                qs_mon_cells_clear(&cells, w, h);
                qs_mon_draw(&mon, &cells, &ui);
                cr_assert(le(u32, cells.w, QS_MON_W_MAX));
            }
}

Test(monitor, a_filter_hides_rows_and_a_sort_orders_them, .init = make)
{
    is.stem[1].processing_ns = 100;
    ui = (qs_mon_ui_t){.sort = 5}; /* busy% */
    draw("tiles", 80);
    cr_expect(eq(int, memcmp(cells.text[3] + 1, "sink", 4), 0));
    strcpy(ui.filter, "load");
    draw("tiles", 80);
    cr_expect(shows("load        run"));
    cr_expect(not(shows("sink        run")));
}

Test(monitor, keys_do_what_the_help_says)
{
    qs_mon_ui_t k = {0};

    qs_mon_ui_key(&k, '3');
    cr_expect(eq(u32, k.view, 2));
    qs_mon_ui_key(&k, '\t');
    cr_expect(eq(u32, k.view, 3));
    qs_mon_ui_key(&k, '9'); /* there is no ninth */
    cr_expect(eq(u32, k.view, 3));
    qs_mon_ui_key(&k, '/');
    qs_mon_ui_key(&k, 'p');
    cr_expect(eq(str, k.filter, "p"));
    cr_expect(not(k.paused));
    qs_mon_ui_key(&k, '\r');
    qs_mon_ui_key(&k, 'p');
    cr_expect(k.paused);
    qs_mon_ui_key(&k, 'k');
    cr_expect(eq(u32, k.picked, 0));
    qs_mon_ui_key(&k, 'j');
    cr_expect(eq(u32, k.picked, 1));
}

Test(monitor, a_count_that_went_back_has_no_rate)
{
    cr_assert(qs_mon_rate(10, 5, 1) == 0);
    cr_assert(qs_mon_rate(5, 10, 2) == 2.5);
}

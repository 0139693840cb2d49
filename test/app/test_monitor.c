/* Goal: the monitor's views show what two looks at an instance say.
   Method: synthetic looks at a plan of two tiles and one link; views draw into cells, and the cells'
   text is compared.  No terminal and no instance are needed. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/monitor/qs_mon_loop.h"
#include "disco/qs_format.h"
#include "disco/qs_shred_tile.h"
#include "disco/qs_store_tile.h"

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

/* state gives a tile a workspace that is nothing but its state. */
static void
state(u32 tile, char const *name, void *mem, u64 sz)
{
    strcpy(plan.tile[tile].name, name);
    plan.tile[tile].state_off = 0;
    attach.wksp[tile].mem = mem;
    attach.wksp[tile].header.sz = sz;
}

static u32
count_of(char const *line, char c)
{
    u32 cnt = 0;
    for (; *line; line++)
        cnt += *line == c;
    return cnt;
}

/* line_of returns the line that holds text, "" if there is none. */
static char const *
line_of(char const *text)
{
    static char line[QS_MON_W_MAX + 1];

    for (u32 y = 0; y < cells.h; y++) {
        memset(line, 0, sizeof(line));
        memcpy(line, cells.text[y], cells.w);
        if (strstr(line, text))
            return line;
    }
    return "";
}

Test(monitor, shreds_are_received_recovered_or_missing, .init = make)
{
    static qs_shred_view_t shred;
    static qs_store_view_t store;

    state(0, "shred", &shred, sizeof(shred));
    state(1, "store", &store, sizeof(store));
    store.cnt = 3;
    store.slot[0] = (qs_slot_info_t){.slot = 101,
                                     .status = QS_SLOT_COMPLETE,
                                     .set_cnt = 4,
                                     .recovered_cnt = 2,
                                     .received_cnt = 96,
                                     .txn_cnt = 55};
    store.slot[1] = (qs_slot_info_t){
        .slot = 102, .status = QS_SLOT_LOST, .set_cnt = 3, .received_cnt = 96, .missing_cnt = 1};
    store.slot[2] =
        (qs_slot_info_t){.slot = 103, .status = QS_SLOT_DEAD, .set_cnt = 1, .received_cnt = 32};
    /* In the making: sets 0 and 2 of slot 104 are there, 8 data shreds of one were recovered. */
    shred.set_cnt = 2;
    shred.set[0] = (qs_shred_view_set_t){.slot = 104, .fec_idx = 0, .data_cnt = 32};
    shred.set[1] = (qs_shred_view_set_t){.slot = 104, .fec_idx = 64, .data_cnt = 24};
    draw("shreds", 100);
    cr_expect(shows("101 complete  #####################+++++++"));
    cr_expect(shows("    96     32      0      55"));
    cr_expect(shows("102 LOST      #####################!!!!!!!"));
    cr_expect(shows("    96      0     32       0"));
    cr_expect(shows("103 DEAD      ############################"));
    cr_expect(shows("    32      0      0       0"));
    char const *making = line_of("104 assembled");
    cr_expect(eq(u32, count_of(making, '!'), 10), "%s",
              making); /* a third of 28, marked as trouble */
    cr_expect(strstr(making, "    56      8     32") != NULL, "%s", making);
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

/* Goal: the monitor's views show what two looks at an instance say.
   Method: synthetic looks at a plan of two tiles and one link; views draw into cells, and the cells'
   text is compared.  No terminal and no instance are needed. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/monitor/qs_mon_loop.h"
#include "app/monitor/qs_mon_screen.h"
#include "disco/qs_format.h"
#include "disco/qs_shred_tile.h"
#include "disco/qs_store_tile.h"
#include "disco/qs_tiles.h"

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

Test(monitor, rows_are_moved_through_sorted_and_filtered_by_keys)
{
    qs_mon_ui_t k = {0};

    for (char const *key = "s>s<j"; *key; key++)
        qs_mon_ui_key(&k, *key);
    cr_expect(eq(u32, k.sort, 2));
    for (u32 i = 0; i < 5; i++)
        qs_mon_ui_key(&k, '<');
    cr_expect(eq(u32, k.sort, 0));
    qs_mon_ui_key(&k, QS_MON_KEY_PAGE_DOWN);
    cr_expect(ge(u32, k.picked, 11));
    qs_mon_ui_key(&k, QS_MON_KEY_PAGE_UP);
    cr_expect(eq(u32, k.picked, 1));
    qs_mon_ui_key(&k, QS_MON_KEY_PAGE_UP);
    cr_expect(eq(u32, k.picked, 0));
    for (char const *key = "sljll?"; *key; key++)
        qs_mon_ui_key(&k, *key);
    qs_mon_ui_key(&k, 'h');
    cr_expect(eq(u32, k.side, 2));
    qs_mon_ui_key(&k, QS_MON_KEY_BACK_TAB);
    cr_expect(eq(u32, k.view, QS_MON_VIEW_CNT - 1));
    cr_expect(eq(u32, k.sort + k.picked + k.side + k.help, 0), "another view begins at its top");
    for (char const *key = "/ab"; *key; key++)
        qs_mon_ui_key(&k, *key);
    qs_mon_ui_key(&k, QS_MON_KEY_BACK);
    cr_expect(eq(str, k.filter, "a"));
    qs_mon_ui_key(&k, 27);
    cr_expect(eq(str, k.filter, ""));
    cr_expect(not(k.typing));
}

Test(monitor, the_row_that_is_picked_is_on_the_screen, .init = make)
{
    plan.tile_cnt = 8;
    for (u32 i = 0; i < 8; i++)
        snprintf(plan.tile[i].name, sizeof(plan.tile[i].name), "number%c", 'a' + (char)i);
    ui = (qs_mon_ui_t){.view = (u32)qs_mon_view_of("tiles"), .picked = 6};
    qs_mon_cells_clear(&cells, 80, 6);
    qs_mon_draw(&mon, &cells, &ui);
    cr_expect(shows("*numberg"));
    cr_expect(not(shows("numbera")));
}

Test(monitor, a_tile_is_stalled_when_it_is_silent_for_a_second, .init = make)
{
    is.cnc[0].heartbeat_ns = is.now_ns - 900000000;
    is.cnc[1].heartbeat_ns = is.now_ns - 1100000000;
    cr_expect(not(qs_mon_stale(&mon, 0)));
    cr_expect(qs_mon_stale(&mon, 1));
    is.cnc[1].state = QS_CNC_HALTED;
    cr_expect(not(qs_mon_stale(&mon, 1)), "it is not expected to say anything");
}

Test(monitor, counters_are_shown_since_the_reset_and_gauges_as_they_are, .init = make)
{
    static qs_metric_desc_t const desc[] = {{.name = "taken", .kind = QS_METRIC_COUNTER},
                                            {.name = "held", .kind = QS_METRIC_GAUGE}};
    static qs_mon_look_t zero;

    for (u32 i = 0; i < 2; i++) {
        is.own[i] = (qs_attach_metric_t){.tile = &plan.tile[1], .desc = &desc[i], .value = 100};
        zero.own[i] = is.own[i];
        zero.own[i].value = 70;
    }
    is.own_cnt = zero.own_cnt = 2;
    cr_expect(eq(u64, qs_mon_own(&mon, "sink", "taken"), 100));
    mon.zero = &zero;
    cr_expect(eq(u64, qs_mon_own(&mon, "sink", "taken"), 30));
    cr_expect(eq(u64, qs_mon_own(&mon, "sink", "held"), 100));
    cr_expect(eq(u64, qs_mon_own(&mon, "load", "taken"), 0));
    is.own[0].value = 5;
    cr_expect(eq(u64, qs_mon_own(&mon, "sink", "taken"), 5), "it went back: another run");
}

Test(monitor, numbers_are_short)
{
    static struct {
        double value;
        char const *text;
    } const row[] = {{0, "0"},           {9999, "9999"},   {10000, "10.0k"}, {123456, "123k"},
                     {999499, "999k"},   {999501, "1.0M"}, {2.5e9, "2.5G"},  {1.5e12, "1.5T"},
                     {9.99e15, "10.0P"}, {1e20, "100000P"}};
    char text[16];

    for (u32 i = 0; i < QS_COUNT(row); i++)
        cr_expect(eq(str, (char *)qs_mon_human(text, row[i].value), (char *)row[i].text));
}

Test(monitor, a_look_reads_how_much_of_a_link_is_in_use_and_remembers_shares, .init = make)
{
    static u8 mem[2][65536] __attribute__((aligned(4096)));
    static qs_tile_row_t const rows[] = {{.tile = &qs_tile_sink}};
    static qs_topo_t const topo = {.tiles = rows};
    qs_plan_link_t *l = &plan.link[0];

    attach.topo = &topo;
    for (u32 i = 0; i < 2; i++) {
        attach.wksp[i].mem = mem[i];
        attach.wksp[i].header.sz = sizeof(mem[i]);
    }
    l->producer = 0;
    l->mcache_off = 4096;
    l->mcache_sz = qs_mcache_footprint(l->depth);
    l->fseq_off[0] = l->out_metrics_off = 1024;
    plan.tile[0].stem_metrics_off = plan.tile[1].stem_metrics_off = 32768;
    cr_assert(zero(int, qs_mcache_new(mem[0] + l->mcache_off, l->depth, l->depth, 1000)));
    ((qs_out_metrics_t *)(mem[0] + 1024))->frag = 50;
    qs_fseq_update((qs_fseq_t *)(mem[1] + 1024), 1020);
    qs_mon_take(&attach, &is);
    cr_expect(eq(u64, is.used[0][0], 30));
    ((qs_out_metrics_t *)(mem[0] + 1024))->frag = 500;
    qs_mon_take(&attach, &is);
    cr_expect(eq(u64, is.used[0][0], 64), "never more than there is");

    qs_stem_metrics_t *stem = (qs_stem_metrics_t *)(mem[0] + 32768);
    mon.past_cnt = 0;
    for (u32 i = 0; i < QS_MON_PAST_MAX + 2; i++) { /* busy for i per cent */
        stem->processing_ns += i;
        stem->caught_up_ns += 100 - i;
        qs_mon_step(&mon);
    }
    cr_expect(eq(u32, mon.past_cnt, QS_MON_PAST_MAX));
    cr_expect(eq(u32, mon.past[0][0], 2), "the oldest go");
    cr_expect(eq(u32, mon.past[0][QS_MON_PAST_MAX - 1], QS_MON_PAST_MAX + 1));
}

Test(monitor, a_count_that_went_back_has_no_rate)
{
    cr_assert(qs_mon_rate(10, 5, 1) == 0);
    cr_assert(qs_mon_rate(5, 10, 2) == 2.5);
}

/* Goal: a page holds every number of every tile once, under its name's one head, in base units, and
   never outgrows what was said to be its largest size.  Method: the plans of all topologies over
   memory that is filled by pattern; what the page says is read back by a small parser. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "disco/qs_metric_page.h"
#include "disco/qs_topos.h"

typedef struct instance {
    qs_config_t cfg;
    qs_plan_t plan;
    qs_wksp_plan_t wksp_plan[QS_TILE_MAX];
    qs_wksp_t wksp[QS_TILE_MAX];
    qs_boot_t boot;
    char err[256];
    char *text;
    u64 room, sz;
} instance_t;

static instance_t *at;

/* make plans topo and gives each tile memory in which every byte is fill. */
static qs_metric_page_t *
make(qs_topo_t const *topo, u32 net_tiles, u8 fill)
{
    at = aligned_alloc(alignof(instance_t), sizeof(*at));
    memset(at, 0, sizeof(*at));
    qs_config_init(&qs_config_table, &at->cfg);
    at->cfg.net.tiles = net_tiles;
    cr_assert(
        eq(int,
           qs_plan_make(&at->plan, at->wksp_plan, topo, &at->cfg, false, at->err, sizeof(at->err)),
           0),
        "%s", at->err);
    for (u32 i = 0; i < at->plan.tile_cnt; i++) {
        u64 sz = at->plan.tile[i].wksp_sz;
        at->wksp[i] = (qs_wksp_t){.mem = aligned_alloc(4096, qs_align_up(sz, 4096)), .map_sz = sz};
        at->wksp[i].header.sz = sz;
        memset(at->wksp[i].mem, fill, sz);
        cr_assert(eq(int, qs_cnc_new(at->wksp[i].mem + at->plan.tile[i].cnc_off), 0));
    }
    at->room = qs_metric_page_text_max(&at->plan, topo);
    at->text = malloc(at->room + 1);
    qs_metric_view_t view = {.plan = &at->plan, .topo = topo, .boot = &at->boot, .wksp = at->wksp};
    void *mem = malloc(qs_metric_page_footprint(&at->plan, topo));
    return qs_metric_page_init(mem, &view);
}

static void
drop(qs_metric_page_t *page)
{
    for (u32 i = 0; i < at->plan.tile_cnt; i++)
        free(at->wksp[i].mem);
    free(at->text);
    free(page);
    free(at);
}

static void
write_page(qs_metric_page_t *page, u64 room, u64 now)
{
    at->sz = qs_metric_page_write(page, at->text, room, now);
    cr_assert(le(u64, at->sz, room));
    at->text[at->sz] = 0;
}

static bool
has(char const *what)
{
    return strstr(at->text, what) != NULL;
}

static u32
times(char const *what)
{
    u32 cnt = 0;
    for (char *p = at->text; (p = strstr(p, what)); p += strlen(what))
        cnt++;
    return cnt;
}

Test(metric_page, largest_numbers_of_every_topology_fit_and_each_head_stands_once)
{
    for (u32 t = 0; qs_topos[t]; t++) {
        qs_metric_page_t *page = make(qs_topos[t], 16, 0xff);
        write_page(page, at->room, UINT64_MAX);
        cr_assert(eq(u32, page->cnt, page->max), "%s: every place is found", qs_topos[t]->name);
        cr_assert(le(u64, at->sz, at->room - 300), "%s: nothing was cut", qs_topos[t]->name);
        cr_assert(eq(int, at->text[at->sz - 1], '\n'));
        for (char *p = at->text; (p = strstr(p, "# TYPE ")); p += 7) {
            char head[160];
            snprintf(head, sizeof(head), "%.*s", (int)(strchr(strchr(p + 7, ' ') + 1, '\n') - p),
                     p);
            cr_assert(eq(u32, times(head), 1), "%s: %s", qs_topos[t]->name, head);
        }
        drop(page);
    }
}

Test(metric_page, a_page_for_which_there_is_no_room_ends_with_a_whole_line)
{
    qs_metric_page_t *page = make(&qs_topo_leader, 1, 0);
    write_page(page, at->room, 0);
    u64 whole = at->sz;
    for (u64 room = 0; room < whole; room += 97) {
        write_page(page, room, 0);
        cr_assert(not(at->sz && at->text[at->sz - 1] != '\n'));
        cr_assert(ge(u64, at->sz + 700, room), "nearly all of the room is used");
    }
    drop(page);
}

Test(metric_page, times_are_seconds_and_others_are_what_they_are)
{
    qs_metric_page_t *page = make(&qs_topo_listen, 1, 0);
    qs_plan_tile_t const *t = &at->plan.tile[0];
    qs_stem_metrics_t *stem = qs_wksp_addr(&at->wksp[0], t->stem_metrics_off, sizeof(*stem));
    stem->processing_ns = 12345678901;
    stem->park = 12345678901;
    write_page(page, at->room, 0);
    cr_assert(
        has("\nquickstep_tile_processing_seconds_total{tile=\"net\",idx=\"0\"} 12.345678901\n"));
    cr_assert(has("\nquickstep_tile_park_total{tile=\"net\",idx=\"0\"} 12345678901\n"));
    drop(page);
}

Test(metric_page, buckets_hold_what_is_at_most_their_bound_and_add_up)
{
    qs_metric_page_t *page = make(&qs_topo_listen, 1, 0);
    qs_plan_link_t const *l = &at->plan.link[0];
    u32 reader = l->consumer[0];
    qs_hist_t *hist = qs_wksp_addr(&at->wksp[reader], l->latency_off[0], sizeof(*hist));
    qs_hist_add(hist, 1023);
    qs_hist_add(hist, 1024);
    qs_hist_add(hist, 2000000000);
    write_page(page, at->room, 0);
    cr_assert(has("link=\"net_sink\",le=\"0.000001023\"} 1\n"));
    cr_assert(has("link=\"net_sink\",le=\"0.000004095\"} 2\n"));
    cr_assert(has("link=\"net_sink\",le=\"1.073741823\"} 2\n"));
    cr_assert(has("link=\"net_sink\",le=\"+Inf\"} 3\n"));
    cr_assert(has("latency_seconds_sum{tile=\"sink\",idx=\"0\",link=\"net_sink\"} 2.000002047\n"));
    cr_assert(has("latency_seconds_count{tile=\"sink\",idx=\"0\",link=\"net_sink\"} 3\n"));
    drop(page);
}

Test(metric_page, a_tile_is_up_only_in_its_loop_and_as_the_process_that_was_started_last)
{
    qs_metric_page_t *page = make(&qs_topo_listen, 1, 0);
    qs_cnc_tx_t cnc;
    cr_assert(eq(int, qs_cnc_tx_join(&cnc, at->wksp[0].mem + at->plan.tile[0].cnc_off), 0));
    qs_cnc_boot(&cnc, 77);
    at->boot.tile[0].pid = 77;
    at->boot.tile[0].deaths = 3;
    cr_assert(eq(u64, qs_metric_life(&page->view, 0, 0).up, 0), "it boots");
    qs_cnc_state_set(&cnc, QS_CNC_RUN);
    qs_cnc_heartbeat(&cnc, 1000);
    qs_life_metrics_t life = qs_metric_life(&page->view, 0, 1500);
    cr_assert(eq(u64, life.up, 1));
    cr_assert(eq(u64, life.death, 3));
    cr_assert(eq(u64, life.heartbeat_age_ns, 500));
    cr_assert(eq(u64, qs_metric_life(&page->view, 0, 900).heartbeat_age_ns, 0), "clocks differ");
    at->boot.tile[0].pid = 0;
    cr_assert(eq(u64, qs_metric_life(&page->view, 0, 0).up, 0), "it died in its loop");
    qs_cnc_end(&cnc, QS_CNC_HALTED, 0);
    cr_assert(eq(int, (int)qs_metric_tile_state(&page->view, 0), QS_CNC_HALTED));
    drop(page);
}

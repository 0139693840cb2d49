/* Overview: who this is, whether it is well, and what it does. */

#include "app/monitor/qs_mon_view.h"
#include "disco/gossip/qs_peers.h"
#include "disco/qs_store_tile.h"
#include "waltz/codec/qs_base58.h"

/* draw_identity finds our own row among the peers. */
static void
draw_identity(qs_mon_t const *m, qs_mon_cells_t *c, u32 y)
{
    int tile = qs_plan_tile_of(m->a->plan, "gossip");
    qs_plan_tile_t const *p = tile < 0 ? NULL : &m->a->plan->tile[tile];
    qs_peers_t const *peers = p ? qs_attach_at(m->a, (u32)tile, p->share_off, p->share_sz) : NULL;
    char key[QS_BASE58_32_MAX] = "none is known (no gossip)";
    qs_peers_row_t row;

    if (!qs_peers_sound(peers, p ? p->share_sz : 0))
        peers = NULL;
    for (u32 i = 0; peers && i < peers->max && i < QS_MON_ROW_MAX; i++)
        if (qs_peers_get(peers, i, &row) && row.own) {
            qs_base58_encode_32(key, row.pubkey);
            break;
        }
    qs_mon_putf(c, 1, y, QS_MON_PLAIN, "identity   %s", key);
}

static void
draw_slot(qs_mon_t const *m, qs_mon_cells_t *c, u32 y)
{
    int tile = qs_plan_tile_of(m->a->plan, "store");
    qs_store_view_t const *v =
        tile < 0 ? NULL
                 : qs_attach_at(m->a, (u32)tile, m->a->plan->tile[tile].state_off, sizeof(*v));
    u64 cnt = v ? qs_load_acquire(&v->cnt) : 0;

    if (cnt)
        qs_mon_putf(c, 1, y, QS_MON_PLAIN, "slot       %lu was finished last",
                    v->slot[(cnt - 1) % QS_STORE_VIEW_CNT].slot);
    else
        qs_mon_put(c, 1, y, QS_MON_PLAIN, "slot       none finished");
    qs_mon_putf(c, 1, y + 1, QS_MON_PLAIN, "blocks     %lu complete, %lu dead, %lu lost",
                qs_mon_own(m, "store", "slot_complete"), qs_mon_own(m, "store", "slot_dead"),
                qs_mon_own(m, "store", "slot_lost"));
}

static void
draw_health(qs_mon_t const *m, qs_mon_cells_t *c, u32 y)
{
    u32 cnt = m->a->plan->tile_cnt, run = 0, stale = 0;
    u64 deaths = 0, lost = 0;

    for (u32 i = 0; i < cnt; i++) {
        run += m->is->cnc[i].state == QS_CNC_RUN;
        stale += qs_mon_stale(m, i);
        deaths += m->is->life[i].deaths;
    }
    for (u32 i = 0; i < m->a->plan->link_cnt; i++)
        for (u32 k = 0; k < m->a->plan->link[i].consumer_cnt; k++)
            lost += m->is->in[i][k].lost;
    bool good = m->is->alive && run == cnt && !stale;
    char const *word = !m->is->alive ? "DEAD" : good ? "good" : "TROUBLE";
    u32 x = qs_mon_put(c, 1, y, QS_MON_PLAIN, "health     ");
    x = qs_mon_put(c, x, y, good ? QS_MON_GOOD : QS_MON_BAD, word);
    qs_mon_putf(c, x, y, QS_MON_PLAIN, ": %u of %u tiles run, %u stalled, %lu deaths, %lu lost",
                run, cnt, stale, deaths, lost);
}

static void
draw_rates(qs_mon_t const *m, qs_mon_cells_t *c, u32 y)
{
    static struct {
        char const *what, *row, *name;
    } const rate[] = {{"received", "net", "rx_datagram"}, {"sent", "net", "tx_datagram"},
                      {"shreds", "shred", "received"},    {"sets", "shred", "set_done"},
                      {"verified", "verify", "verified"}, {"first seen", "dedup", "passed"},
                      {"in blocks", "store", "txn"}};
    char per_s[16], all[16];

    for (u32 i = 0; i < QS_COUNT(rate); i++)
        qs_mon_putf(c, 1, y + i, QS_MON_PLAIN, "%-10s %8s/s %10s in all", rate[i].what,
                    qs_mon_human(per_s, qs_mon_own_rate(m, rate[i].row, rate[i].name)),
                    qs_mon_human(all, (double)qs_mon_own(m, rate[i].row, rate[i].name)));
}

void
qs_mon_overview(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    static char const *const rung[] = {"XDP, zero copy", "XDP, driver", "XDP, generic",
                                       "UDP sockets"};
    int net = qs_plan_tile_of(m->a->plan, "net");
    u64 at = 3;

    (void)ui;
    for (u32 i = 0; i < m->is->own_cnt; i++)
        if (!strcmp(m->is->own[i].desc->name, "rung") && !strcmp(m->is->own[i].tile->name, "net"))
            at = m->is->own[i].value;
    draw_identity(m, c, 3);
    draw_health(m, c, 4);
    qs_mon_putf(c, 1, 5, QS_MON_PLAIN, "provider   %s",
                net < 0               ? "none"
                : at < QS_COUNT(rung) ? rung[at]
                                      : "?");
    draw_slot(m, c, 6);
    draw_rates(m, c, 9);
}

/* Peers: who the gossip tile knows. */

#include <time.h>

#include "app/monitor/qs_mon_view.h"
#include "disco/gossip/qs_peers.h"
#include "waltz/codec/qs_base58.h"

static qs_mon_col_t const col[] = {{"key", 20, true},  {"gossip", 21, true}, {"version", 9, true},
                                   {"SOL", 8, false},  {"age", 7, false},    {"shred", 6, false},
                                   {"proven", 6, true}};

static void
add(qs_mon_table_t *t, qs_peers_row_t const *p, u64 now_ms)
{
    qs_mon_row_t *row = qs_mon_table_row(t);
    char key[QS_BASE58_32_MAX];
    u32 ip = p->ip[QS_PEERS_GOSSIP];

    qs_base58_encode_32(key, p->pubkey);
    qs_mon_text(row, 0, key);
    snprintf(row->text[1], QS_MON_TEXT_SZ, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255,
             ip >> 8 & 255, ip & 255, p->port[QS_PEERS_GOSSIP]);
    snprintf(row->text[2], QS_MON_TEXT_SZ, "%u.%u.%u", p->major, p->minor & 0x3fffu, p->patch);
    qs_mon_num(row, 3, (double)p->stake / 1e9);
    qs_mon_ns(row, 4, p->wallclock < now_ms ? (now_ms - p->wallclock) * 1000000 : 0);
    qs_mon_num(row, 5, p->shred_version);
    qs_mon_text(row, 6, p->own ? "own" : p->proven ? "yes" : "no");
}

void
qs_mon_peers(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    int tile = qs_plan_tile_of(m->a->plan, "gossip");
    qs_plan_tile_t const *p = tile < 0 ? NULL : &m->a->plan->tile[tile];
    qs_peers_t const *peers = p ? qs_attach_at(m->a, (u32)tile, p->share_off, p->share_sz) : NULL;
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (!qs_peers_sound(peers, p ? p->share_sz : 0)) {
        qs_mon_put(c, 1, 3, QS_MON_PLAIN, "no gossip tile");
        return;
    }
    u32 max = peers->max, cnt = qs_load_relaxed(&peers->cnt), seen = 0;
    for (u32 i = 0; i < max && seen < cnt && seen < QS_MON_ROW_MAX; i++) {
        qs_peers_row_t row;
        if (!qs_peers_get(peers, i, &row))
            continue;
        add(t, &row, (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000);
        seen++;
    }
    qs_mon_putf(c, 0, 2, QS_MON_PLAIN, " %u nodes%s", cnt,
                cnt > QS_MON_ROW_MAX ? ", the first 512 of them:" : "");
    qs_mon_table_draw(t, c, 3, ui);
}

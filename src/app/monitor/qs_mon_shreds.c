/* Shreds: the league of sources, then the slots, those in the making first; in data shreds, of which a
   set has QS_FEC_DATA_CNT. */

#include "app/monitor/qs_mon_view.h"
#include "disco/qs_format.h"
#include "disco/qs_shred_tile.h"
#include "disco/qs_store_tile.h"

#define BAR    28u
#define RECENT 64u /* slots looked at */

static qs_mon_col_t const col[] = {
    {"slot", 12, true}, {"state", 9, true},  {"received # recovered + missing !", 32, true},
    {"recv", 6, false}, {"recov", 6, false}, {"miss", 6, false},
    {"txns", 7, false}};

typedef struct slots {
    u32 cnt;
    struct {
        u64 slot;
        u32 sets, last; /* complete ones seen; number of the last */
        u32 received;   /* data shreds of these */
    } at[RECENT];
} slots_t;

/* state_of returns what a tile put first into its state. */
static void const *
state_of(qs_mon_t const *m, char const *name, u64 sz)
{
    int tile = qs_plan_tile_of(m->a->plan, name);
    return tile < 0 ? NULL : qs_attach_at(m->a, (u32)tile, m->a->plan->tile[tile].state_off, sz);
}

static void
add(qs_mon_table_t *t, u64 slot, char const *state, u32 received, u32 recovered, u32 missing)
{
    qs_mon_row_t *row = qs_mon_table_row(t);
    char bar[BAR + 1];

    row->key[0] = (double)slot;
    snprintf(row->text[0], QS_MON_TEXT_SZ, "%12lu", slot);
    qs_mon_text(row, 1, state);
    qs_mon_bar(bar, BAR, (double[]){received, recovered, missing}, "#+!", 3,
               (double)received + recovered + missing);
    qs_mon_text(row, 2, bar);
    qs_mon_num(row, 3, received);
    qs_mon_num(row, 4, recovered);
    qs_mon_num(row, 5, missing);
    row->tone = missing ? QS_MON_WARN : QS_MON_PLAIN;
}

static void
count(slots_t *s, qs_shred_view_set_t const *set)
{
    u32 i = 0, number = set->fec_idx / QS_FEC_DATA_CNT;

    while (i < s->cnt && s->at[i].slot != set->slot)
        i++;
    if (i == RECENT)
        return;
    if (i == s->cnt) {
        s->cnt++;
        s->at[i].slot = set->slot;
        s->at[i].sets = s->at[i].last = s->at[i].received = 0;
    }
    s->at[i].sets++;
    s->at[i].received += set->data_cnt < QS_FEC_DATA_CNT ? set->data_cnt : QS_FEC_DATA_CNT;
    if (number > s->at[i].last)
        s->at[i].last = number;
}

static bool
finished(qs_store_view_t const *v, u64 slot)
{
    for (u32 i = 0; v && i < QS_STORE_VIEW_CNT && i < v->cnt; i++)
        if (v->slot[i].slot == slot)
            return true;
    return false;
}

/* look counts the sets that the shred tile still remembers, by slot. */
static void
look(slots_t *s, qs_shred_view_t const *v)
{
    u64 end = v ? qs_load_acquire(&v->set_cnt) : 0;

    s->cnt = 0;
    for (u64 i = end; i && i + QS_SHRED_VIEW_CNT > end; i--)
        count(s, &v->set[(i - 1) % QS_SHRED_VIEW_CNT]);
}

/* add_progress adds the slots of which sets came and which the store has not finished.  A slot whose
   first sets have left the shred tile's memory seems to miss them. */
static void
add_progress(qs_mon_table_t *t, slots_t const *s, qs_store_view_t const *done)
{
    for (u32 i = 0; i < s->cnt; i++) {
        u32 all = s->at[i].last + 1, sets = s->at[i].sets;
        if (!finished(done, s->at[i].slot))
            add(t, s->at[i].slot, "assembled", s->at[i].received,
                sets * QS_FEC_DATA_CNT - s->at[i].received,
                all > sets ? (all - sets) * QS_FEC_DATA_CNT : 0);
    }
}

static void
add_finished(qs_mon_table_t *t, qs_store_view_t const *v)
{
    static char const *const status[] = {"?", "complete", "DEAD", "LOST"};
    u64 end = v ? qs_load_acquire(&v->cnt) : 0;

    for (u64 i = end; i && i + RECENT > end; i--) {
        qs_slot_info_t info = v->slot[(i - 1) % QS_STORE_VIEW_CNT];
        char const *name = info.status == QS_SLOT_COMPLETE ? status[1]
                           : info.status == QS_SLOT_DEAD   ? status[2]
                           : info.status == QS_SLOT_LOST   ? status[3]
                                                           : status[0];
        u32 all = info.set_cnt * QS_FEC_DATA_CNT;
        add(t, info.slot, name, info.received_cnt,
            all > info.received_cnt ? all - info.received_cnt : 0,
            info.missing_cnt * QS_FEC_DATA_CNT);
        if (t->row_cnt)
            qs_mon_num(&t->row[t->row_cnt - 1], 6, info.txn_cnt);
    }
}

/* draw_league draws a line for each feed that brought something, turbine too, and returns the next. */
static u32
draw_league(qs_mon_t const *m, qs_mon_cells_t *c, u32 y)
{
    for (u32 n = 0; n < 17 && y + 4 < c->h; n++) {
        char name[32], got[16], first[16], copy[16];
        snprintf(name, sizeof(name), "source%u_received", n);
        u64 received = qs_mon_own(m, "shred", name);
        if (!received)
            continue;
        snprintf(name, sizeof(name), "source%u_first", n);
        u64 led = qs_mon_own(m, "shred", name);
        snprintf(name, sizeof(name), "source%u_copy", n);
        qs_mon_putf(c, 1, y++, QS_MON_PLAIN, "%-8.31s received %-8s first %-8s copies %-8s",
                    n && n <= m->a->boot->cfg.shred_source_cnt
                        ? m->a->boot->cfg.shred_source[n - 1].name
                        : "turbine",
                    qs_mon_human(got, (double)received), qs_mon_human(first, (double)led),
                    qs_mon_human(copy, (double)qs_mon_own(m, "shred", name)));
    }
    return y;
}

void
qs_mon_shreds(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    qs_shred_view_t const *shred = state_of(m, "shred", sizeof(*shred));
    qs_store_view_t const *store = state_of(m, "store", sizeof(*store));
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    slots_t s;

    u32 y = draw_league(m, c, 2);
    if (!shred && !store)
        qs_mon_put(c, 1, y + 1, QS_MON_PLAIN, "no shred tile");
    look(&s, shred);
    add_progress(t, &s, store);
    add_finished(t, store);
    qs_mon_table_draw(t, c, y, ui);
}

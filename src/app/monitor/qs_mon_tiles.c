/* Tiles: what each does with its time, and whether it lives. */

#include "app/monitor/qs_mon_view.h"

#define BAR 20u

static qs_mon_col_t const col[] = {{"tile", 11, true},   {"state", 6, true},
                                   {"cpu", 3, false},    {"busy # blocked B", BAR, true},
                                   {"busy%", 5, false},  {"age", 7, false},
                                   {"starts", 6, false}, {"past", QS_MON_PAST_MAX, true},
                                   {"csw/s", 6, false},  {"block%", 6, false},
                                   {"pid", 7, false},    {"parks/s", 7, false}};

static void
draw_past(qs_mon_t const *m, u32 tile, char out[QS_MON_PAST_MAX + 1])
{
    static char const level[] = " .:-=+*#@";

    for (u32 i = 0; i < m->past_cnt; i++)
        out[i] = level[m->past[tile][i] * 8u / 100];
    out[m->past_cnt] = 0;
}

void
qs_mon_tiles(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    double s = qs_mon_seconds(m);

    for (u32 i = 0; i < m->a->plan->tile_cnt; i++) {
        qs_mon_row_t *row = qs_mon_table_row(t);
        qs_cnc_view_t const *cnc = &m->is->cnc[i];
        qs_mon_share_t sh = qs_mon_share(&m->was->stem[i], &m->is->stem[i]);
        char label[QS_NAME_MAX + 4], bar[BAR + 1], past[QS_MON_PAST_MAX + 1];
        bool stale = m->is->alive && qs_mon_stale(m, i);
        qs_mon_text(row, 0, qs_plan_label(m->a->plan, i, label, sizeof(label)));
        qs_mon_text(row, 1, stale ? "STALL" : qs_cnc_state_name(cnc->state));
        row->key[2] = m->a->plan->tile[i].cpu;
        snprintf(row->text[2], QS_MON_TEXT_SZ, "%d", m->a->plan->tile[i].cpu);
        qs_mon_bar(bar, BAR, (double[]){sh.busy, sh.blocked}, "#B", 2, 100);
        qs_mon_text(row, 3, bar);
        qs_mon_num(row, 4, sh.busy);
        qs_mon_ns(row, 5, qs_mon_age_ns(m, i));
        qs_mon_num(row, 6, (double)m->is->stem[i].start);
        draw_past(m, i, past);
        qs_mon_text(row, 7, past);
        qs_mon_num(row, 8, qs_mon_rate(m->was->switches[i], m->is->switches[i], s));
        qs_mon_num(row, 9, sh.blocked);
        row->key[10] = cnc->pid;
        snprintf(row->text[10], QS_MON_TEXT_SZ, "%u", cnc->pid);
        qs_mon_num(row, 11, qs_mon_rate(m->was->stem[i].park, m->is->stem[i].park, s));
        row->tone = stale || cnc->state == QS_CNC_FAILED ? QS_MON_BAD
                    : m->is->life[i].deaths              ? QS_MON_WARN
                                                         : QS_MON_PLAIN;
    }
    qs_mon_table_draw(t, c, 2, ui);
}

/* Links: each as one consumer reads it. */

#include "app/monitor/qs_mon_view.h"

static qs_mon_col_t const col[] = {{"link", 18, true}, {"reader", 9, true},  {"read/s", 7, false},
                                   {"used", 6, false}, {"lost", 7, false},   {"p50", 7, false},
                                   {"p99", 7, false},  {"depth", 6, false},  {"pub/s", 7, false},
                                   {"bad", 5, false},  {"nocred", 6, false}, {"kind", 10, true}};

void
qs_mon_links(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    static char const *const kind[] = {"lossy", "reliable", "expendable"};
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    double s = qs_mon_seconds(m);
    char label[QS_NAME_MAX + 4];

    for (u32 i = 0; i < m->a->plan->link_cnt; i++) {
        qs_plan_link_t const *l = &m->a->plan->link[i];
        for (u32 k = 0; k < l->consumer_cnt; k++) {
            qs_mon_row_t *row = qs_mon_table_row(t);
            qs_in_metrics_t const *was = &m->was->in[i][k], *in = &m->is->in[i][k];
            u64 zero = m->zero ? m->zero->in[i][k].lost : 0;
            u64 lost = in->lost >= zero ? in->lost - zero : in->lost;
            qs_mon_text(row, 0, l->name);
            qs_mon_text(row, 1, qs_plan_label(m->a->plan, l->consumer[k], label, sizeof(label)));
            qs_mon_num(row, 2, qs_mon_rate(was->frag, in->frag, s));
            qs_mon_num(row, 3, (double)m->is->used[i][k]);
            qs_mon_num(row, 4, (double)lost);
            qs_mon_ns(row, 5, m->is->p50[i][k]);
            qs_mon_ns(row, 6, m->is->p99[i][k]);
            qs_mon_num(row, 7, l->depth);
            qs_mon_num(row, 8, qs_mon_rate(m->was->out[i].frag, m->is->out[i].frag, s));
            qs_mon_num(row, 9, (double)in->bad);
            qs_mon_num(row, 10, (double)m->is->out[i].no_credit);
            qs_mon_text(row, 11, l->flow < QS_COUNT(kind) ? kind[l->flow] : "?");
            row->tone = in->bad ? QS_MON_BAD : lost ? QS_MON_WARN : QS_MON_PLAIN;
        }
    }
    qs_mon_table_draw(t, c, 2, ui);
}

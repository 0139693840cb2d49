/* Transactions: from the wire through verify and dedup. */

#include "app/monitor/qs_mon_view.h"

static qs_mon_col_t const col[] = {{"tile", 9, true},
                                   {"metric", 18, true},
                                   {"value", 7, false},
                                   {"per s", 7, false},
                                   {"what", 47, true}};

void
qs_mon_txns(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    static char const *const row[] = {"verify", "dedup", "poh", "txnload", "txnsink"};
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    char looked[16], verified[16], passed[16];
    u32 cnt = 0;

    qs_mon_putf(c, 0, 2, QS_MON_PLAIN, " looked at %s/s  verified %s/s  passed dedup %s/s",
                qs_mon_human(looked, qs_mon_own_rate(m, "verify", "frame")),
                qs_mon_human(verified, qs_mon_own_rate(m, "verify", "verified")),
                qs_mon_human(passed, qs_mon_own_rate(m, "dedup", "passed")));
    for (u32 i = 0; i < QS_COUNT(row); i++)
        cnt += qs_mon_reasons(m, t, row[i]);
    if (!cnt)
        qs_mon_put(c, 1, 5, QS_MON_PLAIN, "no transaction has come");
    qs_mon_table_draw(t, c, 3, ui);
}

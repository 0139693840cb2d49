/* Net: how datagrams come in and go out, and why some do not. */

#include "app/monitor/qs_mon_view.h"

static qs_mon_col_t const col[] = {{"tile", 9, true},
                                   {"metric", 18, true},
                                   {"value", 7, false},
                                   {"per s", 7, false},
                                   {"what", 47, true}};

void
qs_mon_net(qs_mon_t const *m, qs_mon_cells_t *c, qs_mon_ui_t *ui)
{
    qs_mon_table_t *t = qs_mon_table_begin(col, QS_COUNT(col));
    char rx[16], tx[16], calls[16];
    int net = qs_plan_tile_of(m->a->plan, "net");

    qs_mon_putf(c, 0, 2, QS_MON_PLAIN, " received %s/s  sent %s/s  calls %s/s  queues %u",
                qs_mon_human(rx, qs_mon_own_rate(m, "net", "rx_datagram")),
                qs_mon_human(tx, qs_mon_own_rate(m, "net", "tx_datagram")),
                qs_mon_human(calls, qs_mon_own_rate(m, "net", "rx_call") +
                                        qs_mon_own_rate(m, "net", "tx_call")),
                net < 0 ? 0u : m->a->plan->tile[net].cnt);
    if (!qs_mon_reasons(m, t, "net"))
        qs_mon_put(c, 1, 5, QS_MON_PLAIN, "no net tile, or nothing came or went");
    qs_mon_table_draw(t, c, 3, ui);
}

#include "tango/qs_fctl.h"

void
qs_fctl_init(qs_fctl_t *fctl, u64 window, u64 patience)
{
    *fctl = (qs_fctl_t){.window = window, .patience = patience};
}

int
qs_fctl_add(qs_fctl_t *fctl, qs_fseq_t const *fseq, bool expendable)
{
    if (fctl->rx_cnt == QS_FCTL_RX_MAX)
        return -ENOSPC;
    fctl->rx[fctl->rx_cnt++] = (qs_fctl_rx_t){.fseq = fseq, .expendable = expendable};
    return 0;
}

/* run_out_of_patience is asked when rx leaves the producer no credit. */
static bool
run_out_of_patience(qs_fctl_t *fctl, qs_fctl_rx_t *rx, u64 pos, u64 now)
{
    if (!rx->stuck || pos != rx->seen) {
        rx->stuck = true;
        rx->seen = pos;
        rx->since = now;
        return false;
    }
    if (now - rx->since < fctl->patience)
        return false;
    rx->cut = true;
    fctl->cut_total++;
    return true;
}

u64
qs_fctl_query(qs_fctl_t *fctl, u64 seq, u64 now)
{
    u64 credits = fctl->window;

    for (u32 i = 0; i < fctl->rx_cnt; i++) {
        qs_fctl_rx_t *rx = &fctl->rx[i];
        u64 pos = qs_fseq_query(rx->fseq);
        u64 lag = (i64)(seq - pos) < 0 ? 0 : seq - pos;

        if (lag < fctl->window) {
            rx->cut = false;
            rx->stuck = false;
        } else if (rx->expendable && (rx->cut || run_out_of_patience(fctl, rx, pos, now))) {
            continue;
        }
        u64 mine = lag < fctl->window ? fctl->window - lag : 0;
        credits = mine < credits ? mine : credits;
    }
    return credits;
}

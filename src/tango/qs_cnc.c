#include "tango/qs_cnc.h"

#define CNC_MAGIC 0x716e636373746131ull /* bump the last digit on ABI change */
#define CMD_MAGIC 0x71636d64776f7231ull

static char const *const state_name[] = {
    [QS_CNC_BOOT] = "boot",     [QS_CNC_INIT] = "init",     [QS_CNC_RUN] = "run",
    [QS_CNC_HALTED] = "halted", [QS_CNC_FAILED] = "failed",
};

static int
check_mem(void const *mem)
{
    return mem && !((uintptr_t)mem % QS_ALIGN) ? 0 : -EFAULT;
}

/* check_magic looks at the first word of mem, where both objects keep it. */
static int
check_magic(void const *mem, u64 magic)
{
    int err = check_mem(mem);
    if (err)
        return err;
    return qs_load_acquire((u64 const *)mem) == magic ? 0 : -EPROTO; /* pairs with new */
}

u64
qs_cnc_footprint(void)
{
    return sizeof(qs_cnc_t);
}

u64
qs_cmd_footprint(void)
{
    return sizeof(qs_cmd_word_t);
}

int
qs_cnc_new(void *mem)
{
    int err = check_mem(mem);
    if (err)
        return err;
    qs_cnc_t *cnc = mem;
    memset(cnc, 0, sizeof(*cnc));
    qs_store_release(&cnc->magic, CNC_MAGIC);
    return 0;
}

int
qs_cmd_new(void *mem)
{
    int err = check_mem(mem);
    if (err)
        return err;
    qs_cmd_word_t *word = mem;
    memset(word, 0, sizeof(*word));
    qs_store_release(&word->magic, CMD_MAGIC);
    return 0;
}

int
qs_cnc_tx_join(qs_cnc_tx_t *tx, void *mem)
{
    int err = check_magic(mem, CNC_MAGIC);
    if (!err)
        tx->cnc = mem;
    return err;
}

int
qs_cnc_rx_join(qs_cnc_rx_t *rx, void const *mem)
{
    int err = check_magic(mem, CNC_MAGIC);
    if (!err)
        rx->cnc = mem;
    return err;
}

int
qs_cmd_tx_join(qs_cmd_tx_t *tx, void *mem)
{
    int err = check_magic(mem, CMD_MAGIC);
    if (!err)
        tx->word = mem;
    return err;
}

int
qs_cmd_rx_join(qs_cmd_rx_t *rx, void const *mem)
{
    int err = check_magic(mem, CMD_MAGIC);
    if (!err)
        rx->word = mem;
    return err;
}

void
qs_cnc_boot(qs_cnc_tx_t *tx, u32 pid)
{
    qs_cnc_t *cnc = tx->cnc;
    if (cnc->pid)
        qs_store_relaxed(&cnc->restarts, cnc->restarts + 1); /* T3 */
    qs_store_relaxed(&cnc->pid, pid);                        /* T3 */
    qs_store_relaxed(&cnc->heartbeat_ns, 0);                 /* T3 */
    qs_cnc_state_set(tx, QS_CNC_BOOT);
}

qs_cnc_view_t
qs_cnc_query(qs_cnc_rx_t const *rx)
{
    qs_cnc_t const *cnc = rx->cnc;
    u32 state = qs_load_acquire(&cnc->state); /* R1 */
    return (qs_cnc_view_t){
        .state = state < QS_CNC_UNKNOWN ? (qs_cnc_state_t)state : QS_CNC_UNKNOWN,
        .reason = qs_load_relaxed(&cnc->reason), /* R2 */
        .pid = qs_load_relaxed(&cnc->pid),
        .restarts = qs_load_relaxed(&cnc->restarts),
        .heartbeat_ns = qs_load_relaxed(&cnc->heartbeat_ns),
    };
}

char const *
qs_cnc_state_name(u32 state)
{
    return state < QS_COUNT(state_name) ? state_name[state] : "?";
}

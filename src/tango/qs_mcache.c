#include "tango/qs_mcache.h"

#define MCACHE_MAGIC 0x3165686361636d71ull /* "qmcache1"; the digit changes with the ABI */

static int
check_mem(void const *mem)
{
    return mem && !((uintptr_t)mem % QS_ALIGN) ? 0 : -EFAULT;
}

/* check_mcache reads depth and window once: a hostile producer may change them while we look. */
static int
check_mcache(qs_mcache_t const *m, u64 mem_sz, u64 *depth, u64 *window)
{
    int err = check_mem(m);
    if (err)
        return err;
    if (mem_sz < sizeof(*m) || qs_load_acquire(&m->magic) != MCACHE_MAGIC) /* pairs with new */
        return -EPROTO;
    *depth = qs_load_relaxed(&m->depth);
    *window = qs_load_relaxed(&m->window);
    u64 sz = qs_mcache_footprint(*depth);
    if (!sz || sz > mem_sz || *window < 2 || *window > *depth)
        return -EPROTO;
    return 0;
}

u64
qs_mcache_footprint(u64 depth)
{
    if (!qs_is_pow2(depth) || depth < 2 || depth > QS_MCACHE_DEPTH_MAX)
        return 0;
    return qs_align_up(sizeof(qs_mcache_t) + depth * sizeof(qs_mline_t), QS_ALIGN);
}

int
qs_mcache_new(void *mem, u64 depth, u64 window, u64 seq0)
{
    int err = check_mem(mem);
    if (err)
        return err;
    if (!qs_mcache_footprint(depth) || window < 2 || window > depth)
        return -EINVAL;

    qs_mcache_t *m = mem;
    m->magic = 0;
    m->depth = depth;
    m->window = window;
    m->seq0 = seq0;
    m->reserve = seq0 - 1;
    m->bound = seq0;
    for (u64 i = 0; i < depth; i++) {
        u64 seq = seq0 + i;
        m->line[seq & (depth - 1)] = (qs_mline_t){.word = {seq - depth}}; /* every reader waits */
    }
    qs_store_release(&m->magic, MCACHE_MAGIC); /* pairs with check_mcache */
    return 0;
}

/* first_unpublished scans at most one turn of the ring, whatever is written there.  If bound is
   older than that, its line says how many turns it missed. */
static u64
first_unpublished(qs_mcache_tx_t const *tx)
{
    u64 seq = qs_load_acquire(tx->bound); /* pairs with P5 */
    u64 found = qs_load_acquire(&tx->line[seq & tx->mask].word[0]);

    if ((i64)(found - seq) > 0)
        seq = found;

    for (u64 i = 0; i <= tx->mask; i++) {
        if (qs_load_acquire(&tx->line[seq & tx->mask].word[0]) != seq)
            break;
        seq++;
    }
    return seq;
}

int
qs_mcache_tx_join(qs_mcache_tx_t *tx, void *mem, u64 mem_sz)
{
    qs_mcache_t *m = mem;
    u64 depth, window;
    int err = check_mcache(m, mem_sz, &depth, &window);
    if (err)
        return err;

    *tx = (qs_mcache_tx_t){.line = m->line,
                           .reserve = &m->reserve,
                           .bound = &m->bound,
                           .mask = depth - 1,
                           .window = window};
    tx->seq = first_unpublished(tx);
    tx->reserved = qs_load_relaxed(tx->reserve);
    if ((i64)(tx->reserved - (tx->seq - 1)) < 0)
        return -EPROTO;         /* a line was published that nobody announced */
    qs_fence(__ATOMIC_RELEASE); /* P2 for what the last producer announced and we shall write */
    return 0;
}

int
qs_mcache_rx_join(qs_mcache_rx_t *rx, void const *mem, u64 mem_sz, u64 seq)
{
    qs_mcache_t const *m = mem;
    u64 depth, window;
    int err = check_mcache(m, mem_sz, &depth, &window);
    if (err)
        return err;

    *rx = (qs_mcache_rx_t){
        .line = m->line, .reserve = &m->reserve, .mask = depth - 1, .window = window, .seq = seq};
    return 0;
}

int
qs_mcache_give(void *mem, u64 mem_sz, u64 idx, u32 chunk, u16 ctl)
{
    qs_mcache_t *m = mem;
    u64 depth, window;
    int err = check_mcache(m, mem_sz, &depth, &window);
    if (err)
        return err;
    if (idx >= depth)
        return -EINVAL;
    qs_store_relaxed(&m->line[idx].word[2], (u64)chunk | (u64)ctl << 48);
    return 0;
}

u64
qs_mcache_seq0(void const *mem)
{
    return ((qs_mcache_t const *)mem)->seq0;
}

/* skip_to_resume moves rx forward to the resume point for this reserve, never back: a producer that
   lies about reserve can make us lose its fragments, not make us count backwards. */
static void
skip_to_resume(qs_mcache_rx_t *rx, u64 reserve)
{
    u64 resume = reserve - rx->window / 2;

    if ((i64)(resume - rx->seq) <= 0)
        return;
    rx->lost += resume - rx->seq;
    rx->seq = resume;
}

void
qs_mcache_lapped_(qs_mcache_rx_t *rx)
{
    skip_to_resume(rx, qs_load_relaxed(rx->reserve)); /* C1 saw P4, so this sees its P1 or later */
}

u32
qs_mcache_void_(qs_mcache_rx_t *rx, u64 reserve, u32 cnt)
{
    u64 first_seq = rx->seq - cnt;
    u64 gone = reserve - rx->window + 1 - first_seq;
    u32 void_cnt = gone < cnt ? (u32)gone : cnt;

    rx->lost += void_cnt;
    skip_to_resume(rx, reserve);
    return void_cnt;
}

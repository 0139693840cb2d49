#include "disco/feed/qs_feed_tx.h"

#include "tango/base/qs_base.h"

u64
qs_feed_tx_footprint(u64 line_cnt, u64 data_sz)
{
    if (line_cnt < 2 || line_cnt > QS_FEED_LINE_MAX || (line_cnt & (line_cnt - 1)) ||
        data_sz < QS_FEED_DATA_MIN || data_sz > QS_FEED_DATA_MAX || (data_sz & (data_sz - 1)))
        return 0;
    return qs_align_up(sizeof(qs_feed_head_t) + line_cnt * sizeof(qs_feed_line_t), QS_ALIGN) +
           data_sz;
}

int
qs_feed_tx_new(void *mem, u64 line_cnt, u64 data_sz, u64 unix_ns)
{
    u64 sz = qs_feed_tx_footprint(line_cnt, data_sz);
    qs_feed_head_t *h = mem;

    if (!sz)
        return -EINVAL;
    h->abi = QS_FEED_ABI;
    h->rec_sz = sizeof(qs_feed_rec_t);
    h->sz = sz;
    h->line_cnt = line_cnt;
    h->line_off = sizeof(*h);
    h->data_sz = data_sz;
    h->data_off = sz - data_sz;
    h->unix_ns = unix_ns;
    h->next_seq = 1;
    qs_store_release(&h->magic, QS_FEED_MAGIC);
    return 0;
}

/* find_place scans from the bound on while each line holds its record. */
static void
find_place(qs_feed_tx_t *tx)
{
    qs_feed_head_t const *h = tx->head;

    tx->seq = qs_load_relaxed(&h->next_seq);
    for (u64 i = 0; i <= tx->line_mask; i++, tx->seq++)
        if (qs_load_acquire(&tx->line[tx->seq & tx->line_mask].seq) != tx->seq)
            break;
    qs_feed_line_t const *last = &tx->line[(tx->seq - 1) & tx->line_mask];
    tx->pos = tx->seq > 1 && last->seq == tx->seq - 1
                  ? last->pos + qs_align_up(last->sz, QS_FEED_UNIT)
                  : qs_align_up(h->reserve_end, QS_FEED_UNIT);
}

int
qs_feed_tx_join(qs_feed_tx_t *tx, void *mem, u64 sz)
{
    qs_feed_head_t *h = mem;
    u64 need = sz < sizeof(*h) || qs_load_acquire(&h->magic) != QS_FEED_MAGIC
                   ? 0
                   : qs_feed_tx_footprint(h->line_cnt, h->data_sz);

    if (!need || need > sz || h->sz != need || h->abi != QS_FEED_ABI || h->line_off != sizeof(*h) ||
        h->data_off != need - h->data_sz)
        return -EPROTO;
    *tx = (qs_feed_tx_t){.head = h,
                         .line = (qs_feed_line_t *)((u8 *)mem + h->line_off),
                         .data = (u8 *)mem + h->data_off,
                         .line_mask = h->line_cnt - 1,
                         .data_mask = h->data_sz - 1,
                         .unix_ns = h->unix_ns};
    find_place(tx);
    return 0;
}

static u64
unix_time(qs_feed_tx_t const *tx, u64 ns)
{
    return ns ? ns + tx->unix_ns : 0;
}

u64
qs_feed_tx_publish(qs_feed_tx_t *tx, qs_feed_rec_t const *rec, void const *head, u64 head_sz,
                   void const *body, u64 body_sz, u64 now_ns)
{
    u64 sz = sizeof(*rec) + head_sz + body_sz, seq = tx->seq;
    QS_ASSERT(sz <= QS_FEED_REC_MAX);
    if ((tx->pos & tx->data_mask) + sz > tx->data_mask + 1) /* records do not wrap */
        tx->pos = qs_align_up(tx->pos, tx->data_mask + 1);
    u64 end = tx->pos + sz;

    qs_store_relaxed(&tx->head->reserve_seq, qs_max_u64(seq, tx->head->reserve_seq)); /* R1 */
    qs_store_relaxed(&tx->head->reserve_end, qs_max_u64(end, tx->head->reserve_end));
    qs_fence(__ATOMIC_RELEASE); /* R2 */

    qs_feed_rec_t r = *rec;
    u8 *at = tx->data + (tx->pos & tx->data_mask);
    r.seq = seq;
    r.sz = (u32)(head_sz + body_sz);
    r.arrival_ns = unix_time(tx, rec->arrival_ns);
    r.verified_ns = unix_time(tx, rec->verified_ns);
    r.complete_ns = unix_time(tx, rec->complete_ns);
    r.published_ns = unix_time(tx, now_ns);
    qs_feed_racy(at, &r, sizeof(r));
    qs_feed_racy(at + sizeof(r), head, head_sz);
    if (body_sz)
        qs_feed_racy(at + sizeof(r) + head_sz, body, body_sz);

    qs_feed_line_t *l = &tx->line[seq & tx->line_mask];
    qs_store_relaxed(&l->pos, tx->pos); /* R3 */
    qs_store_relaxed(&l->sz, (u32)sz);
    qs_store_relaxed(&l->kind, rec->kind);
    qs_store_relaxed(&l->slot, rec->slot);
    qs_store_release(&l->seq, seq);                 /* R4 */
    qs_store_release(&tx->head->next_seq, seq + 1); /* R5 */
    tx->pos += qs_align_up(sz, QS_FEED_UNIT);
    tx->seq = seq + 1;
    return seq;
}

void
qs_feed_tx_beat(qs_feed_tx_t *tx, u64 now_ns)
{
    qs_store_relaxed(&tx->head->beat_ns, now_ns);
}

void
qs_feed_tx_end(qs_feed_tx_t *tx)
{
    qs_store_relaxed(&tx->head->beat_ns, UINT64_MAX);
}

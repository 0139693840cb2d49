/* qs_mcache - the ring of fragment descriptors that joins two tiles.

   One producer publishes, any number of consumers read.  The producer never looks at its
   consumers: whether it may overwrite is the business of qs_fctl.  A descriptor is a line
   of four u64 words; the line of fragment n is n % depth:

       word 0   seq      which fragment this is; everything else is void until it says n
       word 1   sig      the producer's tag, filterable without touching the payload
       word 2   chunk:32 | sz:16 | ctl:16             payload position, bytes, flags
       word 3   ts_origin:32 | ts_publish:32          low halves of two ns stamps

       depth = 4, next to publish = 6      line 0   line 1   line 2   line 3
                                    seq  |    4   |    5   |    2   |    3   |

   A batch is announced once, then its lines are published one by one:

       producer                                 consumer
       P1  reserve <- last seq    relaxed       C1  line.seq == n          acquire  (pairs with P4)
       P2  fence                  release       C2  the other three words  relaxed
           payloads of the batch, only now          copy the payload       (qs_racy_copy)
       P3  three words per line   relaxed       C3  fence                  acquire  (pairs with P2)
       P4  line.seq <- n          release       C4  reserve                relaxed
       P5  bound <- n + 1         release           (now and then)

   n > reserve - window at C4 means descriptor and payload are fragment n's, whole: whoever
   saw a byte that the producer wrote after P2 sees the reserve of P1 at C4.  C3 and C4 stand
   once behind a batch.  On a reliable link credits promise it, and they are not needed.

   window is how many payloads live at once: depth, or less when the dcache holds fewer.
   P1 may announce more than is published in the end, by at most window / 2, so that what a lapped
   consumer resumes at, reserve - window / 2, is not beyond the newest; or only until the
   publishes before P1, which may be seen after it, have arrived.

   State outlives a process.  A new producer finds its next sequence from `bound`, a lower
   bound stored now and then (P5: never before the lines below it), and scans forward while
   each line holds the expected seq: a line half written by one that was killed still holds
   its old seq and counts as not published.  reserve never goes back.

   Threads: one tx, many rx, in any processes.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_MCACHE_H
#define QS_TANGO_MCACHE_H

#include "tango/base/qs_bits.h"

#define QS_MCACHE_DEPTH_MAX (1ull << 30)

/* qs_frag_t is a descriptor out of the ring: what peek unpacks and publish packs. */
typedef struct qs_frag {
    u64 seq;        /* set by the ring */
    u64 sig;        /* producer-defined tag */
    u32 chunk;      /* payload position in its workspace, in units of 64 bytes */
    u16 sz;         /* payload bytes */
    u16 ctl;        /* QS_CTL_* of disco/qs_format.h */
    u32 ts_origin;  /* when the first byte reached us, low 32 bits of ns */
    u32 ts_publish; /* when this descriptor was published, likewise */
} qs_frag_t;

/* qs_mline_t is a descriptor in the ring: shared memory ABI. */
typedef struct qs_mline {
    u64 word[4];
} qs_mline_t;

_Static_assert(sizeof(qs_mline_t) == 32, "a ring line is shared memory ABI");
_Static_assert(offsetof(qs_frag_t, chunk) == 16 && offsetof(qs_frag_t, sz) == 20 &&
                   offsetof(qs_frag_t, ctl) == 22 && offsetof(qs_frag_t, ts_origin) == 24 &&
                   offsetof(qs_frag_t, ts_publish) == 28,
               "unpack copies words 2 and 3 whole on little-endian machines");

/* The shared object.  Only the functions below touch it. */
typedef struct qs_mcache {
    u64 magic;
    u64 depth;
    u64 window;
    u64 seq0;
    alignas(QS_ALIGN) u64 reserve; /* last sequence announced (P1, C4) */
    u64 bound;                     /* the next sequence is at least this */
    alignas(QS_ALIGN) qs_mline_t line[];
} qs_mcache_t;

/* A join is a role: who holds an rx has no function that could write to the ring. */
typedef struct qs_mcache_tx {
    qs_mline_t *line;
    u64 *reserve;
    u64 *bound;
    u64 mask;
    u64 window;
    u64 seq;      /* next to publish */
    u64 reserved; /* last announced */
} qs_mcache_tx_t;

typedef struct qs_mcache_rx {
    qs_mline_t const *line;
    u64 const *reserve;
    u64 mask;
    u64 window;
    u64 seq;  /* next to read */
    u64 lost; /* fragments skipped since the join, exactly */
} qs_mcache_rx_t;

/* qs_mcache_footprint returns the bytes of a ring of depth lines, or 0 unless depth is a
   power of two in [2, 2^30]. */
u64 qs_mcache_footprint(u64 depth);

/* qs_mcache_new formats mem (footprint bytes, QS_ALIGN aligned) as an empty ring whose first
   fragment will be seq0.  Returns 0, -EFAULT (mem is null or misaligned) or -EINVAL (depth,
   or window not in [2, depth]). */
int qs_mcache_new(void *mem, u64 depth, u64 window, u64 seq0);

/* qs_mcache_tx_join makes tx the producer of the ring at mem and takes up where the last one
   was killed: tx->seq is the first sequence that was not published.  There may be one
   producer at a time.  Returns 0, -EFAULT, or -EPROTO if the mem_sz bytes at mem do not hold
   an mcache of this ABI.  Valid while mem is mapped; nothing to leave. */
int qs_mcache_tx_join(qs_mcache_tx_t *tx, void *mem, u64 mem_sz);

/* qs_mcache_rx_join makes rx a reader of the ring at mem, which may be mapped read-only,
   whose next fragment is seq, not before the ring's first.  Returns as tx_join; what a hostile producer wrote there can
   make it fail but not read outside mem_sz. */
int qs_mcache_rx_join(qs_mcache_rx_t *rx, void const *mem, u64 mem_sz, u64 seq);

/* qs_mcache_give writes a payload's position into line `idx` of a ring that has not published
   anything yet, so that every line is born owning a frame (DESIGN 10).  Returns 0, -EFAULT,
   -EPROTO as tx_join, or -EINVAL (idx >= depth). */
int qs_mcache_give(void *mem, u64 mem_sz, u64 idx, u32 chunk, u16 ctl);

/* qs_mcache_seq0 returns the first sequence the ring at mem was made for. */
u64 qs_mcache_seq0(void const *mem);

/* qs_mcache_lapped_ and qs_mcache_void_ are the slow halves of peek and settle. */
void qs_mcache_lapped_(qs_mcache_rx_t *rx);
u32 qs_mcache_void_(qs_mcache_rx_t *rx, u64 reserve, u32 cnt);

/* qs_mcache_reserve announces that tx->seq .. tx->seq + cnt - 1 are about to be written:
   consumers treat what they replace as gone.  Payloads of the batch may be written once it
   returns.  cnt is in [1, window / 2]. */
QS_INLINE void
qs_mcache_reserve(qs_mcache_tx_t *tx, u64 cnt)
{
    u64 last = tx->seq + cnt - 1;

    if ((i64)(last - tx->reserved) <= 0)
        return;
    QS_ASSERT(cnt <= tx->window / 2);
    tx->reserved = last;
    qs_store_relaxed(tx->reserve, last); /* P1 */
    qs_fence(__ATOMIC_RELEASE);          /* P2 */
}

/* qs_mcache_publish gives frag the sequence tx->seq, which must have been reserved, and makes
   it visible.  The payload is in place.  frag->seq is not read. */
QS_INLINE void
qs_mcache_publish(qs_mcache_tx_t *tx, qs_frag_t const *frag)
{
    u64 seq = tx->seq;
    u64 *word = tx->line[seq & tx->mask].word;

    QS_ASSERT((i64)(tx->reserved - seq) >= 0);
    qs_store_relaxed(&word[1], frag->sig); /* P3 */
    qs_store_relaxed(&word[2],
                     (u64)frag->chunk | (u64)frag->sz << 32 | (u64)frag->ctl << 48); /* P3 */
    qs_store_relaxed(&word[3], (u64)frag->ts_origin | (u64)frag->ts_publish << 32);  /* P3 */
    qs_store_release(&word[0], seq);                                                 /* P4 */
    tx->seq = seq + 1;
}

/* qs_mcache_sync stores the lower bound from which a restarted producer scans.  Called now and
   then; a rare call costs the next producer a longer scan and nothing else. */
QS_INLINE void
qs_mcache_sync(qs_mcache_tx_t *tx)
{
    qs_store_release(tx->bound, tx->seq); /* P5 */
}

/* qs_mline_unpack_ fills all of frag but seq.  Where the fields of qs_frag_t lie as the words pack
   them, two stores do instead of ten instructions. */
QS_INLINE void
qs_mline_unpack_(qs_mline_t const *line, qs_frag_t *frag)
{
    frag->sig = qs_load_relaxed(&line->word[1]); /* C2 */
    u64 where = qs_load_relaxed(&line->word[2]); /* C2 */
    u64 when = qs_load_relaxed(&line->word[3]);  /* C2 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy((u8 *)frag + offsetof(qs_frag_t, chunk), &where, sizeof(where));
    memcpy((u8 *)frag + offsetof(qs_frag_t, ts_origin), &when, sizeof(when));
#else
    frag->chunk = (u32)where;
    frag->sz = (u16)(where >> 32);
    frag->ctl = (u16)(where >> 48);
    frag->ts_origin = (u32)when;
    frag->ts_publish = (u32)(when >> 32);
#endif
}

/* qs_mcache_evictee unpacks the line that the next publish will overwrite, whose payload the
   producer may take back: net swaps the frame named there into the fill ring (DESIGN 10).
   Call it after reserve. */
QS_INLINE void
qs_mcache_evictee(qs_mcache_tx_t const *tx, qs_frag_t *frag)
{
    qs_mline_t const *line = &tx->line[tx->seq & tx->mask];

    frag->seq = qs_load_relaxed(&line->word[0]);
    qs_mline_unpack_(line, frag);
}

/* qs_mcache_evictee_at is evictee's payload position alone, in bytes of the workspace, for payloads
   that begin anywhere (their ctl is the low six bits). */
QS_INLINE u64
qs_mcache_evictee_at(qs_mcache_tx_t const *tx)
{
    u64 where = qs_load_relaxed(&tx->line[tx->seq & tx->mask].word[2]);
    return (u64)(u32)where << 6 | (where >> 48 & 63);
}

/* qs_mcache_line unpacks line idx of the producer's ring whatever it holds, idx < depth; qs_mcache_own
   writes the position of a payload into it.  For a producer that starts, before it publishes: the
   first finds the frames that its lines own, the second gives one to a line that owns none. */
QS_INLINE void
qs_mcache_line(qs_mcache_tx_t const *tx, u64 idx, qs_frag_t *frag)
{
    qs_mline_t const *line = &tx->line[idx & tx->mask];

    frag->seq = qs_load_relaxed(&line->word[0]);
    qs_mline_unpack_(line, frag);
}

QS_INLINE void
qs_mcache_own(qs_mcache_tx_t const *tx, u64 idx, u32 chunk)
{
    qs_store_relaxed(&tx->line[idx & tx->mask].word[2], (u64)chunk);
}

/* qs_mcache_last unpacks the newest fragment that was published; all 0 if there is none yet. */
QS_INLINE void
qs_mcache_last(qs_mcache_tx_t const *tx, qs_frag_t *frag)
{
    u64 seq = tx->seq - 1;
    qs_mline_t const *line = &tx->line[seq & tx->mask];

    *frag = (qs_frag_t){0};
    if (qs_load_relaxed(&line->word[0]) != seq)
        return;
    qs_mline_unpack_(line, frag);
    frag->seq = seq;
}

/* qs_mcache_peek unpacks up to max descriptors from rx->seq on into frag[] and returns how
   many there were, without consuming them.  0 means none is there yet, or that the producer
   lapped us: then rx->seq and rx->lost have moved on and the next call reads on from there. */
QS_INLINE u32
qs_mcache_peek(qs_mcache_rx_t *rx, qs_frag_t *frag, u32 max)
{
    qs_mline_t const *ring = rx->line; /* read once: the compiler must think frag may alias rx */
    u64 mask = rx->mask;
    u64 seq = rx->seq;
    u64 found = seq;
    u32 cnt = 0;

    for (; cnt < max; cnt++, seq++) {
        qs_mline_t const *line = &ring[seq & mask];
        found = qs_load_acquire(&line->word[0]); /* C1 */
        if (found != seq)
            break;
        frag[cnt].seq = seq;
        qs_mline_unpack_(line, &frag[cnt]);
    }
    if (!cnt && (i64)(found - seq) > 0)
        qs_mcache_lapped_(rx);
    return cnt;
}

/* qs_mcache_ready says whether peek would find or learn something now. */
QS_INLINE bool
qs_mcache_ready(qs_mcache_rx_t const *rx)
{
    u64 found = qs_load_acquire(&rx->line[rx->seq & rx->mask].word[0]); /* C1 */
    return (i64)(found - rx->seq) >= 0;
}

/* qs_mcache_advance consumes cnt peeked fragments of a reliable link. */
QS_INLINE void
qs_mcache_advance(qs_mcache_rx_t *rx, u32 cnt)
{
    rx->seq += cnt;
}

/* qs_mcache_settle consumes cnt peeked fragments of a link on which we may be lapped, after
   their payloads were copied.  Returns how many of them, the first ones, are void: their
   descriptors and copies are garbage.  They and whatever is skipped to resume at reserve -
   window / 2 are added to rx->lost. */
QS_INLINE u32
qs_mcache_settle(qs_mcache_rx_t *rx, u32 cnt)
{
    qs_fence(__ATOMIC_ACQUIRE);                 /* C3 */
    u64 reserve = qs_load_relaxed(rx->reserve); /* C4 */
    u64 first_seq = rx->seq;

    rx->seq = first_seq + cnt;
    if ((i64)(first_seq - (reserve - rx->window)) > 0)
        return 0;
    return qs_mcache_void_(rx, reserve, cnt);
}

#endif

/* qs_stem - the loop that every tile runs, and a tile's hands: what it may read and publish.

   One turn:

       clock -> housekeeping if due -> tile.poll -> each input: a batch -> ring bells -> idle?

       a batch     peek 32 descriptors at most; of each: want, bounds, peek, payload into private
                   memory; settle (was any of it overwritten meanwhile?); frag, with what is
                   whole.  What frag left for want of credit is presented again next turn,
                   and holds up no other input.
       publish     prepare returns room for one payload, or NULL: no credit.  Credits are asked
                   for and announced (P1, P2) for a batch at a time.
       idle        spin, or park (qs_bell.h) until a neighbour rings or a deadline comes.
                   Before it parks a tile writes its fseqs, so that nobody waits for it.

   qs_stem_loop is always inlined into the tile's own run function, where the table is a
   constant: callbacks are direct calls, absent ones vanish.

   Threads: the tile's own.  Blocks: only parked.  Allocates: never. */

#ifndef QS_DISCO_STEM_H
#define QS_DISCO_STEM_H

#include "disco/qs_tile.h"
#include "disco/qs_topo.h"
#include "tango/base/qs_hist.h"
#include "tango/qs_bell.h"
#include "tango/qs_cnc.h"
#include "tango/qs_fctl.h"
#include "tango/qs_racy.h"
#include "tango/qs_tempo.h"

#define QS_STEM_TIDY_NS      100000u    /* between housekeeping turns of a tile that is awake */
#define QS_STEM_HEARTBEAT_NS 100000000u /* ... and the longest that one sleeps */

/* Why a tile ended by itself (qs_stem_exit). */
typedef enum qs_exit {
    QS_EXIT_HALT,           /* it was told to */
    QS_EXIT_DONE,           /* its work is done */
    QS_EXIT_BOOT,           /* boot or init failed; the log says why */
    QS_EXIT_CONFIG,         /* ... because an option cannot be (-EINVAL) */
    QS_EXIT_RENEW,          /* the supervisor wants it anew (QS_TEND_RENEW) */
    QS_EXIT_DENIED,         /* it made a system call that it may not (qs_sandbox_trap.h) */
    QS_EXIT_TRESPASS,       /* it wrote to a workspace that it may only read */
    QS_EXIT_ABORT,          /* it found itself broken */
    QS_EXIT_FIRST_OWN = 16, /* a tile's own reasons for giving up begin here */
} qs_exit_t;

/* A neighbour to wake. */
typedef struct qs_stem_peer {
    qs_bell_t *bell;
    int eventfd; /* -1: futex */
} qs_stem_peer_t;

typedef struct qs_stem_in {
    qs_mcache_rx_t rx;
    u8 const *base; /* the producer's workspace */
    qs_dcache_t dcache;
    u32 mtu;
    u32 off_mask; /* bits of ctl that belong to the payload's address */
    u8 kind, from;
    bool lossy; /* may be overwritten under us: settle after the copy */
    bool in_place;
    bool held;       /* hold_seq is what the tile still needs */
    bool ring;       /* the producer may be asleep for want of credit ... */
    bool fseq_moved; /* ... and our fseq has moved since it was rung */
    u64 hold_seq;
    qs_fseq_t *fseq;
    u64 fseq_written;
    qs_stem_peer_t producer;
    qs_in_metrics_t *metrics;
    qs_hist_t *latency;
    u64 lost_before; /* what earlier runs had lost: metrics only grow */

    u32 cnt, done; /* of the batch in hand: frag[done] .. frag[cnt - 1] are left */
    u32 peeked;    /* descriptors to advance by when a reliable batch is through */
    u8 *scratch;   /* QS_BATCH payloads of scratch_stride */
    u32 scratch_stride;
    qs_frag_t frag[QS_BATCH];
    u8 const *data[QS_BATCH];
} qs_stem_in_t;

typedef struct qs_stem_out {
    qs_mcache_tx_t tx;
    u8 *base; /* our workspace */
    qs_dcache_t dcache;
    u32 mtu;
    u32 chunk;    /* where the next payload goes */
    u32 credits;  /* announced and not published yet */
    u64 quota;    /* credits known of and not announced yet */
    bool limited; /* has consumers that must not be overrun */
    bool dirty;   /* published since bells were rung */
    bool blocked; /* had no credit this turn */
    u8 kind;
    u32 peer_cnt;
    qs_stem_peer_t peer[QS_CONSUMER_MAX]; /* consumers that may be asleep */
    qs_fctl_t fctl;
    qs_out_metrics_t *metrics;
    u64 cut_before; /* as lost_before */
} qs_stem_out_t;

struct qs_stem {
    u64 now;        /* ns of CLOCK_MONOTONIC, at the start of this turn */
    u64 wake_at;    /* the tile's own deadline; UINT64_MAX: none */
    u64 deaf_until; /* no file wakes the tile before */
    u64 last_turn;  /* when the last turn began */
    bool stop;
    bool park;
    bool ring;    /* some bell may have to be rung */
    bool blocked; /* some out had no credit this turn */
    bool busy;    /* this turn did some work */
    u32 exit_reason;
    u32 in_cnt, out_cnt;
    u32 first_in; /* whose turn it is to be served first */
    u32 chore;    /* which of the housekeeping events is next */
    qs_clock_t clock;
    qs_tempo_t tempo; /* when the next chore is due */
    qs_bell_t *bell;
    int eventfd; /* -1: sleeps on the futex */
    int const *wait_fd;
    u32 wait_cnt;
    u64 readable; /* of the first 64 wait_fd, those it last slept for and found so; the tile's to clear */
    qs_cnc_tx_t cnc;
    qs_cmd_rx_t cmd;
    qs_stem_metrics_t *metrics;
    qs_stem_in_t in[QS_IN_MAX];
    qs_stem_out_t out[QS_OUT_MAX];
};

/* The parts that run once a batch or less, in qs_stem.c. */
bool qs_stem_refill_(qs_stem_t *s, qs_stem_out_t *out);
void qs_stem_arrived_(qs_stem_t *s, qs_stem_in_t *in, u32 filtered, u32 bad);
void qs_stem_done_(qs_stem_t *s, qs_stem_in_t *in);
void qs_stem_turn_(qs_stem_t *s);
bool qs_stem_chore_(qs_stem_t *s);
void qs_stem_ring_(qs_stem_t *s);
void qs_stem_idle_(qs_stem_t *s);

/* qs_stem_leave is for boot, after the loop: what was consumed and published is written down, and
   whoever waits for it is woken. */
void qs_stem_leave(qs_stem_t *s);

/* qs_stem_exit ends the loop after this turn; the supervisor reads the reason and does what the
   tile's row says; below QS_EXIT_FIRST_OWN it is an orderly end. */
QS_INLINE void
qs_stem_exit(qs_stem_t *s, u32 reason)
{
    s->exit_reason = reason;
    s->stop = true;
}

/* qs_stem_wake_at asks to be awake at ns; the earliest call of a turn counts.  Tiles that poll
   call it each turn, because it is forgotten when the tile wakes. */
QS_INLINE void
qs_stem_wake_at(qs_stem_t *s, u64 ns)
{
    s->wake_at = ns < s->wake_at ? ns : s->wake_at;
}

/* qs_stem_deaf_until asks that until ns, should the tile park, files do not wake it: neighbours and
   deadlines do, and ns itself.  What arrives then costs its sender no wake-up, and the tile finds all
   of it at once.  Forgotten when the tile wakes. */
QS_INLINE void
qs_stem_deaf_until(qs_stem_t *s, u64 ns)
{
    s->deaf_until = ns;
}

/* qs_stem_hold says that fragment seq of link in and all after it are still needed although frag
   has counted them: a restart begins there.  qs_stem_release ends that. */
QS_INLINE void
qs_stem_hold(qs_stem_t *s, u32 link, u64 seq)
{
    s->in[link].held = true;
    s->in[link].hold_seq = seq;
}

QS_INLINE void
qs_stem_release(qs_stem_t *s, u32 link)
{
    s->in[link].held = false;
}

/* qs_stem_out_of returns the index of the first out of that kind (the tile's own enum), or
   UINT32_MAX if the topology has none. */
QS_INLINE u32
qs_stem_out_of(qs_stem_t const *s, u32 kind)
{
    for (u32 i = 0; i < s->out_cnt; i++)
        if (s->out[i].kind == kind)
            return i;
    return UINT32_MAX;
}

/* qs_stem_out_mtu returns how many bytes fit in what prepare returns for out. */
QS_INLINE u32
qs_stem_out_mtu(qs_stem_t const *s, u32 out)
{
    return s->out[out].mtu;
}

/* qs_stem_prepare returns room for a payload of the mtu of link out, where the next publish on out
   will find it, or NULL: a consumer that must not be overrun lags.  What it returned before
   and was not published is the same room.  out < stem->out_cnt counts the tile's links in the
   order of their rows; it is not the tile's own enum (qs_stem_out_of). */
QS_INLINE u8 *
qs_stem_prepare(qs_stem_t *s, u32 out)
{
    qs_stem_out_t *o = &s->out[out];

    if (qs_unlikely(!o->credits) && !qs_stem_refill_(s, o))
        return NULL;
    return o->base + (u64)o->chunk * QS_CHUNK_SZ;
}

/* qs_stem_prepare_batch fills room[] with up to max rooms of a whole mtu each and returns how many:
   0 is no credit.  They are published in order, with qs_stem_publish_at. */
QS_INLINE u32
qs_stem_prepare_batch(qs_stem_t *s, u32 out, u8 **room, u32 max)
{
    qs_stem_out_t *o = &s->out[out];

    if (!o->credits && !qs_stem_refill_(s, o))
        return 0;
    u32 cnt = o->credits < max ? o->credits : max;
    u32 chunk = o->chunk;
    for (u32 i = 0; i < cnt; i++) {
        room[i] = o->base + (u64)chunk * QS_CHUNK_SZ;
        chunk = qs_dcache_next(&o->dcache, chunk, o->dcache.stride * QS_CHUNK_SZ);
    }
    return cnt;
}

/* qs_stem_publish_at publishes the sz bytes at room, which prepare or prepare_batch returned, on
   out.  Rooms of a batch are published from the first on and none is left out: the ring counts
   payloads, not room, so one that was skipped would let the next ones overwrite what readers
   still take for whole.  Call it only with a credit, that is after they returned one. */
QS_INLINE void
qs_stem_publish_at(qs_stem_t *s, u32 out, u8 const *room, u64 sig, u32 sz, u16 ctl, u32 ts_origin)
{
    qs_stem_out_t *o = &s->out[out];
    u32 chunk = (u32)((u64)(room - o->base) / QS_CHUNK_SZ);
    qs_frag_t frag = {.sig = sig,
                      .chunk = chunk,
                      .sz = (u16)sz,
                      .ctl = ctl,
                      .ts_origin = ts_origin,
                      .ts_publish = (u32)s->now};

    QS_ASSERT(o->credits && sz <= o->dcache.stride * QS_CHUNK_SZ);
    qs_mcache_publish(&o->tx, &frag);
    o->chunk = qs_dcache_next(&o->dcache, chunk, sz);
    o->credits--;
    if (o->peer_cnt) { /* spinning readers have no bell, and cost no fence */
        o->dirty = true;
        s->ring = true;
    }
    qs_metric_inc(&o->metrics->frag);
    qs_metric_add(&o->metrics->bytes, sz);
}

/* qs_stem_run_t is a run of publishes on one out of a tile with a UMEM, whose state lives in registers
   meanwhile: begin, any number of swaps, end; nothing else happens on that out in between. */
typedef struct qs_stem_run {
    qs_stem_out_t *out;
    qs_mcache_tx_t tx;
    u32 credits;
    u32 frags;
    u64 bytes;
} qs_stem_run_t;

QS_INLINE qs_stem_run_t
qs_stem_run_begin(qs_stem_t *s, u32 out)
{
    qs_stem_out_t *o = &s->out[out];
    return (qs_stem_run_t){.out = o, .tx = o->tx, .credits = o->credits};
}

QS_INLINE void
qs_stem_run_end(qs_stem_t *s, qs_stem_run_t const *run)
{
    qs_stem_out_t *o = run->out;

    if (!run->frags)
        return;
    o->tx = run->tx;
    o->credits = run->credits;
    if (o->peer_cnt) {
        o->dirty = true;
        s->ring = true;
    }
    qs_metric_add(&o->metrics->frag, run->frags);
    qs_metric_add(&o->metrics->bytes, run->bytes);
}

/* qs_stem_run_swap publishes the sz bytes at byte off of the tile's workspace, which lie in a frame of
   its UMEM.  Returns where the payload lay that this line named before: its frame is the tile's
   own now, and readers have been told that what is there is gone (P1, P2).  Links of a UMEM are
   lossy, so there is always room. */
QS_INLINE u64
qs_stem_run_swap(qs_stem_t *s, qs_stem_run_t *run, u64 off, u64 sig, u32 sz, u32 ts_origin)
{
    qs_frag_t frag = {.sig = sig,
                      .chunk = (u32)(off / QS_CHUNK_SZ),
                      .sz = (u16)sz,
                      .ctl = (u16)(off % QS_CHUNK_SZ),
                      .ts_origin = ts_origin,
                      .ts_publish = (u32)s->now};

    if (qs_unlikely(!run->credits)) {
        qs_stem_out_t *o = run->out;
        qs_stem_run_end(s, run);
        qs_stem_refill_(s, o);
        *run = (qs_stem_run_t){.out = o, .tx = o->tx, .credits = o->credits};
    }
    u64 old = qs_mcache_evictee_at(&run->tx);
    qs_mcache_publish(&run->tx, &frag);
    run->credits--;
    run->frags++;
    run->bytes += sz;
    return old;
}

/* qs_stem_swap is a run of one. */
QS_INLINE u64
qs_stem_swap(qs_stem_t *s, u32 out, u64 off, u64 sig, u32 sz, u32 ts_origin)
{
    qs_stem_run_t run = qs_stem_run_begin(s, out);
    u64 old = qs_stem_run_swap(s, &run, off, sig, sz, ts_origin);
    qs_stem_run_end(s, &run);
    return old;
}

/* qs_stem_publish publishes the sz bytes written where the last prepare on out said. */
QS_INLINE void
qs_stem_publish(qs_stem_t *s, u32 out, u64 sig, u32 sz, u16 ctl, u32 ts_origin)
{
    qs_stem_out_t *o = &s->out[out];
    qs_stem_publish_at(s, out, o->base + (u64)o->chunk * QS_CHUNK_SZ, sig, sz, ctl, ts_origin);
}

/* qs_stem_copy_ copies a payload that may change meanwhile, out of a chunk that is all readable, to
   a private one: small ones chunk by chunk, which costs less than the call. */
QS_INLINE void
qs_stem_copy_(u8 *to, u8 const *from, u32 sz, bool chunked)
{
    if (!chunked || sz > 4 * QS_CHUNK_SZ) {
        qs_racy_copy(to, from, sz);
        return;
    }
    for (u32 at = 0; at < sz; at += QS_CHUNK_SZ)
        qs_racy_copy(to + at, from + at, QS_CHUNK_SZ);
}

/* What a fetch found out about the descriptors that it peeked, a bit for each. */
typedef struct qs_stem_fetched {
    u32 filtered, bad;
} qs_stem_fetched_t;

/* qs_stem_fetch_ takes a batch off the ring: what the tile wants, within bounds, copied.  What
   the loop needs of in is read once: the compiler must think that its stores change it. */
QS_INLINE qs_stem_fetched_t
qs_stem_fetch_(qs_tile_t const *tile, void *self, qs_stem_in_t *in)
{
    u32 cnt = qs_mcache_peek(&in->rx, in->frag, QS_BATCH);
    qs_dcache_t const dcache = in->dcache;
    u8 const *const base = in->base;
    u8 *scratch = in->scratch;
    u32 const mtu = in->mtu, off_mask = in->off_mask, stride = in->scratch_stride;
    u32 const kind = in->kind;
    bool const copies = !in->in_place;
    u32 kept = 0, slot = 0;
    qs_stem_fetched_t got = {0};

    for (u32 i = 0; i < cnt; i++) {
        qs_frag_t const *f = &in->frag[i];
        if (tile->want && !tile->want(self, kind, f->sig)) {
            got.filtered |= 1u << i;
            continue;
        }
        u32 sz = f->sz, chunk = f->chunk, off = f->ctl & off_mask;
        if (sz > mtu || !qs_dcache_holds(&dcache, chunk, off, sz)) {
            got.bad |= 1u << i;
            continue;
        }
        u8 const *data = base + (u64)chunk * QS_CHUNK_SZ + off;
        if (tile->peek && !tile->peek(self, kind, f, data)) {
            got.filtered |= 1u << i;
            continue;
        }
        if (tile->copy) {
            tile->copy(self, kind, slot, f, data);
        } else if (copies) {
            qs_stem_copy_(scratch, data, sz, !off_mask);
            data = scratch;
            scratch += stride;
        }
        in->data[slot] = data;
        if (slot != i)
            in->frag[slot] = *f;
        slot++;
        kept |= 1u << i;
    }
    u32 gone = in->lossy && cnt ? qs_mcache_settle(&in->rx, cnt) : 0;
    u32 whole = gone < QS_BATCH ? ~0u << gone : 0; /* whatever was said of the others is void */
    in->done = (u32)__builtin_popcount(kept & ~whole);
    in->cnt = slot;
    in->peeked = cnt;
    got.filtered &= whole;
    got.bad &= whole;
    return got;
}

/* qs_stem_serve_ gives the tile what is left of the batch in hand, or a new one. */
QS_INLINE void
qs_stem_serve_(qs_tile_t const *tile, void *self, qs_stem_t *s, u32 link)
{
    qs_stem_in_t *in = &s->in[link];

    if (!in->peeked) {
        qs_stem_fetched_t got = qs_stem_fetch_(tile, self, in);
        if (!in->peeked)
            return;
        qs_stem_arrived_(s, in, got.filtered, got.bad);
    }
    u32 left = in->cnt - in->done;
    if (left) {
        qs_batch_t b = {.in = in->kind,
                        .from = in->from,
                        .link = link,
                        .cnt = left,
                        .slot = in->done,
                        .frag = in->frag + in->done,
                        .data = in->data + in->done};
        u32 did = tile->frag(self, s, &b);
        QS_ASSERT(did <= left);
        in->done += did;
        s->busy |= did != 0;
    }
    if (in->done == in->cnt)
        qs_stem_done_(s, in);
}

/* qs_stem_loop runs the tile until it is told to halt, or ends itself with qs_stem_exit. */
QS_INLINE void
qs_stem_loop(qs_tile_t const *tile, void *self, qs_stem_t *s)
{
    while (!s->stop) {
        qs_stem_turn_(s);
        if (qs_unlikely(qs_tempo_due(&s->tempo, s->now)) && qs_stem_chore_(s) && tile->tidy)
            tile->tidy(self, s);
        if (tile->poll)
            s->busy |= tile->poll(self, s) != 0;
        if (tile->frag) {
            for (u32 i = s->first_in; i < s->in_cnt; i++)
                qs_stem_serve_(tile, self, s, i);
            for (u32 i = 0; i < s->first_in; i++)
                qs_stem_serve_(tile, self, s, i);
        }
        if (s->ring)
            qs_stem_ring_(s);
        if (!s->busy)
            qs_stem_idle_(s);
    }
}

#endif

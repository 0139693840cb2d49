/* qs_fair - who may use the signature checks when there are more to do than can be done.

   A source is an address.  Two rows of buckets, and a keyed hash that sends each source to one of
   each: bounded, and nobody can choose whom to collide with.  A source is judged by the cleaner of
   its two buckets, so that it takes two unlucky collisions to be taken for somebody bad.

       each batch         load: how much waits in the ring; from a quarter of it on a source that is bad
                          gets no more than is dealt to it, from three quarters on nobody does
       each frame         look -> offered += cost;  tokens >= 1, or there is room for it
       each verdict       good or bad, into both buckets
       every 2 ms         who offers how much, and how the capacity C (checks per second) is dealt:

           floor      C / N each, N the sources that send now; half of that for one of which no
                      signature held in the last seconds
           the clean  max-min fair from what the floors of the bad leave: nobody clean is cut who
                      asks for less than the one who gets most
           the bad    max-min fair from what is left then, never below their floor

   Bad is a bucket of whose last second of checks more than one in eight failed.  Since a bad source
   keeps its floor, forging somebody's address costs that somebody what lies above it, and only
   while there is more to do than can be done.  The sum of what is dealt is C.

   Why N is the number of senders, and why the floor of pure garbage is half.  A floor is there for
   who is forged: of what comes under his address some is good, and C / N is his whatever the forger
   does.  Where nothing is good there is nobody to protect but one who begins to send, and one good
   signature found at the half floor makes it whole.  16 bad sources of 20 with whole floors
   would keep 80 % of C, and 4 good ones that need 30 % would not get it; with half floors they keep
   40 %.  A bad source that mixes good signatures in does get a whole floor: it could have sent
   nothing but good ones, been clean, and had no less.

   How exact N is.  Counted are buckets by which somebody is judged and to which at least one signature
   a second is offered, smoothed.  Too many: a source that falls silent, or is judged by its other
   bucket from now on, counts there for another 0.1 to 0.2 s.  Too few: of n sources each shares
   its bucket, and the floor of it, with another with a probability of n / 2048 at most (20
   sources: 1 %).  N is never above the 4096 buckets.

   What forged addresses cost.  Each frame under a new one counts as a sender for some 0.08 s: 50,000
   frames a second, well formed, raise N to 4096.  Then the floor of one who is forged himself is
   C / 4096, his good frames get through in that proportion, and this is the price of forging
   at will.  Who is not forged is clean, and shares with the clean what the floors leave: at least half
   of C however many addresses send pure garbage.  Addresses that send only good signatures are
   clean sources, and there are as many as somebody makes: fair shares are all there is against them.

   Dealing exactly C would be stable with a full ring too, whose losses hit good and bad alike: then
   no more is seen of the offers than what can be done; and C is only an estimate, which is wrong
   when others use our core.  So less is dealt from epoch to epoch while seven eighths of the ring
   wait, and slowly more again while less than three quarters do.  What is refused is refused
   quickly, the ring drains, and below a quarter everybody is let through.  Floors are not lowered
   with it: theirs is the C that was seen done while too much waited, if that is less than C.
   The clean are refused
   later, because refusing is so much quicker than checking: a burst of theirs that the ring can
   hold is to be checked in time, not thrown away in no time.

   Units: a cost is a number of signatures; rates are per second.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_VERIFY_FAIR_H
#define QS_DISCO_VERIFY_FAIR_H

#include "tango/base/qs_hash.h"

#define QS_FAIR_ROWS     2u
#define QS_FAIR_COLUMNS  2048u
#define QS_FAIR_BUCKETS  (QS_FAIR_ROWS * QS_FAIR_COLUMNS)
#define QS_FAIR_EPOCH_NS 2000000u
#define QS_FAIR_STAMP_NS 256u
#define QS_FAIR_SAVE_S   0.01f /* a source may save its share of this long */
#define QS_FAIR_BURST    2.0f  /* ... and this much in any case: a flood has many buckets */

typedef struct qs_fair_bucket {
    float tokens;    /* as of stamp */
    float share;     /* tokens dealt per second */
    float rate;      /* offered, smoothed over some 20 ms */
    float good, bad; /* verdicts, fading within a second */
    u32 offered;     /* in this epoch */
    u32 stamp;       /* low half of ns / QS_FAIR_STAMP_NS */
    u16 listed;      /* it is in qs_fair_t.active */
    u16 pad;
} qs_fair_bucket_t;

typedef struct qs_fair {
    qs_hash_key_t key;
    u64 epoch_ns;        /* when this one began */
    u64 now_ns;          /* as of the last tick */
    float capacity;      /* checks per second */
    float trim;          /* the part of it that is dealt: learned from what waits */
    float done_rate;     /* checks per second that were done while too much waited, smoothed */
    u32 done;            /* in this epoch */
    bool was_overloaded; /* as the epoch began */
    bool overloaded;     /* the bad are held to what is dealt to them ... */
    bool brimming;       /* ... and the clean too ... */
    bool bursting;       /* ... and less is dealt */
    u32 active_cnt;
    u32 sender_cnt; /* of those: who offers something now */
    u32 bad_cnt;    /* of those: bad */
    u16 active[QS_FAIR_BUCKETS];
    qs_fair_bucket_t bucket[QS_FAIR_BUCKETS];
} qs_fair_t;

/* What one look-up of a source found: the same in all epochs. */
typedef struct qs_fair_source {
    qs_fair_bucket_t *bucket; /* by which it is judged */
    u16 idx[QS_FAIR_ROWS];
} qs_fair_source_t;

/* qs_fair_init begins with nobody known.  capacity is the number of checks per second. */
void qs_fair_init(qs_fair_t *f, qs_hash_key_t key, u64 capacity, u64 now_ns);

/* qs_fair_epoch_ ends an epoch. */
void qs_fair_epoch_(qs_fair_t *f, u64 now_ns);

/* qs_fair_tick deals the capacity anew if it is time. */
QS_INLINE void
qs_fair_tick(qs_fair_t *f, u64 capacity, u64 now_ns)
{
    f->now_ns = now_ns;
    if (qs_likely(now_ns - f->epoch_ns < QS_FAIR_EPOCH_NS))
        return;
    f->capacity = (float)capacity;
    qs_fair_epoch_(f, now_ns);
}

/* qs_fair_load tells how many frames wait, in a ring of room. */
QS_INLINE void
qs_fair_load(qs_fair_t *f, u64 waiting, u64 room)
{
    f->overloaded = waiting * 4 >= room;
    f->brimming = waiting * 4 >= 3 * room;
    f->bursting = waiting * 8 >= 7 * room;
}

/* fair_is_bad_: two bad ones are not yet a habit. */
QS_INLINE bool
fair_is_bad_(qs_fair_bucket_t const *b)
{
    return b->bad > 1.5f && b->bad * 7 > b->good;
}

/* fair_is_barren_: of what was checked lately nothing was good.  A verdict fades below this in 3 s. */
QS_INLINE bool
fair_is_barren_(qs_fair_bucket_t const *b)
{
    return b->good < 0.05f;
}

/* fair_accrue_ brings a bucket's tokens up to date. */
QS_INLINE void
fair_accrue_(qs_fair_t const *f, qs_fair_bucket_t *b)
{
    u32 now = (u32)(f->now_ns / QS_FAIR_STAMP_NS);
    float most = b->share * QS_FAIR_SAVE_S;
    b->tokens += b->share * (float)(now - b->stamp) * (QS_FAIR_STAMP_NS * 1e-9f);
    b->stamp = now;
    most = most > QS_FAIR_BURST ? most : QS_FAIR_BURST;
    b->tokens = b->tokens < most ? b->tokens : most;
}

/* qs_fair_look finds a source. */
QS_INLINE qs_fair_source_t
qs_fair_look(qs_fair_t *f, u32 source)
{
    u64 hash = qs_hash_u64(&f->key, source);
    qs_fair_source_t s = {.idx = {(u16)(hash % QS_FAIR_COLUMNS),
                                  (u16)(QS_FAIR_COLUMNS + (hash >> 32) % QS_FAIR_COLUMNS)}};
    qs_fair_bucket_t *a = &f->bucket[s.idx[0]], *b = &f->bucket[s.idx[1]];
    /* a / (a + its good) > b / (b + its good), without dividing */
    s.bucket = a->bad * b->good > b->bad * a->good || (fair_is_bad_(a) && !fair_is_bad_(b)) ? b : a;
    fair_accrue_(f, s.bucket);
    return s;
}

QS_INLINE void
fair_list_(qs_fair_t *f, u32 idx)
{
    qs_fair_bucket_t *b = &f->bucket[idx];
    if (b->listed)
        return;
    b->listed = 1;
    b->tokens = QS_FAIR_BURST;
    b->share = 0;
    f->active[f->active_cnt++] = (u16)idx;
}

/* fair_held_ says whether a bucket gets only what is dealt to it now. */
QS_INLINE bool
fair_held_(qs_fair_t const *f, qs_fair_bucket_t const *b)
{
    return f->brimming || (f->overloaded && fair_is_bad_(b));
}

/* qs_fair_admit counts cost as offered and says whether it may be done.  It always may while there is
   room: capacity that nobody uses is everybody's.  One token is enough for any cost, and the rest
   is owed. */
QS_INLINE bool
qs_fair_admit(qs_fair_t *f, qs_fair_source_t const *s, u32 cost)
{
    qs_fair_bucket_t *b = s->bucket;
    fair_list_(f, (u32)(b - f->bucket));
    b->offered += cost;
    if (!fair_held_(f, b)) {
        b->tokens = b->tokens > (float)cost ? b->tokens - (float)cost : 0;
        f->done += cost;
        return true;
    }
    if (b->tokens < 1)
        return false;
    b->tokens -= (float)cost;
    f->done += cost;
    return true;
}

/* qs_fair_spent says that a source would be refused now whatever its frame costs; if so the frame
   counts as offered. */
QS_INLINE bool
qs_fair_spent(qs_fair_t *f, qs_fair_source_t const *s)
{
    bool spent = s->bucket->listed && s->bucket->tokens < 1 && fair_held_(f, s->bucket);
    s->bucket->offered += spent;
    return spent;
}

/* qs_fair_verdict counts how checks of a source's that were done came out. */
void qs_fair_verdict(qs_fair_t *f, qs_fair_source_t const *s, u32 cost, bool good);

#endif

/* qs_tcache - remembers the last depth different tags and says whether one was seen.

       ring  | t5 | t6 | t7 | t8 | t1 | t2 | t3 | t4 |     depth tags in order of arrival
                                  ^ next: the oldest, forgotten first, exactly

       map   | t7 .. t1 . . . . | . . . . . . . . | t5 t2 t8 . . . . . |  ..  the same tags

   The map is made of buckets of 8 places, a cache line each, of which at most half are taken.  A tag
   stands in the bucket that its low bits name, or, while that is full, in the next that is not.
   A bucket is searched without a branch, so that neither the search nor forgetting waits for
   branches that nobody could foresee.

   A tag seen again keeps its age.  Tag 0 marks empty places, so a caller's 0 is stored as
   QS_TCACHE_TAG0, and is one and the same tag as that.

   Tags must be uniform in their low bits against whoever chooses them: a keyed hash, never bytes
   from the wire.  Then one bucket in fifty is full.  With chosen tags all would still be right, but a
   search could look at as many buckets as the tags can fill: depth / 8 + 1 is the bound.

   The ring and next are the state; the map is derived and join builds it anew, so that a process
   killed in the middle of an insert does no harm: the tag is then either not remembered, or
   remembered as the oldest.  A tile that must not lose what it was working on therefore
   publishes first and inserts then (query, publish, insert): whatever it dies in, the worst is a
   repeat.

   Threads: one, in one process at a time; the memory is written by nobody else.  Blocks: never.
   Allocates: never. */

#ifndef QS_TANGO_TCACHE_H
#define QS_TANGO_TCACHE_H

#include "tango/base/qs_base.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define QS_TCACHE_TAG0 0x7461673074616730ull

typedef struct qs_tcache {
    u64 *ring;
    u64 *map;
    u64 *next_kept; /* next, where it survives the process */
    u64 next;
    u64 depth;
    u64 mask; /* of buckets */
} qs_tcache_t;

/* qs_tcache_footprint returns the bytes needed to remember depth tags, or 0 if depth is not in
   [1, 2^30].  Powers of two waste least. */
u64 qs_tcache_footprint(u64 depth);

/* qs_tcache_new formats mem as an empty cache.  Returns 0, -EINVAL (depth) or -EFAULT (mem is null
   or not aligned to QS_ALIGN). */
int qs_tcache_new(void *mem, u64 depth);

/* qs_tcache_join fills a local handle and rebuilds the map, which takes time in proportion to
   depth.  Returns 0, -EFAULT, or -EPROTO if mem does not hold a tcache of this ABI and depth; the
   depth is the caller's, because mem may have been left behind by a process gone bad. */
int qs_tcache_join(qs_tcache_t *tcache, void *mem, u64 depth);

QS_INLINE u64
tcache_tag_(u64 tag)
{
    return tag ? tag : QS_TCACHE_TAG0;
}

#define TCACHE_WAYS_ 8u
#define TCACHE_NONE_ UINT64_MAX

/* tcache_match_ returns a bit for each place of a bucket that holds tag; of 0, those that are free.
   Left to itself gcc makes three times the instructions of this. */
QS_INLINE u32
tcache_match_(qs_tcache_t const *tcache, u64 bucket, u64 tag)
{
    u64 const *place = tcache->map + bucket * TCACHE_WAYS_;
    u32 found = 0;
#ifdef __SSE2__
    __m128i wanted = _mm_set1_epi64x((long long)tag);
    for (u32 i = 0; i < TCACHE_WAYS_; i += 2) {
        __m128i halves = _mm_cmpeq_epi32(_mm_load_si128((__m128i const *)&place[i]), wanted);
        __m128i both = _mm_and_si128(halves, _mm_shuffle_epi32(halves, _MM_SHUFFLE(2, 3, 0, 1)));
        found |= (u32)_mm_movemask_pd(_mm_castsi128_pd(both)) << i;
    }
#else
    for (u32 i = 0; i < TCACHE_WAYS_; i++)
        found |= (u32)(place[i] == tag) << i;
#endif
    return found;
}

/* tcache_find_ returns where tag is in the map, or TCACHE_NONE_ and in *place where it would go. */
QS_INLINE u64
tcache_find_(qs_tcache_t const *tcache, u64 tag, u64 *place)
{
    for (u64 bucket = tag & tcache->mask;; bucket = (bucket + 1) & tcache->mask) {
        u32 found = tcache_match_(tcache, bucket, tag);
        u32 free_places = tcache_match_(tcache, bucket, 0);
        if (found)
            return bucket * TCACHE_WAYS_ + (u32)__builtin_ctz(found);
        if (qs_likely(free_places)) {
            *place = bucket * TCACHE_WAYS_ + (u32)__builtin_ctz(free_places);
            return TCACHE_NONE_;
        }
    }
}

/* qs_tcache_refill_ is the slow half of tcache_remove_: the place at hole, whose bucket was full, gets
   the next tag that had to pass that bucket by. */
void qs_tcache_refill_(qs_tcache_t *tcache, u64 hole);

QS_INLINE void
tcache_remove_(qs_tcache_t *tcache, u64 tag)
{
    u64 bucket = tag & tcache->mask;
    u32 found;
    while (qs_unlikely(!(found = tcache_match_(tcache, bucket, tag)))) {
        if (tcache_match_(tcache, bucket, 0))
            return;
        bucket = (bucket + 1) & tcache->mask;
    }
    u64 at = bucket * TCACHE_WAYS_ + (u32)__builtin_ctz(found);
    bool full =
        !tcache_match_(tcache, bucket, 0); /* asked before the store, which it would wait for */
    tcache->map[at] = 0;
    if (qs_unlikely(full))
        qs_tcache_refill_(tcache, at);
}

/* qs_tcache_query returns whether tag is remembered. */
QS_INLINE bool
qs_tcache_query(qs_tcache_t const *tcache, u64 tag)
{
    u64 place = 0;
    return tcache_find_(tcache, tcache_tag_(tag), &place) != TCACHE_NONE_;
}

/* qs_tcache_seek returns whether tag is remembered; if not, *place is for qs_tcache_insert_at, until
   something else is inserted or forgotten. */
QS_INLINE bool
qs_tcache_seek(qs_tcache_t const *tcache, u64 tag, u64 *place)
{
    return tcache_find_(tcache, tcache_tag_(tag), place) != TCACHE_NONE_;
}

/* qs_tcache_insert_at remembers tag, which qs_tcache_seek did not find, in place of the oldest. */
QS_INLINE void
qs_tcache_insert_at(qs_tcache_t *tcache, u64 place, u64 tag)
{
    u64 next = tcache->next, oldest = tcache->ring[next];
    tag = tcache_tag_(tag);
    tcache->map[place] = tag;
    if (oldest)
        tcache_remove_(tcache, oldest);
    qs_store_relaxed(&tcache->ring[next], tag);
    tcache->next = next + 1 < tcache->depth ? next + 1 : 0;
    qs_store_release(tcache->next_kept, tcache->next); /* after the ring, for the next process */
}

/* qs_tcache_query_insert returns whether tag was remembered; if not, it is now, in place of the
   oldest. */
QS_INLINE bool
qs_tcache_query_insert(qs_tcache_t *tcache, u64 tag)
{
    u64 place = 0;
    if (qs_tcache_seek(tcache, tag, &place))
        return true;
    qs_tcache_insert_at(tcache, place, tag);
    return false;
}

/* qs_tcache_insert remembers tag, as qs_tcache_query_insert does. */
QS_INLINE void
qs_tcache_insert(qs_tcache_t *tcache, u64 tag)
{
    (void)qs_tcache_query_insert(tcache, tag);
}

/* qs_tcache_forget forgets the oldest of the held tags that are remembered, if held is right: who ages
   tags counts them.  Returns whether there was one there. */
QS_INLINE bool
qs_tcache_forget(qs_tcache_t *tcache, u64 held)
{
    u64 at = (tcache->next + tcache->depth - held % tcache->depth) % tcache->depth;
    u64 tag = tcache->ring[at];
    if (!tag)
        return false;
    tcache_remove_(tcache, tag);
    qs_store_relaxed(&tcache->ring[at], 0);
    return true;
}

/* qs_tcache_prefetch starts to fetch what inserting these cnt tags will touch: their own places and
   those of the tags they will push out.  ahead: how many others may be inserted before them. */
QS_INLINE void
qs_tcache_prefetch(qs_tcache_t const *tcache, u64 const *tags, u64 cnt, u64 ahead)
{
    u64 next = tcache->next + ahead;
    next = next < tcache->depth ? next : next % tcache->depth;
    for (u64 i = 0; i < cnt; i++) {
        u64 mine = tcache_tag_(tags[i]) & tcache->mask, oldest = tcache->ring[next] & tcache->mask;
        __builtin_prefetch(&tcache->map[mine * TCACHE_WAYS_], 1);
        __builtin_prefetch(&tcache->map[oldest * TCACHE_WAYS_], 1);
        next = next + 1 < tcache->depth ? next + 1 : 0;
    }
}

#endif

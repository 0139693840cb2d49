/* qs_tcache - remembers the last depth different tags and says whether one was seen.

       ring  | t5 | t6 | t7 | t8 | t1 | t2 | t3 | t4 |     depth tags in order of arrival
                                  ^ next: the oldest, forgotten first, exactly

       map   | .. | t7 | t2 | .. | t5 | .. | t8 | t1 | ..  the same tags where their low bits
                                                           send them, then linear probing;
                                                           at most half full

   A tag seen again keeps its age.  Tag 0 marks empty places, so a caller's 0 is stored as
   QS_TCACHE_TAG0, and is one and the same tag as that.

   Tags must be uniform in their low bits against whoever chooses them: a keyed hash, never bytes
   from the wire.  Then a probe looks at two or three places.  With chosen tags all would still be
   right, but a probe could look at as many places as there are tags: depth + 2 is the bound.

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

#define QS_TCACHE_TAG0 0x7461673074616730ull

typedef struct qs_tcache {
    u64 *ring;
    u64 *map;
    u64 *next_kept; /* next, where it survives the process */
    u64 next;
    u64 depth;
    u64 mask;
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

/* tcache_find_ returns where tag is in the map, or else the empty place where it belongs. */
QS_INLINE u64
tcache_find_(qs_tcache_t const *tcache, u64 tag)
{
    u64 at = tag & tcache->mask;
    while (tcache->map[at] && tcache->map[at] != tag)
        at = (at + 1) & tcache->mask;
    return at;
}

/* tcache_remove_ takes tag out of the map and moves up those behind it that would no longer be
   found over the hole. */
QS_INLINE void
tcache_remove_(qs_tcache_t *tcache, u64 tag)
{
    u64 *map = tcache->map;
    u64 mask = tcache->mask;
    u64 hole = tcache_find_(tcache, tag);
    for (u64 at = hole; map[at];) {
        at = (at + 1) & mask;
        u64 past_home = (at - map[at]) & mask;
        if (!map[at] || past_home < ((at - hole) & mask))
            continue;
        map[hole] = map[at];
        hole = at;
    }
    map[hole] = 0;
}

/* qs_tcache_query returns whether tag is remembered. */
QS_INLINE bool
qs_tcache_query(qs_tcache_t const *tcache, u64 tag)
{
    return tcache->map[tcache_find_(tcache, tcache_tag_(tag))] != 0;
}

/* qs_tcache_query_insert returns whether tag was remembered; if not, it is now, in place of the
   oldest. */
QS_INLINE bool
qs_tcache_query_insert(qs_tcache_t *tcache, u64 tag)
{
    tag = tcache_tag_(tag);
    u64 at = tcache_find_(tcache, tag);
    if (tcache->map[at])
        return true;
    tcache->map[at] = tag;

    u64 oldest = tcache->ring[tcache->next];
    if (oldest)
        tcache_remove_(tcache, oldest);
    qs_store_relaxed(&tcache->ring[tcache->next], tag);
    tcache->next = tcache->next + 1 < tcache->depth ? tcache->next + 1 : 0;
    qs_store_release(tcache->next_kept, tcache->next); /* after the ring, for the next process */
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

#define TCACHE_RUN_ 5u /* most probes end within this many places, perhaps in the next line */

/* tcache_fetch_ starts to fetch the places where tag may stand. */
QS_INLINE void
tcache_fetch_(qs_tcache_t const *tcache, u64 tag)
{
    __builtin_prefetch(&tcache->map[tag & tcache->mask], 1);
    __builtin_prefetch(&tcache->map[(tag + TCACHE_RUN_) & tcache->mask], 1);
}

/* qs_tcache_prefetch starts to fetch what inserting these cnt tags will touch: their own places and
   those of the tags they will push out.  ahead: how many others may be inserted before them. */
QS_INLINE void
qs_tcache_prefetch(qs_tcache_t const *tcache, u64 const *tags, u64 cnt, u64 ahead)
{
    u64 next = tcache->next + ahead;
    next = next < tcache->depth ? next : next % tcache->depth;
    for (u64 i = 0; i < cnt; i++) {
        tcache_fetch_(tcache, tcache_tag_(tags[i]));
        tcache_fetch_(tcache, tcache->ring[next]);
        next = next + 1 < tcache->depth ? next + 1 : 0;
    }
}

#endif

/* qs_tcache - remembers the last depth different tags and says whether one was seen.

       line   | tag | tag | tag | tag | tag | tag | 6 stamps, passed, - |      64 bytes, 6 places

   A tag stands in the line that its low bits name, or, while all places of that are live, in the next
   that has one free: 1 in 60 does so when depth tags are remembered.  Lines that were full on the way
   note the stamp of the last tag that passed them by, and are searched together with their
   successor while that is live.

   Nothing is ever taken out.  A stamp is the low half of the number of a block, tags are numbered as
   they come, a block is 2^shift of them, and a place is free as soon as its stamp is older than the
   oldest block that is remembered.  So a look-up and an insert touch one line together, and
   forgetting touches none.  Stamps come round after 2^16 blocks; one insert in four looks at the next
   line in turn and gives what is dead there a stamp that stays dead until its next turn:

       age in blocks:   0 ..... live ..... 16449 | dead: a turn, 32768, at most ... 52768 | 65536

   How exact: with depth up to 2^14 a block is one tag, and exactly the last depth are known.  Beyond,
   a block is depth / 2^14 tags, and the last depth are known for sure, and up to 66 blocks (0.4 %)
   before them perhaps.  Only a tag for which 64 lines in a row are full pushes another out before
   its time; with keyed tags, whose lines are a third full, that has a probability below 10^-60.

   A tag seen again keeps its age.  Tags must be uniform in their low bits against whoever chooses them:
   a keyed hash, never bytes from the wire.  With chosen tags a search looks at 64 lines at most.

   An insert shows itself with one store, so a process killed anywhere in it has either remembered
   the tag or not, and nothing else is lost.  A tile that must not lose what it was working on
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

#define QS_TCACHE_WAYS       6u
#define QS_TCACHE_CLOSED_MAX 64u /* so many blocks may be closed early, and depth holds */

typedef struct qs_tcache_line {
    u64 tag[QS_TCACHE_WAYS];
    u16 stamp[QS_TCACHE_WAYS];
    u16 passed; /* stamp of the last tag that found no place here */
    u16 pad;
} qs_tcache_line_t;

_Static_assert(sizeof(qs_tcache_line_t) == 64, "a cache line");

typedef struct qs_tcache {
    qs_tcache_line_t *line;
    u64 *next_kept, *first_kept; /* next and first, where they survive the process */
    u64 next;                    /* number of the next tag */
    u64 first;                   /* the oldest block that is remembered */
    u64 block_max;               /* ... and how many are */
    u64 mask;                    /* of lines */
    u32 shift;                   /* log2 of the tags in a block */
} qs_tcache_t;

/* qs_tcache_footprint returns the bytes needed to remember depth tags, or 0 if depth is not in
   [1, 2^30].  Powers of two waste least: 32 bytes a tag. */
u64 qs_tcache_footprint(u64 depth);

/* qs_tcache_new formats mem as an empty cache.  Returns 0, -EINVAL (depth) or -EFAULT (mem is null
   or not aligned to QS_ALIGN). */
int qs_tcache_new(void *mem, u64 depth);

/* qs_tcache_join fills a local handle.  Returns 0, -EFAULT, or -EPROTO if mem does not hold a tcache
   of this ABI and depth; the depth is the caller's, because mem may have been left behind by a
   process gone bad.  What such a one wrote into the lines is believed, and ages like the rest. */
int qs_tcache_join(qs_tcache_t *tcache, void *mem, u64 depth);

#define TCACHE_NONE_   UINT64_MAX
#define TCACHE_PLACES_ ((1u << QS_TCACHE_WAYS) - 1)
#define TCACHE_PASSED_ (1u << QS_TCACHE_WAYS)
#define TCACHE_FOUND_  8u

/* tcache_last_ returns the block of the youngest tag. */
QS_INLINE u64
tcache_last_(qs_tcache_t const *tcache)
{
    return (tcache->next - 1) >> tcache->shift;
}

#ifdef __SSE2__
/* tcache_live8_ returns all ones for each of the eight stamps of a line that is live. */
QS_INLINE __m128i
tcache_live8_(qs_tcache_t const *tcache, qs_tcache_line_t const *line)
{
    u16 last = (u16)tcache_last_(tcache), cnt = (u16)(last + 1 - tcache->first);
    __m128i stamps = _mm_load_si128((__m128i const *)line->stamp);
    /* age < cnt, unsigned: both less 2^15 */
    __m128i age = _mm_sub_epi16(_mm_set1_epi16((short)(last ^ 0x8000)), stamps);
    return _mm_cmplt_epi16(age, _mm_set1_epi16((short)(cnt ^ 0x8000)));
}
#endif

/* tcache_look_ returns a bit for each stamp of a line that is live, that of passed after those of the
   places, and from TCACHE_FOUND_ on one for each live place that holds tag.  Left to itself gcc makes
   three times the instructions of this. */
QS_INLINE u32
tcache_look_(qs_tcache_t const *tcache, qs_tcache_line_t const *line, u64 tag)
{
#ifdef __SSE2__
    __m128i wanted = _mm_set1_epi64x((long long)tag), live = tcache_live8_(tcache, line);
    __m128i const *tags = (__m128i const *)line->tag;
    __m128 ab = _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_load_si128(tags), wanted)); /* by halves */
    __m128 cd = _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_load_si128(tags + 1), wanted));
    __m128 ef = _mm_castsi128_ps(_mm_cmpeq_epi32(_mm_load_si128(tags + 2), wanted));
    __m128 abcd = _mm_and_ps(_mm_shuffle_ps(ab, cd, _MM_SHUFFLE(2, 0, 2, 0)),
                             _mm_shuffle_ps(ab, cd, _MM_SHUFFLE(3, 1, 3, 1)));
    __m128 efef = _mm_and_ps(_mm_shuffle_ps(ef, ef, _MM_SHUFFLE(2, 0, 2, 0)),
                             _mm_shuffle_ps(ef, ef, _MM_SHUFFLE(3, 1, 3, 1)));
    __m128i same = _mm_packs_epi32(_mm_castps_si128(abcd), _mm_castps_si128(efef));
    u32 bits = (u32)_mm_movemask_epi8(_mm_packs_epi16(live, _mm_and_si128(same, live)));
    return bits & (TCACHE_PLACES_ << TCACHE_FOUND_ | TCACHE_PASSED_ | TCACHE_PLACES_);
#else
    u16 last = (u16)tcache_last_(tcache), cnt = (u16)(last + 1 - tcache->first);
    u32 bits = (u16)(last - line->passed) < cnt ? TCACHE_PASSED_ : 0;
    for (u32 i = 0; i < QS_TCACHE_WAYS; i++)
        if ((u16)(last - line->stamp[i]) < cnt)
            bits |= 1u << i | (u32)(line->tag[i] == tag) << TCACHE_FOUND_ << i;
    return bits;
#endif
}

/* qs_tcache_seek_far_ is qs_tcache_seek for a tag that may stand behind its line, or must. */
bool qs_tcache_seek_far_(qs_tcache_t const *tcache, u64 tag, u64 *place);

/* qs_tcache_seek returns whether tag is remembered; if not, *place is for qs_tcache_insert_at, until
   something else is inserted. */
QS_INLINE bool
qs_tcache_seek(qs_tcache_t const *tcache, u64 tag, u64 *place)
{
    u64 home = tag & tcache->mask;
    u32 look = tcache_look_(tcache, &tcache->line[home], tag);
    if (look >> TCACHE_FOUND_)
        return true;
    if (qs_unlikely(look >= TCACHE_PLACES_)) /* all live, or passed is */
        return qs_tcache_seek_far_(tcache, tag, place);
    *place = home * 8 + (u32)__builtin_ctz(~look);
    return false;
}

/* qs_tcache_query returns whether tag is remembered. */
QS_INLINE bool
qs_tcache_query(qs_tcache_t const *tcache, u64 tag)
{
    u64 place;
    return qs_tcache_seek(tcache, tag, &place);
}

/* qs_tcache_sweep_ gives the dead of line idx stamps that stay dead. */
void qs_tcache_sweep_(qs_tcache_t *tcache, u64 idx);

/* qs_tcache_pass_ notes in the lines before line idx, from its home on, that tag passed them by. */
void qs_tcache_pass_(qs_tcache_t *tcache, u64 tag, u64 idx, u16 stamp);

/* tcache_begin_ makes block the youngest. */
QS_INLINE void
tcache_begin_(qs_tcache_t *tcache, u64 block)
{
    if (block - tcache->first >= tcache->block_max) {
        tcache->first = block + 1 - tcache->block_max;
        qs_store_relaxed(tcache->first_kept, tcache->first);
    }
}

/* qs_tcache_insert_at remembers tag, which qs_tcache_seek did not find, and forgets the oldest if that
   is one too many. */
QS_INLINE void
qs_tcache_insert_at(qs_tcache_t *tcache, u64 place, u64 tag)
{
    u64 number = tcache->next, idx = place / 8;
    qs_tcache_line_t *line = &tcache->line[idx];
    u16 stamp = (u16)(number >> tcache->shift);

    if (qs_unlikely((tag & tcache->mask) != idx))
        qs_tcache_pass_(tcache, tag, idx, stamp);
    line->tag[place % 8] = tag;
    qs_store_release(&line->stamp[place % 8], stamp); /* after the tag, for the next process */
    tcache->next = number + 1;
    qs_store_relaxed(tcache->next_kept, number + 1);
    tcache_begin_(tcache, number >> tcache->shift);
    if (!(number % 4))
        qs_tcache_sweep_(tcache, number / 4);
}

/* qs_tcache_query_insert returns whether tag was remembered; if not, it is now. */
QS_INLINE bool
qs_tcache_query_insert(qs_tcache_t *tcache, u64 tag)
{
    u64 place;
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

/* qs_tcache_mark ends the block that has begun and returns the number of the next.  Of the blocks
   that are remembered QS_TCACHE_CLOSED_MAX may have been ended so; each more costs a block of depth. */
u64 qs_tcache_mark(qs_tcache_t *tcache);

/* qs_tcache_forget forgets all tags that were inserted before a mark. */
void qs_tcache_forget(qs_tcache_t *tcache, u64 mark);

/* qs_tcache_prefetch starts to fetch what looking up and inserting tag will touch. */
QS_INLINE void
qs_tcache_prefetch(qs_tcache_t const *tcache, u64 tag)
{
    __builtin_prefetch(&tcache->line[tag & tcache->mask], 1);
}

#endif

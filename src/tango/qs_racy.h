/* qs_racy.h - the one sanctioned data race: copying a payload that may be overwritten.

   The copy may be a mixture of two payloads; the caller asks the ring afterwards (C3, C4 of
   qs_mcache.h) whether it was, and throws it away then.  By the letter of C11 this memcpy is
   a race; what we rely on is that the machine's loads return some bytes, and that the
   compiler, for which memory changes at the barrier, does not read them a second time.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_RACY_H
#define QS_TANGO_RACY_H

#include "tango/base/qs_base.h"

#if defined(__SANITIZE_THREAD__)
#define QS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QS_TSAN 1
#endif
#endif

/* qs_racy_copy copies sz bytes from src, which another tile may be writing, to dst, which is
   private.  Under a thread sanitizer it goes byte by byte through relaxed atomics, so that
   only races nobody sanctioned are reported. */
QS_INLINE void
qs_racy_copy(void *dst, void const *src, u64 sz)
{
#ifdef QS_TSAN
    u8 *to = dst;
    u8 const *from = src;
    for (u64 i = 0; i < sz; i++)
        to[i] = qs_load_relaxed(&from[i]);
#else
    memcpy(dst, src, sz);
    __asm__ volatile("" ::: "memory");
#endif
}

#endif

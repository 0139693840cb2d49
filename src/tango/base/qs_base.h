/* qs_base.h - the one vocabulary every file shares.  Depends on libc only.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_H
#define QS_TANGO_BASE_H

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

#define QS_INLINE   static inline __attribute__((always_inline, unused))
#define QS_NOINLINE __attribute__((noinline))

/* Two cache lines: the adjacent-line prefetcher fetches them in pairs, so data of two
   writers that must not disturb each other lies this far apart. */
#define QS_ALIGN 128u

#define QS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define qs_likely(x)   __builtin_expect(!!(x), 1)
#define qs_unlikely(x) __builtin_expect(!!(x), 0)

/* QS_ASSERT is on in every build: a broken invariant of ours stops the process.  What
   the world or a neighbouring tile sends is never asserted, it is counted. */
#define QS_ASSERT(x)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0)) {                                                           \
            fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #x);              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The only ways to touch memory that another tile can see.  Each use in a body carries
   the label of its header's ordering table. */
#define qs_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define qs_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define qs_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define qs_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define qs_exchange(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define qs_fence(order)        __atomic_thread_fence(order)

/* qs_pause tells the core that this is a spin loop. */
QS_INLINE void
qs_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#endif
}

#endif

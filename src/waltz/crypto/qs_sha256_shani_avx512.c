/* SHA-256 of four messages at a time by the instructions made for it, for processors that can start
   one every cycle.  These instructions know 16 registers, and four messages in flight need more: in
   the other 16 that AVX-512 has, their words wait.

   The registers are given by hand, as the two compilers we know spill: 58 cycles a block by gcc 12's
   choice, 49 by this one.  The order matters as much: the word of 16 rounds later is made as soon
   as its place is free, not when it is wanted (54). */

#include <immintrin.h>

#include "waltz/crypto/qs_sha256_rounds.h"

#define X(n)             "%%xmm" #n
#define OP2(op, a, b)    op " " X(a) ", " X(b) "\n\t"
#define OP3(op, a, b, c) op " " X(a) ", " X(b) ", " X(c) "\n\t"

/* xmm0: words and constants of rounds, as sha256rnds2 wants it; 1 to 8: ABEF and CDGH of each message;
   9 to 14: temporaries; 15: the order of bytes; 16 to 31: four times four words of each message. */

/* ROUNDS does rounds 4k to 4k + 3; w: their words. */
#define ROUNDS(abef, cdgh, w, k)                                                                   \
    "vpaddd 16*" #k "(%[k]), " X(w) ", %%xmm0\n\t" OP2(                                            \
        "sha256rnds2", abef, cdgh) "vpshufd $0x0e, %%xmm0, %%xmm0\n\t" OP2("sha256rnds2", cdgh,    \
                                                                           abef)

/* EXTEND replaces the oldest four words, w0, by those that are 16 rounds later. */
#define EXTEND(w0, w1, w2, w3, t, u)                                                               \
    OP2("vmovdqa32", w0, t)                                                                        \
    OP2("vmovdqa32", w1, u)                                                                        \
    OP2("sha256msg1", u, t)                                                                        \
    OP3("valignd $1,", w2, w3, u)                                                                  \
    OP3("vpaddd", u, t, t)                                                                         \
    OP2("vmovdqa32", w3, u)                                                                        \
    OP2("sha256msg2", u, t)                                                                        \
    OP2("vmovdqa32", t, w0)

#define BOTH(abef, cdgh, w0, w1, w2, w3, t, u, k)                                                  \
    ROUNDS(abef, cdgh, w0, k) EXTEND(w0, w1, w2, w3, t, u)
#define LAST(abef, cdgh, w0, w1, w2, w3, t, u, k) ROUNDS(abef, cdgh, w0, k)

/* FOURk does one of the above for all four messages; k mod 4 says where the oldest words are. */
/* clang-format off */
#define FOUR0(DO, k)                                                                               \
    DO(1, 2, 16, 17, 18, 19, 9, 13, k)  DO(3, 4, 20, 21, 22, 23, 10, 14, k)                        \
    DO(5, 6, 24, 25, 26, 27, 11, 13, k) DO(7, 8, 28, 29, 30, 31, 12, 14, k)
#define FOUR1(DO, k)                                                                               \
    DO(1, 2, 17, 18, 19, 16, 9, 13, k)  DO(3, 4, 21, 22, 23, 20, 10, 14, k)                        \
    DO(5, 6, 25, 26, 27, 24, 11, 13, k) DO(7, 8, 29, 30, 31, 28, 12, 14, k)
#define FOUR2(DO, k)                                                                               \
    DO(1, 2, 18, 19, 16, 17, 9, 13, k)  DO(3, 4, 22, 23, 20, 21, 10, 14, k)                        \
    DO(5, 6, 26, 27, 24, 25, 11, 13, k) DO(7, 8, 30, 31, 28, 29, 12, 14, k)
#define FOUR3(DO, k)                                                                               \
    DO(1, 2, 19, 16, 17, 18, 9, 13, k)  DO(3, 4, 23, 20, 21, 22, 10, 14, k)                        \
    DO(5, 6, 27, 24, 25, 26, 11, 13, k) DO(7, 8, 31, 28, 29, 30, 12, 14, k)
/* clang-format on */

#define WORD(p, j, w)            "vmovdqu32 16*" #j "(%[" #p "]), " X(w) "\n\t" OP3("vpshufb", 15, w, w)
#define WORDS(p, w0, w1, w2, w3) WORD(p, 0, w0) WORD(p, 1, w1) WORD(p, 2, w2) WORD(p, 3, w3)
#define STATE_IN(n, at)          "vmovdqa 16*" #at "(%[state]), " X(n) "\n\t"
#define STATE_OUT(n, at)                                                                           \
    "vpaddd 16*" #at "(%[state]), " X(n) ", " X(n) "\n\t"                                          \
                                                   "vmovdqa " X(n) ", 16*" #at "(%[state])\n\t"
#define STATE(DO) DO(1, 0) DO(2, 1) DO(3, 2) DO(4, 3) DO(5, 4) DO(6, 5) DO(7, 6) DO(8, 7)

typedef u8 const block_t[64];

/* compress_four takes a block of each message; state: ABEF and CDGH of each. */
QS_INLINE void
compress_four(__m128i state[8], u8 const *a, u8 const *b, u8 const *c, u8 const *d)
{
    __m128i const swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

    /* clang-format off */
    __asm__("vmovdqa %[swap], %%xmm15\n\t"
            WORDS(a, 16, 17, 18, 19) WORDS(b, 20, 21, 22, 23)
            WORDS(c, 24, 25, 26, 27) WORDS(d, 28, 29, 30, 31)
            STATE(STATE_IN)
            FOUR0(BOTH, 0)  FOUR1(BOTH, 1)  FOUR2(BOTH, 2)  FOUR3(BOTH, 3)
            FOUR0(BOTH, 4)  FOUR1(BOTH, 5)  FOUR2(BOTH, 6)  FOUR3(BOTH, 7)
            FOUR0(BOTH, 8)  FOUR1(BOTH, 9)  FOUR2(BOTH, 10) FOUR3(BOTH, 11)
            FOUR0(LAST, 12) FOUR1(LAST, 13) FOUR2(LAST, 14) FOUR3(LAST, 15)
            STATE(STATE_OUT)
            : "+m"(*(__m128i(*)[8])state)
            : [state] "r"(state), [k] "r"(qs_sha256_k), [swap] "m"(swap), [a] "r"(a), [b] "r"(b),
              [c] "r"(c), [d] "r"(d), "m"(*(block_t *)a), "m"(*(block_t *)b), "m"(*(block_t *)c),
              "m"(*(block_t *)d)
            : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
              "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20",
              "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30",
              "xmm31");
    /* clang-format on */
}

/* turn makes columns of rows. */
QS_INLINE void
turn(__m128i out[4], __m128i a, __m128i b, __m128i c, __m128i d)
{
    __m128i ab_lo = _mm_unpacklo_epi32(a, b), ab_hi = _mm_unpackhi_epi32(a, b);
    __m128i cd_lo = _mm_unpacklo_epi32(c, d), cd_hi = _mm_unpackhi_epi32(c, d);
    out[0] = _mm_unpacklo_epi64(ab_lo, cd_lo);
    out[1] = _mm_unpackhi_epi64(ab_lo, cd_lo);
    out[2] = _mm_unpacklo_epi64(ab_hi, cd_hi);
    out[3] = _mm_unpackhi_epi64(ab_hi, cd_hi);
}

void
qs_sha256_many_shani_avx512(void *state, u8 const *const *data, u64 block_cnt)
{
    __m128i *row = state; /* row[i]: word i of each message */
    __m128i both[8], abef[4], cdgh[4];

    turn(abef, row[5], row[4], row[1], row[0]);
    turn(cdgh, row[7], row[6], row[3], row[2]);
    for (u32 l = 0; l < 4; l++)
        both[2 * l] = abef[l], both[2 * l + 1] = cdgh[l];
    for (u64 off = 0; off < block_cnt * 64; off += 64)
        compress_four(both, data[0] + off, data[1] + off, data[2] + off, data[3] + off);
    turn(abef, both[0], both[2], both[4], both[6]);
    turn(cdgh, both[1], both[3], both[5], both[7]);
    row[5] = abef[0], row[4] = abef[1], row[1] = abef[2], row[0] = abef[3];
    row[7] = cdgh[0], row[6] = cdgh[1], row[3] = cdgh[2], row[2] = cdgh[3];
}

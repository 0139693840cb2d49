/* qs_ed25519_many - multiples of the base point for several signatures at a time, one in each lane.

   A kernel's file includes this after a field and gets qs_ed25519_known.h with it.

       sum of 26 odd digits' entries   ->   times 32   ->   plus 26 even digits' entries
       one inversion for all groups of a call

   Where one signature spreads its comb over the lanes and then adds them up, four need no adding up,
   and share what waits for itself: the inversion (bench ed25519).

   Constant time: each entry is chosen by reading all of its tooth, no branch depends on a scalar.

   Threads: any.  Blocks: never.  Allocates: never (the stack: up to 24 KiB, the caller's to wipe). */

#ifndef QS_WALTZ_CRYPTO_ED25519_MANY_H
#define QS_WALTZ_CRYPTO_ED25519_MANY_H

#include "waltz/crypto/qs_ed25519_known.h"

#define MANY_GROUPS (QS_ED25519_MANY_MAX / LANES)

_Static_assert(QS_ED25519_MANY_MAX % LANES == 0 && MANY_GROUPS <= GROUP_CNT, "whole groups");

/* Adds the entries of one tooth for each lane's digit. */
static void
add_tooth(vge_t *p, i8 const digit[LANES][COMB_DIGITS], u32 tooth, u32 odd)
{
    comb_digit_t d[LANES];
    for (u32 i = 0; i < LANES; i++)
        d[i] = (comb_digit_t){tooth, digit[i][2 * tooth + odd]};
    add_comb(p, d);
}

static void
comb_group(vge_t *p, u64 const *const scalar[LANES])
{
    i8 digit[LANES][COMB_DIGITS];
    for (u32 i = 0; i < LANES; i++)
        qs_ed25519_sc_windows(digit[i], scalar[i], 5, COMB_DIGITS);
    vge_identity(p);
    for (u32 tooth = 0; tooth < COMB_TEETH; tooth++)
        add_tooth(p, digit, tooth, 1);
    for (u32 n = 0; n < 5; n++)
        vge_double(p, n == 4);
    for (u32 tooth = 0; tooth < COMB_TEETH; tooth++)
        add_tooth(p, digit, tooth, 0);
}

/* Writes the encoding of each lane's point. */
static void
encode_group(u64 word[LANES][4], vge_t const *p, vfe_t const *z_inverse)
{
    vfe_t x, y;
    row_t x_row, y_row;
    u64 *lane[LANES];
    vfe_mul(&x, &p->x, z_inverse);
    vfe_mul(&y, &p->y, z_inverse);
    vfe_to_row(&x_row, &x);
    vfe_to_row(&y_row, &y);
    row_freeze(&x_row);
    row_freeze(&y_row);
    vec_t const *l = y_row.limb;
    vec_t const out[4] = {l[0] | l[1] << 51, l[1] >> 13 | l[2] << 38, l[2] >> 26 | l[3] << 25,
                          l[3] >> 39 | l[4] << 12 | x_row.limb[0] << 63};
    for (u32 i = 0; i < LANES; i++)
        lane[i] = word[i];
    vec_untranspose(lane, out, 4);
}

static void
lanes_base_mul_many(u8 (*out)[32], u64 const (*scalar)[4], u32 cnt)
{
    vge_t p[MANY_GROUPS];
    vfe_t z_inverse[MANY_GROUPS];
    u32 group_cnt = (cnt + LANES - 1) / LANES, g = 0;
    QS_ASSERT(group_cnt && group_cnt <= MANY_GROUPS);
    do { /* at least once, or gcc warns */
        u64 const *of[LANES];
        for (u32 i = 0; i < LANES; i++) /* idle lanes repeat the last */
            of[i] = scalar[LANES * g + i < cnt ? LANES * g + i : cnt - 1];
        comb_group(&p[g], of);
    } while (++g < group_cnt);
    invert_each(z_inverse, p, group_cnt);
    for (u32 i = 0; i < cnt; i++) {
        u64 word[LANES][4];
        if (i % LANES == 0)
            encode_group(word, &p[i / LANES], &z_inverse[i / LANES]);
        for (u32 w = 0; w < 4; w++)
            qs_store_le64(out[i] + 8 * w, word[i % LANES][w]);
    }
}

#endif

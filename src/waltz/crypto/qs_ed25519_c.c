/* The vectorizer packs the limb-wise sums and then waits for the stores before every product:
   a doubling takes a third longer with it (gcc 12). */
#if !defined(__clang__)
#pragma GCC optimize("no-tree-vectorize")
#endif

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_comb.h"
#include "waltz/crypto/qs_ed25519_ge.h"
#include "waltz/crypto/qs_ed25519_invert.h"
#include "waltz/crypto/qs_ed25519_kernel.h"
#include "waltz/crypto/qs_ed25519_sc.h"
#include "waltz/crypto/qs_ed25519_table.h"

/* Digits of the two points of a signature are below 2^4, of the base point below 2^7. */
#define POINT_WIDTH 5u
#define BASE_WIDTH  8u
#define ODD_CNT     (1u << (POINT_WIDTH - 2)) /* P, 3P, .. 15P */

/* The next two do one number, or two side by side, so that neither chain waits for itself. */
QS_INLINE void
sqr_times(fe_t *out, fe_t const *x, u32 times, u32 cnt)
{
    for (u32 n = 0; n < times; n++)
        for (u32 i = 0; i < cnt; i++)
            fe_sqr_soon(&out[i], n ? &out[i] : &x[i]);
}

QS_INLINE void
mul_each(fe_t *out, fe_t const *x, fe_t const *y, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        fe_mul(&out[i], &x[i], &y[i]);
}

/* out = x^(2^250 - 1); a step's name is the exponent, or n for 2^n - 1. */
QS_INLINE void
pow_2_250_1(fe_t *out, fe_t const *x, u32 cnt)
{
    fe_t a[2], b[2], c[2];
    sqr_times(a, x, 1, cnt);
    sqr_times(b, a, 2, cnt);
    mul_each(b, b, x, cnt);
    mul_each(a, a, b, cnt);
    sqr_times(a, a, 1, cnt);
    mul_each(a, a, b, cnt); /* 5 */
    sqr_times(b, a, 5, cnt);
    mul_each(a, b, a, cnt); /* 10 */
    sqr_times(b, a, 10, cnt);
    mul_each(b, b, a, cnt); /* 20 */
    sqr_times(c, b, 20, cnt);
    mul_each(b, c, b, cnt); /* 40 */
    sqr_times(b, b, 10, cnt);
    mul_each(a, b, a, cnt); /* 50 */
    sqr_times(b, a, 50, cnt);
    mul_each(b, b, a, cnt); /* 100 */
    sqr_times(c, b, 100, cnt);
    mul_each(b, c, b, cnt); /* 200 */
    sqr_times(b, b, 50, cnt);
    mul_each(out, b, a, cnt);
}

/* out = x^(2^252 - 3), the exponent of a square root, for two numbers. */
static void
pow_p58(fe_t out[2], fe_t const x[2])
{
    fe_t t[2];
    pow_2_250_1(t, x, 2);
    sqr_times(t, t, 2, 2);
    mul_each(out, t, x, 2);
}

static void
invert(fe_t *out, fe_t const *x)
{
    u64 word[4];
    fe_freeze(word, x);
    qs_ed25519_invert_(word, word);
    fe_from_words(out, word);
}

typedef struct decoded {
    ge_t minus; /* the negative of the point */
    bool ok;
    bool small; /* of order 1, 2, 4 or 8 */
} decoded_t;

/* Takes y = the low 255 bits and x = u v^3 root = sqrt(u / v), a candidate. */
static void
decode_end(decoded_t *out, fe_t const *y, fe_t const *u, fe_t const *v, fe_t *x, u64 const word[4],
           qs_ed25519_rule_t rule)
{
    fe_t xx, vxx, diff, sum;
    fe_sqr(&xx, x);
    fe_mul(&vxx, v, &xx);
    fe_sub(&diff, &vxx, u);
    fe_add(&sum, &vxx, u);
    out->ok = true;
    if (!fe_is_zero(&diff)) {
        out->ok = fe_is_zero(&sum);
        fe_mul(x, x, &fe_sqrt_m1);
    }

    u64 x_words[4], y_words[4], sign = word[3] >> 63;
    fe_freeze(x_words, x);
    bool x_zero = !(x_words[0] | x_words[1] | x_words[2] | x_words[3]);
    if (rule == QS_ED25519_SIMD376) {
        fe_freeze(y_words, y);
        y_words[3] |= sign << 63;
        if (memcmp(y_words, word, 32) || (x_zero && sign))
            out->ok = false;
    }
    if ((x_words[0] & 1) == sign)
        fe_sub(x, &fe_zero, x);
    fe_carry(x);

    out->minus = (ge_t){.x = *x, .y = *y, .z = fe_one};
    fe_mul(&out->minus.t, x, y);
    /* Order 1 and 2: x = 0.  Order 4: y = 0.  Order 8: the double has y = 0, and its y is
       proportional to x^2 + y^2. */
    fe_t yy;
    fe_sqr(&xx, x);
    fe_sqr(&yy, y);
    fe_add(&sum, &xx, &yy);
    out->small = x_zero || fe_is_zero(y) || fe_is_zero(&sum);
}

/* x^2 = (y^2 - 1) / (d y^2 + 1) = u / v; see RFC 8032, 5.1.3. */
static void
decode_pair(decoded_t out[2], u8 const *const in[2], qs_ed25519_rule_t rule)
{
    u64 word[2][4];
    fe_t y[2], u[2], v[2], v3[2], x[2];
    for (u32 i = 0; i < 2; i++) {
        qs_ed25519_sc_load(word[i], in[i]);
        fe_from_words(&y[i], word[i]);
        fe_sqr(&u[i], &y[i]);
        fe_mul(&v[i], &u[i], &fe_d);
        fe_sub(&u[i], &u[i], &fe_one);
        fe_carry(&u[i]);
        fe_add(&v[i], &v[i], &fe_one);
        fe_sqr(&v3[i], &v[i]);
        fe_mul(&v3[i], &v3[i], &v[i]);
        fe_sqr(&x[i], &v3[i]);
        fe_mul(&x[i], &x[i], &v[i]);
        fe_mul(&x[i], &x[i], &u[i]);
    }
    pow_p58(x, x);
    for (u32 i = 0; i < 2; i++) {
        fe_mul(&x[i], &x[i], &v3[i]);
        fe_mul(&x[i], &x[i], &u[i]);
        decode_end(&out[i], &y[i], &u[i], &v[i], &x[i], word[i], rule);
    }
}

/* table[i] = (2i + 1) p */
static void
odd_multiples(ge_cached_t table[ODD_CNT], ge_t const *p)
{
    ge_sum_t sum;
    ge_t twice, next;
    ge_cached_t step;
    ge_double(&sum, p);
    ge_settle(&twice, &sum);
    ge_cache(&step, &twice);
    ge_cache(&table[0], p);
    next = *p;
    for (u32 i = 1; i < ODD_CNT; i++) {
        ge_add_cached(&sum, &next, &step, false);
        ge_settle(&next, &sum);
        ge_cache(&table[i], &next);
    }
}

typedef struct walk {
    i8 digit[4][QS_ED25519_NAF_MAX]; /* of -key, -R, B, 2^128 B */
    u32 cnt;
    ge_cached_t point[2][ODD_CNT];
} walk_t;

static void
walk_init(walk_t *w, qs_ed25519_job_t const *job, decoded_t const decoded[2])
{
    u64 const low[4] = {job->base[0], job->base[1]};
    u64 const high[4] = {job->base[2], job->base[3]};
    u32 cnt = qs_ed25519_sc_naf(w->digit[0], job->key_scalar, POINT_WIDTH);
    w->cnt = cnt;
    cnt = qs_ed25519_sc_naf(w->digit[1], job->r_scalar, POINT_WIDTH);
    w->cnt = cnt > w->cnt ? cnt : w->cnt;
    cnt = qs_ed25519_sc_naf(w->digit[2], low, BASE_WIDTH);
    w->cnt = cnt > w->cnt ? cnt : w->cnt;
    cnt = qs_ed25519_sc_naf(w->digit[3], high, BASE_WIDTH);
    w->cnt = cnt > w->cnt ? cnt : w->cnt;
    if (job->key_negative)
        for (u32 i = 0; i < QS_ED25519_NAF_MAX; i++)
            w->digit[0][i] = (i8)-w->digit[0][i];
    odd_multiples(w->point[0], &decoded[0].minus);
    odd_multiples(w->point[1], &decoded[1].minus);
}

static QS_NOINLINE void
add_point(ge_sum_t *sum, ge_cached_t const table[ODD_CNT], i8 digit)
{
    ge_t p;
    ge_settle(&p, sum);
    if (digit > 0)
        ge_add_cached(sum, &p, &table[digit / 2], false);
    else
        ge_add_cached(sum, &p, &table[-digit / 2], true);
}

static QS_NOINLINE void
add_base(ge_sum_t *sum, u32 half, i8 digit)
{
    ge_t p;
    ge_niels_t q;
    _Static_assert(sizeof(q) == sizeof(qs_ed25519_base[0][0]), "an entry of the table");
    ge_settle(&p, sum);
    memcpy(&q, qs_ed25519_base[2 * half][digit < 0 ? -digit : digit], sizeof(q));
    if (digit > 0)
        ge_add_niels(sum, &p, &q, false);
    else
        ge_add_niels(sum, &p, &q, true);
}

/* The sum of all four products, by one chain of doublings. */
static void
walk_run(ge_t *out, walk_t const *w)
{
    ge_t p = ge_identity;
    for (u32 i = w->cnt; i--;) {
        ge_sum_t sum;
        ge_double(&sum, &p);
        for (u32 j = 0; j < 2; j++)
            if (w->digit[j][i])
                add_point(&sum, w->point[j], w->digit[j][i]);
        for (u32 j = 0; j < 2; j++)
            if (w->digit[2 + j][i])
                add_base(&sum, j, w->digit[2 + j][i]);
        ge_settle_xyz(&p, &sum);
    }
    *out = p;
}

static void
check(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job, qs_ed25519_rule_t rule)
{
    decoded_t decoded[2];
    decode_pair(decoded, (u8 const *[2]){job->key, job->r}, rule);
    if (!decoded[0].ok)
        *verdict = QS_ED25519_KEY_DECODE;
    else if (!decoded[1].ok)
        *verdict = QS_ED25519_R_DECODE;
    else if (decoded[0].small)
        *verdict = QS_ED25519_KEY_SMALL;
    else if (decoded[1].small)
        *verdict = QS_ED25519_R_SMALL;
    else {
        walk_t walk;
        ge_t sum;
        walk_init(&walk, job, decoded);
        walk_run(&sum, &walk);
        for (u32 i = 0; i < 3 && rule == QS_ED25519_SIMD376; i++) {
            ge_sum_t twice;
            ge_double(&twice, &sum);
            ge_settle_xyz(&sum, &twice);
        }
        *verdict = ge_is_identity(&sum) ? QS_ED25519_OK : QS_ED25519_EQUATION;
    }
}

/* out = the entry for |digit|, negated if digit < 0. */
static void
select_entry(ge_niels_t *out, u64 const table[16][3][4], i32 digit)
{
    u64 word[3][4], negative = 0 - (u64)((u32)digit >> 31);
    fe_t t2d, minus_t2d;
    comb_select(word, table, ((u32)digit ^ (u32)negative) - (u32)negative);
    fe_from_words(&out->y_plus_x, word[0]);
    fe_from_words(&out->y_minus_x, word[1]);
    fe_from_words(&t2d, word[2]);
    fe_sub(&minus_t2d, &fe_zero, &t2d);
    for (u32 i = 0; i < 5; i++) {
        u64 swap = (out->y_plus_x.limb[i] ^ out->y_minus_x.limb[i]) & negative;
        out->y_plus_x.limb[i] ^= swap;
        out->y_minus_x.limb[i] ^= swap;
        out->t2d.limb[i] = (t2d.limb[i] & ~negative) | (minus_t2d.limb[i] & negative);
    }
}

/* The sum of the digits at even (odd = 0) or odd places of each tooth. */
static void
comb_sum(ge_t *out, i8 const digit[COMB_DIGITS], u32 odd)
{
    ge_niels_t entry;
    ge_sum_t sum;
    *out = ge_identity;
    for (u32 i = 0; i < COMB_TEETH; i++) {
        select_entry(&entry, qs_ed25519_comb[i], digit[2 * i + odd]);
        ge_add_niels(&sum, out, &entry, false);
        ge_settle(out, &sum);
    }
}

void
qs_ed25519_comb_end(u8 out[32], struct ge *odd, struct ge const *even)
{
    ge_sum_t sum;
    ge_cached_t other;
    for (u32 i = 0; i < 4; i++) {
        ge_double(&sum, odd);
        ge_settle_xyz(odd, &sum);
    }
    ge_double(&sum, odd);
    ge_settle(odd, &sum);
    ge_cache(&other, even);
    ge_add_cached(&sum, odd, &other, false);
    ge_settle_xyz(odd, &sum);

    fe_t inverse, x, y;
    u64 x_words[4], y_words[4];
    invert(&inverse, &odd->z);
    fe_mul(&x, &odd->x, &inverse);
    fe_mul(&y, &odd->y, &inverse);
    fe_freeze(x_words, &x);
    fe_freeze(y_words, &y);
    y_words[3] |= x_words[0] << 63;
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(out + 8 * i, y_words[i]);
}

static void
base_mul(u8 out[32], u64 const scalar[4])
{
    i8 digit[COMB_DIGITS];
    ge_t odd, even;
    qs_ed25519_sc_windows(digit, scalar, 5, COMB_DIGITS);
    comb_sum(&odd, digit, 1);
    comb_sum(&even, digit, 0);
    qs_ed25519_comb_end(out, &odd, &even);
}

qs_ed25519_kernel_t const qs_ed25519_kernel_c = {
    .name = "portable C",
    .lanes = 1,
    .euclid = qs_ed25519_euclid_c,
    .check = check,
    .base_mul = base_mul,
};

/* qs_ed25519_lanes - the equations of LANES signatures at once, one in each lane.

   A kernel's file defines LANES, includes a field (qs_ed25519_fe26.h, qs_ed25519_fe52.h), then
   this.  All lanes walk together: scalars are cut into windows of fixed places (4 bits of the
   key's and R's, 8 of the base point's), digits are signed, and zero is an entry of each table.
   The walk is as long as its longest lane.

   Verifying takes time that depends on the scalars' lengths; signing takes constant time.

   Threads: any.  Blocks: never.  Allocates: never (the stack: up to 32 KiB). */

#ifndef QS_WALTZ_CRYPTO_ED25519_LANES_H
#define QS_WALTZ_CRYPTO_ED25519_LANES_H

#include "waltz/crypto/qs_ed25519_comb.h"
#include "waltz/crypto/qs_ed25519_ge.h"
#include "waltz/crypto/qs_ed25519_kernel.h"
#include "waltz/crypto/qs_ed25519_sc.h"
#include "waltz/crypto/qs_ed25519_table.h"

typedef struct vge {
    vfe_t x, y, z, t;
} vge_t;

/* The other summand of an addition, as in qs_ed25519_ge.h; z2 only if the point is not affine. */
typedef struct vcached {
    row_t y_plus_x, y_minus_x, t2d, z2;
} vcached_t;

#define ENTRY_WORDS 20u /* of one lane's vcached_t */
#define NIELS_WORDS 15u
#define MULTIPLES   9u /* 0, P, .. 8P */

_Static_assert(sizeof(vcached_t) == ENTRY_WORDS * LANES * 8, "rows only");
_Static_assert(sizeof(qs_ed25519_base[0][0]) == NIELS_WORDS * 8, "an entry of the table");

QS_INLINE void
vfe_from_fe(vfe_t *out, fe_t const *a)
{
    row_t r;
    for (u32 i = 0; i < 5; i++)
        r.limb[i] = VEC(a->limb[i]);
    vfe_from_row(out, &r);
}

/* Takes sums.  t is written only if it is wanted: doublings do not read it. */
QS_INLINE void
vge_settle(vge_t *out, vfe_t *e, vfe_t *f, vfe_t *g, vfe_t *h, bool want_t)
{
    vfe_carry(e);
    vfe_carry(f);
    vfe_carry(g);
    vfe_carry(h);
    vfe_mul(&out->x, f, e);
    vfe_mul(&out->y, h, g);
    vfe_mul(&out->z, f, g);
    if (want_t)
        vfe_mul(&out->t, h, e);
}

/* Units, see qs_ed25519_fe26.h: e 3, f 4, g 2, h 2. */
static QS_NOINLINE void
vge_double(vge_t *p, bool want_t)
{
    vfe_t xx, yy, zz, e, f, g, h;
    vfe_sqr(&xx, &p->x);
    vfe_sqr(&yy, &p->y);
    vfe_sqr(&zz, &p->z);
    vfe_add(&e, &p->x, &p->y);
    vfe_carry(&e);
    vfe_sqr(&e, &e);
    vfe_add(&h, &xx, &yy);
    vfe_sub(&e, &h, &e);
    vfe_sub(&g, &xx, &yy);
    vfe_add(&f, &zz, &zz);
    vfe_add(&f, &f, &g);
    vge_settle(p, &e, &f, &g, &h, want_t);
}

/* q's lanes are negated where mask is set.  Units: e 2, f 3, g 3, h 2. */
QS_INLINE void
vge_add(vge_t *p, vcached_t const *q, vec_t mask, bool affine, bool want_t)
{
    row_t r;
    vfe_t a, b, c, d, q_part, e, f, g, h;
    row_select(&r, mask, &q->y_plus_x, &q->y_minus_x);
    vfe_unpack(&q_part, &r);
    vfe_sub(&a, &p->y, &p->x);
    vfe_carry(&a);
    vfe_mul(&a, &q_part, &a);
    row_select(&r, mask, &q->y_minus_x, &q->y_plus_x);
    vfe_unpack(&q_part, &r);
    vfe_add(&b, &p->y, &p->x);
    vfe_carry(&b);
    vfe_mul(&b, &q_part, &b);
    vfe_unpack_signed(&q_part, &q->t2d, mask);
    vfe_mul(&c, &q_part, &p->t);
    if (affine)
        vfe_add(&d, &p->z, &p->z);
    else {
        vfe_unpack(&q_part, &q->z2);
        vfe_mul(&d, &q_part, &p->z);
    }
    vfe_sub(&e, &b, &a);
    vfe_add(&h, &b, &a);
    vfe_sub(&f, &d, &c);
    vfe_add(&g, &d, &c);
    vge_settle(p, &e, &f, &g, &h, want_t);
}

static QS_NOINLINE void
vge_add_cached(vge_t *p, vcached_t const *q, vec_t const *mask, bool want_t)
{
    vge_add(p, q, *mask, false, want_t);
}

static QS_NOINLINE void
vge_add_niels(vge_t *p, vcached_t const *q, vec_t const *mask, bool want_t)
{
    vge_add(p, q, *mask, true, want_t);
}

static void
vge_identity(vge_t *out)
{
    vfe_from_fe(&out->x, &fe_zero);
    vfe_from_fe(&out->y, &fe_one);
    vfe_from_fe(&out->z, &fe_one);
    vfe_from_fe(&out->t, &fe_zero);
}

/* All ones where a == 0; a has up to 7 units. */
QS_INLINE vec_t
vfe_is_zero(vfe_t const *a)
{
    row_t r;
    vfe_to_row(&r, a);
    row_freeze(&r);
    return row_is_zero(&r);
}

QS_INLINE vec_t
vge_is_identity(vge_t const *p)
{
    vfe_t diff;
    vfe_sub(&diff, &p->y, &p->z);
    return vfe_is_zero(&p->x) & vfe_is_zero(&diff);
}

/* The next two do one number, or two in turns: one chain's latency hides behind the other. */
static QS_NOINLINE void
vfe_sqr_times(vfe_t *out, vfe_t const *x, u32 times, u32 cnt)
{
    for (u32 n = 0; n < times; n++)
        for (u32 i = 0; i < cnt; i++)
            vfe_sqr(&out[i], n ? &out[i] : &x[i]);
}

static QS_NOINLINE void
vfe_mul_each(vfe_t *out, vfe_t const *a, vfe_t const *b, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        vfe_mul(&out[i], &a[i], &b[i]);
}

/* out = x^(2^252 - 3); a step's name is the exponent, or n for 2^n - 1. */
static void
vfe_pow_p58(vfe_t *out, vfe_t const *x, u32 cnt)
{
    vfe_t a[2], b[2], c[2];
    vfe_sqr_times(a, x, 1, cnt);
    vfe_sqr_times(b, a, 2, cnt);
    vfe_mul_each(b, b, x, cnt);
    vfe_mul_each(a, a, b, cnt); /* x^11 */
    vfe_sqr_times(a, a, 1, cnt);
    vfe_mul_each(a, a, b, cnt); /* 5 */
    vfe_sqr_times(b, a, 5, cnt);
    vfe_mul_each(a, b, a, cnt); /* 10 */
    vfe_sqr_times(b, a, 10, cnt);
    vfe_mul_each(b, b, a, cnt); /* 20 */
    vfe_sqr_times(c, b, 20, cnt);
    vfe_mul_each(b, c, b, cnt); /* 40 */
    vfe_sqr_times(b, b, 10, cnt);
    vfe_mul_each(a, b, a, cnt); /* 50 */
    vfe_sqr_times(b, a, 50, cnt);
    vfe_mul_each(b, b, a, cnt); /* 100 */
    vfe_sqr_times(c, b, 100, cnt);
    vfe_mul_each(b, c, b, cnt); /* 200 */
    vfe_sqr_times(b, b, 50, cnt);
    vfe_mul_each(a, b, a, cnt); /* 250 */
    vfe_sqr_times(a, a, 2, cnt);
    vfe_mul_each(out, a, x, cnt);
}

/* What decoding LANES points found out; masks are all ones or all zeros in each lane. */
typedef struct vdecoded {
    vge_t minus; /* the negatives of the points */
    vec_t bad;
    vec_t small;
} vdecoded_t;

/* Reads y and the sign: rows of 51-bit limbs, the fifth with the sign above bit 51. */
static void
load_points(row_t *y, vec_t *sign, u8 const *const in[LANES])
{
    u64 limb[LANES][5], signs[LANES];
    u64 const *lane[LANES];
    for (u32 i = 0; i < LANES; i++) {
        u64 word[4];
        fe_t fe;
        qs_ed25519_sc_load(word, in[i]);
        fe_from_words(&fe, word);
        memcpy(limb[i], fe.limb, sizeof(limb[i]));
        signs[i] = word[3] >> 63;
        lane[i] = limb[i];
    }
    vec_transpose(y->limb, lane, 5);
    *sign = vec_load(signs);
}

/* u / v = (y^2 - 1) / (d y^2 + 1) = x^2, as in qs_ed25519_c.c. */
static QS_NOINLINE void
decode_begin(vfe_t *u, vfe_t *v, vfe_t *v3, vfe_t *x, row_t const *y_row)
{
    vfe_t y, one, d;
    vfe_from_row(&y, y_row);
    vfe_from_fe(&one, &fe_one);
    vfe_from_fe(&d, &fe_d);
    vfe_sqr(u, &y);
    vfe_mul(v, &d, u);
    vfe_sub(u, u, &one);
    vfe_carry(u);
    vfe_mul(u, u, &one); /* it will be a summand again */
    vfe_add(v, v, &one);
    vfe_carry(v);
    vfe_sqr(v3, v);
    vfe_mul(v3, v3, v);
    vfe_sqr(x, v3);
    vfe_mul(x, x, v);
    vfe_mul(x, x, u);
}

/* Takes x, one candidate for the root; the other is x times the root of -1. */
static QS_NOINLINE void
decode_end(vdecoded_t *out, vfe_t *x, vfe_t const *u, vfe_t const *v, row_t const *y_row,
           vec_t sign, qs_ed25519_rule_t rule)
{
    vfe_t xx, yy, vxx, sum, other, y;
    vfe_sqr(&xx, x);
    vfe_mul(&vxx, v, &xx);
    vfe_sub(&sum, &vxx, u);
    vec_t is_root = vfe_is_zero(&sum);
    vfe_add(&sum, &vxx, u);
    out->bad = ~(is_root | vfe_is_zero(&sum));
    vfe_from_fe(&other, &fe_sqrt_m1);
    vfe_mul(&other, &other, x);

    row_t x_row, other_row, frozen;
    vfe_to_row(&x_row, x);
    vfe_to_row(&other_row, &other);
    row_select(&x_row, is_root, &x_row, &other_row);
    row_freeze(&x_row);
    vec_t x_zero = row_is_zero(&x_row);
    frozen = *y_row;
    row_freeze(&frozen);
    if (rule == QS_ED25519_SIMD376) {
        for (u32 i = 0; i < 5; i++)
            out->bad |= (vec_t)(frozen.limb[i] != y_row->limb[i]);
        out->bad |= x_zero & (vec_t)(sign == 1);
    }
    row_negate(&other_row, &x_row);
    row_select(&x_row, (vec_t)((x_row.limb[0] & 1) == sign), &other_row, &x_row);
    row_freeze(&x_row);

    /* Times 1: of one unit, as additions and doublings expect. */
    vfe_from_fe(&out->minus.z, &fe_one);
    vfe_from_row(&y, &x_row);
    vfe_mul(&out->minus.x, &y, &out->minus.z);
    vfe_from_row(&y, y_row);
    vfe_mul(&out->minus.y, &y, &out->minus.z);
    vfe_mul(&out->minus.t, &out->minus.x, &out->minus.y);
    /* Order 1, 2: x = 0; 4: y = 0; 8: x^2 + y^2 = 0. */
    vfe_sqr(&xx, &out->minus.x);
    vfe_sqr(&yy, &out->minus.y);
    vfe_add(&sum, &xx, &yy);
    out->small = x_zero | row_is_zero(&frozen) | vfe_is_zero(&sum);
}

/* Decodes LANES points, or twice as many. */
static void
decode(vdecoded_t *out, u8 const *const in[][LANES], u32 cnt, qs_ed25519_rule_t rule)
{
    row_t y[2];
    vec_t sign[2];
    vfe_t u[2], v[2], v3[2], x[2];
    u32 i = 0;
    do { /* at least once, or gcc warns */
        load_points(&y[i], &sign[i], in[i]);
        decode_begin(&u[i], &v[i], &v3[i], &x[i], &y[i]);
    } while (++i < cnt);
    vfe_pow_p58(x, x, cnt);
    vfe_mul_each(x, x, v3, cnt);
    vfe_mul_each(x, x, u, cnt);
    for (i = 0; i < cnt; i++)
        decode_end(&out[i], &x[i], &u[i], &v[i], &y[i], sign[i], rule);
}

/* Each lane's multiples lie together, where one load of a line finds them. */
typedef struct multiples {
    u64 entry[LANES][MULTIPLES][ENTRY_WORDS];
} multiples_t;

static QS_NOINLINE void
vge_cache(vcached_t *out, vge_t const *p)
{
    vfe_t t, d2;
    vfe_add(&t, &p->y, &p->x);
    vfe_carry(&t);
    vfe_pack(&out->y_plus_x, &t);
    vfe_sub(&t, &p->y, &p->x);
    vfe_carry(&t);
    vfe_pack(&out->y_minus_x, &t);
    vfe_add(&t, &p->z, &p->z);
    vfe_carry(&t);
    vfe_pack(&out->z2, &t);
    vfe_from_fe(&d2, &fe_2d);
    vfe_mul(&t, &d2, &p->t);
    vfe_pack(&out->t2d, &t);
}

static void
store_entry(multiples_t *out, u32 n, vge_t const *p)
{
    vcached_t c;
    u64 *lane[LANES];
    vge_cache(&c, p);
    for (u32 i = 0; i < LANES; i++)
        lane[i] = out->entry[i][n];
    vec_untranspose(lane, (vec_t const *)&c, ENTRY_WORDS);
}

QS_INLINE void
load_entry(vcached_t *out, u64 const *const lane[LANES], u32 words)
{
    vec_transpose((vec_t *)out, lane, words);
}

/* From frozen limbs of 51 bits. */
QS_INLINE void
load_niels(vcached_t *out, u64 const *const lane[LANES])
{
    load_entry(out, lane, NIELS_WORDS);
    vfe_pack_row(&out->y_plus_x);
    vfe_pack_row(&out->y_minus_x);
    vfe_pack_row(&out->t2d);
}

/* Signed digits of four or eight bits, one number per lane.  With half a digit added at every
   place, each digit is its own bits less that half: no carry is left to look at. */
typedef struct vdigits {
    vec_t word[4];
} vdigits_t;

static void
vdigits_set(vdigits_t *out, u32 lane, u64 const a[4], u32 width)
{
    u64 halves = width == 4 ? 0x8888888888888888u : 0x8080808080808080u;
    u128 sum = 0;
    for (u32 i = 0; i < 4; i++) {
        sum = (sum >> 64) + a[i] + halves;
        out->word[i][lane] = (u64)sum;
    }
}

/* The mask of lanes whose digit is negative, and the size of each. */
QS_INLINE vec_t
vdigits_at(u64 size[LANES], vdigits_t const *d, u32 place, u32 width)
{
    u64 half = 1u << (width - 1);
    vec_t digit = d->word[place * width / 64] >> place * width % 64;
    digit = (digit & (2 * half - 1)) - half;
    vec_t negative = (vec_t)((ivec_t)digit < 0);
    digit = (digit ^ negative) - negative;
    memcpy(size, &digit, sizeof(digit));
    return negative;
}

static void
add_multiple(vge_t *p, multiples_t const *m, u64 const size[LANES], vec_t negative, bool want_t)
{
    u64 const *lane[LANES];
    vcached_t q;
    for (u32 i = 0; i < LANES; i++)
        lane[i] = m->entry[i][size[i]];
    load_entry(&q, lane, ENTRY_WORDS);
    vge_add_cached(p, &q, &negative, want_t);
}

/* Adds 2^(64 part) times the base point times the digits at place. */
static void
add_base(vge_t *p, u32 part, vdigits_t const *d, u32 place, bool want_t)
{
    u64 size[LANES];
    u64 const *lane[LANES];
    vcached_t q;
    vec_t negative = vdigits_at(size, d, place, 8);
    for (u32 i = 0; i < LANES; i++)
        lane[i] = qs_ed25519_base[part][size[i]][0];
    load_niels(&q, lane);
    vge_add_niels(p, &q, &negative, want_t);
}

static void
multiples_init(multiples_t *m, vge_t const *p)
{
    vge_t point[MULTIPLES];
    vcached_t once;
    vec_t const none = {0};
    vge_identity(&point[0]);
    point[1] = *p;
    store_entry(m, 0, &point[0]);
    store_entry(m, 1, &point[1]);
    vge_cache(&once, p);
    for (u32 n = 2; n < MULTIPLES; n++) {
        point[n] = point[n % 2 ? n - 1 : n / 2];
        if (n % 2)
            vge_add_cached(&point[n], &once, &none, true);
        else
            vge_double(&point[n], true);
        store_entry(m, n, &point[n]);
    }
}

typedef struct digits {
    vdigits_t key, r, base;
    vec_t key_negative;
    u32 top; /* the highest place of the key's and R's in use */
} digits_t;

static void
digits_init(digits_t *d, qs_ed25519_job_t const *job)
{
    u64 any[4] = {0};
    for (u32 lane = 0; lane < LANES; lane++) {
        vdigits_set(&d->key, lane, job[lane].key_scalar, 4);
        vdigits_set(&d->r, lane, job[lane].r_scalar, 4);
        vdigits_set(&d->base, lane, job[lane].base, 8);
        d->key_negative[lane] = 0 - (u64)job[lane].key_negative;
        for (u32 i = 0; i < 4; i++)
            any[i] |= job[lane].key_scalar[i] | job[lane].r_scalar[i];
    }
    /* n digits hold what is below 2^(4 n - 2).  The base point has 16 places of two digits. */
    u32 bits = 0;
    for (u32 i = 0; i < 4; i++)
        if (any[i])
            bits = 64 * i + qs_log2(any[i]) + 1;
    d->top = bits < 123 ? 30 : (bits + 1) / 4;
}

static void
walk(vge_t *p, multiples_t const *key, multiples_t const *r, digits_t const *d)
{
    vge_identity(p);
    for (u32 i = d->top;; i--) {
        u64 size[LANES];
        bool with_base = i % 2 == 0 && i < 32;
        vec_t negative = vdigits_at(size, &d->key, i, 4) ^ d->key_negative;
        add_multiple(p, key, size, negative, true);
        negative = vdigits_at(size, &d->r, i, 4);
        add_multiple(p, r, size, negative, with_base);
        if (with_base) {
            add_base(p, 0, &d->base, i / 2, true);
            add_base(p, 2, &d->base, 16 + i / 2, false);
        }
        if (!i)
            break;
        for (u32 n = 0; n < 3; n++)
            vge_double(p, false);
        vge_double(p, true);
    }
}

static void
lanes_check(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job, qs_ed25519_rule_t rule)
{
    u8 const *in[2][LANES];
    vdecoded_t decoded[2];
    multiples_t key, r;
    digits_t digits;
    vge_t sum;
    for (u32 i = 0; i < LANES; i++) {
        in[0][i] = job[i].key;
        in[1][i] = job[i].r;
    }
    decode(decoded, in, 2, rule);
    multiples_init(&key, &decoded[0].minus);
    multiples_init(&r, &decoded[1].minus);
    digits_init(&digits, job);
    walk(&sum, &key, &r, &digits);
    for (u32 i = 0; i < 3 && rule == QS_ED25519_SIMD376; i++)
        vge_double(&sum, false);

    u32 zero = vec_mask_bits(vge_is_identity(&sum));
    u32 key_bad = vec_mask_bits(decoded[0].bad), r_bad = vec_mask_bits(decoded[1].bad);
    u32 key_small = vec_mask_bits(decoded[0].small), r_small = vec_mask_bits(decoded[1].small);
    for (u32 i = 0; i < LANES; i++)
        verdict[i] = key_bad >> i & 1     ? QS_ED25519_KEY_DECODE
                     : r_bad >> i & 1     ? QS_ED25519_R_DECODE
                     : key_small >> i & 1 ? QS_ED25519_KEY_SMALL
                     : r_small >> i & 1   ? QS_ED25519_R_SMALL
                     : zero >> i & 1      ? QS_ED25519_OK
                                          : QS_ED25519_EQUATION;
}

/* Signing: the first half of the lanes adds the odd digits of the comb, the other the even. */
#define HALF       (LANES / 2u)
#define COMB_STEPS ((COMB_TEETH + HALF - 1) / HALF)

typedef struct comb_digit {
    u32 tooth;
    i32 digit;
} comb_digit_t;

/* Adds an entry of the comb to each lane. */
static void
add_comb(vge_t *p, comb_digit_t const d[LANES])
{
    u64 limb[LANES][NIELS_WORDS], word[3][4], negative[LANES];
    u64 const *lane[LANES];
    for (u32 i = 0; i < LANES; i++) {
        negative[i] = 0 - (u64)((u32)d[i].digit >> 31);
        comb_select(word, qs_ed25519_comb[d[i].tooth],
                    ((u32)d[i].digit ^ (u32)negative[i]) - (u32)negative[i]);
        for (u32 j = 0; j < 3; j++) {
            fe_t fe;
            fe_from_words(&fe, word[j]);
            memcpy(&limb[i][5 * j], fe.limb, sizeof(fe.limb));
        }
        lane[i] = limb[i];
    }
    vcached_t q;
    vec_t mask = vec_load(negative);
    load_niels(&q, lane);
    vge_add_niels(p, &q, &mask, true);
}

static void
add_teeth(vge_t *p, i8 const digit[COMB_DIGITS], u32 step)
{
    comb_digit_t d[LANES];
    for (u32 i = 0; i < LANES; i++) {
        u32 tooth = HALF * step + i % HALF;
        d[i] = tooth < COMB_TEETH ? (comb_digit_t){tooth, digit[2 * tooth + (i < HALF)]}
                                  : (comb_digit_t){0, 0};
    }
    add_comb(p, d);
}

/* sum[0] = the first half's, sum[1] = the second half's. */
static void
add_lanes(ge_t sum[2], vge_t const *p)
{
    row_t row[4];
    u64 word[20][LANES];
    vfe_to_row(&row[0], &p->x);
    vfe_to_row(&row[1], &p->y);
    vfe_to_row(&row[2], &p->z);
    vfe_to_row(&row[3], &p->t);
    memcpy(word, row, sizeof(word));
    for (u32 i = 0; i < LANES; i++) {
        ge_t lane;
        fe_t *part[4] = {&lane.x, &lane.y, &lane.z, &lane.t};
        for (u32 j = 0; j < 20; j++)
            part[j / 5]->limb[j % 5] = word[j][i];
        if (i % HALF == 0) {
            sum[i / HALF] = lane;
            continue;
        }
        ge_cached_t other;
        ge_sum_t s;
        ge_cache(&other, &lane);
        ge_add_cached(&s, &sum[i / HALF], &other, false);
        ge_settle(&sum[i / HALF], &s);
    }
}

static void
lanes_base_mul(u8 out[32], u64 const scalar[4])
{
    i8 digit[COMB_DIGITS];
    vge_t p;
    ge_t sum[2];
    qs_ed25519_sc_windows(digit, scalar, 5, COMB_DIGITS);
    vge_identity(&p);
    for (u32 step = 0; step < COMB_STEPS; step++)
        add_teeth(&p, digit, step);
    add_lanes(sum, &p);
    qs_ed25519_comb_end(out, &sum[0], &sum[1]);
}

#endif

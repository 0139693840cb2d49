/* qs_ed25519_known - the equations of keys whose tables are there, LANES at a time.

   A kernel's file includes this after a field and gets qs_ed25519_lanes.h with it.

       P = S B - k key        64 doublings, nothing to decode: the tables hold four parts of each
       P == R ?               P is made affine, one inversion for all groups of a call, and compared
                              with the bytes of R: all that an honest signature needs

   Where that does not say yes, R is decoded and the verdict comes from P - R, as without tables.

   Verifying takes time that depends on its inputs, which are public.

   Threads: any.  Blocks: never.  Allocates: never (the stack: up to 48 KiB). */

#ifndef QS_WALTZ_CRYPTO_ED25519_KNOWN_H
#define QS_WALTZ_CRYPTO_ED25519_KNOWN_H

#include "waltz/crypto/qs_ed25519_lanes.h"

#define PARTS     QS_ED25519_TABLE_PARTS
#define PLACES    (64u / PARTS) /* digits of four bits in a part */
#define GROUP_CNT (QS_ED25519_KNOWN_MAX / LANES)

_Static_assert(QS_ED25519_TABLE_WORDS >= NIELS_WORDS, "an entry fits");

static alignas(64) u64 const neutral_entry[QS_ED25519_TABLE_WORDS] = {[0] = 1, [5] = 1};

static void
add_known(vge_t *p, qs_ed25519_job_t const job[LANES], u32 part, vdigits_t const *d, u32 place)
{
    u64 size[LANES];
    u64 const *lane[LANES];
    vcached_t q;
    vec_t negative = vdigits_at(size, d, PLACES * part + place, 4);
    for (u32 i = 0; i < LANES; i++)
        lane[i] = size[i] ? job[i].table->entry[part][size[i] - 1] : neutral_entry;
    load_entry(&q, lane, QS_ED25519_TABLE_WORDS);
    vge_add_niels(p, &q, &negative, true);
}

/* Tables are many and far away: while one group is computed, all lines of the next group's are called
   for, a few with each step: more at once would fill the queue of what is missing and stall the
   rest (4.6 us for 3.7 where all come from memory). */
typedef struct prefetch {
    qs_ed25519_job_t const *job;
    u32 line; /* the next one of LANES tables */
} prefetch_t;

#define TABLE_LINES ((u32)sizeof(qs_ed25519_key_table_t) / 64)
#define LINES_EACH  (LANES / 2u)

static void
prefetch_some(prefetch_t *p)
{
    for (u32 end = p->line + LINES_EACH; p->line < end && p->line < TABLE_LINES * LANES; p->line++)
        __builtin_prefetch((u8 const *)p->job[p->line / TABLE_LINES].table +
                           64 * (p->line % TABLE_LINES));
}

/* Prefetches the tables of next. */
static void
walk_known(vge_t *p, qs_ed25519_job_t const job[LANES], qs_ed25519_job_t const next[LANES])
{
    prefetch_t ahead = {.job = next};
    vdigits_t key, base;
    for (u32 i = 0; i < LANES; i++) {
        vdigits_set(&key, i, job[i].key_scalar, 4);
        vdigits_set(&base, i, job[i].base, 8);
    }
    vge_identity(p);
    for (u32 i = PLACES - 1;; i--) {
        for (u32 part = 0; part < PARTS; part++) {
            add_known(p, job, part, &key, i);
            prefetch_some(&ahead);
        }
        for (u32 part = 0; part < PARTS && i % 2 == 0; part++) {
            add_base(p, part, &base, (PLACES * part + i) / 2, true);
            prefetch_some(&ahead);
        }
        if (!i)
            break;
        for (u32 n = 0; n < 4; n++) {
            vge_double(p, n == 3);
            prefetch_some(&ahead);
        }
    }
}

/* out[i] = 1 / z of point i, by one inversion: 1 / x = x^(p - 2) = (x^(2^252 - 3))^8 x^3. */
static QS_NOINLINE void
invert_each(vfe_t *out, vge_t const *point, u32 cnt)
{
    vfe_t product[GROUP_CNT], inverse, t;
    product[0] = point[0].z;
    for (u32 i = 1; i < cnt; i++)
        vfe_mul_each(&product[i], &product[i - 1], &point[i].z, 1);
    vfe_pow_p58(&inverse, &product[cnt - 1], 1);
    vfe_sqr_times(&inverse, &inverse, 3, 1);
    vfe_sqr_times(&t, &product[cnt - 1], 1, 1);
    vfe_mul_each(&t, &t, &product[cnt - 1], 1);
    vfe_mul_each(&inverse, &inverse, &t, 1);
    for (u32 i = cnt; --i;) {
        vfe_mul_each(&out[i], &inverse, &product[i - 1], 1);
        vfe_mul_each(&inverse, &inverse, &point[i].z, 1);
    }
    out[0] = inverse;
}

/* All ones where p is the point that these bytes encode canonically, and of no small order. */
static QS_NOINLINE vec_t
is_encoded(vge_t const *p, vfe_t const *z_inverse, u8 const *const in[LANES])
{
    vfe_t x, y, xx, yy;
    row_t x_row, y_row, want;
    vec_t sign;
    load_points(&want, &sign, in);
    vfe_mul(&x, &p->x, z_inverse);
    vfe_mul(&y, &p->y, z_inverse);
    vfe_to_row(&x_row, &x);
    vfe_to_row(&y_row, &y);
    row_freeze(&x_row);
    row_freeze(&y_row);
    vec_t differs = (vec_t)((x_row.limb[0] & 1) != sign);
    for (u32 i = 0; i < 5; i++)
        differs |= (vec_t)(y_row.limb[i] != want.limb[i]);
    vfe_sqr(&xx, &x);
    vfe_sqr(&yy, &y);
    vfe_add(&xx, &xx, &yy);
    return ~(differs | row_is_zero(&x_row) | row_is_zero(&y_row) | vfe_is_zero(&xx));
}

/* The verdicts from p - R, R decoded. */
static void
judge_difference(qs_ed25519_verdict_t *verdict, vge_t *p, u8 const *const r[1][LANES],
                 qs_ed25519_rule_t rule)
{
    vdecoded_t decoded;
    vcached_t q;
    vec_t const none = {0};
    decode(&decoded, r, 1, rule);
    vge_cache(&q, &decoded.minus);
    vge_add_cached(p, &q, &none, false);
    for (u32 i = 0; i < 3 && rule == QS_ED25519_SIMD376; i++)
        vge_double(p, false);
    u32 zero = vec_mask_bits(vge_is_identity(p));
    u32 bad = vec_mask_bits(decoded.bad), small = vec_mask_bits(decoded.small);
    for (u32 i = 0; i < LANES; i++)
        verdict[i] = bad >> i & 1     ? QS_ED25519_R_DECODE
                     : small >> i & 1 ? QS_ED25519_R_SMALL
                     : zero >> i & 1  ? QS_ED25519_OK
                                      : QS_ED25519_EQUATION;
}

static void
lanes_check_known(qs_ed25519_verdict_t *verdict, qs_ed25519_job_t const *job, u32 cnt,
                  qs_ed25519_rule_t rule)
{
    vge_t p[GROUP_CNT];
    vfe_t z_inverse[GROUP_CNT];
    u32 group_cnt = cnt / LANES, walked = 0;
    QS_ASSERT(group_cnt && group_cnt <= GROUP_CNT);
    do { /* at least once, or gcc warns */
        u32 next = (walked + 1) % group_cnt;
        walk_known(&p[walked], job + walked * LANES, job + next * LANES);
    } while (++walked < group_cnt);
    invert_each(z_inverse, p, group_cnt);
    for (u32 g = 0; g < group_cnt; g++, job += LANES, verdict += LANES) {
        u8 const *r[1][LANES];
        for (u32 i = 0; i < LANES; i++) {
            r[0][i] = job[i].r;
            verdict[i] = QS_ED25519_OK;
        }
        if (vec_mask_bits(is_encoded(&p[g], &z_inverse[g], r[0])) != (1u << LANES) - 1)
            judge_difference(verdict, &p[g], r, rule);
    }
}

/* Writes n times a point, made affine, as an entry of each lane's table. */
static QS_NOINLINE void
store_known(qs_ed25519_key_table_t *const *table, u32 part, u32 n, vge_t const *p,
            vfe_t const *z_inverse)
{
    vfe_t x, y, t, d2;
    vec_t word[QS_ED25519_TABLE_WORDS] = {{0}};
    row_t *row = (row_t *)word;
    u64 *lane[LANES];
    vfe_mul(&x, &p->x, z_inverse);
    vfe_mul(&y, &p->y, z_inverse);
    vfe_add(&t, &y, &x);
    vfe_carry(&t);
    vfe_pack(&row[0], &t);
    vfe_sub(&t, &y, &x);
    vfe_carry(&t);
    vfe_pack(&row[1], &t);
    vfe_from_fe(&d2, &fe_2d);
    vfe_mul(&t, &x, &y);
    vfe_mul(&t, &d2, &t);
    vfe_pack(&row[2], &t);
    for (u32 i = 0; i < LANES; i++)
        lane[i] = table[i]->entry[part][n];
    vec_untranspose(lane, word, QS_ED25519_TABLE_WORDS);
}

static u32
lanes_expand(qs_ed25519_key_table_t *const *table, u8 const *const *key)
{
    vdecoded_t decoded;
    vcached_t one;
    vge_t multiple[8];
    vfe_t z_inverse[8];
    vec_t const none = {0};
    u8 const *in[1][LANES];
    memcpy(in, key, sizeof(in));
    decode(&decoded, in, 1, QS_ED25519_SIMD376);
    multiple[0] = decoded.minus;
    for (u32 part = 0; part < PARTS; part++) {
        vge_cache(&one, &multiple[0]);
        for (u32 n = 1; n < 8; n++) {
            multiple[n] = multiple[n % 2 ? n / 2 : n - 1];
            if (n % 2)
                vge_double(&multiple[n], true);
            else
                vge_add_cached(&multiple[n], &one, &none, true);
        }
        invert_each(z_inverse, multiple, 8);
        for (u32 n = 0; n < 8; n++)
            store_known(table, part, n, &multiple[n], &z_inverse[n]);
        multiple[0] = multiple[7]; /* 8 is 2^3 */
        for (u32 n = 3; n < 64; n++)
            vge_double(&multiple[0], n == 63);
    }
    return ~vec_mask_bits(decoded.bad | decoded.small) & ((1u << LANES) - 1);
}

#endif

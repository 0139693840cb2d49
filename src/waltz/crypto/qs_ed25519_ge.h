/* qs_ed25519_ge - points of edwards25519, one at a time, over qs_ed25519_fe51.h.

   -x^2 + y^2 = 1 + d x^2 y^2.  The addition is complete (-1 is a square modulo p and d is not):
   it has no exceptions, not for equal points, the identity or points of small order.

       ge_t       x = X/Z, y = Y/Z, T = XY/Z           what an addition takes
       ge_sum_t   x = E/G, y = H/F                     what additions and doublings return:
                                                       X, Y, Z are EF, GH, FG and T is EH
       ge_cached  y + x, y - x, 2z, 2dt of a ge_t      the other summand
       ge_niels   the same with z = 1                  from a table of affine points

   Constant time, except ge_decode and the comparisons.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_GE_H
#define QS_WALTZ_CRYPTO_ED25519_GE_H

#include "waltz/crypto/qs_ed25519_fe51.h"

typedef struct ge {
    fe_t x, y, z, t;
} ge_t;

typedef struct ge_sum {
    fe_t e, f, g, h;
} ge_sum_t;

typedef struct ge_niels {
    fe_t y_plus_x, y_minus_x, t2d;
} ge_niels_t;

typedef struct ge_cached {
    ge_niels_t rest;
    fe_t z2;
} ge_cached_t;

static ge_t const ge_identity = {.y = {{1}}, .z = {{1}}};

/* ge_settle_xyz leaves t alone: enough before a doubling. */
QS_INLINE void
ge_settle_xyz(ge_t *out, ge_sum_t const *s)
{
    fe_mul(&out->x, &s->e, &s->f);
    fe_mul(&out->y, &s->g, &s->h);
    fe_mul(&out->z, &s->f, &s->g);
}

QS_INLINE void
ge_settle(ge_t *out, ge_sum_t const *s)
{
    ge_settle_xyz(out, s);
    fe_mul(&out->t, &s->e, &s->h);
}

QS_INLINE void
ge_double(ge_sum_t *out, ge_t const *p)
{
    fe_t xx, yy, zz, xy;
    fe_sqr(&xx, &p->x);
    fe_sqr(&yy, &p->y);
    fe_sqr(&zz, &p->z);
    fe_add(&xy, &p->x, &p->y);
    fe_sqr(&xy, &xy);
    fe_add(&out->h, &xx, &yy);
    fe_sub(&out->e, &out->h, &xy);
    fe_sub(&out->g, &xx, &yy);
    fe_add(&zz, &zz, &zz);
    fe_add(&out->f, &zz, &out->g);
}

/* What an addition multiplies is a = (y-x)(y-x)', b = (y+x)(y+x)', c = 2dtt', d = 2zz'.
   -q has y + x and y - x in each other's place and the sign of t turned; the latter makes f
   and g change places. */
QS_INLINE void
ge_combine_(ge_sum_t *out, ge_t const *p, ge_niels_t const *q, fe_t const *d, bool subtract)
{
    fe_t a, b, c;
    fe_sub(&a, &p->y, &p->x);
    fe_mul(&a, &a, subtract ? &q->y_plus_x : &q->y_minus_x);
    fe_add(&b, &p->y, &p->x);
    fe_mul(&b, &b, subtract ? &q->y_minus_x : &q->y_plus_x);
    fe_mul(&c, &p->t, &q->t2d);
    fe_sub(&out->e, &b, &a);
    fe_add(&out->h, &b, &a);
    fe_sub(subtract ? &out->g : &out->f, d, &c);
    fe_add(subtract ? &out->f : &out->g, d, &c);
}

QS_INLINE void
ge_add_niels(ge_sum_t *out, ge_t const *p, ge_niels_t const *q, bool subtract)
{
    fe_t d;
    fe_add(&d, &p->z, &p->z);
    ge_combine_(out, p, q, &d, subtract);
}

QS_INLINE void
ge_add_cached(ge_sum_t *out, ge_t const *p, ge_cached_t const *q, bool subtract)
{
    fe_t d;
    fe_mul(&d, &p->z, &q->z2);
    ge_combine_(out, p, &q->rest, &d, subtract);
}

QS_INLINE void
ge_cache(ge_cached_t *out, ge_t const *p)
{
    fe_add(&out->rest.y_plus_x, &p->y, &p->x);
    fe_sub(&out->rest.y_minus_x, &p->y, &p->x);
    fe_mul(&out->rest.t2d, &p->t, &fe_2d);
    fe_add(&out->z2, &p->z, &p->z);
}

QS_INLINE bool
ge_is_identity(ge_t const *p)
{
    fe_t diff;
    fe_sub(&diff, &p->y, &p->z);
    return fe_is_zero(&p->x) && fe_is_zero(&diff);
}

#endif

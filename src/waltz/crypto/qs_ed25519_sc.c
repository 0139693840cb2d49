#include "waltz/crypto/qs_ed25519_sc.h"

/* L = 2^252 + 27742317777372353535851937790883648493, and floor(2^512 / L). */
static u64 const order[5] = {0x5812631a5cf5d3edu, 0x14def9dea2f79cd6u, 0, 0x1000000000000000u, 0};
static u64 const order_inverse[5] = {0xed9ce5a30a2c131bu, 0x2106215d086329a7u, 0xffffffffffffffebu,
                                     0xffffffffffffffffu, 0xfu};

/* Returns the borrow. */
static u64
sub_words(u64 *out, u64 const *a, u64 const *b, u32 cnt)
{
    u64 borrow = 0;
    for (u32 i = 0; i < cnt; i++) {
        u128 d = (u128)a[i] - b[i] - borrow;
        out[i] = (u64)d;
        borrow = (u64)(d >> 64) & 1;
    }
    return borrow;
}

bool
qs_ed25519_sc_in_range(u64 const a[4])
{
    u64 unused[4];
    return sub_words(unused, a, order, 4);
}

/* out[a_cnt + b_cnt] = a b */
QS_INLINE void
mul_words(u64 *out, u64 const *a, u32 a_cnt, u64 const *b, u32 b_cnt)
{
    memset(out, 0, (a_cnt + b_cnt) * sizeof(*out));
    for (u32 i = 0; i < a_cnt; i++) {
        u64 carry = 0;
        for (u32 j = 0; j < b_cnt; j++) {
            u128 t = (u128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (u64)t;
            carry = (u64)(t >> 64);
        }
        out[i + b_cnt] = carry;
    }
}

static void
sub_order_if_not_below(u64 a[5])
{
    u64 less[5];
    u64 keep = 0 - sub_words(less, a, order, 5);
    for (u32 i = 0; i < 5; i++)
        a[i] = (a[i] & keep) | (less[i] & ~keep);
}

/* Barrett's reduction: the estimated quotient is at most two too small. */
void
qs_ed25519_sc_reduce(u64 out[4], u64 const a[8])
{
    u64 estimate[10], multiple[9], rest[5];
    mul_words(estimate, a + 3, 5, order_inverse, 5);
    mul_words(multiple, estimate + 5, 5, order, 4);
    sub_words(rest, a, multiple, 5);
    sub_order_if_not_below(rest);
    sub_order_if_not_below(rest);
    memcpy(out, rest, 32);
}

void
qs_ed25519_sc_muladd(u64 out[4], u64 const a[4], u64 const b[4], u64 const c[4])
{
    u64 t[8], carry = 0;
    mul_words(t, a, 4, b, 4);
    for (u32 i = 0; i < 8; i++) {
        u128 sum = (u128)t[i] + (i < 4 ? c[i] : 0) + carry;
        t[i] = (u64)sum;
        carry = (u64)(sum >> 64);
    }
    qs_ed25519_sc_reduce(out, t);
}

/* A vector (r, t) of the lattice r = t k mod 8L: r in [0, 2^255), t a two's complement number. */
typedef struct vector {
    u64 r[4];
    u64 t[4];
} vector_t;

static u32
bit_cnt(u64 const a[4])
{
    for (u32 i = 4; i--;)
        if (a[i])
            return 64 * i + qs_log2(a[i]) + 1;
    return 0;
}

static bool
is_negative(u64 const a[4])
{
    return a[3] >> 63;
}

static void
negate(u64 a[4])
{
    static u64 const zero[4];
    sub_words(a, zero, a, 4);
}

/* The 64 bits of a that start at bit pos; no address or branch depends on a. */
static u64
window_at(u64 const a[4], u32 pos)
{
    u32 word = pos / 64, bit = pos % 64;
    u64 low = word < 4 ? a[word] >> bit : 0;
    u64 high = word < 3 && bit ? a[word + 1] << (64 - bit) : 0;
    return low | high;
}

/* out = x a + y b modulo 2^256 */
QS_INLINE void
combine(u64 out[4], i64 x, u64 const a[4], i64 y, u64 const b[4])
{
    u64 x_size = x < 0 ? 0 - (u64)x : (u64)x, x_sign = (u64)(x >> 63);
    u64 y_size = y < 0 ? 0 - (u64)y : (u64)y, y_sign = (u64)(y >> 63);
    /* -n is ~n + 1, so that all that carries is a sum. */
    u64 carry_x = 0, carry_y = 0;
    u128 sum = (x_sign & 1) + (y_sign & 1);
    for (u32 i = 0; i < 4; i++) {
        u128 px = (u128)x_size * a[i] + carry_x;
        u128 py = (u128)y_size * b[i] + carry_y;
        carry_x = (u64)(px >> 64);
        carry_y = (u64)(py >> 64);
        sum += (u128)((u64)px ^ x_sign) + ((u64)py ^ y_sign);
        out[i] = (u64)sum;
        sum >>= 64;
    }
}

/* Exchanges *a and *b if mask is all ones; compilers make a branch of anything plainer, and half
   of all guesses at it are wrong. */
QS_INLINE void
swap_if(u64 mask, u64 *a, u64 *b)
{
    u64 d = (*a ^ *b) & mask;
    *a ^= d;
    *b ^= d;
}

/* Runs the subtractive Euclid's algorithm on run i.  Precision is no matter for correctness: any
   integer matrix of determinant 1 or -1 keeps the lattice. */
QS_INLINE void
run_euclid(qs_ed25519_euclid_t *e, u32 i)
{
    u64 a = e->a[i], b = e->b[i], floor = e->floor[i];
    u64 x0 = 1, y0 = 0, x1 = 0, y1 = 1;
    while (b >= floor) {
        u32 shift = qs_log2(a) - qs_log2(b);
        a -= b << shift;
        x0 -= x1 << shift;
        y0 -= y1 << shift;
        u64 sign = 0 - (a >> 63);
        a = (a ^ sign) - sign;
        x0 = (x0 ^ sign) - sign;
        y0 = (y0 ^ sign) - sign;
        u64 swap = 0 - (u64)(a < b);
        swap_if(swap, &a, &b);
        swap_if(swap, &x0, &x1);
        swap_if(swap, &y0, &y1);
    }
    e->x0[i] = (i64)x0;
    e->y0[i] = (i64)y0;
    e->x1[i] = (i64)x1;
    e->y1[i] = (i64)y1;
}

void
qs_ed25519_euclid_c(qs_ed25519_euclid_t *e, u32 cnt)
{
    for (u32 i = 0; i < cnt; i++)
        run_euclid(e, i);
}

static void
apply(vector_t *v0, vector_t *v1, qs_ed25519_euclid_t const *e, u32 i)
{
    vector_t n0, n1;
    combine(n0.r, e->x0[i], v0->r, e->y0[i], v1->r);
    combine(n0.t, e->x0[i], v0->t, e->y0[i], v1->t);
    combine(n1.r, e->x1[i], v0->r, e->y1[i], v1->r);
    combine(n1.t, e->x1[i], v0->t, e->y1[i], v1->t);
    if (is_negative(n0.r)) {
        negate(n0.r);
        negate(n0.t);
    }
    if (is_negative(n1.r)) {
        negate(n1.r);
        negate(n1.t);
    }
    u64 unused[4];
    bool swap = sub_words(unused, n0.r, n1.r, 4);
    *v0 = swap ? n1 : n0;
    *v1 = swap ? n0 : n1;
}

/* The longer of v's two numbers, in bits. */
static u32
length(vector_t const *v)
{
    u64 t[4];
    memcpy(t, v->t, sizeof(t));
    if (is_negative(t))
        negate(t);
    return (u32)qs_max_u64(bit_cnt(v->r), bit_cnt(t));
}

/* v1.t is even, so v0.t is odd, and so is that of v0 plus any multiple of v1: takes the shortest
   of a few.  */
static void
shortest_odd(vector_t *v0, vector_t const *v1)
{
    vector_t best = *v0;
    for (i64 n = -2; n <= 2; n++) {
        vector_t other;
        combine(other.r, 1, v0->r, n, v1->r);
        combine(other.t, 1, v0->t, n, v1->t);
        if (is_negative(other.r)) {
            negate(other.r);
            negate(other.t);
        }
        if (length(&other) < length(&best))
            best = other;
    }
    *v0 = best;
}

#define TARGET_BITS  128u /* r this short, t is at most about as long */
#define LEADING_BITS 62u
#define ROUND_MAX    32u /* four or five are usual; ends the loop whatever k is */

/* Bases of lattices side by side; those whose v1.r is short are done. */
typedef struct bases {
    vector_t v0[QS_ED25519_EUCLID_MAX], v1[QS_ED25519_EUCLID_MAX];
    bool done[QS_ED25519_EUCLID_MAX];
} bases_t;

/* (8 (L - k), -8) and (k, 1), the longer first. */
static void
basis_init(vector_t *v0, vector_t *v1, u64 const k[4])
{
    u64 unused[4];
    *v0 = (vector_t){.t = {8}};
    *v1 = (vector_t){.t = {1}};
    memcpy(v1->r, k, 32);
    sub_words(v0->r, order, k, 4);
    for (u32 i = 4; i--;)
        v0->r[i] = v0->r[i] << 3 | (i ? v0->r[i - 1] >> 61 : 0);
    negate(v0->t);
    if (sub_words(unused, v0->r, v1->r, 4)) {
        vector_t t = *v0;
        *v0 = *v1;
        *v1 = t;
    }
}

/* Sets run i up: on the leading bits of the two, or, where the quotient is large, to nothing but
   one exact step.  Returns false, and no run, if v1.r is short. */
static bool
run_init(qs_ed25519_euclid_t *e, u32 i, vector_t const *v0, vector_t const *v1, bool *exact)
{
    u32 r0_bits = bit_cnt(v0->r), r1_bits = bit_cnt(v1->r);
    e->a[i] = e->b[i] = 0;
    e->floor[i] = 1;
    if (r1_bits <= TARGET_BITS)
        return false;
    *exact = r0_bits - r1_bits >= 16;
    if (*exact)
        return true;
    u32 from = r0_bits - LEADING_BITS;
    e->floor[i] = 1ull << 31;
    if (from < TARGET_BITS && TARGET_BITS - from > 31)
        e->floor[i] = 1ull << (TARGET_BITS - from);
    e->a[i] = window_at(v0->r, from);
    e->b[i] = window_at(v1->r, from);
    return true;
}

/* Shortens until all are done, or, whatever they are, after ROUND_MAX rounds. */
static void
shorten(bases_t *s, u32 cnt, qs_ed25519_euclid_fn *euclid)
{
    qs_ed25519_euclid_t e;
    for (u32 i = cnt; i < QS_ED25519_EUCLID_MAX; i++) {
        e.a[i] = e.b[i] = 0;
        e.floor[i] = 1;
    }
    for (u32 round = 0; round < ROUND_MAX; round++) {
        bool exact[QS_ED25519_EUCLID_MAX] = {0}, all_done = true;
        for (u32 i = 0; i < cnt; i++) {
            s->done[i] = !run_init(&e, i, &s->v0[i], &s->v1[i], &exact[i]);
            all_done &= s->done[i];
        }
        if (all_done)
            return;
        euclid(&e, cnt);
        for (u32 i = 0; i < cnt; i++) {
            if (s->done[i])
                continue;
            if (exact[i]) {
                u32 bits = bit_cnt(s->v0[i].r) - bit_cnt(s->v1[i].r) - 1;
                e.y0[i] = -(i64)(1ull << qs_min_u64(bits, 61));
            }
            apply(&s->v0[i], &s->v1[i], &e, i);
        }
    }
}

static void
halve_some(qs_ed25519_half_t *out, u64 const (*k)[4], u32 cnt, qs_ed25519_euclid_fn *euclid)
{
    bases_t s;
    for (u32 i = 0; i < cnt; i++)
        basis_init(&s.v0[i], &s.v1[i], k[i]);
    shorten(&s, cnt, euclid);
    for (u32 i = 0; i < cnt; i++, out++) {
        vector_t v1 = s.v1[i];
        if (bit_cnt(k[i]) <= TARGET_BITS || !s.done[i]) {
            v1 = (vector_t){.t = {1}};
            memcpy(v1.r, k[i], 32);
        } else if (!(v1.t[0] & 1)) {
            shortest_odd(&s.v0[i], &v1);
            v1 = s.v0[i];
        }
        out->u_negative = is_negative(v1.t);
        if (out->u_negative)
            negate(v1.t);
        memcpy(out->u, v1.r, 32);
        memcpy(out->v, v1.t, 32);
    }
}

void
qs_ed25519_sc_halve(qs_ed25519_half_t *out, u64 const (*k)[4], u32 cnt,
                    qs_ed25519_euclid_fn *euclid)
{
    for (u32 i = 0; i < cnt; i += QS_ED25519_EUCLID_MAX)
        halve_some(out + i, k + i, (u32)qs_min_u64(cnt - i, QS_ED25519_EUCLID_MAX), euclid);
}

u32
qs_ed25519_sc_naf(i8 digit[QS_ED25519_NAF_MAX], u64 const a[4], u32 width)
{
    u32 cnt = 0, bits = bit_cnt(a);
    u64 carry = 0;
    memset(digit, 0, QS_ED25519_NAF_MAX);
    for (u32 pos = 0; pos < bits + carry;) {
        u64 window = (window_at(a, pos) & ((1u << width) - 1)) + carry;
        if (!(window & 1)) {
            pos++;
            continue;
        }
        carry = window >> (width - 1) & 1;
        digit[pos] = (i8)((i64)window - ((i64)carry << width));
        cnt = pos + 1;
        pos += width;
    }
    return cnt;
}

void
qs_ed25519_sc_windows(i8 *digit, u64 const a[4], u32 width, u32 cnt)
{
    u64 carry = 0;
    for (u32 i = 0; i < cnt; i++) {
        u64 window = (window_at(a, width * i) & ((1u << width) - 1)) + carry;
        carry = (window + (1u << (width - 1))) >> width;
        digit[i] = (i8)((i64)window - ((i64)carry << width));
    }
}

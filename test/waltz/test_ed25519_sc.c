/* Goal: scalars are what ed25519's equations need: reduced right, halved without changing the
   question, and cut into digits that add up again.
   Method: OpenSSL's big numbers as the oracle, over random scalars and those at the edges. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/bn.h>
#include <sodium.h>

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_sc.h"

static BN_CTX *ctx;
static BIGNUM *order;

static void
init(void)
{
    ctx = BN_CTX_new();
    order = NULL;
    int digits =
        BN_hex2bn(&order, "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    cr_assert(eq(int, digits, 64));
}

TestSuite(ed25519_sc, .init = init);

static BIGNUM *
bn(u64 const *word, u32 cnt)
{
    return BN_lebin2bn((u8 const *)word, (int)(8 * cnt), NULL);
}

static void
words(u64 out[4], BIGNUM const *a)
{
    cr_assert(BN_bn2lebinpad(a, (u8 *)out, 32) == 32);
}

/* Scalar i: the first ones are those at the edges, then random ones of every length. */
static void
scalar(u64 out[4], u32 i)
{
    BIGNUM *a = BN_new();
    if (i < 256) {
        BN_set_bit(a, (int)i);
        if (i % 3 == 1)
            BN_sub_word(a, 1);
    } else if (i < 512) {
        BN_div(a, NULL, order, BN_value_one(), ctx);
        BIGNUM *divisor = BN_new();
        BN_set_word(divisor, i - 255);
        BN_div(a, NULL, order, divisor, ctx);
        if (i % 3 == 0)
            BN_sub(a, order, a);
        BN_free(divisor);
    } else {
        randombytes_buf(out, 32);
        BIGNUM *all = bn(out, 4);
        BN_rshift(a, all, (int)(i % 256));
        BN_free(all);
    }
    words(out, a);
    BN_free(a);
}

#define SCALAR_CNT 4096u

Test(ed25519_sc, a_scalar_is_in_range_if_it_is_below_the_order)
{
    for (u32 i = 0; i < SCALAR_CNT; i++) {
        u64 a[4];
        scalar(a, i);
        BIGNUM *x = bn(a, 4);
        cr_assert(eq(int, qs_ed25519_sc_in_range(a), BN_cmp(x, order) < 0));
        BN_free(x);
    }
    u64 edge[4];
    words(edge, order);
    cr_assert(not(qs_ed25519_sc_in_range(edge)));
    edge[0]--;
    cr_assert(qs_ed25519_sc_in_range(edge));
    memset(edge, 0xff, sizeof(edge));
    cr_assert(not(qs_ed25519_sc_in_range(edge)));
}

/* A product plus a number, at most 2^512 - 1: all that reduce can be given by muladd. */
Test(ed25519_sc, products_are_reduced_to_the_one_remainder_below_the_order)
{
    for (u32 i = 0; i < SCALAR_CNT; i++) {
        u64 a[4], b[4], c[4], got[4], want[4];
        scalar(a, i);
        scalar(b, (i * 7 + 255) % SCALAR_CNT);
        scalar(c, (i * 31 + 511) % SCALAR_CNT);
        BIGNUM *x = bn(a, 4), *y = bn(b, 4), *z = bn(c, 4);
        BN_mul(x, x, y, ctx);
        BN_add(x, x, z);
        BN_nnmod(x, x, order, ctx);
        words(want, x);
        qs_ed25519_sc_muladd(got, a, b, c);
        cr_assert(not(memcmp(got, want, sizeof(got))), "case %u", i);
        BN_free(x);
        BN_free(y);
        BN_free(z);
    }
}

/* The quotient's estimate is off by most near multiples of the order. */
Test(ed25519_sc, reduction_is_right_at_multiples_of_the_order)
{
    for (u32 i = 0; i < 260; i++) {
        for (int off = -1; off <= 1; off++) {
            u64 wide[8], got[4], want[4];
            BIGNUM *x = BN_new(), *r = BN_new();
            BN_set_bit(x, (int)i);
            BN_sub_word(x, i % 2);
            BN_mul(x, x, order, ctx);
            if (off > 0 || BN_is_zero(x))
                BN_add_word(x, 1);
            else if (off < 0)
                BN_sub_word(x, 1);
            if (BN_num_bits(x) <= 512) {
                cr_assert(BN_bn2lebinpad(x, (u8 *)wide, 64) == 64);
                BN_nnmod(r, x, order, ctx);
                words(want, r);
                qs_ed25519_sc_reduce(got, wide);
                cr_assert(not(memcmp(got, want, sizeof(got))));
            }
            BN_free(x);
            BN_free(r);
        }
    }
    u64 all[8], got[4], want[4];
    memset(all, 0xff, sizeof(all));
    BIGNUM *x = bn(all, 8);
    BN_nnmod(x, x, order, ctx);
    words(want, x);
    qs_ed25519_sc_reduce(got, all);
    cr_assert(not(memcmp(got, want, sizeof(got))));
    BN_free(x);
}

/* u = v k modulo 8L, v odd, 0 < v < L, |u| < L.  Returns the longer one's bits. */
static int
check_half(u64 const k[4])
{
    qs_ed25519_half_t half;
    qs_ed25519_sc_halve(&half, (u64 const(*)[4])k, 1, qs_ed25519_euclid_c);
    BIGNUM *u = bn(half.u, 4), *v = bn(half.v, 4), *scaled = bn(k, 4), *order8 = BN_dup(order);
    cr_assert(BN_is_odd(v));
    cr_assert(BN_cmp(u, order) < 0 && BN_cmp(v, order) < 0);
    int bits = BN_num_bits(u) > BN_num_bits(v) ? BN_num_bits(u) : BN_num_bits(v);
    BN_lshift(order8, order8, 3);
    BN_mul(scaled, scaled, v, ctx);
    BN_set_negative(u, half.u_negative);
    BN_sub(scaled, scaled, u);
    BN_nnmod(scaled, scaled, order8, ctx);
    cr_assert(BN_is_zero(scaled));
    BN_free(u);
    BN_free(v);
    BN_free(scaled);
    BN_free(order8);
    return bits;
}

Test(ed25519_sc, halves_are_the_same_fraction_modulo_eight_times_the_order)
{
    for (u32 i = 0; i < SCALAR_CNT; i++) {
        u64 k[4];
        scalar(k, i);
        if (qs_ed25519_sc_in_range(k))
            check_half(k);
    }
    /* Fractions of small numbers make the lattice's shortest vector very short. */
    for (u32 n = 1; n < 64; n++)
        for (u32 d = 1; d < 64; d++) {
            u64 k[4];
            BIGNUM *x = BN_new(), *y = BN_new();
            BN_set_word(y, d);
            BN_mod_inverse(y, y, order, ctx);
            BN_set_word(x, n);
            BN_mod_mul(x, x, y, order, ctx);
            words(k, x);
            check_half(k);
            BN_free(x);
            BN_free(y);
        }
}

Test(ed25519_sc, halves_of_random_scalars_are_short)
{
    u32 long_cnt = 0;
    for (u32 i = 0; i < 20000; i++) {
        u64 wide[8], k[4];
        randombytes_buf(wide, sizeof(wide));
        qs_ed25519_sc_reduce(k, wide);
        int bits = check_half(k);
        cr_assert(bits < 160);
        long_cnt += bits > 136;
    }
    cr_assert(long_cnt < 100); /* 1 in 1000 here */
}

#if defined(__x86_64__)

/* Also of scalars whose runs end at once, or take one exact step, beside others that go on. */
Test(ed25519_sc, eight_halves_side_by_side_are_those_of_one)
{
    if (!qs_cpu_has(QS_CPU_NEED_AVX512))
        return;
    for (u32 i = 0; i < 4000; i++) {
        u64 k[19][4];
        qs_ed25519_half_t one[19], many[20] = {0};
        u32 cnt = i % 20;
        for (u32 n = 0; n < cnt; n++) {
            u64 wide[8];
            randombytes_buf(wide, sizeof(wide));
            qs_ed25519_sc_reduce(k[n], wide);
            if ((i + n) % 5 == 0)
                scalar(k[n], (i + n) % SCALAR_CNT);
            if (!qs_ed25519_sc_in_range(k[n]))
                memset(k[n], 0, 32);
            if ((i + n) % 7 == 0)
                memset(k[n] + 2, 0, 16);
        }
        memset(one, 0, sizeof(one));
        qs_ed25519_sc_halve(one, (u64 const(*)[4])k, cnt, qs_ed25519_euclid_c);
        qs_ed25519_sc_halve(many, (u64 const(*)[4])k, cnt, qs_ed25519_euclid_avx512);
        for (u32 n = 0; n < cnt; n++)
            cr_assert(not(memcmp(one[n].u, many[n].u, 32) || memcmp(one[n].v, many[n].v, 32) ||
                          one[n].u_negative != many[n].u_negative),
                      "case %u of %u", n, i);
        cr_assert(eq(u64, many[cnt].v[0], 0));
    }
}

#endif

/* The sum of digit[i] 2^(width i) is a. */
static void
check_sum(i8 const *digit, u32 cnt, int width, u64 const a[4])
{
    BIGNUM *sum = BN_new(), *want = bn(a, 4);
    for (u32 i = cnt; i--;) {
        BN_lshift(sum, sum, width);
        if (digit[i] < 0)
            BN_sub_word(sum, (BN_ULONG)-digit[i]);
        else
            BN_add_word(sum, (BN_ULONG)digit[i]);
    }
    cr_assert(BN_cmp(sum, want) == 0);
    BN_free(sum);
    BN_free(want);
}

Test(ed25519_sc, windows_add_up_and_stay_in_range)
{
    static u32 const shape[][2] = {{4, 64}, {8, 32}, {5, 52}};
    for (u32 i = 0; i < SCALAR_CNT; i++) {
        u64 a[4];
        scalar(a, i);
        a[3] &= ~0ull >> 2;
        for (u32 j = 0; j < QS_COUNT(shape); j++) {
            i8 digit[64];
            int most = 1 << (shape[j][0] - 1);
            qs_ed25519_sc_windows(digit, a, shape[j][0], shape[j][1]);
            for (u32 n = 0; n < shape[j][1]; n++)
                cr_assert(digit[n] >= -most && digit[n] < most);
            check_sum(digit, shape[j][1], (int)shape[j][0], a);
        }
    }
}

Test(ed25519_sc, naf_digits_are_odd_and_apart)
{
    for (u32 i = 0; i < SCALAR_CNT; i++) {
        for (u32 width = 5; width <= 8; width += 3) {
            u64 a[4];
            i8 digit[QS_ED25519_NAF_MAX];
            scalar(a, i);
            u32 cnt = qs_ed25519_sc_naf(digit, a, width), zeros = width;
            cr_assert(cnt <= QS_ED25519_NAF_MAX);
            cr_assert(cnt == 0 || digit[cnt - 1]);
            for (u32 n = 0; n < QS_ED25519_NAF_MAX; n++, zeros++) {
                if (!digit[n])
                    continue;
                cr_assert(n < cnt && (digit[n] & 1) && zeros >= width - 1);
                cr_assert(abs(digit[n]) < 1 << (width - 1));
                zeros = (u32)-1; /* counts from 0 again */
            }
            check_sum(digit, QS_ED25519_NAF_MAX, 1, a);
        }
    }
}

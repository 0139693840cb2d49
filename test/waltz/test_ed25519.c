/* Goal: every kernel gives every signature the verdict of the rule, and the same reason; signing
   is RFC 8032's.
   Method: the RFC's examples; each check of the rule at its edges; points with a component of
   small order, whose verdict integers alone predict; published vectors where present; then
   random and spoilt signatures, every kernel against plain C, against itself in batches, and
   against libsodium.  QS_ED25519_CASES=1000000 makes the last as long as one likes.
   The IFMA kernel runs here with its two instructions emulated. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <pthread.h>

#include "waltz/ed25519_cases.h"
#include "waltz/ed25519_ifma.h"

#define BATCH_MAX 24u

static u64
rnd(void)
{
    static u64 state = 1;
    u64 x = state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static void
rnd_bytes(void *out, u64 sz)
{
    for (u64 i = 0; i < sz; i++)
        ((u8 *)out)[i] = (u8)rnd();
}

/* Every kernel alone, and in a batch whose other lanes hold other verdicts. */
static void
expect(sig_case_t const *c, qs_ed25519_rule_t rule, qs_ed25519_verdict_t want, char const *what)
{
    static sig_case_t good, bad;
    if (!good.msg_sz) {
        case_valid(&good, 1, 20);
        case_valid(&bad, 2, 20);
        bad.msg[3] ^= 1;
    }
    for (u32 k = 0; kernel(k); k++) {
        qs_ed25519_item_t item[8];
        qs_ed25519_verdict_t got[8];
        u32 place = (u32)(rnd() % 8);
        for (u32 i = 0; i < 8; i++)
            item[i] = case_item(i == place ? c : i % 2 ? &good : &bad);
        qs_ed25519_verify_batch_with(kernel(k), got, item, 8, rule);
        for (u32 i = 0; i < 8; i++) {
            qs_ed25519_verdict_t w = i == place ? want
                                     : i % 2    ? QS_ED25519_OK
                                                : QS_ED25519_EQUATION;
            cr_assert(got[i] == w, "%s, rule %d, lane %u of %s: %s, not %s", what, (int)rule, i,
                      kernel(k)->name, qs_ed25519_verdict_name(got[i]), qs_ed25519_verdict_name(w));
        }
    }
    qs_ed25519_item_t one = case_item(c);
    cr_assert(eq(int, (int)qs_ed25519_verify(&one, rule), (int)want));
}

static void
expect_both(sig_case_t const *c, qs_ed25519_verdict_t want, char const *what)
{
    expect(c, QS_ED25519_STRICT, want, what);
    expect(c, QS_ED25519_SIMD376, want, what);
}

static u64
from_hex(u8 *out, char const *hex, u64 cap)
{
    size_t sz = 0;
    cr_assert(sodium_hex2bin(out, cap, hex, strlen(hex), NULL, &sz, NULL) == 0);
    return sz;
}

struct example {
    char secret[65], public_key[65], msg[129], signature[129];
};

/* RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc). */
ParameterizedTestParameters(ed25519, examples_of_the_rfc)
{
    static struct example examples[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
         "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
         "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
         "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
        {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
         "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
         "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909"
         "351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
    };
    return cr_make_param_array(struct example, examples, QS_COUNT(examples));
}

ParameterizedTest(struct example *e, ed25519, examples_of_the_rfc)
{
    sig_case_t c = {0};
    u8 secret[32], want[64], key[32];
    from_hex(secret, e->secret, sizeof(secret));
    from_hex(c.public_key, e->public_key, sizeof(c.public_key));
    c.msg_sz = from_hex(c.msg, e->msg, sizeof(c.msg));
    from_hex(want, e->signature, sizeof(want));
    qs_ed25519_public_key(key, secret);
    cr_assert(memcmp(key, c.public_key, 32) == 0);
    for (u32 k = 0; kernel(k); k++) {
        qs_ed25519_sign_with(kernel(k), c.signature, c.msg, c.msg_sz, key, secret);
        cr_assert(memcmp(c.signature, want, 64) == 0, "%s", kernel(k)->name);
    }
    expect_both(&c, QS_ED25519_OK, "an example");
}

Test(ed25519, signatures_are_libsodiums)
{
    for (u32 i = 0; i < 300; i++) {
        u8 seed[32], secret[64], key[32], ours[64], theirs[64], msg[300];
        rnd_bytes(seed, 32);
        if (i < 3)
            memset(seed, i == 2 ? 0xff : (int)i, 32);
        rnd_bytes(msg, sizeof(msg));
        crypto_sign_seed_keypair(key, secret, seed);
        crypto_sign_detached(theirs, NULL, msg, i, secret);
        u8 derived[32];
        qs_ed25519_public_key(derived, seed);
        cr_assert(memcmp(derived, key, 32) == 0);
        for (u32 k = 0; kernel(k); k++) {
            qs_ed25519_sign_with(kernel(k), ours, i ? msg : NULL, i, key, seed);
            cr_assert(memcmp(ours, theirs, 64) == 0, "%s, %u bytes", kernel(k)->name, i);
        }
        qs_ed25519_sign(ours, msg, i, key, seed);
        cr_assert(memcmp(ours, theirs, 64) == 0);
    }
}

#if defined(__SANITIZE_ADDRESS__)
#define STACK_IS_OURS false /* it has frames of its own sizes, elsewhere */
#elif defined(__has_feature)
#define STACK_IS_OURS (!__has_feature(address_sanitizer))
#else
#define STACK_IS_OURS true
#endif

Test(ed25519, a_batch_of_messages_gets_the_signatures_of_one_by_one)
{
    static u8 msg[40][100], signature[40][64];
    qs_ed25519_order_t order[40];
    u8 seed[32], key[32], want[64];
    rnd_bytes(seed, 32);
    rnd_bytes(msg, sizeof(msg));
    qs_ed25519_public_key(key, seed);
    for (u32 cnt = 0; cnt <= 40; cnt += cnt < 18 ? 1 : 11) {
        for (u32 k = 0; kernel(k); k++) {
            memset(signature, 0, sizeof(signature));
            for (u32 i = 0; i < 40; i++)
                order[i] = (qs_ed25519_order_t){signature[i], i ? msg[i] : NULL, 2 * i};
            qs_ed25519_sign_batch_with(kernel(k), order, cnt, key, seed);
            for (u32 i = 0; i < 40; i++) {
                memset(want, 0, sizeof(want));
                if (i < cnt)
                    qs_ed25519_sign_with(&qs_ed25519_kernel_c, want, msg[i], 2 * i, key, seed);
                cr_assert(memcmp(signature[i], want, 64) == 0, "%s, %u of %u", kernel(k)->name, i,
                          cnt);
            }
        }
    }
    qs_ed25519_sign_batch(order + 1, 1, key, seed);
    qs_ed25519_sign(want, msg[1], 2, key, seed);
    cr_assert(eq(int, memcmp(signature[1], want, 64), 0));
}

/* The thread signs on a stack that the test can read afterwards. */
static struct {
    qs_ed25519_kernel_t const *kernel;
    bool many;
    u8 seed[32], key[32], signature[64], msg[50];
} signer;
static alignas(4096) u8 stack[256 << 10];

static void *
sign_there(void *arg)
{
    static u8 signature[16][64];
    qs_ed25519_order_t order[16];
    for (u32 i = 0; i < 16; i++)
        order[i] = (qs_ed25519_order_t){signature[i], signer.msg, i};
    if (signer.many)
        qs_ed25519_sign_batch_with(signer.kernel, order, 16, signer.key, signer.seed);
    else
        qs_ed25519_sign_with(signer.kernel, signer.signature, signer.msg, sizeof(signer.msg),
                             signer.key, signer.seed);
    return arg;
}

/* The first 8 KiB are the thread's own; the kernels' frames, some of which hold parts of the
   nonce, reach at least 11 KiB down, 20 KiB at most, and 32 KiB for several signatures at once. */
Test(ed25519, signing_wipes_the_stack_below_it)
{
    rnd_bytes(signer.seed, 32);
    qs_ed25519_public_key(signer.key, signer.seed);
    for (u32 n = 0; STACK_IS_OURS && kernel(n / 2); n++) {
        pthread_t thread;
        pthread_attr_t attr;
        signer.kernel = kernel(n / 2);
        signer.many = n % 2;
        u32 end = signer.many ? 32 << 10 : 20 << 10;
        memset(stack, 0, sizeof(stack));
        pthread_attr_init(&attr);
        cr_assert(eq(int, pthread_attr_setstack(&attr, stack, sizeof(stack)), 0));
        cr_assert(eq(int, pthread_create(&thread, &attr, sign_there, NULL), 0));
        pthread_join(thread, NULL);
        for (u32 depth = 8 << 10; depth < end; depth++)
            cr_assert(stack[sizeof(stack) - depth] == 0, "%s, %u bytes down", signer.kernel->name,
                      depth);
    }
}

/* Scalars whose digits are all alike carry from end to end. */
Test(ed25519, multiples_of_the_base_point_are_libsodiums)
{
    for (u32 i = 0; i < 300; i++) {
        u8 scalar[32], ours[32], theirs[32];
        u64 word[4];
        memset(scalar, (int)i, 32);
        if (i >= 256)
            rnd_bytes(scalar, 32);
        scalar[31] &= 0x0f;
        scalar[0] |= 1;
        cr_assert(crypto_scalarmult_ed25519_base_noclamp(theirs, scalar) == 0);
        qs_ed25519_sc_load(word, scalar);
        for (u32 k = 0; kernel(k); k++) {
            kernel(k)->base_mul(ours, word);
            cr_assert(memcmp(ours, theirs, 32) == 0, "%s, case %u", kernel(k)->name, i);
        }
    }
}

Test(ed25519, s_must_be_below_the_order)
{
    sig_case_t c;
    for (u32 i = 0; i < 4; i++) {
        case_valid(&c, i, 40);
        u8 s[32];
        memcpy(s, c.signature + 32, 32);
        for (u32 n = 1; n < 15; n++) {
            add_order(c.signature + 32, s, n);
            expect_both(&c, QS_ED25519_S_RANGE, "S + n L");
        }
    }
    add_order(c.signature + 32, (u8[32]){0}, 1);
    expect_both(&c, QS_ED25519_S_RANGE, "S = L");
    c.signature[32]++;
    expect_both(&c, QS_ED25519_S_RANGE, "S = L + 1");
    c.signature[32] -= 2;
    expect_both(&c, QS_ED25519_EQUATION, "S = L - 1");
    memset(c.signature + 32, 0xff, 32);
    expect_both(&c, QS_ED25519_S_RANGE, "S = 2^256 - 1");
    memset(c.signature + 32, 0, 32);
    expect_both(&c, QS_ED25519_EQUATION, "S = 0");
}

/* All fourteen, as the key, as R, and both; SIMD-0376 does not decode the last six. */
Test(ed25519, points_of_small_order_are_refused)
{
    for (u32 i = 0; i < SMALL_CNT; i++) {
        sig_case_t c;
        bool canonical = i < SMALL_CANONICAL;
        case_valid(&c, i, 33);
        small_order(c.signature, i);
        expect(&c, QS_ED25519_STRICT, QS_ED25519_R_SMALL, "small R");
        expect(&c, QS_ED25519_SIMD376, canonical ? QS_ED25519_R_SMALL : QS_ED25519_R_DECODE,
               "small R");
        for (u32 j = 0; j < SMALL_CNT; j++) {
            small_order(c.public_key, j);
            memset(c.signature + 32, 0, 32);
            expect(&c, QS_ED25519_STRICT, QS_ED25519_KEY_SMALL, "both small");
            expect(&c, QS_ED25519_SIMD376,
                   j >= SMALL_CANONICAL ? QS_ED25519_KEY_DECODE
                   : canonical          ? QS_ED25519_KEY_SMALL
                                        : QS_ED25519_R_DECODE,
                   "both small");
        }
        case_valid(&c, i, 33);
        small_order(c.public_key, i);
        expect(&c, QS_ED25519_STRICT, QS_ED25519_KEY_SMALL, "small key");
        expect(&c, QS_ED25519_SIMD376, canonical ? QS_ED25519_KEY_SMALL : QS_ED25519_KEY_DECODE,
               "small key");
    }
}

/* y = 2 is no point's, y = 3 is one's. */
Test(ed25519, the_first_check_that_fails_is_the_verdict)
{
    u8 const no_point[32] = {2};
    sig_case_t c;
    case_valid(&c, 5, 10);
    memcpy(c.public_key, no_point, 32);
    expect_both(&c, QS_ED25519_KEY_DECODE, "key");
    memcpy(c.signature, no_point, 32);
    expect_both(&c, QS_ED25519_KEY_DECODE, "key and R");
    small_order(c.public_key, 4);
    expect_both(&c, QS_ED25519_R_DECODE, "small key and R");
    memset(c.signature + 32, 0xff, 32);
    expect_both(&c, QS_ED25519_S_RANGE, "all");
    case_valid(&c, 5, 10);
    memcpy(c.signature, no_point, 32);
    expect_both(&c, QS_ED25519_R_DECODE, "R");
}

/* y + p for the y below 19 whose canonical encoding is a point: the strict rule does not see the
   difference, the other does not decode it. */
Test(ed25519, encodings_that_are_not_canonical)
{
    u32 decoded = 0;
    for (u32 i = 0; i < 38; i++) {
        sig_case_t c;
        u8 canonical[32] = {(u8)(i / 2)}, other[32];
        qs_ed25519_verdict_t want;
        memset(other, 0xff, 32);
        other[0] = (u8)(0xed + i / 2);
        other[31] = (u8)(0x7f | i % 2 << 7);
        canonical[31] = (u8)(i % 2 << 7);
        case_valid(&c, i, 10);

        memcpy(c.signature, canonical, 32);
        qs_ed25519_item_t item = case_item(&c);
        want = qs_ed25519_verify(&item, QS_ED25519_STRICT);
        expect(&c, QS_ED25519_STRICT, want, "canonical R");
        memcpy(c.signature, other, 32);
        expect(&c, QS_ED25519_STRICT, want, "other R");
        expect(&c, QS_ED25519_SIMD376, QS_ED25519_R_DECODE, "other R");
        decoded += want == QS_ED25519_EQUATION;

        case_valid(&c, i, 10);
        memcpy(c.public_key, canonical, 32);
        want = qs_ed25519_verify(&item, QS_ED25519_STRICT);
        memcpy(c.public_key, other, 32);
        expect(&c, QS_ED25519_STRICT, want, "other key");
        expect(&c, QS_ED25519_SIMD376, QS_ED25519_KEY_DECODE, "other key");
    }
    cr_assert(decoded > 8);
}

/* key = a B + m T, R = r B + n T, S = r + k a: what is left of the equation is -(k m + n) T.  So
   the strict verdict is ok if 8 divides k m + n, and SIMD-0376's always is. */
Test(ed25519, components_of_small_order_count_exactly)
{
    u32 ok = 0;
    for (u32 i = 0; i < 256; i++) {
        sig_case_t c;
        u32 m = i % 8, n = i / 8 % 8;
        bool holds = case_torsion(&c, i, m, n);
        ok += holds && (m || n);
        expect(&c, QS_ED25519_STRICT, holds ? QS_ED25519_OK : QS_ED25519_EQUATION, "torsion");
        expect(&c, QS_ED25519_SIMD376, QS_ED25519_OK, "torsion");
    }
    cr_assert(ok > 12);
}

/* key = a B, R = r B, base = u a + v r: holds for any u and v, so they can be ones that no hash
   is known for: long, short, all bits alike. */
Test(ed25519, kernels_take_scalars_of_any_length)
{
    for (u32 i = 0; i < 200; i++) {
        qs_ed25519_job_t job[8];
        qs_ed25519_verdict_t want[8];
        u8 a[32] = {0}, r[32] = {0}, key[8][32], point[8][32], u[32], v[32], sum[32];
        for (u32 lane = 0; lane < 8; lane++) {
            rnd_bytes(a, 31);
            rnd_bytes(r, 31);
            cr_assert(crypto_scalarmult_ed25519_base_noclamp(key[lane], a) == 0);
            cr_assert(crypto_scalarmult_ed25519_base_noclamp(point[lane], r) == 0);
            u8 const fill[] = {0x00, 0x88, 0x77, 0x80, 0x7f, 0xff, 0x0f, 0x08};
            memset(u, fill[rnd() % 8], 32);
            memset(v, fill[rnd() % 8], 32);
            if (i % 2)
                rnd_bytes(rnd() % 2 ? u : v, 32);
            memset(u + rnd() % 32, 0, 1);
            u[31] &= 0x0f;
            v[31] &= 0x0f;
            job[lane] = (qs_ed25519_job_t){.key = key[lane], .r = point[lane]};
            job[lane].key_negative = rnd() % 2;
            qs_ed25519_sc_load(job[lane].key_scalar, u);
            qs_ed25519_sc_load(job[lane].r_scalar, v);
            crypto_core_ed25519_scalar_mul(u, u, a);
            if (job[lane].key_negative)
                crypto_core_ed25519_scalar_negate(u, u);
            crypto_core_ed25519_scalar_mul(v, v, r);
            crypto_core_ed25519_scalar_add(sum, u, v);
            want[lane] = rnd() % 4 ? QS_ED25519_OK : QS_ED25519_EQUATION;
            if (want[lane]) {
                memset(a, 0, 32);
                a[i % 31] = 1;
                crypto_core_ed25519_scalar_add(sum, sum, a);
            }
            qs_ed25519_sc_load(job[lane].base, sum);
        }
        for (u32 k = 0; kernel(k); k++) {
            qs_ed25519_verdict_t got[8];
            for (u32 lane = 0; lane < 8; lane += kernel(k)->lanes)
                kernel(k)->check(got + lane, job + lane, QS_ED25519_STRICT);
            for (u32 lane = 0; lane < 8; lane++)
                cr_assert(got[lane] == want[lane], "%s, case %u", kernel(k)->name, i);
        }
    }
}

Test(ed25519, any_number_of_signatures_makes_a_batch)
{
    static sig_case_t c[BATCH_MAX];
    for (u32 cnt = 0; cnt <= BATCH_MAX; cnt++) {
        for (u32 k = 0; kernel(k); k++) {
            qs_ed25519_item_t item[BATCH_MAX];
            qs_ed25519_verdict_t got[BATCH_MAX + 1], want[BATCH_MAX];
            for (u32 i = 0; i < cnt; i++) {
                case_valid(&c[i], i, i);
                u32 spoil = (u32)(rnd() % 6);
                if (spoil == 1)
                    c[i].signature[5] ^= 4;
                else if (spoil == 2)
                    c[i].signature[63] = 0xff;
                item[i] = case_item(&c[i]);
                qs_ed25519_verify_batch_with(kernel(0), &want[i], &item[i], 1, QS_ED25519_STRICT);
            }
            got[cnt] = (qs_ed25519_verdict_t)99;
            qs_ed25519_verify_batch_with(kernel(k), got, item, cnt, QS_ED25519_STRICT);
            cr_assert(memcmp(got, want, cnt * sizeof(*got)) == 0, "%s, %u", kernel(k)->name, cnt);
            cr_assert(eq(int, (int)got[cnt], 99));
        }
    }
}

/* Numbers next to 0 and p, where limbs are all zeros or all ones. */
Test(ed25519, y_next_to_zero_and_to_p)
{
    for (u32 i = 0; i < 200; i++) {
        sig_case_t c;
        case_valid(&c, i, 5);
        u8 *y = i % 2 ? c.public_key : c.signature;
        memset(y, i & 2 ? 0xff : 0, 32);
        y[0] = (u8)rnd();
        y[rnd() % 32] ^= (u8)(1u << rnd() % 8);
        qs_ed25519_item_t item = case_item(&c);
        for (qs_ed25519_rule_t rule = 0; rule <= QS_ED25519_SIMD376; rule++) {
            qs_ed25519_verdict_t want;
            qs_ed25519_verify_batch_with(kernel(0), &want, &item, 1, rule);
            expect(&c, rule, want, "y at an edge");
        }
    }
}

/* One of nine ways to spoil a signature, or none. */
static void
spoil(sig_case_t *c)
{
    u32 bit = (u32)(rnd() % 256);
    switch (rnd() % 10) {
    case 0:
        c->msg[rnd() % c->msg_sz] ^= (u8)(1 + rnd() % 255);
        return;
    case 1:
        c->signature[bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 2:
        c->signature[32 + bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 3:
        c->public_key[bit / 8] ^= (u8)(1u << bit % 8);
        return;
    case 4:
        rnd_bytes(c->signature, 32);
        return;
    case 5:
        rnd_bytes(c->public_key, 32);
        return;
    case 6:
        c->signature[31] ^= 0x80; /* -R */
        return;
    case 7:
        c->public_key[31] ^= 0x80;
        return;
    default:
        return;
    }
}

/* libsodium compares encodings and knows small order; where it and the strict rule differ, an
   encoding is not canonical, which nothing here makes but by a chance of 2^-250. */
Test(ed25519, random_and_spoilt_signatures_are_judged_as_by_libsodium, .timeout = 3000)
{
    char const *env = getenv("QS_ED25519_CASES");
    u64 case_cnt = env ? strtoull(env, NULL, 10) : 10000, reason_cnt[7] = {0};
    static sig_case_t c[16];
    for (u64 n = 0; n < case_cnt; n += 16) {
        qs_ed25519_item_t item[16];
        qs_ed25519_verdict_t want[16], got[16];
        qs_ed25519_rule_t rule = n % 64 ? QS_ED25519_STRICT : QS_ED25519_SIMD376;
        for (u32 i = 0; i < 16; i++) {
            case_valid(&c[i], (u32)rnd(), 1 + rnd() % (CASE_MSG_MAX - 1));
            spoil(&c[i]);
            item[i] = case_item(&c[i]);
        }
        qs_ed25519_verify_batch_with(kernel(0), want, item, 16, rule);
        for (u32 i = 0; i < 16; i++) {
            reason_cnt[want[i]]++;
            int theirs =
                crypto_sign_verify_detached(c[i].signature, c[i].msg, c[i].msg_sz, c[i].public_key);
            cr_assert(eq(int, !theirs, want[i] == QS_ED25519_OK));
        }
        for (u32 k = 1; kernel(k); k++) {
            if (kernel(k) == &ifma_emulated && n % 512) /* fifty times as slow as the others */
                continue;
            qs_ed25519_verify_batch_with(kernel(k), got, item, 16, rule);
            cr_assert(memcmp(got, want, sizeof(got)) == 0, "%s, case %lu", kernel(k)->name, n);
        }
    }
    for (u32 i = 0; i < 7 && case_cnt >= 10000; i++) /* else the cases are not what they claim */
        cr_assert(i == QS_ED25519_KEY_SMALL || i == QS_ED25519_R_SMALL || reason_cnt[i]);
}

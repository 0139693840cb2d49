/* ed25519 verdicts: every kernel of this processor agrees with plain C, by both rules, alone and
   in batches, with and without tables of the keys; and plain C agrees with libsodium as far as that goes:

       libsodium accepts                        the strict rule does too
       the strict rule accepts, R canonical     libsodium does too, if the key is canonical
       a key or R does not decode               libsodium cannot add it to itself

   The input is cut into records of 129 bytes: 32 of a seed, 96 that are xored into the signature
   and the key that the seed makes, one that says how much message follows, up to 63 bytes; its
   top bits say whether the 96 replace instead.  A short record is filled up with zeros. */

#include "waltz/crypto/qs_ed25519_kernel.h"
#include "waltz/ed25519_cases.h"

#define RECORD_SZ   129u
#define RECORD_MAX  20u
#define REPLACE_SIG 0x40u
#define REPLACE_KEY 0x80u

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static void
require(bool holds, char const *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void
mix(u8 *out, u8 const *in, u32 sz, bool replace)
{
    for (u32 i = 0; i < sz; i++)
        out[i] = replace ? in[i] : out[i] ^ in[i];
}

/* Returns how many bytes of the input the case took. */
static u64
make_case(sig_case_t *c, u8 const *data, u64 sz)
{
    u8 record[RECORD_SZ] = {0}, secret[64];
    u64 take = qs_min_u64(sz, RECORD_SZ);
    memcpy(record, data, take);
    u8 how = record[RECORD_SZ - 1];
    c->msg_sz = qs_min_u64(sz - take, how % 64);
    memcpy(c->msg, data + take, c->msg_sz);
    crypto_sign_seed_keypair(c->public_key, secret, record);
    crypto_sign_detached(c->signature, NULL, c->msg, c->msg_sz, secret);
    mix(c->signature, record + 32, 64, how & REPLACE_SIG);
    mix(c->public_key, record + 96, 32, how & REPLACE_KEY);
    return take + c->msg_sz;
}

static bool
adds(u8 const point[32])
{
    u8 sum[32];
    return crypto_core_ed25519_add(sum, point, point) == 0;
}

/* y < p, and a sign only where x is not 0, which is at y = 1 and y = -1. */
static bool
is_canonical(u8 const point[32])
{
    u8 y[32];
    memcpy(y, point, 32);
    y[31] &= 0x7f;
    for (u32 i = SMALL_CANONICAL; i < SMALL_CNT; i++) {
        u8 other[32];
        small_order(other, i);
        if (!memcmp(other, point, 32))
            return false;
    }
    bool all_ones = y[31] == 0x7f;
    for (u32 i = 1; i < 31; i++)
        all_ones &= y[i] == 0xff;
    return !all_ones || y[0] < 0xed;
}

static void
check_oracle(sig_case_t const *c, qs_ed25519_verdict_t strict, qs_ed25519_verdict_t simd376)
{
    bool key_adds = adds(c->public_key), r_adds = adds(c->signature);
    bool canonical = is_canonical(c->public_key) && is_canonical(c->signature);
    bool accepts = !crypto_sign_verify_detached(c->signature, c->msg, c->msg_sz, c->public_key);
    require(!accepts || strict == QS_ED25519_OK, "libsodium accepts, the strict rule does not");
    require(accepts || strict != QS_ED25519_OK || !canonical, "only the strict rule accepts");
    if (strict != QS_ED25519_S_RANGE) {
        require(key_adds == (strict != QS_ED25519_KEY_DECODE), "libsodium decodes the key");
        require(!key_adds || r_adds == (strict != QS_ED25519_R_DECODE), "libsodium decodes R");
    }
    if (canonical && strict != QS_ED25519_EQUATION)
        require(simd376 == strict, "the rules differ");
    if (!canonical)
        require(simd376 == QS_ED25519_S_RANGE || simd376 == QS_ED25519_KEY_DECODE ||
                    simd376 == QS_ED25519_R_DECODE,
                "SIMD-0376 decodes what is not canonical");
}

/* With a table of each key that may have one, the kernel says the same. */
static void
check_known(qs_ed25519_kernel_t const *kernel, qs_ed25519_item_t const *item, u32 cnt,
            qs_ed25519_verdict_t const *want, qs_ed25519_rule_t rule)
{
    static qs_ed25519_key_table_t table[RECORD_MAX + 8];
    qs_ed25519_key_table_t const *known[RECORD_MAX];
    qs_ed25519_item_t known_item[RECORD_MAX];
    qs_ed25519_verdict_t got[RECORD_MAX], known_want[RECORD_MAX];
    u32 known_cnt = 0;
    for (u32 i = 0; i < cnt; i += kernel->lanes) {
        qs_ed25519_key_table_t *to[8];
        u8 const *key[8];
        for (u32 j = 0; j < kernel->lanes; j++) {
            to[j] = &table[i + j];
            key[j] = item[i + j < cnt ? i + j : i].public_key;
        }
        u32 good = kernel->expand(to, key);
        for (u32 j = 0; j < kernel->lanes && i + j < cnt; j++) {
            bool bad_key =
                want[i + j] == QS_ED25519_KEY_DECODE || want[i + j] == QS_ED25519_KEY_SMALL;
            require(!(good >> j & 1) || !bad_key, "a bad key has a table");
            if (!(good >> j & 1))
                continue;
            known[known_cnt] = to[j];
            known_item[known_cnt] = item[i + j];
            known_want[known_cnt++] = want[i + j];
        }
    }
    qs_ed25519_verify_known(kernel, got, known_item, known, known_cnt, rule);
    require(!memcmp(got, known_want, known_cnt * sizeof(*got)), "a table changes a verdict");
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static sig_case_t c[RECORD_MAX];
    qs_ed25519_item_t item[RECORD_MAX];
    qs_ed25519_verdict_t want[2][RECORD_MAX], got[RECORD_MAX];
    u32 cnt = 0;
    for (u64 at = 0; at < sz && cnt < RECORD_MAX; cnt++)
        at += make_case(&c[cnt], data + at, sz - at);
    for (u32 i = 0; i < cnt; i++)
        item[i] = case_item(&c[i]);
    for (qs_ed25519_rule_t rule = 0; rule <= QS_ED25519_SIMD376; rule++) {
        for (u32 i = 0; i < cnt; i++)
            qs_ed25519_verify_batch_with(&qs_ed25519_kernel_c, &want[rule][i], &item[i], 1, rule);
        for (u32 k = 0; k < qs_ed25519_kernel_cnt; k++) {
            if (!qs_cpu_has(qs_ed25519_kernels[k]->needs))
                continue;
            qs_ed25519_verify_batch_with(qs_ed25519_kernels[k], got, item, cnt, rule);
            require(!memcmp(got, want[rule], cnt * sizeof(*got)), qs_ed25519_kernels[k]->name);
            if (qs_ed25519_kernels[k]->check_known)
                check_known(qs_ed25519_kernels[k], item, cnt, want[rule], rule);
        }
    }
    for (u32 i = 0; i < cnt; i++)
        check_oracle(&c[i], want[0][i], want[1][i]);
    return 0;
}

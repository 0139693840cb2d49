#include "waltz/crypto/qs_ed25519.h"

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_ed25519_kernel.h"
#include "waltz/crypto/qs_ed25519_sc.h"
#include "waltz/crypto/qs_sha512.h"

/* Slowest first: the last that this machine can run is the one for batches. */
qs_ed25519_kernel_t const *const qs_ed25519_kernels[] = {
    &qs_ed25519_kernel_c,
#if defined(__x86_64__)
    &qs_ed25519_kernel_avx2,
    &qs_ed25519_kernel_avx512,
    &qs_ed25519_kernel_ifma,
#endif
};
u32 const qs_ed25519_kernel_cnt = QS_COUNT(qs_ed25519_kernels);

char const *
qs_ed25519_verdict_name(qs_ed25519_verdict_t verdict)
{
    static char const *const name[] = {
        [QS_ED25519_OK] = "ok",
        [QS_ED25519_S_RANGE] = "S is not below L",
        [QS_ED25519_KEY_DECODE] = "the key is no point",
        [QS_ED25519_R_DECODE] = "R is no point",
        [QS_ED25519_KEY_SMALL] = "the key has small order",
        [QS_ED25519_R_SMALL] = "R has small order",
        [QS_ED25519_EQUATION] = "the equation does not hold",
    };
    return (u32)verdict < QS_COUNT(name) ? name[verdict] : "unknown";
}

/* Items are taken this many at a time, so that their hashes can run side by side. */
#define GROUP_MAX 16u

typedef struct group {
    u8 digest[GROUP_MAX][QS_SHA512_SZ];
    qs_ed25519_job_t job[GROUP_MAX];
    u8 item_idx[GROUP_MAX]; /* of each job */
    u32 job_cnt;
} group_t;

static qs_sha_msg_t
challenge(u8 digest[QS_SHA512_SZ], qs_ed25519_item_t const *item)
{
    return (qs_sha_msg_t){
        .out = digest,
        .part = {{item->signature, 32}, {item->public_key, 32}, {item->msg, item->msg_sz}},
    };
}

/* k = the message's hash modulo L. */
static void
hash_scalar(u64 k[4], qs_sha_msg_t msg)
{
    u64 wide[8];
    qs_sha512_batch(&msg, 1);
    qs_ed25519_sc_load(wide, msg.out);
    qs_ed25519_sc_load(wide + 4, msg.out + 32);
    qs_ed25519_sc_reduce(k, wide);
}

/* Turns S B - k A - R == 0 into a job of half the length. */
static void
prepare(qs_ed25519_job_t *job, qs_ed25519_item_t const *item, u8 const digest[QS_SHA512_SZ])
{
    static u64 const zero[4];
    u64 wide[8], k[4], s[4];
    qs_ed25519_half_t half;
    qs_ed25519_sc_load(wide, digest);
    qs_ed25519_sc_load(wide + 4, digest + 32);
    qs_ed25519_sc_load(s, item->signature + 32);
    qs_ed25519_sc_reduce(k, wide);
    qs_ed25519_sc_halve(&half, k);

    job->r = item->signature;
    job->key = item->public_key;
    qs_ed25519_sc_muladd(job->base, s, half.v, zero);
    memcpy(job->key_scalar, half.u, sizeof(half.u));
    memcpy(job->r_scalar, half.v, sizeof(half.v));
    job->key_negative = half.u_negative;
}

/* Judges S, hashes what is left and makes its jobs; cnt <= GROUP_MAX. */
static void
group_init(group_t *g, qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item, u32 cnt)
{
    qs_sha_msg_t msg[GROUP_MAX];
    g->job_cnt = 0;
    for (u32 i = 0; i < cnt; i++) {
        u64 s[4];
        qs_ed25519_sc_load(s, item[i].signature + 32);
        verdict[i] = QS_ED25519_S_RANGE;
        if (!qs_ed25519_sc_in_range(s))
            continue;
        msg[g->job_cnt] = challenge(g->digest[g->job_cnt], &item[i]);
        g->item_idx[g->job_cnt++] = (u8)i;
    }
    qs_sha512_batch(msg, g->job_cnt);
    for (u32 i = 0; i < g->job_cnt; i++)
        prepare(&g->job[i], &item[g->item_idx[i]], g->digest[i]);
}

void
qs_ed25519_verify_batch_with(qs_ed25519_kernel_t const *kernel, qs_ed25519_verdict_t *verdict,
                             qs_ed25519_item_t const *item, u64 cnt, qs_ed25519_rule_t rule)
{
    group_t g;
    for (u64 done = 0; done < cnt;) {
        u32 take = (u32)qs_min_u64(cnt - done, GROUP_MAX);
        group_init(&g, verdict + done, item + done, take);
        for (u32 i = 0; i < g.job_cnt;) {
            qs_ed25519_verdict_t out[GROUP_MAX];
            u32 left = g.job_cnt - i;
            qs_ed25519_kernel_t const *by = left > kernel->narrow ? kernel : &qs_ed25519_kernel_c;
            for (u32 j = left; j < by->lanes; j++) /* idle lanes repeat a job */
                g.job[i + j] = g.job[i];
            by->check(out, &g.job[i], rule);
            for (u32 j = 0; j < by->lanes && j < left; j++)
                verdict[done + g.item_idx[i + j]] = out[j];
            i += by->lanes;
        }
        done += take;
    }
}

static qs_ed25519_kernel_t const *
best(void)
{
    u32 i = qs_ed25519_kernel_cnt - 1;
    while (!qs_cpu_has(qs_ed25519_kernels[i]->needs))
        i--;
    return qs_ed25519_kernels[i];
}

void
qs_ed25519_verify_batch(qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item, u64 cnt,
                        qs_ed25519_rule_t rule)
{
    qs_ed25519_verify_batch_with(best(), verdict, item, cnt, rule);
}

qs_ed25519_verdict_t
qs_ed25519_verify(qs_ed25519_item_t const *item, qs_ed25519_rule_t rule)
{
    qs_ed25519_verdict_t verdict;
    qs_ed25519_verify_batch_with(best(), &verdict, item, 1, rule);
    return verdict;
}

/* What the functions below call leaves parts of secrets on the stack, all of it within this
   distance of their frames: overwrites it. */
static QS_NOINLINE void
wipe_stack(void)
{
    u8 used[16 << 10];
    explicit_bzero(used, sizeof(used));
}

/* The secret's SHA-512: the first half, clamped, is the scalar, the second makes nonces. */
static void
expand(u64 scalar[4], u8 digest[QS_SHA512_SZ], u8 const secret[QS_ED25519_KEY_SZ])
{
    qs_sha512(digest, secret, QS_ED25519_KEY_SZ);
    digest[0] &= 0xf8;
    digest[31] = (u8)((digest[31] & 0x7f) | 0x40);
    u64 wide[8] = {0};
    qs_ed25519_sc_load(wide, digest);
    qs_ed25519_sc_reduce(scalar, wide); /* B has order L */
}

void
qs_ed25519_public_key(u8 public_key[QS_ED25519_KEY_SZ], u8 const secret[QS_ED25519_KEY_SZ])
{
    u64 scalar[4];
    u8 digest[QS_SHA512_SZ];
    expand(scalar, digest, secret);
    best()->base_mul(public_key, scalar);
    wipe_stack();
    explicit_bzero(scalar, sizeof(scalar));
    explicit_bzero(digest, sizeof(digest));
}

void
qs_ed25519_sign_with(qs_ed25519_kernel_t const *kernel, u8 signature[QS_ED25519_SIGNATURE_SZ],
                     void const *msg, u64 msg_sz, u8 const public_key[QS_ED25519_KEY_SZ],
                     u8 const secret[QS_ED25519_KEY_SZ])
{
    struct {
        u64 scalar[4], nonce[4];
        u8 expanded[QS_SHA512_SZ], hash[QS_SHA512_SZ];
    } x;
    u64 k[4], s[4];
    expand(x.scalar, x.expanded, secret);

    hash_scalar(x.nonce, (qs_sha_msg_t){x.hash, {{x.expanded + 32, 32}, {msg, msg_sz}}});
    kernel->base_mul(signature, x.nonce);

    qs_ed25519_item_t item = {signature, public_key, msg, msg_sz};
    hash_scalar(k, challenge(x.hash, &item));
    qs_ed25519_sc_muladd(s, k, x.scalar, x.nonce);
    for (u32 i = 0; i < 4; i++)
        qs_store_le64(signature + 32 + 8 * i, s[i]);
    wipe_stack();
    explicit_bzero(&x, sizeof(x));
}

void
qs_ed25519_sign(u8 signature[QS_ED25519_SIGNATURE_SZ], void const *msg, u64 msg_sz,
                u8 const public_key[QS_ED25519_KEY_SZ], u8 const secret[QS_ED25519_KEY_SZ])
{
    qs_ed25519_sign_with(best(), signature, msg, msg_sz, public_key, secret);
}

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

/* The same for keys that have tables: more at a time, to share an inversion. */
typedef struct known_group {
    u8 digest[QS_ED25519_KNOWN_MAX][QS_SHA512_SZ];
    qs_ed25519_job_t job[QS_ED25519_KNOWN_MAX];
    u8 item_idx[QS_ED25519_KNOWN_MAX];
} known_group_t;

static qs_sha_msg_t
challenge(u8 digest[QS_SHA512_SZ], qs_ed25519_item_t const *item)
{
    return (qs_sha_msg_t){
        .out = digest,
        .part = {{item->signature, 32}, {item->public_key, 32}, {item->msg, item->msg_sz}},
    };
}

static void
reduce_digest(u64 k[4], u8 const digest[QS_SHA512_SZ])
{
    u64 wide[8];
    qs_ed25519_sc_load(wide, digest);
    qs_ed25519_sc_load(wide + 4, digest + 32);
    qs_ed25519_sc_reduce(k, wide);
}

/* k = the message's hash modulo L. */
static void
hash_scalar(u64 k[4], qs_sha_msg_t msg)
{
    qs_sha512_batch(&msg, 1);
    reduce_digest(k, msg.out);
}

/* Turns S B - k A - R == 0 into a job of half the length. */
static void
prepare(qs_ed25519_job_t *job, qs_ed25519_item_t const *item, qs_ed25519_half_t const *half)
{
    static u64 const zero[4];
    u64 s[4];
    qs_ed25519_sc_load(s, item->signature + 32);
    job->r = item->signature;
    job->key = item->public_key;
    qs_ed25519_sc_muladd(job->base, s, half->v, zero);
    memcpy(job->key_scalar, half->u, sizeof(half->u));
    memcpy(job->r_scalar, half->v, sizeof(half->v));
    job->key_negative = half->u_negative;
}

/* Hashes as wide as the points are computed: wider registers lower the clock of some processors,
   which would cost the narrower kernels more than they gain. */
static void
hash_group(qs_sha_msg_t const *msg, u32 cnt, u32 lanes)
{
    u32 i = qs_sha512_kernel_cnt - 1;
    while (qs_sha512_kernels[i].lanes > lanes || !qs_cpu_has(qs_sha512_kernels[i].needs))
        i--;
    if (lanes > 1)
        qs_sha512_batch_with(&qs_sha512_kernels[i], msg, cnt);
    else
        for (u32 n = 0; n < cnt; n++)
            qs_sha512_batch(&msg[n], 1);
}

/* Judges S, hashes what is left; item_idx says what that is.  Returns how many. */
static u32
hash_challenges(u8 digest[][QS_SHA512_SZ], u8 *item_idx, qs_ed25519_verdict_t *verdict,
                qs_ed25519_item_t const *item, u32 cnt, u32 lanes)
{
    qs_sha_msg_t msg[QS_ED25519_KNOWN_MAX];
    u32 hash_cnt = 0;
    for (u32 i = 0; i < cnt; i++) {
        u64 s[4];
        qs_ed25519_sc_load(s, item[i].signature + 32);
        verdict[i] = QS_ED25519_S_RANGE;
        if (!qs_ed25519_sc_in_range(s))
            continue;
        msg[hash_cnt] = challenge(digest[hash_cnt], &item[i]);
        item_idx[hash_cnt++] = (u8)i;
    }
    hash_group(msg, hash_cnt, lanes);
    return hash_cnt;
}

/* cnt <= GROUP_MAX. */
static void
group_init(group_t *g, qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item, u32 cnt,
           qs_ed25519_kernel_t const *kernel)
{
    u64 k[GROUP_MAX][4];
    qs_ed25519_half_t half[GROUP_MAX];
    g->job_cnt = hash_challenges(g->digest, g->item_idx, verdict, item, cnt, kernel->lanes);
    for (u32 i = 0; i < g->job_cnt; i++)
        reduce_digest(k[i], g->digest[i]);
    qs_ed25519_sc_halve(half, (u64 const(*)[4])k, g->job_cnt, kernel->euclid);
    for (u32 i = 0; i < g->job_cnt; i++)
        prepare(&g->job[i], &item[g->item_idx[i]], &half[i]);
}

void
qs_ed25519_verify_batch_with(qs_ed25519_kernel_t const *kernel, qs_ed25519_verdict_t *verdict,
                             qs_ed25519_item_t const *item, u64 cnt, qs_ed25519_rule_t rule)
{
    group_t g;
    for (u64 done = 0; done < cnt;) {
        u32 take = (u32)qs_min_u64(cnt - done, GROUP_MAX);
        group_init(&g, verdict + done, item + done, take, kernel);
        for (u32 i = 0; i < g.job_cnt;) {
            qs_ed25519_verdict_t out[GROUP_MAX];
            u32 left = g.job_cnt - i;
            qs_ed25519_kernel_t const *by = kernel;
            while (left <= by->narrow)
                by = by->narrower;
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

static void
prepare_known(qs_ed25519_job_t *job, qs_ed25519_item_t const *item, u8 const digest[QS_SHA512_SZ],
              qs_ed25519_key_table_t const *table)
{
    *job = (qs_ed25519_job_t){.table = table, .key = item->public_key, .r = item->signature};
    reduce_digest(job->key_scalar, digest);
    qs_ed25519_sc_load(job->base, item->signature + 32);
}

void
qs_ed25519_verify_known(qs_ed25519_kernel_t const *kernel, qs_ed25519_verdict_t *verdict,
                        qs_ed25519_item_t const *item, qs_ed25519_key_table_t const *const *table,
                        u32 cnt, qs_ed25519_rule_t rule)
{
    known_group_t g;
    for (u32 done = 0; done < cnt; done += QS_ED25519_KNOWN_MAX) {
        qs_ed25519_verdict_t out[QS_ED25519_KNOWN_MAX];
        u32 take = (u32)qs_min_u64(cnt - done, QS_ED25519_KNOWN_MAX);
        u32 job_cnt =
            hash_challenges(g.digest, g.item_idx, verdict + done, item + done, take, kernel->lanes);
        u32 full = (job_cnt + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
        for (u32 i = 0; i < job_cnt; i++) {
            u32 idx = done + g.item_idx[i];
            prepare_known(&g.job[i], &item[idx], g.digest[i], table[idx]);
        }
        for (u32 i = job_cnt; i < full; i++) /* idle lanes repeat a job */
            g.job[i] = g.job[0];
        if (full)
            kernel->check_known(out, g.job, full, rule);
        for (u32 i = 0; i < job_cnt; i++)
            verdict[done + g.item_idx[i]] = out[i];
    }
}

/* The widest kernel of at most this many lanes. */
static qs_ed25519_kernel_t const *
widest(u32 lanes)
{
    u32 i = qs_ed25519_kernel_cnt - 1;
    while (qs_ed25519_kernels[i]->lanes > lanes || !qs_cpu_has(qs_ed25519_kernels[i]->needs))
        i--;
    return qs_ed25519_kernels[i];
}

/* Eight lanes are no faster than four for one signature, and may cost clock speed. */
#define SIGN_LANES 4u

void
qs_ed25519_verify_batch(qs_ed25519_verdict_t *verdict, qs_ed25519_item_t const *item, u64 cnt,
                        qs_ed25519_rule_t rule)
{
    qs_ed25519_verify_batch_with(widest(GROUP_MAX), verdict, item, cnt, rule);
}

qs_ed25519_verdict_t
qs_ed25519_verify(qs_ed25519_item_t const *item, qs_ed25519_rule_t rule)
{
    qs_ed25519_verdict_t verdict;
    qs_ed25519_verify_batch_with(&qs_ed25519_kernel_c, &verdict, item, 1, rule);
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

static QS_NOINLINE void
wipe_stack_of_many(void)
{
    u8 used[32 << 10];
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
    widest(SIGN_LANES)->base_mul(public_key, scalar);
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
    qs_ed25519_sign_with(widest(SIGN_LANES), signature, msg, msg_sz, public_key, secret);
}

/* What signing several messages keeps secret. */
typedef struct many {
    u64 scalar[4];
    u64 nonce[QS_ED25519_MANY_MAX][4];
    u8 expanded[QS_SHA512_SZ];
    u8 digest[QS_ED25519_MANY_MAX][QS_SHA512_SZ];
} many_t;

static void
mul_each(qs_ed25519_kernel_t const *kernel, u8 (*out)[32], many_t const *x, u32 cnt)
{
    if (kernel->base_mul_many) {
        kernel->base_mul_many(out, x->nonce, cnt);
        return;
    }
    for (u32 i = 0; i < cnt; i++)
        kernel->base_mul(out[i], x->nonce[i]);
}

/* cnt is 1 to QS_ED25519_MANY_MAX.  A frame of its own is wiped with all that is below it. */
static QS_NOINLINE void
sign_some(qs_ed25519_kernel_t const *kernel, many_t *x, qs_ed25519_order_t const *order, u32 cnt,
          u8 const public_key[QS_ED25519_KEY_SZ])
{
    qs_sha_msg_t msg[QS_ED25519_MANY_MAX];
    u8 r[QS_ED25519_MANY_MAX][32];
    QS_ASSERT(cnt > 0 && cnt <= QS_ED25519_MANY_MAX); /* says to gcc, too, that msg is written */
    for (u32 i = 0; i < cnt; i++)
        msg[i] =
            (qs_sha_msg_t){x->digest[i], {{x->expanded + 32, 32}, {order[i].msg, order[i].msg_sz}}};
    hash_group(msg, cnt, kernel->lanes);
    for (u32 i = 0; i < cnt; i++)
        reduce_digest(x->nonce[i], x->digest[i]);
    mul_each(kernel, r, x, cnt);

    for (u32 i = 0; i < cnt; i++) {
        memcpy(order[i].signature, r[i], 32);
        qs_ed25519_item_t item = {order[i].signature, public_key, order[i].msg, order[i].msg_sz};
        msg[i] = challenge(x->digest[i], &item);
    }
    hash_group(msg, cnt, kernel->lanes);
    for (u32 i = 0; i < cnt; i++) {
        u64 k[4], s[4];
        reduce_digest(k, x->digest[i]);
        qs_ed25519_sc_muladd(s, k, x->scalar, x->nonce[i]);
        for (u32 w = 0; w < 4; w++)
            qs_store_le64(order[i].signature + 32 + 8 * w, s[w]);
    }
}

void
qs_ed25519_sign_batch_with(qs_ed25519_kernel_t const *kernel, qs_ed25519_order_t const *order,
                           u64 cnt, u8 const public_key[QS_ED25519_KEY_SZ],
                           u8 const secret[QS_ED25519_KEY_SZ])
{
    many_t x;
    expand(x.scalar, x.expanded, secret);
    for (u64 done = 0; done < cnt; done += QS_ED25519_MANY_MAX) {
        u32 take = (u32)qs_min_u64(cnt - done, QS_ED25519_MANY_MAX);
        sign_some(kernel, &x, order + done, take, public_key);
    }
    wipe_stack_of_many();
    explicit_bzero(&x, sizeof(x));
}

void
qs_ed25519_sign_batch(qs_ed25519_order_t const *order, u64 cnt,
                      u8 const public_key[QS_ED25519_KEY_SZ], u8 const secret[QS_ED25519_KEY_SZ])
{
    qs_ed25519_sign_batch_with(widest(SIGN_LANES), order, cnt, public_key, secret);
}

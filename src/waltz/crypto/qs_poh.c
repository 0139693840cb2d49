#include "waltz/crypto/qs_poh.h"

#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_poh_rounds.h"
#include "waltz/crypto/qs_sha256.h"

static u8 const leaf_prefix[1] = {0};
static u8 const node_prefix[1] = {1};

static void
iterate_c(u32 *state, u64 n)
{
    u32 w[16], s[8];

    for (; n; n--) {
        memcpy(w, state, QS_POH_SZ);
        memcpy(s, qs_sha256_iv, sizeof(s));
#pragma GCC unroll 16
        for (u32 j = 8; j < 16; j++)
            w[j] = qs_poh_pad_(j);
#pragma GCC unroll 16
        for (u32 j = 0; j < 16; j++)
            qs_sha256_round_(s, w, qs_sha256_k, j);
        for (u32 i = 16; i < 64; i += 16) {
#pragma GCC unroll 16
            for (u32 j = 0; j < 16; j++) {
                qs_sha256_extend_(w, j);
                qs_sha256_round_(s, w, qs_sha256_k + i, j);
            }
        }
        for (u32 j = 0; j < 8; j++)
            state[j] = qs_sha256_iv[j] + s[j];
    }
}

/* As with qs_sha256_kernels: four streams of SHA-NI where it can start every cycle and there are 32
   registers for them, else AVX-512.  With 16 registers three and four streams were between 5 % better
   and 20 % worse than two on Zen 3, as its other thread was busy or not: two it is.  bench `poh`. */
/* clang-format off */
qs_poh_kernel_t const qs_poh_kernels[] = {
/*    name         needs               lanes  iterate                  */
    { "c",         0,                      1, iterate_c                },
#if defined(__x86_64__)
    { "shani",     QS_CPU_NEED_SHANI,      1, qs_poh_iterate_1_shani   },
    { "avx2",      QS_CPU_NEED_AVX2,       8, qs_poh_iterate_avx2      },
    { "shani x 2", QS_CPU_NEED_SHANI,      2, qs_poh_iterate_2_shani   },
    { "avx512",    QS_CPU_NEED_AVX512,    16, qs_poh_iterate_avx512    },
    { "shani x 4", QS_CPU_NEED_AVX512 | QS_CPU_NEED_SHANI | QS_CPU_SHANI_EACH_CYCLE,
                                           4, qs_poh_iterate_4_shani_avx512 },
#endif
};
/* clang-format on */

u32 const qs_poh_kernel_cnt = QS_COUNT(qs_poh_kernels);

qs_poh_kernel_t const *
qs_poh_kernel(void)
{
    u32 i = QS_COUNT(qs_poh_kernels) - 1;
    while (!qs_cpu_has(qs_poh_kernels[i].needs))
        i--;
    return &qs_poh_kernels[i];
}

/* one_chain returns the fastest way to hash a single chain. */
static qs_poh_kernel_t const *
one_chain(void)
{
    u32 const shani = qs_poh_kernel_cnt > 1 ? 1 : 0;
    return &qs_poh_kernels[qs_cpu_has(qs_poh_kernels[shani].needs) ? shani : 0];
}

void
qs_poh_append(u8 state[QS_POH_SZ], u64 n)
{
    alignas(64) u32 word[8];

    for (u32 i = 0; i < 8; i++)
        word[i] = qs_load_be32(state + 4 * i);
    one_chain()->iterate(word, n);
    for (u32 i = 0; i < 8; i++)
        qs_store_be32(state + 4 * i, word[i]);
}

void
qs_poh_mix(u8 state[QS_POH_SZ], u8 const mixin[QS_POH_SZ])
{
    u8 both[2 * QS_POH_SZ];

    memcpy(both, state, QS_POH_SZ);
    memcpy(both + QS_POH_SZ, mixin, QS_POH_SZ);
    qs_sha256(state, both, sizeof(both));
}

/* join makes node[i] of child[2 i] and child[2 i + 1], cnt times. */
static void
join(u8 (*node)[QS_POH_SZ], u8 const (*child)[QS_POH_SZ], u32 cnt)
{
    qs_sha_msg_t msg[QS_POH_LEAVES / 2];

    for (u32 i = 0; i < cnt; i++)
        msg[i] = (qs_sha_msg_t){.out = node[i],
                                .part = {{node_prefix, 1}, {child[2 * i], (u64)2 * QS_POH_SZ}}};
    qs_sha256_batch(msg, cnt);
}

/* reduce makes one node of cnt signatures, 1 <= cnt <= QS_POH_LEAVES, and of `levels` levels above their
   leaves or, if that is 0, of as many as they need. */
static void
reduce(u8 out[QS_POH_SZ], u8 const (*signature)[QS_POH_SIGNATURE_SZ], u32 cnt, u32 levels)
{
    u8 even[QS_POH_LEAVES + 1][QS_POH_SZ], odd[QS_POH_LEAVES / 2 + 1][QS_POH_SZ];
    u8(*now)[QS_POH_SZ] = even, (*then)[QS_POH_SZ] = odd;
    qs_sha_msg_t msg[QS_POH_LEAVES];

    for (u32 i = 0; i < cnt; i++)
        msg[i] = (qs_sha_msg_t){.out = even[i],
                                .part = {{leaf_prefix, 1}, {signature[i], QS_POH_SIGNATURE_SZ}}};
    qs_sha256_batch(msg, cnt);
    for (u32 level = 0; level < levels || (!levels && cnt > 1); level++) {
        if (cnt & 1)
            memcpy(now[cnt], now[cnt - 1], QS_POH_SZ);
        cnt = (cnt + 1) / 2;
        join(then, (u8 const(*)[QS_POH_SZ])now, cnt);
        u8(*swap)[QS_POH_SZ] = now;
        now = then;
        then = swap;
    }
    memcpy(out, now[0], QS_POH_SZ);
}

#define LEAVES_LOG2 6u
_Static_assert(QS_POH_LEAVES == 1u << LEAVES_LOG2, "levels of a whole subtree");

/* push takes the root of one more subtree of QS_POH_LEAVES, `before` of them being there. */
static void
push(qs_poh_tree_t *tree, u8 node[QS_POH_SZ], u32 before)
{
    u8 pair[2][QS_POH_SZ];
    u32 level;

    for (level = 0; before >> level & 1; level++) {
        memcpy(pair[0], tree->node[level], QS_POH_SZ);
        memcpy(pair[1], node, QS_POH_SZ);
        join((u8(*)[QS_POH_SZ])node, (u8 const(*)[QS_POH_SZ])pair, 1);
    }
    memcpy(tree->node[level], node, QS_POH_SZ);
}

void
qs_poh_tree_add(qs_poh_tree_t *tree, u8 const *signature, u32 cnt)
{
    u8 node[QS_POH_SZ];

    for (; cnt; cnt--, signature += QS_POH_SIGNATURE_SZ) {
        memcpy(tree->signature[tree->cnt++ % QS_POH_LEAVES], signature, QS_POH_SIGNATURE_SZ);
        if (tree->cnt % QS_POH_LEAVES)
            continue;
        reduce(node, (u8 const(*)[QS_POH_SIGNATURE_SZ])tree->signature, QS_POH_LEAVES, LEAVES_LOG2);
        push(tree, node, tree->cnt / QS_POH_LEAVES - 1);
    }
}

void
qs_poh_tree_root(qs_poh_tree_t const *tree, u8 root[QS_POH_SZ])
{
    u8 pair[2][QS_POH_SZ];
    u32 whole = tree->cnt / QS_POH_LEAVES, rest = tree->cnt % QS_POH_LEAVES;
    u64 node_cnt = (u64)whole + (rest != 0); /* of the level in hand */
    bool last = rest != 0;                   /* root has the last node, which is not whole */

    if (rest)
        reduce(root, (u8 const(*)[QS_POH_SIGNATURE_SZ])tree->signature, rest,
               whole ? LEAVES_LOG2 : 0);
    for (u32 level = 0; node_cnt > 1; level++, node_cnt = (node_cnt + 1) / 2) {
        bool left = whole >> level & 1;
        if (!left && !last)
            continue;
        memcpy(pair[1], last ? root : tree->node[level], QS_POH_SZ);
        memcpy(pair[0], left ? tree->node[level] : root, QS_POH_SZ);
        join((u8(*)[QS_POH_SZ])root, (u8 const(*)[QS_POH_SZ])pair, 1);
        last = true;
    }
    if (!last)
        memcpy(root, tree->node[__builtin_ctz(whole)], QS_POH_SZ);
}

void
qs_poh_checker_init_with(qs_poh_checker_t *c, qs_poh_kernel_t const *kernel)
{
    memset(c, 0, sizeof(*c));
    c->kernel = kernel;
}

void
qs_poh_checker_init(qs_poh_checker_t *c)
{
    qs_poh_checker_init_with(c, qs_poh_kernel());
}

void
qs_poh_checker_add(qs_poh_checker_t *c, qs_poh_check_t *check)
{
    check->verdict = QS_POH_PENDING;
    check->next = NULL;
    if (c->head)
        c->tail->next = check;
    else
        c->head = check;
    c->tail = check;
}

/* judge takes what a lane has come to. */
static void
judge(qs_poh_checker_t *c, u32 lane)
{
    qs_poh_check_t *check = c->lane[lane];
    u8 got[QS_POH_SZ];

    for (u32 i = 0; i < 8; i++)
        qs_store_be32(got + 4 * i, c->state[i * c->kernel->lanes + lane]);
    if (check->mixed)
        qs_poh_mix(got, check->mixin);
    bool good = !memcmp(got, check->hash, QS_POH_SZ);
    c->wrong_cnt += !good;
    c->lane[lane] = NULL;
    c->busy--;
    check->verdict = good ? QS_POH_GOOD : QS_POH_WRONG;
}

/* fill judges lanes that are done and gives them what waits, until each has hashes to do or nothing
   waits.  Returns the fewest hashes that a busy lane has to do. */
static u64
fill(qs_poh_checker_t *c)
{
    u32 lanes = c->kernel->lanes;
    u64 fewest = UINT64_MAX;

    for (u32 l = 0; l < lanes; l++) {
        while (!c->lane[l] || !c->left[l]) {
            if (c->lane[l])
                judge(c, l);
            qs_poh_check_t *next = c->head;
            if (!next)
                break;
            c->head = next->next;
            c->lane[l] = next;
            c->left[l] = next->num_hashes - (next->mixed && next->num_hashes);
            c->busy++;
            for (u32 i = 0; i < 8; i++)
                c->state[i * lanes + l] = qs_load_be32(next->start + 4 * i);
        }
        if (c->lane[l])
            fewest = qs_min_u64(fewest, c->left[l]);
    }
    return fewest;
}

/* advance lets lanes do n hashes: all together, or one that is alone by the kernel for one. */
static void
advance(qs_poh_checker_t *c, u64 n)
{
    u32 lanes = c->kernel->lanes;

    if (c->busy > 1 || lanes == 1) {
        c->kernel->iterate(c->state, n);
    } else {
        alignas(64) u32 word[8];
        u32 l = 0;
        while (!c->lane[l])
            l++;
        for (u32 i = 0; i < 8; i++)
            word[i] = c->state[i * lanes + l];
        one_chain()->iterate(word, n);
        for (u32 i = 0; i < 8; i++)
            c->state[i * lanes + l] = word[i];
    }
    for (u32 l = 0; l < lanes; l++)
        if (c->lane[l])
            c->left[l] -= n;
}

bool
qs_poh_checker_step(qs_poh_checker_t *c, u64 hash_max)
{
    while (hash_max) {
        u64 n = qs_min_u64(fill(c), hash_max);
        if (!c->busy)
            return false;
        advance(c, n);
        hash_max -= n;
    }
    fill(c);
    return c->busy != 0;
}

u64
qs_poh_check_all(qs_poh_check_t *check, u64 cnt)
{
    qs_poh_checker_t c;

    qs_poh_checker_init(&c);
    for (u64 i = 0; i < cnt; i++)
        qs_poh_checker_add(&c, &check[i]);
    while (qs_poh_checker_step(&c, UINT64_MAX)) {
    }
    return c.wrong_cnt;
}

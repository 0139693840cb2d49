#include "waltz/fec/qs_merkle.h"

#include "waltz/fec/qs_merkle_hash.h"

#define LEAF_CNT   QS_MERKLE_LEAF_CNT
#define DEPTH      QS_MERKLE_DEPTH
#define NODE_SZ    QS_MERKLE_NODE_SZ
#define LEVEL_CNT  (DEPTH + 1u)
#define BUCKET_CNT 64u

/* Where a level of a tree of 64 leaves begins. */
static u32 const level_first[LEVEL_CNT] = {0, 64, 96, 112, 120, 124, 126};

/* know_all marks the first node_cnt nodes, all there are. */
static void
know_all(qs_merkle_tree_t *tree, u32 node_cnt)
{
    tree->root = tree->node[node_cnt - 1];
    tree->known[0] = node_cnt < 64 ? (1ull << node_cnt) - 1 : UINT64_MAX;
    tree->known[1] = node_cnt < 64 ? 0 : (1ull << (node_cnt - 64)) - 1;
}

/* add_level adds the joins of a level of cnt nodes, whose parents follow it. */
static void
add_level(qs_merkle_joins_t *joins, qs_merkle_hash_t *level, u32 cnt)
{
    for (u32 i = 0; i < cnt; i += 2) {
        u32 right = i + 1 < cnt ? i + 1 : i;
        qs_merkle_joins_add(joins, &level[cnt + i / 2], level[i].byte, level[right].byte);
    }
}

void
qs_merkle_build_with(u32 prefix_sz, qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf,
                     u32 leaf_cnt)
{
    QS_ASSERT(leaf_cnt && leaf_cnt <= LEAF_CNT);
    qs_merkle_joins_t joins;
    qs_merkle_joins_init(&joins, prefix_sz);
    memcpy(tree->node, leaf, leaf_cnt * sizeof(*leaf));
    tree->leaf_cnt = leaf_cnt;
    u32 first = 0;
    for (u32 cnt = leaf_cnt; cnt > 1; cnt = (cnt + 1) / 2) {
        add_level(&joins, &tree->node[first], cnt);
        qs_merkle_joins_flush(&joins);
        first += cnt;
    }
    know_all(tree, first + 1);
}

void
qs_merkle_build(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u32 leaf_cnt)
{
    qs_merkle_build_with(QS_MERKLE_PREFIX_SZ, tree, leaf, leaf_cnt);
}

void
qs_merkle_build_many(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u32 tree_cnt)
{
    qs_merkle_joins_t joins;
    qs_merkle_joins_init(&joins, QS_MERKLE_PREFIX_SZ);
    for (u32 i = 0; i < tree_cnt; i++) {
        memcpy(tree[i].node, leaf + (u64)LEAF_CNT * i, LEAF_CNT * sizeof(*leaf));
        tree[i].leaf_cnt = LEAF_CNT;
    }
    for (u32 k = 0; k < DEPTH; k++) {
        for (u32 i = 0; i < tree_cnt; i++)
            add_level(&joins, &tree[i].node[level_first[k]], LEAF_CNT >> k);
        qs_merkle_joins_flush(&joins);
    }
    for (u32 i = 0; i < tree_cnt; i++)
        know_all(&tree[i], QS_MERKLE_NODE_MAX);
}

static bool
is_known(qs_merkle_tree_t const *tree, u32 node)
{
    return tree->known[node / 64] >> node % 64 & 1;
}

u32
qs_merkle_proof(u8 *proof, qs_merkle_tree_t const *tree, u32 leaf_idx)
{
    QS_ASSERT(leaf_idx < tree->leaf_cnt && is_known(tree, leaf_idx));
    u32 first = 0, depth = 0, i = leaf_idx;
    for (u32 cnt = tree->leaf_cnt; cnt > 1; cnt = (cnt + 1) / 2, depth++) {
        u32 sibling = (i ^ 1) < cnt ? i ^ 1 : i;
        memcpy(proof + depth * NODE_SZ, &tree->node[first + sibling], NODE_SZ);
        first += cnt;
        i /= 2;
    }
    return depth;
}

bool
qs_merkle_root(qs_merkle_hash_t *root, qs_merkle_hash_t const *leaf, u32 leaf_idx, u8 const *proof,
               u32 depth)
{
    if (depth < 32 && leaf_idx >> depth)
        return false;
    qs_merkle_joins_t join;
    qs_merkle_joins_init(&join, QS_MERKLE_PREFIX_SZ);
    qs_merkle_hash_t here = *leaf;
    for (u32 k = 0; k < depth; k++, leaf_idx /= 2) {
        u8 const *sibling = proof + k * NODE_SZ;
        if (leaf_idx & 1)
            qs_merkle_joins_add(&join, root, sibling, here.byte);
        else
            qs_merkle_joins_add(&join, root, here.byte, sibling);
        qs_merkle_joins_flush(&join);
        here = *root;
    }
    *root = here;
    return true;
}

void
qs_merkle_climb(qs_merkle_path_t *path, u32 cnt)
{
    QS_ASSERT(cnt <= QS_MERKLE_CLAIM_MAX);
    qs_merkle_joins_t joins;
    qs_merkle_joins_init(&joins, QS_MERKLE_PREFIX_SZ);
    for (u32 k = 0; k < DEPTH; k++) {
        for (u32 i = 0; i < cnt; i++) {
            u8 const *sibling = path[i].proof + k * NODE_SZ, *here = path[i].hash.byte;
            bool is_right = path[i].leaf_idx >> k & 1;
            qs_merkle_joins_add(&joins, &path[i].hash, is_right ? sibling : here,
                                is_right ? here : sibling);
        }
        qs_merkle_joins_flush(&joins);
    }
}

void
qs_merkle_init(qs_merkle_tree_t *tree, qs_merkle_hash_t const *root)
{
    tree->root = tree->node[QS_MERKLE_NODE_MAX - 1] = *root;
    tree->leaf_cnt = LEAF_CNT;
    tree->known[0] = 0;
    tree->known[1] = 1ull << (QS_MERKLE_NODE_MAX - 1 - 64);
}

/* climb_t: claims on their way up, level by level.  Two that meet as siblings, each with the other
   in its proof and the same proof above, are one from there on.

   A node that is known has its sibling and everything above known too: that is how nodes become
   known.  So a claim that reaches one is decided by comparing the rest of its proof. */
typedef enum state { MERGED, RIGHT, WRONG } state_t;

typedef struct climb {
    qs_merkle_claim_t *claim;
    u32 climbing_cnt;
    u8 climbing[QS_MERKLE_CLAIM_MAX]; /* which ones, in order */
    u8 state[QS_MERKLE_CLAIM_MAX];
    u8 into[QS_MERKLE_CLAIM_MAX]; /* MERGED: the claim that goes on; always an earlier one */
    u8 top[QS_MERKLE_CLAIM_MAX];  /* the level it came to */
    u8 at[QS_MERKLE_CLAIM_MAX];   /* which node of that level */
    qs_merkle_hash_t node[QS_MERKLE_CLAIM_MAX][LEVEL_CNT];
} climb_t;

static bool
same_node(void const *a, void const *b)
{
    return !memcmp(a, b, NODE_SZ);
}

/* decide ends the climb of a claim at a known node. */
static void
decide(climb_t *c, u32 i)
{
    qs_merkle_claim_t const *claim = &c->claim[i];
    u32 at = c->at[i], k = c->top[i];
    bool right = k == DEPTH ? !memcmp(&c->node[i][k], &claim->tree->root, QS_MERKLE_ROOT_SZ)
                            : same_node(&c->node[i][k], &claim->tree->node[level_first[k] + at]);
    for (; right && k < DEPTH; k++, at /= 2)
        right =
            same_node(claim->proof + k * NODE_SZ, &claim->tree->node[level_first[k] + (at ^ 1)]);
    c->state[i] = right ? RIGHT : WRONG;
}

/* meet says whether two claims at the same level prove the same parent. */
static bool
meet(climb_t const *c, u32 i, u32 j, u32 k)
{
    qs_merkle_claim_t const *a = &c->claim[i], *b = &c->claim[j];
    u8 const *proof_a = a->proof + k * NODE_SZ, *proof_b = b->proof + k * NODE_SZ;
    return a->tree == b->tree && (c->at[i] ^ 1) == c->at[j] && same_node(&c->node[i][k], proof_b) &&
           same_node(&c->node[j][k], proof_a) &&
           !memcmp(proof_a + NODE_SZ, proof_b + NODE_SZ, (DEPTH - 1 - k) * NODE_SZ);
}

/* decide_level ends the climb of claims that came to a known node. */
static void
decide_level(climb_t *c, u32 k)
{
    u32 cnt = 0;
    for (u32 n = 0; n < c->climbing_cnt; n++) {
        u8 i = c->climbing[n];
        if (is_known(c->claim[i].tree, level_first[k] + c->at[i]))
            decide(c, i);
        else
            c->climbing[cnt++] = i;
    }
    c->climbing_cnt = cnt;
}

/* merge_level lets siblings find each other: claims of one parent are in one bucket. */
static void
merge_level(climb_t *c, u32 k)
{
    u8 head[BUCKET_CNT], next[QS_MERKLE_CLAIM_MAX];
    u32 cnt = 0;
    memset(head, QS_MERKLE_CLAIM_MAX, sizeof(head));
    for (u32 n = 0; n < c->climbing_cnt; n++) {
        u8 i = c->climbing[n];
        u64 tree = (u64)(uintptr_t)c->claim[i].tree / 64;
        u8 *bucket = &head[(tree * 11 + c->at[i] / 2) % BUCKET_CNT];
        u32 j = *bucket;
        while (j < QS_MERKLE_CLAIM_MAX && !meet(c, i, j, k))
            j = next[j];
        if (j < QS_MERKLE_CLAIM_MAX) {
            c->state[i] = MERGED;
            c->into[i] = (u8)j;
        } else {
            next[i] = *bucket;
            *bucket = i;
            c->climbing[cnt++] = i;
        }
    }
    c->climbing_cnt = cnt;
}

static void
join_level(climb_t *c, u32 k)
{
    qs_merkle_joins_t joins;
    qs_merkle_joins_init(&joins, QS_MERKLE_PREFIX_SZ);
    for (u32 n = 0; n < c->climbing_cnt; n++) {
        u32 i = c->climbing[n];
        u8 const *sibling = c->claim[i].proof + k * NODE_SZ, *here = c->node[i][k].byte;
        bool is_right = c->at[i] & 1;
        qs_merkle_joins_add(&joins, &c->node[i][k + 1], is_right ? sibling : here,
                            is_right ? here : sibling);
        c->at[i] /= 2;
        c->top[i] = (u8)(k + 1);
    }
    qs_merkle_joins_flush(&joins);
}

static void
know(qs_merkle_tree_t *tree, u32 node, void const *hash, u64 sz)
{
    memcpy(&tree->node[node], hash, sz);
    tree->known[node / 64] |= 1ull << node % 64;
}

/* learn makes known what a right claim hashed, and the siblings, up to where they are known already. */
static void
learn(climb_t const *c, u32 i)
{
    qs_merkle_claim_t const *claim = &c->claim[i];
    u32 at = claim->leaf_idx;
    for (u32 k = 0; !is_known(claim->tree, level_first[k] + at); k++, at /= 2) {
        know(claim->tree, level_first[k] + at, &c->node[i][k], sizeof(qs_merkle_hash_t));
        know(claim->tree, level_first[k] + (at ^ 1), claim->proof + k * NODE_SZ, NODE_SZ);
    }
}

void
qs_merkle_check(qs_merkle_claim_t *claim, u32 cnt)
{
    QS_ASSERT(cnt <= QS_MERKLE_CLAIM_MAX);
    climb_t c;
    c.claim = claim;
    c.climbing_cnt = cnt;
    for (u32 i = 0; i < cnt; i++) {
        QS_ASSERT(claim[i].leaf_idx < LEAF_CNT && claim[i].tree->leaf_cnt == LEAF_CNT);
        c.climbing[i] = (u8)i;
        c.top[i] = 0;
        c.at[i] = (u8)claim[i].leaf_idx;
        c.node[i][0] = claim[i].leaf;
    }
    for (u32 k = 0; k <= DEPTH; k++) {
        decide_level(&c, k);
        if (k == DEPTH)
            break;
        merge_level(&c, k);
        join_level(&c, k);
    }
    for (u32 i = 0; i < cnt; i++) {
        claim[i].right = c.state[i] == MERGED ? claim[c.into[i]].right : c.state[i] == RIGHT;
        if (claim[i].right)
            learn(&c, i);
    }
}

/* complete_level joins the parents of what is fresh at level k.  False if one cannot be joined, or
   is not what it is known to be. */
static bool
complete_level(qs_merkle_tree_t *tree, u64 fresh[2], u32 k)
{
    qs_merkle_hash_t parent[LEAF_CNT / 2];
    u8 at[LEAF_CNT / 2];
    u32 cnt = 0;
    qs_merkle_joins_t joins;
    qs_merkle_joins_init(&joins, QS_MERKLE_PREFIX_SZ);
    for (u32 i = 0; i < LEAF_CNT >> k; i += 2) {
        u32 node = level_first[k] + i;
        u64 fresh_two = fresh[node / 64] >> node % 64 & 3;
        if (!fresh_two)
            continue;
        if ((fresh_two | (tree->known[node / 64] >> node % 64 & 3)) != 3)
            return false;
        qs_merkle_joins_add(&joins, &parent[cnt], tree->node[node].byte, tree->node[node + 1].byte);
        at[cnt++] = (u8)(i / 2);
    }
    qs_merkle_joins_flush(&joins);
    for (u32 i = 0; i < cnt; i++) {
        u32 node = level_first[k + 1] + at[i];
        u64 sz = k + 1 == DEPTH ? QS_MERKLE_ROOT_SZ : NODE_SZ;
        if (!is_known(tree, node)) {
            tree->node[node] = parent[i];
            fresh[node / 64] |= 1ull << node % 64;
        } else if (memcmp(&tree->node[node], &parent[i], sz)) {
            return false;
        }
    }
    return true;
}

bool
qs_merkle_complete(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u64 set)
{
    QS_ASSERT(tree->leaf_cnt == LEAF_CNT);
    u64 fresh[2] = {set & ~tree->known[0], 0};
    for (; set; set &= set - 1) {
        u32 i = (u32)__builtin_ctzll(set);
        if (!is_known(tree, i))
            tree->node[i] = leaf[i];
        else if (!same_node(&tree->node[i], &leaf[i]))
            return false;
    }
    for (u32 k = 0; k < DEPTH; k++)
        if (!complete_level(tree, fresh, k))
            return false;
    tree->known[0] |= fresh[0];
    tree->known[1] |= fresh[1];
    return true;
}

/* qs_merkle.h - the Merkle tree over the shreds of a set: build it, prove with it, check proofs.

       leaf  = sha256(00 "SOLANA_MERKLE_SHREDS_LEAF", bytes of the shred)
       node  = sha256(01 "SOLANA_MERKLE_SHREDS_NODE", left[0..20), right[0..20))
       proof = the siblings on the way up, 20 bytes each, leaf level first

   Of a node 20 bytes enter its parent and a proof; the root has all 32, and a leader signs it.  A
   set has 64 leaves, data before code, so a proof has 6 entries.  Older sets had other sizes: the
   last node of an odd level is joined with itself.

   A receiver keeps one tree per set.  Once the root's signature is good, qs_merkle_init; then
   whatever qs_merkle_check finds right is remembered, and no node is hashed twice:

                        root           trusted
                 [a]          B        B is an entry of a proof that led to the root, a was hashed
             [c]     D     .     .     on the way: a shred that arrives below B or D is done when
            [0] 1   .  .  . .  . .     it reaches them, and shred 1 when its leaf is hashed

   Threads: any; one at a time for each tree.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_FEC_MERKLE_H
#define QS_WALTZ_FEC_MERKLE_H

#include "tango/base/qs_base.h"

#define QS_MERKLE_LEAF_CNT 64u
#define QS_MERKLE_DEPTH    6u
#define QS_MERKLE_ROOT_SZ  32u
#define QS_MERKLE_NODE_SZ  20u
#define QS_MERKLE_PROOF_SZ (QS_MERKLE_DEPTH * QS_MERKLE_NODE_SZ)
#define QS_MERKLE_NODE_MAX (2u * QS_MERKLE_LEAF_CNT - 1u)

#define QS_MERKLE_CLAIM_MAX 64u /* that are followed side by side */

/* Prefixes are this long in trees of shreds; 1, their first byte, in some others. */
#define QS_MERKLE_PREFIX_SZ 26u

typedef struct qs_merkle_hash {
    u8 byte[QS_MERKLE_ROOT_SZ];
} qs_merkle_hash_t;

/* What is hashed into a leaf. */
typedef struct qs_merkle_text {
    void const *data;
    u64 sz;
} qs_merkle_text_t;

/* qs_merkle_tree_t: nodes level by level, leaves first.  A node that is known has at least its
   first QS_MERKLE_NODE_SZ bytes. */
typedef struct qs_merkle_tree {
    qs_merkle_hash_t root;
    u32 leaf_cnt;
    u64 known[2]; /* bit n: node n is that of the tree with this root */
    qs_merkle_hash_t node[QS_MERKLE_NODE_MAX];
} qs_merkle_tree_t;

/* qs_merkle_leaves hashes cnt leaves, of any sets. */
void qs_merkle_leaves(qs_merkle_hash_t *leaf, qs_merkle_text_t const *text, u32 cnt);

/* qs_merkle_build makes the tree of leaf_cnt leaves, 1 <= leaf_cnt <= QS_MERKLE_LEAF_CNT.
   qs_merkle_build_many makes tree_cnt trees of 64 leaves each, leaf[64 i] the first of tree[i]:
   what one tree has too few nodes for, several have. */
void qs_merkle_build(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u32 leaf_cnt);
void qs_merkle_build_many(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u32 tree_cnt);

/* qs_merkle_proof writes the proof of one leaf of a tree that is known whole, and returns the
   number of its entries. */
u32 qs_merkle_proof(u8 *proof, qs_merkle_tree_t const *tree, u32 leaf_idx);

/* qs_merkle_root follows a proof of depth entries upwards.  Returns false if a tree of that depth
   has no such leaf. */
bool qs_merkle_root(qs_merkle_hash_t *root, qs_merkle_hash_t const *leaf, u32 leaf_idx,
                    u8 const *proof, u32 depth);

/* A way up a tree of 64 leaves. */
typedef struct qs_merkle_path {
    qs_merkle_hash_t hash; /* of the leaf; afterwards the root */
    u32 leaf_idx;          /* below 64 */
    u8 const *proof;       /* QS_MERKLE_PROOF_SZ bytes */
} qs_merkle_path_t;

/* qs_merkle_climb follows cnt proofs side by side, QS_MERKLE_CLAIM_MAX at most. */
void qs_merkle_climb(qs_merkle_path_t *path, u32 cnt);

/* qs_merkle_init makes a tree of 64 leaves of which only the root is known. */
void qs_merkle_init(qs_merkle_tree_t *tree, qs_merkle_hash_t const *root);

/* A shred that claims to be leaf `leaf_idx`, below 64, of tree. */
typedef struct qs_merkle_claim {
    qs_merkle_tree_t *tree;
    u32 leaf_idx;
    bool right; /* set by qs_merkle_check */
    qs_merkle_hash_t leaf;
    u8 const *proof; /* QS_MERKLE_PROOF_SZ bytes */
} qs_merkle_claim_t;

/* qs_merkle_check finds out which of cnt claims, QS_MERKLE_CLAIM_MAX at most, of any trees, are
   right: those whose proof leads from their leaf to their tree's root, each on its own.  What
   right ones prove is known to their tree from then on.  A wrong claim costs at most what it
   costs alone, and changes nothing. */
void qs_merkle_check(qs_merkle_claim_t *claim, u32 cnt);

/* qs_merkle_complete takes leaves that were not proven, those of set, leaf[i] for bit i: shreds
   that were recovered.  Returns whether they belong to the tree; then they and every node above
   are known.  False if not, or if more leaves are needed to tell, and nothing is known more. */
bool qs_merkle_complete(qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf, u64 set);

/* The same for prefixes of other sizes; for tests against trees that are not of shreds. */
void qs_merkle_leaves_with(u32 prefix_sz, qs_merkle_hash_t *leaf, qs_merkle_text_t const *text,
                           u32 cnt);
void qs_merkle_build_with(u32 prefix_sz, qs_merkle_tree_t *tree, qs_merkle_hash_t const *leaf,
                          u32 leaf_cnt);

#endif

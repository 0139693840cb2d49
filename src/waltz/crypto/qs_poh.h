/* qs_poh - proof of history: one long chain of SHA-256, made by one and checked by many.

       tick          h' = sha256^n (h)
       transactions  h' = sha256 (sha256^(max(n,1) - 1) (h), mixin)

   mixin is the root of a Merkle tree over all signatures of all transactions of an entry, in order:
   leaf = sha256(00, signature), node = sha256(01, left, right), nodes whole, the last of an odd level
   joined with itself; one leaf is the root.

   Making the chain is one hash after the other and takes as long as it takes.  Checking is not: the
   hash before each entry is known, so entries are independent, and as many of them as the processor
   has lanes for go side by side.  An entry that is done leaves its lane to the next:

       lane 0   |entry 0        |entry 4   ..
       lane 1   |entry 1   |entry 3     ..
       lane 2   |entry 2          |entry 5 ..

   Source: spec entry.md 3.

   Threads: any; one at a time for each object.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_POH_H
#define QS_WALTZ_CRYPTO_POH_H

#include "tango/base/qs_base.h"

#define QS_POH_SZ           32u
#define QS_POH_SIGNATURE_SZ 64u

/* qs_poh_append hashes state n times over; n = 0 leaves it. */
void qs_poh_append(u8 state[QS_POH_SZ], u64 n);

/* qs_poh_mix makes state that of an entry with transactions: one hash, of state and mixin. */
void qs_poh_mix(u8 state[QS_POH_SZ], u8 const mixin[QS_POH_SZ]);

#define QS_POH_LEAVES 64u /* hashed together */
#define QS_POH_LEVELS 26u /* 2^32 signatures */

/* qs_poh_tree_t is the tree of an entry's signatures in the making; init, then add, then root. */
typedef struct qs_poh_tree {
    u32 cnt;                                          /* signatures so far */
    u8 signature[QS_POH_LEAVES][QS_POH_SIGNATURE_SZ]; /* the last cnt % QS_POH_LEAVES of them */
    u8 node[QS_POH_LEVELS][QS_POH_SZ]; /* roots of whole subtrees: bit i of cnt / QS_POH_LEAVES says
                                          whether there is one of QS_POH_LEAVES << i leaves */
} qs_poh_tree_t;

QS_INLINE void
qs_poh_tree_init(qs_poh_tree_t *tree)
{
    tree->cnt = 0;
}

/* qs_poh_tree_add takes cnt signatures that lie one behind the other, fewer than 2^32 in all. */
void qs_poh_tree_add(qs_poh_tree_t *tree, u8 const *signature, u32 cnt);

/* qs_poh_tree_root writes the root; the tree has a signature at least, and is as it was. */
void qs_poh_tree_root(qs_poh_tree_t const *tree, u8 root[QS_POH_SZ]);

typedef enum qs_poh_verdict { QS_POH_PENDING, QS_POH_GOOD, QS_POH_WRONG } qs_poh_verdict_t;

/* An entry to be checked.  The caller fills all above verdict. */
typedef struct qs_poh_check {
    u8 start[QS_POH_SZ]; /* hash of the entry before */
    u8 hash[QS_POH_SZ];  /* that the entry claims */
    u8 mixin[QS_POH_SZ]; /* if it has transactions */
    u64 num_hashes;
    bool mixed; /* it has transactions */
    u8 verdict; /* qs_poh_verdict_t */
    struct qs_poh_check *next;
} qs_poh_check_t;

#define QS_POH_LANE_MAX 16u

/* qs_poh_kernel_t hashes each lane of state n times; state is word[8][lanes] in the machine's byte
   order, 64-byte aligned. */
typedef struct qs_poh_kernel {
    char const *name;
    u32 needs; /* QS_CPU_* bits */
    u32 lanes;
    void (*iterate)(u32 *state, u64 n);
} qs_poh_kernel_t;

/* qs_poh_checker_t: lanes at work, and what waits for one. */
typedef struct qs_poh_checker {
    alignas(64) u32 state[8 * QS_POH_LANE_MAX];
    qs_poh_kernel_t const *kernel;
    qs_poh_check_t *lane[QS_POH_LANE_MAX]; /* null: idle */
    u64 left[QS_POH_LANE_MAX];             /* hashes to do before the last step */
    qs_poh_check_t *head, *tail;           /* waiting */
    u32 busy;                              /* lanes with an entry */
    u32 wrong_cnt;                         /* verdicts that were QS_POH_WRONG */
} qs_poh_checker_t;

/* qs_poh_checker_init makes an idle checker. */
void qs_poh_checker_init(qs_poh_checker_t *c);

/* qs_poh_checker_add takes an entry, which stays where it is until its verdict is no longer
   QS_POH_PENDING.  Entries of different slots may be mixed. */
void qs_poh_checker_add(qs_poh_checker_t *c, qs_poh_check_t *check);

/* qs_poh_checker_step lets every lane do hash_max hashes or a little more: a step of 512 takes some
   100 us.  Returns false when nothing is left to do. */
bool qs_poh_checker_step(qs_poh_checker_t *c, u64 hash_max);

/* qs_poh_check_all gives all cnt of them a verdict.  Returns the number of wrong ones. */
u64 qs_poh_check_all(qs_poh_check_t *check, u64 cnt);

/* The kernels, slowest first; the first is plain C and needs nothing.  For tests and benches,
   which must check qs_cpu_has(needs) before they run one. */
extern qs_poh_kernel_t const qs_poh_kernels[];
extern u32 const qs_poh_kernel_cnt;

/* qs_poh_kernel returns the row that checkers use; qs_poh_checker_init_with takes another. */
qs_poh_kernel_t const *qs_poh_kernel(void);
void qs_poh_checker_init_with(qs_poh_checker_t *c, qs_poh_kernel_t const *kernel);

#endif

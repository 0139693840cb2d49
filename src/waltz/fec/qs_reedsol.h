/* qs_reedsol.h - Reed-Solomon over bytes: 32 data shards, 32 code shards, any 32 give the rest.

   Byte b of shard i, 0 <= i < 64, is the value at i of the one polynomial of degree below 32
   whose values at 0..31 are byte b of the data shards.  The field is GF(2^8) modulo 0x11d, and i
   stands for itself as a field element.  Row p of the parity matrix is then

       G[32 + p][k] = 0xa5 / ((32 + p) xor k)            a Cauchy matrix: symmetric, and a
                                                         function of p xor k alone

   Shards are numbered as they are points: 0..31 data, 32..63 code.  A set of shards is a u64, bit
   i for shard i.  All shards of a call have the same size, any alignment, and do not overlap.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_FEC_REEDSOL_H
#define QS_WALTZ_FEC_REEDSOL_H

#include "tango/base/qs_base.h"

#define QS_REEDSOL_DATA_CNT 32u
#define QS_REEDSOL_CNT      64u
#define QS_REEDSOL_SZ_MAX   1280u /* bytes of a shard */

#define QS_REEDSOL_DATA 0x00000000ffffffffull
#define QS_REEDSOL_CODE 0xffffffff00000000ull

/* qs_reedsol_encode fills shards 32..63 from shards 0..31; 1 <= sz <= QS_REEDSOL_SZ_MAX. */
void qs_reedsol_encode(u8 *const shard[QS_REEDSOL_CNT], u64 sz);

/* qs_reedsol_recover fills the shards of want from those of have; the two sets are disjoint, and
   pointers of shards in neither may be null.  If have holds more than 32 shards it also checks
   that all of have lies on one polynomial; want may be empty.

   Returns 0; -ENODATA if have holds fewer than 32, and nothing is written; -EBADMSG if have lies
   on no polynomial, and then the bytes of want mean nothing. */
int qs_reedsol_recover(u8 *const shard[QS_REEDSOL_CNT], u64 sz, u64 have, u64 want);

/* qs_reedsol_enough returns the 32 of have that recover fastest, all of have if it holds fewer.
   Who authenticates what is recovered some other way saves the check by passing these. */
u64 qs_reedsol_enough(u64 have);

/* The kernels, slowest first; the first is plain C and needs nothing.  For tests and benches,
   which must check qs_cpu_has(needs) before they run one. */
typedef struct qs_reedsol_kernel qs_reedsol_kernel_t;
typedef struct qs_reedsol_plan qs_reedsol_plan_t;

struct qs_reedsol_kernel {
    char const *name;
    u32 needs; /* QS_CPU_* bits */
    u32 width; /* bytes of a column; the two functions below take sz >= width */

    /* Up to this many lost shards are filled one by one, more by transforms. */
    u32 data_row_max;
    u32 code_row_max;
    void (*encode)(u8 *const *shard, u64 sz);
    bool (*recover)(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz);
};

extern qs_reedsol_kernel_t const qs_reedsol_kernels[];
extern u32 const qs_reedsol_kernel_cnt;

/* qs_reedsol_kernel returns the row that all functions but the next two use. */
qs_reedsol_kernel_t const *qs_reedsol_kernel(void);

void qs_reedsol_encode_with(qs_reedsol_kernel_t const *kernel, u8 *const shard[QS_REEDSOL_CNT],
                            u64 sz);
int qs_reedsol_recover_with(qs_reedsol_kernel_t const *kernel, u8 *const shard[QS_REEDSOL_CNT],
                            u64 sz, u64 have, u64 want);

#endif

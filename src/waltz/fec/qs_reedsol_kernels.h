/* qs_reedsol_kernels.h - what a kernel is told to recover, and the tables it multiplies with.
   Private to qs_reedsol*.c.

   There are two ways to a lost data shard.  E is the set of lost data shards, K the 32 shards
   used, Q the code shards in K; T is the transform that encodes, which by the symmetry of the
   parity matrix also takes values at 32..63 to values at 0..31.

   By rows (Lagrange), 32 multiplications a byte for each lost shard, data or code alike:

       f(k) = sum over i in K of  row[k][i] f(i),    row[k][i] = P(k) / ((k xor i) P'(i))
                                                     P(x)  = product over j in K of (x xor j)
                                                     P'(i) = the same without j = i
   By transforms, for any number of lost shards, because the inverse of a Cauchy matrix is one:

       s = f(q) + T(data with zeros for E)(q)  for q in Q
       f(k) = scale[k] T(scale[q] s, zeros for other q)(k)

       scale[k] = B(k) / A'(k) / 0xa5^2    A(x) = product over j in E of (x xor j)
       scale[q] = A(q) / B'(q)             B(x) = product over j in Q of (x xor j)

   No step depends on more than sums of logarithms; nothing is inverted or eliminated.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_FEC_REEDSOL_KERNELS_H
#define QS_WALTZ_FEC_REEDSOL_KERNELS_H

#include "waltz/fec/qs_reedsol.h"

#define QS_REEDSOL_ROW_MAX 22u

/* Steps are done in this order; each is left out if its set is empty. */
struct qs_reedsol_plan {
    u32 row_cnt; /* by rows: shards to[0..row_cnt) */
    u8 from[QS_REEDSOL_DATA_CNT];
    u8 to[QS_REEDSOL_ROW_MAX];
    u8 row[QS_REEDSOL_ROW_MAX][QS_REEDSOL_DATA_CNT];

    u64 lost; /* by transforms: data shards to fill */
    u64 used; /* code shards that replace them, as many */
    u8 scale[QS_REEDSOL_CNT];

    u64 code;  /* code shards to fill by encoding, after all data is there */
    u64 check; /* code shards to compare with what encoding gives */
};

/* Powers of 2: an index may be a sum of three logarithms. */
extern u8 const qs_reedsol_exp[765];

/* qs_reedsol_log[l][i] is the logarithm of i xor l, 0 for that of 0. */
extern i16 const qs_reedsol_log[8][64];

/* Multiplication by c, as gf2p8affineqb and as pshufb (low nibble, high nibble) want it. */
extern u64 const qs_reedsol_matrix[256];
extern u8 const qs_reedsol_nibble[256][32];

void qs_reedsol_encode_c(u8 *const *shard, u64 sz);
bool qs_reedsol_recover_c(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz);
#if defined(__x86_64__)
void qs_reedsol_encode_avx2(u8 *const *shard, u64 sz);
bool qs_reedsol_recover_avx2(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz);
void qs_reedsol_encode_gfni(u8 *const *shard, u64 sz);
bool qs_reedsol_recover_gfni(qs_reedsol_plan_t const *plan, u8 *const *shard, u64 sz);
#endif

#endif

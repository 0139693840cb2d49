/* qs_ed25519_table - multiples of the Ed25519 base point B, computed by contrib/ed25519_table.py.

   An entry is an affine point as the three numbers that an addition multiplies by:
   y + x, y - x and 2dxy, each fully reduced.

   Threads: any (constants).  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_ED25519_TABLE_H
#define QS_WALTZ_CRYPTO_ED25519_TABLE_H

#include "tango/base/qs_base.h"

/* [part][n] is n * 2^(64 part) * B in limbs of 51 bits, for verification. */
extern u64 const qs_ed25519_base[4][129][3][5];

/* [i][n] is (n + 1) * 2^(10 i) * B in words of 64 bits, for signing. */
extern u64 const qs_ed25519_comb[26][16][3][4];

#endif

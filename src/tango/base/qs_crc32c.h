/* qs_crc32c - CRC-32C (Castagnoli; RFC 3720, B.4): does what lies on a disk still read as it was
   written?  It finds accidents, not forgeries.

   By the processor's crc32 instruction where it has one (8 bytes every 3 cycles), else by a table.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_TANGO_BASE_CRC32C_H
#define QS_TANGO_BASE_CRC32C_H

#include "tango/base/qs_base.h"

/* qs_crc32c returns the sum of what crc is the sum of (0: of nothing) and the sz bytes at data. */
u32 qs_crc32c(u32 crc, void const *data, u64 sz);

/* qs_crc32c_table is the same without the instruction, for tests. */
u32 qs_crc32c_table(u32 crc, void const *data, u64 sz);

#endif

/* qs_genesis - the shred version of a cluster, as its genesis and its hard forks make it (spec of gossip §11.2).

   Threads: any.  Blocks: on the file.  Allocates: no. */

#ifndef QS_DISCO_GOSSIP_GENESIS_H
#define QS_DISCO_GOSSIP_GENESIS_H

#include "tango/base/qs_base.h"

#define QS_GENESIS_SZ_MAX (1ull << 30)

/* A hard fork: so often at that slot. */
typedef struct qs_genesis_fork {
    u64 slot, cnt;
} qs_genesis_fork_t;

/* qs_genesis_parse_fork reads "SLOT" or "SLOT:COUNT".  Returns false if that is neither. */
bool qs_genesis_parse_fork(qs_genesis_fork_t *fork, char const *text);

/* qs_genesis_version hashes the file at path (genesis.bin) and mixes in cnt forks, ascending.  Returns 0,
   -EINVAL (forks do not ascend), -ENODATA (an empty file), -EFBIG or -errno of the file. */
int qs_genesis_version(char const *path, qs_genesis_fork_t const *fork, u32 cnt, u16 *version);

#endif

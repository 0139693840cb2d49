/* qs_gossip_list - prints who is in a cluster: for `gossip peers` and `gossip spy`.

   Threads: any.  Blocks: on stdout.  Allocates: never. */

#ifndef QS_APP_GOSSIP_LIST_H
#define QS_APP_GOSSIP_LIST_H

#include "disco/gossip/qs_peers.h"

typedef struct qs_gossip_list {
    char const *sort;   /* stake (NULL: that), age, address, key */
    char const *filter; /* NULL: all; else what key, address or version must begin with */
    bool json;
    u64 now_ms;
} qs_gossip_list_t;

/* qs_gossip_list_check returns 0, or 2 after saying that there is no such order. */
int qs_gossip_list_check(qs_gossip_list_t const *list, char const *command);

/* qs_gossip_list_print sorts rows[cnt], prints those that the filter lets through, in JSON an array, and
   returns how many. */
u32 qs_gossip_list_print(qs_gossip_list_t const *list, qs_peers_row_t *rows, u32 cnt);

#endif

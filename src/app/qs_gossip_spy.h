/* qs_gossip_spy - takes part in a cluster's gossip for a while, as a node without stake that serves
   nobody, and tells who is there.

   Threads: one.  Blocks: until the end.  Allocates: the table. */

#ifndef QS_APP_GOSSIP_SPY_H
#define QS_APP_GOSSIP_SPY_H

#include "app/qs_gossip_list.h"
#include "disco/qs_config.h"

typedef struct qs_gossip_spy {
    qs_config_t cfg;        /* gossip, shred.version, net.bind_address */
    char const *entrypoint; /* besides those of cfg; NULL: none */
    u64 seconds;            /* 0: until SIGINT or SIGTERM */
    u64 port;               /* 0: any */
    qs_gossip_list_t list;
} qs_gossip_spy_t;

/* qs_gossip_spy returns the exit code: 0, 2 (options), 3 (no network), 4: nobody was found. */
int qs_gossip_spy(qs_gossip_spy_t *spy);

#endif

/* qs_gossip_join - what gossip has to know before it can begin, and where from:

       entrypoints     gossip.entrypoints, by name or address; then some that gossip.contacts_path remembers
       shred version   shred.version; gossip.genesis; an entrypoint's ip_echo; the contacts that were saved.
                       What is said twice must be the same
       own address     gossip.address, net.bind_address, an entrypoint's ip_echo, the interface
       stakes          the vote accounts of shred.leader_schedule, if it has any, by identity

   Threads: boot's.  Blocks: on files, names and entrypoints, some seconds at most.  Allocates: yes. */

#ifndef QS_DISCO_GOSSIP_JOIN_H
#define QS_DISCO_GOSSIP_JOIN_H

#include "disco/gossip/qs_gossip_node.h"
#include "disco/gossip/qs_renew.h"
#include "disco/qs_tile.h"
#include "disco/shred/qs_leaders_json.h"

typedef struct qs_gossip_join {
    qs_gossip_conf_t *conf;
    u16 shred_version;
    u32 address;       /* with shred_version: as long as nobody answers, the last run's */
    u16 told_version;  /* by options; 0: they do not say */
    u16 saved_version; /* of the contacts that were saved */
    u32 named_cnt;     /* entrypoints that options name: they come first, before saved ones */
    u32 entry_of
        [QS_GOSSIP_ENTRYPOINT_MAX]; /* of each name: which entrypoint; UINT32_MAX: none yet */
    u16 entry_port[QS_GOSSIP_ENTRYPOINT_MAX];
    qs_renew_t renew;
    qs_leaders_stake_t *stake;
    u32 stake_cnt;
    u64 stake_lost; /* identities for which there was no room */
} qs_gossip_join_t;

/* qs_gossip_bind_address returns net.bind_address, 0 if it is empty. */
u32 qs_gossip_bind_address(struct qs_config const *cfg);

/* qs_gossip_join finds it all, fills in conf's entrypoints, and opens j->renew.  Returns 0, or -errno with a line
   in ctx->err. */
int qs_gossip_join(qs_gossip_join_t *j, qs_gossip_conf_t *conf, qs_tile_ctx_t *ctx);

/* qs_gossip_join_stakes tells n the stakes that were found, once. */
void qs_gossip_join_stakes(qs_gossip_join_t *j, qs_gossip_node_t *n, u64 now_ms);

#endif

/* qs_net_keep - the supervisor's half of the net tiles: UDP sockets, the XDP program on the interface,
   and the rung of the ladder (qs_net.h).

   All net tiles of a topology are on one interface and on one rung.  These are the callbacks keep,
   tend and drop of the tile's table (qs_tile.h):

       at start          the best rung that options and interface allow; an explicit option that
                         cannot be had is an error with the next best setting
       tile gave up      the next rung down, if options allow one, or the end of the group
       program detached  attached again; if a foreign program is there now: sockets, until it goes
       interface gone    sockets, until one of that name is back: then the best rung anew

   Threads: the supervisor's.  Blocks: in the kernel.  Allocates: once. */

#ifndef QS_DISCO_NET_KEEP_H
#define QS_DISCO_NET_KEEP_H

#include "disco/net/qs_net.h"

int qs_net_keep(qs_tile_ctx_t *ctx);
int qs_net_tend(qs_tile_ctx_t *ctx, u32 why);
void qs_net_drop(qs_tile_ctx_t *ctx);

/* qs_net_rung_name returns "zero copy", ... for people. */
char const *qs_net_rung_name(qs_net_rung_t rung);

#endif

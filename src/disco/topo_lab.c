/* The lab's topologies.  This file is the only place where their edges are written.  A cluster of
   the lab is some of these, each in a network namespace of its own. */

#include "disco/qs_tiles.h"
#include "disco/qs_topos.h"

static u32
net_tiles(qs_config_t const *cfg)
{
    return cfg->net.tiles;
}

static u32
metric_tiles(qs_config_t const *cfg)
{
    return cfg->metric.enabled;
}

/* clang-format off */
static qs_tile_row_t const listen_tiles[] = {
/*    name   tile             cnt  or from    on death     */
    { NULL, &qs_tile_net,      1, net_tiles, QS_RESTART },
    { NULL, &qs_tile_netlink,  1, NULL,      QS_RESTART },
    { NULL, &qs_tile_sink,     1, NULL,      QS_RESTART },
    { NULL, &qs_tile_metric,   0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const listen_links[] = {
/*    from      to        depth  window   mtu   flow         ports                            */
    { "net",    "sink",    1024,      0,    0,  QS_LOSSY,    "tpu tvu gossip repair extra" },
    { "net",    "netlink",  128,      0,   64,  QS_LOSSY,    NULL },
    { 0 }
};

qs_topo_t const qs_topo_listen = {
    .name    = "listen",
    .help    = "receives on all ports and accounts for every datagram",
    .picture = "      wire ~~~> net:i ---> sink          ---> lossy   ===> reliable\n"
               "                  |\n"
               "                  +--> netlink     metric\n",
    .tiles   = listen_tiles,
    .links   = listen_links,
};

static qs_tile_row_t const load_tiles[] = {
    { NULL, &qs_tile_load,     1, NULL,      QS_RESTART },
    { NULL, &qs_tile_net,      1, NULL,      QS_RESTART },
    { NULL, &qs_tile_netlink,  1, NULL,      QS_RESTART },
    { 0 }
};

static qs_link_row_t const load_links[] = {
    { "load",   "net",     1024,    128, 4096,  QS_RELIABLE, NULL },
    { "net",    "netlink",  128,      0,   64,  QS_LOSSY,    NULL },
    { 0 }
};

qs_topo_t const qs_topo_load = {
    .name    = "load",
    .help    = "sends numbered datagrams at a steady rate",
    .picture = "      load ===> net ~~~> wire            ---> lossy   ===> reliable\n"
               "                |\n"
               "                +--> netlink\n",
    .tiles   = load_tiles,
    .links   = load_links,
};

static qs_tile_row_t const replay_tiles[] = {
    { NULL, &qs_tile_replay,   1, NULL,      QS_STOP    },
    { NULL, &qs_tile_net,      1, NULL,      QS_RESTART },
    { NULL, &qs_tile_netlink,  1, NULL,      QS_RESTART },
    { 0 }
};

static qs_link_row_t const replay_links[] = {
    { "replay", "net",     1024,    128, 4096,  QS_RELIABLE, NULL },
    { "net",    "netlink",  128,      0,   64,  QS_LOSSY,    NULL },
    { 0 }
};

qs_topo_t const qs_topo_replay = {
    .name    = "replay",
    .help    = "sends the UDP payloads of a capture file",
    .picture = "      replay ===> net ~~~> wire          ---> lossy   ===> reliable\n"
               "                  |\n"
               "                  +--> netlink\n",
    .tiles   = replay_tiles,
    .links   = replay_links,
};
/* clang-format on */

qs_topo_t const *const qs_topos[] = {&qs_topo_listen, &qs_topo_load,     &qs_topo_replay,
                                     &qs_topo_front,  &qs_topo_txnload,  &qs_topo_shreds,
                                     &qs_topo_gossip, &qs_topo_crowd,    &qs_topo_relay,
                                     &qs_topo_leader, &qs_topo_follower, NULL};

/* A node that is a member of the cluster and nothing else yet. */

#include "disco/gossip/qs_gossvf.h"
#include "disco/qs_tiles.h"
#include "disco/qs_topos.h"

static u32
net_tiles(qs_config_t const *cfg)
{
    return cfg->net.tiles;
}

static u32
gossvf_tiles(qs_config_t const *cfg)
{
    return cfg->gossip.verify_tiles;
}

/* clang-format off */
static qs_tile_row_t const gossip_tiles[] = {
/*    name   tile             cnt  or from       on death     */
    { NULL, &qs_tile_net,      1, net_tiles,    QS_RESTART },
    { NULL, &qs_tile_netlink,  1, NULL,         QS_RESTART },
    { NULL, &qs_tile_sign,     1, NULL,         QS_STOP    },
    { NULL, &qs_tile_gossvf,   0, gossvf_tiles, QS_RESTART },
    { NULL, &qs_tile_gossip,   1, NULL,         QS_RESTART },
    { 0 }
};

static qs_link_row_t const gossip_links[] = {
/*    from      to        depth  window   mtu   flow         ports     */
    { "net",    "gossip",  2048,      0,    0,  QS_LOSSY,    "gossip -gossvf" },
    { "net",    "gossvf",  2048,      0,    0,  QS_LOSSY,    "gossip" },
    { "net",    "netlink",  128,      0,   64,  QS_LOSSY,    NULL },
    { "gossvf", "gossip",   512,      0, QS_GOSSVF_MTU, QS_RELIABLE, NULL },
    { "gossip", "net",     2048,    512, 4096,  QS_RELIABLE, NULL },
    { "gossip", "sign",     256,      0, 1232,  QS_RELIABLE, NULL },
    { "sign",   "gossip",   256,      0,   64,  QS_RELIABLE, NULL },
    { 0 }
};

qs_topo_t const qs_topo_gossip = {
    .name    = "gossip",
    .help    = "joins a cluster and keeps up with who is in it",
    .picture = "      wire ~~~> net:i ---> gossip ===> sign ===> gossip      ---> lossy   ===> reliable\n"
               "                  |          |\n"
               "      wire <~~~ net:i <======+\n"
               "                  |\n"
               "                  +--> gossvf:k ===> gossip\n"
               "                  |\n"
               "                  +--> netlink\n",
    .tiles   = gossip_tiles,
    .links   = gossip_links,
};

static qs_tile_row_t const crowd_tiles[] = {
    { NULL, &qs_tile_crowd,    1, NULL,      QS_RESTART },
    { 0 }
};

static qs_link_row_t const crowd_links[] = {
    { 0 }
};

qs_topo_t const qs_topo_crowd = {
    .name    = "crowd",
    .help    = "plays a large cluster for one node that gossips",
    .picture = "      crowd <~~~> wire\n",
    .tiles   = crowd_tiles,
    .links   = crowd_links,
};
/* clang-format on */

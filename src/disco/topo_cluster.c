/* A cluster of one's own: nodes that make blocks, and nodes that follow. */

#include "disco/gossip/qs_gossvf.h"
#include "disco/qs_format.h"
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

static u32
verify_tiles(qs_config_t const *cfg)
{
    return cfg->verify.tiles;
}

static u32
shred_tiles(qs_config_t const *cfg)
{
    return cfg->shred.tiles;
}

static u32
metric_tiles(qs_config_t const *cfg)
{
    return cfg->metric.enabled;
}

/* clang-format off */
static qs_tile_row_t const leader_tiles[] = {
/*    name   tile              cnt  or from       on death     */
    { NULL, &qs_tile_net,       1, net_tiles,    QS_RESTART },
    { NULL, &qs_tile_netlink,   1, NULL,         QS_RESTART },
    { NULL, &qs_tile_sign,      1, NULL,         QS_STOP    },
    { NULL, &qs_tile_gossvf,    0, gossvf_tiles, QS_RESTART },
    { NULL, &qs_tile_gossip,    1, NULL,         QS_RESTART },
    { NULL, &qs_tile_verify,    1, verify_tiles, QS_RESTART },
    { NULL, &qs_tile_dedup,     1, NULL,         QS_RESTART },
    { NULL, &qs_tile_poh,       1, NULL,         QS_STOP    },
    { NULL, &qs_tile_shred,     1, NULL,         QS_RESTART },
    { NULL, &qs_tile_store,     1, NULL,         QS_RESTART },
    { NULL, &qs_tile_metric,    0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const leader_links[] = {
/*    from      to        depth  window   mtu             flow         ports    */
    { "net",    "gossip",  1024,      0,    0,            QS_LOSSY,    "gossip -gossvf" },
    { "net",    "gossvf",  1024,      0,    0,            QS_LOSSY,    "gossip" },
    { "net",    "verify",  4096,      0,    0,            QS_LOSSY,    "tpu"    },
    { "net",    "shred",   2048,      0,    0,            QS_LOSSY,    "tvu source" },
    { "net",    "netlink",  128,      0,   64,            QS_LOSSY,    NULL     },
    { "gossvf", "gossip",   512,      0, QS_GOSSVF_MTU,   QS_RELIABLE, NULL     },
    { "gossip", "net",     1024,    256, QS_SEND_MTU,     QS_RELIABLE, NULL     },
    { "gossip", "sign",     256,      0, 1232,            QS_RELIABLE, NULL     },
    { "gossip", "shred",     64,      0,   64,            QS_RELIABLE, NULL     },
    { "sign",   "gossip",   256,      0,   64,            QS_RELIABLE, NULL     },
    { "verify", "dedup",   1024,    256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL     },
    { "dedup",  "poh",     4096,    256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL     },
    { "poh",    "shred",    256,     32, 32768,           QS_RELIABLE, NULL     },
    { "shred",  "sign",     256,      0,   64,            QS_RELIABLE, NULL     },
    { "sign",   "shred",    256,      0,   64,            QS_RELIABLE, NULL     },
    { "shred",  "net",     2048,    512, QS_SEND_MTU,     QS_RELIABLE, NULL     },
    { "shred",  "store",    128,     64, 38656,           QS_RELIABLE, NULL     },
    { "store",  "poh",       64,      0, 128,             QS_RELIABLE, NULL     },
    { "store",  "shred",     64,      0, 128,             QS_RELIABLE, NULL     },
    { 0 }
};

qs_topo_t const qs_topo_leader = {
    .name    = "leader",
    .help    = "makes blocks of transactions when it leads, and follows otherwise",
    .picture =
        "      wire ~~~> net:i ---> verify:k ===> dedup ===> poh ===> shred:j ===> net:i ~~~> wire\n"
        "                net:i ---> shred:j <==> store ===> poh            ---> lossy\n"
        "                net:i ---> gossip ===> net:i                      ===> reliable\n"
        "                  |          |\n"
        "                  |          +==> shred:j <==> sign <==> gossip\n"
        "                  +--> gossvf:k ===> gossip\n"
        "                  +--> netlink     metric\n",
    .tiles   = leader_tiles,
    .links   = leader_links,
};

static qs_tile_row_t const follower_tiles[] = {
    { NULL, &qs_tile_net,       1, net_tiles,    QS_RESTART },
    { NULL, &qs_tile_netlink,   1, NULL,         QS_RESTART },
    { NULL, &qs_tile_sign,      1, NULL,         QS_STOP    },
    { NULL, &qs_tile_gossvf,    0, gossvf_tiles, QS_RESTART },
    { NULL, &qs_tile_gossip,    1, NULL,         QS_RESTART },
    { NULL, &qs_tile_shred,     1, shred_tiles,  QS_RESTART },
    { NULL, &qs_tile_store,     1, NULL,         QS_RESTART },
    { NULL, &qs_tile_metric,    0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const follower_links[] = {
    { "net",    "gossip",  1024,      0,    0,            QS_LOSSY,    "gossip -gossvf" },
    { "net",    "gossvf",  1024,      0,    0,            QS_LOSSY,    "gossip" },
    { "net",    "shred",   4096,      0,    0,            QS_LOSSY,    "tvu source" },
    { "net",    "netlink",  128,      0,   64,            QS_LOSSY,    NULL     },
    { "gossvf", "gossip",   512,      0, QS_GOSSVF_MTU,   QS_RELIABLE, NULL     },
    { "gossip", "net",     1024,    256, QS_SEND_MTU,     QS_RELIABLE, NULL     },
    { "gossip", "sign",     256,      0, 1232,            QS_RELIABLE, NULL     },
    { "gossip", "shred",     64,      0,   64,            QS_RELIABLE, NULL     },
    { "sign",   "gossip",   256,      0,   64,            QS_RELIABLE, NULL     },
    { "shred",  "sign",     256,      0,   64,            QS_RELIABLE, NULL     },
    { "sign",   "shred",    256,      0,   64,            QS_RELIABLE, NULL     },
    { "shred",  "net",     2048,    256, QS_SEND_MTU,     QS_RELIABLE, NULL     },
    { "shred",  "store",    128,     64, 38656,           QS_RELIABLE, NULL     },
    { "store",  "shred",     64,      0, 128,             QS_RELIABLE, NULL     },
    { 0 }
};

qs_topo_t const qs_topo_follower = {
    .name    = "follower",
    .help    = "joins a cluster, and verifies and keeps its blocks",
    .picture =
        "      wire ~~~> net:i ---> shred:j <==> store                     ---> lossy\n"
        "                  |          |                                     ===> reliable\n"
        "                  |          +==> net:i ~~~> wire\n"
        "                  |          +<=> sign <==> gossip\n"
        "                  +--> gossip ===> net:i\n"
        "                  |      +======> shred:j\n"
        "                  +--> gossvf:k ===> gossip\n"
        "                  +--> netlink     metric\n",
    .tiles   = follower_tiles,
    .links   = follower_links,
};
/* clang-format on */

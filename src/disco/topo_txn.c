/* The transaction front, and the lab's topology that feeds it.  This file is the only place where their
   edges are written. */

#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "disco/qs_topos.h"

static u32
net_tiles(qs_config_t const *cfg)
{
    return cfg->net.tiles;
}

static u32
verify_tiles(qs_config_t const *cfg)
{
    return cfg->verify.tiles;
}

static u32
metric_tiles(qs_config_t const *cfg)
{
    return cfg->metric.enabled;
}

/* clang-format off */
static qs_tile_row_t const front_tiles[] = {
/*    name   tile              cnt  or from       on death     */
    { NULL, &qs_tile_net,       1, net_tiles,    QS_RESTART },
    { NULL, &qs_tile_netlink,   1, NULL,         QS_RESTART },
    { NULL, &qs_tile_verify,    1, verify_tiles, QS_RESTART },
    { NULL, &qs_tile_dedup,     1, NULL,         QS_RESTART },
    { NULL, &qs_tile_txnsink,   1, NULL,         QS_RESTART },
    { NULL, &qs_tile_metric,    0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const front_links[] = {
/*    from      to        depth  window   mtu             flow         ports   */
    { "net",    "verify",  1024,      0, 0,               QS_LOSSY,    "tpu" },
    { "net",    "netlink",  128,      0, 64,              QS_LOSSY,    NULL  },
    { "verify", "dedup",   1024,    256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL  },
    { "dedup",  "txnsink", 1024,    256, QS_TXN_LINK_MTU, QS_RELIABLE, NULL  },
    { 0 }
};

qs_topo_t const qs_topo_front = {
    .name    = "front",
    .help    = "lets well-signed, first-seen transactions through and accounts for them",
    .picture = "      wire ~~~> net:i ---> verify:k ===> dedup ===> txnsink\n"
               "                    |                ---> lossy   ===> reliable\n"
               "                    +--> netlink     metric\n",
    .tiles   = front_tiles,
    .links   = front_links,
};

static qs_tile_row_t const txnload_tiles[] = {
    { NULL, &qs_tile_txnload,   1, NULL,         QS_RESTART },
    { NULL, &qs_tile_net,       1, NULL,         QS_RESTART },
    { NULL, &qs_tile_netlink,   1, NULL,         QS_RESTART },
    { 0 }
};

static qs_link_row_t const txnload_links[] = {
    { "txnload", "net",    1024,    128, QS_SEND_MTU,     QS_RELIABLE, NULL  },
    { "net",    "netlink",  128,      0, 64,              QS_LOSSY,    NULL  },
    { 0 }
};

qs_topo_t const qs_topo_txnload = {
    .name    = "txnload",
    .help    = "sends signed transactions at a steady rate",
    .picture = "      txnload ===> net ~~~> wire         ---> lossy   ===> reliable\n"
               "                   |\n"
               "                   +--> netlink\n",
    .tiles   = txnload_tiles,
    .links   = txnload_links,
};
/* clang-format on */

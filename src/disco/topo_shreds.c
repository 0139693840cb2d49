/* Topologies of an ingest node, as far as they go: shreds in, checked slots out; and one that is in the
   turbine tree. */

#include "disco/qs_tiles.h"
#include "disco/qs_topos.h"

static u32
net_tiles(qs_config_t const *cfg)
{
    return cfg->net.tiles;
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
static qs_tile_row_t const shreds_tiles[] = {
/*    name   tile             cnt  or from      on death     */
    { NULL, &qs_tile_net,      1, net_tiles,   QS_RESTART },
    { NULL, &qs_tile_shred,    1, shred_tiles, QS_RESTART },
    { NULL, &qs_tile_store,    1, NULL,        QS_RESTART },
    { NULL, &qs_tile_sink,     1, NULL,        QS_RESTART },
    { NULL, &qs_tile_metric,   0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const shreds_links[] = {
/*    from      to        depth  window   mtu   flow         ports                            */
    { "net",    "shred",   4096,   1024, 1472,  QS_LOSSY,    "tvu source" },
    { "net",    "sink",    4096,   1024, 1472,  QS_LOSSY,    "tpu gossip repair extra" },
    { "shred",  "store",     64,     64, 38656, QS_RELIABLE, NULL },
    { 0 }
};

qs_topo_t const qs_topo_shreds = {
    .name    = "shreds",
    .help    = "verifies shreds, and the slots they make",
    .picture = "      wire ~~~> net:i ---> shred:j ===> store\n"
               "                      \\-------------> sink      ---> lossy   ===> reliable\n"
               "      metric\n",
    .tiles   = shreds_tiles,
    .links   = shreds_links,
};

static qs_tile_row_t const relay_tiles[] = {
/*    name   tile             cnt  or from      on death     */
    { NULL, &qs_tile_net,      1, net_tiles,   QS_RESTART },
    { NULL, &qs_tile_netlink,  1, NULL,        QS_RESTART },
    { NULL, &qs_tile_sign,     1, NULL,        QS_STOP    },
    { NULL, &qs_tile_gossip,   1, NULL,        QS_RESTART },
    { NULL, &qs_tile_shred,    1, shred_tiles, QS_RESTART },
    { NULL, &qs_tile_sink,     1, NULL,        QS_RESTART },
    { NULL, &qs_tile_metric,   0, metric_tiles, QS_RESTART },
    { 0 }
};

static qs_link_row_t const relay_links[] = {
/*    from      to        depth  window   mtu   flow         ports        */
    { "net",    "gossip",  2048,      0,    0,  QS_LOSSY,    "gossip" },
    { "net",    "shred",   4096,   1024, 1472,  QS_LOSSY,    "tvu source" },
    { "net",    "netlink",  128,      0,   64,  QS_LOSSY,    NULL },
    { "gossip", "net",     2048,    512, 4096,  QS_RELIABLE, NULL },
    { "gossip", "sign",     256,      0, 1232,  QS_RELIABLE, NULL },
    { "sign",   "gossip",   256,      0,   64,  QS_RELIABLE, NULL },
    { "gossip", "shred",      2,      0,   64,  QS_RELIABLE, NULL },
    { "shred",  "net",     2048,    512, 4096,  QS_RELIABLE, NULL },
    { "shred",  "sign",     128,      0,   32,  QS_RELIABLE, NULL },
    { "sign",   "shred",    128,      0,   64,  QS_RELIABLE, NULL },
    { "shred",  "sink",      64,     64, 38656, QS_RELIABLE, NULL },
    { 0 }
};

qs_topo_t const qs_topo_relay = {
    .name    = "relay",
    .help    = "verifies shreds, sends them on along the turbine tree, accounts for the sets",
    .picture = "      wire ~~~> net:i ---> shred:j ===> sink        ---> lossy   ===> reliable\n"
               "                  |         |\n"
               "                  |         +=====> sign ===> gossip\n"
               "                  |         |\n"
               "                  +------> gossip ~~~> shred\n"
               "                  |\n"
               "                  +--> netlink     metric\n"
               "      wire <~~~ net:i <=== gossip\n"
               "                  ^======= shred\n",
    .tiles   = relay_tiles,
    .links   = relay_links,
};
/* clang-format on */

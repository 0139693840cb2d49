/* The topology of an ingest node, as far as it goes: shreds in, checked slots out. */

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

/* clang-format off */
static qs_tile_row_t const shreds_tiles[] = {
/*    name   tile             cnt  or from      on death     */
    { NULL, &qs_tile_net,      1, net_tiles,   QS_RESTART },
    { NULL, &qs_tile_shred,    1, shred_tiles, QS_RESTART },
    { NULL, &qs_tile_store,    1, NULL,        QS_RESTART },
    { NULL, &qs_tile_sink,     1, NULL,        QS_RESTART },
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
               "                      \\-------------> sink      ---> lossy   ===> reliable\n",
    .tiles   = shreds_tiles,
    .links   = shreds_links,
};
/* clang-format on */

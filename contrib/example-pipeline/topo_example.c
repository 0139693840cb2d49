/* The topology: which tiles there are, and who sends to whom. */

#include "disco/qs_format.h"
#include "disco/qs_tiles.h"
#include "example.h"

/* clang-format off */
static qs_tile_row_t const example_tiles[] = {
/*    name   tile           cnt  or from   on death     */
    { NULL, &qs_tile_net,    1,  NULL,     QS_RESTART },
    { NULL, &filter_tile,    1,  NULL,     QS_RESTART },
    { NULL, &counter_tile,   1,  NULL,     QS_RESTART },
    { 0 }
};

/* filter copies what it passes, so its out must take whatever its in may bring: one mtu for both. */
static qs_link_row_t const example_links[] = {
/*    from       to         depth  window  mtu         flow         ports    */
    { "net",    "filter",   1024,  0,      QS_UDP_MAX, QS_LOSSY,    "extra" },
    { "filter", "counter",  1024,  256,    QS_UDP_MAX, QS_RELIABLE, NULL    },
    { 0 }
};
/* clang-format on */

qs_topo_t const example_topo = {
    .name = "example",
    .help = "passes datagrams by their first byte and counts them by source",
    .picture = "      wire ~~~> net ---> filter ===> counter          ---> lossy   ===> reliable\n",
    .tiles = example_tiles,
    .links = example_links,
};

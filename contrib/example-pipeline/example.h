/* What this pipeline consists of: its tiles, and the topology that joins them. */

#ifndef EXAMPLE_H
#define EXAMPLE_H

#include "disco/qs_topo.h"

extern qs_tile_t const filter_tile, counter_tile;
extern qs_topo_t const example_topo;

#endif

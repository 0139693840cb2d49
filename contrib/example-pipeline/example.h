/* What this pipeline consists of: its options, its tiles, and the topology that joins them. */

#ifndef EXAMPLE_H
#define EXAMPLE_H

#include "disco/qs_topo.h"

/* example_options_t, made from the rows of options.def. */
#define QS_CONFIG_DEF  "options.def"
#define QS_CONFIG_TYPE example_options
#include "disco/qs_config_struct.def"

extern qs_tile_t const filter_tile, counter_tile;
extern qs_topo_t const example_topo;

#endif

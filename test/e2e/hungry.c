/* hungry - a pipeline of one tile whose memory two options of its own decide, without an upper limit
   that any machine could meet.  test_limits.sh boots it with both at their limits. */

#include "app/qs_main.h"
#include "disco/qs_stem.h"

#define QS_CONFIG_DEF  "e2e/hungry_options.def"
#define QS_CONFIG_TYPE hungry_options
#include "disco/qs_config_struct.def"

#include "disco/qs_config_rows.def"

static void *
hungry_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    hungry_options_t const *o = qs_config_own(ctx->cfg);

    qs_layout_take(l, 16ull * o->hungry.depth, QS_ALIGN);
    return qs_layout_take(l, o->hungry.bytes, QS_ALIGN);
}

extern qs_tile_t const tile_hungry;

static void
hungry_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_hungry, self, stem);
}

/* clang-format off */
qs_tile_t const tile_hungry = {
    .name = "hungry", .help = "takes memory", .layout = hungry_layout, .run = hungry_run,
};

static qs_tile_row_t const tiles[] = {
    { NULL, &tile_hungry, 1, NULL, QS_STOP },
    { 0 }
};

static qs_link_row_t const links[] = {{ 0 }};
/* clang-format on */

static qs_topo_t const topo = {.name = "hungry",
                               .help = "one tile",
                               .picture = "      hungry\n",
                               .tiles = tiles,
                               .links = links};

int
main(int argc, char **argv)
{
    static qs_topo_t const *const topos[] = {&topo, NULL};

    QS_ASSERT(qs_config_extend(&hungry_options_rows) == 0);
    return qs_main(argc, argv, topos);
}

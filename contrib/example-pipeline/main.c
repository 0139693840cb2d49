#include "app/qs_main.h"
#include "example.h"

#include "disco/qs_config_rows.def" /* example_options_rows */

int
main(int argc, char **argv)
{
    static qs_topo_t const *const topos[] = {&example_topo, NULL};

    QS_ASSERT(qs_config_extend(&example_options_rows) == 0);
    return qs_main(argc, argv, topos);
}

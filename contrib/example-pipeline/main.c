#include "app/qs_cmd.h"
#include "example.h"

int
main(int argc, char **argv)
{
    static qs_topo_t const *const topos[] = {&example_topo, NULL};

    return qs_main(argc, argv, topos);
}

#include "app/qs_cmd.h"

int
main(int argc, char **argv)
{
    return qs_main(argc, argv, qs_topos);
}

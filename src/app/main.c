#include "app/qs_main.h"
#include "disco/qs_topos.h"

int
main(int argc, char **argv)
{
    return qs_main(argc, argv, qs_topos);
}

#include "tango/base/qs_base.h"

int
main(void)
{
    puts("quickstep");
    return 0;
}

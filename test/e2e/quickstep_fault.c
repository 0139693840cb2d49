/* quickstep with faults in it (disco/qs_fault.h): quickstep_fault --fault NAME,... COMMAND...
   The tiles it starts are itself again, and find the names in the environment. */

#include <stdlib.h>

#include "app/qs_main.h"
#include "disco/qs_fault.h"
#include "disco/qs_topos.h"

#define VARIABLE "QS_FAULTS"

int
main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "--fault")) {
        setenv(VARIABLE, argv[2], 1);
        argv[2] = argv[0];
        argc -= 2;
        argv += 2;
    }
    char const *names = getenv(VARIABLE);
    if (names && qs_fault_set(names)) {
        fprintf(stderr, "quickstep_fault: no such fault: %s\n", names);
        return 2;
    }
    return qs_main(argc, argv, qs_topos);
}

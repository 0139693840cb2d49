/* qs_main - quickstep as a library: main() of a program with tiles and topologies of its own.

   Threads: the main one, and nothing of the library is called before or beside it, except
   qs_config_extend.  Blocks: until the subcommand is done.  Allocates: yes. */

#ifndef QS_APP_MAIN_H
#define QS_APP_MAIN_H

#include "disco/qs_topo.h"

/* qs_main is main: runs the subcommand that argv names and returns the program's exit code.  The
   program has all subcommands; dev and bench work only in a program that has qs_topos, or the
   benches beside it.  topos is ended by NULL; the first is what `run` runs.  Options of its own are
   added before (qs_config_extend). */
int qs_main(int argc, char **argv, qs_topo_t const *const *topos);

#endif

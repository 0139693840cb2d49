/* qs_cmd - the subcommands of quickstep.

   Each takes its own part of the command line, argv[0] being the name of the subcommand, and
   returns the exit code of the program (DESIGN, interfaces): 0 done, 1 failed, 2 usage or
   configuration, 3 the host lacks something, 4 the run's own check failed.

   Threads: the main one.  Blocks, Allocates: as they like. */

#ifndef QS_APP_CMD_H
#define QS_APP_CMD_H

#include "disco/qs_topos.h"

/* qs_main is main: a program with tiles and topologies of its own calls it with them, and has
   all subcommands; dev and bench work only in a program that has qs_topos, or the benches beside
   it.  topos is ended by NULL; the first is what `run` runs. */
int qs_main(int argc, char **argv, qs_topo_t const *const *topos);

int qs_cmd_run(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_dev(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_topo(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_metrics(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_monitor(int argc, char **argv, qs_topo_t const *const *topos);

/* config check FILE [--json]              say what is wrong with a file
   config show [--json] [--config FILE] [--set section.key=value]...
                                           the options as they would be used
   config default [--md]                   config/default.toml, or docs/config.md */
int qs_cmd_config(int argc, char **argv);

/* explain [--json] [ID]                   more about an error; without ID: the list of errors */
int qs_cmd_explain(int argc, char **argv);

#endif

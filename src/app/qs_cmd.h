/* qs_cmd - the subcommands of quickstep.

   Each takes its own part of the command line, argv[0] being the name of the subcommand, and
   returns the exit code of the program (DESIGN, interfaces): 0 done, 1 failed, 2 usage or
   configuration, 3 the host lacks something, 4 the run's own check failed.

   Threads: the main one.  Blocks, Allocates: as they like. */

#ifndef QS_APP_CMD_H
#define QS_APP_CMD_H

/* config check FILE [--json]              say what is wrong with a file
   config show [--json] [--config FILE] [--set section.key=value]...
                                           the options as they would be used
   config default [--md]                   config/default.toml, or docs/config.md */
int qs_cmd_config(int argc, char **argv);

/* explain [--json] [ID]                   more about an error; without ID: the list of errors */
int qs_cmd_explain(int argc, char **argv);

#endif

/* qs_help - the man page and the bash completion, made from the table of subcommands, the tables of
   their options, and the option table of the configuration.

   Threads: the main one.  Blocks: on the FILE written to.  Allocates: never. */

#ifndef QS_APP_HELP_H
#define QS_APP_HELP_H

#include <stdio.h>

#include "app/qs_args.h"
#include "disco/qs_topo.h"

/* One subcommand.  One whose usage is a table here does not print it itself. */
typedef struct qs_command {
    char const *name;
    char const *help; /* NULL: not for people */
    int (*run)(int argc, char **argv, qs_topo_t const *const *topos);
    char const *plain;     /* its plain arguments, if table */
    qs_arg_t const *table; /* NULL: run prints usage for --help */
} qs_command_t;

/* qs_help_usage prints the usage of one subcommand, or gives it to qs_args_divert's writer. */
int qs_help_usage(qs_command_t const *command, qs_topo_t const *const *topos);

/* qs_help_write_man writes contrib/man/quickstep.1, qs_help_write_bash writes
   contrib/completion/quickstep.bash.  commands are ended by name NULL. */
void qs_help_write_man(FILE *out, qs_command_t const *commands, qs_topo_t const *const *topos,
                       char const *version);
void qs_help_write_bash(FILE *out, qs_command_t const *commands, qs_topo_t const *const *topos);

#endif

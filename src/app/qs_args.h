/* qs_args - the command line of a subcommand: a table of its options, and those all share.

   Threads: the main one.  Blocks: load reads the file.  Allocates: never. */

#ifndef QS_APP_ARGS_H
#define QS_APP_ARGS_H

#include "disco/qs_config.h"

#define QS_ARGS_SET_MAX 64u

typedef enum qs_arg_kind {
    QS_ARG_FLAG = 1,
    QS_ARG_STR,
    QS_ARG_U64,
    QS_ARG_REAL,
    QS_ARG_WORD, /* a plain argument with a meaning: for usage only, out is NULL */
} qs_arg_kind_t;

/* One option of a subcommand.  out is a bool, char const *, u64 or double. */
typedef struct qs_arg {
    char const *name;  /* "--seconds" */
    char const *value; /* what its value is called in usage, NULL for a flag */
    char const *help;
    qs_arg_kind_t kind; /* 0 ends a table */
    void *out;
} qs_arg_t;

/* What every subcommand that boots or shows a topology accepts. */
typedef struct qs_args {
    char const *file;
    char const *set[QS_ARGS_SET_MAX];
    u32 set_cnt;
    char **rest; /* plain arguments */
    int rest_cnt;
} qs_args_t;

/* qs_args_parse reads argv by the table, and --config and --set.  argv[0] is the subcommand's
   name; plain arguments move to the front of argv and are args->rest; all after "--" are
   plain.  Returns 0, or 2 after one line on stderr that names what cannot be used. */
int qs_args_parse(qs_args_t *args, qs_arg_t const *table, int argc, char **argv);

/* qs_args_usage prints the subcommand's options and those all share; qs_args_usage_own only its
   own, for a subcommand that takes no configuration. */
void qs_args_usage(char const *command, char const *plain, qs_arg_t const *table);
void qs_args_usage_own(char const *command, char const *plain, qs_arg_t const *table);

/* qs_args_divert gives what usage would print to a writer instead, until it is called with null:
   this is how the man page and the completion come from the same tables.  shared is null after
   usage_own. */
typedef void (*qs_args_writer_t)(void *ctx, char const *command, char const *plain,
                                 qs_arg_t const *table, qs_arg_t const *shared);
void qs_args_divert(qs_args_writer_t writer, void *ctx);

/* qs_args_load fills cfg from the sources that args names and the environment.  Returns 0, or 2
   after the errors are on stderr. */
int qs_args_load(qs_args_t const *args, qs_config_t *cfg);

#endif

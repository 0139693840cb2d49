/* qs_configure_kind - how each kind of thing on the host is looked at, changed and put back.

   The state of a thing is a text that compares equal if and only if the thing is the same:

       write raise pool    the file's first line
       mkdir               "" or "dir <device>:<inode>"
       mount               "" or "<type> <options>" of the topmost mount
       own                 "uid:gid:mode"
       offload             "on" or "off"; rss: "default", "equal <n>" or "other <sum>"
       queues              how many
       steer               "none" or "queue <n> place <n>"

   Threads: any.  Blocks: in the kernel.  Allocates: stdio buffers. */

#ifndef QS_APP_CONFIGURE_KIND_H
#define QS_APP_CONFIGURE_KIND_H

#include "app/qs_configure.h"

#define QS_CONFIGURE_RUN_MAX 512u

typedef struct qs_configure_kind_row {
    char const *name; /* in the journal: never changed */

    /* look writes the state.  Returns 0 or -errno. */
    int (*look)(qs_configure_t const *c, char const *path, char state[QS_JOURNAL_VALUE_MAX]);

    /* fits says whether a state is what want asks for. */
    bool (*fits)(char const *state, char const *want);

    /* ours says whether state can be what an act came to that was cut off before it was read
       back. */
    bool (*ours)(char const *was, char const *want, char const *state);

    /* act and restore return 0 or -errno; -ENOTEMPTY: files of others are in it. */
    int (*act)(qs_configure_t const *c, char const *path, char const *want);
    int (*restore)(qs_configure_t const *c, char const *path, char const *was);

    /* the shell commands they equal */
    void (*act_shell)(char *out, u64 out_sz, char const *path, char const *want);
    void (*restore_shell)(char *out, u64 out_sz, char const *path, char const *was);
} qs_configure_kind_row_t;

extern qs_configure_kind_row_t const qs_configure_kinds[QS_CONFIGURE_KIND_CNT];

/* What qs_configure_ethtool.c does with its three kinds, as the row's members do. */
int qs_configure_look_ethtool(qs_configure_t const *c, char const *path,
                              char state[QS_JOURNAL_VALUE_MAX]);
int qs_configure_set_ethtool(qs_configure_t const *c, char const *path, char const *want);
void qs_configure_shell_ethtool(char *out, u64 out_sz, char const *path, char const *want);

/* qs_configure_write writes a line to a file of the host.  Returns 0 or -errno. */
int qs_configure_write(qs_configure_t const *c, char const *path, char const *text);

#endif

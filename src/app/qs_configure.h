/* qs_configure - sets up what this host should have for a topology, and takes it back to the byte.

   A stage lists actions: one thing of the host each, and the state it should be in.  check looks at
   each.  init looks, and for a thing that is not as it should be

       1  writes to the journal what it is and what it will be   (qs_journal.h: on the disk)
       2  acts, as the shell command that it shows would
       3  reads back, and writes what it became to the journal

   undo walks the journal backwards.  What is still as we left it gets its old state back; what
   others changed since, or holds files of others, is left alone and named; what a reboot has
   taken back by itself is crossed out.  A crash between any two steps is seen in the journal:
   then the thing itself tells whether the act took place.

   init and undo stop at the first thing they cannot do; undo then still knows all that was done.

   Threads: one per handle.  Blocks: on the journal's lock and disk, and in the kernel while it
   gathers huge pages.  Allocates: stdio buffers, and the journal.  Needs: root, except check. */

#ifndef QS_APP_CONFIGURE_H
#define QS_APP_CONFIGURE_H

#include "app/qs_errors.h"
#include "app/qs_journal.h"
#include "disco/qs_topo.h"

#define QS_CONFIGURE_IFNAME_MAX 16u
#define QS_CONFIGURE_ACTION_MAX 96u /* a pool per tile, and a path per page size */

typedef enum qs_configure_kind {
    QS_CONFIGURE_WRITE,   /* a file of /proc/sys: exactly want */
    QS_CONFIGURE_RAISE,   /* a file of /proc/sys: the number want, or more */
    QS_CONFIGURE_POOL,    /* nr_hugepages: likewise, but the kernel may give fewer */
    QS_CONFIGURE_MKDIR,   /* want: its mode */
    QS_CONFIGURE_MOUNT,   /* hugetlbfs; want: its options, pagesize=2M first */
    QS_CONFIGURE_OWN,     /* want: "uid:gid:mode" */
    QS_CONFIGURE_OFFLOAD, /* a feature of a network device: on or off */
    QS_CONFIGURE_QUEUES,  /* its receive queues: want, or more */
    QS_CONFIGURE_STEER,   /* its rule for a UDP port: want is "queue 0" */
    QS_CONFIGURE_KIND_CNT
} qs_configure_kind_t;

typedef struct qs_configure_action {
    qs_configure_kind_t kind;
    bool optional; /* not every kernel has it */
    bool wish;     /* the driver may refuse it, which is no error; nor does check miss it */
    char path[QS_JOURNAL_PATH_MAX];
    char want[QS_JOURNAL_VALUE_MAX];
    char why[128]; /* may be empty */
} qs_configure_action_t;

typedef struct qs_configure_list {
    u32 cnt;
    qs_configure_action_t action[QS_CONFIGURE_ACTION_MAX];
} qs_configure_list_t;

/* The host.  Tests bring one of their own: a directory, and functions for what a directory cannot
   do; null is the real thing, and so is the empty root. */
typedef struct qs_configure_host {
    char const *root; /* stands before every path */
    int (*write)(void *ctx, char const *path, char const *text);
    int (*mount)(void *ctx, char const *path, char const *options);
    int (*umount)(void *ctx, char const *path);
    void (*step)(void *ctx); /* after each step that a crash could follow */
    void *ctx;
} qs_configure_host_t;

typedef enum qs_configure_outcome {
    QS_CONFIGURE_OK,       /* as it should be */
    QS_CONFIGURE_ABSENT,   /* optional, and not there */
    QS_CONFIGURE_MISSING,  /* check: not as it should be */
    QS_CONFIGURE_WOULD,    /* dry run */
    QS_CONFIGURE_RUN,      /* about to; another report follows, unless an error does */
    QS_CONFIGURE_DONE,     /* init */
    QS_CONFIGURE_SHORT,    /* fewer pages than asked */
    QS_CONFIGURE_RESTORED, /* undo; so are the others */
    QS_CONFIGURE_SAME,     /* it was as before already */
    QS_CONFIGURE_GONE,     /* with a reboot */
    QS_CONFIGURE_LEFT,     /* others changed or use it */
    QS_CONFIGURE_OUTCOME_CNT
} qs_configure_outcome_t;

typedef struct qs_configure_report {
    qs_configure_outcome_t outcome;
    char const *stage, *kind, *path;
    char const *now;  /* before anything was done */
    char const *want; /* undo: what it was before init */
    char const *run;  /* the shell command, or "" */
    char const *note; /* why, or "" */
} qs_configure_report_t;

typedef struct qs_configure {
    qs_configure_host_t host;
    qs_config_t const *cfg;
    qs_plan_t const *plan; /* its tiles placed (qs_cpus.h) */
    u32 node_cnt;          /* NUMA nodes; with fewer than 2, memory is bound to none */
    u32 uid, gid;          /* who shall use the mounts */
    bool dry_run;
    void (*say)(void *ctx, qs_configure_report_t const *r);
    void *say_ctx;
    qs_error_list_t *errors;

    /* the engine's own */
    qs_journal_t *journal;
    bool would[QS_JOURNAL_ENTRY_MAX]; /* dry run: entries that would be put back */
} qs_configure_t;

typedef struct qs_configure_stage {
    char const *name;
    char const *help;
    /* list appends the stage's actions in the order they are taken.  Returns 0, or an exit code
       with an error added. */
    int (*list)(qs_configure_t const *c, qs_configure_list_t *out);
} qs_configure_stage_t;

#define QS_CONFIGURE_STAGE_CNT 5u
extern qs_configure_stage_t const qs_configure_stages[QS_CONFIGURE_STAGE_CNT];

/* qs_configure_{check,init,undo} go through the stages whose bits are set in mask.  Return the exit
   code: 0; 1 if something is in use and cannot be undone now; 3 if something is missing (check),
   or could not be read or done; whatever is not 0 has an error. */
int qs_configure_check(qs_configure_t *c, u32 mask);
int qs_configure_init(qs_configure_t *c, u32 mask);
int qs_configure_undo(qs_configure_t *c, u32 mask);

/* For stages.  qs_configure_read reads the first line of a file of the host, tabs as spaces.
   Returns its length, or -errno (-EOVERFLOW: longer than out).  qs_configure_path puts the root
   before a path and returns out, cut off at sz. */
int qs_configure_read(qs_configure_t const *c, char const *path, char *out, u64 out_sz);
char *qs_configure_path(qs_configure_t const *c, char const *path, char *out, u64 out_sz);

/* qs_configure_read_u64 reads a number; 0 if there is none. */
u64 qs_configure_read_u64(qs_configure_t const *c, char const *path);

/* qs_configure_add appends an action and returns it, its want and why to be filled, or null if the
   path is too long or the list full. */
qs_configure_action_t *qs_configure_add(qs_configure_list_t *list, qs_configure_kind_t kind,
                                        char const *path);

int qs_configure_list_hugetlbfs(qs_configure_t const *c, qs_configure_list_t *out);
int qs_configure_list_sysctl(qs_configure_t const *c, qs_configure_list_t *out);
int qs_configure_list_ethtool(qs_configure_t const *c, qs_configure_list_t *out);
int qs_configure_list_sysfs(qs_configure_t const *c, qs_configure_list_t *out);
int qs_configure_list_irq(qs_configure_t const *c, qs_configure_list_t *out);

/* qs_configure_iface writes the interface that net tiles will be on (net.iface, or the one with the
   default route) and returns name, or "" if there is none. */
char const *qs_configure_iface(qs_configure_t const *c, char name[QS_CONFIGURE_IFNAME_MAX]);

#endif

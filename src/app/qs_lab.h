/* qs_lab - a small network on one machine: N nodes that can reach each other over IPv4.

       2 nodes:   node 0 [qs0]===veth===[qs0] node 1          otherwise, through a bridge
                                                               in a namespace of its own:
       node i:    10.77.0.(1+i)/24, MAC 02:71:73:00:00:(1+i)
                                                               node 0 [qs0]==+
       loopback:  every node in the caller's namespace,        node 1 [qs0]==+==[ switch ]
                  127.77.0.(1+i) on lo                         node 2 [qs0]==+

   The namespaces have no names and no files: only the descriptors in the lab, and processes
   that entered, keep them alive.  When the last of these is gone, by close or by kill -9,
   the kernel removes namespaces, links and addresses.  Everything is made inside the new
   namespaces by one short-lived child; the caller's own namespaces, privileges and threads
   stay as they are on every level, and no link ever appears in its network namespace.

       level      needs                        a node's process is          AF_XDP
       ROOT       CAP_SYS_ADMIN                what it was                  yes
       USER       user namespaces allowed      root (uid 0) of the lab's    no: sockets only
                                               user namespace only
       LOOPBACK   nothing                      what it was                  no: sockets only

   Threads: one owner; qs_lab_addr, _ifname, _enter only read.  Blocks: open, until all links
   have carrier (some ms, at most 5 s).  Allocates: descriptors only.  Needs: /proc. */

#ifndef QS_APP_LAB_H
#define QS_APP_LAB_H

#include "tango/base/qs_base.h"

#define QS_LAB_NODE_MAX 16u
#define QS_LAB_WHY_MAX  192u

typedef enum qs_lab_level {
    QS_LAB_ROOT,
    QS_LAB_USER,
    QS_LAB_LOOPBACK,
    QS_LAB_LEVEL_CNT
} qs_lab_level_t;

typedef struct qs_lab {
    qs_lab_level_t level; /* the one that was got */
    u32 node_cnt;
    u32 queue_cnt;                /* of each link */
    int node_fd[QS_LAB_NODE_MAX]; /* network namespaces; -1 on LOOPBACK; all close-on-exec */
    int switch_fd;                /* the bridge's network namespace, or -1 */
    int user_fd;                  /* the user namespace, or -1 */
    char why[QS_LAB_LEVEL_CNT][QS_LAB_WHY_MAX]; /* why a level was not had; "": not refused */
} qs_lab_t;

/* qs_lab_open builds the best level that can be had, want being the best one to try.
   Afterwards lab->level tells which it is, and lab->why[l] why a better level l was refused.
   One child is forked per attempt and reaped before the return.
   Returns 0, -EINVAL (nodes not in 1..16, no such level) or the -errno of the last level. */
int qs_lab_open(qs_lab_t *lab, u32 nodes, qs_lab_level_t want);

/* qs_lab_open_queues is that with so many queues on each link, 1 to 64. */
int qs_lab_open_queues(qs_lab_t *lab, u32 nodes, qs_lab_level_t want, u32 queues);

/* qs_lab_close closes the lab's descriptors.  Nodes live on while a process is in them. */
void qs_lab_close(qs_lab_t *lab);

/* qs_lab_enter moves the calling process, a fresh single-threaded child, into a node.  On
   USER it becomes root of the lab's user namespace first.  On LOOPBACK nothing happens.
   May be called again for another node.  Returns 0, -EINVAL (no such node; a second thread
   on USER), -EPERM or another -errno of setns. */
int qs_lab_enter(qs_lab_t const *lab, u32 node);

/* qs_lab_addr returns a node's IPv4 address in network order; node < node_cnt. */
u32 qs_lab_addr(qs_lab_t const *lab, u32 node);

/* qs_lab_ifname returns the name a node's interface has in its namespace: "qs0" or "lo". */
char const *qs_lab_ifname(qs_lab_t const *lab);

/* qs_lab_level_name returns "root", "user" or "loopback". */
char const *qs_lab_level_name(qs_lab_level_t level);

/* qs_lab_exec becomes the command argv (argv[0] by PATH) in the user and network namespaces of
   process pid; argv ends with NULL.  Does not return when it works.  Otherwise it has printed
   one line on stderr with the cause and the next step, and returns -ESRCH (no such process),
   -EINVAL (no command), -EACCES or -EPERM (not ours to enter), -ENOENT (no such command) or
   another -errno; the caller may be in those namespaces already and should exit. */
int qs_lab_exec(int pid, char **argv);

#endif

/* qs_dev_node - the nodes of a lab: each a process that supervises its own group of tiles, as `run` does,
   in a network namespace of the lab's.

   Threads: one.  Blocks: start until the node's tiles run, stop until they have ended.
   Allocates: what attaching to a node takes. */

#ifndef QS_APP_DEV_NODE_H
#define QS_APP_DEV_NODE_H

#include <sys/types.h>

#include "app/qs_lab.h"
#include "disco/qs_attach.h"
#include "disco/qs_cpus.h"
#include "tango/base/qs_log.h"

/* What the lab says of itself, why it cannot go on, and how the run goes. */
extern qs_log_site_t qs_dev_says, qs_dev_fails, qs_dev_progress;

typedef struct qs_dev_node {
    pid_t pid;
    char instance[QS_INSTANCE_NAME_MAX + 1];
    qs_config_t cfg;
    qs_topo_t const *topo;
    qs_attach_t attach;
    bool attached;
} qs_dev_node_t;

/* What all nodes of a lab have in common; the nodes are the caller's. */
typedef struct qs_dev_nodes {
    qs_lab_t *lab;
    qs_dev_node_t *node;
    u32 cnt;
    qs_clock_t const *clock;
    qs_topo_t const *const *topos;
    qs_cpus_t const *cpus; /* looked at once, for all */
    int signal_fd;
    bool threads; /* each node's tiles in one process */
} qs_dev_nodes_t;

/* qs_dev_open makes the network: the best level that can be had, from the one called level (NULL: root)
   down; interfaces have that many queues.  Returns 0 or the exit code, after saying why. */
int qs_dev_open(qs_lab_t *lab, u32 nodes, char const *level, u32 queues);

/* qs_dev_base fills in what the configuration of every node of a lab says. */
void qs_dev_base(qs_dev_nodes_t const *all, u32 node, qs_config_t const *cfg);

/* qs_dev_start returns 0 once the node's tiles run and it is attached to, or the exit code. */
int qs_dev_start(qs_dev_nodes_t const *all, u32 node);

/* qs_dev_stop ends one node, and returns 0, or 1 if it did not end well. */
int qs_dev_stop(qs_dev_nodes_t const *all, u32 node);

/* qs_dev_end ends all nodes that run, and returns code, or 1 if that is 0 and one did not end well.  Where it
   returns 0 nobody has anything to look for in the nodes' memory, and it is removed; else it stays until
   the next start. */
int qs_dev_end(qs_dev_nodes_t const *all, int code);

/* qs_dev_gone returns the number of a node that ended by itself, and its exit code, or -1. */
int qs_dev_gone(qs_dev_nodes_t const *all, int *code);

/* qs_dev_provider_json and _text write how a node's net tiles receive; they are all on one rung. */
void qs_dev_provider_json(qs_attach_t const *node);
char const *qs_dev_provider_text(qs_attach_t const *node);

/* qs_dev_addr writes a node's address. */
void qs_dev_addr(qs_lab_t const *lab, u32 node, char out[16]);

#endif

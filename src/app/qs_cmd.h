/* qs_cmd - the subcommands of quickstep.

   Each takes its own part of the command line, argv[0] being the name of the subcommand, and
   returns the exit code of the program (DESIGN, interfaces): 0 done, 1 failed, 2 usage or
   configuration, 3 the host lacks something, 4 the run's own check failed.

   Threads: the main one.  Blocks, Allocates: as they like. */

#ifndef QS_APP_CMD_H
#define QS_APP_CMD_H

#include "app/qs_main.h"
#include "disco/qs_topos.h"

int qs_cmd_run(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_dev(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_topo(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_metrics(int argc, char **argv, qs_topo_t const *const *topos);
/* errors                                  what an instance has warned of, each kind once */
int qs_cmd_errors(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_monitor(int argc, char **argv, qs_topo_t const *const *topos);

/* configure check|init|undo [STAGE..]      set the host up, and take it back (qs_configure.h) */
int qs_cmd_configure(int argc, char **argv, qs_topo_t const *const *topos);

/* doctor [IFACE]                          what is wrong with this host, and what to do about it */
int qs_cmd_doctor(int argc, char **argv, qs_topo_t const *const *topos);

/* mem                                     what workspaces and links take: of a plan, or running
   ready                                   wait until all tiles of an instance run
   ps                                      the instances of this host */
int qs_cmd_mem(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_ready(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_ps(int argc, char **argv, qs_topo_t const *const *topos);

/* xdp show [IFACE] | detach IFACE         XDP programs on the interfaces of this namespace
   xdp audit [--instance NAME]            where the frames of an instance are */
int qs_cmd_xdp(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_xdp_audit(char const *instance, bool json, qs_topo_t const *const *topos);

/* pktgen --to ADDRESS [OPTION]...         traffic at a rate, through an XSK or sockets */
int qs_cmd_pktgen(int argc, char **argv, qs_topo_t const *const *topos);

/* gossip peers | spy                      who is in the cluster, as a running node or a passer-by sees */
int qs_cmd_gossip(int argc, char **argv, qs_topo_t const *const *topos);

/* keys new FILE | pubkey FILE             a node's key pair; the secret is never printed */
int qs_cmd_fetch_schedule(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_keys(int argc, char **argv, qs_topo_t const *const *topos);

/* txn decode|verify|send                  transactions for people
   tap LINK                                what passes on a link of a running instance, read-only */
int qs_cmd_txn(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_tap(int argc, char **argv, qs_topo_t const *const *topos);

/* feed                                    the blocks that a running node verified, record by record */
int qs_cmd_feed(int argc, char **argv, qs_topo_t const *const *topos);
/* slots                                   the slots that a store has on disk, running or not
   block SLOT                              entries and transactions of one of them */
int qs_cmd_slots(int argc, char **argv, qs_topo_t const *const *topos);
int qs_cmd_block(int argc, char **argv, qs_topo_t const *const *topos);

/* qs_cmd_topo_find returns the topology of that name, or NULL after a line on stderr that lists
   those there are. */
qs_topo_t const *qs_cmd_topo_find(qs_topo_t const *const *topos, char const *name);

/* config check FILE [--json]              say what is wrong with a file
   config show [--json] [--config FILE] [--set section.key=value]...
                                           the options as they would be used
   config default [--md]                   config/default.toml, or docs/config.md */
int qs_cmd_config(int argc, char **argv);

/* explain [--json] [ID]                   more about an error; without ID: the list of errors */
int qs_cmd_explain(int argc, char **argv);

#endif

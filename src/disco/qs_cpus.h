/* qs_cpus - which cpu each tile runs on.

   Two steps that know nothing of each other:

       hwloc, affinity, /sys --look--> qs_cpus_t --place--> plan->tile[].{cpu,core,node,place,park}

   "auto" puts the usable cpus (online, in the affinity we inherited, not in layout.exclude) into
   one order, and the tiles take them in the order of the topology, so a tile in an earlier row
   never sits worse than one in a later row:

     1  one cpu of each core       a tile with a busy SMT sibling has half a core ...
     2    the NIC's node first     ... which costs more than another node does
     3    by place in the machine, except that the core of the lowest cpu goes last of its node:
                                   when there is one to spare, it is left to kernel and supervisor
     4  then the second cpus       each node's backwards: whoever came last shares its core first

   With fewer cpus than tiles every tile parks when idle, and the tiles take turns round the
   cpus.  Groups that share a machine, as the nodes of the lab do, stand in one line: each has
   its own part of the order, even when cpus are few.  A node's rings then stay in one cache and
   only the wire crosses: with each of the lab's two nodes on a cpu of its own, `quickstep dev` on
   a busy machine lost nothing in 15 runs; both other ways to put its 4 tiles on 2 cpus lost
   datagrams, in 11 of 18 runs.

   An explicit list is taken exactly as it stands, round and round if it is short; what it names
   must be online and in the inherited affinity.

   Threads: any.  Blocks: look reads /sys.  Allocates: look, inside hwloc; nothing stays.
   Needs: nothing; where hwloc sees nothing, the affinity mask is all that is known. */

#ifndef QS_DISCO_CPUS_H
#define QS_DISCO_CPUS_H

#include "disco/qs_topo.h"

#define QS_CPU_MAX 4096u

typedef struct qs_cpu {
    u16 os;            /* the kernel's number */
    u16 core;          /* the same for SMT siblings, and only for them */
    i16 package, node; /* -1: unknown */
    bool online;
    bool allowed; /* by the affinity we inherited */
} qs_cpu_t;

/* The machine.  What is near in it is near in the array; offline cpus stand at the end. */
typedef struct qs_cpus {
    u32 cnt;
    u32 node_cnt;
    i32 nic_node; /* -1: unknown, or there is no NIC */
    qs_cpu_t cpu[QS_CPU_MAX];
} qs_cpus_t;

/* What a cpu is to us. */
typedef enum qs_cpu_use {
    QS_CPU_USABLE,
    QS_CPU_OFFLINE,
    QS_CPU_FOREIGN,  /* outside the inherited affinity */
    QS_CPU_EXCLUDED, /* by layout.exclude, from auto */
} qs_cpu_use_t;

/* Bits of plan->tile[].place: why the tile is where it is.  Other tiles: those of the plan. */
#define QS_PLACE_LISTED  1u /* layout.affinity names its cpu */
#define QS_PLACE_NIC     2u /* the NIC's node */
#define QS_PLACE_SIBLING 4u /* another tile has another cpu of its core */
#define QS_PLACE_SHARED  8u /* another tile has its cpu too */

/* qs_cpus_look describes this machine.  iface: whose node to look up; NULL or empty: none.
   cnt is 0 if neither hwloc nor the kernel says anything. */
void qs_cpus_look(qs_cpus_t *cpus, char const *iface);

/* qs_cpus_synthetic describes the machine that hwloc makes of text ("pack:2 core:8 pu:2"), with
   all cpus online and allowed and no NIC.  Returns 0, or -EINVAL. */
int qs_cpus_synthetic(qs_cpus_t *cpus, char const *text);

/* qs_cpus_use says whether a tile may be put on a cpu, and if not, why. */
qs_cpu_use_t qs_cpus_use(qs_cpu_t const *cpu, qs_config_layout_t const *layout);

/* qs_cpus_place decides cpu, core, node, place and park of each tile of plan.  Where several
   groups share the machine, `others` is the number of tiles in the others, and `first` of those
   stand before ours.  Tiles float (cpu -1) if nothing is known.  Writes one line into said: where
   the tiles are.  Returns 0, or -EINVAL if the configuration cannot be met; said then names the
   option and what is impossible about it. */
int qs_cpus_place(qs_plan_t *plan, qs_cpus_t const *cpus, qs_config_layout_t const *layout,
                  u32 first, u32 others, char *said, u64 said_sz);

/* qs_cpus_why writes a tile's place in words ("NIC's node, a core of its own"); returns buf. */
char const *qs_cpus_why(qs_plan_tile_t const *tile, char *buf, u64 buf_sz);

/* qs_cpus_list writes numbers below QS_CPU_MAX, in any order, as "0-3,5"; "-" if there are none;
   what does not fit ends in "...".  Returns buf.  Needs: buf_sz >= 16. */
char *qs_cpus_list(u16 const *number, u32 cnt, char *buf, u64 buf_sz);

/* qs_cpus_bind lets the calling thread run on that cpu only.  Returns 0 or -errno. */
int qs_cpus_bind(u32 cpu);

/* What `quickstep topo NAME --cpu` prints: the machine with the tiles on it, and why there. */
void qs_cpus_write_text(FILE *f, qs_cpus_t const *cpus, qs_config_layout_t const *layout,
                        qs_plan_t const *plan);

/* The same as one JSON object. */
void qs_cpus_write_json(FILE *f, qs_cpus_t const *cpus, qs_config_layout_t const *layout,
                        qs_plan_t const *plan);

/* qs_cpus_write_tile_json writes the members of an object that say what a tile is called and
   where it is: name, cpu, core, node, idle, why. */
void qs_cpus_write_tile_json(FILE *f, qs_plan_t const *plan, u32 tile);

#endif

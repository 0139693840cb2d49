/* What hwloc, the kernel's affinity and /sys say of the machine, as a qs_cpus_t. */

#include <dirent.h>
#include <hwloc.h>
#include <sched.h>

#include "disco/qs_cpus.h"

/* cpu_set_t ends at 1024 cpus; the kernel does not. */
typedef struct mask {
    cpu_set_t part[QS_CPU_MAX / CPU_SETSIZE];
} mask_t;

_Static_assert(sizeof(mask_t) * 8 == QS_CPU_MAX, "one bit per cpu");

static qs_cpu_t *
find_cpu(qs_cpus_t *cpus, u32 os)
{
    for (u32 i = 0; i < cpus->cnt; i++)
        if (cpus->cpu[i].os == os)
            return &cpus->cpu[i];
    return NULL;
}

static qs_cpu_t *
add_cpu(qs_cpus_t *cpus, u32 os, u32 core)
{
    if (os >= QS_CPU_MAX || core >= QS_CPU_MAX || cpus->cnt == QS_CPU_MAX)
        return NULL;
    qs_cpu_t *c = &cpus->cpu[cpus->cnt++];
    *c = (qs_cpu_t){.os = (u16)os, .core = (u16)core, .package = -1, .node = -1};
    return c;
}

/* nodes_are_hidden says whether /sys/devices/system/node is there and empty, as in containers that
   mount something over it: hwloc 2.9 asserts that it is not. */
static bool
nodes_are_hidden(void)
{
    DIR *dir = opendir("/sys/devices/system/node");
    bool hidden = dir != NULL;

    for (struct dirent *e; hidden && (e = readdir(dir));)
        hidden = strncmp(e->d_name, "node", 4) != 0;
    if (dir)
        closedir(dir);
    return hidden;
}

/* load_topology returns what hwloc knows of text, or of this machine if that is NULL; or NULL.
   Only what is asked for here is looked up: caches and the rest took most of the time.  Groups are
   what a node hangs on that is no whole package (AMD's NPS, Intel's SNC, all of "node:2 core:2"):
   without them hwloc hangs it on the parent, and all cpus of that seem to be its own. */
static hwloc_topology_t
load_topology(char const *text)
{
    hwloc_topology_t t;

    if ((!text && nodes_are_hidden()) || hwloc_topology_init(&t))
        return NULL;
    if (hwloc_topology_set_all_types_filter(t, HWLOC_TYPE_FILTER_KEEP_NONE) ||
        hwloc_topology_set_type_filter(t, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL) ||
        hwloc_topology_set_type_filter(t, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL) ||
        hwloc_topology_set_type_filter(t, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE) ||
        hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
                                        HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING) ||
        (text && hwloc_topology_set_synthetic(t, text)) || hwloc_topology_load(t)) {
        hwloc_topology_destroy(t);
        return NULL;
    }
    return t;
}

/* add_online adds the cpus that hwloc made objects of. */
static void
add_online(qs_cpus_t *cpus, hwloc_topology_t t)
{
    int cores = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_CORE);
    u32 next_core = cores > 0 ? (u32)cores : 0;

    for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_PU, pu));) {
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_CORE, pu);
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_PACKAGE, pu);
        qs_cpu_t *c = add_cpu(cpus, pu->os_index, core ? core->logical_index : next_core++);
        if (!c)
            continue;
        c->package = package ? (i16)package->logical_index : -1;
        c->online = c->allowed = true;
    }
    for (hwloc_obj_t n = NULL; (n = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_NUMANODE, n));) {
        cpus->node_cnt++;
        for (u32 i = 0; i < cpus->cnt; i++)
            if (cpus->cpu[i].node < 0 && hwloc_bitmap_isset(n->cpuset, cpus->cpu[i].os))
                cpus->cpu[i].node = (i16)n->os_index;
    }
}

static u32
unused_core(qs_cpus_t const *cpus)
{
    u32 next = 0;

    for (u32 i = 0; i < cpus->cnt; i++)
        next = cpus->cpu[i].core >= next ? cpus->cpu[i].core + 1u : next;
    return next;
}

static void
add_offline(qs_cpus_t *cpus, hwloc_topology_t t)
{
    hwloc_const_bitmap_t all = hwloc_topology_get_complete_cpuset(t);
    u32 next_core = unused_core(cpus);

    for (u32 os = 0; os < QS_CPU_MAX; os++)
        if (hwloc_bitmap_isset(all, os) && !find_cpu(cpus, os))
            add_cpu(cpus, os, next_core++);
}

/* take_affinity marks what we inherited, and adds cpus that only the kernel's mask shows. */
static void
take_affinity(qs_cpus_t *cpus)
{
    mask_t mask = {0};

    if (sched_getaffinity(0, sizeof(mask), mask.part))
        return;
    u32 next_core = unused_core(cpus);
    for (u32 i = 0; i < cpus->cnt; i++)
        cpus->cpu[i].allowed = CPU_ISSET_S(cpus->cpu[i].os, sizeof(mask), mask.part);
    for (u32 os = 0; os < QS_CPU_MAX; os++) {
        if (!CPU_ISSET_S(os, sizeof(mask), mask.part) || find_cpu(cpus, os))
            continue;
        qs_cpu_t *c = add_cpu(cpus, os, next_core++);
        if (c)
            c->online = c->allowed = true;
    }
}

static i32
node_of_nic(char const *iface)
{
    char path[64];
    int node = -1;

    if (!iface || !*iface || strchr(iface, '/'))
        return -1;
    snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", iface);
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    if (fscanf(f, "%d", &node) != 1)
        node = -1;
    fclose(f);
    return node;
}

void
qs_cpus_look(qs_cpus_t *cpus, char const *iface)
{
    memset(cpus, 0, sizeof(*cpus));
    hwloc_topology_t t = load_topology(NULL);
    if (t)
        add_online(cpus, t);
    take_affinity(cpus);
    if (t) {
        add_offline(cpus, t);
        hwloc_topology_destroy(t);
    }
    cpus->nic_node = node_of_nic(iface);
}

int
qs_cpus_synthetic(qs_cpus_t *cpus, char const *text)
{
    memset(cpus, 0, sizeof(*cpus));
    cpus->nic_node = -1;
    hwloc_topology_t t = load_topology(text);
    if (!t)
        return -EINVAL;
    add_online(cpus, t);
    hwloc_topology_destroy(t);
    return 0;
}

int
qs_cpus_bind(u32 cpu)
{
    mask_t mask = {0};

    if (cpu >= QS_CPU_MAX)
        return -EINVAL;
    CPU_SET_S(cpu, sizeof(mask), mask.part);
    return sched_setaffinity(0, sizeof(mask), mask.part) ? -errno : 0;
}

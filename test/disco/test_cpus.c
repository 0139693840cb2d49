/* Goal: every tile gets the cpu that a careful operator would give it, on any machine.
   Method: machines that hwloc synthesises, with masks, offline and excluded cpus and a NIC laid
   over them; tables say who sits where, loops over all of them check what must always hold.  The
   host and a made-up /sys are read by the code that boots. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disco/qs_cpus.h"
#include "disco/qs_topos.h"

/* Numbered as Intel does: the sibling of cpu 3 is cpu 19.  (hwloc's short form for that,
   indexes=core:pu, gives one order or another by chance in 2.9.0.) */
#define SMT_16                                                                                     \
    "pack:1 core:16 pu:2(indexes=0,16,1,17,2,18,3,19,4,20,5,21,6,22,7,23,8,24,9,25,10,26,11,27,"   \
    "12,28,13,29,14,30,15,31)"
#define NUMA_64 "node:2 pack:1 core:64 pu:1"

static qs_cpus_t cpus;
static qs_plan_t plan;
static char said[512];

/* numbers writes the numbers of "0-3,5" to out and returns how many there are. */
static u32
numbers(char const *list, u16 out[QS_CPU_MAX])
{
    u32 cnt = 0;

    while (list && *list) {
        char *end;
        unsigned long low = strtoul(list, &end, 10);
        unsigned long high = *end == '-' ? strtoul(end + 1, &end, 10) : low;
        for (; low <= high; low++)
            out[cnt++] = (u16)low;
        list = *end ? end + 1 : end;
    }
    return cnt;
}

static bool
in_list(char const *list, u32 os)
{
    u16 number[QS_CPU_MAX];
    u32 cnt = numbers(list, number);

    for (u32 i = 0; i < cnt; i++)
        if (number[i] == os)
            return true;
    return false;
}

/* A machine and what is laid over it; NULL lists: all are allowed, none is offline or excluded. */
typedef struct host {
    char const *machine;
    char const *allowed, *offline, *exclude;
    int nic_node; /* + 1; 0: none */
} host_t;

static qs_config_layout_t
set_up(host_t const *h, char const *affinity, u32 tiles)
{
    qs_config_t cfg;
    u16 out[QS_CPU_MAX];

    qs_config_init(&qs_config_table, &cfg);
    cr_assert(qs_cpus_synthetic(&cpus, h->machine) == 0, "%s", h->machine);
    for (u32 i = 0; i < cpus.cnt; i++) {
        cpus.cpu[i].allowed = !h->allowed || in_list(h->allowed, cpus.cpu[i].os);
        cpus.cpu[i].online = !in_list(h->offline, cpus.cpu[i].os);
    }
    cpus.nic_node = h->nic_node - 1;
    snprintf(cfg.layout.affinity, sizeof(cfg.layout.affinity), "%s", affinity);
    cfg.layout.exclude_cnt = numbers(h->exclude, out);
    for (u32 i = 0; i < cfg.layout.exclude_cnt; i++)
        cfg.layout.exclude[i] = out[i];
    memset(&plan, 0, sizeof(plan));
    plan.tile_cnt = tiles;
    for (u32 i = 0; i < tiles; i++) {
        snprintf(plan.tile[i].name, sizeof(plan.tile[i].name), "t");
        plan.tile[i].idx = (u16)i;
        plan.tile[i].cnt = (u16)tiles;
    }
    return cfg.layout;
}

static char const *
seats(void)
{
    static char text[QS_TILE_MAX * 6];
    u64 used = 0;

    text[0] = 0;
    for (u32 i = 0; i < plan.tile_cnt; i++)
        used +=
            (u64)snprintf(text + used, sizeof(text) - used, "%s%d", i ? " " : "", plan.tile[i].cpu);
    return text;
}

typedef struct seat_case {
    char const *what;
    host_t host;
    char const *affinity;
    u32 tiles;
    char const *seats; /* for many tiles: of the first and the last ones */
    bool park;
} seat_case_t;

static seat_case_t const seat_cases[] = {
    {"one cpu, one tile: it spins", {.machine = "pack:1 core:1 pu:1"}, "auto", 1, "0", false},
    {"one cpu, three tiles", {.machine = "pack:1 core:1 pu:1"}, "auto", 3, "0 0 0", true},
    {"two cpus, one tile: cpu 0 is spared",
     {.machine = "pack:1 core:2 pu:1"},
     "auto",
     1,
     "1",
     false},
    {"two cpus, two tiles", {.machine = "pack:1 core:2 pu:1"}, "auto", 2, "1 0", false},
    {"two cpus, five tiles take turns",
     {.machine = "pack:1 core:2 pu:1"},
     "auto",
     5,
     "1 0 1 0 1",
     true},
    {"whole cores, not cpus 0 and 16", {.machine = SMT_16}, "auto", 4, "1 2 3 4", false},
    {"siblings numbered side by side",
     {.machine = "pack:1 core:16 pu:2"},
     "auto",
     4,
     "2 4 6 8",
     false},
    {"last whole core is that of cpu 0",
     {.machine = SMT_16},
     "auto",
     16,
     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0",
     false},
    {"the last tile's core is shared first",
     {.machine = SMT_16},
     "auto",
     18,
     "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 0 16 31",
     false},
    {"a mask of siblings only", {SMT_16, .allowed = "0-1,16-17"}, "auto", 3, "1 0 16", false},
    {"inherited mask of one cpu", {SMT_16, .allowed = "7"}, "auto", 2, "7 7", true},
    {"first cpus offline, their siblings not",
     {SMT_16, .offline = "0-2"},
     "auto",
     4,
     "16 17 18 4",
     false},
    {"a core whose first cpu is offline", {SMT_16, .offline = "1"}, "auto", 2, "17 2", false},
    {"excluded cpus", {SMT_16, .exclude = "1,17,2"}, "auto", 3, "18 3 4", false},
    {"mask, offline and exclude together",
     {SMT_16, .allowed = "0-4", .offline = "2", .exclude = "3"},
     "auto",
     4,
     "1 4 0 1",
     true},
    {"no NIC: nodes as they come", {.machine = NUMA_64}, "auto", 2, "1 2", false},
    {"the NIC's node is the second", {NUMA_64, .nic_node = 2}, "auto", 3, "64 65 66", false},
    {"the NIC's node is full after two",
     {NUMA_64, .allowed = "0-3,64-65", .nic_node = 2},
     "auto",
     4,
     "64 65 1 2",
     false},
    {"another node's core before a sibling",
     {"node:2 pack:1 core:2 pu:2", .nic_node = 2},
     "auto",
     6,
     "4 6 2 0 7 5",
     false},
    {"the NIC's node has no cpu for us",
     {NUMA_64, .allowed = "3-5", .nic_node = 2},
     "auto",
     2,
     "4 5",
     false},
    {"a NIC's node that is not there",
     {"pack:1 core:2 pu:1", .nic_node = 9},
     "auto",
     1,
     "1",
     false},
    {"nodes that are parts of a package",
     {"pack:1 node:2 core:2 pu:1", .nic_node = 2},
     "auto",
     3,
     "2 3 1",
     false},
    {"nodes without packages", {"node:2 core:2 pu:1", .nic_node = 2}, "auto", 2, "2 3", false},
    {"no cores known", {.machine = "pu:3"}, "auto", 2, "1 2", false},
    {"a list, in its order", {.machine = SMT_16}, "5,0-2", 4, "5 0 1 2", false},
    {"a list longer than needed", {.machine = SMT_16}, "4-9", 2, "4 5", false},
    {"a short list goes round", {.machine = SMT_16}, "3,2", 5, "3 2 3 2 3", true},
    {"a list that repeats a cpu", {.machine = SMT_16}, "3,3,2", 3, "3 3 2", true},
    {"a list that repeats a cpu at once", {.machine = SMT_16}, "3,3,2", 2, "3 3", true},
    {"repeats that nobody comes to", {.machine = SMT_16}, "3,2,2", 2, "3 2", false},
    {"a list may name excluded cpus", {SMT_16, .exclude = "3"}, "3", 1, "3", false},
    {"a list may name siblings", {.machine = SMT_16}, "3,19", 2, "3 19", false},
};

Test(cpus, tiles_sit_where_the_table_says)
{
    for (u32 i = 0; i < QS_COUNT(seat_cases); i++) {
        seat_case_t const *c = &seat_cases[i];
        qs_config_layout_t layout = set_up(&c->host, c->affinity, c->tiles);
        int err = qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said));
        cr_expect(err == 0, "%s: %s", c->what, said);
        cr_expect(strcmp(seats(), c->seats) == 0, "%s: %s", c->what, seats());
        for (u32 t = 0; t < plan.tile_cnt; t++)
            cr_expect(plan.tile[t].park == c->park, "%s: tile %u", c->what, t);
    }
}

typedef struct refusal {
    host_t host;
    char const *affinity;
    char const *says;
} refusal_t;

static refusal_t const refusals[] = {
    {{.machine = SMT_16},
     "32",
     "layout.affinity = \"32\": cpu 32 is not in this machine; we may use 0-31"},
    {{.machine = SMT_16}, "0-3,4000", "cpu 4000 is not in this machine"},
    {{SMT_16, .offline = "3"}, "0-3", "cpu 3 is offline; we may use 0-2,4-31"},
    {{SMT_16, .allowed = "4-7"},
     "4,8",
     "cpu 8 is outside the affinity we inherited; we may use 4-7"},
    {{SMT_16, .allowed = "4", .offline = "4"}, "4", "cpu 4 is offline; we may use -"},
    {{.machine = SMT_16}, "", "is neither auto nor a list"},
    {{.machine = SMT_16}, "1,", "is neither auto nor a list"},
    {{.machine = SMT_16}, "3-1", "is neither auto nor a list"},
    {{.machine = SMT_16}, "1-", "is neither auto nor a list"},
    {{.machine = SMT_16}, "-1", "is neither auto nor a list"},
    {{.machine = SMT_16}, "1-2-3", "is neither auto nor a list"},
    {{.machine = SMT_16}, "0-99999999999999999999", "is neither auto nor a list"},
    {{.machine = SMT_16}, "all", "is neither auto nor a list"},
    {{SMT_16, .allowed = "2-3", .exclude = "2-3"},
     "auto",
     "layout.exclude leaves none of the cpus we may use (2-3)"},
};

Test(cpus, what_cannot_be_met_is_refused_by_name)
{
    for (u32 i = 0; i < QS_COUNT(refusals); i++) {
        refusal_t const *r = &refusals[i];
        qs_config_layout_t layout = set_up(&r->host, r->affinity, 2);
        int err = qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said));
        cr_expect(err == -EINVAL, "%s: %d", r->affinity, err);
        cr_expect(strstr(said, r->says) != NULL, "%s: %s", r->affinity, said);
    }
}

static host_t const hosts[] = {
    {.machine = "pack:1 core:1 pu:1"},
    {.machine = "pack:1 core:2 pu:1"},
    {.machine = SMT_16},
    {SMT_16, .allowed = "0-7"},
    {SMT_16, .allowed = "3,19,20", .nic_node = 1},
    {SMT_16, .allowed = "1-30", .offline = "2-5,20", .exclude = "8,9,31"},
    {"pack:1 core:16 pu:2", .exclude = "0-1"},
    {.machine = NUMA_64},
    {NUMA_64, .nic_node = 2},
    {NUMA_64, .allowed = "60-70", .offline = "63", .exclude = "65", .nic_node = 2},
    {"node:2 pack:1 core:32 pu:2", .nic_node = 1},
    {"node:2 pack:1 core:32 pu:2", .allowed = "20-70", .nic_node = 2},
    {"pack:2 numa:2 core:4 pu:4", .nic_node = 3},
    {"pu:5", .offline = "1"},
};

static qs_cpu_t const *
cpu_of(qs_plan_tile_t const *t)
{
    for (u32 i = 0; i < cpus.cnt; i++)
        if (cpus.cpu[i].os == t->cpu)
            return &cpus.cpu[i];
    return NULL;
}

/* on_core counts the tiles on a core, on_cpu those on a cpu. */
static u32
on_core(u32 core)
{
    u32 cnt = 0;
    for (u32 i = 0; i < plan.tile_cnt; i++)
        cnt += plan.tile[i].core == (i32)core;
    return cnt;
}

static u32
on_cpu(u32 os)
{
    u32 cnt = 0;
    for (u32 i = 0; i < plan.tile_cnt; i++)
        cnt += plan.tile[i].cpu == (i32)os;
    return cnt;
}

static bool
has(qs_plan_tile_t const *t, u32 flag)
{
    return (t->place & flag) != 0;
}

static void
check_each_tile(host_t const *h, qs_config_layout_t const *layout)
{
    for (u32 i = 0; i < plan.tile_cnt; i++) {
        qs_plan_tile_t const *t = &plan.tile[i];
        qs_cpu_t const *c = cpu_of(t);
        cr_assert(c != NULL, "%s: tile %u on cpu %d", h->machine, i, t->cpu);
        cr_expect(qs_cpus_use(c, layout) == QS_CPU_USABLE, "%s: tile %u on a cpu not for us",
                  h->machine, i);
        cr_expect(in_list(h->exclude, c->os) + in_list(h->offline, c->os) == 0);
        cr_expect(h->allowed == NULL || in_list(h->allowed, c->os));
        cr_expect(t->core == c->core && t->node == c->node);
        cr_expect(t->park || on_cpu(c->os) == 1, "%s: two tiles spin on cpu %u", h->machine, c->os);
        cr_expect(has(t, QS_PLACE_SHARED) == (on_cpu(c->os) > 1));
        cr_expect(has(t, QS_PLACE_SIBLING) == (on_core(c->core) > on_cpu(c->os)));
        cr_expect(has(t, QS_PLACE_NIC) == (c->node >= 0 && c->node == cpus.nic_node));
    }
}

/* check_spread: no cpu has two tiles more than another, no core has two while one has none, and no
   tile is alone on a core of another node while the NIC's node has an empty one. */
static void
check_spread(host_t const *h, qs_config_layout_t const *layout)
{
    u32 usable = 0, low = UINT32_MAX, high = 0;
    bool doubled = false, empty = false, empty_near = false, far = false;

    for (u32 i = 0; i < cpus.cnt; i++) {
        qs_cpu_t const *c = &cpus.cpu[i];
        if (qs_cpus_use(c, layout) != QS_CPU_USABLE)
            continue;
        u32 here = on_cpu(c->os);
        bool near = cpus.nic_node >= 0 && c->node == cpus.nic_node;
        usable++;
        low = here < low ? here : low;
        high = here > high ? here : high;
        doubled |= on_core(c->core) > 1;
        empty |= !on_core(c->core);
        empty_near |= near && !on_core(c->core);
        far |= cpus.nic_node >= 0 && !near && here;
    }
    cr_expect(high - low <= 1, "%s, %u tiles: %u and %u on a cpu", h->machine, plan.tile_cnt, low,
              high);
    cr_expect(doubled + empty < 2, "%s, %u tiles: a core is shared, another empty", h->machine,
              plan.tile_cnt);
    cr_expect(far + empty_near < 2, "%s, %u tiles: a tile is far from the NIC for nothing",
              h->machine, plan.tile_cnt);
    for (u32 i = 0; i < plan.tile_cnt; i++)
        cr_expect(plan.tile[i].park == (plan.tile_cnt > usable), "%s, %u tiles", h->machine,
                  plan.tile_cnt);
}

Test(cpus, what_must_always_hold_holds_on_every_machine)
{
    for (u32 h = 0; h < QS_COUNT(hosts); h++)
        for (u32 tiles = 1; tiles <= QS_TILE_MAX; tiles++) {
            qs_config_layout_t layout = set_up(&hosts[h], "auto", tiles);
            int err = qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said));
            cr_assert(err == 0, "%s: %s", hosts[h].machine, said);
            check_each_tile(&hosts[h], &layout);
            check_spread(&hosts[h], &layout);
        }
}

Test(cpus, one_more_tile_moves_no_other_while_there_are_cpus)
{
    for (u32 h = 0; h < QS_COUNT(hosts); h++) {
        char before[QS_TILE_MAX * 6] = "";
        for (u32 tiles = 1; tiles <= QS_TILE_MAX; tiles++) {
            qs_config_layout_t layout = set_up(&hosts[h], "auto", tiles);
            cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
            cr_expect(strncmp(seats(), before, strlen(before)) == 0, "%s, %u tiles: %s",
                      hosts[h].machine, tiles, seats());
            snprintf(before, sizeof(before), "%s", seats());
        }
    }
}

/* Groups of tiles that share a machine: sizes by digits, where each group sits, parked or not. */
typedef struct group_case {
    char const *machine, *affinity, *sizes, *seats;
    bool park;
} group_case_t;

static group_case_t const group_cases[] = {
    {"pack:1 core:1 pu:1", "auto", "22", "0 0|0 0|", true},
    {"pack:1 core:2 pu:1", "auto", "22", "1 1|0 0|", true},
    {"pack:1 core:3 pu:1", "auto", "22", "1 1|2 0|", true},
    {"pack:1 core:4 pu:1", "auto", "22", "1 2|3 0|", false},
    {"pack:1 core:8 pu:1", "auto", "22", "1 2|3 4|", false},
    {"pack:1 core:8 pu:1", "auto", "88", "1 2 3 4 1 2 3 4|5 6 7 0 5 6 7 0|", true},
    {"pack:1 core:2 pu:1", "auto", "2222", "1 1|1 1|0 0|0 0|", true},
    {"pack:1 core:2 pu:1", "auto", "222", "1 1|1 1|0 0|", true},
    {"pack:1 core:4 pu:1", "0-1", "22", "0 1|0 1|", true},
    {"pack:1 core:4 pu:1", "0,0,1,1", "22", "0 0|1 1|", true},
    {"pack:1 core:4 pu:1", "0-3", "22", "0 1|2 3|", false},
};

Test(cpus, groups_that_share_a_machine_keep_out_of_each_others_way)
{
    for (u32 i = 0; i < QS_COUNT(group_cases); i++) {
        group_case_t const *c = &group_cases[i];
        char all[256] = "";
        u32 total = 0, first = 0;
        for (char const *s = c->sizes; *s; s++)
            total += (u32)(*s - '0');
        for (char const *s = c->sizes; *s; s++) {
            u32 tiles = (u32)(*s - '0');
            qs_config_layout_t layout =
                set_up(&(host_t){.machine = c->machine}, c->affinity, tiles);
            cr_assert(qs_cpus_place(&plan, &cpus, &layout, first, total - tiles, said,
                                    sizeof(said)) == 0);
            first += tiles;
            strcat(strcat(all, seats()), "|");
            for (u32 t = 0; t < tiles; t++)
                cr_expect(plan.tile[t].park == c->park, "%s, %s", c->machine, c->sizes);
        }
        cr_expect(strcmp(all, c->seats) == 0, "%s, %s: %s", c->machine, c->sizes, all);
    }
}

Test(cpus, layout_idle_overrules_the_count)
{
    qs_config_layout_t layout = set_up(&(host_t){.machine = "pack:1 core:1 pu:1"}, "auto", 2);
    layout.idle = QS_CONFIG_layout_idle_spin;
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    cr_assert(plan.tile[0].park == 0 && plan.tile[1].park == 0);
    cr_assert(strstr(said, "but there are more tiles than cpus") != NULL, "%s", said);
    layout = set_up(&(host_t){.machine = "pack:1 core:4 pu:1"}, "auto", 2);
    layout.idle = QS_CONFIG_layout_idle_park;
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    cr_assert(plan.tile[0].park && plan.tile[1].park);
}

Test(cpus, tiles_float_and_park_where_nothing_is_known)
{
    qs_config_layout_t layout = set_up(&(host_t){.machine = "pu:1"}, "auto", 2);
    cpus.cnt = 0;
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    for (u32 i = 0; i < 2; i++)
        cr_assert(plan.tile[i].cpu == -1 && plan.tile[i].node == -1 && plan.tile[i].park);
}

Test(cpus, the_line_for_the_user_names_cpus_idle_and_nic)
{
    qs_config_layout_t layout =
        set_up(&(host_t){NUMA_64, .allowed = "0-3,64-65", .nic_node = 2}, "auto", 4);
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    cr_assert(eq(str, said,
                 (char *)"4 tiles on cpus 1-2,64-65, spinning when idle; 2 on the NIC's node 1"));
    char why[64];
    cr_assert(eq(str, (char *)qs_cpus_why(&plan.tile[0], why, sizeof(why)),
                 (char *)"NIC's node, a core of its own"));
}

Test(cpus, a_list_of_numbers_is_short_and_never_overruns)
{
    u16 const numbers[] = {4095, 0, 2, 1, 5, 8, 7, 5};
    char buf[32];

    cr_assert(eq(str, qs_cpus_list(numbers, 0, buf, sizeof(buf)), (char *)"-"));
    cr_assert(eq(str, qs_cpus_list(numbers, 1, buf, sizeof(buf)), (char *)"4095"));
    cr_assert(eq(str, qs_cpus_list(numbers, QS_COUNT(numbers), buf, sizeof(buf)),
                 (char *)"0-2,5,7-8,4095"));
    cr_assert(eq(str, qs_cpus_list(numbers, QS_COUNT(numbers), buf, 16), (char *)"0-2,5,7-8,..."));
}

static char *
drawn(qs_config_layout_t const *layout)
{
    static char text[4096];
    FILE *f = fmemopen(text, sizeof(text), "w");
    qs_cpus_write_text(f, &cpus, layout, &plan);
    fclose(f);
    return text;
}

Test(cpus, the_drawing_shows_tiles_and_whatever_no_tile_may_have)
{
    host_t const h = {"node:2 pack:1 core:4 pu:2", "0-13", "6", "4-5", 2};
    qs_config_layout_t layout = set_up(&h, "auto", 5);
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    cr_assert(
        eq(str, drawn(&layout),
           (char *)"package node    core        cpu             tiles\n"
                   "0       0       0           0-1             free\n"
                   "0       0       1           2               t:3\n"
                   "0       0       1           3               free\n"
                   "0       0       2           4-5             excluded\n"
                   "0       0       -           6               offline\n"
                   "0       0       3           7               t:4\n"
                   "1       1*      4           8               t:0\n"
                   "1       1*      4           9               free\n"
                   "1       1*      5           10              t:1\n"
                   "1       1*      5           11              free\n"
                   "1       1*      6           12              t:2\n"
                   "1       1*      6           13              free\n"
                   "1       1*      7           14-15           foreign (not in our affinity)\n"
                   "* the NIC's node\n"
                   "\n"
                   "tile          cpu idle   why there\n"
                   "t:0             8 spin   NIC's node, a core of its own\n"
                   "t:1            10 spin   NIC's node, a core of its own\n"
                   "t:2            12 spin   NIC's node, a core of its own\n"
                   "t:3             2 spin   a core of its own\n"
                   "t:4             7 spin   a core of its own\n"));
}

Test(cpus, the_object_for_programs_holds_the_same)
{
    char text[1024];
    host_t const h = {"pack:1 core:2 pu:1", .exclude = "1"};
    qs_config_layout_t layout = set_up(&h, "auto", 1);
    snprintf(plan.topo, sizeof(plan.topo), "one");
    cr_assert(qs_cpus_place(&plan, &cpus, &layout, 0, 0, said, sizeof(said)) == 0);
    FILE *f = fmemopen(text, sizeof(text), "w");
    qs_cpus_write_json(f, &cpus, &layout, &plan);
    fclose(f);
    cr_assert(
        eq(str, text,
           (char *)"{\"topology\":\"one\",\"nic_node\":-1,\"tiles\":[{\"name\":\"t\",\"cpu\":0,"
                   "\"core\":0,\"node\":0,\"idle\":\"spin\",\"why\":\"a core of its own\"}],"
                   "\"cpus\":[{\"cpu\":0,\"core\":0,\"package\":0,\"node\":0,\"use\":"
                   "\"usable\",\"tiles\":[\"t\"]},{\"cpu\":1,\"core\":1,\"package\":0,\"node\":"
                   "0,\"use\":\"excluded\",\"tiles\":[]}]}\n"));
}

/* lowest returns the first cpu that this process may run on. */
static u32
lowest(void)
{
    cpu_set_t mask;
    u32 cpu = 0;

    cr_assert(sched_getaffinity(0, sizeof(mask), &mask) == 0);
    while (!CPU_ISSET(cpu, &mask))
        cpu++;
    return cpu;
}

Test(cpus, the_host_is_seen_and_its_affinity_inherited)
{
    u32 first = lowest();
    cpu_set_t mask;

    cr_assert(sched_getaffinity(0, sizeof(mask), &mask) == 0);
    qs_cpus_look(&cpus, NULL);
    for (u32 i = 0; i < cpus.cnt; i++)
        cr_expect(cpus.cpu[i].allowed == (CPU_ISSET(cpus.cpu[i].os, &mask) != 0));
    cr_assert(qs_cpus_bind(first) == 0);
    qs_cpus_look(&cpus, "nosuchif0");
    cr_assert(eq(i32, cpus.nic_node, -1));
    for (u32 i = 0; i < cpus.cnt; i++)
        cr_expect(cpus.cpu[i].allowed == (cpus.cpu[i].os == first), "cpu %u", cpus.cpu[i].os);
    cr_assert(qs_cpus_bind(QS_CPU_MAX) == -EINVAL);
    cr_assert(qs_cpus_bind(QS_CPU_MAX - 1) == -EINVAL);
}

static void
put(char const *root, char const *path, char const *text)
{
    char full[512];
    int used = snprintf(full, sizeof(full), "%s/", root);

    for (char const *p = path; *p; p++) {
        if (*p == '/')
            mkdir(full, 0755);
        full[used++] = *p;
        full[used] = 0;
    }
    FILE *f = fopen(full, "w");
    cr_assert(f != NULL, "%s", full);
    fputs(text, f);
    fclose(f);
}

/* Cpus 4 to 7: 4 and 6 are siblings, 7 is offline; all on node 3.  Elsewhere it is 8 to 11. */
Test(cpus, sys_tells_siblings_nodes_and_offline_cpus)
{
    u32 own = lowest(), base = own >= 4 && own < 8 ? 8 : 4;
    char root[] = "/tmp/test_cpus_XXXXXX", path[128], text[32], remove[64];
    cr_assert(mkdtemp(root) != NULL);
    for (u32 i = 0; i < 3; i++) {
        struct {
            char const *name;
            u32 value;
        } const files[] = {{"core_id", i % 2},
                           {"physical_package_id", 0},
                           {"thread_siblings", (i == 1 ? 2u : 5u) << base},
                           {"core_cpus", (i == 1 ? 2u : 5u) << base},
                           {"core_siblings", 7u << base},
                           {"package_cpus", 7u << base}};
        for (u32 k = 0; k < QS_COUNT(files); k++) {
            snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/topology/%s", base + i,
                     files[k].name);
            snprintf(text, sizeof(text), k < 2 ? "%u\n" : "%x\n", files[k].value);
            put(root, path, text);
        }
    }
    snprintf(text, sizeof(text), "%u-%u\n", base, base + 2);
    put(root, "sys/devices/system/cpu/online", text);
    snprintf(text, sizeof(text), "%u-%u\n", base, base + 3);
    put(root, "sys/devices/system/cpu/possible", text);
    snprintf(text, sizeof(text), "%x\n", 7u << base);
    put(root, "sys/devices/system/node/node3/cpumap", text);
    snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/online", base + 3);
    put(root, path, "0\n");
    put(root, "sys/devices/system/node/online", "3\n");
    cr_assert(qs_cpus_bind(own) == 0);
    setenv("HWLOC_FSROOT", root, 1);
    qs_cpus_look(&cpus, NULL);
    snprintf(remove, sizeof(remove), "rm -r %s", root);
    cr_assert(system(remove) == 0);

    cr_assert(eq(u32, cpus.cnt, 5)); /* those four, and ours, which only the kernel's mask shows */
    cr_assert(eq(u32, cpus.node_cnt, 1));
    cr_assert(cpus.cpu[0].os == base && cpus.cpu[1].os == base + 2 && cpus.cpu[2].os == base + 1);
    cr_assert(cpus.cpu[0].core == cpus.cpu[1].core && cpus.cpu[0].core != cpus.cpu[2].core);
    for (u32 i = 0; i < 3; i++)
        cr_expect(cpus.cpu[i].node == 3 && cpus.cpu[i].online && !cpus.cpu[i].allowed);
    cr_assert(cpus.cpu[3].os == own && cpus.cpu[3].allowed && cpus.cpu[3].online);
    cr_assert(cpus.cpu[4].os == base + 3 && !cpus.cpu[4].online && !cpus.cpu[4].allowed);
}

Test(cpus, a_topology_counts_its_tiles_as_its_plan_does)
{
    qs_config_t cfg;
    static qs_wksp_plan_t wksp[QS_TILE_MAX];

    qs_config_init(&qs_config_table, &cfg);
    cfg.net.tiles = 3;
    for (u32 i = 0; qs_topos[i]; i++) {
        cr_assert(qs_plan_make(&plan, wksp, qs_topos[i], &cfg, false, said, sizeof(said)) == 0);
        cr_expect(plan.tile_cnt == qs_topo_tile_cnt(qs_topos[i], &cfg), "%s", qs_topos[i]->name);
    }
}

#include "disco/qs_cpus.h"

#include <stdarg.h>

/* The cpus that tiles take, in that order, as indices into cpus->cpu. */
typedef struct line_up {
    u32 cnt;
    u16 at[QS_CPU_MAX];
} line_up_t;

typedef struct placer {
    qs_plan_t *plan;
    qs_cpus_t const *cpus;
    qs_config_layout_t const *layout;
    u32 first, total;
    line_up_t line;
    char *said;
    u64 said_sz;
} placer_t;

__attribute__((format(printf, 2, 3))) static int
refuse(placer_t *p, char const *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(p->said, p->said_sz, format, ap);
    va_end(ap);
    return -EINVAL;
}

qs_cpu_use_t
qs_cpus_use(qs_cpu_t const *cpu, qs_config_layout_t const *layout)
{
    if (!cpu->online)
        return QS_CPU_OFFLINE;
    if (!cpu->allowed)
        return QS_CPU_FOREIGN;
    for (u32 i = 0; i < layout->exclude_cnt; i++)
        if (layout->exclude[i] == cpu->os)
            return QS_CPU_EXCLUDED;
    return QS_CPU_USABLE;
}

static bool
is_explicit(qs_config_layout_t const *layout)
{
    return strcmp(layout->affinity, "auto") != 0;
}

static int
compare_u64(void const *a, void const *b)
{
    u64 x = *(u64 const *)a, y = *(u64 const *)b;
    return (x > y) - (x < y);
}

/* list_within writes the cpus that a tile could be put on if layout excluded none. */
static char *
list_within(qs_cpus_t const *cpus, char *buf, u64 buf_sz)
{
    u16 os[QS_CPU_MAX];
    u32 cnt = 0;

    for (u32 i = 0; i < cpus->cnt; i++)
        if (cpus->cpu[i].online && cpus->cpu[i].allowed)
            os[cnt++] = cpus->cpu[i].os;
    return qs_cpus_list(os, cnt, buf, buf_sz);
}

/* lowest_core returns the core of the lowest usable cpu. */
static u32
lowest_core(placer_t const *p)
{
    qs_cpu_t const *lowest = NULL;

    for (u32 i = 0; i < p->cpus->cnt; i++) {
        qs_cpu_t const *c = &p->cpus->cpu[i];
        if (qs_cpus_use(c, p->layout) == QS_CPU_USABLE && (!lowest || c->os < lowest->os))
            lowest = c;
    }
    return lowest ? lowest->core : UINT32_MAX;
}

/* line_up_auto sorts by a key: which cpu of its core | rank of the node | rank in the node | i. */
static int
line_up_auto(placer_t *p)
{
    u64 key[QS_CPU_MAX];
    u8 of_core[QS_CPU_MAX] = {0};
    u32 spared = lowest_core(p), cnt = 0;
    char within[128];

    for (u32 i = 0; i < p->cpus->cnt; i++) {
        qs_cpu_t const *c = &p->cpus->cpu[i];
        if (qs_cpus_use(c, p->layout) != QS_CPU_USABLE)
            continue;
        bool near = c->node >= 0 && c->node == p->cpus->nic_node;
        u64 level = of_core[c->core]++;
        u64 node = near ? 0 : (u64)(c->node + 2);
        u64 rank = c->core == spared ? QS_CPU_MAX : i;
        key[cnt++] = level << 56 | node << 32 | (level ? QS_CPU_MAX - rank : rank) << 16 | i;
    }
    if (!cnt && p->cpus->cnt)
        return refuse(p, "layout.exclude leaves none of the cpus we may use (%s)",
                      list_within(p->cpus, within, sizeof(within)));
    qsort(key, cnt, sizeof(key[0]), compare_u64);
    for (u32 i = 0; i < cnt; i++)
        p->line.at[i] = (u16)key[i];
    p->line.cnt = cnt;
    return 0;
}

static int
add_listed(placer_t *p, unsigned long os)
{
    char within[128];
    qs_cpu_t const *found = NULL;

    for (u32 i = 0; !found && i < p->cpus->cnt; i++)
        if (p->cpus->cpu[i].os == os)
            found = &p->cpus->cpu[i];
    if (!found || !found->online || !found->allowed)
        return refuse(p, "layout.affinity = \"%s\": cpu %lu is %s; we may use %s",
                      p->layout->affinity, os,
                      !found           ? "not in this machine"
                      : !found->online ? "offline"
                                       : "outside the affinity we inherited",
                      list_within(p->cpus, within, sizeof(within)));
    if (p->line.cnt < QS_CPU_MAX)
        p->line.at[p->line.cnt++] = (u16)(found - p->cpus->cpu);
    return 0;
}

static int
line_up_list(placer_t *p)
{
    char const *text = p->layout->affinity;

    for (;;) {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        bool ok = *text >= '0' && *text <= '9';
        if (ok && *end == '-') {
            text = end + 1;
            ok = *text >= '0' && *text <= '9';
            last = strtoul(text, &end, 10);
        }
        if (!ok || last < first || last >= QS_CPU_MAX || (*end && *end != ','))
            return refuse(p, "layout.affinity = \"%s\" is neither auto nor a list such as 0-3,5",
                          p->layout->affinity);
        for (; first <= last; first++) {
            int err = add_listed(p, first);
            if (err)
                return err;
        }
        if (!*end)
            return 0;
        text = end + 1;
    }
}

/* distinct counts the cpus that all tiles together will have. */
static u32
distinct(placer_t const *p)
{
    bool seen[QS_CPU_MAX] = {0};
    u32 cnt = 0;

    for (u32 i = 0; i < p->total && i < p->line.cnt; i++) {
        cnt += !seen[p->line.at[i]];
        seen[p->line.at[i]] = true;
    }
    return cnt;
}

/* seat_of returns where in the line tile i of ours sits. */
static u32
seat_of(placer_t const *p, u32 i)
{
    u64 cpus = p->line.cnt;

    if (is_explicit(p->layout) || p->total <= cpus)
        return (u32)((p->first + i) % cpus);
    u64 low = p->first * cpus / p->total;
    u64 high = (p->first + p->plan->tile_cnt) * cpus / p->total;
    return (u32)(low + (high > low ? i % (high - low) : 0));
}

static void
explain_places(placer_t const *p)
{
    for (u32 i = 0; i < p->plan->tile_cnt; i++) {
        qs_plan_tile_t *t = &p->plan->tile[i];
        t->place = is_explicit(p->layout) ? QS_PLACE_LISTED : 0;
        if (t->node >= 0 && t->node == p->cpus->nic_node)
            t->place |= QS_PLACE_NIC;
        for (u32 k = 0; k < p->plan->tile_cnt; k++) {
            qs_plan_tile_t const *other = &p->plan->tile[k];
            if (k != i && other->cpu == t->cpu)
                t->place |= QS_PLACE_SHARED;
            else if (k != i && other->core == t->core)
                t->place |= QS_PLACE_SIBLING;
        }
    }
}

static bool
tiles_park(placer_t const *p, u32 cpus)
{
    switch (p->layout->idle) {
    case QS_CONFIG_layout_idle_spin:
        return false;
    case QS_CONFIG_layout_idle_park:
        return true;
    default:
        return p->total > cpus;
    }
}

static void
say_places(placer_t const *p, u32 cpus, bool park)
{
    u16 os[QS_TILE_MAX];
    char list[64];
    u32 cnt = 0, near = 0;

    for (u32 i = 0; i < p->plan->tile_cnt; i++) {
        os[cnt++] = (u16)p->plan->tile[i].cpu;
        near += p->plan->tile[i].place & QS_PLACE_NIC ? 1 : 0;
    }
    int used = snprintf(p->said, p->said_sz, "%u tiles on cpus %s, %s when idle%s", cnt,
                        qs_cpus_list(os, cnt, list, sizeof(list)), park ? "parked" : "spinning",
                        p->total <= cpus ? ""
                        : park           ? ": there are more tiles than cpus"
                                         : ": but there are more tiles than cpus");
    if (p->cpus->node_cnt > 1 && p->cpus->nic_node >= 0 && (u64)used < p->said_sz)
        snprintf(p->said + used, p->said_sz - (u64)used, "; %u on the NIC's node %d", near,
                 p->cpus->nic_node);
}

static void
float_all(placer_t const *p)
{
    for (u32 i = 0; i < p->plan->tile_cnt; i++) {
        qs_plan_tile_t *t = &p->plan->tile[i];
        t->cpu = t->core = t->node = -1;
        t->place = 0;
        t->park = tiles_park(p, 0);
    }
    snprintf(p->said, p->said_sz, "nothing is known of the cpus: tiles float");
}

int
qs_cpus_place(qs_plan_t *plan, qs_cpus_t const *cpus, qs_config_layout_t const *layout, u32 first,
              u32 others, char *said, u64 said_sz)
{
    placer_t p = {.plan = plan,
                  .cpus = cpus,
                  .layout = layout,
                  .first = first,
                  .total = plan->tile_cnt + others,
                  .said = said,
                  .said_sz = said_sz};

    int err = is_explicit(layout) ? line_up_list(&p) : line_up_auto(&p);
    if (err)
        return err;
    if (!p.line.cnt) {
        float_all(&p);
        return 0;
    }
    u32 used = distinct(&p);
    bool park = tiles_park(&p, used);
    for (u32 i = 0; i < plan->tile_cnt; i++) {
        qs_cpu_t const *c = &cpus->cpu[p.line.at[seat_of(&p, i)]];
        plan->tile[i].cpu = c->os;
        plan->tile[i].core = c->core;
        plan->tile[i].node = c->node;
        plan->tile[i].park = park;
    }
    explain_places(&p);
    say_places(&p, used, park);
    return 0;
}

char const *
qs_cpus_why(qs_plan_tile_t const *tile, char *buf, u64 buf_sz)
{
    if (tile->cpu < 0)
        snprintf(buf, buf_sz, "floats");
    else
        snprintf(buf, buf_sz, "%s%s%s", tile->place & QS_PLACE_LISTED ? "listed, " : "",
                 tile->place & QS_PLACE_NIC ? "NIC's node, " : "",
                 tile->place & QS_PLACE_SHARED    ? "shares its cpu"
                 : tile->place & QS_PLACE_SIBLING ? "shares its core"
                                                  : "a core of its own");
    return buf;
}

char *
qs_cpus_list(u16 const *number, u32 cnt, char *buf, u64 buf_sz)
{
    bool in[QS_CPU_MAX + 1] = {0};
    u64 used = 0;

    for (u32 i = 0; i < cnt; i++)
        in[number[i]] = true;
    snprintf(buf, buf_sz, "-");
    for (u32 i = 0; i < QS_CPU_MAX; i++) {
        char item[16];
        u32 first = i;
        if (!in[i])
            continue;
        while (in[i + 1])
            i++;
        int len = i > first ? snprintf(item, sizeof(item), "%u-%u", first, i)
                            : snprintf(item, sizeof(item), "%u", first);
        if (used + (u64)len + sizeof(",,...") > buf_sz) {
            snprintf(buf + used, buf_sz - used, ",...");
            break;
        }
        used += (u64)snprintf(buf + used, buf_sz - used, "%s%s", used ? "," : "", item);
    }
    return buf;
}

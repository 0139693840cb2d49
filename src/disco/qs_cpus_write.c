#include "disco/qs_cpus.h"

static char const *const use_name[] = {[QS_CPU_USABLE] = "usable",
                                       [QS_CPU_OFFLINE] = "offline",
                                       [QS_CPU_FOREIGN] = "foreign",
                                       [QS_CPU_EXCLUDED] = "excluded"};
static char const *const use_text[] = {[QS_CPU_USABLE] = "free",
                                       [QS_CPU_OFFLINE] = "offline",
                                       [QS_CPU_FOREIGN] = "foreign (not in our affinity)",
                                       [QS_CPU_EXCLUDED] = "excluded"};

typedef struct drawing {
    FILE *f;
    qs_cpus_t const *cpus;
    qs_config_layout_t const *layout;
    qs_plan_t const *plan;
} drawing_t;

static bool
has_tile(drawing_t const *d, qs_cpu_t const *cpu)
{
    for (u32 i = 0; i < d->plan->tile_cnt; i++)
        if (d->plan->tile[i].cpu == cpu->os)
            return true;
    return false;
}

/* core_end returns the index after the last cpu of the core that begins at i. */
static u32
core_end(drawing_t const *d, u32 i)
{
    u32 end = i + 1;

    while (end < d->cpus->cnt && d->cpus->cpu[end].core == d->cpus->cpu[i].core)
        end++;
    return end;
}

/* is_plain says whether cpus i to end - 1 carry no tile and are all the same to us. */
static bool
is_plain(drawing_t const *d, u32 i, u32 end)
{
    qs_cpu_use_t use = qs_cpus_use(&d->cpus->cpu[i], d->layout);

    for (u32 k = i; k < end; k++)
        if (has_tile(d, &d->cpus->cpu[k]) || qs_cpus_use(&d->cpus->cpu[k], d->layout) != use)
            return false;
    return true;
}

/* run_end returns the index after the last of the plain cores from i on that one line can show. */
static u32
run_end(drawing_t const *d, u32 i)
{
    qs_cpu_t const *first = &d->cpus->cpu[i];
    u32 end = i;

    while (end < d->cpus->cnt) {
        qs_cpu_t const *c = &d->cpus->cpu[end];
        if (c->package != first->package || c->node != first->node ||
            !is_plain(d, end, core_end(d, end)) ||
            qs_cpus_use(c, d->layout) != qs_cpus_use(first, d->layout))
            break;
        end = core_end(d, end);
    }
    return end;
}

/* list_of writes the numbers of cpus i to end - 1, or those of their cores. */
static char *
list_of(drawing_t const *d, u32 i, u32 end, bool cores, char *buf, u64 buf_sz)
{
    u16 number[QS_CPU_MAX];
    u32 cnt = 0;

    for (; i < end; i++)
        number[cnt++] = cores ? d->cpus->cpu[i].core : d->cpus->cpu[i].os;
    return qs_cpus_list(number, cnt, buf, buf_sz);
}

static void
write_id(FILE *f, i32 id, char const *mark)
{
    char text[16];

    snprintf(text, sizeof(text), "%d%s", id, mark);
    fprintf(f, "%-7s ", id < 0 ? "-" : text);
}

/* write_line writes cpus i to end - 1, which are alike: plain cores, or one cpu. */
static void
write_line(drawing_t const *d, u32 i, u32 end)
{
    qs_cpu_t const *c = &d->cpus->cpu[i];
    qs_cpu_use_t use = qs_cpus_use(c, d->layout);
    bool nic = c->node >= 0 && c->node == d->cpus->nic_node;
    char cores[32], cpus[32], label[QS_NAME_MAX + 4];

    write_id(d->f, c->package, "");
    write_id(d->f, c->node, nic ? "*" : "");
    fprintf(d->f, "%-11s %-15s ",
            use == QS_CPU_OFFLINE ? "-" : list_of(d, i, end, true, cores, sizeof(cores)),
            list_of(d, i, end, false, cpus, sizeof(cpus)));
    bool tiles = has_tile(d, c);
    for (u32 t = 0, cnt = 0; t < d->plan->tile_cnt; t++)
        if (d->plan->tile[t].cpu == c->os)
            fprintf(d->f, "%s%s", cnt++ ? " " : "",
                    qs_plan_label(d->plan, t, label, sizeof(label)));
    fprintf(d->f, "%s%s\n", tiles && use != QS_CPU_USABLE ? " " : "",
            !tiles || use != QS_CPU_USABLE ? use_text[use] : "");
}

void
qs_cpus_write_text(FILE *f, qs_cpus_t const *cpus, qs_config_layout_t const *layout,
                   qs_plan_t const *plan)
{
    drawing_t d = {.f = f, .cpus = cpus, .layout = layout, .plan = plan};
    char label[QS_NAME_MAX + 4], why[64];

    fprintf(f, "%-7s %-7s %-11s %-15s %s\n", "package", "node", "core", "cpu", "tiles");
    for (u32 i = 0; i < cpus->cnt;) {
        bool core_begins = !i || cpus->cpu[i - 1].core != cpus->cpu[i].core;
        u32 end = core_begins ? run_end(&d, i) : i;
        end = end > i ? end : i + 1;
        write_line(&d, i, end);
        i = end;
    }
    if (cpus->nic_node >= 0)
        fprintf(f, "* the NIC's node\n");
    fprintf(f, "\n%-12s %4s %-6s %s\n", "tile", "cpu", "idle", "why there");
    for (u32 i = 0; i < plan->tile_cnt; i++)
        fprintf(f, "%-12s %4d %-6s %s\n", qs_plan_label(plan, i, label, sizeof(label)),
                plan->tile[i].cpu, plan->tile[i].park ? "park" : "spin",
                qs_cpus_why(&plan->tile[i], why, sizeof(why)));
}

void
qs_cpus_write_tile_json(FILE *f, qs_plan_t const *plan, u32 tile)
{
    qs_plan_tile_t const *t = &plan->tile[tile];
    char label[QS_NAME_MAX + 4], why[64];

    fprintf(f, "\"name\":\"%s\",\"cpu\":%d,\"core\":%d,\"node\":%d,\"idle\":\"%s\",\"why\":\"%s\"",
            qs_plan_label(plan, tile, label, sizeof(label)), t->cpu, t->core, t->node,
            t->park ? "park" : "spin", qs_cpus_why(t, why, sizeof(why)));
}

void
qs_cpus_write_json(FILE *f, qs_cpus_t const *cpus, qs_config_layout_t const *layout,
                   qs_plan_t const *plan)
{
    char label[QS_NAME_MAX + 4];

    fprintf(f, "{\"topology\":\"%s\",\"nic_node\":%d,\"tiles\":[", plan->topo, cpus->nic_node);
    for (u32 i = 0; i < plan->tile_cnt; i++) {
        fputs(i ? ",{" : "{", f);
        qs_cpus_write_tile_json(f, plan, i);
        fputc('}', f);
    }
    fputs("],\"cpus\":[", f);
    for (u32 i = 0; i < cpus->cnt; i++) {
        qs_cpu_t const *c = &cpus->cpu[i];
        fprintf(
            f, "%s{\"cpu\":%u,\"core\":%u,\"package\":%d,\"node\":%d,\"use\":\"%s\",\"tiles\":[",
            i ? "," : "", c->os, c->core, c->package, c->node, use_name[qs_cpus_use(c, layout)]);
        for (u32 t = 0, cnt = 0; t < plan->tile_cnt; t++)
            if (plan->tile[t].cpu == c->os)
                fprintf(f, "%s\"%s\"", cnt++ ? "," : "",
                        qs_plan_label(plan, t, label, sizeof(label)));
        fputs("]}", f);
    }
    fputs("]}\n", f);
}

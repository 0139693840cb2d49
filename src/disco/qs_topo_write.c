#include "disco/qs_cpus.h"

static char const *const flow_name[] = {
    [QS_LOSSY] = "lossy", [QS_RELIABLE] = "reliable", [QS_EXPENDABLE] = "expendable"};

static char const *
death_name(qs_topo_t const *topo, qs_plan_tile_t const *t)
{
    return topo->tiles[t->row].death == QS_STOP ? "stop" : "restart";
}

static void
write_consumers(FILE *f, qs_plan_t const *plan, qs_plan_link_t const *link)
{
    char label[QS_NAME_MAX + 4];

    for (u32 c = 0; c < link->consumer_cnt; c++)
        fprintf(f, "%s%s", c ? " " : "",
                qs_plan_label(plan, link->consumer[c], label, sizeof(label)));
}

static void
write_id(FILE *f, i32 id)
{
    if (id >= 0)
        fprintf(f, "%4d ", id);
    else
        fprintf(f, "%4s ", "-");
}

void
qs_topo_write_text(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan)
{
    char label[QS_NAME_MAX + 4];
    u64 total = 0;

    fprintf(f, "%s: %s\n\n%s\n", topo->name, topo->help, topo->picture);
    fprintf(f, "%-12s %4s %4s %-6s %-8s %9s  %s\n", "tile", "cpu", "node", "idle", "on death",
            "KiB", "");
    for (u32 i = 0; i < plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &plan->tile[i];
        total += t->wksp_sz;
        fprintf(f, "%-12s ", qs_plan_label(plan, i, label, sizeof(label)));
        write_id(f, t->cpu);
        write_id(f, t->node);
        fprintf(f, "%-6s %-8s %9lu  %s\n", t->park ? "park" : "spin", death_name(topo, t),
                t->wksp_sz >> 10, topo->tiles[t->row].tile->help);
    }
    fprintf(f, "\n%-20s %-10s %7s %7s %6s  %s\n", "link", "flow", "depth", "window", "mtu",
            "read by");
    for (u32 i = 0; i < plan->link_cnt; i++) {
        qs_plan_link_t const *l = &plan->link[i];
        fprintf(f, "%-20s %-10s %7u %7u %6u  ", l->name, flow_name[l->flow], l->depth, l->window,
                l->mtu);
        write_consumers(f, plan, l);
        fputc('\n', f);
    }
    if (plan->port_cnt)
        fprintf(f, "\nports:");
    for (u32 i = 0; i < plan->port_cnt; i++)
        fprintf(f, " %s %u", plan->port[i].name, plan->port[i].port);
    fprintf(f, "\nmemory: %lu KiB\n", total >> 10);
}

void
qs_topo_write_dot(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan)
{
    char from[QS_NAME_MAX + 4], to[QS_NAME_MAX + 4];

    fprintf(f, "digraph %s {\n    rankdir=LR; node [shape=box];\n", topo->name);
    for (u32 i = 0; i < plan->tile_cnt; i++)
        fprintf(f, "    \"%s\";\n", qs_plan_label(plan, i, from, sizeof(from)));
    for (u32 i = 0; i < plan->link_cnt; i++) {
        qs_plan_link_t const *l = &plan->link[i];
        for (u32 c = 0; c < l->consumer_cnt; c++)
            fprintf(f, "    \"%s\" -> \"%s\" [label=\"%u x %u\"%s];\n",
                    qs_plan_label(plan, l->producer, from, sizeof(from)),
                    qs_plan_label(plan, l->consumer[c], to, sizeof(to)), l->window, l->mtu,
                    l->flow == QS_LOSSY ? ", style=dashed" : "");
    }
    fprintf(f, "}\n");
}

void
qs_topo_write_json(FILE *f, qs_topo_t const *topo, qs_plan_t const *plan)
{
    char label[QS_NAME_MAX + 4];

    fprintf(f, "{\"topology\":\"%s\",\"layout_hash\":\"%016lx\",\"tiles\":[", topo->name,
            plan->layout_hash);
    for (u32 i = 0; i < plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &plan->tile[i];
        fputs(i ? ",{" : "{", f);
        qs_cpus_write_tile_json(f, plan, i);
        fprintf(f, ",\"on_death\":\"%s\",\"memory_bytes\":%lu}", death_name(topo, t), t->wksp_sz);
    }
    fprintf(f, "],\"links\":[");
    for (u32 i = 0; i < plan->link_cnt; i++) {
        qs_plan_link_t const *l = &plan->link[i];
        fprintf(f, "%s{\"name\":\"%s\",\"from\":\"%s\",\"to\":[", i ? "," : "", l->name,
                qs_plan_label(plan, l->producer, label, sizeof(label)));
        for (u32 c = 0; c < l->consumer_cnt; c++)
            fprintf(f, "%s\"%s\"", c ? "," : "",
                    qs_plan_label(plan, l->consumer[c], label, sizeof(label)));
        fprintf(f, "],\"flow\":\"%s\",\"depth\":%u,\"window\":%u,\"mtu_bytes\":%u}",
                flow_name[l->flow], l->depth, l->window, l->mtu);
    }
    fprintf(f, "],\"ports\":[");
    for (u32 i = 0; i < plan->port_cnt; i++)
        fprintf(f, "%s{\"name\":\"%s\",\"port\":%u}", i ? "," : "", plan->port[i].name,
                plan->port[i].port);
    fprintf(f, "]}\n");
}

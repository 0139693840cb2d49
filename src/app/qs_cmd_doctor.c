/* doctor - looks at the host, changes nothing, and says what is wrong, what bars the next rung of
   the ladder, and what to do about it; if asked, it shows on a veth pair that XDP works here. */

#include <arpa/inet.h>
#include <unistd.h>

#include "app/doctor/qs_doctor.h"
#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/net/qs_net_keep.h"
#include "waltz/xdp/qs_nic.h"

static char const *const rung_key[QS_NET_RUNG_CNT] = {"zero_copy", "drv", "skb", "socket"};

static void
print_probe(qs_doctor_probe_t const *p)
{
    if (p->ran)
        printf(
            "probe:   %s on a veth pair; of %u datagrams %u came, %u went back, %u were damaged\n",
            qs_net_rung_name(p->rung), QS_PROBE_CNT, p->there, p->back, p->damaged);
}

static void
print_probe_json(qs_doctor_probe_t const *p)
{
    if (!p->ran) {
        printf(",\"probe\":null");
        return;
    }
    printf(",\"probe\":{\"rung\":\"%s\",\"sent\":%u,\"received\":%u,\"received_back\":%u,"
           "\"damaged\":%u}",
           rung_key[p->rung], QS_PROBE_CNT, p->there, p->back, p->damaged);
}

static void
print_text(qs_doctor_facts_t const *f, qs_diagnosis_t const *d)
{
    char text[256];

    printf("%s%s%s%s on Linux %s: %u errors, %u warnings, %u notes\n",
           f->ifname[0] ? f->ifname : "no interface", f->driver[0] ? " (" : "", f->driver,
           f->driver[0] ? ")" : "", f->release, d->of[QS_SEVERITY_ERROR],
           d->of[QS_SEVERITY_WARNING], d->of[QS_SEVERITY_NOTE]);
    for (u32 i = 0; i < d->cnt; i++) {
        qs_finding_t const *x = &d->finding[i];
        qs_text_named(text, sizeof(text), x->fix);
        printf("%-8s %s  %s\n%*sfix: %s\n", qs_severity_name(x->severity), qs_error_infos[x->id].id,
               x->cause, 21, "", text);
    }
    print_probe(&f->probe);
    printf("reaches: %s, as far as can be seen without a start on the interface itself\n",
           qs_net_rung_name(d->rung));
    if (d->rung == QS_NET_ZERO_COPY)
        return;
    printf("next:    %s, barred by", qs_net_rung_name(d->rung - 1));
    char const *comma = " ";
    for (u32 i = 0; i < d->cnt; i++) {
        if (d->finding[i].bars == QS_NET_SOCKET || d->finding[i].bars + 1 != d->rung)
            continue;
        printf("%s%s", comma, qs_error_infos[d->finding[i].id].id);
        comma = ", ";
    }
    printf("%s\n", comma[0] == ' ' ? " net.provider" : "");
}

static void
print_json(qs_doctor_facts_t const *f, qs_diagnosis_t const *d)
{
    printf("{\"iface\":");
    qs_text_write_quoted(stdout, f->ifname);
    printf(",\"driver\":");
    qs_text_write_quoted(stdout, f->driver);
    printf(",\"kernel\":");
    qs_text_write_quoted(stdout, f->release);
    printf(",\"rung\":\"%s\",\"next_rung\":", rung_key[d->rung]);
    printf(d->rung ? "\"%s\"" : "null", d->rung ? rung_key[d->rung - 1] : "");
    print_probe_json(&f->probe);
    printf(",\"errors\":%u,\"warnings\":%u,\"notes\":%u,\"findings\":[", d->of[QS_SEVERITY_ERROR],
           d->of[QS_SEVERITY_WARNING], d->of[QS_SEVERITY_NOTE]);
    for (u32 i = 0; i < d->cnt; i++) {
        qs_finding_t const *x = &d->finding[i];
        printf("%s{\"id\":\"%s\",\"severity\":\"%s\",\"bars\":", i ? "," : "",
               qs_error_infos[x->id].id, qs_severity_name(x->severity));
        printf(x->bars == QS_NET_SOCKET ? "null" : "\"%s\"", rung_key[x->bars]);
        printf(",\"cause\":");
        qs_text_write_quoted(stdout, x->cause);
        printf(",\"fix\":");
        qs_text_write_quoted(stdout, x->fix);
        printf("}");
    }
    printf("]}\n");
}

static int
alive(void *ctx, qs_instance_info_t const *info)
{
    *(bool *)ctx |= info->alive;
    return 0;
}

/* examine plans the topology, looks, and prints. */
static int
examine(qs_doctor_facts_t *f, qs_topo_t const *topo, bool json)
{
    qs_plan_t *plan = calloc(1, sizeof(*plan));
    qs_wksp_plan_t *wksp = calloc(QS_TILE_MAX, sizeof(*wksp));
    qs_diagnosis_t *d = calloc(1, sizeof(*d));
    char err[256];
    int code = 2;

    if (qs_plan_make(plan, wksp, topo, f->cfg, false, err, sizeof(err))) {
        fprintf(stderr, "%s doctor: %s\n", qs_text_program(), err);
    } else {
        f->plan = plan;
        (void)qs_instance_list(geteuid(), alive, &f->running);
        qs_doctor_look(f);
        if (!f->root[0])
            qs_doctor_ask(f);
        if (f->probe.asked)
            qs_doctor_probe(&f->probe);
        qs_doctor_judge(f, d);
        if (json)
            print_json(f, d);
        else
            print_text(f, d);
        code = d->of[QS_SEVERITY_ERROR] ? 3 : 0;
    }
    free(d);
    free(wksp);
    free(plan);
    return code;
}

int
qs_cmd_doctor(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *name = topos[0]->name, *peer = NULL, *root = "";
    bool json = false, help = false, table_md = false, probe = false;
    qs_arg_t const table[] = {
        {"IFACE", NULL, "the interface; else net.iface, else the one with the default route",
         QS_ARG_WORD, NULL},
        {"--peer", "ADDRESS", "also say how that address is reached", QS_ARG_STR, &peer},
        {"--topology", "NAME", "what memory and ports are needed", QS_ARG_STR, &name},
        {"--root", "DIR", "look at /proc and /sys below DIR, and do not ask the kernel", QS_ARG_STR,
         &root},
        {"--probe", NULL, "also send through XDP, on a veth pair in namespaces of their own",
         QS_ARG_FLAG, &probe},
        {"--nics", NULL, "only print the tables of docs/nics.md", QS_ARG_FLAG, &table_md},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_config_t cfg;
    struct in_addr address = {0};

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage("doctor", "[IFACE]", table);
        return 0;
    }
    if (code)
        return code;
    if (table_md) {
        qs_nic_write_md(stdout);
        return 0;
    }
    if (args.rest_cnt > 1 || (peer && inet_pton(AF_INET, peer, &address) != 1)) {
        fprintf(stderr, "%s doctor: %s\n", qs_text_program(),
                args.rest_cnt > 1 ? "one interface at a time" : "--peer takes an IPv4 address");
        return 2;
    }
    code = qs_args_load(&args, &cfg);
    qs_topo_t const *topo = code ? NULL : qs_cmd_topo_find(topos, name);
    if (!topo)
        return 2;
    qs_doctor_facts_t f = {
        .root = root, .cfg = &cfg, .peer = ntohl(address.s_addr), .probe.asked = probe};
    char const *iface = args.rest_cnt ? args.rest[0] : cfg.net.iface;
    if (strlen(iface) >= sizeof(f.ifname) || strchr(iface, '/')) {
        fprintf(stderr, "%s doctor: '%s' cannot be the name of an interface\n", qs_text_program(),
                iface);
        return 2;
    }
    snprintf(f.ifname, sizeof(f.ifname), "%s", iface);
    return examine(&f, topo, json);
}

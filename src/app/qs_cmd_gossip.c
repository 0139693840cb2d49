/* gossip - who is in the cluster: as a running node sees it, or as a passer-by does. */

#include <time.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_gossip_spy.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"

typedef struct options {
    char const *instance, *entrypoint, *sort, *filter;
    u64 seconds, port;
    bool json, help;
    qs_args_t args;
} options_t;

static u64
clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* peers_of returns the rows that the instance's gossip tile shares, or NULL. */
static qs_peers_t const *
peers_of(qs_attach_t const *a)
{
    int tile = qs_plan_tile_of(a->plan, "gossip");
    qs_plan_tile_t const *t = tile < 0 ? NULL : &a->plan->tile[tile];
    void const *mem = t ? qs_attach_at(a, (u32)tile, t->share_off, t->share_sz) : NULL;

    return qs_peers_sound(mem, t ? t->share_sz : 0) ? mem : NULL;
}

static int
peers(options_t const *o, qs_topo_t const *const *topos)
{
    qs_gossip_list_t list = {
        .sort = o->sort, .filter = o->filter, .json = o->json, .now_ms = clock_ms()};
    qs_attach_t a;

    int code = qs_gossip_list_check(&list, "peers");
    if (code)
        return code;
    if (qs_attach_open(&a, o->instance, topos)) {
        fprintf(stderr, "%s gossip peers: %s\n", qs_text_program(), a.why);
        return 1;
    }
    qs_peers_t const *p = peers_of(&a);
    if (!p) {
        fprintf(stderr, "%s gossip peers: instance %s has no gossip tile\n", qs_text_program(),
                a.instance.name);
        qs_attach_close(&a);
        return 1;
    }
    u32 max = p->max, cnt = 0;
    qs_peers_row_t *rows = calloc(max, sizeof(*rows));
    for (u32 i = 0; i < max; i++)
        cnt += qs_peers_get(p, i, &rows[cnt]);
    if (o->json)
        printf("{\"instance\":\"%s\",\"alive\":%s,\"nodes\":", a.instance.name,
               qs_instance_alive(&a.instance) ? "true" : "false");
    u32 shown = qs_gossip_list_print(&list, rows, cnt);
    if (o->json)
        printf("}\n");
    else
        printf("%u of %u nodes\n", shown, cnt);
    free(rows);
    qs_attach_close(&a);
    return 0;
}

static int
spy(options_t const *o)
{
    static qs_gossip_spy_t s;

    s = (qs_gossip_spy_t){.entrypoint = o->entrypoint,
                          .seconds = o->seconds,
                          .port = o->port,
                          .list = {.sort = o->sort, .filter = o->filter, .json = o->json}};
    int code = qs_gossip_list_check(&s.list, "spy");
    if (!code)
        code = qs_args_load(&o->args, &s.cfg);
    if (!code && o->port > UINT16_MAX) {
        fprintf(stderr, "%s gossip spy: --port %lu: 0..65535\n", qs_text_program(), o->port);
        code = 2;
    }
    return code ? code : qs_gossip_spy(&s);
}

int
qs_cmd_gossip(int argc, char **argv, qs_topo_t const *const *topos)
{
    options_t o = {.seconds = 20};
    qs_arg_t const table[] = {
        {"peers", NULL, "the table of a running node", QS_ARG_WORD, NULL},
        {"spy", NULL, "look at a cluster as a node without stake that serves nobody", QS_ARG_WORD,
         NULL},
        {"--instance", "NAME", "peers: which; not needed if there is only one", QS_ARG_STR,
         &o.instance},
        {"--entrypoint", "H:P", "spy: who is asked first, instead of gossip.entrypoints",
         QS_ARG_STR, &o.entrypoint},
        {"--seconds", "N", "spy: how long; 0: until Ctrl-C", QS_ARG_U64, &o.seconds},
        {"--port", "N", "spy: our UDP port; 0: any", QS_ARG_U64, &o.port},
        {"--sort", "BY", "stake, age, address or key", QS_ARG_STR, &o.sort},
        {"--filter", "TEXT", "only whose key, address or version begins so", QS_ARG_STR, &o.filter},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &o.json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &o.help},
        {0}};
    int code = qs_args_parse(&o.args, table, argc, argv);

    if (code)
        return code;
    if (o.help) {
        qs_args_usage("gossip", "peers|spy", table);
        return 0;
    }
    if (o.args.rest_cnt == 1 && !strcmp(o.args.rest[0], "peers"))
        return peers(&o, topos);
    if (o.args.rest_cnt == 1 && !strcmp(o.args.rest[0], "spy"))
        return spy(&o);
    fprintf(stderr, "usage: %s gossip peers|spy [OPTION]...\n", qs_text_program());
    return 2;
}

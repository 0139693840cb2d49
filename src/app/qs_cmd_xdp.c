/* xdp - what XDP programs are on the interfaces of this network namespace, and how to take ours
   off.  A program is attached by `quickstep run` and `dev` alone. */

#include <net/if.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_text.h"
#include "waltz/xdp/qs_xdp_attach.h"

typedef struct show {
    bool json;
    bool disasm;
    u32 cnt;
} show_t;

static int
refuse(qs_error_id_t id, char const *where, char const *text, char const *hint)
{
    qs_error_list_t errors = {0};
    qs_error_hint(qs_error_add(&errors, id, where, 0, 0, "%s", text), "%s", hint);
    qs_error_list_write(stderr, &errors);
    return 1;
}

/* listing returns the program in words, to be freed, or null. */
static char *
listing(u32 prog_id)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    if (!out)
        return NULL;
    int err = qs_xdp_query_insns(prog_id, out);
    fclose(out);
    if (!err)
        return text;
    free(text);
    return NULL;
}

static void
print_json(show_t const *show, char const *ifname, u32 ifindex, qs_xdp_found_t const *f,
           i32 const *slot, u32 slot_cnt)
{
    printf("%s{\"interface\":", show->cnt ? "," : "");
    qs_text_write_quoted(stdout, ifname);
    printf(",\"ifindex\":%u,\"mode\":\"%s\",\"program_id\":%u,\"program_name\":", ifindex,
           qs_xdp_mode_name(f->mode), f->prog_id);
    qs_text_write_quoted(stdout, f->name);
    printf(",\"ours\":%s,\"link_id\":", f->ours ? "true" : "false");
    printf(f->link_id ? "%u" : "null", f->link_id);
    printf(",\"instructions\":%u,\"loaded_boottime_ns\":%lu,\"xskmap\":", f->insn_cnt, f->load_ns);
    if (f->map_id) {
        printf("{\"id\":%u,\"slots\":%u,\"sockets\":[", f->map_id, f->queue_cnt);
        char const *comma = "";
        for (u32 i = 0; i < slot_cnt; i++) {
            if (slot[i] < 0)
                continue;
            printf("%s{\"slot\":%u,\"queue\":%d}", comma, i, slot[i]);
            comma = ",";
        }
        printf("]}");
    } else {
        printf("null");
    }
    char *text = show->disasm ? listing(f->prog_id) : NULL;
    if (text) {
        printf(",\"program\":");
        qs_text_write_quoted(stdout, text);
    }
    free(text);
    printf("}");
}

static void
print_text(show_t const *show, char const *ifname, u32 ifindex, qs_xdp_found_t const *f,
           i32 const *slot, u32 slot_cnt)
{
    printf("%s (%u): program %u \"%s\"%s, mode %s, ", ifname, ifindex, f->prog_id, f->name,
           f->ours ? " (quickstep)" : "", qs_xdp_mode_name(f->mode));
    if (f->link_id)
        printf("link %u", f->link_id);
    else
        printf("no link");
    if (f->insn_cnt)
        printf(", %u instructions", f->insn_cnt);
    printf("\n");
    if (f->map_id) {
        printf("  xskmap %u, %u slots:", f->map_id, f->queue_cnt);
        u32 sockets = 0;
        for (u32 i = 0; i < slot_cnt; i++) {
            if (slot[i] < 0)
                continue;
            printf(" %u", i);
            if (slot[i] != (i32)i)
                printf(" (of queue %d)", slot[i]);
            sockets++;
        }
        printf(sockets ? " have a socket\n" : " no socket, all is passed to the kernel\n");
    }
    char *text = show->disasm ? listing(f->prog_id) : NULL;
    if (text)
        printf("%s", text);
    else if (show->disasm)
        fprintf(stderr, "quickstep xdp: the kernel does not show program %u\n", f->prog_id);
    free(text);
}

static int
show_interface(show_t *show, char const *ifname, u32 ifindex)
{
    qs_xdp_query_t query;
    int err = qs_xdp_query(ifindex, &query);
    if (err)
        return refuse(QS_ERROR_XDP_ASK, ifname, strerror(-err), "root can ask");
    for (u32 i = 0; i < query.cnt; i++) {
        i32 slot[QS_XDP_QUEUE_MAX];
        qs_xdp_found_t const *f = &query.found[i];
        u32 slot_cnt = f->queue_cnt < QS_XDP_QUEUE_MAX ? f->queue_cnt : QS_XDP_QUEUE_MAX;
        if (!f->map_id || qs_xdp_query_slots(f->map_id, slot, slot_cnt))
            slot_cnt = 0;
        (show->json ? print_json : print_text)(show, ifname, ifindex, f, slot, slot_cnt);
        show->cnt++;
    }
    return 0;
}

static int
no_interface(char const *ifname)
{
    return refuse(QS_ERROR_XDP_NOWHERE, ifname, "no interface of that name here",
                  "`ip link` lists those of this network namespace");
}

static int
show_all(show_t *show)
{
    int code = 0;
    struct if_nameindex *all = if_nameindex();
    if (!all)
        return refuse(QS_ERROR_XDP_ASK, "if_nameindex", strerror(errno), "root can ask");
    for (struct if_nameindex *i = all; i->if_index && !code; i++)
        code = show_interface(show, i->if_name, i->if_index);
    if_freenameindex(all);
    return code;
}

static int
cmd_show(char const *ifname, bool json, bool disasm)
{
    show_t show = {.json = json, .disasm = disasm};
    u32 ifindex = ifname ? if_nametoindex(ifname) : 0;
    if (ifname && !ifindex)
        return no_interface(ifname);
    if (json)
        printf("{\"programs\":[");
    int code = ifname ? show_interface(&show, ifname, ifindex) : show_all(&show);
    if (json)
        printf("]}\n");
    else if (!code && !show.cnt)
        fprintf(stderr, "no XDP program%s%s\n", ifname ? " on " : "", ifname ? ifname : "");
    return code;
}

static int
cmd_detach(char const *ifname, bool json)
{
    char text[QS_XDP_WHY_MAX];
    u32 ifindex = if_nametoindex(ifname);
    if (!ifindex)
        return no_interface(ifname);
    int err = qs_xdp_remove(ifindex, text, sizeof(text));
    if (json) {
        printf("{\"interface\":");
        qs_text_write_quoted(stdout, ifname);
        printf(",\"detached\":%s}\n", err ? "false" : "true");
    }
    if (err == -EBUSY)
        return refuse(QS_ERROR_XDP_FOREIGN, ifname, text, "nothing was changed");
    if (err == -ENOENT)
        return refuse(QS_ERROR_XDP_NOTHING, ifname, "no program of quickstep is attached",
                      "`quickstep xdp show` lists all programs");
    if (err)
        return refuse(QS_ERROR_XDP_ASK, ifname, strerror(-err), "root can do it");
    return 0;
}

int
qs_cmd_xdp(int argc, char **argv, qs_topo_t const *const *topos)
{
    bool json = false, disasm = false, help = false;
    char const *instance = NULL;
    qs_arg_t const table[] = {
        {"show", "[IFACE]", "the programs that are attached, and the slots of their XSKMAP",
         QS_ARG_WORD, NULL},
        {"detach", "IFACE", "take ours off, whoever holds it", QS_ARG_WORD, NULL},
        {"audit", NULL, "where every frame of an instance is; 4: one is nowhere or twice",
         QS_ARG_WORD, NULL},
        {"--instance", "NAME", "audit: which; default: the only one", QS_ARG_STR, &instance},
        {"--program", NULL, "show: also the instructions, as the kernel runs them", QS_ARG_FLAG,
         &disasm},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage_own("xdp", "show [IFACE]|detach IFACE|audit", table);
        return 0;
    }
    if (code)
        return code;
    if (args.rest_cnt >= 1 && args.rest_cnt <= 2 && !strcmp(args.rest[0], "show"))
        return cmd_show(args.rest_cnt == 2 ? args.rest[1] : NULL, json, disasm);
    if (args.rest_cnt == 2 && !strcmp(args.rest[0], "detach"))
        return cmd_detach(args.rest[1], json);
    if (args.rest_cnt == 1 && !strcmp(args.rest[0], "audit"))
        return qs_cmd_xdp_audit(instance, json, topos);
    fprintf(stderr,
            "quickstep xdp: show [IFACE], detach IFACE or audit (see quickstep help xdp)\n");
    return 2;
}

/* tap - looks at any link of a running instance: as JSON, as a capture file, or as lines for people.

   It maps the producer's workspace read-only and reads the ring as a lossy reader does, so it holds
   nobody up and nobody knows of it: what it was too slow for it counts, exactly.  On links from and
   to a net tile fragments are shown as the UDP datagrams they are. */

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_txn_write.h"
#include "disco/qs_attach.h"
#include "disco/qs_format.h"
#include "tango/qs_racy.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/pcap/qs_pcapng.h"

#define BATCH    32u
#define PAUSE_NS 200000

/* What the payloads of a link are. */
typedef enum kind { FROM_NET, TO_NET, TXN, OTHER } kind_t;

typedef struct tap_opt {
    char const *instance, *file, *filter;
    bool json, help, payload;
    u64 cnt, seconds;
    qs_args_t args;
} tap_opt_t;

typedef struct tap {
    tap_opt_t opt;
    qs_attach_t attach;
    qs_plan_link_t const *link;
    kind_t kind;
    qs_mcache_rx_t rx;
    u8 const *base; /* of the producer's workspace */
    FILE *out;
    struct bpf_program filter;
    bool filters;
    u32 own_ip;
    u64 shown, seen, bad;
    u64 missed_before;    /* when the last one was shown */
    u64 wall_ns, mono_ns; /* one instant on both clocks */
    u8 copy[BATCH][UINT16_MAX + 1];
    u8 packet[QS_PCAPNG_UDP_HEAD + UINT16_MAX + 1];
} tap_t;

static volatile sig_atomic_t interrupted;

static void
interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static int
complain(char const *what, char const *why)
{
    fprintf(stderr, "quickstep tap: %s: %s\n", what, why);
    return 2;
}

static u64
clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static int
find_link(tap_t *t, char const *name)
{
    qs_plan_t const *p = t->attach.plan;

    for (u32 i = 0; i < p->link_cnt; i++)
        if (!strcmp(p->link[i].name, name))
            t->link = &p->link[i];
    if (t->link)
        return 0;
    fprintf(stderr, "quickstep tap: no link %s; there are:", name);
    for (u32 i = 0; i < p->link_cnt; i++)
        fprintf(stderr, " %s", p->link[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static qs_tile_t const *
tile_of(tap_t const *t, u32 tile)
{
    return t->attach.topo->tiles[t->attach.plan->tile[tile].row].tile;
}

static kind_t
kind_of(tap_t const *t)
{
    qs_tile_t const *from = tile_of(t, t->link->producer);

    if (from->is_net)
        return FROM_NET;
    if (t->link->consumer_cnt && tile_of(t, t->link->consumer[0])->is_net)
        return TO_NET;
    return !strcmp(from->name, "verify") || !strcmp(from->name, "dedup") ? TXN : OTHER;
}

/* skip_old moves the reader to what is published next.  The ring's reserve does not say where that
   is: a producer announces a batch before it has one. */
static void
skip_old(tap_t *t, qs_mcache_t const *ring)
{
    qs_frag_t frag[BATCH];

    t->rx.seq = qs_load_acquire(&ring->bound);
    for (u32 turn = 0; turn < 1u << 20; turn++) {
        u32 cnt = qs_mcache_peek(&t->rx, frag, BATCH);
        qs_mcache_advance(&t->rx, cnt);
        if (!cnt && !qs_mcache_ready(&t->rx))
            break;
    }
    t->rx.lost = 0;
}

static int
join_ring(tap_t *t)
{
    qs_plan_link_t const *l = t->link;
    void const *ring = qs_attach_at(&t->attach, l->producer, l->mcache_off, l->mcache_sz);
    struct in_addr own = {0};

    t->base = t->attach.wksp[l->producer].mem;
    if (!ring || !t->base || qs_mcache_rx_join(&t->rx, ring, l->mcache_sz, qs_mcache_seq0(ring)))
        return complain(l->name, "its ring cannot be read");
    skip_old(t, ring);
    inet_pton(AF_INET, t->attach.boot->cfg.net.bind_address, &own);
    t->own_ip = ntohl(own.s_addr);
    t->wall_ns = clock_ns(CLOCK_REALTIME);
    t->mono_ns = clock_ns(CLOCK_MONOTONIC);
    return 0;
}

static bool
looks_like_ip(tap_t const *t)
{
    return t->kind == FROM_NET || t->kind == TO_NET;
}

static int
compile_filter(tap_t *t)
{
    if (!t->opt.filter)
        return 0;
    pcap_t *dead = pcap_open_dead(looks_like_ip(t) ? DLT_RAW : DLT_USER0, UINT16_MAX);
    int err = pcap_compile(dead, &t->filter, t->opt.filter, 1, PCAP_NETMASK_UNKNOWN);
    int code = err ? complain("--filter", pcap_geterr(dead)) : 0;
    t->filters = !err;
    pcap_close(dead);
    return code;
}

/* wall_of turns a stamp of a descriptor, the low half of a clock, into ns since 1970. */
static u64
wall_of(tap_t const *t, u32 stamp)
{
    u64 when = qs_ts_decomp(stamp, clock_ns(CLOCK_MONOTONIC));
    return t->wall_ns + (when - t->mono_ns);
}

typedef struct addresses {
    u32 src_ip, dst_ip;
    u16 src_port, dst_port;
} addresses_t;

static u16
port_of(tap_t const *t, u32 idx)
{
    qs_plan_t const *p = t->attach.plan;
    return idx < p->port_cnt && idx < QS_PORT_MAX ? p->port[idx].port : 0;
}

static void
show_txn(tap_t *t, qs_frag_t const *f, u8 const *data)
{
    u32 off = qs_txn_desc_off(f->ctl);
    qs_txn_t const *txn = (qs_txn_t const *)(data + off);

    if (off > f->sz || !qs_txn_valid(txn, f->sz - off, f->ctl))
        return;
    if (t->opt.json) {
        fprintf(t->out, ",\"transaction\":");
        qs_txn_write_json(t->out, txn, data);
    } else {
        char text[QS_BASE58_64_MAX];
        qs_base58_encode_64(text, data + txn->signature_off);
        fprintf(t->out, " %s", text);
    }
}

static void
write_ip(FILE *f, u32 ip, u16 port)
{
    fprintf(f, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, port);
}

static void
show_json(tap_t *t, qs_frag_t const *f, addresses_t const *a, u8 const *data, u32 sz, u64 missed)
{
    fprintf(t->out,
            "{\"link\":\"%s\",\"seq\":%lu,\"sig\":\"%016lx\",\"bytes\":%u,\"ctl\":%u,"
            "\"origin_unix_ns\":%lu,\"publish_unix_ns\":%lu,\"missed\":%lu",
            t->link->name, f->seq, f->sig, sz, f->ctl, wall_of(t, f->ts_origin),
            wall_of(t, f->ts_publish), missed);
    if (a) {
        fprintf(t->out, ",\"src\":\"");
        write_ip(t->out, a->src_ip, a->src_port);
        fprintf(t->out, "\",\"dst\":\"");
        write_ip(t->out, a->dst_ip, a->dst_port);
        fprintf(t->out, "\"");
    }
    if (t->kind == TXN)
        show_txn(t, f, data);
    if (t->opt.payload) {
        fprintf(t->out, ",\"payload_hex\":\"");
        qs_txn_write_hex(t->out, data, sz);
        fprintf(t->out, "\"");
    }
    fprintf(t->out, "}\n");
}

static void
show_text(tap_t *t, qs_frag_t const *f, addresses_t const *a, u8 const *data, u32 sz, u64 missed)
{
    u64 ns = wall_of(t, f->ts_publish);

    if (missed)
        fprintf(t->out, "(%lu missed)\n", missed);
    fprintf(t->out, "%lu.%09lu %s %lu sig %016lx", ns / 1000000000u, ns % 1000000000u,
            t->link->name, f->seq, f->sig);
    if (a) {
        fprintf(t->out, " ");
        write_ip(t->out, a->src_ip, a->src_port);
        fprintf(t->out, " > ");
        write_ip(t->out, a->dst_ip, a->dst_port);
    }
    fprintf(t->out, " %u bytes", sz);
    if (t->kind == TXN)
        show_txn(t, f, data);
    fprintf(t->out, "\n");
}

/* show shows one datagram (a: its addresses) or payload if the filter lets it through. */
static void
show(tap_t *t, qs_frag_t const *f, addresses_t const *a, u8 const *data, u32 sz)
{
    u8 const *packet = data;
    u32 packet_sz = sz;

    if (t->opt.cnt && t->shown == t->opt.cnt)
        return;
    if (a) {
        qs_pcapng_udp_head(t->packet, a->src_ip, a->src_port, a->dst_ip, a->dst_port, (u16)sz);
        memcpy(t->packet + QS_PCAPNG_UDP_HEAD, data, sz);
        packet = t->packet;
        packet_sz = QS_PCAPNG_UDP_HEAD + sz;
    }
    struct pcap_pkthdr head = {.caplen = packet_sz, .len = packet_sz};
    if (t->filters && !pcap_offline_filter(&t->filter, &head, packet))
        return;
    u64 missed = t->rx.lost - t->missed_before;
    t->missed_before = t->rx.lost;
    t->shown++;
    if (t->opt.file) {
        char comment[64];
        snprintf(comment, sizeof(comment), "seq %lu sig %016lx", f->seq, f->sig);
        qs_pcapng_packet(t->out, wall_of(t, f->ts_origin), packet, packet_sz, missed, comment);
    } else if (t->opt.json) {
        show_json(t, f, a, data, sz, missed);
    } else {
        show_text(t, f, a, data, sz, missed);
    }
}

/* show_frag takes a fragment apart: a request to send is one datagram for each destination. */
static void
show_frag(tap_t *t, qs_frag_t const *f, u8 const *data)
{
    qs_net_sig_t sig = qs_net_sig_unpack(f->sig);
    qs_send_t const *req = (qs_send_t const *)data;

    t->seen++;
    if (t->kind == FROM_NET) {
        addresses_t a = {sig.src_ip, t->own_ip, sig.src_port, port_of(t, sig.port_idx)};
        show(t, f, &a, data, f->sz);
    } else if (t->kind != TO_NET) {
        show(t, f, NULL, data, f->sz);
    } else if (!qs_send_valid(req, f->sz)) {
        t->bad++;
    } else {
        for (u32 i = 0; i < req->dst_cnt; i++) {
            addresses_t a = {t->own_ip, req->dst[i].ip, port_of(t, req->src_port_idx),
                             req->dst[i].port};
            show(t, f, &a, (u8 const *)&req->dst[req->dst_cnt], req->sz);
        }
    }
}

/* read_batch shows what is there and returns how many fragments that was. */
static u32
read_batch(tap_t *t)
{
    qs_plan_link_t const *l = t->link;
    qs_frag_t frag[BATCH];
    bool ok[BATCH];
    u32 cnt = qs_mcache_peek(&t->rx, frag, BATCH);

    for (u32 i = 0; i < cnt; i++) {
        qs_frag_t const *f = &frag[i];
        u32 off = f->ctl & l->off_mask;
        u64 at = (u64)f->chunk * QS_CHUNK_SZ + off;
        ok[i] = f->sz <= l->mtu && qs_dcache_holds(&l->dcache, f->chunk, off, f->sz) &&
                qs_attach_at(&t->attach, l->producer, at, f->sz);
        if (ok[i])
            qs_racy_copy(t->copy[i], t->base + at, f->sz);
    }
    for (u32 i = cnt ? qs_mcache_settle(&t->rx, cnt) : 0; i < cnt; i++) {
        if (ok[i])
            show_frag(t, &frag[i], t->copy[i]);
        else
            t->bad++;
    }
    return cnt;
}

static void
watch(tap_t *t)
{
    u64 end = t->opt.seconds ? t->mono_ns + t->opt.seconds * 1000000000u : UINT64_MAX;
    u64 looked = t->mono_ns;

    while (!interrupted && !(t->opt.cnt && t->shown == t->opt.cnt) && !ferror(t->out)) {
        if (read_batch(t))
            continue;
        u64 now = clock_ns(CLOCK_MONOTONIC);
        if (now >= end)
            return;
        if (now - looked > 100000000u) {
            looked = now;
            if (!qs_instance_alive(&t->attach.instance))
                return;
        }
        fflush(t->out);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

static int
tap(tap_t *t)
{
    int code = find_link(t, t->opt.args.rest[0]);

    if (!code) {
        t->kind = kind_of(t);
        code = compile_filter(t);
    }
    t->out = stdout;
    if (!code && t->opt.file && strcmp(t->opt.file, "-"))
        t->out = fopen(t->opt.file, "wb");
    if (!code && !t->out)
        code = complain(t->opt.file, strerror(errno));
    if (!code)
        code = join_ring(t);
    if (code)
        return code;
    if (t->opt.file)
        qs_pcapng_begin(t->out, "quickstep tap", t->link->name,
                        looks_like_ip(t) ? QS_PCAPNG_LINK_RAW : QS_PCAPNG_LINK_USER0);
    fflush(t->out);
    fprintf(stderr, "quickstep tap: %s of %s\n", t->link->name, t->attach.instance.name);
    watch(t);
    if (t->opt.file)
        qs_pcapng_end(t->out, clock_ns(CLOCK_REALTIME), t->seen, t->rx.lost);
    if (t->opt.json && !t->opt.file)
        fprintf(t->out,
                "{\"link\":\"%s\",\"end\":true,\"shown\":%lu,\"seen\":%lu,\"missed\":%lu,"
                "\"bad\":%lu}\n",
                t->link->name, t->shown, t->seen, t->rx.lost, t->bad);
    fprintf(stderr, "quickstep tap: %lu shown, %lu seen, %lu missed, %lu bad\n", t->shown, t->seen,
            t->rx.lost, t->bad);
    return fflush(t->out) || ferror(t->out) ? 1 : 0;
}

int
qs_cmd_tap(int argc, char **argv, qs_topo_t const *const *topos)
{
    static tap_t t;
    qs_arg_t const table[] = {
        {"LINK", NULL, "its name in quickstep topo, such as net_verify", QS_ARG_WORD, NULL},
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR,
         &t.opt.instance},
        {"--count", "N", "end after N", QS_ARG_U64, &t.opt.cnt},
        {"--seconds", "N", "end after N seconds", QS_ARG_U64, &t.opt.seconds},
        {"--filter", "EXPR", "as tcpdump takes it, such as 'udp src port 5000 and greater 200'",
         QS_ARG_STR, &t.opt.filter},
        {"-w", "FILE", "write a pcapng capture; - is standard output", QS_ARG_STR, &t.opt.file},
        {"--payload", NULL, "JSON: the bytes too", QS_ARG_FLAG, &t.opt.payload},
        {"--json", NULL, "one object per line; the last says what was missed", QS_ARG_FLAG,
         &t.opt.json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &t.opt.help},
        {0}};

    int code = qs_args_parse(&t.opt.args, table, argc, argv);
    if (t.opt.help) {
        qs_args_usage_own("tap", "LINK", table);
        return 0;
    }
    if (code)
        return code;
    if (t.opt.args.rest_cnt != 1)
        return complain("usage", "name one link (see quickstep help tap)");
    if (qs_attach_open(&t.attach, t.opt.instance, topos)) {
        fprintf(stderr, "quickstep tap: %s\n", t.attach.why);
        return 1;
    }
    struct sigaction act = {.sa_handler = interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    code = tap(&t);
    if (t.filters)
        pcap_freecode(&t.filter);
    qs_attach_close(&t.attach);
    return code;
}

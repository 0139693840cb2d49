/* veth_tool - what bench veth runs besides quickstep: three programs in one.

       veth_tool run --topology taken ...    a net tile and a consumer that only counts, as a
                                             topology of its own: every subcommand of quickstep
       veth_tool recvmmsg ADDRESS PORT blocking|spinning
                                             the peer: a thread that takes datagrams and drops them
       veth_tool softirq                     what the network's softirqs take, by cpu

   The last two answer each line of standard input with one line of numbers, and end with it:
   recvmmsg how many datagrams came, then how many calls were made; softirq the ns of all cpus, then
   those of cpu 0, cpu 1, ...

   QS_TALLY_RESTS=1: the consumer sleeps through most of the traffic, so that only the net tile
   runs: as testpmd's rxonly and recvmmsg, which drop what they took, it then pays for no consumer. */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/qs_cmd.h"
#include "disco/qs_probe.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "waltz/ebpf/qs_ebpf.h"

#define REST_NS 20000000
#define BIN_NS  100u /* latencies are told apart by so much */
#define BINS    100000u
#define CPU_MAX 1024u
#define NET_RX  3 /* enum of linux/interrupt.h; shown by the tracepoint */
#define BATCH   64u
#define ROOM    2048u
#define RCVBUF  (4 << 20) /* as net.socket_rcvbuf_bytes */

#define TALLY_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(received, "datagrams")                                                                 \
    GAUGE(p50_ns, "half of the stamped ones took at most so long from the sender's stamp to here") \
    GAUGE(p99_ns, "99 in 100")
QS_METRICS(tally, TALLY_METRICS);

typedef struct tally {
    tally_metrics_t *m;
    bool rests;
    u64 timed;
    u32 bin[BINS]; /* the last one: and above */
} tally_t;

static void *
tally_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(tally_t), QS_ALIGN);
}

static int
tally_boot(void *self, qs_tile_ctx_t *ctx)
{
    tally_t *t = self;

    t->m = ctx->metrics;
    t->rests = getenv("QS_TALLY_RESTS");
    return 0;
}

/* percentile returns the upper end of the bin below which permille of all lie. */
static u64
percentile(tally_t const *t, u64 permille)
{
    u64 below = 0, want = t->timed * permille / 1000;
    u32 i = 0;

    while (i < BINS - 1 && (below += t->bin[i]) <= want)
        i++;
    return t->timed ? (u64)(i + 1) * BIN_NS : 0;
}

static void
time_one(tally_t *t, u64 sent_ns, u64 now_ns)
{
    u64 bin = now_ns > sent_ns ? (now_ns - sent_ns) / BIN_NS : 0;

    t->bin[bin < BINS ? bin : BINS - 1]++;
    t->timed++;
}

static u32
tally_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    tally_t *t = self;
    qs_probe_t p;

    for (u32 i = 0; i < b->cnt; i++) {
        if (b->frag[i].sz < sizeof(p))
            continue;
        memcpy(&p, b->data[i], sizeof(p));
        if (p.magic == QS_PROBE_MAGIC && p.check == qs_probe_check(&p))
            time_one(t, p.sent_ns, stem->now);
    }
    qs_metric_add(&t->m->received, b->cnt);
    return b->cnt;
}

static u32
tally_poll(void *self, qs_stem_t *stem)
{
    tally_t *t = self;

    (void)stem;
    if (t->rests)
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
    return 0;
}

static void
tally_tidy(void *self, qs_stem_t *stem)
{
    tally_t *t = self;

    (void)stem;
    qs_metric_set(&t->m->p50_ns, percentile(t, 500));
    qs_metric_set(&t->m->p99_ns, percentile(t, 990));
}

static void tally_run(void *self, qs_stem_t *stem);

/* clang-format off */
static int const tally_syscalls[] = {SYS_clock_nanosleep, -1};

static qs_tile_t const tile_tally = {
    .name     = "tally",
    .help     = "counts and times what comes",
    .in       = {{.from = "net"}},
    .metrics  = tally_metric_desc,
    .tidy_ns  = 10000000,
    .syscalls = tally_syscalls,
    .layout   = tally_layout,
    .boot     = tally_boot,
    .frag     = tally_frag,
    .poll     = tally_poll,
    .tidy     = tally_tidy,
    .run      = tally_run,
};

static qs_tile_row_t const taken_tiles[] = {
    { NULL, &qs_tile_net, 1, NULL, QS_RESTART },
    { NULL, &tile_tally,  1, NULL, QS_RESTART },
    { 0 }
};

static qs_link_row_t const taken_links[] = {
/*    from   to       depth window mtu flow      ports */
    { "net", "tally", 1024, 0,     0,  QS_LOSSY, "tpu" },
    { 0 }
};

static qs_topo_t const topo_taken = {
    .name    = "taken",
    .help    = "receives, and counts what came",
    .picture = "      wire ~~~> net ---> tally           ---> lossy\n",
    .tiles   = taken_tiles,
    .links   = taken_links,
};
/* clang-format on */

static void
tally_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&tile_tally, self, stem);
}

static int
fail(char const *what)
{
    fprintf(stderr, "veth_tool: %s: %s\n", what, strerror(errno));
    return 1;
}

/* wait_for_line returns false at the end of standard input. */
static bool
wait_for_line(void)
{
    char line[64];
    return fgets(line, sizeof(line), stdin);
}

static u64 got, called;
static bool spins;

static void *
take(void *arg)
{
    static u8 room[BATCH][ROOM];
    struct iovec iov[BATCH];
    struct mmsghdr msg[BATCH] = {0};
    struct sockaddr_in from[BATCH];
    int fd = *(int *)arg;

    for (u32 i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){room[i], ROOM};
        msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &from[i]};
    }
    for (;;) {
        for (u32 i = 0; i < BATCH; i++)
            msg[i].msg_hdr.msg_namelen = sizeof(from[i]);
        int cnt = recvmmsg(fd, msg, BATCH, spins ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        if (cnt > 0)
            qs_store_relaxed(&got, got + (u32)cnt);
        qs_store_relaxed(&called, called + 1);
    }
    return NULL;
}

static int
receive(char const *address, char const *port, bool spin)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((u16)atoi(port))};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), sz = RCVBUF;
    pthread_t thread;

    spins = spin;
    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
        (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &sz, sizeof(sz)) &&
         setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sz, sizeof(sz))) ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) || pthread_create(&thread, NULL, take, &fd))
        return fail("recvmmsg");
    while (wait_for_line()) {
        printf("%lu %lu\n", qs_load_relaxed(&got), qs_load_relaxed(&called));
        fflush(stdout);
    }
    return 0;
}

/* The two programs: entry writes the time into slot 0 of its cpu, exit adds what passed to slot 1.
   The first word of a raw tracepoint's context is the softirq's number. */
static int
load(int map, bool at_exit)
{
    static qs_ebpf_t e;
    qs_ebpf_label_t out;
    char log[4096] = "";
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log), .log_level = 1);

    qs_ebpf_init(&e);
    out = qs_ebpf_label(&e);
    qs_ebpf_ldx(&e, QS_EBPF_DW, QS_EBPF_R1, QS_EBPF_R1, 0);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JNE, QS_EBPF_R1, NET_RX, out);
    qs_ebpf_st(&e, QS_EBPF_W, QS_EBPF_R10, -4, 0);
    qs_ebpf_alu_reg(&e, QS_EBPF_MOV, QS_EBPF_R2, QS_EBPF_R10);
    qs_ebpf_alu_imm(&e, QS_EBPF_ADD, QS_EBPF_R2, -4);
    qs_ebpf_lddw_map(&e, QS_EBPF_R1, map);
    qs_ebpf_call(&e, BPF_FUNC_map_lookup_elem);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JEQ, QS_EBPF_R0, 0, out);
    qs_ebpf_alu_reg(&e, QS_EBPF_MOV, QS_EBPF_R6, QS_EBPF_R0);
    qs_ebpf_call(&e, BPF_FUNC_ktime_get_ns);
    if (at_exit) {
        qs_ebpf_ldx(&e, QS_EBPF_DW, QS_EBPF_R1, QS_EBPF_R6, 0);
        qs_ebpf_jmp_imm(&e, QS_EBPF_JEQ, QS_EBPF_R1, 0, out); /* began before we looked */
        qs_ebpf_alu_reg(&e, QS_EBPF_SUB, QS_EBPF_R0, QS_EBPF_R1);
        qs_ebpf_ldx(&e, QS_EBPF_DW, QS_EBPF_R1, QS_EBPF_R6, 8);
        qs_ebpf_alu_reg(&e, QS_EBPF_ADD, QS_EBPF_R0, QS_EBPF_R1);
        qs_ebpf_stx(&e, QS_EBPF_DW, QS_EBPF_R6, 8, QS_EBPF_R0);
    } else {
        qs_ebpf_stx(&e, QS_EBPF_DW, QS_EBPF_R6, 0, QS_EBPF_R0);
    }
    qs_ebpf_bind(&e, out);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, 0);
    qs_ebpf_exit(&e);
    if (qs_ebpf_resolve(&e))
        return -1;
    int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "qs_softirq", "GPL", e.insn, e.cnt, &opts);
    if (fd < 0)
        fprintf(stderr, "%s", log);
    return fd < 0 ? fd : bpf_raw_tracepoint_open(at_exit ? "softirq_exit" : "softirq_entry", fd);
}

static int
watch_softirqs(void)
{
    static u64 slot[CPU_MAX][2];
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    int map = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "qs_softirq", 4, sizeof(slot[0]), 1, NULL);

    if (map < 0 || cpus > CPU_MAX || load(map, false) < 0 || load(map, true) < 0)
        return fail("softirq");
    while (wait_for_line()) {
        u64 sum = 0;
        u32 key = 0;
        if (bpf_map_lookup_elem(map, &key, slot))
            return fail("softirq");
        for (long i = 0; i < cpus; i++)
            sum += slot[i][1];
        printf("%lu", sum);
        for (long i = 0; i < cpus; i++)
            printf(" %lu", slot[i][1]);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    static qs_topo_t const *const topos[] = {&topo_taken, NULL};

    if (argc == 5 && !strcmp(argv[1], "recvmmsg"))
        return receive(argv[2], argv[3], !strcmp(argv[4], "spinning"));
    if (argc == 2 && !strcmp(argv[1], "softirq"))
        return watch_softirqs();
    return qs_main(argc, argv, topos);
}

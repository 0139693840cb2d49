/* metric - tells operators' programs what all tiles count, by HTTP.

       workspaces of all tiles, read-only  -->  metric  ~~HTTP~~>  Prometheus, load balancers, people

       /metrics   every number, as Prometheus text (qs_metric_page.h)
       /healthz   200 as long as no tile that runs has fallen silent, else 503 and which
       /readyz    200 when all tiles run, else 503 and which do not

   In:    TCP connections to metric.address and metric.port; no links.
   Out:   answers.  It rings nobody and writes nothing that another tile reads.
   Loss:  connections beyond SLOT_MAX: the oldest is cut for the newest.  One that is silent for SILENT_S,
          or has no whole request for LIFE_NS, is cut too.  A restart forgets connections, but not the
          port, which the supervisor keeps.
   Trust: nobody.  A request may have HEADER_MAX bytes, is looked at as method and path alone, and
          its body is not read.  What tiles count is passed on as numbers; names come from our tables.
   Port:  one that cannot be had is told and tried again; the node goes on meanwhile. */

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disco/qs_metric_page.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"

/* clang-format off */
#define METRIC_METRICS(COUNTER, GAUGE)                                                        \
    COUNTER(connection,  "connections accepted")                                              \
    COUNTER(cut_full,    "connections cut because there were too many")                       \
    COUNTER(cut_slow,    "connections cut because they sent no whole request in time")        \
    COUNTER(scrape,      "times /metrics was written")                                        \
    COUNTER(scrape_ns,   "time that took")                                                    \
    COUNTER(health,      "times /healthz or /readyz was answered")                            \
    COUNTER(unhealthy,   "those of them answered with 503")                                   \
    COUNTER(refused,     "requests for anything else")                                        \
    GAUGE(open,          "connections open now")                                              \
    GAUGE(page_bytes,    "size of the last page")                                             \
    GAUGE(listening,     "1 if the port could be had")
/* clang-format on */

QS_METRICS(metric, METRIC_METRICS);

#define SLOT_MAX   32u
#define SPARE      4u /* connections that are cut, and not closed yet */
#define ROOM_MAX   (SLOT_MAX + SPARE)
#define ACCEPT_MAX 4u /* in one turn */
#define SILENT_S   10u
#define LIFE_NS    20000000000ull
#define HEADER_MAX 8192u
#define SPIN_NS    1000000u /* between looks of a tile that does not sleep */
#define TIDY_NS    20000000u
#define SICK_NS    5000000000ull /* silence after which a tile is not well */
#define RETRY_LOOK 25u           /* of tend, which is called every 200 ms */
#define SAID_MAX   1024u

typedef struct slot {
    int fd; /* -1: free */
    bool cut;
    u64 since_ns; /* when it came, or had its last answer */
} slot_t;

typedef struct metric {
    metric_metrics_t *m;
    qs_metric_view_t view;
    qs_clock_t const *clock;
    qs_metric_page_t *page;
    char *text;
    u64 text_max;
    struct MHD_Daemon *http;
    int listen_fd;
    int room_fd[ROOM_MAX];
    slot_t slot[ROOM_MAX];
    u64 now, look_at;
} metric_t;

/* ---- the port, which is the supervisor's ---- */

static int
listen_at(qs_config_metric_t const *cfg)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((u16)cfg->port)};
    int one = 1;

    if (cfg->address[0] && inet_pton(AF_INET, cfg->address, &at.sin_addr) != 1)
        return -EINVAL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, 2 * SLOT_MAX))
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

static int
metric_keep(qs_tile_ctx_t *ctx)
{
    qs_config_metric_t const *cfg = &ctx->cfg->metric;
    int fd = listen_at(cfg);

    if (fd >= 0)
        ctx->kept_fd[ctx->kept_cnt++] = fd;
    else
        snprintf(ctx->err, sizeof(ctx->err),
                 "no metrics by HTTP for now: %s:%u (metric.address, metric.port): %s",
                 cfg->address[0] ? cfg->address : "*", cfg->port, strerror(-fd));
    return 0;
}

/* metric_tend tries again to get the port; note[0] counts the looks. */
static int
metric_tend(qs_tile_ctx_t *ctx, u32 why)
{
    if (why != QS_TEND_LOOK || ctx->kept_cnt || ++ctx->note[0] % RETRY_LOOK)
        return 0;
    int fd = listen_at(&ctx->cfg->metric);
    if (fd < 0)
        return 0;
    ctx->kept_fd[ctx->kept_cnt++] = fd;
    snprintf(ctx->err, sizeof(ctx->err), "metrics by HTTP are to be had now: port %u",
             ctx->cfg->metric.port);
    return QS_TEND_RENEW;
}

/* ---- what is answered ---- */

static enum MHD_Result
respond(struct MHD_Connection *c, u32 status, char const *type, char const *text, u64 sz)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(sz, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

static enum MHD_Result
respond_text(struct MHD_Connection *c, u32 status, char const *text)
{
    return respond(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result
answer_metrics(metric_t *s, struct MHD_Connection *c)
{
    u64 begun = qs_clock_now(s->clock);
    u64 sz = qs_metric_page_write(s->page, s->text, s->text_max, begun);

    qs_metric_inc(&s->m->scrape);
    qs_metric_add(&s->m->scrape_ns, qs_clock_now(s->clock) - begun);
    qs_metric_set(&s->m->page_bytes, sz);
    return respond(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", s->text, sz);
}

/* is_well: a tile that does not run is not ready, but on its way; one that runs and is silent is ill. */
static bool
is_well(metric_t const *s, u32 tile, bool ready)
{
    qs_life_metrics_t life = qs_metric_life(&s->view, tile, s->now);
    qs_cnc_state_t state = qs_metric_tile_state(&s->view, tile);

    if (ready)
        return life.up || state == QS_CNC_HALTED;
    return !life.up || life.heartbeat_age_ns < SICK_NS;
}

static enum MHD_Result
answer_health(metric_t *s, struct MHD_Connection *c, bool ready)
{
    char said[SAID_MAX], label[QS_NAME_MAX + 4];
    u64 used = 0;

    said[0] = 0;
    for (u32 i = 0; i < s->view.plan->tile_cnt; i++)
        if (!is_well(s, i, ready) && used < sizeof(said) - 64)
            used += (u64)snprintf(said + used, sizeof(said) - used, "%s: %s\n",
                                  qs_plan_label(s->view.plan, i, label, sizeof(label)),
                                  ready ? "does not run" : "is silent");
    qs_metric_inc(&s->m->health);
    if (!used)
        return respond_text(c, MHD_HTTP_OK, "ok\n");
    qs_metric_inc(&s->m->unhealthy);
    return respond_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, said);
}

/* answer is called when the head of a request is there, again for each piece of its body, and once
   more at its end. */
static enum MHD_Result
answer(void *self, struct MHD_Connection *c, char const *url, char const *method,
       char const *version, char const *data, size_t *data_sz, void **seen)
{
    metric_t *s = self;
    (void)version;
    (void)data;

    if (!*seen) {
        *seen = s;
        return MHD_YES;
    }
    if (*data_sz) {
        *data_sz = 0;
        return MHD_YES;
    }
    bool reads = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
    if (reads && !strcmp(url, "/metrics"))
        return answer_metrics(s, c);
    if (reads && !strcmp(url, "/healthz"))
        return answer_health(s, c, false);
    if (reads && !strcmp(url, "/readyz"))
        return answer_health(s, c, true);
    qs_metric_inc(&s->m->refused);
    if (!reads)
        return respond_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
    return respond_text(c, MHD_HTTP_NOT_FOUND, "/metrics, /healthz or /readyz\n");
}

/* ---- connections ---- */

static slot_t *
slot_of(struct MHD_Connection *c)
{
    union MHD_ConnectionInfo const *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void
on_connection(void *self, struct MHD_Connection *c, void **context,
              enum MHD_ConnectionNotificationCode what)
{
    metric_t *s = self;
    slot_t *slot = *context;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (slot)
            slot->fd = -1;
        return;
    }
    union MHD_ConnectionInfo const *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (u32 i = 0; info && i < ROOM_MAX; i++) {
        if (s->slot[i].fd >= 0)
            continue;
        s->slot[i] = (slot_t){.fd = info->connect_fd, .since_ns = s->now};
        *context = &s->slot[i];
        return;
    }
}

static void
on_answered(void *self, struct MHD_Connection *c, void **seen, enum MHD_RequestTerminationCode how)
{
    metric_t *s = self;
    slot_t *slot = slot_of(c);
    (void)seen;

    if (slot && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        slot->since_ns = s->now;
}

/* cut: its end is then seen and dealt with as if the client had left. */
static void
cut(slot_t *slot, u64 *counter)
{
    slot->cut = true;
    shutdown(slot->fd, SHUT_RDWR);
    qs_metric_inc(counter);
}

/* look_after cuts whoever has been here for too long, and the oldest if there are too many.  Returns how
   many there are, those that were cut included, and in due when the next is to be cut. */
static u32
look_after(metric_t *s, u64 *due)
{
    slot_t *oldest = NULL;
    u32 cnt = 0, cut_cnt = 0;

    *due = UINT64_MAX;
    for (u32 i = 0; i < ROOM_MAX; i++) {
        slot_t *slot = &s->slot[i];
        if (slot->fd < 0)
            continue;
        cnt++;
        if (!slot->cut && s->now - slot->since_ns >= LIFE_NS)
            cut(slot, &s->m->cut_slow);
        cut_cnt += slot->cut;
        if (slot->cut)
            continue;
        *due = qs_min_u64(*due, slot->since_ns + LIFE_NS);
        if (!oldest || slot->since_ns < oldest->since_ns)
            oldest = slot;
    }
    if (cnt - cut_cnt > SLOT_MAX - 1)
        cut(oldest, &s->m->cut_full);
    return cnt;
}

/* accept_some leaves in the queue whom it has no room for. */
static u32
accept_some(metric_t *s, u64 *due)
{
    for (u32 i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in from = {0};
        socklen_t from_sz = sizeof(from);
        if (look_after(s, due) >= ROOM_MAX)
            return i;
        int fd =
            accept4(s->listen_fd, (struct sockaddr *)&from, &from_sz, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return i;
        qs_metric_inc(&s->m->connection);
        MHD_add_connection(s->http, fd, (struct sockaddr *)&from, from_sz); /* or it closes fd */
    }
    look_after(s, due);
    return ACCEPT_MAX;
}

/* ---- the tile ---- */

static void *
metric_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    metric_t *s = qs_layout_take(l, sizeof(*s), QS_ALIGN);
    u64 text_max = qs_metric_page_text_max(ctx->plan, ctx->topo);
    void *page = qs_layout_take(l, qs_metric_page_footprint(ctx->plan, ctx->topo), QS_ALIGN);
    char *text = qs_layout_take(l, text_max, QS_ALIGN);

    if (l->base) {
        s->page = page;
        s->text = text;
        s->text_max = text_max;
    }
    return s;
}

static int
start_http(metric_t *s, qs_tile_ctx_t *ctx)
{
    s->http = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL,
        answer, s, MHD_OPTION_CONNECTION_LIMIT, ROOM_MAX, MHD_OPTION_CONNECTION_TIMEOUT, SILENT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_answered, s,
        MHD_OPTION_END);
    union MHD_DaemonInfo const *info =
        s->http ? MHD_get_daemon_info(s->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;

    if (!info) {
        snprintf(ctx->err, sizeof(ctx->err), "libmicrohttpd does not start");
        return -EIO;
    }
    ctx->wait_fd[ctx->wait_cnt++] = s->listen_fd;
    ctx->wait_fd[ctx->wait_cnt++] = info->epoll_fd;
    return 0;
}

/* metric_boot reserves descriptors: in the sandbox none can be had beyond those that are open now. */
static int
metric_boot(void *self, qs_tile_ctx_t *ctx)
{
    metric_t *s = self;

    s->m = ctx->metrics;
    s->clock = ctx->clock;
    s->view = (qs_metric_view_t){
        .plan = ctx->plan, .topo = ctx->topo, .boot = ctx->boot, .wksp = ctx->all};
    s->page = qs_metric_page_init(s->page, &s->view);
    s->listen_fd = ctx->kept_cnt ? ctx->kept_fd[0] : -1;
    s->http = NULL;
    s->look_at = 0;
    for (u32 i = 0; i < ROOM_MAX; i++) {
        s->slot[i].fd = -1;
        s->room_fd[i] = s->listen_fd < 0 ? -1 : dup(s->listen_fd);
        if (s->room_fd[i] >= 0)
            ctx->own_fd[ctx->own_cnt++] = s->room_fd[i];
    }
    qs_metric_set(&s->m->listening, s->listen_fd >= 0);
    return s->listen_fd < 0 ? 0 : start_http(s, ctx);
}

static int
metric_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    metric_t *s = self;
    (void)ctx;
    (void)stem;

    for (u32 i = 0; i < ROOM_MAX; i++)
        if (s->room_fd[i] >= 0)
            close(s->room_fd[i]);
    return 0;
}

static u32
metric_poll(void *self, qs_stem_t *stem)
{
    metric_t *s = self;
    unsigned long long ms;
    u64 due;

    s->now = stem->now;
    if (!s->http || (!stem->park && s->now < s->look_at))
        return 0;
    s->look_at = s->now + SPIN_NS;
    u32 did = accept_some(s, &due);
    MHD_run(s->http);
    if (due != UINT64_MAX)
        qs_stem_wake_at(stem, due);
    if (MHD_get_timeout(s->http, &ms) == MHD_YES)
        qs_stem_wake_at(stem, s->now + ms * 1000000u);
    return did;
}

static void
metric_tidy(void *self, qs_stem_t *stem)
{
    metric_t *s = self;
    u32 cnt = 0;
    (void)stem;

    for (u32 i = 0; i < ROOM_MAX; i++)
        cnt += s->slot[i].fd >= 0;
    qs_metric_set(&s->m->open, cnt);
}

static void
metric_run(void *self, qs_stem_t *stem)
{
    metric_t *s = self;

    qs_stem_loop(&qs_tile_metric, self, stem);
    if (s->http)
        MHD_stop_daemon(s->http);
}

static int const metric_syscalls[] = {SYS_accept4, SYS_epoll_wait, SYS_epoll_ctl, SYS_recvfrom,
                                      SYS_sendto,  SYS_sendmsg,    SYS_shutdown,  SYS_setsockopt,
                                      SYS_fcntl,   SYS_close,      SYS_mremap,    -1};

/* clang-format off */
qs_tile_t const qs_tile_metric = {
    .name      = "metric",
    .help      = "serves what all tiles count to Prometheus, by HTTP",
    .metrics   = metric_metric_desc,
    .wait      = QS_WAIT_POLL,
    .reads_all = true,
    .tidy_ns   = TIDY_NS,
    .syscalls  = metric_syscalls,
    .keep      = metric_keep,
    .tend      = metric_tend,
    .layout    = metric_layout,
    .boot      = metric_boot,
    .init      = metric_init,
    .poll      = metric_poll,
    .tidy      = metric_tidy,
    .run       = metric_run,
};
/* clang-format on */

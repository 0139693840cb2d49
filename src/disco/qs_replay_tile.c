/* replay - sends the UDP payloads of a capture file, each to its own port at load.target.

       FILE.pcap  ~~~>  replay  ===>  net  ~~~>  load.target : as captured

   Out:   requests to send (qs_format.h), at the capture's pace, a multiple of it, or a rate.
   Loss:  none of its own: it waits for credit.  A payload too long for one frame is counted.
   Ends:  by itself when all were handed to net.  A restart would send twice: its row says stop.
   Trust: the file is read before the sandbox, by a reader that believes no length. */

#include <arpa/inet.h>

#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "waltz/pcap/qs_pcap.h"

#define REPLAY_METRICS(COUNTER, GAUGE)                                                             \
    COUNTER(sent, "datagrams handed to the net tile")                                              \
    COUNTER(too_long, "datagrams of the capture too long to be sent")                              \
    GAUGE(total, "datagrams of the capture that are to be sent")

QS_METRICS(replay, REPLAY_METRICS);

#define FILE_MAX (1ull << 30)

typedef struct packet {
    u64 at_ns; /* after the first */
    u32 off;   /* of its payload */
    u16 sz;
    u16 port;
} packet_t;

typedef struct replay {
    replay_metrics_t *m;
    u32 target;
    u64 start_ns;
    u64 cnt, next;
    u32 left;         /* times that the capture is still to be sent */
    packet_t *packet; /* the heap's, made in boot */
    u8 *payload;
} replay_t;

static void *
replay_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(replay_t), QS_ALIGN);
}

/* when says at what time after the start packet idx is due. */
static u64
when(qs_config_t const *cfg, u64 idx, u64 captured_ns)
{
    if (cfg->replay.rate_pps)
        return idx * 1000000000u / cfg->replay.rate_pps;
    if (!cfg->replay.speed_permille)
        return 0;
    return (u64)((u128)captured_ns * 1000u / cfg->replay.speed_permille);
}

static int
read_file(replay_t *r, qs_tile_ctx_t *ctx, qs_pcap_t *pcap)
{
    u64 first_ns = 0, used = 0, cap = 0, packet_cap = 0;
    qs_pcap_pkt_t pkt;
    int got;

    while ((got = qs_pcap_next(pcap, &pkt)) == 1) {
        if (ctx->cfg->replay.port && pkt.dst_port != ctx->cfg->replay.port)
            continue;
        if (pkt.payload_sz > QS_UDP_MAX || !pkt.dst_port) {
            qs_metric_inc(&r->m->too_long);
            continue;
        }
        if (used + pkt.payload_sz > cap)
            r->payload = realloc(r->payload, cap = 2 * cap + (1u << 20));
        if (r->cnt == packet_cap)
            r->packet = realloc(r->packet, (packet_cap = 2 * packet_cap + 1024) * sizeof(packet_t));
        if (!r->payload || !r->packet || cap > FILE_MAX)
            return -ENOMEM;
        if (!r->cnt)
            first_ns = pkt.ts_ns;
        u64 after = pkt.ts_ns > first_ns ? pkt.ts_ns - first_ns : 0;
        memcpy(r->payload + used, pkt.payload, pkt.payload_sz);
        r->packet[r->cnt] = (packet_t){.at_ns = when(ctx->cfg, r->cnt, after),
                                       .off = (u32)used,
                                       .sz = (u16)pkt.payload_sz,
                                       .port = pkt.dst_port};
        used += pkt.payload_sz;
        r->cnt++;
    }
    return got;
}

static int
replay_boot(void *self, qs_tile_ctx_t *ctx)
{
    replay_t *r = self;
    qs_pcap_t pcap;
    struct in_addr target;

    *r = (replay_t){.m = ctx->metrics};
    if (inet_pton(AF_INET, ctx->cfg->load.target, &target) != 1) {
        snprintf(ctx->err, sizeof(ctx->err), "load.target is not set");
        return -EINVAL;
    }
    r->target = ntohl(target.s_addr);
    if (!ctx->cfg->replay.path[0]) {
        snprintf(ctx->err, sizeof(ctx->err), "replay.path is not set");
        return -EINVAL;
    }
    int err = qs_pcap_open(&pcap, ctx->cfg->replay.path);
    if (!err)
        err = read_file(r, ctx, &pcap);
    if (err)
        snprintf(ctx->err, sizeof(ctx->err), "replay.path: %s: %.100s", strerror(-err),
                 pcap.why[0] ? pcap.why : ctx->cfg->replay.path);
    qs_pcap_close(&pcap);
    r->left = ctx->cfg->replay.times;
    qs_metric_set(&r->m->total, r->cnt * r->left);
    return err;
}

static int
replay_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    replay_t *r = self;
    (void)stem;
    r->start_ns = qs_clock_now(ctx->clock);
    return 0;
}

static u32
replay_poll(void *self, qs_stem_t *stem)
{
    replay_t *r = self;
    u32 sent = 0;

    while (sent < QS_BATCH && r->next < r->cnt) {
        packet_t const *p = &r->packet[r->next];
        if (r->start_ns + p->at_ns > stem->now) {
            qs_stem_wake_at(stem, r->start_ns + p->at_ns);
            break;
        }
        u8 *room = qs_stem_prepare(stem, 0);
        if (!room)
            break;
        qs_send_t *req = (qs_send_t *)room;
        *req = (qs_send_t){.dst_cnt = 1, .src_port_idx = 0, .sz = p->sz};
        req->dst[0] = (qs_send_dst_t){.ip = r->target, .port = p->port};
        memcpy(&req->dst[1], r->payload + p->off, p->sz);
        qs_stem_publish(stem, 0, 0, qs_send_sz(1, p->sz), 0, qs_ts_comp(stem->now));
        r->next++;
        sent++;
    }
    qs_metric_add(&r->m->sent, sent);
    if (r->next == r->cnt && --r->left) {
        r->next = 0;
        r->start_ns = stem->now;
    } else if (r->next == r->cnt)
        qs_stem_exit(stem, QS_EXIT_DONE);
    return sent;
}

static void
replay_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_replay, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_replay = {
    .name    = "replay",
    .help    = "sends the UDP payloads of a capture file",
    .out     = {"net"},
    .must_out = 1u << 0, /* replay_poll publishes on it */
    .metrics = replay_metric_desc,
    .layout  = replay_layout,
    .boot    = replay_boot,
    .init    = replay_init,
    .poll    = replay_poll,
    .run     = replay_run,
};
/* clang-format on */

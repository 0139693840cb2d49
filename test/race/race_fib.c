/* Goal: a reader of the mirror of routes sees every change whole, while one writer changes routes, adds
   and drops neighbours, and takes full pictures, as fast as it can.
   Method: every route that is ever there has its gateway, device and source from one and the same
   number, so a mixture shows; the reader ends when it has seen each of the numbers often enough. */

#include "race.h"
#include "waltz/ip/qs_fib_tx.h"

#define WAYS  4u
#define SEEN  100u
#define BASE  0x0a000000u
#define WHERE 0x08080808u

static u8 *mem;
static u64 mem_sz;
static bool stop;

static qs_rtmsg_t
way(u32 n)
{
    return (qs_rtmsg_t){.kind = QS_RTMSG_ROUTE,
                        .flags = QS_RTMSG_REPLACE,
                        .route = {.gw = BASE + (n << 8) + 1,
                                  .ifindex = 10 + n,
                                  .src = BASE + (n << 8) + 2,
                                  .mtu = 1000 + n}};
}

static void
tell(qs_fib_tx_t *tx, qs_rtmsg_t m)
{
    QS_ASSERT(!qs_fib_apply(tx, &m));
}

static void
tell_way(qs_fib_tx_t *tx, u32 n)
{
    tell(tx, (qs_rtmsg_t){.kind = QS_RTMSG_LINK,
                          .link = {.ifindex = 10 + n,
                                   .mtu = 1500,
                                   .mac = {2, 0, 0, 0, 0, (u8)n},
                                   .up = true,
                                   .plain = true}});
    tell(tx, (qs_rtmsg_t){.kind = QS_RTMSG_NEIGH,
                          .neigh = {.ifindex = 10 + n,
                                    .ip = BASE + (n << 8) + 1,
                                    .mac = {6, 0, 0, 0, 0, (u8)n},
                                    .usable = true}});
}

static void *
change(void *arg)
{
    qs_fib_tx_t *tx = arg;

    for (u32 i = 0; !qs_load_relaxed(&stop); i++) {
        tell(tx, way(i % WAYS));
        qs_rtmsg_t other = {.kind = QS_RTMSG_NEIGH,
                            .gone = i & 8,
                            .neigh = {.ifindex = 10, .ip = i % 8 + 1, .usable = true}};
        tell(tx, other);
        for (u32 k = 0; k < i % 128; k++) /* without a pause readers find it busy, and no more */
            qs_pause();
        if (i % 64)
            continue;
        qs_fib_sync_begin(tx);
        for (u32 n = 0; n < WAYS; n++)
            tell_way(tx, n);
        tell(tx, way(i % WAYS));
        qs_fib_sync_end(tx);
        sched_yield();
    }
    return NULL;
}

static void
look(qs_fib_rx_t *rx, u64 seen[WAYS])
{
    u32 ip[8];
    qs_hop_t hop[8];

    for (u32 i = 0; i < 8; i++)
        ip[i] = WHERE + i;
    qs_fib_resolve_batch(rx, ip, 8, hop);
    for (u32 i = 0; i < 8; i++) {
        if (hop[i].kind == QS_HOP_BUSY)
            continue;
        u32 n = hop[i].ifindex - 10;
        QS_ASSERT(hop[i].kind == QS_HOP_OK && n < WAYS);
        QS_ASSERT(hop[i].next_ip == BASE + (n << 8) + 1 && hop[i].src_ip == BASE + (n << 8) + 2);
        QS_ASSERT(hop[i].mtu == 1000 + n && hop[i].src_mac[5] == n && hop[i].dst_mac[5] == n);
        seen[n]++;
    }
}

int
main(void)
{
    qs_fib_conf_t conf = {.route_max = 16, .neigh_max = 64, .link_max = 16};
    u64 seen[WAYS] = {0};
    qs_fib_tx_t tx;
    qs_fib_rx_t rx;
    pthread_t writer;
    bool emptied;

    mem_sz = qs_fib_footprint(&conf);
    mem = aligned_alloc(QS_ALIGN, mem_sz);
    QS_ASSERT(mem && !qs_fib_new(mem, &conf, 3) && !qs_fib_tx_join(&tx, mem, mem_sz, &emptied));
    for (u32 n = 0; n < WAYS; n++)
        tell_way(&tx, n);
    tell(&tx, way(0));
    qs_fib_sync_end(&tx);
    QS_ASSERT(!qs_fib_rx_join(&rx, mem, mem_sz));
    race_start(&writer, change, &tx);
    for (bool all = false; !all;) {
        look(&rx, seen);
        all = true;
        for (u32 n = 0; n < WAYS; n++)
            all &= seen[n] >= SEEN;
    }
    qs_store_relaxed(&stop, true);
    pthread_join(writer, NULL);
    free(mem);
    puts("every change was seen whole");
    return 0;
}

/* Goal: a ring hands over every entry once and in order and never more than it holds, wherever its
   counters stand; a socket is refused for the reason there is, binds with the copy that was asked
   for, and moves frames both ways.  Method: rings over plain memory with the test at both ends,
   counters near their wrap; sockets on a veth pair in a namespace of the test's own, as root. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"
#include "waltz/xdp/qs_xdp_attach.h"
#include "waltz/xdp/qs_xsk.h"
#include "waltz/xdp_space.h"

#define DEPTH  64u
#define FRAMES 256u
#define SZ     2048u

static u32 words[48];
static u64 addr[DEPTH];

static void
rings_at(qs_xsk_ring_t *near, qs_xsk_ring_t *far, u32 counter)
{
    words[0] = words[16] = counter;
    qs_xsk_ring_of(near, words, addr, DEPTH);
    near->own = near->other = counter;
    *far = *near;
}

Test(xsk, entries_come_once_and_in_order_across_the_wrap_of_the_counters)
{
    static u32 const start[] = {0, UINT32_MAX - 5, 1u << 31};
    qs_xsk_ring_t put, get;
    qs_rng_t rng;
    qs_rng_init(&rng, 3, 0);
    for (u32 s = 0; s < QS_COUNT(start); s++) {
        u64 sent = 0, seen = 0;
        rings_at(&put, &get, start[s]);
        for (u32 i = 0; i < 20000; i++) {
            u32 want = (u32)qs_rng_bounded(&rng, DEPTH + 1);
            u32 room = qs_xsk_room(&put, want);
            cr_assert(le(u64, room, DEPTH - (sent - seen)));
            for (u32 k = 0; k < want && k < room; k++)
                qs_xsk_put_addr(&put, sent++);
            if (i % 3)
                qs_xsk_submit(&put);
            u32 ready = qs_xsk_ready(&get, (u32)qs_rng_bounded(&rng, DEPTH + 1));
            cr_assert(le(u64, ready, sent - seen));
            for (u32 k = 0; k < ready; k++)
                cr_assert(eq(u64, qs_xsk_addr(&get, k), seen + k));
            seen += ready;
            qs_xsk_release(&get, ready);
        }
        cr_assert(seen > 100000);
    }
}

Test(xsk, what_was_not_submitted_is_not_seen_and_what_was_not_released_is_not_overwritten)
{
    qs_xsk_ring_t put, get;
    rings_at(&put, &get, 0);
    qs_xsk_put_addr(&put, 7);
    cr_assert(eq(u32, qs_xsk_ready(&get, DEPTH), 0));
    qs_xsk_submit(&put);
    cr_assert(eq(u32, qs_xsk_ready(&get, DEPTH), 1));
    while (qs_xsk_room(&put, 1))
        qs_xsk_put_addr(&put, 8);
    qs_xsk_submit(&put);
    cr_assert(eq(u32, qs_xsk_ready(&get, 2 * DEPTH), DEPTH));
    cr_assert(eq(u32, qs_xsk_room(&put, 1), 0));
    qs_xsk_release(&get, 3);
    cr_assert(eq(u32, qs_xsk_room(&put, DEPTH), 3));
}

Test(xsk, a_ring_that_wants_to_be_woken_says_so)
{
    qs_xsk_ring_t put, get;
    rings_at(&put, &get, 0);
    cr_assert(not(qs_xsk_ring_sleeps(&put)));
    words[32] = 1;
    cr_assert(qs_xsk_ring_sleeps(&put));
    words[32] = 0;
}

static qs_xsk_conf_t
conf_of(char const *ifname)
{
    void *mem = mmap(NULL, FRAMES * SZ, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (qs_xsk_conf_t){.ifindex = if_nametoindex(ifname),
                           .mem = mem,
                           .mem_sz = FRAMES * SZ,
                           .frame_sz = SZ,
                           .fill_depth = DEPTH,
                           .rx_depth = DEPTH,
                           .tx_depth = DEPTH,
                           .completion_depth = DEPTH,
                           .copy = QS_XSK_COPY};
}

Test(xsk, what_cannot_be_is_refused_before_the_kernel_is_asked)
{
    qs_xsk_t x;
    char err[256];
    qs_xsk_conf_t good = conf_of("lo"), bad[8];
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        bad[i] = good;
    bad[0].fill_depth = 63;
    bad[1].rx_depth = 0;
    bad[2].tx_depth = 2 * QS_XSK_DEPTH_MAX;
    bad[3].completion_depth = 3;
    bad[4].frame_sz = 1024;
    bad[5].mem = (u8 *)good.mem + 64;
    bad[6].mem_sz = SZ + 1;
    bad[7].mem = NULL;
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        cr_expect(eq(int, qs_xsk_open(&x, &bad[i], err, sizeof(err)), -EINVAL), "%u", i);
        cr_expect(eq(int, x.fd, -1));
    }
}

Test(xsk, a_socket_binds_once_a_queue_and_as_it_was_told)
{
    qs_xsk_t x, y;
    char err[256] = "";
    if (!xdp_space_open())
        return;
    qs_xsk_conf_t conf = conf_of("qs0"), other = conf_of("qs0");
    cr_assert(eq(int, qs_xsk_open(&x, &conf, err, sizeof(err)), 0), "%s", err);
    cr_assert(not(x.zero_copy));
    cr_assert(eq(int, qs_xsk_open(&y, &other, err, sizeof(err)), -EBUSY), "%s", err);
    cr_assert(strstr(err, "bind") != NULL, "%s", err);
    other.queue = 1;
    other.copy = QS_XSK_ZERO_COPY;
    cr_assert(eq(int, qs_xsk_open(&y, &other, err, sizeof(err)), -EOPNOTSUPP), "%s", err);
    cr_assert(strstr(err, "zero copy") != NULL, "%s", err);
    other.copy = QS_XSK_COPY;
    cr_assert(eq(int, qs_xsk_open(&y, &other, err, sizeof(err)), 0), "%s", err);
    qs_xsk_close(&y);
    other.ifindex = 999999;
    cr_assert(qs_xsk_open(&y, &other, err, sizeof(err)) < 0);
    qs_xsk_close(&x);
    cr_assert(eq(int, qs_xsk_open(&x, &conf, err, sizeof(err)), 0), "not free again: %s", err);
    qs_xsk_close(&x);
    qs_xsk_close(&x);
}

/* frame_to writes a datagram to 10.0.0.1:9000 whose payload is n. */
static u32
frame_to(u8 *frame, u32 n)
{
    static u8 const head[] = {2,    0, 0,  0,  0, 1, 2,    0, 0,    0,    0, 2,  8,  0,
                              0x45, 0, 0,  32, 0, 0, 0,    0, 64,   17,   0, 0,  10, 0,
                              0,    2, 10, 0,  0, 1, 0x10, 0, 0x23, 0x28, 0, 12, 0,  0};
    memcpy(frame, head, sizeof(head));
    memcpy(frame + sizeof(head), &n, sizeof(n));
    return sizeof(head) + sizeof(n);
}

Test(xsk, frames_go_from_one_socket_to_the_other_each_once_and_all_completions_come)
{
    qs_xsk_t from, to;
    qs_xdp_t xdp;
    char err[256] = "";
    qs_xdp_pair_t pair = {0x0a000001, 9000};
    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 1};
    u32 const total = 1000;
    u32 slot = 0, sent = 0, done = 0, seen = 0;
    if (!xdp_space_open())
        return;
    qs_xsk_conf_t near = conf_of("qs0"), far = conf_of("qs1");
    cr_assert(eq(int, qs_xsk_open(&from, &near, err, sizeof(err)), 0), "%s", err);
    cr_assert(eq(int, qs_xsk_open(&to, &far, err, sizeof(err)), 0), "%s", err);
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, stderr), 0), "%s", xdp.why);
    cr_assert(eq(int, qs_xdp_attach(&xdp, far.ifindex, QS_XDP_AUTO), 0), "%s", xdp.why);
    for (u32 i = 0; i < DEPTH; i++)
        qs_xsk_put_addr(&to.fill, (u64)i * SZ);
    qs_xsk_submit(&to.fill);
    cr_assert(eq(int, bpf_map_update_elem(xdp.map_fd, &slot, &to.fd, 0), 0));
    for (u32 turn = 0; turn < 100000 && seen < total; turn++) {
        while (sent < total && sent - seen < DEPTH / 2 && sent - done < DEPTH &&
               qs_xsk_room(&from.tx, 1)) {
            u64 at = (u64)(sent % FRAMES) * SZ;
            qs_xsk_put(&from.tx, at, frame_to((u8 *)near.mem + at, sent));
            sent++;
        }
        qs_xsk_submit(&from.tx);
        if (qs_xsk_ring_sleeps(&from.tx))
            qs_xsk_kick(&from);
        u32 back = qs_xsk_ready(&from.completion, DEPTH);
        qs_xsk_release(&from.completion, back);
        done += back;
        u32 got = qs_xsk_ready(&to.rx, DEPTH);
        for (u32 i = 0; i < got; i++) {
            qs_xsk_desc_t const *d = qs_xsk_desc(&to.rx, i);
            u32 n;
            memcpy(&n, (u8 *)far.mem + d->addr + 42, sizeof(n));
            cr_assert(eq(u32, n, seen + i));
            qs_xsk_put_addr(&to.fill, d->addr / SZ * SZ);
        }
        qs_xsk_release(&to.rx, got);
        qs_xsk_submit(&to.fill);
        seen += got;
    }
    cr_assert(eq(u32, seen, total));
    cr_assert(eq(u32, done, total));
    qs_xsk_stats_t stats;
    cr_assert(eq(int, qs_xsk_stats(&to, &stats), 0));
    cr_assert(eq(u64, stats.rx_dropped + stats.rx_ring_full + stats.rx_invalid, 0));
    cr_assert(eq(int, qs_xsk_error(&to), 0));
    if (system("ip link del qs0"))
        return;
    usleep(100000);
    cr_assert(eq(int, qs_xsk_error(&to), -ENETDOWN), "a deleted interface is told");
    cr_assert(qs_xsk_kick(&from) < 0);
    qs_xsk_close(&from);
    qs_xsk_close(&to);
    qs_xdp_close(&xdp);
}

/* Goal: the program takes exactly our datagrams and leaves all else to the kernel, and it takes
   nothing when nobody is there to receive it.
   Method: the kernel runs it (BPF_PROG_TEST_RUN) on a table of frames: with a real XSK in slot 0 a
   match says XDP_REDIRECT; with the slot empty every frame says XDP_PASS.  Nothing is sent. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_frame.h"
#include "waltz/xdp/qs_xdp_attach.h"
#include "waltz/xdp_space.h"

#define OUR_IP     0x0a4d0002u /* 10.77.0.2 */
#define OTHER_OUR  0xc0a80107u /* 192.168.1.7: the sign bit is set */
#define FRAME_MAX  256u
#define PAYLOAD_SZ 18u

static qs_xdp_pair_t const pairs[] = {
    {OUR_IP, 9000}, {OUR_IP, 9001}, {OUR_IP, 65535}, {OTHER_OUR, 9000}, {OTHER_OUR, 1}};

typedef struct shot {
    u8 bytes[FRAME_MAX];
    u32 sz;
    u32 ip_off;
    u32 udp_off;
} shot_t;

typedef enum base { FRAME, IP, UDP } base_t;

/* A frame to OUR_IP:9000 with ihl and tags as given, then bytes at off from base; cut to sz. */
typedef struct row {
    char const *name;
    u32 ihl;         /* 0: 5 */
    char const *tag; /* bytes between the MAC addresses and 0800, 4 for each tag */
    u32 tag_sz;
    base_t base;
    u32 off;
    u32 len;
    u8 byte[8];
    u32 sz;      /* 0: whole */
    bool kernel; /* whether each filter takes it */
    bool user;
} row_t;

#define PATCH(base, off, ...)                                                                      \
    base, off, sizeof((u8[]){__VA_ARGS__}),                                                        \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define AS_IT_IS                                                                                   \
    FRAME, 0, 0,                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }
#define TAG(...)  (char const *)(u8 const[]){__VA_ARGS__}, sizeof((u8[]){__VA_ARGS__})
#define NO_TAG    NULL, 0
#define TAKEN     true, true
#define PASSED    false, false
#define USER_ONLY false, true

/* clang-format off */
static row_t const rows[] = {
    {"ours",                      0, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"ours, second port",         0, NO_TAG, PATCH(UDP, 2, 0x23, 0x29), 0, TAKEN},
    {"ours, port 65535",          0, NO_TAG, PATCH(UDP, 2, 0xff, 0xff), 0, TAKEN},
    {"second address",            0, NO_TAG, PATCH(IP, 16, 192, 168, 1, 7), 0, TAKEN},
    {"port of the other address", 0, NO_TAG, PATCH(UDP, 2, 0, 1), 0, USER_ONLY},
    {"other port",                0, NO_TAG, PATCH(UDP, 2, 0x23, 0x27), 0, USER_ONLY},
    {"port above",                0, NO_TAG, PATCH(UDP, 2, 0x23, 0x2a), 0, USER_ONLY},
    {"port 0",                    0, NO_TAG, PATCH(UDP, 2, 0, 0), 0, USER_ONLY},
    {"port with bytes swapped",   0, NO_TAG, PATCH(UDP, 2, 0x28, 0x23), 0, USER_ONLY},
    {"our port as source only",   0, NO_TAG, PATCH(UDP, 0, 0x23, 0x28, 0, 53), 0, USER_ONLY},
    {"from port 0",               0, NO_TAG, PATCH(UDP, 0, 0, 0), 0, TAKEN},
    {"UDP length 0",              0, NO_TAG, PATCH(UDP, 4, 0, 0), 0, TAKEN},
    {"UDP length beyond",         0, NO_TAG, PATCH(UDP, 4, 0xff, 0xff), 0, TAKEN},
    {"no checksum",               0, NO_TAG, PATCH(UDP, 6, 0, 0), 0, TAKEN},
    {"wrong checksum",            0, NO_TAG, PATCH(UDP, 6, 0xbe, 0xef), 0, TAKEN},
    {"other address",             0, NO_TAG, PATCH(IP, 16, 10, 77, 0, 3), 0, PASSED},
    {"address with bytes swapped", 0, NO_TAG, PATCH(IP, 16, 2, 0, 77, 10), 0, PASSED},
    {"address 0",                 0, NO_TAG, PATCH(IP, 16, 0, 0, 0, 0), 0, PASSED},
    {"loopback address",          0, NO_TAG, PATCH(IP, 16, 127, 0, 0, 1), 0, PASSED},
    {"our address as source only", 0, NO_TAG, PATCH(IP, 12, 10, 77, 0, 2, 10, 77, 0, 1), 0, PASSED},
    {"limited broadcast",         0, NO_TAG, PATCH(IP, 16, 255, 255, 255, 255), 0, PASSED},
    {"subnet broadcast",          0, NO_TAG, PATCH(IP, 16, 10, 77, 255, 255), 0, PASSED},
    {"multicast 224.0.0.1",       0, NO_TAG, PATCH(IP, 16, 224, 0, 0, 1), 0, PASSED},
    {"multicast 239.1.2.3",       0, NO_TAG, PATCH(IP, 16, 239, 1, 2, 3), 0, PASSED},
    {"to us by broadcast MAC",    0, NO_TAG, PATCH(FRAME, 0, 255, 255, 255, 255, 255, 255), 0,
     TAKEN},
    {"TCP",                       0, NO_TAG, PATCH(IP, 9, 6), 0, PASSED},
    {"ICMP",                      0, NO_TAG, PATCH(IP, 9, 1), 0, PASSED},
    {"IGMP",                      0, NO_TAG, PATCH(IP, 9, 2), 0, PASSED},
    {"GRE",                       0, NO_TAG, PATCH(IP, 9, 47), 0, PASSED},
    {"ESP",                       0, NO_TAG, PATCH(IP, 9, 50), 0, PASSED},
    {"SCTP",                      0, NO_TAG, PATCH(IP, 9, 132), 0, PASSED},
    {"UDP-Lite",                  0, NO_TAG, PATCH(IP, 9, 136), 0, PASSED},
    {"protocol 0",                0, NO_TAG, PATCH(IP, 9, 0), 0, PASSED},
    {"ARP",                       0, NO_TAG, PATCH(FRAME, 12, 8, 6), 0, PASSED},
    {"RARP",                      0, NO_TAG, PATCH(FRAME, 12, 0x80, 0x35), 0, PASSED},
    {"IPv6",                      0, NO_TAG, PATCH(FRAME, 12, 0x86, 0xdd, 0x60), 0, PASSED},
    {"LLDP",                      0, NO_TAG, PATCH(FRAME, 12, 0x88, 0xcc), 0, PASSED},
    {"802.3 length",              0, NO_TAG, PATCH(FRAME, 12, 0, 46), 0, PASSED},
    {"ethertype with bytes swapped", 0, NO_TAG, PATCH(FRAME, 12, 0, 8), 0, PASSED},
    {"MPLS",                      0, NO_TAG, PATCH(FRAME, 12, 0x88, 0x47), 0, PASSED},
    {"PPPoE",                     0, NO_TAG, PATCH(FRAME, 12, 0x88, 0x64), 0, PASSED},
    {"first fragment",            0, NO_TAG, PATCH(IP, 6, 0x20, 0), 0, PASSED},
    {"middle fragment",           0, NO_TAG, PATCH(IP, 6, 0x20, 185), 0, PASSED},
    {"last fragment",             0, NO_TAG, PATCH(IP, 6, 0x01, 0x72), 0, PASSED},
    {"fragment at offset 1",      0, NO_TAG, PATCH(IP, 6, 0, 1), 0, PASSED},
    {"fragment at the last offset", 0, NO_TAG, PATCH(IP, 6, 0x1f, 0xff), 0, PASSED},
    {"fragment with DF",          0, NO_TAG, PATCH(IP, 6, 0x60, 0), 0, PASSED},
    {"without DF",                0, NO_TAG, PATCH(IP, 6, 0, 0), 0, TAKEN},
    {"with the reserved flag",    0, NO_TAG, PATCH(IP, 6, 0x80, 0), 0, TAKEN},
    {"TTL 0",                     0, NO_TAG, PATCH(IP, 8, 0), 0, TAKEN},
    {"TOS and ECN",               0, NO_TAG, PATCH(IP, 1, 0xff), 0, TAKEN},
    {"IP length 0",               0, NO_TAG, PATCH(IP, 2, 0, 0), 0, TAKEN},
    {"IP length beyond",          0, NO_TAG, PATCH(IP, 2, 0xff, 0xff), 0, TAKEN},
    {"version 0",                 0, NO_TAG, PATCH(IP, 0, 0x05), 0, PASSED},
    {"version 5",                 0, NO_TAG, PATCH(IP, 0, 0x55), 0, PASSED},
    {"version 6",                 0, NO_TAG, PATCH(IP, 0, 0x65), 0, PASSED},
    {"version 15",                0, NO_TAG, PATCH(IP, 0, 0xf5), 0, PASSED},
    {"IHL 0",                     0, NO_TAG, PATCH(IP, 0, 0x40), 0, PASSED},
    {"IHL 1",                     0, NO_TAG, PATCH(IP, 0, 0x41), 0, PASSED},
    {"IHL 2",                     0, NO_TAG, PATCH(IP, 0, 0x42), 0, PASSED},
    {"IHL 3",                     0, NO_TAG, PATCH(IP, 0, 0x43), 0, PASSED},
    {"IHL 4",                     0, NO_TAG, PATCH(IP, 0, 0x44), 0, PASSED},
    {"IHL 6",                     6, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 7",                     7, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 8",                     8, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 9",                     9, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 10",                   10, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 11",                   11, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 12",                   12, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 13",                   13, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 14",                   14, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 15",                   15, NO_TAG, AS_IT_IS, 0, TAKEN},
    {"IHL 15, other port",       15, NO_TAG, PATCH(UDP, 2, 0, 53), 0, USER_ONLY},
    {"IHL 15, our port in an option", 15, NO_TAG, PATCH(IP, 22, 0x23, 0x28), 0, TAKEN},
    {"IHL 15 beyond the frame",   0, NO_TAG, PATCH(IP, 0, 0x4f), 0, PASSED},
    {"IHL 10 reads the payload",  0, NO_TAG, PATCH(IP, 0, 0x49), 0, USER_ONLY},
    {"VLAN 5",                    0, TAG(0x81, 0, 0, 5), AS_IT_IS, 0, TAKEN},
    {"VLAN priority only",        0, TAG(0x81, 0, 0xe0, 0), AS_IT_IS, 0, TAKEN},
    {"VLAN, IHL 15",             15, TAG(0x81, 0, 0, 5), AS_IT_IS, 0, TAKEN},
    {"VLAN, other port",          0, TAG(0x81, 0, 0, 5), PATCH(UDP, 2, 0, 53), 0, USER_ONLY},
    {"VLAN, other address",       0, TAG(0x81, 0, 0, 5), PATCH(IP, 16, 10, 77, 0, 3), 0, PASSED},
    {"VLAN, TCP",                 0, TAG(0x81, 0, 0, 5), PATCH(IP, 9, 6), 0, PASSED},
    {"VLAN, fragment",            0, TAG(0x81, 0, 0, 5), PATCH(IP, 6, 0x20, 0), 0, PASSED},
    {"VLAN, ARP",                 0, TAG(0x81, 0, 0, 5), PATCH(FRAME, 16, 8, 6), 0, PASSED},
    {"VLAN, IPv6",                0, TAG(0x81, 0, 0, 5), PATCH(FRAME, 16, 0x86, 0xdd), 0, PASSED},
    {"VLAN, IHL 4",               0, TAG(0x81, 0, 0, 5), PATCH(IP, 0, 0x44), 0, PASSED},
    {"QinQ, service tag outside", 0, TAG(0x88, 0xa8, 0, 7, 0x81, 0, 0, 5), AS_IT_IS, 0, PASSED},
    {"QinQ, two tags",            0, TAG(0x81, 0, 0, 7, 0x81, 0, 0, 5), AS_IT_IS, 0, PASSED},
    {"QinQ, old type",            0, TAG(0x91, 0, 0, 7, 0x81, 0, 0, 5), AS_IT_IS, 0, PASSED},
    {"service tag alone",         0, TAG(0x88, 0xa8, 0, 7), AS_IT_IS, 0, PASSED},
    {"three tags",                0, TAG(0x81, 0, 0, 7, 0x81, 0, 0, 6, 0x81, 0, 0, 5), AS_IT_IS, 0,
     PASSED},
    {"VLAN cut in the tag",       0, TAG(0x81, 0, 0, 5), AS_IT_IS, 16, PASSED},
    {"VLAN cut one byte short",   0, TAG(0x81, 0, 0, 5), AS_IT_IS, 45, PASSED},
    {"VLAN, headers whole",       0, TAG(0x81, 0, 0, 5), AS_IT_IS, 46, TAKEN},
    {"IHL 15 cut one byte short", 15, NO_TAG, AS_IT_IS, 81, PASSED},
    {"IHL 15, headers whole",     15, NO_TAG, AS_IT_IS, 82, TAKEN},
    {"VLAN, IHL 15 one short",    15, TAG(0x81, 0, 0, 5), AS_IT_IS, 85, PASSED},
};
/* clang-format on */

/* build makes a frame to OUR_IP:9000 and changes it as the row says. */
static void
build(shot_t *shot, row_t const *row)
{
    qs_frame_to_t to = {.src_ip = 0x0a4d0001,
                        .dst_ip = OUR_IP,
                        .src_port = 5000,
                        .dst_port = 9000,
                        .vlan = QS_FRAME_NO_VLAN};
    u8 plain[128];
    u8 payload[PAYLOAD_SZ] = {0};
    u32 sz = qs_frame_write(plain, &to, payload, PAYLOAD_SZ);
    u32 options = row->ihl ? 4 * (row->ihl - 5) : 0;

    memset(shot, 0, sizeof(*shot));
    memcpy(shot->bytes, plain, 12);
    if (row->tag_sz)
        memcpy(shot->bytes + 12, row->tag, row->tag_sz);
    shot->ip_off = 14 + row->tag_sz;
    shot->udp_off = shot->ip_off + 20 + options;
    memcpy(shot->bytes + 12 + row->tag_sz, plain + 12, 22);
    memset(shot->bytes + shot->ip_off + 20, 1, options);
    memcpy(shot->bytes + shot->udp_off, plain + 34, sz - 34);
    if (row->ihl)
        shot->bytes[shot->ip_off] = (u8)(0x40 | row->ihl);
    u32 at = row->off + (row->base == IP ? shot->ip_off : row->base == UDP ? shot->udp_off : 0);
    memcpy(shot->bytes + at, row->byte, row->len);
    shot->sz = row->sz ? row->sz : sz + options + row->tag_sz;
}

static u32
ask_on(int prog_fd, u8 const *frame, u32 sz, struct xdp_md *ctx)
{
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sz, .ctx_in = ctx,
                .ctx_size_in = ctx ? sizeof(*ctx) : 0);
    int err = bpf_prog_test_run_opts(prog_fd, &run);
    cr_assert(eq(int, err, 0), "a frame of %u bytes", sz);
    return run.retval;
}

static u32
ask(int prog_fd, u8 const *frame, u32 sz)
{
    return ask_on(prog_fd, frame, sz, NULL);
}

static qs_xdp_t xdp;

static bool
load(qs_xdp_filter_t filter, qs_xdp_pair_t const *pair, u32 pair_cnt)
{
    qs_xdp_spec_t spec = {.filter = filter, .pair = pair, .pair_cnt = pair_cnt, .queue_cnt = 2};
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, stdout), 0), "%s", xdp.why);
    return true;
}

/* put_xsk makes the socket once; a queue takes only one. */
static void
put_xsk(u32 slot)
{
    static int fd = -1;
    if (fd < 0)
        fd = xdp_space_xsk(if_nametoindex("qs0"), slot);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, bpf_map_update_elem(xdp.map_fd, &slot, &fd, 0), 0));
}

static void
shoot_table(qs_xdp_filter_t filter, bool slot_filled)
{
    cr_assert(ge(u64, QS_COUNT(rows), 80));
    for (u32 i = 0; i < QS_COUNT(rows); i++) {
        shot_t shot;
        build(&shot, &rows[i]);
        bool match = filter == QS_XDP_FILTER_USER ? rows[i].user : rows[i].kernel;
        u32 want = match && slot_filled ? XDP_REDIRECT : XDP_PASS;
        cr_expect(eq(u32, ask(xdp.prog_fd, shot.bytes, shot.sz), want), "%s", rows[i].name);
    }
}

/* Every truncation, of plain frames and of those with longer headers. */
static void
shoot_truncations(bool slot_filled)
{
    static u8 const tag[] = {0x81, 0, 0, 5};
    row_t const kinds[] = {{.ihl = 0},
                           {.ihl = 15},
                           {.tag = (char const *)tag, .tag_sz = 4},
                           {.ihl = 7, .tag = (char const *)tag, .tag_sz = 4}};
    for (u32 k = 0; k < QS_COUNT(kinds); k++) {
        shot_t shot;
        build(&shot, &kinds[k]);
        for (u32 sz = 14; sz <= shot.sz; sz++) {
            u32 want = slot_filled && sz >= shot.udp_off + 8 ? XDP_REDIRECT : XDP_PASS;
            cr_expect(eq(u32, ask(xdp.prog_fd, shot.bytes, sz), want), "kind %u, %u bytes", k, sz);
        }
    }
}

static void
close_xdp(void)
{
    if (xdp.queue_cnt)
        qs_xdp_close(&xdp);
}

TestSuite(xdp_prog, .fini = close_xdp, .timeout = 60);

Test(xdp_prog, exactly_our_datagrams_are_redirected)
{
    if (!xdp_space_open() || !load(QS_XDP_FILTER_KERNEL, pairs, QS_COUNT(pairs)))
        return;
    put_xsk(0);
    shoot_table(QS_XDP_FILTER_KERNEL, true);
    shoot_truncations(true);
}

Test(xdp_prog, everything_is_passed_when_the_slot_is_empty)
{
    if (!xdp_space_open() || !load(QS_XDP_FILTER_KERNEL, pairs, QS_COUNT(pairs)))
        return;
    shoot_table(QS_XDP_FILTER_KERNEL, false);
    shoot_truncations(false);
}

Test(xdp_prog, user_filter_takes_all_ports_of_our_addresses)
{
    if (!xdp_space_open() || !load(QS_XDP_FILTER_USER, pairs, QS_COUNT(pairs)))
        return;
    shoot_table(QS_XDP_FILTER_USER, false);
    put_xsk(0);
    shoot_table(QS_XDP_FILTER_USER, true);
    shoot_truncations(true);
}

Test(xdp_prog, slot_is_chosen_by_the_queue_a_frame_came_in)
{
    if (!xdp_space_open() || !load(QS_XDP_FILTER_KERNEL, pairs, QS_COUNT(pairs)))
        return;
    shot_t shot;
    build(&shot, &rows[0]);
    put_xsk(1);
    for (u32 queue = 0; queue < 2; queue++) {
        struct xdp_md ctx = {
            .data_end = shot.sz, .ingress_ifindex = if_nametoindex("qs0"), .rx_queue_index = queue};
        u32 want = queue == 1 ? XDP_REDIRECT : XDP_PASS;
        cr_expect(eq(u32, ask_on(xdp.prog_fd, shot.bytes, shot.sz, &ctx), want), "queue %u", queue);
    }
}

Test(xdp_prog, slot_empties_itself_when_its_socket_is_closed)
{
    if (!xdp_space_open() || !load(QS_XDP_FILTER_KERNEL, pairs, QS_COUNT(pairs)))
        return;
    shot_t shot;
    build(&shot, &rows[0]);
    u32 slot = 0;
    int fd = xdp_space_xsk(if_nametoindex("qs0"), 0);
    cr_assert(eq(int, bpf_map_update_elem(xdp.map_fd, &slot, &fd, 0), 0));
    cr_assert(eq(u32, ask(xdp.prog_fd, shot.bytes, shot.sz), XDP_REDIRECT));
    close(fd);
    cr_assert(eq(u32, ask(xdp.prog_fd, shot.bytes, shot.sz), XDP_PASS));
}

/* shoot_pair asks for one address and port, and compares with a plain search. */
static void
shoot_pair(qs_xdp_filter_t filter, qs_xdp_pair_t const *pair, u32 cnt, u32 ip, u16 port)
{
    shot_t shot;
    bool match = false;
    build(&shot, &rows[0]);
    qs_store_be32(shot.bytes + 30, ip);
    qs_store_be16(shot.bytes + 36, port);
    for (u32 i = 0; i < cnt; i++)
        match |= pair[i].ip == ip && (pair[i].port == port || filter == QS_XDP_FILTER_USER);
    u32 want = match ? XDP_REDIRECT : XDP_PASS;
    cr_assert(eq(u32, ask(xdp.prog_fd, shot.bytes, shot.sz), want), "%u pairs, %08x:%u", cnt, ip,
              port);
}

/* pairs_of makes cnt pairs on ip_cnt addresses, many of them neighbours, some twice. */
static void
pairs_of(qs_xdp_pair_t *pair, u32 cnt, u32 ip_cnt, qs_rng_t *rng)
{
    u32 ip[QS_XDP_PAIR_MAX];
    for (u32 i = 0; i < ip_cnt; i++)
        ip[i] = i % 2 ? ip[i - 1] + 1 : (u32)qs_rng_u64(rng);
    for (u32 i = 0; i < cnt; i++)
        pair[i] = (qs_xdp_pair_t){ip[i % ip_cnt], (u16)(qs_rng_u64(rng) % (cnt < 8 ? 65536 : 200))};
}

static void
shoot_pairs(qs_xdp_filter_t filter, u32 cnt, u32 ip_cnt, qs_rng_t *rng)
{
    qs_xdp_pair_t pair[QS_XDP_PAIR_MAX] = {0};
    pairs_of(pair, cnt, ip_cnt, rng);
    load(filter, pair, cnt);
    put_xsk(0);
    for (u32 i = 0; i < cnt; i++) {
        u32 ip = pair[i].ip;
        u16 port = pair[i].port;
        shoot_pair(filter, pair, cnt, ip, port);
        shoot_pair(filter, pair, cnt, ip, (u16)(port + 1));
        shoot_pair(filter, pair, cnt, ip, (u16)(port - 1));
        shoot_pair(filter, pair, cnt, ip + 1, port);
        shoot_pair(filter, pair, cnt, ip - 1, port);
        shoot_pair(filter, pair, cnt, pair[(i + 1) % cnt].ip, port);
    }
    qs_xdp_close(&xdp);
}

Test(xdp_prog, one_to_64_pairs_match_what_a_plain_search_finds)
{
    if (!xdp_space_open())
        return;
    qs_rng_t rng;
    qs_rng_init(&rng, 5, 0);
    for (u32 cnt = 1; cnt <= QS_XDP_PAIR_MAX; cnt++) {
        shoot_pairs(QS_XDP_FILTER_KERNEL, cnt, 1, &rng);
        shoot_pairs(QS_XDP_FILTER_KERNEL, cnt, 1 + (u32)(qs_rng_u64(&rng) % cnt), &rng);
    }
    shoot_pairs(QS_XDP_FILTER_KERNEL, QS_XDP_PAIR_MAX, QS_XDP_PAIR_MAX, &rng);
    shoot_pairs(QS_XDP_FILTER_USER, 1, 1, &rng);
    shoot_pairs(QS_XDP_FILTER_USER, QS_XDP_PAIR_MAX, QS_XDP_PAIR_MAX, &rng);
}

Test(xdp_prog, what_cannot_be_built_is_refused)
{
    static qs_ebpf_t e;
    static qs_xdp_pair_t const many[QS_XDP_PAIR_MAX + 1];
    cr_assert(eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_KERNEL, pairs, 0, 3), -EINVAL));
    cr_assert(
        eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_KERNEL, many, QS_COUNT(many), 3), -EINVAL));
    cr_assert(eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_KERNEL, pairs, 1, -1), -EINVAL));
    cr_assert(eq(int, qs_xdp_prog_build(&e, (qs_xdp_filter_t)2, pairs, 1, 3), -EINVAL));
    cr_assert(eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_KERNEL, many, QS_XDP_PAIR_MAX, 3), 0));
}

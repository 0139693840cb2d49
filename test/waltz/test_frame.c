/* Goal: a frame is accepted exactly when it is one whole datagram, says what its headers say, and
   is refused for the reason that is true; what we write is what the kernel would have made.
   Method: one good frame, changed in one place per row of a table; every truncation in a block of
   its exact size; checksums against the loop of RFC 1071; frames written and read back. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <sys/mman.h>

#include "tango/base/qs_rng.h"
#include "waltz/ip/qs_frame.h"

#define PAYLOAD_SZ 20u
#define GOOD_SZ    (QS_FRAME_HDR_SZ + PAYLOAD_SZ)

static u8 const good[GOOD_SZ] =
    {
        2,   0,   0,   0,    0,    2,    2,    0,   0,   0,    0,    1,   8,   0, /* Ethernet */
        69,  0,   0,   48,   0,    7,    0,    0,   64,  17,   0,    0,   10,  77,
        0,   1,   10,                                                /* IP */
        77,  0,   2,   0x1f, 0x90, 0x23, 0x28, 0,   28,  0x12, 0x34, /* UDP */
        'a', 'b', 'c', 'd',  'e',  'f',  'g',  'h', 'i', 'j',  'k',  'l', 'm', 'n',
        'o', 'p', 'q', 'r',  's',  't'};

/* A frame under change, at the end of a page with nothing readable behind it. */
static u8 *page_end;
static u8 *frame;
static u32 frame_sz;

static void
set(u8 const *bytes, u32 sz)
{
    frame = page_end - sz;
    frame_sz = sz;
    memcpy(frame, bytes, sz);
}

static void
setup(void)
{
    u8 *page = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(page != MAP_FAILED);
    cr_assert(eq(int, mprotect(page + 4096, 4096, PROT_NONE), 0));
    page_end = page + 4096;
    set(good, GOOD_SZ);
}

TestSuite(frame, .init = setup);

/* open_at makes room for n bytes at off, which are those given. */
static void
open_at(u32 off, void const *bytes, u32 n)
{
    u8 bigger[2048];
    memcpy(bigger, frame, off);
    memcpy(bigger + off, bytes, n);
    memcpy(bigger + off + n, frame + off, frame_sz - off);
    set(bigger, frame_sz + n);
}

static void
add_vlan(u16 type, u16 tag)
{
    u8 bytes[4];
    qs_store_be16(bytes, type);
    qs_store_be16(bytes + 2, tag);
    open_at(12, bytes, 4);
}

static void
add_options(u32 ihl, u32 ip_off)
{
    u8 nop[40];
    memset(nop, 1, sizeof(nop));
    open_at(ip_off + QS_FRAME_IP_SZ, nop, 4 * (ihl - 5));
    frame[ip_off] = (u8)(0x40 | ihl);
    qs_store_be16(frame + ip_off + 2, (u16)(QS_FRAME_IP_SZ + 4 * (ihl - 5) + 8 + PAYLOAD_SZ));
}

static qs_frame_reason_t
parse(qs_frame_t *out)
{
    qs_frame_t other = {0};
    memset(out, 0, sizeof(*out));
    qs_frame_reason_t reason = qs_frame_parse(frame, frame_sz, out);
    cr_assert(eq(int, (int)qs_frame_parse_any(frame, frame_sz, &other), (int)reason));
    if (reason == QS_FRAME_OK)
        cr_assert(memcmp(out, &other, sizeof(other)) == 0, "the short cut says something else");
    return reason;
}

static void
says_what_good_says(u32 payload_off, u32 vlan)
{
    qs_frame_t out;
    cr_assert(eq(str, (char *)qs_frame_reason_name(parse(&out)), "ok"));
    cr_expect(eq(u32, out.src_ip, 0x0a4d0001));
    cr_expect(eq(u32, out.dst_ip, 0x0a4d0002));
    cr_expect(eq(u32, out.src_port, 8080));
    cr_expect(eq(u32, out.dst_port, 9000));
    cr_expect(eq(u32, out.payload_off, payload_off));
    cr_expect(eq(u32, out.payload_sz, PAYLOAD_SZ));
    cr_expect(eq(u32, out.vlan, vlan));
    cr_expect(eq(u64, out.src_mac, qs_frame_mac((u8 const[]){2, 0, 0, 0, 0, 1})));
    cr_expect(memcmp(frame + out.payload_off, "abcdefghijklmnopqrst", PAYLOAD_SZ) == 0);
}

Test(frame, plain_datagram_says_what_its_headers_say)
{
    says_what_good_says(QS_FRAME_HDR_SZ, QS_FRAME_NO_VLAN);
}

Test(frame, one_vlan_tag_is_understood_and_its_priority_is_not_its_id)
{
    add_vlan(0x8100, 0xe07b);
    says_what_good_says(QS_FRAME_HDR_MAX, 0x7b);
    set(good, GOOD_SZ);
    add_vlan(0x8100, 0x6000);
    says_what_good_says(QS_FRAME_HDR_MAX, 0);
}

Test(frame, header_of_every_length_is_understood_with_and_without_tag)
{
    for (u32 ihl = 5; ihl <= 15; ihl++) {
        set(good, GOOD_SZ);
        add_options(ihl, QS_FRAME_ETH_SZ);
        says_what_good_says(QS_FRAME_HDR_SZ + 4 * (ihl - 5), QS_FRAME_NO_VLAN);
        add_vlan(0x8100, 5);
        says_what_good_says(QS_FRAME_HDR_MAX + 4 * (ihl - 5), 5);
    }
}

Test(frame, padding_of_the_link_is_not_payload)
{
    for (u32 i = 0; i < 30; i++) {
        open_at(frame_sz, "x", 1);
        says_what_good_says(QS_FRAME_HDR_SZ, QS_FRAME_NO_VLAN);
    }
}

Test(frame, flags_and_fields_that_do_not_matter_do_not_matter)
{
    static u8 const off[] = {15, 18, 19, 22, 24, 25, 40, 41};
    for (u32 i = 0; i < QS_COUNT(off); i++) {
        frame[off[i]] ^= 0xff;
        says_what_good_says(QS_FRAME_HDR_SZ, QS_FRAME_NO_VLAN);
    }
    frame[20] = 0xc0; /* don't fragment, and the bit that is reserved */
    says_what_good_says(QS_FRAME_HDR_SZ, QS_FRAME_NO_VLAN);
}

/* What is written over the good frame, in a frame of sz bytes. */
struct bad {
    char reason[16]; /* no pointer: Criterion passes it to another process */
    u32 off;
    u8 len;
    u8 bytes[8];
    u32 sz; /* 0: as the good one */
};

ParameterizedTestParameters(frame, malformed_frame_has_its_reason)
{
    /* clang-format off */
    static struct bad bad[] = {
        {"ethertype",    12, 2, {0x08, 0x06}, 0},          /* ARP */
        {"ethertype",    12, 2, {0x86, 0xdd}, 0},          /* IPv6 */
        {"ethertype",    12, 2, {0x00, 0x2e}, 0},          /* 802.3 length */
        {"ethertype",    12, 4, {0x81, 0, 0, 5}, 0},       /* a tag, and then something else */
        {"ethertype",    12, 6, {0x81, 0, 0, 5, 8, 6}, 0},
        {"vlan_nested",  12, 6, {0x81, 0, 0, 5, 0x81, 0}, 0},
        {"vlan_nested",  12, 6, {0x81, 0, 0, 5, 0x88, 0xa8}, 0},
        {"vlan_nested",  12, 2, {0x88, 0xa8}, 0},
        {"ip_version",   14, 1, {0x65}, 0},
        {"ip_version",   14, 1, {0x05}, 0},
        {"ip_version",   14, 1, {0x55}, 0},
        {"ip_hdr_len",   14, 1, {0x44}, 0},
        {"ip_hdr_len",   14, 1, {0x40}, 0},
        {"ip_hdr_len",   14, 1, {0x4f}, 0},                /* 60 > 48 */
        {"ip_hdr_len",   16, 2, {0, 0}, 0},
        {"ip_hdr_len",   16, 2, {0, 19}, 0},
        {"ip_len",       16, 2, {0, 20}, 0},
        {"ip_len",       16, 2, {0, 27}, 0},
        {"ip_len",       16, 2, {0, 49}, 0},
        {"ip_len",       16, 2, {0xff, 0xff}, 0},
        {"fragment",     20, 2, {0x20, 0}, 0},             /* the first of several */
        {"fragment",     20, 2, {0x00, 1}, 0},
        {"fragment",     20, 2, {0x1f, 0xff}, 0},
        {"fragment",     20, 2, {0x3f, 0xff}, 0},
        {"fragment",     20, 2, {0x01, 0}, 0},
        {"not_udp",      23, 1, {6}, 0},
        {"not_udp",      23, 1, {1}, 0},
        {"not_udp",      23, 1, {136}, 0},                 /* UDP-Lite */
        {"udp_len_zero", 38, 2, {0, 0}, 0},
        {"udp_len",      38, 2, {0, 1}, 0},
        {"udp_len",      38, 2, {0, 7}, 0},
        {"udp_len",      38, 2, {0, 8}, 0},                /* below what IP says */
        {"udp_len",      38, 2, {0, 27}, 0},
        {"udp_len",      38, 2, {0, 29}, 0},               /* beyond */
        {"udp_len",      38, 2, {0xff, 0xff}, 0},
        {"udp_len",      16, 2, {0, 47}, 0},
        {"src_port",     34, 2, {0, 0}, 0},
        {"src_ip",       26, 4, {0, 0, 0, 0}, 0},
        {"src_ip",       26, 4, {0, 1, 2, 3}, 0},
        {"src_ip",       26, 4, {127, 0, 0, 1}, 0},
        {"src_ip",       26, 4, {224, 0, 0, 1}, 0},
        {"src_ip",       26, 4, {239, 255, 255, 255}, 0},
        {"src_ip",       26, 4, {255, 255, 255, 255}, 0},
        {"ok",           26, 4, {255, 255, 255, 254}, 0},
        {"ok",           26, 4, {240, 0, 0, 1}, 0},
        {"ok",           26, 4, {223, 255, 255, 255}, 0},
        {"ok",           26, 4, {1, 0, 0, 0}, 0},
        {"ok",           26, 4, {128, 0, 0, 1}, 0},
        {"short",         0, 0, {0}, 0xffffffff},          /* nothing at all */
        {"short",         0, 0, {0}, 13},
        {"short",         0, 0, {0}, 14},
        {"short",         0, 0, {0}, 33},
        {"ip_len",        0, 0, {0}, 34},                  /* IP says 48 */
        {"ip_len",        0, 0, {0}, 42},
        {"ip_len",        0, 0, {0}, GOOD_SZ - 1},
        {"short",        12, 2, {0x81, 0}, 17},
        {"short",        12, 6, {0x81, 0, 0, 5, 8, 0}, 18},
    };
    /* clang-format on */
    return cr_make_param_array(struct bad, bad, QS_COUNT(bad));
}

ParameterizedTest(struct bad *p, frame, malformed_frame_has_its_reason)
{
    qs_frame_t out;
    setup();
    if (p->sz)
        set(good, p->sz == 0xffffffff ? 0 : p->sz);
    memcpy(frame + p->off, p->bytes, p->len);
    cr_assert(eq(str, (char *)qs_frame_reason_name(parse(&out)), p->reason));
}

static void
no_truncation_is_accepted(void)
{
    u8 whole[256];
    u32 sz = frame_sz;
    qs_frame_t out;
    memcpy(whole, frame, sz);
    for (u32 cut = 0; cut < sz; cut++) {
        set(whole, cut);
        cr_assert(ne(int, parse(&out), QS_FRAME_OK), "%u of %u bytes", cut, sz);
    }
}

Test(frame, every_truncation_is_refused_and_nothing_behind_it_is_read)
{
    no_truncation_is_accepted();
    for (u32 ihl = 5; ihl <= 15; ihl++) {
        set(good, GOOD_SZ);
        add_options(ihl, QS_FRAME_ETH_SZ);
        no_truncation_is_accepted();
        set(good, GOOD_SZ);
        add_options(ihl, QS_FRAME_ETH_SZ);
        add_vlan(0x8100, 1);
        no_truncation_is_accepted();
    }
}

Test(frame, short_cut_and_long_way_agree_on_a_million_damaged_frames)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 7, 0);
    u32 seen[QS_FRAME_REASON_CNT] = {0};
    for (u32 i = 0; i < 1000000; i++) {
        qs_frame_t a, b;
        set(good, GOOD_SZ);
        for (u64 n = qs_rng_u64(&rng) % 3; n--;) {
            u64 r = qs_rng_u64(&rng);
            frame[12 + r % (QS_FRAME_HDR_SZ - 12)] = (u8)(r & 0x100 ? r >> 16 : (r >> 16) & 7);
        }
        u32 sz = qs_rng_u64(&rng) % 8 ? GOOD_SZ : (u32)(qs_rng_u64(&rng) % GOOD_SZ);
        memset(&a, 0, sizeof(a));
        memset(&b, 0, sizeof(b));
        qs_frame_reason_t x = qs_frame_parse(frame, sz, &a);
        qs_frame_reason_t y = qs_frame_parse_any(frame, sz, &b);
        seen[x]++;
        if (x != y || (x == QS_FRAME_OK && memcmp(&a, &b, sizeof(a))))
            cr_fatal("frame %u: %s, %s", i, qs_frame_reason_name(x), qs_frame_reason_name(y));
    }
    for (u32 r = 0; r < QS_FRAME_OWN_MAC; r++)
        cr_expect(seen[r] || r == QS_FRAME_VLAN_NESTED, "no frame was %s",
                  qs_frame_reason_name((qs_frame_reason_t)r));
}

/* The loop of RFC 1071, 4.1, on bytes. */
static u16
sum_by_the_book(u8 const *p, u32 sz)
{
    u32 sum = 0;
    for (u32 i = 0; i < sz; i++) {
        sum += i & 1 ? p[i] : (u32)p[i] << 8;
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return (u16)sum;
}

Test(frame, sum_is_that_of_rfc_1071)
{
    u8 bytes[300];
    qs_rng_t rng;
    qs_rng_init(&rng, 1, 0);
    cr_assert(eq(u32, qs_frame_sum("\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 8), 0xddf2));
    for (u32 i = 0; i < sizeof(bytes); i++)
        bytes[i] = (u8)(i < 100 ? 0xff : qs_rng_u64(&rng));
    for (u32 from = 0; from < 110; from++)
        for (u32 sz = 0; sz < 130; sz++)
            cr_assert(eq(u32, qs_frame_sum(bytes + from, sz), sum_by_the_book(bytes + from, sz)));
}

static u32
udp_sum(u8 const *ip)
{
    u8 pseudo[12];
    memcpy(pseudo, ip + 12, 8);
    pseudo[8] = 0;
    pseudo[9] = 17;
    memcpy(pseudo + 10, ip + 24, 2);
    u32 sum = sum_by_the_book(pseudo, 12) + (u32)sum_by_the_book(ip + 20, qs_load_be16(ip + 24));
    return (sum >> 16) + (sum & 0xffff);
}

static void
random_to(qs_rng_t *rng, qs_frame_to_t *to)
{
    u64 a = qs_rng_u64(rng);
    u64 b = qs_rng_u64(rng);
    *to = (qs_frame_to_t){.dst_mac = a >> 16,
                          .src_mac = b >> 16,
                          .src_ip = 0x0a000000 | (u32)(a & 0xffffff),
                          .dst_ip = (u32)b,
                          .src_port = (u16)(a | 1),
                          .dst_port = (u16)(b >> 7),
                          .ip_id = (u16)(a >> 24),
                          .vlan = a & 4 ? QS_FRAME_NO_VLAN : (u16)(b & 0xfff)};
}

Test(frame, what_is_written_is_read_back_with_both_checksums_right)
{
    static u8 mem[QS_FRAME_HDR_MAX + 1500 + 16], payload[1500 + 8];
    qs_rng_t rng;
    qs_rng_init(&rng, 3, 0);
    for (u32 i = 0; i < sizeof(payload); i++)
        payload[i] = (u8)qs_rng_u64(&rng);

    for (u32 sz = 0; sz <= 1500; sz++) {
        qs_frame_to_t to;
        qs_frame_t got;
        u8 const *from = payload + sz % 8;
        random_to(&rng, &to);
        memset(mem, 0xaa, sizeof(mem));
        u32 wrote = qs_frame_write(mem, &to, from, sz);
        cr_assert(eq(u32, wrote, qs_frame_hdr_sz(to.vlan) + sz));
        cr_assert(eq(int, qs_frame_parse(mem, wrote, &got), QS_FRAME_OK));
        cr_assert(got.src_ip == to.src_ip && got.dst_ip == to.dst_ip);
        cr_assert(got.src_port == to.src_port && got.dst_port == to.dst_port);
        cr_assert(got.vlan == to.vlan && got.src_mac == to.src_mac);
        cr_assert(eq(u64, qs_frame_mac(mem), to.dst_mac));
        cr_assert(eq(u32, got.payload_off + got.payload_sz, wrote));
        cr_assert(memcmp(mem + got.payload_off, from, sz) == 0);
        u8 const *ip = mem + got.payload_off - 28;
        cr_assert(eq(u32, sum_by_the_book(ip, 20), 0xffff));
        cr_assert(eq(u32, udp_sum(ip), 0xffff));
        cr_assert(ip[8] == 64 && qs_load_be16(ip + 6) == 0x4000);
        cr_assert(eq(u32, qs_load_be16(ip + 4), to.ip_id));
        for (u32 i = wrote; i < sizeof(mem); i++)
            cr_assert(eq(u32, mem[i], 0xaa), "byte %u of %u was written", i, wrote);
    }
}

Test(frame, checksum_that_would_be_zero_is_sent_as_ffff)
{
    u8 mem[QS_FRAME_HDR_MAX + 2], payload[2] = {0, 0};
    qs_frame_to_t to = {.src_ip = 0x0a000001, .dst_ip = 0x0a000002, .src_port = 1, .dst_port = 2};
    to.vlan = QS_FRAME_NO_VLAN;
    qs_frame_write(mem, &to, payload, 2);
    qs_store_be16(payload, qs_load_be16(mem + 40)); /* completes the sum to ffff */
    qs_frame_write(mem, &to, payload, 2);
    cr_assert(eq(u32, qs_load_be16(mem + 40), 0xffff));
}

Test(frame, largest_datagram_can_be_written)
{
    static u8 mem[QS_FRAME_HDR_MAX + QS_FRAME_PAYLOAD_MAX], payload[QS_FRAME_PAYLOAD_MAX];
    qs_frame_to_t to = {.src_ip = 0xdfffffff, .dst_ip = 0xffffffff, .src_port = 0xffff};
    qs_frame_t got;
    memset(payload, 0xff, sizeof(payload));
    u32 wrote = qs_frame_write(mem, &to, payload, QS_FRAME_PAYLOAD_MAX);
    cr_assert(eq(u32, wrote, sizeof(mem)));
    cr_assert(eq(int, qs_frame_parse(mem, wrote, &got), QS_FRAME_OK));
    cr_assert(eq(u32, got.payload_sz, QS_FRAME_PAYLOAD_MAX));
    cr_assert(eq(u32, udp_sum(mem + QS_FRAME_ETH_SZ + QS_FRAME_VLAN_SZ), 0xffff));
}

/* As a tile lists its metrics. */
typedef struct counters {
#define FIELD(name, help) u64 name;
    QS_FRAME_METRICS(FIELD)
#undef FIELD
} counters_t;

Test(frame, every_reason_has_a_name_and_a_counter_in_the_same_order)
{
    cr_assert(eq(u64, sizeof(counters_t), 8 * (QS_FRAME_REASON_CNT - QS_FRAME_SHORT)));
    cr_assert(eq(u64, offsetof(counters_t, rx_own_mac), 8 * (QS_FRAME_OWN_MAC - QS_FRAME_SHORT)));
    cr_assert(eq(str, (char *)qs_frame_reason_name(QS_FRAME_OWN_MAC), "own_mac"));
    cr_assert(eq(str, (char *)qs_frame_reason_name(QS_FRAME_REASON_CNT), "?"));
}

Test(frame, headers_copied_from_a_way_are_those_that_write_makes)
{
    u8 payload[1500], whole[2048], copied[2048];
    qs_rng_t rng;
    qs_rng_init(&rng, 7, 1);
    for (u32 i = 0; i < 5000; i++) {
        qs_frame_to_t to = {.dst_mac = qs_rng_u64(&rng) >> 16,
                            .src_mac = qs_rng_u64(&rng) >> 16,
                            .src_ip = (u32)qs_rng_u64(&rng),
                            .dst_ip = (u32)qs_rng_u64(&rng),
                            .src_port = (u16)qs_rng_u64(&rng),
                            .dst_port = (u16)qs_rng_u64(&rng),
                            .ip_id = (u16)qs_rng_u64(&rng),
                            .vlan = i % 3 ? QS_FRAME_NO_VLAN : (u16)qs_rng_bounded(&rng, 4096)};
        u32 sz = (u32)qs_rng_bounded(&rng, i % 2 ? 80 : sizeof(payload));
        for (u32 k = 0; k < sz; k++)
            payload[k] = (u8)qs_rng_u64(&rng);
        qs_frame_way_t way;
        qs_frame_way_make(&way, &to);
        u32 want = qs_frame_write(whole, &to, payload, sz);
        u32 got = qs_frame_write_way(copied, &way, (u32)to.src_port << 16 | to.dst_port, to.ip_id,
                                     payload, sz);
        cr_assert(eq(u32, got, want));
        cr_assert(eq(int, memcmp(copied, whole, want), 0), "payload %u, vlan %u", sz, to.vlan);
    }
}

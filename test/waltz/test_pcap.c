/* Goal: every UDP datagram of a capture comes out as it was sent, everything else is counted
   under the right reason, and no file, however broken, is read outside its bounds.
   Method: frames built by hand for each link type, then cut, bent and damaged; capture files
   built in memory; and the real captures, whose counts are known from their descriptions. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pcap/dlt.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "waltz/pcap/qs_pcap.h"

#define DATAGRAM_SZ (20u + 8u + 5u)

/* 10.0.0.1:1111 -> 10.0.0.2:2222 "hello", behind hdr_sz bytes; returns the frame's size. */
static u32
put_datagram(u8 *frame, u32 hdr_sz)
{
    static u8 const datagram[DATAGRAM_SZ] = {
        0x45,      0,          0, DATAGRAM_SZ, 0, 1,  0x40, 0,   64,  17,        0,
        0,         10,         0, 0,           1, 10, 0,    0,   2,   1111 >> 8, 1111 & 255,
        2222 >> 8, 2222 & 255, 0, 13,          0, 0,  'h',  'e', 'l', 'l',       'o'};
    memcpy(frame + hdr_sz, datagram, sizeof(datagram));
    return hdr_sz + DATAGRAM_SZ;
}

static u32
put_ethernet(u8 *frame)
{
    memset(frame, 0x55, 12);
    qs_store_be16(frame + 12, 0x0800);
    return put_datagram(frame, 14);
}

struct link_case {
    int linktype;
    u32 hdr_sz;
    u8 hdr[24];
    qs_pcap_verdict_t verdict;
};

static struct link_case const link_cases[] = {
    {DLT_EN10MB, 14, {[12] = 0x08, 0x00}, QS_PCAP_UDP},
    {DLT_EN10MB, 18, {[12] = 0x81, 0x00, 0x20, 0x07, 0x08, 0x00}, QS_PCAP_UDP},
    {DLT_EN10MB, 18, {[12] = 0x88, 0xa8, 0x20, 0x07, 0x08, 0x00}, QS_PCAP_UDP},
    {DLT_EN10MB, 22, {[12] = 0x81, 0, 0, 7, 0x81, 0, 0, 8, 0x08, 0x00}, QS_PCAP_NOT_IP},
    {DLT_EN10MB, 14, {[12] = 0x08, 0x06}, QS_PCAP_NOT_IP},
    {DLT_EN10MB, 14, {[12] = 0x86, 0xdd}, QS_PCAP_IPV6},
    {DLT_EN10MB, 14, {[12] = 0x00, 0x21}, QS_PCAP_NOT_IP}, /* a length: 802.3 */
    {DLT_LINUX_SLL, 16, {[14] = 0x08, 0x00}, QS_PCAP_UDP},
    {DLT_LINUX_SLL, 20, {[14] = 0x81, 0x00, 0, 7, 0x08, 0x00}, QS_PCAP_UDP},
    {DLT_LINUX_SLL, 16, {[14] = 0x86, 0xdd}, QS_PCAP_IPV6},
    {DLT_LINUX_SLL2, 20, {0x08, 0x00}, QS_PCAP_UDP},
    {DLT_LINUX_SLL2, 20, {0x08, 0x06}, QS_PCAP_NOT_IP},
    {DLT_NULL, 4, {2, 0, 0, 0}, QS_PCAP_UDP},
    {DLT_NULL, 4, {0, 0, 0, 2}, QS_PCAP_UDP},
    {DLT_NULL, 4, {7, 0, 0, 0}, QS_PCAP_NOT_IP},
    {DLT_LOOP, 4, {0, 0, 0, 2}, QS_PCAP_UDP},
    {DLT_RAW, 0, {0}, QS_PCAP_UDP},
    {DLT_IPV4, 0, {0}, QS_PCAP_UDP},
    {147, 0, {0}, QS_PCAP_NOT_IP},
};

Test(pcap, datagram_is_found_behind_every_link_header)
{
    for (u32 i = 0; i < QS_COUNT(link_cases); i++) {
        struct link_case const *c = &link_cases[i];
        u8 frame[128];
        qs_pcap_pkt_t pkt = {0};
        memcpy(frame, c->hdr, sizeof(c->hdr));
        u32 sz = put_datagram(frame, c->hdr_sz);
        int got = (int)qs_pcap_parse_frame(c->linktype, frame, sz, sz, &pkt);
        cr_assert(eq(int, got, (int)c->verdict), "case %u", i);
        if (c->verdict != QS_PCAP_UDP)
            continue;
        cr_assert(eq(u32, pkt.src_ip, inet_addr("10.0.0.1")));
        cr_assert(eq(u32, pkt.dst_ip, inet_addr("10.0.0.2")));
        cr_assert(pkt.src_port == 1111 && pkt.dst_port == 2222 && pkt.payload_sz == 5);
        cr_assert(eq(int, memcmp(pkt.payload, "hello", 5), 0));
    }
}

struct bent_case {
    u32 off; /* in the Ethernet frame */
    u8 value;
    qs_pcap_verdict_t verdict;
};

#define IP  14u
#define UDP 34u
static struct bent_case const bent_cases[] = {
    {IP, 0x44, QS_PCAP_BAD_LENGTH},    /* header of 16 bytes */
    {IP, 0x4f, QS_PCAP_BAD_LENGTH},    /* header beyond the packet */
    {IP, 0x55, QS_PCAP_NOT_IP},        /* version 5 */
    {IP, 0x65, QS_PCAP_IPV6},          /* version 6, in a frame that says IPv4 */
    {IP + 3, 19, QS_PCAP_BAD_LENGTH},  /* packet shorter than its header */
    {IP + 3, 27, QS_PCAP_BAD_LENGTH},  /* packet ends in the UDP header */
    {IP + 3, 34, QS_PCAP_BAD_LENGTH},  /* packet longer than the frame */
    {IP + 2, 1, QS_PCAP_BAD_LENGTH},   /* likewise */
    {IP + 6, 0x20, QS_PCAP_FRAGMENT},  /* more fragments */
    {IP + 7, 1, QS_PCAP_FRAGMENT},     /* a later fragment */
    {IP + 6, 0x00, QS_PCAP_UDP},       /* may be fragmented, is not */
    {IP + 9, 6, QS_PCAP_NOT_UDP},      /* TCP */
    {UDP + 5, 7, QS_PCAP_BAD_LENGTH},  /* UDP shorter than its header */
    {UDP + 5, 14, QS_PCAP_BAD_LENGTH}, /* UDP longer than the packet */
    {UDP + 5, 12, QS_PCAP_UDP},        /* UDP shorter than the packet: the kernel takes it too */
    {UDP + 7, 0xff, QS_PCAP_UDP},      /* checksum: not looked at */
};

Test(pcap, bent_header_is_counted_under_its_reason)
{
    for (u32 i = 0; i < QS_COUNT(bent_cases); i++) {
        u8 frame[64];
        qs_pcap_pkt_t pkt = {0};
        u32 sz = put_ethernet(frame);
        frame[bent_cases[i].off] = bent_cases[i].value;
        int got = (int)qs_pcap_parse_frame(DLT_EN10MB, frame, sz, sz, &pkt);
        cr_expect(eq(int, got, (int)bent_cases[i].verdict), "case %u", i);
        cr_expect(eq(int, got == QS_PCAP_UDP, pkt.payload != NULL));
    }
}

Test(pcap, padding_of_a_short_frame_is_no_payload)
{
    u8 frame[64] = {0};
    qs_pcap_pkt_t pkt;
    put_ethernet(frame);
    cr_assert(eq(int, (int)qs_pcap_parse_frame(DLT_EN10MB, frame, 60, 60, &pkt), QS_PCAP_UDP));
    cr_assert(eq(u32, pkt.payload_sz, 5));
}

Test(pcap, frame_cut_anywhere_was_truncated_or_never_whole)
{
    u8 frame[64];
    u32 whole = put_ethernet(frame);
    for (u32 cut = 0; cut < whole; cut++) {
        qs_pcap_pkt_t pkt;
        u8 *exact = malloc(cut ? cut : 1); /* its own block: ASan sees one byte too many */
        memcpy(exact, frame, cut);
        int captured = (int)qs_pcap_parse_frame(DLT_EN10MB, exact, cut, whole, &pkt);
        int sent = (int)qs_pcap_parse_frame(DLT_EN10MB, exact, cut, cut, &pkt);
        int lied = (int)qs_pcap_parse_frame(DLT_EN10MB, exact, cut, 0, &pkt);
        cr_expect(eq(int, captured, QS_PCAP_TRUNCATED), "cut %u", cut);
        cr_expect(eq(int, sent, QS_PCAP_BAD_LENGTH), "cut %u", cut);
        cr_expect(eq(int, lied, QS_PCAP_BAD_LENGTH), "cut %u", cut);
        free(exact);
    }
}

Test(pcap, tagged_frame_cut_anywhere_is_read_inside_its_bounds)
{
    u8 frame[64] = {[12] = 0x81, 0, 0, 7, 0x08, 0};
    u32 whole = put_datagram(frame, 18);
    for (u32 cut = 0; cut < whole; cut++) {
        qs_pcap_pkt_t pkt;
        u8 *exact = malloc(cut ? cut : 1);
        memcpy(exact, frame, cut);
        int got = (int)qs_pcap_parse_frame(DLT_EN10MB, exact, cut, whole, &pkt);
        cr_expect(eq(int, got, QS_PCAP_TRUNCATED), "cut %u", cut);
        free(exact);
    }
}

/* A capture file in memory, under a path that can be opened. */
static char const *
file_of(u8 const *data, u64 sz)
{
    static char path[64];
    static int fd = -1;
    if (fd >= 0)
        close(fd);
    fd = memfd_create("capture", MFD_CLOEXEC);
    cr_assert(eq(i64, (i64)write(fd, data, sz), (i64)sz));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return path;
}

static u64
put_file_header(u8 *file, u32 magic, u32 linktype)
{
    u32 const head[6] = {magic, 4u << 16 | 2u, 0, 0, 65535, linktype};
    memcpy(file, head, sizeof(head));
    return sizeof(head);
}

static u64
put_record(u8 *file, u64 off, u32 sec, u32 frac, u8 const *frame, u32 sz)
{
    u32 const head[4] = {sec, frac, sz, sz};
    memcpy(file + off, head, sizeof(head));
    memcpy(file + off + sizeof(head), frame, sz);
    return off + sizeof(head) + sz;
}

static u64
only_timestamp(u8 const *file, u64 sz)
{
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    cr_assert(eq(int, qs_pcap_open(&pcap, file_of(file, sz)), 0), "%s", pcap.why);
    cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 1));
    cr_assert(eq(int, memcmp(pkt.payload, "hello", 5), 0));
    u64 ts_ns = pkt.ts_ns;
    cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 0));
    cr_assert(eq(u64, pcap.cnt[QS_PCAP_UDP], 1));
    qs_pcap_close(&pcap);
    return ts_ns;
}

Test(pcap, timestamps_are_nanoseconds_from_either_kind_of_file)
{
    u8 file[256];
    u8 frame[64];
    u32 sz = put_ethernet(frame);
    u64 end = put_record(file, put_file_header(file, 0xa1b2c3d4, 1), 1700000000, 123456, frame, sz);
    cr_assert(eq(u64, only_timestamp(file, end), 1700000000123456000));
    end = put_record(file, put_file_header(file, 0xa1b23c4d, 1), 1700000000, 123456789, frame, sz);
    cr_assert(eq(u64, only_timestamp(file, end), 1700000000123456789));
}

Test(pcap, pcapng_is_read_as_well)
{
    u8 file[256] = {0};
    u8 frame[64] = {0};
    u32 const sz = put_ethernet(frame);
    u32 const padded = (sz + 3) & ~3u;
    u64 const ts_us = 1700000000123456;
    u32 const head[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1,     0xffffffff, 0xffffffff, 28, /* section */
                        1,          20, 1,          65535, 20}; /* Ethernet */
    u32 const packet[] = {6, 32 + padded, 0, (u32)(ts_us >> 32), (u32)ts_us, sz, sz};
    memcpy(file, head, sizeof(head));
    memcpy(file + sizeof(head), packet, sizeof(packet));
    memcpy(file + sizeof(head) + sizeof(packet), frame, padded);
    memcpy(file + sizeof(head) + sizeof(packet) + padded, &packet[1], 4);
    u64 end = sizeof(head) + sizeof(packet) + padded + 4;
    cr_assert(eq(u64, only_timestamp(file, end), ts_us * 1000));
}

Test(pcap, damaged_file_ends_with_a_reason_after_what_was_good)
{
    u8 file[256];
    u8 frame[64];
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    u32 sz = put_ethernet(frame);
    u64 first = put_record(file, put_file_header(file, 0xa1b2c3d4, 1), 1, 0, frame, sz);
    u64 end = put_record(file, first, 2, 0, frame, sz);

    for (u64 cut = first + 1; cut < end; cut++) {
        cr_assert(eq(int, qs_pcap_open(&pcap, file_of(file, cut)), 0));
        cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 1));
        cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), -EBADMSG), "cut %lu", cut);
        cr_assert(ne(str, pcap.why, ""));
        qs_pcap_close(&pcap);
    }
    memset(file + first + 8, 0xff, 8); /* a record of 4 GiB */
    cr_assert(eq(int, qs_pcap_open(&pcap, file_of(file, end)), 0));
    cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 1));
    cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), -EBADMSG));
    qs_pcap_close(&pcap);
}

Test(pcap, every_damaged_byte_of_a_file_is_survived)
{
    u8 whole[256], file[256], frame[64];
    u32 sz = put_ethernet(frame);
    u64 end = put_record(whole, put_file_header(whole, 0xa1b2c3d4, 1), 1, 0, frame, sz);
    end = put_record(whole, end, 2, 0, frame, sz);
    u32 opened = 0;
    for (u64 at = 0; at < end; at++) {
        for (u32 bit = 0; bit < 8; bit++) {
            qs_pcap_t pcap;
            qs_pcap_pkt_t pkt;
            memcpy(file, whole, end);
            file[at] ^= (u8)(1u << bit);
            if (qs_pcap_open(&pcap, file_of(file, end)))
                continue;
            opened++;
            for (int err = 1; err == 1;)
                err = qs_pcap_next(&pcap, &pkt);
            qs_pcap_close(&pcap);
        }
    }
    cr_assert(opened > 500);
}

Test(pcap, file_that_is_no_capture_is_refused_in_words)
{
    u8 file[64];
    qs_pcap_t pcap;
    cr_assert(eq(int, qs_pcap_open(&pcap, "/no/such/file"), -ENOENT));
    cr_assert(ne(ptr, strstr(pcap.why, "/no/such/file"), NULL));
    cr_assert(
        eq(int, qs_pcap_open(&pcap, file_of((u8 const *)"not a capture at all", 20)), -EBADMSG));
    cr_assert(ne(str, pcap.why, ""));
    cr_assert(eq(int, qs_pcap_open(&pcap, file_of(file, 0)), -EBADMSG));
    u64 end = put_file_header(file, 0xa1b2c3d4, 147);
    cr_assert(eq(int, qs_pcap_open(&pcap, file_of(file, end)), -EPROTONOSUPPORT));
    cr_assert(ne(ptr, strstr(pcap.why, "147"), NULL));
    qs_pcap_close(&pcap);
}

struct real_case {
    char const *file;
    u64 bytes; /* of UDP payload */
    u64 not_udp;
    u64 udp;
    struct {
        u16 port;
        u64 cnt;
    } to[3];
};

static struct real_case const real_cases[] = {
    {"shred/demo-shreds.pcap", 622336, 0, 512, {{46049, 512}}},
    {"live-leader/boot.pcap", 1263942, 0, 1048, {{8001, 24}, {8003, 1024}}},
    {"live-leader/leader.pcap", 4656290, 0, 5071, {{8001, 76}, {8003, 3456}, {9001, 1539}}},
    {"gossip/two-firedancer-nodes-2026-08.pcap", 659648, 11, 539, {{8001, 539}}},
};

Test(pcap, real_captures_hold_what_their_descriptions_say)
{
    char const *dir = getenv("QS_VECTORS") ? getenv("QS_VECTORS") : "../shared/vectors";
    for (u32 i = 0; i < QS_COUNT(real_cases); i++) {
        struct real_case const *c = &real_cases[i];
        static u64 to[65536];
        char path[512];
        qs_pcap_t pcap;
        qs_pcap_pkt_t pkt;
        u64 bytes = 0, named = 0;
        snprintf(path, sizeof(path), "%s/%s", dir, c->file);
        int err = qs_pcap_open(&pcap, path);
        if (err == -ENOENT) {
            printf("skipped: %s\n", pcap.why);
            continue;
        }
        cr_assert(eq(int, err, 0), "%s", pcap.why);
        memset(to, 0, sizeof(to));
        while ((err = qs_pcap_next(&pcap, &pkt)) == 1) {
            to[pkt.dst_port]++;
            bytes += pkt.payload_sz;
        }
        cr_assert(eq(int, err, 0), "%s", pcap.why);
        cr_expect(eq(u64, bytes, c->bytes), "%s", c->file);
        for (u32 k = 0; k < QS_COUNT(c->to); k++) {
            /* An unused place asks for port 0, which nobody sends to. */
            cr_expect(eq(u64, to[c->to[k].port], c->to[k].cnt), "%s", c->file);
            named += c->to[k].cnt;
        }
        cr_expect(eq(u64, named, c->udp), "%s", c->file);
        for (u32 v = 0; v < QS_PCAP_VERDICT_CNT; v++) {
            u64 want = v == QS_PCAP_UDP ? c->udp : v == QS_PCAP_NOT_UDP ? c->not_udp : 0;
            char const *name = qs_pcap_verdict_name((qs_pcap_verdict_t)v);
            cr_expect(eq(u64, pcap.cnt[v], want), "%s %s", c->file, name);
        }
        qs_pcap_close(&pcap);
    }
}

/* Goal: a capture that we write is read back as it was: datagrams, addresses, stamps, and what was missed.
   Method: written to a file, read by qs_pcap (libpcap), and block by block by hand.  That tshark
   opens such a file is shown end to end (test_txn.sh). */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "tango/base/qs_bits.h"
#include "waltz/pcap/qs_pcap.h"
#include "waltz/pcap/qs_pcapng.h"

static char path[64];

static FILE *
create(void)
{
    snprintf(path, sizeof(path), "/tmp/test-pcapng-%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    cr_assert(f != NULL);
    return f;
}

static void
write_datagram(FILE *f, u64 ns, u32 number, u32 sz, u64 missed)
{
    u8 packet[QS_PCAPNG_UDP_HEAD + 2000];
    qs_pcapng_udp_head(packet, 0x0a000001 + number, (u16)(1000 + number), 0x7f000001, 9001,
                       (u16)sz);
    memset(packet + QS_PCAPNG_UDP_HEAD, (int)number, sz);
    qs_pcapng_packet(f, ns, packet, QS_PCAPNG_UDP_HEAD + sz, missed, number % 2 ? "odd" : NULL);
}

Test(pcapng, what_was_written_is_read_back)
{
    static u32 const sz[] = {0, 1, 2, 3, 4, 1232, 1472};
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    FILE *f = create();
    qs_pcapng_begin(f, "test", "net_verify", QS_PCAPNG_LINK_RAW);
    for (u32 i = 0; i < QS_COUNT(sz); i++)
        write_datagram(f, 1700000000123456789ull + i, i, sz[i], i == 3 ? 77 : 0);
    qs_pcapng_end(f, 1700000001000000000ull, QS_COUNT(sz), 77);
    fclose(f);
    cr_assert(eq(int, qs_pcap_open(&pcap, path), 0), "%s", pcap.why);
    for (u32 i = 0; i < QS_COUNT(sz); i++) {
        cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 1), "%s", pcap.why);
        cr_assert(eq(u64, pkt.ts_ns, 1700000000123456789ull + i));
        cr_assert(eq(u32, __builtin_bswap32(pkt.src_ip), 0x0a000001 + i));
        cr_assert(eq(u32, __builtin_bswap32(pkt.dst_ip), 0x7f000001));
        cr_assert(eq(u16, pkt.src_port, (u16)(1000 + i)));
        cr_assert(eq(u16, pkt.dst_port, 9001));
        cr_assert(eq(u32, pkt.payload_sz, sz[i]));
        for (u32 k = 0; k < sz[i]; k++)
            cr_assert(pkt.payload[k] == (u8)i);
    }
    cr_assert(eq(int, qs_pcap_next(&pcap, &pkt), 0));
    qs_pcap_close(&pcap);
    unlink(path);
}

/* The blocks as the draft has them: lengths at both ends, all of them multiples of four. */
Test(pcapng, blocks_are_well_formed_and_say_what_was_missed)
{
    static u8 buf[1u << 16];
    u32 blocks = 0, at = 0, drops = 0;
    FILE *f = create();
    qs_pcapng_begin(f, "a program with quite a name", "x", QS_PCAPNG_LINK_USER0);
    qs_pcapng_packet(f, 5, (u8 const *)"abcde", 5, 3, "comment");
    qs_pcapng_packet(f, 6, (u8 const *)"", 0, 0, NULL);
    qs_pcapng_end(f, 7, 2, 3);
    fclose(f);
    f = fopen(path, "rb");
    u32 sz = (u32)fread(buf, 1, sizeof(buf), f);
    fclose(f);
    unlink(path);
    while (at < sz) {
        u32 len;
        memcpy(&len, buf + at + 4, 4);
        cr_assert(len >= 12 && len % 4 == 0 && at + len <= sz);
        cr_assert(memcmp(buf + at + 4, buf + at + len - 4, 4) == 0);
        for (u32 k = at; k + 12 <= at + len; k += 4) /* epb_dropcount: 4, 8 bytes, 3 */
            drops += qs_load_le32(buf + k) == (4u | 8u << 16) && qs_load_le64(buf + k + 4) == 3;
        at += len;
        blocks++;
    }
    cr_assert(eq(u32, at, sz));
    cr_assert(eq(u32, blocks, 5));
    cr_assert(eq(u32, drops, 1));
}

Test(pcapng, the_ip_header_has_a_checksum_that_holds)
{
    u8 head[QS_PCAPNG_UDP_HEAD];
    for (u32 n = 0; n < 2000; n++) {
        u32 sum = 0;
        qs_pcapng_udp_head(head, n * 2654435761u, (u16)n, ~n * 40503u, (u16)(n * 7), (u16)n);
        for (u32 i = 0; i < 20; i += 2)
            sum += qs_load_be16(head + i);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        cr_assert(eq(u32, sum, 0xffff));
    }
}

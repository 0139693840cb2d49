#include "waltz/pcap/qs_pcapng.h"

#include "tango/base/qs_bits.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET     6u
#define OPT_COMMENT      1u
#define OPT_SHB_USERAPPL 4u
#define OPT_IF_NAME      2u
#define OPT_IF_TSRESOL   9u
#define OPT_EPB_DROPCNT  4u
#define OPT_ISB_IFRECV   4u
#define OPT_ISB_IFDROP   5u
#define TEXT_MAX         256u
#define BLOCK_MAX        (65536u + 2 * TEXT_MAX + 128u)

/* block_t is a block being put together; its length is known at the end. */
typedef struct block {
    u32 at;
    u8 bytes[BLOCK_MAX];
} block_t;

static void
put(block_t *b, void const *data, u32 sz)
{
    QS_ASSERT(b->at + sz + 4 <= sizeof(b->bytes));
    if (sz)
        memcpy(b->bytes + b->at, data, sz);
    b->at += sz;
    while (b->at % 4) /* everything is padded to 32 bits */
        b->bytes[b->at++] = 0;
}

static void
put_u32(block_t *b, u32 value)
{
    put(b, &value, sizeof(value)); /* in the writer's own byte order, as the section's head says */
}

static void
put_stamp(block_t *b, u64 ns)
{
    put_u32(b, (u32)(ns >> 32));
    put_u32(b, (u32)ns);
}

static void
put_option(block_t *b, u32 code, void const *data, u32 sz)
{
    put_u32(b, code | sz << 16);
    put(b, data, sz);
}

static void
put_text(block_t *b, u32 code, char const *text)
{
    u64 len = strlen(text);
    put_option(b, code, text, (u32)(len < TEXT_MAX ? len : TEXT_MAX));
}

static void
begin(block_t *b, u32 type)
{
    b->at = 0;
    put_u32(b, type);
    put_u32(b, 0);
}

static void
finish(block_t *b, FILE *f)
{
    u32 sz = b->at + 4;

    memcpy(b->bytes + 4, &sz, sizeof(sz));
    put_u32(b, sz);
    fwrite(b->bytes, 1, b->at, f);
}

void
qs_pcapng_begin(FILE *f, char const *program, char const *interface, u16 link_type)
{
    block_t b;
    u8 const nanoseconds = 9;

    begin(&b, BLOCK_SECTION);
    put_u32(&b, 0x1a2b3c4d);
    put_u32(&b, 1); /* version 1.0 */
    put_u32(&b, UINT32_MAX);
    put_u32(&b, UINT32_MAX); /* of unknown length */
    put_text(&b, OPT_SHB_USERAPPL, program);
    put_u32(&b, 0);
    finish(&b, f);
    begin(&b, BLOCK_INTERFACE);
    put_u32(&b, link_type);
    put_u32(&b, 0); /* no limit on a packet's length */
    put_text(&b, OPT_IF_NAME, interface);
    put_option(&b, OPT_IF_TSRESOL, &nanoseconds, 1);
    put_u32(&b, 0);
    finish(&b, f);
}

void
qs_pcapng_packet(FILE *f, u64 ns, u8 const *data, u32 sz, u64 missed, char const *comment)
{
    block_t b;

    begin(&b, BLOCK_PACKET);
    put_u32(&b, 0); /* the interface */
    put_stamp(&b, ns);
    put_u32(&b, sz);
    put_u32(&b, sz);
    put(&b, data, sz);
    if (comment)
        put_text(&b, OPT_COMMENT, comment);
    if (missed)
        put_option(&b, OPT_EPB_DROPCNT, &missed, sizeof(missed));
    if (comment || missed)
        put_u32(&b, 0);
    finish(&b, f);
}

void
qs_pcapng_end(FILE *f, u64 ns, u64 received, u64 missed)
{
    block_t b;

    begin(&b, BLOCK_STATISTICS);
    put_u32(&b, 0);
    put_stamp(&b, ns);
    put_option(&b, OPT_ISB_IFRECV, &received, sizeof(received));
    put_option(&b, OPT_ISB_IFDROP, &missed, sizeof(missed));
    put_u32(&b, 0);
    finish(&b, f);
}

void
qs_pcapng_udp_head(u8 head[QS_PCAPNG_UDP_HEAD], u32 src_ip, u16 src_port, u32 dst_ip, u16 dst_port,
                   u16 sz)
{
    u32 sum = 0;

    memset(head, 0, QS_PCAPNG_UDP_HEAD);
    head[0] = 0x45;
    qs_store_be16(head + 2, (u16)(QS_PCAPNG_UDP_HEAD + sz));
    qs_store_be16(head + 6, 0x4000); /* do not fragment */
    head[8] = 64;
    head[9] = 17;
    qs_store_be32(head + 12, src_ip);
    qs_store_be32(head + 16, dst_ip);
    for (u32 i = 0; i < 20; i += 2)
        sum += qs_load_be16(head + i);
    sum = (sum & 0xffff) + (sum >> 16);
    qs_store_be16(head + 10, (u16) ~(sum + (sum >> 16)));
    qs_store_be16(head + 20, src_port);
    qs_store_be16(head + 22, dst_port);
    qs_store_be16(head + 24, (u16)(8 + sz)); /* and no checksum: it was never sent with this head */
}

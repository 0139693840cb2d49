/* shredpcap DIR - captures of shreds that nobody recorded, for the end-to-end test of the shred tile.

       schedule.json   the leader of slots 0 to 399, as an RPC server answers
       whole.pcap      slots 1 to 4, three sets each, all 64 shreds
       half.pcap       the same, a random half of each set
       bad.pcap        half.pcap, and between its shreds: others of another version, of a set's third
                       version, forged, of a slot without a leader, and cut short
       roots           slot, set and root of each set, a line each */

#include "disco/shred/shred_maker.h"
#include "waltz/codec/qs_base58.h"

#define SLOT_CNT 4u
#define SET_CNT  3u
#define SLOTS    400u
#define PORT     8003u

static maker_t maker, stranger;
static qs_shredder_set_t set[SLOT_CNT][SET_CNT], odd[SET_CNT];
static u64 rng = 1;

static FILE *
create(char const *dir, char const *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    QS_ASSERT(f);
    return f;
}

static FILE *
create_pcap(char const *dir, char const *name)
{
    static u32 const head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
    FILE *f = create(dir, name);
    QS_ASSERT(fwrite(head, sizeof(head), 1, f) == 1);
    return f;
}

/* put writes one UDP datagram in an Ethernet frame, a tenth of a millisecond after the last. */
static void
put(FILE *f, u8 const *data, u32 sz)
{
    static u32 at_us;
    u8 head[42] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0, 0x45};
    u32 const record[4] = {1000, at_us += 100, sz + 42, sz + 42};
    qs_store_be16(head + 16, (u16)(sz + 28));
    head[22] = 64, head[23] = 17;
    qs_store_be32(head + 26, 0x0a000001);
    qs_store_be32(head + 30, 0x0a000002);
    qs_store_be16(head + 34, 5000);
    qs_store_be16(head + 36, PORT);
    qs_store_be16(head + 38, (u16)(sz + 8));
    QS_ASSERT(fwrite(record, sizeof(record), 1, f) == 1);
    QS_ASSERT(fwrite(head, sizeof(head), 1, f) == 1);
    QS_ASSERT(fwrite(data, sz, 1, f) == 1);
}

/* put_bad writes something that must be refused, a different fault each time. */
static void
put_bad(FILE *f, u32 kind, qs_shredder_set_t *like)
{
    u8 copy[QS_SHRED_SZ_MAX];
    u32 sz;
    u8 *shred = maker_shred(like, kind % 64, &sz);
    memcpy(copy, shred, sz);
    switch (kind % 5) {
    case 0:
        copy[77] ^= 1; /* version */
        break;
    case 1:
        copy[200] ^= 1; /* signature */
        break;
    case 2:
        sz = 100; /* short_data, short_code */
        break;
    case 3:
        memcpy(copy, maker_shred(&odd[kind % SET_CNT], kind % 64, &sz), QS_SHRED_DATA_SZ);
        copy[66] = 0x80; /* leader_unknown: slot 0x80.. */
        break;
    default:
        copy[64] = 0xa5; /* legacy */
    }
    put(f, copy, sz);
}

static void
write_captures(char const *dir)
{
    FILE *whole = create_pcap(dir, "whole.pcap"), *half = create_pcap(dir, "half.pcap");
    FILE *bad = create_pcap(dir, "bad.pcap");
    u32 sz;
    for (u32 i = 0; i < SLOT_CNT * SET_CNT; i++) {
        qs_shredder_set_t *s = &set[i / SET_CNT][i % SET_CNT];
        u64 keep = 0;
        while (__builtin_popcountll(keep) < 32)
            keep |= 1ull << rand_next(&rng) % 64;
        for (u32 k = 0; k < 64; k++) {
            u8 *shred = maker_shred(s, k, &sz);
            put(whole, shred, sz);
            if (!(keep >> k & 1))
                continue;
            put(half, shred, sz);
            put_bad(bad, k, s);
            put(bad, shred, sz);
        }
    }
    fclose(whole);
    fclose(half);
    fclose(bad);
}

static void
write_schedule(char const *dir)
{
    char identity[QS_BASE58_32_MAX];
    FILE *f = create(dir, "schedule.json");
    qs_base58_encode_32(identity, maker.identity);
    fprintf(f, "{\"jsonrpc\":\"2.0\",\"result\":{\"%s\":[0", identity);
    for (u32 i = 1; i < SLOTS; i++)
        fprintf(f, ",%u", i);
    fprintf(f, "]},\"id\":1}\n");
    fclose(f);
}

static void
write_roots(char const *dir)
{
    FILE *f = create(dir, "roots");
    for (u32 i = 0; i < SLOT_CNT * SET_CNT; i++) {
        qs_shredder_set_t const *s = &set[i / SET_CNT][i % SET_CNT];
        fprintf(f, "%u %u ", 1 + i / SET_CNT, s->fec_idx);
        for (u32 k = 0; k < 32; k++)
            fprintf(f, "%02x", s->root[k]);
        fprintf(f, "\n");
    }
    fclose(f);
}

int
main(int argc, char **argv)
{
    static u8 root[32];
    if (argc != 2)
        return 2;
    maker_init(&maker, 1, 777);
    maker_init(&stranger, 2, 777);
    for (u32 i = 0; i < SLOT_CNT; i++)
        maker_slot(&maker, set[i], SET_CNT, 1 + i, i ? set[i - 1][SET_CNT - 1].root : root, 10 + i);
    maker_slot(&stranger, odd, SET_CNT, 1, root, 99);
    write_captures(argv[1]);
    write_schedule(argv[1]);
    write_roots(argv[1]);
    return 0;
}

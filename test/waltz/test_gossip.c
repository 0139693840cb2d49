/* Goal: what gossip's codec writes it reads back to the same place, every message that the rules of
   2026 refuse is refused for the right reason, and the datagrams of real nodes are judged as known.
   Method: one sample of each message and value; a table of single changes to them, each with
   the reason it must come to; every length of every sample; the captures, where they are there. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/gossip_samples.h"
#include "waltz/pcap/qs_pcap.h"

#define BODY (QS_GOSSIP_VALUES_OFF + 64u + 4u) /* behind the tag of the first value */

static u8 const kinds[] = {QS_CRDS_VOTE,
                           QS_CRDS_LOWEST_SLOT,
                           QS_CRDS_EPOCH_SLOTS,
                           QS_CRDS_DUPLICATE_SHRED,
                           QS_CRDS_SNAPSHOT_HASHES,
                           QS_CRDS_CONTACT_INFO,
                           QS_CRDS_RESTART_SLOTS,
                           QS_CRDS_RESTART_FORK};

static char const *
judge(u8 const *data, u32 sz)
{
    static qs_gossip_msg_t msg;
    u8 *exact = malloc(sz ? sz : 1); /* so that ASan sees a read past the end */

    memcpy(exact, data, sz);
    char const *name = qs_gossip_reason_name(qs_gossip_parse(exact, sz, &msg));
    free(exact);
    return name;
}

Test(gossip, each_kind_of_value_is_found_where_it_was_written)
{
    u8 room[QS_GOSSIP_MTU];
    qs_gossip_msg_t msg;

    for (u32 k = 0; k < QS_COUNT(kinds); k++) {
        u32 sz = sample_push(room, sizeof(room), QS_GOSSIP_PUSH, kinds[k], 2);
        cr_assert(ne(u32, sz, 0), "kind %u", kinds[k]);
        cr_assert(eq(str, (char *)judge(room, sz), "ok"), "kind %u", kinds[k]);
        cr_assert(eq(int, qs_gossip_parse(room, sz, &msg), QS_GOSSIP_ok));
        cr_assert(eq(int, msg.kind, QS_GOSSIP_PUSH));
        cr_assert(eq(int, msg.value_cnt, 2));
        cr_assert(eq(int, memcmp(room + msg.from_off, sample_key, 32), 0));
        cr_assert(eq(u32, msg.value[0].off, QS_GOSSIP_VALUES_OFF));
        cr_assert(eq(u32, msg.value[1].off, (u32)msg.value[0].off + msg.value[0].sz));
        cr_assert(eq(u32, (u32)msg.value[1].off + msg.value[1].sz, sz));
        for (u32 i = 0; i < 2; i++) {
            cr_assert(eq(int, msg.value[i].kind, kinds[k]));
            cr_assert(eq(u64, msg.value[i].wallclock, SAMPLE_CLOCK), "kind %u", kinds[k]);
            cr_assert(eq(int, memcmp(room + msg.value[i].origin_off, sample_key, 32), 0));
        }
        qs_crds_t alone;
        cr_assert(eq(int, qs_crds_parse(room + msg.value[1].off, msg.value[1].sz, &alone), 0));
        cr_assert(eq(int, alone.index, msg.value[1].index));
    }
}

Test(gossip, a_value_says_its_index)
{
    u8 room[QS_GOSSIP_MTU];
    qs_gossip_msg_t msg;
    static u32 const want[] = {3, 0, 4, 511, 0, 0, 0, 0};

    for (u32 k = 0; k < QS_COUNT(kinds); k++) {
        u32 sz = sample_push(room, sizeof(room), QS_GOSSIP_PULL_RESPONSE, kinds[k], 1);
        cr_assert(eq(int, qs_gossip_parse(room, sz, &msg), QS_GOSSIP_ok));
        cr_assert(eq(u32, msg.value[0].index, want[k]));
    }
}

Test(gossip, a_pull_request_says_where_its_filter_lies)
{
    u8 room[QS_GOSSIP_MTU];
    qs_gossip_msg_t msg;
    u32 sz = sample_pull_request(room, sizeof(room));

    cr_assert(eq(int, qs_gossip_parse(room, sz, &msg), QS_GOSSIP_ok));
    cr_assert(eq(u32, msg.filter.key_cnt, 3));
    cr_assert(eq(u64, qs_load_le64(room + msg.filter.key_off + 16), 13));
    cr_assert(eq(u32, msg.filter.word_cnt, 2));
    cr_assert(eq(u64, qs_load_le64(room + msg.filter.word_off + 8), 6));
    cr_assert(eq(u32, msg.filter.bit_cnt, 100));
    cr_assert(eq(u32, msg.filter.mask_bits, 6));
    cr_assert(eq(u64, msg.filter.mask, 0x07ffffffffffffffull));
    cr_assert(eq(int, memcmp(room + msg.from_off, sample_key, 32), 0));
    cr_assert(eq(u32, sz, 49 + 8 * 3 + 8 * 2 + msg.value[0].sz)); /* spec §3.1 */
}

Test(gossip, a_prune_says_where_its_origins_lie)
{
    u8 room[QS_GOSSIP_MTU], signed_old[2048], signed_new[2048];
    qs_gossip_msg_t msg;

    for (u32 cnt = 0; cnt <= QS_GOSSIP_PRUNE_MAX; cnt++) {
        u32 sz = sample_prune(room, sizeof(room), cnt);
        cr_assert(eq(u32, sz, 180 + 32 * cnt));
        cr_assert(eq(int, qs_gossip_parse(room, sz, &msg), QS_GOSSIP_ok));
        cr_assert(eq(u32, msg.prune.origin_cnt, cnt));
        cr_assert(eq(u32, msg.prune.origin_off, 76));
        cr_assert(eq(u64, msg.prune.wallclock, SAMPLE_CLOCK));
        qs_gossip_prune_t prune = {.from = room + msg.from_off,
                                   .dest = room + msg.prune.dest_off,
                                   .origins = room + msg.prune.origin_off,
                                   .cnt = cnt,
                                   .wallclock = msg.prune.wallclock};
        u32 old_sz = qs_gossip_prune_to_sign(signed_old, sizeof(signed_old), &prune, false);
        u32 new_sz = qs_gossip_prune_to_sign(signed_new, sizeof(signed_new), &prune, true);
        cr_assert(eq(u32, old_sz, 80 + 32 * cnt));
        cr_assert(eq(u32, new_sz, 106 + 32 * cnt));
        cr_assert(eq(u64, qs_load_le64(signed_new), 18));
        cr_assert(eq(int, memcmp(signed_new + 8, "\xffSOLANA_PRUNE_DATA", 18), 0));
        cr_assert(eq(int, memcmp(signed_new + 26, signed_old, old_sz), 0));
    }
    cr_assert(eq(u32, sample_prune(room, sizeof(room), 33), 0));
}

/* SHA-256 of "SOLANA_PING_PONG" and sample_key, by another program. */
static u8 const pong_of_sample[32] = {
    0x5d, 0xd2, 0xd0, 0xc1, 0x24, 0xfc, 0x24, 0x5b, 0xa8, 0x97, 0xd6, 0x98, 0xfd, 0xdf, 0xbb, 0x47,
    0x29, 0xf6, 0xbc, 0x05, 0xd6, 0x7f, 0xa3, 0xc3, 0x1b, 0x4c, 0xf4, 0xf9, 0x1b, 0x15, 0x75, 0x15};

Test(gossip, a_ping_is_132_bytes_and_a_pong_answers_its_token)
{
    u8 room[QS_GOSSIP_MTU], sig[64] = {9}, hash[32];
    qs_gossip_msg_t msg;
    for (u32 kind = QS_GOSSIP_PING; kind <= QS_GOSSIP_PONG; kind++) {
        u32 sz = qs_gossip_write_ping(room, sizeof(room), kind, sample_key, sample_key, sig);
        cr_assert(eq(u32, sz, QS_GOSSIP_PING_SZ));
        cr_assert(eq(int, qs_gossip_parse(room, sz, &msg), QS_GOSSIP_ok));
        cr_assert(eq(int, msg.kind, (int)kind));
        cr_assert(eq(int, memcmp(room + msg.ping.token_off, sample_key, 32), 0));
        cr_assert(eq(u32, room[msg.ping.sig_off], 9));
    }
    qs_gossip_pong_hash(hash, sample_key);
    cr_assert(eq(int, memcmp(hash, pong_of_sample, 32), 0));
}

Test(gossip, a_contact_info_reads_back_as_written)
{
    u8 room[400];
    qs_rng_t rng;
    qs_rng_init(&rng, 7, 0);

    for (u32 round = 0; round < 2000; round++) {
        qs_contact_t c = {.wallclock = qs_rng_u64(&rng) % QS_GOSSIP_CLOCK_MAX,
                          .outset = qs_rng_u64(&rng),
                          .shred_version = (u16)qs_rng_u64(&rng),
                          .major = (u16)qs_rng_u64(&rng),
                          .minor = (u16)(qs_rng_u64(&rng) & 127),
                          .client = (u16)(qs_rng_u64(&rng) & 16383)};
        for (u32 k = 0; k < QS_CONTACT_KEY_CNT; k++)
            if (qs_rng_u64(&rng) & 1)
                c.socket[k] = (qs_contact_socket_t){0x0a000001u + (u32)(qs_rng_u64(&rng) % 3),
                                                    (u16)(1 + qs_rng_u64(&rng) % 65535)};
        qs_contact_t back;
        u32 sz = qs_contact_write(&c, room, sizeof(room));
        cr_assert(sz > 4);
        cr_assert(eq(int, qs_contact_parse(room + 4, sz - 4, &back), QS_GOSSIP_ok));
        cr_assert(eq(int, memcmp(&c, &back, sizeof(c)), 0));
        cr_assert(eq(u32, qs_contact_write(&c, room, sz - 1), 0));
    }
}

Test(gossip, ports_of_a_contact_add_up_to_65535_at_most)
{
    for (u32 second = 25535; second <= 25536; second++) {
        u8 room[128];
        qs_writer_t w = {.data = room, .sz = sizeof(room)};
        qs_write_bytes(&w, sample_key, 32);
        qs_write_bytes(&w, (u8[8 + 2 + 4 + 4 + 5]){0}, 1 + 8 + 2 + 3 + 4 + 4 + 1);
        qs_write_bytes(&w, (u8[]){1, 0, 0, 0, 0, 10, 0, 0, 1, 2, 0, 0}, 12);
        qs_write_varint(&w, 40000);
        qs_write_bytes(&w, (u8[]){10, 0}, 2);
        qs_write_varint(&w, second);
        qs_write_u8(&w, 0);
        cr_assert(eq(int, qs_contact_parse(room, w.at, NULL),
                     second == 25535 ? QS_GOSSIP_ok : QS_GOSSIP_socket_port));
    }
}

Test(gossip, a_socket_nobody_can_send_to_is_as_good_as_absent)
{
    u8 room[400];
    qs_contact_t c = sample_contact(), back;

    c.socket[QS_CONTACT_TVU].ip = 0xe0000001;
    c.socket[QS_CONTACT_GOSSIP].ip = 0;
    u32 sz = qs_contact_write(&c, room, sizeof(room));
    cr_assert(eq(int, qs_contact_parse(room + 4, sz - 4, &back), QS_GOSSIP_ok));
    cr_assert(eq(u32, back.socket[QS_CONTACT_TVU].port, 0));
    cr_assert(eq(u32, back.socket[QS_CONTACT_GOSSIP].port, 0));
    cr_assert(eq(u32, back.socket[QS_CONTACT_TPU_VOTE].port, 8003));
}

Test(gossip, no_sample_is_accepted_when_it_is_cut_or_lengthened)
{
    u8 room[QS_GOSSIP_MTU + 8];

    for (u32 k = 0; k < QS_COUNT(kinds) + 3; k++) {
        memset(room, 0, sizeof(room));
        u32 sz = k < QS_COUNT(kinds) ? sample_push(room, QS_GOSSIP_MTU, QS_GOSSIP_PUSH, kinds[k], 1)
                 : k == QS_COUNT(kinds) ? sample_pull_request(room, QS_GOSSIP_MTU)
                 : k == QS_COUNT(kinds) + 1
                     ? sample_prune(room, QS_GOSSIP_MTU, 3)
                     : qs_gossip_write_ping(room, QS_GOSSIP_MTU, QS_GOSSIP_PING, sample_key,
                                            sample_key, (u8 const[64]){0});
        for (u32 cut = 0; cut < sz; cut++)
            cr_assert(eq(str, (char *)judge(room, cut), "cut"), "sample %u cut to %u", k, cut);
        cr_assert(eq(str, (char *)judge(room, sz + 1), "trailing"), "sample %u", k);
    }
    cr_assert(eq(str, (char *)judge(room, QS_GOSSIP_MTU + 1), "oversize"));
}

/* One change to a sample: bytes at an offset, counted from the first value's fields where body. */
typedef struct change {
    int spec; /* row of the spec's list of bad input, §15 */
    u8 kind;  /* of the value; 0: a pull request; 255: a prune; 254: a push of LowestSlot, from 0 */
    u16 off;
    u8 sz;
    u8 bytes[12];
    char const *reason;
} change_t;

/* clang-format off */
#define ALL8 0xff,0xff,0xff,0xff,0xff,0xff,0xff,0xff
#define CLOCK_OVER 0x00,0x80,0xc6,0xa4,0x7e,0x8d,0x03,0x00 /* 10^15 */
#define MAX_SNAPSHOT_AT (32 + 8 + 32 + 8)
static change_t const changes[] = {
    { 3, 254, 0, 4, {6},                              "kind" },
    { 3, 254, 0, 4, {ALL8},                           "kind" },
    { 5, 254, 36, 8, {ALL8},                          "cut" },
    { 5, 0,   4, 8, {ALL8},                           "cut" },
    { 5, 0,   4, 8, {0,0,0,0,0,0,0,0x20},             "cut" }, /* 8 * 2^61 wraps to 0 */
    { 5, QS_CRDS_EPOCH_SLOTS, 33, 8, {ALL8},          "cut" },
    { 5, QS_CRDS_SNAPSHOT_HASHES, 72, 8, {ALL8},      "cut" },
    { 5, QS_CRDS_DUPLICATE_SHRED, 34+23, 8, {ALL8},   "cut" },
    { 6, 0,   36, 1, {2},                             "option" },
    { 7, 254, 44+64, 4, {14},                         "value_kind" },
    { 7, 254, 44+64, 4, {ALL8},                       "value_kind" },
    { 8, 254, 44+64, 4, {0},                          "dead_kind" },
    { 8, 254, 44+64, 4, {3},                          "dead_kind" },
    { 8, 254, 44+64, 4, {4},                          "dead_kind" },
    { 8, 254, 44+64, 4, {6},                          "dead_kind" },
    { 8, 254, 44+64, 4, {7},                          "dead_kind" },
    { 8, 254, 44+64, 4, {8},                          "dead_kind" },
    { 9, QS_CRDS_CONTACT_INFO, 62, 2, {0x80, 0},      "varint" }, /* addrs, 2 */
    {10, QS_CRDS_CONTACT_INFO, 62, 3, {0xff,0xff,4},  "varint" },
    {11, QS_CRDS_CONTACT_INFO, 32, 7, {0x80,0x80,0x80,0x80,0x80,0x80,0}, "varint" },
    {12, QS_CRDS_CONTACT_INFO, 32, 10, {ALL8,0xff,2}, "varint" },
    {12, QS_CRDS_CONTACT_INFO, 32, 11, {ALL8,0xff,0x80,1}, "varint" },
    {14, 0,   85, 4, {5},                     "mask" }     ,
    {15, 0,   85, 4, {64},                    "mask" }     ,
    {15, 0,   85, 4, {ALL8},                  "mask" }     ,
    {17, 0,   61, 4, {129},                     "bitmap" },
    {17, 0,   37, 8, {ALL8},                          "cut" },
    {25, 255, 36, 1, {99},                            "prune_from" },
    {26, 255, 76+96+64+32, 8, {CLOCK_OVER},           "wallclock" },
    {35, QS_CRDS_LOWEST_SLOT, 65, 8, {CLOCK_OVER},    "wallclock" },
    {35, QS_CRDS_RESTART_FORK, 32, 8, {CLOCK_OVER},   "wallclock" },
    {35, QS_CRDS_DUPLICATE_SHRED, 34, 8, {CLOCK_OVER},"wallclock" },
    {37, QS_CRDS_VOTE, 0, 1, {32},                    "vote_index" },
    {38, QS_CRDS_VOTE, 33+65, 1, {2},                 "vote_txn" }, /* required > signatures */
    {38, QS_CRDS_VOTE, 33+66, 1, {1},                 "vote_txn" }, /* readonly signed >= required */
    {38, QS_CRDS_VOTE, 33+67, 1, {3},                 "vote_txn" }, /* required + readonly > keys */
    {38, QS_CRDS_VOTE, 33+69+64, 1, {8},              "vote_txn" }, /* another program */
    {38, QS_CRDS_VOTE, 33+69+128+1, 1, {0},           "vote_txn" }, /* program is the fee payer */
    {38, QS_CRDS_VOTE, 33+69+128+1, 1, {3},           "vote_txn" }, /* ... is not there */
    {38, QS_CRDS_VOTE, 33+69+128+3, 1, {3},           "vote_txn" }, /* account is not there */
    {38, QS_CRDS_VOTE, 33+69+128+6, 1, {1},           "vote_txn" }, /* not a vote instruction */
    {39, QS_CRDS_LOWEST_SLOT, 0, 1, {1},              "lowest_slot" },
    {39, QS_CRDS_LOWEST_SLOT, 33, 1, {1},             "lowest_slot" },
    {39, QS_CRDS_LOWEST_SLOT, 41, 8, {CLOCK_OVER},    "lowest_slot" },
    {39, QS_CRDS_LOWEST_SLOT, 49, 1, {1},             "lowest_slot" },
    {39, QS_CRDS_LOWEST_SLOT, 57, 1, {1},             "lowest_slot" },
    {40, QS_CRDS_EPOCH_SLOTS, 0, 1, {255},            "epoch_slots" },
    {41, QS_CRDS_EPOCH_SLOTS, 45, 8, {CLOCK_OVER},    "epoch_slots" },
    {41, QS_CRDS_EPOCH_SLOTS, 53, 4, {0,0x40},        "epoch_slots" },
    {41, QS_CRDS_EPOCH_SLOTS, 41, 4, {2},             "epoch_slots" },
    {42, QS_CRDS_EPOCH_SLOTS, 61+9+2, 1, {15},        "epoch_slots" },
    {42, QS_CRDS_EPOCH_SLOTS, 61+9+2, 1, {17},        "bitmap" },
    {44, QS_CRDS_DUPLICATE_SHRED, 0, 2, {0,2},        "duplicate" },
    {44, QS_CRDS_DUPLICATE_SHRED, 34+8+13, 1, {0},    "duplicate" },
    {44, QS_CRDS_DUPLICATE_SHRED, 34+8+14, 1, {3},    "duplicate" },
    {45, QS_CRDS_SNAPSHOT_HASHES, 32, 8, {CLOCK_OVER}, "snapshot" },
    {45, QS_CRDS_SNAPSHOT_HASHES, MAX_SNAPSHOT_AT, 8, {100}, "snapshot" },
    {45, QS_CRDS_SNAPSHOT_HASHES, MAX_SNAPSHOT_AT, 8, {CLOCK_OVER}, "snapshot" },
    {46, QS_CRDS_CONTACT_INFO, 63, 4, {1},            "ipv6" },
    {46, QS_CRDS_CONTACT_INFO, 63, 4, {2},            "ipv6" },
    {47, QS_CRDS_CONTACT_INFO, 75, 4, {10,78,0,2}, "addr_repeated" },
    {47, QS_CRDS_CONTACT_INFO, 81, 1, {1},          "addr_unused" }, /* the only user of addr 0 */
    {47, QS_CRDS_CONTACT_INFO, 81, 1, {2},          "socket_index" },
    {48, QS_CRDS_CONTACT_INFO, 84, 1, {4},            "socket_key" },
    {62, QS_CRDS_CONTACT_INFO, 94, 1, {1},            "cut" }, /* an extension that is not there */
    {60, QS_CRDS_RESTART_SLOTS, 40, 4, {2},           "restart" },
    {60, QS_CRDS_RESTART_SLOTS, 44+9+3, 1, {25},      "bitmap" },
    {61, 254, 36, 8, {0},                             "empty" },
};
/* clang-format on */

Test(gossip, one_wrong_field_is_refused_for_its_own_reason)
{
    for (u32 i = 0; i < QS_COUNT(changes); i++) {
        change_t const *c = &changes[i];
        u8 room[QS_GOSSIP_MTU];
        u32 base = 0, sz;
        if (c->kind == 0)
            sz = sample_pull_request(room, sizeof(room));
        else if (c->kind == 255)
            sz = sample_prune(room, sizeof(room), 3);
        else if (c->kind == 254)
            sz = sample_push(room, sizeof(room), QS_GOSSIP_PUSH, QS_CRDS_LOWEST_SLOT, 1);
        else
            sz = sample_push(room, sizeof(room), QS_GOSSIP_PUSH, c->kind, 1), base = BODY;
        cr_assert(eq(str, (char *)judge(room, sz), "ok"));
        memcpy(room + base + c->off, c->bytes, c->sz);
        cr_expect(eq(str, (char *)judge(room, sz), (char *)c->reason), "change %u, row %d", i,
                  c->spec);
    }
}

/* Row 43: a bad stream, or one that would inflate to gigabytes, is bytes to us as any other. */
Test(gossip, deflated_slots_are_passed_on_and_never_inflated)
{
    u8 room[QS_GOSSIP_MTU];
    u32 sz = sample_push(room, sizeof(room), QS_GOSSIP_PUSH, QS_CRDS_EPOCH_SLOTS, 1);

    qs_store_le32(room + BODY + 41, 0);
    qs_store_le64(room + BODY + 61, 11); /* in place of the option, its words and their bits */
    memset(room + BODY + 69, 0xff, 11);
    cr_assert(eq(str, (char *)judge(room, sz), "ok"));
    qs_store_le64(room + BODY + 61, UINT64_MAX);
    cr_assert(eq(str, (char *)judge(room, sz), "cut"));
}

Test(gossip, a_pull_request_of_another_value_than_a_contact_is_refused)
{
    u8 room[QS_GOSSIP_MTU], value[QS_GOSSIP_MTU];
    qs_gossip_filter_out_t filter = {.mask_bits = 6};

    for (u32 k = 0; k < QS_COUNT(kinds); k++) {
        u32 value_sz = sample_value(value, sizeof(value), kinds[k]);
        u32 sz = qs_gossip_write_pull_request(room, sizeof(room), &filter, value, value_sz);
        bool contact = kinds[k] == QS_CRDS_CONTACT_INFO;
        cr_assert(eq(str, (char *)judge(room, sz), contact ? "ok" : "caller"));
    }
}

/* The table of a real node's tests, for both widths of words (vectors/gossip, bitvec_cases). */
Test(gossip, a_bit_vector_has_no_more_bits_than_words)
{
    static struct {
        u32 some, words, bits;
        bool ok64, ok8;
    } const cases[] = {{0, 0, 0, true, true},   {0, 0, 1, false, false}, {1, 0, 0, true, true},
                       {1, 0, 1, false, false}, {1, 1, 8, true, true},   {1, 1, 64, true, false},
                       {1, 1, 65, false, false}};

    for (u32 i = 0; i < QS_COUNT(cases); i++)
        for (u32 word_sz = 1; word_sz <= 8; word_sz += 7) {
            u8 room[64];
            qs_writer_t w = {.data = room, .sz = sizeof(room)};
            qs_write_u8(&w, (u8)cases[i].some);
            if (cases[i].some)
                qs_write_u64(&w, cases[i].words);
            for (u32 k = 0; k < cases[i].words * word_sz; k++)
                qs_write_u8(&w, 1);
            qs_write_u64(&w, cases[i].bits);
            qs_reader_t r = {.data = room, .sz = w.at};
            qs_read_bits(&r, word_sz);
            cr_expect(eq(int, !r.fault, word_sz == 8 ? cases[i].ok64 : cases[i].ok8), "case %u", i);
        }
}

Test(gossip, numbers_have_one_shortest_form)
{
    static u64 const values[] = {0,     1,     127,   128,        16383,
                                 16384, 65535, 65536, UINT32_MAX, UINT64_MAX};

    for (u32 i = 0; i < QS_COUNT(values); i++) {
        u8 room[16];
        qs_writer_t w = {.data = room, .sz = sizeof(room)};
        qs_write_varint(&w, values[i]);
        qs_reader_t r = {.data = room, .sz = w.at}, narrow = r;
        cr_assert(eq(u64, qs_read_varint(&r, 64), values[i]));
        cr_assert(eq(u32, (u32)r.fault + qs_reader_left(&r), 0));
        cr_assert(eq(u64, qs_read_varint(&narrow, 16), values[i] <= UINT16_MAX ? values[i] : 0));
        cr_assert(eq(int, narrow.fault, values[i] <= UINT16_MAX ? QS_READER_OK : QS_READER_VARINT));
    }
    for (u32 len = 2; len <= 10; len++) { /* any value, made longer by zeros */
        u8 room[10];
        memset(room, 0x80, sizeof(room));
        room[len - 1] = 0;
        qs_reader_t r = {.data = room, .sz = len};
        qs_read_varint(&r, 64);
        cr_assert(eq(int, r.fault, QS_READER_VARINT));
    }
}

Test(gossip, a_full_message_takes_no_more_values)
{
    u8 room[QS_GOSSIP_MTU], value[200];
    u32 value_sz = sample_value(value, sizeof(value), QS_CRDS_RESTART_FORK);
    u32 sz = qs_gossip_write_values(room, sizeof(room), QS_GOSSIP_PUSH, sample_key), cnt = 0, more;

    while ((more = qs_gossip_add_value(room, sizeof(room), sz, value, value_sz)))
        sz = more, cnt++;
    cr_assert(eq(u32, cnt, QS_GOSSIP_VALUES_SZ / value_sz));
    cr_assert(eq(str, (char *)judge(room, sz), "ok"));
    qs_store_le64(room + 36, cnt + 1);
    cr_assert(eq(str, (char *)judge(room, sz), "cut"));
}

static char *
vectors(char const *name)
{
    static char path[512];
    char const *dir = getenv("QS_VECTORS");
    snprintf(path, sizeof(path), "%s/%s", dir ? dir : "../shared/vectors", name);
    return path;
}

/* clang-format off */
static struct { char const *file, *reason; } const old_captures[] = {
    { "pull_req",                              "dead_kind" },
    { "pull_resp_legacy_snapshot_hashes",      "dead_kind" },
    { "pull_resp_node_instance",               "dead_kind" },
    { "pull_resp_snapshot_hashes",             "ok"        },
    { "pull_resp_version",                     "dead_kind" },
    { "push_vote",                             "ok"        },
    { "types/gossip_pull_req",                 "dead_kind" },
    { "types/gossip_pull_resp_contact_info",   "dead_kind" },
    { "types/gossip_pull_resp_contact_info_v2","dead_kind" },
    { "types/gossip_pull_resp_node_instance",  "dead_kind" },
    { "types/gossip_pull_resp_snapshot_hashes","dead_kind" },
    { "types/gossip_pull_resp_version",        "dead_kind" },
    { "types/gossip_push_vote",                "ok"        },
};
/* clang-format on */

Test(gossip, captures_of_old_nodes_are_judged_by_the_rules_of_today)
{
    for (u32 i = 0; i < QS_COUNT(old_captures); i++) {
        char name[128];
        u8 data[4096];
        snprintf(name, sizeof(name), "gossip/firedancer/%s.bin", old_captures[i].file);
        FILE *f = fopen(vectors(name), "rb");
        if (!f) {
            printf("skipped: no %s\n", vectors(name));
            return;
        }
        u32 sz = (u32)fread(data, 1, sizeof(data), f);
        fclose(f);
        cr_expect(eq(str, (char *)judge(data, sz), (char *)old_captures[i].reason), "%s", name);
    }
}

static bool
is_signed(u8 const *sig, u8 const *key, u8 const *msg, u32 sz)
{
    qs_ed25519_item_t item = {.signature = sig, .public_key = key, .msg = msg, .msg_sz = sz};
    return qs_ed25519_verify(&item, QS_ED25519_STRICT) == QS_ED25519_OK;
}

/* verified returns how many values, pings and pongs of a message have good signatures. */
static u32
verified(u8 const *data, qs_gossip_msg_t const *msg)
{
    u32 good = 0;

    for (u32 i = 0; i < msg->value_cnt; i++) {
        qs_crds_t const *v = &msg->value[i];
        good += is_signed(data + v->off, data + v->origin_off, data + v->off + 64, v->sz - 64u);
    }
    if (msg->kind == QS_GOSSIP_PING || msg->kind == QS_GOSSIP_PONG)
        good += is_signed(data + msg->ping.sig_off, data + msg->from_off,
                          data + msg->ping.token_off, 32);
    return good;
}

static void
judge_capture(char const *name, u16 port, u32 const want[QS_GOSSIP_KIND_CNT])
{
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    u32 cnt[QS_GOSSIP_KIND_CNT] = {0}, answered = 0;
    u8 hash[2][32] = {0};

    if (qs_pcap_open(&pcap, vectors(name))) {
        printf("skipped: no %s\n", vectors(name));
        return;
    }
    while (qs_pcap_next(&pcap, &pkt) == 1) {
        qs_gossip_msg_t msg;
        if (pkt.dst_port != port && pkt.src_port != port)
            continue;
        qs_gossip_reason_t reason = qs_gossip_parse(pkt.payload, pkt.payload_sz, &msg);
        cr_assert(eq(int, reason, QS_GOSSIP_ok), "%s", qs_gossip_reason_name(reason));
        cnt[msg.kind]++;
        u32 claims = msg.value_cnt + (msg.kind >= QS_GOSSIP_PING);
        cr_assert(eq(u32, verified(pkt.payload, &msg), claims));
        if (msg.kind == QS_GOSSIP_PING)
            qs_gossip_pong_hash(hash[cnt[msg.kind] & 1], pkt.payload + msg.ping.token_off);
        if (msg.kind == QS_GOSSIP_PONG)
            answered += !memcmp(hash[0], pkt.payload + msg.ping.token_off, 32) ||
                        !memcmp(hash[1], pkt.payload + msg.ping.token_off, 32);
    }
    qs_pcap_close(&pcap);
    for (u32 k = 0; k < QS_GOSSIP_KIND_CNT; k++)
        cr_assert(eq(u32, cnt[k], want[k]), "%s: messages of kind %u", name, k);
    cr_assert(eq(u32, answered, want[QS_GOSSIP_PONG]));
}

Test(gossip, captures_of_todays_nodes_are_accepted_signatures_and_pongs_too)
{
    judge_capture("gossip/two-firedancer-nodes-2026-08.pcap", 8001, (u32[]){535, 0, 0, 0, 2, 2});
    judge_capture("live-leader/boot.pcap", 8001, (u32[]){13, 7, 0, 0, 2, 2});
    judge_capture("live-leader/leader.pcap", 8001, (u32[]){46, 8, 22, 0, 0, 0});
}

/* gossip_samples.h - one well-formed datagram of each kind and with each kind of value, for the
   tests, the fuzzer's corpus and the bench of gossip's codec.  Keys and signatures are made up,
   except where a caller signs. */

#ifndef QS_TEST_GOSSIP_SAMPLES_H
#define QS_TEST_GOSSIP_SAMPLES_H

#include "waltz/codec/qs_contact.h"
#include "waltz/codec/qs_gossip.h"
#include "waltz/codec/qs_writer.h"

#define SAMPLE_CLOCK 1790000000000ull

static u8 const sample_key[32] = {1, 2, 3, 4, 5, 6, 7, 8};

__attribute__((unused)) static qs_contact_t
sample_contact(void)
{
    qs_contact_t c = {.wallclock = SAMPLE_CLOCK,
                      .outset = 1789999999000000ull,
                      .shred_version = 41383,
                      .major = 4,
                      .minor = 0x8001,
                      .patch = 2,
                      .client = 13,
                      .commit = 0xdeadbeef,
                      .features = 0x01020304};
    memcpy(c.pubkey, sample_key, 32);
    c.socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){0x0a4e0001, 8001};
    c.socket[QS_CONTACT_TVU] = (qs_contact_socket_t){0x0a4e0001, 8003};
    c.socket[QS_CONTACT_TPU_VOTE] = (qs_contact_socket_t){0x0a4e0001, 8003};
    c.socket[QS_CONTACT_SERVE_REPAIR] = (qs_contact_socket_t){0x0a4e0002, 800};
    return c;
}

/* sample_vote writes a legacy transaction of one signature: [fee payer, vote account, program]. */
__attribute__((unused)) static u32
sample_vote(u8 *room, u32 room_sz)
{
    static u8 const program[8] = {0x07, 0x61, 0x48, 0x1d, 0x35, 0x74, 0x74, 0xbb};
    static u8 const program_end[24] = {0x7c, 0x4d, 0x76, 0x24, 0xeb, 0xd3, 0xbd, 0xb3,
                                       0xd8, 0x35, 0x5e, 0x73, 0xd1, 0x10, 0x43, 0xfc,
                                       0x0d, 0xa3, 0x53, 0x80, 0,    0,    0,    0};
    qs_writer_t w = {.data = room, .sz = room_sz};

    qs_write_u8(&w, 1);
    for (u32 i = 0; i < 64; i++)
        qs_write_u8(&w, (u8)i);
    qs_write_bytes(&w, (u8[]){1, 0, 1, 3}, 4); /* required, readonly signed, readonly, keys */
    qs_write_bytes(&w, sample_key, 32);
    for (u32 i = 0; i < 32; i++)
        qs_write_u8(&w, 0x77);
    qs_write_bytes(&w, program, 8);
    qs_write_bytes(&w, program_end, 24);
    for (u32 i = 0; i < 32; i++)
        qs_write_u8(&w, 0x99);                                      /* blockhash */
    qs_write_bytes(&w, (u8[]){1, 2, 2, 1, 0, 12, 14, 0, 0, 0}, 10); /* TowerSync on accounts 1, 0 */
    for (u32 i = 0; i < 8; i++)
        qs_write_u8(&w, (u8)i);
    return w.at;
}

/* sample_data writes the data of a value of that kind and returns its bytes, 0 for a dead kind. */
__attribute__((unused)) static u32
sample_data(u8 *room, u32 room_sz, u32 kind)
{
    u8 txn[400];
    qs_contact_t contact = sample_contact();
    qs_crds_chunk_t chunk = {.slot = 99, .cnt = 3, .idx = 2, .data = (u8 const *)"chunk", .sz = 5};
    qs_crds_snapshot_t snapshot[3] = {{.slot = 100}, {.slot = 101}, {.slot = 120}};
    qs_crds_restart_t restart = {.slot = 1000,
                                 .shred_version = 7,
                                 .stake = 5,
                                 .bits = (u8 const *)"\x0f\x55\x01",
                                 .bit_cnt = 17};

    switch (kind) {
    case QS_CRDS_VOTE:
        return qs_crds_write_vote(room, room_sz, sample_key, 3, txn, sample_vote(txn, sizeof(txn)),
                                  SAMPLE_CLOCK);
    case QS_CRDS_LOWEST_SLOT:
        return qs_crds_write_lowest_slot(room, room_sz, sample_key, 12345, SAMPLE_CLOCK);
    case QS_CRDS_EPOCH_SLOTS:
        return qs_crds_write_epoch_slots(room, room_sz, sample_key, 4, 777, (u8 const *)"\xff\x01",
                                         16, SAMPLE_CLOCK);
    case QS_CRDS_DUPLICATE_SHRED:
        return qs_crds_write_duplicate_shred(room, room_sz, sample_key, 511, &chunk, SAMPLE_CLOCK);
    case QS_CRDS_SNAPSHOT_HASHES:
        return qs_crds_write_snapshot_hashes(room, room_sz, sample_key, snapshot, 3, SAMPLE_CLOCK);
    case QS_CRDS_CONTACT_INFO:
        return qs_contact_write(&contact, room, room_sz);
    case QS_CRDS_RESTART_SLOTS:
        return qs_crds_write_restart_slots(room, room_sz, sample_key, &restart, SAMPLE_CLOCK);
    case QS_CRDS_RESTART_FORK:
        return qs_crds_write_restart_fork(room, room_sz, sample_key, &restart, SAMPLE_CLOCK);
    default:
        return 0;
    }
}

/* sample_value puts 64 bytes of signature before it. */
__attribute__((unused)) static u32
sample_value(u8 *room, u32 room_sz, u32 kind)
{
    memset(room, 0x51, 64);
    u32 sz = sample_data(room + 64, room_sz - 64, kind);
    return sz ? 64 + sz : 0;
}

/* sample_push writes a push or pull response of cnt equal values. */
__attribute__((unused)) static u32
sample_push(u8 *room, u32 room_sz, qs_gossip_kind_t kind, u32 crds_kind, u32 cnt)
{
    u8 value[QS_GOSSIP_MTU];
    u32 value_sz = sample_value(value, sizeof(value), crds_kind);
    u32 sz = qs_gossip_write_values(room, room_sz, kind, sample_key);

    for (u32 i = 0; i < cnt && sz; i++)
        sz = qs_gossip_add_value(room, room_sz, sz, value, value_sz);
    return sz;
}

__attribute__((unused)) static u32
sample_pull_request(u8 *room, u32 room_sz)
{
    u8 value[QS_GOSSIP_MTU];
    u64 key[3] = {11, 12, 13}, word[2] = {5, 6};
    qs_gossip_filter_out_t filter = {.key = key,
                                     .key_cnt = 3,
                                     .word = word,
                                     .word_cnt = 2,
                                     .bit_cnt = 100,
                                     .mask_bits = 6,
                                     .bits_set = 4,
                                     .mask = 0x07ffffffffffffffull};
    return qs_gossip_write_pull_request(room, room_sz, &filter, value,
                                        sample_value(value, sizeof(value), QS_CRDS_CONTACT_INFO));
}

__attribute__((unused)) static u32
sample_prune(u8 *room, u32 room_sz, u32 cnt)
{
    u8 origins[33 * 32];
    u32 sig_off;
    memset(origins, 0x42, sizeof(origins));
    qs_gossip_prune_t prune = {.from = sample_key,
                               .dest = origins,
                               .origins = origins,
                               .cnt = cnt,
                               .wallclock = SAMPLE_CLOCK};
    return qs_gossip_write_prune(room, room_sz, &prune, &sig_off);
}

#endif

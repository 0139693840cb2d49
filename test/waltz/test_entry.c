/* Goal: an entry batch that the format allows is read to its last transaction, and everything else is
   refused for its own reason, without a byte read outside.
   Method: batches from the builder, damaged in one place each, one row for each line of the
   specification's list of bad inputs that a batch alone can show; each in a block of its exact size, so
   that ASan sees a read too far.  Captures of a real leader, if they are there, are put together
   from their data shreds, and their hashes checked from the genesis hash on. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/poh/qs_ticks.h"
#include "waltz/codec/qs_entry.h"
#include "waltz/crypto/qs_poh.h"
#include "waltz/crypto/qs_sha256.h"
#include "waltz/shred_vectors.h"
#include "waltz/txn_sample.h"

#define BATCH_MAX (1u << 20)

static sample_t legacy, v1;
static u8 const hash[QS_ENTRY_HASH_SZ] = {7, 7, 7};
static u8 room[BATCH_MAX];
static qs_writer_t w;

static void
begin(u64 entry_cnt)
{
    w = (qs_writer_t){.data = room, .sz = sizeof(room)};
    qs_entry_write_batch(&w, entry_cnt);
}

static void
add_txns(sample_t const *s, u32 cnt)
{
    qs_entry_write_head(&w, 3, hash, cnt);
    for (u32 i = 0; i < cnt; i++)
        qs_write_bytes(&w, s->bytes, s->sz);
}

static void
add_tick(void)
{
    qs_entry_write_head(&w, 9, hash, 0);
}

static void
samples(void)
{
    sample_init(&legacy, QS_TXN_LEGACY);
    sample_write(&legacy);
    sample_init(&v1, QS_TXN_V1);
    sample_write(&v1);
}

/* check reads the batch from a block with nothing behind it. */
static qs_entry_reason_t
check(qs_entry_reader_t *r, u32 sz, u32 how)
{
    u8 *exact = malloc(sz ? sz : 1);
    memcpy(exact, room, sz);
    qs_entry_reason_t why = qs_entry_check(r, exact, sz, how);
    free(exact);
    return why;
}

/* good is two ticks and, between them, an entry of two transactions: 8 + 48, 48, 48. */
static void
good(void)
{
    samples();
    begin(3);
    add_tick();
    add_txns(&legacy, 2);
    add_tick();
}

#define TXN_CNT_AT (8u + 48 + 40)
#define TXNS_AT    (8u + 48 + 48)

#define CHANGE(name, ...)                                                                          \
    static void name(void)                                                                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

CHANGE(nothing, w.at = 0;)
CHANGE(seven_bytes, w.at = 7;)
CHANGE(count_0, qs_store_le64(room, 0);)
CHANGE(count_0_alone, qs_store_le64(room, 0); w.at = 8;)
CHANGE(count_4_of_3, qs_store_le64(room, 4); w.at = 8 + 4 * 48 - 1;)
CHANGE(count_u32, qs_store_le64(room, UINT32_MAX);)
CHANGE(count_u64, qs_store_le64(room, UINT64_MAX);)
CHANGE(count_wraps, qs_store_le64(room, UINT64_MAX / 48 + 2);) /* times 48 it is 32 */
CHANGE(head_cut, w.at -= 1;)
CHANGE(head_gone, w.at -= 48;)
CHANGE(txns_many, qs_store_le64(room + TXN_CNT_AT, 2 * (u64)legacy.sz / 134 + 1);)
CHANGE(txns_u64, qs_store_le64(room + TXN_CNT_AT, UINT64_MAX);)
CHANGE(txns_wrap, qs_store_le64(room + TXN_CNT_AT, UINT64_MAX / 134 + 2);)
CHANGE(txn_cut, begin(1); add_txns(&legacy, 2); w.at -= 1;)
CHANGE(txn_gone, begin(1); add_txns(&legacy, 2); qs_store_le64(room + 8 + 40, 3);
       w.at = 8 + 48 + 2 * legacy.sz;)
CHANGE(txn_signers, room[TXNS_AT] = 3;)
CHANGE(txn_first_0, room[TXNS_AT + legacy.sz] = 0;)
CHANGE(txn_is_v1, begin(1); add_txns(&v1, 1);)
CHANGE(trailing_zero, qs_write_u8(&w, 0);)
CHANGE(trailing_one, qs_write_u8(&w, 1);)

static u8 const zeros[4096];

static void
marker(u8 variant, u16 sz)
{
    w = (qs_writer_t){.data = room, .sz = sizeof(room)};
    qs_entry_write_marker(&w, variant, zeros, sz);
}

CHANGE(marker_here, marker(QS_ENTRY_MARKER_HEADER, 41);)
CHANGE(marker_0, marker(QS_ENTRY_MARKER_HEADER, 41); room[8] = 0;)
CHANGE(marker_2, marker(QS_ENTRY_MARKER_HEADER, 41); room[8] = 2;)
CHANGE(marker_257, marker(QS_ENTRY_MARKER_HEADER, 41); room[9] = 1;)
CHANGE(marker_4, marker(4, 41);)
CHANGE(marker_255, marker(255, 41);)
CHANGE(marker_longer, marker(QS_ENTRY_MARKER_HEADER, 41); qs_write_u8(&w, 0);)
CHANGE(marker_shorter, marker(QS_ENTRY_MARKER_HEADER, 41); w.at--;)
CHANGE(marker_no_head, marker(QS_ENTRY_MARKER_HEADER, 41); w.at = 8 + 4;)
CHANGE(marker_nothing, marker(QS_ENTRY_MARKER_HEADER, 41); w.at = 8;)
CHANGE(genesis_513, marker(QS_ENTRY_MARKER_GENESIS, 240 + 513);
       qs_store_le64(room + 13 + 232, 513);)
CHANGE(genesis_u64, marker(QS_ENTRY_MARKER_GENESIS, 240); memset(room + 13 + 232, 255, 8);)
CHANGE(genesis_short, marker(QS_ENTRY_MARKER_GENESIS, 239);)
CHANGE(genesis_other, marker(QS_ENTRY_MARKER_GENESIS, 241);)

#define BAD(line, how, change, why)                                                                \
    {                                                                                              \
        line, how, QS_ENTRY_REASON_##why, change                                                   \
    }

static struct bad {
    char const *line;
    u32 how;
    qs_entry_reason_t why;
    void (*change)(void);
} const bad[] = {
    BAD("batch shorter than 8 bytes: 0", 0, nothing, batch_short),
    BAD("batch shorter than 8 bytes: 7", 0, seven_bytes, batch_short),
    BAD("n == 0", 0, count_0, no_entries),
    BAD("n == 0, alone", 0, count_0_alone, no_entries),
    BAD("n * 48 > remaining", 0, count_4_of_3, entry_cnt),
    BAD("n >= 2^32 - 1", 0, count_u32, entry_cnt),
    BAD("n = 2^64 - 1", 0, count_u64, entry_cnt),
    BAD("n * 48 wraps", 0, count_wraps, entry_cnt),
    BAD("entry header truncated", 0, head_cut, entry_cut),
    BAD("entry header missing", 0, head_gone, entry_cut),
    BAD("transaction count > remaining / 134", 0, txns_many, txn_cnt),
    BAD("transaction count 2^64 - 1", 0, txns_u64, txn_cnt),
    BAD("transaction count * 134 wraps", 0, txns_wrap, txn_cnt),
    BAD("transaction that does not parse", 0, txn_signers, txn_bad),
    BAD("second transaction that does not parse", 0, txn_first_0, txn_bad),
    BAD("v1 while gate off", 0, txn_is_v1, txn_v1),
    BAD("batch ending inside a transaction", 0, txn_cut, txn_cut),
    BAD("batch ending before a transaction", 0, txn_gone, txn_cut),
    BAD("strict: a zero after the last entry", QS_ENTRY_STRICT, trailing_zero, trailing),
    BAD("strict: a one after the last entry", QS_ENTRY_STRICT, trailing_one, trailing),
    BAD("marker in pre-Alpenglow slot", 0, marker_here, marker_off),
    BAD("marker version 0", QS_ENTRY_MARKERS, marker_0, marker_version),
    BAD("marker version 2", QS_ENTRY_MARKERS, marker_2, marker_version),
    BAD("marker version 257", QS_ENTRY_MARKERS, marker_257, marker_version),
    BAD("marker variant 4", QS_ENTRY_MARKERS, marker_4, marker_variant),
    BAD("marker variant 255", QS_ENTRY_MARKERS, marker_255, marker_variant),
    BAD("marker length below remaining", QS_ENTRY_MARKERS, marker_longer, marker_sz),
    BAD("marker length above remaining", QS_ENTRY_MARKERS, marker_shorter, marker_sz),
    BAD("marker without head", QS_ENTRY_MARKERS, marker_no_head, marker_sz),
    BAD("marker without anything", QS_ENTRY_MARKERS, marker_nothing, marker_sz),
    BAD("bitmap of 513", QS_ENTRY_MARKERS, genesis_513, marker_bitmap),
    BAD("bitmap of 2^64 - 1", QS_ENTRY_MARKERS, genesis_u64, marker_bitmap),
    BAD("genesis certificate too short", QS_ENTRY_MARKERS, genesis_short, marker_sz),
    BAD("bitmap of another size", QS_ENTRY_MARKERS, genesis_other, marker_sz),
};

Test(entry, each_bad_batch_has_its_reason)
{
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        qs_entry_reader_t r;
        good();
        bad[i].change();
        qs_entry_reason_t why = check(&r, w.at, bad[i].how);
        cr_expect(why == bad[i].why, "%s: %s", bad[i].line, qs_entry_reason_name(why));
        qs_entry_t e;
        qs_txn_t txn;
        u32 off;
        cr_expect(qs_entry_next(&r, &e) == -1 && qs_entry_txn(&r, &txn, &off) == -1, "%s",
                  bad[i].line);
    }
}

Test(entry, every_reason_but_one_has_a_row)
{
    u32 seen = 1u << QS_ENTRY_OK | 1u << QS_ENTRY_REASON_batch_long; /* has a test below */
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        seen |= 1u << bad[i].why;
    cr_assert(eq(u32, seen, (1u << QS_ENTRY_REASON_CNT) - 1));
}

Test(entry, a_batch_larger_than_a_slot_is_not_even_looked_at)
{
    qs_entry_reader_t r;
    cr_assert(
        eq(int, qs_entry_open(&r, NULL, QS_ENTRY_BATCH_MAX + 1ull, 0), QS_ENTRY_REASON_batch_long));
    cr_assert(eq(int, qs_entry_open(&r, NULL, UINT64_MAX, 0), QS_ENTRY_REASON_batch_long));
}

Test(entry, what_was_written_is_read)
{
    qs_entry_reader_t r;
    qs_entry_t e;
    qs_txn_t txn;
    u32 off;

    good();
    cr_assert(eq(int, qs_entry_open(&r, room, w.at, QS_ENTRY_STRICT), QS_ENTRY_OK));
    cr_assert(eq(u32, r.entry_cnt, 3));
    cr_assert(eq(int, qs_entry_next(&r, &e), 1));
    cr_assert(e.txn_cnt == 0 && e.num_hashes == 9 && e.off == 8);
    cr_assert(eq(int, qs_entry_txn(&r, &txn, &off), 0));
    cr_assert(eq(int, qs_entry_next(&r, &e), 1));
    cr_assert(e.txn_cnt == 2 && e.num_hashes == 3 && e.off == 56 && e.txn_off == TXNS_AT);
    cr_assert(memcmp(e.hash, hash, sizeof(hash)) == 0);
    for (u32 i = 0; i < 2; i++) {
        cr_assert(eq(int, qs_entry_txn(&r, &txn, &off), 1));
        cr_assert(eq(u32, off, TXNS_AT + i * legacy.sz));
        cr_assert(eq(u32, txn.sz, legacy.sz));
        cr_assert(memcmp(room + off, legacy.bytes, legacy.sz) == 0);
    }
    cr_assert(eq(int, qs_entry_txn(&r, &txn, &off), 0));
    cr_assert(eq(int, qs_entry_next(&r, &e), 1));
    cr_assert(eq(u32, e.off, TXNS_AT + 2 * legacy.sz));
    cr_assert(eq(int, qs_entry_next(&r, &e), 0));
    cr_assert(r.txn_cnt == 2 && r.trailing_sz == 0 && r.why == QS_ENTRY_OK);
}

Test(entry, transactions_that_nobody_takes_are_parsed_all_the_same)
{
    qs_entry_reader_t r;
    good();
    cr_assert(eq(int, check(&r, w.at, 0), QS_ENTRY_OK));
    cr_assert(eq(u64, r.txn_cnt, 2));
    room[TXNS_AT + legacy.sz] = 13;
    cr_assert(eq(int, check(&r, w.at, 0), QS_ENTRY_REASON_txn_bad));
    cr_assert(eq(int, r.txn_why, QS_TXN_REASON_signature_cnt));
    cr_assert(eq(u64, r.txn_cnt, 1));
}

Test(entry, bytes_behind_the_last_entry_are_counted)
{
    qs_entry_reader_t r;
    good();
    u32 sz = w.at;
    qs_write_bytes(&w, zeros, 1000);
    cr_assert(eq(int, check(&r, w.at, 0), QS_ENTRY_OK));
    cr_assert(eq(u32, r.trailing_sz, 1000));
    cr_assert(eq(int, check(&r, w.at, QS_ENTRY_STRICT), QS_ENTRY_REASON_trailing));
    cr_assert(eq(int, check(&r, sz, QS_ENTRY_STRICT), QS_ENTRY_OK));
}

Test(entry, version_1_is_read_when_it_may_be)
{
    qs_entry_reader_t r;
    good();
    txn_is_v1();
    cr_assert(eq(int, check(&r, w.at, QS_ENTRY_ALLOW_V1), QS_ENTRY_OK));
    cr_assert(eq(u64, r.txn_cnt, 1));
}

Test(entry, markers_are_passed_on_unread)
{
    static u16 const sz[] = {41, 41, 300, 240};
    static u8 const variant[] = {QS_ENTRY_MARKER_HEADER, QS_ENTRY_MARKER_UPDATE_PARENT,
                                 QS_ENTRY_MARKER_FOOTER, QS_ENTRY_MARKER_GENESIS};
    for (u32 i = 0; i < QS_COUNT(sz); i++) {
        qs_entry_reader_t r;
        marker(variant[i], sz[i]);
        cr_assert(eq(int, check(&r, w.at, QS_ENTRY_MARKERS), QS_ENTRY_OK));
        cr_assert(r.entry_cnt == 0 && r.marker.off == 13 && r.marker.sz == sz[i] &&
                  r.marker.variant == variant[i]);
    }
    qs_entry_reader_t r;
    marker(QS_ENTRY_MARKER_GENESIS, 240 + 512);
    qs_store_le64(room + 13 + 232, 512);
    cr_assert(eq(int, check(&r, w.at, QS_ENTRY_MARKERS), QS_ENTRY_OK));
    good();
    cr_assert(eq(int, check(&r, w.at, QS_ENTRY_MARKERS), QS_ENTRY_OK)); /* entries still are */
}

/* The live leader's shreds, by slot and index. */
#define SLOT_MAX 96u
#define IDX_MAX  2048u
static qs_shred_filter_t const any = {.root = QS_SHRED_NO_ROOT, .idx_limit = QS_SHRED_IDX_LIMIT};
static vectors_t captured;
static vector_pkt_t const *shred_at[SLOT_MAX][IDX_MAX];

typedef struct totals {
    u32 slots, batches, entries, ticks, txns, signatures;
} totals_t;

static void
sort_shreds(void)
{
    memset(shred_at, 0, sizeof(shred_at));
    for (u32 i = 0; i < captured.cnt; i++) {
        vector_pkt_t const *p = &captured.pkt[i];
        qs_shred_t s;
        if (qs_shred_parse(&s, p->data, p->sz, &any) || s.layout->code)
            continue;
        QS_ASSERT(s.slot < SLOT_MAX && s.idx < IDX_MAX);
        shred_at[s.slot][s.idx] = p;
    }
}

static qs_poh_check_t checks[4096];

/* take_batch reads a batch, and sets out what is to be checked of its hashes. */
static void
take_batch(u8 const *data, u32 sz, u8 state[QS_POH_SZ], u32 *check_cnt, qs_ticks_t *ticks,
           totals_t *sum)
{
    static qs_poh_tree_t tree;
    qs_entry_reader_t r;
    qs_entry_t e;
    qs_txn_t txn;
    u32 off;

    cr_assert(eq(int, qs_entry_open(&r, data, sz, 0), QS_ENTRY_OK));
    cr_assert(eq(int, qs_ticks_batch(ticks), QS_TICKS_OK));
    while (qs_entry_next(&r, &e) == 1) {
        qs_poh_check_t *c = &checks[(*check_cnt)++];
        *c = (qs_poh_check_t){.num_hashes = e.num_hashes, .mixed = e.txn_cnt != 0};
        memcpy(c->start, state, QS_POH_SZ);
        memcpy(c->hash, e.hash, QS_POH_SZ);
        memcpy(state, e.hash, QS_POH_SZ);
        qs_poh_tree_init(&tree);
        while (qs_entry_txn(&r, &txn, &off) == 1) {
            qs_poh_tree_add(&tree, data + off + txn.signature_off, txn.signature_cnt);
            sum->txns++;
            sum->signatures += txn.signature_cnt;
        }
        if (e.txn_cnt)
            qs_poh_tree_root(&tree, c->mixin);
        sum->entries++;
        sum->ticks += !e.txn_cnt;
        cr_assert(eq(int, qs_ticks_next(ticks, e.num_hashes, !e.txn_cnt), QS_TICKS_OK));
    }
    cr_assert(eq(int, r.why, QS_ENTRY_OK));
    sum->batches++;
}

static totals_t
read_slots(u32 first, u32 last, u8 state[QS_POH_SZ])
{
    totals_t sum = {0};

    for (u32 slot = first; slot <= last; slot++) {
        qs_ticks_t ticks;
        u32 sz = 0, check_cnt = 0;
        bool over = false;
        qs_ticks_init(&ticks, slot, slot - 1, 64, 4000);
        for (u32 idx = 0; !over; idx++) {
            vector_pkt_t const *p = shred_at[slot][idx];
            qs_shred_t s;
            cr_assert(p && !qs_shred_parse(&s, p->data, p->sz, &any), "slot %u, shred %u", slot,
                      idx);
            memcpy(room + sz, p->data + s.layout->hdr_sz, s.size - s.layout->hdr_sz);
            sz += s.size - s.layout->hdr_sz;
            over = (s.flags & QS_SHRED_LAST_IN_SLOT) == QS_SHRED_LAST_IN_SLOT;
            if (!(s.flags & QS_SHRED_DATA_COMPLETE))
                continue;
            take_batch(room, sz, state, &check_cnt, &ticks, &sum);
            sz = 0;
        }
        cr_assert(eq(int, qs_ticks_end(&ticks), QS_TICKS_OK));
        u32 begin = slot == first && first != 1; /* what came before the capture is not known */
        cr_assert(eq(u64, qs_poh_check_all(checks + begin, check_cnt - begin), 0));
        sum.slots++;
    }
    return sum;
}

Test(entry, a_real_leaders_first_slots_continue_from_the_genesis_hash)
{
    u8 state[QS_POH_SZ];
    u64 sz;
    u8 *genesis = vector_file("live-leader/genesis.bin", &sz);
    if (!genesis || !vector_pcap(&captured, "live-leader/boot.pcap", 8003))
        return;
    qs_sha256(state, genesis, sz);
    free(genesis);
    sort_shreds();
    totals_t t = read_slots(1, 8, state);
    cr_assert(t.slots == 8 && t.batches == 16 && t.entries == 519 && t.ticks == 512 && t.txns == 7);
}

Test(entry, a_real_leaders_later_slots_hold_every_transaction)
{
    u8 state[QS_POH_SZ] = {0};
    if (!vector_pcap(&captured, "live-leader/leader.pcap", 8003))
        return;
    sort_shreds();
    totals_t t = read_slots(57, 78, state);
    cr_assert(t.slots == 22 && t.batches == 47 && t.entries == 2969 && t.ticks == 1408);
    cr_assert(t.txns == 1561 && t.signatures == 1777);
}

/* Goal: the brain of the verify tile lets through exactly the transactions all of whose signatures are
   good and which it has not let through before, in order, and nothing that somebody else sends can
   keep a good one out.
   Method: real signed transactions, damaged or repeated, given to the brain as frames; its calls in
   the order in which the tile makes them. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/verify/qs_verify.h"
#include "waltz/codec/qs_txn_build.h"
#include "waltz/ed25519_ifma.h"

#define DEPTH   1024u
#define OUT_MAX 512u

static qs_verify_t v;
static u8 *mem;
static u8 secret[12][32], public_key[12][32];
static u64 out[OUT_MAX]; /* numbers of what was published */
static u32 out_cnt;
static u8 frame[QS_UDP_MAX];

static void
start(bool fresh, u64 seed, u32 how)
{
    u64 sz = qs_tcache_footprint(DEPTH);
    if (!mem)
        mem = aligned_alloc(QS_ALIGN, sz);
    for (u32 i = 0; i < 12; i++) {
        memset(secret[i], (int)i + 1, 32);
        qs_ed25519_public_key(public_key[i], secret[i]);
    }
    qs_verify_conf_t conf = {.seed = seed, .tag_depth = DEPTH, .fresh = fresh, .how = how};
    cr_assert(eq(int, qs_verify_init(&v, mem, &conf), 0));
    out_cnt = 0;
}

/* make writes a good transaction with that number and as many signers to frame. */
static u32
make(u64 number, u32 signers)
{
    return qs_txn_build_memo(frame, signers, (u8 const(*)[32])public_key, (u8 const(*)[32])secret,
                             secret[0], &number, sizeof(number));
}

static qs_verify_fate_t
take(u32 sz)
{
    static u64 seq;
    qs_verify_from_t from = {.seq = seq++, .source = 1};
    return qs_verify_take(&v, frame, sz, &from);
}

static void
publish(void)
{
    qs_verify_slot_t const *s;
    while ((s = qs_verify_next(&v))) {
        alignas(8) u8 room[QS_TXN_LINK_MTU];
        u32 sz = qs_verify_write(s, room);
        qs_txn_t const *t = (qs_txn_t const *)(room + qs_txn_desc_off(s->txn.sz));
        cr_assert(qs_txn_valid(t, sz - qs_txn_desc_off(s->txn.sz), s->txn.sz));
        memcpy(&out[out_cnt++ % OUT_MAX], room + qs_txn_instr(t, 0)->data_off, sizeof(u64));
        qs_verify_published(&v);
    }
}

static void
finish(void)
{
    for (u32 q = 0; q < QS_VERIFY_QUEUES; q++)
        if (v.queue[q].cnt)
            qs_verify_check(&v, q, v.queue[q].cnt);
    publish();
}

Test(verify, good_transactions_come_out_in_order_eight_signatures_at_a_time)
{
    start(true, 1, 0);
    for (u64 n = 0; n < 40; n++)
        cr_assert(eq(int, take(make(n, 1 + (u32)n % 2)), QS_VERIFY_HELD));
    cr_assert(eq(u32, qs_verify_queued(&v), 60));
    publish();
    cr_assert(eq(u32, out_cnt, 0)); /* nothing before it is checked */
    for (u32 i = 0; i < 7; i++)
        qs_verify_check(&v, QS_VERIFY_NEW, 8);
    publish();
    cr_assert(eq(u32, out_cnt, 37)); /* 56 signatures: the 38th has one of its two */
    finish();
    cr_assert(eq(u32, out_cnt, 40));
    for (u64 n = 0; n < 40; n++)
        cr_assert(eq(u64, out[n], n));
    cr_assert(eq(u64, v.checked, 60));
}

Test(verify, what_was_published_is_not_let_in_again)
{
    start(true, 1, 0);
    u32 sz = make(5, 1);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(int, take(sz), QS_VERIFY_DUPLICATE));
    cr_assert(eq(u32, out_cnt, 1));
    start(false, 1, 0); /* nor after a restart */
    cr_assert(eq(int, take(sz), QS_VERIFY_DUPLICATE));
    start(false, 2, 0); /* another boot has another key: the tags mean nothing to it */
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
}

Test(verify, copies_that_are_under_way_together_come_out_once)
{
    start(true, 1, 0);
    u32 sz = make(5, 1);
    for (u32 i = 0; i < 8; i++)
        cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 1));
    cr_assert(eq(u32, v.duplicate_cnt, 7));
}

Test(verify, one_bad_signature_of_eleven_is_enough)
{
    for (u32 bad = 0; bad < 11; bad++) {
        start(true, 1, 0);
        u32 sz = make(5, 11);
        frame[1 + 64 * bad + 40] ^= 1;
        cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
        finish();
        cr_assert(eq(u32, out_cnt, 0));
        cr_assert(eq(u32, v.refused_cnt[QS_ED25519_EQUATION], 1));
        cr_assert(v.head == v.tail);
    }
}

/* Each way a signature may fail is told apart, and the first of a transaction's is the one counted. */
Test(verify, bad_signatures_are_counted_by_what_is_wrong)
{
    static u8 const no_point[32] = {2}; /* y = 2 is on no point of the curve */
    static u8 const neutral[32] = {1};
    struct {
        u32 off, sz;
        u8 const *bytes;
        qs_ed25519_verdict_t why;
    } const row[] = {{1, 32, no_point, QS_ED25519_R_DECODE},
                     {1, 32, neutral, QS_ED25519_R_SMALL},
                     {69, 32, no_point, QS_ED25519_KEY_DECODE},
                     {69, 32, neutral, QS_ED25519_KEY_SMALL}};
    for (u32 i = 0; i < QS_COUNT(row); i++) {
        start(true, 1, 0);
        u32 sz = make(5, 1);
        memcpy(frame + row[i].off, row[i].bytes, row[i].sz);
        cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
        finish();
        cr_assert(eq(u32, v.refused_cnt[row[i].why], 1), "row %u", i);
    }
    start(true, 1, 0);
    u32 sz = make(5, 1);
    memset(frame + 33, 0xff, 32);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, v.refused_cnt[QS_ED25519_S_RANGE], 1));
    sz = make(6, 1);
    frame[sz - 1] ^= 1;
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, v.refused_cnt[QS_ED25519_EQUATION], 1));
}

/* Somebody sends our first signature with another message, or with a bad second signature, before we
   do: nobody may be kept out that way. */
Test(verify, a_bad_one_with_the_same_first_signature_does_not_keep_the_good_one_out)
{
    start(true, 1, 0);
    u32 sz = make(5, 2);
    frame[1 + 64 + 3] ^= 1;
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 0));
    cr_assert(eq(int, take(make(5, 2)), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 1));
    sz = make(6, 1); /* both under way together */
    frame[sz - 1] ^= 1;
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    cr_assert(eq(int, take(make(6, 1)), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 2));
}

Test(verify, what_is_no_transaction_is_refused_for_its_reason)
{
    start(true, 1, 0);
    u32 sz = make(5, 1);
    cr_assert(eq(int, take(sz - 1), QS_VERIFY_MALFORMED));
    cr_assert(eq(int, v.why, QS_TXN_REASON_truncated));
    cr_assert(eq(int, take(0), QS_VERIFY_MALFORMED));
    cr_assert(eq(int, v.why, QS_TXN_REASON_empty));
    frame[0] = 0x81;
    cr_assert(eq(int, take(sz), QS_VERIFY_MALFORMED));
    cr_assert(eq(int, v.why, QS_TXN_REASON_v1_off));
    start(true, 1, QS_TXN_ALLOW_V1);
    cr_assert(eq(int, take(sz), QS_VERIFY_MALFORMED));
    cr_assert(ne(int, v.why, QS_TXN_REASON_v1_off));
    cr_assert(v.head == v.tail);
}

Test(verify, version_1_is_checked_too_when_it_is_on)
{
    qs_txn_t t;
    qs_txn_build_t b = {.version = QS_TXN_V1,
                        .signature_cnt = 2,
                        .required_cnt = 2,
                        .account_cnt = 2,
                        .account = (u8 const(*)[32])public_key,
                        .blockhash = secret[0]};
    qs_txn_build_instr_t instr = {.program = 1, .data = secret[0], .data_sz = 8};
    start(true, 1, QS_TXN_ALLOW_V1);
    b.instr = &instr;
    b.instr_cnt = 1;
    u32 sz = qs_txn_build(frame, sizeof(frame), &b);
    cr_assert(eq(int, qs_txn_parse(&t, frame, sz, QS_TXN_ALLOW_V1), QS_TXN_OK));
    qs_txn_sign(frame, &t, 0, secret[0]);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 0));
    qs_txn_sign(frame, &t, 1, secret[1]);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    finish();
    cr_assert(eq(u32, out_cnt, 1));
}

Test(verify, it_is_full_before_anything_could_be_lost)
{
    start(true, 1, 0);
    u32 cnt = 0;
    while (!qs_verify_full(&v))
        cr_assert(eq(int, take(make(cnt++, 11)), QS_VERIFY_HELD));
    cr_assert(le(u32, qs_verify_queued(&v), QS_VERIFY_QUEUE));
    finish();
    cr_assert(eq(u32, out_cnt, cnt));
    while (!qs_verify_full(&v))
        cr_assert(eq(int, take(make(cnt++, 1)), QS_VERIFY_HELD));
    cr_assert(eq(u64, v.head - v.tail, QS_VERIFY_SLOTS));
    finish();
    cr_assert(eq(u32, out_cnt, cnt));
}

Test(verify, under_overload_a_source_without_tokens_is_shed_and_others_are_not)
{
    start(true, 1, 0);
    qs_fair_load(&v.fair, 1, 1);
    u32 shed = 0;
    for (u32 i = 0; i < 20; i++) {
        u32 sz = make(i, 1);
        shed += take(sz) == QS_VERIFY_SHED;
    }
    cr_assert(ge(u32, shed, 10));
    qs_verify_from_t other = {.source = 2};
    u32 sz = make(99, 1);
    cr_assert(eq(int, qs_verify_take(&v, frame, sz, &other), QS_VERIFY_HELD));
    qs_fair_load(&v.fair, 0, 1);
    sz = make(100, 1);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
}

Test(verify, capacity_is_what_full_batches_took)
{
    start(true, 1, 0);
    for (u32 i = 0; i < 200; i++)
        qs_verify_took(&v, 8, 8 * 5000);
    cr_assert(qs_verify_capacity(&v) / 200000.0 - 1 < 0.01);
    u64 before = qs_verify_capacity(&v);
    qs_verify_took(&v, 3, 3000000); /* a batch that was not full says nothing */
    cr_assert(eq(u64, qs_verify_capacity(&v), before));
    qs_verify_took(&v, 8, 1000000000); /* off the core for a second: no reason to despair */
    cr_assert(qs_verify_capacity(&v) > before / 2);
}

/* With the IFMA kernel in plain C, so that tables are made on every machine. */
Test(verify, keys_that_return_have_a_queue_of_their_own_and_order_is_kept, .timeout = 60)
{
    start(true, 1, 0);
    qs_siphash_key_t const key = {1, 2};
    void *keys_mem = aligned_alloc(64, qs_ed25519_cache_footprint(16));
    v.keys = qs_ed25519_cache_init(keys_mem, 16, key, &ifma_emulated);
    u64 n = 0;
    for (; n < 26; n++) { /* 286 signatures */
        cr_assert(eq(int, take(make(n, 11)), QS_VERIFY_HELD));
        finish();
    }
    cr_assert(eq(u64, qs_ed25519_cache_stats(v.keys).made_cnt, 8));
    cr_assert(eq(u32, out_cnt, 26));

    u32 sz = make(n++, 11);
    cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
    cr_assert(eq(u32, v.queue[QS_VERIFY_KNOWN].cnt, 8));
    cr_assert(eq(u32, v.queue[QS_VERIFY_NEW].cnt, 3));
    cr_assert(eq(u32, qs_verify_queued(&v), 11));
    qs_verify_check(&v, QS_VERIFY_KNOWN, 8);
    cr_assert(eq(ptr, (void *)qs_verify_next(&v), NULL)); /* three are not checked yet */
    cr_assert(eq(u64, qs_verify_oldest_ns(&v, QS_VERIFY_KNOWN), UINT64_MAX));
    finish();
    cr_assert(eq(u32, out_cnt, 27));
    cr_assert(eq(u64, out[26], 26));

    for (u32 bad = 0; bad < 11; bad++) { /* whichever queue it is in */
        sz = make(n++, 11);
        frame[1 + 64 * bad + 40] ^= 1;
        cr_assert(eq(int, take(sz), QS_VERIFY_HELD));
        finish();
    }
    cr_assert(eq(u32, out_cnt, 27));
    cr_assert(eq(u32, v.refused_cnt[QS_ED25519_EQUATION], 11));
    free(keys_mem);
}

/* Goal: what comes in is dropped by what it is worth and by name, no class takes anything from another, and a
   slice has some of each.
   Method: datagrams of each kind from known and unknown addresses, put and taken; the bounds are found
   by what is counted. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip/qs_triage.h"

static qs_triage_t triage;
static qs_gossip_counts_t counts;
static void *mem;

static void
begin(void)
{
    mem = aligned_alloc(QS_ALIGN, qs_align_up(qs_triage_footprint(), QS_ALIGN));
    qs_triage_init(&triage, mem);
    counts = (qs_gossip_counts_t){0};
}

static void
end(void)
{
    free(mem);
}

TestSuite(triage, .init = begin, .fini = end);

/* put sends one datagram with number n in it. */
static void
put(u32 kind, bool known, u32 n)
{
    u8 data[64] = {0};
    qs_gossip_datagram_t d = {.data = data, .sz = sizeof(data), .src_ip = n, .src_port = 7};

    qs_store_le32(data, kind);
    qs_store_le32(data + 4, n);
    qs_triage_put(&triage, &counts, &d, known, n, n + 1);
}

static u64
dropped(qs_gossip_event_t e)
{
    return counts.event[e];
}

Test(triage, each_kind_waits_in_the_queue_of_its_worth)
{
    static struct {
        u32 kind;
        bool known;
        qs_triage_class_t class;
    } const rows[] = {{QS_GOSSIP_PUSH, true, QS_TRIAGE_VALUES},
                      {QS_GOSSIP_PULL_RESPONSE, true, QS_TRIAGE_VALUES},
                      {QS_GOSSIP_PULL_REQUEST, true, QS_TRIAGE_PULLS},
                      {QS_GOSSIP_PRUNE, true, QS_TRIAGE_TALK},
                      {QS_GOSSIP_PING, true, QS_TRIAGE_TALK},
                      {QS_GOSSIP_PONG, true, QS_TRIAGE_TALK},
                      {0xffffffff, true, QS_TRIAGE_TALK},
                      {QS_GOSSIP_PUSH, false, QS_TRIAGE_STRANGERS},
                      {QS_GOSSIP_PULL_REQUEST, false, QS_TRIAGE_STRANGERS},
                      {QS_GOSSIP_PONG, false, QS_TRIAGE_STRANGERS}};

    for (u32 i = 0; i < QS_COUNT(rows); i++) {
        u32 before = triage.queue[rows[i].class].cnt;
        put(rows[i].kind, rows[i].known, i);
        cr_expect(eq(u32, triage.queue[rows[i].class].cnt, before + 1), "row %u", i);
    }
    cr_assert(eq(u32, triage.cnt, QS_COUNT(rows)));
}

Test(triage, a_flood_of_one_class_takes_nothing_from_the_others)
{
    for (u32 i = 0; i < 50000; i++)
        put(QS_GOSSIP_PING, false, i);
    put(QS_GOSSIP_PUSH, true, 1);
    for (u32 i = 0; i < 50000; i++)
        put(QS_GOSSIP_PULL_REQUEST, true, i);
    for (u32 i = 0; i < 50000; i++)
        put(QS_GOSSIP_PING, true, i);
    put(QS_GOSSIP_PUSH, true, 2);
    cr_assert(ge(u64, dropped(QS_GOSSIP_ON_crowded_strangers), 49000));
    cr_assert(ge(u64, dropped(QS_GOSSIP_ON_crowded_pulls), 49000));
    cr_assert(ge(u64, dropped(QS_GOSSIP_ON_crowded_talk), 49000));
    cr_assert(eq(u64, dropped(QS_GOSSIP_ON_crowded_values), 0));
    cr_assert(eq(u32, triage.queue[QS_TRIAGE_VALUES].cnt, 2));
    for (u32 i = 0; i < 5000; i++)
        put(QS_GOSSIP_PUSH, true, i);
    cr_assert(ne(u64, dropped(QS_GOSSIP_ON_crowded_values), 0), "that too has a bound");
}

Test(triage, a_slice_has_some_of_each_and_few_pull_requests)
{
    qs_triage_item_t const *item[QS_GOSSIP_BATCH];
    u32 of[4] = {0};

    for (u32 i = 0; i < 64; i++) {
        put(QS_GOSSIP_PUSH, true, i);
        put(QS_GOSSIP_PING, true, i);
        put(QS_GOSSIP_PULL_REQUEST, true, i);
        put(QS_GOSSIP_PING, false, i);
    }
    u32 cnt = qs_triage_take(&triage, item, QS_GOSSIP_BATCH);
    cr_assert(eq(u32, cnt, QS_GOSSIP_BATCH));
    for (u32 i = 0; i < cnt; i++)
        of[qs_load_le32(item[i]->data) == QS_GOSSIP_PUSH           ? 0
           : qs_load_le32(item[i]->data) == QS_GOSSIP_PULL_REQUEST ? 1
                                                                   : 2]++;
    cr_assert(eq(u32, of[0], 16));
    cr_assert(eq(u32, of[1], 2));
    cr_assert(eq(u32, of[2], 14));
    cr_assert(eq(u32, triage.cnt, 256 - QS_GOSSIP_BATCH));

    for (u32 i = 0; i < 64; i++) /* now many values wait: they come first */
        put(QS_GOSSIP_PUSH, true, i);
    cnt = qs_triage_take(&triage, item, QS_GOSSIP_BATCH);
    u32 values = 0;
    for (u32 i = 0; i < cnt; i++)
        values += qs_load_le32(item[i]->data) == QS_GOSSIP_PUSH;
    cr_assert(eq(u32, cnt, QS_GOSSIP_BATCH));
    cr_assert(eq(u32, values, 24));
}

Test(triage, values_alone_fill_a_slice_and_come_out_in_order_and_whole)
{
    qs_triage_item_t const *item[QS_GOSSIP_BATCH];
    u32 next = 0;

    for (u32 round = 0; round < 40; round++) { /* around the end of the queue */
        for (u32 i = 0; i < 31; i++)
            put(QS_GOSSIP_PUSH, true, round * 31 + i);
        u32 cnt = qs_triage_take(&triage, item, QS_GOSSIP_BATCH);
        cr_assert(eq(u32, cnt, 31));
        for (u32 i = 0; i < cnt; i++, next++) {
            cr_assert(eq(u32, qs_load_le32(item[i]->data + 4), next));
            cr_assert(eq(u64, item[i]->sig, next));
            cr_assert(eq(u32, item[i]->ts_origin, next + 1));
            cr_assert(eq(u32, item[i]->src_ip, next));
            cr_assert(eq(u32, item[i]->sz, 64));
        }
    }
}

Test(triage, a_slice_is_due_only_when_the_ring_was_looked_at_often_enough)
{
    qs_triage_item_t const *item[QS_GOSSIP_BATCH];

    for (u32 i = 0; i < 100; i++)
        cr_assert(not(qs_triage_due(&triage)), "nothing waits");
    put(QS_GOSSIP_PUSH, true, 1);
    put(QS_GOSSIP_PUSH, true, 2);
    for (u32 i = 1; i < QS_TRIAGE_TURNS; i++)
        cr_assert(not(qs_triage_due(&triage)));
    cr_assert(qs_triage_due(&triage));
    cr_assert(eq(u32, qs_triage_take(&triage, item, 0), 0));
    cr_assert(qs_triage_due(&triage), "none was taken");
    cr_assert(eq(u32, qs_triage_take(&triage, item, 1), 1));
    cr_assert(not(qs_triage_due(&triage)));
}

Test(triage, what_is_longer_than_any_message_is_refused_by_its_reason)
{
    u8 data[QS_GOSSIP_MTU + 1] = {2};
    qs_gossip_datagram_t d = {.data = data, .sz = sizeof(data)};

    qs_triage_put(&triage, &counts, &d, true, 0, 0);
    cr_assert(eq(u64, counts.refused[QS_GOSSIP_oversize], 1));
    cr_assert(eq(u32, triage.cnt, 0));
    d.sz--;
    qs_triage_put(&triage, &counts, &d, true, 0, 0);
    cr_assert(eq(u32, triage.cnt, 1));
}

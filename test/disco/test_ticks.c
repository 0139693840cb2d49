/* Goal: a slot whose entries keep the rules ends well, and each way to break one has its reason.
   Method: a slot of 3 ticks of 10 hashes, fed entry by entry; one row for each line of the
   specification's list of bad inputs that concerns ticks. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/poh/qs_ticks.h"

#define TICK 1000u /* + hashes: the entry is a tick */
#define END  9999u /* the slot's last batch is through */
#define MAX  16u

static struct row {
    char const *line;
    u32 parent; /* of slot 5 */
    qs_ticks_reason_t why;
    u64 entry[MAX]; /* 0 at the end: nothing more */
} const rows[] = {
#define R(name) QS_TICKS_REASON_##name
    {"ticks alone", 4, QS_TICKS_OK, {1010, 1010, 1010, END}},
    {"transactions between", 4, QS_TICKS_OK, {4, 5, 1001, 10 - 1, 1001, 1010, END}},
    {"a skipped slot's ticks too", 3, QS_TICKS_OK, {1010, 1010, 1010, 1010, 1010, 1010, END}},
    {"tick with num_hashes 0", 4, R(tick_empty), {10, 1000}},
    {"entry num_hashes > hashes_per_tick", 4, R(entry_hashes), {11}},
    {"... of a tick", 4, R(entry_hashes), {1011}},
    {"sum above hashes_per_tick", 4, R(tick_late), {6, 5}},
    {"hash sum above at a tick", 4, R(tick_hashes), {6, 1005}},
    {"hash sum below at a tick", 4, R(tick_hashes), {6, 1003}},
    {"the sum begins anew at each tick", 4, R(tick_hashes), {6, 1004, 1004}},
    {"more ticks", 4, R(tick_many), {1010, 1010, 1010, 1010}},
    {"entries after the final tick", 4, R(after_last), {1010, 1010, 1010, 1}},
    {"fewer ticks", 4, R(tick_few), {1010, 1010, END}},
    {"fewer than with a skipped slot's", 3, R(tick_few), {1010, 1010, 1010, 1010, END}},
    {"no entries at all", 4, R(tick_few), {END}},
    {"last entry not a tick", 4, R(no_tick_last), {1010, 1010, 3, END}},
    {"batch after LAST_IN_SLOT", 4, R(after_end), {1010, 1010, 1010, END, 1010}},
    {"parent is the slot", 5, R(span), {1010}},
    {"parent is above", 6, R(span), {1010}},
};

static qs_ticks_reason_t
feed(qs_ticks_t *t, u64 const *entry)
{
    qs_ticks_reason_t why = QS_TICKS_OK;
    for (u32 i = 0; i < MAX && entry[i] && !why; i++) {
        if (entry[i] == END) {
            why = qs_ticks_end(t);
            continue;
        }
        why = qs_ticks_batch(t);
        if (!why)
            why = qs_ticks_next(t, entry[i] % TICK, entry[i] >= TICK);
    }
    return why;
}

Test(ticks, each_rule_has_its_reason)
{
    for (u32 i = 0; i < QS_COUNT(rows); i++) {
        qs_ticks_t t;
        qs_ticks_init(&t, 5, rows[i].parent, 3, 10);
        qs_ticks_reason_t why = feed(&t, rows[i].entry);
        cr_expect(why == rows[i].why, "%s: %s", rows[i].line, qs_ticks_reason_name(why));
        if (why)
            cr_expect(qs_ticks_next(&t, 10, true) == why, "%s: stays dead", rows[i].line);
    }
}

Test(ticks, every_reason_has_a_row)
{
    u32 seen = 0;
    for (u32 i = 0; i < QS_COUNT(rows); i++)
        seen |= 1u << rows[i].why;
    cr_assert(eq(u32, seen, (1u << QS_TICKS_REASON_CNT) - 1));
}

Test(ticks, hashes_are_not_counted_where_there_are_none)
{
    for (u64 per_tick = 0; per_tick < 2; per_tick++) {
        qs_ticks_t t;
        qs_ticks_init(&t, 5, 4, 3, per_tick);
        for (u32 i = 0; i < 3; i++) {
            cr_assert(eq(int, qs_ticks_next(&t, i, false), QS_TICKS_OK));
            cr_assert(eq(int, qs_ticks_next(&t, 0, true), QS_TICKS_OK));
        }
        cr_assert(eq(int, qs_ticks_end(&t), QS_TICKS_OK));
        cr_assert(t.entry_cnt == 6 && t.txn_entry_cnt == 3);
    }
}

Test(ticks, a_parent_so_far_below_that_its_ticks_cannot_be_counted_is_none)
{
    qs_ticks_t t;
    qs_ticks_init(&t, UINT64_MAX, 0, 64, 10);
    cr_assert(eq(int, qs_ticks_next(&t, 10, true), QS_TICKS_REASON_span));
}

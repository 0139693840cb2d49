/* Goal: what was warned of is counted by its kind, within bounds, and readable whatever the writer or
   its death left.  Method: tables filled beyond their room; strings without an end; a version left odd. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_errs.h"

static qs_errs_t errs;
static qs_errs_row_t row;

Test(errs, each_id_has_one_row_with_the_first_and_the_last_time)
{
    qs_errs_note(&errs, "QS-A-001", 3, 10, "one");
    qs_errs_note(&errs, "QS-B-001", 4, 20, "other");
    qs_errs_note(&errs, "QS-A-001", 3, 30, "two");
    qs_errs_note(&errs, "QS-A-001", 3, 40, NULL);
    cr_assert(qs_errs_read(&errs, 0, &row));
    cr_assert(eq(str, row.id, "QS-A-001"));
    cr_assert(eq(str, row.text, "two"));
    cr_assert(eq(u64, row.cnt, 3));
    cr_assert(eq(u64, row.first_ns, 10));
    cr_assert(eq(u64, row.last_ns, 40));
    cr_assert(eq(u32, row.level, 3));
    cr_assert(qs_errs_read(&errs, 1, &row));
    cr_assert(eq(u64, row.cnt, 1));
    cr_assert(not(qs_errs_read(&errs, 2, &row)));
    cr_assert(not(qs_errs_read(&errs, QS_ERRS_MAX, &row)));
}

Test(errs, kinds_beyond_the_room_are_counted_together)
{
    char id[16];
    for (u32 i = 0; i < QS_ERRS_MAX + 3; i++) {
        snprintf(id, sizeof(id), "QS-X-%03u", i);
        qs_errs_note(&errs, id, 3, i, "text");
    }
    cr_assert(eq(u64, errs.more, 3));
    cr_assert(qs_errs_read(&errs, QS_ERRS_MAX - 1, &row));
    cr_assert(eq(str, row.id, "QS-X-015"));
}

Test(errs, long_strings_are_cut_and_strings_without_an_end_are_given_one)
{
    char text[2 * QS_ERRS_TEXT_SZ];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    qs_errs_note(&errs, text, 3, 1, text);
    qs_errs_note(&errs, text, 3, 2, text);
    cr_assert(qs_errs_read(&errs, 0, &row));
    cr_assert(eq(u64, row.cnt, 2));
    cr_assert(eq(u64, strlen(row.text), QS_ERRS_TEXT_SZ - 1));
    memset(errs.row[0].id, 'y', sizeof(errs.row[0].id));
    memset(errs.row[0].text, 'y', sizeof(errs.row[0].text));
    cr_assert(qs_errs_read(&errs, 0, &row));
    cr_assert(eq(u64, strlen(row.id), QS_ERRS_ID_SZ - 1));
    cr_assert(eq(u64, strlen(row.text), QS_ERRS_TEXT_SZ - 1));
}

Test(errs, a_writer_that_died_in_the_middle_leaves_a_row_that_the_next_one_goes_on_with)
{
    qs_errs_note(&errs, "QS-A-001", 3, 1, "whole");
    errs.row[0].version |= 1;
    cr_assert(qs_errs_read(&errs, 0, &row), "readable all the same");
    qs_errs_note(&errs, "QS-A-001", 3, 2, "again");
    cr_assert(eq(u32, errs.row[0].version & 1, 0));
    cr_assert(qs_errs_read(&errs, 0, &row));
    cr_assert(eq(u64, row.cnt, 2));
}

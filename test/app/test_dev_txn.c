/* Goal: the lab says ok only when each transaction is delivered, a duplicate, refused or lost in a named
   counter; and takes no option that cannot be.
   Method: accounts made by hand, and the options at and beyond their limits. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/qs_dev_txn.h"

Test(dev_txn, a_run_is_ok_when_all_that_is_lost_was_counted)
{
    qs_dev_txn_t t = {.sent = 100, .verified = 90, .rejected = 10, .delivered = 90};
    cr_assert(qs_dev_txn_ok(&t, 0));
    t.lost = 3;
    cr_assert(not(qs_dev_txn_ok(&t, 0)));
    cr_assert(not(qs_dev_txn_ok(&t, 2)));
    cr_assert(qs_dev_txn_ok(&t, 3));
    cr_assert(qs_dev_txn_ok(&t, 50)); /* counters see other traffic too */
}

Test(dev_txn, a_run_that_sent_nothing_or_lost_something_inside_is_not_ok)
{
    qs_dev_txn_t nothing = {0};
    cr_assert(not(qs_dev_txn_ok(&nothing, 0)));
    qs_dev_txn_t inside = {.sent = 10, .verified = 10, .delivered = 9, .unaccounted = 1};
    cr_assert(not(qs_dev_txn_ok(&inside, 100))); /* reliable links lose nothing */
    qs_dev_txn_t damaged = {.sent = 10, .verified = 10, .delivered = 9, .damaged = 1};
    cr_assert(not(qs_dev_txn_ok(&damaged, 100)));
}

Test(dev_txn, options_become_configuration)
{
    qs_config_t cfg;
    qs_config_init(&qs_config_table, &cfg);
    qs_dev_txn_opt_t o = {
        .cnt = 7, .tps = 9, .signers = 11, .bad_percent = 12.5, .repeat_percent = 87.5};
    cr_assert(eq(int, qs_dev_txn_configure(&cfg, &o), 0));
    cr_assert(eq(u64, cfg.txnload.count, 7));
    cr_assert(eq(u64, cfg.txnload.rate_tps, 9));
    cr_assert(eq(u32, cfg.txnload.signers, 11));
    cr_assert(eq(u32, cfg.txnload.bad_permille, 125));
    cr_assert(eq(u32, cfg.txnload.repeat_permille, 875));
    qs_config_init(&qs_config_table, &cfg);
    u32 signers = cfg.txnload.signers;
    cr_assert(eq(int, qs_dev_txn_configure(&cfg, &(qs_dev_txn_opt_t){.cnt = 1}), 0));
    cr_assert(eq(u32, cfg.txnload.signers, signers)); /* what is not said stays as configured */
}

Test(dev_txn, options_that_cannot_be_are_refused)
{
    qs_config_t cfg;
    qs_config_init(&qs_config_table, &cfg);
    qs_dev_txn_opt_t const bad[] = {{.bad_percent = 101},
                                    {.bad_percent = 60, .repeat_percent = 41},
                                    {.bad_percent = 0.0 / 0.0},
                                    {.signers = 12}};
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        cr_assert(eq(int, qs_dev_txn_configure(&cfg, &bad[i]), 2), "row %u", i);
}

/* Gossip's codec: full push messages of contact infos and of votes, parsed; signatures aside. */

#include "bench/bench.h"
#include "waltz/gossip_samples.h"

#define WHAT "decode of a full push message, signatures aside"

typedef struct job {
    u8 data[QS_GOSSIP_MTU];
    u32 sz;
} job_t;

static void
parse(void *ctx)
{
    static qs_gossip_msg_t msg;
    job_t *job = ctx;

    qs_gossip_reason_t reason = qs_gossip_parse(job->data, job->sz, &msg);
    QS_ASSERT(!reason);
    bench_use(&msg);
}

/* fill puts as many values of one kind into a push as fit. */
static void
fill(job_t *job, u32 kind)
{
    u8 value[QS_GOSSIP_MTU];
    u32 value_sz = sample_value(value, sizeof(value), kind), more;

    job->sz = qs_gossip_write_values(job->data, sizeof(job->data), QS_GOSSIP_PUSH, sample_key);
    while ((more = qs_gossip_add_value(job->data, sizeof(job->data), job->sz, value, value_sz)))
        job->sz = more;
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static job_t contacts, votes, slots;
    bench_init(&b, "gossip-decode", argc, argv);
    fill(&contacts, QS_CRDS_CONTACT_INFO);
    fill(&votes, QS_CRDS_VOTE);
    fill(&slots, QS_CRDS_LOWEST_SLOT);
    bench_add(
        &b, &(bench_row_t){
                .what = WHAT, .variant = "contact infos", .ops = 1, .fn = parse, .ctx = &contacts});
    bench_add(
        &b, &(bench_row_t){.what = WHAT, .variant = "votes", .ops = 1, .fn = parse, .ctx = &votes});
    bench_add(&b,
              &(bench_row_t){
                  .what = WHAT, .variant = "lowest slots", .ops = 1, .fn = parse, .ctx = &slots});
    return bench_run(&b);
}

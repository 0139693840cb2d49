/* What `quickstep doctor` takes, without a probe through the real path: looking at files, asking the
   kernel, reading all routes once, and judging, for the interface with the default route. */

#include "app/doctor/qs_doctor.h"
#include "bench/bench.h"
#include "disco/qs_topos.h"

static qs_config_t cfg;
static qs_plan_t plan;

static void
examine(void *ctx)
{
    static qs_diagnosis_t d;
    qs_doctor_facts_t f = {.root = "", .cfg = &cfg, .plan = &plan, .peer = 0x08080808};
    (void)ctx;

    qs_doctor_look(&f);
    qs_doctor_ask(&f);
    qs_doctor_judge(&f, &d);
    bench_use(&d);
}

int
main(int argc, char **argv)
{
    static bench_t b;
    static qs_wksp_plan_t wksp[QS_TILE_MAX];
    char err[256];

    bench_init(&b, "doctor", argc, argv);
    b.clock = CLOCK_MONOTONIC; /* it waits for the kernel */
    qs_config_init(&qs_config_table, &cfg);
    QS_ASSERT(!qs_plan_make(&plan, wksp, qs_topos[0], &cfg, false, err, sizeof(err)));
    bench_add(&b, &(bench_row_t){
                      .what = "doctor", .variant = "look, ask, judge", .fn = examine, .ops = 1});
    return bench_run(&b);
}

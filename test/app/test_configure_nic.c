/* Goal: the stages sysfs and irq ask for what the interface needs, no more, and undo restores every
   byte.  Method: a host in a directory with an interface whose interrupts and files are there. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/fake_host.h"

#define DEFER "/sys/class/net/eth7/napi_defer_hard_irqs"
#define FLUSH "/sys/class/net/eth7/gro_flush_timeout"
#define SYSFS (1u << 2)
#define IRQ   (1u << 3)

static qs_configure_t engine;
static qs_config_t cfg;
static qs_plan_t plan;
static qs_error_list_t errors;

static void
say(void *ctx, qs_configure_report_t const *r)
{
    (void)ctx;
    (void)r;
}

static void
new_host(void)
{
    fake_new("/dev/shm");
    qs_config_init(&qs_config_table, &cfg);
    plan = (qs_plan_t){.topo = "test", .tile_cnt = 2};
    plan.tile[0] = (qs_plan_tile_t){.name = "net", .cpu = 2};
    plan.tile[1] = (qs_plan_tile_t){.name = "sink", .cpu = 5};
    put("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                           "eth7\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
    put("/sys/devices/system/cpu/online", "0-7,12\n");
    put("/sys/class/net/eth7/device/msi_irqs/101", "msix\n");
    put("/sys/class/net/eth7/device/msi_irqs/99", "msix\n");
    put("/proc/irq/99/smp_affinity_list", "0-12\n");
    put("/proc/irq/101/smp_affinity_list", "2\n");
    put("/proc/irq/7/smp_affinity_list", "0-12\n");
    put(DEFER, "0\n");
    put(FLUSH, "0\n");
}

TestSuite(configure_nic, .init = new_host, .fini = fake_remove);

static void
prepare(void)
{
    memset(&errors, 0, sizeof(errors));
    engine = (qs_configure_t){.host = {.root = fake.root,
                                       .write = fake_write,
                                       .mount = fake_mount,
                                       .umount = fake_umount,
                                       .step = fake_step},
                              .cfg = &cfg,
                              .plan = &plan,
                              .node_cnt = 1,
                              .say = say,
                              .errors = &errors};
}

static int
init(u32 stages)
{
    prepare();
    return qs_configure_init(&engine, stages);
}

static void
undo_restores(u32 stages, char *before)
{
    prepare();
    cr_assert(eq(int, qs_configure_undo(&engine, stages), 0));
    char *after = snapshot();
    cr_assert(eq(str, after, before));
    free(after);
    free(before);
}

Test(configure_nic, busy_polling_gets_what_it_needs_and_undo_takes_it_back)
{
    char *before = snapshot();
    cr_assert(eq(int, init(SYSFS), 0));
    cr_assert(eq(str, (char *)get(DEFER), "0\n")); /* nobody asked for it */
    cfg.net.busy_poll_us = 20;
    prepare();
    cr_assert(eq(int, qs_configure_check(&engine, SYSFS), 3));
    cr_assert(eq(int, init(SYSFS), 0));
    cr_assert(eq(str, (char *)get(DEFER), "2\n"));
    cr_assert(eq(str, (char *)get(FLUSH), "200000\n"));
    prepare();
    cr_assert(eq(int, qs_configure_check(&engine, SYSFS), 0));
    undo_restores(SYSFS, before);
}

Test(configure_nic, interface_that_is_named_comes_before_the_default_routes)
{
    cfg.net.busy_poll_us = 20;
    strcpy(cfg.net.iface, "lan0");
    put("/sys/class/net/lan0/napi_defer_hard_irqs", "0\n");
    put("/sys/class/net/lan0/gro_flush_timeout", "0\n");
    cr_assert(eq(int, init(SYSFS), 0));
    cr_assert(eq(str, (char *)get(DEFER), "0\n"));
    cr_assert(eq(str, (char *)get("/sys/class/net/lan0/napi_defer_hard_irqs"), "2\n"));
    strcpy(cfg.net.iface, "../../etc");
    prepare();
    cr_assert(eq(int, qs_configure_check(&engine, SYSFS), 0)); /* nothing that could be one */
}

Test(configure_nic, interrupts_leave_the_cores_of_tiles_and_undo_brings_them_back)
{
    char *before = snapshot();
    cr_assert(eq(int, init(IRQ), 0));
    cr_assert(eq(str, (char *)get("/proc/irq/99/smp_affinity_list"), "0-1,3-4,6-7,12\n"));
    cr_assert(eq(str, (char *)get("/proc/irq/101/smp_affinity_list"), "0-1,3-4,6-7,12\n"));
    cr_assert(eq(str, (char *)get("/proc/irq/7/smp_affinity_list"), "0-12\n")); /* another's */
    undo_restores(IRQ, before);
}

Test(configure_nic, interrupts_stay_where_no_tile_is_bound_or_no_core_is_left)
{
    char *before = snapshot();
    plan.tile[0].cpu = plan.tile[1].cpu = -1;
    cr_assert(eq(int, init(IRQ), 0));
    plan.tile[0].cpu = 2;
    plan.tile[1].cpu = 5;
    put("/sys/devices/system/cpu/online", "2,5\n");
    cr_assert(eq(int, init(IRQ), 0));
    put("/sys/devices/system/cpu/online", "0-7,12\n");
    put("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n");
    cr_assert(eq(int, init(IRQ), 0));
    put("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                           "eth7\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
    undo_restores(IRQ, before);
}

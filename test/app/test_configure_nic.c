/* Goal: the stages ethtool, sysfs and irq ask for what the interface needs, no more, and undo restores every
   byte.  Method: a host in a directory with an interface whose interrupts and files are there; for
   ethtool also a real veth in a namespace. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/fake_host.h"
#include "disco/netns.h"
#include "waltz/xdp/qs_ethtool.h"

#define DEFER   "/sys/class/net/eth7/napi_defer_hard_irqs"
#define FLUSH   "/sys/class/net/eth7/gro_flush_timeout"
#define ETHTOOL (1u << 2)
#define SYSFS   (1u << 3)
#define IRQ     (1u << 4)

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

#define LRO     "/ethtool/eth7/rx-lro"
#define UDP_GRO "/ethtool/eth7/rx-udp-gro-forwarding"
#define VLAN    "/ethtool/eth7/rx-vlan-hw-parse"
#define QUEUES  "/ethtool/eth7/queues"

Test(configure_nic, offloads_go_off_and_queues_are_raised_but_never_taken_away)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put(LRO, "on\n");
    put(UDP_GRO, "off\n");
    put(VLAN, "on\n");
    put(QUEUES, "2\n");
    char *before = snapshot();
    cfg.net.tiles = 4;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(LRO), "off\n"));
    cr_assert(eq(str, (char *)get(VLAN), "on\n")); /* there is no VLAN */
    cr_assert(eq(str, (char *)get(QUEUES), "4\n"));
    cfg.net.tiles = 1;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(QUEUES), "4\n"));
    undo_restores(ETHTOOL, before);
}

Test(configure_nic, tags_are_left_in_frames_where_there_is_a_vlan_and_sockets_need_nothing)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put("/sys/class/net/eth7.5/uevent", "DEVTYPE=vlan\n");
    put("/sys/class/net/eth7.5/lower_eth7", "");
    put(VLAN, "on\n");
    cfg.net.provider = QS_CONFIG_net_provider_socket;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(VLAN), "on\n"));
    cfg.net.provider = QS_CONFIG_net_provider_auto;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(VLAN), "off\n"));
}

Test(configure_nic, real_device_is_set_and_put_back)
{
    qs_ethtool_queues_t q;
    qs_ethtool_feature_t gro;
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace of our own: %s\n", strerror(errno));
        return;
    }
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(zero(int, netns_run(here, "ip link add n0 numrxqueues 4 numtxqueues 4 type veth peer "
                                        "name n1 numrxqueues 4 numtxqueues 4")));
    cr_assert(eq(int, qs_ethtool_queues_get("none", &q), -ENODEV));
    cr_assert(eq(int, qs_ethtool_feature_get("n0", "no-such", &gro), -ENOENT));
    cr_assert(zero(int, qs_ethtool_queues_set("n0", 1)));
    cr_assert(eq(int, qs_ethtool_queues_set("n0", 5), -EINVAL));
    cr_assert(zero(int, qs_ethtool_feature_set("n0", "rx-udp-gro-forwarding", true)));

    strcpy(cfg.net.iface, "n0");
    cfg.net.tiles = 3;
    snprintf(cfg.configure.journal_path, sizeof(cfg.configure.journal_path), "%s/journal",
             fake.root);
    prepare();
    engine.host = (qs_configure_host_t){0}; /* the real one */
    cr_assert(eq(int, qs_configure_init(&engine, ETHTOOL), 0));
    cr_assert(zero(int, qs_ethtool_queues_get("n0", &q)));
    cr_assert(zero(int, qs_ethtool_feature_get("n0", "rx-udp-gro-forwarding", &gro)));
    cr_assert(q.cnt == 3 && q.max == 4 && !gro.on);
    prepare();
    engine.host = (qs_configure_host_t){0};
    cr_assert(eq(int, qs_configure_undo(&engine, ETHTOOL), 0));
    cr_assert(zero(int, qs_ethtool_queues_get("n0", &q)));
    cr_assert(zero(int, qs_ethtool_feature_get("n0", "rx-udp-gro-forwarding", &gro)));
    cr_assert(q.cnt == 1 && gro.on);
    close(here);
}

/* Goal: the stages ethtool, sysfs and irq ask for what the interface needs, no more, and undo restores every
   byte.  Method: a host in a directory with an interface whose interrupts and files are there; for
   ethtool also a real veth in a namespace, and a NIC with rules, which few machines have: this
   program's own ioctl plays its driver. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "app/fake_host.h"
#include "app/qs_configure_kind.h"
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

#define NTUPLE        "/ethtool/eth7/rx-ntuple-filter"
#define RULE_OF(port) "/ethtool/eth7/udp4-" port

/* Three ports that somebody reads, and one that nobody does. */
static void
four_ports(void)
{
    plan.port_cnt = 4;
    for (u32 i = 0; i < 4; i++)
        plan.port[i] =
            (qs_plan_port_t){.port = (u16)(9001 + i), .link_row = i == 2 ? UINT16_MAX : 0};
}

Test(configure_nic, ports_are_led_to_the_queues_with_a_tile_where_there_are_more)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put(QUEUES, "8\n");
    put(NTUPLE, "off\n");
    put(RULE_OF("9001"), "none\n");
    put(RULE_OF("9002"), "queue 1 place 77\n"); /* somebody's, and right */
    put(RULE_OF("9003"), "none\n");
    put(RULE_OF("9004"), "queue 7 place 3\n"); /* somebody's, and no tile is there */
    four_ports();
    char *before = snapshot();
    cfg.net.tiles = 2;
    prepare();
    engine.dry_run = true;
    cr_assert(eq(int, qs_configure_init(&engine, ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RULE_OF("9001")), "none\n"));
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(QUEUES), "8\n"));
    cr_assert(eq(str, (char *)get(NTUPLE), "on\n"));
    cr_assert(eq(str, (char *)get(RULE_OF("9001")), "queue 0\n"));
    cr_assert(eq(str, (char *)get(RULE_OF("9002")), "queue 1 place 77\n"));
    cr_assert(eq(str, (char *)get(RULE_OF("9003")), "none\n")); /* nobody reads it */
    cr_assert(eq(str, (char *)get(RULE_OF("9004")), "queue 0\n"));
    undo_restores(ETHTOOL, before);
}

#define RSS "/ethtool/eth7/rss"

Test(configure_nic, rss_keeps_to_the_queues_with_a_tile_if_asked_and_not_where_somebody_set_it)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put(QUEUES, "8\n");
    put(RSS, "default\n");
    char *before = snapshot();
    cfg.net.tiles = 2;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RSS), "default\n")); /* net.rss = keep */
    cfg.net.rss = QS_CONFIG_net_rss_tiles;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RSS), "equal 2\n"));
    cr_assert(eq(str, (char *)get(QUEUES), "8\n"));
    undo_restores(ETHTOOL, before);
    cfg.net.tiles = 8;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RSS), "default\n")); /* every queue has a tile */
    put(RSS, "other 0badcafe\n");
    cfg.net.tiles = 2;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RSS), "other 0badcafe\n"));
}

Test(configure_nic, rules_are_left_alone_where_every_queue_has_a_tile)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put(QUEUES, "1\n");
    put(NTUPLE, "off\n");
    put(RULE_OF("9001"), "none\n");
    four_ports();
    cfg.net.tiles = 2;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(QUEUES), "2\n"));
    cr_assert(eq(str, (char *)get(RULE_OF("9001")), "none\n"));
    cr_assert(eq(str, (char *)get(NTUPLE), "off\n"));
}

Test(configure_nic, rule_that_the_driver_refuses_is_no_error_and_leaves_nothing_to_undo)
{
    put("/sys/class/net/eth7/mtu", "1500\n");
    put(QUEUES, "8\n");
    put(RULE_OF("9001"), "none\n");
    put(RULE_OF("9002"), "none\n");
    four_ports();
    char *before = snapshot();
    fake.refuse = RULE_OF("9001");
    fake.refuse_err = -EOPNOTSUPP;
    cfg.net.tiles = 2;
    cr_assert(eq(int, init(ETHTOOL), 0));
    cr_assert(eq(str, (char *)get(RULE_OF("9001")), "none\n"));
    cr_assert(eq(str, (char *)get(RULE_OF("9002")), "queue 1\n"));
    prepare();
    cr_assert(eq(int, qs_configure_check(&engine, ETHTOOL), 0)); /* what cannot be is not missed */
    fake.refuse = NULL;
    undo_restores(ETHTOOL, before);
}

/* The driver of a NIC of that name: a table of rules, as the kernel's callers see it. */
#define NIC        "qs_nic0"
#define NIC_PLACES 16u

#define NIC_RSS    128u
#define NIC_QUEUES 8u

static struct {
    u32 rss[NIC_RSS];
    bool chooses; /* the driver chooses places itself */
    bool used[NIC_PLACES];
    struct ethtool_rx_flow_spec rule[NIC_PLACES];
} nic;

static int
nic_list(struct ethtool_rxnfc *rx)
{
    u32 cnt = 0, room = rx->rule_cnt;
    for (u32 i = 0; i < NIC_PLACES; i++) {
        if (!nic.used[i])
            continue;
        if (cnt == room)
            return EMSGSIZE;
        rx->rule_locs[cnt++] = i;
    }
    rx->rule_cnt = cnt;
    rx->data = NIC_PLACES;
    return 0;
}

static int
nic_insert(struct ethtool_rxnfc *rx)
{
    u32 place = rx->fs.location;
    if (place == RX_CLS_LOC_ANY && nic.chooses)
        for (place = 5; place < NIC_PLACES && nic.used[place]; place++)
            ;
    if (place >= NIC_PLACES)
        return EINVAL;
    nic.used[place] = true;
    nic.rule[place] = rx->fs;
    nic.rule[place].location = rx->fs.location = place;
    return 0;
}

static int
nic_spread(struct ethtool_rxfh_indir *t)
{
    u32 room = t->size;
    if (t->cmd == ETHTOOL_GRXFHINDIR) {
        t->size = NIC_RSS;
        memcpy(t->ring_index, nic.rss, room < NIC_RSS ? 0 : sizeof(nic.rss));
        return 0;
    }
    if (room && room != NIC_RSS)
        return EINVAL;
    for (u32 i = 0; i < NIC_RSS; i++) {
        nic.rss[i] = room ? t->ring_index[i] : i % NIC_QUEUES;
        if (nic.rss[i] >= NIC_QUEUES)
            return EINVAL;
    }
    return 0;
}

static int
nic_command(struct ethtool_rxnfc *rx)
{
    if (rx->cmd == ETHTOOL_GRXFHINDIR || rx->cmd == ETHTOOL_SRXFHINDIR)
        return nic_spread((void *)rx); /* another struct, and shorter */
    u32 place = rx->fs.location;
    switch (rx->cmd) {
    case ETHTOOL_GRXRINGS:
        rx->data = NIC_QUEUES;
        return 0;
    case ETHTOOL_GRXCLSRLCNT:
        rx->rule_cnt = 0;
        for (u32 i = 0; i < NIC_PLACES; i++)
            rx->rule_cnt += nic.used[i];
        rx->data = nic.chooses ? NIC_PLACES | RX_CLS_LOC_SPECIAL : 0;
        return 0;
    case ETHTOOL_GRXCLSRLALL:
        return nic_list(rx);
    case ETHTOOL_GRXCLSRULE:
        if (place >= NIC_PLACES || !nic.used[place])
            return ENOENT;
        rx->fs = nic.rule[place];
        return 0;
    case ETHTOOL_SRXCLSRLINS:
        return nic_insert(rx);
    case ETHTOOL_SRXCLSRLDEL:
        if (place >= NIC_PLACES || !nic.used[place])
            return ENOENT;
        nic.used[place] = false;
        return 0;
    default:
        return EOPNOTSUPP;
    }
}

/* ioctl comes before the C library's: what is not for that NIC goes on to the kernel. */
int
ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    struct ifreq const *req = arg;
    if (request != SIOCETHTOOL || strcmp(req->ifr_name, NIC) != 0)
        return (int)syscall(SYS_ioctl, fd, request, arg);
    errno = nic_command((void *)req->ifr_data);
    return errno ? -1 : 0;
}

static void
looks(char const *setting, char const *want)
{
    qs_configure_t real = {0};
    char path[64], state[QS_JOURNAL_VALUE_MAX];
    snprintf(path, sizeof(path), "/ethtool/" NIC "/%s", setting);
    cr_assert(eq(int, qs_configure_look_ethtool(&real, path, state), 0));
    cr_assert(eq(str, state, (char *)want));
}

static int
sets(char const *setting, char const *want)
{
    qs_configure_t real = {0};
    char path[64];
    snprintf(path, sizeof(path), "/ethtool/" NIC "/%s", setting);
    return qs_configure_set_ethtool(&real, path, want);
}

Test(configure_nic, rules_of_a_driver_are_made_found_and_taken_back_and_others_stay)
{
    for (u32 chooses = 0; chooses < 2; chooses++) {
        memset(&nic, 0, sizeof(nic));
        nic.chooses = chooses;
        /* A rule of somebody's that looks at the address as well, and one of TCP. */
        nic.used[2] = nic.used[15] = true;
        nic.rule[2] = (struct ethtool_rx_flow_spec){.flow_type = UDP_V4_FLOW, .ring_cookie = 6};
        nic.rule[2].h_u.udp_ip4_spec =
            (struct ethtool_tcpip4_spec){.ip4dst = 1, .pdst = htons(9001)};
        nic.rule[2].m_u.udp_ip4_spec = (struct ethtool_tcpip4_spec){.ip4dst = ~0u, .pdst = 0xffff};
        nic.rule[15] = (struct ethtool_rx_flow_spec){.flow_type = TCP_V4_FLOW, .ring_cookie = 6};
        nic.rule[15].h_u.tcp_ip4_spec.pdst = htons(9001);
        nic.rule[15].m_u.tcp_ip4_spec.pdst = 0xffff;
        typeof(nic) before = nic;

        looks("udp4-9001", "none");
        cr_assert(zero(int, sets("udp4-9001", "queue 1")));
        looks("udp4-9001", chooses ? "queue 1 place 5" : "queue 1 place 14");
        looks("udp4-9002", "none");
        cr_assert(zero(int, sets("udp4-9001", "queue 0"))); /* in the place of that */
        looks("udp4-9001", chooses ? "queue 0 place 5" : "queue 0 place 14");
        cr_assert(zero(int, sets("udp4-9001", "queue 7 place 9"))); /* undo: as it was */
        looks("udp4-9001", "queue 7 place 9");
        cr_assert(zero(int, sets("udp4-9001", "none")));
        looks("udp4-9001", "none");
        cr_assert(zero(int, memcmp(nic.used, before.used, sizeof(nic.used))));
        cr_assert(zero(int, memcmp(&nic.rule[2], &before.rule[2], sizeof(nic.rule[2]))));
        for (u32 i = 0; i < NIC_PLACES; i++) {
            nic.rule[i].flow_type = 0;
            nic.used[i] = true;
        }
        cr_assert(eq(int, sets("udp4-9001", "queue 1"), chooses ? -EINVAL : -ENOSPC));
    }
}

Test(configure_nic, table_of_a_driver_is_read_and_set_and_the_default_is_known)
{
    struct ethtool_rxfh_indir reset = {.cmd = ETHTOOL_SRXFHINDIR};
    qs_ethtool_rss_t rss;
    cr_assert(zero(int, nic_spread(&reset)));
    looks("rss", "default");
    cr_assert(zero(int, sets("rss", "equal 3")));
    looks("rss", "equal 3");
    for (u32 i = 0; i < NIC_RSS; i++)
        cr_assert(eq(u32, nic.rss[i], i % 3));
    cr_assert(eq(int, sets("rss", "equal 9"), -EINVAL));
    cr_assert(zero(int, nic_spread(&reset)));
    nic.rss[5] = 7;
    cr_assert(zero(int, qs_ethtool_rss_get(NIC, &rss)));
    cr_assert(rss.kind == QS_ETHTOOL_RSS_OTHER && rss.cnt == 8);
    u32 sum = rss.sum;
    nic.rss[6] = 0;
    cr_assert(zero(int, qs_ethtool_rss_get(NIC, &rss)));
    cr_assert(rss.kind == QS_ETHTOOL_RSS_OTHER && rss.sum != sum);
    cr_assert(eq(int, sets("rss", "other 12345678"), -EINVAL)); /* it cannot be made from its sum */
    cr_assert(zero(int, sets("rss", "default")));
    looks("rss", "default");
}

Test(configure_nic, real_device_is_set_and_put_back)
{
    qs_ethtool_queues_t q;
    qs_ethtool_feature_t gro;
    qs_ethtool_rss_t rss;
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace of our own: %s\n", strerror(errno));
        return;
    }
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(zero(int, netns_run(here, "ip link add n0 numrxqueues 4 numtxqueues 4 type veth peer "
                                        "name n1 numrxqueues 4 numtxqueues 4")));
    cr_assert(eq(int, qs_ethtool_rss_get("none", &rss), -ENODEV));
    cr_assert(eq(int, qs_ethtool_rss_get("n0", &rss), -EOPNOTSUPP)); /* veth has no table */
    cr_assert(eq(int, qs_ethtool_rss_set("n0", 1), -EOPNOTSUPP));
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

/* Goal: every check of doctor finds what it is for, and only that; a sound host has no finding; the
   rung and what bars the next follow from the findings; what is read from the host is right.
   Method: one table, with a fault for each check, against a host without fault; each row of the
   product's own table must be provoked by a row here.  Then a /proc and /sys in a temporary
   directory, and real devices in a namespace. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/doctor/qs_doctor.h"
#include "disco/netns.h"
#include "disco/qs_topos.h"
#include "waltz/xdp/qs_nic.h"

static qs_config_t cfg;
static qs_plan_t plan;
static qs_doctor_facts_t f;
static qs_diagnosis_t d;

/* sound makes a host with a good NIC, on which nothing is wrong. */
static void
sound(void)
{
    static qs_wksp_plan_t wksp[QS_TILE_MAX];
    char err[256];

    qs_config_init(&qs_config_table, &cfg);
    cr_assert(zero(int, qs_plan_make(&plan, wksp, qs_topos[0], &cfg, false, err, sizeof(err))));
    f = (qs_doctor_facts_t){.root = "",
                            .cfg = &cfg,
                            .plan = &plan,
                            .release = "6.14.0-test",
                            .kernel = QS_KERNEL(6, 14),
                            .ifname = "eth0",
                            .found = true,
                            .up = true,
                            .driver = "igb",
                            .mtu = 1500,
                            .huge_free = 8ull << 30,
                            .clocksource = "tsc",
                            .bpf_jit = {true, 1},
                            .cpus = 64,
                            .ifindex = 2,
                            .addr_cnt = 1,
                            .features = {true, 0xb},
                            .queues = {true, 1},
                            .ring = {true, 4096},
                            .ring_max = {true, 4096},
                            .caps = {true, 15},
                            .memlock = UINT64_MAX,
                            .xdp_known = true,
                            .routes_known = true};
}

TestSuite(doctor, .init = sound);

static void
old_kernel(void)
{
    strcpy(f.release, "5.4.0");
    f.kernel = QS_KERNEL(5, 4);
    f.driver[0] = 0;
}
static void
no_iface(void)
{
    f.found = false;
    f.ifindex = 0;
}
static void
down(void)
{
    f.up = false;
}
static void
bond(void)
{
    strcpy(f.kind, "bond");
}
static void
member(void)
{
    strcpy(f.master, "bond0");
}
static void
no_address(void)
{
    f.addr_cnt = 0;
}
static void
no_native(void)
{
    strcpy(f.driver, "tg3");
    f.features.value = 0;
}
static void
no_zero_copy(void)
{
    f.features.value = 3;
}
static void
ice(void)
{
    strcpy(f.driver, "ice");
}
static void
mlx5_of_6_4(void)
{
    strcpy(f.driver, "mlx5_core");
    f.kernel = QS_KERNEL(6, 4);
}
static void
untold(void)
{
    f.features.known = false;
}
static void
veth(void)
{
    strcpy(f.driver, "veth");
    f.features.value = 3;
}
static void
virtio(void)
{
    strcpy(f.driver, "virtio_net");
}
static void
two_tiles(void)
{
    cfg.net.tiles = 2;
}
static void
many_queues(void)
{
    f.queues.value = 8;
}
static void
short_ring(void)
{
    f.ring.value = 256;
}
static void
jumbo(void)
{
    f.mtu = 9000;
}
static void
lro(void)
{
    f.offload[QS_OFFLOAD_LRO] = (qs_known_t){true, 1};
}
static void
udp_gro(void)
{
    f.offload[QS_OFFLOAD_UDP_GRO] = (qs_known_t){true, 1};
}
static void
vlan_offload(void)
{
    f.offload[QS_OFFLOAD_VLAN] = (qs_known_t){true, 1};
    f.vlan_on_top = true;
}
static void
no_huge(void)
{
    f.huge_free = 0;
}
static void
no_caps(void)
{
    f.caps.value = QS_DOCTOR_IPC_LOCK;
}
static void
low_memlock(void)
{
    f.caps.value = 7;
    f.memlock = 65536;
}
static void
foreign(void)
{
    f.xdp.cnt = 1;
    f.xdp.found[0] = (qs_xdp_found_t){.mode = QS_XDP_DRV, .prog_id = 77, .name = "other"};
}
static void
no_jit(void)
{
    f.bpf_jit.value = 0;
}
static void
no_route(void)
{
    f.peer = 0x08080808;
    f.hop.kind = QS_HOP_NO_ROUTE;
}
static void
elsewhere(void)
{
    f.peer = 0x08080808;
    f.hop = (qs_hop_t){.kind = QS_HOP_NO_NEIGH, .ifindex = 3};
}
static void
rules(void)
{
    f.rule_cnt = 2;
}
static void
taken(void)
{
    f.taken[f.taken_cnt++] = 8001;
}
static void
hpet(void)
{
    strcpy(f.clocksource, "hpet");
}
static void
one_cpu(void)
{
    f.cpus = 1;
}

static void
no_probe(void)
{
    f.probe = (qs_doctor_probe_t){.asked = true, .rung = QS_NET_SOCKET, .why = "needs root"};
}
static void
probe_skb(void)
{
    f.probe = (qs_doctor_probe_t){
        .asked = true, .ran = true, .rung = QS_NET_SKB, .there = 1000, .why = "bind: refused"};
}
static void
probe_none(void)
{
    f.probe =
        (qs_doctor_probe_t){.asked = true, .ran = true, .rung = QS_NET_SOCKET, .why = "0 of 1000"};
}
static void
probe_damage(void)
{
    f.probe = (qs_doctor_probe_t){
        .asked = true, .ran = true, .rung = QS_NET_SOCKET, .damaged = 3, .why = "3 were damaged"};
}

#define ALSO_NONE QS_ERROR_ID_CNT

/* A fault; what must be found, how bad, what it bars; and what comes with it, if anything. */
/* clang-format off */
static struct {
    void (*fault)(void);
    qs_error_id_t id, also;
    qs_severity_t severity;
    qs_net_rung_t rung;
    char const *cause, *fix;
} const table[] = {
    {old_kernel, QS_ERROR_DOC_KERNEL, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "5.4.0", "5.9"},
    {no_iface, QS_ERROR_DOC_IFACE, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "eth0", "net.iface"},
    {down, QS_ERROR_DOC_DOWN, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "down", "set eth0 up"},
    {bond, QS_ERROR_DOC_KIND, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SKB, "a bond", "one member"},
    {member, QS_ERROR_DOC_MASTER, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "bond0", "bond0"},
    {no_address, QS_ERROR_DOC_ADDRESS, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "IPv4", "ip addr"},
    {no_native, QS_ERROR_DOC_NATIVE, QS_ERROR_DOC_ZERO_COPY, QS_SEVERITY_NOTE, QS_NET_SKB, "tg3", "nics.md"},
    {no_zero_copy, QS_ERROR_DOC_ZERO_COPY, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_DRV, "no zero copy", "nics.md"},
    {ice, QS_ERROR_DOC_DENIED, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_DRV, "corrupt", "#11245"},
    {mlx5_of_6_4, QS_ERROR_DOC_DENIED_NATIVE, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SKB, "tests", "skb"},
    {untold, QS_ERROR_DOC_UNTOLD, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "6.3", "6.3"},
    {veth, QS_ERROR_DOC_VETH, QS_ERROR_DOC_ZERO_COPY, QS_SEVERITY_NOTE, QS_NET_DRV, "veth", "real NIC"},
    {virtio, QS_ERROR_DOC_VIRTIO, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "host", "iommu_platform"},
    {two_tiles, QS_ERROR_DOC_QUEUES_FEW, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "1 queues", "tiles = 1"},
    {many_queues, QS_ERROR_DOC_QUEUES_MANY, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "8 queues", "tiles = 8"},
    {short_ring, QS_ERROR_DOC_RING, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "256", "rx 4096"},
    {jumbo, QS_ERROR_DOC_MTU, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "9000", "mtu 1500"},
    {lro, QS_ERROR_DOC_MERGE, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SKB, "rx-lro", "lro off"},
    {udp_gro, QS_ERROR_DOC_UDP_GRO, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "glued", "off"},
    {vlan_offload, QS_ERROR_DOC_VLAN, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "VLAN", "rxvlan off"},
    {no_huge, QS_ERROR_DOC_HUGE, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "0 MiB", "configure"},
    {no_caps, QS_ERROR_DOC_CAPS, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF", "Ambient"},
    {low_memlock, QS_ERROR_DOC_MEMLOCK, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "64 KiB", "ulimit"},
    {foreign, QS_ERROR_DOC_FOREIGN, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "77", "one XDP program"},
    {no_jit, QS_ERROR_DOC_JIT, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "interprets", "bpf_jit_enable"},
    {no_route, QS_ERROR_DOC_ROUTE, ALSO_NONE, QS_SEVERITY_ERROR, QS_NET_ZERO_COPY, "8.8.8.8", "ip route"},
    {elsewhere, QS_ERROR_DOC_ELSEWHERE, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "index 3", "ip route"},
    {rules, QS_ERROR_DOC_RULES, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "2 policy", "ip rule"},
    {taken, QS_ERROR_DOC_PORT, ALSO_NONE, QS_SEVERITY_ERROR, QS_NET_ZERO_COPY, "8001", "8001"},
    {hpet, QS_ERROR_DOC_CLOCK, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_ZERO_COPY, "hpet", "tsc"},
    {one_cpu, QS_ERROR_DOC_CPUS, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "1 processors", "none"},
    {no_probe, QS_ERROR_DOC_PROBE_SHUT, ALSO_NONE, QS_SEVERITY_NOTE, QS_NET_ZERO_COPY, "needs root", "as root"},
    {probe_skb, QS_ERROR_DOC_PROBE_NATIVE, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SKB, "bind: refused", "skb"},
    {probe_none, QS_ERROR_DOC_PROBE_XDP, ALSO_NONE, QS_SEVERITY_WARNING, QS_NET_SOCKET, "0 of 1000", "socket"},
    {probe_damage, QS_ERROR_DOC_PROBE_DAMAGED, ALSO_NONE, QS_SEVERITY_ERROR, QS_NET_SOCKET, "3 were damaged", "socket"},
};
/* clang-format on */

static qs_finding_t const *
found(qs_error_id_t id)
{
    for (u32 i = 0; i < d.cnt; i++)
        if (d.finding[i].id == id)
            return &d.finding[i];
    return NULL;
}

Test(doctor, sound_host_has_no_finding_and_reaches_the_top)
{
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.cnt, 0), "%s", d.finding[0].cause);
    cr_assert(eq(int, d.rung, QS_NET_ZERO_COPY));
}

Test(doctor, every_fault_is_found_named_and_nothing_else)
{
    for (u32 i = 0; i < QS_COUNT(table); i++) {
        sound();
        table[i].fault();
        qs_doctor_judge(&f, &d);
        qs_finding_t const *x = found(table[i].id);
        cr_assert(ne(ptr, (void *)x, NULL), "row %u", i);
        cr_assert(eq(u32, d.cnt, table[i].also == ALSO_NONE ? 1u : 2u), "row %u", i);
        cr_assert(table[i].also == ALSO_NONE || found(table[i].also), "row %u", i);
        cr_assert(eq(int, x->severity, table[i].severity), "row %u", i);
        cr_assert(eq(int, d.rung, table[i].rung), "row %u: %s", i, x->cause);
        cr_assert(strstr(x->cause, table[i].cause) != NULL, "row %u: %s", i, x->cause);
        cr_assert(strstr(x->fix, table[i].fix) != NULL, "row %u: %s", i, x->fix);
        cr_assert(strchr(x->cause, '\n') == NULL && strchr(x->fix, '\n') == NULL);
    }
}

Test(doctor, every_check_is_provoked_by_a_fault)
{
    for (u32 c = 0; c < qs_doctor_check_cnt; c++) {
        u32 rows = 0;
        for (u32 i = 0; i < QS_COUNT(table); i++)
            rows += table[i].id == qs_doctor_checks[c].id;
        cr_assert(eq(u32, rows, 1), "%s", qs_error_infos[qs_doctor_checks[c].id].id);
    }
}

Test(doctor, what_the_configuration_insists_on_is_an_error)
{
    cfg.net.provider = QS_CONFIG_net_provider_xdp;
    no_caps();
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.of[QS_SEVERITY_ERROR], 1));
    sound();
    cfg.net.zero_copy = QS_CONFIG_net_zero_copy_on;
    ice();
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.of[QS_SEVERITY_ERROR], 1));
    sound();
    cfg.net.xdp_mode = QS_CONFIG_net_xdp_mode_drv;
    no_native();
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.of[QS_SEVERITY_ERROR], 1));
    sound();
    cfg.net.provider = QS_CONFIG_net_provider_socket;
    no_caps();
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.of[QS_SEVERITY_NOTE], 1));
    cr_assert(eq(int, d.rung, QS_NET_SOCKET));
}

Test(doctor, probe_that_carried_all_and_queues_that_are_steered_are_no_findings)
{
    f.probe = (qs_doctor_probe_t){.asked = true,
                                  .ran = true,
                                  .rung = QS_NET_DRV,
                                  .there = QS_PROBE_CNT,
                                  .back = QS_PROBE_CNT};
    many_queues();
    f.steered = true;
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.cnt, 0), "%s", d.finding[0].cause);
}

Test(doctor, running_instance_is_no_conflict_with_itself)
{
    taken();
    no_huge();
    f.running = true;
    qs_doctor_judge(&f, &d);
    cr_assert(eq(u32, d.cnt, 0));
}

/* Drivers and kernels that do not say what they can. */
Test(doctor, table_of_drivers_answers_for_silent_kernels)
{
    static struct {
        char const *driver;
        u32 kernel;
        qs_net_rung_t rung;
    } const silent[] = {
        {"igb", QS_KERNEL(6, 2), QS_NET_DRV},
        {"igc", QS_KERNEL(5, 14), QS_NET_ZERO_COPY},
        {"igc", QS_KERNEL(5, 13), QS_NET_DRV},
        {"igc", QS_KERNEL(5, 12), QS_NET_SKB},
        {"ixgbe", QS_KERNEL(5, 10), QS_NET_ZERO_COPY},
        {"i40e", QS_KERNEL(5, 19), QS_NET_ZERO_COPY},
        {"i40e", QS_KERNEL(5, 18), QS_NET_DRV},
        {"mlx5_core", QS_KERNEL(6, 1), QS_NET_ZERO_COPY},
        {"mlx5_core", QS_KERNEL(5, 15), QS_NET_DRV},
        {"ice", QS_KERNEL(6, 1), QS_NET_DRV},
        {"bnxt_en", QS_KERNEL(6, 1), QS_NET_DRV},
        {"ena", QS_KERNEL(6, 1), QS_NET_DRV},
        {"veth", QS_KERNEL(6, 1), QS_NET_DRV},
        {"r8169", QS_KERNEL(6, 1), QS_NET_SKB},
    };
    for (u32 i = 0; i < QS_COUNT(silent); i++) {
        sound();
        f.features.known = false;
        strcpy(f.driver, silent[i].driver);
        f.kernel = silent[i].kernel;
        qs_doctor_judge(&f, &d);
        cr_assert(eq(int, d.rung, silent[i].rung), "row %u", i);
    }
}

Test(doctor, release_names_of_all_distributions_are_read)
{
    cr_assert(eq(u32, qs_nic_kernel("6.8.0-45-generic"), QS_KERNEL(6, 8)));
    cr_assert(eq(u32, qs_nic_kernel("5.14.0-362.8.1.el9_3.x86_64"), QS_KERNEL(5, 14)));
    cr_assert(eq(u32, qs_nic_kernel("6.18.15+deb13-cloud-amd64"), QS_KERNEL(6, 18)));
    cr_assert(eq(u32, qs_nic_kernel("nonsense"), 0));
    cr_assert(eq(u32, qs_nic_kernel(""), 0));
}

Test(doctor, tables_of_the_docs_are_those_of_the_program)
{
    char *text = NULL, docs[65536];
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    qs_nic_write_md(out);
    fclose(out);
    FILE *in = fopen("docs/nics.md", "r");
    cr_assert(ne(ptr, in, NULL), "run from the source's top folder");
    docs[fread(docs, 1, sizeof(docs) - 1, in)] = 0;
    fclose(in);
    cr_assert(strstr(docs, text) != NULL,
              "docs/nics.md lacks what `quickstep doctor --nics` prints");
    free(text);
}

/* --- the host, as files --------------------------------------------------------------------------- */

static char root[64];

static void
put(char const *path, char const *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *file = fopen(full, "we");
    cr_assert(file && fputs(text, file) >= 0 && !fclose(file), "%s", full);
}

static void
link_to(char const *path, char const *to)
{
    char full[512];
    snprintf(full, sizeof(full), "%s%s", root, path);
    cr_assert(zero(int, symlink(to, full)), "%s", full);
}

static int
remove_one(char const *path, struct stat const *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

#define ETH "/sys/class/net/eth7/"

Test(doctor, files_of_the_host_are_read)
{
    strcpy(root, "/tmp/qs_doctor_XXXXXX");
    cr_assert(ne(ptr, mkdtemp(root), NULL));
    put("/proc/sys/kernel/osrelease", "5.15.0-91-generic\n");
    put("/proc/sys/net/core/bpf_jit_enable", "0\n");
    put("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                           "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\n"
                           "eth7\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
    put("/proc/net/udp", "  sl  local_address rem_address   st\n"
                         "  10: 00000000:1F41 00000000:0000 07\n"
                         "  11: 0100007F:0035 00000000:0000 07\n"
                         "  12: 0100007F:1F41 00000000:0000 07\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm\n");
    put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
    put("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "2\n");
    put(ETH "mtu", "9000\n");
    put(ETH "type", "1\n");
    put(ETH "flags", "0x1003\n");
    put(ETH "carrier", "1\n");
    put(ETH "uevent", "INTERFACE=eth7\n");
    put(ETH "device/vendor", "0x8086\n");
    link_to(ETH "device/driver", "../../../bus/pci/drivers/ice");
    link_to(ETH "master", "../bond3");
    put("/sys/class/net/eth7.5/uevent", "DEVTYPE=vlan\nINTERFACE=eth7.5\n");
    link_to("/sys/class/net/eth7.5/lower_eth7", "../eth7");
    put("/sys/class/net/wg0/uevent", "DEVTYPE=wireguard\n");
    put("/sys/class/net/wg0/mtu", "1420\n");

    f = (qs_doctor_facts_t){.root = root, .cfg = &cfg, .plan = &plan};
    qs_doctor_look(&f);
    cr_assert(eq(u32, f.kernel, QS_KERNEL(5, 15)));
    cr_assert(f.bpf_jit.known && !f.bpf_jit.value);
    cr_assert(eq(str, f.ifname, "eth7"));
    cr_assert(eq(str, f.driver, "ice"));
    cr_assert(eq(str, f.master, "bond3"));
    cr_assert(eq(str, f.clocksource, "acpi_pm"));
    cr_assert(f.found && f.up && !f.loopback && f.vlan_on_top && f.mtu == 9000 && !f.kind[0]);
    cr_assert(eq(u64, f.huge_free, (3ull << 21) + (2ull << 30)));
    cr_assert(f.taken_cnt == 1 && f.taken[0] == 8001);

    f = (qs_doctor_facts_t){.root = root, .cfg = &cfg, .plan = &plan, .ifname = "wg0"};
    qs_doctor_look(&f);
    cr_assert(f.found && !f.up && !f.vlan_on_top);
    cr_assert(eq(str, f.kind, "wireguard"));
    f = (qs_doctor_facts_t){.root = root, .cfg = &cfg, .plan = &plan, .ifname = "gone"};
    qs_doctor_look(&f);
    cr_assert(not(f.found));
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- the host, as the kernel tells ---------------------------------------------------------------- */

Test(doctor, kernel_tells_of_a_real_device_and_its_routes)
{
    if (unshare(CLONE_NEWNET)) { /* /sys still shows the devices of the other one */
        printf("skipped: no namespaces of our own: %s\n", strerror(errno));
        return;
    }
    int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(
        zero(int, netns_run(here, "ip link add n0 mtu 1400 numrxqueues 2 numtxqueues 2 type "
                                  "veth peer name n1 && ip link set n1 up && ip link set n0 up "
                                  "&& ip addr add 10.9.0.1/24 dev n0 && "
                                  "ip route add blackhole 10.66.0.0/16 && "
                                  "ip link add br0 type bridge && ip link set n1 master br0")));
    f = (qs_doctor_facts_t){
        .root = "", .cfg = &cfg, .plan = &plan, .ifname = "n0", .peer = 0x0a420001};
    qs_doctor_look(&f);
    qs_doctor_ask(&f);
    cr_assert(f.found && f.up && f.ifindex && f.mtu == 1400 && f.addr_cnt == 1);
    cr_assert(eq(str, f.driver, "veth"));
    cr_assert(f.queues.known && f.queues.value == 2);
    cr_assert(f.routes_known && f.hop.kind == QS_HOP_BLACKHOLE && f.rule_cnt == 0);
    cr_assert(f.offload[QS_OFFLOAD_UDP_GRO].known && !f.offload[QS_OFFLOAD_UDP_GRO].value);
    cr_assert(f.xdp_known && f.xdp.cnt == 0);
    cr_assert(f.caps.known);
    if (f.features.known) /* since 6.3 */
        cr_assert(not(f.features.value & QS_XDP_FEATURE_ZERO_COPY));
    netns_run(here, "ethtool -K n0 rx-udp-gro-forwarding on 2>/dev/null || true;"
                    "ip rule add from 10.9.0.1 table 7");
    f.peer = 0x0a090009;
    qs_doctor_ask(&f);
    cr_assert(f.hop.kind == QS_HOP_NO_NEIGH && f.hop.ifindex == f.ifindex && f.rule_cnt == 1);
    qs_doctor_judge(&f, &d);
    cr_assert(found(QS_ERROR_DOC_VETH) && found(QS_ERROR_DOC_ZERO_COPY) &&
              found(QS_ERROR_DOC_RULES));
    f = (qs_doctor_facts_t){.root = "", .cfg = &cfg, .plan = &plan, .ifname = "n1"};
    qs_doctor_ask(&f);
    cr_assert(eq(str, f.master, "br0"));
    f = (qs_doctor_facts_t){.root = "", .cfg = &cfg, .plan = &plan, .ifname = "br0"};
    qs_doctor_ask(&f);
    cr_assert(eq(str, f.kind, "bridge"));
    cr_assert(not(f.up));
    f = (qs_doctor_facts_t){.root = "", .cfg = &cfg, .plan = &plan, .ifname = "lo"};
    qs_doctor_ask(&f);
    cr_assert(f.loopback && f.found && !f.kind[0]);
    close(here);
}

#include <arpa/inet.h>
#include <stdarg.h>

#include "app/doctor/qs_doctor.h"
#include "waltz/xdp/qs_nic.h"

#define SKB_FEATURES (QS_XDP_FEATURE_BASIC | QS_XDP_FEATURE_REDIRECT)

__attribute__((format(printf, 2, 3))) static void
cause(qs_finding_t *out, char const *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(out->cause, sizeof(out->cause), format, ap);
    va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
fix(qs_finding_t *out, char const *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(out->fix, sizeof(out->fix), format, ap);
    va_end(ap);
}

/* bars_xdp is how bad it is that XDP cannot be had: an error if the configuration insists. */
static qs_severity_t
bars_xdp(qs_doctor_facts_t const *f)
{
    if (f->cfg->net.provider == QS_CONFIG_net_provider_socket)
        return QS_SEVERITY_NOTE;
    return f->cfg->net.provider == QS_CONFIG_net_provider_xdp ? QS_SEVERITY_ERROR
                                                              : QS_SEVERITY_WARNING;
}

static qs_severity_t
bars_drv(qs_doctor_facts_t const *f)
{
    return f->cfg->net.xdp_mode == QS_CONFIG_net_xdp_mode_drv ? QS_SEVERITY_ERROR
                                                              : QS_SEVERITY_NOTE;
}

static qs_severity_t
bars_zero_copy(qs_doctor_facts_t const *f)
{
    return f->cfg->net.zero_copy == QS_CONFIG_net_zero_copy_on ? QS_SEVERITY_ERROR
                                                               : QS_SEVERITY_NOTE;
}

static char const *
driver_of(qs_doctor_facts_t const *f)
{
    return f->driver[0] ? f->driver : "the driver";
}

static qs_severity_t
kernel_old(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->kernel || f->kernel >= QS_KERNEL_XDP_LINK)
        return QS_SEVERITY_NONE;
    cause(out, "Linux %s %s", f->release,
          f->kernel < QS_KERNEL_AF_XDP ? "has no AF_XDP (since 4.18)"
                                       : "cannot hold an XDP program by a descriptor (since 5.9)");
    fix(out, "boot a kernel of 5.9 or later");
    return bars_xdp(f);
}

static qs_severity_t
iface_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (f->found)
        return QS_SEVERITY_NONE;
    if (f->ifname[0])
        cause(out, "there is no interface %s here", f->ifname);
    else
        cause(out, "no interface is named, and there is no default route to tell");
    fix(out, "name one: net.iface; `ip link` lists them");
    return bars_xdp(f);
}

static qs_severity_t
iface_down(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->found || f->up)
        return QS_SEVERITY_NONE;
    cause(out, "%s is down or has no carrier", f->ifname);
    fix(out, "ip link set %s up; look at the cable and the other end", f->ifname);
    return bars_xdp(f);
}

static qs_severity_t
iface_kind(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->found || (!f->kind[0] && !f->loopback))
        return QS_SEVERITY_NONE;
    cause(out, "%s is %s %s, not the device that frames come from", f->ifname,
          f->loopback ? "the" : "a", f->loopback ? "loopback" : f->kind);
    if (!strcmp(f->kind, "vlan"))
        fix(out, "name the device below it in net.iface: one VLAN tag is understood");
    else if (!strcmp(f->kind, "bond"))
        fix(out, "name one member of the bond in net.iface");
    else
        fix(out, "name the Ethernet device in net.iface");
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
iface_master(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->master[0])
        return QS_SEVERITY_NONE;
    cause(out, "%s is a port of %s: other ports' packets do not come through it", f->ifname,
          f->master);
    fix(out, "let the switch send our ports' traffic to this member, or take %s out of %s",
        f->ifname, f->master);
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
address_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->ifindex || f->addr_cnt)
        return QS_SEVERITY_NONE;
    cause(out, "%s has no IPv4 address", f->ifname);
    fix(out, "ip addr add ADDRESS/LENGTH dev %s", f->ifname);
    return bars_xdp(f);
}

static qs_severity_t
native_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    qs_nic_t const *nic = qs_nic_find(f->driver);
    char since[24];

    if (!f->found)
        return QS_SEVERITY_NONE;
    if (f->features.known ? (f->features.value & SKB_FEATURES) == SKB_FEATURES
                          : nic && nic->native <= f->kernel)
        return QS_SEVERITY_NONE;
    cause(out, "%s on Linux %s has no XDP of its own", driver_of(f), f->release);
    if (nic && nic->native > f->kernel)
        fix(out, "boot a kernel of %s or later",
            qs_nic_kernel_name(nic->native, since, sizeof(since)));
    else
        fix(out, "none here; docs/nics.md lists drivers that have it");
    return bars_drv(f);
}

static qs_severity_t
zero_copy_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    qs_nic_t const *nic = qs_nic_find(f->driver);
    char since[24];

    if (!f->found)
        return QS_SEVERITY_NONE;
    if (f->features.known ? (f->features.value & QS_XDP_FEATURE_ZERO_COPY) != 0
                          : nic && nic->zero_copy <= f->kernel)
        return QS_SEVERITY_NONE;
    if (nic && nic->zero_copy == QS_KERNEL_NEVER) {
        cause(out, "%s (%s) has no zero copy in any kernel", nic->driver, nic->what);
        fix(out, "a NIC that has it: docs/nics.md lists them");
    } else if (nic && nic->zero_copy > f->kernel) {
        cause(out, "%s has zero copy since Linux %s; this is %s", nic->driver,
              qs_nic_kernel_name(nic->zero_copy, since, sizeof(since)), f->release);
        fix(out, "boot a kernel of %s or later", since);
    } else {
        cause(out, "%s on Linux %s offers no zero copy", driver_of(f), f->release);
        fix(out, "none here; docs/nics.md lists drivers that have it");
    }
    return bars_zero_copy(f);
}

static qs_severity_t
denied(qs_doctor_facts_t const *f, qs_finding_t *out, bool zero_copy)
{
    qs_nic_deny_t const *d = f->found ? qs_nic_deny_find(f->driver, f->kernel, zero_copy) : NULL;

    if (!d)
        return QS_SEVERITY_NONE;
    cause(out, "%s on Linux %s: %s", f->driver, f->release, d->why);
    fix(out, "leave net.%s; source: %s", zero_copy ? "zero_copy at auto or off" : "xdp_mode at skb",
        d->source);
    bool insists = zero_copy ? f->cfg->net.zero_copy == QS_CONFIG_net_zero_copy_on
                             : f->cfg->net.xdp_mode == QS_CONFIG_net_xdp_mode_drv;
    return insists ? QS_SEVERITY_ERROR : QS_SEVERITY_WARNING;
}

static qs_severity_t
zero_copy_denied(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    return denied(f, out, true);
}

static qs_severity_t
native_denied(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    return denied(f, out, false);
}

static qs_severity_t
features_untold(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->ifindex || f->features.known)
        return QS_SEVERITY_NONE;
    cause(out, "Linux %s does not say what XDP can do on %s (since 6.3); a table answers",
          f->release, f->ifname);
    fix(out, "none needed; to be sure, boot a kernel of 6.3 or later");
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
veth_pair(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->found || strcmp(f->driver, "veth"))
        return QS_SEVERITY_NONE;
    cause(out, "%s is one end of a veth pair: a copy is all there can be", f->ifname);
    fix(out, "for native sending the other end needs an XDP program too; for more, a real NIC");
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
virtio_host(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->found || strcmp(f->driver, "virtio_net") || !f->features.known ||
        !(f->features.value & QS_XDP_FEATURE_ZERO_COPY))
        return QS_SEVERITY_NONE;
    cause(out, "virtio_net offers zero copy, but only the bind tells whether the host allows it");
    fix(out, "in qemu: iommu_platform=on,disable-legacy=on and queue_reset not off");
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
queues_few(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    u32 tiles = f->cfg->net.tiles;

    if (!f->queues.known || !f->queues.value || f->queues.value >= tiles)
        return QS_SEVERITY_NONE;
    cause(out, "%s has %lu queues for %u net tiles", f->ifname, f->queues.value, tiles);
    fix(out, "set net.tiles = %lu, or ethtool -L %s combined %u", f->queues.value, f->ifname,
        tiles);
    return bars_xdp(f);
}

static qs_severity_t
queues_many(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    u32 tiles = f->cfg->net.tiles;

    if (!f->queues.known || f->queues.value <= tiles || f->steered)
        return QS_SEVERITY_NONE;
    cause(out, "%s spreads packets over %lu queues and %u have a net tile: the rest go by sockets",
          f->ifname, f->queues.value, tiles);
    fix(out,
        "set net.tiles = %lu, or `quickstep configure init ethtool`: with rules, or net.rss = "
        "\"tiles\"",
        f->queues.value);
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
ring_small(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->ring.known || !f->ring_max.known || f->ring.value >= f->ring_max.value)
        return QS_SEVERITY_NONE;
    cause(out, "the receive ring of %s has %lu of %lu places", f->ifname, f->ring.value,
          f->ring_max.value);
    fix(out, "ethtool -G %s rx %lu", f->ifname, f->ring_max.value);
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
mtu_large(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->found || f->loopback || f->mtu <= f->cfg->net.mtu)
        return QS_SEVERITY_NONE;
    cause(out, "%s takes packets of %u bytes, net.mtu is %u: longer ones do not fit a frame",
          f->ifname, f->mtu, f->cfg->net.mtu);
    if (f->mtu <= 3498)
        fix(out, "set net.mtu = %u, or ip link set %s mtu %u", f->mtu, f->ifname, f->cfg->net.mtu);
    else
        fix(out, "ip link set %s mtu %u: native XDP takes no more than a page", f->ifname,
            f->cfg->net.mtu);
    return QS_SEVERITY_WARNING;
}

static bool
is_on(qs_doctor_facts_t const *f, qs_offload_t offload)
{
    return f->offload[offload].known && f->offload[offload].value;
}

static qs_severity_t
offload_merges(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    /* virtio_net turns it off by itself when a program is attached. */
    bool gro = is_on(f, QS_OFFLOAD_GRO_HW) && strcmp(f->driver, "virtio_net");
    bool lro = is_on(f, QS_OFFLOAD_LRO);

    if (!lro && !gro)
        return QS_SEVERITY_NONE;
    cause(out, "%s merges packets in hardware (%s%s%s), and native XDP is refused then", f->ifname,
          lro ? "rx-lro" : "", lro && gro ? ", " : "", gro ? "rx-gro-hw" : "");
    fix(out, "ethtool -K %s%s%s", f->ifname, lro ? " lro off" : "", gro ? " rx-gro-hw off" : "");
    return f->cfg->net.xdp_mode == QS_CONFIG_net_xdp_mode_drv ? QS_SEVERITY_ERROR
                                                              : QS_SEVERITY_WARNING;
}

static qs_severity_t
offload_udp_gro(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!is_on(f, QS_OFFLOAD_UDP_GRO))
        return QS_SEVERITY_NONE;
    cause(out, "rx-udp-gro-forwarding is on: datagrams of one sender may arrive glued together");
    fix(out, "ethtool -K %s rx-udp-gro-forwarding off", f->ifname);
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
offload_vlan(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->vlan_on_top || !is_on(f, QS_OFFLOAD_VLAN))
        return QS_SEVERITY_NONE;
    cause(out, "%s takes VLAN tags off before XDP sees the frame, and a VLAN is in use", f->ifname);
    fix(out, "ethtool -K %s rxvlan off", f->ifname);
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
huge_short(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    u64 need = 0;

    for (u32 i = 0; i < f->plan->tile_cnt; i++)
        need += qs_align_up(f->plan->tile[i].wksp_sz, 2ull << 20);
    if (f->running || f->cfg->hugetlbfs.pages == QS_CONFIG_hugetlbfs_pages_4k ||
        f->huge_free >= need)
        return QS_SEVERITY_NONE;
    cause(out,
          "%lu MiB of huge pages are free and the topology takes %lu: the rest gets 4 KiB pages",
          f->huge_free >> 20, need >> 20);
    fix(out, "quickstep configure init hugetlbfs");
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
caps_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    static struct {
        u64 cap;
        char const *name;
    } const need[] = {{QS_DOCTOR_NET_ADMIN, "CAP_NET_ADMIN"},
                      {QS_DOCTOR_NET_RAW, "CAP_NET_RAW"},
                      {QS_DOCTOR_BPF, "CAP_BPF"}};
    char names[80] = "";

    for (u32 i = 0; i < QS_COUNT(need); i++)
        if (f->caps.known && !(f->caps.value & need[i].cap))
            snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
                     names[0] ? ", " : "", need[i].name);
    if (!names[0])
        return QS_SEVERITY_NONE;
    cause(out, "%s are needed for XDP and not held", names);
    fix(out,
        "run as root, or under systemd with AmbientCapabilities= (a bounding set grants none)");
    return bars_xdp(f);
}

u64
qs_doctor_umem(qs_doctor_facts_t const *f)
{
    u64 bytes = 0;
    for (u32 i = 0; i < f->plan->tile_cnt; i++)
        bytes += (u64)f->plan->tile[i].frame_cnt * f->plan->tile[i].frame_sz;
    return bytes;
}

static qs_severity_t
memlock_low(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    u64 umem = qs_doctor_umem(f);

    if (!f->caps.known || f->caps.value & QS_DOCTOR_IPC_LOCK || f->memlock >= umem)
        return QS_SEVERITY_NONE;
    cause(out, "RLIMIT_MEMLOCK is %lu KiB and the frames that the kernel pins take %lu",
          f->memlock >> 10, umem >> 10);
    fix(out, "ulimit -l unlimited, LimitMEMLOCK=infinity, or CAP_IPC_LOCK");
    return bars_xdp(f);
}

static qs_severity_t
xdp_foreign(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    for (u32 i = 0; f->xdp_known && i < f->xdp.cnt; i++) {
        if (f->xdp.found[i].ours)
            continue;
        qs_xdp_describe(out->cause, sizeof(out->cause), f->ifname, &f->xdp.found[i]);
        fix(out, "find out who put it there; only one XDP program fits on an interface");
        return bars_xdp(f);
    }
    return QS_SEVERITY_NONE;
}

static qs_severity_t
jit_off(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->bpf_jit.known || f->bpf_jit.value)
        return QS_SEVERITY_NONE;
    cause(out, "the kernel interprets BPF programs instead of compiling them");
    fix(out, "sysctl net.core.bpf_jit_enable=1");
    return QS_SEVERITY_WARNING;
}

static char const *
peer_name(qs_doctor_facts_t const *f, char buf[INET_ADDRSTRLEN])
{
    struct in_addr in = {.s_addr = htonl(f->peer)};
    return inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
}

static qs_severity_t
route_missing(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    char peer[INET_ADDRSTRLEN];

    if (!f->peer || !f->routes_known)
        return QS_SEVERITY_NONE;
    switch (f->hop.kind) {
    case QS_HOP_NO_ROUTE:
    case QS_HOP_BLACKHOLE:
    case QS_HOP_UNREACHABLE:
    case QS_HOP_PROHIBIT:
    case QS_HOP_LINK_DOWN:
        break;
    default:
        return QS_SEVERITY_NONE;
    }
    cause(out, "%s cannot be reached: %s", peer_name(f, peer),
          qs_hop_kind_name((qs_hop_kind_t)f->hop.kind));
    fix(out, "ip route get %s; then ip route add", peer);
    return QS_SEVERITY_ERROR;
}

static qs_severity_t
route_elsewhere(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    char peer[INET_ADDRSTRLEN];

    if (!f->peer || !f->routes_known)
        return QS_SEVERITY_NONE;
    bool ours = f->hop.kind == QS_HOP_OK || f->hop.kind == QS_HOP_NO_NEIGH;
    if (f->hop.kind == QS_HOP_LOCAL || f->hop.kind == QS_HOP_KERNEL)
        cause(out, "%s is reached by ordinary sockets: %s", peer_name(f, peer),
              f->hop.kind == QS_HOP_LOCAL ? "it is this host" : "a tunnel, multicast or the like");
    else if (ours && f->ifindex && f->hop.ifindex != f->ifindex)
        cause(out, "%s is reached by another interface (index %u) than %s, so by ordinary sockets",
              peer_name(f, peer), f->hop.ifindex, f->ifname);
    else
        return QS_SEVERITY_NONE;
    fix(out, "none needed, unless that is not what the routes should say: ip route get %s", peer);
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
rules_there(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->routes_known || !f->rule_cnt)
        return QS_SEVERITY_NONE;
    cause(out, "%u policy rules; sending by XDP looks at tables local and main only", f->rule_cnt);
    fix(out, "ip rule show; put the routes to our peers in table main, or net.provider = socket");
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
port_taken(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->taken_cnt || f->running)
        return QS_SEVERITY_NONE;
    cause(out, "somebody has UDP port %u%s", f->taken[0],
          f->taken_cnt > 1 ? ", and more of ours" : "");
    fix(out, "ss -ulpn 'sport = %u' says who; or choose another in [port]", f->taken[0]);
    return QS_SEVERITY_ERROR;
}

static qs_severity_t
clock_slow(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->clocksource[0] || !strcmp(f->clocksource, "tsc") ||
        !strcmp(f->clocksource, "arch_sys_counter"))
        return QS_SEVERITY_NONE;
    cause(out, "the kernel's clock is %s, not the processor's own counter", f->clocksource);
    fix(out, "boot with clocksource=tsc if the kernel's log does not say that it is unstable");
    return QS_SEVERITY_WARNING;
}

static qs_severity_t
cpus_few(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->cpus || f->cpus >= f->plan->tile_cnt)
        return QS_SEVERITY_NONE;
    cause(out, "%u processors for %u tiles: tiles sleep when they have nothing to do", f->cpus,
          f->plan->tile_cnt);
    fix(out, "none needed; more processors, or fewer tiles, for the lowest latency");
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
probe_shut(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->probe.asked || f->probe.ran)
        return QS_SEVERITY_NONE;
    cause(out, "no probe: %s", f->probe.why);
    fix(out, "run doctor --probe as root; without it, nothing is missing but the proof");
    return QS_SEVERITY_NOTE;
}

static qs_severity_t
probe_native(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->probe.ran || f->probe.damaged || f->probe.rung != QS_NET_SKB)
        return QS_SEVERITY_NONE;
    cause(out, "XDP in the driver failed on a veth pair, generic XDP carried all: %s",
          f->probe.why);
    fix(out,
        "`quickstep explain QS-DOC-012`, the kernel's log; net.xdp_mode = skb works meanwhile");
    return f->cfg->net.xdp_mode == QS_CONFIG_net_xdp_mode_drv ? QS_SEVERITY_ERROR
                                                              : QS_SEVERITY_WARNING;
}

static qs_severity_t
probe_xdp(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->probe.ran || f->probe.damaged || f->probe.rung != QS_NET_SOCKET)
        return QS_SEVERITY_NONE;
    cause(out, "no XSK carried datagrams on a veth pair: %s", f->probe.why);
    fix(out, "the kernel's log may say why; net.provider = socket works meanwhile");
    return bars_xdp(f);
}

static qs_severity_t
probe_damaged(qs_doctor_facts_t const *f, qs_finding_t *out)
{
    if (!f->probe.ran || !f->probe.damaged)
        return QS_SEVERITY_NONE;
    cause(out, "datagrams through an XSK on a veth pair were damaged: %s", f->probe.why);
    fix(out, "set net.provider = socket, and try another kernel");
    return QS_SEVERITY_ERROR;
}

/* clang-format off */
qs_doctor_check_t const qs_doctor_checks[] = {
/*    id                          bars              look            */
    { QS_ERROR_DOC_KERNEL,        QS_NET_SKB,       kernel_old },
    { QS_ERROR_DOC_IFACE,         QS_NET_SKB,       iface_missing },
    { QS_ERROR_DOC_DOWN,          QS_NET_SKB,       iface_down },
    { QS_ERROR_DOC_KIND,          QS_NET_DRV,       iface_kind },
    { QS_ERROR_DOC_MASTER,        QS_NET_SOCKET,    iface_master },
    { QS_ERROR_DOC_ADDRESS,       QS_NET_SKB,       address_missing },
    { QS_ERROR_DOC_NATIVE,        QS_NET_DRV,       native_missing },
    { QS_ERROR_DOC_ZERO_COPY,     QS_NET_ZERO_COPY, zero_copy_missing },
    { QS_ERROR_DOC_DENIED,        QS_NET_ZERO_COPY, zero_copy_denied },
    { QS_ERROR_DOC_DENIED_NATIVE, QS_NET_DRV,       native_denied },
    { QS_ERROR_DOC_UNTOLD,        QS_NET_SOCKET,    features_untold },
    { QS_ERROR_DOC_VETH,          QS_NET_SOCKET,    veth_pair },
    { QS_ERROR_DOC_VIRTIO,        QS_NET_SOCKET,    virtio_host },
    { QS_ERROR_DOC_QUEUES_FEW,    QS_NET_SKB,       queues_few },
    { QS_ERROR_DOC_QUEUES_MANY,   QS_NET_SOCKET,    queues_many },
    { QS_ERROR_DOC_RING,          QS_NET_SOCKET,    ring_small },
    { QS_ERROR_DOC_MTU,           QS_NET_SOCKET,    mtu_large },
    { QS_ERROR_DOC_MERGE,         QS_NET_DRV,       offload_merges },
    { QS_ERROR_DOC_UDP_GRO,       QS_NET_SOCKET,    offload_udp_gro },
    { QS_ERROR_DOC_VLAN,          QS_NET_SOCKET,    offload_vlan },
    { QS_ERROR_DOC_HUGE,          QS_NET_SOCKET,    huge_short },
    { QS_ERROR_DOC_CAPS,          QS_NET_SKB,       caps_missing },
    { QS_ERROR_DOC_MEMLOCK,       QS_NET_SKB,       memlock_low },
    { QS_ERROR_DOC_FOREIGN,       QS_NET_SKB,       xdp_foreign },
    { QS_ERROR_DOC_JIT,           QS_NET_SOCKET,    jit_off },
    { QS_ERROR_DOC_ROUTE,         QS_NET_SOCKET,    route_missing },
    { QS_ERROR_DOC_ELSEWHERE,     QS_NET_SOCKET,    route_elsewhere },
    { QS_ERROR_DOC_RULES,         QS_NET_SOCKET,    rules_there },
    { QS_ERROR_DOC_PORT,          QS_NET_SOCKET,    port_taken },
    { QS_ERROR_DOC_CLOCK,         QS_NET_SOCKET,    clock_slow },
    { QS_ERROR_DOC_CPUS,          QS_NET_SOCKET,    cpus_few },
    { QS_ERROR_DOC_PROBE_SHUT,    QS_NET_SOCKET,    probe_shut },
    { QS_ERROR_DOC_PROBE_NATIVE,  QS_NET_DRV,       probe_native },
    { QS_ERROR_DOC_PROBE_XDP,     QS_NET_SKB,       probe_xdp },
    { QS_ERROR_DOC_PROBE_DAMAGED, QS_NET_SKB,       probe_damaged },
};
/* clang-format on */
u32 const qs_doctor_check_cnt = QS_COUNT(qs_doctor_checks);

_Static_assert(QS_COUNT(qs_doctor_checks) <= QS_FINDING_MAX, "all may be found at once");

void
qs_doctor_judge(qs_doctor_facts_t const *f, qs_diagnosis_t *d)
{
    *d = (qs_diagnosis_t){0};
    for (u32 i = 0; i < qs_doctor_check_cnt; i++) {
        qs_finding_t *out = &d->finding[d->cnt];
        *out = (qs_finding_t){.id = qs_doctor_checks[i].id, .bars = qs_doctor_checks[i].bars};
        out->severity = qs_doctor_checks[i].look(f, out);
        if (out->severity == QS_SEVERITY_NONE)
            continue;
        d->cnt++;
        d->of[out->severity]++;
        if (out->bars != QS_NET_SOCKET && out->bars + 1 > d->rung)
            d->rung = out->bars + 1;
    }
    if (f->cfg->net.provider == QS_CONFIG_net_provider_socket)
        d->rung = QS_NET_SOCKET;
}

char const *
qs_severity_name(qs_severity_t severity)
{
    static char const *const name[] = {"none", "note", "warning", "error"};
    return (u32)severity < QS_COUNT(name) ? name[severity] : "?";
}

#include "disco/net/qs_net_iface.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "waltz/ip/qs_frame.h"

/* default_route finds an interface that a default route leaves by; with name not empty only that. */
static bool
default_route(char name[IFNAMSIZ])
{
    char line[256], dev[IFNAMSIZ];
    unsigned dst, gateway, flags, mask;
    bool found = false;
    FILE *f = fopen("/proc/self/net/route", "re");

    while (f && !found && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%15s %x %x %x %*s %*s %*s %x", dev, &dst, &gateway, &flags, &mask) != 5)
            continue;
        if (dst || mask || (name[0] && strcmp(name, dev)))
            continue;
        snprintf(name, IFNAMSIZ, "%s", dev);
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

static u32
addr_of(struct sockaddr const *sa)
{
    struct sockaddr_in in;

    if (!sa || sa->sa_family != AF_INET)
        return 0;
    memcpy(&in, sa, sizeof(in));
    return ntohl(in.sin_addr.s_addr);
}

/* take_addrs collects the addresses of iface->name, or first finds the interface that has address. */
static void
take_addrs(qs_net_iface_t *iface, u32 address)
{
    struct ifaddrs *all, *a;

    if (getifaddrs(&all))
        return;
    for (a = all; a && !iface->name[0]; a = a->ifa_next)
        if (address && addr_of(a->ifa_addr) == address)
            snprintf(iface->name, sizeof(iface->name), "%s", a->ifa_name);
    for (a = all; a; a = a->ifa_next) {
        u32 addr = addr_of(a->ifa_addr);
        if (!addr || strcmp(a->ifa_name, iface->name) || iface->addr_cnt == QS_NET_ADDR_MAX)
            continue;
        bool first = !iface->addr_cnt || addr == address;
        iface->addr[iface->addr_cnt] = addr;
        if (first) {
            iface->addr[iface->addr_cnt] = iface->addr[0];
            iface->addr[0] = addr;
        }
        iface->addr_cnt++;
    }
    freeifaddrs(all);
}

static void
ask_device(qs_net_iface_t *iface)
{
    struct ifreq req = {0};
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", iface->name);
    if (!ioctl(fd, SIOCGIFHWADDR, &req))
        iface->mac = qs_frame_mac((u8 const *)req.ifr_hwaddr.sa_data);
    if (!ioctl(fd, SIOCGIFFLAGS, &req))
        iface->loopback = req.ifr_flags & IFF_LOOPBACK;
    req.ifr_data = (void *)&info;
    if (!ioctl(fd, SIOCETHTOOL, &req))
        snprintf(iface->driver, sizeof(iface->driver), "%.31s", info.driver);
    close(fd);
}

int
qs_net_iface_find(qs_net_iface_t *iface, char const *name, u32 address, char *err, u64 err_sz)
{
    *iface = (qs_net_iface_t){0};
    snprintf(iface->name, sizeof(iface->name), "%s", name);
    if (!iface->name[0] && !address)
        default_route(iface->name);
    take_addrs(iface, address);
    if (!iface->name[0]) {
        snprintf(err, err_sz, "%s",
                 address ? "no interface has net.bind_address"
                         : "no interface has a default route, and net.iface names none");
        return -ENODEV;
    }
    iface->index = if_nametoindex(iface->name);
    if (!iface->index) {
        snprintf(err, err_sz, "there is no interface %s", iface->name);
        return -ENODEV;
    }
    if (!iface->addr_cnt) {
        snprintf(err, err_sz, "interface %s has no IPv4 address", iface->name);
        return -EADDRNOTAVAIL;
    }
    iface->default_route = default_route(iface->name);
    ask_device(iface);
    return 0;
}

#include <dirent.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "app/doctor/qs_doctor.h"
#include "waltz/xdp/qs_nic.h"

#define PATH_MAX_ 512u

/* read_line reads the first line of a file below the root.  False: there is none. */
__attribute__((format(printf, 4, 5))) static bool
read_line(qs_doctor_facts_t const *f, char *out, u64 out_sz, char const *format, ...)
{
    char path[PATH_MAX_];
    va_list ap;
    int at = snprintf(path, sizeof(path), "%s", f->root);

    va_start(ap, format);
    vsnprintf(path + at, sizeof(path) - (u64)at, format, ap);
    va_end(ap);
    out[0] = 0;
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(out, (int)out_sz, file);
    if (file)
        fclose(file);
    out[strcspn(out, "\n")] = 0;
    return ok;
}

static u64
read_number(qs_doctor_facts_t const *f, char const *path, bool *known)
{
    char line[64];
    *known = read_line(f, line, sizeof(line), "%s", path);
    return *known ? strtoull(line, NULL, 0) : 0;
}

/* read_net reads a number of /sys/class/net/IFACE, 0 if there is none. */
static u64
read_net(qs_doctor_facts_t const *f, char const *name)
{
    char line[64];
    if (!read_line(f, line, sizeof(line), "/sys/class/net/%s/%s", f->ifname, name))
        return 0;
    return strtoull(line, NULL, 0);
}

/* link_of writes the last part of what a symbolic link below the root points to. */
static void
link_of(qs_doctor_facts_t const *f, char const *name, char *out, u64 out_sz)
{
    char path[PATH_MAX_], to[PATH_MAX_];

    snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", f->root, f->ifname, name);
    ssize_t got = readlink(path, to, sizeof(to) - 1);
    out[0] = 0;
    if (got <= 0)
        return;
    to[got] = 0;
    char const *slash = strrchr(to, '/');
    snprintf(out, out_sz, "%.*s", (int)out_sz - 1, slash ? slash + 1 : to);
}

static bool
exists(qs_doctor_facts_t const *f, char const *ifname, char const *name)
{
    char path[PATH_MAX_];
    snprintf(path, sizeof(path), "%s/sys/class/net/%s/%s", f->root, ifname, name);
    return !access(path, F_OK);
}

/* kind_of writes the kind of a device that its driver tells in uevent, or "". */
static void
kind_of(qs_doctor_facts_t const *f, char const *ifname, char *out, u64 out_sz)
{
    char path[PATH_MAX_], line[128];

    snprintf(path, sizeof(path), "%s/sys/class/net/%s/uevent", f->root, ifname);
    FILE *file = fopen(path, "re");
    out[0] = 0;
    while (file && fgets(line, sizeof(line), file))
        if (!strncmp(line, "DEVTYPE=", 8))
            snprintf(out, out_sz, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
    if (file)
        fclose(file);
    if (!out[0] && exists(f, ifname, "tun_flags"))
        snprintf(out, out_sz, "tun");
}

/* look_on_top says whether a VLAN of the interface exists. */
static void
look_on_top(qs_doctor_facts_t *f)
{
    char path[PATH_MAX_], lower[IFNAMSIZ + 8], kind[16];

    snprintf(path, sizeof(path), "%s/sys/class/net", f->root);
    snprintf(lower, sizeof(lower), "lower_%s", f->ifname);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.' || !exists(f, e->d_name, lower))
            continue;
        kind_of(f, e->d_name, kind, sizeof(kind));
        f->vlan_on_top |= !strcmp(kind, "vlan");
    }
    if (dir)
        closedir(dir);
}

/* choose_iface takes the interface of the default route if none was named. */
static void
choose_iface(qs_doctor_facts_t *f)
{
    char path[PATH_MAX_], line[256], dev[IFNAMSIZ];
    unsigned dst, mask;

    snprintf(path, sizeof(path), "%s/proc/net/route", f->root);
    FILE *file = f->ifname[0] ? NULL : fopen(path, "re");
    while (file && !f->ifname[0] && fgets(line, sizeof(line), file))
        if (sscanf(line, "%15s %x %*s %*s %*s %*s %*s %x", dev, &dst, &mask) == 3 && !dst && !mask)
            snprintf(f->ifname, sizeof(f->ifname), "%s", dev);
    if (file)
        fclose(file);
}

static void
look_iface(qs_doctor_facts_t *f)
{
    choose_iface(f);
    f->found = f->ifname[0] && exists(f, f->ifname, "mtu");
    if (!f->found)
        return;
    f->loopback = read_net(f, "type") == 772;
    f->mtu = (u32)read_net(f, "mtu");
    f->up = (read_net(f, "flags") & IFF_UP) && read_net(f, "carrier") == 1;
    kind_of(f, f->ifname, f->kind, sizeof(f->kind));
    link_of(f, "master", f->master, sizeof(f->master));
    link_of(f, "device/driver", f->driver, sizeof(f->driver));
    look_on_top(f);
}

static void
look_huge(qs_doctor_facts_t *f)
{
    static struct {
        char const *path;
        u64 bytes;
    } const pool[] = {
        {"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", 2ull << 20},
        {"/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", 1ull << 30},
    };
    bool known;

    for (u32 i = 0; i < QS_COUNT(pool); i++)
        f->huge_free += read_number(f, pool[i].path, &known) * pool[i].bytes;
}

static bool
is_ours(qs_doctor_facts_t const *f, u32 port)
{
    for (u32 i = 0; i < f->plan->port_cnt; i++)
        if (f->plan->port[i].port == port)
            return true;
    return false;
}

static void
look_ports(qs_doctor_facts_t *f)
{
    char path[PATH_MAX_], line[256];
    unsigned port;

    snprintf(path, sizeof(path), "%s/proc/net/udp", f->root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, " %*u: %*8x:%x", &port) != 1 || !is_ours(f, port))
            continue;
        bool told = false;
        for (u32 i = 0; i < f->taken_cnt; i++)
            told |= f->taken[i] == port;
        if (!told && f->taken_cnt < QS_PORT_MAX)
            f->taken[f->taken_cnt++] = (u16)port;
    }
    if (file)
        fclose(file);
}

void
qs_doctor_look(qs_doctor_facts_t *f)
{
    if (!read_line(f, f->release, sizeof(f->release), "/proc/sys/kernel/osrelease")) {
        struct utsname u;
        if (!uname(&u))
            snprintf(f->release, sizeof(f->release), "%s", u.release);
    }
    f->kernel = qs_nic_kernel(f->release);
    f->bpf_jit.value = read_number(f, "/proc/sys/net/core/bpf_jit_enable", &f->bpf_jit.known);
    read_line(f, f->clocksource, sizeof(f->clocksource),
              "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    look_iface(f);
    look_huge(f);
    look_ports(f);
}

/* What preferred busy polling needs of the interface: without these two the kernel goes on taking
   interrupts, and net.busy_poll_us does little.  The values are those that the authors of DPDK's
   AF_XDP driver recommend. */

#include "app/qs_configure.h"

char const *
qs_configure_iface(qs_configure_t const *c, char name[QS_CONFIGURE_IFNAME_MAX])
{
    char path[512], line[256], dev[QS_CONFIGURE_IFNAME_MAX];
    unsigned dst, mask;

    snprintf(name, QS_CONFIGURE_IFNAME_MAX, "%s", c->cfg->net.iface);
    FILE *f =
        name[0] ? NULL : fopen(qs_configure_path(c, "/proc/net/route", path, sizeof(path)), "re");
    while (f && !name[0] && fgets(line, sizeof(line), f))
        if (sscanf(line, "%15s %x %*s %*s %*s %*s %*s %x", dev, &dst, &mask) == 3 && !dst && !mask)
            snprintf(name, QS_CONFIGURE_IFNAME_MAX, "%s", dev);
    if (f)
        fclose(f);
    return strchr(name, '/') ? "" : name;
}

int
qs_configure_list_sysfs(qs_configure_t const *c, qs_configure_list_t *out)
{
    static struct {
        char const *file, *want, *why;
    } const rows[] = {
        {"napi_defer_hard_irqs", "2", "with net.busy_poll_us: interrupts wait for who polls"},
        {"gro_flush_timeout", "200000", "with net.busy_poll_us: ... for so many ns"},
    };
    char name[QS_CONFIGURE_IFNAME_MAX], path[QS_JOURNAL_PATH_MAX];

    if (!c->cfg->net.busy_poll_us || !qs_configure_iface(c, name)[0])
        return 0;
    for (u32 i = 0; i < QS_COUNT(rows); i++) {
        snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, rows[i].file);
        qs_configure_action_t *a = qs_configure_add(out, QS_CONFIGURE_WRITE, path);
        QS_ASSERT(a);
        snprintf(a->want, sizeof(a->want), "%s", rows[i].want);
        snprintf(a->why, sizeof(a->why), "%s", rows[i].why);
    }
    return 0;
}

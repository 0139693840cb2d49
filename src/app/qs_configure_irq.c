/* Keeps the interface's interrupts off the processors that tiles are bound to: a tile that spins must
   not be stopped by softirqs.  On a machine whose every processor has a tile nothing is done, and
   a program that balances interrupts will move them back: stop it, or tell it. */

#include <dirent.h>

#include "app/qs_configure.h"

#define CPU_MAX 4096u
#define IRQ_MAX 64u /* of one interface; the others stay where they are */

static int
compare(void const *a, void const *b)
{
    u32 x = *(u32 const *)a, y = *(u32 const *)b;
    return x < y ? -1 : x > y;
}

/* list_irqs finds the interface's interrupts; those of a virtio device belong to its parent. */
static u32
list_irqs(qs_configure_t const *c, char const *ifname, u32 irq[IRQ_MAX])
{
    static char const *const where[] = {"device/msi_irqs", "device/../msi_irqs"};
    char path[256], full[512];
    u32 cnt = 0;

    for (u32 i = 0; i < QS_COUNT(where) && !cnt; i++) {
        snprintf(path, sizeof(path), "/sys/class/net/%s/%s", ifname, where[i]);
        DIR *dir = opendir(qs_configure_path(c, path, full, sizeof(full)));
        for (struct dirent *e; dir && cnt < IRQ_MAX && (e = readdir(dir));) {
            char *end;
            u64 number = strtoull(e->d_name, &end, 10);
            if (end != e->d_name && !*end && number <= UINT32_MAX)
                irq[cnt++] = (u32)number;
        }
        if (dir)
            closedir(dir);
    }
    qsort(irq, cnt, sizeof(irq[0]), compare);
    return cnt;
}

/* take_online sets the processors that are online, from a list such as 0-3,8. */
static void
take_online(qs_configure_t const *c, bool cpu[CPU_MAX])
{
    char text[QS_JOURNAL_VALUE_MAX], *rest = text, *part;

    if (qs_configure_read(c, "/sys/devices/system/cpu/online", text, sizeof(text)) <= 0)
        return;
    while ((part = strsep(&rest, ","))) {
        char *dash;
        u64 first = strtoull(part, &dash, 10);
        u64 last = *dash == '-' ? strtoull(dash + 1, NULL, 10) : first;
        for (u64 i = first; i <= last && i < CPU_MAX; i++)
            cpu[i] = true;
    }
}

/* write_list writes the set as the kernel does.  False: it is empty or does not fit. */
static bool
write_list(bool const cpu[CPU_MAX], char out[QS_JOURNAL_VALUE_MAX])
{
    u64 used = 0;

    out[0] = 0;
    for (u32 i = 0; i < CPU_MAX && used < QS_JOURNAL_VALUE_MAX; i++) {
        u32 last = i;
        if (!cpu[i])
            continue;
        while (last + 1 < CPU_MAX && cpu[last + 1])
            last++;
        int wrote = snprintf(out + used, QS_JOURNAL_VALUE_MAX - used, last > i ? "%s%u-%u" : "%s%u",
                             used ? "," : "", i, last);
        used += (u64)wrote;
        i = last;
    }
    return used && used < QS_JOURNAL_VALUE_MAX;
}

int
qs_configure_list_irq(qs_configure_t const *c, qs_configure_list_t *out)
{
    static bool cpu[CPU_MAX];
    char name[QS_CONFIGURE_IFNAME_MAX], path[QS_JOURNAL_PATH_MAX], want[QS_JOURNAL_VALUE_MAX];
    u32 irq[IRQ_MAX];
    bool bound = false;

    memset(cpu, 0, sizeof(cpu));
    take_online(c, cpu);
    for (u32 i = 0; i < c->plan->tile_cnt; i++) {
        i32 taken = c->plan->tile[i].cpu;
        if (taken >= 0 && taken < (i32)CPU_MAX)
            cpu[taken] = false;
        bound |= taken >= 0;
    }
    if (!bound || !qs_configure_iface(c, name)[0] || !write_list(cpu, want))
        return 0;
    u32 cnt = list_irqs(c, name, irq);
    for (u32 i = 0; i < cnt; i++) {
        snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq[i]);
        qs_configure_action_t *a = qs_configure_add(out, QS_CONFIGURE_WRITE, path);
        if (!a)
            break;
        a->optional = true; /* an interrupt may be gone by now */
        snprintf(a->want, sizeof(a->want), "%s", want);
        snprintf(a->why, sizeof(a->why), "%s interrupts where no tile runs", name);
    }
    return 0;
}

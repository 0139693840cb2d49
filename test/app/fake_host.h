/* fake_host - a host of its own for tests of configure: /proc, /sys, /run and /var under a temporary
   directory, with a huge page pool that may be short and a mount table that is a file. */

#ifndef QS_TEST_APP_FAKE_HOST_H
#define QS_TEST_APP_FAKE_HOST_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/qs_configure.h"

#define HUGE_2M   "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define POOL_2M   HUGE_2M "/nr_hugepages"
#define HUGE_1G   "/sys/kernel/mm/hugepages/hugepages-1048576kB"
#define NODE_2M   "/sys/devices/system/node/node%u/hugepages/hugepages-2048kB"
#define RMEM_MAX  "/proc/sys/net/core/rmem_max"
#define WMEM_MAX  "/proc/sys/net/core/wmem_max"
#define JIT       "/proc/sys/net/core/bpf_jit_enable"
#define BALANCING "/proc/sys/kernel/numa_balancing"
#define MOUNTS    "/proc/self/mounts"
#define BOOT_ID   "/proc/sys/kernel/random/boot_id"
#define JOURNAL   "/var/lib/quickstep/journal"

static struct {
    char root[64];
    u64 pages_max; /* what a pool can give */
    u32 compacted; /* times */
    u32 crash_at;  /* the process ends at this step; 0: never */
    u32 steps;
    char const *refuse; /* this path cannot be written ... */
    int refuse_err;     /* ... for this reason */
    int umount_err;
} fake;

static char const *
at(char const *path)
{
    static char full[4][512];
    static u32 turn;
    char *out = full[turn++ % 4];
    snprintf(out, 512, "%s%s", fake.root, path);
    return out;
}

static void
put(char const *path, char const *text)
{
    char full[512];
    snprintf(full, sizeof(full), "%s", at(path));
    for (char *slash = full + strlen(fake.root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0755);
        *slash = '/';
    }
    FILE *f = fopen(full, "we");
    cr_assert(f && fputs(text, f) >= 0 && !fclose(f), "%s", full);
}

static char const *
get(char const *path)
{
    static char text[4096];
    FILE *f = fopen(at(path), "re");
    text[0] = 0;
    if (f) {
        text[fread(text, 1, sizeof(text) - 1, f)] = 0;
        fclose(f);
    }
    return text;
}

static void
put_pool(char const *dir, char const *pages)
{
    char path[300], line[40];
    snprintf(line, sizeof(line), "%s\n", pages);
    snprintf(path, sizeof(path), "%s/nr_hugepages", dir);
    put(path, line);
    snprintf(path, sizeof(path), "%s/free_hugepages", dir);
    put(path, line);
}

/* sum_nodes makes the host's pool of 2 MiB pages what its nodes' pools come to, as the kernel does. */
static void
sum_nodes(void)
{
    char path[256], line[32];
    u64 sum = 0;
    for (u32 n = 0; n < 2; n++) {
        snprintf(path, sizeof(path), NODE_2M "/nr_hugepages", n);
        sum += strtoull(get(path), NULL, 10);
    }
    snprintf(line, sizeof(line), "%lu", sum);
    put_pool(HUGE_2M, line);
}

static int
fake_write(void *ctx, char const *path, char const *text)
{
    char line[256];
    char const *file = strstr(path, "/nr_hugepages");
    (void)ctx;
    if (fake.refuse && !strcmp(fake.refuse, path))
        return fake.refuse_err;
    if (strstr(path, "compact_memory")) {
        fake.compacted++;
        return 0;
    }
    if (!file) {
        snprintf(line, sizeof(line), "%s\n", text);
        put(path, line);
        return 0;
    }
    u64 pages = strtoull(text, NULL, 10);
    snprintf(line, sizeof(line), "%lu\n", pages < fake.pages_max ? pages : fake.pages_max);
    put(path, line);
    char other[256];
    snprintf(other, sizeof(other), "%.*s/free_hugepages", (int)(file - path), path);
    put(other, line);
    if (strstr(path, "/node/node"))
        sum_nodes();
    return 0;
}

static int
fake_mount(void *ctx, char const *path, char const *options)
{
    FILE *f = fopen(at(MOUNTS), "ae");
    (void)ctx;
    fprintf(f, "hugetlbfs %s hugetlbfs rw,nosuid,%s 0 0\n", path, options);
    return fclose(f);
}

/* fake_umount takes the last line of that path out of the table. */
static int
fake_umount(void *ctx, char const *path)
{
    char text[4096], needle[256], *last = NULL;
    (void)ctx;
    if (fake.umount_err)
        return fake.umount_err;
    snprintf(text, sizeof(text), "%s", get(MOUNTS));
    snprintf(needle, sizeof(needle), "hugetlbfs %s ", path);
    for (char *hit = text; (hit = strstr(hit, needle)); hit++)
        last = hit;
    cr_assert(last != NULL, "umount of what is not mounted: %s", path);
    char *end = strchr(last, '\n') + 1;
    memmove(last, end, strlen(end) + 1);
    put(MOUNTS, text);
    return 0;
}

static void
fake_step(void *ctx)
{
    (void)ctx;
    if (++fake.steps == fake.crash_at)
        _exit(9);
}

static void
fake_new(char const *dir)
{
    memset(&fake, 0, sizeof(fake));
    fake.pages_max = 1000;
    snprintf(fake.root, sizeof(fake.root), "%s/qs_test_configure_XXXXXX", dir);
    cr_assert(mkdtemp(fake.root) != NULL);
    put(BOOT_ID, "079dc4b2-f6b7-49fc-957e-37224b5295f2\n");
    put(MOUNTS, "proc /proc proc rw,relatime 0 0\n");
    put("/proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n");
    put(RMEM_MAX, "212992\n");
    put(WMEM_MAX, "212992\n");
    put(JIT, "0\n");
    put(BALANCING, "1\n");
    put("/run/lock", "");
    put("/var/lib/other", "");
    put_pool(HUGE_2M, "2");
    put("/sys/devices/system/node/online", "0\n");
}

/* fake_nodes gives the host two NUMA nodes, with so many pages of 2 MiB each. */
__attribute__((unused)) static void
fake_nodes(char const *pages0, char const *pages1)
{
    char dir[256];
    put("/sys/devices/system/node/online", "0-1\n");
    for (u32 n = 0; n < 2; n++) {
        snprintf(dir, sizeof(dir), NODE_2M, n);
        put_pool(dir, n ? pages1 : pages0);
    }
    sum_nodes();
}

static int
remove_one(char const *path, struct stat const *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void
fake_remove(void)
{
    nftw(fake.root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char snapshot_text[1 << 16];

/* add_to_snapshot skips the journal and its directory: they are ours to keep. */
static int
add_to_snapshot(char const *path, struct stat const *st, int flag, struct FTW *ftw)
{
    size_t used = strlen(snapshot_text);
    char const *inner = path + strlen(fake.root);
    (void)ftw;
    if (!strncmp(inner, "/var/lib/quickstep", 18))
        return 0;
    snprintf(snapshot_text + used, sizeof(snapshot_text) - used, "%s %o %u:%u\n%s", inner,
             st->st_mode, st->st_uid, st->st_gid, flag == FTW_F ? get(inner) : "");
    return 0;
}

/* snapshot writes down every byte, mode and owner of the host, for comparison. */
static char *
snapshot(void)
{
    snapshot_text[0] = 0;
    nftw(fake.root, add_to_snapshot, 16, FTW_PHYS);
    return strdup(snapshot_text);
}

#endif

/* Which huge pages a topology needs, by the same rules by which qs_shm_create will take them, and
   where: a workspace on the NUMA node of its tile's core, as qs_group_start will bind it.

   Pages are added to those that are there: what others use or keep free for themselves is not
   counted.  Pages that workspaces of ours hold already are, so a second init, while an instance
   runs, asks for nothing. */

#include <dirent.h>
#include <mntent.h>
#include <sys/stat.h>

#include "app/qs_configure.h"
#include "disco/qs_group.h"
#include "tango/qs_shm.h"

#define NODE_MAX   64
#define PATH_CAP   512u
#define MOUNT_MODE 0750u

static struct {
    u64 page_sz;
    char const *name; /* as mount(8) and the mount table write it */
} const sizes[] = {{QS_SHM_PAGE_1G, "1024M"}, {QS_SHM_PAGE_2M, "2M"}};

#define SIZE_CNT QS_COUNT(sizes)

static char const *const mount_name[SIZE_CNT] = {"hugetlbfs-1G", "hugetlbfs-2M"};

/* Pages of one size that workspaces need, on the host and on each node. */
typedef struct need {
    u64 anywhere;
    u64 node[NODE_MAX];
    u32 wksp_cnt;
    u64 held;      /* by workspaces of ours, in mounts of this size */
    u64 node_held; /* of those, what is not yet accounted to a node */
    u64 node_all;  /* needed on any node */
    u64 node_lack; /* missing on all nodes */
} need_t;

static void
pool_dir(char out[PATH_CAP], u64 page_sz, int node)
{
    char const *host = "/sys/kernel/mm";
    char path[64];
    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
    snprintf(out, PATH_CAP, "%s/hugepages/hugepages-%lukB", node < 0 ? host : path, page_sz >> 10);
}

static u64
pool_number(qs_configure_t const *c, u64 page_sz, int node, char const *file)
{
    char dir[PATH_CAP], path[PATH_CAP + 32];
    pool_dir(dir, page_sz, node);
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    return qs_configure_read_u64(c, path);
}

static bool
pool_exists(qs_configure_t const *c, u64 page_sz)
{
    char dir[PATH_CAP], full[2 * PATH_CAP];
    struct stat st;
    pool_dir(dir, page_sz, -1);
    return !stat(qs_configure_path(c, dir, full, sizeof(full)), &st);
}

/* node_of returns the node that a tile's workspace will be bound to, or -1 if to none. */
static int
node_of(qs_configure_t const *c, u32 tile)
{
    i32 node = c->plan->tile[tile].node;

    return c->node_cnt > 1 && node < NODE_MAX ? node : -1;
}

static void
add_needs(qs_configure_t const *c, need_t need[SIZE_CNT])
{
    u64 max = qs_group_page_max(c->cfg);

    if (max == QS_SHM_AUTO && !pool_exists(c, QS_SHM_PAGE_1G))
        max = QS_SHM_PAGE_2M;
    for (u32 t = 0; t < c->plan->tile_cnt; t++) {
        u64 sz = c->plan->tile[t].wksp_sz, page_sz = qs_shm_page_fit(sz, max);
        int node = node_of(c, t);
        for (u32 i = 0; i < SIZE_CNT; i++) {
            if (sizes[i].page_sz != page_sz)
                continue;
            u64 pages = (sz + page_sz - 1) / page_sz;
            need[i].wksp_cnt++;
            if (node < 0)
                need[i].anywhere += pages;
            else
                need[i].node[node] += pages;
        }
    }
}

static u64
held_in(qs_configure_t const *c, char const *mount)
{
    char path[PATH_CAP], file[PATH_CAP + 300];
    u64 bytes = 0;
    struct stat st;
    DIR *dir = opendir(qs_configure_path(c, mount, path, sizeof(path)));
    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        if (!strncmp(e->d_name, "quickstep-", 10) && !stat(file, &st))
            bytes += (u64)st.st_blocks * 512u;
    }
    closedir(dir);
    return bytes;
}

static bool
is_usable(qs_configure_t const *c, struct stat const *st)
{
    u32 wanted = st->st_uid == c->uid ? 0300 : st->st_gid == c->gid ? 030 : 03;
    return c->uid == 0 || (st->st_mode & wanted) == wanted;
}

/* page_sz_of reads the page size of a line of the mount table. */
static u64
page_sz_of(struct mntent const *ent)
{
    char const *at = hasmntopt(ent, "pagesize");
    char *unit;
    if (!at || !(at = strchr(at, '=')))
        return QS_SHM_PAGE_2M; /* old kernels do not write the usual one */
    u64 n = strtoull(at + 1, &unit, 10);
    return *unit == 'G' ? n << 30 : *unit == 'M' ? n << 20 : *unit == 'K' ? n << 10 : n;
}

/* What the mount table says about one page size. */
typedef struct mounts {
    bool usable;
    bool own; /* at the place of ours */
} mounts_t;

static mounts_t
look_at_mounts(qs_configure_t const *c, u32 size, char const *own_path, u64 *held)
{
    char full[2 * PATH_CAP], text[4096];
    struct mntent ent;
    struct stat st;
    mounts_t m = {0};
    u64 bytes = 0;
    FILE *f = setmntent(qs_configure_path(c, "/proc/self/mounts", full, sizeof(full)), "re");

    while (f && getmntent_r(f, &ent, text, sizeof(text))) {
        if (strcmp(ent.mnt_type, "hugetlbfs") != 0 || page_sz_of(&ent) != sizes[size].page_sz ||
            stat(qs_configure_path(c, ent.mnt_dir, full, sizeof(full)), &st))
            continue;
        bytes += held_in(c, ent.mnt_dir);
        m.usable |= is_usable(c, &st) && hasmntopt(&ent, "rw");
        m.own |= !strcmp(ent.mnt_dir, own_path);
    }
    if (f)
        endmntent(f);
    *held = bytes / sizes[size].page_sz;
    return m;
}

static qs_configure_action_t *
add(qs_configure_list_t *out, qs_configure_kind_t kind, char const *path)
{
    qs_configure_action_t *a = qs_configure_add(out, kind, path);
    QS_ASSERT(a); /* tiles, sizes and the depth of the path are bounded below that */
    return a;
}

/* add_mount lists the directories and the mount, unless the user can write to one already. */
static void
add_mount(qs_configure_t const *c, u32 size, qs_configure_list_t *out, u64 *held)
{
    char path[PATH_CAP];
    qs_configure_action_t *a;

    snprintf(path, sizeof(path), "%s/%s", c->cfg->hugetlbfs.mount_path, mount_name[size]);
    mounts_t m = look_at_mounts(c, size, path, held);
    if (m.own && !m.usable) {
        a = add(out, QS_CONFIGURE_OWN, path);
        snprintf(a->want, sizeof(a->want), "%u:%u:%04o", c->uid, c->gid, MOUNT_MODE);
        return;
    }
    if (m.usable)
        return;
    for (char *at = path + 1;; at++) {
        char cut = *at;
        struct stat st;
        char full[2 * PATH_CAP];
        if (cut && cut != '/')
            continue;
        *at = 0;
        if (stat(qs_configure_path(c, path, full, sizeof(full)), &st))
            strcpy(add(out, QS_CONFIGURE_MKDIR, path)->want, "0755");
        *at = cut;
        if (!cut)
            break;
    }
    a = add(out, QS_CONFIGURE_MOUNT, path);
    snprintf(a->want, sizeof(a->want), "pagesize=%s,uid=%u,gid=%u,mode=%04o", sizes[size].name,
             c->uid, c->gid, MOUNT_MODE);
}

/* there_is counts the pages of a pool that a start could have: free ones, and ours. */
static u64
there_is(qs_configure_t const *c, u64 page_sz, int node, u64 total, u64 *held)
{
    u64 free = pool_number(c, page_sz, node, "free_hugepages");
    u64 reserved = pool_number(c, page_sz, node, "resv_hugepages"); /* nodes have none */
    u64 spare = free > reserved ? free - reserved : 0;
    u64 used = total > spare ? total - spare : 0;
    u64 ours = *held < used ? *held : used;

    *held -= ours;
    return spare + ours;
}

/* add_pool lists what one pool must grow to. */
static void
add_pool(qs_configure_t const *c, u32 size, int node, need_t *need, qs_configure_list_t *out)
{
    u64 page_sz = sizes[size].page_sz;
    u64 pages = node < 0 ? need->anywhere + need->node_all : need->node[node];
    char dir[PATH_CAP], path[PATH_CAP + 32];

    u64 total = pool_number(c, page_sz, node, "nr_hugepages");
    u64 there = there_is(c, page_sz, node, total, node < 0 ? &need->held : &need->node_held);
    u64 lack = pages > there ? pages - there : 0;
    if (node >= 0) {
        need->node_all += pages;
        need->node_lack += lack;
    } else if (lack < need->node_lack) {
        lack = need->node_lack; /* those come first, and are part of the host's */
    }
    pool_dir(dir, page_sz, node);
    snprintf(path, sizeof(path), "%s/nr_hugepages", dir);
    qs_configure_action_t *a = add(out, QS_CONFIGURE_POOL, path);
    snprintf(a->want, sizeof(a->want), "%lu", total + lack);
    snprintf(a->why, sizeof(a->why), "%s needs %lu, there are %lu", c->plan->topo, pages, there);
}

/* add_pools returns the bytes that the pools of one size must grow by. */
static u64
add_pools(qs_configure_t const *c, u32 size, need_t *need, qs_configure_list_t *out)
{
    u64 page_sz = sizes[size].page_sz;
    u64 before = pool_number(c, page_sz, -1, "nr_hugepages");

    need->node_held = need->held;
    for (int node = 0; node < NODE_MAX; node++)
        if (need->node[node])
            add_pool(c, size, node, need, out);
    if (!need->anywhere)
        return need->node_lack * page_sz;
    add_pool(c, size, -1, need, out);
    return (strtoull(out->action[out->cnt - 1].want, NULL, 10) - before) * page_sz;
}

static u64
mem_available(qs_configure_t const *c)
{
    char path[PATH_CAP], line[128];
    u64 kib = 0;
    FILE *f = fopen(qs_configure_path(c, "/proc/meminfo", path, sizeof(path)), "re");
    if (!f)
        return UINT64_MAX; /* not known; the kernel will say */
    while (!kib && fgets(line, sizeof(line), f))
        (void)sscanf(line, "MemAvailable: %lu kB", &kib);
    fclose(f);
    return kib ? kib << 10 : UINT64_MAX;
}

/* path_ok keeps to what a shell and the mount table take as it is. */
static bool
path_ok(char const *path)
{
    char const *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    u32 depth = 0;
    for (char const *at = path; *at; at++)
        depth += *at == '/';
    return path[0] == '/' && path[1] && strspn(path, letters) == strlen(path) && depth <= 8 &&
           !strstr(path, "..") && !strstr(path, "//") && path[strlen(path) - 1] != '/';
}

int
qs_configure_list_hugetlbfs(qs_configure_t const *c, qs_configure_list_t *out)
{
    need_t need[SIZE_CNT] = {0};
    qs_configure_list_t mounts = {0};
    u64 bytes = 0, available = mem_available(c);

    if (!path_ok(c->cfg->hugetlbfs.mount_path)) {
        qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_PATH, "hugetlbfs.mount_path", 0, 0,
                                     "cannot be used: %s", c->cfg->hugetlbfs.mount_path);
        qs_error_hint(e, "an absolute path such as /run/quickstep, at most 8 deep");
        return 2;
    }
    add_needs(c, need);
    for (u32 i = 0; i < SIZE_CNT; i++) {
        if (!need[i].wksp_cnt)
            continue;
        add_mount(c, i, &mounts, &need[i].held);
        bytes += add_pools(c, i, &need[i], out);
    }
    for (u32 i = 0; i < mounts.cnt; i++)
        *add(out, mounts.action[i].kind, mounts.action[i].path) = mounts.action[i];
    if (bytes <= available)
        return 0;
    qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_MEMORY, c->plan->topo, 0, 0,
                                 "%lu MiB of huge pages are missing, %lu MiB of memory are free",
                                 bytes >> 20, available >> 20);
    qs_error_hint(e, "shorten rings, run fewer tiles, or set hugetlbfs.pages = \"4k\"");
    return 3;
}

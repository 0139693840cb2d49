/* qs_shm - shared memory in the largest pages that the host has to spare.

       1 GiB   hugetlbfs   used if rounding up wastes no more than 25 % of what is taken
       2 MiB   hugetlbfs   used if it wastes no more than 50 %: a TLB entry is worth more here
       4 KiB   tmpfs in the instance's directory, or memfd for an anonymous instance

   qs_shm_create goes down this ladder by itself and writes down, rung by rung, what it lost.  A
   file on a disk is never used: the kernel refuses to pin one for a UMEM.  The host is never
   changed: nothing is mounted, no pool is grown, and a pool's free count, less what others have
   reserved, must suffice, so that overcommitted pages are not asked for.

   Memory is bound to its node first and then allocated to the last page, so a pool or a tmpfs that
   is short is an error now and not SIGBUS later.  (What can still raise SIGBUS is a holder of
   fd_rw who truncates the file; tiles therefore run without ftruncate.)

   Threads: any.  Blocks: for as long as zeroing the memory takes.  Allocates: stdio buffers, and
   the memory itself.  Needs: /sys and /proc to see huge pages; without them, 4 KiB. */

#ifndef QS_TANGO_SHM_H
#define QS_TANGO_SHM_H

#include "tango/base/qs_base.h"
#include "tango/qs_instance.h"

#define QS_SHM_PAGE_1G  (1ull << 30)
#define QS_SHM_PAGE_2M  (1ull << 21)
#define QS_SHM_AUTO     0ull
#define QS_SHM_RUNG_CNT 3u
#define QS_SHM_SZ_MAX   (1ull << 44)

/* What became of a rung. */
typedef enum qs_shm_why {
    QS_SHM_UNTRIED,  /* a rung above was taken */
    QS_SHM_TAKEN,    /* this is it */
    QS_SHM_UNWANTED, /* larger than the page size asked for */
    QS_SHM_TOO_SMALL,
    QS_SHM_NAMELESS, /* anonymous instance: could not be found again after a crash */
    QS_SHM_NO_MOUNT,
    QS_SHM_PERMISSION,
    QS_SHM_NO_PAGES,
    QS_SHM_IN_USE, /* a file of that name is used by an instance that we cannot see */
    QS_SHM_FAILED, /* anything else the kernel said */
    QS_SHM_WHY_CNT
} qs_shm_why_t;

typedef struct qs_shm {
    char name[QS_INSTANCE_NAME_MAX + 1];
    int fd_rw; /* -1 after qs_shm_open */
    int fd_ro; /* for consumers: the kernel maps it for reading only */
    u64 sz;    /* a multiple of page_sz, at least what was asked */
    u64 page_sz;
    int node;                          /* bound to this one, or -1 */
    int bind_err;                      /* -errno if a node was asked for and binding failed */
    bool named;                        /* others can open it by name */
    qs_shm_why_t why[QS_SHM_RUNG_CNT]; /* 1 GiB, 2 MiB, 4 KiB */
    u64 pages_need[QS_SHM_RUNG_CNT];   /* in pages of that rung */
    u64 pages_free[QS_SHM_RUNG_CNT];   /* on the node asked for; 4 KiB: not filled in */
} qs_shm_t;

#define QS_SHM_POOL_MAX  64u
#define QS_SHM_MOUNT_MAX 8u

typedef struct qs_shm_pool {
    u64 page_sz;
    int node;  /* -1: the whole host */
    u64 total; /* pages */
    u64 free;  /* pages; of the whole host: less those reserved */
} qs_shm_pool_t;

typedef struct qs_shm_mount {
    u64 page_sz;
    bool writable; /* by us */
    char path[256];
} qs_shm_mount_t;

/* What this host has, huge pages and tmpfs. */
typedef struct qs_shm_host {
    qs_shm_pool_t pool[QS_SHM_POOL_MAX];
    u32 pool_cnt;
    qs_shm_mount_t mount[QS_SHM_MOUNT_MAX]; /* hugetlbfs */
    u32 mount_cnt;
    char tmpfs[QS_INSTANCE_PATH_MAX]; /* empty: none */
    u64 tmpfs_sz, tmpfs_free;         /* bytes; both 0 if it has no limit or is not there */
    u64 mem_available;                /* bytes the kernel could give without swapping or killing */
} qs_shm_host_t;

/* qs_shm_host looks around.  What cannot be seen is left out. */
void qs_shm_host(qs_shm_host_t *host);

/* qs_shm_host_free returns the free pages of page_sz on a node, or on the host if node is -1. */
u64 qs_shm_host_free(qs_shm_host_t const *host, u64 page_sz, int node);

/* qs_shm_page_fit returns the largest page size of the ladder, at most page_sz_max (QS_SHM_AUTO: any),
   that does not waste too much on sz bytes: what create takes if the host has such pages. */
u64 qs_shm_page_fit(u64 sz, u64 page_sz_max);

/* qs_shm_create makes workspace memory of at least sz bytes, zeroed, in pages of at most page_sz_max
   (a size of the ladder; QS_SHM_AUTO: any), bound to node unless that is -1.  Returns 0, -EINVAL,
   -EPERM if inst is not ours, -EEXIST if it has that name already, or, when the 4 KiB rung failed
   too, -ENOMEM or -ENOSPC or what the kernel said; no file is left then and *shm still
   tells why.  The caller owns the fds; both are close-on-exec. */
int qs_shm_create(qs_shm_t *shm, qs_instance_t *inst, char const *name, u64 sz, u64 page_sz_max,
                  int node);

/* qs_shm_open opens a workspace of an instance, alive or dead, for reading.  Returns 0, -EINVAL,
   -ENOENT, -EPERM if the file is not the instance's own, or what the kernel said. */
int qs_shm_open(qs_shm_t *shm, qs_instance_t const *inst, char const *name);

/* qs_shm_close closes the fds; the memory stays while it is named or mapped. */
void qs_shm_close(qs_shm_t *shm);

/* qs_shm_why_str returns a few words. */
char const *qs_shm_why_str(qs_shm_why_t why);

/* qs_shm_say writes one line about what was got and lost, such as "net: 6 MiB in 4 KiB pages;
   1 GiB: workspace too small; 2 MiB: too few free pages (need 3, free 1)", cut off at out_sz, which
   is at least 1.  Returns out. */
char *qs_shm_say(qs_shm_t const *shm, char *out, u64 out_sz);

#endif

#include "client/quickstep_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/quickstep_ring.h"

#define EXPORT    __attribute__((visibility("default")))
#define ROOT      "/dev/shm"
#define SPIN_NS   20000u
#define NAP_MIN   20000
#define NAP_MAX   500000
#define MAKING_MS 500u /* a node makes its feed, and then writes the head */

/* The sizes and offsets that other languages rely on. */
_Static_assert(sizeof(qs_feed_rec_t) == 80, "ABI 1");
_Static_assert(sizeof(qs_feed_set_t) == 80, "ABI 1");
_Static_assert(sizeof(qs_feed_entry_t) == 48, "ABI 1");
_Static_assert(sizeof(qs_feed_txn_t) == 16, "ABI 1");
_Static_assert(sizeof(qs_feed_status_t) == 144, "ABI 1");
_Static_assert(sizeof(qs_feed_line_t) == 32 && sizeof(qs_feed_head_t) == 256, "ABI 1");

struct qs_feed {
    qs_feed_head_t const *head;
    qs_feed_line_t const *line;
    uint8_t const *data;
    uint64_t line_cnt, data_sz, map_sz;
    uint64_t seq;
    uint64_t missed;
    uint32_t kinds;
    _Alignas(8) uint8_t copy[QS_FEED_REC_MAX];
};

static uint64_t
load(uint64_t const *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static uint64_t
monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- finding and mapping ---- */

/* find_only writes the path of the only feed that this user has. */
static int
find_only(char *path, size_t path_sz)
{
    char root[64];
    int found = 0;

    snprintf(root, sizeof(root), ROOT "/quickstep-%u", geteuid());
    DIR *dir = opendir(root);
    if (!dir)
        return -ENOENT;
    for (struct dirent *e; (e = readdir(dir));) {
        char one[400];
        if (e->d_name[0] == '.' ||
            snprintf(one, sizeof(one), "%s/%s/" QS_FEED_FILE, root, e->d_name) >= (int)sizeof(one))
            continue;
        if (!access(one, F_OK) && !found++)
            snprintf(path, path_sz, "%s", one);
    }
    closedir(dir);
    return !found ? -ENOENT : found > 1 ? -ENOTUNIQ : 0;
}

/* sound says whether a feed of our ABI lies there, all of it within sz bytes. */
static bool
sound(qs_feed_head_t const *h, uint64_t sz)
{
    uint64_t lines = h->line_cnt, data = h->data_sz;

    return __atomic_load_n(&h->magic, __ATOMIC_ACQUIRE) == QS_FEED_MAGIC && h->abi == QS_FEED_ABI &&
           h->rec_sz == sizeof(qs_feed_rec_t) && lines && !(lines & (lines - 1)) &&
           lines <= 1u << 28 && data >= QS_FEED_DATA_MIN && !(data & (data - 1)) &&
           data <= 1ull << 40 && !(h->line_off % 64) && !(h->data_off % 64) && h->line_off < sz &&
           lines * sizeof(qs_feed_line_t) <= sz - h->line_off && h->data_off < sz &&
           data <= sz - h->data_off;
}

static int
map(qs_feed_t *f, char const *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < sizeof(qs_feed_head_t)) {
        close(fd);
        return -EPROTO;
    }
    f->map_sz = (uint64_t)st.st_size;
    void const *mem = mmap(NULL, f->map_sz, PROT_READ, MAP_SHARED, fd, 0);
    int err = errno;
    close(fd);
    if (mem == MAP_FAILED)
        return -err;
    f->head = mem;
    for (uint32_t ms = 0; ms < MAKING_MS && !load(&f->head->magic); ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (!sound(f->head, f->map_sz))
        return -EPROTO;
    f->line_cnt = f->head->line_cnt;
    f->data_sz = f->head->data_sz;
    f->line = (void const *)((uint8_t const *)mem + f->head->line_off);
    f->data = (uint8_t const *)mem + f->head->data_off;
    return 0;
}

/* ---- reading ---- */

/* alive says, by Q4, whether record seq at pos has not been overwritten. */
static bool
alive(qs_feed_t const *f, uint64_t seq, uint64_t pos)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* Q3 */
    return seq + f->line_cnt > load(&f->head->reserve_seq) &&
           pos + f->data_sz >= load(&f->head->reserve_end); /* Q4 */
}

/* look reads the line of record seq.  Returns 1, 0 if it is not there yet, or -1 if it is no more. */
static int
look(qs_feed_t const *f, uint64_t seq, qs_feed_line_t *out)
{
    qs_feed_line_t const *l = &f->line[seq & (f->line_cnt - 1)];
    uint64_t found = __atomic_load_n(&l->seq, __ATOMIC_ACQUIRE); /* Q1 */

    if (found != seq)
        return found > seq ? -1 : 0;
    out->pos = load(&l->pos); /* Q2 */
    out->sz = __atomic_load_n(&l->sz, __ATOMIC_RELAXED);
    out->kind = __atomic_load_n(&l->kind, __ATOMIC_RELAXED);
    return alive(f, seq, out->pos) ? 1 : -1;
}

/* resume moves to the oldest record of which at least half a ring will still live for a while: the older
   half is about to be overwritten. */
static void
resume(qs_feed_t *f)
{
    uint64_t next = __atomic_load_n(&f->head->next_seq, __ATOMIC_ACQUIRE);
    uint64_t low = next > f->line_cnt / 2 ? next - f->line_cnt / 2 : 1, high = next;

    low = low > f->seq ? low : f->seq + 1;
    while (low < high) { /* positions grow with the number */
        uint64_t mid = low + (high - low) / 2;
        qs_feed_line_t l;
        if (look(f, mid, &l) == 1 && l.pos + f->data_sz / 2 >= load(&f->head->reserve_end))
            high = mid;
        else
            low = mid + 1;
    }
    if (low <= f->seq)
        return;
    f->missed += low - f->seq;
    f->seq = low;
}

static void
begin(qs_feed_t *f, qs_feed_from_t from)
{
    uint64_t next = __atomic_load_n(&f->head->next_seq, __ATOMIC_ACQUIRE);

    f->seq = next;
    if (from == QS_FEED_NEWEST)
        return;
    f->seq = next > f->line_cnt ? next - f->line_cnt : 1;
    qs_feed_line_t l;
    if (look(f, f->seq, &l) < 0)
        resume(f);
    f->missed = 0;
}

EXPORT int
qs_feed_open(qs_feed_t **feed, char const *name, qs_feed_from_t from)
{
    char path[512];
    int err = 0;

    *feed = NULL;
    int len = 0;
    if (!name)
        err = find_only(path, sizeof(path));
    else if (strchr(name, '/'))
        len = snprintf(path, sizeof(path), "%s", name);
    else
        len = snprintf(path, sizeof(path), ROOT "/quickstep-%u/%s/" QS_FEED_FILE, geteuid(), name);
    if (len >= (int)sizeof(path))
        err = -ENAMETOOLONG;
    if (err)
        return err;
    qs_feed_t *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    f->kinds = QS_FEED_ALL;
    err = map(f, path);
    if (err) {
        qs_feed_close(f);
        return err;
    }
    begin(f, from);
    *feed = f;
    return 0;
}

EXPORT void
qs_feed_close(qs_feed_t *feed)
{
    if (feed && feed->head)
        munmap((void *)feed->head, feed->map_sz);
    free(feed);
}

EXPORT void
qs_feed_want(qs_feed_t *feed, uint32_t kinds)
{
    feed->kinds = kinds;
}

EXPORT int
qs_feed_next(qs_feed_t *feed, qs_feed_rec_t const **rec)
{
    for (uint32_t passed = 0; passed < 1024; passed++) {
        qs_feed_line_t l;
        int there = look(feed, feed->seq, &l);
        if (!there)
            return 0;
        bool sane = there == 1 && l.sz >= sizeof(qs_feed_rec_t) && l.sz <= QS_FEED_REC_MAX &&
                    (l.pos & (feed->data_sz - 1)) + l.sz <= feed->data_sz;
        if (sane && l.kind < 32 && !(feed->kinds & QS_FEED_KIND_BIT(l.kind))) {
            feed->seq++;
            continue;
        }
        if (sane)
            qs_feed_racy(feed->copy, feed->data + (l.pos & (feed->data_sz - 1)), l.sz);
        if (!sane || !alive(feed, feed->seq, l.pos)) {
            resume(feed);
            return 0;
        }
        qs_feed_rec_t *r = (void *)feed->copy;
        r->seq = feed->seq++;
        r->sz = (uint32_t)(l.sz - sizeof(*r));
        r->kind = l.kind;
        *rec = r;
        return 1;
    }
    return 0;
}

EXPORT void const *
qs_feed_payload(qs_feed_rec_t const *rec)
{
    return rec + 1;
}

EXPORT int
qs_feed_wait(qs_feed_t *feed, uint64_t timeout_ns)
{
    uint64_t begun = monotonic_ns();
    long nap = NAP_MIN;

    for (;;) {
        qs_feed_line_t l;
        if (look(feed, feed->seq, &l))
            return 1;
        uint64_t waited = monotonic_ns() - begun;
        if (waited >= timeout_ns)
            return 0;
        if (waited < SPIN_NS)
            continue;
        uint64_t left = timeout_ns - waited;
        struct timespec t = {.tv_nsec = left < (uint64_t)nap ? (long)left : nap};
        nanosleep(&t, NULL);
        nap = nap * 2 < NAP_MAX ? nap * 2 : NAP_MAX;
    }
}

EXPORT uint64_t
qs_feed_missed(qs_feed_t const *feed)
{
    return feed->missed;
}

EXPORT uint64_t
qs_feed_seq(qs_feed_t const *feed)
{
    return feed->seq;
}

EXPORT uint64_t
qs_feed_silent_ns(qs_feed_t const *feed)
{
    uint64_t beat = load(&feed->head->beat_ns), now = monotonic_ns();

    return beat == UINT64_MAX ? UINT64_MAX : now > beat ? now - beat : 0;
}

EXPORT uint32_t
qs_feed_abi(void)
{
    return QS_FEED_ABI;
}

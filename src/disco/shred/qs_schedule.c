#include "disco/shred/qs_schedule.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disco/qs_config.h"

#define FETCH_NS ((u64)QS_SCHEDULE_HELPER_MS * 1000000u)
#define FILE_CAP (16u << 10) /* of an epoch schedule */

/* What the supervisor remembers, for all shred tiles. */
typedef struct kept {
    u32 users;
    char dir[256];
    pid_t pid; /* of the helper; 0: none runs */
    u64 began_ns, next_ns;
    i64 newest; /* epoch that the tiles were started with */
    u32 round;  /* counts newer ones */
} kept_t;

static u64
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

bool
qs_schedule_is_url(char const *where)
{
    return !strncmp(where, "http://", 7) || !strncmp(where, "https://", 8);
}

char const *
qs_schedule_dir(char *buf, u64 buf_sz, char const *base, char const *url)
{
    snprintf(buf, buf_sz, "%s/%016lx", base, qs_hash_bytes(0x7363686564, url, strlen(url)));
    return buf;
}

i64
qs_schedule_newest(char const *dir)
{
    i64 newest = -1;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *end;
        if (strncmp(e->d_name, "leaders-", 8))
            continue;
        u64 epoch = strtoul(e->d_name + 8, &end, 10);
        if (!strcmp(end, ".json") && epoch < 1u << 31 && (i64)epoch > newest)
            newest = (i64)epoch;
    }
    if (d)
        closedir(d);
    return newest;
}

static bool
read_epochs(qs_epoch_t *schedule, char const *dir)
{
    char path[320], text[FILE_CAP];
    snprintf(path, sizeof(path), "%s/epoch-schedule.json", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (fd >= 0)
        close(fd);
    return got > 0 && !qs_epoch_json_parse(schedule, text, (u64)got);
}

/* read_stakes reads an epoch's stakes.  The schedule that they give is not used: a server's stakes are
   nearly those of the epoch (leader_schedule.md 4), and only weigh the tree. */
static void
read_stakes(qs_leaders_json_t *json, char const *path)
{
    qs_leaders_t side;
    u64 sz = qs_leaders_footprint(json->stake_max, 1u << 20);
    void *mem = sz ? aligned_alloc(QS_ALIGN, qs_align_up(sz, QS_ALIGN)) : NULL;
    if (!mem)
        return;
    qs_leaders_init(&side, mem, json->stake_max, 1u << 20, (qs_hash_key_t){1, 2});
    if (qs_leaders_json_read(&side, json, path))
        json->stake_cnt = 0;
    free(mem);
}

qs_leaders_reason_t
qs_schedule_read(qs_leaders_t *leaders, qs_leaders_json_t *json, char const *dir)
{
    qs_leaders_reason_t reason = QS_LEADERS_R_FILE;
    qs_epoch_t schedule;
    char path[320];
    i64 newest = qs_schedule_newest(dir);
    bool any = false;
    if (newest < 0 || !read_epochs(&schedule, dir))
        return newest < 0 ? QS_LEADERS_R_FILE : QS_LEADERS_R_EPOCH_SCHEDULE;
    json->schedule = &schedule;
    for (i64 epoch = newest > 0 ? newest - 1 : 0; epoch <= newest; epoch++) {
        snprintf(path, sizeof(path), "%s/leaders-%ld.json", dir, epoch);
        json->epoch = (u64)epoch;
        qs_leaders_reason_t why = qs_leaders_json_read(leaders, json, path);
        any |= !why;
        reason = why && why != QS_LEADERS_R_FILE ? why : reason;
    }
    for (i64 epoch = newest; any && epoch >= 0 && epoch >= newest - 1; epoch--) {
        snprintf(path, sizeof(path), "%s/stakes-%ld.json", dir, epoch);
        json->epoch = (u64)epoch;
        read_stakes(json, path);
        if (json->stake_cnt)
            break;
    }
    json->schedule = NULL;
    return any ? QS_LEADERS_R_OK : reason;
}

static void
start_helper(kept_t *k, char const *url)
{
    char *argv[] = {"quickstep", "fetch-schedule", (char *)(uintptr_t)url, k->dir, NULL};
    extern char **environ;
    if (posix_spawn(&k->pid, "/proc/self/exe", NULL, NULL, argv, environ))
        k->pid = 0;
    k->began_ns = now_ns();
}

/* helper_ended says whether the helper is through, and in *good whether it was content. */
static bool
helper_ended(kept_t *k, bool *good)
{
    int status = 0;
    if (k->pid && now_ns() - k->began_ns > FETCH_NS)
        kill(k->pid, SIGKILL);
    if (k->pid && waitpid(k->pid, &status, WNOHANG) == 0)
        return false;
    *good = k->pid && WIFEXITED(status) && !WEXITSTATUS(status);
    k->pid = 0;
    return true;
}

/* first_fetch waits for the first answer, or falls back to what was kept. */
static int
first_fetch(qs_tile_ctx_t *ctx, kept_t *k)
{
    char const *url = ctx->cfg->shred.leader_schedule, *base = ctx->cfg->shred.schedule_dir;
    bool good = false;
    (void)mkdir(base, 0755);
    (void)mkdir(qs_schedule_dir(k->dir, sizeof(k->dir), base, url), 0755);
    if (access(k->dir, W_OK)) {
        snprintf(ctx->err, sizeof(ctx->err), "shred.schedule_dir %.200s: %s", base,
                 strerror(errno));
        return -EINVAL;
    }
    start_helper(k, url);
    while (!helper_ended(k, &good))
        usleep(10000);
    k->newest = qs_schedule_newest(k->dir);
    k->next_ns = now_ns() + ctx->cfg->shred.schedule_poll_s * 1000000000ull;
    if (!good)
        snprintf(ctx->err, sizeof(ctx->err), "shred.leader_schedule = %.100s: no answer%s", url,
                 k->newest < 0 ? "" : "; the schedule kept before is used");
    return k->newest < 0 ? -EHOSTUNREACH : 0;
}

int
qs_schedule_keep(qs_tile_ctx_t *ctx)
{
    kept_t *k = *ctx->common;
    int err = 0;
    if (!qs_schedule_is_url(ctx->cfg->shred.leader_schedule))
        return 0;
    if (!k) {
        k = calloc(1, sizeof(*k));
        if (!k)
            return -ENOMEM;
        *ctx->common = k;
        err = first_fetch(ctx, k);
    }
    k->users++;
    ctx->note[0] = k->round;
    return err;
}

/* look_ahead fetches anew when it is time to, and takes notice of a newer epoch. */
static void
look_ahead(qs_tile_ctx_t *ctx, kept_t *k)
{
    bool good = false;
    if (!k->pid) {
        if (now_ns() >= k->next_ns)
            start_helper(k, ctx->cfg->shred.leader_schedule);
        return;
    }
    if (!helper_ended(k, &good))
        return;
    k->next_ns = now_ns() + ctx->cfg->shred.schedule_poll_s * 1000000000ull;
    i64 newest = qs_schedule_newest(k->dir);
    if (newest <= k->newest)
        return;
    k->newest = newest;
    k->round++;
    snprintf(ctx->err, sizeof(ctx->err), "the leader schedule of epoch %ld is known", newest);
}

int
qs_schedule_tend(qs_tile_ctx_t *ctx, u32 why)
{
    kept_t *k = *ctx->common;
    (void)why;
    if (!k)
        return 0;
    if (!ctx->idx)
        look_ahead(ctx, k);
    if (ctx->note[0] == k->round)
        return 0;
    ctx->note[0] = k->round;
    return QS_TEND_RENEW;
}

void
qs_schedule_drop(qs_tile_ctx_t *ctx)
{
    kept_t *k = *ctx->common;
    if (!k || (k->users && --k->users))
        return;
    if (k->pid) {
        kill(k->pid, SIGKILL);
        waitpid(k->pid, NULL, 0);
    }
    free(k);
    *ctx->common = NULL;
}

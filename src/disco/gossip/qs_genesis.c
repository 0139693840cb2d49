#include "disco/gossip/qs_genesis.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waltz/codec/qs_ip_echo.h"
#include "waltz/crypto/qs_sha256.h"

bool
qs_genesis_parse_fork(qs_genesis_fork_t *fork, char const *text)
{
    char *rest;

    *fork = (qs_genesis_fork_t){.cnt = 1};
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    fork->slot = strtoull(text, &rest, 10);
    if (*rest == ':' && rest[1] >= '0' && rest[1] <= '9')
        fork->cnt = strtoull(rest + 1, &rest, 10);
    return !*rest && !errno && fork->cnt;
}

/* hash_file maps the file, so that its size costs no memory of ours. */
static int
hash_file(char const *path, u8 hash[32])
{
    struct stat st;
    int err = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        err = -errno;
    else if (!S_ISREG(st.st_mode) || !st.st_size)
        err = -ENODATA;
    else if ((u64)st.st_size > QS_GENESIS_SZ_MAX)
        err = -EFBIG;
    void *mem = err ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (!err && mem == MAP_FAILED)
        err = -errno;
    close(fd);
    if (err)
        return err;
    qs_sha256(hash, mem, (u32)st.st_size);
    munmap(mem, (size_t)st.st_size);
    return 0;
}

int
qs_genesis_version(char const *path, qs_genesis_fork_t const *fork, u32 cnt, u16 *version)
{
    u8 hash[32];

    for (u32 i = 1; i < cnt; i++)
        if (fork[i].slot <= fork[i - 1].slot)
            return -EINVAL;
    int err = hash_file(path, hash);
    for (u32 i = 0; !err && i < cnt; i++)
        qs_shred_version_fork(hash, fork[i].slot, fork[i].cnt);
    if (!err)
        *version = qs_shred_version_of(hash);
    return err;
}

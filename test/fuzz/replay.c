/* replay - runs a fuzzer over files and folders of a corpus, without libFuzzer.

   usage: fuzz_x PATH...   Each file is one input.  Prints how many were replayed; exit 1
   when a path cannot be read or a corpus is empty, because a replay of nothing shows nothing. */

#include <dirent.h>
#include <sys/stat.h>

#include "tango/base/qs_base.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static u64 replayed;

static int
replay_file(char const *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -errno;
    size_t cap = 1u << 20;
    u8 *buf = malloc(cap);
    size_t sz = fread(buf, 1, cap, f);
    fclose(f);
    u8 *exact = malloc(sz ? sz : 1); /* its own block, so that ASan sees a read past the end */
    memcpy(exact, buf, sz);
    LLVMFuzzerTestOneInput(exact, sz);
    free(exact);
    free(buf);
    replayed++;
    return 0;
}

static int
replay_path(char const *path)
{
    struct stat st;
    if (stat(path, &st))
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    int err = 0;
    for (struct dirent *e; !err && (e = readdir(dir));) {
        char file[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        err = replay_path(file);
    }
    closedir(dir);
    return err;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int err = replay_path(argv[i]);
        if (err) {
            fprintf(stderr, "%s: %s\n", argv[i], strerror(-err));
            return 1;
        }
    }
    printf("%lu inputs replayed\n", replayed);
    return replayed ? 0 : 1;
}

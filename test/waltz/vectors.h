/* vectors.h - known good data that lies outside this repository: $QS_VECTORS, by default
   ../shared/vectors.  A test that does not find its file says "skipped: ..." and returns.

   Threads: any.  Blocks: on files.  Allocates: never. */

#ifndef QS_TEST_WALTZ_VECTORS_H
#define QS_TEST_WALTZ_VECTORS_H

#include "tango/base/qs_base.h"

/* vectors_read reads a file whole, sz_max bytes at most.  Returns its size, 0 if it is not there. */
static inline u64
vectors_read(char const *name, void *out, u64 sz_max)
{
    char path[4096];
    char const *dir = getenv("QS_VECTORS") ? getenv("QS_VECTORS") : "../shared/vectors";
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        printf("skipped: %s: %s\n", path, strerror(errno));
        return 0;
    }
    u64 sz = fread(out, 1, sz_max, f);
    fclose(f);
    return sz;
}

#endif

/* Recorded shreds for tests: whole captures in memory, or a line that says why there are none.
   $QS_VECTORS, or ../shared/vectors, is where they lie; they are no part of the repository. */

#ifndef TEST_WALTZ_SHRED_VECTORS_H
#define TEST_WALTZ_SHRED_VECTORS_H

#include "waltz/codec/qs_shred.h"
#include "waltz/pcap/qs_pcap.h"

#define VECTOR_PKT_MAX 4096u
#define VECTOR_SZ_MAX  1232u

typedef struct vector_pkt {
    u32 sz;
    u8 data[VECTOR_SZ_MAX];
} vector_pkt_t;

typedef struct vectors {
    u32 cnt;
    vector_pkt_t pkt[VECTOR_PKT_MAX];
} vectors_t;

static inline char const *
vector_path(char const *name)
{
    static char path[512];
    char const *dir = getenv("QS_VECTORS");
    snprintf(path, sizeof(path), "%s/%s", dir ? dir : "../shared/vectors", name);
    return path;
}

/* vector_file returns a file's bytes, or null after a line that says it was not there. */
static inline u8 *
vector_file(char const *name, u64 *sz)
{
    FILE *f = fopen(vector_path(name), "rb");
    if (!f) {
        printf("skipped: no vectors at %s\n", vector_path(name));
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    *sz = (u64)ftell(f);
    rewind(f);
    u8 *data = malloc(*sz + 1);
    QS_ASSERT(fread(data, 1, *sz, f) == *sz);
    data[*sz] = 0;
    fclose(f);
    return data;
}

static inline void
vector_push(vectors_t *v, u8 const *data, u64 sz)
{
    QS_ASSERT(v->cnt < VECTOR_PKT_MAX && sz <= VECTOR_SZ_MAX);
    v->pkt[v->cnt].sz = (u32)sz;
    memcpy(v->pkt[v->cnt++].data, data, sz);
}

/* vector_pcap reads the datagrams to dst_port, 0: all.  False if the file is not there. */
static inline bool
vector_pcap(vectors_t *v, char const *name, u16 dst_port)
{
    v->cnt = 0;
    qs_pcap_t pcap;
    if (qs_pcap_open(&pcap, vector_path(name))) {
        printf("skipped: no vectors at %s\n", vector_path(name));
        return false;
    }
    qs_pcap_pkt_t pkt;
    while (qs_pcap_next(&pcap, &pkt) == 1)
        if (!dst_port || pkt.dst_port == dst_port)
            vector_push(v, pkt.payload, pkt.payload_sz);
    qs_pcap_close(&pcap);
    QS_ASSERT(v->cnt);
    return true;
}

/* vector_ar reads the members of a Unix archive. */
static inline bool
vector_ar(vectors_t *v, char const *name)
{
    u64 sz = 0;
    v->cnt = 0;
    u8 *file = vector_file(name, &sz);
    if (!file)
        return false;
    for (u64 at = 8; at + 60 <= sz;) {
        u64 member = strtoull((char const *)file + at + 48, NULL, 10);
        vector_push(v, file + at + 60, member);
        at += 60 + member + (member & 1);
    }
    free(file);
    QS_ASSERT(v->cnt);
    return true;
}

#endif

/* qs_sources - which feed brings shreds first, and by how much: turbine is number 0, then shred.source in
   order.

   The first arrival of each verified shred is remembered for a while (the last few thousand of them); the
   first copy of it from another feed gives the lead.  Further copies give none.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_SHRED_SOURCES_H
#define QS_DISCO_SHRED_SOURCES_H

#include "tango/base/qs_hash.h"

#define QS_SOURCES_CNT   17u
#define QS_SOURCES_DEPTH 16384u

/* What is counted of each feed. */
#define QS_SOURCES_COUNTS(X, arg)                                                                  \
    X(arg, received, "datagrams received")                                                         \
    X(arg, first, "verified shreds that it brought before any other")                              \
    X(arg, led, "... and that another brought after it")                                           \
    X(arg, lead_ns, "time, summed, by which those were ahead")                                     \
    X(arg, copy, "verified shreds that were known already")

typedef struct qs_source_counts {
#define QS_SOURCES_FIELD_(arg, name, text) u64 name;
    QS_SOURCES_COUNTS(QS_SOURCES_FIELD_, )
#undef QS_SOURCES_FIELD_
} qs_source_counts_t;

typedef struct qs_sources {
    qs_hash_key_t key;
    bool several; /* there is something to compare */
    qs_source_counts_t counts[QS_SOURCES_CNT];
    struct {
        u64 tag; /* 0: none, or its copy came */
        u64 ns;
        u64 source;
    } at[QS_SOURCES_DEPTH];
} qs_sources_t;

/* qs_sources_init formats s for cnt feeds, turbine included. */
void qs_sources_init(qs_sources_t *s, u32 cnt, qs_hash_key_t key);

/* qs_sources_first notes that a verified shred came for the first time, at ns; header is its first 83
   bytes.  qs_sources_copy: one that came before, from that feed or another. */
void qs_sources_first(qs_sources_t *s, u8 const *header, u32 source, u64 ns);
void qs_sources_copy(qs_sources_t *s, u8 const *header, u32 source, u64 ns);

#endif

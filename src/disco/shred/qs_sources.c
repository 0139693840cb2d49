#include "disco/shred/qs_sources.h"

void
qs_sources_init(qs_sources_t *s, u32 cnt, qs_hash_key_t key)
{
    memset(s, 0, sizeof(*s));
    s->key = key;
    s->several = cnt > 1;
}

/* tag_of tells shreds apart by signature, slot, kind and index.  It is never 0. */
static u64
tag_of(qs_sources_t const *s, u8 const *header)
{
    u64 word[4];
    memcpy(word, header, sizeof(u64));
    memcpy(word + 1, header + 64, 2 * sizeof(u64)); /* to the byte before the set's index */
    word[3] = 0;
    return qs_hash_words(&s->key, word, 4) | 1;
}

void
qs_sources_first(qs_sources_t *s, u8 const *header, u32 source, u64 ns)
{
    s->counts[source].first++;
    if (!s->several)
        return;
    u64 tag = tag_of(s, header), at = tag >> 32 & (QS_SOURCES_DEPTH - 1);
    s->at[at].tag = tag;
    s->at[at].ns = ns;
    s->at[at].source = source;
}

void
qs_sources_copy(qs_sources_t *s, u8 const *header, u32 source, u64 ns)
{
    s->counts[source].copy++;
    if (!s->several)
        return;
    u64 tag = tag_of(s, header), at = tag >> 32 & (QS_SOURCES_DEPTH - 1);
    if (s->at[at].tag != tag || s->at[at].source == source)
        return;
    s->at[at].tag = 0;
    s->counts[s->at[at].source].led++;
    s->counts[s->at[at].source].lead_ns += ns > s->at[at].ns ? ns - s->at[at].ns : 0;
}

/* qs_bloom - the Bloom filters of gossip: which hashes a node has, which origins it does not want.

       position of an item under a key = FNV-1a of its 32 bytes, with the key for the offset basis,
       modulo the number of bits                                      source: spec of gossip §6.1

   A filter on the wire is looked at where it lies (qs_bloom_view_t); one of ours has its keys and
   words in memory of the caller's.  Without keys or bits a filter contains nothing.

   Threads: readers any, adding one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_BLOOM_H
#define QS_DISCO_GOSSIP_BLOOM_H

#include "tango/base/qs_bits.h"

#define QS_BLOOM_KEY_MAX 8u /* of ours; others may send more */

/* Keys and words may lie unaligned: in a datagram. */
typedef struct qs_bloom_view {
    u8 const *key;
    u8 const *word;
    u32 key_cnt;
    u32 bit_cnt; /* at most 64 for each word that is there */
} qs_bloom_view_t;

typedef struct qs_bloom {
    u64 key[QS_BLOOM_KEY_MAX];
    u64 *word;
    u32 key_cnt, bit_cnt;
    u32 set_cnt; /* bits that are set */
} qs_bloom_t;

/* qs_bloom_contains says whether item, 32 bytes, may be in the filter. */
bool qs_bloom_contains(qs_bloom_view_t const *b, u8 const item[32]);

/* qs_bloom_view is how one of ours is looked at. */
qs_bloom_view_t qs_bloom_view(qs_bloom_t const *b);

/* qs_bloom_add puts item in. */
void qs_bloom_add(qs_bloom_t *b, u8 const item[32]);

/* The sizes of a pull filter (spec §6.1, false positives 0.1).  qs_bloom_bits returns the bits for
   items, at most bits_max; qs_bloom_keys how many keys do best; qs_bloom_items how many items
   bits hold, as the network reckons (8 keys, so that masks come out alike). */
u32 qs_bloom_bits(u32 items, u32 bits_max);
u32 qs_bloom_keys(u32 bits, u32 items);
u32 qs_bloom_items(u32 bits);

/* qs_bloom_mask_bits returns into how many partitions (2 to that) items are cut so that each holds at
   most of_one of them. */
u32 qs_bloom_mask_bits(u32 items, u32 of_one);

#endif

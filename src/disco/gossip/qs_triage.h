/* qs_triage - datagrams that wait to be checked, in a queue for each thing that they are worth.

       ring of net's  --put-->  values     of addresses that answered a ping     --take-->  a slice: so many
                                talk       their pings, pongs and prunes                    of each, whose
                                pulls      their pull requests                              signatures are
                                strangers  everything of everybody else                     checked together

   To look at a datagram costs some 100 ns, to check it a thousand times as much.  So everything is
   taken off the ring at once, and what is beyond is dropped here, by what it is, instead of there, by
   chance: no flood of one class takes anything from another, and what waits is short enough to be
   of use still when its turn comes.

   Threads: one.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_GOSSIP_TRIAGE_H
#define QS_DISCO_GOSSIP_TRIAGE_H

#include "disco/gossip/qs_gossip_check.h"

#define QS_TRIAGE_TURNS 16u /* batches taken off the ring between two slices */

typedef enum qs_triage_class {
    QS_TRIAGE_VALUES,
    QS_TRIAGE_TALK,
    QS_TRIAGE_PULLS,
    QS_TRIAGE_STRANGERS,
    QS_TRIAGE_CLASS_CNT
} qs_triage_class_t;

/* What waits. */
typedef struct qs_triage_item {
    u64 sig; /* the fragment's, and its time: for who passes it on */
    u32 ts_origin;
    u32 sz;
    u32 src_ip;
    u16 src_port;
    u8 data[QS_GOSSIP_MTU];
} qs_triage_item_t;

typedef struct qs_triage {
    struct qs_triage_queue {
        qs_triage_item_t *item;
        u32 head, cnt; /* head: the one that waits longest */
    } queue[QS_TRIAGE_CLASS_CNT];
    u32 cnt; /* of all */
    u32 turns;
} qs_triage_t;

u64 qs_triage_footprint(void);

/* qs_triage_init makes t empty; mem has footprint bytes, QS_ALIGN aligned. */
void qs_triage_init(qs_triage_t *t, void *mem);

/* qs_triage_put copies a datagram to the end of its queue; sig and ts_origin are its fragment's, and known says
   that its address is proven.  What finds no room, or is longer than any message, is counted. */
void qs_triage_put(qs_triage_t *t, qs_gossip_counts_t *counts, qs_gossip_datagram_t const *d,
                   bool known, u64 sig, u32 ts_origin);

/* qs_triage_due says, once a turn, whether it is time for a slice: something waits, and the ring was looked at
   often enough since one was taken. */
bool qs_triage_due(qs_triage_t *t);

/* qs_triage_take fills item with the next slice, max at most and QS_GOSSIP_BATCH, and returns how many: of
   each class a share, and more values if there is room left.  They are whole until the next put. */
u32 qs_triage_take(qs_triage_t *t, qs_triage_item_t const *item[], u32 max);

#endif

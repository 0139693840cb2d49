/* qs_format - the fragments that several tiles share: what sig, ctl, chunk and the payload of a
   link mean.  Integers are in host order; addresses are IPv4 as numbers (10.0.0.1 is
   0x0a000001).  DESIGN, "Fragments that several tiles share".

   net -> X      sig: source address 32 | source port 16 | destination port index 8 | flow hash 8,
                 from the low bits up.  The payload is the UDP payload, without headers; its
                 first byte is chunk * 64 + the low six bits of ctl.  ts_origin is when the
                 frame was taken from the ring or the socket.
   X -> net      payload: qs_send_t, then dst_cnt destinations, then the UDP payload once.
                 mtu 4096: 200 destinations and 1232 bytes fit.  sig is the sender's own.
   verify -> dedup -> poh
                 payload: the transaction's bytes, ctl of them, then its parsed descriptor at
                 the next multiple of 8.  sig is the keyed hash of the first signature.
   X -> sign     sig: the asker's tag 32 | qs_sign_kind_t 32.  payload: what is to be signed.
   sign -> X     the same sig; payload: the signature of 64 bytes, or our public key of 32.
   poh -> shred  payload: qs_entry_frag_t, then one entry's bytes (spec: entry.md 1).  Entries come in
                 the order of the slot; sig is the slot.
   shred -> store
                 payload: qs_fec_set_t, then its 32 data shreds of 1203 bytes.
   store -> poh  payload: qs_slot_end_t of each slot that was found complete and good; sig is the slot.
   gossip -> X   nothing is sent: the link makes X a neighbour, who may read gossip's rows of who is
                 where with which stake (gossip/qs_peers.h).

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_FORMAT_H
#define QS_DISCO_FORMAT_H

#include "tango/base/qs_bits.h"

/* The low six bits of ctl on links from net: what chunk cannot say. */
#define QS_CTL_OFF_MASK 63u

typedef struct qs_net_sig {
    u32 src_ip;
    u16 src_port;
    u8 port_idx; /* into qs_plan_t.port */
    u8 flow;     /* hash of source address and port: readers of one link share the work by it */
} qs_net_sig_t;

QS_INLINE u64
qs_net_sig_pack(qs_net_sig_t s)
{
    return (u64)s.src_ip | (u64)s.src_port << 32 | (u64)s.port_idx << 48 | (u64)s.flow << 56;
}

QS_INLINE qs_net_sig_t
qs_net_sig_unpack(u64 sig)
{
    return (qs_net_sig_t){.src_ip = (u32)sig,
                          .src_port = (u16)(sig >> 32),
                          .port_idx = (u8)(sig >> 48),
                          .flow = (u8)(sig >> 56)};
}

/* qs_net_flow mixes what tells one sender from another into 8 bits.  It spreads honest load; a
   sender can choose its ports, so nothing may depend on it for safety. */
QS_INLINE u8
qs_net_flow(u32 src_ip, u16 src_port)
{
    return (u8)((((u64)src_ip << 16 | src_port) * 0x9e3779b97f4a7c15ull) >> 56);
}

#define QS_SEND_MTU     4096u
#define QS_SEND_DST_MAX 200u
#define QS_UDP_MAX      1472u /* one unfragmented Ethernet frame of 1500 bytes */

typedef struct qs_send_dst {
    u32 ip;
    u16 port;
    u16 pad;
} qs_send_dst_t;

typedef struct qs_send {
    u16 dst_cnt;      /* 1 .. QS_SEND_DST_MAX */
    u16 src_port_idx; /* into qs_plan_t.port: the port it is sent from */
    u16 sz;           /* UDP payload bytes, 0 .. QS_UDP_MAX */
    u16 pad;
    qs_send_dst_t dst[];
} qs_send_t;

_Static_assert(sizeof(qs_send_dst_t) == 8 && sizeof(qs_send_t) == 8, "link ABI");
_Static_assert(sizeof(qs_send_t) + QS_SEND_DST_MAX * sizeof(qs_send_dst_t) + 1232 <= QS_SEND_MTU,
               "200 destinations and a shred fit");

/* qs_send_sz returns the bytes of a request with dst_cnt destinations and sz payload bytes. */
QS_INLINE u32
qs_send_sz(u32 dst_cnt, u32 sz)
{
    return (u32)(sizeof(qs_send_t) + dst_cnt * sizeof(qs_send_dst_t)) + sz;
}

/* qs_send_valid says whether the frag_sz bytes at s are one whole request, no more, no less. */
QS_INLINE bool
qs_send_valid(qs_send_t const *s, u32 frag_sz)
{
    return frag_sz >= sizeof(*s) && s->dst_cnt >= 1 && s->dst_cnt <= QS_SEND_DST_MAX &&
           s->sz <= QS_UDP_MAX && frag_sz == qs_send_sz(s->dst_cnt, s->sz);
}

/* qs_txn_desc_off returns where the parsed descriptor of a transaction of sz bytes begins. */
QS_INLINE u32
qs_txn_desc_off(u32 sz)
{
    return (u32)qs_align_up(sz, 8);
}

/* qs_sign_sig makes the sig of a request to sign; qs_sign_{tag,kind}_of take it apart. */
QS_INLINE u64
qs_sign_sig(u32 tag, u32 kind)
{
    return tag | (u64)kind << 32;
}

QS_INLINE u32
qs_sign_tag_of(u64 sig)
{
    return (u32)sig;
}

QS_INLINE u32
qs_sign_kind_of(u64 sig)
{
    return (u32)(sig >> 32);
}

/* The largest fragment of verify -> dedup -> poh: a transaction, and its descriptor (qs_txn_t). */
#define QS_TXN_MAX      4096u
#define QS_TXN_DESC_MAX 1056u
#define QS_TXN_LINK_MTU (QS_TXN_MAX + QS_TXN_DESC_MAX)

#define QS_FEC_DATA_CNT   32u
#define QS_FEC_SHRED_SZ   1203u
#define QS_FEC_LAST_SLOT  1u  /* the set holds the slot's last shred */
#define QS_FEC_LAST_BATCH 2u  /* ... or the last of an entry batch */
#define QS_FEC_FLAWED     4u  /* its signature is good and its content is not: the block is dead */
#define QS_FEC_SIGNED     8u  /* the slot's leader is known and has signed its root */
#define QS_FEC_MERKLE     16u /* all 64 leaves have that root; not so only if flawed */
#define QS_FEC_RECOVERED  32u /* not all data shreds were received */
#define QS_FEC_CONFLICT   64u /* its leader is known to have signed something that contradicts it */
#define QS_FEC_CHAINED    128u /* the set before it is known, and is the one that it names */

#define QS_FEC_OWN 255u /* as a source: we made it ourselves */

/* A completed FEC set, before its data shreds. */
typedef struct qs_fec_set {
    u64 slot;
    u32 fec_idx; /* index of its first data shred in the slot */
    u16 version; /* shred version */
    u8 flags;    /* QS_FEC_* */
    u8 source;   /* index of the port or source its first shred came from */
    u8 data_cnt; /* data shreds received; QS_FEC_DATA_CNT less those were recovered */
    u8 code_cnt; /* coding shreds received */
    u16 parent_off;
    u32 pad;
    u8 root[32];
    u8 chained_root[32];
    u64 first_ns; /* when its first shred arrived, CLOCK_MONOTONIC */
    u64 last_ns;  /* when the one arrived that completed it */
} qs_fec_set_t;

/* One entry of a block in the making, before its bytes.  The first entry of a slot says which slot it
   builds on; the shredder knows that slot's last root, of sets that it made or received. */
typedef struct qs_entry_frag {
    u64 slot;
    u16 parent_off; /* slot - parent slot, 1 or more */
    u16 tick;       /* ticks of the slot before this entry */
    u8 flags;       /* QS_ENTRY_* */
    u8 pad[3];
    u32 sz; /* of the entry */
    u32 pad2;
    u64 begin_ns; /* when the slot began, CLOCK_MONOTONIC */
} qs_entry_frag_t;

#define QS_ENTRY_TICK      1u /* it has no transactions */
#define QS_ENTRY_LAST_SLOT 2u /* it is the slot's last tick */

/* Where a slot ended: what the next leader builds on. */
typedef struct qs_slot_end {
    u64 slot;
    u64 parent_slot;
    u8 hash[32];     /* PoH after its last entry */
    u8 block_id[32]; /* root of its last set */
    u64 done_ns;     /* when it was complete and checked, CLOCK_MONOTONIC */
} qs_slot_end_t;

_Static_assert(sizeof(qs_entry_frag_t) == 32 && sizeof(qs_slot_end_t) == 88, "link ABI");
_Static_assert(sizeof(qs_fec_set_t) == 104, "link ABI");
_Static_assert(sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ <= UINT16_MAX, "fits sz");

#endif

/* qs_sha_batch.h - walking messages block by block, and keeping the lanes of a kernel busy.
   Private to qs_sha256.c and qs_sha512.c.

   The two differ in the size of a word only: a block is 16 words, the length field 2, the
   digest 8.  Each caller passes word_sz as a constant, so each gets a copy of its own.

       lane 0   |message 0|message 4      |message 7|
       lane 1   |message 1      |message 5   |
       lane 2   |message 2   |message 6           |        narrow: too few lanes are left,
       lane 3   |message 3         |message 8   |          the rest goes through `one`

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_CRYPTO_SHA_BATCH_H
#define QS_WALTZ_CRYPTO_SHA_BATCH_H

#include "tango/base/qs_bits.h"
#include "waltz/crypto/qs_sha.h"

#define QS_SHA_TAIL_MAX_ 256u /* two blocks of sha-512 */

typedef struct qs_sha_cursor {
    qs_sha_part_t const *part; /* being read */
    u32 part_left;             /* parts not read to their end */
    bool ended;                /* the padding has been handed out */
    u64 off;                   /* bytes read of this part */
    u64 sz;                    /* bytes of the whole message */
    u8 tail[QS_SHA_TAIL_MAX_]; /* a block that lies in no single part, or the padding */
} qs_sha_cursor_t;

typedef struct qs_sha_lane {
    u8 const *data; /* next block */
    u64 block_cnt;  /* blocks that follow each other there */
    u8 *out;        /* null: the lane is idle */
    qs_sha_cursor_t cursor;
} qs_sha_lane_t;

/* qs_sha_pad_ ends a message of sz bytes whose last fill bytes are in tail.  Returns the
   blocks, 1 or 2, that tail holds then. */
QS_INLINE u64
qs_sha_pad_(u8 *tail, u64 fill, u64 sz, u32 word_sz)
{
    u64 block_sz = 16u * word_sz;
    u64 end = fill + 1 + 2 * word_sz <= block_sz ? block_sz : 2 * block_sz;
    tail[fill] = 0x80;
    memset(tail + fill + 1, 0, end - fill - 1);
    qs_store_be64(tail + end - 8, sz << 3);
    tail[end - 9] |= (u8)(word_sz == 8 ? sz >> 61 : 0);
    return end / block_sz;
}

QS_INLINE void
qs_sha_digest_(u8 *out, void const *word, u32 stride, u32 word_sz)
{
    for (u32 i = 0; i < 8; i++) {
        u8 const *at = (u8 const *)word + (u64)i * stride * word_sz;
        if (word_sz == 4) {
            u32 w;
            memcpy(&w, at, sizeof(w));
            qs_store_be32(out + 4 * i, w);
        } else {
            u64 w;
            memcpy(&w, at, sizeof(w));
            qs_store_be64(out + 8 * i, w);
        }
    }
}

QS_INLINE void
qs_sha_cursor_init_(qs_sha_cursor_t *c, qs_sha_part_t const *part, u32 part_cnt)
{
    c->part = part;
    c->part_left = part_cnt;
    c->ended = false;
    c->off = 0;
    c->sz = 0;
    for (u32 i = 0; i < part_cnt; i++)
        c->sz += part[i].sz;
}

/* qs_sha_cursor_next_ points *data at the next blocks, padding included, and returns how
   many follow each other there; 0 after the last.  *data is valid until the next call. */
QS_INLINE u64
qs_sha_cursor_next_(qs_sha_cursor_t *c, u8 const **data, u32 word_sz)
{
    u64 block_sz = 16u * word_sz;
    u64 fill = 0;
    for (; c->part_left; c->part++, c->part_left--, c->off = 0) {
        u64 rest = c->part->sz - c->off;
        if (!rest)
            continue;
        u8 const *from = (u8 const *)c->part->data + c->off;
        if (!fill && rest >= block_sz) {
            *data = from;
            c->off += rest / block_sz * block_sz;
            return rest / block_sz;
        }
        u64 take = qs_min_u64(rest, block_sz - fill);
        memcpy(c->tail + fill, from, take);
        fill += take;
        if (take < rest) {
            c->off += take;
            break;
        }
    }
    *data = c->tail;
    if (fill == block_sz)
        return 1;
    if (c->ended)
        return 0;
    c->ended = true;
    return qs_sha_pad_(c->tail, fill, c->sz, word_sz);
}

/* qs_sha_alone_ hashes what the cursor has, from blocks already taken off it, into state. */
QS_INLINE void
qs_sha_alone_(qs_sha_kernel_t const *kernel, void *state, qs_sha_lane_t *lane, u32 word_sz)
{
    while (lane->block_cnt) {
        kernel->one(state, lane->data, lane->block_cnt);
        lane->block_cnt = qs_sha_cursor_next_(&lane->cursor, &lane->data, word_sz);
    }
    qs_sha_digest_(lane->out, state, 1, word_sz);
    lane->out = NULL;
}

QS_INLINE void
qs_sha_start_(qs_sha_lane_t *lane, qs_sha_msg_t const *msg, u32 word_sz)
{
    lane->out = msg->out;
    qs_sha_cursor_init_(&lane->cursor, msg->part, QS_SHA_PART_MAX);
    lane->block_cnt = qs_sha_cursor_next_(&lane->cursor, &lane->data, word_sz);
}

/* qs_sha_each_ hashes messages one after the other. */
QS_INLINE void
qs_sha_each_(qs_sha_kernel_t const *kernel, void const *iv, qs_sha_msg_t const *msg, u64 cnt,
             u32 word_sz)
{
    u64 state[8];
    qs_sha_lane_t lane;
    for (u64 i = 0; i < cnt; i++) {
        memcpy(state, iv, 8 * word_sz);
        qs_sha_start_(&lane, &msg[i], word_sz);
        qs_sha_alone_(kernel, state, &lane, word_sz);
    }
}

/* qs_sha_fill_ gives every lane blocks to work on: the rest of its message, or a new one.
   Returns the lanes that have some; *next is the first message that no lane has taken. */
QS_INLINE u32
qs_sha_fill_(qs_sha_lane_t *lane, u32 lane_cnt, u8 *state, void const *iv, qs_sha_msg_t const *msg,
             u64 cnt, u64 *next, u32 word_sz)
{
    u32 busy = 0;
    for (u32 i = 0; i < lane_cnt; i++) {
        qs_sha_lane_t *l = &lane[i];
        if (l->out && !l->block_cnt) {
            l->block_cnt = qs_sha_cursor_next_(&l->cursor, &l->data, word_sz);
            if (!l->block_cnt) {
                qs_sha_digest_(l->out, state + i * word_sz, lane_cnt, word_sz);
                l->out = NULL;
            }
        }
        if (!l->out && *next < cnt) {
            qs_sha_start_(l, &msg[(*next)++], word_sz);
            for (u32 w = 0; w < 8; w++)
                memcpy(state + (w * lane_cnt + i) * word_sz, (u8 const *)iv + w * word_sz, word_sz);
        }
        busy += l->out != NULL;
    }
    return busy;
}

/* qs_sha_step_ compresses as many blocks as every busy lane has at hand.  An idle lane
   repeats the work of a busy one; its state is not used again. */
QS_INLINE void
qs_sha_step_(qs_sha_kernel_t const *kernel, qs_sha_lane_t *lane, void *state, u32 word_sz)
{
    u8 const *data[QS_SHA_LANE_MAX];
    u8 const *any = NULL;
    u64 run = UINT64_MAX;
    for (u32 i = 0; i < kernel->lanes; i++) {
        if (!lane[i].out)
            continue;
        any = lane[i].data;
        run = qs_min_u64(run, lane[i].block_cnt);
    }
    for (u32 i = 0; i < kernel->lanes; i++)
        data[i] = lane[i].out ? lane[i].data : any;

    kernel->many(state, data, run);
    for (u32 i = 0; i < kernel->lanes; i++) {
        if (lane[i].out) {
            lane[i].data += run * 16 * word_sz;
            lane[i].block_cnt -= run;
        }
    }
}

QS_INLINE void
qs_sha_batch_(qs_sha_kernel_t const *kernel, void const *iv, qs_sha_msg_t const *msg, u64 cnt,
              u32 word_sz)
{
    if (cnt <= kernel->narrow || kernel->lanes == 1) {
        qs_sha_each_(kernel, iv, msg, cnt, word_sz);
        return;
    }
    alignas(64) u8 state[8 * 64]; /* a 512-bit register per word is the widest there is */
    qs_sha_lane_t lane[QS_SHA_LANE_MAX];
    u64 next = 0;
    u32 busy;
    for (u32 i = 0; i < kernel->lanes; i++)
        lane[i].out = NULL;
    memset(state, 0, sizeof(state));

    while ((busy = qs_sha_fill_(lane, kernel->lanes, state, iv, msg, cnt, &next, word_sz)) >
           kernel->narrow)
        qs_sha_step_(kernel, lane, state, word_sz);

    for (u32 i = 0; busy && i < kernel->lanes; i++) {
        if (!lane[i].out)
            continue;
        u64 alone[8];
        for (u32 w = 0; w < 8; w++)
            memcpy((u8 *)alone + w * word_sz, state + (w * kernel->lanes + i) * word_sz, word_sz);
        qs_sha_alone_(kernel, alone, &lane[i], word_sz);
    }
}

#endif

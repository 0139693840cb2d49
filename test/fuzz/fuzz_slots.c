/* fuzz_slots - sequences of sets, as structure: the input chooses which of some prepared sets come, in which
   order, what is changed in them, and how much is worked in between.  The prepared ones are three
   sound slots that follow each other.

   Whatever comes, in rooms far too small: the numbers add up, no buffer is lost, a slot that is complete
   has the entries and the hash of the one that was prepared, and work ends. */

#include "disco/store/block_maker.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

#define SLOTS 3u

static block_t *block[SLOTS];
static void *mem;
static qs_slots_t *slots;
static qs_slots_config_t config;
static u64 finished;
static bool changed[SLOTS];

static void
on_status(void *ctx, qs_slot_info_t const *s)
{
    (void)ctx;
    QS_ASSERT(s->status <= QS_SLOT_LOST && (s->reason != 0) == (s->status == QS_SLOT_DEAD));
    finished += s->status != QS_SLOT_PROGRESS;
    for (u32 i = 0; i < SLOTS && s->status == QS_SLOT_COMPLETE; i++)
        if (block[i]->slot == s->slot && !changed[i]) {
            QS_ASSERT(!memcmp(s->hash, block[i]->hash, 32) && s->tick_cnt == 64);
            QS_ASSERT(!memcmp(s->block_id, block_id(block[i]), 32));
        }
}

static void
prepare(void)
{
    static u8 const zero[32];
    for (u32 i = 0; i < SLOTS; i++) {
        block[i] = calloc(1, sizeof(block_t));
        block_begin(block[i], 1 + i, i, i ? block[i - 1]->hash : zero,
                    i ? block_id(block[i - 1]) : zero);
        block_whole(block[i], 4, i);
    }
    config = (qs_slots_config_t){.slot_cnt = 2,
                                 .set_cnt = 4,
                                 .batch_cnt = 3,
                                 .hashes_per_tick = 10,
                                 .genesis = true,
                                 .calls = {.on_status = on_status}};
    QS_ASSERT(!posix_memalign(&mem, QS_ALIGN, qs_slots_footprint(&config)));
}

static void
check(void)
{
    qs_slots_counts_t const *c = qs_slots_counts(slots);
    u64 dead = 0;
    for (u32 i = 1; i < QS_SLOTS_REASON_CNT; i++)
        dead += c->reason[i];
    QS_ASSERT(dead == c->dead);
    QS_ASSERT(c->begun ==
              qs_slots_in_progress(slots) + c->complete + c->dead + c->lost - c->retracted);
    QS_ASSERT(qs_slots_buffered(slots) <= config.set_cnt);
    QS_ASSERT(qs_slots_in_progress(slots) <= config.slot_cnt);
}

static void
push(u8 const op[4])
{
    static block_set_t copy;
    u32 which = op[1] % SLOTS;
    block_t const *b = block[which];
    copy = b->set[op[1] / SLOTS % b->set_cnt];
    if (op[0] & 1) { /* anything in the head, or in a shred */
        u8 *at = op[2] & 1 ? (u8 *)&copy.head + op[3] % 88
                           : copy.data + (op[2] >> 1) % 32 * QS_FEC_SHRED_SZ + 64 + op[3];
        *at ^= (u8)(1 << op[2] % 8);
        changed[which] = true;
        if (copy.head.slot - 1 < SLOTS)
            changed[copy.head.slot - 1] = true;
    }
    if (op[0] & 2)
        copy.head.slot += (u64)op[3] << 8; /* strangers who take room */
    while (qs_slots_add(slots, &copy.head, copy.data, 1) == QS_SLOTS_FULL)
        QS_ASSERT(qs_slots_step(slots, 1));
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    if (!mem)
        prepare();
    memset(changed, 0, sizeof(changed));
    slots = qs_slots_init(mem, &config);
    for (size_t i = 0; i + 4 <= sz && i < 1600; i += 4) {
        push(data + i);
        for (u32 k = data[i] >> 4; k && qs_slots_step(slots, 1); k--) {
        }
        check();
    }
    for (u32 k = 0; qs_slots_step(slots, 1); k++)
        QS_ASSERT(k < 100000);
    check();
    return 0;
}

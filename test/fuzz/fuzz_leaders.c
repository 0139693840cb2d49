/* fuzz_leaders - a schedule as JSON: refused and nothing loaded, or every slot of its epoch has a leader
   and no other slot has one.  The first byte chooses what is known beside the text. */

#include "disco/shred/qs_leaders_json.h"

#define IDENT_MAX 64u
#define SLOT_MAX  4096u

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static void
check(qs_leaders_t const *leaders, qs_leaders_epoch_t const *e)
{
    QS_ASSERT(e && e->slot_cnt && e->slot_cnt <= SLOT_MAX && e->ident_cnt <= IDENT_MAX);
    for (u64 i = 0; i < e->slot_cnt; i++)
        QS_ASSERT(qs_leaders_find(leaders, e->first_slot + i));
    QS_ASSERT(!qs_leaders_find(leaders, e->first_slot + e->slot_cnt));
    QS_ASSERT(!e->first_slot || !qs_leaders_find(leaders, e->first_slot - 1));
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static qs_leaders_t leaders;
    static qs_leaders_stake_t stake[IDENT_MAX];
    static void *mem;
    if (!mem)
        QS_ASSERT(!posix_memalign(&mem, QS_ALIGN, qs_leaders_footprint(IDENT_MAX, SLOT_MAX)));
    if (!sz)
        return 0;
    qs_leaders_init(&leaders, mem, IDENT_MAX, SLOT_MAX, (qs_hash_key_t){1, 2});
    qs_epoch_t schedule = qs_epoch_derive(64, data[0] & 2);
    qs_leaders_json_t json = {.epoch = data[0] >> 2, .stake = stake, .stake_max = IDENT_MAX};
    json.schedule = data[0] & 1 ? &schedule : NULL;

    if (qs_leaders_json_parse(&leaders, &json, (char const *)data + 1, sz - 1))
        QS_ASSERT(!leaders.epoch[0].slot_cnt && !json.loaded);
    else
        check(&leaders, json.loaded);
    (void)qs_epoch_json_parse(&schedule, (char const *)data + 1, sz - 1);
    return 0;
}

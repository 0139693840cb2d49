#include "app/qs_dev_store.h"

#include "app/qs_slot_text.h"
#include "disco/qs_store_tile.h"

static bool
has_store(qs_attach_t const *a)
{
    return qs_plan_tile_of(a->plan, "store") >= 0;
}

static u64
sum(qs_attach_t const *a, char const *name)
{
    return qs_attach_sum(a, "store", "store", name);
}

bool
qs_dev_store_busy(qs_attach_t const *a)
{
    u64 came = sum(a, "set") + sum(a, "set_duplicate") + sum(a, "set_other") + sum(a, "set_late") +
               sum(a, "set_bad");
    return has_store(a) &&
           (sum(a, "busy") || came < qs_attach_sum(a, "shred", "shred", "set_done"));
}

static qs_store_view_t const *
view(qs_attach_t const *a)
{
    int tile = qs_plan_tile_of(a->plan, "store");
    return qs_attach_at(a, (u32)tile, a->plan->tile[tile].state_off, sizeof(qs_store_view_t));
}

typedef void each_slot_t(qs_slot_info_t const *s, bool first);

/* each_slot calls fn for the slots that the tile remembers, oldest first, each as it was told last. */
static void
each_slot(qs_attach_t const *a, each_slot_t *fn)
{
    qs_store_view_t const *v = view(a);
    if (!v)
        return;
    u64 end = qs_load_acquire(&v->cnt), first = true;
    u64 begin = end > QS_STORE_VIEW_CNT ? end - QS_STORE_VIEW_CNT : 0;
    for (u64 i = begin; i < end; i++) {
        qs_slot_info_t const *s = &v->slot[i % QS_STORE_VIEW_CNT];
        bool later = false;
        for (u64 k = i + 1; k < end && !later; k++)
            later = v->slot[k % QS_STORE_VIEW_CNT].slot == s->slot;
        if (later)
            continue;
        fn(s, first);
        first = false;
    }
}

static void
slot_json(qs_slot_info_t const *s, bool first)
{
    printf("%s{", first ? "" : ",");
    qs_slot_text_json(s);
    printf("}");
}

void
qs_dev_store_json(qs_attach_t const *a)
{
    if (!has_store(a))
        return;
    u64 retracted = sum(a, "slot_retracted");
    printf(",\"blocks\":{\"complete\":%lu,\"dead\":%lu,\"lost\":%lu,\"in_progress\":%lu,"
           "\"conflict\":%lu,\"start_unknown\":%lu,\"entries\":%lu,\"ticks\":%lu,\"txns\":%lu,"
           "\"votes\":%lu,\"signatures\":%lu,\"trailing_bytes\":%lu,\"reasons\":{",
           sum(a, "slot_complete") - retracted, sum(a, "slot_dead"), sum(a, "slot_lost"),
           sum(a, "slots"), sum(a, "slot_conflict"), sum(a, "slot_start_unknown"), sum(a, "entry"),
           sum(a, "tick"), sum(a, "txn"), sum(a, "vote"), sum(a, "signature"),
           sum(a, "trailing_bytes"));
    bool first = true;
    for (u32 i = 1; i < QS_SLOTS_REASON_CNT; i++) {
        char name[64];
        snprintf(name, sizeof(name), "dead_%s", qs_slots_reason_name(i));
        u64 cnt = sum(a, name);
        if (!cnt)
            continue;
        printf("%s\"%s\":%lu", first ? "" : ",", qs_slots_reason_name(i), cnt);
        first = false;
    }
    printf("},\"slots\":[");
    each_slot(a, slot_json);
    printf("]}");
}

static void
slot_line(qs_slot_info_t const *s, bool first)
{
    if (first)
        qs_slot_text_head();
    qs_slot_text_line(s);
}

void
qs_dev_store_text(qs_attach_t const *a)
{
    if (!has_store(a))
        return;
    each_slot(a, slot_line);
    printf("blocks: complete %lu, dead %lu, lost %lu; entries %lu, transactions %lu (votes %lu)\n",
           sum(a, "slot_complete") - sum(a, "slot_retracted"), sum(a, "slot_dead"),
           sum(a, "slot_lost"), sum(a, "entry"), sum(a, "txn"), sum(a, "vote"));
}

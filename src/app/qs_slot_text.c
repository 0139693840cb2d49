#include "app/qs_slot_text.h"

void
qs_slot_text_hex(u8 const *data, u64 sz)
{
    for (u64 i = 0; i < sz; i++)
        printf("%02x", data[i]);
}

static char const *
truth(qs_slot_info_t const *s, u32 flag)
{
    return s->flags & flag ? "true" : "false";
}

static u64
took_ns(qs_slot_info_t const *s)
{
    return s->done_ns > s->first_ns ? s->done_ns - s->first_ns : 0;
}

void
qs_slot_text_json(qs_slot_info_t const *s)
{
    bool complete = s->status == QS_SLOT_COMPLETE;
    printf("\"slot\":%lu,\"parent\":%lu,\"status\":\"%s\",\"reason\":", s->slot, s->parent,
           qs_slot_status_name(s->status));
    printf(s->reason ? "\"%s\"" : "null", qs_slots_reason_name(s->reason));
    printf(",\"start_known\":%s,\"chained\":%s,\"genesis\":%s,\"signed\":%s,\"conflict\":%s",
           truth(s, QS_SLOT_START), truth(s, QS_SLOT_CHAINED), truth(s, QS_SLOT_GENESIS),
           truth(s, QS_SLOT_SIGNED), truth(s, QS_SLOT_CONFLICT));
    printf(",\"sets\":%u,\"sets_recovered\":%u,\"sets_missing\":%u,\"shreds_received\":%u,"
           "\"batches\":%u,\"entries\":%u,\"ticks\":%u,"
           "\"txns\":%u,\"votes\":%u,\"signatures\":%u,\"hashes\":%lu,\"ledger_bytes\":%lu,"
           "\"trailing_bytes\":%lu",
           s->set_cnt, s->recovered_cnt, s->missing_cnt, s->received_cnt, s->batch_cnt,
           s->entry_cnt, s->tick_cnt, s->txn_cnt, s->vote_cnt, s->signature_cnt, s->hash_cnt,
           s->ledger_bytes, s->trailing_bytes);
    printf(",\"first_shred_ns\":%lu,\"full_ns\":%lu,\"done_ns\":%lu,\"complete_after_ns\":%lu",
           s->first_ns, s->full_ns, s->done_ns, took_ns(s));
    if (complete) {
        printf(",\"block_id\":\"");
        qs_slot_text_hex(s->block_id, 32);
        printf("\",\"hash\":\"");
        qs_slot_text_hex(s->hash, 32);
        printf("\"");
    }
}

void
qs_slot_text_head(void)
{
    printf("%12s %12s %-9s %5s %7s %6s %6s %9s %-5s  %s\n", "slot", "parent", "status", "sets",
           "entries", "txns", "votes", "after ms", "trust", "block id, or why not");
}

/* trust: S signed, P proof of history from the parent on, C chained to the parent, X conflict. */
void
qs_slot_text_line(qs_slot_info_t const *s)
{
    char const trust[] = {
        s->flags & QS_SLOT_SIGNED ? 'S' : '-', s->flags & QS_SLOT_START ? 'P' : '-',
        s->flags & QS_SLOT_CHAINED ? 'C' : '-', s->flags & QS_SLOT_CONFLICT ? 'X' : '-', 0};
    printf("%12lu %12lu %-9s %5u %7u %6u %6u %9.3f %-5s  ", s->slot, s->parent,
           qs_slot_status_name(s->status), s->set_cnt, s->entry_cnt, s->txn_cnt, s->vote_cnt,
           (double)took_ns(s) / 1e6, trust);
    if (s->status == QS_SLOT_COMPLETE)
        qs_slot_text_hex(s->block_id, 32);
    else if (s->reason)
        printf("%s: %s", qs_slots_reason_name(s->reason), qs_slots_reason_help(s->reason));
    printf("\n");
}

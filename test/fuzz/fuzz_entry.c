/* fuzz_entry - an entry batch, in every way there is to read one: refused with a reason that has a
   name, or read to its end, and written again it is the same bytes.

   The first byte says how to read. */

#include "tango/base/qs_rng.h"
#include "waltz/codec/qs_entry.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

#define HOW_ALL  (QS_ENTRY_STRICT | QS_ENTRY_MARKERS | QS_ENTRY_ALLOW_V1)
#define ROOM_MAX (1u << 20)

/* walk reads entry by entry and writes what it finds; takes says how many transactions of each it
   takes, the others being passed over. */
static qs_entry_reason_t
walk(qs_entry_reader_t *r, qs_writer_t *w, u8 const *data, u64 sz, u32 how, u32 takes)
{
    qs_entry_t e;
    qs_txn_t txn;
    u32 off;

    if (qs_entry_open(r, data, sz, how))
        return r->why;
    if (!r->entry_cnt) {
        qs_entry_write_marker(w, r->marker.variant, data + r->marker.off, r->marker.sz);
        return QS_ENTRY_OK;
    }
    qs_entry_write_batch(w, r->entry_cnt);
    while (qs_entry_next(r, &e) == 1) {
        QS_ASSERT(e.hash == data + e.off + 8 && e.txn_off == e.off + QS_ENTRY_HEAD_SZ);
        QS_ASSERT(e.txn_off <= sz && e.txn_cnt <= (sz - e.txn_off) / QS_ENTRY_TXN_SZ_MIN);
        qs_entry_write_head(w, e.num_hashes, e.hash, e.txn_cnt);
        for (u32 i = 0; i < takes && qs_entry_txn(r, &txn, &off) == 1; i++) {
            QS_ASSERT(off >= e.txn_off && (u64)off + txn.sz <= sz);
            QS_ASSERT(qs_txn_valid(&txn, qs_txn_desc_sz(&txn), txn.sz));
            qs_write_bytes(w, data + off, txn.sz);
        }
    }
    return r->why;
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    static u8 again[ROOM_MAX];
    qs_entry_reader_t r, passed;
    qs_writer_t w = {.data = again, .sz = sizeof(again)}, unused = {.full = true};

    if (!sz || sz > ROOM_MAX)
        return 0;
    u32 how = *data++ & HOW_ALL;
    sz--;
    qs_entry_reason_t why = walk(&r, &w, data, sz, how, UINT32_MAX);
    QS_ASSERT(why < QS_ENTRY_REASON_CNT && qs_entry_reason_name(why)[0] != '?');
    QS_ASSERT(walk(&passed, &unused, data, sz, how, 1) == why && passed.txn_cnt == r.txn_cnt);
    QS_ASSERT(qs_entry_check(&passed, data, sz, how) == why && passed.txn_cnt == r.txn_cnt);
    bool of_txn = why == QS_ENTRY_REASON_txn_bad || why == QS_ENTRY_REASON_txn_v1 ||
                  why == QS_ENTRY_REASON_txn_cut;
    QS_ASSERT(of_txn == (r.txn_why != QS_TXN_OK));
    if (!why) {
        QS_ASSERT(!w.full && w.at + r.trailing_sz == sz && !memcmp(again, data, w.at));
        QS_ASSERT(!(how & QS_ENTRY_STRICT) || !r.trailing_sz);
    }
    return 0;
}

/* Goal: published transactions, and those of a real leader's port, are parsed and judged as is known
   of them.
   Method: the files of $QS_VECTORS/txn (../shared/vectors) against a table of what is in them, and
   every datagram to port 9001 of live-leader/leader.pcap; skipped, and said so, where absent. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_txn.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/pcap/qs_pcap.h"

static char const *
path_of(char const *name)
{
    static char path[512];
    char const *dir = getenv("QS_VECTORS");
    snprintf(path, sizeof(path), "%s/%s", dir ? dir : "../shared/vectors", name);
    return path;
}

static u32
good_signatures(u8 const *bytes, qs_txn_t const *txn)
{
    qs_ed25519_item_t item[QS_TXN_SIGNATURE_MAX];
    qs_ed25519_verdict_t verdict[QS_TXN_SIGNATURE_MAX];
    u32 good = 0;
    for (u32 i = 0; i < txn->signature_cnt; i++)
        item[i] = (qs_ed25519_item_t){.signature = bytes + txn->signature_off + 64 * i,
                                      .public_key = bytes + txn->account_off + 32 * i,
                                      .msg = bytes + txn->message_off,
                                      .msg_sz = txn->message_sz};
    qs_ed25519_verify_batch(verdict, item, txn->signature_cnt, QS_ED25519_STRICT);
    for (u32 i = 0; i < txn->signature_cnt; i++)
        good += verdict[i] == QS_ED25519_OK;
    return good;
}

/* clang-format off */
static struct file {
    char const *name;
    u32 sz;
    qs_txn_reason_t why;
    u8 version, signatures, readonly_signed, readonly_unsigned, accounts, instrs, lookups, looked_up;
    u8 good; /* signatures that hold */
    bool vote;
} const files[] = {
    {"pack_txn1", 702, 0, QS_TXN_V0, 1, 0, 2, 13, 11, 0, 0, 1, false},
    {"pack_txn2", 543, 0, QS_TXN_V0, 1, 0, 2, 3, 3, 7, 28, 1, false},
    {"pack_txn3", 683, 0, QS_TXN_LEGACY, 1, 0, 5, 16, 2, 0, 0, 1, false},
    {"pack_txn4", 624, 0, QS_TXN_LEGACY, 1, 0, 9, 14, 4, 0, 0, 1, false},
    {"pack_txn5", 1218, 0, QS_TXN_LEGACY, 1, 0, 6, 20, 14, 0, 0, 1, false},
    {"pack_txn6", 353, 0, QS_TXN_V0, 1, 0, 4, 6, 4, 0, 0, 1, false},
    {"pack_txn7", 501, 0, QS_TXN_LEGACY, 1, 0, 3, 8, 3, 0, 0, 1, false},
    {"sample_vote", 330, 0, QS_TXN_LEGACY, 1, 0, 3, 5, 1, 0, 0, 1, true},
    {"transaction1", 1197, 0, QS_TXN_LEGACY, 4, 1, 11, 23, 7, 0, 0, 4, false},
    {"transaction2", 507, 0, QS_TXN_V0, 1, 0, 2, 6, 2, 3, 21, 1, false},
    {"transaction3", 1200, 0, QS_TXN_V0, 1, 0, 1, 2, 64, 24, 24, 0, false},
    {"transaction4", 134, 0, QS_TXN_LEGACY, 1, 0, 0, 1, 0, 0, 0, 1, false},
    {"transaction5", 1212, QS_TXN_REASON_no_program, 0, 0, 0, 0, 0, 0, 0, 0, 0, false},
    {"transaction6", 234, 0, QS_TXN_LEGACY, 2, 1, 0, 2, 1, 0, 0, 2, false},
    {"vote_tower_sync", 448, 0, QS_TXN_LEGACY, 2, 1, 1, 4, 1, 0, 0, 1, true},
};
/* clang-format on */

static u32
read_file(char const *name, u8 *buf, u32 max)
{
    char file[128];
    snprintf(file, sizeof(file), "txn/%s.bin", name);
    FILE *f = fopen(path_of(file), "rb");
    if (!f) {
        printf("skipped: no vectors at %s\n", path_of(file));
        return 0;
    }
    u32 sz = (u32)fread(buf, 1, max, f);
    fclose(f);
    return sz;
}

Test(txn_vectors, published_transactions_are_what_is_known_of_them)
{
    for (u32 i = 0; i < QS_COUNT(files); i++) {
        struct file const *f = &files[i];
        u8 buf[2048];
        qs_txn_t t;
        u32 sz = read_file(f->name, buf, sizeof(buf));
        if (!sz)
            return;
        cr_assert(eq(u32, sz, f->sz));
        qs_txn_reason_t why = qs_txn_parse(&t, buf, sz, 0);
        cr_assert(why == f->why, "%s: %s", f->name, qs_txn_reason_name(why));
        if (why)
            continue;
        cr_assert(t.version == f->version && t.signature_cnt == f->signatures &&
                      t.readonly_signed_cnt == f->readonly_signed &&
                      t.readonly_unsigned_cnt == f->readonly_unsigned &&
                      t.account_cnt == f->accounts && t.instr_cnt == f->instrs &&
                      t.lookup_cnt == f->lookups &&
                      t.lookup_writable_cnt + t.lookup_readonly_cnt == f->looked_up,
                  "%s", f->name);
        cr_assert(eq(u32, good_signatures(buf, &t), f->good), "%s", f->name);
        cr_assert(qs_txn_is_simple_vote(&t) == f->vote, "%s", f->name);
    }
}

Test(txn_vectors, every_truncation_of_a_landed_transaction_is_refused)
{
    static char const *const name[] = {"transaction2", "sample_vote"};
    for (u32 i = 0; i < QS_COUNT(name); i++) {
        u8 buf[2048];
        qs_txn_t t;
        u32 sz = read_file(name[i], buf, sizeof(buf) - 1);
        if (!sz)
            return;
        for (u32 cut = 1; cut < sz; cut++)
            cr_assert(qs_txn_parse(&t, buf, cut, 0) == QS_TXN_REASON_truncated, "%u", cut);
        cr_assert(qs_txn_parse(&t, buf, sz + 1, 0) == QS_TXN_REASON_trailing);
    }
}

Test(txn_vectors, every_transaction_of_a_real_leaders_port_passes)
{
    qs_pcap_t pcap;
    qs_pcap_pkt_t pkt;
    u32 cnt = 0, version_cnt[256] = {0}, signatures = 0, good = 0;

    if (qs_pcap_open(&pcap, path_of("live-leader/leader.pcap"))) {
        printf("skipped: no vectors at %s\n", path_of("live-leader/leader.pcap"));
        return;
    }
    while (qs_pcap_next(&pcap, &pkt) == 1) {
        qs_txn_t t;
        if (pkt.dst_port != 9001)
            continue;
        cr_assert(eq(int, qs_txn_parse(&t, pkt.payload, pkt.payload_sz, 0), QS_TXN_OK));
        cnt++;
        version_cnt[t.version]++;
        signatures += t.signature_cnt;
        good += good_signatures(pkt.payload, &t);
    }
    qs_pcap_close(&pcap);
    cr_assert(eq(u32, cnt, 1539));
    cr_assert(eq(u32, version_cnt[QS_TXN_LEGACY], 1009 + 216));
    cr_assert(eq(u32, version_cnt[QS_TXN_V0], 314));
    cr_assert(eq(u32, signatures, 1539 + 216));
    cr_assert(eq(u32, good, signatures));
}

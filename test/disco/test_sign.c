/* Goal: each role has signed what is its own, and nothing else: no kind of another role, no bytes that
   are something else, nothing in another's name.
   Method: every kind's good bytes under every kind and role; every single change of form by table. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/sign/qs_sign_check.h"
#include "waltz/gossip_samples.h"

typedef struct sample {
    u8 data[QS_SIGN_MTU];
    u32 sz;
} sample_t;

static u32 const roles[] = {QS_SIGN_ROLE_SHRED, QS_SIGN_ROLE_GOSSIP, QS_SIGN_ROLE_REPAIR};

static void
make(sample_t *s, u32 kind)
{
    qs_gossip_prune_t prune = {
        .from = sample_key, .dest = sample_key, .origins = sample_key, .cnt = 1, .wallclock = 9};

    memset(s, 0, sizeof(*s));
    switch (kind) {
    case QS_SIGN_ROOT:
        memset(s->data, 0xab, 32);
        s->sz = 32;
        break;
    case QS_SIGN_VALUE:
        s->sz = sample_data(s->data, sizeof(s->data), QS_CRDS_CONTACT_INFO);
        break;
    case QS_SIGN_PRUNE:
        s->sz = qs_gossip_prune_to_sign(s->data, sizeof(s->data), &prune, true);
        break;
    case QS_SIGN_PING:
    case QS_SIGN_PONG:
        memcpy(s->data, "SOLANA_PING_PONG", 16);
        s->sz = kind == QS_SIGN_PING ? 32 : 48;
        break;
    default:
        break;
    }
}

Test(sign, a_kind_is_granted_to_its_role_and_to_no_bytes_of_another_kind)
{
    for (u32 role = 0; role < QS_COUNT(roles); role++)
        for (u32 kind = 0; kind < QS_SIGN_KIND_CNT + 2; kind++)
            for (u32 bytes = 0; bytes < QS_SIGN_KIND_CNT; bytes++) {
                sample_t s;
                make(&s, bytes);
                bool its = kind < QS_SIGN_KIND_CNT && roles[role] >> kind & 1;
                int want = !its            ? QS_SIGN_NOT_ITS_ROLE
                           : kind == bytes ? QS_SIGN_GRANTED
                                           : QS_SIGN_NOT_ITS_FORM;
                cr_assert(eq(int, qs_sign_check(kind, roles[role], sample_key, s.data, s.sz), want),
                          "role %u kind %u bytes %u", role, kind, bytes);
            }
}

Test(sign, every_kind_of_value_of_ours_is_granted_and_none_of_anothers)
{
    u8 other[32] = {7};

    for (u32 kind = 0; kind < QS_CRDS_KIND_CNT; kind++) {
        sample_t s;
        s.sz = sample_data(s.data, sizeof(s.data), kind);
        if (!s.sz)
            continue;
        cr_assert(eq(int,
                     qs_sign_check(QS_SIGN_VALUE, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, s.sz),
                     QS_SIGN_GRANTED));
        cr_assert(eq(int, qs_sign_check(QS_SIGN_VALUE, QS_SIGN_ROLE_GOSSIP, other, s.data, s.sz),
                     QS_SIGN_NOT_OURS));
        for (u32 cut = 0; cut < s.sz; cut++)
            cr_assert(eq(int,
                         qs_sign_check(QS_SIGN_VALUE, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, cut),
                         QS_SIGN_NOT_ITS_FORM));
        cr_assert(
            eq(int, qs_sign_check(QS_SIGN_VALUE, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, s.sz + 1),
               QS_SIGN_NOT_ITS_FORM));
    }
}

Test(sign, no_prune_of_anothers_and_none_of_a_wrong_length)
{
    u8 other[32] = {7};
    sample_t s;

    make(&s, QS_SIGN_PRUNE);
    cr_assert(eq(int, qs_sign_check(QS_SIGN_PRUNE, QS_SIGN_ROLE_GOSSIP, other, s.data, s.sz),
                 QS_SIGN_NOT_OURS));
    for (u32 sz = 0; sz < s.sz + 64; sz++)
        cr_assert(eq(int, qs_sign_check(QS_SIGN_PRUNE, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, sz),
                     sz == s.sz ? QS_SIGN_GRANTED : QS_SIGN_NOT_ITS_FORM));
    qs_store_le64(s.data + 26 + 32, UINT64_MAX);
    cr_assert(eq(int, qs_sign_check(QS_SIGN_PRUNE, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, s.sz),
                 QS_SIGN_NOT_ITS_FORM));
}

Test(sign, a_pings_token_is_no_root)
{
    sample_t s;

    make(&s, QS_SIGN_PING);
    cr_assert(eq(int, qs_sign_check(QS_SIGN_ROOT, QS_SIGN_ROLE_SHRED, sample_key, s.data, 32),
                 QS_SIGN_NOT_ITS_FORM));
}

Test(sign, a_ping_and_a_pong_begin_with_their_whole_prefix)
{
    for (u32 kind = QS_SIGN_PING; kind <= QS_SIGN_PONG; kind++)
        for (u32 i = 0; i < 16; i++) {
            sample_t s;
            make(&s, kind);
            s.data[i] ^= 1;
            cr_assert(eq(int, qs_sign_check(kind, QS_SIGN_ROLE_GOSSIP, sample_key, s.data, s.sz),
                         QS_SIGN_NOT_ITS_FORM));
        }
}

/* A transaction message begins with how many sign it, and then holds so many keys; none of these
   begins with a number of signers that its keys could be. */
Test(sign, nothing_that_is_granted_can_be_a_transaction)
{
    for (u32 kind = QS_SIGN_VALUE; kind < QS_SIGN_KIND_CNT; kind++) {
        sample_t s;
        make(&s, kind);
        u32 signers = s.data[0], keys = s.data[3];
        cr_assert(s.data[0] & 0x80 || signers > 12 || keys < signers, "kind %u", kind);
    }
}

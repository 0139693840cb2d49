#include "disco/qs_lab_txn.h"

#include "tango/base/qs_rng.h"
#include "waltz/crypto/qs_ed25519.h"

void
qs_lab_txn_init(qs_lab_txn_t *l, u64 seed, u32 signers)
{
    l->signers = signers;
    for (u32 i = 0; i < QS_COUNT(l->secret); i++) {
        qs_rng_t rng;
        qs_rng_init(&rng, seed, i);
        for (u32 k = 0; k < 4; k++)
            qs_store_le64(l->secret[i] + 8 * k, qs_rng_u64(&rng));
        qs_ed25519_public_key(l->public_key[i], l->secret[i]);
    }
}

u32
qs_lab_txn_make(qs_lab_txn_t const *l, u8 out[QS_TXN_SZ_MAX], u64 number, u64 sent_ns)
{
    u8 blockhash[32] = {0};
    qs_probe_t probe = {.magic = QS_PROBE_MAGIC, .number = number, .sent_ns = sent_ns};
    u32 first = (u32)(number % QS_LAB_TXN_PAYERS);

    probe.check = qs_probe_check(&probe);
    qs_store_le64(blockhash, number / 1000);
    return qs_txn_build_memo(out, l->signers, l->public_key + first, l->secret + first, blockhash,
                             &probe, sizeof(probe));
}

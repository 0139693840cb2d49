/* A sound transaction of each version, as the builder's arguments, for tests to damage one thing of. */

#ifndef QS_TEST_WALTZ_TXN_SAMPLE_H
#define QS_TEST_WALTZ_TXN_SAMPLE_H

#include "waltz/codec/qs_txn_build.h"

#define SAMPLE_MAX 8192u

typedef struct sample {
    qs_txn_build_t b;
    u8 account[256][32];
    qs_txn_build_instr_t instr[256];
    qs_txn_build_lookup_t lookup[256];
    u8 index[512], data[512];
    u8 bytes[SAMPLE_MAX];
    u32 sz;
} sample_t;

/* sample_init: 2 signers of which 1 is read-only, 6 accounts of which the last 2 are read-only; a
   transfer with 3 accounts and 40 bytes of data, and an instruction without either; version 0 has
   two lookups, 2 + 1 and 0 + 2; version 1 all values. */
static inline void
sample_init(sample_t *s, u8 version)
{
    memset(s, 0, sizeof(*s));
    for (u32 i = 0; i < 256; i++) {
        memset(s->account[i], (int)i, 32);
        s->account[i][0] = 0xa5;
        s->lookup[i] = (qs_txn_build_lookup_t){
            .key = s->account[100], .readonly_cnt = 1, .writable = s->index, .readonly = s->index};
        s->instr[i] = (qs_txn_build_instr_t){.program = 5, .account = s->index, .data = s->data};
    }
    s->index[0] = 0;
    s->index[1] = 3;
    s->index[2] = 1;
    memset(s->data, 0x77, sizeof(s->data));
    s->instr[0].program = 4;
    s->instr[0].account_cnt = 3;
    s->instr[0].data_sz = 40;
    s->lookup[0].writable_cnt = 2;
    s->lookup[1].readonly_cnt = 2;
    s->b = (qs_txn_build_t){.version = version,
                            .signature_cnt = 2,
                            .required_cnt = 2,
                            .readonly_signed_cnt = 1,
                            .readonly_unsigned_cnt = 2,
                            .account_cnt = 6,
                            .account = (u8 const(*)[32])s->account,
                            .blockhash = s->account[99],
                            .instr_cnt = 2,
                            .instr = s->instr,
                            .lookup_cnt = version == QS_TXN_V0 ? 2 : 0,
                            .lookup = s->lookup};
    if (version == QS_TXN_V1) {
        s->b.config_mask = QS_TXN_CONFIG_ALL;
        s->b.fee = 5000;
        s->b.cu_limit = 200000;
        s->b.data_limit = 65536;
        s->b.heap_sz = 65536;
    }
}

static inline void
sample_write(sample_t *s)
{
    s->sz = qs_txn_build(s->bytes, sizeof(s->bytes), &s->b);
    QS_ASSERT(s->sz);
}

#endif

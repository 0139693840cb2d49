/* SHA-256 and SHA-512: every kernel of this processor, over batches of messages in parts, and the
   incremental functions give what plain C gives for the same bytes in one piece.

   The input is cut into records: three bytes say how long the parts of the next message are,
   as many bytes follow as there are; the last record is cut short. */

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"
#include "waltz/crypto/qs_sha256.h"
#include "waltz/crypto/qs_sha512.h"

#define MSG_MAX 64u

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static qs_sha_msg_t msg[MSG_MAX];
static u8 got[MSG_MAX][QS_SHA512_SZ];
static u8 want[MSG_MAX][QS_SHA512_SZ];

/* cut fills msg.  A part's size byte counts in steps that grow, so that one byte reaches
   from nothing to several blocks. */
static u32
cut(u8 const *data, u64 sz)
{
    u32 cnt = 0;
    while (cnt < MSG_MAX && sz >= QS_SHA_PART_MAX) {
        u8 const *size = data;
        data += QS_SHA_PART_MAX;
        sz -= QS_SHA_PART_MAX;
        for (u32 p = 0; p < QS_SHA_PART_MAX; p++) {
            u64 part_sz = qs_min_u64(sz, size[p] < 192 ? size[p] : 192 + (size[p] - 192u) * 8);
            msg[cnt].part[p] = (qs_sha_part_t){part_sz ? data : NULL, part_sz};
            data += part_sz;
            sz -= part_sz;
        }
        msg[cnt].out = got[cnt];
        cnt++;
    }
    return cnt;
}

static u64
msg_sz(qs_sha_msg_t const *m)
{
    return m->part[0].sz + m->part[1].sz + m->part[2].sz;
}

/* The parts of a message lie one after the other in the input. */
static u8 const *
msg_data(qs_sha_msg_t const *m)
{
    for (u32 p = 0; p < QS_SHA_PART_MAX; p++)
        if (m->part[p].sz)
            return m->part[p].data;
    return NULL;
}

static void
check_256(u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        qs_sha_msg_t whole = {want[i], {{msg_data(&msg[i]), msg_sz(&msg[i])}}};
        qs_sha256_batch_with(qs_sha256_kernels, &whole, 1);
    }
    for (u32 k = 0; k < qs_sha256_kernel_cnt; k++) {
        if (!qs_cpu_has(qs_sha256_kernels[k].needs))
            continue;
        memset(got, 0, sizeof(got));
        qs_sha256_batch_with(&qs_sha256_kernels[k], msg, cnt);
        for (u32 i = 0; i < cnt; i++)
            QS_ASSERT(!memcmp(got[i], want[i], QS_SHA256_SZ));
    }
    for (u32 i = 0; i < cnt; i++) {
        qs_sha256_t sha;
        qs_sha256_init(&sha);
        for (u32 p = 0; p < QS_SHA_PART_MAX; p++)
            qs_sha256_append(&sha, msg[i].part[p].data, msg[i].part[p].sz);
        qs_sha256_fini(&sha, got[i]);
        QS_ASSERT(!memcmp(got[i], want[i], QS_SHA256_SZ));
    }
}

static void
check_512(u32 cnt)
{
    for (u32 i = 0; i < cnt; i++) {
        qs_sha_msg_t whole = {want[i], {{msg_data(&msg[i]), msg_sz(&msg[i])}}};
        qs_sha512_batch_with(qs_sha512_kernels, &whole, 1);
    }
    for (u32 k = 0; k < qs_sha512_kernel_cnt; k++) {
        if (!qs_cpu_has(qs_sha512_kernels[k].needs))
            continue;
        memset(got, 0, sizeof(got));
        qs_sha512_batch_with(&qs_sha512_kernels[k], msg, cnt);
        for (u32 i = 0; i < cnt; i++)
            QS_ASSERT(!memcmp(got[i], want[i], QS_SHA512_SZ));
    }
    for (u32 i = 0; i < cnt; i++) {
        qs_sha512_t sha;
        qs_sha512_init(&sha);
        for (u32 p = 0; p < QS_SHA_PART_MAX; p++)
            qs_sha512_append(&sha, msg[i].part[p].data, msg[i].part[p].sz);
        qs_sha512_fini(&sha, got[i]);
        QS_ASSERT(!memcmp(got[i], want[i], QS_SHA512_SZ));
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    u32 cnt = cut(data, sz);
    check_256(cnt);
    check_512(cnt);
    return 0;
}

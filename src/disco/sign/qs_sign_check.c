#include "disco/sign/qs_sign_check.h"

#include "waltz/codec/qs_gossip.h"

#define PING_PREFIX "SOLANA_PING_PONG"
#define PREFIX_SZ   16u

static bool
has_prefix(u8 const *data, u32 sz, u32 want_sz)
{
    return sz == want_sz && !memcmp(data, PING_PREFIX, PREFIX_SZ);
}

static qs_sign_refusal_t
check_value(u8 const *public_key, u8 const *data, u32 sz)
{
    u8 value[QS_CRDS_SIG_SZ + QS_SIGN_MTU] = {0};
    qs_crds_t v;

    if (sz > QS_SIGN_MTU)
        return QS_SIGN_NOT_ITS_FORM;
    memcpy(value + QS_CRDS_SIG_SZ, data, sz);
    if (qs_crds_parse(value, QS_CRDS_SIG_SZ + sz, &v))
        return QS_SIGN_NOT_ITS_FORM;
    return memcmp(value + v.origin_off, public_key, 32) ? QS_SIGN_NOT_OURS : QS_SIGN_GRANTED;
}

static qs_sign_refusal_t
check_prune(u8 const *public_key, u8 const *data, u32 sz)
{
    u32 magic_sz = sizeof(QS_GOSSIP_PRUNE_MAGIC) - 1, at = 8 + magic_sz;

    if (sz < at + 80 || qs_load_le64(data) != magic_sz ||
        memcmp(data + 8, QS_GOSSIP_PRUNE_MAGIC, magic_sz))
        return QS_SIGN_NOT_ITS_FORM;
    u64 cnt = qs_load_le64(data + at + 32);
    if (cnt > QS_GOSSIP_PRUNE_MAX || sz != at + 80 + 32 * cnt)
        return QS_SIGN_NOT_ITS_FORM;
    return memcmp(data + at, public_key, 32) ? QS_SIGN_NOT_OURS : QS_SIGN_GRANTED;
}

qs_sign_refusal_t
qs_sign_check(u32 kind, u32 role, u8 const public_key[32], u8 const *data, u32 sz)
{
    bool ok = false;

    if (kind >= QS_SIGN_KIND_CNT || !(role >> kind & 1))
        return QS_SIGN_NOT_ITS_ROLE;
    switch ((qs_sign_kind_t)kind) {
    case QS_SIGN_VALUE:
        return check_value(public_key, data, sz);
    case QS_SIGN_PRUNE:
        return check_prune(public_key, data, sz);
    case QS_SIGN_HELLO:
        ok = sz == 0;
        break;
    case QS_SIGN_ROOT: /* what is a ping's token is no root */
        ok = sz == 32 && !has_prefix(data, sz, 32);
        break;
    case QS_SIGN_PING:
        ok = has_prefix(data, sz, 32);
        break;
    case QS_SIGN_PONG:
        ok = has_prefix(data, sz, 48);
        break;
    case QS_SIGN_KIND_CNT:
        break;
    }
    return ok ? QS_SIGN_GRANTED : QS_SIGN_NOT_ITS_FORM;
}

#include "disco/shred/qs_resign.h"

void
qs_resign_init(qs_resign_t *r, u32 first_tag)
{
    r->first_tag = first_tag;
    r->seq = r->pop = r->end = 0;
    r->dropped = r->stray = 0;
    for (u32 i = 0; i < QS_RESIGN_ROOT_CNT; i++)
        r->root[i].seq = 0;
}

qs_resign_root_t *
qs_resign_find(qs_resign_t *r, u8 const root[QS_SHRED_ROOT_SZ], bool *is_new)
{
    u64 cnt = qs_min_u64(r->seq, QS_RESIGN_ROOT_CNT);
    for (u64 seq = r->seq; seq > r->seq - cnt; seq--) {
        qs_resign_root_t *have = &r->root[seq % QS_RESIGN_ROOT_CNT];
        *is_new = false;
        if (!memcmp(have->root, root, QS_SHRED_ROOT_SZ))
            return have;
    }
    r->seq++;
    qs_resign_root_t *n = &r->root[r->seq % QS_RESIGN_ROOT_CNT];
    *n = (qs_resign_root_t){.seq = r->seq};
    n->tag = (r->first_tag + (u32)r->seq) & QS_RESIGN_TAG_MASK;
    memcpy(n->root, root, QS_SHRED_ROOT_SZ);
    *is_new = true;
    return n;
}

u8 *
qs_resign_room(qs_resign_t *r)
{
    return r->end - r->pop == QS_RESIGN_WAIT_CNT ? NULL
                                                 : r->wait[r->end % QS_RESIGN_WAIT_CNT].request;
}

void
qs_resign_push(qs_resign_t *r, qs_resign_root_t const *root, u32 sz)
{
    qs_resign_wait_t *w = &r->wait[r->end++ % QS_RESIGN_WAIT_CNT];
    QS_ASSERT(sz <= sizeof(w->request) && sz >= QS_SHRED_SIG_SZ);
    w->seq = root->seq;
    w->sz = sz;
}

void
qs_resign_signed(qs_resign_t *r, u32 tag, u8 const sig[QS_SHRED_SIG_SZ])
{
    for (u32 i = 0; i < QS_RESIGN_ROOT_CNT; i++) {
        qs_resign_root_t *root = &r->root[i];
        if (!root->seq || root->tag != tag || root->is_signed)
            continue;
        memcpy(root->sig, sig, QS_SHRED_SIG_SZ);
        root->is_signed = true;
        return;
    }
    r->stray++;
}

u8 const *
qs_resign_peek(qs_resign_t *r, u32 *sz)
{
    for (; r->pop != r->end; r->pop++) {
        qs_resign_wait_t *w = &r->wait[r->pop % QS_RESIGN_WAIT_CNT];
        qs_resign_root_t const *root = &r->root[w->seq % QS_RESIGN_ROOT_CNT];
        if (root->seq != w->seq) {
            r->dropped++;
            continue;
        }
        if (!root->is_signed)
            return NULL;
        *sz = w->sz;
        memcpy(w->request + w->sz - QS_SHRED_SIG_SZ, root->sig, QS_SHRED_SIG_SZ);
        return w->request;
    }
    return NULL;
}

void
qs_resign_pop(qs_resign_t *r)
{
    r->pop++;
}

#include "disco/verify/qs_verify.h"

#include "tango/base/qs_rng.h"

#define KEY_STREAM 0x74786e5f746167ull /* "txn_tag" */
#define FIRST_NS   10000u              /* a check, until one was timed */

int
qs_verify_init(qs_verify_t *v, void *tcache_mem, qs_verify_conf_t const *conf)
{
    qs_rng_t rng;
    int err = conf->fresh ? qs_tcache_new(tcache_mem, conf->tag_depth) : 0;

    memset(v, 0, offsetof(qs_verify_t, slot));
    if (!err)
        err = qs_tcache_join(&v->seen, tcache_mem, conf->tag_depth);
    if (err)
        return err;
    qs_rng_init(&rng, conf->seed, KEY_STREAM);
    v->tag_key.k0 = qs_rng_u64(&rng);
    v->tag_key.k1 = qs_rng_u64(&rng);
    v->rule = conf->rule;
    v->how = conf->how;
    v->ns_per_check_x16 = 16 * FIRST_NS;
    qs_rng_init(&rng, conf->seed, KEY_STREAM + 1 + conf->idx);
    qs_hash_key_t fair_key = {.k0 = qs_rng_u64(&rng), .k1 = qs_rng_u64(&rng)};
    qs_fair_init(&v->fair, fair_key, qs_verify_capacity(v), conf->now_ns);
    qs_siphash_key_t keys_key = {qs_rng_u64(&rng), qs_rng_u64(&rng)};
    if (conf->keys_mem)
        v->keys = qs_ed25519_cache_init(conf->keys_mem, conf->key_max, keys_key, NULL);
    return conf->keys_mem && !v->keys ? -EINVAL : 0;
}

static void
queue_signatures(qs_verify_t *v, u32 slot_idx)
{
    qs_verify_slot_t *s = &v->slot[slot_idx];
    qs_txn_t const *t = &s->txn;

    for (u32 i = 0; i < t->signature_cnt; i++) {
        u8 const *key = s->bytes + t->account_off + i * QS_TXN_KEY_SZ;
        bool known = v->keys && qs_ed25519_cache_has(v->keys, key);
        qs_verify_queue_t *q = &v->queue[known ? QS_VERIFY_KNOWN : QS_VERIFY_NEW];
        q->slot[q->cnt] = (u16)slot_idx;
        q->item[q->cnt++] =
            (qs_ed25519_item_t){.signature = s->bytes + t->signature_off + i * QS_TXN_SIGNATURE_SZ,
                                .public_key = key,
                                .msg = s->bytes + t->message_off,
                                .msg_sz = t->message_sz};
    }
}

qs_verify_fate_t
qs_verify_take(qs_verify_t *v, u8 const *data, u32 sz, qs_verify_from_t const *from)
{
    u32 idx = (u32)(v->head % QS_VERIFY_SLOTS);
    qs_verify_slot_t *s = &v->slot[idx];
    qs_fair_source_t who = qs_fair_look(&v->fair, from->source);

    QS_ASSERT(!qs_verify_full(v));
    if (qs_fair_spent(&v->fair,
                      &who)) /* what will be refused anyhow is refused before it costs more */
        return QS_VERIFY_SHED;
    v->why = qs_txn_parse(&s->txn, data, sz, v->how);
    if (v->why)
        return QS_VERIFY_MALFORMED;
    s->tag = qs_siphash13(v->tag_key, data + s->txn.signature_off, QS_TXN_SIGNATURE_SZ);
    if (qs_tcache_query(&v->seen, s->tag))
        return QS_VERIFY_DUPLICATE;
    if (!qs_fair_admit(&v->fair, &who, s->txn.signature_cnt))
        return QS_VERIFY_SHED;
    s->from = *from;
    s->who = who;
    s->left = s->txn.signature_cnt;
    s->verdict = QS_ED25519_OK;
    memcpy(s->bytes, data, sz);
    queue_signatures(v, idx);
    v->head++;
    return QS_VERIFY_HELD;
}

void
qs_verify_check(qs_verify_t *v, u32 queue, u32 cnt)
{
    qs_ed25519_verdict_t verdict[QS_VERIFY_QUEUE];
    qs_verify_queue_t *q = &v->queue[queue];

    QS_ASSERT(cnt && cnt <= q->cnt);
    if (cnt == 1)
        verdict[0] = qs_ed25519_verify(q->item, v->rule);
    else if (v->keys)
        qs_ed25519_verify_batch_cached(v->keys, verdict, q->item, cnt, v->rule);
    else
        qs_ed25519_verify_batch(verdict, q->item, cnt, v->rule);
    for (u32 i = 0; i < cnt; i++) {
        qs_verify_slot_t *s = &v->slot[q->slot[i]];
        s->left--;
        if (verdict[i] && !s->verdict)
            s->verdict = (u8)verdict[i];
    }
    q->cnt -= cnt;
    memmove(q->item, q->item + cnt, q->cnt * sizeof(q->item[0]));
    memmove(q->slot, q->slot + cnt, q->cnt * sizeof(q->slot[0]));
    v->checked += cnt;
    v->batches++;
}

void
qs_verify_took(qs_verify_t *v, u32 cnt, u64 took_ns)
{
    u64 sample = took_ns * 16 / cnt, most = 2 * v->ns_per_check_x16;

    if (cnt % QS_VERIFY_LANES)
        return;                             /* lanes ran empty */
    sample = sample < most ? sample : most; /* we may have been off the core meanwhile */
    v->ns_per_check_x16 = (v->ns_per_check_x16 * 15 + sample) / 16;
    v->ns_per_check_x16 += !v->ns_per_check_x16;
}

qs_verify_slot_t const *
qs_verify_next(qs_verify_t *v)
{
    while (v->tail != v->head) {
        qs_verify_slot_t *s = &v->slot[v->tail % QS_VERIFY_SLOTS];
        if (s->left)
            return NULL;
        if (!s->verdict && !qs_tcache_query(&v->seen, s->tag))
            return s;
        if (s->verdict)
            v->refused_cnt[s->verdict]++;
        else
            v->duplicate_cnt++;
        qs_fair_verdict(&v->fair, &s->who, s->txn.signature_cnt, !s->verdict);
        v->tail++;
    }
    return NULL;
}

u32
qs_verify_write(qs_verify_slot_t const *s, u8 *room)
{
    u32 off = qs_txn_desc_off(s->txn.sz), desc_sz = qs_txn_desc_sz(&s->txn);

    memcpy(room, s->bytes, s->txn.sz);
    memset(room + s->txn.sz, 0, off - s->txn.sz);
    memcpy(room + off, &s->txn, desc_sz);
    return off + desc_sz;
}

void
qs_verify_published(qs_verify_t *v)
{
    qs_verify_slot_t *s = &v->slot[v->tail % QS_VERIFY_SLOTS];

    QS_ASSERT(v->tail != v->head && !s->left && !s->verdict);
    qs_tcache_insert(&v->seen, s->tag);
    qs_fair_verdict(&v->fair, &s->who, s->txn.signature_cnt, true);
    v->tail++;
}

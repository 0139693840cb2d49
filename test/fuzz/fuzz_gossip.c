/* fuzz_gossip - a datagram of gossip: refused, or all that parse says lies inside it, and written
   again from what parse said it is the same bytes (a contact: the same contact). */

#include "waltz/codec/qs_contact.h"
#include "waltz/codec/qs_gossip.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static void
check_value(u8 const *data, u32 sz, qs_crds_t const *v)
{
    qs_crds_t alone;

    QS_ASSERT(v->sz >= 68 && (u32)v->off + v->sz <= sz);
    QS_ASSERT(v->origin_off >= v->body_off && v->origin_off + 32u <= (u32)v->off + v->sz);
    QS_ASSERT(v->wallclock < QS_GOSSIP_CLOCK_MAX);
    QS_ASSERT(!qs_crds_parse(data + v->off, v->sz, &alone));
    QS_ASSERT(alone.kind == v->kind && alone.index == v->index && alone.wallclock == v->wallclock);
    if (v->kind != QS_CRDS_CONTACT_INFO)
        return;
    qs_contact_t c, back;
    u8 room[QS_GOSSIP_MTU];
    u32 body_sz = (u32)v->off + v->sz - v->body_off;
    QS_ASSERT(!qs_contact_parse(data + v->body_off, body_sz, &c));
    u32 again = qs_contact_write(&c, room, sizeof(room));
    QS_ASSERT(again && !qs_contact_parse(room + 4, again - 4, &back));
    QS_ASSERT(!memcmp(&c, &back, sizeof(c)));
}

static u32
write_again(u8 *room, u8 const *data, qs_gossip_msg_t const *msg)
{
    u8 const *from = data + msg->from_off;
    u32 sz, sig_off;

    switch (msg->kind) {
    case QS_GOSSIP_PULL_REQUEST: {
        u64 key[QS_GOSSIP_MTU / 8], word[QS_GOSSIP_MTU / 8];
        qs_gossip_filter_t const *f = &msg->filter;
        memcpy(key, data + f->key_off, 8ul * f->key_cnt);
        memcpy(word, data + f->word_off, 8ul * f->word_cnt);
        qs_gossip_filter_out_t out = {.key = key,
                                      .word = word,
                                      .key_cnt = f->key_cnt,
                                      .word_cnt = f->word_cnt,
                                      .bit_cnt = f->bit_cnt,
                                      .mask_bits = f->mask_bits,
                                      .bits_set = f->bits_set,
                                      .mask = f->mask};
        return qs_gossip_write_pull_request(room, QS_GOSSIP_MTU, &out, data + msg->value[0].off,
                                            msg->value[0].sz);
    }
    case QS_GOSSIP_PULL_RESPONSE:
    case QS_GOSSIP_PUSH:
        sz = qs_gossip_write_values(room, QS_GOSSIP_MTU, msg->kind, from);
        for (u32 i = 0; i < msg->value_cnt; i++)
            sz = qs_gossip_add_value(room, QS_GOSSIP_MTU, sz, data + msg->value[i].off,
                                     msg->value[i].sz);
        return sz;
    case QS_GOSSIP_PRUNE: {
        qs_gossip_prune_t prune = {.from = from,
                                   .dest = data + msg->prune.dest_off,
                                   .origins = data + msg->prune.origin_off,
                                   .cnt = msg->prune.origin_cnt,
                                   .wallclock = msg->prune.wallclock};
        sz = qs_gossip_write_prune(room, QS_GOSSIP_MTU, &prune, &sig_off);
        QS_ASSERT(sig_off == msg->prune.sig_off);
        memcpy(room + sig_off, data + sig_off, 64);
        return sz;
    }
    default:
        return qs_gossip_write_ping(room, QS_GOSSIP_MTU, msg->kind, from,
                                    data + msg->ping.token_off, data + msg->ping.sig_off);
    }
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_gossip_msg_t msg;
    u8 room[QS_GOSSIP_MTU];

    if (sz > UINT16_MAX || qs_gossip_parse(data, (u32)sz, &msg))
        return 0;
    for (u32 i = 0; i < msg.value_cnt; i++)
        check_value(data, (u32)sz, &msg.value[i]);
    u32 again = write_again(room, data, &msg);
    /* "no words" can be said in two ways; ours is the shorter. */
    bool shorter = msg.kind == QS_GOSSIP_PULL_REQUEST && !msg.filter.word_cnt && again + 8 == sz;
    QS_ASSERT(shorter || (again == sz && !memcmp(room, data, sz)));
    return 0;
}

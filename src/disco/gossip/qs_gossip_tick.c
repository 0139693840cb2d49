/* What goes out by itself: our own ContactInfo, pulls, pushes, pings that are due, and the answers to
   others' pulls. */

#include "disco/gossip/qs_gossip_inner.h"

#define FILTER_ITEMS_MIN  65536u /* that a filter is sized for, as the network does */
#define PULLS_A_ROUND_MAX 64u
#define FEW_CONTACTS      32u
#define PUSH_VALUES       256u         /* that one tick sends on */
#define ANSWER_BURST      (1u << 20)   /* bytes */
#define ANSWER_RATE       8000u        /* bytes a ms */
#define ASKER_BURST       (1ull << 20) /* values looked at times keys, for one address (spec §6.4) */
#define ASKER_RATE        262ull       /* ... a ms */
#define ASKER_LEAST       2048u        /* ... that any request counts as: 128 a second, 512 at once */
#define ANSWER_JITTER_MS  3750u
#define EXPIRE_ROUNDS     10u /* ticks in which all origins are looked at */

/* ---- who can be spoken to ---- */

static bool
usable(qs_gossip_node_t *n, qs_crds_origin_t const *o, u64 now_ms, qs_peer_t *peer)
{
    qs_contact_t c;

    if (!o->used || o->contact == QS_CRDS_NONE || o->stake == QS_CRDS_PINNED)
        return false;
    if (!qs_gossip_contact_of(n, o->key, &c))
        return false;
    qs_contact_socket_t s = c.socket[QS_CONTACT_GOSSIP];
    n->contact_cnt++;
    if (!qs_gossip_proven(n, o->key, s.ip, s.port, now_ms))
        return false;
    bool fresh = n->table.entry[o->contact].seen_ms + QS_GOSSIP_FRESH_MS > now_ms;
    if (!fresh && (!o->stake || qs_rng_u64(&n->rng) % 16))
        return false;
    *peer = (qs_peer_t){.stake = o->stake, .ip = s.ip, .port = s.port};
    memcpy(peer->pubkey, o->key, 32);
    return true;
}

/* find_peers lists everybody whom we may ask and push to.  It also asks those again whose proof ages. */
static void
find_peers(qs_gossip_node_t *n, u64 now_ms)
{
    n->peer_cnt = n->contact_cnt = 0;
    for (u32 o = 0; o < n->table.conf.origin_max && n->contact_cnt < n->table.origin_cnt; o++)
        n->peer_cnt += usable(n, &n->table.origin[o], now_ms, &n->peer[n->peer_cnt]);
}

/* draw_peer picks one with weight (bits of the lesser of its stake and ours, plus one) squared. */
static qs_peer_t const *
draw_peer(qs_gossip_node_t *n)
{
    u64 sum = 0;

    for (u32 pass = 0; pass < 2; pass++) {
        u64 at = pass ? qs_rng_bounded(&n->rng, sum) : 0;
        for (u32 i = 0; i < n->peer_cnt; i++) {
            u64 w = qs_active_bucket(qs_min_u64(n->peer[i].stake, n->own_stake)) + 1;
            if (pass && at < w * w)
                return &n->peer[i];
            at -= pass ? w * w : 0;
            sum += pass ? 0 : w * w;
        }
        if (!sum)
            return NULL;
    }
    return NULL;
}

/* ---- pull requests ---- */

typedef struct pull {
    u32 items;     /* that one filter holds at most */
    u32 expected;  /* that it will hold, and some */
    u32 bit_max;   /* that fit beside the caller */
    u32 mask_bits; /* partitions */
} pull_t;

static void
add_past(qs_bloom_t *b, qs_crds_history_t const *h, u64 mask, u64 low)
{
    for (u64 i = h->tail; i != h->head; i++) {
        u8 const *hash = h->past[i % h->max].hash;
        if ((qs_load_le64(hash) | low) == (mask | low))
            qs_bloom_add(b, hash);
    }
}

/* fill_filter puts in all that we have of a partition, and what we do not want again. */
static void
fill_filter(qs_gossip_node_t *n, qs_bloom_t *b, u64 mask, u32 mask_bits)
{
    u64 low = UINT64_MAX >> mask_bits;
    u32 next = 0;

    while (next < n->table.conf.value_max) {
        u32 cnt = qs_crds_scan(&n->table, mask, mask_bits, next, UINT32_MAX, n->work->slot,
                               QS_COUNT(n->work->slot), &next);
        for (u32 i = 0; i < cnt; i++)
            qs_bloom_add(b, n->table.entry[n->work->slot[i]].hash);
    }
    add_past(b, &n->table.purged, mask, low);
    add_past(b, &n->table.failed, mask, low);
}

static void
send_pull(qs_gossip_node_t *n, pull_t const *p, u64 partition, u32 ip, u16 port)
{
    u8 out[QS_GOSSIP_MTU];
    u32 bits = qs_bloom_bits(p->expected, p->bit_max);
    qs_bloom_t b = {
        .word = n->work->word, .bit_cnt = bits, .key_cnt = qs_bloom_keys(bits, p->expected)};
    u64 mask = partition << (64 - p->mask_bits) | UINT64_MAX >> p->mask_bits;
    u32 words = (b.bit_cnt + 63) / 64;

    for (u32 k = 0; k < b.key_cnt; k++)
        b.key[k] = qs_rng_u64(&n->rng);
    memset(b.word, 0, 8ul * words);
    fill_filter(n, &b, mask, p->mask_bits);
    qs_gossip_filter_out_t filter = {.key = b.key,
                                     .key_cnt = b.key_cnt,
                                     .word = b.word,
                                     .word_cnt = words,
                                     .bit_cnt = b.bit_cnt,
                                     .bits_set = b.set_cnt,
                                     .mask = mask,
                                     .mask_bits = p->mask_bits};
    u32 sz = qs_gossip_write_pull_request(out, sizeof(out), &filter, n->own, n->own_sz);
    if (sz)
        qs_gossip_emit(n, QS_GOSSIP_PULL_REQUEST, ip, port, out, sz);
}

static bool
begin_pull(qs_gossip_node_t const *n, pull_t *p)
{
    u64 known = n->table.cnt + (n->table.purged.head - n->table.purged.tail) +
                (n->table.failed.head - n->table.failed.tail);

    if (!n->own_sz) /* not signed yet */
        return false;
    u32 word_max = (QS_GOSSIP_MTU - 49 - 24 - n->own_sz) / 8;
    p->bit_max = 64 * word_max;
    p->items = (u32)((double)p->bit_max / 4.79252918868);
    u64 items = known < FILTER_ITEMS_MIN ? FILTER_ITEMS_MIN : known;
    p->mask_bits = qs_bloom_mask_bits((u32)items, p->items);
    if (p->mask_bits < QS_GOSSIP_MASK_MIN)
        p->mask_bits = QS_GOSSIP_MASK_MIN;
    p->expected = (u32)(2 * known >> p->mask_bits) + 64;
    if (p->expected > p->items)
        p->expected = p->items;
    return true;
}

static bool
knows_address(qs_gossip_node_t const *n, u32 ip, u16 port)
{
    for (u32 i = 0; i < n->peer_cnt; i++)
        if (n->peer[i].ip == ip && n->peer[i].port == port)
            return true;
    return false;
}

/* unknown_entrypoint picks one that is none of our peers yet; entrypoint_cnt if there is none. */
static u32
unknown_entrypoint(qs_gossip_node_t *n)
{
    u32 cnt = n->conf.entrypoint_cnt, first = (u32)qs_rng_bounded(&n->rng, cnt);

    for (u32 i = 0; i < cnt; i++) {
        u32 e = (first + i) % cnt;
        if (!knows_address(n, n->conf.entrypoint[e].ip, n->conf.entrypoint[e].port))
            return e;
    }
    return cnt;
}

/* share returns how many partitions are asked for in this round: all as long as nobody is known, half
   while few are, an eighth later on. */
static u64
share(qs_gossip_node_t const *n, u64 partitions)
{
    u64 cnt = !n->peer_cnt                    ? partitions
              : n->contact_cnt < FEW_CONTACTS ? partitions / 2
                                              : partitions / 8;

    return cnt < PULLS_A_ROUND_MAX ? cnt : PULLS_A_ROUND_MAX;
}

/* pull asks for some partitions, in turn, each of somebody else.  Without anybody it asks an
   entrypoint, and with others now and then one that is not known yet. */
static void
pull(qs_gossip_node_t *n, u64 now_ms)
{
    pull_t p;
    u32 e = unknown_entrypoint(n);
    bool ask_entrypoint =
        e < n->conf.entrypoint_cnt && (!n->peer_cnt || now_ms >= n->next_entrypoint_ms);

    if ((!ask_entrypoint && !n->peer_cnt) || !begin_pull(n, &p))
        return;
    u64 partitions = 1ull << p.mask_bits, cnt = share(n, partitions);
    for (u64 i = 0; i < cnt; i++) {
        u64 partition = n->next_partition++ % partitions;
        qs_peer_t const *peer = draw_peer(n);
        if (peer)
            send_pull(n, &p, partition, peer->ip, peer->port);
        if (ask_entrypoint &&
            (!i || n->heard >> e & 1)) /* it pings us first, and answers nothing */
            send_pull(n, &p, partition, n->conf.entrypoint[e].ip, n->conf.entrypoint[e].port);
    }
    if (ask_entrypoint)
        n->next_entrypoint_ms = now_ms + QS_GOSSIP_REFRESH_MS;
}

/* ---- answers ---- */

/* served says whether a value goes into answers; spec §5.6. */
static bool
served(qs_gossip_node_t const *n, qs_crds_entry_t const *e)
{
    bool staked =
        n->table.staked_cnt < 500 || n->table.origin[e->origin].stake >= QS_LAMPORTS_A_SOL;

    switch (e->kind) {
    case QS_CRDS_CONTACT_INFO:
    case QS_CRDS_SNAPSHOT_HASHES:
        return true;
    case QS_CRDS_RESTART_SLOTS:
    case QS_CRDS_RESTART_FORK:
        return false;
    default:
        return staked;
    }
}

/* asker_of is what one address may ask for still.  Strangers with one hash share it. */
static struct qs_gossip_bucket *
asker_of(qs_gossip_node_t *n, u32 ip, u64 now_ms)
{
    struct qs_gossip_bucket *b =
        &n->asker[qs_hash_u64(&n->table.conf.key, ip) % QS_GOSSIP_ASKER_SLOTS];
    u64 passed = now_ms - b->since_ms;

    b->tokens = b->since_ms && passed < ASKER_BURST / ASKER_RATE
                    ? qs_min_u64(b->tokens + passed * ASKER_RATE, ASKER_BURST)
                    : ASKER_BURST;
    b->since_ms = now_ms;
    return b;
}

/* asker_cost is what a request takes from that: it has a least, because every answer looks at all slots. */
static u64
asker_cost(qs_gossip_node_t const *n, qs_gossip_filter_t const *f)
{
    u64 look = n->table.cnt >> f->mask_bits, keys = f->key_cnt > 8 ? f->key_cnt : 8;

    return qs_min_u64(qs_max_u64(look * keys, ASKER_LEAST), ASKER_BURST);
}

/* look_cost is what looking takes from what may be answered: a byte for every eight slots, and for every
   key more than three. */
static u64
look_cost(qs_gossip_node_t const *n, qs_gossip_filter_t const *f)
{
    return n->table.conf.value_max / 8 * (f->key_cnt > 3 ? f->key_cnt : 3) / 3;
}

bool
qs_gossip_may_answer(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
                     u64 now_ms)
{
    u64 refill = (now_ms - n->pull_refill_ms) * ANSWER_RATE;
    /* Once stakes are known, half of what may be answered is for those who have some. */
    bool staked = !n->table.staked_cnt || qs_gossip_stake(n, d->data + msg->from_off);

    if (!n->conf.answer)
        return false;
    n->pull_bytes =
        n->pull_refill_ms ? qs_min_u64(n->pull_bytes + refill, ANSWER_BURST) : ANSWER_BURST;
    n->pull_refill_ms = now_ms;
    if (n->pull_bytes <
        look_cost(n, &msg->filter) + QS_GOSSIP_MTU + (staked ? 0 : ANSWER_BURST / 2)) {
        n->counts.event[QS_GOSSIP_ON_pull_budget]++;
        return false;
    }
    if (asker_of(n, d->src_ip, now_ms)->tokens < asker_cost(n, &msg->filter)) {
        n->counts.event[QS_GOSSIP_ON_pull_ip_budget]++;
        return false;
    }
    return true;
}

void
qs_gossip_answer(qs_gossip_node_t *n, qs_gossip_datagram_t const *d, qs_gossip_msg_t const *msg,
                 u64 now_ms)
{
    u8 out[QS_GOSSIP_MTU];
    qs_gossip_filter_t const *f = &msg->filter;
    qs_bloom_view_t bloom = {.key = d->data + f->key_off,
                             .word = d->data + f->word_off,
                             .key_cnt = f->key_cnt,
                             .bit_cnt = f->bit_cnt};
    u64 newest = msg->value[0].wallclock + qs_rng_bounded(&n->rng, ANSWER_JITTER_MS);

    if (!qs_gossip_may_answer(n, d, msg, now_ms)) /* others of the same batch may have used it up */
        return;
    asker_of(n, d->src_ip, now_ms)->tokens -= asker_cost(n, f);
    n->pull_bytes -= look_cost(n, f);
    n->counts.event[QS_GOSSIP_ON_pull_answered]++;
    u32 sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE, n->conf.self.pubkey);
    u32 next = 0, empty = sz;
    while (next < n->table.conf.value_max && n->pull_bytes >= QS_GOSSIP_MTU) {
        u32 cnt = qs_crds_scan(&n->table, f->mask, f->mask_bits, next, UINT32_MAX, n->work->slot,
                               QS_COUNT(n->work->slot), &next);
        for (u32 i = 0; i < cnt && n->pull_bytes >= QS_GOSSIP_MTU; i++) {
            qs_crds_entry_t const *e = &n->table.entry[n->work->slot[i]];
            if (e->wallclock > newest || !served(n, e) || qs_bloom_contains(&bloom, e->hash))
                continue;
            u8 const *value = qs_crds_value(&n->table, n->work->slot[i]);
            u32 more = qs_gossip_add_value(out, sizeof(out), sz, value, e->sz);
            if (!more) {
                qs_gossip_emit(n, QS_GOSSIP_PULL_RESPONSE, d->src_ip, d->src_port, out, sz);
                n->pull_bytes -= sz;
                sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE,
                                            n->conf.self.pubkey);
                more = qs_gossip_add_value(out, sizeof(out), sz, value, e->sz);
            }
            sz = more;
        }
    }
    if (sz > empty)
        qs_gossip_emit(n, QS_GOSSIP_PULL_RESPONSE, d->src_ip, d->src_port, out, sz);
}

/* ---- push ---- */

typedef struct qs_gossip_parcel parcel_t;

static void
send_parcel(qs_gossip_node_t *n, parcel_t *p)
{
    if (p->sz > QS_GOSSIP_VALUES_OFF)
        qs_gossip_emit(n, QS_GOSSIP_PUSH, p->ip, p->port, p->data, p->sz);
    p->sz = 0;
}

/* parcel_for returns what is being filled for a receiver; the first one goes if there is no other room. */
static parcel_t *
parcel_for(qs_gossip_node_t *n, u32 ip, u16 port)
{
    parcel_t *parcel = n->work->parcel, *room = NULL;

    for (u32 i = 0; i < QS_COUNT(n->work->parcel); i++) {
        if (parcel[i].sz && parcel[i].ip == ip && parcel[i].port == port)
            return &parcel[i];
        if (!parcel[i].sz && !room)
            room = &parcel[i];
    }
    if (!room) {
        room = &parcel[qs_rng_bounded(&n->rng, QS_COUNT(n->work->parcel))];
        send_parcel(n, room);
    }
    room->ip = ip;
    room->port = port;
    room->sz =
        qs_gossip_write_values(room->data, sizeof(room->data), QS_GOSSIP_PUSH, n->conf.self.pubkey);
    return room;
}

static void
push_value(qs_gossip_node_t *n, u32 slot)
{
    qs_crds_entry_t const *e = &n->table.entry[slot];
    qs_active_peer_t const *target[QS_ACTIVE_FANOUT];
    u8 const *value = qs_crds_value(&n->table, slot);
    bool own = !memcmp(e->origin_key, n->conf.self.pubkey, 32);
    u64 stake = qs_min_u64(n->own_stake, qs_gossip_stake(n, e->origin_key));
    u32 cnt = qs_active_targets(&n->active, e->origin_key, stake, own, target);

    for (u32 i = 0; i < cnt; i++) {
        parcel_t *p = parcel_for(n, target[i]->ip, target[i]->port);
        u32 sz = qs_gossip_add_value(p->data, sizeof(p->data), p->sz, value, e->sz);
        if (!sz) {
            send_parcel(n, p);
            p = parcel_for(n, target[i]->ip, target[i]->port);
            sz = qs_gossip_add_value(p->data, sizeof(p->data), p->sz, value, e->sz);
        }
        p->sz = sz;
    }
}

static void
push(qs_gossip_node_t *n, u64 now_ms)
{
    u32 cnt = qs_crds_since(&n->table, &n->push_ordinal, n->work->slot, PUSH_VALUES);

    for (u32 i = 0; i < cnt; i++) {
        qs_crds_entry_t const *e = &n->table.entry[n->work->slot[i]];
        bool now = e->wallclock + QS_GOSSIP_WINDOW_MS > now_ms &&
                   e->wallclock < now_ms + QS_GOSSIP_WINDOW_MS;
        if (now && (served(n, e) || e->kind == QS_CRDS_VOTE))
            push_value(n, n->work->slot[i]);
    }
    for (u32 i = 0; i < QS_COUNT(n->work->parcel); i++)
        send_parcel(n, &n->work->parcel[i]);
}

/* drop_gone takes out of the active set who is not in the table any more, or is somewhere else now. */
static void
drop_gone(qs_gossip_node_t *n)
{
    for (u32 b = 0; b < QS_ACTIVE_BUCKETS; b++)
        for (u32 i = 0; i < n->active.entry[b].cnt; i++) {
            qs_active_peer_t const *p = &n->active.entry[b].peer[i];
            qs_contact_t c;
            if (qs_gossip_contact_of(n, p->pubkey, &c) && c.socket[QS_CONTACT_GOSSIP].ip == p->ip &&
                c.socket[QS_CONTACT_GOSSIP].port == p->port)
                continue;
            u8 gone[32];
            memcpy(gone, p->pubkey, 32);
            qs_active_remove(&n->active, gone);
            i--;
        }
}

void
qs_gossip_tick(qs_gossip_node_t *n, u64 now_ms)
{
    if (now_ms >= n->next_refresh_ms) {
        qs_gossip_refresh(n, true, now_ms);
        n->next_refresh_ms = now_ms + (n->own_sz ? QS_GOSSIP_REFRESH_MS : QS_GOSSIP_TICK_MS);
    }
    if (now_ms >= n->next_pull_ms) {
        find_peers(n, now_ms);
        drop_gone(n);
        pull(n, now_ms);
        qs_gossip_refresh(n, false,
                          now_ms); /* for the next round: answers hold nothing much newer */
        n->next_pull_ms = now_ms + QS_GOSSIP_PULL_MS;
    }
    if (now_ms >= n->next_rotate_ms) {
        u32 bucket = n->rotate_bucket++ % QS_ACTIVE_BUCKETS;
        qs_active_rotate(&n->active, bucket, n->peer, n->peer_cnt, &n->rng);
        /* while the cluster is being found, who was found is pushed to at once */
        bool young = n->active.entry[qs_active_bucket(0)].cnt < QS_ACTIVE_PEERS;
        if (young)
            for (u32 b = 0; b < QS_ACTIVE_BUCKETS; b++)
                qs_active_rotate(&n->active, b, n->peer, n->peer_cnt, &n->rng);
        n->next_rotate_ms = now_ms + (young ? QS_GOSSIP_TICK_MS : QS_GOSSIP_ROTATE_MS);
    }
    push(n, now_ms);
    qs_crds_expire(&n->table, now_ms, n->table.conf.origin_max / EXPIRE_ROUNDS + 1);
}

#include "waltz/ip/qs_fib_tx.h"

#include <linux/rtnetlink.h>

#include "waltz/ip/qs_fib_layout.h"

#define FREE_LEN 255u

int
qs_fib_tx_join(qs_fib_tx_t *tx, void *mem, u64 mem_sz, bool *emptied)
{
    qs_fib_rx_t check;
    u8 *base = mem;
    qs_fib_t *fib = mem;
    fib_parts_t p;
    int err = qs_fib_rx_join(&check, mem, mem_sz);

    if (err)
        return err;
    fib_parts(&fib->conf, &p);
    *tx = (qs_fib_tx_t){.fib = fib,
                        .hop = (qs_fib_hop_t_ *)(base + p.hop),
                        .route = (qs_fib_route_t_ *)(base + p.route),
                        .addr = (qs_fib_addr_t_ *)(base + p.addr),
                        .hop_word = (u64 *)(base + p.hop_word),
                        .hop_bucket = (u32 *)(base + p.hop_bucket),
                        .route_bucket = (u32 *)(base + p.route_bucket),
                        .bucket_mask = p.bucket_cnt - 1};
    qs_lpm_tx_join(&tx->lpm, base + p.lpm, p.block_cnt);
    qs_wmap_tx_join(&tx->link, base + p.link, fib->conf.link_max, FIB_LINK_WORDS, fib->seed);
    qs_wmap_tx_join(&tx->neigh, base + p.neigh, fib->conf.neigh_max, FIB_NEIGH_WORDS, fib->seed);
    fib->addr_cnt = 0; /* addresses are written outside of changes: one may be half there */
    for (u32 i = 0; i < p.addr_cnt; i++)
        fib->addr_cnt += tx->addr[i].ifindex != 0;
    *emptied = fib->seq & 1;
    if (*emptied) {
        fib_format(fib); /* seq is odd still: no reader believes what it sees */
        qs_store_release(&fib->seq, fib->seq + 1);
    }
    return 0;
}

/* A change of what readers see begins and ends with these; they do not nest. */
static void
change_begin(qs_fib_tx_t *tx)
{
    qs_store_relaxed(&tx->fib->seq, tx->fib->seq + 1); /* W1 */
    qs_fence(__ATOMIC_RELEASE);                        /* W2 */
}

static void
change_end(qs_fib_tx_t *tx)
{
    qs_store_release(&tx->fib->seq, tx->fib->seq + 1); /* W4 */
}

/* change_word is a change as any other, though it is one word: readers keep their answers as long as seq
   stands still.  It may happen in the middle of another. */
static void
change_word(qs_fib_tx_t *tx, u64 *word, u64 value)
{
    bool alone = !(tx->fib->seq & 1);

    if (*word == value)
        return;
    if (alone)
        change_begin(tx);
    qs_store_release(word, value);
    if (alone)
        change_end(tx);
}

static int
no_room(qs_fib_tx_t *tx)
{
    tx->fib->full = true;
    change_word(tx, &tx->fib->state, tx->fib->state | FIB_FULL);
    return -ENOSPC;
}

static u32
bucket_of(qs_fib_tx_t const *tx, u64 a, u64 b)
{
    u64 seed = tx->fib->seed | 1;
    u64 h = (a ^ seed) * 0x9e3779b97f4a7c15ull;
    h = (h ^ h >> 29 ^ b) * seed;
    return (u32)(h >> 32) & tx->bucket_mask;
}

/* --- links and neighbours: a record each --------------------------------------------------- */

/* put_record writes words 1.. of a key's record.  Readers are not disturbed by what only confirms
   what they know: a picture changes the generation, the bits gen of the last word, and no more. */
static int
put_record(qs_fib_tx_t *tx, qs_wmap_tx_t *map, u64 key, u64 const *word, u64 gen, u32 *cnt, u32 max)
{
    qs_wmap_rx_t view = {map->word, map->seed, map->shift, map->stride};
    u64 const *old = qs_wmap_find(&view, key);
    bool is_new, quiet = old != NULL;

    for (u32 w = 1; quiet && w < map->stride; w++)
        quiet = !((old[w] ^ word[w - 1]) & ~(w + 1 == map->stride ? gen : 0));
    if (!old && *cnt >= max)
        return no_room(tx);
    if (!quiet)
        change_begin(tx);
    u64 *record = qs_wmap_place(map, key, &is_new);
    for (u32 w = 1; record && w < map->stride; w++)
        qs_store_relaxed(&record[w], word[w - 1]);
    *cnt += record && is_new;
    if (!quiet)
        change_end(tx);
    return record ? 0 : no_room(tx);
}

static void
drop_record(qs_fib_tx_t *tx, qs_wmap_tx_t *map, u64 key, u32 *cnt)
{
    qs_wmap_rx_t view = {map->word, map->seed, map->shift, map->stride};

    if (!qs_wmap_find(&view, key))
        return;
    change_begin(tx);
    qs_wmap_remove(map, key);
    (*cnt)--;
    change_end(tx);
}

static int
apply_link(qs_fib_tx_t *tx, qs_rtmsg_link_t const *l, bool gone)
{
    qs_fib_t *fib = tx->fib;
    u64 flags = (l->up ? FIB_LINK_UP : 0) | (l->plain ? FIB_LINK_PLAIN : 0);
    u64 word[FIB_LINK_WORDS - 1] = {
        fib_mac_load(l->mac) | (u64)(l->vlan & 4095) << 48 | flags << 60,
        (u64)l->parent << 32 | l->mtu,
        fib->gen,
    };

    if (gone) {
        drop_record(tx, &tx->link, l->ifindex, &fib->link_cnt);
        return 0;
    }
    return put_record(tx, &tx->link, l->ifindex, word, UINT64_MAX, &fib->link_cnt,
                      fib->conf.link_max);
}

static int
apply_neigh(qs_fib_tx_t *tx, qs_rtmsg_neigh_t const *n, bool gone)
{
    qs_fib_t *fib = tx->fib;
    u64 key = (u64)n->ifindex << 32 | n->ip;
    u64 flags = n->stale ? FIB_NEIGH_STALE : 0;
    u64 word[FIB_NEIGH_WORDS - 1] = {fib_mac_load(n->mac) | flags << 48 | (u64)fib->gen << 56};

    if (gone || !n->usable) {
        drop_record(tx, &tx->neigh, key, &fib->neigh_cnt);
        return 0;
    }
    return put_record(tx, &tx->neigh, key, word, 255ull << 56, &fib->neigh_cnt,
                      fib->conf.neigh_max);
}

/* sweep drops the records whose generation, in the bits from shift of word w, is not today's. */
static void
sweep(qs_fib_tx_t *tx, qs_wmap_tx_t *map, u32 max, u32 w, u32 shift, u32 *cnt)
{
    for (u32 at = 0; at < qs_wmap_cnt(max);) {
        u64 const *record = qs_wmap_at(map, at);
        if (*record && (record[w] >> shift & 255) != tx->fib->gen)
            drop_record(tx, map, *record, cnt); /* another one may lie here now */
        else
            at++;
    }
}

/* --- addresses: only for the choice of sources ----------------------------------------------- */

static qs_fib_addr_t_ *
find_addr(qs_fib_tx_t *tx, qs_rtmsg_addr_t const *a, qs_fib_addr_t_ **free)
{
    u32 max = tx->fib->conf.link_max * QS_FIB_ADDR_PER_DEV;

    *free = NULL;
    for (u32 i = 0, seen = 0; i < max; i++) {
        qs_fib_addr_t_ *e = &tx->addr[i];
        if (e->ifindex == a->ifindex && e->ip == a->ip && e->len == a->len && e->net == a->net)
            return e;
        if (!e->ifindex && !*free)
            *free = e;
        seen += e->ifindex != 0;
        if (*free && seen == tx->fib->addr_cnt)
            break;
    }
    return NULL;
}

static int
apply_addr(qs_fib_tx_t *tx, qs_rtmsg_t const *m)
{
    qs_rtmsg_addr_t const *a = &m->addr;
    qs_fib_t *fib = tx->fib;
    qs_fib_addr_t_ *free, *e = find_addr(tx, a, &free);

    if (m->gone) {
        if (e) {
            *e = (qs_fib_addr_t_){0};
            fib->addr_cnt--;
            fib->unsettled = true;
        }
        return 0;
    }
    if (!e && !free)
        return no_room(tx);
    if (!e) {
        e = free;
        fib->addr_cnt++;
    }
    bool listed = m->flags & QS_RTMSG_MULTI; /* a dump tells the kernel's order */
    qs_fib_addr_t_ fresh = {.ifindex = a->ifindex,
                            .ip = a->ip,
                            .net = a->net,
                            .len = a->len,
                            .scope = a->scope,
                            .gen = (u8)fib->gen,
                            .secondary = a->secondary,
                            .order = listed || !e->ifindex ? ++fib->addr_order : e->order};
    *e = fresh;
    fib->unsettled = true;
    return 0;
}

static u32
mask_of(u32 len)
{
    return len ? UINT32_MAX << (32 - len) : 0;
}

/* is_before says whether the kernel would come upon a before b when it looks for a source:
   devices in the order of their index, which is that of their making, unless it looks at one. */
static bool
is_before(qs_fib_addr_t_ const *a, qs_fib_addr_t_ const *b)
{
    return !b || a->ifindex < b->ifindex || (a->ifindex == b->ifindex && a->order < b->order);
}

/* choose_source is the kernel's inet_select_addr: on the route's device the first address whose
   network the gateway lies in, else the first there, else the first of any device. */
static u32
choose_source(qs_fib_tx_t const *tx, u32 ifindex, u32 gw, u8 scope)
{
    u32 max = tx->fib->conf.link_max * QS_FIB_ADDR_PER_DEV;
    qs_fib_addr_t_ const *near = NULL, *here = NULL, *any = NULL;

    for (u32 i = 0, seen = 0; i < max && seen < tx->fib->addr_cnt; i++) {
        qs_fib_addr_t_ const *a = &tx->addr[i];
        seen += a->ifindex != 0;
        if (!a->ifindex || a->secondary || a->scope > scope)
            continue;
        if (a->ifindex == ifindex) {
            bool fits = gw && !((a->net ^ gw) & mask_of(a->len));
            near = fits && is_before(a, near) ? a : near;
            here = is_before(a, here) ? a : here;
        } else if (a->scope != RT_SCOPE_LINK) {
            any = is_before(a, any) ? a : any;
        }
    }
    near = near ? near : here ? here : any;
    return near ? near->ip : 0;
}

void
qs_fib_settle(qs_fib_tx_t *tx)
{
    qs_fib_t *fib = tx->fib;

    if (!fib->unsettled)
        return;
    fib->unsettled = false;
    for (u32 h = 1; h < fib->hop_used; h++) {
        u64 *word = &tx->hop_word[h * FIB_HOP_WORDS];
        if (!tx->hop[h].refs || tx->hop[h].src || (word[1] >> 8 & 255) != QS_RTMSG_WAY_HOP)
            continue;
        u32 src = choose_source(tx, (u32)word[0], (u32)(word[0] >> 32), tx->hop[h].scope);
        change_word(tx, &word[1], (u32)word[1] | (u64)src << 32);
    }
}

/* --- hops: shared by routes that lead the same way ----------------------------------------- */

typedef struct hop_key {
    u64 word0, word1; /* word1 with the source that the route asked for */
    u8 scope;
} hop_key_t;

static hop_key_t
hop_key(qs_rtmsg_route_t const *r)
{
    u64 mtu = r->mtu < UINT16_MAX ? r->mtu : UINT16_MAX;
    u64 flags = r->multipath ? QS_HOP_MULTIPATH : 0;
    return (hop_key_t){.word0 = (u64)r->gw << 32 | r->ifindex,
                       .word1 = (u64)r->src << 32 | mtu << 16 | (u64)r->way << 8 | flags,
                       .scope = r->scope};
}

static u32
hop_bucket(qs_fib_tx_t const *tx, hop_key_t const *k)
{
    return bucket_of(tx, k->word0, k->word1 ^ k->scope);
}

static hop_key_t
hop_key_of(qs_fib_tx_t const *tx, u32 h)
{
    u64 const *word = &tx->hop_word[h * FIB_HOP_WORDS];
    return (hop_key_t){.word0 = word[0],
                       .word1 = (u32)word[1] | (u64)tx->hop[h].src << 32,
                       .scope = tx->hop[h].scope};
}

static u32
find_hop(qs_fib_tx_t const *tx, hop_key_t const *k)
{
    u32 h = tx->hop_bucket[hop_bucket(tx, k)];
    for (; h; h = tx->hop[h].next) {
        hop_key_t other = hop_key_of(tx, h);
        if (other.word0 == k->word0 && other.word1 == k->word1 && other.scope == k->scope)
            return h;
    }
    return 0;
}

/* take_hop returns the hop of that key with one more reference.  There are as many hops as routes,
   so there is always one. */
static u32
take_hop(qs_fib_tx_t *tx, hop_key_t const *k)
{
    qs_fib_t *fib = tx->fib;
    u32 h = find_hop(tx, k);

    if (h) {
        tx->hop[h].refs++;
        return h;
    }
    h = fib->hop_free;
    if (h)
        fib->hop_free = tx->hop[h].next;
    else
        h = fib->hop_used++;
    u32 src = (u32)(k->word1 >> 32);
    u32 *bucket = &tx->hop_bucket[hop_bucket(tx, k)];
    tx->hop[h] = (qs_fib_hop_t_){.refs = 1, .next = *bucket, .src = src, .scope = k->scope};
    *bucket = h;
    fib->hop_cnt++;
    if (!src)
        src = choose_source(tx, (u32)k->word0, (u32)(k->word0 >> 32), k->scope);
    qs_store_relaxed(&tx->hop_word[h * FIB_HOP_WORDS], k->word0);
    qs_store_relaxed(&tx->hop_word[h * FIB_HOP_WORDS + 1], (u32)k->word1 | (u64)src << 32);
    return h;
}

static void
give_hop(qs_fib_tx_t *tx, u32 h)
{
    if (--tx->hop[h].refs)
        return;
    hop_key_t k = hop_key_of(tx, h);
    u32 *at = &tx->hop_bucket[hop_bucket(tx, &k)];
    while (*at != h)
        at = &tx->hop[*at].next;
    *at = tx->hop[h].next;
    tx->hop[h].next = tx->fib->hop_free;
    tx->fib->hop_free = h;
    tx->fib->hop_cnt--;
}

/* --- routes ------------------------------------------------------------------------------------ */

static u32 *
route_bucket(qs_fib_tx_t const *tx, u32 prefix, u32 len)
{
    return &tx->route_bucket[bucket_of(tx, prefix, len + 1)];
}

static bool
is_better(qs_fib_route_t_ const *a, qs_fib_route_t_ const *b)
{
    if (a->local != b->local)
        return a->local;
    return a->metric != b->metric ? a->metric < b->metric : a->rank < b->rank;
}

/* best_hop returns the hop of the route that wins among those of prefix/len, or 0. */
static u32
best_hop(qs_fib_tx_t const *tx, u32 prefix, u32 len)
{
    qs_fib_route_t_ const *best = NULL;

    for (u32 r = *route_bucket(tx, prefix, len); r; r = tx->route[r].next) {
        qs_fib_route_t_ const *route = &tx->route[r];
        if (route->prefix == prefix && route->len == len && (!best || is_better(route, best)))
            best = route;
    }
    return best ? best->hop : 0;
}

/* show makes the table say what the routes of prefix/len come to, in a change. */
static int
show(qs_fib_tx_t *tx, u32 prefix, u32 len)
{
    u32 hop = best_hop(tx, prefix, len);

    if (hop)
        return qs_lpm_insert(&tx->lpm, prefix, len, hop);
    u32 cover_len = len, cover = 0;
    while (!cover && cover_len > qs_lpm_level_first(len)) {
        cover_len--;
        cover = best_hop(tx, prefix & mask_of(cover_len), cover_len);
    }
    qs_lpm_remove(&tx->lpm, prefix, len, cover_len, cover);
    return 0;
}

static void
unlink_route(qs_fib_tx_t *tx, u32 r)
{
    qs_fib_route_t_ *route = &tx->route[r];
    u32 *at = route_bucket(tx, route->prefix, route->len);

    while (*at != r)
        at = &tx->route[*at].next;
    *at = route->next;
    give_hop(tx, route->hop);
    tx->fib->multipath_cnt -= route->multipath;
    tx->fib->route_cnt--;
    route->len = FREE_LEN;
    route->next = tx->fib->route_free;
    tx->fib->route_free = r;
}

static void
drop_route(qs_fib_tx_t *tx, u32 r)
{
    u32 prefix = tx->route[r].prefix, len = tx->route[r].len;

    change_begin(tx);
    unlink_route(tx, r);
    show(tx, prefix, len);
    change_end(tx);
}

/* What the routes like a given one are: the same key, and among those the same way. */
typedef struct twins {
    u32 same;  /* the very route, or 0 */
    u32 first; /* the one of its key that the kernel would use, or 0 */
    u32 cnt;   /* of its key */
} twins_t;

static twins_t
find_twins(qs_fib_tx_t const *tx, qs_rtmsg_route_t const *route)
{
    twins_t t = {0};
    hop_key_t k = hop_key(route);
    u32 hop = find_hop(tx, &k);

    for (u32 r = *route_bucket(tx, route->dst, route->len); r; r = tx->route[r].next) {
        qs_fib_route_t_ const *e = &tx->route[r];
        if (e->prefix != route->dst || e->len != route->len || e->local != route->local ||
            e->metric != route->metric)
            continue;
        t.cnt++;
        if (!t.first || e->rank < tx->route[t.first].rank)
            t.first = r;
        if (hop && e->hop == hop)
            t.same = r;
    }
    return t;
}

/* add_route puts a new route among its like at rank, or in the place of route `old`. */
static int
add_route(qs_fib_tx_t *tx, qs_rtmsg_route_t const *route, i64 rank, u32 old)
{
    qs_fib_t *fib = tx->fib;
    hop_key_t k = hop_key(route);

    if (!old && fib->route_cnt == fib->conf.route_max)
        return no_room(tx);
    change_begin(tx);
    if (old)
        unlink_route(tx, old);
    u32 r = fib->route_free;
    if (r)
        fib->route_free = tx->route[r].next;
    else
        r = fib->route_used++;
    u32 *bucket = route_bucket(tx, route->dst, route->len);
    tx->route[r] = (qs_fib_route_t_){.prefix = route->dst,
                                     .metric = route->metric,
                                     .hop = take_hop(tx, &k),
                                     .next = *bucket,
                                     .rank = rank,
                                     .gen = (u8)fib->gen,
                                     .len = route->len,
                                     .local = route->local,
                                     .multipath = route->multipath};
    *bucket = r;
    fib->route_cnt++;
    fib->multipath_cnt += route->multipath;
    int err = show(tx, route->dst, route->len);
    if (err)
        unlink_route(tx, r); /* it was not shown, so nothing has to be shown anew */
    change_end(tx);
    return err ? no_room(tx) : 0;
}

static int
apply_route(qs_fib_tx_t *tx, qs_rtmsg_t const *m)
{
    qs_fib_t *fib = tx->fib;
    qs_rtmsg_route_t const *route = &m->route;
    twins_t t = find_twins(tx, route);

    if (m->gone) {
        if (!t.same && t.cnt > 1)
            return -EAGAIN;
        if (t.cnt)
            drop_route(tx, t.same ? t.same : t.first);
        return 0;
    }
    if (t.same) {
        tx->route[t.same].gen = (u8)fib->gen;
        return 0;
    }
    if (m->flags & QS_RTMSG_REPLACE && t.first)
        return add_route(tx, route, tx->route[t.first].rank, t.first);
    bool behind = m->flags & (QS_RTMSG_APPEND | QS_RTMSG_MULTI);
    return add_route(tx, route, behind ? ++fib->rank_high : --fib->rank_low, 0);
}

/* --- all ---------------------------------------------------------------------------------------- */

int
qs_fib_apply(qs_fib_tx_t *tx, qs_rtmsg_t const *m)
{
    switch (m->kind) {
    case QS_RTMSG_LINK:
        return apply_link(tx, &m->link, m->gone);
    case QS_RTMSG_ADDR:
        return apply_addr(tx, m);
    case QS_RTMSG_ROUTE:
        return apply_route(tx, m);
    case QS_RTMSG_NEIGH:
        return apply_neigh(tx, &m->neigh, m->gone);
    case QS_RTMSG_RULE:
        if (!m->rule.standard && m->flags & QS_RTMSG_MULTI)
            tx->fib->rule_cnt++;
        return 0;
    default:
        return 0;
    }
}

void
qs_fib_sync_begin(qs_fib_tx_t *tx)
{
    tx->fib->gen = (tx->fib->gen + 1) & 255;
    tx->fib->full = false;
    tx->fib->rule_cnt = 0;
}

void
qs_fib_sync_end(qs_fib_tx_t *tx)
{
    qs_fib_t *fib = tx->fib;

    for (u32 r = 1; r < fib->route_used; r++)
        if (tx->route[r].len != FREE_LEN && tx->route[r].gen != fib->gen)
            drop_route(tx, r);
    for (u32 i = 0; i < fib->conf.link_max * QS_FIB_ADDR_PER_DEV; i++) {
        if (!tx->addr[i].ifindex || tx->addr[i].gen == fib->gen)
            continue;
        tx->addr[i] = (qs_fib_addr_t_){0};
        fib->addr_cnt--;
        fib->unsettled = true;
    }
    sweep(tx, &tx->link, fib->conf.link_max, 3, 0, &fib->link_cnt);
    sweep(tx, &tx->neigh, fib->conf.neigh_max, 1, 56, &fib->neigh_cnt);
    qs_fib_settle(tx);
    change_word(tx, &tx->fib->state, FIB_SYNCED | (fib->full ? FIB_FULL : 0));
}

void
qs_fib_counts(qs_fib_tx_t const *tx, qs_fib_counts_t *counts)
{
    qs_fib_t const *fib = tx->fib;
    *counts = (qs_fib_counts_t){.route = fib->route_cnt,
                                .neigh = fib->neigh_cnt,
                                .link = fib->link_cnt,
                                .addr = fib->addr_cnt,
                                .hop = fib->hop_cnt,
                                .rule = fib->rule_cnt,
                                .multipath = fib->multipath_cnt,
                                .synced = fib->state & FIB_SYNCED,
                                .full = fib->state & FIB_FULL};
}

bool
qs_fib_has_neigh(qs_fib_tx_t const *tx, u64 ask)
{
    qs_wmap_rx_t view = {tx->neigh.word, tx->neigh.seed, tx->neigh.shift, tx->neigh.stride};
    u64 const *record = qs_wmap_find(&view, ask);
    return record && !(record[1] >> 48 & FIB_NEIGH_STALE);
}

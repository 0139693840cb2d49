#include "disco/gossip/qs_triage.h"

typedef struct qs_triage_queue queue_t;

/* Of each class: how many may wait, and how many a slice takes.  An answered pull request costs as much as
   a hundred signatures checked in lanes, so few of those stand between two looks at the ring. */
static struct {
    u32 depth, share;
    qs_gossip_event_t full;
} const of[QS_TRIAGE_CLASS_CNT] = {
    [QS_TRIAGE_VALUES] = {512, 16, QS_GOSSIP_ON_crowded_values},
    [QS_TRIAGE_TALK] = {256, 8, QS_GOSSIP_ON_crowded_talk},
    [QS_TRIAGE_PULLS] = {64, 2, QS_GOSSIP_ON_crowded_pulls},
    [QS_TRIAGE_STRANGERS] = {256, 6, QS_GOSSIP_ON_crowded_strangers}};

u64
qs_triage_footprint(void)
{
    u64 cnt = 0;

    for (u32 c = 0; c < QS_TRIAGE_CLASS_CNT; c++)
        cnt += of[c].depth;
    return cnt * sizeof(qs_triage_item_t);
}

void
qs_triage_init(qs_triage_t *t, void *mem)
{
    qs_triage_item_t *item = mem;

    *t = (qs_triage_t){0};
    for (u32 c = 0; c < QS_TRIAGE_CLASS_CNT; c++) {
        t->queue[c].item = item;
        item += of[c].depth;
    }
}

static qs_triage_class_t
class_of(qs_gossip_datagram_t const *d, bool known)
{
    if (!known)
        return QS_TRIAGE_STRANGERS;
    switch (d->sz < 4 ? QS_GOSSIP_KIND_CNT : qs_load_le32(d->data)) {
    case QS_GOSSIP_PUSH:
    case QS_GOSSIP_PULL_RESPONSE:
        return QS_TRIAGE_VALUES;
    case QS_GOSSIP_PULL_REQUEST:
        return QS_TRIAGE_PULLS;
    default:
        return QS_TRIAGE_TALK;
    }
}

void
qs_triage_put(qs_triage_t *t, qs_gossip_counts_t *counts, qs_gossip_datagram_t const *d, bool known,
              u64 sig, u32 ts_origin)
{
    qs_triage_class_t class = class_of(d, known);
    queue_t *q = &t->queue[class];

    if (d->sz > QS_GOSSIP_MTU) {
        counts->refused[QS_GOSSIP_oversize]++;
        counts->rx_bytes += d->sz;
        return;
    }
    if (q->cnt == of[class].depth) {
        counts->event[of[class].full]++;
        return;
    }
    qs_triage_item_t *item = &q->item[(q->head + q->cnt) % of[class].depth];
    item->sig = sig;
    item->ts_origin = ts_origin;
    item->sz = d->sz;
    item->src_ip = d->src_ip;
    item->src_port = d->src_port;
    memcpy(item->data, d->data, d->sz);
    q->cnt++;
    t->cnt++;
}

bool
qs_triage_due(qs_triage_t *t)
{
    return t->cnt && ++t->turns >= QS_TRIAGE_TURNS;
}

/* take_of moves up to max of a class into item. */
static u32
take_of(qs_triage_t *t, u32 class, qs_triage_item_t const *item[], u32 max)
{
    queue_t *q = &t->queue[class];
    u32 cnt = q->cnt < max ? q->cnt : max;

    for (u32 i = 0; i < cnt; i++)
        item[i] = &q->item[(q->head + i) % of[class].depth];
    q->head = (q->head + cnt) % of[class].depth;
    q->cnt -= cnt;
    t->cnt -= cnt;
    return cnt;
}

u32
qs_triage_take(qs_triage_t *t, qs_triage_item_t const *item[], u32 max)
{
    u32 cnt = 0;

    t->turns = max ? 0 : t->turns;
    max = max < QS_GOSSIP_BATCH ? max : QS_GOSSIP_BATCH;
    for (u32 c = 0; c < QS_TRIAGE_CLASS_CNT; c++)
        cnt += take_of(t, c, item + cnt, of[c].share < max - cnt ? of[c].share : max - cnt);
    return cnt + take_of(t, QS_TRIAGE_VALUES, item + cnt, max - cnt);
}

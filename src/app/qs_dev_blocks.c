#include "app/qs_dev_blocks.h"

#include <time.h>

#include "waltz/codec/qs_txn.h"

int
qs_dev_blocks_open(qs_dev_blocks_t *b, char const *instance, u64 now)
{
    struct timespec t;
    int err = qs_feed_open(&b->feed, instance, QS_FEED_OLDEST);

    if (err)
        return err;
    clock_gettime(CLOCK_REALTIME, &t);
    b->unix_ns = (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec - now;
    qs_feed_want(b->feed, QS_FEED_KIND_BIT(QS_FEED_TXN) | QS_FEED_KIND_BIT(QS_FEED_STATUS));
    return 0;
}

void
qs_dev_blocks_close(qs_dev_blocks_t *b)
{
    for (u32 i = 0; i < QS_DEV_BLOCKS_SLOTS; i++)
        free(b->block[i].txn);
    qs_feed_close(b->feed);
    b->feed = NULL;
}

/* block_of returns what is pending of a slot; the oldest makes room. */
static qs_dev_block_t *
block_of(qs_dev_blocks_t *b, u64 slot, bool make)
{
    qs_dev_block_t *oldest = &b->block[0];

    for (u32 i = 0; i < QS_DEV_BLOCKS_SLOTS; i++) {
        if (b->block[i].slot == slot)
            return &b->block[i];
        if (b->block[i].slot < oldest->slot)
            oldest = &b->block[i];
    }
    if (!make)
        return NULL;
    b->in_dead += oldest->cnt;
    b->pending -= oldest->cnt;
    oldest->slot = slot;
    oldest->cnt = 0;
    return oldest;
}

static bool
same_again(qs_dev_blocks_t const *b, u8 const *data, u32 sz, qs_probe_t const *p)
{
    u8 again[QS_TXN_SZ_MAX];

    if (!b->txn || p->number % QS_DEV_BLOCKS_AGAIN)
        return true;
    return qs_lab_txn_make(b->txn, again, p->number, p->sent_ns) == sz && !memcmp(again, data, sz);
}

static void
take_txn(qs_dev_blocks_t *b, qs_feed_rec_t const *r)
{
    qs_feed_txn_t const *t = qs_feed_payload(r);
    u8 const *data = (u8 const *)(t + 1);
    qs_txn_t txn;
    qs_probe_t p;

    if (r->sz < sizeof(*t) || t->sz > r->sz - sizeof(*t) ||
        qs_txn_parse(&txn, data, t->sz, QS_TXN_ALLOW_V1) != QS_TXN_OK) {
        b->damaged++;
        return;
    }
    qs_txn_instr_t const *in = txn.instr_cnt ? qs_txn_instr(&txn, 0) : NULL;
    if (!in || in->data_sz < sizeof(p) || qs_load_le64(data + in->data_off) != QS_PROBE_MAGIC)
        return; /* somebody else's */
    memcpy(&p, data + in->data_off, sizeof(p));
    if (p.check != qs_probe_check(&p) || !same_again(b, data, t->sz, &p)) {
        b->damaged++;
        return;
    }
    qs_dev_block_t *k = block_of(b, r->slot, true);
    if (k->cnt == k->room) {
        k->room = k->room ? 2 * k->room : 1024;
        k->txn = realloc(k->txn, k->room * sizeof(*k->txn));
        QS_ASSERT(k->txn);
    }
    k->txn[k->cnt++] = (qs_dev_pending_t){p.number, p.sent_ns, r->published_ns - b->unix_ns};
    b->pending++;
}

static void
deliver(qs_dev_blocks_t *b, qs_dev_block_t *k, u64 complete_ns)
{
    for (u32 i = 0; i < k->cnt; i++) {
        qs_dev_pending_t const *t = &k->txn[i];
        if (qs_account_add(&b->account, t->number) == QS_ARRIVAL_REPEATED)
            continue;
        qs_hist_add(&b->account.latency,
                    t->published_ns > t->sent_ns ? t->published_ns - t->sent_ns : 0);
        qs_hist_add(&b->complete_in, complete_ns > t->sent_ns ? complete_ns - t->sent_ns : 0);
    }
}

/* shown_of returns what was said of a slot before, or null. */
static qs_dev_shown_t *
shown_of(qs_dev_blocks_t *b, u64 slot)
{
    u32 cnt = b->shown_cnt < QS_DEV_BLOCKS_SHOWN ? b->shown_cnt : QS_DEV_BLOCKS_SHOWN;

    for (u32 i = 0; i < cnt; i++)
        if (b->shown[i].slot == slot)
            return &b->shown[i];
    return NULL;
}

/* complete: a slot is said to be so again when its parent turns up. */
static void
complete(qs_dev_blocks_t *b, qs_feed_rec_t const *r, qs_feed_status_t const *s)
{
    qs_dev_shown_t *shown = shown_of(b, r->slot);

    if (shown) {
        b->unlinked -= !shown->poh;
    } else {
        shown = &b->shown[b->shown_cnt++ % QS_DEV_BLOCKS_SHOWN];
        b->complete++;
        b->txns += s->txn_cnt;
        b->votes += s->vote_cnt;
        b->last_slot = qs_max_u64(b->last_slot, r->slot);
    }
    *shown = (qs_dev_shown_t){.slot = r->slot,
                              .parent_slot = s->parent_slot,
                              .sets = s->set_cnt,
                              .entries = s->entry_cnt,
                              .ticks = s->tick_cnt,
                              .txns = s->txn_cnt,
                              .votes = s->vote_cnt,
                              .poh = r->flags & QS_FEED_POH};
    b->unlinked += !shown->poh;
    memcpy(shown->block_id, s->block_id, 32);
}

/* give_up: dead, or lost; it may have been complete until its parent turned up. */
static void
give_up(qs_dev_blocks_t *b, qs_feed_rec_t const *r, qs_feed_status_t const *s)
{
    qs_dev_shown_t *shown = shown_of(b, r->slot);
    bool dead = s->state == QS_FEED_DEAD;

    b->dead += dead;
    b->lost += !dead;
    snprintf(b->why, sizeof(b->why), "slot %lu: %.40s", r->slot, dead ? s->reason : "given up");
    if (!shown)
        return;
    b->complete--;
    b->unlinked -= !shown->poh;
    *shown = (qs_dev_shown_t){0};
}

static void
take_status(qs_dev_blocks_t *b, qs_feed_rec_t const *r)
{
    qs_feed_status_t const *s = qs_feed_payload(r);
    qs_dev_block_t *k = block_of(b, r->slot, false);

    if (r->sz < sizeof(*s))
        return;
    switch (s->state) {
    case QS_FEED_COMPLETE:
        complete(b, r, s);
        if (k)
            deliver(b, k, r->complete_ns - b->unix_ns);
        break;
    case QS_FEED_DEAD:
    case QS_FEED_LOST:
        give_up(b, r, s);
        b->in_dead += k ? k->cnt : 0;
        break;
    default:
        return;
    }
    if (!k)
        return;
    b->pending -= k->cnt;
    k->slot = 0;
    k->cnt = 0;
}

void
qs_dev_blocks_turn(qs_dev_blocks_t *b)
{
    qs_feed_rec_t const *r;

    for (u64 missed = 0;;) {
        missed = qs_feed_missed(b->feed);
        while (qs_feed_next(b->feed, &r) == 1)
            r->kind == QS_FEED_TXN ? take_txn(b, r) : take_status(b, r);
        b->missed = qs_feed_missed(b->feed);
        if (b->missed == missed)
            return;
    }
}

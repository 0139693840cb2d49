#include "disco/gossip/qs_peers.h"

#include "tango/qs_racy.h"

#define PEERS_MAGIC 0x3273726565707371ull /* "qspeers2" */
#define TRIES       16u

typedef struct qs_peers_slot slot_t;

_Static_assert(sizeof(qs_peers_t) == 64, "rows begin on a cache line");

u64
qs_peers_footprint(u32 max)
{
    return max && max <= QS_PEERS_MAX ? sizeof(qs_peers_t) + (u64)max * sizeof(slot_t) : 0;
}

int
qs_peers_new(void *mem, u32 max)
{
    qs_peers_t *p = mem;
    u64 sz = qs_peers_footprint(max);

    if (!sz)
        return -EINVAL;
    memset(p, 0, sz);
    p->max = max;
    qs_store_release(&p->magic, PEERS_MAGIC);
    return 0;
}

bool
qs_peers_sound(void const *mem, u64 sz)
{
    qs_peers_t const *p = mem;

    return p && sz >= sizeof(*p) && qs_load_acquire(&p->magic) == PEERS_MAGIC &&
           qs_peers_footprint(p->max) && qs_peers_footprint(p->max) <= sz;
}

void
qs_peers_clear(qs_peers_t *p)
{
    for (u32 i = 0; i < p->max; i++)
        qs_peers_set(p, i, NULL);
    qs_store_relaxed(&p->cnt, 0);
}

/* is_news says whether a row says more than was, times aside. */
static bool
is_news(qs_peers_row_t const *was, qs_peers_row_t const *row)
{
    if (!row || !was->used)
        return was->used || row;
    return was->stake != row->stake || was->outset != row->outset ||
           was->shred_version != row->shred_version || was->proven != row->proven ||
           memcmp(was->pubkey, row->pubkey, sizeof(was->pubkey)) ||
           memcmp(was->ip, row->ip, sizeof(was->ip)) ||
           memcmp(was->port, row->port, sizeof(was->port));
}

void
qs_peers_set(qs_peers_t *p, u32 idx, qs_peers_row_t const *row)
{
    slot_t *s = &p->slot[idx];
    u64 version = (s->version | 1) + 2; /* odd, and none that a reader may have begun with */
    bool was = s->row.used, news = is_news(&s->row, row);

    if (!row && !was && !(s->version & 1))
        return;
    qs_store_relaxed(&s->version, version); /* W1 */
    qs_fence(__ATOMIC_RELEASE);             /* W2 */
    if (row)
        s->row = *row; /* W3 */
    else
        memset(&s->row, 0, sizeof(s->row));
    s->row.used = row != NULL;
    qs_store_release(&s->version, version + 1); /* W4 */
    qs_store_relaxed(&p->cnt, p->cnt + (row != NULL) - was);
    if (news)
        qs_store_release(&p->news, p->news + 1);
}

bool
qs_peers_get(qs_peers_t const *p, u32 idx, qs_peers_row_t *row)
{
    slot_t const *s = &p->slot[idx];

    for (u32 i = 0; i < TRIES; i++) {
        u64 version = qs_load_acquire(&s->version); /* R1 */
        qs_racy_copy(row, &s->row, sizeof(*row));
        qs_fence(__ATOMIC_ACQUIRE);                                    /* R2 */
        if (!(version & 1) && qs_load_relaxed(&s->version) == version) /* R3 */
            return row->used == 1;
    }
    return false;
}

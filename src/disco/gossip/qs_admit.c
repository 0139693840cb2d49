#include "disco/gossip/qs_admit.h"

typedef struct qs_admit_sender sender_t;

u64
qs_admit_footprint(void)
{
    return QS_ADMIT_SLOTS * sizeof(sender_t);
}

void
qs_admit_init(qs_admit_t *a, void *mem, qs_hash_key_t key)
{
    *a = (qs_admit_t){.key = key, .sender = mem};
}

static sender_t *
set_of(qs_admit_t const *a, u32 ip)
{
    return &a->sender[qs_hash_u64(&a->key, ip) % (QS_ADMIT_SLOTS / QS_ADMIT_WAY) * QS_ADMIT_WAY];
}

/* find returns the sender that ip is known as, or NULL. */
static sender_t *
find(qs_admit_t const *a, u32 ip, u64 now_ms)
{
    sender_t *set = set_of(a, ip);

    for (u32 i = 0; i < QS_ADMIT_WAY; i++)
        if (set[i].ip == ip && now_ms < set[i].until_ms)
            return &set[i];
    return NULL;
}

bool
qs_admit_known(qs_admit_t const *a, u32 ip, u64 now_ms)
{
    return find(a, ip, now_ms);
}

bool
qs_admit_take(qs_admit_t *a, u32 ip, u64 now_ms)
{
    sender_t *s = find(a, ip, now_ms);
    bool known = s;
    u64 rate = known ? QS_ADMIT_KNOWN_RATE : QS_ADMIT_STRANGERS_RATE;
    u64 burst = known ? QS_ADMIT_KNOWN_BURST : QS_ADMIT_STRANGERS_BURST;

    if (!known)
        s = &a->stranger;
    if (now_ms > s->since_ms) {
        s->tokens =
            (u32)qs_min_u64(s->tokens + qs_min_u64(now_ms - s->since_ms, burst) * rate, burst);
        s->since_ms = now_ms;
    }
    if (!s->tokens)
        return false;
    s->tokens--;
    return true;
}

void
qs_admit_prove(qs_admit_t *a, u32 ip, u64 until_ms)
{
    sender_t *set = set_of(a, ip), *s = set;

    /* its own place, or of whom the proof ends first: a free one's has ended long ago */
    for (u32 i = 0; i < QS_ADMIT_WAY && s->ip != ip; i++)
        if (set[i].ip == ip || set[i].until_ms < s->until_ms)
            s = &set[i];
    if (s->ip != ip)
        *s = (sender_t){.ip = ip};
    s->until_ms = until_ms;
}

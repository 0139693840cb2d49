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
sender_of(qs_admit_t const *a, u32 ip)
{
    return &a->sender[qs_hash_u64(&a->key, ip) % QS_ADMIT_SLOTS];
}

bool
qs_admit_known(qs_admit_t const *a, u32 ip, u64 now_ms)
{
    sender_t const *s = sender_of(a, ip);
    return s->ip == ip && now_ms < s->until_ms;
}

bool
qs_admit_take(qs_admit_t *a, u32 ip, u64 now_ms)
{
    sender_t *s = sender_of(a, ip);
    bool known = qs_admit_known(a, ip, now_ms);
    u64 rate = known ? QS_ADMIT_KNOWN_RATE : QS_ADMIT_STRANGERS_RATE;
    u64 burst = known ? QS_ADMIT_KNOWN_BURST : QS_ADMIT_STRANGERS_BURST;

    s = known ? s : &a->stranger;
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
    sender_t *s = sender_of(a, ip);

    s->ip = ip;
    s->until_ms = until_ms;
}

#include "disco/verify/qs_fair.h"

#include "tango/base/qs_bits.h"

#define RATE_NS      20000000.0f   /* offers are smoothed over this long */
#define MEMORY_NS    1000000000.0f /* ... and verdicts fade in this long */
#define EPOCH_MAX_NS 100000000u    /* a longer pause counts as this long */
#define TRIM_MAX     0.95f         /* of the capacity is dealt at most ... */
#define TRIM_MIN     0.02f         /* ... and at least, */
#define TRIM_LESS    0.8f          /* from epoch to epoch when too much waits, */
#define TRIM_MORE    1.01f         /* and when it does not */
#define DONE_NS      100000000.0f  /* what was done is smoothed over this long */
#define LEVEL_STEPS  12u

void
qs_fair_init(qs_fair_t *f, qs_hash_key_t key, u64 capacity, u64 now_ns)
{
    memset(f, 0, sizeof(*f));
    f->key = key;
    f->capacity = (float)capacity;
    f->trim = TRIM_MAX;
    f->done_rate = f->capacity;
    f->epoch_ns = f->now_ns = now_ns;
}

void
qs_fair_verdict(qs_fair_t *f, qs_fair_source_t const *s, u32 cost, bool good)
{
    for (u32 row = 0; row < QS_FAIR_ROWS; row++) {
        qs_fair_bucket_t *b = &f->bucket[s->idx[row]];
        fair_list_(f, s->idx[row]);
        if (good)
            b->good += (float)cost;
        else
            b->bad += (float)cost;
    }
}

/* measure smooths what was offered, lets verdicts fade, and forgets buckets with nothing left. */
static void
measure(qs_fair_t *f, float dt_ns)
{
    float mix = dt_ns < RATE_NS ? dt_ns / RATE_NS : 1;
    float fade = dt_ns < MEMORY_NS ? 1 - dt_ns / MEMORY_NS : 0;
    u32 kept = 0;

    f->sender_cnt = f->bad_cnt = 0;
    for (u32 i = 0; i < f->active_cnt; i++) {
        qs_fair_bucket_t *b = &f->bucket[f->active[i]];
        b->rate += mix * ((float)b->offered * (1e9f / dt_ns) - b->rate);
        b->offered = 0;
        b->good *= fade;
        b->bad *= fade;
        if (b->rate < 1 && b->good + b->bad < 0.25f) {
            *b = (qs_fair_bucket_t){0};
            continue;
        }
        f->sender_cnt += b->rate >= 1;
        f->bad_cnt += b->rate >= 1 && fair_is_bad_(b);
        f->active[kept++] = f->active[i];
    }
    f->active_cnt = kept;
}

/* floor_of returns what a bucket gets at least. */
static float
floor_of(qs_fair_bucket_t const *b, float whole)
{
    return fair_is_bad_(b) && fair_is_barren_(b) ? whole / 2 : whole;
}

/* level returns the height up to which the offers of a class can be filled with budget, its floors
   with them: the sum of min(rate, max(floor, level)) is budget.  It is reached from below, so that
   a last step that is not taken deals too little, never too much.  At least budget if that is
   enough for all. */
static float
level(qs_fair_t const *f, bool bad, float whole, float budget)
{
    float height = 0;

    for (u32 step = 0; step < LEVEL_STEPS; step++) {
        float filled = 0;
        u32 above = 0;
        for (u32 i = 0; i < f->active_cnt; i++) {
            qs_fair_bucket_t const *b = &f->bucket[f->active[i]];
            if (fair_is_bad_(b) != bad || b->rate < 1)
                continue;
            float least = floor_of(b, whole), has = height > least ? height : least;
            filled += b->rate < has ? b->rate : has;
            above += b->rate > has;
        }
        if (!above)
            return budget > height ? budget : height;
        float rise = (budget - filled) / (float)above;
        if (rise <= height * 0.001f)
            break;
        height += rise;
    }
    return height;
}

/* learn adapts trim and done_rate to the epoch that ends. */
static void
learn(qs_fair_t *f, float dt_ns)
{
    bool busy = f->overloaded && f->was_overloaded;
    float done = busy ? (float)f->done * (1e9f / dt_ns) : f->capacity;

    f->done_rate += (dt_ns < DONE_NS ? dt_ns / DONE_NS : 1) * (done - f->done_rate);
    f->done = 0;
    f->was_overloaded = f->overloaded;
    if (f->bursting)
        f->trim = f->trim * TRIM_LESS > TRIM_MIN ? f->trim * TRIM_LESS : TRIM_MIN;
    else if (!f->brimming)
        f->trim = f->trim * TRIM_MORE < TRIM_MAX ? f->trim * TRIM_MORE : TRIM_MAX;
}

void
qs_fair_epoch_(qs_fair_t *f, u64 now_ns)
{
    float dt = (float)qs_min_u64(now_ns - f->epoch_ns, EPOCH_MAX_NS);

    f->epoch_ns = now_ns;
    measure(f, dt);
    learn(f, dt);
    float done = f->done_rate < f->capacity ? f->done_rate : f->capacity;
    float dealt = f->capacity * f->trim * (f->bursting ? 0.5f : 1);
    float whole = done * TRIM_MAX / (float)(f->sender_cnt ? f->sender_cnt : 1);
    float kept = 0, clean_rate = 0;
    for (u32 i = 0; i < f->active_cnt; i++) {
        qs_fair_bucket_t const *b = &f->bucket[f->active[i]];
        if (!fair_is_bad_(b))
            clean_rate += b->rate;
        else
            kept += b->rate < floor_of(b, whole) ? b->rate : floor_of(b, whole);
    }
    float for_clean = dealt > kept ? dealt - kept : 0;
    float for_bad = dealt - (clean_rate < for_clean ? clean_rate : for_clean);
    float clean_level = level(f, false, whole, for_clean),
          bad_level = level(f, true, whole, for_bad);
    for (u32 i = 0; i < f->active_cnt; i++) {
        qs_fair_bucket_t *b = &f->bucket[f->active[i]];
        float height = fair_is_bad_(b) ? bad_level : clean_level, least = floor_of(b, whole);
        fair_accrue_(f, b);
        b->share = height > least ? height : least;
    }
}

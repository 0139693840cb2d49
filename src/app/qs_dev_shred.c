#include "app/qs_dev_shred.h"

#include "disco/qs_format.h"
#include "disco/qs_shred_tile.h"
#include "disco/qs_topo.h"
#include "disco/shred/qs_resolver.h"

static bool
has_shred(qs_attach_t const *a)
{
    return qs_plan_tile_of(a->plan, "shred") >= 0;
}

static u64
sum(qs_attach_t const *a, char const *name)
{
    return qs_attach_sum(a, "shred", "shred", name);
}

u64
qs_dev_shred_received(qs_attach_t const *a)
{
    return has_shred(a) ? sum(a, "received") : 0;
}

static qs_shred_view_t const *
view(qs_attach_t const *a, u32 tile)
{
    return qs_attach_at(a, tile, a->plan->tile[tile].state_off, sizeof(qs_shred_view_t));
}

/* is_refusal says whether a reason is that of a refused shred. */
static bool
is_refusal(u32 reason)
{
    return reason != QS_SHRED_R_OK && reason != QS_RESOLVER_R_ADMITTED &&
           reason != QS_RESOLVER_R_LATE && reason != QS_RESOLVER_R_DUPLICATE &&
           reason < QS_RESOLVER_R_FLAW_ROOT;
}

static u64
reason_cnt(qs_attach_t const *a, u32 reason)
{
    char name[64];
    snprintf(name, sizeof(name), "shred_%s", qs_resolver_reason_name(reason));
    return sum(a, name);
}

static void
write_root(char out[65], u8 const root[32])
{
    for (u32 i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", root[i]);
}

typedef void each_set_t(qs_shred_view_set_t const *s, char const *root, bool first);

/* each_of calls fn for the sets that one tile remembers, oldest first, and returns how many. */
static u64
each_of(qs_shred_view_t const *v, each_set_t *fn, bool first)
{
    u64 end = qs_load_acquire(&v->set_cnt);
    u64 begin = end > QS_SHRED_VIEW_CNT ? end - QS_SHRED_VIEW_CNT : 0;
    for (u64 i = begin; i < end; i++) {
        qs_shred_view_set_t const *s = &v->set[i % QS_SHRED_VIEW_CNT];
        char root[65];
        write_root(root, s->root);
        fn(s, root, first && i == begin);
    }
    return end - begin;
}

/* each_set calls fn for the sets that the tiles remember, tile after tile. */
static void
each_set(qs_attach_t const *a, each_set_t *fn)
{
    u32 tile = (u32)qs_plan_tile_of(a->plan, "shred");
    u64 cnt = 0;
    for (u32 i = 0; i < a->plan->tile[tile].cnt; i++) {
        qs_shred_view_t const *v = view(a, tile + i);
        if (v)
            cnt += each_of(v, fn, !cnt);
    }
}

static void
set_json(qs_shred_view_set_t const *s, char const *root, bool first)
{
    printf(
        "%s{\"slot\":%lu,\"fec_idx\":%u,\"root\":\"%s\",\"last\":%s,\"recovered\":%s,"
        "\"signed\":%s,\"chained\":%s,\"flawed\":%s}",
        first ? "" : ",", s->slot, s->fec_idx, root, s->flags & QS_FEC_LAST_SLOT ? "true" : "false",
        s->flags & QS_FEC_RECOVERED ? "true" : "false", s->flags & QS_FEC_SIGNED ? "true" : "false",
        s->flags & QS_FEC_CHAINED ? "true" : "false", s->flags & QS_FEC_FLAWED ? "true" : "false");
}

/* delivered counts the sets that came to the store, whatever it did with them. */
static u64
delivered(qs_attach_t const *a)
{
    static char const *const name[] = {"set", "set_duplicate", "set_other", "set_late", "set_bad"};
    u64 cnt = 0;
    for (u32 i = 0; i < QS_COUNT(name); i++)
        cnt += qs_attach_sum(a, "store", "store", name[i]);
    return cnt;
}

void
qs_dev_shred_json(qs_attach_t const *a)
{
    if (!has_shred(a))
        return;
    printf(",\"shreds\":{\"received\":%lu,\"sets_complete\":%lu,\"sets_delivered\":%lu,"
           "\"sets_flawed\":%lu,\"recovered\":%lu,\"duplicate\":%lu,\"late\":%lu,"
           "\"signatures\":%lu,\"equivocations\":%lu,\"version\":%lu,\"rejected\":{",
           sum(a, "received"), sum(a, "set_done"), delivered(a), sum(a, "set_flawed"),
           sum(a, "shred_recovered"), reason_cnt(a, QS_RESOLVER_R_DUPLICATE),
           reason_cnt(a, QS_RESOLVER_R_LATE), sum(a, "signature"), sum(a, "equivocation"),
           sum(a, "version"));
    bool first = true;
    for (u32 i = 0; i < QS_RESOLVER_REASON_CNT; i++) {
        u64 cnt = is_refusal(i) ? reason_cnt(a, i) : 0;
        if (!cnt)
            continue;
        printf("%s\"%s\":%lu", first ? "" : ",", qs_resolver_reason_name(i), cnt);
        first = false;
    }
    printf("},\"sets\":[");
    each_set(a, set_json);
    printf("]}");
}

static void
set_text(qs_shred_view_set_t const *s, char const *root, bool first)
{
    (void)first;
    printf("set: slot %lu, index %u, root %s%s%s%s\n", s->slot, s->fec_idx, root,
           s->flags & QS_FEC_LAST_SLOT ? ", ends the block" : "",
           s->flags & QS_FEC_RECOVERED ? ", recovered" : "",
           s->flags & QS_FEC_FLAWED ? ", FLAWED" : "");
}

void
qs_dev_shred_sum_text(qs_attach_t const *a)
{
    if (!has_shred(a))
        return;
    printf("shreds: received %lu, sets complete %lu, flawed %lu, shreds recovered %lu, late %lu, "
           "duplicate %lu\n",
           sum(a, "received"), sum(a, "set_done"), sum(a, "set_flawed"), sum(a, "shred_recovered"),
           reason_cnt(a, QS_RESOLVER_R_LATE), reason_cnt(a, QS_RESOLVER_R_DUPLICATE));
    for (u32 i = 0; i < QS_RESOLVER_REASON_CNT; i++)
        if (is_refusal(i) && reason_cnt(a, i))
            printf("rejected: %s %lu (%s)\n", qs_resolver_reason_name(i), reason_cnt(a, i),
                   qs_resolver_reason_text(i));
}

void
qs_dev_shred_text(qs_attach_t const *a)
{
    if (has_shred(a))
        each_set(a, set_text);
    qs_dev_shred_sum_text(a);
}

/* xdp audit - where every frame of an instance's UMEM is.

   The net tiles look for their frames once a second (disco/net/qs_net_frames.h); this waits for looks
   that began after it was asked, and says what they found. */

#include <unistd.h>

#include "app/qs_cmd.h"
#include "disco/net/qs_net.h"
#include "disco/qs_attach.h"

#define WAIT_US 20000u
#define WAITS   1500u /* 30 s */
#define NEW_CNT 2u    /* the first may have begun before we asked */

static struct {
    char const *name;
    u64 off;
} const places[] = {
    {"frames", offsetof(net_metrics_t, frames)},
    {"fill", offsetof(net_metrics_t, frames_fill)},
    {"kernel", offsetof(net_metrics_t, frames_kernel)},
    {"rx", offsetof(net_metrics_t, frames_rx)},
    {"line", offsetof(net_metrics_t, frames_line)},
    {"tx", offsetof(net_metrics_t, frames_tx)},
    {"completion", offsetof(net_metrics_t, frames_completion)},
    {"spare", offsetof(net_metrics_t, frames_spare)},
    {"missing", offsetof(net_metrics_t, frames_missing)},
    {"twice", offsetof(net_metrics_t, frames_twice)},
    {"audits", offsetof(net_metrics_t, audit)},
    {"audits_bad", offsetof(net_metrics_t, audit_bad)},
};

/* net_of returns the metrics of a net tile, or NULL if that tile is none. */
static net_metrics_t const *
net_of(qs_attach_t const *a, u32 tile)
{
    qs_plan_tile_t const *t = &a->plan->tile[tile];

    if (!a->topo->tiles[t->row].tile->umem || t->metrics_sz != sizeof(net_metrics_t))
        return NULL;
    return qs_attach_at(a, tile, t->metrics_off, sizeof(net_metrics_t));
}

/* await_new waits until the tile has looked again, and copies what it found, whole. */
static bool
await_new(net_metrics_t const *m, net_metrics_t *copy)
{
    u64 first = qs_load_acquire(&m->audit);

    for (u32 i = 0; i < WAITS; i++) {
        u64 before = qs_load_acquire(&m->audit);
        memcpy(copy, m, sizeof(*copy));
        qs_fence(__ATOMIC_ACQUIRE);
        if (before >= first + NEW_CNT && qs_load_relaxed(&m->audit) == before)
            return true;
        usleep(WAIT_US);
    }
    return false;
}

static void
print(char const *tile, net_metrics_t const *m, bool json, u32 idx)
{
    printf(json ? "%s{\"tile\":\"%s\"" : "%s%s:", json && idx ? "," : "", tile);
    for (u32 i = 0; i < QS_COUNT(places); i++) {
        u64 value;
        memcpy(&value, (u8 const *)m + places[i].off, sizeof(value));
        printf(json ? ",\"%s\":%lu" : " %s %lu", places[i].name, value);
    }
    printf(json ? "}" : "\n");
}

int
qs_cmd_xdp_audit(char const *instance, bool json, qs_topo_t const *const *topos)
{
    qs_attach_t *a = calloc(1, sizeof(*a));
    char label[QS_NAME_MAX + 4];
    net_metrics_t copy;
    u32 found = 0;
    int code = 0;

    if (qs_attach_open(a, instance, topos)) {
        fprintf(stderr, "quickstep xdp audit: %s\n", a->why);
        free(a);
        return 1;
    }
    if (json)
        printf("{\"instance\":\"%s\",\"tiles\":[", a->instance.name);
    for (u32 t = 0; t < a->plan->tile_cnt; t++) {
        net_metrics_t const *m = net_of(a, t);
        if (!m)
            continue;
        qs_plan_label(a->plan, t, label, sizeof(label));
        if (!await_new(m, &copy)) {
            fprintf(stderr, "quickstep xdp audit: %s does not answer\n", label);
            code = 1;
            continue;
        }
        print(label, &copy, json, found++);
        if (!code && (copy.frames_missing || copy.frames_twice))
            code = 4;
    }
    if (json)
        printf("],\"ok\":%s}\n", code ? "false" : "true");
    else if (!found)
        fprintf(stderr, "quickstep xdp audit: no net tile answers\n");
    qs_attach_close(a);
    free(a);
    return found || code ? code : 1;
}

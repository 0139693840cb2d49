#include "disco/qs_metric_page.h"

#define LINE_MAX_SZ   320u /* of one sample, and of HELP and TYPE together with their name twice */
#define HEAD_MAX_SZ   640u
#define LATENCY_LOW   10u /* bounds of 2^10 - 1 ns, 2^12 - 1, .. 2^30 - 1: 1 us to 1 s */
#define LATENCY_HIGH  30u
#define LATENCY_STEP  2u
#define LATENCY_LINES ((LATENCY_HIGH - LATENCY_LOW) / LATENCY_STEP + 1u + 3u)

qs_metric_desc_t const qs_life_metric_desc[] = {
    QS_LIFE_METRICS(QS_METRIC_COUNTER_, QS_METRIC_GAUGE_){0, NULL, NULL}};

static qs_metric_desc_t const latency_desc[] = {
    {QS_METRIC_GAUGE, "latency_ns", QS_METRIC_LATENCY_HELP}, {0, NULL, NULL}};

/* ---- names ---- */

/* unit_of returns how many of the unit that ends name are a second, and how long the rest is. */
static u64
unit_of(char const *name, u32 *stem_sz)
{
    static struct {
        char const *end;
        u64 per_second;
    } const units[] = {{"_ns", 1000000000}, {"_us", 1000000}, {"_ms", 1000}};
    size_t sz = strlen(name);

    *stem_sz = (u32)sz;
    for (u32 i = 0; i < QS_COUNT(units); i++)
        if (sz > 3 && !strcmp(name + sz - 3, units[i].end)) {
            *stem_sz = (u32)sz - 3;
            return units[i].per_second;
        }
    return 1;
}

char const *
qs_metric_name(char buf[QS_METRIC_NAME_MAX], char const *group, qs_metric_desc_t const *desc)
{
    u32 stem_sz;
    u64 per_second = unit_of(desc->name, &stem_sz);

    snprintf(buf, QS_METRIC_NAME_MAX, "quickstep_%s_%.*s%s%s", group, (int)stem_sz, desc->name,
             per_second > 1 ? "_seconds" : "", desc->kind == QS_METRIC_COUNTER ? "_total" : "");
    return buf;
}

/* ---- how much there is ---- */

typedef struct amount {
    u64 places, names, lines;
} amount_t;

static amount_t
amount_of(qs_plan_t const *plan, qs_topo_t const *topo)
{
    u32 const stem = qs_metric_cnt(qs_stem_metric_desc) + qs_metric_cnt(qs_life_metric_desc);
    u32 const in = qs_metric_cnt(qs_in_metric_desc), out = qs_metric_cnt(qs_out_metric_desc);
    amount_t a = {.names = stem + in + out + 1u};
    u64 links_in = 0;

    for (u32 i = 0; i < plan->tile_cnt; i++) {
        qs_plan_tile_t const *t = &plan->tile[i];
        u32 own = qs_metric_cnt(topo->tiles[t->row].tile->metrics);
        a.places += stem + own + t->in_cnt * (in + 1u) + t->out_cnt * out;
        a.names += t->idx ? 0 : own;
        links_in += t->in_cnt;
    }
    a.lines = a.places + links_in * LATENCY_LINES;
    return a;
}

u64
qs_metric_page_footprint(qs_plan_t const *plan, qs_topo_t const *topo)
{
    return sizeof(qs_metric_page_t) + amount_of(plan, topo).places * sizeof(qs_metric_place_t);
}

u64
qs_metric_page_text_max(qs_plan_t const *plan, qs_topo_t const *topo)
{
    amount_t a = amount_of(plan, topo);
    return a.lines * LINE_MAX_SZ + a.names * HEAD_MAX_SZ;
}

/* ---- finding the places ---- */

static void
add(qs_metric_page_t *p, qs_metric_place_t const *at)
{
    if (p->cnt < p->max && (at->value || at->hist))
        p->at[p->cnt++] = *at;
}

static u64 const *
values_at(qs_metric_page_t const *p, u32 tile, u64 off, qs_metric_desc_t const *desc)
{
    return qs_wksp_addr(&p->view.wksp[tile], off, qs_metric_cnt(desc) * sizeof(u64));
}

/* add_own: tiles of a row stand one after the other in a plan, and only they have its names. */
static void
add_own(qs_metric_page_t *p, u32 first)
{
    qs_plan_t const *plan = p->view.plan;
    qs_metric_desc_t const *desc = p->view.topo->tiles[plan->tile[first].row].tile->metrics;

    for (u32 d = 0; desc && desc[d].kind; d++)
        for (u32 i = first; i < plan->tile_cnt && plan->tile[i].row == plan->tile[first].row; i++) {
            qs_plan_tile_t const *t = &plan->tile[i];
            u64 const *value = values_at(p, i, t->metrics_off, desc);
            add(p, &(qs_metric_place_t){.tile = t,
                                        .group = t->name,
                                        .desc = &desc[d],
                                        .value = value ? &value[d] : NULL});
        }
}

static void
add_stem(qs_metric_page_t *p)
{
    for (u32 d = 0; qs_stem_metric_desc[d].kind; d++)
        for (u32 i = 0; i < p->view.plan->tile_cnt; i++) {
            qs_plan_tile_t const *t = &p->view.plan->tile[i];
            u64 const *value = values_at(p, i, t->stem_metrics_off, qs_stem_metric_desc);
            add(p, &(qs_metric_place_t){.tile = t,
                                        .group = "tile",
                                        .desc = &qs_stem_metric_desc[d],
                                        .value = value ? &value[d] : NULL});
        }
    for (u32 d = 0; qs_life_metric_desc[d].kind; d++)
        for (u32 i = 0; i < p->view.plan->tile_cnt; i++)
            add(p, &(qs_metric_place_t){.tile = &p->view.plan->tile[i],
                                        .group = "tile",
                                        .desc = &qs_life_metric_desc[d],
                                        .value = (u64 const *)&p->life[i] + d});
}

static void
add_in(qs_metric_page_t *p, u32 d)
{
    qs_plan_t const *plan = p->view.plan;

    for (u32 i = 0; i < plan->tile_cnt; i++)
        for (u32 k = 0; k < plan->tile[i].in_cnt; k++) {
            qs_plan_link_t const *l = &plan->link[plan->tile[i].in[k]];
            u64 off = l->in_metrics_off[plan->tile[i].in_consumer[k]];
            u64 const *value = values_at(p, i, off, qs_in_metric_desc);
            add(p, &(qs_metric_place_t){.tile = &plan->tile[i],
                                        .group = "link_in",
                                        .link = l->name,
                                        .desc = &qs_in_metric_desc[d],
                                        .value = value ? &value[d] : NULL});
        }
}

static void
add_out(qs_metric_page_t *p, u32 d)
{
    qs_plan_t const *plan = p->view.plan;

    for (u32 i = 0; i < plan->tile_cnt; i++)
        for (u32 k = 0; k < plan->tile[i].out_cnt; k++) {
            qs_plan_link_t const *l = &plan->link[plan->tile[i].out[k]];
            u64 const *value = values_at(p, i, l->out_metrics_off, qs_out_metric_desc);
            add(p, &(qs_metric_place_t){.tile = &plan->tile[i],
                                        .group = "link_out",
                                        .link = l->name,
                                        .desc = &qs_out_metric_desc[d],
                                        .value = value ? &value[d] : NULL});
        }
}

static void
add_latency(qs_metric_page_t *p)
{
    qs_plan_t const *plan = p->view.plan;

    for (u32 i = 0; i < plan->tile_cnt; i++)
        for (u32 k = 0; k < plan->tile[i].in_cnt; k++) {
            qs_plan_link_t const *l = &plan->link[plan->tile[i].in[k]];
            u64 off = l->latency_off[plan->tile[i].in_consumer[k]];
            add(p, &(qs_metric_place_t){
                       .tile = &plan->tile[i],
                       .group = "link_in",
                       .link = l->name,
                       .desc = latency_desc,
                       .hist = qs_wksp_addr(&p->view.wksp[i], off, sizeof(qs_hist_t))});
        }
}

qs_metric_page_t *
qs_metric_page_init(void *mem, qs_metric_view_t const *view)
{
    qs_metric_page_t *p = mem;

    memset(p, 0, sizeof(*p));
    p->view = *view;
    p->max = (u32)amount_of(view->plan, view->topo).places;
    for (u32 i = 0; i < view->plan->tile_cnt; i++)
        if (!view->plan->tile[i].idx)
            add_own(p, i);
    add_stem(p);
    for (u32 d = 0; qs_in_metric_desc[d].kind; d++)
        add_in(p, d);
    add_latency(p);
    for (u32 d = 0; qs_out_metric_desc[d].kind; d++)
        add_out(p, d);
    return p;
}

/* ---- writing ---- */

/* A line that did not fit is taken back: end is where the last whole one ended. */
typedef struct text {
    char *at, *end, *limit;
    bool full;
} text_t;

static void
put_bytes(text_t *t, char const *from, size_t sz)
{
    if ((size_t)(t->limit - t->at) < sz)
        t->full = true;
    if (t->full)
        return;
    memcpy(t->at, from, sz);
    t->at += sz;
}

static void
put(text_t *t, char const *string)
{
    put_bytes(t, string, strlen(string));
}

static void
put_number(text_t *t, u64 value, u32 min_digits)
{
    char digits[24];
    u32 at = sizeof(digits);

    for (u32 n = 0; n < min_digits || value; n++) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    put_bytes(t, digits + at, sizeof(digits) - at);
}

/* put_scaled writes value / per_second, which is a power of ten, exactly. */
static void
put_scaled(text_t *t, u64 value, u64 per_second)
{
    put_number(t, value / per_second, 1);
    if (per_second == 1)
        return;
    put(t, ".");
    put_number(t, value % per_second, per_second == 1000 ? 3 : per_second == 1000000 ? 6 : 9);
}

static void
end_line(text_t *t)
{
    put(t, "\n");
    if (!t->full)
        t->end = t->at;
}

static void
put_head(text_t *t, char const *name, qs_metric_place_t const *at)
{
    put(t, "# HELP ");
    put(t, name);
    put(t, " ");
    put(t, at->desc->help);
    put(t, "\n# TYPE ");
    put(t, name);
    put(t, at->hist ? " histogram" : at->desc->kind == QS_METRIC_COUNTER ? " counter" : " gauge");
    end_line(t);
}

/* put_labels leaves the braces open. */
static void
put_labels(text_t *t, char const *name, char const *suffix, qs_metric_place_t const *at)
{
    put(t, name);
    put(t, suffix);
    put(t, "{tile=\"");
    put(t, at->tile->name);
    put(t, "\",idx=\"");
    put_number(t, at->tile->idx, 1);
    put(t, "\"");
    if (!at->link)
        return;
    put(t, ",link=\"");
    put(t, at->link);
    put(t, "\"");
}

/* put_hist: buckets are exact, because each bound is the last number before an octave of the histogram; the total
   is the sum of what was read, so that it fits them. */
static void
put_hist(text_t *t, char const *name, qs_metric_place_t const *at)
{
    u64 total = 0;
    u32 b = 0;

    for (u32 bit = LATENCY_LOW; bit <= LATENCY_HIGH; bit += LATENCY_STEP) {
        for (; b < qs_hist_bucket(1ull << bit); b++)
            total += qs_load_relaxed(&at->hist->bucket[b]);
        put_labels(t, name, "_bucket", at);
        put(t, ",le=\"");
        put_scaled(t, (1ull << bit) - 1, 1000000000);
        put(t, "\"} ");
        put_number(t, total, 1);
        end_line(t);
    }
    for (; b < QS_HIST_BUCKET_CNT; b++)
        total += qs_load_relaxed(&at->hist->bucket[b]);
    put_labels(t, name, "_bucket", at);
    put(t, ",le=\"+Inf\"} ");
    put_number(t, total, 1);
    end_line(t);
    put_labels(t, name, "_sum", at);
    put(t, "} ");
    put_scaled(t, qs_load_relaxed(&at->hist->sum), 1000000000);
    end_line(t);
    put_labels(t, name, "_count", at);
    put(t, "} ");
    put_number(t, total, 1);
    end_line(t);
}

u64
qs_metric_page_write(qs_metric_page_t *p, char *text, u64 room, u64 now_ns)
{
    text_t t = {.at = text, .end = text, .limit = text + room};
    qs_metric_desc_t const *last = NULL;
    char const *group = NULL;
    char name[QS_METRIC_NAME_MAX];
    u64 per_second = 1;

    for (u32 i = 0; i < p->view.plan->tile_cnt; i++)
        p->life[i] = qs_metric_life(&p->view, i, now_ns);
    for (u32 i = 0; i < p->cnt && !t.full; i++) {
        qs_metric_place_t const *at = &p->at[i];
        u32 stem_sz;
        if (at->desc != last || strcmp(at->group, group)) {
            last = at->desc;
            group = at->group;
            per_second = unit_of(at->desc->name, &stem_sz);
            put_head(&t, qs_metric_name(name, group, last), at);
        }
        if (at->hist) {
            put_hist(&t, name, at);
            continue;
        }
        put_labels(&t, name, "", at);
        put(&t, "} ");
        put_scaled(&t, qs_metric_get(at->value), per_second);
        end_line(&t);
    }
    return (u64)(t.end - text);
}

/* ---- who lives ---- */

static qs_cnc_view_t
status_of(qs_metric_view_t const *v, u32 tile)
{
    qs_cnc_rx_t rx;
    void const *cnc = qs_wksp_addr(&v->wksp[tile], v->plan->tile[tile].cnc_off, qs_cnc_footprint());

    if (!cnc || qs_cnc_rx_join(&rx, cnc))
        return (qs_cnc_view_t){.state = QS_CNC_UNKNOWN};
    return qs_cnc_query(&rx);
}

qs_cnc_state_t
qs_metric_tile_state(qs_metric_view_t const *v, u32 tile)
{
    qs_cnc_view_t s = status_of(v, tile);

    if (s.state == QS_CNC_HALTED || s.state == QS_CNC_FAILED)
        return s.state;
    u32 pid = (u32)qs_load_relaxed(&v->boot->tile[tile].pid);
    bool thread = s.pid == (u32)v->boot->supervisor_pid;
    return s.pid && (s.pid == pid || thread) ? s.state : QS_CNC_UNKNOWN;
}

qs_life_metrics_t
qs_metric_life(qs_metric_view_t const *v, u32 tile, u64 now_ns)
{
    u64 beat = status_of(v, tile).heartbeat_ns;

    return (qs_life_metrics_t){.up = qs_metric_tile_state(v, tile) == QS_CNC_RUN,
                               .death = qs_load_relaxed(&v->boot->tile[tile].deaths),
                               .heartbeat_age_ns = beat && beat < now_ns ? now_ns - beat : 0};
}

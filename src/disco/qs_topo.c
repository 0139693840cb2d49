#include "disco/qs_topo.h"

#include <stdarg.h>

#include "disco/qs_metrics.h"
#include "tango/base/qs_errs.h"
#include "tango/base/qs_hash.h"
#include "tango/base/qs_hist.h"
#include "tango/qs_cnc.h"
#include "tango/qs_fseq.h"

#define QS_UDP_OVERHEAD 28u /* of IPv4 and UDP */

typedef struct maker {
    qs_plan_t *plan;
    qs_wksp_plan_t *wksp;
    qs_topo_t const *topo;
    qs_config_t const *cfg;
    char *err;
    u64 err_sz;
} maker_t;

__attribute__((format(printf, 2, 3))) static int
refuse(maker_t *m, char const *format, ...)
{
    va_list ap;
    int used = snprintf(m->err, m->err_sz, "topology %s: ", m->topo->name);

    va_start(ap, format);
    if (used >= 0 && (u64)used < m->err_sz)
        vsnprintf(m->err + used, m->err_sz - (u64)used, format, ap);
    va_end(ap);
    return -EINVAL;
}

char const *
qs_topo_row_name(qs_tile_row_t const *row)
{
    return row->name ? row->name : row->tile->name;
}

static u32
row_cnt(qs_tile_row_t const *row, qs_config_t const *cfg)
{
    return row->cnt_of ? row->cnt_of(cfg) : row->cnt;
}

static bool
may_be_none(qs_tile_row_t const *row)
{
    return row->cnt_of && !row->cnt;
}

static bool
name_fits(char const *name)
{
    size_t len = strlen(name);
    return len > 0 && len < QS_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
}

static int
add_tiles(maker_t *m)
{
    for (u16 r = 0; m->topo->tiles[r].tile; r++) {
        qs_tile_row_t const *row = &m->topo->tiles[r];
        char const *name = qs_topo_row_name(row);
        u32 cnt = row_cnt(row, m->cfg);

        if (!name_fits(name))
            return refuse(m, "tile '%s': a name is 1 to %u of a-z and 0-9", name, QS_NAME_MAX - 1);
        if (qs_plan_tile_of(m->plan, name) >= 0)
            return refuse(m, "tile %s stands in two rows", name);
        if (!cnt && may_be_none(row))
            continue;
        if (!cnt || cnt > QS_TILE_MAX - m->plan->tile_cnt)
            return refuse(m, "tile %s: %u instances; all tiles together may be 1 to %u", name, cnt,
                          QS_TILE_MAX);
        for (u16 i = 0; i < cnt; i++) {
            qs_plan_tile_t *t = &m->plan->tile[m->plan->tile_cnt++];
            snprintf(t->name, sizeof(t->name), "%s", name);
            t->row = r;
            t->idx = i;
            t->cnt = (u16)cnt;
            t->cpu = t->core = t->node = -1;
            t->reads_all = row->tile->reads_all;
        }
    }
    return m->plan->tile_cnt ? 0 : refuse(m, "there are no tiles");
}

/* is_absent says whether name is a tile that an option says there is none of. */
static bool
is_absent(maker_t const *m, char const *name, size_t len)
{
    for (qs_tile_row_t const *row = m->topo->tiles; row->tile; row++)
        if (strlen(qs_topo_row_name(row)) == len && !strncmp(qs_topo_row_name(row), name, len))
            return may_be_none(row) && !row_cnt(row, m->cfg);
    return false;
}

static bool
is_there(maker_t const *m, qs_link_row_t const *row)
{
    char const *unless = row->ports ? strchr(row->ports, '-') : NULL;

    return !is_absent(m, row->from, strlen(row->from)) && !is_absent(m, row->to, strlen(row->to)) &&
           (!unless || is_absent(m, unless + 1, strcspn(unless + 1, " ")));
}

/* kind_of returns where name stands in a tile's list of neighbours, or -1.  "*" takes any. */
static int
in_kind_of(qs_tile_t const *tile, char const *name)
{
    for (u32 k = 0; k < QS_TILE_IN_KIND_MAX && tile->in[k].from; k++)
        if (!strcmp(tile->in[k].from, name) || !strcmp(tile->in[k].from, "*"))
            return (int)k;
    return -1;
}

static int
out_kind_of(qs_tile_t const *tile, char const *name)
{
    for (u32 k = 0; k < QS_TILE_OUT_KIND_MAX && tile->out[k]; k++)
        if (!strcmp(tile->out[k], name) || !strcmp(tile->out[k], "*"))
            return (int)k;
    return -1;
}

static qs_tile_t const *
tile_at(maker_t const *m, int tile)
{
    return m->topo->tiles[m->plan->tile[tile].row].tile;
}

/* row_of returns the first instance of a row, or -1; a link joins rows, so "net:1" is none. */
static int
row_of(qs_plan_t const *plan, char const *name)
{
    return strchr(name, ':') ? -1 : qs_plan_tile_of(plan, name);
}

/* frame_sz_of: an IP packet of net.mtu, the headers of Ethernet with a tag, and what XDP takes. */
static u32
frame_sz_of(qs_config_t const *cfg)
{
    return cfg->net.mtu > QS_UMEM_SMALL_MTU ? 4096 : 2048;
}

static u32
mtu_of(maker_t const *m, qs_link_row_t const *row, int from)
{
    return row->mtu || !tile_at(m, from)->umem ? row->mtu : m->cfg->net.mtu - QS_UDP_OVERHEAD;
}

/* check_umem: a reader that could hold a frame back would stop what the wire brings. */
static int
check_umem(maker_t *m, qs_link_row_t const *row)
{
    u32 room = frame_sz_of(m->cfg);

    if (row->flow != QS_LOSSY)
        return refuse(m, "link %s -> %s: a link from the wire must be lossy", row->from, row->to);
    if (row->mtu > room)
        return refuse(m, "link %s -> %s: mtu %u is more than a frame of %u bytes", row->from,
                      row->to, row->mtu, room);
    return 0;
}

static int
check_link(maker_t *m, qs_link_row_t const *row)
{
    int from = row_of(m->plan, row->from);
    int to = row_of(m->plan, row->to);

    if (from < 0 || to < 0)
        return refuse(m, "link %s -> %s: there is no tile %s", row->from, row->to,
                      from < 0 ? row->from : row->to);
    if (from == to)
        return refuse(m, "link %s -> %s: a tile cannot feed itself", row->from, row->to);
    if (out_kind_of(tile_at(m, from), row->to) < 0)
        return refuse(m, "link %s -> %s: %s does not declare that output", row->from, row->to,
                      row->from);
    int in = in_kind_of(tile_at(m, to), row->from);
    if (in < 0)
        return refuse(m, "link %s -> %s: %s does not declare that input", row->from, row->to,
                      row->to);
    if (tile_at(m, to)->in[in].in_place && row->flow != QS_RELIABLE)
        return refuse(m, "link %s -> %s: %s reads in place, so the link must be reliable",
                      row->from, row->to, row->to);
    if (!qs_mcache_footprint(row->depth))
        return refuse(m, "link %s -> %s: depth %u is not a power of two of at least 2", row->from,
                      row->to, row->depth);
    if (row->window == 1 || row->window > row->depth)
        return refuse(m, "link %s -> %s: window %u is not in 2..depth", row->from, row->to,
                      row->window);
    if (mtu_of(m, row, from) < 1 || row->mtu > UINT16_MAX)
        return refuse(m, "link %s -> %s: mtu %u is not in 1..65535, which is what sz can say",
                      row->from, row->to, row->mtu);
    if (row->ports && !tile_at(m, from)->is_net)
        return refuse(m, "link %s -> %s: only a net tile has ports", row->from, row->to);
    for (qs_link_row_t const *other = m->topo->links; other < row; other++)
        if (!strcmp(other->from, row->from) && !strcmp(other->to, row->to))
            return refuse(m, "link %s -> %s stands in two rows", row->from, row->to);
    return tile_at(m, from)->umem ? check_umem(m, row) : 0;
}

/* join_consumers makes every instance of `to` a reader of link. */
static int
join_consumers(maker_t *m, u16 link_idx, int to, int kind)
{
    qs_plan_link_t *link = &m->plan->link[link_idx];
    u16 cnt = m->plan->tile[to].cnt;

    if (cnt > QS_CONSUMER_MAX)
        return refuse(m, "link %s: %u readers; %u are possible", link->name, cnt, QS_CONSUMER_MAX);
    for (u16 i = 0; i < cnt; i++) {
        qs_plan_tile_t *t = &m->plan->tile[to + i];
        if (t->in_cnt == QS_IN_MAX)
            return refuse(m, "link %s: %s has more than %u inputs", link->name, t->name, QS_IN_MAX);
        t->in[t->in_cnt] = link_idx;
        t->in_kind[t->in_cnt] = (u8)kind;
        t->in_consumer[t->in_cnt++] = (u8)link->consumer_cnt;
        link->consumer[link->consumer_cnt++] = (u16)(to + i);
    }
    return 0;
}

static int
add_link(maker_t *m, u16 row_idx, int producer, int to)
{
    qs_link_row_t const *row = &m->topo->links[row_idx];
    qs_plan_tile_t *t = &m->plan->tile[producer];

    if (m->plan->link_cnt == QS_LINK_MAX || t->out_cnt == QS_OUT_MAX)
        return refuse(m, "link %s -> %s: more than %u outputs of a tile, or %u links in all",
                      row->from, row->to, QS_OUT_MAX, QS_LINK_MAX);
    u16 idx = (u16)m->plan->link_cnt++;
    qs_plan_link_t *link = &m->plan->link[idx];
    char label[QS_NAME_MAX + 4];
    snprintf(link->name, sizeof(link->name), "%s_%s",
             qs_plan_label(m->plan, (u32)producer, label, sizeof(label)), row->to);
    link->row = row_idx;
    link->producer = (u16)producer;
    link->flow = (u16)row->flow;
    link->depth = row->depth;
    link->window = row->window && !tile_at(m, producer)->umem ? row->window : row->depth;
    link->mtu = mtu_of(m, row, producer);
    link->off_mask = tile_at(m, producer)->is_net ? QS_CHUNK_SZ - 1 : 0;
    t->out[t->out_cnt] = idx;
    t->out_kind[t->out_cnt++] = (u8)out_kind_of(tile_at(m, producer), row->to);
    return join_consumers(m, idx, to, in_kind_of(tile_at(m, to), row->from));
}

static int
add_links(maker_t *m)
{
    for (u16 r = 0; m->topo->links[r].from; r++) {
        qs_link_row_t const *row = &m->topo->links[r];
        if (!is_there(m, row))
            continue;
        int err = check_link(m, row);
        if (err)
            return err;
        int from = qs_plan_tile_of(m->plan, row->from);
        int to = qs_plan_tile_of(m->plan, row->to);
        for (u16 i = 0; i < m->plan->tile[from].cnt; i++) {
            err = add_link(m, r, from + i, to);
            if (err)
                return err;
        }
    }
    return 0;
}

char const *
qs_plan_options(qs_plan_t const *plan, qs_config_t const *cfg, char const *tile, char *buf,
                u64 buf_sz)
{
    u64 used = 0;

    buf[0] = 0;
    for (u32 s = 0; s < qs_config_table.section_cnt; s++) {
        qs_config_section_t const *section = &qs_config_table.section[s];
        if (section->max || qs_plan_tile_of(plan, section->name) < 0 ||
            (tile && strcmp(section->name, tile) != 0))
            continue;
        for (u32 r = 0; r < section->row_cnt; r++) {
            u64 now = qs_config_number(cfg, section, &section->row[r]);
            if (now > section->row[r].dflt && used < buf_sz)
                used += (u64)snprintf(buf + used, buf_sz - used, "%s%s.%s = %lu",
                                      used ? ", " : "; above the default: ", section->name,
                                      section->row[r].key, now);
        }
    }
    return buf;
}

char const *
qs_plan_port_option(qs_plan_port_t const *port, char *buf, u64 buf_sz)
{
    if (!strcmp(port->name, "extra"))
        snprintf(buf, buf_sz, "net.extra_ports");
    else if (port->source)
        snprintf(buf, buf_sz, "shred.source.%u.port", port->source - 1u);
    else
        snprintf(buf, buf_sz, "port.%s", !strcmp(port->name, "send") ? "tpu" : port->name);
    return buf;
}

/* check_outs refuses a tile that lacks an out which it cannot do without, or that would copy into one
   which is too small. */
static int
check_outs(maker_t *m, qs_plan_tile_t const *t, qs_tile_t const *table)
{
    u32 has = 0;

    for (u32 o = 0; o < t->out_cnt; o++) {
        qs_plan_link_t const *out = &m->plan->link[t->out[o]];
        has |= 1u << t->out_kind[o];
        for (u32 i = 0; table->passes_on && i < t->in_cnt; i++) {
            qs_plan_link_t const *in = &m->plan->link[t->in[i]];
            if (in->mtu > out->mtu)
                return refuse(m, "link %s: mtu %u is less than the %u of %s, which %s passes on",
                              out->name, out->mtu, in->mtu, in->name, t->name);
        }
    }
    for (u32 k = 0; k < QS_TILE_OUT_KIND_MAX; k++)
        if ((table->must_out & ~has) >> k & 1)
            return refuse(m, "tile %s: there is no link %s -> %s, and it cannot do without",
                          t->name, t->name, table->out[k] ? table->out[k] : "?");
    return 0;
}

static int
add_port(maker_t *m, char const *name, u32 number, u16 link_row, u16 source)
{
    char is[32], other[32];
    qs_plan_port_t port = {.port = (u16)number, .link_row = link_row, .source = source};

    if (!number)
        return 0;
    snprintf(port.name, sizeof(port.name), "%s", name);
    qs_plan_port_option(&port, is, sizeof(is));
    for (u32 i = 0; i < m->plan->port_cnt; i++)
        if (m->plan->port[i].port == number)
            return refuse(m, "%s = %u is already that of %s", is, number,
                          qs_plan_port_option(&m->plan->port[i], other, sizeof(other)));
    if (m->plan->port_cnt == QS_PORT_MAX)
        return refuse(m, "%s: more than %u ports", is, QS_PORT_MAX);
    m->plan->port[m->plan->port_cnt++] = port;
    return 0;
}

/* port_number looks an option of [port] up by name. */
static u32
port_number(qs_config_t const *cfg, char const *name)
{
    for (u32 s = 0; s < qs_config_table.section_cnt; s++) {
        qs_config_section_t const *section = &qs_config_table.section[s];
        if (strcmp(section->name, "port"))
            continue;
        for (u32 r = 0; r < section->row_cnt; r++)
            if (!strcmp(section->row[r].key, name))
                return *(u32 const *)((u8 const *)&cfg->port + section->row[r].off);
    }
    return 0;
}

static int
add_row_ports(maker_t *m, u16 row)
{
    char names[256];
    snprintf(names, sizeof(names), "%s", m->topo->links[row].ports);
    char *rest = names;
    for (char *name; (name = strsep(&rest, " "));) {
        int err = 0;
        if (name[0] == '-')
            continue;
        if (!strcmp(name, "extra")) {
            for (u32 i = 0; !err && i < m->cfg->net.extra_ports_cnt; i++)
                err = add_port(m, "extra", m->cfg->net.extra_ports[i], row, 0);
        } else if (!strcmp(name, "source")) {
            for (u16 i = 0; !err && i < m->cfg->shred_source_cnt; i++)
                err = add_port(m, "source", m->cfg->shred_source[i].port, row, (u16)(i + 1));
        } else {
            u32 number = port_number(m->cfg, name);
            err = number ? add_port(m, name, number, row, 0)
                         : refuse(m, "link %s -> %s: there is no option port.%s",
                                  m->topo->links[row].from, m->topo->links[row].to, name);
        }
        if (err)
            return err;
    }
    return 0;
}

static int
add_ports(maker_t *m)
{
    for (u16 r = 0; m->topo->links[r].from; r++) {
        bool named = m->topo->links[r].ports && is_there(m, &m->topo->links[r]);
        int err = named ? add_row_ports(m, r) : 0;
        if (err)
            return err;
    }
    /* A net tile that only sends still sends from somewhere. */
    for (u32 i = 0; !m->plan->port_cnt && i < m->plan->tile_cnt; i++)
        if (tile_at(m, (int)i)->is_net)
            return add_port(m, "send", m->cfg->port.tpu, UINT16_MAX, 0);
    return 0;
}

/* place adds an object "kind.name" to the workspace of tile and returns its offset.  A kind of
   four letters leaves room for the longest name of a link. */
static u64
place(maker_t *m, u32 tile, char const *kind, char const *name, u64 sz, u64 align)
{
    _Static_assert(4 + 1 + (QS_NAME_MAX - 1) + 3 + 1 + (QS_NAME_MAX - 1) < QS_WKSP_NAME_SZ,
                   "data.<tile>:63_<tile> is not cut off");
    char label[QS_WKSP_NAME_SZ];
    snprintf(label, sizeof(label), "%s%s%s", kind, *name ? "." : "", name);
    return qs_wksp_plan_add(&m->wksp[tile], label, 0, sz, align);
}

/* place_umem: with ordinary sockets alone nothing is ever in the kernel's rings. */
static int
place_umem(maker_t *m, u32 tile)
{
    qs_plan_tile_t *t = &m->plan->tile[tile];
    qs_config_net_t const *net = &m->cfg->net;
    u64 cnt = QS_UMEM_BATCH;

    if (!tile_at(m, (int)tile)->umem)
        return 0;
    if (net->provider != QS_CONFIG_net_provider_socket)
        cnt += 2ull * net->rx_depth + 2ull * net->tx_depth;
    for (u32 i = 0; i < t->out_cnt; i++)
        cnt += m->plan->link[t->out[i]].depth;
    t->frame_sz = frame_sz_of(m->cfg);
    t->frame_cnt = (u32)cnt;
    if (cnt * t->frame_sz / QS_CHUNK_SZ > UINT32_MAX)
        return refuse(m, "tile %s: %lu frames are too many", t->name, cnt);
    t->umem_off = place(m, tile, "umem", "", cnt * t->frame_sz, 4096);
    return 0;
}

/* place_payloads: what readers check every descriptor of a link against. */
static int
place_payloads(maker_t *m, qs_plan_link_t *link)
{
    qs_plan_tile_t const *t = &m->plan->tile[link->producer];
    qs_dcache_t *dc = &link->dcache;

    if (!t->frame_cnt) {
        u64 sz = qs_dcache_footprint(link->window, link->mtu);
        u64 off = place(m, link->producer, "data", link->name, sz, 4096);
        return qs_dcache_init(dc, off, link->window, link->mtu);
    }
    u64 end = (t->umem_off + (u64)t->frame_cnt * t->frame_sz) / QS_CHUNK_SZ;
    if (end > UINT32_MAX)
        return -EINVAL;
    dc->chunk0 = (u32)(t->umem_off / QS_CHUNK_SZ);
    dc->chunk1 = (u32)end;
    dc->stride = (u32)(qs_align_up(link->mtu, QS_CHUNK_SZ) / QS_CHUNK_SZ);
    dc->wmark = dc->chunk1 - dc->stride;
    return 0;
}

static int
place_link(maker_t *m, qs_plan_link_t *link)
{
    u32 p = link->producer;

    link->mcache_sz = qs_mcache_footprint(link->depth);
    link->mcache_off = place(m, p, "ring", link->name, link->mcache_sz, QS_ALIGN);
    int err = place_payloads(m, link);
    link->out_metrics_off = place(m, p, "out", link->name, sizeof(qs_out_metrics_t), QS_ALIGN);
    if (err)
        return refuse(m, "link %s: its payloads do not fit the workspace", link->name);
    for (u32 c = 0; c < link->consumer_cnt; c++) {
        u32 t = link->consumer[c];
        link->fseq_off[c] = place(m, t, "fseq", link->name, sizeof(qs_fseq_t), QS_ALIGN);
        link->in_metrics_off[c] = place(m, t, "in", link->name, sizeof(qs_in_metrics_t), QS_ALIGN);
        link->latency_off[c] = place(m, t, "hist", link->name, sizeof(qs_hist_t), QS_ALIGN);
    }
    return 0;
}

static int
place_tile(maker_t *m, u32 tile)
{
    qs_plan_tile_t *t = &m->plan->tile[tile];
    qs_tile_t const *table = tile_at(m, (int)tile);
    qs_tile_ctx_t ctx = {.cfg = m->cfg,
                         .plan = m->plan,
                         .topo = m->topo,
                         .tile = tile,
                         .idx = t->idx,
                         .cnt = t->cnt};
    qs_layout_t measure = {0};

    t->cnc_off = place(m, tile, "cnc", "", qs_cnc_footprint(), QS_ALIGN);
    t->errs_off = place(m, tile, "errs", "", sizeof(qs_errs_t), QS_ALIGN);
    t->stem_metrics_off = place(m, tile, "stem", "", sizeof(qs_stem_metrics_t), QS_ALIGN);
    t->metrics_sz = qs_metric_cnt(table->metrics) * sizeof(u64);
    t->metrics_hash = qs_metric_hash(table->metrics);
    t->metrics_off = place(m, tile, "metrics", "", t->metrics_sz + 8, QS_ALIGN);
    if (table->layout)
        table->layout(&measure, &ctx);
    t->state_sz = measure.sz;
    t->state_off = place(m, tile, "state", "", t->state_sz + 8, QS_WKSP_ALIGN_MAX);
    t->share_sz = table->share_sz ? table->share_sz(&ctx) : 0;
    if (t->share_sz)
        t->share_off = place(m, tile, "share", "", t->share_sz, QS_WKSP_ALIGN_MAX);
    for (u32 i = 0; i < t->in_cnt; i++) {
        qs_plan_link_t const *link = &m->plan->link[t->in[i]];
        if (table->copy || table->in[t->in_kind[i]].in_place)
            continue;
        u64 sz = QS_BATCH * qs_align_up(link->mtu, QS_CHUNK_SZ);
        t->scratch_off[i] = place(m, tile, "copy", link->name, sz, QS_WKSP_ALIGN_MAX);
    }
    return 0;
}

static int
place_all(maker_t *m)
{
    qs_plan_t *plan = m->plan;
    char options[160];

    for (u32 i = 0; i < plan->tile_cnt; i++) {
        int err = place_umem(m, i);
        if (err)
            return err;
        place_tile(m, i);
    }
    for (u32 i = 0; i < plan->link_cnt; i++) {
        int err = place_link(m, &plan->link[i]);
        if (err)
            return err;
    }
    for (u32 i = 0; i < plan->tile_cnt; i++) {
        plan->tile[i].wksp_sz = qs_wksp_plan_size(&m->wksp[i]);
        if (!plan->tile[i].wksp_sz)
            return refuse(
                m, "tile %s: its workspace cannot be laid out (%s)%s", plan->tile[i].name,
                strerror(-m->wksp[i].err),
                qs_plan_options(plan, m->cfg, plan->tile[i].name, options, sizeof(options)));
    }
    return 0;
}

int
qs_plan_make(qs_plan_t *plan, qs_wksp_plan_t *wksp, qs_topo_t const *topo, qs_config_t const *cfg,
             bool park, char *err, u64 err_sz)
{
    maker_t m = {
        .plan = plan, .wksp = wksp, .topo = topo, .cfg = cfg, .err = err, .err_sz = err_sz};

    memset(plan, 0, sizeof(*plan));
    memset(wksp, 0, QS_TILE_MAX * sizeof(*wksp));
    snprintf(plan->topo, sizeof(plan->topo), "%s", topo->name);
    int bad = add_tiles(&m);
    if (!bad)
        bad = add_links(&m);
    for (u32 i = 0; !bad && i < plan->tile_cnt; i++)
        bad = check_outs(&m, &plan->tile[i], tile_at(&m, (int)i));
    if (!bad)
        bad = add_ports(&m);
    if (!bad)
        bad = place_all(&m);
    if (bad)
        return bad;
    for (u32 i = 0; i < plan->tile_cnt; i++)
        plan->tile[i].park = park;
    plan->layout_hash = qs_hash_bytes(sizeof(*plan), plan, sizeof(*plan));
    return 0;
}

u32
qs_topo_tile_cnt(qs_topo_t const *topo, qs_config_t const *cfg)
{
    u32 cnt = 0;

    for (qs_tile_row_t const *row = topo->tiles; row->tile; row++)
        cnt += row_cnt(row, cfg);
    return cnt;
}

int
qs_plan_tile_of(qs_plan_t const *plan, char const *name)
{
    char const *colon = strchr(name, ':');
    size_t len = colon ? (size_t)(colon - name) : strlen(name);
    char *end = NULL;
    u64 idx = colon ? strtoul(colon + 1, &end, 10) : 0;

    if (colon && (end == colon + 1 || *end))
        return -1;
    for (u32 i = 0; i < plan->tile_cnt; i++)
        if (plan->tile[i].idx == idx && strlen(plan->tile[i].name) == len &&
            !strncmp(plan->tile[i].name, name, len))
            return (int)i;
    return -1;
}

qs_tile_shared_t const *
qs_tile_shared_of(qs_tile_ctx_t const *ctx, char const *row)
{
    int tile = row_of(ctx->plan, row);

    for (u32 i = 0; tile >= 0 && i < ctx->shared_cnt; i++)
        if (ctx->shared[i].tile == (u32)tile)
            return &ctx->shared[i];
    return NULL;
}

char const *
qs_plan_label(qs_plan_t const *plan, u32 tile, char *buf, u64 buf_sz)
{
    qs_plan_tile_t const *t = &plan->tile[tile];

    if (t->cnt > 1)
        snprintf(buf, buf_sz, "%s:%u", t->name, t->idx);
    else
        snprintf(buf, buf_sz, "%s", t->name);
    return buf;
}

/* Goal: a topology that cannot work is refused with the row's name; a plan that is handed out is
   laid out soundly, and pictures tell what the tables say.  Method: one impossible row after the
   other against a small sound topology; then properties over every plan of the real topologies;
   then the three writers. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <ctype.h>
#include <stdlib.h>

#include "disco/qs_topos.h"
#include "tango/base/qs_hist.h"
#include "tango/qs_cnc.h"
#include "tango/qs_fseq.h"

static qs_tile_t const wire = {.name = "wire", .out = {"eye", "ear"}, .is_net = true};
static qs_tile_t const sea = {.name = "sea", .out = {"*"}, .is_net = true, .umem = true};
static qs_tile_t const eye = {.name = "eye", .in = {{.from = "wire"}}, .out = {"ear"}};
static qs_tile_t const ear = {.name = "ear",
                              .in = {{.from = "wire"}, {.from = "eye", .in_place = true}}};
static qs_tile_t const fish = {.name = "fish", .in = {{.from = "sea"}}};
static qs_tile_t const crab = {.name = "crab", .in = {{.from = "sea"}}};
static qs_tile_t const hub = {.name = "hub", .in = {{.from = "*"}}, .out = {"*"}};
static qs_tile_t const copier = {.name = "eye",
                                 .in = {{.from = "wire"}},
                                 .out = {"ear"},
                                 .must_out = 1u << 0,
                                 .passes_on = true};

static u32
none(qs_config_t const *cfg)
{
    (void)cfg;
    return 0;
}

typedef struct plan_of {
    qs_config_t cfg;
    qs_plan_t plan;
    qs_wksp_plan_t wksp[QS_TILE_MAX];
    char err[256];
} plan_of_t;

static plan_of_t at;

static void
defaults(void)
{
    qs_config_init(&qs_config_table, &at.cfg);
}

TestSuite(topo, .init = defaults);

static int
make(qs_topo_t const *topo)
{
    at.err[0] = 0;
    return qs_plan_make(&at.plan, at.wksp, topo, &at.cfg, false, at.err, sizeof(at.err));
}

struct refusal {
    qs_tile_row_t tiles[5];
    qs_link_row_t links[3];
    char const *says;
};

#define WIRE                                                                                       \
    {                                                                                              \
        .tile = &wire, .cnt = 1                                                                    \
    }
#define EYE                                                                                        \
    {                                                                                              \
        .tile = &eye, .cnt = 1                                                                     \
    }
#define EAR                                                                                        \
    {                                                                                              \
        .tile = &ear, .cnt = 1                                                                     \
    }
#define COPIER                                                                                     \
    {                                                                                              \
        .tile = &copier, .cnt = 1                                                                  \
    }
#define SEA                                                                                        \
    {                                                                                              \
        .tile = &sea, .cnt = 1                                                                     \
    }
#define FISH                                                                                       \
    {                                                                                              \
        .tile = &fish, .cnt = 1                                                                    \
    }
#define GOOD .depth = 64, .mtu = 100, .flow = QS_RELIABLE

/* clang-format off */
static struct refusal const refusals[] = {
    {{{0}}, {{0}}, "there are no tiles"},
    {{WIRE, WIRE}, {{0}}, "tile wire stands in two rows"},
    {{{.tile = &eye, .cnt = 0}}, {{0}}, "tile eye: 0 instances"},
    {{{.tile = &eye, .cnt = 1, .cnt_of = none}}, {{0}}, "tile eye: 0 instances"},
    {{WIRE, {.tile = &eye, .cnt = QS_TILE_MAX}}, {{0}}, "tile eye: 64 instances"},
    {{{.tile = &eye, .cnt = UINT32_MAX}}, {{0}}, "tile eye: 4294967295 instances"},
    {{WIRE, {.tile = &eye, .cnt = UINT32_MAX}}, {{0}}, "tile eye: 4294967295 instances"},
    {{{.name = "", .tile = &eye, .cnt = 1}}, {{0}}, "tile '': a name is"},
    {{{.name = "Eye", .tile = &eye, .cnt = 1}}, {{0}}, "tile 'Eye': a name is"},
    {{{.name = "eye:1", .tile = &eye, .cnt = 1}}, {{0}}, "tile 'eye:1': a name is"},
    {{{.name = "e_e", .tile = &eye, .cnt = 1}}, {{0}}, "tile 'e_e': a name is"},
    {{{.name = "abcdefghijklmnop", .tile = &eye, .cnt = 1}}, {{0}}, "'abcdefghijklmnop': a name is"},
    {{WIRE, EYE}, {{"wire", "nose", GOOD}}, "link wire -> nose: there is no tile nose"},
    {{WIRE, EYE}, {{"nose", "eye", GOOD}}, "link nose -> eye: there is no tile nose"},
    {{{.tile = &wire, .cnt = 2}, EYE}, {{"wire:1", "eye", GOOD}}, "link wire:1 -> eye: there is no tile wire:1"},
    {{WIRE, {.tile = &eye, .cnt = 2}}, {{"wire", "eye:1", GOOD}}, "link wire -> eye:1: there is no tile eye:1"},
    {{{.tile = &hub, .cnt = 1}}, {{"hub", "hub", GOOD}}, "link hub -> hub: a tile cannot feed itself"},
    {{EYE, WIRE}, {{"eye", "wire", GOOD}}, "link eye -> wire: eye does not declare that output"},
    {{{.tile = &hub, .cnt = 1}, EYE}, {{"hub", "eye", GOOD}}, "link hub -> eye: eye does not declare that input"},
    {{EYE, EAR}, {{"eye", "ear", .depth = 64, .mtu = 100, .flow = QS_LOSSY}}, "link eye -> ear: ear reads in place"},
    {{EYE, EAR}, {{"eye", "ear", .depth = 64, .mtu = 100, .flow = QS_EXPENDABLE}}, "link eye -> ear: ear reads in place"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 0, .mtu = 100}}, "link wire -> eye: depth 0 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 1, .mtu = 100}}, "link wire -> eye: depth 1 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 100, .mtu = 100}}, "link wire -> eye: depth 100 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 1u << 31, .mtu = 100}}, "link wire -> eye: depth 2147483648 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 64, .window = 1, .mtu = 100}}, "link wire -> eye: window 1 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 64, .window = 65, .mtu = 100}}, "link wire -> eye: window 65 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 64, .mtu = 0}}, "link wire -> eye: mtu 0 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 64, .mtu = 65536}}, "link wire -> eye: mtu 65536 is not"},
    {{WIRE, EYE}, {{"wire", "eye", .depth = 1u << 30, .mtu = 65535}}, "link wire_eye: its payloads do not fit"},
    {{EYE, EAR}, {{"eye", "ear", GOOD, .ports = "tpu"}}, "link eye -> ear: only a net tile has ports"},
    {{WIRE, EYE}, {{"wire", "eye", GOOD}, {"wire", "eye", GOOD}}, "link wire -> eye stands in two rows"},
    {{WIRE, EYE}, {{"wire", "eye", GOOD, .ports = "tpu tqu"}}, "link wire -> eye: there is no option port.tqu"},
    {{WIRE, EYE}, {{"wire", "eye", GOOD, .ports = "tpu tpu"}}, "port.tpu = 9001 is already that of port.tpu"},
    {{WIRE, EYE, EAR}, {{"wire", "eye", GOOD, .ports = "tvu"}, {"wire", "ear", GOOD, .ports = "tvu"}}, "port.tvu = 8003 is already that of port.tvu"},
    {{WIRE, COPIER, EAR}, {{"wire", "eye", GOOD}}, "tile eye: there is no link eye -> ear"},
    {{WIRE, COPIER, EAR}, {{"wire", "eye", GOOD}, {"eye", "ear", .depth = 64, .mtu = 99, .flow = QS_RELIABLE}}, "link eye_ear: mtu 99 is less than the 100 of wire_eye, which eye passes on"},
    {{SEA, FISH}, {{"sea", "fish", GOOD}}, "link sea -> fish: a link from the wire must be lossy"},
    {{SEA, FISH}, {{"sea", "fish", .depth = 64, .mtu = 2049, .flow = QS_LOSSY}}, "link sea -> fish: mtu 2049 is more than a frame of 2048"},
    {{WIRE, {.tile = &eye, .cnt = 33}}, {{"wire", "eye", GOOD}}, "link wire_eye: 33 readers"},
};
/* clang-format on */

static qs_topo_t
topo_of(struct refusal const *r)
{
    return (qs_topo_t){
        .name = "trial", .help = "", .picture = "", .tiles = r->tiles, .links = r->links};
}

Test(topo, every_impossible_row_is_refused_by_name)
{
    for (u32 i = 0; i < QS_COUNT(refusals); i++) {
        qs_topo_t topo = topo_of(&refusals[i]);
        int err = make(&topo);
        cr_expect(eq(int, err, -EINVAL), "%s", refusals[i].says);
        cr_expect(strstr(at.err, refusals[i].says) && !strncmp(at.err, "topology trial: ", 16),
                  "said \"%s\", not \"%s\"", at.err, refusals[i].says);
        cr_expect(strchr(at.err, '\n') == NULL);
    }
}

Test(topo, the_same_rows_without_the_mistake_are_taken)
{
    static qs_tile_row_t const tiles[] = {WIRE, {.tile = &eye, .cnt = 32}, EAR, {0}};
    static qs_link_row_t const links[] = {
        {"wire", "eye", .depth = 2, .window = 2, .mtu = 1, .flow = QS_LOSSY, .ports = "tpu extra"},
        {"wire", "ear", .depth = 64, .mtu = 65535, .flow = QS_EXPENDABLE, .ports = "tvu"},
        {"eye", "ear", GOOD},
        {0}};
    qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = links};
    at.cfg.net.extra_ports[0] = 7000;
    at.cfg.net.extra_ports_cnt = 1;
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
    cr_assert(eq(u32, at.plan.tile_cnt, 34));
    cr_assert(eq(u32, at.plan.link_cnt, 34));
    cr_assert(eq(u32, at.plan.link[0].consumer_cnt, 32));
    cr_assert(eq(str, at.plan.link[2].name, "eye:0_ear"));
    cr_assert(eq(u32, at.plan.port_cnt, 3));
    cr_assert(eq(u32, at.plan.port[1].port, 7000));
    cr_assert(eq(u32, at.plan.port[2].link_row, 1));
}

Test(topo, a_tile_that_passes_on_is_taken_when_its_out_is_as_large_as_its_in)
{
    static qs_tile_row_t const tiles[] = {WIRE, COPIER, EAR, {0}};
    static qs_link_row_t const links[] = {{"wire", "eye", GOOD}, {"eye", "ear", GOOD}, {0}};
    qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = links};
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
}

Test(topo, an_extra_port_that_is_taken_already_is_refused)
{
    at.cfg.net.extra_ports[0] = at.cfg.port.tvu;
    at.cfg.net.extra_ports_cnt = 1;
    cr_assert(eq(int, make(&qs_topo_listen), -EINVAL));
    cr_assert(strstr(at.err, "net.extra_ports = 8003 is already that of port.tvu") != NULL, "%s",
              at.err);
    cr_assert(strstr(at.err, "net.extra_ports = 8003 is already that of port.tvu") != NULL, "%s",
              at.err);
}

Test(topo, a_tile_with_too_many_links_is_refused_and_nothing_is_overrun)
{
    static char name[QS_TILE_MAX][QS_NAME_MAX];
    static qs_tile_row_t tiles[24];
    static qs_link_row_t out_links[24], in_links[4];
    tiles[0] = (qs_tile_row_t){.tile = &hub, .cnt = 1};
    for (u32 i = 1; i < 23; i++) {
        snprintf(name[i], sizeof(name[i]), "t%u", i);
        tiles[i] = (qs_tile_row_t){.name = name[i], .tile = &hub, .cnt = 1};
        out_links[i - 1] = (qs_link_row_t){"hub", name[i], GOOD};
    }
    qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = out_links};
    cr_assert(eq(int, make(&topo), -EINVAL));
    cr_assert(strstr(at.err, "link hub -> t17: more than 16 outputs") != NULL, "%s", at.err);

    tiles[1].cnt = 31;
    tiles[2].cnt = 31;
    tiles[3] = (qs_tile_row_t){0};
    in_links[0] = (qs_link_row_t){"t1", "hub", GOOD};
    in_links[1] = (qs_link_row_t){"t2", "hub", GOOD};
    topo.links = in_links;
    cr_assert(eq(int, make(&topo), 0), "62 inputs are possible: %s", at.err);
    in_links[2] = (qs_link_row_t){"t1", "t2", GOOD};
    in_links[3] = (qs_link_row_t){0};
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
}

Test(topo, names_of_full_length_are_told_apart)
{
    static qs_tile_row_t const tiles[] = {{.name = "aaaaaaaaaaaaaaa", .tile = &hub, .cnt = 12},
                                          {.name = "bbbbbbbbbbbbbbb", .tile = &hub, .cnt = 2},
                                          {.name = "bbbbbbbbbbbbbbc", .tile = &hub, .cnt = 2},
                                          {0}};
    static qs_link_row_t const links[] = {{"aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb", GOOD},
                                          {"aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbc", GOOD},
                                          {0}};
    qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = links};
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
    cr_assert(eq(str, at.plan.link[10].name, "aaaaaaaaaaaaaaa:10_bbbbbbbbbbbbbbb"));
    cr_assert(eq(str, at.plan.link[22].name, "aaaaaaaaaaaaaaa:10_bbbbbbbbbbbbbbc"));
}

/* Every object of a plan: its workspace and where it lies there. */
typedef struct span {
    u32 tile;
    u64 off, sz;
} span_t;

static u32
spans_of(qs_plan_t const *p, span_t *s)
{
    u32 n = 0;
    for (u32 i = 0; i < p->tile_cnt; i++) {
        qs_plan_tile_t const *t = &p->tile[i];
        s[n++] = (span_t){i, t->cnc_off, qs_cnc_footprint()};
        s[n++] = (span_t){i, t->stem_metrics_off, sizeof(qs_stem_metrics_t)};
        s[n++] = (span_t){i, t->metrics_off, t->metrics_sz};
        s[n++] = (span_t){i, t->state_off, t->state_sz};
        if (t->frame_cnt)
            s[n++] = (span_t){i, t->umem_off, (u64)t->frame_cnt * t->frame_sz};
        for (u32 k = 0; k < t->in_cnt; k++)
            if (t->scratch_off[k])
                s[n++] = (span_t){i, t->scratch_off[k],
                                  QS_BATCH * qs_align_up(p->link[t->in[k]].mtu, QS_CHUNK_SZ)};
    }
    for (u32 i = 0; i < p->link_cnt; i++) {
        qs_plan_link_t const *l = &p->link[i];
        s[n++] = (span_t){l->producer, l->mcache_off, l->mcache_sz};
        s[n++] = (span_t){l->producer, l->out_metrics_off, sizeof(qs_out_metrics_t)};
        if (!p->tile[l->producer].frame_cnt)
            s[n++] = (span_t){l->producer, (u64)l->dcache.chunk0 * QS_CHUNK_SZ,
                              (u64)(l->dcache.chunk1 - l->dcache.chunk0) * QS_CHUNK_SZ};
        for (u32 c = 0; c < l->consumer_cnt; c++) {
            s[n++] = (span_t){l->consumer[c], l->fseq_off[c], sizeof(qs_fseq_t)};
            s[n++] = (span_t){l->consumer[c], l->in_metrics_off[c], sizeof(qs_in_metrics_t)};
            s[n++] = (span_t){l->consumer[c], l->latency_off[c], sizeof(qs_hist_t)};
        }
    }
    return n;
}

static void
plan_is_sound(qs_plan_t const *p)
{
    static span_t span[4096];
    u32 cnt = spans_of(p, span);
    for (u32 a = 0; a < cnt; a++) {
        cr_assert(ge(u64, span[a].off, QS_WKSP_OBJECTS_OFF));
        cr_assert(le(u64, span[a].off + span[a].sz, p->tile[span[a].tile].wksp_sz));
        for (u32 b = 0; b < a; b++)
            cr_assert(span[a].tile != span[b].tile || span[a].off + span[a].sz <= span[b].off ||
                          span[b].off + span[b].sz <= span[a].off,
                      "objects overlap at %lu and %lu", span[a].off, span[b].off);
    }
    for (u32 i = 0; i < p->tile_cnt; i++) {
        qs_plan_tile_t const *t = &p->tile[i];
        char label[QS_NAME_MAX + 4];
        cr_assert(eq(int, qs_plan_tile_of(p, qs_plan_label(p, i, label, sizeof(label))), (int)i));
        for (u32 k = 0; k < t->in_cnt; k++)
            cr_assert(eq(u32, p->link[t->in[k]].consumer[t->in_consumer[k]], i));
        for (u32 k = 0; k < t->out_cnt; k++)
            cr_assert(eq(u32, p->link[t->out[k]].producer, i));
    }
}

Test(topo, objects_of_every_plan_lie_inside_their_workspace_and_apart)
{
    for (u32 i = 0; qs_topos[i]; i++)
        for (u32 net_tiles = 1; net_tiles <= 16; net_tiles += 5) {
            at.cfg.net.tiles = net_tiles;
            cr_assert(eq(int, make(qs_topos[i]), 0), "%s", at.err);
            plan_is_sound(&at.plan);
        }
}

Test(topo, links_from_one_umem_share_it_and_every_line_and_ring_has_its_frames)
{
    static qs_tile_row_t const tiles[] = {
        {.tile = &sea, .cnt = 2}, FISH, {.tile = &crab, .cnt = 1}, {0}};
    static qs_link_row_t const links[] = {
        {"sea", "fish", .depth = 64, .window = 8, .mtu = 0, .flow = QS_LOSSY, .ports = "tpu"},
        {"sea", "crab", .depth = 32, .mtu = 100, .flow = QS_LOSSY, .ports = "tvu"},
        {0}};
    qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = links};
    at.cfg.net.rx_depth = 256;
    at.cfg.net.tx_depth = 128;
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
    plan_is_sound(&at.plan);
    for (u32 i = 0; i < 2; i++) {
        qs_plan_tile_t const *t = &at.plan.tile[i];
        cr_assert(eq(u32, t->frame_cnt, 2 * 256 + 2 * 128 + 64 + 32 + QS_UMEM_BATCH));
        cr_assert(eq(u32, t->frame_sz, 2048));
        cr_assert(eq(u64, t->umem_off % 4096, 0));
        for (u32 k = 0; k < t->out_cnt; k++) {
            qs_plan_link_t const *l = &at.plan.link[t->out[k]];
            cr_assert(eq(u64, (u64)l->dcache.chunk0 * QS_CHUNK_SZ, t->umem_off));
            cr_assert(eq(u64, (u64)l->dcache.chunk1 * QS_CHUNK_SZ,
                         t->umem_off + (u64)t->frame_cnt * t->frame_sz));
            cr_assert(eq(u32, l->window, l->depth), "every line owns a frame");
        }
    }
    cr_assert(eq(u32, at.plan.link[0].mtu, 1472));
    cr_assert(eq(u32, at.plan.link[2].mtu, 100));
    at.cfg.net.mtu = 3000;
    at.cfg.net.provider = QS_CONFIG_net_provider_socket;
    cr_assert(eq(int, make(&topo), 0), "%s", at.err);
    cr_assert(eq(u32, at.plan.tile[0].frame_cnt, 64 + 32 + QS_UMEM_BATCH), "no rings");
    cr_assert(eq(u32, at.plan.tile[0].frame_sz, 4096));
    cr_assert(eq(u32, at.plan.link[0].mtu, 2972));
}

Test(topo, who_maps_with_another_layout_in_mind_has_another_hash)
{
    static qs_tile_row_t const base_tiles[] = {WIRE, EYE, EAR, {0}};
    static qs_link_row_t const base_links[] = {
        {"wire", "eye", GOOD, .ports = "tpu"}, {"eye", "ear", GOOD}, {0}};
    u64 hash[9];
    u32 cnt = 0;

    for (u32 change = 0; change < 9; change++) {
        qs_tile_row_t tiles[4];
        qs_link_row_t links[3];
        memcpy(tiles, base_tiles, sizeof(tiles));
        memcpy(links, base_links, sizeof(links));
        qs_topo_t topo = {.name = "trial", .tiles = tiles, .links = links};
        defaults();
        switch (change) {
        case 1:
            topo.name = "trials";
            break;
        case 2:
            links[0].depth = 128;
            break;
        case 3:
            links[0].window = 32;
            break;
        case 4:
            links[0].mtu = 101;
            break; /* the same bytes of memory */
        case 5:
            links[0].flow = QS_EXPENDABLE;
            break;
        case 6:
            tiles[1].cnt = 2;
            break;
        case 7:
            links[0].ports = "tvu";
            break;
        case 8:
            at.cfg.port.tpu = 9002;
            break;
        }
        cr_assert(eq(int, make(&topo), 0), "%s", at.err);
        hash[cnt++] = at.plan.layout_hash;
        cr_assert(eq(int, make(&topo), 0));
        cr_assert(eq(u64, at.plan.layout_hash, hash[cnt - 1]), "the same twice");
    }
    for (u32 a = 0; a < cnt; a++)
        for (u32 b = 0; b < a; b++)
            cr_assert(ne(u64, hash[a], hash[b]), "changes %u and %u", a, b);
}

/* A word of a picture is a run of letters and digits; "net:i" is net.  Behind the arrows of the
   legend stand words that are no tiles. */
static bool
is_word(char const *picture, char const *name)
{
    size_t len = strlen(name);
    for (char const *p = picture; (p = strstr(p, name)); p += len)
        if ((p == picture || !isalnum(p[-1])) && !isalnum(p[len]))
            return true;
    return false;
}

static bool
names_a_tile(qs_topo_t const *topo, char const *word)
{
    static char const *const legend[] = {"wire", "lossy", "reliable", "expendable", "i", "j", "k"};
    for (u32 i = 0; i < QS_COUNT(legend); i++)
        if (!strcmp(word, legend[i]))
            return true;
    for (u32 i = 0; topo->tiles[i].tile; i++)
        if (!strcmp(word, topo->tiles[i].name ? topo->tiles[i].name : topo->tiles[i].tile->name))
            return true;
    return false;
}

static bool
has_link(char const *name)
{
    for (u32 i = 0; i < at.plan.link_cnt; i++)
        if (!strcmp(at.plan.link[i].name, name))
            return true;
    return false;
}

Test(topo, a_tile_that_an_option_adds_takes_over_what_bypassed_it)
{
    cr_assert(eq(int, make(&qs_topo_gossip), 0), "%s", at.err);
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "gossvf"), -1));
    cr_assert(has_link("net_gossip"));
    cr_assert(not(has_link("net_gossvf") || has_link("gossvf_gossip")));
    cr_assert(eq(int, strcmp(qs_topo_gossip.links[at.plan.port[0].link_row].to, "gossip"), 0));
    u32 ports = at.plan.port_cnt;

    at.cfg.gossip.verify_tiles = 2;
    cr_assert(eq(int, make(&qs_topo_gossip), 0), "%s", at.err);
    cr_assert(ge(int, qs_plan_tile_of(&at.plan, "gossvf:1"), 0));
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "gossvf:2"), -1));
    cr_assert(not(has_link("net_gossip")));
    cr_assert(has_link("net_gossvf") && has_link("gossvf:1_gossip"));
    cr_assert(eq(int, strcmp(qs_topo_gossip.links[at.plan.port[0].link_row].to, "gossvf"), 0));
    cr_assert(eq(u32, at.plan.port_cnt, ports));
}

Test(topo, each_picture_names_the_tiles_of_its_table_and_no_others)
{
    for (u32 i = 0; qs_topos[i]; i++) {
        qs_topo_t const *topo = qs_topos[i];
        char text[4096];
        for (u32 t = 0; topo->tiles[t].tile; t++) {
            char const *name =
                topo->tiles[t].name ? topo->tiles[t].name : topo->tiles[t].tile->name;
            cr_expect(is_word(topo->picture, name), "%s: %s is missing", topo->name, name);
        }
        cr_assert(strlen(topo->picture) < sizeof(text));
        snprintf(text, sizeof(text), "%s", topo->picture);
        for (char *rest = text, *word; (word = strsep(&rest, " :\n|+-=~><^"));)
            if (isalpha(word[0]) && strcmp(word, "v")) /* an arrow */
                cr_expect(names_a_tile(topo, word), "%s: %s is no tile", topo->name, word);
    }
}

static char *
written(void (*write)(FILE *, qs_topo_t const *, qs_plan_t const *), qs_topo_t const *topo)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *f = open_memstream(&text, &sz);
    write(f, topo, &at.plan);
    fclose(f);
    return text;
}

Test(topo, every_writer_tells_each_tile_link_and_port)
{
    for (u32 i = 0; qs_topos[i]; i++) {
        at.cfg.net.tiles = 2;
        cr_assert(eq(int, make(qs_topos[i]), 0), "%s", at.err);
        char *text = written(qs_topo_write_text, qs_topos[i]);
        char *dot = written(qs_topo_write_dot, qs_topos[i]);
        char *json = written(qs_topo_write_json, qs_topos[i]);
        char *const all[] = {text, dot, json};
        for (u32 t = 0; t < at.plan.tile_cnt; t++)
            for (u32 w = 0; w < QS_COUNT(all); w++) {
                char label[QS_NAME_MAX + 4];
                cr_expect(is_word(all[w], qs_plan_label(&at.plan, t, label, sizeof(label))));
            }
        for (u32 l = 0; l < at.plan.link_cnt; l++) {
            cr_expect(strstr(text, at.plan.link[l].name) != NULL);
            cr_expect(strstr(json, at.plan.link[l].name) != NULL);
        }
        for (u32 p = 0; p < at.plan.port_cnt; p++) {
            char number[16];
            snprintf(number, sizeof(number), "%u", at.plan.port[p].port);
            cr_expect(is_word(text, number) && is_word(json, number), "port %s", number);
        }
        cr_expect(strstr(text, qs_topos[i]->picture) != NULL);
        u32 arrows = 0, joins = 0;
        for (char const *p = dot; (p = strstr(p, " -> ")); p++)
            arrows++;
        for (u32 l = 0; l < at.plan.link_cnt; l++)
            joins += at.plan.link[l].consumer_cnt;
        cr_expect(eq(u32, arrows, joins));
        free(text);
        free(dot);
        free(json);
    }
}

Test(topo, tiles_are_found_by_name_and_number_and_by_nothing_else)
{
    static char const *const not_there[] = {"",      "ne",     "nett", "net:",   "net:2",
                                            "net:x", "net:1x", ":0",   "sink:1", "net:-1"};
    at.cfg.net.tiles = 2;
    cr_assert(eq(int, make(&qs_topo_listen), 0), "%s", at.err);
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "net"), 0));
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "net:0"), 0));
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "net:1"), 1));
    cr_assert(eq(int, qs_plan_tile_of(&at.plan, "sink"), 3));
    for (u32 i = 0; i < QS_COUNT(not_there); i++)
        cr_expect(eq(int, qs_plan_tile_of(&at.plan, not_there[i]), -1), "%s", not_there[i]);
}

/* The interface's settings that XDP needs: offloads that merge packets, or hide VLAN tags, off; and
   at least as many queues as there are net tiles.  Queues are never taken away: that would slow
   everything else on the host.  Where there are more, packets to our ports are led to those that
   have a tile, by a rule for each port, if the NIC knows rules; all others stay spread over all, unless
   net.rss = "tiles" asks for the table of RSS to hold those queues only.  A table that somebody set by
   hand is left alone.

   A setting goes by a path that is none, /ethtool/IFACE/NAME; with a root of a test's it is a file.
   The rule of a port has the name udp4-PORT. */

#include "app/doctor/qs_doctor.h"
#include "app/qs_configure_kind.h"
#include "waltz/xdp/qs_ethtool.h"

#define PREFIX "/ethtool/"
#define RULE   "udp4-"
#define EQUAL  "equal " /* as ethtool -X says it */

/* split takes the interface and the setting out of a path. */
static bool
split(char const *path, char ifname[QS_CONFIGURE_IFNAME_MAX], char const **setting)
{
    char const *name = path + strlen(PREFIX), *slash = strchr(name, '/');

    if (strncmp(path, PREFIX, strlen(PREFIX)) != 0 || !slash ||
        slash - name >= (i64)QS_CONFIGURE_IFNAME_MAX)
        return false;
    snprintf(ifname, QS_CONFIGURE_IFNAME_MAX, "%.*s", (int)(slash - name), name);
    *setting = slash + 1;
    return true;
}

/* port_of returns the port that a setting is the rule of, or 0. */
static u16
port_of(char const *setting)
{
    return strncmp(setting, RULE, strlen(RULE)) ? 0 : (u16)atoi(setting + strlen(RULE));
}

static bool
is_fake(qs_configure_t const *c)
{
    return c->host.root && c->host.root[0];
}

static int
look_rule(char const *ifname, u16 port, char state[QS_JOURNAL_VALUE_MAX])
{
    qs_ethtool_rule_t rule;
    int err = qs_ethtool_rule_get(ifname, port, &rule);

    if (err == -ENOENT)
        snprintf(state, QS_JOURNAL_VALUE_MAX, "none");
    else if (!err)
        snprintf(state, QS_JOURNAL_VALUE_MAX, "queue %u place %u", rule.queue, rule.place);
    return err == -ENOENT ? 0 : err;
}

static int
look_rss(char const *ifname, char state[QS_JOURNAL_VALUE_MAX])
{
    qs_ethtool_rss_t rss;
    int err = qs_ethtool_rss_get(ifname, &rss);

    if (rss.kind == QS_ETHTOOL_RSS_DEFAULT)
        snprintf(state, QS_JOURNAL_VALUE_MAX, "default");
    else if (rss.kind == QS_ETHTOOL_RSS_EQUAL)
        snprintf(state, QS_JOURNAL_VALUE_MAX, EQUAL "%u", rss.cnt);
    else
        snprintf(state, QS_JOURNAL_VALUE_MAX, "other %08x", rss.sum);
    return err;
}

static int
set_rss(char const *ifname, char const *want)
{
    u32 cnt = 0;

    if (sscanf(want, EQUAL "%u", &cnt) != 1 && strcmp(want, "default") != 0)
        return -EINVAL;
    return qs_ethtool_rss_set(ifname, cnt);
}

/* set_rule puts the rule of a port in the place of the one there is.  want: "none", "queue 0", or
   with a place. */
static int
set_rule(char const *ifname, u16 port, char const *want)
{
    qs_ethtool_rule_t rule, now;
    int words = sscanf(want, "queue %u place %u", &rule.queue, &rule.place);
    int err = qs_ethtool_rule_get(ifname, port, &now);

    if (!err)
        err = qs_ethtool_rule_remove(ifname, now.place);
    if ((err && err != -ENOENT) || words < 1)
        return err == -ENOENT ? 0 : err;
    if (words == 1)
        rule.place = QS_ETHTOOL_ANY_PLACE;
    return qs_ethtool_rule_add(ifname, port, rule);
}

int
qs_configure_look_ethtool(qs_configure_t const *c, char const *path,
                          char state[QS_JOURNAL_VALUE_MAX])
{
    char ifname[QS_CONFIGURE_IFNAME_MAX];
    char const *setting;
    qs_ethtool_feature_t feature;
    qs_ethtool_queues_t queues;

    if (is_fake(c)) {
        int sz = qs_configure_read(c, path, state, QS_JOURNAL_VALUE_MAX);
        return sz < 0 ? sz : 0;
    }
    if (!split(path, ifname, &setting))
        return -EINVAL;
    int err;
    if (port_of(setting)) {
        err = look_rule(ifname, port_of(setting), state);
    } else if (!strcmp(setting, "rss")) {
        err = look_rss(ifname, state);
    } else if (!strcmp(setting, "queues")) {
        err = qs_ethtool_queues_get(ifname, &queues);
        snprintf(state, QS_JOURNAL_VALUE_MAX, "%u", err ? 0 : queues.cnt);
    } else {
        err = qs_ethtool_feature_get(ifname, setting, &feature);
        if (!err && feature.fixed)
            return -ENOENT; /* nothing to set */
        snprintf(state, QS_JOURNAL_VALUE_MAX, "%s", !err && feature.on ? "on" : "off");
    }
    return err == -EOPNOTSUPP || err == -ENODEV ? -ENOENT : err;
}

int
qs_configure_set_ethtool(qs_configure_t const *c, char const *path, char const *want)
{
    char ifname[QS_CONFIGURE_IFNAME_MAX];
    char const *setting;

    if (c->host.write)
        return c->host.write(c->host.ctx, path, want);
    if (is_fake(c) || !split(path, ifname, &setting))
        return -EINVAL;
    if (port_of(setting))
        return set_rule(ifname, port_of(setting), want);
    if (!strcmp(setting, "rss"))
        return set_rss(ifname, want);
    if (!strcmp(setting, "queues"))
        return qs_ethtool_queues_set(ifname, (u32)strtoul(want, NULL, 10));
    return qs_ethtool_feature_set(ifname, setting, !strcmp(want, "on"));
}

void
qs_configure_shell_ethtool(char *out, u64 out_sz, char const *path, char const *want)
{
    char ifname[QS_CONFIGURE_IFNAME_MAX];
    char const *setting;
    u32 queue;

    out[0] = 0;
    if (!split(path, ifname, &setting))
        return;
    if (port_of(setting) && sscanf(want, "queue %u", &queue) == 1)
        snprintf(out, out_sz, "ethtool -N %s flow-type udp4 dst-port %u action %u", ifname,
                 port_of(setting), queue);
    else if (port_of(setting))
        snprintf(out, out_sz, "ethtool -N %s delete PLACE", ifname);
    else if (!strcmp(setting, "rss"))
        snprintf(out, out_sz, "ethtool -X %s %s", ifname, want);
    else if (!strcmp(setting, "queues"))
        snprintf(out, out_sz, "ethtool -L %s combined %s", ifname, want);
    else
        snprintf(out, out_sz, "ethtool -K %s %s %s", ifname, setting, want);
}

static qs_configure_action_t *
add(qs_configure_list_t *out, qs_configure_kind_t kind, char const *ifname, char const *setting,
    char const *want, char const *why)
{
    char path[QS_JOURNAL_PATH_MAX];

    snprintf(path, sizeof(path), PREFIX "%s/%s", ifname, setting);
    qs_configure_action_t *a = qs_configure_add(out, kind, path);
    if (!a)
        return NULL;
    a->optional = true; /* not every driver has it */
    snprintf(a->want, sizeof(a->want), "%s", want);
    snprintf(a->why, sizeof(a->why), "%s", why);
    return a;
}

/* add_wish adds what a driver may well refuse: it has rules, but not such ones. */
static void
add_wish(qs_configure_list_t *out, qs_configure_kind_t kind, char const *ifname,
         char const *setting, char const *want, char const *why)
{
    qs_configure_action_t *a = add(out, kind, ifname, setting, want, why);
    if (a)
        a->wish = true;
}

/* add_rules: each port that somebody reads, to the queues of the net tiles in turn. */
static void
add_rules(qs_configure_t const *c, qs_configure_list_t *out, char const *ifname)
{
    char path[QS_JOURNAL_PATH_MAX], now[QS_JOURNAL_VALUE_MAX], setting[32], want[32];
    u32 tiles = c->cfg->net.tiles, turn = 0;

    snprintf(path, sizeof(path), PREFIX "%s/queues", ifname);
    if (qs_configure_look_ethtool(c, path, now) || strtoul(now, NULL, 10) <= tiles)
        return;
    add_wish(out, QS_CONFIGURE_OFFLOAD, ifname, "rx-ntuple-filter", "on", "rules need it");
    for (u32 p = 0; p < c->plan->port_cnt; p++) {
        if (c->plan->port[p].link_row == UINT16_MAX)
            continue;
        snprintf(setting, sizeof(setting), RULE "%u", c->plan->port[p].port);
        snprintf(want, sizeof(want), "queue %u", turn++ % tiles);
        add_wish(out, QS_CONFIGURE_STEER, ifname, setting, want, "this queue has a net tile");
    }
}

/* add_rss: only the queues of the net tiles, where there are more. */
static void
add_rss(qs_configure_t const *c, qs_configure_list_t *out, char const *ifname)
{
    char path[QS_JOURNAL_PATH_MAX], queues[QS_JOURNAL_VALUE_MAX], rss[QS_JOURNAL_VALUE_MAX],
        want[32];
    u32 tiles = c->cfg->net.tiles;

    snprintf(path, sizeof(path), PREFIX "%s/queues", ifname);
    if (c->cfg->net.rss != QS_CONFIG_net_rss_tiles || qs_configure_look_ethtool(c, path, queues) ||
        strtoul(queues, NULL, 10) <= tiles)
        return;
    snprintf(path, sizeof(path), PREFIX "%s/rss", ifname);
    snprintf(want, sizeof(want), EQUAL "%u", tiles);
    if (!qs_configure_look_ethtool(c, path, rss) && !strncmp(rss, "other", strlen("other")))
        return;
    add_wish(out, QS_CONFIGURE_OFFLOAD, ifname, "rss", want, "these queues have a net tile");
}

int
qs_configure_list_ethtool(qs_configure_t const *c, qs_configure_list_t *out)
{
    qs_doctor_facts_t f = {
        .root = c->host.root ? c->host.root : "", .cfg = c->cfg, .plan = c->plan};
    char name[QS_CONFIGURE_IFNAME_MAX], tiles[16];

    if (c->cfg->net.provider == QS_CONFIG_net_provider_socket || !qs_configure_iface(c, name)[0])
        return 0;
    snprintf(f.ifname, sizeof(f.ifname), "%s", name);
    qs_doctor_look(&f);
    snprintf(tiles, sizeof(tiles), "%u", c->cfg->net.tiles);
    add(out, QS_CONFIGURE_OFFLOAD, name, "rx-lro", "off", "native XDP is refused with it");
    if (strcmp(f.driver, "virtio_net") != 0) /* which turns it off by itself */
        add(out, QS_CONFIGURE_OFFLOAD, name, "rx-gro-hw", "off", "native XDP is refused with it");
    add(out, QS_CONFIGURE_OFFLOAD, name, "rx-udp-gro-forwarding", "off", "it joins datagrams");
    if (f.vlan_on_top)
        add(out, QS_CONFIGURE_OFFLOAD, name, "rx-vlan-hw-parse", "off",
            "the program must see the tags of the VLANs there are");
    add(out, QS_CONFIGURE_QUEUES, name, "queues", tiles, "a queue for each net tile");
    add_rules(c, out, name);
    add_rss(c, out, name);
    return 0;
}

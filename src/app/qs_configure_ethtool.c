/* The interface's settings that XDP needs: offloads that merge packets, or hide VLAN tags, off; and
   at least as many queues as there are net tiles.  Queues are never taken away: that would slow
   everything else on the host.

   A setting goes by a path that is none, /ethtool/IFACE/NAME; with a root of a test's it is a file. */

#include "app/doctor/qs_doctor.h"
#include "app/qs_configure_kind.h"
#include "waltz/xdp/qs_ethtool.h"

#define PREFIX "/ethtool/"

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

static bool
is_fake(qs_configure_t const *c)
{
    return c->host.root && c->host.root[0];
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
    if (!strcmp(setting, "queues")) {
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
    if (!strcmp(setting, "queues"))
        return qs_ethtool_queues_set(ifname, (u32)strtoul(want, NULL, 10));
    return qs_ethtool_feature_set(ifname, setting, !strcmp(want, "on"));
}

void
qs_configure_shell_ethtool(char *out, u64 out_sz, char const *path, char const *want)
{
    char ifname[QS_CONFIGURE_IFNAME_MAX];
    char const *setting;

    out[0] = 0;
    if (!split(path, ifname, &setting))
        return;
    if (!strcmp(setting, "queues"))
        snprintf(out, out_sz, "ethtool -L %s combined %s", ifname, want);
    else
        snprintf(out, out_sz, "ethtool -K %s %s %s", ifname, setting, want);
}

static void
add(qs_configure_list_t *out, qs_configure_kind_t kind, char const *ifname, char const *setting,
    char const *want, char const *why)
{
    char path[QS_JOURNAL_PATH_MAX];

    snprintf(path, sizeof(path), PREFIX "%s/%s", ifname, setting);
    qs_configure_action_t *a = qs_configure_add(out, kind, path);
    if (!a)
        return;
    a->optional = true; /* not every driver has it */
    snprintf(a->want, sizeof(a->want), "%s", want);
    snprintf(a->why, sizeof(a->why), "%s", why);
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
    return 0;
}

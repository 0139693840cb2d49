#include <arpa/inet.h>
#include <linux/ethtool.h>

#include "waltz/xdp/qs_ethtool.h"

/* The kernel's struct ends in the places of all rules. */
typedef union table {
    struct ethtool_rxnfc head;
    u8 room[sizeof(struct ethtool_rxnfc) + QS_ETHTOOL_RULE_MAX * sizeof(u32)];
} table_t;

/* read_table fills in where there are rules; *special: the driver chooses places itself. */
static int
read_table(char const *ifname, table_t *t, bool *special)
{
    struct ethtool_rxnfc cnt = {.cmd = ETHTOOL_GRXCLSRLCNT};
    int err = qs_ethtool_ask_(ifname, &cnt);

    if (err)
        return err;
    if (cnt.rule_cnt > QS_ETHTOOL_RULE_MAX)
        return -E2BIG;
    *special = cnt.data & RX_CLS_LOC_SPECIAL;
    memset(t, 0, sizeof(*t));
    t->head.cmd = ETHTOOL_GRXCLSRLALL;
    t->head.rule_cnt = cnt.rule_cnt;
    return qs_ethtool_ask_(ifname, t);
}

/* is_ours says whether a rule looks at the destination port of IPv4 UDP, and at nothing else. */
static bool
is_ours(struct ethtool_rx_flow_spec const *fs, u16 port)
{
    struct ethtool_tcpip4_spec const only = {.pdst = 0xffff};

    return fs->flow_type == UDP_V4_FLOW && fs->h_u.udp_ip4_spec.pdst == htons(port) &&
           !memcmp(&fs->m_u.udp_ip4_spec, &only, sizeof(only));
}

int
qs_ethtool_rule_get(char const *ifname, u16 port, qs_ethtool_rule_t *out)
{
    table_t t;
    bool special;
    int err = read_table(ifname, &t, &special);

    for (u32 i = 0; !err && i < t.head.rule_cnt; i++) {
        struct ethtool_rxnfc one = {.cmd = ETHTOOL_GRXCLSRULE, .fs.location = t.head.rule_locs[i]};
        if (qs_ethtool_ask_(ifname, &one) || !is_ours(&one.fs, port))
            continue;
        *out = (qs_ethtool_rule_t){.queue = (u32)one.fs.ring_cookie, .place = t.head.rule_locs[i]};
        return 0;
    }
    return err ? err : -ENOENT;
}

/* last_free returns a place for one more rule, or QS_ETHTOOL_ANY_PLACE: there is none.  What stands
   last is asked last, so that rules of others keep their say. */
static u32
last_free(table_t const *t)
{
    for (u32 place = (u32)t->head.data; place-- > 0;) {
        u32 i = 0;
        while (i < t->head.rule_cnt && t->head.rule_locs[i] != place)
            i++;
        if (i == t->head.rule_cnt)
            return place;
    }
    return QS_ETHTOOL_ANY_PLACE;
}

int
qs_ethtool_rule_add(char const *ifname, u16 port, qs_ethtool_rule_t rule)
{
    table_t t;
    bool special;
    int err = read_table(ifname, &t, &special);
    struct ethtool_rxnfc add = {.cmd = ETHTOOL_SRXCLSRLINS};

    if (err)
        return err;
    add.fs.flow_type = UDP_V4_FLOW;
    add.fs.h_u.udp_ip4_spec.pdst = htons(port);
    add.fs.m_u.udp_ip4_spec.pdst = 0xffff;
    add.fs.ring_cookie = rule.queue;
    add.fs.location = rule.place;
    if (rule.place == QS_ETHTOOL_ANY_PLACE)
        add.fs.location = special ? RX_CLS_LOC_ANY : last_free(&t);
    if (!special && add.fs.location == QS_ETHTOOL_ANY_PLACE)
        return -ENOSPC;
    return qs_ethtool_ask_(ifname, &add);
}

int
qs_ethtool_rule_remove(char const *ifname, u32 place)
{
    struct ethtool_rxnfc del = {.cmd = ETHTOOL_SRXCLSRLDEL, .fs.location = place};

    return qs_ethtool_ask_(ifname, &del);
}

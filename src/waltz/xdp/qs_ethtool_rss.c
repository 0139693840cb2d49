#include <linux/ethtool.h>

#include "waltz/xdp/qs_ethtool.h"

/* The kernel's struct ends in the table. */
typedef union table {
    struct ethtool_rxfh_indir head;
    u8 room[sizeof(struct ethtool_rxfh_indir) + QS_ETHTOOL_RSS_MAX * sizeof(u32)];
} table_t;

static int
read_table(char const *ifname, table_t *t)
{
    struct ethtool_rxfh_indir ask = {.cmd = ETHTOOL_GRXFHINDIR};
    int err = qs_ethtool_ask_(ifname, &ask); /* room for none: it says how many there are */

    if (err)
        return err;
    if (!ask.size)
        return -EOPNOTSUPP;
    if (ask.size > QS_ETHTOOL_RSS_MAX)
        return -E2BIG;
    memset(t, 0, sizeof(*t));
    t->head = ask;
    err = qs_ethtool_ask_(ifname, t);
    return err ? err : t->head.size == ask.size ? 0 : -EAGAIN;
}

/* is_over_all: over all the queues in turn, which is what drivers do that nobody told anything.
   The kernel hands out no flag for it. */
static bool
is_over_all(char const *ifname, u32 cnt)
{
    struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};
    return !qs_ethtool_ask_(ifname, &rings) && rings.data == cnt;
}

int
qs_ethtool_rss_get(char const *ifname, qs_ethtool_rss_t *out)
{
    table_t t;
    int err = read_table(ifname, &t);
    u32 const *queue = t.head.ring_index;

    *out = (qs_ethtool_rss_t){.kind = QS_ETHTOOL_RSS_EQUAL};
    if (err)
        return err;
    for (u32 i = 0; i < t.head.size; i++) {
        out->cnt = queue[i] >= out->cnt ? queue[i] + 1 : out->cnt;
        out->sum = out->sum * 31 + queue[i];
    }
    for (u32 i = 0; i < t.head.size; i++)
        if (queue[i] != i % out->cnt)
            out->kind = QS_ETHTOOL_RSS_OTHER;
    if (out->kind == QS_ETHTOOL_RSS_EQUAL && is_over_all(ifname, out->cnt))
        out->kind = QS_ETHTOOL_RSS_DEFAULT;
    return 0;
}

int
qs_ethtool_rss_set(char const *ifname, u32 cnt)
{
    table_t t;
    int err = read_table(ifname, &t);

    if (err)
        return err;
    t.head.cmd = ETHTOOL_SRXFHINDIR;
    for (u32 i = 0; i < t.head.size && cnt; i++)
        t.head.ring_index[i] = i % cnt;
    if (!cnt)
        t.head.size = 0; /* the kernel's word for the default */
    return qs_ethtool_ask_(ifname, &t);
}

#include "waltz/xdp/qs_ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FEATURE_MAX 256u
#define NAME_SZ     32u /* ETH_GSTRING_LEN */

int
qs_ethtool_ask_(char const *ifname, void *command)
{
    struct ifreq req = {.ifr_data = command};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
    int err = ioctl(fd, SIOCETHTOOL, &req) ? -errno : 0;
    close(fd);
    return err;
}

/* find_feature returns the number of a feature and *cnt, how many there are; or -errno. */
static int
find_feature(char const *ifname, char const *feature, u32 *cnt)
{
    /* The kernel's structs end in arrays of a length that it tells. */
    alignas(8) u8 set_room[sizeof(struct ethtool_sset_info) + sizeof(u32)] = {0};
    alignas(8) u8 string_room[sizeof(struct ethtool_gstrings) + FEATURE_MAX * NAME_SZ] = {0};
    struct ethtool_sset_info *set = (void *)set_room;
    struct ethtool_gstrings *strings = (void *)string_room;

    set->cmd = ETHTOOL_GSSET_INFO;
    set->sset_mask = 1ull << ETH_SS_FEATURES;
    int err = qs_ethtool_ask_(ifname, set);
    if (err)
        return err;
    *cnt = set->sset_mask ? set->data[0] : 0;
    if (!*cnt || *cnt > FEATURE_MAX)
        return -ENOENT;
    strings->cmd = ETHTOOL_GSTRINGS;
    strings->string_set = ETH_SS_FEATURES;
    strings->len = *cnt;
    err = qs_ethtool_ask_(ifname, strings);
    for (u32 i = 0; !err && i < *cnt; i++)
        if (!strncmp((char const *)strings->data + i * NAME_SZ, feature, NAME_SZ))
            return (int)i;
    return err ? err : -ENOENT;
}

int
qs_ethtool_feature_get(char const *ifname, char const *feature, qs_ethtool_feature_t *out)
{
    alignas(8) u8 room[sizeof(struct ethtool_gfeatures) +
                       FEATURE_MAX / 32 * sizeof(struct ethtool_get_features_block)] = {0};
    struct ethtool_gfeatures *get = (void *)room;
    u32 cnt;
    int at = find_feature(ifname, feature, &cnt);

    if (at < 0)
        return at;
    get->cmd = ETHTOOL_GFEATURES;
    get->size = (cnt + 31) / 32;
    int err = qs_ethtool_ask_(ifname, get);
    if (err)
        return err;
    struct ethtool_get_features_block const *block = &get->features[at / 32];
    u32 bit = 1u << at % 32;
    *out = (qs_ethtool_feature_t){
        .on = block->active & bit,
        .fixed = !(block->available & bit) || (block->never_changed & bit),
    };
    return 0;
}

int
qs_ethtool_feature_set(char const *ifname, char const *feature, bool on)
{
    alignas(8) u8 room[sizeof(struct ethtool_sfeatures) +
                       FEATURE_MAX / 32 * sizeof(struct ethtool_set_features_block)] = {0};
    struct ethtool_sfeatures *set = (void *)room;
    qs_ethtool_feature_t now;
    u32 cnt;
    int at = find_feature(ifname, feature, &cnt);

    if (at < 0)
        return at;
    set->cmd = ETHTOOL_SFEATURES;
    set->size = (cnt + 31) / 32;
    set->features[at / 32].valid = 1u << at % 32;
    set->features[at / 32].requested = on ? 1u << at % 32 : 0;
    int err = qs_ethtool_ask_(ifname, set);
    if (!err)
        err = qs_ethtool_feature_get(ifname, feature, &now);
    return err ? err : now.on == on ? 0 : -EOPNOTSUPP;
}

int
qs_ethtool_queues_get(char const *ifname, qs_ethtool_queues_t *out)
{
    struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
    int err = qs_ethtool_ask_(ifname, &ch);

    if (err)
        return err;
    *out = (qs_ethtool_queues_t){.cnt = ch.combined_count + ch.rx_count,
                                 .max = ch.max_combined ? ch.max_combined : ch.max_rx,
                                 .combined = ch.max_combined};
    return 0;
}

int
qs_ethtool_queues_set(char const *ifname, u32 cnt)
{
    struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
    int err = qs_ethtool_ask_(ifname, &ch);

    if (err)
        return err;
    if (!cnt || cnt > (ch.max_combined ? ch.max_combined : ch.max_rx))
        return -EINVAL;
    if (ch.max_combined) {
        ch.combined_count = cnt;
    } else { /* a driver that counts them apart; each of ours sends too */
        ch.rx_count = cnt;
        ch.tx_count = cnt < ch.max_tx ? cnt : ch.max_tx;
    }
    ch.cmd = ETHTOOL_SCHANNELS;
    return qs_ethtool_ask_(ifname, &ch);
}

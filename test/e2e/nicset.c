/* nicset - what a network device says of itself by the ethtool ioctl, read and set without any of our code: for
   tests of those who set it.

       nicset IFACE queues [N]             combined channels
       nicset IFACE feature NAME [on|off]
       nicset IFACE rules                  how many there are, or "none": the driver knows none
       nicset IFACE rss [WEIGHT...]        queues in the table of RSS, those of each queue counted ("64:64"), or "none";
                                           set to that many of each first

   Prints what is then.  Exit 1 with a line on stderr if the kernel refuses. */

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define FEATURES 256

static char const *iface;

static int
ask(void *command)
{
    struct ifreq req = {.ifr_data = command};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", iface);
    return fd < 0 || ioctl(fd, SIOCETHTOOL, &req);
}

static void
must(int failed, char const *what)
{
    if (!failed)
        return;
    fprintf(stderr, "nicset: %s %s: %s\n", iface, what, strerror(errno));
    exit(1);
}

static void
queues(char const *want)
{
    struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
    must(ask(&ch), "queues");
    if (want) {
        ch.cmd = ETHTOOL_SCHANNELS;
        ch.combined_count = (uint32_t)atoi(want);
        must(ask(&ch), "set queues");
        ch.cmd = ETHTOOL_GCHANNELS;
        must(ask(&ch), "queues");
    }
    printf("%u\n", ch.combined_count);
}

static void
feature(char const *name, char const *want)
{
    static _Alignas(8) char names[sizeof(struct ethtool_gstrings) + FEATURES * ETH_GSTRING_LEN];
    static _Alignas(8) char bits[sizeof(struct ethtool_sfeatures) + FEATURES];
    struct ethtool_gstrings *g = (void *)names;
    g->cmd = ETHTOOL_GSTRINGS;
    g->string_set = ETH_SS_FEATURES;
    must(ask(g), "names");
    unsigned at = 0;
    while (at < g->len && strncmp((char *)g->data + at * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
        at++;
    errno = ENOENT;
    must(at >= g->len || g->len > FEATURES, name);
    if (want) {
        struct ethtool_sfeatures *set = (void *)bits;
        set->cmd = ETHTOOL_SFEATURES;
        set->size = (g->len + 31) / 32;
        set->features[at / 32].valid = 1u << at % 32;
        set->features[at / 32].requested = strcmp(want, "on") ? 0 : 1u << at % 32;
        must(ask(set), "set feature");
        memset(bits, 0, sizeof(bits));
    }
    struct ethtool_gfeatures *get = (void *)bits;
    get->cmd = ETHTOOL_GFEATURES;
    get->size = (g->len + 31) / 32;
    must(ask(get), "features");
    puts(get->features[at / 32].active >> at % 32 & 1 ? "on" : "off");
}

static void
rules(void)
{
    struct ethtool_rxnfc n = {.cmd = ETHTOOL_GRXCLSRLCNT};
    if (ask(&n))
        puts("none");
    else
        printf("%u\n", n.rule_cnt);
}

static void
rss(int cnt, char **weight)
{
    static _Alignas(8) uint32_t room[2 + 1 + 4096];
    struct ethtool_rxfh_indir *t = (void *)room;
    uint32_t of[64] = {0}, top = 0;
    t->cmd = ETHTOOL_GRXFHINDIR;
    if (ask(t) || !t->size || t->size > 4096) {
        puts("none");
        return;
    }
    if (cnt) {
        t->cmd = ETHTOOL_SRXFHINDIR;
        uint32_t at = 0;
        for (int q = 0; q < cnt; q++)
            for (int n = atoi(weight[q]); n > 0 && at < t->size; n--)
                t->ring_index[at++] = (uint32_t)q;
        must(ask(t), "set rss");
        t->cmd = ETHTOOL_GRXFHINDIR;
    }
    must(ask(t), "rss");
    for (uint32_t i = 0; i < t->size; i++) {
        uint32_t q = t->ring_index[i] % 64;
        of[q]++;
        top = q > top ? q : top;
    }
    for (uint32_t q = 0; q <= top; q++)
        printf("%s%u", q ? ":" : "", of[q]);
    puts("");
}

int
main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    iface = argv[1];
    if (!strcmp(argv[2], "queues"))
        queues(argc > 3 ? argv[3] : NULL);
    else if (!strcmp(argv[2], "feature") && argc > 3)
        feature(argv[3], argc > 4 ? argv[4] : NULL);
    else if (!strcmp(argv[2], "rules"))
        rules();
    else if (!strcmp(argv[2], "rss"))
        rss(argc - 3, argv + 3);
    else
        return 2;
    return 0;
}

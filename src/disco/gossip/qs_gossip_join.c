#include "disco/gossip/qs_gossip_join.h"

#include <arpa/inet.h>

#include "disco/gossip/qs_contacts_file.h"
#include "disco/gossip/qs_genesis.h"
#include "disco/net/qs_net_iface.h"
#include "disco/qs_config.h"
#include "tango/base/qs_log.h"

#define ASK_MS    5000u
#define STAKE_MAX 16384u
#define SLOT_MAX  (1u << 20)

static qs_log_site_t entrypoints = {.id = "QS-GSP-001", .level = QS_LOG_NOTICE};

u32
qs_gossip_bind_address(qs_config_t const *cfg)
{
    struct in_addr a = {0};
    inet_pton(AF_INET, cfg->net.bind_address, &a);
    return ntohl(a.s_addr);
}

/* add_saved makes entrypoints of some of those that were there when we last ran, at random. */
static void
add_saved(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->gossip.contacts_path;
    qs_ip_echo_peer_t *peer = path[0] ? malloc(QS_CONTACTS_MAX * sizeof(*peer)) : NULL;
    u32 *cnt = &j->conf->entrypoint_cnt;
    qs_rng_t rng;
    u16 version;

    int left = peer ? qs_contacts_load(path, peer, &version) : 0;
    if (left < 0 && left != -ENOENT)
        qs_log(&entrypoints, "gossip.contacts_path %.200s is not read: %s", path, strerror(-left));
    if (left > 0 && j->told_version && j->told_version != version)
        left = 0; /* of another cluster */
    qs_rng_init(&rng, j->conf->seed, 1);
    j->saved_version = left > 0 ? version : 0;
    for (; left > 0 && *cnt < QS_GOSSIP_ENTRYPOINT_MAX; left--) {
        u64 pick = qs_rng_bounded(&rng, (u64)left);
        j->conf->entrypoint[*cnt].ip = peer[pick].ip;
        j->conf->entrypoint[(*cnt)++].port = peer[pick].port;
        peer[pick] = peer[left - 1];
    }
    free(peer);
}

/* find_entrypoints resolves what [gossip] entrypoints names. */
static int
find_entrypoints(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    qs_config_gossip_t const *c = &ctx->cfg->gossip;
    qs_ip_echo_peer_t at;

    j->conf->entrypoint_cnt = 0;
    j->renew = (qs_renew_t){.fd = -1};
    for (u32 i = 0; i < c->entrypoints_cnt; i++) {
        char why[200] = "";
        char const *colon = strrchr(c->entrypoints[i], ':');
        qs_renew_name(&j->renew, c->entrypoints[i]);
        j->entry_of[i] = UINT32_MAX;
        j->entry_port[i] = colon ? (u16)strtoul(colon + 1, NULL, 10) : 0;
        int err = qs_ip_echo_find(&at, c->entrypoints[i], why, sizeof(why));
        if (err == -EINVAL) {
            snprintf(ctx->err, sizeof(ctx->err), "gossip.entrypoints: '%s' is not host:port",
                     c->entrypoints[i]);
            return err;
        }
        if (err) {
            qs_log(&entrypoints, "entrypoint %s", why);
            snprintf(ctx->err, sizeof(ctx->err), "no entrypoint is to be found; the last: %s", why);
            continue;
        }
        j->entry_of[i] = j->conf->entrypoint_cnt;
        j->conf->entrypoint[j->conf->entrypoint_cnt].ip = at.ip;
        j->conf->entrypoint[j->conf->entrypoint_cnt++].port = at.port;
    }
    j->named_cnt = j->conf->entrypoint_cnt;
    add_saved(j, ctx);
    return c->entrypoints_cnt && !j->conf->entrypoint_cnt ? -EHOSTUNREACH : 0;
}

/* open_renew prepares to look the names up again. */
static int
open_renew(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    int err = qs_renew_open(&j->renew, "/etc/resolv.conf", 1000ull * ctx->cfg->gossip.resolve_s,
                            j->conf->seed ^ 1);

    if (j->renew.fd >= 0)
        ctx->own_fd[ctx->own_cnt++] = j->renew.fd;
    if (err)
        snprintf(ctx->err, sizeof(ctx->err), "a socket to ask name servers: %s", strerror(-err));
    return err;
}

/* find_version looks at what we have ourselves: options, and the genesis. */
static int
find_version(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    qs_config_gossip_t const *c = &ctx->cfg->gossip;
    qs_genesis_fork_t fork[QS_COUNT(c->hard_forks)];
    u32 wanted = ctx->cfg->shred.version;
    u16 version = 0;

    j->told_version = (u16)wanted;
    if (!c->genesis[0])
        return 0;
    for (u32 i = 0; i < c->hard_forks_cnt; i++)
        if (!qs_genesis_parse_fork(&fork[i], c->hard_forks[i])) {
            snprintf(ctx->err, sizeof(ctx->err),
                     "gossip.hard_forks: '%s' is not SLOT or SLOT:COUNT", c->hard_forks[i]);
            return -EINVAL;
        }
    int err = qs_genesis_version(c->genesis, fork, c->hard_forks_cnt, &version);
    if (err) {
        snprintf(ctx->err, sizeof(ctx->err), "gossip.genesis %.200s: %s", c->genesis,
                 err == -EINVAL ? "gossip.hard_forks do not ascend" : strerror(-err));
        return -EINVAL;
    }
    if (wanted && wanted != version) {
        snprintf(ctx->err, sizeof(ctx->err),
                 "shred.version is %u, but gossip.genesis makes it %u (QS-GSP-002)", wanted,
                 version);
        return -EINVAL;
    }
    j->told_version = version;
    return 0;
}

/* check_answer: an entrypoint that was named and is of another cluster is an error, one that was saved is not. */
static int
check_answer(qs_gossip_join_t const *j, qs_tile_ctx_t *ctx, u32 who, u16 answer)
{
    u32 name = 0;

    if (!j->told_version || !answer || answer == j->told_version || who >= j->named_cnt)
        return 0;
    while (j->entry_of[name] != who)
        name++;
    snprintf(ctx->err, sizeof(ctx->err),
             "%s is %u, but entrypoint %s is in a cluster with %u (QS-GSP-002)",
             ctx->cfg->shred.version ? "shred.version" : "the version that gossip.genesis makes",
             j->told_version, ctx->cfg->gossip.entrypoints[name], answer);
    return -EINVAL;
}

/* ask_entrypoints learns our address and the shred version, where options do not say them, and checks
   what they do say. */
static int
ask_entrypoints(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    qs_ip_echo_peer_t peer[QS_GOSSIP_ENTRYPOINT_MAX];
    qs_ip_echo_response_t answer = {0};
    char why[160] = "there are no entrypoints";
    u32 cnt = j->conf->entrypoint_cnt;

    for (u32 i = 0; i < cnt; i++)
        peer[i] = (qs_ip_echo_peer_t){.ip = j->conf->entrypoint[i].ip,
                                      .port = j->conf->entrypoint[i].port};
    int who = cnt ? qs_ip_echo_ask(&answer, peer, cnt, qs_gossip_bind_address(ctx->cfg), ASK_MS,
                                   why, sizeof(why))
                  : -1;
    int err = who < 0 ? 0 : check_answer(j, ctx, (u32)who, answer.shred_version);
    if (err)
        return err;
    if (who < 0 && cnt)
        qs_log(&entrypoints, "no entrypoint answers ip_echo; the last: %s", why);
    u16 version = j->told_version ? j->told_version : answer.shred_version;
    version = version ? version : j->saved_version;
    if (version)
        j->shred_version = version;
    if (answer.ip)
        j->address = answer.ip;
    if (j->shred_version)
        return 0;
    snprintf(ctx->err, sizeof(ctx->err),
             "the cluster's shred version is not known: set shred.version or gossip.genesis, or an "
             "entrypoint that tells it by ip_echo (%s)",
             why);
    return cnt ? -EHOSTUNREACH : -EINVAL;
}

/* find_address: options come first, then what an entrypoint saw, then the interface. */
static int
find_address(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    struct in_addr a;
    qs_net_iface_t iface;

    if (inet_pton(AF_INET, ctx->cfg->gossip.address, &a) == 1)
        j->address = ntohl(a.s_addr);
    if (!j->address)
        j->address = qs_gossip_bind_address(ctx->cfg);
    if (j->address)
        return 0;
    int err = qs_net_iface_find(&iface, ctx->cfg->net.iface, 0, ctx->err, sizeof(ctx->err));
    j->address = err ? 0 : iface.addr[0];
    return err;
}

/* ---- stakes ---- */

static int
by_identity(void const *a, void const *b)
{
    return memcmp(((qs_leaders_stake_t const *)a)->ident, ((qs_leaders_stake_t const *)b)->ident,
                  QS_LEADERS_KEY_SZ);
}

/* add_up makes one of all vote accounts of an identity. */
static u32
add_up(qs_leaders_stake_t *stake, u32 cnt)
{
    u32 out = 0;

    qsort(stake, cnt, sizeof(*stake), by_identity);
    for (u32 i = 0; i < cnt; i++) {
        if (out && !by_identity(&stake[out - 1], &stake[i]))
            stake[out - 1].stake += stake[i].stake;
        else
            stake[out++] = stake[i];
    }
    return out;
}

/* read_stakes takes them from shred.leader_schedule, if that has vote accounts. */
static int
read_stakes(qs_gossip_join_t *j, qs_tile_ctx_t *ctx)
{
    char const *path = ctx->cfg->shred.leader_schedule;
    qs_leaders_json_t json = {.epoch = ctx->cfg->shred.epoch, .stake_max = STAKE_MAX};
    qs_leaders_t leaders;
    u64 sz = qs_align_up(qs_leaders_footprint(STAKE_MAX, SLOT_MAX), QS_ALIGN);
    qs_hash_key_t key = {j->conf->seed, ~j->conf->seed};

    j->stake = NULL;
    j->stake_cnt = 0;
    if (!path[0])
        return 0;
    void *mem = aligned_alloc(QS_ALIGN, sz);
    json.stake = malloc(STAKE_MAX * sizeof(*json.stake));
    if (!mem || !json.stake) {
        free(mem);
        free(json.stake);
        return -ENOMEM;
    }
    qs_leaders_init(&leaders, mem, STAKE_MAX, SLOT_MAX, key);
    qs_leaders_reason_t reason = qs_leaders_json_read(&leaders, &json, path);
    free(mem);
    if (reason)
        snprintf(ctx->err, sizeof(ctx->err), "shred.leader_schedule %.100s, byte %lu: %s", path,
                 json.at, qs_leaders_reason_text(reason));
    j->stake = json.stake;
    j->stake_cnt = reason ? 0 : add_up(json.stake, json.stake_cnt);
    return reason ? -EINVAL : 0;
}

void
qs_gossip_join_stakes(qs_gossip_join_t *j, qs_gossip_node_t *n, u64 now_ms)
{
    for (u32 i = 0; i < j->stake_cnt; i++)
        if (qs_gossip_set_stake(n, j->stake[i].ident, j->stake[i].stake, now_ms))
            j->stake_lost++;
    free(j->stake);
    j->stake = NULL;
    j->stake_cnt = 0;
}

int
qs_gossip_join(qs_gossip_join_t *j, qs_gossip_conf_t *conf, qs_tile_ctx_t *ctx)
{
    j->conf = conf;
    j->stake_lost = 0;
    int err = find_version(j, ctx);
    if (!err)
        err = find_entrypoints(j, ctx);
    if (!err)
        err = ask_entrypoints(j, ctx);
    if (!err)
        err = find_address(j, ctx);
    if (!err)
        err = read_stakes(j, ctx);
    return err ? err : open_renew(j, ctx);
}

/* sign - the only holder of the node's key.

       gossip, shred, repair  ==>  sign  ==>  whoever asked       (formats: qs_format.h)

   In:    bytes to be signed; what they may be is fixed for each link, by who is at its other end
          (sign/qs_sign_check.h).
   Out:   the signature, or for a hello the public key, on the link to whoever asked, with the same
          sig.  Instances of one row share that link, and know their own tags.  A refused request
          gets no answer.
   Loss:  none; it reads no request that it could not answer.
   Trust: nobody.  Requests are private copies, checked byte for byte; refused ones are counted.
   Key:   in a page of its own, locked, wiped in children, in no core dump; nobody can trace this
          process.  It is read in boot from identity.key_path, or drawn for this run.
   Death: the group stops: nobody else can say who we are. */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "disco/qs_format.h"
#include "disco/qs_stem.h"
#include "disco/qs_tiles.h"
#include "disco/sign/qs_sign_check.h"
#include "waltz/codec/qs_keypair.h"
#include "waltz/crypto/qs_ed25519.h"
#include "waltz/crypto/qs_sha256.h"

#define SIGN_METRICS(COUNTER, GAUGE)                                                               \
    COUNTER(hello, "times the public key was told")                                                \
    COUNTER(root, "merkle roots signed")                                                           \
    COUNTER(value, "gossip values signed")                                                         \
    COUNTER(prune, "prunes signed")                                                                \
    COUNTER(ping, "pings signed")                                                                  \
    COUNTER(pong, "pongs signed")                                                                  \
    COUNTER(refused_role, "requests that are not the asker's to make")                             \
    COUNTER(refused_form, "requests whose bytes are not what they are said to be")                 \
    COUNTER(refused_owner, "requests to speak for another key")                                    \
    GAUGE(key_unlocked, "1 if the key's page could not be locked in memory")

QS_METRICS(sign, SIGN_METRICS);

enum { IN_GOSSIP, IN_SHRED, IN_REPAIR };

static u32 const roles[] = {[IN_GOSSIP] = QS_SIGN_ROLE_GOSSIP,
                            [IN_SHRED] = QS_SIGN_ROLE_SHRED,
                            [IN_REPAIR] = QS_SIGN_ROLE_REPAIR};

#define FILE_CAP 4096u

/* The page.  It is this process's alone and never lies in a workspace. */
typedef struct sign_key {
    u8 secret[QS_ED25519_KEY_SZ];
    u8 public[QS_ED25519_KEY_SZ];
    char file[FILE_CAP / 2];
} sign_key_t;

typedef struct sign {
    sign_metrics_t *m;
    sign_key_t *key;
    u32 out[QS_IN_MAX]; /* where the answers to a link's requests go */
} sign_t;

static void *
sign_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(sign_t), QS_ALIGN);
}

/* make_page maps a page between two that cannot be touched. */
static sign_key_t *
make_page(bool *locked)
{
    u64 page = (u64)sysconf(_SC_PAGESIZE);
    u8 *at = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    _Static_assert(sizeof(sign_key_t) <= 4096, "one page");
    if (at == MAP_FAILED || mprotect(at + page, page, PROT_READ | PROT_WRITE))
        return NULL;
    *locked = !mlock(at + page, page);
    if (madvise(at + page, page, MADV_DONTDUMP) || madvise(at + page, page, MADV_WIPEONFORK))
        return NULL;
    return (sign_key_t *)(at + page);
}

static int
read_key(sign_key_t *key, char const *path, char *err, u64 err_sz)
{
    u8 pair[QS_KEYPAIR_SZ];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? -1 : read(fd, key->file, sizeof(key->file));
    int code = got < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    if (!code && qs_keypair_parse(pair, key->file, (u64)got))
        code = -EINVAL;
    if (!code) {
        memcpy(key->secret, pair, sizeof(key->secret));
        qs_ed25519_public_key(key->public, key->secret);
        if (memcmp(key->public, pair + 32, 32))
            code = -EINVAL;
    }
    explicit_bzero(pair, sizeof(pair));
    explicit_bzero(key->file, sizeof(key->file));
    if (code)
        snprintf(err, err_sz, "identity.key_path = %.160s: %s", path,
                 code == -EINVAL ? "not a key file (quickstep keys new makes one)"
                                 : strerror(-code));
    return code;
}

static int
sign_boot(void *self, qs_tile_ctx_t *ctx)
{
    sign_t *s = self;
    bool locked = false;

    s->m = ctx->metrics;
    if (prctl(PR_SET_DUMPABLE, 0))
        return -errno;
    s->key = make_page(&locked);
    if (!s->key) {
        snprintf(ctx->err, sizeof(ctx->err), "no page for the key: %s", strerror(errno));
        return -ENOMEM;
    }
    qs_metric_set(&s->m->key_unlocked, !locked);
    if (ctx->cfg->identity.key_path[0])
        return read_key(s->key, ctx->cfg->identity.key_path, ctx->err, sizeof(ctx->err));
    if (getrandom(s->key->secret, sizeof(s->key->secret), 0) != sizeof(s->key->secret))
        return -errno;
    qs_ed25519_public_key(s->key->public, s->key->secret);
    return 0;
}

/* sign_init finds for each link in the one that goes back to its producer. */
static int
sign_init(void *self, qs_tile_ctx_t *ctx, qs_stem_t *stem)
{
    sign_t *s = self;
    qs_plan_t const *p = ctx->plan;
    qs_plan_tile_t const *me = &p->tile[ctx->tile];

    for (u32 i = 0; i < stem->in_cnt; i++) {
        u16 asker = p->link[me->in[i]].producer;
        s->out[i] = UINT32_MAX;
        for (u32 o = 0; o < stem->out_cnt; o++) {
            qs_plan_link_t const *back = &p->link[me->out[o]];
            for (u32 c = 0; c < back->consumer_cnt; c++)
                if (back->consumer[c] == asker)
                    s->out[i] = o;
        }
        if (s->out[i] == UINT32_MAX) {
            snprintf(ctx->err, sizeof(ctx->err), "the topology has no link back to %s",
                     p->tile[asker].name);
            return -EINVAL;
        }
    }
    return 0;
}

static void
count_refused(sign_t *s, qs_sign_refusal_t refusal)
{
    qs_metric_inc(refusal == QS_SIGN_NOT_ITS_ROLE   ? &s->m->refused_role
                  : refusal == QS_SIGN_NOT_ITS_FORM ? &s->m->refused_form
                                                    : &s->m->refused_owner);
}

/* A batch of requests, judged, and what is answered. */
typedef struct wave {
    qs_sign_refusal_t refusal[QS_BATCH];
    u8 answer[QS_BATCH][QS_ED25519_SIGNATURE_SZ]; /* made here: neighbours read the room */
    u8 hash[QS_BATCH][QS_SHA256_SZ];
    qs_ed25519_order_t order[QS_BATCH];
    u32 order_cnt;
} wave_t;

_Static_assert(QS_ED25519_KEY_SZ <= QS_ED25519_SIGNATURE_SZ, "an answer holds the key");

/* take_in judges request i, and writes down what is to be signed for it. */
static void
take_in(sign_t const *s, wave_t *w, qs_batch_t const *b, u32 i)
{
    u32 kind = qs_sign_kind_of(b->frag[i].sig), sz = b->frag[i].sz;
    u8 const *data = b->data[i];

    w->refusal[i] = qs_sign_check(kind, roles[b->in], s->key->public, data, sz);
    if (w->refusal[i])
        return;
    if (kind == QS_SIGN_HELLO) {
        memcpy(w->answer[i], s->key->public, QS_ED25519_KEY_SZ);
        return;
    }
    if (kind == QS_SIGN_PONG) {
        qs_sha256(w->hash[i], data, sz);
        data = w->hash[i];
        sz = QS_SHA256_SZ;
    }
    w->order[w->order_cnt++] = (qs_ed25519_order_t){w->answer[i], data, sz};
}

/* sign_all: one is signed sooner alone, and several in half of the time together. */
static void
sign_all(sign_t const *s, wave_t const *w)
{
    qs_ed25519_order_t const *one = w->order;

    if (w->order_cnt == 1)
        qs_ed25519_sign(one->signature, one->msg, one->msg_sz, s->key->public, s->key->secret);
    else if (w->order_cnt)
        qs_ed25519_sign_batch(w->order, w->order_cnt, s->key->public, s->key->secret);
}

static u32
sign_frag(void *self, qs_stem_t *stem, qs_batch_t const *b)
{
    sign_t *s = self;
    u32 out = s->out[b->link];
    wave_t w;

    if (!qs_stem_prepare(stem, out))
        return 0;
    w.order_cnt = 0;
    for (u32 i = 0; i < b->cnt; i++)
        take_in(s, &w, b, i);
    sign_all(s, &w);
    for (u32 i = 0; i < b->cnt; i++) {
        if (w.refusal[i]) {
            count_refused(s, w.refusal[i]);
            continue;
        }
        u8 *room = qs_stem_prepare(stem, out);
        if (!room)
            return i; /* the rest is signed once more: it is the same signature */
        u32 kind = qs_sign_kind_of(b->frag[i].sig);
        u32 sz = kind == QS_SIGN_HELLO ? QS_ED25519_KEY_SZ : QS_ED25519_SIGNATURE_SZ;
        memcpy(room, w.answer[i], sz);
        qs_metric_inc(&(&s->m->hello)[kind]);
        qs_stem_publish(stem, out, b->frag[i].sig, sz, 0, b->frag[i].ts_origin);
    }
    return b->cnt;
}

static void
sign_run(void *self, qs_stem_t *stem)
{
    qs_stem_loop(&qs_tile_sign, self, stem);
}

/* clang-format off */
qs_tile_t const qs_tile_sign = {
    .name    = "sign",
    .help    = "holds the node's key and signs what each role may have signed",
    .in      = {[IN_GOSSIP] = {.from = "gossip"}, [IN_SHRED] = {.from = "shred"}, [IN_REPAIR] = {.from = "repair"}},
    .out     = {"*"},
    .metrics = sign_metric_desc,
    .layout  = sign_layout,
    .boot    = sign_boot,
    .init    = sign_init,
    .frag    = sign_frag,
    .run     = sign_run,
};
/* clang-format on */

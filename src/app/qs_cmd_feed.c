/* feed - the blocks that a running node verified, record by record: as lines for people or JSON.

   A reader like any other (client/quickstep_client.h): it needs no configuration, the node does not
   know of it, and what it was too slow for it says.  What the ring does not have any more may be on
   the store's disk (app/qs_feed_history.h). */

#include <signal.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_feed_history.h"
#include "app/qs_text.h"
#include "app/qs_txn_write.h"
#include "client/quickstep_client.h"
#include "disco/qs_attach.h"
#include "waltz/codec/qs_base58.h"

#define WAIT_NS   100000000u
#define SILENT_NS 5000000000u

typedef struct feed_opt {
    char const *instance, *kinds, *account, *store;
    bool no_votes, oldest, payload, json, help;
    u64 from_slot, cnt, seconds;
    qs_args_t args;
} feed_opt_t;

typedef struct feed_cmd {
    feed_opt_t opt;
    qs_feed_t *feed;
    bool by_account;
    u8 account[32];
    u32 kinds;
    u64 shown, seen;
    u64 missed_before; /* when the last one was shown */
} feed_cmd_t;

static volatile sig_atomic_t interrupted;

static void
interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static char const *const kind_names[QS_FEED_KIND_END] = {
    [QS_FEED_SET] = "set",
    [QS_FEED_ENTRY] = "entry",
    [QS_FEED_TXN] = "txn",
    [QS_FEED_STATUS] = "status",
};

static char const *const state_names[] = {[QS_FEED_FIRST_SHRED] = "first_shred",
                                          [QS_FEED_COMPLETE] = "complete",
                                          [QS_FEED_DEAD] = "dead",
                                          [QS_FEED_CONFLICTING] = "conflict",
                                          [QS_FEED_LOST] = "lost"};

static char const *const flag_names[] = {"signed",  "merkle", "recovered", "conflict",
                                         "chained", "poh",    "txn_sig",   "vote",
                                         "tick",    "last",   "flawed",    "again"};

/* kinds_of reads "txn,status".  Returns the bits, or 0 after a line on stderr. */
static u32
kinds_of(char const *text)
{
    u32 kinds = 0;

    if (!text)
        return QS_FEED_ALL;
    for (char const *at = text; *at;) {
        u64 len = strcspn(at, ",");
        u32 k = 1;
        while (k < QS_FEED_KIND_END &&
               (strlen(kind_names[k]) != len || strncmp(at, kind_names[k], len) != 0))
            k++;
        if (k == QS_FEED_KIND_END) {
            fprintf(stderr, "quickstep feed: --kind %s: set, entry, txn, status, by commas\n",
                    text);
            return 0;
        }
        kinds |= QS_FEED_KIND_BIT(k);
        at += len + (at[len] == ',');
    }
    return kinds;
}

static void
write_32(FILE *f, char const *key, u8 const hash[32])
{
    char text[QS_BASE58_32_MAX];
    qs_base58_encode_32(text, hash);
    fprintf(f, ",\"%s\":\"%s\"", key, text);
}

static void
json_flags(qs_feed_rec_t const *r)
{
    bool first = true;

    printf(",\"trust\":[");
    for (u32 i = 0; i < QS_COUNT(flag_names); i++) {
        if (!(r->flags >> i & 1))
            continue;
        printf("%s\"%s\"", first ? "" : ",", flag_names[i]);
        first = false;
    }
    printf("]");
}

static void
json_set(qs_feed_rec_t const *r, qs_feed_set_t const *s)
{
    printf(",\"fec_idx\":%u,\"version\":%u,\"parent_off\":%u,\"data_received\":%u,"
           "\"code_received\":%u,\"shreds\":%u",
           r->idx, s->version, s->parent_off, s->data_cnt, s->code_cnt, s->shred_cnt);
    write_32(stdout, "root", s->root);
    write_32(stdout, "chained_root", s->chained_root);
}

static void
json_txn(feed_cmd_t const *c, qs_feed_rec_t const *r, qs_feed_txn_t const *t, u8 const *data)
{
    char text[QS_BASE58_64_MAX];
    qs_txn_t txn;

    printf(",\"idx\":%u,\"entry_idx\":%u,\"bytes\":%u", r->idx, t->entry_idx, t->sz);
    if (t->sig_cnt && t->sig_off + 64u <= t->sz) {
        qs_base58_encode_64(text, data + t->sig_off);
        printf(",\"id\":\"%s\"", text);
    }
    if (!c->opt.payload || qs_txn_parse(&txn, data, t->sz, QS_TXN_ALLOW_V1))
        return;
    printf(",\"transaction\":");
    qs_txn_write_json(stdout, &txn, data);
}

static void
json_status(qs_feed_status_t const *s)
{
    printf(",\"parent_slot\":%lu,\"state\":\"%s\"", s->parent_slot,
           s->state < QS_COUNT(state_names) && state_names[s->state] ? state_names[s->state] : "?");
    if (s->state == QS_FEED_DEAD)
        printf(",\"reason\":\"%.*s\"", (int)strnlen(s->reason, sizeof(s->reason)), s->reason);
    printf(",\"sets\":%u,\"entries\":%u,\"ticks\":%u,\"txns\":%u,\"votes\":%u", s->set_cnt,
           s->entry_cnt, s->tick_cnt, s->txn_cnt, s->vote_cnt);
    if (s->state != QS_FEED_COMPLETE)
        return;
    write_32(stdout, "block_id", s->block_id);
    write_32(stdout, "hash", s->hash);
}

static void
show_json(feed_cmd_t const *c, qs_feed_rec_t const *r, u64 missed)
{
    void const *payload = qs_feed_payload(r);
    qs_feed_entry_t const *e = payload;
    qs_feed_txn_t const *t = payload;

    printf("{\"seq\":%lu,\"kind\":\"%s\",\"slot\":%lu,\"missed\":%lu,\"source\":%u", r->seq,
           kind_names[r->kind], r->slot, missed, r->source);
    json_flags(r);
    if (r->kind == QS_FEED_SET)
        json_set(r, payload);
    if (r->kind == QS_FEED_TXN)
        json_txn(c, r, t, (u8 const *)(t + 1));
    if (r->kind == QS_FEED_STATUS)
        json_status(payload);
    if (r->kind == QS_FEED_ENTRY) {
        printf(",\"idx\":%u,\"num_hashes\":%lu,\"txns\":%u,\"txn_first\":%u", r->idx, e->num_hashes,
               e->txn_cnt, e->txn_first);
        write_32(stdout, "hash", e->hash);
    }
    printf(",\"arrival_unix_ns\":%lu,\"verified_unix_ns\":%lu,\"complete_unix_ns\":%lu,"
           "\"published_unix_ns\":%lu}\n",
           r->arrival_ns, r->verified_ns, r->complete_ns, r->published_ns);
}

static void
show_text(qs_feed_rec_t const *r, u64 missed)
{
    void const *payload = qs_feed_payload(r);
    qs_feed_set_t const *set = payload;
    qs_feed_entry_t const *e = payload;
    qs_feed_txn_t const *t = payload;
    qs_feed_status_t const *s = payload;
    u8 const *data = (u8 const *)(t + 1);
    char text[QS_BASE58_64_MAX];

    if (missed)
        printf("(%lu missed)\n", missed);
    printf("%lu slot %lu %s %u", r->seq, r->slot, kind_names[r->kind], r->idx);
    switch (r->kind) {
    case QS_FEED_SET:
        qs_base58_encode_32(text, set->root);
        printf(": %u data and %u code shreds, root %s", set->data_cnt, set->code_cnt, text);
        break;
    case QS_FEED_ENTRY:
        printf(": %lu hashes, %u transactions", e->num_hashes, e->txn_cnt);
        break;
    case QS_FEED_TXN:
        if (t->sig_cnt && t->sig_off + 64u <= t->sz)
            qs_base58_encode_64(text, data + t->sig_off);
        else
            text[0] = 0;
        printf(": %u bytes, %s", t->sz, text);
        break;
    default:
        printf(": %s%s%.*s, %u sets, %u entries, %u transactions",
               s->state < QS_COUNT(state_names) && state_names[s->state] ? state_names[s->state]
                                                                         : "?",
               s->reason[0] ? ", " : "", (int)strnlen(s->reason, sizeof(s->reason)), s->reason,
               s->set_cnt, s->entry_cnt, s->txn_cnt);
    }
    for (u32 i = 0; i < QS_COUNT(flag_names); i++)
        if (r->flags >> i & 1)
            printf(" %s", flag_names[i]);
    printf("\n");
}

/* whole says whether the payload is as long as its kind must be. */
static bool
whole(qs_feed_rec_t const *r)
{
    static u32 const least[QS_FEED_KIND_END] = {[QS_FEED_SET] = sizeof(qs_feed_set_t),
                                                [QS_FEED_ENTRY] = sizeof(qs_feed_entry_t),
                                                [QS_FEED_TXN] = sizeof(qs_feed_txn_t),
                                                [QS_FEED_STATUS] = sizeof(qs_feed_status_t)};
    qs_feed_txn_t const *t = qs_feed_payload(r);

    if (!r->kind || r->kind >= QS_FEED_KIND_END || r->sz < least[r->kind])
        return false;
    return r->kind != QS_FEED_TXN ||
           (t->sz <= r->sz - sizeof(*t) && t->account_off + 32u * t->account_cnt <= t->sz);
}

static bool
names_account(feed_cmd_t const *c, qs_feed_rec_t const *r)
{
    qs_feed_txn_t const *t = qs_feed_payload(r);
    u8 const *key = (u8 const *)(t + 1) + t->account_off;

    for (u32 i = 0; i < t->account_cnt; i++, key += 32)
        if (!memcmp(key, c->account, 32))
            return true;
    return false;
}

static bool
wanted(feed_cmd_t const *c, qs_feed_rec_t const *r)
{
    if (!whole(r) || r->slot < c->opt.from_slot)
        return false;
    if (r->kind != QS_FEED_TXN)
        return true;
    return !(c->opt.no_votes && r->flags & QS_FEED_VOTE) && (!c->by_account || names_account(c, r));
}

static u64
missed_of(feed_cmd_t const *c)
{
    return c->feed ? qs_feed_missed(c->feed) : 0;
}

/* show writes a record if it is wanted.  Returns whether there may be more. */
static bool
show(feed_cmd_t *c, qs_feed_rec_t const *r)
{
    c->seen++;
    if (wanted(c, r)) {
        u64 missed = missed_of(c) - c->missed_before;
        c->missed_before += missed;
        c->shown++;
        if (c->opt.json)
            show_json(c, r, missed);
        else
            show_text(r, missed);
    }
    return !interrupted && !(c->opt.cnt && c->shown == c->opt.cnt) && !ferror(stdout);
}

static bool
show_old(void *ctx, qs_feed_rec_t const *r)
{
    feed_cmd_t *c = ctx;
    return c->kinds & QS_FEED_KIND_BIT(r->kind) ? show(c, r) : !interrupted;
}

/* show_history shows what the store has on disk of slots from opt.from_slot on, up to where the ring
   begins.  A node without store.dir has none. */
static void
show_history(feed_cmd_t *c, qs_topo_t const *const *topos)
{
    qs_feed_t *oldest = NULL;
    qs_feed_rec_t const *r;
    qs_attach_t a;
    char dir[256] = "";
    u64 last = UINT64_MAX, next;

    if (c->opt.store) {
        snprintf(dir, sizeof(dir), "%s", c->opt.store);
    } else if (!qs_attach_open(&a, c->opt.instance, topos)) {
        snprintf(dir, sizeof(dir), "%s", a.boot->cfg.store.dir);
        qs_attach_close(&a);
    }
    if (!dir[0])
        return;
    if (!qs_feed_open(&oldest, c->opt.instance, QS_FEED_OLDEST) && qs_feed_next(oldest, &r) == 1)
        last = r->slot; /* whole on disk, perhaps, and not in the ring */
    qs_feed_close(oldest);
    int err = qs_feed_history(dir, c->opt.from_slot, last, &next, show_old, c);
    if (err)
        fprintf(stderr, "quickstep feed: %s: %s\n", dir, strerror(-err));
    else
        c->opt.from_slot = next;
}

static int
watch(feed_cmd_t *c)
{
    qs_feed_rec_t const *r;
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    u64 end = c->opt.seconds ? (u64)t.tv_sec + c->opt.seconds : UINT64_MAX;
    while (c->feed && !interrupted && !(c->opt.cnt && c->shown == c->opt.cnt) && !ferror(stdout)) {
        if (qs_feed_next(c->feed, &r) == 1) {
            show(c, r);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &t);
        if ((u64)t.tv_sec >= end)
            break;
        fflush(stdout);
        if (!qs_feed_wait(c->feed, WAIT_NS) && qs_feed_silent_ns(c->feed) > SILENT_NS)
            break; /* the node ended */
    }
    if (c->opt.json)
        printf("{\"end\":true,\"shown\":%lu,\"seen\":%lu,\"missed\":%lu}\n", c->shown, c->seen,
               missed_of(c));
    fprintf(stderr, "quickstep feed: %lu shown, %lu read, %lu missed\n", c->shown, c->seen,
            missed_of(c));
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

static int
open_feed(feed_cmd_t *c)
{
    u32 kinds = kinds_of(c->opt.kinds);

    if (!kinds)
        return 2;
    if (c->opt.account && qs_base58_decode_32(c->account, c->opt.account, strlen(c->opt.account))) {
        fprintf(stderr, "quickstep feed: --account %s: not a public key\n", c->opt.account);
        return 2;
    }
    c->by_account = c->opt.account != NULL;
    if (c->by_account && !c->opt.kinds)
        kinds = QS_FEED_KIND_BIT(QS_FEED_TXN);
    bool old = c->opt.oldest || c->opt.from_slot;
    int err = qs_feed_open(&c->feed, c->opt.instance, old ? QS_FEED_OLDEST : QS_FEED_NEWEST);
    c->kinds = kinds;
    if (err && c->opt.store && c->opt.from_slot)
        return 0; /* the disk alone */
    if (err) {
        fprintf(stderr, "quickstep feed: %s: %s\n", c->opt.instance ? c->opt.instance : "no node",
                err == -ENOENT
                    ? "it has no feed: is it running, with a store tile, and feed.records above 0?"
                : err == -ENOTUNIQ ? "several nodes have one; choose with --instance"
                : err == -EACCES   ? "not allowed: see its option feed.readers"
                : err == -EPROTO   ? "that is no feed of this version"
                                   : strerror(-err));
        return 1;
    }
    qs_feed_want(c->feed, kinds);
    return 0;
}

int
qs_cmd_feed(int argc, char **argv, qs_topo_t const *const *topos)
{
    static feed_cmd_t c;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which, or a path; not needed if there is only one", QS_ARG_STR,
         &c.opt.instance},
        {"--kind", "K", "only these, by commas: set, entry, txn, status", QS_ARG_STR, &c.opt.kinds},
        {"--no-votes", NULL, "without simple votes", QS_ARG_FLAG, &c.opt.no_votes},
        {"--account", "KEY", "only transactions that name this account themselves", QS_ARG_STR,
         &c.opt.account},
        {"--from-slot", "S",
         "from slot S on: from disk, if the node has a store.dir, and then live", QS_ARG_U64,
         &c.opt.from_slot},
        {"--store", "DIR", "where that is, if the node cannot be asked", QS_ARG_STR, &c.opt.store},
        {"--oldest", NULL, "begin with the oldest record instead of the next", QS_ARG_FLAG,
         &c.opt.oldest},
        {"--count", "N", "end after N", QS_ARG_U64, &c.opt.cnt},
        {"--seconds", "N", "end after N seconds", QS_ARG_U64, &c.opt.seconds},
        {"--payload", NULL, "JSON: all fields of transactions", QS_ARG_FLAG, &c.opt.payload},
        {"--json", NULL, "one object per line; the last says what was missed", QS_ARG_FLAG,
         &c.opt.json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &c.opt.help},
        {0}};

    int code = qs_args_parse(&c.opt.args, table, argc, argv);
    if (c.opt.help) {
        qs_args_usage_own("feed", "", table);
        return 0;
    }
    if (!code)
        code = open_feed(&c);
    if (code)
        return code;
    struct sigaction act = {.sa_handler = interrupt};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (c.opt.from_slot)
        show_history(&c, topos);
    code = watch(&c);
    qs_feed_close(c.feed);
    return code;
}

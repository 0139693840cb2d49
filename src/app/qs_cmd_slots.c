/* slots, block - what a store has on disk, read beside it, or when nothing runs. */

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_slot_text.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"
#include "disco/store/qs_segment.h"
#include "waltz/codec/qs_base58.h"

typedef struct options {
    char const *instance, *dir;
    bool json, bytes, help;
    qs_args_t args;
    char found[256];
} options_t;

/* What one record says. */
typedef struct event {
    u64 slot, order, run;
    bool finished; /* info is the slot's; else a set came */
    qs_slot_info_t info;
} event_t;

typedef struct reader {
    qs_segment_rx_t rx;
    u8 data[QS_SEGMENT_DATA_MAX];
    event_t *event;
    u64 cnt, cap;
} reader_t;

/* find_dir looks where the store is: as asked, as configured, or as a running instance has it. */
static int
find_dir(options_t *o, char const *command, qs_topo_t const *const *topos)
{
    static qs_config_t cfg;
    qs_attach_t a;
    int code = qs_args_load(&o->args, &cfg);
    if (code)
        return code;
    snprintf(o->found, sizeof(o->found), "%s", o->dir ? o->dir : cfg.store.dir);
    if (o->found[0] && !o->instance)
        return 0;
    if (qs_attach_open(&a, o->instance, topos)) {
        fprintf(stderr, "%s %s: no --dir, no store.dir, and %s\n", qs_text_program(), command,
                a.why);
        return 1;
    }
    snprintf(o->found, sizeof(o->found), "%s", a.boot->cfg.store.dir);
    if (!o->found[0])
        fprintf(stderr, "%s %s: instance %s writes nothing to disk (store.dir)\n",
                qs_text_program(), command, a.instance.name);
    qs_attach_close(&a);
    return o->found[0] ? 0 : 1;
}

static reader_t *
open_reader(options_t const *o, char const *command)
{
    reader_t *r = calloc(1, sizeof(*r));
    int err = r ? qs_segment_rx_open(&r->rx, o->found) : -ENOMEM;
    if (!err)
        return r;
    fprintf(stderr, "%s %s: %s: %s\n", qs_text_program(), command, o->found, strerror(-err));
    free(r);
    return NULL;
}

static void
close_reader(reader_t *r)
{
    qs_segment_rx_close(&r->rx);
    free(r->event);
    free(r);
}

static event_t *
new_event(reader_t *r)
{
    if (r->cnt == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 1024;
        event_t *more = realloc(r->event, r->cap * sizeof(*more));
        QS_ASSERT(more);
        r->event = more;
    }
    return &r->event[r->cnt++];
}

/* read_event turns a record into an event.  Returns false if it is none. */
static bool
read_event(reader_t *r, qs_segment_record_t const *rec, u64 order)
{
    bool finished = rec->kind == QS_SEGMENT_SLOT;
    if (finished && (rec->sz != sizeof(qs_slot_info_t) || !qs_segment_data(&r->rx, rec, r->data)))
        return false;
    if (!finished && rec->kind != QS_SEGMENT_SET)
        return false;
    event_t *e = new_event(r);
    *e = (event_t){.slot = rec->slot, .order = order, .run = rec->run, .finished = finished};
    if (finished)
        memcpy(&e->info, r->data, sizeof(e->info));
    e->info.slot = rec->slot;
    return true;
}

static int
compare(void const *a, void const *b)
{
    event_t const *x = a, *y = b;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* read_events reads all records; only those of the slot, unless it is UINT64_MAX. */
static void
read_events(reader_t *r, u64 slot)
{
    qs_segment_record_t rec;
    for (u64 order = 0; qs_segment_next(&r->rx, &rec); order++)
        if (slot == UINT64_MAX || rec.slot == slot)
            read_event(r, &rec, order);
    if (r->cnt)
        qsort(r->event, r->cnt, sizeof(*r->event), compare);
}

/* fold makes one info of the events of a slot, of the instance that wrote last.  Returns the index
   behind them. */
static u64
fold(reader_t const *r, u64 at, qs_slot_info_t *info, u64 *run)
{
    u64 end = at, slot = r->event[at].slot;
    while (end < r->cnt && r->event[end].slot == slot)
        end++;
    *run = r->event[end - 1].run;
    *info = (qs_slot_info_t){.slot = slot};
    for (u64 i = at; i < end; i++) {
        event_t const *e = &r->event[i];
        if (e->run != *run)
            continue;
        if (e->finished)
            *info = e->info;
        else if (info->status == QS_SLOT_PROGRESS)
            info->set_cnt++;
    }
    return end;
}

static void
print_health(reader_t const *r, bool json)
{
    qs_segment_rx_t const *x = &r->rx;
    if (json)
        printf("\"segments\":%u,\"damaged\":%lu,\"truncated\":%lu,\"unreadable\":%lu", x->cnt,
               x->damaged, x->truncated, x->no_head);
    else if (x->damaged || x->truncated || x->no_head)
        fprintf(stderr, "damage: %lu records, %lu files cut short, %lu files without a good head\n",
                x->damaged, x->truncated, x->no_head);
}

static int
slots(options_t const *o)
{
    reader_t *r = open_reader(o, "slots");
    qs_slot_info_t info;
    u64 run;
    if (!r)
        return 1;
    read_events(r, UINT64_MAX);
    printf(o->json ? "{\"slots\":[" : "");
    if (!o->json)
        qs_slot_text_head();
    for (u64 i = 0; i < r->cnt;) {
        bool first = i == 0;
        i = fold(r, i, &info, &run);
        if (!o->json) {
            qs_slot_text_line(&info);
            continue;
        }
        printf("%s{", first ? "" : ",");
        qs_slot_text_json(&info);
        printf("}");
    }
    printf(o->json ? "]," : "");
    print_health(r, o->json);
    printf(o->json ? "}\n" : "");
    close_reader(r);
    return 0;
}

/* ---- block: a brain of our own that judges nothing walks over the sets. */

typedef struct writer {
    options_t const *o;
    u64 txn_left; /* of the entry in hand */
    bool any;
} writer_t;

static void
on_entry(void *ctx, qs_slot_info_t const *slot, qs_slots_entry_t const *e)
{
    writer_t *w = ctx;
    (void)slot;
    if (w->o->json)
        printf("%s{\"entry\":%u,\"num_hashes\":%lu,\"tick\":%s,\"hash\":\"", w->any ? "," : "",
               e->idx, e->num_hashes, e->txn_cnt ? "false" : "true");
    else
        printf("entry %u: %lu hashes, %u transactions, ", e->idx, e->num_hashes, e->txn_cnt);
    qs_slot_text_hex(e->hash, 32);
    printf(w->o->json ? "\",\"txns\":[" : "\n");
    w->txn_left = e->txn_cnt;
    w->any = true;
    if (w->o->json && !e->txn_cnt)
        printf("]}");
}

static void
on_txn(void *ctx, qs_slot_info_t const *slot, qs_slots_txn_t const *t)
{
    writer_t *w = ctx;
    char signature[QS_BASE58_64_MAX];
    bool vote = qs_txn_is_simple_vote(t->txn);
    (void)slot;
    qs_base58_encode_64(signature, t->data + t->txn->signature_off);
    if (w->o->json)
        printf("{\"txn\":%u,\"signature\":\"%s\",\"signatures\":%u,\"version\":\"%s\","
               "\"size_bytes\":%u,\"vote\":%s",
               t->idx, signature, t->txn->signature_cnt, qs_txn_version_name(t->txn->version),
               t->txn->sz, vote ? "true" : "false");
    else
        printf("  %s%s, %u bytes", signature, vote ? " vote" : "", t->txn->sz);
    if (w->o->bytes) {
        printf(w->o->json ? ",\"bytes\":\"" : "\n  ");
        qs_slot_text_hex(t->data, t->txn->sz);
        printf(w->o->json ? "\"" : "");
    }
    w->txn_left--;
    printf(!w->o->json ? "\n" : w->txn_left ? "}," : "}]}");
}

/* walk gives the brain the sets of a slot that an instance wrote. */
static void
walk(reader_t *r, qs_slots_t *s, u64 slot, u64 run)
{
    qs_segment_record_t rec;
    u32 const sz = (u32)sizeof(qs_fec_set_t) + QS_FEC_DATA_CNT * QS_FEC_SHRED_SZ;
    qs_segment_rewind(&r->rx);
    while (qs_segment_next(&r->rx, &rec)) {
        if (rec.slot != slot || rec.run != run || rec.kind != QS_SEGMENT_SET || rec.sz != sz ||
            !qs_segment_data(&r->rx, &rec, r->data))
            continue;
        qs_slots_add(s, (void *)r->data, r->data + sizeof(qs_fec_set_t), 0);
        while (qs_slots_step(s, 0)) {
        }
    }
}

static int
block(options_t const *o, u64 slot)
{
    writer_t w = {.o = o};
    qs_slots_config_t config = {.slot_cnt = 1,
                                .set_cnt = QS_SLOTS_SET_MAX,
                                .batch_cnt = QS_SLOTS_SET_MAX,
                                .how = QS_ENTRY_ALLOW_V1,
                                .trust = true,
                                .calls = {&w, NULL, on_entry, on_txn, NULL}};
    qs_slot_info_t info;
    u64 run;
    void *mem = NULL;
    reader_t *r = open_reader(o, "block");
    if (!r)
        return 1;
    read_events(r, slot);
    if (!r->cnt) {
        fprintf(stderr, "%s block: %s: there is nothing of slot %lu\n", qs_text_program(), o->found,
                slot);
        close_reader(r);
        return 1;
    }
    fold(r, 0, &info, &run);
    QS_ASSERT(!posix_memalign(&mem, QS_ALIGN, qs_slots_footprint(&config)));
    qs_slots_t *s = qs_slots_init(mem, &config);
    printf(o->json ? "{" : "");
    if (o->json)
        qs_slot_text_json(&info);
    else
        qs_slot_text_head(), qs_slot_text_line(&info);
    printf(o->json ? ",\"entry_list\":[" : "");
    walk(r, s, slot, run);
    printf(o->json ? "]," : "");
    print_health(r, o->json);
    printf(o->json ? "}\n" : "");
    free(mem);
    close_reader(r);
    return 0;
}

static int
parse(options_t *o, char const *command, char const *plain, int argc, char **argv)
{
    qs_arg_t const table[] = {
        {"--dir", "DIR", "where the store is, instead of store.dir", QS_ARG_STR, &o->dir},
        {"--instance", "NAME", "a running node's store; not needed if there is only one",
         QS_ARG_STR, &o->instance},
        {"--bytes", NULL, "block: the transactions' bytes, too", QS_ARG_FLAG, &o->bytes},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &o->json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &o->help},
        {0}};
    int code = qs_args_parse(&o->args, table, argc, argv);
    if (!code && o->help)
        qs_args_usage(command, plain, table);
    return code;
}

int
qs_cmd_slots(int argc, char **argv, qs_topo_t const *const *topos)
{
    options_t o = {0};
    int code = parse(&o, "slots", "", argc, argv);
    if (code || o.help)
        return code;
    if (o.args.rest_cnt) {
        fprintf(stderr, "usage: %s slots [OPTION]...\n", qs_text_program());
        return 2;
    }
    code = find_dir(&o, "slots", topos);
    return code ? code : slots(&o);
}

int
qs_cmd_block(int argc, char **argv, qs_topo_t const *const *topos)
{
    options_t o = {0};
    char *end = NULL;
    int code = parse(&o, "block", "SLOT", argc, argv);
    if (code || o.help)
        return code;
    u64 slot = o.args.rest_cnt == 1 ? strtoull(o.args.rest[0], &end, 10) : 0;
    if (!end || *end || end == o.args.rest[0]) {
        fprintf(stderr, "usage: %s block SLOT [OPTION]...\n", qs_text_program());
        return 2;
    }
    code = find_dir(&o, "block", topos);
    return code ? code : block(&o, slot);
}

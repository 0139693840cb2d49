#include "disco/shred/qs_leaders_json.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waltz/codec/qs_base58.h"

#define NORMAL_SLOT_CNT 432000u
#define HEAP_SLACK      4096u /* what malloc may add to a block */

typedef enum form { FORM_NONE, FORM_MAP, FORM_ENTRIES, FORM_LIST, FORM_VOTES } form_t;

typedef struct walk {
    qs_leaders_t *leaders;
    qs_leaders_json_t *json;
    qs_leaders_epoch_t *e;
    char const *text;
    u64 len;
    u64 at;
    form_t form;
    u64 epoch;
    u64 base; /* first absolute slot */
    u32 stake_cnt;
} walk_t;

/* jansson allocates through these while a text is read. */
static u64 heap_used;
static bool heap_full;

static void *
heap_take(size_t sz)
{
    void *p = sz + HEAP_SLACK < QS_LEADERS_JSON_HEAP_MAX - heap_used ? malloc(sz) : NULL;
    heap_full |= !p;
    heap_used += malloc_usable_size(p);
    return p;
}

static void
heap_give(void *p)
{
    heap_used -= malloc_usable_size(p);
    free(p);
}

/* peek returns the next character that is no white space, 0 at the end. */
static char
peek(walk_t *w)
{
    while (w->at < w->len && strchr(" \t\r\n", w->text[w->at]) && w->text[w->at])
        w->at++;
    return w->at < w->len ? w->text[w->at] : 0;
}

static bool
take_char(walk_t *w, char c)
{
    bool there = peek(w) == c;
    w->at += there;
    return there;
}

/* take_value reads one value into *v.  The caller gives it back. */
static qs_leaders_reason_t
take_value(walk_t *w, json_t **v)
{
    json_error_t err;
    *v = json_loadb(w->text + w->at, w->len - w->at,
                    JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &err);
    if (*v) {
        w->at += (u64)err.position;
        return QS_LEADERS_R_OK;
    }
    return heap_full ? QS_LEADERS_R_TOO_BIG : QS_LEADERS_R_JSON;
}

static qs_leaders_reason_t
skip_value(walk_t *w)
{
    json_t *v;
    qs_leaders_reason_t reason = take_value(w, &v);
    json_decref(v);
    return reason;
}

static qs_leaders_reason_t
read_key(u8 key[QS_LEADERS_KEY_SZ], json_t const *v)
{
    static u8 const zero[QS_LEADERS_KEY_SZ];
    if (!json_is_string(v) || qs_base58_decode_32(key, json_string_value(v), json_string_length(v)))
        return QS_LEADERS_R_KEY;
    return memcmp(key, zero, sizeof(zero)) ? QS_LEADERS_R_OK : QS_LEADERS_R_KEY_ZERO;
}

static bool
read_u64(u64 *out, json_t const *v)
{
    *out = (u64)json_integer_value(v);
    return json_is_integer(v) && json_integer_value(v) >= 0;
}

/* each_element calls fn for each element of an array. */
static qs_leaders_reason_t
each_element(walk_t *w, qs_leaders_reason_t (*fn)(walk_t *w, json_t *v))
{
    if (!take_char(w, '['))
        return QS_LEADERS_R_FORM;
    if (take_char(w, ']'))
        return QS_LEADERS_R_OK;
    for (;;) {
        json_t *v;
        qs_leaders_reason_t reason = take_value(w, &v);
        if (!reason)
            reason = fn(w, v);
        json_decref(v);
        if (reason)
            return reason;
        if (take_char(w, ']'))
            return QS_LEADERS_R_OK;
        if (!take_char(w, ','))
            return QS_LEADERS_R_JSON;
    }
}

/* set_slot records a leader, and refuses what an epoch of known length does not have. */
static qs_leaders_reason_t
set_slot(walk_t *w, u64 idx, u8 const ident[QS_LEADERS_KEY_SZ])
{
    if (w->json->schedule && idx >= qs_epoch_slot_cnt(w->json->schedule, w->epoch))
        return w->form == FORM_ENTRIES ? QS_LEADERS_R_EPOCH : QS_LEADERS_R_SLOT_RANGE;
    return qs_leaders_set(w->leaders, w->e, idx, ident);
}

static qs_leaders_reason_t
on_list_element(walk_t *w, json_t *v)
{
    u8 ident[QS_LEADERS_KEY_SZ];
    qs_leaders_reason_t reason = read_key(ident, v);
    return reason ? reason : set_slot(w, w->e->end, ident);
}

/* {"slot": absolute, "leader": identity}.  The first one is the lowest. */
static qs_leaders_reason_t
on_entry(walk_t *w, json_t *v)
{
    u8 ident[QS_LEADERS_KEY_SZ];
    u64 slot;
    if (!read_u64(&slot, json_object_get(v, "slot")))
        return QS_LEADERS_R_SLOT_TYPE;
    qs_leaders_reason_t reason = read_key(ident, json_object_get(v, "leader"));
    if (reason)
        return reason;
    if (!w->e->taken_cnt)
        w->base = slot;
    return slot < w->base ? QS_LEADERS_R_EPOCH : set_slot(w, slot - w->base, ident);
}

static qs_leaders_reason_t
on_vote_account(walk_t *w, json_t *v)
{
    u64 stake;
    if (!read_u64(&stake, json_object_get(v, "activatedStake")))
        return QS_LEADERS_R_STAKE_TYPE;
    if (w->stake_cnt == w->json->stake_max)
        return QS_LEADERS_R_TOO_MANY;
    qs_leaders_stake_t *s = &w->json->stake[w->stake_cnt];
    s->stake = stake;
    qs_leaders_reason_t reason = read_key(s->key, json_object_get(v, "votePubkey"));
    if (!reason)
        reason = read_key(s->ident, json_object_get(v, "nodePubkey"));
    w->stake_cnt += !reason;
    return reason;
}

/* One identity of a map and its slots. */
static qs_leaders_reason_t
on_identity(walk_t *w, json_t const *key)
{
    u8 ident[QS_LEADERS_KEY_SZ];
    json_t *slots, *slot;
    size_t i;
    if (peek(w) != '[')
        return QS_LEADERS_R_FORM;
    qs_leaders_reason_t reason = read_key(ident, key);
    if (reason)
        return reason;
    reason = take_value(w, &slots);
    json_array_foreach(slots, i, slot)
    {
        u64 idx;
        if (!reason)
            reason = read_u64(&idx, slot) ? set_slot(w, idx, ident) : QS_LEADERS_R_SLOT_TYPE;
    }
    json_decref(slots);
    return reason;
}

static qs_leaders_reason_t read_any(walk_t *w, bool nested);

static qs_leaders_reason_t
on_error(walk_t *w)
{
    bool null = peek(w) == 'n';
    qs_leaders_reason_t reason = skip_value(w);
    return reason || null ? reason : QS_LEADERS_R_RPC_ERROR;
}

static qs_leaders_reason_t
on_epoch(walk_t *w)
{
    json_t *v;
    qs_leaders_reason_t reason = take_value(w, &v);
    if (!reason && !read_u64(&w->epoch, v))
        reason = QS_LEADERS_R_EPOCH;
    json_decref(v);
    return reason;
}

static bool
is_key(json_t const *key, char const *a, char const *b)
{
    char const *name = json_string_value(key);
    return !strcmp(name, a) || !strcmp(name, b);
}

static qs_leaders_reason_t
on_member(walk_t *w, json_t const *key, bool nested)
{
    if (is_key(key, "current", "delinquent")) {
        w->form = FORM_VOTES;
        return each_element(w, on_vote_account);
    }
    if (is_key(key, "leaderScheduleEntries", "leaderScheduleEntries")) {
        w->form = FORM_ENTRIES;
        return each_element(w, on_entry);
    }
    if (is_key(key, "epoch", "epoch"))
        return on_epoch(w);
    if (!nested && is_key(key, "jsonrpc", "id"))
        return skip_value(w);
    if (!nested && is_key(key, "error", "error"))
        return on_error(w);
    if (!nested && is_key(key, "result", "result"))
        return read_any(w, true);
    if (w->form != FORM_NONE && w->form != FORM_MAP)
        return skip_value(w);
    w->form = FORM_MAP;
    return on_identity(w, key);
}

static qs_leaders_reason_t
read_object(walk_t *w, bool nested)
{
    if (!take_char(w, '{'))
        return QS_LEADERS_R_JSON;
    if (take_char(w, '}'))
        return QS_LEADERS_R_EMPTY;
    for (;;) {
        json_t *key;
        qs_leaders_reason_t reason = peek(w) == '"' ? take_value(w, &key) : QS_LEADERS_R_JSON;
        if (reason)
            return reason;
        reason = take_char(w, ':') ? QS_LEADERS_R_OK : QS_LEADERS_R_JSON;
        if (!reason) {
            peek(w);
            reason = on_member(w, key, nested);
        }
        json_decref(key);
        if (reason)
            return reason;
        if (take_char(w, '}'))
            return QS_LEADERS_R_OK;
        if (!take_char(w, ','))
            return QS_LEADERS_R_JSON;
    }
}

static qs_leaders_reason_t
read_any(walk_t *w, bool nested)
{
    switch (peek(w)) {
    case 'n': {
        qs_leaders_reason_t reason = skip_value(w);
        return reason ? reason : QS_LEADERS_R_EMPTY;
    }
    case '[':
        w->form = FORM_LIST;
        return each_element(w, on_list_element);
    default:
        return read_object(w, nested);
    }
}

static int
by_key(void const *a, void const *b)
{
    return memcmp(((qs_leaders_stake_t const *)a)->key, ((qs_leaders_stake_t const *)b)->key,
                  QS_LEADERS_KEY_SZ);
}

static qs_leaders_reason_t
close_votes(walk_t *w)
{
    qs_leaders_stake_t *stake = w->json->stake;
    qsort(stake, w->stake_cnt, sizeof(*stake), by_key);
    for (u32 i = 1; i < w->stake_cnt; i++)
        if (!by_key(&stake[i - 1], &stake[i]))
            return QS_LEADERS_R_VOTE_TWICE;

    qs_epoch_t normal = qs_epoch_derive(NORMAL_SLOT_CNT, false);
    qs_epoch_t const *s = w->json->schedule ? w->json->schedule : &normal;
    qs_leaders_reason_t reason =
        qs_leaders_compute(w->leaders, w->epoch, qs_epoch_first_slot(s, w->epoch),
                           qs_epoch_slot_cnt(s, w->epoch), stake, w->stake_cnt);
    w->json->stake_cnt = reason ? 0 : w->stake_cnt;
    return reason;
}

/* guess_first says whether an epoch of this number and length can begin at first: on a cluster that
   warms up, or that does not. */
static bool
guess_first(u64 epoch, u64 slot_cnt, u64 first)
{
    qs_epoch_t plain = qs_epoch_derive(slot_cnt, false), warm = qs_epoch_derive(slot_cnt, true);
    return first == qs_epoch_first_slot(&plain, epoch) ||
           (epoch >= warm.first_normal_epoch && first == qs_epoch_first_slot(&warm, epoch)) ||
           (qs_is_pow2(slot_cnt) && epoch < 32 && slot_cnt == QS_EPOCH_SLOT_MIN << epoch &&
            first == slot_cnt - QS_EPOCH_SLOT_MIN);
}

static qs_leaders_reason_t
close_slots(walk_t *w)
{
    qs_epoch_t const *s = w->json->schedule;
    u64 cnt = w->form == FORM_LIST || !s ? w->e->end : qs_epoch_slot_cnt(s, w->epoch);
    u64 first = 0;
    if (s)
        first = qs_epoch_first_slot(s, w->epoch);
    else if (w->form == FORM_ENTRIES)
        first = w->base;
    else if (__builtin_mul_overflow(w->epoch, cnt, &first))
        return QS_LEADERS_R_EPOCH;

    bool fits = s ? first == w->base : guess_first(w->epoch, cnt, w->base);
    if (w->form == FORM_ENTRIES && w->e->taken_cnt && !fits)
        return QS_LEADERS_R_EPOCH;
    return qs_leaders_close(w->leaders, w->e, w->epoch, first, cnt);
}

static qs_leaders_reason_t
walk(walk_t *w)
{
    w->e = qs_leaders_open(w->leaders);
    qs_leaders_reason_t reason = read_any(w, false);
    if (!reason && peek(w))
        reason = QS_LEADERS_R_JSON;
    if (!reason && w->form == FORM_NONE)
        reason = QS_LEADERS_R_FORM;
    if (!reason)
        reason = w->form == FORM_VOTES ? close_votes(w) : close_slots(w);
    return reason;
}

/* Two tiles of one process (a lab of threads) may read at the same time. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void
heap_begin(json_malloc_t *was_take, json_free_t *was_give)
{
    pthread_mutex_lock(&one_at_a_time);
    json_get_alloc_funcs(was_take, was_give);
    json_set_alloc_funcs(heap_take, heap_give);
    heap_used = 0;
    heap_full = false;
}

static void
heap_end(json_malloc_t take, json_free_t give)
{
    json_set_alloc_funcs(take, give);
    pthread_mutex_unlock(&one_at_a_time);
}

qs_leaders_reason_t
qs_leaders_json_parse(qs_leaders_t *leaders, qs_leaders_json_t *json, char const *text, u64 len)
{
    json->stake_cnt = 0;
    json->at = 0;
    json->loaded = NULL;
    if (len > QS_LEADERS_JSON_SZ_MAX)
        return QS_LEADERS_R_TOO_BIG;
    if (json->schedule && !qs_epoch_valid(json->schedule))
        return QS_LEADERS_R_EPOCH_SCHEDULE;
    walk_t w = {.leaders = leaders, .json = json, .text = text, .len = len, .epoch = json->epoch};
    json_malloc_t take;
    json_free_t give;
    heap_begin(&take, &give);
    qs_leaders_reason_t reason = walk(&w);
    heap_end(take, give);
    json->at = w.at;
    for (u32 i = 0; !reason && i < QS_LEADERS_EPOCH_CNT; i++)
        if (leaders->epoch[i].slot_cnt && leaders->epoch[i].epoch == w.epoch)
            json->loaded = &leaders->epoch[i];
    return reason;
}

qs_leaders_reason_t
qs_leaders_json_read(qs_leaders_t *leaders, qs_leaders_json_t *json, char const *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return QS_LEADERS_R_FILE;
    qs_leaders_reason_t reason = QS_LEADERS_R_FILE;
    char *text = NULL;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
        reason = (u64)st.st_size > QS_LEADERS_JSON_SZ_MAX ? QS_LEADERS_R_TOO_BIG : QS_LEADERS_R_OK;
        text = reason ? NULL : malloc((u64)st.st_size + 1);
    }
    if (text) {
        ssize_t got = 0, more;
        while (got < st.st_size && (more = read(fd, text + got, (u64)(st.st_size - got))) > 0)
            got += more;
        reason = got == st.st_size ? qs_leaders_json_parse(leaders, json, text, (u64)got)
                                   : QS_LEADERS_R_FILE;
    }
    free(text);
    close(fd);
    return reason;
}

static qs_leaders_reason_t
read_epoch_schedule(qs_epoch_t *s, json_t *root)
{
    json_t *v = json_object_get(root, "result");
    if (json_object_get(root, "error"))
        return QS_LEADERS_R_RPC_ERROR;
    v = v ? v : root;
    json_t *warmup = json_object_get(v, "warmup");
    if (!json_object_get(v, "slotsPerEpoch"))
        return QS_LEADERS_R_FORM;
    if (!read_u64(&s->slots_per_epoch, json_object_get(v, "slotsPerEpoch")) ||
        !read_u64(&s->leader_offset, json_object_get(v, "leaderScheduleSlotOffset")) ||
        !read_u64(&s->first_normal_epoch, json_object_get(v, "firstNormalEpoch")) ||
        !read_u64(&s->first_normal_slot, json_object_get(v, "firstNormalSlot")) ||
        !json_is_boolean(warmup))
        return QS_LEADERS_R_EPOCH_SCHEDULE;
    s->warmup = json_is_true(warmup);
    return qs_epoch_valid(s) ? QS_LEADERS_R_OK : QS_LEADERS_R_EPOCH_SCHEDULE;
}

qs_leaders_reason_t
qs_epoch_json_parse(qs_epoch_t *schedule, char const *text, u64 len)
{
    json_malloc_t take;
    json_free_t give;
    if (len > QS_LEADERS_JSON_SZ_MAX)
        return QS_LEADERS_R_TOO_BIG;
    heap_begin(&take, &give);
    json_error_t err;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &err);
    qs_leaders_reason_t reason = root ? read_epoch_schedule(schedule, root) : QS_LEADERS_R_JSON;
    json_decref(root);
    heap_end(take, give);
    return reason;
}

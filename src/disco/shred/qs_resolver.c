#include "disco/shred/qs_resolver_state.h"

#define DATA_LEAVES  UINT32_MAX /* of those of a set */
#define VERSION_MAX  2u         /* of one set */
#define HEADER_AHEAD 24u        /* shreds */
#define BODY_AHEAD   4u

static struct {
    char const *name, *text;
} const reasons[] = {
#define ROW(id, name, text) {#name, text},
    QS_RESOLVER_REASONS(ROW)
#undef ROW
};

char const *
qs_resolver_reason_name(u32 reason)
{
    if (reason < QS_SHRED_REASON_CNT)
        return qs_shred_reason_name(reason);
    return reason < QS_RESOLVER_REASON_CNT ? reasons[reason - QS_SHRED_REASON_CNT].name : "?";
}

char const *
qs_resolver_reason_text(u32 reason)
{
    if (reason < QS_SHRED_REASON_CNT)
        return qs_shred_reason_text(reason);
    return reason < QS_RESOLVER_REASON_CNT ? reasons[reason - QS_SHRED_REASON_CNT].text : "?";
}

u64
qs_resolver_footprint(qs_resolver_config_t const *c)
{
    if (!c->set_cnt || c->set_cnt > QS_RESOLVER_SET_MAX || !c->buf_cnt ||
        c->buf_cnt > QS_RESOLVER_BUF_MAX || !c->slot_cnt || c->slot_cnt > QS_RESOLVER_SLOT_MAX)
        return 0;
    return qs_resolver_layout(NULL, c);
}

qs_resolver_t *
qs_resolver_init(void *mem, qs_resolver_config_t const *config, qs_leaders_t const *leaders)
{
    qs_resolver_t *r = mem;
    memset(r, 0, sizeof(*r));
    r->config = *config;
    r->leaders = leaders;
    if (config->self)
        qs_resolver_self(r, config->self);
    qs_resolver_layout(r, config);
    qs_resolver_pools_init(r);
    return r;
}

void
qs_resolver_root(qs_resolver_t *r, u64 root, u64 slots_per_epoch)
{
    qs_shred_filter_root(&r->config.filter, root, slots_per_epoch);
}

void
qs_resolver_self(qs_resolver_t *r, u8 const self[QS_LEADERS_KEY_SZ])
{
    memcpy(r->self, self, sizeof(r->self));
    r->config.self = r->self;
}

u16
qs_resolver_version(qs_resolver_t const *r)
{
    return r->config.filter.version;
}

qs_resolver_counts_t const *
qs_resolver_counts(qs_resolver_t const *r)
{
    return &r->counts;
}

qs_fec_set_t const *
qs_resolver_pop(qs_resolver_t *r)
{
    if (r->ring_pop == r->ring_end)
        return NULL;
    return &r->buf[r->ring[r->ring_pop++ % r->config.buf_cnt]].head;
}

qs_equivocation_t const *
qs_resolver_pop_equivocation(qs_resolver_t *r)
{
    return r->eq_pop == r->eq_end ? NULL : &r->eq[r->eq_pop++ % QS_EQUIVOCATION_CNT];
}

static void
close_job(qs_resolver_t *r, qs_resolver_out_t *out, qs_job_t *job, u32 reason)
{
    qs_set_t *set = &r->set[job->set];
    if (job->state == QS_JOB_CLAIMED && set->gen == job->gen)
        set->coming &= ~(1ull << qs_shred_leaf(&job->shred));
    job->state = QS_JOB_CLOSED;
    out[job->in].reason = reason;
    r->counts.reason[reason]++;
}

/* is_copy says whether a shred is byte for byte one that a set has, or has recovered. */
static bool
is_copy(qs_resolver_t *r, qs_job_t const *job, qs_set_t const *set, u8 const *shred)
{
    u32 leaf = qs_shred_leaf(&job->shred);
    bool there = set->have >> leaf & 1 || (set->state == QS_SET_DONE && !set->flawed);
    if (set->buf == QS_NONE || !there)
        return false;
    qs_set_buf_t const *b = &r->buf[set->buf];
    u8 const *have = leaf < QS_SHRED_SET_CNT ? b->data[leaf] : b->code[leaf - QS_SHRED_SET_CNT];
    return !memcmp(have, shred, qs_shred_signed_sz(job->shred.layout));
}

/* close_copy takes care of copies: what is equal to a proven shred needs no proof. */
static bool
close_copy(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, qs_job_t *job)
{
    u32 at = QS_NONE;
    u64 bit = 1ull << qs_shred_leaf(&job->shred);
    qs_set_t *set;
    while ((set = qs_resolver_each_version(r, job->shred.slot, job->shred.fec_idx, &at))) {
        if (!is_copy(r, job, set, in->data))
            continue;
        if (!(set->have & bit) && in->signer && job->shred.layout->resigned)
            return false;
        close_job(r, out, job, set->have & bit ? QS_RESOLVER_R_DUPLICATE : QS_RESOLVER_R_LATE);
        memcpy(out[job->in].root, set->root, QS_SHRED_ROOT_SZ);
        set->have |= bit;
        return true;
    }
    return false;
}

/* filter looks at what costs nothing: the shred's headers, its leader, and whether it is a copy. */
static void
filter(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, u32 idx)
{
    qs_job_t *job = &r->job[r->job_cnt];
    job->in = idx;
    job->state = QS_JOB_OPEN;
    job->hashed = false;
    u32 reason = qs_shred_parse(&job->shred, in->data, in->sz, &r->config.filter);
    if (reason) {
        close_job(r, out, job, reason);
        return;
    }
    job->leader = qs_leaders_find(r->leaders, job->shred.slot);
    if (!job->leader && !r->config.mark) {
        close_job(r, out, job, QS_RESOLVER_R_LEADER_UNKNOWN);
        return;
    }
    if (job->leader && r->config.self && !memcmp(job->leader, r->self, sizeof(r->self))) {
        close_job(r, out, job, QS_RESOLVER_R_LEADER_SELF);
        return;
    }
    if (!close_copy(r, in, out, job))
        r->job_cnt++;
}

static qs_merkle_text_t
text_of(qs_job_t const *job, qs_resolver_in_t const *in)
{
    return (qs_merkle_text_t){in[job->in].data + QS_SHRED_SIG_SZ,
                              job->shred.layout->proof_off - QS_SHRED_SIG_SZ};
}

/* hash_some hashes the leaves of cnt jobs and follows their proofs to their roots. */
static void
hash_some(qs_job_t *const *job, u32 cnt, qs_resolver_in_t const *in)
{
    qs_merkle_text_t text[QS_MERKLE_CLAIM_MAX];
    qs_merkle_hash_t leaf[QS_MERKLE_CLAIM_MAX];
    qs_merkle_path_t path[QS_MERKLE_CLAIM_MAX];
    u32 i = 0;
    do /* at least once, or gcc warns */
        text[i] = text_of(job[i], in);
    while (++i < cnt);
    qs_merkle_leaves(leaf, text, cnt);
    for (i = 0; i < cnt; i++) {
        u8 const *proof = in[job[i]->in].data + job[i]->shred.layout->proof_off;
        path[i] = (qs_merkle_path_t){leaf[i], qs_shred_leaf(&job[i]->shred), proof};
    }
    qs_merkle_climb(path, cnt);
    for (i = 0; i < cnt; i++) {
        job[i]->leaf = leaf[i];
        job[i]->root = path[i].hash;
        job[i]->hashed = true;
    }
}

/* hash_askers hashes for those who ask. */
static void
hash_askers(qs_resolver_t *r, qs_resolver_in_t const *in)
{
    qs_job_t *job[QS_MERKLE_CLAIM_MAX];
    u32 cnt = 0;
    for (u32 i = 0; i < r->job_cnt; i++) {
        if (r->job[i].state == QS_JOB_ASKED)
            job[cnt++] = &r->job[i];
        if (!cnt || (cnt < QS_MERKLE_CLAIM_MAX && i + 1 < r->job_cnt))
            continue;
        hash_some(job, cnt, in);
        cnt = 0;
    }
}

static void
claim_set(qs_resolver_t *r, qs_job_t *job, qs_set_t *set)
{
    set->coming |= 1ull << qs_shred_leaf(&job->shred);
    job->state = QS_JOB_CLAIMED;
    job->set = (u32)(set - r->set);
    job->gen = set->gen;
}

/* find_signed returns the set of this place that carries this signature, and counts how many sets
   the place has. */
static qs_set_t *
find_signed(qs_resolver_t *r, qs_shred_t const *s, u8 const *sig, u32 *version_cnt)
{
    u32 at = QS_NONE;
    *version_cnt = 0;
    for (qs_set_t *set; (set = qs_resolver_each_version(r, s->slot, s->fec_idx, &at));) {
        if (!memcmp(set->sig, sig, QS_SHRED_SIG_SZ))
            return set;
        ++*version_cnt;
    }
    return NULL;
}

/* asks_first says whether no earlier job of this round asks for the same signature, and notes that
   this one does.  Who collides on purpose makes its own batch slower, and no more than that. */
static bool
asks_first(qs_resolver_t *r, qs_job_t *job, u8 const *sig, qs_resolver_in_t const *in)
{
    u32 at = qs_load_le32(sig) % QS_ASKED_MAP_CNT;
    for (; r->asked[at]; at = (at + 1) % QS_ASKED_MAP_CNT) {
        qs_job_t const *other = &r->job[r->asked[at] - 1];
        if (other->shred.slot == job->shred.slot && other->shred.fec_idx == job->shred.fec_idx &&
            !memcmp(in[other->in].data, sig, QS_SHRED_SIG_SZ))
            return false;
    }
    r->asked[at] = (u16)(job - r->job + 1);
    return true;
}

/* known_root judges a shred whose proof leads to the root of a set that it does not fit: another
   signature anybody can write, other headers only the leader can have put into the tree. */
static u32
known_root(qs_resolver_t *r, qs_job_t const *job, qs_set_t *set, u64 ns)
{
    if (set->slot == job->shred.slot && set->fec_idx == job->shred.fec_idx)
        return QS_RESOLVER_R_SET_SIGNATURE;
    qs_resolver_flaw(r, set, QS_RESOLVER_R_FLAW_MEMBER, ns);
    return QS_RESOLVER_R_SET_MEMBER;
}

/* open_job finds the job's set, or lets the job ask for the signature that makes one. */
static void
open_job(qs_resolver_t *r, qs_resolver_in_t const *in, qs_job_t *job)
{
    u8 const *shred = in[job->in].data;
    u32 version_cnt;
    qs_set_t *set = find_signed(r, &job->shred, shred, &version_cnt);
    if (set)
        claim_set(r, job, set);
    else if (asks_first(r, job, shred, in))
        job->state = QS_JOB_ASKED;
}

/* ask has the signature of a job's root verified if nothing speaks against it. */
static void
ask(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, qs_job_t *job)
{
    qs_shred_t const *s = &job->shred;
    u8 const *shred = in[job->in].data;
    u32 version_cnt;
    qs_set_t *set = qs_resolver_find_root(r, job->root.byte);
    (void)find_signed(r, s, shred, &version_cnt);
    if (set)
        close_job(r, out, job, known_root(r, job, set, in[job->in].ns));
    else if (qs_resolver_was_done(r, s->slot, s->fec_idx, job->root.byte))
        close_job(r, out, job, QS_RESOLVER_R_DONE_LONG_AGO);
    else if (version_cnt >= VERSION_MAX)
        close_job(r, out, job, QS_RESOLVER_R_SET_VERSIONS);
    else {
        job->item = r->item_cnt;
        r->item[r->item_cnt] =
            (qs_ed25519_item_t){shred, job->leader, job->root.byte, QS_SHRED_ROOT_SZ};
        r->item_cnt += job->leader != NULL;
    }
}

/* found_set makes a set of the first shred whose signature is good. */
static void
found_set(qs_resolver_t *r, qs_resolver_in_t const *in, qs_job_t *job)
{
    qs_shred_t const *s = &job->shred;
    qs_shred_layout_t const *l = s->layout;
    u32 at = QS_NONE;
    qs_set_t *other = qs_resolver_each_version(r, s->slot, s->fec_idx, &at);
    if (other) {
        qs_resolver_report(r, QS_EQUIVOCATION_SET, s->slot, other->first, other->first_sz, in->data,
                           l->sz);
        other->conflict = true;
        qs_resolver_slot(r, s->slot, other->bucket)->conflict = true;
    }
    qs_set_t *set = qs_resolver_new_set(r, s->slot, s->fec_idx, job->root.byte, job->leader);
    set->conflict = other != NULL;
    set->proven = job->leader != NULL;
    set->resigned = l->resigned;
    set->version = s->version;
    set->source = in->source;
    set->first_ns = in->ns;
    memcpy(set->chained, in->data + l->chained_off, QS_SHRED_ROOT_SZ);
    memcpy(set->sig, in->data, QS_SHRED_SIG_SZ);
    set->first_sz = l->sz;
    memcpy(set->first, in->data, l->sz);
    claim_set(r, job, set);
}

/* judge_asked acts on the verdict over a signature. */
static void
judge_asked(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, qs_job_t *job)
{
    qs_shred_t const *s = &job->shred;
    qs_shred_filter_t *known = &r->config.filter;
    u32 version_cnt;
    if (job->leader && r->verdict[job->item] != QS_ED25519_OK) {
        close_job(r, out, job, QS_RESOLVER_R_SIGNATURE);
        return;
    }
    if (known->version && s->version != known->version) {
        close_job(r, out, job, QS_SHRED_R_VERSION); /* learned from the shred before it */
        return;
    }
    qs_set_t *set = find_signed(r, s, in[job->in].data, &version_cnt);
    qs_set_t *same = set ? NULL : qs_resolver_find_root(r, job->root.byte);
    if (set)
        claim_set(r, job, set);
    else if (same)
        close_job(r, out, job, known_root(r, job, same, in[job->in].ns));
    else if (version_cnt >= VERSION_MAX)
        close_job(r, out, job, QS_RESOLVER_R_SET_VERSIONS);
    else {
        if (job->leader)
            known->version = s->version;
        found_set(r, &in[job->in], job);
    }
}

/* open_jobs brings every job to a claim or an end.  Of the jobs that show one signature the first is
   asked; if it was a forgery with a good signature on it the next one is, in another round. */
static void
open_jobs(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out)
{
    u32 asked_cnt;
    do {
        asked_cnt = r->item_cnt = 0;
        memset(r->asked, 0, sizeof(r->asked));
        for (u32 i = 0; i < r->job_cnt; i++) {
            if (r->job[i].state == QS_JOB_OPEN)
                open_job(r, in, &r->job[i]);
            asked_cnt += r->job[i].state == QS_JOB_ASKED;
        }
        if (!asked_cnt)
            return;
        hash_askers(r, in);
        for (u32 i = 0; i < r->job_cnt; i++)
            if (r->job[i].state == QS_JOB_ASKED)
                ask(r, in, out, &r->job[i]);
        qs_ed25519_verify_batch_cached(r->keys, r->verdict, r->item, r->item_cnt,
                                       QS_ED25519_STRICT);
        r->counts.signature_cnt += r->item_cnt;
        for (u32 i = 0; i < r->job_cnt; i++)
            if (r->job[i].state == QS_JOB_ASKED)
                judge_asked(r, in, out, &r->job[i]);
    } while (true);
}

/* claim_tree returns the tree of the set that a job claims, or closes the job. */
static qs_merkle_tree_t *
claim_tree(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, qs_job_t *job)
{
    qs_set_t *set = &r->set[job->set];
    u64 bit = 1ull << qs_shred_leaf(&job->shred);
    if (set->gen != job->gen || (set->state == QS_SET_WAITING && !qs_resolver_take_buf(r, set))) {
        close_job(r, out, job, QS_RESOLVER_R_BUSY);
        return NULL;
    }
    if (set->buf != QS_NONE)
        return &r->buf[set->buf].tree;

    /* Complete, and its buf is another's by now. */
    u8 const *proof = in[job->in].data + job->shred.layout->proof_off;
    qs_merkle_text_t text = text_of(job, in);
    qs_merkle_leaves(&job->leaf, &text, 1);
    qs_merkle_root(&job->root, &job->leaf, qs_shred_leaf(&job->shred), proof, QS_MERKLE_DEPTH);
    u32 reason = set->have & bit ? QS_RESOLVER_R_DUPLICATE : QS_RESOLVER_R_LATE;
    if (memcmp(job->root.byte, set->root, QS_SHRED_ROOT_SZ))
        reason = QS_RESOLVER_R_SIGNATURE;
    else
        set->have |= bit;
    close_job(r, out, job, reason);
    memcpy(out[job->in].root, set->root, QS_SHRED_ROOT_SZ);
    return NULL;
}

/* keep_claims puts off the claims whose set lost its buf to a later one of this round, and returns the
   first of their jobs.  The last claim has its buf, so that every round gets on. */
static u32
keep_claims(qs_resolver_t *r)
{
    u32 kept = 0, first = r->job_cnt;
    for (u32 i = 0; i < r->claim_cnt; i++) {
        qs_set_t const *set = &r->set[r->job[r->claimer[i]].set];
        if (set->buf != QS_NONE && r->claim[i].tree == &r->buf[set->buf].tree) {
            r->claim[kept] = r->claim[i];
            r->claimer[kept++] = r->claimer[i];
        } else if (r->claimer[i] < first)
            first = r->claimer[i];
    }
    r->claim_cnt = kept;
    return first;
}

/* may_claim says whether a set can use one more claim in this round: one that is complete compares
   what else it gets with what it recovered, and that costs less than a proof.  Code stands back for
   data that is to come in this batch: the more data a set has, the less there is to recover.  Some
   data can claim then, so that every round gets on. */
static bool
may_claim(qs_resolver_t *r, qs_job_t const *job)
{
    qs_set_t *set = &r->set[job->set];
    if (set->gen != job->gen || set->state == QS_SET_DONE)
        return true;
    if (set->round != r->round) {
        set->round = r->round;
        set->claim_cnt = (u32)__builtin_popcountll(set->have);
        set->code_claim_cnt = 0;
    }
    if (job->shred.layout->code) {
        u64 sure = set->have | (set->coming & DATA_LEAVES);
        if ((u32)__builtin_popcountll(sure) + set->code_claim_cnt >= QS_SHRED_SET_CNT)
            return false;
        set->code_claim_cnt++;
    }
    return set->claim_cnt++ < QS_SHRED_SET_CNT;
}

/* take_claims collects the next claims, and returns whether it left any for another round. */
static bool
take_claims(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out)
{
    r->claim_cnt = 0;
    r->round++;
    u32 first = r->job_cnt;
    for (u32 i = r->first_open; i < r->job_cnt; i++) {
        qs_job_t *job = &r->job[i];
        if (job->state != QS_JOB_CLAIMED)
            continue;
        if (r->claim_cnt == QS_MERKLE_CLAIM_MAX || !may_claim(r, job)) {
            first = first < i ? first : i;
            if (r->claim_cnt == QS_MERKLE_CLAIM_MAX)
                break;
            continue;
        }
        if (r->set[job->set].state == QS_SET_DONE && close_copy(r, &in[job->in], out, job))
            continue;
        qs_merkle_tree_t *tree = claim_tree(r, in, out, job);
        if (!tree)
            continue;
        r->claim[r->claim_cnt] =
            (qs_merkle_claim_t){.tree = tree,
                                .leaf_idx = qs_shred_leaf(&job->shred),
                                .proof = in[job->in].data + job->shred.layout->proof_off};
        r->claimer[r->claim_cnt++] = i;
    }
    u32 put_off = keep_claims(r);
    r->first_open = put_off < first ? put_off : first;
    return r->first_open < r->job_cnt;
}

/* hash_claims hashes the leaves of the claims. */
static void
hash_claims(qs_resolver_t *r, qs_resolver_in_t const *in)
{
    qs_merkle_text_t text[QS_MERKLE_CLAIM_MAX];
    qs_merkle_hash_t leaf[QS_MERKLE_CLAIM_MAX];
    u32 cnt = 0;
    for (u32 i = 0; i < r->claim_cnt; i++)
        if (!r->job[r->claimer[i]].hashed)
            text[cnt++] = text_of(&r->job[r->claimer[i]], in);
    qs_merkle_leaves(leaf, text, cnt);
    for (u32 i = r->claim_cnt; i--;) {
        qs_job_t const *job = &r->job[r->claimer[i]];
        r->claim[i].leaf = job->hashed ? job->leaf : leaf[--cnt];
    }
}

/* check_claims keeps the claims that are right, in order. */
static void
check_claims(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out)
{
    u32 right = 0;
    hash_claims(r, in);
    qs_merkle_check(r->claim, r->claim_cnt);
    for (u32 i = 0; i < r->claim_cnt; i++) {
        if (r->claim[i].right)
            r->claimer[right++] = r->claimer[i];
        else
            close_job(r, out, &r->job[r->claimer[i]], QS_RESOLVER_R_SIGNATURE);
    }
    r->claim_cnt = right;
}

/* check_senders verifies retransmitters' signatures where the caller said who it must be. */
static void
check_senders(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out)
{
    r->item_cnt = 0;
    for (u32 i = 0; i < r->claim_cnt; i++) {
        qs_job_t *job = &r->job[r->claimer[i]];
        qs_resolver_in_t const *from = &in[job->in];
        job->item = QS_NONE;
        if (!from->signer || !job->shred.layout->resigned)
            continue;
        job->item = r->item_cnt++;
        r->item[job->item] =
            (qs_ed25519_item_t){.signature = from->data + job->shred.layout->resign_off,
                                .public_key = from->signer,
                                .msg = r->set[job->set].root,
                                .msg_sz = QS_SHRED_ROOT_SZ};
    }
    if (!r->item_cnt)
        return;
    qs_ed25519_verify_batch(r->verdict, r->item, r->item_cnt, QS_ED25519_STRICT);
    r->counts.signature_cnt += r->item_cnt;
    for (u32 i = 0; i < r->claim_cnt; i++) {
        qs_job_t *job = &r->job[r->claimer[i]];
        if (job->item != QS_NONE && r->verdict[job->item] != QS_ED25519_OK)
            close_job(r, out, job, QS_RESOLVER_R_RETRANSMITTER);
    }
}

/* check_member compares a proven shred with the rest of its set.  Only a leader can have made what
   does not fit. */
static u32
check_member(qs_resolver_t *r, qs_resolver_in_t const *in, qs_job_t const *job, qs_set_t *set)
{
    qs_shred_t const *s = &job->shred;
    if (s->layout->resigned != set->resigned || s->version != set->version ||
        memcmp(in->data + s->layout->chained_off, set->chained, QS_SHRED_ROOT_SZ)) {
        qs_resolver_flaw(r, set, QS_RESOLVER_R_FLAW_MEMBER, in->ns);
        return QS_RESOLVER_R_SET_MEMBER;
    }
    if (s->layout->code)
        return QS_RESOLVER_R_ADMITTED;
    if (set->has_parent && s->parent_off != set->parent_off) {
        qs_resolver_flaw(r, set, QS_RESOLVER_R_FLAW_MEMBER, in->ns);
        return QS_RESOLVER_R_SET_PARENT;
    }
    return qs_resolver_note_data(r, s, in->data, set->bucket);
}

/* admit puts a proven shred where it belongs, and completes its set if it is the 32nd. */
static void
admit(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, qs_job_t *job)
{
    qs_shred_t const *s = &job->shred;
    qs_set_t *set = &r->set[job->set];
    u32 leaf = qs_shred_leaf(s);
    u64 bit = 1ull << leaf;
    memcpy(out[job->in].root, set->root, QS_SHRED_ROOT_SZ);
    if (set->have & bit) {
        close_job(r, out, job, QS_RESOLVER_R_DUPLICATE);
        return;
    }
    u32 reason = check_member(r, in, job, set);
    if (reason == QS_RESOLVER_R_ADMITTED && set->state == QS_SET_DONE)
        reason = QS_RESOLVER_R_LATE;
    close_job(r, out, job, reason);
    if (reason != QS_RESOLVER_R_ADMITTED && reason != QS_RESOLVER_R_LATE)
        return;
    set->have |= bit;
    if (reason == QS_RESOLVER_R_LATE)
        return;

    qs_set_buf_t *b = &r->buf[set->buf];
    memcpy(s->layout->code ? b->code[s->pos] : b->data[leaf], in->data, s->layout->sz);
    if (!s->layout->code) {
        set->has_parent = true;
        set->parent_off = s->parent_off;
    }
    if (__builtin_popcountll(set->have) == QS_SHRED_SET_CNT)
        qs_resolver_complete(r, set, in->ns);
}

/* fetch_ahead fetches what will be looked at soon: headers first, and later whole shreds, for sixteen at
   a time are hashed, and the processor would not see so many streams coming (bench shred-tile). */
static void
fetch_ahead(qs_resolver_in_t const *in, u32 left)
{
    if (left > HEADER_AHEAD) {
        __builtin_prefetch(in[HEADER_AHEAD].data);
        __builtin_prefetch(in[HEADER_AHEAD].data + 64);
    }
    for (u32 at = 128; left > BODY_AHEAD && at < in[BODY_AHEAD].sz; at += 64)
        __builtin_prefetch(in[BODY_AHEAD].data + at, 0, 2);
}

void
qs_resolver_add(qs_resolver_t *r, qs_resolver_in_t const *in, qs_resolver_out_t *out, u32 cnt)
{
    QS_ASSERT(cnt <= QS_RESOLVER_BATCH_MAX);
    r->job_cnt = 0;
    for (u32 i = 0; i < cnt; i++) {
        fetch_ahead(in + i, cnt - i);
        filter(r, &in[i], out, i);
    }
    r->first_open = 0;
    open_jobs(r, in, out);
    for (bool more = true; more;) {
        more = take_claims(r, in, out);
        check_claims(r, in, out);
        check_senders(r, in, out);
        for (u32 i = 0; i < r->claim_cnt; i++) {
            qs_job_t *job = &r->job[r->claimer[i]];
            if (job->state == QS_JOB_CLAIMED)
                admit(r, &in[job->in], out, job);
        }
    }
}

/* Goal: recorded blocks come out as they were made: every root, every ledger byte, every shred, from
   all that was received and from any half of it.  Method: a capture of a live cluster, one of a real
   leader, and published shreds, against the values computed for them by another program; then the
   same with half of each set withheld: all data, all code, and 1,000 random choices. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "disco/shred/resolver_rig.h"
#include "tango/rand.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/crypto/qs_sha256.h"
#include "waltz/fec/qs_reedsol.h"
#include "waltz/shred_vectors.h"

#define LIVE "chained_resigned-FT9QgTVo375TgDAQusTgpsfXqTosCJLfrBpoVdcbnhtS.ar"

static rig_t rig, whole;
static vectors_t v;
static void *mem;

/* One leader leads 1000 slots from first on. */
static void
lead(char const *identity, u64 first)
{
    u8 key[32];
    cr_assert(eq(int, qs_base58_decode_32(key, identity, strlen(identity)), 0));
    qs_leaders_init(&rig.leaders, rig_memory(qs_leaders_footprint(1, 1000)), 1, 1000,
                    (qs_hash_key_t){1, 2});
    qs_leaders_epoch_t *e = qs_leaders_open(&rig.leaders);
    for (u32 i = 0; i < 1000; i++)
        cr_assert(eq(int, qs_leaders_set(&rig.leaders, e, i, key), 0));
    cr_assert(eq(int, qs_leaders_close(&rig.leaders, e, 0, first, 1000), 0));
}

static void
restart(u16 version)
{
    rig.config = (qs_resolver_config_t){.set_cnt = 128, .buf_cnt = 64, .slot_cnt = 32};
    rig.config.key = (qs_hash_key_t){3, 4};
    rig.config.filter = (qs_shred_filter_t){version, QS_SHRED_NO_ROOT, 0, QS_SHRED_IDX_LIMIT};
    if (!mem)
        mem = rig_memory(qs_resolver_footprint(&rig.config));
    rig.resolver = qs_resolver_init(mem, &rig.config, &rig.leaders);
    rig.set_cnt = rig.equivocation_cnt = 0;
}

/* give_where gives all packets for which keep is true, up to 64 at a time. */
static void
give_where(bool const *keep)
{
    qs_resolver_in_t in[64] = {0};
    qs_resolver_out_t out[64];
    u32 cnt = 0;
    for (u32 i = 0; i < v.cnt; i++) {
        if (!keep || keep[i])
            in[cnt++] = (qs_resolver_in_t){.data = v.pkt[i].data, .sz = v.pkt[i].sz};
        if (cnt < 64 && i + 1 < v.cnt)
            continue;
        qs_resolver_add(rig.resolver, in, out, cnt);
        rig_pop(&rig);
        cnt = 0;
    }
}

static void
hex(char *out, u8 const *bytes, u32 sz)
{
    for (u32 i = 0; i < sz; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void
expect_hex(u8 const *bytes, json_t const *set, char const *name)
{
    char text[65];
    hex(text, bytes, 32);
    cr_assert(eq(str, text, (char *)json_string_value(json_object_get(set, name))), "%s", name);
}

/* check_bytes hashes a set's ledger bytes, and its 64 erasure shards, of which the code is made anew. */
static void
check_bytes(rig_set_t *got, json_t const *want)
{
    static u8 code[32][1228];
    u8 *shard[64], digest[32];
    qs_shred_layout_t const *l = qs_shred_layout(got->data[0][64]);
    qs_sha256_t payload, shards;
    qs_sha256_init(&payload);
    qs_sha256_init(&shards);
    for (u32 i = 0; i < 32; i++) {
        shard[i] = got->data[i] + 64;
        shard[32 + i] = code[i];
        qs_sha256_append(&payload, got->data[i] + 88, qs_load_le16(got->data[i] + 86) - 88u);
    }
    qs_reedsol_encode(shard, l->erasure_sz);
    for (u32 i = 0; i < 64; i++)
        qs_sha256_append(&shards, shard[i], l->erasure_sz);
    qs_sha256_fini(&payload, digest);
    expect_hex(digest, want, "payload_sha256");
    qs_sha256_fini(&shards, digest);
    expect_hex(digest, want, "erasure_shards_sha256");
}

static void
check_expected(char const *capture)
{
    u64 sz = 0;
    u8 *text = vector_file("shred/expected.json", &sz);
    json_t *all = json_loadb((char *)text, sz, 0, NULL), *want,
           *one = json_object_get(all, capture);
    u64 slot = (u64)json_integer_value(json_object_get(one, "slot"));
    size_t i;
    json_array_foreach(json_object_get(one, "sets"), i, want)
    {
        u32 cnt, fec_idx = (u32)json_integer_value(json_object_get(want, "fec_set_idx"));
        rig_set_t *got = rig_find(&rig, slot, fec_idx, &cnt);
        cr_assert(eq(u32, cnt, 1));
        expect_hex(got->head.root, want, "merkle_root");
        expect_hex(got->head.chained_root, want, "chained_root");
        check_bytes(got, want);
    }
    cr_assert(eq(u64, json_array_size(json_object_get(one, "sets")), rig.set_cnt));
    json_decref(all);
    free(text);
}

/* keep_halves keeps 32 random leaves of those that a capture has of each set; kind 0: data first, kind
   1: code first, as far as they go. */
static void
keep_halves(bool *keep, u32 kind, u64 *rng)
{
    static u32 left[VECTOR_PKT_MAX], need[VECTOR_PKT_MAX];
    static bool counted[VECTOR_PKT_MAX];
    static u64 seen[128]; /* (slot, set) by the order of appearance */
    static u64 have[128];
    static u16 set_of[VECTOR_PKT_MAX];
    u32 set_cnt = 0;
    memset(have, 0, sizeof(have));
    for (u32 i = 0; i < v.cnt; i++) {
        u8 const *d = v.pkt[i].data;
        u64 id = qs_load_le64(d + 65) << 20 | qs_load_le32(d + 79);
        u32 k = 0;
        while (k < set_cnt && seen[k] != id)
            k++;
        if (k == set_cnt) {
            seen[set_cnt++] = id;
            left[k] = 0;
            need[k] = 32;
        }
        bool code = (d[64] & 0xc0) == 0x40;
        u64 bit = 1ull << (code * 32 + qs_load_le32(d + 73) % 32);
        counted[i] = !(have[k] & bit); /* a repeat is not counted, and not given */
        have[k] |= bit;
        left[k] += counted[i];
        set_of[i] = (u16)k;
    }
    for (u32 pass = 0; pass < 2; pass++) {
        for (u32 i = 0; i < v.cnt; i++) {
            u32 k = set_of[i];
            bool code = (v.pkt[i].data[64] & 0xc0) == 0x40;
            if (!pass)
                keep[i] = false;
            if (!counted[i] || keep[i])
                continue;
            bool take = kind < 2 ? need[k] && (pass || code == (kind == 1))
                                 : !pass && rand_next(rng) % left[k] < need[k];
            left[k] -= kind >= 2 && !pass;
            keep[i] = take;
            need[k] -= take;
        }
    }
}

/* check_halves withholds, and expects the sets of `whole` again.  Of the random choices plain C, at 0.4 ms a
   set, makes a tenth: all of them take 23 s. */
static void
check_halves(u16 version)
{
    u32 choices = qs_sha256_kernel()->lanes == 1 ? 100 : 1000;
    static bool keep[VECTOR_PKT_MAX];
    u64 rng = version;
    whole = rig;
    for (u32 kind = 0; kind < 2 + choices; kind++) {
        keep_halves(keep, kind, &rng);
        restart(version);
        give_where(keep);
        cr_assert(eq(u32, rig.set_cnt, whole.set_cnt), "choice %u", kind);
        for (u32 i = 0; i < whole.set_cnt; i++) {
            u32 cnt;
            rig_set_t const *want = &whole.set[i];
            rig_set_t const *got = rig_find(&rig, want->head.slot, want->head.fec_idx, &cnt);
            cr_assert(eq(u32, cnt, 1));
            cr_assert(eq(int, memcmp(got->head.root, want->head.root, 64), 0));
            u32 same = qs_shred_signed_sz(qs_shred_layout(want->data[0][64]));
            for (u32 k = 0; k < 32; k++)
                cr_assert(eq(int, memcmp(got->data[k], want->data[k], same), 0));
        }
    }
}

static u64
count(u32 reason)
{
    return qs_resolver_counts(rig.resolver)->reason[reason];
}

Test(resolver_vectors, published_shreds, .timeout = 120)
{
    if (!vector_pcap(&v, "shred/demo-shreds.pcap", 0))
        return;
    lead("4rBaC4tZ4bd7fDGQpWpesBSmgqYmMzkASuZsZkbHCrBK", 0);
    restart(0); /* slot 0, no root known, no version known */
    give_where(NULL);
    cr_expect(eq(u32, qs_resolver_version(rig.resolver), 6051));
    check_expected("demo-shreds.pcap");
    cr_expect(eq(u64, count(QS_RESOLVER_R_ADMITTED), 256));
    cr_expect(eq(u64, count(QS_RESOLVER_R_LATE), 256));
    cr_expect(eq(u64, qs_resolver_counts(rig.resolver)->signature_cnt, 8));
    check_halves(6051);
}

Test(resolver_vectors, a_live_clusters_slot, .timeout = 120)
{
    if (!vector_ar(&v, "shred/" LIVE))
        return;
    lead("FT9QgTVo375TgDAQusTgpsfXqTosCJLfrBpoVdcbnhtS", 385970984);
    restart(27350);
    give_where(NULL);
    check_expected(LIVE);
    cr_expect(eq(u64, count(QS_RESOLVER_R_DUPLICATE), 16));
    cr_expect(eq(u64, count(QS_RESOLVER_R_ADMITTED) + count(QS_RESOLVER_R_LATE), 307 - 16));
    check_halves(27350);
}

/* A real leader's slots: each set names the one before it, and the last is the block's id. */
static void
check_leader(char const *capture, u32 set_cnt, char const *const ids[][2])
{
    if (!vector_pcap(&v, capture, 8003))
        return;
    lead("66TR694VSBY6NtY7YK4mFwWePL3EAEdspA7szEYLYdEr", 0);
    restart(41383);
    give_where(NULL);
    cr_assert(eq(u32, rig.set_cnt, set_cnt));
    cr_expect(eq(u64, count(QS_RESOLVER_R_ADMITTED), 32 * set_cnt));
    cr_expect(eq(u64, count(QS_RESOLVER_R_LATE), 32 * set_cnt));
    u32 chained = 0, found = 0;
    for (u32 i = 0; i < set_cnt; i++) {
        qs_fec_set_t const *h = &rig.set[i].head;
        chained += (h->flags & QS_FEC_CHAINED) != 0;
        char text[65], slot[21];
        hex(text, h->root, 32);
        sprintf(slot, "%lu", h->slot);
        for (u32 k = 0; k < 2 && h->flags & QS_FEC_LAST_SLOT; k++)
            found += !strcmp(slot, ids[k][0]) && !strcmp(text, ids[k][1]);
    }
    cr_expect(eq(u32, found, 2));
    cr_expect(eq(u32, chained, set_cnt - 1)); /* all but the very first */
    check_halves(41383);
}

Test(resolver_vectors, a_leaders_boot, .timeout = 120)
{
    static char const *const ids[2][2] = {
        {"1", "d2d014c7e7ce2b961aa54b5f73420f56e5fe03b28c58c83b1e655f8170701b75"},
        {"8", "ed21ed93cbdc4d246bea7c25bc8186ea2862ccf71d9bd050170391665b9ef84c"}};
    check_leader("live-leader/boot.pcap", 16, ids);
}

Test(resolver_vectors, a_leaders_blocks, .timeout = 120)
{
    static char const *const ids[2][2] = {
        {"57", "2e5d6101522ea15c6579016b3c5cc9fb876ae8d00fefea96ad8b4f4d3761a63f"},
        {"78", "541a97a208ec20d118a735d929bca93f4f24fd857c9337075c9207098ff3dcd0"}};
    check_leader("live-leader/leader.pcap", 54, ids);
}

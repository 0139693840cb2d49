/* Goal: the schedule is the one that every node of the cluster draws, a slot without a known leader has
   none, and each way in which a schedule can be wrong is refused by its own reason.  Method: a
   second, slow drawing made straight from the specification over libsodium's ChaCha20; mainnet's
   epoch 454, all 432000 slots; every JSON form with its faults, one at a time. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>
#include <unistd.h>

#include "disco/shred/qs_leaders_json.h"
#include "tango/rand.h"
#include "waltz/codec/qs_base58.h"
#include "waltz/shred_vectors.h"

#define IDENT_MAX 4096u
#define SLOT_MAX  (1u << 20)

static qs_leaders_t leaders;
static qs_leaders_stake_t stake[4096];

static void
start(void)
{
    void *mem = NULL;
    cr_assert(
        eq(int, posix_memalign(&mem, QS_ALIGN, qs_leaders_footprint(IDENT_MAX, SLOT_MAX)), 0));
    qs_leaders_init(&leaders, mem, IDENT_MAX, SLOT_MAX, (qs_hash_key_t){1, 2});
}

TestSuite(leaders, .init = start);
TestSuite(leaders_json, .init = start);

/* The specification's words, one to one. */
static void
draw_slowly(u32 *out, u64 slot_cnt, u64 epoch, qs_leaders_stake_t const *s, u32 cnt)
{
    u8 key[32] = {0}, nonce[8] = {0};
    u8 *stream = malloc(8 * slot_cnt * 2);
    memcpy(key, &epoch, 8);
    crypto_stream_chacha20(stream, 8 * slot_cnt * 2, nonce, key);
    u64 total = 0, at = 0;
    for (u32 i = 0; i < cnt; i++)
        total += s[i].stake;
    for (u64 i = 0; i < slot_cnt; i++) {
        if (i % 4) {
            out[i] = out[i - 1];
            continue;
        }
        u64 zone = UINT64_MAX - (UINT64_MAX - total + 1) % total, v;
        do
            v = qs_load_le64(stream + 8 * at++);
        while ((u64)((u128)v * total) > zone);
        u64 x = (u64)((u128)v * total >> 64), sum = 0;
        for (out[i] = 0; (sum += s[out[i]].stake) <= x;)
            out[i]++;
    }
    free(stream);
}

static void
make_stakes(u32 cnt, u64 unit)
{
    u64 rng = cnt;
    for (u32 i = 0; i < cnt; i++) {
        for (u32 k = 0; k < 32; k += 8) {
            u64 x = rand_next(&rng);
            memcpy(stake[i].key + k, &x, 8);
        }
        memcpy(stake[i].ident, stake[i].key, 32);
        stake[i].ident[0] ^= 1;
        stake[i].stake = unit * (1 + rand_next(&rng) % 50); /* many equal ones */
    }
}

Test(leaders, the_schedule_is_what_the_specification_says)
{
    static u32 want[4002];
    for (u32 cnt = 1; cnt < 600; cnt += 149) {
        make_stakes(cnt, cnt & 1 ? 1 : 1ull << 50);
        u64 epoch = 7 * cnt, first = 1000;
        cr_assert(eq(int, qs_leaders_compute(&leaders, epoch, first, 4002, stake, cnt), 0));
        draw_slowly(want, 4002, epoch, stake, cnt); /* sorted by now */
        for (u64 i = 0; i < 4002; i++) {
            u8 const *got = qs_leaders_find(&leaders, first + i);
            cr_assert(got && !memcmp(got, stake[want[i]].ident, 32), "%u stakes, slot %lu", cnt, i);
        }
    }
}

Test(leaders, stakes_are_sorted_by_stake_and_then_by_key_largest_first)
{
    make_stakes(500, 1);
    cr_assert(eq(int, qs_leaders_compute(&leaders, 0, 0, 32, stake, 500), 0));
    for (u32 i = 1; i < 500; i++)
        cr_assert(stake[i - 1].stake > stake[i].stake ||
                  (stake[i - 1].stake == stake[i].stake &&
                   memcmp(stake[i - 1].key, stake[i].key, 32) > 0));
}

Test(leaders, who_has_no_stake_or_stands_there_twice_changes_nothing)
{
    static u8 before[400][32];
    make_stakes(50, 5);
    cr_assert(eq(int, qs_leaders_compute(&leaders, 1, 0, 400, stake, 50), 0));
    for (u32 i = 0; i < 400; i++)
        memcpy(before[i], qs_leaders_find(&leaders, i), 32);
    make_stakes(50, 5);
    stake[50] = stake[10];
    stake[51] = (qs_leaders_stake_t){.key = {9}, .ident = {9}};
    cr_assert(eq(int, qs_leaders_compute(&leaders, 1, 0, 400, stake, 52), 0));
    for (u32 i = 0; i < 400; i++)
        cr_assert(eq(int, memcmp(before[i], qs_leaders_find(&leaders, i), 32), 0));
}

Test(leaders, a_stake_sum_of_nothing_or_beyond_64_bits_is_refused)
{
    make_stakes(3, 1);
    cr_expect(eq(int, qs_leaders_compute(&leaders, 0, 0, 32, stake, 0), QS_LEADERS_R_STAKE_ZERO));
    stake[0].stake = stake[1].stake = stake[2].stake = 0;
    cr_expect(eq(int, qs_leaders_compute(&leaders, 0, 0, 32, stake, 3), QS_LEADERS_R_STAKE_ZERO));
    stake[0].stake = UINT64_MAX;
    cr_expect(eq(int, qs_leaders_compute(&leaders, 0, 0, 32, stake, 3), QS_LEADERS_R_OK));
    stake[1].stake = 1;
    cr_expect(
        eq(int, qs_leaders_compute(&leaders, 0, 0, 32, stake, 3), QS_LEADERS_R_STAKE_OVERFLOW));
}

Test(leaders, a_slot_of_an_epoch_that_is_not_loaded_has_no_leader)
{
    make_stakes(3, 1);
    cr_expect(eq(ptr, (void *)qs_leaders_find(&leaders, 0), NULL));
    cr_assert(eq(int, qs_leaders_compute(&leaders, 5, 320, 64, stake, 3), 0));
    u64 const unknown[] = {0, 319, 384, 1ull << 40, UINT64_MAX};
    for (u32 i = 0; i < QS_COUNT(unknown); i++)
        cr_expect(eq(ptr, (void *)qs_leaders_find(&leaders, unknown[i]), NULL));
    cr_expect(ne(ptr, (void *)qs_leaders_find(&leaders, 320), NULL));
    cr_expect(ne(ptr, (void *)qs_leaders_find(&leaders, 383), NULL));
}

Test(leaders, the_newest_epochs_are_kept_and_the_oldest_goes)
{
    make_stakes(3, 1);
    for (u64 epoch = 10; epoch < 10 + QS_LEADERS_EPOCH_CNT; epoch++)
        cr_assert(eq(int, qs_leaders_compute(&leaders, epoch, epoch * 32, 32, stake, 3), 0));
    cr_expect(ne(ptr, (void *)qs_leaders_find(&leaders, 320), NULL));
    cr_assert(eq(int, qs_leaders_compute(&leaders, 20, 640, 32, stake, 3), 0));
    cr_expect(eq(ptr, (void *)qs_leaders_find(&leaders, 320), NULL));
    cr_expect(ne(ptr, (void *)qs_leaders_find(&leaders, 11 * 32), NULL));
    cr_expect(ne(ptr, (void *)qs_leaders_find(&leaders, 640), NULL));
}

Test(leaders, footprint_refuses_what_has_no_bound)
{
    cr_expect(eq(u64, qs_leaders_footprint(0, 32), 0));
    cr_expect(eq(u64, qs_leaders_footprint(1, 0), 0));
    cr_expect(eq(u64, qs_leaders_footprint(65536, 32), 0));
    cr_expect(eq(u64, qs_leaders_footprint(1, QS_LEADERS_SLOT_MAX + 1), 0));
    cr_expect(ne(u64, qs_leaders_footprint(65535, QS_LEADERS_SLOT_MAX), 0));
}

Test(leaders, mainnet_epoch_454_has_all_its_432000_leaders)
{
    u64 sz = 0, idx_sz = 0, key_sz = 0;
    u8 *stakes = vector_file("leaders/epoch-stakes-454.bin", &sz);
    u8 *idx = vector_file("leaders/epoch-leaders-idx-454.bin", &idx_sz);
    u8 *keys = vector_file("leaders/epoch-leaders-454.bin", &key_sz);
    if (!stakes || !idx || !keys)
        return;
    u32 cnt = (u32)(sz / 40);
    for (u32 i = 0; i < cnt; i++) {
        memcpy(stake[cnt - 1 - i].key, stakes + 40 * i, 32); /* in the wrong order */
        memcpy(stake[cnt - 1 - i].ident, stakes + 40 * i, 32);
        stake[cnt - 1 - i].stake = qs_load_le64(stakes + 40 * i + 32);
    }
    u64 first = 196128000;
    cr_assert(eq(int, qs_leaders_compute(&leaders, 454, first, 432000, stake, cnt), 0));
    cr_assert(eq(u64, idx_sz, 432000 * 4));
    for (u64 i = 0; i < 432000; i++) {
        u8 const *want = stakes + 40ull * qs_load_le32(idx + 4 * i);
        cr_assert(eq(int, memcmp(qs_leaders_find(&leaders, first + i), want, 32), 0), "slot %lu",
                  i);
        if (32 * i < key_sz)
            cr_assert(eq(int, memcmp(want, keys + 32 * i, 32), 0));
    }
}

Test(epoch, slots_and_epochs_fit_together_with_and_without_warmup)
{
    for (u32 warmup = 0; warmup < 2; warmup++) {
        qs_epoch_t s = qs_epoch_derive(8192, warmup);
        u64 slot = 0;
        cr_assert(qs_epoch_valid(&s));
        for (u64 epoch = 0; epoch < 12; epoch++) {
            cr_assert(eq(u64, qs_epoch_first_slot(&s, epoch), slot));
            for (u64 i = 0; i < qs_epoch_slot_cnt(&s, epoch); i++, slot++) {
                u64 idx;
                cr_assert(eq(u64, qs_epoch_of(&s, slot, &idx), epoch));
                cr_assert(eq(u64, idx, i));
            }
        }
    }
    qs_epoch_t mainnet = qs_epoch_derive(432000, false), testnet = qs_epoch_derive(432000, true);
    cr_expect(eq(u64, qs_epoch_first_slot(&mainnet, 454), 196128000));
    cr_expect(eq(u64, testnet.first_normal_epoch, 14));
    cr_expect(eq(u64, testnet.first_normal_slot, 524256));
    cr_expect(eq(u64, qs_epoch_first_slot(&mainnet, UINT64_MAX), UINT64_MAX));
}

Test(epoch, an_epoch_schedule_that_contradicts_itself_is_refused)
{
    static struct {
        char const *text;
        qs_leaders_reason_t want;
    } const cases[] = {
#define SCHEDULE(slots, warmup, epoch, slot)                                                       \
    "{\"slotsPerEpoch\":" slots ",\"leaderScheduleSlotOffset\":9,\"warmup\":" warmup               \
    ",\"firstNormalEpoch\":" epoch ",\"firstNormalSlot\":" slot "}"
        {SCHEDULE("432000", "false", "0", "0"), QS_LEADERS_R_OK},
        {"{\"jsonrpc\":\"2.0\",\"result\":" SCHEDULE("8192", "true", "8", "8160") ",\"id\":1}",
         QS_LEADERS_R_OK},
        {SCHEDULE("31", "false", "0", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("-1", "false", "0", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("432000.5", "false", "0", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("432000", "0", "0", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("432000", "false", "14", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("432000", "false", "0", "524256"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("432000", "true", "0", "0"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {SCHEDULE("8192", "true", "8", "8192"), QS_LEADERS_R_EPOCH_SCHEDULE},
        {"{\"error\":{\"code\":-32601}}", QS_LEADERS_R_RPC_ERROR},
        {"{}", QS_LEADERS_R_FORM},
        {"[", QS_LEADERS_R_JSON},
    };
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        qs_epoch_t s;
        qs_leaders_reason_t got = qs_epoch_json_parse(&s, cases[i].text, strlen(cases[i].text));
        cr_expect(eq(str, (char *)qs_leaders_reason_name(got),
                     (char *)qs_leaders_reason_name(cases[i].want)),
                  "%s", cases[i].text);
    }
}

/* Identities of 32 equal bytes. */
#define A "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi"
#define B "8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"
#define Z "11111111111111111111111111111111"

static qs_leaders_json_t json;

static qs_leaders_reason_t
load(char const *text)
{
    return qs_leaders_json_parse(&leaders, &json, text, strlen(text));
}

static void
expect_leader(u64 slot, u8 byte)
{
    u8 want[32];
    memset(want, byte, sizeof(want));
    u8 const *got = qs_leaders_find(&leaders, slot);
    cr_expect(got && !memcmp(got, want, 32), "slot %lu", slot);
}

Test(leaders_json, identities_of_this_test_are_1_and_2)
{
    char text[QS_BASE58_32_MAX];
    u8 key[32];
    memset(key, 1, 32);
    qs_base58_encode_32(text, key);
    cr_assert(eq(str, text, A));
    memset(key, 2, 32);
    qs_base58_encode_32(text, key);
    cr_assert(eq(str, text, B));
}

#define MAP "{\"" A "\":[0,1,2,3,8,9,10,11],\"" B "\":[4,5,6,7]}"

Test(leaders_json, every_form_is_read)
{
    static char const *const forms[] = {
        MAP,
        " { \"jsonrpc\" : \"2.0\", \"result\" : " MAP " , \"id\" : 1 } \n",
        "{\"id\":1,\"result\":" MAP ",\"error\":null,\"jsonrpc\":\"2.0\"}",
        "[\"" A "\",\"" A "\",\"" A "\",\"" A "\",\"" B "\",\"" B "\",\"" B "\",\"" B "\",\"" A
        "\",\"" A "\",\"" A "\",\"" A "\"]",
    };
    for (u32 i = 0; i < QS_COUNT(forms); i++) {
        json.epoch = i; /* i * 12 is its first slot, since it covers 12 */
        cr_assert(eq(int, load(forms[i]), 0), "%s: %s", forms[i],
                  qs_leaders_reason_text(load(forms[i])));
        cr_assert(eq(u64, json.loaded->slot_cnt, 12));
        expect_leader(12 * i, 1);
        expect_leader(12 * i + 7, 2);
        expect_leader(12 * i + 11, 1);
        cr_expect(eq(ptr, (void *)qs_leaders_find(&leaders, 12 * i + 12), NULL));
    }
}

#define E(slot, id)        "{\"slot\":" #slot ",\"leader\":\"" id "\"}"
#define E4(a, b, c, d, id) E(a, id) "," E(b, id) "," E(c, id) "," E(d, id)
#define CLI(epoch, list)   "{\"epoch\":" epoch ",\"leaderScheduleEntries\":[" list "]}"

Test(leaders_json, absolute_slots_are_read_and_lie_in_their_epoch)
{
    cr_assert(eq(int, load(CLI("3", E4(12, 13, 14, 15, A))), 0));
    expect_leader(12, 1);
    expect_leader(15, 1);
    cr_expect(eq(u64, json.loaded->epoch, 3));
    cr_expect(eq(int, load(CLI("3", E4(16, 17, 18, 19, A))), QS_LEADERS_R_EPOCH));
    cr_expect(eq(int, load(CLI("3", E4(12, 13, 14, 11, A))), QS_LEADERS_R_EPOCH));

    qs_epoch_t schedule = qs_epoch_derive(32, false);
    json.schedule = &schedule;
    cr_expect(eq(int, load(CLI("3", E4(12, 13, 14, 15, A))), QS_LEADERS_R_EPOCH));
    cr_expect(eq(int, load(CLI("3", E4(96, 97, 98, 99, A))), QS_LEADERS_R_SLOT_MISSING));
    cr_expect(eq(int, load(CLI("3", E(96, A) "," E(128, A))), QS_LEADERS_R_EPOCH));
}

Test(leaders_json, the_epoch_before_or_after_its_slots_and_warm_up_are_understood)
{
    static char text[65536];
    char *at = stpcpy(text, "{\"leaderScheduleEntries\":[");
    for (u32 i = 0; i < 64; i++)
        at += sprintf(at, "%s{\"slot\":%u,\"leader\":\"" A "\"}", i ? "," : "", 32 + i);
    stpcpy(at, "],\"epoch\":1}");
    cr_assert(eq(int, load(text), 0)); /* epoch 1 of a warm-up has slots 32 to 95 */
    expect_leader(32, 1);
    expect_leader(95, 1);
}

#define VOTE(vote, node, stake)                                                                    \
    "{\"votePubkey\":\"" vote "\",\"nodePubkey\":\"" node "\",\"activatedStake\":" stake           \
    ",\"commission\":5,\"epochCredits\":[[1,2,3]],\"new\":{\"a\":[1.5,null]}}"
#define VOTES(a, b) "{\"current\":[" a "],\"delinquent\":[" b "]}"

Test(leaders_json, vote_accounts_give_the_schedule_that_their_stakes_draw)
{
    static u32 want[64];
    qs_leaders_stake_t by_hand[2] = {{.stake = 9007199254740993}, {.stake = 5}};
    qs_epoch_t schedule = qs_epoch_derive(64, false);
    json = (qs_leaders_json_t){.epoch = 2, .schedule = &schedule};
    json.stake = stake, json.stake_max = 2;
    cr_assert(eq(int, load(VOTES(VOTE(B, A, "5"), VOTE(A, B, "9007199254740993"))), 0));
    cr_assert(eq(u32, json.stake_cnt, 2));
    draw_slowly(want, 64, 2, by_hand, 2);
    for (u32 i = 0; i < 64; i++)
        expect_leader(128 + i, want[i] ? 1 : 2); /* who leads is the node, not the account */
    cr_expect(eq(int, load(VOTES(VOTE(B, A, "5") "," VOTE(A, A, "1"), VOTE(A, B, "9"))),
                 QS_LEADERS_R_TOO_MANY));
}

Test(leaders_json, each_fault_has_its_reason)
{
    static struct {
        char const *text;
        qs_leaders_reason_t want;
    } const cases[] = {
        {"", QS_LEADERS_R_JSON},
        {"{", QS_LEADERS_R_JSON},
        {"true", QS_LEADERS_R_JSON},
        {MAP "x", QS_LEADERS_R_JSON},
        {"{\"" A "\":[0,1,2,3],\"" A "\":[0]}", QS_LEADERS_R_SLOT_TWICE},
        {"null", QS_LEADERS_R_EMPTY},
        {"{}", QS_LEADERS_R_EMPTY},
        {"[]", QS_LEADERS_R_EMPTY},
        {"{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":1}", QS_LEADERS_R_EMPTY},
        {"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602},\"id\":1}", QS_LEADERS_R_RPC_ERROR},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", QS_LEADERS_R_FORM},
        {"{\"result\":{\"result\":" MAP "}}", QS_LEADERS_R_FORM},
        {"{\"absoluteSlot\":1,\"epoch\":2}", QS_LEADERS_R_FORM},
        {"{\"abc\":[0]}", QS_LEADERS_R_KEY},
        {"{\"" A "11\":[0]}", QS_LEADERS_R_KEY},
        {"{\"\":[0]}", QS_LEADERS_R_KEY},
        {"{\"" Z "\":[0,1,2,3]}", QS_LEADERS_R_KEY_ZERO},
        {"[\"" Z "\"]", QS_LEADERS_R_KEY_ZERO},
        {"[1]", QS_LEADERS_R_KEY},
        {"{\"" A "\":[-1]}", QS_LEADERS_R_SLOT_TYPE},
        {"{\"" A "\":[0.5]}", QS_LEADERS_R_SLOT_TYPE},
        {"{\"" A "\":[1.0]}", QS_LEADERS_R_SLOT_TYPE},
        {"{\"" A "\":[\"1\"]}", QS_LEADERS_R_SLOT_TYPE},
        {"{\"" A "\":[0,1,2,3],\"" B "\":[3]}", QS_LEADERS_R_SLOT_TWICE},
        {"{\"" A "\":[0,0]}", QS_LEADERS_R_SLOT_TWICE},
        {"{\"" A "\":[0,1,2,3,5,6,7]}", QS_LEADERS_R_SLOT_MISSING},
        {"{\"" A "\":[1,2,3]}", QS_LEADERS_R_SLOT_MISSING},
        {"{\"" A "\":[0,1],\"" B "\":[2,3]}", QS_LEADERS_R_GROUP},
        {"{\"" A "\":[1048576]}", QS_LEADERS_R_TOO_MANY},
        {"{\"" A "\":[9223372036854775808]}", QS_LEADERS_R_JSON},
        {VOTES(VOTE(A, A, "1"), VOTE(A, B, "2")), QS_LEADERS_R_VOTE_TWICE},
        {VOTES(VOTE(A, A, "0"), VOTE(B, B, "0")), QS_LEADERS_R_STAKE_ZERO},
        {VOTES("", ""), QS_LEADERS_R_STAKE_ZERO},
        {VOTES(VOTE(A, A, "9223372036854775807") "," VOTE(B, B, "9223372036854775807"),
               VOTE("CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8", B, "2")),
         QS_LEADERS_R_STAKE_OVERFLOW},
        {VOTES(VOTE(A, A, "1.5"), ""), QS_LEADERS_R_STAKE_TYPE},
        {VOTES(VOTE(A, A, "\"7\""), ""), QS_LEADERS_R_STAKE_TYPE},
        {VOTES(VOTE(A, A, "-7"), ""), QS_LEADERS_R_STAKE_TYPE},
        {VOTES(VOTE(A, Z, "7"), ""), QS_LEADERS_R_KEY_ZERO},
        {VOTES(VOTE("x", A, "7"), ""), QS_LEADERS_R_KEY},
        {CLI("0", "{\"slot\":0}"), QS_LEADERS_R_KEY},
        {CLI("0", "{\"leader\":\"" A "\"}"), QS_LEADERS_R_SLOT_TYPE},
        {CLI("0", "[0]"), QS_LEADERS_R_SLOT_TYPE},
        {CLI("0", ""), QS_LEADERS_R_EMPTY},
        {CLI("-1", E(0, A)), QS_LEADERS_R_EPOCH},
    };
    json.stake = stake, json.stake_max = 4096;
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        qs_leaders_reason_t got = load(cases[i].text);
        cr_expect(eq(str, (char *)qs_leaders_reason_name(got),
                     (char *)qs_leaders_reason_name(cases[i].want)),
                  "%s", cases[i].text);
        cr_expect(eq(ptr, (void *)qs_leaders_find(&leaders, 0), NULL), "%s", cases[i].text);
    }
}

Test(leaders_json, with_a_known_epoch_schedule_the_text_must_cover_exactly_its_slots)
{
    qs_epoch_t schedule = qs_epoch_derive(32, false);
    static char text[4096];
    json.schedule = &schedule;
    for (u32 cnt = 31; cnt <= 33; cnt++) {
        char *at = stpcpy(text, "{\"" A "\":[0");
        for (u32 i = 1; i < cnt; i++)
            at += sprintf(at, ",%u", i);
        stpcpy(at, "]}");
        cr_expect(eq(int, load(text),
                     cnt == 31   ? QS_LEADERS_R_SLOT_MISSING
                     : cnt == 32 ? QS_LEADERS_R_OK
                                 : QS_LEADERS_R_SLOT_RANGE));
    }
    schedule.slots_per_epoch = 16;
    cr_expect(eq(int, load(text), QS_LEADERS_R_EPOCH_SCHEDULE));
}

Test(leaders_json, a_value_larger_than_the_heap_it_may_have_is_refused)
{
    u64 cnt = 2u << 20;
    char *text = malloc(2 * cnt + 64);
    char *at = stpcpy(text, "{\"" A "\":[");
    for (u64 i = 0; i < cnt; i++)
        at = stpcpy(at, "0,");
    stpcpy(at, "0]}");
    cr_expect(eq(int, load(text), QS_LEADERS_R_TOO_BIG));
    cr_expect(eq(int, load(MAP), QS_LEADERS_R_OK)); /* and the next one finds it empty */
    cr_expect(eq(int, qs_leaders_json_parse(&leaders, &json, text, QS_LEADERS_JSON_SZ_MAX + 1),
                 QS_LEADERS_R_TOO_BIG));
    free(text);
}

Test(leaders_json, a_file_is_read_and_a_missing_one_is_said_to_be)
{
    char path[] = "/tmp/qs_leaders_XXXXXX";
    int fd = mkstemp(path);
    cr_assert(eq(i64, write(fd, MAP, strlen(MAP)), (i64)strlen(MAP)));
    close(fd);
    cr_expect(eq(int, qs_leaders_json_read(&leaders, &json, path), QS_LEADERS_R_OK));
    expect_leader(4, 2);
    unlink(path);
    cr_expect(eq(int, qs_leaders_json_read(&leaders, &json, path), QS_LEADERS_R_FILE));
    cr_expect(eq(int, qs_leaders_json_read(&leaders, &json, "/tmp"), QS_LEADERS_R_FILE));
}

Test(leaders_json, a_whole_epoch_of_mainnet_size_is_read_in_every_form)
{
    u64 cnt = 432000;
    char *text = malloc(cnt * 100);
    char *at = stpcpy(text, "{\"" A "\":[0");
    for (u64 i = 1; i < cnt; i++)
        at += sprintf(at, ",%lu", i);
    stpcpy(at, "]}");
    json.epoch = 454;
    cr_expect(eq(int, load(text), QS_LEADERS_R_OK));
    expect_leader(196128000, 1);
    expect_leader(196128000 + 431999, 1);
    at = stpcpy(text, "{\"epoch\":455,\"leaderScheduleEntries\":[");
    for (u64 i = 0; i < cnt; i++)
        at += sprintf(at, "%s{\"slot\":%lu,\"leader\":\"%s\"}", i ? "," : "", 196560000 + i, B);
    stpcpy(at, "]}");
    cr_expect(eq(int, load(text), QS_LEADERS_R_OK));
    expect_leader(196560000, 2);
    free(text);
}

Test(leaders_json, every_reason_has_a_name_of_its_own)
{
    for (u32 i = 0; i < QS_LEADERS_REASON_CNT; i++)
        for (u32 k = 0; k < i; k++)
            cr_assert(ne(int, strcmp(qs_leaders_reason_name(i), qs_leaders_reason_name(k)), 0));
}

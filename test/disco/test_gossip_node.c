/* Goal: nodes that know one entrypoint find each other, new values reach all within a second, who goes is
   forgotten and who comes back is found; and of hostile input each kind is counted under its own name
   and changes nothing.
   Method: whole clusters in this process, with real messages and signatures, in simulated time.

   The rows of the spec's list of bad input (§15), and where each is tested; T: this file.

       1 2 4             test_gossip, no_sample_is_accepted_when_it_is_cut_or_lengthened
       3 5-12 14 15 17   test_gossip, one_wrong_field_is_refused_for_its_own_reason (each with its row), as
       25 26 35 37-42      are these
       44-48 60-62
       13                test_gossip, a_pull_request_of_another_value_than_a_contact_is_refused
       16                test_gossip, a_bit_vector_has_no_more_bits_than_words
       18 19             T, a_filter_without_bits_or_keys_or_with_a_wrong_count_is_answered; test_bloom
       20-24 33 34       T, hostile_pull_requests_..., of values: hostile_contact_infos_..., no_signature_...
       27-29             T, prunes_are_obeyed_in_both_forms_and_only_for_us_now_and_signed
       30                T, a_prune_of_our_own_values_is_skipped
       31 32             T, hostile_pings_and_pongs_are_named; test_ping
       36 51-54 57       T, hostile_contact_infos_are_named_and_not_believed
       43                test_gossip, deflated_slots_are_passed_on_and_never_inflated
       49                test_gossip, ports_of_a_contact_add_up_to_65535_at_most
       50                test_gossip, a_socket_nobody_can_send_to_is_as_good_as_absent
       55 58 59          T, values_of_strangers_and_repeats_are_named
       56                T, a_twin_that_began_later_is_noticed_only_when_it_has_our_key
       63                test_ip_echo; both sides over TCP: test_echo, e2e/test_gossip.sh
       64                T, what_was_refused_or_replaced_is_not_pulled_again; test_crds_table */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/gossip_net.h"

static net_t net;

static void
end(void)
{
    net_close(&net);
}

TestSuite(gossip_node, .fini = end);

static u64
event(u32 node, qs_gossip_event_t e)
{
    return net.at[node].node.counts.event[e];
}

Test(gossip_node, four_nodes_see_each_other_within_five_seconds)
{
    net_open(&net, 1);
    for (u32 i = 1; i < 4; i++) {
        net_run(&net, 300);
        net_add(&net);
    }
    net_run(&net, 5000);
    cr_assert(eq(u32, net_known_pairs(&net), 16));
    for (u32 i = 0; i < 4; i++)
        for (u32 r = 1; r < QS_GOSSIP_REASON_CNT; r++)
            cr_assert(eq(u64, net.at[i].node.counts.refused[r], 0), "node %u refused: %s", i,
                      qs_gossip_reason_name(r));
}

Test(gossip_node, a_new_value_is_everywhere_within_a_second)
{
    u8 data[200];

    net_open(&net, 6);
    net_run(&net, 8000);
    cr_assert(eq(u32, net_known_pairs(&net), 36));
    u32 sz = qs_crds_write_lowest_slot(data, sizeof(data), net.at[5].node.conf.self.pubkey, 99,
                                       net.now_ms);
    cr_assert(qs_gossip_say(&net.at[5].node, data, sz, net.now_ms));
    net_run(&net, 1000);
    for (u32 i = 0; i < net.cnt; i++) {
        qs_crds_table_t *t = &net.at[i].node.table;
        u8 const *pk = net.at[5].node.conf.self.pubkey;
        u64 label = qs_crds_label(t, QS_CRDS_LOWEST_SLOT, 0, pk);
        cr_assert(ne(u32, qs_crds_find(t, label, QS_CRDS_LOWEST_SLOT, 0, pk), QS_CRDS_NONE), "%u",
                  i);
    }
}

Test(gossip_node, who_goes_is_forgotten_and_who_comes_back_is_found)
{
    u8 stranger[32] = {9};

    net_open(&net, 4);
    net_run(&net, 6000);
    for (u32 i = 0; i < 4; i++) /* as soon as there is stake somewhere, others have 15 s */
        qs_gossip_set_stake(&net.at[i].node, stranger, 1000 * QS_LAMPORTS_A_SOL, net.now_ms);
    net_run(&net, 30000);
    cr_assert(eq(u32, net_known_pairs(&net), 16), "those who stay are refreshed");
    net.at[2].up = false;
    net_run(&net, 20000);
    for (u32 i = 0; i < 4; i++)
        cr_assert(eq(int, net_knows(&net, i, 2), i == 2), "node %u", i);
    net.at[2].up = true;
    net_run(&net, 8000);
    cr_assert(eq(u32, net_known_pairs(&net), 16));
}

Test(gossip_node, twenty_nodes_converge_and_prune_what_comes_too_often)
{
    u64 pruned = 0;

    net_open(&net, 20);
    net_run(&net, 15000);
    cr_assert(eq(u32, net_known_pairs(&net), 400));
    for (u32 round = 0; round < 40; round++) {
        u8 data[200];
        u32 who = round % 3;
        u32 sz = qs_crds_write_lowest_slot(data, sizeof(data), net.at[who].node.conf.self.pubkey,
                                           round, net.now_ms);
        qs_gossip_say(&net.at[who].node, data, sz, net.now_ms);
        net_run(&net, 700);
    }
    for (u32 i = 0; i < 20; i++)
        pruned += event(i, QS_GOSSIP_ON_prune_taken);
    cr_assert(ne(u64, pruned, 0));
}

/* ---- hostile input, to node 0 of three that know each other ---- */

static u8 evil_secret[32] = {66}, evil_key[32];

static void
open_three(void)
{
    net_open(&net, 3);
    net_run(&net, 6000);
    cr_assert(eq(u32, net_known_pairs(&net), 9));
    qs_ed25519_public_key(evil_key, evil_secret);
}

static void
send_to_0(u32 src_ip, u16 src_port, u8 const *data, u32 sz)
{
    net_put(&net, src_ip, src_port, net.at[0].ip, net.at[0].port, data, sz);
    net_run(&net, 3);
}

static qs_contact_t
evil_contact(void)
{
    qs_contact_t c = {.wallclock = net.now_ms, .outset = 1, .shred_version = 4711};
    memcpy(c.pubkey, evil_key, 32);
    c.socket[QS_CONTACT_GOSSIP] = (qs_contact_socket_t){0x0a000063, 8001};
    return c;
}

/* value_of signs data with a secret. */
static u32
value_of(u8 *value, u8 const *data, u32 sz, u8 const secret[32])
{
    u8 key[32];
    qs_ed25519_public_key(key, secret);
    qs_ed25519_sign(value, data, sz, key, secret);
    memcpy(value + 64, data, sz);
    return 64 + sz;
}

static void
push_to_0(u8 const *value, u32 value_sz)
{
    u8 out[QS_GOSSIP_MTU];
    u32 sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PUSH, evil_key);
    sz = qs_gossip_add_value(out, sizeof(out), sz, value, value_sz);
    send_to_0(0x0a000063, 8001, out, sz);
}

static void
push_contact(qs_contact_t const *c, bool forge)
{
    u8 data[400], value[500];
    u32 sz = value_of(value, data, qs_contact_write(c, data, sizeof(data)), evil_secret);
    value[3] ^= forge;
    push_to_0(value, sz);
}

/* expect_event runs body and demands that exactly this one was counted once more, and that nobody new is
   believed. */
#define expect_event(e, body)                                                                      \
    do {                                                                                           \
        u64 before_ = event(0, QS_GOSSIP_ON_##e);                                                  \
        u32 known_ = net.at[0].node.table.cnt;                                                     \
        body;                                                                                      \
        cr_expect(eq(u64, event(0, QS_GOSSIP_ON_##e), before_ + 1), #e);                           \
        cr_expect(eq(u32, net.at[0].node.table.cnt, known_), #e);                                  \
    } while (0)

Test(gossip_node, hostile_contact_infos_are_named_and_not_believed)
{
    open_three();
    qs_contact_t c = evil_contact();

    expect_event(unproven, push_contact(&c, false));
    net_run(&net, 2000); /* as long as an answer is owed no signature is checked */
    expect_event(signature, push_contact(&c, true));
    c.wallclock = net.now_ms - 16000;
    expect_event(window, push_contact(&c, false));
    c.wallclock = net.now_ms + 16000;
    expect_event(window, push_contact(&c, false));
    c = evil_contact(), c.shred_version = 1;
    expect_event(shred_version, push_contact(&c, false));
    c = evil_contact(), c.socket[QS_CONTACT_GOSSIP].port = 0;
    expect_event(address, push_contact(&c, false));
    c = evil_contact(), c.socket[QS_CONTACT_GOSSIP].ip = 0xe0000001; /* multicast */
    expect_event(address, push_contact(&c, false));
    static u32 const private[] = {0x0a000063, 0x7f000001, 0xac100001, 0xac1fffff,
                                  0xc0a80001, 0xa9fe0001, 0x00000001, 0xffffffff};
    net.at[0].node.facts.private_ok = false; /* as on the public network */
    for (u32 i = 0; i < QS_COUNT(private); i++) {
        c = evil_contact(), c.socket[QS_CONTACT_GOSSIP].ip = private[i];
        expect_event(address, push_contact(&c, false));
    }
    net.at[0].node.facts.private_ok = true;
    c = evil_contact(), c.socket[QS_CONTACT_GOSSIP].ip = net.at[0].ip;
    expect_event(address, push_contact(&c, false));
    c = evil_contact();
    memcpy(c.pubkey, net.at[0].node.conf.self.pubkey, 32);
    expect_event(own, push_contact(&c, false)); /* older than we are */
    c.outset = UINT64_MAX / 4;
    expect_event(signature, push_contact(&c, false));
    cr_assert(not(net.at[0].node.twin));
}

Test(gossip_node, a_twin_that_began_later_is_noticed_only_when_it_has_our_key)
{
    u8 data[400], value[500];

    open_three();
    qs_contact_t c = net.at[0].node.conf.self;
    c.outset++;
    c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[0].secret);
    push_to_0(value, sz);
    cr_assert(net.at[0].node.twin);
}

Test(gossip_node, values_of_strangers_and_repeats_are_named)
{
    u8 data[400], value[500];

    open_three();
    u32 sz = qs_crds_write_lowest_slot(data, sizeof(data), evil_key, 5, net.now_ms);
    u32 value_sz = value_of(value, data, sz, evil_secret);
    expect_event(unknown_origin, push_to_0(value, value_sz));

    u8 const *friend = net.at[1].node.conf.self.pubkey;
    sz = qs_crds_write_lowest_slot(data, sizeof(data), friend, 5, net.now_ms);
    value_sz = value_of(value, data, sz, net.at[1].secret);
    push_to_0(value, value_sz);
    expect_event(duplicate, push_to_0(value, value_sz));
    sz = qs_crds_write_lowest_slot(data, sizeof(data), friend, 4, net.now_ms - 50);
    value_sz = value_of(value, data, sz, net.at[1].secret);
    expect_event(older, push_to_0(value, value_sz));
}

Test(gossip_node, hostile_pings_and_pongs_are_named)
{
    u8 out[200], token[32] = {7}, sig[64];

    open_three();
    qs_ed25519_sign(sig, token, 32, evil_key, evil_secret);
    u32 sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PONG, evil_key, token, sig);
    expect_event(pong_unasked, send_to_0(0x0a000063, 8001, out, sz));
    sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    expect_event(ping_answered, send_to_0(0x0a000063, 8001, out, sz));
    sig[0] ^= 1;
    sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    expect_event(ping_signature, send_to_0(0x0a000063, 8001, out, sz));
    sig[0] ^= 1;
    sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    u64 before = event(0, QS_GOSSIP_ON_ping_rate);
    for (u32 i = 0; i < 100; i++)
        net_put(&net, 0x0a000063, 8001, net.at[0].ip, net.at[0].port, out, sz);
    net_run(&net, 3);
    cr_assert(ge(u64, event(0, QS_GOSSIP_ON_ping_rate), before + 50 + 1));
}

static u32
prune_of(u8 *out, u8 const *dest, u64 wallclock, u8 const *from, u8 const secret[32], bool prefixed)
{
    u8 to_sign[1300];
    u32 sig_off;
    qs_gossip_prune_t p = {
        .from = from, .dest = dest, .origins = evil_key, .cnt = 1, .wallclock = wallclock};
    u32 sz = qs_gossip_write_prune(out, QS_GOSSIP_MTU, &p, &sig_off);
    u32 n = qs_gossip_prune_to_sign(to_sign, sizeof(to_sign), &p, prefixed);
    qs_ed25519_sign(out + sig_off, to_sign, n, from, secret);
    return sz;
}

Test(gossip_node, prunes_are_obeyed_in_both_forms_and_only_for_us_now_and_signed)
{
    u8 out[QS_GOSSIP_MTU];

    open_three();
    u8 const *self = net.at[0].node.conf.self.pubkey;
    u32 sz = prune_of(out, self, net.now_ms, evil_key, evil_secret, false);
    expect_event(prune_taken, send_to_0(0x0a000063, 8001, out, sz));
    sz = prune_of(out, self, net.now_ms, evil_key, evil_secret, true);
    expect_event(prune_taken, send_to_0(0x0a000063, 8001, out, sz));
    out[200] ^= 1; /* the destination or the time, and so the signature */
    sz = prune_of(out, evil_key, net.now_ms, evil_key, evil_secret, true);
    expect_event(prune_other, send_to_0(0x0a000063, 8001, out, sz));
    sz = prune_of(out, self, net.now_ms - 1100, evil_key, evil_secret, true);
    expect_event(prune_old, send_to_0(0x0a000063, 8001, out, sz));
    sz = prune_of(out, self, net.now_ms, evil_key, net.at[1].secret, true);
    expect_event(prune_signature, send_to_0(0x0a000063, 8001, out, sz));
}

static u32
request_of(u8 *out, qs_contact_t const *c, u8 const secret[32])
{
    u8 data[400], value[500];
    u64 key = 1;
    qs_gossip_filter_out_t f = {.key = &key, .key_cnt = 1, .mask_bits = 6, .mask = UINT64_MAX >> 6};
    u32 sz = value_of(value, data, qs_contact_write(c, data, sizeof(data)), secret);
    return qs_gossip_write_pull_request(out, QS_GOSSIP_MTU, &f, value, sz);
}

/* Bytes to and from 10.0.0.99, which never answers a ping. */
static u64 bytes_in, bytes_out;

static bool
look(net_t *n, net_packet_t const *p)
{
    (void)n;
    bytes_in += p->src_ip == 0x0a000063 ? p->sz : 0;
    bytes_out += p->dst_ip == 0x0a000063 ? p->sz : 0;
    return true;
}

Test(gossip_node, hostile_pull_requests_are_named_and_cost_no_more_than_a_ping)
{
    u8 out[QS_GOSSIP_MTU];

    open_three();
    qs_contact_t c = evil_contact();
    u32 sz = request_of(out, &c, evil_secret);
    net.look = look;
    expect_event(unproven, send_to_0(0x0a000063, 8001, out, sz));
    cr_assert(eq(u64, bytes_out, QS_GOSSIP_PING_SZ));
    expect_event(address, send_to_0(0xe0000001, 8001, out, sz));
    net.at[0].node.facts.private_ok = false;
    expect_event(address, send_to_0(0x7f000001, 8001, out, sz));
    net.at[0].node.facts.private_ok = true;
    expect_event(address, send_to_0(0x0a000063, 0, out, sz));
    sz = request_of(out, &c, net.at[1].secret);
    expect_event(caller_signature, send_to_0(0x0a000065, 8001, out, sz));
    c.shred_version = 0;
    sz = request_of(out, &c, evil_secret);
    expect_event(shred_version, send_to_0(0x0a000063, 8001, out, sz));
    c = evil_contact(), c.wallclock -= 15001;
    sz = request_of(out, &c, evil_secret);
    expect_event(caller_window, send_to_0(0x0a000063, 8001, out, sz));
    c = net.at[0].node.conf.self, c.wallclock = net.now_ms;
    sz = request_of(out, &c, net.at[0].secret);
    expect_event(own, send_to_0(0x0a000063, 8001, out, sz));
}

Test(gossip_node, never_more_bytes_out_to_an_unproven_address_than_came_in)
{
    u8 out[QS_GOSSIP_MTU], token[32] = {1}, sig[64];

    open_three();
    net.look = look;
    for (u32 round = 0; round < 300; round++) {
        qs_contact_t c = evil_contact();
        push_contact(&c, false);
        u32 sz = request_of(out, &c, evil_secret);
        send_to_0(0x0a000063, 8001, out, sz);
        qs_store_le32(token, round);
        qs_ed25519_sign(sig, token, 32, evil_key, evil_secret);
        sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
        send_to_0(0x0a000063, 8001, out, sz);
        net_run(&net, 20);
        cr_assert(le(u64, bytes_out, bytes_in));
    }
    cr_assert(ne(u64, bytes_out, 0));
}

/* Pull requests that node 1 sends. */
static u64 asked;

static bool
count_asked(net_t *n, net_packet_t const *p)
{
    asked += p->src_ip == n->at[1].ip && !p->data[0];
    return true;
}

Test(gossip_node, an_entrypoint_that_says_nothing_is_asked_once_a_round)
{
    net_open(&net, 2);
    net.at[0].up = false;
    net.look = count_asked;
    net_run(&net, 10000);
    cr_assert(le(u64, asked, 21));
    net.at[0].up = true;
    net_run(&net, 2000);
    cr_assert(eq(u32, net_known_pairs(&net), 4));
}

static u32
answers_to(u32 key_cnt, u32 word_cnt, u64 bits_set, u32 who)
{
    u8 data[400], value[500], out[QS_GOSSIP_MTU];
    u64 key[100] = {1, 2}, word[1] = {0};
    qs_contact_t c = net.at[who].node.conf.self;
    u64 before = net.at[0].node.tx[QS_GOSSIP_PULL_RESPONSE];

    c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[who].secret);
    for (u64 part = 0; part < 64; part++) {
        qs_gossip_filter_out_t f = {.key = key,
                                    .key_cnt = key_cnt,
                                    .word = word,
                                    .word_cnt = word_cnt,
                                    .bit_cnt = 64 * word_cnt,
                                    .bits_set = bits_set,
                                    .mask_bits = 6,
                                    .mask = part << 58 | UINT64_MAX >> 6};
        u32 out_sz = qs_gossip_write_pull_request(out, QS_GOSSIP_MTU, &f, value, sz);
        net_put(&net, net.at[who].ip, net.at[who].port, net.at[0].ip, net.at[0].port, out, out_sz);
    }
    net_run(&net, 3);
    return (u32)(net.at[0].node.tx[QS_GOSSIP_PULL_RESPONSE] - before);
}

Test(gossip_node, a_filter_without_bits_or_keys_or_with_a_wrong_count_is_answered)
{
    open_three();
    cr_assert(ne(u32, answers_to(0, 0, 0, 1), 0));
    cr_assert(ne(u32, answers_to(2, 0, 0, 1), 0));
    cr_assert(ne(u32, answers_to(0, 1, 0, 1), 0));
    cr_assert(ne(u32, answers_to(2, 1, UINT64_MAX, 1), 0));
}

Test(gossip_node, one_address_cannot_use_up_what_is_answered)
{
    open_three();
    u64 before = event(0, QS_GOSSIP_ON_pull_ip_budget);
    for (u32 i = 0; i < 300;
         i++) { /* of 64 requests, each worth 100; an address has 2^20 at once */
        net.at[0].node.pull_bytes = 1u << 20; /* what all share is not what this is about */
        answers_to(100, 0, 0, 1);
    }
    cr_assert(ge(u64, event(0, QS_GOSSIP_ON_pull_ip_budget), before + 1));
    net.at[0].node.pull_bytes = 1u << 20;
    cr_assert(ne(u32, answers_to(0, 0, 0, 2), 0), "the others are served");
}

/* answers_to_one sends one request instead of 64. */
static u32
answers_to_one(u32 who)
{
    u8 data[400], value[500], out[QS_GOSSIP_MTU];
    qs_contact_t c = net.at[who].node.conf.self;
    u64 before = net.at[0].node.tx[QS_GOSSIP_PULL_RESPONSE];

    c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[who].secret);
    qs_gossip_filter_out_t f = {.mask_bits = 6, .mask = UINT64_MAX >> 6};
    sz = qs_gossip_write_pull_request(out, QS_GOSSIP_MTU, &f, value, sz);
    send_to_0(net.at[who].ip, net.at[who].port, out, sz);
    return (u32)(net.at[0].node.tx[QS_GOSSIP_PULL_RESPONSE] - before);
}

Test(gossip_node, half_of_what_is_answered_is_for_the_staked)
{
    u8 stranger[32] = {9};

    open_three();
    net.at[0].node.pull_bytes = 1u << 19;
    net.at[0].node.pull_refill_ms = net.now_ms + 1;
    cr_assert(ne(u32, answers_to(0, 0, 0, 1), 0), "without stakes all are alike");
    qs_gossip_set_stake(&net.at[0].node, stranger, QS_LAMPORTS_A_SOL, net.now_ms);
    qs_gossip_set_stake(&net.at[0].node, net.at[2].node.conf.self.pubkey, QS_LAMPORTS_A_SOL,
                        net.now_ms);
    net.at[0].node.pull_bytes = 1u << 18;
    net.at[0].node.pull_refill_ms = net.now_ms + 1;
    expect_event(pull_budget, cr_assert(eq(u32, answers_to_one(1), 0)));
    net.at[0].node.pull_refill_ms = net.now_ms + 1;
    expect_event(pull_answered, answers_to_one(2));
}

Test(gossip_node, a_prune_of_our_own_values_is_skipped)
{
    qs_active_peer_t const *target[QS_ACTIVE_FANOUT];
    u8 out[QS_GOSSIP_MTU], to_sign[1300], origins[64];
    u32 sig_off;

    open_three();
    qs_gossip_node_t *n = &net.at[0].node;
    u8 const *self = n->conf.self.pubkey, *peer = net.at[1].node.conf.self.pubkey;
    memcpy(origins, self, 32);
    memcpy(origins + 32, evil_key, 32);
    cr_assert(eq(u32, qs_active_targets(&n->active, evil_key, 0, false, target), 2));
    qs_gossip_prune_t p = {
        .from = peer, .dest = self, .origins = origins, .cnt = 2, .wallclock = net.now_ms};
    u32 sz = qs_gossip_write_prune(out, QS_GOSSIP_MTU, &p, &sig_off);
    u32 cnt = qs_gossip_prune_to_sign(to_sign, sizeof(to_sign), &p, true);
    qs_ed25519_sign(out + sig_off, to_sign, cnt, peer, net.at[1].secret);
    expect_event(prune_taken, send_to_0(net.at[1].ip, net.at[1].port, out, sz));
    cr_assert(eq(u32, qs_active_targets(&n->active, evil_key, 0, false, target), 1));
    cr_assert(eq(u32, qs_active_targets(&n->active, self, 0, false, target), 2));
}

Test(gossip_node, no_signature_that_only_lax_rules_accept_is_good)
{
    static u8 const order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                 0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    u8 data[400], value[500];

    open_three();
    qs_contact_t c = net.at[1].node.conf.self;
    c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[1].secret);
    for (u32 i = 0, carry = 0; i < 32; i++) { /* S + L: the same scalar, not canonical */
        carry += value[32 + i] + order[i];
        value[32 + i] = (u8)carry;
        carry >>= 8;
    }
    expect_event(signature, push_to_0(value, sz));
    memset(c.pubkey, 0, 32);
    c.pubkey[0] = 1; /* the neutral element: R = 1, S = 0 fits every message */
    sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), evil_secret);
    memset(value, 0, 64);
    value[0] = 1;
    expect_event(signature, push_to_0(value, sz));
}

Test(gossip_node, what_was_refused_or_replaced_is_not_pulled_again)
{
    u8 data[400], value[500], out[QS_GOSSIP_MTU], stranger[32] = {9};

    open_three();
    qs_crds_table_t *t = &net.at[0].node.table;
    u8 const *friend = net.at[1].node.conf.self.pubkey;
    u32 sz = qs_crds_write_lowest_slot(data, sizeof(data), friend, 5, net.now_ms);
    push_to_0(value, value_of(value, data, sz, net.at[1].secret));
    u64 purged = t->purged.head;
    sz = qs_crds_write_lowest_slot(data, sizeof(data), friend, 4, net.now_ms - 9);
    sz = value_of(value, data, sz, net.at[1].secret);
    u32 out_sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE, evil_key);
    out_sz = qs_gossip_add_value(out, sizeof(out), out_sz, value, sz);
    expect_event(older, send_to_0(0x0a000063, 8001, out, out_sz));
    cr_assert(eq(u64, t->purged.head, purged + 1));

    /* Who was away so long that it is forgotten, and of whom somebody has an old ContactInfo. */
    qs_contact_t c = net.at[2].node.conf.self;
    c.wallclock = net.now_ms;
    qs_gossip_set_stake(&net.at[0].node, stranger, QS_LAMPORTS_A_SOL, net.now_ms);
    net.at[2].up = net.at[1].up = false;
    net_run(&net, 2 * QS_CRDS_TTL_MS);
    cr_assert(not(net_knows(&net, 0, 2)));
    sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[2].secret);
    out_sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PULL_RESPONSE, evil_key);
    out_sz = qs_gossip_add_value(out, sizeof(out), out_sz, value, sz);
    u64 failed = t->failed.head;
    expect_event(expired, send_to_0(0x0a000063, 8001, out, out_sz));
    cr_assert(eq(u64, t->failed.head, failed + 1));
}

Test(gossip_node, a_flood_of_strangers_takes_nothing_from_those_we_know)
{
    u32 strangers = 0, known = 0;

    open_three();
    qs_gossip_node_t *n = &net.at[0].node;
    for (u32 ms = 0; ms < 10000; ms++) {
        for (u32 i = 0; i < 50; i++) /* 50,000 a second, each from another address */
            strangers += qs_gossip_admit(n, 0x0b000000 + 50 * ms + i, net.now_ms + ms);
        known += qs_gossip_admit(n, net.at[1 + ms % 2].ip, net.now_ms + ms);
    }
    cr_assert(eq(u32, known, 10000));
    cr_assert(le(u32, strangers, 4000 + 2 * 10000));
    for (u32 i = 0; i < 20000; i++)
        known += qs_gossip_admit(n, net.at[1].ip, net.now_ms + 10000);
    cr_assert(le(u32, known, 10000 + 5000), "nor may one of those flood us");
    cr_assert(qs_gossip_admit(n, net.at[2].ip, net.now_ms + 10000));
    cr_assert(ge(u64, event(0, QS_GOSSIP_ON_flood), 400000 + 1));
}

/* ---- what is asked before a signature is checked ---- */

Test(gossip_node, a_value_that_is_there_under_another_signature_is_named_and_not_checked)
{
    u8 value[500], data[400];
    qs_contact_t c = net.at[1].node.conf.self;

    open_three();
    c = net.at[1].node.conf.self;
    c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[1].secret);
    push_to_0(value, sz);
    u64 before = event(0, QS_GOSSIP_ON_signature);
    for (u32 i = 0; i < 32; i++) { /* half of them have a greater hash, and would look newer */
        value[i] ^= 1;
        expect_event(resigned, push_to_0(value, sz));
        value[i] ^= 1;
    }
    expect_event(duplicate, push_to_0(value, sz));
    cr_assert(eq(u64, event(0, QS_GOSSIP_ON_signature), before));
}

Test(gossip_node, pings_and_pull_requests_without_effect_are_refused_before_their_signatures)
{
    u8 out[QS_GOSSIP_MTU], token[32] = {7}, sig[64];

    open_three();
    qs_ed25519_sign(sig, token, 32, evil_key, evil_secret);
    u32 sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    for (u32 i = 0; i < 20; i++)
        net_put(&net, 0x0a000063, 8001, net.at[0].ip, net.at[0].port, out, sz);
    net_run(&net, 3);
    sig[0] ^= 1;
    sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    expect_event(ping_rate, send_to_0(0x0a000063, 8001, out, sz));
    expect_event(ping_signature, send_to_0(0x0a000064, 8001, out, sz));

    qs_contact_t c = evil_contact();
    sz = request_of(out, &c, evil_secret);
    expect_event(unproven, send_to_0(0x0a000063, 8001, out, sz)); /* and is asked */
    sz = request_of(out, &c, net.at[1].secret);
    expect_event(unproven, send_to_0(0x0a000063, 8001, out, sz));
    expect_event(caller_signature, send_to_0(0x0a000065, 8001, out, sz));
    push_contact(&c, false); /* its address was asked too */
    expect_event(unproven, push_contact(&c, true));
}

Test(gossip_node, no_more_than_a_thousand_pings_a_second_are_answered_whoever_sends_them)
{
    u8 out[200], token[32] = {7}, sig[64];

    open_three();
    qs_ed25519_sign(sig, token, 32, evil_key, evil_secret);
    u32 sz = qs_gossip_write_ping(out, sizeof(out), QS_GOSSIP_PING, evil_key, token, sig);
    net_run(&net, 1000 - net.now_ms % 1000 + 1);
    u64 before = event(0, QS_GOSSIP_ON_ping_answered);
    for (u32 i = 0; i < 1500; i++)
        net_put(&net, 0x0b000000 + i, 8001, net.at[0].ip, net.at[0].port, out, sz);
    net_run(&net, 3);
    cr_assert(eq(u64, event(0, QS_GOSSIP_ON_ping_answered), before + 1000));
    net_run(&net, 1000);
    send_to_0(0x0b000000, 8001, out, sz);
    cr_assert(ge(u64, event(0, QS_GOSSIP_ON_ping_answered), before + 1001));
}

Test(gossip_node, a_request_beyond_what_its_address_may_ask_is_refused_before_its_signature)
{
    u8 value[500], data[400], out[QS_GOSSIP_MTU];
    qs_gossip_filter_out_t f = {.mask_bits = 6, .mask = UINT64_MAX >> 6};
    qs_contact_t c;

    open_three();
    c = net.at[1].node.conf.self, c.wallclock = net.now_ms;
    u32 sz = value_of(value, data, qs_contact_write(&c, data, sizeof(data)), net.at[1].secret);
    value[3] ^= 1;
    sz = qs_gossip_write_pull_request(out, sizeof(out), &f, value, sz);
    expect_event(caller_signature, send_to_0(net.at[1].ip, 8001, out, sz));
    for (u32 i = 0; i < 10; i++) { /* wrong signatures take nothing from it, ... */
        net.at[0].node.pull_bytes = 1u << 20;
        answers_to(0, 0, 0, 1);
    }
    expect_event(pull_ip_budget, send_to_0(net.at[1].ip, 8001, out, sz));
    net.at[0].node.pull_bytes = 0;
    net.at[0].node.pull_refill_ms = net.now_ms + 1;
    expect_event(pull_budget, send_to_0(net.at[2].ip, 8001, out, sz));
}

/* push_five sends what another member is to have said, forged but for value good. */
static void
push_five(u32 n, u32 good)
{
    u8 value[500], data[400], out[QS_GOSSIP_MTU];
    u8 const *pk = net.at[1].node.conf.self.pubkey;
    u32 sz = qs_gossip_write_values(out, sizeof(out), QS_GOSSIP_PUSH, evil_key);

    for (u32 v = 0; v < 5; v++) {
        u32 data_sz = qs_crds_write_epoch_slots(data, sizeof(data), pk, (u8)v, 1000, (u8[16]){1},
                                                128, net.now_ms + n);
        u32 value_sz = value_of(value, data, data_sz, net.at[1].secret);
        value[3] ^= v != good;
        sz = qs_gossip_add_value(out, sizeof(out), sz, value, value_sz);
    }
    net_put(&net, 0x0a000063, 8001, net.at[0].ip, net.at[0].port, out, sz);
}

Test(gossip_node, beyond_a_thousand_wrong_signatures_one_value_stands_for_its_message)
{
    open_three();
    u64 wrong = event(0, QS_GOSSIP_ON_signature), company = event(0, QS_GOSSIP_ON_company);
    push_five(0, 4);
    net_run(&net, 2);
    cr_assert(eq(u64, event(0, QS_GOSSIP_ON_signature), wrong + 4), "few cost themselves only");
    cr_assert(eq(u64, event(0, QS_GOSSIP_ON_company), company));
    for (u32 i = 1; i <= 1000; i++)
        push_five(i, 5);
    net_run(&net, 2);
    wrong = event(0, QS_GOSSIP_ON_signature) - wrong;
    company = event(0, QS_GOSSIP_ON_company) - company;
    cr_assert(eq(u64, wrong + company, 4 + 5000));
    cr_assert(le(u64, wrong, 1500), "%lu were checked", wrong);

    u64 news = event(0, QS_GOSSIP_ON_inserted) + event(0, QS_GOSSIP_ON_replaced);
    u8 data[200], value[300];
    u32 sz = qs_crds_write_lowest_slot(data, sizeof(data), net.at[1].node.conf.self.pubkey, 5,
                                       net.now_ms);
    push_to_0(value, value_of(value, data, sz, net.at[1].secret));
    cr_assert(ge(u64, event(0, QS_GOSSIP_ON_inserted) + event(0, QS_GOSSIP_ON_replaced), news + 1),
              "what is good comes through meanwhile");
    net_run(&net, 1000);
    wrong = event(0, QS_GOSSIP_ON_signature);
    push_five(1, 5);
    net_run(&net, 2);
    cr_assert(eq(u64, event(0, QS_GOSSIP_ON_signature), wrong + 5), "and it passes");
}

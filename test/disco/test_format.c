/* Goal: the fragments that several tiles share mean the same to all of them, and a request to send
   is read only if it is whole.  Method: round trips, the layouts that DESIGN fixes, and every
   way a request can lie about its size. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "disco/qs_format.h"
#include "tango/rand.h"

Test(format, a_net_sig_comes_back_as_it_was_packed)
{
    u64 rng = 1;
    for (u32 i = 0; i < 1000; i++) {
        u64 sig = rand_next(&rng);
        cr_assert(eq(u64, qs_net_sig_pack(qs_net_sig_unpack(sig)), sig));
    }
}

Test(format, a_net_sig_has_its_fields_from_the_low_bits_up)
{
    qs_net_sig_t s = {.src_ip = 0x0a000001, .src_port = 0x1234, .port_idx = 0x56, .flow = 0x78};
    cr_assert(eq(u64, qs_net_sig_pack(s), 0x785612340a000001ull));
}

Test(format, one_sender_is_one_flow_and_senders_spread)
{
    u32 used[256] = {0}, distinct = 0;
    for (u32 i = 0; i < 1024; i++) {
        u8 flow = qs_net_flow(0x0a000001, (u16)(1024 + i));
        cr_assert(eq(u32, flow, qs_net_flow(0x0a000001, (u16)(1024 + i))));
        distinct += used[flow]++ == 0;
    }
    cr_assert(distinct > 200);
}

struct claim {
    u16 dst_cnt, sz;
    u32 frag_sz;
    bool valid;
};

ParameterizedTestParameters(format, a_request_is_valid_only_if_it_is_whole)
{
    static struct claim claims[] = {
        {1, 0, 16, true},
        {1, 1232, 16 + 1232, true},
        {1, QS_UDP_MAX, 16 + QS_UDP_MAX, true},
        {QS_SEND_DST_MAX, 1232, 8 + 8 * QS_SEND_DST_MAX + 1232, true},
        {0, 0, 8, false},
        {0, 10, 18, false},
        {QS_SEND_DST_MAX + 1, 0, 8 + 8 * (QS_SEND_DST_MAX + 1), false},
        {UINT16_MAX, 0, 16, false},
        {1, QS_UDP_MAX + 1, 16 + QS_UDP_MAX + 1, false},
        {1, UINT16_MAX, 16, false},
        {1, 10, 25, false},
        {1, 10, 27, false},
        {2, 10, 26, false},
        {1, 0, 8, false},
    };
    return cr_make_param_array(struct claim, claims, QS_COUNT(claims));
}

ParameterizedTest(struct claim *c, format, a_request_is_valid_only_if_it_is_whole)
{
    qs_send_t s = {.dst_cnt = c->dst_cnt, .sz = c->sz};
    cr_assert(eq(int, qs_send_valid(&s, c->frag_sz), c->valid));
}

Test(format, a_request_shorter_than_its_head_is_not_read)
{
    qs_send_t const *nowhere = (qs_send_t const *)64; /* a read is SIGSEGV */
    for (u32 sz = 0; sz < sizeof(qs_send_t); sz++)
        cr_assert(eq(int, qs_send_valid(nowhere, sz), false));
}

Test(format, a_descriptor_follows_its_transaction_at_a_multiple_of_8)
{
    for (u32 sz = 0; sz <= 1232; sz++) {
        u32 off = qs_txn_desc_off(sz);
        cr_assert(off >= sz && off < sz + 8 && off % 8 == 0);
    }
}

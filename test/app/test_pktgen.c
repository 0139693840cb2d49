/* Goal: a generator makes the mix that was asked for, numbers what is wanted without a gap, and
   each way of damaging a frame gives it a reason to be refused.
   Method: many frames made without sending any, and read by the parser of what arrives. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/qs_pktgen.h"
#include "disco/qs_probe.h"

#define CNT 20000u

static qs_pktgen_t gen;
static qs_pktgen_conf_t const plain = {.src_mac = 0x0200000002,
                                       .dst_mac = 0x0100000002,
                                       .src_ip = 0x0a4d0001,
                                       .dst_ip = 0x0a4d0002,
                                       .port = {9000, 9001, 9001, 9007},
                                       .port_cnt = 4,
                                       .src_port = 40000,
                                       .flow_cnt = 3,
                                       .sz_min = 32,
                                       .sz_max = 100};

Test(pktgen, wanted_frames_are_numbered_whole_and_spread_over_ports_flows_and_sizes)
{
    u32 port[10] = {0}, flow[3] = {0}, size[101] = {0};
    cr_assert(eq(int, qs_pktgen_init(&gen, &plain), 0));
    for (u32 i = 0; i < CNT; i++) {
        u8 frame[QS_PKTGEN_FRAME_MAX];
        qs_frame_t f;
        qs_probe_t probe;
        u32 sz = qs_pktgen_frame(&gen, 1000 + i, frame);
        cr_assert(eq(int, qs_frame_parse(frame, sz, &f), QS_FRAME_OK));
        cr_assert(f.dst_port >= 9000 && f.dst_port <= 9007);
        cr_assert(f.src_port >= 40000 && f.src_port < 40003);
        cr_assert(f.payload_sz >= 32 && f.payload_sz <= 100);
        cr_assert(f.src_ip == plain.src_ip && f.dst_ip == plain.dst_ip);
        cr_assert(eq(u64, f.src_mac, plain.src_mac));
        memcpy(&probe, frame + f.payload_off, sizeof(probe));
        cr_assert(eq(u64, probe.number, i));
        cr_assert(eq(u64, probe.sent_ns, 1000 + i));
        cr_assert(eq(u64, probe.check, qs_probe_check(&probe)));
        for (u32 b = sizeof(probe); b < f.payload_sz; b++)
            cr_assert(eq(u32, frame[f.payload_off + b], 0));
        port[f.dst_port - 9000]++;
        flow[f.src_port - 40000]++;
        size[f.payload_sz]++;
    }
    cr_expect(port[0] > CNT / 5 && port[1] > CNT * 2 / 5 && port[7] > CNT / 5);
    cr_expect(eq(u32, port[0] + port[1] + port[7], CNT));
    for (u32 i = 0; i < 3; i++)
        cr_expect(flow[i] > CNT / 4);
    for (u32 i = 32; i <= 100; i++)
        cr_expect(size[i] > 0);
}

Test(pktgen, shares_of_unwanted_and_garbage_are_what_was_asked_for)
{
    qs_pktgen_conf_t conf = plain;
    u32 other = 0, refused = 0;
    u64 next = 0;
    for (conf.port_cnt = 0; conf.port_cnt < QS_PKTGEN_PORT_MAX; conf.port_cnt++)
        conf.port[conf.port_cnt] = (u16)(8000 + conf.port_cnt); /* many, to be hit by chance */
    conf.unwanted_pct = 50;
    conf.garbage_pct = 20;
    cr_assert(eq(int, qs_pktgen_init(&gen, &conf), 0));
    for (u32 i = 0; i < CNT; i++) {
        u8 frame[QS_PKTGEN_FRAME_MAX];
        qs_frame_t f;
        qs_probe_t probe;
        u32 sz = qs_pktgen_frame(&gen, i, frame);
        cr_assert(ge(u32, sz, 14));
        if (qs_frame_parse(frame, sz, &f) != QS_FRAME_OK || f.src_mac == conf.dst_mac) {
            refused++;
            continue;
        }
        bool wanted = f.dst_port >= 8000 && f.dst_port < 8064;
        memcpy(&probe, frame + f.payload_off, sizeof(probe));
        cr_assert(eq(u32, probe.magic == QS_PROBE_MAGIC, wanted));
        if (wanted)
            cr_assert(eq(u64, probe.number, next++));
        other += !wanted;
    }
    cr_assert(eq(u64, other, gen.cnt[QS_PKTGEN_UNWANTED]));
    cr_assert(eq(u64, refused, gen.cnt[QS_PKTGEN_GARBAGE]));
    cr_assert(eq(u64, next, gen.cnt[QS_PKTGEN_WANTED]));
    cr_assert(other > CNT * 48 / 100 && other < CNT * 52 / 100);
    cr_assert(refused > CNT * 18 / 100 && refused < CNT * 22 / 100);
}

Test(pktgen, every_way_of_damage_is_refused_and_together_they_have_many_reasons)
{
    qs_rng_t rng;
    u32 seen[QS_FRAME_REASON_CNT] = {0}, reasons = 0;
    qs_rng_init(&rng, 1, 0);
    cr_assert(eq(int, qs_pktgen_init(&gen, &plain), 0));
    for (u32 i = 0; i < 100 * QS_PKTGEN_FAULT_CNT; i++) {
        u8 frame[QS_PKTGEN_FRAME_MAX + QS_FRAME_VLAN_SZ];
        qs_frame_t f = {0};
        u32 way = i % QS_PKTGEN_FAULT_CNT;
        u32 sz = qs_pktgen_damage(frame, qs_pktgen_frame(&gen, 0, frame), way, &rng);
        qs_frame_reason_t reason = qs_frame_parse(frame, sz, &f);
        if (reason == QS_FRAME_OK && f.src_mac == plain.dst_mac)
            reason = QS_FRAME_OWN_MAC;
        cr_assert(ne(int, reason, QS_FRAME_OK), "way %u", way);
        cr_assert(sz >= 14 && sz <= sizeof(frame));
        seen[reason]++;
    }
    for (u32 r = 0; r < QS_FRAME_REASON_CNT; r++)
        reasons += seen[r] > 0;
    cr_assert(ge(u32, reasons, 10));
}

Test(pktgen, same_seed_makes_the_same_traffic)
{
    static qs_pktgen_t other;
    qs_pktgen_conf_t conf = plain;
    u8 a[QS_PKTGEN_FRAME_MAX], b[QS_PKTGEN_FRAME_MAX];
    u32 differ = 0;
    conf.garbage_pct = 30;
    for (u64 seed = 0; seed < 2; seed++) {
        cr_assert(eq(int, qs_pktgen_init(&gen, &conf), 0));
        conf.seed = seed;
        cr_assert(eq(int, qs_pktgen_init(&other, &conf), 0));
        conf.seed = 0;
        for (u32 i = 0; i < 1000; i++) {
            u32 sz = qs_pktgen_frame(&gen, i, a);
            bool same = qs_pktgen_frame(&other, i, b) == sz && !memcmp(a, b, sz);
            cr_assert(same || seed);
            differ += !same;
        }
    }
    cr_assert(differ > 900);
}

Test(pktgen, payloads_too_small_for_a_number_are_empty_of_it)
{
    qs_pktgen_conf_t conf = plain;
    qs_pktgen_pkt_t pkt;
    conf.sz_min = 0;
    conf.sz_max = 31;
    cr_assert(eq(int, qs_pktgen_init(&gen, &conf), 0));
    for (u32 i = 0; i < 1000; i++) {
        u8 const *payload = qs_pktgen_next(&gen, i, &pkt);
        for (u32 b = 0; b < pkt.sz; b++)
            cr_assert(eq(u32, payload[b], 0));
    }
}

Test(pktgen, what_cannot_be_sent_is_refused)
{
    struct {
        char name[24];
        qs_pktgen_conf_t conf;
    } bad[9] = {{"no port", plain}, {"ports", plain},  {"no flow", plain},
                {"flows", plain},   {"beyond", plain}, {"source 0", plain},
                {"sizes", plain},   {"size", plain},   {"shares", plain}};
    bad[0].conf.port_cnt = 0;
    bad[1].conf.port_cnt = QS_PKTGEN_PORT_MAX + 1;
    bad[2].conf.flow_cnt = 0;
    bad[3].conf.flow_cnt = QS_PKTGEN_FLOW_MAX + 1;
    bad[4].conf.src_port = 65534;
    bad[5].conf.src_port = 0;
    bad[6].conf.sz_min = 101;
    bad[7].conf.sz_max = QS_PKTGEN_SZ_MAX + 1;
    bad[8].conf.unwanted_pct = 60, bad[8].conf.garbage_pct = 41;
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        cr_expect(eq(int, qs_pktgen_init(&gen, &bad[i].conf), -EINVAL), "%s", bad[i].name);
}

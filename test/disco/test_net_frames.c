/* Goal: every frame of the UMEM is in exactly one place whatever happens to it, a restart takes every
   frame that no line names, and the audit says so, or says what is wrong.  Method: the frames'
   library and real rings (mcache, and XSK rings over plain memory) against a model that knows of
   each frame where it is, with the test as the kernel; random steps, and deaths in between. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "disco/net/qs_net_frames.h"
#include "tango/base/qs_rng.h"

#define RINGS     2u
#define DEPTH     16u
#define XSK_DEPTH 32u
#define FRAMES    (RINGS * DEPTH + 4 * XSK_DEPTH + 8)
#define SHIFT     11u
#define OFF       8192u
#define STEPS     200000u

enum place { SPARE, FILL, KERNEL_RX, RX, LINE, TX, KERNEL_TX, COMPLETION, PLACES };

static struct {
    alignas(QS_ALIGN) u8 mcache[RINGS][8192];
    qs_mcache_tx_t ring[RINGS];
    qs_mcache_tx_t const *at[RINGS];
    qs_net_frames_t f;
    u8 room[16384];
    qs_xsk_t x;
    qs_xsk_ring_t far_fill, far_rx, far_tx, far_completion; /* the kernel's sides */
    alignas(64) u32 words[4][48];
    u64 addr[2][XSK_DEPTH];
    qs_xsk_desc_t desc[2][XSK_DEPTH];
    u32 held_rx[FRAMES], held_rx_cnt;
    u32 held_tx[FRAMES], held_tx_cnt;
    enum place place[FRAMES];
    qs_rng_t rng;
} t;

static void
make_rings(void)
{
    memset(t.words, 0, sizeof(t.words));
    qs_xsk_ring_of(&t.x.fill, t.words[0], t.addr[0], XSK_DEPTH);
    qs_xsk_ring_of(&t.x.completion, t.words[1], t.addr[1], XSK_DEPTH);
    qs_xsk_ring_of(&t.x.rx, t.words[2], t.desc[0], XSK_DEPTH);
    qs_xsk_ring_of(&t.x.tx, t.words[3], t.desc[1], XSK_DEPTH);
    t.far_fill = t.x.fill;
    t.far_completion = t.x.completion;
    t.far_rx = t.x.rx;
    t.far_tx = t.x.tx;
    t.held_rx_cnt = t.held_tx_cnt = 0;
}

static void
make(void)
{
    memset(&t, 0, sizeof(t));
    qs_rng_init(&t.rng, 5, 0);
    for (u32 r = 0; r < RINGS; r++) {
        cr_assert(eq(int, qs_mcache_new(t.mcache[r], DEPTH, DEPTH, 0), 0));
        cr_assert(eq(int, qs_mcache_tx_join(&t.ring[r], t.mcache[r], sizeof(t.mcache[r])), 0));
        t.at[r] = &t.ring[r];
    }
    qs_layout_t l = {.base = t.room};
    t.f = (qs_net_frames_t){.off = OFF, .cnt = FRAMES, .shift = SHIFT};
    qs_net_frames_layout(&t.f, &l, FRAMES);
    cr_assert(le(u64, l.sz, sizeof(t.room)));
    make_rings();
}

TestSuite(net_frames, .init = make);

static u32
frame_of_addr(u64 addr)
{
    return (u32)(addr >> SHIFT);
}

static void
move(u32 frame, enum place from, enum place to)
{
    cr_assert(frame < FRAMES);
    cr_assert(eq(int, (int)t.place[frame], (int)from), "frame %u", frame);
    t.place[frame] = to;
}

/* restart: the process died, and the kernel's rings with it. */
static u32
restart(void)
{
    make_rings();
    for (u32 r = 0; r < RINGS; r++)
        cr_assert(eq(int, qs_mcache_tx_join(&t.ring[r], t.mcache[r], sizeof(t.mcache[r])), 0));
    u32 given = qs_net_frames_recover(&t.f, t.at, RINGS);
    for (u32 i = 0; i < FRAMES; i++)
        t.place[i] = LINE;
    for (u32 i = 0; i < t.f.spare_cnt; i++)
        t.place[t.f.spare[i]] = SPARE;
    cr_assert(eq(u32, t.f.spare_cnt, FRAMES - RINGS * DEPTH));
    return given;
}

static void
check(char const *when)
{
    u32 cnt[PLACES] = {0};
    qs_net_audit_t a;

    for (u32 i = 0; i < FRAMES; i++)
        cnt[t.place[i]]++;
    qs_net_frames_audit(&t.f, t.at, RINGS, &t.x, &a);
    cr_assert(eq(u32, a.missing, 0), "%s", when);
    cr_assert(eq(u32, a.twice, 0), "%s", when);
    cr_assert(eq(u32, a.spare, cnt[SPARE]), "%s", when);
    cr_assert(eq(u32, a.fill, cnt[FILL]), "%s", when);
    cr_assert(eq(u32, a.rx, cnt[RX]), "%s", when);
    cr_assert(eq(u32, a.line, cnt[LINE]), "%s", when);
    cr_assert(eq(u32, a.tx, cnt[TX]), "%s", when);
    cr_assert(eq(u32, a.completion, cnt[COMPLETION]), "%s", when);
    cr_assert(eq(u32, a.kernel, cnt[KERNEL_RX] + cnt[KERNEL_TX]), "%s", when);
}

/* publish is what the tile does with a received frame: swaps it with what the line had. */
static void
publish(u32 frame, enum place from)
{
    qs_mcache_tx_t *ring = &t.ring[qs_rng_bounded(&t.rng, RINGS)];
    qs_frag_t old, frag = {.chunk = (u32)((OFF + ((u64)frame << SHIFT)) / QS_CHUNK_SZ) + 4,
                           .ctl = 42,
                           .sz = 100};
    qs_mcache_reserve(ring, 1);
    qs_mcache_evictee(ring, &old);
    qs_mcache_publish(ring, &frag);
    u32 back = qs_net_frames_of(&t.f, (u64)old.chunk * QS_CHUNK_SZ);
    move(frame, from, LINE);
    move(back, LINE, SPARE);
    qs_net_frames_put(&t.f, back);
}

static void
step_user(u32 which)
{
    if (which == 0 && t.f.spare_cnt && qs_xsk_room(&t.x.fill, 1)) {
        u32 frame = qs_net_frames_take(&t.f);
        move(frame, SPARE, FILL);
        qs_xsk_put_addr(&t.x.fill, qs_net_frames_addr(&t.f, frame));
        qs_xsk_submit(&t.x.fill);
    }
    if (which == 1 && qs_xsk_ready(&t.x.rx, 1)) {
        u32 frame = frame_of_addr(qs_xsk_desc(&t.x.rx, 0)->addr);
        qs_xsk_release(&t.x.rx, 1);
        publish(frame, RX);
    }
    if (which == 2 && t.f.spare_cnt && qs_xsk_room(&t.x.tx, 1)) {
        u32 frame = qs_net_frames_take(&t.f);
        move(frame, SPARE, TX);
        qs_xsk_put(&t.x.tx, qs_net_frames_addr(&t.f, frame), 60);
        qs_xsk_submit(&t.x.tx);
    }
    if (which == 3 && qs_xsk_ready(&t.x.completion, 1)) {
        u32 frame = frame_of_addr(qs_xsk_addr(&t.x.completion, 0));
        qs_xsk_release(&t.x.completion, 1);
        move(frame, COMPLETION, SPARE);
        qs_net_frames_put(&t.f, frame);
    }
    if (which == 4 && t.f.spare_cnt) /* a datagram of an ordinary socket */
        publish(qs_net_frames_take(&t.f), SPARE);
}

static void
step_kernel(u32 which)
{
    if (which == 0 && qs_xsk_ready(&t.far_fill, 1)) {
        u32 frame = frame_of_addr(qs_xsk_addr(&t.far_fill, 0));
        qs_xsk_release(&t.far_fill, 1);
        move(frame, FILL, KERNEL_RX);
        t.held_rx[t.held_rx_cnt++] = frame;
    }
    if (which == 1 && t.held_rx_cnt && qs_xsk_room(&t.far_rx, 1)) {
        u32 i = (u32)qs_rng_bounded(&t.rng, t.held_rx_cnt), frame = t.held_rx[i];
        t.held_rx[i] = t.held_rx[--t.held_rx_cnt];
        move(frame, KERNEL_RX, RX);
        qs_xsk_put(&t.far_rx, ((u64)frame << SHIFT) + QS_XSK_HEADROOM, 142);
        qs_xsk_submit(&t.far_rx);
    }
    if (which == 2 && qs_xsk_ready(&t.far_tx, 1)) {
        u32 frame = frame_of_addr(qs_xsk_desc(&t.far_tx, 0)->addr);
        qs_xsk_release(&t.far_tx, 1);
        move(frame, TX, KERNEL_TX);
        t.held_tx[t.held_tx_cnt++] = frame;
    }
    if (which == 3 && t.held_tx_cnt && qs_xsk_room(&t.far_completion, 1)) {
        u32 i = (u32)qs_rng_bounded(&t.rng, t.held_tx_cnt), frame = t.held_tx[i];
        t.held_tx[i] = t.held_tx[--t.held_tx_cnt];
        move(frame, KERNEL_TX, COMPLETION);
        qs_xsk_put_addr(&t.far_completion, (u64)frame << SHIFT);
        qs_xsk_submit(&t.far_completion);
    }
}

Test(net_frames, each_is_in_one_place_whatever_happens_and_whoever_dies)
{
    u32 deaths = 0;

    cr_assert(eq(u32, restart(), RINGS * DEPTH), "new lines are given their frames");
    check("new");
    for (u32 i = 0; i < STEPS; i++) {
        u64 r = qs_rng_u64(&t.rng);
        if (r % 2)
            step_user((u32)(r >> 8) % 5);
        else
            step_kernel((u32)(r >> 8) % 4);
        if (r >> 32 & 63)
            continue;
        check("after a step");
        if ((r >> 40 & 31) == 0) {
            cr_assert(eq(u32, restart(), 0), "old lines have theirs");
            check("after a death");
            deaths++;
        }
    }
    cr_assert(deaths > 20);
}

Test(net_frames, what_lines_name_survives_a_death_and_nothing_else_is_kept)
{
    restart();
    u32 frame = qs_net_frames_take(&t.f);
    publish(frame, SPARE);
    restart();
    cr_assert(eq(int, (int)t.place[frame], LINE));
    qs_frag_t last;
    u32 named = 0;
    for (u32 r = 0; r < RINGS; r++) {
        qs_mcache_last(&t.ring[r], &last);
        named += last.sz == 100 && qs_net_frames_of(&t.f, (u64)last.chunk * QS_CHUNK_SZ) == frame;
    }
    cr_assert(eq(u32, named, 1));
}

Test(net_frames, a_line_that_names_anothers_frame_or_none_is_given_one_of_its_own)
{
    restart();
    qs_frag_t other;
    qs_mcache_line(&t.ring[1], 3, &other);
    qs_mcache_own(&t.ring[0], 5, other.chunk);
    qs_mcache_own(&t.ring[0], 6, UINT32_MAX);
    qs_mcache_own(&t.ring[1], 7, 0);
    cr_assert(eq(u32, restart(), 3));
    check("after repair");
}

Test(net_frames, the_audit_tells_what_is_missing_and_what_is_twice)
{
    qs_net_audit_t a;

    restart();
    u32 lost = qs_net_frames_take(&t.f);
    qs_net_frames_audit(&t.f, t.at, RINGS, &t.x, &a);
    cr_assert(eq(u32, a.missing, 1));
    cr_assert(eq(u32, a.twice, 0));
    qs_net_frames_put(&t.f, lost);
    qs_xsk_put_addr(&t.x.fill, (u64)lost << SHIFT);
    qs_net_frames_audit(&t.f, t.at, RINGS, &t.x, &a);
    cr_assert(eq(u32, a.missing, 0));
    cr_assert(eq(u32, a.twice, 1));
    qs_xsk_put_addr(&t.x.fill, (u64)FRAMES << SHIFT);
    qs_net_frames_audit(&t.f, t.at, RINGS, &t.x, &a);
    cr_assert(eq(u32, a.twice, 2));
}

Test(net_frames, without_an_xsk_all_is_lines_and_spare)
{
    qs_net_audit_t a;

    restart();
    qs_net_frames_audit(&t.f, t.at, RINGS, NULL, &a);
    cr_assert(eq(u32, a.line + a.spare, FRAMES));
    cr_assert(eq(u32, a.missing + a.twice + a.kernel, 0));
}

Test(net_frames, what_lies_outside_is_no_frame)
{
    cr_assert(eq(u32, qs_net_frames_of(&t.f, 0), QS_FRAME_NONE));
    cr_assert(eq(u32, qs_net_frames_of(&t.f, OFF - 1), QS_FRAME_NONE));
    cr_assert(eq(u32, qs_net_frames_of(&t.f, OFF), 0));
    cr_assert(eq(u32, qs_net_frames_of(&t.f, OFF + ((u64)FRAMES << SHIFT) - 1), FRAMES - 1));
    cr_assert(eq(u32, qs_net_frames_of(&t.f, OFF + ((u64)FRAMES << SHIFT)), QS_FRAME_NONE));
}

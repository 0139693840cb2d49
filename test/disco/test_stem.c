/* Goal: the stem hands a tile every fragment that is whole, in bounds and wanted, counts every
   other, holds the producer back where it must, and takes up after a death where it was.
   Method: one link from gen to eat in workspaces as the supervisor makes them.  Both tiles are
   booted for real, one inside the other's run callback, so that a test has both stems in hand in
   one thread: it publishes as gen and lets eat make one turn at a time.  A death is a second boot
   on the same memory. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disco/qs_boot.h"
#include "tango/rand.h"

#define DEPTH  128u
#define WINDOW 64u
#define MTU    200u
#define LIMIT  4096u

/* What eat saw, and what it is told to do. */
static struct {
    u32 cnt;
    u64 number[LIMIT];
    u32 batch_max;
    u32 takes; /* of a batch at most */
    u32 damaged;
    u64 unwanted; /* sig that want refuses */
    u64 disliked; /* number that peek refuses */
} eaten;

static qs_stem_t *gen, *eat;
static void *eat_self;
static void (*script)(void);     /* what happens while both run */
static void (*gen_script)(void); /* ... and instead of it in another life of gen */

static bool
eat_want(void *self, u32 in, u64 sig)
{
    (void)self;
    (void)in;
    return sig != eaten.unwanted;
}

static bool
eat_peek(void *self, u32 in, qs_frag_t const *frag, u8 const *data)
{
    (void)self;
    (void)in;
    return frag->sz < 8 || qs_load_le64(data) != eaten.disliked;
}

static u32
eat_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    u32 did = b->cnt < eaten.takes ? b->cnt : eaten.takes;
    (void)self;
    (void)s;
    for (u32 i = 0; i < did; i++) {
        u64 number = qs_load_le64(b->data[i]);
        for (u32 k = 8; k < b->frag[i].sz; k++)
            eaten.damaged += b->data[i][k] != (u8)number;
        eaten.damaged += b->frag[i].sz < 8 || b->frag[i].sig != number % 10;
        eaten.number[eaten.cnt++ % LIMIT] = number;
    }
    eaten.batch_max = b->cnt > eaten.batch_max ? b->cnt : eaten.batch_max;
    return did;
}

static u32
eat_poll(void *self, qs_stem_t *s)
{
    (void)self;
    s->stop = true; /* one turn at a time */
    return 0;
}

static void
eat_run(void *self, qs_stem_t *s)
{
    eat = s;
    eat_self = self;
    script();
}

static qs_handover_t handover[2];
static qs_topo_t const *topos[2];
static qs_wksp_t wksp[2], boot_wksp, bells_wksp;
static qs_boot_maps_t const maps = {.boot = &boot_wksp, .bells = &bells_wksp, .wksp = wksp};

static void
gen_run(void *self, qs_stem_t *s)
{
    (void)self;
    gen = s;
    if (gen_script)
        gen_script();
    else
        cr_assert(eq(int, qs_boot_run(&handover[1], topos, &maps), 0));
}

static qs_tile_t const tile_gen = {.name = "gen", .out = {"eat"}, .run = gen_run};
static qs_tile_t const tile_eat = {.name = "eat",
                                   .in = {{.from = "gen"}},
                                   .want = eat_want,
                                   .peek = eat_peek,
                                   .frag = eat_frag,
                                   .poll = eat_poll,
                                   .run = eat_run};

static void
turn(void)
{
    eat->stop = false;
    qs_stem_loop(&tile_eat, eat_self, eat);
}

static int
workspace(qs_wksp_plan_t const *plan, u64 hash, qs_wksp_t *w)
{
    qs_shm_t shm = {.sz = qs_align_up(qs_wksp_plan_size(plan), 4096), .page_sz = 4096, .node = -1};
    shm.fd_rw = memfd_create("test", MFD_CLOEXEC);
    shm.fd_ro = shm.fd_rw;
    cr_assert(eq(int, ftruncate(shm.fd_rw, (off_t)shm.sz), 0));
    cr_assert(eq(int, qs_wksp_create(w, &shm, plan, hash), 0), "%s", w->why);
    return shm.fd_rw;
}

static qs_boot_t *boot;

static void
make_boot(qs_plan_t const *plan)
{
    qs_wksp_plan_t boot_plan = {0}, bells_plan = {0};
    qs_wksp_plan_add(&boot_plan, "boot", 0, sizeof(qs_boot_t), QS_ALIGN);
    qs_wksp_plan_add(&bells_plan, "bells", 0, QS_TILE_MAX * sizeof(qs_bell_t), QS_ALIGN);
    int bells_fd = workspace(&bells_plan, plan->layout_hash, &bells_wksp);
    int boot_fd = workspace(&boot_plan, 0, &boot_wksp);
    boot = qs_wksp_object_addr(&boot_wksp, "boot", sizeof(*boot));
    qs_config_init(&qs_config_table, &boot->cfg);
    boot->plan = *plan;
    qs_clock_calibrate(&boot->clock, 1000000);
    for (u32 i = 0; i < QS_TILE_MAX; i++)
        qs_cmd_new(&boot->cmd[i]);
    for (u32 i = 0; i < 2; i++) {
        handover[i] = (qs_handover_t){.magic = QS_HANDOVER_MAGIC,
                                      .tile = i,
                                      .first_start = true,
                                      .boot_fd = boot_fd,
                                      .bells_fd = bells_fd};
        for (u32 t = 0; t < QS_TILE_MAX; t++)
            handover[i].wksp_fd[t] = handover[i].eventfd[t] = -1;
    }
}

/* with_link makes the instance anew and runs what, with gen and eat joined by a link of that
   flow. */
static void
with_link(qs_flow_t flow, void (*what)(void))
{
    static qs_plan_t plan;
    static qs_wksp_plan_t wksp_plan[QS_TILE_MAX];
    qs_tile_row_t const tiles[] = {
        {.tile = &tile_gen, .cnt = 1}, {.tile = &tile_eat, .cnt = 1}, {0}};
    qs_link_row_t const links[] = {
        {"gen", "eat", .depth = DEPTH, .window = WINDOW, .mtu = MTU, .flow = flow}, {0}};
    qs_topo_t const topo = {.name = "trial", .tiles = tiles, .links = links};
    qs_config_t cfg;
    char err[256];

    qs_config_init(&qs_config_table, &cfg);
    cr_assert(eq(int, qs_plan_make(&plan, wksp_plan, &topo, &cfg, false, err, sizeof(err)), 0),
              "%s", err);
    make_boot(&plan);
    for (u32 i = 0; i < 2; i++) {
        int fd = workspace(&wksp_plan[i], plan.layout_hash, &wksp[i]);
        handover[0].wksp_fd[i] = handover[1].wksp_fd[i] = fd;
        qs_cnc_new(qs_wksp_addr(&wksp[i], plan.tile[i].cnc_off, qs_cnc_footprint()));
    }
    cr_assert(
        eq(int,
           qs_mcache_new(qs_wksp_addr(&wksp[0], plan.link[0].mcache_off, plan.link[0].mcache_sz),
                         DEPTH, WINDOW, 0),
           0));
    memset(&eaten, 0, sizeof(eaten));
    eaten.takes = QS_BATCH;
    eaten.unwanted = eaten.disliked = UINT64_MAX;
    topos[0] = &topo;
    script = what;
    cr_assert(eq(int, qs_boot_run(&handover[0], topos, &maps), 0));
}

/* reborn boots tile i once more on the same memory while `now` runs, as after a kill -9. */
static void
reborn(u32 i, void (*now)(void))
{
    void (*before)(void) = script;
    script = now;
    handover[i].first_start = false;
    cr_assert(eq(int, qs_boot_run(&handover[i], topos, &maps), 0));
    script = before;
}

static bool
publish(u64 number)
{
    u32 sz = 8 + (u32)(number * 7 % (MTU - 7));
    u8 *room = qs_stem_prepare(gen, 0);
    if (!room)
        return false;
    qs_store_le64(room, number);
    memset(room + 8, (u8)number, sz - 8);
    qs_stem_publish(gen, 0, number % 10, sz, 0, 0);
    return true;
}

static u64
publish_all(u64 from, u64 to)
{
    while (from < to && publish(from))
        from++;
    return from;
}

/* publish_forged puts a descriptor on the ring that no honest gen would. */
static void
publish_forged(u32 chunk, u16 sz, u16 ctl)
{
    qs_frag_t const frag = {.sig = 3, .chunk = chunk, .sz = sz, .ctl = ctl};
    if (qs_stem_prepare(gen, 0)) {
        qs_mcache_publish(&gen->out[0].tx, &frag);
        gen->out[0].credits--;
    }
}

static void
ate_in_order(u64 from, u64 to)
{
    cr_assert(eq(u32, eaten.cnt, (u32)(to - from)));
    for (u32 i = 0; i < eaten.cnt; i++)
        cr_assert(eq(u64, eaten.number[i], from + i));
    cr_assert(eq(u32, eaten.damaged, 0));
}

static void
batches(void)
{
    publish_all(0, 20);
    turn();
    ate_in_order(0, 20);
    cr_assert(eq(u32, eaten.batch_max, 20));
    publish_all(20, 52);
    turn();
    ate_in_order(0, 52);
    cr_assert(eq(u32, eaten.batch_max, QS_BATCH));
    turn();
    cr_assert(eq(u64, eat->in[0].metrics->frag, 52));
    cr_assert(eq(u64, eat->in[0].metrics->batch, 2));
    cr_assert(eq(u64, eat->in[0].metrics->bytes, gen->out[0].metrics->bytes));
    cr_assert(eq(u64, gen->out[0].metrics->frag, 52));
    cr_assert(eq(u64, eat->in[0].metrics->lost, 0));
}

Test(stem, a_tile_gets_what_is_there_in_one_batch_in_order)
{
    with_link(QS_RELIABLE, batches);
    with_link(QS_LOSSY, batches);
    with_link(QS_EXPENDABLE, batches);
}

static void
filter(void)
{
    eaten.unwanted = 4;
    publish_all(0, 30);
    turn();
    cr_assert(eq(u32, eaten.cnt, 27));
    for (u32 i = 0; i < eaten.cnt; i++)
        cr_assert(ne(u64, eaten.number[i] % 10, 4));
    cr_assert(eq(u64, eat->in[0].metrics->filtered, 3));
    cr_assert(eq(u64, eat->in[0].metrics->frag, 27));
    eaten.unwanted = 5; /* a batch of nothing but unwanted fragments is consumed too */
    publish_all(35, 36);
    turn();
    cr_assert(eq(u64, eat->in[0].metrics->filtered, 4));
    cr_assert(eq(u64, eat->in[0].rx.seq, 31));
    cr_assert(eq(u32, eaten.damaged, 0));
}

Test(stem, unwanted_fragments_are_counted_and_not_handed_over)
{
    with_link(QS_RELIABLE, filter);
    with_link(QS_LOSSY, filter);
}

static void
look(void)
{
    eaten.disliked = 11;
    publish_all(0, 30);
    publish_forged(UINT32_MAX, 100, 0); /* is not looked at: a touch is SIGSEGV */
    turn();
    cr_assert(eq(u32, eaten.cnt, 29));
    for (u32 i = 0; i < eaten.cnt; i++)
        cr_assert(ne(u64, eaten.number[i], 11));
    cr_assert(eq(u64, eat->in[0].metrics->filtered, 1));
    cr_assert(eq(u64, eat->in[0].metrics->bad, 1));
    cr_assert(eq(u32, eaten.damaged, 0));
}

Test(stem, payloads_are_looked_at_within_bounds_before_they_are_copied)
{
    with_link(QS_RELIABLE, look);
    with_link(QS_LOSSY, look);
}

static void
forgeries(void)
{
    qs_dcache_t const *dc = &gen->out[0].dcache;
    u64 next = publish_all(0, 5);
    publish_forged(UINT32_MAX, 100, 0); /* 256 GiB away: a touch is SIGSEGV */
    publish_forged(0, 100, 0);          /* the workspace's own header */
    publish_forged(dc->chunk0 - 1, 8, 0);
    publish_forged(dc->chunk1, 1, 0);
    publish_forged(dc->chunk1 - 1, 65, 0);  /* one byte too far */
    publish_forged(dc->chunk0, MTU + 1, 0); /* would not fit the private copy */
    publish_forged(dc->chunk0, UINT16_MAX, 0);
    publish_all(next, 10);
    turn();
    ate_in_order(0, 10);
    cr_assert(eq(u64, eat->in[0].metrics->bad, 7));
    cr_assert(eq(u64, eat->in[0].metrics->frag, 10));
}

Test(stem, a_forged_chunk_or_size_is_counted_and_its_payload_never_touched)
{
    with_link(QS_RELIABLE, forgeries);
    with_link(QS_LOSSY, forgeries);
}

static void
lapping(void)
{
    u64 rng = 7, number = 0, published = 0;
    qs_in_metrics_t const *m = eat->in[0].metrics;

    eaten.unwanted = 4;
    for (u32 round = 0; round < 5000; round++) {
        for (u64 n = rand_upto(&rng, 0, 3 * WINDOW); n; n--, published++) {
            if (rand_upto(&rng, 0, 30))
                publish(number++);
            else
                publish_forged(UINT32_MAX, 8, 0);
        }
        for (u64 n = rand_upto(&rng, 0, 2); n; n--) {
            eaten.takes = (u32)rand_upto(&rng, 1, QS_BATCH);
            turn();
        }
    }
    eaten.takes = QS_BATCH;
    for (u32 i = 0; i < 8; i++)
        turn();
    qs_stem_leave(eat);
    cr_assert(eq(u64, m->frag + m->lost + m->filtered + m->bad, published));
    cr_assert(eq(u64, m->frag, eaten.cnt));
    cr_assert(m->lost > 0);
    cr_assert(m->bad > 0);
    cr_assert(m->filtered > 0);
    cr_assert(eq(u32, eaten.damaged, 0));
    cr_assert(eq(u64, qs_fseq_query(eat->in[0].fseq), published));
}

Test(stem, what_a_lapped_tile_lost_is_counted_exactly)
{
    with_link(QS_LOSSY, lapping);
}

static void
loss_is_written_first(void)
{
    u64 seen = 0;
    for (u64 round = 0; round < 50; round++) {
        for (u32 n = 0; n < 2 * WINDOW; n++)
            publish(seen++);
        turn(); /* learns that it was lapped, and is killed then */
        qs_in_metrics_t const *m = eat->in[0].metrics;
        u64 fseq = qs_fseq_query(eat->in[0].fseq);
        cr_assert(le(u64, fseq, m->frag + m->lost), "a gap that no counter has");
    }
}

Test(stem, a_loss_is_counted_before_the_position_moves_past_it)
{
    with_link(QS_LOSSY, loss_is_written_first);
}

static void
by_three(void)
{
    eaten.takes = 3;
    publish_all(0, 20);
    for (u32 i = 1; i <= 6; i++) {
        turn();
        cr_assert(eq(u32, eaten.cnt, 3 * i));
    }
    cr_assert(le(u64, qs_fseq_query(eat->in[0].fseq), 18));
    turn();
    ate_in_order(0, 20);
    cr_assert(eq(u64, eat->in[0].metrics->frag, 20), "counted once");
    eaten.takes = 0;
    publish_all(20, 25);
    turn();
    turn();
    eaten.takes = QS_BATCH;
    turn();
    ate_in_order(0, 25);
}

Test(stem, what_a_tile_leaves_of_a_batch_is_presented_again)
{
    with_link(QS_RELIABLE, by_three);
    with_link(QS_LOSSY, by_three);
}

static void
stall(void)
{
    eaten.takes = 0;
    u64 next = publish_all(0, 1000);
    cr_assert(eq(u64, next, WINDOW));
    cr_assert(eq(u64, gen->out[0].metrics->no_credit, 1));
    cr_assert(gen->blocked);
    for (u32 i = 0; i < 10; i++)
        turn();
    gen->now += 100 * (u64)QS_PATIENCE_NS;
    cr_assert(eq(ptr, qs_stem_prepare(gen, 0), NULL));
    eaten.takes = QS_BATCH;
    while (next < 1000) {
        turn();
        next = publish_all(next, 1000);
    }
    turn();
    turn();
    ate_in_order(0, 1000);
    cr_assert(eq(u64, eat->in[0].metrics->lost, 0));
    cr_assert(eq(u64, gen->out[0].metrics->frag, 1000));
}

Test(stem, without_credit_nothing_is_published_and_nothing_lost)
{
    with_link(QS_RELIABLE, stall);
}

static void
give_up(void)
{
    u64 next = publish_all(0, 1000);
    cr_assert(eq(u64, next, WINDOW));
    gen->now += QS_PATIENCE_NS - 1;
    cr_assert(eq(u64, publish_all(next, 1000), next), "not yet");
    gen->now += 1;
    next = publish_all(next, 500);
    cr_assert(eq(u64, next, 500), "goes on without it");
    for (u32 i = 0; i < 3; i++)
        qs_stem_chore_(gen);
    cr_assert(eq(u64, gen->out[0].metrics->cut, 1));
    for (u32 i = 0; i < 4; i++)
        turn();
    cr_assert(eq(u64, eat->in[0].metrics->frag + eat->in[0].metrics->lost, 500));
    cr_assert(eat->in[0].metrics->lost > 0);
    cr_assert(eq(u32, eaten.damaged, 0));
    while (publish(next)) /* it has caught up: it is waited for again */
        next++;
    cr_assert(le(u64, next, 500 + 2 * WINDOW));
}

Test(stem, an_expendable_consumer_that_stalls_is_given_up_and_counts_its_loss)
{
    with_link(QS_EXPENDABLE, give_up);
}

static void
hold(void)
{
    qs_stem_hold(eat, 0, 7);
    publish_all(0, 7);
    turn();
    turn();
    publish_all(7, WINDOW);
    for (u32 i = 0; i < 20; i++)
        turn();
    cr_assert(eq(u32, eaten.cnt, WINDOW));
    cr_assert(eq(u64, qs_fseq_query(eat->in[0].fseq), 7));
    cr_assert(eq(u64, publish_all(WINDOW, 100), WINDOW + 7), "the producer waits for what is held");
    qs_stem_release(eat, 0);
    for (u32 i = 0; i < 20; i++)
        turn();
    cr_assert(eq(u64, qs_fseq_query(eat->in[0].fseq), WINDOW + 7));
}

Test(stem, fragments_that_are_held_keep_their_place)
{
    with_link(QS_RELIABLE, hold);
}

static u64 killed_at;

static void
second_life(void)
{
    u32 before = eaten.cnt;
    turn();
    turn();
    cr_assert(eaten.cnt > before);
    cr_assert(le(u64, eaten.number[before], killed_at), "nothing is skipped");
    for (u32 i = before + 1; i < eaten.cnt; i++)
        cr_assert(eq(u64, eaten.number[i], eaten.number[i - 1] + 1));
    cr_assert(eq(u64, eaten.number[eaten.cnt - 1], WINDOW - 1));
    cr_assert(eq(u32, eaten.damaged, 0));
    cr_assert(eq(u64, eat->metrics->start, 2));
    cr_assert(ge(u64, eat->in[0].metrics->frag, WINDOW));
}

static void
die_in_a_batch(void)
{
    publish_all(0, WINDOW);
    eaten.takes = 5;
    turn();
    turn();
    cr_assert(le(u64, qs_fseq_query(eat->in[0].fseq), 10));
    for (u32 i = 0; i < 4; i++)
        qs_stem_chore_(eat); /* its position is written in the middle of a batch */
    cr_assert(eq(u64, qs_fseq_query(eat->in[0].fseq), 10));
    killed_at = 10;
    eaten.takes = QS_BATCH;
    reborn(1, second_life);
}

Test(stem, a_reader_that_died_begins_again_at_or_before_what_it_had_done)
{
    with_link(QS_RELIABLE, die_in_a_batch);
    with_link(QS_LOSSY, die_in_a_batch);
}

static u64 lost_in_first_life;

static void
no_gap_uncounted(void)
{
    for (u32 i = 0; i < 8; i++)
        turn();
    qs_stem_leave(eat);
    qs_in_metrics_t const *m = eat->in[0].metrics;
    cr_assert(ge(u64, m->frag + m->lost, 9 * (u64)WINDOW), "no gap without a counter");
    cr_assert(m->lost > lost_in_first_life);
}

static void
die_and_be_lapped(void)
{
    for (u64 n = 0; n < 4 * WINDOW; n++)
        publish(n);
    for (u32 i = 0; i < 8; i++)
        turn();
    lost_in_first_life = eat->in[0].metrics->lost;
    cr_assert(lost_in_first_life > 0);
    for (u64 n = 4 * WINDOW; n < 9 * WINDOW; n++)
        publish(n);
    reborn(1, no_gap_uncounted);
}

Test(stem, a_reader_that_was_lapped_while_dead_counts_what_it_missed)
{
    with_link(QS_LOSSY, die_and_be_lapped);
}

static void
another_gen(void)
{
    cr_assert(eq(u64, gen->out[0].tx.seq, 20));
    cr_assert(eq(u64, publish_all(20, 30), 30));
    turn();
    ate_in_order(0, 30);
    cr_assert(eq(u64, gen->metrics->start, 2));
    cr_assert(eq(u64, gen->out[0].metrics->frag, 30));
}

static void
die_while_writing(void)
{
    publish_all(0, 10);
    qs_mcache_sync(&gen->out[0].tx);
    publish_all(10, 20);
    memset(qs_stem_prepare(gen, 0), 0xee, MTU);
    gen_script = another_gen;
    reborn(0, script);
    gen_script = NULL;
}

Test(stem, a_writer_that_died_goes_on_behind_its_last_fragment)
{
    with_link(QS_RELIABLE, die_while_writing);
    with_link(QS_LOSSY, die_while_writing);
}

static void
whole_batches(void)
{
    u8 *room[QS_BATCH];
    u64 number = 0, published = 0;

    for (u32 round = 0; round < 200; round++) {
        u32 cnt = qs_stem_prepare_batch(gen, 0, room, QS_BATCH);
        cr_assert(cnt > 0);
        for (u32 i = 0; i < cnt; i++) {
            qs_store_le64(room[i], number);
            memset(room[i] + 8, (u8)number, MTU - 8);
            qs_stem_publish_at(gen, 0, room[i], number % 10, MTU, 0, 0);
            number++;
            published++;
        }
        if (round % 3 == 0)
            turn();
    }
    for (u32 i = 0; i < 8; i++)
        turn();
    qs_stem_leave(eat);
    cr_assert(eq(u32, eaten.damaged, 0));
    cr_assert(eq(u64, eat->in[0].metrics->frag + eat->in[0].metrics->lost, published));
}

Test(stem, rooms_of_a_batch_hold_a_whole_mtu_each)
{
    with_link(QS_LOSSY, whole_batches);
}

static void
loops(void)
{
    boot->cmd[1].cmd = QS_CMD_HALT;
    for (u32 i = 0; i < 1000000 && !eat->stop; i++) {
        eat->stop = false;
        eat->now = UINT64_MAX / 2;
        qs_stem_chore_(eat);
    }
    cr_assert(eat->stop);
}

Test(stem, a_command_to_halt_ends_the_loop)
{
    with_link(QS_RELIABLE, loops);
}

static void
deaf(void)
{
    int file = eventfd(1, EFD_NONBLOCK), own = eventfd(0, EFD_NONBLOCK);
    u64 rings;

    eat->park = true;
    eat->eventfd = own;
    eat->wait_fd = &file;
    eat->wait_cnt = 1;
    eat->now = qs_clock_now(&eat->clock);
    u64 until = eat->now + 2000000;
    qs_stem_deaf_until(eat, until);
    qs_stem_idle_(eat);
    cr_assert(eq(u64, eat->readable, 0));
    cr_assert(qs_clock_now(&eat->clock) >= until);

    eat->now = qs_clock_now(&eat->clock);
    qs_stem_deaf_until(eat, UINT64_MAX);
    cr_assert(eq(int, eventfd_write(own, 1), 0));
    qs_stem_idle_(eat);
    cr_assert(eq(u64, eat->readable, 0));
    cr_assert(eq(int, (int)read(own, &rings, sizeof(rings)), -1), "a neighbour's ring was heard");

    eat->now = qs_clock_now(&eat->clock);
    qs_stem_idle_(eat);
    cr_assert(eq(u64, eat->readable, 1), "and then it hears again");
    eat->park = false;
    close(file);
    close(own);
}

Test(stem, a_deaf_tile_is_woken_by_the_clock_and_by_neighbours_not_by_files)
{
    with_link(QS_RELIABLE, deaf);
}

/* How long a parked tile takes to be woken: two tiles play ping-pong over two rings and park after
   each stroke, against the same two threads with a bare futex word each.

   A figure is the median time from before a stroke to when the other side, which slept, has it;
   strokes that met somebody awake do not count.  On one core it contains the switch to the other
   thread; on two, the interrupt that gets a sleeping core going. */

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/duo.h"
#include "tango/qs_bell.h"
#include "tango/qs_mcache.h"

#define WHAT       "parked tile woken"
#define DEPTH      64u
#define TRIP_CNT   200u /* round trips per turn */
#define TIMEOUT_NS 1000000000u

typedef struct side {
    alignas(QS_ALIGN) qs_bell_t bell; /* wakes this side */
    alignas(QS_ALIGN) u32 word;       /* likewise, bare */
    alignas(QS_ALIGN) qs_mcache_tx_t tx;
    qs_mcache_rx_t rx;
    u64 sent_ns;  /* when its last stroke began */
    u64 wake_cnt; /* strokes that woke it, and how long each took */
    double wake_ns[TRIP_CNT];
} side_t;

typedef struct game {
    side_t home;
    side_t away;
    int away_cpu;
    void (*stroke)(side_t *to, side_t *me);
    bool (*await)(side_t *me); /* returns whether it slept */
} game_t;

static void
ring_stroke(side_t *to, side_t *me)
{
    qs_mcache_reserve(&me->tx, 1);
    qs_mcache_publish(&me->tx, &(qs_frag_t){.sig = me->tx.seq});
    qs_bell_fence();
    qs_bell_ring(&to->bell, QS_BELL_IDLE, -1);
}

static bool
ring_await(side_t *me)
{
    qs_frag_t frag;
    bool slept = false;
    while (!qs_mcache_peek(&me->rx, &frag, 1)) {
        qs_bell_park(&me->bell, QS_BELL_IDLE);
        if (qs_mcache_ready(&me->rx)) {
            qs_bell_unpark(&me->bell);
            continue;
        }
        slept = true;
        qs_bell_wait(&me->bell, QS_BELL_IDLE, TIMEOUT_NS);
    }
    QS_ASSERT(frag.sig == me->rx.seq);
    qs_mcache_advance(&me->rx, 1);
    return slept;
}

static void
bare_stroke(side_t *to, side_t *me)
{
    (void)me;
    qs_store_release(&to->word, 1);
    syscall(SYS_futex, &to->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool
bare_await(side_t *me)
{
    bool slept = false;
    while (!qs_load_acquire(&me->word)) {
        slept = true;
        syscall(SYS_futex, &me->word, FUTEX_WAIT, 0, NULL, NULL, 0);
    }
    qs_store_relaxed(&me->word, 0);
    return slept;
}

static void
game_stroke(game_t const *g, side_t *to, side_t *me)
{
    me->sent_ns = duo_now_ns();
    g->stroke(to, me);
}

static void
game_await(game_t const *g, side_t const *from, side_t *me)
{
    if (g->await(me))
        me->wake_ns[me->wake_cnt++] = (double)(duo_now_ns() - from->sent_ns);
}

static void
game_answer(void *ctx)
{
    game_t *g = ctx;
    duo_pin(g->away_cpu);
    for (u32 i = 0; i < TRIP_CNT; i++) {
        game_await(g, &g->home, &g->away);
        game_stroke(g, &g->home, &g->away);
    }
    duo_pin(1);
}

/* game_play plays one game and gathers what both sides measured. */
static u64
game_play(game_t *g, double *all)
{
    g->home.wake_cnt = g->away.wake_cnt = 0;
    duo_start(game_answer, g);
    for (u32 i = 0; i < TRIP_CNT; i++) {
        game_stroke(g, &g->away, &g->home);
        game_await(g, &g->away, &g->home);
    }
    duo_join();
    memcpy(all, g->home.wake_ns, g->home.wake_cnt * sizeof(*all));
    memcpy(all + g->home.wake_cnt, g->away.wake_ns, g->away.wake_cnt * sizeof(*all));
    return g->home.wake_cnt + g->away.wake_cnt;
}

/* game_turn plays until there were sleepers to measure: when other programs delay both sides, each
   finds the other's stroke before it sleeps. */
static double
game_turn(void *ctx)
{
    static double all[2 * TRIP_CNT];
    u64 wake_cnt = 0;

    for (u32 i = 0; i < DUO_TRY_MAX && wake_cnt < TRIP_CNT / 4; i++)
        wake_cnt = game_play(ctx, all);
    QS_ASSERT(wake_cnt);
    return duo_median(all, wake_cnt);
}

static void
join(side_t *tx, side_t *rx)
{
    u64 sz = qs_mcache_footprint(DEPTH);
    void *mem = duo_arena(sz);
    QS_ASSERT(!qs_mcache_new(mem, DEPTH, DEPTH, 1));
    QS_ASSERT(!qs_mcache_tx_join(&tx->tx, mem, sz));
    QS_ASSERT(!qs_mcache_rx_join(&rx->rx, mem, sz, 1));
}

/* add_pair adds a row of ours and the peer's on the same cores.  The peer's name says which: a
   ratio refers to a name. */
static void
add_pair(bench_t *b, int away_cpu, char const *variant, char const *peer)
{
    static game_t games[4];
    static duo_row_t duo_row[4];
    bool bare = false;

    for (u32 i = b->row_cnt, end = i + 2; i < end; i++, bare = true) {
        game_t *g = &games[i];
        *g = (game_t){.away_cpu = away_cpu,
                      .stroke = bare ? bare_stroke : ring_stroke,
                      .await = bare ? bare_await : ring_await};
        join(&g->home, &g->away);
        join(&g->away, &g->home);
        duo_row[i] = (duo_row_t){.turn = game_turn, .ctx = g, .sleeps = true};
        bench_add(b, &(bench_row_t){.what = WHAT,
                                    .variant = variant,
                                    .peer = bare ? peer : NULL,
                                    .against = bare ? NULL : peer,
                                    .ctx = &duo_row[i],
                                    .ops = 1});
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "wake", argc, argv);
    add_pair(&b, 0, "same core", "futex, same core");
    add_pair(&b, 1, "other core", "futex, other core");
    return duo_run(&b);
}

/* Goal: who parks is woken by whoever brings what it waits for, in whichever process that is.
   Method: a lost wake shows as a test that hangs, because every sleep here would last an hour:
   the suite's timeout is the only clock. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tango/qs_bell.h"
#include "tango/rand.h"

#define HOUR_NS 3600000000000ull
#define ROUNDS  100000u

typedef struct room {
    qs_bell_t bell[2];
    u64 ball; /* what the two wait for */
    int fd[2];
} room_t;

static room_t *room;

static void
enter_room(void)
{
    room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(room != MAP_FAILED);
    room->fd[0] = room->fd[1] = -1;
}

TestSuite(bell, .init = enter_room, .timeout = 60);

static void
sleep_on(u32 me, u32 why)
{
    struct pollfd pfd = {.fd = room->fd[me], .events = POLLIN};
    u64 drain;

    if (pfd.fd < 0) {
        qs_bell_wait(&room->bell[me], why, HOUR_NS);
        return;
    }
    poll(&pfd, 1, -1);
    qs_bell_unpark(&room->bell[me]);
    ssize_t got = read(pfd.fd, &drain, sizeof(drain)); /* before the next look, never behind it */
    (void)got;
}

/* await sleeps until the ball says want. */
static void
await(u32 me, u64 want)
{
    while (qs_load_acquire(&room->ball) != want) {
        qs_bell_park(&room->bell[me], QS_BELL_IDLE);
        if (qs_load_acquire(&room->ball) == want)
            qs_bell_unpark(&room->bell[me]);
        else
            sleep_on(me, QS_BELL_IDLE);
    }
}

static void
hit(u32 me, u64 ball)
{
    qs_store_release(&room->ball, ball);
    qs_bell_fence();
    qs_bell_ring(&room->bell[!me], QS_BELL_IDLE, room->fd[!me]);
}

/* play passes the ball to and fro; the random pauses make the looks of one side meet the ring of
   the other at every point. */
static void
play(u32 me, u32 rounds)
{
    u64 state = me;

    for (u64 i = 0; i < rounds; i++) {
        await(me, 2 * i + me);
        for (u64 pause = rand_next(&state) % 64; pause; pause--)
            qs_pause();
        hit(me, 2 * i + me + 1);
    }
}

static void *
play_second(void *arg)
{
    play(1, ROUNDS);
    return arg;
}

static void
play_across_fork(u32 rounds)
{
    pid_t pid = fork();
    cr_assert(ge(int, pid, 0));
    if (!pid) {
        play(1, rounds);
        _exit(0);
    }
    play(0, rounds);
    int status;
    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    cr_assert(eq(int, status, 0));
    cr_assert(eq(u64, room->ball, 2 * rounds));
}

Test(bell, no_wake_is_lost_between_two_threads)
{
    pthread_t second;

    cr_assert(eq(int, pthread_create(&second, NULL, play_second, NULL), 0));
    play(0, ROUNDS);
    pthread_join(second, NULL);
    cr_assert(eq(u64, room->ball, 2 * ROUNDS));
}

Test(bell, no_wake_is_lost_between_two_threads_that_sleep_on_eventfds)
{
    pthread_t second;

    room->fd[0] = eventfd(0, EFD_NONBLOCK);
    room->fd[1] = eventfd(0, EFD_NONBLOCK);
    cr_assert(eq(int, pthread_create(&second, NULL, play_second, NULL), 0));
    play(0, ROUNDS);
    pthread_join(second, NULL);
    cr_assert(eq(u64, room->ball, 2 * ROUNDS));
}

Test(bell, a_futex_wakes_another_process)
{
    play_across_fork(1000);
}

Test(bell, an_eventfd_wakes_another_process)
{
    room->fd[0] = eventfd(0, EFD_NONBLOCK);
    room->fd[1] = eventfd(0, EFD_NONBLOCK);
    play_across_fork(1000);
}

Test(bell, wait_ends_at_its_timeout_and_the_tile_counts_as_running)
{
    qs_bell_park(&room->bell[0], QS_BELL_IDLE);
    cr_assert(eq(u32, room->bell[0].word, QS_BELL_IDLE));
    qs_bell_wait(&room->bell[0], QS_BELL_IDLE, 1000000);
    cr_assert(eq(u32, room->bell[0].word, 0));

    qs_bell_park(&room->bell[0], QS_BELL_IDLE);
    qs_bell_wait(&room->bell[0], QS_BELL_IDLE, 0);
    cr_assert(eq(u32, room->bell[0].word, 0));
}

Test(bell, who_was_rung_between_look_and_sleep_does_not_fall_asleep)
{
    qs_bell_park(&room->bell[0], QS_BELL_IDLE);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, -1);
    qs_bell_wait(&room->bell[0], QS_BELL_IDLE, HOUR_NS);
    cr_assert(eq(u32, room->bell[0].word, 0));
}

Test(bell, only_the_first_of_two_ringers_wakes)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    u64 rung = 0;

    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    cr_assert(eq(int, (int)read(fd, &rung, sizeof(rung)), -1)); /* nobody sleeps */

    qs_bell_park(&room->bell[0], QS_BELL_IDLE);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    qs_bell_wake_(&room->bell[0], fd); /* saw the word before the first one cleared it */
    cr_assert(eq(int, (int)read(fd, &rung, sizeof(rung)), sizeof(rung)));
    cr_assert(eq(u64, rung, 1));
}

Test(bell, a_ringer_wakes_only_who_sleeps_for_its_reason)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    u64 rung = 0;

    qs_bell_park(&room->bell[0], QS_BELL_CREDIT);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    cr_assert(eq(int, (int)read(fd, &rung, sizeof(rung)), -1));
    cr_assert(eq(u32, room->bell[0].word, QS_BELL_CREDIT));

    qs_bell_park(&room->bell[0], QS_BELL_CREDIT | QS_BELL_IDLE);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    cr_assert(eq(int, (int)read(fd, &rung, sizeof(rung)), sizeof(rung)));
    cr_assert(eq(u32, room->bell[0].word, 0));
}

Test(bell, a_full_eventfd_does_not_hold_the_ringer)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    u64 full = UINT64_MAX - 1;

    cr_assert(eq(int, (int)write(fd, &full, sizeof(full)), sizeof(full)));
    qs_bell_park(&room->bell[0], QS_BELL_IDLE);
    qs_bell_ring(&room->bell[0], QS_BELL_IDLE, fd);
    cr_assert(eq(u32, room->bell[0].word, 0));
}

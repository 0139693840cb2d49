/* park.pml - how a tile sleeps and is woken: src/tango/qs_bell.h.

   One sleeper passes N inputs on, each for one credit; it parks for input, for credits, or for
   both.  One ringer brings inputs, another credits, each rings after every one.  There is no
   timeout here: a lost wake is a deadlock.  -DEVENTFD sleeps in poll on an eventfd, which is
   drained after the sleep, instead of on the futex.

   Each thread is a set of pending accesses that are performed in any order the labelled edges and
   the coherence of one location permit; memory is the same for all.  What is left out with
   -DNO_<x> must give an error:

       B2      B1 -> B3 (fence)                R2  R1 -> R3 (fence)
       R4      the word is changed before the wake, not behind it          (futex)
       B4      the futex compares the word before it sleeps                (futex)
       DRAIN   the eventfd is drained before the look, not between look and sleep   (eventfd)

   Abstracted: word is the only thing that is read and written by both; input and credits count up
   and stand for P4 and F1 with all their payload (ring.pml, credit.pml); a system call is performed
   after what stands before it; B5 may be performed late, but before the next B1. */

#ifndef N
#define N 3
#endif
#define IDLE   1
#define CREDIT 2

byte word;
byte input;
byte credits;
bool asleep;   /* in the futex */
bool readable; /* the eventfd */

/* The sleeper's accesses of one park. */
#define B5 1
#define B1 2
#define B3 4 /* looks at what it waits for */
#define ALL 7

#ifdef NO_B2
#define AFTER_B2 true
#else
#define AFTER_B2 (did & B1)
#endif
#ifdef NO_R2
#define AFTER_R2 true
#else
#define AFTER_R2 (did & R1)
#endif

#define WAITS_NOT ((!(why & IDLE) || input == passed) && (!(why & CREDIT) || credits == passed))

inline sleep()
{
#ifdef EVENTFD
#ifdef NO_DRAIN
    readable = false;
#endif
    readable;
#ifndef NO_DRAIN
    readable = false
#endif
#else
    atomic {
        if
#ifdef NO_B4
        :: asleep = true
#else
        :: word == why -> asleep = true
        :: else
#endif
        fi
    };
    !asleep
#endif
}

proctype sleeper()
{
    byte passed, why;
    byte did = B5; /* B5 of the last park is still pending when the bit is clear */
    bool nothing;

    do
    :: passed == N -> break
    :: passed < N && input > passed && credits > passed -> passed++
    :: atomic { passed < N && (input == passed || credits == passed) ->
           if
           :: input == passed -> why = IDLE
           :: input > passed -> why = CREDIT
           :: why = IDLE | CREDIT
           fi }
        do
        :: d_step { !(did & B5) -> word = 0; did = did | B5 }
        :: d_step { (did & B5) && !(did & B1) -> word = why; did = did | B1 }
        :: d_step { !(did & B3) && AFTER_B2 -> nothing = WAITS_NOT; did = did | B3 }
        :: did == ALL -> break
        od;
        if
        :: nothing -> sleep()
        :: !nothing
        fi;
        d_step { did = 0; nothing = false; why = 0 }
    :: d_step { !(did & B5) -> word = 0; did = did | B5 }
    od
}

#define R1 1
#define R3 2

inline wake()
{
#ifdef EVENTFD
    readable = true
#else
    asleep = false
#endif
}

inline swap()
{
    old = word;
    word = 0
}

#define RINGER(what, why)                                                                          \
    byte sent, did, saw, old;                                                                      \
    do                                                                                             \
    :: sent == N -> break                                                                          \
    :: sent < N ->                                                                                 \
        do                                                                                         \
        :: d_step { !(did & R1) -> what++; did = did | R1 }                                        \
        :: d_step { !(did & R3) && AFTER_R2 -> saw = word & why; did = did | R3 }                  \
        :: did == (R1 | R3) -> break                                                               \
        od;                                                                                        \
        if                                                                                         \
        :: saw -> RING                                                                             \
        :: !saw                                                                                    \
        fi;                                                                                        \
        d_step { did = 0; saw = 0; old = 0; sent++ }                                               \
    od

#ifdef NO_R4
#define RING wake(); d_step { swap() }
#else
#define RING d_step { swap() }; if :: old -> wake() :: !old fi
#endif

proctype bringer()
{
    RINGER(input, IDLE)
}

proctype giver()
{
    RINGER(credits, CREDIT)
}

init
{
    atomic {
        run sleeper();
        run bringer();
        run giver()
    }
}

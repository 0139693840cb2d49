/* ring.pml - the lossy ring of src/tango/qs_mcache.h: whole or void, whatever is reordered, and no
   gap or repeat behind a producer that was killed.

   Each thread is a set of pending accesses that are performed in any order the labelled edges and
   the coherence of one location permit; memory is the same for all (multi-copy atomic, as x86 and
   ARMv8 are).  An edge is left out with -DNO_<edge>; each one left out must give an error:

       P2_DATA  P1 -> payload          P2_LINE  P1 -> P3       (one fence, P2: two purposes)
       P4_DATA  payload -> P4          P4_LINE  P3 -> P4       (one release, P4)
       P5       P4 -> P5
       C1_DATA  C1 -> payload          C1_LINE  C1 -> C2       (one acquire, C1)
       C3_DATA  payload -> C4          C3_LINE  C2 -> C4       (one fence, C3)

   Checked: what settle calls valid is fragment n's in descriptor and payload; a new producer starts
   exactly behind the newest published fragment, which was announced; when all is published and at
   rest, the consumer moves on until it is level, and is never stuck.

   Not needed: that P2, being a fence, also holds back later stores until all earlier batches are
   done.  Not promised: that a lapped consumer's resume point is published already at that moment.
   P1 of a batch may be seen before P4 of the batch ahead of it; the consumer then waits for it.

   Abstracted: one word of descriptor and one of payload stand for all; payload n lies in slot
   n % WINDOW, which is tighter than a dcache is; the producer's batches are all of BATCH, the
   consumer's of at most TAKE; one consumer (they do not influence each other); N fragments from
   sequence DEPTH on, so no wrap; at most AHEAD fragments of the producer are in flight; a round
   of the consumer ends before its next begins.  A kill drops what is pending and leaves what was
   performed, a superset of what a precise interrupt leaves; the supervisor reaps the old producer
   before it starts a new one, so all of that is visible to it.  The fence in tx_join therefore has
   no edge here: it is for the letter of C11.  Counting is the unit test's business. */

#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef WINDOW
#define WINDOW 2
#endif
#ifndef BATCH
#define BATCH 1
#endif
#ifndef TAKE
#define TAKE 1
#endif
#ifndef N
#define N 5
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define AHEAD 4
#define END   (DEPTH + N)

byte line_seq[DEPTH];
byte line_word[DEPTH];
byte data[WINDOW];
byte reserve = DEPTH - 1;
byte bound = DEPTH;

byte newest = DEPTH - 1; /* what the new producer must find */
bool all_published;

/* The producer's accesses of one fragment: bits of did[], which is a window on fragments lo on. */
#define P1   1
#define PAY  2
#define P3   4
#define P4   8
#define P5   16
#define FULL 31

byte did[AHEAD];
byte lo = DEPTH;
byte start = DEPTH; /* first fragment of this producer's life: batches are counted from there */
byte kills;

#define SEQ(i)   (lo + (i))
#define POS(i)   ((SEQ(i) - start) % BATCH)
#define FIRST(i) ((i) - POS(i)) /* its batch's first fragment; negative: long done */

#define HAS(i, what)  ((i) < 0 || (did[i] & (what)) == (what))
#define BELOW(i)                                                                                   \
    (((i) < 1 || did[0] == FULL) && ((i) < 2 || did[1] == FULL) && ((i) < 3 || did[2] == FULL))
#define EACH_BELOW(i, what)                                                                        \
    (((i) < 1 || HAS(0, what)) && ((i) < 2 || HAS(1, what)) && ((i) < 3 || HAS(2, what)))
#define HAS_AGO(i, ago, what) ((i) < (ago) || HAS((i) - (ago), what))

/* P2 is a fence: what stands before it, P1 and all earlier batches, comes before later stores. */
#define AFTER_P2(i) (HAS(FIRST(i), P1) && BELOW(FIRST(i)))
#ifdef NO_P2_DATA
#define P2_DATA(i) true
#else
#define P2_DATA(i) AFTER_P2(i)
#endif
#ifdef NO_P2_LINE
#define P2_LINE(i) true
#else
#define P2_LINE(i) AFTER_P2(i)
#endif
#ifdef NO_P4_DATA
#define P4_DATA(i) true
#else
#define P4_DATA(i) HAS(i, PAY)
#endif
#ifdef NO_P4_LINE
#define P4_LINE(i) true
#else
#define P4_LINE(i) HAS(i, P3)
#endif
#ifdef NO_P5
#define P5_LAST(i) HAS(FIRST(i), P1)
#else
#define P5_LAST(i) (BELOW(i) && HAS(i, PAY | P3 | P4))
#endif

#define MAY_P1(i)  (EACH_BELOW(i, P1) && BELOW((i) - BATCH))
#define MAY_PAY(i) (HAS_AGO(i, WINDOW, PAY) && P2_DATA(i))
#define MAY_P3(i)  (HAS_AGO(i, DEPTH, P3) && P2_LINE(i))
#define MAY_P4(i)  (BELOW(i) && HAS(FIRST(i), P1) && P4_DATA(i) && P4_LINE(i))
#define MAY_P5(i)  (EACH_BELOW(i, P5) && P5_LAST(i))

#define PENDING(i, what) (SEQ(i) < END && !(did[i] & (what)))

inline enter(i)
{
    if
    :: POS(i) == 0 -> did[i] = 0
    :: else -> did[i] = P1
    fi
}

inline perform(i, what)
{
    did[i] = did[i] | what;
    do
    :: did[0] == FULL ->
        did[0] = did[1];
        did[1] = did[2];
        did[2] = did[3];
        lo++;
        enter(3)
    :: else -> break
    od;
    skip
}

inline announce(i)
{
    if
    :: SEQ(i) + BATCH - 1 > reserve -> reserve = SEQ(i) + BATCH - 1
    :: else
    fi
}

inline note_newest(seq)
{
    if
    :: seq > newest -> newest = seq
    :: else
    fi
}

/* take_over is qs_mcache_tx_join by the next producer. */
inline take_over()
{
    seq = bound;
    if
    :: line_seq[seq % DEPTH] > seq -> seq = line_seq[seq % DEPTH]
    :: else
    fi;
    turn = 0;
    do
    :: turn < DEPTH && line_seq[seq % DEPTH] == seq ->
        seq++;
        turn++
    :: else -> break
    od;
    assert(seq == newest + 1);
    assert(reserve >= newest);
    lo = seq;
    start = seq;
    enter(0);
    enter(1);
    enter(2);
    enter(3);
    seq = 0;
    turn = 0
}

#define ACCESSES(i)                                                                                \
    :: d_step { PENDING(i, P1) && MAY_P1(i) -> announce(i); perform(i, P1) }                       \
    :: d_step { PENDING(i, PAY) && MAY_PAY(i) -> data[SEQ(i) % WINDOW] = SEQ(i); perform(i, PAY) } \
    :: d_step { PENDING(i, P3) && MAY_P3(i) -> line_word[SEQ(i) % DEPTH] = SEQ(i); perform(i, P3) } \
    :: d_step { PENDING(i, P4) && MAY_P4(i) ->                                                     \
           line_seq[SEQ(i) % DEPTH] = SEQ(i); note_newest(SEQ(i)); perform(i, P4) }                \
    :: d_step { PENDING(i, P5) && MAY_P5(i) -> bound = SEQ(i) + 1; perform(i, P5) }                \
    :: d_step { PENDING(i, P5) && MAY_P5(i) -> perform(i, P5) } /* this time it does not sync */

proctype producer()
{
    byte seq, turn;

    do
    ACCESSES(0)
    ACCESSES(1)
    ACCESSES(2)
    ACCESSES(3)
    :: d_step { kills < KILLS && lo < END -> kills++; take_over() }
    :: atomic { lo == END -> all_published = true; break }
    od
}

/* The consumer's accesses of one round: bits of got. */
#define C1(i)   (1 << (i))
#define C2(i)   (4 << (i))
#define COPY(i) (16 << (i))
#define C4      64
#define C1_ALL  ((1 << TAKE) - 1)
#define ROUND   (C1_ALL * 21 + C4)

#define UPTO(i) ((2 << (i)) - 1) /* C1 of this and all before */
#define SAW(what) ((got & (what)) == (what))
#ifdef NO_C1_LINE
#define C1_LINE(i) true
#else
#define C1_LINE(i) SAW(UPTO(i))
#endif
#ifdef NO_C1_DATA
#define C1_DATA(i) true
#else
#define C1_DATA(i) SAW(UPTO(i))
#endif
#ifdef NO_C3_LINE
#define C3_LINE true
#else
#define C3_LINE SAW(C1_ALL << 2)
#endif
#ifdef NO_C3_DATA
#define C3_DATA true
#else
#define C3_DATA SAW(C1_ALL << 4)
#endif

#define MAY_C4 (SAW(C1_ALL) && C3_LINE && C3_DATA)

inline finish_round()
{
    got = 0;
    found[0] = 0;
    word[0] = 0;
    copy[0] = 0;
    found[TAKE - 1] = 0;
    word[TAKE - 1] = 0;
    copy[TAKE - 1] = 0;
    seen_reserve = 0;
    at_rest = false
}

inline check_valid(i)
{
    if
    :: i < cnt && next + i > seen_reserve - WINDOW ->
        assert(word[i] == next + i);
        assert(copy[i] == next + i)
    :: else
    fi
}

inline settle()
{
    cnt = 0;
    do
    :: cnt < TAKE && found[cnt] == next + cnt -> cnt++
    :: else -> break
    od;
    check_valid(0);
    check_valid(TAKE - 1);
    was = next;
    lapped = (cnt == 0 && found[0] > next) || (cnt > 0 && next <= seen_reserve - WINDOW);
    next = next + cnt;
    if
    :: lapped && seen_reserve - WINDOW / 2 > next -> next = seen_reserve - WINDOW / 2
    :: else
    fi;
    assert(!at_rest || next > was);
    cnt = 0;
    was = 0;
    lapped = false;
    finish_round()
}

#define LOADS(i)                                                                                   \
    :: d_step { !SAW(C1(i)) && SAW(UPTO(i) >> 1) -> found[i] = line_seq[(next + i) % DEPTH];       \
           got = got | C1(i) }                                                                     \
    :: d_step { !SAW(C2(i)) && C1_LINE(i) -> word[i] = line_word[(next + i) % DEPTH];              \
           got = got | C2(i) }                                                                     \
    :: d_step { !SAW(COPY(i)) && C1_DATA(i) -> copy[i] = data[(next + i) % WINDOW];                \
           got = got | COPY(i) }

proctype consumer()
{
    byte next = DEPTH, was, cnt;
    byte found[TAKE], word[TAKE], copy[TAKE];
    byte seen_reserve;
    byte got;
    bool lapped, at_rest;

    do
    :: d_step { got == 0 && all_published && !at_rest && line_seq[next % DEPTH] >= next ->
           at_rest = true }
    :: atomic { got == 0 && all_published && line_seq[next % DEPTH] < next ->
           assert(next == END); break }
    LOADS(0)
#if TAKE == 2
    LOADS(1)
#endif
    :: d_step { !SAW(C4) && MAY_C4 -> seen_reserve = reserve; got = got | C4 }
    :: d_step { SAW(C1(0)) && found[0] < next -> finish_round() } /* nothing there yet */
    :: d_step { got == ROUND -> settle() }
    od
}

init
{
    byte i;

    atomic {
        for (i : 0 .. DEPTH - 1) {
            line_seq[i] = i
        }
        enter(0);
        enter(1);
        enter(2);
        enter(3);
        run producer();
        run consumer()
    }
}

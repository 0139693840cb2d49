/* credit.pml - a reliable link: src/tango/qs_mcache.h with the credits of qs_fseq.h and qs_fctl.h.
   A consumer that never asks the ring afterwards still reads descriptor and payload whole.

   Each thread is a set of pending accesses that are performed in any order the labelled edges and
   the coherence of one location permit; memory is the same for all.  An edge is left out with
   -DNO_<edge>; each one left out must give an error:

       P4_DATA  payload -> P4      P4_LINE  P3 -> P4            C1_DATA  C1 -> payload
       C1_LINE  C1 -> C2           F1_DATA  payload -> F1       F1_LINE  C2 -> F1
       F2_DATA  F2 -> payload      F2_LINE  F2 -> P3

   A store that was performed ahead of the load it hangs on is a real execution only if that load
   then sees what it must.  So F2 and C1 are performed only when they do, and what went wrong is
   asserted at the end, when every access has been performed.

   Checked: nothing was read that is not fragment n's; all N fragments pass (no deadlock).

   Abstracted: one word of descriptor and one of payload; DEPTH lines and as many payloads; payload
   n in slot n % DEPTH; batches of one; one consumer (credits are the least of several); N fragments
   from sequence DEPTH on, no wrap; at most two fragments of each side are in flight.  The consumer
   may be killed once: what is pending is dropped, the next one goes on from fseq. */

#define DEPTH 2
#define N     5
#define AHEAD 2
#define END   (DEPTH + N)

byte line_seq[DEPTH];
byte line_word[DEPTH];
byte data[DEPTH];
byte fseq = DEPTH;
bool wrong;
byte done;

#define PENDING(i, what) (lo + (i) < END && !(did[i] & (what)))
#define HAS(i, what)     ((did[i] & (what)) == (what))

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
#ifdef NO_F2_DATA
#define F2_DATA(i) true
#else
#define F2_DATA(i) HAS(i, F2)
#endif
#ifdef NO_F2_LINE
#define F2_LINE(i) true
#else
#define F2_LINE(i) HAS(i, F2)
#endif
#ifdef NO_C1_DATA
#define C1_DATA(i) true
#else
#define C1_DATA(i) HAS(i, C1)
#endif
#ifdef NO_C1_LINE
#define C1_LINE(i) true
#else
#define C1_LINE(i) HAS(i, C1)
#endif
#ifdef NO_F1_DATA
#define F1_DATA(i) true
#else
#define F1_DATA(i) HAS(i, COPY)
#endif
#ifdef NO_F1_LINE
#define F1_LINE(i) true
#else
#define F1_LINE(i) HAS(i, C2)
#endif

inline perform(i, what, all)
{
    did[i] = did[i] | what;
    do
    :: did[0] == all ->
        did[0] = did[1];
        did[1] = 0;
        lo++
    :: else -> break
    od;
    skip
}

inline check(n, saw)
{
    if
    :: saw != n -> wrong = true
    :: else
    fi
}

/* F2 of a later fragment reads the same location later; P4 is a release for all before it. */
#define F2   1
#define PAY  2
#define P3   4
#define P4   8
#define EARLIER(i, what) ((i) == 0 || HAS(0, what))

#define PRODUCES(i)                                                                                \
    :: d_step { PENDING(i, F2) && EARLIER(i, F2) && lo + (i) < fseq + DEPTH ->                     \
           perform(i, F2, 15) }                                                                    \
    :: d_step { PENDING(i, PAY) && F2_DATA(i) ->                                                   \
           data[(lo + (i)) % DEPTH] = lo + (i); perform(i, PAY, 15) }                              \
    :: d_step { PENDING(i, P3) && F2_LINE(i) ->                                                    \
           line_word[(lo + (i)) % DEPTH] = lo + (i); perform(i, P3, 15) }                          \
    :: d_step { PENDING(i, P4) && HAS(i, F2) && EARLIER(i, P4) && P4_DATA(i) && P4_LINE(i) ->      \
           line_seq[(lo + (i)) % DEPTH] = lo + (i); perform(i, P4, 15) }

proctype producer()
{
    byte did[AHEAD];
    byte lo = DEPTH;

    do
    PRODUCES(0)
    PRODUCES(1)
    :: atomic { lo == END -> done++; break }
    od
}

#define C1   1
#define C2   2
#define COPY 4
#define F1   8

#define CONSUMES(i)                                                                                \
    :: d_step { PENDING(i, C1) && EARLIER(i, C1) && line_seq[(lo + (i)) % DEPTH] == lo + (i) ->    \
           perform(i, C1, 15) }                                                                    \
    :: d_step { PENDING(i, C2) && C1_LINE(i) ->                                                    \
           check(lo + (i), line_word[(lo + (i)) % DEPTH]); perform(i, C2, 15) }                    \
    :: d_step { PENDING(i, COPY) && C1_DATA(i) ->                                                  \
           check(lo + (i), data[(lo + (i)) % DEPTH]); perform(i, COPY, 15) }                       \
    :: d_step { PENDING(i, F1) && HAS(i, C1) && EARLIER(i, F1) && F1_DATA(i) && F1_LINE(i) ->      \
           fseq = lo + (i) + 1; perform(i, F1, 15) }

proctype consumer()
{
    byte did[AHEAD];
    byte lo = DEPTH;
    bool killed;

    do
    CONSUMES(0)
    CONSUMES(1)
    :: d_step { !killed && lo < END && !wrong -> killed = true; did[0] = 0; did[1] = 0; lo = fseq }
    :: atomic { lo == END -> done++; break }
    od
}

init
{
    byte i;

    atomic {
        for (i : 0 .. DEPTH - 1) {
            line_seq[i] = i
        }
        run producer();
        run consumer()
    }
    done == 2;
    assert(!wrong)
}

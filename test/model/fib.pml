/* fib.pml - the lock of src/waltz/ip/qs_fib.h: a reader whose two looks at seq agree saw no mixture.

   Each side is a set of pending accesses that are performed in any order the labelled edges and
   the coherence of one location permit; memory is the same for all.  An edge is left out with
   -DNO_<edge>; each one left out must give an error:

       W2  W1 -> the change        W4  the change -> W4
       R1  R1 -> what is read      R3  what is read -> R4

   Checked: if R1 is even and R4 the same, both words are of one and the same change.

   Abstracted: two words stand for all that a change writes; CHANGES changes; one reader, one try. */

#define CHANGES 2

#define W1 1
#define A  2
#define B  4
#define W4 8

byte seq, a, b;
byte wrote[CHANGES];

#define DONE(c, what) ((wrote[c] & (what)) == (what))
#define BEFORE(c, what) ((c) == 0 || DONE((c) - 1, what)) /* coherence of one location */

#ifdef NO_W2
#define W2_EDGE(c) true
#else
#define W2_EDGE(c) DONE(c, W1)
#endif
#ifdef NO_W4
#define W4_EDGE(c) true
#else
#define W4_EDGE(c) DONE(c, A | B)
#endif

active proctype writer()
{
    byte c;
    do
    :: atomic { select(c : 0 .. CHANGES - 1);
        if
        :: !DONE(c, W1) && BEFORE(c, W4) -> seq = 2 * c + 1; wrote[c] = wrote[c] | W1
        :: !DONE(c, A) && BEFORE(c, A) && W2_EDGE(c) -> a = c + 1; wrote[c] = wrote[c] | A
        :: !DONE(c, B) && BEFORE(c, B) && W2_EDGE(c) -> b = c + 1; wrote[c] = wrote[c] | B
        :: !DONE(c, W4) && DONE(c, W1) && W4_EDGE(c) -> seq = 2 * c + 2; wrote[c] = wrote[c] | W4
        :: else
        fi }
    :: DONE(CHANGES - 1, W1 | A | B | W4) -> break
    od
}

#define R1 1
#define RA 2
#define RB 4
#define R4 8

#ifdef NO_R1
#define R1_EDGE true
#else
#define R1_EDGE (read & R1)
#endif
#ifdef NO_R3
#define R3_EDGE true
#else
#define R3_EDGE ((read & (RA | RB)) == (RA | RB))
#endif

active proctype reader()
{
    byte read, first, again, got_a, got_b;
    do
    :: atomic { !(read & R1) -> first = seq; read = read | R1 }
    :: atomic { !(read & RA) && R1_EDGE -> got_a = a; read = read | RA }
    :: atomic { !(read & RB) && R1_EDGE -> got_b = b; read = read | RB }
    :: atomic { !(read & R4) && (read & R1) && R3_EDGE -> again = seq; read = read | R4 }
    :: read == (R1 | RA | RB | R4) -> break
    od;
    assert(first % 2 || first != again || got_a == got_b)
}

/* qs_text - small things about text: UTF-8, quoting, folding, and guessing what was meant.

   Threads: any.  Blocks: on the FILE written to.  Allocates: never. */

#ifndef QS_APP_TEXT_H
#define QS_APP_TEXT_H

#include "tango/base/qs_base.h"

/* qs_text_utf8 returns the length of the UTF-8 character at text, of sz > 0 bytes: 1 to 4, or 0
   when it is not valid (overlong, surrogate, above U+10FFFF, cut). */
u32 qs_text_utf8(char const *text, size_t sz);

/* qs_text_is_utf8 tells whether all of text is valid UTF-8. */
bool qs_text_is_utf8(char const *text, size_t sz);

/* qs_text_printable copies text to dst, of cap > 4 bytes: control characters and what is not
   UTF-8 become '?', and what does not fit becomes "...".  A character is never cut. */
void qs_text_printable(char *dst, size_t cap, char const *text, size_t sz);

/* qs_text_write_quoted writes a string with its quotes, escaped as TOML and JSON both demand.
   What is not UTF-8 becomes '?'. */
void qs_text_write_quoted(FILE *out, char const *text);

/* qs_text_write_folded writes words in lines of at most width bytes, each after the prefix. */
void qs_text_write_folded(FILE *out, char const *prefix, u32 width, char const *text);

/* qs_text_distance returns how many letters one must insert, delete, replace or swap with their
   neighbour to turn a into b; texts longer than 63 bytes are as far apart as can be. */
u32 qs_text_distance(char const *a, char const *b);

/* The name of the program, for messages: "quickstep", unless qs_text_program_is was given another
   argv[0]. */
void qs_text_program_is(char const *argv0);
char const *qs_text_program(void);

/* qs_text_named copies text to dst, of cap bytes, and gives the commands in it, which are written
   `quickstep x`, the name of the program. */
void qs_text_named(char *dst, size_t cap, char const *text);

#define QS_TEXT_GUESS_MAX 64u

/* A search for the candidate that is nearest to what somebody wrote.  Start with {.wrote = ..},
   offer every candidate, then read best: empty when none is near enough to be meant. */
typedef struct qs_text_guess {
    char const *wrote;
    char best[QS_TEXT_GUESS_MAX];
    u32 distance;
} qs_text_guess_t;

/* qs_text_guess_offer considers one candidate, and keeps a copy of the best; the first of equally
   near ones wins. */
void qs_text_guess_offer(qs_text_guess_t *guess, char const *candidate);

#endif

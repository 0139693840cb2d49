/* qs_mon_cells - what a view draws into: lines of characters with a look each, ours and without a
   terminal.  Characters are ASCII; a look only repeats what the characters say.

   Threads: one.  Blocks: write does, on the stream.  Allocates: never. */

#ifndef QS_APP_MONITOR_MON_CELLS_H
#define QS_APP_MONITOR_MON_CELLS_H

#include <stdio.h>

#include "tango/base/qs_base.h"

#define QS_MON_W_MAX 256u
#define QS_MON_H_MAX 128u

typedef enum qs_mon_tone {
    QS_MON_PLAIN,
    QS_MON_HEAD,
    QS_MON_GOOD,
    QS_MON_WARN,
    QS_MON_BAD,
    QS_MON_PICKED,
    QS_MON_TONE_CNT
} qs_mon_tone_t;

typedef struct qs_mon_cells {
    u32 w, h;
    char text[QS_MON_H_MAX][QS_MON_W_MAX];
    u8 tone[QS_MON_H_MAX][QS_MON_W_MAX];
} qs_mon_cells_t;

/* qs_mon_cells_clear makes it w by h, at most the maxima, and all spaces. */
void qs_mon_cells_clear(qs_mon_cells_t *c, u32 w, u32 h);

/* qs_mon_put writes text at x, y, cut at the right edge; what is not printable becomes '?'.  Nothing
   happens outside.  Returns the column behind it. */
u32 qs_mon_put(qs_mon_cells_t *c, u32 x, u32 y, qs_mon_tone_t tone, char const *text);
u32 qs_mon_putf(qs_mon_cells_t *c, u32 x, u32 y, qs_mon_tone_t tone, char const *format, ...)
    __attribute__((format(printf, 5, 6)));

/* qs_mon_bar writes into out, of width + 1 bytes, cnt parts of whole as a row of their letters; what
   is left over is '.'. */
void qs_mon_bar(char *out, u32 width, double const *part, char const *letter, u32 cnt,
                double whole);

/* qs_mon_cells_write prints the lines, without spaces at their ends or empty lines at the end. */
void qs_mon_cells_write(qs_mon_cells_t const *c, FILE *out);

#endif

/* qs_mon_screen - shows cells on a terminal, and gives it back as it was however the program ends.

   Threads: one.  Blocks: key waits.  Allocates: ncurses does. */

#ifndef QS_APP_MONITOR_MON_SCREEN_H
#define QS_APP_MONITOR_MON_SCREEN_H

#include "app/monitor/qs_mon_cells.h"

typedef enum qs_mon_key {
    QS_MON_KEY_NONE, /* time is up, or the size changed */
    QS_MON_KEY_UP = 256,
    QS_MON_KEY_DOWN,
    QS_MON_KEY_LEFT,
    QS_MON_KEY_RIGHT,
    QS_MON_KEY_PAGE_UP,
    QS_MON_KEY_PAGE_DOWN,
    QS_MON_KEY_HOME,
    QS_MON_KEY_END,
    QS_MON_KEY_BACK,
    QS_MON_KEY_BACK_TAB,
    QS_MON_KEY_QUIT, /* a signal asked for the end */
} qs_mon_key_t;

/* qs_mon_screen_open takes the terminal.  Returns 0, or -ENOTTY if it cannot be drawn on. */
int qs_mon_screen_open(void);
void qs_mon_screen_close(void);

/* qs_mon_screen_size returns what there is now. */
void qs_mon_screen_size(u32 *w, u32 *h);

/* qs_mon_screen_show draws the cells; what did not change is not sent. */
void qs_mon_screen_show(qs_mon_cells_t const *c);

/* qs_mon_screen_key waits at most that long.  Returns a letter or a qs_mon_key_t. */
int qs_mon_screen_key(int timeout_ms);

#endif

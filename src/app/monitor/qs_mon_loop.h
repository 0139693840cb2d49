/* qs_mon_loop - the full-screen monitor: keys, refreshes, and which instance is looked at.

   Threads: one.  Blocks: until the user quits.  Allocates: yes. */

#ifndef QS_APP_MONITOR_MON_LOOP_H
#define QS_APP_MONITOR_MON_LOOP_H

#include "app/monitor/qs_mon_view.h"

#define QS_MON_REFRESH_MS 500

/* qs_mon_ui_key does what a key asks of the view.  A key that is not its own changes nothing. */
void qs_mon_ui_key(qs_mon_ui_t *ui, int key);

/* qs_mon_next writes which instance comes after name, by name, living ones only if there are any;
   after the last and for "" the first.  Returns false if there is none. */
bool qs_mon_next(char const *name, char next[QS_INSTANCE_NAME_MAX + 1]);

/* qs_mon_loop shows instance a until the user quits; a may be another afterwards, and is open or
   zeroed.  Returns 0, or -ENOTTY if there is no terminal that can be drawn on. */
int qs_mon_loop(qs_attach_t *a, qs_mon_ui_t *ui, qs_topo_t const *const *topos);

#endif

/* qs_dev_shred - what the lab says of shreds: how many came, which sets and blocks they made, what was
   recovered, and what was refused why.

   Threads: one.  Blocks: on the terminal.  Allocates: never. */

#ifndef QS_APP_DEV_SHRED_H
#define QS_APP_DEV_SHRED_H

#include "disco/qs_attach.h"

/* qs_dev_shred_received returns how many datagrams the shred tile took; 0 if there is none. */
u64 qs_dev_shred_received(qs_attach_t const *a);

/* qs_dev_shred_json prints ,"shreds":{..} and qs_dev_shred_text lines; nothing if the node has no
   shred tile. */
void qs_dev_shred_json(qs_attach_t const *a);
void qs_dev_shred_text(qs_attach_t const *a);

/* qs_dev_shred_sum_text prints the sums alone. */
void qs_dev_shred_sum_text(qs_attach_t const *a);

#endif

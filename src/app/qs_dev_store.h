/* qs_dev_store - what the lab says of blocks: which slots were complete and good, which were not and why.

   Threads: one.  Blocks: on the terminal.  Allocates: never. */

#ifndef QS_APP_DEV_STORE_H
#define QS_APP_DEV_STORE_H

#include "disco/qs_attach.h"

/* qs_dev_store_busy says whether the store tile has something to judge, or sets on the way to it. */
bool qs_dev_store_busy(qs_attach_t const *a);

/* qs_dev_store_json prints ,"blocks":{..} and qs_dev_store_text lines; nothing if the node has no store
   tile. */
void qs_dev_store_json(qs_attach_t const *a);
void qs_dev_store_text(qs_attach_t const *a);

#endif

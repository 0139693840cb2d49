/* qs_slot_text - a slot, for people and for programs.

   Threads: one.  Blocks: on the terminal.  Allocates: never. */

#ifndef QS_APP_SLOT_TEXT_H
#define QS_APP_SLOT_TEXT_H

#include "disco/store/qs_slots.h"

/* qs_slot_text_json prints the fields of an object, without its braces. */
void qs_slot_text_json(qs_slot_info_t const *s);

/* qs_slot_text_head prints the names of the columns of qs_slot_text_line. */
void qs_slot_text_head(void);
void qs_slot_text_line(qs_slot_info_t const *s);

/* qs_slot_text_hex prints sz bytes. */
void qs_slot_text_hex(u8 const *data, u64 sz);

#endif

/* qs_config_set - sets one option from one value, after checking type, limits and form.

   A value comes from a file, with its TOML type, or from outside (environment, --set), as plain
   text: nothing is quoted there, and the items of a list are separated by commas.

   Threads: one per cfg.  Blocks: never.  Allocates: never. */

#ifndef QS_APP_CONFIG_SET_H
#define QS_APP_CONFIG_SET_H

#include "app/qs_errors.h"
#include "app/qs_toml.h"
#include "disco/qs_config.h"

/* One option in one struct. */
typedef struct qs_config_slot {
    void *cfg;
    qs_config_section_t const *section;
    qs_config_row_t const *row;
    u32 idx; /* which [[section]]; 0 for a plain one */
} qs_config_slot_t;

/* Where a value stands, and where to complain about it. */
typedef struct qs_config_from {
    qs_error_list_t *errors;
    char const *where;
    u32 line, col; /* 0: from outside */
} qs_config_from_t;

/* All of these return true, or add one error and return false, and then the option keeps its
   old value or, a list, the items before the bad one. */

/* qs_config_set_value sets an option that is not a list. */
bool qs_config_set_value(qs_config_slot_t slot, qs_toml_value_t const *value,
                         qs_config_from_t from);

/* qs_config_set_list empties a list; qs_config_add_item appends to it. */
bool qs_config_set_list(qs_config_slot_t slot, qs_config_from_t from);
bool qs_config_add_item(qs_config_slot_t slot, qs_toml_value_t const *item, qs_config_from_t from);

/* qs_config_set_text sets any option from plain text. */
bool qs_config_set_text(qs_config_slot_t slot, char const *text, qs_config_from_t from);

/* qs_config_default_text writes the default of an option as TOML writes it, cut to cap bytes. */
void qs_config_default_text(qs_config_row_t const *row, char *text, size_t cap);

#endif

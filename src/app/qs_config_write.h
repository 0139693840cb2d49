/* qs_config_write - everything that is made from the option table for people and programs.

   Threads: any.  Blocks: on the FILE written to.  Allocates: never. */

#ifndef QS_APP_CONFIG_WRITE_H
#define QS_APP_CONFIG_WRITE_H

#include "disco/qs_config.h"

/* qs_config_write_toml writes cfg as a file that loads to the same cfg.  With notes each line has
   its help and limits, and repeated sections are explained: config/default.toml is that, for the
   defaults. */
void qs_config_write_toml(FILE *out, qs_config_table_t const *table, void const *cfg, bool notes);

/* qs_config_write_json writes cfg as one JSON object on one line; [a.b] is inside of "a". */
void qs_config_write_json(FILE *out, qs_config_table_t const *table, void const *cfg);

/* qs_config_write_md writes docs/config.md: sources, then a table of options per section. */
void qs_config_write_md(FILE *out, qs_config_table_t const *table);

/* qs_config_write_help writes the same for a terminal; qs_config_write_help_json for programs:
   {"options":[{"section","key","kind","default","min","max","items","repeat","form","names","env",
   "help"}]}.  min and max of strings count bytes; items is 0 unless it is a list, repeat 0 unless the
   section may stand several times; names is empty unless it is an enum. */
void qs_config_write_help(FILE *out, qs_config_table_t const *table);
void qs_config_write_help_json(FILE *out, qs_config_table_t const *table);

#endif

/* qs_config_load - where options come from, and who wins.

       defaults  <  file (--config FILE)  <  environment  <  --set section.key=value

   File:         TOML; `schema_version` may stand first.  An option or section that is not known,
                 or stands twice, is refused.
   Environment:  QUICKSTEP_SECTION_KEY in upper case.  Any other QUICKSTEP_* name is refused, but
                 for QUICKSTEP_CPU, which is no option.
   --set:        a later one overrides an earlier one.
   Repeated sections from outside have their number in the name, without gaps:
                 shred.source.0.name, QUICKSTEP_SHRED_SOURCE_0_NAME; the number after the last adds
                 a section, a smaller one changes what is there.
   From outside values are plain text: no quotes, list items separated by commas.

   Threads: one per cfg.  Blocks: while the file is read.  Allocates: the file's text, meanwhile. */

#ifndef QS_APP_CONFIG_LOAD_H
#define QS_APP_CONFIG_LOAD_H

#include "app/qs_errors.h"
#include "disco/qs_config.h"

#define QS_CONFIG_FILE_MAX (1u << 20) /* bytes of a file */

typedef struct qs_config_sources {
    char const *file;       /* NULL: none */
    char const *const *env; /* like environ; NULL: none */
    char const *const *set; /* set_cnt arguments of --set */
    u32 set_cnt;
} qs_config_sources_t;

/* qs_config_load fills cfg, a struct of this table, from its defaults and the sources.
   Returns 0, or -EINVAL with at least one error added; cfg is then of no use.  Errors come in the
   order of the sources, and reading goes on after one as far as it can. */
int qs_config_load(qs_config_table_t const *table, void *cfg, qs_config_sources_t const *sources,
                   qs_error_list_t *errors);

/* qs_config_load_text does the same with a file that is in memory already, and nothing else. */
int qs_config_load_text(qs_config_table_t const *table, void *cfg, char const *where,
                        char const *text, size_t sz, qs_error_list_t *errors);

/* qs_config_env_name writes the name of the variable that sets an option, cut to cap bytes. */
void qs_config_env_name(qs_config_section_t const *section, u32 idx, qs_config_row_t const *row,
                        char *name, size_t cap);

#endif

/* qs_toml - reads the part of TOML 1.0 that configurations need, one event at a time.

       schema_version = 1          VALUE       key "schema_version"
       [net]                       TABLE       key "net"
       tiles = 0x2                 VALUE       key "tiles", an integer
       cores = [1,                 ARRAY       key "cores"
                2]                 ITEM, ITEM, ARRAY_END
       [[shred.source]]            TABLE_ITEM  key "shred.source"
                                   END

   Read: comments, tables, arrays of tables, dotted and quoted keys, basic and literal strings,
   integers (decimal, 0x, 0o, 0b, underscores), booleans, arrays of these over several lines.
   Refused by name: floats, dates, inline tables, nested arrays, multi-line strings, quoted keys
   that need their quotes.  Integers may use all 64 bits unsigned.  Whether a key or a table is
   known, or stands twice, is for the caller to say.

   Columns count characters from 1, a tab being one.

   Threads: one per reader.  Blocks: never.  Allocates: never.  Needs: the text to stay as it is
   while it is read. */

#ifndef QS_APP_TOML_H
#define QS_APP_TOML_H

#include "app/qs_errors.h"

#define QS_TOML_KEY_MAX 127u  /* bytes of a dotted key */
#define QS_TOML_STR_MAX 1023u /* bytes of a string */

typedef enum qs_toml_event {
    QS_TOML_END,
    QS_TOML_TABLE,
    QS_TOML_TABLE_ITEM,
    QS_TOML_VALUE,
    QS_TOML_ARRAY,
    QS_TOML_ITEM,
    QS_TOML_ARRAY_END,
    QS_TOML_ERROR,
} qs_toml_event_t;

typedef enum qs_toml_type { QS_TOML_STR, QS_TOML_INT, QS_TOML_BOOL } qs_toml_type_t;

typedef struct qs_toml_value {
    qs_toml_type_t type;
    bool flag;                      /* BOOL */
    bool negative;                  /* INT: the value is -number */
    u64 number;                     /* INT */
    char const *raw;                /* as it was written, quotes and all, raw_sz */
    size_t raw_sz;                  /* bytes, part of the text that is read */
    u32 line, col;                  /* of its first character */
    char text[QS_TOML_STR_MAX + 1]; /* STR: UTF-8 without 0, ends with 0 */
} qs_toml_value_t;

typedef struct qs_toml {
    char key[QS_TOML_KEY_MAX + 1]; /* of the last event, parts joined by dots */
    u32 key_line, key_col;
    qs_toml_value_t value; /* of the last VALUE or ITEM */

    /* private */
    char const *pos_, *end_, *line_start_, *col_at_;
    u32 line_, col_;
    bool in_array_, failed_;
    qs_error_list_t *errors_;
    char const *where_;
} qs_toml_t;

/* qs_toml_init starts to read sz bytes of text.  where names it in errors, which are added to
   errors; both must outlive the reader.  A byte order mark at the start is skipped. */
void qs_toml_init(qs_toml_t *toml, char const *where, char const *text, size_t sz,
                  qs_error_list_t *errors);

/* qs_toml_next returns the next event.  QS_TOML_ERROR has added exactly one error, CFG_SYNTAX or
   CFG_SUBSET, and, like QS_TOML_END, comes again for ever. */
qs_toml_event_t qs_toml_next(qs_toml_t *toml);

/* qs_toml_int_parse reads one integer as TOML writes it, all of text.
   Returns 0, -EINVAL, or -ERANGE when it needs more than 64 bits. */
int qs_toml_int_parse(char const *text, size_t sz, u64 *number, bool *negative);

#endif

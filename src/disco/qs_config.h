/* qs_config - the options: one struct that every tile may read, and the table that describes it.

   Both are made from qs_config.def, the only place where an option is written; a program with
   tiles of its own may add a file of the same kind (qs_config_struct.def):

       qs_config.def --> qs_config_t          cfg->verify.tiles, cfg->shred_source[0].port
                     --> qs_config_table      names, defaults, limits, help: whatever reads or
                                              prints options walks it and knows no option by name

   qs_config_t holds no pointer and is copied into shared memory as it is.  Unused bytes of
   strings, lists and repeated sections are 0, so equal configurations compare equal with memcmp.
   Strings are UTF-8 and end with 0.  An enum option holds QS_CONFIG_<section>_<key>_<name>.

   Threads: any.  Blocks: never.  Allocates: never. */

#ifndef QS_DISCO_CONFIG_H
#define QS_DISCO_CONFIG_H

#include "tango/base/qs_base.h"

/* The version of the file format.  It grows when a file that was right would be read otherwise. */
#define QS_CONFIG_SCHEMA 1u

/* Bounds of any table: readers keep an array of this size, and qs_config_table obeys them. */
#define QS_CONFIG_SECTION_MAX 64u
#define QS_CONFIG_ROW_MAX     64u
#define QS_CONFIG_REPEAT_MAX  16u

/* clang-format off */

/* QS_CONFIG_EACH_(X, s, k, a, b, ...) is X(s, k, a) X(s, k, b) ..., for one to eight names. */
#define QS_CONFIG_EACH_(X, s, k, ...)                                                              \
    QS_CONFIG_PICK_(__VA_ARGS__, QS_CONFIG_8_, QS_CONFIG_7_, QS_CONFIG_6_, QS_CONFIG_5_,           \
                    QS_CONFIG_4_, QS_CONFIG_3_, QS_CONFIG_2_, QS_CONFIG_1_, 0)(X, s, k, __VA_ARGS__)
#define QS_CONFIG_PICK_(a, b, c, d, e, f, g, h, pick, ...) pick
#define QS_CONFIG_1_(X, s, k, a)      X(s, k, a)
#define QS_CONFIG_2_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_1_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_3_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_2_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_4_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_3_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_5_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_4_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_6_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_5_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_7_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_6_(X, s, k, __VA_ARGS__)
#define QS_CONFIG_8_(X, s, k, a, ...) X(s, k, a) QS_CONFIG_7_(X, s, k, __VA_ARGS__)

/* QS_CONFIG_log_level_debug and the like. */
#define QS_CONFIG_NAME_(s, k, name)    QS_CONFIG_##s##_##k##_##name,

#define QS_CONFIG_PASTE_(a, b)  QS_CONFIG_PASTE2_(a, b)
#define QS_CONFIG_PASTE2_(a, b) a##b
/* clang-format on */

typedef enum qs_config_kind {
    QS_CONFIG_BOOL,
    QS_CONFIG_U32,
    QS_CONFIG_POW2, /* a u32 that is a power of two */
    QS_CONFIG_U64,
    QS_CONFIG_STR,
    QS_CONFIG_ENUM,
    QS_CONFIG_LIST_U32,
    QS_CONFIG_LIST_STR,
} qs_config_kind_t;

/* What a string must look like, beyond its length. */
typedef enum qs_config_form {
    QS_CONFIG_ANY,
    QS_CONFIG_ADDR, /* an IPv4 address, or empty when min is 0 */
    QS_CONFIG_CPUS, /* "auto", or numbers and ranges: "0-3,5" */
} qs_config_form_t;

/* One option.  Columns that its kind has no use for are 0. */
typedef struct qs_config_row {
    char const *key;
    char const *help;
    char const *str;          /* default of STR */
    char const *const *names; /* of ENUM, name_cnt of them; the value is the index */
    u64 dflt, min, max;       /* of numbers; min and max of strings count bytes */
    u32 name_cnt;
    u32 item_max; /* of lists */
    u32 off;      /* of the field, in the struct of its section */
    u32 cnt_off;  /* of the u32 that counts a list's items, likewise */
    qs_config_kind_t kind;
    qs_config_form_t form;
} qs_config_row_t;

typedef struct qs_config_section {
    char const *name; /* in TOML: "shred.source" */
    char const *help;
    qs_config_row_t const *row;
    u32 row_cnt;
    u32 off;     /* of the section, in the whole struct */
    u32 sz;      /* of one section */
    u32 max;     /* how often [[name]] may stand; 0: a plain [name] */
    u32 cnt_off; /* of the u32 that counts repeated sections */
} qs_config_section_t;

/* An option that goes by another name elsewhere or once did: "section.key" both. */
typedef struct qs_config_rename {
    char const *was, *is;
} qs_config_rename_t;

/* Functions take the table as an argument, so that tests can bring one of their own. */
typedef struct qs_config_table {
    qs_config_section_t const *section;
    qs_config_rename_t const *rename;
    u32 section_cnt, rename_cnt;
    u32 sz; /* of the whole struct */
} qs_config_table_t;

/* What options of its own a program may bring, in bytes of their struct. */
#define QS_CONFIG_OWN_SZ 8192u

/* qs_config_t and qs_config_rows, what qs_config.def says. */
#define QS_CONFIG_DEF  "disco/qs_config.def"
#define QS_CONFIG_TYPE qs_config
#define QS_CONFIG_TAIL u64 own[QS_CONFIG_OWN_SZ / 8]; /* see qs_config_extend */
#include "disco/qs_config_struct.def"
#undef QS_CONFIG_DEF
#undef QS_CONFIG_TYPE
#undef QS_CONFIG_TAIL
#define QS_CONFIG_TAIL

/* The table of qs_config_t: qs_config_rows, and the sections that the program brought.  Nobody but
   qs_config_extend changes it. */
extern qs_config_table_t qs_config_table;

/* qs_config_extend adds a program's own sections (qs_config_struct.def) to qs_config_table.  Call
   it once, first of all.  Returns 0, -EEXIST (a section of that name is there already),
   -ENOSPC (too many sections, or a struct of more than QS_CONFIG_OWN_SZ) or -EALREADY. */
int qs_config_extend(qs_config_table_t const *own);

/* qs_config_own returns the struct of the program's own options inside cfg. */
void const *qs_config_own(qs_config_t const *cfg);

/* qs_config_init sets every byte of cfg, a struct of this table: the defaults, no repeated
   section, empty lists. */
void qs_config_init(qs_config_table_t const *table, void *cfg);

/* qs_config_at returns instance idx of a section (0 for a plain one) inside cfg.
   The caller knows that idx < max. */
void *qs_config_at(void *cfg, qs_config_section_t const *section, u32 idx);
void const *qs_config_at_const(void const *cfg, qs_config_section_t const *section, u32 idx);

/* qs_config_cnt returns how many instances of a section cfg holds: 1 for a plain one. */
u32 qs_config_cnt(void const *cfg, qs_config_section_t const *section);

/* qs_config_number returns the value of a number (U32, POW2, U64) in a plain section; of any other
   kind of option 0. */
u64 qs_config_number(void const *cfg, qs_config_section_t const *section,
                     qs_config_row_t const *row);

/* qs_config_append adds an instance with the section's defaults.
   Returns its index, or -ENOSPC when there are max already. */
int qs_config_append(void *cfg, qs_config_section_t const *section);

#endif

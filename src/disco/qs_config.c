#include "disco/qs_config.h"

/* Names that an option no longer has, or has in other validators.  Rows stay: old files do too. */
static qs_config_rename_t const renames[] = {
    {"net.interface", "net.iface"},
};

/* clang-format off */
#define NAME(s, k, name)               #name,
#define QS_ENUM(s, k, dflt, help, ...)                                                             \
    static char const *const s##_##k##_names[] = {QS_CONFIG_EACH_(NAME, s, k, __VA_ARGS__)};
#include "disco/qs_config.def"

#define OFF(s, k)   offsetof(qs_config_##s##_t, k)
#define COMMON(s, k, h, knd) .key = #k, .help = h, .off = OFF(s, k), .kind = QS_CONFIG_##knd

#define QS_SECTION(s, h)        static qs_config_row_t const s##_rows[] = {
#define QS_REPEAT(s, n, m, h)   static qs_config_row_t const s##_rows[] = {
#define QS_END(s)               };
#define QS_BOOL(s, k, d, h)         {COMMON(s, k, h, BOOL), .dflt = d, .max = 1},
#define QS_U32(s, k, d, lo, hi, h)  {COMMON(s, k, h, U32), .dflt = d, .min = lo, .max = hi},
#define QS_POW2(s, k, d, lo, hi, h) {COMMON(s, k, h, POW2), .dflt = d, .min = lo, .max = hi},
#define QS_U64(s, k, d, lo, hi, h)  {COMMON(s, k, h, U64), .dflt = d, .min = lo, .max = hi},
#define QS_STR(s, k, d, lo, hi, f, h)                                                              \
    {COMMON(s, k, h, STR), .str = d, .min = lo, .max = hi, .form = QS_CONFIG_##f},
#define QS_ENUM(s, k, d, h, ...)                                                                   \
    {COMMON(s, k, h, ENUM), .dflt = QS_CONFIG_##s##_##k##_##d,                                     \
     .max = QS_COUNT(s##_##k##_names) - 1, .names = s##_##k##_names,                               \
     .name_cnt = QS_COUNT(s##_##k##_names)},
#define QS_LIST_U32(s, k, n, lo, hi, h)                                                            \
    {COMMON(s, k, h, LIST_U32), .min = lo, .max = hi, .item_max = n, .cnt_off = OFF(s, k##_cnt)},
#define QS_LIST_STR(s, k, n, lo, hi, f, h)                                                         \
    {COMMON(s, k, h, LIST_STR), .min = lo, .max = hi, .item_max = n, .cnt_off = OFF(s, k##_cnt),   \
     .form = QS_CONFIG_##f},
#include "disco/qs_config.def"

#define PLACE(s) .row = s##_rows, .row_cnt = QS_COUNT(s##_rows), .off = offsetof(qs_config_t, s),  \
                 .sz = sizeof(qs_config_##s##_t)
static qs_config_section_t const sections[] = {
#define QS_SECTION(s, h)      {.name = #s, .help = h, PLACE(s)},
#define QS_REPEAT(s, n, m, h) {.name = n, .help = h, PLACE(s), .max = m,                           \
                               .cnt_off = offsetof(qs_config_t, s##_cnt)},
#include "disco/qs_config.def"
};

#define QS_END(s) _Static_assert(QS_COUNT(s##_rows) <= QS_CONFIG_ROW_MAX, "raise the bound");
#include "disco/qs_config.def"
#define QS_REPEAT(s, n, m, h) _Static_assert(m <= QS_CONFIG_REPEAT_MAX, "raise the bound");
#include "disco/qs_config.def"
_Static_assert(QS_COUNT(sections) <= QS_CONFIG_SECTION_MAX, "raise the bound");
/* clang-format on */

qs_config_table_t const qs_config_table = {
    .section = sections,
    .section_cnt = QS_COUNT(sections),
    .rename = renames,
    .rename_cnt = QS_COUNT(renames),
    .sz = sizeof(qs_config_t),
};

static void
set_default(u8 *field, qs_config_row_t const *row)
{
    u32 number = (u32)row->dflt;
    bool flag = row->dflt != 0;

    switch (row->kind) {
    case QS_CONFIG_BOOL:
        memcpy(field, &flag, sizeof(flag));
        return;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_ENUM:
        memcpy(field, &number, sizeof(number));
        return;
    case QS_CONFIG_U64:
        memcpy(field, &row->dflt, sizeof(row->dflt));
        return;
    case QS_CONFIG_STR:
        QS_ASSERT(strlen(row->str) <= row->max);
        memcpy(field, row->str, strlen(row->str));
        return;
    case QS_CONFIG_LIST_U32:
    case QS_CONFIG_LIST_STR:
        return;
    }
}

/* section_init sets the rows only: padding is the caller's, who has cleared all of it. */
static void
section_init(u8 *at, qs_config_section_t const *section)
{
    for (u32 i = 0; i < section->row_cnt; i++)
        set_default(at + section->row[i].off, &section->row[i]);
}

void
qs_config_init(qs_config_table_t const *table, void *cfg)
{
    memset(cfg, 0, table->sz);
    for (u32 i = 0; i < table->section_cnt; i++)
        if (!table->section[i].max)
            section_init(qs_config_at(cfg, &table->section[i], 0), &table->section[i]);
}

void *
qs_config_at(void *cfg, qs_config_section_t const *section, u32 idx)
{
    return (u8 *)cfg + section->off + (size_t)idx * section->sz;
}

void const *
qs_config_at_const(void const *cfg, qs_config_section_t const *section, u32 idx)
{
    return (u8 const *)cfg + section->off + (size_t)idx * section->sz;
}

u32
qs_config_cnt(void const *cfg, qs_config_section_t const *section)
{
    if (!section->max)
        return 1;
    u32 cnt;
    memcpy(&cnt, (u8 const *)cfg + section->cnt_off, sizeof(cnt));
    return cnt;
}

int
qs_config_append(void *cfg, qs_config_section_t const *section)
{
    u32 idx = qs_config_cnt(cfg, section);
    if (idx >= section->max)
        return -ENOSPC;
    section_init(qs_config_at(cfg, section, idx), section);
    u32 cnt = idx + 1;
    memcpy((u8 *)cfg + section->cnt_off, &cnt, sizeof(cnt));
    return (int)idx;
}

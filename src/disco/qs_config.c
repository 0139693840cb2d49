#include "disco/qs_config.h"

/* Names that an option no longer has, or has in other validators.  Rows stay: old files do too. */
static qs_config_rename_t const renames[] = {
    {"net.interface", "net.iface"},
};

#define QS_CONFIG_DEF  "disco/qs_config.def"
#define QS_CONFIG_TYPE qs_config
#include "disco/qs_config_rows.def"

qs_config_table_t qs_config_table = {
    .section = qs_config_sections_,
    .section_cnt = QS_COUNT(qs_config_sections_),
    .rename = renames,
    .rename_cnt = QS_COUNT(renames),
    .sz = sizeof(qs_config_t),
};

int
qs_config_extend(qs_config_table_t const *own)
{
    static qs_config_section_t all[QS_CONFIG_SECTION_MAX];
    u32 cnt = qs_config_table.section_cnt;

    if (qs_config_table.section == all)
        return -EALREADY;
    if (own->section_cnt > QS_CONFIG_SECTION_MAX - cnt || own->sz > QS_CONFIG_OWN_SZ)
        return -ENOSPC;
    memcpy(all, qs_config_table.section, cnt * sizeof(all[0]));
    for (u32 i = 0; i < own->section_cnt; i++) {
        for (u32 k = 0; k < cnt; k++)
            if (!strcmp(own->section[i].name, all[k].name))
                return -EEXIST;
        all[cnt] = own->section[i];
        all[cnt].off += (u32)offsetof(qs_config_t, own);
        all[cnt++].cnt_off += (u32)offsetof(qs_config_t, own);
    }
    qs_config_table.section = all;
    qs_config_table.section_cnt = cnt;
    return 0;
}

void const *
qs_config_own(qs_config_t const *cfg)
{
    return cfg->own;
}

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

u64
qs_config_number(void const *cfg, qs_config_section_t const *section, qs_config_row_t const *row)
{
    u8 const *at = (u8 const *)qs_config_at_const(cfg, section, 0) + row->off;
    u32 narrow;
    u64 wide;

    switch (row->kind) {
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
        memcpy(&narrow, at, sizeof(narrow));
        return narrow;
    case QS_CONFIG_U64:
        memcpy(&wide, at, sizeof(wide));
        return wide;
    default:
        return 0;
    }
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

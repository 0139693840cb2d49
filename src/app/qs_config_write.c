#include "app/qs_config_write.h"

#include "app/qs_config_load.h"
#include "app/qs_config_set.h"
#include "app/qs_text.h"

#define TEXT_CAP 256u

/* write_scalar writes the value at a field, or one item of a list. */
static void
write_scalar(FILE *out, qs_config_row_t const *row, u8 const *field)
{
    bool flag;
    u32 narrow;
    u64 wide;
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        memcpy(&flag, field, sizeof(flag));
        fputs(flag ? "true" : "false", out);
        return;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_LIST_U32:
        memcpy(&narrow, field, sizeof(narrow));
        fprintf(out, "%u", narrow);
        return;
    case QS_CONFIG_U64:
        memcpy(&wide, field, sizeof(wide));
        fprintf(out, "%lu", wide);
        return;
    case QS_CONFIG_ENUM:
        memcpy(&narrow, field, sizeof(narrow));
        qs_text_write_quoted(out, row->names[narrow]);
        return;
    case QS_CONFIG_STR:
    case QS_CONFIG_LIST_STR:
        qs_text_write_quoted(out, (char const *)field);
        return;
    }
}

/* write_value writes what TOML and JSON both understand. */
static void
write_value(FILE *out, qs_config_row_t const *row, u8 const *section)
{
    if (!row->item_max) {
        write_scalar(out, row, section + row->off);
        return;
    }
    u64 stride = row->kind == QS_CONFIG_LIST_U32 ? sizeof(u32) : row->max + 1;
    u32 cnt;
    memcpy(&cnt, section + row->cnt_off, sizeof(cnt));
    fputc('[', out);
    for (u32 i = 0; i < cnt; i++) {
        fputs(i ? ", " : "", out);
        write_scalar(out, row, section + row->off + i * stride);
    }
    fputc(']', out);
}

static void
string_limits(qs_config_row_t const *row, char text[TEXT_CAP])
{
    if (row->form == QS_CONFIG_ADDR)
        snprintf(text, TEXT_CAP, "an IPv4 address%s", row->min ? "" : ", or empty");
    else if (row->min)
        snprintf(text, TEXT_CAP, "%lu..%lu bytes", row->min, row->max);
    else
        snprintf(text, TEXT_CAP, "at most %lu bytes", row->max);
}

static void
names_of(qs_config_row_t const *row, char text[TEXT_CAP])
{
    size_t used = 0;
    for (u32 i = 0; i < row->name_cnt && used < TEXT_CAP; i++) {
        char const *between = !i ? "" : i + 1 < row->name_cnt ? ", " : " or ";
        used += (size_t)snprintf(text + used, TEXT_CAP - used, "%s%s", between, row->names[i]);
    }
}

/* limits writes what an option allows, for people. */
static void
limits(qs_config_row_t const *row, char text[TEXT_CAP])
{
    char string[TEXT_CAP];
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        snprintf(text, TEXT_CAP, "true or false");
        return;
    case QS_CONFIG_U32:
    case QS_CONFIG_U64:
        snprintf(text, TEXT_CAP, "%lu..%lu", row->min, row->max);
        return;
    case QS_CONFIG_POW2:
        snprintf(text, TEXT_CAP, "%lu..%lu, a power of two", row->min, row->max);
        return;
    case QS_CONFIG_STR:
        string_limits(row, text);
        return;
    case QS_CONFIG_ENUM:
        names_of(row, text);
        return;
    case QS_CONFIG_LIST_U32:
        snprintf(text, TEXT_CAP, "at most %u numbers, %lu..%lu", row->item_max, row->min, row->max);
        return;
    case QS_CONFIG_LIST_STR:
        string_limits(row, string);
        snprintf(text, TEXT_CAP, "at most %u strings, each %.200s", row->item_max, string);
        return;
    }
}

static void
write_note(FILE *out, qs_config_row_t const *row)
{
    char allowed[TEXT_CAP], note[2 * TEXT_CAP];
    limits(row, allowed);
    snprintf(note, sizeof(note), "%s (%s)", row->help, allowed);
    qs_text_write_folded(out, "# ", 96, note);
}

static void
write_section_toml(FILE *out, qs_config_section_t const *s, u8 const *at, bool notes)
{
    fprintf(out, s->max ? "[[%s]]\n" : "[%s]\n", s->name);
    for (u32 r = 0; r < s->row_cnt; r++) {
        if (notes)
            write_note(out, &s->row[r]);
        fprintf(out, "%s = ", s->row[r].key);
        write_value(out, &s->row[r], at);
        fputc('\n', out);
    }
}

/* explain_repeated stands where a repeated section could: it has no default to show. */
static void
explain_repeated(FILE *out, qs_config_section_t const *s)
{
    fprintf(out, "#\n# [[%s]]\n", s->name);
    for (u32 r = 0; r < s->row_cnt; r++) {
        char text[TEXT_CAP], allowed[TEXT_CAP];
        qs_config_default_text(&s->row[r], text, sizeof(text));
        limits(&s->row[r], allowed);
        fprintf(out, "# %s = %s  # %s (%s)\n", s->row[r].key, text, s->row[r].help, allowed);
    }
}

void
qs_config_write_toml(FILE *out, qs_config_table_t const *table, void const *cfg, bool notes)
{
    if (notes)
        fprintf(out,
                "# %1$s's options.  Made from the option table by `%1$s config default`.\n"
                "# Every line may be left out.  Environment variables (QUICKSTEP_NET_TILES=2) and\n"
                "# --set (net.tiles=2) override this file.\n\n",
                qs_text_program());
    fprintf(out, "schema_version = %u\n", QS_CONFIG_SCHEMA);
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        u32 cnt = qs_config_cnt(cfg, s);
        if (notes) {
            fprintf(out, "\n# %s", s->help);
            if (s->max)
                fprintf(out, ": [[%s]], at most %u times", s->name, s->max);
            fputc('\n', out);
            if (!cnt)
                explain_repeated(out, s);
        }
        for (u32 idx = 0; idx < cnt; idx++) {
            if (!notes || idx)
                fputc('\n', out);
            write_section_toml(out, s, qs_config_at_const(cfg, s, idx), notes);
        }
    }
}

/* child_name returns the last part of name when it is "parent.part", or NULL. */
static char const *
child_name(char const *name, char const *parent)
{
    size_t len = strlen(parent);
    if (strncmp(name, parent, len) || name[len] != '.' || strchr(name + len + 1, '.'))
        return NULL;
    return name + len + 1;
}

static void
write_rows_json(FILE *out, qs_config_section_t const *s, u8 const *at)
{
    for (u32 r = 0; r < s->row_cnt; r++) {
        fprintf(out, "%s\"%s\":", r ? "," : "", s->row[r].key);
        write_value(out, &s->row[r], at);
    }
}

/* write_children_json writes the sections below a plain one; they are one level deep. */
static void
write_children_json(FILE *out, qs_config_table_t const *table, void const *cfg, char const *parent)
{
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        char const *name = child_name(s->name, parent);
        if (!name)
            continue;
        fprintf(out, s->max ? ",\"%s\":[" : ",\"%s\":", name);
        for (u32 idx = 0; idx < qs_config_cnt(cfg, s); idx++) {
            fputs(idx ? ",{" : "{", out);
            write_rows_json(out, s, qs_config_at_const(cfg, s, idx));
            fputc('}', out);
        }
        fputs(s->max ? "]" : "", out);
    }
}

void
qs_config_write_json(FILE *out, qs_config_table_t const *table, void const *cfg)
{
    fprintf(out, "{\"schema_version\":%u", QS_CONFIG_SCHEMA);
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        if (strchr(s->name, '.'))
            continue;
        fprintf(out, ",\"%s\":{", s->name);
        write_rows_json(out, s, qs_config_at_const(cfg, s, 0));
        write_children_json(out, table, cfg, s->name);
        fputc('}', out);
    }
    fputs("}\n", out);
}

void
qs_config_write_md(FILE *out, qs_config_table_t const *table)
{
    fputs(
        "# Options\n\n"
        "Made from the option table by `quickstep config default --md`.\n\n"
        "Options come from four places; each overrides the ones before it:\n\n"
        "1. the defaults below, which are also in [default.toml](../config/default.toml)\n"
        "2. a TOML file: `--config FILE`\n"
        "3. the environment: the section and the key in upper case, as in "
        "`QUICKSTEP_NET_TILES=2`\n"
        "4. the command line: `--set net.tiles=2`; a later one overrides an earlier one\n\n"
        "In the environment and with `--set` nothing is quoted, and the items of a list are\n"
        "separated by commas.  Repeated sections have a number there, from 0, without gaps:\n"
        "`--set shred.source.0.name=a`, `QUICKSTEP_SHRED_SOURCE_0_NAME=a`.\n\n"
        "Options and sections that do not exist are refused.  `quickstep config check FILE` says\n"
        "what is wrong with a file, and `quickstep explain ID` says more about an error.\n",
        out);
    fprintf(out, "A file may begin with `schema_version = %u`.\n", QS_CONFIG_SCHEMA);
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        fprintf(out, s->max ? "\n## [[%s]]\n\n" : "\n## [%s]\n\n", s->name);
        fputs(s->help, out);
        if (s->max)
            fprintf(out, "; at most %u times", s->max);
        fputs("\n\n| option | default | allowed | |\n|---|---|---|---|\n", out);
        for (u32 r = 0; r < s->row_cnt; r++) {
            char text[TEXT_CAP], allowed[TEXT_CAP];
            qs_config_default_text(&s->row[r], text, sizeof(text));
            limits(&s->row[r], allowed);
            fprintf(out, "| `%s` | `%s` | %s | %s |\n", s->row[r].key, text, allowed,
                    s->row[r].help);
        }
    }
}

void
qs_config_write_help(FILE *out, qs_config_table_t const *table)
{
    fputs("Options come from defaults, --config FILE (TOML), the environment (the variable is\n"
          "given below each option) and --set section.key=value; later ones override.\n",
          out);
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        fprintf(out, s->max ? "\n[[%s]]  %s; at most %u times\n" : "\n[%s]  %s\n", s->name, s->help,
                s->max);
        for (u32 r = 0; r < s->row_cnt; r++) {
            char text[TEXT_CAP], allowed[TEXT_CAP], name[TEXT_CAP];
            qs_config_default_text(&s->row[r], text, sizeof(text));
            limits(&s->row[r], allowed);
            qs_config_env_name(s, 0, &s->row[r], name, sizeof(name));
            fprintf(out, "  %s = %s    (%s)\n", s->row[r].key, text, allowed);
            qs_text_write_folded(out, "      ", 88, s->row[r].help);
            fprintf(out, "      %s\n", name);
        }
    }
}

static void
write_row_json(FILE *out, qs_config_section_t const *s, qs_config_row_t const *row)
{
    static char const *const kinds[] = {
        [QS_CONFIG_BOOL] = "bool",         [QS_CONFIG_U32] = "u32",
        [QS_CONFIG_POW2] = "pow2",         [QS_CONFIG_U64] = "u64",
        [QS_CONFIG_STR] = "str",           [QS_CONFIG_ENUM] = "enum",
        [QS_CONFIG_LIST_U32] = "list_u32", [QS_CONFIG_LIST_STR] = "list_str"};
    static char const *const forms[] = {
        [QS_CONFIG_ANY] = "any", [QS_CONFIG_ADDR] = "addr", [QS_CONFIG_CPUS] = "cpus"};
    char text[TEXT_CAP], name[TEXT_CAP];

    qs_config_default_text(row, text, sizeof(text));
    qs_config_env_name(s, 0, row, name, sizeof(name));
    fprintf(out, "{\"section\":\"%s\",\"key\":\"%s\",\"kind\":\"%s\",\"default\":%s", s->name,
            row->key, kinds[row->kind], text);
    fprintf(out, ",\"min\":%lu,\"max\":%lu,\"items\":%u,\"repeat\":%u,\"form\":\"%s\",\"names\":[",
            row->min, row->max, row->item_max, s->max, forms[row->form]);
    for (u32 i = 0; i < row->name_cnt; i++)
        fprintf(out, "%s\"%s\"", i ? "," : "", row->names[i]);
    fprintf(out, "],\"env\":\"%s\",\"help\":", name);
    qs_text_write_quoted(out, row->help);
    fputc('}', out);
}

void
qs_config_write_help_json(FILE *out, qs_config_table_t const *table)
{
    char const *between = "";

    fputs("{\"options\":[", out);
    for (u32 i = 0; i < table->section_cnt; i++)
        for (u32 r = 0; r < table->section[i].row_cnt; r++) {
            fputs(between, out);
            write_row_json(out, &table->section[i], &table->section[i].row[r]);
            between = ",";
        }
    fputs("]}\n", out);
}

/* Goal: each option accepts exactly what its row says.  Method: walk the table, and for each row
   write files at its limits and one beyond; no option is named here.  Once with the real table,
   once with one of our own that has every kind, full 64 bits, and a renamed option. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/qs_config_load.h"
#include "app/qs_config_write.h"
#include "tango/base/qs_bits.h"

typedef struct own_plain {
    u64 wide;
    u32 peer_cnt;
    char peer[3][9];
    u32 core_cnt;
    u32 core[2];
    u32 depth;
    u32 mode;
    char addr[16];
    bool flag;
} own_plain_t;

typedef struct own_item {
    u32 n;
    char name[5];
} own_item_t;

typedef struct own {
    own_plain_t a;
    u32 item_cnt;
    own_item_t item[2];
} own_t;

static char const *const modes[] = {"one"};

#define ROW(struct_t, field, kind_)                                                                \
    .key = #field, .help = "h", .kind = QS_CONFIG_##kind_, .off = offsetof(struct_t, field)
#define LIST(field, items) .cnt_off = offsetof(own_plain_t, field##_cnt), .item_max = items
#define PLACE(rows, field, struct_t)                                                               \
    .row = rows, .row_cnt = QS_COUNT(rows), .off = offsetof(own_t, field), .sz = sizeof(struct_t)

/* clang-format off */
static qs_config_row_t const plain_rows[] = {
    {ROW(own_plain_t, wide,  U64),      .dflt = 1, .max = UINT64_MAX},
    {ROW(own_plain_t, peer,  LIST_STR), LIST(peer, 3), .min = 1, .max = 8},
    {ROW(own_plain_t, core,  LIST_U32), LIST(core, 2), .min = 3, .max = UINT32_MAX},
    {ROW(own_plain_t, depth, POW2),     .dflt = 4, .min = 2, .max = 1u << 31},
    {ROW(own_plain_t, mode,  ENUM),     .names = modes, .name_cnt = 1},
    {ROW(own_plain_t, addr,  STR),      .str = "1.2.3.4", .min = 7, .max = 15,
     .form = QS_CONFIG_ADDR},
    {ROW(own_plain_t, flag,  BOOL),     .dflt = 1, .max = 1},
};
static qs_config_row_t const item_rows[] = {
    {ROW(own_item_t, n,    U32), .dflt = 9, .min = 8, .max = 10},
    {ROW(own_item_t, name, STR), .str = "", .min = 2, .max = 4},
};
static qs_config_section_t const own_sections[] = {
    {.name = "a",      .help = "h", PLACE(plain_rows, a, own_plain_t)},
    {.name = "a.item", .help = "h", PLACE(item_rows, item, own_item_t), .max = 2,
     .cnt_off = offsetof(own_t, item_cnt)},
};
static qs_config_rename_t const own_renames[] = {{"a.width", "a.wide"}, {"b.flag", "a.flag"}};
static qs_config_table_t const own_table = {
    .section = own_sections, .section_cnt = QS_COUNT(own_sections),
    .rename = own_renames, .rename_cnt = QS_COUNT(own_renames), .sz = sizeof(own_t),
};
/* clang-format on */

static qs_config_table_t const *const tables[] = {&qs_config_table, &own_table};

static union {
    qs_config_t real;
    own_t own;
} cfg;
static qs_error_list_t errors;

static int
load_text(qs_config_table_t const *table, char const *text)
{
    errors = (qs_error_list_t){0};
    return qs_config_load_text(table, &cfg, "x.toml", text, strlen(text), &errors);
}

/* string_of writes a string of len bytes that has the form of the row. */
static void
string_of(qs_config_row_t const *row, u64 len, char *out)
{
    static char const addr[] = "255.255.255.255255"; /* one byte more is no address */
    for (u64 i = 0; i < len; i++)
        out[i] = row->form == QS_CONFIG_CPUS ? (i % 2 ? ',' : '1') : 'x';
    if (row->form == QS_CONFIG_ADDR)
        memcpy(out, len == 7 ? "1.2.3.4" : addr, len);
    if (row->form == QS_CONFIG_CPUS && len && len % 2 == 0)
        out[len - 1] = '1';
    out[len] = 0;
}

/* write_section writes the head of a file whose next line may be the row's, all else being in
   order. */
static void
write_head(FILE *out, qs_config_section_t const *s, qs_config_row_t const *row)
{
    fprintf(out, s->max ? "[[%s]]\n" : "[%s]\n", s->name);
    for (u32 r = 0; s->max && r < s->row_cnt; r++) {
        char text[512];
        if (&s->row[r] == row || s->row[r].kind != QS_CONFIG_STR)
            continue;
        string_of(&s->row[r], s->row[r].min, text);
        fprintf(out, "%s = '%s'\n", s->row[r].key, text);
    }
}

/* try_value loads a file that sets one option to what is written here. */
static int
try_value(qs_config_table_t const *table, qs_config_section_t const *s, qs_config_row_t const *row,
          char const *value)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    write_head(out, s, row);
    fprintf(out, "%s = %s\n", row->key, value);
    fclose(out);
    int err = load_text(table, text);
    free(text);
    return err;
}

static void
accepts(qs_config_table_t const *table, qs_config_section_t const *s, qs_config_row_t const *row,
        char const *value)
{
    int err = try_value(table, s, row, value);
    cr_expect(err == 0, "%s.%s = %s: %s", s->name, row->key, value, errors.error[0].text);
}

static void
refuses(qs_config_table_t const *table, qs_config_section_t const *s, qs_config_row_t const *row,
        char const *value, qs_error_id_t id)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.%s", s->name, row->key);
    cr_assert(try_value(table, s, row, value) == -EINVAL, "%s = %s was accepted", name, value);
    qs_error_t const *e = &errors.error[0];
    cr_expect(strcmp(e->id, qs_error_infos[id].id) == 0, "%s = %s: %s", name, value, e->id);
    cr_expect(strncmp(e->text, name, strlen(name)) == 0, "%s does not begin with %s", e->text,
              name);
    cr_expect(e->line > 0 && e->col > strlen(row->key) && e->hint[0] != 0, "%s", name);
}

static char const *
number(u64 n)
{
    static char text[32];
    snprintf(text, sizeof(text), "%lu", n);
    return text;
}

static void
check_number_row(qs_config_table_t const *t, qs_config_section_t const *s, qs_config_row_t const *r)
{
    accepts(t, s, r, number(r->min));
    accepts(t, s, r, number(r->max));
    refuses(t, s, r, r->min ? number(r->min - 1) : "-1", QS_ERROR_CFG_RANGE);
    if (r->max == UINT64_MAX)
        cr_expect(try_value(t, s, r, "18446744073709551616") == -EINVAL);
    else
        refuses(t, s, r, number(r->max + 1), QS_ERROR_CFG_RANGE);
    if (r->kind == QS_CONFIG_POW2)
        refuses(t, s, r, number(r->max - 1), QS_ERROR_CFG_POW2);
}

static void
check_string_row(qs_config_table_t const *t, qs_config_section_t const *s, qs_config_row_t const *r)
{
    char text[1024], quoted[1100];
    u64 beyond[] = {r->max + 1, r->min - 1};
    u64 within[] = {r->max, r->min};
    for (u32 i = 0; i < 2; i++) {
        string_of(r, within[i], text);
        snprintf(quoted, sizeof(quoted), "\"%s\"",
                 r->form == QS_CONFIG_CPUS && within[i] == 4 ? "auto" : text);
        accepts(t, s, r, quoted);
        if (i && !r->min)
            break;
        string_of(r, beyond[i], text);
        snprintf(quoted, sizeof(quoted), "\"%s\"", text);
        refuses(t, s, r, quoted, QS_ERROR_CFG_LENGTH);
    }
}

/* list_of writes a list of cnt copies of item. */
static char const *
list_of(u32 cnt, char const *item)
{
    static char text[65536];
    size_t used = (size_t)snprintf(text, sizeof(text), "[");
    for (u32 i = 0; i < cnt; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s, ", item);
    snprintf(text + used, sizeof(text) - used, "]");
    return text;
}

static void
check_list_row(qs_config_table_t const *t, qs_config_section_t const *s, qs_config_row_t const *r)
{
    bool numbers = r->kind == QS_CONFIG_LIST_U32;
    char item[1024], text[1000];
    u64 values[] = {r->min, r->max, r->max + 1};
    for (u32 i = 0; i < QS_COUNT(values); i++) {
        if (numbers) {
            snprintf(item, sizeof(item), "%lu", values[i]);
        } else {
            string_of(r, values[i], text);
            snprintf(item, sizeof(item), "'%s'", text);
        }
        if (i == 2) {
            refuses(t, s, r, list_of(1, item), numbers ? QS_ERROR_CFG_RANGE : QS_ERROR_CFG_LENGTH);
            continue;
        }
        accepts(t, s, r, list_of(r->item_max, item));
        refuses(t, s, r, list_of(r->item_max + 1, item), QS_ERROR_CFG_ITEMS);
    }
    accepts(t, s, r, "[]");
    refuses(t, s, r, numbers ? "['1']" : "[1]", QS_ERROR_CFG_TYPE);
    refuses(t, s, r, "true", QS_ERROR_CFG_TYPE);
}

static void
check_enum_row(qs_config_table_t const *t, qs_config_section_t const *s, qs_config_row_t const *r)
{
    char name[64];
    for (u32 i = 0; i < r->name_cnt; i++) {
        snprintf(name, sizeof(name), "\"%s\"", r->names[i]);
        accepts(t, s, r, name);
        u32 now;
        memcpy(&now, (u8 *)qs_config_at(&cfg, s, 0) + r->off, sizeof(now));
        cr_expect(eq(u32, now, i));
        snprintf(name, sizeof(name), "\"%sx\"", r->names[i]);
        refuses(t, s, r, name, QS_ERROR_CFG_NAME);
    }
    refuses(t, s, r, "0", QS_ERROR_CFG_TYPE);
}

static void
check_row(qs_config_table_t const *t, qs_config_section_t const *s, qs_config_row_t const *r)
{
    switch (r->kind) {
    case QS_CONFIG_BOOL:
        accepts(t, s, r, "true");
        accepts(t, s, r, "false");
        refuses(t, s, r, "0", QS_ERROR_CFG_TYPE);
        return;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_U64:
        check_number_row(t, s, r);
        refuses(t, s, r, "'1'", QS_ERROR_CFG_TYPE);
        return;
    case QS_CONFIG_STR:
        check_string_row(t, s, r);
        refuses(t, s, r, "1", QS_ERROR_CFG_TYPE);
        return;
    case QS_CONFIG_ENUM:
        check_enum_row(t, s, r);
        return;
    case QS_CONFIG_LIST_U32:
    case QS_CONFIG_LIST_STR:
        check_list_row(t, s, r);
        return;
    }
}

Test(config_limits, each_option_accepts_its_limits_and_refuses_one_beyond)
{
    for (u32 k = 0; k < QS_COUNT(tables); k++)
        for (u32 i = 0; i < tables[k]->section_cnt; i++)
            for (u32 r = 0; r < tables[k]->section[i].row_cnt; r++)
                check_row(tables[k], &tables[k]->section[i], &tables[k]->section[i].row[r]);
}

Test(config_limits, a_section_repeats_up_to_its_maximum)
{
    for (u32 k = 0; k < QS_COUNT(tables); k++)
        for (u32 i = 0; i < tables[k]->section_cnt; i++) {
            qs_config_section_t const *s = &tables[k]->section[i];
            for (u32 extra = 0; s->max && extra < 2; extra++) {
                char *text = NULL;
                size_t sz = 0;
                FILE *out = open_memstream(&text, &sz);
                for (u32 n = 0; n < s->max + extra; n++)
                    write_head(out, s, NULL);
                fclose(out);
                cr_assert(eq(int, load_text(tables[k], text), extra ? -EINVAL : 0), "%s", text);
                cr_expect(eq(u32, qs_config_cnt(&cfg, s), s->max));
                if (extra)
                    cr_expect(eq(str, (char *)errors.error[0].id, "QS-CFG-014"));
                free(text);
            }
        }
}

Test(config_limits, a_row_is_sound)
{
    for (u32 k = 0; k < QS_COUNT(tables); k++)
        for (u32 i = 0; i < tables[k]->section_cnt; i++) {
            qs_config_section_t const *s = &tables[k]->section[i];
            char const *dot = strrchr(s->name, '.');
            cr_expect(dot == NULL || strchr(s->name, '.') == dot, "%s: two levels at most",
                      s->name);
            for (u32 r = 0; r < s->row_cnt; r++) {
                qs_config_row_t const *row = &s->row[r];
                bool number = row->kind == QS_CONFIG_U32 || row->kind == QS_CONFIG_U64;
                cr_expect(number == false || row->dflt >= row->min, "%s.%s", s->name, row->key);
                cr_expect(row->min <= row->max, "%s.%s", s->name, row->key);
                cr_expect(row->str || row->dflt <= row->max, "%s.%s", s->name, row->key);
                cr_expect(row->kind != QS_CONFIG_POW2 ||
                              (row->dflt >= row->min && qs_is_pow2(row->dflt) &&
                               qs_is_pow2(row->min) && qs_is_pow2(row->max)),
                          "%s.%s", s->name, row->key);
                size_t len = strlen(row->help);
                cr_expect(len && row->help[len - 1] != '.', "%s.%s: help", s->name, row->key);
                cr_expect(strchr(row->help, '|') == NULL, "%s.%s: help", s->name, row->key);
            }
        }
}

/* Two options with one variable could not both be set. */
Test(config_limits, no_two_options_share_a_name_or_a_variable)
{
    static char names[1024][128];
    u32 cnt = 0;
    for (u32 i = 0; i < qs_config_table.section_cnt; i++) {
        qs_config_section_t const *s = &qs_config_table.section[i];
        for (u32 idx = 0; idx < (s->max ? s->max : 1); idx++)
            for (u32 r = 0; r < s->row_cnt; r++) {
                cr_assert(cnt < QS_COUNT(names));
                qs_config_env_name(s, idx, &s->row[r], names[cnt], sizeof(names[cnt]));
                for (u32 n = 0; n < cnt; n++)
                    cr_expect(strcmp(names[n], names[cnt]) != 0, "%s twice", names[n]);
                cnt++;
            }
    }
}

/* Otherwise a message could send a user to an option that does not exist. */
Test(config_limits, a_renamed_option_leads_to_one_that_exists)
{
    for (u32 k = 0; k < QS_COUNT(tables); k++)
        for (u32 i = 0; i < tables[k]->rename_cnt; i++) {
            qs_config_rename_t const *rename = &tables[k]->rename[i];
            char text[160];
            snprintf(text, sizeof(text), "%s = {}", rename->is);
            load_text(tables[k], text);
            cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-003"));
            snprintf(text, sizeof(text), "%s = 0", rename->is);
            load_text(tables[k], text);
            cr_expect(strcmp(errors.error[0].id ? errors.error[0].id : "", "QS-CFG-005") != 0,
                      "%s does not exist", rename->is);

            snprintf(text, sizeof(text), "%s = 0", rename->was);
            cr_assert(eq(int, load_text(tables[k], text), -EINVAL));
            cr_expect(eq(str, (char *)errors.error[0].id, "QS-CFG-016"));
            snprintf(text, sizeof(text), "'%s' is now '%s'", rename->was, rename->is);
            cr_expect(eq(str, errors.error[0].text, text));
        }
}

Test(config_limits, values_of_every_kind_survive_writing)
{
    char const *text = "[a]\nwide = 18446744073709551615\npeer = [\"a,b\", 'c']\n"
                       "core = [3, 4294967295]\ndepth = 2_147_483_648\nflag = false\n"
                       "[[a.item]]\nname = 'ab'\nn = 8\n[[a.item]]\nname = '\"\"'\n";
    cr_assert(eq(int, load_text(&own_table, text), 0), "%s", errors.error[0].text);
    cr_expect(eq(u64, cfg.own.a.wide, UINT64_MAX));
    cr_expect(eq(u32, cfg.own.a.peer_cnt, 2));
    cr_expect(eq(str, cfg.own.a.peer[0], "a,b"));
    cr_expect(eq(u32, cfg.own.a.core[1], UINT32_MAX));
    cr_expect(eq(u32, cfg.own.item[0].n, 8));
    cr_expect(eq(u32, cfg.own.item[1].n, 9), "a repeated section starts with its defaults");

    own_t before;
    memcpy(&before, &cfg.own, sizeof(before));
    char *written = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&written, &sz);
    qs_config_write_toml(out, &own_table, &before, true);
    fclose(out);
    cr_assert(eq(int, load_text(&own_table, written), 0), "%s", errors.error[0].text);
    cr_expect(eq(int, memcmp(&before, &cfg.own, sizeof(before)), 0), "%s", written);
    free(written);

    out = open_memstream(&written, &sz);
    qs_config_write_json(out, &own_table, &before);
    fclose(out);
    cr_expect(eq(str, written,
                 "{\"schema_version\":1,\"a\":{\"wide\":18446744073709551615,"
                 "\"peer\":[\"a,b\", \"c\"],\"core\":[3, 4294967295],\"depth\":2147483648,"
                 "\"mode\":\"one\",\"addr\":\"1.2.3.4\",\"flag\":false,"
                 "\"item\":[{\"n\":8,\"name\":\"ab\"},{\"n\":9,\"name\":\"\\\"\\\"\"}]}}\n"));
    free(written);
}

Test(config_limits, lists_of_strings_come_from_outside_too)
{
    char const *env[] = {"QUICKSTEP_A_PEER=a, b c ,d", NULL};
    char const *set[] = {"a.core=3,4294967295", "a.item.0.name=ab"};
    qs_config_sources_t sources = {.env = env, .set = set, .set_cnt = QS_COUNT(set)};
    cr_assert(eq(int, qs_config_load(&own_table, &cfg, &sources, &errors), 0), "%s",
              errors.error[0].text);
    cr_expect(eq(u32, cfg.own.a.peer_cnt, 3));
    cr_expect(eq(str, cfg.own.a.peer[1], "b c"));
    cr_expect(eq(u32, cfg.own.a.core[1], UINT32_MAX));
    cr_expect(eq(str, cfg.own.item[0].name, "ab"));
}

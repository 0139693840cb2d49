#include "app/qs_config_set.h"

#include <arpa/inet.h>
#include <stdarg.h>

#include "app/qs_text.h"
#include "tango/base/qs_bits.h"

#define CPU_MAX 4095u

static bool
is_list(qs_config_row_t const *row)
{
    return row->kind == QS_CONFIG_LIST_U32 || row->kind == QS_CONFIG_LIST_STR;
}

static void *
field_of(qs_config_slot_t slot, u32 off)
{
    return (u8 *)qs_config_at(slot.cfg, slot.section, slot.idx) + off;
}

void
qs_config_default_text(qs_config_row_t const *row, char *text, size_t cap)
{
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        snprintf(text, cap, "%s", row->dflt ? "true" : "false");
        return;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_U64:
        snprintf(text, cap, "%lu", row->dflt);
        return;
    case QS_CONFIG_STR:
        snprintf(text, cap, "\"%s\"", row->str);
        return;
    case QS_CONFIG_ENUM:
        snprintf(text, cap, "\"%s\"", row->names[row->dflt]);
        return;
    case QS_CONFIG_LIST_U32:
    case QS_CONFIG_LIST_STR:
        snprintf(text, cap, "[]");
        return;
    }
}

/* example writes a value of the right type. */
static void
example(qs_config_row_t const *row, bool outside, char *text, size_t cap)
{
    if (row->kind == QS_CONFIG_LIST_U32)
        snprintf(text, cap, outside ? "%lu,%lu" : "[%lu, %lu]", row->min, row->max);
    else if (row->kind == QS_CONFIG_LIST_STR)
        snprintf(text, cap, outside ? "a,b" : "[\"a\", \"b\"]");
    else if (outside && row->kind == QS_CONFIG_ENUM)
        snprintf(text, cap, "%s", row->names[row->dflt]);
    else
        qs_config_default_text(row, text, cap);
}

static char const *
type_wanted(qs_config_row_t const *row, bool item)
{
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        return "true or false";
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_U64:
        return "a number";
    case QS_CONFIG_STR:
    case QS_CONFIG_ENUM:
        return "a string";
    case QS_CONFIG_LIST_U32:
        return item ? "a number" : "a list of numbers";
    case QS_CONFIG_LIST_STR:
        return item ? "a string" : "a list of strings";
    }
    return "";
}

/* refuse adds an error about an option: "section.key = shown: cause". */
static __attribute__((format(printf, 5, 6))) qs_error_t *
refuse(qs_config_slot_t slot, qs_config_from_t from, qs_error_id_t id, qs_toml_value_t const *value,
       char const *fmt, ...)
{
    char shown[48], cause[160];
    qs_text_printable(shown, sizeof(shown), value ? value->raw : "", value ? value->raw_sz : 0);
    va_list args;
    va_start(args, fmt);
    vsnprintf(cause, sizeof(cause), fmt, args);
    va_end(args);
    return qs_error_add(from.errors, id, from.where, from.line, from.col, "%s.%s%s%s: %s",
                        slot.section->name, slot.row->key, value ? " = " : "", shown, cause);
}

static bool
wrong_type(qs_config_slot_t slot, qs_config_from_t from, bool item, qs_toml_value_t const *value,
           char const *found)
{
    char text[64];
    example(slot.row, !from.line, text, sizeof(text));
    qs_error_t *e = refuse(slot, from, QS_ERROR_CFG_TYPE, value, "expected %s, found %s",
                           type_wanted(slot.row, item), found);
    qs_error_hint(e, "it is written like this: %s%s%s", from.line ? slot.row->key : "",
                  from.line ? " = " : "", text);
    return false;
}

static void
hint_default(qs_error_t *e, qs_config_row_t const *row)
{
    char text[64];
    qs_config_default_text(row, text, sizeof(text));
    qs_error_hint(e, is_list(row) ? "correct the item or remove it" : "the default is %s", text);
}

static bool
out_of_range(qs_config_slot_t slot, qs_toml_value_t const *value, qs_config_from_t from)
{
    hint_default(refuse(slot, from, QS_ERROR_CFG_RANGE, value, "must be %lu..%lu", slot.row->min,
                        slot.row->max),
                 slot.row);
    return false;
}

static bool
check_number(qs_config_slot_t slot, qs_toml_value_t const *value, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    u64 n = value->number;
    if ((value->negative && n) || n < row->min || n > row->max)
        return out_of_range(slot, value, from);
    if (row->kind == QS_CONFIG_POW2 && !qs_is_pow2(n)) {
        u64 below = 1ull << qs_log2(n);
        qs_error_hint(refuse(slot, from, QS_ERROR_CFG_POW2, value,
                             "must be a power of two, %lu..%lu", row->min, row->max),
                      "the nearest are %lu and %lu", below, 2 * below);
        return false;
    }
    return true;
}

/* is_cpus: "auto", or numbers and ascending ranges, separated by commas. */
static bool
is_cpus(char const *text)
{
    if (!strcmp(text, "auto"))
        return true;
    do {
        unsigned long last = 0;
        for (u32 i = 0; i < 2; i++) {
            if (*text < '0' || *text > '9')
                return false;
            char *end;
            unsigned long n = strtoul(text, &end, 10);
            if (n > CPU_MAX || n < last)
                return false;
            last = n;
            text = end;
            if (*text != '-' || i)
                break;
            text++;
        }
    } while (*text == ',' && *++text);
    return !*text && text[-1] != ',';
}

static bool
has_form(qs_config_row_t const *row, char const *text)
{
    struct in_addr addr;
    switch (row->form) {
    case QS_CONFIG_ANY:
        return true;
    case QS_CONFIG_ADDR:
        return !*text || inet_pton(AF_INET, text, &addr) == 1;
    case QS_CONFIG_CPUS:
        return is_cpus(text);
    }
    return false;
}

static bool
check_string(qs_config_slot_t slot, qs_toml_value_t const *value, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    size_t len = strlen(value->text);
    if (len < row->min && !len) {
        qs_error_hint(refuse(slot, from, QS_ERROR_CFG_LENGTH, value, "must not be empty"),
                      "give it a value");
        return false;
    }
    if (len < row->min || len > row->max) {
        qs_error_hint(refuse(slot, from, QS_ERROR_CFG_LENGTH, value,
                             "has %zu bytes, must have %lu..%lu", len, row->min, row->max),
                      "make it %s", len < row->min ? "longer" : "shorter");
        return false;
    }
    if (!has_form(row, value->text)) {
        bool addr = row->form == QS_CONFIG_ADDR;
        qs_error_hint(refuse(slot, from, QS_ERROR_CFG_FORM, value, "is not %s",
                             addr ? "an IPv4 address" : "a list of cores"),
                      "it is written like this: %s", addr ? "192.0.2.1" : "auto, or 0-3,5");
        return false;
    }
    return true;
}

static bool
set_name(qs_config_slot_t slot, qs_toml_value_t const *value, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    qs_text_guess_t guess = {.wrote = value->text};
    char names[128] = "";
    size_t used = 0;
    for (u32 i = 0; i < row->name_cnt; i++) {
        if (!strcmp(row->names[i], value->text)) {
            memcpy(field_of(slot, row->off), &i, sizeof(i));
            return true;
        }
        qs_text_guess_offer(&guess, row->names[i]);
        if (used < sizeof(names))
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                                     row->names[i]);
    }
    qs_error_t *e = refuse(slot, from, QS_ERROR_CFG_NAME, value, "must be one of %s", names);
    if (guess.best[0])
        qs_error_hint(e, "did you mean %s?", guess.best);
    else
        hint_default(e, row);
    return false;
}

static bool
has_type(qs_config_row_t const *row, qs_toml_type_t type)
{
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        return type == QS_TOML_BOOL;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
    case QS_CONFIG_U64:
    case QS_CONFIG_LIST_U32:
        return type == QS_TOML_INT;
    case QS_CONFIG_STR:
    case QS_CONFIG_ENUM:
    case QS_CONFIG_LIST_STR:
        return type == QS_TOML_STR;
    }
    return false;
}

static char const *
type_found(qs_toml_type_t type)
{
    static char const *const names[] = {
        [QS_TOML_STR] = "a string", [QS_TOML_INT] = "a number", [QS_TOML_BOOL] = "true or false"};
    return names[type];
}

/* store_string leaves no old byte behind the new end: equal options compare equal with memcmp. */
static void
store_string(char *field, u64 max, char const *text)
{
    memset(field, 0, max + 1);
    memcpy(field, text, strlen(text));
}

bool
qs_config_set_value(qs_config_slot_t slot, qs_toml_value_t const *value, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    if (is_list(row) || !has_type(row, value->type))
        return wrong_type(slot, from, false, value, type_found(value->type));

    void *field = field_of(slot, row->off);
    u32 narrow = (u32)value->number;
    switch (row->kind) {
    case QS_CONFIG_BOOL:
        memcpy(field, &value->flag, sizeof(value->flag));
        return true;
    case QS_CONFIG_U32:
    case QS_CONFIG_POW2:
        if (!check_number(slot, value, from))
            return false;
        memcpy(field, &narrow, sizeof(narrow));
        return true;
    case QS_CONFIG_U64:
        if (!check_number(slot, value, from))
            return false;
        memcpy(field, &value->number, sizeof(value->number));
        return true;
    case QS_CONFIG_STR:
        if (!check_string(slot, value, from))
            return false;
        store_string(field, row->max, value->text);
        return true;
    case QS_CONFIG_ENUM:
        return set_name(slot, value, from);
    case QS_CONFIG_LIST_U32:
    case QS_CONFIG_LIST_STR:
        break;
    }
    return false;
}

bool
qs_config_set_list(qs_config_slot_t slot, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    if (!is_list(row))
        return wrong_type(slot, from, false, NULL, "a list");
    u64 stride = row->kind == QS_CONFIG_LIST_U32 ? sizeof(u32) : row->max + 1;
    memset(field_of(slot, row->off), 0, row->item_max * stride);
    memset(field_of(slot, row->cnt_off), 0, sizeof(u32));
    return true;
}

bool
qs_config_add_item(qs_config_slot_t slot, qs_toml_value_t const *item, qs_config_from_t from)
{
    qs_config_row_t const *row = slot.row;
    if (!has_type(row, item->type))
        return wrong_type(slot, from, true, item, type_found(item->type));
    u32 cnt;
    memcpy(&cnt, field_of(slot, row->cnt_off), sizeof(cnt));
    if (cnt == row->item_max) {
        qs_error_hint(refuse(slot, from, QS_ERROR_CFG_ITEMS, NULL, "more than %u items", cnt),
                      "remove some: from this one on there is no room");
        return false;
    }
    if (row->kind == QS_CONFIG_LIST_U32) {
        if (!check_number(slot, item, from))
            return false;
        u32 n = (u32)item->number;
        memcpy(field_of(slot, row->off + cnt * (u32)sizeof(u32)), &n, sizeof(n));
    } else {
        if (!check_string(slot, item, from))
            return false;
        store_string(field_of(slot, row->off + cnt * (u32)(row->max + 1)), row->max, item->text);
    }
    cnt++;
    memcpy(field_of(slot, row->cnt_off), &cnt, sizeof(cnt));
    return true;
}

/* read_text makes a value of the option's type from plain text. */
static bool
read_text(qs_config_slot_t slot, char const *text, size_t sz, qs_toml_value_t *v,
          qs_config_from_t from)
{
    *v = (qs_toml_value_t){.type = QS_TOML_STR, .raw = text, .raw_sz = sz};
    if (has_type(slot.row, QS_TOML_BOOL)) {
        v->type = QS_TOML_BOOL;
        v->flag = sz == 4 && !memcmp(text, "true", 4);
        if (!v->flag && !(sz == 5 && !memcmp(text, "false", 5)))
            return wrong_type(slot, from, true, v, "text");
        return true;
    }
    if (has_type(slot.row, QS_TOML_INT)) {
        v->type = QS_TOML_INT;
        int err = qs_toml_int_parse(text, sz, &v->number, &v->negative);
        if (err == -ERANGE)
            return out_of_range(slot, v, from);
        return err ? wrong_type(slot, from, true, v, sz ? "text" : "nothing") : true;
    }
    if (sz > QS_TOML_STR_MAX || !qs_text_is_utf8(text, sz)) {
        bool large = sz > QS_TOML_STR_MAX;
        qs_error_hint(refuse(slot, from, large ? QS_ERROR_CFG_LENGTH : QS_ERROR_CFG_FORM, v,
                             large ? "has %zu bytes" : "is not UTF-8", sz),
                      large ? "make it shorter" : "write it in UTF-8");
        return false;
    }
    memcpy(v->text, text, sz);
    return true;
}

bool
qs_config_set_text(qs_config_slot_t slot, char const *text, qs_config_from_t from)
{
    qs_toml_value_t value;
    if (!is_list(slot.row))
        return read_text(slot, text, strlen(text), &value, from) &&
               qs_config_set_value(slot, &value, from);

    if (!qs_config_set_list(slot, from))
        return false;
    while (*text) {
        text += strspn(text, " ");
        size_t sz = strcspn(text, ",");
        size_t word = sz;
        while (word && text[word - 1] == ' ')
            word--;
        if (!read_text(slot, text, word, &value, from) || !qs_config_add_item(slot, &value, from))
            return false;
        text += sz;
        if (*text && !*++text)
            return read_text(slot, text, 0, &value, from) && qs_config_add_item(slot, &value, from);
    }
    return true;
}

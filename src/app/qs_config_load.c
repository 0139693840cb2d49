#include "app/qs_config_load.h"

#include <stdarg.h>

#include "app/qs_config_set.h"
#include "app/qs_text.h"

#define ENV_PREFIX "QUICKSTEP_"
#define PATH_CAP   (2 * QS_TOML_KEY_MAX + 2)
#define NAME_CAP   192u

typedef struct place {
    u32 line, col;
} place_t;

/* What is remembered while one configuration is loaded. */
typedef struct load {
    qs_config_table_t const *table;
    void *cfg;
    qs_error_list_t *errors;
    char const *where;

    /* the file: */
    qs_toml_t toml;
    char prefix[QS_TOML_KEY_MAX + 1]; /* the section that keys belong to now; empty at first */
    bool skip;                        /* it was refused, and so its keys are passed over */
    u32 schema_line;
    u32 opened[QS_CONFIG_SECTION_MAX];                      /* line of [section]; 0: not yet */
    u32 set_line[QS_CONFIG_SECTION_MAX][QS_CONFIG_ROW_MAX]; /* line of the key, likewise     */
    place_t header[QS_CONFIG_SECTION_MAX][QS_CONFIG_REPEAT_MAX];
} load_t;

/* complain adds an error at a place of the source that is being read. */
static __attribute__((format(printf, 4, 5))) qs_error_t *
complain(load_t const *l, qs_error_id_t id, place_t at, char const *fmt, ...)
{
    char text[sizeof(l->errors->error[0].text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return qs_error_add(l->errors, id, l->where, at.line, at.col, "%s", text);
}

static u32
section_idx(load_t const *l, qs_config_section_t const *section)
{
    return (u32)(section - l->table->section);
}

static qs_config_section_t const *
find_section(qs_config_table_t const *table, char const *name)
{
    for (u32 i = 0; i < table->section_cnt; i++)
        if (!strcmp(table->section[i].name, name))
            return &table->section[i];
    return NULL;
}

static qs_config_row_t const *
find_row(qs_config_section_t const *section, char const *key)
{
    for (u32 i = 0; i < section->row_cnt; i++)
        if (!strcmp(section->row[i].key, key))
            return &section->row[i];
    return NULL;
}

/* after returns what follows "name." in path, or NULL. */
static char const *
after(char const *path, char const *name)
{
    size_t len = strlen(name);
    return !strncmp(path, name, len) && path[len] == '.' ? path + len + 1 : NULL;
}

/* find_option looks "section.key" up. */
static bool
find_option(load_t *l, char const *path, qs_config_slot_t *slot)
{
    for (u32 i = 0; i < l->table->section_cnt; i++) {
        qs_config_section_t const *s = &l->table->section[i];
        char const *key = after(path, s->name);
        qs_config_row_t const *row = key ? find_row(s, key) : NULL;
        if (row) {
            *slot = (qs_config_slot_t){.cfg = l->cfg, .section = s, .row = row};
            return true;
        }
    }
    return false;
}

/* hint_key guesses what an unknown key in a known section, or in none, was meant to be. */
static void
hint_key(load_t const *l, qs_error_t *e, qs_config_section_t const *section, char const *key)
{
    qs_text_guess_t guess = {.wrote = key};
    for (u32 i = 0; section && i < section->row_cnt; i++)
        qs_text_guess_offer(&guess, section->row[i].key);
    if (guess.best[0]) {
        qs_error_hint(e, "did you mean %s.%s?", section->name, guess.best);
        return;
    }
    for (u32 i = 0; i < l->table->section_cnt; i++)
        if (find_row(&l->table->section[i], key)) {
            qs_error_hint(e, "did you mean %s.%s?", l->table->section[i].name, key);
            return;
        }
    qs_text_guess_offer(&guess, "schema_version");
    if (!section && guess.best[0])
        qs_error_hint(e, "did you mean schema_version?");
    else
        qs_error_hint(e, "`quickstep help config` lists all options");
}

static void
refuse_section(load_t const *l, char const *name, place_t at)
{
    qs_text_guess_t guess = {.wrote = name};
    for (u32 i = 0; i < l->table->section_cnt; i++)
        qs_text_guess_offer(&guess, l->table->section[i].name);
    qs_error_t *e = complain(l, QS_ERROR_CFG_SECTION, at, "there is no section %s", name);
    if (guess.best[0])
        qs_error_hint(e, "did you mean %s?", guess.best);
    else
        qs_error_hint(e, "`quickstep help config` lists all sections");
}

/* find_new_name returns what an option is called now, or NULL. */
static char const *
find_new_name(qs_config_table_t const *table, char const *path)
{
    for (u32 i = 0; i < table->rename_cnt; i++)
        if (!strcmp(table->rename[i].was, path))
            return table->rename[i].is;
    return NULL;
}

/* refuse_key says what is wrong with a path that is no option. */
static void
refuse_key(load_t const *l, char const *path, place_t at)
{
    qs_error_t *e;
    char const *is = find_new_name(l->table, path);
    if (is) {
        e = complain(l, QS_ERROR_CFG_RENAMED, at, "'%s' is now '%s'", path, is);
        qs_error_hint(e, "change the name to %s and keep the value", is);
        return;
    }
    qs_config_section_t const *s = find_section(l->table, path);
    if (s) {
        e = complain(l, QS_ERROR_CFG_TYPE, at, "%s is a section, not an option", path);
        qs_error_hint(e, s->max ? "write [[%s]] on its own line" : "write [%s] on its own line",
                      path);
        return;
    }
    char section[PATH_CAP];
    snprintf(section, sizeof(section), "%s", path);
    char *dot = strrchr(section, '.');
    if (!dot) {
        e = complain(l, QS_ERROR_CFG_KEY, at, "%s stands in no section", path);
        hint_key(l, e, NULL, path);
        return;
    }
    *dot = 0;
    s = find_section(l->table, section);
    if (!s) {
        refuse_section(l, section, at);
        return;
    }
    e = complain(l, QS_ERROR_CFG_KEY, at, "section %s has no option %s", section, dot + 1);
    hint_key(l, e, s, dot + 1);
}

static void
refuse_twice(load_t const *l, char const *what, u32 first, place_t at)
{
    qs_error_t *e =
        complain(l, QS_ERROR_CFG_DUPLICATE, at, "%s stands here for the second time", what);
    qs_error_hint(e, "the first is in line %u: remove one", first);
}

/* add_instance appends a [[section]]; false when there is no room. */
static bool
add_instance(load_t *l, qs_config_section_t const *s, place_t at)
{
    int idx = qs_config_append(l->cfg, s);
    if (idx < 0) {
        qs_error_hint(
            complain(l, QS_ERROR_CFG_REPEAT, at, "more than %u sections %s", s->max, s->name),
            "remove some");
        return false;
    }
    l->header[section_idx(l, s)][idx] = at;
    return true;
}

/* open_section handles [section] and [[section]]. */
static void
open_section(load_t *l, bool item)
{
    char const *name = l->toml.key;
    place_t at = {l->toml.key_line, l->toml.key_col};
    qs_config_section_t const *s = find_section(l->table, name);
    strcpy(l->prefix, name);
    l->skip = true;
    if (!s) {
        refuse_section(l, name, at);
        return;
    }
    u32 i = section_idx(l, s);
    if (item != (s->max > 0)) {
        qs_error_t *e =
            complain(l, QS_ERROR_CFG_REPEAT, at,
                     item ? "section %s may stand only once" : "section %s is a list", name);
        qs_error_hint(e, item ? "write [%s]" : "write [[%s]], once for each", name);
        return;
    }
    if (item) {
        memset(l->set_line[i], 0, sizeof(l->set_line[i]));
        l->skip = !add_instance(l, s, at);
        return;
    }
    l->skip = l->opened[i] != 0;
    if (l->skip)
        refuse_twice(l, name, l->opened[i], at);
    else
        l->opened[i] = at.line;
}

/* read_schema handles schema_version; false when the rest of the file cannot be understood. */
static bool
read_schema(load_t *l, bool scalar)
{
    qs_toml_value_t const *v = &l->toml.value;
    place_t key = {l->toml.key_line, l->toml.key_col};
    if (l->schema_line) {
        refuse_twice(l, "schema_version", l->schema_line, key);
        return true;
    }
    l->schema_line = key.line;
    bool natural = scalar && v->type == QS_TOML_INT && !v->negative;
    if (natural && v->number == QS_CONFIG_SCHEMA)
        return true;
    char shown[32];
    qs_text_printable(shown, sizeof(shown), scalar ? v->raw : "[", scalar ? v->raw_sz : 1);
    qs_error_t *e =
        complain(l, QS_ERROR_CFG_SCHEMA, (place_t){v->line, v->col},
                 "schema_version = %s: this program knows version %u", shown, QS_CONFIG_SCHEMA);
    bool newer = natural && v->number > QS_CONFIG_SCHEMA;
    qs_error_hint(
        e, newer ? "upgrade: this program reads schema_version = %u" : "write schema_version = %u",
        QS_CONFIG_SCHEMA);
    return false;
}

/* read_items takes the items of a list, or passes over them when there is no slot for them. */
static qs_toml_event_t
read_items(load_t *l, qs_config_slot_t const *slot)
{
    qs_toml_event_t event;
    while ((event = qs_toml_next(&l->toml)) == QS_TOML_ITEM) {
        qs_toml_value_t const *v = &l->toml.value;
        if (slot &&
            !qs_config_add_item(*slot, v, (qs_config_from_t){l->errors, l->where, v->line, v->col}))
            slot = NULL;
    }
    return event;
}

/* file_slot finds the option that the last key names, and checks that it may be set here. */
static bool
file_slot(load_t *l, char const *path, qs_config_slot_t *slot)
{
    place_t at = {l->toml.key_line, l->toml.key_col};
    if (!find_option(l, path, slot)) {
        refuse_key(l, path, at);
        return false;
    }
    qs_config_section_t const *s = slot->section;
    u32 i = section_idx(l, s);
    bool here = !strcmp(l->prefix, s->name);
    if (s->max && !here) {
        qs_error_t *e = complain(l, QS_ERROR_CFG_REPEAT, at, "section %s is a list", s->name);
        qs_error_hint(e, "write [[%s]], and %s below it", s->name, slot->row->key);
        return false;
    }
    u32 *first = &l->set_line[i][slot->row - s->row];
    if (*first) {
        refuse_twice(l, path, *first, at);
        return false;
    }
    *first = at.line;
    if (!here && !l->opened[i])
        l->opened[i] = at.line;
    slot->idx = s->max ? qs_config_cnt(l->cfg, s) - 1 : 0;
    return true;
}

/* read_option handles one key and its value; false when reading must end. */
static bool
read_option(load_t *l, qs_toml_event_t event)
{
    bool list = event == QS_TOML_ARRAY;
    if (!l->prefix[0] && !strcmp(l->toml.key, "schema_version")) {
        bool go_on = read_schema(l, !list);
        return list ? read_items(l, NULL) != QS_TOML_ERROR && go_on : go_on;
    }
    char path[PATH_CAP];
    snprintf(path, sizeof(path), "%s%s%s", l->prefix, l->prefix[0] ? "." : "", l->toml.key);
    qs_toml_value_t const *v = &l->toml.value;
    qs_config_from_t from = {l->errors, l->where, v->line, v->col};
    qs_config_slot_t slot;
    bool usable = !l->skip && file_slot(l, path, &slot);
    if (!list) {
        if (usable)
            qs_config_set_value(slot, v, from);
        return true;
    }
    usable = usable && qs_config_set_list(slot, from);
    return read_items(l, usable ? &slot : NULL) != QS_TOML_ERROR;
}

static void
read_file_text(load_t *l, char const *where, char const *text, size_t sz)
{
    l->where = where;
    qs_toml_init(&l->toml, where, text, sz, l->errors);
    for (;;) {
        qs_toml_event_t event = qs_toml_next(&l->toml);
        switch (event) {
        case QS_TOML_TABLE:
        case QS_TOML_TABLE_ITEM:
            open_section(l, event == QS_TOML_TABLE_ITEM);
            break;
        case QS_TOML_VALUE:
        case QS_TOML_ARRAY:
            if (!read_option(l, event))
                return;
            break;
        case QS_TOML_ITEM:
        case QS_TOML_ARRAY_END:
        case QS_TOML_END:
        case QS_TOML_ERROR:
            return;
        }
    }
}

/* slurp returns a file's text, sz bytes, for the caller to free, or NULL and the reason.  sz above
   QS_CONFIG_FILE_MAX means that there is more. */
static char *
slurp(char const *path, size_t *sz, int *err)
{
    char *text = malloc(QS_CONFIG_FILE_MAX + 1);
    FILE *f = text ? fopen(path, "rb") : NULL;
    *err = f ? 0 : errno;
    if (f) {
        *sz = fread(text, 1, QS_CONFIG_FILE_MAX + 1, f);
        *err = ferror(f) ? errno : 0;
        fclose(f);
    }
    if (!*err)
        return text;
    free(text);
    return NULL;
}

static void
read_file(load_t *l, char const *path)
{
    size_t sz = 0;
    int err = 0;
    char *text = slurp(path, &sz, &err);
    l->where = path;
    if (!text) {
        qs_error_t *e = complain(l, QS_ERROR_CFG_READ, (place_t){0},
                                 "the configuration cannot be read: %s", strerror(err));
        qs_error_hint(e, "check the path; `quickstep config default` prints a file to start from");
    } else if (sz > QS_CONFIG_FILE_MAX) {
        qs_error_t *e = complain(l, QS_ERROR_CFG_READ, (place_t){0},
                                 "the configuration is larger than %u bytes", QS_CONFIG_FILE_MAX);
        qs_error_hint(e, "check that this is the right file");
    } else {
        read_file_text(l, path, text, sz);
    }
    free(text);
}

void
qs_config_env_name(qs_config_section_t const *section, u32 idx, qs_config_row_t const *row,
                   char *name, size_t cap)
{
    if (section->max)
        snprintf(name, cap, ENV_PREFIX "%s_%u_%s", section->name, idx, row->key);
    else
        snprintf(name, cap, ENV_PREFIX "%s_%s", section->name, row->key);
    for (char *c = name; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
        else if (*c == '.')
            *c = '_';
    }
}

/* env_value returns the value of a variable, or NULL. */
static char const *
env_value(char const *const *env, char const *name)
{
    size_t len = strlen(name);
    for (; *env; env++)
        if (!strncmp(*env, name, len) && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

static bool
env_is_known(qs_config_table_t const *table, char const *name, qs_text_guess_t *guess)
{
    for (u32 i = 0; i < table->section_cnt; i++) {
        qs_config_section_t const *s = &table->section[i];
        for (u32 idx = 0; idx < (s->max ? s->max : 1); idx++)
            for (u32 r = 0; r < s->row_cnt; r++) {
                char known[NAME_CAP];
                qs_config_env_name(s, idx, &s->row[r], known, sizeof(known));
                if (!strcmp(known, name))
                    return true;
                qs_text_guess_offer(guess, known);
            }
    }
    return false;
}

static void
refuse_unknown_env(load_t *l, char const *const *env)
{
    for (; *env; env++) {
        char name[NAME_CAP];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(*env, "="), *env);
        qs_text_guess_t guess = {.wrote = name};
        if (strncmp(name, ENV_PREFIX, strlen(ENV_PREFIX)) || !strcmp(name, ENV_PREFIX "CPU") ||
            env_is_known(l->table, name, &guess))
            continue;
        qs_error_t *e = qs_error_add(l->errors, QS_ERROR_CFG_ENV, name, 0, 0,
                                     "this environment variable sets no option");
        if (guess.best[0])
            qs_error_hint(e, "did you mean %s?", guess.best);
        else
            qs_error_hint(e, "unset it; `quickstep help config` lists all variables");
    }
}

/* set_outside sets one option from text; an instance after the last is added first. */
static void
set_outside(load_t *l, qs_config_slot_t slot, char const *text)
{
    u32 cnt = qs_config_cnt(l->cfg, slot.section);
    if (slot.idx > cnt) {
        char const *name = slot.section->name;
        qs_error_t *e = complain(l, QS_ERROR_CFG_REPEAT, (place_t){0},
                                 "%s.%u without a %s.%u before it", name, slot.idx, name, cnt);
        qs_error_hint(e, "number them from 0 without gaps");
        return;
    }
    if (slot.idx == cnt && !add_instance(l, slot.section, (place_t){0}))
        return;
    qs_config_set_text(slot, text, (qs_config_from_t){l->errors, l->where, 0, 0});
}

/* read_env asks for each option in the order of the table: that of the environment is anyone's. */
static void
read_env(load_t *l, char const *const *env)
{
    for (u32 i = 0; i < l->table->section_cnt; i++) {
        qs_config_section_t const *s = &l->table->section[i];
        for (u32 idx = 0; idx < (s->max ? s->max : 1); idx++)
            for (u32 r = 0; r < s->row_cnt; r++) {
                char name[NAME_CAP];
                qs_config_env_name(s, idx, &s->row[r], name, sizeof(name));
                char const *text = env_value(env, name);
                l->where = name;
                if (text)
                    set_outside(l, (qs_config_slot_t){l->cfg, s, &s->row[r], idx}, text);
            }
    }
    refuse_unknown_env(l, env);
}

/* find_numbered looks "section.number.key" up, for a section that repeats. */
static bool
find_numbered(load_t *l, char const *path, qs_config_slot_t *slot)
{
    for (u32 i = 0; i < l->table->section_cnt; i++) {
        qs_config_section_t const *s = &l->table->section[i];
        char const *number = s->max ? after(path, s->name) : NULL;
        if (!number || *number < '0' || *number > '9')
            continue;
        char *dot;
        unsigned long idx = strtoul(number, &dot, 10);
        qs_config_row_t const *row = *dot == '.' ? find_row(s, dot + 1) : NULL;
        if (row && idx < UINT32_MAX) {
            *slot = (qs_config_slot_t){l->cfg, s, row, (u32)idx};
            return true;
        }
    }
    return false;
}

static void
read_set(load_t *l, char const *arg)
{
    char where[NAME_CAP], path[PATH_CAP];
    snprintf(where, sizeof(where), "--set %s", arg);
    l->where = where;
    size_t len = strcspn(arg, "=");
    bool named = len < sizeof(path) && memchr(arg, '.', len) && len < strlen(arg);
    if (!named) {
        qs_error_hint(complain(l, QS_ERROR_CFG_SET, (place_t){0}, "this is not section.key=value"),
                      "write it like this: --set net.tiles=2");
        return;
    }
    qs_text_printable(path, sizeof(path), arg, len);
    qs_config_slot_t slot;
    if (find_numbered(l, path, &slot)) {
        set_outside(l, slot, arg + len + 1);
    } else if (!find_option(l, path, &slot)) {
        refuse_key(l, path, (place_t){0});
    } else if (slot.section->max) {
        char const *name = slot.section->name;
        qs_error_hint(complain(l, QS_ERROR_CFG_REPEAT, (place_t){0}, "section %s is a list", name),
                      "say which: %s.0.%s", name, slot.row->key);
    } else {
        set_outside(l, slot, arg + len + 1);
    }
}

static void
check_instance(load_t *l, qs_config_section_t const *s, u32 idx)
{
    char const *at = qs_config_at(l->cfg, s, idx);
    place_t header = l->header[section_idx(l, s)][idx];
    if (!header.line)
        l->where = "environment and --set";
    for (u32 r = 0; r < s->row_cnt; r++) {
        qs_config_row_t const *row = &s->row[r];
        if (row->kind != QS_CONFIG_STR || strlen(at + row->off) >= row->min)
            continue;
        qs_error_t *e = complain(l, QS_ERROR_CFG_MISSING, header, "%s number %u has no %s", s->name,
                                 idx, row->key);
        qs_error_hint(e, "give it a %s", row->key);
    }
}

/* check_missing refuses repeated sections that lack a string which must not be empty. */
static void
check_missing(load_t *l, char const *file)
{
    for (u32 i = 0; i < l->table->section_cnt; i++) {
        qs_config_section_t const *s = &l->table->section[i];
        for (u32 idx = 0; s->max && idx < qs_config_cnt(l->cfg, s); idx++) {
            l->where = file;
            check_instance(l, s, idx);
        }
    }
}

static u64
count(qs_error_list_t const *errors)
{
    return errors->cnt + errors->more;
}

static void
init(load_t *l, qs_config_table_t const *table, void *cfg, qs_error_list_t *errors)
{
    memset(l, 0, sizeof(*l));
    l->table = table;
    l->cfg = cfg;
    l->errors = errors;
    qs_config_init(table, cfg);
}

int
qs_config_load(qs_config_table_t const *table, void *cfg, qs_config_sources_t const *sources,
               qs_error_list_t *errors)
{
    load_t l;
    u64 before = count(errors);
    init(&l, table, cfg, errors);
    if (sources->file)
        read_file(&l, sources->file);
    if (sources->env)
        read_env(&l, sources->env);
    for (u32 i = 0; i < sources->set_cnt; i++)
        read_set(&l, sources->set[i]);
    if (count(errors) == before)
        check_missing(&l, sources->file);
    return count(errors) == before ? 0 : -EINVAL;
}

int
qs_config_load_text(qs_config_table_t const *table, void *cfg, char const *where, char const *text,
                    size_t sz, qs_error_list_t *errors)
{
    load_t l;
    u64 before = count(errors);
    init(&l, table, cfg, errors);
    read_file_text(&l, where, text, sz);
    if (count(errors) == before)
        check_missing(&l, where);
    return count(errors) == before ? 0 : -EINVAL;
}

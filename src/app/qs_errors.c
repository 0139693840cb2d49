#include "app/qs_errors.h"

#include <stdarg.h>
#include <strings.h>

#include "app/qs_text.h"

/* clang-format off */
qs_error_info_t const qs_error_infos[QS_ERROR_ID_CNT] = {
#define QS_ERROR(name, id, title, text) {id, title, text},
#include "app/qs_errors.def"
#undef QS_ERROR
};
/* clang-format on */

qs_error_t *
qs_error_add(qs_error_list_t *list, qs_error_id_t id, char const *where, u32 line, u32 col,
             char const *fmt, ...)
{
    static _Thread_local qs_error_t spare;
    bool full = list->cnt == QS_ERROR_LIST_MAX;
    qs_error_t *e = full ? &spare : &list->error[list->cnt];
    list->cnt += !full;
    list->more += full;

    *e = (qs_error_t){.id = qs_error_infos[id].id, .line = line, .col = col};
    qs_text_printable(e->where, sizeof(e->where), where, strlen(where));
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof(e->text), fmt, args);
    va_end(args);
    return e;
}

void
qs_error_hint(qs_error_t *error, char const *fmt, ...)
{
    char text[sizeof(error->hint)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    qs_text_named(error->hint, sizeof(error->hint), text);
}

qs_error_info_t const *
qs_error_find(char const *id)
{
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++)
        if (!strcasecmp(qs_error_infos[i].id, id))
            return &qs_error_infos[i];
    return NULL;
}

void
qs_error_list_write(FILE *out, qs_error_list_t const *list)
{
    for (u32 i = 0; i < list->cnt; i++) {
        qs_error_t const *e = &list->error[i];
        fputs(e->where, out);
        if (e->line)
            fprintf(out, ":%u:%u", e->line, e->col);
        fprintf(out, ": %s [%s]\n", e->text, e->id);
        if (e->hint[0])
            fprintf(out, "    next: %s\n", e->hint);
    }
    if (list->more)
        fprintf(out, "and %lu more\n", list->more);
    if (list->cnt)
        fprintf(out, "`%s explain %s` says more\n", qs_text_program(), list->error[0].id);
}

void
qs_error_list_write_json(FILE *out, qs_error_list_t const *list)
{
    fputc('[', out);
    for (u32 i = 0; i < list->cnt; i++) {
        qs_error_t const *e = &list->error[i];
        fprintf(out, "%s{\"id\":\"%s\",\"where\":", i ? "," : "", e->id);
        qs_text_write_quoted(out, e->where);
        fprintf(out, ",\"line\":%u,\"col\":%u,\"text\":", e->line, e->col);
        qs_text_write_quoted(out, e->text);
        fputs(",\"hint\":", out);
        qs_text_write_quoted(out, e->hint);
        fputc('}', out);
    }
    fputc(']', out);
}

#include <ctype.h>

#include "app/qs_cmd.h"
#include "app/qs_errors.h"
#include "app/qs_text.h"

static int
list_all(bool json)
{
    fputs(json ? "{\"errors\":[" : "", stdout);
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++) {
        qs_error_info_t const *e = &qs_error_infos[i];
        if (!json) {
            printf("%s  %s\n", e->id, e->title);
            continue;
        }
        printf("%s{\"id\":\"%s\",\"title\":", i ? "," : "", e->id);
        qs_text_write_quoted(stdout, e->title);
        fputc('}', stdout);
    }
    fputs(json ? "]}\n" : "", stdout);
    return 0;
}

static int
explain(qs_error_info_t const *e, bool json)
{
    char text[1024];

    qs_text_named(text, sizeof(text), e->text);
    if (!json) {
        printf("%s: %s\n\n", e->id, e->title);
        qs_text_write_folded(stdout, "", 80, text);
        return 0;
    }
    printf("{\"id\":\"%s\",\"title\":", e->id);
    qs_text_write_quoted(stdout, e->title);
    fputs(",\"text\":", stdout);
    qs_text_write_quoted(stdout, text);
    fputs("}\n", stdout);
    return 0;
}

static int
refuse(char const *id)
{
    char shown[64];
    qs_text_printable(shown, sizeof(shown), id, strlen(id));
    for (char *c = shown; *c; c++)
        *c = (char)toupper((u8)*c);
    qs_text_guess_t guess = {.wrote = shown};
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++)
        qs_text_guess_offer(&guess, qs_error_infos[i].id);
    fprintf(stderr, "%s explain: there is no error %s\n", qs_text_program(), shown);
    if (guess.best[0])
        fprintf(stderr, "    next: did you mean %s?\n", guess.best);
    else
        fprintf(stderr, "    next: `%s explain` lists all errors\n", qs_text_program());
    return 2;
}

int
qs_cmd_explain(int argc, char **argv)
{
    bool json = false;
    char const *id = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json")) {
            json = true;
        } else if (argv[i][0] != '-' && !id) {
            id = argv[i];
        } else {
            fprintf(stderr, "usage: %s explain [--json] [ID]\n", qs_text_program());
            return 2;
        }
    }
    if (!id)
        return list_all(json);
    qs_error_info_t const *e = qs_error_find(id);
    return e ? explain(e, json) : refuse(id);
}

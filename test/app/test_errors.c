/* Goal: every error a user can meet has one id for ever and a text that helps.  Method: walk the
   whole list; then print errors the way both readers, people and programs, see them. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/qs_errors.h"

Test(errors, every_id_is_well_formed_and_has_title_and_text)
{
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++) {
        qs_error_info_t const *e = &qs_error_infos[i];
        char module[4];
        u32 number, len = 0;
        cr_expect(sscanf(e->id, "QS-%3[A-Z]-%3u%n", module, &number, &len) == 2, "%s", e->id);
        cr_expect(strlen(e->id) == 10 && len == 10 && strlen(module) == 3, "%s", e->id);
        cr_expect(strlen(e->title) >= 8 && strlen(e->title) <= 60, "%s: title", e->id);
        cr_expect(e->title[strlen(e->title) - 1] != '.', "%s: title", e->id);
        cr_expect(strlen(e->text) >= 80, "%s: text too short to help", e->id);
        cr_expect(e->text[strlen(e->text) - 1] == '.', "%s: text ends in a sentence", e->id);
        cr_expect(strstr(e->text, "  ") == NULL, "%s: text is one paragraph", e->id);
    }
}

Test(errors, no_two_errors_share_an_id_or_a_text)
{
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++)
        for (u32 j = 0; j < i; j++) {
            cr_expect(strcmp(qs_error_infos[i].id, qs_error_infos[j].id) != 0, "%s twice",
                      qs_error_infos[i].id);
            cr_expect(strcmp(qs_error_infos[i].title, qs_error_infos[j].title) != 0, "%s, %s",
                      qs_error_infos[i].id, qs_error_infos[j].id);
            cr_expect(strcmp(qs_error_infos[i].text, qs_error_infos[j].text) != 0, "%s, %s",
                      qs_error_infos[i].id, qs_error_infos[j].id);
        }
}

Test(errors, an_id_is_found_in_any_case)
{
    cr_assert(qs_error_find("QS-CFG-002") == &qs_error_infos[QS_ERROR_CFG_SYNTAX]);
    cr_assert(qs_error_find("qs-cfg-002") == &qs_error_infos[QS_ERROR_CFG_SYNTAX]);
    cr_assert(qs_error_find("QS-CFG-999") == NULL);
    cr_assert(qs_error_find("") == NULL);
}

Test(errors, list_is_written_for_people_and_for_programs)
{
    qs_error_list_t list = {0};
    qs_error_hint(qs_error_add(&list, QS_ERROR_CFG_RANGE, "a\"b", 7, 8, "x = %u", 9), "do %s", "y");
    qs_error_hint(qs_error_add(&list, QS_ERROR_CFG_SET, "--set z\n", 0, 0, "z"), "w");
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    qs_error_list_write(out, &list);
    fclose(out);
    cr_expect(eq(str, text,
                 "a\"b:7:8: x = 9 [QS-CFG-008]\n    next: do y\n"
                 "--set z?: z [QS-CFG-018]\n    next: w\n"
                 "`quickstep explain QS-CFG-008` says more\n"));
    free(text);

    out = open_memstream(&text, &sz);
    qs_error_list_write_json(out, &list);
    fclose(out);
    cr_expect(eq(str, text,
                 "[{\"id\":\"QS-CFG-008\",\"where\":\"a\\\"b\",\"line\":7,\"col\":8,"
                 "\"text\":\"x = 9\",\"hint\":\"do y\"},"
                 "{\"id\":\"QS-CFG-018\",\"where\":\"--set z?\",\"line\":0,\"col\":0,"
                 "\"text\":\"z\",\"hint\":\"w\"}]"));
    free(text);
}

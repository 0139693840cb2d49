/* Goal: no text crashes the reader or the loader, every refusal names an id, a place and a next
   step, and what is accepted is written back as text that loads to the same struct.
   Method: the input is a file, and again an argument of --set. */

#include "app/qs_config_load.h"
#include "app/qs_config_write.h"
#include "app/qs_text.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static qs_config_t cfg, again;

/* check_errors: complaints must be fit for a terminal, whatever they complain about. */
static void
check_errors(qs_error_list_t const *errors)
{
    QS_ASSERT(errors->cnt);
    for (u32 i = 0; i < errors->cnt; i++) {
        qs_error_t const *e = &errors->error[i];
        QS_ASSERT(qs_error_find(e->id));
        QS_ASSERT(e->where[0] && e->text[0] && e->hint[0]);
        QS_ASSERT(!e->line == !e->col);
        QS_ASSERT(qs_text_is_utf8(e->where, strlen(e->where)));
        for (char const *c = e->text; *c; c++)
            QS_ASSERT((u8)*c >= 0x20 && *c != 0x7f);
    }
}

static void
check_round_trip(void)
{
    static char text[1u << 16];
    qs_error_list_t errors = {0};
    FILE *out = fmemopen(text, sizeof(text), "w");
    QS_ASSERT(out);
    qs_config_write_toml(out, &qs_config_table, &cfg, false);
    long sz = ftell(out);
    QS_ASSERT(sz > 0 && (size_t)sz < sizeof(text));
    fclose(out);
    QS_ASSERT(!qs_config_load_text(&qs_config_table, &again, "again", text, (size_t)sz, &errors));
    QS_ASSERT(!memcmp(&cfg, &again, sizeof(cfg)));
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_error_list_t errors = {0};
    if (qs_config_load_text(&qs_config_table, &cfg, "x", (char const *)data, sz, &errors))
        check_errors(&errors);
    else
        check_round_trip();

    char *arg = strndup((char const *)data, sz);
    QS_ASSERT(arg);
    errors = (qs_error_list_t){0};
    char const *set[] = {arg};
    if (qs_config_load(&qs_config_table, &cfg, &(qs_config_sources_t){.set = set, .set_cnt = 1},
                       &errors))
        check_errors(&errors);
    else
        check_round_trip();
    free(arg);
    return 0;
}

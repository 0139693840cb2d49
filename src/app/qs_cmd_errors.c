/* errors - what an instance's supervisor and tiles have warned of, each kind once, with how often and
   when; of a dead instance too. */

#include <time.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_text.h"
#include "disco/qs_attach.h"
#include "tango/base/qs_log.h"

typedef struct walk {
    bool json;
    u32 cnt;
    u64 more;
} walk_t;

static void
write_time(char const *sep, u64 ns)
{
    time_t s = (time_t)(ns / 1000000000u);
    struct tm tm;
    char text[32];

    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
    printf("%s%s.%03luZ", sep, text, ns / 1000000u % 1000u);
}

static void
write_row(walk_t *w, char const *tile, qs_errs_row_t const *row)
{
    char id[QS_ERRS_ID_SZ * 4], text[QS_ERRS_TEXT_SZ * 4];

    if (w->json) {
        printf("%s{\"tile\":\"%s\",\"id\":", w->cnt++ ? "," : "", tile);
        qs_text_write_quoted(stdout, row->id);
        printf(",\"level\":\"%s\",\"count\":%lu,\"first_ns\":%lu,\"last_ns\":%lu,\"text\":",
               qs_log_level_name(row->level), row->cnt, row->first_ns, row->last_ns);
        qs_text_write_quoted(stdout, row->text);
        printf("}");
        return;
    }
    w->cnt++;
    qs_text_printable(id, sizeof(id), row->id, strlen(row->id));
    printf("%-10s %-11s %-7s %6lu times", tile, id, qs_log_level_name(row->level), row->cnt);
    write_time("  ", row->first_ns);
    write_time(" to ", row->last_ns);
    qs_text_printable(text, sizeof(text), row->text, strlen(row->text));
    printf("\n           %s\n", text);
}

static void
write_table(walk_t *w, char const *tile, qs_errs_t const *errs)
{
    qs_errs_row_t row;

    for (u32 i = 0; errs && i < QS_ERRS_MAX; i++)
        if (qs_errs_read(errs, i, &row))
            write_row(w, tile, &row);
    w->more += errs ? qs_load_relaxed(&errs->more) : 0;
}

static void
write_all(qs_attach_t const *a, bool json)
{
    walk_t w = {.json = json};
    char label[QS_NAME_MAX + 4];

    if (json)
        printf("{\"instance\":\"%s\",\"alive\":%s,\"errors\":[", a->instance.name,
               qs_instance_alive(&a->instance) ? "true" : "false");
    write_table(&w, "main", &a->boot->errs);
    for (u32 i = 0; i < a->plan->tile_cnt; i++)
        write_table(&w, qs_plan_label(a->plan, i, label, sizeof(label)),
                    qs_attach_at(a, i, a->plan->tile[i].errs_off, sizeof(qs_errs_t)));
    if (json)
        printf("],\"more\":%lu}\n", w.more);
    else if (!w.cnt)
        printf("nothing was warned of\n");
    if (!json && w.more)
        printf("and %lu of other kinds\n", w.more);
}

int
qs_cmd_errors(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *instance = NULL;
    bool json = false, help = false;
    qs_arg_t const table[] = {
        {"--instance", "NAME", "which one; not needed if there is only one", QS_ARG_STR, &instance},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_attach_t a;

    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage_own("errors", "", table);
        return 0;
    }
    if (code)
        return code;
    if (qs_attach_open(&a, instance, topos)) {
        fprintf(stderr, "%s errors: %s\n", qs_text_program(), a.why);
        return 1;
    }
    write_all(&a, json);
    qs_attach_close(&a);
    return 0;
}

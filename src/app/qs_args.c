#include "app/qs_args.h"

#include <unistd.h>

#include "app/qs_config_load.h"
#include "app/qs_text.h"

static int
refuse(char const *command, char const *cause, char const *arg)
{
    fprintf(stderr, "%1$s %2$s: %3$s %4$s (see %1$s help %2$s)\n", qs_text_program(), command,
            cause, arg);
    return 2;
}

/* take_value returns false if text is no value of that kind. */
static bool
take_value(qs_arg_t const *arg, char const *text)
{
    char *end = NULL;

    switch (arg->kind) {
    case QS_ARG_STR:
        *(char const **)arg->out = text;
        return true;
    case QS_ARG_U64:
        errno = 0;
        *(u64 *)arg->out = strtoull(text, &end, 10);
        return text[0] >= '0' && text[0] <= '9' && !*end && !errno;
    case QS_ARG_REAL:
        *(double *)arg->out = strtod(text, &end);
        return end != text && !*end && *(double *)arg->out >= 0;
    default:
        return false;
    }
}

static qs_arg_t const *
find(qs_arg_t const *table, char const *name)
{
    for (; table->kind; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

int
qs_args_parse(qs_args_t *args, qs_arg_t const *table, int argc, char **argv)
{
    *args = (qs_args_t){.rest = argv + 1};
    for (int i = 1; i < argc; i++) {
        char const *name = argv[i];
        if (!strcmp(name, "--")) {
            while (++i < argc)
                args->rest[args->rest_cnt++] = argv[i];
            break;
        }
        if (name[0] != '-' || !name[1]) {
            args->rest[args->rest_cnt++] = argv[i];
            continue;
        }
        qs_arg_t const *arg = find(table, name);
        if (arg && arg->kind == QS_ARG_FLAG) {
            *(bool *)arg->out = true;
            continue;
        }
        bool config = !strcmp(name, "--config"), set = !strcmp(name, "--set");
        if (!arg && !config && !set)
            return refuse(argv[0], "no option", name);
        if (++i == argc)
            return refuse(argv[0], "no value for", name);
        if (config)
            args->file = argv[i];
        else if (set && args->set_cnt == QS_ARGS_SET_MAX)
            return refuse(argv[0], "too many", name);
        else if (set)
            args->set[args->set_cnt++] = argv[i];
        else if (!take_value(arg, argv[i]))
            return refuse(argv[0], name, argv[i]);
    }
    return 0;
}

static struct {
    qs_args_writer_t write;
    void *ctx;
} diverted;

void
qs_args_divert(qs_args_writer_t writer, void *ctx)
{
    diverted.write = writer;
    diverted.ctx = ctx;
}

static void
print_usage(char const *command, char const *plain, qs_arg_t const *table)
{
    printf("usage: %s %s%s%s\n", qs_text_program(), command, *plain ? " " : "", plain);
    for (; table->kind; table++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", table->name, table->value ? " " : "",
                 table->value ? table->value : "");
        printf("  %-24s %s\n", left, table->help);
    }
}

void
qs_args_usage_own(char const *command, char const *plain, qs_arg_t const *table)
{
    if (diverted.write)
        diverted.write(diverted.ctx, command, plain, table, NULL);
    else
        print_usage(command, plain, table);
}

static qs_arg_t const shared[] = {
    {"--config", "FILE", "options from FILE (help config lists them)", QS_ARG_STR, NULL},
    {"--set", "SECTION.KEY=VALUE", "one option; may stand several times", QS_ARG_STR, NULL},
    {0}};

void
qs_args_usage(char const *command, char const *plain, qs_arg_t const *table)
{
    if (diverted.write) {
        diverted.write(diverted.ctx, command, plain, table, shared);
        return;
    }
    print_usage(command, plain, table);
    for (qs_arg_t const *arg = shared; arg->kind; arg++)
        printf("  %s %-*s %s\n", arg->name, (int)(23 - strlen(arg->name)), arg->value, arg->help);
}

int
qs_args_load(qs_args_t const *args, qs_config_t *cfg)
{
    qs_error_list_t errors = {0};
    qs_config_sources_t sources = {.file = args->file,
                                   .env = (char const *const *)environ,
                                   .set = args->set,
                                   .set_cnt = args->set_cnt};

    if (!qs_config_load(&qs_config_table, cfg, &sources, &errors))
        return 0;
    qs_error_list_write(stderr, &errors);
    return 2;
}

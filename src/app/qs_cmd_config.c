#include <unistd.h>

#include "app/qs_cmd.h"
#include "app/qs_config_load.h"
#include "app/qs_config_write.h"
#include "app/qs_text.h"

#define DONE     0
#define REFUSED  2
#define SETS_MAX 64u

/* What the arguments after `config VERB` say. */
typedef struct args {
    bool json, md;
    char const *plain; /* the one argument that is no option */
    char const *file;
    char const *set[SETS_MAX];
    u32 set_cnt;
} args_t;

static int
usage(char const *cause, char const *arg)
{
    fprintf(stderr,
            "%1$s config: %2$s%3$s%4$s\n"
            "usage: %1$s config check FILE [--json]\n"
            "       %1$s config show [--json] [--config FILE] [--set section.key=value]...\n"
            "       %1$s config default [--md]\n",
            qs_text_program(), cause, arg ? " " : "", arg ? arg : "");
    return REFUSED;
}

/* parse_args returns NULL, or the argument that cannot be used. */
static char const *
parse_args(int argc, char **argv, args_t *a)
{
    for (int i = 0; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--json"))
            a->json = true;
        else if (!strcmp(argv[i], "--md"))
            a->md = true;
        else if (!strcmp(argv[i], "--config") && more && !a->file)
            a->file = argv[++i];
        else if (!strcmp(argv[i], "--set") && more && a->set_cnt < SETS_MAX)
            a->set[a->set_cnt++] = argv[++i];
        else if (argv[i][0] != '-' && !a->plain)
            a->plain = argv[i];
        else
            return argv[i];
    }
    return NULL;
}

static int
check(args_t const *a)
{
    qs_config_t cfg;
    qs_error_list_t errors = {0};
    int err =
        qs_config_load(&qs_config_table, &cfg, &(qs_config_sources_t){.file = a->plain}, &errors);
    if (a->json) {
        fprintf(stdout, "{\"ok\":%s,\"errors\":", err ? "false" : "true");
        qs_error_list_write_json(stdout, &errors);
        fputs("}\n", stdout);
    } else if (err) {
        qs_error_list_write(stderr, &errors);
    } else {
        fprintf(stderr, "%s: ok\n", a->plain);
    }
    return err ? REFUSED : DONE;
}

static int
show(args_t const *a)
{
    qs_config_t cfg;
    qs_error_list_t errors = {0};
    qs_config_sources_t sources = {
        .file = a->file, .env = (char const *const *)environ, .set = a->set, .set_cnt = a->set_cnt};
    if (qs_config_load(&qs_config_table, &cfg, &sources, &errors)) {
        qs_error_list_write(stderr, &errors);
        return REFUSED;
    }
    if (a->json)
        qs_config_write_json(stdout, &qs_config_table, &cfg);
    else
        qs_config_write_toml(stdout, &qs_config_table, &cfg, false);
    return DONE;
}

static int
show_default(args_t const *a)
{
    qs_config_t cfg;
    qs_config_init(&qs_config_table, &cfg);
    if (a->md)
        qs_config_write_md(stdout, &qs_config_table);
    else
        qs_config_write_toml(stdout, &qs_config_table, &cfg, true);
    return DONE;
}

int
qs_cmd_config(int argc, char **argv)
{
    if (argc < 2)
        return usage("check, show or default?", NULL);
    args_t a = {0};
    char const *verb = argv[1];
    char const *bad = parse_args(argc - 2, argv + 2, &a);
    if (bad)
        return usage("cannot use", bad);

    bool has_sources = a.file || a.set_cnt;
    if (!strcmp(verb, "check") && a.plain && !a.md && !has_sources)
        return check(&a);
    if (!strcmp(verb, "show") && !a.plain && !a.md)
        return show(&a);
    if (!strcmp(verb, "default") && !a.plain && !a.json && !has_sources)
        return show_default(&a);
    return usage("cannot do", verb);
}

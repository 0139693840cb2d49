#include <signal.h>
#include <unistd.h>

#include "app/qs_cmd.h"
#include "app/qs_config_write.h"
#include "disco/qs_boot.h"

#define QS_VERSION "0.1.0"

typedef int (*command_fn_t)(int argc, char **argv, qs_topo_t const *const *topos);

typedef struct command {
    char const *name;
    char const *help; /* NULL: not for people */
    command_fn_t run;
} command_t;

static int cmd_help(int argc, char **argv, qs_topo_t const *const *topos);

static int
cmd_tile(int argc, char **argv, qs_topo_t const *const *topos)
{
    return qs_boot_main(argc > 1 ? atoi(argv[1]) : -1, topos);
}

static int
cmd_version(int argc, char **argv, qs_topo_t const *const *topos)
{
    bool json = argc > 1 && !strcmp(argv[1], "--json");

    (void)topos;
    printf(json ? "{\"version\":\"%s\",\"compiler\":\"%s\"}\n" : "quickstep %s (%s)\n", QS_VERSION,
           __VERSION__);
    return 0;
}

static int
cmd_config(int argc, char **argv, qs_topo_t const *const *topos)
{
    (void)topos;
    return qs_cmd_config(argc, argv);
}

static int
cmd_explain(int argc, char **argv, qs_topo_t const *const *topos)
{
    (void)topos;
    return qs_cmd_explain(argc, argv);
}

/* cmd_bench starts build/bench/NAME, the only programs linked with peers: they lie beside this
   one. */
static int
cmd_bench(int argc, char **argv, qs_topo_t const *const *topos)
{
    char self[4096], path[4200];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    (void)topos;
    if (argc < 2 || argv[1][0] == '-' || strchr(argv[1], '/')) {
        fprintf(stderr, "usage: quickstep bench NAME [--json]\n");
        return 2;
    }
    if (len < 0)
        return 1;
    self[len] = 0;
    *strrchr(self, '/') = 0;
    snprintf(path, sizeof(path), "%s/bench/%s", self, argv[1]);
    execv(path, argv + 1);
    fprintf(stderr, "quickstep bench %s: %s: %s (make benches builds them)\n", argv[1], path,
            strerror(errno));
    return 2;
}

/* clang-format off */
static command_t const commands[] = {
    {"run",     "run a topology",                                        qs_cmd_run},
    {"dev",     "the lab: nodes, a network, traffic, and an account",    qs_cmd_dev},
    {"topo",    "show a topology: tiles, links, memory",                 qs_cmd_topo},
    {"metrics", "all metrics of an instance, running or dead",           qs_cmd_metrics},
    {"monitor", "tiles and links of an instance, refreshed",             qs_cmd_monitor},
    {"config",  "check, show or write a configuration",                  cmd_config},
    {"configure", "set up this host: huge pages, limits; and undo it",   qs_cmd_configure},
    {"explain", "more about an error id",                                cmd_explain},
    {"bench",   "measure against a peer",                                cmd_bench},
    {"version", "the version",                                           cmd_version},
    {"help",    "this text; help COMMAND, help config",                  cmd_help},
    {"tile",    NULL,                                                    cmd_tile},
};
/* clang-format on */

static command_t const *
find_command(char const *name)
{
    for (u32 i = 0; i < QS_COUNT(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void
print_commands(FILE *f)
{
    fprintf(f, "usage: quickstep COMMAND [OPTION]...\n");
    for (u32 i = 0; i < QS_COUNT(commands); i++)
        if (commands[i].help)
            fprintf(f, "  %-9s %s\n", commands[i].name, commands[i].help);
    fprintf(f, "exit codes: 0 done, 1 failed, 2 usage or configuration, 3 the host lacks "
               "something, 4 the run's own check failed\n");
}

static int
cmd_help(int argc, char **argv, qs_topo_t const *const *topos)
{
    if (argc < 2) {
        print_commands(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "config")) {
        qs_config_write_help(stdout, &qs_config_table);
        return 0;
    }
    command_t const *c = find_command(argv[1]);
    if (!c || !c->help) {
        fprintf(stderr, "quickstep: no command '%s'\n", argv[1]);
        print_commands(stderr);
        return 2;
    }
    char *args[] = {argv[1], (char[]){"--help"}, NULL};
    return c->run == cmd_help ? cmd_help(1, argv, topos) : c->run(2, args, topos);
}

int
qs_main(int argc, char **argv, qs_topo_t const *const *topos)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return cmd_help(1, argv, topos);
    command_t const *c = find_command(argv[1]);
    if (c)
        return c->run(argc - 1, argv + 1, topos);
    fprintf(stderr, "quickstep: no command '%s' (see quickstep help)\n", argv[1]);
    return 2;
}

#include <signal.h>
#include <unistd.h>

#include "app/qs_cmd.h"
#include "app/qs_config_write.h"
#include "app/qs_help.h"
#include "app/qs_text.h"
#include "disco/qs_boot.h"

#define QS_VERSION "0.1.0"

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
        fprintf(stderr, "usage: %s bench NAME [--json]\n", qs_text_program());
        return 2;
    }
    if (len < 0)
        return 1;
    self[len] = 0;
    *strrchr(self, '/') = 0;
    snprintf(path, sizeof(path), "%s/bench/%s", self, argv[1]);
    execv(path, argv + 1);
    fprintf(stderr, "%s bench %s: %s: %s (make benches builds them)\n", qs_text_program(), argv[1],
            path, strerror(errno));
    return 2;
}

/* What subcommands take that do not read their arguments by a table. */
static qs_arg_t const config_usage[] = {
    {"check", "FILE", "say what is wrong with a file", QS_ARG_WORD, NULL},
    {"show", NULL, "the options as they would be used", QS_ARG_WORD, NULL},
    {"default", NULL, "a file to start from", QS_ARG_WORD, NULL},
    {"--json", NULL, "for programs (check, show)", QS_ARG_FLAG, NULL},
    {"--md", NULL, "for the docs (default)", QS_ARG_FLAG, NULL},
    {"--config", "FILE", "options from FILE (show)", QS_ARG_STR, NULL},
    {"--set", "SECTION.KEY=VALUE", "one option (show)", QS_ARG_STR, NULL},
    {0}};
static qs_arg_t const json_usage[] = {{"--json", NULL, "for programs", QS_ARG_FLAG, NULL}, {0}};
static qs_arg_t const help_usage[] = {
    {"config", NULL, "all options of the configuration", QS_ARG_WORD, NULL},
    {"--json", NULL, "for programs (config)", QS_ARG_FLAG, NULL},
    {"--man", NULL, "the man page", QS_ARG_FLAG, NULL},
    {"--bash", NULL, "the completion for bash", QS_ARG_FLAG, NULL},
    {0}};

/* clang-format off */
static qs_command_t const commands[] = {
    {"run",       "run a topology",                                        qs_cmd_run, NULL, NULL},
    {"dev",       "the lab: nodes, a network, traffic, and an account",    qs_cmd_dev, NULL, NULL},
    {"topo",      "show a topology: tiles, links, memory",                 qs_cmd_topo, NULL, NULL},
    {"mem",       "what workspaces, links and tiles take",                 qs_cmd_mem, NULL, NULL},
    {"configure", "set up this host: huge pages, limits; and undo it",     qs_cmd_configure, NULL, NULL},
    {"doctor",    "what is wrong with this host, and what to do about it", qs_cmd_doctor, NULL, NULL},
    {"ready",     "wait until all tiles of an instance run",               qs_cmd_ready, NULL, NULL},
    {"ps",        "the instances of this host",                            qs_cmd_ps, NULL, NULL},
    {"metrics",   "all metrics of an instance, running or dead",           qs_cmd_metrics, NULL, NULL},
    {"errors",    "what an instance has warned of, each kind once",         qs_cmd_errors, NULL, NULL},
    {"monitor",   "tiles, links and metrics of an instance, refreshed",    qs_cmd_monitor, NULL, NULL},
    {"xdp",       "XDP programs on interfaces: show them, take ours off",  qs_cmd_xdp, NULL, NULL},
    {"pktgen",    "a source of traffic: rate, sizes, ports, garbage",      qs_cmd_pktgen, NULL, NULL},
    {"gossip",    "who is in the cluster: peers of a node, or spy",        qs_cmd_gossip, NULL, NULL},
    {"tap",       "what passes on a link of an instance, as JSON or a capture", qs_cmd_tap, NULL, NULL},
    {"feed",      "the blocks that a running node verified, as lines or JSON", qs_cmd_feed, NULL, NULL},
    {"slots",     "the slots that a store has on disk",                    qs_cmd_slots, NULL, NULL},
    {"block",     "entries and transactions of a slot on disk",            qs_cmd_block, NULL, NULL},
    {"txn",       "decode, verify or send a transaction",                  qs_cmd_txn, NULL, NULL},
    {"keys",      "make a key pair, show its public half",                 qs_cmd_keys, NULL, NULL},
    {"config",    "check, show or write a configuration",                  cmd_config,
     "check FILE|show|default", config_usage},
    {"explain",   "more about an error id",                                cmd_explain, "[ID]", json_usage},
    {"bench",     "measure against a peer",                                cmd_bench, "NAME", json_usage},
    {"version",   "the version",                                           cmd_version, "", json_usage},
    {"help",      "this text; help COMMAND, help config",                  cmd_help, "[COMMAND]", help_usage},
    {"fetch-schedule", NULL,                                               qs_cmd_fetch_schedule, NULL, NULL},
    {"tile",      NULL,                                                    cmd_tile, NULL, NULL},
    {0}
};
/* clang-format on */

static qs_command_t const *
find_command(char const *name)
{
    for (qs_command_t const *c = commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static void
print_commands(FILE *f)
{
    fprintf(f, "usage: %s COMMAND [OPTION]...\n", qs_text_program());
    for (qs_command_t const *c = commands; c->name; c++)
        if (c->help)
            fprintf(f, "  %-9s %s\n", c->name, c->help);
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
        if (argc > 2 && !strcmp(argv[2], "--json"))
            qs_config_write_help_json(stdout, &qs_config_table);
        else
            qs_config_write_help(stdout, &qs_config_table);
        return 0;
    }
    if (!strcmp(argv[1], "--man")) {
        qs_help_write_man(stdout, commands, topos, QS_VERSION);
        return 0;
    }
    if (!strcmp(argv[1], "--bash")) {
        qs_help_write_bash(stdout, commands, topos);
        return 0;
    }
    qs_command_t const *c = find_command(argv[1]);
    if (!c || !c->help) {
        fprintf(stderr, "%s: no command '%s'\n", qs_text_program(), argv[1]);
        print_commands(stderr);
        return 2;
    }
    return c->run == cmd_help ? cmd_help(1, argv, topos) : qs_help_usage(c, topos);
}

int
qs_main(int argc, char **argv, qs_topo_t const *const *topos)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc > 0)
        qs_text_program_is(argv[0]);
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return cmd_help(1, argv, topos);
    qs_command_t const *c = find_command(argv[1]);
    if (c)
        return c->run(argc - 1, argv + 1, topos);
    fprintf(stderr, "%1$s: no command '%2$s' (see %1$s help)\n", qs_text_program(), argv[1]);
    return 2;
}

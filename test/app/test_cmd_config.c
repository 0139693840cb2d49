/* Goal: `config` and `explain` keep the exit codes and the outputs that people and scripts rely
   on.  Method: call them as main would, with stdout and stderr caught in memory. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/qs_cmd.h"
#include "app/qs_config_load.h"
#include "app/qs_config_write.h"

#define ARGC_MAX 8

static char out[65536], err[65536];

static void
read_back(int fd, char *text, size_t cap)
{
    ssize_t sz = pread(fd, text, cap - 1, 0);
    cr_assert(sz >= 0);
    text[sz] = 0;
    close(fd);
}

/* run calls a subcommand with the words of a line as its arguments. */
static int
run(char const *line)
{
    char words[256];
    char *argv[ARGC_MAX + 1] = {0};
    int argc = 0;
    snprintf(words, sizeof(words), "%s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;

    fflush(NULL);
    int saved[2] = {dup(1), dup(2)};
    int caught[2] = {memfd_create("out", 0), memfd_create("err", 0)};
    dup2(caught[0], 1);
    dup2(caught[1], 2);
    int code = !strcmp(argv[0], "config") ? qs_cmd_config(argc, argv) : qs_cmd_explain(argc, argv);
    fflush(NULL);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    read_back(caught[0], out, sizeof(out));
    read_back(caught[1], err, sizeof(err));
    return code;
}

static char const *
file_with(char const *text)
{
    static char path[] = "/tmp/qs_test_cmd_XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

struct usage {
    char line[64];
};

ParameterizedTestParameters(cmd_config, wrong_usage_exits_with_2_and_says_how)
{
    static struct usage wrong[] = {
        {"config"},
        {"config frobnicate"},
        {"config check"},
        {"config check a b"},
        {"config check a --md"},
        {"config check a --set net.tiles=1"},
        {"config show x"},
        {"config show --frob"},
        {"config show --set"},
        {"config show --config"},
        {"config show --config a --config b"},
        {"config default --json"},
        {"config default x"},
        {"explain a b"},
        {"explain --frob"},
    };
    return cr_make_param_array(struct usage, wrong, QS_COUNT(wrong));
}

ParameterizedTest(struct usage *p, cmd_config, wrong_usage_exits_with_2_and_says_how)
{
    cr_assert(eq(int, run(p->line), 2), "%s", p->line);
    cr_expect(eq(str, out, ""));
    cr_expect(strstr(err, "usage: quickstep") != NULL, "%s", err);
}

Test(cmd_config, check_names_the_error_and_exits_with_2)
{
    char const *path = file_with("[net]\ntiles = 99\n");
    char line[128], want[256];
    snprintf(line, sizeof(line), "config check %s", path);
    cr_expect(eq(int, run(line), 2));
    snprintf(want, sizeof(want), "%s:2:9: net.tiles = 99: must be ", path);
    cr_expect(strncmp(err, want, strlen(want)) == 0, "%s", err);
    cr_expect(strstr(err, "[QS-CFG-008]\n    next: ") != NULL, "%s", err);
    cr_expect(eq(str, out, ""));

    snprintf(line, sizeof(line), "config check %s --json", path);
    cr_expect(eq(int, run(line), 2));
    snprintf(want, sizeof(want),
             "{\"ok\":false,\"errors\":[{\"id\":\"QS-CFG-008\",\"where\":\"%s\",\"line\":2,", path);
    cr_expect(strncmp(out, want, strlen(want)) == 0, "%s", out);
    unlink(path);
}

Test(cmd_config, check_of_a_good_file_exits_with_0)
{
    cr_expect(eq(int, run("config check config/default.toml"), 0), "%s", err);
    cr_expect(eq(int, run("config check config/default.toml --json"), 0));
    cr_expect(eq(str, out, "{\"ok\":true,\"errors\":[]}\n"));
}

Test(cmd_config, show_joins_file_environment_and_arguments)
{
    char const *path = file_with("[net]\ntiles = 2\nmtu = 600\niface = 'file'\n");
    setenv("QUICKSTEP_NET_MTU", "700", 1);
    setenv("QUICKSTEP_NET_IFACE", "env", 1);
    char line[160];
    snprintf(line, sizeof(line), "config show --config %s --set net.iface=set --json", path);
    cr_expect(eq(int, run(line), 0), "%s", err);
    cr_expect(strstr(out, "\"iface\":\"set\"") != NULL, "%s", out);
    cr_expect(strstr(out, "\"tiles\":2,") != NULL, "%s", out);
    cr_expect(strstr(out, "\"mtu\":700") != NULL, "%s", out);
    cr_expect(out[0] == '{' && strchr(out, '\n') == out + strlen(out) - 1, "one object, one line");
    unlink(path);

    cr_expect(eq(int, run("config show --set net.iface=set"), 0));
    cr_expect(strstr(out, "\niface = \"set\"\n") != NULL, "%s", out);
    cr_expect(eq(int, run("config show --set net.tiles=0"), 2));
    cr_expect(strncmp(err, "--set net.tiles=0: net.tiles = 0: must be", 41) == 0, "%s", err);
}

Test(cmd_config, explain_knows_every_error)
{
    char line[64];
    for (u32 i = 0; i < QS_ERROR_ID_CNT; i++) {
        snprintf(line, sizeof(line), "explain %s", qs_error_infos[i].id);
        cr_expect(eq(int, run(line), 0));
        cr_expect(strncmp(out, qs_error_infos[i].id, 10) == 0, "%s", out);
        cr_expect(strstr(out, qs_error_infos[i].title) != NULL, "%s", out);
        for (char *l = strtok(out, "\n"); l; l = strtok(NULL, "\n"))
            cr_expect(strlen(l) <= 80, "%s", l);
        cr_expect(eq(int, run("explain"), 0));
        cr_expect(strstr(out, qs_error_infos[i].id) != NULL, "%s", out);
    }
    cr_expect(eq(int, run("explain --json qs-cfg-008"), 0));
    cr_expect(strncmp(out, "{\"id\":\"QS-CFG-008\",\"title\":\"", 27) == 0, "%s", out);
    cr_expect(eq(int, run("explain QS-CFG-0008"), 2));
    cr_expect(strstr(err, "did you mean QS-CFG-008?") != NULL, "%s", err);
}

Test(cmd_config, help_names_every_option_and_its_variable)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *f = open_memstream(&text, &sz);
    qs_config_write_help(f, &qs_config_table);
    fclose(f);
    for (u32 i = 0; i < qs_config_table.section_cnt; i++) {
        qs_config_section_t const *s = &qs_config_table.section[i];
        for (u32 r = 0; r < s->row_cnt; r++) {
            char name[128], line[160];
            qs_config_env_name(s, 0, &s->row[r], name, sizeof(name));
            snprintf(line, sizeof(line), "      %s\n", name);
            cr_expect(strstr(text, line) != NULL, "%s", name);
            snprintf(line, sizeof(line), "\n  %s = ", s->row[r].key);
            cr_expect(strstr(text, line) != NULL, "%s", s->row[r].key);
        }
    }
    free(text);
}

#include "app/qs_help.h"

#include "app/qs_text.h"

int
qs_help_usage(qs_command_t const *command, qs_topo_t const *const *topos)
{
    char name[32];
    char *args[] = {name, (char[]){"--help"}, NULL};

    if (command->table) {
        qs_args_usage_own(command->name, command->plain, command->table);
        return 0;
    }
    snprintf(name, sizeof(name), "%s", command->name);
    return command->run(2, args, topos);
}

/* put writes text in which the program is called quickstep, under its own name. */
static void
put(FILE *out, char const *text)
{
    char const *word = "quickstep", *hit;

    for (; (hit = strstr(text, word)); text = hit + strlen(word))
        fprintf(out, "%.*s%s", (int)(hit - text), text, qs_text_program());
    fputs(text, out);
}

/* write_roff writes text that roff takes as it is. */
static void
write_roff(FILE *out, char const *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text == '\\' ? 'e' : *text, out);
    }
}

static void
write_item(FILE *out, char const *name, char const *value, char const *help)
{
    fputs(".TP\n.B ", out);
    write_roff(out, name);
    if (value) {
        fputs(" \\fI", out);
        write_roff(out, value);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    write_roff(out, help);
    fputc('\n', out);
}

/* write_section is the writer of the man page: what is shared stands in one place only. */
static void
write_section(void *ctx, char const *command, char const *plain, qs_arg_t const *table,
              qs_arg_t const *shared)
{
    FILE *out = ctx;

    put(out, ".PP\n.B quickstep ");
    write_roff(out, command);
    fputs("\n.I ", out);
    write_roff(out, plain);
    fputs(shared ? " [CONFIGURATION]\n" : "\n", out);
    fputs(".RS\n", out);
    for (; table->kind; table++)
        if (strcmp(table->name, "--help") != 0)
            write_item(out, table->name, table->value, table->help);
    fputs(".RE\n", out);
}

static void
write_shared(void *ctx, char const *command, char const *plain, qs_arg_t const *table,
             qs_arg_t const *shared)
{
    (void)command;
    (void)plain;
    (void)table;
    for (; shared && shared->kind; shared++)
        write_item(ctx, shared->name, shared->value, shared->help);
}

/* clang-format off */
static char const man_end[] =
    ".PP\n"
    "Options of the configuration come from four places, each overriding the ones before it: the\n"
    "defaults, the file, the environment\n"
    "(QUICKSTEP_SECTION_KEY), and \\-\\-set.\n"
    ".B quickstep help config\n"
    "lists them all.\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\ndone\n"
    ".TP\n.B 1\nfailed\n"
    ".TP\n.B 2\nusage or configuration\n"
    ".TP\n.B 3\nthe host lacks something: privilege, huge pages, a NIC\n"
    ".TP\n.B 4\nthe run finished and its own check failed\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B QUICKSTEP_SECTION_KEY\nan option of the configuration\n"
    ".TP\n.B QUICKSTEP_CPU\nlimits the instruction sets in use: c, avx2 or avx512\n";
/* clang-format on */

void
qs_help_write_man(FILE *out, qs_command_t const *commands, qs_topo_t const *const *topos,
                  char const *version)
{
    put(out, ".\\\" Made by `quickstep help --man` from the tables of the program.\n");
    fprintf(out, ".TH QUICKSTEP 1 \"\" \"quickstep %s\"\n", version);
    fputs(".SH NAME\nquickstep \\- the network edge of a Solana validator\n", out);
    put(out, ".SH SYNOPSIS\n.B quickstep\n.I COMMAND\n[\\fIOPTION\\fR]...\n");
    fputs(".SH COMMANDS\n", out);
    for (qs_command_t const *c = commands; c->name; c++)
        if (c->help)
            write_item(out, c->name, NULL, c->help);
    fputs(".SH OPTIONS\n", out);
    qs_args_divert(write_section, out);
    for (qs_command_t const *c = commands; c->name; c++)
        if (c->help)
            qs_help_usage(c, topos);
    fputs(".SH CONFIGURATION\n", out);
    qs_args_divert(write_shared, out);
    qs_help_usage(commands, topos); /* the first one takes a configuration */
    qs_args_divert(NULL, NULL);
    put(out, man_end);
    fputs(".SH FILES\n", out);
    for (u32 s = 0; s < qs_config_table.section_cnt; s++) {
        qs_config_section_t const *section = &qs_config_table.section[s];
        for (u32 r = 0; r < section->row_cnt; r++)
            if (section->row[r].kind == QS_CONFIG_STR && section->row[r].str[0] == '/')
                write_item(out, section->row[r].str, NULL, section->row[r].help);
    }
}

/* write_case is the writer of the completion: one line per subcommand. */
static void
write_case(void *ctx, char const *command, char const *plain, qs_arg_t const *table,
           qs_arg_t const *shared)
{
    FILE *out = ctx;

    (void)plain;
    fprintf(out, "    %s) words=\"", command);
    for (; table->kind; table++)
        fprintf(out, "%s ", table->name);
    fputs(shared ? "--config --set\" ;;\n" : "\" ;;\n", out);
}

/* clang-format off */
static char const bash_begin[] =
    "# Made by `quickstep help --bash` from the tables of the program.\n"
    "_quickstep() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=\n"
    "    COMPREPLY=()\n";

static char const bash_values[] =
    "    case $previous in\n"
    "    --topology) words=$topologies ;;\n"
    "    --instance) words=$(command quickstep ps --json 2>/dev/null |\n"
    "        grep -o '\"instance\":\"[^\"]*' | cut -d '\"' -f 4) ;;\n"
    "    --set)\n"
    "        words=$options\n"
    "        compopt -o nospace\n"
    "        ;;\n"
    "    --config)\n"
    "        compopt -o default\n"
    "        return\n"
    "        ;;\n"
    "    *) [ $COMP_CWORD -gt 1 ] || words=$commands ;;\n"
    "    esac\n"
    "    [ -n \"$words\" ] || case ${COMP_WORDS[1]} in\n";

static char const bash_end[] =
    "    esac\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
    "    [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default\n"
    "}\n"
    "complete -F _quickstep quickstep\n";
/* clang-format on */

static void
write_options(FILE *out)
{
    fputs("    local options=\"", out);
    for (u32 s = 0; s < qs_config_table.section_cnt; s++) {
        qs_config_section_t const *section = &qs_config_table.section[s];
        for (u32 r = 0; r < section->row_cnt; r++)
            fprintf(out, "%s.%s%s= ", section->name, section->max ? "0." : "", section->row[r].key);
    }
    fputs("\"\n", out);
}

void
qs_help_write_bash(FILE *out, qs_command_t const *commands, qs_topo_t const *const *topos)
{
    put(out, bash_begin);
    fputs("    local commands=\"", out);
    for (qs_command_t const *c = commands; c->name; c++)
        if (c->help)
            fprintf(out, "%s ", c->name);
    fputs("\"\n    local topologies=\"", out);
    for (u32 i = 0; topos[i]; i++)
        fprintf(out, "%s ", topos[i]->name);
    fputs("\"\n", out);
    write_options(out);
    put(out, bash_values);
    qs_args_divert(write_case, out);
    for (qs_command_t const *c = commands; c->name; c++)
        if (c->help)
            qs_help_usage(c, topos);
    qs_args_divert(NULL, NULL);
    put(out, bash_end);
}

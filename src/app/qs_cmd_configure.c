/* configure - sets the host up for a topology, stage by stage, and takes it back. */

#include <pwd.h>
#include <unistd.h>

#include "app/qs_args.h"
#include "app/qs_cmd.h"
#include "app/qs_configure.h"
#include "app/qs_text.h"
#include "disco/qs_cpus.h"

typedef struct out {
    bool json;
    u32 said;
    u32 count[QS_CONFIGURE_OUTCOME_CNT];
} out_t;

static char const *const outcome_name[QS_CONFIGURE_OUTCOME_CNT] = {
    [QS_CONFIGURE_OK] = "ok",           [QS_CONFIGURE_ABSENT] = "absent",
    [QS_CONFIGURE_MISSING] = "missing", [QS_CONFIGURE_WOULD] = "would",
    [QS_CONFIGURE_RUN] = "run",         [QS_CONFIGURE_DONE] = "done",
    [QS_CONFIGURE_SHORT] = "short",     [QS_CONFIGURE_RESTORED] = "restored",
    [QS_CONFIGURE_SAME] = "as before",  [QS_CONFIGURE_GONE] = "gone",
    [QS_CONFIGURE_LEFT] = "left",
};

static void
say_json(out_t *o, qs_configure_report_t const *r)
{
    struct {
        char const *key, *value;
    } const field[] = {{"stage", r->stage}, {"kind", r->kind},
                       {"path", r->path},   {"now", r->now},
                       {"want", r->want},   {"run", r->run},
                       {"note", r->note},   {"outcome", outcome_name[r->outcome]}};

    if (r->outcome == QS_CONFIGURE_RUN)
        return;
    for (u32 i = 0; i < QS_COUNT(field); i++) {
        fputs(i ? "," : o->said ? ",{" : "{", stdout);
        printf("\"%s\":", field[i].key);
        qs_text_write_quoted(stdout, field[i].value);
    }
    fputc('}', stdout);
    o->said++;
}

static char const *
shown(char const *state)
{
    return state[0] ? state : "not there";
}

static void
say_text(qs_configure_report_t const *r)
{
    printf("%-9s %s", outcome_name[r->outcome], r->path);
    switch (r->outcome) {
    case QS_CONFIGURE_OK:
        printf(": %s", r->now);
        break;
    case QS_CONFIGURE_MISSING:
        printf(": %s, should be %s", shown(r->now), r->want);
        break;
    case QS_CONFIGURE_LEFT:
        printf(": %s; before configure it was %s", shown(r->now), shown(r->want));
        break;
    case QS_CONFIGURE_RESTORED:
    case QS_CONFIGURE_SAME:
        printf(": %s", shown(r->want));
        break;
    default:
        break;
    }
    printf(r->note[0] ? " (%s)\n" : "\n", r->note);
}

static void
say(void *ctx, qs_configure_report_t const *r)
{
    out_t *o = ctx;

    o->count[r->outcome]++;
    if (o->json)
        say_json(o, r);
    else if (r->outcome == QS_CONFIGURE_RUN || r->outcome == QS_CONFIGURE_WOULD)
        printf("RUN: %s\n", r->run);
    else
        say_text(r);
    fflush(stdout);
}

static int
no_stage(char const *name)
{
    qs_error_list_t errors = {0};
    qs_text_guess_t guess = {.wrote = name};

    for (u32 s = 0; s < QS_CONFIGURE_STAGE_CNT; s++)
        qs_text_guess_offer(&guess, qs_configure_stages[s].name);
    qs_error_t *e = qs_error_add(&errors, QS_ERROR_CNF_STAGE, "configure", 0, 0,
                                 "there is no stage of that name: %s", name);
    qs_error_hint(e, guess.best[0] ? "did you mean %s?" : "`quickstep help configure` lists them",
                  guess.best);
    qs_error_list_write(stderr, &errors);
    return 2;
}

/* pick_stages makes the mask of the stages that are named; none means all.  Returns 0 or 2. */
static int
pick_stages(char *const *name, int cnt, u32 *mask)
{
    *mask = cnt ? 0 : UINT32_MAX;
    for (int i = 0; i < cnt; i++) {
        u32 s = 0;
        while (s < QS_CONFIGURE_STAGE_CNT && strcmp(qs_configure_stages[s].name, name[i]) != 0)
            s++;
        if (s == QS_CONFIGURE_STAGE_CNT)
            return no_stage(name[i]);
        *mask |= 1u << s;
    }
    return 0;
}

/* find_user decides who shall use the mounts: the option, whoever called sudo, or the caller. */
static int
find_user(qs_configure_t *c)
{
    char const *name = c->cfg->hugetlbfs.user, *sudo = getenv("SUDO_UID");
    char *end;

    c->uid = geteuid();
    c->gid = getegid();
    if (!name[0] && (c->uid || !sudo || !sudo[0]))
        return 0;
    name = name[0] ? name : sudo;
    u64 number = strtoull(name, &end, 10);
    struct passwd const *pw = *end || end == name ? getpwnam(name) : getpwuid((uid_t)number);
    if (pw) {
        c->uid = pw->pw_uid;
        c->gid = pw->pw_gid;
        return 0;
    }
    qs_error_t *e = qs_error_add(c->errors, QS_ERROR_CNF_USER, "hugetlbfs.user", 0, 0,
                                 "there is no user %s on this host", name);
    qs_error_hint(e, "correct it, or leave it empty");
    return 2;
}

static int
run(qs_configure_t *c, char const *verb, u32 mask, out_t *o)
{
    int code = find_user(c);

    if (o->json)
        printf("{\"verb\":\"%s\",\"dry_run\":%s,\"topology\":\"%s\",\"actions\":[", verb,
               c->dry_run ? "true" : "false", c->plan->topo);
    if (!code && !strcmp(verb, "check"))
        code = qs_configure_check(c, mask);
    else if (!code && !strcmp(verb, "init"))
        code = qs_configure_init(c, mask);
    else if (!code)
        code = qs_configure_undo(c, mask);
    if (o->json) {
        printf("],\"errors\":");
        qs_error_list_write_json(stdout, c->errors);
        printf(",\"ok\":%s}\n", code ? "false" : "true");
    } else {
        if (!code && !strcmp(verb, "undo") && !o->count[QS_CONFIGURE_WOULD] &&
            !o->count[QS_CONFIGURE_RESTORED])
            printf("nothing to undo\n");
        qs_error_list_write(stderr, c->errors);
    }
    return code;
}

/* place puts the plan's tiles on cores as `run` will, and so their memory on nodes.  undo needs no
   plan: it must not fail because cores went away. */
static int
place(qs_plan_t *plan, qs_config_t const *cfg, char const *verb, u32 *node_cnt, char *err,
      u64 err_sz)
{
    if (!strcmp(verb, "undo"))
        return 0;
    qs_cpus_t *cpus = calloc(1, sizeof(*cpus));
    qs_cpus_look(cpus, cfg->net.iface);
    int bad = qs_cpus_place(plan, cpus, &cfg->layout, 0, 0, err, err_sz);
    *node_cnt = cpus->node_cnt;
    free(cpus);
    return bad;
}

static int
plan_and_run(qs_topo_t const *topo, qs_config_t const *cfg, char const *verb, u32 mask,
             bool dry_run, bool json)
{
    qs_plan_t *plan = calloc(1, sizeof(*plan));
    qs_wksp_plan_t *wksp = calloc(QS_TILE_MAX, sizeof(*wksp));
    qs_configure_t *c = calloc(1, sizeof(*c));
    qs_error_list_t errors = {0};
    out_t out = {.json = json};
    char err[512];
    u32 node_cnt = 0;
    int code = 2;

    if (qs_plan_make(plan, wksp, topo, cfg, false, err, sizeof(err)) ||
        place(plan, cfg, verb, &node_cnt, err, sizeof(err))) {
        fprintf(stderr, "%s configure: %s\n", qs_text_program(), err);
    } else {
        *c = (qs_configure_t){.cfg = cfg,
                              .plan = plan,
                              .node_cnt = node_cnt,
                              .dry_run = dry_run,
                              .say = say,
                              .say_ctx = &out,
                              .errors = &errors};
        code = run(c, verb, mask, &out);
    }
    free(c);
    free(wksp);
    free(plan);
    return code;
}

int
qs_cmd_configure(int argc, char **argv, qs_topo_t const *const *topos)
{
    char const *name = topos[0]->name;
    bool dry_run = false, json = false, help = false;
    qs_configure_stage_t const *stage = qs_configure_stages;
    qs_arg_t const table[] = {
        {"check", NULL, "say what is missing; changes nothing, needs no root", QS_ARG_WORD, NULL},
        {"init", NULL, "set up what is missing, and write down what was before", QS_ARG_WORD, NULL},
        {"undo", NULL, "restore what was before", QS_ARG_WORD, NULL},
        {stage[0].name, NULL, stage[0].help, QS_ARG_WORD, NULL},
        {stage[1].name, NULL, stage[1].help, QS_ARG_WORD, NULL},
        {stage[2].name, NULL, stage[2].help, QS_ARG_WORD, NULL},
        {stage[3].name, NULL, stage[3].help, QS_ARG_WORD, NULL},
        {stage[4].name, NULL, stage[4].help, QS_ARG_WORD, NULL},
        {"--topology", "NAME", "what the host is to run", QS_ARG_STR, &name},
        {"--dry-run", NULL, "show the commands, change nothing", QS_ARG_FLAG, &dry_run},
        {"--json", NULL, "for programs", QS_ARG_FLAG, &json},
        {"--help", NULL, "this text", QS_ARG_FLAG, &help},
        {0}};
    qs_args_t args;
    qs_config_t cfg;
    u32 mask;

    _Static_assert(QS_CONFIGURE_STAGE_CNT == 5, "the table above has a row for each stage");
    int code = qs_args_parse(&args, table, argc, argv);
    if (help) {
        qs_args_usage("configure", "check|init|undo [STAGE...]", table);
        return 0;
    }
    if (code)
        return code;
    char const *verb = args.rest_cnt ? args.rest[0] : "";
    if (strcmp(verb, "check") != 0 && strcmp(verb, "init") != 0 && strcmp(verb, "undo") != 0) {
        fprintf(stderr, "%1$s configure: check, init or undo? (see %1$s help configure)\n",
                qs_text_program());
        return 2;
    }
    code = pick_stages(args.rest + 1, args.rest_cnt - 1, &mask);
    if (!code)
        code = qs_args_load(&args, &cfg);
    qs_topo_t const *topo = code ? NULL : qs_cmd_topo_find(topos, name);
    if (!topo)
        return 2;
    return plan_and_run(topo, &cfg, verb, mask, dry_run, json);
}

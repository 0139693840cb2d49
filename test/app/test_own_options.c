/* Goal: options that a program brings itself are read, checked, guessed and shown like all others,
   and those of the library keep their places.  Method: a file of rows of every kind; messages and
   values are compared.  Each test is a process of its own, so each extends the table anew. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "app/qs_config_load.h"
#include "app/qs_config_write.h"
#include "app/qs_text.h"

#define QS_CONFIG_DEF  "app/own_options.def"
#define QS_CONFIG_TYPE own_options
#include "disco/qs_config_struct.def"

#include "disco/qs_config_rows.def"

static qs_config_t cfg;
static qs_error_list_t errors;

static int
load(char const *text)
{
    errors = (qs_error_list_t){0};
    return qs_config_load_text(&qs_config_table, &cfg, "x.toml", text, strlen(text), &errors);
}

Test(own_options, are_read_beside_those_of_the_library)
{
    cr_assert(eq(int, qs_config_extend(&own_options_rows), 0));
    own_options_t const *own = qs_config_own(&cfg);
    cr_assert(eq(int,
                 load("[net]\ntiles = 3\n[brew]\ncups = 8\nbean = 'arabica'\n"
                      "guest = ['ann', 'bob']\n[[brew.step]]\nname = 'boil'\n"),
                 0));
    cr_expect(eq(u32, cfg.net.tiles, 3));
    cr_expect(eq(u32, cfg.port.tpu, 9001));
    cr_expect(own->brew.hot);
    cr_expect(eq(u32, own->brew.cups, 8));
    cr_expect(eq(u64, own->brew.water_nl, 1ull << 40));
    cr_expect(eq(u32, own->brew.bean, QS_CONFIG_brew_bean_arabica));
    cr_expect(eq(u32, own->brew.guest_cnt, 2));
    cr_expect(eq(str, (char *)own->brew.guest[1], "bob"));
    cr_expect(eq(u32, own->brew_step_cnt, 1));
    cr_expect(eq(str, (char *)own->brew_step[0].name, "boil"));
    cr_expect(eq(u32, own->brew_step[0].seconds, 30));
}

Test(own_options, come_from_the_environment_and_set_too)
{
    char const *env[] = {"QUICKSTEP_BREW_CUPS=16", "QUICKSTEP_BREW_STEP_0_NAME=boil",
                         "QUICKSTEP_BREW_HOT=false", NULL};
    char const *set[] = {"brew.cups=32", "brew.step.1.name=pour"};
    qs_config_sources_t sources = {.env = env, .set = set, .set_cnt = 2};

    cr_assert(eq(int, qs_config_extend(&own_options_rows), 0));
    cr_assert(eq(int, qs_config_load(&qs_config_table, &cfg, &sources, &errors), 0));
    own_options_t const *own = qs_config_own(&cfg);
    cr_expect(eq(u32, own->brew.cups, 32), "--set overrides the environment");
    cr_expect(not(own->brew.hot));
    cr_expect(eq(u32, own->brew_step_cnt, 2));
}

typedef struct refusal {
    char const *text, *says, *hint;
} refusal_t;

static refusal_t const refusals[] = {
    {"[brwe]", "there is no section brwe", "did you mean brew?"},
    {"[brew]\ncup = 1", "section brew has no option cup", "did you mean brew.cups?"},
    {"[brew]\ncups = 3", "brew.cups = 3", "2 and 4"},
    {"[brew]\nbean = 'tea'", "brew.bean", "robusta"},
    {"[brew]\nguest = ['a','b','c','d']", "brew.guest", ""},
    {"[[brew.step]]\nseconds = 1", "brew.step number 0 has no name", ""},
    {"[net]\ncups = 4", "section net has no option cups", "did you mean brew.cups?"},
};

Test(own_options, are_refused_and_guessed_like_all_others)
{
    cr_assert(eq(int, qs_config_extend(&own_options_rows), 0));
    for (u32 i = 0; i < QS_COUNT(refusals); i++) {
        cr_assert(eq(int, load(refusals[i].text), -EINVAL), "%s", refusals[i].text);
        cr_expect(strstr(errors.error[0].text, refusals[i].says) != NULL, "%s",
                  errors.error[0].text);
        cr_expect(strstr(errors.error[0].hint, refusals[i].hint) != NULL, "%s",
                  errors.error[0].hint);
    }
}

Test(own_options, without_them_the_table_is_the_library_s)
{
    cr_assert(eq(int, load("[brew]\ncups = 8\n"), -EINVAL));
    cr_assert(eq(u32, qs_config_table.section_cnt, qs_config_rows.section_cnt));
}

Test(own_options, are_written_as_a_file_that_loads_to_the_same)
{
    char *text = NULL;
    size_t sz = 0;
    static qs_config_t first;

    cr_assert(eq(int, qs_config_extend(&own_options_rows), 0));
    cr_assert(eq(int, load("[brew]\nguest = ['x']\n[[brew.step]]\nname = 'a'\n"), 0));
    first = cfg;
    FILE *out = open_memstream(&text, &sz);
    qs_config_write_toml(out, &qs_config_table, &cfg, true);
    fclose(out);
    cr_assert(eq(int, load(text), 0));
    cr_expect(eq(int, memcmp(&first, &cfg, sizeof(cfg)), 0));
    free(text);
}

Test(own_options, that_cannot_be_added_are_refused)
{
    static qs_config_section_t net = {.name = "net"}, many[QS_CONFIG_SECTION_MAX];
    qs_config_table_t table = {.section = &net, .section_cnt = 1, .sz = 1};

    cr_expect(eq(int, qs_config_extend(&table), -EEXIST));
    table.section = many;
    table.section_cnt = QS_CONFIG_SECTION_MAX;
    cr_expect(eq(int, qs_config_extend(&table), -ENOSPC));
    table.section_cnt = 1;
    table.sz = QS_CONFIG_OWN_SZ + 1;
    cr_expect(eq(int, qs_config_extend(&table), -ENOSPC));
    cr_expect(eq(int, qs_config_extend(&own_options_rows), 0), "a refusal leaves nothing behind");
    cr_expect(eq(int, qs_config_extend(&own_options_rows), -EALREADY));
}

Test(own_options, commands_in_messages_have_the_name_of_the_program)
{
    char out[80];
    qs_text_named(out, sizeof(out), "`quickstep explain X` of quickstep, `quickstep`");
    cr_expect(eq(str, out, "`quickstep explain X` of quickstep, `quickstep`"));
    qs_text_program_is("/usr/bin/brew");
    qs_text_named(out, sizeof(out), "`quickstep explain X` of quickstep, `quickstep`");
    cr_expect(eq(str, out, "`brew explain X` of quickstep, `brew`"));
    qs_text_named(out, 10, "`quickstep explain X`");
    cr_expect(eq(str, out, "`brew exp"));
}

/* Goal: a configuration that is right is taken exactly, from whichever source; one that is wrong
   is refused by a stable id at its place, with a next step.  Method: one table of broken files and
   one of broken words from outside, then precedence and round trips, on the real option table. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <unistd.h>

#include "app/qs_config_load.h"
#include "app/qs_config_write.h"

static qs_config_t cfg;
static qs_error_list_t errors;

static int
load_text(char const *text)
{
    errors = (qs_error_list_t){0};
    return qs_config_load_text(&qs_config_table, &cfg, "x.toml", text, strlen(text), &errors);
}

static int
load(char const *file, char const *const *env, char const *const *set, u32 set_cnt)
{
    errors = (qs_error_list_t){0};
    qs_config_sources_t sources = {.file = file, .env = env, .set = set, .set_cnt = set_cnt};
    return qs_config_load(&qs_config_table, &cfg, &sources, &errors);
}

struct broken {
    char text[96];
    char id[12];
    u32 line, col;
};

#define ID_SYNTAX    "QS-CFG-002"
#define ID_SUBSET    "QS-CFG-003"
#define ID_SECTION   "QS-CFG-004"
#define ID_KEY       "QS-CFG-005"
#define ID_DUPLICATE "QS-CFG-006"
#define ID_TYPE      "QS-CFG-007"
#define ID_RANGE     "QS-CFG-008"
#define ID_POW2      "QS-CFG-009"
#define ID_NAME      "QS-CFG-010"
#define ID_LENGTH    "QS-CFG-011"
#define ID_FORM      "QS-CFG-013"
#define ID_REPEAT    "QS-CFG-014"
#define ID_SCHEMA    "QS-CFG-015"
#define ID_RENAMED   "QS-CFG-016"
#define ID_ENV       "QS-CFG-017"
#define ID_SET       "QS-CFG-018"
#define ID_MISSING   "QS-CFG-019"

/* clang-format off */
static struct broken broken[] = {
    {"[net]\ntiles = 1\ntiles",                       ID_SYNTAX,    3,  6},
    {"[net]\ntiles == 1",                             ID_SYNTAX,    2,  8},
    {"[net\ntiles = 1",                               ID_SYNTAX,    1,  5},
    {"[log]\nlevel = info",                           ID_SYNTAX,    2,  9},
    {"[port]\ntpu = 09001",                           ID_SYNTAX,    2,  7},
    {"[identity]\nkey_path = \"C:\\keys\"",           ID_SYNTAX,    2, 15},
    {"[layout]\nexclude = [1, 2\n[net]",              ID_SYNTAX,    3,  1},
    {"[metric]\nenabled = True",                      ID_SYNTAX,    2, 11},
    {"[load]\nrate_pps = 1e6",                        ID_SUBSET,    2, 12},
    {"net = {tiles = 1}",                             ID_SUBSET,    1,  7},
    {"[layout]\nexclude = [[1]]",                     ID_SUBSET,    2, 12},
    {"[load]\nrate_pps = 99999999999999999999",       ID_SUBSET,    2, 12},
    {"[nett]",                                        ID_SECTION,   1,  2},
    {"[Net]",                                         ID_SECTION,   1,  2},
    {"[net.xdp]",                                     ID_SECTION,   1,  2},
    {"\n\n  [ frobnicate ]\nx = 1",                   ID_SECTION,   3,  5},
    {"[[nett]]\nx = 1",                               ID_SECTION,   1,  3},
    {"nett.tiles = 1",                                ID_SECTION,   1,  1},
    {"[net]\nxdp.mode = 1",                           ID_SECTION,   2,  1},
    {"tiles = 1",                                     ID_KEY,       1,  1},
    {"schema = 1",                                    ID_KEY,       1,  1},
    {"[net]\ntile = 1",                               ID_KEY,       2,  1},
    {"[net]\nTiles = 1",                              ID_KEY,       2,  1},
    {"[net]\n\ttcp = \"x\"",                          ID_KEY,       2,  2},
    {"[net]\nrate_pps = 1",                           ID_KEY,       2,  1},
    {"[net]\nschema_version = 1",                     ID_KEY,       2,  1},
    {"net.tile = 1",                                  ID_KEY,       1,  1},
    {"[log]\ncolours = [1, 2]",                       ID_KEY,       2,  1},
    {"[[shred.source]]\nnam = \"a\"",                 ID_KEY,       2,  1},
    {"[net]\ntiles = 1\ntiles = 1",                   ID_DUPLICATE, 3,  1},
    {"[net]\n[log]\n[net]",                           ID_DUPLICATE, 3,  2},
    {"net.tiles = 1\n[net]",                          ID_DUPLICATE, 2,  2},
    {"net.tiles = 1\nnet.tiles = 2",                  ID_DUPLICATE, 2,  1},
    {"schema_version = 1\nschema_version = 1",        ID_DUPLICATE, 2,  1},
    {"[[shred.source]]\nname = \"a\"\nname = \"a\"",  ID_DUPLICATE, 3,  1},
    {"[net]\niface = \"a\"\n\"iface\" = \"b\"",       ID_DUPLICATE, 3,  1},
    {"[net]\ntiles = \"1\"",                          ID_TYPE,      2,  9},
    {"[net]\ntiles = true",                           ID_TYPE,      2,  9},
    {"[net]\ntiles = [1]",                            ID_TYPE,      2,  9},
    {"[net]\niface = 0",                              ID_TYPE,      2,  9},
    {"[log]\nlevel = 1",                              ID_TYPE,      2,  9},
    {"[log]\nlevel = [\"info\"]",                     ID_TYPE,      2,  9},
    {"[metric]\nenabled = 1",                         ID_TYPE,      2, 11},
    {"[metric]\nenabled = \"true\"",                  ID_TYPE,      2, 11},
    {"[layout]\nexclude = 1",                         ID_TYPE,      2, 11},
    {"[layout]\nexclude = \"1,2\"",                   ID_TYPE,      2, 11},
    {"[layout]\nexclude = [1,\n  \"2\"]",             ID_TYPE,      3,  3},
    {"[load]\nrate_pps = \"fast\"",                   ID_TYPE,      2, 12},
    {"net = 1",                                       ID_TYPE,      1,  1},
    {"[shred]\nsource = [\"a\"]",                     ID_TYPE,      2,  1},
    {"[net]\ntiles = 0",                              ID_RANGE,     2,  9},
    {"[net]\ntiles = -1",                             ID_RANGE,     2,  9},
    {"[net]\n  tiles   =   0x11 # 17",                ID_RANGE,     2, 15},
    {"port.tvu = 70000",                              ID_RANGE,     1, 12},
    {"[load]\nrate_pps = 100_000_001",                ID_RANGE,     2, 12},
    {"[load]\nrate_pps = 18446744073709551615",       ID_RANGE,     2, 12},
    {"[layout]\nexclude = [0, 4095, 4096]",           ID_RANGE,     2, 21},
    {"[net]\nrx_depth = 1000",                        ID_POW2,      2, 12},
    {"[net]\nrx_depth = 65535",                       ID_POW2,      2, 12},
    {"[log]\nlevel = \"inof\"",                       ID_NAME,      2,  9},
    {"[log]\nlevel = \"INFO\"",                       ID_NAME,      2,  9},
    {"[log]\nlevel = \"\"",                           ID_NAME,      2,  9},
    {"[hugetlbfs]\npages = \"gigantic\"",             ID_NAME,      2,  9},
    {"[net]\niface = \"an-interface-name\"",          ID_LENGTH,    2,  9},
    {"[layout]\naffinity = \"\"",                     ID_LENGTH,    2, 12},
    {"[[shred.source]]\nname = ''",                   ID_LENGTH,    2,  8},
    {"[layout]\naffinity = \"0-\"",                   ID_FORM,      2, 12},
    {"[layout]\naffinity = \"3-1\"",                  ID_FORM,      2, 12},
    {"[layout]\naffinity = \"0,,1\"",                 ID_FORM,      2, 12},
    {"[layout]\naffinity = \"0,\"",                   ID_FORM,      2, 12},
    {"[layout]\naffinity = \"1-2-3\"",                ID_FORM,      2, 12},
    {"[layout]\naffinity = \"4096\"",                 ID_FORM,      2, 12},
    {"[layout]\naffinity = \"all\"",                  ID_FORM,      2, 12},
    {"[metric]\naddress = \"localhost\"",             ID_FORM,      2, 11},
    {"[net]\nbind_address = \"10.0.0.256\"",          ID_FORM,      2, 16},
    {"[shred.source]\nname = \"a\"",                  ID_REPEAT,    1,  2},
    {"[[net]]\ntiles = 1",                            ID_REPEAT,    1,  3},
    {"[shred]\nsource.name = \"a\"",                  ID_REPEAT,    2,  1},
    {"schema_version = 2\nwhatever = {}",             ID_SCHEMA,    1, 18},
    {"schema_version = 0",                            ID_SCHEMA,    1, 18},
    {"schema_version = -1",                           ID_SCHEMA,    1, 18},
    {"schema_version = \"1\"",                        ID_SCHEMA,    1, 18},
    {"schema_version = [1]",                          ID_SCHEMA,    1, 18},
    {"[net]\ninterface = \"eth0\"",                   ID_RENAMED,   2,  1},
    {"[[shred.source]]\nport = 9",                    ID_MISSING,   1,  3},
    {"[log]\n[[shred.source]]\nport = 9\n[net]",      ID_MISSING,   2,  3},
};
/* clang-format on */

ParameterizedTestParameters(config, broken_file_is_refused_at_its_place)
{
    return cr_make_param_array(struct broken, broken, QS_COUNT(broken));
}

ParameterizedTest(struct broken *p, config, broken_file_is_refused_at_its_place)
{
    cr_assert(eq(int, load_text(p->text), -EINVAL), "accepted: %s", p->text);
    qs_error_t const *e = &errors.error[0];
    cr_expect(eq(str, (char *)e->id, p->id), "%s", p->text);
    cr_expect(eq(u32, e->line, p->line), "%s", p->text);
    cr_expect(eq(u32, e->col, p->col), "%s", p->text);
    cr_expect(eq(str, (char *)e->where, "x.toml"));
    cr_expect(e->text[0] && e->hint[0], "%s", p->text);
    bool only = !strcmp(p->id, ID_MISSING) || errors.cnt == 1;
    cr_expect(only, "%s: also %s", p->text, errors.error[1].text);
}

struct outside {
    char word[64]; /* an environment variable, or without QUICKSTEP_ an argument of --set */
    char id[12];
    char where[64];
};

ParameterizedTestParameters(config, broken_word_from_outside_is_refused_by_name)
{
    /* clang-format off */
    static struct outside broken[] = {
        {"QUICKSTEP_NET_TILE=1",             ID_ENV,     "QUICKSTEP_NET_TILE"},
        {"QUICKSTEP_=1",                     ID_ENV,     "QUICKSTEP_"},
        {"QUICKSTEP_net_tiles=1",            ID_ENV,     "QUICKSTEP_net_tiles"},
        {"QUICKSTEP_CPUS=1",                 ID_ENV,     "QUICKSTEP_CPUS"},
        {"QUICKSTEP_SHRED_SOURCE_NAME=a",    ID_ENV,     "QUICKSTEP_SHRED_SOURCE_NAME"},
        {"QUICKSTEP_SHRED_SOURCE_16_NAME=a", ID_ENV,     "QUICKSTEP_SHRED_SOURCE_16_NAME"},
        {"QUICKSTEP_SCHEMA_VERSION=1",       ID_ENV,     "QUICKSTEP_SCHEMA_VERSION"},
        {"QUICKSTEP_NET_TILES=0",            ID_RANGE,   "QUICKSTEP_NET_TILES"},
        {"QUICKSTEP_NET_TILES=",             ID_TYPE,    "QUICKSTEP_NET_TILES"},
        {"QUICKSTEP_NET_TILES=\"1\"",        ID_TYPE,    "QUICKSTEP_NET_TILES"},
        {"QUICKSTEP_METRIC_ENABLED=yes",     ID_TYPE,    "QUICKSTEP_METRIC_ENABLED"},
        {"QUICKSTEP_LOG_LEVEL=loud",         ID_NAME,    "QUICKSTEP_LOG_LEVEL"},
        {"QUICKSTEP_NET_IFACE=\xff",         ID_FORM,    "QUICKSTEP_NET_IFACE"},
        {"QUICKSTEP_SHRED_SOURCE_1_NAME=a",  ID_REPEAT,  "QUICKSTEP_SHRED_SOURCE_1_NAME"},
        {"QUICKSTEP_SHRED_SOURCE_0_PORT=9",  ID_MISSING, "environment and --set"},
        {"net.tiles",                        ID_SET,     "--set net.tiles"},
        {"tiles=1",                          ID_SET,     "--set tiles=1"},
        {"=1",                               ID_SET,     "--set =1"},
        {"",                                 ID_SET,     "--set "},
        {"schema_version=1",                 ID_SET,     "--set schema_version=1"},
        {"net.tile=1",                       ID_KEY,     "--set net.tile=1"},
        {"nett.tiles=1",                     ID_SECTION, "--set nett.tiles=1"},
        {"net.interface=eth0",               ID_RENAMED, "--set net.interface=eth0"},
        {"net.tiles=99999999999999999999",   ID_RANGE,   "--set net.tiles=99999999999999999999"},
        {"net.tiles= 1",                     ID_TYPE,    "--set net.tiles= 1"},
        {"layout.exclude=1,x",               ID_TYPE,    "--set layout.exclude=1,x"},
        {"layout.exclude=1,,2",              ID_TYPE,    "--set layout.exclude=1,,2"},
        {"layout.exclude=1,",                ID_TYPE,    "--set layout.exclude=1,"},
        {"layout.exclude=[1]",               ID_TYPE,    "--set layout.exclude=[1]"},
        {"shred.source.name=a",              ID_REPEAT,  "--set shred.source.name=a"},
        {"shred.source.1.name=a",            ID_REPEAT,  "--set shred.source.1.name=a"},
        {"shred.source.x.name=a",            ID_SECTION, "--set shred.source.x.name=a"},
    };
    /* clang-format on */
    return cr_make_param_array(struct outside, broken, QS_COUNT(broken));
}

ParameterizedTest(struct outside *p, config, broken_word_from_outside_is_refused_by_name)
{
    bool env = !strncmp(p->word, "QUICKSTEP_", 10);
    char const *words[] = {p->word, NULL};
    cr_assert(eq(int, load(NULL, env ? words : NULL, words, !env), -EINVAL), "%s", p->word);
    cr_expect(eq(str, (char *)errors.error[0].id, p->id), "%s", p->word);
    cr_expect(eq(str, errors.error[0].where, p->where));
    cr_expect(eq(u32, errors.error[0].line, 0));
    cr_expect(errors.error[0].hint[0] != 0, "%s", p->word);
}

struct hint {
    char text[64];
    char cause[64];
    char hint[64];
};

ParameterizedTestParameters(config, message_says_what_was_found_and_what_to_write)
{
    /* clang-format off */
    static struct hint hints[] = {
        {"[nett]",
         "there is no section nett",
         "did you mean net?"},
        {"[net]\ntlies = 1",
         "section net has no option tlies",
         "did you mean net.tiles?"},
        {"[net]\nrate_pps = 1",
         "section net has no option rate_pps",
         "did you mean load.rate_pps?"},
        {"rate_pps = 1",
         "rate_pps stands in no section",
         "did you mean load.rate_pps?"},
        {"shema_version = 1",
         "shema_version stands in no section",
         "did you mean schema_version?"},
        {"[log]\nlevel = \"inof\"",
         "must be one of debug, info, notice, warning, error",
         "did you mean info?"},
        {"port.tpu = 70000",
         "port.tpu = 70000: must be 1..65535",
         "the default is 9001"},
        {"[net]\nrx_depth = 1000",
         "net.rx_depth = 1000: must be a power of two, 64..65536",
         "the nearest are 512 and 1024"},
        {"[port]\ntpu = \"9001\"",
         "expected a number, found a string",
         "it is written like this: tpu = 9001"},
        {"[net]\ninterface = \"a\"",
         "'net.interface' is now 'net.iface'",
         "change the name to net.iface and keep the value"},
        {"[net]\nmtu = 1500\nmtu = 1",
         "net.mtu stands here for the second time",
         "the first is in line 2: remove one"},
    };
    /* clang-format on */
    return cr_make_param_array(struct hint, hints, QS_COUNT(hints));
}

ParameterizedTest(struct hint *p, config, message_says_what_was_found_and_what_to_write)
{
    cr_assert(eq(int, load_text(p->text), -EINVAL));
    cr_expect(strstr(errors.error[0].text, p->cause) != NULL, "%s", errors.error[0].text);
    cr_expect(eq(str, errors.error[0].hint, p->hint));
}

Test(config, reading_goes_on_after_an_error_and_counts_the_rest)
{
    cr_assert(eq(int, load_text("[net]\ntiles = 0\nmtu = 1\n[log]\nlevel = 1\n"), -EINVAL));
    cr_assert(eq(u32, errors.cnt, 3));
    cr_assert(eq(u32, errors.error[2].line, 5));

    cr_assert(eq(int, load_text("a=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\nj=1"), -EINVAL));
    cr_assert(eq(u32, errors.cnt, QS_ERROR_LIST_MAX));
    cr_assert(eq(u64, errors.more, 2));

    int err = qs_config_load_text(&qs_config_table, &cfg, "y", "k=1", 3, &errors);
    cr_assert(eq(int, err, -EINVAL), "a full list still makes the next load fail");
    cr_assert(eq(u64, errors.more, 3));
    char const *set[] = {"k.k=1"};
    err = qs_config_load(&qs_config_table, &cfg, &(qs_config_sources_t){.set = set, .set_cnt = 1},
                         &errors);
    cr_assert(eq(int, err, -EINVAL));
}

Test(config, one_broken_section_gives_one_error)
{
    cr_assert(eq(int, load_text("[nett]\ntiles = 1\nx = [1, 2]\n[net]\ntiles = 2\n"), -EINVAL));
    cr_assert(eq(u32, errors.cnt, 1));
}

Test(config, every_key_of_a_file_is_taken)
{
    cr_assert(
        eq(int,
           load_text("schema_version = 1\n"
                     "port.tpu = 1234\n"
                     "[layout]\naffinity = '0-3,5'\nexclude = [\n 7, 0x8,\n]\nidle = \"park\"\n"
                     "[hugetlbfs]\npages = '1g'\n"
                     "[metric]\nenabled = true\naddress = \"\"\n"
                     "[[shred.source]]\nname = 'a'\nport = 1\n"
                     "[[shred.source]]\nport = 2\nname = 'b'\n"
                     "[shred]\nversion = 50_093\n"),
           0));
    cr_assert(eq(u32, cfg.port.tpu, 1234));
    cr_assert(eq(str, cfg.layout.affinity, "0-3,5"));
    cr_assert(eq(u32, cfg.layout.exclude_cnt, 2));
    cr_assert(eq(u32, cfg.layout.exclude[1], 8));
    cr_assert(eq(u32, cfg.layout.idle, QS_CONFIG_layout_idle_park));
    cr_assert(eq(u32, cfg.hugetlbfs.pages, QS_CONFIG_hugetlbfs_pages_1g));
    cr_assert(cfg.metric.enabled);
    cr_assert(eq(str, cfg.metric.address, ""));
    cr_assert(eq(u32, cfg.shred_source_cnt, 2));
    cr_assert(eq(str, cfg.shred_source[1].name, "b"));
    cr_assert(eq(u32, cfg.shred_source[1].port, 2));
    cr_assert(eq(u32, cfg.shred.version, 50093));
    cr_assert(eq(u32, cfg.net.tiles, 1), "what the file does not name keeps its default");
}

static void
write_file(char const *path, char const *text)
{
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

Test(config, later_sources_override_earlier_ones)
{
    char path[] = "/tmp/qs_test_config_XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    write_file(path, "[net]\ntiles = 2\nmtu = 600\niface = 'file'\nrx_depth = 128\n"
                     "[layout]\nexclude = [1, 2, 3]\n"
                     "[[shred.source]]\nname = 'file'\nport = 1\n");
    char const *env[] = {"PATH=/bin",
                         "QUICKSTEP_CPU=plain",
                         "QUICKSTEP_NET_MTU=700",
                         "QUICKSTEP_NET_IFACE=env",
                         "QUICKSTEP_LAYOUT_EXCLUDE=4",
                         "QUICKSTEP_SHRED_SOURCE_1_PORT=2",
                         "QUICKSTEP_SHRED_SOURCE_1_NAME=env",
                         NULL};
    char const *set[] = {"net.iface=set", "net.rx_depth=256", "net.rx_depth=512",
                         "shred.source.0.name=set"};
    int err = load(path, env, set, QS_COUNT(set));
    unlink(path);
    close(fd);
    cr_assert(eq(int, err, 0), "%s", errors.error[0].text);
    cr_assert(eq(u32, cfg.verify.tiles, 1), "default");
    cr_assert(eq(u32, cfg.net.tiles, 2), "file over default");
    cr_assert(eq(u32, cfg.net.mtu, 700), "environment over file");
    cr_assert(eq(str, cfg.net.iface, "set"), "--set over environment");
    cr_assert(eq(u32, cfg.net.rx_depth, 512), "a later --set over an earlier one");
    cr_assert(eq(u32, cfg.layout.exclude_cnt, 1), "a list is replaced, not extended");
    cr_assert(eq(u32, cfg.layout.exclude[0], 4));
    cr_assert(eq(u32, cfg.layout.exclude[1], 0));
    cr_assert(eq(u32, cfg.shred_source_cnt, 2));
    cr_assert(eq(str, cfg.shred_source[0].name, "set"));
    cr_assert(eq(u32, cfg.shred_source[0].port, 1));
    cr_assert(eq(u32, cfg.shred_source[1].port, 2));
}

Test(config, text_from_outside_may_be_empty_or_a_list)
{
    char const *set[] = {"metric.address=", "layout.exclude=1, 2 ,3", "layout.affinity=0-1,4",
                         "identity.key_path=a=b"};
    cr_assert(eq(int, load(NULL, NULL, set, QS_COUNT(set)), 0), "%s", errors.error[0].text);
    cr_assert(eq(str, cfg.metric.address, ""));
    cr_assert(eq(u32, cfg.layout.exclude_cnt, 3));
    cr_assert(eq(u32, cfg.layout.exclude[2], 3));
    cr_assert(eq(str, cfg.layout.affinity, "0-1,4"));
    cr_assert(eq(str, cfg.identity.key_path, "a=b"));

    char const *none[] = {"layout.exclude=1", "layout.exclude="};
    cr_assert(eq(int, load(NULL, NULL, none, QS_COUNT(none)), 0));
    cr_assert(eq(u32, cfg.layout.exclude_cnt, 0));
}

Test(config, a_file_that_cannot_be_read_is_named)
{
    cr_assert(eq(int, load("/nonexistent/quickstep.toml", NULL, NULL, 0), -EINVAL));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-001"));
    cr_assert(eq(str, errors.error[0].where, "/nonexistent/quickstep.toml"));
    cr_assert(eq(u32, errors.error[0].line, 0));

    cr_assert(eq(int, load("/", NULL, NULL, 0), -EINVAL));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-001"));

    cr_assert(eq(int, load("/dev/zero", NULL, NULL, 0), -EINVAL));
    cr_assert(eq(str, (char *)errors.error[0].id, "QS-CFG-001"),
              "and it is never read without end");
}

/* rewrite writes cfg as TOML and loads that again. */
static void
rewrite(bool notes)
{
    static qs_config_t before;
    memcpy(&before, &cfg, sizeof(cfg));
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    qs_config_write_toml(out, &qs_config_table, &cfg, notes);
    fclose(out);
    cr_assert(eq(int, load_text(text), 0), "%s in\n%s", errors.error[0].text, text);
    cr_assert(eq(int, memcmp(&before, &cfg, sizeof(cfg)), 0), "%s", text);
    free(text);
}

Test(config, what_is_written_loads_to_the_same_struct)
{
    for (u32 notes = 0; notes < 2; notes++) {
        qs_config_init(&qs_config_table, &cfg);
        rewrite(notes);

        cr_assert(eq(int,
                     load_text("[net]\niface = \"a\\\"\\\\\\u0001\\u007f\\t\"\n"
                               "[layout]\nexclude = [5, 6]\n[log]\nlevel = 'error'\n"
                               "[identity]\nkey_path = 'caf\xc3\xa9'\n"
                               "[[shred.source]]\nname = '#'\nport = 1\n"
                               "[[shred.source]]\nname = '[x]'\nport = 2\n"
                               "[load]\nrate_pps = 100000000\n"),
                     0));
        rewrite(notes);
    }
}

/* compare a committed file with what the table makes now; tests run in the root of the tree. */
static void
compare(char const *path, char const *made, size_t made_sz, char const *command)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f != NULL, "%s is missing: %s > %s", path, command, path);
    static char text[65536];
    size_t sz = fread(text, 1, sizeof(text), f);
    fclose(f);
    cr_assert(sz == made_sz && !memcmp(text, made, sz), "%s is old: %s > %s", path, command, path);
}

Test(config, committed_files_are_what_the_table_makes)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);
    qs_config_init(&qs_config_table, &cfg);
    qs_config_write_toml(out, &qs_config_table, &cfg, true);
    fclose(out);
    compare("config/default.toml", text, sz, "quickstep config default");
    free(text);

    out = open_memstream(&text, &sz);
    qs_config_write_md(out, &qs_config_table);
    fclose(out);
    compare("docs/config.md", text, sz, "quickstep config default --md");
    free(text);
}

/* Goal: an instance can be looked at alive and dead, and whatever lies in its files is refused with
   a sentence instead of believed.  Method: a child that runs a group of two threads and is killed;
   its files are then damaged one way after the other.  All of it on a host of its own. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "disco/qs_attach.h"
#include "disco/qs_group.h"
#include "tango/shm_host.h"

#define NAME "attached"

#define COUNT_TO 1000u
#define TRIAL_METRICS(COUNTER, GAUGE)                                                              \
    COUNTER(seen, "fragments that came")                                                           \
    GAUGE(last, "the last one's tag")

QS_METRICS(trial, TRIAL_METRICS);

static u32
give_poll(void *self, qs_stem_t *s)
{
    u32 did = 0;
    (void)self;
    for (; did < QS_BATCH && s->out[0].tx.seq < COUNT_TO && qs_stem_prepare(s, 0); did++)
        qs_stem_publish(s, 0, s->out[0].tx.seq, 8, 0, 0);
    return did;
}

static void *
take_layout(qs_layout_t *l, qs_tile_ctx_t const *ctx)
{
    (void)ctx;
    return qs_layout_take(l, sizeof(trial_metrics_t *), 8);
}

static int
take_boot(void *self, qs_tile_ctx_t *ctx)
{
    *(trial_metrics_t **)self = ctx->metrics;
    return 0;
}

static u32
take_frag(void *self, qs_stem_t *s, qs_batch_t const *b)
{
    trial_metrics_t *m = *(trial_metrics_t **)self;
    (void)s;
    qs_metric_add(&m->seen, b->cnt);
    qs_metric_set(&m->last, b->frag[b->cnt - 1].sig);
    return b->cnt;
}

static void give_run(void *self, qs_stem_t *s);
static void take_run(void *self, qs_stem_t *s);
static qs_tile_t const tile_give = {
    .name = "give", .out = {"take"}, .poll = give_poll, .run = give_run};
static qs_tile_t const tile_take = {.name = "take",
                                    .in = {{.from = "give"}},
                                    .metrics = trial_metric_desc,
                                    .layout = take_layout,
                                    .boot = take_boot,
                                    .frag = take_frag,
                                    .run = take_run};

static void
give_run(void *self, qs_stem_t *s)
{
    qs_stem_loop(&tile_give, self, s);
}

static void
take_run(void *self, qs_stem_t *s)
{
    qs_stem_loop(&tile_take, self, s);
}

static qs_tile_row_t const tiles[] = {
    {.tile = &tile_give, .cnt = 1}, {.tile = &tile_take, .cnt = 1}, {0}};
static qs_link_row_t const links[] = {{"give", "take", .depth = 64, .mtu = 64, .flow = QS_RELIABLE},
                                      {0}};
static qs_topo_t const trial = {.name = "trial", .tiles = tiles, .links = links};
static qs_topo_t const foreign = {.name = "foreign", .tiles = tiles, .links = links};
static qs_topo_t const *const topos[] = {&foreign, &trial, NULL};

static qs_attach_t a;

/* run_group is the child: it runs the group until it is killed. */
static void
run_group(int ready_fd)
{
    static qs_group_t g;
    static qs_config_t cfg;
    qs_clock_t clock;
    bool said = false;

    qs_config_init(&qs_config_table, &cfg);
    cfg.layout.idle = QS_CONFIG_layout_idle_park;
    qs_clock_calibrate(&clock, 5000000);
    qs_group_conf_t conf = {.instance = NAME,
                            .topo = &trial,
                            .topos = topos,
                            .cfg = &cfg,
                            .clock = &clock,
                            .threads = true};
    if (qs_group_start(&g, &conf))
        _exit(1);
    for (;;) {
        qs_group_poll(&g, -1, 10);
        if (g.state == QS_GROUP_RUNNING && !said && write(ready_fd, "", 1) == 1)
            said = true;
    }
}

/* born starts a group on a host of its own; false, and the test is skipped, without one. */
static pid_t
born(void)
{
    int ready[2];
    char byte;

    cr_assert(eq(int, pipe(ready), 0));
    pid_t pid = fork();
    if (!pid)
        run_group(ready[1]);
    close(ready[1]);
    cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1), "the group did not start");
    close(ready[0]);
    return pid;
}

static void
dies(pid_t pid)
{
    kill(pid, SIGKILL);
    cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
}

static void
wait_until_seen(void)
{
    for (u32 ms = 0; ms < 5000 && qs_attach_sum(&a, "take", "take", "seen") < COUNT_TO; ms++)
        usleep(1000);
}

static void
numbers_are_there(void)
{
    cr_assert(eq(u64, qs_attach_sum(&a, "take", "take", "seen"), COUNT_TO));
    cr_assert(eq(u64, qs_attach_sum(&a, "take", "take", "last"), COUNT_TO - 1));
    cr_assert(eq(u64, qs_attach_sum(&a, NULL, "link_out", "frag"), COUNT_TO));
    cr_assert(eq(u64, qs_attach_sum(&a, NULL, "tile", "start"), 2));
    cr_assert(eq(u64, qs_attach_sum(&a, "give", "take", "seen"), 0));
    cr_assert(eq(u64, qs_attach_sum(&a, "take", "take", "nothing"), 0));
}

Test(attach, an_instance_is_read_alive_and_dead)
{
    if (!private_host(""))
        return;
    cr_assert(eq(int, qs_attach_open(&a, NULL, topos), -ENOENT));
    cr_assert(strstr(a.why, "0 instances run and 0 are dead") != NULL, "%s", a.why);
    pid_t pid = born();
    cr_assert(eq(int, qs_attach_open(&a, NULL, topos), 0), "%s", a.why);
    cr_assert(eq(ptr, (void *)a.topo, (void *)&trial));
    cr_assert(qs_instance_alive(&a.instance));
    cr_assert(eq(int, a.boot->supervisor_pid, pid));
    wait_until_seen();
    numbers_are_there();
    dies(pid);
    cr_assert(eq(int, qs_instance_alive(&a.instance), false));
    numbers_are_there();
    qs_attach_close(&a);
    cr_assert(eq(int, qs_attach_open(&a, NAME, topos), 0), "%s", a.why);
    numbers_are_there();
    cr_assert(eq(ptr, (void *)qs_attach_at(&a, 0, 0, UINT64_MAX), NULL));
    cr_assert(eq(ptr, (void *)qs_attach_at(&a, 2, 0, 8), NULL));
    cr_assert(eq(ptr, (void *)qs_attach_at(&a, 0, a.wksp[0].map_sz - 8, 9), NULL));
    qs_attach_close(&a);

    dies(born());
    cr_assert(eq(int, qs_attach_open(&a, NAME, topos), 0), "a next start takes its place");
    qs_attach_close(&a);
}

Test(attach, names_that_cannot_be_are_refused)
{
    if (!private_host(""))
        return;
    cr_assert(eq(int, qs_attach_open(&a, "../etc", topos), -EINVAL));
    cr_assert(strstr(a.why, "no name of an instance") != NULL);
    cr_assert(eq(int, qs_attach_open(&a, "nobody", topos), -ENOENT));
    cr_assert(strstr(a.why, "instance nobody: ") != NULL, "%s", a.why);
}

/* What is done to the dead instance's memory before the look. */
static qs_plan_t *plan;
static u8 *boot_file;

static void
no_magic(void)
{
    memset(boot_file, 0, 8);
}
static void
other_abi(void)
{
    boot_file[8]++;
}
static void
other_topo(void)
{
    memcpy(plan->topo, "unheard", 8);
}
static void
same_tiles_other_name(void)
{
    memcpy(plan->topo, "foreign", 8);
}
static void
too_many_tiles(void)
{
    plan->tile_cnt = QS_TILE_MAX + 1;
}
static void
too_many_links(void)
{
    plan->link_cnt = UINT32_MAX;
}
static void
too_many_ports(void)
{
    plan->port_cnt = QS_PORT_MAX + 1;
}
static void
row_beyond(void)
{
    plan->tile[0].row = 2;
}
static void
inputs_beyond(void)
{
    plan->tile[1].in_cnt = QS_IN_MAX + 1;
}
static void
input_beyond(void)
{
    plan->tile[1].in[0] = 1;
}
static void
consumer_beyond(void)
{
    plan->tile[1].in_consumer[0] = QS_CONSUMER_MAX;
}
static void
outputs_beyond(void)
{
    plan->tile[0].out_cnt = QS_OUT_MAX + 1;
}
static void
output_beyond(void)
{
    plan->tile[0].out[0] = 1;
}
static void
producer_beyond(void)
{
    plan->link[0].producer = 2;
}
static void
readers_beyond(void)
{
    plan->link[0].consumer_cnt = QS_CONSUMER_MAX + 1;
}
static void
reader_beyond(void)
{
    plan->link[0].consumer[0] = 2;
}
static void
endless_tile(void)
{
    memset(plan->tile[0].name, 'a', QS_NAME_MAX);
}
static void
endless_link(void)
{
    memset(plan->link[0].name, 'a', sizeof(plan->link[0].name));
}
static void
other_hash(void)
{
    plan->layout_hash++;
}
static void
nothing(void)
{
}

static void
offsets_outside(void)
{
    plan->tile[0].cnc_off = UINT64_MAX - 4;
    plan->tile[0].stem_metrics_off = UINT64_MAX - 4;
    plan->tile[1].metrics_off = 1ull << 40;
    plan->link[0].in_metrics_off[0] = 1ull << 63;
    plan->link[0].out_metrics_off = UINT64_MAX;
}

typedef struct damage {
    void (*what)(void);
    int err;
    char const *says;
} damage_t;

/* clang-format off */
static damage_t const damages[] = {
    {nothing, 0, ""},
    {no_magic, -EPROTO, "boot: "},
    {other_abi, -EPROTONOSUPPORT, "boot: "},
    {other_topo, -EPROTO, "a topology that this program does not know"},
    {same_tiles_other_name, 0, ""},
    {too_many_tiles, -EILSEQ, "plan is corrupt"},
    {too_many_links, -EILSEQ, "plan is corrupt"},
    {too_many_ports, -EILSEQ, "plan is corrupt"},
    {row_beyond, -EILSEQ, "plan is corrupt"},
    {inputs_beyond, -EILSEQ, "plan is corrupt"},
    {input_beyond, -EILSEQ, "plan is corrupt"},
    {consumer_beyond, -EILSEQ, "plan is corrupt"},
    {outputs_beyond, -EILSEQ, "plan is corrupt"},
    {output_beyond, -EILSEQ, "plan is corrupt"},
    {producer_beyond, -EILSEQ, "plan is corrupt"},
    {readers_beyond, -EILSEQ, "plan is corrupt"},
    {reader_beyond, -EILSEQ, "plan is corrupt"},
    {endless_tile, -EILSEQ, "plan is corrupt"},
    {endless_link, -EILSEQ, "plan is corrupt"},
    {other_hash, -ESTALE, "give-0: "},
    {offsets_outside, 0, ""},
};
/* clang-format on */

static void
ignore(void *ctx, qs_attach_metric_t const *m)
{
    *(u64 *)ctx += m->value;
}

Test(attach, damaged_memory_is_refused_with_a_sentence)
{
    if (!private_host(""))
        return;
    dies(born());
    char path[64];
    snprintf(path, sizeof(path), "/dev/shm/quickstep-%u/" NAME "/boot.wksp", geteuid());
    int fd = open(path, O_RDWR);
    cr_assert(ge(int, fd, 0), "%s", path);
    off_t sz = lseek(fd, 0, SEEK_END);
    boot_file = mmap(NULL, (size_t)sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    u8 *sound = malloc((size_t)sz);
    memcpy(sound, boot_file, (size_t)sz);
    cr_assert(eq(int, qs_attach_open(&a, NAME, topos), 0));
    plan = (qs_plan_t *)(boot_file + ((u8 const *)&a.boot->plan - a.boot_wksp.mem));
    qs_attach_close(&a);

    for (u32 i = 0; i < QS_COUNT(damages); i++) {
        u64 sum = 0;
        memcpy(boot_file, sound, (size_t)sz);
        damages[i].what();
        int err = qs_attach_open(&a, NAME, topos);
        cr_expect(eq(int, err, damages[i].err), "%u (%s): %s", i, damages[i].says, a.why);
        cr_expect(err == 0 || strstr(a.why, damages[i].says) != NULL, "%u: %s", i, a.why);
        if (!err)
            qs_attach_metrics(&a, ignore, &sum);
        qs_attach_close(&a);
    }
    memcpy(boot_file, sound, (size_t)sz);
    cr_assert(eq(int, ftruncate(fd, 4096), 0));
    cr_assert(eq(int, qs_attach_open(&a, NAME, topos), -ENODATA), "%s", a.why);
    cr_assert(strlen(a.why) > 10);
    cr_assert(eq(int, ftruncate(fd, 0), 0));
    cr_assert(qs_attach_open(&a, NAME, topos) < 0);
    cr_assert(strlen(a.why) > 10, "%s", a.why);
    free(sound);
}

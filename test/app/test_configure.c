/* Goal: configure does what it says, and undo gives the host back to the byte, whatever happened in
   between.  Method: a host under a temporary directory; every crash point of init, and every crash
   point of the undo after it, is tried; reboots, others and refusals are played. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/wait.h>

#include "app/fake_host.h"
#include "disco/qs_cpus.h"
#include "tango/qs_shm.h"

#define ALL UINT32_MAX
#define MIB (1ull << 20)

static qs_config_t cfg;
static qs_plan_t plan;
static qs_error_list_t errors;
static qs_configure_t engine;
static u32 node_cnt;
static char said[16384];

static char const *const words[] = {"ok",    "absent",   "missing", "would", "run", "done",
                                    "short", "restored", "same",    "gone",  "left"};

/* say notes "outcome path" per line. */
static void
say(void *ctx, qs_configure_report_t const *r)
{
    size_t used = strlen(said);
    (void)ctx;
    snprintf(said + used, sizeof(said) - used, "%s %s %s\n", words[r->outcome], r->path, r->run);
}

static void
new_host_in(char const *dir)
{
    fake_new(dir);
    node_cnt = 1;
    qs_config_init(&qs_config_table, &cfg);
    plan = (qs_plan_t){.topo = "test", .tile_cnt = 3};
    plan.tile[0] = (qs_plan_tile_t){.name = "net", .cpu = -1, .wksp_sz = 3 * MIB};
    plan.tile[1] = (qs_plan_tile_t){.name = "verify", .cpu = -1, .wksp_sz = 2 * MIB};
    plan.tile[2] = (qs_plan_tile_t){.name = "sink", .cpu = -1, .wksp_sz = MIB / 16};
}

static void
new_host(void)
{
    new_host_in("/dev/shm");
}

static void
prepare(bool dry_run)
{
    said[0] = 0;
    memset(&errors, 0, sizeof(errors));
    engine = (qs_configure_t){.host = {.root = fake.root,
                                       .write = fake_write,
                                       .mount = fake_mount,
                                       .umount = fake_umount,
                                       .step = fake_step},
                              .cfg = &cfg,
                              .plan = &plan,
                              .node_cnt = node_cnt,
                              .dry_run = dry_run,
                              .say = say,
                              .errors = &errors};
}

static int
check(void)
{
    prepare(false);
    return qs_configure_check(&engine, ALL);
}

static int
init(void)
{
    prepare(false);
    return qs_configure_init(&engine, ALL);
}

static int
undo(void)
{
    prepare(false);
    return qs_configure_undo(&engine, ALL);
}

static bool
was_said(char const *line)
{
    return strstr(said, line) != NULL;
}

static bool
is_error(char const *id)
{
    return errors.cnt && !strcmp(errors.error[0].id, id);
}

/* crashing runs init or undo in a child that dies at its n-th step; false if it has fewer. */
static bool
crashing(int (*verb)(void), u32 n)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        fake.steps = 0;
        fake.crash_at = n;
        verb();
        _exit(0);
    }
    cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status) == 9;
}

static void
expect_same(char const *before, char const *when, u32 n, u32 m)
{
    char *after = snapshot();
    cr_expect(eq(str, after, (char *)before), "%s %u %u", when, n, m);
    free(after);
}

TestSuite(configure, .init = new_host, .fini = fake_remove);

Test(configure, init_sets_up_what_check_misses_and_a_second_init_has_nothing_to_do)
{
    cr_assert(eq(int, check(), 3));
    cr_assert(is_error("QS-CNF-002"));
    cr_assert(was_said("missing " POOL_2M));
    cr_assert(eq(int, init(), 0));
    cr_expect(was_said("run " POOL_2M " echo 3 > " POOL_2M), "%s", said);
    cr_expect(eq(str, (char *)get(POOL_2M), "3\n"));
    cr_expect(eq(str, (char *)get(RMEM_MAX), "4194304\n"));
    cr_expect(eq(str, (char *)get(BALANCING), "0\n"));
    cr_expect(strstr(get(MOUNTS),
                     " /run/quickstep/hugetlbfs-2M hugetlbfs rw,nosuid,pagesize=2M,") != NULL);
    cr_assert(eq(int, check(), 0), "%s", said);
    cr_assert(eq(int, init(), 0));
    cr_assert(not(was_said("run ")), "%s", said);
}

Test(configure, undo_restores_every_byte)
{
    char *before = snapshot();
    cr_assert(eq(int, init(), 0));
    cr_assert(eq(int, undo(), 0));
    expect_same(before, "undo", 0, 0);
    cr_expect(eq(str, (char *)get(JOURNAL), ""));
    cr_assert(eq(int, undo(), 0));
    cr_expect(eq(str, said, ""));
    free(before);
}

Test(configure, undo_of_two_inits_restores_what_was_before_the_first)
{
    char *before = snapshot();
    cr_assert(eq(int, init(), 0));
    plan.tile[0].wksp_sz = 20 * MIB;
    cr_assert(eq(int, init(), 0));
    cr_assert(eq(str, (char *)get(POOL_2M), "11\n"));
    cr_assert(eq(int, undo(), 0));
    expect_same(before, "two", 0, 0);
    free(before);
}

Test(configure, after_a_crash_at_any_step_undo_restores_every_byte)
{
    u32 n = 1;
    for (;; n++) {
        char *before = snapshot();
        bool crashed = crashing(init, n);
        cr_expect(eq(int, undo(), 0), "step %u", n);
        expect_same(before, "init crashed at", n, 0);
        free(before);
        fake_remove();
        if (!crashed)
            break;
        new_host();
    }
    cr_assert(n > 24, "8 things were to be changed, in 3 steps each, not %u steps", n - 1);
}

Test(configure, after_a_crash_of_undo_at_any_step_another_undo_restores_every_byte)
{
    for (u32 n = 3; n < 24; n += 5) {
        bool crashed = true;
        for (u32 m = 1; crashed; m++) {
            char *before = snapshot();
            crashing(init, n);
            crashed = crashing(undo, m);
            cr_expect(eq(int, undo(), 0), "steps %u, %u", n, m);
            cr_expect(not(was_said("left ")), "%s", said);
            expect_same(before, "undo crashed at", n, m);
            free(before);
            fake_remove();
            new_host();
        }
    }
}

Test(configure, a_line_torn_by_a_crash_is_dropped)
{
    char *before = snapshot();
    cr_assert(eq(int, init(), 0));
    int fd = open(at(JOURNAL), O_WRONLY | O_APPEND);
    cr_assert(write(fd, "intend\t9\thuge", 13) == 13);
    close(fd);
    prepare(false);
    cr_assert(eq(int, qs_configure_undo(&engine, 1u << 1), 0));
    cr_assert(eq(int, undo(), 0), "what is written after it can be read");
    expect_same(before, "torn", 0, 0);
    free(before);
}

Test(configure, what_others_changed_since_is_left_alone_and_named)
{
    cr_assert(eq(int, init(), 0));
    put(RMEM_MAX, "99999999\n");
    put_pool(HUGE_2M, "50");
    cr_assert(eq(int, undo(), 0));
    cr_expect(eq(str, (char *)get(RMEM_MAX), "99999999\n"));
    cr_expect(eq(str, (char *)get(POOL_2M), "50\n"));
    cr_expect(eq(str, (char *)get(WMEM_MAX), "212992\n"));
    cr_expect(was_said("left " RMEM_MAX));
    cr_expect(was_said("left " POOL_2M));
    cr_assert(eq(int, undo(), 0));
    cr_expect(eq(str, said, ""), "they are ours no more");
}

Test(configure, a_mount_or_directory_that_holds_files_of_others_stays)
{
    cr_assert(eq(int, init(), 0));
    put("/run/quickstep/hugetlbfs-2M/somebody", "");
    cr_assert(eq(int, undo(), 0));
    cr_expect(was_said("left /run/quickstep/hugetlbfs-2M"), "%s", said);
    cr_expect(strstr(get(MOUNTS), "/run/quickstep/hugetlbfs-2M") != NULL);
    cr_expect(eq(str, (char *)get(POOL_2M), "2\n"));
}

Test(configure, after_a_reboot_what_is_gone_by_itself_is_crossed_out_and_not_restored)
{
    fake_remove();
    new_host_in("/var/tmp"); /* a disk, where directories last */
    cr_assert(eq(int, init(), 0));
    put(BOOT_ID, "11111111-f6b7-49fc-957e-37224b5295f2\n");
    put(MOUNTS, "proc /proc proc rw,relatime 0 0\n");
    put(RMEM_MAX, "4194304\n"); /* as we left it, but now a sysctl.d file says so */
    cr_assert(eq(int, undo(), 0));
    cr_expect(eq(str, (char *)get(RMEM_MAX), "4194304\n"));
    cr_expect(was_said("gone " RMEM_MAX));
    cr_expect(was_said("gone /run/quickstep/hugetlbfs-2M"));
    cr_expect(was_said("restored /run/quickstep "), "%s", said);
    cr_expect(access(at("/run/quickstep"), F_OK) != 0);
    cr_expect(eq(str, (char *)get(JOURNAL), ""));
}

Test(configure, a_directory_on_a_tmpfs_is_gone_after_a_reboot_and_a_later_one_is_not_ours)
{
    cr_assert(eq(int, init(), 0));
    put(BOOT_ID, "11111111-f6b7-49fc-957e-37224b5295f2\n");
    cr_assert(eq(int, undo(), 0));
    cr_expect(was_said("gone /run/quickstep "), "%s", said);
    cr_expect(eq(int, access(at("/run/quickstep"), F_OK), 0));
}

Test(configure, a_short_pool_is_gathered_for_and_told_and_undone)
{
    char *before = snapshot();
    plan.tile[0].wksp_sz = 20 * MIB;
    fake.pages_max = 7;
    cr_assert(eq(int, init(), 3));
    cr_expect(is_error("QS-CNF-004"));
    cr_expect(strstr(errors.error[0].text, "7 of 11") != NULL, "%s", errors.error[0].text);
    cr_expect(eq(u32, fake.compacted, 1));
    cr_expect(eq(str, (char *)get(RMEM_MAX), "212992\n"), "nothing after it was tried");
    cr_assert(eq(int, undo(), 0));
    expect_same(before, "short", 0, 0);
    for (u32 n = 1; n < 4; n++) {
        crashing(init, n);
        cr_assert(eq(int, undo(), 0));
        expect_same(before, "short, crashed at", n, 0);
    }
    free(before);
}

Test(configure, init_stops_at_what_is_refused_and_undo_takes_back_the_rest)
{
    static struct {
        char const *path;
        int err;
        char const *hint;
    } const refusals[] = {{RMEM_MAX, -EROFS, "read-only"},
                          {POOL_2M, -EACCES, "root"},
                          {BALANCING, -EPERM, "root"},
                          {JIT, -EINVAL, "undo"}};
    char *before = snapshot();
    for (u32 i = 0; i < QS_COUNT(refusals); i++) {
        fake.refuse = refusals[i].path;
        fake.refuse_err = refusals[i].err;
        cr_expect(eq(int, init(), 3));
        cr_expect(is_error("QS-CNF-003"));
        cr_expect(eq(str, errors.error[0].where, (char *)refusals[i].path));
        cr_expect(strstr(errors.error[0].hint, refusals[i].hint) != NULL, "%s",
                  errors.error[0].hint);
        fake.refuse = NULL;
        cr_expect(eq(int, undo(), 0));
        expect_same(before, "refused", i, 0);
    }
    free(before);
}

Test(configure, what_cannot_be_read_is_named_unless_it_is_optional)
{
    unlink(at(BALANCING));
    unlink(at(JIT));
    cr_assert(eq(int, init(), 0));
    cr_expect(was_said("absent " BALANCING));
    unlink(at(RMEM_MAX));
    cr_assert(eq(int, check(), 3));
    cr_expect(is_error("QS-CNF-003"));
    cr_expect(was_said("ok " WMEM_MAX), "check goes on");
    cr_assert(eq(int, undo(), 0));
    cr_expect(was_said("left " RMEM_MAX));
}

Test(configure, a_mount_in_use_stops_undo_which_can_be_repeated)
{
    char *before = snapshot();
    cr_assert(eq(int, init(), 0));
    fake.umount_err = -EBUSY;
    cr_assert(eq(int, undo(), 1));
    cr_expect(is_error("QS-CNF-006"));
    cr_expect(eq(str, (char *)get(POOL_2M), "3\n"));
    fake.umount_err = 0;
    cr_assert(eq(int, undo(), 0));
    expect_same(before, "busy", 0, 0);
    free(before);
}

Test(configure, a_dry_run_changes_nothing_and_shows_what_the_run_then_does)
{
    char would[sizeof(said)];
    char *before = snapshot();
    prepare(true);
    cr_assert(eq(int, qs_configure_init(&engine, ALL), 0));
    expect_same(before, "dry init", 0, 0);
    cr_expect(access(at(JOURNAL), F_OK) != 0);
    cr_expect(was_said("would " POOL_2M " echo 3"));

    cr_assert(eq(int, init(), 0));
    plan.tile[0].wksp_sz = 20 * MIB;
    cr_assert(eq(int, init(), 0));
    char *done = snapshot();
    prepare(true);
    cr_assert(eq(int, qs_configure_undo(&engine, ALL), 0));
    expect_same(done, "dry undo", 0, 0);
    cr_expect(not(was_said("left")), "%s", said);
    cr_expect(was_said("would " POOL_2M " echo 3"));
    cr_expect(was_said("would " POOL_2M " echo 2"));
    strcpy(would, said);
    cr_assert(eq(int, undo(), 0));
    for (char *line = strtok(would, "\n"); line; line = strtok(NULL, "\n"))
        cr_expect(was_said(strchr(line, ' ')), "%s", line);
    expect_same(before, "undo", 0, 0);
    free(done);
    free(before);
}

Test(configure, only_the_stages_that_are_named_are_done_and_undone)
{
    char *before = snapshot();
    prepare(false);
    cr_assert(eq(int, qs_configure_init(&engine, 1u << 1), 0));
    cr_expect(eq(str, (char *)get(POOL_2M), "2\n"));
    char *sysctl_only = snapshot();
    prepare(false);
    cr_assert(eq(int, qs_configure_init(&engine, 1u << 0), 0));
    prepare(false);
    cr_assert(eq(int, qs_configure_undo(&engine, 1u << 0), 0));
    expect_same(sysctl_only, "hugetlbfs", 0, 0);
    prepare(false);
    cr_assert(eq(int, qs_configure_undo(&engine, 1u << 1), 0));
    expect_same(before, "sysctl", 0, 0);
    free(sysctl_only);
    free(before);
}

Test(configure, values_that_are_large_enough_are_not_lowered)
{
    put(RMEM_MAX, "2147483647\n");
    put(JIT, "2\n");
    put_pool(HUGE_2M, "64");
    cr_assert(eq(int, init(), 0));
    cr_expect(eq(str, (char *)get(RMEM_MAX), "2147483647\n"));
    cr_expect(eq(str, (char *)get(JIT), "2\n"));
    cr_expect(eq(str, (char *)get(POOL_2M), "64\n"));
}

Test(configure, pages_in_use_by_others_are_not_counted_and_ours_are)
{
    put(HUGE_2M "/nr_hugepages", "10\n");
    put(HUGE_2M "/free_hugepages", "1\n");
    cr_assert(eq(int, init(), 0));
    cr_expect(eq(str, (char *)get(POOL_2M), "12\n"), "3 needed, 1 free");
    put(HUGE_2M "/free_hugepages", "0\n");
    put("/run/quickstep/hugetlbfs-2M/quickstep-0.quickstep.net", "");
    cr_assert(
        eq(int, truncate(at("/run/quickstep/hugetlbfs-2M/quickstep-0.quickstep.net"), 6 * MIB), 0));
    int fd = open(at("/run/quickstep/hugetlbfs-2M/quickstep-0.quickstep.net"), O_WRONLY);
    cr_assert(eq(int, posix_fallocate(fd, 0, 6 * MIB), 0));
    close(fd);
    cr_expect(eq(int, check(), 0), "our instance holds the 3 that it needs: %s", said);
}

/* place puts the plan on the machine that hwloc makes of text, as the command does on the real one. */
static void
place(char const *machine, char const *affinity, i32 nic_node)
{
    static qs_cpus_t cpus;
    char err[256];
    cr_assert(eq(int, qs_cpus_synthetic(&cpus, machine), 0), "%s", machine);
    cpus.nic_node = nic_node;
    strcpy(cfg.layout.affinity, affinity);
    cr_assert(eq(int, qs_cpus_place(&plan, &cpus, &cfg.layout, 0, 0, err, sizeof(err)), 0), "%s",
              err);
    node_cnt = cpus.node_cnt;
}

#define NODE0 "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
#define NODE1 "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"

typedef struct node_case {
    char const *what, *machine, *affinity;
    i32 nic_node;
    char const *node0, *node1, *host; /* pools after init */
} node_case_t;

/* 2 pages are on node 0 from the start; net needs 2 pages, verify 1, sink none. */
static node_case_t const node_cases[] = {
    {"one node: anywhere", "core:4 pu:1", "auto", -1, "2\n", "0\n", "3\n"},
    {"all on node 0", "node:2 core:4 pu:1", "0-3", -1, "3\n", "0\n", "3\n"},
    {"all on the NIC's node", "node:2 core:4 pu:1", "auto", 1, "2\n", "3\n", "5\n"},
    {"net on node 1, verify on node 0", "node:2 core:4 pu:1", "4,0,1", -1, "2\n", "2\n", "4\n"},
    {"a core on each node", "node:2 core:1 pu:1", "auto", 0, "2\n", "1\n", "3\n"},
    {"SMT, two packages", "pack:2 numa:1 core:2 pu:2", "auto", 1, "2\n", "3\n", "5\n"},
};

Test(configure, pages_are_asked_of_the_node_where_each_workspace_will_be_bound)
{
    for (u32 i = 0; i < QS_COUNT(node_cases); i++) {
        node_case_t const *c = &node_cases[i];
        fake_remove();
        new_host();
        fake_nodes("2", "0");
        place(c->machine, c->affinity, c->nic_node);
        char *before = snapshot();
        cr_expect(eq(int, init(), 0), "%s: %s", c->what, said);
        cr_expect(eq(str, (char *)get(NODE0), (char *)c->node0), "%s", c->what);
        cr_expect(eq(str, (char *)get(NODE1), (char *)c->node1), "%s", c->what);
        cr_expect(eq(str, (char *)get(POOL_2M), (char *)c->host), "%s: %s", c->what, said);
        cr_expect(eq(int, check(), 0), "%s: %s", c->what, said);
        cr_expect(eq(int, undo(), 0), "%s: %s", c->what, said);
        expect_same(before, c->what, i, 0);
        for (u32 n = 1; n < 4; n++) {
            crashing(init, n);
            cr_expect(eq(int, undo(), 0), "%s, crash at %u", c->what, n);
            expect_same(before, c->what, i, n);
        }
        free(before);
    }
}

Test(configure, large_workspaces_get_pages_of_1_gib_where_the_processor_has_them)
{
    plan.tile[0].wksp_sz = 900 * MIB;
    prepare(true);
    cr_assert(eq(int, qs_configure_init(&engine, 1), 0));
    cr_expect(was_said("would " POOL_2M " echo 451 > "), "%s", said);
    put_pool(HUGE_1G, "0");
    prepare(true);
    cr_assert(eq(int, qs_configure_init(&engine, 1), 0));
    cr_expect(was_said("would " HUGE_1G "/nr_hugepages echo 1 > "), "%s", said);
    cr_expect(was_said("pagesize=1024M"));
    cfg.hugetlbfs.pages = QS_CONFIG_hugetlbfs_pages_4k;
    cr_assert(eq(int, check(), 3));
    cr_expect(not(was_said("hugepages")), "%s", said);
}

Test(configure, more_memory_than_there_is_is_refused_before_anything_is_done)
{
    plan.tile[0].wksp_sz = 9000 * MIB;
    char *before = snapshot();
    cr_assert(eq(int, init(), 3));
    cr_expect(is_error("QS-CNF-008"));
    expect_same(before, "memory", 0, 0);
    free(before);
}

Test(configure, a_mount_that_the_user_may_use_is_taken_and_one_of_ours_is_given_to_him)
{
    if (geteuid()) {
        printf("skipped: only root gives files away\n");
        return;
    }
    put("/dev/hugepages/x", "");
    put(MOUNTS, "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n");
    prepare(true);
    engine.uid = engine.gid = 1234;
    cr_assert(eq(int, qs_configure_init(&engine, 1), 0));
    cr_expect(was_said("uid=1234,gid=1234,mode=0750 hugetlbfs /run/quickstep/hugetlbfs-2M"));
    cr_assert(eq(int, chown(at("/dev/hugepages"), 1234, 0), 0));
    prepare(true);
    engine.uid = engine.gid = 1234;
    cr_assert(eq(int, qs_configure_init(&engine, 1), 0));
    cr_expect(not(was_said("mount")), "%s", said);

    put(MOUNTS, "proc /proc proc rw 0 0\n");
    cr_assert(eq(int, init(), 0));
    cr_assert(eq(int, chmod(at("/run/quickstep/hugetlbfs-2M"), 0750), 0));
    char *before = snapshot();
    prepare(false);
    engine.uid = engine.gid = 1234;
    cr_assert(eq(int, qs_configure_init(&engine, 1), 0));
    struct stat st;
    cr_assert(eq(int, stat(at("/run/quickstep/hugetlbfs-2M"), &st), 0));
    cr_expect(st.st_uid == 1234 && (st.st_mode & 0777) == 0750, "%s", said);
    cr_expect(was_said("chown 1234:1234 /run/quickstep/hugetlbfs-2M && chmod 0750"));
    cr_assert(eq(int, undo(), 0));
    cr_expect(was_said("restored /run/quickstep/hugetlbfs-2M chown 0:0 /run"), "%s", said);
    free(before);
}

Test(configure, a_journal_that_cannot_be_trusted_or_understood_stops_everything)
{
    static struct {
        char const *text;
        u32 line;
    } const bad[] = {
        {"intend\t1\thugetlbfs\n", 1},
        {"done\t1\t3\n", 1},
        {"undone\t1\nintend", 1},
        {"hello\n", 1},
        {"intend\t1\ta\twrite\treboot\tb\t5\t/p\tx\ty\nintend\t1\ta\twrite\treboot\tb\t5\t/"
         "p\tx\ty\n",
         2},
        {"intend\t1\ta\twrite\tnever\tb\t5\t/p\tx\ty\n", 1},
        {"intend\tx\ta\twrite\treboot\tb\t5\t/p\tx\ty\n", 1},
        {"intend\t1\ta\twrite\treboot\tb\t5\t/p\tx\ty\ndone\t1\tz\ndone\t1\tz\n", 3},
        {"intend\t1\ta\twrite\treboot\tb\t5\t/p\tx\ty\tz\n", 1},
    };
    char *before = snapshot();
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        put(JOURNAL, bad[i].text);
        cr_expect(eq(int, init(), 3), "%u", i);
        cr_expect(is_error("QS-CNF-005"), "%u", i);
        cr_expect(eq(u32, errors.error[0].line, bad[i].line), "%u", i);
        cr_expect(eq(int, undo(), 3), "%u", i);
        cr_expect(eq(str, (char *)get(JOURNAL), (char *)bad[i].text), "%u", i);
    }
    put(JOURNAL, "");
    cr_assert(eq(int, chmod(at(JOURNAL), 0622), 0));
    cr_expect(eq(int, init(), 3));
    cr_expect(is_error("QS-CNF-005"));
    unlink(at(JOURNAL));
    cr_assert(eq(int, symlink("/tmp", at(JOURNAL)), 0));
    cr_expect(eq(int, init(), 3));
    cr_expect(is_error("QS-CNF-005"));
    expect_same(before, "journal", 0, 0);
    free(before);
}

Test(configure, a_mount_path_that_a_shell_would_misread_is_refused)
{
    static char const *const bad[] = {"run/x",    "/",       "/run/a b", "/run/../etc",
                                      "/run/$x",  "/run//x", "/run/x/",  "/1/2/3/4/5/6/7/8/9",
                                      "/run/a\tb"};
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        snprintf(cfg.hugetlbfs.mount_path, sizeof(cfg.hugetlbfs.mount_path), "%s", bad[i]);
        cr_expect(eq(int, init(), 2), "%s", bad[i]);
        cr_expect(is_error("QS-CNF-009"), "%s", bad[i]);
    }
}

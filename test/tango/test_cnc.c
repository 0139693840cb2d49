/* Goal: a reader sees what the tile said, in bounds whatever the block holds; a tile sees what it
   was told.  Method: a tile's life told through the block, then hostile bytes, then rejections. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "tango/qs_cnc.h"

static qs_cnc_t block;
static qs_cmd_word_t word;
static qs_cnc_tx_t tile;
static qs_cnc_rx_t monitor;
static qs_cmd_tx_t supervisor;
static qs_cmd_rx_t told;

static void
formatted(void)
{
    memset(&block, 0xff, sizeof(block));
    memset(&word, 0xff, sizeof(word));
    cr_assert(eq(int, qs_cnc_new(&block), 0));
    cr_assert(eq(int, qs_cmd_new(&word), 0));
    cr_assert(eq(int, qs_cnc_tx_join(&tile, &block), 0));
    cr_assert(eq(int, qs_cnc_rx_join(&monitor, &block), 0));
    cr_assert(eq(int, qs_cmd_tx_join(&supervisor, &word), 0));
    cr_assert(eq(int, qs_cmd_rx_join(&told, &word), 0));
}

TestSuite(cnc, .init = formatted);

static void
shows(qs_cnc_state_t state, u32 reason, u32 pid, u32 restarts, u64 heartbeat_ns)
{
    qs_cnc_view_t view = qs_cnc_query(&monitor);
    cr_assert(eq(int, view.state, state));
    cr_assert(eq(u32, view.reason, reason));
    cr_assert(eq(u32, view.pid, pid));
    cr_assert(eq(u32, view.restarts, restarts));
    cr_assert(eq(u64, view.heartbeat_ns, heartbeat_ns));
}

Test(cnc, a_life_and_a_restart_are_seen_as_they_were_told)
{
    shows(QS_CNC_BOOT, 0, 0, 0, 0);
    qs_cnc_boot(&tile, 100);
    shows(QS_CNC_BOOT, 0, 100, 0, 0);
    qs_cnc_state_set(&tile, QS_CNC_INIT);
    shows(QS_CNC_INIT, 0, 100, 0, 0);
    qs_cnc_state_set(&tile, QS_CNC_RUN);
    qs_cnc_heartbeat(&tile, 1ull << 40);
    shows(QS_CNC_RUN, 0, 100, 0, 1ull << 40);
    qs_cnc_end(&tile, QS_CNC_FAILED, 17);
    shows(QS_CNC_FAILED, 17, 100, 0, 1ull << 40);

    qs_cnc_tx_t next; /* another process, which knows nothing but the memory */
    cr_assert(eq(int, qs_cnc_tx_join(&next, &block), 0));
    shows(QS_CNC_FAILED, 17, 100, 0, 1ull << 40);
    qs_cnc_boot(&next, 101);
    shows(QS_CNC_BOOT, 17, 101, 1, 0); /* why there is a second life */
    qs_cnc_boot(&next, 102);           /* killed before it could say anything */
    shows(QS_CNC_BOOT, 17, 102, 2, 0);
    qs_cnc_end(&next, QS_CNC_HALTED, 0);
    shows(QS_CNC_HALTED, 0, 102, 2, 0);
}

Test(cnc, commands_arrive_and_nonsense_means_halt)
{
    cr_assert(eq(int, qs_cmd_query(&told), QS_CMD_RUN));
    qs_cmd_set(&supervisor, QS_CMD_HALT);
    cr_assert(eq(int, qs_cmd_query(&told), QS_CMD_HALT));
    qs_cmd_set(&supervisor, QS_CMD_RUN);
    cr_assert(eq(int, qs_cmd_query(&told), QS_CMD_RUN));
    qs_cmd_set(&supervisor, QS_CMD_RENEW);
    cr_assert(eq(int, qs_cmd_query(&told), QS_CMD_RENEW));
    word.cmd = 0xdeadbeef;
    cr_assert(eq(int, qs_cmd_query(&told), QS_CMD_HALT));
}

Test(cnc, a_hostile_block_reads_as_unknown)
{
    static u32 const hostile[] = {QS_CNC_UNKNOWN, QS_CNC_UNKNOWN + 1, 0x80000000u, UINT32_MAX};
    for (u32 i = 0; i < QS_COUNT(hostile); i++) {
        memset(&block, 0xff, sizeof(block));
        block.state = hostile[i];
        cr_assert(eq(int, qs_cnc_query(&monitor).state, QS_CNC_UNKNOWN));
        cr_assert(eq(str, (char *)qs_cnc_state_name(hostile[i]), "?"));
    }
}

Test(cnc, every_state_has_its_name)
{
    static char const *const want[] = {"boot", "init", "run", "halted", "failed", "?", "?"};
    for (u32 i = 0; i < QS_COUNT(want); i++)
        cr_assert(eq(str, (char *)qs_cnc_state_name(i), (char *)want[i]));
}

Test(cnc, the_writers_do_not_share_cache_line_pairs)
{
    cr_assert(eq(u64, qs_cnc_footprint(), QS_ALIGN));
    cr_assert(eq(u64, qs_cmd_footprint(), QS_ALIGN));
}

/* What each of the six calls says of memory that is null, misaligned, foreign, the other object,
   its own. */
enum mem { NONE, ODD, FOREIGN, A_CNC, A_CMD };

struct rejection {
    enum mem mem;
    int new_err;
    int cnc_err;
    int cmd_err;
};

ParameterizedTestParameters(cnc, new_and_join_reject)
{
    static struct rejection row[] = {
        {.mem = NONE, .new_err = -EFAULT, .cnc_err = -EFAULT, .cmd_err = -EFAULT},
        {.mem = ODD, .new_err = -EFAULT, .cnc_err = -EFAULT, .cmd_err = -EFAULT},
        {.mem = FOREIGN, .new_err = 0, .cnc_err = -EPROTO, .cmd_err = -EPROTO},
        {.mem = A_CNC, .new_err = 0, .cnc_err = 0, .cmd_err = -EPROTO},
        {.mem = A_CMD, .new_err = 0, .cnc_err = -EPROTO, .cmd_err = 0},
    };
    return cr_make_param_array(struct rejection, row, QS_COUNT(row));
}

ParameterizedTest(struct rejection *row, cnc, new_and_join_reject)
{
    static alignas(QS_ALIGN) u8 foreign[2 * QS_ALIGN];
    void *at[] = {[NONE] = NULL,
                  [ODD] = foreign + 64,
                  [FOREIGN] = foreign,
                  [A_CNC] = &block,
                  [A_CMD] = &word};
    void *mem = at[row->mem];
    cr_assert(eq(int, qs_cnc_tx_join(&tile, mem), row->cnc_err));
    cr_assert(eq(int, qs_cnc_rx_join(&monitor, mem), row->cnc_err));
    cr_assert(eq(int, qs_cmd_tx_join(&supervisor, mem), row->cmd_err));
    cr_assert(eq(int, qs_cmd_rx_join(&told, mem), row->cmd_err));
    cr_assert(eq(int, qs_cnc_new(mem), row->new_err));
    cr_assert(eq(int, qs_cmd_new(mem), row->new_err));
}

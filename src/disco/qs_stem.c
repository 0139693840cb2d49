#include "disco/qs_stem.h"

#include <poll.h>
#include <unistd.h>

/* needed returns the first fragment of in that a restart would have to read again. */
static u64
needed(qs_stem_in_t const *in)
{
    if (in->held)
        return in->hold_seq;
    return in->done < in->cnt ? in->frag[in->done].seq : in->rx.seq;
}

static void
count_lost(qs_stem_in_t *in)
{
    qs_metric_set(&in->metrics->lost, in->lost_before + in->rx.lost);
}

/* write_fseq counts first: killed in between, we count a loss twice rather than never. */
static void
write_fseq(qs_stem_t *s, qs_stem_in_t *in, u64 seq)
{
    if (seq == in->fseq_written)
        return;
    count_lost(in);
    in->fseq_written = seq;
    qs_fseq_update(in->fseq, seq);
    in->fseq_moved = in->ring;
    s->ring |= in->ring;
}

static void
write_fseqs(qs_stem_t *s)
{
    for (u32 i = 0; i < s->in_cnt; i++)
        write_fseq(s, &s->in[i], needed(&s->in[i]));
}

/* qs_stem_turn_ begins a turn: the clock is read once, and the time since the last turn goes to
   what that turn turned out to be. */
void
qs_stem_turn_(qs_stem_t *s)
{
    u64 now = qs_clock_now(&s->clock);
    u64 took = now - s->last_turn;

    if (s->busy)
        qs_metric_add(&s->metrics->processing_ns, took);
    else if (s->blocked)
        qs_metric_add(&s->metrics->backpressured_ns, took);
    else
        qs_metric_add(&s->metrics->caught_up_ns, took);
    s->now = now;
    s->last_turn = now;
    s->busy = false;
    if (now >= s->wake_at)
        s->wake_at = UINT64_MAX;
    if (s->blocked) {
        s->blocked = false;
        for (u32 i = 0; i < s->out_cnt; i++)
            s->out[i].blocked = false;
    }
}

/* qs_stem_refill_ gets credits for one more batch on out, and announces it. */
bool
qs_stem_refill_(qs_stem_t *s, qs_stem_out_t *out)
{
    if (!out->limited)
        out->quota = QS_BATCH;
    else if (!out->quota)
        out->quota = qs_fctl_query(&out->fctl, out->tx.seq, s->now);
    if (!out->quota) {
        qs_metric_inc(&out->metrics->no_credit);
        out->blocked = true;
        s->blocked = true;
        return false;
    }
    u64 cnt = qs_min_u64(out->quota, qs_min_u64(QS_BATCH, out->tx.window / 2));
    qs_mcache_reserve(&out->tx, cnt);
    out->credits = (u32)cnt;
    out->quota -= cnt;
    return true;
}

/* qs_stem_arrived_ counts a batch that was fetched.  The clock is read again: publish stamps of
   other tiles may be younger than the start of this turn. */
void
qs_stem_arrived_(qs_stem_t *s, qs_stem_in_t *in, u32 filtered, u32 bad)
{
    qs_in_metrics_t *m = in->metrics;
    u64 bytes = 0;

    s->now = qs_clock_now(&s->clock);
    for (u32 i = in->done; i < in->cnt; i++)
        bytes += in->frag[i].sz;
    if (in->done < in->cnt) {
        i64 latency = qs_ts_diff(qs_ts_comp(s->now), in->frag[in->done].ts_publish);
        qs_hist_add(in->latency, latency > 0 ? (u64)latency : 0);
        qs_metric_add(&m->frag, in->cnt - in->done);
        qs_metric_add(&m->bytes, bytes);
    }
    qs_metric_inc(&m->batch);
    if (filtered)
        qs_metric_add(&m->filtered, __builtin_popcount(filtered));
    if (bad)
        qs_metric_add(&m->bad, __builtin_popcount(bad));
    if (in->lossy)
        count_lost(in);
}

/* qs_stem_done_ ends a batch that the tile has dealt with.  The fseq moves in steps of an eighth
   of the window: often enough for the producer, too rarely to make its line bounce. */
void
qs_stem_done_(qs_stem_t *s, qs_stem_in_t *in)
{
    if (!in->lossy)
        qs_mcache_advance(&in->rx, in->peeked);
    in->peeked = 0;
    in->done = in->cnt = 0;
    s->busy = true;
    u64 seq = needed(in);
    if (seq - in->fseq_written >= in->rx.window / 8)
        write_fseq(s, in, seq);
}

/* qs_stem_ring_ wakes whoever sleeps on what this turn published or consumed. */
void
qs_stem_ring_(qs_stem_t *s)
{
    qs_bell_fence();
    for (u32 i = 0; i < s->out_cnt; i++) {
        qs_stem_out_t *out = &s->out[i];
        if (!out->dirty)
            continue;
        out->dirty = false;
        for (u32 k = 0; k < out->peer_cnt; k++)
            if (qs_bell_ring(out->peer[k].bell, QS_BELL_IDLE, out->peer[k].eventfd))
                qs_metric_inc(&s->metrics->wake);
    }
    for (u32 i = 0; i < s->in_cnt; i++) {
        qs_stem_in_t *in = &s->in[i];
        if (!in->fseq_moved)
            continue;
        in->fseq_moved = false;
        if (qs_bell_ring(in->producer.bell, QS_BELL_CREDIT, in->producer.eventfd))
            qs_metric_inc(&s->metrics->wake);
    }
    s->ring = false;
}

/* qs_stem_chore_ does one of the housekeeping events, a different one each time, so that no turn
   pays for all.  Returns true when a round is through, which is when the tile tidies. */
bool
qs_stem_chore_(qs_stem_t *s)
{
    u32 chores = 1 + s->in_cnt + s->out_cnt;
    u32 chore = s->chore++;

    if (chore == 0) {
        qs_cnc_heartbeat(&s->cnc, s->now);
        qs_cmd_t cmd = qs_cmd_query(&s->cmd);
        if (cmd != QS_CMD_RUN)
            qs_stem_exit(s, cmd == QS_CMD_RENEW ? QS_EXIT_RENEW : QS_EXIT_HALT);
        if (s->in_cnt)
            s->first_in = (s->first_in + 1) % s->in_cnt;
    } else if (chore <= s->in_cnt) {
        qs_stem_in_t *in = &s->in[chore - 1];
        write_fseq(s, in, needed(in));
        count_lost(in);
    } else {
        qs_stem_out_t *out = &s->out[chore - 1 - s->in_cnt];
        qs_mcache_sync(&out->tx);
        qs_metric_set(&out->metrics->cut, out->cut_before + out->fctl.cut_total);
    }
    if (s->chore >= chores)
        s->chore = 0;
    return s->chore == 0;
}

/* anything_new is the sleeper's second look (B3): what a neighbour may have done just before it
   looked at our bell.  An input whose batch waits for credit has nothing new to offer. */
static bool
anything_new(qs_stem_t *s)
{
    for (u32 i = 0; i < s->in_cnt; i++)
        if (!s->in[i].peeked && qs_mcache_ready(&s->in[i].rx))
            return true;
    for (u32 i = 0; i < s->out_cnt; i++) {
        qs_stem_out_t *out = &s->out[i];
        if (out->blocked && qs_fctl_query(&out->fctl, out->tx.seq, s->now))
            return true;
    }
    return qs_cmd_query(&s->cmd) != QS_CMD_RUN;
}

static void
wait_for_files(qs_stem_t *s, u32 wait_cnt, u64 timeout_ns)
{
    struct pollfd fd[QS_TILE_FD_MAX + 1];
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                               .tv_nsec = (long)(timeout_ns % 1000000000u)};

    for (u32 i = 0; i < wait_cnt; i++)
        fd[i] = (struct pollfd){.fd = s->wait_fd[i], .events = POLLIN};
    fd[wait_cnt] = (struct pollfd){.fd = s->eventfd, .events = POLLIN};
    ppoll(fd, wait_cnt + 1, &timeout, NULL);
    qs_bell_unpark(s->bell);
    for (u32 i = 0; i < wait_cnt && i < 64; i++)
        s->readable |= fd[i].revents ? 1ull << i : 0;
    if (fd[wait_cnt].revents & POLLIN) {
        u64 rings;
        ssize_t got = read(s->eventfd, &rings, sizeof(rings));
        (void)got;
    }
}

static void
park(qs_stem_t *s)
{
    u32 why = QS_BELL_IDLE | (s->blocked ? QS_BELL_CREDIT : 0);
    u64 deadline = qs_min_u64(s->wake_at, s->now + QS_STEM_HEARTBEAT_NS);

    if (s->blocked)
        deadline = qs_min_u64(deadline, s->now + QS_PATIENCE_NS);
    qs_bell_park(s->bell, why);
    u64 now = qs_clock_now(&s->clock);
    if (anything_new(s) || now >= deadline) {
        qs_bell_unpark(s->bell);
        return;
    }
    qs_metric_inc(&s->metrics->park);
    if (s->eventfd >= 0 && s->deaf_until > now)
        wait_for_files(s, 0, qs_min_u64(deadline, s->deaf_until) - now);
    else if (s->eventfd >= 0)
        wait_for_files(s, s->wait_cnt, deadline - now);
    else
        qs_bell_wait(s->bell, why, deadline - now);
    s->deaf_until = 0;
}

/* qs_stem_idle_: a turn did nothing.  Nobody may wait for us while we do that. */
void
qs_stem_idle_(qs_stem_t *s)
{
    write_fseqs(s);
    if (s->ring)
        qs_stem_ring_(s);
    if (!s->park) {
        qs_pause();
        return;
    }
    qs_cnc_heartbeat(&s->cnc, s->now);
    park(s);
}

void
qs_stem_leave(qs_stem_t *s)
{
    write_fseqs(s);
    for (u32 i = 0; i < s->out_cnt; i++)
        qs_mcache_sync(&s->out[i].tx);
    qs_stem_ring_(s);
}

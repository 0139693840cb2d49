#include "disco/netlink/qs_netlink_sync.h"

/* Rules first, because they are counted; then each before what refers to it. */
static qs_rtmsg_kind_t const order[] = {QS_RTMSG_RULE, QS_RTMSG_LINK, QS_RTMSG_ADDR, QS_RTMSG_ROUTE,
                                        QS_RTMSG_NEIGH};

void
qs_netlink_sync_init(qs_netlink_sync_t *s, qs_fib_tx_t *tx, qs_sync_counts_t *counts, u32 seq,
                     u64 now_ns)
{
    *s = (qs_netlink_sync_t){.tx = tx, .counts = counts, .seq = seq, .due_ns = now_ns};
}

/* want_picture makes one due soon, but not sooner after the last than that took twice over. */
static void
want_picture(qs_netlink_sync_t *s, u64 now_ns)
{
    u64 gap = qs_max_u64(QS_SYNC_GAP_NS, 2 * s->took_ns);
    u64 soon = qs_max_u64(now_ns + QS_SYNC_SOON_NS, s->ended_ns + gap);

    s->due_ns = qs_min_u64(s->due_ns, soon);
}

static void
begin_step(qs_netlink_sync_t *s, u32 step, u64 now_ns)
{
    s->step = step;
    s->asked = false;
    s->ask_ns = now_ns;
}

u32
qs_netlink_sync_request(qs_netlink_sync_t *s, u8 *buf, u64 now_ns)
{
    if (!s->dumping) {
        if (now_ns < s->due_ns)
            return 0;
        s->dumping = true;
        s->failed = false;
        s->due_ns = UINT64_MAX; /* a reason that comes up from here on is another one */
        s->begun_ns = now_ns;
        qs_fib_sync_begin(s->tx);
        begin_step(s, 0, now_ns);
    }
    if (now_ns < s->ask_ns)
        return 0;
    if (s->asked) { /* no answer: what we have of it may be half */
        s->failed = true;
        s->counts->again++;
    }
    s->asked = true;
    s->ask_ns = now_ns + QS_SYNC_TIMEOUT_NS;
    return qs_rtmsg_dump_request(buf, order[s->step], ++s->seq);
}

void
qs_netlink_sync_refused(qs_netlink_sync_t *s, u64 now_ns)
{
    s->asked = false;
    s->ask_ns = now_ns + QS_SYNC_BUSY_NS;
}

/* end_step goes on with the next table, or ends the picture. */
static void
end_step(qs_netlink_sync_t *s, u64 now_ns)
{
    if (s->step + 1 < QS_COUNT(order)) {
        begin_step(s, s->step + 1, now_ns);
        return;
    }
    s->dumping = s->asked = false;
    s->ended_ns = now_ns;
    s->took_ns = now_ns - s->begun_ns;
    if (s->failed) {
        s->counts->again++;
        want_picture(s, now_ns);
        return;
    }
    qs_fib_sync_end(s->tx);
    s->counts->picture++;
}

/* is_answer says whether a message belongs to the dump that is going on. */
static bool
is_answer(qs_netlink_sync_t const *s, qs_rtmsg_t const *m)
{
    return s->dumping && s->asked && m->seq == s->seq;
}

/* take_end deals with the kernel's last word on a request. */
static void
take_end(qs_netlink_sync_t *s, qs_rtmsg_t const *m, u64 now_ns)
{
    if (!is_answer(s, m))
        return;
    if (m->error == -EBUSY) { /* it has not finished an older dump */
        qs_netlink_sync_refused(s, now_ns);
        return;
    }
    /* A kernel without policy routing has no rules to tell of. */
    bool none = order[s->step] == QS_RTMSG_RULE && m->error == -EOPNOTSUPP;
    if ((m->error && !none) || m->flags & QS_RTMSG_INTR)
        s->failed = true;
    end_step(s, now_ns);
}

/* may_hide says whether after this news the kernel's tables may differ in what it does not tell:
   with a link or an address it drops routes silently; rules are only counted in pictures. */
static bool
may_hide(qs_rtmsg_t const *m)
{
    return m->kind == QS_RTMSG_LINK || m->kind == QS_RTMSG_ADDR || m->kind == QS_RTMSG_RULE;
}

static void
take_object(qs_netlink_sync_t *s, qs_rtmsg_t const *m, u64 now_ns)
{
    bool listed = m->flags & QS_RTMSG_MULTI;

    if (listed && !is_answer(s, m))
        return; /* of a dump that was given up: it may be older than the news */
    if (listed) {
        s->ask_ns = now_ns + QS_SYNC_TIMEOUT_NS;
        s->failed |= (m->flags & QS_RTMSG_INTR) != 0;
    }
    int err = qs_fib_apply(s->tx, m);
    s->counts->message[m->kind]++;
    if (err == -ENOSPC)
        s->counts->no_room++;
    if (err == -EAGAIN || (!listed && may_hide(m)))
        want_picture(s, now_ns);
}

void
qs_netlink_sync_read(qs_netlink_sync_t *s, void const *data, u64 sz, u64 now_ns)
{
    qs_rtmsg_iter_t iter = qs_rtmsg_iter(data, sz);
    qs_rtmsg_verdict_t verdict;
    qs_rtmsg_t m;

    while ((verdict = qs_rtmsg_next(&iter, &m)) != QS_RTMSG_END) {
        switch (verdict) {
        case QS_RTMSG_OK:
            take_object(s, &m, now_ns);
            break;
        case QS_RTMSG_DONE:
        case QS_RTMSG_ERROR:
            take_end(s, &m, now_ns);
            break;
        case QS_RTMSG_OVERRUN:
            qs_netlink_sync_lost(s, now_ns);
            break;
        case QS_RTMSG_OTHER:
            if (m.flags & QS_RTMSG_INTR && is_answer(s, &m))
                s->failed = true;
            s->counts->other++;
            break;
        default:
            s->counts->bad++;
            break;
        }
    }
    qs_fib_settle(s->tx);
}

void
qs_netlink_sync_lost(qs_netlink_sync_t *s, u64 now_ns)
{
    s->counts->overrun++;
    s->failed = s->dumping; /* what was lost may have been part of it */
    s->due_ns = qs_min_u64(s->due_ns, now_ns);
}

u64
qs_netlink_sync_wake(qs_netlink_sync_t const *s)
{
    return s->dumping ? s->ask_ns : s->due_ns;
}

#include "tango/qs_bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The futex is not private: sleeper and ringer are different processes. */
static long
futex(u32 *word, int op, u32 val, struct timespec const *timeout)
{
    return syscall(SYS_futex, word, op, val, timeout, NULL, 0);
}

void
qs_bell_wait(qs_bell_t *bell, u32 why, u64 timeout_ns)
{
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                               .tv_nsec = (long)(timeout_ns % 1000000000u)};

    futex(&bell->word, FUTEX_WAIT, why, &timeout); /* B4 */
    qs_bell_unpark(bell);
}

bool
qs_bell_wake_(qs_bell_t *bell, int eventfd)
{
    if (!qs_exchange(&bell->word, 0)) /* R4 */
        return false;
    if (eventfd < 0) {
        futex(&bell->word, FUTEX_WAKE, 1, NULL);
        return true;
    }
    u64 one = 1;
    ssize_t written = write(eventfd, &one, sizeof(one)); /* full: it is readable already */
    (void)written;
    return true;
}

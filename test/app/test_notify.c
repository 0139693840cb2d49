/* Goal: the manager hears what it asked for, by whatever kind of socket, and nobody who was not asked
   speaks; the variables do not reach children.  Method: a manager that is a socket here. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/qs_notify.h"

static int manager = -1;
static char said[1024];

/* manage listens at path, where @ stands for 0, and names it in the environment. */
static void
manage(char const *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    memcpy(at.sun_path, path, strlen(path));
    if (path[0] == '@')
        at.sun_path[0] = 0;
    else
        unlink(path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t sz = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    cr_assert(zero(int, bind(manager, (struct sockaddr *)&at, sz)));
    setenv("NOTIFY_SOCKET", path, 1);
}

static char *
heard(void)
{
    ssize_t sz = recv(manager, said, sizeof(said) - 1, 0);
    said[sz > 0 ? sz : 0] = 0;
    return said;
}

Test(notify, what_is_said_is_heard_at_a_path_and_at_a_name)
{
    char file[64], name[64];
    snprintf(file, sizeof(file), "/tmp/notify-%d", getpid());
    snprintf(name, sizeof(name), "@notify-%d", getpid());
    char const *const path[] = {file, name};

    for (u32 i = 0; i < QS_COUNT(path); i++) {
        qs_notify_t n;
        manage(path[i]);
        cr_assert(zero(int, qs_notify_open(&n)), "%s", path[i]);
        qs_notify_send(&n, "STATUS=%u of %u", 3, 4);
        cr_expect(eq(str, heard(), "STATUS=3 of 4"));
        cr_expect(eq(ptr, getenv("NOTIFY_SOCKET"), NULL), "children would speak for us");
        qs_notify_close(&n);
        qs_notify_send(&n, "late");
        cr_expect(eq(str, heard(), ""));
        close(manager);
    }
    unlink(file);
}

Test(notify, the_watchdog_is_fed_by_whom_it_was_set_for)
{
    char me[16];
    snprintf(me, sizeof(me), "%d", getpid());
    struct {
        char const *usec, *pid;
        u64 ns;
    } const row[] = {
        {NULL, NULL, 0},     {"2000000", NULL, 2000000000u},    {"2000000", me, 2000000000u},
        {"2000000", "1", 0}, {"18446744073709551615", NULL, 0}, {"soon", NULL, 0},
    };

    for (u32 i = 0; i < QS_COUNT(row); i++) {
        qs_notify_t n;
        manage("@notify-watchdog");
        if (row[i].usec)
            setenv("WATCHDOG_USEC", row[i].usec, 1);
        if (row[i].pid)
            setenv("WATCHDOG_PID", row[i].pid, 1);
        cr_assert(zero(int, qs_notify_open(&n)));
        cr_expect(eq(u64, n.watchdog_ns, row[i].ns), "row %u", i);
        cr_expect(eq(ptr, getenv("WATCHDOG_USEC"), NULL));
        cr_expect(eq(ptr, getenv("WATCHDOG_PID"), NULL));
        qs_notify_close(&n);
        close(manager);
    }
}

Test(notify, without_a_manager_nothing_happens_and_one_that_cannot_be_is_told)
{
    char longest[200];
    qs_notify_t n;

    unsetenv("NOTIFY_SOCKET");
    cr_assert(zero(int, qs_notify_open(&n)));
    qs_notify_send(&n, "READY=1");
    cr_expect(eq(int, n.fd, -1));

    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    longest[sizeof(longest) - 1] = 0;
    struct {
        char const *path;
        int err;
    } const row[] = {{"relative", -EINVAL}, {longest, -EINVAL}, {"/nobody/is/here", -ENOENT}};
    for (u32 i = 0; i < QS_COUNT(row); i++) {
        setenv("NOTIFY_SOCKET", row[i].path, 1);
        cr_expect(eq(int, qs_notify_open(&n), row[i].err), "%s", row[i].path);
        cr_expect(eq(int, n.fd, -1));
    }
}

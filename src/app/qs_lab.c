#include "app/qs_lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "waltz/ip/qs_rtnl.h"

#define SPACE_MAX     (QS_LAB_NODE_MAX + 1) /* the nodes, and the switch */
#define PREFIX        24u
#define NODE_IFNAME   "qs0"
#define SWITCH_IFNAME "switch"
#define CARRIER_MS    5000u /* far above the few ms it takes, so that only a fault ends it */

/* What the building child tells its parent, along with the descriptors. */
typedef struct report {
    int err;
    char why[QS_LAB_WHY_MAX];
} report_t;

/* site_t is the building child's work: space i is node i, the last may be the switch. */
typedef struct site {
    u32 node_cnt;
    u32 space_cnt;
    u32 queue_cnt;
    bool user;
    int fd[SPACE_MAX + 1]; /* the spaces, then the user namespace if there is one */
    qs_rtnl_t nl[SPACE_MAX];
    report_t report;
} site_t;

static bool
has_switch(u32 node_cnt)
{
    return node_cnt != 2;
}

static int __attribute__((format(printf, 3, 4))) fail(site_t *site, int err, char const *what, ...)
{
    va_list args;
    char step[QS_LAB_WHY_MAX / 2];
    va_start(args, what);
    vsnprintf(step, sizeof(step), what, args);
    va_end(args);
    site->report.err = err;
    snprintf(site->report.why, sizeof(site->report.why), "%s: %s", step, strerror(-err));
    return err;
}

/* refuse is fail with what the kernel said to the last request of space i. */
static int
refuse(site_t *site, u32 i, int err, char const *what)
{
    char const *words = site->nl[i].why;
    return fail(site, err, "%s in space %u%s%s", what, i, words[0] ? ", kernel: " : "", words);
}

static int
write_file(char const *path, char const *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t len = (ssize_t)strlen(text);
    ssize_t put = write(fd, text, (size_t)len);
    int err = put == len ? 0 : put < 0 ? -errno : -EIO;
    close(fd);
    return err;
}

static int
make_user(site_t *site)
{
    char uid_map[32];
    char gid_map[32];
    snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());

    if (unshare(CLONE_NEWUSER))
        return fail(site, -errno, "new user namespace");
    /* Without this the kernel refuses a gid map from the unprivileged. */
    int err = write_file("/proc/self/setgroups", "deny");
    if (err)
        return fail(site, err, "/proc/self/setgroups");
    err = write_file("/proc/self/uid_map", uid_map);
    if (err)
        return fail(site, err, "/proc/self/uid_map");
    err = write_file("/proc/self/gid_map", gid_map);
    if (err)
        return fail(site, err, "/proc/self/gid_map");
    int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(site, -errno, "/proc/self/ns/user");
    site->fd[site->space_cnt] = fd;
    return 0;
}

static int
make_space(site_t *site, u32 i)
{
    if (unshare(CLONE_NEWNET)) {
        int err = -errno;
        return fail(site, err, "new network namespace%s",
                    err == -EPERM ? " (needs root or CAP_SYS_ADMIN)" : "");
    }
    site->fd[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (site->fd[i] < 0)
        return fail(site, -errno, "/proc/self/ns/net");
    int err = qs_rtnl_open(&site->nl[i]);
    if (err)
        return fail(site, err, "netlink socket in space %u", i);

    /* Without IPv6 the links carry, and their counters show, nothing that we did not send.
       A read-only /proc/sys costs only that. */
    write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    return 0;
}

static int
raise_link(site_t *site, u32 i, char const *name)
{
    qs_rtnl_link_t link;
    int err = qs_rtnl_link_query(&site->nl[i], name, &link);
    if (!err)
        err = qs_rtnl_link_up(&site->nl[i], link.ifindex);
    return err ? refuse(site, i, err, "link up") : 0;
}

typedef struct mac {
    u8 b[QS_RTNL_MAC_SZ];
} mac_t;

static mac_t
mac_of(u32 i)
{
    return (mac_t){{0x02, 'q', 's', 0, 0, (u8)(1 + i)}};
}

static u32
addr_of(u32 i)
{
    return htonl(0x0a4d0001u + i);
}

/* dress_node gives the interface of node i its MAC and address, and raises it and lo. */
static int
dress_node(site_t *site, u32 i)
{
    qs_rtnl_t *nl = &site->nl[i];
    mac_t mac = mac_of(i);
    qs_rtnl_link_t link;

    int err = qs_rtnl_link_query(nl, NODE_IFNAME, &link);
    if (err)
        return refuse(site, i, err, "query");
    err = qs_rtnl_link_mac(nl, link.ifindex, mac.b);
    if (err)
        return refuse(site, i, err, "MAC");
    err = qs_rtnl_addr_add(nl, link.ifindex, addr_of(i), PREFIX);
    if (err)
        return refuse(site, i, err, "address");
    err = raise_link(site, i, NODE_IFNAME);
    return err ? err : raise_link(site, i, "lo");
}

static int
wire_pair(site_t *site)
{
    int err = qs_rtnl_veth_create_queues(&site->nl[0], NODE_IFNAME, NODE_IFNAME, site->fd[1],
                                         site->queue_cnt);
    return err ? refuse(site, 0, err, "veth pair") : 0;
}

static int
wire_switch(site_t *site)
{
    u32 hub = site->node_cnt; /* the last space */
    qs_rtnl_t *nl = &site->nl[hub];
    qs_rtnl_link_t bridge;

    int err = qs_rtnl_bridge_create(nl, SWITCH_IFNAME);
    if (!err)
        err = qs_rtnl_link_query(nl, SWITCH_IFNAME, &bridge);
    if (err)
        return refuse(site, hub, err, "bridge");
    for (u32 i = 0; i < site->node_cnt; i++) {
        char port[IFNAMSIZ];
        qs_rtnl_link_t link;
        snprintf(port, sizeof(port), "port%u", i);
        err = qs_rtnl_veth_create_queues(nl, port, NODE_IFNAME, site->fd[i], site->queue_cnt);
        if (!err)
            err = qs_rtnl_link_query(nl, port, &link);
        if (!err)
            err = qs_rtnl_link_master(nl, link.ifindex, bridge.ifindex);
        if (!err)
            err = qs_rtnl_link_up(nl, link.ifindex);
        if (err)
            return refuse(site, hub, err, port);
    }
    return raise_link(site, hub, SWITCH_IFNAME);
}

/* A veth drops what is sent before the kernel's worker has noticed the carrier, so the lab is
   not handed out before it has. */
static int
await_carrier(site_t *site, u32 i, char const *name)
{
    for (u32 ms = 0; ms < CARRIER_MS; ms++) {
        qs_rtnl_link_t link;
        int err = qs_rtnl_link_query(&site->nl[i], name, &link);
        if (err)
            return refuse(site, i, err, "query");
        if (link.flags & IFF_RUNNING)
            return 0;
        usleep(1000);
    }
    return fail(site, -ETIMEDOUT, "no carrier on %s in space %u", name, i);
}

/* introduce tells node i who the others are: what is sent in the first moments is not lost while they
   are asked for. */
static int
introduce(site_t *site, u32 i)
{
    qs_rtnl_link_t link;
    int err = qs_rtnl_link_query(&site->nl[i], NODE_IFNAME, &link);

    for (u32 k = 0; k < site->node_cnt && !err; k++)
        if (k != i)
            err = qs_rtnl_neigh_add(&site->nl[i], link.ifindex, addr_of(k), mac_of(k).b);
    return err ? refuse(site, i, err, "neighbour") : 0;
}

static int
build(site_t *site)
{
    int err = site->user ? make_user(site) : 0;
    for (u32 i = 0; i < site->space_cnt && !err; i++)
        err = make_space(site, i);
    if (!err)
        err = has_switch(site->node_cnt) ? wire_switch(site) : wire_pair(site);
    for (u32 i = 0; i < site->node_cnt && !err; i++)
        err = dress_node(site, i);
    for (u32 i = 0; i < site->node_cnt && !err; i++) {
        char port[IFNAMSIZ];
        snprintf(port, sizeof(port), "port%u", i);
        err = await_carrier(site, i, NODE_IFNAME);
        if (!err && has_switch(site->node_cnt))
            err = await_carrier(site, site->node_cnt, port);
    }
    for (u32 i = 0; i < site->node_cnt && !err; i++)
        err = introduce(site, i);
    return err;
}

typedef union fd_control {
    struct cmsghdr head;
    u8 space[CMSG_SPACE(sizeof(int) * (SPACE_MAX + 1))];
} fd_control_t;

static void
send_report(int sock, site_t *site, u32 fd_cnt)
{
    fd_control_t control;
    memset(&control, 0, sizeof(control));
    struct iovec iov = {.iov_base = &site->report, .iov_len = sizeof(site->report)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_cnt) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_cnt);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_cnt);
        memcpy(CMSG_DATA(c), site->fd, sizeof(int) * fd_cnt);
    }
    sendmsg(sock, &msg, MSG_NOSIGNAL); /* a parent that is gone needs no report */
}

static _Noreturn void
run_builder(int sock, pid_t parent, u32 nodes, u32 queues, bool user)
{
    site_t site = {.node_cnt = nodes,
                   .space_cnt = nodes + has_switch(nodes),
                   .queue_cnt = queues,
                   .user = user};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        int err = build(&site);
        send_report(sock, &site, err ? 0 : site.space_cnt + user);
    }
    _exit(0);
}

/* receive_report returns how many descriptors came with the report, or -errno. */
static int
receive_report(int sock, report_t *report, int *fd)
{
    fd_control_t control;
    struct iovec iov = {.iov_base = report, .iov_len = sizeof(*report)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t got;
    do
        got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;

    u64 cnt = 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        cnt = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fd, CMSG_DATA(c), cnt * sizeof(int));
    }
    if (got == sizeof(*report))
        return (int)cnt;
    for (u64 i = 0; i < cnt; i++)
        close(fd[i]);
    return -EPIPE; /* the child died on its way */
}

/* build_in_child has a lab built of which only descriptors come back, in the order of site_t. */
static int
build_in_child(qs_lab_t *lab, bool user, report_t *report)
{
    int pair[2];
    int fd[SPACE_MAX + 1];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -errno;
    pid_t child = fork();
    if (!child)
        run_builder(pair[1], parent, lab->node_cnt, lab->queue_cnt, user);
    int err = child < 0 ? -errno : 0;
    close(pair[1]);
    int cnt = err ? err : receive_report(pair[0], report, fd);
    close(pair[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (cnt < 0 || report->err)
        return cnt < 0 ? cnt : report->err;

    u32 space_cnt = lab->node_cnt + has_switch(lab->node_cnt);
    if ((u32)cnt != space_cnt + user) { /* the caller's limit of open files was reached */
        for (int i = 0; i < cnt; i++)
            close(fd[i]);
        return -EMFILE;
    }
    memcpy(lab->node_fd, fd, lab->node_cnt * sizeof(int));
    lab->switch_fd = has_switch(lab->node_cnt) ? fd[lab->node_cnt] : -1;
    lab->user_fd = user ? fd[space_cnt] : -1;
    return 0;
}

/* A lo that is down lets a socket bind, but knows no route. */
static int
try_loopback(qs_lab_t const *lab)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9)};
    at.sin_addr.s_addr = qs_lab_addr(lab, lab->node_cnt - 1);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = connect(fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
    close(fd);
    return err;
}

int
qs_lab_open(qs_lab_t *lab, u32 nodes, qs_lab_level_t want)
{
    return qs_lab_open_queues(lab, nodes, want, 1);
}

int
qs_lab_open_queues(qs_lab_t *lab, u32 nodes, qs_lab_level_t want, u32 queues)
{
    *lab = (qs_lab_t){.node_cnt = nodes,
                      .queue_cnt = queues,
                      .level = QS_LAB_LOOPBACK,
                      .switch_fd = -1,
                      .user_fd = -1};
    for (u32 i = 0; i < QS_LAB_NODE_MAX; i++)
        lab->node_fd[i] = -1;
    if (!nodes || nodes > QS_LAB_NODE_MAX || (u32)want >= QS_LAB_LEVEL_CNT || !queues ||
        queues > 64)
        return -EINVAL;

    int err = 0;
    for (u32 level = (u32)want; level < QS_LAB_LEVEL_CNT; level++) {
        report_t report = {0};
        lab->level = (qs_lab_level_t)level;
        err = level == QS_LAB_LOOPBACK ? try_loopback(lab)
                                       : build_in_child(lab, level == QS_LAB_USER, &report);
        if (!err)
            return 0;
        snprintf(lab->why[level], QS_LAB_WHY_MAX, "%s", report.err ? report.why : strerror(-err));
    }
    return err;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
qs_lab_close(qs_lab_t *lab)
{
    for (u32 i = 0; i < QS_LAB_NODE_MAX; i++)
        close_fd(&lab->node_fd[i]);
    close_fd(&lab->switch_fd);
    close_fd(&lab->user_fd);
}

/* is_here tells whether fd is the namespace that the file at path stands for.  setns into the
   own user namespace is an error, and into the own network namespace needs privileges. */
static bool
is_here(int fd, char const *path)
{
    struct stat there;
    struct stat here;
    return !fstat(fd, &there) && !stat(path, &here) && there.st_ino == here.st_ino &&
           there.st_dev == here.st_dev;
}

static int
enter_user(int fd)
{
    if (is_here(fd, "/proc/thread-self/ns/user"))
        return 0;
    return setns(fd, CLONE_NEWUSER) ? -errno : 0;
}

static int
enter_net(int fd)
{
    if (is_here(fd, "/proc/thread-self/ns/net"))
        return 0;
    return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int
qs_lab_enter(qs_lab_t const *lab, u32 node)
{
    if (node >= lab->node_cnt)
        return -EINVAL;
    if (lab->level == QS_LAB_LOOPBACK)
        return 0;
    int err = lab->user_fd >= 0 ? enter_user(lab->user_fd) : 0;
    return err ? err : enter_net(lab->node_fd[node]);
}

u32
qs_lab_addr(qs_lab_t const *lab, u32 node)
{
    QS_ASSERT(node < lab->node_cnt);
    return htonl((lab->level == QS_LAB_LOOPBACK ? 0x7f4d0001u : 0x0a4d0001u) + node);
}

char const *
qs_lab_ifname(qs_lab_t const *lab)
{
    return lab->level == QS_LAB_LOOPBACK ? "lo" : NODE_IFNAME;
}

char const *
qs_lab_level_name(qs_lab_level_t level)
{
    static char const *const name[QS_LAB_LEVEL_CNT] = {"root", "user", "loopback"};
    return (u32)level < QS_LAB_LEVEL_CNT ? name[level] : "?";
}

static int
complain(int pid, int err, char const *what)
{
    char const *next = err == -ESRCH || err == -ENOENT ? "is the lab still running?"
                       : err == -EPERM || err == -EACCES
                           ? "run it as root, or as the user who started the lab"
                           : "nothing was started";
    fprintf(stderr, "quickstep dev exec: %s of process %d: %s; %s\n", what, pid, strerror(-err),
            next);
    return err == -ENOENT ? -ESRCH : err;
}

int
qs_lab_exec(int pid, char **argv)
{
    char path[64];
    if (!argv || !argv[0]) {
        fprintf(stderr, "quickstep dev exec: no command; give one after the node's number\n");
        return -EINVAL;
    }
    /* Both are opened before the first is entered: from inside, /proc may say no. */
    snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
    int user_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (user_fd < 0)
        return complain(pid, -errno, "user namespace");
    snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
    int net_fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = net_fd < 0 ? complain(pid, -errno, "network namespace") : 0;
    if (!err) {
        err = enter_user(user_fd);
        if (err)
            complain(pid, err, "entering the user namespace");
    }
    if (!err) {
        err = enter_net(net_fd);
        if (err)
            complain(pid, err, "entering the network namespace");
    }
    close_fd(&user_fd);
    close_fd(&net_fd);
    if (err)
        return err;

    execvp(argv[0], argv);
    err = -errno;
    fprintf(stderr, "quickstep dev exec: %s: %s; nothing was started\n", argv[0], strerror(-err));
    return err;
}

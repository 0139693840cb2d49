/* Goal: the nodes of a lab reach each other and nothing else, on every level that this machine
   permits, and neither opening nor dying leaves a trace in the host.
   Method: real namespaces.  Forked children enter nodes and exchange datagrams through plain
   sockets; the kernel's own counters, link messages and /proc say what happened. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/qs_lab.h"
#include "app/qs_lab_snmp.h"

#define PORT   4711
#define NOBODY 65534

static qs_lab_t lab;

static bool
open_root(u32 nodes)
{
    cr_assert(eq(int, qs_lab_open(&lab, nodes, QS_LAB_ROOT), 0));
    if (lab.level == QS_LAB_ROOT)
        return true;
    printf("skipped: no privileged lab: %s\n", lab.why[QS_LAB_ROOT]);
    return false;
}

static struct sockaddr_in
at_node(u32 node)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    at.sin_addr.s_addr = qs_lab_addr(&lab, node);
    return at;
}

/* A UDP socket bound to the node's address, whose reads fail after 5 s and do not hang. */
static int
bind_node(u32 node)
{
    struct sockaddr_in at = at_node(node);
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : fd;
}

/* A child in node `node` that echoes datagrams for ever.  Returned when it is bound. */
static pid_t
start_echo(u32 node)
{
    int ready[2];
    u8 buf[64];
    cr_assert(eq(int, pipe2(ready, O_CLOEXEC), 0));
    pid_t pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = qs_lab_enter(&lab, node) ? -1 : bind_node(node);
        if (fd < 0)
            _exit(1);
        cr_assert(eq(int, (int)write(ready[1], "", 1), 1));
        for (;;) {
            struct sockaddr_in from;
            socklen_t sz = sizeof(from);
            ssize_t got = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &sz);
            if (got >= 0)
                sendto(fd, buf, (size_t)got, 0, (struct sockaddr *)&from, sz);
        }
    }
    close(ready[1]);
    cr_assert(eq(int, (int)read(ready[0], buf, 1), 1), "the echo could not start");
    close(ready[0]);
    return pid;
}

static void
stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Whether a child in node `from` gets its datagram back from node `to`. */
static bool
hears_echo(u32 from, u32 to)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        u8 buf[8] = "ping";
        struct sockaddr_in peer = at_node(to);
        struct sockaddr_in source = {0};
        socklen_t sz = sizeof(source);
        int fd = qs_lab_enter(&lab, from) ? -1 : bind_node(from);
        if (fd < 0)
            _exit(1);
        sendto(fd, buf, 4, 0, (struct sockaddr *)&peer, sizeof(peer));
        buf[0] = 0;
        ssize_t got = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&source, &sz);
        _exit(got == 4 && !memcmp(buf, "ping", 4) && source.sin_addr.s_addr == qs_lab_addr(&lab, to)
                  ? 0
                  : 2);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void
every_pair_talks(void)
{
    for (u32 to = 0; to < lab.node_cnt; to++) {
        pid_t echo = start_echo(to);
        for (u32 from = 0; from < lab.node_cnt; from++)
            cr_expect(from == to || hears_echo(from, to), "%u does not reach %u", from, to);
        stop(echo);
    }
}

static void
close_lab(void)
{
    qs_lab_close(&lab);
}

TestSuite(lab, .fini = close_lab, .timeout = 60);

Test(lab, two_nodes_exchange_datagrams_over_their_veth_pair)
{
    if (!open_root(2))
        return;
    cr_assert(eq(int, lab.switch_fd, -1));
    cr_assert(eq(str, (char *)qs_lab_ifname(&lab), "qs0"));
    cr_assert(eq(u32, qs_lab_addr(&lab, 1), inet_addr("10.77.0.2")));
    every_pair_talks();
}

Test(lab, three_nodes_exchange_datagrams_over_the_bridge)
{
    if (open_root(3))
        every_pair_talks();
}

Test(lab, sixteen_nodes_are_possible_and_one_has_its_interface)
{
    if (!open_root(QS_LAB_NODE_MAX))
        return;
    pid_t echo = start_echo(15);
    cr_assert(hears_echo(0, 15));
    stop(echo);
    qs_lab_close(&lab);

    cr_assert(open_root(1));
    cr_assert(eq(int, qs_lab_enter(&lab, 0), 0));
    cr_assert(ne(int, (int)if_nametoindex("qs0"), 0));
}

Test(lab, loopback_nodes_exchange_datagrams_without_any_namespace)
{
    cr_assert(eq(int, qs_lab_open(&lab, 3, QS_LAB_LOOPBACK), 0));
    cr_assert(eq(int, lab.level, QS_LAB_LOOPBACK));
    cr_assert(eq(int, lab.node_fd[0], -1));
    cr_assert(eq(str, (char *)qs_lab_ifname(&lab), "lo"));
    cr_assert(eq(u32, qs_lab_addr(&lab, 2), inet_addr("127.77.0.3")));
    every_pair_talks();
}

/* A user without any privilege, who may still be looked at through /proc by himself. */
static void
become_nobody(void)
{
    cr_assert(eq(int, setgroups(0, NULL), 0));
    cr_assert(eq(int, setresgid(NOBODY, NOBODY, NOBODY), 0));
    cr_assert(eq(int, setresuid(NOBODY, NOBODY, NOBODY), 0));
    cr_assert(eq(int, prctl(PR_SET_DUMPABLE, 1), 0));
}

Test(lab, unprivileged_user_steps_down_to_a_user_namespace_and_is_told_why)
{
    if (!geteuid())
        become_nobody();
    cr_assert(eq(int, qs_lab_open(&lab, 3, QS_LAB_ROOT), 0));
    cr_assert(ne(int, lab.level, QS_LAB_ROOT));
    cr_assert(ne(ptr, strstr(lab.why[QS_LAB_ROOT], "needs root"), NULL));
    if (lab.level == QS_LAB_LOOPBACK) {
        cr_assert(ne(str, lab.why[QS_LAB_USER], ""));
        printf("skipped: no user namespace: %s\n", lab.why[QS_LAB_USER]);
        return;
    }
    cr_assert(eq(str, lab.why[QS_LAB_USER], ""));
    uid_t before = getuid();
    every_pair_talks();
    cr_assert(eq(int, (int)getuid(), (int)before)); /* the caller stayed outside */

    int status;
    pid_t pid = fork(); /* Criterion's process has threads */
    if (!pid) {
        int err = qs_lab_enter(&lab, 0);
        _exit(err || getuid() || qs_lab_enter(&lab, 1) || bind_node(1) < 0);
    }
    waitpid(pid, &status, 0);
    cr_assert(eq(int, status, 0), "cannot go into node 0, be root there, and on to node 1");
}

Test(lab, user_level_works_for_root_as_well)
{
    cr_assert(eq(int, qs_lab_open(&lab, 2, QS_LAB_USER), 0));
    if (lab.level == QS_LAB_USER)
        every_pair_talks();
    else
        printf("skipped: no user namespace: %s\n", lab.why[QS_LAB_USER]);
}

Test(lab, sizes_and_nodes_that_do_not_exist_are_refused)
{
    cr_assert(eq(int, qs_lab_open(&lab, 0, QS_LAB_ROOT), -EINVAL));
    cr_assert(eq(int, qs_lab_open(&lab, QS_LAB_NODE_MAX + 1, QS_LAB_ROOT), -EINVAL));
    cr_assert(eq(int, qs_lab_open(&lab, 2, QS_LAB_LEVEL_CNT), -EINVAL));
    cr_assert(eq(int, qs_lab_open(&lab, 2, QS_LAB_LOOPBACK), 0));
    cr_assert(eq(int, qs_lab_enter(&lab, 2), -EINVAL));
}

/* Our own namespace plays the host, so that nobody else's links can disturb what we see. */
Test(lab, host_never_sees_a_link)
{
    if (unshare(CLONE_NEWNET)) {
        printf("skipped: no network namespace to play the host: %s\n", strerror(errno));
        return;
    }
    u8 event[4096];
    struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    cr_assert(eq(int, bind(watch, (struct sockaddr *)&all, sizeof(all)), 0));
    struct stat before;
    struct stat after;
    cr_assert(eq(int, stat("/proc/self/ns/net", &before), 0));

    for (u32 nodes = 1; nodes <= 3; nodes++) {
        bool root = open_root(nodes);
        qs_lab_close(&lab);
        cr_assert(eq(int, (int)recv(watch, event, sizeof(event), 0), -1));
        cr_assert(eq(int, errno, EAGAIN));
        if (!root)
            return;
    }
    cr_assert(eq(int, stat("/proc/self/ns/net", &after), 0));
    cr_assert(eq(u64, after.st_ino, before.st_ino));
    close(watch);
}

static ino_t
inode_of(int fd)
{
    struct stat st;
    cr_assert(eq(int, fstat(fd, &st), 0));
    return st.st_ino;
}

/* Whether some process is in one of the namespaces, or holds one open. */
static bool
someone_keeps(ino_t const *space, u32 cnt)
{
    bool found = false;
    DIR *proc = opendir("/proc");
    for (struct dirent *p; (p = readdir(proc));) {
        char path[600];
        struct stat st;
        if (p->d_name[0] < '0' || p->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s/ns/net", p->d_name);
        for (u32 i = 0; !stat(path, &st) && i < cnt; i++)
            found |= st.st_ino == space[i];
        snprintf(path, sizeof(path), "/proc/%s/fd", p->d_name);
        DIR *fds = opendir(path);
        for (struct dirent *f; fds && (f = readdir(fds));) {
            char link[600], name[64] = "", want[64];
            snprintf(link, sizeof(link), "%.300s/%.200s", path, f->d_name);
            if (readlink(link, name, sizeof(name) - 1) < 0)
                continue;
            for (u32 i = 0; i < cnt; i++) {
                snprintf(want, sizeof(want), "net:[%lu]", (unsigned long)space[i]);
                found |= !strcmp(name, want);
            }
        }
        if (fds)
            closedir(fds);
    }
    closedir(proc);
    return found;
}

static void
list_links(char *names, size_t sz)
{
    names[0] = '\0';
    struct if_nameindex *all = if_nameindex();
    for (struct if_nameindex *i = all; i->if_index; i++)
        snprintf(names + strlen(names), sz - strlen(names), "%u:%s ", i->if_index, i->if_name);
    if_freenameindex(all);
}

Test(lab, killed_owner_leaves_nothing_behind)
{
    char before[1024], after[1024];
    ino_t space[4];
    int tell[2];
    list_links(before, sizeof(before));
    cr_assert(eq(int, pipe2(tell, O_CLOEXEC), 0));
    pid_t owner = fork();
    if (!owner) {
        if (!open_root(3))
            _exit(0);
        for (u32 i = 0; i < 3; i++) {
            space[i] = inode_of(lab.node_fd[i]);
            start_echo(i);
        }
        space[3] = inode_of(lab.switch_fd);
        cr_assert(eq(int, (int)write(tell[1], space, sizeof(space)), (int)sizeof(space)));
        for (;;)
            pause();
    }
    close(tell[1]);
    if (read(tell[0], space, sizeof(space)) != (ssize_t)sizeof(space)) {
        waitpid(owner, NULL, 0);
        return; /* the owner has said why it was skipped */
    }
    cr_assert(someone_keeps(space, 4));
    stop(owner);
    while (someone_keeps(space, 4)) /* its children die a moment later; .timeout is the bound */
        usleep(1000);
    list_links(after, sizeof(after));
    cr_assert(eq(str, after, before));
}

Test(lab, descriptors_are_given_back_and_do_not_survive_exec)
{
    if (!open_root(4))
        return;
    int fd[5];
    memcpy(fd, lab.node_fd, 4 * sizeof(int));
    fd[4] = lab.switch_fd;
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, fcntl(fd[i], F_GETFD), FD_CLOEXEC));
    qs_lab_close(&lab);
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, fcntl(fd[i], F_GETFD), -1));
    qs_lab_close(&lab);
}

Test(lab, counters_of_a_node_tell_what_arrived_and_what_had_no_port)
{
    if (!open_root(2))
        return;
    qs_lab_snmp_t before, after;
    pid_t echo = start_echo(1);
    cr_assert(eq(int, qs_lab_snmp_read((u32)echo, "qs0", &before), 0));
    for (int i = 0; i < 7; i++)
        cr_assert(hears_echo(0, 1));
    cr_assert(eq(int, qs_lab_snmp_read((u32)echo, "qs0", &after), 0));
    cr_assert(eq(u64, after.udp_in - before.udp_in, 7));
    cr_assert(eq(u64, after.udp_out - before.udp_out, 7));
    cr_assert(eq(u64, after.udp_no_ports - before.udp_no_ports, 0));
    cr_assert(ge(u64, after.if_rx_packets - before.if_rx_packets, 7));
    cr_assert(ge(u64, after.if_tx_packets - before.if_tx_packets, 7));
    cr_assert(eq(u64, after.if_rx_drops, 0));
    stop(echo);

    cr_assert(eq(int, qs_lab_enter(&lab, 1), 0)); /* nobody listens now; the errors are ours */
    cr_assert(eq(int, qs_lab_snmp_read(0, "qs0", &before), 0));
    pid_t pid = fork();
    if (!pid) {
        struct sockaddr_in peer = at_node(1);
        int fd = qs_lab_enter(&lab, 0) ? -1 : bind_node(0);
        connect(fd, (struct sockaddr *)&peer, sizeof(peer));
        u8 byte = 0;
        send(fd, &byte, 1, 0);
        recv(fd, &byte, 1, 0); /* until the ICMP error is back */
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    cr_assert(eq(int, qs_lab_snmp_read(0, "qs0", &after), 0));
    cr_assert(eq(u64, after.udp_no_ports - before.udp_no_ports, 1));

    cr_assert(eq(int, qs_lab_snmp_read(0, "qs1", &after), -ENODEV));
    cr_assert(eq(int, qs_lab_snmp_read(0x7ffffff0u, "qs0", &after), -ESRCH));
}

static char const snmp_text[] =
    "Ip: Forwarding\nIp: 1\n"
    "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
    "IgnoredMulti MemErrors\n"
    "Udp: 1 2 3 4 5 6 18446744073709551615 8 9\n"
    "UdpLite: InDatagrams\nUdpLite: 77\n";
static char const dev_text[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop\n"
    "  qs00: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
    "   qs0:101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116\n";

Test(lab, counter_text_is_read_by_name_and_refused_when_a_number_is_missing)
{
    qs_lab_snmp_t s;
    cr_assert(eq(int, qs_lab_snmp_parse_udp(snmp_text, sizeof(snmp_text) - 1, &s), 0));
    cr_assert(s.udp_in == 1 && s.udp_no_ports == 2 && s.udp_in_errors == 3 && s.udp_out == 4);
    cr_assert(s.udp_rcvbuf_errors == 5 && s.udp_sndbuf_errors == 6);
    cr_assert(eq(u64, s.udp_in_csum_errors, UINT64_MAX));
    cr_assert(eq(int, qs_lab_snmp_parse_dev(dev_text, sizeof(dev_text) - 1, "qs0", &s), 0));
    cr_assert(s.if_rx_packets == 102 && s.if_rx_drops == 104);
    cr_assert(s.if_tx_packets == 110 && s.if_tx_drops == 112);

    static char const *const bad[] = {
        "",
        "Udp: InDatagrams\n",
        "Udp: InDatagrams\nUdp: 1\n",
        "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors\n"
        "Udp: 1 2 3 4 5 6\n",
        "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors\n"
        "Udp: 1 2 3 4 5 6 18446744073709551616\n",
        "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors\n"
        "Udp: 1 -2 3 4 5 6 7\n"};
    for (u32 i = 0; i < QS_COUNT(bad); i++)
        cr_expect(eq(int, qs_lab_snmp_parse_udp(bad[i], strlen(bad[i]), &s), -EPROTO));
}

Test(lab, counter_text_cut_anywhere_is_read_inside_its_bounds)
{
    qs_lab_snmp_t s;
    for (u64 cut = 0; cut < sizeof(snmp_text) - 1; cut++) {
        char *exact = malloc(cut ? cut : 1); /* its own block: ASan sees one byte too many */
        memcpy(exact, snmp_text, cut);
        int err = qs_lab_snmp_parse_udp(exact, cut, &s);
        cr_expect(err == 0 || err == -EPROTO);
        free(exact);
    }
    for (u64 cut = 0; cut < sizeof(dev_text) - 1; cut++) {
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, dev_text, cut);
        int err = qs_lab_snmp_parse_dev(exact, cut, "qs0", &s);
        cr_expect(err == 0 || err == -EPROTO || err == -ENODEV);
        free(exact);
    }
}

/* What `argv` prints when it runs through qs_lab_exec, and how it ended. */
static int
exec_in(int pid, char **argv, char *said, size_t sz)
{
    int out[2];
    int status;
    cr_assert(eq(int, pipe2(out, O_CLOEXEC), 0));
    pid_t child = fork();
    if (!child) {
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        _exit(-qs_lab_exec(pid, argv));
    }
    close(out[1]);
    ssize_t got, all = 0;
    while ((got = read(out[0], said + all, sz - 1 - (size_t)all)) > 0)
        all += got;
    said[all] = '\0';
    close(out[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
exec_reaches_the_node(void)
{
    char said[512], want[512];
    pid_t echo = start_echo(0);
    snprintf(want, sizeof(want), "net:[%lu]\n", (unsigned long)inode_of(lab.node_fd[0]));
    char *ns[] = {"readlink", "/proc/self/ns/net", NULL};
    cr_assert(eq(int, exec_in(echo, ns, said, sizeof(said)), 0));
    cr_assert(eq(str, said, want));
    char *ip[] = {"ip", "link", "set", "qs0", "mtu", "1400", NULL}; /* keeps its privileges */
    cr_assert(eq(int, exec_in(echo, ip, said, sizeof(said)), 0));

    char *none[] = {"/no-such-command", NULL};
    cr_assert(eq(int, exec_in(echo, none, said, sizeof(said)), ENOENT));
    cr_assert(ne(ptr, strstr(said, "/no-such-command"), NULL));
    char *empty[] = {NULL};
    cr_assert(eq(int, exec_in(echo, empty, said, sizeof(said)), EINVAL));
    stop(echo);
    cr_assert(eq(int, exec_in(echo, ns, said, sizeof(said)), ESRCH));
    cr_assert(ne(ptr, strstr(said, "still running"), NULL));
}

Test(lab, exec_runs_a_command_inside_the_node_or_says_why_not)
{
    if (open_root(2))
        exec_reaches_the_node();
}

Test(lab, exec_reaches_an_unprivileged_lab_of_the_same_user)
{
    if (!geteuid())
        become_nobody();
    cr_assert(eq(int, qs_lab_open(&lab, 2, QS_LAB_USER), 0));
    if (lab.level == QS_LAB_USER)
        exec_reaches_the_node();
    else
        printf("skipped: no user namespace: %s\n", lab.why[QS_LAB_USER]);
}

Test(lab, exec_works_where_there_is_no_namespace_to_enter)
{
    char said[64];
    char *echo[] = {"echo", "here", NULL};
    if (!geteuid())
        become_nobody();
    cr_assert(eq(int, exec_in(getpid(), echo, said, sizeof(said)), 0));
    cr_assert(eq(str, said, "here\n"));
}

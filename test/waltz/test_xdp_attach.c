/* Goal: our program comes onto an interface in the mode that was asked for, or a line says why not
   and what to do; it never displaces another program, and it leaves nothing behind.
   Method: veth pairs in a namespace of the test's own; foreign programs put there by link and by
   netlink; our link detached from outside, and the interface deleted under it. */

#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <linux/if_link.h>

#include "waltz/xdp/qs_xdp_attach.h"
#include "waltz/xdp_space.h"

static qs_xdp_pair_t const pair = {0x0a4d0001, 9000};
static qs_xdp_t xdp;
static u32 qs0;

static bool
start(void)
{
    if (!xdp_space_open())
        return false;
    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 4};
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, stdout), 0), "%s", xdp.why);
    qs0 = if_nametoindex("qs0");
    return true;
}

static void
finish(void)
{
    if (xdp.queue_cnt)
        qs_xdp_close(&xdp);
}

TestSuite(xdp_attach, .fini = finish, .timeout = 60);

/* A program of somebody else that passes everything. */
static int
foreign_prog(void)
{
    static qs_ebpf_t e;
    qs_ebpf_init(&e);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, XDP_PASS);
    qs_ebpf_exit(&e);
    cr_assert(eq(int, qs_ebpf_resolve(&e), 0));
    int fd = qs_xdp_prog_load("stranger", &e, stdout);
    cr_assert(ge(int, fd, 0));
    return fd;
}

static u32
prog_id(int fd)
{
    struct bpf_prog_info info = {0};
    u32 sz = sizeof(info);
    cr_assert(eq(int, bpf_obj_get_info_by_fd(fd, &info, &sz), 0));
    return info.id;
}

/* found_one is what the kernel says is on qs0. */
static qs_xdp_found_t
found_one(void)
{
    qs_xdp_query_t query;
    cr_assert(eq(int, qs_xdp_query(qs0, &query), 0));
    cr_assert(eq(u32, query.cnt, 1));
    return query.found[0];
}

static void
nothing_found(void)
{
    qs_xdp_query_t query;
    cr_assert(eq(int, qs_xdp_query(qs0, &query), 0));
    cr_assert(eq(u32, query.cnt, 0));
}

static void
attaches_in(qs_xdp_mode_t asked, qs_xdp_mode_t want)
{
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, asked), 0), "%s", xdp.why);
    cr_assert(eq(int, (int)xdp.mode, (int)want));
    cr_assert(qs_xdp_is_attached(&xdp));
    qs_xdp_found_t found = found_one();
    cr_expect(eq(int, (int)found.mode, (int)want));
    cr_expect(found.ours && found.link_id && found.map_id);
    cr_expect(eq(str, found.name, QS_XDP_NAME));
    cr_expect(eq(u32, found.prog_id, prog_id(xdp.prog_fd)));
    cr_expect(eq(u32, found.queue_cnt, 4));
    cr_expect(found.insn_cnt > 20);
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, asked), -EALREADY));
    qs_xdp_detach(&xdp);
    cr_assert(not(qs_xdp_is_attached(&xdp)));
    nothing_found();
}

Test(xdp_attach, each_mode_attaches_and_says_which_it_is)
{
    if (!start())
        return;
    nothing_found();
    attaches_in(QS_XDP_SKB, QS_XDP_SKB);
    attaches_in(QS_XDP_DRV, QS_XDP_DRV);
    attaches_in(QS_XDP_AUTO, QS_XDP_DRV);
    cr_assert(eq(str, xdp.why, "attached already")); /* of the last refusal; no step down */
}

Test(xdp_attach, hardware_mode_is_refused_with_the_next_best)
{
    if (!start())
        return;
    cr_assert(qs_xdp_attach(&xdp, qs0, QS_XDP_HW) < 0);
    cr_assert(ne(ptr, strstr(xdp.why, "mode hw cannot be had"), NULL), "%s", xdp.why);
    cr_assert(ne(ptr, strstr(xdp.why, "\"drv\" is the next best"), NULL), "%s", xdp.why);
    nothing_found();
}

Test(xdp_attach, auto_steps_down_where_the_driver_refuses_and_says_why)
{
    if (!start())
        return;
    cr_assert(eq(int, system("ip link set qs0 mtu 9000 && ip link set qs1 mtu 9000"), 0));
    int err = qs_xdp_attach(&xdp, qs0, QS_XDP_DRV);
    cr_assert(eq(int, err, -ERANGE), "%s", xdp.why);
    cr_assert(ne(ptr, strstr(xdp.why, "MTU"), NULL), "%s", xdp.why);
    cr_assert(ne(ptr, strstr(xdp.why, "net.xdp_mode = \"skb\""), NULL), "%s", xdp.why);
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_AUTO), 0));
    cr_assert(eq(int, (int)xdp.mode, QS_XDP_SKB));
    cr_assert(ne(ptr, strstr(xdp.why, "not drv but skb, because the MTU"), NULL), "%s", xdp.why);
    qs_xdp_detach(&xdp);

    /* lo has no native XDP at all */
    cr_assert(eq(int, qs_xdp_attach(&xdp, if_nametoindex("lo"), QS_XDP_AUTO), 0));
    cr_assert(eq(int, (int)xdp.mode, QS_XDP_SKB));
    cr_assert(ne(ptr, strstr(xdp.why, "no native XDP"), NULL), "%s", xdp.why);
}

Test(xdp_attach, no_interface_and_no_program_are_refused)
{
    if (!start())
        return;
    cr_assert(eq(int, qs_xdp_attach(&xdp, 4711, QS_XDP_AUTO), -ENODEV));
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_MODE_CNT), -EINVAL));
    qs_xdp_close(&xdp);
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_AUTO), -EINVAL));
    qs_xdp_close(&xdp);

    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 0};
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, NULL), -EINVAL));
    spec.queue_cnt = QS_XDP_QUEUE_MAX + 1;
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, NULL), -EINVAL));
    spec.queue_cnt = 1;
    spec.pair_cnt = 0;
    cr_assert(eq(int, qs_xdp_load(&xdp, &spec, NULL), -EINVAL));
    cr_assert(eq(int, xdp.map_fd, -1));
}

/* refuses_stranger: what is on qs0 stays there, and why tells how to remove it. */
static void
refuses_stranger(u32 id, char const *remove)
{
    static qs_xdp_mode_t const all[] = {QS_XDP_AUTO, QS_XDP_DRV, QS_XDP_SKB};
    char number[64], text[QS_XDP_WHY_MAX];
    snprintf(number, sizeof(number), "program %u \"stranger\"", id);
    for (u32 i = 0; i < QS_COUNT(all); i++) {
        cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, all[i]), -EBUSY), "%s", xdp.why);
        cr_expect(ne(ptr, strstr(xdp.why, number), NULL), "%s", xdp.why);
        cr_expect(ne(ptr, strstr(xdp.why, remove), NULL), "%s", xdp.why);
    }
    cr_assert(eq(int, qs_xdp_remove(qs0, text, sizeof(text)), -EBUSY));
    cr_assert(ne(ptr, strstr(text, remove), NULL), "%s", text);
    qs_xdp_found_t found = found_one();
    cr_assert(eq(u32, found.prog_id, id));
    cr_assert(not(found.ours));
}

Test(xdp_attach, stranger_attached_by_netlink_is_named_and_left_alone)
{
    if (!start())
        return;
    int prog = foreign_prog();
    cr_assert(eq(int, bpf_xdp_attach((int)qs0, prog, XDP_FLAGS_SKB_MODE, NULL), 0));
    refuses_stranger(prog_id(prog), "ip link set dev qs0 xdpgeneric off");
    cr_assert(eq(int, system("ip link set dev qs0 xdpgeneric off"), 0)); /* as we said */
    cr_assert(eq(int, bpf_xdp_attach((int)qs0, prog, XDP_FLAGS_DRV_MODE, NULL), 0));
    refuses_stranger(prog_id(prog), "ip link set dev qs0 xdpdrv off");
    cr_assert(eq(int, system("ip link set dev qs0 xdpdrv off"), 0));
    attaches_in(QS_XDP_AUTO, QS_XDP_DRV);
}

Test(xdp_attach, stranger_attached_by_link_is_named_and_left_alone)
{
    if (!start())
        return;
    static u32 const flags[] = {XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE};
    int prog = foreign_prog();
    for (u32 i = 0; i < QS_COUNT(flags); i++) {
        char remove[64];
        LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags[i]);
        int link = bpf_link_create(prog, (int)qs0, BPF_XDP, &opts);
        cr_assert(ge(int, link, 0));
        snprintf(remove, sizeof(remove), "bpftool link detach id %u", found_one().link_id);
        refuses_stranger(prog_id(prog), remove);
        close(link);
        nothing_found();
    }
}

Test(xdp_attach, program_of_another_quickstep_is_refused_and_can_be_removed)
{
    if (!start())
        return;
    qs_xdp_t other;
    char text[QS_XDP_WHY_MAX];
    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 1};
    cr_assert(eq(int, qs_xdp_load(&other, &spec, NULL), 0));
    cr_assert(eq(int, qs_xdp_attach(&other, qs0, QS_XDP_SKB), 0));
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_AUTO), -EBUSY));
    cr_assert(ne(ptr, strstr(xdp.why, "another quickstep"), NULL), "%s", xdp.why);
    cr_assert(ne(ptr, strstr(xdp.why, "quickstep xdp detach qs0"), NULL), "%s", xdp.why);

    cr_assert(eq(int, qs_xdp_remove(qs0, text, sizeof(text)), 0));
    cr_assert(not(qs_xdp_is_attached(&other)));
    nothing_found();
    cr_assert(eq(int, qs_xdp_remove(qs0, text, sizeof(text)), -ENOENT));
    attaches_in(QS_XDP_AUTO, QS_XDP_DRV);
    qs_xdp_close(&other);
}

Test(xdp_attach, link_detached_from_outside_is_noticed_and_can_be_made_again)
{
    if (!start())
        return;
    for (u32 i = 0; i < 3; i++) {
        cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, i ? QS_XDP_DRV : QS_XDP_SKB), 0));
        int fd = bpf_link_get_fd_by_id(found_one().link_id);
        cr_assert(eq(int, bpf_link_detach(fd), 0));
        close(fd);
        cr_assert(not(qs_xdp_is_attached(&xdp)));
        nothing_found();
        if (i == 1) { /* a stranger comes in between */
            int prog = foreign_prog();
            cr_assert(eq(int, bpf_xdp_attach((int)qs0, prog, XDP_FLAGS_DRV_MODE, NULL), 0));
            cr_assert(not(qs_xdp_is_attached(&xdp)));
            qs_xdp_detach(&xdp);
            refuses_stranger(prog_id(prog), "xdpdrv off");
            cr_assert(eq(int, bpf_xdp_detach((int)qs0, XDP_FLAGS_DRV_MODE, NULL), 0));
        }
        qs_xdp_detach(&xdp);
    }
}

Test(xdp_attach, deleted_interface_is_noticed_and_its_successor_gets_the_program)
{
    if (!start())
        return;
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_DRV), 0));
    cr_assert(eq(int, system("ip link del qs0"), 0));
    cr_assert(not(qs_xdp_is_attached(&xdp)));
    qs_xdp_detach(&xdp);
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_DRV), -ENODEV));
    cr_assert(eq(int, system("ip link add qs0 type veth peer name qs1"), 0));
    qs0 = if_nametoindex("qs0");
    attaches_in(QS_XDP_DRV, QS_XDP_DRV);
}

Test(xdp_attach, interface_going_down_and_up_keeps_the_program)
{
    if (!start())
        return;
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_DRV), 0));
    cr_assert(eq(int, system("ip link set qs0 down"), 0));
    cr_assert(qs_xdp_is_attached(&xdp));
    cr_assert(eq(int, system("ip link set qs0 up"), 0));
    cr_assert(qs_xdp_is_attached(&xdp));
}

Test(xdp_attach, slots_tell_which_queue_has_a_socket)
{
    if (!start())
        return;
    i32 slot[4];
    u32 at = 1;
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_SKB), 0));
    u32 map_id = found_one().map_id;
    cr_assert(eq(int, qs_xdp_query_slots(map_id, slot, 4), 0));
    for (u32 i = 0; i < 4; i++)
        cr_expect(eq(int, slot[i], -1));
    int fd = xdp_space_xsk(qs0, 1);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, bpf_map_update_elem(xdp.map_fd, &at, &fd, 0), 0));
    cr_assert(eq(int, qs_xdp_query_slots(map_id, slot, 4), 0));
    for (i32 i = 0; i < 4; i++)
        cr_expect(eq(int, slot[i], i == 1 ? 1 : -1));
    close(fd);
    cr_assert(eq(int, qs_xdp_query_slots(map_id, slot, 4), 0));
    cr_expect(eq(int, slot[1], -1));
    cr_assert(eq(int, qs_xdp_query_slots(0x7ffffff0, slot, 4), -ENOENT));
}

Test(xdp_attach, running_program_can_be_listed)
{
    if (!start())
        return;
    char *listing = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&listing, &sz);
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_DRV), 0));
    cr_assert(eq(int, qs_xdp_query_insns(found_one().prog_id, out), 0));
    cr_assert(eq(int, qs_xdp_query_insns(0x7ffffff0, out), -ENOENT));
    fclose(out);
    cr_assert(ne(ptr, strstr(listing, "goto"), NULL));
    cr_assert(ne(ptr, strstr(listing, "exit"), NULL));
    free(listing);
}

Test(xdp_attach, refused_program_comes_with_the_verifiers_words_and_ours_beside)
{
    if (!xdp_space_open())
        return;
    static qs_ebpf_t e;
    char *log = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&log, &sz);
    qs_ebpf_init(&e);
    qs_ebpf_ldx(&e, QS_EBPF_W, QS_EBPF_R2, QS_EBPF_R1, 0);
    qs_ebpf_ldx(&e, QS_EBPF_B, QS_EBPF_R0, QS_EBPF_R2, 12); /* no look at data_end before */
    qs_ebpf_exit(&e);
    cr_assert(eq(int, qs_ebpf_resolve(&e), 0));
    cr_assert(eq(int, qs_xdp_prog_load("bad", &e, out), -EACCES));
    fclose(out);
    cr_expect(ne(ptr, strstr(log, "invalid access to packet"), NULL), "%s", log);
    cr_expect(ne(ptr, strstr(log, "| r0 = *(u8 *)(r2 + 12)"), NULL), "%s", log);
    cr_expect(ne(ptr, strstr(log, "   2: exit\n"), NULL), "%s", log);
    free(log);
}

static bool
is_cloexec(int fd)
{
    return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

Test(xdp_attach, descriptors_do_not_survive_exec_and_are_given_back)
{
    if (!start())
        return;
    cr_assert(eq(int, qs_xdp_attach(&xdp, qs0, QS_XDP_DRV), 0));
    int fd[3] = {xdp.map_fd, xdp.prog_fd, xdp.link_fd};
    for (u32 i = 0; i < 3; i++)
        cr_assert(is_cloexec(fd[i]));
    qs_xdp_close(&xdp);
    qs_xdp_close(&xdp);
    for (u32 i = 0; i < 3; i++)
        cr_assert(eq(int, fcntl(fd[i], F_GETFD), -1));
    nothing_found();
}

/* xdp_hold IFACE MODE - attaches quickstep's program, with a socket in slot 0, says so, and waits
   until it is detached from outside: then it ends with 0.  MODE is skb or drv, or stranger: a
   program of another name, in mode skb, held by a link. */

#include <bpf/bpf.h>
#include <linux/if_link.h>

#include "waltz/xdp/qs_xdp_attach.h"
#include "waltz/xdp_space.h"

static int
hold_stranger(u32 ifindex)
{
    static qs_ebpf_t e;
    LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
    qs_ebpf_init(&e);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, XDP_PASS);
    qs_ebpf_exit(&e);
    int prog = qs_ebpf_resolve(&e) ? -1 : qs_xdp_prog_load("stranger", &e, stderr);
    int link = prog < 0 ? -1 : bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts);
    if (link < 0)
        return 1;
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}

int
main(int argc, char **argv)
{
    qs_xdp_t xdp;
    qs_xdp_pair_t pair = {0x0a4d0001, 9000};
    qs_xdp_spec_t spec = {.pair = &pair, .pair_cnt = 1, .queue_cnt = 2};
    u32 ifindex = argc == 3 ? if_nametoindex(argv[1]) : 0, slot = 0;
    if (!ifindex)
        return 2;
    if (!strcmp(argv[2], "stranger"))
        return hold_stranger(ifindex);
    qs_xdp_mode_t mode = strcmp(argv[2], "drv") ? QS_XDP_SKB : QS_XDP_DRV;
    if (qs_xdp_load(&xdp, &spec, stderr) || qs_xdp_attach(&xdp, ifindex, mode)) {
        fprintf(stderr, "%s\n", xdp.why);
        return 3;
    }
    int fd = xdp_space_xsk(ifindex, 0);
    if (fd < 0 || bpf_map_update_elem(xdp.map_fd, &slot, &fd, 0))
        return 1;
    puts("held");
    fflush(stdout);
    while (qs_xdp_is_attached(&xdp))
        usleep(10000);
    qs_xdp_close(&xdp);
    return 0;
}

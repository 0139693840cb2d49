#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include "waltz/xdp/qs_xdp_attach.h"

#define MAP_MAX 16u

static int
silent(enum libbpf_print_level level, char const *fmt, va_list args)
{
    (void)level;
    (void)fmt;
    (void)args;
    return 0;
}

/* link_of looks for the link that holds a program on an interface: the kernel knows no shorter
   way.  Returns its fd, or -ENOENT. */
static int
link_of(u32 ifindex, u32 prog_id, u32 *link_id)
{
    u32 id = 0;
    while (!bpf_link_get_next_id(id, &id)) {
        struct bpf_link_info info = {0};
        u32 sz = sizeof(info);
        int fd = bpf_link_get_fd_by_id(id);
        if (fd < 0)
            continue;
        if (!bpf_obj_get_info_by_fd(fd, &info, &sz) && info.type == BPF_LINK_TYPE_XDP &&
            info.xdp.ifindex == ifindex && info.prog_id == prog_id) {
            *link_id = id;
            return fd;
        }
        close(fd);
    }
    return -ENOENT;
}

/* map_info returns the fd of a map and what it is, or -errno. */
static int
map_info(u32 map_id, struct bpf_map_info *info)
{
    u32 sz = sizeof(*info);
    int fd = bpf_map_get_fd_by_id(map_id);
    if (fd < 0)
        return fd;
    memset(info, 0, sizeof(*info));
    int err = bpf_obj_get_info_by_fd(fd, info, &sz);
    if (!err)
        return fd;
    close(fd);
    return err;
}

static void
look_at_prog(qs_xdp_found_t *found)
{
    u32 map_id[MAP_MAX];
    struct bpf_prog_info info = {.nr_map_ids = MAP_MAX, .map_ids = (u64)(uintptr_t)map_id};
    u32 sz = sizeof(info);
    int fd = bpf_prog_get_fd_by_id(found->prog_id);
    if (fd < 0)
        return;
    if (!bpf_obj_get_info_by_fd(fd, &info, &sz)) {
        memcpy(found->name, info.name, sizeof(found->name));
        found->name[sizeof(found->name) - 1] = 0;
        found->ours = !strcmp(found->name, QS_XDP_NAME);
        found->insn_cnt = info.xlated_prog_len / (u32)sizeof(struct bpf_insn);
        found->load_ns = info.load_time;
    }
    close(fd);
    for (u32 i = 0; i < info.nr_map_ids && i < MAP_MAX; i++) {
        struct bpf_map_info map;
        int map_fd = map_info(map_id[i], &map);
        if (map_fd < 0)
            continue;
        close(map_fd);
        if (map.type == BPF_MAP_TYPE_XSKMAP) {
            found->map_id = map_id[i];
            found->queue_cnt = map.max_entries;
        }
    }
}

int
qs_xdp_query(u32 ifindex, qs_xdp_query_t *query)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, opts);
    *query = (qs_xdp_query_t){0};
    libbpf_set_print(silent);
    int err = bpf_xdp_query((int)ifindex, 0, &opts);
    if (err)
        return err;
    struct {
        u32 prog_id;
        qs_xdp_mode_t mode;
    } const row[] = {{opts.drv_prog_id, QS_XDP_DRV},
                     {opts.skb_prog_id, QS_XDP_SKB},
                     {opts.hw_prog_id, QS_XDP_HW}};
    for (u32 i = 0; i < QS_COUNT(row) && query->cnt < QS_COUNT(query->found); i++) {
        if (!row[i].prog_id)
            continue;
        qs_xdp_found_t *found = &query->found[query->cnt++];
        *found = (qs_xdp_found_t){.mode = row[i].mode, .prog_id = row[i].prog_id};
        int fd = link_of(ifindex, found->prog_id, &found->link_id);
        if (fd >= 0)
            close(fd);
        look_at_prog(found);
    }
    return 0;
}

/* slot_prog answers with the queue that the socket in slot N is bound to, N being the first word
   of the frame, or -1.  User space cannot read an XSKMAP; a program can. */
static int
slot_prog(int map_fd)
{
    qs_ebpf_t *e = malloc(sizeof(*e));
    if (!e)
        return -ENOMEM;
    qs_ebpf_init(e);
    qs_ebpf_label_t none = qs_ebpf_label(e);
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R2, QS_EBPF_R1, offsetof(struct xdp_md, data));
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R3, QS_EBPF_R1, offsetof(struct xdp_md, data_end));
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R4, QS_EBPF_R2);
    qs_ebpf_alu_imm(e, QS_EBPF_ADD, QS_EBPF_R4, sizeof(u32));
    qs_ebpf_jmp_reg(e, QS_EBPF_JGT, QS_EBPF_R4, QS_EBPF_R3, none);
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R4, QS_EBPF_R2, 0);
    qs_ebpf_stx(e, QS_EBPF_W, QS_EBPF_R10, -4, QS_EBPF_R4);
    qs_ebpf_lddw_map(e, QS_EBPF_R1, map_fd);
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R2, QS_EBPF_R10);
    qs_ebpf_alu_imm(e, QS_EBPF_ADD, QS_EBPF_R2, -4);
    qs_ebpf_call(e, BPF_FUNC_map_lookup_elem);
    qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, QS_EBPF_R0, 0, none);
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R0, QS_EBPF_R0, offsetof(struct bpf_xdp_sock, queue_id));
    qs_ebpf_exit(e);
    qs_ebpf_bind(e, none);
    qs_ebpf_alu_imm(e, QS_EBPF_MOV, QS_EBPF_R0, -1);
    qs_ebpf_exit(e);
    int fd = qs_ebpf_resolve(e);
    if (!fd)
        fd = qs_xdp_prog_load("qs_xdp_slot", e, NULL);
    free(e);
    return fd;
}

int
qs_xdp_query_slots(u32 map_id, i32 *slot, u32 slot_cnt)
{
    struct bpf_map_info info;
    int map_fd = map_info(map_id, &info);
    if (map_fd < 0)
        return map_fd;
    int prog_fd = info.type == BPF_MAP_TYPE_XSKMAP ? slot_prog(map_fd) : -EINVAL;
    int err = prog_fd < 0 ? prog_fd : 0;
    for (u32 i = 0; !err && i < slot_cnt; i++) {
        u32 frame[16] = {i};
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
        err = bpf_prog_test_run_opts(prog_fd, &run);
        slot[i] = (i32)run.retval;
    }
    if (prog_fd >= 0)
        close(prog_fd);
    close(map_fd);
    return err;
}

int
qs_xdp_query_insns(u32 prog_id, FILE *out)
{
    struct bpf_prog_info info = {0};
    u32 sz = sizeof(info);
    int fd = bpf_prog_get_fd_by_id(prog_id);
    if (fd < 0)
        return fd;
    int err = bpf_obj_get_info_by_fd(fd, &info, &sz);
    u32 len = info.xlated_prog_len;
    struct bpf_insn *insn = err ? NULL : calloc(1, len);
    if (insn) {
        info = (struct bpf_prog_info){.xlated_prog_len = len,
                                      .xlated_prog_insns = (u64)(uintptr_t)insn};
        sz = sizeof(info);
        err = bpf_obj_get_info_by_fd(fd, &info, &sz);
        if (!err && !info.xlated_prog_insns)
            err = -EPERM; /* the kernel hides it: kernel.kptr_restrict, net.core.bpf_jit_harden */
        if (!err)
            qs_ebpf_write(out, insn, len / (u32)sizeof(*insn));
    } else if (!err) {
        err = -ENOMEM;
    }
    free(insn);
    close(fd);
    return err;
}

void
qs_xdp_describe(char *text, u64 sz, char const *ifname, qs_xdp_found_t const *found)
{
    static char const *const off[QS_XDP_MODE_CNT] = {"xdp", "xdpdrv", "xdpgeneric", "xdpoffload"};
    char how[96];
    if (found->ours && found->link_id)
        snprintf(how, sizeof(how), "quickstep xdp detach %s", ifname);
    else if (found->link_id)
        snprintf(how, sizeof(how), "bpftool link detach id %u", found->link_id);
    else
        snprintf(how, sizeof(how), "ip link set dev %s %s off", ifname, off[found->mode]);
    snprintf(text, sz, "%s has XDP program %u \"%s\"%s (mode %s); to remove it: %s", ifname,
             found->prog_id, found->name, found->ours ? ", of another quickstep" : "",
             qs_xdp_mode_name(found->mode), how);
}

int
qs_xdp_remove(u32 ifindex, char *text, u64 sz)
{
    char ifname[IF_NAMESIZE] = "";
    qs_xdp_query_t query;
    text[0] = 0;
    if_indextoname(ifindex, ifname);
    int err = qs_xdp_query(ifindex, &query);
    if (err)
        return err;
    qs_xdp_found_t const *foreign = NULL;
    for (u32 i = 0; i < query.cnt; i++) {
        qs_xdp_found_t const *found = &query.found[i];
        if (!found->insn_cnt)
            return -EPERM; /* whose it is we may not know */
        if (!found->ours || !found->link_id) {
            foreign = found;
            continue;
        }
        int fd = bpf_link_get_fd_by_id(found->link_id);
        err = fd < 0 ? fd : bpf_link_detach(fd);
        if (fd >= 0)
            close(fd);
        return err;
    }
    if (!foreign)
        return -ENOENT;
    qs_xdp_describe(text, sz, ifname, foreign);
    return -EBUSY;
}

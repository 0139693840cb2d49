/* The XDP program on one frame: our search through immediates against the same checks with the
   pairs in a hash map, or compared one after the other.  The kernel runs it, many times per system
   call (BPF_PROG_TEST_RUN); what its loop costs by itself is the row of the program that only
   passes. Needs root. */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <unistd.h>

#include "bench/bench.h"
#include "waltz/ip/qs_frame.h"
#include "waltz/xdp/qs_xdp_attach.h"

#define REPEAT  10000u
#define OUR_IP  0x0a4d0002u
#define OUR_MIN 8000u

typedef enum how { HOW_PASS, HOW_ROW, HOW_MAP } how_t;

typedef struct shot {
    int prog_fd;
    u8 frame[60];
} shot_t;

static void
shoot(void *ctx)
{
    shot_t *s = ctx;
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = s->frame, .data_size_in = sizeof(s->frame),
                .repeat = REPEAT);
    QS_ASSERT(!bpf_prog_test_run_opts(s->prog_fd, &run));
}

/* checks is what every variant does first; afterwards r4 is the address and r5 the port. */
static void
checks(qs_ebpf_t *e, qs_ebpf_label_t pass)
{
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R2, QS_EBPF_R1, offsetof(struct xdp_md, data));
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R3, QS_EBPF_R1, offsetof(struct xdp_md, data_end));
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R5, QS_EBPF_R2);
    qs_ebpf_alu_imm(e, QS_EBPF_ADD, QS_EBPF_R5, 42);
    qs_ebpf_jmp_reg(e, QS_EBPF_JGT, QS_EBPF_R5, QS_EBPF_R3, pass);
    qs_ebpf_ldx(e, QS_EBPF_H, QS_EBPF_R5, QS_EBPF_R2, 12);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, QS_EBPF_R5, htons(0x0800), pass);
    qs_ebpf_ldx(e, QS_EBPF_B, QS_EBPF_R5, QS_EBPF_R2, 23);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, QS_EBPF_R5, 17, pass);
    qs_ebpf_ldx(e, QS_EBPF_H, QS_EBPF_R5, QS_EBPF_R2, 20);
    qs_ebpf_jmp_imm(e, QS_EBPF_JSET, QS_EBPF_R5, htons(0x3fff), pass);
    qs_ebpf_ldx(e, QS_EBPF_B, QS_EBPF_R5, QS_EBPF_R2, 14);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, QS_EBPF_R5, 0x45, pass);
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R4, QS_EBPF_R2, 30);
    qs_ebpf_ldx(e, QS_EBPF_H, QS_EBPF_R5, QS_EBPF_R2, 36);
}

static void
by_row(qs_ebpf_t *e, qs_xdp_pair_t const *pair, u32 cnt, qs_ebpf_label_t pass,
       qs_ebpf_label_t redirect)
{
    qs_ebpf_jmp32_imm(e, QS_EBPF_JNE, QS_EBPF_R4, (i32)htonl(pair[0].ip), pass);
    for (u32 i = 0; i < cnt; i++)
        qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, QS_EBPF_R5, htons(pair[i].port), redirect);
    qs_ebpf_ja(e, pass);
}

static void
by_map(qs_ebpf_t *e, qs_xdp_pair_t const *pair, u32 cnt, qs_ebpf_label_t pass)
{
    int map = bpf_map_create(BPF_MAP_TYPE_HASH, "pairs", 8, 4, 256, NULL);
    QS_ASSERT(map >= 0);
    for (u32 i = 0; i < cnt; i++) {
        u32 key[2] = {htonl(pair[i].ip), htons(pair[i].port)};
        QS_ASSERT(!bpf_map_update_elem(map, key, &i, 0));
    }
    qs_ebpf_stx(e, QS_EBPF_W, QS_EBPF_R10, -8, QS_EBPF_R4);
    qs_ebpf_stx(e, QS_EBPF_W, QS_EBPF_R10, -4, QS_EBPF_R5);
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R6, QS_EBPF_R1);
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R2, QS_EBPF_R10);
    qs_ebpf_alu_imm(e, QS_EBPF_ADD, QS_EBPF_R2, -8);
    qs_ebpf_lddw_map(e, QS_EBPF_R1, map);
    qs_ebpf_call(e, BPF_FUNC_map_lookup_elem);
    qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, QS_EBPF_R0, 0, pass);
    qs_ebpf_alu_reg(e, QS_EBPF_MOV, QS_EBPF_R1, QS_EBPF_R6);
}

static int
other_way(how_t how, qs_xdp_pair_t const *pair, u32 cnt, int xskmap)
{
    static qs_ebpf_t e;
    qs_ebpf_init(&e);
    qs_ebpf_label_t pass = qs_ebpf_label(&e);
    qs_ebpf_label_t redirect = qs_ebpf_label(&e);
    if (how != HOW_PASS)
        checks(&e, pass);
    if (how == HOW_ROW)
        by_row(&e, pair, cnt, pass, redirect);
    if (how == HOW_MAP)
        by_map(&e, pair, cnt, pass);
    qs_ebpf_bind(&e, redirect);
    if (how != HOW_PASS) {
        qs_ebpf_ldx(&e, QS_EBPF_W, QS_EBPF_R2, QS_EBPF_R1, offsetof(struct xdp_md, rx_queue_index));
        qs_ebpf_lddw_map(&e, QS_EBPF_R1, xskmap);
        qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R3, XDP_PASS);
        qs_ebpf_call(&e, BPF_FUNC_redirect_map);
        qs_ebpf_exit(&e);
    }
    qs_ebpf_bind(&e, pass);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, XDP_PASS);
    qs_ebpf_exit(&e);
    QS_ASSERT(!qs_ebpf_resolve(&e));
    int fd = qs_xdp_prog_load("bench", &e, stderr);
    QS_ASSERT(fd >= 0);
    return fd;
}

static void
add(bench_t *b, char const *what, char const *variant, int prog_fd, u16 port)
{
    static shot_t shots[BENCH_ROW_MAX];
    shot_t *s = &shots[b->row_cnt];
    qs_frame_to_t to = {.src_ip = OUR_IP - 1,
                        .dst_ip = OUR_IP,
                        .src_port = 5000,
                        .dst_port = port,
                        .vlan = QS_FRAME_NO_VLAN};
    s->prog_fd = prog_fd;
    qs_frame_write(s->frame, &to, "abcdefghijklmnopq", 18);
    bench_add(
        b, &(bench_row_t){.what = what, .variant = variant, .fn = shoot, .ctx = s, .ops = REPEAT});
}

static void
add_pairs(bench_t *b, u32 cnt)
{
    static char what[8][48];
    static u32 used;
    qs_xdp_pair_t pair[QS_XDP_PAIR_MAX];
    qs_xdp_t xdp;
    qs_xdp_spec_t spec = {.pair = pair, .pair_cnt = cnt, .queue_cnt = 1};
    for (u32 i = 0; i < cnt; i++)
        pair[i] = (qs_xdp_pair_t){OUR_IP, (u16)(OUR_MIN + i)};
    QS_ASSERT(!qs_xdp_load(&xdp, &spec, stderr));
    int row = other_way(HOW_ROW, pair, cnt, xdp.map_fd);
    int map = other_way(HOW_MAP, pair, cnt, xdp.map_fd);
    for (u32 miss = 0; miss < 2; miss++) {
        u16 port = (u16)(miss ? OUR_MIN - 1 : OUR_MIN + cnt - 1);
        char *text = what[used++];
        snprintf(text, sizeof(what[0]), "xdp program, %u pairs, %s", cnt,
                 miss ? "other port" : "last one");
        add(b, text, "immediates, searched", xdp.prog_fd, port);
        add(b, text, "immediates in a row", row, port);
        add(b, text, "hash map", map, port);
    }
}

int
main(int argc, char **argv)
{
    static bench_t b;
    bench_init(&b, "xdp", argc, argv);
    if (geteuid()) {
        fprintf(stderr, "bench xdp: needs root\n");
        return 3;
    }
    add(&b, "xdp program that only passes", "loop of the kernel", other_way(HOW_PASS, NULL, 0, -1),
        OUR_MIN);
    add_pairs(&b, 1);
    add_pairs(&b, 4);
    add_pairs(&b, 16);
    add_pairs(&b, 64);
    return bench_run(&b);
}

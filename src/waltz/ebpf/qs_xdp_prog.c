#include "waltz/ebpf/qs_xdp_prog.h"

#include <arpa/inet.h>

/* Offsets in a frame without VLAN tag and IP options; both only move the pointers. */
#define AT_TYPE      12
#define AT_TAG_TYPE  16
#define AT_VERSION   14
#define AT_FRAGMENT  20
#define AT_PROTO     23
#define AT_DST_IP    30
#define AT_DST_PORT  36
#define HDR_SZ       42
#define VLAN_SZ      4
#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_8Q 0x8100
#define IP_FRAGMENT  0x3fff /* more-fragments bit, or an offset */
#define IP_UDP       17

/* A leaf of a search compares that many keys in a row; more are split in two.  See
   docs/performance-ebpf.md. */
#define LEAF_MAX 4u

#define RESULT QS_EBPF_R0
#define CTX    QS_EBPF_R1
#define FRAME  QS_EBPF_R2 /* moved behind a VLAN tag, and so that options end at offset 34 */
#define END    QS_EBPF_R3
#define DST_IP QS_EBPF_R4
#define TEMP   QS_EBPF_R5

typedef struct gen {
    qs_ebpf_t *e;
    qs_ebpf_label_t pass;
    qs_ebpf_label_t redirect;
    bool any_port;
    qs_xdp_pair_t pair[QS_XDP_PAIR_MAX]; /* sorted as the program compares: as loaded */
} gen_t;

/* emit_bounds leaves unless the frame has sz bytes from FRAME on. */
static void
emit_bounds(gen_t *g, i32 sz)
{
    qs_ebpf_alu_reg(g->e, QS_EBPF_MOV, TEMP, FRAME);
    qs_ebpf_alu_imm(g->e, QS_EBPF_ADD, TEMP, sz);
    qs_ebpf_jmp_reg(g->e, QS_EBPF_JGT, TEMP, END, g->pass);
}

/* emit_ethernet: behind it FRAME + 14 is an IPv4 packet of at least 28 bytes. */
static void
emit_ethernet(gen_t *g)
{
    qs_ebpf_t *e = g->e;
    qs_ebpf_label_t ip = qs_ebpf_label(e);

    qs_ebpf_ldx(e, QS_EBPF_W, FRAME, CTX, offsetof(struct xdp_md, data));
    qs_ebpf_ldx(e, QS_EBPF_W, END, CTX, offsetof(struct xdp_md, data_end));
    emit_bounds(g, HDR_SZ);
    qs_ebpf_ldx(e, QS_EBPF_H, TEMP, FRAME, AT_TYPE);
    qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, TEMP, htons(ETHERTYPE_IP), ip);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, TEMP, htons(ETHERTYPE_8Q), g->pass);
    qs_ebpf_ldx(e, QS_EBPF_H, TEMP, FRAME, AT_TAG_TYPE);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, TEMP, htons(ETHERTYPE_IP), g->pass);
    qs_ebpf_alu_imm(e, QS_EBPF_ADD, FRAME, VLAN_SZ);
    emit_bounds(g, HDR_SZ);
    qs_ebpf_bind(e, ip);
}

/* emit_ipv4: behind it DST_IP is loaded, the packet is UDP and no fragment, and FRAME + 34 is the
   UDP header. */
static void
emit_ipv4(gen_t *g)
{
    qs_ebpf_t *e = g->e;
    qs_ebpf_label_t udp = qs_ebpf_label(e);

    qs_ebpf_ldx(e, QS_EBPF_B, TEMP, FRAME, AT_PROTO);
    qs_ebpf_jmp_imm(e, QS_EBPF_JNE, TEMP, IP_UDP, g->pass);
    qs_ebpf_ldx(e, QS_EBPF_H, TEMP, FRAME, AT_FRAGMENT);
    qs_ebpf_jmp_imm(e, QS_EBPF_JSET, TEMP, htons(IP_FRAGMENT), g->pass);
    qs_ebpf_ldx(e, QS_EBPF_W, DST_IP, FRAME, AT_DST_IP);
    qs_ebpf_ldx(e, QS_EBPF_B, RESULT, FRAME, AT_VERSION);
    qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, RESULT, 0x45, udp);
    qs_ebpf_jmp_imm(e, QS_EBPF_JLT, RESULT, 0x46, g->pass);
    qs_ebpf_jmp_imm(e, QS_EBPF_JGT, RESULT, 0x4f, g->pass);
    qs_ebpf_alu_imm(e, QS_EBPF_SUB, RESULT, 0x45);
    qs_ebpf_alu_imm(e, QS_EBPF_LSH, RESULT, 2);
    qs_ebpf_alu_reg(e, QS_EBPF_ADD, FRAME, RESULT);
    emit_bounds(g, HDR_SZ);
    qs_ebpf_bind(e, udp);
}

/* emit_ports goes to redirect if TEMP is one of cnt ports, else to pass. */
static void
emit_ports(gen_t *g, qs_xdp_pair_t const *pair, u32 cnt)
{
    qs_ebpf_t *e = g->e;
    if (cnt > LEAF_MAX) {
        qs_ebpf_label_t upper = qs_ebpf_label(e);
        qs_ebpf_jmp_imm(e, QS_EBPF_JGE, TEMP, pair[cnt / 2].port, upper);
        emit_ports(g, pair, cnt / 2);
        qs_ebpf_bind(e, upper);
        emit_ports(g, pair + cnt / 2, cnt - cnt / 2);
        return;
    }
    for (u32 i = 0; i < cnt; i++)
        qs_ebpf_jmp_imm(e, QS_EBPF_JEQ, TEMP, pair[i].port, g->redirect);
    qs_ebpf_ja(e, g->pass);
}

static u32
same_address(qs_xdp_pair_t const *pair, u32 cnt)
{
    u32 n = 1;
    while (n < cnt && pair[n].ip == pair[0].ip)
        n++;
    return n;
}

/* emit_pairs finds DST_IP among the sorted pairs, then the port among those of that address. */
static void
emit_pairs(gen_t *g, qs_xdp_pair_t const *pair, u32 cnt)
{
    qs_ebpf_t *e = g->e;
    u32 first = same_address(pair, cnt);
    if (first == cnt) {
        qs_ebpf_jmp32_imm(e, QS_EBPF_JNE, DST_IP, (i32)pair->ip, g->pass);
        if (g->any_port)
            qs_ebpf_ja(e, g->redirect);
        else
            emit_ports(g, pair, cnt);
        return;
    }
    u32 half =
        first; /* the first pair of the address in the middle, or of the one behind the first */
    while (half + same_address(pair + half, cnt - half) <= cnt / 2)
        half += same_address(pair + half, cnt - half);
    qs_ebpf_label_t upper = qs_ebpf_label(e);
    qs_ebpf_jmp32_imm(e, QS_EBPF_JGE, DST_IP, (i32)pair[half].ip, upper);
    emit_pairs(g, pair, half);
    qs_ebpf_bind(e, upper);
    emit_pairs(g, pair + half, cnt - half);
}

static void
emit_ends(gen_t *g, int xskmap_fd)
{
    qs_ebpf_t *e = g->e;
    qs_ebpf_bind(e, g->redirect);
    qs_ebpf_ldx(e, QS_EBPF_W, QS_EBPF_R2, CTX, offsetof(struct xdp_md, rx_queue_index));
    qs_ebpf_lddw_map(e, QS_EBPF_R1, xskmap_fd);
    qs_ebpf_alu_imm(e, QS_EBPF_MOV, QS_EBPF_R3, XDP_PASS); /* the answer when the slot is empty */
    qs_ebpf_call(e, BPF_FUNC_redirect_map);
    qs_ebpf_exit(e);
    qs_ebpf_bind(e, g->pass);
    qs_ebpf_alu_imm(e, QS_EBPF_MOV, RESULT, XDP_PASS);
    qs_ebpf_exit(e);
}

static int
compare(void const *left, void const *right)
{
    qs_xdp_pair_t const *a = left;
    qs_xdp_pair_t const *b = right;
    if (a->ip != b->ip)
        return a->ip < b->ip ? -1 : 1;
    return (int)a->port - (int)b->port;
}

int
qs_xdp_prog_build(qs_ebpf_t *ebpf, qs_xdp_filter_t filter, qs_xdp_pair_t const *pair, u32 pair_cnt,
                  int xskmap_fd)
{
    bool any_port = filter == QS_XDP_FILTER_USER;
    if (!pair_cnt || pair_cnt > QS_XDP_PAIR_MAX || xskmap_fd < 0 ||
        (!any_port && filter != QS_XDP_FILTER_KERNEL))
        return -EINVAL;

    qs_ebpf_init(ebpf);
    gen_t g = {.e = ebpf, .any_port = any_port};
    g.pass = qs_ebpf_label(ebpf);
    g.redirect = qs_ebpf_label(ebpf);
    for (u32 i = 0; i < pair_cnt; i++)
        g.pair[i] = (qs_xdp_pair_t){.ip = htonl(pair[i].ip), .port = htons(pair[i].port)};
    qsort(g.pair, pair_cnt, sizeof(g.pair[0]), compare);

    emit_ethernet(&g);
    emit_ipv4(&g);
    if (!any_port)
        qs_ebpf_ldx(ebpf, QS_EBPF_H, TEMP, FRAME, AT_DST_PORT);
    emit_pairs(&g, g.pair, pair_cnt);
    emit_ends(&g, xskmap_fd);
    return qs_ebpf_resolve(ebpf);
}

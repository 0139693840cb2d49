#include "waltz/ebpf/qs_ebpf.h"

void
qs_ebpf_init(qs_ebpf_t *e)
{
    memset(e, 0, sizeof(*e));
}

static void
fail(qs_ebpf_t *e, int err)
{
    if (!e->err)
        e->err = err;
}

qs_ebpf_label_t
qs_ebpf_label(qs_ebpf_t *e)
{
    if (e->label_cnt == QS_EBPF_LABEL_MAX) {
        fail(e, -ENOSPC);
        return (qs_ebpf_label_t){QS_EBPF_LABEL_MAX};
    }
    e->bound[e->label_cnt] = -1;
    return (qs_ebpf_label_t){e->label_cnt++};
}

void
qs_ebpf_bind(qs_ebpf_t *e, qs_ebpf_label_t label)
{
    if (label.idx >= e->label_cnt || e->bound[label.idx] >= 0) {
        fail(e, -EINVAL);
        return;
    }
    e->bound[label.idx] = (i32)e->cnt;
}

/* put appends one instruction.  The registers' types are only names to the compiler. */
static void
put(qs_ebpf_t *e, u32 code, u32 dst, u32 src, i16 off, i32 imm)
{
    if (e->cnt == QS_EBPF_INSN_MAX) {
        fail(e, -ENOSPC);
        return;
    }
    if (dst >= QS_EBPF_REG_CNT || src >= QS_EBPF_REG_CNT) {
        fail(e, -EINVAL);
        return;
    }
    struct bpf_insn *insn = &e->insn[e->cnt++];
    *insn = (struct bpf_insn){.code = (u8)code, .off = off, .imm = imm};
    insn->dst_reg = dst & 15;
    insn->src_reg = src & 15;
}

static void
put_jump(qs_ebpf_t *e, u32 code, u32 dst, u32 src, i32 imm, qs_ebpf_label_t to)
{
    if (to.idx >= e->label_cnt) {
        fail(e, -EINVAL);
        return;
    }
    u32 at = e->cnt;
    put(e, code, dst, src, 0, imm);
    if (e->cnt > at)
        e->target[at] = (u16)(1 + to.idx);
}

void
qs_ebpf_alu_reg(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, qs_ebpf_reg_t src)
{
    put(e, BPF_ALU64 | BPF_X | op, dst, src, 0, 0);
}

void
qs_ebpf_alu_imm(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, i32 imm)
{
    put(e, BPF_ALU64 | BPF_K | op, dst, 0, 0, imm);
}

void
qs_ebpf_alu32_reg(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, qs_ebpf_reg_t src)
{
    put(e, BPF_ALU | BPF_X | op, dst, src, 0, 0);
}

void
qs_ebpf_alu32_imm(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, i32 imm)
{
    put(e, BPF_ALU | BPF_K | op, dst, 0, 0, imm);
}

void
qs_ebpf_swap(qs_ebpf_t *e, qs_ebpf_reg_t dst, u32 bits)
{
    if (bits != 16 && bits != 32 && bits != 64)
        fail(e, -EINVAL);
    put(e, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, (i32)bits);
}

void
qs_ebpf_ldx(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, qs_ebpf_reg_t src, i16 off)
{
    put(e, BPF_LDX | BPF_MEM | width, dst, src, off, 0);
}

void
qs_ebpf_stx(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, i16 off, qs_ebpf_reg_t src)
{
    put(e, BPF_STX | BPF_MEM | width, dst, src, off, 0);
}

void
qs_ebpf_st(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, i16 off, i32 imm)
{
    put(e, BPF_ST | BPF_MEM | width, dst, 0, off, imm);
}

/* put_wide appends the instruction of two slots whole, or not at all. */
static void
put_wide(qs_ebpf_t *e, u32 dst, u32 src, u64 imm)
{
    if (e->cnt + 2 > QS_EBPF_INSN_MAX) {
        fail(e, -ENOSPC);
        return;
    }
    put(e, BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, (i32)(u32)imm);
    put(e, 0, 0, 0, 0, (i32)(u32)(imm >> 32));
}

void
qs_ebpf_lddw(qs_ebpf_t *e, qs_ebpf_reg_t dst, u64 imm)
{
    put_wide(e, dst, 0, imm);
}

void
qs_ebpf_lddw_map(qs_ebpf_t *e, qs_ebpf_reg_t dst, int map_fd)
{
    put_wide(e, dst, BPF_PSEUDO_MAP_FD, (u32)map_fd);
}

void
qs_ebpf_ja(qs_ebpf_t *e, qs_ebpf_label_t to)
{
    put_jump(e, BPF_JMP | BPF_JA, 0, 0, 0, to);
}

void
qs_ebpf_jmp_reg(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, qs_ebpf_reg_t src,
                qs_ebpf_label_t to)
{
    put_jump(e, BPF_JMP | BPF_X | cond, dst, src, 0, to);
}

void
qs_ebpf_jmp_imm(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, i32 imm, qs_ebpf_label_t to)
{
    put_jump(e, BPF_JMP | BPF_K | cond, dst, 0, imm, to);
}

void
qs_ebpf_jmp32_imm(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, i32 imm, qs_ebpf_label_t to)
{
    put_jump(e, BPF_JMP32 | BPF_K | cond, dst, 0, imm, to);
}

void
qs_ebpf_call(qs_ebpf_t *e, u32 helper)
{
    put(e, BPF_JMP | BPF_CALL, 0, 0, 0, (i32)helper);
}

void
qs_ebpf_exit(qs_ebpf_t *e)
{
    put(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

int
qs_ebpf_resolve(qs_ebpf_t *e)
{
    for (u32 i = 0; !e->err && i < e->cnt; i++) {
        if (!e->target[i])
            continue;
        i32 to = e->bound[e->target[i] - 1];
        i32 distance = to - (i32)i - 1;
        if (to < 0)
            fail(e, -ENOENT);
        else if ((u32)to >= e->cnt || distance < INT16_MIN || distance > INT16_MAX)
            fail(e, -ERANGE);
        else
            e->insn[i].off = (i16)distance;
    }
    return e->err;
}

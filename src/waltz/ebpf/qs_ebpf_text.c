#include <stdarg.h>

#include "waltz/ebpf/qs_ebpf.h"

static char const *const alu_sign[16] = {
    "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", NULL, "%=", "^=", "=", "s>>="};
static char const *const cond_sign[16] = {
    [BPF_JEQ >> 4] = "==", [BPF_JGT >> 4] = ">",   [BPF_JGE >> 4] = ">=",   [BPF_JSET >> 4] = "&",
    [BPF_JNE >> 4] = "!=", [BPF_JSGT >> 4] = "s>", [BPF_JSGE >> 4] = "s>=", [BPF_JLT >> 4] = "<",
    [BPF_JLE >> 4] = "<=", [BPF_JSLT >> 4] = "s<", [BPF_JSLE >> 4] = "s<="};
static char const *const width_name[4] = {"u32", "u16", "u8", "u64"};

typedef struct out {
    char *text;
    u64 sz;
} out_t;

static bool __attribute__((format(printf, 2, 3))) say(out_t const *o, char const *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(o->text, o->sz, fmt, args);
    va_end(args);
    return true;
}

/* name writes a register: w for the lower half, as the verifier calls it. */
static char const *
name(char *buf, bool half, u32 reg)
{
    snprintf(buf, 4, "%c%u", half ? 'w' : 'r', reg & 15);
    return buf;
}

/* operand writes the right side: a register or a number. */
static char const *
operand(char *buf, struct bpf_insn const *i, bool half)
{
    if (BPF_SRC(i->code) == BPF_X)
        return name(buf, half, i->src_reg);
    bool minus = i->imm < 0;
    snprintf(buf, 16, "%s0x%x", minus ? "-" : "", minus ? 0u - (u32)i->imm : (u32)i->imm);
    return buf;
}

static bool
text_alu(out_t const *o, struct bpf_insn const *i)
{
    bool half = BPF_CLASS(i->code) == BPF_ALU;
    char dst[4], src[16];
    name(dst, half, i->dst_reg);
    if (i->off || i->dst_reg > 10 || i->src_reg > 10)
        return false;
    if (BPF_OP(i->code) == BPF_END) {
        bool known = half && (i->imm == 16 || i->imm == 32 || i->imm == 64) && !i->src_reg;
        char const *order = BPF_SRC(i->code) == BPF_TO_BE ? "be" : "le";
        return known && say(o, "r%u = %s%d r%u", i->dst_reg, order, i->imm, i->dst_reg);
    }
    if (BPF_OP(i->code) == BPF_NEG)
        return !i->imm && !i->src_reg && BPF_SRC(i->code) == BPF_K && say(o, "%s = -%s", dst, dst);
    char const *sign = alu_sign[BPF_OP(i->code) >> 4];
    bool unused = BPF_SRC(i->code) == BPF_X ? i->imm : i->src_reg;
    return sign && !unused && say(o, "%s %s %s", dst, sign, operand(src, i, half));
}

static bool
text_jump(out_t const *o, struct bpf_insn const *i, u32 at)
{
    bool half = BPF_CLASS(i->code) == BPF_JMP32;
    i64 to = (i64)at + 1 + i->off;
    char dst[4], src[16];
    if (i->dst_reg > 10 || i->src_reg > 10)
        return false;
    switch (i->code) {
    case BPF_JMP | BPF_JA:
        return !i->imm && !i->dst_reg && !i->src_reg && say(o, "goto %ld", (long)to);
    case BPF_JMP | BPF_EXIT:
        return !i->imm && !i->off && !i->dst_reg && !i->src_reg && say(o, "exit");
    case BPF_JMP | BPF_CALL:
        return !i->off && !i->dst_reg && !i->src_reg && say(o, "call %d", i->imm);
    default:
        break;
    }
    char const *sign = cond_sign[BPF_OP(i->code) >> 4];
    bool unused = BPF_SRC(i->code) == BPF_X ? i->imm : i->src_reg;
    return sign && !unused &&
           say(o, "if %s %s %s goto %ld", name(dst, half, i->dst_reg), sign, operand(src, i, half),
               (long)to);
}

static bool
text_memory(out_t const *o, struct bpf_insn const *i)
{
    char const *width = width_name[BPF_SIZE(i->code) >> 3];
    char const sign = i->off < 0 ? '-' : '+';
    int off = i->off < 0 ? -i->off : i->off;
    char imm[16];
    if (i->dst_reg > 10 || i->src_reg > 10 || BPF_MODE(i->code) != BPF_MEM)
        return false;
    switch (BPF_CLASS(i->code)) {
    case BPF_LDX:
        return !i->imm &&
               say(o, "r%u = *(%s *)(r%u %c %d)", i->dst_reg, width, i->src_reg, sign, off);
    case BPF_STX:
        return !i->imm &&
               say(o, "*(%s *)(r%u %c %d) = r%u", width, i->dst_reg, sign, off, i->src_reg);
    default: {
        struct bpf_insn number = {.imm = i->imm};
        return !i->src_reg && say(o, "*(%s *)(r%u %c %d) = %s", width, i->dst_reg, sign, off,
                                  operand(imm, &number, false));
    }
    }
}

static bool
text_wide(out_t const *o, struct bpf_insn const *i)
{
    u64 imm = (u32)i->imm | (u64)(u32)i[1].imm << 32;
    bool whole = !i[1].code && !i[1].dst_reg && !i[1].src_reg && !i[1].off;
    if (!whole || i->off || i->dst_reg > 10)
        return false;
    switch (i->src_reg) {
    case 0:
        return say(o, "r%u = 0x%lx ll", i->dst_reg, (unsigned long)imm);
    case BPF_PSEUDO_MAP_FD:
        return imm <= INT32_MAX && say(o, "r%u = map %d", i->dst_reg, i->imm);
    default:
        return false;
    }
}

u32
qs_ebpf_text(char *text, u64 sz, struct bpf_insn const *insn, u32 cnt, u32 at)
{
    out_t o = {text, sz};
    struct bpf_insn const *i = &insn[at];
    bool known = false;
    switch (BPF_CLASS(i->code)) {
    case BPF_ALU:
    case BPF_ALU64:
        known = text_alu(&o, i);
        break;
    case BPF_JMP:
    case BPF_JMP32:
        known = text_jump(&o, i, at);
        break;
    case BPF_LD:
        if (i->code == (BPF_LD | BPF_IMM | BPF_DW) && at + 1 < cnt && text_wide(&o, i))
            return 2;
        break;
    default:
        known = text_memory(&o, i);
    }
    if (!known)
        say(&o, ".insn %02x %x%x %04x %08x", i->code, i->dst_reg, i->src_reg, (u16)i->off,
            (u32)i->imm);
    return 1;
}

void
qs_ebpf_write(FILE *out, struct bpf_insn const *insn, u32 cnt)
{
    for (u32 at = 0; at < cnt;) {
        char text[QS_EBPF_TEXT_MAX];
        u32 took = qs_ebpf_text(text, sizeof(text), insn, cnt, at);
        fprintf(out, "%4u: %s\n", at, text);
        at += took;
    }
}

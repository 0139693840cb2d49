/* Goal: each instruction has the bytes that the instruction set's document (RFC 9669) gives it,
   labels become the right distances, and every mistake is refused.
   Method: encodings written out by hand from the document; the XDP program disassembled, and
   assembled again from its text by a reader that knows nothing of the writer's tables. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_rng.h"
#include "waltz/ebpf/qs_xdp_prog.h"

static qs_ebpf_t e;

static void
start(void)
{
    qs_ebpf_init(&e);
}

TestSuite(ebpf, .init = start);

/* golden compares all that was put so far with bytes in the order of memory:
   opcode, src:4 dst:4, offset, immediate. */
static void
golden(u8 const (*want)[8], u32 cnt)
{
    cr_assert(eq(int, qs_ebpf_resolve(&e), 0));
    cr_assert(eq(u32, e.cnt, cnt));
    for (u32 i = 0; i < cnt; i++) {
        char text[QS_EBPF_TEXT_MAX];
        qs_ebpf_text(text, sizeof(text), e.insn, e.cnt, i);
        cr_expect(memcmp(&e.insn[i], want[i], 8) == 0, "%u: %s", i, text);
    }
}

Test(ebpf, arithmetic_is_encoded_as_the_document_says)
{
    static u8 const want[][8] = {
        {0x0f, 0x21, 0, 0, 0, 0, 0, 0},             /* r1 += r2 */
        {0x07, 0x0a, 0, 0, 0xfc, 0xff, 0xff, 0xff}, /* r10 += -4 */
        {0x14, 0x03, 0, 0, 1, 0, 0, 0},             /* w3 -= 1 */
        {0x2c, 0x54, 0, 0, 0, 0, 0, 0},             /* w4 *= w5 */
        {0x37, 0x06, 0, 0, 7, 0, 0, 0},             /* r6 /= 7 */
        {0x4f, 0x87, 0, 0, 0, 0, 0, 0},             /* r7 |= r8 */
        {0x54, 0x09, 0, 0, 0x0f, 0, 0, 0},          /* w9 &= 15 */
        {0x67, 0x00, 0, 0, 2, 0, 0, 0},             /* r0 <<= 2 */
        {0x77, 0x01, 0, 0, 3, 0, 0, 0},             /* r1 >>= 3 */
        {0x87, 0x02, 0, 0, 0, 0, 0, 0},             /* r2 = -r2 */
        {0x97, 0x03, 0, 0, 10, 0, 0, 0},            /* r3 %= 10 */
        {0xaf, 0x54, 0, 0, 0, 0, 0, 0},             /* r4 ^= r5 */
        {0xbf, 0xa6, 0, 0, 0, 0, 0, 0},             /* r6 = r10 */
        {0xb7, 0x00, 0, 0, 2, 0, 0, 0},             /* r0 = 2 */
        {0xb4, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff}, /* w0 = -1 */
        {0xc7, 0x07, 0, 0, 31, 0, 0, 0},            /* r7 s>>= 31 */
        {0xdc, 0x08, 0, 0, 16, 0, 0, 0},            /* r8 = be16 r8 */
        {0xdc, 0x08, 0, 0, 64, 0, 0, 0},            /* r8 = be64 r8 */
    };
    qs_ebpf_alu_reg(&e, QS_EBPF_ADD, QS_EBPF_R1, QS_EBPF_R2);
    qs_ebpf_alu_imm(&e, QS_EBPF_ADD, QS_EBPF_R10, -4);
    qs_ebpf_alu32_imm(&e, QS_EBPF_SUB, QS_EBPF_R3, 1);
    qs_ebpf_alu32_reg(&e, QS_EBPF_MUL, QS_EBPF_R4, QS_EBPF_R5);
    qs_ebpf_alu_imm(&e, QS_EBPF_DIV, QS_EBPF_R6, 7);
    qs_ebpf_alu_reg(&e, QS_EBPF_OR, QS_EBPF_R7, QS_EBPF_R8);
    qs_ebpf_alu32_imm(&e, QS_EBPF_AND, QS_EBPF_R9, 15);
    qs_ebpf_alu_imm(&e, QS_EBPF_LSH, QS_EBPF_R0, 2);
    qs_ebpf_alu_imm(&e, QS_EBPF_RSH, QS_EBPF_R1, 3);
    qs_ebpf_alu_imm(&e, QS_EBPF_NEG, QS_EBPF_R2, 0);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOD, QS_EBPF_R3, 10);
    qs_ebpf_alu_reg(&e, QS_EBPF_XOR, QS_EBPF_R4, QS_EBPF_R5);
    qs_ebpf_alu_reg(&e, QS_EBPF_MOV, QS_EBPF_R6, QS_EBPF_R10);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, 2);
    qs_ebpf_alu32_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, -1);
    qs_ebpf_alu_imm(&e, QS_EBPF_ARSH, QS_EBPF_R7, 31);
    qs_ebpf_swap(&e, QS_EBPF_R8, 16);
    qs_ebpf_swap(&e, QS_EBPF_R8, 64);
    golden(want, QS_COUNT(want));
}

Test(ebpf, memory_and_constants_are_encoded_as_the_document_says)
{
    static u8 const want[][8] = {
        {0x61, 0x12, 0, 0, 0, 0, 0, 0},                /* r2 = *(u32 *)(r1 + 0) */
        {0x69, 0x25, 12, 0, 0, 0, 0, 0},               /* r5 = *(u16 *)(r2 + 12) */
        {0x71, 0x20, 0xff, 0xff, 0, 0, 0, 0},          /* r0 = *(u8 *)(r2 - 1) */
        {0x79, 0xa3, 0xf8, 0xff, 0, 0, 0, 0},          /* r3 = *(u64 *)(r10 - 8) */
        {0x63, 0x4a, 0xfc, 0xff, 0, 0, 0, 0},          /* *(u32 *)(r10 - 4) = r4 */
        {0x7b, 0x6a, 0xf0, 0xff, 0, 0, 0, 0},          /* *(u64 *)(r10 - 16) = r6 */
        {0x6a, 0x0a, 0xfe, 0xff, 0x34, 0x12, 0, 0},    /* *(u16 *)(r10 - 2) = 0x1234 */
        {0x72, 0x01, 0, 0x80, 0xff, 0xff, 0xff, 0xff}, /* *(u8 *)(r1 - 32768) = -1 */
        {0x18, 0x01, 0, 0, 0x88, 0x77, 0x66, 0x55},    /* r1 = 0x1122334455667788 */
        {0x00, 0x00, 0, 0, 0x44, 0x33, 0x22, 0x11},
        {0x18, 0x11, 0, 0, 7, 0, 0, 0}, /* r1 = map fd 7 */
        {0x00, 0x00, 0, 0, 0, 0, 0, 0},
    };
    qs_ebpf_ldx(&e, QS_EBPF_W, QS_EBPF_R2, QS_EBPF_R1, 0);
    qs_ebpf_ldx(&e, QS_EBPF_H, QS_EBPF_R5, QS_EBPF_R2, 12);
    qs_ebpf_ldx(&e, QS_EBPF_B, QS_EBPF_R0, QS_EBPF_R2, -1);
    qs_ebpf_ldx(&e, QS_EBPF_DW, QS_EBPF_R3, QS_EBPF_R10, -8);
    qs_ebpf_stx(&e, QS_EBPF_W, QS_EBPF_R10, -4, QS_EBPF_R4);
    qs_ebpf_stx(&e, QS_EBPF_DW, QS_EBPF_R10, -16, QS_EBPF_R6);
    qs_ebpf_st(&e, QS_EBPF_H, QS_EBPF_R10, -2, 0x1234);
    qs_ebpf_st(&e, QS_EBPF_B, QS_EBPF_R1, INT16_MIN, -1);
    qs_ebpf_lddw(&e, QS_EBPF_R1, 0x1122334455667788u);
    qs_ebpf_lddw_map(&e, QS_EBPF_R1, 7);
    golden(want, QS_COUNT(want));
}

Test(ebpf, jumps_are_encoded_as_the_document_says)
{
    static u8 const want[][8] = {
        {0x05, 0x00, 15, 0, 0, 0, 0, 0},             /* goto 16 */
        {0x15, 0x01, 14, 0, 8, 0, 0, 0},             /* if r1 == 8 goto 16 */
        {0x25, 0x02, 13, 0, 1, 0, 0, 0},             /* > */
        {0x3d, 0x32, 12, 0, 0, 0, 0, 0},             /* if r2 >= r3 */
        {0x45, 0x05, 11, 0, 0x3f, 0xff, 0, 0},       /* if r5 & 0xff3f */
        {0x55, 0x05, 10, 0, 0xff, 0xff, 0xff, 0xff}, /* if r5 != -1 */
        {0x6d, 0x21, 9, 0, 0, 0, 0, 0},              /* if r1 s> r2 */
        {0x75, 0x01, 8, 0, 0, 0, 0, 0},              /* s>= */
        {0xa5, 0x00, 7, 0, 0x46, 0, 0, 0},           /* < */
        {0xb5, 0x00, 6, 0, 1, 0, 0, 0},              /* <= */
        {0xc5, 0x00, 5, 0, 1, 0, 0, 0},              /* s< */
        {0xd5, 0x00, 4, 0, 1, 0, 0, 0},              /* s<= */
        {0x56, 0x04, 3, 0, 0xc0, 0xa8, 1, 7},        /* if w4 != 0x0701a8c0 */
        {0x36, 0x04, 0xff, 0xff, 1, 0, 0, 0},        /* if w4 >= 1 goto itself */
        {0x85, 0x00, 0, 0, 51, 0, 0, 0},             /* call bpf_redirect_map */
        {0x05, 0x00, 0xf0, 0xff, 0, 0, 0, 0},        /* goto 0 */
        {0x95, 0x00, 0, 0, 0, 0, 0, 0},              /* exit */
    };
    static qs_ebpf_cond_t const imm_cond[] = {QS_EBPF_JLT, QS_EBPF_JLE, QS_EBPF_JSLT, QS_EBPF_JSLE};
    qs_ebpf_label_t first = qs_ebpf_label(&e);
    qs_ebpf_label_t self = qs_ebpf_label(&e);
    qs_ebpf_label_t end = qs_ebpf_label(&e);
    qs_ebpf_bind(&e, first);
    qs_ebpf_ja(&e, end);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JEQ, QS_EBPF_R1, 8, end);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JGT, QS_EBPF_R2, 1, end);
    qs_ebpf_jmp_reg(&e, QS_EBPF_JGE, QS_EBPF_R2, QS_EBPF_R3, end);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JSET, QS_EBPF_R5, 0xff3f, end);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JNE, QS_EBPF_R5, -1, end);
    qs_ebpf_jmp_reg(&e, QS_EBPF_JSGT, QS_EBPF_R1, QS_EBPF_R2, end);
    qs_ebpf_jmp_imm(&e, QS_EBPF_JSGE, QS_EBPF_R1, 0, end);
    for (u32 i = 0; i < 4; i++)
        qs_ebpf_jmp_imm(&e, imm_cond[i], QS_EBPF_R0, i ? 1 : 0x46, end);
    qs_ebpf_jmp32_imm(&e, QS_EBPF_JNE, QS_EBPF_R4, 0x0701a8c0, end);
    qs_ebpf_bind(&e, self);
    qs_ebpf_jmp32_imm(&e, QS_EBPF_JGE, QS_EBPF_R4, 1, self);
    qs_ebpf_call(&e, BPF_FUNC_redirect_map);
    qs_ebpf_ja(&e, first);
    qs_ebpf_bind(&e, end);
    qs_ebpf_exit(&e);
    golden(want, QS_COUNT(want));
}

static void
use_after_end(void)
{
    qs_ebpf_label_t end = qs_ebpf_label(&e);
    qs_ebpf_ja(&e, end);
    qs_ebpf_bind(&e, end);
}

static void
use_unbound(void)
{
    qs_ebpf_ja(&e, qs_ebpf_label(&e));
    qs_ebpf_exit(&e);
}

static void
bind_twice(void)
{
    qs_ebpf_label_t l = qs_ebpf_label(&e);
    qs_ebpf_bind(&e, l);
    qs_ebpf_exit(&e);
    qs_ebpf_bind(&e, l);
}

static void
use_none(void)
{
    qs_ebpf_ja(&e, (qs_ebpf_label_t){3});
    qs_ebpf_exit(&e);
}

static void
bind_none(void)
{
    qs_ebpf_bind(&e, (qs_ebpf_label_t){0});
    qs_ebpf_exit(&e);
}

static void
no_register(void)
{
    qs_ebpf_alu_reg(&e, QS_EBPF_ADD, (qs_ebpf_reg_t)11, QS_EBPF_R0);
}

static void
no_width(void)
{
    qs_ebpf_swap(&e, QS_EBPF_R0, 24);
}

static void
too_long(void)
{
    for (u32 i = 0; i <= QS_EBPF_INSN_MAX; i++)
        qs_ebpf_exit(&e);
}

static void
half_a_constant(void)
{
    for (u32 i = 0; i < QS_EBPF_INSN_MAX - 1; i++)
        qs_ebpf_exit(&e);
    qs_ebpf_lddw(&e, QS_EBPF_R0, 1);
    cr_expect(eq(u32, e.cnt, QS_EBPF_INSN_MAX - 1));
}

static void
too_many_labels(void)
{
    for (u32 i = 0; i < QS_EBPF_LABEL_MAX; i++)
        qs_ebpf_label(&e);
    cr_expect(eq(int, e.err, 0));
    qs_ebpf_ja(&e, qs_ebpf_label(&e));
}

Test(ebpf, mistakes_are_remembered_and_refused_in_the_end)
{
    static struct {
        void (*make)(void);
        int err;
        char const *name;
    } const bad[] = {
        {use_after_end, -ERANGE, "a jump out of the program"},
        {use_unbound, -ENOENT, "a label never bound"},
        {bind_twice, -EINVAL, "a label bound twice"},
        {use_none, -EINVAL, "a jump to no label"},
        {bind_none, -EINVAL, "no label bound"},
        {no_register, -EINVAL, "no register"},
        {no_width, -EINVAL, "a swap of 24 bits"},
        {too_long, -ENOSPC, "too many instructions"},
        {half_a_constant, -ENOSPC, "half a constant"},
        {too_many_labels, -ENOSPC, "too many labels"},
    };
    for (u32 i = 0; i < QS_COUNT(bad); i++) {
        qs_ebpf_init(&e);
        bad[i].make();
        cr_expect(eq(int, qs_ebpf_resolve(&e), bad[i].err), "%s", bad[i].name);
    }
}

Test(ebpf, text_names_what_is_no_instruction_by_its_bytes)
{
    static struct {
        struct bpf_insn insn;
        char text[32];
    } const odd[] = {
        {{.code = 0xff}, ".insn ff 00 0000 00000000"},
        {{.code = 0x8d}, ".insn 8d 00 0000 00000000"},
        {{.code = 0xe7, .imm = 1}, ".insn e7 00 0000 00000001"},
        {{.code = 0x0f, .imm = 1}, ".insn 0f 00 0000 00000001"},
        {{.code = 0x07, .off = 1}, ".insn 07 00 0001 00000000"},
        {{.code = 0x07, .dst_reg = 11}, ".insn 07 b0 0000 00000000"},
        {{.code = 0x18}, ".insn 18 00 0000 00000000"}, /* its second half is missing */
        {{.code = 0xdb}, ".insn db 00 0000 00000000"}, /* atomic */
        {{.code = 0x95, .off = 1}, ".insn 95 00 0001 00000000"},
    };
    for (u32 i = 0; i < QS_COUNT(odd); i++) {
        char text[QS_EBPF_TEXT_MAX];
        cr_expect(eq(u32, qs_ebpf_text(text, sizeof(text), &odd[i].insn, 1, 0), 1));
        cr_expect(eq(str, text, (char *)odd[i].text));
    }
}

Test(ebpf, text_of_any_bytes_fits_and_ends)
{
    qs_rng_t rng;
    qs_rng_init(&rng, 11, 0);
    for (u32 i = 0; i < 2000000; i++) {
        struct bpf_insn insn[2];
        char text[QS_EBPF_TEXT_MAX];
        u64 raw[2] = {qs_rng_u64(&rng), 0};
        memcpy(insn, raw, sizeof(insn));
        insn[0].code = (u8)i;
        u32 took = qs_ebpf_text(text, sizeof(text), insn, 2, 0);
        u64 len = strlen(text);
        cr_assert(took == 1 || took == 2);
        cr_assert(len > 3 && len < sizeof(text) - 1);
    }
}

/* What follows reads the disassembler's text.  Returns whether text is of that form. */
static bool
read_op(char const *sign, u8 *op)
{
    static char const *const signs[] = {
        "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "?", "%=", "^=", "=", "s>>="};
    for (u32 i = 0; i < QS_COUNT(signs); i++) {
        if (!strcmp(sign, signs[i])) {
            *op = (u8)(i << 4);
            return true;
        }
    }
    return false;
}

static bool
read_cond(char const *sign, u8 *op)
{
    static struct {
        char sign[4];
        u8 op;
    } const all[] = {{"==", 0x10}, {">", 0x20},  {">=", 0x30},  {"&", 0x40},
                     {"!=", 0x50}, {"s>", 0x60}, {"s>=", 0x70}, {"<", 0xa0},
                     {"<=", 0xb0}, {"s<", 0xc0}, {"s<=", 0xd0}};
    for (u32 i = 0; i < QS_COUNT(all); i++) {
        if (!strcmp(sign, all[i].sign)) {
            *op = all[i].op;
            return true;
        }
    }
    return false;
}

/* read_right reads a register or a number into the right half of an instruction. */
static void
read_right(char const *text, struct bpf_insn *insn)
{
    if (text[0] == 'r' || text[0] == 'w') {
        insn->code |= BPF_X;
        insn->src_reg = (u8)(atoi(text + 1) & 15);
        return;
    }
    long long v = strtoll(text, NULL, 0);
    insn->imm = (i32)(u32)v;
}

static bool
read_line(char const *text, u32 at, struct bpf_insn *insn)
{
    char left[8], sign[8], right[24], width[8];
    char side;
    u32 dst, src;
    int to, off;
    u8 op;
    memset(insn, 0, sizeof(*insn));
    if (!strcmp(text, "exit")) {
        insn->code = 0x95;
    } else if (sscanf(text, "call %d", &to) == 1) {
        insn->code = 0x85;
        insn->imm = to;
    } else if (sscanf(text, "goto %d", &to) == 1) {
        insn->code = 0x05;
        insn->off = (i16)(to - (int)at - 1);
    } else if (sscanf(text, "if %7s %7s %23s goto %d", left, sign, right, &to) == 4) {
        if (!read_cond(sign, &op))
            return false;
        insn->code = op | (left[0] == 'w' ? 0x06 : 0x05);
        insn->dst_reg = (u8)(atoi(left + 1) & 15);
        insn->off = (i16)(to - (int)at - 1);
        read_right(right, insn);
    } else if (sscanf(text, "r%u = *(%7s *)(r%u %c %d)", &dst, width, &src, &side, &off) == 5) {
        insn->code = 0x61 + (!strcmp(width, "u16")   ? 0x08
                             : !strcmp(width, "u8")  ? 0x10
                             : !strcmp(width, "u64") ? 0x18
                                                     : 0);
        insn->dst_reg = dst & 15;
        insn->src_reg = src & 15;
        insn->off = (i16)(side == '-' ? -off : off);
    } else if (sscanf(text, "r%u = map %d", &dst, &to) == 2) {
        insn->code = 0x18;
        insn->dst_reg = dst & 15;
        insn->src_reg = 1;
        insn->imm = to;
    } else if (sscanf(text, "%7s %7s %23s", left, sign, right) == 3 && read_op(sign, &op)) {
        insn->code = op | (left[0] == 'w' ? 0x04 : 0x07);
        insn->dst_reg = (u8)(atoi(left + 1) & 15);
        read_right(right, insn);
    } else {
        return false;
    }
    return true;
}

static void
round_trip(void)
{
    for (u32 at = 0; at < e.cnt;) {
        char text[QS_EBPF_TEXT_MAX];
        struct bpf_insn again;
        u32 took = qs_ebpf_text(text, sizeof(text), e.insn, e.cnt, at);
        cr_assert(read_line(text, at, &again), "%u: cannot read %s", at, text);
        cr_assert(memcmp(&again, &e.insn[at], sizeof(again)) == 0, "%u: %s", at, text);
        at += took;
    }
}

Test(ebpf, whole_xdp_program_survives_disassembly)
{
    qs_xdp_pair_t pair[QS_XDP_PAIR_MAX];
    for (u32 i = 0; i < QS_XDP_PAIR_MAX; i++)
        pair[i] = (qs_xdp_pair_t){0x0a000001 + i / 8 * 0x35000000, (u16)(8000 + 37 * i)};
    for (u32 cnt = 1; cnt <= QS_XDP_PAIR_MAX; cnt++) {
        cr_assert(eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_KERNEL, pair, cnt, 5), 0));
        round_trip();
        cr_assert(eq(int, qs_xdp_prog_build(&e, QS_XDP_FILTER_USER, pair, cnt, 5), 0));
        round_trip();
    }
}

Test(ebpf, program_is_listed_one_line_per_instruction)
{
    char *listing = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&listing, &sz);
    qs_ebpf_lddw(&e, QS_EBPF_R1, 5);
    qs_ebpf_alu_imm(&e, QS_EBPF_MOV, QS_EBPF_R0, -2);
    qs_ebpf_exit(&e);
    qs_ebpf_write(out, e.insn, e.cnt);
    fclose(out);
    cr_assert(eq(str, listing, "   0: r1 = 0x5 ll\n   2: r0 = -0x2\n   3: exit\n"));
    free(listing);
}

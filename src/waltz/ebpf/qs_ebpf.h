/* qs_ebpf - an assembler and disassembler for eBPF: programs are made at run time, instruction by
   instruction, without a compiler or an object file.

       qs_ebpf_t e;
       qs_ebpf_init(&e);
       qs_ebpf_label_t pass = qs_ebpf_label(&e);
       qs_ebpf_ldx(&e, QS_EBPF_H, QS_EBPF_R0, QS_EBPF_R2, 12);
       qs_ebpf_jmp_imm(&e, QS_EBPF_JNE, QS_EBPF_R0, 8, pass);
       ..
       qs_ebpf_bind(&e, pass);
       qs_ebpf_exit(&e);
       int err = qs_ebpf_resolve(&e);            e.insn[0..e.cnt) is the program

   A label may be used before it is bound; resolve, the second pass, writes the distances.  An error
   in between (full, no such label, label bound twice) is remembered and is what resolve returns,
   so that nobody checks each instruction.

   The names are those of the instruction set's document (RFC 9669): alu is 64 bits wide, alu32
   leaves the upper half 0; jmp32 compares lower halves.  Immediates of 64-bit operations are
   sign-extended.

   Threads: one owner.  Blocks: never.  Allocates: never. */

#ifndef QS_WALTZ_EBPF_H
#define QS_WALTZ_EBPF_H

#include <linux/bpf.h>

#include "tango/base/qs_base.h"

#define QS_EBPF_INSN_MAX  512u
#define QS_EBPF_LABEL_MAX 256u
#define QS_EBPF_TEXT_MAX  80u /* a line of the disassembler, with the 0 */

typedef enum qs_ebpf_reg {
    QS_EBPF_R0, /* result of calls and of the program */
    QS_EBPF_R1, /* R1 .. R5: arguments, lost in calls */
    QS_EBPF_R2,
    QS_EBPF_R3,
    QS_EBPF_R4,
    QS_EBPF_R5,
    QS_EBPF_R6, /* R6 .. R9: kept in calls */
    QS_EBPF_R7,
    QS_EBPF_R8,
    QS_EBPF_R9,
    QS_EBPF_R10, /* frame pointer, read only */
    QS_EBPF_REG_CNT
} qs_ebpf_reg_t;

typedef enum qs_ebpf_width {
    QS_EBPF_W = BPF_W,   /* 4 bytes */
    QS_EBPF_H = BPF_H,   /* 2 */
    QS_EBPF_B = BPF_B,   /* 1 */
    QS_EBPF_DW = BPF_DW, /* 8 */
} qs_ebpf_width_t;

typedef enum qs_ebpf_alu {
    QS_EBPF_ADD = BPF_ADD,
    QS_EBPF_SUB = BPF_SUB,
    QS_EBPF_MUL = BPF_MUL,
    QS_EBPF_DIV = BPF_DIV,
    QS_EBPF_OR = BPF_OR,
    QS_EBPF_AND = BPF_AND,
    QS_EBPF_LSH = BPF_LSH,
    QS_EBPF_RSH = BPF_RSH,
    QS_EBPF_NEG = BPF_NEG, /* has no operand: use imm 0 */
    QS_EBPF_MOD = BPF_MOD,
    QS_EBPF_XOR = BPF_XOR,
    QS_EBPF_MOV = BPF_MOV,
    QS_EBPF_ARSH = BPF_ARSH,
} qs_ebpf_alu_t;

typedef enum qs_ebpf_cond {
    QS_EBPF_JEQ = BPF_JEQ,
    QS_EBPF_JGT = BPF_JGT, /* unsigned */
    QS_EBPF_JGE = BPF_JGE,
    QS_EBPF_JSET = BPF_JSET, /* a & b is not 0 */
    QS_EBPF_JNE = BPF_JNE,
    QS_EBPF_JSGT = BPF_JSGT, /* signed */
    QS_EBPF_JSGE = BPF_JSGE,
    QS_EBPF_JLT = BPF_JLT,
    QS_EBPF_JLE = BPF_JLE,
    QS_EBPF_JSLT = BPF_JSLT,
    QS_EBPF_JSLE = BPF_JSLE,
} qs_ebpf_cond_t;

/* A place in the program, bound once. */
typedef struct qs_ebpf_label {
    u32 idx;
} qs_ebpf_label_t;

typedef struct qs_ebpf {
    struct bpf_insn insn[QS_EBPF_INSN_MAX];
    u16 target[QS_EBPF_INSN_MAX]; /* 1 + index of the label that a jump goes to, 0: not a jump */
    i32 bound[QS_EBPF_LABEL_MAX]; /* position of a label, -1: not yet */
    u32 cnt;
    u32 label_cnt;
    int err; /* the first error, or 0 */
} qs_ebpf_t;

/* qs_ebpf_init makes an empty program. */
void qs_ebpf_init(qs_ebpf_t *e);

/* qs_ebpf_label makes a label that is not bound yet; bind puts it in front of the next
   instruction. */
qs_ebpf_label_t qs_ebpf_label(qs_ebpf_t *e);
void qs_ebpf_bind(qs_ebpf_t *e, qs_ebpf_label_t label);

/* dst = dst op src, or op imm.  MOV is dst = src. */
void qs_ebpf_alu_reg(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, qs_ebpf_reg_t src);
void qs_ebpf_alu_imm(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, i32 imm);
void qs_ebpf_alu32_reg(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, qs_ebpf_reg_t src);
void qs_ebpf_alu32_imm(qs_ebpf_t *e, qs_ebpf_alu_t op, qs_ebpf_reg_t dst, i32 imm);

/* qs_ebpf_swap converts the lower bits (16, 32 or 64) of dst between host and big endian. */
void qs_ebpf_swap(qs_ebpf_t *e, qs_ebpf_reg_t dst, u32 bits);

/* ldx: dst = *(width *)(src + off), upper bits 0.  stx: *(width *)(dst + off) = src.
   st: *(width *)(dst + off) = imm. */
void qs_ebpf_ldx(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, qs_ebpf_reg_t src,
                 i16 off);
void qs_ebpf_stx(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, i16 off,
                 qs_ebpf_reg_t src);
void qs_ebpf_st(qs_ebpf_t *e, qs_ebpf_width_t width, qs_ebpf_reg_t dst, i16 off, i32 imm);

/* lddw: dst = a 64-bit constant, or the address of a map; two slots of the program. */
void qs_ebpf_lddw(qs_ebpf_t *e, qs_ebpf_reg_t dst, u64 imm);
void qs_ebpf_lddw_map(qs_ebpf_t *e, qs_ebpf_reg_t dst, int map_fd);

/* Jumps: always, or if dst cond src, or imm; jmp32 looks at the lower 32 bits. */
void qs_ebpf_ja(qs_ebpf_t *e, qs_ebpf_label_t to);
void qs_ebpf_jmp_reg(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, qs_ebpf_reg_t src,
                     qs_ebpf_label_t to);
void qs_ebpf_jmp_imm(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, i32 imm,
                     qs_ebpf_label_t to);
void qs_ebpf_jmp32_imm(qs_ebpf_t *e, qs_ebpf_cond_t cond, qs_ebpf_reg_t dst, i32 imm,
                       qs_ebpf_label_t to);

/* qs_ebpf_call calls a helper of the kernel, BPF_FUNC_*. */
void qs_ebpf_call(qs_ebpf_t *e, u32 helper);
void qs_ebpf_exit(qs_ebpf_t *e);

/* qs_ebpf_resolve writes the distances of all jumps.  Returns 0, or the first error: -ENOSPC (too
   many instructions or labels), -EINVAL (a label or register that is none, a label bound twice),
   -ENOENT (a jump to a label that was never bound), -ERANGE (a distance beyond 16 bits, or a
   jump out of the program). */
int qs_ebpf_resolve(qs_ebpf_t *e);

/* qs_ebpf_text writes instruction insn[at] in words; jumps name the index they go to.  cnt bounds
   what is read.  Returns how many slots it takes, 1 or 2; what is no instruction becomes ".insn"
   and its bytes. */
u32 qs_ebpf_text(char *text, u64 sz, struct bpf_insn const *insn, u32 cnt, u32 at);

/* qs_ebpf_write prints a program, one line per instruction: "  12: if r0 != 0x8 goto 40". */
void qs_ebpf_write(FILE *out, struct bpf_insn const *insn, u32 cnt);

#endif

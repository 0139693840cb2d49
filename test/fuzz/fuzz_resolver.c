/* fuzz_resolver - sequences of shreds, as structure: the input chooses which of some prepared sets,
   which of their shreds, what to change in them, how many at a time, and when to pop or move the
   root.  The prepared sets are those of an honest leader, of one who signs two versions, and sets
   that are signed and wrong.

   Whatever comes, in pools far too small: a set comes out once per root; if it is not flawed it is one
   of the prepared good ones, byte for byte; an unchanged shred is never called a forgery. */

#include "disco/shred/resolver_rig.h"
#include "disco/shred/shred_maker.h"

#define VERSION 777u
#define GOOD    12u
#define BAD     4u
#define SET_CNT (GOOD + BAD)

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

static rig_t rig;
static void *mem;
static maker_t leader[2];
static qs_shredder_set_t set[SET_CNT];
static u32 popped[SET_CNT];

static void
prepare(void)
{
    static u8 const no_root[32];
    u8 const *const who[] = {leader[0].identity, leader[1].identity};
    maker_init(&leader[0], 1, VERSION);
    maker_init(&leader[1], 2, VERSION);
    rig_leaders(&rig, who, 2, 4096);
    maker_slot(&leader[0], set, 3, 1, no_root, 1);     /* a slot of three sets */
    maker_slot(&leader[0], set + 3, 2, 1, no_root, 2); /* and another of two */
    maker_slot(&leader[0], set + 5, 1, 2, set[2].root, 3);
    maker_slot(&leader[1], set + 6, 2, 4, set[5].root, 4);
    maker_slot(&leader[1], set + 8, 2, 2004, no_root, 5);
    maker_slot(&leader[1], set + 10, 2, 4095, no_root, 6);
    for (u32 i = 0; i < BAD; i++)
        set[GOOD + i] = set[i];
    set[GOOD].code[3][500] ^= 1;          /* code that is not that of the data */
    set[GOOD + 1].data[4][1051 + 7] ^= 1; /* another previous root */
    set[GOOD + 2].data[7][85] = 0x80;     /* flags that cannot be */
    set[GOOD + 3].data[0][83] = 0;        /* its own parent */
    for (u32 i = 0; i < BAD; i++)
        maker_reseal(&leader[0], &set[GOOD + i]);
}

static void
check_popped(void)
{
    for (qs_fec_set_t const *s; (s = qs_resolver_pop(rig.resolver));) {
        u32 i = 0;
        while (i < SET_CNT && memcmp(set[i].root, s->root, 32))
            i++;
        QS_ASSERT(i < SET_CNT && !popped[i]++);
        QS_ASSERT(s->flags & QS_FEC_SIGNED);
        if (s->flags & QS_FEC_FLAWED)
            continue;
        QS_ASSERT(i < GOOD && s->flags & QS_FEC_MERKLE && s->fec_idx == set[i].fec_idx);
        u8 const(*data)[QS_SHRED_DATA_SZ] = (void const *)(s + 1);
        for (u32 k = 0; k < QS_SHRED_SET_CNT; k++)
            QS_ASSERT(!memcmp(data[k], set[i].data[k],
                              qs_shred_signed_sz(qs_shred_layout(set[i].data[k][64]))));
    }
    for (qs_equivocation_t const *e; (e = qs_resolver_pop_equivocation(rig.resolver));)
        QS_ASSERT(memcmp(e->shred[0], e->shred[1], QS_SHRED_DATA_SZ));
}

static qs_resolver_in_t in[64];
static u8 copy[64][QS_SHRED_SZ_MAX];
static bool changed[64];
static u32 in_cnt;

static void
flush(void)
{
    qs_resolver_out_t out[64];
    qs_resolver_add(rig.resolver, in, out, in_cnt);
    for (u32 i = 0; i < in_cnt; i++) {
        QS_ASSERT(out[i].reason && out[i].reason < QS_RESOLVER_REASON_CNT);
        QS_ASSERT(changed[i] || out[i].reason != QS_RESOLVER_R_SIGNATURE);
        QS_ASSERT(!changed[i] || out[i].reason != QS_RESOLVER_R_ADMITTED);
    }
    in_cnt = 0;
}

static void
push(u8 const op[4])
{
    u32 sz, leaf = op[2] % 64;
    u8 *shred = maker_shred(&set[op[1] % SET_CNT], leaf, &sz);
    memcpy(copy[in_cnt], shred, sz);
    changed[in_cnt] = op[0] & 1;
    if (op[0] & 1) { /* in what is signed or proven; the retransmitter's 64 bytes are not */
        u32 at = op[2] & 0x80 ? op[3] % 90 : op[3] * 4u % qs_shred_layout(shred[64])->proof_off;
        copy[in_cnt][at] ^= 1 << op[2] % 8;
    }
    in[in_cnt] = (qs_resolver_in_t){.data = copy[in_cnt], .sz = sz};
    if (op[0] & 2 && op[3] > 200) {
        in[in_cnt].sz = op[3] * 4u;
        changed[in_cnt] = true;
    }
    if (++in_cnt == 64)
        flush();
}

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    if (!mem) {
        prepare();
        rig.config = (qs_resolver_config_t){.set_cnt = 6, .buf_cnt = 3, .slot_cnt = 2};
        rig_init(&rig, VERSION);
        mem = rig.resolver;
    }
    rig.resolver = qs_resolver_init(mem, &rig.config, &rig.leaders);
    memset(popped, 0, sizeof(popped));
    in_cnt = 0;
    for (size_t i = 0; i + 4 <= sz && i < 4000; i += 4) {
        u8 const *op = data + i;
        switch (op[0] >> 4) {
        case 0: /* a run of shreds of one set */
            for (u8 k = 0; k < op[3] % 40; k++)
                push((u8 const[]){0, op[1], (u8)(op[2] + k), 0});
            break;
        case 1:
            flush();
            break;
        case 2:
            flush();
            check_popped();
            break;
        case 3:
            flush();
            if (op[1] > 250)
                qs_resolver_root(rig.resolver, op[2] & 3, 32);
            break;
        default:
            push(op);
        }
    }
    flush();
    check_popped();
    return 0;
}

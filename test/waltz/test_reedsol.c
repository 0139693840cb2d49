/* Goal: shards are those of the specification, any 32 give the other 32, and shards that do not
   belong together are found out, by every kernel.
   Method: a model that knows only the definition: multiplication bit by bit, and the polynomial
   through 32 points.  Each kernel against it, over sizes, alignments and patterns of loss. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_cpu.h"
#include "tango/rand.h"
#include "waltz/fec/qs_reedsol.h"
#include "waltz/vectors.h"

#define ALL   (QS_REEDSOL_DATA | QS_REEDSOL_CODE)
#define ROOM  (QS_REEDSOL_SZ_MAX + 64u)
#define GUARD 0xa5u
#define D     QS_REEDSOL_DATA_CNT

static u64 seed = 1;

/* The field by its definition: polynomials over bits modulo x^8 + x^4 + x^3 + x^2 + 1. */
static u8
model_mul(u8 a, u8 b)
{
    u32 product = 0;
    for (u32 bit = 0; bit < 8; bit++)
        product ^= b >> bit & 1 ? (u32)a << bit : 0;
    for (u32 bit = 15; bit >= 8; bit--)
        product ^= product >> bit & 1 ? 0x11du << (bit - 8) : 0;
    return (u8)product;
}

static u8
model_inverse(u8 a)
{
    u8 x = 1;
    for (u32 i = 0; i < 254; i++)
        x = model_mul(x, a);
    return x;
}

/* The value at `at` of the polynomial through (k, data[k]), k < 32: Lagrange. */
static u8
model_weight(u32 at, u32 k)
{
    u8 above = 1, below = 1;
    for (u32 j = 0; j < D; j++) {
        if (j == k)
            continue;
        above = model_mul(above, (u8)(at ^ j));
        below = model_mul(below, (u8)(k ^ j));
    }
    return model_mul(above, model_inverse(below));
}

static u8 parity[D][D]; /* row p, column k */

static void
make_parity(void)
{
    if (parity[0][0])
        return;
    for (u32 p = 0; p < D; p++)
        for (u32 k = 0; k < D; k++)
            parity[p][k] = model_weight(D + p, k);
}

/* A set of shards, each in a block of its own so that ASan sees a byte too far, and what it must
   be. */
typedef struct shards {
    u64 sz;
    u8 *block[QS_REEDSOL_CNT];
    u8 *shard[QS_REEDSOL_CNT];
    u8 want[QS_REEDSOL_CNT][QS_REEDSOL_SZ_MAX];
} shards_t;

static shards_t *
shards_new(u64 sz)
{
    shards_t *s = malloc(sizeof(*s));
    s->sz = sz;
    make_parity();
    for (u32 k = 0; k < D; k++)
        for (u64 b = 0; b < sz; b++)
            s->want[k][b] = (u8)rand_next(&seed);
    static u8 product[256][256];
    if (!product[1][1])
        for (u32 i = 0; i < 65536; i++)
            product[i >> 8][i & 255] = model_mul((u8)(i >> 8), (u8)i);
    for (u32 p = 0; p < D; p++) {
        memset(s->want[D + p], 0, sz);
        for (u32 k = 0; k < D; k++)
            for (u64 b = 0; b < sz; b++)
                s->want[D + p][b] ^= product[parity[p][k]][s->want[k][b]];
    }
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        u64 off = rand_upto(&seed, 0, 63);
        s->block[i] = malloc(off + sz);
        s->shard[i] = s->block[i] + off;
    }
    return s;
}

static void
shards_free(shards_t *s)
{
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        free(s->block[i]);
    free(s);
}

/* lose makes all shards right but those outside have, which become noise. */
static void
lose(shards_t *s, u64 have)
{
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        if (have >> i & 1)
            memcpy(s->shard[i], s->want[i], s->sz);
        else
            memset(s->shard[i], GUARD ^ s->want[i][0] ^ 1, s->sz);
    }
}

/* Everything of have and want is right, and what is in neither has not been touched. */
static void
assert_recovered(shards_t const *s, u64 have, u64 want, char const *kernel)
{
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++) {
        if ((have | want) >> i & 1)
            cr_assert(eq(int, memcmp(s->shard[i], s->want[i], s->sz), 0),
                      "%s: shard %u of have %lx want %lx, %lu bytes", kernel, i, have, want, s->sz);
        else
            for (u64 b = 0; b < s->sz; b++)
                cr_assert(eq(u8, s->shard[i][b], GUARD ^ s->want[i][0] ^ 1), "%s wrote to shard %u",
                          kernel, i);
    }
}

/* random_set returns cnt of the shards of `of`. */
static u64
random_set(u64 of, u32 cnt)
{
    u64 set = 0;
    while (cnt) {
        u64 one = 1ull << rand_upto(&seed, 0, 63);
        if (!(of & one & ~set))
            continue;
        set |= one;
        cnt--;
    }
    return set;
}

/* each_kernel runs a check for every kernel of this processor. */
static void
each_kernel(void (*check)(qs_reedsol_kernel_t const *))
{
    for (u32 i = 0; i < qs_reedsol_kernel_cnt; i++) {
        if (qs_cpu_has(qs_reedsol_kernels[i].needs))
            check(&qs_reedsol_kernels[i]);
        else
            printf("skipped: kernel %s: this processor lacks it\n", qs_reedsol_kernels[i].name);
    }
}

static void
check_recover(qs_reedsol_kernel_t const *k, shards_t *s, u64 have, u64 want)
{
    lose(s, have);
    cr_assert(eq(int, qs_reedsol_recover_with(k, s->shard, s->sz, have, want), 0), "%s: %lx %lx",
              k->name, have, want);
    assert_recovered(s, have, want, k->name);
}

Test(reedsol, parity_is_a5_times_a_cauchy_matrix)
{
    make_parity();
    for (u32 p = 0; p < D; p++)
        for (u32 k = 0; k < D; k++)
            cr_assert(eq(u8, parity[p][k], model_mul(0xa5, model_inverse((u8)((D + p) ^ k)))));
}

/* One byte of 1 in one data shard makes a column of the matrix. */
static void
check_unit_vectors(qs_reedsol_kernel_t const *kernel)
{
    make_parity();
    static u8 bytes[QS_REEDSOL_CNT][64];
    u8 *shard[QS_REEDSOL_CNT];
    memset(bytes, 0, sizeof(bytes));
    for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
        shard[i] = bytes[i];
    for (u32 k = 0; k < D; k++)
        bytes[k][k] = 1;
    qs_reedsol_encode_with(kernel, shard, 64);
    for (u32 p = 0; p < D; p++)
        for (u32 k = 0; k < 64; k++)
            cr_assert(eq(u8, bytes[D + p][k], k < D ? parity[p][k] : 0), "%s", kernel->name);
}

Test(reedsol, unit_vectors_encode_to_the_columns_of_the_matrix)
{
    each_kernel(check_unit_vectors);
}

static void
check_sizes(qs_reedsol_kernel_t const *k)
{
    static u64 const sizes[] = {1,  2,  3,  15,  16,  17,  31,   32,   33,   48,  63,
                                64, 65, 96, 127, 128, 129, 1024, 1228, 1280, 987, 923};
    for (u32 i = 0; i < QS_COUNT(sizes); i++) {
        shards_t *s = shards_new(sizes[i]);
        lose(s, QS_REEDSOL_DATA);
        qs_reedsol_encode_with(k, s->shard, s->sz);
        assert_recovered(s, QS_REEDSOL_DATA, QS_REEDSOL_CODE, k->name);
        check_recover(k, s, QS_REEDSOL_CODE, QS_REEDSOL_DATA);
        check_recover(k, s, QS_REEDSOL_DATA, QS_REEDSOL_CODE);
        u64 have = random_set(ALL, 32);
        check_recover(k, s, have, ALL & ~have);
        check_recover(k, s, ALL & ~0x70000001full, 0x70000001f);
        shards_free(s);
    }
}

Test(reedsol, shards_of_every_size_and_alignment_are_encoded_and_recovered)
{
    each_kernel(check_sizes);
}

static void
check_random_patterns(qs_reedsol_kernel_t const *k)
{
    shards_t *s = shards_new(130);
    for (u32 trial = 0; trial < 1000; trial++) {
        u64 have = random_set(ALL, (u32)rand_upto(&seed, 32, 64));
        u64 lost = ALL & ~have;
        check_recover(k, s, have, lost);
        check_recover(k, s, qs_reedsol_enough(have), lost);
        check_recover(k, s, have, lost & rand_next(&seed));
        check_recover(k, s, have, lost & QS_REEDSOL_DATA);
        check_recover(k, s, have, lost & QS_REEDSOL_CODE);
    }
    shards_free(s);
}

Test(reedsol, any_32_shards_give_the_others)
{
    each_kernel(check_random_patterns);
}

/* Losses of data from 1 to 32 cross the line between rows and transforms. */
static void
check_each_count(qs_reedsol_kernel_t const *k)
{
    shards_t *s = shards_new(80);
    for (u32 lost_cnt = 1; lost_cnt <= 32; lost_cnt++) {
        for (u32 trial = 0; trial < 20; trial++) {
            u64 lost = random_set(QS_REEDSOL_DATA, lost_cnt);
            u64 have = ALL & ~lost;
            check_recover(k, s, have, lost);
            check_recover(k, s, qs_reedsol_enough(have), lost);
            u64 code = random_set(QS_REEDSOL_CODE, lost_cnt);
            check_recover(k, s, (QS_REEDSOL_DATA & ~lost) | code, lost | (QS_REEDSOL_CODE & ~code));
            check_recover(k, s, ALL & ~code, code);
        }
    }
    shards_free(s);
}

Test(reedsol, one_to_32_lost_shards_are_recovered)
{
    each_kernel(check_each_count);
}

/* One wrong bit anywhere among more than 32 shards: no polynomial passes through them. */
static void
check_inconsistent(qs_reedsol_kernel_t const *k)
{
    shards_t *s = shards_new(150);
    for (u32 trial = 0; trial < 600; trial++) {
        u64 have = random_set(ALL, trial % 3 ? (u32)rand_upto(&seed, 33, 64) : 33);
        u64 want = ALL & ~have & rand_next(&seed);
        u32 bad = (u32)__builtin_ctzll(random_set(have, 1));
        lose(s, have);
        s->shard[bad][rand_upto(&seed, 0, s->sz - 1)] ^= (u8)(1u << rand_upto(&seed, 0, 7));
        cr_assert(eq(int, qs_reedsol_recover_with(k, s->shard, s->sz, have, want), -EBADMSG),
                  "%s: shard %u of %lx", k->name, bad, have);
    }
    shards_free(s);
}

Test(reedsol, more_than_32_shards_that_disagree_are_found_out)
{
    each_kernel(check_inconsistent);
}

Test(reedsol, fewer_than_32_shards_give_nothing)
{
    shards_t *s = shards_new(40);
    u64 have = random_set(ALL, 31);
    lose(s, have);
    cr_assert(eq(int, qs_reedsol_recover(s->shard, s->sz, have, ALL & ~have), -ENODATA));
    assert_recovered(s, have, 0, "chosen");
    cr_assert(eq(int, qs_reedsol_recover(s->shard, s->sz, 0, ALL), -ENODATA));
    shards_free(s);
}

Test(reedsol, enough_takes_data_before_code_and_never_more_than_32)
{
    cr_assert(eq(u64, qs_reedsol_enough(ALL), QS_REEDSOL_DATA));
    cr_assert(eq(u64, qs_reedsol_enough(QS_REEDSOL_CODE | 1), 0x7fffffff00000001));
    cr_assert(eq(u64, qs_reedsol_enough(0x8000000000000001), 0x8000000000000001));
    cr_assert(eq(u64, qs_reedsol_enough(0), 0));
}

/* Pointers of shards that nobody asked for may be null. */
Test(reedsol, shards_that_are_neither_there_nor_wanted_need_no_memory)
{
    shards_t *s = shards_new(100);
    for (u32 trial = 0; trial < 200; trial++) {
        u64 have = random_set(ALL, (u32)rand_upto(&seed, 32, 50));
        u64 want = ALL & ~have & rand_next(&seed);
        lose(s, have);
        u8 *some[QS_REEDSOL_CNT];
        for (u32 i = 0; i < QS_REEDSOL_CNT; i++)
            some[i] = (have | want) >> i & 1 ? s->shard[i] : NULL;
        cr_assert(eq(int, qs_reedsol_recover(some, s->sz, have, want), 0));
        assert_recovered(s, have, want, "chosen");
    }
    shards_free(s);
}

Test(reedsol, the_chosen_kernel_is_the_last_that_runs_here)
{
    qs_reedsol_kernel_t const *chosen = qs_reedsol_kernel();
    cr_assert(qs_cpu_has(chosen->needs));
    for (qs_reedsol_kernel_t const *k = chosen + 1; k < qs_reedsol_kernels + qs_reedsol_kernel_cnt;
         k++)
        cr_assert(not(qs_cpu_has(k->needs)), "%s runs here but %s was chosen", k->name,
                  chosen->name);
}

Test(reedsol, cap_c_leaves_plain_c)
{
    setenv("QUICKSTEP_CPU", "c", 1);
    cr_assert(eq(str, (char *)qs_reedsol_kernel()->name, "c"));
    cr_assert(eq(u32, qs_reedsol_kernel()->needs, 0));
}

/* The last 1024 bytes of the constants that Firedancer uses: the matrix, row by row. */
Test(reedsol, the_matrix_is_that_of_the_vectors)
{
    u8 file[2560];
    if (!vectors_read("reedsol/generic_constants.bin", file, sizeof(file)))
        return;
    make_parity();
    cr_assert(eq(int, memcmp(file + 1536, parity, sizeof(parity)), 0));
}

/* Goal: CRC-32C as published, with and without the processor's instruction, in one piece or several.
   Method: the vectors of RFC 3720, B.4, and random bytes of every length and alignment, both ways. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tango/base/qs_crc32c.h"
#include "tango/rand.h"

typedef struct vector {
    u8 first, step;
    u32 sz, crc;
} vector_t;

Test(crc32c, the_published_vectors_hold)
{
    static vector_t const vectors[] = {{0x00, 0, 32, 0x8a9136aa},
                                       {0xff, 0, 32, 0x62a8ab43},
                                       {0x00, 1, 32, 0x46dd794e},
                                       {0x1f, 0xff, 32, 0x113fdb5c},
                                       {0x00, 0, 0, 0}};
    for (u32 i = 0; i < QS_COUNT(vectors); i++) {
        u8 data[32];
        for (u32 k = 0; k < 32; k++)
            data[k] = (u8)(vectors[i].first + k * vectors[i].step);
        cr_assert(eq(u32, qs_crc32c(0, data, vectors[i].sz), vectors[i].crc), "%u", i);
        cr_assert(eq(u32, qs_crc32c_table(0, data, vectors[i].sz), vectors[i].crc), "%u", i);
    }
    cr_assert(eq(u32, qs_crc32c(0, "123456789", 9), 0xe3069283));
}

Test(crc32c, every_length_and_place_gives_the_same_both_ways_and_in_pieces)
{
    u8 data[300];
    u64 rng = 3;
    for (u32 i = 0; i < sizeof(data); i++)
        data[i] = (u8)rand_next(&rng);
    for (u32 off = 0; off < 9; off++)
        for (u32 sz = 0; sz < 280; sz++) {
            u32 crc = qs_crc32c(0, data + off, sz), cut = sz / 3;
            cr_assert(eq(u32, crc, qs_crc32c_table(0, data + off, sz)), "%u at %u", sz, off);
            u32 part = qs_crc32c(0, data + off, cut);
            cr_assert(eq(u32, crc, qs_crc32c(part, data + off + cut, sz - cut)));
        }
}

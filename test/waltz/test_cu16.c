/* Goal: each number has one encoding, the spec's; every other byte string is refused for its reason.
   Method: all 65536 numbers, and all strings of up to three bytes against a decoder that is
   written from the definition. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_cu16.h"

Test(cu16, encodes_the_published_examples)
{
    static struct {
        u16 value;
        u32 sz;
        u8 bytes[3];
    } const example[] = {{0, 1, {0}},
                         {127, 1, {0x7f}},
                         {128, 2, {0x80, 1}},
                         {16383, 2, {0xff, 0x7f}},
                         {16384, 3, {0x80, 0x80, 1}},
                         {65535, 3, {0xff, 0xff, 3}}};
    for (u32 i = 0; i < QS_COUNT(example); i++) {
        u8 out[QS_CU16_SZ_MAX] = {0};
        cr_assert(eq(u32, qs_cu16_encode(out, example[i].value), example[i].sz));
        cr_assert(memcmp(out, example[i].bytes, 3) == 0, "%u", example[i].value);
    }
}

Test(cu16, every_number_comes_back_from_exactly_its_bytes)
{
    for (u32 v = 0; v <= UINT16_MAX; v++) {
        u8 out[QS_CU16_SZ_MAX];
        u32 sz = qs_cu16_encode(out, (u16)v);
        u16 back = (u16)~v;
        cr_assert(sz == qs_cu16_sz((u16)v));
        cr_assert(qs_cu16_decode(&back, out, sz) == (i32)sz && back == v, "%u", v);
        for (u32 cut = 0; cut < sz; cut++)
            cr_assert(qs_cu16_decode(&back, out, cut) == 0, "%u cut to %u", v, cut);
    }
}

/* by_definition adds up 7 bits a byte and then asks whether a shorter string says the same. */
static i32
by_definition(u8 const *p, u32 sz)
{
    u32 value = 0;
    for (u32 i = 0; i < sz && i < 3; i++) {
        value |= (u32)(p[i] & 0x7f) << (7 * i);
        if (p[i] < 0x80)
            return (i && !p[i]) || value > UINT16_MAX ? -EINVAL : (i32)i + 1;
    }
    return sz < 3 ? 0 : -EINVAL;
}

Test(cu16, every_string_of_three_bytes_is_judged_as_defined)
{
    for (u32 n = 0; n < 1u << 24; n++) {
        u8 const p[3] = {(u8)n, (u8)(n >> 8), (u8)(n >> 16)};
        u16 value = 0x5a5a;
        i32 got = qs_cu16_decode(&value, p, 3);
        if (got != by_definition(p, 3))
            cr_fail("%02x %02x %02x: %d", p[0], p[1], p[2], got);
        if (got <= 0 && value != 0x5a5a)
            cr_fail("%02x %02x %02x: value was touched", p[0], p[1], p[2]);
    }
}

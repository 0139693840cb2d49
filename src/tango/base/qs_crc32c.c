#include "tango/base/qs_crc32c.h"

#include "tango/base/qs_bits.h"
#include "tango/base/qs_cpu.h"

/* Of each half byte; the polynomial is 0x82f63b78, reflected. */
static u32 const half[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                             0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                             0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

u32
qs_crc32c_table(u32 crc, void const *data, u64 sz)
{
    u8 const *p = data;
    crc = ~crc;
    for (u64 i = 0; i < sz; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ half[crc & 15];
        crc = crc >> 4 ^ half[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
static u32
by_instruction(u32 crc, u8 const *p, u64 sz)
{
    u64 c = ~crc;
    for (; sz >= 8; p += 8, sz -= 8) {
        u64 word = qs_load_le64(p);
        __asm__("crc32q %1, %0" : "+r"(c) : "r"(word));
    }
    for (; sz; p++, sz--)
        __asm__("crc32b %1, %0" : "+r"(c) : "r"(*p));
    return ~(u32)c;
}
#endif

u32
qs_crc32c(u32 crc, void const *data, u64 sz)
{
#if defined(__x86_64__)
    if (qs_cpu_has(QS_CPU_CRC32))
        return by_instruction(crc, data, sz);
#endif
    return qs_crc32c_table(crc, data, sz);
}

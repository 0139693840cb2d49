/* fuzz_dns - an answer is taken or refused for a reason, whatever it is made of; what is taken is an answer to
   our question, and is taken again with more behind it. */

#include "waltz/codec/qs_dns.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    u8 more[1024 + 8] = {0};
    u32 ip = 0, again = 0;

    if (sz > 1024)
        return 0;
    qs_dns_reason_t reason = qs_dns_parse_answer(data, (u32)sz, 0x1234, "entry.example", &ip);
    QS_ASSERT(reason < QS_DNS_REASON_CNT);
    if (reason)
        return 0;
    QS_ASSERT(data[0] == 0x12 && data[1] == 0x34 && data[2] & 0x80 && !(data[3] & 15));
    memcpy(more, data, sz);
    QS_ASSERT(!qs_dns_parse_answer(more, (u32)sz + 8, 0x1234, "entry.example", &again));
    QS_ASSERT(ip == again);
    QS_ASSERT(qs_dns_parse_answer(data, (u32)sz, 0x1234, "entry.examples", &again));
    return 0;
}

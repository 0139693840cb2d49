/* fuzz_ip_echo - both sides: what is taken for whole reads the same when more of it comes, and written
   again is taken for the same. */

#include "waltz/codec/qs_ip_echo.h"

int LLVMFuzzerTestOneInput(u8 const *data, size_t sz);

int
LLVMFuzzerTestOneInput(u8 const *data, size_t sz)
{
    qs_ip_echo_request_t request, request2;
    qs_ip_echo_response_t response, response2;
    u8 out[QS_IP_ECHO_RESPONSE_SZ];

    if (sz > 4096)
        return 0;
    for (u32 last = 0; last < 2; last++) {
        if (!qs_ip_echo_parse_request(data, (u32)sz, last, &request)) {
            QS_ASSERT(sz == QS_IP_ECHO_REQUEST_SZ);
            qs_ip_echo_write_request(out, &request);
            QS_ASSERT(!memcmp(out, data, sz));
            QS_ASSERT(!qs_ip_echo_parse_request(out, (u32)sz, true, &request2));
        }
        if (!qs_ip_echo_parse_response(data, (u32)sz, last, &response)) {
            qs_ip_echo_write_response(out, &response);
            QS_ASSERT(response.shred_version || last);
            if (response.shred_version) {
                QS_ASSERT(!qs_ip_echo_parse_response(out, sizeof(out), false, &response2));
                QS_ASSERT(response2.ip == response.ip &&
                          response2.shred_version == response.shred_version);
            }
        }
    }
    return 0;
}

/* Goal: both sides of ip_echo read what the other writes, however it is cut, and name what is no such
   message; shred versions are those of known clusters.
   Method: every length of good messages; a table of bad ones; a real genesis hash. */

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "waltz/codec/qs_base58.h"
#include "waltz/codec/qs_ip_echo.h"

Test(ip_echo, a_request_reads_back_however_it_arrives)
{
    qs_ip_echo_request_t out = {.tcp = {1, 0, 0, 8001}, .udp = {8001, 65535, 0, 7}}, in = {0};
    u8 data[QS_IP_ECHO_REQUEST_SZ + 1] = {0};

    qs_ip_echo_write_request(data, &out);
    for (u32 sz = 0; sz < QS_IP_ECHO_REQUEST_SZ; sz++) {
        cr_assert(eq(int, qs_ip_echo_parse_request(data, sz, false, &in), QS_IP_ECHO_MORE));
        cr_assert(eq(int, qs_ip_echo_parse_request(data, sz, true, &in), QS_IP_ECHO_HEADER));
    }
    cr_assert(eq(int, qs_ip_echo_parse_request(data, QS_IP_ECHO_REQUEST_SZ, false, &in), 0));
    cr_assert(eq(int, memcmp(&in, &out, sizeof(in)), 0));
    cr_assert(eq(int, qs_ip_echo_parse_request(data, sizeof(data), false, &in), QS_IP_ECHO_END));
    data[20] = '\r';
    cr_assert(
        eq(int, qs_ip_echo_parse_request(data, QS_IP_ECHO_REQUEST_SZ, false, &in), QS_IP_ECHO_END));
}

Test(ip_echo, a_response_reads_back_however_it_arrives)
{
    qs_ip_echo_response_t out = {.ip = 0x0a4e0001, .shred_version = 4711}, in = {0};
    u8 data[QS_IP_ECHO_RESPONSE_SZ];

    qs_ip_echo_write_response(data, &out);
    for (u32 sz = 0; sz <= sizeof(data); sz++) {
        int want = sz < 15 ? QS_IP_ECHO_MORE : QS_IP_ECHO_OK;
        cr_assert(eq(int, qs_ip_echo_parse_response(data, sz, false, &in), want), "%u bytes", sz);
        if (want == QS_IP_ECHO_OK)
            cr_assert(eq(u32, in.ip + in.shred_version, out.ip + out.shred_version));
    }
    cr_assert(eq(int, qs_ip_echo_parse_response(data, 12, true, &in), QS_IP_ECHO_OK));
    cr_assert(eq(u32, in.shred_version, 0), "an old server ends after the address");
    cr_assert(eq(int, qs_ip_echo_parse_response(data, 13, true, &in), QS_IP_ECHO_HEADER));
}

Test(ip_echo, what_is_no_response_is_named)
{
    static struct {
        char bytes[32];
        u32 sz;
        int want;
    } const cases[] = {
        {"HTTP/1.1 400 Bad Request", 24, QS_IP_ECHO_HTTP},
        {"HT", 2, QS_IP_ECHO_MORE},
        {"HX", 2, QS_IP_ECHO_HEADER},
        {"\0\0\1", 3, QS_IP_ECHO_HEADER},
        {"\0\0\0\0\2\0\0\0\1\2\3\4\1\1\1", 15, QS_IP_ECHO_KIND},
        {"\0\0\0\0\0\0\0\0\1\2\3\4\0\1\1", 15, QS_IP_ECHO_OPTION},
        {"\0\0\0\0\0\0\0\0\1\2\3\4\2\1\1", 15, QS_IP_ECHO_OPTION},
        {"\0\0\0\0\0\0\0\0\1\2\3\4\1\0\0", 15, QS_IP_ECHO_OPTION},
        {"\0\0\0\0\1\0\0\0abcdefghijklmnop\1\2\0", 27, QS_IP_ECHO_OK},
    };
    for (u32 i = 0; i < QS_COUNT(cases); i++) {
        qs_ip_echo_response_t in;
        cr_assert(eq(int,
                     qs_ip_echo_parse_response((u8 const *)cases[i].bytes, cases[i].sz, false, &in),
                     cases[i].want),
                  "case %u", i);
    }
}

Test(ip_echo, the_shred_version_is_the_genesis_hash_folded)
{
    u8 hash[32], ones[32] = {0};
    char const *genesis = "BKyKGZgrNNWkEbyCN7YtWfJjgejNexdu8g9iEgC3Vids";

    /* A development cluster, whose shreds say 41383. */
    cr_assert(eq(int, qs_base58_decode_32(hash, genesis, strlen(genesis)), 0));
    cr_assert(eq(u32, qs_shred_version_of(hash), 41383));
    ones[0] = ones[1] = 0xff;
    cr_assert(eq(u32, qs_shred_version_of(ones), 65535));
    memset(ones, 0, sizeof(ones));
    cr_assert(eq(u32, qs_shred_version_of(ones), 1));
    qs_shred_version_fork(hash, 10, 1);
    cr_assert(ne(u32, qs_shred_version_of(hash), 41383));
}

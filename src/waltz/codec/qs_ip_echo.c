#include "waltz/codec/qs_ip_echo.h"

#include "waltz/codec/qs_reader.h"
#include "waltz/codec/qs_writer.h"
#include "waltz/crypto/qs_sha256.h"

char const *
qs_ip_echo_fault_name(qs_ip_echo_fault_t fault)
{
    static char const *const names[] = {
        [QS_IP_ECHO_OK] = "ok",         [QS_IP_ECHO_MORE] = "more", [QS_IP_ECHO_HTTP] = "http",
        [QS_IP_ECHO_HEADER] = "header", [QS_IP_ECHO_KIND] = "kind", [QS_IP_ECHO_OPTION] = "option",
        [QS_IP_ECHO_END] = "end"};
    return fault < QS_COUNT(names) ? names[fault] : "unknown";
}

void
qs_ip_echo_write_request(u8 out[QS_IP_ECHO_REQUEST_SZ], qs_ip_echo_request_t const *request)
{
    qs_writer_t w = {.data = out, .sz = QS_IP_ECHO_REQUEST_SZ};

    qs_write_u32(&w, 0);
    for (u32 i = 0; i < QS_IP_ECHO_PORTS; i++)
        qs_write_u16(&w, request->tcp[i]);
    for (u32 i = 0; i < QS_IP_ECHO_PORTS; i++)
        qs_write_u16(&w, request->udp[i]);
    qs_write_u8(&w, '\n');
}

void
qs_ip_echo_write_response(u8 out[QS_IP_ECHO_RESPONSE_SZ], qs_ip_echo_response_t const *response)
{
    qs_writer_t w = {.data = out, .sz = QS_IP_ECHO_RESPONSE_SZ};

    memset(out, 0, QS_IP_ECHO_RESPONSE_SZ);
    qs_write_u32(&w, 0);
    qs_write_u32(&w, 0);
    qs_write_u32(&w, __builtin_bswap32(response->ip));
    if (!response->shred_version)
        return;
    qs_write_u8(&w, 1);
    qs_write_u16(&w, response->shred_version);
}

/* begins looks at the first four bytes: zeros, or the start of an answer of HTTP. */
static qs_ip_echo_fault_t
begins(u8 const *data, u32 sz)
{
    static u8 const zeros[4];
    u32 cnt = sz < 4 ? sz : 4;

    if (!memcmp(data, zeros, cnt))
        return sz < 4 ? QS_IP_ECHO_MORE : QS_IP_ECHO_OK;
    if (!memcmp(data, "HTTP", cnt))
        return sz < 4 ? QS_IP_ECHO_MORE : QS_IP_ECHO_HTTP;
    return QS_IP_ECHO_HEADER;
}

static qs_ip_echo_fault_t
more(bool last)
{
    return last ? QS_IP_ECHO_HEADER : QS_IP_ECHO_MORE;
}

qs_ip_echo_fault_t
qs_ip_echo_parse_request(u8 const *data, u32 sz, bool last, qs_ip_echo_request_t *request)
{
    qs_ip_echo_fault_t fault = begins(data, sz);
    qs_reader_t r = {.data = data, .sz = sz, .at = 4};

    if (fault == QS_IP_ECHO_MORE || (fault == QS_IP_ECHO_OK && sz < QS_IP_ECHO_REQUEST_SZ))
        return more(last);
    if (fault)
        return fault;
    for (u32 i = 0; i < QS_IP_ECHO_PORTS; i++)
        request->tcp[i] = qs_read_u16(&r);
    for (u32 i = 0; i < QS_IP_ECHO_PORTS; i++)
        request->udp[i] = qs_read_u16(&r);
    return qs_read_u8(&r) == '\n' && !qs_reader_left(&r) ? QS_IP_ECHO_OK : QS_IP_ECHO_END;
}

qs_ip_echo_fault_t
qs_ip_echo_parse_response(u8 const *data, u32 sz, bool last, qs_ip_echo_response_t *response)
{
    qs_ip_echo_fault_t fault = begins(data, sz);
    qs_reader_t r = {.data = data, .sz = sz, .at = 4};

    if (fault == QS_IP_ECHO_MORE)
        return more(last);
    if (fault)
        return fault;
    u32 kind = qs_read_u32(&r);
    if (r.fault)
        return more(last);
    if (kind > 1)
        return QS_IP_ECHO_KIND;
    u32 at = qs_read_skip(&r, kind ? 16 : 4);
    if (r.fault)
        return more(last);
    *response = (qs_ip_echo_response_t){.ip = kind ? 0 : qs_load_be32(data + at)};
    u32 left = qs_reader_left(&r);
    if (!left && last)
        return QS_IP_ECHO_OK; /* an old server */
    if (left < 3)
        return left && data[r.at] != 1 ? QS_IP_ECHO_OPTION : more(last);
    if (qs_read_u8(&r) != 1)
        return QS_IP_ECHO_OPTION;
    response->shred_version = qs_read_u16(&r);
    return response->shred_version ? QS_IP_ECHO_OK : QS_IP_ECHO_OPTION;
}

u16
qs_shred_version_of(u8 const hash[32])
{
    u32 folded = 0;

    for (u32 i = 0; i < 32; i += 2)
        folded ^= qs_load_be16(hash + i);
    return (u16)(folded < UINT16_MAX ? folded + 1 : folded);
}

void
qs_shred_version_fork(u8 hash[32], u64 slot, u64 cnt)
{
    u8 mixed[32 + 16];

    memcpy(mixed, hash, 32);
    qs_store_le64(mixed + 32, slot);
    qs_store_le64(mixed + 40, cnt);
    qs_sha256(hash, mixed, sizeof(mixed));
}

#include "waltz/codec/qs_dns.h"

#define HEADER_SZ  12u
#define TYPE_A     1u
#define TYPE_CNAME 5u
#define CLASS_IN   1u
#define WIRE_MAX   255u /* bytes of a name, lengths and the 0 at its end included */
#define HOPS_MAX   32u

/* A name as on the wire, without offsets, in small letters. */
typedef struct name {
    u32 sz;
    u8 data[WIRE_MAX];
} name_t;

char const *
qs_dns_reason_name(qs_dns_reason_t reason)
{
    static char const *const names[] = {
#define NAME(name, text) #name,
        QS_DNS_REASONS(NAME)
#undef NAME
    };
    return reason < QS_DNS_REASON_CNT ? names[reason] : "unknown";
}

static u8
small(u8 c)
{
    return c >= 'A' && c <= 'Z' ? (u8)(c + 32) : c;
}

static u32
be16(u8 const *p)
{
    return (u32)p[0] << 8 | p[1];
}

static void
put16(u8 *p, u32 v)
{
    p[0] = (u8)(v >> 8);
    p[1] = (u8)v;
}

/* from_text makes a name of text; false: it is none. */
static bool
from_text(name_t *n, char const *text)
{
    n->sz = 0;
    while (*text) {
        size_t len = strcspn(text, ".");
        if (!len || len > 63 || n->sz + len + 2 > WIRE_MAX)
            return false;
        n->data[n->sz++] = (u8)len;
        for (size_t i = 0; i < len; i++)
            n->data[n->sz++] = small((u8)text[i]);
        text += len;
        text += *text == '.';
    }
    n->data[n->sz++] = 0;
    return n->sz > 1;
}

/* from_wire reads the name at *at and moves *at behind it. */
static qs_dns_reason_t
from_wire(name_t *n, u8 const *data, u32 sz, u32 *at)
{
    u32 pos = *at, hops = 0;

    for (n->sz = 0;;) {
        if (pos >= sz)
            return QS_DNS_cut;
        u32 len = data[pos++];
        if (len >= 0xc0) {
            if (pos >= sz)
                return QS_DNS_cut;
            u32 to = (len & 0x3f) << 8 | data[pos];
            if (!hops)
                *at = pos + 1;
            if (to >= pos - 1 || ++hops > HOPS_MAX)
                return QS_DNS_name;
            pos = to;
            continue;
        }
        if (len > 63 || n->sz + len + 1 > WIRE_MAX - (len != 0))
            return QS_DNS_name;
        if (len > sz - pos)
            return QS_DNS_cut;
        n->data[n->sz++] = (u8)len;
        for (u32 i = 0; i < len; i++)
            n->data[n->sz++] = small(data[pos++]);
        if (len)
            continue;
        if (!hops)
            *at = pos;
        return QS_DNS_ok;
    }
}

static bool
same(name_t const *a, name_t const *b)
{
    return a->sz == b->sz && !memcmp(a->data, b->data, a->sz);
}

u32
qs_dns_write_query(u8 *room, u32 room_sz, u16 id, char const *name)
{
    name_t n;

    if (!from_text(&n, name) || room_sz < HEADER_SZ + n.sz + 4)
        return 0;
    memset(room, 0, HEADER_SZ);
    put16(room, id);
    room[2] = 1; /* please ask others for us */
    room[5] = 1;
    memcpy(room + HEADER_SZ, n.data, n.sz);
    put16(room + HEADER_SZ + n.sz, TYPE_A);
    put16(room + HEADER_SZ + n.sz + 2, CLASS_IN);
    return HEADER_SZ + n.sz + 4;
}

/* read_head checks all before the answers, and moves *at there. */
static qs_dns_reason_t
read_head(u8 const *data, u32 sz, u16 id, name_t const *asked, u32 *at)
{
    name_t n;

    if (sz < HEADER_SZ)
        return QS_DNS_cut;
    if (be16(data) != id)
        return QS_DNS_id;
    if (!(data[2] & 0x80) || data[2] & 0x78)
        return QS_DNS_query;
    if (be16(data + 4) != 1)
        return QS_DNS_question;
    *at = HEADER_SZ;
    qs_dns_reason_t bad = from_wire(&n, data, sz, at);
    if (bad)
        return bad;
    if (sz - *at < 4)
        return QS_DNS_cut;
    if (!same(&n, asked) || be16(data + *at) != TYPE_A || be16(data + *at + 2) != CLASS_IN)
        return QS_DNS_question;
    *at += 4;
    return data[3] & 15 ? QS_DNS_code : QS_DNS_ok;
}

qs_dns_reason_t
qs_dns_parse_answer(u8 const *data, u32 sz, u16 id, char const *name, u32 *ip)
{
    name_t wanted, owner;
    u32 at;

    if (!from_text(&wanted, name))
        return QS_DNS_name;
    qs_dns_reason_t bad = read_head(data, sz, id, &wanted, &at);
    for (u32 left = bad ? 0 : be16(data + 6); left; left--) {
        bad = from_wire(&owner, data, sz, &at);
        if (bad)
            return bad;
        if (sz - at < 10 || sz - at - 10 < be16(data + at + 8))
            return QS_DNS_cut;
        u32 type = be16(data + at), class = be16(data + at + 2), len = be16(data + at + 8);
        at += 10;
        if (class == CLASS_IN && same(&owner, &wanted)) {
            if (type == TYPE_A && len == 4) {
                *ip = be16(data + at) << 16 | be16(data + at + 2);
                return QS_DNS_ok;
            }
            u32 alias = at;
            bad = type == TYPE_CNAME ? from_wire(&wanted, data, sz, &alias) : QS_DNS_ok;
            if (bad)
                return bad;
        }
        at += len;
    }
    return bad ? bad : QS_DNS_none;
}

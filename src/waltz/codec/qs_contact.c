#include "waltz/codec/qs_contact.h"

#include "waltz/codec/qs_writer.h"

#define ADDR_MAX 255u /* an index is a byte; 133 fit a datagram */

/* What is read is written through this even when the caller does not want it. */
typedef struct walk {
    qs_reader_t *r;
    qs_contact_t *out; /* or NULL */
    qs_contact_brief_t *brief;
    u32 addr[ADDR_MAX];
    u32 addr_cnt;
    u64 used[4]; /* addresses that a socket names */
    u64 seen[4]; /* keys */
} walk_t;

static bool
mark(u64 set[4], u32 bit)
{
    u64 mask = 1ull << (bit & 63);
    bool was = set[bit >> 6] & mask;

    set[bit >> 6] |= mask;
    return was;
}

static void
read_head(walk_t *w)
{
    qs_reader_t *r = w->r;
    u32 at = qs_read_skip(r, 32);
    u64 wallclock = qs_read_varint(r, 64), outset = qs_read_u64(r);
    u16 shred_version = qs_read_u16(r);
    u16 major = (u16)qs_read_cu16(r), minor = (u16)qs_read_cu16(r), patch = (u16)qs_read_cu16(r);
    u32 commit = qs_read_u32(r), features = qs_read_u32(r);
    u16 client = (u16)qs_read_cu16(r);

    if (r->fault)
        return;
    w->brief->outset = outset;
    w->brief->shred_version = shred_version;
    if (!w->out)
        return;
    *w->out = (qs_contact_t){.wallclock = wallclock,
                             .outset = outset,
                             .shred_version = shred_version,
                             .major = major,
                             .minor = minor,
                             .patch = patch,
                             .client = client,
                             .commit = commit,
                             .features = features};
    memcpy(w->out->pubkey, r->data + at, 32);
}

static qs_gossip_reason_t
read_addrs(walk_t *w)
{
    u32 cnt = qs_read_cu16(w->r);

    for (u32 i = 0; i < cnt && !w->r->fault; i++) {
        if (qs_read_u32(w->r))
            return w->r->fault ? qs_gossip_fault(w->r) : QS_GOSSIP_ipv6;
        u32 ip = __builtin_bswap32(qs_read_u32(w->r));
        if (w->r->fault)
            break;
        if (i == ADDR_MAX)
            return QS_GOSSIP_addr_unused;
        for (u32 k = 0; k < i; k++)
            if (w->addr[k] == ip)
                return QS_GOSSIP_addr_repeated;
        w->addr[i] = ip;
    }
    w->addr_cnt = cnt;
    return qs_gossip_fault(w->r);
}

/* sendable says whether a datagram to ip can arrive at one host. */
static bool
sendable(u32 ip)
{
    return ip && ip >> 28 != 14;
}

static qs_gossip_reason_t
read_sockets(walk_t *w)
{
    u32 cnt = qs_read_cu16(w->r), port = 0;

    for (u32 i = 0; i < cnt; i++) {
        u32 key = qs_read_u8(w->r), idx = qs_read_u8(w->r);
        port += (u32)qs_read_varint(w->r, 16);
        if (w->r->fault)
            break;
        if (port > UINT16_MAX)
            return QS_GOSSIP_socket_port;
        if (idx >= w->addr_cnt)
            return QS_GOSSIP_socket_index;
        if (mark(w->seen, key))
            return QS_GOSSIP_socket_key;
        mark(w->used, idx);
        if (key >= QS_CONTACT_KEY_CNT || !port || !sendable(w->addr[idx]))
            continue;
        if (key == QS_CONTACT_GOSSIP) {
            w->brief->gossip_ip = w->addr[idx];
            w->brief->gossip_port = (u16)port;
        }
        if (w->out)
            w->out->socket[key] = (qs_contact_socket_t){.ip = w->addr[idx], .port = (u16)port};
    }
    if (w->r->fault)
        return qs_gossip_fault(w->r);
    for (u32 i = 0; i < w->addr_cnt; i++)
        if (!(w->used[i >> 6] >> (i & 63) & 1))
            return QS_GOSSIP_addr_unused;
    return QS_GOSSIP_ok;
}

static void
read_extensions(qs_reader_t *r)
{
    u32 cnt = qs_read_cu16(r);

    for (u32 i = 0; i < cnt && !r->fault; i++) {
        qs_read_u8(r);
        qs_read_skip(r, qs_read_cu16(r));
    }
}

static qs_gossip_reason_t
read_all(qs_reader_t *r, qs_contact_t *out, qs_contact_brief_t *brief)
{
    walk_t w; /* addr is not cleared: that would be half of the work */

    *brief = (qs_contact_brief_t){0};
    w.r = r;
    w.out = out;
    w.brief = brief;
    memset(w.used, 0, sizeof(w.used));
    memset(w.seen, 0, sizeof(w.seen));
    read_head(&w);
    qs_gossip_reason_t reason = qs_gossip_fault(r);
    if (!reason)
        reason = read_addrs(&w);
    if (!reason)
        reason = read_sockets(&w);
    if (reason)
        return reason;
    read_extensions(r);
    return qs_gossip_fault(r);
}

qs_gossip_reason_t
qs_contact_skim(qs_reader_t *r, qs_contact_brief_t *brief)
{
    return read_all(r, NULL, brief);
}

qs_gossip_reason_t
qs_contact_parse(u8 const *body, u32 sz, qs_contact_t *out)
{
    qs_reader_t r = {.data = body, .sz = sz};
    qs_contact_t c;
    qs_contact_brief_t unused;
    qs_gossip_reason_t reason = read_all(&r, &c, &unused);

    if (!reason && c.wallclock >= QS_GOSSIP_CLOCK_MAX)
        reason = QS_GOSSIP_wallclock;
    if (!reason && qs_reader_left(&r))
        reason = QS_GOSSIP_trailing;
    if (!reason && out)
        *out = c;
    return reason;
}

/* sorted lists the keys of the sockets that are there, by port, and returns how many. */
static u32
sorted(qs_contact_t const *c, u8 key[QS_CONTACT_KEY_CNT])
{
    u32 cnt = 0;

    for (u32 k = 0; k < QS_CONTACT_KEY_CNT; k++) {
        if (!c->socket[k].port)
            continue;
        u32 at = cnt++;
        for (; at && c->socket[key[at - 1]].port > c->socket[k].port; at--)
            key[at] = key[at - 1];
        key[at] = (u8)k;
    }
    return cnt;
}

u32
qs_contact_write(qs_contact_t const *c, u8 *room, u32 room_sz)
{
    qs_writer_t w = {.data = room, .sz = room_sz};
    u8 key[QS_CONTACT_KEY_CNT], idx[QS_CONTACT_KEY_CNT];
    u32 addr[QS_CONTACT_KEY_CNT], addr_cnt = 0, port = 0;
    u32 cnt = sorted(c, key);

    qs_write_u32(&w, QS_CRDS_CONTACT_INFO);
    qs_write_bytes(&w, c->pubkey, 32);
    qs_write_varint(&w, c->wallclock);
    qs_write_u64(&w, c->outset);
    qs_write_u16(&w, c->shred_version);
    qs_write_varint(&w, c->major);
    qs_write_varint(&w, c->minor);
    qs_write_varint(&w, c->patch);
    qs_write_u32(&w, c->commit);
    qs_write_u32(&w, c->features);
    qs_write_varint(&w, c->client);
    for (u32 i = 0; i < cnt; i++) {
        u32 at = 0;
        while (at < addr_cnt && addr[at] != c->socket[key[i]].ip)
            at++;
        if (at == addr_cnt)
            addr[addr_cnt++] = c->socket[key[i]].ip;
        idx[i] = (u8)at;
    }
    qs_write_varint(&w, addr_cnt);
    for (u32 i = 0; i < addr_cnt; i++) {
        qs_write_u32(&w, 0);
        qs_write_u32(&w, __builtin_bswap32(addr[i]));
    }
    qs_write_varint(&w, cnt);
    for (u32 i = 0; i < cnt; i++) {
        qs_write_u8(&w, key[i]);
        qs_write_u8(&w, idx[i]);
        qs_write_varint(&w, c->socket[key[i]].port - port);
        port = c->socket[key[i]].port;
    }
    qs_write_varint(&w, 0); /* extensions: peers that do not know one refuse the signature */
    return w.full ? 0 : w.at;
}

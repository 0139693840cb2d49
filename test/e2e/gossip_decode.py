#!/usr/bin/env python3
"""gossip_decode.py - an independent reader of Solana gossip, and what captures it for the tests.

    gossip_decode.py capture IFACE SECONDS FILE    UDP payloads seen on IFACE (raw socket, both directions)
    gossip_decode.py check FILE [PORT]             decodes every payload, verifies every signature;
                                                   one JSON object; exit code 1 if anything is wrong

Written from the specification of the wire format, not from quickstep's C.  FILE holds records of
8 bytes time in us, 4 + 4 bytes addresses, 2 + 2 bytes ports, 2 bytes length, payload; big endian.
"""
import hashlib
import json
import socket
import struct
import sys
import time

MTU = 1232
LIMIT = 10 ** 15
PRUNE_PREFIX = b"\xffSOLANA_PRUNE_DATA"
VOTE_PROGRAM = bytes.fromhex("0761481d357474bb7c4d7624ebd3bdb3d8355e73d11043fc0da3538000000000")


class Bad(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Bad(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(0 <= n <= len(self.data) - self.at, "truncated")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def u8(self):
        return self.number(1)

    def u16(self):
        return self.number(2)

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def varint(self, bits):
        value, shift = 0, 0
        while True:
            b = self.u8()
            value |= (b & 127) << shift
            need(value < 1 << bits, "varint too large")
            if b < 128:
                need(b or not shift, "varint not minimal")
                return value
            shift += 7
            need(shift < bits, "varint too long")

    def count(self):
        n = self.u64()
        need(n <= len(self.data), "count beyond the packet")
        return n

    def wallclock(self):
        w = self.u64()
        need(w < LIMIT, "wallclock")
        return w

    def slot(self):
        s = self.u64()
        need(s < LIMIT, "slot")
        return s

    def bits(self, width):
        has = self.u8()
        need(has <= 1, "option byte")
        words = [self.number(width) for _ in range(self.count())] if has else []
        n = self.u64()
        need(n <= 8 * width * len(words), "bit vector longer than its words")
        return words, n


def contact_info(r):
    c = {"pubkey": r.take(32), "wallclock": r.varint(64), "outset": r.u64(), "shred_version": r.u16()}
    need(c["wallclock"] < LIMIT, "wallclock")
    c["version"] = (r.varint(16), r.varint(16), r.varint(16), r.u32(), r.u32(), r.varint(16))
    addrs = []
    for _ in range(r.varint(16)):
        need(r.u32() == 0, "not IPv4")
        addrs.append(socket.inet_ntoa(r.take(4)))
    need(len(set(addrs)) == len(addrs), "address twice")
    port, sockets, used = 0, {}, set()
    for _ in range(r.varint(16)):
        key, index = r.u8(), r.u8()
        port += r.varint(16)
        need(port < 1 << 16, "port overflow")
        need(index < len(addrs), "address index")
        need(key not in sockets, "socket key twice")
        sockets[key] = (addrs[index], port)
        used.add(index)
    need(len(used) == len(addrs), "unused address")
    for _ in range(r.varint(16)):
        r.u8()
        r.take(r.varint(16))
    c["sockets"] = sockets
    return c


def vote(r):
    need(r.u8() < 32, "vote index")
    c = {"pubkey": r.take(32)}
    sigs = r.varint(16)
    r.take(64 * sigs)
    required, ro_signed, ro_unsigned = r.u8(), r.u8(), r.u8()
    keys = [r.take(32) for _ in range(r.varint(16))]
    need(required <= sigs <= len(keys) and required + ro_unsigned <= len(keys), "vote header")
    need(ro_signed < required, "vote header")
    r.take(32)
    instructions = r.varint(16)
    need(instructions, "vote without instruction")
    for i in range(instructions):
        program = r.u8()
        accounts = r.take(r.varint(16))
        r.take(r.varint(16))
        need(0 < program < len(keys) and all(a < len(keys) for a in accounts), "vote indices")
        need(i or (keys[program] == VOTE_PROGRAM and accounts), "not a vote")
    c["wallclock"] = r.wallclock()
    return c


def lowest_slot(r):
    need(r.u8() == 0, "lowest slot index")
    c = {"pubkey": r.take(32)}
    need(r.u64() == 0, "lowest slot root")
    c["lowest"] = r.slot()
    need(r.u64() == 0 and r.u64() == 0, "lowest slot slots, stash")
    c["wallclock"] = r.wallclock()
    return c


def epoch_slots(r):
    need(r.u8() < 255, "epoch slots index")
    c = {"pubkey": r.take(32)}
    for _ in range(r.count()):
        kind = r.u32()
        need(kind <= 1, "epoch slots form")
        r.slot()
        need(r.u64() < 16384, "epoch slots count")
        if kind == 0:
            r.take(r.count())
        else:
            words, n = r.bits(1)
            need(n == 8 * len(words), "epoch slots bits")
    c["wallclock"] = r.wallclock()
    return c


def duplicate_shred(r):
    need(r.u16() < 512, "duplicate shred index")
    c = {"pubkey": r.take(32), "wallclock": r.wallclock()}
    r.u64(), r.u32(), r.u8()
    chunks, chunk = r.u8(), r.u8()
    need(chunk < chunks, "duplicate shred chunk")
    r.take(r.count())
    return c


def snapshot_hashes(r):
    c = {"pubkey": r.take(32)}
    full = r.slot()
    r.take(32)
    for _ in range(r.count()):
        need(r.slot() > full, "incremental slot")
        r.take(32)
    c["wallclock"] = r.wallclock()
    return c


def restart_slots(r):
    c = {"pubkey": r.take(32), "wallclock": r.wallclock()}
    kind = r.u32()
    need(kind <= 1, "restart form")
    if kind == 0:
        for _ in range(r.count()):
            r.varint(16)
    else:
        r.bits(1)
    r.slot(), r.take(32), r.u16()
    return c


def restart_fork(r):
    c = {"pubkey": r.take(32), "wallclock": r.wallclock()}
    r.slot(), r.take(32), r.u64(), r.u16()
    return c


DATA = {1: vote, 2: lowest_slot, 5: epoch_slots, 9: duplicate_shred, 10: snapshot_hashes,
        11: contact_info, 12: restart_slots, 13: restart_fork}


def value(r):
    """Returns kind, content, and (key, signature, signed bytes)."""
    begin = r.at
    sig = r.take(64)
    tag = r.u32()
    need(tag in DATA, "value kind %d" % tag)
    content = DATA[tag](r)
    raw = r.data[begin:r.at]
    return tag, content, (content["pubkey"], sig, (raw[64:],))


NAMES = ("pull_request", "pull_response", "push", "prune", "ping", "pong")


def message(data):
    """Returns name, values, list of (key, signature, alternatives of signed bytes), extra."""
    need(len(data) <= MTU, "longer than 1232")
    r = Reader(data)
    tag = r.u32()
    need(tag < len(NAMES), "message kind %d" % tag)
    values, signed, extra = [], [], {}
    if tag == 0:
        keys = [r.u64() for _ in range(r.count())]
        words, nbits = r.bits(8)
        ones, mask, mask_bits = r.u64(), r.u64(), r.u32()
        need(6 <= mask_bits < 64, "mask_bits")
        extra = {"keys": len(keys), "bits": nbits, "mask_bits": mask_bits}
        need(ones == sum(bin(w).count("1") for w in words), "num_bits_set")
        need((mask | ~(2 ** 64 - 1 << 64 - mask_bits) & 2 ** 64 - 1) == mask, "mask not canonical")
        kind, content, s = value(r)
        need(kind == 11, "caller is no ContactInfo")
        values, signed = [(kind, content)], [s]
    elif tag in (1, 2):
        extra["from"] = r.take(32)
        n = r.count()
        need(n, "no values")
        for _ in range(n):
            kind, content, s = value(r)
            values.append((kind, content))
            signed.append(s)
    elif tag == 3:
        sender, pubkey = r.take(32), r.take(32)
        need(sender == pubkey, "prune in somebody else's name")
        begin = r.at
        r.take(32 * r.count())
        origins = r.data[begin:r.at]
        sig = r.take(64)
        tail = r.take(40)
        need(int.from_bytes(tail[32:], "little") < LIMIT, "wallclock")
        plain = pubkey + origins + tail
        signed = [(pubkey, sig, (plain, struct.pack("<Q", 18) + PRUNE_PREFIX + plain))]
    else:
        sender, token, sig = r.take(32), r.take(32), r.take(64)
        signed = [(sender, sig, (token,))]
        extra = {"from": sender, "token": token}
    need(r.at == len(data), "trailing bytes")
    return NAMES[tag], values, signed, extra


def verifies(key, sig, alternatives):
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    for signed in alternatives:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(sig, signed)
            return True
        except InvalidSignature:
            pass
    return False


def udp(frame):
    """Returns (source, destination, source port, destination port, payload) or None."""
    if frame[12:14] != b"\x08\0" or frame[23] != 17 or frame[20] & 0x3f or frame[21]:
        return None
    ip = frame[14:]
    u = ip[4 * (ip[0] & 15):]
    sport, dport, length = struct.unpack(">HHH", u[:6])
    return ip[12:16], ip[16:20], sport, dport, u[8:length]


def capture(iface, seconds, path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((iface, 0))
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.settimeout(0.1)
    end = time.monotonic() + seconds
    with open(path, "wb") as f:
        print("captures", flush=True)
        while time.monotonic() < end:
            try:
                got = udp(s.recv(65536))
            except socket.timeout:
                continue
            if got:
                src, dst, sport, dport, payload = got
                f.write(struct.pack(">Q4s4sHHH", time.time_ns() // 1000, src, dst, sport, dport,
                                    len(payload)) + payload)


def records(path):
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        us, src, dst, sport, dport, sz = struct.unpack_from(">Q4s4sHHH", data, at)
        at += 22
        yield us, src, dst, sport, dport, data[at:at + sz]
        at += sz


def check(path, port):
    counts, wrong, signatures, contacts, tokens, pongs = {}, [], {}, {}, set(), set()
    for us, src, dst, sport, dport, payload in records(path):
        if port not in (sport, dport):
            continue
        try:
            name, values, signed, extra = message(payload)
            for key, sig, alternatives in signed:
                what = (key, sig, alternatives)
                if what not in signatures:
                    signatures[what] = verifies(*what)
                need(signatures[what], name + " with a wrong signature")
            if name == "ping":
                tokens.add(hashlib.sha256(b"SOLANA_PING_PONG" + extra["token"]).digest())
            if name == "pong":
                pongs.add(extra["token"])
            for kind, content in values:
                if kind == 11:
                    need(0 in content["sockets"], "ContactInfo without a gossip socket")
                    need(name != "push" or abs(content["wallclock"] - us // 1000) < 15000,
                         "pushed ContactInfo that is not of now")
                    contacts[content["pubkey"].hex()] = "%s:%d" % content["sockets"][0]
            counts[name] = counts.get(name, 0) + 1
        except Bad as e:
            wrong.append("%s:%d: %s" % (socket.inet_ntoa(src), sport, e))
    print(json.dumps({"ok": not wrong and bool(counts), "messages": counts, "wrong": wrong[:10],
                      "wrong_count": len(wrong), "signatures": len(signatures),
                      "contacts": contacts, "pongs_unasked": len(pongs - tokens)}))
    return 0 if not wrong and counts else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["capture"]:
        capture(sys.argv[2], float(sys.argv[3]), sys.argv[4])
    elif sys.argv[1:2] == ["check"]:
        sys.exit(check(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 8001))
    else:
        sys.exit(__doc__)

#!/usr/bin/env python3
"""Writes test/fuzz/corpus/txn: small transactions of each shape, and each way to spoil one.

usage: contrib/txn_corpus.py DIRECTORY
"""
import os
import struct
import sys


def cu16(n):
    out = b""
    while True:
        if n < 0x80:
            return out + bytes([n])
        out += bytes([n & 0x7F | 0x80])
        n >>= 7


def key(i):
    return bytes([i]) * 32


def instr(program, accounts=b"", data=b""):
    return bytes([program]) + cu16(len(accounts)) + accounts + cu16(len(data)) + data


def envelope(ns=1, nr=None, rs=0, ru=1, na=3, instrs=(instr(2, b"\0\1", b"data"),), lookups=None):
    nr = ns if nr is None else nr
    out = bytes([ns]) + b"\5" * 64 * ns
    if lookups is not None:
        out += b"\x80"
    out += bytes([nr, rs, ru]) + cu16(na) + b"".join(key(i) for i in range(na)) + key(99)
    out += cu16(len(instrs)) + b"".join(instrs)
    if lookups is not None:
        out += cu16(len(lookups))
        for writable, readonly in lookups:
            out += key(88) + cu16(len(writable)) + writable + cu16(len(readonly)) + readonly
    return out


def v1(nr=1, rs=0, ru=1, mask=31, na=3, heap=32768, instrs=((2, b"\0\1", b"data"),), sigs=None):
    out = bytes([0x81, nr, rs, ru]) + struct.pack("<I", mask) + key(99) + bytes([len(instrs), na])
    out += b"".join(key(i) for i in range(na))
    values = [struct.pack("<I", 1), struct.pack("<I", 0), struct.pack("<I", 200000),
              struct.pack("<I", 65536), struct.pack("<I", heap)]
    out += b"".join(v for i, v in enumerate(values) if mask >> i & 1)
    out += b"".join(bytes([p, len(a)]) + struct.pack("<H", len(d)) for p, a, d in instrs)
    out += b"".join(a + d for p, a, d in instrs)
    return out + b"\5" * 64 * (nr if sigs is None else sigs)


VOTE = bytes.fromhex("0761481d357474bb7c4d7624ebd3bdb3d8355e73d11043fc0da3538000000000")
plain, v0 = envelope(), envelope(lookups=[(b"\1\2", b"\3"), (b"", b"\4")])
cases = {
    "legacy": plain,
    "legacy_least": envelope(ru=0, na=1, instrs=()),
    "legacy_12_signers": envelope(ns=12, rs=11, na=13, instrs=()),
    "legacy_64_instrs": envelope(instrs=[instr(1)] * 64),
    "legacy_two_bytes": envelope(instrs=[instr(2, b"\0" * 200, b"x" * 300)]),
    "vote": plain.replace(key(2), VOTE),
    "v0": v0,
    "v0_no_lookup": envelope(lookups=[]),
    "v0_64_accounts": envelope(lookups=[(b"\1" * 30, b"\2" * 31)], instrs=[instr(2, b"\x3f")]),
    "v1": v1(),
    "v1_bare": v1(mask=0, instrs=()),
    "v1_heap": v1(mask=16, heap=262144),
    "v1_two_signers": v1(nr=2, rs=1),
    "bad_empty": b"",
    "bad_oversize": envelope(instrs=[instr(2, b"", b"x" * 1100)]),
    "bad_no_signature": b"\0" + plain[65:],
    "bad_13_signatures": b"\r" + plain[1:],
    "bad_version": b"\x82" + plain[1:],
    "bad_inner_version": v0.replace(b"\x80\1\0\1\3", b"\x81\1\0\1\3"),
    "bad_truncated": plain[:-1],
    "bad_trailing": plain + b"\0",
    "bad_cu16_long": plain.replace(b"\1\0\1\3" + key(0), b"\1\0\1\x83\0" + key(0)),
    "bad_cu16_large": plain.replace(b"\1\0\1\3" + key(0), b"\1\0\1\x83\x80\4" + key(0)),
    "bad_signers": envelope(nr=2),
    "bad_readonly_signed": envelope(rs=1),
    "bad_few_accounts": envelope(ru=3),
    "bad_many_accounts": envelope(lookups=[(b"\1" * 30, b"\2" * 32)]),
    "bad_65_instrs": envelope(instrs=[instr(1)] * 65),
    "bad_no_program": envelope(ru=0, na=1),
    "bad_program_0": envelope(instrs=[instr(0)]),
    "bad_program_3": envelope(instrs=[instr(3)]),
    "bad_256_accounts": envelope(instrs=[instr(2, b"\0" * 256)]),
    "bad_account": envelope(instrs=[instr(2, b"\3")]),
    "bad_lookup_empty": envelope(lookups=[(b"", b"")]),
    "bad_128_lookups": envelope(lookups=[])[:-1] + cu16(128),
    "bad_mask": v1(mask=31 | 1 << 7),
    "bad_fee": v1(mask=1),
    "bad_heap": v1(heap=32769),
    "bad_twice": v1().replace(key(1), key(2)),
    "bad_v1_signatures": v1(sigs=0),
}
os.makedirs(sys.argv[1], exist_ok=True)
for name, data in cases.items():
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(data)

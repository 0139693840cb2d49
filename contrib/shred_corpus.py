#!/usr/bin/env python3
"""shred_corpus.py DIR - writes the seed corpora of the fuzzers around shreds to DIR/<name>/.

Every seed is made here from nothing; run it from the root of the repository with test/fuzz/corpus.
"""
import os
import struct
import sys

DATA_SZ, CODE_SZ = 1203, 1228


def write(root, name, seeds):
    folder = os.path.join(root, name)
    os.makedirs(folder, exist_ok=True)
    for seed, content in seeds.items():
        with open(os.path.join(folder, seed), "wb") as f:
            f.write(content)


def data(variant=0x96, slot=7, idx=3, version=5, fec=0, parent=1, flags=4, size=200):
    head = bytes(64) + struct.pack("<BQIHIHBH", variant, slot, idx, version, fec, parent, flags, size)
    return head.ljust(DATA_SZ, b"\0")


def code(variant=0x66, slot=7, idx=3, version=5, fec=0, data_cnt=32, code_cnt=32, pos=3):
    head = bytes(64) + struct.pack("<BQIHIHHH", variant, slot, idx, version, fec, data_cnt, code_cnt, pos)
    return head.ljust(CODE_SZ, b"\0")


def shred_seeds():
    know_nothing, know_root, short_slots = b"\0\0\0\0", b"\5\0\1\3", b"\5\0\3\3"
    return {
        "data": know_nothing + data(),
        "code": know_nothing + code(),
        "data_resigned": know_root + data(variant=0xB6),
        "code_resigned": know_root + code(variant=0x76),
        "slot_0": know_nothing + data(slot=0, parent=0),
        "slot_end": know_nothing + data(idx=31, flags=0xC0),
        "old": b"\5\0\1\7" + data(),
        "far": know_root + data(slot=1 << 40),
        "idx_limit": short_slots + data(idx=16384, fec=16384),
        "wrong_version": b"\6\0\0\0" + data(),
        "wrong_set": know_nothing + code(data_cnt=31),
        "wrong_position": know_nothing + code(pos=4),
        "wrap": know_nothing + data(idx=1, fec=0xFFFFFFE0),
        "legacy": know_nothing + data(variant=0xA5)[:300],
        "unchained": know_nothing + data(variant=0x86),
        "short": know_nothing + data()[:70],
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(sys.argv[1], "shred", shred_seeds())


main()

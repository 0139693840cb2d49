#!/usr/bin/env python3
"""shred_corpus.py DIR - writes the seed corpora of the fuzzers around shreds to DIR/<name>/.

Every seed is made here from nothing; run it from the root of the repository with test/fuzz/corpus.
"""
import json
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


A = "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi"  # base58 of 32 bytes 1, and of 32 bytes 2
B = "8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR"


def leaders_seeds():
    span = list(range(64))
    plain = {A: [0, 1, 2, 3, 8, 9, 10, 11], B: [4, 5, 6, 7]}
    whole = {A: span[:32], B: span[32:]}
    votes = {"current": [{"votePubkey": A, "nodePubkey": B, "activatedStake": 9007199254740993, "epochCredits": [[1, 2, 3]]}],
             "delinquent": [{"votePubkey": B, "nodePubkey": A, "activatedStake": 5}]}
    entries = [{"slot": 64 + i, "leader": A} for i in span]
    schedule = {"slotsPerEpoch": 8192, "leaderScheduleSlotOffset": 8192, "warmup": True, "firstNormalEpoch": 8, "firstNormalSlot": 8160}
    texts = {
        "map": (0, plain),
        "map_whole": (1, whole),
        "map_epoch": (4 * 7, plain),
        "reply": (0, {"jsonrpc": "2.0", "result": plain, "id": 1}),
        "reply_null": (0, {"jsonrpc": "2.0", "result": None, "id": 1}),
        "reply_error": (0, {"jsonrpc": "2.0", "error": {"code": -32602, "message": "x"}, "id": 1}),
        "list": (0, [A] * 4 + [B] * 4),
        "votes": (1, votes),
        "votes_reply": (1, {"id": 1, "result": votes}),
        "entries": (1, {"epoch": 1, "leaderScheduleEntries": entries}),
        "entries_first": (1, {"leaderScheduleEntries": entries, "epoch": 1}),
        "entries_guess": (0, {"epoch": 1, "leaderScheduleEntries": entries}),
        "schedule": (0, schedule),
        "twice": (0, {A: [0, 1, 2, 3], B: [3]}),
        "hole": (0, {A: [0, 1, 3]}),
        "group": (0, {A: [0, 1], B: [2, 3]}),
        "float": (0, {A: [0.5]}),
        "zero": (0, {"1" * 32: [0]}),
        "bad_key": (0, {"l0": [0]}),
        "empty": (0, {}),
    }
    return {name: bytes([how]) + json.dumps(value, separators=(",", ":")).encode() for name, (how, value) in texts.items()}


def resolver_seeds():
    def run(which, first, cnt):
        return bytes([0, which, first, cnt])

    pop, flush = b"\x20\0\0\0", b"\x10\0\0\0"
    one = lambda which, leaf: bytes([0x40, which, leaf, 0])
    forge = lambda which, leaf, at: bytes([0x41, which, leaf, at])
    return {
        "data": run(0, 0, 32) + pop,
        "code": run(0, 32, 32) + pop,
        "late": run(0, 0, 32) + flush + run(0, 0, 39) + run(0, 32, 32) + pop,
        "no_pop": b"".join(run(i, 16, 32) for i in range(12)),
        "pop_each": b"".join(run(i, 16, 32) + pop for i in range(12)),
        "versions": run(0, 0, 31) + run(3, 0, 32) + run(0, 31, 1) + pop,
        "last": one(4, 31) + one(2, 7) + pop + run(2, 32, 32) + pop,
        "last_before": one(2, 7) + one(4, 31) + pop,
        "flaws": b"".join(run(i, 20, 32) + pop for i in range(12, 16)),
        "flaws_code": b"".join(run(i, 32, 32) + pop for i in range(12, 16)),
        "forged_first": b"".join(forge(0, i, 99) + one(0, i) for i in range(32)) + pop,
        "forged_header": b"".join(forge(0, 0x80 | i, 64 + i) for i in range(32)) + run(0, 0, 32) + pop,
        "mixed": b"".join(one(i % 12, i // 3) for i in range(400)) + pop,
        "root": run(0, 0, 20) + b"\x30\xff\1\0" + run(0, 20, 20) + run(5, 0, 32) + pop,
        "short": bytes([0x42, 0, 3, 255, 0x42, 0, 40, 210]) + pop,
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(sys.argv[1], "shred", shred_seeds())
    write(sys.argv[1], "leaders", leaders_seeds())
    write(sys.argv[1], "resolver", resolver_seeds())


main()

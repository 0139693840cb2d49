#!/usr/bin/env python3
"""Writes the corpus of test/fuzz/fuzz_ed25519.c, whose first comment tells the format.

usage: contrib/ed25519_corpus.py DIRECTORY
"""

import os
import sys

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
SIG, KEY = 0x40, 0x80
ORDER8 = [
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D763CBA0B4FD84D3D706A17C7,
]
SIGN = 1 << 255


def le(n):
    return n.to_bytes(32, "little")


def record(seed=1, r=0, s=0, key=0, how=0, msg=b""):
    return le(seed) + le(r) + le(s) + le(key) + bytes([how | len(msg)]) + msg


def points():
    small = [0, 1, P - 1] + ORDER8
    for y in small + [2, 3, 4, P - 2] + [P + i for i in (0, 1, 3, 4, 18)]:
        yield y
        yield y | SIGN


def main():
    files = {
        "empty_message": record(),
        "message": record(7, msg=b"a message of some length"),
        "long_message": record(9, msg=bytes(range(63))),
        "batch": b"".join(record(i, msg=bytes(i)) for i in range(20)),
        "batch_mixed": b"".join(record(i, s=i % 3, key=(i % 5 == 4) << 77) for i in range(19)),
        "cut_short": record(3)[:50],
        "one_byte": b"\x01",
        "negative_r": record(2, r=SIGN),
        "negative_key": record(2, key=SIGN),
        "other_message": record(2, r=1 << 100),
        "base_point_key": record(5, key=0x6666666666666666666666666666666666666666666666666666666666666658, how=KEY),
    }
    for name, s in [("0", 0), ("1", 1), ("l_minus_1", L - 1), ("l", L), ("l_plus_1", L + 1), ("2_256_minus_1", 2**256 - 1)]:
        files["s_" + name] = record(4, r=3, s=s, key=3, how=SIG | KEY)
    for i, y in enumerate(points()):
        files["r_point_%d" % i] = record(6, r=y, s=5, how=SIG)
        files["key_point_%d" % i] = record(6, key=y, how=KEY)
    files["both_small"] = b"".join(record(i, r=ORDER8[0], key=ORDER8[1], how=SIG | KEY) for i in range(3))
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()

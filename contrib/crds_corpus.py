#!/usr/bin/env python3
"""Writes the corpus of test/fuzz/fuzz_crds_table.c: rows of random operations, of a few tempers.

usage: crds_corpus.py DIRECTORY
"""
import random
import sys

TEMPERS = {  # weights of upsert, stake, expire, long pause; most ms * 16 that pass
    "fill": (95, 3, 2, 0, 2), "stakes": (60, 38, 2, 0, 2), "age": (60, 5, 30, 0, 800),
    "ages": (70, 10, 10, 10, 60), "still": (100, 0, 0, 0, 0)}

for name, (upsert, stake, expire, pause, most) in TEMPERS.items():
    rng = random.Random(name)
    out = bytearray()
    for _ in range(300):
        what = rng.choices((rng.randrange(200), rng.randrange(200, 225), rng.randrange(225, 250),
                            rng.randrange(250, 256)), (upsert, stake, expire, pause))[0]
        out += bytes((what, rng.randrange(256), rng.randrange(256)))
        out += rng.randint(0, most).to_bytes(2, "little") + rng.randrange(3000).to_bytes(2, "little")
        out.append(rng.randrange(256) & (255 if rng.randrange(4) == 0 else 254))
    with open("%s/%s" % (sys.argv[1], name), "wb") as f:
        f.write(out)

#!/usr/bin/env python3
"""Writes the seeds of fuzz_reedsol and fuzz_merkle: test/fuzz/corpus/{reedsol,merkle}/.

    python3 contrib/fec_corpus.py
"""

import os
import random
import struct

random.seed(8)
ALL = 2**64 - 1
DATA = 2**32 - 1
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "fuzz", "corpus")


def write(name, inputs):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    for label, data in inputs.items():
        with open(os.path.join(folder, label), "wb") as f:
            f.write(data)


def some(cnt):
    return sum(1 << i for i in random.sample(range(64), cnt))


def shards(have, want, sz, spoil=0):
    """What fuzz_reedsol reads: sets, size less one, the shard to spoil, data."""
    return struct.pack("<QQHB", have, want, sz - 1, spoil) + random.randbytes(40)


REEDSOL = {
    "all_data_lost": shards(ALL & ~DATA, DATA, 987),
    "all_code_lost": shards(DATA, ALL & ~DATA, 923),
    "half_of_each": shards(0x5555555555555555, 0xAAAAAAAAAAAAAAAA, 1024),
    "six_lost_rest_checked": shards(ALL & ~0x3F, 0x3F, 1228),
    "only_code_wanted": shards(ALL & ~0xFF000000FF, 0xFF00000000, 64),
    "one_byte": shards(some(40), ALL, 1),
    "a_column_and_a_byte": shards(some(33), ALL, 65),
    "too_few": shards(some(31), ALL, 100),
    "data_spoilt": shards(ALL, 0, 130, 5 << 2 | 1),
    "code_spoilt": shards(some(50) | 1 << 40, ALL, 500, 40 << 2 | 1),
    "spoilt_and_nobody_can_tell": shards(DATA, ALL, 200, 3 << 2 | 1),
}
for lost in (1, 2, 7, 11, 16, 17, 25, 31):
    REEDSOL["lost_%d" % lost] = shards(ALL & ~some(lost), ALL, random.randrange(1, 1281))


def claims(cnt, how, batch):
    """What fuzz_merkle reads: leaf and set, what is spoilt, which byte (odd: end of batch), bits."""
    out = b""
    for i in range(cnt):
        spoilt = random.randrange(4) if random.random() < how else 0
        byte = random.randrange(120) & ~1 | (i % batch == batch - 1)
        out += bytes([random.randrange(128), spoilt, byte, random.randrange(256)])
    return out


MERKLE = {
    "nothing": b"",
    "one_claim": claims(1, 0, 1),
    "in_order": b"".join(bytes([i, 0, 0, 0]) for i in range(64)),
    "one_at_a_time": b"".join(bytes([63 - i, 0, 1, 0]) for i in range(64)),
    "one_leaf_many_claims": b"".join(bytes([5, i % 3, i * 2, 1 << i % 8]) for i in range(60)),
}
for batch in (2, 5, 16, 64):
    MERKLE["right_by_%d" % batch] = claims(100, 0, batch)
    MERKLE["hostile_by_%d" % batch] = claims(100, 0.5, batch)

write("reedsol", REEDSOL)
write("merkle", MERKLE)

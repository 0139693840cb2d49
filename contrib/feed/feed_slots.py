#!/usr/bin/env python3
"""feed_slots.py [INSTANCE or PATH] [RECORDS] - what feed_slots.c does, in Python, with nothing but ctypes.

QUICKSTEP_CLIENT names the library if it is not where the loader looks."""

import ctypes
import os
import sys

OLDEST, TXN, STATUS, COMPLETE = 1, 3, 4, 2


class Rec(ctypes.Structure):
    _fields_ = [("seq", ctypes.c_uint64), ("kind", ctypes.c_uint32), ("sz", ctypes.c_uint32),
                ("slot", ctypes.c_uint64), ("flags", ctypes.c_uint32), ("source", ctypes.c_uint16),
                ("reserved", ctypes.c_uint16), ("idx", ctypes.c_uint32), ("reserved2", ctypes.c_uint32),
                ("arrival_ns", ctypes.c_uint64), ("verified_ns", ctypes.c_uint64),
                ("complete_ns", ctypes.c_uint64), ("published_ns", ctypes.c_uint64),
                ("reserved3", ctypes.c_uint64)]


class Status(ctypes.Structure):
    _fields_ = [("parent_slot", ctypes.c_uint64), ("state", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
                ("reason", ctypes.c_char * 40), ("block_id", ctypes.c_uint8 * 32), ("hash", ctypes.c_uint8 * 32),
                ("set_cnt", ctypes.c_uint32), ("entry_cnt", ctypes.c_uint32), ("tick_cnt", ctypes.c_uint32),
                ("txn_cnt", ctypes.c_uint32), ("vote_cnt", ctypes.c_uint32), ("reserved2", ctypes.c_uint32)]


def load():
    lib = ctypes.CDLL(os.environ.get("QUICKSTEP_CLIENT", "libquickstep-client.so.1"))
    feed, rec = ctypes.c_void_p, ctypes.POINTER(Rec)
    lib.qs_feed_open.argtypes = [ctypes.POINTER(feed), ctypes.c_char_p, ctypes.c_int]
    lib.qs_feed_next.argtypes = [feed, ctypes.POINTER(rec)]
    lib.qs_feed_payload.argtypes, lib.qs_feed_payload.restype = [rec], ctypes.c_void_p
    lib.qs_feed_wait.argtypes = [feed, ctypes.c_uint64]
    for name in ("missed", "seq", "silent_ns"):
        getattr(lib, "qs_feed_" + name).argtypes = [feed]
        getattr(lib, "qs_feed_" + name).restype = ctypes.c_uint64
    lib.qs_feed_close.argtypes = [feed]
    return lib


def main():
    lib, feed, rec = load(), ctypes.c_void_p(), ctypes.POINTER(Rec)()
    name = sys.argv[1].encode() if len(sys.argv) > 1 else None
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 1 << 63
    err = lib.qs_feed_open(ctypes.byref(feed), name, OLDEST)
    if err:
        sys.exit("no feed: " + os.strerror(-err))
    seen = txns = 0
    while seen + lib.qs_feed_missed(feed) < most:
        if lib.qs_feed_next(feed, ctypes.byref(rec)) != 1:
            if not lib.qs_feed_wait(feed, 10**9) and lib.qs_feed_silent_ns(feed) > 5 * 10**9:
                break  # the node ended
            continue
        r = rec.contents
        seen += 1
        txns += r.kind == TXN
        if r.kind == STATUS:
            s = Status.from_address(lib.qs_feed_payload(rec))
            if s.state == COMPLETE:
                print(f"slot {r.slot}: {s.txn_cnt} transactions, complete "
                      f"{(r.complete_ns - r.arrival_ns) / 1e6:.1f} ms after its first shred")
    print(f"{seen} records, {txns} of them transactions, {lib.qs_feed_missed(feed)} missed")
    lib.qs_feed_close(feed)


main()

#!/usr/bin/env python3
"""Writes the corpus of test/fuzz/fuzz_frame.c: each file is one Ethernet frame.

usage: contrib/frame_corpus.py DIRECTORY
"""

import os
import struct
import sys

MACS = bytes([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])


def frame(tags=b"", ihl=5, proto=17, flags=0x4000, src=(10, 77, 0, 1), sport=8080, payload=b"payload",
          version=4, ip_sz=None, udp_sz=None, pad=b"", type_=0x0800):
    udp = struct.pack("!4H", sport, 9000, 8 + len(payload) if udp_sz is None else udp_sz, 0) + payload
    options = b"\x01" * (4 * ihl - 20)
    total = 4 * ihl + len(udp) if ip_sz is None else ip_sz
    ip = struct.pack("!BBHHHBBH4B4B", version << 4 | ihl, 0, total, 7, flags, 64, proto, 0, *src, 10, 77, 0, 2)
    return MACS + tags + struct.pack("!H", type_) + ip + options + udp + pad


def main():
    tag = bytes([0x81, 0, 0, 5])
    files = {
        "plain": frame(),
        "empty_payload": frame(payload=b""),
        "large": frame(payload=bytes(1472)),
        "padded": frame(payload=b"", pad=bytes(18)),
        "vlan": frame(tags=tag),
        "vlan_options": frame(tags=tag, ihl=15),
        "options": frame(ihl=6),
        "options_most": frame(ihl=15),
        "priority_tag": frame(tags=bytes([0x81, 0, 0xE0, 0])),
        "two_tags": frame(tags=tag + tag),
        "qinq": frame(tags=bytes([0x88, 0xA8, 0, 7]) + tag),
        "arp": frame(type_=0x0806),
        "ipv6": frame(type_=0x86DD, version=6),
        "version": frame(version=5),
        "tcp": frame(proto=6),
        "fragment_first": frame(flags=0x2000),
        "fragment_last": frame(flags=0x00B9),
        "ip_len_zero": frame(ip_sz=0),
        "ip_len_beyond": frame(ip_sz=1000),
        "ip_len_27": frame(ip_sz=27),
        "udp_len_zero": frame(udp_sz=0),
        "udp_len_7": frame(udp_sz=7),
        "udp_len_below": frame(udp_sz=9),
        "udp_len_beyond": frame(udp_sz=16),
        "port_zero": frame(sport=0),
        "from_loopback": frame(src=(127, 0, 0, 1)),
        "from_multicast": frame(src=(224, 0, 0, 1)),
        "cut_ethernet": frame()[:13],
        "cut_tag": frame(tags=tag)[:17],
        "cut_ip": frame()[:33],
        "cut_udp": frame()[:41],
        "cut_payload": frame()[:-1],
    }
    ihl4 = bytearray(frame())
    ihl4[14] = 0x44
    files["ihl_4"] = bytes(ihl4)
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(sys.argv[1], name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()

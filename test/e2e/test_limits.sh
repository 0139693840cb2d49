#!/bin/bash
# test_limits.sh OUT - Goal: every option at its limits boots, or is refused with its name.  Method: the
# options are read from the program itself (help config --json), so none is forgotten; for each, `run`
# is started with it at its smallest and its largest, longest and emptiest value, all else being as it
# needs to be.  It must get ready and end in order, or end with code 2 or 3 and one line that names the
# option.  The same with a pipeline of one tile whose options are its memory, up to 2^64 - 1.
. "$(dirname "$0")/lib.sh"

cat >"$tmp/limits.py" <<'P'
import json, re, os, signal, struct, subprocess, sys, time
out, tmp, part, parts = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

# A capture of one UDP datagram, for the options of replay.
udp = struct.pack(">HHHH", 1, 2, 12, 0) + b"abcd"
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
frame = bytes(12) + b"\x08\0" + ip + udp
pcap = f"{tmp}/one{part}.pcap"
open(pcap, "wb").write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) +
                       struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
needs = {"net.bind_address": "127.0.0.1", "load.target": "127.0.0.1", "replay.path": pcap}

def text_of(o, size):
    """A string of that many bytes, of the option's form."""
    if o["form"] == "addr":
        return "" if size == 0 else "255.255.255.255" if size == 15 else "1.2.3.4"
    if o["form"] == "cpus":
        return "0" if size < 3 else "0" + ",0" * ((size - 1) // 2)
    return ("/" + "x" * (size - 1))[:size]

def values(o):
    lo, hi, kind = o["min"], o["max"], o["kind"]
    if kind == "bool":
        return ["false", "true"]
    if kind == "enum":
        return o["names"]
    if kind in ("u32", "u64", "pow2"):
        return [str(lo), str(hi)]
    if kind == "str":
        return [text_of(o, lo), text_of(o, hi)] + (["127.0.0.1"] if o["form"] == "addr" else [])
    if kind == "list_u32":
        n = min(o["items"], hi - lo + 1)
        return ["", str(lo), str(hi), ",".join(str(lo + i) for i in range(n)),
                ",".join(str(hi - i) for i in range(n))]
    return [""] + [",".join([text_of(o, size)] * n) for size in (lo, hi) for n in (1, o["items"])]

def standing(pid):
    """Where that process and its children stand."""
    children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    return "\n".join(f"{p}: " + " | ".join(open(f"/proc/{p}/{f}").read().strip().replace("\n", ", ")
                                          for f in ("cmdline", "wchan", "syscall", "stack"))
                     for p in [str(pid)] + children).replace("\0", " ")

def boots(program, topology, name, value, extra):
    """None, or what is wrong with this boot."""
    sets = {**needs, **extra, name: value} if topology != "hungry" else {name: value}
    instance = f"limits{part}"
    log = open(f"{tmp}/log{part}", "w+")
    start = time.monotonic()
    p = subprocess.Popen([program, "run", "--topology", topology, "--instance", instance] +
                         [a for k, v in sets.items() for a in ("--set", f"{k}={v}")],
                         stderr=log, stdout=log, stdin=subprocess.DEVNULL)
    ready = False
    while p.poll() is None and not ready and time.monotonic() < start + 20:
        ready = subprocess.run([program, "ready", "--instance", instance, "--timeout", "1"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    if p.poll() is None:
        p.send_signal(signal.SIGINT)
    try:
        code = p.wait(10)
    except subprocess.TimeoutExpired:
        print(standing(p.pid), flush=True)
        p.kill()
        p.wait()
        code = "hangs"
    log.seek(0)
    said = log.read()
    if code == 0 and not re.search("QS-GRP-00[1-5]", said):
        return None
    if code in (2, 3) and not ready:
        lines = [line for line in said.splitlines() if name in line]
        return None if lines else f"exit code {code}, and no line names it: {said}"
    return f"exit code {code}, {'ready' if ready else 'never ready'}: {said}"

failed = tried = 0
jobs = []
for program, only in (f"{out}/quickstep", None), (f"{out}/e2e/hungry", "hungry"):
    table = json.loads(subprocess.check_output([program, "help", "config", "--json"]))["options"]
    for o in table:
        if only and o["section"] != only:
            continue
        topology = only or {"load": "load", "replay": "replay"}.get(o["section"], "listen")
        place = o["section"] + (".0" if o["repeat"] else "")
        # What else a repeated section must have.
        extra = {f"{place}.{other['key']}": text_of(other, other["min"]) for other in table
                 if o["repeat"] and other["section"] == o["section"] and other["kind"] == "str"}
        jobs += [(program, topology, f"{place}.{o['key']}", v, extra) for v in values(o)]
for program, topology, name, value, extra in jobs[part::parts]:
    wrong = boots(program, topology, name, value, extra)
    tried += 1
    if wrong:
        failed += 1
        print(f"FAILED: {name}={value[:80]}: {wrong}")
assert len(jobs) > 90, len(jobs)
print(f"{tried} boots")
sys.exit(failed != 0)
P

workers=()
parts=3
for part in $(seq 0 $((parts - 1))); do
    unshare -n sh -c 'ip link set lo up && exec python3 "$@"' sh "$tmp/limits.py" "$out" "$tmp" "$part" $parts >"$tmp/said$part" 2>&1 &
    workers+=($!)
done
bad=
for part in $(seq 0 $((parts - 1))); do
    wait "${workers[$part]}" || bad=1
    cat "$tmp/said$part"
done
[ -z "$bad" ] || exit 1
no_tiles || fail "tiles are left: $(tiles)"

# A port that somebody has is called by its option, and so are two options with one port.
settings=(--instance taken --seconds 1 --set net.bind_address=127.0.0.1 --set net.provider=socket)
refused() { # refused WORDS OPTION...
    local words=$1
    shift
    "$bin" run "${settings[@]}" "$@" >"$tmp/log" 2>&1
    case $? in 2 | 3) ;; *) fail "exit code $?: $(cat "$tmp/log")" ;; esac
    grep -q "error .*$words" "$tmp/log" || fail "no '$words' in: $(cat "$tmp/log")"
}
python3 -c 'import socket, sys, time
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
s[0].bind(("127.0.0.1", 8004)); s[1].bind(("127.0.0.1", 5555))
print("bound", flush=True)
time.sleep(60)' >"$tmp/holder" &
holder=$!
within 5 grep -q bound "$tmp/holder" || fail "no port could be taken"
refused "8004.*port.repair"
refused "5555.*net.extra_ports" --set port.repair=8005 --set net.extra_ports=5555
kill $holder
refused "port.gossip = 8001 .*port.tvu" --set port.tvu=8001
refused "net.extra_ports = 8001 .*port.gossip" --set net.extra_ports=8001
refused "net.bind_address" --set net.bind_address=192.0.2.1
say "every option at its limits boots or is refused by name"

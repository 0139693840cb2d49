#!/usr/bin/env python3
"""net [--json] [--rounds=N] [--rate=PPS] [user|cpu|loss|calls|latency|sandbox]... - the net tile: its user half
(bench_net-user.c), then real packets on a veth pair, beside DPDK's testpmd and recvmmsg.  tiers [--json] [--rounds=N]
[veth|vm]... - what each way to choose packets costs, on a veth pair and, with zero copy, in the guest of make
test-zerocopy.
The build installs this file as build/bench/net and build/bench/tiers.

Method: two network namespaces, one core each.  quickstep pktgen sends from core 0 by AF_XDP; whoever
receives has core 1 to itself.  On veth the sender's core also runs the receiver's softirq, so what
a packet costs is the sum of two parts, each exact to the ns:

    thread    what the scheduler gave the receiving process (/proc/PID/task/*/schedstat), the net
              tile's for quickstep; calls that poll the NIC from there are in it.  A receiver that
              spins takes all of its core: it is counted whole, even if others got a part of it
    softirq   time between the tracepoints softirq_entry and softirq_exit of NET_RX, both cores
              (veth_tool softirq)

Packets are those the receiving interface counted in the same window; the receivers' own counts over
the whole run say whether any was lost.  What receives next changes each round; figures are medians.
Everything runs in namespaces of its own and goes away with them.  Without arguments: all parts.
"""
import glob
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

NAME = os.path.basename(sys.argv[0])
HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
QUICKSTEP = os.path.join(HERE, "..", "quickstep")
TOOL = os.path.join(HERE, "veth_tool")
ADDRESS, PORT = "10.77.0.2", "9001"
PAYLOAD = 22  # a frame of 64 bytes
STAMPED = 64  # has room for the sender's stamp
RING = 2048  # frames in the receive ring, as many as testpmd has by default
RATES = 200000, 280000  # below what all of them take; a core that is spun on costs 5,000 and 3,571 ns a packet
TIER_RATE = 100000  # half of it unwanted
SETTLE, SPAN = 0.3, 1.0  # seconds
ROUNDS = 5
NIC = "/sys/class/net/qs0/"
CPU = ("veth native, 64 bytes, same offered rate below saturation: CPU time per received packet "
       "(thread + softirq) against DPDK testpmd rxonly with net_af_xdp, and against recvmmsg")
LOSS = "highest loss-free rate against the same two"
CALLS = "system calls per received packet at saturation"
LATENCY = "wire to consumer at 10 kpps on veth, p50/p99"
SANDBOX = "seccomp and landlock on hot tiles"
VM_RUNGS = "zero copy / copy / skb in the VM"
VM_SECONDS = 1
TIERS = ("`bench tiers`: user filter, kernel filter, zero copy with 50 % unwanted traffic, side by side: "
         "the first two on veth; all three inside one VM once `make test-zerocopy` exists (until then "
         "that part says \"not run\")")
HUSH = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def say(text):
    print(f"bench {NAME}: {text}", file=sys.stderr, flush=True)


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, capture_output=True, **options).stdout


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def inside(name):
    """A file of ours, gone when all ends."""
    return os.path.join(os.environ["QS_VETH_INSIDE"], name)


def enter_namespaces():
    """Starts this program anew where only its own processes, mounts and interfaces are."""
    if os.environ.get("QS_VETH_INSIDE"):
        return
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run(spaces + ["true"], **HUSH).returncode:
        say("needs root, for namespaces of its own and AF_XDP")
        sys.exit(3)
    with tempfile.TemporaryDirectory() as tmp:
        env = {**os.environ, "QS_VETH_INSIDE": tmp}
        sys.exit(subprocess.run(spaces + [sys.executable, *sys.argv], env=env).returncode)


def prepare():
    """Private places for whatever leaves files, and the pair of interfaces."""
    for line in read("/proc/mounts").splitlines():
        if line.split()[2] == "hugetlbfs":
            run("umount", line.split()[1])
    places = [("sysfs", "/sys"), ("bpf", "/sys/fs/bpf"), ("tmpfs", "/dev/shm"), ("tmpfs", "/run")]
    if os.path.realpath("/var/run") != "/run":
        places.append(("tmpfs", "/var/run"))  # where testpmd leaves files
    for kind, where in places:
        run("mount", "-t", kind, kind, where)
    os.mkdir("/run/netns")
    for words in ("ip link set lo up", "ip netns add gen",
                  "ip link add qs0 numrxqueues 1 numtxqueues 1 type veth peer name qs1 netns gen numrxqueues 1 numtxqueues 1",
                  f"ip addr add {ADDRESS}/24 dev qs0", "ip link set qs0 up",
                  "ip -n gen addr add 10.77.0.1/24 dev qs1", "ip -n gen link set qs1 up"):
        run(*words.split())


class Asked:
    """A program that answers a line with a line of numbers."""

    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def numbers(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [int(w) for w in self.process.stdout.readline().split()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def thread_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += int(read(f"/proc/{pid}/task/{task}/schedstat").split()[0])
    return total


def defer(on):
    """What preferred busy polling needs: as `configure` sets it."""
    for name, value in (("napi_defer_hard_irqs", 2), ("gro_flush_timeout", 200000)):
        with open(NIC + name, "w", encoding="ascii") as f:
            f.write(str(value if on else 0))


class Quickstep:
    peer = None

    def __init__(self, variant, *options, rests=True):
        self.variant, self.options, self.rests = variant, options, rests
        self.polls = any(o.startswith("net.busy_poll_us") for o in options)
        self.spins = "layout.idle=spin" in options

    def start(self):
        words = [TOOL, "run", "--topology", "taken", "--instance", "veth", "--set", f"net.bind_address={ADDRESS}",
                 "--set", "net.iface=qs0", "--set", "layout.affinity=1", "--set", f"port.tpu={PORT}",
                 "--set", f"net.rx_depth={RING}"]
        for option in self.options:
            words += ["--set", option]
        env = {**os.environ, **({"QS_TALLY_RESTS": "1"} if self.rests else {})}
        self.log = open(inside("log"), "w+", encoding="ascii")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, env=env)
        if subprocess.run([TOOL, "ready", "--instance", "veth", "--timeout", "20"], **HUSH).returncode:
            sys.exit(f"bench {NAME}: quickstep is not ready: {read(inside('log'))}")
        self.pid = self.find_net()

    def find_net(self):
        """The process of the net tile; it may just be starting on another rung."""
        for _ in range(100):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if re.search(r"\0tile\0\d+\0net", read(f"/proc/{pid}/cmdline")):
                        return pid
                except OSError:
                    pass  # gone meanwhile
            time.sleep(0.05)
        sys.exit(f"bench {NAME}: there is no net tile: {read(inside('log'))}")

    def metrics(self):
        values = {}
        for line in run(TOOL, "metrics", "--instance", "veth").splitlines():
            found = re.match(r"quickstep_(\w+)(?:{.*})? ([\d.e+-]+)$", line)
            if found:
                value = float(found[2])
                values[found[1]] = values.get(found[1], 0) + (int(value) if value.is_integer() else value)
        return values

    def received(self):
        return self.metrics()["net_rx_datagram_total"]

    def cpu_ns(self):
        return thread_ns(self.pid)

    def parks(self):
        """How often the net tile went to sleep: a call each."""
        return sum(int(line.split()[1]) for line in run(TOOL, "metrics", "--instance", "veth").splitlines()
                   if line.startswith('quickstep_tile_park_total{tile="net"'))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Recvmmsg:
    peer = "recvmmsg"

    def __init__(self, variant):
        self.variant, self.spins = variant, variant == "spinning"

    def start(self):
        self.asked = Asked("taskset", "-c", "1", TOOL, "recvmmsg", ADDRESS, PORT, self.variant)
        self.asked.numbers()

    def received(self):
        return self.asked.numbers()[0]

    def cpu_ns(self):
        return thread_ns(self.asked.process.pid)

    def stop(self):
        self.asked.stop()


class Testpmd:
    peer, spins = "DPDK testpmd", True

    def __init__(self, variant="rxonly, net_af_xdp", extra="", polls=False):
        self.variant, self.extra, self.polls = variant, extra, polls

    def absent(self):
        drivers = glob.glob("/usr/lib/*/librte_net_af_xdp.so*") + glob.glob("/usr/lib/*/dpdk/pmds-*/librte_net_af_xdp.so*")
        if not shutil.which("dpdk-testpmd") or not drivers:
            return "no dpdk-testpmd with net_af_xdp (./deps.sh install bench)"
        return None

    def start(self):
        words = ("stdbuf -oL dpdk-testpmd -l 0,1 --no-pci --no-huge -m 512 --no-telemetry -d librte_net_af_xdp.so --vdev "
                 f"net_af_xdp0,iface=qs0,start_queue=0,queue_count=1{self.extra} -- -i --forward-mode=rxonly "
                 "--no-lsc-interrupt --total-num-mbufs=8192").split()
        self.log = open(inside("testpmd"), "w", encoding="ascii")
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, text=True)
        self.shows = 0
        self.tell("start")
        self.received()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def received(self):
        self.shows += 1
        self.tell("show port stats 0")
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            found = re.findall(r"RX-packets: (\d+)[\s\S]*?Throughput", read(inside("testpmd")))
            if len(found) >= self.shows:
                return int(found[-1])
            time.sleep(0.02)
        sys.exit(f"bench {NAME}: testpmd does not answer: {read(inside('testpmd'))[-2000:]}")

    def cpu_ns(self):
        return thread_ns(self.process.pid)

    def stop(self):
        self.tell("stop\nquit")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def send(rate, seconds, *more, size=PAYLOAD):
    mac = read(NIC + "address").strip()
    words = ["taskset", "-c", "0", QUICKSTEP, "pktgen", "--netns", "gen", "--to", ADDRESS, "--ports", PORT, "--mac", mac,
             "--size", str(size), "--rate", str(rate), "--seconds", str(seconds), "--provider", "xdp", "--json", *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sent(sender):
    out, err = sender.communicate()
    if sender.returncode:
        sys.exit(f"bench {NAME}: pktgen: {err}")
    return json.loads(out)


def settled(who):
    """What who has received once nothing more comes."""
    last = -1
    while (now := who.received()) != last:
        last = now
        time.sleep(0.03)
    return now


class Softirq(Asked):
    def __init__(self):
        super().__init__(TOOL, "softirq")


def sample(who, softirq):
    at = time.monotonic_ns()
    return [at, int(read(NIC + "statistics/rx_packets")), who.cpu_ns(), *softirq.numbers()]


def measure_cpu(who, softirq, rate, *more):
    """ns of a packet: thread, softirq; and how many were lost, of how many sent."""
    before = settled(who)
    sender = send(rate, SETTLE + SPAN + 0.2, *more)
    time.sleep(SETTLE + 0.05)
    a = sample(who, softirq)
    time.sleep(SPAN)
    b = sample(who, softirq)
    wanted = sent(sender)["wanted"]
    d = [y - x for x, y in zip(a, b)]
    return {"pps": d[1] * 1e9 / d[0], "thread": (d[0] if who.spins else d[2]) / d[1], "softirq": d[3] / d[1], "softirq_cpu": [x / d[1] for x in d[4:]],
            "lost": wanted - (settled(who) - before), "sent": wanted}

def rounds(contenders, measure):
    """What measure returned, of each contender in turn, ROUNDS times: by contender, a list."""
    results = {who: [] for who in contenders}
    for i in range(ROUNDS):
        for who in contenders[i % len(contenders):] + contenders[:i % len(contenders)]:
            defer(getattr(who, "polls", False))
            who.start()
            try:
                results[who].append(measure(who))
            finally:
                who.stop()
    return results


def median(results, key):
    return statistics.median(r[key] for r in results)


def row(what, who, ns=None, pps=None, ratio=None, **more):
    return {"what": what, "variant": who.variant, "ns_per_op": ns and round(ns, 1), "ops_per_s": pps and round(pps),
            "peer": who.peer, "ratio": ratio and round(ratio, 3), **more}


def contenders(busy_polling=False):
    ours = [Quickstep("spinning", "layout.idle=spin"), Quickstep("spinning, busy polling", "layout.idle=spin", "net.busy_poll_us=20"),
            Quickstep("parked", "layout.idle=park")]
    # testpmd prefers busy polling by itself; it takes effect where the host defers interrupts.
    peers = [Testpmd(), Testpmd("rxonly, net_af_xdp, interrupts deferred", polls=True), Recvmmsg("blocking"), Recvmmsg("spinning")]
    why = peers[0].absent()
    if why:
        say(f"DPDK testpmd is absent: {why}")
        peers = peers[2:]
    return tuple([who for who in them if busy_polling or not getattr(who, "polls", False)] for them in (ours, peers))


def compared(what, ours, peers, figure, rows_of):
    """Rows of all; ours once for each peer.  figure: less is better."""
    rows = []
    for who in ours:
        for peer in peers:
            rows.append({**rows_of(who, figure[peer] / figure[who]), "against": f"{peer.peer}, {peer.variant}"})
    return rows + [rows_of(peer, None) for peer in peers]


def part_user(_):
    return json.loads(run(os.path.join(HERE, "net-user"), "--json"))["rows"]


def part_cpu(softirq):
    return [r for rate in RATES for r in cpu_rows(softirq, rate)]


def cpu_rows(softirq, rate):
    ours, peers = contenders(busy_polling=True)
    results = rounds(ours + peers, lambda who: measure_cpu(who, softirq, rate))
    total = {who: median(r, "thread") + median(r, "softirq") for who, r in results.items()}

    def row_of(who, ratio):
        r = results[who]
        return row(CPU, who, total[who], 1e9 / total[who], ratio, offered_pps=rate, received_pps=round(median(r, "pps")), thread_ns=round(median(r, "thread"), 1),
                   softirq_ns=round(median(r, "softirq"), 1), lost_ppm=round(max(x["lost"] * 1e6 / x["sent"] for x in r)))

    return compared(CPU, ours, peers, total, row_of)


def part_sandbox(softirq):
    """The net tile in the sandbox and out of it; parked, because then its processor time is work, and calls."""
    inside_, outside = (Quickstep("net tile, parked", "layout.idle=park", f"sandbox.level={level}") for level in ("full", "off"))
    outside.peer = "no sandbox"
    results = rounds([inside_, outside], lambda who: measure_cpu(who, softirq, RATES[0]))
    cost = {who: median(r, "thread") for who, r in results.items()}

    def row_of(who, ratio):
        r = [x["thread"] for x in results[who]]
        return row(SANDBOX, who, cost[who], 1e9 / cost[who], ratio, least_ns=round(min(r), 1), most_ns=round(max(r), 1))

    return [row_of(inside_, cost[outside] / cost[inside_]), row_of(outside, None)]


def loss_free(who):
    """The highest rate, within 5 %, that a step of 0.3 s takes without loss in one of three tries: others share this machine."""
    best, low, high = 0, 100000, None

    def passes(rate):
        nonlocal best
        for _ in range(3):
            before = settled(who)
            got = sent(send(rate, 0.3))
            if got["pps"] < 0.97 * rate:
                return False  # the sender has no more
            if settled(who) - before >= got["wanted"]:
                best = max(best, got["pps"])
                return True
        return False

    while high is None and low < 4000000:
        if passes(low):
            low *= 2
        else:
            low, high = low // 2, low
    while high - low > 0.05 * low:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return best


def part_loss(_):
    ours, peers = contenders()
    results = rounds(ours + peers, loss_free)
    best = {who: max(statistics.median(r), 1) for who, r in results.items()}
    return compared(LOSS, ours, peers, {who: 1e9 / b for who, b in best.items()},
                    lambda who, ratio: row(LOSS, who, 1e9 / best[who], best[who], ratio))


def count_calls(who):
    """Calls of a packet while the sender sends as fast as it can, by the tile's own counters: for packets, and to sleep."""
    def look():
        m = who.metrics()
        return m["net_rx_datagram_total"], m["net_rx_call_total"] + m["net_tx_call_total"] + who.parks()

    sender = send(0, SETTLE + SPAN + 0.3)
    time.sleep(SETTLE)
    at, (n0, c0) = time.monotonic(), look()
    time.sleep(SPAN)
    n1, c1 = look()
    took = time.monotonic() - at
    sent(sender)
    return {"pps": (n1 - n0) / took, "calls": (c1 - c0) / (n1 - n0)}


def part_calls(_):
    ours, _ = contenders()
    results = rounds(ours, count_calls)
    return [row(CALLS, who, None, median(r, "pps"), None, calls_per_packet=round(median(r, "calls"), 4))
            for who, r in results.items()]


def time_consumer(who):
    sent(send(10000, 1.5, size=STAMPED))
    time.sleep(0.3)
    m = who.metrics()
    return {"p50": m["tally_p50_seconds"] * 1e9, "p99": m["tally_p99_seconds"] * 1e9}


def part_latency(_):
    """Both ways to wait; tiles that spin have a core each, and the consumer shares its with the sender."""
    results = {}
    for idle, words in (("parked", ["layout.idle=park"]), ("spinning", ["layout.idle=spin", "layout.affinity=1,0"])):
        both = [Quickstep(f"{name}, {idle}", f"net.provider={provider}", *words, rests=False)
                for name, provider in (("xdp", "xdp"), ("socket provider", "socket"))]
        results[idle] = rounds(both, time_consumer)
    rows = []
    for by_who in results.values():
        for p in ("p50", "p99"):
            xdp, socket = by_who
            by = {who: median(r, p) for who, r in by_who.items()}
            rows += [row(LATENCY, who, by[who], None, by[socket] / by[who] if who is xdp else None, percentile=p,
                         least_ns=min(r[p] for r in by_who[who]), most_ns=max(r[p] for r in by_who[who])) for who in by]
    return rows


def part_tiers(softirq):
    tiers = [Quickstep(f"filter = {f}, {i}", f"net.filter={f}", f"layout.idle={i}") for i in ("park", "spin") for f in ("user", "kernel")]
    results = rounds(tiers, lambda who: measure_cpu(who, softirq, TIER_RATE, "--unwanted", "50"))
    rows, before = [], None
    for who, r in results.items():
        # The interface counted all; half of them were wanted.
        thread, soft = 2 * median(r, "thread"), 2 * median(r, "softirq")
        ratio = before and before / (thread + soft)
        before = None if before else thread + soft
        rows.append(row(TIERS, who, thread + soft, 1e9 / (thread + soft), ratio, offered_pps=TIER_RATE, thread_ns=round(thread, 1),
                        softirq_ns=round(soft, 1), lost_ppm=round(max(x["lost"] * 1e6 / x["sent"] for x in r))))
    return rows


def read_vm(text):
    """Packets a second that the net tile took, in the middle of the rounds, by name of the run."""
    rates = {}
    for words in map(str.split, text.splitlines()):
        if words[0] == "RATE" and len(words) == 7:
            rates.setdefault(words[1], []).append(int(words[2]) / float(words[4]))
    return {name: statistics.median(values) for name, values in rates.items()}


def part_vm(text):
    """Rows of the guest: rates.sh ran before there were namespaces, because it may have to fetch a kernel."""
    rate = read_vm(text)
    if "FACT end 1" not in text:
        say("in the VM: not run: " + (text.splitlines() or ["no word from it"])[-1])
        return []
    kernel = re.search(r"^KERNEL (.*)$", text, re.M)[1]

    def rows_of(what, table, base):
        return [{"what": what, "variant": f"{variant} (VM, Linux {kernel})", "ns_per_op": round(1e9 / max(rate[name], 1), 1),
                 "ops_per_s": round(rate[name]), "peer": None, "ratio": round(rate[name] / rate[base], 3) if name != base else None,
                 **({"against": table[base]} if name != base else {})} for name, variant in table.items()]

    return rows_of(VM_RUNGS, {"skb": "skb", "copy": "copy", "zero_copy": "zero copy"}, "skb") + rows_of(
        TIERS, {"tier_user": "user filter, copy", "tier_kernel": "kernel filter, copy", "tier_zero_copy": "kernel filter, zero copy",
                "tier_zero_copy_user": "user filter, zero copy"}, "tier_user")


def run_vm():
    """What rates.sh says; the guest's own log goes to the cache that make test-zerocopy has."""
    say("the VM takes some minutes")
    out = os.path.dirname(HERE)
    env = {**os.environ, "QS_VM_CACHE": os.path.join(out, "zerocopy")}
    words = [os.path.join(HERE, "vm", "rates.sh"), out, str(ROUNDS), str(VM_SECONDS)]
    return subprocess.run(words, env=env, text=True, stdout=subprocess.PIPE).stdout


def print_table(rows):
    print(f"{NAME} on {cpu_name()}, medians of {ROUNDS} rounds")
    what = None
    for r in rows:
        if r["what"] != what:
            what = r["what"]
            print(what)
        words = [f"{r['ns_per_op']:.0f} ns" if r["ns_per_op"] else "", f"{r['ops_per_s']}/s" if r["ops_per_s"] else ""]
        words += [f"{r['ratio']:.2f} x {r['against'] if 'against' in r else 'the row it is compared with'}" if r["ratio"] else ""]
        words += [f"{k} {v}" for k, v in r.items() if k not in ("what", "variant", "ns_per_op", "ops_per_s", "peer", "ratio", "against")]
        print(f"    {((r['peer'] + ' ') if r['peer'] else '') + r['variant']:<36}", "  ".join(w for w in words if w))


def cpu_name():
    found = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.M)
    return found[1] if found else "unknown"


def main():
    parts = {"veth": part_tiers, "vm": None} if NAME == "tiers" else {
        "user": part_user, "cpu": part_cpu, "loss": part_loss, "calls": part_calls, "latency": part_latency, "sandbox": part_sandbox}
    global ROUNDS, RATES
    words = [w for w in sys.argv[1:] if w != "--json"]
    for w in [w for w in words if re.fullmatch(r"--(rounds=[1-9]\d?|rate=[1-9]\d*)", w)]:
        words.remove(w)
        if w[2:6] == "rate":
            RATES = (int(w[7:]),)
        else:
            ROUNDS = int(w[9:])
    if any(w not in parts for w in words):
        print(f"usage: {NAME} [--json] [--rounds=N] [--rate=PPS] [{'|'.join(parts)}]...", file=sys.stderr)
        return 2
    if len(os.sched_getaffinity(0)) < 2:
        say("needs cpu 0 and 1")
        return 3
    names = words or list(parts)
    rows, failed = [], False
    if "vm" in names and not os.environ.get("QS_VETH_INSIDE"):
        os.environ["QS_VETH_VM"] = run_vm()
    if names != ["vm"]:
        enter_namespaces()
        prepare()
        softirq = Softirq()
        for name in filter(parts.get, names):
            say(f"{name} of {', '.join(names)}")
            try:
                rows += parts[name](softirq)
            except (SystemExit, KeyError, OSError) as why:  # the others are still worth their time
                say(f"{name} is not measured: {why!r}")
                failed = True
        softirq.stop()
    if "vm" in names:
        rows += part_vm(os.environ["QS_VETH_VM"])
    if "--json" in sys.argv:
        print(json.dumps({"bench": NAME, "cpu": cpu_name(), "rows": rows}))
    else:
        print_table(rows)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

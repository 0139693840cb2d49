#!/usr/bin/env python3
"""veth [--json] [cpu|loss|calls|latency]... - the net tile on a veth pair, beside DPDK's testpmd and
recvmmsg.  The build installs it as build/bench/veth and, for other rows, build/bench/tiers.

Method: two network namespaces, one core each.  quickstep pktgen sends from core 0 by AF_XDP; whoever
receives has core 1 to itself.  On veth the sender's core also runs the receiver's softirq, so what
a packet costs is the sum of two parts, each exact to the ns:

    thread    what the scheduler gave the receiving process (/proc/PID/task/*/schedstat), the net
              tile's for quickstep; calls that poll the NIC from there are in it
    softirq   time between the tracepoints softirq_entry and softirq_exit of NET_RX, both cores
              (veth_tool softirq)

Packets are those the receiving interface counted in the same window; the receivers' own counts over
the whole run say whether any was lost.  What receives next changes each round; figures are medians.
Everything runs in namespaces of its own and goes away with them.  Without arguments: all parts.
"""
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time

NAME = os.path.basename(sys.argv[0])
HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
QUICKSTEP = os.path.join(HERE, "..", "quickstep")
TOOL = os.path.join(HERE, "veth_tool")
ADDRESS, PORT = "10.77.0.2", "9001"
PAYLOAD = 22  # a frame of 64 bytes
STAMPED = 64  # has room for the sender's stamp
RATE = 200000  # below what all of them take
SETTLE, SPAN = 0.3, 1.0  # seconds
ROUNDS = 5
NICE = "/sys/class/net/qs0/"
CPU = ("veth native, 64 bytes, same offered rate below saturation: CPU time per received packet "
       "(thread + softirq) against DPDK testpmd rxonly with net_af_xdp, and against recvmmsg")
LOSS = "highest loss-free rate against the same two"
CALLS = "system calls per received packet at saturation"
LATENCY = "wire to consumer at 10 kpps on veth, p50/p99"
TIERS = ("`bench tiers`: user filter, kernel filter, zero copy with 50 % unwanted traffic, side by side: the first "
         "two on veth; all three inside one VM once `make test-zerocopy` exists (until then that part says \"not run\")")
HUSH = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def say(text):
    print(f"bench {NAME}: {text}", file=sys.stderr, flush=True)


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, capture_output=True, **options).stdout


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def enter_namespaces():
    """Starts this program anew where only its own processes, mounts and interfaces are."""
    if os.environ.get("QS_VETH_INSIDE"):
        return
    spaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run(spaces + ["true"], **HUSH).returncode:
        say("needs root, for namespaces of its own and AF_XDP")
        sys.exit(3)
    sys.exit(subprocess.run(spaces + [sys.executable, *sys.argv], env={**os.environ, "QS_VETH_INSIDE": "1"}).returncode)


def prepare():
    """Private places for whatever leaves files, and the pair of interfaces."""
    for line in read("/proc/mounts").splitlines():
        if line.split()[2] == "hugetlbfs":
            run("umount", line.split()[1])
    for kind, where in (("sysfs", "/sys"), ("bpf", "/sys/fs/bpf"), ("tmpfs", "/run"), ("tmpfs", "/dev/shm"), ("tmpfs", "/tmp")):
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


class Quickstep:
    peer = None

    def __init__(self, variant, *options, rests=True):
        self.variant, self.options, self.rests = variant, options, rests

    def start(self):
        words = [TOOL, "run", "--topology", "taken", "--instance", "veth", "--set", f"net.bind_address={ADDRESS}",
                 "--set", "net.iface=qs0", "--set", "layout.affinity=1", "--set", f"port.tpu={PORT}"]
        for option in self.options:
            words += ["--set", option]
        env = {**os.environ, **({"QS_TALLY_RESTS": "1"} if self.rests else {})}
        self.log = open("/tmp/log", "w+", encoding="ascii")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, env=env)
        if subprocess.run([TOOL, "ready", "--instance", "veth", "--timeout", "20"], **HUSH).returncode:
            sys.exit(f"bench {NAME}: quickstep is not ready: {read('/tmp/log')}")
        self.pid = next(p for p in os.listdir("/proc") if p.isdigit() and
                        re.search(r"\0tile\0\d+\0net", read(f"/proc/{p}/cmdline")))

    def metrics(self):
        values = {}
        for line in run(TOOL, "metrics", "--instance", "veth").splitlines():
            found = re.match(r"quickstep_(\w+)(?:{.*})? (\d+)$", line)
            if found:
                values[found[1]] = values.get(found[1], 0) + int(found[2])
        return values

    def received(self):
        return self.metrics()["net_rx_datagram_total"]

    def cpu_ns(self):
        return thread_ns(self.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


class Recvmmsg:
    peer, variant = "recvmmsg", "blocking, 64 a call"

    def start(self):
        self.asked = Asked("taskset", "-c", "1", TOOL, "recvmmsg", ADDRESS, PORT)
        self.asked.numbers()

    def received(self):
        return self.asked.numbers()[0]

    def cpu_ns(self):
        return thread_ns(self.asked.process.pid)

    def stop(self):
        self.asked.stop()


class Testpmd:
    peer = "DPDK testpmd"

    def __init__(self, variant="rxonly, net_af_xdp", extra=""):
        self.variant, self.extra = variant, extra

    def absent(self):
        try:
            run("dpdk-testpmd", "--version")
        except (OSError, subprocess.CalledProcessError):
            return "no dpdk-testpmd (./deps.sh install bench)"
        return None

    def start(self):
        words = ("stdbuf -oL dpdk-testpmd -l 0,1 --no-pci --no-huge -m 512 --no-telemetry -d librte_net_af_xdp.so --vdev "
                 f"net_af_xdp0,iface=qs0,start_queue=0,queue_count=1{self.extra} -- -i --forward-mode=rxonly "
                 "--no-lsc-interrupt --total-num-mbufs=8192").split()
        self.log = open("/tmp/testpmd", "w", encoding="ascii")
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
            found = re.findall(r"RX-packets: (\d+)[\s\S]*?Throughput", read("/tmp/testpmd"))
            if len(found) >= self.shows:
                return int(found[-1])
            time.sleep(0.02)
        sys.exit(f"bench {NAME}: testpmd does not answer: {read('/tmp/testpmd')[-2000:]}")

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
    mac = read(NICE + "address").strip()
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
    return [at, int(read(NICE + "statistics/rx_packets")), who.cpu_ns(), *softirq.numbers()]


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
    return {"pps": d[1] * 1e9 / d[0], "thread": d[2] / d[1], "softirq": d[3] / d[1], "softirq_cpu": [x / d[1] for x in d[4:]],
            "lost": wanted - (settled(who) - before), "sent": wanted}


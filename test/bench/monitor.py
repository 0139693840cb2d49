#!/usr/bin/env python3
"""bench monitor [--json] - what the monitor takes of a core, and whether the stem is slower while it looks.

A leader of the lab makes blocks of 1,000 transactions a second; the monitor draws its overview, then its
tiles, on a terminal of 200x60, twice a second as always, for 15 s each, and the scheduler says what its
process had.  Then `bench stem` runs 40 times, every other time with a monitor on it: a run takes a
quarter of a second, and the monitor draws when it begins, so it sees more frames a second than a person asks for."""
import fcntl, glob, json, os, pty, re, signal, statistics, struct, subprocess, sys, termios, threading, time

here = os.path.dirname(os.path.abspath(__file__))
quickstep = os.path.join(os.path.dirname(here), "quickstep")
LOOK_S, PAIRS = 15, 20


class Monitor:
    """One on a terminal, whose output is read and forgotten."""

    def __init__(self, *words):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        self.process = subprocess.Popen([quickstep, "monitor", *words], stdin=theirs, stdout=theirs, stderr=theirs,
                                        env={**os.environ, "TERM": "xterm"}, start_new_session=True)
        os.close(theirs)
        self.terminal, self.drawn = ours, 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while got := os.read(self.terminal, 1 << 16):
                self.drawn += len(got)
        except OSError:
            pass  # the other end is closed: it has ended

    def cpu_ns(self):
        with open(f"/proc/{self.process.pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join(1)
        os.close(self.terminal)


def share_of_a_core(instance, view):
    m = Monitor("--instance", instance, "--view", view)
    time.sleep(2)
    begun, a, drawn = time.monotonic_ns(), m.cpu_ns(), m.drawn
    time.sleep(LOOK_S)
    took, b = time.monotonic_ns() - begun, m.cpu_ns()
    if m.drawn == drawn:
        sys.exit("bench monitor: it draws nothing")
    m.stop()
    return (b - a) / took


def lab():
    process = subprocess.Popen([quickstep, "dev", "--seconds", "120"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
    for line in process.stderr:
        found = re.search(r"QS-LAB-001 .*instances (\S+) to", line)
        if found:
            return process, found[1]
    sys.exit("bench monitor: no lab")


def stem(watched):
    """ns a payload, in place, and the raw ring's beside it; and what the monitor drew meanwhile."""
    process = subprocess.Popen([os.path.join(here, "stem"), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True)
    name = f"bench-stem-{process.pid}"
    while watched and process.poll() is None and not glob.glob(f"/dev/shm/quickstep-{os.geteuid()}/{name}/*.wksp"):
        time.sleep(0.001)
    m = Monitor("--instance", name) if watched else None
    out, _ = process.communicate()
    drawn = m.drawn if m else 0
    if m:
        m.stop()
    ns = {r["variant"]: r["ns_per_op"] for r in json.loads(out)["rows"]}
    return ns["in place"], ns["in place, over raw"], drawn


def row(what, variant, ns, **more):
    return {"what": what, "variant": variant, "ns_per_op": round(ns, 2), "ops_per_s": round(1e9 / ns) if ns > 0 else None,
            "peer": None, "ratio": None, **more}


def spread(values):
    quarter = statistics.quantiles(values, n=4)
    return {"quartile_low": round(quarter[0], 2), "quartile_high": round(quarter[2], 2)}


def main():
    process, instance = lab()
    time.sleep(3)
    shares = [(view, share_of_a_core(instance, view)) for view in ("overview", "tiles")]
    process.send_signal(signal.SIGINT)
    process.communicate()
    rows = [row("monitor, ns of a second", view, share * 1e9, share_of_a_core=round(share, 5)) for view, share in shares]
    alone, watched, unseen = [], [], 0
    for i in range(2 * PAIRS):
        *ns, drawn = stem(i % 2)
        (watched if i % 2 else alone).append(ns)
        unseen += i % 2 and not drawn
    if unseen:
        print(f"bench monitor: {unseen} runs of the stem were over before the monitor drew", file=sys.stderr)
    for at, what in enumerate(("stem, in place", "stem, in place, over the raw ring")):
        for variant, runs in (("nobody looks", alone), ("a monitor looks", watched)):
            values = [r[at] for r in runs]
            rows.append(row(what, variant, statistics.median(values), **spread(values)))
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo", encoding="utf-8").read())[1]
    if "--json" in sys.argv:
        print(json.dumps({"bench": "monitor", "cpu": cpu, "rows": rows}))
        return
    print(cpu)
    for x in rows:
        more = {k: v for k, v in x.items() if k in ("share_of_a_core", "quartile_low", "quartile_high")}
        print("%-36s %-16s %12.2f ns  %s" % (x["what"], x["variant"], x["ns_per_op"], more))


main()

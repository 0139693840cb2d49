#!/usr/bin/env python3
"""bench metric [--json] - what a scrape of /metrics takes, and what it costs the tiles that are counted.

A leader of the lab makes blocks of 1,000 transactions a second.  A client beside it scrapes, one
connection each, from connect to the last byte; then the lab runs on with 10 scrapes a second and
without, in turn, and what the verify tile takes for each frame is compared."""
import json, os, re, socket, statistics, subprocess, sys, time

quickstep = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "quickstep")
SCRAPES, TURNS, TURN_S = 1000, 5, 2.0


def scrape():
    begun = time.perf_counter_ns()
    s = socket.create_connection(("127.0.0.1", 7990))
    s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    page = bytearray()
    while got := s.recv(1 << 18):
        page += got
    s.close()
    return time.perf_counter_ns() - begun, page.decode()


def value(page, name, tile):
    return float(re.search(r"^%s\{tile=\"%s\",idx=\"0\"[^}]*\} (.*)$" % (name, tile), page, re.M)[1])


def per_frame(scraping):
    _, a = scrape()
    end = time.monotonic() + TURN_S
    while time.monotonic() < end:
        time.sleep(0.1)
        if scraping:
            scrape()
    _, b = scrape()
    spent, cnt = (value(b, n, "verify") - value(a, n, "verify") for n in
                  ("quickstep_tile_processing_seconds_total", "quickstep_verify_frame_total"))
    return spent * 1e9 / cnt


def inside():
    times, page = [], ""
    for _ in range(SCRAPES):
        ns, page = scrape()
        times.append(ns)
        time.sleep(0.005)
    turns = [(per_frame(False), per_frame(True)) for _ in range(TURNS)]
    samples = sum(1 for line in page.splitlines() if not line.startswith("#"))
    write = value(page, "quickstep_metric_scrape_seconds_total", "metric") / \
        value(page, "quickstep_metric_scrape_total", "metric")
    json.dump({"ns": statistics.median(times), "p90": sorted(times)[SCRAPES * 9 // 10],
               "p99": sorted(times)[SCRAPES * 99 // 100], "samples": samples,
               "bytes": len(page), "write_ns": write * 1e9, "off": statistics.median(t[0] for t in turns),
               "on": statistics.median(t[1] for t in turns)}, sys.stdout)


def row(what, variant, ns, ratio=None):
    return {"what": what, "variant": variant, "ns_per_op": round(ns, 1), "ops_per_s": round(1e9 / ns),
            "peer": None, "ratio": ratio}


def main():
    lab = subprocess.Popen([quickstep, "dev", "--seconds", "60"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    for line in lab.stderr:
        if "QS-LAB-001" in line:
            break
    time.sleep(3)
    got = subprocess.run([quickstep, "dev", "exec", "0", sys.executable, os.path.abspath(__file__), "--inside"],
                         stdout=subprocess.PIPE, text=True)
    lab.send_signal(2)
    lab.communicate()
    if got.returncode:
        sys.exit(got.returncode)
    r = json.loads(got.stdout)
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())[1]
    rows = [row("`/metrics` scrape", "median of %d, a page of %d samples" % (SCRAPES, r["samples"]), r["ns"]),
            row("`/metrics` scrape", "p90", r["p90"]),
            row("`/metrics` scrape", "p99", r["p99"]),
            row("`/metrics` scrape", "writing the page", r["write_ns"]),
            row("verify, a frame", "no scrapes", r["off"]),
            row("verify, a frame", "10 scrapes/s", r["on"], round(r["off"] / r["on"], 3))]
    if "--json" in sys.argv:
        print(json.dumps({"bench": "metric", "cpu": cpu, "rows": rows}))
        return
    print(cpu)
    for x in rows:
        print("%-20s %-24s %12.0f ns" % (x["what"], x["variant"], x["ns_per_op"]))


inside() if "--inside" in sys.argv else main()

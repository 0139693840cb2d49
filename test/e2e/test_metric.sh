#!/bin/bash
# test_metric.sh OUT - Goal: the metric tile tells the truth by HTTP, to good clients whatever bad ones
# do.  Method: a node that listens is scraped, checked by promtool, attacked by slow, silent, endless
# and senseless clients, stopped and killed in parts; then nodes whose port somebody else has.
. "$(dirname "$0")/lib.sh"
name=metric-$$
at=http://127.0.0.1:7990

"$bin" run --topology listen --instance "$name" --set net.provider=socket --set layout.idle=park 2>"$tmp/log" &
run=$!
within 10 grep -q "tiles run" "$tmp/log" || fail "no start: $(cat "$tmp/log")"

# get PATH [METHOD]: status in $status, body in $tmp/body, its type in $tmp/type.  Python, because curl is not everywhere.
get() {
    status=$(python3 - "$at$1" "$tmp/body" "$tmp/type" "${2:-GET}" <<'PY'
import sys, urllib.request, urllib.error
try:
    a = urllib.request.urlopen(urllib.request.Request(sys.argv[1], method=sys.argv[4]), timeout=5)
except urllib.error.HTTPError as e:
    a = e
except Exception as e:
    print(type(e).__name__, e)
    sys.exit()
open(sys.argv[2], "wb").write(a.read())
open(sys.argv[3], "w").write(a.headers["Content-Type"])
print(a.status)
PY
    )
}
gets() {
    get "$1"
    [ "$status" = "$2" ] || fail "$1 is answered with $status, not $2: $(cat "$tmp/body")"
}
number() { awk -v n="$1" 'index($0, n "{") == 1 { s += $NF } END { print s + 0 }' "$tmp/body"; }

gets /metrics 200
cp "$tmp/body" "$tmp/page"
[ "$(cat "$tmp/type")" = "text/plain; version=0.0.4; charset=utf-8" ] || fail "Prometheus does not know $(cat "$tmp/type")"
for tile in net netlink sink metric; do
    grep -q "^quickstep_tile_up{tile=\"$tile\",idx=\"0\"} 1\$" "$tmp/body" || fail "$tile is not told to be up"
done
"$bin" metrics --instance "$name" >"$tmp/told"
names() { sed -n 's/^# TYPE //p' "$1" | sort; }
diff <(names "$tmp/body") <(names "$tmp/told") || fail "the tile and the command tell different things"
while read -r metric _; do
    grep -q "^| \`$metric\` |" "$(dirname "$0")/../../docs/metrics.md" || fail "$metric is not in docs/metrics.md"
done < <(names "$tmp/body")

# What was received is what is told, and the histogram is whole.
python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(300): s.sendto(b"x" * 100, ("127.0.0.1", 9001))'
came() { gets /metrics 200; [ "$(number quickstep_net_rx_datagram_total)" = 300 ]; }
within 5 came || fail "300 were sent, $(number quickstep_net_rx_datagram_total) told"
python3 - "$tmp/body" <<'PY' || fail "the histogram of latencies does not add up"
import re, sys
cum, counts = {}, {}
for line in open(sys.argv[1]):
    m = re.match(r'quickstep_link_in_latency_seconds_bucket{(.*),le="(.*)"} (\d+)', line)
    if m: cum.setdefault(m[1], []).append((float(m[2]), int(m[3])))
    m = re.match(r'quickstep_link_in_latency_seconds_count{(.*)} (\d+)', line)
    if m: counts[m[1]] = int(m[2])
assert cum and cum.keys() == counts.keys()
for k, v in cum.items():
    assert v == sorted(v) and [n for _, n in v] == sorted(n for _, n in v), (k, v)
    assert v[-1] == (float("inf"), counts[k]) and len(v) == 12, (k, v)
assert max(counts.values()) > 0
PY

gets /healthz 200
gets /readyz 200
gets /nothing 404
gets "/metrics/../etc/passwd" 404
get /metrics HEAD
[ "$status" = 200 ] && [ ! -s "$tmp/body" ] || fail "HEAD is answered with $status and $(wc -c <"$tmp/body") bytes"
for method in POST PUT DELETE; do
    get /metrics $method
    [ "$status" = 405 ] || fail "$method is answered with $status"
done

# Hostile clients.  Each kind runs while good scrapes must be answered.
cat >"$tmp/hostile.py" <<'PY'
import socket, sys, threading, time, urllib.request
at = ("127.0.0.1", 7990)
def connect():
    s = socket.create_connection(at, 5)
    s.settimeout(5)
    return s
def scrape():
    a = urllib.request.urlopen("http://127.0.0.1:7990/metrics", timeout=5)
    assert a.status == 200 and b"quickstep_tile_up" in a.read()
def ends(s):
    """The answer is an error or an end, never a page."""
    try:
        got = b""
        while (b := s.recv(65536)): got += b
    except OSError: pass
    assert b"quickstep_tile_up" not in got, got[:100]
held = []
def slow(): # half a request each, and no more
    for i in range(200):
        s = connect()
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-")
        held.append(s)
def silent():
    for i in range(200): held.append(connect())
def garbage():
    import random
    r = random.Random(7)
    for i in range(100):
        s = connect()
        try: s.sendall(r.randbytes(r.randrange(1, 4000)) + b"\r\n\r\n")
        except OSError: pass
        s.shutdown(socket.SHUT_WR)
        ends(s)
def endless():
    for i in range(20):
        s = connect()
        try:
            s.sendall(b"GET /metrics HTTP/1.1\r\n")
            for k in range(2000): s.sendall(b"X-%d: " % k + b"y" * 100 + b"\r\n")
        except OSError: pass
        ends(s)
def huge():
    for i in range(20):
        s = connect()
        try: s.sendall(b"GET /" + b"m" * 1000000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        except OSError: pass
        ends(s)
def body():
    for i in range(20):
        s = connect()
        try: s.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"z" * 500000)
        except OSError: pass
        held.append(s)
def deaf(): # asks and never reads
    for i in range(60):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(at)
        try: s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        except OSError: pass
        held.append(s)
def reset():
    import struct
    for i in range(200):
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        s.close()
for kind in sys.argv[1:]:
    begun = time.monotonic()
    globals()[kind]()
    for i in range(3): scrape()
    print(kind, "borne, %.1f s" % (time.monotonic() - begun), flush=True)
PY
metric=$(tile_pid metric)
timeout 120 python3 "$tmp/hostile.py" slow silent garbage endless huge body deaf reset ||
    fail "a hostile client keeps a good one away: $("$bin" metrics --instance "$name" | grep quickstep_metric)"
[ "$(tile_pid metric)" = "$metric" ] || fail "the metric tile died"
gets /metrics 200
[ "$(number quickstep_tile_start_total)" = 4 ] || fail "a tile was started again"
[ "$(number quickstep_metric_cut_full_total)" -ge 300 ] || fail "400 connections, and few were cut"
[ "$(awk '/VmRSS/ { print $2 }' /proc/"$metric"/status)" -lt 60000 ] || fail "the metric tile has grown"

# Who says something all the time, and never enough, is cut as well.
cat >"$tmp/drip.py" <<'PY'
import socket, time
s = socket.create_connection(("127.0.0.1", 7990))
s.sendall(b"GET /metrics HTTP/1.1\r\nX-")
begun = time.monotonic()
try:
    while time.monotonic() < begun + 30:
        s.sendall(b"x")
        time.sleep(0.5)
except OSError: raise SystemExit(0)
raise SystemExit("it lives for 30 s")
PY
python3 "$tmp/drip.py" >"$tmp/drip" 2>&1 &
drip=$!

# A tile that stands still makes the node ill.
kill -STOP "$(tile_pid sink)"
ill() { get /healthz; [ "$status" = 503 ] && grep -q '^sink: is silent$' "$tmp/body"; }
within 10 ill || fail "a tile that stands still is not noticed: $status $(cat "$tmp/body")"
kill -CONT "$(tile_pid sink)"
well() { get /healthz; [ "$status" = 200 ]; }
within 5 well || fail "it goes on, and is still ill: $(cat "$tmp/body")"

wait $drip || fail "a client that drips: $(cat "$tmp/drip")"
get /metrics
[ "$(number quickstep_metric_cut_slow_total)" -ge 1 ] || fail "the client that drips went by itself"

# It is started again with the same port, and counts on.
kill -KILL "$metric"
back() { get /metrics; [ "$status" = 200 ] && [ "$(number quickstep_tile_death_total)" = 1 ]; }
within 10 back || fail "no metrics after the tile died: $status"
[ "$(number quickstep_metric_connection_total)" -ge 400 ] || fail "counters began anew"

# A tile that dies again and again is away for longer each time, and the node is not ready meanwhile.
unready() {
    kill -KILL "$(tile_pid sink)" 2>/dev/null
    get /readyz
    [ "$status" = 503 ] && grep -q '^sink: does not run$' "$tmp/body"
}
within 40 unready || fail "a tile is dead, and the node is ready: $status $(cat "$tmp/body")"
ready() { get /readyz; [ "$status" = 200 ]; }
within 20 ready || fail "all tiles run, and the node is not ready: $status $(cat "$tmp/body")"

# Another node with the same port runs, says so, and gets it when it is free.
"$bin" run --topology listen --instance "$name-2" --set net.provider=socket --set port.tpu=9101 \
    --set port.tvu=9102 --set port.gossip=9103 --set port.repair=9104 2>"$tmp/log2" &
second=$!
within 10 grep -q "tiles run" "$tmp/log2" || fail "no start without the port: $(cat "$tmp/log2")"
grep -q "metric.port" "$tmp/log2" || fail "nothing is said of the port: $(cat "$tmp/log2")"
kill -TERM $run
wait $run || fail "run ended with $?: $(cat "$tmp/log")"
within 15 grep -q "to be had now" "$tmp/log2" || fail "the port is free and nobody takes it: $(cat "$tmp/log2")"
served() { get /readyz; [ "$status" = 200 ]; }
within 5 served || fail "the port was taken and is not served: $status"
kill -TERM $second
wait $second || fail "the second run ended with $?: $(cat "$tmp/log2")"

# Not at all, if it is not wanted.
"$bin" run --topology listen --instance "$name" --seconds 3 --set net.provider=socket --set metric.enabled=false \
    2>"$tmp/log" || fail "run without metrics: $(cat "$tmp/log")"
grep -q " 3 tiles run" "$tmp/log" || fail "there is a metric tile that nobody wants: $(cat "$tmp/log")"

if command -v promtool >/dev/null; then
    promtool check metrics <"$tmp/page" || fail "promtool does not like it"
else
    say "promtool is not there: skipped: the check of names"
fi
no_tiles || fail "tiles are left over: $(tiles)"

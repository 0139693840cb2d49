#!/bin/bash
# test_schedule.sh OUT - Goal: a leader schedule comes from an RPC server, is kept, and the next epoch's is
# taken when the server knows it; a server that lies, talks without end, or is slow is refused, and then
# what was kept serves.
# Method: a server of our own on the loopback, whose path says how it misbehaves.
. "$(dirname "$0")/lib.sh"
"$out/e2e/shredpcap" "$tmp" || fail "shredpcap"
cat >"$tmp/server.py" <<'PY'
import http.server, json, os, sys, time
schedule = json.load(open(sys.argv[1]))
leaders = schedule.get("result", schedule)
who = list(leaders)[0]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        mode = self.path.strip("/")
        ask = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, body = ask["method"], None
        if method == "getEpochInfo":
            r = {"absoluteSlot": 5, "epoch": 0, "slotIndex": 5, "slotsInEpoch": 400}
        elif method == "getEpochSchedule":
            r = {"slotsPerEpoch": 400, "leaderScheduleSlotOffset": 400, "warmup": False, "firstNormalEpoch": 0, "firstNormalSlot": 0}
        elif method == "getVoteAccounts":
            r = {"current": [{"votePubkey": who, "nodePubkey": who, "activatedStake": 5}], "delinquent": []}
        else:
            first = ask["params"][0]
            r = leaders if first == 0 or (first == 400 and os.path.exists(sys.argv[2])) else None
            if mode == "json": body = b'{"jsonrpc":"2.0","result":{"' + who.encode() + b'":[0,1,'
            if mode == "array": body = b"[" * 1000000
            if mode == "hole": r = {who: list(range(399))}
            if mode == "key": r = {"x": list(range(400))}
            if mode == "null": r = None
            if mode == "big": r = {who: list(range(400)), "x" * (17 << 20): []}
        if mode == "error": body = b'{"jsonrpc":"2.0","error":{"code":-1,"message":"no"},"id":1}'
        if mode == "epoch" and method == "getEpochInfo": r = {"epoch": "zero"}
        if mode == "warp" and method == "getEpochSchedule": r["slotsPerEpoch"] = 31
        if mode == "redirect":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        if mode == "status": self.send_response(500)
        else: self.send_response(200)
        body = body or json.dumps({"jsonrpc": "2.0", "result": r, "id": 1}).encode()
        if mode == "slow":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(1)
            return
        if mode == "endless":
            self.end_headers()
            while True: self.wfile.write(b" " * 65536)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[3], "w").write(str(server.server_port))
server.serve_forever()
PY
python3 "$tmp/server.py" "$tmp/schedule.json" "$tmp/next" "$tmp/port" 2>/dev/null &
within 10 test -s "$tmp/port" || fail "no server"
url=http://127.0.0.1:$(cat "$tmp/port")

mkdir "$tmp/good" && "$bin" fetch-schedule "$url/good" "$tmp/good" 2>"$tmp/err" || fail "good: $(cat "$tmp/err")"
for file in epoch-schedule leaders-0 stakes-0; do
    [ -s "$tmp/good/$file.json" ] || fail "good: no $file: $(cat "$tmp/err")"
done
[ ! -e "$tmp/good/leaders-1.json" ] || fail "good: an epoch that nobody knows"

refused() { # refused MODE WORDS
    rm -rf "$tmp/bad" && mkdir "$tmp/bad"
    "$bin" fetch-schedule "$url/$1" "$tmp/bad" 2>"$tmp/err" && fail "$1 was taken"
    grep -q "$2" "$tmp/err" || fail "$1: not '$2' but: $(cat "$tmp/err")"
    [ ! -e "$tmp/bad/leaders-0.json" ] || fail "$1 was kept"
}
refused json 'not JSON'
refused array 'not JSON\|no leader schedule'
refused hole 'without a leader'
refused key 'base58'
refused null 'not known there'
refused big 'too large'
refused endless 'too large'
refused slow 'imed\? \?out'
refused redirect '302'
refused status '500'
refused error 'no epoch'
refused epoch 'no epoch'
refused warp 'contradicts itself'
"$bin" fetch-schedule http://127.0.0.1:1/ "$tmp/bad" 2>"$tmp/err" && fail "nobody there was taken"

# A node with a server; then without it, from what was kept; then with one that never answered.
name=schedule-$$
node() { # node URL PORT: in the background
    "$bin" run --topology shreds --instance "$name" --set net.provider=socket --set net.iface=lo \
        --set "shred.leader_schedule=$1" --set "shred.schedule_dir=$tmp/kept" --set shred.schedule_poll_s=1 >"$tmp/log" 2>&1 &
    node=$!
}
count() {
    "$bin" metrics --instance "$name" --json >"$tmp/metrics" 2>/dev/null &&
        value "$tmp/metrics" "[m['value'] for m in j['metrics'] if m['tile'] == 'shred' and m['name'] == '$1'][0]"
}
has() { [ "$(count "$1")" = "$2" ]; }
send() { python3 - "$tmp/whole.pcap" <<'PY'
import socket, struct, sys, time
data, at = open(sys.argv[1], "rb").read(), 24
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while at < len(data):
    n = struct.unpack_from("<I", data, at + 8)[0]
    s.sendto(data[at + 16 + 42 : at + 16 + n], ("127.0.0.1", 8003))
    at += 16 + n
    time.sleep(0.0005)
PY
}
node "$url/good"
within 20 "$bin" ready --instance "$name" >/dev/null 2>&1 || fail "not ready: $(cat "$tmp/log")"
send
within 20 has set_done 12 || fail "$(count set_done) sets: $(cat "$tmp/log")"
touch "$tmp/next" # the server learns of the next epoch
within 30 grep -q 'schedule of epoch 1 is known' "$tmp/log" || fail "the next epoch: $(cat "$tmp/log")"
within 20 has start 2 || fail "the tile was not started anew"
kill $node
wait $node || fail "exit code $?: $(cat "$tmp/log")"
ls "$tmp"/kept/*/leaders-1.json >/dev/null || fail "epoch 1 is not kept"

kill %1 # the server
node "$url/good"
within 20 "$bin" ready --instance "$name" >/dev/null 2>&1 || fail "from what was kept: $(cat "$tmp/log")"
grep -q 'kept before is used' "$tmp/log" || fail "not said: $(cat "$tmp/log")"
send
within 20 has set_done 12 || fail "from what was kept: $(count set_done) sets: $(cat "$tmp/log")"
kill $node
wait $node || fail "exit code $?: $(cat "$tmp/log")"
node "$url/other"
wait $node
[ $? = 3 ] && grep -q 'no answer' "$tmp/log" || fail "nothing kept, nobody there: $(cat "$tmp/log")"
say ok

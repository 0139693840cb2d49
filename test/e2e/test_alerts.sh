#!/bin/bash
# test_alerts.sh OUT - Goal: every expression of the alerts and of the dashboard means something in a real
# node's metrics.  Method: promtool reads the rules; a Prometheus scrapes a leader of the lab, and is
# asked each expression: none may fail, and what stands in it must have samples.
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in promtool prometheus; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not there (Debian package prometheus)"; exit 77; }
done
promtool check rules "$root/contrib/prometheus/alerts.yml" >"$tmp/out" 2>&1 || fail "alerts.yml: $(cat "$tmp/out")"
promtool check config "$root/contrib/prometheus/prometheus.yml" >"$tmp/out" 2>&1 ||
    fail "prometheus.yml: $(cat "$tmp/out")"

"$bin" dev --seconds 100 >"$tmp/dev.out" 2>"$tmp/dev.log" &
dev=$!
within 30 grep -q QS-LAB-001 "$tmp/dev.log" || fail "the lab does not start: $(cat "$tmp/dev.log")"
sed -e 's/15s/1s/; s/^  - alerts.yml/  - alerts.yml/' "$root/contrib/prometheus/prometheus.yml" >"$tmp/prometheus.yml"
cp "$root/contrib/prometheus/alerts.yml" "$tmp/"
"$bin" dev exec 0 prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
    --web.listen-address=127.0.0.1:19090 >"$tmp/prometheus.log" 2>&1 &
server=$!

cat >"$tmp/ask.py" <<'PY'
import json, re, sys, time, urllib.parse, urllib.request
def ask(expr):
    url = "http://127.0.0.1:19090/api/v1/query?query=" + urllib.parse.quote(expr)
    try:
        return json.load(urllib.request.urlopen(url, timeout=5))["data"]["result"]
    except urllib.error.HTTPError as e:
        if e.code == 503: raise # it is still starting: asked again
        sys.exit("%s: %s" % (expr, e.read()))
end = time.monotonic() + 40
while True:
    try:
        if len(ask("count_over_time(quickstep_store_slot_complete_total[1m]) > 2")): break
        why = None
    except OSError as e: why = e
    if time.monotonic() > end: sys.exit("nothing was scraped: %s" % (why or urllib.request.urlopen("http://127.0.0.1:19090/api/v1/targets").read()))
    time.sleep(0.5)
root, page = sys.argv[1:]
documented = set(re.findall(r"`(quickstep_\w+)`", open(root + "/docs/metrics.md").read()))
exprs = re.findall(r"^ +expr: (.*)$", open(root + "/contrib/prometheus/alerts.yml").read(), re.M)
alerts = len(exprs)
def targets(panel):
    for t in panel.get("targets", []): yield t["expr"]
    for p in panel.get("panels", []): yield from targets(p)
board = json.load(open(root + "/contrib/grafana/quickstep.json"))
for e in targets(board):
    exprs.append(e.replace("$__rate_interval", "1m").replace("$__range", "1m").replace("$instance", ".*"))
asked = set()
for i, e in enumerate(exprs):
    for name in re.findall(r"\bquickstep_\w+", e):
        base = re.sub("_bucket$", "", name)
        assert base in documented, "%s is not documented, in %s" % (name, e)
        if name not in asked:
            assert ask(name), "%s has no samples, in %s" % (name, e)
            asked.add(name)
    got = ask(e)
    if i < alerts: # a quiet node raises nothing; without its comparisons each alert has a value
        for side in re.split(r"==|>|<| and ", e):
            assert ask(side) or side.strip().replace(".", "").isdigit(), "no value: " + side
        assert not got, "a healthy node raises: %s: %s" % (e, got)
    else:
        assert got, "no samples: " + e
        assert not all(g["value"][1] == "NaN" for g in got), "only NaN: " + e
assert alerts >= 10 and len(exprs) > alerts + 20
print("%d alerts, %d expressions of the dashboard, %d metrics" % (alerts, len(exprs) - alerts, len(asked)))
PY
"$bin" dev exec 0 python3 "$tmp/ask.py" "$root" - >"$tmp/asked" 2>&1 || fail "$(tail -n 3 "$tmp/asked" "$tmp/prometheus.log" "$tmp/dev.log")"
cat "$tmp/asked"
kill -TERM $server
wait $server 2>/dev/null
kill -INT $dev
wait $dev || fail "the lab ended with $?: $(tail -n 5 "$tmp/dev.out" "$tmp/dev.log")"

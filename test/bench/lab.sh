#!/bin/bash
# lab.sh [--json] - what the lab costs when it idles, how soon `quickstep run` runs, how much memory
# the default lab takes.  The build installs it as build/bench/lab, beside the quickstep it measures.
#
# Processor time is what the scheduler gave each process (/proc/PID/schedstat, ns): the lab's
# commands, supervisors and tiles, over 5 s after 2 s of settling.  Ready is when `run` says so on
# its standard error.  Each figure is the median of 5 runs, all kinds in turn.
set -u
rounds=5 settle=2 span=5
json=
[ "${1:-}" = --json ] && json=1 && shift
[ $# -gt 0 ] && echo "usage: lab [--json]" >&2 && exit 2
quickstep=$(cd "$(dirname "$0")/.." && pwd)/quickstep
work=$(mktemp -d) || exit 1
lab=
trap '[ -n "$lab" ] && kill -INT "$lab" 2>/dev/null; wait; rm -rf "$work"' EXIT

fail() {
    echo "bench lab: $1" >&2
    cat "$work/log" >&2
    exit 1
}

# family PID: it and all that descend from it.
family() {
    local child
    echo "$1"
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do family "$child"; done
}

cpu_ns() { # cpu_ns PID...
    local pid
    for pid; do cat /proc/"$pid"/task/*/schedstat; done | awk '{ns += $1} END {printf "%.0f\n", ns}'
}

pss_bytes() { # pss_bytes PID...
    local pid
    for pid; do awk '/^Pss:/ {print $2 * 1024}' /proc/"$pid"/smaps_rollup; done | awk '{b += $1} END {printf "%.0f\n", b}'
}

# wksp_bytes PID...: every workspace they map, once.
wksp_bytes() {
    local pid
    for pid; do
        find -L /proc/"$pid"/map_files/ -type f -printf '%D:%i %s %p\n' 2>/dev/null
    done | while read -r id sz link; do
        case $(readlink "$link") in */quickstep-*/*) echo "$id $sz" ;; esac
    done | sort -u | awk '{b += $2} END {printf "%.0f\n", b}'
}

measure_idle_and_memory() {
    "$quickstep" dev --seconds 60 --rate 1 --set layout.idle=auto >"$work/log" 2>&1 &
    lab=$!
    sleep $settle
    local pids before t0
    mapfile -t pids < <(family "$lab")
    [ "${#pids[@]}" -ge 7 ] || fail "the lab has ${#pids[@]} processes, expected 7"
    before=$(cpu_ns "${pids[@]}")
    t0=${EPOCHREALTIME/./}
    sleep $span
    echo $(($(cpu_ns "${pids[@]}") - before)) $((${EPOCHREALTIME/./} - t0)) |
        awk '{printf "%.2f\n", 100 * $1 / ($2 * 1000)}' >>"$work/cpu_percent"
    wksp_bytes "${pids[@]}" >>"$work/workspace_bytes"
    pss_bytes "${pids[@]}" >>"$work/pss_bytes"
    kill -INT "$lab"
    wait "$lab" || fail "the lab ended with $?"
    lab=
}

measure_ready() {
    local t0 line ready=
    mkfifo "$work/err"
    t0=${EPOCHREALTIME/./}
    "$quickstep" run --instance "bench-lab-$$" --set net.bind_address=127.0.0.1 --set layout.idle=park 2>"$work/err" &
    lab=$!
    while read -r line; do
        echo "$line" >>"$work/log"
        case $line in *QS-RUN-001*) ready=${EPOCHREALTIME/./} && kill -INT "$lab" ;; esac
    done <"$work/err"
    wait "$lab"
    lab=
    rm "$work/err"
    [ -n "$ready" ] || fail "quickstep run was never ready"
    awk "BEGIN {printf \"%.1f\\n\", ($ready - $t0) / 1000}" >>"$work/ready_ms"
}

for ((round = 0; round < rounds; round++)); do
    : >"$work/log"
    measure_idle_and_memory
    measure_ready
done

median() { sort -n "$work/$1" | sed -n "$((rounds / 2 + 1))p"; }
cpu=$(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)
if [ -n "$json" ]; then
    row='"ns_per_op":null,"ops_per_s":null,"peer":null,"ratio":null'
    printf '{"bench":"lab","cpu":"%s","rows":[' "${cpu:-unknown}"
    printf '{"what":"idle lab on 2 cores, `idle = \\"auto\\"`","variant":"1 datagram per s","cpu_percent":%s,%s},' "$(median cpu_percent)" "$row"
    printf '{"what":"`quickstep run` to all tiles running","variant":"listen","ready_ms":%s,%s},' "$(median ready_ms)" "$row"
    printf '{"what":"default lab under 256 MiB","variant":"2 nodes","workspace_bytes":%s,"pss_bytes":%s,%s}]}\n' "$(median workspace_bytes)" "$(median pss_bytes)" "$row"
else
    echo "lab on ${cpu:-unknown}, medians of $rounds runs"
    echo "idle lab, idle = auto, 1 datagram per s: $(median cpu_percent) % of one core"
    echo "quickstep run to all tiles running: $(median ready_ms) ms"
    echo "default lab, 2 nodes: workspaces $(median workspace_bytes) bytes, Pss of all processes $(median pss_bytes) bytes"
fi

#!/bin/bash
# Goal: tiles really run where `quickstep topo` says they will, within the affinity they inherit.
# Method: a topology is started under taskset, with auto and with lists; what the kernel says of
# each tile's process is compared with the plan.  What cannot be had must end with exit code 2.
set -u
out=$1
qs=$out/quickstep
instance=e2e-cpus-$$
failed=0
group=
trap '[ -z "$group" ] || kill "$group" 2>/dev/null; wait' EXIT

fail() {
    echo "FAILED: $*"
    failed=1
}

# Ports of our own, on loopback: other instances may run on this host.
ports=(--set net.bind_address=127.0.0.1 --set net.provider=socket --set port.gossip=28001
    --set port.tvu=28003 --set port.repair=28004 --set port.tpu=29001)

# field JSON TILE KEY: of an object in "tiles", which are flat.
field() {
    echo "$1" | grep -o "{\"name\":\"$2\"[^}]*" | grep -o "\"$3\":[^,]*" | head -n 1 |
        sed 's/.*://; s/"//g'
}

allowed() { awk '/^Cpus_allowed_list:/ {print $2}' "/proc/$1/status" 2>/dev/null; }

# agrees WHAT CPULIST OPTION...: the running tiles are where the plan puts them.
agrees() {
    local what=$1 cpus=$2 plan json
    shift 2
    plan=$(taskset -c "$cpus" "$qs" topo listen --cpu --json "$@") || fail "$what: topo"
    : >"$log" # before the background shell would: what is waited for must not be the last run's
    taskset -c "$cpus" "$qs" run --topology listen --instance "$instance" "${ports[@]}" "$@" \
        2>"$log" &
    group=$!
    for _ in $(seq 200); do
        grep -q QS-RUN-001 "$log" && break
        sleep 0.05
    done
    json=$("$qs" monitor --instance "$instance" --json --once) || fail "$what: monitor"
    for tile in net sink; do
        local want pid got
        want=$(field "$plan" "$tile" cpu)
        pid=$(field "$json" "$tile" pid)
        got=$(allowed "$pid")
        [ "$got" = "$want" ] || fail "$what: $tile runs on '$got', planned on '$want'"
    done
    grep -q "QS-RUN-005.*tiles on cpus" "$log" || fail "$what: boot does not say where tiles are"
    kill "$group" && wait "$group" || fail "$what: exit code $?"
    group=
}

refused() { # refused CPULIST WORDS OPTION...
    local cpus=$1 words=$2 said code
    shift 2
    for command in "topo listen --cpu" "run --topology listen --seconds 1"; do
        # shellcheck disable=SC2086
        said=$(taskset -c "$cpus" "$qs" $command "${ports[@]}" "$@" 2>&1 >/dev/null)
        code=$?
        [ $code = 2 ] || fail "$command $*: exit code $code"
        [[ $said == *$words* ]] || fail "$command $*: said $said"
    done
}

log=$(mktemp) || exit 1
mine=$(allowed self)
first=${mine%%[-,]*}
last=${mine##*[-,]}

agrees "all that we may use" "$mine"
agrees "one cpu" "$last"
agrees "a list" "$mine" --set layout.affinity="$last,$first"
refused "$last" "cpu 4095 is not in this machine" --set layout.affinity=4095
refused "$last" "layout.exclude leaves none" --set layout.exclude="$last"
[ "$first" = "$last" ] ||
    refused "$last" "cpu $first is outside the affinity we inherited" --set layout.affinity="$first"
# With one node nothing is bound; where hwloc is told of two, a tile's memory goes to its cpu's.
binding() { "$qs" run --topology listen --instance "$instance" "${ports[@]}" --seconds 1 2>&1; }
two_nodes="node:2 core:$((last + 1)) pu:1"
HWLOC_SYNTHETIC=$two_nodes binding | grep -qE 'on node 0|on any node \(binding' ||
    fail "memory is not bound on $two_nodes"
HWLOC_SYNTHETIC="core:$((last + 1)) pu:1" binding | grep -qE 'on node|binding' &&
    fail "memory is bound although there is one node"

park=$(taskset -c "$last" "$qs" topo listen --json)
[ "$(field "$park" net idle)" = park ] || fail "two tiles on one cpu do not park"
rm -f "$log"
exit $failed

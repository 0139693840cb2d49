#!/bin/bash
# test_doctor.sh OUT - Goal: on a host with veth only doctor tells a newcomer why there is no zero copy, and
# its exit code says whether what the configuration insists on can be had; nothing is changed.
# Method: a namespace with a veth pair, and the program as a user would call it.
. "$(dirname "$0")/lib.sh"

ip link add n0 type veth peer name n1 && ip link set n0 up && ip link set n1 up || fail "no veth"
ip addr add 10.9.0.1/24 dev n0 && ip route add default via 10.9.0.254 || fail "no address"
before=$(ip -4 addr; ip rule; ip route)

# The default route leads to n0.
"$bin" doctor --json >"$tmp/auto" || fail "doctor ends with $?"
[ "$(value "$tmp/auto" 'j["iface"] == "n0" and j["driver"] == "veth" and j["errors"] == 0')" = true ] ||
    fail "the interface: $(cat "$tmp/auto")"
[ "$(value "$tmp/auto" 'j["rung"] == "drv" and j["next_rung"] == "zero_copy"')" = true ] ||
    fail "the rung: $(cat "$tmp/auto")"
[ "$(value "$tmp/auto" '[f["id"] for f in j["findings"] if f["bars"] == "zero_copy"] == ["QS-DOC-008"]')" = true ] ||
    fail "what bars zero copy: $(cat "$tmp/auto")"
"$bin" doctor | grep -q "veth (pairs between namespaces) has no zero copy in any kernel" || fail "why, in words"

"$bin" doctor n0 --set net.zero_copy=on --json >"$tmp/on"
[ $? = 3 ] || fail "zero copy insisted on: not 3"
[ "$(value "$tmp/on" '[f["id"] for f in j["findings"] if f["severity"] == "error"]')" = "['QS-DOC-008']" ] ||
    fail "the error: $(cat "$tmp/on")"
"$bin" doctor none --set net.provider=xdp >/dev/null
[ $? = 3 ] || fail "an interface that is not there: not 3"
"$bin" doctor n0 --peer 10.9.0.77 >/dev/null || fail "a peer on the link"
ip route del default
"$bin" doctor n0 --peer 8.8.8.8 >"$tmp/peer"
[ $? = 3 ] && grep -q QS-DOC-026 "$tmp/peer" || fail "a peer without a route"
ip route add default via 10.9.0.254
"$bin" doctor n0 n1 2>/dev/null
[ $? = 2 ] || fail "two interfaces: not 2"
"$bin" doctor --peer nobody 2>/dev/null
[ $? = 2 ] || fail "no address: not 2"
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.9.0.1", 9001)); time.sleep(9)' &
holder=$!
within 5 grep -q 2329 /proc/net/udp || fail "the port is not taken"
"$bin" doctor n0 >"$tmp/port"
[ $? = 3 ] && grep -q "QS-DOC-029.*9001" "$tmp/port" || fail "a port that is taken: $(cat "$tmp/port")"
kill $holder

# The probe: on veth XDP in the driver carries all; with faults, the next rung, none, or damage.
links() { ip -o link | wc -l; }
spaces() { lsns -t net -n 2>/dev/null | wc -l; }
links_before=$(links) spaces_before=$(spaces)
probe() { # probe FAULT CODE RUNG ID
    "$out/e2e/quickstep_fault" ${1:+--fault "$1"} doctor n0 --probe --json >"$tmp/probe"
    [ $? = "$2" ] || fail "probe${1:+ with $1}: not $2: $(cat "$tmp/probe")"
    [ "$(value "$tmp/probe" 'j["probe"]["rung"]')" = "$3" ] || fail "probe${1:+ with $1}: $(cat "$tmp/probe")"
    [ "$(value "$tmp/probe" '[f["id"] for f in j["findings"] if "032" <= f["id"][-3:]]')" = "$4" ] ||
        fail "findings of the probe${1:+ with $1}: $(cat "$tmp/probe")"
}
probe "" 0 drv "[]"
[ "$(value "$tmp/probe" 'j["probe"]["received"] == j["probe"]["received_back"] == j["probe"]["sent"] == 1000')" = true ] ||
    fail "the probe: $(cat "$tmp/probe")"
probe net.bind_eopnotsupp 0 skb "['QS-DOC-033']"
[ "$(value "$tmp/probe" 'j["rung"]')" = skb ] || fail "rung after a probe that failed in the driver"
probe net.bind_ebusy 0 socket "['QS-DOC-034']"
probe net.stall 0 socket "['QS-DOC-034']"
probe doctor.damage 3 socket "['QS-DOC-035']"
setpriv --reuid 65534 --regid 65534 --clear-groups "$bin" doctor n0 --probe >"$tmp/probe" 2>/dev/null
grep -q QS-DOC-032 "$tmp/probe" || fail "a probe by nobody: $(cat "$tmp/probe")"
"$bin" doctor n0 --probe | grep -q "^probe: *XDP in the driver.*1000 came, 1000 went back" || fail "the probe, in words"
# Killed in the middle, it leaves nothing.
for delay in 0.01 0.03 0.05 0.1 0.2; do
    "$bin" doctor n0 --probe >/dev/null &
    victim=$!
    sleep $delay
    kill -9 $victim 2>/dev/null
    wait $victim 2>/dev/null
done
gone() { [ "$(links)" = "$links_before" ] && [ "$(spaces)" = "$spaces_before" ]; }
within 10 gone || fail "the probe left links or namespaces: $(links) $links_before $(spaces) $spaces_before"

after=$(ip -4 addr; ip rule; ip route)
[ "$before" = "$after" ] || fail "something was changed"
for id in $("$bin" doctor --json | grep -o 'QS-DOC-[0-9]*'); do
    "$bin" explain "$id" >/dev/null || fail "$id is not explained"
done
say "ok"

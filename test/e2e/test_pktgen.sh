#!/bin/bash
# test_pktgen.sh OUT - Goal: what pktgen says it sent is what arrives; garbage beside it is counted by reason and
# hurts nothing; without XDP it uses sockets; and it ends when it is told to.
# Method: a veth pair between two namespaces, a `listen` topology at the other end.
. "$(dirname "$0")/lib.sh"
mkdir -p /run/netns 2>/dev/null
mount -t tmpfs tmpfs /run/netns 2>/dev/null && ip netns add gen 2>/dev/null &&
    ip link add qs0 type veth peer name qs1 netns gen || { say "skipped: no veth here" && exit 77; }
ip addr add 10.77.0.2/24 dev qs0 && ip link set qs0 up || exit 1
ip -n gen addr add 10.77.0.1/24 dev qs1 && ip -n gen link set qs1 up || exit 1

pktgen() { "$bin" pktgen --netns gen --to 10.77.0.2 --ports 8001,8003,9001 "$@"; }
"$bin" run --topology listen --instance pk --set net.bind_address=10.77.0.2 --set net.iface=qs0 \
    --set layout.idle=park >"$tmp/log" 2>&1 &
supervisor=$!
"$bin" ready --instance pk --timeout 20 >/dev/null 2>&1 || fail "listen: $(cat "$tmp/log")"

# metric NAME: of the receiver, summed over its tiles.
metric() { "$bin" metrics --instance pk | awk -v name="quickstep_$1" '$1 ~ "^" name "[{ ]" { n += $2 } END { print n + 0 }'; }
got() { [ "$(metric sink_received_total)" -ge "$1" ]; }

# Good, unwanted and broken side by side.
pktgen --count 5000 --rate 5000 --unwanted 20 --garbage 40 --flows 8 --size 40-1200 --json >"$tmp/json" 2>"$tmp/said" ||
    fail "pktgen: $(cat "$tmp/said")"
wanted=$(value "$tmp/json" 'j["wanted"] if j["sent"] == 5000 == j["wanted"] + j["unwanted"] + j["garbage"] and
    4500 < j["pps"] < 5500 and j["bytes"] > 5000 * 60 and j["interface"] == "qs1" else "bad: %s" % j')
within 5 got "$wanted" || fail "of $wanted: $(metric sink_received_total) $(cat "$tmp/json")"
[ "$(metric sink_received_total)" = "$wanted" ] || fail "more than $wanted"
for none in sink_late_total sink_repeated_total sink_damaged_total; do
    [ "$(metric $none)" = 0 ] || fail "$none: $(metric $none)"
done
if [ "$(value "$tmp/json" 'j["provider"]')" = xdp ]; then
    if "$bin" xdp show qs0 --json | grep -q '"ours":true'; then
        for reason in ip_len udp_len_zero udp_len src_port src_ip own_mac; do
            [ "$(metric net_rx_${reason}_total)" -gt 0 ] || fail "no $reason"
        done
    fi
else
    say "skipped: pktgen by XDP: $(cat "$tmp/said")"
fi

# Sockets: asked for, or because there is no privilege.
before=$(metric sink_received_total)
pktgen --provider socket --count 200 --rate 5000 --flows 3 --seed 2 --json >"$tmp/json" || fail "sockets"
grep -q '"provider":"socket".*"sent":200,' "$tmp/json" || fail "sockets: $(cat "$tmp/json")"
nsenter --net=/run/netns/gen setpriv --reuid 65534 --clear-groups "$bin" pktgen --to 10.77.0.2 --ports 9001 \
    --count 10 --json >"$tmp/json" 2>"$tmp/said" || fail "nobody: $(cat "$tmp/said")"
grep -q '"provider":"socket"' "$tmp/json" && grep -q 'sockets instead of XDP' "$tmp/said" || fail "nobody: $(cat "$tmp/said")"
nsenter --net=/run/netns/gen setpriv --reuid 65534 --clear-groups "$bin" pktgen --to 10.77.0.2 --provider xdp \
    --count 10 2>"$tmp/said"
[ $? = 3 ] && grep -q QS-GEN-002 "$tmp/said" || fail "explicit xdp by nobody: $(cat "$tmp/said")"
# their numbers are those the first run had: received again
again() { [ $(($(metric sink_repeated_total) + $(metric sink_received_total) - before)) -ge 210 ]; }
within 5 again || fail "by sockets: $(metric sink_repeated_total)"

# It ends when told, and says what it did.
"$bin" pktgen --netns gen --to 10.77.0.2 --rate 1000 --json >"$tmp/json" 2>"$tmp/said" &
gen=$!
sleep 0.3
kill -INT $gen
wait $gen
code=$?
[ $code = 0 ] || fail "interrupted: $code $(cat "$tmp/said")"
[ "$(value "$tmp/json" '0 < j["sent"] < 2000')" = true ] || fail "interrupted: $(cat "$tmp/json")"

kill $supervisor && wait $supervisor

# An interface that goes down ends it, with what was sent before.
if pktgen --provider xdp --count 1 >/dev/null 2>&1; then
    "$bin" pktgen --netns gen --to 10.77.0.2 --rate 1000 --seconds 20 --provider xdp --json >"$tmp/json" 2>"$tmp/said" &
    gen=$!
    sleep 0.3
    ip -n gen link set qs1 down
    wait $gen
    [ $? = 1 ] && grep -q QS-GEN-003 "$tmp/said" && grep -q '"sent":[1-9]' "$tmp/json" ||
        fail "interface down: $(cat "$tmp/said" "$tmp/json")"
    ip -n gen link set qs1 up
fi

refused() { # refused CODE OPTION...
    local code=$1
    shift
    pktgen "$@" --count 1 >/dev/null 2>"$tmp/said"
    [ $? = "$code" ] && grep -q QS-GEN-00 "$tmp/said" || fail "pktgen $*: $(cat "$tmp/said")"
}
for ports in "" , 0 1- 9-8 65536 1-64,65 a 1,, 1x; do refused 2 --ports "$ports"; done
for size in "" 1473 9-8 -1 x 5-; do refused 2 --size "$size"; done
refused 2 --unwanted 60 --garbage 41
refused 2 --flows 0
refused 2 --flows 257
refused 2 --src-port 65500 --flows 100
refused 2 --provider dpdk
refused 2 --mac 02:00:00:00:00
refused 2 --to 10.77.0
refused 3 --to 10.78.0.1
refused 3 --netns nowhere
say ok

#!/bin/bash
# test_neighbour.sh OUT - Goal: what is sent to a neighbour that nobody has heard of: the kernel is made to
# ask, one datagram waits and arrives when the neighbour answers, the others are counted, and none
# goes to a wrong place or by another way; one that never answers costs the kept one, counted.
# Method: a veth pair; the load topology here, on XDP; there an address that comes when the test says so,
# and python that writes down the numbers it receives.
. "$(dirname "$0")/lib.sh"
[ "$E2E_INSIDE" = root ] || { say "skipped: needs root" && exit 77; }
name=nb-$$

unshare --net sleep 300 &
there=$!
within 5 bash -c "[ \$(readlink /proc/$there/ns/net) != \$(readlink /proc/self/ns/net) ]" || exit 1
far() { nsenter -t $there --net "$@"; }
ip link add b0 type veth peer name b1 netns $there || { say "skipped: no veth here" && exit 77; }
ip addr add 10.9.0.1/24 dev b0 && ip link set b0 up && far ip link set b1 up && far ip link set lo up

metric() { # metric NAME: the sum over the tiles
    "$bin" metrics --instance "$name" 2>/dev/null |
        awk -v name="quickstep_$1" 'index($1, name "{") == 1 { sum += $2 } END { print sum + 0 }'
}
at_least() { [ "$(metric "$1")" -ge "$2" ]; }
exactly() { [ "$(metric "$1")" = "$2" ]; }

# Before the mirror is complete the kernel decides; those few have been given up when the first of ours is.
"$bin" run --topology load --instance "$name" --set net.iface=b0 --set load.target=10.9.0.9 \
    --set load.rate_pps=1000 2>"$tmp/log" &
run=$!
within 10 exactly netlink_synced 1 || fail "no mirror: $(cat "$tmp/log")"
exactly net_rung 1 || { say "skipped: no native XDP on veth here: $(cat "$tmp/log")" && exit 77; }

# Somebody who never answers: its datagram is given up, and another takes its place.
within 8 at_least net_tx_neigh_expired_total 1 || fail "nothing was given up: $("$bin" metrics --instance "$name" | grep net_tx)"
within 5 at_least net_tx_neigh_wait_total 2 || fail "no other took its place"
at_least net_tx_neigh_dropped_total 500 || fail "the rest is not counted"
at_least netlink_ask_total 2 || fail "the kernel was not made to ask again"
exactly net_tx_neigh_waiting 1 || fail "waiting: $(metric net_tx_neigh_waiting)"
before=$(metric net_tx_datagram_total)
sleep 0.1
exactly net_tx_datagram_total "$before" || fail "something was sent to nobody"

# Now it is there.
cat >"$tmp/receive.py" <<'PY'
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 9001))
print('ready', flush=True)
s.settimeout(10)
numbers = []
while len(numbers) < 400:
    numbers.append(struct.unpack('<Q', s.recv(2048)[8:16])[0])
kept, rest = numbers[0], numbers[1:]
print('kept', kept, 'then', rest[0], 'sorted', int(rest == sorted(rest)))
PY
far python3 "$tmp/receive.py" >"$tmp/received" 2>&1 &
receiver=$!
within 5 grep -q ready "$tmp/received" || fail "$(cat "$tmp/received")"
far ip addr add 10.9.0.9/24 dev b1
wait $receiver || fail "nothing arrives: $(cat "$tmp/received"; "$bin" metrics --instance "$name" | grep net_tx)"
read -r _ kept _ next _ sorted < <(grep kept "$tmp/received")
[ "$sorted" = 1 ] || fail "out of order: $(cat "$tmp/received")"
[ "$next" -gt $((kept + 1)) ] || fail "all were kept, not one: $(cat "$tmp/received")"
exactly net_tx_neigh_waiting 0 || fail "one still waits"
kill -USR1 $run # no more is made
accounted() {
    [ "$(metric load_sent_total)" = $(($(metric net_tx_datagram_total) + $(metric net_tx_neigh_dropped_total) +
        $(metric net_tx_neigh_expired_total) + $(metric net_tx_refused_total))) ]
}
within 5 accounted || fail "not all are counted: $("$bin" metrics --instance "$name" | grep -E 'net_tx|load_sent')"
kill -INT $run && wait $run || fail "the run ended badly: $(cat "$tmp/log")"
kill $there
say "kept $kept, then $next: the others counted"

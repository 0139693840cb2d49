#!/bin/bash
# test_netlink.sh OUT - Goal: the netlink tile in its sandbox follows the host; killed, it comes back and forgets
# nothing; routes it could never hold are told and leave sending to the kernel.
# Method: quickstep run in a namespace with a veth pair, changed with ip(8); its metrics are looked at.
. "$(dirname "$0")/lib.sh"
name=nl-$$

ip link add n0 type veth peer name n1 && ip link set n0 up && ip link set n1 up || fail "no veth"
ip addr add 10.9.0.1/24 dev n0 && ip route add default via 10.9.0.254 || fail "no address"

start() {
    "$bin" run --instance "$name" --set net.provider=socket --set net.iface=n0 --set layout.idle=park \
        "$@" 2>"$tmp/log" &
    run=$!
    "$bin" ready --instance "$name" --timeout 10 >/dev/null || fail "not ready: $(cat "$tmp/log")"
}
stop() {
    kill -INT $run && wait $run
    [ $? = 0 ] || fail "the run ended badly: $(cat "$tmp/log")"
}
# metric NAME: of the netlink tile.
metric() {
    "$bin" metrics --instance "$name" | awk -v n="quickstep_netlink_$1" \
        'index($1, n "{") == 1 || index($1, n "_total{") == 1 || $1 == n || $1 == n "_total" { print $2 }'
}
is() { [ "$(metric "$1")" = "$2" ]; }
above() { [ "$(metric "$1")" -gt "$2" ] 2>/dev/null; }
becomes() { within 5 is "$1" "$2" || fail "$1 is $(metric "$1"), not $2"; }

start
becomes synced 1
becomes interfaces 3
routes=$(metric routes)
ip route add 172.16.0.0/16 via 10.9.0.254
becomes routes $((routes + 1))
ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev n0 nud permanent
becomes neighbours 1
ip rule add from 10.9.0.1 table 7
becomes policy_rules 1

pid=$(tile_pid netlink)
kill -9 "$pid"
ip route add 172.17.0.0/16 via 10.9.0.254 # while nobody looks
within 5 ended "$pid" || fail "netlink does not die"
came_back() { [ -n "$(tile_pid netlink)" ] && [ "$(tile_pid netlink)" != "$pid" ]; }
within 5 came_back || fail "netlink does not come back: $(cat "$tmp/log")"
becomes routes $((routes + 2))
becomes neighbours 1
becomes synced 1

ip link del n0 # routes go without a word
becomes interfaces 1
becomes neighbours 0
fewer() { [ "$(metric routes)" -lt "$routes" ]; }
within 5 fewer || fail "routes of a device that is gone: $(metric routes)"
stop

# More routes than there is room for.
ip link add n0 type veth peer name n1 && ip link set n0 up && ip link set n1 up && ip addr add 10.9.0.1/24 dev n0
for i in $(seq 0 63); do echo "route add 172.16.$i.0/24 via 10.9.0.254"; done | ip -batch - || fail "routes"
start --set netlink.routes=16
becomes full 1
becomes synced 1
above no_room 0 || fail "no_room is $(metric no_room)"
ip route flush root 172.16.0.0/16
ip link set n1 down # which makes it look at everything again
becomes full 0
stop
no_tiles || fail "tiles are left"
say "ok"

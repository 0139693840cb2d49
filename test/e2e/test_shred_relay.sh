#!/bin/bash
# test_shred_relay.sh OUT - Goal: two nodes that know each other by gossip send shreds on along the tree:
# what reaches one and is its to send on reaches the other, once, and is taken there; with several shred
# tiles too.
# Method: two nodes in namespaces on one bridge; every shred is sent to the first node alone.
. "$(dirname "$0")/lib.sh"
"$out/e2e/shredpcap" "$tmp" || fail "shredpcap"
ip link add br0 type bridge 2>/dev/null || { say "skipped: no bridge here" && exit 77; }
ip addr add 10.88.0.1/24 dev br0 && ip link set br0 up || exit 1
space=()
for node in 1 2; do
    unshare --net sleep 1000 &
    pid=$!
    space[$node]=$pid
    within 5 bash -c '[ "$(readlink /proc/'$pid'/ns/net)" != "$(readlink /proc/self/ns/net)" ]' || fail "no namespace"
    ip link add qs$node type veth peer name eth netns $pid && ip link set qs$node master br0 up || exit 1
    nsenter -t $pid -n sh -c "ip addr add 10.88.0.1$node/24 dev eth; ip link set eth up; ip link set lo up" || exit 1
done

cat >"$tmp/send.py" <<'PY'
import socket, struct, sys, time
data, at = open(sys.argv[1], "rb").read(), 24
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while at < len(data):
    n = struct.unpack_from("<I", data, at + 8)[0]
    s.sendto(data[at + 16 + 42 : at + 16 + n], ("10.88.0.11", 8003))
    at += 16 + n
    time.sleep(0.0005)
PY
count() { # count NODE METRIC: of its shred tiles
    "$bin" metrics --instance "relay-$$-$1" --json >"$tmp/metrics" 2>/dev/null &&
        value "$tmp/metrics" "sum(m['value'] for m in j['metrics'] if m['group'] == 'shred' and m['name'] == '$2')"
}
has() { [ "$(count "$1" "$2")" = "$3" ]; }
logs() { cat "$tmp/log1" "$tmp/log2"; }

for tiles in 1 2; do
    node=()
    for n in 1 2; do
        nsenter -t "${space[$n]}" -n "$bin" run --topology relay --instance "relay-$$-$n" --set net.iface=eth \
            --set net.bind_address=10.88.0.1$n --set shred.version=777 --set gossip.private_addresses=true \
            --set "shred.leader_schedule=$tmp/schedule.json" --set shred.tiles=$tiles \
            --set "gossip.entrypoints=10.88.0.1$((3 - n)):8001" >"$tmp/log$n" 2>&1 &
        node[$n]=$!
    done
    for n in 1 2; do
        within 20 "$bin" ready --instance "relay-$$-$n" >/dev/null 2>&1 || fail "node $n is not ready: $(logs)"
    done
    for n in 1 2; do
        within 20 has $n node_reachable $tiles || # each tile has a tree of its own
            fail "node $n knows $(count $n node_reachable) others: $(logs)"
    done
    python3 "$tmp/send.py" "$tmp/whole.pcap"
    within 20 has 1 received 768 || fail "received $(count 1 received) of 768: $(logs)"
    within 20 has 1 set_done 12 || fail "$(count 1 set_done) sets of 12: $(logs)"
    sent=$(count 1 relay_sent)
    [ "$((sent + $(count 1 relay_leaf)))" = 768 ] || fail "sent on $sent, $(count 1 relay_leaf) not"
    [ "$sent" -gt 250 ] && [ "$sent" -lt 520 ] || fail "$sent is not about half of 768" # 8 sigma
    within 20 has 2 received "$sent" || fail "node 2 received $(count 2 received) of $sent: $(logs)"
    within 5 bash -c '[ "$1" = 1 ]' _ 1
    taken=$(($(count 2 shred_admitted) + $(count 2 shred_late)))
    [ "$taken" = "$sent" ] || fail "node 2 took $taken of $sent"
    [ "$(count 2 relay_sent)" = 0 ] || fail "node 2 sent on what node 1 is the root of"
    kill "${node[@]}"
    for n in 1 2; do
        wait "${node[$n]}" || fail "node $n: exit code $?: $(logs)"
    done
done
say ok

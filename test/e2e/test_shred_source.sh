#!/bin/bash
# test_shred_source.sh OUT - Goal: shreds come from turbine and from named feeds, one of them multicast,
# with ordinary sockets and past the kernel; which brought what first is told, and each set comes once.
# Method: a node in a namespace behind a veth pair; its feeds are sent one after another, so that who was
# first is known without looking at a clock.
. "$(dirname "$0")/lib.sh"
name=source-$$
"$out/e2e/shredpcap" "$tmp" || fail "shredpcap"
unshare --net sleep 1000 &
space=$!
within 5 bash -c '[ "$(readlink /proc/'$space'/ns/net)" != "$(readlink /proc/self/ns/net)" ]' || fail "no namespace"
ip link add qs0 type veth peer name qs1 netns $space 2>/dev/null || { say "skipped: no veth here" && exit 77; }
ip addr add 10.88.0.1/24 dev qs0 && ip link set qs0 up || exit 1
nsenter -t $space -n sh -c 'ip addr add 10.88.0.2/24 dev qs1; ip link set qs1 up; ip link set lo up' || exit 1

cat >"$tmp/send.py" <<'PY'
import socket, struct, sys, time
pcap, which, host, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
data, shreds, at = open(pcap, "rb").read(), [], 24
while at < len(data):
    n = struct.unpack_from("<I", data, at + 8)[0]
    shreds.append(data[at + 16 + 42 : at + 16 + n])
    at += 16 + n
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.88.0.1"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
for i, shred in enumerate(shreds):
    if which == "all" or i % 2 == (which == "odd"):
        s.sendto(shred, (host, port))
        time.sleep(0.0005)
print(sum(1 for i in range(len(shreds)) if which == "all" or i % 2 == (which == "odd")))
PY
count() { # count METRIC: of the shred tile
    "$bin" metrics --instance "$name" --json >"$tmp/metrics" 2>/dev/null &&
        value "$tmp/metrics" "[m['value'] for m in j['metrics'] if m['group'] == 'shred' and m['name'] == '$1'][0]"
}
has() { [ "$(count "$1")" = "$2" ]; }
must() { has "$1" "$2" || fail "$provider: $1 is $(count "$1"), not $2: $(cat "$tmp/log")"; }
send() { # send WHICH HOST PORT FEED: and waits until all of it is there
    local before sent
    before=$(count "source$4_received")
    sent=$(python3 "$tmp/send.py" "$tmp/whole.pcap" "$1" "$2" "$3") || fail "send"
    within 20 has "source$4_received" $((before + sent)) ||
        fail "$provider: feed $4: $(count "source$4_received") of $sent: $(cat "$tmp/log")"
}

for provider in socket xdp; do
    nsenter -t $space -n "$bin" run --topology shreds --instance "$name" --set net.provider=$provider \
        --set net.iface=qs1 --set net.bind_address=10.88.0.2 --set "shred.leader_schedule=$tmp/schedule.json" \
        --set shred.source.0.name=group --set shred.source.0.port=7001 --set shred.source.0.group=239.1.2.3 \
        --set shred.source.1.name=other --set shred.source.1.port=7002 >"$tmp/log" 2>&1 &
    node=$!
    if ! within 20 "$bin" ready --instance "$name" >/dev/null 2>&1; then
        [ $provider = xdp ] && grep -q 'cannot be had' "$tmp/log" && say "skipped: no XDP here" && break
        fail "$provider: not ready: $(cat "$tmp/log")"
    fi
    send even 239.1.2.3 7001 1
    send odd 10.88.0.2 7002 2
    send all 10.88.0.2 8003 0
    must source0_first 0
    must source0_copy 768
    for feed in 1 2; do
        must source${feed}_first 384
        [ "$(count source${feed}_led)" -gt 350 ] || # it remembers most of them
            fail "$provider: feed $feed led $(count source${feed}_led) times"
        must source${feed}_copy 0
        [ "$(count source${feed}_lead_ns)" -gt 384 ] || fail "$provider: no lead of feed $feed"
    done
    must set_done 12
    send even 239.1.2.3 7001 1
    must source1_copy 384
    must source0_led 0
    python3 "$tmp/send.py" "$tmp/whole.pcap" even 10.88.0.2 7001 >/dev/null # not to the group
    send odd 10.88.0.2 7002 2
    must source1_received 768
    kill $node
    wait $node || fail "$provider: exit code $?: $(cat "$tmp/log")"
done

# What cannot be is told with the option that says it.
refused() { # refused WORDS OPTION...
    local words=$1
    shift
    "$bin" run --topology shreds --instance "$name" --set net.provider=socket "$@" >"$tmp/log" 2>&1
    [ $? -ne 0 ] && grep -q "$words" "$tmp/log" || fail "$*: $(cat "$tmp/log")"
}
refused 'shred.source.0.port = 8003 is already that of port.tvu' --set shred.source.0.name=a --set shred.source.0.port=8003
refused 'has no name' --set shred.source.0.port=7001
refused 'shred.source.0.port' --set shred.source.0.name=a --set shred.source.0.port=7001 \
    --set shred.source.0.group=10.1.2.3
refused 'nosuch0' --set shred.source.0.name=a --set shred.source.0.port=7001 --set shred.source.0.group=239.1.2.3 \
    --set shred.source.0.iface=nosuch0
say ok

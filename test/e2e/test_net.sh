#!/bin/bash
# alone: counts what is lost
# test_net.sh OUT - Goal: the net tile over AF_XDP receives everything once, whatever way it comes, and
# goes on whatever is done to it: killed, its interface down, deleted and made anew, its program
# detached, the slot taken by a stranger, the queue busy, no native XDP; every frame stays where it
# belongs; explicit options that cannot be had are refused with what to set instead.
# Method: a veth pair between two network namespaces of our own; `run` in each; python for what
# quickstep does not send.
. "$(dirname "$0")/lib.sh"
[ "$E2E_INSIDE" = root ] || { say "skipped: needs root" && exit 77; }
fault=$out/e2e/quickstep_fault

unshare --net sleep 300 &
there=$!
within 5 bash -c "[ \$(readlink /proc/$there/ns/net) != \$(readlink /proc/self/ns/net) ]" || exit 1
far() { nsenter -t $there --net "$@"; }

wire() { # wire MTU QUEUES: w0 here, w1 there
    ip link del w0 2>/dev/null
    ip link add w0 mtu "$1" numrxqueues "$2" numtxqueues "$2" type veth peer name w1 mtu "$1" \
        numrxqueues "$2" numtxqueues "$2" netns $there || return 1
    ip addr add 10.9.0.1/24 dev w0 && ip link set w0 up
    far ip addr add 10.9.0.2/24 dev w1 && far ip link set w1 up && far ip link set lo up
}
wire 1500 1 || { say "skipped: no veth here" && exit 77; }

metric() { # metric INSTANCE NAME: the sum over its tiles
    "$bin" metrics --instance "$1" 2>/dev/null |
        awk -v name="quickstep_$2" 'index($1, name "{") == 1 { sum += $2 } END { print sum + 0 }'
}
at_least() { [ "$(metric "$1" "$2")" -ge "$3" ]; }
exactly() { [ "$(metric "$1" "$2")" = "$3" ]; }
rung_is() { exactly "$1" net_rung "$2"; }
more() { # more INSTANCE COUNTER: it grows, by a thousand, within 5 s
    within 5 at_least "$1" "$2" $(($(metric "$1" "$2") + 1000))
}
runs() { grep -q 'tiles run' "$tmp/$1.log"; }
start() { # start NAME OPTION...: here; far_start: there
    local name=$1
    shift
    "$bin" run --instance "$name" --set net.iface=w0 "$@" 2>"$tmp/$name.log" &
    within 10 runs "$name" || fail "$name does not start: $(cat "$tmp/$name.log")"
}
far_start() {
    local name=$1
    shift
    nsenter -t $there --net "$bin" run --topology load --instance "$name" --set net.iface=w1 \
        --set load.target=10.9.0.1 --set load.rate_pps=5000 "$@" 2>"$tmp/$name.log" &
    within 10 runs "$name" || fail "$name does not start: $(cat "$tmp/$name.log")"
}
stop() { # stop NAME PID: without waiting for others
    kill "$2" && within 5 ended "$2" || fail "$1 does not stop"
}
audit() { "$bin" xdp audit --instance "$1" >"$tmp/audit" || fail "$2: audit of $1: $(cat "$tmp/audit")"; }
log() { grep -q -- "$2" "$tmp/$1.log" || fail "$1 did not say '$2': $(cat "$tmp/$1.log")"; }

start rx
rx=$!
rung_is rx 1 || { cat "$tmp/rx.log" && say "skipped: no native XDP on veth here" && exit 77; }
far_start tx
tx=$!
rung_is tx 1 || fail "tx is not on XDP: $(cat "$tmp/tx.log")"
more rx net_rx_xdp_total && more tx net_tx_xdp_total || fail "no traffic through the XSKs"
audit rx start
audit tx start

for i in 1 2 3; do
    kill -9 "$(tile_pid net 1)"
    kill -9 "$(tile_pid net 2)"
    sleep 0.$i
done
within 5 exactly rx net_rung 1
more rx net_rx_xdp_total || fail "no traffic after net was killed: $(cat "$tmp/rx.log")"
audit rx killed
audit tx killed

ip link set w0 down
sleep 0.3
ip link set w0 up
more rx net_rx_xdp_total || fail "no traffic after down and up: $(cat "$tmp/rx.log" "$tmp/tx.log")"
rung_is rx 1 && rung_is tx 1 || fail "down and up cost a rung"
audit rx updown
audit tx updown

"$bin" xdp detach w0 || fail "detach"
more rx net_rx_datagram_total || fail "nothing came while the program was off"
within 5 grep -q 'attached again' "$tmp/rx.log" || fail "nobody noticed: $(cat "$tmp/rx.log")"
more rx net_rx_xdp_total || fail "no traffic after detach: $(cat "$tmp/rx.log")"

held() {
    "$bin" xdp detach w0 2>/dev/null
    "$out/e2e/xdp_hold" w0 stranger >"$tmp/held" 2>/dev/null &
    stranger=$!
    within 2 bash -c "grep -qs held $tmp/held || ! kill -0 $stranger 2>/dev/null"
    grep -qs held "$tmp/held"
}
within 10 held || fail "the stranger cannot have w0"
within 5 rung_is rx 3 || fail "a stranger's program went unnoticed: $(cat "$tmp/rx.log")"
log rx stranger
more rx net_rx_socket_total || fail "no traffic by sockets: $(cat "$tmp/rx.log")"
audit rx sockets
kill $stranger
within 5 rung_is rx 1 || fail "XDP is not taken up again: $(cat "$tmp/rx.log")"
more rx net_rx_xdp_total || fail "no traffic after the stranger: $(cat "$tmp/rx.log")"

wire 1500 1 || fail "no second pair"
within 10 rung_is rx 1 && within 10 rung_is tx 1 || fail "not back: $(cat "$tmp/rx.log" "$tmp/tx.log")"
more rx net_rx_xdp_total || fail "no traffic on the new pair: $(cat "$tmp/rx.log" "$tmp/tx.log")"
audit rx anew
audit tx anew
say "killed, down, detached, replaced: $(cat "$tmp/audit")"

# Garbage beside it: every malformed class to our port, as fast as python can; the good goes on, in
# order, and what it loses is counted.
late=$(metric rx sink_late_total)
cat >"$tmp/garbage.py" <<'PY'
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('w1', 0))
mac = bytes.fromhex(sys.argv[1].replace(':', ''))
def frame(ihl=5, iplen=None, udplen=None, sport=5000, src='10.9.0.2', cut=None, vlan=b'', smac=b'\2\0\0\0\0\7', extra=b''):
    payload = b'g' * 40
    udp = struct.pack('>HHHH', sport, 9001, 8 + len(payload) if udplen is None else udplen, 0) + payload
    options = b'\1' * (4 * (ihl - 5)) if ihl > 5 else b''
    total = 20 + len(options) + len(udp) if iplen is None else iplen
    ip = struct.pack('>BBHHHBBH4s4s', 0x40 | ihl, 0, total, 0, 0, 64, 17, 0,
                     socket.inet_aton(src), socket.inet_aton('10.9.0.1')) + options
    b = mac + smac + vlan + b'\x08\0' + ip + udp + extra
    return b[:cut] if cut else b
frames = [frame(udplen=0), frame(udplen=500), frame(udplen=20), frame(iplen=20), frame(iplen=1000),
          frame(sport=0), frame(src='127.0.0.1'), frame(src='224.0.0.1'), frame(ihl=6, iplen=22),
          frame(smac=mac), frame(cut=42), frame(vlan=b'\x81\0\0\5\x81\0\0\6'),
          frame(vlan=b'\x88\xa8\0\5'), frame(extra=b'x' * 1400)]
end = time.time() + 1.5
n = 0
while time.time() < end:
    for f in frames: s.send(f)
    n += 1
print(n)
PY
far python3 "$tmp/garbage.py" "$(cat /sys/class/net/w0/address 2>/dev/null || ip -o link show w0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/')" \
    >"$tmp/garbage" || fail "garbage"
more rx net_rx_xdp_total || fail "the flood stopped it: $(cat "$tmp/rx.log")"
exactly rx sink_late_total "$late" || fail "the good came out of order"
exactly rx sink_damaged_total 0 || fail "damaged"
for why in udp_len_zero udp_len ip_len src_port src_ip ip_hdr_len own_mac; do
    at_least rx "net_rx_${why}_total" 10 || fail "no $why counted: $("$bin" metrics --instance rx | grep net_rx)"
done
audit rx garbage
say "beside $(cat "$tmp/garbage") rounds of garbage: $(cat "$tmp/audit")"
kill -USR1 $tx
sleep 0.5
sent=$(metric tx load_sent_total) got=$(metric rx sink_received_total)
stop tx $tx

# Ways beside the XSK: another process here, another queue, fragments.  A second instance on the queue
# finds it busy and goes by sockets.
at=$(metric rx sink_received_total)
"$bin" run --topology load --instance near --set net.iface=w0 --set load.target=10.9.0.1 --seconds 6 \
    --set port.tpu=9101 --set load.rate_pps=1000 2>"$tmp/near.log" &
near=$!
within 10 runs near || fail "near does not start: $(cat "$tmp/near.log")"
rung_is near 3 || fail "a busy queue was had: $(cat "$tmp/near.log")"
log near 'busy'
came() { at_least rx sink_repeated_total 500 || at_least rx sink_received_total $((at + 500)); }
within 5 came || fail "nothing from the same host"
stop near $near
stop rx $rx

wire 1500 2 || fail "no pair with two queues"
start big --set net.mtu=3498 --set port.tpu=9001
big=$!
xdp=$(metric big net_rx_xdp_total)
far python3 -c 'import socket, time
for port in range(20000, 20064):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.9.0.2", port))
    s.sendto(b"q" * 100, ("10.9.0.1", 9001)); time.sleep(0.002)
for i in range(50): s.sendto(b"f" * 3000, ("10.9.0.1", 9001)); time.sleep(0.002)'
within 5 exactly big sink_other_total 114 || fail "64 flows and 50 fragmented: $("$bin" metrics --instance big | grep -E '_(net|sink)_')"
sleep 0.2
exactly big sink_other_total 114 || fail "some came twice"
at_least big net_rx_socket_total 50 && at_least big net_rx_xdp_total $((xdp + 1)) ||
    fail "not both ways: $("$bin" metrics --instance big | grep net_rx)"
say "flows by XSK $(metric big net_rx_xdp_total), by socket $(metric big net_rx_socket_total)"
audit big fragments
stop big $big

start two --set net.tiles=2
two=$!
rung_is two 2 || fail "two tiles, not both on the driver rung: $(cat "$tmp/two.log")"
far python3 -c 'import socket, time
for port in range(20000, 20064):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.9.0.2", port))
    s.sendto(b"q" * 100, ("10.9.0.1", 9001)); time.sleep(0.002)'
within 5 exactly two net_rx_xdp_total 64 || fail "two queues: $("$bin" metrics --instance two | grep net_rx)"
kill -9 "$(tile_pid net 2)"
both() { [ "$(tiles | grep -c ' net$')" = 2 ]; }
within 5 both || fail "no second tile after a kill: $(tiles)"
audit two "two tiles"
stop two $two

# A frame that is forgotten is found missing; a queue that stays busy with our last socket is waited for.
wire 1500 1 || fail "no pair with one queue"
"$fault" --fault net.leak,net.rebind_ebusy run --instance leak --set net.iface=w0 2>"$tmp/leak.log" &
leak=$!
within 10 runs leak 2>/dev/null
leaks() { far python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20): s.sendto(b"l" * 100, ("10.9.0.1", 9001))'; }
leaks_one() { leaks && sleep 0.05 && at_least leak net_rx_xdp_total 1; } # the first may come by the socket
within 5 leaks_one || fail "nothing comes by the XSK"
"$bin" xdp audit --instance leak >"$tmp/audit" 2>&1
[ $? = 4 ] || fail "a leak goes unnoticed: $(cat "$tmp/audit")"
kill -9 "$(tile_pid net)"
within 10 grep -q 'tried again (2 of 3)' "$tmp/leak.log" || fail "a busy queue is not waited for: $(cat "$tmp/leak.log")"
xdp=$(metric leak net_rx_xdp_total)
comes() { leaks && at_least leak net_rx_xdp_total $((xdp + 1)); }
within 10 comes && rung_is leak 1 || fail "busy for a moment cost a rung: $(cat "$tmp/leak.log")"
stop leak $leak

# The ladder, with faults that this machine does not have.
ladder() { # ladder FAULT EXPRESSION: of the lab's JSON
    "$fault" --fault "$1" dev --json --rate 10000 --seconds "$3" >"$tmp/$1" 2>"$tmp/$1.log"
    [ "$(value "$tmp/$1" "j['ok'] and $2")" = true ] || fail "$1: $(cat "$tmp/$1" "$tmp/$1.log")"
}
# falls FAULT WORDS: the lab runs until the log says so, however long that takes, and then ends well.
falls() {
    "$fault" --fault "$1" dev --json --rate 10000 --seconds 60 >"$tmp/$1" 2>"$tmp/$1.log" &
    local lab=$!
    within 50 grep -q -- "$2" "$tmp/$1.log" || fail "$1: $(cat "$tmp/$1.log")"
    sleep 1
    kill -INT $lab
    wait $lab
    [ "$(value "$tmp/$1" "j['ok'] and j['received'] > 0")" = true ] || fail "$1: $(cat "$tmp/$1" "$tmp/$1.log")"
}
falls net.stall 'ordinary sockets: received packets did not come through' &
stall=$!
falls net.tx_stuck 'packets were not sent' &
stuck=$!

# What cannot be had, said with what can.
refused() { # refused CODE WORDS OPTION...
    local want=$1 words=$2
    shift 2
    timeout 20 "$bin" run --instance no --set net.iface=w0 --seconds 1 "$@" 2>"$tmp/no.log"
    local got=$?
    [ $got = "$want" ] || fail "run $*: exit code $got, not $want: $(cat "$tmp/no.log")"
    log no "$words"
}
refused 3 'net.zero_copy = auto will do' --set net.zero_copy=on
refused 2 'net.xdp_mode = auto will do' --set net.xdp_mode=hw
refused 2 'net.zero_copy = auto will do' --set net.xdp_mode=skb --set net.zero_copy=on
ip route add default via 10.9.0.2
refused 2 'net.filter = kernel will do' --set net.filter=user
ip route del default
wire 9000 1 || fail "no pair with MTU 9000"
refused 3 'net.xdp_mode = skb will do' --set net.xdp_mode=drv
start jumbo
jumbo=$!
rung_is jumbo 2 || fail "MTU 9000: not generic: $(cat "$tmp/jumbo.log")"
log jumbo 'generic XDP (skb)'
stop jumbo $jumbo
wire 1500 1

ladder net.bind_eopnotsupp "j['xdp_mode'] == 'skb'" 1
ladder net.bind_ebusy "j['provider'] == 'socket'" 1
wait $stall || fail "net.stall"
wait $stuck || fail "net.tx_stuck"
kill $there
say "whatever way it comes, whatever is done to it (sent $sent, received $got)"

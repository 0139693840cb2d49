#!/bin/bash
# veth.sh [--json] [PART...] - what receiving costs on native veth, against a bare recvmmsg loop and DPDK's testpmd,
# and how far each goes; the build installs it as build/bench/veth.  Root; a namespace of its own.
#
# quickstep pktgen on cpu 0 sends 64-byte payloads over a veth pair; the receiver is on cpu 1.  On veth
# the sender's cpu also runs the receiver's half of the kernel (softirq), so a packet's cost is taken
# as what both cpus did (user, system, softirq of /proc/stat, 10 ms ticks) per packet received, less what
# pktgen's own half is: the same for all receivers at the same rate.  One figure is the median of 3.
#
# Parts: cost lossfree calls latency tiers; without a name all, some four minutes.
#
#   cost      at 100,000 packets a second; a receiver that spins has its cpu counted whole
#   lossfree  the highest of the rates tried at which all that was sent was received
#   calls     system calls of the net tile per packet, flooded
#   latency   the lab at 10,000 packets a second, by XDP and by sockets in turn
#   tiers     half of the packets to ports nobody wants: cost per wanted packet, filter user and kernel
set -u
json=
[ "${1:-}" = --json ] && json=1
parts=" ${*#--json} "
wanted() { [ -z "${parts// /}" ] || [[ $parts == *" $1 "* ]]; }
out=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${BENCH_INSIDE:-}" ]; then
    BENCH_INSIDE=1 exec unshare --mount --net --pid --fork --mount-proc --kill-child "$0" "$@"
fi
mount -t tmpfs -o mode=1777 tmpfs /dev/shm && ip link set lo up || exit 3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
quickstep=$out/quickstep
rows=
unshare --net sleep 600 &
there=$!
sleep 0.2
far() { nsenter -t $there --net "$@"; }
ip link add w0 type veth peer name w1 netns $there || exit 3
ip addr add 10.9.0.1/24 dev w0 && ip link set w0 up
far ip addr add 10.9.0.2/24 dev w1 && far ip link set w1 up && far ip link set lo up

busy_ns() { awk '/^cpu[01] / { s += $2 + $3 + $4 + $7 + $8 } END { printf "%.0f", s * 10000000 }' /proc/stat; }
metric() { "$quickstep" metrics --instance rx 2>/dev/null | awk -v n="quickstep_$1" 'index($1, n "{") == 1 { s += $2 } END { printf "%.0f", s }'; }
parks() { "$quickstep" metrics --instance rx | awk '/^quickstep_tile_park_total{tile="net"/ { s += $2 } END { print s + 0 }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { # row WHAT VARIANT NS PPS PEER RATIO
    rows="$rows${rows:+,}{\"what\":\"$1\",\"variant\":\"$2\",\"ns_per_op\":${3:-null},\"ops_per_s\":${4:-null},\"peer\":$5,\"ratio\":${6:-null}}"
    [ -n "$json" ] || printf '%-70s %-44s %10s %12s %s\n' "$1" "$2" "${3:-}" "${4:-}" "${6:-}"
}
over() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "null" }'; }

# receive KIND: starts one; got: what it has received.
receive() {
    kind=$1
    case $kind in
    recvmmsg) taskset -c 1 "$out/e2e/recvmmsg" 9001 >"$tmp/got" & ;;
    testpmd)
        dpdk-testpmd -l 0,1 --no-pci --no-huge -m 512 --no-telemetry -d librte_net_af_xdp.so \
            --vdev net_af_xdp0,iface=w0,start_queue=0,queue_count=1 -- --forward-mode=rxonly --auto-start \
            --no-lsc-interrupt --total-num-mbufs=8192 --stats-period 1 >"$tmp/testpmd" 2>&1 < <(sleep 600) &
        ;;
    *)
        # shellcheck disable=SC2086
        "$quickstep" run --instance rx --set net.iface=w0 --set layout.affinity=1 $2 2>"$tmp/log" &
        ;;
    esac
    receiver=$!
    sleep 1.5
}
got() {
    case $kind in
    recvmmsg) : ;;
    testpmd) awk '/RX-packets:/ { n = $2 } END { print n + 0 }' "$tmp/testpmd" ;;
    *) echo $(($(metric net_rx_datagram_total))) ;;
    esac
}
halt() {
    kill "$receiver" 2>/dev/null
    pkill -P $$ dpdk-testpmd 2>/dev/null
    wait "$receiver" 2>/dev/null
    [ "$kind" != recvmmsg ] || count=$(cat "$tmp/got")
}
send() { # send RATE SECONDS [OPTION...]: sets sent
    far taskset -c 0 "$quickstep" pktgen --interface w1 --to 10.9.0.1 --ports 9001 --size 64 --rate "$1" \
        --seconds "$2" --json "${@:3}" >"$tmp/sent" 2>"$tmp/pktgen" || cat "$tmp/pktgen" >&2
    sent=$(python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["wanted"])' "$tmp/sent")
    ran=$(python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["seconds"])' "$tmp/sent")
}
# measure KIND OPTIONS RATE SECONDS [PKTGEN OPTION...]: sets count (received), cost (busy ns a packet).
measure() {
    receive "$1" "$2"
    local before=$(got) t0
    before=${before:-0}
    t0=$(busy_ns)
    send "$3" "$4" "${@:5}"
    cost=$(($(busy_ns) - t0))
    [ "$1" != testpmd ] || sleep 1.2
    sleep 0.2
    count=$(($(got) - before))
    halt
    [ "$count" -gt 0 ] || count=1
    cost=$((cost / count))
}
spin="--set layout.idle=spin" park="--set layout.idle=park"
kinds="recvmmsg ours_park ours_socket ours_spin"
command -v dpdk-testpmd >/dev/null && kinds="$kinds testpmd" || echo "bench veth: no dpdk-testpmd here (package dpdk-dev): its rows are absent" >&2
options() {
    case $1 in
    ours_park) echo "$park" ;;
    ours_spin) echo "$spin" ;;
    ours_socket) echo "$park --set net.provider=socket" ;;
    esac
}

if wanted cost; then
    what="veth native, 64 bytes, same offered rate below saturation: CPU time per received packet (thread + softirq)"
    for i in 1 2 3; do
        for k in $kinds; do
            measure $k "$(options $k)" 100000 2
            echo "$cost" >>"$tmp/cost.$k"
        done
    done
    for k in $kinds; do
        c=$(median <"$tmp/cost.$k")
        case $k in
        recvmmsg) row "$what" recvmmsg "$c" null '"recvmmsg"' ;;
        testpmd) row "$what" "testpmd rxonly, spins" "$c" null '"testpmd"' ;;
        *) row "$what" "$k" "$c" null null "$(over "$(median <"$tmp/cost.recvmmsg")" "$c")" ;;
        esac
    done
fi

if wanted lossfree; then
    what="highest loss-free rate"
    for k in $kinds; do
        best=0
        for rate in 100000 150000 200000 250000 300000 400000 500000 600000; do
            measure $k "$(options $k)" $rate 1
            [ "$count" -ge "$sent" ] && best=$(awk -v n="$sent" -v s="$ran" 'BEGIN { printf "%.0f", n / s }') || break
        done
        echo "$best" >"$tmp/rate.$k"
        row "$what" $k null "$best" "$(case $k in recvmmsg | testpmd) echo "\"$k\"" ;; *) echo null ;; esac)" "$(over "$best" "$(cat "$tmp/rate.recvmmsg" 2>/dev/null || echo 0)")"
    done
fi

if wanted calls; then
    what="system calls per received packet at saturation"
    for k in ours_spin ours_park; do
        receive $k "$(options $k)"
        send 0 2
        calls=$(($(metric net_rx_call_total) + $(parks)))
        row "$what" "$k: $calls calls (net's parks among them), $(metric net_rx_datagram_total) packets" null null null \
            "$(over "$calls" "$(metric net_rx_datagram_total)" | sed 's/^null$/0/')"
        halt
    done
fi

if wanted latency; then
    what="wire to consumer at 10 kpps on veth, p50/p99"
    for i in 1 2 3; do
        for p in xdp socket; do
            "$quickstep" dev --json --seconds 3 --set net.provider=$p >"$tmp/dev" 2>/dev/null
            python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); print(j["latency_p50_ns"], j["latency_p99_ns"])' "$tmp/dev" >>"$tmp/latency.$p"
        done
    done
    for p in xdp socket; do
        for n in 1 2; do
            row "$what" "$p, p$((n == 1 ? 50 : 99))" "$(awk -v n=$n '{ print $n }' "$tmp/latency.$p" | median)" null null null
        done
    done
fi

if wanted tiers; then
    what="tiers: 50 % unwanted traffic, 100,000 wanted packets a second, CPU time per wanted packet"
    for i in 1 2 3; do
        for f in user kernel; do
            measure ours_park "$park --set net.filter=$f" 200000 2 --unwanted 50
            echo "$cost" >>"$tmp/tier.$f"
        done
    done
    user=$(median <"$tmp/tier.user")
    row "$what" "filter user" "$user" null null null
    row "$what" "filter kernel" "$(median <"$tmp/tier.kernel")" null null "$(over "$user" "$(median <"$tmp/tier.kernel")")"
    row "$what" "zero copy: not run (veth has none; make test-zerocopy)" null null null null
fi

kill $there
[ -z "$json" ] || printf '{"bench":"veth","cpu":"%s","rows":[%s]}\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$rows"

#!/bin/sh
# guest.sh - /init of the guest: two nodes, one NIC each, a namespace for the second.  What was seen goes to the
# serial line, one fact a line, for run.sh and rates.sh to judge; everything else there is for people:
#
#     FACT name value
#
# Words of the kernel's command line: part=trip|queues|ethtool|rates; zc=on|auto|off (net.zero_copy),
# mode=auto|drv|skb (net.xdp_mode), kill=1, count=N (datagrams each way), rounds=N and seconds=N (rates).
# It waits for facts and not for seconds: the machine is emulated, and others may use the host.
export PATH=/bin
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
part=trip zc=auto mode=auto kill='' count=5000 rate=1500 rounds=5 seconds=3
for word in $(cat /proc/cmdline); do
    case $word in part=* | zc=* | mode=* | kill=* | count=* | rate=* | rounds=* | seconds=*) eval "$word" ;; esac
done
for m in failover net_failover virtio_net; do [ -e /lib/modules/$m.ko ] && insmod /lib/modules/$m.ko; done

say() { echo "FACT $1 $2"; }
within() { # within SECONDS COMMAND...: true as soon as it is
    end=$(($(cut -d. -f1 /proc/uptime) + $1))
    shift
    until "$@"; do
        [ "$(cut -d. -f1 /proc/uptime)" -lt $end ] || return 1
        sleep 0.2
    done
}
say kernel "$(uname -r)"

unshare -n sleep 100000 &
far=$!
apart() { [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; }
within 60 apart
ip link set eth1 netns $far
here() { "$@"; }
there() { nsenter -t $far -n "$@"; }
for node in here there; do
    [ $node = here ] && n=1 nic=eth0 || { n=2 && nic=eth1; }
    $node ip link set lo up
    $node ip addr add 10.78.0.$n/24 dev $nic
    $node ip link set $nic up
done

# metric INSTANCE METRIC [IDX]: its value, summed over tiles, or that of one net tile.
metric() {
    quickstep metrics --instance "$1" | awk -v m="$2" -v idx="${3:-}" 'index($1, m "{") == 1 && (idx == "" || index($1, "idx=\"" idx "\"")) { n += $2 }
        END { printf "%.0f", n }'
}
is() { [ "$(metric "$1" "$2")" = "$3" ]; }
net() { # net NODE NIC TOPOLOGY INSTANCE [OPTION...]: in the background; $! is its shell or itself
    node=$1 nic=$2 topology=$3 instance=$4
    shift 4
    $node quickstep run --topology "$topology" --instance "$instance" --set net.iface="$nic" \
        --set net.zero_copy="$zc" --set net.xdp_mode="$mode" "$@" &
}
ready() { quickstep ready --instance "$1" --timeout 120 2>/dev/null; }
stop() { # stop INSTANCE
    pid=$(ps -o pid,args | awk -v me="quickstep run .*--instance $1 " '$0 ~ me && !/awk|nsenter/ { print $1; exit }')
    kill -TERM "$pid"
    while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.1; done
}
# load NODE NIC INSTANCE ADDRESS [OPTION...]: sends count datagrams and stays until stopped.
load() {
    node=$1 nic=$2 instance=$3 address=$4
    shift 4
    within 60 "$node" ping -c 1 -W 1 "$address" >/dev/null # the neighbour is known
    net "$node" "$nic" load "$instance" --set load.target="$address" --set load.target_port=9001 \
        --set load.rate_pps="$rate" --set load.count="$count" "$@"
    ready "$instance"
    within 600 is "$instance" quickstep_net_tx_datagram_total "$count"
}
# settled INSTANCE METRIC: its value once it stands still.
settled() {
    last=-1 now=$(metric "$1" "$2") calm=0
    while [ $calm -lt 5 ]; do
        sleep 0.2
        last=$now now=$(metric "$1" "$2")
        [ "$now" = "$last" ] && calm=$((calm + 1)) || calm=0
    done
    echo "$now"
}

# trip NAME FROM NIC TO NIC ADDRESS
trip() {
    rx=$1-rx tx=$1-tx
    net "$4" "$5" listen "$rx"
    ready "$rx"
    load "$2" "$3" "$tx" "$6"
    within 60 is "$rx" quickstep_sink_received_total "$count"
    say "$1_received" "$(metric "$rx" quickstep_sink_received_total)"
    say "$1_rung" "$(metric "$rx" quickstep_net_rung)"
    say "$1_tx_rung" "$(metric "$tx" quickstep_net_rung)"
    say "$1_zero_copy" "$(metric "$rx" quickstep_net_zero_copy)"
    say "$1_tx_zero_copy" "$(metric "$tx" quickstep_net_zero_copy)"
    say "$1_sent" "$(metric "$tx" quickstep_net_tx_datagram_total)"
    say "$1_sent_xdp" "$(metric "$tx" quickstep_net_tx_xdp_total)"
    say "$1_damaged" "$(metric "$rx" quickstep_sink_damaged_total)"
    say "$1_repeated" "$(metric "$rx" quickstep_sink_repeated_total)"
    say "$1_xdp" "$(metric "$rx" quickstep_net_rx_xdp_total)"
    say "$1_missing" "$(metric "$rx" quickstep_net_frames_missing)"
    stop "$tx"
    [ -z "$kill" ] || [ "$1" != there ] || again "$@"
    [ -z "$kill" ] || [ "$1" != back ] || halted "$@"
    stop "$rx"
    sleep 5 # the kernel frees a queue some time after its socket was closed, and tells nobody when
}
# halted: a sender that is told to end in the middle has all that it counts as sent on the wire.
came() { [ $(($(metric "$1" quickstep_net_rx_datagram_total) - before)) -ge "$2" ]; }
halted() {
    before=$(metric "$1-rx" quickstep_net_rx_datagram_total)
    net "$2" "$3" load "$1-halt" --set load.target="$6" --set load.target_port=9001 --set load.rate_pps="$rate"
    ready "$1-halt"
    within 120 came "$1-rx" 2000
    stop "$1-halt"
    say halt_received $(($(settled "$1-rx" quickstep_net_rx_datagram_total) - before))
    say halt_sent "$(metric "$1-halt" quickstep_net_tx_datagram_total)"
}
net_tile() { ps -o pid,args | awk '/tile [0-9]+ net/ && !/awk/ { print $1; exit }'; }
born_anew() { now=$(net_tile) && [ -n "$now" ] && [ "$now" != "$1" ]; }
# again: after kill -9 of the receiving net tile, the same numbers once more.
again() {
    before=$(metric "$1-rx" quickstep_net_rx_xdp_total)
    pid=$(net_tile)
    kill -9 "$pid"
    within 60 born_anew "$pid"
    ready "$1-rx"
    load "$2" "$3" "$1-again" "$6"
    within 60 is "$1-rx" quickstep_sink_repeated_total "$count"
    say again_rung "$(metric "$1-rx" quickstep_net_rung)"
    say again_zero_copy "$(metric "$1-rx" quickstep_net_zero_copy)"
    say again_sent "$(metric "$1-again" quickstep_net_tx_datagram_total)"
    say again_repeated "$(metric "$1-rx" quickstep_sink_repeated_total)"
    say again_damaged "$(metric "$1-rx" quickstep_sink_damaged_total)"
    say again_xdp $(($(metric "$1-rx" quickstep_net_rx_xdp_total) - before))
    stop "$1-again"
}
both_queues() { [ "$(metric q-rx quickstep_net_rx_xdp_total 0)" -gt 0 ] && [ "$(metric q-rx quickstep_net_rx_xdp_total 1)" -gt 0 ]; }
queues() { # two net tiles; senders with other source ports until both queues were hit
    net there eth1 listen q-rx --set net.tiles=2
    ready q-rx
    port=9101 sent=0
    while ! both_queues && [ $port -lt 9133 ]; do
        load here eth0 "q-tx-$port" 10.78.0.2 --set port.tpu=$port
        stop "q-tx-$port"
        sent=$((sent + count))
        port=$((port + 1))
    done
    settled q-rx quickstep_net_rx_datagram_total >/dev/null
    say queues_sent $sent
    for q in 0 1; do
        say queues_xdp_$q "$(metric q-rx quickstep_net_rx_xdp_total $q)"
        say queues_rung_$q "$(metric q-rx quickstep_net_rung $q)"
        say queues_zero_copy_$q "$(metric q-rx quickstep_net_zero_copy $q)"
    done
    say queues_received $(($(metric q-rx quickstep_sink_received_total) + $(metric q-rx quickstep_sink_repeated_total)))
    say queues_damaged "$(metric q-rx quickstep_sink_damaged_total)"
    stop q-rx
}

# ethtool: the stage of configure on virtio_net; nicset, which shares no code with it, reads what came of it.
state() { echo "$(nicset eth0 queues),$(nicset eth0 feature rx-udp-gro-forwarding),$(nicset eth0 feature rx-ntuple-filter),$(nicset eth0 rules),$(nicset eth0 rss)"; }
configure() { # configure NAME VERB OPTION...
    name=$1
    shift
    quickstep configure "$@" ethtool --topology listen --set net.iface=eth0
    say "$name" "$?:$(state)"
}
ethtool() {
    nicset eth0 queues 1
    nicset eth0 feature rx-udp-gro-forwarding on
    say before "0:$(state)"
    configure check check --set net.tiles=2
    configure dry init --dry-run --set net.tiles=2
    configure init init --set net.tiles=2
    configure check_after check --set net.tiles=2
    configure fewer init --set net.tiles=1
    configure undo undo --set net.tiles=2
    configure undo_again undo --set net.tiles=2
    nicset eth0 queues 2
    configure rss init --set net.tiles=1 --set net.rss=tiles
    configure rss_undo undo --set net.tiles=1
    nicset eth0 rss 100 28
    configure rss_hand init --set net.tiles=1 --set net.rss=tiles
    # What came of it is used: zero copy on both queues is the case "queues".
}

# rate NAME OPTION... [-- PKTGEN OPTION...]: what the receiver took of a flood, and how long that was.
# "RATE name received wanted ns", the wanted ones only.
rate() {
    name=$1 me=$1-$round options=
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options="$options --set $1"
        shift
    done
    [ $# = 0 ] || shift
    # shellcheck disable=SC2086
    net there eth1 listen "$me" $options >/dev/null 2>&1
    ready "$me"
    said=$(quickstep pktgen --interface eth0 --provider xdp --zero-copy --to 10.78.0.2 --ports 9001 \
        --mac 52:54:00:00:00:02 --seconds "$seconds" --json "$@")
    got=$(settled "$me" quickstep_net_rx_datagram_total)
    echo "RATE $name $got $(echo "$said" | sed -n 's/.*"seconds":\([0-9.]*\),.*"wanted":\([0-9]*\),.*/\2 \1/p') rung $(metric "$me" quickstep_net_rung)"
    stop "$me"
}
rates() {
    round=0
    while [ $round -lt "$rounds" ]; do
        rate zero_copy net.zero_copy=on
        rate copy net.zero_copy=off
        rate skb net.zero_copy=off net.xdp_mode=skb
        rate tier_user net.zero_copy=off net.filter=user -- --unwanted 50
        rate tier_kernel net.zero_copy=off -- --unwanted 50
        rate tier_zero_copy net.zero_copy=on -- --unwanted 50
        rate tier_zero_copy_user net.zero_copy=on net.filter=user -- --unwanted 50
        round=$((round + 1))
    done
}

case $part in
trip)
    trip there here eth0 there eth1 10.78.0.2
    trip back there eth1 here eth0 10.78.0.1
    say doctor "$(quickstep doctor eth0 --json | sed -n 's/.*"rung":"\([a-z_]*\)".*/\1/p')"
    ;;
*) $part ;;
esac
dmesg | grep -E 'BUG:|WARNING:|Oops' && say kernel_trouble 1 || say kernel_trouble 0
say end 1
poweroff -f

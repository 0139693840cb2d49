#!/bin/sh
# guest.sh - /init of the guest: two nodes, one NIC each, a namespace for the second.  Numbered datagrams go both
# ways and are checked byte for byte; what the net tiles say of themselves goes to the serial line, one fact a line:
#
#     FACT name value        for run.sh to judge        (everything else is for people)
#
# Words of the kernel's command line: zc=on|auto|off (net.zero_copy), mode=auto|drv|skb, kill=1.
export PATH=/bin
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
for word in $(cat /proc/cmdline); do case $word in zc=* | mode=* | kill=*) eval "$word" ;; esac; done
for m in failover net_failover virtio_net; do [ -e /lib/modules/$m.ko ] && insmod /lib/modules/$m.ko; done
echo "FACT kernel $(uname -r)"

unshare -n sleep 1000 &
far=$!
sleep 0.3
ip link set eth1 netns $far
here() { "$@"; }
there() { nsenter -t $far -n "$@"; }
for node in here there; do
    [ $node = here ] && n=1 nic=eth0 || { n=2 && nic=eth1; }
    $node ip link set lo up
    $node ip addr add 10.78.0.$n/24 dev $nic
    $node ip link set $nic up
done

# fact NAME INSTANCE METRIC: its value, summed over tiles.
fact() { echo "FACT $1 $(quickstep metrics --instance "$2" | awk -v m="$3" 'index($1, m) == 1 && (c = substr($1, length(m) + 1, 1)) !~ /[a-z_]/ { n += $2 } END { printf "%.0f", n }')"; }
net() { # net NODE NIC TOPOLOGY INSTANCE [OPTION...]
    node=$1 nic=$2 topology=$3 instance=$4
    shift 4
    $node quickstep run --topology "$topology" --instance "$instance" --set net.iface="$nic" \
        --set net.zero_copy="${zc:-auto}" --set net.xdp_mode="${mode:-auto}" "$@"
}
ready() { n=0; until quickstep ready --instance "$1" >/dev/null 2>&1; do n=$((n + 1)); [ $n -gt 60 ] && break; sleep 0.5; done; }

# trip NAME FROM NIC TO NIC ADDRESS
trip() {
    net "$4" "$5" listen "$1-rx" &
    rx=$!
    ready "$1-rx"
    net "$2" "$3" load "$1-tx" --set load.target="$6" --set load.target_port=9001 --set load.rate_pps="${rate:-1500}" --seconds 5
    sleep 0.5
    fact "$1_rung" "$1-rx" quickstep_net_rung
    fact "$1_tx_rung" "$1-tx" quickstep_net_rung
    fact "$1_sent" "$1-tx" quickstep_net_tx_datagram_total
    fact "$1_sent_xdp" "$1-tx" quickstep_net_tx_xdp_total
    fact "$1_received" "$1-rx" quickstep_sink_received_total
    fact "$1_damaged" "$1-rx" quickstep_sink_damaged_total
    fact "$1_xdp" "$1-rx" quickstep_net_rx_xdp_total
    fact "$1_missing" "$1-rx" quickstep_net_frames_missing
    if [ -n "${kill:-}" ] && [ "$1" = there ]; then
        pid=$(ps -o pid,args | awk '/tile [0-9]+ net/ { print $1; exit }')
        kill -9 "$pid"
        sleep 1.5
        ready "$1-rx"
        net "$2" "$3" load "$1-again" --set load.target="$6" --set load.target_port=9001 --set load.rate_pps=1000 --seconds 2
        sleep 0.5
        fact again_rung "$1-rx" quickstep_net_rung
        fact again_sent "$1-again" quickstep_net_tx_datagram_total
        fact again_xdp "$1-rx" quickstep_net_rx_xdp_total
    fi
    kill -TERM $(ps -o pid,args | awk -v me="quickstep run .*--instance $1-rx " '$0 ~ me && !/awk|nsenter/ { print $1 }')
    wait $rx
}
trip there here eth0 there eth1 10.78.0.2
trip back there eth1 here eth0 10.78.0.1
dmesg | grep -E 'BUG:|WARNING:|Oops' && echo "FACT kernel_trouble 1" || echo "FACT kernel_trouble 0"
echo "FACT end 1"
poweroff -f

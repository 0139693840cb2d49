#!/bin/bash
# run.sh OUT - AF_XDP zero copy with a NIC that has it: our own binary in a guest, numbered datagrams both ways, each
# checked byte for byte, and the cases in which the bind is refused and the next rung follows.  CASES="copy generic"
# boots only those; what each guest printed stays in build/zerocopy/log-NAME.  Exit 77 with a reason where it cannot be
# run.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${1:-build}
. test/zerocopy/vm.sh
count=6000 failed=0 passed=0
zero_copy=0 driver=1 generic=2 # rungs
vm_have || exit

value() { tr -d '\r' <"$cache/log" | awk -v n="$1" '$1 == "FACT" && $2 == n { v = $3 } END { print v }'; }
check() { # check WHAT HOLDS: arithmetic
    if (($2)); then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $1: $2"
    fi
}
chosen() { [[ -z ${CASES:-} || " $CASES " == *" $1 "* ]]; }
suite() { # suite NAME: its kernel, with us in the initrd
    vm_kernel "$1" || exit
    vm_initrd test/zerocopy/guest.sh "$out/quickstep" "$out/e2e/nicset" || exit 1
}
came_to_end() { # came_to_end WHAT
    check "$1: the kernel is well" "$(value kernel_trouble) + 0 == 0"
    [ "$(value end)" != 1 ] || return 0
    failed=$((failed + 1))
    echo "FAILED: $1: the guest did not come to its end"
    tr -d '\r' <"$cache/log" | tail -n 40
    return 1
}

# both_ways NAME NIC WORDS RUNG WHAT
both_ways() {
    local trip zc=$(($4 == zero_copy)) name=$5
    chosen "$1" || return 0
    vm_boot 900 "$2" "$3 count=$count"
    cp "$cache/log" "$cache/log-$1"
    came_to_end "$name" || return 0
    for trip in there back; do
        check "$name: rung of the receiver ($trip)" "$(value ${trip}_rung) == $4"
        check "$name: rung of the sender ($trip)" "$(value ${trip}_tx_rung) == $4"
        check "$name: what XDP_OPTIONS says of the receiver ($trip)" "$(value ${trip}_zero_copy) == $zc"
        check "$name: ... and of the sender ($trip)" "$(value ${trip}_tx_zero_copy) == $zc"
        check "$name: all were sent ($trip)" "$(value ${trip}_sent) == $count"
        # The first go by sockets, until the mirror of the routes is complete.
        check "$name: 5,000 and more by the XSK ($trip)" "$(value ${trip}_sent_xdp) >= 5000"
        check "$name: all arrived, once ($trip)" "$(value ${trip}_received) == $count && $(value ${trip}_repeated) == 0"
        check "$name: they came by the XSK ($trip)" "$(value ${trip}_xdp) == $count"
        check "$name: none was damaged ($trip)" "$(value ${trip}_damaged) == 0"
        check "$name: no frame is missing ($trip)" "$(value ${trip}_missing) == 0"
    done
    echo "$name: $(value there_received) and $(value back_received) datagrams, Linux $(value kernel), doctor says $(value doctor)"
}
refused() { # refused NAME REASON WHAT: the bind was, for that reason, before the next rung
    chosen "$1" || return 0
    check "$3: bind says $2" "$(tr -d '\r' <"$cache/log" | grep -c "bind with zero copy: $2") > 0"
}

good=iommu_platform=on,disable-legacy=on
suite trixie-backports
both_ways zero_copy $good "zc=on kill=1" $zero_copy "zero copy"
if chosen zero_copy; then
    check "after kill -9: the same rung" "$(value again_rung) == $zero_copy && $(value again_zero_copy) == 1"
    check "after kill -9: all arrive" "$(value again_sent) == $count && $(value again_repeated) == $count"
    check "after kill -9: by the XSK" "$(value again_xdp) == $count"
    check "after kill -9: none is damaged" "$(value again_damaged) == 0"
    check "a sender halted in the middle: all arrive" "$(value halt_sent) >= 2000 && $(value halt_received) == $(value halt_sent)"
fi
both_ways auto $good "zc=auto" $zero_copy "zero copy by itself"
both_ways copy $good "zc=off" $driver "copy"
both_ways generic $good "zc=off mode=skb" $generic "generic"
both_ways einval disable-legacy=on "zc=auto" $driver "no DMA mapping"
refused einval "Invalid argument" "no DMA mapping"
both_ways enoent $good,queue_reset=off "zc=auto" $driver "queues cannot be reset"
refused enoent "No such file or directory" "queues cannot be reset"
if chosen queues; then
    vm_boot 900 $good "part=queues zc=on count=500" 2
    if came_to_end "two queues"; then
        for q in 0 1; do
            check "two queues: zero copy on queue $q" "$(value queues_rung_$q) == $zero_copy && $(value queues_zero_copy_$q) == 1"
            check "two queues: traffic on queue $q" "$(value queues_xdp_$q) > 0"
        done
        check "two queues: all arrived" "$(value queues_received) == $(value queues_sent)"
        check "two queues: by the XSKs" "$(value queues_xdp_0) + $(value queues_xdp_1) == $(value queues_sent)"
        check "two queues: none was damaged" "$(value queues_damaged) == 0"
        echo "two queues (virtio_net): $(value queues_xdp_0) and $(value queues_xdp_1) datagrams"
    fi
fi
if chosen igb && ! qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'; then
    echo "two queues (igb): not run: $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/qemu \1/p') has no such device (since 8.0)"
elif chosen igb; then
    echo "two queues (igb): not run: no case for it yet"
fi
if chosen ethtool; then
    vm_boot 900 $good,rss=on "part=ethtool" 2
    if came_to_end "configure ethtool"; then
        is() { check "configure ethtool: $1 is $2" "$([ "$(value "$1")" = "$2" ] && echo 1 || echo 0)"; }
        # queues, rx-udp-gro-forwarding, rx-ntuple-filter, rules: virtio_net has none; how RSS spreads
        is before "0:1,on,off,none,128"
        is check "3:1,on,off,none,128"
        is dry "0:1,on,off,none,128"
        is init "0:2,off,off,none,64:64"
        is check_after "0:2,off,off,none,64:64"
        is fewer "0:2,off,off,none,64:64" # never lowered
        is undo "0:1,on,off,none,128"
        is undo_again "0:1,on,off,none,128"
        is rss "0:2,off,off,none,128" # net.rss = "tiles" with one tile
        is rss_undo "0:2,on,off,none,64:64"
        is rss_hand "0:2,off,off,none,100:28" # what somebody set by hand stays
        echo "configure ethtool (virtio_net): $(value before) -> $(value init) -> $(value undo)"
    fi
fi
if chosen eopnotsupp; then
    suite bookworm-backports
    both_ways eopnotsupp $good "zc=auto" $driver "a kernel without it"
    refused eopnotsupp "Operation not supported" "a kernel without it"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

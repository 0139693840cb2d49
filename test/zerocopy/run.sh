#!/bin/bash
# run.sh OUT - AF_XDP zero copy with a NIC that has it: our own binary in a guest, datagrams both ways, and the cases in
# which the bind is refused and the next rung follows.  Exit 77 with a reason where it cannot be run.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${1:-build}
. test/zerocopy/vm.sh
vm_have || exit
vm_kernel || exit
vm_initrd test/zerocopy/guest.sh "$out/quickstep" || exit 1
failed=0 passed=0

value() { tr -d '\r' <"$cache/log" | awk -v n="$1" '$1 == "FACT" && $2 == n { v = $3 } END { print v }'; }
check() { # check WHAT HOLDS: arithmetic
    if (($2)); then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $1: $2"
    fi
}

# boot NAME NIC WORDS RUNG: RUNG is 0 zero copy, 1 driver, 2 generic, 3 sockets.
boot() {
    local trip
    [[ -z ${CASES:-} || " $CASES " == *" ${1// /_} "* ]] || return 0
    vm_boot 90 "$2" "$3"
    if [ "$(value end)" != 1 ]; then
        failed=$((failed + 1))
        echo "FAILED: $1: the guest did not come to its end"
        tr -d '\r' <"$cache/log" | tail -n 40
        return
    fi
    for trip in there back; do
        local sent received
        sent=$(value ${trip}_sent) received=$(value ${trip}_received)
        check "$1: rung of the receiver ($trip)" "$(value ${trip}_rung) == $4"
        check "$1: rung of the sender ($trip)" "$(value ${trip}_tx_rung) == $4"
        # What lies in the sender's ring when it ends is lost: it ends without asking.
        check "$1: it arrived ($trip)" "$received >= 5000 && $sent - $received <= 128"
        (($4 == 3)) || check "$1: most of it left by the XSK ($trip)" "$(value ${trip}_sent_xdp) * 2 > $sent"
        check "$1: none was damaged ($trip)" "$(value ${trip}_damaged) == 0"
        (($4 == 3)) || check "$1: by the XSK ($trip)" "$(value ${trip}_xdp) >= $received"
        check "$1: no frame is missing ($trip)" "$(value ${trip}_missing) == 0"
    done
    check "$1: the kernel is well" "$(value kernel_trouble) == 0"
    echo "$1: $(value there_received) and $(value back_received) datagrams, kernel $(value kernel)"
}

# CASES="copy generic" boots only those.
good=iommu_platform=on,disable-legacy=on
boot "zero copy" $good "zc=on kill=1" 0
if [[ -z ${CASES:-} || " $CASES " == *" zero_copy "* ]]; then
    check "after kill -9: the same rung" "$(value again_rung) == 0"
    check "after kill -9: it receives" "$(value again_sent) > 100 && $(value again_xdp) >= $(value there_xdp) + $(value again_sent) / 2"
fi
boot "zero copy by itself" $good "zc=auto" 0
boot "copy" $good "zc=off" 1
boot "generic" $good "zc=off mode=skb" 2
boot "no DMA mapping (EINVAL)" disable-legacy=on "zc=auto" 1
boot "queues cannot be reset (ENOENT)" $good,queue_reset=off "zc=auto" 1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

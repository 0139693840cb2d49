#!/bin/bash
# rates.sh OUT [ROUNDS [SECONDS]] - what a net tile takes of a flood in the guest of vm.sh, by rung and by filter; for
# bench tiers.  Prints "RATE name received wanted seconds rung N" for each run, and "KERNEL release".  Both ends of
# the wire share the guest's two emulated processors: ratios say something, rates do not.  Exit 77 with a reason where
# it cannot be run.
set -u
out=$1
cd "$(dirname "$0")" || exit 1
. ./vm.sh
vm_have || exit
vm_kernel trixie-backports || exit
vm_initrd ./guest.sh "$out/quickstep" "$out/e2e/nicset" || exit 1
vm_boot 1500 iommu_platform=on,disable-legacy=on "part=rates rounds=${2:-5} seconds=${3:-2}"
tr -d '\r' <"$cache/log" | awk '$1 == "FACT" && $2 == "kernel" { print "KERNEL", $3 } $1 == "RATE" || ($1 == "FACT" && $2 == "end")'

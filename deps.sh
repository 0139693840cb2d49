#!/bin/sh
# deps.sh - the Debian packages quickstep needs, each with its reason.
#
#   deps.sh check   [GROUP...]   say what is missing; changes nothing; exit 1 if something is
#   deps.sh install [GROUP...]   install what is missing (needs root or sudo only then)
#   deps.sh list    [GROUP...]   the table below
#
# Groups: run test check bench vm.  No group means all of them but vm, which is large.
set -u

packages() {
    cat <<'TABLE'
run    gcc                    compiles quickstep
run    make                   drives the build
run    libc6-dev              headers of the C library
run    linux-libc-dev         kernel interfaces: AF_XDP, bpf, futex, landlock
run    libnuma-dev            binds workspaces to the NUMA node of their tile
run    libhwloc-dev           sees cores, SMT siblings, and the NIC's node
run    libcap-ng-dev          drops capabilities in every tile
run    libseccomp-dev         the system calls a tile may make, as a filter
run    libmnl-dev             netlink: the lab's namespaces and veth pairs, routes, neighbours
run    libbpf-dev             loads and attaches the XDP program, reads what is on an interface
run    libpcap-dev            reads capture files for dev --replay
run    libcurl4-openssl-dev   asks an RPC server for the leader schedule
run    libjansson-dev         reads leader schedules and stakes
run    libmicrohttpd-dev      the metric tile speaks HTTP with it
run    libncurses-dev         the monitor draws on the terminal with it
test   libcriterion-dev       unit test framework
test   libsodium-dev          oracle for hashes, chacha and ed25519
test   libssl-dev             oracle for hashes
test   procps                 test scripts look for left-over processes
test   util-linux             test scripts use flock, nsenter, setpriv, unshare
test   iproute2               test scripts look for left-over interfaces
test   python3                test scripts read the JSON that quickstep prints, and send datagrams
test   python3-cryptography   the independent reader of gossip verifies signatures with it
test   mount                  test scripts mount a tmpfs of their own
test   pkg-config             tells the example its flags, and the benches those of DPDK and ISA-L
test   binutils               nm and readelf in test scripts, objdump for the lint of indirect calls
test   tmux                   a test looks at the monitor's screen and presses its keys
test   patch                  applies the diff in the example's README
check  prometheus             promtool, which knows the rules of metrics and alerts, and a server to ask
check  clang                  second compiler; tsan and libFuzzer need it
check  libclang-rt-14-dev     the sanitizers' and libFuzzer's run-time
check  clang-format           the one authority on layout
check  spin                   model checker for the rings' and parking's ordering
check  gcc-aarch64-linux-gnu  aarch64 must at least compile
check  libc6-dev-arm64-cross  headers for that
check  valgrind               shows that signing is constant-time
check  groff-base             reads the man page and says what is wrong with it
check  tshark                 opens the captures that tap writes
bench  libdpdk-dev            peer: rte_ring
bench  librte-net-af-xdp23    its AF_XDP driver
bench  dpdk-dev               peer: testpmd, on veth
bench  libisal-dev            peer: Reed-Solomon
vm     qemu-system-x86       the guest of make test-zerocopy
vm     busybox-static        its user space
vm     cpio                  packs its initrd
vm     zstd                  unpacks its kernel
vm     xz-utils              ... and its modules
TABLE
}

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

select_groups() {
    [ $# -gt 0 ] || set -- run test check bench
    for g in "$@"; do
        case $g in
        run | test | check | bench | vm) packages | awk -v g="$g" '$1 == g' ;;
        *) echo "deps.sh: no group '$g' (run test check bench vm)" >&2 && exit 2 ;;
        esac
    done
}

# One dpkg-query for all: a fraction of a second when nothing is missing.
missing() {
    names=$(select_groups "$@" | awk '{print $2}') || exit 2
    [ -n "$names" ] || return 0
    # shellcheck disable=SC2086
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $names 2>/dev/null |
        awk '$1 == "installed" {print $2}')
    for n in $names; do
        echo "$have" | grep -qx "$n" || echo "$n"
    done
}

[ $# -ge 1 ] || usage
verb=$1
shift
case $verb in
list) select_groups "$@" ;;
check)
    lacking=$(missing "$@") || exit 2
    [ -n "$lacking" ] || exit 0
    echo "deps.sh: missing:" $lacking >&2
    exit 1
    ;;
install)
    lacking=$(missing "$@") || exit 2
    [ -n "$lacking" ] || exit 0
    command -v apt-get >/dev/null || {
        echo "deps.sh: no apt-get here; install by hand:" $lacking >&2
        exit 3
    }
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    echo "deps.sh: installing:" $lacking >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    $root apt-get install -y --no-install-recommends $lacking >/dev/null 2>&1 || {
        $root apt-get update >/dev/null && $root apt-get install -y --no-install-recommends $lacking >/dev/null
    } || {
        echo "deps.sh: apt-get could not install:" $lacking >&2
        exit 3
    }
    ;;
*) usage ;;
esac

#!/bin/bash
# test_hosts.sh OUT - Goal: a host that lacks something is named in a line, and nothing crashes or hangs:
# no privilege, no huge pages, no room in the tmpfs or none at all, read-only or hidden /sys, no NUMA,
# and containers whose seccomp profile refuses system calls.  Method: each case has mount and network
# namespaces of its own, in which the host is made to lack it; `run`, `dev` and `configure check` are
# started there.  Each must end by itself with one of the codes of its row, and say its words.
. "$(dirname "$0")/lib.sh"

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$@"; }
new_shm() { umount /dev/shm && mount -t tmpfs -o "$1" tmpfs /dev/shm; }
cover() { mount -t tmpfs tmpfs "$1"; }
all_calls=mbind,set_mempolicy,get_mempolicy,setns,unshare,bpf,pidfd_open,memfd_create,madvise

# name | how to make the host so | in front of the command | codes and words of run, dev, configure check
cases='
plain              |                           |                            | 0 . | 0 . | 0,3 .
nobody             |                           | nobody                     | 0 . | 0 steps down from level root | 3 configure init
no huge pages      | umount_huge               |                            | 0 no hugetlbfs of that page size | 0 . | 0,3 .
small tmpfs        | new_shm size=64k,mode=1777 |                           | 3 too little memory, or room in its tmpfs | 3 room in its tmpfs | 0,3 .
short tmpfs        | new_shm size=1m,mode=1777 |                            | 3 memory for net-0 .*room in its tmpfs | 3 memory for .*room in its tmpfs | 0,3 .
read-only tmpfs    | new_shm ro                |                            | 0 not visible to other commands | 1,3 there is no tmpfs that we may write to | 0,3 .
its nobody         | new_shm ro                | nobody                     | 0 not visible to other commands | 1,3 there is no tmpfs that we may write to | 0,3 .
small group        | small_group               |                            | 3 the workspaces need .* MiB, 0 MiB are available | 3 the workspaces need .* are available | 0,3 .
read-only sys      | mount -o bind,ro /sys /sys |                           | 0 . | 0 . | 0,3 .
hidden sys         | cover /sys                |                            | 0 . | 0 . | 3 a container hides it
no node directory  | no_node_directory         | refuse ENOSYS mbind,set_mempolicy,get_mempolicy | 0 . | 0 . | 0,3 .
hidden nodes       | cover /sys/devices/system/node | refuse ENOSYS mbind,set_mempolicy,get_mempolicy | 0 . | 0 . | 0,3 .
EPERM mbind        |                           | two_nodes refuse EPERM mbind   | 0 binding: Operation not permitted | 0 . | 0,3 .
ENOSYS mbind       |                           | two_nodes refuse ENOSYS mbind,get_mempolicy | 0 binding: Function not implemented | 0 . | 0,3 .
EPERM set_mempolicy |                          | two_nodes refuse EPERM set_mempolicy | 0 . | 0 . | 0,3 .
EPERM setns        |                           | refuse EPERM setns         | 0 . | 3 namespaces: Operation not permitted | 0,3 .
EPERM unshare      |                           | refuse EPERM unshare       | 0 . | 0 steps down from level user | 0,3 .
EPERM bpf          |                           | refuse EPERM bpf           | 0 . | 0 . | 0,3 .
EPERM pidfd_open   |                           | refuse EPERM pidfd_open    | 0 . | 0 . | 0,3 .
EPERM memfd_create |                           | refuse EPERM memfd_create  | 0 . | 0 . | 0,3 .
no place at all    | new_shm ro                | refuse EPERM memfd_create  | 3 memory for boot .*not permitted here | 3 memory for boot .*not permitted here | 0,3 .
EPERM affinity     |                           | refuse EPERM sched_setaffinity | 0 cannot have cpu | 0 cannot have cpu | 0,3 .
EPERM capset       |                           | refuse EPERM capset        | 0 without part of the sandbox: caps | 0 caps | 0,3 .
EPERM eventfd      |                           | refuse EPERM eventfd2      | 0,3 . | 0,3 . | 0,3 .
EPERM fallocate    |                           | refuse EPERM fallocate     | 3 memory for boot .*not permitted here | 3 not permitted here | 0,3 .
EPERM all          |                           | refuse EPERM ALL           | 0 . | 0 steps down from level user | 0,3 .
ENOSYS all         |                           | refuse ENOSYS ALL          | 0 . | 0 steps down from level user | 0,3 .
'

refuse() { "$out/e2e/refuse" "$1" "${2/ALL/$all_calls}" "${@:3}"; }
two_nodes() { HWLOC_SYNTHETIC="node:2 core:$(nproc --all) pu:1" "$@"; }
small_group() { # a control group that may take 900 KiB and has 800, of which files are 300; both versions
    local group
    cover /sys/fs || return 1
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
    mkdir -p "$group" && echo 921600 >"$group/memory.max" && echo 819200 >"$group/memory.current" &&
        printf 'anon 1\ninactive_file 204800\nactive_file 102400\n' >"$group/memory.stat" || return 1
    # Where a process has no group of version 2, that of version 1 counts.
    grep -q ^0:: /proc/self/cgroup && return
    group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
    mkdir -p "$group" && echo 921600 >"$group/memory.limit_in_bytes" && echo 819200 >"$group/memory.usage_in_bytes"
}
umount_huge() { umount "$tmp/huge" || true; }
no_node_directory() { # a kernel without NUMA has everything of /sys/devices/system but that
    mkdir "$dir/system" && mount --bind /sys/devices/system "$dir/system" && cover /sys/devices/system &&
        mkdir /sys/devices/system/cpu && mount --bind "$dir/system/cpu" /sys/devices/system/cpu
}

# expect COMMAND "CODES WORDS" CODE FILE
expect() {
    local codes=${2%% *} words=${2#* }
    [[ ,$codes, == *,$3,* ]] || fail "$name: $1: exit code $3, not $codes: $(cat "$4")"
    grep -qE "$words" "$4" || fail "$name: $1: no '$words' in: $(cat "$4")"
}

# one_case NUMBER: in namespaces of its own.
one_case() {
    local name setup front run dev check codes=(0 0 0)
    IFS='|' read -r name setup front run dev check < <(sed '/^$/d; s/ *| */|/g; s/ *$//' <<<"$cases" | sed -n "$1p")
    dir=$tmp/case$1
    mkdir "$dir" && ip link set lo up || fail "$name: no place"
    chmod 1777 "$dir"
    cp "$bin" "$dir/quickstep"
    bin=$dir/quickstep
    if [ -n "$setup" ]; then $setup || fail "$name: it cannot be played"; fi
    # shellcheck disable=SC2086
    {
        $front timeout -k 2 20 "$bin" run --seconds 1 --instance "run$1" --set net.bind_address=127.0.0.1 --set layout.idle=park >"$dir/run" 2>&1 &
        $front timeout -k 2 20 "$bin" dev --seconds 1 --rate 1000 >"$dir/dev" 2>&1 &
        $front timeout -k 2 20 "$bin" configure check >"$dir/check" 2>&1
    }
    codes[2]=$?
    wait %1
    codes[0]=$?
    wait %2
    codes[1]=$?
    expect run "$run" "${codes[0]}" "$dir/run"
    expect dev "$dev" "${codes[1]}" "$dir/dev"
    expect "configure check" "$check" "${codes[2]}" "$dir/check"
    ! grep -hE 'AddressSanitizer|ssertion|killed by signal' "$dir"/{run,dev,check} || fail "$name"
}

if [ -n "${HOST_CASE:-}" ]; then
    set -m
    one_case "$HOST_CASE"
    exit 0
fi
[ -x "$out/e2e/refuse" ] || fail "$out/e2e/refuse is not built"
"$out/e2e/refuse" EPERM bpf true || { say "skipped: no seccomp filter can be had here" && exit 77; }

cnt=$(sed '/^$/d' <<<"$cases" | wc -l)
chmod 755 "$tmp"
seq "$cnt" | E2E_INSIDE=$E2E_INSIDE E2E_TMP=$tmp xargs -P 8 -I % sh -c \
    'HOST_CASE=% unshare --mount --net --propagation private "$0" "$1" >"$2/said-%" 2>&1 || touch "$2/bad-%"' "$0" "$1" "$tmp"
for n in $(seq "$cnt"); do
    [ ! -e "$tmp/bad-$n" ] || { cat "$tmp/said-$n"; bad=1; }
done
[ -z "${bad:-}" ] || exit 1
no_tiles || fail "tiles are left: $(tiles)"

# Read-only /sys and /proc/sys are named by configure init, which changes nothing.
(
    mount -o bind,ro /sys /sys && mount -o bind,ro /proc/sys /proc/sys || exit 1
    for stage in hugetlbfs sysctl; do
        "$bin" configure init $stage --set hugetlbfs.mount_path="$tmp/mnt" --set configure.journal_path="$tmp/journal" \
            --set net.tiles=16 --set net.socket_rcvbuf_bytes=$((1 << 30)) >"$tmp/log" 2>&1
        [ $? = 3 ] && grep -q "cannot be changed: Read-only file system .QS-CNF-003" "$tmp/log" || exit 1
    done
) || fail "init beside a read-only /sys: $(cat "$tmp/log")"
umount /sys /proc/sys

# Without pidfd_open a tile that dies is seen nevertheless, and started again.
"$out/e2e/refuse" EPERM pidfd_open,memfd_create "$bin" run --instance blind --set net.bind_address=127.0.0.1 >"$tmp/log" 2>&1 &
blind=$!
within 10 grep -q QS-RUN-001 "$tmp/log" || fail "no start: $(cat "$tmp/log")"
victim=$(tile_pid sink)
kill -KILL "$victim"
restarted() { [ -n "$(tile_pid sink)" ] && [ "$(tile_pid sink)" != "$victim" ]; }
within 5 restarted || fail "a tile that died was not started again: $(cat "$tmp/log")"
kill -TERM $blind
wait $blind || fail "exit code $?: $(cat "$tmp/log")"
say "$cnt hosts that lack something: each named, none a crash"

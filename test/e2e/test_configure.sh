#!/bin/bash
# alone: sets the host's huge pages
# test_configure.sh OUT - Goal: on a real kernel, configure sets up huge pages that an instance of
# another user then gets, and undo gives the host back to the byte.  Method: as root in a mount
# namespace of our own; kernel values and the mount table are compared before and after.
set -u
out=$(realpath "$1")
if [ -z "${QS_INNER:-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "needs root" && exit 77; }
    [ -w /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages ] ||
        { echo "no 2 MiB pages to set here" && exit 77; }
    unshare -m --propagation private true 2>/dev/null || { echo "no mount namespaces" && exit 77; }
    QS_INNER=1 exec unshare -m --propagation private "$0" "$out"
fi
export QUICKSTEP_NET_IFACE=none0 # no stage may touch the machine's own interface

dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
mount -t tmpfs none /dev/shm && mount -t tmpfs none /run || exit 1
cp "$out/quickstep" "$dir/quickstep"
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
rmem=/proc/sys/net/core/rmem_max
pages_before=$(cat $pool) rmem_before=$(cat $rmem) supervisor=
# What undo failed to restore is restored here, whatever happened.
restore() {
    [ -z "$supervisor" ] || { kill "$supervisor" && wait "$supervisor"; } 2>/dev/null
    quiet undo
    [ "$(cat $rmem)" = "$rmem_before" ] || echo "$rmem_before" >$rmem
    [ "$(cat $pool)" = "$pages_before" ] || echo "$pages_before" >$pool
    rm -rf "$dir"
}
trap restore EXIT
fail() {
    echo "FAIL: $*"
    exit 1
}
settings=(--topology listen --set net.tiles=3 --set "configure.journal_path=$dir/state/journal"
    --set net.socket_rcvbuf_bytes=$((2 * rmem_before)))
cfg() { "$dir/quickstep" configure "$@" "${settings[@]}"; }
quiet() { cfg "$@" >/dev/null 2>&1; }
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ "$@"; }
host() { # every value that configure could touch, and more
    grep -s . /proc/sys/net/core/* /proc/sys/kernel/numa_balancing
    for f in /proc/sys/vm/*; do
        case $f in */compact_memory | */drop_caches | */stat_refresh) ;; *) echo "$f $(cat "$f" 2>/dev/null)" ;; esac
    done
    grep . /sys/kernel/mm/hugepages/*/nr_* /sys/devices/system/node/node*/hugepages/*/nr_*
    cat /proc/mounts
    find /run -printf '%p %m %u %g\n' | sort
}
host >"$dir/before"
same() { host | diff "$dir/before" - || fail "$1: the host is not as before"; }

# A dry run shows the commands and does nothing; check needs no root and does nothing.
cfg init --dry-run >"$dir/dry" || fail "dry run"
grep -q "^RUN: echo $((pages_before + 20)) > $pool\$" "$dir/dry" || fail "dry run: $(cat "$dir/dry")"
same "dry run"
nobody "$dir/quickstep" configure check --json "${settings[@]}" >"$dir/check" 2>&1
[ $? = 3 ] || fail "check by nobody: $(cat "$dir/check")"
python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))
assert not d["ok"] and any(a["kind"] == "pool" and a["outcome"] == "missing" for a in d["actions"])' \
    "$dir/check" || fail "check --json"
nobody "$dir/quickstep" configure init "${settings[@]}" >"$dir/said" 2>&1
[ $? = 3 ] && grep -q QS-CNF-00 "$dir/said" || fail "init by nobody: $(cat "$dir/said")"
same "without root"

# The commands of the dry run are the ones of the run, which does them.
settings+=(--set hugetlbfs.user=nobody)
cfg init --dry-run >"$dir/dry" || fail "dry run"
cfg init >"$dir/init" 2>&1 || fail "init: $(cat "$dir/init")"
diff <(grep ^RUN "$dir/dry") <(grep ^RUN "$dir/init") || fail "the dry run showed something else"
[ "$(cat $pool)" = $((pages_before + 20)) ] || fail "$(cat $pool) pages"
[ "$(cat $rmem)" = $((2 * rmem_before)) ] || fail "rmem_max $(cat $rmem)"
nobody "$dir/quickstep" configure check "${settings[@]}" >"$dir/said" 2>&1 || fail "check: $(cat "$dir/said")"

# Where hwloc is told of two nodes, both of our cpus on the first, that node's pool is asked, and put back.
node_pool=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
if [ -w $node_pool ]; then
    cfg undo >/dev/null 2>&1 || fail "undo before two nodes"
    export HWLOC_SYNTHETIC="node:2 core:$(nproc --all) pu:1"
    cfg init >"$dir/said" 2>&1 || fail "init on two nodes: $(cat "$dir/said")"
    grep -q "^RUN: echo [0-9]* > $node_pool\$" "$dir/said" || fail "node 0 was not asked: $(cat "$dir/said")"
    quiet check || fail "check on two nodes"
    cfg undo >"$dir/said" 2>&1 || fail "undo on two nodes: $(cat "$dir/said")"
    unset HWLOC_SYNTHETIC
    same "undo of a node's pool"
    quiet init || fail "init after two nodes"
fi

# Those pages are for whoever was named: his instance gets them, and keeps undo from taking them.
unshare -n setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/quickstep" run --instance e2e \
    --topology listen --set net.tiles=3 --set net.provider=socket --set net.bind_address=127.0.0.1 >"$dir/log" 2>&1 &
supervisor=$!
if nobody "$dir/quickstep" ready --instance e2e --timeout 10 2>/dev/null; then
    nobody "$dir/quickstep" mem --instance e2e --json >"$dir/mem" || fail "mem"
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1]))
assert [w["page_bytes"] for w in d["workspaces"] if w["name"].startswith("net-")] == [2 << 20] * 3, d' \
        "$dir/mem" || fail "the instance did not get huge pages: $(cat "$dir/log")"
    quiet check || fail "check beside the instance that holds the pages"
    cfg undo >"$dir/said" 2>&1
    [ $? = 1 ] && grep -q QS-CNF-006 "$dir/said" || fail "undo in use: $(cat "$dir/said")"
    quiet init || fail "init after half an undo"
else
    echo "skipped: no instance of nobody here: $(tail -n 1 "$dir/log")"
fi
kill "$supervisor" && wait "$supervisor"
supervisor=
cfg undo >"$dir/said" 2>&1 || fail "undo: $(cat "$dir/said")"
same undo
[ "$(cfg undo)" = "nothing to undo" ] || fail "second undo"

# What somebody else changed in between stays, and is said.
quiet init || fail "init again"
echo $((3 * rmem_before)) >$rmem
cfg undo >"$dir/said" 2>&1 || fail "undo: $(cat "$dir/said")"
[ "$(cat $rmem)" = $((3 * rmem_before)) ] || fail "it did not leave what others changed"
grep -q "^left *$rmem: $((3 * rmem_before)); before configure it was $rmem_before" "$dir/said" ||
    fail "it did not say so: $(cat "$dir/said")"
echo "$rmem_before" >$rmem
same "undo beside others"
echo "configure: pages, mount and limits set up, used by another user, and undone to the byte"

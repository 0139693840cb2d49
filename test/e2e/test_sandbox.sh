#!/bin/bash
# test_sandbox.sh OUT - Goal: whoever takes over a tile of a leader or a follower can open, connect, start,
# trace, signal and execute nothing, set no clock, and write no other tile's memory; each try ends the
# tile, is told by name, and the node goes on.  ps shows every tile's sandbox, and what is switched
# off is said.  Method: quickstep_fault lets every tile try one thing at its first start.
. "$(dirname "$0")/lib.sh"

fault=$out/e2e/quickstep_fault
[ -x "$fault" ] || fail "$fault is not built"
attacks='open:openat connect:connect fork:clone exec:execve ptrace:ptrace kill:kill mmap_exec:mmap
clock_settime:clock_settime write:'
leader='net netlink sign gossvf gossip verify dedup poh shred store metric'
follower='net netlink sign gossvf gossip shred store metric'

# node TOPOLOGY ARGUMENT...: in a network of its own, where lo is up.  Little memory: it is not what is
# looked at, and touching it takes longer than all else.
cat >"$tmp/node" <<'S'
#!/bin/sh
ip link set lo up
topology=$1 name=$2 program=$3
shift 3
exec "$program" "$@" run --topology "$topology" --instance "$name" --set net.provider=socket \
    --set net.bind_address=127.0.0.1 --set gossip.verify_tiles=1 --set shred.version=1 --set metric.enabled=true \
    --set gossip.values=1024 --set gossip.large_values=64 --set gossip.origins=64 --set gossip.history=64 \
    --set gossip.pings=64 --set gossip.verified_values=1024 --set dedup.tag_depth=1024 --set verify.tag_depth=1024 \
    --set shred.buffers=64 --set store.sets=16 --set store.slots=8 --set feed.records=0 --set net.rx_depth=64 $MORE
S
chmod +x "$tmp/node"
export MORE

# attacked TOPOLOGY ATTACK: the log of a node that was attacked from within, until all its tiles ran.
attacked() {
    local log=$tmp/$1-$2 name=$1-$2 node
    unshare -n "$tmp/node" "$1" "$name" "$fault" --fault "sandbox.$2" >"$log" 2>&1 &
    node=$!
    within 20 grep -q QS-RUN-001 "$log" || echo "the node does not go on" >>"$log"
    kill -INT $node
    wait $node || echo "the node ended with $?" >>"$log"
}

# told TOPOLOGY ATTACK CALL TILE...: each tile of it was denied that, once, and nobody anything else.
told() {
    local log=$tmp/$1-$2 what="made the system call $3 "
    [ -n "$3" ] || what="wrote to the workspace of "
    ! grep -q "was not denied\|does not go on\|node ended" "$log" || fail "$1, $2: $(cat "$log")"
    for tile in "${@:4}"; do
        [ "$(grep -c "tile $tile $what" "$log")" = 1 ] || fail "$1: tile $tile and $2: $(cat "$log")"
    done
    [ "$(grep -c QS-TIL-00[45] "$log")" = $(($# - 3)) ] || fail "$1, $2: $(cat "$log")"
}

for attack in $attacks; do
    attacked leader "${attack%:*}" &
    attacked follower "${attack%:*}" &
    wait
    # shellcheck disable=SC2086
    told leader "${attack%:*}" "${attack#*:}" $leader
    # shellcheck disable=SC2086
    told follower "${attack%:*}" "${attack#*:}" $follower
done
no_tiles || fail "tiles are left: $(tiles)"
for pair in net:shred netlink:net sign:shred gossvf:gossip gossip:shred verify:dedup dedup:poh poh:store shred:store store:shred metric:store; do
    grep -q "tile ${pair%:*} wrote to the workspace of ${pair#*:}, " "$tmp/leader-write" || # the last that it is joined with
        fail "${pair%:*} wrote to ${pair#*:}'s: $(grep QS-TIL-005 "$tmp/leader-write")"
done

# A tile that finds itself broken can still say so.
attacked follower abort
for tile in $follower; do
    [ "$(grep -c "QS-GRP-001 $tile (pid [0-9]*) found itself broken and aborted" "$tmp/follower-abort")" = 1 ] ||
        fail "$tile aborted: $(cat "$tmp/follower-abort")"
done
grep -q "QS-TIL-00[45]\|does not go on\|node ended" "$tmp/follower-abort" && fail "to abort is denied: $(cat "$tmp/follower-abort")"

# What ps says of a node that nobody attacks, and what the kernel says of its tiles.
unshare -n "$tmp/node" leader quiet "$bin" >"$tmp/log" 2>&1 &
node=$!
"$bin" ready --instance quiet --timeout 20 >"$tmp/ready" || fail "no start: $(cat "$tmp/log")"
"$bin" ps --json >"$tmp/ps" && "$bin" ps >"$tmp/ps.txt" || fail "ps"
grep QS-TIL-002 "$tmp/log" && say "this host refuses that"
refused=$(sed -n 's/.*without part of the sandbox: //p' "$tmp/log" | sort -u)
if unshare --mount --net --ipc --uts --pid --fork true; then # then so can tiles
    for space in mount net ipc uts pid; do
        [[ ", $refused, " = *", $space, "* ]] && fail "$space is to be had here, and tiles lack it"
    done
fi
python3 - "$tmp/ps" "$refused" <<'P' || fail "ps: $(cat "$tmp/ps")"
import json, sys
tiles = [i for i in json.load(open(sys.argv[1]))["instances"] if i["instance"] == "quiet"][0]["sandbox"]
assert len(tiles) == 11, tiles
lacks = [x for x in sys.argv[2].split(", ") if x]
assert all(t["lacks"] == lacks and {"seccomp", "limits", "fds", "caps"} <= set(t["has"]) for t in tiles), tiles
P
grep -q "  sandbox .*: net netlink sign gossvf gossip verify dedup poh shred store metric$" "$tmp/ps.txt" || fail "$(cat "$tmp/ps.txt")"
while read -r pid name; do
    grep -q "^Seccomp:.2$" "/proc/$pid/status" && grep -q "^CapBnd:.0*$" "/proc/$pid/status" || fail "$name: $(cat "/proc/$pid/status")"
    [ "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" | sort -u)" = /dev/null ] || fail "$name has somebody's terminal"
    [ -n "$refused" ] || [ -z "$(ls -A "/proc/$pid/root/")" ] || fail "$name sees files"
    [ -n "$refused" ] || [ "$(wc -l <"/proc/$pid/net/dev")" = 3 ] || fail "$name sees a network"
done < <(tiles)
kill -INT $node && wait $node || fail "the end: $(cat "$tmp/log")"

# Less of it is said loudly.
for level in basic:small off:OFF; do
    MORE="--set sandbox.level=${level%:*} --seconds 1" unshare -n "$tmp/node" follower small "$bin" >"$tmp/log" 2>&1 ||
        fail "$level: $(cat "$tmp/log")"
    grep -iq "warning.*QS-GRP-007.*sandbox is ${level#*:}" "$tmp/log" || fail "$level is not said: $(cat "$tmp/log")"
done
say "every tile of a leader and a follower was denied all that it tried, and said so"

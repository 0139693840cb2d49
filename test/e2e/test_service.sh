#!/bin/bash
# test_service.sh OUT - Goal: as a service the node runs without root, tells its manager the truth, and
# its log can be rotated; what it warned of can be read, also when it is dead; its tiles are as locked in as
# elsewhere.  Method: systemd's tools look at the units; a user with exactly the unit's capabilities, and
# in the end its system calls, runs the node on a veth pair, receives by XDP, and speaks to a manager that
# is a socket of ours.
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
name=service-$$

if command -v systemd-analyze >/dev/null; then
    mkdir "$tmp/units"
    for unit in quickstep quickstep-setup; do # with a program that is there
        sed "s,/usr/bin/quickstep,$bin,; /^Documentation/d" "$root/config/$unit.service" >"$tmp/units/$unit.service"
    done
    systemd-analyze verify "$tmp/units/"*.service >"$tmp/out" 2>&1 || fail "verify: $(cat "$tmp/out")"
    [ -s "$tmp/out" ] && fail "verify warns: $(cat "$tmp/out")"
    if systemd-analyze security --help 2>/dev/null | grep -q offline; then
        systemd-analyze security --offline=true --threshold=35 "$tmp/units/quickstep.service" >"$tmp/out" 2>&1 ||
            fail "security: $(tail -n 1 "$tmp/out")"
        tail -n 1 "$tmp/out"
    fi
else
    say "systemd-analyze is not there: skipped: the check of the units"
fi
grep -q '^RestrictAddressFamilies=.*AF_XDP' "$root/config/quickstep.service" || fail "AF_XDP is not allowed"

[ "$E2E_INSIDE" = root ] || { echo "skipped: only root can become a user with capabilities"; exit 77; }
caps=$(sed -n 's/^AmbientCapabilities=//p' "$root/config/quickstep.service" | tr 'A-Z' 'a-z' | sed 's/cap_/+/g; s/ /,/g')
chmod 711 "$tmp"
install -m 755 "$bin" "$tmp/quickstep"
mkdir "$tmp/var" && chown 65534:65534 "$tmp/var"
log=$tmp/var/quickstep.log
as_user() {
    exec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set="-all,$caps" --inh-caps="-all,$caps" \
        --ambient-caps="$caps" "$@"
}
service() { as_user "$tmp/quickstep" "$@"; }
as_service() { (service "$@"); }

# allowed UNIT: the system calls that its filter lets through.
allowed() {
    python3 - "$1" <<'PY'
import re, subprocess, sys
def members(name):
    if name[0] != "@": return {name}
    out = subprocess.run(["systemd-analyze", "syscall-filter", name], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {c for line in out.splitlines()[1:] if (w := line.strip()) and w[0] != "#" for c in members(w)}
allow = set()
for line in open(sys.argv[1]):
    if m := re.match("SystemCallFilter=(~?)(.*)", line):
        calls = {c for w in m[2].split() for c in members(w)}
        allow = allow - calls if m[1] else allow | calls
print(",".join(sorted(allow)))
PY
}

# The manager, and a host at the other end of a cable.
python3 - "$tmp/var/notify" "$tmp/notified" <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
with open(sys.argv[2], "w") as f:
    while True:
        f.write(s.recv(4096).decode() + "\n")
        f.flush()
PY
unshare --net sleep 1000 &
other=$!
within 5 test -S "$tmp/var/notify" || fail "no socket"
away() { [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
within 5 away || fail "no second network"
ip link add qs0 type veth peer name qs1 && ip link set qs1 netns $other || fail "no veth pair"
ip addr add 10.91.0.1/24 dev qs0 && ip link set qs0 up
nsenter -t $other -n sh -c 'ip addr add 10.91.0.2/24 dev qs1 && ip link set qs1 up'

NOTIFY_SOCKET=$tmp/var/notify WATCHDOG_USEC=1000000 service run --topology listen --instance "$name" \
    --set net.iface=qs0 --set net.provider=xdp --set log.path="$log" --set log.format=logfmt 2>"$tmp/err" &
run=$!
told() { grep -q "^$1" "$tmp/notified"; }
within 15 told READY=1 || fail "no READY: $(cat "$tmp/err" "$log" "$tmp/notified")"
within 5 told "STATUS=listen: 4 of 4 tiles run" || fail "no STATUS: $(cat "$tmp/notified")"
grep -q '^time=[^ ]* level=notice tile=main id=QS-RUN-001 msg="listen: 4 tiles run' "$log" || fail "no logfmt: $(cat "$log")"
[ -s "$tmp/err" ] && fail "said past the log: $(cat "$tmp/err")"
[ "$(stat -c %a "$log")" = 640 ] || fail "the log has mode $(stat -c %a "$log")"

# Exactly those capabilities, and none in a tile.
of() { awk -v k="$2:" '$1 == k { print $2 }' "/proc/$1/status"; }
[ "$(of $run Uid)" = 65534 ] || fail "it is not a plain user"
[ "$(python3 -c 'import sys; print(bin(int(sys.argv[1], 16)).count("1"))' "$(of $run CapEff)")" = 5 ] ||
    fail "capabilities $(of $run CapEff), not five"
for tile in $(tiles | awk '{ print $1 }'); do
    [ "$(of "$tile" CapEff)$(of "$tile" CapAmb)" = 00000000000000000000000000000000 ] || fail "tile $tile keeps capabilities"
done
tr '\0' '\n' <"/proc/$(tile_pid net)/environ" | grep -q NOTIFY_SOCKET && fail "tiles can speak for the node"

# The main job: what comes, comes by XDP.
nsenter -t $other -n python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(200): s.sendto(b"x" * 200, ("10.91.0.1", 9001)); time.sleep(0.002)'
metric() { as_service metrics --instance "$name" | awk -v n="quickstep_$1" 'index($0, n "{") == 1 { s += $NF } END { print s + 0 }'; }
came() { [ "$(metric net_rx_datagram_total)" = 200 ]; }
within 5 came || fail "200 were sent, $(metric net_rx_datagram_total) came: $(cat "$log")"
[ "$(metric net_rx_xdp_total)" -ge 150 ] || fail "only $(metric net_rx_xdp_total) came by XDP"

# The watchdog is fed as long as all tiles turn.
fed() { grep -c '^WATCHDOG=1' "$tmp/notified"; }
more() { [ "$(fed)" -ge $(($1 + 2)) ]; }
within 10 more 0 || fail "the watchdog is not fed"
kill -STOP "$(tile_pid sink)"
sleep 3
before=$(fed)
sleep 3
[ "$(fed)" = "$before" ] || fail "a tile stands still, and the watchdog is fed"
kill -CONT "$(tile_pid sink)"
within 10 more "$before" || fail "it turns again, and the watchdog starves"

# Rotation: what is said after SIGHUP goes to a new file.
mv "$log" "$log.1"
kill -HUP $run
within 5 grep -q QS-RUN-006 "$log" || fail "no new log after SIGHUP: $(ls "$tmp/var")"
kill -KILL "$(tile_pid sink)"
within 5 grep -q QS-GRP-001 "$log" || fail "a death is not in the new log: $(cat "$log")"
grep -q QS-GRP-001 "$log.1" && fail "the old log goes on"

# What was warned of, alive and dead.
kill -KILL "$(tile_pid metric)"
warned() {
    as_service errors --instance "$name" --json >"$tmp/errors" &&
        [ "$(value "$tmp/errors" "[(e['tile'], e['level'], e['count'], e['first_ns'] < e['last_ns'], 'killed by signal 9' in e['text'])
            for e in j['errors'] if e['id'] == 'QS-GRP-001']")" = "[('main', 'warning', 2, True, True)]" ]
}
within 5 warned || fail "two deaths: $(cat "$tmp/errors")"
ready() { as_service ready --instance "$name" --timeout 5 2>/dev/null; }
ready || fail "the tiles do not come back"
kill -TERM $run
wait $run || fail "it ended with $?: $(cat "$log")"
told STOPPING=1 || fail "no STOPPING: $(tail -n 3 "$tmp/notified")"
warned || fail "nothing can be read of a dead instance: $(cat "$tmp/errors")"
as_service errors --instance "$name" | grep -q 'QS-GRP-001 *warning *2 times' || fail "errors: for people"

# What a writer that was taken over left there is shown, and not obeyed by the terminal.
python3 - /dev/shm/quickstep-65534/"$name"/boot.wksp <<'PY' || fail "the warning is not in the workspace"
import mmap, sys
with open(sys.argv[1], "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    at = m.find(b"QS-GRP-001\0") # of a row of 240 bytes; before the first stands how many had no room
    first = at
    while m[first - 240:first - 237] == b"QS-": first -= 240
    m[first - 40:first - 32] = (7).to_bytes(8, "little")
    m[at:at + 15] = b"\33[31m\33]0;x\7\xff\r\n!"
PY
as_service errors --instance "$name" | grep -q '^and 7 of other kinds$' || fail "what had no room is not told of"
[ "$(as_service errors --instance "$name" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["more"])')" = 7 ] || fail "nor in JSON"
for show in errors "monitor --once --view errors"; do
    # shellcheck disable=SC2086
    as_service $show --instance "$name" >"$tmp/shown" || fail "$show"
    grep -q '31m' "$tmp/shown" || fail "$show leaves it out: $(cat "$tmp/shown")"
    LC_ALL=C tr -d '\n -~' <"$tmp/shown" | grep -q . && fail "$show passes it on: $(cat -v "$tmp/shown")"
done

# A tile that dies again and again is not counted as running.
NOTIFY_SOCKET=$tmp/var/notify service run --topology listen --instance "$name" --set net.provider=socket 2>"$tmp/err" &
run=$!
ready || fail "no start: $(cat "$tmp/err")"
fewer() { kill -KILL "$(tile_pid sink)" 2>/dev/null; told "STATUS=listen: 3 of 4 tiles run"; }
within 40 fewer || fail "a tile is dead, and the manager hears: $(tail -n 3 "$tmp/notified")"
kill -TERM $run
wait $run || fail "it ended with $?: $(cat "$tmp/err")"

# A manager that is not there is said, and no reason to stop; a log that cannot be is one.
NOTIFY_SOCKET=$tmp/nobody as_service run --topology listen --instance "$name" --seconds 1 --set net.provider=socket \
    2>"$tmp/err" || fail "no manager: $(cat "$tmp/err")"
grep -q QS-RUN-008 "$tmp/err" || fail "a manager that is not there is not said: $(cat "$tmp/err")"
as_service run --topology listen --instance "$name" --seconds 1 --set log.path="$tmp/no/such" 2>"$tmp/err"
[ $? = 3 ] && grep -q QS-RUN-007 "$tmp/err" || fail "a log that cannot be: $(cat "$tmp/err")"

# With the unit's system calls alone, its tiles lack nothing that they have without that filter.
lacks() { as_service ps --json >"$tmp/ps" && value "$tmp/ps" "sorted({x for i in j['instances'] if i['instance'] == '$name'
    for t in i['sandbox'] for x in t['lacks']}) if [i for i in j['instances'] if i['instance'] == '$name'] else 'nothing runs'"; }
locked_in() { # COMMAND...: what its tiles lack, in $lacked
    "$@" "$tmp/quickstep" run --topology follower --instance "$name" --set net.iface=qs0 --set net.provider=xdp --set shred.version=1 \
        >"$tmp/err" 2>&1 &
    run=$!
    ready || fail "$1: $(cat "$tmp/err")"
    lacked=$(lacks)
    kill -TERM $run
    wait $run || fail "$1: it ended with $?: $(cat "$tmp/err")"
}
if command -v systemd-analyze >/dev/null; then
    install -m 755 "$out/e2e/refuse" "$tmp/refuse"
    locked_in as_user
    free=$lacked
    locked_in as_user "$tmp/refuse" EPERM "=$(allowed "$root/config/quickstep.service")"
    [ "$lacked" = "$free" ] || fail "the unit's filter takes from the sandbox: without $lacked, not $free"
fi

# The main job as that user: transactions into blocks, in a lab; and what the unit runs, with a real leader's blocks.
(cd "$tmp/var" && HOME=$tmp/var as_service dev --seconds 3 --json) >"$tmp/dev" 2>"$tmp/err" || fail "dev: $(cat "$tmp/err" "$tmp/dev")"
[ "$(value "$tmp/dev" "j['ok'] and j['txns']['delivered'] > 1000 and j['txns']['lost'] == 0 and j['blocks']['complete'] > 3")" = true ] ||
    fail "dev: $(cat "$tmp/dev")"
vectors=${QS_VECTORS:-$root/../shared/vectors}/live-leader
if [ -r "$vectors/boot.pcap" ]; then
    mkdir "$tmp/follow" && cp "$vectors/genesis.bin" "$tmp/follow/" && chmod 755 "$tmp/follow"
    python3 -c 'import json
json.dump({"66TR694VSBY6NtY7YK4mFwWePL3EAEdspA7szEYLYdEr": list(range(400))}, open("'"$tmp"'/follow/schedule.json", "w"))'
    chmod 644 "$tmp/follow/"*
    service run --topology follower --instance "$name" --set net.iface=qs0 --set net.provider=xdp --set log.path="$log" \
        --set gossip.private_addresses=true --set gossip.genesis="$tmp/follow/genesis.bin" \
        --set shred.leader_schedule="$tmp/follow/schedule.json" --set store.genesis="$tmp/follow/genesis.bin" \
        --set store.dir="$tmp/var/store" --set store.segment_bytes=1048576 --set store.window_bytes=8388608 \
        --set store.hashes_per_tick=4000 2>"$tmp/err" &
    run=$!
    ready || fail "the follower: $(cat "$tmp/err" "$log")"
    nsenter -t $other -n "$bin" run --topology replay --instance "$name-r" --set net.iface=qs1 --set net.provider=socket \
        --set load.target=10.91.0.1 --set replay.path="$vectors/boot.pcap" --set replay.port=8003 \
        >"$tmp/replay" 2>&1 &
    replay=$!
    eight() { [ "$(as_service slots --dir "$tmp/var/store" 2>/dev/null | grep -c ' complete ')" = 8 ]; }
    within 20 eight || fail "eight blocks: $(as_service slots --dir "$tmp/var/store"; cat "$tmp/err" "$log" "$tmp/replay")"
    [ "$(metric net_rx_xdp_total)" -gt 500 ] || fail "blocks did not come by XDP"
    kill -TERM $run $replay
    wait $run || fail "the follower ended with $?: $(cat "$tmp/err" "$log")"
    wait $replay
else
    say "skipped: vectors/live-leader is not here: the follower's blocks"
fi
no_tiles || fail "tiles are left over: $(tiles)"

#!/bin/bash
# alone: counts what is lost
# test_dev.sh OUT - the lab: every datagram is received or counted, whatever is killed; captures are
# replayed to their ports; each level of privilege works; nothing is left behind.
. "$(dirname "$0")/lib.sh"
vectors=${QS_VECTORS:-$(dirname "$0")/../../../shared/vectors}
before=$(links)

# dev NAME ARGUMENT...: runs the lab to its end; its JSON is $tmp/NAME, its exit code $code.
dev() {
    local name=$1
    shift
    [[ " $* " == *" --replay "* || " $* " == *" --rate "* ]] || set -- --rate 10000 "$@"
    "$bin" dev --json "$@" >"$tmp/$name" 2>"$tmp/$name.log"
    code=$?
}
# holds NAME EXPRESSION: of the JSON in $tmp/NAME.
holds() {
    [ "$(value "$tmp/$1" "$2" 2>&1)" = true ] ||
        fail "$1: not $2: $(cat "$tmp/$1" "$tmp/$1.log")"
}
nothing_left() {
    within 2 no_tiles || fail "$1 left tiles: $(tiles)"
    within 2 one_space || fail "$1 left a namespace"
    [ "$(links)" = "$before" ] || fail "$1 changed the links here: $(ip -o link)"
}
one_space() { [ "$(spaces)" = 1 ]; }

# make_pcap FILE: Ethernet, 3 UDP datagrams to each of ports 9001, 8003 and 7777 in 0.4 s, and things
# that a replay must leave alone.
make_pcap() { python3 - "$1" <<'PY'
import struct, sys
def udp(port, payload):
    u = struct.pack('>HHHH', 5000, port, 8 + len(payload), 0) + payload
    ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(u), 0, 0, 64, 17, 0, b'\x0a\0\0\1', b'\x0a\0\0\2')
    return b'\2' * 12 + b'\x08\0' + ip + u
frames = []
for i in range(3):
    for port in (9001, 8003, 7777):
        frames.append((i * 200000, udp(port, bytes([i]) * (100 + 300 * i))))
    frames.append((i * 200000, b'\2' * 12 + b'\x08\6' + b'\0' * 28))
with open(sys.argv[1], 'wb') as f:
    f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for us, b in frames:
        f.write(struct.pack('<IIII', 1000 + us // 1000000, us % 1000000, len(b), len(b)) + b)
PY
}

# kill_during NAME TILE...: a lab of some seconds, of which these tiles are killed one by one.
kill_during() {
    local name=$1 lab victim pid
    shift
    "$bin" dev --json --rate 10000 --seconds 3 >"$tmp/$name" 2>"$tmp/$name.log" &
    lab=$!
    within 10 [ -s "$tmp/$name.log" ]
    for victim in "$@"; do
        sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
        pid=$(tile_pid "${victim%:*}" "${victim#*:}")
        [ -n "$pid" ] && kill -9 "$pid"
    done
    wait $lab
    code=$?
    [ $code = 0 ] || fail "$name: exit code $code: $(cat "$tmp/$name" "$tmp/$name.log")"
    holds $name "j['ok'] and j['sent'] - j['received'] <= sum(j['counted'].values())"
    grep -q 'was killed by signal 9' "$tmp/$name.log" || fail "$name: no death was told"
    say "$name: $(cat "$tmp/$name")"
}

dev plain --seconds 2
[ $code = 0 ] || fail "plain: exit code $code: $(cat "$tmp/plain.log")"
holds plain "j['ok'] is True and j['nodes'] == 2"
if [ "$E2E_INSIDE" = root ]; then
    holds plain "j['provider'] == 'xdp' and j['xdp_mode'] == 'drv' and j['filter'] == 'kernel'"
    holds plain "j['zero_copy'] is False"
    # Rings and links are 1024 deep: at this rate a second, however busy the machine is.
    dev slow --seconds 2 --rate 1000
    holds slow "j['ok'] is True and j['sent'] > 500 and j['lost'] == 0"
else
    holds plain "j['provider'] == 'socket'"
fi
holds plain "j['sent'] > 1000 and j['lost'] == j['sent'] - j['received']"
holds plain "j['lost'] <= sum(j['counted'].values())"
holds plain "0 < j['latency_p50_ns'] <= j['latency_p99_ns']"
[ "$E2E_INSIDE" != root ] || holds plain "j['network'] == 'root'"
nothing_left plain

kill_during kill_net net:1 net:2 net:1
kill_during kill_sink sink:1 sink:1 sink:1
kill_during kill_load load:1 sink:1 load:1
kill_during kill_late sink:1 sink:1 sink:1 sink:1 sink:1 sink:1 sink:1 sink:1 sink:1 sink:1
nothing_left "a lab whose tiles were killed"

# kill -9 of the lab, at different moments of its life; and a command in a node of a live one.
for delay in 0.05 0.15 0.4 1.5; do
    "$bin" dev --rate 10000 --seconds 30 >/dev/null 2>"$tmp/killed.log" &
    lab=$!
    sleep $delay
    if [ $delay = 1.5 ]; then
        "$bin" dev exec 1 cat /proc/net/dev >"$tmp/exec" 2>&1 || fail "dev exec: $(cat "$tmp/exec")"
        grep -q qs0 "$tmp/exec" || fail "dev exec 1 is not in the node: $(cat "$tmp/exec")"
        "$bin" dev exec 0 sh -c 'exit 9'
        [ $? = 9 ] || fail "dev exec does not return the command's exit code"
        "$bin" dev exec 7 true 2>/dev/null && fail "dev exec 7 found a node"
        "$bin" dev exec x true 2>/dev/null
        [ $? = 2 ] || fail "dev exec x is no usage error"
    fi
    kill -9 $lab
    wait $lab 2>/dev/null
    nothing_left "a lab killed after $delay s"
done

make_pcap "$tmp/nine.pcap"
dev replay --replay "$tmp/nine.pcap" --seconds 10
[ $code = 0 ] || fail "replay: exit code $code: $(cat "$tmp/replay.log")"
holds replay "j['ok'] and j['sent'] == 9 and j['received'] == 9 and j['lost'] == 0"
holds replay "j['seconds'] < 5 and 'latency_p50_ns' not in j"
dev port --replay "$tmp/nine.pcap" --port 7777 --speed 100 --seconds 10
holds port "j['ok'] and j['sent'] == 3 and j['received'] == 3"
dev rate --replay "$tmp/nine.pcap" --port 8003 --rate 2 --seconds 10
holds rate "j['ok'] and j['sent'] == 3 and j['received'] == 3"
dev missing --replay "$tmp/no-such.pcap" --seconds 5
[ $code = 2 ] || fail "a missing capture: exit code $code"
grep -q 'no-such.pcap' "$tmp/missing.log" || fail "a missing capture: $(cat "$tmp/missing.log")"
dev nothing --replay "$tmp/nine.pcap" --port 9 --seconds 5
[ $code = 2 ] || fail "nothing to replay: exit code $code: $(cat "$tmp/nothing.log")"
grep -q 'no UDP datagram to that port' "$tmp/nothing.log" || fail "$(cat "$tmp/nothing.log")"
echo nonsense >"$tmp/nonsense.pcap"
dev nonsense --replay "$tmp/nonsense.pcap" --seconds 5
[ $code = 2 ] || fail "no capture at all: exit code $code: $(cat "$tmp/nonsense.log")"
dev usage --level moon
[ $code = 2 ] || fail "--level moon: exit code $code"
dev usage --port 70000
[ $code = 2 ] || fail "--port 70000: exit code $code"
dev usage --no-such
[ $code = 2 ] || fail "--no-such: exit code $code"
if [ -r "$vectors/shred/demo-shreds.pcap" ]; then
    dev shreds --replay "$vectors/shred/demo-shreds.pcap" --seconds 10
    [ $code = 0 ] || fail "shreds: exit code $code: $(cat "$tmp/shreds.log")"
    holds shreds "j['received'] == 512 and j['lost'] == 0"
else
    say "skipped: vectors/shred/demo-shreds.pcap is not here"
fi

dev loopback --level loopback --seconds 1
[ $code = 0 ] || fail "loopback: exit code $code: $(cat "$tmp/loopback.log")"
holds loopback "j['ok'] and j['network'] == 'loopback' and j['received'] > 500"
dev threads --threads --seconds 1
[ $code = 0 ] || fail "threads: exit code $code: $(cat "$tmp/threads.log")"
holds threads "j['ok'] and j['received'] > 500"
nothing_left "the lab in threads"

# Somebody without privileges, who cannot read this tree.
if [ "$E2E_INSIDE" = root ]; then
    mkdir -m 755 /dev/shm/nobody && cp "$bin" /dev/shm/nobody/ && chmod 755 /dev/shm/nobody/quickstep
    (cd / && setpriv --reuid=65534 --regid=65534 --clear-groups env -i HOME=/ PATH="$PATH" \
        /dev/shm/nobody/quickstep dev --json --rate 10000 --seconds 1) >"$tmp/nobody" 2>"$tmp/nobody.log"
    code=$?
    [ $code = 0 ] || fail "nobody: exit code $code: $(cat "$tmp/nobody.log")"
    holds nobody "j['ok'] and j['network'] in ('user', 'loopback') and j['received'] > 500"
    nothing_left "an unprivileged lab"
    say "nobody: network $(value "$tmp/nobody" "j['network']")"
fi
[ "$(huge_files)" -le 10 ] || fail "huge pages are left: $(find "$tmp/huge" -type f)"
say "the lab accounts for everything and leaves nothing"

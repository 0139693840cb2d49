#!/bin/bash
# test_run.sh OUT - the commands that operators and programs rely on: exit codes, JSON that parses,
# Prometheus text that is well-formed, an instance that is alone, an end in good order.
. "$(dirname "$0")/lib.sh"
name=run-$$

# exits CODE COMMAND...: runs quickstep COMMAND; its output is in $tmp/out and $tmp/err.
exits() {
    local want=$1 got
    shift
    timeout 20 "$bin" "$@" >"$tmp/out" 2>"$tmp/err"
    got=$?
    [ $got = "$want" ] || fail "quickstep $*: exit code $got, not $want: $(cat "$tmp/err")"
}
says() { grep -q -- "$1" "$tmp/err" || fail "not said: '$1', but: $(cat "$tmp/err")"; }
parses() { value "$tmp/out" "len(j) > 0" >/dev/null || fail "$1: no JSON object: $(cat "$tmp/out")"; }

exits 0 help
exits 0 help run
exits 0 --help
exits 0 version
exits 0 version --json
parses version
exits 2
exits 2 no-such-command
exits 2 help no-such-command
for command in run dev topo metrics monitor; do
    exits 0 $command --help
    exits 2 $command --no-such-option
    says no-such-option
done

exits 0 topo
exits 0 topo --json
parses "topo --json"
value "$tmp/out" "'\n'.join(t['name'] for t in j['topologies'])" >"$tmp/topologies"
[ -s "$tmp/topologies" ] || fail "no topologies"
while read -r topology; do
    exits 0 topo "$topology"
    exits 0 topo "$topology" --dot
    [ "$(head -c 8 "$tmp/out")" = "digraph " ] || fail "topo $topology --dot"
    exits 0 topo "$topology" --json
    [ "$(value "$tmp/out" "j['topology'] == '$topology' and len(j['tiles']) > 0 and
        all(l['from'] in [t['name'] for t in j['tiles']] for l in j['links'])")" = true ] ||
        fail "topo $topology --json: $(cat "$tmp/out")"
done <"$tmp/topologies"
exits 2 topo no-such-topology
exits 2 topo listen --set net.extra_ports=8003
says "already that of port.tvu"
exits 2 run --set net.tiles=0
says net.tiles
exits 2 run --set no.such=1
exits 2 run --topology no-such
exits 2 run --instance "No/Name"
exits 2 run --config "$tmp/no-such.toml"
exits 1 metrics --instance nobody
exits 1 monitor --once --instance nobody

# A port that somebody else holds is the host's refusal, and is told by number.
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 8003)); time.sleep(60)' &
holder=$!
within 5 grep -q 1F43 /proc/net/udp || fail "port 8003 cannot be taken"
exits 3 run --instance "$name" --seconds 5
says 8003
no_tiles || fail "tiles run without their port"
kill $holder

"$bin" run --instance "$name" 2>"$tmp/run.log" &
run=$!
ready() { grep -q 'tiles run' "$tmp/run.log"; }
within 10 ready || fail "run does not start: $(cat "$tmp/run.log")"
exits 2 run --instance "$name" --seconds 1
says "runs already"
[ "$(tiles | wc -l)" = 4 ] || fail "a second start changed the tiles: $(tiles)"
python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in (8001, 8003, 8004, 9001) * 5: s.sendto(b"x" * 100, ("127.0.0.1", port))'
received() { "$bin" metrics --instance "$name" | grep -q '^quickstep_sink_other_total{.*} 20$'; }
within 5 received || fail "20 datagrams were sent: $("$bin" metrics --instance "$name" | grep sink)"

# Datagrams too long for the link stand between numbered ones in one batch of recvmmsg: the net tile
# sleeps meanwhile.  They are counted, and the numbered ones arrive whole.
net=$(tile_pid net)
kill -STOP "$net"
python3 -c 'import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
magic = 0x65626f7270207371
for n in range(12):
    if n % 3 == 1: s.sendto(b"y" * 1473, ("127.0.0.1", 9001))
    check = ((magic ^ n * 0x9e3779b97f4a7c15 % 2**64) + 1) % 2**64
    s.sendto(struct.pack("<4Q", magic, n, 1, check) + bytes(40 * n), ("127.0.0.1", 9001))'
kill -CONT "$net"
counted() { "$bin" metrics --instance "$name" | grep -q "^quickstep_$1_total{.*} $2\$"; }
within 5 counted sink_received 12 && counted net_rx_oversize 4 && counted sink_damaged 0 ||
    fail "12 numbered, 4 oversize: $("$bin" metrics --instance "$name" | grep -E '^quickstep_(sink|net)')"

exits 0 metrics --instance "$name"
python3 - "$tmp/out" <<'PY' || fail "metrics: no well-formed Prometheus text"
import re, sys
told, done, last = {}, set(), None
for line in open(sys.argv[1]):
    line = line.rstrip('\n')
    if line.startswith('# HELP '):
        name = line.split(' ', 3)[2]
        assert name not in told and len(line.split(' ', 3)[3]) > 3, line
        told[name] = None
    elif line.startswith('# TYPE '):
        _, _, name, kind = line.split(' ')
        assert name in told and kind in ('counter', 'gauge', 'histogram'), line
        assert (kind == 'counter') == name.endswith('_total'), line
        told[name] = kind
    else:
        m = re.fullmatch(r'([a-z_]+)\{([a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*)\} (\d+(?:\.\d+)?)', line)
        assert m, line
        name = re.sub('_(bucket|sum|count)$', '', m[1])
        if told.get(name) != 'histogram': name = m[1]
        assert told.get(name), 'no HELP and TYPE before ' + line
        assert name == last or name not in done, 'scattered: ' + line
        assert name.startswith('quickstep_'), line
        key = (m[1], m[2])
        assert key not in done, 'twice: ' + line
        done |= {name, key}
        last = name
assert len(told) > 20 and all(n in done for n in told)
PY
exits 0 metrics --instance "$name" --json
parses "metrics --json"
[ "$(value "$tmp/out" "j['alive'] and all(type(m['value']) is int for m in j['metrics'])")" = true ] ||
    fail "metrics --json: $(cat "$tmp/out")"
exits 0 metrics
exits 0 monitor --once --instance "$name"
exits 0 monitor --once --json
[ "$(value "$tmp/out" "j['alive'] and [t['state'] for t in j['tiles']] == ['run'] * 4 and
    all(t['pid'] > 0 for t in j['tiles'])")" = true ] || fail "monitor --json: $(cat "$tmp/out")"

kill -TERM $run
within 4 ended $run || fail "SIGTERM does not end it"
wait $run || fail "after SIGTERM: exit code $?: $(cat "$tmp/run.log")"
no_tiles || fail "left after SIGTERM: $(tiles)"
exits 0 metrics --instance "$name" --json
[ "$(value "$tmp/out" "j['alive']")" = false ] || fail "it says it lives"

# What lies where a workspace should lie is refused with a sentence.
wksp=$(find /dev/shm -path "*/$name/boot.wksp")
[ -n "$wksp" ] || fail "no boot.wksp in /dev/shm"
for what in foreign corrupt short empty; do
    cp "$wksp" "$tmp/sound"
    case $what in
    foreign) head -c 100000 /dev/urandom >"$wksp" ;;
    corrupt) printf '\377\377\377\377' | dd of="$wksp" bs=1 seek=12 conv=notrunc status=none ;;
    short) truncate -s 8192 "$wksp" ;;
    empty) : >"$wksp" ;;
    esac
    exits 1 metrics --instance "$name"
    says "boot: "
    [ "$(wc -l <"$tmp/err")" = 1 ] || fail "$what: not one sentence: $(cat "$tmp/err")"
    cat "$tmp/sound" >"$wksp"
done
exits 0 metrics --instance "$name"
exits 0 run --instance "$name" --seconds 1
exits 2 run --topology load --instance "$name" --seconds 5
says "load.target is not set"
no_tiles || fail "tiles are left: $(tiles)"
say "the commands keep their word"

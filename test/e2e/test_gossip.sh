#!/bin/bash
# test_gossip.sh OUT - a cluster of four: all see all within five seconds; a gossip tile that is killed
# and nodes that are stopped come back; everything on the wire is what the specification says, as an
# independent reader judges it; ip_echo answers, and refuses a node of another cluster.
. "$(dirname "$0")/lib.sh"
decode=$(dirname "$0")/gossip_decode.py
holds() { [ "$(value "$tmp/$1" "$2" 2>&1)" = true ] || fail "$1: not $2: $(cat "$tmp/$1" "$tmp/$1.log")"; }
before=$(links)
nothing_left() {
    within 3 no_tiles || fail "$1 left tiles: $(tiles)"
    [ "$(links)" = "$before" ] || fail "$1 changed the links here"
    [ -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'quickstep-dev-*.json')" ] || fail "$1 left a key"
}
export TMPDIR=$tmp

# One run: a capture beside it, a gossip tile killed in the middle, two nodes stopped and started.
"$bin" dev --nodes 4 --restart 3 --seconds 14 --json >"$tmp/four" 2>"$tmp/four.log" &
lab=$!
within 10 grep -q 'QS-LAB-001 4 nodes' "$tmp/four.log" || fail "no lab: $(cat "$tmp/four.log")"
# XSKs go past what a packet socket sees in the node, so the capture is at its port of the switch.
hub=
for fd in /proc/$lab/fd/*; do
    case $(readlink "$fd") in net:*) nsenter --net="$fd" ip link show switch >/dev/null 2>&1 && hub=$fd ;; esac
done
[ -n "$hub" ] || fail "there is no switch: $(cat "$tmp/four.log")"
nsenter --net="$hub" python3 "$decode" capture port1 5 "$tmp/wire" >"$tmp/capture.log" 2>&1 &
capture=$!
within 5 grep -q 'see each other' "$tmp/four.log" || fail "they do not find each other: $(cat "$tmp/four.log")"
victim=$(tile_pid gossip 3)
kill -9 "$victim"
"$bin" dev --crowd 300 --hostile 5000 --seconds 12 --json >"$tmp/crowd" 2>"$tmp/crowd.log" &
crowd=$!
# News all the time, and yet the rows that others read follow: all 300 answer soon after they are known.
crowd_rows() {
    "$bin" gossip peers --instance "dev-$crowd-n0" --json 2>/dev/null |
        python3 -c 'import json, sys; sys.exit(sum(n["proven"] for n in json.load(sys.stdin)["nodes"]) < 300)' 2>/dev/null
}
within 11 crowd_rows &
rows=$!
wait $capture || fail "capture: $(cat "$tmp/capture.log")"
wait $lab
code=$?
[ $code = 0 ] || fail "exit code $code: $(cat "$tmp/four" "$tmp/four.log")"
holds four "j['ok'] and j['nodes'] == 4 and j['gossip']['peers_min'] == 3"
holds four "0 < j['gossip']['converged_ns'] <= 5e9"
holds four "j['gossip']['restarts'] >= 2 and j['gossip']['reconverged_max_ns'] <= 15e9"
holds four "len(j['gossip']['nodes']) == 4 and all(n['received']['push'] for n in j['gossip']['nodes'])"
# What peers of our own refuse is only what has to be: addresses that are not proven yet, echoes of oneself.
holds four "not [r for n in j['gossip']['nodes'] for r in n['rejected'] if r not in ('unproven', 'own', 'window', 'pong_unasked', 'unknown_origin', 'prune_old', 'not_signed', 'caller_window')]"
grep -q 'gossip.* was killed by signal 9' "$tmp/four.log" || fail "no death was told: $(cat "$tmp/four.log")"
python3 "$decode" check "$tmp/wire" >"$tmp/judged" || fail "on the wire: $(cat "$tmp/judged")"
cp "$tmp/four.log" "$tmp/judged.log"
holds judged "j['ok'] and j['wrong_count'] == 0 and j['signatures'] > 10 and len(j['contacts']) == 4"
holds judged "all(j['messages'].get(k) for k in ('pull_request', 'pull_response', 'push', 'ping', 'pong'))"
say "wire: $(value "$tmp/judged" "j['messages']")"
wait $rows || fail "the rows of the crowd are not brought up to date"
wait $crowd || fail "crowd: $(cat "$tmp/crowd" "$tmp/crowd.log")"
holds crowd "j['ok'] and j['gossip']['contacts'] == 300 and j['gossip']['values'] > 900"
holds crowd "j['gossip']['hostile']['sent'] > 1000 and j['gossip']['hostile']['addresses_over'] == 0"
holds crowd "0 < j['gossip']['hostile']['returned_bytes'] < j['gossip']['hostile']['sent_bytes']"
holds crowd "j['gossip']['hostile']['memory_growth_bytes'] < 1 << 20 and j['gossip']['hostile']['honest'] > 0"
nothing_left "the cluster"

# Levels without privileges; and signatures checked by tiles of their own.
"$bin" dev --gossip --nodes 3 --level loopback --set gossip.verify_tiles=2 --seconds 0 --json >"$tmp/loopback" 2>"$tmp/loopback.log" &
lab=$!
within 10 grep -q 'see each other' "$tmp/loopback.log" || fail "three do not find each other: $(cat "$tmp/loopback.log")"
"$bin" gossip spy --entrypoint 127.77.0.1:8001 --seconds 3 --set net.bind_address=127.77.0.200 \
    --set gossip.private_addresses=true --json >"$tmp/spy" 2>"$tmp/spy.log" || fail "spy: $(cat "$tmp/spy.log")"
holds spy "j['ok'] and j['shred_version'] == 4711 and j['contacts'] == 3 and len(j['nodes']) == 3"
holds spy "sorted(n['gossip'] for n in j['nodes']) == ['127.77.0.%d:8001' % i for i in (1, 2, 3)]"
"$bin" gossip peers --instance "dev-$lab-n1" --json >"$tmp/peers" 2>"$tmp/peers.log" || fail "$(cat "$tmp/peers.log")"
holds peers "j['alive'] and len(j['nodes']) in (3, 4) and [n['gossip'] for n in j['nodes'] if n['own']] == ['127.77.0.2:8001']"
"$bin" metrics --instance "dev-$lab-n1" >"$tmp/metrics" 2>"$tmp/metrics.log" || fail "$(cat "$tmp/metrics.log")"
[ "$(grep -c '^quickstep_gossvf_passed_total' "$tmp/metrics")" = 2 ] || fail "there are not two gossvf tiles: $(cat "$tmp/metrics")"
grep -q '^quickstep_gossvf_passed_total.* [1-9]' "$tmp/metrics" || fail "nothing was passed on: $(cat "$tmp/metrics")"
"$bin" gossip peers --instance "dev-$lab-n1" --filter 127.77.0.3 | grep -q '^1 of [34] nodes$' || fail "peers --filter"
"$bin" gossip peers --instance "dev-$lab-n1" --sort size 2>/dev/null
[ $? = 2 ] || fail "peers --sort size is no usage error"
"$bin" gossip spy --entrypoint nonsense 2>/dev/null
[ $? = 2 ] || fail "spy --entrypoint nonsense is no usage error"
kill $lab
wait $lab || fail "loopback: $(cat "$tmp/loopback" "$tmp/loopback.log")"
holds loopback "j['ok'] and j['network'] == 'loopback' and j['gossip']['peers_min'] == 2"
"$bin" dev --gossip --nodes 4 --hostile 5 2>"$tmp/enemy.log"
[ $? = 2 ] || fail "--hostile without --crowd is no usage error"
"$bin" dev --gossip --nodes 17 2>"$tmp/many.log" && fail "17 nodes were taken"
"$bin" dev --nodes 4 --rate 5 2>"$tmp/mixed.log"
[ $? = 2 ] || fail "--nodes 4 --rate is no usage error"
nothing_left "the small cluster"

# ip_echo: who are we, which cluster is this; nonsense gets nothing; and a node of another cluster stays out.
conf="--set net.provider=socket --set net.iface=lo --set gossip.private_addresses=true"
# shellcheck disable=SC2086
"$bin" run --topology gossip --instance one $conf --set net.bind_address=127.77.0.1 \
    --set shred.version=4242 --set log.format=text 2>"$tmp/one.log" &
one=$!
"$bin" ready --instance one --seconds 10 2>/dev/null || within 10 grep -q 'tiles run' "$tmp/one.log" ||
    fail "one does not start: $(cat "$tmp/one.log")"
python3 - <<'PY' || fail "ip_echo"
import socket, struct, sys
def ask(request, source="127.77.0.9"):
    s = socket.create_connection(("127.77.0.1", 8001), 5, (source, 0))
    s.sendall(request)
    got = b""
    while True:
        try:
            more = s.recv(64)
        except ConnectionResetError:
            more = b""
        if not more:
            return got
        got += more
good = bytes(4) + struct.pack("<8H", 0, 0, 0, 0, 0, 0, 0, 0) + b"\n"
want = bytes(8) + socket.inet_aton("127.77.0.9") + b"\1" + struct.pack("<H", 4242)
assert ask(good) == want + bytes(27 - len(want)), ask(good)
idle = [socket.create_connection(("127.77.0.1", 8001), 5) for i in range(20)]  # they make place
assert ask(good)[:15] == want
assert ask(b"GET / HTTP/1.1\r\n\r\n") == b"" and ask(good[:-1] + b"x") == b""
for s in idle:
    s.close()
PY
# shellcheck disable=SC2086
"$bin" run --topology gossip --instance two $conf --set net.bind_address=127.77.0.2 \
    --set gossip.entrypoints=127.77.0.1:8001 --set shred.version=1 --seconds 20 2>"$tmp/two.log"
[ $? = 2 ] || fail "another shred version: $(cat "$tmp/two.log")"
grep -q 'shred.version is 1, but entrypoint 127.77.0.1:8001 is in a cluster with 4242 (QS-GSP-002)' "$tmp/two.log" ||
    fail "another shred version: $(cat "$tmp/two.log")"
# shellcheck disable=SC2086
"$bin" run --topology gossip --instance two $conf --set net.bind_address=127.77.0.2 --seconds 20 2>"$tmp/two.log"
[ $? = 2 ] || fail "no shred version: $(cat "$tmp/two.log")"
grep -q 'shred version is not known' "$tmp/two.log" || fail "no shred version: $(cat "$tmp/two.log")"
# An entrypoint by name: where the name stands for is followed while the node runs, without a restart.
echo 'nameserver 127.0.0.53' >"$tmp/resolv.conf"
mount --bind "$tmp/resolv.conf" /etc/resolv.conf || fail "no resolv.conf of our own"
echo 127.77.0.99 >"$tmp/entry.address"
python3 - "$tmp/entry.address" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.53", 53))
while True:
    q, who = s.recvfrom(512)
    end = q.index(b"\0", 12) + 5
    a = b""
    if q[end - 4 : end] == b"\0\1\0\1" and q[12:end].lower().startswith(b"\5entry\4test"):
        a = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(open(sys.argv[1]).read().strip())
    s.sendto(q[:2] + (b"\x81\x80" if a else b"\x81\x83") + b"\0\1\0" + bytes([len(a) > 0]) + bytes(4) + q[12:end] + a, who)
PY
names=$!
# shellcheck disable=SC2086
"$bin" run --topology gossip --instance two $conf --set net.bind_address=127.77.0.2 --set gossip.resolve_s=1 \
    --set gossip.contacts_path="$tmp/contacts" --set gossip.contacts_s=1 \
    --set gossip.entrypoints=entry.test:8001 --set shred.version=4242 --set log.format=text 2>"$tmp/two.log" &
two=$!
within 15 grep -q 'tiles run' "$tmp/two.log" || fail "two does not start: $(cat "$tmp/two.log")"
"$bin" gossip peers --instance two --filter 127.77.0.1 | grep -q '^0 of' || fail "two knows one before its name says so"
echo 127.77.0.1 >"$tmp/entry.address"
one_known() { "$bin" gossip peers --instance two --filter 127.77.0.1 | grep -q '^1 of'; }
within 10 one_known || fail "two does not follow the name: $(cat "$tmp/two.log")"
grep -q 'QS-GSP-004 entrypoint entry.test is at 127.77.0.1 now' "$tmp/two.log" || fail "the move is not told: $(cat "$tmp/two.log")"
within 10 grep -qs ' 127.77.0.1:8001$' "$tmp/contacts" || fail "one is not saved: $(cat "$tmp/contacts" "$tmp/two.log")"
kill $names $two
wait $two || fail "two ended badly: $(cat "$tmp/two.log")"

# It finds back without any entrypoint, and knows the cluster; and a file of vote accounts gives one its stake.
key=$(sed -n 's/ 127.77.0.1:8001$//p' "$tmp/contacts")
account='{"votePubkey":"Vote111111111111111111111111111111111111111","nodePubkey":"'$key'","activatedStake":5000000000'
echo "{\"current\":[$account}],\"delinquent\":[${account/Vote1/Vote2}}]}" >"$tmp/stakes.json"
# shellcheck disable=SC2086
"$bin" run --topology gossip --instance two $conf --set net.bind_address=127.77.0.2 --set log.format=text \
    --set gossip.contacts_path="$tmp/contacts" --set shred.leader_schedule="$tmp/stakes.json" 2>"$tmp/two.log" &
two=$!
within 15 grep -q 'tiles run' "$tmp/two.log" || fail "two does not start again: $(cat "$tmp/two.log")"
within 15 one_known || fail "two does not find back: $(cat "$tmp/two.log")"
"$bin" gossip peers --instance two --filter 127.77.0.1 --json >"$tmp/staked" 2>"$tmp/staked.log" || fail "$(cat "$tmp/staked.log")"
holds staked "[n['stake'] for n in j['nodes']] == [10000000000] and j['nodes'][0]['shred_version'] == 4242"
kill $two
wait $two || fail "two ended badly: $(cat "$tmp/two.log")"

# The genesis says which cluster it is: what the options or an entrypoint say must be the same.
printf genesis >"$tmp/genesis.bin"
version=$(python3 -c '
import hashlib, struct
h = hashlib.sha256(b"genesis").digest()
for slot, count in ((7, 1), (9, 2)):
    h = hashlib.sha256(h + struct.pack("<QQ", slot, count)).digest()
x = 0
for i in range(0, 32, 2):
    x ^= h[i] << 8 | h[i + 1]
print(min(x + 1, 65535))')
refused() { # refused WHAT OPTION...: a start with these options ends as a usage error that says so
    local what=$1
    shift
    # shellcheck disable=SC2086
    "$bin" run --topology gossip --instance two $conf --set net.bind_address=127.77.0.2 --seconds 20 \
        --set gossip.genesis="$tmp/genesis.bin" "$@" 2>"$tmp/two.log"
    [ $? = 2 ] || fail "$what: $(cat "$tmp/two.log")"
    grep -q "$what" "$tmp/two.log" || fail "not '$what': $(cat "$tmp/two.log")"
}
forks="--set gossip.hard_forks=7,9:2"
# shellcheck disable=SC2086
refused "shred.version is 4242, but gossip.genesis makes it $version (QS-GSP-002)" $forks --set shred.version=4242
# shellcheck disable=SC2086
refused "the version that gossip.genesis makes is $version, but entrypoint 127.77.0.1:8001 is in a cluster with 4242" \
    $forks --set gossip.entrypoints=127.77.0.1:8001
refused "gossip.hard_forks: 'x' is not SLOT" --set gossip.hard_forks=x
refused "gossip.genesis $tmp/none: No such file" --set gossip.genesis="$tmp/none"
kill $one
wait $one || fail "one ended badly: $(cat "$tmp/one.log")"
nothing_left "ip_echo"
say "four nodes find each other, come back, and speak as the specification says"

#!/bin/bash
# test_txn.sh OUT - the transaction front in the lab: each transaction is delivered, a duplicate, refused
# for a reason or counted as lost, whatever is killed; txn and tap do what their help says.
. "$(dirname "$0")/lib.sh"
vectors=${QS_VECTORS:-$(dirname "$0")/../../../shared/vectors}

# dev NAME ARGUMENT...: runs the lab to its end; its JSON is $tmp/NAME, its exit code $code.
dev() {
    local name=$1
    shift
    "$bin" dev --json --front "$@" >"$tmp/$name" 2>"$tmp/$name.log"
    code=$?
}
# holds NAME EXPRESSION: of the JSON in $tmp/NAME.
holds() {
    [ "$(value "$tmp/$1" "$2" 2>&1)" = true ] ||
        fail "$1: not $2: $(cat "$tmp/$1" "$tmp/$1.log" 2>/dev/null)"
}
# exits CODE COMMAND...: runs quickstep COMMAND; its output is in $tmp/out and $tmp/err.
exits() {
    local want=$1 got
    shift
    timeout 20 "$bin" "$@" >"$tmp/out" 2>"$tmp/err"
    got=$?
    [ $got = "$want" ] || fail "quickstep $*: exit code $got, not $want: $(cat "$tmp/out" "$tmp/err")"
}
parses() { [ "$(value "$tmp/out" "$1" 2>&1)" = true ] || fail "not $1: $(cat "$tmp/out")"; }

# Everything good, spoiled and repeated is where it belongs.
dev mixed --txns 2000 --tps 2000 --bad-percent 10 --repeat-percent 5 --seconds 20
[ $code = 0 ] || fail "mixed: exit code $code: $(cat "$tmp/mixed.log")"
holds mixed "j['ok'] and j['txns']['sent'] == 2000 and j['txns']['lost'] == 0"
holds mixed "150 < j['txns']['spoiled'] < 250 and 60 < j['txns']['again'] < 140"
holds mixed "sum(j['txns']['rejected'].values()) == j['txns']['spoiled']"
holds mixed "j['txns']['duplicate'] == j['txns']['again']"
holds mixed "j['txns']['delivered'] == 2000 - j['txns']['spoiled'] - j['txns']['again']"
holds mixed "len(j['txns']['rejected']) == 6 and 'signature' in j['txns']['rejected']"
holds mixed "0 < j['latency_p50_ns'] <= j['latency_p99_ns']"
dev signers --txns 300 --tps 1000 --signers 11 --seconds 20 --set verify.tiles=2
holds signers "j['ok'] and j['txns']['delivered'] == 300"

# Tiles are killed in the middle: a restart reads again what was held, and nothing is lost uncounted.
"$bin" dev --json --front --txns 4000 --tps 2000 --bad-percent 5 --seconds 30 >"$tmp/kills" 2>"$tmp/kills.log" &
lab=$!
within 10 [ -s "$tmp/kills.log" ]
for victim in verify dedup txnsink verify txnload verify; do
    sleep "0.$((RANDOM % 3 + 1))"
    pid=$(tile_pid $victim)
    [ -n "$pid" ] && kill -9 "$pid"
done
wait $lab
code=$?
[ $code = 0 ] || fail "kills: exit code $code: $(cat "$tmp/kills" "$tmp/kills.log")"
holds kills "j['ok'] and j['txns']['sent'] == 4000"
holds kills "j['txns']['lost'] <= sum(j['counted'].values())"
holds kills "j['txns']['delivered'] + j['txns']['lost'] >= 4000 - j['txns']['spoiled'] - 1"
grep -q 'was killed by signal 9' "$tmp/kills.log" || fail "kills: no death was told"

# A real leader's port, twice.
if [ -r "$vectors/live-leader/leader.pcap" ]; then
    dev live --replay "$vectors/live-leader/leader.pcap" --port 9001 --times 2 --speed 8 --seconds 30
    [ $code = 0 ] || fail "live: exit code $code: $(cat "$tmp/live.log")"
    holds live "j['txns']['verified'] == 1539 and j['txns']['duplicate'] == 1539"
    holds live "j['txns']['delivered'] == 1539 and j['txns']['rejected'] == {}"
else
    say "skipped: vectors/live-leader/leader.pcap is not here"
fi
for wrong in "--txns 5 --bad-percent 101" "--txns 5 --signers 12" "--txns x"; do
    # shellcheck disable=SC2086
    dev wrong $wrong
    [ $code = 2 ] || fail "dev $wrong: exit code $code"
done

# txn: send to a listener of ours, decode and verify what it got.
python3 - "$tmp/sent.bin" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 9555))
s.settimeout(10)
open(sys.argv[1], 'wb').write(s.recv(2000))
PY
listener=$!
sleep 0.5
exits 0 keys new "$tmp/key.json"
exits 0 txn send --to 127.0.0.1:9555 --memo "hello there" --key "$tmp/key.json" --json
parses "j['sent'] and len(j['signature']) > 80"
sent=$(value "$tmp/out" "j['signature']")
wait $listener || fail "nothing was sent"
exits 0 txn decode "$tmp/sent.bin" --json
parses "j['transaction']['signatures'] == ['$sent'] and j['transaction']['version'] == 'legacy'"
parses "bytes.fromhex(j['transaction']['instructions'][0]['data_hex']) == b'hello there'"
parses "j['transaction']['accounts'][0]['signer'] and not j['transaction']['simple_vote']"
cp "$tmp/out" "$tmp/by_file"
exits 0 txn decode --hex "$(od -An -v -tx1 "$tmp/sent.bin" | tr -d ' \n')" --json
cmp -s "$tmp/out" "$tmp/by_file" || fail "--hex reads something else"
exits 0 txn decode --base64 "$(base64 -w0 "$tmp/sent.bin")" --json
cmp -s "$tmp/out" "$tmp/by_file" || fail "--base64 reads something else"
"$bin" txn decode - --json <"$tmp/sent.bin" | cmp -s - "$tmp/by_file" || fail "- reads something else"
exits 0 txn decode "$tmp/sent.bin"
grep -q '^account 0 .*writable, signs, pays' "$tmp/out" || fail "decode: $(cat "$tmp/out")"
exits 0 txn verify "$tmp/sent.bin" --json
parses "j['ok'] and j['rule'] == 'strict' and j['signatures'][0]['good']"
python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[-1] ^= 1
open(sys.argv[1] + ".bad", "wb").write(b); open(sys.argv[1] + ".cut", "wb").write(b[:-1])' "$tmp/sent.bin"
exits 4 txn verify "$tmp/sent.bin.bad" --json
parses "not j['ok'] and not j['signatures'][0]['good'] and len(j['signatures'][0]['verdict']) > 3"
exits 1 txn decode "$tmp/sent.bin.cut" --json
parses "j['reason'] == 'truncated' and not j['ok']"
exits 4 txn verify "$tmp/sent.bin.cut"
exits 2 txn decode "$tmp/no-such-file"
exits 2 txn decode --hex 0g
exits 2 txn decode --base64 'A'
exits 2 txn decode --base58 '0'
exits 2 txn decode
exits 2 txn send
exits 2 txn send --to 127.0.0.1
exits 2 txn frobnicate
exits 0 txn --help

# tap: a front that we feed ourselves; a tap that is stopped holds nobody up, and counts exactly.
"$bin" run --topology front --instance front-$$ --set net.bind_address=127.0.0.1 2>"$tmp/front.log" &
front=$!
within 10 "$bin" ready --instance front-$$ >/dev/null 2>&1 || fail "front: $(cat "$tmp/front.log")"
feed() { "$bin" txn send --to 127.0.0.1:9001 --count "$1" --memo "$2" >/dev/null || fail "send"; }
frags() { # frags LINK: published so far
    "$bin" metrics --instance front-$$ --json >"$tmp/m" &&
        value "$tmp/m" "[m['value'] for m in j['metrics'] if m['group'] == 'link_out' and
            m['name'] == 'frag' and m['link'] == '$1'][0]"
}
tap() { timeout 60 "$bin" tap "$@" --instance front-$$; }
tap verify_dedup --json >"$tmp/tap" 2>"$tmp/tap.log" &
within 5 [ -s "$tmp/tap.log" ]
tapper=$(ps -eo pid=,args= | awk '$2 ~ /quickstep$/ && $3 == "tap" { print $1; exit }')
tap net_verify -w "$tmp/tap.pcapng" --filter 'udp dst port 9001' --count 30 2>"$tmp/pcapng.log" &
writer=$!
within 5 [ -s "$tmp/pcapng.log" ]
feed 40 one
wait $writer || fail "tap -w: $(cat "$tmp/pcapng.log")"
within 5 sh -c "[ \$(wc -l <'$tmp/tap') -ge 40 ]" || fail "tap: $(wc -l <"$tmp/tap") lines of 40"
kill -STOP "$tapper"
for i in 1 2 3 4 5 6 7 8 9 10; do # as much at once as any machine's verify tile can hold back
    feed 300 "two $i"
    sleep 0.05
done
delivered() { [ "$(frags dedup_txnsink)" -ge 3040 ]; }
within 20 delivered || fail "a stopped tap held the line up: $(frags dedup_txnsink) of 3040"
kill -CONT "$tapper"
sleep 0.5
kill -TERM "$tapper"
within 5 sh -c "grep -q '\"end\":true' '$tmp/tap'" || fail "tap has no end: $(tail -n 2 "$tmp/tap")"
tail -n 1 "$tmp/tap" >"$tmp/end"
holds end "j['seen'] + j['missed'] == $(frags verify_dedup) and j['missed'] > 1000 and j['bad'] == 0"
python3 - "$tmp/tap" <<'PY' || fail "tap --json: lines are not what they should be"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert all(l['link'] == 'verify_dedup' for l in lines)
frags = lines[:-1]
assert sum(l['missed'] for l in frags) <= lines[-1]['missed']
for a, b in zip(frags, frags[1:]):
    assert b['seq'] == a['seq'] + 1 + b['missed'], (a['seq'], b['seq'], b['missed'])
assert all(len(l['transaction']['signatures']) == 1 for l in frags)
PY
if command -v tshark >/dev/null; then
    tshark -r "$tmp/tap.pcapng" -T fields -e ip.dst -e udp.dstport -e udp.length -e frame.comment \
        >"$tmp/tshark" 2>"$tmp/tshark.log" || fail "tshark: $(cat "$tmp/tshark.log")"
    [ "$(grep -c '^127.0.0.1	9001	' "$tmp/tshark")" = 30 ] || fail "tshark: $(head -n 3 "$tmp/tshark")"
    tshark -r "$tmp/tap.pcapng" -V 2>/dev/null | grep -qi 'malformed\|bogus' && fail "tshark finds it malformed"
else
    say "skipped: no tshark to open a capture with (deps.sh install check)"
fi
exits 2 tap no_such_link --instance front-$$
grep -q net_verify "$tmp/err" || fail "tap does not say which links there are"
exits 2 tap net_verify --filter 'no such filter' --instance front-$$
exits 2 tap
exits 1 tap net_verify --instance nobody
kill -TERM $front
wait $front
within 2 no_tiles || fail "tiles are left: $(tiles)"
say "the front accounts for every transaction"

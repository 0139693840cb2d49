#!/bin/bash
# test_store.sh OUT - sets become blocks: a real leader's first eight slots, whose proof of history goes on
# from the genesis; what is on disk is read while the node runs and afterwards; a store tile that is
# killed forgets nothing.
. "$(dirname "$0")/lib.sh"
vectors=${QS_VECTORS:-$(dirname "$0")/../../../shared/vectors}/live-leader

holds() { # holds FILE EXPRESSION
    [ "$(value "$tmp/$1" "$2" 2>&1)" = true ] || fail "$1: not $2: $(cut -c1-3000 "$tmp/$1")"
}

# What is no block is dead by name, and the run is none the worse for it.
"$out/e2e/shredpcap" "$tmp" || fail "shredpcap"
"$bin" dev --json --replay "$tmp/half.pcap" --port 8003 \
    --set "shred.leader_schedule=$tmp/schedule.json" >"$tmp/none" 2>"$tmp/none.log" ||
    fail "bytes that are no block: $(cat "$tmp/none.log")"
holds none "j['blocks']['complete'] == 0 and j['blocks']['dead'] == 4"
holds none "sum(j['blocks']['reasons'].values()) == 4"

# Options that cannot be are errors of configuration, and say so.
for bad in store.genesis=$tmp/nothing store.genesis_hash=0 "store.dir=$tmp/st --set store.window_bytes=2097152"; do
    # shellcheck disable=SC2086
    "$bin" dev --replay "$tmp/half.pcap" --port 8003 --set "shred.leader_schedule=$tmp/schedule.json" \
        --set $bad >"$tmp/bad.log" 2>&1
    [ $? = 2 ] || fail "$bad is no error: $(cat "$tmp/bad.log")"
    grep -q "${bad%%=*}\|store.window_bytes" "$tmp/bad.log" || fail "$bad: $(cat "$tmp/bad.log")"
done
"$bin" slots --dir "$tmp/nothing" >/dev/null 2>&1 && fail "slots of nothing"
"$bin" block x --dir "$tmp/nothing" >/dev/null 2>&1
[ $? = 2 ] || fail "block x is no error of usage"

if [ ! -r "$vectors/boot.pcap" ]; then
    say "skipped: vectors/live-leader is not here"
    exit 0
fi
python3 -c 'import json
json.dump({"66TR694VSBY6NtY7YK4mFwWePL3EAEdspA7szEYLYdEr": list(range(400))}, open("'"$tmp"'/live.json", "w"))'
disk="--set store.segment_bytes=1048576 --set store.window_bytes=8388608 --set store.hashes_per_tick=4000"
live() { # live NAME CAPTURE ARGUMENT...
    local name=$1 capture=$2
    shift 2
    # shellcheck disable=SC2086
    "$bin" dev --json --replay "$vectors/$capture" --port 8003 --set "shred.leader_schedule=$tmp/live.json" \
        --set "store.dir=$tmp/$name.store" $disk "$@" >"$tmp/$name" 2>"$tmp/$name.log" ||
        fail "$name: $(cat "$tmp/$name.log" "$tmp/$name")"
}

# The boot, its store tile killed in the middle; slots and block are asked while it runs.
live boot boot.pcap --set "store.genesis=$vectors/genesis.bin" --set store.sync=slot --set layout.idle=park &
lab=$!
some() { [ "$("$bin" slots --dir "$tmp/boot.store" 2>/dev/null | grep -c ' complete ')" -ge 2 ]; }
within 15 some || fail "no slots: $(cat "$tmp/boot.log")"
"$bin" feed --json >"$tmp/feed" 2>"$tmp/feed.log" &
reader=$!
within 10 grep -q '"kind":"entry"' "$tmp/feed" || fail "no entries: $(cat "$tmp/feed.log")"
kill -9 "$(tile_pid store)" || fail "no store tile"
"$bin" block 2 --dir "$tmp/boot.store" --json --bytes >"$tmp/block" || fail "block 2 while it runs"
wait $lab || fail "boot: $(cat "$tmp/boot.log")"
holds boot "j['ok'] and j['blocks']['complete'] == 8 and j['blocks']['dead'] == 0"
holds boot "j['blocks']['ticks'] >= 500 and all(s['start_known'] for s in j['blocks']['slots'])"
"$bin" slots --dir "$tmp/boot.store" --json >"$tmp/after" || fail "slots"
holds after "[s['slot'] for s in j['slots']] == list(range(1, 9)) and j['damaged'] == 0"
holds after "all(s['status'] == 'complete' and s['start_known'] and s['signed'] for s in j['slots'])"
holds after "all(s['chained'] for s in j['slots'][1:]) and j['slots'][0]['genesis']"
holds after "sum(s['ticks'] for s in j['slots']) == 512 and sum(s['entries'] for s in j['slots']) == 519"
holds after "sum(s['votes'] for s in j['slots']) == 7 and sum(s['txns'] for s in j['slots']) == 7"
holds after "j['slots'][0]['block_id'] == 'd2d014c7e7ce2b961aa54b5f73420f56e5fe03b28c58c83b1e655f8170701b75'"
holds after "j['slots'][7]['block_id'] == 'ed21ed93cbdc4d246bea7c25bc8186ea2862ccf71d9bd050170391665b9ef84c'"
holds block "len(j['entry_list']) == 65 and sum(len(e['txns']) for e in j['entry_list']) == 1"
holds block "[t for e in j['entry_list'] for t in e['txns']][0]['vote']"
holds block "j['entry_list'][-1]['hash'] == j['hash']"
# What a reader is told once more says so, and only what came before the restart does.
wait $reader
python3 - "$tmp/feed" <<'P' || fail "the feed: $(tail -n 3 "$tmp/feed")"
import json, sys
seen, again, slots = set(), 0, {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r.get("kind") not in ("entry", "txn"):
        continue
    key = r["kind"], r["slot"], r["idx"]
    told = "again" in r["trust"]
    assert told or key not in seen, r
    again += told
    seen.add(key)
    slots.setdefault(r["slot"], set()).add(told)
print(f"{len(seen)} entries and transactions, {again} once more or late")
assert slots[max(slots)] == {False} and len(slots) >= 3, slots
P

# Another genesis is another start; and the hash may be given itself.
"$bin" dev --json --replay "$vectors/boot.pcap" --port 8003 --speed 20 --set store.hashes_per_tick=4000 \
    --set "shred.leader_schedule=$tmp/live.json" --set "store.genesis=$tmp/live.json" >"$tmp/other" 2>/dev/null
holds other "j['blocks']['reasons'] == {'start': 1} and j['blocks']['complete'] == 7"

"$bin" dev --json --replay "$vectors/boot.pcap" --port 8003 --speed 20 --set "shred.leader_schedule=$tmp/live.json" \
    --set store.genesis_hash=BKyKGZgrNNWkEbyCN7YtWfJjgejNexdu8g9iEgC3Vids >"$tmp/same" 2>/dev/null
holds same "j['blocks']['complete'] == 8 and j['blocks']['start_unknown'] == 0"

# A busy leader, fast: all of it, and every transaction.
live leader leader.pcap --speed 20
holds leader "j['ok'] and j['blocks']['complete'] == 22 and j['blocks']['dead'] == 0"
holds leader "j['blocks']['txns'] == 1561 and j['blocks']['votes'] == 22 and j['blocks']['signatures'] == 1777"
holds leader "j['blocks']['entries'] == 2969 and j['blocks']['start_unknown'] == 1"
"$bin" slots --dir "$tmp/leader.store" >"$tmp/table" || fail "slots, for people"
grep -q ' 78 .* complete .* 541a97a208ec20d118a735d929bca93f4f24fd857c9337075c9207098ff3dcd0$' "$tmp/table" ||
    fail "slots: $(cat "$tmp/table")"

#!/bin/bash
# The feed's library as others use it: installed, found by pkg-config, from C and from Python; what it exports and
# how its structures lie is ABI 1; 16 readers at once; the command's choices.
. "$(dirname "$0")/lib.sh"
cd "$(dirname "$0")/../.." || exit 1
dir=$tmp feed=/dev/shm/quickstep-test-feed

make -s install OUT="$out" DESTDIR="$dir" PREFIX=/usr >"$dir/log" 2>&1 || { cat "$dir/log" && exit 1; }
export PKG_CONFIG_PATH=$dir/usr/lib/pkgconfig LD_LIBRARY_PATH=$dir/usr/lib QUICKSTEP_CLIENT=$dir/usr/lib/libquickstep-client.so.1

exported=$(nm -D --defined-only "$QUICKSTEP_CLIENT" | awk '{print $3}' | sort | tr '\n' ' ')
[ "$exported" = "qs_feed_abi qs_feed_close qs_feed_missed qs_feed_next qs_feed_open qs_feed_payload qs_feed_seq qs_feed_silent_ns qs_feed_wait qs_feed_want " ] ||
    fail "exports: $exported"
readelf -d "$QUICKSTEP_CLIENT" | grep -q 'SONAME.*libquickstep-client.so.1' || fail "no soname"

# ABI 1: sizes and offsets as a program that was built then has them; C and C++ take the header alone.
cat >"$dir/abi.c" <<'C'
#include <stddef.h>
#include <stdio.h>
#include <quickstep_client.h>
#define AT(type, field) printf(#type "." #field " %zu\n", offsetof(type, field))
int main(void) {
    printf("%zu %zu %zu %zu %zu\n", sizeof(qs_feed_rec_t), sizeof(qs_feed_set_t), sizeof(qs_feed_entry_t), sizeof(qs_feed_txn_t), sizeof(qs_feed_status_t));
    AT(qs_feed_rec_t, kind); AT(qs_feed_rec_t, slot); AT(qs_feed_rec_t, flags); AT(qs_feed_rec_t, idx); AT(qs_feed_rec_t, arrival_ns); AT(qs_feed_rec_t, published_ns);
    AT(qs_feed_set_t, parent_off); AT(qs_feed_set_t, shred_cnt); AT(qs_feed_entry_t, num_hashes); AT(qs_feed_txn_t, account_off); AT(qs_feed_txn_t, version);
    AT(qs_feed_status_t, reason); AT(qs_feed_status_t, block_id); AT(qs_feed_status_t, vote_cnt);
    printf("%u %d %d %d\n", qs_feed_abi(), QS_FEED_STATUS, QS_FEED_FLAWED, QS_FEED_CONFLICTING);
    return 0;
}
C
want='80 80 48 16 144
qs_feed_rec_t.kind 8
qs_feed_rec_t.slot 16
qs_feed_rec_t.flags 24
qs_feed_rec_t.idx 32
qs_feed_rec_t.arrival_ns 40
qs_feed_rec_t.published_ns 64
qs_feed_set_t.parent_off 64
qs_feed_set_t.shred_cnt 72
qs_feed_entry_t.num_hashes 32
qs_feed_txn_t.account_off 8
qs_feed_txn_t.version 13
qs_feed_status_t.reason 16
qs_feed_status_t.block_id 56
qs_feed_status_t.vote_cnt 136
1 4 1024 4'
# shellcheck disable=SC2046
gcc -std=c99 -Wall -Werror -o "$dir/abi" "$dir/abi.c" $(pkg-config --cflags --libs quickstep-client) || fail "the header alone does not compile"
[ "$("$dir/abi")" = "$want" ] || fail "the ABI is another: $("$dir/abi")"
# shellcheck disable=SC2046
gcc -Wall -Werror -o "$dir/feed_slots" contrib/feed/feed_slots.c $(pkg-config --cflags --libs quickstep-client) || fail "the example does not compile"

# 16 readers, programs of their own, while a node publishes 3000 records in a second.
mkfifo "$dir/go"
"$out/e2e/feed_play" "$feed" 3000 3000 <"$dir/go" >"$dir/play" 2>&1 &
player=$!
exec 9>"$dir/go"
within 10 grep -q ready "$dir/play" || fail "no feed"
readers=()
for i in 1 2 3 4 5 6; do "$dir/feed_slots" "$feed" 3000 >"$dir/c$i" 2>&1 & readers+=($!); done
for i in 1 2; do python3 contrib/feed/feed_slots.py "$feed" 3000 >"$dir/py$i" 2>&1 & readers+=($!); done
for i in 1 2 3 4; do "$out/quickstep" feed --instance "$feed" --oldest --count 3000 --json >"$dir/json$i" 2>/dev/null & readers+=($!); done
"$out/quickstep" feed --instance "$feed" --oldest --kind status --count 300 >"$dir/status" 2>/dev/null & readers+=($!)
"$out/quickstep" feed --instance "$feed" --oldest --account 4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi --json --count 900 >"$dir/account" 2>/dev/null & readers+=($!)
"$out/quickstep" feed --instance "$feed" --from-slot 200 --kind txn,status --count 1001 --json >"$dir/from" 2>/dev/null & readers+=($!)
"$out/quickstep" feed --instance "$feed" --no-votes --oldest --count 10 >"$dir/votes" 2>/dev/null & readers+=($!)
echo go >&9
for p in "${readers[@]}"; do wait "$p" || fail "a reader failed"; done
wait "$player" || fail "the node failed"
for i in 1 2 3 4 5 6; do grep -q '^3000 records, 2700 of them transactions, 0 missed' "$dir/c$i" || fail "C: $(tail -n 1 "$dir/c$i")"; done
for i in 1 2; do grep -q '^3000 records, 2700 of them transactions, 0 missed' "$dir/py$i" || fail "Python: $(tail -n 1 "$dir/py$i")"; done
grep -q '^slot 300: 9 transactions, complete 2.0 ms' "$dir/py1" || fail "Python: $(tail -n 3 "$dir/py1")"
for i in 1 2 3 4; do
    python3 - "$dir/json$i" <<'PY' || fail "json$i"
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
assert [r["seq"] for r in rows[:-1]] == list(range(1, 3001)), "a gap"
assert rows[-1]["end"] and rows[-1]["missed"] == 0 and rows[-1]["shown"] == 3000
assert all(r["trust"] == ["signed", "merkle"] for r in rows[:-1])
assert rows[9]["kind"] == "status" and rows[9]["state"] == "complete" and rows[8]["kind"] == "txn" and len(rows[8]["id"]) > 60
PY
done
[ "$(grep -c ' status ' "$dir/status")" = 300 ] && ! grep -q ' txn ' "$dir/status" || fail "--kind status"
[ "$(grep -c '"kind":"txn"' "$dir/account")" = 900 ] || fail "--account: $(grep -c txn "$dir/account")"
[ "$(head -n 1 "$dir/from" | grep -o '"slot":[0-9]*')" = '"slot":200' ] || fail "--from-slot: $(head -n 1 "$dir/from")"

# What cannot be is said in a line.
"$out/quickstep" feed --instance no-such-node 2>"$dir/err" && fail "a feed of nobody"
grep -q 'no feed' "$dir/err" || fail "no reason"
"$out/quickstep" feed --kind blocks 2>"$dir/err"; [ $? = 2 ] || fail "--kind blocks"
head -c 100000 /dev/urandom >"$dir/noise"
"$out/quickstep" feed --instance "$dir/noise" 2>"$dir/err" && fail "noise is a feed"
exit 0

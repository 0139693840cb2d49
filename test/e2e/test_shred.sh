#!/bin/bash
# test_shred.sh OUT - shreds on the wire become sets: from whole captures, from half of each set, and
# between bad ones; the summary says which, their roots, and why the others were refused.
. "$(dirname "$0")/lib.sh"
vectors=${QS_VECTORS:-$(dirname "$0")/../../../shared/vectors}
"$out/e2e/shredpcap" "$tmp" || fail "shredpcap"

# dev NAME CAPTURE SCHEDULE ARGUMENT...: its JSON is $tmp/NAME, its exit code $code.
dev() {
    local name=$1 capture=$2 schedule=$3
    shift 3
    "$bin" dev --json --replay "$capture" --port 8003 --set "shred.leader_schedule=$schedule" "$@" \
        >"$tmp/$name" 2>"$tmp/$name.log"
    code=$?
}
holds() { # holds NAME EXPRESSION
    [ "$(value "$tmp/$1" "$2" 2>&1)" = true ] ||
        fail "$1: not $2: $(cat "$tmp/$1" "$tmp/$1.log")"
}
same_roots() {
    value "$tmp/$1" "chr(10).join('%d %d %s' % (s['slot'], s['fec_idx'], s['root']) for s in sorted(j['shreds']['sets'], key=lambda s: (s['slot'], s['fec_idx'])))" |
        cmp -s - "$tmp/roots" || fail "$1: other roots: $(cat "$tmp/$1")"
}

for name in whole half bad; do
    dev $name "$tmp/$name.pcap" "$tmp/schedule.json"
    [ $code = 0 ] || fail "$name: exit code $code: $(cat "$tmp/$name.log")"
    holds $name "j['ok'] and j['lost'] == 0 and j['sent'] == j['shreds']['received']"
    holds $name "j['shreds']['sets_complete'] == 12 and j['shreds']['sets_delivered'] == 12"
    holds $name "j['shreds']['sets_flawed'] == 0 and j['shreds']['version'] == 777"
    holds $name "[s['last'] for s in j['shreds']['sets']].count(True) == 4"
    same_roots $name
done
holds whole "j['shreds']['late'] == 12 * 32 and j['shreds']['rejected'] == {}"
holds half "j['shreds']['recovered'] == 12 * 32 and j['shreds']['rejected'] == {}"
holds bad "set(j['shreds']['rejected']) == {'version', 'signature', 'short_data', 'short_code', 'leader_unknown', 'legacy'}"
holds bad "sum(j['shreds']['rejected'].values()) == 12 * 32"

# Two tiles share the sets: each comes once, from one of them.
dev two "$tmp/half.pcap" "$tmp/schedule.json" --set shred.tiles=2
[ $code = 0 ] || fail "two tiles: exit code $code: $(cat "$tmp/two.log")"
holds two "j['ok'] and j['lost'] == 0 and j['sent'] == j['shreds']['received']"
holds two "j['shreds']['sets_complete'] == 12 and j['shreds']['sets_delivered'] == 12"
holds two "j['shreds']['rejected'] == {}"
same_roots two

# Without a schedule nothing is taken, or all of it and marked.
dev drop "$tmp/half.pcap" "$tmp/none.json" --set shred.leader_schedule=
holds drop "'shreds' not in j and j['received'] == j['sent']"
dev mark "$tmp/half.pcap" "" --set shred.unverified=mark
[ $code = 0 ] || fail "mark: exit code $code: $(cat "$tmp/mark.log")"
holds mark "j['shreds']['sets_complete'] == 12 and not any(s['signed'] for s in j['shreds']['sets'])"
holds mark "j['shreds']['signatures'] == 0 and j['shreds']['version'] == 0"
holds half "all(s['signed'] for s in j['shreds']['sets'])"
same_roots mark

# A schedule that is none is an error of configuration, and says where.
echo '{"x":[0]}' >"$tmp/none.json"
for schedule in "$tmp/none.json" "$tmp/no-such.json"; do
    dev none "$tmp/whole.pcap" "$schedule"
    [ $code = 2 ] || fail "a bad schedule: exit code $code: $(cat "$tmp/none.log")"
    grep -q 'shred.leader_schedule' "$tmp/none.log" || fail "a bad schedule: $(cat "$tmp/none.log")"
done

if [ -r "$vectors/live-leader/boot.pcap" ]; then
    python3 -c 'import json
json.dump({"66TR694VSBY6NtY7YK4mFwWePL3EAEdspA7szEYLYdEr": list(range(400))}, open("'"$tmp"'/live.json", "w"))'
    dev live "$vectors/live-leader/boot.pcap" "$tmp/live.json"
    [ $code = 0 ] || fail "live: exit code $code: $(cat "$tmp/live.log")"
    holds live "j['shreds']['received'] == 1024 and j['shreds']['sets_complete'] == 16"
    holds live "j['shreds']['rejected'] == {} and j['shreds']['version'] == 41383"
    holds live "[s['root'] for s in j['shreds']['sets'] if s['slot'] == 8][-1] == 'ed21ed93cbdc4d246bea7c25bc8186ea2862ccf71d9bd050170391665b9ef84c'"
else
    say "skipped: vectors/live-leader/boot.pcap is not here"
fi

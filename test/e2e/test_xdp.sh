#!/bin/bash
# test_xdp.sh OUT - Goal: xdp show tells what is attached, xdp detach takes off ours and nothing else.
# Method: a veth pair in a namespace of our own; a program of its own holds what is looked at.
. "$(dirname "$0")/lib.sh"
ip link add qs0 type veth peer name qs1 2>/dev/null || { say "skipped: no veth here" && exit 77; }
ip link set qs0 up && ip link set qs1 up || exit 1

holder=
hold() { # hold MODE: in the background, until it says that it holds
    "$out/e2e/xdp_hold" qs0 "$1" >"$tmp/held" 2>"$tmp/said" &
    holder=$!
    within 10 grep -qs held "$tmp/held" || { kill $holder 2>/dev/null && return 1; }
}
shown() { "$bin" xdp show "$@" --json >"$tmp/json" || fail "xdp show $*"; }
is() { [ "$(value "$tmp/json" "$1")" = true ] || fail "not $1: $(cat "$tmp/json")"; }

[ "$("$bin" xdp show --json)" = '{"programs":[]}' ] || fail "something in a new namespace"
hold skb || { say "skipped: no XDP here: $(cat "$tmp/said")" && exit 77; }
kill $holder && wait $holder
within 5 bash -c '"$0" xdp show qs0 2>&1 | grep -q "no XDP program on qs0"' "$bin" || fail "a dead owner's program stays"

for mode in skb drv; do
    hold $mode || fail "hold $mode: $(cat "$tmp/said")"
    shown
    is 'len(j["programs"]) == 1'
    shown qs0 --program
    is "len(j['programs']) == 1 and all(
        p['interface'] == 'qs0' and p['ours'] and p['program_name'] == 'qs_xdp' and p['mode'] == '$mode' and
        p['link_id'] > 0 and p['instructions'] > 20 and 'exit' in p['program'] and
        p['xskmap']['slots'] == 2 and p['xskmap']['sockets'] == [{'slot': 0, 'queue': 0}] for p in j['programs'])"
    "$bin" xdp show --program >"$tmp/text" || fail "xdp show as text"
    grep -q "^qs0 .*\"qs_xdp\" (quickstep), mode $mode, link" "$tmp/text" || fail "text: $(cat "$tmp/text")"
    grep -q 'slots: 0 have a socket' "$tmp/text" || fail "slots: $(cat "$tmp/text")"
    grep -q '^ *[0-9]*: exit$' "$tmp/text" || fail "no listing: $(cat "$tmp/text")"
    [ "$("$bin" xdp show qs1 --json)" = '{"programs":[]}' ] || fail "something on qs1"
    [ "$("$bin" xdp detach qs0 --json)" = '{"interface":"qs0","detached":true}' ] || fail "detach"
    wait $holder || fail "the owner did not notice ($?)"
    "$bin" xdp detach qs0 2>"$tmp/said"
    [ $? = 1 ] && grep -q QS-XDP-002 "$tmp/said" || fail "detach of nothing: $(cat "$tmp/said")"
done

hold stranger || fail "hold stranger"
shown qs0
is 'not j["programs"][0]["ours"] and j["programs"][0]["xskmap"] is None'
link=$(value "$tmp/json" 'j["programs"][0]["link_id"]')
"$bin" xdp detach qs0 2>"$tmp/said"
[ $? = 1 ] && grep -q QS-XDP-001 "$tmp/said" || fail "detach of a stranger: $(cat "$tmp/said")"
grep -q "\"stranger\" .*bpftool link detach id $link" "$tmp/said" || fail "words: $(cat "$tmp/said")"
shown qs0
is 'j["programs"][0]["program_name"] == "stranger"'
if [ "$E2E_INSIDE" = root ]; then
    setpriv --reuid 65534 --clear-groups "$bin" xdp detach qs0 2>"$tmp/said"
    [ $? = 1 ] && grep -q QS-XDP-004 "$tmp/said" || fail "detach by nobody: $(cat "$tmp/said")"
fi
kill $holder && wait $holder

for command in "show nope" "detach nope"; do
    # shellcheck disable=SC2086
    "$bin" xdp $command 2>"$tmp/said"
    [ $? = 1 ] && grep -q QS-XDP-003 "$tmp/said" || fail "$command: $(cat "$tmp/said")"
done
for command in "" "detach" "show a b" "attach qs0"; do
    # shellcheck disable=SC2086
    "$bin" xdp $command 2>/dev/null
    [ $? = 2 ] || fail "xdp $command is no usage error"
done
"$bin" xdp --help | grep -q detach || fail "no help"
say ok

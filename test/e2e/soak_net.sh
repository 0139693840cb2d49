#!/bin/bash
# soak_net.sh OUT SECONDS - Goal: no frame of a UMEM is ever lost or in two places, whatever traffic there is
# and whoever dies.  Method: the lab over XDP, with random rates and sizes; net tiles of both nodes are
# killed at random moments; every audit of every life must be clean, and the lab must account for all.
. "$(dirname "$0")/lib.sh"
[ "$E2E_INSIDE" = root ] || { say "skipped: needs root" && exit 77; }
end=$((SECONDS + $2))
laps=0 kills=0 audits=0
while [ $SECONDS -lt $end ]; do
    left=$((end - SECONDS))
    lap=$((left < 10 ? left : 10))
    "$bin" dev --json --seconds "$lap" --rate $((1000 + RANDOM % 20000)) \
        --set load.payload_bytes=$((32 + RANDOM % 1200)) >"$tmp/lab" 2>"$tmp/log" &
    lab=$!
    within 10 grep -q 'nodes on network' "$tmp/log" || fail "no lab: $(cat "$tmp/log")"
    until ended $lab; do
        sleep "0.$((RANDOM % 10))"
        pid=$(tile_pid net $((1 + RANDOM % 2)))
        [ -n "$pid" ] && kill -9 "$pid" && kills=$((kills + 1))
        sleep "0.$((RANDOM % 10))"
        for i in $("$bin" ps --json | python3 -c 'import json, sys
for i in json.load(sys.stdin)["instances"]:
    if i["alive"]: print(i["instance"])'); do
            "$bin" metrics --instance "$i" 2>/dev/null | awk '/^quickstep_net_(audit_bad|frames_missing|frames_twice)/ && $2 > 0 { bad = 1; print }
                END { exit bad }' || fail "frames: $(cat "$tmp/log")"
            audits=$((audits + 1))
        done
    done
    wait $lab || fail "the lab: $(cat "$tmp/lab" "$tmp/log")"
    laps=$((laps + 1))
done
say "$laps labs, $kills net tiles killed, $audits looks at the audits: every frame is in one place"

#!/bin/bash
# test_chain_kill.sh OUT [N] - kills on a chain of five tiles joined by reliable links.
#
# First N (or KILLS, default 10) tiles, chosen and timed at random, while numbers run through: then
# the source is told to stop, the chain must drain, and check must have had every number.  Then the
# supervisor, at random moments from its start on: no process may be left, the numbers must stay
# readable, and the next start must remove the memory.
. "$(dirname "$0")/lib.sh"
kills=${2:-${KILLS:-10}}
chain=$out/e2e/chain
base=chain-$$-$RANDOM
name=$base
RANDOM=${SEED:-$$$(date +%N | cut -c4-)}

sample() { # sample METRIC OF: number, or nothing
    "$chain" metrics --instance "$name" 2>/dev/null |
        sed -n "s/^quickstep_$2_$1_total{[^}]*} //p"
}

start() {
    "$chain" run --instance "$name" --set load.rate_pps=0 --set log.level=error \
        2>>"$tmp/log" &
    supervisor=$!
}

flows() { [ "$(sample received check || true)" -gt "${1:-0}" ] 2>/dev/null; }
drained() {
    local sent received
    sent=$(sample sent count) && received=$(sample received check) &&
        [ -n "$sent" ] && [ "$sent" = "$received" ] && [ "$sent" = "$(sample sent count)" ]
}

start
within 10 flows 1000 || fail "the chain does not start: $(cat "$tmp/log")"
victims=(count relay0 relay1 relay2 check)
for ((i = 0; i < kills; i++)); do
    victim=${victims[RANDOM % 5]}
    "$chain" monitor --json --once --instance "$name" >"$tmp/monitor" || fail "monitor, kill $i"
    pid=$(value "$tmp/monitor" "sum(t['pid'] for t in j['tiles']
        if t['name'] == '$victim' and t['state'] == 'run')")
    if [ "$(tile_pid "$victim")" = "$pid" ]; then
        kill -9 "$pid"
    else
        i=$((i - 1)) # it is between two lives
    fi
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
done
kill -USR1 $supervisor
# A tile that was killed often waits up to 5 s for its next life.
within 20 drained || fail "it does not drain: sent $(sample sent count), received $(sample received check)"
sent=$(sample sent count)
[ "$(sample missing check)" = 0 ] || fail "$(sample missing check) of $sent missing"
[ "$(sample damaged check)" = 0 ] || fail "$(sample damaged check) of $sent damaged"
# The supervisor's own count: a tile that is killed before it counts its start is in it too, and a
# crash cannot hide among the kills.
restarts() {
    "$chain" ps --json >"$tmp/ps" &&
        value "$tmp/ps" "sum(i['restarts'] for i in j['instances'] if i['instance'] == '$name')"
}
restarted() { [ "$(restarts)" = "$kills" ]; }
within 6 restarted || fail "$(restarts) restarts after $kills kills: $(cat "$tmp/log")"
say "$kills tiles killed: $sent numbers, all came, $(sample repeated check) again"
kill -TERM $supervisor
wait $supervisor || fail "the chain ended with $?: $(cat "$tmp/log")"
no_tiles || fail "left after SIGTERM: $(tiles)"

rounds=$((kills / 3 + 1))
for ((i = 0; i < rounds; i++)); do
    name=$base-$i
    start
    ran=no
    [ $((i % 2)) = 0 ] && within 10 flows 100 && ran=yes
    sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
    kill -9 $supervisor
    wait $supervisor 2>/dev/null
    within 2 no_tiles || fail "left 2 s after the supervisor was killed: $(tiles)"
    if [ $ran = yes ]; then
        "$chain" metrics --json --instance "$name" >"$tmp/metrics" || fail "metrics of the dead"
        [ "$(value "$tmp/metrics" "j['alive']")" = false ] || fail "the dead instance says it lives"
        flows 99 || fail "the dead instance's numbers are gone"
        "$chain" monitor --once --json --instance "$name" >"$tmp/monitor" || fail "monitor of the dead"
    fi
    [ "$(instances)" -le 1 ] || fail "dead instances pile up: $(ls /dev/shm/*)"
done
name=$base-next
start
within 10 flows 10 || fail "the next chain does not start: $(cat "$tmp/log")"
[ "$(instances)" = 1 ] || fail "the next start left $(ls /dev/shm/*)"
[ "$(find /dev/shm -name '*.wksp' | wc -l)" -le 7 ] || fail "$(find /dev/shm -name '*.wksp')"
kill -TERM $supervisor
wait $supervisor || fail "the last chain ended with $?"
[ "$(huge_files)" -le 7 ] || fail "huge pages are left: $(find "$tmp/huge" -type f)"
[ "$(spaces)" = 1 ] || fail "namespaces are left"
say "$rounds supervisors killed: nothing left, numbers readable"

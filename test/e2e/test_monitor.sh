#!/bin/bash
# test_monitor.sh OUT - the monitor on a terminal, as a person has it: every view at 80x24 and 200x60, of a
# lab, of a tile that stands still, and of a node that died; the terminal comes back on every way out.
. "$(dirname "$0")/lib.sh"
command -v tmux >/dev/null || { say "skipped: no tmux"; exit 77; }
export TERM=xterm TMUX_TMPDIR=$tmp LC_ALL=C.UTF-8
t() { tmux -L mon -f /dev/null "$@"; }
screen() { t capture-pane -p -t m; }
sees() { screen | grep -qE -- "$1"; }
lacks() { ! sees "$1"; }
key() { t send-keys -t m "$@"; }
want() { within 6 sees "$1" || fail "$2: $(screen)"; }
one_wide() { [ "$(screen | awk '{ if (length > m) m = length } END { print m }')" -le "$1" ]; }

"$bin" dev --seconds 0 >"$tmp/dev" 2>"$tmp/dev.log" &
dev=$!
node() { ls -d /dev/shm/quickstep-*/dev-*-n0/boot.wksp 2>/dev/null | head -n 1; }
running() { [ -n "$(node)" ] && "$bin" monitor --once --json --instance "$(basename "$(dirname "$(node)")")" >"$tmp/json" 2>/dev/null; }
within 15 running || fail "no lab: $(cat "$tmp/dev.log")"
name=$(basename "$(dirname "$(node)")")

# Without a terminal a view is text.
for view in overview tiles links net shreds peers txns errors; do
    "$bin" monitor --once --view $view --instance "$name" >"$tmp/view" || fail "--view $view"
    grep -q "\[. $view\]" "$tmp/view" || fail "--view $view: $(cat "$tmp/view")"
done
"$bin" monitor --once --view nothing --instance "$name" 2>/dev/null
[ $? = 2 ] || fail "a view that there is not is accepted"

t new-session -d -s m -x 80 -y 24 "bash --norc"
key "$bin monitor; echo left-\$?" Enter
for size in "80 24" "200 60"; do
    t resize-window -t m -x "${size% *}" -y "${size#* }"
    key 1; want 'identity' "overview at $size"; want 'health +(good|TROUBLE)' "health at $size"
    key 2; want 'net.* run ' "tiles at $size"
    key 3; want 'net_.*[0-9]' "links at $size"
    key 4; want 'rx_datagram' "net at $size"
    key 5; want '(assembled|complete)' "shreds at $size"
    key 6; want '[0-9]+ nodes' "peers at $size"
    key 7; want 'verif' "transactions at $size"
    key 8; want '\[8 errors\]' "errors at $size"
    key '?'; want 'next instance' "help at $size"; key '?'
    one_wide "${size% *}" || fail "wider than $size"
done
key 2; key /; key -l store; key Enter; want '/store' "the filter"
within 3 lacks ' net +run' || fail "the filter hides nothing: $(screen)"
key Escape; key p; want PAUSED "p"
still=$(screen)
sleep 1.2
[ "$(screen)" = "$still" ] || fail "it is paused, and moves: $(screen)"
key p
within 3 lacks PAUSED || fail "p again"
key 4; want 'rx_datagram +[0-9]' "net"
received() { screen | awk '$2 == "rx_datagram" { n = $3; u = substr(n, length(n)); s = int(n * (u == "k" ? 1e3 : u == "M" ? 1e6 : 1)) } END { print s + 0 }'; }
total=$(received)
key r; want 'since reset' "r"
[ "$total" -gt 1000 ] && [ "$(received)" -lt "$total" ] || fail "reset from $total to $(received)"
first=$(screen | awk 'NR == 1 { print $1 }')
key n; within 3 lacks "^$first " || fail "n stays: $(screen)"
key n; key n; key 2

# A node that is flooded: garbage where transactions are expected.
"$bin" dev exec 1 "$bin" pktgen --provider socket --to 10.77.0.1 --ports 9001 --rate 20000 --size 600 --garbage 100 \
    --seconds 12 >"$tmp/flood" 2>&1 &
flood=$!
key q; want 'left-0' "q"
key "clear; $bin monitor --instance $name; echo left-\$?" Enter; want 'leader' "a named one"
for size in "80 24" "200 60"; do
    t resize-window -t m -x "${size% *}" -y "${size#* }"
    key 1; want 'received +[0-9.]+k/s' "a flood in the overview at $size"
    key 7; want 'rejected_[a-z]+ +[0-9.]+[kM] +[0-9.]+[0-9k] ' "what is refused at $size"
    key 2; want 'verify +run' "tiles in a flood at $size"
done
kill -0 $flood 2>/dev/null || fail "the flood was over: $(cat "$tmp/flood")"
wait $flood || fail "pktgen: $(cat "$tmp/flood")"

# A frame is one write, a change of view too; without colour where that is asked for.
monitor_pid() { pgrep -n -f "^$bin monitor --instance $name\$"; }
writes() { awk '$1 == "syscw:" { print $2 }' "/proc/$(monitor_pid)/io"; }
before=$(writes)
sleep 2
steady=$(($(writes) - before))
[ "$steady" -ge 2 ] && [ "$steady" -le 5 ] || fail "$steady writes in 2 s of 2 frames a second"
before=$(writes)
for view in 3 4 5 2; do key $view; sleep 0.2; done
turned=$(($(writes) - before))
[ "$turned" -ge 4 ] && [ "$turned" -le 7 ] || fail "$turned writes for 4 changes of view"
key q; want 'left-0' "q"
drawn() { # drawn FILE WORDS...: all that a view writes to the terminal
    t pipe-pane -t m "cat >$1"
    key "clear; ${*:2} $bin monitor --instance $name --view overview" Enter; want 'health +good' "overview"
    key q; within 3 lacks '1 overview' || fail "q"
    t pipe-pane -t m
}
coloured() { LC_ALL=C grep -qE $'\033\\[[0-9;]*3[0-7](;[0-9]+)*m' "$1"; }
drawn "$tmp/plain" NO_COLOR=1
drawn "$tmp/colours"
coloured "$tmp/colours" || fail "no colours"
coloured "$tmp/plain" && fail "there are colours with NO_COLOR"

# A tile that stands still.
key "clear; $bin monitor --instance $name --view tiles" Enter; want '\[2 tiles\]' "a named one"
pid=$(value "$tmp/json" "[t['pid'] for t in j['tiles'] if t['name'] == 'dedup'][0]" 2>/dev/null)
[ -n "$pid" ] || pid=$(tile_pid dedup)
kill -STOP "$pid"
want '!dedup +STALL' "a stopped tile"
kill -CONT "$pid"
want 'dedup +run' "it goes on"

# Every way out gives the terminal back as it was: a key, a signal, a crash.
key q; within 3 lacks '\[2 tiles\]'
for out in q INT TERM HUP QUIT ABRT SEGV BUS; do
    key "clear; stty -g >$tmp/tty-before; $bin monitor --instance $name --view tiles; stty -g >$tmp/tty-after; echo after-$out" Enter
    want '\[2 tiles\]' "before $out"
    case $out in
    q) key q ;;
    *) kill -$out "$(pgrep -n -f "monitor --instance $name --view tiles\$")" ;;
    esac
    want "after-$out" "$out leaves the terminal"
    cmp "$tmp/tty-before" "$tmp/tty-after" || fail "$out: the terminal is not as it was: $(screen)"
    [ "$(t display-message -p -t m '#{alternate_on}#{cursor_flag}')" = 01 ] || fail "$out: no cursor, or the other screen"
done

# The supervisor is killed: the monitor says so and shows the last state.
key "clear; $bin monitor --instance $name --view tiles" Enter; want 'alive' "once more"
kill -9 "$dev"
want 'DEAD: its last state' "a dead node"
want 'dedup' "its tiles"
pid=$(pgrep -n -f "monitor --instance $name --view tiles\$") || fail "no monitor"
t kill-server
gone() { ! kill -0 "$pid" 2>/dev/null; }
within 3 gone || fail "the terminal is gone, and the monitor lives"
"$bin" monitor --once --view overview --instance "$name" | grep -q 'DEAD' || fail "a dead one from anew"
say "ok"

#!/bin/bash
# alone: compares the host's huge pages
# test_walk.sh OUT - the README's first steps as a person takes them, in two terminals: `make run SECONDS=0`, the monitor,
# the feed through grep, a scrape, Ctrl-C; and the host is as it was: mounts, huge pages, links, sysctls, namespaces,
# shared memory, processes.
. "$(dirname "$0")/lib.sh"
command -v tmux >/dev/null || { say "skipped: no tmux"; exit 77; }
export TERM=xterm TMUX_TMPDIR=$tmp LC_ALL=C.UTF-8
root=$(cd "$(dirname "$0")/../.." && pwd)
t() { tmux -L walk -f /dev/null "$@"; }
shows() { t capture-pane -p -S - -t "walk:$1" | grep -qE -- "$2"; }
want() { within "$1" shows "$2" "$3" || fail "no '$3': $(t capture-pane -p -S - -t "walk:$2" | tail -n 40)"; }
key() { t send-keys -t "walk:1" "$@"; }

# What counts or draws lots by itself, and what may only be written.
moves='/(random/(uuid|entropy_avail)|(dentry|inode)-(state|nr)|file-nr|aio-nr|ns_last_pid|pty/nr|nf_conntrack_count|keys/.*|flush|'
moves+='stat_refresh|compact_memory|drop_caches|lost_records|usermodehelper/.*|perf_event_max_sample_rate|tainted|(hung_task_detect|oops|warn)_count)$'
# The programs of this script itself.
ours='bash|test_walk.sh|tmux.*|cat|diff|find|grep|sed|awk|ip|ls|lsns|sort|wc|date|sleep'

host() {
    cat /proc/mounts
    find /sys/kernel/mm/hugepages /sys/fs/bpf -type f -exec grep -H . {} + 2>/dev/null | sort
    find /proc/sys -type f 2>/dev/null | grep -vE "$moves" | sort | xargs grep -sH .
    ip -o link | sed 's/<[^>]*>//; s/ state [A-Z]*//'
    ip -o addr | sed 's/ *valid_lft.*//'
    ip route show table all
    find /dev/shm "$tmp/huge" -mindepth 1 ! -path "*/quickstep-*/.lock" ! -name "quickstep-$(id -u)" # which stay
    ls /run/netns 2>/dev/null
    lsns -n -t net -o NS 2>/dev/null | sort -u | wc -l
    cat /proc/[0-9]*/comm 2>/dev/null | sort | grep -vxE "$ours"
}
t new-session -d -s walk -x 200 -y 50 "bash --norc"
t new-window -d -t walk:1 "bash --norc"
host >"$tmp/before"

t send-keys -t walk:0 "cd $root && make -s run SECONDS=0 OUT=$out" Enter
want 120 0 'in complete blocks [1-9]'
key "cd $root && $bin monitor; echo left-\$?" Enter
want 10 1 'health +good'
key 5
want 10 1 'complete +[#+]+'
key q
want 5 1 'left-0'
key "clear; $bin feed --json | grep -m 3 '\"slot\"'; echo fed-\$?" Enter
want 10 1 'fed-0'
key "clear; $bin dev exec 0 python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:7990/metrics\").read().decode())' | grep -c ^quickstep_; echo scraped-\$?" Enter
want 10 1 '^[1-9][0-9]{2,}$'
want 5 1 'scraped-0'
t send-keys -t walk:0 C-c
want 20 0 '^ok: every transaction'
t send-keys -t walk:0 "clear; echo over" Enter # the shell is back
want 10 0 '^over'
as_before() { host | diff "$tmp/before" - >"$tmp/changed"; }
within 5 as_before || fail "the host is not as before: $(cat "$tmp/changed")"
t kill-server
say "two terminals, and nothing is left of it"

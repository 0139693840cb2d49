# lib.sh - sourced by the end-to-end scripts: `. "$(dirname "$0")/lib.sh"` with the script's own
# arguments, OUT first.
#
# A script runs in mount, network, process and user (if it must) namespaces of its own: /dev/shm is
# empty, lo is up, and it sees no process but its own, so whatever is left over is ours, and all
# of it ends with the script however that ends.  Without such namespaces it is skipped.
#
# Sets: out, bin (absolute), tmp (removed at the end).

set -u
out=$(cd "$1" && pwd) || exit 1
bin=$out/quickstep

if [ -z "${E2E_INSIDE:-}" ]; then
    tmp=$(mktemp -d) || exit 1
    trap 'rm -rf "$tmp"' EXIT
    spaces="--mount --net --pid --fork --mount-proc --kill-child"
    for user in "" --map-root-user; do
        # shellcheck disable=SC2086
        if unshare $user $spaces mount -t tmpfs tmpfs /dev/shm 2>/dev/null; then
            # shellcheck disable=SC2086
            E2E_INSIDE=${user:-root} E2E_TMP=$tmp unshare $user $spaces "$0" "$@"
            exit $?
        fi
    done
    echo "skipped: no namespaces of our own can be had here"
    exit 77
fi
tmp=$E2E_TMP
mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 1
ip link set lo up || exit 1

# Huge pages, if the host has any, are looked for in a mount of our own.
awk '$3 == "hugetlbfs" { print $2 }' /proc/mounts | while read -r dir; do umount "$dir"; done
mkdir -p "$tmp/huge"
mount -t hugetlbfs -o mode=1777 hugetlbfs "$tmp/huge" 2>/dev/null

# A leak check cannot look around inside a tile's sandbox.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

say() { printf '%s\n' "$*"; }
fail() {
    say "FAILED: $*"
    exit 1
}

# within SECONDS COMMAND...: tries until it succeeds.
within() {
    local end=$(($(date +%s%N) + $1 * 1000000000))
    shift
    until "$@"; do
        [ "$(date +%s%N)" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# value FILE EXPRESSION: of the one JSON object in FILE, called j.
value() { python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
v = eval("(" + sys.argv[2] + ")")
print(str(v).lower() if isinstance(v, bool) else v)' "$1" "$2"; }

# tiles: pids and names of the tile processes that are alive, zombies not counted.
tiles() { ps -eo pid=,stat=,args= | awk '$2 !~ /^Z/ && $4 == "tile" { print $1, $6 }'; }
tile_pid() { tiles | awk -v name="$1" '$2 == name { print $1 }' | head -n "${2:-1}" | tail -n 1; }
no_tiles() { [ -z "$(tiles)" ]; }
ended() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }

# spaces: the different network namespaces that processes are in.
spaces() { readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | wc -l; }
links() { ip -o link | wc -l; }
huge_files() { find "$tmp/huge" -type f 2>/dev/null | wc -l; }
instances() { find /dev/shm -mindepth 2 -maxdepth 2 -type d 2>/dev/null | wc -l; }

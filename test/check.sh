#!/bin/bash
# check.sh - what a change must pass before review; `make check` runs it.  Each step prints one line.
# FUZZ_SECONDS=60 is shared by all fuzzers; STEPS="lint clang ..." runs only those.
set -u
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
failed=0 passed=0

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    [[ -z ${STEPS:-} || " $STEPS " == *" $name "* ]] || return 0
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf 'ok      %4ds %-10s %s\n' $((SECONDS - start)) "$name" "$(tail -n 1 "$log")"
    else
        failed=$((failed + 1))
        printf 'FAILED  %4ds %s\n' $((SECONDS - start)) "$name"
        { grep -A 20 '^FAILED' "$log" || tail -n 60 "$log"; } | sed 's/^/    /'
    fi
}

mk() { make --no-print-directory -j"$(nproc)" "$@"; }
unit() { mk "$@" all tests fuzzers && test/run.sh "$(tree "$@")" unit; }
tree() { # the directory a build goes to
    local out=build
    [[ "$*" == *BUILD=* ]] && out=build-$(sed 's/.*BUILD=\([a-z]*\).*/\1/' <<<"$*")
    [[ "$*" == *CC=clang* ]] && out=$out-clang
    echo "$out"
}
leaks() { LSAN_OPTIONS=suppressions=$PWD/test/lsan.supp:print_suppressions=0 unit BUILD=asan; }
races() {
    mk BUILD=tsan races || return 1
    local list
    mapfile -t list < <(find build-tsan/race -type f -perm -u+x | sort)
    [ ${#list[@]} -gt 0 ] || return 1
    for r in "${list[@]}"; do "$r" || return 1; done
    echo "${#list[@]} race programs"
}
threads() { # both labs in threads, under TSan
    mk BUILD=tsan all || return 1
    local -x TSAN_OPTIONS="suppressions=test/race/tsan.supp exitcode=66"
    build-tsan/quickstep dev --threads --seconds 3 && build-tsan/quickstep dev --threads --rate 10000 --seconds 3
}
fuzz() {
    mk FUZZ=1 fuzzers || return 1
    local list each
    mapfile -t list < <(find build-fuzz/fuzz -type f -perm -u+x | sort)
    each=$((${FUZZ_SECONDS:-60} / ${#list[@]} + 1))
    for f in "${list[@]}"; do
        local name=${f##*/fuzz_} work
        work=$(mktemp -d)
        "$f" -max_total_time=$each -timeout=10 -print_final_stats=0 "$work" "test/fuzz/corpus/$name" || return 1
        rm -rf "$work"
    done
    echo "${#list[@]} fuzzers, $each s each"
}

step lint mk lint
step release mk test
step clang unit CC=clang
step asan leaks
step ubsan unit BUILD=ubsan
step races races
step threads threads
step models test/model/run.sh build
step aarch64 mk aarch64
step fuzz fuzz
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

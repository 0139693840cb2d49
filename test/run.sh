#!/bin/bash
# run.sh OUT [unit] - runs what `make test` built in OUT: unit tests, race programs, fuzz corpora,
# end-to-end scripts; with `unit` only the first and the third.  Each line: verdict, seconds, name.  The last line is the sum.
# A script that exits with 77 says on its last line why it was skipped.
set -u
out=$1
kind=${2:-all}
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# verdict NAME STATUS START: one line, and the output when it failed.
verdict() {
    local took=$((SECONDS - $3))
    case $2 in
    0) passed=$((passed + 1)) && printf 'ok      %3ds %s\n' $took "$1" ;;
    77) skipped=$((skipped + 1)) && printf 'skipped %3ds %s: %s\n' $took "$1" "$(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)) && printf 'FAILED  %3ds %s (exit %d)\n' $took "$1" "$2" && sed 's/^/    /' "$log" | tail -n 60 ;;
    esac
}

run() { # run NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    timeout 300 "$@" >"$log" 2>&1 </dev/null
    verdict "$name" $? "$start"
}

for t in $(find "$out/test" -type f -name 'test_*' -perm -u+x 2>/dev/null | sort); do
    run "${t#"$out"/}" "$t"
    grep -i 'skipped:' "$log" | sed 's/^/              /'
done
[ "$kind" = unit ] || for t in $(find "$out/race" -type f -name 'race_*' -perm -u+x 2>/dev/null | sort); do
    run "${t#"$out"/}" "$t"
done
for t in $(find "$out/fuzz" -type f -name 'fuzz_*' -perm -u+x 2>/dev/null | sort); do
    name=${t##*/fuzz_}
    run "fuzz/$name corpus" "$t" "test/fuzz/corpus/$name"
done
[ "$kind" = unit ] || for t in $(find test/e2e -name 'test_*.sh' | sort); do
    run "${t#test/}" "$t" "$out"
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

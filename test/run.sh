#!/bin/bash
# run.sh OUT [unit] - runs what `make test` built in OUT: unit tests, race programs, fuzz corpora,
# end-to-end scripts; with `unit` only the first and the third.  Each line: verdict, seconds, name.  The last line is the sum.
# A script that exits with 77 says on its last line why it was skipped.  Scripts run three at a time, because most of
# them mostly wait; unit tests two at a time; one by one those unit tests that count the machine's huge pages, and the
# scripts that say `# alone:` in their head.
set -u
out=$1
kind=${2:-all}
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# verdict NAME STATUS SECONDS LOG: one line, and the output when it failed.
verdict() {
    case $2 in
    0) passed=$((passed + 1)) && printf 'ok      %3ds %s\n' "$3" "$1" ;;
    77) skipped=$((skipped + 1)) && printf 'skipped %3ds %s: %s\n' "$3" "$1" "$(tail -n 1 "$4")" ;;
    *) failed=$((failed + 1)) && printf 'FAILED  %3ds %s (exit %d)\n' "$3" "$1" "$2" && sed 's/^/    /' "$4" | tail -n 60 ;;
    esac
}

# work N NAME COMMAND...: leaves log and verdict in $dir.
work() {
    local n=$1 name=$2 start=$SECONDS
    shift 2
    timeout 300 "$@" >"$dir/$n.log" 2>&1 </dev/null
    echo "$? $((SECONDS - start)) $name" >"$dir/$n.done"
}
# take: verdicts of what has ended.
take() {
    local f status took name
    for f in "$dir"/*.done; do
        [ -e "$f" ] || continue
        read -r status took name <"$f"
        verdict "$name" "$status" "$took" "${f%.done}.log"
        grep -i 'skipped:' "${f%.done}.log" | sed 's/^/              /'
        rm -f "$f" "${f%.done}.log"
    done
}
cnt=0
run() { # run NAME COMMAND...
    cnt=$((cnt + 1))
    work $cnt "$@"
    take
}
beside=2
pair() { # pair NAME COMMAND...: $beside at a time
    cnt=$((cnt + 1))
    work $cnt "$@" &
    [ "$(jobs -rp | wc -l)" -lt "$beside" ] || wait -n
    take
}

units=$(find "$out/test" -type f -name 'test_*' -perm -u+x 2>/dev/null | sort)
for t in $units; do
    grep -q hugepages "test/${t#"$out"/test/}.c" || pair "${t#"$out"/}" "$t"
done
wait
take
for t in $units; do
    ! grep -q hugepages "test/${t#"$out"/test/}.c" || run "${t#"$out"/}" "$t"
done
[ "$kind" = unit ] || for t in $(find "$out/race" -type f -name 'race_*' -perm -u+x 2>/dev/null | sort); do
    run "${t#"$out"/}" "$t"
done
for t in $(find "$out/fuzz" -type f -name 'fuzz_*' -perm -u+x 2>/dev/null | sort); do
    name=${t##*/fuzz_}
    run "fuzz/$name corpus" "$t" "test/fuzz/corpus/$name"
done
if [ "$kind" != unit ]; then
    scripts=$(find test/e2e -name 'test_*.sh' | sort)
    # shellcheck disable=SC2086
    alone=$(grep -l '^# alone:' $scripts)
    beside=3
    for t in $(echo "$scripts" | grep -vxF "${alone:-none}"); do
        pair "${t#test/}" "$t" "$out"
    done
    wait
    take
    for t in $alone; do
        run "${t#test/}" "$t" "$out"
    done
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

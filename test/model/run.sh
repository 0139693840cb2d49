#!/bin/bash
# run.sh OUT - checks the models of the rings, of parking, and of the mirror of routes: each full model has no error, and
# each edge left out gives one, else it would not be needed.  Builds in OUT/model.
# One line per variant: verdict, seconds, model, what was left out, the error found.
# The last line is the sum.  Exit 77: spin is not installed.
set -u
out=${1:?usage: run.sh OUT}
command -v spin >/dev/null || { echo "skipped: spin is not installed" && exit 77; }
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
models=$PWD/test/model
mkdir -p "$out/model" && cd "$out/model" || exit 1

# search MODEL DEFINE...: prints what pan found: "none", the error, or "broken: ..." when the
# search itself did not come to its end.
search() {
    local model=$1
    shift
    rm -f pan* log
    spin -a "$@" "$models/$model.pml" >log 2>&1 &&
        ${CC:-gcc} -O1 -w -DSAFETY -DMEMLIM=2000 -o pan pan.c >>log 2>&1 ||
        { echo "broken: $(head -n 1 log)" && return; }
    timeout 120 ./pan -m200000 >log 2>&1
    if grep -q 'max search depth too small\|out of memory\|VECTORSZ' log; then
        echo "broken: search was cut"
    elif grep -q 'errors: 0$' log; then
        echo none
    else
        grep -m 1 -o 'assertion violated.*\|invalid end state' log || echo "broken: no result"
    fi
}

# expect none|error MODEL DEFINE...
expect() {
    local want=$1 start=$SECONDS verdict=FAILED
    shift
    local found
    found=$(search "$@")
    case $want:$found in
    none:none) verdict=ok ;;
    error:none | *:broken*) ;;
    error:*) verdict=ok ;;
    esac
    [ $verdict = ok ] && passed=$((passed + 1)) || failed=$((failed + 1))
    printf '%-6s %3ds %s: %s\n' $verdict $((SECONDS - start)) "$*" "$found"
}

expect none ring -DKILLS=2
expect none ring -DTAKE=2
expect none ring -DDEPTH=4 -DWINDOW=2 -DN=6
expect none ring -DDEPTH=4 -DWINDOW=4 -DBATCH=2 -DN=7
for edge in P2_DATA P2_LINE P4_DATA P4_LINE P5 C1_DATA C1_LINE C3_DATA C3_LINE; do
    expect error ring -DNO_$edge
done

expect none credit
for edge in P4_DATA P4_LINE C1_DATA C1_LINE F1_DATA F1_LINE F2_DATA F2_LINE; do
    expect error credit -DNO_$edge
done

expect none fib
for edge in W2 W4 R1 R3; do
    expect error fib -DNO_$edge
done

expect none park
for edge in B2 R2 R4 B4; do
    expect error park -DNO_$edge
done
expect none park -DEVENTFD
for edge in B2 R2 DRAIN; do
    expect error park -DEVENTFD -DNO_$edge
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

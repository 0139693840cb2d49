#!/bin/bash
# test_ct_sign.sh OUT - signing has no branch and no address that depends on the secret: valgrind
# follows the secret's bytes through the plain C and the AVX2 kernel.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=$1
command -v valgrind >/dev/null || {
    echo "skipped: valgrind is missing"
    exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
echo '#include <valgrind/memcheck.h>' | ${CC:-cc} -E - >/dev/null 2>&1 || {
    echo "skipped: valgrind/memcheck.h is missing"
    exit 77
}
nm "$out/libquickstep.a" 2>/dev/null | grep -qE '__asan_init|__ubsan_handle' && {
    echo "skipped: valgrind does not run what the sanitizers made"
    exit 77
}
# Without debug information: this valgrind cannot read every compiler's.
${CC:-cc} -std=gnu17 -O1 -Wl,--strip-debug -D_GNU_SOURCE -Isrc test/waltz/ct_ed25519.c "$out/libquickstep.a" \
    -o "$dir/ct" || exit 1

# watch KERNEL [leak]: exit code 99 if valgrind saw a dependence.
watch() {
    QUICKSTEP_CPU=avx2 valgrind -q --error-exitcode=99 "$dir/ct" "$@" >"$dir/log" 2>&1
}
watch "portable C" leak
[ $? -eq 99 ] || {
    cat "$dir/log"
    echo "a branch on the secret went unseen: the watch does not work"
    exit 1
}
for kernel in "portable C" "AVX2"; do
    watch "$kernel"
    case $? in
    0) echo "$kernel: constant time" ;;
    77) echo "$kernel: not on this processor" ;;
    *) cat "$dir/log" && echo "$kernel: FAILED" && exit 1 ;;
    esac
done

#!/bin/bash
# lint.sh OUT - what a compiler does not check.  Prints each offence; exit 1 if there is one.
set -u
out=$1
cd "$(dirname "$0")/../.." || exit 1
bad=0
offence() {
    bad=1
    echo "lint: $*"
}

# 1. Includes point down: app -> disco -> waltz -> tango; within waltz codec, crypto and fec see
#    each other only as codec, fec -> crypto, and of tango only base.
may_include() { # may_include DIR: the extended regular expression of what it may include
    case $1 in
    src/tango/base/*) echo '^tango/base/' ;;
    src/tango/*) echo '^tango/' ;;
    src/waltz/crypto/*) echo '^(tango/base|waltz/crypto)/' ;;
    src/waltz/codec/*) echo '^(tango/base|waltz/crypto|waltz/codec)/' ;;
    src/waltz/fec/*) echo '^(tango/base|waltz/crypto|waltz/fec)/' ;;
    src/waltz/*) echo '^(tango|waltz)/' ;;
    src/client/*) echo '^client/' ;;
    src/disco/*) echo '^(client|tango|waltz|disco)/' ;;
    src/app/*) echo '^(client|tango|waltz|disco|app)/' ;;
    esac
}
while IFS=: read -r file line included; do
    allowed=$(may_include "$file")
    [[ $included =~ $allowed ]] || offence "$file:$line: includes $included, which lies above it"
done < <(grep -rnoP '^#include "\K[^"]+' src)

# 2. No template by inclusion.
while read -r hit; do offence "$hit"; done < <(grep -rn '^#include .*\.c"' src)

# 3. Guards are the path.
while read -r header; do
    guard=QS_$(echo "${header#src/}" | sed 's,/qs_,/,; s,\.h$,_h,; s,\([a-z]*\)/\1_,\1/,; s,\([a-z]*\)/\1_h,\1_h,' | tr 'a-z/' 'A-Z_')
    grep -q "^#ifndef $guard\$" "$header" || offence "$header: its guard is not $guard"
done < <(find src -name '*.h')

# 4. Between poll and callback no indirect call: whatever a tile runs after its init, and the stem,
#    call by name only.  Kernels chosen at run time are listed with the reason.
for object in "$out/src/disco/qs_stem.o" $(find "$out/src/disco" -name 'qs_*_tile.o' | sort); do
    [ -f "$object" ] || offence "$object is not built"
    while read -r function; do
        grep -qx "$function" <(sed 's/ *#.*//' contrib/lint/indirect_calls.txt) ||
            offence "$object: $function calls through a pointer"
    done < <(objdump -d --no-show-raw-insn "$object" | awk '
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name) }
        /call +\*/ && name !~ /_(keep|layout|boot|init)(\.|$)/ { print name }' | sort -u)
done

# 5. Generated files are what the tables generate.
generated() { # generated FILE COMMAND...
    local file=$1
    shift
    "$@" 2>/dev/null | cmp -s - "$file" || offence "$file is not what '$*' prints"
}
generated config/default.toml "$out/quickstep" config default
generated docs/config.md "$out/quickstep" config default --md
generated docs/metrics.md "$out/quickstep" metrics --md
generated contrib/man/quickstep.1 "$out/quickstep" help --man
generated contrib/completion/quickstep.bash "$out/quickstep" help --bash

# 6. Size: what does not fit a screen or a head.
while read -r lines file; do
    [ "$lines" -le 800 ] || offence "$file has $lines lines (800 at most)"
done < <(find src test -name '*.[ch]' ! -name '*_table.c' ! -name '*_table.h' -exec wc -l {} \; )

# 7. No note to self without an issue, and no path of somebody's machine.
while read -r hit; do offence "$hit"; done < <(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' src test --include='*.[ch]' | grep -vE '#[0-9]+')

# 8. One list of error ids: each is explained, none stands for two things.
while read -r id; do
    grep -q "\"$id\"" src/app/qs_errors.def || offence "$id is logged and not explained in qs_errors.def"
done < <(grep -rhoP 'id = "\KQS-[A-Z]+-[0-9]+' src --include='*.c' | sort -u)
while read -r id; do offence "$id stands for two messages"; done < <(grep -rhoP 'id = "\KQS-[A-Z]+-[0-9]+' src --include='*.c' | sort | uniq -d)

[ $bad -eq 0 ] && echo "lint: clean"
exit $bad

#!/bin/bash
# test_cmds.sh OUT - Goal: mem, ready, ps and keys tell the truth about a run, a death, and a key.
# Method: an instance on loopback in namespaces of our own; one tile is killed on the way.
set -u
out=$(realpath "$1")
if [ -z "${QS_INNER:-}" ]; then
    unshare -rmn --propagation private true 2>/dev/null || { echo "no namespaces here" && exit 77; }
    QS_INNER=1 exec unshare -rmn --propagation private "$0" "$out"
fi
mount -t tmpfs none /dev/shm && ip link set lo up || exit 1
dir=$(mktemp -d) || exit 1
supervisor=
cleanup() {
    [ -z "$supervisor" ] || { kill "$supervisor" && wait "$supervisor"; } 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
fail() {
    echo "FAIL: $*"
    exit 1
}
qs() { "$out/quickstep" "$@"; }
# holds FILE EXPRESSION claims something of d, the JSON object in FILE; all claims are judged at the
# end, by one interpreter, which knows the object of each by its file's name too.
holds() { printf '%s\t%s\t%s\n' "$(basename "$1")" "$2" "$(cat "$1")" >>"$dir/claims"; }
judge='import json, sys
seen = {}
for line in open(sys.argv[1]):
    name, claim, text = line.rstrip("\n").split("\t")
    d = seen[name] = json.loads(text)
    if not eval(claim):
        sys.exit(claim + ": " + text)'

# Before there is an instance.
qs ps --json >"$dir/ps" || fail "ps"
holds "$dir/ps" 'd == {"instances": []}'
qs ready --timeout 0 --json >"$dir/ready"
[ $? = 1 ] || fail "ready without an instance"
holds "$dir/ready" 'not d["ready"] and d["missing"]'
qs mem --instance none >/dev/null 2>"$dir/said"
[ $? = 1 ] && grep -q QS-INS-001 "$dir/said" || fail "mem of no instance: $(cat "$dir/said")"
qs mem --topology none >/dev/null 2>&1
[ $? = 2 ] || fail "mem of no topology"
qs mem --topology listen --set net.tiles=2 --set net.provider=socket --set hugetlbfs.pages=2m --json >"$dir/plan" || fail "mem"
holds "$dir/plan" '[w["name"] for w in d["workspaces"]] == ["net-0", "net-1", "netlink-0", "sink-0", "metric-0", "boot", "bells"]'
holds "$dir/plan" 'd["workspaces"][0]["page_bytes"] == 2 << 20 and d["instance"] is None'
holds "$dir/plan" 'd["total_bytes"] == sum(w["taken_bytes"] for w in d["workspaces"])'
holds "$dir/plan" 'all(w["taken_bytes"] % w["page_bytes"] == 0 and w["taken_bytes"] >= w["bytes"] for w in d["workspaces"])'
holds "$dir/plan" 'sum(l["ring_bytes"] + l["payload_bytes"] for l in d["links"]) < sum(w["bytes"] for w in d["workspaces"])'

# ready may be asked before the instance is there.
qs ready --instance e2e --timeout 20 --json >"$dir/ready" &
asked=$!
"$out/quickstep" run --instance e2e --topology listen --set net.tiles=2 --set net.provider=socket \
    --set net.bind_address=127.0.0.1 >"$dir/log" 2>&1 &
supervisor=$!
wait $asked || fail "ready: $(cat "$dir/ready" "$dir/log")"
holds "$dir/ready" 'd["ready"] and d["tiles"] == 5 and d["running"] == 5 and d["instance"] == "e2e"'
qs ps --json >"$dir/ps" || fail "ps"
holds "$dir/ps" 'len(d["instances"]) == 1 and d["instances"][0]["alive"] and d["instances"][0]["running"] == 5'
holds "$dir/ps" "d['instances'][0]['pid'] == $supervisor and d['instances'][0]['restarts'] == 0"
qs mem --instance e2e --json >"$dir/mem" || fail "mem --instance"
holds "$dir/mem" 'd["instance"] == "e2e" and all(w["page_bytes"] in (4096, 2 << 20) for w in d["workspaces"])'
holds "$dir/mem" '[w["bytes"] for w in d["workspaces"]] == [w["bytes"] for w in seen["plan"]["workspaces"]]'
holds "$dir/mem" 'd["total_bytes"] == seen["ps"]["instances"][0]["memory_bytes"]'

# A tile that is killed is started anew: never ready with a dead one, then ready again.
tile=$(pgrep -P $supervisor -x sink) || fail "no sink"
kill -STOP $supervisor && kill -KILL "$tile" && kill -CONT $supervisor
for _ in $(seq 200); do
    qs ps --json >"$dir/ps"
    grep -q '"restarts":1' "$dir/ps" && break
    sleep 0.05
done
holds "$dir/ps" 'd["instances"][0]["restarts"] == 1'
qs ready --timeout 20 2>/dev/null || fail "not ready after a restart: $(cat "$dir/log")"

# A dead instance is told from a living one.
kill $supervisor && wait $supervisor
supervisor=
qs ps --json >"$dir/ps"
holds "$dir/ps" 'not d["instances"][0]["alive"] and d["instances"][0]["running"] == 0'
qs ready --timeout 0 --instance e2e >/dev/null 2>"$dir/said"
[ $? = 1 ] && grep -q 'QS-RDY-001' "$dir/said" || fail "a dead one is ready: $(cat "$dir/said")"
qs mem --instance e2e >/dev/null || fail "mem of a dead instance"

# Keys: made once, for their owner only, never printed.
key=$dir/id.json
qs keys new "$key" --json >"$dir/made" 2>&1 || fail "keys new"
[ "$(stat -c %a "$key")" = 600 ] || fail "mode $(stat -c %a "$key")"
qs keys pubkey "$key" --json >"$dir/pub" || fail "keys pubkey"
cmp -s "$dir/made" "$dir/pub" || fail "new and pubkey differ"
[ "$(qs keys pubkey "$key")" = "$(sed 's/.*"public_key":"\([^"]*\)".*/\1/' "$dir/pub")" ] || fail "pubkey"
secret=$(cut -d , -f 1-4 "$key" | tr -d '[')
grep -q "$secret" "$dir/made" && fail "the secret was printed"
cp "$key" "$dir/copy"
qs keys new "$key" 2>"$dir/said"
[ $? = 1 ] && grep -q QS-KEY-001 "$dir/said" && cmp -s "$key" "$dir/copy" || fail "a key was overwritten"
ln -s "$dir/elsewhere" "$dir/link"
qs keys new "$dir/link" 2>/dev/null && fail "a key went through a link"
[ ! -e "$dir/elsewhere" ] || fail "a key went through a link"
qs keys new "$dir/second" >"$dir/other" && cmp -s "$dir/second" "$key" && fail "the same key twice"

# RFC 8032's first two key pairs, and what is no key pair.
pair() { # pair HEX: as a JSON array
    echo "[$(for ((i = 0; i < ${#1}; i += 2)); do printf '%d,' "0x${1:i:2}"; done | sed 's/,$//')]"
}
sk=9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60
pk=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
pair $sk$pk >"$dir/rfc"
[ "$(qs keys pubkey "$dir/rfc")" = FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z ] ||
    fail "RFC 8032 test 1: $(qs keys pubkey "$dir/rfc")"
refused() { # refused ID TEXT
    echo "$2" >"$dir/bad"
    qs keys pubkey "$dir/bad" >/dev/null 2>"$dir/said"
    [ $? = 1 ] && grep -q "$1" "$dir/said" || fail "$1: $2: $(cat "$dir/said")"
}
refused QS-KEY-003 "$(pair $sk$sk)"
refused QS-KEY-002 "$(pair $sk)"
refused QS-KEY-002 ""
refused QS-KEY-002 "$(pair $sk$pk)x"
refused QS-KEY-002 "$(pair $sk$pk | sed 's/26]/256]/')"
refused QS-KEY-002 "$(printf '%5000s' "$(pair $sk$pk)")"
qs keys pubkey "$dir/none" 2>/dev/null
[ $? = 1 ] || fail "no file"
qs keys new 2>/dev/null
[ $? = 2 ] || fail "no argument"

# What is generated is what is committed (the options' files: test_config).
root=$(realpath "$(dirname "$0")/../..")
generated() { # generated FILE COMMAND...
    local file=$root/$1
    shift
    qs "$@" | cmp -s - "$file" || fail "$file is not what quickstep $* prints"
}
generated contrib/man/quickstep.1 help --man
generated contrib/completion/quickstep.bash help --bash

# The generated page and completion are taken by the programs that they are for.
bash -n <(qs help --bash) || fail "completion: not bash"
words=$(bash -c "$(qs help --bash)"'; compopt() { :; }; COMP_WORDS=(quickstep configure und) COMP_CWORD=2
    _quickstep; echo "${COMPREPLY[*]}"')
[ "$words" = undo ] || fail "completion: $words"
words=$(bash -c "$(qs help --bash)"'; compopt() { :; }; COMP_WORDS=(quickstep run --topology lis) COMP_CWORD=3
    _quickstep; echo "${COMPREPLY[*]}"')
[ "$words" = listen ] || fail "completion of --topology: $words"
for c in $(qs help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    qs help --man | grep -q "^\.B quickstep $c\$" || fail "the man page lacks $c"
done
if command -v groff >/dev/null; then
    said=$(qs help --man | groff -ww -man -Tutf8 2>&1 >/dev/null)
    [ -z "$said" ] || fail "man page: $said"
fi
python3 -c "$judge" "$dir/claims" || fail "what the commands said"
echo "mem, ready, ps, keys: before, while and after an instance ran"

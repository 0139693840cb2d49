#!/bin/bash
# alone: sets the host's huge pages
# test_readme.sh OUT - Goal: who knows only the README can change a port, see why a typo is refused, set up
# huge pages and undo them to the byte, and add a tile.  Method: the README's lines that begin with `$` are
# run, in one shell and in their order, and what each prints is compared with what stands below it; its C
# program is saved under the name in its first line.  Values of the kernel and the mount table before and
# after are compared.  As root in namespaces of our own; where the host's pages cannot be set, the part on
# huge pages is skipped.
if [ -z "${E2E_INSIDE:-}" ]; then
    case $1 in
    *asan* | *ubsan* | *tsan*)
        echo "skipped: the programs are built without the sanitizer that $1 needs"
        exit 77
        ;;
    esac
    command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not there" && exit 77; }
fi
. "$(dirname "$0")/lib.sh"
readme=$(dirname "$0")/../../README.md
readme=$(realpath "$readme")

skip=
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
if [ "$E2E_INSIDE" != root ] || ! [ -w $pool ]; then
    say "skipped: no huge pages can be set here"
    skip="**Huge pages.**"
else
    # /run and the journal's place are our own, and nobody has mounted huge pages: the README's reader begins there.
    umount "$tmp/huge" 2>/dev/null
    mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib || fail "no place of our own"
    pages=$(cat $pool)
    # What undo failed to restore is restored here.
    restore() { [ "$(cat $pool)" = "$pages" ] || echo "$pages" >$pool; }
    trap restore EXIT
fi

host() { # every value that configure could touch, and more
    grep -s . /proc/sys/net/core/{r,w}mem_max /proc/sys/net/core/bpf_jit_enable /proc/sys/kernel/numa_balancing
    for f in /proc/sys/vm/*; do
        case $f in */compact_memory | */drop_caches | */stat_refresh) ;; *) echo "$f $(cat "$f" 2>/dev/null)" ;; esac
    done
    grep -s . /sys/kernel/mm/hugepages/*/nr_* /sys/devices/system/node/node*/hugepages/*/nr_*
    cat /proc/mounts
    find /run -printf '%p %m %u %g\n' | sort
}
host >"$tmp/before"

mkdir "$tmp/bin" "$tmp/home"
printf '#!/bin/sh\nexec "$@"\n' >"$tmp/bin/sudo" # we are root already
chmod +x "$tmp/bin/sudo"

cat >"$tmp/readme.py" <<'P'
import os, re, subprocess, sys
readme, home, skip = sys.argv[1:4]
steps, skipping = [], False  # [command, expected lines]
block = None
for line in open(readme).read().split("\n"):
    if line.startswith(("**", "#")):
        skipping = bool(skip) and line.startswith(skip)
    if line.startswith("```"):
        if block and (name := re.match(r"/\* (\w+\.c) \*/", block[0])):
            steps.append([f"cat > {name[1]} <<'END'\n" + "\n".join(block) + "\nEND", []])
        block = [] if block is None else None
    elif block is not None:
        block.append(line)
    elif line.startswith("    $ ") and not skipping:
        steps.append([line[6:], []])
    elif line.startswith("    ") and not skipping and steps and steps[-1] is not None:
        steps[-1][1].append(line[4:])
    else:
        steps.append(None)  # what follows belongs to no command
steps = [s for s in steps if s]
assert len(steps) > 25 - 8 * bool(skip), len(steps)

# One shell: jobs, variables and the directory live on between the steps.
script = "set -m\n" + "".join(f"{command}\nprintf '\\n@@ {i} %d\\n' $?\n" for i, (command, _) in enumerate(steps))
env = {**os.environ, "HOME": home, "PATH": os.path.dirname(home) + "/bin:" + os.environ["PATH"]}
for name in "MFLAGS", "MAKELEVEL":
    env.pop(name, None)
p = subprocess.run(["bash", "-c", script], text=True, env=env, stdin=subprocess.DEVNULL,
                   cwd=os.path.dirname(readme), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
failed = False
for i, (command, expected) in enumerate(steps):
    m = re.search((rf"\n@@ {i - 1} \d+\n" if i else "^") + rf"(.*?)\n@@ {i} (\d+)\n", p.stdout, re.S)
    said, code = (m[1], int(m[2])) if m else ("the shell ended before it", 1)
    # ... stands for anything; what the shell itself says of jobs is not what the README tells.
    said = "\n".join(l for l in said.split("\n") if not re.match(r"\[\d+\]", l)).strip()
    pattern = ".*".join(re.escape(part) for part in "\n".join(expected).strip().split("..."))
    if expected and not re.fullmatch(pattern, said, re.S) or not expected and code:
        print(f"FAILED: {command}\n  should say: {expected}\n  said, with exit code {code}: {said}")
        failed = True
print(f"{len(steps)} steps of the README")
sys.exit(failed)
P
MAKEFLAGS="s -- OUT=$out" python3 "$tmp/readme.py" "$readme" "$tmp/home" "$skip" || exit 1
host | diff "$tmp/before" - || fail "the host is not as before"
no_tiles || fail "tiles are left: $(tiles)"
say "what the README says is what happens"

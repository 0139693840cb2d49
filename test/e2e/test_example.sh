#!/bin/bash
# alone: builds with make
# test_example.sh OUT - contrib/example-pipeline as its README's reader meets it: installs what OUT
# holds, copies the folder, builds it against the installed files alone, sends it datagrams, and
# adds the README's own metric.  In network, mount and process namespaces of its own.
set -u
if [ -z "${EXAMPLE_INSIDE:-}" ]; then
    case $1 in
    *asan* | *ubsan* | *tsan*)
        echo "skipped: the example is built without the sanitizer that $1 needs"
        exit 77
        ;;
    esac
    command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not there" && exit 77; }
    tmp=$(mktemp -d) || exit 1
    trap 'rm -rf "$tmp"' EXIT
    spaces="--mount --net --pid --fork --mount-proc --kill-child"
    for user in "" --map-root-user; do
        # shellcheck disable=SC2086
        if unshare $user $spaces mount -t tmpfs tmpfs /dev/shm 2>/dev/null; then
            # shellcheck disable=SC2086
            EXAMPLE_INSIDE=$tmp unshare $user $spaces "$0" "$@"
            exit $?
        fi
    done
    echo "skipped: no namespaces of our own can be had here"
    exit 77
fi
tmp=$EXAMPLE_INSIDE
unset MAKEFLAGS MFLAGS MAKELEVEL
fail() {
    echo "FAILED: $*"
    exit 1
}
mount -t tmpfs -o mode=1777 tmpfs /dev/shm || fail "no /dev/shm of our own"
ip link set lo up || fail "no loopback of our own"

cd "$(dirname "$0")/../.." || exit 1
make -s OUT="$1" DESTDIR="$tmp/root" PREFIX=/opt/qs install || fail "make install"
cp -r contrib/example-pipeline "$tmp/mine" || fail "cp"
rm -f "$tmp"/mine/example "$tmp"/mine/*.o "$tmp"/mine/*.d
build() { make -s PREFIX="$tmp/root/opt/qs" CFLAGS="-O1 -Wall -Wextra -Wconversion -Werror"; }

# What is installed are the headers that a pipeline is made of, and each stands alone.
for internal in app/qs_cmd.h app/qs_toml.h disco/qs_group.h waltz/crypto/qs_chacha_kernels.h; do
    [ -f "src/$internal" ] && [ ! -e "$tmp/root/opt/qs/include/quickstep/$internal" ] ||
        fail "$internal is installed, or is no more"
done
flags=$(PKG_CONFIG_PATH=$tmp/root/opt/qs/lib/pkgconfig pkg-config --cflags quickstep)
mkdir "$tmp/alone"
cd "$tmp/mine" || exit 1
for header in $(cd "$tmp/root/opt/qs/include/quickstep" && find . -name '*.h'); do
    header=${header#./}
    echo "#include \"$header\"" >"$tmp/alone/${header//\//-}.c"
done
# shellcheck disable=SC2086
cc -std=gnu17 $flags -Wall -Wextra -Wconversion -Werror -fsyntax-only "$tmp"/alone/*.c || fail "installed headers"

build || fail "the example does not build"
cat >drive.py <<'P'
import json, os, signal, socket, subprocess, sys, time

def start(**env):
    p = subprocess.Popen(["./example", "run", "--config", "example.toml", "--instance", "mine"],
                         env={**os.environ, **env}, stderr=open("log", "w"))
    until("it runs", lambda: "3 tiles run" in open("log").read())
    return p

def stop(p):
    p.send_signal(signal.SIGINT)
    assert p.wait(10) == 0, open("log").read()

def until(what, true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"FAILED: not within {seconds} s: {what}\n" + open("log").read())
        time.sleep(0.02)

def report(*command):
    return json.loads(subprocess.check_output(["./example", *command, "--json"]))

def metrics():
    return {m["group"] + "." + m["name"]: m["value"] for m in report("metrics")["metrics"] if "link" not in m}

def expect(**want):
    want = {k.replace("_", ".", 1): v for k, v in want.items()}
    seen = {}
    def same():
        got = metrics()
        seen.update({k: got.get(k) for k in want})
        return seen == want
    end = time.monotonic() + 5
    while not same():
        if time.monotonic() > end:
            sys.exit(f"FAILED: wanted {want}\n   there is {seen}\n" + open("log").read())
        time.sleep(0.02)

def send(address, *texts):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 0))
    for text in texts:
        s.sendto(text, ("127.0.0.1", 5000))
    s.close()

def readme_says_so(step):
    """The numbers printed in that step of the README are those that `metrics` prints now."""
    said = open("README.md").read().split("\n## ")[step]
    lines = [line.strip() for line in said.splitlines() if line.startswith(("    # ", "    quickstep_"))]
    text = subprocess.check_output(["./example", "metrics"], text=True).splitlines()
    assert lines and not [line for line in lines if line not in text], (lines, text)
P
cat >first.py <<'P'
from drive import *

# What the README sends and says.
p = start()
send("127.0.0.1", b"hello", b"hello", b"hi", b"12345")
expect(filter_passed=2, filter_dropped_short=1, filter_dropped_first=1,
       counter_datagram=2, counter_bytes=10, counter_displaced=0,
       counter_source_cnt=1, counter_top_ip=0x7f000001, counter_top_datagram=2)
readme_says_so(3)
send("127.0.0.1", b"", b"a" * 1472)
expect(filter_passed=3, filter_dropped_short=2, counter_bytes=1482)

# More sources than places: all are counted, the table stays bounded, and no count is made up: the
# most that anybody sent until now is 3.
for at in range(0, 3000, 250):
    for i in range(at, at + 250):
        send(f"127.1.{i // 250}.{i % 250 + 1}", b"once")
    expect(counter_datagram=3 + at + 250)
until("all have a place or had one", lambda:
      metrics()["counter.source_cnt"] + metrics()["counter.displaced"] == 3001)
assert 1000 <= metrics()["counter.source_cnt"] <= 1024 and metrics()["counter.top_datagram"] <= 3, metrics()

# One takes the lead.
send("127.0.0.2", *[b"word"] * 100)
expect(counter_datagram=3103, counter_top_ip=0x7f000002, counter_top_datagram=100)

# A tile that dies is started again and has forgotten nothing.
pid = {t["name"]: t["pid"] for t in report("monitor", "--once")["tiles"]}["counter"]
os.kill(pid, signal.SIGKILL)
until("counter runs again", lambda: metrics()["tile.start"] and any(
    t["name"] == "counter" and t["pid"] != pid and t["state"] == "run"
    for t in report("monitor", "--once")["tiles"]))
send("127.0.0.2", b"after")
expect(counter_datagram=3104, counter_top_datagram=101)

# While counter stands still nothing is dropped between filter and counter: net's link is overrun,
# and says by how much.
def read_and_lost():
    m = {m["name"]: m["value"] for m in report("metrics")["metrics"]
         if m["group"] == "link_in" and m["link"] == "net_filter"}
    return m["frag"], m["lost"]
before = sum(read_and_lost())
pid = {t["name"]: t["pid"] for t in report("monitor", "--once")["tiles"]}["counter"]
os.kill(pid, signal.SIGSTOP)
for at in range(0, 2500, 250):
    send("127.0.0.1", *[b"flood"] * 250)
    expect(net_rx_datagram=3107 + at + 250)
os.kill(pid, signal.SIGCONT)
until("each was read or is counted as lost", lambda: sum(read_and_lost()) == before + 2500)
assert read_and_lost()[1] > 0
expect(counter_datagram=metrics()["filter.passed"])
stop(p)

# Its own options: from the file, the environment and the command line, checked and explained like
# those of quickstep, and all messages call the program by its name.
text = open("example.toml").read()
open("example.toml", "w").write(text.replace("min_bytes = 4", "min_bytes = 6"))
p = start(QUICKSTEP_FILTER_FIRST="17")
send("127.0.0.1", b"123456", b"7.....", b"12345", b"2.....", b"letter")
expect(filter_passed=2, filter_dropped_short=1, filter_dropped_first=2)
stop(p)
open("example.toml", "w").write(text)
def say(code, *command, **env):
    p = subprocess.run(["./example", *command], text=True, env={**os.environ, **env},
                       capture_output=True)
    assert p.returncode == code and "quickstep" not in p.stderr, (command, p)
    return p.stdout if not code else p.stderr
assert json.loads(say(0, "config", "show", "--config", "example.toml", "--json", "--set",
                      "filter.min_bytes=7"))["filter"]["min_bytes"] == 7
assert "filter.min_bytes = 0: must be 1..1472" in say(2, "run", QUICKSTEP_FILTER_MIN_BYTES="0")
assert "did you mean filter.min_bytes?" in say(2, "run", "--set", "filter.mn_bytes=6")
open("bad.toml", "w").write("[fliter]\n")
said = say(2, "config", "check", "bad.toml")
assert "bad.toml:1:2: there is no section fliter" in said and "did you mean filter?" in said, said
assert "`example explain QS-CFG-004`" in said, said
assert "QUICKSTEP_FILTER_MIN_BYTES" in say(0, "help", "config") and "min_bytes = 4" in say(0, "config", "default")
for wrong in ["nonsense"], ["run", "--nonsense"], ["topo", "nonsense"], ["configure"], ["keys"], ["config"], ["explain", "x"]:
    assert "example" in say(2, *wrong), wrong
assert not [line for line in say(0, "help").splitlines() + say(0, "help", "run").splitlines() if line.startswith("usage: quickstep")]
P
python3 first.py || exit 1

# The README's own metric, exactly as printed there.
grep -q passed_bytes filter_tile.c && fail "the README's metric is there before it was added"
sed -n '/^```diff$/,/^```$/p' README.md | sed '/^```/d' >bytes.diff
patch -s -p1 --fuzz=0 <bytes.diff || fail "the README's diff does not apply"
mv example older
build || fail "the README's diff does not build"
cat >second.py <<'P'
from drive import *

p = start()
send("127.0.0.1", b"hello")
expect(filter_passed_bytes=5)
readme_says_so(4)
send("127.0.0.1", b"hi", b"world!")
expect(filter_passed=2, filter_passed_bytes=11)
own = {(m["tile"], m["name"]): m["value"] for m in report("monitor", "--once")["metrics"]}
assert own["filter", "passed_bytes"] == 11, own
text = subprocess.check_output(["./example", "monitor", "--once"], text=True)
assert ["filter", "passed_bytes", "11", "0"] in [line.split() for line in text.splitlines()], text

# A binary whose list of metrics is another one does not guess.
other = subprocess.run(["./older", "metrics"], text=True, capture_output=True)
assert other.returncode == 1 and "other metrics" in other.stderr and not other.stdout, other
stop(p)
P
python3 second.py || exit 1
echo "ok"

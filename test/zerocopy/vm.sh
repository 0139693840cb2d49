# vm.sh - sourced: a small machine under qemu that has what this host may lack, a NIC with AF_XDP zero copy.
#
#     vm_have                   says on one line what is missing and returns 77, or 0
#     vm_kernel SUITE           a guest kernel of that suite in $kernel: fetched once, unpacked, never installed
#     vm_initrd INIT FILE...    $kernel/initrd: busybox, INIT as /init, FILEs in /bin with the libraries they need
#     vm_boot SECONDS NIC WORDS [QUEUES]   boots it; what the guest printed is in $cache/log; it ends with the
#                               caller, and after SECONDS at the latest
#
# Bookworm's kernels have no zero copy in virtio_net, so the kernel comes from trixie-backports, and one that
# has none from bookworm-backports, by apt, through a view of its own: the host's package lists and packages stay
# as they are.  KVM is used only where the processor has it; a /dev/kvm that opens is no proof.  No network of
# the host is used: the NICs meet in a hub inside qemu, or, for more than one queue, on a bridge in a namespace.

cache=${QS_VM_CACHE:-build/zerocopy}
mkdir -p "$cache" && cache=$(cd "$cache" && pwd) || exit 1

vm_have() {
    local tool
    for tool in qemu-system-x86_64 cpio zstd xz apt-get dpkg; do
        command -v $tool >/dev/null || { echo "skipped: no $tool (./deps.sh install vm)" && return 77; }
    done
    [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1 || { echo "skipped: no static busybox (./deps.sh install vm)" && return 77; }
}

# vm_apt TOOL ARGS...: an apt that knows the one suite and nothing of this host.
vm_apt() {
    local tool=$1 a=$kernel/apt
    shift
    $tool -o Dir::Etc::sourcelist="$a/sources.list" -o Dir::Etc::sourceparts="$a/none" \
        -o Dir::Etc::preferencesparts="$a/none" -o Dir::State::lists="$a/lists" -o Dir::Cache="$a/cache" \
        -o Dir::State::status="$a/status" -o APT::Sandbox::User=root "$@"
}

# The mirror that this host uses for Debian itself serves the other suites too.
vm_sources() {
    local mirror
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "bookworm" { print $2; exit }')
    [ -n "$mirror" ] || return 1
    mkdir -p "$kernel/apt/none" "$kernel/apt/lists/partial" "$kernel/apt/cache/archives/partial" || return 1
    : >"$kernel/apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$kernel/apt/sources.list"
}

# vm_unpack_kernel BZIMAGE OUT: the ELF inside, which boots faster than the wrapper.  Where it lies is told by the
# boot protocol's header: sectors of real-mode code at 0x1f1, offset and length of the payload at 0x248.
vm_unpack_kernel() {
    local sectors off len unpack
    sectors=$(od -An -tu1 -j 497 -N 1 "$1")
    read -r off len < <(od -An -tu4 -j 584 -N 8 "$1")
    off=$((((sectors ? sectors : 4) + 1) * 512 + off))
    case $(od -An -tx4 -j $off -N 4 "$1") in
    *fd2fb528) unpack=zstd ;;
    *587a37fd) unpack="xz --single-stream" ;;
    *) return 1 ;;
    esac
    tail -c "+$((off + 1))" "$1" | head -c "$len" | $unpack -dcq >"$2" 2>/dev/null
    [ "$(head -c 4 "$2" | tr -d '\177')" = ELF ]
}

vm_kernel() {
    local suite=$1 image version packages deb
    kernel=$cache/$suite
    mkdir -p "$kernel" || return 1
    [ ! -s "$kernel/vmlinux" ] || return 0
    vm_sources "$suite" && vm_apt apt-get update -qq 2>/dev/null || { echo "skipped: $suite is out of reach" && return 77; }
    image=$(vm_apt apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: <\?\(linux-image-[0-9][^>]*\)>\?$/\1/p' | head -n 1)
    [ -n "$image" ] || { echo "skipped: $suite has no kernel" && return 77; }
    version=${image#linux-image-}
    packages=$image # since 7.2 it is two packages
    vm_apt apt-cache show "linux-binary-$version" >/dev/null 2>&1 && packages="linux-binary-$version linux-modules-$version"
    mkdir -p "$kernel/deb" && rm -rf "$kernel/deb/"* "$kernel/tree" || return 1
    # shellcheck disable=SC2086
    (cd "$kernel/deb" && vm_apt apt-get download -qq $packages) || { echo "skipped: $packages cannot be fetched" && return 77; }
    for deb in "$kernel"/deb/*.deb; do dpkg -x "$deb" "$kernel/tree" || return 1; done
    vm_unpack_kernel "$(find "$kernel/tree" -name 'vmlinuz*' | head -n 1)" "$kernel/vmlinux.part" || { echo "no ELF in the kernel image" && return 1; }
    mv "$kernel/vmlinux.part" "$kernel/vmlinux"
    rm -rf "$kernel/deb"
}

vm_initrd() {
    local init=$1 root=$kernel/root file lib module
    shift
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,proc,sys,tmp,run,var,lib/modules,lib64}
    cp /bin/busybox "$root/bin/"
    for file in $(/bin/busybox --list); do ln -s busybox "$root/bin/$file" 2>/dev/null; done
    install -m 755 "$init" "$root/init"
    for file in "$@"; do
        install -m 755 "$file" "$root/bin/${file##*/}"
        for lib in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
            [ -e "$root$lib" ] || install -D -m 755 "$lib" "$root$lib"
        done
    done
    for module in failover net_failover virtio_net; do
        file=$(find "$kernel/tree" -name "$module.ko*" | head -n 1)
        case $file in
        *.xz) xz -dc "$file" >"$root/lib/modules/$module.ko" ;;
        '') ;; # built in
        *) cp "$file" "$root/lib/modules/$module.ko" ;;
        esac
    done
    (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$kernel/initrd"
    rm -rf "$root"
}

# vm_taps COMMAND...: runs it where two taps of several queues lie on a bridge.
vm_taps() {
    unshare --net sh -c 'ip link add b0 type bridge && ip link set b0 up &&
        for t in t0 t1; do
            ip tuntap add $t mode tap multi_queue && ip link set $t master b0 up || exit 1
        done && exec "$@"' sh "$@"
}

vm_boot() {
    # Without cx16: under TCG of qemu 7.2 a cmpxchg16b without lock garbles the flags, and Linux 6.12 dies of it.
    local seconds=$1 nic=$2 words=$3 queues=${4:-1} around=() dev=() accel="-accel tcg,thread=multi -cpu ${VM_CPU:-qemu64,-cx16}" n
    grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ] && accel="-accel kvm -cpu host"
    for n in 0 1; do
        if [ "$queues" -gt 1 ]; then
            around=(vm_taps)
            dev+=(-netdev "tap,id=n$n,ifname=t$n,script=no,downscript=no,vhost=off,queues=$queues")
        else
            dev+=(-netdev "hubport,id=n$n,hubid=0")
        fi
        dev+=(-device "virtio-net-pci,netdev=n$n,mac=52:54:00:00:00:0$((n + 1)),romfile=,$nic$([ "$queues" -gt 1 ] && echo ",mq=on,vectors=$((2 * queues + 2))")")
    done
    # A guest that panics before its init says a word met a race of the emulator (code patched under another CPU).
    for n in 1 2 3 4 5; do
        # shellcheck disable=SC2086
        "${around[@]}" setpriv --pdeathsig TERM timeout -k 2 "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -M q35 $accel \
            -smp 2 -m "${VM_MEM:-512}" -kernel "$kernel/vmlinux" -initrd "$kernel/initrd" -serial "file:$cache/log" \
            -append "console=ttyS0 panic=-1 quiet mitigations=off nokaslr tsc=reliable no_timer_check $words" \
            "${dev[@]}" </dev/null >"$cache/qemu" 2>&1
        grep -q '^FACT' "$cache/log" || ! grep -q 'Kernel panic' "$cache/log" || [ "$n" = 5 ] || {
            echo "the guest's kernel panicked while it booted: once more"
            continue
        }
        return
    done
}

# quickstep.  One Makefile: src/**/*.c -> libquickstep.a, src/app/main.c -> quickstep,
# test/**/test_*.c -> one binary each.  `make help` lists the targets.
#
#   BUILD=release|debug|asan|ubsan|tsan   each in a tree of its own; build/ is release, tsan means clang
#   CC=gcc|clang                          clang builds in build-*clang/

BUILD ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(BUILD),tsan)
CC := clang
endif

compiler := $(if $(findstring clang,$(CC)),clang,gcc)
OUT := build$(if $(filter-out release,$(BUILD)),-$(BUILD))$(if $(filter clang,$(compiler)),$(if $(filter-out tsan,$(BUILD)),-clang))

# FUZZ=1: fuzzers with libFuzzer, and everything they test instrumented for it; a tree of its own.
ifneq ($(FUZZ),)
CC := clang
BUILD := asan
OUT := build-fuzz
endif

opt_release := -O3

# Tests need neither speed nor debug information: they are built a quarter faster without.
quick_release := -O1 -Wl,-S

opt_debug   := -O0
opt_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address
opt_ubsan   := -O1 -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=all
opt_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
ifeq ($(opt_$(BUILD)),)
$(error BUILD=$(BUILD): one of release debug asan ubsan tsan)
endif

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
CPPFLAGS := -Isrc -D_GNU_SOURCE -D_FORTIFY_SOURCE=$(if $(filter release,$(BUILD)),2,0)
WARN     := -Wall -Wextra -Werror
CFLAGS   := -std=gnu17 -g $(opt_$(BUILD)) $(WARN) -fPIE -fstack-protector-strong -fno-strict-aliasing
ifneq ($(FUZZ),)
CFLAGS   += -fsanitize=undefined -fno-sanitize-recover=all -fsanitize=fuzzer-no-link
endif
LDFLAGS  := $(filter -fsanitize=%,$(opt_$(BUILD))) -pie -Wl,-z,relro,-z,now
LIBS     := -lbpf -lnuma -lhwloc -lcap-ng -lseccomp -lmnl -lpcap -ljansson -lmicrohttpd -lncursesw -ltinfo -lpthread -lm

# SIMD files get their flags by suffix and no other file does: kernels are chosen at run time.
ifeq ($(ARCH),x86_64)
simd = $(if $(filter %_avx2,$*),-mavx2 -mbmi2 -madx -mfma)\
       $(if $(filter %_avx512,$*),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mbmi2 -madx -mfma -mprefer-vector-width=512)\
       $(if $(filter %_ifma_avx512,$*),-mavx512ifma)\
       $(if $(filter %_shani,$*),-msha -msse4.1 -mssse3)\
       $(if $(filter %_shani_avx512,$*),-msha)\
       $(if $(filter %_gfni,$*),-mgfni -mavx2 -mavx512f -mavx512bw -mavx512dq -mavx512vl)
else
not_here := %_avx2.c %_avx512.c %_shani.c %_gfni.c
endif

src      := $(filter-out $(not_here),$(sort $(shell find src -name '*.c')))
lib_obj  := $(patsubst %.c,$(OUT)/%.o,$(filter-out src/app/main.c,$(src)))
tests    := $(patsubst test/%.c,$(OUT)/test/%,$(sort $(shell find test -name 'test_*.c')))
fuzzers  := $(patsubst test/fuzz/%.c,$(OUT)/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
races    := $(patsubst test/race/%.c,$(OUT)/race/%,$(sort $(wildcard test/race/race_*.c)))
e2e      := $(patsubst test/e2e/%.c,$(OUT)/e2e/%,$(sort $(wildcard test/e2e/*.c)))
benches  := $(patsubst test/bench/bench_%.c,$(OUT)/bench/%,$(sort $(wildcard test/bench/bench_*.c))) $(addprefix $(OUT)/bench/,lab metric monitor net tiers)

comma := ,

# V=1 shows the commands.
Q := $(if $(V),,@)
say = @$(if $(V),:,echo '  $(1)')

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test bench check soak fmt lint install clean help deps-run deps-test deps-bench deps-check deps-vm test-zerocopy \
    tests fuzzers races benches e2e aarch64

all: $(OUT)/quickstep $(OUT)/libquickstep.a $(OUT)/libquickstep-client.so.1

help:
	@sed -n 's/^## //p' Makefile

## make            build/quickstep and build/libquickstep.a
## make run        the lab: real frames through namespaces, for SECONDS=20 (0: until Ctrl-C)
## make test       unit tests, fuzz corpora, end-to-end tests
## make bench      every bench with its peers (NAME=ring: one)
## make check      format, lint, both compilers, sanitizers, races, models, fuzz
## make soak       the long ones: kills, chaos, a million signatures
## make test-zerocopy   AF_XDP zero copy on a NIC that has it, in a small virtual machine
## make fmt lint install clean

$(OUT)/src/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC    $<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wconversion $(simd) -MMD -MP -c $< -o $@

$(OUT)/libquickstep.a: $(lib_obj) $(OUT)/objects
	@rm -f $@
	$(call say,AR    $@)
	$(Q)$(AR) rcsD $@ $(lib_obj)

# A deleted source must leave the archive too.
$(OUT)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(lib_obj)' | cmp -s - $@ || echo '$(lib_obj)' > $@
FORCE:

$(OUT)/quickstep: $(OUT)/src/app/main.o $(OUT)/libquickstep.a
	$(call say,LINK  $@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# What other programs read the feed with: one object, nothing of it visible but its header's functions.
$(OUT)/libquickstep-client.so.1: src/client/quickstep_client.c src/client/quickstep_client.h src/client/quickstep_ring.h
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) -Wconversion -fPIC -fvisibility=hidden -shared -Wl,-soname,$(@F) -Wl,-z,relro,-z,now $(filter -fsanitize=%,$(opt_$(BUILD))) $< -o $@

# Criterion's macros fail -Wconversion, so tests go without it; -Wno-psabi because an emulated
# kernel's vectors are wider than the registers that these flags allow.
$(OUT)/test/%: test/%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -Wno-psabi $(quick_$(BUILD)) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a -lcriterion -lsodium -lcrypto $(LIBS) -o $@

$(OUT)/race/%: test/race/%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a $(LIBS) -o $@

# In `make test` a fuzzer replays its corpus; FUZZ=1 (clang) builds it with libFuzzer.
$(OUT)/fuzz/%: test/fuzz/%.c test/fuzz/replay.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $(if $(FUZZ),-fsanitize=undefined$(comma)fuzzer $<,$< test/fuzz/replay.c) $(OUT)/libquickstep.a -lsodium $(LIBS) -o $@

# Benches are the only programs linked with peers; each finds out itself which are there.
bench_ring := $(shell pkg-config --cflags --libs libdpdk 2>/dev/null)
peer_ring := DPDK
bench_reedsol := $(shell pkg-config --cflags --libs libisal 2>/dev/null)
peer_reedsol := ISAL
bench_fec := $(bench_reedsol)
peer_fec := ISAL
$(OUT)/bench/%: test/bench/bench_%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) $(if $(bench_$*),-DQS_PEER_$(peer_$*)) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a -lsodium -lcrypto $(bench_$*) $(LIBS) -o $@

# Numbers from a veth pair: a script, the receivers that it starts, and the user half's own bench.
$(OUT)/bench/net: test/bench/veth.py $(OUT)/quickstep $(OUT)/bench/veth_tool $(OUT)/bench/net-user
	$(Q)install -D -m 755 $< $@
vm_files := $(addprefix test/zerocopy/,rates.sh guest.sh vm.sh)
$(OUT)/bench/tiers: test/bench/veth.py $(OUT)/quickstep $(OUT)/bench/veth_tool $(OUT)/e2e/nicset $(vm_files)
	$(Q)install -D -m 755 -t $(OUT)/bench/vm $(vm_files)
	$(Q)install -D -m 755 $< $@
$(OUT)/bench/veth_tool: test/bench/veth_tool.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a $(LIBS) -o $@

$(OUT)/bench/monitor: $(OUT)/bench/stem
$(OUT)/bench/metric $(OUT)/bench/monitor: $(OUT)/bench/%: test/bench/%.py $(OUT)/quickstep
	$(Q)install -D -m 755 $< $@

$(OUT)/bench/lab: test/bench/lab.sh $(OUT)/quickstep
	$(Q)install -D -m 755 $< $@

# Programs of their own that the end-to-end scripts run: pipelines made outside src/.
$(OUT)/e2e/%: test/e2e/%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a $(LIBS) -o $@

tests: $(tests)
e2e: $(e2e)
fuzzers: $(fuzzers)
races: $(races)
benches: $(benches)

deps-run:
	@./deps.sh install run
deps-test:
	@./deps.sh install run test
deps-bench:
	@./deps.sh install run test bench
deps-check:
	@./deps.sh install run test check

SECONDS ?= 20
JOBS ?= $(shell nproc)
run: deps-run
	@$(MAKE) --no-print-directory -s -j$(JOBS) all
	@$(OUT)/quickstep dev --seconds $(SECONDS)

test: deps-test
	@$(MAKE) --no-print-directory -j$(JOBS) all tests fuzzers races e2e
	@test/run.sh $(OUT)

bench: deps-bench
	@$(MAKE) --no-print-directory -s all benches
	@for b in $(or $(NAME),$(notdir $(benches))); do echo "== $$b"; $(OUT)/quickstep bench $$b || exit; done

check: deps-check
	@test/check.sh

deps-vm:
	@./deps.sh install run vm

test-zerocopy: deps-vm
	@$(MAKE) --no-print-directory -s -j$(JOBS) all $(OUT)/e2e/nicset
	@test/zerocopy/run.sh $(OUT) || [ $$? = 77 ]

soak: deps-test
	@$(MAKE) --no-print-directory -s all e2e $(OUT)/test/waltz/test_ed25519
	@test/soak.sh $(OUT)

formatted := $(sort $(shell find src test contrib -name '*.[ch]'))
fmt: deps-check
	@clang-format -i $(formatted)

lint: deps-check all
	@clang-format --dry-run -Werror $(formatted)
	@contrib/lint/lint.sh $(OUT)

PREFIX ?= /usr/local

# What a program with tiles of its own may include; install ships these, and what they include.
public := app/qs_main.h $(patsubst %,disco/qs_%.h,config format metrics stem tile tiles topo) \
    $(patsubst %,tango/base/qs_%.h,base bits clock hash hist log rng) tango/qs_tcache.h \
    $(patsubst %,waltz/codec/qs_%.h,base58 keypair) \
    $(patsubst %,waltz/crypto/qs_%.h,chacha ed25519 sha256 sha512 siphash)
VERSION := $(shell sed -n 's/^.define QS_VERSION "\(.*\)"/\1/p' src/app/qs_main.c)

# What a program with tiles of its own is built with.  The prefix is where the file lies, so that a
# tree installed with DESTDIR can be used where it is.
define pkgconfig
prefix=$${pcfiledir}/../..
libdir=$${prefix}/lib
includedir=$${prefix}/include/quickstep

Name: quickstep
Description: tiles over lock-free rings, and the commands that run and watch them
Version: $(VERSION)
Cflags: -I$${includedir} -D_GNU_SOURCE
Libs: -L$${libdir} -lquickstep $(LIBS)
endef
export pkgconfig

# What a program that reads the feed is built with.
define pkgconfig_client
prefix=$${pcfiledir}/../..
libdir=$${prefix}/lib
includedir=$${prefix}/include/quickstep-client

Name: quickstep-client
Description: reads the blocks that a quickstep node verified
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lquickstep-client
endef
export pkgconfig_client

install: all
	install -D -m 755 $(OUT)/quickstep $(DESTDIR)$(PREFIX)/bin/quickstep
	install -D -m 644 $(OUT)/libquickstep.a $(DESTDIR)$(PREFIX)/lib/libquickstep.a
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	echo "$$pkgconfig" > $(DESTDIR)$(PREFIX)/lib/pkgconfig/quickstep.pc
	echo "$$pkgconfig_client" > $(DESTDIR)$(PREFIX)/lib/pkgconfig/quickstep-client.pc
	install -D -m 755 $(OUT)/libquickstep-client.so.1 $(DESTDIR)$(PREFIX)/lib/libquickstep-client.so.1
	ln -sf libquickstep-client.so.1 $(DESTDIR)$(PREFIX)/lib/libquickstep-client.so
	install -D -m 644 src/client/quickstep_client.h $(DESTDIR)$(PREFIX)/include/quickstep-client/quickstep_client.h
	install -D -m 644 config/default.toml $(DESTDIR)$(PREFIX)/share/doc/quickstep/default.toml
	for u in quickstep quickstep-setup; do \
	    sed 's,/usr/bin/,$(PREFIX)/bin/,' config/$$u.service | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/$$u.service; done
	install -D -m 644 config/quickstep-sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/quickstep.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/quickstep/prometheus contrib/prometheus/*.yml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/quickstep/grafana contrib/grafana/quickstep.json
	install -D -m 644 contrib/man/quickstep.1 $(DESTDIR)$(PREFIX)/share/man/man1/quickstep.1
	install -D -m 644 contrib/completion/quickstep.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/quickstep
	cd src && { $(CC) -I. -D_GNU_SOURCE -std=gnu17 -MM $(public) | tr ' \\' '\n\n' | grep '\.h$$\|\.def$$'; \
	    echo disco/qs_config_rows.def; } | sed 's,^\./,,' | sort -u | while read -r f; do \
	    install -D -m 644 $$f $(DESTDIR)$(PREFIX)/include/quickstep/$$f; done

# What must at least compile elsewhere: memory, and the pure functions.
aarch64_src := $(filter-out %_avx2.c %_avx512.c %_shani.c %_gfni.c, \
    $(shell find src/tango src/waltz/codec src/waltz/crypto src/waltz/fec -name '*.c' 2>/dev/null))
aarch64: deps-check
	@for f in $(aarch64_src); do \
	    aarch64-linux-gnu-gcc $(CPPFLAGS) -std=gnu17 -O2 $(WARN) -Wconversion -c $$f -o /dev/null || exit; done
	@echo "aarch64: $(words $(aarch64_src)) files compile"

clean:
	rm -rf build build-*

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

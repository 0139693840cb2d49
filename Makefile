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

opt_release := -O3
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
LDFLAGS  := $(filter -fsanitize=%,$(opt_$(BUILD))) -pie -Wl,-z,relro,-z,now
LIBS     := -lnuma -lhwloc -lcap-ng -lmnl -lpcap -lpthread -lm

# SIMD files get their flags by suffix and no other file does: kernels are chosen at run time.
ifeq ($(ARCH),x86_64)
simd = $(if $(filter %_avx2,$*),-mavx2 -mbmi2 -madx -mfma)\
       $(if $(filter %_avx512,$*),-mavx512f -mavx512bw -mavx512dq -mavx512vl -mbmi2 -madx -mfma -mprefer-vector-width=512)\
       $(if $(filter %_ifma_avx512,$*),-mavx512ifma)\
       $(if $(filter %_shani,$*),-msha -msse4.1 -mssse3)\
       $(if $(filter %_gfni,$*),-mgfni -mavx2 -mavx512f -mavx512bw -mavx512dq -mavx512vl)
else
not_here := %_avx2.c %_avx512.c %_shani.c %_gfni.c
endif

src      := $(filter-out $(not_here),$(sort $(shell find src -name '*.c')))
lib_obj  := $(patsubst %.c,$(OUT)/%.o,$(filter-out src/app/main.c,$(src)))
tests    := $(patsubst test/%.c,$(OUT)/test/%,$(sort $(shell find test -name 'test_*.c')))
fuzzers  := $(patsubst test/fuzz/%.c,$(OUT)/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
races    := $(patsubst test/race/%.c,$(OUT)/race/%,$(sort $(wildcard test/race/race_*.c)))
benches  := $(patsubst test/bench/bench_%.c,$(OUT)/bench/%,$(sort $(wildcard test/bench/bench_*.c)))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test bench check soak fmt lint install clean help deps-run deps-test tests fuzzers races benches

all: $(OUT)/quickstep $(OUT)/libquickstep.a

help:
	@sed -n 's/^## //p' Makefile

## make            build/quickstep and build/libquickstep.a
## make run        the lab: real frames through namespaces, for SECONDS=20 (0: until Ctrl-C)
## make test       unit tests, fuzz corpora, end-to-end tests
## make bench      every bench with its peers (NAME=ring: one)
## make check      format, lint, both compilers, sanitizers, races, models, fuzz
## make soak       the long ones: kills, chaos
## make fmt lint install clean

$(OUT)/src/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Wconversion $(simd) -MMD -MP -c $< -o $@

$(OUT)/libquickstep.a: $(lib_obj) $(OUT)/objects
	@rm -f $@
	$(AR) rcsD $@ $(lib_obj)

# A deleted source must leave the archive too.
$(OUT)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(lib_obj)' | cmp -s - $@ || echo '$(lib_obj)' > $@
FORCE:

$(OUT)/quickstep: $(OUT)/src/app/main.o $(OUT)/libquickstep.a
	$(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# Criterion's macros fail -Wconversion, so tests go without it; -Wno-psabi because an emulated
# kernel's vectors are wider than the registers that these flags allow.
$(OUT)/test/%: test/%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -Wno-psabi -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a -lcriterion -lsodium -lcrypto $(LIBS) -o $@

$(OUT)/race/%: test/race/%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a $(LIBS) -o $@

# In `make test` a fuzzer replays its corpus; FUZZ=1 (clang) builds it with libFuzzer.
$(OUT)/fuzz/%: test/fuzz/%.c test/fuzz/replay.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itest $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer $<,$< test/fuzz/replay.c) $(OUT)/libquickstep.a -lsodium $(LIBS) -o $@

# Benches are the only programs linked with peers; each finds out itself which are there.
bench_ring := $(shell pkg-config --cflags --libs libdpdk 2>/dev/null)
$(OUT)/bench/%: test/bench/bench_%.c $(OUT)/libquickstep.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itest $(CFLAGS) $(if $(bench_$*),-DQS_PEER_DPDK) -MMD -MP -MF $@.d $(LDFLAGS) $< $(OUT)/libquickstep.a -lsodium -lcrypto $(bench_$*) $(LIBS) -o $@

tests: $(tests)
fuzzers: $(fuzzers)
races: $(races)
benches: $(benches)

deps-run:
	@./deps.sh install run
deps-test:
	@./deps.sh install run test

SECONDS ?= 20
run: deps-run
	@$(MAKE) --no-print-directory -s all
	@$(OUT)/quickstep dev --seconds $(SECONDS)

test: deps-test
	@$(MAKE) --no-print-directory all tests fuzzers races
	@test/run.sh $(OUT)

fmt:
	@find src test contrib -name '*.[ch]' | xargs clang-format -i

lint: all
	@contrib/lint/lint.sh $(OUT)

clean:
	rm -rf build build-*

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

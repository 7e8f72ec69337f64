# syncd — `make` builds, `make check` tests, `make demo` shows.  See README.md.
VERSION	:= 0.1.0
PREFIX	?= /usr/local
ifeq ($(origin CC),default)
CC	:= gcc
endif
# V=1 shows every command.
ifndef V
Q	:= @
say	= @printf '%-4s %s\n' $(1) $@;
endif
BUILD	?= build
LIBS	:= openssl yaml-0.1 sqlite3 zlib libgsasl jansson

# DEV=1 makes warnings errors; `make check` sets it.
WARN	:= -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla
ifdef DEV
WARN	+= -Werror
endif
OPT	?= -O2 -g
# Sanitizers, for the compiler and the linker.
SAN	?=
HARDEN	:= -fstack-protector-strong -fstack-clash-protection -fPIE
# Not every processor has it; and sanitizers check what FORTIFY would.
HARDEN	+= $(shell $(CC) -fcf-protection -E -xc /dev/null >/dev/null 2>&1 && echo -fcf-protection)
ifndef SAN
HARDEN	+= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
CPPFLAGS += -D_GNU_SOURCE -DSYNCD_VERSION='"$(VERSION)"' -Isync -Idaemon -I.
CFLAGS	+= -std=c17 $(OPT) $(SAN) $(WARN) $(HARDEN) $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LDFLAGS	+= $(SAN) -pie -Wl,-z,relro,-z,now
LDLIBS	+= $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lresolv -lpthread

LAYERS	:= base net maildir store imap pop3 engine
SYNC_SRC := $(foreach l,$(LAYERS),$(wildcard sync/$(l)/*.c))
DAEMON_SRC := $(wildcard daemon/*.c daemon/cli/*.c)
# The script process: Lua, GMime and PCRE2 are nowhere else.
SCRIPT_LIBS := lua5.4 gmime-3.0 libpcre2-8 jansson
HOST_SRC := $(wildcard plugins/host*.c) plugins/frame.c plugins/arena.c
SCRIPT_SRC := $(filter-out $(HOST_SRC) plugins/main.c,$(wildcard plugins/*.c))
SCRIPT_CFLAGS := $(shell pkg-config --cflags $(SCRIPT_LIBS) 2>/dev/null)
SCRIPT_LDLIBS := $(shell pkg-config --libs $(SCRIPT_LIBS) 2>/dev/null)
LIB_OBJ	:= $(patsubst %.c,$(BUILD)/%.o,$(SYNC_SRC) $(HOST_SRC) $(filter-out daemon/main.c,$(DAEMON_SRC)))
LIB	:= $(BUILD)/libsyncd.a
BIN	:= $(BUILD)/syncd
SCRIPT_LIB := $(BUILD)/libscript.a
SCRIPT	:= $(BUILD)/syncd-script
UNIT	:= $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ	:= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY	:= $(addprefix $(BUILD)/replay/,$(FUZZ))
SMOKE	:= $(addprefix $(BUILD)/smoke/,$(FUZZ))
# What tests/crash lets go wrong.
FAULTS	:= $(BUILD)/killat $(BUILD)/failnext.so

.PHONY: all clean install dist deps check demo pictures unit replay scenario layers headers
.PHONY: smoke smoke-build asan asan-run tsan tsan-run cov cov-run tidy cppcheck valgrind fuzz fuzz-build
.PHONY: fuzz-run oracle crash powercut baddisk proof mutant bench
.SECONDARY:
all:
	@tests/tool/deps build
	@$(MAKE) --no-print-directory $(BIN) $(SCRIPT)

$(BIN): $(BUILD)/daemon/main.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(SCRIPT): $(BUILD)/plugins/main.o $(SCRIPT_LIB) $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(SCRIPT_LDLIBS)

# Those that are killed leave their counts, too.
ifdef COV
$(BIN) $(SCRIPT): $(BUILD)/tests/tool/counted.o
$(BIN) $(SCRIPT): LDFLAGS += -Wl,--wrap=kill,--wrap=_exit
endif

$(SCRIPT_LIB): $(patsubst %.c,$(BUILD)/%.o,$(SCRIPT_SRC))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/plugins/%.o: CFLAGS += $(SCRIPT_CFLAGS)
$(BUILD)/tests/fuzz/%.o: CPPFLAGS += -Itests/unit

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Part of schema.o (.incbin).
$(BUILD)/sync/store/schema.o: $(wildcard sync/store/schema/*.sql)

$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

$(BUILD)/killat: tests/crash/killat.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/failnext.so: tests/crash/failnext.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) -D_GNU_SOURCE -std=c17 $(OPT) $(WARN) -fPIC -shared -o $@ $<

# A syncd in $(OUT), and unit tests there, for which some sources are those of
# $(OUT): tests/crash/mutants.py.
mutant: $(BIN)
	@for f in $(EDITED); do \
		$(CC) $(CPPFLAGS) -iquote $$(dirname $$f) $(CFLAGS) -w -c -o $(OUT)/$$(basename $$f .c).o $(OUT)/$$f || exit 1; \
	done
	@$(CC) $(LDFLAGS) -o $(OUT)/syncd $(BUILD)/daemon/main.o $(OUT)/*.o $(LIB) $(LDLIBS)
	@for t in $(TESTS); do \
		$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -w $(LDFLAGS) -o $(OUT)/$$t tests/unit/$$t.c \
			$(OUT)/*.o $(LIB) -lcmocka $(LDLIBS) || exit 1; \
	done

# Random operations and faults on each rung of the ladder, SEEDS=first:last; those
# of `make check`, unless it is told others.
SEEDS ?= 1:200
oracle:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN) $(FAULTS)
	@BUILD=$(BUILD) tests/crash/seeds.py $(SEEDS)

# Every effect, allocation, statement and byte of a choice of rounds: hours of it, or less
# with CRASH_STEP=20; CRASH='kill-before oom:download' for a choice.
CRASH ?=
crash:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN) $(FAULTS)
	@BUILD=$(BUILD) tests/crash/crash.py $(CRASH)

# What is counted, in one go: the last line of each, and all they say in $(BUILD)/proof.
# SEEDS=1:2000 CRASH_STEP=20 for how much of it; as root.
proof:
	@mkdir -p $(BUILD)/proof
	@failed=0; for t in oracle crash powercut; do \
		$(MAKE) --no-print-directory $$t >$(BUILD)/proof/$$t 2>&1 || failed=1; \
		printf '%s\t%s\n' $$t "$$(grep -v '^make' $(BUILD)/proof/$$t | tail -1)"; \
	done; exit $$failed

# What a disk may hold that lost its power during a round: root, loop devices, FUSE.
powercut:
	@tests/tool/deps powercut
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN) $(BUILD)/killat
	@BUILD=$(BUILD) tests/crash/powercut.py $(CRASH)

# A sector that cannot be written, one at a time; needs the same.
baddisk:
	@tests/tool/deps powercut
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN)
	@BUILD=$(BUILD) tests/crash/baddisk.py $(CRASH)

$(BUILD)/tests/test_script_%: tests/unit/test_script_%.c $(SCRIPT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) $(SCRIPT_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(SCRIPT_LIB) $(LIB) -lcmocka $(SCRIPT_LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

deps:
	@tests/tool/deps check

check:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN) $(SCRIPT) $(UNIT) $(REPLAY) $(FAULTS)
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(SANITIZED) smoke-build
	@tests/tool/check

smoke-build: $(SMOKE)

# Inputs by chance, as long for each target, two at a time: `make smoke SMOKE_SECONDS=60`.
SMOKE_SECONDS ?= 4
smoke:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(SANITIZED) smoke-build
	@BUILD=$(BUILD)/asan tests/fuzz/smoke.py $(SMOKE_SECONDS) $(TARGETS)

unit: $(UNIT)
	@tests/tool/check unit

replay: $(REPLAY)
	@tests/tool/check replay

scenario: $(BIN) $(SCRIPT) $(FAULTS)
	@tests/tool/check scenario

demo:
	@tests/tool/deps demo
	@$(MAKE) -s --no-print-directory -j2 $(BIN)
	@tests/tool/demo

# Sessions of mail programs, which are installed first.
.PHONY: clients
clients:
	@tests/tool/deps clients
	@$(MAKE) -s --no-print-directory -j2 $(BIN) $(SCRIPT)
	@tests/tool/scenario.py test_clients.py

layers:
	@tests/tool/layers

# systemd/pictures, from real runs: look at them before they are committed.
pictures: $(BIN) $(SCRIPT)
	@tests/tool/deps demo
	@tests/tool/pictures

# ROW=noop SCALE=0.1 PEERS=install: see tests/bench/README.md.
BENCH	:= $(addprefix $(BUILD)/bench/,measure proxy limit syncs.so)
bench:
	@tests/tool/deps bench
	@$(MAKE) -s --no-print-directory -j2 $(BIN) $(SCRIPT) $(BENCH)
	@tests/bench/bench.py $(ROW)

$(BUILD)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< -lssl -lcrypto

$(BUILD)/bench/%.so: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

headers:
	@for h in sync/*/*.h daemon/*.h plugins/*.h; do \
		echo 'typedef int nothing;' | $(CC) $(CPPFLAGS) $(CFLAGS) $(SCRIPT_CFLAGS) -fsyntax-only -include $$h -xc - || exit 1; \
	done

SANITIZED = BUILD=$(BUILD)/asan OPT='-O1 -g -fno-omit-frame-pointer' \
	SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
asan:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(SANITIZED) asan-run

# Reports go to files: a worker's exit code is not always seen.
asan-run: $(BIN) $(SCRIPT) $(UNIT) $(REPLAY) $(FAULTS)
	@rm -rf $(BUILD)/report && mkdir -m 1777 $(BUILD)/report
	@BUILD=$(BUILD) ASAN_OPTIONS=log_path=$(CURDIR)/$(BUILD)/report/asan \
		UBSAN_OPTIONS=print_stacktrace=1:log_path=$(CURDIR)/$(BUILD)/report/ubsan \
		tests/tool/check unit replay scenario
	@! grep -H . $(BUILD)/report/* 2>/dev/null

# Threads are in net/dial.c, which looks up names, and in the server of a test.
THREADED := $(addprefix $(BUILD)/tests/test_,dial tls)
tsan:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 BUILD=$(BUILD)/tsan -j2 OPT='-O1 -g' SAN=-fsanitize=thread tsan-run

tsan-run: $(THREADED)
	@for t in $(THREADED); do $$t >$(BUILD)/out 2>&1 || { cat $(BUILD)/out; exit 1; }; done

# Lines that units, fuzz targets, some scenarios and some faults run, by layer: a table
# and, as exit status, whether it is what tests/tool/coverage wants; minutes.
COV_SCENARIOS ?= $(patsubst %,test_%.py,absence age backup badinput brief broken_off \
	bytes changes cli control dedupe drills edges feed folders golden_run hooks hostile \
	init look mistakes popcorpus poppeer popscripts rematch script_across script_api \
	script_connect script_events script_files script_limits script_read script_refused \
	script_search script_secret scripts undo unsent) \
	$(patsubst %,test_peer.py:%,Renamed Lying Quarantine MOVE EXPUNGE APPEND)
COV_FAULTS ?= statement kill-before:draft
cov:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory BUILD=$(BUILD)/cov -j2 OPT='-O0 -g' \
		COV=1 SAN='--coverage -DSYNCD_COVERAGE' cov-run

cov-run: $(BIN) $(SCRIPT) $(UNIT) $(REPLAY) $(FAULTS)
	@find $(BUILD) -name '*.gcda' -delete
	@-BUILD=$(BUILD) tests/tool/check unit replay >$(BUILD)/cov.out 2>&1
	@-BUILD=$(BUILD) tests/tool/scenario.py $(COV_SCENARIOS) >>$(BUILD)/cov.out 2>&1
	@-BUILD=$(BUILD) CRASH_CONTROLS=0 CRASH_STEP=11 tests/crash/crash.py $(COV_FAULTS) \
		>>$(BUILD)/cov.out 2>&1
	@tests/tool/coverage $(BUILD)

# Bugs that can be seen without running: .clang-tidy says which; minutes.
SOURCES	:= $(SYNC_SRC) $(DAEMON_SRC) $(wildcard plugins/*.c)
TIDY	= $(subst ','\'',$(CPPFLAGS)) $(filter-out -fcf-protection,$(CFLAGS)) $(SCRIPT_CFLAGS)
tidy:
	@tests/tool/deps analysers
	@printf '%s\n' $(SOURCES) | xargs -P2 -n4 sh -c 'clang-tidy --quiet "$$@" -- $(TIDY) 2>/dev/null' sh

# It is shown the macros that loop, and cannot read a compound literal in "?:".
LOOPS	= $(wildcard /usr/include/jansson.h /usr/include/sys/queue.h /usr/include/*/sys/queue.h)
cppcheck:
	@tests/tool/deps analysers
	@cppcheck -q -j2 --std=c11 --enable=warning,portability,performance --error-exitcode=1 \
		-D_GNU_SOURCE -D__$(shell uname -m)__=1 -Isync -Idaemon -I. $(addprefix --include=,$(LOOPS)) \
		--suppress=internalAstError --suppress='*:/usr/*' $(SOURCES)

valgrind: $(UNIT) $(SCRIPT)
	@for t in $(UNIT); do \
		SYNCD_VALGRIND=1 valgrind -q --error-exitcode=1 --leak-check=full \
			--suppressions=tests/tool/valgrind.supp $$t >$(BUILD)/valgrind.out 2>&1 || \
			{ cat $(BUILD)/valgrind.out; echo "$$t: FAILED"; exit 1; }; \
	done

# Any bytes, FUZZ_SECONDS for each target, TARGETS='sasl state' for a choice.  Needs
# clang, or FUZZ_CC=afl-clang-fast to build targets for afl-fuzz with nothing run;
# what it finds is left in $(BUILD)/fuzz.
FUZZ_SECONDS ?= 60
FUZZ_CC	?= clang
TARGETS ?= $(FUZZ)
fuzz:
	@$(MAKE) -s --no-print-directory CC=$(FUZZ_CC) BUILD=$(BUILD)/fuzz WARN= OPT='-O1 -g' \
		SAN='-fsanitize=$(if $(filter clang%,$(FUZZ_CC)),fuzzer-no-link$(comma))address,undefined -fno-sanitize-recover=undefined' \
		-j2 $(if $(filter clang%,$(FUZZ_CC)),fuzz-run,fuzz-build)
comma	:= ,

fuzz-build: $(addprefix $(BUILD)/fuzz_,$(TARGETS))

fuzz-run: fuzz-build
	@BUILD=$(BUILD) tests/fuzz/run.py $(FUZZ_SECONDS) $(TARGETS)

FUZZED	= $(CC) $(CPPFLAGS) -Itests/unit -Itests/fuzz $(CFLAGS) $(SCRIPT_CFLAGS) -MMD -MP $(LDFLAGS)
# Two of them are about syncd-script.
FUZZ_LIBS = $(if $(filter mime script,$*),$(SCRIPT_LIB) $(LIB) $(SCRIPT_LDLIBS),$(LIB)) $(LDLIBS)
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(SCRIPT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(FUZZED) -fsanitize=fuzzer -o $@ $< $(FUZZ_LIBS)

# The same without a fuzzer: tests/fuzz/replay.c.
$(BUILD)/replay/%: tests/fuzz/fuzz_%.c $(BUILD)/tests/fuzz/replay.o $(SCRIPT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(FUZZED) -o $@ $< $(BUILD)/tests/fuzz/replay.o $(FUZZ_LIBS)

# And with a small one of our own: tests/fuzz/smoke.c.
$(BUILD)/smoke/%: tests/fuzz/fuzz_%.c $(BUILD)/tests/fuzz/smoke.o $(SCRIPT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(FUZZED) -o $@ $< $(BUILD)/tests/fuzz/smoke.o $(FUZZ_LIBS)

SHARE	= $(DESTDIR)$(PREFIX)/share
# Debian 12 looks for the system's units in /lib.
SYSTEM_UNITS ?= $(PREFIX)/lib/systemd/system
USER_UNITS ?= $(PREFIX)/lib/systemd/user
install: $(BIN) $(SCRIPT)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/syncd \
		$(DESTDIR)$(USER_UNITS) $(DESTDIR)$(SYSTEM_UNITS) $(SHARE)/doc/syncd $(SHARE)/syncd \
		$(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man7
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/syncd
	install -m 755 $(SCRIPT) $(DESTDIR)$(PREFIX)/libexec/syncd/syncd-script
	cd lua && find . -type f -exec install -D -m 644 {} $(abspath $(SHARE))/syncd/lua/{} \;
	sed 's,/usr/bin/syncd,$(PREFIX)/bin/syncd,' systemd/syncd.service >$(DESTDIR)$(USER_UNITS)/syncd.service
	sed 's,/usr/bin/syncd,$(PREFIX)/bin/syncd,' systemd/syncd@.service >$(DESTDIR)$(SYSTEM_UNITS)/syncd@.service
	install -m 644 syncd.yaml.example README.md LICENSE $(SHARE)/doc/syncd
	install -m 644 $(wildcard systemd/*.1) $(SHARE)/man/man1
	install -m 644 $(wildcard systemd/*.5) $(SHARE)/man/man5
	install -m 644 $(wildcard systemd/*.7) $(SHARE)/man/man7
	install -m 644 systemd/10-sandbox.conf $(SHARE)/doc/syncd
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(BIN) completion bash >$(SHARE)/bash-completion/completions/syncd
	$(BIN) completion zsh >$(SHARE)/zsh/site-functions/_syncd
	$(BIN) completion fish >$(SHARE)/fish/vendor_completions.d/syncd.fish
	$(BIN) config schema >$(SHARE)/syncd/syncd.schema.json

# What is committed, and nothing else: the same bytes from any clone of a commit.
DIST	:= syncd-$(VERSION)
dist:
	@mkdir -p $(BUILD)
	@git -c tar.umask=0022 archive --format=tar --prefix=$(DIST)/ HEAD | gzip -9n >$(BUILD)/$(DIST).tar.gz
	@cd $(BUILD) && sha256sum $(DIST).tar.gz

clean:
	rm -rf $(BUILD)

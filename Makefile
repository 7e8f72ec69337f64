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
HARDEN	:= -fstack-protector-strong -fstack-clash-protection -fPIE
CPPFLAGS += -D_GNU_SOURCE -DSYNCD_VERSION='"$(VERSION)"' -Isync -Idaemon
CFLAGS	+= -std=c17 $(OPT) $(WARN) $(HARDEN) $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LDFLAGS	+= -pie -Wl,-z,relro,-z,now
LDLIBS	+= $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lpthread

LAYERS	:= base net maildir store imap engine
SYNC_SRC := $(foreach l,$(LAYERS),$(wildcard sync/$(l)/*.c))
DAEMON_SRC := $(wildcard daemon/*.c daemon/cli/*.c)
LIB_OBJ	:= $(patsubst %.c,$(BUILD)/%.o,$(SYNC_SRC) $(filter-out daemon/main.c,$(DAEMON_SRC)))
LIB	:= $(BUILD)/libsyncd.a
BIN	:= $(BUILD)/syncd
UNIT	:= $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all check demo unit scenario layers headers asan valgrind clean install deps
.SECONDARY:
all:
	@tests/tool/deps build
	@$(MAKE) --no-print-directory $(BIN)

$(BIN): $(BUILD)/daemon/main.o $(LIB)
	$(call say,LD)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# schema.sql is part of schema.o (.incbin).
$(BUILD)/sync/store/schema.o: sync/store/schema.sql

$(BUILD)/tests/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

deps:
	@tests/tool/deps check

check:
	@tests/tool/deps check
	@$(MAKE) -s --no-print-directory DEV=1 -j2 $(BIN) $(UNIT)
	@tests/tool/check

unit: $(UNIT)
	@tests/tool/check unit

scenario: $(BIN)
	@tests/tool/check scenario

demo:
	@tests/tool/deps demo
	@$(MAKE) -s --no-print-directory -j2 $(BIN)
	@tests/tool/demo

layers:
	@tests/tool/layers

headers:
	@for h in sync/*/*.h daemon/*.h; do \
		echo 'typedef int nothing;' | $(CC) $(CPPFLAGS) $(CFLAGS) -fsyntax-only -include $$h -xc - || exit 1; \
	done

asan:
	@tests/tool/deps check
	@$(MAKE) --no-print-directory DEV=1 BUILD=build/asan -j2 \
		OPT='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' asan-run

asan-run: $(BIN) $(UNIT)
	@BUILD=$(BUILD) tests/tool/check unit scenario

valgrind: $(UNIT)
	@for t in $(UNIT); do valgrind -q --error-exitcode=1 --leak-check=full $$t || exit 1; done

install: $(BIN)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/user \
		$(DESTDIR)$(PREFIX)/share/doc/syncd $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/syncd
	sed 's,/usr/bin/syncd,$(PREFIX)/bin/syncd,' systemd/syncd.service > $(DESTDIR)$(PREFIX)/lib/systemd/user/syncd.service
	install -m 644 syncd.yaml.example README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/syncd
	install -m 644 systemd/syncd.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 systemd/syncd.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5

clean:
	rm -rf $(BUILD)

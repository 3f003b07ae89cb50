# pg_energyledger: the extension, the MQTT bridge, the meter, their tests.
#
#   make            build everything        make demo       the whole way once, in a private cluster
#   make install    install it              make check      build and test, no set-up needed
#   make deps       Debian packages         make installcheck   regression tests against a running server
#   make bench      ratios against plain PostgreSQL         make check-long     newer servers, long fuzzing, pg_upgrade

EXTENSION    = pg_energyledger
EXTVERSION   = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_energyledger.control)
MODULE_big   = pg_energyledger

# src/core knows nothing of PostgreSQL: it is compiled without its headers, once,
# and linked into the extension, the bridge, the tools and the unit tests.
CORE_SRCS    = $(wildcard src/core/*.c)
CORE_OBJS    = $(CORE_SRCS:.c=.o)
SERVER_SRCS  = $(wildcard src/*.c src/ledger/*.c src/worker/*.c src/metering/*.c src/market/*.c src/certificate/*.c src/fn/*.c)
OBJS         = $(SERVER_SRCS:.c=.o) $(CORE_OBJS)

# One SQL file an area, in the order in which they need each other.
SQL_PARTS    = sql/preamble.sql \
               sql/ledger.sql \
               sql/verify.sql \
               sql/site.sql \
               sql/table.sql \
               sql/personal.sql \
               sql/proof.sql \
               sql/tree.sql \
               sql/fleet.sql \
               sql/metering.sql \
               sql/energy.sql \
               sql/sun.sql \
               sql/matching.sql \
               sql/price.sql \
               sql/posting.sql \
               sql/market.sql \
               sql/market_make.sql \
               sql/settlement.sql \
               sql/order.sql \
               sql/clearing.sql \
               sql/tariff.sql \
               sql/charge.sql \
               sql/prepaid.sql \
               sql/biller.sql \
               sql/invoice.sql \
               sql/invoice_document.sql \
               sql/baseline.sql \
               sql/weather.sql \
               sql/certificate.sql \
               sql/certificate_move.sql \
               sql/certificate_claim.sql \
               sql/asset.sql \
               sql/certificate_signed.sql \
               sql/certificate_issue.sql \
               sql/certificate_storage.sql \
               sql/certificate_grant.sql \
               sql/certificate_view.sql \
               sql/emission.sql \
               sql/certificate_storage_verify.sql \
               sql/certificate_verify.sql \
               sql/command.sql \
               sql/bridge.sql \
               sql/roles.sql
EXTENSION_SQL = pg_energyledger--$(EXTVERSION).sql
DATA_built   = $(EXTENSION_SQL)
DATA         = $(wildcard sql/updates/pg_energyledger--*--*.sql)

PROGRAMS_OURS = mqtt_bridge/energyledger-bridge tools/energyledger-meter tools/energyledger-verify tools/energyledger-box

WARNINGS     = -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers
HARDENING    = -fstack-protector-strong -D_FORTIFY_SOURCE=2
CORE_CFLAGS  = -std=gnu11 -O2 -g -fPIC -fvisibility=hidden $(WARNINGS) $(HARDENING)

PG_CPPFLAGS  = -Isrc
PG_CFLAGS    = -fvisibility=hidden $(WARNINGS) -Wno-declaration-after-statement -Wno-sign-compare
SHLIB_LINK   = -lsodium -lcrypto -lm

EXTRA_CLEAN  = $(PROGRAMS_OURS) mqtt_bridge/*.o tools/*.o src/core/*.o build test/expected \
               results output_iso tmp_check regression.diffs regression.out

# pg_regress also looks into sql/: no test may have the name of a file there.
REGRESS      = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --dbname=contrib_regression

PG_CONFIG   ?= pg_config
# The JIT's bitcode would need the very clang the server was built with.
override with_llvm = no

# These bring what they need and build for themselves, so they come without PGXS
# (which has a "check" of its own that does nothing).
SCRIPT_GOALS = check check-long demo bench deps
ifneq ($(filter $(SCRIPT_GOALS),$(MAKECMDGOALS)),)
ifneq ($(filter-out $(SCRIPT_GOALS),$(MAKECMDGOALS)),)
$(error Run 'make $(filter $(SCRIPT_GOALS),$(MAKECMDGOALS))' by itself)
endif

check:
	@./test/check.sh
check-long:
	@./test/check-long.sh
demo:
	@./test/demo.sh $(if $(KEEP),--keep)
bench:
	@./bench/bench.sh
deps:
	@./test/deps.sh
.PHONY: check check-long demo bench deps

else

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(PGXS)),)
# A machine with nothing installed yet.
all install installcheck:
	@echo "PostgreSQL's server headers not found (PG_CONFIG=$(PG_CONFIG)): run 'make deps' first" >&2; exit 1
clean:
	rm -rf $(EXTRA_CLEAN) src/*.o src/*/*.o $(EXTENSION_SQL) *.so
else
include $(PGXS)

all: $(PROGRAMS_OURS)

$(EXTENSION_SQL): $(SQL_PARTS) pg_energyledger.control Makefile
	cat $(SQL_PARTS) > $@

HEADERS = $(wildcard src/*.h src/*/*.h)
$(OBJS): $(HEADERS)

src/core/%.o: src/core/%.c
	$(CC) $(CORE_CFLAGS) -Isrc -c $< -o $@

PROGRAM_CFLAGS = -std=gnu11 -O2 -g -fPIE $(WARNINGS) $(HARDENING) -Isrc -I$(shell $(PG_CONFIG) --includedir)

mqtt_bridge/%.o: mqtt_bridge/%.c $(wildcard mqtt_bridge/*.h) $(HEADERS)
	$(CC) $(PROGRAM_CFLAGS) -DPROGRAM_VERSION='"$(EXTVERSION)"' -c $< -o $@
tools/%.o: tools/%.c $(wildcard tools/*.h) $(HEADERS)
	$(CC) $(PROGRAM_CFLAGS) -DPROGRAM_VERSION='"$(EXTVERSION)"' -c $< -o $@

mqtt_bridge/energyledger-bridge: $(patsubst %.c,%.o,$(wildcard mqtt_bridge/*.c)) $(CORE_OBJS)
	$(CC) -pie -pthread -o $@ $^ -L$(shell $(PG_CONFIG) --libdir) -lpq -lmosquitto -lsodium -lcrypto -lm
tools/energyledger-meter: $(patsubst %.c,%.o,$(wildcard tools/meter*.c)) $(CORE_OBJS)
	$(CC) -pie -o $@ $^ -lmosquitto -lsodium -lcrypto -lm
# No network and no database: neither library is linked.
tools/energyledger-verify: $(patsubst %.c,%.o,$(wildcard tools/verify*.c)) $(CORE_OBJS)
	$(CC) -pie -o $@ $^ -lsodium -lcrypto -lm
tools/energyledger-box: $(patsubst %.c,%.o,$(wildcard tools/box*.c)) $(CORE_OBJS)
	$(CC) -pie -o $@ $^ -lsodium -lcrypto -lm

install: install-programs
install-programs: $(PROGRAMS_OURS)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(PROGRAMS_OURS) '$(DESTDIR)$(bindir)/'
	$(MKDIR_P) '$(DESTDIR)$(mandir)/man8'
	$(INSTALL_DATA) mqtt_bridge/energyledger-bridge.8 '$(DESTDIR)$(mandir)/man8/'
uninstall: uninstall-programs
uninstall-programs:
	rm -f $(addprefix '$(DESTDIR)$(bindir)'/, $(notdir $(PROGRAMS_OURS))) '$(DESTDIR)$(mandir)/man8/energyledger-bridge.8'

# pg_regress wants expected/ beside its inputs; ours is at the top, where PGXS users look.
installcheck: test/expected
test/expected:
	ln -sfn ../expected $@

.PHONY: install-programs uninstall-programs
endif
endif

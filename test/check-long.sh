#!/bin/bash
# check-long.sh: make check-long: what takes too long for make check.
#
# The regression, isolation, pgTAP, crash, tamper and upgrade tests on other servers
# than the system's (servers.sh brings them: newer ones, and one of this version with
# assertions), some tests with every cache thrown away as often as can be, pg_upgrade
# to the newer ones, tampering drawn from many seeds, 100,000 random operations on certificates, everybody killed at every step of a message's
# way, 50,000 bad messages, 5,000 meters that reconnect at once, and fuzzing of minutes.
# Output is kept in build/check-long/, and the last line is make check's.
#
#   SERVERS="15 17 18"       versions to try          FUZZ_SECONDS_EACH=300
#   TAMPER_SEEDS=24          how many, each drawn

set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

SUITE_SECONDS_MAX=1800
FUZZ_SECONDS_EACH=${FUZZ_SECONDS_EACH:-300}
FUZZ_SECONDS_MAX=$((FUZZ_SECONDS_EACH * 40))	# all targets, one after the other
SERVERS=${SERVERS:-15 17 18}
TAMPER_SEEDS=${TAMPER_SEEDS:-24}
DISCARD_TESTS="ledger_create ledger_from_18"
LOG=$PWD/build/check-long

./test/deps.sh check-long || exit 1
. ./test/lib.sh
. ./test/suite.sh
rm -rf "$LOG"
mkdir -p "$LOG" || exit 1
system_root=$EL_ROOT
system_config=$PG_CONFIG

el_begin check-long

# Objects depend on the server's headers: each server has a copy of the sources.
copy_of_sources()
{
	rm -rf "$1"
	mkdir -p "$1" || return 1
	tar -C "$system_root" --exclude=./build --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude=./test/expected \
		--exclude=./mqtt_bridge/energyledger-bridge --exclude=./tools/energyledger-meter -cf - . | tar -C "$1" -xf -
}

# use VERSION: build for that server, into a stage of its own.  False where the build fails.
declare -A stage
use()
{
	if [ "$1" = system ]; then
		EL_ROOT=$system_root
		export PG_CONFIG=$system_config
	else
		EL_ROOT=$LOG/sources-$1
		PG_CONFIG=$(cut -f 1 "$LOG/server-$1.ready")
		export PG_CONFIG
		[ -d "$EL_ROOT" ] || copy_of_sources "$EL_ROOT"
	fi
	el_progress "check-long: building for $("$PG_CONFIG" --version) ..."
	if ! make -s -j2 -C "$EL_ROOT" all PG_CONFIG="$PG_CONFIG" > "$LOG/build-$1.log" 2>&1; then
		tail -40 "$LOG/build-$1.log"
		return 1
	fi
	EL_STAGE=${stage[$1]:-}
	el_stage
	stage[$1]=$EL_STAGE
}

# Every cache thrown away whenever it may be: what was held too long shows here.
# Servers without assertions cannot do that.
discard_suite()
{
	el_cluster "discard$1" "fsync = off" "energyledger.seal_interval = 0" "energyledger.market_interval = 0" "energyledger.certificate_interval = 0"
	if el_psql -c "SET debug_discard_caches = 1" 2> /dev/null; then
		PGOPTIONS="-c debug_discard_caches=1" regress "$1/discard-caches" regress/pg_regress discard $DISCARD_TESTS
	fi
	el_cluster_stop fast
}

# From the system's server and from our own of its version, to a newer one.
pg_upgrade_suites()
{
	local old config

	[ "$1" = 15 ] && return
	for old in system 15; do
		[ -n "${stage[$old]:-}" ] || continue
		config=$system_config
		[ $old = system ] || config=$(cut -f 1 "$LOG/server-$old.ready")
		suite "$1/pg_upgrade-from-$old" env OLD_PG_CONFIG="$config" OLD_STAGE="${stage[$old]}" \
			bash "$EL_ROOT/test/upgrade/long_pg_upgrade.sh"
	done
}

for version in $SERVERS; do
	suite "server-$version" bash -c './test/servers.sh "$0" > "$1" && echo "ok 1 - $(cut -f 2 "$1")"' \
		"$version" "$LOG/server-$version.ready"
	[ -s "$LOG/server-$version.ready" ] && echo "check-long: $(cut -f 2 "$LOG/server-$version.ready")"
done

use system || el_die "the build for the system's server failed: $LOG/build-system.log"
for version in $SERVERS; do
	[ -s "$LOG/server-$version.ready" ] || continue
	if ! use "$version"; then
		echo "check-long: the build for PostgreSQL $version failed: $LOG/build-$version.log"
		failed=$((failed + 1))
		continue
	fi
	server_suites "$version/"
	discard_suite "$version"
	script_suites "$version/" proof crash tamper upgrade
	pg_upgrade_suites "$version"
done

use system
for ((i = 0; i < TAMPER_SEEDS; i++)); do
	seed=$RANDOM
	suite "tamper/seed-$seed" env SEED=$seed bash "$EL_ROOT/test/tamper/tamper.sh"
done

# 100,000 random operations on certificates.
el_cluster certificate "fsync = off" "energyledger.market_interval = 0"
seed=$RANDOM
suite pgtap/certificate-100000 "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -v steps=100000 -v seed=$seed -f "$EL_ROOT/test/pgtap/certificate.sql"
el_cluster_stop fast

# The whole of October.
suite market/month-31 env DAYS=31 bash "$EL_ROOT/test/market/month.sh"

# 1,600 kills, of which 400 are PostgreSQL's, which takes its time to come back.
SUITE_SECONDS_MAX=3600 suite bridge/steps-20 env CYCLES=20 bash "$EL_ROOT/test/bridge/steps.sh"
suite bridge/hostile-50000 env BAD=50000 bash "$EL_ROOT/test/bridge/hostile.sh"
suite bridge/storm-5000 env METERS=5000 GONE_S=10 bash "$EL_ROOT/test/bridge/storm.sh"

SUITE_SECONDS_MAX=$FUZZ_SECONDS_MAX
suite fuzz make -s -C test/fuzz run SECONDS_EACH="$FUZZ_SECONDS_EACH"

summary
[ "$failed" = 0 ]

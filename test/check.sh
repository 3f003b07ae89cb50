#!/bin/bash
# check.sh: make check: everything that can be tried on one machine, from nothing.
#
# Builds, then runs every suite there is against one private installation: unit
# tests and fuzzing of src/core, the regression and isolation tests, published
# vectors, pgTAP, and the scripts that bring broker, bridge and meters together.
# A suite's whole output is kept in build/check/; the end of it is shown where it
# failed.  The last line, "N passed, N failed, N skipped", is for programs.

set -u
cd "$(dirname "$0")/.." || exit 1
# We call make ourselves: nothing of the make that called us may leak into it.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

SUITE_SECONDS_MAX=600
FUZZ_SECONDS_EACH=${FUZZ_SECONDS_EACH:-3}
LOG=$PWD/build/check

./test/deps.sh check || exit 1
. ./test/lib.sh
rm -rf "$LOG"
mkdir -p "$LOG" || exit 1

table=()
passed=0
failed=0
skipped=0

# The end, good or bad.
summary()
{
	el_progress_end
	echo
	printf '%-28s %8s %8s %8s %9s\n' suite passed failed skipped time
	[ ${#table[@]} = 0 ] || printf '%s\n' "${table[@]}"
	printf '%-28s %8s %8s %8s %7d s\n' all "$passed" "$failed" "$skipped" "$SECONDS"
	echo
	echo "$passed passed, $failed failed, $skipped skipped"
}

# Where lib.sh gives up (no server, no installation) the last line is owed all the same.
el_die()
{
	el_progress_end
	echo "check: $*"
	failed=$((failed + 1))
	summary
	exit 1
}

# Count what a suite says: TAP lines, or pg_regress's "test x ... ok".
count()
{
	grep -cE "$1" "$2"
}

# suite NAME COMMAND...: run it, keep its output, add it to the table.
suite()
{
	local name=$1 log start=$SECONDS status ok bad skip

	log=$LOG/${name//\//-}.log
	shift
	el_progress "check: $name ..."
	el_run "$SUITE_SECONDS_MAX" "$@" > "$log" 2>&1
	status=$?
	skip=$(count '^ok .*# SKIP|^1\.\.0 # SKIP' "$log")
	ok=$(count '^ok |^(test )? +[a-z0-9_]+ +\.\.\. ok|^test [a-z0-9_]+ +\.\.\. ok' "$log")
	ok=$((ok - $(count '^ok .*# SKIP' "$log")))
	bad=$(count '^not ok |\.\.\. FAILED' "$log")
	# A suite that ended badly, or said nothing at all, has failed whatever it counted.
	if [ "$bad" = 0 ] && { [ $status != 0 ] || [ $((ok + skip)) = 0 ]; }; then
		bad=1
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
	table+=("$(printf '%-28s %8d %8d %8d %7d s' "$name" "$ok" "$bad" "$skip" $((SECONDS - start)))")
	if [ "$bad" != 0 ]; then
		el_progress_end
		echo "---- $name failed (exit status $status); the end of $log:"
		[ $status = 124 ] && echo "not ended within $SUITE_SECONDS_MAX s"
		tail -40 "$log"
		[ -f "$EL_TMP/$name/regression.diffs" ] && head -60 "$EL_TMP/$name/regression.diffs"
		echo "----"
	fi
}

# pg_regress and its isolation cousin, on the private cluster.
regress()
{
	local name=$1 program=$2 dbname=$3 pgxs

	shift 3
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
	mkdir "$EL_TMP/$name"
	suite "$name" "$pgxs/$program" --inputdir=test --outputdir="$EL_TMP/$name" --bindir="$EL_BIN" \
		--host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname="$dbname" "$@"
}

# Names of the tests in a folder, without path and ending.
tests_in()
{
	local file

	for file in "$1"/*."$2"; do
		[ -f "$file" ] && basename "$file" ".$2"
	done
}

el_begin check

el_progress "check: building ..."
if ! make -s -j2 all > "$LOG/build.log" 2>&1; then
	tail -40 "$LOG/build.log"
	el_die "the build failed: $LOG/build.log"
fi

# Warnings are errors, the analyser's too.
suite lint bash test/lint.sh
[ -f test/unit/Makefile ] && suite unit make -s -C test/unit check
[ -f test/unit/Makefile ] && suite unit-sanitize make -s -C test/unit check-sanitize
[ -f test/fuzz/Makefile ] && suite fuzz make -s -C test/fuzz run SECONDS_EACH="$FUZZ_SECONDS_EACH"

el_stage
el_cluster check "fsync = off"

sql_tests=$(tests_in test/sql sql)
spec_tests=$(tests_in test/specs spec)
[ -n "$sql_tests$spec_tests" ] && make -s test/expected > "$LOG/expected.log" 2>&1
[ -n "$sql_tests" ] && regress regress regress/pg_regress contrib_regression $sql_tests
[ -n "$spec_tests" ] && regress isolation isolation/pg_isolation_regress isolation_regression $spec_tests

el_psql -c "CREATE DATABASE vectors" -c "CREATE DATABASE pgtap"
el_psql -d vectors -c "CREATE EXTENSION pg_energyledger"
suite vectors env PGDATABASE=vectors VECTORS="$VECTORS" ./test/vectors/run.sh

for file in test/pgtap/*.sql; do
	[ -f "$file" ] || continue
	suite "pgtap/$(basename "$file" .sql)" "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -d pgtap -f "$file"
done
el_cluster_stop fast

export EL_STAGE VECTORS
for file in test/bridge/*.sh test/meter/*.sh test/verifier/*.sh test/docs/*.sh test/sites/*.sh test/crash/*.sh test/tamper/*.sh test/upgrade/*.sh; do
	[ -f "$file" ] || continue
	case $(basename "$file") in
		lib*.sh | *_lib.sh) continue ;;		# sourced by the others
	esac
	suite "$(basename "$(dirname "$file")")/$(basename "$file" .sh)" bash "$file"
done

summary
[ "$failed" = 0 ]

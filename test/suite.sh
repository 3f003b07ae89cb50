#!/bin/bash
# suite.sh: what make check and make check-long have in common: run a suite, keep
# its output, count what it said, and print the table at the end.
#
# Sourced, after lib.sh; never run by itself.  The caller sets LOG, the folder for
# the suites' output, and SUITE_SECONDS_MAX.

table=()
declare -A beside
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
	echo "${EL_NAME:-check}: $*"
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
	local name=$1 start=$SECONDS

	shift
	el_progress "$EL_NAME: $name ..."
	el_run "$SUITE_SECONDS_MAX" "$@" > "$LOG/${name//\//-}.log" 2>&1
	suite_count "$name" $? $((SECONDS - start))
}

# suite_beside NAME COMMAND...: the same while others run, on the processor that one at a
# time leaves idle.  suite_join NAME waits for it.
suite_beside()
{
	local name=$1 start=$SECONDS log=$LOG/${1//\//-}.log

	shift
	(
		el_run "$SUITE_SECONDS_MAX" "$@" > "$log" 2>&1
		echo $? $((SECONDS - start)) > "$log.status"
	) &
	beside[$name]=$!
}

suite_join()
{
	local status seconds

	el_progress "$EL_NAME: $1 ..."
	wait "${beside[$1]}"
	read -r status seconds < "$LOG/${1//\//-}.log.status" || status=1 seconds=0
	suite_count "$1" "$status" "$seconds"
}

# suite_count NAME STATUS SECONDS: what its output says, into the table.
suite_count()
{
	local name=$1 status=$2 log=$LOG/${1//\//-}.log ok bad skip

	skip=$(count '^ok .*# SKIP|^1\.\.0 # SKIP' "$log")
	ok=$(count '^ok |^(test )? +[a-z0-9_]+ +\.\.\. ok|^test [a-z0-9_]+ +\.\.\. ok' "$log")
	ok=$((ok - $(count '^ok .*# SKIP' "$log")))
	bad=$(count '^not ok |\.\.\. FAILED' "$log")
	# A suite that ended badly, or said nothing at all, has failed whatever it counted.
	if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ $((ok + skip)) = 0 ]; }; then
		bad=1
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
	table+=("$(printf '%-28s %8d %8d %8d %7d s' "$name" "$ok" "$bad" "$skip" "$3")")
	if [ "$bad" != 0 ]; then
		el_progress_end
		echo "---- $name failed (exit status $status); the end of $log:"
		[ "$status" = 124 ] && echo "not ended within $SUITE_SECONDS_MAX s"
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
	mkdir -p "$EL_TMP/$name"
	suite "$name" "$pgxs/$program" --inputdir="$EL_ROOT/test" --outputdir="$EL_TMP/$name" --bindir="$EL_BIN" \
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

# server_suites PREFIX: what is run against one private cluster, of the server that
# PG_CONFIG names.  Leaves the stage, for the scripts that start clusters of their own.
server_suites()
{
	local prefix=$1 sql_tests spec_tests file

	el_stage
	# markets are cleared when a test says so
	el_cluster "$EL_NAME${prefix%/}" "fsync = off" "energyledger.market_interval = 0" "energyledger.certificate_interval = 0"
	sql_tests=$(tests_in "$EL_ROOT/test/sql" sql)
	spec_tests=$(tests_in "$EL_ROOT/test/specs" spec)
	[ -n "$sql_tests$spec_tests" ] && make -s -C "$EL_ROOT" test/expected PG_CONFIG="$PG_CONFIG" > "$LOG/expected.log" 2>&1
	[ -n "$sql_tests" ] && regress "${prefix}regress" regress/pg_regress contrib_regression $sql_tests
	[ -n "$spec_tests" ] && regress "${prefix}isolation" isolation/pg_isolation_regress isolation_regression $spec_tests

	el_psql -c "CREATE DATABASE vectors" -c "CREATE DATABASE pgtap"
	el_psql -d vectors -c "CREATE EXTENSION pg_energyledger"
	suite "${prefix}vectors" env PGDATABASE=vectors VECTORS="$VECTORS" "$EL_ROOT/test/vectors/run.sh"

	for file in "$EL_ROOT"/test/pgtap/*.sql; do
		[ -f "$file" ] || continue
		suite "${prefix}pgtap/$(basename "$file" .sql)" "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -d pgtap -f "$file"
	done
	el_cluster_stop fast
	export EL_STAGE VECTORS
}

# script_suites PREFIX FOLDER...: each script in the folders of test/.
script_suites()
{
	local prefix=$1 folder file

	shift
	for folder in "$@"; do
		for file in "$EL_ROOT/test/$folder"/*.sh; do
			[ -f "$file" ] || continue
			case $(basename "$file") in
				lib*.sh | *_lib.sh) continue ;;		# sourced by the others
				long_*.sh) continue ;;				# make check-long names them
			esac
			suite "$prefix$folder/$(basename "$file" .sh)" bash "$file"
		done
	done
}

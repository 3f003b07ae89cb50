# verify.sh: how fast energyledger.verify() recomputes a database with one large table.
#
# Sourced by bench.sh, called as bench_verify.  Beside it stands COPY TO '/dev/null' (FORMAT
# binary) of the same table, one process each: what PostgreSQL needs to read every row and
# hand it over, doing nothing with it.  verify_vs_copy_out is verify's time over COPY's,
# the median of pairs; below 1 verify is faster.  The same in processor time beside
# it, which neighbours on a shared machine disturb less.
#
# verify_two_cores_speedup: one process's time over that of two.  verify_incremental_ms: the
# time from a checkpoint that is 1,000 rows old, verify_incremental_rows what it read.

VERIFY_RUNS=${VERIFY_RUNS:-5}
VERIFY_NEW_ROWS=1000

# Processor time of a statement, in ms, as the kernel counts it for its backend.
bench_cpu_ms()
{
	local out read="split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint"

	out=$(el_psql -c "SELECT set_config('bench.before', $read || '', false)" -c "$1" \
		-c "SELECT 'cpu ' || ($read - current_setting('bench.before')::bigint) / 1000000.0") || el_die "failed: $1"
	sed -n 's/^cpu //p' <<< "$out"
}

bench_verify_statement()
{
	echo "SELECT count(*) FROM energyledger.verify($1)"
}

bench_verify()
{
	local run file findings held ms one=() two=() copy_out=() rate=() verify_cpu=() copy_cpu=() incremental=()
	local out="COPY verified TO '/dev/null' (FORMAT binary)"

	export PGOPTIONS="-c client_min_messages=warning -c max_parallel_maintenance_workers=0"
	el_progress "verify: loading"
	file=$(bench_copy_file "$ROWS") || exit 1
	bench_table ledger verified
	el_psql -c "COPY verified ($BENCH_COLUMNS) FROM '$file'" || el_die "could not load the table to verify"
	bench_settle
	# once, for hint bits and the page cache
	el_psql -o /dev/null -c "$(bench_verify_statement "")" -c "$out"
	for ((run = 1; run <= VERIFY_RUNS; run++)); do
		el_progress "verify: run $run"
		for kind in $(bench_rotate $run copy_out one two); do
			case $kind in
				copy_out) ms=$(bench_statement_ms "$out") || exit 1; copy_out+=("$ms") ;;
				one) ms=$(bench_statement_ms "$(bench_verify_statement "")") || exit 1; one+=("$ms"); rate+=("$(bench_rate "$ROWS" "$ms")") ;;
				two) ms=$(bench_statement_ms "$(bench_verify_statement "workers => 1")") || exit 1; two+=("$ms") ;;
			esac
		done
		copy_cpu+=("$(bench_cpu_ms "$out")") || exit 1
		verify_cpu+=("$(bench_cpu_ms "$(bench_verify_statement "")")") || exit 1
	done
	findings=$(el_psql -c "$(bench_verify_statement "")") || exit 1
	[ "$findings" = 0 ] || el_die "verify has $findings findings in what was just written"
	held=$(el_psql -c "SELECT energyledger.checkpoint()")
	el_psql -o /dev/null -c "INSERT INTO verified SELECT meter, read_at, value_wh, flags, payload FROM verified LIMIT $VERIFY_NEW_ROWS" \
		-c "SELECT energyledger.seal()"
	for ((run = 1; run <= VERIFY_RUNS; run++)); do
		incremental+=("$(bench_statement_ms "$(bench_verify_statement "since => \$n\$$held\$n\$")")") || exit 1
	done
	unset PGOPTIONS
	el_progress_end
	bench_print verify_rows "$ROWS" rows
	bench_print verify_runs "$VERIFY_RUNS" runs
	bench_print_rate verify_rows_per_s rows/s "${rate[@]}"
	bench_print_ratio verify_vs_copy_out "${one[*]}" "${copy_out[*]}" verify/copy_time
	bench_print_ratio verify_vs_copy_out_cpu "${verify_cpu[*]}" "${copy_cpu[*]}" verify/copy_cpu_time
	bench_print_ratio verify_two_cores_speedup "${one[*]}" "${two[*]}" one/two_time
	bench_print verify_incremental_rows "$VERIFY_NEW_ROWS" rows
	bench_print verify_incremental_ms "$(bench_median "${incremental[@]}")" ms
}

# verify.sh: how fast energyledger.verify() recomputes a database with one large table.
#
# Sourced by bench.sh, called as bench_verify.  Beside it stands COPY TO of the same
# table (to /dev/null, so that no disk is in the way): what PostgreSQL needs to read
# every row and write it as text, doing nothing with it.

VERIFY_RUNS=${VERIFY_RUNS:-3}

bench_verify()
{
	local run file ms findings verify=() copy_out=()

	el_progress "verify: loading"
	file=$(bench_copy_file "$ROWS") || exit 1
	bench_table ledger verified
	el_psql -c "COPY verified ($BENCH_COLUMNS) FROM '$file'" || el_die "could not load the table to verify"
	bench_settle
	for ((run = 1; run <= VERIFY_RUNS; run++)); do
		el_progress "verify: run $run"
		ms=$(bench_statement_ms "COPY verified ($BENCH_COLUMNS) TO '/dev/null'") || exit 1
		copy_out+=("$(bench_rate "$ROWS" "$ms")")
		ms=$(bench_statement_ms "SET client_min_messages = warning;
			SELECT count(*) FROM energyledger.verify()") || exit 1
		verify+=("$(bench_rate "$ROWS" "$ms")")
	done
	findings=$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()") || exit 1
	[ "$findings" = 0 ] || el_die "verify has $findings findings in what was just written"
	el_progress_end
	bench_print verify_rows "$ROWS" rows
	bench_print verify_runs "$VERIFY_RUNS" runs
	bench_print_rate verify_rows_per_s rows/s "${verify[@]}"
	bench_print_rate copy_out_rows_per_s rows/s "${copy_out[@]}"
	bench_print_ratio verify_vs_copy_out "${verify[*]}" "${copy_out[*]}" verify/copy_out
}

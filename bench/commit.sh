# commit.sh: how many single-row transactions a second: heap, ledger, and a trigger that
# chains rows.
#
# Sourced by bench.sh, called as bench_commit.  pgbench with prepared statements,
# each INSERT its own transaction, each COMMIT flushed (synchronous_commit on, fsync on).
# While the ledger runs, so does its sealer, at its default interval: that is part of
# the price.

CLIENTS=${CLIENTS:-16}
COMMIT_RUNS=${COMMIT_RUNS:-5}
COMMIT_RUN_S=${COMMIT_RUN_S:-4}

# bench_commit_run KIND RUN: sets BENCH_RATE to transactions a second.
bench_commit_run()
{
	local kind=$1 table=commit_$1_$2 script=$EL_TMP/commit.sql out stored processed

	el_progress "commit: $kind, run $2"
	bench_table "$kind" "$table"
	cat > "$script" <<-SQL
		\\set meter random(1, 100000)
		\\set value_wh random(0, 10000)
		INSERT INTO $table ($BENCH_COLUMNS) VALUES (:meter, now(), :value_wh, 1,
			'\\x$(printf '%.0s5b' {1..64})');
	SQL
	bench_settle
	out=$("$EL_BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 -T "$COMMIT_RUN_S" -f "$script" 2>&1) ||
		el_die "pgbench failed on $table: $out"
	BENCH_RATE=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<< "$out")
	processed=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<< "$out")
	stored=$(el_psql -c "SELECT count(*) FROM $table") || exit 1
	[ -n "$BENCH_RATE" ] && [ "$stored" = "$processed" ] ||
		el_die "pgbench committed $processed rows into $table, which has $stored"
	[ $kind != trigger_chain ] || bench_trigger_chain_check "$table"
	bench_drop "$kind" "$table"
}

bench_commit()
{
	local run kind heap=() ledger=() trigger_chain=()

	for ((run = 1; run <= COMMIT_RUNS; run++)); do
		# Heap and ledger side by side, as a pair's two runs should see the same machine.
		for kind in $(bench_rotate $run heap ledger) trigger_chain; do
			bench_commit_run $kind $run
			case $kind in
				heap) heap+=("$BENCH_RATE") ;;
				ledger) ledger+=("$BENCH_RATE") ;;
				trigger_chain) trigger_chain+=("$BENCH_RATE") ;;
			esac
		done
	done
	el_progress_end
	bench_print commit_clients "$CLIENTS" clients
	bench_print commit_runs "$COMMIT_RUNS" "runs_of_${COMMIT_RUN_S}_s"
	bench_print_rate commit_tps_heap transactions/s "${heap[@]}"
	bench_print_rate commit_tps_ledger transactions/s "${ledger[@]}"
	bench_print_ratio commit_ratio "${ledger[*]}" "${heap[*]}" ledger/heap
	bench_print_rate commit_tps_trigger_chain transactions/s "${trigger_chain[@]}"
	bench_print_ratio commit_vs_trigger_chain "${ledger[*]}" "${trigger_chain[*]}" ledger/trigger
}

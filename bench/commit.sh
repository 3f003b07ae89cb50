# commit.sh: how many single-row transactions a second: heap, ledger, and a trigger that
# chains rows.
#
# Sourced by bench.sh, called as bench_commit.  pgbench with prepared statements,
# each INSERT its own transaction, each COMMIT flushed (synchronous_commit on, fsync on).
# While the ledger runs, so does its sealer, at its default interval: that is part of
# the price.  Runs are short and many, so that the two of a pair see the same machine.

CLIENTS=${CLIENTS:-1 4 16}
COMMIT_RUNS=${COMMIT_RUNS:-9}
COMMIT_RUN_S=${COMMIT_RUN_S:-2}

# Processor time of the server's processes so far, those that have ended too, in us.
bench_server_cpu_us()
{
	local postmaster pid

	postmaster=$(head -1 "$EL_PGDATA/postmaster.pid")
	{
		awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($14 + $15) * 1e9 / tick }' "/proc/$postmaster/stat"
		for pid in $(cat "/proc/$postmaster/task/$postmaster/children"); do
			cat "/proc/$pid/schedstat" 2>/dev/null
		done
	} | awk '{ ns += $1 } END { printf "%.0f", ns / 1000 }'
}

# bench_commit_run KIND CLIENTS RUN: sets BENCH_RATE to transactions a second, and
# BENCH_CPU_US to the server's processor time for one, with the sealing.
bench_commit_run()
{
	local kind=$1 clients=$2 table=commit_$1_$2_$3 script=$EL_TMP/commit.sql out stored processed cpu

	el_progress "commit: $kind, $clients clients, run $3"
	bench_table "$kind" "$table"
	cat > "$script" <<-SQL
		\\set meter random(1, 100000)
		\\set value_wh random(0, 10000)
		INSERT INTO $table ($BENCH_COLUMNS) VALUES (:meter, now(), :value_wh, 1,
			'\\x$(printf '%.0s5b' {1..64})');
	SQL
	bench_settle
	cpu=$(bench_server_cpu_us)
	out=$("$EL_BIN/pgbench" -n -M prepared -c "$clients" -j $((clients > 1 ? 2 : 1)) -T "$COMMIT_RUN_S" -f "$script" 2>&1) ||
		el_die "pgbench failed on $table: $out"
	BENCH_RATE=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' <<< "$out")
	processed=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' <<< "$out")
	el_psql -c "SELECT energyledger.seal()" > /dev/null || el_die "could not seal"
	cpu=$(($(bench_server_cpu_us) - cpu))
	BENCH_CPU_US=$(awk -v us="$cpu" -v n="$processed" 'BEGIN { printf "%.3f", us / n }')
	stored=$(el_psql -c "SELECT count(*) FROM $table") || exit 1
	[ -n "$BENCH_RATE" ] && [ "$stored" = "$processed" ] ||
		el_die "pgbench committed $processed rows into $table, which has $stored"
	[ $kind != trigger_chain ] || bench_trigger_chain_check "$table"
	bench_drop "$kind" "$table"
}

bench_commit()
{
	local clients lowest=()

	bench_print commit_runs "$COMMIT_RUNS" "runs_of_${COMMIT_RUN_S}_s"
	for clients in $CLIENTS; do
		bench_commit_clients "$clients"
		lowest+=("$BENCH_RATIO")
	done
	bench_print commit_ratio_lowest "$(printf '%s\n' "${lowest[@]}" | sort -g | head -1)" ledger/heap
}

# bench_commit_clients CLIENTS: sets BENCH_RATIO to the median of ledger/heap.
bench_commit_clients()
{
	local clients=$1 ratio run kind heap=() ledger=() trigger_chain=() heap_cpu=() ledger_cpu=()

	for ((run = 1; run <= COMMIT_RUNS; run++)); do
		# Heap and ledger side by side, as a pair's two runs should see the same machine.
		for kind in $(bench_rotate $run heap ledger) trigger_chain; do
			# the slowest by far needs no more than a few runs
			[ $kind != trigger_chain ] || [ $run -le 3 ] || continue
			bench_commit_run $kind "$clients" $run
			case $kind in
				heap) heap+=("$BENCH_RATE") heap_cpu+=("$BENCH_CPU_US") ;;
				ledger) ledger+=("$BENCH_RATE") ledger_cpu+=("$BENCH_CPU_US") ;;
				trigger_chain) trigger_chain+=("$BENCH_RATE") ;;
			esac
		done
	done
	el_progress_end
	bench_print_rate "commit_tps_heap_$clients" transactions/s "${heap[@]}"
	bench_print_rate "commit_tps_ledger_$clients" transactions/s "${ledger[@]}"
	bench_print_ratio "commit_ratio_$clients" "${ledger[*]}" "${heap[*]}" ledger/heap
	ratio=$BENCH_RATIO
	bench_print "commit_cpu_heap_$clients" "$(bench_median "${heap_cpu[@]}")" us
	bench_print "commit_cpu_ledger_$clients" "$(bench_median "${ledger_cpu[@]}")" us
	bench_print_ratio "commit_cpu_ratio_$clients" "${heap_cpu[*]}" "${ledger_cpu[*]}" heap/ledger
	bench_print_rate "commit_tps_trigger_chain_$clients" transactions/s "${trigger_chain[@]}"
	bench_print_ratio "commit_vs_trigger_chain_$clients" "${ledger[*]:0:${#trigger_chain[@]}}" "${trigger_chain[*]}" ledger/trigger
	BENCH_RATIO=$ratio
}

# copy.sh: how fast rows come in by COPY: heap, ledger, and a trigger that chains them.
#
# Sourced by bench.sh, called as bench_copy.  The file lies with the server and names
# its columns; the ledger and the heap table have no index, the trigger's table has the
# primary key it finds the last row by.  Heap and ledger load the same ROWS rows in
# pairs, the slow trigger fewer: its cost is the same for each row.

ROWS=${ROWS:-2000000}
PAIRS=${PAIRS:-5}
TRIGGER_ROWS=${TRIGGER_ROWS:-50000}

# A row as it is hashed: version, ledger_id, count of columns; then for each of the
# five its ordinal, length and value.
ROW_BYTES=$((1 + 8 + 2 + 5 * (2 + 4) + 8 + 8 + 8 + 2 + 64))
HASH_S=1

# bench_copy_file ROWS: the file, made once, by the server since it is what reads it.
bench_copy_file()
{
	local file=$BENCH_FILES/rows.$1

	[ -f "$file" ] || el_psql -c "
		COPY (SELECT n % 100000, timestamptz '2024-01-01 00:00Z' + n * interval '15 min' / 100000,
				n * 7919 % 10000, (n % 4)::smallint, sha512(int8send(n))
			FROM generate_series(1, $1::bigint) n)
		TO '$file'" || el_die "could not write the file to copy from"
	echo "$file"
}

# bench_copy_run KIND ROWS RUN: sets BENCH_RATE to rows a second, and BENCH_CPU_NS to
# the backend's processor time for a row.
bench_copy_run()
{
	local kind=$1 rows=$2 table=copy_$1_$3 file times

	el_progress "copy: $kind, run $3"
	file=$(bench_copy_file "$rows") || exit 1
	bench_table "$kind" "$table"
	bench_settle
	times=$(bench_statement_times "COPY $table ($BENCH_COLUMNS) FROM '$file'") || exit 1
	BENCH_RATE=$(bench_rate "$rows" "${times% *}")
	BENCH_CPU_NS=$(awk -v ns="${times#* }" -v rows="$rows" 'BEGIN { printf "%.3f", ns / rows }')
	[ $kind != trigger_chain ] || bench_trigger_chain_check "$table"
	bench_drop "$kind" "$table"
}

bench_copy()
{
	local run kind program heap=() ledger=() trigger_chain=() hash=() heap_cpu=() ledger_cpu=()

	program=$(bench_program hash_rows) || exit 1
	# The first to run would pay for new WAL segments, which later runs use again.
	bench_copy_run heap "$ROWS" 0
	for ((run = 1; run <= PAIRS; run++)); do
		for kind in $(bench_rotate $run heap ledger); do
			bench_copy_run $kind "$ROWS" $run
			[ $kind = heap ] && heap+=("$BENCH_RATE") || ledger+=("$BENCH_RATE")
			[ $kind = heap ] && heap_cpu+=("$BENCH_CPU_NS") || ledger_cpu+=("$BENCH_CPU_NS")
		done
		bench_copy_run trigger_chain "$TRIGGER_ROWS" $run
		trigger_chain+=("$BENCH_RATE")
		hash+=("$("$program" "$ROW_BYTES" "$HASH_S")") || el_die "could not measure hashing"
	done
	el_progress_end
	bench_print copy_rows "$ROWS" rows
	bench_print copy_runs "$PAIRS" pairs
	bench_print_rate copy_rows_per_s_heap rows/s "${heap[@]}"
	bench_print_rate copy_rows_per_s_ledger rows/s "${ledger[@]}"
	bench_print_ratio copy_ratio "${ledger[*]}" "${heap[*]}" ledger/heap
	bench_print copy_rows_trigger_chain "$TRIGGER_ROWS" rows
	bench_print_rate copy_rows_per_s_trigger_chain rows/s "${trigger_chain[@]}"
	bench_print_ratio copy_vs_trigger_chain "${ledger[*]}" "${trigger_chain[*]}" ledger/trigger
	bench_print_rate hash_rows_per_s rows/s "${hash[@]}"
	bench_print_rate copy_cpu_per_row_heap ns "${heap_cpu[@]}"
	bench_print_rate copy_cpu_per_row_ledger ns "${ledger_cpu[@]}"
	bench_print_ratio copy_cpu_ratio "${heap_cpu[*]}" "${ledger_cpu[*]}" heap/ledger
	bench_print_copy_overhead copy_overhead "$(bench_copy_ns "${heap[@]}")" "$(bench_copy_ns "${ledger[@]}")" "${hash[*]}"
	bench_print_copy_overhead copy_cpu_overhead "${heap_cpu[*]}" "${ledger_cpu[*]}" "${hash[*]}"
}

# Rows a second as ns a row.
bench_copy_ns()
{
	awk 'BEGIN { for (i = 1; i < ARGC; i++) printf "%.3f ", 1e9 / ARGV[i] }' "$@"
}

# bench_print_copy_overhead NAME HEAP LEDGER HASH: what a row costs beyond heap's ns, and
# that as a part of one and a half times the bare time of its hashes (leaf and node, one
# after the other): 1 and less is the goal.
bench_print_copy_overhead()
{
	local name=$1 i
	local -a heap=($2) ledger=($3) hash=($4) over=() limit=()

	for i in "${!heap[@]}"; do
		over+=("$(awk -v h="${heap[i]}" -v l="${ledger[i]}" 'BEGIN { printf "%.3f", l - h }')")
		limit+=("$(awk -v n="${hash[i]}" 'BEGIN { printf "%.3f", 1.5e9 / n }')")
	done
	bench_print_rate "${name}_per_row" ns "${over[@]}"
	bench_print_ratio "${name}_vs_hash_limit" "${over[*]}" "${limit[*]}" overhead/limit
}

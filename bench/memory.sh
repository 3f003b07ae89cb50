# memory.sh: the most memory that a backend needs for one COPY of very many rows: heap
# and ledger.
#
# Sourced by bench.sh, called as bench_memory.  The kernel keeps a process's highest
# resident size (VmHWM), but counts the shared buffers that it touched; so this part has
# a cluster of its own, with so few of them that each COPY touches them all.  A new
# session each: a size once reached is never forgotten.  Small rows, since what may grow
# with a transaction grows by their number.

MEMORY_ROWS=${MEMORY_ROWS:-10000000}

# bench_memory_run KIND ROWS: prints the session's highest resident size in kB.
bench_memory_run()
{
	local kind=$1 rows=$2 table=memory_$1_$2 using=""

	[ "$kind" = heap ] || using="USING ledger"
	el_psql -c "CREATE TABLE $table (n bigint NOT NULL, k int NOT NULL) $using" ||
		el_die "could not create table $table"
	el_psql -c "COPY $table (n, k) FROM PROGRAM 'seq -f %.0f,1 $rows' (FORMAT csv)" \
		-c "SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')" ||
		el_die "could not copy into $table"
}

bench_memory()
{
	local few=$((MEMORY_ROWS / 10)) heap ledger few_ledger

	el_cluster memory "shared_buffers = 1MB" "max_wal_size = 4GB" "autovacuum = off" "fsync = off"
	el_psql -c "CREATE EXTENSION pg_energyledger" || el_die "could not create the extension"
	bench_print memory_rows "$MEMORY_ROWS" rows
	el_progress "memory: heap"
	heap=$(bench_memory_run heap "$MEMORY_ROWS") || exit 1
	el_progress "memory: ledger"
	few_ledger=$(bench_memory_run ledger "$few") || exit 1
	ledger=$(bench_memory_run ledger "$MEMORY_ROWS") || exit 1
	[ "$(el_psql -c "SELECT count(*) FROM memory_ledger_$MEMORY_ROWS")" = "$MEMORY_ROWS" ] ||
		el_die "the ledger has not taken all rows"
	el_progress_end
	bench_print memory_peak_heap "$heap" kB
	bench_print memory_peak_ledger "$ledger" kB
	bench_print memory_over_heap $((ledger - heap)) kB
	bench_print memory_over_a_tenth_of_the_rows $((ledger - few_ledger)) kB
	el_cluster_stop fast
}

# proof.sh: what a receipt and an inclusion proof cost in a log of a million entries, and
# in one of ten million.
#
# Sourced by bench.sh, called as bench_proof.  Two databases are filled through the
# public interface: a statement that inserts a row into each partition of a ledger
# table makes an entry of each, so that a transaction writes as many entries as there
# are partitions while the sealer works beside it.  Then both are asked in turn, each
# time for other rows taken at random from the whole log: the mean of a run is what one
# call costs, without the way to the client.  Each run is asked twice and the second
# time counts: the larger log does not fit into shared_buffers, and how long it takes
# to bring a page in is not the question here.

PROOF_SMALL=${PROOF_SMALL:-1000000}
PROOF_LARGE=${PROOF_LARGE:-10000000}
PROOF_RUNS=${PROOF_RUNS:-5}
PROOF_CALLS=${PROOF_CALLS:-1000}
PROOF_PARTITIONS=200

# bench_proof_name ENTRIES: 1m, 10m, 100k
bench_proof_name()
{
	case $1 in
		*000000) echo "$(($1 / 1000000))m" ;;
		*000) echo "$(($1 / 1000))k" ;;
		*) echo "$1" ;;
	esac
}

# bench_proof_fill ENTRIES: a database with at least so many, all sealed.
bench_proof_fill()
{
	bench_database "proof_$(bench_proof_name "$1")"
	el_progress "proof: writing $1 entries"
	el_psql <<-SQL || el_die "could not write $1 entries"
		SET client_min_messages = warning;
		CREATE TABLE entered (part int NOT NULL, value_wh bigint NOT NULL, ledger_id bigint NOT NULL DEFAULT 0)
			PARTITION BY LIST (part);
		DO \$\$ BEGIN
			FOR i IN 1..$PROOF_PARTITIONS LOOP
				EXECUTE format('CREATE TABLE entered_%s PARTITION OF entered FOR VALUES IN (%s) USING ledger', i, i);
			END LOOP;
		END \$\$;
		SET synchronous_commit = off;
		DO \$\$ BEGIN
			FOR i IN 1..$(($1 / PROOF_PARTITIONS)) LOOP
				INSERT INTO entered SELECT g, i FROM generate_series(1, $PROOF_PARTITIONS) g;
				COMMIT;
			END LOOP;
		END \$\$;
	SQL
	bench_settle
	# vacuumed once, as any table of that age is; rows of a rank of their own to ask for
	el_psql <<-SQL || el_die "could not prepare the questions"
		VACUUM ANALYZE;
		SELECT setseed(0.6962);
		CREATE TABLE asked AS
			SELECT run, e.first_id AS ledger_id, NULL::bigint AS leaf_index
			FROM generate_series(1, $PROOF_RUNS) run,
				LATERAL (SELECT first_id FROM energyledger.entry TABLESAMPLE SYSTEM (2)
					WHERE run > 0 AND relation LIKE 'public.entered%' ORDER BY random() LIMIT $PROOF_CALLS) e;
		UPDATE asked SET leaf_index = energyledger.log_index(ledger_id);
		VACUUM asked;
	SQL
}

# bench_proof_us ENTRIES RUN EXPRESSION: what a call of it costs, in us.
bench_proof_us()
{
	local out query

	export PGDATABASE=bench_proof_$(bench_proof_name "$1")
	query="SELECT count($3) FROM asked, (SELECT max(first_index + leaf_count + 1) AS size FROM energyledger.block) b WHERE run = $2"
	out=$(el_psql -c '\timing on' -c "$query" -c "$query") || el_die "failed: $query"
	sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' <<< "$out" | tail -1 |
		awk -v calls="$PROOF_CALLS" '{ printf "%.3f", $1 * 1000 / calls }'
}

# bench_proof_measure NAME EXPRESSION
bench_proof_measure()
{
	local run small=() large=()

	for ((run = 1; run <= PROOF_RUNS; run++)); do
		el_progress "proof: $1, run $run"
		small+=("$(bench_proof_us "$PROOF_SMALL" "$run" "$2")") || exit 1
		large+=("$(bench_proof_us "$PROOF_LARGE" "$run" "$2")") || exit 1
	done
	el_progress_end
	bench_print "$1_us_$(bench_proof_name "$PROOF_SMALL")" "$(bench_median "${small[@]}")" us
	bench_print "$1_us_$(bench_proof_name "$PROOF_LARGE")" "$(bench_median "${large[@]}")" us
	bench_print_ratio "$1_ratio" "${large[*]}" "${small[*]}" large/small
}

bench_proof()
{
	local size

	for size in "$PROOF_SMALL" "$PROOF_LARGE"; do
		bench_proof_fill "$size"
	done
	bench_proof_measure proof "energyledger.inclusion_proof(leaf_index, b.size)"
	bench_proof_measure receipt "energyledger.receipt(ledger_id)"
}

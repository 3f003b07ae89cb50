# ingest.sh: how many signed messages energyledger.ingest() takes in on one connection.
#
# Sourced by bench.sh, called as bench_ingest.  Batches of 500 COSE messages, one
# reading each, none seen before, each batch a transaction of its own, committed to
# disk.  The arrays wait in a table of the server, so that what is measured is ingest
# and not psql's way of writing bytes.  Beside it, in turn: libsodium alone checking the
# signatures of the same messages on one core.

INGEST_RUNS=${INGEST_RUNS:-5}
INGEST_BATCHES=${INGEST_BATCHES:-20}	# a run
INGEST_METERS=${INGEST_METERS:-50}
INGEST_BATCH_MESSAGES=500
INGEST_VERIFY_S=1

bench_ingest_prepare()
{
	local messages=$((INGEST_RUNS * INGEST_BATCHES * INGEST_BATCH_MESSAGES))
	local sign=$1

	el_psql <<-'SQL' || el_die "could not set up ingest"
		CREATE UNLOGGED TABLE signing_key (meter text, public_key bytea);
		CREATE UNLOGGED TABLE signed_message (ordinal bigint, message bytea);
		CREATE UNLOGGED TABLE batch (number bigint PRIMARY KEY, messages bytea[]);
		ALTER TABLE batch ALTER COLUMN messages SET STORAGE EXTERNAL;
	SQL
	"$sign" keys "$INGEST_METERS" | el_psql -c "COPY signing_key FROM STDIN" &&
		"$sign" messages "$INGEST_METERS" "$messages" | el_psql -c "COPY signed_message FROM STDIN" ||
		el_die "could not make the messages"
	el_psql <<-SQL > /dev/null || el_die "could not register the meters"
		INSERT INTO batch
		SELECT ordinal / $INGEST_BATCH_MESSAGES, array_agg(message ORDER BY ordinal)
		FROM signed_message GROUP BY 1;
		SELECT count(energyledger.register_meter(meter, public_key)) FROM signing_key;
	SQL
}

# One connection's batches, from number $1 on: sets BENCH_RATE to messages a second.
bench_ingest_run()
{
	local number out accepted ms messages=$((INGEST_BATCHES * INGEST_BATCH_MESSAGES))
	local script=$EL_TMP/ingest.sql

	{
		echo '\timing on'
		for ((number = $1; number < $1 + INGEST_BATCHES; number++)); do
			echo "SELECT 'accepted', count(*) FILTER (WHERE verdict = 'accepted')" \
				"FROM energyledger.ingest((SELECT messages FROM batch WHERE number = $number));"
		done
	} > "$script"
	bench_settle
	out=$(el_psql -f "$script") || el_die "ingest failed"
	accepted=$(awk -F'|' '$1 == "accepted" { n += $2 } END { print n }' <<< "$out")
	[ "$accepted" = "$messages" ] || el_die "ingest accepted $accepted of $messages messages"
	ms=$(awk '$1 == "Time:" { ms += $2 } END { print ms }' <<< "$out")
	BENCH_RATE=$(bench_rate "$messages" "$ms")
}

bench_ingest()
{
	local run sign ingest=() ed25519=()

	el_progress "ingest: signing messages"
	sign=$(bench_program sign_messages) || exit 1
	bench_ingest_prepare "$sign"
	for ((run = 0; run < INGEST_RUNS; run++)); do
		el_progress "ingest: run $((run + 1))"
		ed25519+=("$("$sign" verify "$INGEST_METERS" "$INGEST_VERIFY_S")") ||
			el_die "could not measure Ed25519"
		bench_ingest_run $((run * INGEST_BATCHES))
		ingest+=("$BENCH_RATE")
	done
	el_progress_end
	bench_print ingest_messages $((INGEST_BATCHES * INGEST_BATCH_MESSAGES)) messages_a_run
	bench_print ingest_batch "$INGEST_BATCH_MESSAGES" messages
	bench_print ingest_message_size "$(el_psql -c "SELECT round(avg(length(message))) FROM signed_message")" bytes
	bench_print ingest_runs "$INGEST_RUNS" runs
	bench_print_rate ingest_messages_per_s messages/s "${ingest[@]}"
	bench_print_rate ed25519_verify_per_s signatures/s "${ed25519[@]}"
	bench_print_ratio ingest_vs_ed25519 "${ingest[*]}" "${ed25519[*]}" ingest/ed25519
}

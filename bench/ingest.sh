# ingest.sh: how many signed messages energyledger.ingest() takes in on one connection.
#
# Sourced by bench.sh, called as bench_ingest.  Batches of COSE messages, none seen
# before, each batch a transaction of its own, committed to disk: of one reading each, then
# of days of 96 quarter hours.  The arrays wait in a table of the server, so that what is
# measured is ingest and not psql's way of writing bytes.  Beside it, in turn: libsodium
# alone checking the signatures of the same messages on one core.  Both also as processor
# time, which others on the machine disturb less.

INGEST_RUNS=${INGEST_RUNS:-5}
INGEST_METERS=${INGEST_METERS:-50}
INGEST_BATCHES=${INGEST_BATCHES:-20}	# a run, of messages of one reading
INGEST_BATCH_MESSAGES=500
INGEST_DAY_BATCHES=${INGEST_DAY_BATCHES:-4}	# a run, of messages of 96 readings
INGEST_DAY_BATCH_MESSAGES=500
INGEST_DAY_READINGS=96
INGEST_VERIFY_S=1

# bench_ingest_prepare SIGN KIND FIRST BATCHES BATCH READINGS: batches of a kind's messages in
# batch_KIND, from meters FIRST on, registered.
bench_ingest_prepare()
{
	local sign=$1 kind=$2 first=$3 messages=$((INGEST_RUNS * $4 * $5)) batch=$5 readings=$6

	el_psql <<-SQL || el_die "could not set up ingest"
		CREATE UNLOGGED TABLE message_$kind (ordinal bigint, message bytea);
		CREATE UNLOGGED TABLE batch_$kind (number bigint PRIMARY KEY, messages bytea[]);
		ALTER TABLE batch_$kind ALTER COLUMN messages SET STORAGE EXTERNAL;
	SQL
	"$sign" keys "$first" "$INGEST_METERS" |
		el_psql -c "COPY energyledger.meter_key (meter, public_key, algorithm) FROM STDIN" ||
		el_die "could not register the meters"
	"$sign" messages "$first" "$INGEST_METERS" "$messages" "$readings" |
		el_psql -c "COPY message_$kind FROM STDIN" &&
		el_psql -c "INSERT INTO batch_$kind
			SELECT ordinal / $batch, array_agg(message ORDER BY ordinal) FROM message_$kind GROUP BY 1" ||
		el_die "could not make the messages"
}

# bench_ingest_run KIND FIRST BATCHES BATCH: one connection's batches, from number FIRST on.  Sets
# BENCH_RATE to messages a second, BENCH_CPU_US to the backend's processor time for each.
bench_ingest_run()
{
	local kind=$1 first=$2 batches=$3 number out accepted ms messages=$(($3 * $4))
	local script=$EL_TMP/ingest.sql

	{
		echo "SELECT 'cpu', split_part(pg_read_file('/proc/self/schedstat'), ' ', 1);"
		echo '\timing on'
		for ((number = first; number < first + batches; number++)); do
			echo "SELECT 'accepted', count(*) FILTER (WHERE verdict = 'accepted')" \
				"FROM energyledger.ingest((SELECT messages FROM batch_$kind WHERE number = $number));"
		done
		echo '\timing off'
		echo "SELECT 'cpu', split_part(pg_read_file('/proc/self/schedstat'), ' ', 1);"
	} > "$script"
	bench_settle
	out=$(el_psql -f "$script") || el_die "ingest failed"
	accepted=$(awk -F'|' '$1 == "accepted" { n += $2 } END { print n }' <<< "$out")
	[ "$accepted" = "$messages" ] || el_die "ingest accepted $accepted of $messages messages"
	ms=$(awk '$1 == "Time:" { ms += $2 } END { print ms }' <<< "$out")
	BENCH_RATE=$(bench_rate "$messages" "$ms")
	BENCH_CPU_US=$(awk -F'|' -v n="$messages" '$1 == "cpu" { if (!i++) first = $2; last = $2 }
		END { printf "%.3f", (last - first) / 1000 / n }' <<< "$out")
}

# bench_ingest_kind SIGN KIND FIRST BATCHES BATCH READINGS NAME: figures under that name.
bench_ingest_kind()
{
	local sign=$1 kind=$2 batches=$4 batch=$5 readings=$6 name=$7
	local run rate ns ingest=() ed25519=() ingest_cpu=() ed25519_cpu=() readings_s=()

	el_progress "$name: signing messages"
	bench_ingest_prepare "$sign" "$kind" "$3" "$batches" "$batch" "$readings"
	for ((run = 0; run < INGEST_RUNS; run++)); do
		el_progress "$name: run $((run + 1))"
		read -r rate ns < <("$sign" verify "$INGEST_METERS" "$INGEST_VERIFY_S" "$readings") ||
			el_die "could not measure Ed25519"
		ed25519+=("$rate")
		ed25519_cpu+=("$(awk "BEGIN { print $ns / 1000 }")")
		bench_ingest_run "$kind" $((run * batches)) "$batches" "$batch"
		ingest+=("$BENCH_RATE")
		ingest_cpu+=("$BENCH_CPU_US")
		readings_s+=("$(awk "BEGIN { print $BENCH_RATE * $readings }")")
	done
	el_progress_end
	bench_print "${name}_messages" $((batches * batch)) messages_a_run
	bench_print "${name}_batch" "$batch" messages
	bench_print "${name}_message_size" "$(el_psql -c "SELECT round(avg(length(message))) FROM message_$kind")" bytes
	bench_print "${name}_runs" "$INGEST_RUNS" runs
	if [ "$readings" != 1 ]; then
		bench_print_rate ingest_readings_per_s readings/s "${readings_s[@]}"
		bench_print_rate ingest_readings_per_cpu_s readings/s \
			"$(awk "BEGIN { print $readings * 1000000 / $(bench_median "${ingest_cpu[@]}") }")"
	fi
	bench_print_rate "${name}_messages_per_s" messages/s "${ingest[@]}"
	bench_print_rate "${name/ingest/ed25519_verify}_per_s" signatures/s "${ed25519[@]}"
	bench_print_ratio "${name}_vs_ed25519" "${ingest[*]}" "${ed25519[*]}" ingest/ed25519
	bench_print "${name}_cpu" "$(bench_median "${ingest_cpu[@]}")" us
	bench_print_ratio "${name}_cpu_vs_ed25519" "${ed25519_cpu[*]}" "${ingest_cpu[*]}" ed25519/ingest
}

bench_ingest()
{
	local sign

	sign=$(bench_program sign_messages "$BENCH_DIR/signed_meter.c") || exit 1
	bench_ingest_kind "$sign" single 0 "$INGEST_BATCHES" "$INGEST_BATCH_MESSAGES" 1 ingest
	bench_ingest_kind "$sign" day "$INGEST_METERS" "$INGEST_DAY_BATCHES" "$INGEST_DAY_BATCH_MESSAGES" \
		"$INGEST_DAY_READINGS" ingest_day
}

# certificates.sh: what certificates of origin cost.
#
# Sourced by bench.sh, called as bench_certificates.  bound_certificates.c says of which
# plants and times the bounds are; they are computed in the core alone.
#
# certificates_issued_per_s: CERTIFICATES_DEVICES devices with a reading for each quarter hour
# of a day, hydro power, that there is production at night too: half of the devices each in
# two sessions, 500 of them a transaction, committed.  certificates_plain_per_s writes the
# same rows to an ordinary table with the same indexes, in one session.
# certificates_balance_ms: one holder's, who has them all.
# certificates_moved_per_s_*: bundles that one call, or eight sessions one by one, give to
# another party, cancel, and so on.

CERTIFICATES_RUNS=${CERTIFICATES_RUNS:-9}
CERTIFICATES_DEVICES=${CERTIFICATES_DEVICES:-10000}
CERTIFICATES_BATCH=100
CERTIFICATES_BULK=100000
CERTIFICATES_CLIENTS=8
CERTIFICATES_TRANSACTIONS=4000	# of each client
CERTIFICATES_INSTANTS=2000000
CERTIFICATES_INTERVALS=1000000

bench_certificates_bound()
{
	local program out

	el_progress "certificates: bounds"
	program=$(bench_program bound_certificates) || exit 1
	out=$("$program" instant "$CERTIFICATES_INSTANTS" "$CERTIFICATES_RUNS") || el_die "bound_certificates failed"
	bench_print_rate solar_bound_evaluations_per_s evaluations/s $out
	out=$("$program" interval "$CERTIFICATES_INTERVALS" "$CERTIFICATES_RUNS") || el_die "bound_certificates failed"
	bench_print_rate solar_bound_quarter_hours_per_s intervals/s $out
}

bench_certificates_make()
{
	el_progress "certificates: making $CERTIFICATES_DEVICES devices and their readings"
	el_psql > /dev/null <<-SQL || el_die "could not make devices"
		INSERT INTO energyledger.party (party) VALUES ('utility'), ('customer');
		SELECT energyledger.accept_certificates('customer', 'utility');
		INSERT INTO energyledger.meter (meter, party, technology, capacity_w) SELECT 'mill-' || i, 'utility', 'hydro', 8000 FROM generate_series(1, $CERTIFICATES_DEVICES) i;
		SELECT count(energyledger.register_device('mill-' || i, 'hydro')) FROM generate_series(1, $CERTIFICATES_DEVICES) i;
		INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
			SELECT 'mill-' || i, 1, 1, 'reading', 'cose', sha256(i::text::bytea), '2025-06-02', 'S', '2025-06-02', true, '' FROM generate_series(1, $CERTIFICATES_DEVICES) i;
		INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
			SELECT 'mill-' || i, 1, 1, k + 1, '1-0:2.8.0', timestamptz '2025-06-01' + k * interval '15 minutes', timestamptz '2025-06-01' + (k + 1) * interval '15 minutes',
				1 + (i::bigint * 7919 + k * 31) % 1999, 0, 'Wh', 'G'
			FROM generate_series(1, $CERTIFICATES_DEVICES) i, generate_series(0, 95) k;
		ANALYZE;
	SQL
	bench_settle
}

# bench_certificates_session FIRST LAST: issues for these devices.
bench_certificates_session()
{
	local from

	for ((from = $1; from <= $2; from += CERTIFICATES_BATCH)); do
		echo "SELECT energyledger.issue_certificates(ARRAY(SELECT 'mill-' || i FROM generate_series($from, least($from + $CERTIFICATES_BATCH - 1, $2)) i), '2025-06-01', '2025-06-02');"
	done | el_psql > /dev/null
}

bench_certificates_issue()
{
	local half=$((CERTIFICATES_DEVICES / 2)) began ms one two issued

	bench_certificates_make
	el_progress "certificates: issuing"
	began=$(date +%s%N)
	bench_certificates_session 1 "$half" & one=$!
	bench_certificates_session $((half + 1)) "$CERTIFICATES_DEVICES" & two=$!
	wait "$one" && wait "$two" || el_die "could not issue certificates"
	ms=$((($(date +%s%N) - began) / 1000000))
	issued=$(el_psql -c "SELECT count(*) FROM energyledger.certificate_bundle") || exit 1
	[ "$issued" = $((CERTIFICATES_DEVICES * 96)) ] || el_die "only $issued bundles were issued"
	bench_print certificates_devices "$CERTIFICATES_DEVICES" devices
	bench_print certificates_issue_ms "$ms" ms
	bench_print certificates_issued_per_s $((issued * 1000 / ms)) bundles/s
	el_psql -c "CREATE TABLE plain_bundle (LIKE energyledger.certificate_bundle)" \
		-c "CREATE UNIQUE INDEX ON plain_bundle (device, carrier, first_id, parent_id) NULLS NOT DISTINCT" -c "CREATE INDEX ON plain_bundle (holder, from_at)" || exit 1
	ms=$(bench_statement_ms "INSERT INTO plain_bundle SELECT * FROM energyledger.certificate_bundle") || exit 1
	bench_print certificates_plain_per_s "$(awk "BEGIN { printf \"%d\", $issued * 1000 / $ms }")" rows/s
	el_psql -c "DROP TABLE plain_bundle" || exit 1
	bench_settle
	bench_print certificates_balance_ms "$(bench_statement_ms "SELECT * FROM energyledger.certificate_balance WHERE holder = 'utility'")" ms
}

# bench_certificates_bulk NAME CALL: with the ranges of CERTIFICATES_BULK bundles, each of another time.
bench_certificates_bulk()
{
	local ms

	el_progress "certificates: $1"
	ms=$(bench_statement_ms "SELECT energyledger.$2 FROM bulk") || exit 1
	bench_print "certificates_$1_per_s" "$(awk "BEGIN { printf \"%d\", $CERTIFICATES_BULK * 1000 / $ms }")" bundles/s
}

# bench_certificates_one NAME CALL: one bundle a transaction, by eight clients, each with its own bundles.
bench_certificates_one()
{
	local tps

	el_progress "certificates: $1"
	printf '\\set n :n + 1\nSELECT energyledger.%s FROM single WHERE client = :client_id AND n = :n;\n' "$2" > "$EL_TMP/certificates.pgbench"
	tps=$("$EL_BIN/pgbench" -n -M prepared -D n=0 -f "$EL_TMP/certificates.pgbench" -c "$CERTIFICATES_CLIENTS" -j 2 -t "$CERTIFICATES_TRANSACTIONS" "$PGDATABASE" 2> "$EL_TMP/certificates.err" |
		sed -n 's/^tps = \([0-9]*\).*/\1/p') || el_die "pgbench failed: $(tail -3 "$EL_TMP/certificates.err")"
	[ -n "$tps" ] && ! grep -q aborted "$EL_TMP/certificates.err" || el_die "pgbench failed: $(tail -3 "$EL_TMP/certificates.err")"
	bench_print "certificates_$1_per_s" "$tps" transactions/s
}

bench_certificates_move()
{
	el_psql <<-SQL || el_die "could not choose certificates"
		CREATE TABLE bulk AS SELECT array_agg(h.numbers) AS a FROM (SELECT numbers FROM energyledger.certificate_holding WHERE holder = 'utility' ORDER BY from_at DESC, device LIMIT $CERTIFICATES_BULK) h;
		CREATE TABLE single AS SELECT (row_number() OVER () - 1) % $CERTIFICATES_CLIENTS AS client, (row_number() OVER () + $CERTIFICATES_CLIENTS - 1) / $CERTIFICATES_CLIENTS AS n, h.numbers
			FROM (SELECT numbers FROM energyledger.certificate_holding WHERE holder = 'utility' ORDER BY from_at, device LIMIT $((CERTIFICATES_CLIENTS * CERTIFICATES_TRANSACTIONS))) h;
		ALTER TABLE single ADD PRIMARY KEY (client, n);
		ANALYZE bulk, single;
	SQL
	bench_certificates_bulk bulk_transfer "transfer_certificates(a, 'customer')"
	bench_certificates_bulk bulk_cancel "cancel_certificates(a, 'customer')"
	bench_settle
	bench_certificates_one transfer "transfer_certificates(ARRAY[numbers], 'customer')"
	bench_certificates_one cancel "cancel_certificates(ARRAY[numbers], 'customer')"
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.certificate_event")" = $((2 + 2 * CERTIFICATES_CLIENTS * CERTIFICATES_TRANSACTIONS)) ] || el_die "not all certificates were moved"
}

bench_certificates()
{
	bench_certificates_bound
	bench_certificates_issue
	bench_certificates_move
	el_progress_end
}

# fleet.sh: how long it takes to register a fleet of meters with COPY.
#
# Sourced by bench.sh, called as bench_fleet.  FLEET_METERS meters, then their keys, from
# files of the server, each COPY a transaction of its own, committed to disk.  Beside it the
# same rows into plain tables without constraints or index: what COPY itself needs.
# Afterwards, what SQL needs to look up a meter's current key among them.

FLEET_METERS=${FLEET_METERS:-1000000}
FLEET_LOOKUPS=20000

bench_fleet()
{
	local columns="meter, technology, capacity_w, latitude_microdegrees, longitude_microdegrees" meters keys plain lookup

	el_progress "fleet: making $FLEET_METERS meters"
	el_psql <<-SQL || el_die "could not make the meters"
		COPY (SELECT 'meter-' || g, 'solar', 5000, 52370000, 4890000 FROM generate_series(1, $FLEET_METERS) g) TO '$BENCH_FILES/meters';
		COPY (SELECT 'meter-' || g, sha256(g::text::bytea), 'Ed25519' FROM generate_series(1, $FLEET_METERS) g) TO '$BENCH_FILES/keys';
		CREATE TABLE plain_meter (meter text, technology text, capacity_w bigint, latitude_microdegrees int, longitude_microdegrees int);
		CREATE TABLE plain_key (meter text, public_key bytea, algorithm text);
	SQL
	bench_settle
	el_progress "fleet: registering"
	meters=$(bench_statement_ms "COPY energyledger.meter ($columns) FROM '$BENCH_FILES/meters'") || exit 1
	keys=$(bench_statement_ms "COPY energyledger.meter_key (meter, public_key, algorithm) FROM '$BENCH_FILES/keys'") || exit 1
	plain=$(bench_statement_ms "COPY plain_meter FROM '$BENCH_FILES/meters'") || exit 1
	plain=$(awk "BEGIN { print $plain + $(bench_statement_ms "COPY plain_key FROM '$BENCH_FILES/keys'") }") || exit 1
	lookup=$(bench_statement_ms "SELECT count(*) FROM generate_series(1, $FLEET_LOOKUPS) g,
		LATERAL (SELECT public_key FROM energyledger.meter_key_current WHERE meter = 'meter-' || (g * 7919 % $FLEET_METERS + 1)) k") || exit 1
	el_progress_end
	bench_print fleet_meters "$FLEET_METERS" meters
	bench_print fleet_register_meters_ms "$meters" ms
	bench_print fleet_register_keys_ms "$keys" ms
	bench_print fleet_plain_tables_ms "$plain" ms
	bench_print fleet_current_key_us "$(awk "BEGIN { printf \"%.1f\", 1000 * $lookup / $FLEET_LOOKUPS }")" us
}

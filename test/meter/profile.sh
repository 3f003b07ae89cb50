#!/bin/bash
# profile.sh: a real household's July 2011, through meter, broker, bridge and ledger.
#
# What was measured near Sydney is signed by two meters (import and rooftop PV) and
# must come out of the ledger with the very sums of the file, day by day, and again
# over the night in October whose clock jumps: its two half hours that do not exist
# must not appear.  The file is loaded beside it by COPY: SQL, not the meter, says
# what is right.

. "$(dirname "$0")/../lib.sh"

CSV=$VECTORS/energy/profiles/ausgrid_customer12_2011H2.csv
METER=$EL_ROOT/tools/energyledger-meter
ZONE=Australia/Sydney

if [ ! -f "$CSV" ]; then
	echo "1..0 # SKIP reference vectors not found in $VECTORS (set VECTORS)"
	exit 0
fi

# play PREFIX FROM TO FORMAT READINGS
play()
{
	local what=(--profile "$CSV" --timezone $ZONE --prefix "$1" --profile-from "$2" --profile-to "$3")

	"$METER" "${what[@]}" --register | el_psql > /dev/null &&
		"$METER" "${what[@]}" --format "$4" --readings-per-message "$5" --broker "127.0.0.1:$EL_MQTT_PORT" \
			--site-vkey "$VKEY" --timeout-s 120 --dump "$EL_TMP/dump"
}

el_begin profile
el_cluster profile "fsync = off"
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
el_bridge_start

el_psql -c "CREATE TABLE profile (local_time timestamp, consumption_kw numeric, pv_kw numeric)" \
	-c "\\copy profile FROM '$CSV' (FORMAT csv, HEADER)"
# The reading's own view of the file: energy of each half hour, exact to the milliwatt
# (the file's noise in the 17th digit is not a measurement).
el_psql <<SQL
CREATE TABLE wanted AS
	SELECT local_time AT TIME ZONE '$ZONE' AS from_at, local_time::date AS day, reading.*
	FROM profile, LATERAL (VALUES
		('1-0:1.8.0', round(consumption_kw, 6) * 500),
		('1-0:2.8.0', round(pv_kw, 6) * 500)) AS reading (obis, energy_wh)
	-- only local times that exist: there and back again
	WHERE local_time AT TIME ZONE '$ZONE' AT TIME ZONE '$ZONE' = local_time;
CREATE INDEX ON wanted (from_at);
ANALYZE wanted;
CREATE VIEW stored AS
	SELECT from_at, (from_at AT TIME ZONE '$ZONE')::date AS day, obis, meter,
		value * (10::numeric ^ scale) AS energy_wh, to_at, unit
	FROM energyledger.reading;
SQL

el_ok "July 2011 is receipted to the last message" play july- 2011-07-01 2011-07-31 cose 48
el_is "a half hour each, two meters, 31 days" \
	"$(el_psql -c "SELECT count(*), count(DISTINCT meter), count(DISTINCT day) FROM stored")" "2976|2|31"
el_is "its sums are the file's" \
	"$(el_psql -c "SELECT obis, trim_scale(sum(energy_wh)) FROM stored GROUP BY obis ORDER BY obis")" \
	"$(el_psql -c "SELECT obis, trim_scale(sum(energy_wh)) FROM wanted
		WHERE day BETWEEN '2011-07-01' AND '2011-07-31' GROUP BY obis ORDER BY obis")"
el_is "and so is every half hour" \
	"$(el_psql -c "SELECT count(*) FROM stored JOIN wanted USING (from_at, obis)
		WHERE stored.energy_wh = wanted.energy_wh AND to_at - from_at = '30 min' AND unit = 'Wh'")" 2976

el_ok "the night whose clock jumps is receipted" play october- 2011-10-02 2011-10-02 jws 1
el_is "46 half hours a meter: two do not exist" \
	"$(el_psql -c "SELECT meter, count(*), max(to_at) - min(from_at) FROM stored WHERE meter LIKE 'october-%'
		GROUP BY meter ORDER BY meter")" "october-import|46|23:00:00
october-pv|46|23:00:00"
el_is "each with the file's energy" \
	"$(el_psql -c "SELECT count(*) FROM stored JOIN wanted USING (from_at, obis)
		WHERE meter LIKE 'october-%' AND stored.energy_wh = wanted.energy_wh")" 92

el_is "what the meters signed is what the ledger holds, each once" \
	"$(el_psql -c "SELECT meter, epoch, seq, encode(digest, 'hex') FROM energyledger.message" | tr '|' ' ' | sort)" \
	"$(sort "$EL_TMP/dump")"
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "nothing in quarantine" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0
el_is "verify finds nothing" "$(el_psql -c "SELECT count(*) FROM energyledger.verify()")" 0
el_ok "the bridge drains and exits 0" el_bridge_stop
el_done

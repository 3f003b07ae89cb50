#!/bin/bash
# worker.sh: certificates by themselves: the runner issues for devices that opted in, puts right
# what a later reading changes, lets expire, goes on after a restart; what cannot be done does
# not keep the others.

. "$(dirname "$0")/../lib.sh"

el_begin worker
el_cluster worker "fsync = off" "energyledger.certificate_interval = 1" "energyledger.market_interval = 0" "energyledger.seal_interval = 200"

# comes WHAT EXPECTED QUERY
comes()
{
	el_ok "$1" el_wait 15 test_query "$3" "$2"
}

test_query()
{
	[ "$(el_psql -c "$1" 2> /dev/null)" = "$2" ]
}

# reads METER SEQ FROM_MINUTES_AGO WH...: quarter hours, as ingest() writes them
reads()
{
	local meter=$1 seq=$2 ago=$3

	shift 3
	el_psql > /dev/null <<-SQL
		INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
			VALUES ('$meter', 1, $seq, 'reading', 'cose', sha256('$meter $seq'), now(), 'S', now(), true, '');
		INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
			SELECT '$meter', 1, $seq, n, '1-0:2.8.0', t.at + (n - 1) * interval '15 minutes', t.at + n * interval '15 minutes', v, 0, 'Wh', 'G'
			FROM unnest(ARRAY[$(IFS=,; echo "$*")]) WITH ORDINALITY u(v, n), (SELECT date_bin('15 minutes', now(), 'epoch') - interval '$ago minutes') t(at);
	SQL
}

held="SELECT coalesce(string_agg(state || ' ' || quantity_wh, ', ' ORDER BY first_id), 'none') FROM energyledger.certificate_holding WHERE device ="

el_psql > /dev/null <<-SQL
	CREATE EXTENSION pg_energyledger;
	INSERT INTO energyledger.party (party) VALUES ('anna');
	SELECT energyledger.register_meter(m, party => 'anna', capacity_w => 4000) FROM unnest(ARRAY['mill', 'hand', 'old']) m;
	SELECT energyledger.register_device('mill', 'hydro', automatic => true), energyledger.register_device('hand', 'hydro'),
		energyledger.register_device('old', 'hydro', automatic => true, expires_after_months => 1);
SQL
reads mill 1 120 100 200 300
reads hand 1 120 100
# an hour of a month and a day ago, which the look back of a day finds
reads old 1 $((33 * 1440)) 50
comes "it issues for who opted in" "active 100, active 200, active 300" "$held 'mill'"
comes "and what came late" "expired 50" "$held 'old'"
el_is "not for who did not" "$(el_psql -c "$held 'hand'")" none
el_is "as itself" "$(el_psql -c "SELECT DISTINCT issued_by FROM energyledger.certificate_issue")" postgres
reads mill 2 105 250
comes "a later reading: withdrawn, and issued anew" "active 100, withdrawn 200, active 300, active 250" "$held 'mill'"
reads mill 3 75 400
comes "it goes on" "active 100, withdrawn 200, active 300, active 250, active 400" "$held 'mill'"

el_cluster_stop immediate
el_cluster_start
reads mill 4 60 500
comes "after a crash, too" "active 100, withdrawn 200, active 300, active 250, active 400, active 500" "$held 'mill'"
el_is "nothing is wrong" "$(el_psql -c "SELECT count(*) FROM energyledger.verify_certificates()")" 0

# a device whose curve is none: its name is before the other's
el_psql -c "SELECT energyledger.register_meter('bad', party => 'anna', capacity_w => 4000)" \
	-c "SELECT energyledger.register_device('bad', 'wind', automatic => true, power_curve => '{{500, 1}, {400, 2}}', weather_place => 'hill')" > /dev/null
el_psql -c "SELECT energyledger.add_weather('hill', date_bin('15 minutes', now(), 'epoch') - interval '2 hours', '15 minutes', 'mast', wind_speed_cm_s => array_fill(500, ARRAY[8]))" > /dev/null
reads bad 1 60 10
reads mill 5 45 600
comes "one that cannot be issued for does not keep the others" "active 600" "SELECT state || ' ' || quantity_wh FROM energyledger.certificate_holding WHERE device = 'mill' AND quantity_wh = 600"
el_ok "and is said" el_wait 15 grep -q 'certificates of device "bad" could not be issued' "$EL_PGLOG"
el_psql -c "ALTER SYSTEM SET energyledger.certificate_interval = 0" -c "SELECT pg_reload_conf()" > /dev/null
sleep 1
reads mill 6 30 700
sleep 2
el_is "switched off" "$(el_psql -c "SELECT count(*) FROM energyledger.certificate_holding WHERE quantity_wh = 700")" 0
el_is "by hand" "$(el_psql -c "SELECT string_agg(device || ' ' || coalesce(error, 'done'), ', ') FROM energyledger.run_certificates() WHERE device <> 'bad'")" "mill done, old done"
el_done

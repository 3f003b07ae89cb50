#!/bin/bash
# household.sh: a real household's August to December 2011, from signed message to charge.
#
# What was measured near Sydney is signed by two meters (import and rooftop PV), ingested,
# and charged under one tariff after the other: flat, by time of use, dynamic, with
# feed-in, each with a standing charge.  What is right is worked out beside it from
# the file alone, in whole numbers: by SQL that reads no table of the extension.  The
# day in October whose clock jumps has 92 slots; the file has its two half hours that do
# not exist.

. "$(dirname "$0")/../lib.sh"

CSV=$VECTORS/energy/profiles/ausgrid_customer12_2011H2.csv
ZONE=Australia/Sydney

if [ ! -f "$CSV" ]; then
	echo "1..0 # SKIP reference vectors not found in $VECTORS (set VECTORS)"
	exit 0
fi

el_begin household
el_cluster household "fsync = off"
el_psql -c "CREATE EXTENSION pg_energyledger"

PLAY=(--profile "$CSV" --timezone $ZONE --prefix house- --profile-from 2011-08-01 --profile-to 2011-12-31 --readings-per-message 48)
"$EL_ROOT/tools/energyledger-meter" "${PLAY[@]}" --register | el_psql > /dev/null
"$EL_ROOT/tools/energyledger-meter" "${PLAY[@]}" --no-receipt --quiet --write "$EL_TMP/signed" || el_die "the meters did not sign"
el_psql -c "CREATE TABLE signed (message bytea)" -c "\\copy signed FROM '$EL_TMP/signed'"
el_is "the messages of 153 days and two meters are believed" \
	"$(el_psql -c "SELECT i.verdict, count(*) FROM (SELECT array_agg(message) AS messages FROM signed) s, energyledger.ingest(s.messages) i GROUP BY 1")" \
	"accepted|$(wc -l < "$EL_TMP/signed")"

# ---- from the file alone
el_psql -c "CREATE TABLE file (local_time timestamp, consumption_kw numeric, pv_kw numeric)" -c "\\copy file FROM '$CSV' (FORMAT csv, HEADER)"
el_psql > /dev/null <<SQL
-- Half hours in whole Wh, halves up, of local times that exist; then quarters: half of
-- it, rounded up, and the rest.
CREATE TABLE half AS
	SELECT local_time, ((consumption_kw * 1000000)::bigint + 1000) / 2000 AS import_wh, ((pv_kw * 1000000)::bigint + 1000) / 2000 AS export_wh
	FROM file
	WHERE local_time >= '2011-08-01' AND local_time < '2012-01-01' AND NOT (local_time >= '2011-10-02 02:00' AND local_time < '2011-10-02 03:00');
CREATE TABLE quarter AS
	-- the clock is an hour ahead of UTC+10 from 2 October, 3:00, on
	SELECT local_time::date AS day, local_time, CASE q WHEN 0 THEN (import_wh + 1) / 2 ELSE import_wh / 2 END AS import_wh, CASE q WHEN 0 THEN (export_wh + 1) / 2 ELSE export_wh / 2 END AS export_wh,
		(extract(epoch FROM local_time)::bigint - CASE WHEN local_time < '2011-10-02 02:00' THEN 36000 ELSE 39600 END) / 900 + q AS number
	FROM half, generate_series(0, 1) q;
-- A made-up price of each quarter, some below zero: no two neighbours are the same.
ALTER TABLE quarter ADD price bigint;
UPDATE quarter SET price = number * 7919 % 300000 - 40000;
-- What each tariff makes of it, by day and component; 10^-9 AUD.
CREATE TABLE wanted AS
	SELECT day, tariff, component, sum(wh)::bigint AS energy_wh, sum(nano)::bigint AS amount_nano
	FROM quarter q, LATERAL (VALUES
		('flat', 'energy', import_wh, import_wh * 251200),
		('flat', 'grid', import_wh, import_wh * 98700),
		('tou', CASE WHEN extract(hour FROM local_time) BETWEEN 7 AND 21
				THEN CASE WHEN extract(dow FROM local_time) BETWEEN 1 AND 5 AND extract(hour FROM local_time) BETWEEN 14 AND 19 THEN 'peak' ELSE 'shoulder' END
				ELSE 'off-peak' END, import_wh,
			import_wh * CASE WHEN extract(hour FROM local_time) BETWEEN 7 AND 21
				THEN CASE WHEN extract(dow FROM local_time) BETWEEN 1 AND 5 AND extract(hour FROM local_time) BETWEEN 14 AND 19 THEN 524700 ELSE 213400 END
				ELSE 130900 END),
		('tou', 'summer', CASE WHEN extract(month FROM local_time) = 12 THEN import_wh END, CASE WHEN extract(month FROM local_time) = 12 THEN import_wh * 5000 ELSE 0 END),
		-- times 1.1, halves up, and 12000: price is above -10^6
		('dynamic', 'energy', import_wh, import_wh * (((price + 1000000) * 1100000 + 500000) / 1000000 - 1100000 + 12000)),
		('dynamic', 'sold', export_wh, -export_wh * price),
		('feed-in', 'energy', import_wh, import_wh * 251200),
		('feed-in', 'bonus', export_wh, -export_wh * 600000)) t (tariff, component, wh, nano)
	GROUP BY 1, 2, 3 HAVING sum(wh) > 0
	UNION ALL
	SELECT DISTINCT day, tariff, 'base', NULL::bigint, 757300 * 1000::bigint
	FROM quarter, unnest('{flat,tou,dynamic,feed-in}'::text[]) tariff;

-- ---- the tariffs
SELECT count(energyledger.add_tariff_component(t, 'base', 'standing', 'retailer', 'AUD', price_micro_per_day => 757300, vat_ppm => 100000))
	FROM unnest('{flat,tou,dynamic,feed-in}'::text[]) t;
SELECT energyledger.add_tariff_component(t, 'energy', 'energy', 'retailer', 'AUD', 251200, vat_ppm => 100000) FROM unnest('{flat,feed-in}'::text[]) t;
SELECT energyledger.add_tariff_component('flat', 'grid', 'network', 'ausgrid', 'AUD', 98700);
SELECT energyledger.add_tariff_component('tou', 'peak', 'energy', 'retailer', 'AUD', 524700, weekdays => '{1,2,3,4,5}', local_from => '14:00', local_to => '20:00');
SELECT energyledger.add_tariff_component('tou', 'off-peak', 'energy', 'retailer', 'AUD', 130900, local_from => '22:00', local_to => '07:00');
SELECT energyledger.add_tariff_component('tou', 'summer', 'levy', 'retailer', 'AUD', 5000, months => '{12,1,2}');
SELECT energyledger.add_tariff_component('dynamic', 'energy', 'energy', 'retailer', 'AUD', price_series => 'nsw', multiplier_ppm => 1100000, adder_micro_per_kwh => 12000);
SELECT energyledger.add_tariff_component('dynamic', 'sold', 'feed_in', 'retailer', 'AUD', price_series => 'nsw');
SELECT energyledger.add_tariff_component('feed-in', 'bonus', 'feed_in', 'retailer', 'AUD', 600000);
SELECT energyledger.add_prices('nsw', to_timestamp(min(number) * 900), '15 minutes', array_agg(price ORDER BY number)) FROM quarter;
SELECT energyledger.register_meter(m, party => 'house') FROM unnest('{house-import,house-pv}'::text[]) m;
-- postings that count, as wanted has them
CREATE VIEW booked AS
	SELECT c.day, p.tariff, p.component, sum(p.energy_wh)::bigint AS energy_wh, sum(CASE p.payer WHEN 'house' THEN p.amount_nano ELSE -p.amount_nano END)::bigint AS amount_nano
	FROM energyledger.posting p JOIN energyledger.charge c ON c.ledger_id = p.booking
	WHERE p.reverses IS NULL AND NOT EXISTS (SELECT FROM energyledger.posting r WHERE r.reverses = p.ledger_id) GROUP BY 1, 2, 3;
SQL

charge()
{
	el_psql -c "SELECT energyledger.charge('house', '2011-08-01', '2012-01-01')"
}

contract()
{
	el_psql -c "SELECT energyledger.set_contract('house', '$1', '$ZONE', energyledger.day_start('2011-08-01', '$ZONE'), energyledger.day_start('2012-01-01', '$ZONE')) > 0" > /dev/null
}

# charged TARIFF RUN: each day and component as the file says, nothing more.
charged()
{
	contract "$1"
	el_is "$1: 153 days are charged" "$(charge)" 153
	el_is "$1: each day and component is what the file says" \
		"$(el_psql -c "SELECT count(*) > 153 * 2, count(*) FILTER (WHERE (b.energy_wh, b.amount_nano) IS DISTINCT FROM (w.energy_wh, w.amount_nano))
			FROM booked b FULL JOIN (SELECT * FROM wanted WHERE tariff = '$1') w USING (day, tariff, component)")" "t|0"
	el_is "$1: and so is the household's balance" \
		"$(el_psql -c "SELECT balance_nano FROM energyledger.party_balance WHERE party = 'house' AND currency = 'AUD'")" \
		"$(el_psql -c "SELECT -sum(amount_nano) FROM wanted WHERE tariff = '$1'")"
	el_is "$1: charged again, nothing is written" "$(charge)" 0
	el_is "$1: run $2 of 2 October has 23 hours and the file's energy" \
		"$(el_psql -c "SELECT to_at - from_at, run, import_wh, export_wh FROM energyledger.charge WHERE day = '2011-10-02' ORDER BY run DESC LIMIT 1")" \
		"$(el_psql -c "SELECT '23:00:00', $2, sum(import_wh), sum(export_wh) FROM quarter WHERE day = '2011-10-02'")"
}

charged flat 0
el_is "2 October has 92 slots, and both its meters' energy" \
	"$(el_psql -c "SELECT count(DISTINCT from_at), max((from_at AT TIME ZONE '$ZONE')::time) FILTER (WHERE (from_at AT TIME ZONE '$ZONE')::time < '03:00') FROM energyledger.charge_slot('house', '2011-10-02', '2011-10-03') WHERE meter IS NOT NULL")" "92|01:45:00"

contract tou
el_ok "a tariff without a shoulder is an error" eval 'charge 2>&1 | grep -q "no energy component that holds at 2011-07-31 21:00:00"'
# two windows on working days, one on others
el_psql -c "SELECT energyledger.add_tariff_component('tou', 'shoulder', 'energy', 'retailer', 'AUD', 213400, weekdays => '{6,7}', local_from => '07:00', local_to => '22:00')" \
	-c "SELECT energyledger.add_tariff_component('tou', 'shoulder-am', 'energy', 'retailer', 'AUD', 213400, weekdays => '{1,2,3,4,5}', local_from => '07:00', local_to => '14:00')" \
	-c "SELECT energyledger.add_tariff_component('tou', 'shoulder-pm', 'energy', 'retailer', 'AUD', 213400, weekdays => '{1,2,3,4,5}', local_from => '20:00', local_to => '22:00')" > /dev/null
el_psql > /dev/null <<SQL
ALTER VIEW booked RENAME TO booked_apart;
CREATE VIEW booked AS
	SELECT day, tariff, regexp_replace(component, '-[ap]m\$', '') AS component, sum(energy_wh)::bigint AS energy_wh, sum(amount_nano)::bigint AS amount_nano FROM booked_apart GROUP BY 1, 2, 3;
SQL
charged tou 1
charged dynamic 2
charged feed-in 3

# ---- what was known at the time of a run stays what it was, whatever is put right later
el_psql > /dev/null <<SQL
SELECT energyledger.add_prices('nsw', '2011-08-03 00:00Z', '15 minutes', '{123456}');
SELECT energyledger.add_prices('nsw', '2011-12-31 12:00Z', NULL, '{234567}');
SELECT energyledger.add_tariff_component('tou', 'summer', 'levy', 'retailer', 'AUD', 6000, months => '{12,1,2}');
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
	VALUES ('house-import', 9, 1, 1, '1-0:1.8.0', '2011-08-04 00:00Z', '2011-08-04 00:30Z', 12345, 0, 'Wh', 'G');
SQL
contract dynamic
el_is "a price and a reading are put right: all days are charged by the other tariff" "$(charge)" 153
el_psql -c "SELECT energyledger.register_meter('house-late', party => 'house')" > /dev/null
for run in 0:flat 1:tou 2:dynamic 3:feed-in; do
	el_is "run ${run%:*} can be worked out again as it was known then" \
		"$(el_psql -c "SELECT sum(CASE s.kind WHEN 'feed_in' THEN -s.amount_nano ELSE s.amount_nano END), min(s.tariff), max(s.tariff), count(s.missing) FROM energyledger.charge c,
			energyledger.charge_slot('house', '2011-08-01', '2012-01-01', c.known_at) s WHERE c.run = ${run%:*} AND c.day = '2011-08-01'")" \
		"$(el_psql -c "SELECT sum(amount_nano), '${run#*:}', '${run#*:}', 0 FROM wanted WHERE tariff = '${run#*:}'")"
done
el_is "three days are others now" \
	"$(el_psql -c "SELECT c.day FROM energyledger.charge c JOIN energyledger.charge o USING (party, from_at) WHERE c.run = 4 AND o.run = 2 AND c.amount_nano <> o.amount_nano ORDER BY 1")" "2011-08-03
2011-08-04
2011-12-31"
el_is "all parties together have zero" "$(el_psql -c "SELECT sum(balance_nano) FROM energyledger.party_balance")" 0
el_psql -c "SELECT energyledger.seal()" > /dev/null
el_is "verify finds nothing" "$(el_psql -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done

/*
 * certificates.sql: a real rooftop's half year as certificates, and the rules and tests of
 * EnergyTag's registry.
 *
 * What is written for it is taken back: only what was found stays.  Not tried here:
 * ET-12 and ET-13, of storages.
 */
CREATE FUNCTION pg_temp.rows_of(file text) RETURNS TABLE (line bigint, field text[])
LANGUAGE sql STABLE AS $$
	SELECT n, ARRAY(SELECT nullif(CASE WHEN m[1] LIKE '"%' THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END, '')
		FROM regexp_matches(l || ',', '("(?:[^"]|"")*"|[^,]*),', 'g') WITH ORDINALITY r (m, o) ORDER BY o)
	FROM vector_file, regexp_split_to_table(rtrim(content, E'\n'), E'\n') WITH ORDINALITY s (l, n)
	WHERE path = file AND n > 1
$$;

/* Half hours in local time with daylight saving; the hour that is left out when it begins stands there as zeros. */
CREATE TEMP TABLE rooftop AS
SELECT field[1]::timestamp AS local_at, field[1]::timestamp AT TIME ZONE 'Australia/Sydney' AS from_at, field[3]::numeric * 500 AS wh, line
FROM pg_temp.rows_of('energy/profiles/ausgrid_customer12_2011H2.csv')
WHERE NOT (field[1]::timestamp >= '2011-10-02 02:00' AND field[1]::timestamp < '2011-10-02 03:00');

CREATE FUNCTION pg_temp.refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(SQLERRM, '^.* is refused: ', '');
END $$;

BEGIN;
CREATE TEMP TABLE seen (suite text, id text, is_right boolean, ratio text);

/* A signed meter near Sydney that says so many Wh, half an hour each: issued, held. */
CREATE FUNCTION pg_temp.issue_rooftop(device text, times numeric, shift interval, OUT bundles bigint, OUT energy_wh numeric, OUT held bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM energyledger.register_meter(device, party => 'v:owner', capacity_w => 1040, latitude_microdegrees => -33868800, longitude_microdegrees => 151209300, altitude_m => 20);
	PERFORM energyledger.register_device(device, 'solar_pv', count_wh => 7);
	INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
	SELECT device, 1, r.line / 48 + 1, 'reading', 'cose', sha256((device || r.line / 48)::bytea), max(r.from_at) + shift + interval '30 minutes', 'S', max(r.from_at) + shift + interval '31 minutes', true, '\x01'
	FROM rooftop r GROUP BY r.line / 48;
	INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
	SELECT device, 1, r.line / 48 + 1, r.line % 48 + 1, '1-0:2.8.0', r.from_at + shift, r.from_at + shift + interval '30 minutes',
		trunc(CASE WHEN times IS NOT NULL THEN r.wh * times WHEN r.local_at::time >= '22:00' OR r.local_at::time < '04:00' THEN 520 ELSE 0 END * 1000), -3, 'Wh', 'G'
	FROM rooftop r;
	SELECT i.bundles, i.energy_wh, i.held INTO bundles, energy_wh, held FROM energyledger.issue_certificates(device, '2011-06-30', '2012-01-02') i;
END $$;
INSERT INTO energyledger.party (party) VALUES ('v:owner'), ('v:other'), ('v:third');
CREATE TEMP TABLE issued AS
SELECT c.device, i.* FROM (VALUES ('v:roof', 1, interval '0'), ('v:more', 1.6, '0'), ('v:late', 1, '6 hours'), ('v:early', 1, '-6 hours'), ('v:night', NULL, '0')) c (device, times, shift),
	pg_temp.issue_rooftop(c.device, c.times, c.shift) i;
INSERT INTO seen
SELECT 'a rooftop''s half year: certificates of every half hour with production', 'bundles', (SELECT i.bundles FROM issued i WHERE i.device = 'v:roof') = (SELECT count(*) FROM rooftop WHERE wh >= 1) AND (SELECT count(*) = 8830 FROM rooftop)
UNION ALL SELECT 'a rooftop''s half year: certificates of every half hour with production', 'Wh', (SELECT i.energy_wh FROM issued i WHERE i.device = 'v:roof') = (SELECT sum(floor(wh)) FROM rooftop)
UNION ALL SELECT 'a rooftop''s half year: certificates of every half hour with production', 'each of them', NOT EXISTS (
	(SELECT from_at, floor(wh) FROM rooftop WHERE wh >= 1 EXCEPT ALL SELECT from_at, last_id - first_id + 1 FROM energyledger.certificate_bundle WHERE device = 'v:roof')
	UNION ALL (SELECT from_at, last_id - first_id + 1 FROM energyledger.certificate_bundle WHERE device = 'v:roof' EXCEPT ALL SELECT from_at, floor(wh) FROM rooftop WHERE wh >= 1))
UNION ALL SELECT 'a rooftop''s half year: certificates of every half hour with production', 'none held', (SELECT i.held FROM issued i WHERE i.device = 'v:roof') = 0
UNION ALL SELECT 'a rooftop times 1.6: held', 'above the nameplate', (SELECT count(*) FROM energyledger.certificate_hold WHERE device = 'v:more' AND reason = 'nameplate') = 487
UNION ALL SELECT 'a rooftop times 1.6: held', 'no more than the nameplate is issued', (SELECT max(last_id - first_id + 1) FROM energyledger.certificate_bundle WHERE device = 'v:more') <= 527
UNION ALL SELECT 'a rooftop times 1.6: held', 'or held, or issued', (SELECT i.bundles + i.held FROM issued i WHERE i.device = 'v:more') = (SELECT count(*) FROM rooftop WHERE wh * 1.6 >= 1)
UNION ALL SELECT 'a rooftop six hours late, and early: held', 'late', (SELECT i.held > 1800 AND i.bundles + i.held = (SELECT count(*) FROM rooftop WHERE wh >= 1) FROM issued i WHERE i.device = 'v:late')
UNION ALL SELECT 'a rooftop six hours late, and early: held', 'early', (SELECT i.held > 1700 AND i.bundles + i.held = (SELECT count(*) FROM rooftop WHERE wh >= 1) FROM issued i WHERE i.device = 'v:early')
UNION ALL SELECT 'a rooftop at night: held', 'all of its nameplate from 22:00 to 04:00', (SELECT i.bundles = 0 AND i.held = (SELECT count(*) FROM rooftop WHERE local_at::time >= '22:00' OR local_at::time < '04:00') FROM issued i WHERE i.device = 'v:night')
	AND NOT EXISTS (SELECT FROM energyledger.certificate_hold WHERE device = 'v:night' AND reason <> 'sun_below_horizon')
UNION ALL SELECT 'a rooftop: verify_certificates()', 'nothing', NOT EXISTS (SELECT FROM energyledger.verify_certificates() v JOIN energyledger.certificate_bundle b USING (ledger_id) WHERE b.device LIKE 'v:%');
SELECT format('# %s: %s bundles, %s Wh, %s held (%s); issued up to %s of the bound, %s of the clear sky''s', i.device, i.bundles, i.energy_wh, i.held,
	(SELECT string_agg(reason || ' ' || n, ', ' ORDER BY reason) FROM (SELECT h.reason, count(*) AS n FROM energyledger.certificate_hold h WHERE h.device = i.device GROUP BY 1) x),
	(SELECT round(max((b.last_id - b.first_id + 1)::numeric / b.bound_wh), 3) FROM energyledger.certificate_bundle b WHERE b.device = i.device),
	(SELECT round(max((b.last_id - b.first_id + 1)::numeric / b.clear_sky_wh), 3) FROM energyledger.certificate_bundle b WHERE b.device = i.device AND b.clear_sky_wh > 0))
FROM issued i ORDER BY 1;

/* ---- EnergyTag's cases: a plant of 4 kW, its first quarter hour of 1000 Wh as certificates 1 to 1000 */
SELECT energyledger.register_meter('v:mill', party => 'v:owner', capacity_w => 4000, grid_zone => 'v'), energyledger.register_meter('v:house', party => 'v:owner', grid_zone => 'v'), energyledger.register_device('v:mill', 'hydro') \g /dev/null
SELECT energyledger.accept_certificates('v:other', 'v:owner') \g /dev/null
CREATE FUNCTION pg_temp.read_mill(quarter int, wh bigint) RETURNS void LANGUAGE sql AS $$
	INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
	VALUES ('v:mill', 1, quarter, 'reading', 'cose', sha256(quarter::text::bytea), '2025-06-02', 'S', '2025-06-02', true, '\x01');
	INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
	VALUES ('v:mill', 1, quarter, 1, '1-0:2.8.0', timestamptz '2025-06-01 00:00Z' + quarter * interval '15 minutes', timestamptz '2025-06-01 00:15Z' + quarter * interval '15 minutes', wh, 0, 'Wh', 'G') $$;
CREATE FUNCTION pg_temp.issue_mill(OUT bundles bigint, OUT energy_wh numeric, OUT held bigint) LANGUAGE sql AS
	$$ SELECT bundles, energy_wh, held FROM energyledger.issue_certificates('v:mill', '2025-06-01 00:00Z', '2025-06-02 00:00Z') $$;
CREATE FUNCTION pg_temp.mill(first bigint, last bigint) RETURNS energyledger.certificate_range[] LANGUAGE sql AS $$ SELECT ARRAY[('v:mill', 'electricity', first, last)::energyledger.certificate_range] $$;
/* what is there of first to last: "1-250 active v:owner, ..." */
CREATE FUNCTION pg_temp.there(first bigint, last bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(format('%s-%s %s %s', h.first_id, h.last_id, h.state, h.holder), ', ' ORDER BY h.first_id) FROM energyledger.certificate_holding h WHERE h.device = 'v:mill' AND h.first_id BETWEEN first AND last $$;
CREATE FUNCTION pg_temp.hand_made(first bigint, last bigint) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO energyledger.certificate_issue (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, rule_version, issued_at, issued_by)
	VALUES ('v:mill', 'electricity', first, last, '2025-06-01 20:00Z', '2025-06-01 20:15Z', 1, 'production', 1, 1, now(), 'me') RETURNING ledger_id $$;

DO $$
DECLARE
	i record;
	r text[] := '{}';
BEGIN
	-- ET-3, ET-2, ET-15: one less than the nameplate, half as much again, 1 Wh
	PERFORM pg_temp.read_mill(0, 1000), pg_temp.read_mill(1, 999), pg_temp.read_mill(2, 1500), pg_temp.read_mill(3, 1);
	i := pg_temp.issue_mill();
	INSERT INTO seen VALUES ('ET-3', '', pg_temp.there(1001, 1999) = '1001-1999 active v:owner'),
		('ET-2', '', i.held = 1 AND (SELECT reason = 'nameplate' AND bound_wh = 1000 FROM energyledger.certificate_hold WHERE device = 'v:mill')),
		('ET-15', '', pg_temp.there(2000, 3000) = '2000-2000 active v:owner');
	-- ET-4: issued already
	i := pg_temp.issue_mill();
	INSERT INTO seen VALUES ('ET-4', '', (i.bundles, i.energy_wh) = (0, 0));
	-- ET-1: numbers that are there are refused; ones that leave some out are found; the next are the last's
	INSERT INTO seen VALUES ('ET-1', '', pg_temp.refusal('pg_temp.hand_made(2000, 2010)') LIKE '%certificate_issue_number%' AND pg_temp.refusal('pg_temp.hand_made(1500, 1600)') LIKE '%certificate_issue_number%');
	BEGIN
		PERFORM pg_temp.hand_made(2002, 2010);
		IF EXISTS (SELECT FROM energyledger.verify_certificates() v WHERE v.kind = 'number' AND v.expected = 'v:mill/electricity from 2001' AND v.found = '2002') THEN
			RAISE EXCEPTION USING ERRCODE = 'ZZ001';
		END IF;
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
		PERFORM pg_temp.read_mill(8, 10);
		PERFORM pg_temp.issue_mill();
	END;
	UPDATE seen SET is_right = is_right AND pg_temp.there(2001, 3000) = '2001-2010 active v:owner' WHERE suite = 'ET-1';
	-- ET-6: none, more than there are; all of them are no split
	INSERT INTO seen VALUES ('ET-6', '', pg_temp.refusal($c$ energyledger.reserve_certificates(pg_temp.mill(1, 1000), 0) $c$) = 'bad_amount' AND pg_temp.refusal($c$ energyledger.reserve_certificates(pg_temp.mill(1, 1000), 1001) $c$) = 'bad_amount'
		AND pg_temp.refusal($c$ energyledger.reserve_certificates(pg_temp.mill(2001, 2010), 10) $c$) = 'done' AND pg_temp.there(2001, 2010) = '2001-2010 reserved v:owner');
	-- ET-7, ET-5: to whom does not accept them; 250 of 1000
	INSERT INTO seen VALUES ('ET-7', '', pg_temp.refusal($c$ energyledger.transfer_certificates(pg_temp.mill(1, 1000), 'v:third', 250) $c$) = 'not_accepted'),
		('ET-5', '', pg_temp.refusal($c$ energyledger.transfer_certificates(pg_temp.mill(1, 1000), 'v:other', 250) $c$) = 'done' AND pg_temp.there(1, 1000) = '1-250 active v:other, 251-1000 active v:owner');
	-- ET-11: a third of 999, from the start
	INSERT INTO seen VALUES ('ET-11', '', pg_temp.refusal($c$ energyledger.cancel_certificates(pg_temp.mill(1001, 1999), share_ppm => 333333) $c$) = 'done' AND pg_temp.there(1001, 1999) = '1001-1332 cancelled v:owner, 1333-1999 active v:owner');
	-- ET-8 to ET-10: what is locked, reserved, cancelled, withdrawn
	PERFORM energyledger.lock_certificates(pg_temp.mill(1333, 1340), 'dispute'), energyledger.withdraw_certificates(pg_temp.mill(1341, 1350), 'wrong');
	INSERT INTO seen SELECT 'ET-8', '', bool_and(pg_temp.refusal(format('energyledger.transfer_certificates(pg_temp.mill(%s, %1$s), ''v:other'')', n)) = 'wrong_state') FROM unnest('{1001,1333,1341,2001}'::int[]) n;
	INSERT INTO seen SELECT 'ET-9', '', bool_and(pg_temp.refusal(format('energyledger.cancel_certificates(pg_temp.mill(%s, %1$s))', n)) = 'wrong_state') AND pg_temp.refusal('energyledger.cancel_certificates(pg_temp.mill(2001, 2002))') = 'done' FROM unnest('{1001,1333,1341}'::int[]) n;
	INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
	SELECT 'v:house', 1, 1, k + 1, '1-0:1.8.0', timestamptz '2025-06-01 00:00Z' + k * interval '15 minutes', timestamptz '2025-06-01 00:15Z' + k * interval '15 minutes', 900, 0, 'Wh', 'G' FROM generate_series(0, 15) k;
	INSERT INTO seen SELECT 'ET-10', '', bool_and(pg_temp.refusal(format('energyledger.claim_certificates(pg_temp.mill(%s, %1$s), ''v:house'')', n)) = 'wrong_state') AND pg_temp.refusal('energyledger.claim_certificates(pg_temp.mill(1001, 1100), ''v:house'')') = 'done'
		FROM unnest('{1333,1341,1400,2005}'::int[]) n;
	-- ET-14: withdrawn, and not issued again; nor by hand
	PERFORM energyledger.withdraw_certificates(pg_temp.mill(2000, 2000), 'wrong');
	i := pg_temp.issue_mill();
	INSERT INTO seen VALUES ('ET-14', '', (i.bundles, i.energy_wh) = (0, 0) AND pg_temp.there(2000, 2000) = '2000-2000 withdrawn v:owner');
END $$;
INSERT INTO seen SELECT 'EnergyTag: verify_certificates()', 'nothing', NOT EXISTS (SELECT FROM energyledger.verify_certificates());
SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') AS seen FROM seen s \gset
ROLLBACK;

INSERT INTO vector_suite (suite, wanted) VALUES
	('a rooftop''s half year: certificates of every half hour with production', 4), ('a rooftop times 1.6: held', 3), ('a rooftop six hours late, and early: held', 2),
	('a rooftop at night: held', 1), ('a rooftop: verify_certificates()', 1);
CREATE TEMP TABLE energytag AS
SELECT field[1] AS id, format('EnergyTag %s, %s: %s: %s', field[1], field[2], field[3], field[4]) AS suite FROM pg_temp.rows_of('energy/certificates/energytag_rules_and_tests.csv') WHERE field[1] NOT IN ('ET-12', 'ET-13');
INSERT INTO vector_suite (suite, wanted) SELECT suite, 1 FROM energytag ORDER BY substr(id, 4)::int;
INSERT INTO vector_suite (suite, wanted) VALUES ('EnergyTag: verify_certificates()', 1);
INSERT INTO vector_case SELECT coalesce(e.suite, s.suite), coalesce(nullif(s.id, ''), s.suite), coalesce(s.is_right, false)
FROM jsonb_to_recordset(:'seen') s (suite text, id text, is_right boolean) LEFT JOIN energytag e ON e.id = s.suite;

#!/bin/bash
# spend.sh: 16 sessions want the same certificates, one by one, many in one call, and by
# signed messages: each certificate is had by one of them, which is told so, and nobody
# waits for ever.
#
# The same with the server taken away in the middle: what somebody was told is there.  And
# the database dumped and restored: nothing is lost, and numbers go on.

. "$(dirname "$0")/../lib.sh"

SEED=${SEED:-$RANDOM}
RANDOM=$SEED
SESSIONS=16
echo "# SEED=$SEED"

el_begin spend
el_cluster main "fsync = off" "energyledger.market_interval = 0" "energyledger.seal_interval = 200" "deadlock_timeout = 100" "max_worker_processes = 20"
el_psql -c "CREATE DATABASE mint"
vkey=$(el_psql -d mint -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_energyledger" -c "SELECT energyledger.site_vkey()")
el_psql -d mint -o /dev/null <<'SQL'
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO energyledger.party (party) SELECT 'owner' UNION ALL SELECT 'p' || n FROM generate_series(1, 16) n;
SELECT energyledger.accept_certificates('p' || n, 'owner') FROM generate_series(1, 16) n;
-- four devices, for each of four runs 50 bundles of 100 Wh: 200 bundles a run
SELECT energyledger.register_meter('d' || d, party => 'owner', capacity_w => 1000), energyledger.register_device('d' || d, 'hydro') FROM generate_series(1, 4) d;
INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
SELECT 'd' || d, 1, 1, 'reading', 'cose', sha256(('d' || d)::bytea), '2025-07-01', 'S', '2025-07-01', true, '\x01' FROM generate_series(1, 4) d;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
SELECT 'd' || d, 1, 1, n, '1-0:2.8.0', timestamptz '2025-06-01' + n * interval '15 minutes', timestamptz '2025-06-01' + (n + 1) * interval '15 minutes', 100, 0, 'Wh', 'G' FROM generate_series(1, 4) d, generate_series(0, 199) n;
SELECT energyledger.issue_certificates('{d1,d2,d3,d4}'::text[], '2025-06-01', '2025-07-01');
-- what a session was told, in the transaction in which it was told
CREATE TABLE won (run int, session int, device text, first_id bigint, last_id bigint);
CREATE TABLE told (run int, session int, what text);
CREATE FUNCTION bundle(d int, run int, n int, count int DEFAULT 1) RETURNS energyledger.certificate_range LANGUAGE sql AS
    $$ SELECT ('d' || d, 'electricity', run * 5000 + n * 100 + 1, run * 5000 + (n + count) * 100)::energyledger.certificate_range $$;
-- bundles in a sequence of its own; where bulk says so, six neighbours of each of three devices first
CREATE PROCEDURE spend(run int, session int, bulk boolean) LANGUAGE plpgsql AS $$
DECLARE
    r energyledger.certificate_range[];
    said text;
BEGIN
    PERFORM setseed(session / 100.0);
    FOR r IN SELECT x.r FROM (
            SELECT 1 AS part, random() AS place, ARRAY(SELECT bundle(d, run, floor(random() * 45)::int, 6) FROM generate_series(1, 4) d WHERE i > 0 ORDER BY random() LIMIT 3) AS r FROM generate_series(1, 30) i WHERE bulk
            UNION ALL
            SELECT 2, random(), ARRAY[bundle(d, run, n)] FROM generate_series(1, 4) d, generate_series(0, 49) n) x ORDER BY x.part, x.place
    LOOP
        LOOP
            BEGIN
                PERFORM energyledger.transfer_certificates(r, 'p' || session, holder => 'owner');
                INSERT INTO won SELECT run, session, u.device, u.first_id, u.last_id FROM unnest(r) u;
                said := 'done';
            EXCEPTION
                WHEN insufficient_privilege THEN said := SQLERRM;
                WHEN deadlock_detected THEN said := 'deadlock';
            END;
            INSERT INTO told VALUES (run, session, said);
            COMMIT;
            EXIT WHEN said <> 'deadlock';
        END LOOP;
    END LOOP;
END $$;
SQL

sql()
{
	el_psql -d "${DB:-mint}" -c "SET client_min_messages = warning" -c "$@"
}

# spend RUN BULK: all sessions at once
spend()
{
	local i pids=() bad=0

	for ((i = 1; i <= SESSIONS; i++)); do
		sql "CALL spend($1, $i, $2)" > "$EL_TMP/log/spend-$1-$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || bad=1
	done
	return $bad
}

# right WHAT RUN: who was told so has them, all are gone, and all is as it must be
right()
{
	el_is "$1: each certificate was won once" "$(sql "SELECT count(*), sum(n), max(times) FROM (SELECT device, n, 1 AS n_, count(*) AS times FROM won, generate_series(first_id, last_id) n WHERE run = $2 GROUP BY 1, 2) x (device, id, n, times)")" "20000|20000|1"
	holders "$1" $2
}

holders()
{
	el_is "$1: who was told so has them, and nobody else" "$(sql "SELECT count(*) FROM (
		(SELECT device, n, 'p' || session AS holder FROM won, generate_series(first_id, last_id) n WHERE run = $2 EXCEPT ALL
		 SELECT device, n, holder FROM energyledger.certificate_holding, generate_series(first_id, last_id) n WHERE holder <> 'owner' AND (first_id - 1) / 5000 = $2)
		UNION ALL
		(SELECT device, n, holder FROM energyledger.certificate_holding, generate_series(first_id, last_id) n WHERE holder <> 'owner' AND (first_id - 1) / 5000 = $2 EXCEPT ALL
		 SELECT device, n, 'p' || session FROM won, generate_series(first_id, last_id) n WHERE run = $2)) x")" 0
	intact "$1"
}

intact()
{
	el_is "$1: verify_certificates() finds nothing" "$(sql "SELECT string_agg(v::text, ' ') FROM energyledger.verify_certificates() v")" ""
	el_is "$1: 80,000 Wh are there" "$(sql "SELECT sum(quantity_wh) FROM energyledger.certificate_balance")" 80000
}

# ---- one by one, and in bulk

el_ok "one by one: all sessions end" spend 0 false
right "one by one" 0
el_ok "in bulk: all sessions end" spend 1 true
right "in bulk" 1
el_is "no deadlock" "$(sql "SELECT count(*) FROM told WHERE what = 'deadlock'")" 0
echo "# told: $(sql "SELECT string_agg(format('%s %s', n, what), ', ') FROM (SELECT what, count(*) AS n FROM told GROUP BY 1 ORDER BY 1) x")"

# ---- by signed messages: 16 meters of the owner, each to another party

meter=(--seed 1 --meters $SESSIONS --profile household --interval-s 86400)
"$EL_ROOT/tools/energyledger-meter" --register "${meter[@]}" | sed "s/, technology/, party => 'owner', technology/" > "$EL_TMP/register.sql"
el_psql -d mint -o /dev/null -c "SET client_min_messages = warning" -f "$EL_TMP/register.sql"
n=0
for name in $(sed -n "s/.*register_meter('\([^']*\)'.*/\1/p" "$EL_TMP/register.sql"); do
	n=$((n + 1))
	for ((i = 0; i < 20; i++)); do
		echo "$name [\"transfer\",[[\"d$((RANDOM % 4 + 1))\",\"electricity\",$((10001 + i * 100)),$((10100 + i * 100))]],\"p$n\",null,null,null,null,null,null]"
	done
done > "$EL_TMP/transfers"
el_ok "messages are signed" "$EL_ROOT/tools/energyledger-meter" --site-vkey "$vkey" "${meter[@]}" --transfers "$EL_TMP/transfers" --write "$EL_TMP/messages" 2> /dev/null
sql "CREATE TABLE message (n serial, raw bytea)"
sed 's/^\\*x/\\\\x/' "$EL_TMP/messages" | el_psql -d mint -c "COPY message (raw) FROM STDIN"
# a meter's messages are one session's: here each session takes all, in batches of eight, from another place on
for ((i = 0; i < SESSIONS; i++)); do
	sql "DO \$\$ DECLARE b record; BEGIN
	     FOR b IN SELECT array_agg(raw ORDER BY n) AS raw FROM message GROUP BY ((n - 1) / 8 + $i * 3) % 42 ORDER BY ((min(n) - 1) / 8 + $i * 3) % 42 LOOP
	         PERFORM energyledger.ingest(b.raw); COMMIT; END LOOP; END \$\$" > "$EL_TMP/log/ingest-$i" 2>&1 &
	pids[i]=$!
done
bad=0
for i in "${pids[@]}"; do wait "$i" || bad=1; done
el_ok "signed: all sessions end" test $bad = 0 || tail -n 3 "$EL_TMP"/log/ingest-*
el_is "signed: each message is carried out or refused, once" "$(sql "SELECT count(*), (SELECT count(*) FROM energyledger.certificate_event WHERE meter IS NOT NULL) + (SELECT count(*) FROM energyledger.certificate_refusal) FROM energyledger.message WHERE type = 'transfer'")" "320|320"
el_is "signed: each bundle that is named is had by one" "$(sql "SELECT count(*) FROM energyledger.certificate_holding WHERE first_id BETWEEN 10001 AND 12000 AND holder <> 'owner'")" "$(cut -d' ' -f2- "$EL_TMP/transfers" | cut -d'"' -f4,7 | sort -u | wc -l)"
el_is "signed: the others are told why" "$(sql "SELECT string_agg(DISTINCT reason, ' ') FROM energyledger.certificate_refusal")" not_holder
intact signed

# ---- the server is taken away

spend 3 true > /dev/null 2>&1 &
spending=$!
some()
{
	[ "$(sql "SELECT count(*) > 20 FROM won WHERE run = 3")" = t ]
}
el_ok "killed: some are won" el_wait 20 some
el_cluster_stop immediate
wait $spending
el_cluster_start
el_ok "killed: in the middle" test "$(sql "SELECT count(*) < 200 FROM won WHERE run = 3")" = t
holders killed 3
el_ok "killed: all sessions end when they begin again" spend 3 false
right "killed, and again" 3
el_is "verify() finds nothing" "$(sql "SELECT energyledger.seal()" > /dev/null; sql "SELECT count(*) FROM energyledger.verify()")" 0

# ---- dumped and restored

el_ok "pg_dump" "$EL_BIN/pg_dump" -d mint -Fc -f "$EL_TMP/mint.dump"
el_psql -c "CREATE DATABASE restored"
el_ok "pg_restore" env PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d restored --exit-on-error "$EL_TMP/mint.dump"
balances="SELECT string_agg(b::text, ' ' ORDER BY b::text) FROM energyledger.certificate_balance b"
el_is "restored: balances are the same" "$(DB=restored sql "$balances")" "$(sql "$balances")"
DB=restored intact restored
for db in mint restored; do
	DB=$db sql "INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status) VALUES ('d1', 1, 1, 300, '1-0:2.8.0', '2025-06-20 00:00Z', '2025-06-20 00:15Z', 70, 0, 'Wh', 'G')"
	DB=$db sql "SELECT energyledger.issue_certificates('d1', '2025-06-01', '2025-07-01')" > /dev/null
	el_is "$db: the next issue has the next numbers" "$(DB=$db sql "SELECT bundles, first_id, last_id FROM energyledger.certificate_issue WHERE device = 'd1' ORDER BY first_id DESC LIMIT 1")" "1|20001|20070"
	el_is "$db: and can be spent once" "$(DB=$db sql "SELECT energyledger.transfer_certificates('{\"(d1,electricity,20001,20070)\"}', 'p1', holder => 'owner') > 0"; DB=$db sql "SELECT energyledger.transfer_certificates('{\"(d1,electricity,20001,20070)\"}', 'p2', holder => 'owner')" 2>&1 | head -1)" \
		"t
ERROR:  transfer of certificates is refused: not_holder"
	el_is "$db: verify_certificates() finds nothing" "$(DB=$db sql "SELECT count(*) FROM energyledger.verify_certificates()")" 0
done
el_done

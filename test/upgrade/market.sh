#!/bin/bash
# market.sh: a database with markets, settlements, charges and invoices that is dumped and
# restored, and one that a standby takes over.
#
# Every row is there, every clearing is equal when it is computed again, no invoice is
# wrong, nothing is booked twice, and the next invoice has the next number.

. "$(dirname "$0")/../lib.sh"

el_begin market
el_cluster main "fsync = off" "energyledger.market_interval = 0" "max_worker_processes = 20" "max_wal_senders = 5"
el_psql -c "CREATE DATABASE original"
el_psql -d original -o /dev/null <<'SQL'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION pg_energyledger;
INSERT INTO energyledger.party (party) SELECT unnest('{grid,op,wires,supplier}'::text[]) UNION ALL SELECT 'p' || n FROM generate_series(1, 20) n;
SELECT energyledger.add_prices('buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('sell', '2025-01-01 00:00Z', NULL, '{80000}');
-- an auction by lot, one with zones, a continuous one
SELECT energyledger.set_market('lot', 'EUR', 'grid', 'op', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', vat_ppm => 190000, options => '{"lottery": true}');
SELECT energyledger.set_market('zones', 'EUR', 'grid', 'op', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', vat_ppm => 190000,
    zones => '[{"zone": "top", "fee": 20000, "operator": "wires"}, {"zone": "n1", "parent": "top", "fee": 10000}, {"zone": "n2", "parent": "top", "fee": 10000}]');
SELECT energyledger.set_market('book', 'EUR', 'grid', 'op', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', method => 'continuous');
SELECT energyledger.set_member(m, 'p' || n, CASE m WHEN 'zones' THEN 'n' || n % 2 + 1 END, credit_limit_nano => 1000000000000) FROM unnest('{lot,zones,book}'::text[]) m, generate_series(1, 20) n;
SELECT energyledger.register_meter('meter:' || n, party => 'p' || n) FROM generate_series(1, 20) n;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'meter:' || n, 1, q, i, '1-0:' || i || '.8.0', t, t + interval '15 minutes', (n * 37 + q * 101) % 700, 0, 'Wh', 'G'
      FROM generate_series(1, 20) n, generate_series(0, 191) q, generate_series(1, 2) i, LATERAL (SELECT timestamptz '2025-06-01 00:00Z' + q * interval '15 minutes' AS t) x WHERE n > 1 OR q <> 50;
SELECT energyledger.seal();
CREATE FUNCTION pg_temp.slot(n int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2025-06-01 12:00Z' + n * interval '15 minutes' $$;
SELECT energyledger.place_order(m, 'p' || n, pg_temp.slot(s), CASE n % 2 WHEN 0 THEN 'bid' ELSE 'ask' END, 100 + n * 13 % 70, 100000 + n % 2 * 1000 * (s + n)) > 0 FROM unnest('{lot,zones,book}'::text[]) m, generate_series(0, 3) s, generate_series(1, 20) n;
SELECT energyledger.cancel_order(max(order_id)) FROM energyledger.open_orders WHERE market = 'lot';
SELECT energyledger.clear('book', pg_temp.slot(0));
SELECT energyledger.place_order('book', 'p2', pg_temp.slot(0), 'bid', 77, 190000), energyledger.close_gate(m, pg_temp.slot(s), 'enough') > now() FROM unnest('{lot,zones,book}'::text[]) m, generate_series(0, 3) s WHERE s > 0 OR m <> 'book';
SELECT energyledger.close_gate('book', pg_temp.slot(0), 'enough');
SELECT count(*) FROM energyledger.run_market('3000 days');
SELECT count(*) FROM unnest('{lot,zones,book}'::text[]) m, energyledger.settle_market(m, '2025-06-01', '2025-06-02');
SELECT energyledger.add_tariff_component('home', 'energy', 'energy', 'supplier', 'EUR', 300001, vat_ppm => 190000), energyledger.set_contract('p' || n, 'home', 'UTC', '2025-01-01 00:00Z', prepaid => n = 3) FROM generate_series(1, 3) n;
SELECT energyledger.charge('p' || n, '2025-06-01', '2025-06-02') FROM generate_series(1, 3) n;
-- what was missing comes: the second run of a slot
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'meter:1', 1, 50, i, '1-0:' || i || '.8.0', pg_temp.slot(2), pg_temp.slot(3), 333, 0, 'Wh', 'G' FROM generate_series(1, 2) i;
SELECT count(*) FROM unnest('{lot,zones,book}'::text[]) m, energyledger.settle_market(m, '2025-06-01', '2025-06-02');
SELECT energyledger.charge('p1', '2025-06-01', '2025-06-03');
SELECT energyledger.record_payment('p3', 'supplier', 5000000000, 'EUR', '2025-06-01 10:00Z', 'cash 1');
SELECT energyledger.register_biller('op', 'Operator', collects => '{lot,zones,book}'), energyledger.register_biller('supplier', 'Supplier');
SELECT count(*) FROM unnest('{op,supplier}'::text[]) b, energyledger.invoice_all(b, '2025-06-01 00:00Z', '2025-06-02 00:00Z');
SELECT energyledger.seal();
SQL

sql()
{
	local db=$1

	shift
	el_psql -d "$db" -c "SET client_min_messages = warning" -c "$@"
}

# Each table of the extension that is not the log's own: how many rows, and all of them.
content()
{
	el_psql -d "$1" <<-'SQL'
		SET client_min_messages = warning;
		SET timezone = 'UTC';
		CREATE FUNCTION pg_temp.content(relation regclass) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE r text;
		BEGIN
		    EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(t::text, ''|'' ORDER BY t::text)), '''') FROM %s t', relation) INTO r;
		    RETURN r;
		END $$;
		SELECT c.relname, pg_temp.content(c.oid::regclass) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
		 WHERE c.relnamespace = 'energyledger'::regnamespace AND c.relkind = 'r' AND a.amname = 'ledger' ORDER BY 1;
	SQL
}

# same NAME GOT WANTED: which tables differ
same()
{
	el_ok "$1" test "$2" = "$3" || diff <(cat <<< "$3") <(cat <<< "$2") | sed 's/^/# /'
}

right()
{
	el_is "$2: verify() has no finding" "$(sql "$1" "SELECT count(*) FROM energyledger.verify()")" 0
	el_is "$2: all clearings are equal when computed again" \
		"$(sql "$1" "SELECT string_agg(format('%s %s: %s, %s instead of %s', c.market, c.run, v.what, v.stored, v.computed), '; ') FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE NOT v.equal")" ""
	el_is "$2: no invoice is wrong" "$(sql "$1" "SELECT count(*) FROM energyledger.invoice_check")" 0
	el_is "$2: balances are zero together" "$(sql "$1" "SELECT sum(balance_nano)::text FROM energyledger.party_balance")" 0
}

# Everything once more, and nothing is written; then a month that has something new.
goes_on()
{
	local before

	before=$(content "$1")
	sql "$1" "SELECT energyledger.clear(c.market, c.slot) FROM energyledger.clearing c" > /dev/null
	sql "$1" "SELECT count(*) FROM unnest('{lot,zones,book}'::text[]) m, energyledger.settle_market(m, '2025-06-01', '2025-06-02')" > /dev/null
	sql "$1" "SELECT energyledger.charge('p' || n, '2025-06-01', '2025-06-02') FROM generate_series(1, 3) n" > /dev/null
	sql "$1" "SELECT count(*) FROM unnest('{op,supplier}'::text[]) b, energyledger.invoice_all(b, '2025-06-01 00:00Z', '2025-06-02 00:00Z')" > /dev/null
	sql "$1" "SELECT energyledger.record_payment('p3', 'supplier', 5000000000, 'EUR', '2025-06-01 10:00Z', 'cash 1')" > /dev/null
	same "$2: nothing is written twice" "$(content "$1")" "$before"
	sql "$1" "SELECT energyledger.place_order('lot', 'p1', '2025-06-01 20:00Z', 'ask', 100, 100000), energyledger.place_order('lot', 'p2', '2025-06-01 20:00Z', 'bid', 90, 200000),
		energyledger.close_gate('lot', '2025-06-01 20:00Z', 'enough')" > /dev/null
	el_is "$2: the next slot is due" "$(sql "$1" "SELECT count(*) FROM energyledger.due_slots() WHERE market = 'lot' AND slot = '2025-06-01 20:00Z'")" 1
	sql "$1" "SELECT energyledger.clear('lot', '2025-06-01 20:00Z')" > /dev/null
	sql "$1" "SELECT energyledger.settle('lot', '2025-06-01 20:00Z')" > /dev/null
	el_is "$2: it is cleared and settled" "$(sql "$1" "SELECT trades, pending FROM energyledger.clearing JOIN energyledger.settlement USING (market, slot) WHERE slot = '2025-06-01 20:00Z'")" "1|0"
	sql "$1" "SELECT energyledger.charge('p1', '2025-06-02', '2025-06-03')" > /dev/null
	el_is "$2: the next invoice has the next number" "$(sql "$1" "SELECT right(energyledger.invoice('p1', '2025-06-02 00:00Z', '2025-06-03 00:00Z', 'supplier'), 7)")" /000004
	sql "$1" "SELECT energyledger.seal()" > /dev/null
	right "$1" "$2, going on"
}

want=$(content original)
el_ok "there is something of everything" test "$(sql original "SELECT count(*) FILTER (WHERE run > 0) > 0 FROM energyledger.settlement")" = t \
	-a "$(grep -cE '^(market|market_member|market_gate|market_order|order_cancel|clearing|trade|settlement|settlement_position|posting|tariff_component|contract|charge|payment|biller|invoice|invoice_line|invoice_posting|price|price_run)\|[1-9]' <<< "$want")" -ge 18
echo "# $(cut -d' ' -f1 <<< "$want" | grep -v '|0$' | tr '|\n' ' ,')"
right original original

# ---- dumps

el_ok "pg_dump, custom format" "$EL_BIN/pg_dump" -d original -Fc -f "$EL_TMP/original.dump"
el_psql -c "CREATE DATABASE restored" -c "CREATE DATABASE restored_plain"
el_ok "pg_restore" env PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d restored --exit-on-error "$EL_TMP/original.dump"
el_ok "pg_dump, plain" "$EL_BIN/pg_dump" -d original -f "$EL_TMP/original.sql"
el_ok "psql" env PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d restored_plain -f "$EL_TMP/original.sql" -o /dev/null
for db in restored restored_plain; do
	same "$db: all rows are there" "$(content $db)" "$want"
	right $db $db
	goes_on $db $db
done

# ---- a standby

main_host=$PGHOST main_port=$PGPORT main_data=$EL_PGDATA
EL_PGDATA=$EL_TMP/pg-standby
EL_PGLOG=$EL_TMP/log/pg-standby
mkdir "$EL_RUN/standby" "$EL_PGDATA"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/standby" "$EL_PGDATA"
chmod 700 "$EL_RUN/standby" "$EL_PGDATA"
el_ok "pg_basebackup" el_as_server "$EL_BIN/pg_basebackup" -h "$main_host" -p "$main_port" -U postgres -D "$EL_PGDATA" -R -c fast
PGHOST=$EL_RUN/standby
PGPORT=$(el_free_port)
{
	echo "unix_socket_directories = '$PGHOST'"
	echo "port = $PGPORT"
	echo "energyledger.market_interval = 200"
} >> "$EL_PGDATA/postgresql.conf"
EL_CLUSTERS+=("$EL_PGDATA")
el_cluster_start
el_is "the standby has all rows" "$(sql original "SELECT (SELECT count(*) FROM energyledger.trade) || ' ' || (SELECT count(*) FROM energyledger.posting)")" \
	"$(PGHOST=$main_host PGPORT=$main_port sql original "SELECT (SELECT count(*) FROM energyledger.trade) || ' ' || (SELECT count(*) FROM energyledger.posting)")"
right original "on the standby"
el_is "no runner is there" "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%runner'")" 0
# an order that the primary took and did not clear
PGHOST=$main_host PGPORT=$main_port sql original "SELECT energyledger.place_order('lot', 'p1', '2025-06-01 21:00Z', 'ask', 100, 100000), energyledger.close_gate('lot', '2025-06-01 21:00Z', 'enough')" > /dev/null
lsn=$(PGHOST=$main_host PGPORT=$main_port el_psql -c "SELECT pg_current_wal_lsn()")
replayed()
{
	[ "$(el_psql -c "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]
}
el_ok "the standby follows" el_wait 20 replayed
el_as_server "$EL_BIN/pg_ctl" -D "$main_data" -m immediate -w -s stop
el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -w -s promote
cleared()
{
	[ "$(sql original "SELECT count(*) FROM energyledger.clearing WHERE market = 'lot' AND slot = '2025-06-01 21:00Z'")" = 1 ]
}
el_ok "promoted, it clears what the primary did not" el_wait 20 cleared
sql original "SELECT energyledger.settle('lot', '2025-06-01 21:00Z')" > /dev/null
goes_on original promoted
el_done

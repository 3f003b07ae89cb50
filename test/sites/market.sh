#!/bin/bash
# market.sh: a market's tables replicated to another site, which looks at them and leaves them alone.
#
# The rows arrive with the ids that they have where they were written, a clearing is equal when
# it is computed again there, but for lots, and the runner of that site leaves alone what is
# another site's.

. "$(dirname "$0")/../lib.sh"

el_begin sitemarket
el_cluster origin "fsync = off" "wal_level = logical" "energyledger.market_interval = 200" "energyledger.seal_interval = 200"
origin_host=$PGHOST origin_port=$PGPORT
el_cluster copy "fsync = off" "energyledger.market_interval = 200" "energyledger.seal_interval = 200" "wal_retrieve_retry_interval = 200ms" "max_worker_processes = 20"

at_origin()
{
	PGHOST=$origin_host PGPORT=$origin_port el_psql -c "SET client_min_messages = warning" -c "$@"
}

at_copy()
{
	el_psql -c "SET client_min_messages = warning" -c "$@"
}

tables="party price market market_member market_gate market_order order_cancel clearing trade order_lapse settlement settlement_position posting"
all=$(for t in $tables; do echo "energyledger.$t"; done | paste -sd,)
at_origin "CREATE EXTENSION pg_energyledger"
at_copy "CREATE EXTENSION pg_energyledger"
at_copy "INSERT INTO energyledger.location (location) VALUES ('here')"
# A ledger is site 1 when it is made; this one is made site 2 before it has a row.
at_origin "INSERT INTO energyledger.location (location) VALUES ('first')"
PGHOST=$origin_host PGPORT=$origin_port el_psql -o /dev/null <<'SQL'
SET allow_system_table_mods = on;
SET session_replication_role = replica;
UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'energyledger.site'::regclass;
UPDATE energyledger.site SET site_id = 2;
UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger_log') WHERE oid = 'energyledger.site'::regclass;
SQL
copy_data=$EL_PGDATA copy_log=$EL_PGLOG
EL_PGDATA=$EL_TMP/pg-origin EL_PGLOG=$EL_TMP/log/pg-origin
el_cluster_stop immediate
el_cluster_start
EL_PGDATA=$copy_data EL_PGLOG=$copy_log
at_origin "INSERT INTO energyledger.location (location) VALUES ('second')"
el_is "the origin is another site than the copy" "$(at_origin "SELECT max(ledger_id) >> 45 FROM energyledger.location") $(at_copy "SELECT max(ledger_id) >> 45 FROM energyledger.location")" "2 1"
PGHOST=$origin_host PGPORT=$origin_port el_psql -o /dev/null <<SQL
SET client_min_messages = warning;
SET timezone = 'UTC';
INSERT INTO energyledger.party (party) VALUES ('grid'), ('anna'), ('bert');
SELECT energyledger.add_prices('buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('sell', '2025-01-01 00:00Z', NULL, '{80000}');
SELECT energyledger.set_market('there', 'EUR', 'grid', 'grid', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z'),
    energyledger.set_market('lot', 'EUR', 'grid', 'grid', 'buy', 'sell', gate_closure_minutes => -2000000, applies_from => '2025-01-01 00:00Z', options => '{"lottery": true}');
SELECT energyledger.set_member(m, p) FROM unnest('{there,lot}'::text[]) m, unnest('{anna,bert}'::text[]) p;
CREATE FUNCTION slot(n int) RETURNS timestamptz LANGUAGE sql AS \$\$ SELECT timestamptz '2025-06-01 12:00Z' + n * interval '15 minutes' \$\$;
SELECT energyledger.place_order(m, 'anna', slot(n), 'bid', 1000), energyledger.place_order(m, 'bert', slot(n), 'ask', 900, 90000) FROM unnest('{there,lot}'::text[]) m, generate_series(1, 5) n;
SELECT energyledger.close_gate(m, slot(1), 'enough') FROM unnest('{there,lot}'::text[]) m;
CREATE PUBLICATION market FOR TABLE $all WITH (publish = 'insert');
SQL
cleared()
{
	[ "$(at_origin "SELECT count(*) FROM energyledger.clearing")" = "$1" ]
}
el_ok "the origin clears" el_wait 10 cleared 2
el_psql -o /dev/null 2> /dev/null -c "CREATE SUBSCRIPTION market CONNECTION 'host=$origin_host port=$origin_port dbname=postgres user=postgres' PUBLICATION market"
rows()
{
	for t in $tables; do echo "SELECT '$t ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY ledger_id)), '') FROM energyledger.$t t WHERE ledger_id >> 45 = 2;"; done
}
same()
{
	[ "$(el_psql -c "SET timezone = 'UTC'" -f - <<< "$(rows)")" = "$(PGHOST=$origin_host PGPORT=$origin_port el_psql -c "SET timezone = 'UTC'" -f - <<< "$(rows)")" ]
}
el_ok "what is there is copied" el_wait 30 same
at_origin "SELECT energyledger.close_gate(m, slot(2), 'enough') FROM unnest('{there,lot}'::text[]) m" > /dev/null
el_ok "the origin clears on" el_wait 10 cleared 4
at_origin "SELECT energyledger.settle('there', slot(2))" > /dev/null
el_ok "what is new arrives" el_wait 30 same
# a gate that the origin closes while its runner is not there
PGHOST=$origin_host PGPORT=$origin_port el_psql -c "ALTER SYSTEM SET energyledger.market_interval = 0" -c "SELECT pg_reload_conf()" > /dev/null
sleep 0.5
at_origin "SELECT energyledger.close_gate(m, slot(3), 'enough') FROM unnest('{there,lot}'::text[]) m" > /dev/null
el_ok "and that a gate is closed" el_wait 30 same
at_copy "INSERT INTO energyledger.location (location) VALUES ('here-too')"
# markets of its own, so that there is a runner
el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
INSERT INTO energyledger.party (party) VALUES ('own');
SELECT energyledger.set_market('here', 'EUR', 'own', 'own', 'buy', 'sell', gate_closure_minutes => -1000);
SELECT energyledger.close_gate('here', date_bin('15 minutes', now(), 'epoch') + interval '1 hour', 'enough');
SQL
own_cleared()
{
	[ "$(at_copy "SELECT count(*) FROM energyledger.clearing WHERE ledger_id >> 45 = 1 AND market = 'here'")" = 1 ]
}
el_ok "a market of the copy's own is cleared there" el_wait 10 own_cleared
sleep 1
el_is "one of the origin's is not" "$(at_copy "SELECT count(*) FROM energyledger.clearing WHERE ledger_id >> 45 = 1 AND market <> 'here'")" 0
el_is "nor is it due" "$(at_copy "SELECT count(*) FROM energyledger.due_slots() WHERE market <> 'here'")" 0
at_origin "SELECT energyledger.clear(m, slot(3)) FROM unnest('{there,lot}'::text[]) m" > /dev/null
el_ok "the origin clears it, and that arrives" el_wait 30 same
el_is "clearings are equal when they are computed again at the copy" \
	"$(at_copy "SELECT count(*), bool_and(v.equal) FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE c.market = 'there'")" "3|t"
# the blocks by which lots were drawn are the origin's
el_is "but for what lots were drawn by" \
	"$(at_copy "SELECT count(*), min(v.what), max(v.what) FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE c.market = 'lot'")" "3|lottery|lottery"
el_is "the copy's own rows have no finding" "$(at_copy "SELECT count(*) FROM energyledger.verify(site => 1)")" 0
el_psql -c "DROP SUBSCRIPTION market" > /dev/null 2>&1
el_done

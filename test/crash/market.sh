#!/bin/bash
# market.sh: markets, settlement and billing on a server that is taken away at any moment.
#
# A runner clears slots when their gates close, and those whose gate closed while there
# was no server, each once.  What stands in its way, a price that is missing or a lock that
# is kept, does not keep the others waiting, nor a database from being dropped, nor the
# server from being stopped.  And clear(), settle(), charge() and invoice_all() are
# killed in the middle over and over: all of it is there or nothing, and at the end there is
# what there is in another database that nobody disturbed.

. "$(dirname "$0")/../lib.sh"

SEED=${SEED:-$RANDOM}
STRIKES=${STRIKES:-3}			# for each of the five
ORDERS=${ORDERS:-50000}
RANDOM=$SEED
echo "# SEED=$SEED STRIKES=$STRIKES ORDERS=$ORDERS"

el_begin market
el_cluster auto "fsync = off" "energyledger.market_interval = 200" "energyledger.seal_interval = 200" "max_prepared_transactions = 5" "max_worker_processes = 20"
auto=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")
# "hands": nothing is cleared there that is not called for
el_cluster hands "fsync = off" "energyledger.market_interval = 0" "max_worker_processes = 20"
hands=("$PGHOST" "$PGPORT" "$EL_PGDATA" "$EL_PGLOG")

on()
{
	local -n server=$1

	PGHOST=${server[0]} PGPORT=${server[1]} EL_PGDATA=${server[2]} EL_PGLOG=${server[3]}
}

sql()
{
	local db=$1

	shift
	el_psql -d "$db" -c "SET client_min_messages = warning" -c "$@"
}

sql_is()
{
	[ "$(sql "$1" "$2")" = "$3" ]
}

# comes NAME DB SQL WANTED: a sealer without work looks every ten seconds whether a runner is wanted
comes()
{
	el_ok "$1" el_wait 20 sql_is "$2" "$3" "$4" || echo "# got: $(sql "$2" "$3")"
}

intact()
{
	el_is "$1: verify() has no finding" "$(sql "$1" "SELECT count(*) FROM energyledger.verify()")" 0
	el_is "$1: all clearings are equal when computed again" \
		"$(sql "$1" "SELECT count(*) FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE NOT v.equal")" 0
}

said()
{
	grep -c "market \"$1\" could not be cleared" "$EL_PGLOG"
}

runner_in()
{
	echo "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'energyledger runner' AND datname = '$1'"
}

# ---------------------------------------------------------------- gates that close with and without a server

on auto
el_psql -c "CREATE DATABASE village"
el_psql -d village -o /dev/null <<'SQL'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION pg_energyledger;
INSERT INTO energyledger.party (party) VALUES ('grid'), ('anna'), ('bert');
SELECT energyledger.add_prices('buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('sell', '2025-01-01 00:00Z', NULL, '{80000}');
-- gates are closed by hand here
SELECT energyledger.set_market(m, 'EUR', 'grid', 'grid', 'buy', 'sell', gate_closure_minutes => -1000) FROM unnest('{now,other,doomed}'::text[]) m;
-- the price of "poor" and "poorer" is not there
SELECT energyledger.set_market(m, 'EUR', 'grid', 'grid', 'none', 'none', gate_closure_minutes => -1000) FROM unnest('{poor,poorer}'::text[]) m;
-- three slots of "late" and of "poor-late" whose gates close at the same minute, 10 to 70 s from now
CREATE TABLE plan AS SELECT date_trunc('minute', now() + interval '70 s') AS gate_at;
CREATE TABLE plan_slot AS SELECT date_bin('5 minutes', gate_at, 'epoch') + n * interval '5 minutes' AS slot, gate_at FROM plan, generate_series(1, 3) n;
SELECT energyledger.set_market(m, 'EUR', 'grid', 'grid', CASE m WHEN 'late' THEN 'buy' ELSE 'none' END, CASE m WHEN 'late' THEN 'sell' ELSE 'none' END, slot_minutes => 5,
    gate_closure_minutes => (extract(epoch FROM slot - gate_at) / 60)::int, applies_from => slot) FROM plan_slot, unnest('{late,poor-late}'::text[]) m ORDER BY slot;
SELECT energyledger.set_member(m, p) FROM unnest('{now,other,doomed,poor,poorer,late,poor-late}'::text[]) m, unnest('{anna,bert}'::text[]) p;
CREATE FUNCTION orders(market text, slot timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT energyledger.place_order(market, 'anna', slot, 'bid', 2000), energyledger.place_order(market, 'bert', slot, 'ask', 3000, CASE WHEN market LIKE 'poor%' THEN NULL ELSE 90000 END) $$;
SELECT orders(m, slot) FROM plan_slot, unnest('{late,poor-late}'::text[]) m ORDER BY slot DESC;
-- a slot by its number
CREATE FUNCTION slot(n int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT date_bin('15 minutes', gate_at, 'epoch') + n * interval '15 minutes' FROM plan $$;
SELECT orders(m, slot(n)) FROM unnest('{now,other,doomed,poor,poorer}'::text[]) m, generate_series(1, 9) n;
SQL
el_is "nothing is cleared while gates are open" "$(sql village "SELECT count(*) FROM energyledger.clearing")" 0
sql village "SELECT energyledger.close_gate('now', slot(1), 'test') > now()" > /dev/null
comes "a slot whose gate closes is cleared" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(1)" 1
el_is "by the runner" "$(sql village "SELECT count(*) FROM energyledger.trade WHERE market = 'now' AND slot = slot(1) AND energy_wh = 2000")" 1
el_is "before the server goes the gates of \"late\" are open" "$(sql village "SELECT gate_at > now() FROM plan")" t
gate=$(sql village "SELECT extract(epoch FROM gate_at)::bigint FROM plan")
el_cluster_stop immediate
echo "# the server is away until its gates are closed: $((gate - $(date +%s))) s at least"

# ---------------------------------------------------------------- killed in the middle

on hands
cat > "$EL_TMP/setup.sql" <<SQL
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION pg_energyledger;
SELECT setseed(0.5);
INSERT INTO energyledger.party (party) SELECT unnest('{grid,op,supplier,wires}'::text[]) UNION ALL SELECT 'p' || n FROM generate_series(1, 400) n;
SELECT energyledger.add_prices('buy', '2025-01-01 00:00Z', NULL, '{300000}'), energyledger.add_prices('sell', '2025-01-01 00:00Z', NULL, '{80000}');
SELECT energyledger.set_market('m', 'EUR', 'grid', 'op', 'buy', 'sell', gate_closure_minutes => 0, applies_from => '2025-01-01 00:00Z', vat_ppm => 190000,
    bands => '[{"side": "short", "up_to_ppm": 100000, "up_to_wh": 100, "multiplier_ppm": 1000000, "price": "buy"}, {"side": "short", "multiplier_ppm": 1200000, "price": "buy"}]');
SELECT energyledger.set_member('m', 'p' || n) FROM generate_series(1, 400) n;
SELECT energyledger.register_meter('meter:' || n, party => 'p' || n) FROM generate_series(1, 400) n;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'meter:' || n, 1, 1, i, '1-0:' || i || '.8.0', '2025-06-01 12:00Z', '2025-06-01 12:15Z', (random() * 100000)::int, 0, 'Wh', 'G' FROM generate_series(1, 390) n, generate_series(1, 2) i;
INSERT INTO energyledger.market_order (market, slot, side, party, energy_wh, limit_price_micro_per_kwh, kind, received_at, placed_by)
    SELECT 'm', '2025-06-01 12:00Z', CASE n % 2 WHEN 0 THEN 'bid' ELSE 'ask' END, 'p' || floor(random() * 200)::int * 2 + 1 + n % 2, 1 + (random() * 3000)::int, (random() * 300000)::int, 'limit',
           timestamptz '2025-06-01 10:00Z' + n * interval '1 ms', 'test' FROM generate_series(1, $ORDERS) n;
-- and some who do not trade
SELECT energyledger.add_tariff_component('home', 'energy', 'energy', 'supplier', 'EUR', 300001, vat_ppm => 190000), energyledger.add_tariff_component('home', 'grid', 'network', 'supplier', 'EUR', 80000, vat_ppm => 190000);
SELECT energyledger.register_meter('home:' || n, party => 'h' || n), energyledger.set_contract('h' || n, 'home', 'UTC', '2025-01-01 00:00Z') FROM generate_series(1, 30) n;
INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'home:' || n, 1, q, 1, '1-0:1.8.0', t, t + interval '15 minutes', (random() * 500)::int, 0, 'Wh', 'G'
      FROM generate_series(1, 30) n, generate_series(0, 671) q, LATERAL (SELECT timestamptz '2025-05-01 00:00Z' + q * interval '15 minutes' AS t) x;
SELECT energyledger.register_biller('op', 'Operator', collects => '{m}'), energyledger.register_biller('supplier', 'Supplier');
SQL
clear="SELECT energyledger.clear('m', '2025-06-01 12:00Z')"
settle="SELECT energyledger.settle('m', '2025-06-01 12:00Z')"
charge=$(for ((n = 1; n <= 30; n++)); do echo "SELECT energyledger.charge('h$n', '2025-05-01', '2025-05-08');"; done)
invoice="SELECT count(*) FROM energyledger.invoice_all('op', '2025-06-01 00:00Z', '2025-07-01 00:00Z')"
bill="SELECT count(*) FROM energyledger.invoice_all('supplier', '2025-05-01 00:00Z', '2025-06-01 00:00Z')"

# Everything that came of it, without numbers and times that are each database's own.
outcome()
{
	sql "$1" "SELECT 'clearings ' || string_agg(format('%s %s %s %s %s %s %s', run, orders, trades, bid_wh, ask_wh, netted_wh, volume_wh, price_micro_per_kwh), ' ') FROM energyledger.clearing
		UNION ALL SELECT 'trades ' || count(*) || ' ' || md5(string_agg((t.trade_seq, b.received_at, a.received_at, t.buyer, t.seller, t.energy_wh, t.price_micro_per_kwh, t.buyer_price_micro_per_kwh)::text, ' ' ORDER BY t.trade_seq))
			FROM energyledger.trade t JOIN energyledger.market_order b ON b.ledger_id = t.bid_id JOIN energyledger.market_order a ON a.ledger_id = t.ask_id
		UNION ALL SELECT 'lapses ' || count(*) || ' ' || coalesce(sum(energy_wh), 0) FROM energyledger.order_lapse
		UNION ALL SELECT 'settlements ' || string_agg(format('%s %s %s %s', run, parties, changed, pending), ' ') FROM energyledger.settlement
		UNION ALL SELECT 'positions ' || md5(string_agg((party, run, bought_wh, sold_wh, import_wh, export_wh, deviation_wh, quality)::text, ' ' ORDER BY party, run)) FROM energyledger.settlement_position
		UNION ALL SELECT 'charges ' || count(*) || ' ' || md5(string_agg((party, day, run, import_wh, amount_nano, reason)::text, ' ' ORDER BY party, day, run)) FROM energyledger.charge
		UNION ALL SELECT 'postings ' || count(*) || ' ' || md5(string_agg(r, ' ' ORDER BY r)) FROM (SELECT (kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh,
			from_at, to_at, p.market, trade_seq, meter, tariff, component, reverses IS NOT NULL)::text AS r FROM energyledger.posting p) x
		UNION ALL SELECT 'invoices ' || count(*) || ' ' || md5(string_agg((number, party, from_at, to_at, currency, net_nano, vat_nano, rounding_nano, total_cents, lines)::text, ' ' ORDER BY number)) FROM energyledger.invoice
		UNION ALL SELECT 'lines ' || count(*) || ' ' || md5(string_agg(l::text, ' ' ORDER BY number, line)) FROM (SELECT number, line, kind, energy_wh, price_micro_per_kwh, amount_nano, vat_ppm, postings FROM energyledger.invoice_line) l" | sort
}

# How much there is of what a step writes.
clear_wrote="SELECT (SELECT count(*) FROM energyledger.clearing) || ' ' || (SELECT count(*) FROM energyledger.trade) || ' ' || (SELECT count(*) FROM energyledger.order_lapse)"
settle_wrote="SELECT (SELECT count(*) FROM energyledger.settlement) || ' ' || (SELECT count(*) FROM energyledger.settlement_position) || ' ' || (SELECT count(*) FROM energyledger.posting)"
invoices_wrote="SELECT (SELECT count(*) FROM energyledger.invoice WHERE biller = 'X') || ' ' || (SELECT count(*) FROM energyledger.invoice_line WHERE number LIKE 'X/%') || ' '
	|| (SELECT count(*) FROM energyledger.invoice_posting WHERE number LIKE 'X/%') || ' ' || (SELECT count(*) FROM energyledger.posting WHERE kind IN ('vat', 'rounding') AND 'X' IN (payer, payee))"
invoice_wrote=${invoices_wrote//X/op}
bill_wrote=${invoices_wrote//X/supplier}
# a party's days are charged in one transaction
charge_wrote="SELECT count(DISTINCT party) || ' of ' || count(*) / 7 || ' with ' || (SELECT count(*) FROM energyledger.posting WHERE tariff = 'home' AND kind IN ('energy', 'network')) / 14 FROM energyledger.charge"

victim="SELECT pid FROM pg_stat_activity WHERE application_name = 'victim' AND state = 'active' AND query LIKE '%energyledger%'"

# strike MS N SQL: run it and kill it up to so many milliseconds later, in one of three ways.
strike()
{
	local i pid= job after=$((RANDOM % $1))

	PGAPPNAME=victim "$EL_BIN/psql" -X -qAt -v ON_ERROR_STOP=1 -d work -o /dev/null -f - <<< "$3" 2> "$EL_TMP/log/victim" &
	job=$!
	for ((i = 0; i < 20 && ${#pid} == 0; i++)); do
		pid=$(el_psql -c "$victim" 2> /dev/null)
	done
	sleep "$((after / 1000)).$(printf '%03d' $((after % 1000)))"
	case $(($2 % 3)) in
		0) kill -KILL "$pid" 2> /dev/null ;;
		1) el_cluster_stop immediate ;;
		# all at once: a backend at work would end its transaction before it looks for the postmaster
		2) kill -KILL "$(head -1 "$EL_PGDATA/postmaster.pid")" "$pid" 2> /dev/null ;;
	esac
	if wait "$job"; then
		struck="done before"
	else
		struck="$(sed -n 's/^.*\(server closed\|terminating connection\).*/\1/p' "$EL_TMP/log/victim" | head -1)"
		strikes=$((strikes + 1))
	fi
	echo "# killed after $after ms (way $(($2 % 3))): $struck"
	case $(($2 % 3)) in
		0) el_wait 30 el_psql -c "SELECT 1" ;;
		2)
			while el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" status > /dev/null; do sleep 0.05; done
			sleep 0.5
			el_cluster_start
			;;
		*) el_cluster_start ;;
	esac
}

strikes=0
el_psql -c "CREATE DATABASE calm"
el_psql -d calm -o /dev/null -f "$EL_TMP/setup.sql"
el_psql -c "CREATE DATABASE work"
el_psql -d work -o /dev/null -f "$EL_TMP/setup.sql"
for step in clear settle charge bill invoice; do
	wrote=${step}_wrote
	el_progress "market: $step"
	before=$(sql work "${!wrote}")
	start=$(date +%s%3N)
	el_psql -d calm -o /dev/null -f - <<< "${!step}"
	took=$(($(date +%s%3N) - start))
	all=$(sql calm "${!wrote}")
	echo "# $step took $took ms: $all"
	for ((n = 0; n < STRIKES; n++)); do
		# the first at once
		strike $((n == 0 ? 1 : took)) $((n + RANDOM % 3)) "${!step};"
		now=$(sql work "${!wrote}")
		if [ $step = charge ]; then
			el_ok "$step $n: each party is charged whole or not ($now)" test "${now%% *}" = "$(cut -d' ' -f3 <<< "$now")" -a "${now%% *}" = "${now##* }"
		else
			el_ok "$step $n: all of it is there or nothing ($now)" test "$now" = "$before" -o "$now" = "$all"
		fi
		[ "$now" = "$all" ] && break
	done
	el_psql -d work -o /dev/null -f - <<< "${!step}"
	el_is "$step: then it goes on" "$(sql work "${!wrote}")" "$all"
	# between this and the next step the server goes
	el_cluster_stop immediate
	el_cluster_start
	el_is "$step: it lasts" "$(sql work "${!wrote}")" "$all"
done
el_ok "what ran was killed $strikes times in the middle" test $strikes -ge 4
calm=$(outcome calm)
sed 's/^/# /' <<< "$calm"
el_is "at the end there is what there is undisturbed" "$(outcome work)" "$calm"
for step in clear settle charge bill invoice; do
	el_psql -d work -o /dev/null -f - <<< "${!step}"
done
el_is "once more all of them write nothing" "$(outcome work)" "$calm"
el_is "numbers of invoices have no gap" "$(sql work "SELECT string_agg(DISTINCT biller || ' ' || (n = most)::text, ',') FROM (SELECT biller, count(*) AS n, max(sequence) AS most FROM energyledger.invoice GROUP BY 1) x")" \
	"op true,supplier true"
el_is "invoice_check has nothing to say" "$(sql work "SELECT count(*) FROM energyledger.invoice_check")" 0
el_is "balances are zero together" "$(sql work "SELECT sum(balance_nano)::text FROM energyledger.party_balance")" 0
sql work "SELECT energyledger.seal()" > /dev/null
intact work
el_cluster_stop immediate

# ---------------------------------------------------------------- late

on auto
while [ "$(date +%s)" -lt "$gate" ]; do sleep 0.2; done
el_cluster_start
comes "slots whose gates closed without a server are cleared" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'late'" 3
el_is "each once, later than its gate, the earliest first" \
	"$(sql village "SELECT count(DISTINCT slot), bool_and(run = 1 AND trades = 1 AND cleared_at > gate_at AND gate_at = (SELECT gate_at FROM plan)), array_agg(slot ORDER BY ledger_id) = array_agg(slot ORDER BY slot) FROM energyledger.clearing WHERE market = 'late'")" "3|t|t"
el_is "what has no price is not" "$(sql village "SELECT count(*) FROM energyledger.clearing WHERE market = 'poor-late'")" 0
comes "and is due" village "SELECT count(*) FROM energyledger.due_slots() WHERE market = 'poor-late'" 3
for n in 1 2 3; do
	sql village "SELECT energyledger.close_gate(m, slot($n), 'test') > now() FROM unnest('{poor,poorer,other}'::text[]) m" > /dev/null
done
comes "what can be cleared is, beside what cannot" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'other'" 3
sleep 1.5
el_is "of each slot that cannot be cleared it is said once" "$(said poor-late) $(said poor) $(said poorer)" "3 3 3"
sql village "SELECT energyledger.add_prices('none', '2025-01-01 00:00Z', NULL, '{200000}')" > /dev/null
comes "with a price they are cleared" village "SELECT count(*) FROM energyledger.clearing WHERE market LIKE 'poor%'" 9
el_is "each once" "$(sql village "SELECT count(*) - count(DISTINCT (market, slot)) FROM energyledger.clearing")" 0
intact village

# ---------------------------------------------------------------- what keeps locks

{
	echo "BEGIN; SELECT energyledger.place_order('now', 'anna', slot(3), 'bid', 1);"
	while [ ! -f "$EL_TMP/enough" ]; do sleep 0.1; done
	echo "COMMIT;"
} | PGAPPNAME=holder el_psql -d village -o /dev/null &
holder=$!
el_ok "somebody has an order in an open transaction" el_wait 5 sql_is village "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND state = 'idle in transaction'" 1
sql village "SELECT energyledger.close_gate('other', slot(4), 'test') > now()" > /dev/null
# its gate would have to wait as well: it closes by itself
sql village "INSERT INTO energyledger.market_gate (market, slot, closed_at, reason, closed_by) VALUES ('now', slot(2), clock_timestamp() - interval '1 minute', 'test', 'test')"
el_ok "another market is cleared meanwhile" el_wait 6 sql_is village "SELECT count(*) FROM energyledger.clearing WHERE market = 'other' AND slot = slot(4)" 1
el_is "the locked one is not" "$(sql village "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(2)")" 0
touch "$EL_TMP/enough"
wait $holder
comes "then it is" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(2)" 1

el_psql -d village -o /dev/null -c "BEGIN" -c "SELECT energyledger.place_order('now', 'anna', slot(5), 'bid', 1)" -c "PREPARE TRANSACTION 'kept'"
sql village "INSERT INTO energyledger.market_gate (market, slot, closed_at, reason, closed_by) VALUES ('now', slot(4), clock_timestamp() - interval '1 minute', 'test', 'test')"
el_ok "the runner waits for a prepared transaction" el_wait 10 sql_is village "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'energyledger runner' AND wait_event_type = 'Lock'" 1
el_ok "a server whose runner waits is stopped" el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -m fast -w -t 15 -s stop
el_cluster_start
sql village "ROLLBACK PREPARED 'kept'"
comes "the runner is there again" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(4)" 1

# ---------------------------------------------------------------- nothing is sealed by itself

el_psql -c "ALTER SYSTEM SET energyledger.seal_interval = 0"
el_cluster_stop fast
el_cluster_start
comes "where nothing is sealed by itself there is a runner too" postgres "$(runner_in village)" 1

# ---------------------------------------------------------------- copies, and databases that go

el_psql -c "ALTER SYSTEM RESET energyledger.seal_interval" -c "ALTER SYSTEM SET energyledger.market_interval = 0" -c "SELECT pg_reload_conf()" > /dev/null
sleep 0.5
sql village "SELECT energyledger.close_gate('now', slot(6), 'test') > now()" > /dev/null
el_ok "CREATE DATABASE ... TEMPLATE with a runner connected" el_psql -c "CREATE DATABASE copy TEMPLATE village"
el_psql -c "ALTER SYSTEM SET energyledger.market_interval = 200" -c "SELECT pg_reload_conf()" > /dev/null
comes "the template's markets are cleared on" village "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(6)" 1
sql copy "SELECT count(*) FROM energyledger.market" > /dev/null
el_cluster_stop fast
el_cluster_start
comes "after a restart too there is the template's runner" postgres "$(runner_in village)" 1
sleep 1.5
el_is "none in a copy that nobody has written to" "$(sql postgres "$(runner_in copy)")" 0
el_is "nothing of it is cleared" "$(sql copy "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(6)")" 0
sql copy "INSERT INTO energyledger.party (party) VALUES ('cleo')"
comes "written to, it clears its own" copy "SELECT count(*) FROM energyledger.clearing WHERE market = 'now' AND slot = slot(6)" 1
intact copy
comes "both have a runner" postgres "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'energyledger runner'" 2
sql copy "SELECT energyledger.close_gate('doomed', slot(n), 'test') > now() FROM generate_series(1, 9) n" > /dev/null
el_ok "DROP DATABASE with a runner at work" el_psql -c "DROP DATABASE copy"
el_is "it is gone" "$(sql postgres "$(runner_in copy)")" 0
el_ok "ALTER DATABASE ... RENAME with a runner connected" el_psql -c "ALTER DATABASE village RENAME TO town"
sql town "SELECT energyledger.close_gate('other', slot(7), 'test') > now()" > /dev/null
comes "renamed, its markets are cleared on" town "SELECT count(*) FROM energyledger.clearing WHERE market = 'other' AND slot = slot(7)" 1
intact town
el_done

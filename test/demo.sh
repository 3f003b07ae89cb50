#!/bin/bash
# demo.sh: make demo: the whole way once, in about a minute, on servers of its own.
#
# A small neighbourhood's meters sign a day of quarter hours, and orders for what they
# will take and give; broker, bridge and ledger take them in; the quarters are cleared
# and settled; the ledger is sealed and verified; then a thief edits the
# data file while the server is down, checksum and all, and verify names the row.
# Nothing shown is prepared: every number is asked from the running servers.
# With --keep all stays up to be looked at, and a "stop" script is left behind.

set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

KEEP=0
[ "${1:-}" = --keep ] && KEEP=1

METERS=20
SEED=demo
DAY=$(($(date -u +%Y) - 1))-06-21
NOON="$DAY 12:00+00"
HOME_SHOWN=home-02				# a house with a roof
FLIP_EVERY=191					# messages damaged on their way: one in so many

./test/deps.sh || exit 1
. ./test/lib.sh

METER=$PWD/tools/energyledger-meter

say()
{
	el_progress_end
	printf '\n%s\n' "$*"
}

# table SQL: as a person likes to read it.
table()
{
	el_progress_end
	PGCLIENTENCODING=UTF8 psql -X -q -v ON_ERROR_STOP=1 -P border=2 -P linestyle=unicode -P footer=off -P null=- -c "$1" |
		sed -e '/^$/d' -e 's/^/  /'
}

# Bytes of a file as unsigned decimal numbers: bytes_at FILE OFFSET COUNT SIZE
bytes_at()
{
	od -An -v -t "u$4" -j "$2" -N "$3" "$1"
}

# Where in the table's file a row's 8-byte number lies: page, line pointer, tuple.
# find_value FILE BLOCK ITEM VALUE
find_value()
{
	local file=$1 page=$(($2 * 8192)) pointer tuple length i found=

	pointer=$(bytes_at "$file" $((page + 24 + 4 * ($3 - 1))) 4 4)
	tuple=$((page + (pointer & 0x7fff)))
	length=$((pointer >> 17))
	for ((i = 24; i + 8 <= length; i += 8)); do
		if [ "$(($(bytes_at "$file" $((tuple + i)) 8 8)))" = "$4" ]; then
			[ -z "$found" ] || return 1		# twice: which one is meant?
			found=$((tuple + i))
		fi
	done
	[ -n "$found" ] && echo "$found"
}

# put_byte FILE OFFSET VALUE
put_byte()
{
	printf "\\x$(printf %02x "$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Change a byte with the server down; the page's checksum is made to fit again,
# as whoever edits the file would do.
edit_data_file()
{
	el_cluster_stop fast
	el_as_server "$EL_BIN/pg_checksums" -D "$EL_PGDATA" --disable --no-sync > "$EL_TMP/log/checksums" 2>&1 &&
		put_byte "$@" &&
		el_as_server "$EL_BIN/pg_checksums" -D "$EL_PGDATA" --enable --no-sync >> "$EL_TMP/log/checksums" 2>&1 ||
		el_die "could not edit $1"
	el_cluster_start
}

# Its gates stay open after the day, so that a day of last year can be traded at once.
make_market()
{
	el_psql > "$EL_TMP/log/market" <<-SQL || el_die "making the market failed"
		INSERT INTO energyledger.party (party) VALUES ('grid'), ('office');
		SELECT energyledger.add_prices('grid-buy', '$DAY 00:00+00', NULL, '{310000}');
		SELECT energyledger.add_prices('grid-sell', '$DAY 00:00+00', NULL, '{70000}');
		SELECT energyledger.set_market('street', 'EUR', 'grid', 'office', 'grid-buy', 'grid-sell', gate_closure_minutes => -2000000,
			options => '{"policy": "midpoint"}', vat_ppm => 210000, applies_from => '$DAY 00:00+00');
		SELECT energyledger.add_tariff_component('street', 'traded', 'energy', 'office', 'EUR', 0),
			energyledger.add_tariff_component('street', 'lines', 'network', 'office', 'EUR', 80000, vat_ppm => 210000),
			energyledger.add_tariff_component('street', 'base', 'standing', 'office', 'EUR', price_micro_per_day => 250000, vat_ppm => 210000);
		SELECT energyledger.register_biller('office', 'Office of the street', collects => '{street}', prices_max => 1);
	SQL
}

start_all()
{
	el_begin demo
	el_progress "building ..."
	make -s -j2 all > "$EL_TMP/log/build" 2>&1 || { tail -30 "$EL_TMP/log/build" >&2; el_die "the build failed"; }
	el_progress "installing into a private copy of PostgreSQL ..."
	el_stage
	el_progress "starting a private PostgreSQL and a private broker ..."
	el_cluster demo
	el_psql -c "CREATE DATABASE energy"
	export PGDATABASE=energy
	el_psql -c "CREATE EXTENSION pg_energyledger"
	el_broker
	make_market
	"$METER" --register --market street --meters $METERS --seed $SEED | el_psql > "$EL_TMP/log/register" || el_die "registering failed"
	VKEY=$(el_psql -c "SELECT energyledger.site_vkey()") || exit 1
	el_bridge_start --id demo --stats-interval-s 1
}

play()
{
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --seed $SEED --date $DAY --market street \
		--resend-after-ms 1000 --timeout-s 120 "$@" || el_die "not every message got its receipt"
}

# The bridge counts every message once: received = accepted + duplicate + quarantined + in flight.
show_counters()
{
	local line

	sleep 1.1					# the bridge says its counters every second
	line=$(grep 'counters' "$EL_BRIDGE_LOG" | tail -1)
	table "SELECT $(echo "$line" | grep -oE '(received|accepted|duplicate|quarantined|in_flight|batches|receipts)=[0-9]+' |
		sed 's/\(.*\)=\(.*\)/\2 AS \1/' | paste -sd,)"
}

show_day()
{
	say "What the bridge took from the broker, in messages (batches are transactions; a duplicate is a message sent again
before its receipt came, or the battery's second day; each got a receipt and changed nothing):"
	show_counters
	say "What was set aside, with the reason:"
	table "SELECT reason, count(*) AS messages, count(DISTINCT meter) AS meters FROM energyledger.quarantine GROUP BY reason"
	say "The day's energy, from the signed readings:"
	table "SELECT meter, technology, count(energy_wh) AS slots, count(*) - count(energy_wh) AS missing,
			to_char(sum(energy_wh) FILTER (WHERE direction = 'import') / 1000.0, '990.000') AS taken_kwh,
			to_char(sum(energy_wh) FILTER (WHERE direction = 'export') / 1000.0, '990.000') AS given_kwh
		FROM energyledger.interval_energy JOIN energyledger.meter_current USING (meter)
		GROUP BY meter, technology ORDER BY meter"
}

all_cleared()
{
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.clearing")" = 96 ]
}

show_market()
{
	say "Before each quarter hour a meter signed an order for it: a house bids for what it expects to take, a roof asks for what it
expects to give, up to a fifth wrong: $(el_psql -c "SELECT count(*) FROM energyledger.market_order") orders, $(
		el_psql -c "SELECT count(*) FROM energyledger.order_cancel") of them taken back. The gates close, and a background worker clears each quarter at one price:"
	el_psql -c "SELECT count(energyledger.close_gate('street', slot, 'end of the demo''s day'))
		FROM generate_series('$DAY 00:00+00'::timestamptz, '$DAY 23:45+00', '15 minutes') slot" > /dev/null
	el_progress "clearing ..."
	el_wait 30 all_cleared || el_die "the market runner did not clear the day"
	table "SELECT to_char(slot, 'HH24:MI') AS slot, orders, to_char(bid_wh / 1000.0, '90.000') AS bid_kwh, to_char(ask_wh / 1000.0, '90.000') AS asked_kwh,
			to_char(volume_wh / 1000.0, '90.000') AS traded_kwh, trades, to_char(price_micro_per_kwh / 10000.0, '990.00') AS cents_per_kwh
		FROM energyledger.clearing WHERE slot IN ('$DAY 04:00+00', '$DAY 07:00+00', '$DAY 10:00+00', '$DAY 12:00+00', '$DAY 16:00+00', '$DAY 18:30+00') ORDER BY slot"
	say "Who bought from whom at noon:"
	table "SELECT buyer, seller, energy_wh, to_char(price_micro_per_kwh / 10000.0, '990.00') AS cents_per_kwh, buyer_pays AS buyer_pays_eur, bid_id, ask_id
		FROM energyledger.trades WHERE market = 'street' AND slot = '$NOON' ORDER BY trade_seq LIMIT 5"
	say "Each clearing computed again from the signed orders and the rules, by whoever may read them:"
	table "SELECT count(*) AS clearings, count(*) FILTER (WHERE v.equal) AS equal FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v"
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.clearing c, energyledger.verify_clearing(c.ledger_id) v WHERE v.equal")" = 96 ] ||
		el_die "not every clearing comes out equal again"
	el_progress "settling ..."
	el_psql -c "SELECT count(*) FROM energyledger.settle_market('street', '$DAY 00:00+00', '$DAY 24:00+00') WHERE error IS NOT NULL OR pending > 0" > "$EL_TMP/log/settled"
	[ "$(cat "$EL_TMP/log/settled")" = 0 ] || el_die "not every quarter could be settled"
	say "Settled against what was measured: the grid sells what a party was short of and takes what it was long. $HOME_SHOWN in three quarters:"
	table "SELECT to_char(slot, 'HH24:MI') AS slot, bought_wh, sold_wh, import_wh, export_wh, side, deviation_wh, cost AS eur
		FROM energyledger.imbalance WHERE market = 'street' AND party = '$HOME_SHOWN' AND slot IN ('$DAY 07:00+00', '$NOON', '$DAY 18:30+00') ORDER BY slot"
	say "What the day comes to, without VAT (what one pays another gets: all together have nothing):"
	table "SELECT coalesce(who, 'all') AS who, count(*) AS parties, sum(postings) AS postings, to_char(sum(balance_nano) / 1e9, '990.0000') AS balance_eur
		FROM energyledger.party_balance CROSS JOIN LATERAL (SELECT CASE WHEN party LIKE 'home-%' THEN 'homes' ELSE party END) w(who)
		GROUP BY ROLLUP (who) ORDER BY GROUPING(who), who"
}

show_invoice()
{
	local number line

	el_progress "charging and invoicing ..."
	el_psql > "$EL_TMP/log/invoices" <<-SQL || el_die "invoicing failed"
		SELECT energyledger.set_contract(party, 'street', 'UTC', '$DAY 00:00+00') FROM energyledger.market_member_current;
		SELECT energyledger.charge(party, '$DAY', '$DAY'::date + 1) FROM energyledger.market_member_current;
		SELECT * FROM energyledger.invoice_all('office', '$DAY 00:00+00', '$DAY 24:00+00');
	SQL
	number=$(el_psql -c "SELECT number FROM energyledger.invoice WHERE party = '$HOME_SHOWN'")
	say "Each party gets one invoice for all of it, network and standing charge too ($(
		el_psql -c "SELECT count(*) FILTER (WHERE total_cents >= 0) || ' invoices, ' || count(*) FILTER (WHERE total_cents < 0) || ' credit notes' FROM energyledger.invoice")). That of $HOME_SHOWN, $number:"
	table "SELECT line, text, to_char(energy_wh / 1000.0, '990.000') AS kwh, postings, to_char(amount_nano / 1e9, '990.000000000') AS eur
		FROM energyledger.invoice_line WHERE number = '$number'
		UNION ALL SELECT NULL, 'total', NULL, NULL, to_char(total_cents / 100.0, '990.00') FROM energyledger.invoice WHERE number = '$number' ORDER BY 1"
	line=$(el_psql -c "SELECT line FROM energyledger.invoice_line WHERE number = '$number' AND kind = 'deviation_short'")
	say "What its line $line was made of; receipt() proves each row by its number:"
	table "SELECT evidence, count(*), min(from_at) AS first_from, max(to_at) AS last_to, min(evidence_id) AS first_number FROM energyledger.invoice_evidence('$number', $line) GROUP BY evidence ORDER BY evidence"
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.invoice_check")" = 0 ] || el_die "invoice_check finds something"
}

show_ledger()
{
	local height

	height=$(el_psql -c "SELECT energyledger.seal()") || exit 1
	say "The ledger, sealed up to block $height:"
	table "SELECT height, first_index, leaf_count, to_char(sealed_at, 'HH24:MI:SS.MS') AS sealed_at,
			left(encode(previous_block_hash, 'hex'), 16) || '...' AS previous_block
		FROM energyledger.block ORDER BY height DESC LIMIT 5"
	say "Its checkpoint, signed with the site's key
  $VKEY"
	echo
	el_psql -c "SELECT energyledger.checkpoint()" | sed 's/^/  /'
}

# What verify says when all is well; anything else ends the demo.
verify_clean()
{
	local said

	said=$(el_psql -c "SELECT * FROM energyledger.verify()" 2>&1) || el_die "$said"
	case $said in
		"NOTICE:  intact up to size "*) ;;
		*) el_die "verify finds something wrong: $said" ;;
	esac
	el_progress_end
	echo "  SELECT * FROM energyledger.verify();"
	sed 's/^/  /' <<< "$said"
	echo "  (no findings: $(el_psql -c "SELECT count(*) FROM energyledger.reading") readings and $(
		el_psql -c "SELECT count(*) FROM energyledger.message") signed messages recomputed from their bytes)"
}

tamper()
{
	local file offset old named target meter at wh

	# The shop's dearest quarter hour.
	IFS='|' read -r target meter at wh block item file < <(el_psql -c "
		SELECT ledger_id, meter, from_at, value, (ctid::text::point)[0]::int, (ctid::text::point)[1]::int,
			pg_relation_filepath('energyledger.reading')
		FROM energyledger.reading WHERE meter LIKE 'shop-%' AND scale = 0 AND value > 255
		ORDER BY value DESC, ledger_id LIMIT 1")
	file=$EL_PGDATA/$file
	say "Now somebody with access to the machine stops the server and edits the data file:"
	el_psql -c CHECKPOINT
	offset=$(find_value "$file" "$block" "$item" "$wh") || el_die "the row's bytes are not where they should be"
	offset=$((offset + 1))
	old=$(($(bytes_at "$file" "$offset" 1 1)))
	el_progress "stopping the server, changing one byte, making the page's checksum right again ..."
	edit_data_file "$file" "$offset" 0
	el_progress_end
	echo "  one byte of $meter, $at: $wh Wh become $(el_psql -c "SELECT value FROM energyledger.reading WHERE ledger_id = $target") Wh. PostgreSQL notices nothing:"
	table "SELECT ledger_id, meter, from_at, value, unit FROM energyledger.reading WHERE ledger_id = $target"
	echo "  SELECT * FROM energyledger.verify();"
	table "SELECT relation, ledger_id, kind, left(expected, 30) AS expected, left(found, 30) AS found
		FROM energyledger.verify()" 2> /dev/null
	named=$(el_psql -c "SELECT string_agg(DISTINCT relation || ' ' || ledger_id, ', ') FROM energyledger.verify()" 2> /dev/null)
	[ "$named" = "energyledger.reading $target" ] ||
		el_die "verify should name energyledger.reading $target and nothing else, it names: ${named:-nothing}"
	echo "  It names exactly that row, of $(el_psql -c "SELECT count(*) FROM energyledger.reading")."
	el_progress "putting the byte back ..."
	edit_data_file "$file" "$offset" "$old"
	say "With the byte put back:"
	verify_clean
}

leave_running()
{
	{
		echo '#!/bin/bash'
		echo "# Stops what make demo left running, and removes its folder."
		echo "kill $EL_BRIDGE_PID $EL_BROKER_PID 2>/dev/null"
		if [ "$(id -u)" = 0 ]; then
			echo "cd / && runuser -u $EL_SERVER_USER -- $EL_BIN/pg_ctl -D $EL_PGDATA -m fast -w -s stop"
		else
			echo "$EL_BIN/pg_ctl -D $EL_PGDATA -m fast -w -s stop"
		fi
		echo "rm -rf $EL_RUN $EL_TMP"
	} > "$EL_TMP/stop"
	chmod 755 "$EL_TMP/stop"
	cat <<-TEXT

	Everything is still running. To look around:

	  $EL_BIN/psql -h $PGHOST -p $PGPORT -U $PGUSER energy
	  mosquitto_sub -p $EL_MQTT_PORT -V mqttv5 -t 'el/v1/#' -v
	  $METER --broker 127.0.0.1:$EL_MQTT_PORT --site-vkey '$VKEY' --seed $SEED --state $EL_TMP/meters --date $(date -u -d "$DAY + 1 day" +%F) --rate 10
	  tail -f $EL_BRIDGE_LOG

	  $EL_TMP/stop      stops it all and removes $EL_TMP
	TEXT
	EL_KEEP=1
}

start_all
say "$(el_psql -c "SELECT count(*) FROM energyledger.meter") meters play $DAY: households, solar roofs, a shop, a battery; an order and a reading each quarter hour,
one in $FLIP_EVERY damaged on its way. A meter keeps a message until the site's signed receipt covers it."
play --meters $METERS --flip-bit $FLIP_EVERY --state "$EL_TMP/meters" | sed 's/^/  /'
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
say "The battery forgets everything and sends its day again:"
play --meters 1 --profile battery | sed 's/^/  /'
[ "${PIPESTATUS[0]}" = 0 ] || exit 1

show_day
show_market
show_invoice
show_ledger
say "Verified, from the rows up to the signature:"
el_progress "verifying ..."
verify_clean
tamper
if [ $KEEP = 1 ]; then
	leave_running
	exit 0
fi
el_bridge_stop || el_die "the bridge did not end well"
el_broker_stop
el_cluster_stop
say "Done in $SECONDS s; all that was started is stopped. make demo KEEP=1 leaves it running to look around."

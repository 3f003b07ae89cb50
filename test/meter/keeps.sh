#!/bin/bash
# keeps.sh: a meter lets a message go for a signed receipt and for nothing else.
#
# Real broker, bridge and ledger; what is taken away from the meter in turn is the
# bridge, the right key, its own process (kill -9) and the broker.  Each time the
# ledger must end with every message once, in one unbroken chain.

. "$(dirname "$0")/../lib.sh"

METER=$EL_ROOT/tools/energyledger-meter

# play NAME [ARG...]: meters of their own for each test, as the prefix is in the name.
play()
{
	local prefix=$1

	shift
	"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix "$prefix" --quiet "$@"
}

register()
{
	local prefix=$1

	shift
	"$METER" --register --prefix "$prefix" "$@" | el_psql > /dev/null
}

# Every meter's messages run from 1 to N without a gap, each naming the one before.
chain_of()
{
	el_psql -c "SELECT count(*), count(DISTINCT meter), bool_and(seq = n), bool_and(prev IS NOT DISTINCT FROM before)
		FROM (SELECT meter, seq, prev, row_number() OVER w AS n, lag(digest) OVER w AS before
			FROM energyledger.message WHERE meter LIKE '$1%'
			WINDOW w AS (PARTITION BY meter, epoch ORDER BY seq)) m"
}

# Another key under the site's name: NAME+HEX+BASE64 as signed-note writes it.
foreign_vkey()
{
	local name=${VKEY%%+*} hex key id

	hex=$("$METER" --register --meters 1 --seed foreign | sed -n "s/.*'\\\\x\\([0-9a-f]*\\)'.*/\\1/p")
	key=$(printf '\\x01'; sed 's/../\\x&/g' <<< "$hex")
	id=$({ printf '%s\n' "$name"; printf "$key"; } | sha256sum | cut -c1-8)
	printf '%s+%s+%s\n' "$name" "$id" "$(printf "$key" | base64 -w0)"
}

el_begin keeps
el_cluster keeps "fsync = off"
el_broker
el_psql -c "CREATE EXTENSION pg_energyledger"
VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")

# -- the same command line, the same bytes
"$METER" --write "$EL_TMP/a" --meters 7 --quiet
"$METER" --write "$EL_TMP/b" --meters 7 --quiet
"$METER" --write "$EL_TMP/c" --meters 7 --seed 2 --quiet
el_is "a day of seven meters is 672 messages" "$(wc -l < "$EL_TMP/a")" 672
el_ok "the same seed signs the same bytes" cmp -s "$EL_TMP/a" "$EL_TMP/b"
el_is "another seed signs others" "$(sort "$EL_TMP/a" "$EL_TMP/c" | uniq -d | wc -l)" 0

# -- no bridge: nothing is let go, and the state outlives the run
register away- --meters 3
play away- --meters 3 --timeout-s 1 --state "$EL_TMP/away" --dump "$EL_TMP/away.dump" 2> "$EL_TMP/away.err"
el_is "without a bridge the meter gives up with status 1" $? 1
el_ok "and says how much it keeps" grep -q '288 messages have no receipt' "$EL_TMP/away.err"
el_bridge_start
el_ok "started again it sends what it kept" play away- --meters 3 --state "$EL_TMP/away" --dump "$EL_TMP/away.dump" --timeout-s 60
el_is "each message is in the ledger once" "$(chain_of away-)" "288|3|t|t"
el_is "the second run signed nothing new" "$(wc -l < "$EL_TMP/away.dump")" 288

# -- a receipt that another key signed
register foreign- --meters 2
VKEY_OURS=$VKEY
VKEY=$(foreign_vkey)
play foreign- --meters 2 --timeout-s 2 --state "$EL_TMP/foreign" 2> "$EL_TMP/foreign.err"
el_is "receipts under another key let nothing go" $? 1
el_ok "the meter says that it does not believe them" grep -q 'receipts were not believed' "$EL_TMP/foreign.err"
VKEY=$VKEY_OURS
el_ok "under the site's key they count" play foreign- --meters 2 --state "$EL_TMP/foreign" --timeout-s 60

# -- kill -9 of the meter, in the middle of its day
register killed- --meters 4
# Not play: the process to kill must be the meter itself, no shell around it.
"$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --site-vkey "$VKEY" --prefix killed- --quiet \
	--meters 4 --rate 150 --state "$EL_TMP/killed" --timeout-s 60 &
killed=$!
sleep 1
kill -KILL $killed
wait $killed 2> /dev/null
el_is "the meter was killed in the middle" $? 137
el_ok "started again it goes on where it was" play killed- --meters 4 --state "$EL_TMP/killed" --timeout-s 60
el_is "one chain without a gap" "$(chain_of killed-)" "384|4|t|t"

# -- a counter forgotten altogether: the same bytes again are duplicates
el_ok "without its state it sends the day again and is receipted" play killed- --meters 4 --timeout-s 60
el_is "and the ledger has not grown" "$(chain_of killed-)" "384|4|t|t"
el_is "nothing so far was refused" "$(el_psql -c "SELECT count(*) FROM energyledger.quarantine")" 0

# -- a bit flipped on the way
register flipped- --meters 2
el_ok "damaged messages are sent again, whole" play flipped- --meters 2 --flip-bit 10 --resend-after-ms 300 --timeout-s 60
el_is "the day is complete" "$(chain_of flipped-)" "192|2|t|t"
el_is "what was damaged is in quarantine" \
	"$(el_psql -c "SELECT reason, count(*) FROM energyledger.quarantine WHERE meter LIKE 'flipped-%' GROUP BY reason")" "bad_signature|19"
register jws- --meters 1
el_ok "in JWS too" play jws- --meters 1 --format jws --flip-bit 10 --resend-after-ms 300 --timeout-s 60
el_is "with the same reason" \
	"$(el_psql -c "SELECT reason, count(*) FROM energyledger.quarantine WHERE meter LIKE 'jws-%' GROUP BY reason")" "bad_signature|9"

# -- what is said of certificates: after the readings, each line once, whether the file grows or not
lines=$EL_TMP/transfers
cat > "$lines" <<'END'
# meter, blank, body

owner-house-02 ["transfer",[["owner-solar-01","electricity",1,250]],"bert",null,null,null,null,null,null]
owner-house-01 ["cancel",[["owner-solar-01","electricity",251,300]],null,null,500000,"Bakery, Main St","label",1764590400000,1764594000000]
owner-house-02 ["reserve",[["owner-solar-01","electricity",301,301]],null,7,null,null,null,null,null]
END
# not_read NAME TEXT LINE: a file that cannot be played, and what is said of it
not_read()
{
	{ cat "$lines"; printf '%s\n' "$3"; } > "$EL_TMP/bad"
	"$METER" --write "$EL_TMP/none" --meters 2 --profile household --prefix owner- --transfers "$EL_TMP/bad" > /dev/null 2> "$EL_TMP/bad.err"
	el_is "a file with $1 is not played" "$?, $(cat "$EL_TMP/bad.err")" "1, energyledger-meter: \"$EL_TMP/bad\", line 6: $2"
}
not_read "another's line" 'this run does not play a meter "owner-house-03"' 'owner-house-03 ["accept",[],"anna",null,null,null,null,null,null]'
not_read "a refused body" 'the body would be refused: bad_body' 'owner-house-01 ["accept",[],null,null,null,null,null,null,null]'
not_read "half a body" 'the body would be refused: bad_json' 'owner-house-01 ["accept",[]'
not_read "a name alone" "not a meter's name, a blank and a body" 'owner-house-01'
"$METER" --write "$EL_TMP/none" --transfers "$EL_TMP/nowhere" > /dev/null 2>&1
el_is "nor one that is not there" $? 1
register owner- --meters 2 --profile household
owners()
{
	play owner- --meters 2 --profile household --interval-s 3600 --transfers "$lines" --timeout-s 60 "$@"
}
# How many readings a meter said, its first transfer's number, and what the transfers were: all are refused, there are no such certificates.
said_by_owners()
{
	el_psql -c "SELECT meter, count(*) FILTER (WHERE type = 'reading'), min(seq) FILTER (WHERE type = 'transfer'), string_agg(operation, ' ' ORDER BY seq)
		FROM energyledger.message m LEFT JOIN energyledger.certificate_refusal USING (meter, epoch, seq) WHERE meter LIKE 'owner-%' GROUP BY 1 ORDER BY 1"
}
el_ok "transfers are receipted, damaged ones also" owners --state "$EL_TMP/owners" --flip-bit 5 --resend-after-ms 300
el_is "each meter says its lines after its readings" "$(said_by_owners)" "owner-house-01|24|25|cancel
owner-house-02|24|25|transfer reserve"
printf '%s\n' 'owner-house-01 ["release",[["owner-solar-01","electricity",301,301]],null,null,null,null,null,null,null]' >> "$lines"
el_ok "a line that was added" owners --state "$EL_TMP/owners"
el_is "is all that the next run says" "$(said_by_owners)" "owner-house-01|24|25|cancel release
owner-house-02|24|25|transfer reserve"
el_ok "without its state it says the same again" owners
el_is "which is nothing new" "$(chain_of owner-)" "52|2|t|t"

# -- the broker killed under it
register broker- --meters 4
play broker- --meters 4 --rate 150 --timeout-s 60 &
playing=$!
sleep 1
el_broker_stop KILL
sleep 0.5
el_broker_start
wait $playing
el_is "a killed broker costs time only" $? 0
el_is "no message" "$(chain_of broker-)" "384|4|t|t"

# -- what the shapes promise
el_psql > /dev/null <<'SQL'
CREATE VIEW day AS SELECT meter, obis, extract(hour FROM from_at) AS hour, value * 10.0 ^ scale AS wh
	FROM energyledger.reading WHERE meter LIKE 'shape-%';
SQL
register shape-
el_ok "a neighbourhood's day" play shape- --readings-per-message 96 --timeout-s 60
el_is "households use 4 to 30 kWh" "$(el_psql -c "SELECT bool_and(kwh BETWEEN 4 AND 30), count(*) FROM
	(SELECT sum(wh) / 1000 AS kwh FROM day WHERE meter LIKE 'shape-house-%' GROUP BY meter) d")" "t|12"
el_is "roofs give by day and nothing by night" "$(el_psql -c "SELECT sum(wh) FILTER (WHERE hour < 3 OR hour > 21) = 0,
	min(wh) FILTER (WHERE hour = 12) > 0 FROM day WHERE meter LIKE 'shape-solar-%'")" "t|t"
el_is "the battery gives back nine tenths" "$(el_psql -c "SELECT sum(wh) FILTER (WHERE obis = '1-0:2.8.0') * 10 =
	sum(wh) FILTER (WHERE obis = '1-0:1.8.0') * 9 FROM day WHERE meter = 'shape-battery-01'")" t

el_ok "the bridge drains and exits 0" el_bridge_stop
el_done

#!/bin/bash
# batch.sh: batches of signed messages on one connection: larger than what is written at
# once, with a gap that stays open for long, and into tables that an operator has put
# something of his own on.

. "$(dirname "$0")/../lib.sh"

METERS=3
GAP_AT=401				# this message of the first meter comes last

# messages of the first meter from seq $1 to $2, and of the others beside them
bring()
{
	el_psql -c "SELECT verdict, count(*) FROM energyledger.ingest((SELECT array_agg(message ORDER BY ordinal)
		FROM signed WHERE seq BETWEEN $1 AND $2 AND NOT (meter = 0 AND seq = $GAP_AT))) GROUP BY 1 ORDER BY 1"
}

# the errors of a call of ingest() with the messages of seq $1
refused()
{
	el_psql -v ON_ERROR_STOP=0 -v VERBOSITY=verbose -c "SELECT count(*) FROM energyledger.ingest(ARRAY(SELECT message FROM signed WHERE seq = $1))" 2>&1 |
		grep -E '^(ERROR|DETAIL|HINT)' | sed 's/^ERROR: *//' | head -1
}

receipt_of()
{
	el_psql -c "SELECT epoch || ' ' || seq FROM energyledger.meter_receipts(ARRAY['$1'])"
}

stored()
{
	el_psql -c "SELECT count(*) FROM energyledger.message" -c "SELECT count(*) FROM energyledger.reading" | paste -sd' '
}

el_begin batch
el_stage
el_cluster batch "fsync = off"
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -I"$EL_ROOT/src" -o "$EL_TMP/sign" \
	"$EL_ROOT/bench/sign_messages.c" "$EL_ROOT/bench/signed_meter.c" "$EL_ROOT"/src/core/*.o -lsodium -lcrypto -lm || el_die "could not build sign_messages"
el_psql -c "CREATE EXTENSION pg_energyledger" \
	-c "CREATE UNLOGGED TABLE given (ordinal bigint, message bytea)" || el_die "could not set up"
"$EL_TMP/sign" keys 0 "$METERS" | el_psql -c "COPY energyledger.meter_key (meter, public_key, algorithm) FROM STDIN"
"$EL_TMP/sign" messages 0 "$METERS" $((METERS * 800)) 1 | el_psql -c "COPY given FROM STDIN"
el_psql -c "CREATE VIEW signed AS SELECT ordinal, message, ordinal % $METERS AS meter, ordinal / $METERS + 1 AS seq FROM given"
first=$(el_psql -c "SELECT energyledger.parse_message(message)->>'meter' FROM signed WHERE meter = 0 AND seq = 1")

el_is "twelve hundred messages in one call" "$(bring 1 400)" "accepted|1200"
el_is "each of them and its reading is stored" "$(stored)" "1200 1200"
el_is "the same again are duplicates" "$(bring 1 400)" "duplicate|1200"
el_is "and nothing more is stored" "$(stored)" "1200 1200"

for ((seq = 401; seq < 700; seq += 100)); do
	el_is "messages beyond a gap are accepted, from $seq" "$(bring $seq $((seq + 99)))" \
		"accepted|$((seq == GAP_AT ? 299 : 300))"
	el_is "the receipt stays at the gap" "$(receipt_of "$first")" "0 400"
done
el_is "the gap is known" "$(el_psql -c "SELECT meter, epoch, from_seq, to_seq FROM energyledger.meter_gap")" "$first|0|401|401"
el_is "what was missing comes" "$(el_psql -c "SELECT verdict FROM energyledger.ingest(ARRAY(SELECT message FROM signed WHERE meter = 0 AND seq = $GAP_AT))")" "accepted"
el_is "the receipt covers all that came meanwhile" "$(receipt_of "$first")" "0 700"
el_is "a message further on" "$(bring 701 701)" "accepted|3"
el_is "is in the unbroken sequence" "$(el_psql -c "SELECT bool_and(chained) FROM energyledger.message WHERE seq = 701")" "t"
el_is "and in the receipt" "$(receipt_of "$first")" "0 701"

# ---- a meter that has been counting for long when it comes to us ----

"$EL_TMP/sign" keys 10 1 > "$EL_TMP/old.key"
old=$(cut -f 1 "$EL_TMP/old.key")
el_psql -c "CREATE UNLOGGED TABLE old (ordinal bigint, message bytea)" -c "COPY old FROM STDIN" < <("$EL_TMP/sign" messages 10 1 500 1)
el_psql -c "CREATE TEMP TABLE k (meter text, public_key bytea, algorithm text)" -c "COPY k FROM STDIN" \
	-c "SELECT energyledger.add_meter_key(meter, public_key, algorithm, from_seq => 330) > 0 FROM k" < "$EL_TMP/old.key" > /dev/null

# messages of that meter from seq $1 to $2
bring_old()
{
	el_psql -c "SELECT verdict, reason, count(*) FROM energyledger.ingest((SELECT array_agg(message ORDER BY ordinal)
		FROM old WHERE ordinal + 1 BETWEEN $1 AND $2)) GROUP BY 1, 2 ORDER BY 1"
}

el_is "its first message with us" "$(bring_old 330 330)" "accepted||1"
el_is "begins its sequence" "$(receipt_of "$old")" "0 330"
el_is "and so do others go on from there" "$(bring_old 331 350)$(receipt_of "$old")" "accepted||200 350"
el_is "nothing is missing before it" "$(el_psql -c "SELECT count(*) FROM energyledger.meter_gap WHERE meter = '$old'")" "0"
el_is "what it said earlier is not ours to judge" "$(bring_old 329 329)" "quarantined|key_not_valid|1"
el_is "messages beyond a gap" "$(bring_old 352 384)" "accepted||33"
el_is "wait for it" "$(receipt_of "$old")" "0 350"
el_is "until it is closed" "$(bring_old 351 351)$(receipt_of "$old")" "accepted||10 384"
el_psql -c "DROP TABLE old"

with=pglz
el_psql -v ON_ERROR_STOP=1 -c "SET default_toast_compression = lz4" > /dev/null 2>&1 && with=lz4
el_is "long messages are compressed by the fastest method that the server has" "$(el_psql -c "SELECT DISTINCT
	CASE attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END FROM pg_attribute WHERE attname = 'raw'
	AND attrelid IN ('energyledger.message'::regclass, 'energyledger.quarantine'::regclass)")" "$with"

# ---- what an operator may have put there ----

el_psql <<-'SQL' || el_die "could not create triggers"
	CREATE TABLE seen (what text, n bigint);
	CREATE FUNCTION see_rows() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO public.seen VALUES ('row of ' || TG_TABLE_NAME, NEW.seq); RETURN NULL; END $$;
	CREATE FUNCTION see_statement() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO public.seen SELECT 'statement of ' || TG_TABLE_NAME, count(*) FROM arrived; RETURN NULL; END $$;
	CREATE TRIGGER see_rows AFTER INSERT ON energyledger.message FOR EACH ROW EXECUTE FUNCTION see_rows();
	CREATE TRIGGER see_statement AFTER INSERT ON energyledger.reading REFERENCING NEW TABLE AS arrived
		FOR EACH STATEMENT EXECUTE FUNCTION see_statement();
	ALTER TABLE energyledger.message ADD COLUMN remark text;
SQL
el_is "messages under triggers and with a column more" "$(bring 702 703)" "accepted|6"
el_is "AFTER triggers saw each row, and all rows of the statement" \
	"$(el_psql -c "SELECT what, count(*), max(n) FROM seen GROUP BY 1 ORDER BY 1" | paste -sd' ')" \
	"row of message|6|703 statement of reading|1|6"
el_is "the column added is NULL" \
	"$(el_psql -c "SELECT count(*) FROM energyledger.message WHERE seq > 701 AND remark IS NULL")" "6"

el_psql <<-'SQL' || el_die "could not create a trigger"
	CREATE FUNCTION object() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
	CREATE TRIGGER object AFTER INSERT ON energyledger.message FOR EACH ROW WHEN (NEW.seq = 704) EXECUTE FUNCTION object();
SQL
el_is "a trigger's error is the caller's" "$(refused 704)" "P0001: not today"
el_is "and a block that catches it goes on" "$(el_psql <<-'SQL' 2>&1
	BEGIN;
	INSERT INTO seen VALUES ('before', 1);
	DO $$
	BEGIN
		PERFORM energyledger.ingest(ARRAY(SELECT message FROM signed WHERE seq = 704));
	EXCEPTION WHEN raise_exception THEN
		INSERT INTO seen VALUES ('caught', 1);
	END $$;
	COMMIT;
	SELECT string_agg(what, ' ' ORDER BY what) FROM seen WHERE n = 1;
SQL
)" "before caught"
el_psql -c "DROP TRIGGER object ON energyledger.message" -c "DROP TRIGGER see_rows ON energyledger.message" -c "CREATE ROLE plain" \
	-c "GRANT USAGE ON SCHEMA energyledger, public TO plain" -c "GRANT SELECT ON signed TO plain" \
	-c "ALTER FUNCTION energyledger.ingest(bytea[], text[]) OWNER TO plain"
el_is "rights are those of the function's owner" "$(refused 704)" "42501: permission denied for table message"
el_psql -c "GRANT INSERT ON energyledger.message TO plain" -c "ALTER TABLE energyledger.message ENABLE ROW LEVEL SECURITY"
el_is "whose row-level security is not passed over" "$(refused 704)" \
	"0A000: cannot ingest into table \"message\" because of its row-level security"
el_psql -c "ALTER FUNCTION energyledger.ingest(bytea[], text[]) OWNER TO CURRENT_USER"
el_is "nothing of all that was stored" "$(stored)" "2164 2164"
el_is "the messages are accepted once nothing is in the way" "$(bring 704 800)" "accepted|291"
el_is "the ledger verifies" "$(el_psql -c "SELECT energyledger.seal() IS NOT NULL" -c "SELECT count(*) FROM energyledger.verify()" | paste -sd' ')" "t 0"
el_done

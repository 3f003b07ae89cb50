#!/bin/bash
# redaction.sh: what was redacted is gone from the files, and the ledger is whole.
#
# Values and salts are searched for, as bytes, in every file of the data directory
# but WAL: there before (or the search would prove nothing), gone after redact(),
# VACUUM and a checkpoint, in the table, its TOAST and its indexes, on a standby
# too.  Dump, COPY and logical decoding carry redactions and hashes along; a crash
# leaves a redaction done with its event, or not done at all.

. "$(dirname "$0")/../lib.sh"

el_begin redaction
el_cluster main "fsync = off" "autovacuum = off" "wal_level = logical" "max_wal_senders = 5" \
	"max_prepared_transactions = 5" "max_worker_processes = 20" "energyledger.seal_interval = 0"

findings()
{
	el_psql -d "${1:-postgres}" -c "SET client_min_messages = warning" -c "SELECT kind, relation, ledger_id FROM energyledger.verify() LIMIT 5"
}

intact()
{
	el_is "$1" "$(findings "${2:-postgres}")" ""
}

# in_files DIR HEX: how many files outside of WAL hold these bytes
in_files()
{
	LC_ALL=C grep -rlaP "$(sed 's/../\\x&/g' <<< "$2")" "$1/base" "$1/global" "$1/pg_tblspc" "$1/pg_logical" 2>/dev/null | wc -l
}

# grep looks within lines: the longest stretch without a newline
in_one_line()
{
	sed 's/../& /g; s/0a /\n/g' | awk '{ gsub(" ", ""); if (length > length(longest)) longest = $0 } END { print longest }'
}

hex()
{
	printf '%s' "$1" | od -An -tx1 | tr -d ' \n'
}

# close_session FD PID: end of a coprocess's input, which is the end of its psql
close_session()
{
	eval "exec $1>&-"
	wait "$2" 2>/dev/null
}

el_psql -o /dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE EXTENSION pageinspect;
CREATE TABLE person (n int PRIMARY KEY, name energyledger.redactable, long energyledger.redactable,
	huge energyledger.redactable, at timestamptz DEFAULT now()) USING ledger;
CREATE INDEX ON person (at);
-- rows that do not end where the next can begin
CREATE TABLE short (ledger_id bigint NOT NULL DEFAULT 0, n int, name energyledger.redactable) USING ledger;
INSERT INTO short (n, name) SELECT g, 'Max ' || repeat('x', g) FROM generate_series(1, 10) g;
BEGIN;
INSERT INTO short (n, name) SELECT g, 'rolled back ' || repeat('y', g % 23) FROM generate_series(1, 60) g;
ROLLBACK;
VACUUM short;
INSERT INTO short (n, name) SELECT g, 'Max ' || repeat('x', g) FROM generate_series(11, 30) g;
CREATE TABLE bill (person int REFERENCES person) USING ledger;
SELECT pg_create_logical_replication_slot('watch', 'test_decoding');
-- a name on the page; a long value that is not compressible, and so plain in TOAST; a compressed one
INSERT INTO person SELECT g, 'Name of somebody no ' || g || ' of town',
	'begin of ' || g || (SELECT string_agg(md5(g || ' ' || i), '') FROM generate_series(1, 300) i),
	CASE WHEN g % 10 = 0 THEN repeat('Erika again ', 100000) END FROM generate_series(1, 300) g;
INSERT INTO bill SELECT g FROM generate_series(1, 300) g;
SELECT energyledger.seal();
ANALYZE;
CHECKPOINT;
SQL

# What is looked for of a row: name, both ends of the long value, and the salts.
traces_of()
{
	hex "Name of somebody no $1 of town"
	echo
	hex "$(el_psql -c "SELECT md5('$1 17')")"
	echo
	hex "$(el_psql -c "SELECT md5('$1 299')")"
	echo
	el_psql -c "SELECT encode(energyledger.salt(name), 'hex') FROM person WHERE n = $1" | in_one_line
	el_psql -c "SELECT encode(energyledger.salt(long), 'hex') FROM person WHERE n = $1" | in_one_line
}

# rows at the beginning, the middle and the end of the table, and the last ones of pages,
# whose bytes nothing moves over when they go; row 42 is to stay
last_on_page()
{
	el_psql -c "SELECT max(n) FROM person WHERE (ctid::text::point)[0] = $1"
}
rows="1 $(last_on_page 1) 150 $(last_on_page 3) 300"
for n in $rows; do
	traces_of $n
done > "$EL_TMP/traces"
traces_of 42 > "$EL_TMP/traces.kept"

# found_in DIR FILE: how many of the traces are there
found_in()
{
	local trace count=0

	while read -r trace; do
		[ "$(in_files "$1" "$trace")" = 0 ] || count=$((count + 1))
	done < "$2"
	echo $count
}

el_is "25 traces of five people are in the files" "$(found_in "$EL_PGDATA" "$EL_TMP/traces")" 25
el_is "five of one who stays" "$(found_in "$EL_PGDATA" "$EL_TMP/traces.kept")" 5

# A standby that has all of it.
standby=$EL_TMP/pg-standby
main_host=$PGHOST main_port=$PGPORT main_data=$EL_PGDATA main_log=$EL_PGLOG
mkdir "$EL_RUN/standby" "$standby"
[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_RUN/standby" "$standby"
chmod 700 "$EL_RUN/standby" "$standby"
el_ok "pg_basebackup" el_as_server "$EL_BIN/pg_basebackup" -h "$main_host" -p "$main_port" -U postgres -D "$standby" -R -c fast
standby_port=$(el_free_port)
{
	echo "unix_socket_directories = '$EL_RUN/standby'"
	echo "port = $standby_port"
} >> "$standby/postgresql.conf"
EL_CLUSTERS+=("$standby")
EL_PGDATA=$standby EL_PGLOG=$EL_TMP/log/pg-standby
el_cluster_start
EL_PGDATA=$main_data EL_PGLOG=$main_log
on_standby()
{
	PGHOST=$EL_RUN/standby PGPORT=$standby_port el_psql "$@"
}

# ---- redact, and what is still there

before=$(el_psql -c "SELECT energyledger.checkpoint()")
commitments=$(el_psql -c "SELECT md5(string_agg(n || encode(energyledger.commitment(name), 'hex') || encode(energyledger.commitment(long), 'hex'), ',' ORDER BY n)) FROM person")
for n in $rows; do
	el_psql -o /dev/null -c "SELECT energyledger.redact('person', ledger_id, 'name', 'asked for'), energyledger.redact('person', ledger_id, 'long', 'asked for')
		FROM person WHERE n = $n"
done
# One is redacted, and taken back.
el_psql -o /dev/null -c "BEGIN" -c "SELECT energyledger.redact('person', ledger_id, 'name', 'a mistake') FROM person WHERE n = 42" -c "ROLLBACK"
el_psql -o /dev/null -c "SELECT energyledger.seal()" -c "CHECKPOINT"
el_is "ten values are redacted" "$(el_psql -c "SELECT count(*) FILTER (WHERE energyledger.is_redacted(name)), count(*) FILTER (WHERE energyledger.is_redacted(long)) FROM person")" "5|5"
el_is "their commitments are as they were" "$(el_psql -c "SELECT md5(string_agg(n || encode(energyledger.commitment(name), 'hex') || encode(energyledger.commitment(long), 'hex'), ',' ORDER BY n)) FROM person")" "$commitments"
intact "verify() finds nothing"
# (some have been overwritten by then: pages are pruned as they are written to)
el_ok "before VACUUM there are traces in the files" test "$(found_in "$EL_PGDATA" "$EL_TMP/traces")" -gt 0
el_ok "and redaction_pending() says so" test "$(el_psql -c "SELECT energyledger.redaction_pending('person')")" -gt 0

# Pruned by queries, and TOAST vacuumed by itself, as autovacuum does: the bytes stay in free space.
toast=$(el_psql -c "SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'person'::regclass")
el_psql -o /dev/null -c "SELECT count(*) FROM person" -c "VACUUM $toast" -c "CHECKPOINT"
el_ok "VACUUM of TOAST alone leaves traces" test "$(found_in "$EL_PGDATA" "$EL_TMP/traces")" -gt 0

# Some is also between rows: bytes that alignment left, under a row that was put where another had been.
unclean_gaps()
{
	el_psql -c "SELECT count(*) FROM generate_series(0, pg_relation_size('$1')::int / 8192 - 1) b, get_raw_page('$1', b) p,
		LATERAL (SELECT lp_off + lp_len AS from_byte, coalesce(lead(lp_off) OVER (ORDER BY lp_off), 8192) - lp_off - lp_len AS bytes
			FROM heap_page_items(p) WHERE lp_len > 0) gap
		WHERE substr(p, from_byte + 1, bytes) <> decode(repeat('00', bytes), 'hex')"
}
el_ok "so do new rows in the place of old ones" test "$(unclean_gaps short)" -gt 0
el_psql -c "VACUUM short"
el_is "and none after VACUUM" "$(unclean_gaps short)" 0

# A transaction that still sees the old versions keeps them from VACUUM; it says so.
coproc holder { "$EL_BIN/psql" -X -qAt 2>&1; }
echo "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bill;" >&"${holder[1]}"
read -r _ <&"${holder[0]}"
el_psql -o /dev/null -c "SELECT energyledger.redact('person', ledger_id, 'huge', 'asked for') FROM person WHERE n = 10" -c "VACUUM person"
el_ok "an old transaction keeps VACUUM from it, and redaction_pending() says so" \
	test "$(el_psql -c "SELECT energyledger.redaction_pending('person')")" -gt 0
close_session "${holder[1]}" "$holder_PID"

# ---- VACUUM

el_psql -o /dev/null -c "VACUUM person" -c "CHECKPOINT"
el_is "after VACUUM and a checkpoint no trace is in the files" "$(found_in "$EL_PGDATA" "$EL_TMP/traces")" 0
el_is "nor anything between rows" "$(unclean_gaps person)" 0
el_is "redaction_pending() is 0" "$(el_psql -c "SELECT energyledger.redaction_pending('person')")" 0
el_is "who stays is there" "$(found_in "$EL_PGDATA" "$EL_TMP/traces.kept")" 5
intact "verify() finds nothing"
el_is "values of others are whole" "$(el_psql -c "SELECT count(*) FILTER (WHERE name = 'Name of somebody no ' || n || ' of town'),
	count(*) FILTER (WHERE long = 'begin of ' || n || (SELECT string_agg(md5(n || ' ' || i), '') FROM generate_series(1, 300) i)),
	count(*) FILTER (WHERE huge = repeat('Erika again ', 100000)) FROM person")" "295|295|29"
el_is "indexes find every row" "$(el_psql -c "SET enable_seqscan = off" -c "SELECT count(*) FROM person WHERE n > 0 AND at > '2000-01-01'")" 300

lsn=$(el_psql -c "SELECT pg_current_wal_lsn()")
replayed()
{
	[ "$(on_standby -c "SELECT pg_last_wal_replay_lsn() >= '$lsn'")" = t ]
}
el_ok "the standby follows" el_wait 20 replayed
on_standby -c "CHECKPOINT"
el_is "no trace is in its files either" "$(found_in "$standby" "$EL_TMP/traces")" 0
el_is "it has nothing pending" "$(on_standby -c "SELECT energyledger.redaction_pending('person')")" 0
el_is "it verifies" "$(on_standby -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_ok "redact() says that it is a standby" grep -q 'cannot execute energyledger.redact() ' \
	<(on_standby -c "SELECT energyledger.redact('person', ledger_id, 'name', 'x') FROM person WHERE n = 2" 2>&1)
el_as_server "$EL_BIN/pg_ctl" -D "$standby" -m fast -w -s stop

# ---- logical decoding sees a new version of the row, without what was erased

el_psql -c "SELECT data FROM pg_logical_slot_get_changes('watch', NULL, NULL)" > "$EL_TMP/changes"
grep "table public.person: UPDATE" "$EL_TMP/changes" > "$EL_TMP/updates"
el_is "a redaction is decoded as an update of its row" "$(wc -l < "$EL_TMP/updates")" 11
el_is "with commitments in it" "$(grep -c "energyledger:redacted:" "$EL_TMP/updates")" 11
el_is "without the name" "$(grep "n\[integer\]:150 " "$EL_TMP/updates" | tail -1 | grep -c "Mustermann")" 0
el_is "and the event, with all that a copy needs" "$(grep -c "table energyledger.event: INSERT.*{relation,ledger_id,column,ordinal,reason}" "$EL_TMP/changes")" 11
el_psql -o /dev/null -c "SELECT pg_drop_replication_slot('watch')"

# ---- dump and restore

content="SELECT md5(string_agg(p::text, ',' ORDER BY n)) FROM person p"
el_ok "pg_dump" "$EL_BIN/pg_dump" -Fc -f "$EL_TMP/dump"
el_is "what was redacted is not in a dump made since" "$(LC_ALL=C grep -c "Name of somebody no 150 of town" <("$EL_BIN/pg_restore" -f - "$EL_TMP/dump"))" 0
for how in dump plain; do
	el_psql -c "CREATE DATABASE $how"
	if [ $how = dump ]; then
		el_ok "pg_restore" env PGOPTIONS='-c energyledger.restore_mode=on' "$EL_BIN/pg_restore" -d $how --exit-on-error "$EL_TMP/dump"
	else
		el_ok "plain dump as INSERTs, restored" bash -c "'$EL_BIN/pg_dump' --inserts | PGOPTIONS='-c energyledger.restore_mode=on' '$EL_BIN/psql' -X -q -v ON_ERROR_STOP=1 -d $how -o /dev/null"
	fi
	el_is "$how: the same values, salts and commitments" "$(el_psql -d $how -c "$content")" "$(el_psql -c "$content")"
	intact "$how: verify() finds nothing" $how
	el_psql -d $how -o /dev/null -c "SELECT energyledger.redact('person', ledger_id, 'name', 'in the copy') FROM person WHERE n = 3" -c "SELECT energyledger.seal()"
	el_ok "$how: what is redacted stays so" grep -q 'is redacted already' \
		<(el_psql -d $how -c "SELECT energyledger.redact('person', ledger_id, 'name', 'x') FROM person WHERE n = 1" 2>&1)
	intact "$how: verify() finds nothing after a redaction there" $how
done
# COPY, text and binary, into an ordinary table and back: the very same bytes.
el_psql -c "CREATE TABLE copied (n int, name energyledger.redactable, long energyledger.redactable)"
for format in text csv binary; do
	el_psql -c "COPY (SELECT n, name, long FROM person) TO STDOUT (FORMAT $format)" > "$EL_TMP/copied"
	el_psql -c "TRUNCATE copied" -c "\\copy copied FROM '$EL_TMP/copied' (FORMAT $format)"
	el_is "COPY, $format: the same values, salts and commitments" "$(el_psql -c "SELECT count(*) FROM person p JOIN copied c USING (n)
		WHERE energyledger.redactable_send(p.name) = energyledger.redactable_send(c.name) AND energyledger.redactable_send(p.long) = energyledger.redactable_send(c.long)")" 300
done

# ---- encrypted to a key: the copy has no key, and verifies

public="'$("$EL_BIN/energyledger-box" keygen "$EL_TMP/box.key")'"
el_is "energyledger-box keeps the secret to its owner" "$(stat -c %a "$EL_TMP/box.key")" 600
el_psql -o /dev/null -c "CREATE TABLE sealed (n int, customer bytea) USING ledger" \
	-c "INSERT INTO sealed SELECT g, energyledger.encrypt_to('Erika ' || g, $public) FROM generate_series(1, 600) g" -c "SELECT energyledger.seal()"
el_psql -c "CREATE DATABASE keyless"
el_ok "dump and restore without the key" bash -c "'$EL_BIN/pg_dump' -Fc -T copied | PGOPTIONS='-c energyledger.restore_mode=on' '$EL_BIN/pg_restore' -d keyless --exit-on-error"
intact "the copy without the key verifies" keyless
el_is "the plain text is nowhere in a dump" "$("$EL_BIN/pg_dump" -t sealed | grep -c Erika)" 0
el_is "who has the key reads the copy" "$(el_psql -d keyless -c "SELECT customer FROM sealed ORDER BY n" |
	"$EL_BIN/energyledger-box" open "$EL_TMP/box.key" | sed -n '1p;600p' | paste -sd, -)" "Erika 1,Erika 600"
"$EL_BIN/energyledger-box" keygen "$EL_TMP/other.key" > "$EL_TMP/other.pub"
el_is "another key opens nothing" "$(el_psql -d keyless -c "SELECT customer FROM sealed WHERE n <= 2 ORDER BY n" |
	"$EL_BIN/energyledger-box" open "$EL_TMP/other.key" 2>&1 | paste -sd, -)" \
	"energyledger-box: line 1 could not be opened,energyledger-box: line 2 could not be opened,,"
el_is "what a client sealed, the database stores" "$(echo "Erika at home" | "$EL_BIN/energyledger-box" seal "$("$EL_BIN/energyledger-box" public "$EL_TMP/box.key")" |
	el_psql -c "COPY sealed (customer) FROM STDIN (FORMAT csv)" -c "SELECT customer FROM sealed WHERE n IS NULL" | "$EL_BIN/energyledger-box" open "$EL_TMP/box.key")" "Erika at home"

# ---- crashes

el_psql -o /dev/null -c "SELECT energyledger.redact('person', ledger_id, 'name', 'committed') FROM person WHERE n = 60"
el_psql -o /dev/null -c "BEGIN" -c "SELECT energyledger.redact('person', ledger_id, 'name', 'prepared') FROM person WHERE n = 61" -c "PREPARE TRANSACTION 'p'"
coproc open { "$EL_BIN/psql" -X -qAt 2>&1; }
echo "BEGIN; SELECT energyledger.redact('person', ledger_id, 'name', 'not committed') > 0 FROM person WHERE n = 62;" >&"${open[1]}"
read -r _ <&"${open[0]}"
el_psql -o /dev/null -c "CHECKPOINT" -c "SELECT energyledger.redact('person', ledger_id, 'long', 'after the checkpoint') FROM person WHERE n = 60"
el_cluster_stop immediate
close_session "${open[1]}" "$open_PID"
el_cluster_start
state="SELECT string_agg(n || CASE WHEN energyledger.is_redacted(name) THEN ' redacted' ELSE ' there' END, ', ' ORDER BY n) FROM person WHERE n IN (60, 61, 62)"
el_is "after a crash: done, or not at all" "$(el_psql -c "$state")" "60 redacted, 61 there, 62 there"
intact "verify() finds nothing"
el_psql -c "COMMIT PREPARED 'p'"
el_is "a prepared redaction outlives it" "$(el_psql -c "$state")" "60 redacted, 61 redacted, 62 there"
el_is "each with its event" "$(el_psql -c "SELECT string_agg(field_values[5], ', ' ORDER BY event_id) FROM energyledger.event
	WHERE field_values[2] IN (SELECT ledger_id::text FROM person WHERE n IN (60, 61, 62))")" "committed, prepared, after the checkpoint"
el_ok "sealed" el_psql -o /dev/null -c "SELECT energyledger.seal()"
intact "verify() finds nothing"
el_is "the checkpoint from before is still the log's" "$(el_psql -c "SELECT count(*) FROM energyledger.block WHERE note = \$\$$before
\$\$")" 1
el_done

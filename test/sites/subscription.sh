#!/bin/bash
# subscription.sh: what logical replication may do to a ledger table: add rows that
# another site wrote, with the ids that they have there.
#
# A real subscription brings everything that a publisher can send.  UPDATE, DELETE and
# TRUNCATE reach the access method by ways of their own, past every statement; they,
# and rows in this site's own name, stop the apply worker with an error that says so,
# and the table is as it was.

. "$(dirname "$0")/../lib.sh"

el_begin subscription
el_cluster publisher "fsync = off" "wal_level = logical"
pub_host=$PGHOST pub_port=$PGPORT
el_cluster subscriber "fsync = off" "wal_level = logical" "wal_retrieve_retry_interval = 200ms" "max_worker_processes = 20"

on_publisher()
{
	PGHOST=$pub_host PGPORT=$pub_port el_psql "$@"
}

# ids of site 2: 2 << 45 | counter
on_publisher <<'SQL'
CREATE TABLE reading (a int PRIMARY KEY, v text, ledger_id bigint NOT NULL);
CREATE TABLE child (a int REFERENCES reading, ledger_id bigint NOT NULL);
CREATE SCHEMA energyledger;
CREATE TABLE energyledger.subtree (site_id smallint, level smallint, node_index bigint, hash bytea, PRIMARY KEY (site_id, level, node_index));
INSERT INTO reading SELECT g, 'row ' || g, (2::bigint << 45) + g FROM generate_series(1, 100) g;
CREATE PUBLICATION all_of_it FOR TABLE reading, child, energyledger.subtree;
SQL
el_psql -o /dev/null <<SQL
SET client_min_messages = warning;
CREATE EXTENSION pg_energyledger;
CREATE TABLE reading (a int PRIMARY KEY, v text) USING ledger;
CREATE TABLE child (a int REFERENCES reading) USING ledger;
INSERT INTO reading VALUES (-1, 'our own');
CREATE SUBSCRIPTION theirs CONNECTION 'host=$pub_host port=$pub_port dbname=postgres user=postgres' PUBLICATION all_of_it;
SQL

count()
{
	el_psql -c "SELECT count(*) FROM reading"
}

count_is()
{
	[ "$(count)" = "$1" ]
}

# All rows with their ids: unchanged is unchanged.
content()
{
	el_psql -c "SELECT md5(string_agg(r::text, '|' ORDER BY a)) FROM reading r"
}

log_since()
{
	tail -c "+$1" "$EL_PGLOG" | grep -q "$2"
}

# The transaction that stopped the worker is left out, so that the next can be tried.
# The server names the LSN at which it ends.
skip_it()
{
	local lsn

	lsn=$(tail -c "+$1" "$EL_PGLOG" | sed -n 's/.*finished at \([0-9A-F]*\/[0-9A-F]*\).*/\1/p' | tail -1)
	[ -n "$lsn" ] && el_psql -c "ALTER SUBSCRIPTION theirs SKIP (lsn = '$lsn')"
}

skipped()
{
	[ "$(el_psql -c "SELECT subskiplsn FROM pg_subscription")" = 0/0 ]
}

# stops NAME STATEMENT ERROR: the publisher's statement is not taken.
stops()
{
	local from before

	from=$(($(stat -c %s "$EL_PGLOG") + 1))
	before=$(content)
	on_publisher -c "$2"
	el_ok "$1: $3" el_wait 30 log_since "$from" "$3" || tail -c "+$from" "$EL_PGLOG" | sed 's/^/# /'
	el_is "$1: the table is as it was" "$(content)" "$before"
	el_ok "$1: left out" skip_it "$from"
	el_ok "$1: and replication goes on" el_wait 30 skipped
}

el_ok "the rows that were there are copied" el_wait 30 count_is 101
on_publisher -c "INSERT INTO reading SELECT g, 'row ' || g, (2::bigint << 45) + g FROM generate_series(101, 200) g"
el_ok "new rows follow" el_wait 30 count_is 201
el_is "with the ids of their site" "$(el_psql -c "SELECT count(*) FROM reading WHERE ledger_id >> 45 = 2")" 200
el_is "and no entries are made for them" "$(el_psql -c "SELECT sum(row_count) FROM energyledger.entry WHERE relation = 'public.reading'")" 1

stops "TRUNCATE" "TRUNCATE reading CASCADE" 'cannot truncate ledger table "'
on_publisher -c "INSERT INTO reading SELECT g, 'row ' || g, (2::bigint << 45) + g FROM generate_series(201, 210) g"
el_ok "rows written after it arrive" el_wait 30 count_is 211
stops "TRUNCATE alone" "TRUNCATE child RESTART IDENTITY" 'cannot truncate ledger table "child"'
stops "UPDATE" "UPDATE reading SET v = 'changed' WHERE a = 205" 'cannot update ledger table "reading"'
stops "DELETE" "DELETE FROM reading WHERE a = 205" 'cannot delete from ledger table "reading"'
stops "a row in our own name" "INSERT INTO reading VALUES (1000, 'forged', (1::bigint << 45) + 1000000)" \
	'cannot take replicated rows of site 1 into "reading"'
stops "a row without an id" "INSERT INTO reading VALUES (1001, 'nameless', 0)" 'row for ledger table "reading" brings no ledger_id'
on_publisher -c "INSERT INTO energyledger.subtree VALUES (2, 1, 0, '\x00')"
subtree_there()
{
	[ "$(el_psql -c "SELECT count(*) FROM energyledger.subtree WHERE site_id = 2")" = 1 ]
}
el_ok "rows of another site's log arrive" el_wait 30 subtree_there
stops "a row of our own log" "INSERT INTO energyledger.subtree VALUES (1, 1, 0, '\x00')" 'cannot take replicated rows of site 1 into "subtree"'

on_publisher -c "INSERT INTO reading VALUES (2000, 'the last', (2::bigint << 45) + 2000)"
el_ok "after all that the last row arrives" el_wait 30 count_is 212
el_psql -c "INSERT INTO reading VALUES (-2, 'our own again')"
el_is "our own rows are entries" "$(el_psql -c "SELECT sum(row_count) FROM energyledger.entry WHERE relation = 'public.reading'")" 2
el_psql -c "DROP SUBSCRIPTION theirs" > /dev/null 2>&1
el_done

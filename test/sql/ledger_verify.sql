/*
 * ledger_verify.sql: what energyledger.verify() may be asked: a table, a range of ids,
 * a site, a checkpoint to hold it to or to begin at, workers, indexes; how it says what
 * was covered; and what it refuses.
 */
SET client_min_messages = error;
DROP EXTENSION IF EXISTS amcheck;	-- which another test may have made
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA checked;
SET search_path = checked;

CREATE TABLE t (n int, note text) USING ledger;
CREATE TABLE u (n int) USING ledger;
CREATE TABLE old (n int, who energyledger.redactable) USING ledger;
INSERT INTO old VALUES (1, 'somebody');
INSERT INTO t SELECT g, 'note ' || g FROM generate_series(1, 1200) g;
SELECT energyledger.seal() IS NOT NULL AS sealed;
SELECT energyledger.checkpoint() AS first \gset
INSERT INTO t SELECT g, 'note ' || g FROM generate_series(1, 700) g;
INSERT INTO u SELECT generate_series(1, 7);
SELECT energyledger.seal() IS NOT NULL AS sealed;
SELECT energyledger.checkpoint() AS second \gset
INSERT INTO u VALUES (8);

-- How it is asked.
CREATE FUNCTION covered(arguments text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT concat_ws(''|'', kind, relation, ledger_id, expected, found) FROM energyledger.verify(%s)', arguments);
END $$;
SELECT * FROM covered('');
SELECT * FROM covered('''t''');
SELECT * FROM covered('only_relation => ''u'', workers => 2');
SELECT * FROM covered(format('since => %L', :'first'));
SELECT * FROM covered(format('since => %L, workers => 1', :'second'));
SELECT * FROM covered(format('against => %L', :'first'));
SELECT * FROM covered(format('against => %L, since => %L', :'first', :'second'));
SELECT * FROM covered(format('against => rtrim(%L, E''\n'')', :'second'));
SELECT min(ledger_id) AS low, max(ledger_id) AS high FROM t \gset
SELECT * FROM covered(format('ids => int8range(%s, %s)', :low + 600, :low + 601));
SELECT * FROM covered(format('ids => int8range(%s, NULL), since => %L', :high, :'first'));
SELECT * FROM covered(format('ids => int8range(%s, %s), since => %L', :low + 600, :low + 601, :'first'));
SELECT * FROM covered('ids => ''empty''');
SELECT * FROM covered('site => 1');
SELECT * FROM covered(format('NULL, NULL, NULL, NULL, NULL, NULL, NULL'));

\set VERBOSITY terse
\set SHOW_CONTEXT never

-- A checkpoint that another log signed, or that was changed.
SELECT kind, relation FROM energyledger.verify(against => replace(:'first', split_part(:'first', E'\n', 3), 'AAAA' || substr(split_part(:'first', E'\n', 3), 5))) ORDER BY 1;
SELECT kind, relation FROM energyledger.verify(since => replace(:'first', split_part(:'first', E'\n', 3), 'AAAA' || substr(split_part(:'first', E'\n', 3), 5))) ORDER BY 1;
SELECT kind, found ~ '^[0-9]+ leaves$' AS found FROM energyledger.verify(against => replace(:'second', E'\n' || split_part(:'second', E'\n', 2) || E'\n', E'\n999999999\n')) ORDER BY 1;

-- Refused.
\set VERBOSITY default
SELECT * FROM energyledger.verify('pg_class');
SELECT * FROM energyledger.verify(against => 'not a checkpoint');
SELECT * FROM energyledger.verify(since => E'one line\n\n');
SELECT * FROM energyledger.verify(site => 0);
SELECT * FROM energyledger.verify(site => 256);
SELECT * FROM energyledger.verify(site => 77);
SELECT * FROM energyledger.verify(workers => -1);
SELECT * FROM energyledger.verify(deep => true);
\set VERBOSITY terse

-- Rights: SELECT on the log and on the tables that are read.
CREATE ROLE checker;
GRANT USAGE ON SCHEMA checked TO checker;
SET ROLE checker;
SELECT * FROM energyledger.verify();
RESET ROLE;
GRANT SELECT ON energyledger.entry, energyledger.leaf_run, energyledger.table_schema, energyledger.event, energyledger.subtree TO checker;
SET ROLE checker;
SELECT * FROM energyledger.verify('checked.u');
RESET ROLE;
GRANT SELECT ON u TO checker;
SET ROLE checker;
SELECT * FROM energyledger.verify('checked.u');
SELECT * FROM energyledger.verify('checked.u', workers => 1);
RESET ROLE;

-- No worker to be had: it reads alone.
SET max_parallel_workers = 0;
SELECT * FROM energyledger.verify(workers => 2);
RESET max_parallel_workers;

-- A part of the ledger costs by what it is: a table with nothing new is not read, redactable or not.
BEGIN;
CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE schemaname = 'checked';
SELECT * FROM energyledger.verify(since => :'second', workers => 0);
SELECT relname FROM pg_stat_xact_user_tables a JOIN before b USING (relname) WHERE schemaname = 'checked' AND a.seq_scan > b.seq_scan ORDER BY 1;
SELECT * FROM energyledger.verify(workers => 0);
SELECT relname FROM pg_stat_xact_user_tables a JOIN before b USING (relname) WHERE schemaname = 'checked' AND a.seq_scan > b.seq_scan ORDER BY 1;
COMMIT;

-- Nothing of it stays.
SELECT count(*) FROM energyledger.stat_verify;
SET energyledger.verify_rate_limit = '1GB';
SHOW energyledger.verify_rate_limit;
SELECT * FROM energyledger.verify();
RESET energyledger.verify_rate_limit;

-- Inside of a transaction: its own rows are not covered, whatever it has rolled back.
BEGIN;
INSERT INTO t SELECT g, 'mine' FROM generate_series(1, 1100) g;
CREATE TABLE v (n int) USING ledger;
INSERT INTO v SELECT generate_series(1, 1100);
SELECT * FROM energyledger.verify();
SELECT * FROM energyledger.verify(workers => 1);
SAVEPOINT s;
INSERT INTO u SELECT generate_series(1, 1100);
ROLLBACK TO s;
SELECT * FROM energyledger.verify();
COMMIT;
SELECT * FROM energyledger.verify();

-- It can be called where an error is caught, and catches none that is not damage.
DO $$
BEGIN
    PERFORM * FROM energyledger.verify(site => 77);
EXCEPTION WHEN invalid_parameter_value THEN
    RAISE WARNING 'caught: %', SQLERRM;
    PERFORM * FROM energyledger.verify(workers => 1);
END $$;

/*
 * personal_redact.sql: redact(): what it leaves, who may, what it refuses, and what
 * verify() says of a value that was erased or put back without it.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
CREATE SCHEMA personal;
SET search_path = personal;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d{10,}', '<id>', 'g');
END $$;
-- what input makes of a text, as COPY and a dump hand it in; text itself is always a value
CREATE FUNCTION dumped(t text) RETURNS energyledger.redactable LANGUAGE sql IMMUTABLE AS $$ SELECT energyledger.redactable_in(textout(t)) $$;
-- what is stored, without salts
CREATE FUNCTION shown(r energyledger.redactable) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE WHEN energyledger.is_redacted(r) THEN '(redacted)' ELSE r::text END $$;

CREATE TABLE person (n int PRIMARY KEY, name energyledger.redactable, address energyledger.redactable,
                     long energyledger.redactable, amount bigint) USING ledger;
-- id(n): the ledger_id of row n
CREATE FUNCTION id(wanted int) RETURNS bigint LANGUAGE sql AS $$ SELECT ledger_id FROM personal.person WHERE n = wanted $$;
CREATE TABLE bill (person int REFERENCES person, amount bigint) USING ledger;
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired'; END $$;
CREATE TRIGGER fire AFTER UPDATE OR DELETE ON person FOR EACH ROW EXECUTE FUNCTION fire();
INSERT INTO person SELECT g, 'name ' || g, 'address ' || g, CASE WHEN g <= 3 THEN repeat('long ' || g, 20000) END, g FROM generate_series(1, 1000) g;
INSERT INTO person VALUES (1001, 'only one', NULL, (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 2000) g), 0);
INSERT INTO bill SELECT g, g FROM generate_series(1, 10) g;
SELECT energyledger.seal() > 0 AS sealed;
CREATE TABLE before AS SELECT n, energyledger.commitment(name) AS name, energyledger.commitment(long) AS long, energyledger.salt(name) AS salt,
    ledger_id, amount, name::text AS value FROM person;

-- One value: the rest of the row and its hash stay.
SELECT energyledger.redact('person', id(1), 'name', 'asked for by the person') AS event \gset
SELECT max(event_id) = :event AS event_id FROM energyledger.event;
SELECT n, shown(name), shown(address), left(shown(long), 6), amount, ledger_id = (SELECT ledger_id FROM before WHERE n = 1) AS same_id
  FROM person WHERE n IN (1, 2) ORDER BY n;
SELECT p.name::text IS NULL AS no_text, energyledger.salt(p.name) IS NULL AS no_salt, energyledger.commitment(p.name) = b.name AS same_commitment,
       textin(energyledger.redactable_out(p.name)) = 'energyledger:redacted:' || encode(b.name, 'hex') AS exact,
       energyledger.verify_commitment(energyledger.commitment(p.name), b.salt, b.value) AS holder_can_prove_it
  FROM person p JOIN before b USING (n) WHERE n = 1;
SELECT kind, field_names, array_replace(field_values, id(1)::text, '<id>') AS field_values, role = current_user AS role
  FROM energyledger.event WHERE event_id = (SELECT max(event_id) FROM energyledger.event);
SELECT * FROM energyledger.verify();
SELECT energyledger.seal() > 0 AS sealed;
SELECT kind FROM energyledger.leaf WHERE ref = (SELECT max(event_id) FROM energyledger.event);
SELECT * FROM energyledger.verify();
-- Several in one statement, out of line ones, and another column of a row that moved.
SELECT count(energyledger.redact('person', ledger_id, 'address', 'x')) FROM person WHERE n IN (1, 500, 512, 513, 1000);
SELECT energyledger.redact('person', id(2), 'long', 'x') > 0, energyledger.redact('person', id(2), 'name', 'x') > 0, energyledger.redact('person', id(1001), 'long', 'x') > 0;
SELECT n, shown(name), shown(address), left(shown(long), 10) FROM person WHERE n IN (1, 2, 500, 512, 513, 1000, 1001) ORDER BY n;
SELECT bool_and(energyledger.commitment(p.name) = b.name AND energyledger.commitment(p.long) IS NOT DISTINCT FROM b.long AND p.amount = b.amount AND p.ledger_id = b.ledger_id),
       count(*) FROM person p JOIN before b USING (n);
-- Indexes find what they found; foreign keys hold.
SET enable_seqscan = off;
SELECT n, shown(name) FROM person WHERE n IN (1, 2, 512) ORDER BY n;
RESET enable_seqscan;
INSERT INTO bill VALUES (1, 11);
SELECT refused('INSERT INTO bill VALUES (2000, 1)');
SELECT * FROM energyledger.verify('person');

-- A transaction that does not commit has done nothing.
BEGIN;
SELECT energyledger.redact('person', id(4), 'name', 'x') > 0;
SELECT shown(name) FROM person WHERE n = 4;
SELECT * FROM energyledger.verify();
SAVEPOINT s;
SELECT energyledger.redact('person', id(4), 'address', 'x') > 0;
ROLLBACK TO s;
SELECT shown(name), shown(address) FROM person WHERE n = 4;
ROLLBACK;
SELECT shown(name), shown(address) FROM person WHERE n = 4;
SELECT count(*) FROM energyledger.event WHERE kind = 8 AND field_values[2] = id(4)::text;
BEGIN;
SELECT energyledger.redact('person', id(5), 'name', 'x') > 0;
SAVEPOINT s;
SELECT energyledger.redact('person', id(5), 'address', 'x') > 0;
RELEASE s;
COMMIT;
SELECT shown(name), shown(address) FROM person WHERE n = 5;

-- Refused.
SELECT refused('SELECT energyledger.redact(''person'', id(1), ''name'', ''x'')') AS again,
       refused('SELECT energyledger.redact(''person'', id(1001), ''address'', ''x'')') AS of_null,
       refused('SELECT energyledger.redact(''person'', id(6), ''n'', ''x'')') AS another_type,
       refused('SELECT energyledger.redact(''person'', id(6), ''ledger_id'', ''x'')') AS id_column,
       refused('SELECT energyledger.redact(''person'', id(6), ''Name'', ''x'')') AS no_column;
SELECT refused('SELECT energyledger.redact(''person'', 7, ''name'', ''x'')') AS no_row,
       refused('SELECT energyledger.redact(''person'', (SELECT max(ledger_id) FROM bill), ''name'', ''x'')') AS of_another_table,
       refused('SELECT energyledger.redact(''before'', id(6), ''name'', ''x'')') AS no_ledger_table,
       refused('SELECT energyledger.redact(''pg_class'', 1, ''relname'', ''x'')') AS catalog,
       refused('SELECT energyledger.redact(''energyledger.leaf'', 1, ''kind'', ''x'')') AS view,
       refused('SELECT energyledger.redact(''energyledger.entry'', id(6), ''role'', ''x'')') AS log,
       refused('SELECT energyledger.redact(1::regclass, id(6), ''role'', ''x'')') AS nothing;
SELECT refused('SELECT energyledger.redact(''person'', id(6), ''name'', '''')') AS no_reason,
       refused('SELECT energyledger.redact(''person'', id(6), ''name'', repeat(''x'', 1001))') AS long_reason,
       refused('SELECT energyledger.redact(NULL, id(6), ''name'', ''x'')') AS r, refused('SELECT energyledger.redact(''person'', NULL, ''name'', ''x'')') AS l,
       refused('SELECT energyledger.redact(''person'', id(6), NULL, ''x'')') AS c, refused('SELECT energyledger.redact(''person'', id(6), ''name'', NULL)') AS re;
BEGIN READ ONLY;
SELECT energyledger.redact('person', id(6), 'name', 'x');
ROLLBACK;
-- a row of this transaction, alone and where its entry is full and written already
BEGIN;
INSERT INTO person (n, name) VALUES (2001, 'mine');
SELECT refused('SELECT energyledger.redact(''person'', id(2001), ''name'', ''x'')');
INSERT INTO person (n, name) SELECT g, 'mine' FROM generate_series(3001, 3600) g;
SELECT refused('SELECT energyledger.redact(''person'', id(2001), ''name'', ''x'')'), refused('SELECT energyledger.redact(''person'', id(3600), ''name'', ''x'')');
ROLLBACK;
SET energyledger.restore_mode = on;
SELECT refused('SELECT energyledger.redact(''person'', id(6), ''name'', ''x'')');
RESET energyledger.restore_mode;
-- The redacted row would not pass the table's constraints, and so could not be restored.
ALTER TABLE person ADD CONSTRAINT named CHECK (n <> 6 OR name::text IS NOT NULL);
SELECT refused('SELECT energyledger.redact(''person'', id(6), ''name'', ''x'')');
ALTER TABLE person DROP CONSTRAINT named;
-- Everybody else is still refused to update.
SELECT refused('UPDATE person SET name = NULL WHERE n = 6');
SELECT count(*) FROM person WHERE energyledger.is_redacted(name) OR energyledger.is_redacted(address);

-- Who: the owner, a member of energyledger_operator, nobody else.
DO $$ BEGIN
    IF to_regrole('energyledger_operator') IS NULL THEN CREATE ROLE energyledger_operator; END IF;
END $$;
CREATE ROLE personal_owner; CREATE ROLE personal_reader; CREATE ROLE personal_operator IN ROLE energyledger_operator;
GRANT USAGE ON SCHEMA personal TO personal_owner, personal_reader, personal_operator;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA personal TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON person TO personal_reader;
SELECT id(8) AS eighth, id(9) AS ninth, id(10) AS tenth \gset
SET ROLE personal_reader;
SELECT energyledger.redact('personal.person', :eighth, 'name', 'x');
SELECT energyledger.redaction_pending('personal.person');
SET ROLE personal_operator;
SELECT energyledger.redact('personal.person', :eighth, 'name', 'x') > 0 AS operator;
RESET ROLE;
ALTER TABLE person OWNER TO personal_owner;
SET ROLE personal_owner;
SELECT energyledger.redact('personal.person', :ninth, 'name', 'x') > 0 AS owner;
RESET ROLE;
SELECT role FROM energyledger.event WHERE kind = 8 ORDER BY event_id DESC LIMIT 2;
-- The owner's code does not get the operator's rights.
CREATE FUNCTION whoami() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'as %', current_user; RETURN true; END $$;
ALTER TABLE person ADD CONSTRAINT owners_code CHECK (n <> 10 OR whoami()) NOT VALID;
SET ROLE personal_operator;
SELECT energyledger.redact('personal.person', :tenth, 'name', 'x') > 0 AS operator;
RESET ROLE;
ALTER TABLE person DROP CONSTRAINT owners_code;

-- Partitions: by the parent's name or the leaf's.
CREATE TABLE part (k int, name energyledger.redactable, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1) USING ledger;
CREATE TABLE part_2 (name energyledger.redactable, ledger_id bigint NOT NULL DEFAULT 0, k int) USING ledger;
ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES IN (2);
CREATE TABLE empty_part (k int, name energyledger.redactable, ledger_id bigint NOT NULL DEFAULT 0) PARTITION BY LIST (k);
INSERT INTO part VALUES (1, 'one'), (2, 'two'), (2, 'zwei');
SELECT energyledger.redact('part', ledger_id, 'name', 'x') > 0 FROM part WHERE name = 'two';
SELECT energyledger.redact('part_1', ledger_id, 'name', 'x') > 0 FROM part WHERE name = 'one';
SELECT refused('SELECT energyledger.redact(''part_1'', (SELECT ledger_id FROM part WHERE name = ''zwei''), ''name'', ''x'')'),
       refused('SELECT energyledger.redact(''empty_part'', 1, ''name'', ''x'')');
SELECT tableoid::regclass, k, shown(name) FROM part ORDER BY ledger_id;
SELECT field_values[1] FROM energyledger.event WHERE kind = 8 ORDER BY event_id DESC LIMIT 2;

-- Where rows no longer lie where they were written; with a btree on ledger_id.
VACUUM FULL person;
SELECT energyledger.redact('person', id(700), 'name', 'x') > 0;
CREATE UNIQUE INDEX ON person (ledger_id);
SELECT energyledger.redact('person', id(700), 'address', 'x') > 0, energyledger.redact('person', id(20), 'address', 'x') > 0;
SELECT n, shown(name), shown(address) FROM person WHERE n IN (20, 700) ORDER BY n;
-- Other indexes have the new version where it is on another page; columns added later are kept.
ALTER TABLE person ADD COLUMN late text;
INSERT INTO person (n, name, late) SELECT g, repeat('n', 300), 'late ' || g FROM generate_series(5001, 5100) g;
CREATE INDEX ON person (late);
SELECT count(energyledger.redact('person', ledger_id, 'name', 'x')) FROM person WHERE n BETWEEN 5001 AND 5100;
SET enable_seqscan = off;
SELECT count(*), min(shown(name)), max(shown(name)) FROM person WHERE late LIKE 'late%' AND late >= 'late' AND n > 0;
SELECT shown(name), n FROM person WHERE late = 'late 5050';
RESET enable_seqscan;
SELECT energyledger.seal() > 0 AS sealed;
SELECT * FROM energyledger.verify();
VACUUM person;
SELECT * FROM energyledger.verify();

-- Erased or put back behind the ledger's back (by a superuser who edits the catalog).
CREATE PROCEDURE edit(statement text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'personal.person'::regclass;
    EXECUTE statement;
    UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'personal.person'::regclass;
END $$;
CREATE TABLE kept AS SELECT n, name, address FROM person WHERE n IN (20, 30, 31);
CALL edit('UPDATE personal.person SET name = personal.dumped(''energyledger:redacted:'' || encode(energyledger.commitment(name), ''hex'')) WHERE n = 30');
SELECT n, shown(name) FROM person WHERE n = 30;
SELECT relation, ledger_id = id(30) AS row_30, kind, expected, found FROM energyledger.verify();
SELECT kind FROM energyledger.verify('person');
SELECT kind FROM energyledger.verify('bill');
CALL edit('UPDATE personal.person p SET name = k.name FROM personal.kept k WHERE p.n = 30 AND k.n = 30');
SELECT * FROM energyledger.verify();
SELECT energyledger.redact('person', id(31), 'name', 'x') > 0;
SELECT * FROM energyledger.verify();
CALL edit('UPDATE personal.person p SET name = k.name FROM personal.kept k WHERE p.n = 31 AND k.n = 31');
SELECT relation, ledger_id = id(31) AS row_31, kind, regexp_replace(expected, '\d{10,}', '<id>') AS expected, found FROM energyledger.verify();
SELECT refused('SELECT energyledger.redact(''person'', id(31), ''name'', ''once more'')');
SELECT * FROM energyledger.verify();
-- Another value, another salt, no salt at all, another commitment: the row has changed.
CALL edit('UPDATE personal.person SET address = ''Berlin'' WHERE n = 30');
SELECT ledger_id = id(30) AS row_30, kind FROM energyledger.verify();
CALL edit('UPDATE personal.person SET address = personal.dumped(''energyledger:salted:'' || repeat(''00'', 32) || '':address 30'') WHERE n = 30');
SELECT ledger_id = id(30) AS row_30, kind FROM energyledger.verify();
CALL edit('UPDATE personal.person SET address = personal.dumped(''energyledger:redacted:'' || repeat(''00'', 32)) WHERE n = 30');
SELECT ledger_id = id(30) AS row_30, kind FROM energyledger.verify() ORDER BY kind;
SELECT refused('SELECT energyledger.redact(''person'', id(30), ''address'', ''x'')');
CALL edit('UPDATE personal.person p SET address = k.address FROM personal.kept k WHERE p.n = 30 AND k.n = 30');
SELECT * FROM energyledger.verify();

-- An index that came by behind the ledger's back stops writing to the table.
CALL edit('CREATE INDEX behind ON personal.person ((name::text))');
SELECT refused('INSERT INTO person (n, name) VALUES (9001, ''x'')');
CALL edit('DROP INDEX personal.behind');
CALL edit('CREATE STATISTICS personal.behind ON (name::text) FROM personal.person');
SELECT refused('INSERT INTO person (n, name) VALUES (9001, ''x'')');
DROP STATISTICS behind;
INSERT INTO person (n, name) VALUES (9001, 'x');

-- Nothing is left to erase once VACUUM has been through (searched for in test/crash/redaction.sh).
SELECT energyledger.redact('person', id(40), 'name', 'x') > 0;
SELECT energyledger.redaction_pending('person') > 0 AS pending;
SELECT refused('SELECT energyledger.redaction_pending(''before'')');
ALTER TABLE person OWNER TO CURRENT_USER;
DROP OWNED BY personal_owner, personal_reader, personal_operator;
DROP ROLE personal_owner, personal_reader, personal_operator;

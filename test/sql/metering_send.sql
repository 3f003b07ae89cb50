/*
 * metering_send.sql: commands to meters: their text, numbers, signatures and times; what is to
 * be published and when again; what meters answer; requests to send again.
 *
 * The answers are really signed, by an Ed25519 key made from a seed that only tests use
 * (SHA-256 of 'a key that only tests are using: obeys'); the commands that they name have
 * ids of their own, so they are written as send_command() would have written them.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '(null)'

CREATE TEMP TABLE fixture (name text, raw bytea);
CREATE TEMP TABLE key (name text, public_key bytea);
INSERT INTO key VALUES ('obeys', '\x776f648c1e3457d2f9a0c13035625a0360c6fe3b83db7c576cfc2d7b1f9404bb');
INSERT INTO fixture VALUES
('done', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6MSwicHJldiI6IiIsInQiOjE3NTEzMjg5MDEwMDAsInRzIjoiUyIsImJvZHkiOlsiMTExMTExMTEtMTExMS00MTExLTgxMTEtMTExMTExMTExMTExIiwxLCJkb25lIiwiIiwxNzUxMzI4OTAwMDAwXX0.HycbimqJdJuIhpEspSYki-gEiA5kt6WM0KuosOtZn5_27cgxFNUbOyk1MuWrLVIxdJJEf9DZ0U63CQyyrJqEBw'::bytea),
('done_again', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6MiwicHJldiI6IkJDZ2hYUTZuU3BTUVlveEtPRVZnX3BkbS1ySllOSlJXQ2U5TlpaLXBINVEiLCJ0IjoxNzUxMzI4OTAyMDAwLCJ0cyI6IlMiLCJib2R5IjpbIjExMTExMTExLTExMTEtNDExMS04MTExLTExMTExMTExMTExMSIsMSwiZG9uZSIsInNhaWQgdHdpY2UiLDE3NTEzMjg5MDAwMDFdfQ.8eyqIcQSPScGy_WbJy0qI11Yoo49SIGGDFLhx5RCG3ivjV9ZuIrq0WauxNkffrXRmPamzU-90ux9TTZyIjrODA'::bytea),
('contradicts', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6MywicHJldiI6IlNhU1lBa2FMWl9GeVZqWUEtbWNHbVFpWmk5R0FBbXEtSl8yY0dNOElIMzQiLCJ0IjoxNzUxMzI4OTAzMDAwLCJ0cyI6IlMiLCJib2R5IjpbIjExMTExMTExLTExMTEtNDExMS04MTExLTExMTExMTExMTExMSIsMSwiZmFpbGVkIiwidGhlIHN3aXRjaCBpcyBzdHVjayIsMTc1MTMyODkwMDAwMl19.WWrb72JEigKwCrWlvSqA36UpIOaCZBnxX4iFLhXu2b_6J8yjuU6CfkNE8GjNxThl1eWD7es6FUhvg42YlQNDAQ'::bytea),
('unknown', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6NCwicHJldiI6IjFZYV9DV2ZYREVsczZOOUpWekxraTAtZklRbGxkd3VpMnJoUDJEcElSTTQiLCJ0IjoxNzUxMzI4OTA0MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjg4ODg4ODg4LTg4ODgtNDg4OC04ODg4LTg4ODg4ODg4ODg4OCIsMSwiZG9uZSIsIiIsMTc1MTMyODkwMDAwM119.FRhlt4xRC9TGo1sVsWLFWEpcdyPlHEM0WpC49-EetY8hef4g1F5hnMisNjppR3yY5rKrmgx4thyHBYER2OvWAA'::bytea),
('counter_9', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6NSwicHJldiI6ImNYcm9pWFBDMkZiVHBFRlBTcDlNRnNxR1VsV1NRZnE5Xy1BWW5leWhFZ2MiLCJ0IjoxNzUxMzI4OTA1MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjIyMjIyMjIyLTIyMjItNDIyMi04MjIyLTIyMjIyMjIyMjIyMiIsOSwiZG9uZSIsIiIsMTc1MTMyODkwMDAwNF19.pLwURPO81G-70XFOk2iA1NM7FKmyYHAAUNRrhX7-l93I5bnBi0_YI1-VSR6f2i7WQ824Px46sVq876sIbnwmBw'::bytea),
('of_another', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6NiwicHJldiI6InFHZm16dFdWTzNoNkRyemlsZUVYOThWbVZGUHkxZS1GMjJpRVNWTzN3VFEiLCJ0IjoxNzUxMzI4OTA2MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjk5OTk5OTk5LTk5OTktNDk5OS04OTk5LTk5OTk5OTk5OTk5OSIsMSwiZG9uZSIsIiIsMTc1MTMyODkwMDAwNV19.ESF_4ow0QjwVf-ib1PfL6UAsKfX9RsNHaSXOLRY56ygJjTmA9gwoEY0MoshUUydgReGgxKOMRXUbtgJ-bHJICw'::bytea),
('scheduled', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6NywicHJldiI6ImROZk1jbFhzYVI0Xy0wWTRDbGtXMUEyY0Y1enFQd3U1TC1HcWNjaTNPUGMiLCJ0IjoxNzUxMzI4OTA3MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjIyMjIyMjIyLTIyMjItNDIyMi04MjIyLTIyMjIyMjIyMjIyMiIsMiwic2NoZWR1bGVkIiwiIiwxNzUxMzI4OTAwMDA2XX0.42ae0dHji5W8EHVI9PlC2pISRTZgVv9mc8FjbZGoj7N-bykqK-xQ7egDqS8wiPEN_5XAb4gVdV8EAYxxx639BA'::bytea),
('carried_out', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6OCwicHJldiI6IlVhWkU4TldacWlaMTdYdFNLblkwRVdtTV9yWkgxVkplRWloQU9NWGhMUE0iLCJ0IjoxNzUxMzI4OTA4MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjIyMjIyMjIyLTIyMjItNDIyMi04MjIyLTIyMjIyMjIyMjIyMiIsMiwiZG9uZSIsIiIsMTc1MTMyODkwMDAwN119.eZCGajharbgfIU4hnEwJyHgRATVs9Yf75JWUDMwYcJbD7RnWDH9hS-Q-6rvLuQa_03bTwYAgvJbxPaEM1azkAA'::bytea),
('unsupported', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6OSwicHJldiI6Ikt1N3ZXalp4Y3ZDWFVIZXk4U19SQndRTVZtT0pmbFlEN1U0X0FpMzJ0b28iLCJ0IjoxNzUxMzI4OTA5MDAwLCJ0cyI6IlMiLCJib2R5IjpbIjMzMzMzMzMzLTMzMzMtNDMzMy04MzMzLTMzMzMzMzMzMzMzMyIsMywidW5zdXBwb3J0ZWQiLCJubyByZWxheSA5IiwxNzUxMzI4OTAwMDA4XX0.siQU3O5-l3zJvIT1xCl-IwXZ4Iywk8boMJwv50bT-dT_ZIf1A_1WinYuIsIkOlWBcOR9J_bBPeFnv4lgh8KEAQ'::bytea),
('late', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjEsInNlcSI6MTAsInByZXYiOiJ0SFZaR2VIdFBzUlFvRDNCMlk2c2lSTkI1and3YVNhbVBGcTZKN1dKbFhBIiwidCI6MTc1MTMyODkxMDAwMCwidHMiOiJTIiwiYm9keSI6WyI0NDQ0NDQ0NC00NDQ0LTQ0NDQtODQ0NC00NDQ0NDQ0NDQ0NDQiLDQsImV4cGlyZWQiLCIiLDE3NTEzMjg5MDAwMDldfQ.-3mNkwFtGaSuoeSqRDb2aalAPUzn0n9h4OW72OXXXimyaH0A-Gxn9ZhkUl5-nQyPgxDIIHGouJbXiidNNHaHDA'::bytea),
('after_gap', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6b2JleXMiLCJlcG9jaCI6MSwic2VxIjoxMiwicHJldiI6InV4dTNkQ251ME84cXpGNEdSbGtYVHJwZVJjM2pveE9VNWo0cTh5LU02SVkiLCJ0IjoxNzUxMzI4OTEyMDAwLCJ0cyI6IlMiLCJib2R5Ijp7ImtpbmQiOiJ4In19.CxRSgKfRMvLnqw5EAcBjQk0j3sCQLqSIONLbXq9otODdxSJ7k7TP6FBfrwyoTsoRV-XhEpP2TbBtZPQ0oJ7bAQ'::bytea),
('after_gap_2', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6b2JleXMiLCJlcG9jaCI6MSwic2VxIjoxNCwicHJldiI6InZ0dng5SFpSQWRVS1dCZ0RUY1VyRVdXTzZuSUxudDRSUHh1ZWVNeUVtUU0iLCJ0IjoxNzUxMzI4OTE0MDAwLCJ0cyI6IlMiLCJib2R5Ijp7ImtpbmQiOiJ4In19.xwf5xqRbZGTJVLI1KRlAhn5ikyyVehdDE8ndqdDO9AeqTrTdEZrc_-q28_8fBH9KvayT-0jX8Adp297ZfgvKBQ'::bytea),
('four_items', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiYWNrIiwibWV0ZXIiOiJ0ZXN0Om9iZXlzIiwiZXBvY2giOjIsInNlcSI6MSwicHJldiI6IiIsInQiOjE3NTEzMjg5MDEwMDAsInRzIjoiUyIsImJvZHkiOlsiMTExMTExMTEtMTExMS00MTExLTgxMTEtMTExMTExMTExMTExIiwxLCJkb25lIiwiIl19.ierTW3ZrXCzuNmvaVClZR6VL3b9kozi_epQyRrlsAPvPAJjjxh8rW0FPb5ecNTnNhyIprUG8aeLVbC7D4QbCCg'::bytea),
('not_sent', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6b2JleXMiLCJlcG9jaCI6MSwic2VxIjoxMSwicHJldiI6ImlCVTNxNW51Mk1zWkFIeFEwQ1dNQVZVcTBhQV9Oc1BHSVFuOUdMUGJvUTAiLCJ0IjoxNzUxMzI4OTExMDAwLCJ0cyI6IlMiLCJib2R5Ijp7ImtpbmQiOiJ4In19.XfPn2K4KyokKAe--pczbde1G9dhA9fB5sI8kthqQ0-vTiTsZfgbrPFFsS9wA90RIrR02lZxp0Ydt7AJI5RyNAg'::bytea);

-- ---- the one text of a command

SELECT energyledger.command_text(c) FROM (VALUES
    ('{"relay": 1, "type": "relay", "on": false}'::jsonb),
    ('{"type": "limit", "power_w": 3000, "direction": "import", "duration_s": 3600}'),
    ('{"type": "limit", "power_w": 0, "direction": "export", "until": 1751328000000}'),
    ('{"type": "limit_end", "direction": "import"}'),
    ('{"type": "credit", "total_wh": 500000, "cutoff": true}'),
    ('{"type": "credit_end"}'),
    ('{"type": "text", "text": "no \"supply\" \\ on Sunday, é"}'),
    ('{"type": "cancel", "id": "11111111-1111-4111-8111-111111111111"}')) v(c);
SELECT energyledger.command_text(NULL);
\set ON_ERROR_STOP 0
SELECT energyledger.command_text('{"type": "explode"}');
SELECT energyledger.command_text('{"type": "relay", "relay": 1}');
SELECT energyledger.command_text('{"type": "relay", "relay": 17, "on": true}');
SELECT energyledger.command_text('{"type": "relay", "relay": 1.0, "on": true}');
SELECT energyledger.command_text('{"type": "relay", "relay": 1, "on": true, "power_w": 1}');
SELECT energyledger.command_text('{"type": "limit", "direction": "import", "power_w": 1, "duration_s": 1, "until": 1751328000000}');
SELECT energyledger.command_text('{"type": "text", "text": ""}');
SELECT energyledger.command_text('[]');

-- ---- before there is a key, and a meter

SELECT energyledger.operator_vkey();
SELECT energyledger.send_command('test:live', '{"type": "credit_end"}');
SELECT energyledger.register_meter('test:live', shard => '7') > 0 AS registered;
SELECT regexp_replace(energyledger.site_vkey(), '\+.*', '') AS origin \gset
CREATE FUNCTION pg_temp.trial(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(': ', SQLSTATE, regexp_replace(SQLERRM, 'energyledger/[0-9a-f/-]+', 'ORIGIN'), nullif(hint, ''));
END $$;
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "credit_end"}') $$);

SELECT energyledger.rotate_operator_key() AS first_key \gset
SELECT :'first_key' = energyledger.operator_vkey() AS said, starts_with(:'first_key', :'origin' || '/operator+') AS named;
SELECT key_number, previous_signs_until FROM energyledger.operator_key;

-- ---- sending

SELECT energyledger.send_command('test:live', '{"type": "relay", "relay": 1, "on": false}', reason => 'unpaid') AS one \gset
SELECT energyledger.send_command('test:live', '{"type": "limit", "direction": "import", "power_w": 3000}',
    clock_timestamp() + interval '1 hour', clock_timestamp() + interval '2 hours') AS two \gset
-- what is rolled back takes no number
BEGIN;
SELECT energyledger.send_command('test:live', '{"type": "credit_end"}') AS undone \gset
ROLLBACK;
SELECT energyledger.send_command('test:live', '{"type": "text", "text": "hello"}') AS three \gset
SELECT counter, thing, type, command, expires_at - not_before AS lasts, key_number, reason, role = session_user AS mine
  FROM energyledger.command WHERE meter = 'test:live' ORDER BY counter;
SELECT n, CASE n WHEN 2 THEN line = :'origin' WHEN 4 THEN line = :'one' WHEN 6 THEN abs(line::bigint - extract(epoch FROM clock_timestamp()) * 1000) < 60000
           WHEN 7 THEN abs(line::bigint - extract(epoch FROM clock_timestamp()) * 1000 - 86400000) < 60000 END AS fits,
       CASE WHEN n IN (1, 3, 5, 8, 9) THEN line END AS line
  FROM energyledger.command c, regexp_split_to_table(c.note, '\n') WITH ORDINALITY l(line, n)
 WHERE c.id = :'one' AND n < 10 ORDER BY n;
SELECT energyledger.verify_note(note, :'first_key') AS by_operator, energyledger.verify_note(note, energyledger.site_vkey()) AS by_site
  FROM energyledger.command WHERE id = :'one';

SELECT energyledger.send_command(NULL, '{"type": "credit_end"}');
SELECT energyledger.send_command('test:live', NULL);
SELECT energyledger.send_command('test:nobody', '{"type": "credit_end"}');
SELECT energyledger.send_command('test:live', '{"type": "cancel", "id": "11111111-1111-4111-8111-111111111111"}');
SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', reason => '');
SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', 'infinity');
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', now(), now()) $$);
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', now() - interval '2 days') $$);
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', now() + interval '367 days') $$);
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "credit_end"}', NULL, now() + interval '400 days') $$);
SELECT pg_temp.trial($$ SELECT energyledger.send_command('test:live', '{"type": "limit", "direction": "import", "power_w": 1, "until": 1751328000000}') $$);
SELECT pg_temp.trial($$ SELECT energyledger.rotate_operator_key('367 days') $$);

-- ---- what is to be published

BEGIN;
CREATE TEMP TABLE written (a int);
SELECT energyledger.meter_commands();
ROLLBACK;
SELECT shard, counter, id = ANY (ARRAY[:'one', :'two', :'three']::uuid[]) AS sent, note LIKE 'energyledger/command/v1%' AS note
  FROM energyledger.meter_commands(ARRAY['test:live', 'test:nobody']) WHERE meter = 'test:live';
SELECT count(*) FROM energyledger.meter_commands(ARRAY['test:nobody']);
SELECT count(*) FROM energyledger.meter_commands() WHERE meter = 'test:live';
-- of some shards; and what comes after a name
SELECT count(*) FROM energyledger.meter_commands(shards => ARRAY['6', '7']) WHERE meter = 'test:live';
SELECT count(*) FROM energyledger.meter_commands(shards => ARRAY['6']);
SELECT count(*), count(id) FROM energyledger.meter_commands(after => 'test:liv') WHERE meter = 'test:live';
SELECT count(*), count(id) FROM energyledger.meter_commands(after => 'test:live') WHERE meter = 'test:live';
SELECT count(*) FROM energyledger.meter_commands(after => 'zzz');
SELECT energyledger.meter_commands(shards => ARRAY[NULL]);
SELECT energyledger.commands_published(ARRAY[:'one', :'two', :'three', '88888888-8888-4888-8888-888888888888']::uuid[]);
SELECT count(*) FROM energyledger.meter_commands(ARRAY['test:live']);
SELECT pg_sleep(1.1);
SELECT counter FROM energyledger.meter_commands(ARRAY['test:live'], '1 second');
-- after a second publication: as soon to those who were heard from, later to others
SELECT energyledger.commands_published(ARRAY[:'one', :'two', :'three']::uuid[]);
SELECT pg_sleep(1.1);
SELECT counter FROM energyledger.meter_commands(ARRAY['test:live'], '1 second');
SELECT count(*) FROM energyledger.meter_commands(NULL, '1 second') WHERE meter = 'test:live';
SELECT count(*) FROM energyledger.meter_commands(NULL, '1 second', after => '') WHERE meter = 'test:live';
-- what is new goes out at once, and with it, before it, what is not answered
SELECT energyledger.send_command('test:live', '{"type": "relay", "relay": 1, "on": true}') AS four \gset
SELECT counter FROM energyledger.meter_commands(ARRAY['test:live']);
SELECT counter, state, attempts FROM energyledger.command_state WHERE meter = 'test:live' ORDER BY counter;
SELECT energyledger.meter_commands(ARRAY[NULL]);
SELECT energyledger.meter_commands(NULL, '0 seconds');
SELECT energyledger.commands_published(NULL);

-- a plan for later is superseded by what begins before it, not by what begins after
SELECT energyledger.send_command('test:live', '{"type": "limit", "direction": "import", "power_w": 9000}', clock_timestamp() + interval '3 hours') AS five \gset
SELECT counter, state FROM energyledger.command_state WHERE id IN (:'two', :'five') ORDER BY counter;
SELECT energyledger.send_command('test:live', '{"type": "limit_end", "direction": "import"}') AS six \gset
SELECT counter, state FROM energyledger.command_state WHERE id IN (:'two', :'five', :'six') ORDER BY counter;

-- ---- cancelling

SELECT energyledger.cancel_command(:'four', 'paid after all') AS seven \gset
SELECT counter, state FROM energyledger.command_state WHERE id IN (:'four', :'seven') ORDER BY counter;
SELECT command ->> 'id' = :'four' AS names_it FROM energyledger.command_state WHERE id = :'seven';
SELECT cancelled_by = :'seven' AS by, reason FROM energyledger.command_cancellation WHERE command_id = :'four';
SELECT counter FROM energyledger.meter_commands(ARRAY['test:live']);
SELECT energyledger.cancel_command('88888888-8888-4888-8888-888888888888', 'x');
SELECT energyledger.cancel_command(:'three', '');
SELECT pg_temp.trial(format($$ SELECT energyledger.cancel_command(%L, 'x') $$, :'four'));
SELECT pg_temp.trial(format($$ SELECT energyledger.cancel_command(%L, 'x') $$, :'seven'));

-- ---- another key: the old one signs beside it as long as it is told to

SELECT energyledger.rotate_operator_key('1 hour') AS second_key \gset
SELECT energyledger.send_command('test:live', '{"type": "text", "text": "both"}') AS both \gset
SELECT energyledger.rotate_operator_key() AS third_key \gset
SELECT energyledger.send_command('test:live', '{"type": "text", "text": "one"}') AS alone \gset
SELECT c.command, energyledger.verify_note(note, :'first_key') AS first, energyledger.verify_note(note, :'second_key') AS second,
       energyledger.verify_note(note, :'third_key') AS third
  FROM energyledger.command c WHERE id IN (:'both', :'alone') ORDER BY counter;
SELECT key_number, vkey = ANY (ARRAY[:'first_key', :'second_key', :'third_key']) AS known, signs_until > since AS ended FROM energyledger.operator_vkeys();

-- ---- what meters answer

SELECT energyledger.register_meter('test:disobeys') > 0 AS registered;
SELECT energyledger.register_meter('test:obeys', public_key, shard => '7') > 0 AS registered FROM key WHERE name = 'obeys';
INSERT INTO energyledger.command (id, meter, counter, thing, type, command, not_before, expires_at, note, key_number, role, sent_at)
SELECT id::uuid, meter, counter, thing, split_part(thing, ':', 1), command, clock_timestamp() - interval '1 hour',
       clock_timestamp() + interval '1 hour', '-', 1, 'nobody', clock_timestamp()
  FROM (VALUES ('11111111-1111-4111-8111-111111111111', 'test:obeys', 1, 'relay:2', '{"type":"relay","relay":2,"on":true}'),
               ('22222222-2222-4222-8222-222222222222', 'test:obeys', 2, 'limit:export', '{"type":"limit","direction":"export","power_w":70}'),
               ('33333333-3333-4333-8333-333333333333', 'test:obeys', 3, 'relay:9', '{"type":"relay","relay":9,"on":true}'),
               ('44444444-4444-4444-8444-444444444444', 'test:obeys', 4, 'relay:3', '{"type":"relay","relay":3,"on":true}'),
               ('99999999-9999-4999-8999-999999999999', 'test:disobeys', 1, 'relay:1', '{"type":"relay","relay":1,"on":true}')) v(id, meter, counter, thing, command);
CREATE FUNCTION pg_temp.bring(VARIADIC names text[]) RETURNS TABLE (verdict text, epoch bigint, seq bigint, reason text) LANGUAGE sql AS $$
    SELECT i.verdict, i.epoch, i.seq, i.reason
      FROM energyledger.ingest((SELECT array_agg(f.raw ORDER BY n.ord) FROM unnest(names) WITH ORDINALITY n(name, ord) JOIN fixture f USING (name))) i
     ORDER BY i.ordinal $$;
CREATE VIEW pg_temp.things AS
    SELECT coalesce(d.thing, a.thing) AS thing, d.command AS desired, d.state, a.command AS actual
      FROM energyledger.meter_desired d FULL JOIN energyledger.meter_actual a USING (meter, thing) WHERE meter = 'test:obeys' ORDER BY 1;
SELECT * FROM pg_temp.things;
SELECT thing, desired, actual, state FROM energyledger.meter_difference WHERE meter = 'test:obeys' ORDER BY 1;
SELECT energyledger.parse_message(raw) -> 'body' AS body FROM fixture WHERE name = 'contradicts';

SELECT * FROM pg_temp.bring('done');
-- of two in a batch the second is the repetition; one that comes again is a duplicate
SELECT * FROM pg_temp.bring('contradicts', 'done_again', 'done');
SELECT * FROM pg_temp.bring('unknown', 'counter_9', 'of_another', 'scheduled');
SELECT counter, thing, state, result, detail FROM energyledger.command_state WHERE meter IN ('test:obeys', 'test:disobeys') ORDER BY meter, counter;
SELECT * FROM pg_temp.bring('carried_out', 'unsupported', 'late', 'four_items');
SELECT seq, left(command_id::text, 4) AS command, counter, result, detail, at, final, verdict FROM energyledger.command_ack WHERE meter = 'test:obeys' ORDER BY epoch, seq;
SELECT counter, thing, state, result, detail, at, ack_seq FROM energyledger.command_state WHERE meter IN ('test:obeys', 'test:disobeys') ORDER BY meter, counter;
SELECT * FROM pg_temp.things;
SELECT thing, desired, actual, state FROM energyledger.meter_difference WHERE meter = 'test:obeys' ORDER BY 1;
SELECT count(*) FROM energyledger.meter_commands(ARRAY['test:obeys']);
-- a limit that has ended is none any more
INSERT INTO energyledger.command (id, meter, counter, thing, type, command, not_before, expires_at, note, key_number, role, sent_at)
VALUES ('55555555-5555-4555-8555-555555555555', 'test:obeys', 5, 'limit:import', 'limit', '{"type":"limit","direction":"import","power_w":1,"until":1751328000000}',
        clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour', '-', 1, 'nobody', clock_timestamp());
SELECT count(*) FROM energyledger.meter_desired WHERE meter = 'test:obeys' AND thing = 'limit:import';

-- ---- asking again

SELECT count(*) FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds');
SELECT * FROM pg_temp.bring('after_gap', 'after_gap_2');
SELECT from_seq, to_seq FROM energyledger.meter_gap WHERE meter = 'test:obeys' ORDER BY 1;
-- not at once: what is missing may just be late
SELECT count(*) FROM energyledger.meter_resends(ARRAY['test:obeys']);
-- nor where it is not asked for: it may be another bridge's
SELECT count(*) FROM energyledger.meter_resends(NULL, '0 seconds', shards => ARRAY['nowhere']);
SELECT meter, shard, request AS note FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds') \gset
SELECT :'meter' AS meter, :'shard' AS shard, energyledger.verify_note(:'note', energyledger.site_vkey()) AS by_site;
SELECT n, CASE n WHEN 2 THEN line = :'origin' WHEN 4 THEN abs(line::bigint - extract(epoch FROM clock_timestamp()) * 1000) < 60000 END AS fits,
       CASE WHEN n NOT IN (2, 4) THEN line END AS line
  FROM regexp_split_to_table(:'note', '\n') WITH ORDINALITY l(line, n) WHERE n < 8 ORDER BY n;
SELECT ranges, attempts FROM energyledger.resend_request WHERE meter = 'test:obeys';
-- at most once in a time, and for the same again after twice that
SELECT count(*) FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds');
SELECT count(*) FROM energyledger.meter_resends(NULL, '0 seconds') WHERE meter = 'test:obeys';
SELECT pg_sleep(1.1);
SELECT count(*) FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds', '1 second');
SELECT pg_sleep(1.1);
SELECT count(*) FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds', '1 second');
-- for something else, after once that
SELECT * FROM pg_temp.bring('not_sent');
SELECT request AS note FROM energyledger.meter_resends(ARRAY['test:obeys'], '0 seconds', '1 second') \gset
SELECT split_part(:'note', E'\n', 5) AS range, attempts FROM energyledger.resend_request WHERE meter = 'test:obeys';
SELECT energyledger.meter_resends(NULL, '0 seconds', '0 seconds');
SELECT energyledger.meter_resends(NULL, NULL);

-- ---- of many commands that are over, none is looked at to find those that are open

INSERT INTO energyledger.command (id, meter, counter, thing, type, command, not_before, expires_at, note, key_number, role, sent_at)
SELECT gen_random_uuid(), 'test:many', n, 'relay:1', 'relay', '{"type":"relay","relay":1,"on":true}', clock_timestamp() - interval '3 days',
       clock_timestamp() - interval '2 days', repeat('x', 400), 1, 'nobody', clock_timestamp() - interval '3 days' FROM generate_series(1, 5000) n;
VACUUM ANALYZE energyledger.command;
BEGIN;
SELECT count(*) FROM energyledger.meter_commands() WHERE meter = 'test:many';
SELECT count(*) FROM energyledger.meter_commands(ARRAY['test:many']);
SELECT seq_tup_read + idx_tup_fetch < 100 AS few_were_read FROM pg_stat_xact_user_tables WHERE relid = 'energyledger.command'::regclass;
COMMIT;

-- a page of 2000 meters, also where nothing of theirs is due, and where to go on
BEGIN;
INSERT INTO energyledger.command (id, meter, counter, thing, type, command, not_before, expires_at, note, key_number, role, sent_at)
SELECT gen_random_uuid(), 'page:' || to_char(i, 'FM0000'), 1, 'credit', 'credit_end', '{"type":"credit_end"}', now(), now() + interval '1 hour', '-', 1, 'nobody', now()
  FROM generate_series(1, 2001) i;
COMMIT;
SELECT count(*), count(id), max(meter) FILTER (WHERE id IS NULL) AS go_on FROM energyledger.meter_commands(after => 'page:');
SELECT energyledger.commands_published(array_agg(id)) FROM energyledger.command WHERE meter LIKE 'page:%';
SELECT meter, shard, id, counter, expires_at, note FROM energyledger.meter_commands(after => 'page:');
SELECT count(*) FROM energyledger.meter_commands(after => 'page:2000') WHERE meter LIKE 'page:%';

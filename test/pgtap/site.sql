-- site.sql: the functions of the log's names and keys, by themselves: arguments,
-- results, errors.  What rotations and reopenings do is tried in test/crash/identity.sh.

\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

BEGIN;
SELECT plan(24);

-- vkey(): name, id and key, as signed-note has them.
SELECT is(energyledger.vkey('site.example/1', decode(repeat('07', 32), 'hex')),
    'site.example/1+' || encode(substr(sha256(convert_to('site.example/1' || E'\n', 'UTF8') || '\x01' || decode(repeat('07', 32), 'hex')), 1, 4), 'hex')
    || '+' || encode('\x01' || decode(repeat('07', 32), 'hex'), 'base64'), 'vkey: name, first bytes of a hash, type and key');
SELECT is(energyledger.vkey(s.origin, s.public_key), energyledger.site_vkey(), 'of the site''s newest row it is site_vkey()')
  FROM energyledger.site s ORDER BY incarnation DESC, key_number DESC LIMIT 1;
SELECT is(energyledger.vkey(repeat('n', 255), sha256('')) LIKE 'nnn%', true, 'a name of 255 bytes');
SELECT is(energyledger.vkey(NULL, sha256('')), NULL, 'no name');
SELECT is(energyledger.vkey('n', NULL), NULL, 'no key');
SELECT throws_ok(format('SELECT energyledger.vkey(%L, sha256(%L))', name, ''), '22023', NULL, 'not a name: ' || left(name, 10))
  FROM unnest(ARRAY['', 'a b', 'a+b', E'a\tb', E'a\u2003b', repeat('n', 256)]) name;
SELECT throws_ok(format('SELECT energyledger.vkey(%L, %L::bytea)', 'n', key), '22023', 'public_key must have 32 bytes', 'not a key: ' || length(key) || ' bytes')
  FROM unnest(ARRAY['\x'::bytea, '\x01', sha256('') || '\x00', substr(sha256(''), 2)]) key;

SELECT is((SELECT vkey FROM energyledger.site_vkeys() ORDER BY incarnation DESC, key_number DESC LIMIT 1), energyledger.site_vkey(),
    'the last of site_vkeys() is site_vkey()');
SELECT results_eq('SELECT count(*) FROM energyledger.site_vkeys()', 'SELECT count(*) FROM energyledger.site', 'a row for each key');
SELECT is_empty('SELECT vkey FROM energyledger.site_vkeys() GROUP BY vkey HAVING count(*) > 1', 'each vkey once');

SELECT is(energyledger.rotate_key(NULL), NULL, 'rotate_key(NULL) does nothing');
SELECT is(energyledger.reopen(NULL), NULL, 'nor reopen(NULL)');
SELECT results_eq('SELECT count(*) FROM energyledger.event WHERE kind IN (6, 7)', 'SELECT count(*) FROM energyledger.site', 'an event for each row');
SELECT throws_ok($$ SELECT energyledger.reopen('') $$, '22023', 'the reason must have 1 to 1000 bytes', 'a reason is wanted');
SELECT throws_ok($$ SELECT energyledger.reopen(repeat('é', 501)) $$, '22023', 'the reason must have 1 to 1000 bytes', 'of at most 1000 bytes');
SELECT isnt(energyledger.reopen(repeat('é', 500)), NULL, 'which are 500 letters of two');

SELECT * FROM finish();
ROLLBACK;

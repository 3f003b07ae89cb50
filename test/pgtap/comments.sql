-- comments.sql: every object of the extension says what it is: tables, columns,
-- views, indexes, functions, access methods, sequences.

\set QUIET 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

BEGIN;
SELECT plan(4);

SELECT is_empty($$
	SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
	  FROM pg_depend d
	  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	 WHERE e.extname = 'pg_energyledger' AND d.deptype = 'e' AND d.classid <> 'pg_type'::regclass
	   AND obj_description(d.objid, d.classid::regclass::name) IS NULL
$$, 'every object has a comment');

SELECT is_empty($$
	SELECT c.relname, a.attname
	  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	 WHERE c.relnamespace = 'energyledger'::regnamespace AND c.relkind IN ('r', 'v', 'c')
	   AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
$$, 'every column has a comment');

SELECT is_empty($$
	SELECT c.relname FROM pg_class c
	 WHERE c.relnamespace = 'energyledger'::regnamespace AND c.relkind = 'i'
	   AND obj_description(c.oid, 'pg_class') IS NULL
$$, 'every index has a comment');

SELECT is_empty($$
	SELECT p.oid::regprocedure FROM pg_proc p
	 WHERE p.pronamespace = 'energyledger'::regnamespace AND p.prosecdef
	   AND NOT coalesce(p.proconfig::text, '') LIKE '%search_path%'
$$, 'what runs with its owner''s rights sets its search_path');

SELECT * FROM finish();
ROLLBACK;

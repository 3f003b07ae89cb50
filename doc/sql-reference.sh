#!/bin/bash
# sql-reference.sh: writes doc/sql-reference.md from the comments in the extension,
# so that what is printed and what \df+ says are the same words.
#
# Prints to standard output.  Uses the psql and the database of the environment,
# where the extension must be installed:
#   doc/sql-reference.sh > doc/sql-reference.md

set -eu

query()
{
	psql -X -v ON_ERROR_STOP=1 -qAt -c "$1"
}

cat <<'TEXT'
# SQL reference

Made from the comments of the extension's objects by `doc/sql-reference.sh`; in psql, `\df+ energyledger.*` and
`\d+ energyledger.*` show the same. Everything is in the schema `energyledger`.

## Functions
TEXT
query "
	SELECT format(E'\n### %s\n\n    %s(%s)\n    returns %s\n\n%s%s', p.proname, p.proname,
		pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'),
		CASE WHEN NOT has_function_privilege('public', p.oid, 'EXECUTE')
			THEN E'\n\nEXECUTE is not granted to PUBLIC.' ELSE '' END)
	  FROM pg_proc p
	 WHERE p.pronamespace = 'energyledger'::regnamespace AND p.prorettype <> 'table_am_handler'::regtype
	   AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))
	 ORDER BY p.proname, p.oid"

relations()
{
	query "
		SELECT format(E'\n### %s\n\n%s\n\n| column | type | |\n|---|---|---|\n%s', c.relname,
			coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')),
			(SELECT string_agg(format('| %s | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
					replace(col_description(c.oid, a.attnum), '|', '\|')), E'\n' ORDER BY a.attnum)
			   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
		  FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam
		 WHERE c.relnamespace = 'energyledger'::regnamespace AND $1
		 ORDER BY c.relname"
}

printf '\n## Types\n'
query "
	SELECT format(E'\n### %s\n\n%s\n\n%s\n\n%s', t.typname, obj_description(t.oid, 'pg_type'),
		obj_description(t.typinput, 'pg_proc'), obj_description(t.typoutput, 'pg_proc'))
	  FROM pg_type t
	 WHERE t.typnamespace = 'energyledger'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
	 ORDER BY t.typname"

relations "c.relkind = 'c'"

printf '\n## Ledger tables\n'
relations "c.relkind = 'r' AND m.amname = 'ledger'"
printf '\n## Views\n'
relations "c.relkind = 'v'"
printf '\n## Other tables\n\nOrdinary tables, no part of the ledger.\n'
relations "c.relkind = 'r' AND m.amname = 'heap'"
printf '\n## Tables of the log\n\nWritten by the extension alone.\n'
relations "c.relkind = 'r' AND m.amname = 'ledger_log'"
printf '\n## Other tables\n\nOrdinary tables, for what need not be proved.\n'
relations "c.relkind = 'r' AND m.amname = 'heap'"

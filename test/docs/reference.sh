#!/bin/bash
# reference.sh: doc/sql-reference.md says what the extension says.

cd "$(dirname "$0")/../.." || exit 1
. test/lib.sh
el_begin docs
el_stage
el_cluster docs "fsync = off"
el_psql -c "CREATE EXTENSION pg_energyledger"
PATH=$EL_BIN:$PATH doc/sql-reference.sh > "$EL_TMP/sql-reference.md"
el_ok "doc/sql-reference.md is what doc/sql-reference.sh makes" diff -u doc/sql-reference.md "$EL_TMP/sql-reference.md"
el_done

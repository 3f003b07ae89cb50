#!/bin/bash
# go.sh: checkpoints, proofs, receipts and tiles, checked by golang.org/x/mod/sumdb.
#
# What accepts them here was written by others for another log: if our reading of the
# specifications were wrong, our own verifier would share the mistake, and this one not.
# Without network: Debian's golang-golang-x-mod-dev is the library.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/verifier_lib.sh"

GOCODE=/usr/share/gocode
if ! command -v go > /dev/null || [ ! -d $GOCODE/src/golang.org/x/mod/sumdb/tlog ]; then
	echo "1..0 # SKIP golang-go and golang-golang-x-mod-dev are not installed"
	exit 0
fi

el_begin go
el_site go
grow 300
grow 260

GO111MODULE=off GOPATH=$GOCODE GOFLAGS= GOCACHE=$EL_TMP/gocache GOTOOLCHAIN=local \
	go build -o "$EL_TMP/sumdb" "$EL_ROOT/test/verifier/sumdb.go" || el_die "go build failed"

stream 0 | verify export "$EL_TMP/folder" > /dev/null || el_die "the export failed"
el_psql > "$EL_TMP/proofs" <<'SQL'
CREATE FUNCTION b(hash bytea) RETURNS text LANGUAGE sql AS $$ SELECT encode(hash, 'base64') $$;
CREATE FUNCTION path(hashes bytea[]) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(string_agg(b(h), ',' ORDER BY n), '-') FROM unnest(hashes) WITH ORDINALITY u(h, n) $$;
CREATE TABLE size AS SELECT s FROM generate_series(1, 560, 13) s UNION SELECT max(first_index + leaf_count) + 1 FROM energyledger.block;
SELECT format('record %s %s %s %s %s', s, b(energyledger.root(s)), i, b(l.hash), path(energyledger.inclusion_proof(i, s)))
  FROM size, generate_series(0, s - 1, greatest(1, s / 7)) i, energyledger.leaf l WHERE l.leaf_index = i;
SELECT format('tree %s %s %s %s %s', s, b(energyledger.root(s)), o, b(energyledger.root(o)), path(energyledger.consistency_proof(o, s)))
  FROM size, generate_series(1, s, greatest(1, s / 7)) o;
SQL
el_psql -c "SELECT energyledger.receipt(ledger_id) FROM (SELECT *, row_number() OVER () AS n FROM payment) p WHERE n % 40 = 0" \
	-c "SELECT energyledger.receipt(ledger_id) FROM meter_reading WHERE wh IN (1, 511, 512, 513, 1024, 1025, 1100)" > "$EL_TMP/receipts"

"$EL_TMP/sumdb" "$VKEY" "$EL_TMP/folder" "$EL_TMP/proofs" "$EL_TMP/receipts"
status=$?

# -- a log of three levels of tiles
made_stream 70000 > "$EL_TMP/stream" 2> "$EL_TMP/vkey"
VKEY=$(cat "$EL_TMP/vkey")
verify export "$EL_TMP/large" < "$EL_TMP/stream" > /dev/null || el_die "the export failed"
"$EL_TMP/sumdb" "$VKEY" "$EL_TMP/large" && exit $status

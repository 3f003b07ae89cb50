#!/bin/bash
# bench.sh: what the ledger costs, beside plain PostgreSQL in the same run.
#
# "make bench" prints the settings as lines with a leading #, then "name value unit"
# lines.  A private cluster is made for it and gone afterwards.  Rates depend on the
# machine, and on what else it does; the ratios are what to compare.
#
#   BENCH_ONLY=copy|commit|verify|ingest|bridge|bridge_memory|fleet|matching|market|invoice|proof|coupling|certificates|memory    one part only
#   ROWS PAIRS TRIGGER_ROWS                 copy.sh (ROWS: verify.sh too)
#   CLIENTS COMMIT_RUNS COMMIT_RUN_S        commit.sh
#   VERIFY_RUNS                             verify.sh
#   INGEST_RUNS INGEST_METERS INGEST_BATCHES INGEST_DAY_BATCHES    ingest.sh
#   BRIDGE_RUNS BRIDGE_MESSAGES BRIDGE_METERS BRIDGE_MANY_METERS    bridge.sh
#   BRIDGE_MEMORY_MESSAGES BRIDGE_MEMORY_METERS BRIDGE_MEMORY_FLEET    bridge_memory.sh
#   FLEET_METERS                            fleet.sh
#   MATCHING_RUNS MATCHING_SQL_ORDERS       matching.sh
#   MARKET_ORDERS MARKET_METERS MARKET_RUNS    market.sh
#   INVOICE_PARTIES                         invoice.sh
#   MEMORY_ROWS                             memory.sh
#   COUPLING_RUNS                           coupling.sh
#   CERTIFICATES_RUNS CERTIFICATES_DEVICES  certificates.sh
#   PROOF_SMALL PROOF_LARGE PROOF_RUNS PROOF_CALLS    proof.sh

set -o pipefail

BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$BENCH_DIR/../test/lib.sh"
. "$BENCH_DIR/measure.sh"
. "$BENCH_DIR/copy.sh"
. "$BENCH_DIR/commit.sh"
. "$BENCH_DIR/verify.sh"
. "$BENCH_DIR/ingest.sh"
. "$BENCH_DIR/bridge.sh"
. "$BENCH_DIR/bridge_memory.sh"
. "$BENCH_DIR/fleet.sh"
. "$BENCH_DIR/matching.sh"
. "$BENCH_DIR/market.sh"
. "$BENCH_DIR/invoice.sh"
. "$BENCH_DIR/proof.sh"
. "$BENCH_DIR/coupling.sh"
. "$BENCH_DIR/certificates.sh"
. "$BENCH_DIR/memory.sh"

# memory last: it leaves the cluster that the others share.  Without bridge_memory, which
# takes long and is run when it is named.
BENCH_PARTS="copy commit verify ingest bridge fleet matching market invoice proof coupling certificates memory"
BENCH_ONLY=${BENCH_ONLY:-}
BENCH_WAL_MB=1000				# at most min_wal_size, as no more files are kept

# Large enough that no checkpoint falls into a run but those taken between them, and
# no autovacuum of what one run wrote into the next one.  All else is the default.
bench_cluster()
{
	el_progress "bench: building, starting a private cluster"
	el_cluster bench \
		"shared_buffers = 1GB" \
		"max_wal_size = 16GB" \
		"min_wal_size = 2GB" \
		"checkpoint_timeout = 1h" \
		"autovacuum = off" \
		"energyledger.market_interval = 0" \
		"fsync = on" \
		"synchronous_commit = on"
	# A server that has run for a while reuses its WAL files; making them costs more than
	# what is written into them.
	el_psql -c "SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', 1000000))) FROM generate_series(1, $BENCH_WAL_MB)" \
		-c "CHECKPOINT" > /dev/null || el_die "could not write WAL"
	BENCH_FILES=$EL_TMP/files
	mkdir "$BENCH_FILES"
	[ "$(id -u)" != 0 ] || chown "$EL_SERVER_USER" "$BENCH_FILES"
}

# Each part in a database of its own: a log has only its own part's entries in it,
# and a part's figures are the same whether it is run alone or after the others.
bench_database()
{
	PGDATABASE=postgres el_psql -c "CREATE DATABASE bench_$1" || el_die "could not create a database"
	export PGDATABASE=bench_$1
	el_psql -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_energyledger" ||
		el_die "could not create the extension"
}

# Asked of the server, so that what is printed is what ran.
bench_header()
{
	el_progress_end
	echo "# $(nproc) cores"
	el_psql -c "
		SELECT '# ' || name || ' = ' || current_setting(name)
		FROM unnest(ARRAY['server_version', 'shared_buffers', 'max_wal_size', 'checkpoint_timeout',
			'wal_level', 'fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums',
			'autovacuum', 'energyledger.seal_interval']) WITH ORDINALITY s(name, n)
		ORDER BY n" || el_die "could not read the settings"
}

case $BENCH_ONLY in
	"" | copy | commit | verify | ingest | bridge | bridge_memory | fleet | matching | market | invoice | proof | coupling | certificates | memory) ;;
	*) el_die "BENCH_ONLY is one of: $BENCH_PARTS bridge_memory" ;;
esac
el_begin bench
bench_cluster
bench_header
for part in ${BENCH_ONLY:-$BENCH_PARTS}; do
	bench_database "$part"
	"bench_$part"
done

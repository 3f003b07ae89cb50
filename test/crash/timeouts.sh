#!/bin/bash
# timeouts.sh: settings that cut off what takes long do not cut off sealing.
#
# A sealer that was cut off would begin again, with more to do each time, and never
# make a block.  From PostgreSQL 17 on that includes transaction_timeout, which
# reaches background workers.

. "$(dirname "$0")/../lib.sh"

el_begin timeouts
el_cluster main "fsync = off" "energyledger.seal_interval = 0"
el_psql -o /dev/null -c "CREATE EXTENSION pg_energyledger" -c "CREATE TABLE t (a int) USING ledger" -c "SELECT energyledger.seal()"

timeouts="statement_timeout idle_in_transaction_session_timeout"
[ "$(el_psql -c "SHOW server_version_num")" -ge 170000 ] && timeouts="$timeouts transaction_timeout"
for timeout in $timeouts; do
	# enough entries that a block of them takes longer than is allowed
	el_psql -c "DO \$\$ BEGIN FOR i IN 1..3000 LOOP INSERT INTO t VALUES (i); COMMIT; END LOOP; END \$\$"
	# for whoever comes now, a new sealer too; we ourselves say otherwise
	el_psql -c "ALTER DATABASE postgres SET $timeout = '2ms'"
	export PGOPTIONS="-c $timeout=0"
	el_psql -o /dev/null -c "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'energyledger sealer'"
	el_ok "sealing goes on under $timeout" el_run 30 "$EL_BIN/psql" -X -qAt -o /dev/null -c "SELECT energyledger.seal()"
	el_is "everything is sealed" "$(el_psql -c "SELECT count(*) FROM energyledger.entry e
		WHERE NOT EXISTS (SELECT FROM energyledger.leaf l WHERE l.kind = 1 AND l.ref = e.first_id)")" 0
	el_psql -c "ALTER DATABASE postgres RESET $timeout"
	unset PGOPTIONS
done
el_is "no finding" "$(el_psql -c "SET client_min_messages = warning" -c "SELECT count(*) FROM energyledger.verify()")" 0
el_done

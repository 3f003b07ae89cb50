#!/bin/bash
# tamper.sh: whoever edits behind the ledger's back is found out.
#
# A ledger is made, and then each kind of tampering is tried at its first, a middle,
# its last, and a drawn place: verify() must find it, and say nothing that is not so; undone,
# it must find nothing.  What is drawn comes from SEED, which is printed: the same seed does
# the same again.  A table of all kinds is printed, with found, missed, false alarms, and
# how often a bit was flipped that stands for nothing.
#
#   SEED=...     the seed           ONLY="rows log files deep forged"     some of it
#
# Ways in: SQL by a superuser who makes a ledger table plain heap for a moment; the files,
# behind the server's shared buffers (page checksums are off, as a careful intruder would mend
# them); and a forger who recomputes every hash, and signs with a key of his own.

. "$(dirname "$0")/../lib.sh"

SEED=${SEED:-$RANDOM}
export PGOPTIONS="-c client_min_messages=warning"
ONLY=${ONLY:-rows log files deep forged}
HERE=$EL_ROOT/test/tamper
echo "# SEED=$SEED"

el_begin tamper
# few shared buffers: it is quick to have a page out of them; none of it is to be durable
el_cluster main "fsync = off" "full_page_writes = off" "autovacuum = off" "shared_buffers = 512kB" "max_wal_size = 4GB" \
	"energyledger.seal_interval = 0" "max_parallel_maintenance_workers = 0"
el_cluster_stop fast
el_as_server "$EL_BIN/pg_checksums" --disable -D "$EL_PGDATA" > "$EL_TMP/log/checksums" 2>&1 || el_die "pg_checksums failed"
el_cluster_start

program=$EL_TMP/sign_note
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -I"$EL_ROOT/src" -o "$program" "$HERE/sign_note.c" \
	"$EL_ROOT"/src/core/*.o -lsodium -lcrypto -lm || el_die "could not build sign_note"
key=$("$program" -k)

el_psql -o /dev/null -c "SET client_min_messages = warning" -c "CREATE EXTENSION pg_energyledger" || el_die "no extension"
for file in tools ledger forger; do
	el_psql -o /dev/null -f "$HERE/$file.sql" || el_die "$file.sql failed"
done
held=$(el_psql -c "SELECT energyledger.checkpoint()")
el_is "before: no finding" "$(el_psql -c "SELECT tamper.findings('deep => true')")" "{}"

el_psql -c "INSERT INTO tamper.setting VALUES ($SEED, 0)"
for file in $ONLY; do
	el_progress "tamper: $file"
	el_psql -o /dev/null -v program="$program" -v key="$key" -v held="$held" -f "$HERE/$file.sql" > "$EL_TMP/$file.out" 2>&1
	el_ok "$file.sql ran to its end" test $? = 0 || grep -m3 -A3 "ERROR\|FATAL" "$EL_TMP/$file.out" | sed 's/^/# /'
done

# What there is to say of each kind, and of all.
el_progress_end
printf '# %-55s %6s %6s %6s %6s %6s\n' kind tried found missed false "no eff"
el_psql -F ' ' -c "
	SELECT format('# %s %s %s %s %s %s', rpad(kind, 55), lpad(count(*)::text, 6), lpad((count(*) FILTER (WHERE effect AND found))::text, 6),
			lpad((count(*) FILTER (WHERE effect AND NOT found))::text, 6), lpad(sum(cardinality(false_alarms))::text, 6),
			lpad((count(*) FILTER (WHERE NOT effect))::text, 6))
	  FROM tamper.outcome GROUP BY kind ORDER BY kind"
el_psql -c "
	SELECT format('# %s, %s: missed, said %s', kind, place, said) FROM tamper.outcome WHERE effect AND NOT found UNION ALL
	SELECT format('# %s, %s: false alarm %s, said %s', kind, place, false_alarms[:3], said[:5]) FROM tamper.outcome WHERE false_alarms <> '{}' ORDER BY 1 LIMIT 40"
if [ "$ONLY" = "rows log files deep forged" ]; then
	el_ok "at least 40 kinds were tried" [ "$(el_psql -c "SELECT count(DISTINCT kind) FROM tamper.outcome WHERE effect")" -ge 40 ]
fi
for kind in $(el_psql -c "SELECT DISTINCT replace(kind, ' ', '_') FROM tamper.outcome ORDER BY 1"); do
	el_is "${kind//_/ }: all found, nothing else said" "$(el_psql -c "
		SELECT count(*) FILTER (WHERE effect AND NOT found) || ' missed, ' || coalesce(sum(cardinality(false_alarms)), 0) || ' false'
		  FROM tamper.outcome WHERE replace(kind, ' ', '_') = \$\$$kind\$\$")" "0 missed, 0 false"
done

if [ "$ONLY" = "rows log files deep forged" ]; then
	# verify(table) finds it in its table and not in another
	row=$(el_psql -c "SELECT min(ledger_id) FROM other")
	heap="UPDATE pg_class SET relam = 2 WHERE oid = 'other'::regclass"
	ledger="UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'other'::regclass"
	el_psql -c "$heap" -c "UPDATE other SET n = n + 1 WHERE ledger_id = $row" -c "$ledger"
	el_is "verify(table) finds it in its table" "$(el_psql -c "SELECT tamper.findings('''other''')")" "{row_changed|public.other|$row}"
	el_is "and not in another" "$(el_psql -c "SELECT tamper.findings('''t''')")" "{}"
	el_is "verify(ids) finds it in its range" "$(el_psql -c "SELECT tamper.findings('ids => int8range($row, $row, ''[]'')')")" "{row_changed|public.other|$row}"
	el_is "and not in another" "$(el_psql -c "SELECT tamper.findings('ids => int8range($row + 1000, NULL)')")" "{}"
	el_is "with workers it is the same" "$(el_psql -c "SELECT tamper.findings('workers => 2')")" "{row_changed|public.other|$row}"
	el_psql -c "$heap" -c "UPDATE other SET n = n - 1 WHERE ledger_id = $row" -c "$ledger"

	# The sealer signs nothing on top of a block that does not verify.
	el_psql -o /dev/null -c "CREATE TABLE tamper.aside AS TABLE energyledger.block" -c "CALL tamper.run(tamper.edit('energyledger.block',
		'UPDATE energyledger.block SET frontier = set_byte(frontier, 20, get_byte(frontier, 20) # 1) WHERE height = (SELECT max(height) FROM energyledger.block)'))"
	el_ok "seal() refuses to go on from a changed frontier" grep -q 'does not verify: nothing more is signed' \
		<(el_psql -c "SELECT energyledger.seal()" 2>&1)
	el_psql -o /dev/null -c "CALL tamper.run(tamper.edit('energyledger.block', 'DELETE FROM energyledger.block', 'INSERT INTO energyledger.block TABLE tamper.aside', 'DROP TABLE tamper.aside'))"
	el_ok "put back, it seals on" [ "$(el_psql -c "SELECT energyledger.seal()")" -ge 6 ]
	el_is "and nothing is found" "$(el_psql -c "SELECT tamper.findings('deep => true')")" "{}"
fi
el_done

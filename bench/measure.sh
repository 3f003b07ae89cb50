# measure.sh: how every part of the bench takes and prints its figures.
#
# Sourced by bench.sh.  The machine is taken as it is, shared and noisy, so nothing
# here is measured once: what is compared is run in turn, a few times, each run on a
# fresh table after a CHECKPOINT and with nothing left to seal; a rate is the median of
# its runs, a ratio the median of the ratios of runs that stood side by side.
#
# What is compared has the same columns: a meter, a time, a value, flags, and 64 bytes.

BENCH_COLUMNS="meter, read_at, value_wh, flags, payload"
BENCH_COLUMN_TYPES="meter bigint NOT NULL, read_at timestamptz NOT NULL,
	value_wh bigint NOT NULL, flags smallint NOT NULL, payload bytea NOT NULL"

# One line of the report.
bench_print()
{
	printf '%s %s %s\n' "$1" "$2" "$3"
}

# The median of its arguments: of an even number, the mean of the middle two.
bench_median()
{
	printf '%s\n' "$@" | sort -g | awk '
		{ value[NR] = $1 }
		END { printf "%.6g", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# A count over milliseconds, as a rate per second.
bench_rate()
{
	awk -v count="$1" -v ms="$2" 'BEGIN { printf "%.3f", count * 1000 / ms }'
}

# bench_print_ratio NAME NUMERATORS DENOMINATORS UNIT: two lists of equal length, taken
# pair by pair.  The lowest and the highest say how much the median is worth.  Sets
# BENCH_RATIO to the median.
bench_print_ratio()
{
	local -a above=($2) below=($3) ratios=()
	local i

	for i in "${!above[@]}"; do
		ratios+=("$(awk -v a="${above[i]}" -v b="${below[i]}" 'BEGIN { print a / b }')")
	done
	ratios=($(printf '%s\n' "${ratios[@]}" | sort -g))
	BENCH_RATIO=$(printf '%.3f' "$(bench_median "${ratios[@]}")")
	bench_print "$1" "$BENCH_RATIO" "$4"
	bench_print "$1_min" "$(printf '%.3f' "${ratios[0]}")" "$4"
	bench_print "$1_max" "$(printf '%.3f' "${ratios[-1]}")" "$4"
}

# bench_print_rate NAME UNIT RATE...: their median, as a whole number.
bench_print_rate()
{
	local name=$1 unit=$2

	shift 2
	bench_print "$name" "$(printf '%.0f' "$(bench_median "$@")")" "$unit"
}

# How long the last statement of a psql script took, in ms, as psql measured it.
bench_statement_ms()
{
	local out

	out=$(bench_statement_times "$1") || exit 1
	echo "${out% *}"
}

# The same, and the processor time that its backend had meanwhile, in ns: that says what
# a statement costs also where others use the machine.
bench_statement_times()
{
	local out cpu="SELECT 'cpu ' || split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)"

	out=$(el_psql -c "$cpu" -c '\timing on' -c "$1" -c '\timing off' -c "$cpu") || el_die "failed: $1"
	awk '/^Time: / { ms = $2 } /^cpu / { if (!n++) first = $2; last = $2 }
		END { if (ms == "") exit 1; printf "%s %.0f\n", ms, last - first }' <<< "$out" ||
		el_die "no time measured for: $1"
}

# Nothing of the run before may be paid for by the next one.
bench_settle()
{
	el_psql -c "SELECT energyledger.seal()" -c "CHECKPOINT" > /dev/null || el_die "could not settle"
}

# bench_rotate RUN KIND...: the kinds in the order of this run.  Each goes first in its
# turn, so that none always inherits what the same neighbour left.
bench_rotate()
{
	local by=$(($1 % ($# - 1)))

	shift
	echo "${@:by+1}" "${@:1:by}"
}

# bench_table KIND NAME: an empty table of that kind.
bench_table()
{
	case $1 in
		heap) el_psql -c "CREATE TABLE $2 ($BENCH_COLUMN_TYPES)" ;;
		ledger) el_psql -c "CREATE TABLE $2 ($BENCH_COLUMN_TYPES) USING ledger" ;;
		trigger_chain) bench_trigger_chain_table "$2" ;;
	esac || el_die "could not create table $2"
}

# A ledger table cannot be dropped, which is its purpose; the others leave no trace.
bench_drop()
{
	case $1 in
		heap) el_psql -c "DROP TABLE $2" ;;
		trigger_chain) el_psql -c "DROP TABLE $2" -c "DROP FUNCTION ${2}_chain()" ;;
	esac || el_die "could not drop table $2"
}

# What is used today where rows must prove their order: a trigger that takes a lock, finds
# the last row, and stores the digest of its hash and the new row.  The number is given
# under the lock, since one given before it (a sequence's) may disagree with the
# chain's order and fork it.  The function names its table, so that its statements are
# planned once a session, as they would be in a database with one such table.
bench_trigger_chain_table()
{
	el_psql <<-SQL
		SET client_min_messages = warning;
		CREATE EXTENSION IF NOT EXISTS pgcrypto;
		CREATE TABLE $1 (id bigint PRIMARY KEY, $BENCH_COLUMN_TYPES, hash bytea NOT NULL);
		CREATE FUNCTION ${1}_chain() RETURNS trigger LANGUAGE plpgsql AS \$\$
		DECLARE
			last_id bigint;
			last_hash bytea;
		BEGIN
			PERFORM pg_advisory_xact_lock(TG_RELID::bigint);
			SELECT id, hash INTO last_id, last_hash FROM $1 ORDER BY id DESC LIMIT 1;
			NEW.id := coalesce(last_id, 0) + 1;
			NEW.hash := digest(coalesce(last_hash, '') || int8send(NEW.id) || int8send(NEW.meter)
				|| timestamptz_send(NEW.read_at) || int8send(NEW.value_wh)
				|| int2send(NEW.flags) || NEW.payload, 'sha256');
			RETURN NEW;
		END
		\$\$;
		CREATE TRIGGER chain BEFORE INSERT ON $1 FOR EACH ROW EXECUTE FUNCTION ${1}_chain();
	SQL
}

# The chain must be one, or its rate would be that of something nobody wants.
bench_trigger_chain_check()
{
	local broken

	broken=$(el_psql -c "
		SELECT count(*) FROM (
			SELECT id, hash, digest(coalesce(lag(hash) OVER (ORDER BY id), '')
				|| int8send(id) || int8send(meter) || timestamptz_send(read_at)
				|| int8send(value_wh) || int2send(flags) || payload, 'sha256') AS expected
			FROM $1) c
		WHERE hash <> expected") || el_die "could not check the chain of $1"
	[ "$broken" = 0 ] || el_die "the trigger's chain is broken in $broken places"
}

# bench_program NAME [ARG...]: one of our small programs, built against the core as it was
# just installed, and with what else the compiler is given.
bench_program()
{
	local program=$EL_TMP/$1

	[ -x "$program" ] || "${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-unused-parameter -I"$EL_ROOT/src" \
		-o "$program" "$BENCH_DIR/$1.c" "${@:2}" "$EL_ROOT"/src/core/*.o -lsodium -lcrypto -lm ||
		el_die "could not build $1"
	echo "$program"
}

# Processor time, of the kernel and of theirs, of processes that run, in ms.
bench_process_cpu_ms()
{
	local pid

	for pid in "$@"; do
		sed 's/.*) //' "/proc/$pid/stat" || el_die "process $pid is gone"
	done | awk -v tick="$(getconf CLK_TCK)" '{ used += $12 + $13 } END { printf "%.0f", used * 1000 / tick }'
}

# The same of all of PostgreSQL: the postmaster, its children that run (backends, sealers,
# WAL writer, checkpointer, ...), and those that have ended, which it has waited for.
bench_server_cpu_ms()
{
	local pid tick

	pid=$(head -1 "$EL_PGDATA/postmaster.pid") || el_die "no postmaster"
	tick=$(getconf CLK_TCK)
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) / /' | awk -v postmaster="$pid" -v tick="$tick" '
		$1 == postmaster { used += $13 + $14 + $15 + $16 }
		$3 == postmaster { used += $13 + $14 }
		END { printf "%.0f", used * 1000 / tick }'
}

#!/bin/bash
# month.sh: a community of 200 meters trades for a while, from signed messages to money.
#
# Households, of which half have a roof, a shop and a battery sign an order for each
# slot and their readings day by day, with the clock change of October among the days.
# The messages are the meters' own, brought to ingest() in batches without a broker
# between.  Each slot is cleared, settled, and cleared again; grid and levy are charged,
# and everybody gets an invoice.  Then one day of one meter comes late, one of another is
# corrected, and both are settled and invoiced anew.
#
# What should have come of it is computed by month_sums.sql, from the rows of messages,
# readings, orders, trades and prices and by plain arithmetic: no function of the
# extension is called there.
#
#   DAYS=31      the whole of October, as make check-long does; otherwise so many days
#                around the clock change
#   METERS=200   SEED=month

. "$(dirname "$0")/../lib.sh"

HERE=$EL_ROOT/test/market
METER=$EL_ROOT/tools/energyledger-meter
METERS=${METERS:-200}
SEED=${SEED:-month}
ZONE=Europe/Amsterdam

# The newest October that is over, its last Sunday, and the days to play.
YEAR=$(($(date -u +%Y) - ($(date -u +%-m) < 11)))
SUNDAY=$((31 - ($(date -u -d "$YEAR-10-31" +%w))))
DAYS=${DAYS:-11}
FIRST=$((DAYS >= 31 ? 1 : SUNDAY - DAYS / 2))
DATE=$(printf '%d-10-%02d' "$YEAR" "$FIRST")
LATE_HOUSE=house-07				# its first day comes when all is settled
WRONG_HOUSE=house-12			# its first day was measured a tenth too high

# sign FILE [ARG...]: what the meters say, a line each
sign()
{
	local file=$1

	shift
	"$METER" --write "$file" --meters "$METERS" --seed "$SEED" --date "$DATE" --timezone $ZONE --readings-per-message day --quiet "$@"
}

# month FILE [ARG...]: an SQL file of this folder, in which :since and :until are the days' ends
month()
{
	local file=$1

	shift
	el_psql -v since="$DATE 00:00 $ZONE" -v until="$(date -d "$DATE +$DAYS days" +%F) 00:00 $ZONE" -v date="$DATE" -v days="$DAYS" -v zone=$ZONE -v late="$LATE_HOUSE" -v wrong="$WRONG_HOUSE" "$@" -f "$HERE/$file"
}

# checks FILE: each line it prints is a test: name|got|wanted
checks()
{
	local name got wanted status

	month "$1" > "$EL_TMP/said" 2> "$EL_TMP/errors"
	status=$?
	while IFS='|' read -r name got wanted; do
		el_is "$name" "$got" "$wanted"
	done < "$EL_TMP/said"
	el_is "$1 ran to its end" $status 0 || cat "$EL_TMP/errors"
}

took()
{
	printf '# %-28s %3d s\n' "$1" $((SECONDS - BEGAN))
	BEGAN=$SECONDS
}

el_begin month
el_cluster month "fsync = off" "energyledger.market_interval = 0" "shared_buffers = 512MB" "max_wal_size = 8GB" "autovacuum_naptime = 5s"
BEGAN=$SECONDS
el_psql -c "CREATE EXTENSION pg_energyledger"
month month_begin.sql > /dev/null || el_die "could not set up the market"
"$METER" --register --market street --meters "$METERS" --seed "$SEED" | el_psql > /dev/null || el_die "could not register"

sign "$EL_TMP/said" --days "$DAYS" --market street || exit 1
# A day of one meter that measured wrong at first, and said so when it counted anew.
sign "$EL_TMP/wrong" --days 1 --error-percent -10 --epoch 2 || exit 1
el_psql -c "\\copy given (message) FROM '$EL_TMP/said'" -c "\\copy again (message) FROM '$EL_TMP/wrong'"
rm "$EL_TMP/said" "$EL_TMP/wrong"
took signed

month month_ingest.sql || el_die "could not bring the messages"
took ingested
month month_clear.sql || el_die "could not clear"
took cleared
month month_settle.sql || el_die "could not settle"
took settled
month month_bills.sql > /dev/null || el_die "could not charge and invoice"
took "charged and invoiced"
month month_again.sql > /dev/null || el_die "could not settle and invoice again"
took "the first day again"
checks month_verify.sql
took verified
checks month_sums.sql
took summed
month month_table.sql -P format=aligned -P tuples_only=off -P footer=off | sed 's/^/# /'
el_done

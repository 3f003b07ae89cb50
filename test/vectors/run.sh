#!/bin/bash
# run.sh: published test vectors, through the extension's SQL functions.
#
# Signatures, proofs and records that others made decide whether our checks mean
# what theirs do, books of orders what a market makes of them, and a rooftop's half year
# and a registry's rules which certificates are issued, lists of fields whether certificates have
# them.  The files are loaded as they
# are into a temporary table and taken apart in SQL, so that what is tried is exactly
# what a user calls, and nothing but psql is needed.
#
# Needs: a UTF-8 database with the extension, found through PGHOST, PGPORT,
# PGUSER and PGDATABASE.  VECTORS names the folder (default: ../shared/vectors
# beside the project); where it is absent the run is skipped and says so.
# Prints TAP, "ok N - suite: right of wanted"; exits 1 where a suite is not whole.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vectors=${VECTORS:-$here/../../../shared/vectors}

if [ ! -d "$vectors/ledger" ] || [ ! -d "$vectors/metering" ] || [ ! -d "$vectors/energy/matching" ] ||
	[ ! -d "$vectors/energy/certificates" ] || [ ! -d "$vectors/energy/profiles" ]; then
	echo "1..0 # SKIP reference vectors not found in $vectors (set VECTORS)"
	exit 0
fi

# One row of COPY a file: its path below $vectors, its content as it stands.
load_file()
{
	printf '%s\t' "$1"
	sed -e 's/\\/\\\\/g' -e 's/\t/\\t/g' -e 's/\r/\\r/g' -e 's/$/\\n/' "$vectors/$1" | tr -d '\n'
	printf '\n'
}

load_all()
{
	echo 'COPY vector_file (path, content) FROM STDIN;'
	(cd "$vectors" && find ledger metering energy/matching energy/certificates energy/profiles -type f \
		\( -name '*.json' -o -name '*.xml' -o -name 'EXPECTED.txt' -o -name '*.csv' \)) | sort |
		while IFS= read -r path; do
			load_file "$path"
		done
	echo '\.'
}

report=$({
	cat "$here/prelude.sql"
	load_all
	cat "$here/signatures.sql" "$here/merkle.sql" "$here/ocmf.sql" "$here/market.sql" "$here/certificates.sql" "$here/certificate_fields.sql" "$here/report.sql"
} | psql -X -q -A -t -v ON_ERROR_STOP=1 -f -) || {
	printf '%s\nBail out! psql failed\n' "$report"
	exit 1
}
printf '%s\n' "$report"
case $report in
	*"not ok "*) exit 1 ;;
	*"ok "*) exit 0 ;;
	*) exit 1 ;;
esac

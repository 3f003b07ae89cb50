# verifier_lib.sh: what the tests of energyledger-verify share; sourced after lib.sh.
#
#   verify ARG...        the tool with the site's key     verdict ARG...   its exit status
#   stream FROM          the export's stream
#   flip FILE BYTE BIT   in place
#   made_stream LEAVES [FAULT]   the stream of a log without a database (made_stream.c)

VERIFY=$EL_ROOT/tools/energyledger-verify
SEED=${SEED:-1}
RANDOM=$SEED

verify()
{
	"$VERIFY" "$@" --vkey "$VKEY"
}

# The exit status, and what was said in $EL_TMP/said.
verdict()
{
	verify "$@" > "$EL_TMP/said" 2>&1
	echo $?
}

stream()
{
	el_psql -c "COPY (SELECT * FROM energyledger.export($1)) TO STDOUT (FORMAT binary)"
}

flip()
{
	local was

	was=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf "\\x$(printf '%x' $((was ^ (1 << $3))))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

made_stream()
{
	[ -x "$EL_TMP/made_stream" ] ||
		cc -std=gnu11 -O2 -Wall -Wextra -Werror -Wno-missing-field-initializers -I"$EL_ROOT/src" -o "$EL_TMP/made_stream" \
			"$EL_ROOT"/test/verifier/made_stream.c "$EL_ROOT"/src/core/*.o -lsodium -lcrypto -lm || el_die "made_stream.c does not compile"
	"$EL_TMP/made_stream" "$@"
}

# A number below $1: RANDOM has 15 bits.
below()
{
	echo $(((RANDOM * 32768 + RANDOM) % $1))
}

# A log of N small transactions, sealed in some blocks.
grow()
{
	el_psql -v n="$1" -v seed="$SEED" <<-'SQL' > /dev/null
		SELECT setseed(1.0 / :seed);
		CREATE TABLE IF NOT EXISTS payment (customer text, amount_micro bigint, note varchar(40)) USING ledger;
		CREATE TABLE IF NOT EXISTS meter_reading (at timestamptz, wh bigint) USING ledger;
		SELECT format('INSERT INTO payment SELECT ''c-'' || g, g * 17, %L FROM generate_series(1, %s) g', md5(g::text), 1 + (random() * 6)::int)
		  FROM generate_series(1, :n) g \gexec
		SELECT energyledger.seal();
		INSERT INTO meter_reading SELECT '2026-01-01'::timestamptz + g * interval '15 minutes', g FROM generate_series(1, 1100) g;
		SELECT energyledger.seal();
	SQL
}

el_site()
{
	el_cluster "$1" "fsync = off" "energyledger.seal_interval = 0"
	el_psql -c "CREATE EXTENSION pg_energyledger"
	VKEY=$(el_psql -c "SELECT energyledger.site_vkey()")
}

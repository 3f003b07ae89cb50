#!/bin/bash
# lint.sh: two analysers over our own C; what they find is an error.
#
# cppcheck reads the parts that know nothing of PostgreSQL (its macros stop it), and
# clang-tidy all of it, with the checks of .clang-tidy.  Prints TAP.

cd "$(dirname "$0")/.." || exit 1
PG_CONFIG=${PG_CONFIG:-pg_config}
status=0

# report NUMBER NAME STATUS
report()
{
	if [ "$3" = 0 ]; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		status=1
	fi
}

cppcheck -q --enable=warning,performance,portability --inline-suppr --std=c11 -Isrc --error-exitcode=2 \
	src/core mqtt_bridge tools
report 1 "cppcheck finds nothing" $?

# A file at a time, on every processor; files that end well say only how many
# warnings of other people's headers were left out.
tidy()
{
	clang-tidy --quiet "$1" -- -std=gnu11 -D_GNU_SOURCE -Isrc -DPROGRAM_VERSION='""' \
		-I"$("$PG_CONFIG" --includedir-server)" -I"$("$PG_CONFIG" --includedir)" 2>/dev/null
}
export -f tidy
export PG_CONFIG
printf '%s\n' src/*.c src/*/*.c mqtt_bridge/*.c tools/*.c | xargs -P "$(nproc)" -I{} bash -c 'tidy {}'
report 2 "clang-tidy finds nothing" $?
echo "1..2"
exit $status

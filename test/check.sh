#!/bin/bash
# check.sh: make check: everything that can be tried on one machine, from nothing.
#
# Builds, then runs every suite there is against one private installation: unit
# tests and fuzzing of src/core, the regression and isolation tests, published
# vectors, pgTAP, and the scripts that bring broker, bridge and meters together.
# A suite's whole output is kept in build/check/; the end of it is shown where it
# failed.  The last line, "N passed, N failed, N skipped", is for programs.

set -u
cd "$(dirname "$0")/.." || exit 1
# We call make ourselves: nothing of the make that called us may leak into it.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

SUITE_SECONDS_MAX=600
FUZZ_SECONDS_EACH=${FUZZ_SECONDS_EACH:-3}
LOG=$PWD/build/check

./test/deps.sh check || exit 1
. ./test/lib.sh
. ./test/suite.sh
rm -rf "$LOG"
mkdir -p "$LOG" || exit 1

el_begin check

el_progress "check: building ..."
if ! make -s -j2 all > "$LOG/build.log" 2>&1; then
	tail -40 "$LOG/build.log"
	el_die "the build failed: $LOG/build.log"
fi

# Warnings are errors, the analyser's too.
suite_beside lint bash test/lint.sh
[ -f test/unit/Makefile ] && suite unit make -s -C test/unit check
[ -f test/unit/Makefile ] && suite unit-sanitize make -s -C test/unit check-sanitize
[ -f test/fuzz/Makefile ] && suite fuzz make -s -C test/fuzz run SECONDS_EACH="$FUZZ_SECONDS_EACH"
suite_join lint

server_suites ""
script_suites "" bridge meter market certificate proof verifier docs sites crash tamper upgrade

summary
[ "$failed" = 0 ]

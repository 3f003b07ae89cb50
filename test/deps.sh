#!/bin/bash
# deps.sh: bring the Debian packages that building, testing and the demo need.
#
# Says which are missing; as root it installs them, otherwise it prints the command
# and stops.  Nothing to do is the ordinary case and costs a blink.  Packages that
# start a server when they are installed (PostgreSQL, Mosquitto) are kept from it for
# this one installation: what was not running before is not running after.
#
#   deps.sh          to build and run          deps.sh check         the tests' tools too
#                                              deps.sh check-long    and what builds newer servers

set -eu

PACKAGES="gcc libc6-dev make pkg-config postgresql-15 postgresql-server-dev-15 libpq-dev
	mosquitto mosquitto-clients libmosquitto-dev libsodium-dev libssl-dev"
case ${1:-} in
	check | check-long)
		PACKAGES="$PACKAGES libcmocka-dev clang libclang-rt-14-dev postgresql-15-pgtap cppcheck clang-tidy procps openssl
			golang-go golang-golang-x-mod-dev faketime"
		;;
esac
[ "${1:-}" != check-long ] || PACKAGES="$PACKAGES bison flex perl zlib1g-dev libxml2-dev dpkg-dev patchelf"

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian system; needed are the equivalents of:" $PACKAGES >&2
	exit 0
fi

missing=
for package in $PACKAGES; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "deps: missing Debian packages:$missing"
if [ "$(id -u)" != 0 ]; then
	echo "deps: install them with:"
	echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing"
	exit 1
fi

# Temporary files that keep a new package from starting its server; ours only, and
# gone afterwards.  An existing policy-rc.d is somebody's decision: left alone.
policy=/usr/sbin/policy-rc.d
cluster_conf=/etc/postgresql-common/createcluster.d/energyledger-deps.conf
made=
trap 'rm -f $made' EXIT
if [ ! -e $policy ]; then
	made="$made $policy"
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod 755 $policy
fi
# No default cluster either: nobody asked for one.
case $missing in
	*postgresql-15*)
		mkdir -p "$(dirname $cluster_conf)"
		made="$made $cluster_conf"
		echo "create_main_cluster = false" > $cluster_conf
		;;
esac

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
made="$made $log"
echo "deps: installing (a few minutes where the compiler is missing too) ..."
if ! { apt-get update && apt-get install -y --no-install-recommends \
	-o Dpkg::Options::=--force-confold $missing; } > "$log" 2>&1; then
	tail -20 "$log" >&2
	echo "deps: apt-get failed" >&2
	exit 1
fi
echo "deps: done"

#!/bin/bash
# servers.sh: other PostgreSQL servers than the system's, for make check-long.
#
# Built from Debian's source package of another release, with assertions, into
# build/servers/VERSION; kept between runs (remove that folder to get it anew).
# Where the source package cannot be downloaded, that release's binary packages
# are unpacked there instead, with the C library they need, and without
# assertions.  The machine's own packages and apt lists are left alone: apt works
# on a tree of its own, with the mirror that this machine uses anyway.
#
#   servers.sh VERSION     last line: path of pg_config, a tab, and what it is

set -u
cd "$(dirname "$0")/.." || exit 1

version=${1:?version}
case $version in
	15) release=bookworm ;;		# as it was released: older than its security updates
	17) release=trixie ;;
	18) release=forky ;;
	*) echo "servers: no Debian release is known for PostgreSQL $version" >&2; exit 1 ;;
esac
home=$PWD/build/servers/$version
log=$home/log
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
contrib="amcheck btree_gist pageinspect pgcrypto pg_prewarm pg_visibility pg_walinspect test_decoding"

die()
{
	echo "servers: $*" >&2
	[ -f "$log" ] && tail -20 "$log" >&2
	exit 1
}

# ---------------------------------------------------------------- apt, privately

# mirror LABEL: where this machine gets Debian, or Debian-Security, from.
mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Label: $1" | head -1
}

# An empty status file: nothing counts as installed, so all that is needed is named.
private()
{
	local command=$1

	shift
	"$command" -q -o "Dir::Etc::sourcelist=$home/apt/sources.list" -o Dir::Etc::sourceparts=- \
		-o "Dir::State=$home/apt/state" -o "Dir::State::status=$home/apt/status" \
		-o "Dir::Cache=$home/apt/cache" -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

apt_set_up()
{
	local main security

	main=$(mirror Debian)
	security=$(mirror Debian-Security)
	[ -n "$main" ] || die "apt knows no Debian mirror: run 'apt-get update'"
	mkdir -p "$home"/apt/state/lists/partial "$home"/apt/cache/archives/partial
	: > "$home/apt/status"
	{
		echo "deb [signed-by=$keyring] $main $release main"
		echo "deb-src [signed-by=$keyring] $main $release main"
		# its newer versions; a release that is not out yet has none, and of the oldest we want the old one
		[ "$release" != trixie ] || [ -z "$security" ] || echo "deb-src [signed-by=$keyring] $security $release-security main"
	} > "$home/apt/sources.list"
	private apt-get update >> "$log" 2>&1 || die "apt-get update failed"
}

# ---------------------------------------------------------------- from source

# Every folder that this build would install into lies below our prefix.
stays_inside()
{
	local outside

	outside=$(printf 'include src/Makefile.global\nshow:\n\t@printf "%%s\\n" $(bindir) $(libdir) $(pkglibdir) $(datadir) $(includedir) $(includedir_server) $(pkgincludedir) $(docdir) $(mandir) $(sysconfdir) $(localedir)\n' |
		make -s -f - top_builddir=. show | grep -v "^$home/prefix/")
	[ -z "$outside" ] || { echo "would install outside of $home/prefix: $outside"; return 1; }
}

from_source()
{
	mkdir -p "$home/source"
	(cd "$home/source" && private apt-get source --download-only "postgresql-$version") >> "$log" 2>&1 || return 1
	rm -rf "$home/source/tree"
	dpkg-source -x "$home"/source/postgresql-"$version"_*.dsc "$home/source/tree" >> "$log" 2>&1 || die "dpkg-source failed"
	# Debian's packages lie in /usr/lib/postgresql whatever the prefix: ours must not, as
	# they would be written over an installed server's.
	sed -i 's|^override pkglibdir := /usr/lib/postgresql/.*|override pkglibdir := $(pkglibdir)/postgresql|' \
		"$home/source/tree/src/Makefile.global.in" || die "cannot change where PostgreSQL $version installs"
	echo "servers: building PostgreSQL $version (some minutes) ..." >&2
	(
		cd "$home/source/tree" &&
			./configure -q --prefix="$home/prefix" --with-openssl --with-libxml --without-icu --without-readline \
				--enable-cassert --enable-debug CFLAGS="-O1 -g" &&
			make -s -j2 && stays_inside && make -s install &&
			for module in $contrib; do make -s -C "contrib/$module" install || exit 1; done
	) >> "$log" 2>&1 || die "building PostgreSQL $version failed"
	rm -rf "$home/source/tree"
	pg_config=$home/prefix/bin/pg_config
	what="built from Debian $release's source package, with assertions"
}

# ---------------------------------------------------------------- from binaries

# Programs of another release need its C library: they are told where it lies.
from_binaries()
{
	local root=$home/root libraries file loader

	libraries=$(private apt-get -s --no-install-recommends install "postgresql-$version" 2>> "$log" |
		sed -n 's/^Inst \([^ ]*\).*/\1/p' | grep -E '^(lib|zlib)' | grep -vE 'llvm|perl')
	mkdir -p "$home/debs"
	(cd "$home/debs" && private apt-get download "postgresql-$version" "postgresql-client-$version" \
		"postgresql-server-dev-$version" libpq-dev $libraries) >> "$log" 2>&1 || return 1
	rm -rf "$root"
	for file in "$home"/debs/*.deb; do
		dpkg-deb -x "$file" "$root" || die "cannot unpack $file"
	done
	loader=$(find "$root/usr/lib" -name 'ld-linux*.so.*' | head -1)
	find "$root/usr/lib/postgresql" -type f -perm -u+x | while read -r file; do
		patchelf --print-interpreter "$file" > /dev/null 2>&1 || continue
		patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$(dirname "$loader")" "$file" || exit 1
	done || die "patchelf failed"
	# We compile with this system's headers and link our programs with its libpq.
	find "$root" -name pg_config.h -exec sed -i 's/^#define HAVE_DECL_STRL\(CPY\|CAT\) 1/#define HAVE_DECL_STRL\1 0/' {} +
	find "$root" \( -name 'libpq.so' -o -name 'libpq.a' \) -delete
	# Its compiler is not among what was unpacked.
	find "$root" -name 'llvmjit*' -prune -exec rm -rf {} +
	pg_config=$root/usr/lib/postgresql/$version/bin/pg_config
	what="binary packages of Debian $release (its source package cannot be downloaded), without assertions"
}

# ----------------------------------------------------------------

# pgTAP is SQL: the same for every build of a version.
add_pgtap()
{
	local into

	into=$("$pg_config" --sharedir)/extension
	mkdir -p "$home/pgtap"
	(cd "$home/pgtap" && private apt-get download "postgresql-$version-pgtap") >> "$log" 2>&1 || return
	dpkg-deb -x "$home"/pgtap/*.deb "$home/pgtap/root" &&
		cp "$home/pgtap/root/usr/share/postgresql/$version/extension/"pgtap* "$into/"
}

# One that was made with fewer modules does not do.
if [ ! -s "$home/ready" ] || [ "$(cat "$home/contrib" 2> /dev/null)" != "$contrib" ]; then
	rm -rf "$home"
	mkdir -p "$home" || exit 1
	apt_set_up
	from_source || from_binaries || die "PostgreSQL $version can be had neither as source nor as binary packages"
	add_pgtap
	echo "$contrib" > "$home/contrib"
	chmod -R a+rX "$home"
	printf '%s\t%s, %s\n' "$pg_config" "$("$pg_config" --version)" "$what" > "$home/ready"
fi
cat "$home/ready"

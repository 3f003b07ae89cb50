# lib.sh: what every test, the demo and the bench share: a private PostgreSQL,
# a private broker, a bridge, and the certainty that all of it is gone at the end.
#
# Sourced by bash scripts; never run by itself.  Nothing here needs root, writes
# into system folders, uses a fixed port, or touches a server that was there before:
# the PostgreSQL used is a private copy of the installed programs ("stage") with our
# extension in it.  As root, everything that listens runs as an unprivileged user.
#
#   el_begin NAME                folder $EL_TMP; everything started is stopped at exit
#   el_stage                     private installation under $EL_STAGE (reused if set)
#   el_cluster NAME [CONF...]    new cluster, started; PGHOST PGPORT PGUSER PGDATABASE
#   el_cluster_init NAME [CONF...]   the same, not started
#   el_cluster_stop [MODE]       fast, smart, immediate      el_cluster_start
#   el_broker [CONF...]          mosquitto on loopback port EL_MQTT_PORT
#   el_broker_stop [SIGNAL]      el_broker_start
#   el_bridge_start [ARG...]     energyledger-bridge         el_bridge_stop [SIGNAL]
#   el_psql ARG...               psql, quiet, stops at the first error
#   el_as_server CMD...          run as the user that servers run as
#   el_wait SECONDS CMD...       until CMD succeeds          el_run SECONDS CMD...
#   el_progress TEXT             one line on stderr that replaces the one before
#   el_ok NAME CMD...  el_is NAME GOT WANTED  el_skip NAME WHY  el_done     TAP
#
# Environment: EL_KEEP=1 keeps processes and folder; EL_STAGE, EL_SERVER_USER,
# TMPDIR, PG_CONFIG, VECTORS as their names say.

set -u

EL_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Debian keeps mosquitto in sbin, which is not in an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
# By its full path: the stage has a pg_config too, which would answer for the stage.
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}" || echo "${PG_CONFIG:-pg_config}")
export PG_CONFIG
VECTORS=${VECTORS:-$EL_ROOT/../shared/vectors}
# Not inherited from whoever calls: a test must not reach a database of theirs.
unset PGSERVICE PGPASSFILE PGPASSWORD PGOPTIONS PGHOSTADDR PGTZ PGAPPNAME

EL_START_WAIT_S=30				# for a server to come up
EL_STOP_WAIT_S=20				# for one to go, before SIGKILL
EL_CLUSTERS=()					# data directories made here
EL_PIDS=()						# other processes started here
EL_JOB=							# a script run by el_run, with all it started
EL_TAP_COUNT=0
EL_TAP_FAILED=0
EL_PROGRESS_SHOWN=0

# ---------------------------------------------------------------- output

# A line that the next one replaces on a terminal; in a log, plain lines.
el_progress()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$*" >&2
		EL_PROGRESS_SHOWN=1
	else
		printf '%s\n' "$*" >&2
	fi
}

el_progress_end()
{
	if [ "$EL_PROGRESS_SHOWN" = 1 ]; then
		printf '\r\033[K' >&2
		EL_PROGRESS_SHOWN=0
	fi
}

el_die()
{
	el_progress_end
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# ---------------------------------------------------------------- begin and end

el_begin()
{
	EL_NAME=$1
	local base=${TMPDIR:-/tmp}

	EL_SERVER_USER=${EL_SERVER_USER:-}
	if [ "$(id -u)" = 0 ]; then
		if [ -z "$EL_SERVER_USER" ]; then
			EL_SERVER_USER=nobody
			id -u postgres >/dev/null 2>&1 && EL_SERVER_USER=postgres
		fi
		# The server's user must be able to reach our folder.
		runuser -u "$EL_SERVER_USER" -- test -x "$base" || base=/tmp
	else
		EL_SERVER_USER=$(id -un)
	fi
	EL_TMP=$(mktemp -d "$base/el-$EL_NAME.XXXXXX") || exit 1
	chmod 755 "$EL_TMP"
	trap el_end EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# A socket's path has 107 bytes at most; a deep TMPDIR would not leave room.
	EL_RUN=$EL_TMP/run
	if [ ${#EL_RUN} -gt 70 ]; then
		EL_RUN=$(mktemp -d /tmp/el.XXXXXX) || exit 1
	else
		mkdir "$EL_RUN"
	fi
	chmod 700 "$EL_RUN"
	mkdir "$EL_TMP/log"
	if [ "$(id -u)" = 0 ]; then
		chown "$EL_SERVER_USER" "$EL_RUN" "$EL_TMP/log"
	fi
	export EL_TMP EL_RUN EL_SERVER_USER
}

# Everything started is stopped, in the order in which they lean on each other.
el_end()
{
	local status=$? pid data

	trap '' HUP INT TERM
	trap - EXIT
	el_progress_end
	if [ "${EL_KEEP:-0}" = 1 ]; then
		[ $status = 0 ] || echo "kept: $EL_TMP" >&2
		exit $status
	fi
	if [ -n "$EL_JOB" ]; then
		kill -TERM "$EL_JOB" 2>/dev/null	# and what it leads ends its own servers
		wait "$EL_JOB" 2>/dev/null
	fi
	for pid in "${EL_PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	for data in "${EL_CLUSTERS[@]}"; do
		if [ -f "$data/postmaster.pid" ]; then
			el_as_server "$EL_BIN/pg_ctl" -D "$data" -m immediate -w -s stop >/dev/null 2>&1
		fi
	done
	wait 2>/dev/null
	cd /
	rm -rf "$EL_RUN" "$EL_TMP"
	exit $status
}

# Servers refuse to run as root, and ours should not either.
el_as_server()
{
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec runuser -u "$EL_SERVER_USER" -- "$@")
	else
		(cd / && exec "$@")
	fi
}

# Start a server in the background, out of the terminal's reach (a ^C must come to
# us, not to it).  EL_SPAWN_PID is its own process id, also where runuser stands
# between; EL_SPAWN_JOB is what the shell can wait for.
el_spawn()
{
	local log=$1 pid_file

	shift
	pid_file=$(mktemp "$EL_RUN/pid.XXXXXX")
	chmod 666 "$pid_file"
	el_as_server setsid --wait bash -c 'echo $$ > "$0"; exec "$@"' "$pid_file" "$@" \
		>> "$log" 2>&1 < /dev/null &
	EL_SPAWN_JOB=$!
	if ! el_wait 10 test -s "$pid_file"; then
		el_die "could not start $1"
	fi
	EL_SPAWN_PID=$(cat "$pid_file")
	rm -f "$pid_file"
	EL_PIDS+=("$EL_SPAWN_PID")
}

# Signal a spawned process and wait for its end; returns its exit status.
el_reap()
{
	local signal=$1 pid=$2 job=$3 i status

	kill -"$signal" "$pid" 2>/dev/null
	for ((i = 0; i < EL_STOP_WAIT_S * 20; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	if kill -KILL "$pid" 2>/dev/null; then
		echo "process $pid did not end within $EL_STOP_WAIT_S s of SIG$signal" >&2
	fi
	wait "$job" 2>/dev/null
	status=$?
	el_forget "$pid"
	return $status
}

el_forget()
{
	local kept=() pid

	for pid in "${EL_PIDS[@]}"; do
		[ "$pid" = "$1" ] || kept+=("$pid")
	done
	EL_PIDS=("${kept[@]}")
}

el_wait()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.05
	done
}

# el_run SECONDS CMD...: CMD's exit status, 124 where it took longer.  It leads a
# process group of its own, so that the end of its time, or ours, reaches all of it.
el_run()
{
	local status

	timeout -k 30 "$@" < /dev/null &
	EL_JOB=$!
	wait "$EL_JOB"
	status=$?
	EL_JOB=
	return $status
}

# A loopback port nobody listens on, below the range the kernel hands out itself.
el_free_port()
{
	local port i

	for ((i = 0; i < 200; i++)); do
		port=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return 0
		fi
	done
	return 1
}

# ---------------------------------------------------------------- PostgreSQL

# PostgreSQL finds its library and share folders from where its program really lies,
# so a copy of bin/ with links to the rest is a whole installation of its own.
el_stage()
{
	local bin lib share log name

	bin=$("$PG_CONFIG" --bindir) || el_die "pg_config not found: run 'make deps'"
	lib=$("$PG_CONFIG" --pkglibdir)
	share=$("$PG_CONFIG" --sharedir)
	if [ -z "${EL_STAGE:-}" ]; then
		EL_STAGE=$(mktemp -d "$EL_TMP/stage.XXXXXX") || exit 1
		log=$EL_TMP/log/install-${EL_STAGE##*.}
		mkdir -p "$EL_STAGE$bin" "$EL_STAGE$lib" "$EL_STAGE$share/extension"
		cp -a "$bin/." "$EL_STAGE$bin/" || el_die "cannot copy $bin"
		for name in "$lib"/* "$share"/* "$share"/extension/*; do
			case $name in
				# what make install writes into must be a folder of ours, not a link to theirs
				"$share/extension" | "$share/man" | */pg_energyledger*) ;;
				*) ln -s "$name" "$EL_STAGE$name" ;;
			esac
		done
		if ! make -s -C "$EL_ROOT" install PG_CONFIG="$PG_CONFIG" DESTDIR="$EL_STAGE" > "$log" 2>&1; then
			tail -30 "$log" >&2
			el_die "make install failed"
		fi
		chmod -R a+rX "$EL_STAGE"
	fi
	EL_BIN=$EL_STAGE$bin
	PATH=$EL_BIN:$PATH
	export EL_STAGE EL_BIN PATH
}

el_cluster()
{
	el_cluster_init "$@"
	el_cluster_start
}

# The same, not started: for pg_upgrade, which wants a cluster that nobody used.
el_cluster_init()
{
	local name=$1 line

	shift
	[ -n "${EL_BIN:-}" ] || el_stage
	EL_PGDATA=$EL_TMP/pg-$name
	EL_PGLOG=$EL_TMP/log/pg-$name
	mkdir "$EL_PGDATA" "$EL_RUN/$name" || exit 1
	if [ "$(id -u)" = 0 ]; then
		chown "$EL_SERVER_USER" "$EL_PGDATA" "$EL_RUN/$name"
	fi
	chmod 700 "$EL_PGDATA" "$EL_RUN/$name"
	el_as_server "$EL_BIN/initdb" -D "$EL_PGDATA" -U postgres -E UTF8 --locale=C \
		--auth-local=trust --auth-host=reject --data-checksums --no-instructions --no-sync \
		> "$EL_TMP/log/initdb-$name" 2>&1 || { cat "$EL_TMP/log/initdb-$name" >&2; el_die "initdb failed"; }
	PGHOST=$EL_RUN/$name
	PGPORT=$(el_free_port) || el_die "no free port"
	PGUSER=postgres
	PGDATABASE=postgres
	# Whoever can enter the socket's folder is trusted; nobody else can connect.
	{
		echo "shared_preload_libraries = 'pg_energyledger'"
		echo "unix_socket_directories = '$PGHOST'"
		echo "port = $PGPORT"
		echo "listen_addresses = ''"
		echo "log_line_prefix = '%m [%p] %b '"
		echo "timezone = 'UTC'"
		for line in "$@"; do
			echo "$line"
		done
	} >> "$EL_PGDATA/postgresql.conf"
	EL_CLUSTERS+=("$EL_PGDATA")
	export PGHOST PGPORT PGUSER PGDATABASE EL_PGDATA EL_PGLOG
}

el_cluster_start()
{
	if ! el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -l "$EL_PGLOG" -t "$EL_START_WAIT_S" -w -s start; then
		tail -20 "$EL_PGLOG" >&2
		el_die "PostgreSQL did not start"
	fi
}

el_cluster_stop()
{
	el_as_server "$EL_BIN/pg_ctl" -D "$EL_PGDATA" -m "${1:-fast}" -w -s stop
}

el_psql()
{
	"$EL_BIN/psql" -X -v ON_ERROR_STOP=1 -qAt "$@"
}

# ---------------------------------------------------------------- broker

# Allows everybody, as loopback is its only door.  Extra lines come last and so
# may add listeners; max_queued_messages 0 means no limit: a broker that drops a
# full queue in silence would be a different test.
el_broker()
{
	EL_MQTT_DIR=$EL_TMP/broker
	mkdir "$EL_MQTT_DIR"
	[ "$(id -u)" = 0 ] && chown "$EL_SERVER_USER" "$EL_MQTT_DIR"
	EL_MQTT_EXTRA=("$@")
	EL_MQTT_PORT=
	el_broker_start
}

el_broker_conf()
{
	cat <<-CONF
		listener $EL_MQTT_PORT 127.0.0.1
		allow_anonymous true
		persistence true
		persistence_location $EL_MQTT_DIR/
		autosave_interval 1
		max_queued_messages 0
		max_inflight_messages 0
		set_tcp_nodelay true
		log_dest stderr
		log_type error
		log_type warning
		log_type notice
		connection_messages false
	CONF
	printf '%s\n' ${EL_MQTT_EXTRA[@]+"${EL_MQTT_EXTRA[@]}"}
}

# Another process may take a free port before we do: then try the next one.  A
# restarted broker keeps its port, as its clients come back to it.
el_broker_start()
{
	local tries=5 port=$EL_MQTT_PORT

	[ -n "$port" ] && tries=1
	while [ $((tries--)) -gt 0 ]; do
		EL_MQTT_PORT=${port:-$(el_free_port)}
		el_broker_conf > "$EL_TMP/mosquitto.conf"
		el_spawn "$EL_TMP/log/broker" mosquitto -c "$EL_TMP/mosquitto.conf"
		EL_BROKER_PID=$EL_SPAWN_PID
		EL_BROKER_JOB=$EL_SPAWN_JOB
		if el_wait "$EL_START_WAIT_S" el_broker_up && kill -0 "$EL_BROKER_PID" 2>/dev/null; then
			export EL_MQTT_PORT
			return 0
		fi
		el_reap KILL "$EL_BROKER_PID" "$EL_BROKER_JOB"
	done
	tail -5 "$EL_TMP/log/broker" >&2
	el_die "mosquitto did not start"
}

# Up, or dead already: both end the wait.
el_broker_up()
{
	kill -0 "$EL_BROKER_PID" 2>/dev/null || return 0
	(exec 3<>"/dev/tcp/127.0.0.1/$EL_MQTT_PORT") 2>/dev/null
}

el_broker_stop()
{
	el_reap "${1:-TERM}" "$EL_BROKER_PID" "$EL_BROKER_JOB"
}

# ---------------------------------------------------------------- bridge

# The bridge as installed in the stage, between EL_MQTT_PORT and the cluster.
# It logs in as a role that has energyledger_writer and nothing else.
# Returns once it hears the broker: what is published from then on, it gets.
el_bridge_start()
{
	local log=$EL_TMP/log/bridge before=0

	[ -f "$log" ] && before=$(el_bridge_connects)
	# there already, or the server is not: the bridge's to find out
	el_psql -c "CREATE ROLE bridge LOGIN IN ROLE energyledger_writer" > /dev/null 2>&1
	el_spawn "$log" env PGUSER=bridge "$EL_BIN/energyledger-bridge" \
		--broker-host 127.0.0.1 --broker-port "$EL_MQTT_PORT" "$@"
	EL_BRIDGE_PID=$EL_SPAWN_PID
	EL_BRIDGE_JOB=$EL_SPAWN_JOB
	EL_BRIDGE_LOG=$log
	if ! el_wait "$EL_START_WAIT_S" el_bridge_heard "$before" || ! kill -0 "$EL_BRIDGE_PID" 2>/dev/null; then
		tail -20 "$log" >&2
		el_die "energyledger-bridge did not start"
	fi
}

el_bridge_connects()
{
	grep -c 'connected to the broker' "$EL_TMP/log/bridge"
}

# Connected once more than before, or dead already: both end the wait.
el_bridge_heard()
{
	kill -0 "$EL_BRIDGE_PID" 2>/dev/null || return 0
	[ "$(el_bridge_connects)" -gt "$1" ]
}

# SIGTERM drains; the bridge's exit status is returned.
el_bridge_stop()
{
	el_reap "${1:-TERM}" "$EL_BRIDGE_PID" "$EL_BRIDGE_JOB"
}

# ---------------------------------------------------------------- TAP

# el_ok NAME COMMAND...: passes where the command succeeds.
el_ok()
{
	local name=$1

	shift
	EL_TAP_COUNT=$((EL_TAP_COUNT + 1))
	el_progress_end
	if "$@"; then
		echo "ok $EL_TAP_COUNT - $name"
	else
		echo "not ok $EL_TAP_COUNT - $name"
		EL_TAP_FAILED=$((EL_TAP_FAILED + 1))
		return 1
	fi
}

# el_is NAME GOT WANTED: says both where they differ.
el_is()
{
	if ! el_ok "$1" test "$2" = "$3"; then
		printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
		return 1
	fi
}

el_skip()
{
	EL_TAP_COUNT=$((EL_TAP_COUNT + 1))
	echo "ok $EL_TAP_COUNT - $1 # SKIP $2"
}

# The plan stands at the end: a script that dies early has none and so fails.
el_done()
{
	el_progress_end
	echo "1..$EL_TAP_COUNT"
	[ "$EL_TAP_FAILED" = 0 ] || exit 1
	exit 0
}

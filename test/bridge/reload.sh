#!/bin/bash
# reload.sh: TLS with certificates on both sides, passwords, what SIGHUP changes and
# what it does not, and what systemd is told.

. "$(dirname "$0")/../lib.sh"

el_begin reload
el_stage
el_cluster reload
el_psql -c "CREATE EXTENSION pg_energyledger"
BRIDGE=$EL_BIN/energyledger-bridge
METER=$EL_BIN/energyledger-meter
conf=$EL_TMP/bridge.conf
tls=$EL_TMP/tls
mkdir "$tls" && chmod 755 "$tls"

# ---------------------------------------------------------------- certificates

# authority NAME; certificate NAME AUTHORITY CN [DAYS [EXTENSION]]
quiet() { "$@" > "$EL_TMP/log/openssl" 2>&1 || { cat "$EL_TMP/log/openssl" >&2; el_die "openssl failed"; }; }
authority()
{
	quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
		-keyout "$tls/$1.key" -out "$tls/$1.crt"
}
certificate()
{
	quiet openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" -keyout "$tls/$1.key" -out "$tls/$1.csr"
	quiet openssl x509 -req -in "$tls/$1.csr" -CA "$tls/$2.crt" -CAkey "$tls/$2.key" -CAcreateserial -days "${4:-40}" \
		-extfile <(echo "${5:-basicConstraints=CA:FALSE}") -out "$tls/$1.crt"
}
authority ours
authority strange
certificate broker ours broker 40 "subjectAltName=IP:127.0.0.1"
certificate elsewhere ours elsewhere 40 "subjectAltName=DNS:elsewhere.example"
certificate first ours first
certificate second ours second
certificate stranger strange stranger
certificate soon ours soon 5
certificate over ours over 0
openssl ec -in "$tls/first.key" -aes128 -passout pass:x -out "$tls/locked.key" 2> /dev/null
chmod 644 "$tls"/*

secure=$(el_free_port)
other=$(el_free_port)
mosquitto_passwd -b -c "$tls/passwords" bridge sesame
chmod 644 "$tls/passwords"
# Two listeners with certificates, and one with a password.
eval "plain_$(declare -f el_broker_conf)"	# what stands there has to come first
el_broker_conf() { echo "per_listener_settings true"; plain_el_broker_conf; }
el_broker "connection_messages true" \
	"listener $secure 127.0.0.1" "cafile $tls/ours.crt" "certfile $tls/broker.crt" "keyfile $tls/broker.key" \
	"require_certificate true" "use_identity_as_username true" "allow_anonymous false" \
	"listener $other 127.0.0.1" "allow_anonymous false" "password_file $tls/passwords"
broker_saw() { grep -q -- "$1" "$EL_TMP/log/broker"; }
logged() { grep -qE -- "$1" "$EL_BRIDGE_LOG"; }
lines() { grep -cE -- "$1" "$EL_BRIDGE_LOG"; }

refuses()
{
	local said

	said=$("$BRIDGE" --test-config --broker-cafile "$tls/ours.crt" "${@:3}" 2>&1)
	el_is "$1: exit status" $? 1
	el_ok "$1: says why" grep -qF -- "$2" <<< "$said"
}
refuses "key of another certificate" "is not that of the certificate" --broker-certfile "$tls/first.crt" --broker-keyfile "$tls/second.key"
refuses "certificate that has run out" "has run out" --broker-certfile "$tls/over.crt" --broker-keyfile "$tls/over.key"
refuses "encrypted key" "is encrypted" --broker-certfile "$tls/first.crt" --broker-keyfile "$tls/locked.key"
refuses "no certificate" "holds no certificate" --broker-certfile "$tls/first.key" --broker-keyfile "$tls/first.key"
refuses "no key" "holds no private key" --broker-certfile "$tls/first.crt" --broker-keyfile "$tls/first.crt"
refuses "no authority" "holds no certificate" --broker-cafile "$tls/first.key"

# try NAME TEXT ARG...: it does not get in, and says so.
turned_away()
{
	timeout -s TERM 2 env PGUSER=postgres "$BRIDGE" --broker-host 127.0.0.1 --broker-port "$secure" --backoff-ms-max 100 "${@:3}" > "$EL_TMP/said" 2>&1
	el_is "$1: does not get in" "$(grep -c 'connected to the broker' "$EL_TMP/said")" 0
	el_ok "$1: the log says why" grep -qE "broker_lost: .*$2" "$EL_TMP/said" || sed 's/^/# /' "$EL_TMP/said"
	el_is "$1: in one line" "$(grep -c 'broker_lost' "$EL_TMP/said")" 1
}
turned_away "no certificate of ours" "is away" --broker-cafile "$tls/ours.crt"
turned_away "a stranger's certificate" "is away" --broker-cafile "$tls/ours.crt" --broker-certfile "$tls/stranger.crt" --broker-keyfile "$tls/stranger.key"
turned_away "a broker whose authority is not ours" "certificate verify failed" --broker-cafile "$tls/strange.crt" --broker-certfile "$tls/first.crt" --broker-keyfile "$tls/first.key"

# ---------------------------------------------------------------- SIGHUP

cc -o "$EL_TMP/notify_listen" "$EL_ROOT/test/bridge/notify_listen.c" || el_die "cannot build notify_listen"
el_spawn "$EL_TMP/log/notify" "$EL_TMP/notify_listen" "$EL_RUN/notify"
told() { grep -qE -- "$1" "$EL_TMP/log/notify"; }
el_wait 10 test -S "$EL_RUN/notify"

cp "$tls/first.crt" "$tls/ours-now.crt"
cp "$tls/first.key" "$tls/ours-now.key"
chmod 644 "$tls"/ours-now.*
write_conf()
{
	cat > "$conf" <<-CONF
		broker_host = 127.0.0.1
		broker_port = $secure
		broker_cafile = $tls/ours.crt
		broker_certfile = $tls/ours-now.crt
		broker_keyfile = $tls/ours-now.key
		backoff_ms_max = 300
		$1
	CONF
}
write_conf ""
el_psql -c "CREATE ROLE bridge LOGIN IN ROLE energyledger_writer"
export EL_BRIDGE_LOG=$EL_TMP/log/bridge
el_spawn "$EL_BRIDGE_LOG" env PGUSER=bridge NOTIFY_SOCKET="$EL_RUN/notify" WATCHDOG_USEC=1000000 "$BRIDGE" --config "$conf"
EL_BRIDGE_PID=$EL_SPAWN_PID EL_BRIDGE_JOB=$EL_SPAWN_JOB
el_ok "with a certificate it gets in" el_wait 10 logged 'connected to the broker'
el_ok "under the certificate's name" el_wait 5 broker_saw "as energyledger-bridge.bridge.all.all (.*u'first'"
el_ok "systemd is told that it is ready" el_wait 5 told '^READY=1'
el_ok "and how it is" el_wait 5 told '^STATUS=1 of 1 shards at work'
watchdogs() { grep -c '^WATCHDOG=1' "$EL_TMP/log/notify"; }
before=$(watchdogs)
sleep 2
after=$(($(watchdogs) - before))
el_ok "the watchdog is fed about twice a second" test "$after" -ge 3 -a "$after" -le 6
kill -STOP "$EL_BRIDGE_PID"
before=$(watchdogs)
sleep 1.5
el_is "a process that hangs feeds it no more" "$(($(watchdogs) - before))" 0
kill -CONT "$EL_BRIDGE_PID" $(ps -o ppid= -p "$EL_BRIDGE_PID")	# runuser has stopped with it

"$METER" --register --seed tls --meters 3 | el_psql -f - > /dev/null
vkey=$(el_psql -c "SELECT energyledger.site_vkey()")
send() { "$METER" --broker "127.0.0.1:$EL_MQTT_PORT" --seed tls --meters 3 --site-vkey "$vkey" --timeout-s 60 --quiet "$@"; }
el_ok "messages and receipts pass" send

# hup: and wait until it is through.
reloads() { grep -c '^READY=1' "$EL_TMP/log/notify"; }
more_reloads() { [ "$(reloads)" -gt "$reloads_before" ]; }
hup()
{
	reloads_before=$(reloads)
	kill -HUP "$EL_BRIDGE_PID"
	el_wait 10 more_reloads
}
# Another certificate under the same names, while messages come.
send --date 2025-06-22 --rate 100 --epoch 2 & sender=$!
sleep 0.5
cp "$tls/second.crt" "$tls/ours-now.crt"
cp "$tls/second.key" "$tls/ours-now.key"
el_ok "SIGHUP: systemd sees it through" hup
el_ok "SIGHUP: RELOADING with its time" told '^RELOADING=1 MONOTONIC_USEC=[0-9]+'
el_ok "SIGHUP: the new certificate is used" el_wait 10 broker_saw "as energyledger-bridge.bridge.all.all (.*u'second'"
wait $sender
el_is "no message was lost over it" $? 0
el_is "nor was that a loss of the broker" "$(lines broker_lost)" 0

cp "$tls/first.key" "$tls/ours-now.key"
hup
el_ok "SIGHUP: a key that does not fit is refused" logged 'reload_refused: settings stay as they were: .*is not that of the certificate'
cp "$tls/soon.crt" "$tls/ours-now.crt"
cp "$tls/soon.key" "$tls/ours-now.key"
hup
el_ok "SIGHUP: a certificate that runs out soon is warned of" el_wait 5 logged 'certificate_ends: .*in 4 days'
write_conf "linger = 1"
hup
el_ok "SIGHUP: a wrong file is refused" logged 'reload_refused: .*unknown key "linger"'
connects=$(lines 'connected to the broker')
write_conf $'id = other\nbatch_messages_max = 7\nlinger_ms = 300\nlog_format = json'
hup
el_ok "SIGHUP: what waits for a restart is named" logged 'changed settings that are taken at the next start only: id, batch_messages_max'
el_ok "SIGHUP: the rest is taken, the log's form for one" logged '^\{"time":"[^"]*","level":"info","event":"reloaded","message":"settings read anew"\}'
el_is "SIGHUP: nothing is connected anew for it" "$(lines 'connected to the broker')" "$connects"
write_conf "conninfo = application_name=renamed"
hup
renamed() { [ "$(el_psql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'renamed'")" = 1 ]; }
el_ok "SIGHUP: another connection string" el_wait 10 renamed

# ---------------------------------------------------------------- password

echo sesame > "$tls/password"
cat > "$conf" <<-CONF
	broker_host = 127.0.0.1
	broker_port = $other
	broker_username = bridge
	broker_password_file = $tls/password
	backoff_ms_max = 300
CONF
chmod 644 "$tls/password"
hup
el_ok "SIGHUP: another listener, with a password" el_wait 10 broker_saw "as energyledger-bridge.bridge.all.all (.*u'bridge'"
el_ok "a password that everybody may read is warned of" logged 'file_readable: .*password .*readable by every user'
mosquitto_passwd -b "$tls/passwords" bridge open
kill -HUP "$EL_BROKER_PID"
sleep 0.5
echo open > "$tls/password"
before=$(grep -c "as energyledger-bridge.bridge.all.all (.*u'bridge'" "$EL_TMP/log/broker")
hup
again() { [ "$(grep -c "as energyledger-bridge.bridge.all.all (.*u'bridge'" "$EL_TMP/log/broker")" -gt "$before" ]; }
el_ok "SIGHUP: the new password is read" el_wait 10 again
el_ok "no password is in the log" test "$(grep -cE 'sesame|open"' "$EL_BRIDGE_LOG")" = 0

el_bridge_stop TERM
el_is "SIGTERM: exit status" $? 0
el_ok "systemd is told that it stops" told '^STOPPING=1'
el_done

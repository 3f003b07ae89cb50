#!/bin/bash
# shipped.sh: the files that come with the bridge do what they say: settings and
# manual name each other, systemd takes the unit, and mosquitto with the shipped
# settings and access list lets in whom it should.

. "$(dirname "$0")/../lib.sh"

el_begin shipped
el_stage
BRIDGE=$EL_BIN/energyledger-bridge
here=$EL_ROOT/mqtt_bridge

# ---------------------------------------------------------------- words

settings=$("$BRIDGE" --help | sed -nE 's/^  (--|\(file only\) )([a-z_-]+) .*\[?.*/\2/p' | tr - _ | grep -vE '^(config|test_config|version|replay|dry_run)$' | sort)
el_ok "there are settings" test "$(wc -l <<< "$settings")" -gt 20
missing=
for name in $settings; do
	grep -qE "^\.(It )?Cm .*\b$name\b" "$here/energyledger-bridge.8" || missing="$missing $name"
done
el_is "the manual names every setting" "$missing" ""
missing=
for name in $settings; do
	grep -qE "^(# )?$name =" "$here/energyledger-bridge.conf.example" || missing="$missing $name"
done
el_is "the example names every setting" "$missing" ""
if command -v mandoc > /dev/null; then
	el_is "mandoc finds nothing in the manual" "$(mandoc -T lint -W warning "$here/energyledger-bridge.8" 2>&1)" ""
elif command -v groff > /dev/null; then
	el_is "groff finds nothing in the manual" "$(groff -ww -mdoc -Tutf8 "$here/energyledger-bridge.8" 2>&1 > /dev/null)" ""
else
	el_skip "the manual" "neither mandoc nor groff is installed"
fi
el_ok "the manual is installed" test -n "$(find "$EL_STAGE" -name energyledger-bridge.8)"

if command -v systemd-analyze > /dev/null; then
	sed "s|/usr/bin/energyledger-bridge|$BRIDGE|; /^Documentation/d" "$here/energyledger-bridge.service" > "$EL_TMP/energyledger-bridge.service"
	el_is "systemd finds nothing in the unit" "$(systemd-analyze verify "$EL_TMP/energyledger-bridge.service" 2>&1)" ""
	exposure=$(systemd-analyze security --offline=true --no-pager "$EL_TMP/energyledger-bridge.service" 2> /dev/null |
		grep -oE 'exposure level .*: [0-9.]+' | grep -oE '[0-9.]+$')
	el_ok "systemd thinks it is closed up: $exposure of 10" awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.5) }'
else
	el_skip "the systemd unit" "systemd-analyze is not installed"
fi

# ---------------------------------------------------------------- mosquitto

el_cluster shipped
el_psql -c "CREATE EXTENSION pg_energyledger"
tls=$EL_RUN/tls
mkdir "$tls"
quiet() { "$@" > "$EL_TMP/log/openssl" 2>&1 || { cat "$EL_TMP/log/openssl" >&2; el_die "openssl failed"; }; }
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
quiet openssl req -x509 "${key[@]}" -days 30 -subj /CN=ca -keyout "$tls/ca.key" -out "$tls/ca.crt"
for name in broker energyledger-bridge m-house-01 m-house-02; do
	quiet openssl req "${key[@]}" -subj "/CN=$name" -keyout "$tls/$name.key" -out "$tls/$name.csr"
	quiet openssl x509 -req -in "$tls/$name.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 40 \
		-extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$tls/$name.crt"
done
cp "$here/mosquitto.acl.example" "$tls/acl"
mosquitto_passwd -b -c "$tls/passwords" energyledger-bridge sesame
chown -R "$EL_SERVER_USER" "$tls"
secure=$(el_free_port)
# The shipped file as it is, but for its places and where its log goes.
el_broker_conf()
{
	sed "s|/etc/mosquitto/energyledger|$tls|; s|/var/lib/mosquitto/|$EL_MQTT_DIR/|; s|^listener 8883|listener $secure 127.0.0.1|
		s|^listener 1883|listener $EL_MQTT_PORT|; s|^log_dest.*|log_dest stderr|; s|^sys_interval.*|sys_interval 1|" "$here/mosquitto.conf.example"
}
el_broker
el_is "mosquitto takes the shipped settings without a warning" "$(grep -ciE 'error|warning|unknown' "$EL_TMP/log/broker")" 0

as() { printf '%s\n' -V 5 -h 127.0.0.1 -p "$secure" --cafile "$tls/ca.crt" --cert "$tls/$1.crt" --key "$tls/$1.key"; }
el_ok "nobody gets in without a certificate" test "$(mosquitto_pub -V 5 -h 127.0.0.1 -p "$secure" --cafile "$tls/ca.crt" -t x -m x > /dev/null 2>&1; echo $?)" != 0
el_ok "nor without a password" test "$(mosquitto_pub -V 5 -h 127.0.0.1 -p "$EL_MQTT_PORT" -t x -m x > /dev/null 2>&1; echo $?)" != 0

cp "$tls/energyledger-bridge.crt" "$tls/energyledger-bridge.key" "$tls/ca.crt" "$EL_TMP/"
el_bridge_start --broker-port "$secure" --broker-cafile "$tls/ca.crt" --broker-certfile "$tls/energyledger-bridge.crt" \
	--broker-keyfile "$tls/energyledger-bridge.key"
sleep 3		# for what it sees at the broker
el_is "the bridge has nothing to warn of" "$(grep -cE ' (warning|error) ' "$EL_BRIDGE_LOG")" 0

# One meter as the tool makes it, by foreign clients, as the tool speaks no TLS.
"$EL_BIN/energyledger-meter" --register --seed shipped --prefix m- --meters 1 | el_psql -f - > /dev/null
el_as_server "$EL_BIN/energyledger-meter" --seed shipped --prefix m- --meters 1 --quiet --write "$EL_RUN/copy"
meter=$(el_psql -c "SELECT meter FROM energyledger.meter_current")
el_is "the meter has the name of the certificate" "$meter" m-house-01
publish() { printf "$(sed -n "${3}s/^\\\\*x//p" "$EL_RUN/copy" | sed 's/../\\x&/g')" | mosquitto_pub $(as "$1") -q 1 -t "$2" -s; }
stored() { [ "$(el_psql -c "SELECT count(*) FROM energyledger.message")" = "$1" ]; }
publish m-house-01 el/v1/local/0/m-house-01/up/reading 1
el_ok "a meter sends" el_wait 10 stored 1
publish m-house-02 el/v1/local/0/m-house-01/up/reading 2 2> /dev/null
sleep 1
el_ok "another cannot send in its name" stored 1
el_is "it reads its receipt" "$(mosquitto_sub $(as m-house-01) -t 'el/v1/local/0/m-house-01/down/receipt' -C 1 -W 5 | sed -n 3p)" m-house-01
el_is "another cannot read it" "$(mosquitto_sub $(as m-house-02) -t 'el/v1/local/0/m-house-01/down/receipt' -C 1 -W 2 2> /dev/null)" ""
el_is "nor what it sends" "$( (sleep 0.5; publish m-house-01 el/v1/local/0/m-house-01/up/reading 2) & mosquitto_sub $(as m-house-02) -t 'el/v1/#' -C 1 -W 2 2> /dev/null)" ""
mosquitto_pub $(as m-house-01) -q 1 -t el/v1/bridge/bridge/state -m offline -r 2> /dev/null
el_is "a meter cannot speak for the bridge" "$(mosquitto_sub $(as energyledger-bridge) -t el/v1/bridge/bridge/state -C 1 -W 5)" online
mosquitto_pub $(as m-house-02) -q 1 -t el/v1/local/0/m-house-01/down/receipt -m forged -r 2> /dev/null
el_is "nor send receipts" "$(mosquitto_sub $(as m-house-01) -t 'el/v1/local/0/m-house-01/down/receipt' -C 1 -W 5 | head -1)" energyledger/receipt/v1

# Commands and requests, by the bridge alone, to their meter alone.
mosquitto_sub $(as m-house-02) -t 'el/v1/+/+/+/down/#' -W 15 > "$EL_TMP/stranger" 2> /dev/null &
stranger=$!
mosquitto_sub $(as m-house-01) -q 1 -t 'el/v1/local/0/m-house-01/down/cmd' -C 1 -W 15 > "$EL_TMP/cmd" &
reader=$!
sleep 1
mosquitto_pub $(as m-house-02) -q 1 -t el/v1/local/0/m-house-01/down/cmd -m forged 2> /dev/null
el_psql -o /dev/null -c "SELECT energyledger.rotate_operator_key()" -c "SELECT energyledger.send_command('m-house-01', '{\"type\":\"text\",\"text\":\"x\"}')"
wait $reader
el_is "a meter reads its commands" "$(sed -n '1p;3p' "$EL_TMP/cmd" | tr '\n' ' ')" "energyledger/command/v1 m-house-01 "
recorded() { [ "$(el_psql -c "SELECT state FROM energyledger.command_state")" = published ]; }
el_ok "which counts as published" el_wait 10 recorded
kill $stranger
wait $stranger
el_is "another cannot read them" "$(cat "$EL_TMP/stranger")" ""
el_bridge_stop TERM

echo sesame > "$EL_TMP/password"
el_bridge_start --broker-username energyledger-bridge --broker-password-file "$EL_TMP/password"
publish m-house-01 el/v1/local/0/m-house-01/up/reading 3
el_ok "the bridge gets in by the local door with a password" el_wait 10 stored 3
el_bridge_stop TERM
el_is "exit status" $? 0
el_done

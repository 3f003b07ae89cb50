#!/bin/bash
# foreign.sh: meters made of others' libraries are understood.
#
# Messages signed by npm's jose (JWS) and @auth0/cose (COSE_Sign1) and published by
# npm's mqtt must arrive as accepted; honestly signed ones with one bit of the
# signature flipped must land in quarantine.  Ed25519 and P-256 each.  Skips, saying why, where
# Node or the registry is missing.

. "$(dirname "$0")/../lib.sh"

PACKAGES=(mqtt@5.16.0 jose@6.2.17 @auth0/cose@1.0.2 cbor-x@1.6.9)
NPM_WAIT_S=120

el_begin foreign
skip()
{
	el_skip "messages made by npm's jose, @auth0/cose and mqtt" "$1"
	el_done
}
command -v node > /dev/null || skip "node is not installed"
command -v npm > /dev/null || skip "npm is not installed"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || skip "node is older than 18"

# No script of a package runs; nothing is written outside this folder.
mkdir "$EL_TMP/npm" && cd "$EL_TMP/npm" || exit 1
el_progress "foreign: installing ${PACKAGES[*]}"
npm_config_cache=$EL_TMP/npm/cache timeout "$NPM_WAIT_S" npm install --no-save --ignore-scripts --no-audit --no-fund \
	--silent "${PACKAGES[@]}" > "$EL_TMP/log/npm" 2>&1 || skip "npm could not install ${PACKAGES[*]}"

el_ok "jose and @auth0/cose sign" node "$EL_ROOT/test/bridge/foreign.mjs" sign "$EL_TMP/npm" || el_done

el_stage
el_cluster foreign
el_psql -c "CREATE EXTENSION pg_energyledger"
el_psql -f register.sql > /dev/null || el_die "cannot register meters"
el_broker
el_bridge_start
el_ok "mqtt publishes" node "$EL_ROOT/test/bridge/foreign.mjs" publish "$EL_TMP/npm" "$EL_MQTT_PORT"

arrived()
{
	[ "$(el_psql -c "SELECT (SELECT count(*) FROM energyledger.message) + (SELECT count(*) FROM energyledger.quarantine)")" -ge 20 ]
}
el_wait 20 arrived
for meter in foreign-jws-eddsa foreign-jws-es256 foreign-cose-eddsa foreign-cose-es256; do
	el_is "$meter: accepted, chained, read" "$(el_psql -c \
		"SELECT count(*), bool_and(chained), bool_and(prev_valid OR seq = 1),
		        (SELECT sum(value) FROM energyledger.reading r WHERE r.meter = m.meter AND unit = 'Wh')
		   FROM energyledger.message m WHERE meter = '$meter' GROUP BY meter")" "4|t|t|600"
	el_is "$meter: a flipped bit lands in quarantine" "$(el_psql -c \
		"SELECT reason, meter, seq FROM energyledger.quarantine WHERE topic LIKE '%/$meter/%'")" "bad_signature|$meter|5"
	el_is "$meter: a transfer is understood" "$(el_psql -c \
		"SELECT m.type, r.operation FROM energyledger.certificate_refusal r JOIN energyledger.message m USING (meter, epoch, seq)
		  WHERE meter = '$meter' AND seq = 4")" "transfer|cancel"
done
el_bridge_stop TERM
el_is "the bridge ends with 0" $? 0
el_done

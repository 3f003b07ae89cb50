/*
 * metering.sql: signed messages of meters, and what is read from them.
 *
 * Ledger tables: what was said, byte for byte (message), the readings in it
 * (reading), all that was not believed (quarantine), and what a person decided to
 * believe after all (quarantine_release).  Meter names compare as bytes (COLLATE "C"): they are
 * identifiers, and lookups by them are the hottest path of ingest.  Each index
 * costs time on that path, so there are only those that something here uses.
 */

CREATE TABLE energyledger.message (
    meter        text COLLATE "C" NOT NULL,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    type         text NOT NULL,
    envelope     text NOT NULL,
    prev         bytea,
    digest       bytea NOT NULL,
    sent_at      timestamptz NOT NULL,
    clock_status text NOT NULL,
    received_at  timestamptz NOT NULL,
    chained      boolean NOT NULL,
    prev_valid   boolean,
    clock_ahead_ms bigint,
    clock_back_ms  bigint,
    quarantine_id  bigint,
    raw          bytea NOT NULL
) USING ledger;
CREATE UNIQUE INDEX message_key ON energyledger.message (meter, epoch, seq);
-- where to look for the end of a meter's unbroken sequence, and the few messages beyond a gap
CREATE INDEX message_chained_idx ON energyledger.message (meter, epoch, seq)
    WHERE chained AND (seq % 64 = 1 OR prev_valid IS NULL);
CREATE INDEX message_unchained_idx ON energyledger.message (meter, epoch, seq) WHERE NOT chained;
-- what somebody should look at: few, on a sound fleet
CREATE INDEX message_anomaly_idx ON energyledger.message (meter, epoch, seq)
    WHERE NOT prev_valid OR clock_ahead_ms IS NOT NULL OR clock_back_ms IS NOT NULL;

COMMENT ON TABLE energyledger.message IS
'accepted messages, one for each (meter, epoch, seq), as the bytes that were signed. Written by ingest()';
COMMENT ON COLUMN energyledger.message.meter IS 'who signed it';
COMMENT ON COLUMN energyledger.message.epoch IS 'counts up when the meter lost its counter';
COMMENT ON COLUMN energyledger.message.seq IS 'counts the meter''s messages of an epoch from 1; of an OCMF record its number and 1';
COMMENT ON COLUMN energyledger.message.type IS 'reading, order, cancel, transfer, ack, event or key';
COMMENT ON COLUMN energyledger.message.envelope IS 'cose (COSE_Sign1), jws (compact JWS) or ocmf (Open Charge Metering Format)';
COMMENT ON COLUMN energyledger.message.prev IS 'SHA-256 of the message before, as the meter says; NULL at seq 1 and in OCMF, which has none';
COMMENT ON COLUMN energyledger.message.digest IS 'SHA-256 of raw';
COMMENT ON COLUMN energyledger.message.sent_at IS 'the meter''s clock when it signed';
COMMENT ON COLUMN energyledger.message.clock_status IS 'that clock: S synchronised, I informative, R relative, U unknown';
COMMENT ON COLUMN energyledger.message.received_at IS 'when the batch with it was ingested';
COMMENT ON COLUMN energyledger.message.chained IS
'every earlier message of the epoch was in the ledger when this one was stored. Never corrected: the unbroken sequence ends at the highest chained message or, where stored messages follow it without a gap, at the last of these';
COMMENT ON COLUMN energyledger.message.prev_valid IS
'prev was the digest of the message before; NULL where that was not in the ledger yet. False does not block: it is evidence';
COMMENT ON COLUMN energyledger.message.clock_ahead_ms IS
'how far the meter''s clock was ahead of the time of receipt, where that was more than 5 minutes; else NULL. A clock alone never refuses a message';
COMMENT ON COLUMN energyledger.message.clock_back_ms IS
'how far the meter''s clock went back since the message before; NULL where it did not, or where that message was not in the ledger yet';
COMMENT ON COLUMN energyledger.message.quarantine_id IS 'set where release() took it from the quarantine: that row''s ledger_id';
COMMENT ON COLUMN energyledger.message.raw IS 'the whole signed message';

CREATE TABLE energyledger.reading (
    meter   text COLLATE "C" NOT NULL,
    epoch   bigint NOT NULL,
    seq     bigint NOT NULL,
    item    smallint NOT NULL,
    obis    text COLLATE "C" NOT NULL,
    from_at timestamptz NOT NULL,
    to_at   timestamptz NOT NULL,
    value   bigint NOT NULL,
    scale   smallint NOT NULL,
    unit    text COLLATE "C" NOT NULL,
    status  text NOT NULL
) USING ledger;
CREATE INDEX reading_meter_idx ON energyledger.reading (meter, from_at);

COMMENT ON TABLE energyledger.reading IS
'readings of accepted messages of type reading, a row each. Written by ingest()';
COMMENT ON COLUMN energyledger.reading.meter IS 'the message''s meter';
COMMENT ON COLUMN energyledger.reading.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.reading.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.reading.item IS 'place in the message''s list, from 1';
COMMENT ON COLUMN energyledger.reading.obis IS 'which register (IEC 62056-61): 1-0:1.8.0 import, 1-0:2.8.0 export';
COMMENT ON COLUMN energyledger.reading.from_at IS 'start of the interval; equal to to_at for a register''s stand';
COMMENT ON COLUMN energyledger.reading.to_at IS 'end of the interval, not part of it';
COMMENT ON COLUMN energyledger.reading.value IS 'the integer that was signed: value * 10^scale units';
COMMENT ON COLUMN energyledger.reading.scale IS 'power of ten, -9 to 9';
COMMENT ON COLUMN energyledger.reading.unit IS 'Wh, kWh, varh, W, ...';
COMMENT ON COLUMN energyledger.reading.status IS
'OCMF''s letters: G good, N not present, T timeout, D disconnected, R not found, M manipulated, X exchanged, I incompatible, O out of range, S substitute, E other error, F read error';

CREATE TABLE energyledger.quarantine (
    received_at timestamptz NOT NULL,
    reason      text NOT NULL,
    detail      text,
    meter       text COLLATE "C",
    epoch       bigint,
    seq         bigint,
    topic       text,
    digest      bytea NOT NULL,
    raw         bytea NOT NULL
) USING ledger;
CREATE UNIQUE INDEX quarantine_key ON energyledger.quarantine (digest, reason);

COMMENT ON TABLE energyledger.quarantine IS
'messages that arrived and were not believed, with the reason; the same bytes for the same reason are kept once. Written by ingest()';
COMMENT ON COLUMN energyledger.quarantine.received_at IS 'when the first of them was ingested';
COMMENT ON COLUMN energyledger.quarantine.reason IS 'refusal code, listed in doc/messages.md';
COMMENT ON COLUMN energyledger.quarantine.detail IS 'more about it, where there is more';
COMMENT ON COLUMN energyledger.quarantine.meter IS 'whose message it claims to be; NULL where that could not be read. Not verified';
COMMENT ON COLUMN energyledger.quarantine.epoch IS 'epoch it claims; NULL where it could not be read';
COMMENT ON COLUMN energyledger.quarantine.seq IS 'sequence number it claims; NULL where it could not be read';
COMMENT ON COLUMN energyledger.quarantine.topic IS 'topic it came on, where the caller told';
COMMENT ON COLUMN energyledger.quarantine.digest IS 'SHA-256 of raw';
COMMENT ON COLUMN energyledger.quarantine.raw IS 'the bytes as they arrived';

CREATE TABLE energyledger.quarantine_release (
    quarantine_id bigint NOT NULL PRIMARY KEY,
    verdict       text NOT NULL,
    meter         text COLLATE "C" NOT NULL,
    epoch         bigint NOT NULL,
    seq           bigint NOT NULL,
    reason        text NOT NULL,
    role          text NOT NULL,
    released_at   timestamptz NOT NULL
) USING ledger;
COMMENT ON TABLE energyledger.quarantine_release IS
'messages that were quarantined and that a person had stored after all, each once. Written by release()';
COMMENT ON COLUMN energyledger.quarantine_release.quarantine_id IS 'quarantine.ledger_id';
COMMENT ON COLUMN energyledger.quarantine_release.verdict IS 'accepted: stored; duplicate: the same signed bytes had been stored meanwhile';
COMMENT ON COLUMN energyledger.quarantine_release.meter IS 'whose message it is, verified';
COMMENT ON COLUMN energyledger.quarantine_release.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.quarantine_release.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.quarantine_release.reason IS 'why, in that person''s words';
COMMENT ON COLUMN energyledger.quarantine_release.role IS 'the session''s role';
COMMENT ON COLUMN energyledger.quarantine_release.released_at IS 'when';
COMMENT ON COLUMN energyledger.quarantine_release.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.quarantine_release_pkey IS 'each once';

COMMENT ON COLUMN energyledger.message.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.reading.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.quarantine.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.message_key IS 'each message once';
COMMENT ON INDEX energyledger.message_chained_idx IS 'where to look for the end of a meter''s unbroken sequence once it is broken: every 64th of an epoch, and those without one before them';
COMMENT ON INDEX energyledger.message_unchained_idx IS 'messages that were stored beyond a gap';
COMMENT ON INDEX energyledger.message_anomaly_idx IS 'a chain or a clock that does not fit';
COMMENT ON INDEX energyledger.reading_meter_idx IS 'a meter''s readings by time';
COMMENT ON INDEX energyledger.quarantine_key IS 'the same bytes are set aside once for each reason';

-- A day's readings in one message are long enough to be compressed: that is some 7 % of
-- ingest's time with pglz and below 1 % with lz4, which most servers are built with.
DO $$
BEGIN
    ALTER TABLE energyledger.message ALTER COLUMN raw SET COMPRESSION lz4;
    ALTER TABLE energyledger.quarantine ALTER COLUMN raw SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

SELECT pg_catalog.pg_extension_config_dump('energyledger.message', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.reading', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.quarantine', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.quarantine_release', '');

-- A gap ends before a message whose predecessor is missing; such a message is
-- never chained, so the small index of unchained messages finds them all.
CREATE VIEW energyledger.meter_gap AS
    SELECT m.meter, m.epoch,
           coalesce(b.seq, 0) + 1 AS from_seq,
           m.seq - 1 AS to_seq
      FROM energyledger.message m
      LEFT JOIN LATERAL (
               SELECT p.seq
                 FROM energyledger.message p
                WHERE p.meter = m.meter AND p.epoch = m.epoch AND p.seq < m.seq
                ORDER BY p.seq DESC
                LIMIT 1) b ON true
     WHERE NOT m.chained
       AND coalesce(b.seq, 0) < m.seq - 1;
COMMENT ON VIEW energyledger.meter_gap IS
'sequence numbers that are missing before messages that arrived: what to ask the meters for again. Messages lost after the newest that arrived cannot be known here';
COMMENT ON COLUMN energyledger.meter_gap.meter IS 'whose messages';
COMMENT ON COLUMN energyledger.meter_gap.epoch IS 'in which epoch';
COMMENT ON COLUMN energyledger.meter_gap.from_seq IS 'first one missing';
COMMENT ON COLUMN energyledger.meter_gap.to_seq IS 'last one missing';

-- Two texts under one number, or a text that does not follow from the one before.  A
-- message that came before its predecessor was not compared then; here it is.
CREATE VIEW energyledger.meter_fork AS
    SELECT q.meter, q.epoch, q.seq, 'equivocation'::text AS kind,
           m.digest AS expected, q.digest AS found, q.received_at
      FROM energyledger.quarantine q
      JOIN energyledger.message m USING (meter, epoch, seq)
     WHERE q.reason = 'equivocation'
    UNION ALL
    SELECT m.meter, m.epoch, m.seq, 'prev'::text, b.digest, m.prev, m.received_at
      FROM energyledger.message m
      JOIN energyledger.message b ON b.meter = m.meter AND b.epoch = m.epoch AND b.seq = m.seq - 1
     WHERE NOT m.prev_valid
    UNION ALL
    SELECT m.meter, m.epoch, m.seq, 'prev'::text, b.digest, m.prev, m.received_at
      FROM energyledger.message m
      JOIN energyledger.message b ON b.meter = m.meter AND b.epoch = m.epoch AND b.seq = m.seq - 1
     WHERE NOT m.chained AND m.prev_valid IS NULL AND b.digest <> m.prev;
COMMENT ON VIEW energyledger.meter_fork IS
'evidence that a meter said two things: equivocation (other bytes under a number that is taken; they are in quarantine) and prev (a message that does not follow from the one before)';
COMMENT ON COLUMN energyledger.meter_fork.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_fork.epoch IS 'in which epoch';
COMMENT ON COLUMN energyledger.meter_fork.seq IS 'at which sequence number';
COMMENT ON COLUMN energyledger.meter_fork.kind IS 'equivocation or prev';
COMMENT ON COLUMN energyledger.meter_fork.expected IS 'SHA-256 of the message that is stored: under this number, or before it';
COMMENT ON COLUMN energyledger.meter_fork.found IS 'SHA-256 of the other message; the message''s prev';
COMMENT ON COLUMN energyledger.meter_fork.received_at IS 'when that arrived';

CREATE VIEW energyledger.meter_clock AS
    SELECT meter, epoch, seq, clock_status, sent_at, received_at, clock_ahead_ms, clock_back_ms
      FROM energyledger.message
     WHERE clock_ahead_ms IS NOT NULL OR clock_back_ms IS NOT NULL;
COMMENT ON VIEW energyledger.meter_clock IS
'messages whose clock was more than 5 minutes ahead of the time of receipt, or went back. They count all the same: order is (epoch, seq)';
COMMENT ON COLUMN energyledger.meter_clock.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_clock.epoch IS 'in which epoch';
COMMENT ON COLUMN energyledger.meter_clock.seq IS 'at which sequence number';
COMMENT ON COLUMN energyledger.meter_clock.clock_status IS 'what the meter says of its clock: S synchronised, I informative, R relative, U unknown';
COMMENT ON COLUMN energyledger.meter_clock.sent_at IS 'the meter''s clock when it signed';
COMMENT ON COLUMN energyledger.meter_clock.received_at IS 'when the message was ingested';
COMMENT ON COLUMN energyledger.meter_clock.clock_ahead_ms IS 'how far ahead of that; NULL: not more than 5 minutes';
COMMENT ON COLUMN energyledger.meter_clock.clock_back_ms IS 'how far behind the message before; NULL: not behind';

CREATE VIEW energyledger.quarantine_open AS
    SELECT q.*
      FROM energyledger.quarantine q
     WHERE NOT EXISTS (SELECT FROM energyledger.quarantine_release r WHERE r.quarantine_id = q.ledger_id)
       AND NOT EXISTS (SELECT FROM energyledger.message m
                        WHERE m.meter = q.meter AND m.epoch = q.epoch AND m.seq = q.seq AND m.digest = q.digest);
COMMENT ON VIEW energyledger.quarantine_open IS
'quarantined messages that were neither released nor taken when they came again: what a person has still to look at';
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT v.attname, col_description(t.attrelid, t.attnum) AS said
               FROM pg_attribute t JOIN pg_attribute v USING (attname)
              WHERE t.attrelid = 'energyledger.quarantine'::regclass AND t.attnum > 0 AND NOT t.attisdropped
                AND v.attrelid = 'energyledger.quarantine_open'::regclass
    LOOP
        EXECUTE format('COMMENT ON COLUMN energyledger.quarantine_open.%I IS %L', c.attname, c.said);
    END LOOP;
END
$$;

-- ingest, release and meter_receipts run with their owner's rights: a bridge
-- gets EXECUTE on them and no INSERT on the tables, so that it can bring messages
-- but not invent rows.  EXECUTE is nobody's until it is granted.

CREATE FUNCTION energyledger.ingest(messages bytea[], topics text[] DEFAULT NULL)
RETURNS TABLE (ordinal int, verdict text, meter text, epoch bigint, seq bigint, reason text)
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 500
AS 'MODULE_PATHNAME', 'energyledger_ingest';
REVOKE EXECUTE ON FUNCTION energyledger.ingest(bytea[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.ingest(bytea[], text[]) IS
'Takes signed messages into the ledger: checks each against its meter''s registered key, stores what is sound, quarantines the rest. '
'messages: at most 10000, each a COSE_Sign1, a compact JWS or an OCMF record; topics: the MQTT topic each came on, NULL (the whole or an element) where there was none. '
'One row a message, ordinal from 1 in the order given; verdict accepted (stored), duplicate (the same signed bytes are stored, whatever the signature: acknowledge again) or '
'quarantined (kept in table quarantine, reason: a code of doc/messages.md); meter, epoch and seq as far as they could be read. '
'Gaps, late messages and a wrong prev are accepted and recorded. Nothing counts before the transaction commits. '
'Call it once a transaction: two calls in each of two concurrent transactions may deadlock. '
'Errors: 22004 for a NULL array or message, 22023 for arrays of several dimensions or of different lengths, 54000 for too many messages, '
'25006 on a standby or in a read-only transaction, 40001 where a concurrent transaction interfered: repeat the batch. Rules: RFC 9052, RFC 7515, RFC 8037, OCMF 1.4, doc/messages.md.';

CREATE FUNCTION energyledger.release(quarantine_id bigint, reason text)
RETURNS TABLE (verdict text, meter text, epoch bigint, seq bigint)
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 1
AS 'MODULE_PATHNAME', 'energyledger_release';
REVOKE EXECUTE ON FUNCTION energyledger.release(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.release(bigint, text) IS
'Takes a quarantined message into the ledger after all, because a person decided so: a key was registered late, a revocation came too early, it came on a wrong topic. '
'Its signature must be right for a key that its meter has, whatever that key''s validity or revocation; its form and its place in the sequence must be sound. '
'quarantine_id: ledger_id of a row of quarantine; reason: 1 to 1000 bytes. One row: verdict accepted or duplicate, and whose message it is. The decision is a row of quarantine_release, with the session''s role. '
'Errors: 22004 for NULL, 22023 for an empty reason or a message that cannot be released (the detail says why), 22001 for a reason too long, P0002 where quarantine has no such row, 55000 where it was released before, 25006 on a standby or in a read-only transaction.';

CREATE FUNCTION energyledger.meter_receipts(meters text[])
RETURNS TABLE (meter text, epoch bigint, seq bigint, receipt text)
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 100
AS 'MODULE_PATHNAME', 'energyledger_meter_receipts';
REVOKE EXECUTE ON FUNCTION energyledger.meter_receipts(text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.meter_receipts(text[]) IS
'Receipts for meters: up to which message everything is committed and on disk. meters: at most 10000 names. '
'A row for each that has an unbroken sequence in some epoch, from seq 1 (OCMF: 1 or 2) or from the first message that any key of the meter is good for: the newest such epoch, the sequence''s last seq, and a C2SP signed note by the '
'site''s key with the lines energyledger/receipt/v1, the log''s origin, the meter, "epoch seq", the base64 SHA-256 of message seq, ms since 1970 when signed; of a charging station (OCMF) '
'one for each of its counters, epoch 0 before 1. '
'Errors: 25001 in a transaction that has written (COMMIT first: a receipt speaks of committed data only), 25006 on a standby, 22004 for a NULL array or element, '
'22023 for several dimensions, 54000 for too many. Note format: c2sp.org/signed-note.';

CREATE FUNCTION energyledger.parse_message(message bytea)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'energyledger_parse_message';
COMMENT ON FUNCTION energyledger.parse_message(bytea) IS
'What a signed message says, for debugging: size, digest, envelope, algorithm, kid, the fields of the payload, times in ms since 1970 UTC; where it is refused, '
'what was read before and the reason (a code of doc/messages.md). The signature is not checked. NULL for NULL; no errors. Rules: doc/messages.md.';

CREATE FUNCTION energyledger.message_signature_valid(message bytea, public_key bytea, algorithm text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'energyledger_message_signature_valid';
COMMENT ON FUNCTION energyledger.message_signature_valid(bytea, bytea, text) IS
'Is this a COSE_Sign1, compact JWS or OCMF record signed by this key? message: at most 16384 bytes, with any payload; public_key and algorithm: as for register_meter. '
'False for a wrong signature, a malformed envelope or key, and a message whose header names another algorithm. '
'Errors: 22023 for an unknown algorithm. Rules: RFC 9052 section 4.4, RFC 7515 section 5.2, RFC 8037, OCMF 1.4.';

CREATE FUNCTION energyledger.decode_public_key(key text)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_decode_public_key';
COMMENT ON FUNCTION energyledger.decode_public_key(text) IS
'Bytes of a public key that is held as text, for register_meter. key: at most 1024 bytes of hexadecimal (either case, colons between pairs allowed), base64 with its padding, '
'or PEM (BEGIN PUBLIC KEY); white space means nothing; what can be hexadecimal is. The key itself is checked where it is used. NULL for NULL. '
'Errors: 22023 for a text of none of these forms, 54000 for one too long. Rules: RFC 4648, RFC 7468.';

CREATE FUNCTION energyledger.decode_ocmf(record text)
RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_decode_ocmf';
COMMENT ON FUNCTION energyledger.decode_ocmf(text) IS
'An OCMF record that is held as text, as the bytes that ingest takes. record: the record itself, its base64 or its hexadecimal; white space around it is taken off, '
'within it nothing is changed. Result: at most 16384 bytes that begin with OCMF|, in UTF-8; nothing else about them is checked. NULL for NULL. '
'Errors: 22023 where no such record is in it, 54000 where it is too long. Rules: OCMF 1.4, doc/messages.md.';

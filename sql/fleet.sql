/*
 * fleet.sql: who is who: parties, locations, meters, and the keys that meters sign with.
 *
 * Nothing is edited: whoever changes something writes another row, and the newest row of a
 * name is the one that counts (views *_current).  So it can be said at any time what was
 * known when a message was taken.  All four tables can be filled with COPY; registered_at
 * is the server's clock, and only the tables' owner could write another.
 *
 * Names compare as bytes (COLLATE "C"): they are identifiers.
 */

CREATE FUNCTION energyledger.identifier_valid(name text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_identifier_valid';
COMMENT ON FUNCTION energyledger.identifier_valid(text) IS
'Is it a name for a meter, party, location, grid zone or shard: 1 to 64 of A-Z a-z 0-9 . _ : - ? NULL for NULL; no errors. Rule: doc/messages.md.';

CREATE FUNCTION energyledger.public_key_valid(public_key bytea, algorithm text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_public_key_valid';
COMMENT ON FUNCTION energyledger.public_key_valid(bytea, text) IS
'Has the key the form in which keys are kept? public_key: Ed25519 32 bytes, the others the uncompressed point, 04 first; algorithm: as for register_meter. '
'The form alone: whether the point lies on the curve shows with the first signature. NULL for NULL; false for an unknown algorithm; no errors. Key forms: RFC 8032, RFC 5480.';

CREATE TABLE energyledger.party (
    party         text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(party)),
    name          energyledger.redactable,
    contact       energyledger.redactable,
    description   text CHECK (octet_length(description) <= 1000),
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
) USING ledger;
CREATE INDEX party_party_idx ON energyledger.party (party, registered_at, ledger_id);
COMMENT ON TABLE energyledger.party IS 'who owns, supplies, consumes or bills; a party''s newest row counts';
COMMENT ON COLUMN energyledger.party.party IS 'identifier: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.party.name IS 'personal data: can be erased with redact()';
COMMENT ON COLUMN energyledger.party.contact IS 'personal data: can be erased with redact()';
COMMENT ON COLUMN energyledger.party.description IS 'free text without personal data, at most 1000 bytes';
COMMENT ON COLUMN energyledger.party.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.party.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.party_party_idx IS 'a party''s registrations, the newest last';

CREATE TABLE energyledger.location (
    location               text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(location)),
    party                  text COLLATE "C" CHECK (energyledger.identifier_valid(party)),
    address                energyledger.redactable,
    latitude_microdegrees  integer CHECK (latitude_microdegrees BETWEEN -90000000 AND 90000000),
    longitude_microdegrees integer CHECK (longitude_microdegrees BETWEEN -180000000 AND 180000000),
    grid_zone              text COLLATE "C" CHECK (energyledger.identifier_valid(grid_zone)),
    time_zone              text CHECK (octet_length(time_zone) <= 64),
    description            text CHECK (octet_length(description) <= 1000),
    registered_at          timestamptz NOT NULL DEFAULT clock_timestamp()
) USING ledger;
CREATE INDEX location_location_idx ON energyledger.location (location, registered_at, ledger_id);
COMMENT ON TABLE energyledger.location IS 'the sites where meters stand (a house, a shop, a solar park); a location''s newest row counts';
COMMENT ON COLUMN energyledger.location.location IS 'identifier: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.location.party IS 'whose it is: party.party';
COMMENT ON COLUMN energyledger.location.address IS 'personal data: can be erased with redact()';
COMMENT ON COLUMN energyledger.location.latitude_microdegrees IS 'WGS 84 latitude in millionths of a degree, north positive';
COMMENT ON COLUMN energyledger.location.longitude_microdegrees IS 'WGS 84 longitude in millionths of a degree, east positive';
COMMENT ON COLUMN energyledger.location.grid_zone IS 'where in the grid: identifier of a zone';
COMMENT ON COLUMN energyledger.location.time_zone IS 'its local time, a name that PostgreSQL knows: Europe/Amsterdam';
COMMENT ON COLUMN energyledger.location.description IS 'free text without personal data, at most 1000 bytes';
COMMENT ON COLUMN energyledger.location.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.location.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.location_location_idx IS 'a location''s registrations, the newest last';

CREATE TABLE energyledger.meter (
    meter                  text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(meter)),
    party                  text COLLATE "C" CHECK (energyledger.identifier_valid(party)),
    location               text COLLATE "C" CHECK (energyledger.identifier_valid(location)),
    technology             text CHECK (octet_length(technology) <= 1000),
    capacity_w             bigint CHECK (capacity_w > 0),
    latitude_microdegrees  integer CHECK (latitude_microdegrees BETWEEN -90000000 AND 90000000),
    longitude_microdegrees integer CHECK (longitude_microdegrees BETWEEN -180000000 AND 180000000),
    altitude_m             integer CHECK (altitude_m BETWEEN -500 AND 9000),
    tilt_degrees           smallint CHECK (tilt_degrees BETWEEN 0 AND 180),
    azimuth_degrees        smallint CHECK (azimuth_degrees BETWEEN 0 AND 359),
    grid_zone              text COLLATE "C" CHECK (energyledger.identifier_valid(grid_zone)),
    shard                  text COLLATE "C" CHECK (energyledger.identifier_valid(shard)),
    calibrated_until       timestamptz,
    description            text CHECK (octet_length(description) <= 1000),
    registered_at          timestamptz NOT NULL DEFAULT clock_timestamp()
) USING ledger;
CREATE INDEX meter_meter_idx ON energyledger.meter (meter, registered_at, ledger_id);
COMMENT ON TABLE energyledger.meter IS
'what is known of meters; a meter''s newest row is the one that counts. Which keys they sign with is in meter_key. Written by register_meter() or COPY';
COMMENT ON COLUMN energyledger.meter.meter IS 'name: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.meter.party IS 'whose it is: party.party';
COMMENT ON COLUMN energyledger.meter.location IS 'where it stands: location.location';
COMMENT ON COLUMN energyledger.meter.technology IS 'what it measures, in the operator''s words: consumption, solar, battery';
COMMENT ON COLUMN energyledger.meter.capacity_w IS 'nameplate power in watts';
COMMENT ON COLUMN energyledger.meter.latitude_microdegrees IS 'WGS 84 latitude in millionths of a degree, north positive';
COMMENT ON COLUMN energyledger.meter.longitude_microdegrees IS 'WGS 84 longitude in millionths of a degree, east positive';
COMMENT ON COLUMN energyledger.meter.altitude_m IS 'metres above sea level';
COMMENT ON COLUMN energyledger.meter.tilt_degrees IS 'of solar panels: 0 flat, 90 upright';
COMMENT ON COLUMN energyledger.meter.azimuth_degrees IS 'of solar panels: where they face, clockwise from north: 180 south';
COMMENT ON COLUMN energyledger.meter.grid_zone IS 'where in the grid: identifier of a zone';
COMMENT ON COLUMN energyledger.meter.shard IS 'the level of its topics that spreads meters over bridges';
COMMENT ON COLUMN energyledger.meter.calibrated_until IS 'its calibration is valid for readings before this time';
COMMENT ON COLUMN energyledger.meter.description IS 'free text, at most 1000 bytes';
COMMENT ON COLUMN energyledger.meter.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.meter.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.meter_meter_idx IS 'a meter''s registrations, the newest last';

CREATE TABLE energyledger.meter_key (
    meter         text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(meter)),
    public_key    bytea NOT NULL,
    algorithm     text NOT NULL,
    from_epoch    bigint NOT NULL DEFAULT 0 CHECK (from_epoch BETWEEN 0 AND 4294967295),
    from_seq      bigint NOT NULL DEFAULT 1 CHECK (from_seq > 0),
    until_epoch   bigint CHECK (until_epoch BETWEEN 0 AND 4294967295),
    until_seq     bigint CHECK (until_seq >= 0),
    valid_from    timestamptz NOT NULL DEFAULT '-infinity',
    valid_until   timestamptz NOT NULL DEFAULT 'infinity',
    revoked       boolean NOT NULL DEFAULT false,
    reason        text CHECK (octet_length(reason) <= 1000),
    message_epoch bigint,
    message_seq   bigint,
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT meter_key_public_key_check CHECK (energyledger.public_key_valid(public_key, algorithm)),
    CONSTRAINT meter_key_until_check CHECK ((until_epoch IS NULL) = (until_seq IS NULL)),
    CONSTRAINT meter_key_message_check CHECK ((message_epoch IS NULL) = (message_seq IS NULL))
) USING ledger;
CREATE INDEX meter_key_meter_idx ON energyledger.meter_key (meter, registered_at, ledger_id);
COMMENT ON TABLE energyledger.meter_key IS
'keys that meters sign with, and for which messages each is good; of the rows with the same meter and key the newest counts. A meter without a row here is unknown. Written by register_meter(), add_meter_key(), revoke_meter_key(), by messages of type key, or COPY';
COMMENT ON COLUMN energyledger.meter_key.meter IS 'whose key';
COMMENT ON COLUMN energyledger.meter_key.public_key IS 'Ed25519: 32 bytes; the others: the uncompressed point, 04 first';
COMMENT ON COLUMN energyledger.meter_key.algorithm IS 'Ed25519, ES256 or OCMF''s name of another: messages signed by another algorithm are not checked with it';
COMMENT ON COLUMN energyledger.meter_key.from_epoch IS 'the first message it may sign has this epoch ...';
COMMENT ON COLUMN energyledger.meter_key.from_seq IS '... and this sequence number';
COMMENT ON COLUMN energyledger.meter_key.until_epoch IS 'the last message it may sign has this epoch; NULL: there is no last one ...';
COMMENT ON COLUMN energyledger.meter_key.until_seq IS '... and this sequence number';
COMMENT ON COLUMN energyledger.meter_key.valid_from IS 'messages that arrive before this time are not checked with it. The ledger''s clock, not the meter''s';
COMMENT ON COLUMN energyledger.meter_key.valid_until IS 'nor those that arrive at this time or later';
COMMENT ON COLUMN energyledger.meter_key.revoked IS 'nothing that arrives is believed on its word any more: so it stays, whatever later rows say';
COMMENT ON COLUMN energyledger.meter_key.reason IS 'why the row was written, at most 1000 bytes';
COMMENT ON COLUMN energyledger.meter_key.message_epoch IS 'epoch of the message of type key that brought it; NULL: a person did';
COMMENT ON COLUMN energyledger.meter_key.message_seq IS 'its sequence number';
COMMENT ON COLUMN energyledger.meter_key.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.meter_key.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.meter_key_meter_idx IS 'a meter''s keys, the newest row last';

SELECT pg_catalog.pg_extension_config_dump('energyledger.party', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.location', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.meter', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.meter_key', '');

CREATE VIEW energyledger.party_current AS
    SELECT DISTINCT ON (party) party, name, contact, description, registered_at, ledger_id
      FROM energyledger.party
     ORDER BY party, registered_at DESC, ledger_id DESC;
COMMENT ON VIEW energyledger.party_current IS 'what counts of each party: its newest row';

CREATE VIEW energyledger.location_current AS
    SELECT DISTINCT ON (location)
           location, party, address, latitude_microdegrees, longitude_microdegrees,
           grid_zone, time_zone, description, registered_at, ledger_id
      FROM energyledger.location
     ORDER BY location, registered_at DESC, ledger_id DESC;
COMMENT ON VIEW energyledger.location_current IS 'what counts of each location: its newest row';

CREATE VIEW energyledger.meter_current AS
    SELECT DISTINCT ON (meter)
           meter, party, location, technology, capacity_w,
           latitude_microdegrees, longitude_microdegrees, altitude_m, tilt_degrees, azimuth_degrees,
           grid_zone, shard, calibrated_until, description, registered_at, ledger_id
      FROM energyledger.meter
     ORDER BY meter, registered_at DESC, ledger_id DESC;
COMMENT ON VIEW energyledger.meter_current IS 'what counts of each meter: its newest row';

CREATE VIEW energyledger.meter_key_current AS
    SELECT DISTINCT ON (meter, public_key)
           meter, public_key, algorithm, from_epoch, from_seq, until_epoch, until_seq,
           valid_from, valid_until, bool_or(revoked) OVER (PARTITION BY meter, public_key) AS revoked,
           reason, message_epoch, message_seq, registered_at, ledger_id
      FROM energyledger.meter_key
     ORDER BY meter, public_key, registered_at DESC, ledger_id DESC;
COMMENT ON VIEW energyledger.meter_key_current IS
'what counts of each meter''s keys: the newest row of each, and revoked where any row says so. At most the 16 keys of a meter that were written last are tried';

-- What is said of a view's columns is said of the tables'.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT v.attrelid::regclass AS view, v.attname, col_description(t.attrelid, t.attnum) AS said
          FROM (VALUES ('party'), ('location'), ('meter'), ('meter_key')) n(name)
          JOIN pg_attribute t ON t.attrelid = ('energyledger.' || n.name)::regclass AND t.attnum > 0 AND NOT t.attisdropped
          JOIN pg_attribute v ON v.attrelid = ('energyledger.' || n.name || '_current')::regclass AND v.attname = t.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.view, c.attname, c.said);
    END LOOP;
END
$$;

-- These run with their owner's rights, as ingest() does: whoever registers meters gets
-- EXECUTE.  EXECUTE is nobody's until it is granted.

CREATE FUNCTION energyledger.register_meter(
    meter text,
    public_key bytea DEFAULT NULL,
    algorithm text DEFAULT 'Ed25519',
    technology text DEFAULT NULL,
    capacity_w bigint DEFAULT NULL,
    latitude_microdegrees integer DEFAULT NULL,
    longitude_microdegrees integer DEFAULT NULL,
    party text DEFAULT NULL,
    description text DEFAULT NULL,
    location text DEFAULT NULL,
    altitude_m integer DEFAULT NULL,
    tilt_degrees integer DEFAULT NULL,
    azimuth_degrees integer DEFAULT NULL,
    grid_zone text DEFAULT NULL,
    shard text DEFAULT NULL,
    calibrated_until timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_register_meter';
REVOKE EXECUTE ON FUNCTION energyledger.register_meter(text, bytea, text, text, bigint, integer, integer, text, text, text, integer, integer, integer, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.register_meter(text, bytea, text, text, bigint, integer, integer, text, text, text, integer, integer, integer, text, text, timestamptz) IS
'Registers a meter, or writes anew what is known of one that is registered (all of it: what is left out is unknown from then on). '
'With a public_key that is now its only one: keys that it had are good for nothing that arrives from then on; NULL leaves its keys as they are. '
'meter, party, location, grid_zone, shard: 1 to 64 of A-Z a-z 0-9 . _ : -; public_key: Ed25519 32 bytes, the others an uncompressed point with or without its first byte 04, '
'all of them also as SubjectPublicKeyInfo DER; kept as 32 bytes or as the point with 04; decode_public_key() makes it from texts; algorithm: Ed25519, ES256 (P-256 with SHA-256, in every envelope), '
'and OCMF''s names: ECDSA-{secp192r1,secp192k1,secp256k1,brainpool256r1,secp384r1,brainpool384r1}-SHA256, ECDSA-{secp384r1,brainpool384r1}-SHA384; capacity_w: watts, above 0; latitude and longitude in millionths of a degree; altitude_m: metres, -500 to 9000; tilt_degrees: 0 flat to 180; '
'azimuth_degrees: 0 to 359 clockwise from north; technology and description of at most 1000 bytes. '
'Result: the ledger_id of its row in meter. Errors: 22023 for a bad name, key or algorithm, 22003 for a number out of range, 22004 for a NULL meter or algorithm, '
'22001 for a text too long. Key forms: RFC 8032, RFC 8410, RFC 5480; names: OCMF 1.4, table 22.';

CREATE FUNCTION energyledger.add_meter_key(
    meter text,
    public_key bytea,
    algorithm text DEFAULT 'Ed25519',
    from_epoch bigint DEFAULT 0,
    from_seq bigint DEFAULT 1,
    until_epoch bigint DEFAULT NULL,
    until_seq bigint DEFAULT NULL,
    valid_from timestamptz DEFAULT '-infinity',
    valid_until timestamptz DEFAULT 'infinity',
    reason text DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_add_meter_key';
REVOKE EXECUTE ON FUNCTION energyledger.add_meter_key(text, bytea, text, bigint, bigint, bigint, bigint, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_meter_key(text, bytea, text, bigint, bigint, bigint, bigint, timestamptz, timestamptz, text) IS
'Adds a key to those that a meter may sign with, beside the others; for a key that it has already: says anew for which messages it is good. '
'meter, public_key, algorithm: as for register_meter; from_epoch and from_seq, until_epoch and until_seq: first and last message it may sign, both included, until_ NULL: no last one; the meter''s sequence begins with the first that any key may sign; '
'valid_from, valid_until: messages that arrive from the one time on and before the other; reason: at most 1000 bytes. Result: the ledger_id of its row in meter_key. '
'Errors: 22023 for a bad name, key, algorithm or range, 22003 for a number out of range, 22004 for NULL where the default is none, 22001 for a reason too long, 55000 where the key is revoked.';

CREATE FUNCTION energyledger.revoke_meter_key(meter text, public_key bytea, reason text)
RETURNS bigint
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_revoke_meter_key';
REVOKE EXECUTE ON FUNCTION energyledger.revoke_meter_key(text, bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.revoke_meter_key(text, bytea, text) IS
'Revokes a meter''s key for good: whatever arrives signed by it is quarantined (key_revoked), whatever its sequence number. What was stored before stays. '
'meter, public_key: a key that the meter has, in any form of register_meter; reason: 1 to 1000 bytes. Result: the ledger_id of the row in meter_key that says so. '
'Errors: 22004 for NULL, 22023 for an empty reason, 22001 for one too long, P0002 where the meter has no such key, 55000 where it is revoked already.';

/*
 * asset.sql: plants, meters and batteries, who owns which share of them since when, and
 * what calibrations found.
 *
 * Shares are millionths.  A transfer writes the shares of all owners anew, as the asset's
 * next revision; nothing is edited.  The trigger at the table sees to it that a revision
 * is whole: its shares sum to one, whoever inserts.
 */

-- ---------------------------------------------------------------- tables

CREATE TABLE energyledger.asset (
    asset         text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(asset)),
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('plant', 'meter', 'battery', 'other')),
    meter         text COLLATE "C" CHECK (energyledger.identifier_valid(meter)),
    description   text CHECK (octet_length(description) <= 1000),
    registered_at timestamptz NOT NULL,
    registered_by text NOT NULL
) USING ledger;
CREATE INDEX asset_idx ON energyledger.asset (asset, registered_at, ledger_id);
CREATE INDEX asset_meter_idx ON energyledger.asset (meter, registered_at, ledger_id) WHERE meter IS NOT NULL;
COMMENT ON TABLE energyledger.asset IS 'what is owned: plants, meters, batteries; an asset''s newest row counts. Written by register_asset()';
COMMENT ON COLUMN energyledger.asset.asset IS 'name: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.asset.kind IS 'plant, meter, battery, other';
COMMENT ON COLUMN energyledger.asset.meter IS 'the device whose certificates are the owners'': meter.meter; NULL: of none. Once said it stays';
COMMENT ON COLUMN energyledger.asset.description IS 'free text without personal data, at most 1000 bytes';
COMMENT ON COLUMN energyledger.asset.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.asset.registered_by IS 'by which role';
COMMENT ON COLUMN energyledger.asset.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.asset_idx IS 'an asset''s registrations, the newest last';
COMMENT ON INDEX energyledger.asset_meter_idx IS 'the asset of a meter';
SELECT pg_catalog.pg_extension_config_dump('energyledger.asset', '');

CREATE TABLE energyledger.asset_share (
    asset           text COLLATE "C" NOT NULL,
    revision        integer NOT NULL CHECK (revision > 0),
    parent_revision integer,
    since           timestamptz NOT NULL CHECK (isfinite(since)),
    party           text COLLATE "C" NOT NULL,
    share_ppm       integer NOT NULL CHECK (share_ppm BETWEEN 1 AND 1000000),
    recorded_at     timestamptz NOT NULL,
    meter           text COLLATE "C",
    epoch           bigint,
    seq             bigint,
    recorded_by     text,
    CONSTRAINT asset_share_parent_check CHECK (coalesce(parent_revision, 0) = revision - 1 AND parent_revision IS DISTINCT FROM 0),
    CONSTRAINT asset_share_recorded_check CHECK (revision = 1 OR since >= recorded_at),
    CONSTRAINT asset_share_origin_check CHECK (num_nulls(meter, epoch, seq) IN (0, 3) AND (meter IS NULL) <> (recorded_by IS NULL))
) USING ledger;
CREATE UNIQUE INDEX asset_share_key ON energyledger.asset_share (asset, revision, party);
COMMENT ON TABLE energyledger.asset_share IS
'who owns which share of an asset since when: the rows of a revision are all its owners, and sum to 1000000. Written by register_asset(), transfer_asset() and ingest()';
COMMENT ON COLUMN energyledger.asset_share.asset IS 'of what: asset.asset';
COMMENT ON COLUMN energyledger.asset_share.revision IS 'counts an asset''s transfers; 1 is its first owner';
COMMENT ON COLUMN energyledger.asset_share.parent_revision IS 'the revision in whose place it is: the one before; NULL: none';
COMMENT ON COLUMN energyledger.asset_share.since IS 'from when on it counts; but for the first, not before it was recorded, and never before the revision before';
COMMENT ON COLUMN energyledger.asset_share.party IS 'owner: party.party';
COMMENT ON COLUMN energyledger.asset_share.share_ppm IS 'its share, in millionths';
COMMENT ON COLUMN energyledger.asset_share.recorded_at IS 'when it was recorded';
COMMENT ON COLUMN energyledger.asset_share.meter IS 'device that signed the transfer, with epoch and seq the message; NULL: recorded_by says who';
COMMENT ON COLUMN energyledger.asset_share.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.asset_share.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.asset_share.recorded_by IS 'role that recorded it; NULL: it is signed';
COMMENT ON COLUMN energyledger.asset_share.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.asset_share_key IS 'an asset''s owners by revision; each once';
SELECT pg_catalog.pg_extension_config_dump('energyledger.asset_share', '');

CREATE TABLE energyledger.asset_calibration (
    meter         text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(meter)),
    calibrated_at timestamptz NOT NULL CHECK (isfinite(calibrated_at)),
    valid_until   timestamptz,
    laboratory    text NOT NULL CHECK (octet_length(laboratory) BETWEEN 1 AND 200),
    document_hash bytea CHECK (octet_length(document_hash) = 32),
    result        text COLLATE "C" NOT NULL CHECK (result IN ('passed', 'failed')),
    remark        text CHECK (octet_length(remark) <= 1000),
    recorded_at   timestamptz NOT NULL,
    recorded_by   text NOT NULL,
    CONSTRAINT asset_calibration_period_check CHECK (valid_until > calibrated_at)
) USING ledger;
CREATE INDEX asset_calibration_idx ON energyledger.asset_calibration (meter, calibrated_at, recorded_at, ledger_id);
COMMENT ON TABLE energyledger.asset_calibration IS
'calibrations of meters; of those made before a reading the newest counts for it. Written by record_calibration()';
COMMENT ON COLUMN energyledger.asset_calibration.meter IS 'what was calibrated: meter.meter';
COMMENT ON COLUMN energyledger.asset_calibration.calibrated_at IS 'when';
COMMENT ON COLUMN energyledger.asset_calibration.valid_until IS 'how long it is good, that moment not included; NULL: without an end';
COMMENT ON COLUMN energyledger.asset_calibration.laboratory IS 'by whom';
COMMENT ON COLUMN energyledger.asset_calibration.document_hash IS 'SHA-256 of the certificate of calibration; NULL: none is known';
COMMENT ON COLUMN energyledger.asset_calibration.result IS 'passed or failed: what it measures after a failed one is no evidence';
COMMENT ON COLUMN energyledger.asset_calibration.remark IS 'free text without personal data, at most 1000 bytes';
COMMENT ON COLUMN energyledger.asset_calibration.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.asset_calibration.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.asset_calibration.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.asset_calibration_idx IS 'a meter''s calibrations by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.asset_calibration', '');

-- ---------------------------------------------------------------- what must never be

CREATE FUNCTION energyledger.asset_share_check()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad record;
BEGIN
    IF current_setting('energyledger.restore_mode')::boolean THEN
        RETURN NULL;            -- restored as it was
    END IF;
    -- so that a revision that another session writes is seen below
    PERFORM energyledger.certificates_lock(ARRAY(SELECT ROW(n.asset, '', 1, 1)::energyledger.certificate_range FROM (SELECT DISTINCT x.asset FROM inserted x) n));

    SELECT n.*, (SELECT count(*) FROM energyledger.asset_share s WHERE s.asset = n.asset AND s.revision = n.revision) AS stored,
           EXISTS (SELECT FROM energyledger.asset a WHERE a.asset = n.asset) AS known,
           (SELECT max(s.since) FROM energyledger.asset_share s WHERE s.asset = n.asset AND s.revision = n.revision - 1) AS parent_since
      INTO bad
      FROM (SELECT x.asset, x.revision, sum(x.share_ppm) AS share_ppm, count(*) AS owners, min(x.since) AS since,
                   count(DISTINCT ROW(x.since, x.recorded_at, x.meter, x.epoch, x.seq, x.recorded_by)) AS origins,
                   min(x.party) FILTER (WHERE NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = x.party)) AS stranger
              FROM inserted x GROUP BY x.asset, x.revision) n
     WHERE n.share_ppm <> 1000000 OR n.origins <> 1 OR n.stranger IS NOT NULL OR n.owners > 1000
        OR n.owners <> (SELECT count(*) FROM energyledger.asset_share s WHERE s.asset = n.asset AND s.revision = n.revision)
        OR NOT EXISTS (SELECT FROM energyledger.asset a WHERE a.asset = n.asset)
        OR (n.revision > 1 AND n.since < coalesce((SELECT max(s.since) FROM energyledger.asset_share s WHERE s.asset = n.asset AND s.revision = n.revision - 1), 'infinity'))
     ORDER BY n.asset, n.revision
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'shares of revision % of asset "%" are not whole', bad.revision, bad.asset
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'asset_share', CONSTRAINT = 'asset_share_whole',
                  DETAIL = CASE WHEN NOT bad.known THEN format('There is no asset "%s".', bad.asset)
                                WHEN bad.stranger IS NOT NULL THEN format('Party "%s" is not registered.', bad.stranger)
                                WHEN bad.owners <> bad.stored THEN format('The revision was there before: it has %s rows, of which %s are new.', bad.stored, bad.owners)
                                WHEN bad.origins <> 1 THEN 'Its rows differ in time or origin.'
                                WHEN bad.owners > 1000 THEN format('It has %s owners; at most 1000 are taken.', bad.owners)
                                WHEN bad.share_ppm <> 1000000 THEN format('They sum to %s millionths.', bad.share_ppm)
                                WHEN bad.parent_since IS NULL THEN format('There is no revision %s.', bad.revision - 1)
                                ELSE format('It counts since %s, and the one before since %s.', bad.since, bad.parent_since) END;
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.asset_share_check() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.asset_share_check() IS
'Trigger of asset_share: refuses a revision whose shares do not sum to 1000000, that is not written at once, has more than 1000 owners or parties that are not registered, or does not follow the one before (23000). With its owner''s rights, as whoever inserts may not read the rest. Errors: 25000 in another isolation level than READ COMMITTED.';

CREATE TRIGGER asset_share_check AFTER INSERT ON energyledger.asset_share
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION energyledger.asset_share_check();
COMMENT ON TRIGGER asset_share_check ON energyledger.asset_share IS 'refuses what must never be';

-- ---------------------------------------------------------------- who owns what

CREATE FUNCTION energyledger.asset_owners(asset text, at timestamptz DEFAULT now())
RETURNS TABLE (party text, share_ppm integer, since timestamptz, revision integer)
LANGUAGE sql STABLE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.party, s.share_ppm,
           -- since the first of the revisions, up to this one, in which the share was the same
           (SELECT min(x.since) FROM energyledger.asset_share x
             WHERE x.asset = s.asset AND x.party = s.party AND x.revision >
                   (SELECT coalesce(max(g.g), 0) FROM generate_series(1, s.revision) g(g)
                     WHERE NOT EXISTS (SELECT FROM energyledger.asset_share y WHERE y.asset = s.asset AND y.revision = g.g AND y.party = s.party AND y.share_ppm = s.share_ppm))),
           s.revision
      FROM energyledger.asset_share s
     WHERE s.asset = asset_owners.asset
       AND s.revision = (SELECT max(r.revision) FROM energyledger.asset_share r WHERE r.asset = asset_owners.asset AND r.since <= asset_owners.at)
     ORDER BY s.share_ppm DESC, s.party
$$;
REVOKE EXECUTE ON FUNCTION energyledger.asset_owners(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.asset_owners(text, timestamptz) IS
'Who owned an asset at a moment: party, share in millionths, since when it owns as much, and the revision; the greatest share first, then by party. No row where nothing is known of that time. Needs SELECT on asset_share. No errors.';

CREATE FUNCTION energyledger.meter_owners(meter text, at timestamptz DEFAULT now())
RETURNS TABLE (party text, share_ppm integer, asset text)
LANGUAGE sql STABLE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
    WITH o AS (
        SELECT o.party, o.share_ppm, a.asset
          FROM (SELECT x.asset FROM energyledger.asset x WHERE x.meter = meter_owners.meter ORDER BY x.registered_at, x.ledger_id LIMIT 1) a
         CROSS JOIN LATERAL energyledger.asset_owners(a.asset, meter_owners.at) o)
    SELECT u.party, u.share_ppm, u.asset
      FROM (SELECT o.* FROM o
            UNION ALL
            SELECT m.party, 1000000, NULL
              FROM (SELECT x.party FROM energyledger.meter x WHERE x.meter = meter_owners.meter ORDER BY x.registered_at DESC, x.ledger_id DESC LIMIT 1) m
             WHERE m.party IS NOT NULL AND NOT EXISTS (SELECT FROM o)) u
     ORDER BY u.share_ppm DESC, u.party
$$;
REVOKE EXECUTE ON FUNCTION energyledger.meter_owners(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.meter_owners(text, timestamptz) IS
'To whom certificates of a device go for what it makes from a moment on: the owners of its asset by share, or the meter''s party, all of it, where no asset of it is known for that time. Result: party, share in millionths, asset (NULL: none); the greatest share first, then by party; no row: nobody. Needs SELECT on asset, asset_share and meter. No errors.';

CREATE VIEW energyledger.asset_current AS
    SELECT a.asset, a.kind, a.meter, a.description, o.party, o.share_ppm, o.since, o.revision
      FROM (SELECT DISTINCT ON (x.asset) x.* FROM energyledger.asset x ORDER BY x.asset, x.registered_at DESC, x.ledger_id DESC) a
      LEFT JOIN LATERAL energyledger.asset_owners(a.asset) o ON true;
COMMENT ON VIEW energyledger.asset_current IS 'assets and their owners now: a row for each owner';
COMMENT ON COLUMN energyledger.asset_current.asset IS 'its name';
COMMENT ON COLUMN energyledger.asset_current.kind IS 'plant, meter, battery, other';
COMMENT ON COLUMN energyledger.asset_current.meter IS 'the device whose certificates are the owners''';
COMMENT ON COLUMN energyledger.asset_current.description IS 'free text';
COMMENT ON COLUMN energyledger.asset_current.party IS 'owner; NULL: not yet one';
COMMENT ON COLUMN energyledger.asset_current.share_ppm IS 'its share, in millionths';
COMMENT ON COLUMN energyledger.asset_current.since IS 'since when it owns as much';
COMMENT ON COLUMN energyledger.asset_current.revision IS 'the asset''s revision that counts now';

-- ---------------------------------------------------------------- writing it

CREATE FUNCTION energyledger.assets_lock(names text[])
RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT energyledger.certificates_lock(ARRAY(
        SELECT ROW(u.name, '', 1, 1)::energyledger.certificate_range
          FROM (SELECT n FROM unnest(names) n UNION SELECT a.meter FROM energyledger.asset a WHERE a.asset = ANY (names) AND a.meter IS NOT NULL) u(name)))
$$;
REVOKE EXECUTE ON FUNCTION energyledger.assets_lock(text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.assets_lock(text[]) IS
'Locks assets and their meters, or devices, by name to the end of the transaction: one at a time changes owners, and none while certificates are issued. For functions of the extension. Errors: those of certificates_lock().';

CREATE FUNCTION energyledger.register_asset(
    asset text,
    owner text DEFAULT NULL,
    kind text DEFAULT 'plant',
    meter text DEFAULT NULL,
    description text DEFAULT NULL,
    since timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
    before record;
    other text;
    recorder text := coalesce(nullif(current_setting('role'), 'none'), session_user);
BEGIN
    IF num_nulls(asset, kind) > 0 THEN
        RAISE EXCEPTION 'asset and kind must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.assets_lock(ARRAY[asset, coalesce(meter, asset)]);
    SELECT a.meter INTO before FROM energyledger.asset a WHERE a.asset = register_asset.asset ORDER BY a.registered_at DESC, a.ledger_id DESC LIMIT 1;
    IF FOUND AND num_nonnulls(owner, since) > 0 THEN
        RAISE EXCEPTION 'asset "%" has owners', asset USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Change them with transfer_asset().';
    END IF;
    IF FOUND AND before.meter <> meter THEN
        RAISE EXCEPTION 'asset "%" is that of meter "%"', asset, before.meter USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Register another asset.';
    ELSIF NOT FOUND AND owner IS NULL THEN
        RAISE EXCEPTION 'a new asset must have an owner' USING ERRCODE = 'null_value_not_allowed', DETAIL = format('There is no asset "%s".', asset);
    ELSIF NOT FOUND AND NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = owner) THEN
        RAISE EXCEPTION 'there is no party "%"', owner USING ERRCODE = 'no_data_found', HINT = 'Register it in energyledger.party.';
    ELSIF since > clock_timestamp() THEN
        RAISE EXCEPTION 'an asset is not registered before somebody owns it' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('"since" is %s.', since);
    END IF;
    IF meter IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM energyledger.meter m WHERE m.meter = register_asset.meter) THEN
            RAISE EXCEPTION 'there is no meter "%"', meter USING ERRCODE = 'no_data_found', HINT = 'Register it with register_meter().';
        END IF;
        SELECT a.asset INTO other FROM energyledger.asset a WHERE a.meter = register_asset.meter AND a.asset <> register_asset.asset LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'meter "%" is that of asset "%"', meter, other USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Certificates of a device go to the owners of one asset.';
        END IF;
    END IF;
    INSERT INTO energyledger.asset (asset, kind, meter, description, registered_at, registered_by)
    VALUES (asset, kind, coalesce(meter, before.meter), description, clock_timestamp(), recorder)
    RETURNING ledger_id INTO id;
    IF owner IS NOT NULL THEN
        INSERT INTO energyledger.asset_share (asset, revision, since, party, share_ppm, recorded_at, recorded_by)
        SELECT asset, 1, coalesce(since, t.now), owner, 1000000, t.now, recorder FROM (SELECT clock_timestamp() AS now) t;
    END IF;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.register_asset(text, text, text, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.register_asset(text, text, text, text, text, timestamptz) IS
'Registers an asset with its first owner, or writes anew what is said of it: then owner and since are NULL, and its meter stays, also where NULL is given. asset: name; owner: party that owns all of it; kind: plant, meter, battery, other; meter: device whose certificates go to its owners, of no other asset; description: at most 1000 bytes; since: from when on the owner owns it, not later than now; NULL: now. '
'Result: the row''s ledger_id. Errors: 22004 for NULL and a new asset without owner, P0002 where there is no such party or meter, 55000 where owners are known, for another meter than before and for the meter of another asset, 22023 for a later since, 23514 for a value that the table does not take, 25000 in another isolation level than READ COMMITTED.';

CREATE FUNCTION energyledger.take_asset_transfer(
    asset text, actor text, recipient text, share_ppm integer, since timestamptz, meter text, epoch bigint, seq bigint,
    OUT revision integer, OUT reason text, OUT detail text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last record;
    owned integer;
    owners bigint;
    recorded timestamptz;
BEGIN
    PERFORM energyledger.assets_lock(ARRAY[asset]);
    recorded := clock_timestamp();
    SELECT s.revision, s.since INTO last FROM energyledger.asset_share s WHERE s.asset = take_asset_transfer.asset ORDER BY s.revision DESC LIMIT 1;
    IF NOT FOUND THEN
        reason := 'unknown_asset';
        detail := format('There is no asset "%s".', asset);
        RETURN;
    END IF;
    IF share_ppm IS NULL OR share_ppm NOT BETWEEN 1 AND 1000000 THEN
        reason := 'bad_share';
        detail := format('A share must be 1 to 1000000 millionths; it is %s.', coalesce(share_ppm::text, 'NULL'));
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.party p WHERE p.party = recipient) THEN
        reason := 'unknown_party';
        detail := format('Party "%s" is not registered.', recipient);
        RETURN;
    END IF;
    IF recipient = actor THEN
        reason := 'own_asset';
        detail := format('Party "%s" would give to itself.', actor);
        RETURN;
    END IF;
    IF since < greatest(recorded, last.since) OR since = 'infinity' THEN
        reason := 'bad_period';
        detail := format('It would count since %s; now it is %s, and the owners before are since %s.', since, recorded, last.since);
        RETURN;
    END IF;
    SELECT coalesce(max(s.share_ppm) FILTER (WHERE s.party = actor), 0), count(*) FILTER (WHERE s.party <> recipient AND (s.party <> actor OR s.share_ppm > take_asset_transfer.share_ppm)) + 1
      INTO owned, owners
      FROM energyledger.asset_share s WHERE s.asset = take_asset_transfer.asset AND s.revision = last.revision;
    IF owned < share_ppm THEN
        reason := 'not_owner';
        detail := format('Party "%s" owns %s millionths of asset "%s", not %s.', actor, owned, asset, share_ppm);
        RETURN;
    END IF;
    IF owners > 1000 THEN
        reason := 'too_many_owners';
        detail := format('Asset "%s" would have %s owners; at most 1000 are taken.', asset, owners);
        RETURN;
    END IF;
    revision := last.revision + 1;
    INSERT INTO energyledger.asset_share (asset, revision, parent_revision, since, party, share_ppm, recorded_at, meter, epoch, seq, recorded_by)
    SELECT asset, take_asset_transfer.revision, last.revision, coalesce(since, greatest(recorded, last.since)), n.party, sum(n.share_ppm), recorded, meter, epoch, seq,
           CASE WHEN meter IS NULL THEN coalesce(nullif(current_setting('role'), 'none'), session_user) END
      FROM (SELECT s.party, s.share_ppm FROM energyledger.asset_share s WHERE s.asset = take_asset_transfer.asset AND s.revision = last.revision
            UNION ALL VALUES (actor, -share_ppm), (recipient, share_ppm)) n(party, share_ppm)
     GROUP BY n.party
    HAVING sum(n.share_ppm) > 0
     ORDER BY n.party;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.take_asset_transfer(text, text, text, integer, timestamptz, text, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.take_asset_transfer(text, text, text, integer, timestamptz, text, bigint, bigint) IS
'Passes a share of an asset on, or says why not: reason is a code of doc/assets.md. For functions of the extension: arguments as transfer_asset(), and the signed message, NULL: none. Errors: those of certificates_lock().';

CREATE FUNCTION energyledger.transfer_asset(asset text, owner text, recipient text, share_ppm integer, since timestamptz DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done record;
BEGIN
    IF num_nulls(asset, owner, recipient, share_ppm) > 0 THEN
        RAISE EXCEPTION 'asset, owner, recipient and share_ppm must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    done := energyledger.take_asset_transfer(asset, owner, recipient, share_ppm, since, NULL, NULL, NULL);
    IF done.reason IS NOT NULL THEN
        RAISE EXCEPTION 'transfer of an asset is refused: %', done.reason
            USING DETAIL = done.detail,
                  ERRCODE = CASE WHEN done.reason IN ('unknown_asset', 'unknown_party') THEN 'no_data_found'
                                 WHEN done.reason = 'not_owner' THEN 'insufficient_privilege'
                                 WHEN done.reason = 'too_many_owners' THEN 'program_limit_exceeded'
                                 ELSE 'invalid_parameter_value' END;
    END IF;
    RETURN done.revision;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.transfer_asset(text, text, text, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.transfer_asset(text, text, text, integer, timestamptz) IS
'Passes a share of an asset on from an owner to another party: the shares of all owners are written anew as the asset''s next revision. asset; owner: party that owns at least that much in the newest revision; recipient: another party; share_ppm: millionths of the whole asset, 1 to 1000000; since: from when on, not before now and not before the newest revision; NULL: now, or with the newest revision where that is later. '
'Result: the revision. Errors: 22004 for NULL; P0002 unknown_asset, unknown_party; 22023 bad_share, own_asset, bad_period; 42501 not_owner; 54000 too_many_owners (1000); 25000 in another isolation level than READ COMMITTED. The message ends with the code. Rule: doc/assets.md.';

CREATE FUNCTION energyledger.record_calibration(
    meter text,
    calibrated_at timestamptz,
    laboratory text,
    valid_until timestamptz DEFAULT NULL,
    document_hash bytea DEFAULT NULL,
    result text DEFAULT 'passed',
    remark text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id bigint;
BEGIN
    IF num_nulls(meter, calibrated_at, laboratory, result) > 0 THEN
        RAISE EXCEPTION 'meter, calibrated_at, laboratory and result must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM energyledger.meter m WHERE m.meter = record_calibration.meter) THEN
        RAISE EXCEPTION 'there is no meter "%"', meter USING ERRCODE = 'no_data_found', HINT = 'Register it with register_meter().';
    END IF;
    IF calibrated_at > clock_timestamp() THEN
        RAISE EXCEPTION 'a calibration is recorded after it was made' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('"calibrated_at" is %s.', calibrated_at);
    END IF;
    INSERT INTO energyledger.asset_calibration (meter, calibrated_at, valid_until, laboratory, document_hash, result, remark, recorded_at, recorded_by)
    VALUES (meter, calibrated_at, valid_until, laboratory, document_hash, result, remark, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.record_calibration(text, timestamptz, text, timestamptz, bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.record_calibration(text, timestamptz, text, timestamptz, bytea, text, text) IS
'Records a calibration of a meter. No certificates are issued (not_calibrated) for a reading that begins after the newest calibration before it failed or was no longer valid; meter.calibrated_until holds beside it: the earlier end counts. What is issued stays. meter; calibrated_at: not later than now; laboratory: 1 to 200 bytes; valid_until: later, NULL: without an end; document_hash: SHA-256 of its document, 32 bytes, or NULL; result: passed or failed; remark: at most 1000 bytes. '
'Result: the row''s ledger_id. Errors: 22004 for NULL, P0002 where there is no such meter, 22023 for a time to come, 23514 for a value that the table does not take. Rule: doc/assets.md.';

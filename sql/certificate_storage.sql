/*
 * certificate_storage.sql: certificates of what a storage took in, and of what came out.
 *
 * Charging uses certificates up: a charge record is one contiguous range that was cancelled
 * for it, made in the hour of the charging in the same zone of the grid.  Discharging makes
 * new ones, of what was charged earlier, times the efficiency, in the order that is fixed for
 * the device.  What went where is written down, so that no more can come out than was put
 * in, and every discharged Wh leads back to where it was made.  Rules: doc/storage.md.
 */

CREATE TABLE energyledger.storage_charge (
    device         text COLLATE "C" NOT NULL,
    from_at        timestamptz NOT NULL,
    to_at          timestamptz NOT NULL,
    reading_id     bigint NOT NULL,
    charged_wh     bigint NOT NULL CHECK (charged_wh > 0),
    source_device  text COLLATE "C" NOT NULL,
    carrier        text COLLATE "C" NOT NULL,
    first_id       bigint NOT NULL CHECK (first_id > 0),
    last_id        bigint NOT NULL CHECK (last_id >= first_id),
    event_id       bigint NOT NULL,
    efficiency_ppm integer NOT NULL CHECK (efficiency_ppm BETWEEN 1 AND 1000000),
    device_id      bigint NOT NULL,
    meter_id       bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    recorded_by    text NOT NULL,
    CONSTRAINT storage_charge_hour_check CHECK (from_at < to_at AND to_at <= date_trunc('hour', from_at, 'UTC') + interval '1 hour'),
    CONSTRAINT storage_charge_reading_check CHECK (last_id - first_id < charged_wh),
    CONSTRAINT storage_charge_number EXCLUDE USING gist (
        energyledger.identifier_range(source_device || '/' || carrier, source_device || '/' || carrier, '[]') WITH &&,
        int8range(first_id, last_id, '[]') WITH &&)
) USING ledger;
CREATE UNIQUE INDEX storage_charge_id_key ON energyledger.storage_charge (ledger_id);
CREATE INDEX storage_charge_device_idx ON energyledger.storage_charge (device, to_at);
COMMENT ON TABLE energyledger.storage_charge IS 'charge records: which certificates were cancelled for what a storage took in, a contiguous range each. Written by record_charge()';
COMMENT ON COLUMN energyledger.storage_charge.device IS 'the storage';
COMMENT ON COLUMN energyledger.storage_charge.from_at IS 'start of the interval in which it took in';
COMMENT ON COLUMN energyledger.storage_charge.to_at IS 'its end, not part of it, in the same hour of UTC';
COMMENT ON COLUMN energyledger.storage_charge.reading_id IS 'ledger_id of the reading that tells how much';
COMMENT ON COLUMN energyledger.storage_charge.charged_wh IS 'energy of that reading, in Wh, rounded down; all records of the interval together have no more';
COMMENT ON COLUMN energyledger.storage_charge.source_device IS 'whose certificates were cancelled';
COMMENT ON COLUMN energyledger.storage_charge.carrier IS 'of what: electricity';
COMMENT ON COLUMN energyledger.storage_charge.first_id IS 'first number';
COMMENT ON COLUMN energyledger.storage_charge.last_id IS 'last number, included: last_id - first_id + 1 Wh of the charge are certified, less what is withdrawn since';
COMMENT ON COLUMN energyledger.storage_charge.event_id IS 'ledger_id of the event: certificate_event of kind cancel and purpose storage';
COMMENT ON COLUMN energyledger.storage_charge.efficiency_ppm IS 'energy out per energy in, in millionths, as it was registered then';
COMMENT ON COLUMN energyledger.storage_charge.device_id IS 'ledger_id of the row of certificate_device that counted';
COMMENT ON COLUMN energyledger.storage_charge.meter_id IS 'ledger_id of the row of meter that counted: owner and zone';
COMMENT ON COLUMN energyledger.storage_charge.recorded_at IS 'when';
COMMENT ON COLUMN energyledger.storage_charge.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.storage_charge.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.storage_charge_number IS 'no certificate is charged twice';
COMMENT ON INDEX energyledger.storage_charge_id_key IS 'a charge record by its ledger_id';
COMMENT ON INDEX energyledger.storage_charge_device_idx IS 'a storage''s charge records by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.storage_charge', '');

CREATE TABLE energyledger.storage_discharge (
    device        text COLLATE "C" NOT NULL,
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL CHECK (to_at > from_at AND to_at - from_at <= interval '1 hour'),
    reading_id    bigint NOT NULL,
    discharged_wh bigint NOT NULL CHECK (discharged_wh > 0),
    issued_wh     bigint NOT NULL CHECK (issued_wh > 0 AND issued_wh <= discharged_wh),
    issue_id      bigint NOT NULL
) USING ledger;
CREATE UNIQUE INDEX storage_discharge_id_key ON energyledger.storage_discharge (ledger_id);
CREATE UNIQUE INDEX storage_discharge_reading_key ON energyledger.storage_discharge (reading_id);
CREATE UNIQUE INDEX storage_discharge_issue_key ON energyledger.storage_discharge (issue_id);
CREATE INDEX storage_discharge_device_idx ON energyledger.storage_discharge (device, from_at);
COMMENT ON TABLE energyledger.storage_discharge IS 'discharge records: what came out of a storage, and how much of it is certified. Written by record_discharge()';
COMMENT ON COLUMN energyledger.storage_discharge.device IS 'the storage';
COMMENT ON COLUMN energyledger.storage_discharge.from_at IS 'start of the interval in which it gave';
COMMENT ON COLUMN energyledger.storage_discharge.to_at IS 'its end, not part of it; at most an hour later';
COMMENT ON COLUMN energyledger.storage_discharge.reading_id IS 'ledger_id of the reading that tells how much';
COMMENT ON COLUMN energyledger.storage_discharge.discharged_wh IS 'energy of that reading, in Wh, rounded down';
COMMENT ON COLUMN energyledger.storage_discharge.issued_wh IS 'how much of it certificates were issued for; the rest was not covered by charge records';
COMMENT ON COLUMN energyledger.storage_discharge.issue_id IS 'ledger_id of the issue: certificate_issue of kind discharge; who and when is there';
COMMENT ON COLUMN energyledger.storage_discharge.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.storage_discharge_id_key IS 'a discharge record by its ledger_id';
COMMENT ON INDEX energyledger.storage_discharge_reading_key IS 'no reading is discharged twice';
COMMENT ON INDEX energyledger.storage_discharge_issue_key IS 'the discharge of an issue';
COMMENT ON INDEX energyledger.storage_discharge_device_idx IS 'a storage''s discharge records by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.storage_discharge', '');

CREATE TABLE energyledger.storage_allocation (
    discharge_id bigint NOT NULL,
    charge_id    bigint NOT NULL,
    in_wh        bigint NOT NULL CHECK (in_wh > 0),
    out_wh       bigint NOT NULL CHECK (out_wh > 0 AND out_wh <= in_wh)
) USING ledger;
CREATE UNIQUE INDEX storage_allocation_key ON energyledger.storage_allocation (charge_id, discharge_id);
CREATE INDEX storage_allocation_discharge_idx ON energyledger.storage_allocation (discharge_id);
COMMENT ON TABLE energyledger.storage_allocation IS 'from which charge records a discharge comes. Written by record_discharge()';
COMMENT ON COLUMN energyledger.storage_allocation.discharge_id IS 'ledger_id of the row of storage_discharge';
COMMENT ON COLUMN energyledger.storage_allocation.charge_id IS 'ledger_id of the row of storage_charge';
COMMENT ON COLUMN energyledger.storage_allocation.in_wh IS 'how much of the charge record was used up, losses included';
COMMENT ON COLUMN energyledger.storage_allocation.out_wh IS 'how much of the discharge comes from it';
COMMENT ON COLUMN energyledger.storage_allocation.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.storage_allocation_key IS 'what came of a charge record, each discharge once';
COMMENT ON INDEX energyledger.storage_allocation_discharge_idx IS 'where a discharge comes from';
SELECT pg_catalog.pg_extension_config_dump('energyledger.storage_allocation', '');

-- ---------------------------------------------------------------- what is in a storage

-- (bigint is enough: a reading has at most 2^42 Wh, and a million times that is below 2^63)
CREATE VIEW energyledger.storage_content AS
    SELECT c.device, c.ledger_id AS charge_id, c.from_at, c.to_at, c.source_device, c.carrier, c.first_id, c.last_id, c.last_id - c.first_id + 1 AS quantity_wh,
           h.valid_wh, c.efficiency_ppm, h.valid_wh * c.efficiency_ppm / 1000000 AS out_max_wh, a.in_wh, a.out_wh,
           greatest(h.valid_wh * c.efficiency_ppm / 1000000 - a.out_wh, 0) AS left_wh
      FROM energyledger.storage_charge c
     CROSS JOIN LATERAL (SELECT coalesce(sum(x.quantity_wh), 0)::bigint AS valid_wh FROM energyledger.certificate_holding x
                          WHERE x.device = c.source_device AND x.carrier = c.carrier AND x.first_id BETWEEN c.first_id AND c.last_id AND x.state = 'cancelled') h
     CROSS JOIN LATERAL (SELECT coalesce(sum(x.in_wh), 0)::bigint AS in_wh, coalesce(sum(x.out_wh), 0)::bigint AS out_wh
                           FROM energyledger.storage_allocation x WHERE x.charge_id = c.ledger_id) a;
COMMENT ON VIEW energyledger.storage_content IS 'charge records with what came out of them and what still may. Ask for a device';
COMMENT ON COLUMN energyledger.storage_content.device IS 'the storage';
COMMENT ON COLUMN energyledger.storage_content.charge_id IS 'ledger_id of the row of storage_charge';
COMMENT ON COLUMN energyledger.storage_content.from_at IS 'start of the interval in which it took in';
COMMENT ON COLUMN energyledger.storage_content.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.storage_content.source_device IS 'whose certificates were cancelled';
COMMENT ON COLUMN energyledger.storage_content.carrier IS 'of what';
COMMENT ON COLUMN energyledger.storage_content.first_id IS 'first number';
COMMENT ON COLUMN energyledger.storage_content.last_id IS 'last number, included';
COMMENT ON COLUMN energyledger.storage_content.quantity_wh IS 'certified energy that was taken in';
COMMENT ON COLUMN energyledger.storage_content.valid_wh IS 'the same without certificates that are withdrawn since';
COMMENT ON COLUMN energyledger.storage_content.efficiency_ppm IS 'energy out per energy in, in millionths';
COMMENT ON COLUMN energyledger.storage_content.out_max_wh IS 'what may come out of it in all: valid_wh times the efficiency, rounded down';
COMMENT ON COLUMN energyledger.storage_content.in_wh IS 'used up by discharges';
COMMENT ON COLUMN energyledger.storage_content.out_wh IS 'what came out of it';
COMMENT ON COLUMN energyledger.storage_content.left_wh IS 'what still may come out';

CREATE FUNCTION energyledger.storage_in_wh(out_wh bigint, efficiency_ppm integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT (out_wh * 1000000 + efficiency_ppm - 1) / efficiency_ppm';
COMMENT ON FUNCTION energyledger.storage_in_wh(bigint, integer) IS
'Energy that a storage must have taken in for what came out, in Wh, rounded up. out_wh; efficiency_ppm: energy out per energy in, in millionths. NULL for NULL. Errors: 22003 for out_wh above 2^42 or so, 22012 for an efficiency of 0.';

-- ---------------------------------------------------------------- what must never be

CREATE FUNCTION energyledger.storage_charge_check()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad record;
BEGIN
    IF current_setting('energyledger.restore_mode')::boolean THEN
        RETURN NULL;
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY(SELECT DISTINCT ROW(n.device, '', 1, 1)::energyledger.certificate_range FROM inserted n));
    SELECT n.* INTO bad FROM inserted n
     WHERE NOT EXISTS (SELECT FROM energyledger.reading r JOIN energyledger.message m ON m.meter = r.meter AND m.epoch = r.epoch AND m.seq = r.seq
                        WHERE r.meter = n.device AND r.from_at = n.from_at AND r.to_at = n.to_at AND r.ledger_id = n.reading_id AND r.status = 'G'
                          AND energyledger.register_role(r.obis) = 'import' AND energyledger.reading_wh(r.value, r.scale, r.unit) = n.charged_wh)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a charge of storage "%" is not that of its reading', bad.device
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_charge', CONSTRAINT = 'storage_charge_reading',
                  DETAIL = format('Reading %s does not tell that it took in %s Wh from %s to %s.', bad.reading_id, bad.charged_wh, bad.from_at, bad.to_at);
    END IF;
    SELECT n.* INTO bad FROM inserted n
     WHERE NOT EXISTS (SELECT FROM energyledger.certificate_bundle b
                         JOIN energyledger.certificate_event e ON e.ledger_id = b.event_id AND e.kind = 'cancel' AND e.purpose = 'storage'
                         JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
                         JOIN energyledger.meter made ON made.meter = b.device AND made.ledger_id = i.meter_id
                         JOIN energyledger.meter stored ON stored.meter = n.device AND stored.ledger_id = n.meter_id AND stored.grid_zone = made.grid_zone AND stored.party = b.holder
                        WHERE b.device = n.source_device AND b.carrier = n.carrier AND b.first_id = n.first_id AND b.last_id = n.last_id
                          AND b.event_id = n.event_id AND b.state = 'cancelled'
                          AND date_trunc('hour', b.from_at, 'UTC') = date_trunc('hour', n.from_at, 'UTC') AND b.to_at <= date_trunc('hour', n.from_at, 'UTC') + interval '1 hour')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'certificates % to % of device "%" were not cancelled for that charge', bad.first_id, bad.last_id, bad.source_device
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_charge', CONSTRAINT = 'storage_charge_certificates',
                  DETAIL = format('Event %s must have cancelled them for storage, of the owner of "%s", of its zone, and made in the hour of %s.', bad.event_id, bad.device, bad.from_at);
    END IF;
    SELECT c.device, n.from_at, n.to_at, c.from_at AS other_from, c.to_at AS other_to INTO bad
      FROM (SELECT DISTINCT x.device, x.from_at, x.to_at FROM inserted x) n
      JOIN energyledger.storage_charge c ON c.device = n.device AND c.to_at > n.from_at AND c.to_at < n.to_at + interval '1 hour' AND c.from_at < n.to_at
       AND (c.from_at, c.to_at) <> (n.from_at, n.to_at)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'charges of storage "%" overlap', bad.device
            USING ERRCODE = 'exclusion_violation', TABLE = 'storage_charge', CONSTRAINT = 'storage_charge_period',
                  DETAIL = format('One is of %s to %s, another of %s to %s.', bad.from_at, bad.to_at, bad.other_from, bad.other_to);
    END IF;
    SELECT n.device, n.from_at, n.charged_wh, sum(c.last_id - c.first_id + 1) AS quantity_wh INTO bad
      FROM (SELECT x.device, x.from_at, x.to_at, min(x.charged_wh) AS charged_wh FROM inserted x GROUP BY 1, 2, 3) n
      JOIN energyledger.storage_charge c ON c.device = n.device AND c.to_at = n.to_at AND c.from_at = n.from_at
     GROUP BY 1, 2, 3
    HAVING sum(c.last_id - c.first_id + 1) > n.charged_wh
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more is charged than storage "%" took in', bad.device
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_charge', CONSTRAINT = 'storage_charge_sum',
                  DETAIL = format('It took in %s Wh from %s on; certificates of %s Wh are charged.', bad.charged_wh, bad.from_at, bad.quantity_wh);
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.storage_charge_check() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.storage_charge_check() IS
'Trigger of storage_charge: refuses what its reading or its certificates do not bear, and more than was taken in (23000, 23P01). With its owner''s rights, as whoever inserts may not read the rest.';
CREATE TRIGGER storage_charge_check AFTER INSERT ON energyledger.storage_charge
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION energyledger.storage_charge_check();
COMMENT ON TRIGGER storage_charge_check ON energyledger.storage_charge IS 'refuses what must never be';

CREATE FUNCTION energyledger.storage_allocation_check()
RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad record;
BEGIN
    IF current_setting('energyledger.restore_mode')::boolean THEN
        RETURN NULL;
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY(SELECT DISTINCT ROW(c.device, '', 1, 1)::energyledger.certificate_range
                                                   FROM inserted n JOIN energyledger.storage_charge c ON c.ledger_id = n.charge_id));
    SELECT n.* INTO bad FROM inserted n
     WHERE NOT EXISTS (SELECT FROM energyledger.storage_discharge d
                         JOIN energyledger.storage_charge c ON c.ledger_id = n.charge_id AND c.device = d.device AND c.to_at <= d.from_at
                        WHERE d.ledger_id = n.discharge_id)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'discharge % cannot come from charge %', bad.discharge_id, bad.charge_id
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_allocation', CONSTRAINT = 'storage_allocation_time',
                  DETAIL = 'Both must be of one storage, and the charge be over before the discharge begins.';
    END IF;
    SELECT s.* INTO bad
      FROM (SELECT DISTINCT x.charge_id FROM inserted x) n
      JOIN energyledger.storage_content s ON s.charge_id = n.charge_id
     WHERE s.out_wh > s.out_max_wh OR s.in_wh <> energyledger.storage_in_wh(s.out_wh, s.efficiency_ppm)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more comes out of charge % than was put in', bad.charge_id
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_allocation', CONSTRAINT = 'storage_allocation_sum',
                  DETAIL = format('Of %s Wh %s Wh may come out; %s Wh would be out, for %s Wh in.', bad.valid_wh, bad.out_max_wh, bad.out_wh, bad.in_wh);
    END IF;
    SELECT d.ledger_id, d.issued_wh, sum(a.out_wh) AS out_wh INTO bad
      FROM (SELECT DISTINCT x.discharge_id FROM inserted x) n
      JOIN energyledger.storage_discharge d ON d.ledger_id = n.discharge_id
      JOIN energyledger.storage_allocation a ON a.discharge_id = n.discharge_id
     GROUP BY 1, 2
    HAVING sum(a.out_wh) <> d.issued_wh
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'discharge % is not what its charges give', bad.ledger_id
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'storage_allocation', CONSTRAINT = 'storage_allocation_issued',
                  DETAIL = format('%s Wh were issued, %s Wh come from charges.', bad.issued_wh, bad.out_wh);
    END IF;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.storage_allocation_check() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.storage_allocation_check() IS
'Trigger of storage_allocation: refuses more than a charge record has left, and what does not add up (23000). With its owner''s rights, as whoever inserts may not read the rest.';
CREATE TRIGGER storage_allocation_check AFTER INSERT ON energyledger.storage_allocation
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION energyledger.storage_allocation_check();
COMMENT ON TRIGGER storage_allocation_check ON energyledger.storage_allocation IS 'refuses what must never be';

-- ---------------------------------------------------------------- charge

CREATE FUNCTION energyledger.refuse_storage(operation text, device text, reason text, detail text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF reason IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION '% of storage "%" is refused: %', operation, device, reason
        USING DETAIL = detail,
              ERRCODE = CASE WHEN reason IN ('unknown_device', 'no_reading', 'unknown_certificates') THEN 'no_data_found'
                             WHEN reason = 'not_holder' THEN 'insufficient_privilege'
                             WHEN reason IN ('bad_period', 'bad_range', 'bad_amount') THEN 'invalid_parameter_value'
                             ELSE 'object_not_in_prerequisite_state' END;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.refuse_storage(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.refuse_storage(text, text, text, text) IS
'Raises the error of a refusal; nothing where reason is NULL. For functions of the extension.';

CREATE FUNCTION energyledger.storage_reading(
    meter text, since timestamptz, until timestamptz, role text,
    OUT reading_id bigint, OUT energy_wh bigint, OUT device_id bigint, OUT meter_id bigint, OUT owner text, OUT grid_zone text, OUT capacity_w bigint, OUT count_wh integer,
    OUT allocation text, OUT efficiency_ppm integer, OUT reason text, OUT detail text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    device energyledger.certificate_device;
    place energyledger.meter;
    r record;
BEGIN
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until OR until - since > interval '1 hour' THEN
        reason := 'bad_period';
        detail := format('It is %s to %s: an interval of at most an hour is expected.', since, until);
        RETURN;
    END IF;
    SELECT d.* INTO device FROM energyledger.certificate_device d
     WHERE d.device = storage_reading.meter AND d.carrier = 'electricity' ORDER BY d.recorded_at DESC, d.ledger_id DESC LIMIT 1;
    SELECT m.* INTO place FROM energyledger.meter m WHERE m.meter = storage_reading.meter ORDER BY m.registered_at DESC, m.ledger_id DESC LIMIT 1;
    IF device.device IS NULL OR place.meter IS NULL OR device.storage_allocation IS NULL OR NOT device.active OR place.party IS NULL THEN
        reason := CASE WHEN device.device IS NULL OR place.meter IS NULL THEN 'unknown_device' WHEN device.storage_allocation IS NULL THEN 'not_storage' WHEN NOT device.active THEN 'not_active' ELSE 'no_owner' END;
        detail := CASE reason WHEN 'unknown_device' THEN format('Device "%s" is not registered for certificates of electricity.', meter) WHEN 'not_storage' THEN format('Device "%s" is registered without an allocation: it is no storage.', meter)
                              WHEN 'not_active' THEN format('Device "%s" is registered as not active.', meter) ELSE format('Meter "%s" is of no party.', meter) END;
        RETURN;
    END IF;
    device_id := device.ledger_id;
    meter_id := place.ledger_id;
    owner := place.party;
    grid_zone := place.grid_zone;
    capacity_w := place.capacity_w;
    count_wh := device.count_wh;
    allocation := device.storage_allocation;
    efficiency_ppm := device.storage_efficiency_ppm;
    -- of two readings of one time the newest counts
    SELECT x.ledger_id, x.status, energyledger.reading_wh(x.value, x.scale, x.unit) AS energy_wh, m.clock_status, m.received_at, m.sent_at,
           min(x.obis) OVER () AS obis, max(x.obis) OVER () AS other_obis INTO r
      FROM energyledger.reading x
      JOIN energyledger.message m ON m.meter = x.meter AND m.epoch = x.epoch AND m.seq = x.seq
     WHERE x.meter = storage_reading.meter AND x.from_at = since AND x.to_at = until
       AND CASE role WHEN 'import' THEN energyledger.register_role(x.obis) = 'import' ELSE x.obis = device.register END
     ORDER BY x.epoch DESC, x.seq DESC, x.item DESC LIMIT 1;
    reason := CASE WHEN NOT FOUND THEN 'no_reading'
                   WHEN r.obis <> r.other_obis THEN 'several_registers'
                   WHEN r.status <> 'G' THEN 'not_measured'
                   WHEN r.energy_wh IS NULL THEN 'not_usable'
                   WHEN device.operational_since IS NOT NULL AND since < device.operational_since::timestamp AT TIME ZONE 'UTC' THEN 'not_operational'
                   WHEN since >= place.calibrated_until THEN 'not_calibrated'
                   WHEN r.clock_status IN ('R', 'U') OR until > r.received_at + interval '5 minutes' OR until > r.sent_at + interval '5 minutes' THEN 'clock'
                   WHEN r.energy_wh = 0 THEN 'no_energy' END;
    detail := format(CASE reason WHEN 'no_reading' THEN 'There is no signed reading of %s energy of meter "%s" from %s to %s.' ELSE 'It is about %s energy of meter "%s" from %s to %s.' END, role, meter, since, until);
    IF reason IS DISTINCT FROM 'no_reading' THEN
        reading_id := r.ledger_id;
        energy_wh := r.energy_wh;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.storage_reading(text, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.storage_reading(text, timestamptz, timestamptz, text) IS
'The reading of what a storage took in or gave in an interval, with what is registered of it; or why it cannot be used: reason is a code of doc/storage.md. For functions of the extension: meter; since, until: the interval; role: import, or export (the register that is registered).';

CREATE FUNCTION energyledger.record_charge(
    meter text,
    certificates energyledger.certificate_range[],
    since timestamptz,
    until timestamptz)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s record;
    bad record;
    moved record;
    recorded_wh bigint;
    this_hour timestamptz;
BEGIN
    IF num_nulls(meter, certificates, since, until) > 0 THEN
        RAISE EXCEPTION 'arguments of record_charge must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.certificates_lock(certificates || ROW(meter, '', 1, 1)::energyledger.certificate_range);
    s := energyledger.storage_reading(meter, since, until, 'import');
    PERFORM energyledger.refuse_storage('charge', meter, s.reason, s.detail);
    this_hour := date_trunc('hour', since, 'UTC');
    IF until > this_hour + interval '1 hour' THEN
        PERFORM energyledger.refuse_storage('charge', meter, 'bad_period', format('From %s to %s is not in one hour.', since, until));
    END IF;
    -- where each was made, and in which hour
    SELECT h.device, h.carrier, h.from_at, h.to_at, m.grid_zone INTO bad
      FROM unnest(certificates) a
      JOIN energyledger.certificate_holding h ON h.device = a.device AND h.carrier = a.carrier AND h.last_id >= a.first_id AND h.first_id <= a.last_id
      JOIN energyledger.certificate_issue i ON i.ledger_id = h.issue_id
      LEFT JOIN energyledger.meter m ON m.meter = h.device AND m.ledger_id = i.meter_id
     WHERE h.carrier <> 'electricity' OR s.grid_zone IS NULL OR m.grid_zone IS DISTINCT FROM s.grid_zone
        OR h.from_at < this_hour OR h.to_at > this_hour + interval '1 hour'
     LIMIT 1;
    IF FOUND THEN
        PERFORM CASE WHEN bad.carrier <> 'electricity' THEN
                         energyledger.refuse_storage('charge', meter, 'wrong_carrier', format('Certificates of device "%s" are of %s.', bad.device, bad.carrier))
                     WHEN s.grid_zone IS NULL OR bad.grid_zone IS DISTINCT FROM s.grid_zone THEN
                         energyledger.refuse_storage('charge', meter, 'wrong_zone', format('Device "%s" was in zone "%s", storage "%s" is in zone "%s".', bad.device, bad.grid_zone, meter, s.grid_zone))
                     ELSE energyledger.refuse_storage('charge', meter, 'wrong_hour', format('Certificates of device "%s" of %s to %s are not of the hour from %s.', bad.device, bad.from_at, bad.to_at, this_hour)) END;
    END IF;
    SELECT c.from_at, c.to_at INTO bad FROM energyledger.storage_charge c
     WHERE c.device = meter AND c.to_at > since AND c.to_at <= this_hour + interval '1 hour' AND c.from_at < until AND (c.from_at, c.to_at) <> (since, until) LIMIT 1;
    IF FOUND THEN
        PERFORM energyledger.refuse_storage('charge', meter, 'already_charged', format('There is a charge of %s to %s.', bad.from_at, bad.to_at));
    END IF;
    SELECT * INTO moved FROM energyledger.move_certificates('cancel', certificates, s.owner, NULL, NULL, NULL, NULL, 'storage', since, until, NULL, NULL, NULL, NULL);
    PERFORM energyledger.refuse_storage('charge', meter, moved.reason, moved.detail);
    -- what is claimed as consumption is not stored as well
    SELECT sum(c.quantity_wh) AS claimed_wh, energyledger.stored_wh(record_charge.meter, this_hour) AS stored_wh, coalesce(energyledger.consumption_wh(record_charge.meter, this_hour), 0) AS consumed_wh INTO bad
      FROM energyledger.certificate_claimed c WHERE c.meter = record_charge.meter AND c.hour = this_hour;
    IF bad.claimed_wh + bad.stored_wh + moved.quantity_wh > bad.consumed_wh THEN
        PERFORM energyledger.refuse_storage('charge', meter, 'claimed_as_consumption',
                                            format('It took in %s Wh in the hour from %s, of which %s Wh are claimed as consumption and %s Wh are recorded; certificates of %s Wh are given.',
                                                   bad.consumed_wh, this_hour, bad.claimed_wh, bad.stored_wh, moved.quantity_wh));
    END IF;
    SELECT coalesce(sum(c.last_id - c.first_id + 1), 0) INTO recorded_wh FROM energyledger.storage_charge c WHERE c.device = meter AND c.from_at = since AND c.to_at = until;
    IF moved.quantity_wh > s.energy_wh - recorded_wh THEN
        PERFORM energyledger.refuse_storage('charge', meter, 'more_than_charged',
                                            format('It took in %s Wh from %s to %s, of which %s Wh are recorded; certificates of %s Wh are given.', s.energy_wh, since, until, recorded_wh, moved.quantity_wh));
    END IF;
    INSERT INTO energyledger.storage_charge (device, from_at, to_at, reading_id, charged_wh, source_device, carrier, first_id, last_id, event_id, efficiency_ppm, device_id, meter_id, recorded_at, recorded_by)
    SELECT record_charge.meter, since, until, s.reading_id, s.energy_wh, b.device, b.carrier, b.first_id, b.last_id, b.event_id, s.efficiency_ppm, s.device_id, s.meter_id, clock_timestamp(),
           coalesce(nullif(current_setting('role'), 'none'), session_user)
      FROM unnest(certificates) a
      JOIN energyledger.certificate_bundle b ON b.device = a.device AND b.carrier = a.carrier AND b.first_id BETWEEN a.first_id AND a.last_id
     WHERE b.event_id = moved.event_id AND b.state = 'cancelled'
     ORDER BY b.device, b.carrier, b.first_id;
    RETURN moved.event_id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.record_charge(text, energyledger.certificate_range[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.record_charge(text, energyledger.certificate_range[], timestamptz, timestamptz) IS
'Records that a storage took in energy of certificates, and cancels them for that: nobody claims them any more. meter: the storage; since, until: interval of a signed reading of its import, at most an hour and in one hour of UTC; '
'certificates: active or reserved ones of the storage''s owner, of electricity made in that hour in its zone, as certificate_holding.numbers has them, together no more than it took in less what is recorded already. All or none. Result: the event''s ledger_id; the records are in storage_charge, one a bundle. '
'Errors: 22004 for NULL; 22023 bad_period, bad_range, bad_amount; P0002 unknown_device, no_reading, unknown_certificates; 42501 not_holder; 55000 for the other reasons of doc/storage.md; 25000 in another isolation level than READ COMMITTED. The message ends with the code, the detail says more. Rule: EnergyTag.';

-- ---------------------------------------------------------------- discharge

CREATE FUNCTION energyledger.allocate_discharge(storage text, rule text, discharge_at timestamptz, discharged_wh bigint)
RETURNS TABLE (charge_id bigint, in_wh bigint, out_wh bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- (most records of a storage are used up: their certificates are not looked at)
    WITH record AS MATERIALIZED (
        SELECT c.*, (SELECT coalesce(sum(a.out_wh), 0)::bigint FROM energyledger.storage_allocation a WHERE a.charge_id = c.ledger_id) AS out_wh
          FROM energyledger.storage_charge c
         WHERE c.device = storage AND c.to_at <= discharge_at),
    charge AS MATERIALIZED (
        SELECT s.charge_id, s.efficiency_ppm, s.out_wh, s.left_wh, row_number() OVER (ORDER BY s.to_at, s.charge_id) AS place
          FROM record r
         CROSS JOIN LATERAL (SELECT x.* FROM energyledger.storage_content x WHERE x.charge_id = r.ledger_id OFFSET 0) s
         WHERE (r.last_id - r.first_id + 1) * r.efficiency_ppm / 1000000 > r.out_wh AND s.left_wh > 0),
    in_turn AS (
        SELECT c.*, least(c.left_wh, greatest(discharged_wh - (sum(c.left_wh) OVER (ORDER BY CASE rule WHEN 'last_in_first_out' THEN -c.place ELSE c.place END) - c.left_wh), 0)) AS took_wh
          FROM charge c WHERE rule <> 'pro_rata'),
    share AS (
        SELECT c.*, t.part, div(t.part * c.left_wh, t.total) AS whole, t.part * c.left_wh % t.total AS rest
          FROM charge c CROSS JOIN (SELECT sum(x.left_wh) AS total, least(discharged_wh, sum(x.left_wh)) AS part FROM charge x) t
         WHERE rule = 'pro_rata'),
    took AS (
        SELECT n.charge_id, n.efficiency_ppm, n.out_wh, n.took_wh::bigint AS took_wh FROM in_turn n
        UNION ALL
        -- Wh that remain go to the largest remainders, of equal ones to the earlier charge
        SELECT x.charge_id, x.efficiency_ppm, x.out_wh, (x.whole + CASE WHEN row_number() OVER (ORDER BY x.rest DESC, x.place) <= x.part - sum(x.whole) OVER () THEN 1 ELSE 0 END)::bigint
          FROM share x)
    SELECT t.charge_id, energyledger.storage_in_wh(t.out_wh + t.took_wh, t.efficiency_ppm) - energyledger.storage_in_wh(t.out_wh, t.efficiency_ppm), t.took_wh
      FROM took t WHERE t.took_wh > 0
$$;
REVOKE EXECUTE ON FUNCTION energyledger.allocate_discharge(text, text, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.allocate_discharge(text, text, timestamptz, bigint) IS
'From which charge records a discharge comes, by a rule of allocation. For functions of the extension, which have locked the storage: storage; rule; discharge_at: its beginning, before which a charge must be over; discharged_wh.';

CREATE FUNCTION energyledger.record_discharge(
    meter text,
    since timestamptz,
    until timestamptz,
    OUT discharge_id bigint, OUT issue_id bigint, OUT discharged_wh bigint, OUT issued_wh bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s record;
    bound record;
    part record;
    bad record;
    charges bigint[];
    ins bigint[];
    outs bigint[];
    last_id bigint;
BEGIN
    IF num_nulls(meter, since, until) > 0 THEN
        RAISE EXCEPTION 'arguments of record_discharge must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.certificates_lock(ARRAY[ROW(meter, '', 1, 1)::energyledger.certificate_range]);
    s := energyledger.storage_reading(meter, since, until, 'export');
    PERFORM energyledger.refuse_storage('discharge', meter, s.reason, s.detail);
    SELECT i.from_at, i.to_at INTO bad FROM energyledger.certificate_issue i
     WHERE energyledger.identifier_range(i.device || '/' || i.carrier, i.device || '/' || i.carrier, '[]')
           && energyledger.identifier_range(record_discharge.meter || '/electricity', record_discharge.meter || '/electricity', '[]')
       AND tstzrange(i.from_at, i.to_at) && tstzrange(since, until) LIMIT 1;
    IF FOUND THEN
        PERFORM energyledger.refuse_storage('discharge', meter, 'already_issued', format('Certificates are issued for %s to %s.', bad.from_at, bad.to_at));
    END IF;
    IF s.capacity_w IS NULL THEN
        PERFORM energyledger.refuse_storage('discharge', meter, 'no_nameplate', format('Of meter "%s" no capacity_w is known.', meter));
    END IF;
    SELECT b.* INTO bound FROM energyledger.production_bound('other', since, until, s.capacity_w, count_wh => s.count_wh) b;
    IF s.energy_wh > bound.hard_wh THEN
        PERFORM energyledger.refuse_storage('discharge', meter, bound.rule, format('It gave %s Wh from %s to %s, and can give %s Wh at most.', s.energy_wh, since, until, bound.hard_wh));
    END IF;
    discharged_wh := s.energy_wh;
    SELECT array_agg(a.charge_id ORDER BY a.charge_id), array_agg(a.in_wh ORDER BY a.charge_id), array_agg(a.out_wh ORDER BY a.charge_id), coalesce(sum(a.out_wh), 0)
      INTO charges, ins, outs, issued_wh
      FROM energyledger.allocate_discharge(meter, s.allocation, since, s.energy_wh) a;
    IF issued_wh = 0 THEN
        PERFORM energyledger.refuse_storage('discharge', meter, 'nothing_charged', format('Of what was charged before %s with certificates nothing is left.', since));
    END IF;
    SELECT coalesce((SELECT i.last_id FROM energyledger.certificate_issue i WHERE i.device = record_discharge.meter AND i.carrier = 'electricity' ORDER BY i.first_id DESC LIMIT 1), 0) INTO last_id;
    INSERT INTO energyledger.certificate_issue AS i (device, carrier, first_id, last_id, from_at, to_at, bundles, kind, device_id, meter_id, rule_version, issued_at, issued_by)
    VALUES (meter, 'electricity', last_id + 1, last_id + issued_wh, since, until, 1, 'discharge', s.device_id, s.meter_id, energyledger.certificate_rule_version(), clock_timestamp(),
            coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING i.ledger_id INTO issue_id;
    INSERT INTO energyledger.certificate_bundle (device, carrier, from_at, to_at, first_id, last_id, holder, state, issue_id, reading_id, bound_wh, bound_rule)
    VALUES (meter, 'electricity', since, until, last_id + 1, last_id + issued_wh, s.owner, 'active', issue_id, s.reading_id, bound.hard_wh, bound.rule);
    INSERT INTO energyledger.storage_discharge AS d (device, from_at, to_at, reading_id, discharged_wh, issued_wh, issue_id)
    VALUES (meter, since, until, s.reading_id, discharged_wh, issued_wh, issue_id)
    RETURNING d.ledger_id INTO discharge_id;
    INSERT INTO energyledger.storage_allocation (discharge_id, charge_id, in_wh, out_wh)
    SELECT record_discharge.discharge_id, u.charge_id, u.in_wh, u.out_wh FROM unnest(charges, ins, outs) u(charge_id, in_wh, out_wh);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.record_discharge(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.record_discharge(text, timestamptz, timestamptz) IS
'Issues certificates to a storage''s owner for what came out of it, of charges that were over before, in the order that is registered (first in first out, last in first out, pro rata), each times its efficiency. What is above that is not certified. '
'meter: the storage; since, until: interval of a signed reading of its registered register, at most an hour; each time once. Result: discharge_id and issue_id: ledger_ids; discharged_wh: of the reading; issued_wh: how much of it is certified. '
'Errors: 22004 for NULL; 22023 bad_period; P0002 unknown_device, no_reading; 55000 nothing_charged, already_issued, nameplate and the other reasons of doc/storage.md; 25000 in another isolation level than READ COMMITTED. The message ends with the code, the detail says more. Rule: EnergyTag.';

-- ---------------------------------------------------------------- where it comes from

CREATE VIEW energyledger.certificate_storage AS
    SELECT i.device, i.carrier, i.first_id, i.last_id, d.issued_wh, true AS is_storage, d.ledger_id AS sdr_allocation_id, d.from_at AS discharging_start, d.to_at AS discharging_end,
           a.in_wh, a.efficiency_ppm AS storage_efficiency_ppm, r.storage_allocation, d.discharged_wh, d.discharged_wh - d.issued_wh AS uncovered_wh, d.issue_id
      FROM energyledger.storage_discharge d
      JOIN energyledger.certificate_issue i ON i.ledger_id = d.issue_id
      JOIN energyledger.certificate_device r ON r.device = i.device AND r.ledger_id = i.device_id
     CROSS JOIN LATERAL (SELECT sum(x.in_wh)::bigint AS in_wh, round(sum(x.out_wh) / sum(x.out_wh::numeric / c.efficiency_ppm))::integer AS efficiency_ppm
                           FROM energyledger.storage_allocation x JOIN energyledger.storage_charge c ON c.ledger_id = x.charge_id WHERE x.discharge_id = d.ledger_id) a;
COMMENT ON VIEW energyledger.certificate_storage IS 'certificates that came out of storages, with EnergyTag''s fields of storage; a row each discharge';
COMMENT ON COLUMN energyledger.certificate_storage.device IS 'the storage';
COMMENT ON COLUMN energyledger.certificate_storage.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_storage.first_id IS 'first number of the bundle as it was issued';
COMMENT ON COLUMN energyledger.certificate_storage.last_id IS 'last number, included';
COMMENT ON COLUMN energyledger.certificate_storage.issued_wh IS 'how many: 1 Wh each';
COMMENT ON COLUMN energyledger.certificate_storage.is_storage IS 'true';
COMMENT ON COLUMN energyledger.certificate_storage.sdr_allocation_id IS 'its discharge record: ledger_id of the row of storage_discharge';
COMMENT ON COLUMN energyledger.certificate_storage.discharging_start IS 'start of the interval in which it came out';
COMMENT ON COLUMN energyledger.certificate_storage.discharging_end IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate_storage.in_wh IS 'charged energy that was used up for it';
COMMENT ON COLUMN energyledger.certificate_storage.storage_efficiency_ppm IS 'EnergyTag''s storage_efficiency_factor, in millionths: that of its charges, by the energy that came out of each (in_wh is in whole Wh)';
COMMENT ON COLUMN energyledger.certificate_storage.storage_allocation IS 'the rule: first_in_first_out, last_in_first_out, pro_rata';
COMMENT ON COLUMN energyledger.certificate_storage.discharged_wh IS 'energy that came out in all';
COMMENT ON COLUMN energyledger.certificate_storage.uncovered_wh IS 'of that, what no certificates were issued for';
COMMENT ON COLUMN energyledger.certificate_storage.issue_id IS 'ledger_id of its issue';

CREATE FUNCTION energyledger.discharge_sources(device text, since timestamptz, until timestamptz)
RETURNS TABLE (discharge_id bigint, from_at timestamptz, to_at timestamptz, first_id bigint, last_id bigint, charge_id bigint, charged_from timestamptz, charged_to timestamptz,
               source_device text, source text, source_from timestamptz, source_to timestamptz, source_first_id bigint, source_last_id bigint,
               in_wh bigint, out_wh bigint, share_ppm integer)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.ledger_id, d.from_at, d.to_at, i.first_id, i.last_id, c.ledger_id, c.from_at, c.to_at,
           c.source_device, made.source, b.from_at, b.to_at, c.first_id, c.last_id, a.in_wh, a.out_wh, (a.out_wh * 1000000 / d.issued_wh)::integer
      FROM energyledger.storage_discharge d
      JOIN energyledger.certificate_issue i ON i.ledger_id = d.issue_id
      JOIN energyledger.storage_allocation a ON a.discharge_id = d.ledger_id
      JOIN energyledger.storage_charge c ON c.ledger_id = a.charge_id
      JOIN energyledger.certificate_bundle b ON b.device = c.source_device AND b.carrier = c.carrier AND b.first_id = c.first_id AND b.event_id = c.event_id
      JOIN energyledger.certificate_issue o ON o.ledger_id = b.issue_id
      JOIN energyledger.certificate_device made ON made.device = o.device AND made.ledger_id = o.device_id
     WHERE d.device = discharge_sources.device AND d.from_at >= since AND d.from_at < until
     ORDER BY d.from_at, c.to_at, c.ledger_id
$$;
REVOKE EXECUTE ON FUNCTION energyledger.discharge_sources(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.discharge_sources(text, timestamptz, timestamptz) IS
'From which certificates the certificates of a storage come. device: the storage; since, until: begin of the discharge, in [since, until). Result: a row each discharge and charge record: the discharge and its numbers, the charge, '
'the device whose certificates were charged, of what it makes energy, in which time, and their numbers; in_wh: used up of them; out_wh: Wh of the discharge from them; share_ppm: the same in millionths, rounded down. A source that is a storage has sources itself. Nothing for NULL; no errors.';

CREATE VIEW energyledger.storage_shortfall AS
    SELECT m.device, m.discharge_id, i.from_at, i.to_at, i.first_id, i.last_id, m.missing_wh, w.withdrawn_wh, m.missing_wh - w.withdrawn_wh AS shortfall_wh
      FROM (-- of a charge, what came out first is covered first
            SELECT a.device, a.discharge_id, sum(greatest(least(a.out_wh, a.until_wh - a.out_max_wh), 0))::bigint AS missing_wh
              FROM (SELECT s.device, x.discharge_id, x.out_wh, s.out_max_wh, sum(x.out_wh) OVER (PARTITION BY x.charge_id ORDER BY x.discharge_id) AS until_wh
                      FROM energyledger.storage_content s JOIN energyledger.storage_allocation x ON x.charge_id = s.charge_id
                     WHERE s.out_wh > s.out_max_wh) a
             GROUP BY 1, 2) m
      JOIN energyledger.storage_discharge d ON d.ledger_id = m.discharge_id
      JOIN energyledger.certificate_issue i ON i.ledger_id = d.issue_id
     CROSS JOIN LATERAL (SELECT coalesce(sum(h.quantity_wh), 0)::bigint AS withdrawn_wh FROM energyledger.certificate_holding h
                          WHERE h.device = i.device AND h.carrier = i.carrier AND h.first_id BETWEEN i.first_id AND i.last_id AND h.state = 'withdrawn') w
     WHERE m.missing_wh > w.withdrawn_wh;
COMMENT ON VIEW energyledger.storage_shortfall IS
'discharges whose sources were withdrawn afterwards: so many of their certificates have none, and withdraw_certificates() is to be called for them. Nothing does so by itself';
COMMENT ON COLUMN energyledger.storage_shortfall.device IS 'the storage';
COMMENT ON COLUMN energyledger.storage_shortfall.discharge_id IS 'ledger_id of the row of storage_discharge';
COMMENT ON COLUMN energyledger.storage_shortfall.from_at IS 'start of the discharge';
COMMENT ON COLUMN energyledger.storage_shortfall.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.storage_shortfall.first_id IS 'first number that was issued for it';
COMMENT ON COLUMN energyledger.storage_shortfall.last_id IS 'last number, included';
COMMENT ON COLUMN energyledger.storage_shortfall.missing_wh IS 'Wh of it that lost their source';
COMMENT ON COLUMN energyledger.storage_shortfall.withdrawn_wh IS 'its certificates that are withdrawn';
COMMENT ON COLUMN energyledger.storage_shortfall.shortfall_wh IS 'certificates that are still to be withdrawn';

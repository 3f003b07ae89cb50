/*
 * certificate_view.sql: certificates with the fields that others know them by: those of
 * EnergyTag's granular certificates, of EECS, and of reports of retirement.
 *
 * Nothing is kept here.  What a device is, and where, is read from the rows that counted when
 * it was issued, so that a bundle's immutable fields, and its hash, stay what they were.
 * doc/certificates-fields.md has the fields one by one, and the bytes that are hashed.
 */

CREATE FUNCTION energyledger.certificate_hash(certificate energyledger.certificate_range)
RETURNS bytea
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC' SET datestyle = 'ISO' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
DECLARE
    issued bigint;
    said text := '';
    field text;
    part record;
    hash bytea;
    found_it boolean := false;
BEGIN
    -- the bundle as it was issued: those between come of it
    SELECT b.first_id INTO issued FROM energyledger.certificate_bundle b
     WHERE b.device = certificate.device AND b.carrier = certificate.carrier AND b.first_id <= certificate.first_id AND b.parent_id IS NULL
     ORDER BY b.first_id DESC LIMIT 1;
    FOR field IN
        SELECT f.value
          FROM energyledger.certificate c
         CROSS JOIN LATERAL unnest(ARRAY[
                c.issuance_id, c.issue_id::text, c.carrier, c.energy_source, c.quantity_unit, c.issuance_post_energy_carrier_conversion::text, c.registry_configuration::text,
                c.device, c.device_name, c.device_technology, c.device_production_start_date::text, c.device_capacity_w::text,
                c.device_latitude_microdegrees::text, c.device_longitude_microdegrees::text, c.device_type,
                to_char(c.production_starting_interval AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), to_char(c.production_ending_interval AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                c.expiry_datestamp::text, c.is_storage::text, c.country_of_issuance, c.connected_grid_identification, c.issuing_body, c.legal_status, c.issuance_purpose,
                c.support_received, c.quality_scheme_reference, c.dissemination_level, c.issue_market_zone, c.emissions_factor_production_device_mg_per_kwh::text, c.emissions_factor_source])
               WITH ORDINALITY f(value, n)
         WHERE c.device = certificate.device AND c.carrier = certificate.carrier
           AND c.certificate_bundle_id_range_start BETWEEN issued AND certificate.first_id AND c.certificate_bundle_id_range_end >= certificate.first_id
         ORDER BY f.n
    LOOP
        said := said || coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-') || E'\n';
    END LOOP;
    -- from the bundle as issued to this one: each part is smaller than the one before
    FOR part IN
        SELECT DISTINCT b.first_id, b.last_id, b.last_id - b.first_id AS size FROM energyledger.certificate_bundle b
         WHERE b.device = certificate.device AND b.carrier = certificate.carrier AND b.first_id BETWEEN issued AND certificate.first_id AND b.last_id >= certificate.last_id
         ORDER BY size DESC
    LOOP
        hash := sha256(convert_to(concat(E'energyledger/certificate/v1\n', coalesce(encode(hash, 'hex'), '-'), E'\n', said, part.first_id, E'\n', part.last_id, E'\n'), 'UTF8'));
        found_it := (part.first_id, part.last_id) = (certificate.first_id, certificate.last_id);
    END LOOP;
    RETURN CASE WHEN found_it THEN hash END;
END
$$;
COMMENT ON FUNCTION energyledger.certificate_hash(energyledger.certificate_range) IS
'SHA-256 over the immutable fields of a bundle and its numbers; of one that is a part of another, over the other''s hash too. certificate: the numbers of a bundle as it is or was. Result: 32 bytes, NULL where no bundle has or had exactly these numbers, and for NULL. '
'Needs SELECT on what view certificate reads. No errors. Bytes: doc/certificates-fields.md; rule: EnergyTag.';

CREATE VIEW energyledger.certificate AS
    SELECT h.device || '-' || to_char(h.from_at AT TIME ZONE 'UTC', CASE WHEN date_trunc('second', h.from_at) = h.from_at THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END) AS issuance_id,
           energyledger.certificate_hash(h.numbers) AS hash,
           initcap(h.state) AS certificate_bundle_status,
           h.holder AS account,
           h.issue_id,
           h.first_id AS certificate_bundle_id_range_start,
           h.last_id AS certificate_bundle_id_range_end,
           h.quantity_wh AS bundle_quantity,
           CASE WHEN h.carrier = 'emission_allowance' THEN 't CO2e' ELSE 'Wh' END AS quantity_unit,
           CASE WHEN h.carrier <> 'emission_allowance' THEN 1 END AS face_value_wh,
           CASE WHEN e.recorded_at IS NOT NULL THEN coalesce(e.beneficiary, h.holder) END AS beneficiary,
           e.purpose AS cancellation_purpose,
           e.from_at AS consumption_from,
           e.until_at AS consumption_until,
           e.recorded_at AS cancelled_at,
           h.carrier,
           replace(upper(left(h.carrier, 1)) || substr(h.carrier, 2), '_', ' ') AS energy_carrier,
           d.source AS energy_source,
           d.source IN ('electricity', 'heat', 'hydrogen', 'gas') AS issuance_post_energy_carrier_conversion,
           d.registry_configuration,
           h.device,
           d.name AS device_name,
           d.technology_code AS device_technology,
           d.operational_since AS device_production_start_date,
           m.capacity_w AS device_capacity_w,
           m.location AS device_location,
           coalesce(m.latitude_microdegrees, l.latitude_microdegrees) AS device_latitude_microdegrees,
           coalesce(m.longitude_microdegrees, l.longitude_microdegrees) AS device_longitude_microdegrees,
           m.technology AS device_type,
           h.from_at AS production_starting_interval,
           h.to_at AS production_ending_interval,
           ((h.to_at AT TIME ZONE 'UTC') + make_interval(months => d.expires_after_months))::date AS expiry_datestamp,
           d.storage_allocation IS NOT NULL AS is_storage,
           d.country AS country_of_issuance,
           d.grid AS connected_grid_identification,
           d.issuing_body,
           d.legal_status,
           d.purpose AS issuance_purpose,
           d.support AS support_received,
           d.other_certificates,
           d.quality_scheme AS quality_scheme_reference,
           d.dissemination_level,
           m.grid_zone AS issue_market_zone,
           d.emission_mg_per_kwh AS emissions_factor_production_device_mg_per_kwh,
           d.emission_source AS emissions_factor_source,
           i.kind AS issue_kind,
           i.issued_at,
           format('%s-%s-%s to %s', h.device, h.carrier, h.first_id, h.last_id) AS certificate_serial_number_range,
           h.numbers,
           h.bundle_id
      FROM (SELECT b.*, b.ledger_id AS bundle_id, b.last_id - b.first_id + 1 AS quantity_wh, (b.device, b.carrier, b.first_id, b.last_id)::energyledger.certificate_range AS numbers
              FROM energyledger.certificate_bundle b
                   -- as in certificate_holding, but bundle by bundle: a party's or a device's are looked for, and OFFSET keeps it from being a join with all
             WHERE NOT EXISTS (SELECT FROM energyledger.certificate_bundle c WHERE c.device = b.device AND c.carrier = b.carrier AND c.first_id = b.first_id AND c.parent_id = b.ledger_id OFFSET 0)) h
      JOIN energyledger.certificate_issue i ON i.ledger_id = h.issue_id
      LEFT JOIN energyledger.certificate_device d ON d.device = h.device AND d.carrier = h.carrier AND d.ledger_id = i.device_id
      LEFT JOIN energyledger.meter m ON m.meter = h.device AND m.ledger_id = i.meter_id
      LEFT JOIN LATERAL (SELECT x.* FROM energyledger.location x WHERE x.location = m.location AND x.registered_at <= i.issued_at
                          ORDER BY x.registered_at DESC, x.ledger_id DESC LIMIT 1) l ON true
      LEFT JOIN LATERAL (
           -- A number is cancelled once.  All bundles that ever had this one's first number led to
           -- it, and begin no earlier than the one that was issued.
           SELECT x.* FROM energyledger.certificate_bundle p
             JOIN energyledger.certificate_event x ON x.ledger_id = p.event_id
            WHERE h.state IN ('cancelled', 'claimed')
              AND p.device = h.device AND p.carrier = h.carrier AND p.first_id <= h.first_id AND p.last_id >= h.first_id AND p.state = 'cancelled' AND x.kind = 'cancel'
              AND p.first_id >= (SELECT r.first_id FROM energyledger.certificate_bundle r WHERE r.device = h.device AND r.carrier = h.carrier AND r.first_id <= h.first_id AND r.parent_id IS NULL
                                  ORDER BY r.first_id DESC LIMIT 1)
            LIMIT 1) e ON true;
COMMENT ON VIEW energyledger.certificate IS
'bundles of certificates as they are now, with the fields of EnergyTag''s granular certificates and of EECS that are known. Ask for an account, or a device. Those of storage are not among them. doc/certificates-fields.md';
COMMENT ON COLUMN energyledger.certificate.issuance_id IS 'EnergyTag issuance_id: device, hyphen, start of the period in UTC';
COMMENT ON COLUMN energyledger.certificate.hash IS 'EnergyTag hash: certificate_hash() of its numbers';
COMMENT ON COLUMN energyledger.certificate.certificate_bundle_status IS 'EnergyTag certificate_bundle_status: Active, Reserved, Locked, Cancelled, Claimed, Withdrawn, Expired; what was split is not here, its parts are';
COMMENT ON COLUMN energyledger.certificate.account IS 'EnergyTag account_id: party that holds it';
COMMENT ON COLUMN energyledger.certificate.issue_id IS 'EnergyTag metadata_id: ledger_id of its issue (certificate_issue)';
COMMENT ON COLUMN energyledger.certificate.certificate_bundle_id_range_start IS 'EnergyTag certificate_bundle_id_range_start: first number. EECS 2';
COMMENT ON COLUMN energyledger.certificate.certificate_bundle_id_range_end IS 'EnergyTag certificate_bundle_id_range_end: last number, included. EECS 2';
COMMENT ON COLUMN energyledger.certificate.bundle_quantity IS 'EnergyTag bundle_quantity: how many certificates, of quantity_unit each';
COMMENT ON COLUMN energyledger.certificate.quantity_unit IS 'what one certificate stands for: Wh; of emission allowances t CO2e. EECS 11';
COMMENT ON COLUMN energyledger.certificate.face_value_wh IS 'EnergyTag face_value: 1 Wh; NULL: it is not of energy. EECS 11';
COMMENT ON COLUMN energyledger.certificate.beneficiary IS 'EnergyTag beneficiary: of cancelled and claimed ones, on whose behalf; who held it where nobody was named';
COMMENT ON COLUMN energyledger.certificate.cancellation_purpose IS 'of cancelled and claimed ones: what for';
COMMENT ON COLUMN energyledger.certificate.consumption_from IS 'of cancelled and claimed ones: start of the consumption that the cancellation was for; NULL: not said';
COMMENT ON COLUMN energyledger.certificate.consumption_until IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate.cancelled_at IS 'of cancelled and claimed ones: when it was cancelled';
COMMENT ON COLUMN energyledger.certificate.carrier IS 'of what, as certificate_range has it: electricity, heat, hydrogen, emission_allowance, ...';
COMMENT ON COLUMN energyledger.certificate.energy_carrier IS 'EnergyTag energy_carrier: Electricity, Heat, ... EECS 1';
COMMENT ON COLUMN energyledger.certificate.energy_source IS 'EnergyTag energy_source: solar_pv, wind, hydro, ... EECS 5';
COMMENT ON COLUMN energyledger.certificate.issuance_post_energy_carrier_conversion IS 'EnergyTag issuance_post_energy_carrier_conversion: its source is another carrier: electricity, heat, hydrogen or gas';
COMMENT ON COLUMN energyledger.certificate.registry_configuration IS 'EnergyTag registry_configuration: 1 to 3';
COMMENT ON COLUMN energyledger.certificate.device IS 'EnergyTag device_id: its meter. EECS 7';
COMMENT ON COLUMN energyledger.certificate.device_name IS 'EnergyTag device_name. EECS 7';
COMMENT ON COLUMN energyledger.certificate.device_technology IS 'EnergyTag device_technology: code of the technology. EECS 6';
COMMENT ON COLUMN energyledger.certificate.device_production_start_date IS 'EnergyTag device_production_start_date: first day of operation. EECS 3';
COMMENT ON COLUMN energyledger.certificate.device_capacity_w IS 'EnergyTag device_capacity: nameplate power in W when it was issued. EECS 10';
COMMENT ON COLUMN energyledger.certificate.device_location IS 'where the plant is: location.location. EECS 9';
COMMENT ON COLUMN energyledger.certificate.device_latitude_microdegrees IS 'EnergyTag device_location: WGS 84 latitude in millionths of a degree, of the meter or else of its location. EECS 9';
COMMENT ON COLUMN energyledger.certificate.device_longitude_microdegrees IS 'EnergyTag device_location: longitude in millionths of a degree, east positive. EECS 9';
COMMENT ON COLUMN energyledger.certificate.device_type IS 'EnergyTag device_type: what the meter measures, in the operator''s words';
COMMENT ON COLUMN energyledger.certificate.production_starting_interval IS 'EnergyTag production_starting_interval: start of the time in which it was made. EECS 4';
COMMENT ON COLUMN energyledger.certificate.production_ending_interval IS 'EnergyTag production_ending_interval: its end, not part of it. EECS 4';
COMMENT ON COLUMN energyledger.certificate.expiry_datestamp IS 'EnergyTag expiry_datestamp: day, in UTC, on which it may expire';
COMMENT ON COLUMN energyledger.certificate.is_storage IS 'EnergyTag is_storage: the device is a storage';
COMMENT ON COLUMN energyledger.certificate.country_of_issuance IS 'EnergyTag country_of_issuance: ISO 3166-1. EECS 8';
COMMENT ON COLUMN energyledger.certificate.connected_grid_identification IS 'EnergyTag connected_grid_identification';
COMMENT ON COLUMN energyledger.certificate.issuing_body IS 'EnergyTag issuing_body. EECS 12';
COMMENT ON COLUMN energyledger.certificate.legal_status IS 'EnergyTag legal_status';
COMMENT ON COLUMN energyledger.certificate.issuance_purpose IS 'EnergyTag issuance_purpose: disclosure, voluntary_disclosure, support. EECS 14';
COMMENT ON COLUMN energyledger.certificate.support_received IS 'EnergyTag support_received: none, investment, production, both, unknown. EECS 16';
COMMENT ON COLUMN energyledger.certificate.other_certificates IS 'were others issued for this energy elsewhere? NULL: not known. EECS 15';
COMMENT ON COLUMN energyledger.certificate.quality_scheme_reference IS 'EnergyTag quality_scheme_reference';
COMMENT ON COLUMN energyledger.certificate.dissemination_level IS 'EnergyTag dissemination_level';
COMMENT ON COLUMN energyledger.certificate.issue_market_zone IS 'EnergyTag issue_market_zone: zone of the grid';
COMMENT ON COLUMN energyledger.certificate.emissions_factor_production_device_mg_per_kwh IS 'EnergyTag emissions_factor_production_device, in mg CO2e per kWh (a thousandth of kg per MWh); NULL: not known. EECS 17';
COMMENT ON COLUMN energyledger.certificate.emissions_factor_source IS 'EnergyTag emissions_factor_source: where that factor is from';
COMMENT ON COLUMN energyledger.certificate.issue_kind IS 'production, correction, discharge, grant';
COMMENT ON COLUMN energyledger.certificate.issued_at IS 'when it was issued. EECS 13';
COMMENT ON COLUMN energyledger.certificate.certificate_serial_number_range IS 'its numbers as text: device-carrier-first to last. EECS 2';
COMMENT ON COLUMN energyledger.certificate.numbers IS 'its numbers as transfer_certificates() and its kin take them';
COMMENT ON COLUMN energyledger.certificate.bundle_id IS 'ledger_id of its row of certificate_bundle';

CREATE VIEW energyledger.certificate_retirement AS
    SELECT c.certificate_serial_number_range,
           c.bundle_quantity AS quantity,
           c.quantity_unit,
           'RETIRED'::text AS certificate_status,
           to_char(c.production_starting_interval AT TIME ZONE 'UTC', 'MM/YYYY') AS vintage_month,
           c.energy_source AS fuel_type_code,
           c.cancelled_at AS retirement_date,
           CASE WHEN q.meter IS NULL THEN 'CANCELLATION' ELSE 'CLAIM' END AS retirement_type_code,
           CASE WHEN q.meter IS NOT NULL THEN 'METERED_CONSUMPTION' WHEN c.consumption_from IS NOT NULL THEN 'STATED_PERIOD' ELSE 'OTHER' END AS retirement_reason_code,
           c.cancellation_purpose AS retirement_reason_description,
           CASE WHEN q.meter IS NOT NULL THEN c.issue_market_zone END AS retirement_compliance_zone,
           extract(year FROM coalesce(q.hour, c.consumption_from, c.cancelled_at) AT TIME ZONE 'UTC')::integer AS retirement_year,
           c.beneficiary AS notification_name,
           format('Retired on behalf of %s', c.beneficiary) AS retirement_details,
           c.account,
           c.device,
           c.carrier,
           q.meter AS claimed_meter,
           q.hour AS claimed_hour,
           c.numbers
      FROM energyledger.certificate c
      LEFT JOIN LATERAL (SELECT x.* FROM energyledger.certificate_claim x
                          WHERE c.certificate_bundle_status = 'Claimed' AND x.device = c.device AND x.carrier = c.carrier AND x.first_id <= c.certificate_bundle_id_range_start
                          ORDER BY x.first_id DESC LIMIT 1) q ON true
     WHERE c.certificate_bundle_status IN ('Cancelled', 'Claimed');
COMMENT ON VIEW energyledger.certificate_retirement IS
'cancelled and claimed certificates as registries report retirements, with the fields of NAR. Ask for an account, or a device. doc/certificates-fields.md';
COMMENT ON COLUMN energyledger.certificate_retirement.certificate_serial_number_range IS 'NAR certificateSerialNumberRange: device-carrier-first to last';
COMMENT ON COLUMN energyledger.certificate_retirement.quantity IS 'NAR quantity: certificates, of quantity_unit each';
COMMENT ON COLUMN energyledger.certificate_retirement.quantity_unit IS 'Wh; of emission allowances t CO2e';
COMMENT ON COLUMN energyledger.certificate_retirement.certificate_status IS 'NAR certificateStatus: RETIRED';
COMMENT ON COLUMN energyledger.certificate_retirement.vintage_month IS 'NAR vintageMonth: month of production in UTC, MM/YYYY';
COMMENT ON COLUMN energyledger.certificate_retirement.fuel_type_code IS 'NAR fuelTypeCode: the source: solar_pv, wind, hydro, ...';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_date IS 'NAR retirementDate: when it was cancelled';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_type_code IS 'NAR retirementTypeCode: CANCELLATION, or CLAIM: against a meter''s consumption';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_reason_code IS 'NAR retirementReasonCode: METERED_CONSUMPTION (claimed), STATED_PERIOD (the cancellation names one), OTHER';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_reason_description IS 'NAR retirementReasonDescription: what for, as it was cancelled; NULL: not said';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_compliance_zone IS 'NAR retirementComplianceState: of claimed ones the zone of plant and consumption; NULL: not known';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_year IS 'NAR retirementYear: in UTC, of the hour claimed against, else of the stated consumption, else of the cancellation';
COMMENT ON COLUMN energyledger.certificate_retirement.notification_name IS 'NAR notificationName: beneficial owner';
COMMENT ON COLUMN energyledger.certificate_retirement.retirement_details IS 'NAR retirementDetails: on whose behalf, as a sentence';
COMMENT ON COLUMN energyledger.certificate_retirement.account IS 'party that holds it';
COMMENT ON COLUMN energyledger.certificate_retirement.device IS 'whose production';
COMMENT ON COLUMN energyledger.certificate_retirement.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_retirement.claimed_meter IS 'meter whose consumption it is claimed against; NULL: none';
COMMENT ON COLUMN energyledger.certificate_retirement.claimed_hour IS 'in which hour of UTC: its beginning';
COMMENT ON COLUMN energyledger.certificate_retirement.numbers IS 'its numbers as a range';

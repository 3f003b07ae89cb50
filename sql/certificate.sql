/*
 * certificate.sql: certificates of origin: 1 Wh each, in bundles, from issue to claim.
 *
 * A device counts its certificates from 1.  A bundle is a range of these numbers, of one
 * device and one period, that one party holds in one state.  Nothing is edited: an event
 * ends bundles and puts others in their place that have exactly the same numbers
 * (parent_id).  What is there now is what is no other bundle's parent; so no Wh gets lost.
 * None is spent twice: what ends a bundle begins with its first number, and parent and
 * number are a key.
 *
 * What must never be is refused by keys, checks, an exclusion, and the trigger at the end
 * of this file, whoever inserts.
 */

-- ---------------------------------------------------------------- tables

CREATE TABLE energyledger.certificate_device (
    device                 text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(device)),
    carrier                text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(carrier)),
    source                 text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(source)),
    register               text COLLATE "C" NOT NULL CHECK (octet_length(register) BETWEEN 1 AND 24),
    name                   text CHECK (octet_length(name) <= 200),
    technology_code        text CHECK (octet_length(technology_code) <= 40),
    operational_since      date,
    country                text COLLATE "C" CHECK (country ~ '^[A-Z]{2}$'),
    grid                   text CHECK (octet_length(grid) <= 200),
    issuing_body           text CHECK (octet_length(issuing_body) <= 200),
    legal_status           text CHECK (octet_length(legal_status) <= 200),
    purpose                text COLLATE "C" CHECK (purpose IN ('disclosure', 'voluntary_disclosure', 'support')),
    support                text COLLATE "C" NOT NULL CHECK (support IN ('none', 'investment', 'production', 'both', 'unknown')),
    other_certificates     boolean,
    quality_scheme         text CHECK (octet_length(quality_scheme) <= 200),
    dissemination_level    text CHECK (octet_length(dissemination_level) <= 200),
    registry_configuration smallint NOT NULL CHECK (registry_configuration BETWEEN 1 AND 3),
    storage_allocation     text COLLATE "C" CHECK (storage_allocation IN ('first_in_first_out', 'last_in_first_out', 'pro_rata')),
    storage_efficiency_ppm integer CHECK (storage_efficiency_ppm BETWEEN 1 AND 1000000),
    emission_mg_per_kwh    bigint CHECK (emission_mg_per_kwh BETWEEN 0 AND 100000000),
    emission_source        text CHECK (octet_length(emission_source) <= 200),
    count_wh               integer NOT NULL CHECK (count_wh BETWEEN 0 AND 1000000),
    weather_place          text COLLATE "C" CHECK (energyledger.identifier_valid(weather_place)),
    turbidity_hundredths   integer[] CHECK (array_length(turbidity_hundredths, 1) = 12),
    power_curve            bigint[],
    expires_after_months   integer NOT NULL CHECK (expires_after_months BETWEEN 1 AND 1200),
    automatic              boolean NOT NULL,
    active                 boolean NOT NULL,
    recorded_at            timestamptz NOT NULL,
    recorded_by            text NOT NULL,
    CONSTRAINT certificate_device_storage_check CHECK ((storage_allocation IS NULL) = (storage_efficiency_ppm IS NULL))
) USING ledger;
CREATE INDEX certificate_device_idx ON energyledger.certificate_device (device, carrier, recorded_at, ledger_id);
CREATE INDEX certificate_device_automatic_idx ON energyledger.certificate_device (device) WHERE automatic;
COMMENT ON TABLE energyledger.certificate_device IS
'devices whose production certificates are issued for, and what the certificates say of them beside what meter says; of the rows of a device and carrier the newest counts. Written by register_device()';
COMMENT ON COLUMN energyledger.certificate_device.device IS 'its meter: meter.meter';
COMMENT ON COLUMN energyledger.certificate_device.carrier IS 'what it makes: electricity, heat, hydrogen, ...';
COMMENT ON COLUMN energyledger.certificate_device.source IS 'of what: solar_pv, wind, hydro, biomass, nuclear, ...; solar_pv and wind have bounds of their own';
COMMENT ON COLUMN energyledger.certificate_device.register IS 'OBIS of the register whose intervals are what was made: 1-0:2.8.0';
COMMENT ON COLUMN energyledger.certificate_device.name IS 'the plant''s name';
COMMENT ON COLUMN energyledger.certificate_device.technology_code IS 'technology by the code of EECS or another list: T010000';
COMMENT ON COLUMN energyledger.certificate_device.operational_since IS 'first day of operation; none is issued for earlier times';
COMMENT ON COLUMN energyledger.certificate_device.country IS 'country of issue, ISO 3166-1: DE';
COMMENT ON COLUMN energyledger.certificate_device.grid IS 'the grid that it is connected to';
COMMENT ON COLUMN energyledger.certificate_device.issuing_body IS 'who answers for what is issued';
COMMENT ON COLUMN energyledger.certificate_device.legal_status IS 'under which law';
COMMENT ON COLUMN energyledger.certificate_device.purpose IS 'disclosure (guarantee of origin), voluntary_disclosure, support';
COMMENT ON COLUMN energyledger.certificate_device.support IS 'public support received: none, investment, production, both, unknown';
COMMENT ON COLUMN energyledger.certificate_device.other_certificates IS 'are others issued for the same energy elsewhere? NULL: not known';
COMMENT ON COLUMN energyledger.certificate_device.quality_scheme IS 'label or quality scheme';
COMMENT ON COLUMN energyledger.certificate_device.dissemination_level IS 'to whom the details may be shown';
COMMENT ON COLUMN energyledger.certificate_device.registry_configuration IS 'EnergyTag''s configuration, 1 to 3';
COMMENT ON COLUMN energyledger.certificate_device.storage_allocation IS 'of a storage: which charge leaves first: first_in_first_out, last_in_first_out, pro_rata; NULL: it is none';
COMMENT ON COLUMN energyledger.certificate_device.storage_efficiency_ppm IS 'of a storage: energy out per energy in, in millionths; NULL: it is none';
COMMENT ON COLUMN energyledger.certificate_device.emission_mg_per_kwh IS 'CO2 equivalent in mg per kWh made; NULL: not known';
COMMENT ON COLUMN energyledger.certificate_device.emission_source IS 'where that factor is from';
COMMENT ON COLUMN energyledger.certificate_device.count_wh IS 'energy of one count of its register, in Wh: so much of an interval may have been made in the one before';
COMMENT ON COLUMN energyledger.certificate_device.weather_place IS 'whose weather tightens its bound: weather.place; NULL: none';
COMMENT ON COLUMN energyledger.certificate_device.turbidity_hundredths IS 'Linke turbidity of January to December, in hundredths; NULL: a clean sky is assumed';
COMMENT ON COLUMN energyledger.certificate_device.power_curve IS 'of wind: {{speed in cm/s, power in W}, ...}; NULL: the nameplate alone';
COMMENT ON COLUMN energyledger.certificate_device.expires_after_months IS 'certificates may expire so long after their period';
COMMENT ON COLUMN energyledger.certificate_device.automatic IS 'issued by the background worker';
COMMENT ON COLUMN energyledger.certificate_device.active IS 'false: none is issued any more';
COMMENT ON COLUMN energyledger.certificate_device.recorded_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.certificate_device.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.certificate_device.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_device_idx IS 'a device''s registrations, the newest last';
COMMENT ON INDEX energyledger.certificate_device_automatic_idx IS 'devices that the worker may have to issue for';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_device', '');

-- One name as a range, so that an exclusion can say "the same".
CREATE TYPE energyledger.identifier_range AS RANGE (subtype = text, collation = "C");
COMMENT ON TYPE energyledger.identifier_range IS 'a range of identifiers: [name,name] in an exclusion means the same name';
COMMENT ON TYPE energyledger.identifier_multirange IS 'comes with identifier_range';
COMMENT ON CAST (energyledger.identifier_range AS energyledger.identifier_multirange) IS 'comes with the type';
COMMENT ON FUNCTION energyledger.identifier_range(text, text) IS 'Comes with the type: from the first, included, to the second. Errors: 22000 where they are in the wrong order.';
COMMENT ON FUNCTION energyledger.identifier_range(text, text, text) IS 'Comes with the type: from the first to the second; the third says which are included: [], [), (], (). Errors: 22000 where they are in the wrong order, 42601 for other bounds.';
COMMENT ON FUNCTION energyledger.identifier_multirange() IS 'Comes with the type: no range. No errors.';
COMMENT ON FUNCTION energyledger.identifier_multirange(energyledger.identifier_range) IS 'Comes with the type: one range. No errors.';
COMMENT ON FUNCTION energyledger.identifier_multirange(energyledger.identifier_range[]) IS 'Comes with the type: several ranges. Errors: 22004 for a NULL element.';

CREATE TABLE energyledger.certificate_issue (
    device       text COLLATE "C" NOT NULL,
    carrier      text COLLATE "C" NOT NULL,
    first_id     bigint NOT NULL CHECK (first_id > 0),
    last_id      bigint NOT NULL CHECK (last_id >= first_id AND last_id <= 4611686018427387904),
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL CHECK (to_at > from_at),
    bundles      integer NOT NULL CHECK (bundles > 0),
    kind         text COLLATE "C" NOT NULL CHECK (kind IN ('production', 'correction', 'discharge', 'grant')),
    device_id    bigint NOT NULL,
    meter_id     bigint,
    rule_version integer NOT NULL,
    reason       text CHECK (octet_length(reason) <= 1000),
    issued_at    timestamptz NOT NULL,
    issued_by    text NOT NULL,
    -- what meters tell is never granted, and what is granted no meter tells
    CONSTRAINT certificate_issue_grant_check CHECK ((kind = 'grant') = (carrier = 'emission_allowance')),
    CONSTRAINT certificate_issue_number EXCLUDE USING gist (
        energyledger.identifier_range(device || '/' || carrier, device || '/' || carrier, '[]') WITH &&,
        int8range(first_id, last_id, '[]') WITH &&),
    CONSTRAINT certificate_issue_period EXCLUDE USING gist (
        energyledger.identifier_range(device || '/' || carrier, device || '/' || carrier, '[]') WITH &&,
        tstzrange(from_at, to_at) WITH &&) WHERE (kind IN ('production', 'discharge'))
) USING ledger;
CREATE UNIQUE INDEX certificate_issue_key ON energyledger.certificate_issue (device, carrier, first_id);
CREATE UNIQUE INDEX certificate_issue_id_key ON energyledger.certificate_issue (ledger_id);
COMMENT ON TABLE energyledger.certificate_issue IS
'what was issued to a device for a time without a gap: numbers first_id to last_id, in bundles one after the other. Written by issue_certificates() and its kin';
COMMENT ON COLUMN energyledger.certificate_issue.device IS 'whose';
COMMENT ON COLUMN energyledger.certificate_issue.carrier IS 'of what: each carrier of a device is counted by itself';
COMMENT ON COLUMN energyledger.certificate_issue.first_id IS 'first number: one more than the last of the device''s issue before, whatever became of that';
COMMENT ON COLUMN energyledger.certificate_issue.last_id IS 'last number, included; 1 Wh each';
COMMENT ON COLUMN energyledger.certificate_issue.from_at IS 'start of its first period';
COMMENT ON COLUMN energyledger.certificate_issue.to_at IS 'end of its last period, not part of it';
COMMENT ON COLUMN energyledger.certificate_issue.bundles IS 'how many periods';
COMMENT ON COLUMN energyledger.certificate_issue.kind IS 'production; correction: in place of withdrawn ones; discharge: of a storage; grant: by an authority, without a reading';
COMMENT ON COLUMN energyledger.certificate_issue.device_id IS 'ledger_id of the row of certificate_device that counted';
COMMENT ON COLUMN energyledger.certificate_issue.meter_id IS 'ledger_id of the row of meter that counted: place, plane and nameplate, of which the bounds were made; NULL: none';
COMMENT ON COLUMN energyledger.certificate_issue.rule_version IS 'version of the rules of the bounds';
COMMENT ON COLUMN energyledger.certificate_issue.reason IS 'why, where a person had it issued';
COMMENT ON COLUMN energyledger.certificate_issue.issued_at IS 'when';
COMMENT ON COLUMN energyledger.certificate_issue.issued_by IS 'by which role';
COMMENT ON COLUMN energyledger.certificate_issue.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_issue_number IS 'no number twice';
COMMENT ON INDEX energyledger.certificate_issue_period IS 'no time twice, whatever became of the certificates; a correction is in place of withdrawn ones';
COMMENT ON INDEX energyledger.certificate_issue_key IS 'a device''s issues by number';
COMMENT ON INDEX energyledger.certificate_issue_id_key IS 'an issue by its ledger_id';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_issue', '');

CREATE TABLE energyledger.certificate_event (
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('transfer', 'share', 'reserve', 'release', 'lock', 'cancel', 'claim', 'withdraw', 'expire')),
    quantity_wh bigint NOT NULL CHECK (quantity_wh > 0),
    bundles     integer NOT NULL CHECK (bundles > 0),
    recipient   text COLLATE "C",
    beneficiary text CHECK (octet_length(beneficiary) BETWEEN 1 AND 200),
    purpose     text CHECK (octet_length(purpose) BETWEEN 1 AND 200),
    from_at     timestamptz,
    until_at    timestamptz,
    reason      text CHECK (octet_length(reason) BETWEEN 1 AND 1000),
    recorded_at timestamptz NOT NULL,
    meter       text COLLATE "C",
    epoch       bigint,
    seq         bigint,
    recorded_by text,
    CONSTRAINT certificate_event_origin_check CHECK (num_nulls(meter, epoch, seq) IN (0, 3) AND (meter IS NULL) <> (recorded_by IS NULL)),
    CONSTRAINT certificate_event_period_check CHECK (num_nulls(from_at, until_at) IN (0, 2) AND from_at < until_at),
    CONSTRAINT certificate_event_recipient_check CHECK ((kind IN ('transfer', 'claim')) = (recipient IS NOT NULL))
) USING ledger;
CREATE UNIQUE INDEX certificate_event_id_key ON energyledger.certificate_event (ledger_id);
CREATE UNIQUE INDEX certificate_event_message_key ON energyledger.certificate_event (meter, epoch, seq) WHERE meter IS NOT NULL;
COMMENT ON TABLE energyledger.certificate_event IS 'what was done with certificates; which, says certificate_bundle.event_id. Written by transfer_certificates() and its kin, and ingest()';
COMMENT ON COLUMN energyledger.certificate_event.kind IS 'transfer, share (to the owners of a plant), reserve, release, lock, cancel, claim, withdraw, expire';
COMMENT ON COLUMN energyledger.certificate_event.quantity_wh IS 'how many certificates of 1 Wh';
COMMENT ON COLUMN energyledger.certificate_event.bundles IS 'in how many bundles';
COMMENT ON COLUMN energyledger.certificate_event.recipient IS 'of a transfer: party that has them now; of a claim: meter that consumed; else NULL';
COMMENT ON COLUMN energyledger.certificate_event.beneficiary IS 'of a cancellation: on whose behalf';
COMMENT ON COLUMN energyledger.certificate_event.purpose IS 'of a cancellation: what for';
COMMENT ON COLUMN energyledger.certificate_event.from_at IS 'of a cancellation: start of the consumption it is for; NULL: not said';
COMMENT ON COLUMN energyledger.certificate_event.until_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate_event.reason IS 'why, of what the registry does';
COMMENT ON COLUMN energyledger.certificate_event.recorded_at IS 'when';
COMMENT ON COLUMN energyledger.certificate_event.meter IS 'device that signed it, with epoch and seq the message; NULL: recorded_by says who';
COMMENT ON COLUMN energyledger.certificate_event.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.certificate_event.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.certificate_event.recorded_by IS 'role that did it; NULL: it is signed';
COMMENT ON COLUMN energyledger.certificate_event.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_event_id_key IS 'an event by its ledger_id';
COMMENT ON INDEX energyledger.certificate_event_message_key IS 'the event of a message; each message once';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_event', '');

CREATE TABLE energyledger.certificate_bundle (
    device       text COLLATE "C" NOT NULL,
    carrier      text COLLATE "C" NOT NULL,
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL,
    first_id     bigint NOT NULL CHECK (first_id > 0),
    last_id      bigint NOT NULL CHECK (last_id >= first_id),
    holder       text COLLATE "C" NOT NULL,
    state        text COLLATE "C" NOT NULL CHECK (state IN ('active', 'reserved', 'locked', 'cancelled', 'claimed', 'withdrawn', 'expired')),
    issue_id     bigint NOT NULL,
    parent_id    bigint,
    event_id     bigint,
    reading_id   bigint,
    bound_wh     bigint CHECK (bound_wh >= 0),
    bound_rule   text COLLATE "C",
    clear_sky_wh bigint CHECK (clear_sky_wh >= 0),
    CONSTRAINT certificate_bundle_parent_check CHECK ((parent_id IS NULL) = (event_id IS NULL)),
    CONSTRAINT certificate_bundle_issued_check CHECK (parent_id IS NULL OR num_nonnulls(reading_id, bound_wh, bound_rule, clear_sky_wh) = 0),
    CONSTRAINT certificate_bundle_active_check CHECK (parent_id IS NOT NULL OR state = 'active'),
    CONSTRAINT certificate_bundle_bound_check CHECK (last_id - first_id < bound_wh),
    CONSTRAINT certificate_bundle_period_check CHECK (to_at > from_at AND (to_at - from_at <= interval '1 hour' OR reading_id IS NULL))
) USING ledger;
CREATE UNIQUE INDEX certificate_bundle_key ON energyledger.certificate_bundle (device, carrier, first_id, parent_id) NULLS NOT DISTINCT;
CREATE INDEX certificate_bundle_holder_idx ON energyledger.certificate_bundle (holder, from_at);
COMMENT ON TABLE energyledger.certificate_bundle IS
'bundles of certificates: numbers first_id to last_id of a device, 1 Wh each, of one period, held by one party in one state; ended by the bundles that name them in parent_id. Written by issue_certificates(), transfer_certificates() and their kin';
COMMENT ON COLUMN energyledger.certificate_bundle.device IS 'whose';
COMMENT ON COLUMN energyledger.certificate_bundle.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_bundle.from_at IS 'start of the time in which it was made';
COMMENT ON COLUMN energyledger.certificate_bundle.to_at IS 'its end, not part of it; at most an hour later';
COMMENT ON COLUMN energyledger.certificate_bundle.first_id IS 'first number';
COMMENT ON COLUMN energyledger.certificate_bundle.last_id IS 'last number, included: last_id - first_id + 1 Wh';
COMMENT ON COLUMN energyledger.certificate_bundle.holder IS 'party that holds it: party.party';
COMMENT ON COLUMN energyledger.certificate_bundle.state IS 'active, reserved, locked, cancelled, claimed, withdrawn, expired';
COMMENT ON COLUMN energyledger.certificate_bundle.issue_id IS 'ledger_id of its issue';
COMMENT ON COLUMN energyledger.certificate_bundle.parent_id IS 'ledger_id of the bundle that this is all or a part of; NULL: as it was issued';
COMMENT ON COLUMN energyledger.certificate_bundle.event_id IS 'ledger_id of the event that made it; NULL: as it was issued';
COMMENT ON COLUMN energyledger.certificate_bundle.reading_id IS 'of one as it was issued: ledger_id of the reading it is made of; NULL: none';
COMMENT ON COLUMN energyledger.certificate_bundle.bound_wh IS 'of one as it was issued: most energy that the device could have made in that time';
COMMENT ON COLUMN energyledger.certificate_bundle.bound_rule IS 'by which rule: nameplate, irradiance_limit, ... (doc/plausibility.md)';
COMMENT ON COLUMN energyledger.certificate_bundle.clear_sky_wh IS 'of solar as it was issued: energy under a clear sky, with margin; where there is more, look at it';
COMMENT ON COLUMN energyledger.certificate_bundle.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_bundle_key IS 'a number is issued once, and a bundle ended once: by the one that begins with its first number';
COMMENT ON INDEX energyledger.certificate_bundle_holder_idx IS 'a party''s bundles by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_bundle', '');

CREATE TABLE energyledger.certificate_hold (
    device       text COLLATE "C" NOT NULL,
    carrier      text COLLATE "C" NOT NULL,
    from_at      timestamptz NOT NULL,
    to_at        timestamptz NOT NULL,
    reading_id   bigint NOT NULL,
    energy_wh    bigint,
    reason       text COLLATE "C" NOT NULL,
    bound_wh     bigint,
    device_id    bigint NOT NULL,
    meter_id     bigint,
    rule_version integer NOT NULL,
    held_at      timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX certificate_hold_key ON energyledger.certificate_hold (device, carrier, from_at, reading_id, reason);
COMMENT ON TABLE energyledger.certificate_hold IS
'readings that no certificates were issued for, with the reason; each reading and reason once. Written by issue_certificates()';
COMMENT ON COLUMN energyledger.certificate_hold.device IS 'whose';
COMMENT ON COLUMN energyledger.certificate_hold.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_hold.from_at IS 'start of the reading''s interval';
COMMENT ON COLUMN energyledger.certificate_hold.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate_hold.reading_id IS 'ledger_id of the reading';
COMMENT ON COLUMN energyledger.certificate_hold.energy_wh IS 'energy it tells, in Wh, rounded down; NULL: none that can be used';
COMMENT ON COLUMN energyledger.certificate_hold.reason IS 'why: code of doc/certificates.md';
COMMENT ON COLUMN energyledger.certificate_hold.bound_wh IS 'most energy that the device could have made; NULL: not asked for';
COMMENT ON COLUMN energyledger.certificate_hold.device_id IS 'ledger_id of the row of certificate_device that counted';
COMMENT ON COLUMN energyledger.certificate_hold.meter_id IS 'ledger_id of the row of meter that counted';
COMMENT ON COLUMN energyledger.certificate_hold.rule_version IS 'version of the rules of the bounds';
COMMENT ON COLUMN energyledger.certificate_hold.held_at IS 'when';
COMMENT ON COLUMN energyledger.certificate_hold.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_hold_key IS 'each once';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_hold', '');

CREATE TABLE energyledger.certificate_acceptance (
    holder      text COLLATE "C" NOT NULL,
    sender      text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(sender)),
    accepted    boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    meter       text COLLATE "C",
    epoch       bigint,
    seq         bigint,
    recorded_by text,
    CONSTRAINT certificate_acceptance_origin_check CHECK (num_nulls(meter, epoch, seq) IN (0, 3) AND (meter IS NULL) <> (recorded_by IS NULL))
) USING ledger;
CREATE INDEX certificate_acceptance_idx ON energyledger.certificate_acceptance (holder, sender, recorded_at, ledger_id);
COMMENT ON TABLE energyledger.certificate_acceptance IS
'from whom parties accept certificates; of the rows of both the newest counts, and who said nothing accepts none. Written by accept_certificates() and ingest()';
COMMENT ON COLUMN energyledger.certificate_acceptance.holder IS 'party that would get them';
COMMENT ON COLUMN energyledger.certificate_acceptance.sender IS 'party that would send them';
COMMENT ON COLUMN energyledger.certificate_acceptance.accepted IS 'false: no longer';
COMMENT ON COLUMN energyledger.certificate_acceptance.recorded_at IS 'when';
COMMENT ON COLUMN energyledger.certificate_acceptance.meter IS 'device that signed it, with epoch and seq the message; NULL: recorded_by says who';
COMMENT ON COLUMN energyledger.certificate_acceptance.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.certificate_acceptance.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.certificate_acceptance.recorded_by IS 'role that said so; NULL: it is signed';
COMMENT ON COLUMN energyledger.certificate_acceptance.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.certificate_acceptance_idx IS 'what was said of a sender, the newest last';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_acceptance', '');

-- Not a ledger table: sums of what is in certificate_bundle, so that nobody adds up millions
-- of bundles.  In stripes, so that sessions at work for one holder do not wait for each other.
CREATE TABLE energyledger.certificate_sum (
    holder      text COLLATE "C" NOT NULL,
    carrier     text COLLATE "C" NOT NULL,
    state       text COLLATE "C" NOT NULL,
    stripe      smallint NOT NULL,
    quantity_wh bigint NOT NULL,
    bundles     bigint NOT NULL,
    PRIMARY KEY (holder, carrier, state, stripe)
) WITH (fillfactor = 50);
COMMENT ON TABLE energyledger.certificate_sum IS
'how many certificates parties hold, kept by the trigger of certificate_bundle and rebuilt by rebuild_certificate_sums(); verify_certificates() compares it. Read certificate_balance';
COMMENT ON COLUMN energyledger.certificate_sum.holder IS 'who';
COMMENT ON COLUMN energyledger.certificate_sum.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_sum.state IS 'in which state';
COMMENT ON COLUMN energyledger.certificate_sum.stripe IS 'one of 16 parts of the sum, by the session that changed it; a part may be below zero';
COMMENT ON COLUMN energyledger.certificate_sum.quantity_wh IS 'certificates of 1 Wh';
COMMENT ON COLUMN energyledger.certificate_sum.bundles IS 'in how many bundles';
COMMENT ON INDEX energyledger.certificate_sum_pkey IS 'the parts of a sum';
SELECT pg_catalog.pg_extension_config_dump('energyledger.certificate_sum', '');

-- ---------------------------------------------------------------- what is there

CREATE TYPE energyledger.certificate_range AS (device text, carrier text, first_id bigint, last_id bigint);
COMMENT ON TYPE energyledger.certificate_range IS
'certificates by their numbers: first_id to last_id, both included, of a device and carrier';
COMMENT ON COLUMN energyledger.certificate_range.device IS 'whose';
COMMENT ON COLUMN energyledger.certificate_range.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_range.first_id IS 'first number';
COMMENT ON COLUMN energyledger.certificate_range.last_id IS 'last number, included';

CREATE VIEW energyledger.certificate_holding AS
    SELECT b.holder, b.state, b.device, b.carrier, b.from_at, b.to_at, b.first_id, b.last_id, b.last_id - b.first_id + 1 AS quantity_wh,
           (b.device, b.carrier, b.first_id, b.last_id)::energyledger.certificate_range AS numbers, b.issue_id, b.event_id, b.ledger_id AS bundle_id
      FROM energyledger.certificate_bundle b
     WHERE NOT EXISTS (SELECT FROM energyledger.certificate_bundle c WHERE c.device = b.device AND c.carrier = b.carrier AND c.first_id = b.first_id AND c.parent_id = b.ledger_id);
COMMENT ON VIEW energyledger.certificate_holding IS 'bundles as they are now: who holds what, in which state. Ask for a holder, or a device';
COMMENT ON COLUMN energyledger.certificate_holding.holder IS 'party that holds it';
COMMENT ON COLUMN energyledger.certificate_holding.state IS 'active, reserved, locked, cancelled, claimed, withdrawn, expired';
COMMENT ON COLUMN energyledger.certificate_holding.device IS 'whose production';
COMMENT ON COLUMN energyledger.certificate_holding.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_holding.from_at IS 'start of the time in which it was made';
COMMENT ON COLUMN energyledger.certificate_holding.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.certificate_holding.first_id IS 'first number';
COMMENT ON COLUMN energyledger.certificate_holding.last_id IS 'last number, included';
COMMENT ON COLUMN energyledger.certificate_holding.quantity_wh IS 'how many: 1 Wh each';
COMMENT ON COLUMN energyledger.certificate_holding.numbers IS 'the same as transfer_certificates() and its kin take it';
COMMENT ON COLUMN energyledger.certificate_holding.issue_id IS 'ledger_id of its issue';
COMMENT ON COLUMN energyledger.certificate_holding.event_id IS 'ledger_id of the event that made it; NULL: as it was issued';
COMMENT ON COLUMN energyledger.certificate_holding.bundle_id IS 'its ledger_id';

CREATE VIEW energyledger.certificate_balance AS
    SELECT s.holder, s.carrier, s.state, sum(s.quantity_wh)::bigint AS quantity_wh, sum(s.bundles)::bigint AS bundles
      FROM energyledger.certificate_sum s
     GROUP BY s.holder, s.carrier, s.state
    HAVING sum(s.bundles) <> 0;
COMMENT ON VIEW energyledger.certificate_balance IS 'how many certificates each party holds, by carrier and state; the sums of certificate_holding, at hand';
COMMENT ON COLUMN energyledger.certificate_balance.holder IS 'party that holds them';
COMMENT ON COLUMN energyledger.certificate_balance.carrier IS 'of what';
COMMENT ON COLUMN energyledger.certificate_balance.state IS 'in which state';
COMMENT ON COLUMN energyledger.certificate_balance.quantity_wh IS 'how many: 1 Wh each';
COMMENT ON COLUMN energyledger.certificate_balance.bundles IS 'in how many bundles';

-- ---------------------------------------------------------------- what must never be

CREATE FUNCTION energyledger.certificates_lock(certificates energyledger.certificate_range[])
RETURNS void
LANGUAGE C VOLATILE STRICT
AS 'MODULE_PATHNAME', 'energyledger_certificates_lock';
REVOKE EXECUTE ON FUNCTION energyledger.certificates_lock(energyledger.certificate_range[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.certificates_lock(energyledger.certificate_range[]) IS
'Locks the certificates of devices to the end of the transaction, so that one transaction at a time changes them. Of the ranges only the devices count: up to 128 are locked one by one, with more all devices of their groups, of which there are 64; each call takes its locks in the same sequence. For functions of the extension. '
'Errors: 22004 for a NULL device, 25000 in a transaction of another isolation level than READ COMMITTED.';

CREATE FUNCTION energyledger.certificate_step(kind text, from_state text)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_certificate_step';
COMMENT ON FUNCTION energyledger.certificate_step(text, text) IS
'The state that an event of a kind (certificate_event.kind) leads to from a state (certificate_bundle.state); NULL where it must not happen, and for NULL. No errors. Rule: EnergyTag''s states, doc/certificates.md.';

CREATE FUNCTION energyledger.certificate_bundle_check()
RETURNS trigger
LANGUAGE C VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan SET jit = off
AS 'MODULE_PATHNAME', 'energyledger_certificate_bundle_check';
REVOKE EXECUTE ON FUNCTION energyledger.certificate_bundle_check() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.certificate_bundle_check() IS
'Trigger of certificate_bundle: refuses what does not follow from the issue or from the bundle before (23000, 23P01), and keeps certificate_sum. With its owner''s rights, as whoever inserts may not read the rest.';

CREATE TRIGGER certificate_bundle_check AFTER INSERT ON energyledger.certificate_bundle
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION energyledger.certificate_bundle_check();
COMMENT ON TRIGGER certificate_bundle_check ON energyledger.certificate_bundle IS 'refuses what must never be, and keeps the sums';

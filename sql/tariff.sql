/*
 * tariff.sql: what energy costs those who do not trade, and what it costs besides: the
 * components of tariffs, and who has which tariff from when to when.  What is made of them
 * is in charge.sql, the rules in doc/billing.md.
 *
 * Nothing is edited.  Rows of the same component (of the same party's contract) that begin at
 * the same moment are versions of one: the newest counts.  It holds until its end, or until
 * one begins later.  So what was known at any time can be said, and a mistake put right.
 */

CREATE TABLE energyledger.tariff_component (
    tariff              text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(tariff)),
    component           text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(component)),
    kind                text COLLATE "C" NOT NULL CHECK (kind IN ('energy', 'feed_in', 'network', 'tax', 'levy', 'standing')),
    creditor            text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(creditor)),
    direction           text COLLATE "C",
    price_micro_per_kwh bigint CHECK (price_micro_per_kwh BETWEEN -100000000000000 AND 100000000000000),
    price_series        text COLLATE "C" CHECK (energyledger.identifier_valid(price_series)),
    multiplier_ppm      bigint CHECK (multiplier_ppm BETWEEN 0 AND 100000000),
    adder_micro_per_kwh bigint CHECK (adder_micro_per_kwh BETWEEN -100000000000000 AND 100000000000000),
    price_micro_per_day bigint CHECK (price_micro_per_day BETWEEN -100000000000000 AND 100000000000000),
    weekdays            smallint[],
    local_from          time,
    local_to            time,
    months              smallint[],
    currency            text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    vat_ppm             integer NOT NULL CHECK (vat_ppm BETWEEN 0 AND 1000000),
    from_at             timestamptz NOT NULL,
    until_at            timestamptz NOT NULL CHECK (until_at >= from_at),
    recorded_at         timestamptz NOT NULL,
    recorded_by         text NOT NULL,
    CONSTRAINT tariff_component_price_check CHECK (num_nonnulls(price_micro_per_kwh, price_series, price_micro_per_day) = 1),
    CONSTRAINT tariff_component_series_check CHECK (num_nonnulls(price_series, multiplier_ppm, adder_micro_per_kwh) IN (0, 3)),
    CONSTRAINT tariff_component_direction_check CHECK (CASE kind WHEN 'standing' THEN direction IS NULL AND price_micro_per_day IS NOT NULL
        WHEN 'energy' THEN direction IS NOT DISTINCT FROM 'import' AND price_micro_per_day IS NULL
        WHEN 'feed_in' THEN direction IS NOT DISTINCT FROM 'export' AND price_micro_per_day IS NULL
        ELSE direction IS NOT NULL AND direction IN ('import', 'export') AND price_micro_per_day IS NULL END),
    CONSTRAINT tariff_component_window_check CHECK ((local_from IS NULL) = (local_to IS NULL) AND local_from <> local_to
        AND (kind <> 'standing' OR num_nonnulls(weekdays, local_from, months) = 0))
) USING ledger;
CREATE INDEX tariff_component_idx ON energyledger.tariff_component (tariff, component, from_at);
COMMENT ON TABLE energyledger.tariff_component IS
'what tariffs are made of. Of rows with the same tariff, component and from_at the newest counts; it holds until until_at, or until a row of the component with a later from_at begins. Written by add_tariff_component()';
COMMENT ON COLUMN energyledger.tariff_component.tariff IS 'name: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.tariff_component.component IS 'name within the tariff: day, night, grid-fee';
COMMENT ON COLUMN energyledger.tariff_component.kind IS 'energy, feed_in, network, tax, levy: by energy; standing: by local days. Also the kind of the postings';
COMMENT ON COLUMN energyledger.tariff_component.creditor IS 'party that it is due to; of feed_in: party that pays it';
COMMENT ON COLUMN energyledger.tariff_component.direction IS 'which energy: import or export; NULL: standing, which is none';
COMMENT ON COLUMN energyledger.tariff_component.price_micro_per_kwh IS 'fixed price, micro-currency per kWh, may be negative; NULL: by price_series or by days';
COMMENT ON COLUMN energyledger.tariff_component.price_series IS 'dynamic: series of price, whose price at each slot counts; NULL: fixed';
COMMENT ON COLUMN energyledger.tariff_component.multiplier_ppm IS 'dynamic: times so many millionths, rounded half up ...';
COMMENT ON COLUMN energyledger.tariff_component.adder_micro_per_kwh IS '... and so much more, micro-currency per kWh';
COMMENT ON COLUMN energyledger.tariff_component.price_micro_per_day IS 'standing: micro-currency for a local day, of 23 and 25 hours too';
COMMENT ON COLUMN energyledger.tariff_component.weekdays IS 'holds on these days of the week of the local date, 1 Monday to 7 Sunday; NULL: all';
COMMENT ON COLUMN energyledger.tariff_component.local_from IS 'holds from this local time of day on; NULL: all day';
COMMENT ON COLUMN energyledger.tariff_component.local_to IS 'until this one, not part of it; one below local_from: over midnight';
COMMENT ON COLUMN energyledger.tariff_component.months IS 'holds in these months of the local date; NULL: all';
COMMENT ON COLUMN energyledger.tariff_component.currency IS 'ISO 4217: EUR; the same in all of a tariff';
COMMENT ON COLUMN energyledger.tariff_component.vat_ppm IS 'VAT that an invoice adds, in millionths of the amount';
COMMENT ON COLUMN energyledger.tariff_component.from_at IS 'holds from then on; -infinity: always did';
COMMENT ON COLUMN energyledger.tariff_component.until_at IS 'until then, not part of it; equal to from_at: the component ends there';
COMMENT ON COLUMN energyledger.tariff_component.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.tariff_component.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.tariff_component.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.tariff_component_idx IS 'a tariff''s components by time';

CREATE TABLE energyledger.contract (
    party              text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(party)),
    tariff             text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(tariff)),
    time_zone          text NOT NULL CHECK (octet_length(time_zone) <= 64),
    from_at            timestamptz NOT NULL CHECK (isfinite(from_at)),
    until_at           timestamptz NOT NULL CHECK (until_at >= from_at),
    prepaid            boolean NOT NULL,
    prepaid_floor_nano bigint NOT NULL,
    recorded_at        timestamptz NOT NULL,
    recorded_by        text NOT NULL
) USING ledger;
CREATE INDEX contract_idx ON energyledger.contract (party, from_at);
COMMENT ON TABLE energyledger.contract IS
'who has which tariff. Of rows with the same party and from_at the newest counts; it holds until until_at, or until a row of the party with a later from_at begins. Written by set_contract()';
COMMENT ON COLUMN energyledger.contract.party IS 'customer: party.party';
COMMENT ON COLUMN energyledger.contract.tariff IS 'tariff_component.tariff';
COMMENT ON COLUMN energyledger.contract.time_zone IS 'whose days are charged and whose clock its windows are of: a name that PostgreSQL knows';
COMMENT ON COLUMN energyledger.contract.from_at IS 'first day: its start in this time zone';
COMMENT ON COLUMN energyledger.contract.until_at IS 'end of the last day; infinity: open; equal to from_at: none';
COMMENT ON COLUMN energyledger.contract.prepaid IS 'its meters are switched off where the credit is used up (prepaid_enforce)';
COMMENT ON COLUMN energyledger.contract.prepaid_floor_nano IS 'of a prepaid one: they are at this credit, in nano-currency; below zero: so much may be owed';
COMMENT ON COLUMN energyledger.contract.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.contract.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.contract.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.contract_idx IS 'a party''s contracts by time';

SELECT pg_catalog.pg_extension_config_dump('energyledger.tariff_component', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.contract', '');

CREATE VIEW energyledger.tariff_current AS
    SELECT v.tariff, v.component, v.kind, v.creditor, v.direction, v.price_micro_per_kwh, v.price_series, v.multiplier_ppm, v.adder_micro_per_kwh,
           v.price_micro_per_day, v.weekdays, v.local_from, v.local_to, v.months, v.currency, v.vat_ppm, v.from_at, v.until_at, v.recorded_at, v.recorded_by, v.ledger_id
      FROM (SELECT DISTINCT ON (tariff, component) * FROM energyledger.tariff_component
             WHERE from_at <= now() ORDER BY tariff, component, from_at DESC, recorded_at DESC, ledger_id DESC) v
     WHERE v.until_at > now();
COMMENT ON VIEW energyledger.tariff_current IS 'the components of tariffs that hold now, at whatever time of day';

CREATE VIEW energyledger.contract_current AS
    SELECT v.party, v.tariff, v.time_zone, v.from_at, v.until_at, v.prepaid, v.prepaid_floor_nano, v.recorded_at, v.recorded_by, v.ledger_id
      FROM (SELECT DISTINCT ON (party) * FROM energyledger.contract
             WHERE from_at <= now() ORDER BY party, from_at DESC, recorded_at DESC, ledger_id DESC) v
     WHERE v.until_at > now();
COMMENT ON VIEW energyledger.contract_current IS 'the contracts that hold now';

-- What is said of a view's columns is said of the tables'.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT v.attrelid::regclass AS view, v.attname, col_description(t.attrelid, t.attnum) AS said
          FROM (VALUES ('tariff_component', 'tariff_current'), ('contract', 'contract_current')) n(relation, view)
          JOIN pg_attribute t ON t.attrelid = ('energyledger.' || n.relation)::regclass AND t.attnum > 0 AND NOT t.attisdropped
          JOIN pg_attribute v ON v.attrelid = ('energyledger.' || n.view)::regclass AND v.attname = t.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.view, c.attname, c.said);
    END LOOP;
END
$$;

-- (plpgsql keeps the plans of these two for the session: they are called for every day and price)

CREATE FUNCTION energyledger.day_start(day date, time_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    midnight CONSTANT timestamp := day::timestamp;
    at CONSTANT timestamptz := midnight AT TIME ZONE time_zone;
    back interval;
BEGIN
    -- AT TIME ZONE takes the second midnight where the clock is put back over it
    FOREACH back IN ARRAY '{3:00, 2:00, 1:00, 0:30}'::interval[] LOOP
        IF (at - back) AT TIME ZONE time_zone = midnight THEN
            RETURN at - back;
        END IF;
    END LOOP;
    RETURN at;
END
$$;
COMMENT ON FUNCTION energyledger.day_start(date, text) IS
'When a day begins in a time zone, as daily_energy() has it: its first midnight; where the clock is put forward over midnight, the moment at which that happens. '
'A day that a zone left out begins when the next does. NULL for NULL. Errors: 22023 for an unknown time zone.';

CREATE FUNCTION energyledger.scaled_price(price_micro_per_kwh bigint, multiplier_ppm bigint, adder_micro_per_kwh bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part CONSTANT bigint := (price_micro_per_kwh % 1000000 + 1000000) % 1000000;
BEGIN
    -- price = 10^6 whole + part, 0 <= part < 10^6: nothing overflows, and one thing is rounded
    RETURN (price_micro_per_kwh - part) / 1000000 * multiplier_ppm + (part * multiplier_ppm + 500000) / 1000000 + adder_micro_per_kwh;
END
$$;
COMMENT ON FUNCTION energyledger.scaled_price(bigint, bigint, bigint) IS
'The price of a dynamic component: price_micro_per_kwh * multiplier_ppm / 1000000, rounded half up (2.5 is 3, -2.5 is -2), plus adder_micro_per_kwh. NULL for NULL. '
'Errors: 22003 beyond what a component can have (a price and an adder of up to 10^14, a multiplier of 0 to 10^8).';

-- ---------------------------------------------------------------- writing them

CREATE FUNCTION energyledger.numbers_between(numbers smallint[], low int, high int) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_ndims(numbers) = 1 AND array_position(numbers, NULL) IS NULL AND low <= ALL (numbers) AND high >= ALL (numbers)
                    AND cardinality(numbers) = (SELECT count(DISTINCT n) FROM unnest(numbers) n), false)
$$;
COMMENT ON FUNCTION energyledger.numbers_between(smallint[], int, int) IS
'Is it a list of at least one number, each between low and high and none twice? NULL for NULL; no errors.';

CREATE FUNCTION energyledger.add_tariff_component(
    tariff text,
    component text,
    kind text,
    creditor text,
    currency text,
    price_micro_per_kwh bigint DEFAULT NULL,
    price_series text DEFAULT NULL,
    multiplier_ppm bigint DEFAULT NULL,
    adder_micro_per_kwh bigint DEFAULT NULL,
    price_micro_per_day bigint DEFAULT NULL,
    direction text DEFAULT NULL,
    weekdays smallint[] DEFAULT NULL,
    local_from time DEFAULT NULL,
    local_to time DEFAULT NULL,
    months smallint[] DEFAULT NULL,
    from_at timestamptz DEFAULT '-infinity',
    until_at timestamptz DEFAULT 'infinity',
    vat_ppm integer DEFAULT 0)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    way CONSTANT text := coalesce(direction, CASE kind WHEN 'feed_in' THEN 'export' WHEN 'standing' THEN NULL ELSE 'import' END);
    price_max CONSTANT bigint := 100000000000000;
    other text;
    id bigint;
BEGIN
    IF tariff IS NULL OR component IS NULL OR kind IS NULL OR creditor IS NULL OR currency IS NULL OR from_at IS NULL OR until_at IS NULL OR vat_ppm IS NULL THEN
        RAISE EXCEPTION 'tariff, component, kind, creditor, currency, from_at, until_at and vat_ppm must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOREACH other IN ARRAY ARRAY[tariff, component, creditor, price_series] LOOP
        IF NOT energyledger.identifier_valid(other) THEN
            RAISE EXCEPTION '"%" is no name', other USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'Tariffs, components, creditors and series of prices have names of 1 to 64 of A-Z a-z 0-9 . _ : -.';
        END IF;
    END LOOP;
    IF kind NOT IN ('energy', 'feed_in', 'network', 'tax', 'levy', 'standing') THEN
        RAISE EXCEPTION '"%" is no kind of component', kind USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'There are energy, feed_in, network, tax, levy and standing.';
    END IF;
    IF currency !~ '^[A-Z]{3}$' THEN
        RAISE EXCEPTION '"%" is no currency', currency USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must be three capital letters (ISO 4217).';
    END IF;
    IF (kind = 'standing') <> (way IS NULL) OR way NOT IN ('import', 'export') OR (kind = 'energy' AND way <> 'import') OR (kind = 'feed_in' AND way <> 'export') THEN
        RAISE EXCEPTION 'a component of kind % cannot have this direction', kind USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is %s. Energy is import, feed_in export, network, tax and levy either, standing none.', coalesce('"' || way || '"', 'NULL'));
    END IF;
    IF num_nonnulls(price_micro_per_kwh, price_series, price_micro_per_day) <> 1 OR (kind = 'standing') <> (price_micro_per_day IS NOT NULL) THEN
        RAISE EXCEPTION 'a component of kind % must have one price', kind USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'A standing charge has price_micro_per_day; the others have either price_micro_per_kwh or price_series.';
    END IF;
    IF price_series IS NULL AND num_nonnulls(multiplier_ppm, adder_micro_per_kwh) > 0 THEN
        RAISE EXCEPTION 'only a price of a series can be multiplied and added to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF abs(coalesce(price_micro_per_kwh, price_micro_per_day, 0)::numeric) > price_max OR abs(adder_micro_per_kwh::numeric) > price_max
       OR multiplier_ppm NOT BETWEEN 0 AND 100000000 OR vat_ppm NOT BETWEEN 0 AND 1000000 THEN
        RAISE EXCEPTION 'a price, multiplier or VAT is out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = 'Prices and adders are -10^14 to 10^14, multipliers 0 to 10^8 and VAT 0 to 10^6 millionths.';
    END IF;
    IF NOT energyledger.numbers_between(weekdays, 1, 7) OR NOT energyledger.numbers_between(months, 1, 12) THEN
        RAISE EXCEPTION 'weekdays must be numbers of 1 to 7 and months of 1 to 12, none of them twice' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s and %s.', coalesce(weekdays::text, 'NULL'), coalesce(months::text, 'NULL')), HINT = 'NULL stands for all of them.';
    END IF;
    IF (local_from IS NULL) <> (local_to IS NULL) OR local_from = local_to
       OR extract(epoch FROM local_from)::numeric % 900 <> 0 OR extract(epoch FROM local_to)::numeric % 900 <> 0 THEN
        RAISE EXCEPTION 'local_from and local_to must be two different times of day, on a quarter of an hour' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s and %s.', coalesce(local_from::text, 'NULL'), coalesce(local_to::text, 'NULL')), HINT = 'Both are NULL for all day; a day ends at 24:00.';
    END IF;
    IF kind = 'standing' AND num_nonnulls(weekdays, local_from, months) > 0 THEN
        RAISE EXCEPTION 'a standing charge has no windows' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF until_at < from_at OR from_at = 'infinity' OR until_at = '-infinity' THEN
        RAISE EXCEPTION 'a component must not end before it begins' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It holds from %s until %s.', from_at, until_at);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('energyledger.tariff:' || tariff, 0));
    SELECT t.currency INTO other FROM energyledger.tariff_component t WHERE t.tariff = add_tariff_component.tariff AND t.currency <> add_tariff_component.currency LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tariff "%" is in %, not in %', tariff, other, currency USING ERRCODE = 'invalid_parameter_value', DETAIL = 'All components of a tariff have one currency.';
    END IF;

    INSERT INTO energyledger.tariff_component AS made
           (tariff, component, kind, creditor, direction, price_micro_per_kwh, price_series, multiplier_ppm, adder_micro_per_kwh, price_micro_per_day,
            weekdays, local_from, local_to, months, currency, vat_ppm, from_at, until_at, recorded_at, recorded_by)
    VALUES (tariff, component, kind, creditor, way, price_micro_per_kwh, price_series,
            CASE WHEN price_series IS NOT NULL THEN coalesce(multiplier_ppm, 1000000) END, CASE WHEN price_series IS NOT NULL THEN coalesce(adder_micro_per_kwh, 0) END,
            price_micro_per_day, weekdays, local_from, local_to, months, currency, vat_ppm, from_at, until_at,
            clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING made.ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.add_tariff_component(text, text, text, text, text, bigint, text, bigint, bigint, bigint, text, smallint[], time, time, smallint[], timestamptz, timestamptz, integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_tariff_component(text, text, text, text, text, bigint, text, bigint, bigint, bigint, text, smallint[], time, time, smallint[], timestamptz, timestamptz, integer) IS
'Adds a component to a tariff, or writes it anew. tariff, component, creditor, price_series: names of 1 to 64 of A-Z a-z 0-9 . _ : -; kind: energy, feed_in, network, tax, levy or standing; '
'creditor: party that it is due to, of feed_in the one that pays it; currency: ISO 4217, the same in all of the tariff; one price: price_micro_per_kwh, or price_series with multiplier_ppm (NULL: 1000000) and adder_micro_per_kwh (NULL: 0), '
'or price_micro_per_day of a standing charge; prices -10^14 to 10^14, multiplier_ppm 0 to 10^8; direction: import or export, NULL: export of feed_in, none of standing, else import; '
'weekdays (1 Monday to 7), local_from and local_to (quarters of an hour, half-open, over midnight where local_to is below), months: when it holds, by the clock of the contract, NULL: always; '
'from_at, until_at: validity; vat_ppm: VAT in millionths. A row with the from_at of an older one takes its place; with until_at = from_at the component ends there. Result: the row''s ledger_id. '
'Errors: 22004 for a NULL where none may be, 22023 for a bad name, kind, currency, direction, window, time or combination of arguments, 22003 for a number out of range. Rules: doc/billing.md.';

CREATE FUNCTION energyledger.set_contract(
    party text,
    tariff text,
    time_zone text,
    from_at timestamptz,
    until_at timestamptz DEFAULT 'infinity',
    prepaid boolean DEFAULT false,
    prepaid_floor_nano bigint DEFAULT 0)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    other text;
    at timestamptz;
    id bigint;
BEGIN
    IF party IS NULL OR tariff IS NULL OR time_zone IS NULL OR from_at IS NULL OR until_at IS NULL OR prepaid IS NULL OR prepaid_floor_nano IS NULL THEN
        RAISE EXCEPTION 'arguments of set_contract must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOREACH other IN ARRAY ARRAY[party, tariff] LOOP
        IF NOT energyledger.identifier_valid(other) THEN
            RAISE EXCEPTION '"%" is no name', other USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'Parties and tariffs have names of 1 to 64 of A-Z a-z 0-9 . _ : -.';
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM energyledger.tariff_component t WHERE t.tariff = set_contract.tariff) THEN
        RAISE EXCEPTION 'there is no tariff "%"', tariff USING ERRCODE = 'no_data_found', HINT = 'Add its components with add_tariff_component().';
    END IF;
    IF EXISTS (SELECT FROM energyledger.tariff_component t WHERE t.tariff = set_contract.tariff AND t.creditor = party) THEN
        RAISE EXCEPTION 'party "%" cannot have tariff "%"', party, tariff USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It is a creditor of this tariff itself.';
    END IF;
    IF octet_length(time_zone) > 64 OR time_zone = '' THEN
        RAISE EXCEPTION 'the name of a time zone must have 1 to 64 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NOT isfinite(from_at) OR until_at < from_at THEN
        RAISE EXCEPTION 'a contract must have a beginning, and must not end before it' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It holds from %s until %s.', from_at, until_at);
    END IF;
    -- 22023 of the server's where there is no such zone
    FOREACH at IN ARRAY ARRAY[from_at, until_at] LOOP
        IF isfinite(at) AND energyledger.day_start((at AT TIME ZONE time_zone)::date, time_zone) <> at THEN
            RAISE EXCEPTION 'a contract must begin and end with a day of its time zone' USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('%s is %s in %s.', at, at AT TIME ZONE time_zone, time_zone),
                HINT = 'day_start(day, time_zone) says when a day begins.';
        END IF;
    END LOOP;

    INSERT INTO energyledger.contract AS made (party, tariff, time_zone, from_at, until_at, prepaid, prepaid_floor_nano, recorded_at, recorded_by)
    VALUES (party, tariff, time_zone, from_at, until_at, prepaid, prepaid_floor_nano, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING made.ledger_id INTO id;
    RETURN id;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.set_contract(text, text, text, timestamptz, timestamptz, boolean, bigint) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.set_contract(text, text, text, timestamptz, timestamptz, boolean, bigint) IS
'Gives a party a tariff. party, tariff: names; the tariff has components, and the party is none of their creditors; time_zone: whose days are charged and whose clock its windows are of, a name that PostgreSQL knows; '
'from_at, until_at: start and end of its days in that zone (day_start), until_at infinity: until another begins; prepaid: its meters are switched off where the credit falls to prepaid_floor_nano (nano-currency). '
'A row with the from_at of an older one takes its place. Result: the row''s ledger_id. Errors: 22004 for NULL, 22023 for a bad name, time zone or time and for a party that is a creditor of the tariff, P0002 for an unknown tariff. Rules: doc/billing.md.';

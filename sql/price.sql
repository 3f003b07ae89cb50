/*
 * price.sql: prices over time that somebody else makes: an exchange's hours, what a grid
 * operator pays and takes.  Markets and tariffs name a series and take its price at the
 * slot in question.
 *
 * Nothing is edited: of the rows that hold a moment the newest counts, and known_at
 * gives the price of an earlier knowledge.
 */

CREATE TABLE energyledger.price (
    series              text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(series)),
    from_at             timestamptz NOT NULL CHECK (isfinite(from_at)),
    to_at               timestamptz NOT NULL CHECK (to_at > from_at),
    price_micro_per_kwh bigint NOT NULL CHECK (price_micro_per_kwh BETWEEN -100000000000000 AND 100000000000000),
    recorded_at         timestamptz NOT NULL,
    recorded_by         text NOT NULL
) USING ledger;
CREATE INDEX price_series_idx ON energyledger.price (series, from_at);
CREATE INDEX price_open_idx ON energyledger.price (series, from_at) WHERE to_at = 'infinity';
COMMENT ON TABLE energyledger.price IS
'prices over time, by the name of their series. Of the rows that hold a moment the newest counts. Written by add_prices()';
COMMENT ON COLUMN energyledger.price.series IS 'name: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.price.from_at IS 'from when';
COMMENT ON COLUMN energyledger.price.to_at IS 'until when, not part of it; infinity: until another row says otherwise';
COMMENT ON COLUMN energyledger.price.price_micro_per_kwh IS 'micro-currency per kWh (200000 is 20 cents), may be negative';
COMMENT ON COLUMN energyledger.price.recorded_at IS 'when it was written';
COMMENT ON COLUMN energyledger.price.recorded_by IS 'by which role';
COMMENT ON COLUMN energyledger.price.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.price_series_idx IS 'a series by time';
COMMENT ON INDEX energyledger.price_open_idx IS 'prices without an end, without reading all that begin before a moment';
SELECT pg_catalog.pg_extension_config_dump('energyledger.price', '');

CREATE FUNCTION energyledger.add_prices(series text, since timestamptz, slot interval, prices_micro_per_kwh bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    added bigint;
BEGIN
    IF series IS NULL OR since IS NULL OR prices_micro_per_kwh IS NULL THEN
        RAISE EXCEPTION 'arguments of add_prices other than slot must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(series) THEN
        RAISE EXCEPTION '"%" is no name for a series of prices', series USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    IF NOT isfinite(since) OR extract(microsecond FROM since) % 1000000 <> 0 THEN
        RAISE EXCEPTION 'a series of prices must begin on a second' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s.', since);
    END IF;
    IF array_ndims(prices_micro_per_kwh) > 1 OR array_position(prices_micro_per_kwh, NULL) IS NOT NULL OR cardinality(prices_micro_per_kwh) NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'prices must be 1 to 100000 numbers in one dimension' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s, in %s dimensions, %s of them NULL.', cardinality(prices_micro_per_kwh), coalesce(array_ndims(prices_micro_per_kwh), 0), (SELECT count(*) FROM unnest(prices_micro_per_kwh) p WHERE p IS NULL));
    END IF;
    IF -100000000000000 > ANY (prices_micro_per_kwh) OR 100000000000000 < ANY (prices_micro_per_kwh) THEN
        RAISE EXCEPTION 'a price is out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = 'Prices of -10^14 to 10^14 micro-currency per kWh are kept.';
    END IF;
    IF slot IS NULL AND cardinality(prices_micro_per_kwh) > 1 THEN
        RAISE EXCEPTION 'only a single price can last until the next' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('There are %s prices without a length of their slots.', cardinality(prices_micro_per_kwh));
    END IF;
    IF slot < interval '1 minute' OR extract(month FROM slot) <> 0 OR extract(year FROM slot) <> 0 OR extract(day FROM slot) <> 0
       OR slot > interval '24 hours' THEN
        RAISE EXCEPTION 'slots of prices must be of 1 minute to 24 hours' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are of %s.', slot),
            HINT = 'A price that stays is given alone, with NULL for its slot.';
    END IF;
    INSERT INTO energyledger.price (series, from_at, to_at, price_micro_per_kwh, recorded_at, recorded_by)
    SELECT series, CASE WHEN slot IS NULL THEN since ELSE since + (p.n - 1) * slot END, CASE WHEN slot IS NULL THEN 'infinity' ELSE since + p.n * slot END,
           p.price, clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user)
      FROM unnest(prices_micro_per_kwh) WITH ORDINALITY p(price, n);
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.add_prices(text, timestamptz, interval, bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.add_prices(text, timestamptz, interval, bigint[]) IS
'Adds prices to a series. series: name, 1 to 64 of A-Z a-z 0-9 . _ : -; since: start of the first, on a second; slot: how long each holds, 1 minute to 24 hours, '
'in absolute time; NULL: the one price given holds until another row says otherwise; prices_micro_per_kwh: 1 to 100000 of them, -10^14 to 10^14. '
'What is added again counts instead of the older, and both stay. Result: number of rows. Errors: 22004 for NULL, 22023 for a bad name, time, slot or array, 22003 for a price out of range.';

CREATE FUNCTION energyledger.price_at(series text, at timestamptz, known_at timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Rows of slots reach at most a day back; those without an end are few and are looked for
    -- from the newest that begins at or before the moment.
    SELECT p.price_micro_per_kwh
      FROM (SELECT s.* FROM energyledger.price s
             WHERE s.series = $1 AND s.from_at > $2 - interval '24 hours 1 second' AND s.from_at <= $2 AND s.to_at > $2
               AND ($3 IS NULL OR s.recorded_at <= $3)
            UNION ALL
            SELECT s.* FROM energyledger.price s
             WHERE s.series = $1 AND s.from_at <= $2 AND s.to_at = 'infinity' AND ($3 IS NULL OR s.recorded_at <= $3)) p
     ORDER BY p.recorded_at DESC, p.ledger_id DESC LIMIT 1
$$;
COMMENT ON FUNCTION energyledger.price_at(text, timestamptz, timestamptz) IS
'The price of a series at a moment, in micro-currency per kWh: of the rows that hold it the newest. series, at: which and when; known_at: only what was recorded by then; NULL: all. '
'NULL where there is none, or for NULL. Needs SELECT on price. No errors.';

/*
 * biller.sql: parties that write invoices: what customers must be told of them, and
 * for which markets they collect.
 *
 * Nothing is edited: whoever changes something writes another row, and the newest counts.
 */

CREATE TABLE energyledger.biller (
    biller              text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(biller)),
    name                text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 1000),
    address             text CHECK (octet_length(address) <= 1000),
    email               text CHECK (octet_length(email) <= 1000),
    hotline             text CHECK (octet_length(hotline) <= 1000),
    vat_id              text CHECK (octet_length(vat_id) <= 1000),
    dispute_settlement  text CHECK (octet_length(dispute_settlement) <= 1000),
    contact_point       text CHECK (octet_length(contact_point) <= 1000),
    comparison_tools    text CHECK (octet_length(comparison_tools) <= 1000),
    switching           text CHECK (octet_length(switching) <= 1000),
    efficiency_advice   text CHECK (octet_length(efficiency_advice) <= 1000),
    product_sources     jsonb,
    supplier_sources    jsonb,
    co2_mg_per_kwh      bigint CHECK (co2_mg_per_kwh >= 0),
    nuclear_waste_ug_per_kwh bigint CHECK (nuclear_waste_ug_per_kwh >= 0),
    average_customer_wh_per_year bigint CHECK (average_customer_wh_per_year > 0),
    time_zone           text NOT NULL CHECK (octet_length(time_zone) <= 64),
    payment_days        integer NOT NULL CHECK (payment_days BETWEEN 0 AND 3660),
    collects            text[] COLLATE "C",
    prices_max          integer CHECK (prices_max >= 1),
    registered_at       timestamptz NOT NULL,
    registered_by       text NOT NULL
) USING ledger;
CREATE INDEX biller_biller_idx ON energyledger.biller (biller);
COMMENT ON TABLE energyledger.biller IS
'parties that write invoices, and what the law wants to be on them; a biller''s newest row counts. Written by register_biller()';
COMMENT ON COLUMN energyledger.biller.biller IS 'party: 1 to 64 of A-Z a-z 0-9 . _ : -';
COMMENT ON COLUMN energyledger.biller.name IS 'name of the company';
COMMENT ON COLUMN energyledger.biller.address IS 'postal address';
COMMENT ON COLUMN energyledger.biller.email IS 'electronic mail for customers';
COMMENT ON COLUMN energyledger.biller.hotline IS 'telephone for customers';
COMMENT ON COLUMN energyledger.biller.vat_id IS 'VAT identification number';
COMMENT ON COLUMN energyledger.biller.dispute_settlement IS 'rights to settlement out of court, and who does it, with its address';
COMMENT ON COLUMN energyledger.biller.contact_point IS 'single point of contact for consumers'' rights';
COMMENT ON COLUMN energyledger.biller.comparison_tools IS 'where tools that compare offers are found';
COMMENT ON COLUMN energyledger.biller.switching IS 'that and why a customer may change its supplier';
COMMENT ON COLUMN energyledger.biller.efficiency_advice IS 'who advises on saving energy, with web addresses';
COMMENT ON COLUMN energyledger.biller.product_sources IS 'what the product is made of: source to millionths, together 1000000';
COMMENT ON COLUMN energyledger.biller.supplier_sources IS 'what all its energy was made of in the year before: source to millionths, together 1000000';
COMMENT ON COLUMN energyledger.biller.co2_mg_per_kwh IS 'carbon dioxide of that, in mg per kWh';
COMMENT ON COLUMN energyledger.biller.nuclear_waste_ug_per_kwh IS 'radioactive waste of that, in micrograms per kWh';
COMMENT ON COLUMN energyledger.biller.average_customer_wh_per_year IS 'what an average customer takes in a year, in Wh';
COMMENT ON COLUMN energyledger.biller.time_zone IS 'its local time: the year of an invoice''s number, days of payment, the same period of last year';
COMMENT ON COLUMN energyledger.biller.payment_days IS 'days from issue until payment is due';
COMMENT ON COLUMN energyledger.biller.collects IS 'markets whose postings between others it invoices to both of them; NULL: none';
COMMENT ON COLUMN energyledger.biller.prices_max IS 'what has more prices than this stands on one line without a price; NULL: a line for each price';
COMMENT ON COLUMN energyledger.biller.registered_at IS 'when this row was written';
COMMENT ON COLUMN energyledger.biller.registered_by IS 'by which role';
COMMENT ON COLUMN energyledger.biller.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.biller_biller_idx IS 'a biller''s rows';
SELECT pg_catalog.pg_extension_config_dump('energyledger.biller', '');

CREATE FUNCTION energyledger.register_biller(
    biller text, name text,
    address text DEFAULT NULL, email text DEFAULT NULL, hotline text DEFAULT NULL, vat_id text DEFAULT NULL,
    dispute_settlement text DEFAULT NULL, contact_point text DEFAULT NULL, comparison_tools text DEFAULT NULL,
    switching text DEFAULT NULL, efficiency_advice text DEFAULT NULL,
    product_sources jsonb DEFAULT NULL, supplier_sources jsonb DEFAULT NULL,
    co2_mg_per_kwh bigint DEFAULT NULL, nuclear_waste_ug_per_kwh bigint DEFAULT NULL,
    average_customer_wh_per_year bigint DEFAULT NULL,
    time_zone text DEFAULT 'UTC', payment_days integer DEFAULT 14, collects text[] DEFAULT NULL, prices_max integer DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given record;
    total numeric;
    written bigint;
BEGIN
    IF biller IS NULL OR name IS NULL OR time_zone IS NULL OR payment_days IS NULL THEN
        RAISE EXCEPTION 'biller, name, time_zone and payment_days of register_biller must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(biller) THEN
        RAISE EXCEPTION '"%" is no name for a biller', biller USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    FOR given IN SELECT * FROM (VALUES ('name', name), ('address', address), ('email', email), ('hotline', hotline), ('vat_id', vat_id),
            ('dispute_settlement', dispute_settlement), ('contact_point', contact_point), ('comparison_tools', comparison_tools),
            ('switching', switching), ('efficiency_advice', efficiency_advice)) v(argument, said) LOOP
        IF octet_length(given.said) NOT BETWEEN 1 AND 1000 THEN
            RAISE EXCEPTION '% must have 1 to 1000 bytes', given.argument
                USING ERRCODE = CASE given.said WHEN '' THEN 'invalid_parameter_value' ELSE 'string_data_right_truncation' END,
                      DETAIL = format('It has %s.', octet_length(given.said));
        END IF;
    END LOOP;
    FOR given IN SELECT * FROM (VALUES ('product_sources', product_sources), ('supplier_sources', supplier_sources)) v(argument, said) WHERE said IS NOT NULL LOOP
        IF jsonb_typeof(given.said) <> 'object' OR octet_length(given.said::text) > 4096
           OR EXISTS (SELECT FROM jsonb_path_query(given.said, '$.*') s WHERE jsonb_typeof(s) <> 'number' OR s::text !~ '^[0-9]{1,7}$') THEN
            RAISE EXCEPTION '% must be an object of names and millionths', given.argument USING ERRCODE = 'invalid_parameter_value',
                DETAIL = 'Millionths are whole numbers of 0 to 1000000; at most 4096 bytes are kept.';
        END IF;
        SELECT sum(s.value::text::integer) INTO total FROM jsonb_each(given.said) s;
        IF total IS DISTINCT FROM 1000000 THEN
            RAISE EXCEPTION '% must be 1000000 together', given.argument USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s.', coalesce(total, 0));
        END IF;
    END LOOP;
    IF co2_mg_per_kwh < 0 OR nuclear_waste_ug_per_kwh < 0 OR average_customer_wh_per_year <= 0 OR payment_days NOT BETWEEN 0 AND 3660 OR prices_max < 1 THEN
        RAISE EXCEPTION 'a number of register_biller is out of range' USING ERRCODE = 'numeric_value_out_of_range',
            DETAIL = 'What is emitted must not be below 0, an average and prices_max must be above 0, days of payment must be 0 to 3660.';
    END IF;
    PERFORM clock_timestamp() AT TIME ZONE time_zone;       -- fails where there is none of that name
    IF array_ndims(collects) > 1 OR cardinality(collects) NOT BETWEEN 1 AND 1000 OR array_position(collects, NULL) IS NOT NULL
       OR EXISTS (SELECT FROM unnest(collects) m WHERE NOT energyledger.identifier_valid(m)) THEN
        RAISE EXCEPTION 'collects must be 1 to 1000 names of markets' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('It is %s.', left(collects::text, 200));
    END IF;
    IF collects IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('energyledger.biller', 0));
        SELECT c.biller, c.market INTO given
          FROM (SELECT b.biller, unnest(b.collects) AS market FROM energyledger.biller_current b) c
         WHERE c.biller <> $1 AND c.market = ANY ($19) ORDER BY c.market, c.biller LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'biller "%" collects for market "%"', given.biller, given.market USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Register it without this market first.';
        END IF;
    END IF;
    INSERT INTO energyledger.biller AS b (biller, name, address, email, hotline, vat_id, dispute_settlement, contact_point, comparison_tools, switching,
        efficiency_advice, product_sources, supplier_sources, co2_mg_per_kwh, nuclear_waste_ug_per_kwh, average_customer_wh_per_year, time_zone, payment_days,
        collects, prices_max, registered_at, registered_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        clock_timestamp(), coalesce(nullif(current_setting('role'), 'none'), session_user))
    RETURNING b.ledger_id INTO written;
    RETURN written;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.register_biller(text, text, text, text, text, text, text, text, text, text, text, jsonb, jsonb, bigint, bigint, bigint, text, integer, text[], integer) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.register_biller(text, text, text, text, text, text, text, text, text, text, text, jsonb, jsonb, bigint, bigint, bigint, text, integer, text[], integer) IS
'Registers who writes invoices, or writes anew what is known of it (all of it: what is left out is unknown from then on). biller: party, 1 to 64 of A-Z a-z 0-9 . _ : -; name and the other texts: 1 to 1000 bytes, '
'for customers to read, as Directive (EU) 2019/944, Annex I wants them on invoices; product_sources, supplier_sources: {"wind": 600000, "gas": 400000}, together 1000000; '
'co2_mg_per_kwh, nuclear_waste_ug_per_kwh: of the supplier''s sources; average_customer_wh_per_year: to compare with; time_zone: a name that PostgreSQL knows; payment_days: 0 to 3660; '
'collects: markets whose postings between others it invoices to both of them, as their operator does for the members; a market has one collector; '
'prices_max: what has more prices than this (of an exchange, say) stands on one line without a price; NULL: a line for each price. Result: the ledger_id of its row in biller. Errors: 55000 where another collects for a market, 22004 for NULL, 22023 for a bad name, an empty text, bad sources or an unknown time zone, 22001 for a text too long, 22003 for a number out of range.';

CREATE VIEW energyledger.biller_current AS
    SELECT DISTINCT ON (b.biller) b.*
      FROM energyledger.biller b
     ORDER BY b.biller, b.registered_at DESC, b.ledger_id DESC;
COMMENT ON VIEW energyledger.biller_current IS 'what counts of each biller: its newest row';
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT v.attname, col_description(t.attrelid, t.attnum) AS said
               FROM pg_attribute t JOIN pg_attribute v ON v.attrelid = 'energyledger.biller_current'::regclass AND v.attname = t.attname
              WHERE t.attrelid = 'energyledger.biller'::regclass AND t.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN energyledger.biller_current.%I IS %L', c.attname, c.said);
    END LOOP;
END
$$;

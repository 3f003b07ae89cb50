/*
 * invoice.sql: postings of a time, written down for who has to pay them.
 *
 * An invoice takes postings between two parties that no invoice has taken, each once
 * (a unique index says so), and adds VAT and what rounding to the currency's smallest unit
 * gives or takes; both are postings too, so that a party's balance is what its invoices
 * say.  invoice_check recomputes all of it from the postings.  Rules: doc/billing.md.
 *
 * What is written is written by one statement for all parties of a call: a month of ten
 * thousand is one sort and five inserts, and either all of it is there or nothing.
 */

CREATE FUNCTION energyledger.currency_exponent(currency text)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN $1 IS NULL OR $1 !~ '^[A-Z]{3}$' THEN NULL
        WHEN $1 IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN $1 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN $1 IN ('CLF', 'UYW') THEN 4
        WHEN $1 IN ('XAG', 'XAU', 'XBA', 'XBB', 'XBC', 'XBD', 'XDR', 'XPD', 'XPT', 'XSU', 'XTS', 'XUA', 'XXX') THEN NULL
        ELSE 2 END
$$;
COMMENT ON FUNCTION energyledger.currency_exponent(text) IS
'Decimals of a currency''s smallest unit: JPY 0, EUR 2, KWD 3. currency: ISO 4217 code. 2 for a code that is not known here; NULL for what has no unit (XAU, XDR, XXX), for NULL and for what is no code. '
'No errors. Rule: ISO 4217, minor units.';

CREATE FUNCTION energyledger.posting_text(kind text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE kind WHEN 'trade' THEN 'energy traded' WHEN 'deviation_short' THEN 'energy from the grid' WHEN 'deviation_long' THEN 'energy to the grid'
                     WHEN 'fee' THEN 'grid use of traded energy' WHEN 'zone_fee' THEN 'fee of the zone' WHEN 'feed_in' THEN 'energy fed in'
                     WHEN 'network' THEN 'network charge' WHEN 'standing' THEN 'standing charge' ELSE kind END
$$;
COMMENT ON FUNCTION energyledger.posting_text(text) IS 'A posting''s kind in words, for whoever gets the invoice; the kind itself where it is a word. NULL for NULL; no errors.';

CREATE FUNCTION energyledger.invoice_number(biller text, year integer, sequence integer)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT $1 || '/' || $2 || '/' || lpad($3::text, greatest(6, length($3::text)), '0') $$;
COMMENT ON FUNCTION energyledger.invoice_number(text, integer, integer) IS
'An invoice''s number as it is written: biller/year/sequence, the sequence with at least 6 digits. No name of a party has a slash. NULL for NULL; no errors.';

-- ---------------------------------------------------------------- what is invoiced

CREATE TABLE energyledger.invoice (
    number        text COLLATE "C" NOT NULL,
    biller        text COLLATE "C" NOT NULL,
    year          integer NOT NULL,
    sequence      integer NOT NULL CHECK (sequence > 0),
    party         text COLLATE "C" NOT NULL,
    from_at       timestamptz NOT NULL,
    to_at         timestamptz NOT NULL CHECK (to_at > from_at),
    currency      text COLLATE "C" NOT NULL,
    exponent      integer NOT NULL CHECK (exponent BETWEEN 0 AND 9),
    net_nano      bigint NOT NULL,
    vat_nano      bigint NOT NULL,
    rounding_nano bigint NOT NULL,
    total_cents   bigint NOT NULL,
    lines         integer NOT NULL,
    due_at        timestamptz NOT NULL,
    corrects      text COLLATE "C",
    issued_at     timestamptz NOT NULL,
    issued_by     text NOT NULL,
    CONSTRAINT invoice_parties_check CHECK (party <> biller),
    CONSTRAINT invoice_number_check CHECK (number = energyledger.invoice_number(biller, year, sequence)),
    CONSTRAINT invoice_total_check CHECK (net_nano::numeric + vat_nano + rounding_nano = total_cents * 10::numeric ^ (9 - exponent))
) USING ledger;
CREATE UNIQUE INDEX invoice_number_key ON energyledger.invoice (number);
CREATE UNIQUE INDEX invoice_sequence_key ON energyledger.invoice (biller, year, sequence);
CREATE INDEX invoice_party_idx ON energyledger.invoice (party, from_at);
COMMENT ON TABLE energyledger.invoice IS 'invoices and, where the total is below zero, credit notes. Never edited: what was wrong is corrected by a later one. Written by invoice() and invoice_all()';
COMMENT ON COLUMN energyledger.invoice.number IS 'biller/year/sequence: no number is left out and none is there twice';
COMMENT ON COLUMN energyledger.invoice.biller IS 'who wrote it and is paid: party';
COMMENT ON COLUMN energyledger.invoice.year IS 'year of issue in the biller''s time zone';
COMMENT ON COLUMN energyledger.invoice.sequence IS 'counts the biller''s invoices of the year from 1';
COMMENT ON COLUMN energyledger.invoice.party IS 'who owes it: party';
COMMENT ON COLUMN energyledger.invoice.from_at IS 'start of the billing period';
COMMENT ON COLUMN energyledger.invoice.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.invoice.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.invoice.exponent IS 'decimals of the currency''s smallest unit';
COMMENT ON COLUMN energyledger.invoice.net_nano IS 'sum without VAT, in nano-currency';
COMMENT ON COLUMN energyledger.invoice.vat_nano IS 'VAT of all rates, in nano-currency';
COMMENT ON COLUMN energyledger.invoice.rounding_nano IS 'what rounding the total added, in nano-currency';
COMMENT ON COLUMN energyledger.invoice.total_cents IS 'what is to be paid, in the currency''s smallest unit (cents); below zero: the biller owes it';
COMMENT ON COLUMN energyledger.invoice.lines IS 'number of lines';
COMMENT ON COLUMN energyledger.invoice.due_at IS 'to be paid before this time';
COMMENT ON COLUMN energyledger.invoice.corrects IS 'number of the invoice whose postings it takes back; NULL: none, or more than one (the lines say which)';
COMMENT ON COLUMN energyledger.invoice.issued_at IS 'when it was written';
COMMENT ON COLUMN energyledger.invoice.issued_by IS 'by which role';
COMMENT ON COLUMN energyledger.invoice.ledger_id IS 'assigned by the ledger: site, then a counter. booking of its postings for VAT and rounding';
COMMENT ON INDEX energyledger.invoice_number_key IS 'each number once';
COMMENT ON INDEX energyledger.invoice_sequence_key IS 'a biller''s last number';
COMMENT ON INDEX energyledger.invoice_party_idx IS 'a party''s invoices by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.invoice', '');

CREATE TABLE energyledger.invoice_line (
    number              text COLLATE "C" NOT NULL,
    line                integer NOT NULL CHECK (line > 0),
    kind                text COLLATE "C" NOT NULL,
    tariff              text COLLATE "C",
    component           text COLLATE "C",
    market              text COLLATE "C",
    from_at             timestamptz NOT NULL,
    to_at               timestamptz NOT NULL,
    energy_wh           bigint,
    price_micro_per_kwh bigint,
    amount_nano         bigint NOT NULL,
    vat_ppm             integer NOT NULL,
    earlier             boolean NOT NULL,
    corrects            text COLLATE "C",
    postings            integer NOT NULL CHECK (postings > 0),
    text                text NOT NULL,
    CONSTRAINT invoice_line_amount_check CHECK (energy_wh IS NULL OR price_micro_per_kwh IS NULL
        OR amount_nano = energy_wh::numeric * price_micro_per_kwh)
) USING ledger;
CREATE UNIQUE INDEX invoice_line_key ON energyledger.invoice_line (number, line);
COMMENT ON TABLE energyledger.invoice_line IS
'lines of invoices: postings of the same kind, tariff, component, market, price and VAT together; VAT and rounding are the last. The amounts of all lines are the total. Written by invoice() and invoice_all()';
COMMENT ON COLUMN energyledger.invoice_line.number IS 'invoice.number';
COMMENT ON COLUMN energyledger.invoice_line.line IS 'place on the invoice, from 1';
COMMENT ON COLUMN energyledger.invoice_line.kind IS 'kind of its postings; vat, rounding';
COMMENT ON COLUMN energyledger.invoice_line.tariff IS 'tariff; NULL: none';
COMMENT ON COLUMN energyledger.invoice_line.component IS 'component of the tariff, or zone; NULL: none';
COMMENT ON COLUMN energyledger.invoice_line.market IS 'market; NULL: none';
COMMENT ON COLUMN energyledger.invoice_line.from_at IS 'start of the first of its postings';
COMMENT ON COLUMN energyledger.invoice_line.to_at IS 'end of the last';
COMMENT ON COLUMN energyledger.invoice_line.energy_wh IS 'energy in Wh; below zero where the party delivered it, or where it is taken back; NULL: not by energy';
COMMENT ON COLUMN energyledger.invoice_line.price_micro_per_kwh IS 'micro-currency per kWh; NULL: not by energy, or at many prices';
COMMENT ON COLUMN energyledger.invoice_line.amount_nano IS 'in nano-currency, without VAT; below zero: the biller owes it. energy_wh * price_micro_per_kwh where both are there';
COMMENT ON COLUMN energyledger.invoice_line.vat_ppm IS 'VAT rate in millionths; of a line of kind vat the rate that it is';
COMMENT ON COLUMN energyledger.invoice_line.earlier IS 'of postings that begin before the billing period: corrections, and what came late';
COMMENT ON COLUMN energyledger.invoice_line.corrects IS 'number of the invoice whose postings it takes back; NULL: none';
COMMENT ON COLUMN energyledger.invoice_line.postings IS 'number of its postings, which are in invoice_posting';
COMMENT ON COLUMN energyledger.invoice_line.text IS 'the same in words';
COMMENT ON COLUMN energyledger.invoice_line.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.invoice_line_key IS 'an invoice''s lines';
SELECT pg_catalog.pg_extension_config_dump('energyledger.invoice_line', '');

-- A row a posting, and not an array a line: only an index over rows can say that
-- no posting is on two lines.
CREATE TABLE energyledger.invoice_posting (
    posting bigint NOT NULL,
    side    smallint NOT NULL CHECK (side IN (0, 1, 2)),
    number  text COLLATE "C" NOT NULL,
    line    integer NOT NULL
) USING ledger;
CREATE UNIQUE INDEX invoice_posting_key ON energyledger.invoice_posting (posting, side);
CREATE INDEX invoice_posting_line_idx ON energyledger.invoice_posting (number, line);
COMMENT ON TABLE energyledger.invoice_posting IS 'which postings each line is made of: all of them, each on one line of one invoice, or, where a biller collects for both parties, of one invoice of each. Written by invoice() and invoice_all()';
COMMENT ON COLUMN energyledger.invoice_posting.posting IS 'posting.ledger_id';
COMMENT ON COLUMN energyledger.invoice_posting.side IS '0: between party and biller; 1, 2: the payer''s and the payee''s side of one between two others, whose biller collects for them';
COMMENT ON COLUMN energyledger.invoice_posting.number IS 'invoice.number';
COMMENT ON COLUMN energyledger.invoice_posting.line IS 'invoice_line.line';
COMMENT ON COLUMN energyledger.invoice_posting.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.invoice_posting_key IS 'each posting, or side of it, is invoiced once';
COMMENT ON INDEX energyledger.invoice_posting_line_idx IS 'a line''s postings';
SELECT pg_catalog.pg_extension_config_dump('energyledger.invoice_posting', '');

-- The plans are the ones for full tables, made while they may be empty: by index, from row to
-- row.  Where a party is asked for, what it pays is found by it and not by the biller,
-- who is in every row: hence the expressions that no index has.
CREATE FUNCTION energyledger.unbilled(
    biller text, party text DEFAULT NULL, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity')
RETURNS TABLE (posting bigint, side smallint, party text, kind text, amount_nano bigint, currency text, vat_ppm integer, energy_wh bigint, price_micro_per_kwh bigint,
               from_at timestamptz, to_at timestamptz, market text, meter text, tariff text, component text, corrects text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
    WITH own AS MATERIALIZED (SELECT m.market FROM energyledger.biller_current b, unnest(b.collects) m(market) WHERE b.biller = $1),
    -- who has postings in these markets
    trader AS MATERIALIZED (
        SELECT m.party FROM energyledger.market_member m WHERE m.market IN (SELECT o.market FROM own o)
        UNION SELECT unnest(ARRAY[m.grid_party, m.operator_party]) FROM energyledger.market m WHERE m.market IN (SELECT o.market FROM own o)
        UNION SELECT z.zone ->> 'operator' FROM energyledger.market m, jsonb_array_elements(m.zones) z(zone) WHERE m.market IN (SELECT o.market FROM own o) AND z.zone ? 'operator')
    SELECT p.ledger_id, p.side::smallint, p.other, p.kind, p.sign * p.amount_nano, p.currency, p.vat_ppm, p.sign * p.energy_wh, p.price_micro_per_kwh,
           p.from_at, p.to_at, p.market, p.meter, p.tariff, p.component,
           CASE WHEN p.reverses IS NOT NULL THEN (SELECT i.number FROM energyledger.invoice_posting i WHERE i.posting = p.reverses AND i.side IN (0, p.side) LIMIT 1) END
      FROM (SELECT a.*, a.payer AS other, 1 AS sign, 0 AS side FROM energyledger.posting a
             WHERE $2 IS NULL AND a.payee = $1 AND a.from_at >= $3 AND a.from_at < $4
            UNION ALL
            SELECT a.*, a.payee, -1, 0 FROM energyledger.posting a
             WHERE $2 IS NULL AND a.payer = $1 AND a.from_at >= $3 AND a.from_at < $4
            UNION ALL
            SELECT a.*, a.payer, 1, 0 FROM energyledger.posting a
             WHERE a.payer = $2 AND a.payee || '' = $1 AND a.from_at >= $3 AND a.from_at < $4
            UNION ALL
            SELECT a.*, a.payee, -1, 0 FROM energyledger.posting a
             WHERE a.payee = $2 AND a.payer || '' = $1 AND a.from_at >= $3 AND a.from_at < $4
            UNION ALL
            SELECT a.*, a.payer, 1, 1 FROM trader t JOIN energyledger.posting a ON a.payer = t.party
             WHERE ($2 IS NULL OR t.party = $2) AND a.payer <> $1 AND a.payee || '' <> $1 AND a.from_at >= $3 AND a.from_at < $4 AND a.market IN (SELECT o.market FROM own o)
            UNION ALL
            SELECT a.*, a.payee, -1, 2 FROM trader t JOIN energyledger.posting a ON a.payee = t.party
             WHERE ($2 IS NULL OR t.party = $2) AND a.payee <> $1 AND a.payer || '' <> $1 AND a.from_at >= $3 AND a.from_at < $4 AND a.market IN (SELECT o.market FROM own o)) p
     WHERE p.kind NOT IN ('payment', 'vat', 'rounding')
       -- what another collects is not invoiced between the two
       AND (p.market IS NULL OR p.market <> ALL (coalesce((SELECT array_agg(m.market) FROM energyledger.biller_current b, unnest(b.collects) m(market) WHERE b.biller <> $1), '{}')))
       AND NOT EXISTS (SELECT FROM energyledger.invoice_posting i WHERE i.posting = p.ledger_id AND (p.side = 0 OR i.side IN (0, p.side)))
$$;
COMMENT ON FUNCTION energyledger.unbilled(text, text, timestamptz, timestamptz) IS
'Postings that an invoice of a biller would take: those with another party, and both sides of those between others in markets that it collects for, that no invoice has taken, other than payments, VAT and rounding. '
'biller, party: who; party NULL: all; since, until: those with from_at in [since, until). side: as in invoice_posting; amount_nano and energy_wh are as on invoices: below zero where the biller owes it; corrects: the invoice whose posting is taken back. '
'What another biller collects is left out. Nothing for NULL other than party. No errors. Needs SELECT on posting, invoice_posting, biller, market and market_member.';

CREATE FUNCTION energyledger.invoice_write(
    biller text, party text, since timestamptz, until timestamptz, currency text, due_at timestamptz, earliest timestamptz)
RETURNS TABLE (number text, invoiced text, in_currency text, total bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    issued timestamptz;
    issue_year integer;
    last integer;
    due timestamptz;
    by_whom text := coalesce(nullif(current_setting('role'), 'none'), session_user);
    known energyledger.biller_current;
BEGIN
    -- One at a time for a biller: what the others wrote is seen by the statements after this.
    PERFORM pg_advisory_xact_lock(hashtextextended('energyledger.invoice ' || $1, 0));
    SELECT b.* INTO known FROM energyledger.biller_current b WHERE b.biller = $1;
    issued := clock_timestamp();
    issue_year := extract(year FROM issued AT TIME ZONE known.time_zone);
    due := coalesce($6, ((issued AT TIME ZONE known.time_zone)::date + known.payment_days + 1)::timestamp AT TIME ZONE known.time_zone);
    SELECT coalesce(max(i.sequence), 0) INTO last FROM energyledger.invoice i WHERE i.biller = $1 AND i.year = issue_year;

    RETURN QUERY
    WITH taken AS MATERIALIZED (
        SELECT u.*, u.from_at < $3 AS earlier,
               dense_rank() OVER (ORDER BY u.party COLLATE "C", u.currency COLLATE "C")::integer AS n,
               dense_rank() OVER (PARTITION BY u.party COLLATE "C", u.currency COLLATE "C" ORDER BY u.from_at < $3,
                   u.corrects COLLATE "C" NULLS FIRST,
                   array_position('{energy,trade,deviation_short,deviation_long,standing,network,fee,zone_fee,rent,levy,tax,feed_in}', u.kind),
                   u.kind COLLATE "C", u.tariff COLLATE "C", u.component COLLATE "C", u.market COLLATE "C", u.price_micro_per_kwh,
                   u.energy_wh IS NULL, u.vat_ppm)::integer AS line
          FROM energyledger.unbilled($1, $2, $7, $4) u
         WHERE ($5 IS NULL OR u.currency = $5)
           AND energyledger.currency_exponent(u.currency) IS NOT NULL
           -- who writes invoices itself is invoiced by name only
           AND ($2 IS NOT NULL OR u.party NOT IN (SELECT b.biller FROM energyledger.biller b))),
    priced AS MATERIALIZED (
        SELECT t.n, t.line, t.party, t.currency, t.earlier, t.corrects, t.kind, t.tariff, t.component, t.market, t.price_micro_per_kwh, t.vat_ppm,
               sum(t.amount_nano)::bigint AS amount_nano, sum(t.energy_wh)::bigint AS energy_wh, min(t.from_at) AS from_at, max(t.to_at) AS to_at, count(*)::integer AS postings
          FROM taken t
         GROUP BY t.n, t.line, t.party, t.currency, t.earlier, t.corrects, t.kind, t.tariff, t.component, t.market, t.price_micro_per_kwh, t.vat_ppm),
    -- what has more prices than the biller wants lines of is one, in the place of the first
    placed AS MATERIALIZED (
        SELECT f.*, dense_rank() OVER (PARTITION BY f.n ORDER BY f.first_line)::integer AS place
          FROM (SELECT p.*, count(*) OVER same > known.prices_max AS many, CASE WHEN count(*) OVER same > known.prices_max THEN min(p.line) OVER same ELSE p.line END AS first_line
                  FROM priced p
                WINDOW same AS (PARTITION BY p.n, p.earlier, p.corrects, p.kind, p.tariff, p.component, p.market, p.vat_ppm, p.energy_wh IS NULL)) f),
    grouped AS MATERIALIZED (
        SELECT p.n, p.place AS line, p.party, p.currency, p.earlier, p.corrects, p.kind, p.tariff, p.component, p.market,
               CASE WHEN count(*) = 1 THEN min(p.price_micro_per_kwh) END AS price_micro_per_kwh, count(*) AS prices, p.vat_ppm,
               sum(p.amount_nano)::bigint AS amount_nano, sum(p.energy_wh)::bigint AS energy_wh, min(p.from_at) AS from_at, max(p.to_at) AS to_at, sum(p.postings)::integer AS postings
          FROM placed p
         GROUP BY p.n, p.place, p.party, p.currency, p.earlier, p.corrects, p.kind, p.tariff, p.component, p.market, p.vat_ppm),
    -- (multiplied and not divided: a quotient has too few digits for the largest amounts)
    rate AS MATERIALIZED (
        SELECT g.n, g.vat_ppm, sum(g.amount_nano)::numeric AS net, round(sum(g.amount_nano)::numeric * g.vat_ppm * 0.000001) AS vat
          FROM grouped g GROUP BY g.n, g.vat_ppm),
    head AS MATERIALIZED (
        SELECT g.n, g.party, g.currency, g.lines, g.corrects, r.net, r.vat, e.exponent,
               round(r.net + r.vat, e.exponent - 9) - (r.net + r.vat) AS rounding
          FROM (SELECT g.n, min(g.party COLLATE "C") AS party, min(g.currency COLLATE "C") AS currency, max(g.line) AS lines,
                       CASE WHEN min(g.corrects COLLATE "C") = max(g.corrects COLLATE "C") THEN min(g.corrects COLLATE "C") END AS corrects
                  FROM grouped g GROUP BY g.n) g
          JOIN (SELECT r.n, sum(r.net) AS net, sum(r.vat) AS vat FROM rate r GROUP BY r.n) r ON r.n = g.n
          CROSS JOIN LATERAL energyledger.currency_exponent(g.currency) e(exponent)),
    -- what the invoice adds, and on which line it stands
    extra AS MATERIALIZED (
        SELECT x.n, x.kind, x.vat_ppm, x.amount, h.party, h.currency,
               h.lines + row_number() OVER (PARTITION BY x.n ORDER BY x.kind DESC, x.vat_ppm)::integer AS line
          FROM (SELECT r.n, 'vat' AS kind, r.vat_ppm, r.vat AS amount FROM rate r WHERE r.vat <> 0
                UNION ALL
                SELECT h.n, 'rounding', 0, h.rounding FROM head h WHERE h.rounding <> 0) x
          JOIN head h ON h.n = x.n),
    written AS (
        INSERT INTO energyledger.invoice AS i (number, biller, year, sequence, party, from_at, to_at, currency, exponent,
            net_nano, vat_nano, rounding_nano, total_cents, lines, due_at, corrects, issued_at, issued_by)
        SELECT energyledger.invoice_number($1, issue_year, last + h.n), $1, issue_year, last + h.n, h.party, $3, $4, h.currency, h.exponent,
               h.net, h.vat, h.rounding, (h.net + h.vat + h.rounding) * 10::numeric ^ (h.exponent - 9), h.lines + coalesce(x.lines, 0), due, h.corrects, issued, by_whom
          FROM head h LEFT JOIN (SELECT x.n, count(*)::integer AS lines FROM extra x GROUP BY x.n) x ON x.n = h.n
         ORDER BY h.n
        RETURNING i.ledger_id, i.number, i.sequence - last AS n, i.party, i.currency, i.total_cents),
    booked AS (
        INSERT INTO energyledger.posting AS p (booking, kind, payer, payee, amount_nano, currency, from_at, to_at, component)
        SELECT w.ledger_id, x.kind, x.party, $1, x.amount, x.currency, $3, $4, CASE x.kind WHEN 'vat' THEN x.vat_ppm::text END
          FROM extra x JOIN written w ON w.n = x.n
         ORDER BY x.n, x.line
        RETURNING p.ledger_id, p.booking, p.kind, coalesce(p.component::integer, 0) AS vat_ppm),
    -- (materialized: joined by kind first, all of them meet all)
    booked_for AS MATERIALIZED (
        SELECT b.ledger_id, b.kind, b.vat_ppm, w.n FROM booked b JOIN written w ON w.ledger_id = b.booking),
    lines AS (
        INSERT INTO energyledger.invoice_line (number, line, kind, tariff, component, market, from_at, to_at, energy_wh, price_micro_per_kwh,
            amount_nano, vat_ppm, earlier, corrects, postings, text)
        SELECT energyledger.invoice_number($1, issue_year, last + l.n), l.line, l.kind, l.tariff, l.component, l.market, l.from_at, l.to_at,
               l.energy_wh, l.price_micro_per_kwh, l.amount_nano, l.vat_ppm, l.earlier, l.corrects, l.postings, l.text
          FROM (SELECT g.n, g.line, g.kind, g.tariff, g.component, g.market, g.from_at, g.to_at, g.energy_wh, g.price_micro_per_kwh, g.amount_nano, g.vat_ppm,
                       g.earlier, g.corrects, g.postings,
                       concat_ws(' ', CASE WHEN g.earlier THEN 'earlier period:' END, energyledger.posting_text(g.kind), g.tariff, g.component, g.market, CASE WHEN g.prices > 1 THEN 'at ' || g.prices || ' prices' END,
                                 'corrects ' || g.corrects) AS text
                  FROM grouped g
                UNION ALL
                SELECT x.n, x.line, x.kind, NULL, NULL, NULL, $3, $4, NULL, NULL, x.amount::bigint, x.vat_ppm, false, NULL, 1,
                       CASE x.kind WHEN 'vat' THEN 'VAT ' || trim_scale(x.vat_ppm * 0.0001) || ' %' ELSE x.kind END
                  FROM extra x) l
         ORDER BY l.n, l.line),
    evidence AS (
        INSERT INTO energyledger.invoice_posting (posting, side, number, line)
        SELECT e.posting, e.side, energyledger.invoice_number($1, issue_year, last + e.n), e.line
          FROM (SELECT t.posting, t.side, t.n, p.place AS line FROM taken t JOIN placed p ON p.n = t.n AND p.line = t.line
                UNION ALL
                SELECT b.ledger_id, 0, b.n, x.line FROM booked_for b JOIN extra x ON x.n = b.n AND x.kind = b.kind AND x.vat_ppm = b.vat_ppm) e)
    SELECT w.number, w.party, w.currency, w.total_cents FROM written w ORDER BY w.n;
EXCEPTION WHEN unique_violation THEN
    -- a snapshot older than another's invoices, or the other party's invoice of the same
    RAISE EXCEPTION 'could not write invoices of "%" because of others that were written meanwhile', $1 USING ERRCODE = 'serialization_failure',
        DETAIL = SQLERRM, HINT = 'Try the transaction again.';
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.invoice_write(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.invoice_write(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz) IS
'Writes what invoice() and invoice_all() write, whose arguments it takes checked. Nobody has EXECUTE. Errors: as theirs.';

CREATE FUNCTION energyledger.invoice_arguments(
    biller text, party text, since timestamptz, until timestamptz, currency text, due_at timestamptz, earliest timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF since IS NULL OR until IS NULL OR earliest IS NULL THEN
        RAISE EXCEPTION 'times of an invoice other than due_at must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since >= until THEN
        RAISE EXCEPTION 'since must be before until, and both finite' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', since, until);
    END IF;
    IF earliest > since THEN
        RAISE EXCEPTION 'earliest must not be after since' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', earliest, since);
    END IF;
    IF NOT isfinite(due_at) THEN
        RAISE EXCEPTION 'due_at must be finite' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s.', due_at);
    END IF;
    IF currency IS NOT NULL AND energyledger.currency_exponent(currency) IS NULL THEN
        RAISE EXCEPTION '"%" is no currency that invoices can be in', currency USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'It must be an ISO 4217 code with a smallest unit: EUR.';
    END IF;
    IF party = biller THEN
        RAISE EXCEPTION 'nobody invoices itself' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Both parties are "%s".', party);
    END IF;
    IF biller IS NOT NULL AND NOT EXISTS (SELECT FROM energyledger.biller b WHERE b.biller = $1) THEN
        RAISE EXCEPTION 'no biller "%"', biller USING ERRCODE = 'no_data_found', HINT = 'Register it with energyledger.register_biller().';
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.invoice_arguments(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.invoice_arguments(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz) IS
'Checks arguments of invoice() and invoice_all(), for them. Nobody has EXECUTE. Errors: as theirs.';

CREATE FUNCTION energyledger.invoice(
    party text, since timestamptz, until timestamptz, biller text DEFAULT NULL, currency text DEFAULT NULL,
    due_at timestamptz DEFAULT NULL, earliest timestamptz DEFAULT '-infinity')
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    chosen text := biller;
    billers text[];
    currencies text[];
BEGIN
    IF party IS NULL THEN
        RAISE EXCEPTION 'party of an invoice must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT energyledger.identifier_valid(party) THEN
        RAISE EXCEPTION '"%" is no name for a party', party USING ERRCODE = 'invalid_parameter_value', DETAIL = 'It must have 1 to 64 of A-Z a-z 0-9 . _ : -.';
    END IF;
    PERFORM energyledger.invoice_arguments(biller, party, since, until, currency, due_at, earliest);
    SELECT array_agg(DISTINCT f.biller), array_agg(DISTINCT f.currency) INTO billers, currencies
      FROM (SELECT b.biller, u.currency::text AS currency
              FROM (SELECT DISTINCT r.biller FROM energyledger.biller r WHERE r.biller <> party AND (chosen IS NULL OR r.biller = chosen)) b
             CROSS JOIN LATERAL (SELECT DISTINCT u.currency FROM energyledger.unbilled(b.biller, party, earliest, until) u) u
             WHERE currency IS NULL OR u.currency = currency) f;
    IF cardinality(billers) > 1 THEN
        RAISE EXCEPTION 'more than one biller has something to invoice to "%"', party USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s.', array_to_string(billers, ', ')), HINT = 'Name one.';
    END IF;
    IF cardinality(currencies) > 1 THEN
        RAISE EXCEPTION 'there are postings of "%" in more than one currency', party USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s.', array_to_string(currencies, ', ')), HINT = 'Name one: each has invoices of its own.';
    END IF;
    IF energyledger.currency_exponent(currencies[1]) IS NULL AND currencies IS NOT NULL THEN
        RAISE EXCEPTION '"%" is no currency that invoices can be in', currencies[1] USING ERRCODE = 'invalid_parameter_value',
            DETAIL = 'It must be an ISO 4217 code with a smallest unit: EUR.';
    END IF;
    RETURN (SELECT w.number FROM energyledger.invoice_write(billers[1], party, since, until, currencies[1], due_at, earliest) w WHERE billers IS NOT NULL);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.invoice(text, timestamptz, timestamptz, text, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.invoice(text, timestamptz, timestamptz, text, text, timestamptz, timestamptz) IS
'Writes an invoice of all postings between a party and a biller with from_at before until that no invoice has taken; those from before since (corrections, and what came late) stand on lines of their own. '
'party: who owes; since, until: the billing period; biller: who is paid, NULL: the only one registered that has something to invoice; currency: NULL: the only one there is; due_at: NULL: the biller''s payment_days after today; '
'earliest: what began before is left out. Adds VAT of each rate''s sum, rounded to nano-currency, and rounds the total to the currency''s smallest unit; both half away from zero, both booked as postings (kinds vat, rounding). '
'A total below zero makes it a credit note. Result: its number; NULL where there is nothing to invoice, so that a second call writes nothing. '
'Errors: 22004 for NULL, 22023 for a bad name, time or currency and where more than one biller or currency could be meant, P0002 for a biller that is not registered, 22003 beyond 9.2 * 10^18 nano-currency, 40001 where another wrote meanwhile (REPEATABLE READ). Rules: doc/billing.md.';

CREATE FUNCTION energyledger.invoice_all(
    biller text, since timestamptz, until timestamptz, currency text DEFAULT NULL,
    due_at timestamptz DEFAULT NULL, earliest timestamptz DEFAULT '-infinity')
RETURNS TABLE (number text, party text, invoice_currency text, total_cents bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF biller IS NULL THEN
        RAISE EXCEPTION 'biller of invoices must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.invoice_arguments(biller, NULL, since, until, invoice_all.currency, due_at, earliest);
    RETURN QUERY SELECT * FROM energyledger.invoice_write(biller, NULL, since, until, invoice_all.currency, due_at, earliest);
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.invoice_all(text, timestamptz, timestamptz, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.invoice_all(text, timestamptz, timestamptz, text, timestamptz, timestamptz) IS
'Writes the invoices of a biller to all parties that it has something to invoice to, one for each party and currency, as invoice() does: all or none. Other billers are left out: they are invoiced by name; so is what has no smallest unit (XAU): unbilled() shows it. '
'biller, since, until, due_at, earliest: as invoice(); currency: NULL: all. Result: the invoices written, by party. Errors: as invoice().';

-- ---------------------------------------------------------------- is it true?

-- Other sums than those above: from the postings' own sides, in whole numbers, and with
-- quotient and remainder where above it is round().
CREATE VIEW energyledger.invoice_check AS
    WITH posted AS (
        SELECT ip.number, ip.line, p.ledger_id, p.kind, p.booking, p.vat_ppm, p.component, p.currency,
               CASE WHEN p.payer = i.party AND ip.side = CASE WHEN p.payee = i.biller THEN 0 ELSE 1 END THEN p.amount_nano::numeric
                    WHEN p.payee = i.party AND ip.side = CASE WHEN p.payer = i.biller THEN 0 ELSE 2 END THEN -p.amount_nano::numeric END AS due_nano,
               i.ledger_id AS invoice_id, i.currency AS invoice_currency
          FROM energyledger.invoice_posting ip
          LEFT JOIN energyledger.invoice i ON i.number = ip.number
          LEFT JOIN energyledger.posting p ON p.ledger_id = ip.posting),
    rate AS (
        SELECT coalesce(n.number, v.number) AS number, coalesce(n.vat_ppm::text, v.component) AS vat_ppm, coalesce(n.net, 0) AS net, coalesce(v.vat, 0) AS vat,
               coalesce(abs(n.net) * n.vat_ppm, 0) AS exact
          FROM (SELECT number, vat_ppm, sum(due_nano) AS net FROM posted WHERE kind NOT IN ('vat', 'rounding') GROUP BY number, vat_ppm) n
          FULL JOIN (SELECT number, component, sum(due_nano) AS vat FROM posted WHERE kind = 'vat' GROUP BY number, component) v
            ON v.number = n.number AND v.component = n.vat_ppm::text),
    sums AS (
        SELECT number, sum(due_nano) FILTER (WHERE kind NOT IN ('vat', 'rounding')) AS net, coalesce(sum(due_nano) FILTER (WHERE kind = 'vat'), 0) AS vat,
               coalesce(sum(due_nano) FILTER (WHERE kind = 'rounding'), 0) AS rounding
          FROM posted GROUP BY number)
    SELECT number, NULL::integer AS line, ledger_id AS posting, 'posting is not between these parties, of another currency, or not there'::text AS finding, NULL::numeric AS expected, due_nano AS found
      FROM posted WHERE due_nano IS NULL OR currency <> invoice_currency OR (kind IN ('vat', 'rounding')) <> (booking = invoice_id) OR kind = 'payment'
    UNION ALL
    SELECT min(number), NULL, posting, 'posting is invoiced as a whole and by its sides', 1, count(*)
      FROM energyledger.invoice_posting GROUP BY posting HAVING count(*) > 1 AND min(side) = 0
    UNION ALL
    SELECT number, NULL, NULL, 'VAT at ' || vat_ppm || ' ppm',
           sign(net) * (div(exact, 1000000) + CASE WHEN exact % 1000000 >= 500000 THEN 1 ELSE 0 END), vat
      FROM rate WHERE vat <> sign(net) * (div(exact, 1000000) + CASE WHEN exact % 1000000 >= 500000 THEN 1 ELSE 0 END)
    UNION ALL
    SELECT coalesce(i.number, s.number), NULL, NULL, f.finding, f.expected, f.found
      FROM energyledger.invoice i FULL JOIN sums s ON s.number = i.number
     CROSS JOIN LATERAL (VALUES ('net', s.net, i.net_nano::numeric), ('VAT', s.vat, i.vat_nano::numeric), ('rounding', s.rounding, i.rounding_nano::numeric),
               ('total', s.net + s.vat + s.rounding, i.total_cents::numeric * ('1' || repeat('0', 9 - i.exponent))::numeric),
               ('rounding of more than half a unit', 0, CASE WHEN 2 * abs(s.rounding) > ('1' || repeat('0', 9 - i.exponent))::numeric THEN s.rounding ELSE 0 END)) f(finding, expected, found)
     WHERE f.expected IS DISTINCT FROM f.found
    UNION ALL
    SELECT coalesce(l.number, p.number), coalesce(l.line, p.line), NULL, f.finding, f.expected, f.found
      FROM energyledger.invoice_line l
      FULL JOIN (SELECT number, line, sum(due_nano) AS due, count(*) AS postings FROM posted GROUP BY number, line) p ON p.number = l.number AND p.line = l.line
     CROSS JOIN LATERAL (VALUES ('line', p.due, l.amount_nano::numeric), ('postings of a line', p.postings::numeric, l.postings::numeric)) f(finding, expected, found)
     WHERE f.expected IS DISTINCT FROM f.found
    UNION ALL
    SELECT i.number, NULL, NULL, 'number of lines', count(l.line)::numeric, i.lines::numeric
      FROM energyledger.invoice i LEFT JOIN energyledger.invoice_line l ON l.number = i.number
     GROUP BY i.number, i.lines HAVING count(l.line) <> i.lines
    UNION ALL
    SELECT min(biller || '/' || year), NULL, NULL, 'numbers are left out', max(sequence)::numeric, count(*)::numeric
      FROM energyledger.invoice GROUP BY biller, year HAVING count(*) <> max(sequence);
COMMENT ON VIEW energyledger.invoice_check IS
'what is wrong with invoices: their totals, lines, VAT and rounding recomputed from the postings by other means than they were made. No rows: all of them are right. It reads all invoices and all postings';
COMMENT ON COLUMN energyledger.invoice_check.number IS 'which invoice; of numbers that are left out the biller and year';
COMMENT ON COLUMN energyledger.invoice_check.line IS 'which line; NULL: the whole';
COMMENT ON COLUMN energyledger.invoice_check.posting IS 'which posting; NULL: more than one, or none';
COMMENT ON COLUMN energyledger.invoice_check.finding IS 'what differs';
COMMENT ON COLUMN energyledger.invoice_check.expected IS 'by the postings';
COMMENT ON COLUMN energyledger.invoice_check.found IS 'in the invoice';

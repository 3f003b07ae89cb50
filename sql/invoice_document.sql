/*
 * invoice_document.sql: what invoices are made of, and how they look to others: their
 * postings, trades and readings, the fields that the law wants, statements, CSV.
 *
 * Everything here reads, with its caller's rights.  Postings have no index by
 * ledger_id: an invoice's are found among its party's of its lines' time.
 */

CREATE FUNCTION energyledger.invoice_postings(number text, line integer DEFAULT NULL)
RETURNS TABLE (on_line integer, posting bigint, booking bigint, kind text, amount_nano bigint, currency text, vat_ppm integer, energy_wh bigint,
               price_micro_per_kwh bigint, from_at timestamptz, to_at timestamptz, market text, trade_seq integer, meter text, tariff text, component text, reverses bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    asked energyledger.invoice;
    first timestamptz;
    last timestamptz;
BEGIN
    IF $1 IS NULL THEN
        RETURN;
    END IF;
    SELECT i.* INTO asked FROM energyledger.invoice i WHERE i.number = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no invoice "%"', $1 USING ERRCODE = 'no_data_found';
    END IF;
    SELECT min(l.from_at), max(l.to_at) INTO first, last FROM energyledger.invoice_line l WHERE l.number = $1 AND ($2 IS NULL OR l.line = $2);
    IF first IS NULL THEN
        RAISE EXCEPTION 'invoice "%" has no line %', $1, $2 USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY
    SELECT ip.line, p.ledger_id, p.booking, p.kind, p.sign * p.amount_nano, p.currency, p.vat_ppm, p.sign * p.energy_wh, p.price_micro_per_kwh,
           p.from_at, p.to_at, p.market, p.trade_seq, p.meter, p.tariff, p.component, p.reverses
      FROM energyledger.invoice_posting ip
      -- (by the party, which has fewer postings than the biller, and is in all of them)
      JOIN (SELECT a.*, 1 AS sign FROM energyledger.posting a WHERE a.payer = asked.party AND a.from_at >= first AND a.from_at <= last
            UNION ALL
            SELECT a.*, -1 FROM energyledger.posting a WHERE a.payee = asked.party AND a.from_at >= first AND a.from_at <= last) p ON p.ledger_id = ip.posting
     WHERE ip.number = $1 AND ($2 IS NULL OR ip.line = $2)
     ORDER BY ip.line, p.from_at, p.ledger_id;
END
$$;
COMMENT ON FUNCTION energyledger.invoice_postings(text, integer) IS
'The postings of an invoice. number: which; line: of this line only, NULL: of all. Columns as in posting; amount_nano and energy_wh as on the invoice: below zero where the biller owes it. '
'Nothing for a NULL number. Errors: P0002 where there is no such invoice or line. Needs SELECT on invoice, invoice_line, invoice_posting and posting.';

CREATE FUNCTION energyledger.invoice_evidence(number text, line integer DEFAULT NULL)
RETURNS TABLE (on_line integer, evidence text, evidence_id bigint, market text, slot timestamptz, trade_seq integer, meter text, obis text, from_at timestamptz, to_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET jit = off
AS $$
    WITH posted AS MATERIALIZED (SELECT p.* FROM energyledger.invoice_postings($1, $2) p),
    -- deviations are of all the party's meters, as they were registered then, or first
    own_meter AS MATERIALIZED (
        SELECT DISTINCT m.meter, m.party FROM energyledger.meter m JOIN energyledger.invoice i ON m.party = i.party
         WHERE i.number = $1 AND EXISTS (SELECT FROM posted p WHERE p.kind LIKE 'deviation%')),
    of_meter AS (
        SELECT p.on_line, p.meter, p.from_at, p.to_at FROM posted p WHERE p.meter IS NOT NULL
        UNION ALL
        SELECT p.on_line, o.meter, p.from_at, p.to_at
          FROM posted p CROSS JOIN own_meter o
         CROSS JOIN LATERAL (SELECT m.party, m.technology FROM energyledger.meter m WHERE m.meter = o.meter
                              ORDER BY m.registered_at > p.from_at, CASE WHEN m.registered_at > p.from_at THEN m.registered_at END, m.registered_at DESC, m.ledger_id DESC LIMIT 1) was
         WHERE p.meter IS NULL AND p.kind LIKE 'deviation%' AND was.party = o.party AND was.technology IS DISTINCT FROM 'signer'),
    -- each meter's times, neighbours together
    span AS MATERIALIZED (
        SELECT s.on_line, s.meter, lower(t.during) AS from_at, upper(t.during) AS to_at
          FROM (SELECT p.on_line, p.meter, range_agg(tstzrange(p.from_at, p.to_at)) AS times FROM of_meter p
                 WHERE p.from_at < p.to_at GROUP BY p.on_line, p.meter) s
         CROSS JOIN LATERAL unnest(s.times) t(during)),
    register AS MATERIALIZED (
        SELECT m.meter, r.obis FROM (SELECT DISTINCT s.meter FROM span s) m
         CROSS JOIN LATERAL energyledger.meter_registers(m.meter) r WHERE r.role <> 'other'),
    reading AS (
        SELECT s.on_line, r.ledger_id, r.meter, r.obis, r.from_at, r.to_at
          FROM span s JOIN energyledger.reading r ON r.meter = s.meter AND r.from_at > s.from_at - interval '1 hour' AND r.from_at < s.to_at
         WHERE r.to_at > s.from_at AND r.to_at > r.from_at AND energyledger.register_role(r.obis) <> 'other'
        UNION
        SELECT s.on_line, r.ledger_id, r.meter, r.obis, r.from_at, r.to_at
          FROM span s JOIN register g ON g.meter = s.meter
          JOIN energyledger.reading r ON r.meter = g.meter AND r.obis = g.obis AND r.from_at < s.to_at AND r.to_at > s.from_at
         WHERE r.to_at - r.from_at > interval '1 hour' OR date_bin('1 day', r.to_at, timestamptz '2000-01-01 00:00:00+00') > r.from_at
        -- stands: those in the time, the last before it and the first after it
        UNION
        SELECT s.on_line, r.ledger_id, r.meter, r.obis, r.from_at, r.to_at
          FROM span s JOIN register g ON g.meter = s.meter
         CROSS JOIN LATERAL (SELECT coalesce(max(b.from_at), s.from_at) AS from_at FROM energyledger.reading b
                              WHERE b.meter = g.meter AND b.obis = g.obis AND b.from_at = b.to_at AND b.from_at <= s.from_at) before
         CROSS JOIN LATERAL (SELECT coalesce(min(a.from_at), s.to_at) AS to_at FROM energyledger.reading a
                              WHERE a.meter = g.meter AND a.obis = g.obis AND a.from_at = a.to_at AND a.from_at >= s.to_at) after
          JOIN energyledger.reading r ON r.meter = g.meter AND r.obis = g.obis AND r.from_at = r.to_at AND r.from_at >= before.from_at AND r.from_at <= after.to_at)
    SELECT e.* FROM (
        SELECT p.on_line, 'posting' AS evidence, p.posting, p.market, CASE WHEN p.market IS NOT NULL THEN p.from_at END AS slot, p.trade_seq, p.meter, NULL AS obis, p.from_at, p.to_at FROM posted p
        UNION ALL
        SELECT DISTINCT p.on_line, 'trade', (SELECT t.ledger_id FROM energyledger.trade t WHERE t.market = p.market AND t.slot = p.from_at AND t.trade_seq = p.trade_seq),
               p.market, p.from_at, p.trade_seq, NULL, NULL, p.from_at, p.to_at FROM posted p WHERE p.trade_seq IS NOT NULL
        UNION ALL
        SELECT r.on_line, 'reading', r.ledger_id, NULL, NULL, NULL, r.meter, r.obis, r.from_at, r.to_at FROM reading r
        UNION ALL
        SELECT DISTINCT s.on_line, 'estimate', x.ledger_id, NULL, NULL::timestamptz, NULL::integer, x.meter, x.direction, x.from_at, x.to_at
          FROM span s JOIN energyledger.energy_estimate x ON x.meter = s.meter AND x.direction IN ('import', 'export')
           AND x.from_at > s.from_at - interval '1 hour' AND x.from_at < s.to_at
         WHERE x.to_at > s.from_at) e
     ORDER BY e.on_line, array_position('{posting,trade,reading,estimate}', e.evidence), e.from_at, e.posting, e.trade_seq
$$;
COMMENT ON FUNCTION energyledger.invoice_evidence(text, integer) IS
'What an invoice''s lines were made of. number: which; line: of this line only, NULL: of all. evidence: posting, trade, reading or estimate; evidence_id: ledger_id of the row, for receipt() to prove. '
'Readings and estimates are those of the postings'' meters (of deviations: of the party''s meters then) that speak of the postings'' time: registers of energy only, superseded ones too; of stands also the last before it and the first after it. Of an estimate obis is the direction. '
'Nothing for a NULL number. Errors: P0002 where there is no such invoice or line. Needs SELECT on what invoice_postings() reads, trade, meter, reading and energy_estimate.';

CREATE FUNCTION energyledger.invoice_consumption(number text, since timestamptz, until timestamptz)
RETURNS TABLE (meter text, direction text, energy_wh bigint, quality text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
    -- meters of its postings; where these name none, those that were ever the party's
    WITH bill AS MATERIALIZED (
        SELECT i.party, (SELECT b.time_zone FROM energyledger.biller b WHERE b.biller = i.biller AND b.registered_at <= i.issued_at
                          ORDER BY b.registered_at DESC, b.ledger_id DESC LIMIT 1) AS time_zone
          FROM energyledger.invoice i WHERE i.number = $1),
    posted AS MATERIALIZED (
        SELECT DISTINCT p.meter FROM energyledger.invoice_postings($1) p WHERE p.meter IS NOT NULL),
    meter AS MATERIALIZED (
        SELECT p.meter FROM posted p
        UNION
        SELECT m.meter FROM energyledger.meter m JOIN bill ON m.party = bill.party WHERE NOT EXISTS (SELECT FROM posted)),
    -- what one took before a meter was its own, and after, is not told to it: as charge() has it, a day is whose the meter is at its end
    registered AS (
        SELECT r.meter, r.party, r.registered_at, lead(r.registered_at) OVER w AS next_at,
               count(r.party) OVER (PARTITION BY r.meter ORDER BY r.registered_at, r.ledger_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) = 0 AS first
          FROM meter m JOIN energyledger.meter r ON r.meter = m.meter
        WINDOW w AS (PARTITION BY r.meter ORDER BY r.registered_at, r.ledger_id)),
    own AS (
        SELECT r.meter, range_agg(tstzrange(CASE WHEN r.first THEN '-infinity' ELSE d.from_at END, d.to_at)) * tstzmultirange(tstzrange($2, $3)) AS times
          FROM registered r JOIN bill ON r.party = bill.party
         CROSS JOIN LATERAL (SELECT energyledger.day_start((r.registered_at AT TIME ZONE bill.time_zone)::date, bill.time_zone) AS from_at,
                                    coalesce(energyledger.day_start((r.next_at AT TIME ZONE bill.time_zone)::date, bill.time_zone), 'infinity') AS to_at) d
         WHERE r.first OR d.from_at < d.to_at
         GROUP BY r.meter),
    part AS (
        SELECT o.meter, e.direction, e.energy_wh, coalesce(e.quality, 'missing') AS quality
          FROM own o CROSS JOIN LATERAL unnest(o.times) t(during)
          LEFT JOIN LATERAL energyledger.energy_between(o.meter, ARRAY[lower(t.during), upper(t.during)]) e ON true)
    SELECT p.meter, p.direction, CASE WHEN bool_and(p.energy_wh IS NOT NULL) THEN sum(p.energy_wh)::bigint END,
           (ARRAY['measured', 'spread', 'substitute', 'estimated', 'conflicting', 'missing'])
               [max(array_position(ARRAY['measured', 'spread', 'substitute', 'estimated', 'conflicting', 'missing'], p.quality))]
      FROM part p GROUP BY p.meter, p.direction
     ORDER BY p.meter COLLATE "C", p.direction
$$;
COMMENT ON FUNCTION energyledger.invoice_consumption(text, timestamptz, timestamptz) IS
'Energy of an invoice''s meters in [since, until): of those that its postings name; where these name none, of those registered as the party''s; on days on which they were the party''s, by the biller''s time zone. energy_wh and quality as energy_between() gives them; a meter without a register of energy has one row without direction. '
'Errors: P0002 where there is no such invoice, and as energy_between. Needs SELECT on what invoice_postings() and energy_between() read, biller and meter.';

CREATE FUNCTION energyledger.invoice_document(number text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    i energyledger.invoice;
    b energyledger.biller_current;
    unit numeric;
    lines jsonb;
    vat jsonb;
    breakdown jsonb;
    now_used jsonb;
    then_used jsonb;
    points jsonb;
    customer jsonb;
    tariffs jsonb;
    contract_end timestamptz;
    last_from timestamptz;
    last_to timestamptz;
BEGIN
    IF $1 IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT v.* INTO i FROM energyledger.invoice v WHERE v.number = $1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no invoice "%"', $1 USING ERRCODE = 'no_data_found';
    END IF;
    -- the supplier as it was registered when the invoice was written
    SELECT r.* INTO b FROM energyledger.biller r WHERE r.biller = i.biller AND r.registered_at <= i.issued_at ORDER BY r.registered_at DESC, r.ledger_id DESC LIMIT 1;
    unit := ('1e-' || i.exponent)::numeric;

    SELECT jsonb_agg(jsonb_build_object('line', l.line, 'kind', l.kind, 'text', l.text, 'tariff', l.tariff, 'component', l.component, 'market', l.market,
               'from', l.from_at, 'to', l.to_at, 'energy_kwh', trim_scale(l.energy_wh * 0.001), 'price_per_kwh', trim_scale(l.price_micro_per_kwh * 0.000001),
               'amount', trim_scale(l.amount_nano * 0.000000001), 'vat_percent', trim_scale(l.vat_ppm * 0.0001), 'earlier', l.earlier, 'corrects', l.corrects) ORDER BY l.line),
           jsonb_agg(DISTINCT l.tariff) FILTER (WHERE l.tariff IS NOT NULL)
      INTO lines, tariffs
      FROM energyledger.invoice_line l WHERE l.number = $1;
    SELECT jsonb_agg(jsonb_build_object('percent', trim_scale(r.vat_ppm * 0.0001), 'net', trim_scale(r.net * 0.000000001), 'vat', trim_scale(r.vat * 0.000000001)) ORDER BY r.vat_ppm)
      INTO vat
      FROM (SELECT l.vat_ppm, coalesce(sum(l.amount_nano) FILTER (WHERE l.kind <> 'vat'), 0) AS net, coalesce(sum(l.amount_nano) FILTER (WHERE l.kind = 'vat'), 0) AS vat
              FROM energyledger.invoice_line l WHERE l.number = $1 AND l.kind <> 'rounding' GROUP BY l.vat_ppm) r;
    SELECT jsonb_object_agg(c.component, trim_scale(c.amount * 0.000000001)) INTO breakdown
      FROM (SELECT p.component, coalesce(sum(l.amount_nano) FILTER (WHERE l.number IS NOT NULL), 0) AS amount
              FROM (VALUES ('energy_and_supply'), ('network'), ('taxes_levies_fees_and_charges'), ('rounding')) p(component)
              LEFT JOIN energyledger.invoice_line l ON l.number = $1 AND p.component =
                   CASE WHEN l.kind IN ('network', 'fee', 'zone_fee', 'rent') THEN 'network' WHEN l.kind IN ('tax', 'levy', 'vat') THEN 'taxes_levies_fees_and_charges'
                        WHEN l.kind = 'rounding' THEN 'rounding' ELSE 'energy_and_supply' END
             GROUP BY p.component) c;

    last_from := ((i.from_at AT TIME ZONE b.time_zone) - interval '1 year') AT TIME ZONE b.time_zone;
    last_to := ((i.to_at AT TIME ZONE b.time_zone) - interval '1 year') AT TIME ZONE b.time_zone;
    now_used := energyledger.consumption_document($1, i.from_at, i.to_at);
    then_used := energyledger.consumption_document($1, last_from, last_to);
    SELECT jsonb_agg(jsonb_build_object('meter', m.meter, 'location', c.location) ORDER BY m.meter) INTO points
      FROM (SELECT DISTINCT n.m->>'meter' AS meter FROM jsonb_array_elements(now_used->'meters') n(m)) m
      LEFT JOIN energyledger.meter_current c ON c.meter = m.meter;
    SELECT nullif(c.until_at, 'infinity') INTO contract_end
      FROM (SELECT * FROM energyledger.contract t WHERE t.party = i.party AND t.from_at < i.to_at AND t.recorded_at <= i.issued_at
             ORDER BY t.from_at DESC, t.recorded_at DESC, t.ledger_id DESC LIMIT 1) c
     WHERE c.until_at > c.from_at AND tariffs ? c.tariff;
    SELECT jsonb_build_object('party', i.party, 'name', energyledger.value(p.name), 'contact', energyledger.value(p.contact)) INTO customer
      FROM (SELECT i.party) q LEFT JOIN energyledger.party_current p ON p.party = i.party;

    RETURN jsonb_build_object(
        'number', i.number, 'type', CASE WHEN i.total_cents < 0 THEN 'credit note' ELSE 'invoice' END, 'corrects', i.corrects, 'issued_at', i.issued_at, 'currency', i.currency,
        'period', jsonb_build_object('from', i.from_at, 'to', i.to_at, 'time_zone', b.time_zone),
        'customer', customer, 'lines', lines,
        '1.1', jsonb_build_object(
            'a', jsonb_build_object('price_to_pay', i.total_cents * unit, 'net', trim_scale(i.net_nano * 0.000000001), 'vat', vat, 'rounding', trim_scale(i.rounding_nano * 0.000000001),
                'breakdown', breakdown, 'statement', 'All sources of energy may also benefit from incentives that are not financed through the levies in this breakdown.'),
            'b', jsonb_build_object('due_on', ((i.due_at - interval '1 microsecond') AT TIME ZONE b.time_zone)::date)),
        '1.2', jsonb_build_object(
            'a', jsonb_build_object('consumption', now_used),
            'b', jsonb_build_object('supplier', jsonb_build_object('biller', i.biller, 'name', b.name, 'address', b.address, 'email', b.email, 'hotline', b.hotline, 'vat_id', b.vat_id)),
            'c', jsonb_build_object('tariffs', tariffs),
            'd', jsonb_build_object('contract_end', contract_end),
            'e', jsonb_build_object('switching', b.switching),
            'f', jsonb_build_object('supply_points', points),
            'g', jsonb_build_object('dispute_settlement', b.dispute_settlement),
            'h', jsonb_build_object('contact_point', b.contact_point),
            'i', jsonb_build_object('comparison_tools', b.comparison_tools)),
        '1.3', jsonb_build_object(
            'a', jsonb_build_object('same_period_last_year', then_used || jsonb_build_object('from', last_from, 'to', last_to),
                'change_percent', CASE WHEN (then_used->>'import_wh')::numeric > 0 THEN
                    round(((now_used->>'import_wh')::numeric - (then_used->>'import_wh')::numeric) * 100 / (then_used->>'import_wh')::numeric, 1) END),
            'b', jsonb_build_object('efficiency_advice', b.efficiency_advice),
            'c', jsonb_build_object('average_customer_wh', round(b.average_customer_wh_per_year * extract(epoch FROM i.to_at - i.from_at) / 31536000))),
        '3', jsonb_build_object('breakdown', breakdown),
        '5', jsonb_build_object('product_sources_ppm', b.product_sources, 'a', jsonb_build_object('supplier_sources_ppm', b.supplier_sources),
            'b', jsonb_build_object('co2_mg_per_kwh', b.co2_mg_per_kwh, 'nuclear_waste_ug_per_kwh', b.nuclear_waste_ug_per_kwh)));
END
$$;
COMMENT ON FUNCTION energyledger.invoice_document(text) IS
'An invoice with the fields that Directive (EU) 2019/944, Annex I wants on bills, under the numbers of its points (1.1 a: price to pay). number: which. Amounts in currency and energy in kWh are exact decimals; '
'what is not known is null (doc/billing.md lists it). The supplier is as it was registered when the invoice was written; consumption is as known now. NULL for NULL. Errors: P0002 where there is no such invoice. '
'Needs SELECT on what invoice_consumption() reads, biller, contract, party_current and meter_current.';

CREATE FUNCTION energyledger.consumption_document(number text, since timestamptz, until timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- a sum of which a part is missing is none
    SELECT jsonb_build_object('import_wh', CASE WHEN bool_and(c.energy_wh IS NOT NULL) FILTER (WHERE c.direction = 'import') THEN sum(c.energy_wh) FILTER (WHERE c.direction = 'import') END,
               'export_wh', CASE WHEN bool_and(c.energy_wh IS NOT NULL) FILTER (WHERE c.direction = 'export') THEN sum(c.energy_wh) FILTER (WHERE c.direction = 'export') END,
               'meters', coalesce(jsonb_agg(jsonb_build_object('meter', c.meter, 'direction', c.direction, 'energy_wh', c.energy_wh, 'quality', c.quality)
                             ORDER BY c.meter COLLATE "C", c.direction), '[]'))
      FROM energyledger.invoice_consumption($1, $2, $3) c
$$;
COMMENT ON FUNCTION energyledger.consumption_document(text, timestamptz, timestamptz) IS
'What invoice_consumption() gives, as jsonb, with the sums of import and export; a sum of which a meter''s part is missing is null. Arguments, errors and rights: as invoice_consumption.';

CREATE FUNCTION energyledger.csv_text(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN v.safe ~ '[",\r\n]' THEN '"' || replace(v.safe, '"', '""') || '"' ELSE v.safe END
      FROM (SELECT CASE WHEN $1 ~ '^[-=+@\t\r]' THEN '''' || $1 ELSE $1 END AS safe) v
$$;
COMMENT ON FUNCTION energyledger.csv_text(text) IS
'A text as a field of CSV: in quotes where it has a quote, a comma or a line''s end. One that begins with = + - @, a tab or a carriage return gets an apostrophe before it: a spreadsheet would compute it. NULL for NULL; no errors. Rule: RFC 4180.';

CREATE FUNCTION energyledger.invoice_csv(number text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    written text;
BEGIN
    IF $1 IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT E'number,line,kind,text,tariff,component,market,from,to,energy_kwh,price_per_kwh,amount,currency,vat_percent,corrects\r\n' ||
           string_agg(concat_ws(',', energyledger.csv_text(l.number), l.line, energyledger.csv_text(l.kind), energyledger.csv_text(l.text), coalesce(energyledger.csv_text(l.tariff), ''),
               coalesce(energyledger.csv_text(l.component), ''), coalesce(energyledger.csv_text(l.market), ''),
               to_char(l.from_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), to_char(l.to_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
               coalesce(trim_scale(l.energy_wh * 0.001)::text, ''), coalesce(trim_scale(l.price_micro_per_kwh * 0.000001)::text, ''), trim_scale(l.amount_nano * 0.000000001), i.currency,
               trim_scale(l.vat_ppm * 0.0001), coalesce(energyledger.csv_text(l.corrects), '')) || E'\r\n', '' ORDER BY l.line)
      INTO written
      FROM energyledger.invoice i JOIN energyledger.invoice_line l ON l.number = i.number
     WHERE i.number = $1;
    IF written IS NULL THEN
        RAISE EXCEPTION 'no invoice "%"', $1 USING ERRCODE = 'no_data_found';
    END IF;
    RETURN written;
END
$$;
COMMENT ON FUNCTION energyledger.invoice_csv(text) IS
'An invoice''s lines as CSV with a header, lines ended by CR LF. number: which. Amounts, prices and energy are exact decimals in currency, currency per kWh and kWh; the amounts are together what is to be paid; times are in UTC. '
'Texts as csv_text() writes them. NULL for NULL. Errors: P0002 where there is no such invoice. Needs SELECT on invoice and invoice_line. Rule: RFC 4180.';

CREATE FUNCTION energyledger.statement(party text, since timestamptz, until timestamptz, other text DEFAULT NULL)
RETURNS TABLE (entry text, at timestamptz, kind text, other_party text, currency text, amount_nano numeric, balance_nano numeric, invoice text, posting bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
        RAISE EXCEPTION 'arguments of statement other than the other party must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF $2 >= $3 THEN
        RAISE EXCEPTION 'since must be before until' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('They are %s and %s.', $2, $3);
    END IF;
    RETURN QUERY
    WITH own AS MATERIALIZED (
        SELECT p.ledger_id, p.from_at, p.kind, p.payee AS other, p.currency, -p.amount_nano::numeric AS amount, 1 AS side FROM energyledger.posting p
         WHERE p.payer = $1 AND p.from_at < $3
        UNION ALL
        SELECT p.ledger_id, p.from_at, p.kind, p.payer, p.currency, p.amount_nano, 2 FROM energyledger.posting p
         WHERE p.payee = $1 AND p.from_at < $3),
    opening AS (
        SELECT o.currency, coalesce(sum(o.amount) FILTER (WHERE o.from_at < $2), 0) AS balance, sum(o.amount) AS closing
          FROM own o WHERE $4 IS NULL OR o.other = $4 GROUP BY o.currency)
    SELECT e.entry, e.at, e.kind, e.other, e.currency, e.amount, e.balance, e.invoice, e.ledger_id
      FROM (SELECT 1 AS place, 'opening' AS entry, $2 AS at, NULL AS kind, NULL AS other, o.currency, NULL::numeric AS amount, o.balance, NULL AS invoice, NULL::bigint AS ledger_id FROM opening o
            UNION ALL
            SELECT 2, 'posting', w.from_at, w.kind, w.other, w.currency, w.amount,
                   o.balance + sum(w.amount) OVER (PARTITION BY w.currency ORDER BY w.from_at, w.ledger_id),
                   -- of a posting that is invoiced to both parties, the one that this party got
                   (SELECT i.number FROM energyledger.invoice_posting i WHERE i.posting = w.ledger_id AND i.side IN (0, w.side)), w.ledger_id
              FROM own w JOIN opening o ON o.currency = w.currency WHERE w.from_at >= $2 AND ($4 IS NULL OR w.other = $4)
            UNION ALL
            SELECT 3, 'closing', $3, NULL, NULL, o.currency, NULL, o.closing, NULL, NULL FROM opening o) e
     ORDER BY e.currency COLLATE "C", e.place, e.at, e.ledger_id;
END
$$;
COMMENT ON FUNCTION energyledger.statement(text, timestamptz, timestamptz, text) IS
'A party''s account: for each currency the opening balance, every posting with from_at in [since, until) and the balance after it, the closing balance. party: whose; other: only postings with this party, NULL: with all. '
'Amounts in nano-currency as in party_balance: above zero is due to the party. A posting counts at the time that it is for: what is booked later for an earlier time changes a statement of that time. Nothing for a party without postings. '
'Errors: 22004 for NULL, 22023 where since is not before until. Needs SELECT on posting and invoice_posting.';

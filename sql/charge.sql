/*
 * charge.sql: what the energy of those with a contract costs, day by day.
 *
 * One function says what each slot of a party's meters costs by which component
 * (charge_slot); all others are made of it.  charge() books the days of which everything
 * is known.  Nothing is edited: where something is known better later, it takes the
 * day's postings back and books them anew, as the day's next run.
 */

CREATE TABLE energyledger.charge (
    party           text COLLATE "C" NOT NULL,
    day             date NOT NULL,
    from_at         timestamptz NOT NULL,
    to_at           timestamptz NOT NULL CHECK (to_at > from_at),
    run             integer NOT NULL CHECK (run >= 0),
    tariff          text COLLATE "C" NOT NULL,
    import_wh       bigint NOT NULL,
    export_wh       bigint NOT NULL,
    estimated_slots bigint NOT NULL,
    amount_nano     bigint NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    reason          text COLLATE "C" NOT NULL CHECK (reason IN ('first', 'energy', 'price', 'contract')),
    known_at        timestamptz NOT NULL,
    charged_by      text NOT NULL
) USING ledger;
CREATE UNIQUE INDEX charge_run ON energyledger.charge (party, from_at, run);
COMMENT ON TABLE energyledger.charge IS
'days that were charged to parties by their tariffs, a row each time; a day''s highest run counts. The postings of a run have its ledger_id as booking. Written by charge()';
COMMENT ON COLUMN energyledger.charge.party IS 'whose energy';
COMMENT ON COLUMN energyledger.charge.day IS 'which day, by the contract''s time zone';
COMMENT ON COLUMN energyledger.charge.from_at IS 'start of the day';
COMMENT ON COLUMN energyledger.charge.to_at IS 'its end, not part of it';
COMMENT ON COLUMN energyledger.charge.run IS '0, then 1 more each time it is charged again';
COMMENT ON COLUMN energyledger.charge.tariff IS 'by which tariff';
COMMENT ON COLUMN energyledger.charge.import_wh IS 'energy that its meters took from the grid, in Wh, whatever it is charged with';
COMMENT ON COLUMN energyledger.charge.export_wh IS 'energy that they gave';
COMMENT ON COLUMN energyledger.charge.estimated_slots IS 'how many slots of its meters, import and export apart, have energy that is estimated or a substitute';
COMMENT ON COLUMN energyledger.charge.amount_nano IS 'what the party owes for the day, less what is due to it, in nano-currency (10^-9), without VAT';
COMMENT ON COLUMN energyledger.charge.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.charge.reason IS
'first: run 0; energy: import or export of the day are another; price: they are not, but what is charged for them is (tariff, prices, when in the day it was); contract: there is none for this day any more, everything is taken back';
COMMENT ON COLUMN energyledger.charge.known_at IS 'what it was made of: all that was there then. charge_slot(party, day, day + 1, known_at) gives it again';
COMMENT ON COLUMN energyledger.charge.charged_by IS 'by which role';
COMMENT ON COLUMN energyledger.charge.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.charge_run IS 'each run of a day once; a party''s days by time';
SELECT pg_catalog.pg_extension_config_dump('energyledger.charge', '');

CREATE INDEX meter_party_idx ON energyledger.meter (party) WHERE party IS NOT NULL;
COMMENT ON INDEX energyledger.meter_party_idx IS 'the meters that were ever a party''s';

-- ---------------------------------------------------------------- what a slot costs

-- (without a search_path of its own it becomes part of the query that calls it)
CREATE FUNCTION energyledger.window_holds(local timestamp, weekdays smallint[], local_from time, local_to time, months smallint[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ($2 IS NULL OR extract(isodow FROM $1) = ANY ($2)) AND ($5 IS NULL OR extract(month FROM $1) = ANY ($5))
       AND ($3 IS NULL OR CASE WHEN $3 < $4 THEN $1::time >= $3 AND $1::time < $4 ELSE $1::time >= $3 OR $1::time < $4 END)
$$;
COMMENT ON FUNCTION energyledger.window_holds(timestamp, smallint[], time, time, smallint[]) IS
'Does a component with these windows hold at a local time? Each that is NULL always does; local_from is part of it, local_to is not, and one below local_from means over midnight, by the weekday and month of the local time itself. No errors.';

CREATE FUNCTION energyledger.check_days(since date, until date) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF since IS NULL OR until IS NULL THEN
        RAISE EXCEPTION 'since and until must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT isfinite(since) OR NOT isfinite(until) OR since > until THEN
        RAISE EXCEPTION 'since must be a day that is not after until' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s and %s.', since, until);
    END IF;
    IF until - since > 1000 THEN
        RAISE EXCEPTION 'too many days' USING ERRCODE = 'program_limit_exceeded',
            DETAIL = format('%s lie between %s and %s; at most 1000 are worked out at a time.', until - since, since, until);
    END IF;
END
$$;
COMMENT ON FUNCTION energyledger.check_days(date, date) IS
'Refuses [since, until) that is no time of at most 1000 days. Errors: 22004 for NULL, 22023 for a wrong order or an infinite day, 54000 for too many.';

-- Sequential scans are switched off for the same reason as in energy.sql: plans are kept.
CREATE FUNCTION energyledger.charge_slot(party text, since date, until date, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (day date, day_from timestamptz, day_to timestamptz, tariff text, currency text,
               meter text, from_at timestamptz, direction text, energy_wh bigint, quality text, n integer,
               component text, kind text, creditor text, price_micro_per_kwh bigint, amount_nano bigint, vat_ppm integer, missing text)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 100000 ROWS 1000
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF charge_slot.party IS NULL THEN
        RAISE EXCEPTION 'party must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.check_days(charge_slot.since, charge_slot.until);
    RETURN QUERY
    WITH contract AS (
        SELECT v.tariff, v.time_zone, v.from_at, least(v.until_at, lead(v.from_at) OVER (ORDER BY v.from_at)) AS ends_at
          FROM (SELECT DISTINCT ON (c.from_at) c.* FROM energyledger.contract c
                 WHERE c.party = charge_slot.party AND (charge_slot.known_at IS NULL OR c.recorded_at <= charge_slot.known_at)
                 ORDER BY c.from_at, c.recorded_at DESC, c.ledger_id DESC) v),
    -- A day belongs to the contract that holds when it begins, and is cut off where that ends
    -- within it: the next one has another time zone.
    day AS MATERIALIZED (
        SELECT c.tariff, c.time_zone, d.day, d.day_from, least(d.day_to, c.ends_at) AS day_to
          FROM contract c
         CROSS JOIN LATERAL (
                   SELECT g.day, energyledger.day_start(g.day, c.time_zone) AS day_from, energyledger.day_start(g.day + 1, c.time_zone) AS day_to
                     FROM (SELECT charge_slot.since + i AS day FROM generate_series(0, charge_slot.until - charge_slot.since - 1) i) g) d
         WHERE d.day_from >= c.from_at AND d.day_from < c.ends_at AND d.day_from < d.day_to),
    component AS MATERIALIZED (
        SELECT v.*, least(v.until_at, lead(v.from_at) OVER (PARTITION BY v.tariff, v.component ORDER BY v.from_at)) AS ends_at
          FROM (SELECT DISTINCT d.tariff FROM day d) d
         CROSS JOIN LATERAL (
                   SELECT DISTINCT ON (t.component, t.from_at) t.* FROM energyledger.tariff_component t
                    WHERE t.tariff = d.tariff AND (charge_slot.known_at IS NULL OR t.recorded_at <= charge_slot.known_at)
                    ORDER BY t.component, t.from_at, t.recorded_at DESC, t.ledger_id DESC) v),
    tariff AS MATERIALIZED (
        SELECT c.tariff, min(c.currency) AS currency, bool_or(c.kind <> 'standing') AS by_energy FROM component c GROUP BY c.tariff),
    slot AS (
        SELECT d.tariff, s.at, s.at AT TIME ZONE d.time_zone AS local
          FROM day d CROSS JOIN LATERAL generate_series(d.day_from, d.day_to - interval '15 minutes', '15 minutes') s(at)),
    priced AS MATERIALIZED (
        SELECT s.at, c.direction, c.component, c.kind, c.creditor, c.vat_ppm,
               CASE WHEN c.price_series IS NULL THEN c.price_micro_per_kwh
                    ELSE energyledger.scaled_price(q.price, c.multiplier_ppm, c.adder_micro_per_kwh) END AS price,
               row_number() OVER (PARTITION BY s.at, c.direction ORDER BY c.component)::int AS n,
               bool_or(c.kind = 'energy') OVER (PARTITION BY s.at, c.direction) AS has_energy
          FROM slot s
          JOIN component c ON c.tariff = s.tariff AND c.kind <> 'standing' AND c.from_at <= s.at AND c.ends_at > s.at
           AND energyledger.window_holds(s.local, c.weekdays, c.local_from, c.local_to, c.months)
          -- what price_at() says; here without a call for each slot
          LEFT JOIN LATERAL (
                   SELECT r.price
                     FROM (SELECT i.price_micro_per_kwh AS price, i.recorded_at, i.ledger_id FROM energyledger.price i
                            WHERE i.series = c.price_series AND i.from_at > s.at - interval '24 hours 1 second' AND i.from_at <= s.at AND i.to_at > s.at
                              AND (charge_slot.known_at IS NULL OR i.recorded_at <= charge_slot.known_at)
                           UNION ALL
                           SELECT i.price_micro_per_kwh, i.recorded_at, i.ledger_id FROM energyledger.price i
                            WHERE i.series = c.price_series AND i.from_at <= s.at AND i.to_at = 'infinity'
                              AND (charge_slot.known_at IS NULL OR i.recorded_at <= charge_slot.known_at)) r
                    ORDER BY r.recorded_at DESC, r.ledger_id DESC LIMIT 1) q ON true),
    -- Whose a meter is on a day: its newest registration before the day's end; before there is
    -- one that names a party, the first that does.
    metered AS MATERIALIZED (
        SELECT d.tariff, d.day, d.day_from, d.day_to, m.meter
          FROM day d
         CROSS JOIN LATERAL (
                   SELECT k.meter
                     FROM (SELECT DISTINCT r.meter FROM energyledger.meter r WHERE r.party = charge_slot.party) k
                    WHERE (SELECT x.party FROM energyledger.meter x
                            WHERE x.meter = k.meter AND (charge_slot.known_at IS NULL OR x.registered_at <= charge_slot.known_at)
                              AND (x.registered_at < d.day_to
                                   OR x.registered_at <= (SELECT min(f.registered_at) FROM energyledger.meter f WHERE f.meter = k.meter AND f.party IS NOT NULL))
                            ORDER BY x.registered_at DESC, x.ledger_id DESC LIMIT 1) = charge_slot.party) m),
    energy AS MATERIALIZED (
        SELECT m.*, e.from_at, e.direction, e.energy_wh, e.quality,
               CASE WHEN e.from_at IS NULL THEN 'no_register' ELSE e.reason END AS reason
          FROM metered m
          LEFT JOIN LATERAL energyledger.interval_energy(m.meter, m.day_from, m.day_to, known_at => charge_slot.known_at) e ON true
        UNION ALL
        SELECT d.tariff, d.day, d.day_from, d.day_to, NULL, NULL, NULL, NULL, NULL, 'no_meter'
          FROM day d
          JOIN tariff t ON t.tariff = d.tariff
         WHERE t.by_energy AND NOT EXISTS (SELECT FROM metered m WHERE m.day_from = d.day_from))
    SELECT e.day, e.day_from, e.day_to, e.tariff, t.currency, e.meter, e.from_at, e.direction, e.energy_wh, e.quality, coalesce(p.n, 1),
           p.component, p.kind, p.creditor, p.price, e.energy_wh * p.price, p.vat_ppm,
           CASE WHEN e.energy_wh IS NULL THEN e.reason
                WHEN e.direction = 'import' AND p.has_energy IS NOT TRUE THEN 'no_energy_component'
                WHEN p.component IS NOT NULL AND p.price IS NULL THEN 'no_price' END
      FROM energy e
      JOIN tariff t ON t.tariff = e.tariff
      LEFT JOIN priced p ON p.at = e.from_at AND p.direction = e.direction
    UNION ALL
    SELECT d.day, d.day_from, d.day_to, d.tariff, c.currency, NULL, d.day_from, NULL, NULL, NULL, 1,
           c.component, c.kind, c.creditor, NULL, c.price_micro_per_day * 1000, c.vat_ppm, NULL
      FROM day d
      JOIN component c ON c.tariff = d.tariff AND c.kind = 'standing' AND c.from_at <= d.day_from AND c.ends_at > d.day_from;
END
$$;
COMMENT ON FUNCTION energyledger.charge_slot(text, date, date, timestamptz) IS
'What each slot of a party''s meters costs on the local days of [since, until), by its contract: a row for each component that holds in the slot for the energy''s direction, one without a component where none does, and one for each standing charge of a day. '
'party: its name; since, until: at most 1000 days; known_at: only what was recorded by then, NULL: all. '
'n: the first row of a meter, slot and direction has 1 (add up energy_wh of these only); amount_nano: energy_wh * price_micro_per_kwh, what the party owes or, of kind feed_in, is due to it; '
'missing: why the day cannot be charged: the reasons of interval_energy, no_register, no_meter, no_price (the series has none for the slot), no_energy_component (the tariff has no energy component for an import slot); else NULL. '
'Nothing for days without a contract. Needs SELECT on contract, tariff_component, price, meter, reading, energy_estimate, register_rollover, message. '
'Errors: 22004 for a NULL other than known_at, 22023 for a wrong order or an infinite day, 54000 for too many, 22003 where an amount is beyond a bigint. Rules: doc/billing.md.';

CREATE FUNCTION energyledger.charge_pending(party text, since date, until date)
RETURNS TABLE (day date, meter text, direction text, from_at timestamptz, component text, reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.day, s.meter, s.direction, s.from_at, CASE WHEN s.missing = 'no_price' THEN s.component END, s.missing
      FROM energyledger.charge_slot($1, $2, $3) s
     WHERE s.missing IS NOT NULL AND (s.n = 1 OR s.missing = 'no_price')
     ORDER BY s.day, s.meter, s.direction, s.from_at, 5
$$;
COMMENT ON FUNCTION energyledger.charge_pending(text, date, date) IS
'The slots for which charge() does not charge days of [since, until): meter, start of the slot and reason, as charge_slot gives it; component: the one whose price is missing. from_at is NULL where there is no meter or no register. '
'Arguments, rights and errors as charge_slot.';

CREATE FUNCTION energyledger.contract_prices(party text, at timestamptz DEFAULT now(), direction text DEFAULT 'import')
RETURNS TABLE (tariff text, component text, kind text, creditor text, price_micro_per_kwh bigint, currency text, vat_ppm integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.tariff, t.component, t.kind, t.creditor,
           CASE WHEN t.price_series IS NULL THEN t.price_micro_per_kwh
                ELSE energyledger.scaled_price(energyledger.price_at(t.price_series, $2), t.multiplier_ppm, t.adder_micro_per_kwh) END, t.currency, t.vat_ppm
      FROM (SELECT * FROM energyledger.contract k WHERE k.party = $1 AND k.from_at <= $2 ORDER BY k.from_at DESC, k.recorded_at DESC, k.ledger_id DESC LIMIT 1) c
     CROSS JOIN LATERAL (
               SELECT DISTINCT ON (v.component) v.* FROM energyledger.tariff_component v
                WHERE v.tariff = c.tariff AND v.from_at <= $2 ORDER BY v.component, v.from_at DESC, v.recorded_at DESC, v.ledger_id DESC) t
     WHERE c.until_at > $2 AND t.until_at > $2 AND t.direction = $3
       AND energyledger.window_holds($2 AT TIME ZONE c.time_zone, t.weekdays, t.local_from, t.local_to, t.months)
     ORDER BY t.component
$$;
COMMENT ON FUNCTION energyledger.contract_prices(text, timestamptz, text) IS
'What a kWh costs a party at a moment by its contract: a row for each component by energy that holds then. at: in the past or ahead; direction: import or export. '
'price_micro_per_kwh: NULL where the series has none. Nothing without a contract. Needs SELECT on contract, tariff_component and price. No errors.';

-- ---------------------------------------------------------------- booking it

CREATE FUNCTION energyledger.charge(party text, since date, until date) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    role CONSTANT text := coalesce(nullif(current_setting('role'), 'none'), session_user);
    read_at timestamptz;
    written bigint;
    gap record;
BEGIN
    IF charge.party IS NULL THEN
        RAISE EXCEPTION 'party must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM energyledger.check_days(charge.since, charge.until);
    IF NOT EXISTS (SELECT FROM energyledger.contract c WHERE c.party = charge.party) THEN
        RAISE EXCEPTION 'party "%" has no contract', charge.party USING ERRCODE = 'no_data_found', HINT = 'Give it a tariff with set_contract().';
    END IF;
    -- whoever comes second reads what the first has booked
    PERFORM pg_advisory_xact_lock(hashtextextended('energyledger.charge:' || charge.party, 0));
    read_at := clock_timestamp();

    WITH slot AS MATERIALIZED (
        SELECT * FROM energyledger.charge_slot(charge.party, charge.since, charge.until)),
    gap AS (
        SELECT s.tariff, s.meter, s.from_at, s.missing FROM slot s WHERE s.missing = 'no_energy_component' ORDER BY s.from_at, s.meter LIMIT 1),
    day AS MATERIALIZED (
        SELECT s.day, s.day_from, s.day_to, s.tariff, s.currency, bool_or(s.missing IS NOT NULL) AS open,
               coalesce(sum(s.energy_wh) FILTER (WHERE s.n = 1 AND s.direction = 'import'), 0)::bigint AS import_wh,
               coalesce(sum(s.energy_wh) FILTER (WHERE s.n = 1 AND s.direction = 'export'), 0)::bigint AS export_wh,
               count(*) FILTER (WHERE s.n = 1 AND s.quality IN ('estimated', 'substitute')) AS estimated_slots,
               coalesce(sum(CASE s.kind WHEN 'feed_in' THEN -s.amount_nano ELSE s.amount_nano END), 0)::bigint AS amount_nano
          FROM slot s GROUP BY s.day, s.day_from, s.day_to, s.tariff, s.currency),
    line AS MATERIALIZED (
        SELECT s.day_from, s.kind, CASE s.kind WHEN 'feed_in' THEN s.creditor ELSE charge.party END AS payer,
               CASE s.kind WHEN 'feed_in' THEN charge.party ELSE s.creditor END AS payee,
               sum(s.amount_nano)::bigint AS amount_nano, s.vat_ppm, sum(s.energy_wh)::bigint AS energy_wh, s.price_micro_per_kwh, s.meter, s.component
          FROM slot s WHERE s.component IS NOT NULL
         GROUP BY s.day_from, s.kind, s.creditor, s.vat_ppm, s.price_micro_per_kwh, s.meter, s.component
        HAVING s.kind = 'standing' OR sum(s.energy_wh) > 0),
    last AS MATERIALIZED (
        SELECT DISTINCT ON (c.from_at) c.* FROM energyledger.charge c
         WHERE c.party = charge.party AND c.from_at >= (charge.since - 2)::timestamp AT TIME ZONE 'UTC' AND c.from_at < (charge.until + 2)::timestamp AT TIME ZONE 'UTC'
         ORDER BY c.from_at, c.run DESC),
    booked AS MATERIALIZED (
        SELECT l.from_at AS day_from, p.* FROM last l JOIN energyledger.posting p ON p.booking = l.ledger_id AND p.reverses IS NULL),
    -- a day's lines as one value, to be compared
    line_text AS (
        SELECT l.day_from, array_agg(l.said ORDER BY l.said) AS lines
          FROM (SELECT x.day_from, ROW (x.kind, x.payer, x.payee, x.amount_nano, x.vat_ppm, x.energy_wh, x.price_micro_per_kwh, x.meter, x.component)::text AS said FROM line x) l
         GROUP BY l.day_from),
    booked_text AS (
        SELECT b.day_from, array_agg(b.said ORDER BY b.said) AS lines
          FROM (SELECT x.day_from, ROW (x.kind, x.payer, x.payee, x.amount_nano, x.vat_ppm, x.energy_wh, x.price_micro_per_kwh, x.meter, x.component)::text AS said FROM booked x) b
         GROUP BY b.day_from),
    charged AS (
        INSERT INTO energyledger.charge AS made
               (party, day, from_at, to_at, run, tariff, import_wh, export_wh, estimated_slots, amount_nano, currency, reason, known_at, charged_by)
        SELECT charge.party, d.day, d.day_from, d.day_to, coalesce(l.run + 1, 0), d.tariff, d.import_wh, d.export_wh, d.estimated_slots, d.amount_nano, d.currency,
               CASE WHEN l.run IS NULL THEN 'first' WHEN (l.import_wh, l.export_wh) IS DISTINCT FROM (d.import_wh, d.export_wh) THEN 'energy' ELSE 'price' END,
               read_at, role
          FROM day d
          LEFT JOIN last l ON l.from_at = d.day_from
          LEFT JOIN line_text n ON n.day_from = d.day_from
          LEFT JOIN booked_text o ON o.day_from = d.day_from
         WHERE NOT d.open
           AND (l.run IS NULL OR l.reason = 'contract' OR n.lines IS DISTINCT FROM o.lines
                OR (l.to_at, l.tariff, l.currency, l.import_wh, l.export_wh) IS DISTINCT FROM (d.day_to, d.tariff, d.currency, d.import_wh, d.export_wh))
        UNION ALL
        SELECT l.party, l.day, l.from_at, l.to_at, l.run + 1, l.tariff, 0, 0, 0, 0, l.currency, 'contract', read_at, role
          FROM last l
         WHERE l.day >= charge.since AND l.day < charge.until AND l.reason <> 'contract' AND NOT EXISTS (SELECT FROM day d WHERE d.day_from = l.from_at)
        ORDER BY 3
        RETURNING made.ledger_id, made.from_at, made.to_at, made.tariff, made.currency, made.reason),
    posted AS (
        INSERT INTO energyledger.posting
               (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, meter, tariff, component, reverses)
        SELECT c.ledger_id, b.kind, b.payer, b.payee, -b.amount_nano, b.currency, b.vat_ppm, -b.energy_wh, b.price_micro_per_kwh,
               b.from_at, b.to_at, b.meter, b.tariff, b.component, b.ledger_id
          FROM charged c JOIN booked b ON b.day_from = c.from_at
        UNION ALL
        SELECT c.ledger_id, l.kind, l.payer, l.payee, l.amount_nano, c.currency, l.vat_ppm, l.energy_wh, l.price_micro_per_kwh,
               c.from_at, c.to_at, l.meter, c.tariff, l.component, NULL
          FROM charged c JOIN line l ON l.day_from = c.from_at
         WHERE c.reason <> 'contract'
        ORDER BY 1, 15, 2, 14, 12, 9)
    SELECT g.tariff, g.meter, g.from_at, (SELECT count(*) FROM charged) AS written INTO gap FROM (VALUES (1)) one LEFT JOIN gap g ON true;

    IF gap.tariff IS NOT NULL THEN
        RAISE EXCEPTION 'tariff "%" has no energy component that holds at %', gap.tariff, gap.from_at USING ERRCODE = 'data_exception',
            DETAIL = format('Meter "%s" of party "%s" has energy of that slot.', gap.meter, charge.party),
            HINT = 'Add one with add_tariff_component(): the windows of its energy components must hold every slot.';
    END IF;
    written := gap.written;
    RETURN written;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.charge(text, date, date) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.charge(text, date, date) IS
'Charges a party for the energy of its meters on the local days of [since, until), by its contract: for each day a row in charge, and a posting for each component, price and meter with energy, and for each standing charge. '
'A day of which a slot''s energy or price is missing is left as it is (charge_pending). A day that was charged before is taken back and charged again where something is known better (readings, estimates, prices, tariff, contract), and taken back where it has no contract any more; where nothing changed, nothing is written. '
'party: one with a contract; since, until: at most 1000 days. One call at a time for a party: others wait. Result: rows written to charge. '
'Errors: 22004 for NULL, P0002 for a party without any contract, 22000 where the tariff has no energy component for an import slot (nothing is written), 23514 for a component whose creditor is the party, '
'22023, 54000 and 22003 as charge_slot, 23505 in an older snapshot (REPEATABLE READ) than another call''s end. Rules: doc/billing.md.';

-- ---------------------------------------------------------------- what is not charged yet

CREATE VIEW energyledger.unbilled_energy AS
    SELECT c.party, m.meter, c.tariff, u.since AS from_at, u.until AS to_at, e.import_wh, e.export_wh, e.missing_slots
      FROM energyledger.contract_current c
      JOIN energyledger.meter_current m ON m.party = c.party
     CROSS JOIN LATERAL (
               SELECT coalesce((SELECT max(x.to_at)
                                  FROM (SELECT DISTINCT ON (h.from_at) h.to_at, h.reason FROM energyledger.charge h
                                         WHERE h.party = c.party AND h.from_at >= c.from_at ORDER BY h.from_at, h.run DESC) x
                                 WHERE x.reason <> 'contract'), c.from_at) AS since,
                      date_bin('15 minutes', least(now(), c.until_at, (SELECT r.to_at FROM energyledger.reading r WHERE r.meter = m.meter ORDER BY r.from_at DESC LIMIT 1)), 'epoch') AS until) u
     CROSS JOIN LATERAL (
               SELECT sum(s.energy_wh) FILTER (WHERE s.direction = 'import')::bigint AS import_wh,
                      sum(s.energy_wh) FILTER (WHERE s.direction = 'export')::bigint AS export_wh,
                      count(*) FILTER (WHERE s.energy_wh IS NULL) AS missing_slots
                 FROM energyledger.interval_energy(m.meter, u.since, u.until) s) e
     WHERE u.since < u.until;
COMMENT ON VIEW energyledger.unbilled_energy IS
'energy that readings tell of and that is not charged yet: of each meter with a contract from its last charged day (from the contract''s start where there is none) to its last reading. Ask for single parties: it reads their readings';
COMMENT ON COLUMN energyledger.unbilled_energy.party IS 'who is to be charged';
COMMENT ON COLUMN energyledger.unbilled_energy.meter IS 'for which meter';
COMMENT ON COLUMN energyledger.unbilled_energy.tariff IS 'by which tariff';
COMMENT ON COLUMN energyledger.unbilled_energy.from_at IS 'end of the last day that is charged';
COMMENT ON COLUMN energyledger.unbilled_energy.to_at IS 'end of the last slot that the last reading reaches, now at the latest';
COMMENT ON COLUMN energyledger.unbilled_energy.import_wh IS 'energy taken from the grid in that time, in Wh; NULL: no slot has any';
COMMENT ON COLUMN energyledger.unbilled_energy.export_wh IS 'energy given; NULL: no slot has any';
COMMENT ON COLUMN energyledger.unbilled_energy.missing_slots IS 'slots of it without energy, import and export apart';

/*
 * certificate_storage_verify.sql: everything about storages, computed again from the rows.
 *
 * A part of verify_certificates().  The triggers of certificate_storage.sql see what is
 * inserted; this sees what is there, however it came in, and as readings tell it now.
 */

CREATE FUNCTION energyledger.verify_storage()
RETURNS TABLE (relation text, ledger_id bigint, kind text, expected text, found text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH content AS MATERIALIZED (
        SELECT s.*, c.recorded_at FROM energyledger.storage_content s JOIN energyledger.storage_charge c ON c.ledger_id = s.charge_id),
    discharge AS MATERIALIZED (
        SELECT d.*, i.issued_at, r.storage_allocation AS rule
          FROM energyledger.storage_discharge d
          JOIN energyledger.certificate_issue i ON i.ledger_id = d.issue_id
          JOIN energyledger.certificate_device r ON r.device = i.device AND r.ledger_id = i.device_id)
    -- a charge is what a signed reading tells
    SELECT 'storage_charge', c.ledger_id, 'storage', 'a signed reading of it', format('%s Wh from %s to %s', c.charged_wh, c.from_at, c.to_at)
      FROM energyledger.storage_charge c
     WHERE NOT EXISTS (SELECT FROM energyledger.reading r JOIN energyledger.message m ON m.meter = r.meter AND m.epoch = r.epoch AND m.seq = r.seq
                        WHERE r.meter = c.device AND r.from_at = c.from_at AND r.to_at = c.to_at AND r.ledger_id = c.reading_id AND r.status = 'G'
                          AND energyledger.register_role(r.obis) = 'import' AND energyledger.reading_wh(r.value, r.scale, r.unit) = c.charged_wh)
    UNION ALL
    -- of certificates that its owner had cancelled for it, made in that hour and zone
    SELECT 'storage_charge', c.ledger_id, 'storage', format('certificates of the hour and zone, cancelled by event %s', c.event_id), format('%s to %s of %s', c.first_id, c.last_id, c.source_device)
      FROM energyledger.storage_charge c
     WHERE NOT EXISTS (SELECT FROM energyledger.certificate_bundle b
                         JOIN energyledger.certificate_event e ON e.ledger_id = b.event_id AND e.kind = 'cancel' AND e.purpose = 'storage'
                         JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
                         JOIN energyledger.meter made ON made.meter = b.device AND made.ledger_id = i.meter_id
                         JOIN energyledger.meter stored ON stored.meter = c.device AND stored.ledger_id = c.meter_id AND stored.grid_zone = made.grid_zone AND stored.party = b.holder
                        WHERE b.device = c.source_device AND b.carrier = c.carrier AND b.first_id = c.first_id AND b.last_id = c.last_id
                          AND b.event_id = c.event_id AND b.state = 'cancelled'
                          AND date_trunc('hour', b.from_at, 'UTC') = date_trunc('hour', c.from_at, 'UTC') AND b.to_at <= date_trunc('hour', c.from_at, 'UTC') + interval '1 hour')
    UNION ALL
    -- that were used for nothing else
    SELECT 'storage_charge', c.ledger_id, 'storage', 'cancelled or withdrawn', format('%s to %s of %s %s', h.first_id, h.last_id, h.device, h.state)
      FROM energyledger.storage_charge c
      JOIN energyledger.certificate_holding h ON h.device = c.source_device AND h.carrier = c.carrier AND h.first_id BETWEEN c.first_id AND c.last_id AND h.state NOT IN ('cancelled', 'withdrawn')
    UNION ALL
    -- and no more than was taken in, as it is known now, and no time twice
    SELECT 'storage_charge', x.charge_id, 'storage', format('at most %s Wh from %s to %s', coalesce(r.energy_wh, 0), x.from_at, x.to_at), x.quantity_wh::text
      FROM (SELECT c.device, c.from_at, c.to_at, sum(c.last_id - c.first_id + 1) AS quantity_wh, max(c.ledger_id) AS charge_id FROM energyledger.storage_charge c GROUP BY 1, 2, 3) x
      LEFT JOIN LATERAL (SELECT energyledger.reading_wh(y.value, y.scale, y.unit) AS energy_wh FROM energyledger.reading y
                          WHERE y.meter = x.device AND y.from_at = x.from_at AND y.to_at = x.to_at AND energyledger.register_role(y.obis) = 'import'
                          ORDER BY y.epoch DESC, y.seq DESC, y.item DESC LIMIT 1) r ON true
     WHERE x.quantity_wh > coalesce(r.energy_wh, 0)
    UNION ALL
    -- nor is that claimed as consumption as well
    SELECT 'storage_charge', x.charge_id, 'storage', format('at most %s Wh stored and claimed in the hour from %s', coalesce(x.consumed_wh, 0), x.hour), format('%s Wh stored, %s Wh claimed', x.stored_wh, x.claimed_wh)
      FROM (SELECT y.*, energyledger.consumption_wh(y.device, y.hour) AS consumed_wh, (SELECT sum(z.quantity_wh) FROM energyledger.certificate_claimed z WHERE z.meter = y.device AND z.hour = y.hour) AS claimed_wh
              FROM (SELECT c.device, date_trunc('hour', c.from_at, 'UTC') AS hour, sum(c.last_id - c.first_id + 1) AS stored_wh, max(c.ledger_id) AS charge_id FROM energyledger.storage_charge c GROUP BY 1, 2) y) x
     WHERE x.claimed_wh + x.stored_wh > coalesce(x.consumed_wh, 0)
    UNION ALL
    SELECT 'storage_charge', x.charge_id, 'storage', format('%s after %s', x.device, x.until_then), x.from_at::text
      FROM (SELECT c.device, c.from_at, c.to_at, max(c.ledger_id) AS charge_id, max(c.to_at) OVER (PARTITION BY c.device ORDER BY c.from_at, c.to_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until_then
              FROM energyledger.storage_charge c GROUP BY 1, 2, 3) x
     WHERE x.from_at < x.until_then
    UNION ALL
    -- a discharge is what a signed reading tells, and its certificates are issued for it
    SELECT 'storage_discharge', d.ledger_id, 'storage', 'a signed reading of it, within the nameplate, and its issue', format('%s of %s Wh from %s to %s, issue %s', d.issued_wh, d.discharged_wh, d.from_at, d.to_at, d.issue_id)
      FROM energyledger.storage_discharge d
     WHERE NOT EXISTS (SELECT FROM energyledger.certificate_issue i
                         JOIN energyledger.certificate_bundle b ON b.device = i.device AND b.carrier = i.carrier AND b.first_id = i.first_id AND b.parent_id IS NULL AND b.reading_id = d.reading_id
                         JOIN energyledger.certificate_device r ON r.device = i.device AND r.ledger_id = i.device_id AND r.storage_allocation IS NOT NULL
                         JOIN energyledger.meter p ON p.meter = i.device AND p.ledger_id = i.meter_id AND p.party = b.holder
                         JOIN energyledger.reading e ON e.meter = d.device AND e.from_at = d.from_at AND e.to_at = d.to_at AND e.ledger_id = d.reading_id AND e.status = 'G' AND e.obis = r.register
                              AND energyledger.reading_wh(e.value, e.scale, e.unit) = d.discharged_wh
                         JOIN energyledger.message m ON m.meter = e.meter AND m.epoch = e.epoch AND m.seq = e.seq
                        CROSS JOIN LATERAL energyledger.production_bound('other', d.from_at, d.to_at, coalesce(p.capacity_w, 1), count_wh => r.count_wh) x
                        WHERE i.ledger_id = d.issue_id AND i.kind = 'discharge' AND i.device = d.device AND (i.from_at, i.to_at) = (d.from_at, d.to_at)
                          AND i.last_id - i.first_id + 1 = d.issued_wh AND p.capacity_w IS NOT NULL AND b.bound_wh = x.hard_wh AND d.discharged_wh <= x.hard_wh)
    UNION ALL
    SELECT 'certificate_issue', i.ledger_id, 'storage', 'a discharge record', format('%s to %s of %s', i.first_id, i.last_id, i.device)
      FROM energyledger.certificate_issue i
     WHERE i.kind = 'discharge' AND NOT EXISTS (SELECT FROM energyledger.storage_discharge d WHERE d.issue_id = i.ledger_id)
    UNION ALL
    -- all of it comes from charges that were over before
    SELECT 'storage_discharge', d.ledger_id, 'storage', format('%s Wh from charges', d.issued_wh), coalesce(a.out_wh, 0)::text
      FROM energyledger.storage_discharge d
      LEFT JOIN (SELECT x.discharge_id, sum(x.out_wh) AS out_wh FROM energyledger.storage_allocation x GROUP BY 1) a ON a.discharge_id = d.ledger_id
     WHERE a.out_wh IS DISTINCT FROM d.issued_wh
    UNION ALL
    SELECT 'storage_allocation', a.ledger_id, 'storage', 'a charge that was over before the discharge', format('discharge %s from charge %s', a.discharge_id, a.charge_id)
      FROM energyledger.storage_allocation a
     WHERE NOT EXISTS (SELECT FROM energyledger.storage_discharge d JOIN energyledger.storage_charge c ON c.device = d.device AND c.to_at <= d.from_at
                        WHERE d.ledger_id = a.discharge_id AND c.ledger_id = a.charge_id)
    UNION ALL
    -- and never more than was charged (withdrawn afterwards: storage_shortfall)
    SELECT 'storage_charge', s.charge_id, 'storage', format('at most %s Wh out, for %s Wh in', s.quantity_wh * s.efficiency_ppm / 1000000, energyledger.storage_in_wh(s.out_wh, s.efficiency_ppm)), format('%s Wh out, for %s Wh in', s.out_wh, s.in_wh)
      FROM content s
     WHERE s.out_wh > s.quantity_wh * s.efficiency_ppm / 1000000 OR s.in_wh <> energyledger.storage_in_wh(s.out_wh, s.efficiency_ppm)
    UNION ALL
    -- by one rule for ever, and the efficiency that was registered
    SELECT 'storage_charge', x.charge_id, 'storage', format('%s at %s ppm', x.rule, x.storage_efficiency_ppm), format('%s at %s ppm', coalesce(x.storage_allocation, 'no storage'), x.efficiency_ppm)
      FROM (SELECT c.ledger_id AS charge_id, c.efficiency_ppm, r.storage_efficiency_ppm, r.storage_allocation, first_value(r.storage_allocation) OVER (PARTITION BY c.device ORDER BY c.ledger_id) AS rule
              FROM energyledger.storage_charge c LEFT JOIN energyledger.certificate_device r ON r.device = c.device AND r.ledger_id = c.device_id) x
     WHERE x.rule IS NULL OR x.storage_allocation IS DISTINCT FROM x.rule OR x.efficiency_ppm IS DISTINCT FROM x.storage_efficiency_ppm
    UNION ALL
    SELECT 'storage_allocation', a.ledger_id, 'storage', 'the rule that was registered', format('discharge %s from charge %s', a.discharge_id, a.charge_id)
      FROM energyledger.storage_allocation a
      JOIN energyledger.storage_charge c ON c.ledger_id = a.charge_id
      JOIN energyledger.certificate_device r ON r.device = c.device AND r.ledger_id = c.device_id
      JOIN energyledger.storage_discharge d ON d.ledger_id = a.discharge_id
      JOIN energyledger.certificate_issue i ON i.ledger_id = d.issue_id
      JOIN energyledger.certificate_device n ON n.device = i.device AND n.ledger_id = i.device_id
     WHERE n.storage_allocation IS DISTINCT FROM r.storage_allocation
    UNION ALL
    -- in turn: nothing is left of a charge that was to go before (what is withdrawn since is not counted)
    SELECT 'storage_allocation', a.ledger_id, 'storage', format('%s: charge %s before', a.rule, e.charge_id), format('discharge %s from charge %s', a.discharge_id, a.charge_id)
      FROM (SELECT x.*, s.device, s.to_at, d.from_at, d.issued_at, d.rule
              FROM energyledger.storage_allocation x JOIN content s ON s.charge_id = x.charge_id JOIN discharge d ON d.ledger_id = x.discharge_id
             WHERE d.rule <> 'pro_rata') a
      JOIN (SELECT s.*, l.last_at
              FROM content s
              LEFT JOIN (SELECT x.charge_id, max(d.issued_at) AS last_at FROM energyledger.storage_allocation x JOIN discharge d ON d.ledger_id = x.discharge_id GROUP BY 1) l ON l.charge_id = s.charge_id) e
        ON e.device = a.device AND e.to_at <= a.from_at AND e.recorded_at < a.issued_at AND (e.left_wh > 0 OR e.last_at > a.issued_at)
       AND CASE a.rule WHEN 'first_in_first_out' THEN (e.to_at, e.charge_id) < (a.to_at, a.charge_id)
                       WHEN 'last_in_first_out' THEN (e.to_at, e.charge_id) > (a.to_at, a.charge_id) ELSE false END
    UNION ALL
    -- or in proportion, to less than 1 Wh, where nothing was withdrawn
    SELECT 'storage_discharge', x.discharge_id, 'storage', format('%s of %s Wh of charge %s', x.part, x.total, x.charge_id), format('%s of %s Wh', x.out_wh, x.left_wh)
      FROM (SELECT y.*, sum(y.left_wh) OVER (PARTITION BY y.discharge_id) AS total
              FROM (SELECT d.ledger_id AS discharge_id, d.issued_wh AS part, s.charge_id, coalesce(a.out_wh, 0) AS out_wh, bool_or(s.valid_wh < s.quantity_wh) OVER (PARTITION BY d.ledger_id) AS withdrawn,
                           s.out_max_wh - coalesce(sum(a.out_wh) OVER (PARTITION BY s.charge_id ORDER BY d.issued_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS left_wh
                      FROM discharge d
                      JOIN content s ON s.device = d.device AND s.to_at <= d.from_at AND s.recorded_at < d.issued_at
                      LEFT JOIN energyledger.storage_allocation a ON a.charge_id = s.charge_id AND a.discharge_id = d.ledger_id
                     WHERE d.rule = 'pro_rata') y) x
     WHERE NOT x.withdrawn AND abs(x.out_wh * x.total - x.part * x.left_wh) >= x.total AND x.total > 0
$$;
REVOKE EXECUTE ON FUNCTION energyledger.verify_storage() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.verify_storage() IS
'Computes again from the rows all that must hold of storages: charges and discharges are of signed readings, certificates of the hour and zone and used for nothing else, no more came out than was put in, in the order that is registered. '
'Part of verify_certificates(). A row for each finding, as there, of kind storage; none: all is right. No errors.';

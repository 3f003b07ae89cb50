/*
 * certificate_verify.sql: everything about certificates, computed again from the rows.
 *
 * verify() says that rows are as they were written.  This says that they should have been
 * written: that numbers follow each other, bundles come from bundles, states from states,
 * certificates from readings within the bounds, and claims from consumption.
 */

CREATE FUNCTION energyledger.rebuild_certificate_sums()
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    LOCK TABLE energyledger.certificate_bundle IN SHARE MODE;
    LOCK TABLE energyledger.certificate_sum IN ACCESS EXCLUSIVE MODE;
    DELETE FROM energyledger.certificate_sum;
    INSERT INTO energyledger.certificate_sum (holder, carrier, state, stripe, quantity_wh, bundles)
    SELECT h.holder, h.carrier, h.state, 0, sum(h.quantity_wh), count(*) FROM energyledger.certificate_holding h GROUP BY 1, 2, 3;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION energyledger.rebuild_certificate_sums() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.rebuild_certificate_sums() IS
'Adds up anew what each party holds (certificate_balance), as on a copy to which the bundles were replicated. Nobody changes certificates meanwhile. Result: number of sums. No errors.';

CREATE FUNCTION energyledger.verify_certificates()
RETURNS TABLE (relation text, ledger_id bigint, kind text, expected text, found text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- numbers go on where the issue before ended
    SELECT 'certificate_issue', i.ledger_id, 'number', format('%s/%s from %s', i.device, i.carrier, i.next_id), i.first_id::text
      FROM (SELECT x.*, coalesce(lag(x.last_id) OVER (PARTITION BY x.device, x.carrier ORDER BY x.first_id), 0) + 1 AS next_id FROM energyledger.certificate_issue x) i
     WHERE i.first_id <> i.next_id
    UNION ALL
    -- an issue's bundles are all of it, one after the other
    SELECT 'certificate_issue', i.ledger_id, 'bundles', format('%s to %s in %s bundles, %s to %s', i.first_id, i.last_id, i.bundles, i.from_at, i.to_at),
           coalesce(format('%s to %s in %s bundles, %s to %s%s', b.first_id, b.last_id, b.bundles, b.from_at, b.to_at, CASE WHEN b.gaps > 0 THEN ', with gaps' END), 'none')
      FROM energyledger.certificate_issue i
      LEFT JOIN (SELECT r.issue_id, min(r.first_id) AS first_id, max(r.last_id) AS last_id, min(r.from_at) AS from_at, max(r.to_at) AS to_at, count(*) AS bundles,
                        count(*) FILTER (WHERE r.first_id <> r.before_id + 1 OR r.from_at <> r.before_at) AS gaps, min(r.device) AS device, max(r.device) AS device_max, min(r.carrier) AS carrier
                   FROM (SELECT x.*, lag(x.last_id) OVER w AS before_id, lag(x.to_at) OVER w AS before_at
                           FROM energyledger.certificate_bundle x WHERE x.parent_id IS NULL
                         WINDOW w AS (PARTITION BY x.issue_id ORDER BY x.first_id)) r
                  GROUP BY r.issue_id) b ON b.issue_id = i.ledger_id
     WHERE (b.first_id, b.last_id, b.bundles, b.from_at, b.to_at, b.gaps, b.device, b.device_max, b.carrier)
           IS DISTINCT FROM (i.first_id, i.last_id, i.bundles::bigint, i.from_at, i.to_at, 0::bigint, i.device, i.device, i.carrier)
    UNION ALL
    SELECT 'certificate_bundle', b.ledger_id, 'issue', 'an issue', b.issue_id::text
      FROM energyledger.certificate_bundle b WHERE b.parent_id IS NULL AND NOT EXISTS (SELECT FROM energyledger.certificate_issue i WHERE i.ledger_id = b.issue_id)
    UNION ALL
    -- no time of a device is issued twice but in place of what is withdrawn
    SELECT 'certificate_issue', i.ledger_id, 'period', format('%s/%s after %s', i.device, i.carrier, i.until_then), i.from_at::text
      FROM (SELECT x.*, max(x.to_at) OVER (PARTITION BY x.device, x.carrier ORDER BY x.from_at, x.first_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until_then
              FROM energyledger.certificate_issue x WHERE x.kind IN ('production', 'discharge')) i
     WHERE i.from_at < i.until_then
    UNION ALL
    SELECT 'certificate_bundle', n.bundle_id, 'period', 'withdrawn before it was issued anew', n.state
      FROM energyledger.certificate_issue i
      JOIN energyledger.certificate_holding n ON n.device = i.device AND n.carrier = i.carrier AND n.from_at < i.to_at AND n.to_at > i.from_at
           AND n.first_id < i.first_id AND n.state <> 'withdrawn'
     WHERE i.kind = 'correction'
    UNION ALL
    -- what comes of a bundle is all of it
    SELECT 'certificate_bundle', p.ledger_id, 'parts', format('%s to %s', p.first_id, p.last_id), format('%s to %s%s', c.first_id, c.last_id, CASE WHEN c.gaps > 0 THEN ', with gaps' END)
      FROM (SELECT x.parent_id, min(x.first_id) AS first_id, max(x.last_id) AS last_id, count(*) FILTER (WHERE x.first_id <> x.before_id + 1) AS gaps
              FROM (SELECT y.*, lag(y.last_id) OVER (PARTITION BY y.parent_id ORDER BY y.first_id) AS before_id
                      FROM energyledger.certificate_bundle y WHERE y.parent_id IS NOT NULL) x
             GROUP BY x.parent_id) c
      JOIN energyledger.certificate_bundle p ON p.ledger_id = c.parent_id
     WHERE (c.first_id, c.last_id, c.gaps) <> (p.first_id, p.last_id, 0)
    UNION ALL
    -- and in a state that its event leads to
    SELECT 'certificate_bundle', b.ledger_id, 'step', format('%s of "%s" %s', coalesce(e.kind, 'no event'), coalesce(p.holder, 'no bundle'), p.state), format('%s of "%s"', b.state, b.holder)
      FROM energyledger.certificate_bundle b
      LEFT JOIN energyledger.certificate_bundle p ON p.ledger_id = b.parent_id
      LEFT JOIN energyledger.certificate_event e ON e.ledger_id = b.event_id
     WHERE b.parent_id IS NOT NULL
       AND (p.ledger_id IS NULL OR e.ledger_id IS NULL OR (b.device, b.carrier, b.from_at, b.to_at, b.issue_id) IS DISTINCT FROM (p.device, p.carrier, p.from_at, p.to_at, p.issue_id)
            OR ((b.state, b.holder) <> (p.state, p.holder)
                AND (b.state IS DISTINCT FROM energyledger.certificate_step(e.kind, p.state)
                     OR (e.kind <> 'share' AND b.holder <> CASE e.kind WHEN 'transfer' THEN e.recipient ELSE p.holder END))))
    UNION ALL
    -- an event did as much as it says
    SELECT 'certificate_event', e.ledger_id, 'quantity', e.quantity_wh::text, coalesce(c.quantity_wh, 0)::text
      FROM energyledger.certificate_event e
      LEFT JOIN (SELECT b.event_id, sum(b.last_id - b.first_id + 1) AS quantity_wh
                   FROM energyledger.certificate_bundle b JOIN energyledger.certificate_bundle p ON p.ledger_id = b.parent_id
                  WHERE (b.state, b.holder) <> (p.state, p.holder)
                  GROUP BY b.event_id) c ON c.event_id = e.ledger_id
     WHERE e.kind <> 'share' AND e.quantity_wh IS DISTINCT FROM coalesce(c.quantity_wh, 0)
    UNION ALL
    SELECT 'certificate_event', e.ledger_id, 'quantity', e.quantity_wh::text, coalesce(sum(b.last_id - b.first_id + 1), 0)::text
      FROM energyledger.certificate_event e
      LEFT JOIN energyledger.certificate_bundle b ON b.event_id = e.ledger_id
     WHERE e.kind = 'share'
     GROUP BY e.ledger_id, e.quantity_wh
    HAVING e.quantity_wh IS DISTINCT FROM coalesce(sum(b.last_id - b.first_id + 1), 0)
    UNION ALL
    -- they went to the owners, by share; without an asset, or before it was somebody's, to the meter's party
    SELECT 'certificate_bundle', b.ledger_id, 'share', coalesce(w.parts, format('all to "%s"', coalesce(w.owner, m.party))), coalesce(s.parts, format('all to "%s"', b.holder))
      FROM energyledger.certificate_bundle b
      JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
      LEFT JOIN (SELECT p.bundle_id, min(p.owner) FILTER (WHERE p.part = 1) AS owner,
                        string_agg(format('%s to %s to "%s"', p.first_id, p.last_id, p.owner), ', ' ORDER BY p.first_id) FILTER (WHERE p.parts > 1) AS parts
                   FROM energyledger.certificate_parts(ARRAY(SELECT x.ledger_id FROM energyledger.certificate_issue x
                                                              WHERE x.device IN (SELECT a.meter FROM energyledger.asset a) AND x.kind IN ('production', 'correction'))) p
                  GROUP BY p.bundle_id) w ON w.bundle_id = b.ledger_id
      LEFT JOIN energyledger.meter m ON m.meter = b.device AND m.ledger_id = i.meter_id
      LEFT JOIN (SELECT x.parent_id, string_agg(format('%s to %s to "%s"', x.first_id, x.last_id, x.holder), ', ' ORDER BY x.first_id) AS parts
                   FROM energyledger.certificate_bundle x JOIN energyledger.certificate_event e ON e.ledger_id = x.event_id AND e.kind = 'share'
                  GROUP BY x.parent_id) s ON s.parent_id = b.ledger_id
     WHERE b.parent_id IS NULL AND i.kind IN ('production', 'correction')
       AND (w.parts IS DISTINCT FROM s.parts OR coalesce(w.owner, m.party) IS DISTINCT FROM b.holder)
    UNION ALL
    -- nothing else is shared
    SELECT 'certificate_bundle', b.ledger_id, 'share', 'as it was issued', format('a part of bundle %s', b.parent_id)
      FROM energyledger.certificate_bundle b
      JOIN energyledger.certificate_event e ON e.ledger_id = b.event_id AND e.kind = 'share'
      LEFT JOIN energyledger.certificate_bundle p ON p.ledger_id = b.parent_id AND p.parent_id IS NULL
      LEFT JOIN energyledger.certificate_issue i ON i.ledger_id = p.issue_id
     WHERE i.kind IS NULL OR i.kind NOT IN ('production', 'correction')
    UNION ALL
    -- the shares of an asset's owners sum to one, and revisions follow each other
    SELECT 'asset_share', min(s.ledger_id), 'share', format('1000000 millionths of asset "%s" in revision %s', s.asset, s.revision), sum(s.share_ppm)::text
      FROM energyledger.asset_share s GROUP BY s.asset, s.revision HAVING sum(s.share_ppm) <> 1000000
    UNION ALL
    SELECT 'asset_share', s.ledger_id, 'share', format('revision after %s', coalesce(s.before, 0)), s.revision::text
      FROM (SELECT min(x.ledger_id) AS ledger_id, x.revision, lag(x.revision) OVER (PARTITION BY x.asset ORDER BY x.revision) AS before
              FROM energyledger.asset_share x GROUP BY x.asset, x.revision) s
     WHERE s.revision <> coalesce(s.before, 0) + 1
    UNION ALL
    -- certificates are what a signed reading tells, and no more than the device can have made
    SELECT 'certificate_bundle', b.ledger_id, 'reading', coalesce(format('%s Wh of register %s, %s to %s, signed', energyledger.reading_wh(r.value, r.scale, r.unit), r.obis, r.from_at, r.to_at), 'a signed reading'),
           format('%s Wh of register %s, %s to %s', b.last_id - b.first_id + 1, d.register, b.from_at, b.to_at)
      FROM energyledger.certificate_bundle b
      JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
      LEFT JOIN energyledger.certificate_device d ON d.device = b.device AND d.ledger_id = i.device_id
      LEFT JOIN energyledger.reading r ON r.meter = b.device AND r.from_at = b.from_at AND r.ledger_id = b.reading_id
      LEFT JOIN energyledger.message m ON m.meter = r.meter AND m.epoch = r.epoch AND m.seq = r.seq
     WHERE b.parent_id IS NULL AND i.kind IN ('production', 'correction')
       AND (m.ledger_id IS NULL OR (r.to_at, r.obis, energyledger.reading_wh(r.value, r.scale, r.unit)) IS DISTINCT FROM (b.to_at, d.register, b.last_id - b.first_id + 1))
    UNION ALL
    SELECT 'certificate_bundle', b.ledger_id, 'bound', coalesce(format('%s Wh by %s', x.hard_wh, x.rule), 'a bound'), format('%s Wh by %s', b.bound_wh, b.bound_rule)
      FROM energyledger.certificate_bundle b
      JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
      LEFT JOIN energyledger.certificate_device d ON d.device = b.device AND d.ledger_id = i.device_id
      LEFT JOIN energyledger.meter m ON m.meter = b.device AND m.ledger_id = i.meter_id
      LEFT JOIN LATERAL energyledger.production_bound(
                CASE d.source WHEN 'solar_pv' THEN 'solar' WHEN 'wind' THEN 'wind' ELSE 'other' END, b.from_at, b.to_at, coalesce(m.capacity_w, 1),
                m.latitude_microdegrees, m.longitude_microdegrees, m.altitude_m, m.tilt_degrees, m.azimuth_degrees, d.turbidity_hundredths, d.power_curve,
                NULL, NULL, NULL, NULL, coalesce(d.count_wh, 0)) x ON d.source IS NOT NULL
     WHERE b.parent_id IS NULL AND i.kind IN ('production', 'correction')
       -- with weather it may be less; a Wh is left to other processors' arithmetic
       AND (x.hard_wh IS NULL OR m.capacity_w IS NULL OR b.bound_wh IS NULL OR b.bound_wh > x.hard_wh + 1 OR (b.bound_wh < x.hard_wh - 1 AND d.weather_place IS NULL))
    UNION ALL
    -- claims: what is claimed against an hour was consumed in it, in the zone where it was made
    SELECT 'certificate_claim', c.ledger_id, 'claim', format('claimed against meter "%s"', c.meter), coalesce(e.kind || ' of ' || e.recipient, 'no event')
      FROM energyledger.certificate_claim c
      LEFT JOIN energyledger.certificate_event e ON e.ledger_id = c.event_id
     WHERE (e.kind, e.recipient) IS DISTINCT FROM ('claim', c.meter)
        OR NOT EXISTS (SELECT FROM energyledger.certificate_bundle b WHERE b.device = c.device AND b.carrier = c.carrier AND b.first_id = c.first_id AND b.last_id = c.last_id AND b.event_id = c.event_id)
    UNION ALL
    SELECT 'certificate_claim', c.ledger_id, 'claim', format('made in zone "%s", in the hour from %s', m.grid_zone, c.hour), format('made in zone "%s", from %s to %s', d.grid_zone, b.from_at, b.to_at)
      FROM energyledger.certificate_claim c
      JOIN energyledger.certificate_event e ON e.ledger_id = c.event_id
      JOIN energyledger.certificate_bundle b ON b.device = c.device AND b.carrier = c.carrier AND b.first_id = c.first_id AND b.event_id = c.event_id
      JOIN energyledger.certificate_issue i ON i.ledger_id = b.issue_id
      LEFT JOIN energyledger.meter d ON d.meter = b.device AND d.ledger_id = i.meter_id
      LEFT JOIN LATERAL (SELECT x.grid_zone FROM energyledger.meter x WHERE x.meter = c.meter AND x.registered_at <= e.recorded_at
                          ORDER BY x.registered_at DESC, x.ledger_id DESC LIMIT 1) m ON true
     WHERE m.grid_zone IS NULL OR m.grid_zone IS DISTINCT FROM d.grid_zone OR b.from_at < c.hour OR b.to_at > c.hour + interval '1 hour'
    UNION ALL
    SELECT 'certificate_claim', x.claim_id, 'consumption', format('at most %s Wh in the hour from %s', coalesce(energyledger.consumption_wh(x.meter, x.hour)::text, 'an unknown number of'), x.hour), x.claimed_wh::text
      FROM (SELECT c.meter, c.hour, sum(c.quantity_wh) AS claimed_wh, max(c.claim_id) AS claim_id FROM energyledger.certificate_claimed c GROUP BY 1, 2) x
     WHERE x.claimed_wh > coalesce(energyledger.consumption_wh(x.meter, x.hour), 0)
    UNION ALL
    SELECT s.* FROM energyledger.verify_storage() s
    UNION ALL
    -- the sums that are kept are those of what is there
    SELECT 'certificate_sum', NULL, 'sum', format('%s of "%s", %s: %s Wh in %s bundles', carrier, holder, state, coalesce(h.quantity_wh, 0), coalesce(h.bundles, 0)),
           format('%s Wh in %s bundles', coalesce(s.quantity_wh, 0), coalesce(s.bundles, 0))
      FROM (SELECT x.holder, x.carrier, x.state, sum(x.quantity_wh)::bigint AS quantity_wh, count(*) AS bundles FROM energyledger.certificate_holding x GROUP BY 1, 2, 3) h
      FULL JOIN energyledger.certificate_balance s USING (holder, carrier, state)
     WHERE (h.quantity_wh, h.bundles) IS DISTINCT FROM (s.quantity_wh, s.bundles)
$$;
REVOKE EXECUTE ON FUNCTION energyledger.verify_certificates() FROM PUBLIC;
COMMENT ON FUNCTION energyledger.verify_certificates() IS
'Computes again from the rows all that must hold of certificates, and names what does not: a row for each finding with table, ledger_id, kind (number, bundles, issue, period, parts, step, quantity, share, reading, bound, claim, consumption, storage, sum) and what was expected; none: all is right. '
'It believes that the rows are as they were written, which verify() proves. Reads everything of certificates. No errors.';

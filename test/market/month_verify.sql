-- What the extension says of itself: each clearing again, each row against the log.
SELECT 'every message was accepted', string_agg(DISTINCT verdict, ', ' ORDER BY verdict), 'accepted, corrected: accepted, late: accepted' FROM verdict;
SELECT 'no order was refused', count(*), 0 FROM energyledger.order_refusal;
SELECT 'every slot is cleared once', count(*) || ' ' || count(DISTINCT slot), extract(epoch FROM :'until'::timestamptz - :'since'::timestamptz)::int / 900 || ' ' || extract(epoch FROM :'until'::timestamptz - :'since'::timestamptz)::int / 900
  FROM energyledger.clearing;
SELECT 'every clearing comes out equal again', count(*) FILTER (WHERE v.equal), count(*)
  FROM energyledger.clearing c CROSS JOIN LATERAL energyledger.verify_clearing(c.ledger_id) v;
SELECT 'the first day waited for what was late', count(*) || ' ' || max(pending), '96 1' FROM settled WHERE pending > 0;
SELECT 'and was said to wait for that meter', string_agg(waits_for_meter || ' ' || state, ', '), :'late' || ' waits' FROM waited WHERE NOT known_now;
SELECT 'no slot could not be settled', count(*), 0 FROM (SELECT error FROM settled UNION ALL SELECT error FROM settled_again) s WHERE error IS NOT NULL;
SELECT 'the first day was settled again, and no other', count(*) || ' ' || min(slot) || ' ' || max(slot),
       '96 ' || :'since'::timestamptz || ' ' || :'since'::timestamptz + interval '23 hours 45 minutes' FROM energyledger.settlement WHERE run = 1;
SELECT 'nothing waits', count(*), 0 FROM energyledger.settlement s
 WHERE pending > 0 AND NOT EXISTS (SELECT FROM energyledger.settlement l WHERE l.market = s.market AND l.slot = s.slot AND l.run > s.run);
SELECT 'each party has an invoice, and those whose day came anew a second, with the grid', count(*) FILTER (WHERE round = 1) || ', ' || string_agg(party, ' ' ORDER BY party) FILTER (WHERE round > 1),
       (SELECT count(DISTINCT party) + 1 FROM energyledger.market_member) || ', grid home-' || least(right(:'late', 2), right(:'wrong', 2)) || ' home-' || greatest(right(:'late', 2), right(:'wrong', 2)) FROM invoiced;
SELECT 'the extension''s own check of invoices finds nothing', count(*), 0 FROM energyledger.invoice_check;
SELECT 'nothing is left to be invoiced', count(*), 0 FROM energyledger.unbilled('office');
SELECT 'the correction was taken back and booked anew', count(*) > 0 AND count(*) = count(*) FILTER (WHERE p.kind LIKE 'deviation%' AND :'wrong' = replace(replace(p.payer || p.payee, 'grid', ''), 'home', 'house')), true
  FROM energyledger.posting p WHERE p.reverses IS NOT NULL AND p.market = 'street';
SELECT 'the ledger is sealed', energyledger.seal() IS NOT NULL, true;
SELECT 'verify finds nothing', count(*), 0 FROM energyledger.verify();

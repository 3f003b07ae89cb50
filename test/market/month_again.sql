-- What was late and what was wrong comes: its day is settled, charged and invoiced again.
INSERT INTO verdict SELECT 'late: ' || i.verdict, i.reason, count(*) FROM energyledger.ingest(ARRAY(SELECT message FROM held)) i GROUP BY 1, 2;
INSERT INTO verdict SELECT 'corrected: ' || i.verdict, i.reason, count(*)
  FROM energyledger.ingest(ARRAY(SELECT message FROM again WHERE energyledger.parse_message(message) ->> 'meter' = :'wrong')) i GROUP BY 1, 2;
CREATE UNLOGGED TABLE settled_again AS
    SELECT * FROM energyledger.settle_market('street', :'since', :'since'::timestamptz + interval '25 hours');

SELECT energyledger.charge('home-' || right(:'late', 2), :'date'::date, :'date'::date + 1), energyledger.charge('home-' || right(:'wrong', 2), :'date'::date, :'date'::date + 1);
INSERT INTO invoiced SELECT 2, number, party, total_cents FROM energyledger.invoice_all('office', :'since', :'until');
INSERT INTO invoiced SELECT 3, number, party, total_cents FROM energyledger.invoice_all('office', :'since', :'until');

-- The days in a few figures.
SELECT (SELECT count(*) FROM energyledger.meter) AS meters, (SELECT count(*) FROM energyledger.message) AS messages, (SELECT count(*) FROM sums.slot) AS slots,
       (SELECT count(*) FROM energyledger.market_order) AS orders, (SELECT count(*) FROM energyledger.trade) AS trades;
SELECT m.taken_kwh, m.given_kwh, t.traded_kwh, t.cents_per_kwh, g.from_grid_kwh, g.to_grid_kwh, i.invoices, i.invoiced_eur
  FROM (SELECT round(sum(taken) / 1000, 1) AS taken_kwh, round(sum(given) / 1000, 1) AS given_kwh FROM sums.measured) m,
       (SELECT round(sum(energy_wh) / 1000.0, 1) AS traded_kwh, round(sum(energy_wh::numeric * price_micro_per_kwh) / sum(energy_wh) / 10000, 3) AS cents_per_kwh FROM energyledger.trade) t,
       (SELECT round(sum(energy_wh) FILTER (WHERE kind = 'deviation_short') / 1000.0, 1) AS from_grid_kwh, round(sum(energy_wh) FILTER (WHERE kind = 'deviation_long') / 1000.0, 1) AS to_grid_kwh
          FROM energyledger.posting) g,
       (SELECT count(*) AS invoices, round(sum(total_cents) / 100.0, 2) AS invoiced_eur FROM energyledger.invoice WHERE party <> 'grid') i;

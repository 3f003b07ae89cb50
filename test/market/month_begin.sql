-- A street with a market whose gates are open long after its slots, and the grid's prices.
CREATE UNLOGGED TABLE given (n bigserial PRIMARY KEY, message bytea);
CREATE UNLOGGED TABLE again (n bigserial PRIMARY KEY, message bytea);
CREATE UNLOGGED TABLE held (n bigint PRIMARY KEY, message bytea);
CREATE UNLOGGED TABLE verdict (verdict text, reason text, n bigint);

INSERT INTO energyledger.party (party, description) VALUES ('grid', 'sells what nobody sold, takes what nobody bought'), ('office', 'runs the market and writes invoices');

-- by the hour, uneven on purpose: what is multiplied has something to round
SELECT energyledger.add_prices('grid-buy', :'since'::timestamptz, '1 hour', array_agg(270000 + h * 7919 % 80011 ORDER BY h)),
       energyledger.add_prices('grid-sell', :'since'::timestamptz, '1 hour', array_agg(50000 + h * 3571 % 40009 ORDER BY h))
  FROM generate_series(0, :days * 24 + 1) h;

SELECT energyledger.set_market('street', 'EUR', 'grid', 'office', 'grid-buy', 'grid-sell', gate_closure_minutes => -2000000, options => '{"policy": "midpoint"}',
    bands => '[{"side": "short", "up_to_ppm": 100000, "up_to_wh": 100, "price": "buy", "multiplier_ppm": 1000000},
               {"side": "short", "price": "buy", "multiplier_ppm": 1200000},
               {"side": "long", "up_to_ppm": 100000, "up_to_wh": 100, "price": "sell", "multiplier_ppm": 1000000},
               {"side": "long", "price": "sell", "multiplier_ppm": 800000}]',
    price_step_micro_per_kwh => 1000, price_min_micro_per_kwh => 0, vat_ppm => 210000, applies_from => :'since'::timestamptz);

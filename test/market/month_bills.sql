-- Everybody pays for the grid and by the day as well, and gets one invoice for all of it.
SELECT energyledger.add_tariff_component('street', 'traded', 'energy', 'office', 'EUR', 0),	-- the market's to settle
       energyledger.add_tariff_component('street', 'lines', 'network', 'office', 'EUR', 79990, vat_ppm => 210000),
       energyledger.add_tariff_component('street', 'climate', 'levy', 'office', 'EUR', 12345, vat_ppm => 210000),
       energyledger.add_tariff_component('street', 'base', 'standing', 'office', 'EUR', price_micro_per_day => 333333, vat_ppm => 90000);
SELECT energyledger.set_contract(party, 'street', :'zone', :'since') FROM (SELECT DISTINCT party FROM energyledger.market_member) m;
SELECT energyledger.register_biller('office', 'Office of the street', time_zone => :'zone', collects => '{street}', prices_max => 24);
SET my.date = :'date';
SET my.days = :'days';
CREATE UNLOGGED TABLE charged (party text, days bigint);
DO $$
DECLARE
    who text;
BEGIN
    FOR who IN SELECT DISTINCT party FROM energyledger.market_member ORDER BY 1 LOOP
        INSERT INTO charged SELECT who, energyledger.charge(who, current_setting('my.date')::date, current_setting('my.date')::date + current_setting('my.days')::int);
        COMMIT;
    END LOOP;
END
$$;
ANALYZE;
CREATE UNLOGGED TABLE invoiced (round integer, number text, party text, total_cents bigint);
INSERT INTO invoiced SELECT 1, number, party, total_cents FROM energyledger.invoice_all('office', :'since', :'until');

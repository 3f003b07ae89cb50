-- Settled day by day.
SET my.since = :'since';
SET my.until = :'until';
CREATE UNLOGGED TABLE settled (slot timestamptz, settlement bigint, run integer, pending integer, error text);
DO $$
DECLARE
    at timestamptz := current_setting('my.since');
BEGIN
    WHILE at < current_setting('my.until')::timestamptz LOOP
        INSERT INTO settled SELECT * FROM energyledger.settle_market('street', at, least(at + interval '24 hours', current_setting('my.until')::timestamptz));
        at := at + interval '24 hours';
        COMMIT;
    END LOOP;
END
$$;
CREATE UNLOGGED TABLE waited AS
    SELECT DISTINCT waits_for_party, waits_for_meter, known_now, state FROM energyledger.settlement_status
     WHERE market = 'street' AND slot < :'since'::timestamptz + interval '25 hours' AND waits_for_meter IS NOT NULL;

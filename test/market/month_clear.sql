-- Gates are closed and slots cleared, one after the other.
SET my.days = :'days';
SET my.since = :'since';
SET my.until = :'until';
DO $$
DECLARE
    at timestamptz := current_setting('my.since');
    n integer := 0;
BEGIN
    WHILE at < current_setting('my.until')::timestamptz LOOP
        PERFORM energyledger.close_gate('street', at, 'the time is over');
        PERFORM energyledger.clear('street', at);
        at := at + interval '15 minutes';
        n := n + 1;
        IF n % 100 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$;
ANALYZE;

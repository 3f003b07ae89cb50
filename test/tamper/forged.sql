-- forged.sql: what the forger does, and what finds it.  Variables: program, key, held.
SET client_min_messages = warning;
SET session_replication_role = replica;
SELECT set_config('tamper.program', :'program', false), set_config('tamper.key', :'key', false), set_config('tamper.held', :'held', false) \g /dev/null

DO $$
DECLARE
    r record;
    aside text[] := ARRAY['CALL tamper.aside()'];
    as_ledger text[] := ARRAY['CALL tamper.as_ledger()'];
    back text[] := ARRAY['CALL tamper.back()'];
    resign text[] := ARRAY[format('CALL tamper.resign(%L, %L)', current_setting('tamper.program'), current_setting('tamper.key'))];
    new_key text[] := ARRAY[format('CALL tamper.forge_key(%L)', current_setting('tamper.key'))];
    against text := format('against => %L', current_setting('tamper.held'));
BEGIN
    FOR r IN SELECT p.place, a.first_id AS id FROM tamper.places(520) p
        JOIN (SELECT first_id, row_number() OVER (ORDER BY first_id) AS at FROM tamper.sealed_entry
               WHERE relation = 'public.other' AND row_count = 1 AND schema_version = 1) a USING (at) LOOP
        CALL tamper.try('forger: a row and all hashes, no key', r.place,
            aside || format('CALL tamper.forge_row(%s)', r.id) || ARRAY['CALL tamper.recompute()'] || as_ledger, back,
            '^log_root\|energyledger\.block\|', '^frontier\|energyledger\.block\|');
        CALL tamper.try('forger: a row and all hashes, another key', r.place,
            aside || format('CALL tamper.forge_row(%s)', r.id) || new_key || ARRAY['CALL tamper.recompute()'] || resign || as_ledger, back,
            '^log_forked\|', '^checkpoint_key\|', against);
    END LOOP;
    -- nothing inside the database tells, and that is said in doc/threat-model.md
    CALL tamper.try('forger: another key, without a checkpoint held outside', 'drawn',
        aside || new_key || ARRAY['CALL tamper.recompute()'] || resign || as_ledger, back, '^never$');
    UPDATE tamper.outcome SET found = true WHERE kind = 'forger: another key, without a checkpoint held outside' AND said = '{}';
    FOR r IN SELECT p.place, p.at + 1 AS height FROM tamper.places((SELECT count(*) - 1 FROM energyledger.block)) p LOOP
        CALL tamper.try('clock: a block sealed before the one before it', r.place,
            aside || format('UPDATE energyledger.block SET sealed_at = sealed_at - interval ''1 day'' WHERE height = %s', r.height)
                || new_key || ARRAY['CALL tamper.recompute()'] || resign || as_ledger, back,
            format('^clock_set_back\|energyledger\.block\|%s$', r.height), '^clock_set_back\|');
    END LOOP;
    FOR r IN SELECT p.place, a.first_id AS id FROM tamper.places((SELECT count(*) FROM tamper.sealed_entry)) p
        JOIN tamper.sealed_entry a USING (at) LOOP
        CALL tamper.try('clock: an entry made after it was sealed', r.place,
            aside || format('UPDATE energyledger.entry SET made_at = made_at + interval ''1 day'' WHERE first_id = %s', r.id)
                || new_key || ARRAY['CALL tamper.recompute()'] || resign || as_ledger, back,
            format('^clock_set_back\|energyledger\.entry\|%s$', r.id));
    END LOOP;
    -- the tail: whole blocks, cut cleanly (those that have only rows of `other`)
    FOR r IN SELECT 'last' AS place, max(height) AS height FROM energyledger.block UNION ALL SELECT 'middle', max(height) - 1 FROM energyledger.block LOOP
        CALL tamper.try('tail cut off: ' || r.place, r.place, aside || format('CALL tamper.cut(%s)', r.height) || as_ledger, back,
            '^log_truncated\|energyledger\.block\|', '^(row_|entry_|schema_|event_|table_)', against);
    END LOOP;
END $$;

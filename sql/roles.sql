-- roles.sql: four roles to grant, and what each may do.  The last part of the script:
-- it names objects of all the others.

-- Roles are the cluster's: another database with the extension, or the globals of a
-- dump, may have brought them.  They outlive this database.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES
            ('energyledger_reader', 'pg_energyledger: reads meters, messages, readings, gaps and checkpoints'),
            ('energyledger_writer', 'pg_energyledger: brings signed messages and fetches receipts; for bridges'),
            ('energyledger_operator', 'pg_energyledger: registers meters, seals, replaces keys and names'),
            ('energyledger_auditor', 'pg_energyledger: reads everything of the extension and verifies it')) r(name, comment)
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = made.name);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', made.name);
            EXECUTE format('COMMENT ON ROLE %I IS %L', made.name, made.comment);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;               -- made in another database meanwhile
        END;
    END LOOP;
END
$$;

-- No role is a member of another, and none may write to a table: what is written is
-- written by functions.

GRANT SELECT ON energyledger.meter, energyledger.message, energyledger.reading,
    energyledger.meter_current, energyledger.meter_gap, energyledger.meter_energy
    TO energyledger_reader;

GRANT EXECUTE ON FUNCTION energyledger.ingest(bytea[], text[]), energyledger.meter_receipts(text[])
    TO energyledger_writer;

-- What it needs to see is who is registered, what is missing and what was not believed.
GRANT EXECUTE ON FUNCTION
    energyledger.register_meter(text, bytea, text, text, bigint, integer, integer, text, text),
    energyledger.seal(), energyledger.rotate_key(boolean), energyledger.reopen(text)
    TO energyledger_operator;
GRANT SELECT ON energyledger.meter, energyledger.meter_current, energyledger.meter_gap, energyledger.quarantine
    TO energyledger_operator;

GRANT SELECT ON ALL TABLES IN SCHEMA energyledger TO energyledger_auditor;

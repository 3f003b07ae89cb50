/*
 * bridge.sql: what energyledger-bridge tells the database besides messages: how it is,
 * and which message it could not bring in.
 *
 * bridge_status is an ordinary table and no ledger table: it is no evidence of
 * anything, each row is overwritten every second, and a hashed history of it would be
 * larger than the readings.  It is logged all the same (not UNLOGGED): a standby
 * can show it, and after a crash it still says how things stood.  It is not dumped:
 * a restored database has none of those bridges, and theirs would come back within
 * a second.
 */

CREATE TABLE energyledger.bridge_status (
    bridge          text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(bridge)),
    tenant          text COLLATE "C" NOT NULL CHECK (tenant = '+' OR energyledger.identifier_valid(tenant)),
    shard           text COLLATE "C" NOT NULL CHECK (shard = '+' OR energyledger.identifier_valid(shard)),
    at_work         boolean NOT NULL,
    role            text NOT NULL,
    started_at      timestamptz NOT NULL,
    reported_at     timestamptz NOT NULL,
    received        bigint NOT NULL,
    accepted        bigint NOT NULL,
    duplicate       bigint NOT NULL,
    quarantined     bigint NOT NULL,
    in_flight       bigint NOT NULL,
    returned        bigint NOT NULL,
    set_aside       bigint NOT NULL,
    beyond_gap      bigint NOT NULL,
    batches         bigint NOT NULL,
    receipts        bigint NOT NULL,
    commands             bigint NOT NULL,
    commands_unheard     bigint NOT NULL,
    commands_refused     bigint NOT NULL,
    commands_addressless bigint NOT NULL,
    resends              bigint NOT NULL,
    resends_unheard      bigint NOT NULL,
    resends_refused      bigint NOT NULL,
    resends_addressless  bigint NOT NULL,
    broker_losses   bigint NOT NULL,
    database_losses bigint NOT NULL,
    broker_dropped  bigint NOT NULL,
    lag_ms          bigint,
    refusals        jsonb NOT NULL CHECK (octet_length(refusals::text) <= 16384),
    PRIMARY KEY (bridge, tenant, shard)
) USING heap WITH (fillfactor = 50);
COMMENT ON TABLE energyledger.bridge_status IS
'how each shard of each bridge last said it was; written by bridge_report(), overwritten each time, no part of the ledger';
COMMENT ON COLUMN energyledger.bridge_status.bridge IS 'the bridge''s id';
COMMENT ON COLUMN energyledger.bridge_status.tenant IS 'tenant it takes messages of, + for all';
COMMENT ON COLUMN energyledger.bridge_status.shard IS 'shard it takes messages of, + for all';
COMMENT ON COLUMN energyledger.bridge_status.at_work IS 'false: it has ended as asked';
COMMENT ON COLUMN energyledger.bridge_status.role IS 'database role it reports as';
COMMENT ON COLUMN energyledger.bridge_status.started_at IS 'when its process started: counters count from then';
COMMENT ON COLUMN energyledger.bridge_status.reported_at IS 'when it said so';
COMMENT ON COLUMN energyledger.bridge_status.received IS 'messages taken from the broker and not handed back';
COMMENT ON COLUMN energyledger.bridge_status.accepted IS 'stored';
COMMENT ON COLUMN energyledger.bridge_status.duplicate IS 'stored before';
COMMENT ON COLUMN energyledger.bridge_status.quarantined IS 'not believed';
COMMENT ON COLUMN energyledger.bridge_status.in_flight IS 'held, not committed yet';
COMMENT ON COLUMN energyledger.bridge_status.returned IS 'handed back to the broker, which delivers them again';
COMMENT ON COLUMN energyledger.bridge_status.set_aside IS 'of the quarantined: ingest() failed on them';
COMMENT ON COLUMN energyledger.bridge_status.beyond_gap IS 'of the accepted: stored while an earlier one of their meter was missing';
COMMENT ON COLUMN energyledger.bridge_status.batches IS 'transactions committed';
COMMENT ON COLUMN energyledger.bridge_status.receipts IS 'receipts published';
COMMENT ON COLUMN energyledger.bridge_status.commands IS 'commands published and taken by the broker for somebody';
COMMENT ON COLUMN energyledger.bridge_status.commands_unheard IS 'commands published to a topic that nobody had subscribed to; not recorded as published';
COMMENT ON COLUMN energyledger.bridge_status.commands_refused IS 'commands that the broker refused';
COMMENT ON COLUMN energyledger.bridge_status.commands_addressless IS 'commands that wait until their meter is heard, as its topic is not known: now, not a sum';
COMMENT ON COLUMN energyledger.bridge_status.resends IS 'requests to send again published and taken by the broker for somebody';
COMMENT ON COLUMN energyledger.bridge_status.resends_unheard IS 'requests published to a topic that nobody had subscribed to';
COMMENT ON COLUMN energyledger.bridge_status.resends_refused IS 'requests that the broker refused';
COMMENT ON COLUMN energyledger.bridge_status.resends_addressless IS 'requests not published, as the meter''s topic was not known';
COMMENT ON COLUMN energyledger.bridge_status.broker_losses IS 'connections to the broker that ended or were not to be had';
COMMENT ON COLUMN energyledger.bridge_status.database_losses IS 'connections to this database that ended or were not to be had';
COMMENT ON COLUMN energyledger.bridge_status.broker_dropped IS 'messages the broker threw away since its start, as far as it shows that';
COMMENT ON COLUMN energyledger.bridge_status.lag_ms IS 'from the meter''s clock when it signed to COMMIT, of the last accepted message; NULL: none yet';
COMMENT ON COLUMN energyledger.bridge_status.refusals IS 'quarantined messages by reason: {"bad_signature": 2}';
COMMENT ON INDEX energyledger.bridge_status_pkey IS 'a row a shard';

CREATE VIEW energyledger.bridge_state AS
    SELECT *,
           received = accepted + duplicate + quarantined + in_flight AS conserved,
           at_work AND reported_at < clock_timestamp() - interval '30 seconds' AS silent
      FROM energyledger.bridge_status;
COMMENT ON VIEW energyledger.bridge_state IS
'bridge_status, judged. A bridge at work reports every 10 seconds, and every second while there is news';
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT v.attname, col_description(t.attrelid, t.attnum) AS said
               FROM pg_attribute t JOIN pg_attribute v USING (attname)
              WHERE t.attrelid = 'energyledger.bridge_status'::regclass AND t.attnum > 0 AND NOT t.attisdropped
                AND v.attrelid = 'energyledger.bridge_state'::regclass
    LOOP
        EXECUTE format('COMMENT ON COLUMN energyledger.bridge_state.%I IS %L', c.attname, c.said);
    END LOOP;
END
$$;
COMMENT ON COLUMN energyledger.bridge_state.conserved IS 'no message is unaccounted for: received = accepted + duplicate + quarantined + in_flight';
COMMENT ON COLUMN energyledger.bridge_state.silent IS 'it should be at work and has not been heard for 30 seconds';

-- Both run with their owner's rights, as ingest() does: a bridge gets EXECUTE and no table.

CREATE FUNCTION energyledger.bridge_report(report jsonb)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO energyledger.bridge_status AS s
    SELECT r.bridge, r.tenant, r.shard, r.at_work, session_user, to_timestamp(r.started_ms / 1000.0), clock_timestamp(),
           r.received, r.accepted, r.duplicate, r.quarantined, r.in_flight, r.returned, r.set_aside, r.beyond_gap,
           r.batches, r.receipts, r.commands, r.commands_unheard, r.commands_refused, r.commands_addressless,
           r.resends, r.resends_unheard, r.resends_refused, r.resends_addressless, r.broker_losses, r.database_losses, r.broker_dropped, r.lag_ms, r.refusals
      FROM jsonb_to_record(report) AS r (bridge text, tenant text, shard text, at_work boolean, started_ms bigint,
           received bigint, accepted bigint, duplicate bigint, quarantined bigint, in_flight bigint, returned bigint,
           set_aside bigint, beyond_gap bigint, batches bigint, receipts bigint,
           commands bigint, commands_unheard bigint, commands_refused bigint, commands_addressless bigint,
           resends bigint, resends_unheard bigint, resends_refused bigint, resends_addressless bigint, broker_losses bigint,
           database_losses bigint, broker_dropped bigint, lag_ms bigint, refusals jsonb)
    ON CONFLICT (bridge, tenant, shard) DO UPDATE SET
           at_work = excluded.at_work, role = excluded.role, started_at = excluded.started_at, reported_at = excluded.reported_at,
           received = excluded.received, accepted = excluded.accepted, duplicate = excluded.duplicate,
           quarantined = excluded.quarantined, in_flight = excluded.in_flight, returned = excluded.returned,
           set_aside = excluded.set_aside, beyond_gap = excluded.beyond_gap, batches = excluded.batches,
           receipts = excluded.receipts, commands = excluded.commands, commands_unheard = excluded.commands_unheard,
           commands_refused = excluded.commands_refused, commands_addressless = excluded.commands_addressless,
           resends = excluded.resends, resends_unheard = excluded.resends_unheard,
           resends_refused = excluded.resends_refused, resends_addressless = excluded.resends_addressless,
           broker_losses = excluded.broker_losses, database_losses = excluded.database_losses,
           broker_dropped = excluded.broker_dropped, lag_ms = excluded.lag_ms, refusals = excluded.refusals;
END;
REVOKE EXECUTE ON FUNCTION energyledger.bridge_report(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.bridge_report(jsonb) IS
'Shows how a bridge''s shard is, in bridge_status: writes its row anew. report: an object of that table''s columns, started_ms instead of started_at (ms since 1970 UTC), refusals of at most 16384 bytes. '
'energyledger-bridge calls it, at most once a second a shard. Errors: 23502 for a missing member, 23514 for a name that is no identifier and for longer refusals, 22P02 for a value of another type.';

CREATE FUNCTION energyledger.set_aside(message bytea, topic text, error text)
RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO energyledger.quarantine (received_at, reason, detail, topic, digest, raw)
    SELECT clock_timestamp(), 'ingest_failed', left(error, 500), topic, sha256(message), message
    ON CONFLICT (digest, reason) DO NOTHING;
END;
REVOKE EXECUTE ON FUNCTION energyledger.set_aside(bytea, text, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.set_aside(bytea, text, text) IS
'Puts a message into quarantine unread, with the reason ingest_failed: for one that ingest() itself ends with an error on, so that it does not hold up the others. '
'message: as it arrived; topic: what it came on; error: what ingest() said, of which 500 characters are kept. The same bytes are kept once. '
'release() takes it in once the fault is mended. energyledger-bridge calls it. Errors: 23502 for a NULL message.';

/*
 * command.sql: what meters are told: commands signed by the operator's key, their
 * cancellations and publications, what the meters answer, and requests to send again.
 *
 * Ledger tables but one: nothing is edited, a command's state follows from what was
 * written about it (view command_state).  Signed notes leave the database only once they
 * are committed (meter_commands), so that no counter is ever signed twice in public.
 */

-- ---------------------------------------------------------------- tables

CREATE TABLE energyledger.operator_key (
    key_number           integer NOT NULL,
    name                 text COLLATE "C" NOT NULL,
    public_key           bytea NOT NULL CHECK (octet_length(public_key) = 32),
    previous_signs_until timestamptz,
    role                 text NOT NULL,
    created_at           timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX operator_key_number ON energyledger.operator_key (key_number);
COMMENT ON TABLE energyledger.operator_key IS
'keys that sign commands, apart from those that sign the log; the newest signs. Their secrets are in the file energyledger.operator_key_file names. Written by rotate_operator_key()';
COMMENT ON COLUMN energyledger.operator_key.key_number IS 'counts from 1';
COMMENT ON COLUMN energyledger.operator_key.name IS 'of the key: the log''s origin, then /operator. Under another origin (reopen(), a restored dump) nothing is signed with it';
COMMENT ON COLUMN energyledger.operator_key.public_key IS 'Ed25519, 32 bytes';
COMMENT ON COLUMN energyledger.operator_key.previous_signs_until IS 'until then the key before it signs beside it, for meters that do not have this one yet; NULL: not at all';
COMMENT ON COLUMN energyledger.operator_key.role IS 'the session''s role';
COMMENT ON COLUMN energyledger.operator_key.created_at IS 'when it became the newest';
COMMENT ON INDEX energyledger.operator_key_number IS 'each once';

CREATE TABLE energyledger.command (
    id         uuid NOT NULL,
    meter      text COLLATE "C" NOT NULL,
    counter    bigint NOT NULL CHECK (counter > 0),
    thing      text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,
    command    text NOT NULL,
    not_before timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > not_before),
    note       text NOT NULL,
    key_number integer NOT NULL,
    reason     text CHECK (octet_length(reason) <= 1000),
    role       text NOT NULL,
    sent_at    timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX command_id ON energyledger.command (id);
CREATE UNIQUE INDEX command_counter ON energyledger.command (meter, counter);
CREATE INDEX command_thing ON energyledger.command (meter, thing, counter);
CREATE INDEX command_expires ON energyledger.command (expires_at);
CREATE INDEX command_open ON energyledger.command (meter, expires_at);
COMMENT ON TABLE energyledger.command IS 'commands to meters, as they were signed. Written by send_command() and cancel_command(); what became of them is in view command_state';
COMMENT ON COLUMN energyledger.command.id IS 'names it, here and in the meter''s answer';
COMMENT ON COLUMN energyledger.command.meter IS 'who is to do it';
COMMENT ON COLUMN energyledger.command.counter IS 'counts the meter''s commands from 1; a meter takes none that is not above the last it took';
COMMENT ON COLUMN energyledger.command.thing IS 'what it is about: relay:N, limit:import, limit:export, credit, text, cancel:ID. A newer command for the same thing takes an older one''s place';
COMMENT ON COLUMN energyledger.command.type IS 'relay, limit, limit_end, credit, credit_end, text or cancel';
COMMENT ON COLUMN energyledger.command.command IS 'the command itself, JSON in its canonical form (doc/messages.md)';
COMMENT ON COLUMN energyledger.command.not_before IS 'the meter waits until then, by its clock. Whole milliseconds';
COMMENT ON COLUMN energyledger.command.expires_at IS 'not published, and not carried out, from then on. Whole milliseconds';
COMMENT ON COLUMN energyledger.command.note IS 'the signed note that is published. Bridges get it from meter_commands(), once it is committed';
COMMENT ON COLUMN energyledger.command.key_number IS 'operator_key that signed it';
COMMENT ON COLUMN energyledger.command.reason IS 'why, in the operator''s words; not told to the meter';
COMMENT ON COLUMN energyledger.command.role IS 'the session''s role';
COMMENT ON COLUMN energyledger.command.sent_at IS 'when it was signed';
COMMENT ON INDEX energyledger.command_id IS 'commands by id';
COMMENT ON INDEX energyledger.command_counter IS 'no counter twice; a meter''s last one';
COMMENT ON INDEX energyledger.command_thing IS 'newer commands for the same thing';
COMMENT ON INDEX energyledger.command_expires IS 'those that may still be published';
COMMENT ON INDEX energyledger.command_open IS 'those of a meter';

CREATE TABLE energyledger.command_cancellation (
    command_id   uuid NOT NULL,
    cancelled_by uuid NOT NULL,
    reason       text NOT NULL CHECK (octet_length(reason) BETWEEN 1 AND 1000),
    role         text NOT NULL,
    cancelled_at timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX command_cancellation_command ON energyledger.command_cancellation (command_id);
COMMENT ON TABLE energyledger.command_cancellation IS 'commands that were taken back before their meter answered. Written by cancel_command()';
COMMENT ON COLUMN energyledger.command_cancellation.command_id IS 'which command';
COMMENT ON COLUMN energyledger.command_cancellation.cancelled_by IS 'the command of type cancel that tells the meter, in case it has it already';
COMMENT ON COLUMN energyledger.command_cancellation.reason IS 'why, in the operator''s words';
COMMENT ON COLUMN energyledger.command_cancellation.role IS 'the session''s role';
COMMENT ON COLUMN energyledger.command_cancellation.cancelled_at IS 'when';
COMMENT ON INDEX energyledger.command_cancellation_command IS 'each once';

CREATE TABLE energyledger.command_publication (
    command_id   uuid NOT NULL,
    attempt      integer NOT NULL,
    published_at timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX command_publication_attempt ON energyledger.command_publication (command_id, attempt);
COMMENT ON TABLE energyledger.command_publication IS 'when a broker had taken a command for its meter. Written by commands_published()';
COMMENT ON COLUMN energyledger.command_publication.command_id IS 'which command';
COMMENT ON COLUMN energyledger.command_publication.attempt IS 'counts from 1: it is published again until the meter answers';
COMMENT ON COLUMN energyledger.command_publication.published_at IS 'when the bridge said so';
COMMENT ON INDEX energyledger.command_publication_attempt IS 'a command''s publications';

CREATE TABLE energyledger.command_ack (
    meter       text COLLATE "C" NOT NULL,
    epoch       bigint NOT NULL,
    seq         bigint NOT NULL,
    command_id  uuid NOT NULL,
    counter     bigint NOT NULL,
    result      text NOT NULL,
    detail      text NOT NULL,
    at          timestamptz NOT NULL,
    final       boolean NOT NULL,
    verdict     text NOT NULL,
    received_at timestamptz NOT NULL
) USING ledger;
CREATE UNIQUE INDEX command_ack_message ON energyledger.command_ack (meter, epoch, seq);
CREATE UNIQUE INDEX command_ack_matched ON energyledger.command_ack (command_id, final) WHERE verdict = 'matched';
COMMENT ON TABLE energyledger.command_ack IS 'what meters answered to commands: accepted messages of type ack, a row each. Written by ingest()';
COMMENT ON COLUMN energyledger.command_ack.meter IS 'the message''s meter';
COMMENT ON COLUMN energyledger.command_ack.epoch IS 'the message''s epoch';
COMMENT ON COLUMN energyledger.command_ack.seq IS 'the message''s sequence number';
COMMENT ON COLUMN energyledger.command_ack.command_id IS 'the command that it names';
COMMENT ON COLUMN energyledger.command_ack.counter IS 'and its counter, as the meter says';
COMMENT ON COLUMN energyledger.command_ack.result IS 'done, scheduled, expired, superseded, cancelled, old_counter, malformed, unsupported or failed';
COMMENT ON COLUMN energyledger.command_ack.detail IS 'more about it, in the meter''s words; may be empty';
COMMENT ON COLUMN energyledger.command_ack.at IS 'the meter''s clock when that was so';
COMMENT ON COLUMN energyledger.command_ack.final IS 'no other answer is to come: the result is not scheduled';
COMMENT ON COLUMN energyledger.command_ack.verdict IS
'matched: it answers the command; repeated: a further answer that says the same; contradiction: one that says something else; other_counter, other_meter, unknown_command: it does not fit what was sent. Only matched ones count, the others are evidence';
COMMENT ON COLUMN energyledger.command_ack.received_at IS 'when the batch with it was ingested';
COMMENT ON INDEX energyledger.command_ack_message IS 'one for each message';
COMMENT ON INDEX energyledger.command_ack_matched IS 'a command is answered once, and once more after scheduled';

-- Not a ledger table: what was asked for decides only when to ask again.  The gap
-- is in the ledger, and so is what came.  One row a meter, replaced each time.
CREATE TABLE energyledger.resend_request (
    meter    text COLLATE "C" PRIMARY KEY,
    ranges   text NOT NULL,
    attempts integer NOT NULL,
    asked_at timestamptz NOT NULL
);
COMMENT ON TABLE energyledger.resend_request IS
'what each meter was last asked to send again. Written by meter_resends(). An ordinary table, not dumped: after a restore everything is asked for anew';
COMMENT ON COLUMN energyledger.resend_request.meter IS 'who was asked';
COMMENT ON COLUMN energyledger.resend_request.ranges IS 'epoch, first and last sequence number, a line each';
COMMENT ON COLUMN energyledger.resend_request.attempts IS 'how often it was asked for just these';
COMMENT ON COLUMN energyledger.resend_request.asked_at IS 'when last';
COMMENT ON INDEX energyledger.resend_request_pkey IS 'one row a meter';

COMMENT ON COLUMN energyledger.operator_key.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.command.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.command_cancellation.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.command_publication.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON COLUMN energyledger.command_ack.ledger_id IS 'assigned by the ledger: site, then a counter';

SELECT pg_catalog.pg_extension_config_dump('energyledger.operator_key', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.command', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.command_cancellation', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.command_publication', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.command_ack', '');

-- ---------------------------------------------------------------- views

-- A newer command takes an older one's place where it begins no later than that, or
-- has begun: what lies ahead of both stays a plan.
CREATE VIEW energyledger.command_state AS
    SELECT c.id, c.meter, c.counter, c.thing, c.command::jsonb AS command, c.not_before, c.expires_at,
           CASE WHEN f.result = 'done' THEN 'acknowledged'
                WHEN f.result IN ('cancelled', 'superseded', 'expired') THEN f.result
                WHEN f.result IS NOT NULL THEN 'refused'
                WHEN EXISTS (SELECT FROM energyledger.command_cancellation x WHERE x.command_id = c.id) THEN 'cancelled'
                WHEN EXISTS (SELECT FROM energyledger.command n
                              WHERE n.meter = c.meter AND n.thing = c.thing AND n.counter > c.counter
                                AND n.not_before <= greatest(c.not_before, clock_timestamp())) THEN 'superseded'
                WHEN c.expires_at <= clock_timestamp() THEN 'expired'
                WHEN s.result IS NOT NULL THEN 'scheduled'
                WHEN p.attempts > 0 THEN 'published'
                ELSE 'pending' END AS state,
           coalesce(f.result, s.result) AS result,
           coalesce(f.detail, s.detail) AS detail,
           coalesce(f.at, s.at) AS at,
           f.epoch AS ack_epoch, f.seq AS ack_seq,
           p.attempts, p.first_published_at, p.last_published_at,
           c.reason, c.role, c.sent_at
      FROM energyledger.command c
      LEFT JOIN energyledger.command_ack f ON f.command_id = c.id AND f.verdict = 'matched' AND f.final
      LEFT JOIN energyledger.command_ack s ON s.command_id = c.id AND s.verdict = 'matched' AND NOT s.final
     CROSS JOIN LATERAL (SELECT coalesce(max(u.attempt), 0) AS attempts, min(u.published_at) AS first_published_at,
                                max(u.published_at) AS last_published_at
                           FROM energyledger.command_publication u WHERE u.command_id = c.id) p;
COMMENT ON VIEW energyledger.command_state IS 'commands and what became of them';
COMMENT ON COLUMN energyledger.command_state.id IS 'command.id';
COMMENT ON COLUMN energyledger.command_state.meter IS 'who is to do it';
COMMENT ON COLUMN energyledger.command_state.counter IS 'counts the meter''s commands';
COMMENT ON COLUMN energyledger.command_state.thing IS 'what it is about';
COMMENT ON COLUMN energyledger.command_state.command IS 'the command itself';
COMMENT ON COLUMN energyledger.command_state.not_before IS 'the meter waits until then';
COMMENT ON COLUMN energyledger.command_state.expires_at IS 'neither published nor carried out from then on';
COMMENT ON COLUMN energyledger.command_state.state IS
'pending: not published yet; published: no answer yet; scheduled: the meter has it and waits; acknowledged: carried out; refused: the meter says why in result; expired; superseded: a newer one took its place; cancelled';
COMMENT ON COLUMN energyledger.command_state.result IS 'the meter''s answer; NULL: none yet';
COMMENT ON COLUMN energyledger.command_state.detail IS 'more about it';
COMMENT ON COLUMN energyledger.command_state.at IS 'the meter''s clock when that was so';
COMMENT ON COLUMN energyledger.command_state.ack_epoch IS 'epoch of the message with the final answer';
COMMENT ON COLUMN energyledger.command_state.ack_seq IS 'its sequence number';
COMMENT ON COLUMN energyledger.command_state.attempts IS 'how often it was published';
COMMENT ON COLUMN energyledger.command_state.first_published_at IS 'when first';
COMMENT ON COLUMN energyledger.command_state.last_published_at IS 'when last';
COMMENT ON COLUMN energyledger.command_state.reason IS 'why, in the operator''s words';
COMMENT ON COLUMN energyledger.command_state.role IS 'who sent it';
COMMENT ON COLUMN energyledger.command_state.sent_at IS 'when';

CREATE VIEW energyledger.meter_desired AS
    SELECT * FROM (
        SELECT DISTINCT ON (meter, thing)
               meter, thing, command, id AS command_id, counter, state, sent_at,
               CASE WHEN command ? 'until' THEN to_timestamp((command ->> 'until')::bigint / 1000.0)
                    WHEN command ? 'duration_s' AND state = 'acknowledged'
                    THEN at + make_interval(secs => (command ->> 'duration_s')::bigint) END AS ends_at
          FROM energyledger.command_state
         WHERE state NOT IN ('cancelled', 'expired', 'superseded') AND not_before <= clock_timestamp()
           AND split_part(thing, ':', 1) IN ('relay', 'limit', 'credit')
         ORDER BY meter, thing, counter DESC) d
     WHERE ends_at IS NULL OR ends_at > clock_timestamp();
COMMENT ON VIEW energyledger.meter_desired IS
'what each relay, limit and credit of a meter is to be now: the newest command for it that has begun and was not cancelled, superseded or missed; limits that have ended are left out';
COMMENT ON COLUMN energyledger.meter_desired.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_desired.thing IS 'relay:N, limit:import, limit:export or credit';
COMMENT ON COLUMN energyledger.meter_desired.command IS 'what it is to be';
COMMENT ON COLUMN energyledger.meter_desired.command_id IS 'command.id';
COMMENT ON COLUMN energyledger.meter_desired.counter IS 'that command''s counter';
COMMENT ON COLUMN energyledger.meter_desired.state IS 'that command''s state';
COMMENT ON COLUMN energyledger.meter_desired.sent_at IS 'when it was sent';
COMMENT ON COLUMN energyledger.meter_desired.ends_at IS 'of a limit: when it ends, as far as that is known';

CREATE VIEW energyledger.meter_actual AS
    SELECT * FROM (
        SELECT DISTINCT ON (meter, thing)
               meter, thing, command, id AS command_id, counter, detail, at,
               CASE WHEN command ? 'until' THEN to_timestamp((command ->> 'until')::bigint / 1000.0)
                    WHEN command ? 'duration_s'
                    THEN at + make_interval(secs => (command ->> 'duration_s')::bigint) END AS ends_at
          FROM energyledger.command_state
         WHERE state = 'acknowledged' AND split_part(thing, ':', 1) IN ('relay', 'limit', 'credit')
         ORDER BY meter, thing, ack_epoch DESC, ack_seq DESC) a
     WHERE ends_at IS NULL OR ends_at > clock_timestamp();
COMMENT ON VIEW energyledger.meter_actual IS
'what each relay, limit and credit of a meter is, by its last signed acknowledgement; limits that have ended are left out';
COMMENT ON COLUMN energyledger.meter_actual.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_actual.thing IS 'relay:N, limit:import, limit:export or credit';
COMMENT ON COLUMN energyledger.meter_actual.command IS 'what it is';
COMMENT ON COLUMN energyledger.meter_actual.command_id IS 'by which command';
COMMENT ON COLUMN energyledger.meter_actual.counter IS 'that command''s counter';
COMMENT ON COLUMN energyledger.meter_actual.detail IS 'more about it, in the meter''s words';
COMMENT ON COLUMN energyledger.meter_actual.at IS 'since when, by the meter''s clock';
COMMENT ON COLUMN energyledger.meter_actual.ends_at IS 'of a limit: when it ends; NULL: not by itself';

CREATE VIEW energyledger.meter_difference AS
    SELECT coalesce(d.meter, a.meter) AS meter, coalesce(d.thing, a.thing) AS thing,
           d.command AS desired, a.command AS actual, d.command_id, d.state, d.sent_at, a.at
      FROM energyledger.meter_desired d
      FULL JOIN energyledger.meter_actual a ON a.meter = d.meter AND a.thing = d.thing
     WHERE d.command IS DISTINCT FROM a.command
        OR (d.command ? 'duration_s' AND d.command_id <> a.command_id);
COMMENT ON VIEW energyledger.meter_difference IS 'where a relay, limit or credit is not what it is to be, as far as the meter has said';
COMMENT ON COLUMN energyledger.meter_difference.meter IS 'which meter';
COMMENT ON COLUMN energyledger.meter_difference.thing IS 'relay:N, limit:import, limit:export or credit';
COMMENT ON COLUMN energyledger.meter_difference.desired IS 'what it is to be; NULL: nothing is asked of it';
COMMENT ON COLUMN energyledger.meter_difference.actual IS 'what the meter last said it is; NULL: it has said nothing';
COMMENT ON COLUMN energyledger.meter_difference.command_id IS 'the command that it should have carried out';
COMMENT ON COLUMN energyledger.meter_difference.state IS 'that command''s state';
COMMENT ON COLUMN energyledger.meter_difference.sent_at IS 'when that was sent';
COMMENT ON COLUMN energyledger.meter_difference.at IS 'since when it is what it is, by the meter''s clock';

-- ---------------------------------------------------------------- functions

CREATE FUNCTION energyledger.command_text(command jsonb)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'energyledger_command_text';
COMMENT ON FUNCTION energyledger.command_text(jsonb) IS
'A command as it is signed: the one canonical text. command: {"type":"relay","relay":1-16,"on":true|false}; {"type":"limit","direction":"import"|"export","power_w":W} with "duration_s":s or "until":ms or neither; '
'{"type":"limit_end","direction":...}; {"type":"credit","total_wh":Wh,"cutoff":true|false}; {"type":"credit_end"}; {"type":"text","text":...}; {"type":"cancel","id":...}. NULL for NULL. '
'Errors: 22023 for what is no command, the detail says why. Rule: doc/messages.md.';

CREATE FUNCTION energyledger.rotate_operator_key(old_signs_for interval DEFAULT NULL, fresh boolean DEFAULT false)
RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_rotate_operator_key';
REVOKE EXECUTE ON FUNCTION energyledger.rotate_operator_key(interval, boolean) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.rotate_operator_key(interval, boolean) IS
'Makes the key that signs commands, or replaces it. Takes the last line of the operator''s key file where this database has not used that key; otherwise, or with fresh, makes a key and appends it to the file (made with the first one, mode 0600). '
'old_signs_for: so long the old key signs beside the new one, for meters that do not have the new one yet; at most 366 days, NULL: not at all, as for a stolen key. '
'Returns the new verifier key: meters are given it. Takes effect at commit; a row of operator_key says so. '
'Errors: 22023 for an interval out of range, 25006 on a standby or in a read-only transaction, 53400 where the file holds 64 keys, file errors (class 58, 42501, 53100) where it cannot be written. Rule: c2sp.org/signed-note.';

CREATE FUNCTION energyledger.operator_vkeys(OUT key_number integer, OUT vkey text, OUT since timestamptz, OUT signs_until timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.key_number, energyledger.vkey(k.name, k.public_key), k.created_at,
           CASE WHEN n.key_number IS NOT NULL THEN coalesce(n.previous_signs_until, n.created_at) END
      FROM energyledger.operator_key k
      LEFT JOIN energyledger.operator_key n ON n.key_number = k.key_number + 1
     ORDER BY k.key_number
$$;
-- with its owner's rights: public keys are for everybody, who made them is not
COMMENT ON FUNCTION energyledger.operator_vkeys() IS
'All verifier keys of commands, oldest first; the last is what meters are given. since: from when it signs; signs_until: until when it did, NULL for the last. Form: c2sp.org/signed-note.';

CREATE FUNCTION energyledger.operator_vkey()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT v.vkey FROM energyledger.operator_vkeys() v ORDER BY v.key_number DESC LIMIT 1 $$;
COMMENT ON FUNCTION energyledger.operator_vkey() IS
'Verifier key of the operator, with which meters check commands; NULL before the first rotate_operator_key(). Form: c2sp.org/signed-note.';

CREATE FUNCTION energyledger.send_command(
    meter text,
    command jsonb,
    not_before timestamptz DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL,
    reason text DEFAULT NULL)
RETURNS uuid
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_send_command';
REVOKE EXECUTE ON FUNCTION energyledger.send_command(text, jsonb, timestamptz, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.send_command(text, jsonb, timestamptz, timestamptz, text) IS
'Signs a command to a meter with the operator''s key; it is published after commit, until the meter answers or it expires. meter: a registered one; command: as for command_text(); '
'not_before: the meter waits until then, NULL: now; expires_at: it is not carried out from then on, NULL: a day after not_before; both at most 366 days from now and from each other; reason: at most 1000 bytes, not told to the meter. '
'Result: its id (column id of command). A newer command for the same thing takes the place of one that is not answered yet. '
'Errors: 22004 for a NULL meter or command, 22023 for what is no command and for times that do not fit, P0002 for a meter that is not registered, 22001 for a reason too long, '
'55000 where there is no operator key for this log''s name, or its secret is missing (rotate_operator_key()), 25006 on a standby. Rules: doc/messages.md.';

CREATE FUNCTION energyledger.cancel_command(id uuid, reason text)
RETURNS uuid
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_cancel_command';
REVOKE EXECUTE ON FUNCTION energyledger.cancel_command(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.cancel_command(uuid, text) IS
'Takes back a command that its meter has not answered: it is not published any more, and a command of type cancel is sent in case the meter has it already. id: the command''s; reason: 1 to 1000 bytes. '
'Result: the id of the command of type cancel. Where the meter has carried it out meanwhile, its acknowledgement counts. '
'Errors: 22004 for NULL, 22023 for an empty reason and for a command of type cancel, 22001 for a reason too long, P0002 where there is no such command, 55000 where it was answered for good, was cancelled or has expired; as send_command() besides.';

CREATE FUNCTION energyledger.meter_commands(
    meters text[] DEFAULT NULL,
    retry interval DEFAULT '30 seconds',
    shards text[] DEFAULT NULL,
    after text DEFAULT NULL)
RETURNS TABLE (meter text, shard text, id uuid, counter bigint, expires_at timestamptz, note text)
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 10
AS 'MODULE_PATHNAME', 'energyledger_meter_commands';
REVOKE EXECUTE ON FUNCTION energyledger.meter_commands(text[], interval, text[], text) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.meter_commands(text[], interval, text[], text) IS
'Commands that are to be published now, as signed notes; publish them in the order given, then call commands_published(). meters: at most 10000 names, as meters that were just heard from; NULL: all. '
'A meter''s unanswered commands are returned, all of them, when one of them was not published yet or retry ago; with meters NULL the wait doubles with each publication, up to 128 times retry. '
'retry: 1 second to 1 day. shards: only of meters that are registered in one of these, at most 10000; NULL: of all. after (with meters NULL): only of the next 2000 meters behind this name (COLLATE "C") that have commands which have not expired, which takes a short time however many there are; '
'where there may be more behind them, a last row has the last of these names and nothing else. '
'shard: as registered, NULL where none is. At most 10000 rows, by meter and counter. Expired, cancelled, superseded and answered commands are left out. '
'Errors: 25001 in a transaction that has written (COMMIT first: only what is committed may leave), 25006 on a standby, 22004 for a NULL element, 22023 for several dimensions or a retry out of range, 54000 for too many.';

CREATE FUNCTION energyledger.commands_published(ids uuid[])
RETURNS integer
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'energyledger_commands_published';
REVOKE EXECUTE ON FUNCTION energyledger.commands_published(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.commands_published(uuid[]) IS
'Records that a broker has acknowledged these commands, to a meter that has a subscription there as far as the broker says. ids: at most 10000; ids of no command are passed over. Result: the number of rows written to command_publication. '
'What is not recorded is published again, which does no harm: a meter knows a command by its counter. Errors: 22004 for NULL, 22023 for several dimensions, 54000 for too many.';

CREATE FUNCTION energyledger.meter_resends(
    meters text[] DEFAULT NULL,
    grace interval DEFAULT '10 seconds',
    every interval DEFAULT '1 minute',
    shards text[] DEFAULT NULL)
RETURNS TABLE (meter text, shard text, request text)
LANGUAGE C VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
ROWS 10
AS 'MODULE_PATHNAME', 'energyledger_meter_resends';
REVOKE EXECUTE ON FUNCTION energyledger.meter_resends(text[], interval, interval, text[]) FROM PUBLIC;
COMMENT ON FUNCTION energyledger.meter_resends(text[], interval, interval, text[]) IS
'Requests to meters to send again what is missing (meter_gap), as notes signed by the site''s key; COMMIT, then publish them. meters: at most 10000 names; NULL: all. '
'grace: a gap is asked for when what came after it has been here so long (0 to 1 day); every: a meter is asked at most once in it (1 second to 1 day), and where it was asked for just the same before, after twice, four times, up to 64 times that. '
'shards: only meters that are registered in one of these, at most 10000; NULL: all. '
'A request names the 16 newest gaps. At most 10000 rows. What was asked is remembered in resend_request. '
'Errors: 22004 for a NULL element or interval, 22023 for several dimensions or an interval out of range, 54000 for too many, 25006 on a standby. Note format: doc/messages.md, c2sp.org/signed-note.';

-- certificate.sql: random operations on certificates, and a model of them that has nothing of
-- the code's: a plain table with a row for each Wh.  After each operation the model is what
-- certificate_holding and certificate_balance say, or both refused it; no number is lost or
-- there twice, children are their parent, no state is skipped, no consumption is claimed twice.
--
-- In rounds of 150 steps, each in a transaction that is taken back.  What failed is told by its
-- round and step; -v steps=100000 is a longer run, -v seed=2 another one.

\set QUIET 1
\if :{?steps} \else \set steps 1500 \endif
\if :{?seed} \else \set seed 1 \endif
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;

SELECT plan(2);

-- the model: Wh, what the newest reading of a quarter hour says, who accepts from whom
CREATE TEMP TABLE wh (device text, n bigint, slot int, holder text, state text, part bigint, meter text, PRIMARY KEY (device, n));
CREATE INDEX ON wh (part);
CREATE TEMP TABLE slot (device text, slot int, value int, root_first bigint, root_wh int, PRIMARY KEY (device, slot));
CREATE TEMP TABLE accepts (holder text, sender text, PRIMARY KEY (holder, sender));
-- Wh that are asked for: k: by which range
CREATE TEMP TABLE asked (k int, device text, n bigint, part bigint, holder text, state text, slot int, nth bigint, part_nth bigint, part_wh bigint);
CREATE TEMP TABLE step_rule (kind text PRIMARY KEY, before text[], after text);
INSERT INTO step_rule VALUES
    ('transfer', '{active}', 'active'), ('reserve', '{active}', 'reserved'), ('release', '{reserved,locked}', 'active'), ('lock', '{active,reserved}', 'locked'),
    ('cancel', '{active,reserved}', 'cancelled'), ('claim', '{cancelled}', 'claimed'), ('withdraw', '{active,reserved,locked,cancelled,claimed}', 'withdrawn'),
    ('expire', '{active,reserved}', 'expired');
CREATE TEMP SEQUENCE part;
CREATE TEMP SEQUENCE message_seq;
-- counted by sequences, which nothing takes back
SELECT format('CREATE TEMP SEQUENCE %I', k || '_' || r) FROM unnest('{issue,correct,match,transfer,reserve,release,lock,cancel,claim,withdraw,expire}'::text[]) k, unnest('{done,refused}'::text[]) r \gexec

CREATE FUNCTION pg_temp.pick(n int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * n)::int $$;
CREATE FUNCTION pg_temp.one_of(a text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT a[1 + floor(random() * cardinality(a))::int] $$;
CREATE FUNCTION pg_temp.at(slot int) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT timestamptz '2025-06-01 00:00Z' + slot * interval '15 minutes' $$;

CREATE FUNCTION pg_temp.begin_round() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO energyledger.party (party) SELECT 'pr:' || p FROM unnest('{owner,p,q,r}'::text[]) p;
    PERFORM energyledger.register_meter(d, party => 'pr:owner', capacity_w => 100, grid_zone => CASE d WHEN 'pr:c' THEN 'south' ELSE 'north' END) FROM unnest('{pr:a,pr:b,pr:c,pr:house}'::text[]) d;
    PERFORM energyledger.register_device(d, 'hydro', expires_after_months => 1) FROM unnest('{pr:a,pr:b,pr:c}'::text[]) d;
    -- the house takes 8 Wh an hour
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    SELECT 'pr:house', 1, 1, s + 1, '1-0:1.8.0', pg_temp.at(s), pg_temp.at(s + 1), 2, 0, 'Wh', 'G' FROM generate_series(0, 31) s;
    INSERT INTO accepts SELECT h, s FROM unnest('{pr:owner,pr:p,pr:q,pr:r}'::text[]) h, unnest('{pr:owner,pr:p,pr:q,pr:r}'::text[]) s WHERE h <> s AND random() < 0.8;
    PERFORM energyledger.accept_certificates(holder, sender) FROM accepts;
END $$;

-- a signed message with the reading of a quarter hour
CREATE FUNCTION pg_temp.say(device text, slot int, wh int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s bigint := nextval('pg_temp.message_seq');
BEGIN
    INSERT INTO energyledger.message (meter, epoch, seq, type, envelope, digest, sent_at, clock_status, received_at, chained, raw)
    VALUES (device, 1, s, 'reading', 'cose', sha256(s::text::bytea), '2025-06-02', 'S', '2025-06-02', true, '\x01');
    INSERT INTO energyledger.reading (meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status)
    VALUES (device, 1, s, 1, '1-0:2.8.0', pg_temp.at(slot), pg_temp.at(slot + 1), wh * 10 + 9, -1, 'Wh', 'G');
    INSERT INTO slot AS m VALUES (device, slot, wh) ON CONFLICT ON CONSTRAINT slot_pkey DO UPDATE SET value = excluded.value;
END $$;

-- the next numbers of a device, for a quarter hour; 100 W are 25 Wh at most
CREATE FUNCTION pg_temp.number(d text, s int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    wh int := (SELECT m.value FROM slot m WHERE m.device = d AND m.slot = s);
    last bigint := coalesce((SELECT max(n) FROM wh WHERE wh.device = d), 0);
    p bigint := nextval('pg_temp.part');
BEGIN
    IF wh NOT BETWEEN 1 AND 25 THEN
        RETURN 0;
    END IF;
    INSERT INTO wh SELECT d, last + i, s, 'pr:owner', 'active', p FROM generate_series(1, wh) i;
    UPDATE slot SET root_first = last + 1, root_wh = wh WHERE slot.device = d AND slot.slot = s;
    RETURN wh;
END $$;

CREATE FUNCTION pg_temp.do_issue() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text := pg_temp.one_of('{pr:a,pr:b,pr:c}');
    expected int := 0;
    got record;
    s int;
BEGIN
    FOR i IN 0 .. pg_temp.pick(4) LOOP
        -- mostly the first hours, which the house's consumption is of; again, where it was not issued
        s := pg_temp.pick(20);
        IF NOT EXISTS (SELECT FROM slot m WHERE m.device = d AND m.slot = s AND m.root_wh IS NOT NULL) THEN
            PERFORM pg_temp.say(d, s, pg_temp.pick(28));
        END IF;
    END LOOP;
    FOR s IN SELECT m.slot FROM slot m WHERE m.device = d AND m.root_wh IS NULL ORDER BY m.slot LOOP
        expected := expected + pg_temp.number(d, s);
    END LOOP;
    SELECT * INTO got FROM energyledger.issue_certificates(d, pg_temp.at(0), pg_temp.at(96));
    IF got.energy_wh <> expected THEN
        RAISE EXCEPTION 'issued % Wh of %, not %', got.energy_wh, d, expected;
    END IF;
    PERFORM nextval('pg_temp.issue_' || CASE WHEN expected > 0 THEN 'done' ELSE 'refused' END);
    RETURN format('issue %s: %s', d, expected);
END $$;

-- what is in asked is taken: parts where it begins and ends, its new state
CREATE FUNCTION pg_temp.take(kind text, recipient text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH touched AS (
        SELECT w.device, w.n, w.part, coalesce(a.k, 0) AS k FROM wh w LEFT JOIN asked a ON a.device = w.device AND a.n = w.n WHERE w.part IN (SELECT DISTINCT x.part FROM asked x)),
    edge AS (SELECT t.*, CASE WHEN lag(t.k) OVER w IS DISTINCT FROM t.k THEN 1 ELSE 0 END AS begins FROM touched t WINDOW w AS (PARTITION BY t.part ORDER BY t.n)),
    grouped AS (SELECT e.*, sum(e.begins) OVER (PARTITION BY e.part ORDER BY e.n) AS g FROM edge e),
    named AS MATERIALIZED (SELECT x.part, x.g, nextval('pg_temp.part') AS id FROM (SELECT DISTINCT g.part, g.g FROM grouped g) x)
    UPDATE wh SET part = named.id FROM grouped JOIN named USING (part, g) WHERE wh.device = grouped.device AND wh.n = grouped.n;
    UPDATE wh SET state = r.after, holder = CASE take.kind WHEN 'transfer' THEN take.recipient ELSE wh.holder END, meter = CASE take.kind WHEN 'claim' THEN take.recipient END
      FROM asked a, step_rule r WHERE r.kind = take.kind AND wh.device = a.device AND wh.n = a.n;
    PERFORM nextval('pg_temp.' || take.kind || '_done');
END $$;

CREATE FUNCTION pg_temp.do_correct() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s record;
    d text;
    withdrawn int := 0;
    issued int := 0;
    held bigint := 0;
    got record;
BEGIN
    SELECT m.* INTO s FROM slot m WHERE m.root_wh IS NOT NULL OR random() < 0.1 ORDER BY random() LIMIT 1;
    IF NOT FOUND THEN
        RETURN 'correct: nothing';
    END IF;
    d := s.device;
    PERFORM pg_temp.say(d, s.slot, CASE WHEN random() < 0.2 THEN s.value ELSE pg_temp.pick(27) END);
    FOR s IN SELECT m.* FROM slot m WHERE m.device = d AND m.root_wh <> m.value ORDER BY m.slot LOOP
        DELETE FROM asked;
        IF EXISTS (SELECT FROM wh w WHERE w.device = d AND w.n BETWEEN s.root_first AND s.root_first + s.root_wh - 1 AND w.state <> 'withdrawn') THEN
            IF EXISTS (SELECT FROM wh w WHERE w.device = d AND w.n BETWEEN s.root_first AND s.root_first + s.root_wh - 1
                          AND (w.state NOT IN ('active', 'reserved', 'locked', 'withdrawn') OR w.holder <> 'pr:owner')) THEN
                held := held + 1;
                CONTINUE;
            END IF;
            INSERT INTO asked (k, device, n, part) SELECT 1, d, w.n, w.part FROM wh w WHERE w.device = d AND w.n BETWEEN s.root_first AND s.root_first + s.root_wh - 1 AND w.state <> 'withdrawn';
            withdrawn := withdrawn + (SELECT count(*) FROM asked);
            PERFORM pg_temp.take('withdraw', NULL);
        END IF;
    END LOOP;
    -- in place of what is withdrawn, where something else is read
    FOR s IN SELECT m.* FROM slot m WHERE m.device = d AND m.root_wh <> m.value
                AND NOT EXISTS (SELECT FROM wh w WHERE w.device = d AND w.slot = m.slot AND w.state <> 'withdrawn') ORDER BY m.slot LOOP
        issued := issued + pg_temp.number(d, s.slot);
    END LOOP;
    SELECT * INTO got FROM energyledger.correct_certificates(ARRAY[d], pg_temp.at(0), pg_temp.at(96), 'better');
    IF (got.withdrawn_wh, got.issued_wh) <> (withdrawn, issued) OR got.held < held THEN
        RAISE EXCEPTION 'corrected % to % Wh, % held, not % to %, %', got.withdrawn_wh, got.issued_wh, got.held, withdrawn, issued, held;
    END IF;
    PERFORM nextval('pg_temp.correct_' || CASE WHEN issued > 0 THEN 'done' ELSE 'refused' END);
    RETURN format('correct %s: %s to %s, %s held', d, withdrawn, issued, held);
END $$;

-- ranges, some of them good
CREATE FUNCTION pg_temp.ranges(kind text) RETURNS energyledger.certificate_range[] LANGUAGE plpgsql AS $$
DECLARE
    w wh;
    lo bigint;
    hi bigint;
    r energyledger.certificate_range[] := '{}';
BEGIN
    FOR i IN 1 .. CASE WHEN random() < 0.7 THEN 1 ELSE pg_temp.pick(4) END LOOP
        SELECT x.* INTO w FROM wh x, step_rule s WHERE s.kind = ranges.kind AND (x.state = ANY (s.before) OR random() < 0.02) ORDER BY random() LIMIT 1;
        IF random() < 0.03 OR w.n IS NULL THEN
            r := r || ROW(pg_temp.one_of('{pr:a,pr:none}'), pg_temp.one_of('{electricity,heat}'), pg_temp.pick(60) - 1, pg_temp.pick(60) - 1)::energyledger.certificate_range;
            CONTINUE;
        END IF;
        SELECT min(x.n), max(x.n) INTO lo, hi FROM wh x WHERE x.part = w.part;
        IF random() < 0.5 THEN
            lo := lo + pg_temp.pick((w.n - lo + 1)::int);
            hi := w.n + pg_temp.pick((hi - w.n + 1)::int);
        END IF;
        IF kind = 'claim' AND random() < 0.7 THEN
            hi := least(hi, lo + pg_temp.pick(5));
        ELSIF random() < 0.2 THEN
            hi := hi + pg_temp.pick(25);
        END IF;
        r := r || ROW(w.device, 'electricity', lo, hi)::energyledger.certificate_range;
    END LOOP;
    RETURN r;
END $$;

-- may it be done?  What would be taken is in asked then.
CREATE FUNCTION pg_temp.may(kind text, r energyledger.certificate_range[], recipient text, wh_asked bigint, ppm int, whose text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    rule step_rule;
BEGIN
    DELETE FROM asked;
    SELECT s.* INTO rule FROM step_rule s WHERE s.kind = may.kind;
    INSERT INTO asked
    SELECT a.k, w.device, w.n, w.part, w.holder, w.state, w.slot, row_number() OVER (ORDER BY a.k, w.n), row_number() OVER (PARTITION BY a.k, w.part ORDER BY w.n), count(*) OVER (PARTITION BY a.k, w.part)
      FROM unnest(r) WITH ORDINALITY a(device, carrier, first_id, last_id, k) JOIN wh w ON w.device = a.device AND w.n BETWEEN a.first_id AND a.last_id AND a.carrier = 'electricity';
    IF cardinality(r) = 0 OR EXISTS (SELECT FROM unnest(r) a WHERE a.first_id < 1 OR a.last_id < a.first_id) OR num_nonnulls(wh_asked, ppm) > 1 OR wh_asked < 1 OR ppm NOT BETWEEN 1 AND 1000000
       OR EXISTS (SELECT FROM unnest(r) WITH ORDINALITY a(device, carrier, first_id, last_id, k) WHERE a.last_id - a.first_id + 1 <> (SELECT count(*) FROM asked x WHERE x.k = a.k))
       OR EXISTS (SELECT FROM asked a WHERE a.state <> ALL (rule.before) OR a.holder <> whose)
       OR (kind = 'transfer' AND EXISTS (SELECT FROM asked a WHERE a.holder = recipient OR NOT EXISTS (SELECT FROM accepts x WHERE x.holder = recipient AND x.sender = a.holder)))
       OR (kind = 'claim' AND EXISTS (SELECT FROM asked a WHERE a.device = 'pr:c'))
       OR (kind = 'claim' AND EXISTS (SELECT FROM (SELECT a.slot / 4 AS hour, count(*) AS wh FROM asked a GROUP BY 1) a
                                       WHERE a.wh + (SELECT count(*) FROM wh w WHERE w.state = 'claimed' AND w.slot / 4 = a.hour) > 8))
       OR wh_asked > (SELECT count(*) FROM asked) THEN
        RETURN false;
    END IF;
    DELETE FROM asked a WHERE a.nth > wh_asked OR a.part_nth > a.part_wh * ppm / 1000000;
    RETURN EXISTS (SELECT FROM asked) AND NOT EXISTS (SELECT FROM asked a GROUP BY a.device, a.n HAVING count(*) > 1);
END $$;

CREATE FUNCTION pg_temp.do_move(kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    r energyledger.certificate_range[] := pg_temp.ranges(kind);
    recipient text := pg_temp.one_of(CASE kind WHEN 'claim' THEN '{pr:house}'::text[] ELSE '{pr:owner,pr:p,pr:q,pr:r}' END);
    amount float := CASE WHEN kind <> 'claim' THEN random() ELSE 1 END;
    wh_asked bigint := CASE WHEN amount < 0.2 THEN pg_temp.pick(15) END;
    ppm int := CASE WHEN amount BETWEEN 0.19 AND 0.4 THEN pg_temp.one_of('{1,1000,50000,333333,500000,999999,1000000,1000001}')::int END;
    whose text := CASE WHEN kind IN ('transfer', 'reserve', 'cancel', 'claim') AND random() < 0.3 THEN
                       coalesce((SELECT w.holder FROM wh w WHERE w.device = r[1].device AND w.n = r[1].first_id AND random() < 0.8), 'pr:q') END;
    allowed boolean := pg_temp.may(kind, r, recipient, wh_asked, ppm, whose);
    said text;
    quantity bigint;
    event bigint;
    what text := format('%s %s to %s, %s Wh, %s ppm, of %s', kind, r, recipient, wh_asked, ppm, whose);
BEGIN
    quantity := (SELECT count(*) FROM asked);
    BEGIN
        event := CASE kind
            WHEN 'transfer' THEN energyledger.transfer_certificates(r, recipient, wh_asked, ppm, whose)
            WHEN 'reserve' THEN energyledger.reserve_certificates(r, wh_asked, ppm, whose)
            WHEN 'release' THEN energyledger.release_certificates(r, 'why', wh_asked, ppm)
            WHEN 'lock' THEN energyledger.lock_certificates(r, 'why', wh_asked, ppm)
            WHEN 'cancel' THEN energyledger.cancel_certificates(r, energy_wh => wh_asked, share_ppm => ppm, holder => whose)
            WHEN 'claim' THEN energyledger.claim_certificates(r, recipient, whose)
            WHEN 'withdraw' THEN energyledger.withdraw_certificates(r, 'why', wh_asked, ppm) END;
    EXCEPTION WHEN no_data_found OR insufficient_privilege OR invalid_parameter_value OR object_not_in_prerequisite_state THEN
        said := SQLERRM || ': ' || SQLSTATE;
    END;
    IF allowed <> (said IS NULL) THEN
        RAISE EXCEPTION '%: %, and the model says %', what, coalesce(said, 'done'), CASE WHEN allowed THEN 'yes' ELSE 'no' END;
    END IF;
    IF said IS NOT NULL THEN
        PERFORM nextval('pg_temp.' || kind || '_refused');
        RETURN what || ': ' || said;
    END IF;
    PERFORM pg_temp.take(kind, recipient);
    IF (SELECT e.quantity_wh FROM energyledger.certificate_event e WHERE e.ledger_id = event) <> quantity THEN
        RAISE EXCEPTION '%: its event has not %', what, quantity;
    END IF;
    RETURN what;
END $$;

CREATE FUNCTION pg_temp.do_expire() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    since int := pg_temp.pick(30);
    until int := since + pg_temp.pick(3);
    got numeric;
BEGIN
    DELETE FROM asked;
    INSERT INTO asked (k, device, n, part) SELECT 1, w.device, w.n, w.part FROM wh w WHERE w.slot + 1 > since AND w.slot + 1 <= until AND w.state IN ('active', 'reserved');
    got := energyledger.expire_certificates(pg_temp.at(since), pg_temp.at(until));
    IF got <> (SELECT count(*) FROM asked) THEN
        RAISE EXCEPTION 'expired % Wh, not %', got, (SELECT count(*) FROM asked);
    END IF;
    IF got > 0 THEN
        PERFORM pg_temp.take('expire', NULL);
    ELSE
        PERFORM nextval('pg_temp.expire_refused');
    END IF;
    RETURN format('expire %s to %s: %s', since, until, got);
END $$;

-- the house's consumption with what its party holds: cancelled first, then reserved, then active
CREATE FUNCTION pg_temp.do_match() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    since int := pg_temp.pick(8);
    until int := least(since + 1 + pg_temp.pick(2), 8);
    open int;
    expected int := 0;
    got record;
    p record;
BEGIN
    FOR h IN since .. until - 1 LOOP
        open := 8 - (SELECT count(*) FROM wh w WHERE w.state = 'claimed' AND w.slot / 4 = h);
        FOR p IN SELECT w.part, w.state, count(*)::int AS wh FROM wh w
                  WHERE w.holder = 'pr:owner' AND w.device <> 'pr:c' AND w.slot / 4 = h AND w.state IN ('cancelled', 'reserved', 'active')
                  GROUP BY w.part, w.state, w.slot, w.device ORDER BY w.state = 'active', w.state = 'reserved', w.slot, w.device, min(w.n) LOOP
            EXIT WHEN open = 0;
            DELETE FROM asked;
            INSERT INTO asked (k, device, n, part) SELECT 1, w.device, w.n, w.part FROM wh w WHERE w.part = p.part ORDER BY w.n LIMIT open;
            IF p.state <> 'cancelled' THEN
                PERFORM pg_temp.take('cancel', NULL);
                UPDATE asked a SET part = w.part FROM wh w WHERE w.device = a.device AND w.n = a.n;
            END IF;
            PERFORM pg_temp.take('claim', 'pr:house');
            expected := expected + least(open, p.wh);
            open := greatest(open - p.wh, 0);
        END LOOP;
    END LOOP;
    SELECT * INTO got FROM energyledger.match_certificates('pr:owner', pg_temp.at(since * 4), pg_temp.at(until * 4));
    IF (got.claimed_wh, got.consumed_wh) <> (expected, (until - since) * 8) THEN
        RAISE EXCEPTION 'matched % Wh of %, not % of %', got.claimed_wh, got.consumed_wh, expected, (until - since) * 8;
    END IF;
    PERFORM nextval('pg_temp.match_' || CASE WHEN expected > 0 THEN 'done' ELSE 'refused' END);
    RETURN format('match hours %s to %s: %s', since, until, expected);
END $$;

CREATE FUNCTION pg_temp.do_accept() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    h text := pg_temp.one_of('{pr:owner,pr:p}');
    s text := pg_temp.one_of('{pr:q,pr:r}');
    yes boolean := random() < 0.7;
BEGIN
    DELETE FROM accepts a WHERE a.holder = h AND a.sender = s;
    INSERT INTO accepts SELECT h, s WHERE yes;
    PERFORM energyledger.accept_certificates(h, s, yes);
    RETURN format('accept %s from %s: %s', h, s, yes);
END $$;

-- what must hold after each step; the newest event's rows, and all that is there
CREATE FUNCTION pg_temp.wrong() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    x record;
    event bigint := (SELECT max(e.ledger_id) FROM energyledger.certificate_event e);
BEGIN
    SELECT * INTO x FROM (
        (SELECT 'model' AS is, m.device, min(m.n) AS first_id, max(m.n) AS last_id, m.holder, m.state FROM wh m GROUP BY m.device, m.part, m.holder, m.state
         EXCEPT ALL SELECT 'model', h.device, h.first_id, h.last_id, h.holder, h.state FROM energyledger.certificate_holding h)
        UNION ALL
        (SELECT 'holding', h.device, h.first_id, h.last_id, h.holder, h.state FROM energyledger.certificate_holding h
         EXCEPT ALL SELECT 'holding', m.device, min(m.n), max(m.n), m.holder, m.state FROM wh m GROUP BY m.device, m.part, m.holder, m.state)) d LIMIT 1;
    IF FOUND THEN RETURN 'held otherwise: ' || x; END IF;
    SELECT * INTO x FROM (SELECT m.holder, m.state, count(*) AS wh, count(DISTINCT m.part) AS parts FROM wh m GROUP BY 1, 2) m
      FULL JOIN energyledger.certificate_balance b USING (holder, state) WHERE (m.wh, m.parts) IS DISTINCT FROM (b.quantity_wh, b.bundles) LIMIT 1;
    IF FOUND THEN RETURN 'balance: ' || x; END IF;
    -- live ranges do not overlap and leave nothing out; no number is used twice, in whatever state
    SELECT * INTO x FROM (SELECT h.device, h.first_id, coalesce(lag(h.last_id) OVER (PARTITION BY h.device ORDER BY h.first_id), 0) + 1 AS expected FROM energyledger.certificate_holding h) h WHERE h.first_id <> h.expected LIMIT 1;
    IF FOUND THEN RETURN 'numbers: ' || x; END IF;
    SELECT * INTO x FROM (SELECT r.device, r.first_id, coalesce(lag(r.last_id) OVER (PARTITION BY r.device ORDER BY r.first_id), 0) + 1 AS expected FROM energyledger.certificate_bundle r WHERE r.parent_id IS NULL) r
     WHERE r.first_id <> r.expected LIMIT 1;
    IF FOUND THEN RETURN 'issued: ' || x; END IF;
    -- children are their parent, and in a state that their event leads to
    SELECT p.ledger_id, p.last_id - p.first_id + 1 AS parent_wh, sum(c.last_id - c.first_id + 1) AS children_wh INTO x
      FROM energyledger.certificate_bundle c JOIN energyledger.certificate_bundle p ON p.ledger_id = c.parent_id WHERE c.event_id = event
     GROUP BY p.ledger_id, p.first_id, p.last_id HAVING sum(c.last_id - c.first_id + 1) <> p.last_id - p.first_id + 1 OR min(c.first_id) <> p.first_id OR max(c.last_id) <> p.last_id LIMIT 1;
    IF FOUND THEN RETURN 'children: ' || x; END IF;
    SELECT e.kind, p.state, c.state AS child INTO x
      FROM energyledger.certificate_bundle c JOIN energyledger.certificate_bundle p ON p.ledger_id = c.parent_id JOIN energyledger.certificate_event e ON e.ledger_id = c.event_id JOIN step_rule s ON s.kind = e.kind
     WHERE c.event_id = event AND c.state <> p.state AND NOT (p.state = ANY (s.before) AND c.state = s.after) LIMIT 1;
    IF FOUND THEN RETURN 'step: ' || x; END IF;
    -- claims: as many as the model has, of one zone, no more than was consumed
    SELECT c.hour, sum(c.quantity_wh) AS wh INTO x FROM energyledger.certificate_claimed c GROUP BY c.hour HAVING sum(c.quantity_wh) > 8 OR bool_or(c.device = 'pr:c') LIMIT 1;
    IF FOUND THEN RETURN 'claims: ' || x; END IF;
    IF (SELECT coalesce(sum(c.quantity_wh), 0) FROM energyledger.certificate_claimed c) <> (SELECT count(*) FROM wh WHERE state = 'claimed') THEN RETURN 'claimed'; END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION pg_temp.round(seed int, round int, steps int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    what text := '';
    bad text;
BEGIN
    PERFORM setseed(((seed * 7919::bigint + round) % 1000003) / 1000003.0);
    PERFORM pg_temp.begin_round();
    FOR i IN 1 .. steps LOOP
        -- each state's share of the steps is about what comes of it
        what := pg_temp.one_of('{issue,issue,issue,correct,match,accept,expire,transfer,transfer,transfer,transfer,reserve,reserve,reserve,release,release,lock,lock,cancel,cancel,cancel,claim,claim,claim,claim,withdraw}');
        what := CASE what WHEN 'issue' THEN pg_temp.do_issue() WHEN 'correct' THEN pg_temp.do_correct() WHEN 'accept' THEN pg_temp.do_accept() WHEN 'expire' THEN pg_temp.do_expire() WHEN 'match' THEN pg_temp.do_match()
                          ELSE pg_temp.do_move(what) END;
        bad := pg_temp.wrong();
        IF bad IS NOT NULL THEN
            RAISE EXCEPTION 'seed %, round %, step %: %: %', seed, round, i, what, bad;
        END IF;
        IF i % 50 = 0 THEN
            SELECT string_agg(v::text, '; ') INTO bad FROM energyledger.verify_certificates() v;
            IF bad IS NOT NULL THEN
                RAISE EXCEPTION 'seed %, round %, step %: verify_certificates(): %', seed, round, i, bad;
            END IF;
        END IF;
    END LOOP;
END $$;

-- a difference is an error and ends it here
SELECT 'BEGIN', format('DO $do$ BEGIN PERFORM pg_temp.round(%s, %s, %s); END $do$', :seed, r, least(150, :steps - r * 150)), 'ROLLBACK',
       CASE WHEN r % 20 = 19 THEN 'VACUUM' END
  FROM generate_series(0, (:steps - 1) / 150) r \gexec
SELECT pass(:steps || ' random operations did what the model did');
-- was everything tried?
SELECT is_empty($$ SELECT sequencename FROM pg_sequences WHERE schemaname LIKE 'pg_temp%' AND sequencename ~ '_(done|refused)$' AND last_value IS NULL $$, 'all kinds were done, and refused');
SELECT '# ' || string_agg(sequencename || ' ' || last_value, ', ' ORDER BY sequencename) FROM pg_sequences WHERE schemaname LIKE 'pg_temp%' AND sequencename ~ '_(done|refused)$';
SELECT * FROM finish();

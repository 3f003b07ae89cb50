-- forger.sql: somebody who knows the formats and computes everything anew: hashes, subtrees, frontiers.
SET client_min_messages = warning;

CREATE FUNCTION tamper.lp(bytes bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT int4send(length(bytes)) || bytes $$;
CREATE FUNCTION tamper.text_lp(t text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT tamper.lp(convert_to(t, 'UTF8')) $$;
CREATE FUNCTION tamper.us(t timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT int8send((extract(epoch FROM t) * 1000000)::bigint) $$;

CREATE FUNCTION tamper.entry_hash(e energyledger.entry) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256('\x000101' || int8send(e.first_id) || int8send(e.last_id) || int4send(e.row_count) || tamper.text_lp(e.relation)
        || int4send(e.schema_version) || e.schema_digest || e.rows_root || int8send(e.xid::text::bigint) || tamper.us(e.made_at) || tamper.text_lp(e.role))
$$;
CREATE FUNCTION tamper.block_hash(b energyledger.block) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256('\x000103' || int8send(b.height) || b.previous_block_hash || int8send(b.first_index) || int8send(b.leaf_count) || tamper.us(b.sealed_at))
$$;
CREATE FUNCTION tamper.event_hash(e energyledger.event) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256('\x0001' || set_byte('\x00', 0, e.kind) || int8send(e.event_id) || int2send(cardinality(e.field_names)::smallint)
        || (SELECT string_agg(tamper.text_lp(n) || tamper.text_lp(v), '' ORDER BY i) FROM unnest(e.field_names, e.field_values) WITH ORDINALITY f(n, v, i))
        || tamper.us(e.made_at) || tamper.text_lp(e.role))
$$;
-- other (n int), one row, as format.md has it
CREATE FUNCTION tamper.row_hash(id bigint, n int) RETURNS bytea LANGUAGE sql AS $$
    SELECT sha256('\x0001' || int8send(id) || '\x0001' || '\x0001' || int4send(4) || int4send(n))
$$;

-- The frontier over hashes[1..size], and its root.
CREATE FUNCTION tamper.frontier(hashes bytea[], size integer) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    nodes bytea[] := '{}';          -- largest first
    sizes integer[] := '{}';
    n integer;
BEGIN
    FOR i IN 1 .. size LOOP
        nodes := nodes || hashes[i];
        sizes := sizes || 1;
        n := cardinality(sizes);
        WHILE n > 1 AND sizes[n] = sizes[n - 1] LOOP
            nodes := nodes[:n - 2] || sha256('\x01' || nodes[n - 1] || nodes[n]);
            sizes := sizes[:n - 2] || sizes[n] * 2;
            n := n - 1;
        END LOOP;
    END LOOP;
    RETURN nodes;
END $$;
CREATE FUNCTION tamper.root(nodes bytea[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    r bytea := nodes[cardinality(nodes)];
BEGIN
    FOR i IN REVERSE cardinality(nodes) - 1 .. 1 LOOP
        r := sha256('\x01' || nodes[i] || r);
    END LOOP;
    RETURN r;
END $$;

-- Everything that follows from entries and blocks: leaf hashes, the chain, subtrees, frontiers.
CREATE PROCEDURE tamper.recompute() LANGUAGE plpgsql AS $$
DECLARE
    b record;
    previous bytea := decode(repeat('00', 32), 'hex');
    hashes bytea[];
    nodes bytea[];
    joined bytea;
BEGIN
    FOR b IN SELECT * FROM energyledger.block ORDER BY height LOOP
        UPDATE energyledger.block SET previous_block_hash = previous WHERE height = b.height;
        SELECT tamper.block_hash(x) INTO previous FROM energyledger.block x WHERE height = b.height;
    END LOOP;
    UPDATE energyledger.leaf_run r SET hashes = (
        SELECT string_agg(coalesce(tamper.entry_hash(e), tamper.block_hash(k), tamper.event_hash(v), l.hash), '' ORDER BY l.leaf_index)
          FROM energyledger.leaf l LEFT JOIN energyledger.entry e ON l.kind = 1 AND e.first_id = l.ref
          LEFT JOIN energyledger.block k ON l.kind = 3 AND k.height = l.ref
          LEFT JOIN energyledger.event v ON l.kind >= 4 AND v.event_id = l.ref
         WHERE l.leaf_index >= r.first_index AND l.leaf_index < r.first_index + cardinality(r.refs));
    SELECT array_agg(hash ORDER BY leaf_index) INTO hashes FROM energyledger.leaf;
    FOR b IN SELECT * FROM energyledger.block ORDER BY height LOOP
        nodes := tamper.frontier(hashes, (b.first_index + b.leaf_count + 1)::integer);
        joined := '';
        FOR i IN 1 .. cardinality(nodes) LOOP
            joined := joined || nodes[i];
        END LOOP;
        UPDATE energyledger.block SET frontier = int8send(b.first_index + b.leaf_count + 1) || joined WHERE height = b.height;
    END LOOP;
    UPDATE energyledger.subtree s SET hash = tamper.root(tamper.frontier(hashes[s.node_index * 256 + 1 : (s.node_index + 1) * 256], 256)) WHERE level = 1;
END $$;

-- The log says that the forger's key is the one that it was opened with.
CREATE PROCEDURE tamper.forge_key(public_key text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE energyledger.event SET field_values[array_position(field_names, 'public_key')] = encode(decode(forge_key.public_key, 'hex'), 'base64') WHERE kind = 6;
END $$;

-- New checkpoints over what there is now, signed with a key of the forger's own, whose public half is put in its place.
CREATE PROCEDURE tamper.resign(program text, public_key text) LANGUAGE plpgsql AS $$
DECLARE
    b record;
    signed text;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS signed (line text, n serial);
    FOR b IN SELECT k.*, s.origin FROM energyledger.block k JOIN energyledger.site s USING (site_id, incarnation) ORDER BY height LOOP
        TRUNCATE signed RESTART IDENTITY;
        EXECUTE format('COPY signed (line) FROM PROGRAM %L', format('printf ''%%s\n%%s\n%%s\n'' %L %s %L | %s %L', b.origin, b.first_index + b.leaf_count + 1,
            encode(tamper.root((SELECT array_agg(substr(b.frontier, 9 + 32 * (i - 1), 32) ORDER BY i) FROM generate_series(1, (length(b.frontier) - 8) / 32) i)), 'base64'),
            program, b.origin));
        SELECT string_agg(line, E'\n' ORDER BY n) || E'\n' INTO signed FROM signed;
        UPDATE energyledger.block SET note = signed WHERE height = b.height;
    END LOOP;
    UPDATE energyledger.site SET public_key = decode(resign.public_key, 'hex');
END $$;

CREATE PROCEDURE tamper.aside() LANGUAGE plpgsql AS $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['energyledger.entry', 'energyledger.block', 'energyledger.leaf_run', 'energyledger.subtree', 'energyledger.event', 'energyledger.site', 'public.other'] LOOP
        EXECUTE format('CREATE TABLE tamper.%I AS TABLE %s', 'aside_' || split_part(r, '.', 2), r);
        EXECUTE format('UPDATE pg_class SET relam = 2 WHERE oid = %L::regclass', r);
    END LOOP;
END $$;
CREATE PROCEDURE tamper.as_ledger() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger_log')
     WHERE relnamespace = 'energyledger'::regnamespace AND relname IN ('entry', 'block', 'leaf_run', 'subtree', 'event', 'site');
    UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'ledger') WHERE oid = 'other'::regclass;
END $$;
CREATE PROCEDURE tamper.back() LANGUAGE plpgsql AS $$
DECLARE
    r text;
BEGIN
    FOREACH r IN ARRAY ARRAY['energyledger.entry', 'energyledger.block', 'energyledger.leaf_run', 'energyledger.subtree', 'energyledger.event', 'energyledger.site', 'public.other'] LOOP
        EXECUTE format('UPDATE pg_class SET relam = 2 WHERE oid = %L::regclass', r);
        EXECUTE format('DELETE FROM %s', r);
        EXECUTE format('INSERT INTO %s TABLE tamper.%I', r, 'aside_' || split_part(r, '.', 2));
        EXECUTE format('DROP TABLE tamper.%I', 'aside_' || split_part(r, '.', 2));
    END LOOP;
    CALL tamper.as_ledger();
END $$;
-- A row of `other` gets another value, and its entry the root that goes with it.
CREATE PROCEDURE tamper.forge_row(id bigint) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE other SET n = n + 1000000 WHERE ledger_id = id;
    UPDATE energyledger.entry SET rows_root = tamper.row_hash(id, (SELECT n FROM other WHERE ledger_id = id)) WHERE first_id = id;
END $$;
-- The newest blocks from a height on, with all that they brought, as if they had never been.
CREATE PROCEDURE tamper.cut(from_height bigint) LANGUAGE plpgsql AS $$
DECLARE
    size bigint := (SELECT first_index FROM energyledger.block WHERE height = from_height);
BEGIN
    DELETE FROM other USING energyledger.entry e, energyledger.leaf l
     WHERE l.kind = 1 AND l.leaf_index >= size AND e.first_id = l.ref AND e.relation = 'public.other' AND ledger_id BETWEEN e.first_id AND e.last_id;
    DELETE FROM energyledger.entry USING energyledger.leaf l WHERE l.kind = 1 AND l.leaf_index >= size AND first_id = l.ref AND relation = 'public.other';
    DELETE FROM energyledger.leaf_run WHERE first_index >= size;
    DELETE FROM energyledger.block WHERE height >= from_height;
    DELETE FROM energyledger.subtree WHERE (node_index + 1) * 256 > size;
END $$;

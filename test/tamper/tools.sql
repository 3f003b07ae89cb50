-- tools.sql: what every kind of tampering uses: try it, look what verify() says, undo it.
SET client_min_messages = warning;
CREATE SCHEMA tamper;
CREATE EXTENSION pageinspect SCHEMA public;
CREATE EXTENSION pg_prewarm SCHEMA public;
CREATE EXTENSION amcheck SCHEMA public;

CREATE TABLE tamper.outcome (kind text, place text, found boolean, effect boolean, false_alarms text[], said text[]);
CREATE TABLE tamper.setting (seed bigint, drawn bigint);

-- A number from 0 to n - 1, the next of the seed's.
CREATE FUNCTION tamper.draw(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    UPDATE tamper.setting SET drawn = drawn + 1 RETURNING * INTO s;
    RETURN abs(hashint8extended(s.drawn, s.seed) % n);
END $$;

-- First, middle, last, and one that is drawn: positions from 1 to n.
CREATE FUNCTION tamper.places(n bigint) RETURNS TABLE (place text, at bigint) LANGUAGE sql AS $$
    SELECT p, CASE p WHEN 'first' THEN 1 WHEN 'middle' THEN (n + 1) / 2 WHEN 'last' THEN n
           ELSE 1 + tamper.draw(n) END
      FROM unnest(ARRAY['first', 'middle', 'last', 'drawn']) p
$$;

-- What verify says, one line a finding: kind|relation|ledger_id.
CREATE FUNCTION tamper.findings(arguments text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    said text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(concat_ws(''|'', kind, relation, ledger_id)), ''{}'') FROM energyledger.verify(%s)',
        arguments) INTO said;
    RETURN said;
EXCEPTION WHEN OTHERS THEN
    RETURN ARRAY['error|' || SQLSTATE || '|' || SQLERRM];
END $$;

CREATE PROCEDURE tamper.run(statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END $$;

/*
 * Do it, look, undo it, look again.  required: a finding that there must be, allowed: those
 * that there may be besides; both regular expressions.
 */
CREATE PROCEDURE tamper.try(kind text, place text, apply text[], undo text[], required text,
    allowed text DEFAULT '^$', arguments text DEFAULT '') LANGUAGE plpgsql AS $$
DECLARE
    said text[];
    afterwards text[];
BEGIN
    CALL tamper.run(apply);
    COMMIT;
    said := tamper.findings(arguments);
    COMMIT;
    CALL tamper.run(undo);
    COMMIT;
    afterwards := tamper.findings(arguments);
    INSERT INTO tamper.outcome
    VALUES (kind, place,
            EXISTS (SELECT FROM unnest(said) s WHERE s ~ required),
            true,
            ARRAY(SELECT s FROM unnest(said) s WHERE s !~ required AND s !~ allowed) ||
            ARRAY(SELECT 'undone: ' || s FROM unnest(afterwards) s),
            said);
    COMMIT;
END $$;

-- What somebody can do who knows the catalog: a ledger table as plain heap for a moment.
CREATE FUNCTION tamper.edit(relation regclass, VARIADIC statements text[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT format('UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = ''heap'') WHERE oid = %s', relation::oid)
        || statements ||
        format('UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = %L) WHERE oid = %s',
            (SELECT amname FROM pg_am a JOIN pg_class c ON c.relam = a.oid WHERE c.oid = relation), relation::oid)
$$;

-- An edit of rows of a table, with its undoing: the rows are set aside.
CREATE PROCEDURE tamper.try_edit(kind text, place text, relation regclass, condition text, statement text,
    required text, allowed text DEFAULT '^$', arguments text DEFAULT '') LANGUAGE plpgsql AS $$
BEGIN
    CALL tamper.try(kind, place,
        tamper.edit(relation, format('CREATE TABLE tamper.aside AS TABLE %s', relation),
            format(statement, relation, condition)),
        tamper.edit(relation, format('DELETE FROM %s', relation),
            format('INSERT INTO %s TABLE tamper.aside', relation), 'DROP TABLE tamper.aside'),
        required, allowed, arguments);
END $$;

/* ---- files ---- */

CREATE FUNCTION tamper.file(relation regclass) RETURNS text LANGUAGE sql AS $$
    SELECT current_setting('data_directory') || '/' || pg_relation_filepath(relation)
$$;

-- Everything out of shared buffers, what was dirty into its file: then files can be edited.
CREATE PROCEDURE tamper.evict() LANGUAGE plpgsql AS $$
BEGIN
    CHECKPOINT;
    PERFORM pg_prewarm('tamper.filler', 'buffer');
END $$;

CREATE FUNCTION tamper.write(file text, at bigint, bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT %L) TO PROGRAM %L', encode(bytes, 'hex'),
        format('perl -e ''$_ = <STDIN>; chomp; open(F, "+<", $ARGV[0]) or die; seek(F, $ARGV[1], 0); print F pack("H*", $_); close F'' %s %s',
            file, at));
END $$;

-- An edit of a page in a relation's file, undone by writing back the page as it was.
CREATE PROCEDURE tamper.try_file(kind text, place text, relation regclass, block bigint, at bigint, bytes bytea,
    required text, allowed text DEFAULT '^$', arguments text DEFAULT '', effect text DEFAULT NULL, repair text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    page bytea;
    said text[];
    afterwards text[];
    before text;
    shown text;
BEGIN
    page := pg_read_binary_file(tamper.file(relation), block * 8192, 8192);
    IF effect IS NOT NULL THEN
        EXECUTE effect INTO before;
    END IF;
    CALL tamper.evict();
    PERFORM tamper.write(tamper.file(relation), block * 8192 + at, bytes);
    COMMIT;
    said := tamper.findings(arguments);
    COMMIT;
    -- nothing found: then it can be read, and whether anything was changed is seen
    IF said = '{}' AND effect IS NOT NULL THEN
        EXECUTE effect INTO shown;
    END IF;
    CALL tamper.evict();
    PERFORM tamper.write(tamper.file(relation), block * 8192, page);
    COMMIT;
    IF repair IS NOT NULL THEN
        EXECUTE repair;
        COMMIT;
    END IF;
    afterwards := tamper.findings(arguments);
    INSERT INTO tamper.outcome
    VALUES (kind, place,
            EXISTS (SELECT FROM unnest(said) s WHERE s ~ required),
            said <> '{}' OR effect IS NULL OR shown IS DISTINCT FROM before,
            ARRAY(SELECT s FROM unnest(said) s WHERE s !~ required AND s !~ allowed) ||
            ARRAY(SELECT 'undone: ' || s FROM unnest(afterwards) s),
            said);
    COMMIT;
END $$;

-- Where in its page a row's attribute lies, and how many bytes it has; nothing where it is NULL.
CREATE FUNCTION tamper.attribute_place(relation regclass, tid tid, attribute name, OUT block bigint, OUT at integer, OUT len integer)
LANGUAGE plpgsql AS $$
DECLARE
    page bytea;
    item record;
    a record;
    head integer;
    unit integer;
BEGIN
    block := (tid::text::point)[0];
    page := get_raw_page(relation::text, block::integer);
    SELECT lp_off, t_hoff, t_bits, t_infomask2 & 2047 AS natts INTO item
      FROM heap_page_items(page) WHERE lp = (tid::text::point)[1]::integer;
    at := item.lp_off + item.t_hoff;
    FOR a IN SELECT * FROM pg_attribute WHERE attrelid = relation AND attnum BETWEEN 1 AND item.natts ORDER BY attnum LOOP
        CONTINUE WHEN substr(item.t_bits, a.attnum, 1) = '0';
        unit := CASE a.attalign WHEN 'c' THEN 1 WHEN 's' THEN 2 WHEN 'i' THEN 4 ELSE 8 END;
        IF a.attlen <> -1 OR get_byte(page, at) = 0 THEN
            at := at + (unit - (at - item.lp_off - item.t_hoff) % unit) % unit;
        END IF;
        head := get_byte(page, at);
        len := CASE WHEN a.attlen <> -1 THEN a.attlen WHEN head = 1 THEN 18 WHEN head % 2 = 1 THEN head / 2
               ELSE (head + 256 * get_byte(page, at + 1) + 65536 * get_byte(page, at + 2)) / 4 END;
        IF a.attname = attribute THEN
            RETURN;
        END IF;
        at := at + len;
    END LOOP;
    at := NULL;
    len := NULL;
END $$;

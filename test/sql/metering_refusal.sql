/*
 * metering_refusal.sql: what is no message of ours, and the code each is refused with.
 *
 * Headers and payloads are put together here and carry a signature of zeros:
 * all of them are refused, or shown by parse_message, before a signature is
 * looked at.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
\pset null '(null)'

CREATE FUNCTION pg_temp.base64url(bytea) RETURNS text LANGUAGE sql AS
$$ SELECT rtrim(translate(encode($1, 'base64'), E'+/\n', '-_'), '=') $$;
CREATE FUNCTION pg_temp.jws(header text, payload bytea) RETURNS bytea LANGUAGE sql AS
$$ SELECT convert_to(pg_temp.base64url(convert_to(header, 'UTF8')) || '.' || pg_temp.base64url(payload) || '.' || repeat('A', 86), 'UTF8') $$;
CREATE FUNCTION pg_temp.cose(protected bytea, unprotected bytea, payload bytea) RETURNS bytea LANGUAGE sql AS
$$ SELECT '\xd284'::bytea || set_byte('\x40'::bytea, 0, 64 + length(protected)) || protected || unprotected
          || '\x58'::bytea || set_byte('\x00'::bytea, 0, length(payload)) || payload
          || '\x5840'::bytea || decode(repeat('00', 64), 'hex') $$;
-- Why a message is refused; none where its form is right.
CREATE FUNCTION pg_temp.reason(bytea) RETURNS text LANGUAGE sql AS
$$ SELECT coalesce(energyledger.parse_message($1)->>'reason', 'none') $$;

-- The payload that each case below changes in one place.
CREATE TEMP TABLE sound AS SELECT
'{"v":1,"type":"reading","meter":"m","epoch":0,"seq":2,"prev":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","t":1751328000000,"ts":"S","body":[["1-0:1.8.0",1,2,3,0,"Wh","G"]]}'
AS payload;
SELECT jsonb_pretty(energyledger.parse_message(pg_temp.jws('{"alg":"ES256","kid":"m","typ":"x","cty":"y","other":"z"}', convert_to(payload, 'UTF8')))) FROM sound;

CREATE TEMP TABLE change (nr serial, what text, old text, new text);
INSERT INTO change (what, old, new) VALUES
    ('nothing', '', ''),
    ('space', ',"seq"', E' ,\n"seq"'),
    ('cut off', '"body":', '"body"'),
    ('text after it', '"G"]]}', '"G"]]}x'),
    ('comma at the end', '"G"]]}', '"G"],]}'),
    ('member twice', '"epoch":0', '"epoch":0,"epoch":0'),
    ('member unknown', '"epoch":0', '"epoch":0,"x":0'),
    ('member missing', '"epoch":0,', ''),
    ('escaped name', '"epoch"', '"\u0065poch"'),
    ('escaped text', '"m"', '"\u006d"'),
    ('lone surrogate', '"m"', '"\ud800"'),
    ('another version', '"v":1', '"v":2'),
    ('another type', '"reading"', '"weather"'),
    ('meter with a space', '"m"', '"m m"'),
    ('meter empty', '"m"', '""'),
    ('meter too long', '"m"', '"' || repeat('m', 65) || '"'),
    ('meter a number', '"m"', '1'),
    ('epoch negative', '"epoch":0', '"epoch":-1'),
    ('epoch of 33 bits', '"epoch":0', '"epoch":4294967296'),
    ('seq zero', '"seq":2', '"seq":0'),
    ('seq at its limit', '"seq":2', '"seq":9223372036854775807'),
    ('seq above it', '"seq":2', '"seq":9223372036854775808'),
    ('seq a fraction', '"seq":2', '"seq":2.0'),
    ('seq with exponent', '"seq":2', '"seq":2e0'),
    ('seq with zeros', '"seq":2', '"seq":02'),
    ('minus zero', '"epoch":0', '"epoch":-0'),
    ('prev at seq 1', '"seq":2', '"seq":1'),
    ('prev empty at seq 2', '"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"', '""'),
    ('prev of 31 bytes', 'AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8', 'AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg'),
    ('prev padded', 'xwdHh8"', 'xwdHh8="'),
    ('prev with stray bits', 'xwdHh8"', 'xwdHh9"'),
    ('time negative', '1751328000000', '-1'),
    ('time after 9999', '1751328000000', '253402300800000'),
    ('clock status', '"ts":"S"', '"ts":"X"'),
    ('body a number', '"body":[["1-0:1.8.0",1,2,3,0,"Wh","G"]]', '"body":1'),
    ('body empty', '"body":[["1-0:1.8.0",1,2,3,0,"Wh","G"]]', '"body":[]'),
    ('body an object', '"body":[["1-0:1.8.0",1,2,3,0,"Wh","G"]]', '"body":{}'),
    ('reading too short', ',"G"]', ']'),
    ('reading too long', ',"G"]', ',"G",1]'),
    ('interval backwards', ',1,2,3,', ',2,1,3,'),
    ('value a text', ',1,2,3,', ',1,2,"3",'),
    ('value a fraction', ',1,2,3,', ',1,2,3.5,'),
    ('value of 65 bits', ',1,2,3,', ',1,2,-9223372036854775809,'),
    ('scale too big', '0,"Wh"', '10,"Wh"'),
    ('obis unusable', '1-0:1.8.0', '1 0'),
    ('unit too long', '"Wh"', '"megawatts"'),
    ('status unknown', '"G"', '"Z"'),
    ('400 readings', '["1-0:1.8.0",1,2,3,0,"Wh","G"]', '["1",1,2,3,0,"W","G"]' || repeat(',["1",1,2,3,0,"W","G"]', 399)),
    ('401 readings', '["1-0:1.8.0",1,2,3,0,"Wh","G"]', '["1",1,2,3,0,"W","G"]' || repeat(',["1",1,2,3,0,"W","G"]', 400)),
    ('event of any shape', '"reading"', '"event"'),
    ('depth 4', '"reading","meter":"m","epoch":0,"seq":2,"prev":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","t":1751328000000,"ts":"S","body":[["1-0:1.8.0",1,2,3,0,"Wh","G"]]',
                '"event","meter":"m","epoch":0,"seq":2,"prev":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","t":1751328000000,"ts":"S","body":[[{"a":null}]]'),
    ('depth 5', '[["1-0:1.8.0",1,2,3,0,"Wh","G"]]', '[[{"a":[]}]]'),
    ('object in the body twice', '[["1-0:1.8.0",1,2,3,0,"Wh","G"]]', '[{"a":1,"a":2}]');
SELECT what, pg_temp.reason(pg_temp.jws('{"alg":"EdDSA"}', convert_to(replace(payload, old, new), 'UTF8'))) AS reason
  FROM sound, change ORDER BY nr;
SELECT pg_temp.reason(pg_temp.jws('{"alg":"EdDSA"}', '\x7b2276223aff')) AS not_a_token,
       pg_temp.reason(pg_temp.jws('{"alg":"EdDSA"}', '\x7b22ff223a317d')) AS not_utf8,
       pg_temp.reason(pg_temp.jws('{"alg":"EdDSA"}', '')) AS empty;

-- JWS: the envelope.
SELECT header, pg_temp.reason(pg_temp.jws(header, convert_to(payload, 'UTF8'))) AS reason FROM sound, unnest(ARRAY[
    '{"alg":"EdDSA"}', '{"alg":"Ed25519"}', '{"alg":"ES256"}', '{"alg":"none"}', '{"alg":"HS256"}', '{"alg":"EdDSA","alg":"EdDSA"}',
    '{"typ":"JWT"}', '{"alg":"EdDSA","crit":["b64"],"b64":false}', '{"alg":"EdDSA","b64":true}', '{"alg":"EdDSA","x":1}',
    '{"alg":"EdDSA"}x', '{"alg":"EdDSA"']) WITH ORDINALITY h(header, nr) ORDER BY nr;
SELECT what, pg_temp.reason(message) AS reason FROM sound,
    LATERAL (SELECT convert_from(pg_temp.jws('{"alg":"EdDSA"}', convert_to(payload, 'UTF8')), 'UTF8')) j(text),
    LATERAL (VALUES
        (1, 'as it is', text::bytea),
        (2, 'padding', overlay(text placing '=.' from strpos(text, '.') for 1)::bytea),
        (3, 'a wrong character', overlay(text placing '+' from 30 for 1)::bytea),
        (4, 'signature cut', left(text, -1)::bytea),
        (5, 'signature longer', (text || 'A')::bytea),
        (6, 'stray bits in the signature', (left(text, -1) || 'B')::bytea),
        (7, 'a fourth part', (text || '.A')::bytea),
        (8, 'one part', 'eyJhbGciOiJFZERTQSJ9'::bytea),
        (9, 'nothing', ''::bytea),
        (10, 'text', 'hello'::bytea),
        (11, 'too large', (text || repeat('A', 16384))::bytea)) c(nr, what, message)
 ORDER BY nr;

-- COSE: the envelope and its CBOR.  a1 01 27 is {1: -8}, the algorithm.
CREATE TEMP TABLE sound_cbor AS SELECT
'\xa90101026772656164696e6703616d0400050106400719ffff0861530981876131010203006257686147'::bytea AS payload;
SELECT pg_temp.reason(pg_temp.cose('\xa10127', '\xa0', payload)) AS sound, pg_temp.reason(pg_temp.cose('\xa10127', '\xa0', payload || '\x00')) AS trailing FROM sound_cbor;
SELECT what, pg_temp.reason(pg_temp.cose(protected, unprotected, payload)) AS reason FROM sound_cbor, (VALUES
    (1, 'EdDSA by its old number', '\xa10127'::bytea, '\xa0'::bytea),
    (2, 'Ed25519', '\xa10132', '\xa0'),
    (3, 'ES256', '\xa10126', '\xa0'),
    (4, 'ESP256', '\xa10128', '\xa0'),
    (5, 'Ed448', '\xa1013834', '\xa0'),
    (6, 'algorithm a text', '\xa1016145', '\xa0'),
    (7, 'content type and kid', '\xa201270300', '\xa1044161'),
    (8, 'no algorithm', '\xa0', '\xa0'),
    (9, 'no protected header', '\x', '\xa0'),
    (10, 'algorithm not protected', '\xa0', '\xa10127'),
    (11, 'label in both', '\xa20127044161', '\xa1044161'),
    (12, 'label twice', '\xa201270127', '\xa0'),
    (13, 'crit', '\xa20127028101', '\xa0'),
    (14, 'bytes after the protected map', '\xa1012700', '\xa0'),
    (15, 'kid a number', '\xa10127', '\xa10401'),
    (16, 'header too deep', '\xa10127', '\xa1186381818100'),
    (17, 'indefinite map', '\xa10127', '\xbfff'),
    (18, 'longer form', '\xa1013807', '\xa0'),
    (19, 'longer form of a label', '\xa1180127', '\xa0')) h(nr, what, protected, unprotected) ORDER BY nr;

CREATE TEMP TABLE change_cbor (nr serial, what text, old text, new text);
INSERT INTO change_cbor (what, old, new) VALUES
    ('version a float', '0101026772', '01f93c00026772'),
    ('key in a longer form', '0101026772', '180101026772'),
    ('value in a longer form', '0400', '041800'),
    ('indefinite array', '098187', '099f87'),
    ('indefinite text', '03616d', '037f616dff'),
    ('not UTF-8', '03616d', '0361ff'),
    ('key twice', '0400', '0300'),
    ('key unknown', '0400', '0a00'),
    ('key a text', '0400', '616100'),
    ('meter as bytes', '03616d', '03416d'),
    ('a tag', '0400', '04c100'),
    ('seq of 64 bits', '0501', '051bffffffffffffffff'),
    ('value of 65 bits', '0102030062', '01023bffffffffffffffff0062'),
    ('undefined', '0400', '04f7'),
    ('count beyond the end', '098187', '099a7fffffff87'),
    ('map larger than it is', 'a90101', 'aa0101'),
    ('prev of one byte', '050106400719', '05020641000719');
SELECT what, pg_temp.reason(pg_temp.cose('\xa10127', '\xa0', decode(replace(encode(payload, 'hex'), old, new), 'hex'))) AS reason
  FROM sound_cbor, change_cbor ORDER BY nr;
SELECT pg_temp.reason('\xd2') AS tag_alone, pg_temp.reason('\xd28443a10127a0f65840' || decode(repeat('00', 64), 'hex')) AS payload_detached,
       pg_temp.reason('\xd28443a10127a04100583f' || decode(repeat('00', 63), 'hex')) AS short_signature,
       pg_temp.reason('\xd28343a10127a04100') AS three_items, pg_temp.reason('\xd18443a10127a04100') AS another_tag,
       pg_temp.reason('\xd28443a10127a041005840' || decode(repeat('00', 65), 'hex')) AS bytes_after;

-- What was read of a refused message is kept with it.
SELECT verdict, meter, epoch, seq, reason FROM energyledger.ingest(ARRAY(
    SELECT pg_temp.jws('{"alg":"EdDSA"}', convert_to(replace(payload, old, new), 'UTF8')) FROM sound, change
     WHERE what IN ('clock status', 'seq zero', 'meter empty') ORDER BY nr));
SELECT reason, meter, epoch, seq FROM energyledger.quarantine
 WHERE reason IN ('bad_clock_status', 'bad_sequence', 'bad_meter') ORDER BY reason;

-- Whole messages that others published: RFC 8037 appendix A.4, and COSE's eddsa-sig-01 and ecdsa-sig-01.
SELECT energyledger.message_signature_valid(
    'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'Ed25519') AS rfc8037,
  energyledger.message_signature_valid(
    '\xd28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d',
    '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'Ed25519') AS eddsa_sig_01,
  energyledger.message_signature_valid(
    '\xd28445a201270300a10442313154546869732069732074686520636f6e74656e742e58407142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb8711497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0c',
    '\xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'Ed25519') AS flipped,
  energyledger.message_signature_valid(
    '\xd28445a201260300a10442313154546869732069732074686520636f6e74656e742e58406520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1ede8e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b75380b',
    '\x04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e', 'ES256') AS ecdsa_sig_01,
  energyledger.message_signature_valid(
    '\xd28445a201260300a10442313154546869732069732074686520636f6e74656e742e58406520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1ede8e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b75380b',
    '\x04bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e', 'Ed25519') AS other_algorithm;
SELECT energyledger.message_signature_valid('x', 'x', 'RS256');

/*
 * ocmf_ingest.sql: charging stations' records on their way into the ledger: every
 * algorithm, every form of key and signature, what is read, what is refused.
 *
 * The records are really signed, with keys that were made with the openssl program
 * for this test and thrown away.
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET bytea_output = 'hex';
\pset null '(null)'

CREATE TEMP TABLE key (name text, spki text);
INSERT INTO key VALUES
('p256', '3059301306072a8648ce3d020106082a8648ce3d0301070342000482664f6f625addc541c2547e81cf9919c11c4a0904c8a047aac36206498a793e947d16ed4c3dc0d4ed878cf67f9f9fc4b495048c7a7ef4331f3b934887b127aa'),
('p256other', '3059301306072a8648ce3d020106082a8648ce3d0301070342000494dca7d1f4cd73a1b75bdad453203e26ef4b42538a0b4b3d1fa506ea60bdcc05ebb35fffce0a179976abf219cbcce152f32fdca6f69c21a0d5cb69489506aa2e'),
('k256', '3056301006072a8648ce3d020106052b8104000a03420004520b5abee5bbbba6f720e6c163fb7af5b555e4828bda6441d473de978b7478475c59d1e353105583601fe65f885776f28d613db76510a21aa72d372d053ae34a'),
('bp256', '305a301406072a8648ce3d020106092b24030302080101070342000419af1c09cd4fb1c576aee3d126e207d437c58fa2977306272dae9034cb8b0d3ba3accd4f6c0255922676c2c9a22da0604295beb562a2320afe7876c88320e363'),
('p384', '3076301006072a8648ce3d020106052b8104002203620004c67e0fff80cedca7dcf34bcb4f39bdad9df7bb1c2a9decc179a671395caff19c85009825c0c6d7493e6a2af29858c82d348de7827756d3ab5e3950d05ceb7f4833f598914a1c5085cb7a98219a99c3462b33b9a40a3b83ed22190b6eccd6a112'),
('bp384', '307a301406072a8648ce3d020106092b240303020801010b036200042d04a0b7bf6d34ae347017b9e9dc569842bdf06eb17a66f6227762d0f9da1edb3befcd4f62c96bbfca7aeb8f5931b46b3863eca4ae972a57d72f853218afd8ad5d7673bde8b1dc85314e3a84e8d1e036a689ae77480b3527ec97183fe967750c'),
('p192', '3049301306072a8648ce3d020106082a8648ce3d03010103320004161193f469b2f65441e6ca6c9474fcd441cdd86308303a6fc096433cb8269a825751743d23fd76ee4694c4a03c87c6b7'),
('k192', '3046301006072a8648ce3d020106052b8104001f03320004c915c82fee15d0db5e50ec72bfcea52bdc78dd8ba3ba1c0ff905f305802499341c20b9d972cbcf4dcc5959e0f1334f0a');

CREATE TEMP TABLE fixture (name text, record text);
INSERT INTO fixture VALUES
('begin', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T10:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":62500.1270,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3046022100F1FC7A75A4A0773C60E093EEBB94E7F30E4E93B8A0D1C6248D117460EF34E15C022100E7B04775603930CF724AD0A6ACA93A99A4C095E91C80D5949AE26C0C30A7BB12"}'),
('end', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T2","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T10:45:30,250+0200 R","TX":"E","EF":"","ST":"G","RV":62512.9000,"RI":"1-0:1.8.0","RU":"kWh"},{"RV":4.50,"RI":"1-0:2.8.0","RU":"kWh"},{"TM":"2025-07-01T10:45:31,000+0200 I","RV":"      2731","RI":"01-00:00.08.06.FF","RU":"sec","XV":1.5,"UC":{"UN":"x"}}]}|{"SA":"ECDSA-secp256r1-SHA256","SD":"3045022100E51B22D56FE7FD1D994BA93D5A51A6FB542C589832372F8B724EE4A9B87FD26C02201CA4E029D823E678E474D3AFF4E5FF21EA1B568EE6B4CC6A34E450D4D8D62EDA"}'),
('end_other', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T2","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T10:45:30,250+0200 R","TX":"E","EF":"","ST":"G","RV":62511.9000,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3046022100D9EB94924F6077DCFCBEEA0C441E3B0D4339B537B6CAD4CBA7591A48EE717136022100944F1F88A6B4CFFF4402DB6862E836FE316AD621CAABEC3C20576C9BDFA7A311"}'),
('later', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T5","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T12:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":62512.9000,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SE":"base64","SD":"MEUCIC2qA2/+3o9S+GB6pPSzqf+OiSMgS8dFobzlRNGO/KotAiEA571gKlYXHFgj9cA8hBgqjqvHbr83IvaqVZJNu2LL5Iw="}'),
('fiscal', 'OCMF|{"FV":1.1,"GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"F1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T10:15:00,000+0200 S","ST":"G","RV":1e3,"RI":"1-0:1.8.0","RU":"Wh"}]}|{"SD":"3A9A0D90BCE6CC84F9C0458694EE6118D0BD9F81BCB8C246C8EB283D6FFA9CB3C33D469EBEF213E69DEF7DDC72A9BCED4DCADDD15415114C46925E9AF610CF1F"}'),
('error', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T3","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T11:00:00,000+0200 U","TX":"X","EF":"Et","ST":"D"}]}|{"SD":"304502203A0452239A1FC97AB624C2FE10BCC1DF3DE0780369B67F4B3CF602E8DF56C0FE022100809FF2FA28615124BA747C255B62D980E123ADAEA239C831108DE4311AA42EAF"}'),
('unusable', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T4","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T11:30:00,000+0200 S","TX":"E","EF":"E","ST":"G","RV":62512.9000,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"304502205CAB830E663ED65572BD5374CDDA55F0913A2B12C832B85E0EF54E929A2DC4F5022100DF97E3C32CDD0EC8A10275DB6B5AC7CAAFA2A57A5B7D8E4369D14E2B475E0C4D"}'),
('page_zero', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T0","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T10:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022100FF4961A039B8002AFCE7F23C13462ABA48E302E99D1F34948AA529C4C0F8E4D50220330DA92BA5F1E7EB76E8A02E918188034F7738BC6F5C5EA8C2AD0413DB811610"}'),
('other_key', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T6","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T13:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"304502203B844CC132AA74A307E84FF404FAA661EB73953C1ACE3FE298F88333269DD9E4022100D8ADE00CB8339F6F05CB03F02001AC63E1E4761472EB025D86812E57F9F98528"}'),
('other_curve', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"gateway-1","MS":"ocmf:charger","PG":"T6","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T13:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp256k1-SHA256","SD":"3045022100C671D606B8D00229820097BDE705652B3482FCA288EEFF5FE0B48EBFA786A14E0220476C579F4322DE25F79F693B9685E7AA128EC06FC4F1DCBB74AB0635143F5076"}'),
('nobody', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"ocmf:nobody","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T13:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3044022069912CEF72B562B27B246E1B7A4C19D9298E626A8D02427FF8AE6C7D3188944C02207064A67FB7CD92A93277D10EDBACCA85AF2775AF860F636540F637D3F34724E3"}'),
('k256', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","GS":"ocmf:k256","MS":"no name","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":"       9.038","RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp256k1-SHA256","SD":"F66E14EDD2C5039F98183B509F3E7AE1E1B61916483DC292574CF5C07586274CB78210152605D673DE7CCAB524955C3FA3A7B2EB0A7453B7B4A8E4255330413E"}'),
('bp256', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:bp256","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-brainpoolP256r1-SHA256","SD":"3045022100A6507B9718ACC0F1272C7DB9C4CC7886A9EDEBA1DC35F4496D959143EAAC299E02205E3E0BE1CE3A67383D708EE6BD52A744C9F03CE07C3A28DA3002405F2BBF03F6"}'),
('p384', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:p384","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp384r1-SHA256","SD":"3065023100D5601FF5DE33101637035A9B1596AA72C93B2AA51704290CAE616DC7204F5E784AF4E3F2152F34CA5DF418F179F461870230787FDAF959CCF2EDBEF299525AC75817B8A287AE0DD2C99A9848A82CFFDE6C922EC544C50C94E719C864CE6CD8B0F90E"}'),
('p384_384', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:p384-384","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp384r1-SHA384","SE":"base64","SD":"MGYCMQCKRsH/RfK0iyYTY7SMOvUvhzfB/8nwecAYURz3VSGn2kMhcDBvxPnYCqVOpdLNxeICMQCAY+7pglTXaVSBaxxO/qj3efhc94UnyVAGFxS5aT1YH7xvanNfTMIWb+/IiVc9QuQ="}'),
('bp384', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:bp384","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-brainpool384r1-SHA256","SD":"306402304F25446577A9E8BD9F6863A19D1765DCE1E237A18737BB56AC05F79FA39CB0902AFF14A3B8690B734C96BA137D5BCCB202305C964CD360BF291675F3CBE9B7089C85257B957A78060597CA66EEC690D8EB031984D673A384FFFB749D9CE83DE85512"}'),
('bp384_384', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:bp384-384","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-brainpool384r1-SHA384","SD":"306602310089912D5DBC6B90FB2186EE40B271354184B43ACC92E2A90B054C4746D0252AA9ADAB52C848D4F9E5F00C7562B63395710231008A9D9DBC6D30389F7B450CE881D01244EF0AAA1015FE0D920C8305BDCF224683DDBCA6CABAA113E5562DC47F630E7112"}'),
('p192', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:p192","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp192r1-SHA256","SD":"3034021896125C3615109673A8CA16B6B6EF6DD7C028302AC06CF49C02180070D4DDE552B81E92FE21F0C9DB4C040C07EA5E0199DD84"}'),
('k192', 'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"ocmf:k192","PG":"T1","IS":false,"IF":[],"ID":"","RD":[{"TM":"2025-07-01T08:00:00,000+0000 S","TX":"B","EF":"","ST":"G","RV":9,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SA":"ECDSA-secp192k1-SHA256","SD":"3035021833441DCDECF45BB45135895059D86E01F7E73313BDABFC1A0219008A4B3E5A4CF2227D8AB6812D58A87E33F160694A2785DCFA"}');

CREATE FUNCTION pg_temp.spki(name text) RETURNS bytea LANGUAGE sql AS
$$ SELECT decode(k.spki, 'hex') FROM key k WHERE k.name = spki.name $$;
-- The last bytes of a key: its point, with or without 04.
CREATE FUNCTION pg_temp.tail(name text, len int) RETURNS bytea LANGUAGE sql AS
$$ SELECT substr(k, length(k) - len + 1) FROM pg_temp.spki(name) k $$;
-- The records of some fixtures, in the order named.
CREATE FUNCTION pg_temp.records(VARIADIC names text[]) RETURNS bytea[] LANGUAGE sql AS
$$ SELECT array_agg(convert_to(f.record, 'UTF8') ORDER BY n.ord) FROM unnest(names) WITH ORDINALITY n(name, ord) JOIN fixture f USING (name) $$;

-- Keys: SubjectPublicKeyInfo, point, point without 04; all are kept as the point.
SELECT energyledger.register_meter('ocmf:charger', pg_temp.spki('p256'), 'ECDSA-secp256r1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:k256', pg_temp.tail('k256', 64), 'ECDSA-secp256k1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:bp256', pg_temp.tail('bp256', 65), 'ECDSA-brainpoolP256r1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:p384', pg_temp.spki('p384'), 'ECDSA-secp384r1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:p384-384', pg_temp.tail('p384', 96), 'ECDSA-secp384r1-SHA384') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:bp384', pg_temp.tail('bp384', 97), 'ECDSA-brainpool384r1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:bp384-384', pg_temp.spki('bp384'), 'ECDSA-brainpoolP384r1-SHA384') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:p192', energyledger.decode_public_key((SELECT upper(regexp_replace(spki, '(..)', '\1 ', 'g')) FROM key WHERE name = 'p192')),
    'ECDSA-secp192r1-SHA256') > 0 AS registered;
SELECT energyledger.register_meter('ocmf:k192', energyledger.decode_public_key((SELECT encode(decode(spki, 'hex'), 'base64') FROM key WHERE name = 'k192')),
    'ECDSA-secp192k1-SHA256') > 0 AS registered;
-- Ed25519 has its DER too (RFC 8410)
SELECT energyledger.register_meter('ocmf:ed25519', '\x302a300506032b6570032100b145a0d86e8954e35d80697136aa028eba87addba4be7b2e5abfa727fda063b6') > 0 AS registered;
SELECT meter, algorithm, public_key FROM energyledger.meter_key_current WHERE meter LIKE 'ocmf:%' ORDER BY meter;
-- Keys that are refused.
SELECT energyledger.register_meter('ocmf:x', pg_temp.spki('p256'), 'ECDSA-secp256k1-SHA256');
SELECT energyledger.register_meter('ocmf:x', pg_temp.tail('p256', 65), 'ECDSA-secp256k1-SHA256');
SELECT energyledger.register_meter('ocmf:x', pg_temp.tail('p384', 97), 'ES256');
SELECT energyledger.register_meter('ocmf:x', set_byte(pg_temp.tail('p256', 64), 63, 0), 'ES256');
SELECT energyledger.register_meter('ocmf:x', '', 'ECDSA-secp384r1-SHA384');
SELECT energyledger.register_meter('ocmf:x', pg_temp.spki('p256'), 'Ed25519');
SELECT energyledger.register_meter('ocmf:x', pg_temp.spki('p256'), 'ECDSA-secp256r1-SHA384');
SELECT energyledger.register_meter('ocmf:x', pg_temp.spki('p256'), 'ecdsa-secp256r1-sha256');

-- A key is the same in every form: revoked in one, it is refused in the others.  COPY takes the kept form only.
SELECT energyledger.register_meter('ocmf:revoked', pg_temp.tail('p256other', 65), 'ES256') > 0 AS registered;
SELECT energyledger.revoke_meter_key('ocmf:revoked', pg_temp.spki('p256other'), 'stolen') > 0 AS revoked;
SELECT energyledger.register_meter('ocmf:revoked', pg_temp.tail('p256other', 64), 'ECDSA-secp256r1-SHA256');
SELECT energyledger.add_meter_key('ocmf:revoked', pg_temp.spki('p256other'), 'ES256');
SELECT energyledger.revoke_meter_key('ocmf:revoked', pg_temp.spki('p256'), 'not there');
\set VERBOSITY terse
INSERT INTO energyledger.meter_key (meter, public_key, algorithm) VALUES ('ocmf:revoked', pg_temp.spki('p256'), 'ES256');
\set VERBOSITY default
SELECT energyledger.public_key_valid(pg_temp.tail('bp384', 97), 'ECDSA-brainpool384r1-SHA384') AS point,
       energyledger.public_key_valid(pg_temp.spki('bp384'), 'ECDSA-brainpool384r1-SHA384') AS spki;

-- Texts: what each form gives, and what is none.
SELECT bool_and(energyledger.decode_public_key(t) = '\xdeadbeef') AS decoded FROM unnest(ARRAY['deadbeef', ' DE AD BE EF', 'de:ad:be:ef', '3q2+7w==', E'3q2+\n7w==\n',
    E'-----BEGIN PUBLIC KEY-----\n3q2+7w==\n-----END PUBLIC KEY-----\n']) t;
SELECT energyledger.decode_public_key('no key');
SELECT energyledger.decode_public_key('');
SELECT energyledger.decode_public_key(repeat('0', 1025));
SELECT energyledger.decode_public_key(NULL);
SELECT bool_and(energyledger.decode_ocmf(t) = convert_to(record, 'UTF8')) AS decoded FROM fixture,
    unnest(ARRAY[record, E'\n  ' || record || E'\r\n', encode(convert_to(record, 'UTF8'), 'base64'), encode(convert_to(record, 'UTF8'), 'hex')]) t;
SELECT energyledger.decode_ocmf('ocmf|{}|{}');
SELECT energyledger.decode_ocmf('b2NtZg==');
SELECT energyledger.decode_ocmf('OCMF|' || repeat('x', 16380));
SELECT energyledger.decode_ocmf(repeat('0', 49153));
SELECT energyledger.decode_ocmf(NULL);

-- A charging session; then what came between, late.
SELECT * FROM energyledger.ingest(pg_temp.records('begin', 'later', 'fiscal', 'end', 'end'));
SELECT * FROM energyledger.ingest(pg_temp.records('unusable', 'error', 'begin'));
-- Every other algorithm.
SELECT * FROM energyledger.ingest(pg_temp.records('k256', 'bp256', 'p384', 'p384_384', 'bp384', 'bp384_384', 'p192', 'k192'));
-- Number 0 is the first, where there is one.
SELECT * FROM energyledger.ingest(pg_temp.records('page_zero'));
-- What is not taken.
SELECT * FROM energyledger.ingest(pg_temp.records('end_other', 'other_key', 'other_curve', 'nobody'));
-- Tampered with: a digit of the value, a space in the payload, a half of the signature; the curve that SA names.
SELECT verdict, meter, epoch, seq, reason FROM fixture, energyledger.ingest(ARRAY[
    convert_to(replace(replace(record, '"T1"', '"T7"'), '62500', '62501'), 'UTF8'), convert_to(replace(replace(record, '"T1"', '"T7"'), ',"RD"', ', "RD"'), 'UTF8'),
    convert_to(replace(record, '"T1"', '"T7"'), 'UTF8'), convert_to(replace(record, '{"SD"', '{"SA":"ECDSA-secp256k1-SHA256","SD"'), 'UTF8')])
 WHERE name = 'begin';
-- A topic is compared with what was signed; records go to .../up/reading.
SELECT verdict, reason FROM energyledger.ingest(pg_temp.records('begin', 'begin'),
    ARRAY['el/v1/town/0/ocmf:charger/up/reading', 'el/v1/town/0/ocmf:p192/up/reading']);
-- base64 is not a record; decode_ocmf makes one of it.
SELECT verdict, reason FROM fixture, energyledger.ingest(ARRAY[convert_to(encode(convert_to(record, 'UTF8'), 'base64'), 'UTF8'),
    energyledger.decode_ocmf(encode(convert_to(record, 'UTF8'), 'base64'))]) WHERE name = 'begin';

SELECT meter, epoch, seq, type, envelope, prev, sent_at, clock_status, chained, prev_valid, raw = convert_to(f.record, 'UTF8') AS bytes_kept
  FROM energyledger.message JOIN fixture f ON sha256(convert_to(f.record, 'UTF8')) = digest
 WHERE meter LIKE 'ocmf:%' ORDER BY meter, epoch, seq;
SELECT meter, epoch, seq, item, obis, from_at, to_at, value, scale, unit, status
  FROM energyledger.reading WHERE meter LIKE 'ocmf:%' ORDER BY meter, epoch, seq, item;
SELECT * FROM energyledger.meter_gap WHERE meter LIKE 'ocmf:%' ORDER BY meter, epoch, from_seq;
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{ocmf:charger,ocmf:p192}');
SELECT reason, regexp_replace(detail, '[0-9a-f]{64}', '(digest)') AS detail, meter, epoch, seq, count(*)
  FROM energyledger.quarantine WHERE meter LIKE 'ocmf:%' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;

-- The signature alone, by key and name; the algorithm is the key's.
SELECT name, energyledger.message_signature_valid(convert_to(record, 'UTF8'), pg_temp.spki(regexp_replace(name, '_384', '')), said ->> 'algorithm') AS valid,
       energyledger.message_signature_valid(convert_to(record, 'UTF8'), pg_temp.spki(regexp_replace(name, '_384', '')), 'Ed25519') AS by_another
  FROM fixture, energyledger.parse_message(convert_to(record, 'UTF8')) said WHERE name ~ '^(k|p|bp)[0-9]' ORDER BY name;
-- the key fits both names, the record's own is the other
SELECT energyledger.message_signature_valid(convert_to(record, 'UTF8'), pg_temp.spki('p384'), 'ECDSA-secp384r1-SHA384') AS by_another_hash
  FROM fixture WHERE name = 'p384';

-- What parse_message shows.
SELECT jsonb_pretty(energyledger.parse_message(convert_to(record, 'UTF8')) - 'digest') FROM fixture WHERE name = 'end';

-- Refusals, each by one change to a sound record.
CREATE TEMP TABLE change (nr serial, what text, old text, new text);
INSERT INTO change (what, old, new) VALUES
    ('nothing', '', ''),
    ('no third section', '\|\{"SD".*', ''),
    ('a fourth section', '$', '|x'),
    ('a bar in a text', '"ID":""', '"ID":"|"'),
    ('space after it', '$', ' '),
    ('signature section no object', '\{"SD"', '"SD"'),
    ('signature section cut', '"\}$', ''),
    ('no SD', '"SD"', '"XD"'),
    ('SD twice', '\{"SD"', '{"SD":"","SD"'),
    ('SD a number', '"SD":"[^"]*"', '"SD":1'),
    ('SD not hexadecimal', '"SD":"30', '"SD":"3g'),
    ('SD of another length', '"SD":"30', '"SD":"3030'),
    ('SD not base64', '\{"SD"', '{"SE":"base64","SD":"=","X"'),
    ('SE unknown', '\{"SD"', '{"SE":"utf8","SD"'),
    ('SM unknown', '\{"SD"', '{"SM":"application/x-pem","SD"'),
    ('SA unknown', '\{"SD"', '{"SA":"RSA-2048-SHA256","SD"'),
    ('SA our own name', '\{"SD"', '{"SA":"ES256","SD"'),
    ('SA of a longer curve', '\{"SD"', '{"SA":"ECDSA-secp384r1-SHA256","SD"'),
    ('SA of a shorter curve', '\{"SD"', '{"SA":"ECDSA-secp192r1-SHA256","SD"'),
    ('empty payload', '\|\{.*\}\|', '||'),
    ('payload not JSON', '"FV"', 'FV'),
    ('payload too deep', '"ID":""', '"ID":[[[[]]]]'),
    ('member twice', '"ID":""', '"ID":"","ID":""'),
    ('version 2', '"FV":"1.0"', '"FV":"2.0"'),
    ('no version', '"FV":"1.0",', ''),
    ('no PG', '"PG"', '"XG"'),
    ('PG of an unknown context', '"T1"', '"Q1"'),
    ('PG with leading zeros', '"T1"', '"T01"'),
    ('PG zero', '"T1"', '"T0"'),
    ('PG the highest', '"T1"', '"T9223372036854775806"'),
    ('PG beyond 63 bits with one more', '"T1"', '"T9223372036854775807"'),
    ('PG escaped', '"T1"', '"\\u00541"'),
    ('no serial', '"GS":"gateway-1","MS":"ocmf:charger",', ''),
    ('serials of no use', '"GS":"gateway-1","MS":"ocmf:charger"', '"GS":"","MS":"a b"'),
    ('serial a number', '"MS":"ocmf:charger"', '"MS":1'),
    ('no RD', '"RD"', '"XD"'),
    ('RD empty', '"RD":\[.*\]', '"RD":[]'),
    ('RD an object', '"RD":\[(.*)\]', '"RD":\1'),
    ('no TM', '"TM"', '"XM"'),
    ('TM without status', ' S"', '"'),
    ('TM with a point', ',000\+', '.000+'),
    ('TM 30 February', '07-01T', '02-30T'),
    ('TM before 1970', '2025', '1969'),
    ('clock status unknown', ' S"', ' X"'),
    ('no RV', '"RV":62500.1270,', ''),
    ('RV a text', '62500.1270', '"  62500.1270"'),
    ('RV no number', '62500.1270', '"62500,1270"'),
    ('RV no JSON number', '62500.1270', '062500.1270'),
    ('RV too long', '62500.1270', '9223372036854775808'),
    ('RV too fine', '62500.1270', '0.0000000001'),
    ('RV null', '62500.1270', 'null'),
    ('no RI', '"RI":"1-0:1.8.0",', ''),
    ('RI unusable', '1-0:1.8.0', '1 0'),
    ('no RU', ',"RU":"kWh"', ''),
    ('RU too long', 'kWh', 'megawatts'),
    ('RI without RU in a later one', '\}\]\}\|', '},{"RI":"1-0:2.8.0","RV":1}]}|'),
    ('no ST', '"ST":"G",', ''),
    ('ST unknown', '"ST":"G"', '"ST":"Z"'),
    ('ST not present', '"ST":"G"', '"ST":"N"'),
    ('EF unknown', '"EF":""', '"EF":"x"'),
    ('EF energy', '"EF":""', '"EF":"E"');
SELECT what, coalesce(energyledger.parse_message(convert_to(regexp_replace(record, old, new), 'UTF8')) ->> 'reason', 'none') AS reason
  FROM fixture, change WHERE name = 'begin' ORDER BY nr;
SELECT energyledger.parse_message(convert_to(record || repeat(' ', 16385 - length(record)), 'UTF8')) ->> 'reason' AS too_large FROM fixture WHERE name = 'begin';
SELECT energyledger.parse_message(set_byte(convert_to(record, 'UTF8'), 12, 255)) - 'digest' AS not_utf8 FROM fixture WHERE name = 'begin';

/*
 * metering_again.sql: the same text comes again with another signature, or written in another
 * way: a duplicate, and no second word of its meter.  Charging stations count from 0 or from 1.
 *
 * The messages are really signed, by P-256 keys that were made for this test and thrown away;
 * a twin is (r, n - s), which anybody can make of (r, s).
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '(null)'

CREATE TEMP TABLE fixture (name text, raw bytea);
INSERT INTO fixture VALUES
('zero', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T0","RD":[{"TM":"2025-07-01T10:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.0,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022100D8A432073CB4C1FEB71E36B351E3125A13F75B51CBE32211A5ACFE85A0397028022030471016CCE431B44A12F728419219198C71AC345EAB82DE56E6D2BA450E6EB5"}', 'UTF8')),
('one', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"30450220329A1079272DA2A12F70125BF8BD8FB2431937AD0FCB474DF6E21A13F6C2A1C6022100A3CB4F7D92E6EE7990573D44B420B3A60C0B2705B308B4CB99BDEC740B38CE41"}', 'UTF8')),
('one_lower_case', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"30450220329a1079272da2a12f70125bf8bd8fb2431937ad0fcb474df6e21a13f6c2a1c6022100a3cb4f7d92e6ee7990573d44b420b3a60c0b2705b308b4cb99bdec740b38ce41"}', 'UTF8')),
('one_base64', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SE":"base64","SD":"MEUCIDKaEHknLaKhL3ASW/i9j7JDGTetD8tHTfbiGhP2wqHGAiEAo8tPfZLm7nmQVz1EtCCzpgwLJwWzCLTLmb3sdAs4zkE="}', 'UTF8')),
('one_spaced', convert_to(E'OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{ "SA" : "ECDSA-secp256r1-SHA256",\n "XX" : [1], "SD" : "30450220329A1079272DA2A12F70125BF8BD8FB2431937AD0FCB474DF6E21A13F6C2A1C6022100A3CB4F7D92E6EE7990573D44B420B3A60C0B2705B308B4CB99BDEC740B38CE41" }', 'UTF8')),
('one_raw', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"329a1079272da2a12f70125bf8bd8fb2431937ad0fcb474df6e21a13f6c2a1c6a3cb4f7d92e6ee7990573d44b420b3a60c0b2705b308b4cb99bdec740b38ce41"}', 'UTF8')),
('one_twin', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"30440220329A1079272DA2A12F70125BF8BD8FB2431937AD0FCB474DF6E21A13F6C2A1C602205C34B0816D1911876FA8C2BB4BDF4C59B0DBD3A7F40EE9B959FBDE4EF12A5710"}', 'UTF8')),
('one_signed_anew', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"304502206C65579F637A9DEBDD946004A9032643D111DE07CFC57279A8BE9F09EEA05307022100B8A8DBE2EED7604EAA6363BE7A451C68F48CDBD46CE9A3E266C0CB89B86AF166"}', 'UTF8')),
('one_by_another', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3044022062F04BDAA1798BBAEE0A7499A18C2050CFADEEA7B3FD1ADD89BCD9310501DA3E022012E0B15647210B88A424E43A17E7C8FFD21EC144ACB3206CEA4C28C6BBAAF350"}', 'UTF8')),
('one_forged', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"30450220329A1079272DA2A12F70125BF8BD8FB2431937AD0FCB474DF6E21A13F6C2A1C6022100A3CB4F7D92E6EE7990573D44B420B3A60C0B2705B308B4CB99BDEC740B38CE40"}', 'UTF8')),
('one_other', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1","RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":9.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3046022100B66902A13861187A69652D5BB0BFD8E598F2264302C45C1C652BB73D3F9431A7022100880B9B743A411248BE9F6516E603BDDC559780170E6B648A181AC08C25545614"}', 'UTF8')),
('one_spaced_payload', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T1", "RD":[{"TM":"2025-07-01T10:30:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1.5,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022025C663B0CAEEF9C138066AA3DA97E202DF63E79436207D30AF7ECAA7BC2BF58E022100D0519918A88B2AE2E30C51F8382ACDDDF3816F5CFCAAF4A248D1FDEA1B5CBEBF"}', 'UTF8')),
('two', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T2","RD":[{"TM":"2025-07-01T11:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":2,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3044022014F02E67F18C71E7AA50CF0BE82658F1E442E569DE3BDD0C455739B75D0CEFD6022050402B4405AC3AE7BB6A9537201508FB679B9CD7D74C988C25F8C358B9B2E8BA"}', 'UTF8')),
('f_zero', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"F0","RD":[{"TM":"2025-07-01T11:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":2,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3044022071A17DBC61167CF166D1E3478694C9BC8F0F68127034B73B60C2AC6595309E5402203C1D3AC065AC291BE7B71F459DAD5761815A23C4D8919D0DED040C46F0D78704"}', 'UTF8')),
('f_one', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"F1","RD":[{"TM":"2025-07-01T11:15:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":2,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022100C1596895CAA884C5E714285B7C49B336C0E6F8F57E381556588AFBDF488F1AE002207365C8F539AAABA800DDCD402BC8FFCBF4405FE0A26F89A6C01395CD5FFA8AC1"}', 'UTF8')),
('top', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T9223372036854775806","RD":[{"TM":"2025-07-01T12:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":3,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"30460221009719D5DE3CE33DF264912C661708C6BAF6654AD77D76A84F464F37B549F378E8022100877E3C2D3CA6C89E1E88D4F53994C03C6B0ADB240DD5E5646E36E6C361865AEA"}', 'UTF8')),
('beyond', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:station","PG":"T9223372036854775807","RD":[{"TM":"2025-07-01T12:00:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":3,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"304502202F8A248322C44D8FAFE0D8D9FBA21B98D80A3AA3372F5D081875DCE944B820F6022100DF90C301308D239DB442FAAABB6B6721AF9950931FECABB3A4D4429C8890D419"}', 'UTF8')),
('from_T1', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:from-one","PG":"T1","RD":[{"TM":"2025-07-01T10:01:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022100C052CAE807605972BD5FE0976F112A1E899C24FF8A666A0259095971E5C260EE02201260C857119A654C3B5594BC84C542161B1DA7554D828C30CC13970610638498"}', 'UTF8')),
('from_T2', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:from-one","PG":"T2","RD":[{"TM":"2025-07-01T10:02:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3045022008DD6F92D3B9B4DE74FCD0C5BEA759524DBA51A3CFEA71430366F11AFB95C011022100D993183DD32B561CBE74AFE659059E0E9D7ADA345073DE1D3317F23558FBDC5B"}', 'UTF8')),
('from_T3', convert_to('OCMF|{"FV":"1.0","GI":"test","GV":"1","MS":"again:from-one","PG":"T3","RD":[{"TM":"2025-07-01T10:03:00,000+0200 S","TX":"B","EF":"","ST":"G","RV":1,"RI":"1-0:1.8.0","RU":"kWh"}]}|{"SD":"3044022070E90F0446678E44EA4CC7BA15BD3F36235ABD988B6A9E443A8A4AEBA4A00F37022001D5E3DF0D87C818B16184E9262FFAF91A5BFAC99C9957EB7AA7357697BAC7FD"}', 'UTF8')),
('jws_1', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMTAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI1LDAsIldoIiwiRyJdXX0.g9PKQiZcfPHfFl-Z8lyM7sRVVMcBsYAMd6ElzTYOwMswSiIgKA_UbC4uxrmtYYZJ0U-6hQUDfx-XIehPgA9mzw', 'UTF8')),
('jws_1_anew', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMTAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI1LDAsIldoIiwiRyJdXX0.cs_Ex_FK4MpNuAZsGJ0yRP4S0xEVztzsFITgXKlYjLpJvrUHN7Nw_CIm7DhIwyWYpIyo695K3s6IgP-5Kllxng', 'UTF8')),
('jws_1_twin', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMTAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI1LDAsIldoIiwiRyJdXX0.g9PKQiZcfPHfFl-Z8lyM7sRVVMcBsYAMd6ElzTYOwMvPtd3e1_ArlNHROUZSnnm165dAKKIUH2Vcl-JzfFO-gg', 'UTF8')),
('jws_1_kid', convert_to('eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMTAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI1LDAsIldoIiwiRyJdXX0.VbdoixrmKDfjCuuS9NLY-G_qAIqAq_GZum0csbMaQtG5rXYxgH5SxKqDKYbca3LWatGj_sCPSeBrOCfidnl5Ig', 'UTF8')),
('jws_1_other', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyODkwMTAwMCwidHMiOiJTIiwiYm9keSI6W1siMS0wOjEuOC4wIiwxNzUxMzI4MDAwMDAwLDE3NTEzMjg5MDAwMDAsMTI2LDAsIldoIiwiRyJdXX0.bi-i-2XSFGCigWf51x1WBN1MLoWGrty_sD3xMMUp9GgTLnRCCOAKFwQ-aeq8J6FH4AJe7-XNETIAH_wzwxyBxA', 'UTF8')),
('jws_2', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjoyLCJwcmV2Ijoid2hsWU42aEZYbUREeHJHQWEwOGZvbkl4NzBxejNNc29DTmYxRDYyMEQ0ayIsInQiOjE3NTEzMjg5MDIwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyODAwMDAwMCwxNzUxMzI4OTAwMDAwLDEzMCwwLCJXaCIsIkciXV19.TBniDtSMVhOHMZc3Ht_QXLuyPZvBo5mGEqRDpqJER49WeVQc3LBRkJ5MdbvN54dG-YqB-Nu57-3l-3Z4gI8CVA', 'UTF8')),
('jws_3_of_anew', convert_to('eyJhbGciOiJFUzI1NiJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoiYWdhaW46Y2hhaW4iLCJlcG9jaCI6MSwic2VxIjozLCJwcmV2IjoiX2NNZmxxWVJKR0xqNGltSU5KeUYycWdlSHZrRVNyTTA2akpBTFNTQldHOCIsInQiOjE3NTEzMjg5MDMwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyODAwMDAwMCwxNzUxMzI4OTAwMDAwLDEzMSwwLCJXaCIsIkciXV19.oecPFwTj-CwOPiHAmIg-NJGaVe_6nRyvVvGx8FvKlCE_LqLB2AeJhosC-YHvjH-MC4of78s6h6k2mIWtvWa8pw', 'UTF8')),
('cose_1', '\xd28443a10126a05853a90101026772656164696e67036b616761696e3a636861696e040205010640071b00000197c35643a008615309818769312d303a312e382e301b00000197c34888001b00000197c35643a0187d00625768614758404396a37b7be8999e162531f59bf3e4a8331cae2824f63f49feec1d99aec7ed88d1a55032c7e082a9686484b6586b07648ed42ba55657b16faef6b69846cb6ef7'::bytea),
('cose_1_kid', '\xd28443a10126a10441785853a90101026772656164696e67036b616761696e3a636861696e040205010640071b00000197c35643a008615309818769312d303a312e382e301b00000197c34888001b00000197c35643a0187d00625768614758404396a37b7be8999e162531f59bf3e4a8331cae2824f63f49feec1d99aec7ed88d1a55032c7e082a9686484b6586b07648ed42ba55657b16faef6b69846cb6ef7'::bytea),
('cose_1_anew', '\xd28443a10126a05853a90101026772656164696e67036b616761696e3a636861696e040205010640071b00000197c35643a008615309818769312d303a312e382e301b00000197c34888001b00000197c35643a0187d0062576861475840b99710f81c590c8ba2d3ab7facb16cbdae6b3a57524a980cc74c3a8eb522160e5dd983ebf2aea5966751a6eca4e8f89f1d5f84fb720b685cb25e9c69603a3413'::bytea),
('cose_1_twin', '\xd28443a10126a05853a90101026772656164696e67036b616761696e3a636861696e040205010640071b00000197c35643a008615309818769312d303a312e382e301b00000197c34888001b00000197c35643a0187d00625768614758404396a37b7be8999e162531f59bf3e4a8331cae2824f63f49feec1d99aec7ed882e5aafcc381f7d57979b7b49a794f89b2e12cf0850bfed1544c3142ab597b65a'::bytea);

-- Messages by name, in the order named, and what became of each.
CREATE FUNCTION pg_temp.bring(VARIADIC names text[])
RETURNS TABLE (name text, verdict text, epoch bigint, seq bigint, reason text) LANGUAGE sql AS
$$ SELECT names[i.ordinal], i.verdict, i.epoch, i.seq, i.reason FROM energyledger.ingest((SELECT array_agg(f.raw ORDER BY n.ord)
    FROM unnest(names) WITH ORDINALITY n(name, ord) JOIN fixture f USING (name))) i ORDER BY i.ordinal $$;

SELECT energyledger.register_meter(m, '\x046b97e77cd82dabdcf38aa11bea757a422c07504199d1f4238eb164e90714b93b7b469111f078b2dfcf17ac3f6685fb6a54b579a959ff44487ba883828682f210', 'ES256') > 0 AS registered
  FROM unnest('{again:station,again:from-one,again:chain}'::text[]) m;

-- ---- charging stations' numbers

-- Record 1 is the first that comes: the sequence begins with it, until 0 comes.
SELECT * FROM pg_temp.bring('two', 'one');
SELECT epoch, seq, chained FROM energyledger.message WHERE meter = 'again:station' ORDER BY 1, 2;
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{again:station}');
SELECT * FROM pg_temp.bring('zero');
SELECT epoch, seq, chained FROM energyledger.message WHERE meter = 'again:station' ORDER BY 1, 2;
SELECT * FROM energyledger.meter_gap WHERE meter = 'again:station';
-- Both counters run on, so both get receipts.
SELECT * FROM pg_temp.bring('f_zero', 'f_one');
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{again:station}');
-- The highest number, and the one above it.
SELECT * FROM pg_temp.bring('top');
SELECT energyledger.parse_message(raw) ->> 'reason' AS reason FROM fixture WHERE name = 'beyond';
SELECT epoch, from_seq, to_seq FROM energyledger.meter_gap WHERE meter = 'again:station';
SELECT epoch, seq, chained FROM energyledger.message WHERE meter = 'again:station' ORDER BY 1, 2;
-- 3 comes first, is beyond a gap, and is reached once 1 and 2 are here; nobody misses 0.
SELECT * FROM pg_temp.bring('from_T3');
SELECT epoch, from_seq, to_seq FROM energyledger.meter_gap WHERE meter = 'again:from-one';
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{again:from-one}');
SELECT * FROM pg_temp.bring('from_T2', 'from_T1');
SELECT epoch, from_seq, to_seq FROM energyledger.meter_gap WHERE meter = 'again:from-one';
SELECT meter, epoch, seq FROM energyledger.meter_receipts('{again:from-one}');

-- ---- another signature

SELECT * FROM pg_temp.bring('one_lower_case', 'one_base64', 'one_spaced', 'one_raw', 'one_twin', 'one_signed_anew');
-- The signature must be right, and the payload the same byte for byte.
SELECT * FROM pg_temp.bring('one_forged', 'one_by_another', 'one_other', 'one_spaced_payload');
SELECT kind, epoch, seq, count(*) FROM energyledger.meter_fork WHERE meter = 'again:station' GROUP BY 1, 2, 3;
-- What came first stays.
SELECT count(*), bool_and(m.raw = f.raw) AS first_kept FROM energyledger.message m, fixture f
 WHERE m.meter = 'again:station' AND m.epoch = 0 AND m.seq = 2 AND f.name = 'one';

-- The chain profile: two in one batch, then one by one.
SELECT * FROM pg_temp.bring('jws_1', 'jws_1_anew', 'jws_1_other', 'jws_1_twin');
SELECT * FROM pg_temp.bring('jws_1_twin', 'jws_1_anew', 'jws_1_kid', 'jws_1');
SELECT * FROM pg_temp.bring('cose_1');
SELECT * FROM pg_temp.bring('cose_1_kid', 'cose_1_anew', 'cose_1_twin');
-- prev is the hash of the whole message: what goes on from another signature is taken, and told of.
SELECT * FROM pg_temp.bring('jws_2', 'jws_3_of_anew');
SELECT kind, epoch, seq, count(*) FROM energyledger.meter_fork WHERE meter = 'again:chain' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT epoch, seq, prev_valid, m.raw = f.raw AS first_kept FROM energyledger.message m JOIN fixture f USING (raw)
 WHERE meter = 'again:chain' ORDER BY epoch, seq;

-- ---- another key by now: what was taken is a duplicate still, in whatever form it comes

SELECT energyledger.register_meter('again:station', '\x04a8b25a50fd11e672da05bd12415d34d1cd821889abb53fdb46d3d715f4b08ffec95b34df78bfe126c7a9f8edef739f049459a113afd7f99c371647070eec0040', 'ES256') > 0 AS registered;
SELECT * FROM pg_temp.bring('one_base64', 'one_signed_anew', 'one_by_another', 'one_forged', 'one_other');
SELECT energyledger.revoke_meter_key('again:station', '\x046b97e77cd82dabdcf38aa11bea757a422c07504199d1f4238eb164e90714b93b7b469111f078b2dfcf17ac3f6685fb6a54b579a959ff44487ba883828682f210', 'stolen') > 0 AS revoked;
SELECT * FROM pg_temp.bring('one', 'one_twin', 'one_other');
-- Set aside, and its text taken meanwhile: there is nothing left to release.
SELECT r.verdict, r.epoch, r.seq FROM energyledger.quarantine q JOIN fixture f USING (raw),
       energyledger.release(q.ledger_id, 'a test') r WHERE f.name = 'one_by_another' AND q.reason = 'bad_signature';

/*
 * metering_key.sql: which key may sign what: several keys, ranges, times, revocation,
 * change of keys by message, release from the quarantine; forks and clocks.
 *
 * The messages are really signed, by Ed25519 keys made from seeds that only tests use
 * (SHA-256 of 'a key that only tests are using: ' and the key's name).
 */
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_energyledger;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '(null)'

CREATE TEMP TABLE fixture (name text, raw bytea);
CREATE TEMP TABLE key (name text, public_key bytea);
INSERT INTO fixture VALUES
('r1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpyb3RhdGVzIiwiZXBvY2giOjEsInNlcSI6MSwicHJldiI6IiIsInQiOjE3NTEzMjk4MDAwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyODkwMDAwMCwxNzUxMzI5ODAwMDAwLDEsMCwiV2giLCJHIl1dfQ.4idM6YQejfHPB_Hjf94pO8tKG3O0iPHvzAlqHwpsvMA5cCFZaQeQGQV53ntuXGmCDhh-B3mcB0nSaFyIHFSIAw'::bytea),
('r2_to_two', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjoyLCJwcmV2IjoiTUtDcFdzSGgyTVZsbTlaNnZBYzZUcXdFVVBRMTd6d0wwajVVWEpmZGppSSIsInQiOjE3NTEzMzA3MDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIkU0VmItUkpDMl9obUtncHkzYWNpd1phZFlxQW0wTVdtZF9yTlotTUdseDgiXX0.lvXOsun5aO3usT27mYHAOj8l-ItE1aB6lizKbJGZNeTiyXVIdFaR88gZfE_X9jvFM-Bt79_7q0KVPY3KmLmaAA'::bytea),
('r2_to_other_by_other', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjoyLCJwcmV2IjoiTUtDcFdzSGgyTVZsbTlaNnZBYzZUcXdFVVBRMTd6d0wwajVVWEpmZGppSSIsInQiOjE3NTEzMzA3MDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIjdJSkx4NHkwT3Y3N3k4T0tWSTdLVWJjZldYZWRqdHBWSVJQamJyMGYtWUEiXX0.may9JUBM31fnIpHTedrDQiDCwjJfhyQsu3_fM5R6RffuWqwaHy8jqKCEEWWfxNofgY4gzQ9jJ20YaSzRqGMJDg'::bytea),
('r3', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpyb3RhdGVzIiwiZXBvY2giOjEsInNlcSI6MywicHJldiI6IjRJbnU4aTM3M3E0Rl8xVnc2QjVyaFpkbEZyWWFybjR2elRjaDRBQXJEb28iLCJ0IjoxNzUxMzMxNjAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMzA3MDAwMDAsMTc1MTMzMTYwMDAwMCwzLDAsIldoIiwiRyJdXX0.SDNIzPmyZ4bgoISySAybxPYxes5L4U7ejsrUP_9h6u7OY0FQ3xHplF4Jy1HP0ziZLDJsKGj8kqoJsbz1lQRMCw'::bytea),
('r3_by_one', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpyb3RhdGVzIiwiZXBvY2giOjEsInNlcSI6MywicHJldiI6IjRJbnU4aTM3M3E0Rl8xVnc2QjVyaFpkbEZyWWFybjR2elRjaDRBQXJEb28iLCJ0IjoxNzUxMzMxNjAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMzA3MDAwMDAsMTc1MTMzMTYwMDAwMCwzMywwLCJXaCIsIkciXV19.HYZdeWYfCGjvGAMCr2XvX8N9W6weja2a4Ag7pgH9Rga_EyKMXcgmZ-TLaD40mUIh7btY8ajSckOfyb0nSPhUAQ'::bytea),
('r4_to_three', '\xd28443a10127a05876a9010102636b6579036c746573743a726f746174657304010504065820906524dca7fce3924c0fd6c2339d5baf323c2b98323ef9e5635a3822d141743d071b00000197c38d3220086153098267456432353531395820ee5f609d9dd92d835ac3b9d58be91bfd00a15426a575a5af36a813d35bf1b51758400cd131c511fe485c7e5ed29e52c46a60a628a366a55c68165112041e396b8c792ecc3c4d00c089165ad3d18001c9564e3eb25cc52dd970d80c6fbe5f35f39f01'),
('r5', '\xd28443a10127a05874a90101026772656164696e67036c746573743a726f7461746573040105050658200bad40bf5b5a8c15b64c0a6d38063a9b454d0fc41e82d6189a22662dd94a0714071b00000197c39aedc008615309818769312d303a312e382e301b00000197c38d32201b00000197c39aedc00500625768614758403f0d251cd5cdfcb3eef106bb4991453203276e5ac728e12c4aafbce0f42dc8d658948c4905eef5d954152a1118a9918285f2b8bd988c0c470c8e0f7d9838a201'),
('r6_same', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIjdsOWduWjNaTFlOYXc3blZpLWtiX1FDaFZDYWxkYVd2TnFnVDAxdnh0UmMiXX0.BVzQcmcwADAZuIJx-9tIwNsu8ezKehWIOy7LksaZSjS78cZB6uAxLetnu7ABhvS_9To_usa5lQmrVpvmoS0ZDA'::bytea),
('r6_short', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIkFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSJdfQ.-kEBXHvvujayv6NhBAqooL5l6aUUIs89uFbUboySDbCktFwv0tt9q343vMEiH4T6OnppR3AUVolEWr5z5eGAAA'::bytea),
('r6_long', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIkFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQSJdfQ.GogPbi4hU-hB6_iUMwxHnaYLIFyhqpR-PXNyt446YcrslYL3IktiGRnE1_3G_FiVkYpykzJH95x2w21x8m2HDg'::bytea),
('r6_rsa', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiUlMyNTYiLCJBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIl19.uxiU6pWIGE1zoKJaobNE10Scl6eiFQV5dGXcTs7gqDSAFz0XiktCP3uWM7yuoSStniyoQKRoQNCUreKism0iCA'::bytea),
('r6_three_items', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIkU0VmItUkpDMl9obUtncHkzYWNpd1phZFlxQW0wTVdtZF9yTlotTUdseDgiLDFdfQ.URRtpHqJkr2eQ-7OeGiB3TxYwU36q-1dbXWKJgvrc0g11RC58_He-me0AlNuCrN0czb_VsumdYkDgDVw_S4VAA'::bytea),
('r6_to_one', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoia2V5IiwibWV0ZXIiOiJ0ZXN0OnJvdGF0ZXMiLCJlcG9jaCI6MSwic2VxIjo2LCJwcmV2IjoiYmdoSVRxV295UXV4cDZMRnU5UF9FZmVxa1Z4TGwzMVZtQlZ3Ymw3R2NtTSIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOlsiRWQyNTUxOSIsIklaU1g2UkdNQVVDOXFaWW1hNGVTbjQ4c0ZVRUdQSDZ1dzRuWFFUQ3VfbEEiXX0.UlTE0oGl_lQ8ZGT53YmYRVYUBVOYa1Dz_YQyJnD2koD7cpZbTUJ46TA4p52-nGTc3GDpKLzUEz9lmD4fbSLEAw'::bytea),
('r6', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpyb3RhdGVzIiwiZXBvY2giOjEsInNlcSI6NiwicHJldiI6ImJnaElUcVdveVF1eHA2TEZ1OVBfRWZlcWtWeExsMzFWbUJWd2JsN0djbU0iLCJ0IjoxNzUxMzM0MzAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMzM0MDAwMDAsMTc1MTMzNDMwMDAwMCw2LDAsIldoIiwiRyJdXX0.qa_rdiUMm73LNwL-kfLimO1Lgcaet1czovY2ugIgMS5kkdY-IrmtKH2tuot-VQJVOV4eFk7Y3E99B9ooV5EcAQ'::bytea),
('r7', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpyb3RhdGVzIiwiZXBvY2giOjEsInNlcSI6NywicHJldiI6ImR0OERjX3FjX3hMSXU1RXVPanVzSFNYSlpUWDNhVFVZMW5rU1NnQlBOb2ciLCJ0IjoxNzUxMzM1MjAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMzQzMDAwMDAsMTc1MTMzNTIwMDAwMCw3LDAsIldoIiwiRyJdXX0.SPBYvc5GzWdr4Uv-wqApkk5ipE9_F2L3UaDe5-uV8noDwah7Xoke2kTN8GJNVa03MsDnJbit53Ea0AKut-KMDg'::bytea),
('c1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjoxLCJwcmV2IjoiIiwidCI6MTc1MTMyOTgwMDAwMCwidHMiOiJTIiwiYm9keSI6eyJraW5kIjoic3RhcnQifX0.C3uJZ2XUG4Zl4PJKmKqacC66h_CecF4sXfygQpTiruzOPasGTv0xoalu6UW8sZT2szpJAySfAo--eg1dxRwUAg'::bytea),
('c2_ahead', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjoyLCJwcmV2IjoiQUlSTFdlZkdvX3RMSE9RVUIyd0RnUm41YUxXZ2hNbFh0SnBKcTNWbEdRVSIsInQiOjQxMDI0NDQ4MDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6IngifX0.ZzEYA3L2lKUGw8fgEyod5iv8mMh-guWzwESAreagbjZ0YAScrhDcX_u2CF1z_T6XMUIGjV1TWc1Qf8TcLGJ1Bw'::bytea),
('c3_back', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjozLCJwcmV2IjoiM01nb2xYdmxyclZYOTBuVmF1WGd6ajhKUW81YnR4UjhZUDZNSWZYUEpvcyIsInQiOjE3NTEzMzE2MDAwMDAsInRzIjoiVSIsImJvZHkiOnsia2luZCI6IngifX0.NP6hdBQwOnf6NFa_V1BFcvmVC_tRgAUksjqf9-ts-0H23Qjhi8Fpt0LutpTndKNOfk5DpRoXwSIuB79tb3yQAw'::bytea),
('c4', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjo0LCJwcmV2IjoiSmVzMm5nbGpuamVRS21ZaU5ya2REcG5WcFJNTk0wYl9raVVJZ2FyRk5GbyIsInQiOjE3NTEzMzI1MDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6IngifX0.gJrzUkzJcrFdQjlIIrvin1Yrs31gv6gfBIHS3MeeS7KpjuY_w9VUnO2k3R3bAbSbR8Zu8J8LQeAMPVx0_jxeBA'::bytea),
('c5_fork', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjo1LCJwcmV2IjoiQVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRUJBUUVCQVFFQkFRRSIsInQiOjE3NTEzMzM0MDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6IngifX0.8Dn7V-4NEuLNEfs6TE-qJxaKy7aA99NUlRaOfHHy_8Tc7CwGqzbk4jtNyyKGuTWwA87bzeyuwO47RC0VAKIlBw'::bytea),
('c7_fork_early', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjo3LCJwcmV2IjoiQWdJQ0FnSUNBZ0lDQWdJQ0FnSUNBZ0lDQWdJQ0FnSUNBZ0lDQWdJQ0FnSSIsInQiOjE3NTEzMzUyMDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6IngifX0.Pvi05mYBGRiT8qrX7GhG49cxO7O43OgrwoGz65g8Q49OVB-xGKNkjY9EqG_dhfmxoAcV5VMf_116oD4j7W75Bg'::bytea),
('c6', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjo2LCJwcmV2IjoibU9MMEFtSW5scHV5ekRQWlNiNEFqaFNBaHNyZXhNdkY3eTB5YTBUeHJldyIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6IngifX0.YXBw6GwrdvJEnKWxmo_O2xZb3uKbDq4cFtfH4-oiSB02BX80olDm0IAPOAV_LUsa987nrS-p2ZITeuX2DkboDQ'::bytea),
('c6_other', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoiZXZlbnQiLCJtZXRlciI6InRlc3Q6Y2xvY2siLCJlcG9jaCI6MCwic2VxIjo2LCJwcmV2IjoibU9MMEFtSW5scHV5ekRQWlNiNEFqaFNBaHNyZXhNdkY3eTB5YTBUeHJldyIsInQiOjE3NTEzMzQzMDAwMDAsInRzIjoiUyIsImJvZHkiOnsia2luZCI6InkifX0.m2os9m1hoi2ATtus2JacFHnj7Y6wr7UktiSwgsm9FPnomiDxyImUpMPLxIamlNMuNpOOyxNucPUDl1Z5fn-oCg'::bytea),
('l1', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpsYXRlIiwiZXBvY2giOjEsInNlcSI6MSwicHJldiI6IiIsInQiOjE3NTEzMjk4MDAwMDAsInRzIjoiUyIsImJvZHkiOltbIjEtMDoxLjguMCIsMTc1MTMyODkwMDAwMCwxNzUxMzI5ODAwMDAwLDEsMCwiV2giLCJHIl1dfQ.OF-xW_cxbU3Onw1_dAipqM-cAd68UB0mLO_6S8cefOKE6YnW2XCoWxCwV1gi2yrqA9q7DhBfonXCtSszWMiABQ'::bytea),
('l2', 'eyJhbGciOiJFZERTQSJ9.eyJ2IjoxLCJ0eXBlIjoicmVhZGluZyIsIm1ldGVyIjoidGVzdDpsYXRlIiwiZXBvY2giOjEsInNlcSI6MiwicHJldiI6ImxZM2R1Y19ZVmRLUkpDQ2ZZRG1EbnAtZmNIelBnMFNfQUlGWDd0enpETHciLCJ0IjoxNzUxMzMwNzAwMDAwLCJ0cyI6IlMiLCJib2R5IjpbWyIxLTA6MS44LjAiLDE3NTEzMjk4MDAwMDAsMTc1MTMzMDcwMDAwMCwyLDAsIldoIiwiRyJdXX0.z4VzKYzL47rLHh1c0_PiDXEgyz94ve0P6ngvjpYwOM3EZiEPqGQL6tJ0FQIHqA7K99oFI0ZfVoqkW9ILPu0ZAA'::bytea);
INSERT INTO key VALUES
('one', '\x219497e9118c0140bda996266b87929f8f2c1541063c7eaec389d74130aefe50'),
('two', '\x13855bf91242dbf8662a0a72dda722c1969d62a026d0c5a677facd67e306971f'),
('three', '\xee5f609d9dd92d835ac3b9d58be91bfd00a15426a575a5af36a813d35bf1b517'),
('other', '\xec824bc78cb43afefbcbc38a548eca51b71f59779d8eda552113e36ebd1ff980');
CREATE FUNCTION pg_temp.messages(VARIADIC names text[]) RETURNS bytea[] LANGUAGE sql AS
$$ SELECT array_agg(f.raw ORDER BY n.ord) FROM unnest(names) WITH ORDINALITY n(name, ord) JOIN fixture f USING (name) $$;
CREATE FUNCTION pg_temp.take(VARIADIC names text[]) RETURNS TABLE (message text, verdict text, reason text) LANGUAGE sql AS
$$ SELECT names[i.ordinal], i.verdict, i.reason FROM energyledger.ingest(pg_temp.messages(VARIADIC names)) i ORDER BY i.ordinal $$;
CREATE FUNCTION pg_temp.key(key_name text) RETURNS bytea LANGUAGE sql AS $$ SELECT public_key FROM key WHERE name = key_name $$;
CREATE FUNCTION pg_temp.keys(of_meter text) RETURNS TABLE (key text, from_seq text, until_seq text, open boolean, revoked boolean, reason text, by_message text)
LANGUAGE sql AS $$
    SELECT k.name, format('%s/%s', c.from_epoch, c.from_seq), format('%s/%s', c.until_epoch, c.until_seq),
           c.valid_from <= now() AND c.valid_until > now(), c.revoked, c.reason, format('%s/%s', c.message_epoch, c.message_seq)
      FROM energyledger.meter_key_current c JOIN key k USING (public_key) WHERE c.meter = of_meter ORDER BY k.name $$;
-- ids and times differ from run to run
CREATE FUNCTION pg_temp.refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'was not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN regexp_replace(concat_ws(': ', SQLSTATE, SQLERRM, CASE WHEN SQLSTATE <> '23514' THEN nullif(detail, '') END), '\d{10,}', '<id>', 'g');
END $$;

-- A meter without a key is not known; its party and place may be.
SELECT energyledger.register_meter('test:rotates', party => 'p-1', location => 'house-1', technology => 'solar', capacity_w => 5000,
    latitude_microdegrees => 52370000, longitude_microdegrees => 4890000, altitude_m => -2, tilt_degrees => 35, azimuth_degrees => 180,
    grid_zone => 'nl.ams', shard => '0', calibrated_until => '2033-12-31 23:00+00') > 0 AS registered;
SELECT party, location, altitude_m, tilt_degrees, azimuth_degrees, grid_zone, shard, calibrated_until FROM energyledger.meter_current WHERE meter = 'test:rotates';
SELECT * FROM pg_temp.take('r1');
SELECT energyledger.add_meter_key('test:rotates', pg_temp.key('one')) > 0 AS added;
SELECT * FROM pg_temp.take('r1');

-- Of a meter with as many keys as are read, those of the batch itself are not the ones left out.
BEGIN;
SELECT count(energyledger.add_meter_key('test:rotates', k)) FROM (SELECT k FROM generate_series(1, 99) i,
    decode(md5('x' || i) || md5('y' || i), 'hex') k WHERE energyledger.public_key_valid(k, 'Ed25519') ORDER BY i LIMIT 16) x;
SELECT energyledger.add_meter_key('test:rotates', pg_temp.key('one')) > 0 AS added;
SELECT seq, verdict, reason FROM energyledger.ingest(pg_temp.messages('r1', 'r2_to_two', 'r3', 'r4_to_three', 'r5', 'r6')) ORDER BY seq;
ROLLBACK;

-- A key is replaced by a message that it signs, and ends with it; all in one batch, in any order.
SELECT * FROM pg_temp.take('r3', 'r3_by_one', 'r2_to_other_by_other', 'r2_to_two');
SELECT * FROM pg_temp.keys('test:rotates');
SELECT * FROM pg_temp.take('r3_by_one', 'r2_to_two', 'r3');
-- A message of the next key waits in the quarantine until the one that names it has come.
SELECT * FROM pg_temp.take('r5');
SELECT * FROM pg_temp.take('r4_to_three', 'r5');
SELECT * FROM pg_temp.keys('test:rotates');
SELECT * FROM pg_temp.take('r6_same', 'r6_short', 'r6_long', 'r6_rsa', 'r6_three_items');
SELECT energyledger.parse_message((pg_temp.messages('r6_short'))[1]) ->> 'reason' AS parsed;
SELECT energyledger.revoke_meter_key('test:rotates', pg_temp.key('one'), 'sold') > 0 AS revoked;
SELECT * FROM pg_temp.take('r6_to_one', 'r6');
SELECT * FROM pg_temp.keys('test:rotates');

-- What is revoked is not believed, whatever its number, and a person decides; so for time and range.
SELECT energyledger.revoke_meter_key('test:rotates', pg_temp.key('three'), 'stolen?') > 0 AS revoked;
SELECT * FROM pg_temp.take('r7', 'r6');
SELECT energyledger.add_meter_key('test:late', pg_temp.key('other'), from_epoch => 1, from_seq => 2, valid_from => '2099-01-01 00:00+00') > 0 AS added;
SELECT * FROM pg_temp.take('l1', 'l2');
SELECT energyledger.add_meter_key('test:late', pg_temp.key('other'), from_epoch => 1, from_seq => 2) > 0 AS added;
SELECT * FROM pg_temp.take('l1', 'l2');
SELECT reason, detail, meter, epoch, seq FROM energyledger.quarantine WHERE meter IN ('test:rotates', 'test:late') ORDER BY meter, seq, reason, detail;
SELECT meter, seq, reason FROM energyledger.quarantine_open WHERE meter IN ('test:rotates', 'test:late') ORDER BY meter, seq, reason, digest;

SELECT r.* FROM energyledger.quarantine q, energyledger.release(q.ledger_id, 'the meter was found to be sound') r WHERE q.reason = 'key_revoked' AND q.meter = 'test:rotates' AND q.seq = 7;
SELECT r.* FROM energyledger.quarantine q, energyledger.release(q.ledger_id, 'installed earlier than registered') r WHERE q.meter = 'test:late' AND q.seq = 1 ORDER BY q.detail LIMIT 1;
SELECT q.reason, r.verdict, r.meter, r.epoch, r.seq, r.reason AS why, r.role = session_user AS by_me FROM energyledger.quarantine_release r JOIN energyledger.quarantine q ON q.ledger_id = r.quarantine_id
 WHERE r.meter IN ('test:rotates', 'test:late') ORDER BY r.meter, r.seq;
SELECT meter, seq, quarantine_id IN (SELECT quarantine_id FROM energyledger.quarantine_release) AS released FROM energyledger.message
 WHERE meter IN ('test:rotates', 'test:late') ORDER BY meter, seq;
SELECT meter, from_at, value FROM energyledger.reading WHERE meter IN ('test:rotates', 'test:late') ORDER BY meter, from_at;
-- twice; a signature that is no key's of the meter; a number that is taken; what is no message; none
SELECT pg_temp.refused(format('SELECT energyledger.release(%s, ''again'')', ledger_id)) FROM energyledger.quarantine WHERE reason = 'key_revoked' AND meter = 'test:rotates' AND seq = 7;
SELECT pg_temp.refused(format('SELECT energyledger.release(%s, ''x'')', ledger_id)) FROM energyledger.quarantine WHERE reason = 'bad_signature' AND meter = 'test:rotates' AND seq = 2;
SELECT pg_temp.refused(format('SELECT energyledger.release(%s, ''x'')', ledger_id)) FROM energyledger.quarantine WHERE reason = 'key_not_valid' AND meter = 'test:rotates' AND seq = 3;
SELECT pg_temp.refused(format('SELECT energyledger.release(%s, ''x'')', ledger_id)) FROM energyledger.quarantine WHERE reason = 'bad_key' AND meter = 'test:rotates' AND detail IS NULL ORDER BY ledger_id LIMIT 1;
SELECT pg_temp.refused('SELECT energyledger.release(7, ''x'')');
SELECT pg_temp.refused(format('SELECT energyledger.release(%s, %L)', ledger_id, why)) FROM energyledger.quarantine, unnest(ARRAY['', repeat('x', 1001), NULL]) why WHERE meter = 'test:late' AND seq = 2 AND detail LIKE '%2099%';
SELECT count(*) FROM energyledger.quarantine_release WHERE meter IN ('test:rotates', 'test:late');

-- What a registration refuses.
SELECT pg_temp.refused(s) FROM unnest(ARRAY[
    'SELECT energyledger.add_meter_key(''m m'', ''\x'')', 'SELECT energyledger.add_meter_key(''m'', ''\x00'')',
    'SELECT energyledger.add_meter_key(''m'', NULL)', 'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), ''RS256'')',
    'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), from_epoch => 4294967296)',
    'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), from_seq => 0)',
    'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), until_seq => 5)',
    'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), from_seq => 5, until_epoch => 0, until_seq => 4)',
    'SELECT energyledger.add_meter_key(''m'', decode(repeat(''00'', 32), ''hex''), valid_from => ''2030-01-01 00:00+00'', valid_until => ''2030-01-01 00:00+00'')',
    'SELECT energyledger.add_meter_key(''test:rotates'', pg_temp.key(''one''))',
    'SELECT energyledger.register_meter(''test:rotates'', pg_temp.key(''one''))',
    'SELECT energyledger.revoke_meter_key(''test:rotates'', pg_temp.key(''one''), ''again'')',
    'SELECT energyledger.revoke_meter_key(''test:late'', pg_temp.key(''one''), ''never had it'')',
    'SELECT energyledger.revoke_meter_key(''test:late'', pg_temp.key(''other''), '''')',
    'SELECT energyledger.register_meter(''m'', tilt_degrees => 181)', 'SELECT energyledger.register_meter(''m'', azimuth_degrees => 360)',
    'SELECT energyledger.register_meter(''m'', altitude_m => 9001)', 'SELECT energyledger.register_meter(''m'', shard => ''#'')',
    'SELECT energyledger.register_meter(''m'', description => repeat(''x'', 1001))',
    'INSERT INTO energyledger.meter_key (meter, public_key, algorithm) VALUES (''m'', ''\x00'', ''Ed25519'')',
    'INSERT INTO energyledger.meter (meter) VALUES (''m m'')']) s;

-- A registration with a key ends the others; a key that comes back after one is written anew.
SELECT energyledger.register_meter('test:late', pg_temp.key('two')) > 0 AS registered;
SELECT energyledger.register_meter('test:late', pg_temp.key('two')) > 0 AS registered;
SELECT * FROM pg_temp.keys('test:late');
SELECT energyledger.register_meter('test:late', pg_temp.key('other')) > 0 AS registered;
SELECT key, open, reason FROM pg_temp.keys('test:late');
SELECT count(*) FROM energyledger.meter_key WHERE meter = 'test:late';

-- Of more than 16 keys the newest are tried.
SELECT count(energyledger.add_meter_key('test:many', sha256(g::text::bytea))) FROM generate_series(1, 15) g;
SELECT energyledger.add_meter_key('test:clock', pg_temp.key('one')) > 0 AS added;
SELECT count(energyledger.add_meter_key('test:clock', sha256(g::text::bytea))) FROM generate_series(1, 15) g;
SELECT * FROM pg_temp.take('c1');
SELECT energyledger.add_meter_key('test:clock', sha256('16')) > 0 AS added;
SELECT * FROM pg_temp.take('c2_ahead');
SELECT energyledger.add_meter_key('test:clock', pg_temp.key('one')) > 0 AS added;

-- Clocks are noted, and refuse nothing; forks are evidence, found whichever came first.
SELECT * FROM pg_temp.take('c2_ahead', 'c4', 'c3_back');
SELECT * FROM pg_temp.take('c5_fork', 'c7_fork_early');
SELECT * FROM pg_temp.take('c6', 'c6_other');
SELECT seq, clock_status, abs(clock_ahead_ms - extract(epoch FROM sent_at - received_at) * 1000) < 2 AS ahead, clock_back_ms FROM energyledger.meter_clock WHERE meter = 'test:clock' ORDER BY seq;
SELECT seq, kind, left(encode(expected, 'hex'), 8) AS expected, left(encode(found, 'hex'), 8) AS found FROM energyledger.meter_fork WHERE meter = 'test:clock' ORDER BY seq, kind;

-- Of parties and locations the newest row counts, and the older ones stay.
COPY energyledger.party (party, name, contact) FROM STDIN;
p-1	The first name	p@example.org
p-1	The second name	\N
p-2	Another	\N
\.
COPY energyledger.location (location, party, address, latitude_microdegrees, longitude_microdegrees, grid_zone, time_zone) FROM STDIN;
house-1	p-1	1 Old Road	52370000	4890000	NL	Europe/Amsterdam
house-1	p-2	1 New Road	52370000	4890000	NL	Europe/Amsterdam
\.
SELECT party, name::text, contact::text FROM energyledger.party_current WHERE party IN ('p-1', 'p-2') ORDER BY party;
SELECT l.location, l.address::text, l.grid_zone, l.time_zone, p.name::text AS party, m.meter
  FROM energyledger.location_current l JOIN energyledger.party_current p USING (party) JOIN energyledger.meter_current m USING (location);
SELECT (SELECT count(*) FROM energyledger.party WHERE party LIKE 'p-_') AS parties, (SELECT count(*) FROM energyledger.location WHERE location LIKE 'house-%') AS locations;
\set VERBOSITY terse
UPDATE energyledger.location SET address = 'elsewhere';
\set VERBOSITY default

-- The register is a ledger like the rest.
SELECT energyledger.seal() IS NOT NULL AS sealed;
SET client_min_messages = warning;
SELECT * FROM energyledger.verify();

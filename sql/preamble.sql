-- preamble.sql: stops psql users who read the script in by hand.
\echo Use "CREATE EXTENSION pg_energyledger" to load this file. \quit

COMMENT ON SCHEMA energyledger IS
'pg_energyledger: ledger tables, signed checkpoints, signed meter messages';


/*
 * settlement.sql: what was traded against what was delivered, and who owes whom for it.
 *
 * A slot is settled in runs.  Nothing is edited: a later run, made when readings came
 * late or were corrected, takes back the postings that are no longer right and books
 * new ones.
 */

CREATE TABLE energyledger.settlement (
    market      text COLLATE "C" NOT NULL,
    slot        timestamptz NOT NULL,
    run         integer NOT NULL CHECK (run >= 0),
    clearing_id bigint NOT NULL,
    known_at    timestamptz NOT NULL,
    parties     integer NOT NULL,
    changed     integer NOT NULL,
    pending     integer NOT NULL,
    settled_at  timestamptz NOT NULL,
    settled_by  text NOT NULL
) USING ledger;
CREATE UNIQUE INDEX settlement_key ON energyledger.settlement (market, slot, run);
CREATE UNIQUE INDEX settlement_id_key ON energyledger.settlement (ledger_id);
COMMENT ON TABLE energyledger.settlement IS
'runs in which slots were settled: 0 is the first (SF), then R1, R2, ... where readings came late or were corrected. Written by settle()';
COMMENT ON COLUMN energyledger.settlement.market IS 'where';
COMMENT ON COLUMN energyledger.settlement.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.settlement.run IS '0: SF, the first; n: Rn';
COMMENT ON COLUMN energyledger.settlement.clearing_id IS 'what was traded: the slot''s last clearing, its ledger_id';
COMMENT ON COLUMN energyledger.settlement.known_at IS 'readings and estimates that had come by then';
COMMENT ON COLUMN energyledger.settlement.parties IS 'members of the market and others who traded';
COMMENT ON COLUMN energyledger.settlement.changed IS 'parties whose position is new or another in this run';
COMMENT ON COLUMN energyledger.settlement.pending IS 'parties of whose meters energy is missing: their trades are booked, their deviations wait';
COMMENT ON COLUMN energyledger.settlement.settled_at IS 'when';
COMMENT ON COLUMN energyledger.settlement.settled_by IS 'by which role';
COMMENT ON COLUMN energyledger.settlement.ledger_id IS 'assigned by the ledger: site, then a counter. Postings name it in booking';
COMMENT ON INDEX energyledger.settlement_key IS 'each run once';
COMMENT ON INDEX energyledger.settlement_id_key IS 'a run by its number';

CREATE TABLE energyledger.settlement_position (
    market       text COLLATE "C" NOT NULL,
    slot         timestamptz NOT NULL,
    run          integer NOT NULL,
    party        text COLLATE "C" NOT NULL,
    bought_wh    bigint NOT NULL,
    sold_wh      bigint NOT NULL,
    import_wh    bigint NOT NULL,
    export_wh    bigint NOT NULL,
    deviation_wh bigint NOT NULL,
    quality      text COLLATE "C" NOT NULL,
    CONSTRAINT settlement_position_deviation_check CHECK (deviation_wh = (import_wh::numeric - export_wh) - (bought_wh::numeric - sold_wh))
) USING ledger;
CREATE UNIQUE INDEX settlement_position_key ON energyledger.settlement_position (market, slot, party, run);
COMMENT ON TABLE energyledger.settlement_position IS
'what a party traded and what its meters measured; of a party''s rows for a slot that of the highest run counts. Written by settle(), in the run in which it became so';
COMMENT ON COLUMN energyledger.settlement_position.market IS 'where';
COMMENT ON COLUMN energyledger.settlement_position.slot IS 'beginning of the slot';
COMMENT ON COLUMN energyledger.settlement_position.run IS 'settlement.run';
COMMENT ON COLUMN energyledger.settlement_position.party IS 'whose';
COMMENT ON COLUMN energyledger.settlement_position.bought_wh IS 'by trades, in Wh';
COMMENT ON COLUMN energyledger.settlement_position.sold_wh IS 'by trades';
COMMENT ON COLUMN energyledger.settlement_position.import_wh IS 'taken from the grid, all its meters';
COMMENT ON COLUMN energyledger.settlement_position.export_wh IS 'given to it';
COMMENT ON COLUMN energyledger.settlement_position.deviation_wh IS '(import - export) - (bought - sold): above zero it was short, and bought from the grid; below, long';
COMMENT ON COLUMN energyledger.settlement_position.quality IS 'worst quality of its meters'' energy: measured, spread, substitute or estimated; none where it has no meter';
COMMENT ON COLUMN energyledger.settlement_position.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.settlement_position_key IS 'a party''s positions for a slot, run after run';

SELECT pg_catalog.pg_extension_config_dump('energyledger.settlement', '');
SELECT pg_catalog.pg_extension_config_dump('energyledger.settlement_position', '');

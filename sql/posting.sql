/*
 * posting.sql: who owes whom how much, and for what.
 *
 * A posting is a payment due from one party to another: both sides stand in one row,
 * so no posting can be without its other side and all of them together are zero.
 * Nothing is edited: what was wrong is taken back by a posting of the negative
 * amount that names it, and booked anew.
 *
 * Money is in nano-currency (10^-9): energy in Wh times a price in micro-currency per
 * kWh is a whole number of these, so nothing is rounded before an invoice is.
 */

CREATE TABLE energyledger.posting (
    booking             bigint NOT NULL,
    kind                text COLLATE "C" NOT NULL,
    payer               text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(payer)),
    payee               text COLLATE "C" NOT NULL CHECK (energyledger.identifier_valid(payee)),
    amount_nano         bigint NOT NULL,
    currency            text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    vat_ppm             integer NOT NULL DEFAULT 0 CHECK (vat_ppm BETWEEN 0 AND 1000000),
    energy_wh           bigint,
    price_micro_per_kwh bigint,
    from_at             timestamptz NOT NULL,
    to_at               timestamptz NOT NULL CHECK (to_at >= from_at),
    market              text COLLATE "C",
    trade_seq           integer,
    meter               text COLLATE "C",
    tariff              text COLLATE "C",
    component           text COLLATE "C",
    reverses            bigint,
    CONSTRAINT posting_parties_check CHECK (payer <> payee),
    CONSTRAINT posting_amount_check CHECK (energy_wh IS NULL OR price_micro_per_kwh IS NULL
        OR amount_nano = energy_wh::numeric * price_micro_per_kwh)
) USING ledger;
CREATE INDEX posting_payer_idx ON energyledger.posting (payer, from_at);
CREATE INDEX posting_payee_idx ON energyledger.posting (payee, from_at);
CREATE INDEX posting_booking_idx ON energyledger.posting (booking);
CREATE UNIQUE INDEX posting_reverses ON energyledger.posting (reverses) WHERE reverses IS NOT NULL;
COMMENT ON TABLE energyledger.posting IS
'payments due from one party to another, both sides in a row. Never edited: taken back by a row that names it in reverses. Written by settle(), charge(), invoice() and record_payment()';
COMMENT ON COLUMN energyledger.posting.booking IS 'what booked it: ledger_id of the row in settlement, charge, invoice or payment';
COMMENT ON COLUMN energyledger.posting.kind IS 'what for: see doc/billing.md';
COMMENT ON COLUMN energyledger.posting.payer IS 'party that owes it';
COMMENT ON COLUMN energyledger.posting.payee IS 'party that it is due to';
COMMENT ON COLUMN energyledger.posting.amount_nano IS 'in nano-currency (10^-9), without VAT; below zero where the payee owes it, as in what takes back another';
COMMENT ON COLUMN energyledger.posting.currency IS 'ISO 4217: EUR';
COMMENT ON COLUMN energyledger.posting.vat_ppm IS 'VAT that an invoice adds, in millionths of the amount';
COMMENT ON COLUMN energyledger.posting.energy_wh IS 'energy in Wh, of what is priced by energy: then amount_nano is energy_wh * price_micro_per_kwh. Below zero in what takes back another';
COMMENT ON COLUMN energyledger.posting.price_micro_per_kwh IS 'micro-currency per kWh';
COMMENT ON COLUMN energyledger.posting.from_at IS 'start of the time it is for';
COMMENT ON COLUMN energyledger.posting.to_at IS 'end of it, not part of it';
COMMENT ON COLUMN energyledger.posting.market IS 'market it comes from; NULL: none. The slot begins at from_at';
COMMENT ON COLUMN energyledger.posting.trade_seq IS 'trade of that market''s slot; NULL: none';
COMMENT ON COLUMN energyledger.posting.meter IS 'meter whose readings it was made of; NULL: several, or none';
COMMENT ON COLUMN energyledger.posting.tariff IS 'tariff it comes from; NULL: none';
COMMENT ON COLUMN energyledger.posting.component IS 'component of that tariff, or zone that takes a fee; NULL: none';
COMMENT ON COLUMN energyledger.posting.reverses IS 'ledger_id of the posting that it takes back; NULL: none';
COMMENT ON COLUMN energyledger.posting.ledger_id IS 'assigned by the ledger: site, then a counter';
COMMENT ON INDEX energyledger.posting_payer_idx IS 'what a party owes, by time';
COMMENT ON INDEX energyledger.posting_payee_idx IS 'what is due to a party, by time';
COMMENT ON INDEX energyledger.posting_booking_idx IS 'what was booked together';
COMMENT ON INDEX energyledger.posting_reverses IS 'each is taken back once';
SELECT pg_catalog.pg_extension_config_dump('energyledger.posting', '');

CREATE VIEW energyledger.party_balance AS
    SELECT p.party, p.currency, sum(p.amount_nano)::numeric AS balance_nano, round(sum(p.amount_nano) / 1000000000, 2) AS balance, count(*) AS postings
      FROM (SELECT payee AS party, currency, amount_nano::numeric FROM energyledger.posting
            UNION ALL
            SELECT payer, currency, -amount_nano::numeric FROM energyledger.posting) p
     GROUP BY p.party, p.currency;
COMMENT ON VIEW energyledger.party_balance IS
'what is due to each party, less what it owes, of all postings. All parties of a currency together have zero. Ask for one party: it reads that party''s postings only';
COMMENT ON COLUMN energyledger.party_balance.party IS 'whose';
COMMENT ON COLUMN energyledger.party_balance.currency IS 'ISO 4217';
COMMENT ON COLUMN energyledger.party_balance.balance_nano IS 'in nano-currency (10^-9); below zero: the party owes it';
COMMENT ON COLUMN energyledger.party_balance.balance IS 'the same in currency, rounded to cents for reading';
COMMENT ON COLUMN energyledger.party_balance.postings IS 'how many postings it is made of';

# invoice.sh: how long a month's invoices take, of all of a supplier's customers in one call.
#
# Sourced by bench.sh, called as bench_invoice.  Each party has a posting for energy, network
# and levy on each of 31 days, at two prices for energy: INVOICE_PARTIES times 93.  In the
# database is a month before that, invoiced already.  Then, with both months there: the
# checks of all of it, an invoice of one more party, and one party's document.

INVOICE_PARTIES=${INVOICE_PARTIES:-10000}

# bench_invoice_postings FIRST_DAY: postings of a month, as charge() writes them.
bench_invoice_postings()
{
	el_psql <<-SQL || el_die "could not make postings"
		INSERT INTO energyledger.posting (booking, kind, payer, payee, amount_nano, currency, vat_ppm, energy_wh, price_micro_per_kwh, from_at, to_at, meter, tariff, component)
		SELECT 1, k.kind, 'customer-' || p, 'supplier', (5000 + p % 977 + d * 13) * k.price, 'EUR', 190000, 5000 + p % 977 + d * 13, k.price, t.at, t.at + interval '1 day',
			'meter-' || p, 'bench', k.component
		FROM generate_series(1, $INVOICE_PARTIES) p, generate_series(0, 30) d,
			LATERAL (VALUES (timestamptz '$1' + d * interval '1 day')) t(at),
			LATERAL (VALUES ('energy', CASE WHEN d % 7 < 5 THEN 251234 ELSE 220011 END, 'work'), ('network', 91237, 'grid'), ('levy', 20513, 'law')) k(kind, price, component);
	SQL
}

bench_invoice()
{
	local ms wrong one document

	el_progress "invoice: making postings"
	bench_invoice_postings 2025-01-01
	el_psql -c "SELECT energyledger.register_biller('supplier', 'Supplier')" > /dev/null || el_die "could not register the biller"
	bench_settle
	el_progress "invoice: the first month"
	ms=$(bench_statement_ms "SELECT count(*) FROM energyledger.invoice_all('supplier', '2025-01-01', '2025-02-01')") || exit 1
	bench_print invoice_parties "$INVOICE_PARTIES" parties
	bench_print invoice_postings "$((INVOICE_PARTIES * 93))" postings
	bench_print invoice_month_ms "$ms" ms
	bench_invoice_postings 2025-02-01
	bench_settle
	el_progress "invoice: the second month"
	one=$(bench_statement_ms "SELECT energyledger.invoice('customer-1', '2025-02-01', '2025-03-04')") || exit 1
	ms=$(bench_statement_ms "SELECT count(*) FROM energyledger.invoice_all('supplier', '2025-02-01', '2025-03-04')") || exit 1
	document=$(bench_statement_ms "SELECT energyledger.invoice_document(number) FROM energyledger.invoice WHERE party = 'customer-1'") || exit 1
	bench_print invoice_next_month_ms "$ms" ms
	bench_print invoice_one_ms "$one" ms
	bench_print invoice_two_documents_ms "$document" ms
	el_progress "invoice: checking"
	ms=$(bench_statement_ms "SELECT count(*) FROM energyledger.invoice_check") || exit 1
	wrong=$(el_psql -c "SELECT count(*) FROM energyledger.invoice_check") || el_die "could not check"
	[ "$wrong" = 0 ] || el_die "$wrong findings in invoice_check"
	el_progress_end
	bench_print invoice_check_ms "$ms" ms
}

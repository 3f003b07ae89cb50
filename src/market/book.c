/*
 * book.c: the orders of a market's slot, read from their tables.
 *
 * A million orders are read through a cursor, some thousands at a time, into arrays
 * that the matching works on: nothing else of them is kept.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/matching_book.h"
#include "ledger/log.h"
#include "market/book.h"
#include "market/order_conditions.h"

#define BOOK_ROWS_AT_A_TIME 5000

enum
{
	ROW_ID = 1, ROW_SIDE, ROW_PARTY, ROW_ENERGY, ROW_PRICE, ROW_ZONE, ROW_SOURCE, ROW_PARTNER, ROW_PARTNER_PRICE,
	ROW_RECEIVED, ROW_CONDITIONS, ROW_KIND, ROW_VALID_UNTIL, ROW_SEQUENCE_NO
};

#define BOOK_COLUMNS \
	"SELECT o.ledger_id, o.side, o.party, o.energy_wh, o.limit_price_micro_per_kwh, o.zone, o.source, o.partner," \
	" o.partner_price_micro_per_kwh, o.received_at, o.conditions, o.kind, o.valid_until, o.sequence_no" \
	" FROM energyledger.market_order o WHERE o.market = $1 AND o.slot = $2"

static const char book_auction_sql[] = BOOK_COLUMNS
" AND (o.valid_until IS NULL OR o.valid_until >= $3)"
" AND NOT EXISTS (SELECT FROM energyledger.order_cancel c WHERE c.market = $1 AND c.slot = $2 AND c.order_id = o.ledger_id)"
" ORDER BY o.sequence_no";

static const char book_events_sql[] = BOOK_COLUMNS " AND o.sequence_no <= $3 ORDER BY o.sequence_no";

static const char book_cancels_sql[] =
"SELECT c.sequence_no, o.sequence_no, c.received_at FROM energyledger.order_cancel c"
" JOIN energyledger.market_order o ON o.ledger_id = c.order_id"
" WHERE c.market = $1 AND c.slot = $2 AND c.sequence_no <= $3 ORDER BY c.sequence_no";

static MatchName
book_name(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		null;
	Datum		value = SPI_getbinval(tuple, desc, column, &null);
	text	   *t;

	if (null)
		return (MatchName) {NULL, 0};
	t = DatumGetTextPP(value);
	return (MatchName) {VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};
}

static int64
book_number(HeapTuple tuple, TupleDesc desc, int column, bool *has)
{
	bool		null;
	Datum		value = SPI_getbinval(tuple, desc, column, &null);

	*has = !null;
	return null ? 0 : DatumGetInt64(value);
}

static uint8
book_kind(MatchName kind)
{
	/* of the three that the table allows */
	if (match_name_same(kind, (MatchName) {"limit", 5}))
		return MATCHING_LIMIT;
	return match_name_same(kind, (MatchName) {"all_or_none", 11}) ? MATCHING_ALL_OR_NONE : MATCHING_IMMEDIATE_OR_CANCEL;
}

static void
book_keep_extra(Book *book, uint32 position, HeapTuple tuple, TupleDesc desc, int64 received_us)
{
	bool		has;
	int64		valid_until = book_number(tuple, desc, ROW_VALID_UNTIL, &has);

	if (position == book->orders_size)
	{
		book->orders_size = Max(1024, 2 * book->orders_size);
		book->order = book->order == NULL ? palloc_extended(book->orders_size * sizeof(BookOrder), MCXT_ALLOC_HUGE) :
			repalloc_huge(book->order, book->orders_size * sizeof(BookOrder));
	}
	book->order[position].received_us = received_us;
	book->order[position].valid_until_us = has && !TIMESTAMP_NOT_FINITE(valid_until) ? log_unix_us(valid_until) : PG_INT64_MAX;
	book->order[position].kind = book_kind(book_name(tuple, desc, ROW_KIND));
}

static void
book_take_order(Book *book, HeapTuple tuple, TupleDesc desc, bool continuous)
{
	MatchOrder	o;
	uint32		position;
	bool		has;
	bool		null;
	Datum		conditions = SPI_getbinval(tuple, desc, ROW_CONDITIONS, &null);
	int64		received_us = log_unix_us(book_number(tuple, desc, ROW_RECEIVED, &has));
	int64		sequence_no = book_number(tuple, desc, ROW_SEQUENCE_NO, &has);

	memset(&o, 0, sizeof(o));
	o.order_id = book_number(tuple, desc, ROW_ID, &has);
	o.side = match_name_same(book_name(tuple, desc, ROW_SIDE), (MatchName) {"bid", 3}) ? MATCHING_BID : MATCHING_ASK;
	o.energy = book_number(tuple, desc, ROW_ENERGY, &has);
	o.price = book_number(tuple, desc, ROW_PRICE, &o.has_price);
	o.partner_price = book_number(tuple, desc, ROW_PARTNER_PRICE, &o.has_partner_price);
	o.actor = book_name(tuple, desc, ROW_PARTY);
	o.partner = book_name(tuple, desc, ROW_PARTNER);
	o.zone = book_name(tuple, desc, ROW_ZONE);
	o.source = book_name(tuple, desc, ROW_SOURCE);
	/* a clock may be put back, the sequence cannot: in a continuous market it is the order */
	o.arrival = continuous ? sequence_no : received_us;
	position = match_input_add(book->in, &o);
	if (!null)
		order_conditions_add(book->in, position, DatumGetJsonbP(conditions));
	if (continuous)
		book_keep_extra(book, position, tuple, desc, received_us);
	if (pg_add_s64_overflow(book->energy[o.side], o.energy, &book->energy[o.side]))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("energy of all %ss is more than a bigint holds", o.side == MATCHING_BID ? "bid" : "ask"),
				 errdetail("Order %lld, with %lld Wh, is the first that is too much.", (long long) o.order_id, (long long) o.energy)));
	book->through_no = Max(book->through_no, sequence_no);
}

static void
book_take_cancel(Book *book, HeapTuple tuple, TupleDesc desc)
{
	BookCancel *cancel;
	bool		has;

	if (book->cancels == book->cancels_size)
	{
		book->cancels_size = Max(256, 2 * book->cancels_size);
		book->cancel = book->cancel == NULL ? palloc_extended(book->cancels_size * sizeof(BookCancel), MCXT_ALLOC_HUGE) :
			repalloc_huge(book->cancel, book->cancels_size * sizeof(BookCancel));
	}
	cancel = &book->cancel[book->cancels++];
	cancel->sequence_no = book_number(tuple, desc, 1, &has);
	cancel->order_no = book_number(tuple, desc, 2, &has);
	cancel->received_us = log_unix_us(book_number(tuple, desc, 3, &has));
	book->through_no = Max(book->through_no, cancel->sequence_no);
}

typedef enum BookRows
{
	BOOK_AUCTION, BOOK_EVENTS, BOOK_CANCELS
} BookRows;

/* third: the gate's time, or a sequence_no; both are eight bytes. */
static void
book_read(Book *book, BookRows rows, const char *sql, text *market, TimestampTz slot, Datum third)
{
	MemoryContext memory = CurrentMemoryContext;
	Oid			types[3] = {TEXTOID, TIMESTAMPTZOID, rows == BOOK_AUCTION ? TIMESTAMPTZOID : INT8OID};
	Datum		values[3] = {PointerGetDatum(market), TimestampTzGetDatum(slot), third};
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, 3, types, values, NULL, false, CURSOR_OPT_NO_SCROLL);

	do
	{
		SPI_cursor_fetch(portal, true, BOOK_ROWS_AT_A_TIME);
		MemoryContextSwitchTo(memory);
		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			if (rows == BOOK_CANCELS)
				book_take_cancel(book, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			else
				book_take_order(book, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, rows == BOOK_EVENTS);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
}

Book *
book_read_auction(text *market, TimestampTz slot, TimestampTz gate_at)
{
	Book	   *book = palloc0(sizeof(*book));

	book->in = match_input_begin(1024);
	book_read(book, BOOK_AUCTION, book_auction_sql, market, slot, TimestampTzGetDatum(gate_at));
	return book;
}

Book *
book_read_events(text *market, TimestampTz slot, int64 through_no)
{
	Book	   *book = palloc0(sizeof(*book));

	book->in = match_input_begin(1024);
	book_read(book, BOOK_EVENTS, book_events_sql, market, slot, Int64GetDatum(through_no));
	book_read(book, BOOK_CANCELS, book_cancels_sql, market, slot, Int64GetDatum(through_no));
	return book;
}

/*
 * clear.c: clears a slot: from its orders to trades in the ledger, and the same again
 * for whoever wants to compare.
 *
 * There is one way from orders to trades.  Clearing writes what comes out of it,
 * verifying reads what was written and holds it against what comes out.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "ledger/multi_insert.h"
#include "market/clear.h"

#define CLEAR_TRADE_COLUMNS 13
#define CLEAR_LAPSE_COLUMNS 5
#define CLEAR_ROWS_AT_A_TIME 5000

void
clear_compute(Clearing *c)
{
	if (strcmp(c->method, "continuous") == 0)
	{
		c->book = book_read_events(c->market, c->slot, c->through_no);
		c->out = outcome_of_events(c->book, c->options);
	}
	else
	{
		c->book = book_read_auction(c->market, c->slot, c->gate_at);
		c->out = outcome_of_auction(c->book, c->method, c->options);
	}
}

/* ---- writing ---- */

static const char *
clear_phase_name(uint8 phase)
{
	static const char *const name[] = {
		[MATCH_PHASE_FIRST] = "first",[MATCH_PHASE_CONDITIONS] = "conditions",[MATCH_PHASE_MAIN] = "main"
	};

	return name[phase];
}

static Datum
clear_name(const MatchInput *in, uint32 number, bool *null)
{
	MatchName	name = {NULL, 0};

	*null = number == MATCHING_NOBODY;
	if (*null)
		return (Datum) 0;
	name = match_input_name(in, number);
	return PointerGetDatum(cstring_to_text_with_len(name.data, name.len));
}

static void
clear_write_trade(MultiInsert *w, const Clearing *c, uint32 i)
{
	const MatchInput *in = c->book->in;
	const MatchTrade *t = &c->out->result.trade[i];
	const matching_order *bid = &in->order[t->bid];
	const matching_order *ask = &in->order[t->ask];
	bool	   *null;
	Datum	   *value = multi_insert_row(w, &null);
	MemoryContext old = MemoryContextSwitchTo(multi_insert_memory(w));

	value[0] = PointerGetDatum(c->market);
	value[1] = TimestampTzGetDatum(c->slot);
	value[2] = Int32GetDatum((int32) i + 1);
	value[3] = Int64GetDatum(bid->order_id);
	value[4] = Int64GetDatum(ask->order_id);
	value[5] = clear_name(in, bid->actor, &null[5]);
	value[6] = clear_name(in, ask->actor, &null[6]);
	value[7] = Int64GetDatum(t->energy);
	value[8] = Int64GetDatum(t->price);
	value[9] = Int64GetDatum(t->buyer_price);
	value[10] = clear_name(in, bid->zone, &null[10]);
	value[11] = clear_name(in, ask->zone, &null[11]);
	value[12] = CStringGetTextDatum(clear_phase_name(t->phase));
	MemoryContextSwitchTo(old);
}

static void
clear_write_lapse(MultiInsert *w, const Clearing *c, uint32 i)
{
	const OutcomeLapse *lapse = &c->out->lapse[i];
	bool	   *null;
	Datum	   *value = multi_insert_row(w, &null);
	MemoryContext old = MemoryContextSwitchTo(multi_insert_memory(w));

	value[0] = PointerGetDatum(c->market);
	value[1] = TimestampTzGetDatum(c->slot);
	value[2] = Int64GetDatum(c->book->in->order[lapse->position].order_id);
	value[3] = Int64GetDatum(lapse->energy);
	value[4] = CStringGetTextDatum(outcome_reason_name((LapseReason) lapse->reason));
	MemoryContextSwitchTo(old);
}

void
clear_write(const Clearing *c, int64 trades_there, int64 lapses_there)
{
	if (trades_there < c->out->result.trades)
	{
		MultiInsert *w = multi_insert_begin("trade", CLEAR_TRADE_COLUMNS);

		for (uint32 i = (uint32) trades_there; i < c->out->result.trades; i++)
		{
			CHECK_FOR_INTERRUPTS();
			clear_write_trade(w, c, i);
		}
		multi_insert_end(w);
	}
	if (lapses_there < c->out->lapses)
	{
		MultiInsert *w = multi_insert_begin("order_lapse", CLEAR_LAPSE_COLUMNS);

		for (uint32 i = (uint32) lapses_there; i < c->out->lapses; i++)
		{
			CHECK_FOR_INTERRUPTS();
			clear_write_lapse(w, c, i);
		}
		multi_insert_end(w);
	}
}

/* ---- comparing ---- */

static const char clear_trades_sql[] =
"SELECT format('number %s: bid %s of %s, ask %s of %s, %s Wh at %s, buyer pays %s, phase %s', trade_seq, bid_id, buyer, ask_id, seller, energy_wh,"
" price_micro_per_kwh, buyer_price_micro_per_kwh, phase)"
" FROM energyledger.trade WHERE market = $1 AND slot = $2 ORDER BY trade_seq LIMIT $3";

static const char clear_lapses_sql[] =
"SELECT format('order %s, %s Wh %s', order_id, energy_wh, reason)"
" FROM energyledger.order_lapse WHERE market = $1 AND slot = $2 ORDER BY ledger_id LIMIT $3";

static const char *
clear_actor_text(const MatchInput *in, uint32 number)
{
	MatchName	name = match_input_name(in, number);

	return pnstrdup(name.data, name.len);
}

/* As the statements above write what is stored. */
static char *
clear_trade_text(const Clearing *c, uint32 i)
{
	const MatchTrade *t = &c->out->result.trade[i];
	const matching_order *bid = &c->book->in->order[t->bid];
	const matching_order *ask = &c->book->in->order[t->ask];

	return psprintf("number %u: bid %lld of %s, ask %lld of %s, %lld Wh at %lld, buyer pays %lld, phase %s", i + 1,
					(long long) bid->order_id, clear_actor_text(c->book->in, bid->actor), (long long) ask->order_id,
					clear_actor_text(c->book->in, ask->actor), (long long) t->energy, (long long) t->price,
					(long long) t->buyer_price, clear_phase_name(t->phase));
}

static char *
clear_lapse_text(const Clearing *c, uint32 i)
{
	const OutcomeLapse *lapse = &c->out->lapse[i];

	return psprintf("order %lld, %lld Wh %s", (long long) c->book->in->order[lapse->position].order_id,
					(long long) lapse->energy, outcome_reason_name((LapseReason) lapse->reason));
}

typedef char *(*clear_text_of) (const Clearing *c, uint32 i);

static char *
clear_compare_rows(const Clearing *c, const char *what, const char *sql, clear_text_of text_of, uint32 count, bool newest)
{
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext row = AllocSetContextCreate(memory, "clearing compared", ALLOCSET_DEFAULT_SIZES);
	Oid			types[3] = {TEXTOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[3] = {PointerGetDatum(c->market), TimestampTzGetDatum(c->slot), Int64GetDatum((int64) count + newest)};
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, 3, types, values, NULL, true, CURSOR_OPT_NO_SCROLL);
	uint32		at = 0;
	char	   *found = NULL;

	do
	{
		SPI_cursor_fetch(portal, true, CLEAR_ROWS_AT_A_TIME);
		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < SPI_processed && found == NULL; i++, at++)
		{
			const char *stored;
			const char *computed;

			MemoryContextSwitchTo(row);
			stored = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
			computed = at < count ? text_of(c, at) : "none";
			MemoryContextSwitchTo(memory);
			if (strcmp(stored, computed) != 0)
				found = psprintf("%s stored: %s; computed: %s", what, stored, computed);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0 && found == NULL);
	SPI_cursor_close(portal);
	if (found == NULL && at < count)
		found = psprintf("%s stored: none; computed: %s", what, text_of(c, at));
	MemoryContextDelete(row);
	return found;
}

char *
clear_compare(const Clearing *c, bool newest)
{
	char	   *found = clear_compare_rows(c, "trade", clear_trades_sql, clear_trade_text, c->out->result.trades, newest);

	if (found == NULL)
		found = clear_compare_rows(c, "lapse", clear_lapses_sql, clear_lapse_text, c->out->lapses, newest);
	return found;
}

/* ---- zones and lines ---- */

/* A sum of 128 bits in decimal. */
static void
clear_put_sum(StringInfo to, __int128 value)
{
	char		digits[48];
	int			at = sizeof(digits);
	unsigned __int128 rest = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;

	do
	{
		digits[--at] = (char) ('0' + (int) (rest % 10));
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		digits[--at] = '-';
	appendBinaryStringInfo(to, digits + at, (int) sizeof(digits) - at);
}

static void
clear_put_name(StringInfo to, const char *member, MatchName name)
{
	appendStringInfo(to, "\"%s\": ", member);
	escape_json(to, pnstrdup(name.data, name.len));
}

char *
clear_zones(const Outcome *out)
{
	StringInfoData text;

	if (out->result.zones == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < out->result.zones; i++)
	{
		const MatchZoneResult *z = &out->result.zone[i];

		appendStringInfoString(&text, i == 0 ? "[{" : ", {");
		clear_put_name(&text, "zone", z->name);
		appendStringInfo(&text, ", \"sold_wh\": %lld, \"bought_wh\": %lld", (long long) z->sold_wh, (long long) z->bought_wh);
		if (z->has_price)
			appendStringInfo(&text, ", \"price_micro_per_kwh\": %lld, \"low_micro_per_kwh\": %lld, \"high_micro_per_kwh\": %lld",
							 (long long) z->price, (long long) z->low, (long long) z->high);
		appendStringInfoString(&text, ", \"fee_nano\": ");
		clear_put_sum(&text, z->fee_nano);
		appendStringInfoChar(&text, '}');
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

char *
clear_lines(const Outcome *out)
{
	StringInfoData text;

	if (out->result.lines == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < out->result.lines; i++)
	{
		const MatchLineResult *l = &out->result.line[i];

		appendStringInfoString(&text, i == 0 ? "[{" : ", {");
		clear_put_name(&text, "from", l->from);
		appendStringInfoString(&text, ", ");
		clear_put_name(&text, "to", l->to);
		appendStringInfo(&text, ", \"flow_wh\": %lld, \"rent_micro_per_kwh\": %lld, \"fee_nano\": ", (long long) l->flow_wh, (long long) l->rent);
		clear_put_sum(&text, l->fee_nano);
		appendStringInfoString(&text, ", \"rent_nano\": ");
		clear_put_sum(&text, l->rent_nano);
		appendStringInfoChar(&text, '}');
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

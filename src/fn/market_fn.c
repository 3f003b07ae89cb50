/*
 * market_fn.c: markets in SQL: clearing a slot.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "ledger/log.h"
#include "market/clear.h"

PG_FUNCTION_INFO_V1(energyledger_clear_book);
PG_FUNCTION_INFO_V1(energyledger_rematch_book);

static Datum
clear_jsonb(const char *text, bool *null)
{
	*null = text == NULL;
	return text == NULL ? (Datum) 0 : DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

/* The columns of clear_book(). */
static Datum
clear_summary(FunctionCallInfo fcinfo, const Clearing *c, char *difference)
{
	const MatchResult *r = &c->out->result;
	TupleDesc	desc;
	Datum		value[15];
	bool		null[15] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "clear_book() has no row to return");
	value[0] = Int64GetDatum(c->book->through_no);
	value[1] = log_bytea(c->out->input_hash, sizeof(c->out->input_hash));
	value[2] = Int64GetDatum(c->book->in->count);
	value[3] = Int64GetDatum(r->trades);
	value[4] = Int64GetDatum(c->book->energy[MATCHING_BID]);
	value[5] = Int64GetDatum(c->book->energy[MATCHING_ASK]);
	value[6] = Int64GetDatum(r->netted_volume);
	value[7] = Int64GetDatum(r->volume);
	null[8] = !r->has_price;
	value[8] = Int64GetDatum(r->price);
	null[9] = !r->has_low;
	value[9] = Int64GetDatum(r->low);
	null[10] = !r->has_high;
	value[10] = Int64GetDatum(r->high);
	value[11] = clear_jsonb(clear_zones(c->out), &null[11]);
	value[12] = clear_jsonb(clear_lines(c->out), &null[12]);
	value[13] = Int32GetDatum(OUTCOME_RULE_VERSION);
	null[14] = difference == NULL;
	value[14] = difference == NULL ? (Datum) 0 : CStringGetTextDatum(difference);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, null));
}

static void
clear_arguments(FunctionCallInfo fcinfo, Clearing *c)
{
	for (int i = 0; i < 6; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of a clearing must not be NULL", i + 1)));
	}
	memset(c, 0, sizeof(*c));
	c->market = PG_GETARG_TEXT_PP(0);
	c->slot = PG_GETARG_TIMESTAMPTZ(1);
	c->gate_at = PG_GETARG_TIMESTAMPTZ(2);
	c->method = text_to_cstring(PG_GETARG_TEXT_PP(3));
	c->options = PG_GETARG_JSONB_P(4);
	c->through_no = PG_GETARG_INT64(5);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/*
 * clear_book(market text, slot timestamptz, gate_at timestamptz, method text, options jsonb, through_no bigint,
 * trades_there bigint, lapses_there bigint)
 */
Datum
energyledger_clear_book(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext memory = AllocSetContextCreate(caller, "clearing", ALLOCSET_DEFAULT_SIZES);
	Clearing	c;
	Datum		result;

	clear_arguments(fcinfo, &c);
	MemoryContextSwitchTo(memory);
	clear_compute(&c);
	clear_write(&c, PG_GETARG_INT64(6), PG_GETARG_INT64(7));
	MemoryContextSwitchTo(caller);
	result = clear_summary(fcinfo, &c, NULL);
	SPI_finish();
	MemoryContextDelete(memory);
	return result;
}

/* rematch_book(..., through_no bigint, newest boolean) */
Datum
energyledger_rematch_book(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext memory = AllocSetContextCreate(caller, "clearing again", ALLOCSET_DEFAULT_SIZES);
	Clearing	c;
	char	   *difference;
	Datum		result;

	clear_arguments(fcinfo, &c);
	MemoryContextSwitchTo(memory);
	clear_compute(&c);
	difference = clear_compare(&c, !PG_ARGISNULL(6) && PG_GETARG_BOOL(6));
	MemoryContextSwitchTo(caller);
	result = clear_summary(fcinfo, &c, difference);
	SPI_finish();
	MemoryContextDelete(memory);
	return result;
}

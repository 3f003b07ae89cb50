/*
 * matching_fn.c: matching in SQL: orders from an array of rows, the rule from its
 * name and options, trades as rows.
 *
 * Whatever is wrong with an order is said with its order_id and its place in the
 * array.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/typcache.h"

#include "core/sha256.h"
#include "market/match_run.h"

PG_FUNCTION_INFO_V1(energyledger_match_orders);
PG_FUNCTION_INFO_V1(energyledger_match_trades);
PG_FUNCTION_INFO_V1(energyledger_match_input_hash);

/* The columns of order_input. */
enum
{
	IN_ORDER_ID,
	IN_SIDE,
	IN_ACTOR,
	IN_ENERGY,
	IN_PRICE,
	IN_ZONE,
	IN_PARTNER,
	IN_PARTNER_PRICE,
	IN_ARRIVAL,
	IN_COLUMNS
};

static const Oid match_column_type[IN_COLUMNS] = {
	INT8OID, TEXTOID, TEXTOID, INT8OID, INT8OID, TEXTOID, TEXTOID, INT8OID, INT8OID
};

static const char *const match_column_name[IN_COLUMNS] = {
	"order_id", "side", "actor", "energy", "price", "zone", "partner", "partner_price", "arrival"
};

typedef struct match_reader
{
	MatchInput *in;
	TupleDesc	desc;
} match_reader;

/* ---- orders ---- */

/* Where an order stands, for a detail. */
static const char *
match_where(int element, int64 order_id)
{
	return psprintf("Order %lld, element %d of the array", (long long) order_id, element + 1);
}

static pg_noinline void
match_refuse_null(int element, int column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("\"%s\" of an order must not be NULL", match_column_name[column]),
			 errdetail("It is NULL in element %d of the array.", element + 1)));
}

/* A name, which is not empty; that it is not too long is asked where it is kept. */
static MatchName
match_name_of(Datum datum, int element, int64 order_id, int column)
{
	text	   *t = DatumGetTextPP(datum);
	MatchName	name = {VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};

	if (name.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of an order must have 1 to %d bytes", match_column_name[column], MATCH_NAME_BYTES_MAX),
				 errdetail("%s, has 0.", match_where(element, order_id))));
	return name;
}

static uint8
match_side_of(Datum datum, int element, int64 order_id)
{
	text	   *t = DatumGetTextPP(datum);
	MatchName	name = {VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};

	if (match_name_same(name, (MatchName) {"bid", 3}))
		return MATCHING_BID;
	if (match_name_same(name, (MatchName) {"ask", 3}))
		return MATCHING_ASK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"side\" of an order must be bid or ask"),
			 errdetail("%s, has \"%s\".", match_where(element, order_id),
					   pnstrdup(name.data, pg_mbcliplen(name.data, name.len, 64)))));
}

static void
match_read_order(match_reader *reader, Datum element_datum, int element)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(element_datum);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	MatchOrder	order = {0};
	Datum		value[IN_COLUMNS];
	bool		null[IN_COLUMNS];

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, reader->desc, value, null);
	for (int c = 0; c < IN_COLUMNS; c++)
	{
		if (null[c] && (c == IN_ORDER_ID || c == IN_SIDE || c == IN_ENERGY || c == IN_ARRIVAL))
			match_refuse_null(element, c);
	}
	order.order_id = DatumGetInt64(value[IN_ORDER_ID]);
	order.arrival = DatumGetInt64(value[IN_ARRIVAL]);
	order.energy = DatumGetInt64(value[IN_ENERGY]);
	order.side = match_side_of(value[IN_SIDE], element, order.order_id);
	order.has_price = !null[IN_PRICE];
	order.price = null[IN_PRICE] ? 0 : DatumGetInt64(value[IN_PRICE]);
	order.has_partner_price = !null[IN_PARTNER_PRICE];
	order.partner_price = null[IN_PARTNER_PRICE] ? 0 : DatumGetInt64(value[IN_PARTNER_PRICE]);
	if (!null[IN_ACTOR])
		order.actor = match_name_of(value[IN_ACTOR], element, order.order_id, IN_ACTOR);
	if (!null[IN_PARTNER])
		order.partner = match_name_of(value[IN_PARTNER], element, order.order_id, IN_PARTNER);
	if (!null[IN_ZONE])
		order.zone = match_name_of(value[IN_ZONE], element, order.order_id, IN_ZONE);
	match_input_add(reader->in, &order);
}

static void
match_describe(match_reader *reader, Oid row_type)
{
	reader->desc = lookup_rowtype_tupdesc_copy(row_type, -1);
	for (int c = 0; c < IN_COLUMNS; c++)
	{
		if (reader->desc->natts != IN_COLUMNS || TupleDescAttr(reader->desc, c)->attisdropped ||
			TupleDescAttr(reader->desc, c)->atttypid != match_column_type[c])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("type order_input was changed"),
					 errdetail("Its column %d must be \"%s\" of type %s, the last is column %d.", c + 1,
							   match_column_name[c], format_type_be(match_column_type[c]), IN_COLUMNS)));
	}
}

static MatchInput *
match_read_orders(ArrayType *array)
{
	match_reader reader;
	Datum	   *element;
	bool	   *null;
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"orders\" must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (count > (int) MATCHING_ORDERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many orders"),
				 errdetail("There are %d; at most %u are matched at a time.", count, MATCHING_ORDERS_MAX)));
	match_describe(&reader, ARR_ELEMTYPE(array));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &element, &null, &count);
	reader.in = match_input_begin(count);
	reader.in->of_array = true;
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"orders\" must not contain NULLs"),
					 errdetail("Element %d is NULL.", i + 1)));
		match_read_order(&reader, element[i], i);
	}
	return reader.in;
}

/* ---- results ---- */

/* The columns of match_output, which are the first of match_trades() as well. */
#define OUT_COLUMNS 5
#define OUT_COLUMNS_ALL 7

static void
match_emit(FunctionCallInfo fcinfo, const MatchInput *in, const MatchResult *result, bool all)
{
	static const char *const phase_name[] = {"first", "conditions", "main"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		null[OUT_COLUMNS_ALL] = {false};
	Datum		phase[lengthof(phase_name)];

	for (int i = 0; all && i < lengthof(phase_name); i++)
		phase[i] = CStringGetTextDatum(phase_name[i]);
	for (uint32 i = 0; i < result->trades; i++)
	{
		const MatchTrade *trade = &result->trade[i];
		Datum		value[OUT_COLUMNS_ALL];

		value[0] = Int32GetDatum((int32) i + 1);
		value[1] = Int64GetDatum(in->order[trade->bid].order_id);
		value[2] = Int64GetDatum(in->order[trade->ask].order_id);
		value[3] = Int64GetDatum(trade->energy);
		value[4] = Int64GetDatum(trade->price);
		if (all)
		{
			value[OUT_COLUMNS] = Int64GetDatum(trade->buyer_price);
			value[OUT_COLUMNS + 1] = phase[trade->phase];
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, null);
	}
}

static void
match_refuse_null_args(FunctionCallInfo fcinfo)
{
	static const char *const arg_name[] = {"orders", "method", "options"};

	for (int i = 0; i < 3; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", arg_name[i])));
	}
}

static Datum
match_trades(FunctionCallInfo fcinfo, bool all)
{
	MatchInput *in;
	MatchRule	rule;

	match_refuse_null_args(fcinfo);
	match_rule_read(&rule, text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_JSONB_P(2));
	in = match_read_orders(PG_GETARG_ARRAYTYPE_P(0));
	InitMaterializedSRF(fcinfo, 0);
	match_emit(fcinfo, in, match_run(in, &rule), all);
	return (Datum) 0;
}

/* match_orders(orders order_input[], method text, options jsonb) */
Datum
energyledger_match_orders(PG_FUNCTION_ARGS)
{
	return match_trades(fcinfo, false);
}

/* match_trades(orders order_input[], method text, options jsonb) */
Datum
energyledger_match_trades(PG_FUNCTION_ARGS)
{
	return match_trades(fcinfo, true);
}

/* match_input_hash(orders order_input[], method text, options jsonb) */
Datum
energyledger_match_input_hash(PG_FUNCTION_ARGS)
{
	bytea	   *hash = palloc(VARHDRSZ + SHA256_LEN);

	match_refuse_null_args(fcinfo);
	match_input_hash(match_read_orders(PG_GETARG_ARRAYTYPE_P(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
					 PG_GETARG_JSONB_P(2), (uint8 *) VARDATA(hash));
	SET_VARSIZE(hash, VARHDRSZ + SHA256_LEN);
	PG_RETURN_BYTEA_P(hash);
}

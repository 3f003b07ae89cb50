/*
 * matching_fn.c: matching in SQL: orders from an array of rows, the rule from its
 * name and options, trades as rows.
 *
 * The core knows actors as numbers; here their names become numbers, the same bytes
 * the same number.  Whatever is wrong with an order is said with its order_id and
 * its place in the array.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/typcache.h"

#include "core/matching.h"

PG_FUNCTION_INFO_V1(energyledger_match_orders);

#define MATCH_NAME_BYTES_MAX 1000

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

/* A name's bytes, where they stand in the argument. */
typedef struct match_name
{
	const char *data;
	int			len;
} match_name;

/* Names that have a number: an open hash table with room for all there can be. */
typedef struct match_names
{
	match_name *name;
	uint32	   *slot;			/* number + 1, or 0 */
	uint32		count;
	uint32		mask;
} match_names;

typedef struct match_input
{
	matching_order *order;
	match_names names;
	match_name	zone;			/* of the orders so far that have one */
	int			count;
	TupleDesc	desc;
} match_input;

/* ---- names ---- */

static void
match_names_init(match_names *names, int orders)
{
	Size		slots = 8;

	/* an actor and a partner an order */
	while (slots < (Size) orders * 4)
		slots *= 2;
	names->name = palloc_extended(sizeof(match_name) * (2 * (Size) orders + 1), MCXT_ALLOC_HUGE);
	names->slot = palloc_extended(sizeof(uint32) * slots, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	names->count = 0;
	names->mask = (uint32) (slots - 1);
}

static bool
match_name_same(match_name a, match_name b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static uint32
match_name_number(match_names *names, match_name name)
{
	uint32		at = hash_bytes((const unsigned char *) name.data, name.len) & names->mask;

	while (names->slot[at] != 0)
	{
		if (match_name_same(names->name[names->slot[at] - 1], name))
			return names->slot[at] - 1;
		at = (at + 1) & names->mask;
	}
	names->name[names->count] = name;
	names->slot[at] = ++names->count;
	return names->count - 1;
}

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

/* A name, not empty and not too long. */
static match_name
match_name_of(Datum datum, int element, int64 order_id, int column)
{
	text	   *t = DatumGetTextPP(datum);
	match_name	name = {VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};

	if (name.len == 0 || name.len > MATCH_NAME_BYTES_MAX)
		ereport(ERROR,
				(errcode(name.len == 0 ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("\"%s\" of an order must have 1 to %d bytes", match_column_name[column], MATCH_NAME_BYTES_MAX),
				 errdetail("%s, has %d.", match_where(element, order_id), name.len)));
	return name;
}

static uint8
match_side_of(Datum datum, int element, int64 order_id)
{
	text	   *t = DatumGetTextPP(datum);
	match_name	name = {VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};

	if (match_name_same(name, (match_name) {"bid", 3}))
		return MATCHING_BID;
	if (match_name_same(name, (match_name) {"ask", 3}))
		return MATCHING_ASK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"side\" of an order must be bid or ask"),
			 errdetail("%s, has \"%s\".", match_where(element, order_id),
					   pnstrdup(name.data, pg_mbcliplen(name.data, name.len, 64)))));
}

/* Energy does not pass from zone to zone without a line, which is not known here. */
static void
match_zone(match_input *in, match_name zone, int element, int64 order_id)
{
	if (in->zone.data == NULL)
		in->zone = zone;
	else if (!match_name_same(in->zone, zone))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("orders of more than one zone cannot be matched"),
				 errdetail("%s, is of zone \"%s\", others are of zone \"%s\".", match_where(element, order_id),
						   pnstrdup(zone.data, zone.len), pnstrdup(in->zone.data, in->zone.len)),
				 errhint("Match each zone by itself.")));
}

static void
match_read_order(match_input *in, Datum element_datum, int element)
{
	HeapTupleHeader row = DatumGetHeapTupleHeader(element_datum);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	matching_order *order = &in->order[element];
	Datum		value[IN_COLUMNS];
	bool		null[IN_COLUMNS];

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, in->desc, value, null);
	for (int c = 0; c < IN_COLUMNS; c++)
	{
		if (null[c] && (c == IN_ORDER_ID || c == IN_SIDE || c == IN_ENERGY || c == IN_ARRIVAL))
			match_refuse_null(element, c);
	}
	order->order_id = DatumGetInt64(value[IN_ORDER_ID]);
	order->arrival = DatumGetInt64(value[IN_ARRIVAL]);
	order->energy = DatumGetInt64(value[IN_ENERGY]);
	order->side = match_side_of(value[IN_SIDE], element, order->order_id);
	order->any_price = null[IN_PRICE];
	order->price = null[IN_PRICE] ? 0 : DatumGetInt64(value[IN_PRICE]);
	order->has_partner_price = !null[IN_PARTNER_PRICE];
	order->partner_price = null[IN_PARTNER_PRICE] ? 0 : DatumGetInt64(value[IN_PARTNER_PRICE]);
	order->actor = order->partner = MATCHING_NOBODY;
	if (!null[IN_ACTOR])
		order->actor = match_name_number(&in->names, match_name_of(value[IN_ACTOR], element, order->order_id, IN_ACTOR));
	if (!null[IN_PARTNER])
		order->partner = match_name_number(&in->names, match_name_of(value[IN_PARTNER], element, order->order_id, IN_PARTNER));
	if (!null[IN_ZONE])
		match_zone(in, match_name_of(value[IN_ZONE], element, order->order_id, IN_ZONE), element, order->order_id);
}

static void
match_describe(match_input *in, Oid row_type)
{
	in->desc = lookup_rowtype_tupdesc_copy(row_type, -1);
	for (int c = 0; c < IN_COLUMNS; c++)
	{
		if (in->desc->natts != IN_COLUMNS || TupleDescAttr(in->desc, c)->attisdropped ||
			TupleDescAttr(in->desc, c)->atttypid != match_column_type[c])
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("type order_input was changed"),
					 errdetail("Its column %d must be \"%s\" of type %s, the last is column %d.", c + 1,
							   match_column_name[c], format_type_be(match_column_type[c]), IN_COLUMNS)));
	}
}

static void
match_read_orders(match_input *in, ArrayType *array)
{
	Datum	   *element;
	bool	   *null;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"orders\" must be a one-dimensional array"),
				 errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > (int) MATCHING_ORDERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many orders"),
				 errdetail("There are %d; at most %u are matched at a time.",
						   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), MATCHING_ORDERS_MAX)));
	match_describe(in, ARR_ELEMTYPE(array));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &element, &null, &in->count);
	in->order = palloc_extended(sizeof(matching_order) * Max(in->count, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	match_names_init(&in->names, in->count);
	for (int i = 0; i < in->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"orders\" must not contain NULLs"),
					 errdetail("Element %d is NULL.", i + 1)));
		match_read_order(in, element[i], i);
	}
}

/* ---- the rule ---- */

/* Names of an enum of the core, in its order. */
static const char *const match_methods[] = {"pay_as_clear", "pay_as_bid", "continuous", "proportional", NULL};
static const char *const match_policies[] = {"ask_side", "bid_side", "midpoint", NULL};
static const char *const match_sequences[] = {"merit", "gsy", NULL};
static const char *const match_firsts[] = {"none", "peer_fixed", "preference", NULL};
static const char *const match_self_trades[] = {"net", "allow", NULL};

typedef struct match_option
{
	const char *name;
	const char *const *values;	/* NULL: a whole number */
	uint32		methods;		/* bits of those that know it */
} match_option;

#define CLEAR (1u << MATCHING_PAY_AS_CLEAR)
#define BY_BID (1u << MATCHING_PAY_AS_BID)
#define CONTINUOUS (1u << MATCHING_CONTINUOUS)
#define SHARE (1u << MATCHING_PROPORTIONAL)

enum
{
	OPTION_FIRST_PHASE,
	OPTION_ORDER,
	OPTION_POLICY,
	OPTION_REFERENCE_PRICE,
	OPTION_SELF_TRADE,
	OPTIONS
};

static const match_option match_options[OPTIONS] = {
	{"first_phase", match_firsts, CLEAR | BY_BID | SHARE},
	{"order", match_sequences, BY_BID},
	{"policy", match_policies, CLEAR},
	{"reference_price", NULL, CLEAR | BY_BID | SHARE},
	{"self_trade", match_self_trades, CLEAR | BY_BID | CONTINUOUS | SHARE},
};

/* "a, b, c" */
static const char *
match_list(const char *const *names)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; names[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	return list.data;
}

static int
match_find(const char *const *names, const char *given)
{
	for (int i = 0; names[i] != NULL; i++)
	{
		if (strcmp(names[i], given) == 0)
			return i;
	}
	return -1;
}

static const match_option *
match_option_find(matching_method method, const char *given)
{
	const char *known[OPTIONS + 1];
	int			count = 0;

	for (int i = 0; i < OPTIONS; i++)
	{
		if (!(match_options[i].methods & (1u << method)))
			continue;
		if (strcmp(match_options[i].name, given) == 0)
			return &match_options[i];
		known[count++] = match_options[i].name;
	}
	known[count] = NULL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown option \"%s\" for method %s", given, match_methods[method]),
			 errdetail("Known options are: %s.", match_list(known))));
}

/* A number in JSON may be 1.5 or 1e30. */
static int64
match_option_number(const char *name, JsonbValue *v)
{
	char	   *text = v->type == jbvNumeric ? DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric))) : "";
	char	   *end;
	int64		number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a whole number of 64 bits", name),
				 *text == '\0' ? errdetail("It is no number.") : errdetail("It is %s.", text)));
	return number;
}

static void
match_option_set(matching_rule *rule, const match_option *option, JsonbValue *v)
{
	char	   *text = v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : "";
	int			at;

	if (option->values == NULL)
	{
		rule->reference = match_option_number(option->name, v);
		rule->has_reference = true;
		return;
	}
	at = match_find(option->values, text);
	if (at < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be one of: %s", option->name, match_list(option->values)),
				 v->type == jbvString ? errdetail("It is \"%s\".", text) : errdetail("It is no string.")));
	switch (option - match_options)
	{
		case OPTION_FIRST_PHASE:
			rule->first = (matching_first) at;
			break;
		case OPTION_ORDER:
			rule->sequence = (matching_sequence) at;
			break;
		case OPTION_POLICY:
			rule->policy = (matching_policy) at;
			break;
		default:
			rule->own_trades = at == 1;
			break;
	}
}

static void
match_read_rule(matching_rule *rule, const char *method, Jsonb *options)
{
	JsonbIterator *it = JsonbIteratorInit(&options->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	int			at = match_find(match_methods, method);

	memset(rule, 0, sizeof(*rule));
	if (at < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown method \"%s\"", method),
				 errdetail("Known methods are: %s.", match_list(match_methods))));
	rule->method = (matching_method) at;
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"options\" must be a JSON object")));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const match_option *option;

		if (token != WJB_KEY)
			continue;
		option = match_option_find(rule->method, pnstrdup(v.val.string.val, v.val.string.len));
		JsonbIteratorNext(&it, &v, true);
		match_option_set(rule, option, &v);
	}
}

/* ---- results ---- */

static void
match_refuse(const match_input *in, const matching_rule *rule, matching_result result, uint32 bad)
{
	/* one is there also where no order is, for MATCHING_NO_PRICE of none */
	const matching_order *order = &in->order[bad];
	const char *where = match_where((int) bad, order->order_id);

	switch (result)
	{
		case MATCHING_BAD_ENERGY:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"energy\" of an order must be above 0"),
					 errdetail("%s, has %lld.", where, (long long) order->energy)));
			break;
		case MATCHING_ENERGY_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("energy of all %ss is more than a bigint holds", order->side == MATCHING_BID ? "bid" : "ask"),
					 errdetail("%s, with %lld, is the first that is too much.", where, (long long) order->energy)));
			break;
		case MATCHING_DUPLICATE_ID:
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("two orders have the same \"order_id\""),
					 errdetail("%s, has one that was there before.", where)));
			break;
		case MATCHING_OWN_PARTNER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"partner\" of an order must not be its own actor"),
					 errdetail("%s, names itself.", where)));
			break;
		case MATCHING_NO_PRICE:
			if (rule->method == MATCHING_PROPORTIONAL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("method proportional needs the option \"reference_price\""),
						 errdetail("It is the price at which all trade.")));
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("orders at any price leave the price open"),
					 errdetail("%s, would trade at a price that no limit gives.", where),
					 errhint("Give the option \"reference_price\".")));
			break;
		default:
			elog(ERROR, "matching ended with result %d", (int) result);
	}
}

static void
match_emit(FunctionCallInfo fcinfo, const match_input *in, const matching_outcome *out)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		null[5] = {false};

	for (size_t i = 0; i < out->trades; i++)
	{
		const matching_trade *trade = &out->trade[i];
		Datum		value[5];

		value[0] = Int32GetDatum((int32) i + 1);
		value[1] = Int64GetDatum(in->order[trade->bid].order_id);
		value[2] = Int64GetDatum(in->order[trade->ask].order_id);
		value[3] = Int64GetDatum(trade->energy);
		value[4] = Int64GetDatum(trade->price);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, value, null);
	}
}

/* match_orders(orders order_input[], method text, options jsonb) */
Datum
energyledger_match_orders(PG_FUNCTION_ARGS)
{
	static const char *const arg_name[] = {"orders", "method", "options"};
	match_input in = {NULL};
	matching_rule rule;
	matching_outcome out;
	matching_result result;
	void	   *memory;

	for (int i = 0; i < 3; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be NULL", arg_name[i])));
	}
	match_read_rule(&rule, text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_JSONB_P(2));
	match_read_orders(&in, PG_GETARG_ARRAYTYPE_P(0));
	memory = palloc_extended(matching_memory_size(in.count, rule.method) + 1, MCXT_ALLOC_HUGE);
	result = matching_run(in.order, in.count, &rule, memory, &out);
	if (result != MATCHING_OK)
		match_refuse(&in, &rule, result, out.bad_order);
	InitMaterializedSRF(fcinfo, 0);
	match_emit(fcinfo, &in, &out);
	pfree(memory);
	return (Datum) 0;
}

/*
 * order_conditions.c: the conditions of an order, as its row has them: an array of
 * objects, checked when the order was taken (conditions_problem() in sql/order.sql).
 *
 * What is here otherwise was not taken that way, and is refused.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "market/order_conditions.h"

static JsonbValue *
condition_member(JsonbValue *object, const char *name, JsonbValue *out)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, name, (int) strlen(name), out);
}

static MatchName
condition_name(JsonbValue *object, const char *name)
{
	JsonbValue	room;
	JsonbValue *v = condition_member(object, name, &room);

	if (v == NULL || v->type != jbvString)
		return (MatchName) {NULL, 0};
	return (MatchName) {v->val.string.val, v->val.string.len};
}

static int64
condition_number(JsonbValue *object, const char *name, bool *has)
{
	JsonbValue	room;
	JsonbValue *v = condition_member(object, name, &room);

	*has = v != NULL && v->type == jbvNumeric;
	return *has ? DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(v->val.numeric))) : 0;
}

void
order_conditions_add(MatchInput *in, uint32 position, Jsonb *conditions)
{
	if (!JB_ROOT_IS_ARRAY(conditions) || JB_ROOT_IS_SCALAR(conditions))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("conditions of an order are no array"),
				 errdetail("%s has other ones.", match_input_where(in, position))));
	for (uint32 i = 0; i < JB_ROOT_COUNT(conditions); i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(&conditions->root, i);
		MatchCondition c;

		if (v == NULL || v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("a condition of an order is no object"),
					 errdetail("%s, condition %u.", match_input_where(in, position), i + 1)));
		c.partner = condition_name(v, "partner");
		c.source = condition_name(v, "source");
		c.zone = condition_name(v, "zone");
		c.energy = condition_number(v, "energy_wh", &c.has_energy);
		c.price = condition_number(v, "limit_price_micro_per_kwh", &c.has_price);
		match_input_condition(in, position, &c);
	}
}

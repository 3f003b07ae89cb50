/*
 * match_rule.c: a rule from the name of its method and its options.
 *
 * A table says which method knows which option, so that what a method would pass
 * over in silence is refused instead, with the options that it has.
 */
#include "postgres.h"
#include "compat.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "market/match_rule.h"

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

void
match_rule_read(MatchRule *to, const char *method, Jsonb *options)
{
	JsonbIterator *it = JsonbIteratorInit(&options->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	matching_rule *rule = &to->core;
	int			at = match_find(match_methods, method);

	memset(to, 0, sizeof(*to));
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

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
	const char *const *values;	/* NULL: see match_option_set() */
	uint32		methods;		/* bits of those that know it */
	void		(*read) (MatchRule *rule, JsonbValue *value);	/* of a list */
} match_option;

#define MATCH_LOTTERY_DIGITS 64

#define CLEAR (1u << MATCHING_PAY_AS_CLEAR)
#define BY_BID (1u << MATCHING_PAY_AS_BID)
#define CONTINUOUS (1u << MATCHING_CONTINUOUS)
#define SHARE (1u << MATCHING_PROPORTIONAL)

/* Lists in the sequence in which they are read: a line names zones. */
enum
{
	OPTION_FIRST_PHASE,
	OPTION_ORDER,
	OPTION_POLICY,
	OPTION_REFERENCE_PRICE,
	OPTION_SELF_TRADE,
	OPTION_LOTTERY,
	OPTION_PRICE_MIN,
	OPTION_PRICE_MAX,
	OPTION_ZONES,
	OPTION_LINES,
	OPTION_SOURCES,
	OPTION_CONDITIONS,
	OPTIONS
};

static const match_option match_options[OPTIONS] = {
	{"first_phase", match_firsts, CLEAR | BY_BID | SHARE},
	{"order", match_sequences, BY_BID},
	{"policy", match_policies, CLEAR},
	{"reference_price", NULL, CLEAR | BY_BID | SHARE},
	{"self_trade", match_self_trades, CLEAR | BY_BID | CONTINUOUS | SHARE},
	{"lottery", NULL, CLEAR | BY_BID | SHARE},
	{"price_min", NULL, CLEAR},
	{"price_max", NULL, CLEAR},
	{"zones", NULL, CLEAR | BY_BID, match_read_zones},
	{"lines", NULL, CLEAR, match_read_lines},
	{"sources", NULL, CLEAR | BY_BID | SHARE, match_read_sources},
	{"conditions", NULL, CLEAR | BY_BID | SHARE, match_read_conditions},
};

/* "a, b, c" */
const char *
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

static int
match_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
match_read_lottery(MatchRule *rule, JsonbValue *v)
{
	bool		good = v->type == jbvString && v->val.string.len == MATCH_LOTTERY_DIGITS;

	for (int i = 0; good && i < MATCH_LOTTERY_DIGITS; i++)
	{
		int			digit = match_hex_digit(v->val.string.val[i]);

		good = digit >= 0;
		rule->lottery[i / 2] = (uint8) (rule->lottery[i / 2] << 4 | (digit & 15));
	}
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"lottery\" must be a string of %d hexadecimal digits", MATCH_LOTTERY_DIGITS)));
	rule->has_lottery = true;
}

/* Those that have no list of values. */
static void
match_option_set_other(MatchRule *rule, int option, JsonbValue *v)
{
	int64		number;

	if (option == OPTION_LOTTERY)
	{
		match_read_lottery(rule, v);
		return;
	}
	number = match_json_number(psprintf("option \"%s\"", match_options[option].name), v);
	if (option == OPTION_REFERENCE_PRICE)
	{
		rule->core.reference = number;
		rule->core.has_reference = true;
		return;
	}
	if (number < -MATCHING_ZONES_PRICE_MAX || number > MATCHING_ZONES_PRICE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("option \"%s\" must be from %lld to %lld", match_options[option].name,
						(long long) -MATCHING_ZONES_PRICE_MAX, (long long) MATCHING_ZONES_PRICE_MAX),
				 errdetail("It is %lld.", (long long) number)));
	*(option == OPTION_PRICE_MIN ? &rule->zones.price_min : &rule->zones.price_max) = number;
}

static void
match_option_set(MatchRule *to, const match_option *option, JsonbValue *v)
{
	matching_rule *rule = &to->core;
	char	   *text = v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : "";
	int			at;

	if (option->values == NULL)
	{
		match_option_set_other(to, (int) (option - match_options), v);
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
match_refuse_parts(const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errdetail("%s", detail)));
}

/* Options that are good alone and not together. */
static void
match_rule_check(const MatchRule *rule, const bool *given)
{
	bool		clear = rule->core.method == MATCHING_PAY_AS_CLEAR;

	if (rule->core.sequence == MATCHING_GSY && (rule->has_zones || rule->conditions > 0))
		match_refuse_parts("option \"order\" gsy cannot be used with zones or conditions", "It is for comparison, of one zone.");
	if (given[OPTION_LINES] && !rule->has_zones)
		match_refuse_parts("option \"lines\" needs the option \"zones\"", "A line is between two of them.");
	if ((given[OPTION_PRICE_MIN] || given[OPTION_PRICE_MAX]) && !rule->has_zones)
		match_refuse_parts("options \"price_min\" and \"price_max\" need the option \"zones\"",
						   "In one zone, orders at any price have no limit.");
	if (!rule->has_zones)
		return;
	if (clear && rule->core.has_reference)
		match_refuse_parts("option \"reference_price\" cannot be used with zones paid as clear",
						   "Options \"price_min\" and \"price_max\" are the limits of orders at any price.");
	if (rule->zones.price_min > rule->zones.price_max)
		match_refuse_parts("option \"price_min\" must not be above \"price_max\"",
						   psprintf("They are %lld and %lld.", (long long) rule->zones.price_min, (long long) rule->zones.price_max));
	if (rule->core.has_reference &&
		(rule->core.reference < rule->zones.price_min || rule->core.reference > rule->zones.price_max))
		match_refuse_parts("option \"reference_price\" is beyond the limits of prices in zones",
						   psprintf("It is %lld.", (long long) rule->core.reference));
	for (uint32 z = 0; clear && z < rule->zones.zones; z++)
	{
		if (rule->zones.zone[z].kind == ZONE_FEE_PARTS)
			match_refuse_parts("zones paid as clear must have constant fees",
							   psprintf("Zone \"%s\" takes a part of the price, which is no cost that flows could be chosen by.",
										pnstrdup(rule->zone_name[z].data, rule->zone_name[z].len)));
	}
}

/* Orders at any price in coupled zones have these limits; others are kept from too large sums. */
static void
match_rule_begin(MatchRule *rule, const char *method)
{
	int			at = match_find(match_methods, method);

	memset(rule, 0, sizeof(*rule));
	if (at < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown method \"%s\"", method),
				 errdetail("Known methods are: %s.", match_list(match_methods))));
	rule->core.method = (matching_method) at;
	rule->zones.price_max = rule->core.method == MATCHING_PAY_AS_CLEAR ? MATCH_PRICE_LIMIT : MATCHING_ZONES_PRICE_MAX;
	rule->zones.price_min = -rule->zones.price_max;
}

void
match_rule_read(MatchRule *rule, const char *method, Jsonb *options)
{
	JsonbIterator *it = JsonbIteratorInit(&options->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	JsonbValue	list[OPTIONS];
	bool		given[OPTIONS] = {false};

	match_rule_begin(rule, method);
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"options\" must be a JSON object")));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const match_option *option;

		if (token != WJB_KEY)
			continue;
		option = match_option_find(rule->core.method, pnstrdup(v.val.string.val, v.val.string.len));
		JsonbIteratorNext(&it, &v, true);
		given[option - match_options] = true;
		if (option->read != NULL)
			list[option - match_options] = v;
		else
			match_option_set(rule, option, &v);
	}
	for (int i = 0; i < OPTIONS; i++)
	{
		/* a line of zones that are not there is said to be of none */
		if (given[i] && match_options[i].read != NULL && !(i == OPTION_LINES && !rule->has_zones))
			match_options[i].read(rule, &list[i]);
	}
	match_rule_check(rule, given);
}

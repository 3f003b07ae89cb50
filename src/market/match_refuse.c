/*
 * match_refuse.c: says what is wrong with orders that cannot be matched.
 *
 * The core answers with a number and a position; here they become an error that
 * names the order and has its values.
 */
#include "postgres.h"
#include "compat.h"

#include "market/match_refuse.h"

void
match_refuse_duplicate(const MatchInput *in, uint32 position)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("two orders have the same \"order_id\""),
			 errdetail("%s has one that was there before.", match_input_where(in, position))));
}

void
match_refuse_zones(const MatchInput *in)
{
	MatchName	zone = match_input_name(in, in->order[in->other_zone].zone);
	MatchName	others = match_input_name(in, in->zone);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("orders of more than one zone cannot be matched without the option \"zones\""),
			 errdetail("%s is of zone \"%s\", others are of zone \"%s\".", match_input_where(in, in->other_zone),
					   pnstrdup(zone.data, zone.len), pnstrdup(others.data, others.len)),
			 errhint("Match each zone by itself, or give the option \"zones\".")));
}

void
match_refuse_zone(const MatchInput *in, uint32 position, uint32 name)
{
	if (name == MATCHING_NOBODY)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("\"zone\" of an order must not be NULL with option \"zones\""),
				 errdetail("%s has none.", match_input_where(in, position))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"zone\" of an order or of its conditions must be one of option \"zones\""),
			 errdetail("%s has \"%s\".", match_input_where(in, position),
					   pnstrdup(match_input_name(in, name).data, match_input_name(in, name).len))));
}

/* Which of an order's prices is beyond the limits of zones. */
static void
match_refuse_price(const MatchInput *in, const matching_rule *rule, const matching_outcome *out)
{
	const matching_order *order = &in->order[out->bad_order];
	int64		price = order->price;

	if (out->bad_condition != MATCHING_NOBODY)
		price = rule->condition[out->bad_condition].price;
	else if (order->has_partner_price &&
			 (order->any_price || (price >= rule->zones->price_min && price <= rule->zones->price_max)))
		price = order->partner_price;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("a price of an order is beyond the limits of prices in zones"),
			 errdetail("%s has %lld; they are from %lld to %lld.", match_input_where(in, out->bad_order), (long long) price,
					   (long long) rule->zones->price_min, (long long) rule->zones->price_max)));
}

/* What is wrong with conditions. */
static void
match_refuse_condition(const MatchInput *in, const matching_rule *rule, matching_result result, const matching_outcome *out)
{
	const char *where = match_input_where(in, out->bad_order);

	switch (result)
	{
		case MATCHING_BAD_CONDITION:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"energy\" of a condition must be above 0"),
					 errdetail("%s has one with %lld.", where, (long long) rule->condition[out->bad_condition].energy)));
			break;
		case MATCHING_TOO_MANY_CONDITIONS:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("an order must not have more than %d conditions", MATCHING_CONDITIONS_EACH_MAX),
					 errdetail("%s has more.", where)));
			break;
		case MATCHING_TWO_OPEN:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an order must not have two conditions that name nothing"),
					 errdetail("%s has.", where)));
			break;
		default:
			break;
	}
}

static void
match_refuse_no_price(const matching_rule *rule, const char *where)
{
	if (rule->method == MATCHING_PROPORTIONAL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("method proportional needs the option \"reference_price\""),
				 errdetail("It is the price at which all trade.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("orders at any price leave the price open"),
			 errdetail("%s would trade at a price that no limit gives.", where),
			 errhint("Give the option \"reference_price\".")));
}

void
match_refuse(const MatchInput *in, const matching_rule *rule, matching_result result, const matching_outcome *out)
{
	/* one is there also where no order is, for MATCHING_NO_PRICE of none */
	const matching_order *order = &in->order[out->bad_order];
	const char *where = match_input_where(in, out->bad_order);

	match_refuse_condition(in, rule, result, out);
	switch (result)
	{
		case MATCHING_BAD_ENERGY:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"energy\" of an order must be above 0"),
					 errdetail("%s has %lld.", where, (long long) order->energy)));
			break;
		case MATCHING_ENERGY_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("energy of all %ss is more than a bigint holds", order->side == MATCHING_BID ? "bid" : "ask"),
					 errdetail("%s with %lld, is the first that is too much.", where, (long long) order->energy)));
			break;
		case MATCHING_ZONES_ENERGY:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("energy of all orders is more than zones that are coupled hold"),
					 errdetail("They hold at most %lld.", (long long) COUPLING_ENERGY_MAX)));
			break;
		case MATCHING_DUPLICATE_ID:
			match_refuse_duplicate(in, out->bad_order);
		case MATCHING_OWN_PARTNER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"partner\" of an order must not be its own actor"),
					 errdetail("%s names itself.", where)));
			break;
		case MATCHING_PRICE_RANGE:
			match_refuse_price(in, rule, out);
			break;
		case MATCHING_NO_PRICE:
			match_refuse_no_price(rule, where);
			break;
		default:
			break;
	}
	elog(ERROR, "matching ended with result %d", (int) result);
}

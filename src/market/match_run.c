/*
 * match_run.c: from orders and a rule to trades, through the core.
 *
 * The core answers with a number where it refuses; here it becomes an error that
 * names the order.
 */
#include "postgres.h"
#include "compat.h"

#include "utils/memutils.h"

#include "market/match_run.h"

static void
match_refuse(const MatchInput *in, const matching_rule *rule, matching_result result, uint32 bad)
{
	/* one is there also where no order is, for MATCHING_NO_PRICE of none */
	const matching_order *order = &in->order[bad];
	const char *where = match_input_where(in, bad);

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
		case MATCHING_DUPLICATE_ID:
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("two orders have the same \"order_id\""),
					 errdetail("%s has one that was there before.", where)));
			break;
		case MATCHING_OWN_PARTNER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"partner\" of an order must not be its own actor"),
					 errdetail("%s names itself.", where)));
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
					 errdetail("%s would trade at a price that no limit gives.", where),
					 errhint("Give the option \"reference_price\".")));
			break;
		default:
			elog(ERROR, "matching ended with result %d", (int) result);
	}
}

/* Energy does not pass from zone to zone where none are known. */
static void
match_refuse_zones(const MatchInput *in)
{
	MatchName	zone = match_input_name(in, in->order[in->other_zone].zone);
	MatchName	others = match_input_name(in, in->zone);

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("orders of more than one zone cannot be matched"),
			 errdetail("%s is of zone \"%s\", others are of zone \"%s\".", match_input_where(in, in->other_zone),
					   pnstrdup(zone.data, zone.len), pnstrdup(others.data, others.len)),
			 errhint("Match each zone by itself.")));
}

static void
match_take_trades(MatchResult *result, const matching_outcome *out)
{
	result->trades = (uint32) out->trades;
	result->trade = palloc_extended(sizeof(MatchTrade) * (out->trades + 1), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < out->trades; i++)
	{
		const matching_trade *from = &out->trade[i];

		result->trade[i] = (MatchTrade) {.bid = from->bid,.ask = from->ask,.energy = from->energy,
			.price = from->price,.buyer_price = from->price,
			.phase = i < out->first_trades ? MATCH_PHASE_FIRST : MATCH_PHASE_MAIN
		};
	}
}

MatchResult *
match_run(MatchInput *in, const MatchRule *rule)
{
	MatchResult *result = palloc0(sizeof(MatchResult));
	matching_outcome out;
	matching_result status;
	void	   *memory;

	if (in->other_zone != MATCHING_NOBODY)
		match_refuse_zones(in);
	memory = palloc_extended(matching_memory_size(in->count, rule->core.method) + 1, MCXT_ALLOC_HUGE);
	status = matching_run(in->order, in->count, &rule->core, memory, &out);
	if (status != MATCHING_OK)
		match_refuse(in, &rule->core, status, out.bad_order);
	match_take_trades(result, &out);
	result->netted = out.netted;
	result->volume = out.volume;
	result->netted_volume = out.netted_volume;
	result->has_price = out.has_price;
	result->has_low = out.has_low;
	result->has_high = out.has_high;
	result->price = out.price;
	result->low = out.low;
	result->high = out.high;
	return result;
}

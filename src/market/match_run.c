/*
 * match_run.c: from orders and a rule to trades, through the core.
 *
 * Zones are names in the input and places in the rule; where a rule has zones or a lottery
 * the core is given a copy of the orders in which they are those, as the input is
 * hashed and kept as it came.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "core/sha256.h"
#include "market/match_refuse.h"
#include "market/match_run.h"

#define MATCH_ALIGNMENT 16		/* of the core's memory */

/* What the core is called with. */
typedef struct match_call
{
	const matching_order *order;
	matching_rule rule;
	matching_zones zones;
	matching_condition *condition;
} match_call;

static void
match_pause(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* Places of zones by the number of their name. */
static uint32 *
match_zone_places(MatchInput *in, const MatchRule *rule)
{
	uint32	   *number = palloc(sizeof(uint32) * (rule->zones.zones + 1));
	uint32	   *place;

	for (uint32 z = 0; z < rule->zones.zones; z++)
		number[z] = match_input_number(in, rule->zone_name[z]);
	place = palloc_extended(sizeof(uint32) * ((Size) in->names.count + 1), MCXT_ALLOC_HUGE);
	memset(place, 0xff, sizeof(uint32) * in->names.count);
	for (uint32 z = 0; z < rule->zones.zones; z++)
		place[number[z]] = z;
	pfree(number);
	return place;
}

/* Priority by a number that nobody can know before the seed is. */
static int64
match_lottery_number(const MatchRule *rule, int64 order_id)
{
	uint8		message[32 + 8];
	uint8		hash[SHA256_LEN];
	uint64		number = pg_hton64((uint64) order_id);

	memcpy(message, rule->lottery, 32);
	memcpy(message + 32, &number, 8);
	sha256_of(message, sizeof(message), hash);
	memcpy(&number, hash, 8);
	return (int64) (pg_ntoh64(number) >> 1);
}

static void
match_copy_orders(MatchInput *in, const MatchRule *rule, const uint32 *place, match_call *call)
{
	matching_order *copy = palloc_extended(sizeof(matching_order) * ((Size) in->count + 1), MCXT_ALLOC_HUGE);

	memcpy(copy, in->order, sizeof(matching_order) * in->count);
	for (uint32 i = 0; i < in->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (place != NULL)
		{
			copy[i].zone = copy[i].zone == MATCHING_NOBODY ? MATCHING_NOBODY : place[copy[i].zone];
			if (copy[i].zone == MATCHING_NOBODY)
				match_refuse_zone(in, i, in->order[i].zone);
		}
		if (rule->has_lottery)
			copy[i].arrival = match_lottery_number(rule, copy[i].order_id);
	}
	call->order = copy;
}

static void
match_prepare(MatchInput *in, const MatchRule *rule, match_call *call)
{
	uint32	   *place = NULL;

	match_rule_apply(rule, in);
	if (rule->has_zones)
		place = match_zone_places(in, rule);
	else if (in->other_zone != MATCHING_NOBODY)
		match_refuse_zones(in);
	call->order = in->order;
	if (place != NULL || rule->has_lottery)
		match_copy_orders(in, rule, place, call);
	call->rule = rule->core;
	call->rule.pause = match_pause;
	if (rule->has_zones)
	{
		call->zones = rule->zones;
		call->rule.zones = &call->zones;
	}
	if (in->conditions == 0)
		return;
	call->condition = match_input_conditions(in);
	for (uint32 i = 0; place != NULL && i < in->conditions; i++)
	{
		uint32	   *zone = &call->condition[i].zone;
		uint32		name = *zone;

		if (name != MATCHING_NOBODY && (*zone = place[name]) == MATCHING_NOBODY)
			match_refuse_zone(in, call->condition[i].order, name);
	}
	call->rule.condition = call->condition;
	call->rule.conditions = in->conditions;
	call->rule.source = in->source;
}

/* ---- results ---- */

static MatchPhase
match_phase(const matching_outcome *out, size_t trade)
{
	if (trade < out->first_trades)
		return MATCH_PHASE_FIRST;
	return trade < out->first_trades + out->condition_trades ? MATCH_PHASE_CONDITIONS : MATCH_PHASE_MAIN;
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
			.price = from->price,.buyer_price = from->buyer_price,.phase = match_phase(out, i)
		};
	}
}

static void
match_take_zones(MatchResult *result, const matching_outcome *out, const MatchRule *rule)
{
	result->zones = (int) rule->zones.zones;
	result->zone = palloc0(sizeof(MatchZoneResult) * (result->zones + 1));
	for (int z = 0; z < result->zones; z++)
	{
		MatchZoneResult *to = &result->zone[z];

		to->name = rule->zone_name[z];
		to->sold_wh = out->zone_sum[z].sold;
		to->bought_wh = out->zone_sum[z].bought;
		to->fee = rule->zones.zone[z].fee;
		to->fee_nano = out->zone_sum[z].fee;
		if (out->zone == NULL || !out->zone[z].has_price)
			continue;
		to->has_price = true;
		to->price = out->zone[z].seller_price_micro_per_kwh;
		to->low = out->zone[z].low_micro_per_kwh;
		to->high = out->zone[z].high_micro_per_kwh;
	}
}

static void
match_take_lines(MatchResult *result, const matching_outcome *out, const MatchRule *rule)
{
	result->lines = (int) out->lines;
	result->line = palloc0(sizeof(MatchLineResult) * (result->lines + 1));
	for (int i = 0; i < result->lines; i++)
	{
		MatchLineResult *to = &result->line[i];
		const coupling_line_result *from = &out->line_result[i];

		to->from = rule->zone_name[out->line[i].from_zone];
		to->to = rule->zone_name[out->line[i].to_zone];
		to->fee = out->line[i].fee_micro_per_kwh;
		to->flow_wh = from->flow_wh;
		to->fee_nano = from->fee_nano;
		to->rent_nano = from->rent_nano;
		/* the difference of two prices, so the division leaves nothing */
		if (from->flow_wh != 0)
			to->rent = (int64) (from->rent_nano / (from->flow_wh < 0 ? -from->flow_wh : from->flow_wh));
	}
}

MatchResult *
match_run(MatchInput *in, const MatchRule *rule)
{
	MatchResult *result = palloc0(sizeof(MatchResult));
	match_call	call = {0};
	matching_outcome out;
	matching_result status;
	char	   *memory;

	match_prepare(in, rule, &call);
	memory = palloc_extended(matching_memory_size(in->count, &call.rule) + MATCH_ALIGNMENT, MCXT_ALLOC_HUGE);
	status = matching_run(call.order, in->count, &call.rule, (void *) TYPEALIGN(MATCH_ALIGNMENT, memory), &out);
	if (status != MATCHING_OK)
		match_refuse(in, &call.rule, status, &out);
	match_take_trades(result, &out);
	if (rule->has_zones)
	{
		match_take_zones(result, &out, rule);
		match_take_lines(result, &out, rule);
	}
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

/*
 * coupling_check.c: whether a coupling's result is one, without knowing how it was
 * found: to be asked before anything is written, and by whoever has the result from
 * elsewhere.
 *
 * It reads the problem itself and not what the solver made of it, and it searches
 * nothing.  Flows that keep the laws, and prices with which nobody gains by more or
 * less energy, prove each other optimal (complementary slackness); so both ends of
 * every zone's interval are tried as prices, where an end that is missing is farther
 * than any price.  The welfare is then computed a second way, from the prices: what
 * sellers and buyers gain and the lines earn.
 */
#include "core/coupling.h"

#define PRICE_AND_FEES_MAX (INT64_C(1) << 49)	/* a price and the fees of the longest way */
#define FARTHER (INT64_C(1) << 60)

static int
check_find_zone(const coupling_problem *problem, int64_t id)
{
	for (size_t i = 0; i < problem->zone_count; i++)
		if (problem->zone[i].id == id)
			return (int) i;
	return -1;
}

static int64_t
check_price(const coupling_zone_result *zone, bool high)
{
	if (high)
		return zone->has_high ? zone->high_micro_per_kwh : FARTHER;
	return zone->has_low ? zone->low_micro_per_kwh : -FARTHER;
}

/* Numbers that are too far off to be computed with. */
static coupling_fault
check_range(const coupling_problem *problem, const coupling_zone_result *zone, const coupling_line_result *line)
{
	for (size_t i = 0; i < problem->line_count; i++)
		if (line[i].flow_wh > COUPLING_ENERGY_MAX || line[i].flow_wh < -COUPLING_ENERGY_MAX)
			return COUPLING_FAULT_LINE;
	for (size_t i = 0; i < problem->zone_count; i++)
	{
		int64_t		bound[2] = {zone[i].low_micro_per_kwh, zone[i].high_micro_per_kwh};

		for (int j = 0; j < 2; j++)
			if (bound[j] > PRICE_AND_FEES_MAX || bound[j] < -PRICE_AND_FEES_MAX)
				return COUPLING_FAULT_PRICE;
	}
	return COUPLING_SOUND;
}

/* Energy of the steps at a price below, and at one not above. */
static void
check_sum_steps(const coupling_step *step, size_t count, int64_t price_micro_per_kwh,
				int64_t *below_wh, int64_t *up_to_wh)
{
	*below_wh = 0;
	*up_to_wh = 0;
	for (size_t i = 0; i < count; i++)
	{
		if (step[i].price_micro_per_kwh < price_micro_per_kwh)
			*below_wh += step[i].energy_wh;
		if (step[i].price_micro_per_kwh <= price_micro_per_kwh)
			*up_to_wh += step[i].energy_wh;
	}
}

static coupling_fault
check_steps(const coupling_zone *zone, const coupling_zone_result *result, int64_t price_micro_per_kwh)
{
	int64_t		below_wh;
	int64_t		up_to_wh;
	int64_t		all_wh = 0;

	check_sum_steps(zone->supply, zone->supply_count, price_micro_per_kwh, &below_wh, &up_to_wh);
	if (result->sold_wh < below_wh || result->sold_wh > up_to_wh)
		return COUPLING_FAULT_SUPPLY;
	for (size_t i = 0; i < zone->demand_count; i++)
		all_wh += zone->demand[i].energy_wh;
	check_sum_steps(zone->demand, zone->demand_count, price_micro_per_kwh + zone->fee_micro_per_kwh,
					&below_wh, &up_to_wh);
	if (result->bought_wh < all_wh - up_to_wh || result->bought_wh > all_wh - below_wh)
		return COUPLING_FAULT_DEMAND;
	return COUPLING_SOUND;
}

/* One line, at one end of its zones' intervals. */
static coupling_fault
check_slack(const coupling_problem *problem, const coupling_zone_result *zone,
			const coupling_line *line, int64_t flow_wh, bool high)
{
	int			end[2] = {check_find_zone(problem, line->from_zone), check_find_zone(problem, line->to_zone)};
	int64_t		capacity_wh[2] = {line->capacity_forth_wh, line->capacity_back_wh};

	for (int way = 0; way < 2; way++)
	{
		int64_t		along_wh = way == 0 ? flow_wh : -flow_wh;
		int64_t		cost = line->fee_micro_per_kwh + problem->zone[end[way]].fee_micro_per_kwh;
		int64_t		from = check_price(&zone[end[way]], high);
		int64_t		to = check_price(&zone[end[1 - way]], high);

		if (along_wh > capacity_wh[way])
			return COUPLING_FAULT_LINE;
		/* neither end is known: neither trades, and nothing can be said */
		if ((from == FARTHER && to == FARTHER) || (from == -FARTHER && to == -FARTHER))
			continue;
		/* room left, and worth to be carried */
		if (along_wh >= 0 && along_wh < capacity_wh[way] && to - from > cost)
			return COUPLING_FAULT_SLACK;
		/* carried, and not worth it */
		if (along_wh > 0 && to - from < cost)
			return COUPLING_FAULT_SLACK;
	}
	return COUPLING_SOUND;
}

/* Energy that came over lines, less energy that left; and what left. */
static void
check_lines_of(const coupling_problem *problem, const coupling_line_result *line, int64_t id,
			   __int128 *came_wh, __int128 *left_wh)
{
	*came_wh = 0;
	*left_wh = 0;
	for (size_t i = 0; i < problem->line_count; i++)
	{
		int64_t		flow_wh = line[i].flow_wh;

		if (problem->line[i].from_zone == id)
			*(flow_wh > 0 ? left_wh : came_wh) += flow_wh > 0 ? flow_wh : -flow_wh;
		if (problem->line[i].to_zone == id)
			*(flow_wh > 0 ? came_wh : left_wh) += flow_wh > 0 ? flow_wh : -flow_wh;
	}
}

static coupling_fault
check_zone(const coupling_problem *problem, size_t i, const coupling_zone_result *result,
		   const coupling_line_result *line)
{
	coupling_fault fault;
	__int128	came_wh;
	__int128	left_wh;

	check_lines_of(problem, line, problem->zone[i].id, &came_wh, &left_wh);
	if (result->sold_wh < 0 || result->bought_wh < 0 || result->forwarded_wh != left_wh ||
		result->sold_wh + came_wh != result->bought_wh + left_wh)
		return COUPLING_FAULT_BALANCE;
	fault = check_steps(&problem->zone[i], result, check_price(result, false));
	if (fault == COUPLING_SOUND)
		fault = check_steps(&problem->zone[i], result, check_price(result, true));
	if (fault != COUPLING_SOUND)
		return fault;
	if (result->has_price != (result->has_low && result->has_high) ||
		(!result->has_price && (result->sold_wh != 0 || result->bought_wh != 0 || left_wh != 0)))
		return COUPLING_FAULT_PRICE;
	if (result->has_price)
	{
		int64_t		low = result->low_micro_per_kwh;
		int64_t		high = result->high_micro_per_kwh;
		int64_t		price = problem->price_rule == COUPLING_PRICE_LOW ? low : high;

		if (problem->price_rule == COUPLING_PRICE_MIDPOINT)
			price = low + (high - low) / 2;
		if (low > high || result->seller_price_micro_per_kwh != price ||
			result->buyer_price_micro_per_kwh != price + problem->zone[i].fee_micro_per_kwh)
			return COUPLING_FAULT_PRICE;
	}
	return COUPLING_SOUND;
}

/* What a zone's sellers and buyers gain by its prices. */
static __int128
check_gain(const coupling_zone *zone, const coupling_zone_result *result)
{
	__int128	gain = 0;

	for (size_t i = 0; i < zone->supply_count; i++)
		if (zone->supply[i].price_micro_per_kwh < result->seller_price_micro_per_kwh)
			gain += (__int128) zone->supply[i].energy_wh *
				(result->seller_price_micro_per_kwh - zone->supply[i].price_micro_per_kwh);
	for (size_t i = 0; i < zone->demand_count; i++)
		if (zone->demand[i].price_micro_per_kwh > result->buyer_price_micro_per_kwh)
			gain += (__int128) zone->demand[i].energy_wh *
				(zone->demand[i].price_micro_per_kwh - result->buyer_price_micro_per_kwh);
	return gain;
}

static coupling_fault
check_money(const coupling_problem *problem, const coupling_zone_result *zone,
			const coupling_line_result *line, const coupling_total *total)
{
	coupling_total sum = {0};

	for (size_t i = 0; i < problem->zone_count; i++)
	{
		if (zone[i].fee_nano != (__int128) problem->zone[i].fee_micro_per_kwh *
			((__int128) zone[i].bought_wh + zone[i].forwarded_wh))
			return COUPLING_FAULT_MONEY;
		sum.sold_wh += zone[i].sold_wh;
		sum.fee_nano += zone[i].fee_nano;
		if (!zone[i].has_price)
			continue;
		sum.buyers_pay_nano += (__int128) zone[i].bought_wh * zone[i].buyer_price_micro_per_kwh;
		sum.sellers_get_nano += (__int128) zone[i].sold_wh * zone[i].seller_price_micro_per_kwh;
		sum.welfare_nano += check_gain(&problem->zone[i], &zone[i]);
	}
	for (size_t i = 0; i < problem->line_count; i++)
	{
		int64_t		energy_wh = line[i].flow_wh < 0 ? -line[i].flow_wh : line[i].flow_wh;

		if (line[i].fee_nano != (__int128) energy_wh * problem->line[i].fee_micro_per_kwh)
			return COUPLING_FAULT_MONEY;
		sum.fee_nano += line[i].fee_nano;
		sum.rent_nano += line[i].rent_nano;
	}
	sum.welfare_nano += sum.rent_nano;
	if (total->sold_wh != sum.sold_wh || total->welfare_nano != sum.welfare_nano ||
		total->buyers_pay_nano != sum.buyers_pay_nano || total->sellers_get_nano != sum.sellers_get_nano ||
		total->fee_nano != sum.fee_nano || total->rent_nano != sum.rent_nano ||
		sum.buyers_pay_nano != sum.sellers_get_nano + sum.fee_nano + sum.rent_nano)
		return COUPLING_FAULT_MONEY;
	return COUPLING_SOUND;
}

/* A line's rent by the prices at its ends. */
static coupling_fault
check_rent(const coupling_problem *problem, const coupling_zone_result *zone,
		   const coupling_line *line, const coupling_line_result *result)
{
	int			from = check_find_zone(problem, line->from_zone);
	int			to = check_find_zone(problem, line->to_zone);
	int			left = result->flow_wh > 0 ? from : to;
	int64_t		difference = zone[to].seller_price_micro_per_kwh - zone[from].seller_price_micro_per_kwh;
	int64_t		cost = line->fee_micro_per_kwh + problem->zone[left].fee_micro_per_kwh;
	__int128	rent;

	if (result->flow_wh == 0)
		return result->rent_nano == 0 ? COUPLING_SOUND : COUPLING_FAULT_MONEY;
	rent = (__int128) result->flow_wh * difference;
	rent -= (__int128) cost * (result->flow_wh > 0 ? result->flow_wh : -result->flow_wh);
	return result->rent_nano == rent ? COUPLING_SOUND : COUPLING_FAULT_MONEY;
}

coupling_fault
coupling_check(const coupling_problem *problem,
			   const coupling_zone_result *zone, const coupling_line_result *line,
			   const coupling_total *total)
{
	coupling_fault fault = check_range(problem, zone, line);

	for (size_t i = 0; i < problem->line_count && fault == COUPLING_SOUND; i++)
	{
		fault = check_slack(problem, zone, &problem->line[i], line[i].flow_wh, false);
		if (fault == COUPLING_SOUND)
			fault = check_slack(problem, zone, &problem->line[i], line[i].flow_wh, true);
	}
	for (size_t i = 0; i < problem->zone_count && fault == COUPLING_SOUND; i++)
		fault = check_zone(problem, i, &zone[i], line);
	for (size_t i = 0; i < problem->line_count && fault == COUPLING_SOUND; i++)
		fault = check_rent(problem, zone, &problem->line[i], &line[i]);
	if (fault == COUPLING_SOUND)
		fault = check_money(problem, zone, line, total);
	return fault;
}

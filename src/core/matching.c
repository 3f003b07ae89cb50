/*
 * matching.c: one clearing from its orders to its trades.
 *
 * The way is the same for every method: the orders are checked, brought into an order that
 * does not depend on how they came in, own orders are netted, the first phase and
 * the method proper make trades, and these are checked against the orders once
 * more, by other sums than those that made them, before the caller sees any.
 */
#include "core/matching.h"

#include <string.h>

#include "core/matching_book.h"
#include "core/matching_parts.h"

size_t
matching_memory_size(size_t orders, const matching_rule *rule)
{
	size_t		size = matching_part_size(orders + rule->conditions, sizeof(matching_trade)) +
		2 * matching_part_size(orders, sizeof(matching_entry)) +
		3 * matching_part_size(orders, sizeof(int64_t)) + 2 * matching_part_size(orders, sizeof(uint32_t));

	if (rule->method == MATCHING_CONTINUOUS)
		size += matching_book_size((uint32_t) orders);
	if (rule->zones != NULL)
		size += matching_zones_memory(orders, rule);
	if (rule->conditions > 0)
		size += matching_conditions_memory(orders, rule);
	return size;
}

/* What is left of the memory is for zones and conditions. */
static char *
run_lay_out(matching_run_state *run, void *memory)
{
	char	   *at = memory;

	run->trade = matching_part_take(&at, run->orders + run->rule->conditions, sizeof(matching_trade));
	run->entry = matching_part_take(&at, run->orders, sizeof(matching_entry));
	run->spare = matching_part_take(&at, run->orders, sizeof(matching_entry));
	run->left = matching_part_take(&at, run->orders, sizeof(int64_t));
	run->netted = matching_part_take(&at, run->orders, sizeof(int64_t));
	run->share = matching_part_take(&at, run->orders, sizeof(int64_t));
	run->arrived = matching_part_take(&at, run->orders, sizeof(uint32_t));
	run->bid = matching_part_take(&at, run->orders, sizeof(uint32_t));
	run->book = at;
	return at;
}

/* Zones have no community's one price, and the book knows neither zones nor conditions. */
static bool
rule_parts_go_together(const matching_rule *rule)
{
	bool		clear = rule->method == MATCHING_PAY_AS_CLEAR;
	bool		by_bid = rule->method == MATCHING_PAY_AS_BID && rule->sequence == MATCHING_MERIT;

	if (rule->conditions > 0 && (rule->method == MATCHING_CONTINUOUS || rule->sequence != MATCHING_MERIT))
		return false;
	if (rule->zones == NULL)
		return true;
	return (clear || by_bid) && rule->zones->zones <= MATCHING_ZONES_MAX && rule->zones->lines <= COUPLING_LINES_MAX &&
		!(clear && rule->has_reference) && !(by_bid && rule->zones->has_lines) &&
		rule->zones->price_min <= rule->zones->price_max &&
		rule->zones->price_min >= -MATCHING_ZONES_PRICE_MAX && rule->zones->price_max <= MATCHING_ZONES_PRICE_MAX;
}

static bool
rule_is_good(const matching_rule *rule)
{
	bool		clear = rule->method == MATCHING_PAY_AS_CLEAR;
	bool		by_bid = rule->method == MATCHING_PAY_AS_BID;
	bool		continuous = rule->method == MATCHING_CONTINUOUS;

	return (clear || by_bid || continuous || rule->method == MATCHING_PROPORTIONAL) &&
		rule->policy <= (clear ? MATCHING_MIDPOINT : MATCHING_ASK_SIDE) &&
		rule->sequence <= (by_bid ? MATCHING_GSY : MATCHING_MERIT) &&
		rule->first <= (continuous ? MATCHING_FIRST_NONE : MATCHING_FIRST_PREFERENCE) &&
		!(continuous && rule->has_reference) && rule_parts_go_together(rule);
}

/* What can be said of an order without the others, and the sums. */
static matching_result
orders_check(matching_run_state *run)
{
	int64_t		sum[2] = {0, 0};

	for (size_t i = 0; i < run->orders; i++)
	{
		const matching_order *order = &run->order[i];

		run->out->bad_order = (uint32_t) i;
		if (order->side != MATCHING_BID && order->side != MATCHING_ASK)
			return MATCHING_BAD_SIDE;
		if (order->energy <= 0)
			return MATCHING_BAD_ENERGY;
		if (__builtin_add_overflow(sum[order->side], order->energy, &sum[order->side]))
			return MATCHING_ENERGY_OVERFLOW;
		if (order->partner != MATCHING_NOBODY && order->partner == order->actor)
			return MATCHING_OWN_PARTNER;
		run->bids += order->side == MATCHING_BID;
		run->left[i] = order->energy;
		run->netted[i] = 0;
	}
	run->out->bad_order = 0;
	run->asks = run->orders - run->bids;
	run->ask = run->bid + run->bids;
	return MATCHING_OK;
}

/* By order id, which finds those that are there twice; then by arrival. */
static matching_result
orders_by_arrival(matching_run_state *run)
{
	for (size_t i = 0; i < run->orders; i++)
		run->entry[i] = (matching_entry) {matching_key(run->order[i].order_id), (uint32_t) i};
	matching_sort(run->entry, run->spare, run->orders);
	for (size_t i = 1; i < run->orders; i++)
	{
		if (run->entry[i].key == run->entry[i - 1].key)
		{
			run->out->bad_order = run->entry[i].position;
			return MATCHING_DUPLICATE_ID;
		}
	}
	for (size_t i = 0; i < run->orders; i++)
		run->entry[i].key = matching_key(run->order[run->entry[i].position].arrival);
	matching_sort(run->entry, run->spare, run->orders);
	for (size_t i = 0; i < run->orders; i++)
		run->arrived[i] = run->entry[i].position;
	return MATCHING_OK;
}

/*
 * Both sides in priority: at any price, then the best price, then as it arrived.
 * Those at any price are put in front after the sort, as their price has no key of its
 * own.  One pass for both, as each order looked at is a wait for memory.
 */
void
matching_by_priority(matching_run_state *run)
{
	matching_entry *entry[2] = {run->entry, run->entry + run->bids};
	uint32_t   *list[2] = {run->bid, run->ask};
	size_t		any[2] = {0, 0};
	size_t		limited[2] = {0, 0};

	for (size_t i = 0; i < run->orders; i++)
	{
		uint32_t	position = run->arrived[i];
		const matching_order *order = &run->order[position];
		int			side = order->side;
		uint64_t	key = matching_key(order->price);

		if (order->any_price)
			list[side][any[side]++] = position;
		else
			entry[side][limited[side]++] = (matching_entry) {side == MATCHING_BID ? ~key : key, position};
	}
	for (int side = 0; side < 2; side++)
	{
		matching_sort(entry[side], run->spare, limited[side]);
		for (size_t i = 0; i < limited[side]; i++)
			list[side][any[side] + i] = entry[side][i].position;
	}
}

/* Whether a trade's prices are such that both of its orders agreed to them. */
static bool
trade_price_is_good(const matching_run_state *run, size_t n)
{
	const matching_trade *trade = &run->trade[n];
	const matching_order *bid = &run->order[trade->bid];
	const matching_order *ask = &run->order[trade->ask];
	int64_t		bid_price;
	int64_t		ask_price;

	if (run->in_zones == NULL && trade->buyer_price != trade->price)
		return false;
	if (n < run->out->first_trades)
		return matching_partner_price(bid, &bid_price) && bid_price == trade->buyer_price &&
			matching_partner_price(ask, &ask_price) && ask_price == trade->price;
	/* those by conditions are looked at by themselves */
	if (n < run->out->first_trades + run->out->condition_trades)
		return true;
	return (bid->any_price || bid->price >= trade->buyer_price) && (ask->any_price || ask->price <= trade->price);
}

/*
 * Energy bought is energy sold, and no order got more than it asked for, at another
 * price, or from itself.  Summed up from the trades alone.
 */
static bool
trades_are_good(matching_run_state *run)
{
	int64_t		netted[2] = {0, 0};
	int64_t		traded[2] = {0, 0};
	int64_t		volume = 0;

	memset(run->share, 0, run->orders * sizeof(*run->share));
	for (size_t i = 0; i < run->out->trades; i++)
	{
		const matching_trade *trade = &run->trade[i];
		const matching_order *bid = &run->order[trade->bid];
		const matching_order *ask = &run->order[trade->ask];

		if (bid->side != MATCHING_BID || ask->side != MATCHING_ASK || trade->energy <= 0 || !trade_price_is_good(run, i))
			return false;
		if (bid->actor == ask->actor && bid->actor != MATCHING_NOBODY && !run->rule->own_trades &&
			matching_zone_of(run, bid) == matching_zone_of(run, ask))
			return false;
		if (__builtin_add_overflow(run->share[trade->bid], trade->energy, &run->share[trade->bid]) ||
			__builtin_add_overflow(run->share[trade->ask], trade->energy, &run->share[trade->ask]) ||
			__builtin_add_overflow(volume, trade->energy, &volume))
			return false;
	}
	for (size_t i = 0; i < run->orders; i++)
	{
		const matching_order *order = &run->order[i];

		/* the sums of a side were found to fit before */
		if (run->netted[i] < 0 || run->netted[i] > order->energy || run->share[i] > order->energy - run->netted[i])
			return false;
		netted[order->side] += run->netted[i];
		traded[order->side] += run->share[i];
	}
	run->out->volume = volume;
	run->out->netted_volume = netted[MATCHING_BID];
	if (run->by_condition != NULL && !matching_conditions_are_kept(run))
		return false;
	if (run->in_zones != NULL && !matching_zones_sum(run))
		return false;
	return netted[MATCHING_BID] == netted[MATCHING_ASK] && traded[MATCHING_BID] == volume && traded[MATCHING_ASK] == volume;
}

static matching_result
run_method_proper(matching_run_state *run)
{
	if (run->rule->method == MATCHING_PROPORTIONAL)
		return matching_share_out(run);
	if (run->in_zones == NULL)
		return matching_auction(run);
	if (run->rule->method == MATCHING_PAY_AS_BID)
		return matching_zones_by_bid(run);
	return matching_zones_coupled(run);
}

static matching_result
run_method(matching_run_state *run, char *rest)
{
	matching_result result = orders_check(run);

	if (result == MATCHING_OK && run->rule->zones != NULL)
		result = matching_zones_begin(run, &rest);
	if (result == MATCHING_OK)
		result = orders_by_arrival(run);
	if (result == MATCHING_OK && run->rule->conditions > 0)
		result = matching_conditions_begin(run, &rest);
	if (result != MATCHING_OK)
		return result;
	if (run->rule->method == MATCHING_CONTINUOUS)
		return matching_one_by_one(run);
	matching_by_priority(run);
	if (!run->rule->own_trades)
		matching_net(run);
	if (run->rule->first != MATCHING_FIRST_NONE)
		matching_first_phase(run);
	run->out->first_trades = run->out->trades;
	if (run->by_condition != NULL)
	{
		result = matching_conditions_phase(run);
		if (result != MATCHING_OK)
			return result;
		matching_by_priority(run);
	}
	run->out->condition_trades = run->out->trades - run->out->first_trades;
	return run_method_proper(run);
}

matching_result
matching_run(const matching_order *order, size_t orders, const matching_rule *rule, void *memory, matching_outcome *out)
{
	matching_run_state run = {.order = order,.orders = orders,.rule = rule,.out = out};
	matching_result result;
	uint32_t	bad_order;
	uint32_t	bad_condition;

	memset(out, 0, sizeof(*out));
	out->bad_condition = MATCHING_NOBODY;
	if (orders > MATCHING_ORDERS_MAX)
		return MATCHING_TOO_MANY_ORDERS;
	if (rule->conditions > MATCHING_CONDITIONS_MAX)
		return MATCHING_TOO_MANY_CONDITIONS;
	if (!rule_is_good(rule))
		return MATCHING_BAD_RULE;
	result = run_method(&run, run_lay_out(&run, memory));
	if (result == MATCHING_OK && !trades_are_good(&run))
		result = MATCHING_BROKEN;
	if (result != MATCHING_OK)
	{
		bad_order = out->bad_order;
		bad_condition = out->bad_condition;
		memset(out, 0, sizeof(*out));
		out->bad_order = bad_order;
		out->bad_condition = bad_condition;
		return result;
	}
	out->trade = run.trade;
	out->netted = run.netted;
	return MATCHING_OK;
}

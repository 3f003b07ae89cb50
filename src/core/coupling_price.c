/*
 * coupling_price.c: from flows to prices, and from prices to money.
 *
 * A zone's price is not above what its next Wh to give away asks for, nor below what
 * its next Wh to take is worth; over a line with room it is not above the price at
 * the other end and the fees.  The prices that satisfy all of that are those of the
 * dual problem, and the same whichever optimal flows are looked at.  The highest is
 * the shortest path to the zone from any zone's upper bound, the lowest likewise; if
 * two sets of prices satisfy them, so does their midpoint rounded down, because every
 * bound is on one price or on the difference of two.
 */
#include "core/coupling_parts.h"

void
coupling_curve_at(const coupling_node *node, coupling_position *out)
{
	int64_t		rest_wh = node->demand_wh + node->net_wh;

	*out = (coupling_position) {.bought_wh = node->demand_wh};
	for (size_t i = 0; i < node->segment_count; i++)
	{
		const coupling_segment *segment = &node->segment[i];
		int64_t		below_wh = rest_wh < segment->energy_wh ? rest_wh : segment->energy_wh;

		if (below_wh > 0)
		{
			out->has_below = true;
			out->below = segment->price;
		}
		if (below_wh < segment->energy_wh && !out->has_above)
		{
			out->has_above = true;
			out->above = segment->price;
		}
		rest_wh -= below_wh;
		if (segment->is_demand)
		{
			out->bought_wh -= below_wh;
			out->value_nano += (__int128) segment->price * (segment->energy_wh - below_wh);
		}
		else
		{
			out->sold_wh += below_wh;
			out->value_nano -= (__int128) segment->price * below_wh;
		}
	}
}

/* Bounds pass over one arc with room; whether one moved. */
static bool
coupling_pass_bounds(coupling_work *work, int arc)
{
	coupling_node *from = &work->node[work->edge[arc / 2].end[arc % 2]];
	coupling_node *to = &work->node[work->edge[arc / 2].end[1 - arc % 2]];
	int64_t		cost;
	bool		moved = false;

	if (coupling_arc_left(work, arc, &cost) <= 0)
		return false;
	if (from->has_high && (!to->has_high || to->high > from->high + cost))
	{
		to->has_high = true;
		to->high = from->high + cost;
		moved = true;
	}
	if (to->has_low && (!from->has_low || from->low < to->low - cost))
	{
		from->has_low = true;
		from->low = to->low - cost;
		moved = true;
	}
	return moved;
}

/* Optimal flows have no cycle that gains, so no bound moves after node_count rounds. */
static void
coupling_find_bounds(coupling_work *work)
{
	bool		moved = true;

	for (int round = 0; moved && round <= work->node_count; round++)
	{
		moved = false;
		for (int arc = 0; arc < 2 * work->edge_count; arc++)
			moved |= coupling_pass_bounds(work, arc);
	}
}

static void
coupling_tell_zone(const coupling_work *work, const coupling_node *node, coupling_zone_result *out)
{
	out->has_low = node->has_low;
	out->has_high = node->has_high;
	out->low_micro_per_kwh = node->low;
	out->high_micro_per_kwh = node->high;
	out->has_price = node->has_low && node->has_high;
	if (!out->has_price)
		return;
	switch (work->problem->price_rule)
	{
		case COUPLING_PRICE_LOW:
			out->seller_price_micro_per_kwh = node->low;
			break;
		case COUPLING_PRICE_HIGH:
			out->seller_price_micro_per_kwh = node->high;
			break;
		case COUPLING_PRICE_MIDPOINT:
			/* the difference is not negative, so this rounds down */
			out->seller_price_micro_per_kwh = node->low + (node->high - node->low) / 2;
			break;
	}
	out->buyer_price_micro_per_kwh = out->seller_price_micro_per_kwh + node->zone->fee_micro_per_kwh;
}

static void
coupling_tell_line(const coupling_work *work, const coupling_edge *edge,
				   coupling_zone_result *zone, coupling_line_result *out, coupling_total *total)
{
	int			way = edge->flow_wh < 0;
	int64_t		energy_wh = way == 0 ? edge->flow_wh : -edge->flow_wh;
	coupling_zone_result *from = &zone[work->node[edge->end[way]].place];
	coupling_zone_result *to = &zone[work->node[edge->end[1 - way]].place];

	*out = (coupling_line_result) {.flow_wh = edge->flow_wh};
	if (energy_wh == 0)
		return;
	from->forwarded_wh += energy_wh;
	out->fee_nano = (__int128) energy_wh * edge->line->fee_micro_per_kwh;
	out->rent_nano = (__int128) energy_wh *
		(to->seller_price_micro_per_kwh - from->seller_price_micro_per_kwh - edge->cost[way]);
	total->fee_nano += out->fee_nano;
	total->rent_nano += out->rent_nano;
	total->welfare_nano -= (__int128) energy_wh * edge->cost[way];
}

void
coupling_price(coupling_work *work, coupling_zone_result *zone,
			   coupling_line_result *line, coupling_total *total)
{
	*total = (coupling_total) {0};
	for (int i = 0; i < work->node_count; i++)
	{
		coupling_node *node = &work->node[i];
		coupling_zone_result *out = &zone[node->place];
		coupling_position position;

		coupling_curve_at(node, &position);
		node->has_low = position.has_below;
		node->low = position.below;
		node->has_high = position.has_above;
		node->high = position.above;
		*out = (coupling_zone_result) {.sold_wh = position.sold_wh, .bought_wh = position.bought_wh};
		total->sold_wh += position.sold_wh;
		total->welfare_nano += position.value_nano;
	}
	coupling_find_bounds(work);
	for (int i = 0; i < work->node_count; i++)
		coupling_tell_zone(work, &work->node[i], &zone[work->node[i].place]);
	for (int i = 0; i < work->edge_count; i++)
		coupling_tell_line(work, &work->edge[i], zone, &line[work->edge[i].place], total);
	for (int i = 0; i < work->node_count; i++)
	{
		coupling_zone_result *out = &zone[work->node[i].place];

		out->fee_nano = (__int128) work->node[i].zone->fee_micro_per_kwh * (out->bought_wh + out->forwarded_wh);
		total->fee_nano += out->fee_nano;
		total->buyers_pay_nano += (__int128) out->bought_wh * out->buyer_price_micro_per_kwh;
		total->sellers_get_nano += (__int128) out->sold_wh * out->seller_price_micro_per_kwh;
	}
}

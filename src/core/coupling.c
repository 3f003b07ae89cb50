/*
 * coupling.c: the way through a coupling: the input is read and refused where it is
 * beyond a limit, zones and lines are put in the order of their ids, curves are made,
 * flows found (coupling_flow.c), prices and money told (coupling_price.c).
 *
 * The order of ids is what makes a result the same however the input is shuffled.
 * The limits are what keeps every sum below within 64 bits, and of money within 128.
 */
#include "core/coupling_parts.h"

#include <stdlib.h>
#include <string.h>

static bool
coupling_count_steps(const coupling_problem *problem, size_t *steps)
{
	*steps = 0;
	if (problem->zone_count > COUPLING_ZONES_MAX || problem->line_count > COUPLING_LINES_MAX)
		return false;
	for (size_t i = 0; i < problem->zone_count; i++)
	{
		const coupling_zone *zone = &problem->zone[i];

		if (zone->supply_count > COUPLING_STEPS_MAX || zone->demand_count > COUPLING_STEPS_MAX)
			return false;
		*steps += zone->supply_count + zone->demand_count;
		if (*steps > COUPLING_STEPS_MAX)
			return false;
	}
	return true;
}

size_t
coupling_memory(const coupling_problem *problem)
{
	size_t		steps;

	if (!coupling_count_steps(problem, &steps))
		return 0;
	return coupling_memory_of(problem->zone_count, problem->line_count, steps);
}

size_t
coupling_memory_of(size_t zones, size_t lines, size_t steps)
{
	/* and one, so that there is something even of nothing */
	return (zones + 1) * (sizeof(coupling_node) + 2 * sizeof(int)) +
		lines * (sizeof(coupling_edge) + 2 * sizeof(int)) +
		steps * sizeof(coupling_segment);
}

/* Parts with the strictest alignment come first. */
static void
coupling_lay_out(coupling_work *work, const coupling_problem *problem, size_t steps, void *memory)
{
	memset(work, 0, sizeof(*work));
	work->problem = problem;
	work->node_count = (int) problem->zone_count;
	work->edge_count = (int) problem->line_count;
	work->node = memory;
	work->edge = (coupling_edge *) (work->node + problem->zone_count + 1);
	work->segment = (coupling_segment *) (work->edge + problem->line_count);
	work->arc = (int *) (work->segment + steps);
	work->heap = work->arc + 2 * problem->line_count;
	work->reached = work->heap + problem->zone_count + 1;
}

static int
coupling_compare_nodes(const void *a, const void *b)
{
	int64_t		id_a = ((const coupling_node *) a)->zone->id;
	int64_t		id_b = ((const coupling_node *) b)->zone->id;

	return (id_a > id_b) - (id_a < id_b);
}

static int
coupling_compare_edges(const void *a, const void *b)
{
	int64_t		id_a = ((const coupling_edge *) a)->line->id;
	int64_t		id_b = ((const coupling_edge *) b)->line->id;

	return (id_a > id_b) - (id_a < id_b);
}

/* By price; of one price supply first, so that most is traded at every position. */
static int
coupling_compare_segments(const void *a, const void *b)
{
	const coupling_segment *segment_a = a;
	const coupling_segment *segment_b = b;

	if (segment_a->price != segment_b->price)
		return segment_a->price < segment_b->price ? -1 : 1;
	return segment_a->is_demand - segment_b->is_demand;
}

/*
 * Puts the curve in order.  Steps of one price and side become one: how much goes
 * along a path at a time must not depend on how a step was cut.
 */
static void
coupling_order_curve(coupling_node *node)
{
	coupling_segment *last = node->segment;

	if (node->segment_count < 2)
		return;
	qsort(node->segment, node->segment_count, sizeof(coupling_segment), coupling_compare_segments);
	for (size_t i = 1; i < node->segment_count; i++)
	{
		if (coupling_compare_segments(last, &node->segment[i]) == 0)
			last->energy_wh += node->segment[i].energy_wh;
		else
			*++last = node->segment[i];
	}
	node->segment_count = (size_t) (last - node->segment) + 1;
}

/* Appends steps to a node's curve; energy_wh is the sum over all nodes. */
static coupling_status
coupling_add_steps(coupling_node *node, const coupling_step *step, size_t count, bool is_demand,
				   int64_t *energy_wh)
{
	for (size_t i = 0; i < count; i++)
	{
		coupling_segment *segment = &node->segment[node->segment_count];

		if (step[i].price_micro_per_kwh < -COUPLING_PRICE_MAX || step[i].price_micro_per_kwh > COUPLING_PRICE_MAX)
			return COUPLING_PRICE_RANGE;
		if (step[i].energy_wh <= 0)
			return COUPLING_BAD_ENERGY;
		if (step[i].energy_wh > COUPLING_ENERGY_MAX - *energy_wh)
			return COUPLING_ENERGY_RANGE;
		*energy_wh += step[i].energy_wh;
		segment->price = step[i].price_micro_per_kwh;
		segment->energy_wh = step[i].energy_wh;
		segment->is_demand = is_demand;
		if (is_demand)
		{
			segment->price -= node->zone->fee_micro_per_kwh;
			node->demand_wh += step[i].energy_wh;
		}
		node->segment_count++;
	}
	return COUPLING_OK;
}

static coupling_status
coupling_make_nodes(coupling_work *work)
{
	const coupling_problem *problem = work->problem;
	coupling_segment *segment = work->segment;
	int64_t		energy_wh = 0;

	for (int i = 0; i < work->node_count; i++)
	{
		const coupling_zone *zone = &problem->zone[i];

		memset(&work->node[i], 0, sizeof(coupling_node));
		work->node[i].zone = zone;
		work->node[i].place = (size_t) i;
		if (zone->fee_micro_per_kwh < 0 || zone->fee_micro_per_kwh > COUPLING_FEE_MAX)
			return COUPLING_BAD_FEE;
	}
	if (work->node_count > 1)
		qsort(work->node, work->node_count, sizeof(coupling_node), coupling_compare_nodes);
	for (int i = 0; i < work->node_count; i++)
	{
		coupling_node *node = &work->node[i];
		coupling_status status;

		if (i > 0 && node->zone->id == node[-1].zone->id)
			return COUPLING_DUPLICATE_ZONE;
		node->segment = segment;
		status = coupling_add_steps(node, node->zone->supply, node->zone->supply_count, false, &energy_wh);
		if (status == COUPLING_OK)
			status = coupling_add_steps(node, node->zone->demand, node->zone->demand_count, true, &energy_wh);
		if (status != COUPLING_OK)
			return status;
		segment += node->segment_count;
		coupling_order_curve(node);
	}
	return COUPLING_OK;
}

/* The node of a zone; -1 where there is none. */
static int
coupling_find_node(const coupling_work *work, int64_t id)
{
	int			low = 0;
	int			high = work->node_count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (work->node[middle].zone->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < work->node_count && work->node[low].zone->id == id ? low : -1;
}

static coupling_status
coupling_make_edge(const coupling_work *work, coupling_edge *edge, const coupling_line *line)
{
	memset(edge, 0, sizeof(*edge));
	edge->line = line;
	edge->place = (size_t) (line - work->problem->line);
	edge->end[0] = coupling_find_node(work, line->from_zone);
	edge->end[1] = coupling_find_node(work, line->to_zone);
	edge->capacity_wh[0] = line->capacity_forth_wh;
	edge->capacity_wh[1] = line->capacity_back_wh;
	if (edge->end[0] < 0 || edge->end[1] < 0)
		return COUPLING_UNKNOWN_ZONE;
	if (edge->end[0] == edge->end[1])
		return COUPLING_LINE_TO_ITSELF;
	if (line->capacity_forth_wh < 0 || line->capacity_back_wh < 0)
		return COUPLING_BAD_CAPACITY;
	if (line->fee_micro_per_kwh < 0 || line->fee_micro_per_kwh > COUPLING_FEE_MAX)
		return COUPLING_BAD_FEE;
	for (int way = 0; way < 2; way++)
		edge->cost[way] = line->fee_micro_per_kwh + work->node[edge->end[way]].zone->fee_micro_per_kwh;
	return COUPLING_OK;
}

static coupling_status
coupling_make_edges(coupling_work *work)
{
	int			first = 0;

	for (int i = 0; i < work->edge_count; i++)
	{
		coupling_status status = coupling_make_edge(work, &work->edge[i], &work->problem->line[i]);

		if (status != COUPLING_OK)
			return status;
	}
	if (work->edge_count > 1)
		qsort(work->edge, work->edge_count, sizeof(coupling_edge), coupling_compare_edges);
	for (int i = 0; i < work->edge_count; i++)
	{
		if (i > 0 && work->edge[i].line->id == work->edge[i - 1].line->id)
			return COUPLING_DUPLICATE_LINE;
		for (int way = 0; way < 2; way++)
			work->node[work->edge[i].end[way]].arc_count++;
	}
	for (int i = 0; i < work->node_count; i++)
	{
		work->node[i].arc_first = first;
		first += work->node[i].arc_count;
		work->node[i].arc_count = 0;
	}
	for (int i = 0; i < work->edge_count; i++)
		for (int way = 0; way < 2; way++)
		{
			coupling_node *node = &work->node[work->edge[i].end[way]];

			work->arc[node->arc_first + node->arc_count++] = 2 * i + way;
		}
	return COUPLING_OK;
}

coupling_status
coupling_solve(const coupling_problem *problem, void *memory,
			   coupling_zone_result *zone, coupling_line_result *line,
			   coupling_total *total)
{
	coupling_work work;
	coupling_status status;
	size_t		steps;

	if ((int) problem->price_rule < COUPLING_PRICE_LOW || problem->price_rule > COUPLING_PRICE_MIDPOINT)
		return COUPLING_BAD_RULE;
	if (!coupling_count_steps(problem, &steps))
		return COUPLING_TOO_MANY;
	coupling_lay_out(&work, problem, steps, memory);
	status = coupling_make_nodes(&work);
	if (status == COUPLING_OK)
		status = coupling_make_edges(&work);
	if (status != COUPLING_OK)
		return status;
	coupling_flow(&work);
	coupling_price(&work, zone, line, total);
	return COUPLING_OK;
}

/*
 * coupling_flow.c: flows of the highest welfare, by successive shortest paths.
 *
 * Each zone begins where it clears alone.  Then the cheapest way is sought from any
 * zone's next Wh to give away, over lines with room, to any zone's next Wh to take; as
 * long as it gains, as much goes along it as the two steps and the lines allow.
 * Costs are integers and convex, so no later path is cheaper than an earlier one, and
 * when none gains any more the flow is optimal (Ahuja, Magnanti and Orlin, Network
 * Flows, sections 9.7 and 14.4).
 *
 * The three aims, one after another, are one cost: welfare counts 2 * COST_SCALE a
 * unit, a Wh of demand served COST_SCALE, a Wh carried over a line 1.  Along a cycle a
 * Wh at most is served more or less, and fewer lines than COST_SCALE are passed, so a
 * lower aim never outweighs a higher one.
 *
 * The paths are found by Dijkstra's algorithm over potentials, that keep the costs of
 * arcs from being negative; it ends at the first zone that cannot lead to a better
 * path.  Only steps between a zone's price alone and its price in the end are passed,
 * each once.
 */
#include "core/coupling_parts.h"

#define COST_SCALE (COUPLING_ZONES_MAX + 1)
#define FAR_AWAY INT64_MAX

/* The search's source and sink, which every zone with a step left is tied to. */
typedef struct coupling_ends
{
	int64_t		source;			/* potentials */
	int64_t		sink;
	int			last;			/* where the shortest path ends; -1: there is none */
} coupling_ends;

static int64_t
coupling_segment_cost(const coupling_segment *segment)
{
	return (2 * segment->price + segment->is_demand) * COST_SCALE;
}

int64_t
coupling_arc_left(const coupling_work *work, int arc, int64_t *cost)
{
	const coupling_edge *edge = &work->edge[arc / 2];
	int			way = arc % 2;
	int64_t		flow_wh = way == 0 ? edge->flow_wh : -edge->flow_wh;

	/* what goes against a flow first undoes it, and gets its cost back */
	if (flow_wh < 0)
	{
		*cost = -edge->cost[1 - way];
		return -flow_wh;
	}
	*cost = edge->cost[way];
	return edge->capacity_wh[way] - flow_wh;
}

/* The same with the cost in the search's units. */
static int64_t
coupling_search_arc(const coupling_work *work, int arc, int64_t *cost)
{
	const coupling_edge *edge = &work->edge[arc / 2];
	bool		undoes = arc % 2 == 0 ? edge->flow_wh < 0 : edge->flow_wh > 0;
	int64_t		left_wh = coupling_arc_left(work, arc, cost);

	*cost = *cost * 2 * COST_SCALE + (undoes ? -1 : 1);
	return left_wh;
}

static bool
coupling_can_export(const coupling_node *node)
{
	return node->export_at < node->segment_count;
}

static bool
coupling_can_import(const coupling_node *node)
{
	return node->import_at > 0;
}

static int64_t
coupling_export_cost(const coupling_node *node)
{
	return coupling_segment_cost(&node->segment[node->export_at]);
}

static int64_t
coupling_import_gain(const coupling_node *node)
{
	return coupling_segment_cost(&node->segment[node->import_at - 1]);
}

/* ---- the heap: nodes by distance, then by place ---- */

static bool
coupling_nearer(const coupling_work *work, int a, int b)
{
	if (work->node[a].distance != work->node[b].distance)
		return work->node[a].distance < work->node[b].distance;
	return a < b;
}

static void
coupling_heap_put(coupling_work *work, int at, int node)
{
	work->heap[at] = node;
	work->node[node].heap_at = at;
}

/* The node belongs at place at or above it. */
static void
coupling_heap_rise(coupling_work *work, int at, int node)
{
	while (at > 0 && coupling_nearer(work, node, work->heap[(at - 1) / 2]))
	{
		coupling_heap_put(work, at, work->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	coupling_heap_put(work, at, node);
}

static int
coupling_heap_pop(coupling_work *work)
{
	int			first = work->heap[0];
	int			node = work->heap[--work->heap_count];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child + 1 < work->heap_count && coupling_nearer(work, work->heap[child + 1], work->heap[child]))
			child++;
		if (child >= work->heap_count || !coupling_nearer(work, work->heap[child], node))
			break;
		coupling_heap_put(work, at, work->heap[child]);
		at = child;
	}
	if (work->heap_count > 0)
		coupling_heap_put(work, at, node);
	work->node[first].heap_at = -1;
	return first;
}

/* ---- the search ---- */

static void
coupling_reach(coupling_work *work, int node, int64_t distance, int via)
{
	coupling_node *n = &work->node[node];

	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->via = via;
	coupling_heap_rise(work, n->heap_at < 0 ? work->heap_count++ : n->heap_at, node);
}

/*
 * Finds the shortest path from the source to the sink and moves the potentials, so
 * that the path's arcs cost nothing by them and no arc less than nothing.  The path's
 * true cost is what the sink's potential is above the source's.
 */
static void
coupling_search(coupling_work *work, coupling_ends *ends)
{
	int64_t		nearest = FAR_AWAY;
	int			reached = 0;

	ends->last = -1;
	work->heap_count = 0;
	for (int i = 0; i < work->node_count; i++)
	{
		work->node[i].distance = FAR_AWAY;
		work->node[i].heap_at = -1;
		work->node[i].done = false;
	}
	for (int i = 0; i < work->node_count; i++)
		if (coupling_can_export(&work->node[i]))
			coupling_reach(work, i, coupling_export_cost(&work->node[i]) + ends->source - work->node[i].potential, -1);
	while (work->heap_count > 0)
	{
		int			at = coupling_heap_pop(work);
		coupling_node *node = &work->node[at];

		if (node->distance >= nearest)
			break;
		node->done = true;
		work->reached[reached++] = at;
		if (coupling_can_import(node))
		{
			int64_t		distance = node->distance - coupling_import_gain(node) + node->potential - ends->sink;

			if (distance < nearest)
			{
				nearest = distance;
				ends->last = at;
			}
		}
		for (int i = 0; i < node->arc_count; i++)
		{
			int			arc = work->arc[node->arc_first + i];
			int			to = work->edge[arc / 2].end[1 - arc % 2];
			int64_t		cost;

			if (!work->node[to].done && coupling_search_arc(work, arc, &cost) > 0)
				coupling_reach(work, to, node->distance + cost + node->potential - work->node[to].potential, arc);
		}
	}
	if (ends->last < 0)
		return;
	/* all that is farther than the sink keeps its potential, the source's is moved */
	for (int i = 0; i < reached; i++)
		work->node[work->reached[i]].potential += work->node[work->reached[i]].distance - nearest;
	ends->source -= nearest;
}

/* ---- moving energy ---- */

static void
coupling_export(coupling_node *node, int64_t energy_wh)
{
	node->net_wh += energy_wh;
	node->export_left_wh -= energy_wh;
	if (node->export_left_wh == 0 && ++node->export_at < node->segment_count)
		node->export_left_wh = node->segment[node->export_at].energy_wh;
}

static void
coupling_import(coupling_node *node, int64_t energy_wh)
{
	node->net_wh -= energy_wh;
	node->import_left_wh -= energy_wh;
	if (node->import_left_wh == 0 && --node->import_at > 0)
		node->import_left_wh = node->segment[node->import_at - 1].energy_wh;
}

/* As much as can go along the path that was found. */
static void
coupling_send(coupling_work *work, int last)
{
	int64_t		energy_wh = work->node[last].import_left_wh;
	int			at = last;

	while (work->node[at].via >= 0)
	{
		int			arc = work->node[at].via;
		int64_t		cost;
		int64_t		left_wh = coupling_search_arc(work, arc, &cost);

		if (left_wh < energy_wh)
			energy_wh = left_wh;
		at = work->edge[arc / 2].end[arc % 2];
	}
	if (work->node[at].export_left_wh < energy_wh)
		energy_wh = work->node[at].export_left_wh;
	coupling_export(&work->node[at], energy_wh);
	coupling_import(&work->node[last], energy_wh);
	for (at = last; work->node[at].via >= 0;)
	{
		int			arc = work->node[at].via;

		work->edge[arc / 2].flow_wh += arc % 2 == 0 ? energy_wh : -energy_wh;
		at = work->edge[arc / 2].end[arc % 2];
	}
}

/* Where the zone clears alone: as much sold as is bought. */
static void
coupling_begin_node(coupling_node *node)
{
	int64_t		rest_wh = node->demand_wh;
	size_t		at = 0;

	while (at < node->segment_count && rest_wh >= node->segment[at].energy_wh)
		rest_wh -= node->segment[at++].energy_wh;
	node->export_at = at;
	node->export_left_wh = at < node->segment_count ? node->segment[at].energy_wh - rest_wh : 0;
	node->import_at = rest_wh > 0 ? at + 1 : at;
	node->import_left_wh = rest_wh;
	if (rest_wh == 0 && at > 0)
		node->import_left_wh = node->segment[at - 1].energy_wh;
}

void
coupling_flow(coupling_work *work)
{
	coupling_ends ends = {0, 0, -1};
	int64_t		cheapest = FAR_AWAY;
	int64_t		dearest = -FAR_AWAY;

	for (int i = 0; i < work->node_count; i++)
	{
		coupling_node *node = &work->node[i];

		coupling_begin_node(node);
		if (coupling_can_export(node) && coupling_export_cost(node) < cheapest)
			cheapest = coupling_export_cost(node);
		if (coupling_can_import(node) && coupling_import_gain(node) > dearest)
			dearest = coupling_import_gain(node);
	}
	if (cheapest == FAR_AWAY || dearest == -FAR_AWAY)
		return;
	for (int i = 0; i < work->node_count; i++)
		work->node[i].potential = cheapest;
	ends.sink = cheapest - dearest;
	for (uint64_t searches = 1;; searches++)
	{
		if (searches % COUPLING_PAUSE_EVERY == 0 && work->problem->pause != NULL)
			work->problem->pause();
		coupling_search(work, &ends);
		if (ends.last < 0 || ends.sink - ends.source >= 0)
			return;
		coupling_send(work, ends.last);
	}
}

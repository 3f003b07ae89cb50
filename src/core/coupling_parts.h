/*
 * coupling_parts.h: what the files of the coupling share, and nobody else includes.
 *
 * A zone's supply and demand are one curve of segments, by rising price.  Nothing
 * sold and all demand served is the curve's lower end; each Wh that the zone has more
 * to give away moves its position up, over a step of supply that is sold or a step
 * of demand that is no longer served.
 */
#ifndef CORE_COUPLING_PARTS_H
#define CORE_COUPLING_PARTS_H

#include "core/coupling.h"

typedef struct coupling_segment
{
	int64_t		price;			/* of demand: less the zone's fee */
	int64_t		energy_wh;
	bool		is_demand;
} coupling_segment;

/* A zone at work; nodes stand by id. */
typedef struct coupling_node
{
	const coupling_zone *zone;
	size_t		place;			/* in the problem */
	coupling_segment *segment;
	size_t		segment_count;
	int64_t		demand_wh;		/* where its position is without lines */
	int64_t		net_wh;			/* what it gives away more than it takes */
	int			arc_first;		/* its arcs are arc[arc_first] on */
	int			arc_count;

	/* the search's: next segments to move over, what of them is left */
	size_t		export_at;
	int64_t		export_left_wh;
	size_t		import_at;		/* the segment's place and one */
	int64_t		import_left_wh;
	int64_t		potential;
	int64_t		distance;
	int			via;			/* arc that the shortest path comes by; -1: none */
	int			heap_at;		/* -1: not in the heap */
	bool		done;

	bool		has_low;
	bool		has_high;
	int64_t		low;
	int64_t		high;
} coupling_node;

/* A line at work; edges stand by id.  Way 0 is from end[0] to end[1], way 1 back. */
typedef struct coupling_edge
{
	const coupling_line *line;
	size_t		place;
	int			end[2];			/* nodes */
	int64_t		capacity_wh[2];
	int64_t		cost[2];		/* fees of the line and of the zone that is left */
	int64_t		flow_wh;		/* along way 0 */
} coupling_edge;

typedef struct coupling_work
{
	const coupling_problem *problem;
	coupling_node *node;
	coupling_edge *edge;
	coupling_segment *segment;
	int		   *arc;			/* 2 * edge + way, by the node that it leaves */
	int		   *heap;
	int			heap_count;
	int		   *reached;		/* nodes, as the search was done with them */
	int			node_count;
	int			edge_count;
} coupling_work;

/* What stands at a curve's position. */
typedef struct coupling_position
{
	int64_t		sold_wh;
	int64_t		bought_wh;
	bool		has_below;		/* a segment below, and its price */
	bool		has_above;
	int64_t		below;
	int64_t		above;			/* equal within a segment */
	__int128	value_nano;		/* of what is served, less what is sold */
} coupling_position;

extern void coupling_curve_at(const coupling_node *node, coupling_position *out);

/* Energy that can still go along an arc at its present cost, and that cost. */
extern int64_t coupling_arc_left(const coupling_work *work, int arc, int64_t *cost);

extern void coupling_flow(coupling_work *work);
extern void coupling_price(coupling_work *work, coupling_zone_result *zone,
						   coupling_line_result *line, coupling_total *total);

#endif							/* CORE_COUPLING_PARTS_H */

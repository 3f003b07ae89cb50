/*
 * energy_fill.c: from totals of spans to the energy of every moment, each moment
 * counted once.
 *
 * Time is cut at the ends of all nodes and at the boundaries asked for.  Nodes are
 * then taken in order of trust, the finest first, and each fills what those before
 * it left open: its total, less what already lies inside, spread evenly over the
 * rest.  So a longer reading never counts what a shorter one has counted, and the
 * parts of every node add up to its total exactly.
 *
 * Spreading is cumulative: a moment's energy is the difference of two rounded shares
 * of the total, which depend on the node alone.  Where time is cut besides does
 * not matter.
 *
 * Open segments are found by skipping the filled ones (union-find), sums by a
 * binary indexed tree: n log n for n readings, however they overlap.
 */
#include "postgres.h"
#include "compat.h"

#include "metering/energy.h"

typedef struct FillState
{
	EnergyFill *fill;
	int		   *next;			/* of a filled segment: where to look on */
	int64	   *sum;			/* binary indexed tree over wh, from 1 */
} FillState;

static int
fill_compare_points(const void *a, const void *b)
{
	TimestampTz x = *(const TimestampTz *) a;
	TimestampTz y = *(const TimestampTz *) b;

	return x < y ? -1 : x > y;
}

/*
 * Short intervals, then stands and longer intervals by length, then what is only
 * known to be unusable; of the same length intervals before stands, the lower
 * channel, the newer message.
 */
static int
fill_compare_nodes(const void *pa, const void *pb)
{
	const EnergyNode *a = pa;
	const EnergyNode *b = pb;
	int64		a_us = a->to - a->from;
	int64		b_us = b->to - b->from;

	if ((a->why == ENERGY_KNOWN) != (b->why == ENERGY_KNOWN))
		return a->why == ENERGY_KNOWN ? -1 : 1;
	if ((!a->stands && a_us <= ENERGY_SHORT_US) != (!b->stands && b_us <= ENERGY_SHORT_US))
		return !a->stands && a_us <= ENERGY_SHORT_US ? -1 : 1;
	if (a_us != b_us)
		return a_us < b_us ? -1 : 1;
	if (a->stands != b->stands)
		return a->stands ? 1 : -1;
	if (a->channel != b->channel)
		return a->channel - b->channel;
	if (a->epoch != b->epoch)
		return a->epoch > b->epoch ? -1 : 1;
	if (a->seq != b->seq)
		return a->seq > b->seq ? -1 : 1;
	if (a->item != b->item)
		return a->item > b->item ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

/* The first segment that starts at or after a moment. */
int
energy_fill_point(const EnergyFill *fill, TimestampTz at)
{
	int			lo = 0;
	int			hi = fill->segments;

	while (lo < hi)
	{
		int			mid = lo + (hi - lo) / 2;

		if (fill->point[mid] < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
fill_open(FillState *s, int k)
{
	int			root = k;

	while (s->next[root] != root)
		root = s->next[root];
	while (s->next[k] != root)
	{
		int			on = s->next[k];

		s->next[k] = root;
		k = on;
	}
	return root;
}

static int64
fill_sum(const FillState *s, int k)
{
	int64		wh = 0;

	for (; k > 0; k -= k & -k)
		wh += s->sum[k];
	return wh;
}

static void
fill_take(FillState *s, int k, int node, int64 wh)
{
	s->fill->owner[k] = node;
	s->fill->wh[k] = wh;
	s->next[k] = k + 1;
	for (int i = k + 1; wh != 0 && i <= s->fill->segments; i += i & -i)
		s->sum[i] += wh;
}

/* The share of a total that falls into the first part of its time, to the nearest Wh. */
static int64
fill_share(int64 wh, int64 part_us, int64 all_us)
{
	return (int64) ((2 * (int128) wh * part_us + all_us) / (2 * (int128) all_us));
}

static void
fill_node(FillState *s, EnergyNode *n, int number)
{
	const TimestampTz *point = s->fill->point;
	int			a = energy_fill_point(s->fill, n->from);
	int			b = energy_fill_point(s->fill, n->to);
	int64		part_us = 0;

	n->first = -1;
	for (int k = fill_open(s, a); k < b; k = fill_open(s, k + 1))
		n->left_us += point[k + 1] - point[k];
	if (n->why == ENERGY_KNOWN)
	{
		n->parts_wh = fill_sum(s, b) - fill_sum(s, a);
		n->left_wh = n->wh - n->parts_wh;
		n->contradicted = n->left_wh < -n->tolerance_wh ||
			(n->left_us == 0 && n->left_wh > n->tolerance_wh);
		n->left_wh = Max(n->left_wh, 0);
	}
	if (n->left_us == 0)
		return;
	for (int k = fill_open(s, a); k < b; k = fill_open(s, k + 1))
	{
		int64		to_us = part_us + point[k + 1] - point[k];

		fill_take(s, k, number, n->contradicted ? 0 :
				  fill_share(n->left_wh, to_us, n->left_us) - fill_share(n->left_wh, part_us, n->left_us));
		part_us = to_us;
		if (n->first < 0)
			n->first = k;
		n->last = k;
	}
}

/* Nodes are sorted on the way, and learn what was left for them. */
void
energy_fill(EnergyNodes *nodes, const TimestampTz *boundary, int boundaries, EnergyFill *out)
{
	Size		points = (Size) nodes->count * 2 + boundaries;
	Size		kept = 0;
	FillState	s;

	qsort(nodes->node, nodes->count, sizeof(EnergyNode), fill_compare_nodes);
	out->nodes = nodes;
	out->point = palloc_extended(points * sizeof(TimestampTz), MCXT_ALLOC_HUGE);
	memcpy(out->point, boundary, boundaries * sizeof(TimestampTz));
	for (int i = 0; i < nodes->count; i++)
	{
		out->point[boundaries + 2 * i] = nodes->node[i].from;
		out->point[boundaries + 2 * i + 1] = nodes->node[i].to;
	}
	qsort(out->point, points, sizeof(TimestampTz), fill_compare_points);
	for (Size i = 0; i < points; i++)
	{
		if (kept == 0 || out->point[kept - 1] != out->point[i])
			out->point[kept++] = out->point[i];
	}
	out->segments = (int) kept - 1;
	out->owner = palloc_extended(kept * sizeof(int), MCXT_ALLOC_HUGE);
	out->wh = palloc_extended(kept * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.fill = out;
	s.next = palloc_extended((kept + 1) * sizeof(int), MCXT_ALLOC_HUGE);
	s.sum = palloc_extended((kept + 1) * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int k = 0; k < (int) kept; k++)
	{
		out->owner[k] = -1;
		s.next[k] = k;
	}
	for (int i = 0; i < nodes->count; i++)
		fill_node(&s, &nodes->node[i], i);
	pfree(s.next);
	pfree(s.sum);
}

static void
judge_worse(EnergySlot *slot, EnergyQuality quality, EnergyReason reason)
{
	if (quality > slot->quality)
	{
		slot->quality = quality;
		slot->reason = reason;
	}
}

/*
 * What segment k says about its slot, of the segments [a, b).  *unspread becomes the
 * node that has all of the slot and is not spread; -2: there are several.
 */
static void
judge_segment(const EnergyFill *fill, int k, int a, int b, int64 spread_max_us, EnergySlot *slot, int *unspread)
{
	const EnergyNode *n;

	if (fill->owner[k] != fill->owner[a])
		*unspread = -2;
	if (fill->owner[k] < 0)
	{
		slot->has_linear = false;
		judge_worse(slot, ENERGY_MISSING, ENERGY_NO_READING);
		return;
	}
	n = &fill->nodes->node[fill->owner[k]];
	if (n->why != ENERGY_KNOWN || n->contradicted)
	{
		slot->has_linear = false;
		judge_worse(slot, n->contradicted ? ENERGY_CONFLICTING : ENERGY_MISSING,
					n->contradicted ? ENERGY_CONTRADICTED : n->why);
		return;
	}
	slot->wh += fill->wh[k];
	if (n->substitute)
		judge_worse(slot, ENERGY_SUBSTITUTE, ENERGY_KNOWN);
	/* All of it lies in the slot, or it is nothing: no matter how it is spread. */
	if ((n->first >= a && n->last < b) || (n->left_wh == 0 && n->tolerance_wh <= 1))
		return;
	if (n->left_us <= spread_max_us)
	{
		judge_worse(slot, ENERGY_SPREAD, ENERGY_KNOWN);
		return;
	}
	judge_worse(slot, ENERGY_MISSING, ENERGY_NOT_SPREAD);
	if (*unspread == -1)
		*unspread = fill->owner[k];
}

/* The energy of slot->from to slot->to, which must be points of the fill. */
void
energy_judge(const EnergyFill *fill, int64 spread_max_us, EnergySlot *slot)
{
	int			a = energy_fill_point(fill, slot->from);
	int			b = energy_fill_point(fill, slot->to);
	int			unspread = -1;

	slot->wh = 0;
	slot->quality = ENERGY_MEASURED;
	slot->reason = ENERGY_KNOWN;
	slot->has_known = false;
	slot->has_linear = true;
	for (int k = a; k < b; k++)
		judge_segment(fill, k, a, b, spread_max_us, slot, &unspread);
	slot->linear_wh = slot->wh;
	if (unspread >= 0)
	{
		const EnergyNode *n = &fill->nodes->node[unspread];

		slot->has_known = true;
		slot->known_from = n->from;
		slot->known_to = n->to;
		slot->known_wh = n->left_wh;
	}
}

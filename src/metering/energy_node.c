/*
 * energy_node.c: readings become nodes: spans of time whose energy is known, in
 * whole Wh, or known to be unusable.
 *
 * Here is decided which of several readings for the same span counts (the newest
 * message's), what two stands say about the time between them, and all rounding
 * of quantities to Wh.  Nothing here depends on the time that was asked about:
 * a node is the same whoever asks.
 */
#include "postgres.h"
#include "compat.h"

#include "metering/energy.h"

#define NWH_PER_WH INT64CONST(1000000000)
/* 2000-01-01, where PostgreSQL's time begins, is a midnight in UTC. */
#define DAY_US USECS_PER_DAY

TimestampTz
energy_day_start(TimestampTz at)
{
	TimestampTz since = at % DAY_US;

	return at - (since < 0 ? since + DAY_US : since);
}

/* To the nearest Wh, halves up. */
static int64
node_wh(int128 nwh)
{
	return (int64) ((nwh + NWH_PER_WH / 2) / NWH_PER_WH);
}

static int
node_compare_int64(int64 a, int64 b)
{
	return a < b ? -1 : a > b;
}

static bool
node_starts_meter(const EnergyReading *r)
{
	return r->status == 'X' && r->from == r->to;
}

/* Readings of the same span stand together, the newest last.  By their ends, and so day by day (DaySum). */
static int
node_compare_readings(const void *pa, const void *pb)
{
	const EnergyReading *a = pa;
	const EnergyReading *b = pb;
	int			c = a->reg - b->reg;

	if (c == 0)
		c = (a->from == a->to) - (b->from == b->to);
	if (c == 0)
		c = node_compare_int64(a->to, b->to);
	if (c == 0)
		c = node_compare_int64(a->from, b->from);
	if (c == 0)
		c = node_starts_meter(a) - node_starts_meter(b);
	if (c == 0)
		c = node_compare_int64(a->epoch, b->epoch);
	if (c == 0)
		c = node_compare_int64(a->seq, b->seq);
	return c != 0 ? c : a->item - b->item;
}

static bool
node_same_span(const EnergyReading *a, const EnergyReading *b)
{
	return a->reg == b->reg && a->from == b->from && a->to == b->to &&
		node_starts_meter(a) == node_starts_meter(b);
}

/* Does a stand count, of those at one moment? */
bool
energy_stand_usable(EnergyReading *stand, int count)
{
	qsort(stand, count, sizeof(*stand), node_compare_readings);
	for (int i = 0; i < count; i++)
	{
		if (stand[i].usable && (i + 1 == count || !node_same_span(&stand[i], &stand[i + 1])))
			return true;
	}
	return false;
}

/* Is there an interval whose rounding depends on those before it on its day? */
bool
energy_needs_day(const EnergyReadings *readings)
{
	for (int i = 0; i < readings->count; i++)
	{
		const EnergyReading *r = &readings->reading[i];

		if (r->usable && r->from < r->to && r->to - r->from <= ENERGY_SHORT_US && r->nwh % NWH_PER_WH != 0)
			return true;
	}
	return false;
}

static EnergyNode *
node_add(EnergyNodes *out, const EnergyReading *from, const EnergyReading *to)
{
	EnergyNode *n = &out->node[out->count++];

	memset(n, 0, sizeof(*n));
	n->from = from->from;
	n->to = to->to;
	n->epoch = to->epoch;
	n->seq = to->seq;
	n->item = to->item;
	n->channel = to->channel;
	return n;
}

/*
 * Short intervals are rounded as their day's sum goes on: the difference of two
 * rounded sums, so that a load below 1 Wh a slot is not lost.  The day is UTC's and
 * the one that the interval ends in.  A longer interval is rounded by itself.
 */
typedef struct DaySum
{
	int			reg;
	TimestampTz day;
	int128		nwh;
} DaySum;

static void
node_of_interval(const EnergyReading *r, DaySum *sum, EnergyNodes *out)
{
	EnergyNode *n = node_add(out, r, r);
	TimestampTz day = energy_day_start(r->to - 1);

	n->substitute = r->status == 'S';
	if (!r->usable)
		n->why = ENERGY_NOT_USABLE;
	else if (r->to - r->from > ENERGY_SHORT_US)
		n->wh = node_wh(r->nwh);
	else
	{
		if (sum->reg != r->reg || sum->day != day)
		{
			sum->reg = r->reg;
			sum->day = day;
			sum->nwh = 0;
		}
		n->wh = node_wh(sum->nwh + r->nwh) - node_wh(sum->nwh);
		sum->nwh += r->nwh;
	}
}

/* Between two stands: the difference of the rounded stands. */
static void
node_of_stands(const EnergyQuery *q, const char *obis, const EnergyReading *a, const EnergyReading *b, EnergyNodes *out)
{
	EnergyNode *n = node_add(out, a, b);
	int64		from_wh = node_wh(a->nwh);
	int64		to_wh = node_wh(b->nwh);

	n->stands = true;
	n->substitute = a->status == 'S' || b->status == 'S';
	n->tolerance_wh = Max(Max(a->unit_wh, b->unit_wh), 1);
	n->wh = to_wh - from_wh;
	if (b->status == 'X')
		n->why = ENERGY_EXCHANGED;
	else if (b->nwh < a->nwh)
	{
		int64		rollover_wh = energy_read_rollover(q, obis);

		n->wh += rollover_wh;
		/* Half of a register's range between two stands is not believed. */
		if (from_wh > rollover_wh || n->wh < 0 || n->wh > rollover_wh / 2)
			n->why = ENERGY_DECREASED;
	}
}

/* Readings are sorted on the way. */
void
energy_nodes(const EnergyQuery *q, const EnergyRegisters *regs, EnergyReadings *readings, EnergyNodes *out)
{
	const EnergyReading *stand = NULL;
	DaySum		sum = {-1, 0, 0};

	qsort(readings->reading, readings->count, sizeof(EnergyReading), node_compare_readings);
	out->node = palloc_extended(Max(readings->count, 1) * sizeof(EnergyNode), MCXT_ALLOC_HUGE);
	out->count = 0;
	for (int i = 0; i < readings->count; i++)
	{
		const EnergyReading *r = &readings->reading[i];

		if (i + 1 < readings->count && node_same_span(r, r + 1))
			continue;			/* superseded */
		if (r->from < r->to)
		{
			node_of_interval(r, &sum, out);
			continue;
		}
		if (!r->usable)
			continue;
		if (stand != NULL && stand->reg == r->reg && stand->from < r->from)
			node_of_stands(q, regs->reg[r->reg].obis, stand, r, out);
		stand = r;
	}
}

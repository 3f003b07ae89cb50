/*
 * energy_slots.c: the energy of a meter's slots, each direction for itself.
 *
 * Most slots are filled by short intervals, one index range away.  Only where they
 * are not, stands and longer intervals are read too, and then as far around the
 * question as anything reaches that has a part in the answer: a slot's energy must
 * not depend on which other slots were asked for.
 *
 * The total register counts; tariffs are added up where it says nothing; an
 * estimate counts where there is no measured value.  A slot longer than a quarter
 * of an hour that has none of its own is the sum of its quarters.
 */
#include "postgres.h"
#include "compat.h"

#include "executor/spi.h"
#include "miscadmin.h"

#include "metering/energy.h"

/* What one direction is worked out in: the slots asked for, then their quarters. */
typedef struct SlotList
{
	EnergySlot *slot;
	int			count;
	int			asked;
	int		   *quarter;		/* of each slot asked for: its first quarter, or -1 */
	TimestampTz *boundary;
	int			boundaries;
} SlotList;

/* Which registers are worked on, of all that the meter has. */
typedef struct SlotWork
{
	EnergyDirection direction;
	int			tariff;
	const EnergyRegisters *regs;
	const EnergyReadings *shared;	/* short intervals in the time asked about */
} SlotWork;

typedef struct SlotWindow
{
	TimestampTz lo;
	TimestampTz hi;
	bool		full;			/* stands and longer intervals too */
	bool		day;			/* short intervals from the start of the day */
} SlotWindow;

const char *
energy_direction_name(EnergyDirection direction)
{
	return direction == ENERGY_IMPORT ? "import" : direction == ENERGY_EXPORT ? "export" : "other";
}

const char *
energy_quality_name(EnergyQuality quality)
{
	static const char *const name[] = {"measured", "spread", "substitute", "estimated", "conflicting", "missing"};

	return name[quality];
}

const char *
energy_reason_name(EnergyReason reason)
{
	static const char *const name[] = {
		"", "no_reading", "not_spread", "not_usable", "exchanged", "decreased", "contradicted"
	};

	return name[reason];
}

static bool
slots_on_grid(TimestampTz at)
{
	return at % ENERGY_SLOT_US == 0;
}

/* The quarters that slot i can be made of; 0: it begins or ends beside their grid, or is one itself. */
static int64
slots_quarters(const EnergyQuery *q, int i)
{
	/* its ends may be further apart than 64 bits have microseconds */
	int64		quarters = q->boundary[i + 1] / ENERGY_SLOT_US - q->boundary[i] / ENERGY_SLOT_US;

	return slots_on_grid(q->boundary[i]) && slots_on_grid(q->boundary[i + 1]) && quarters > 1 ? quarters : 0;
}

static void
slots_check(const EnergyQuery *q)
{
	int64		quarters = 0;

	for (int i = 0; i < q->count; i++)
		quarters += slots_quarters(q, i);
	if (quarters + q->count > ENERGY_SLOTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many slots"),
				 errdetail("%lld slots of 15 minutes are asked for; at most %d are worked out at a time.",
						   (long long) Max(quarters, q->count), ENERGY_SLOTS_MAX),
				 errhint("Ask for less time at once.")));
}

/* The slots asked for and the quarters of those that are open by what is said of them so far, NULL: none. */
static void
slots_list(const EnergyQuery *q, const EnergySlot *so_far, SlotList *list)
{
	int64		quarters = 0;
	int			at = q->count;

	for (int i = 0; so_far != NULL && i < q->count; i++)
	{
		if (so_far[i].quality >= ENERGY_CONFLICTING)
			quarters += slots_quarters(q, i);
	}
	list->asked = q->count;
	list->count = q->count + (int) quarters;
	list->slot = palloc0_array(EnergySlot, list->count);
	list->quarter = palloc_array(int, q->count);
	list->boundary = palloc_array(TimestampTz, list->count + 1 + q->count);
	list->boundaries = 0;
	for (int i = 0; i < q->count; i++)
	{
		TimestampTz from = q->boundary[i];
		TimestampTz to = q->boundary[i + 1];
		bool		split = so_far != NULL && slots_quarters(q, i) > 0 && so_far[i].quality >= ENERGY_CONFLICTING;

		list->slot[i].from = from;
		list->slot[i].to = to;
		list->quarter[i] = split ? at : -1;
		list->boundary[list->boundaries++] = from;
		for (TimestampTz t = from; split && t < to; t += ENERGY_SLOT_US)
		{
			list->slot[at].from = t;
			list->slot[at++].to = t + ENERGY_SLOT_US;
			if (t > from)
				list->boundary[list->boundaries++] = t;
		}
	}
	list->boundary[list->boundaries++] = q->boundary[q->count];
}

static bool
slots_all_short(const EnergyFill *fill, const EnergyQuery *q)
{
	int			end = energy_fill_point(fill, q->boundary[q->count]);

	for (int k = energy_fill_point(fill, q->boundary[0]); k < end; k++)
	{
		const EnergyNode *n = fill->owner[k] < 0 ? NULL : &fill->nodes->node[fill->owner[k]];

		if (n == NULL || n->stands || n->to - n->from > ENERGY_SHORT_US ||
			n->why != ENERGY_KNOWN || n->contradicted)
			return false;
	}
	return true;
}

/*
 * Does the window hold all of every node that has a part in it?  What a node
 * leaves depends on the finer ones inside it.  Each step at least doubles what was
 * added, so that a chain of overlaps is not read once a link.
 */
static bool
slots_window_holds(const EnergyFill *fill, const EnergyQuery *q, SlotWindow *w)
{
	TimestampTz lo = w->lo;
	TimestampTz hi = w->hi;
	int			end = energy_fill_point(fill, w->hi);

	for (int k = energy_fill_point(fill, w->lo); k < end; k++)
	{
		const EnergyNode *n = fill->owner[k] < 0 ? NULL : &fill->nodes->node[fill->owner[k]];

		if (n == NULL || n->why != ENERGY_KNOWN)
			continue;
		lo = Min(lo, n->from);
		hi = Max(hi, n->to);
	}
	if (lo == w->lo && hi == w->hi)
		return true;
	if (lo < w->lo)
		w->lo = Min(lo, w->lo - (q->boundary[0] - w->lo));
	if (hi > w->hi)
		w->hi = Max(hi, w->hi + (w->hi - q->boundary[q->count]));
	return false;
}

static bool
slots_of(const EnergyRegister *r, const SlotWork *work)
{
	return r->direction == work->direction && r->tariff == work->tariff;
}

/* Of tariffs only the stands. */
static void
slots_read(const EnergyQuery *q, const SlotWork *work, const SlotWindow *w, EnergyReadings *out)
{
	bool		asked = !w->day && w->lo == q->boundary[0] && w->hi == q->boundary[q->count];

	out->count = 0;
	if (work->tariff == 0 && asked)
		energy_readings_of(work->shared, work->regs, work->direction, out);
	for (int i = 0; i < work->regs->count; i++)
	{
		const EnergyRegister *r = &work->regs->reg[i];

		if (!slots_of(r, work))
			continue;
		if (work->tariff == 0 && !asked)
			energy_read_short(q, r, w->day ? energy_day_start(w->lo) : w->lo, w->hi, out);
		if (work->tariff == 0 && w->full)
			energy_read_long(q, r, w->lo, w->hi, out);
		if (w->full)
			energy_read_stands(q, r, w->lo, w->hi, out);
	}
}

/*
 * Reads what has a part in the time asked about, or in `w`, which grows to what was
 * read; full from the start where stands are all that is asked for.
 */
static void
slots_fill(const EnergyQuery *q, const SlotWork *work, SlotWindow *w, const TimestampTz *boundary,
		   int boundaries, EnergyReadings *readings, EnergyNodes *nodes, EnergyFill *fill)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		slots_read(q, work, w, readings);
		if (!w->day && energy_needs_day(readings))
		{
			w->day = true;
			continue;
		}
		energy_nodes(q, work->regs, readings, nodes);
		energy_fill(nodes, boundary, boundaries, fill);
		if (!slots_window_holds(fill, q, w))
			continue;
		if (w->full || slots_all_short(fill, q))
			break;
		w->full = true;
	}
}

/* The slots by some registers of one direction.  Returns the time of the first stand that was read. */
static TimestampTz
slots_by_registers(const EnergyQuery *q, const SlotWork *work, const SlotList *list, EnergySlot *slot)
{
	SlotWindow	w = {q->boundary[0], q->boundary[q->count], work->tariff != 0, false};
	EnergyReadings readings = {NULL, 0, 0};
	TimestampTz first = DT_NOEND;
	EnergyNodes nodes;
	EnergyFill	fill;

	slots_fill(q, work, &w, list->boundary, list->boundaries, &readings, &nodes, &fill);
	for (int i = 0; i < list->count; i++)
	{
		slot[i].from = list->slot[i].from;
		slot[i].to = list->slot[i].to;
		energy_judge(&fill, q->spread_max_us, &slot[i]);
	}
	for (int i = 0; i < readings.count; i++)
	{
		if (readings.reading[i].from == readings.reading[i].to && readings.reading[i].usable)
			first = Min(first, readings.reading[i].from);
	}
	return first;
}

/* One more tariff, added to what the others say of a slot. */
static void
slots_add_tariff(EnergySlot *sum, const EnergySlot *part, bool first)
{
	if (first)
	{
		*sum = *part;
		return;
	}
	sum->wh += part->wh;
	sum->linear_wh += part->linear_wh;
	sum->has_linear = sum->has_linear && part->has_linear;
	sum->has_known = sum->has_known && part->has_known &&
		sum->known_from == part->known_from && sum->known_to == part->known_to;
	sum->known_wh += part->known_wh;
	if (part->quality > sum->quality)
	{
		sum->quality = part->quality;
		sum->reason = part->reason;
	}
}

/*
 * Where the total is missing: the sum of the tariffs.  A tariff's register is there
 * from its first stand on; a slot that ends before has none of it.
 */
static void
slots_by_tariffs(const EnergyQuery *q, const SlotWork *work, SlotList *list)
{
	SlotWork	one = *work;
	EnergySlot *sum = palloc0_array(EnergySlot, list->count);
	EnergySlot *part = palloc0_array(EnergySlot, list->count);
	int		   *tariffs = palloc0_array(int, list->count);

	for (one.tariff = 1; one.tariff < 64; one.tariff++)
	{
		bool		there = false;
		TimestampTz first;

		for (int i = 0; i < work->regs->count; i++)
			there = there || slots_of(&work->regs->reg[i], &one);
		if (!there)
			continue;
		first = slots_by_registers(q, &one, list, part);
		for (int i = 0; i < list->count; i++)
		{
			if (part[i].to > first)
				slots_add_tariff(&sum[i], &part[i], tariffs[i]++ == 0);
		}
	}
	for (int i = 0; i < list->count; i++)
	{
		if (tariffs[i] > 0 && list->slot[i].quality == ENERGY_MISSING &&
			(sum[i].quality < ENERGY_MISSING || list->slot[i].reason == ENERGY_NO_READING))
			list->slot[i] = sum[i];
	}
}

static bool
slots_any_open(const EnergySlot *slot, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (slot[i].quality >= ENERGY_CONFLICTING)
			return true;
	}
	return false;
}

/* A slot without energy of its own has that of its quarters, if they all have any. */
static void
slots_by_quarters(SlotList *list, int i)
{
	EnergySlot *slot = &list->slot[i];
	EnergySlot	sum = {0};

	if (list->quarter[i] < 0 || slot->quality < ENERGY_CONFLICTING)
		return;
	for (int k = list->quarter[i]; k < list->count && list->slot[k].to <= slot->to; k++)
	{
		sum.wh += list->slot[k].wh;
		sum.quality = Max(sum.quality, list->slot[k].quality);
	}
	if (sum.quality >= ENERGY_CONFLICTING)
		return;
	slot->wh = sum.wh;
	slot->quality = sum.quality;
}

/* All that can be said of the slots of a list. */
static void
slots_work(const EnergyQuery *q, const SlotWork *work, bool tariffs, SlotList *list)
{
	slots_by_registers(q, work, list, list->slot);
	if (tariffs && slots_any_open(list->slot, list->count))
		slots_by_tariffs(q, work, list);
	if (q->estimates && slots_any_open(list->slot, list->count))
	{
		energy_read_estimates(q, work->direction, list->slot, list->asked);
		if (list->count > list->asked)
			energy_read_estimates(q, work->direction, list->slot + list->asked, list->count - list->asked);
	}
	for (int i = 0; i < list->asked; i++)
		slots_by_quarters(list, i);
}

/* Quarters are worked out only where a longer slot has no energy of its own. */
static void
slots_of_direction(const EnergyQuery *q, const SlotWork *work, EnergyEmit emit, void *to)
{
	SlotList	list;
	SlotList	closer;
	bool		registers = false;
	bool		tariffs = false;

	for (int i = 0; i < work->regs->count; i++)
	{
		const EnergyRegister *r = &work->regs->reg[i];

		registers = registers || r->direction == work->direction;
		tariffs = tariffs || (r->direction == work->direction && r->tariff > 0);
	}
	if (!registers)
		return;
	slots_list(q, NULL, &list);
	slots_work(q, work, tariffs, &list);
	slots_list(q, list.slot, &closer);
	if (closer.count > closer.asked)
	{
		slots_work(q, work, tariffs, &closer);
		list = closer;
	}
	for (int i = 0; i < list.asked; i++)
		emit(to, work->direction, &list.slot[i]);
}

/*
 * Totals that their parts contradict.  Each of them is read with all that lies in
 * it: the window grows by the nodes that touch the time asked about.
 */
static void
conflicts_of_direction(const EnergyQuery *q, const SlotWork *work, EnergyConflictEmit emit, void *to)
{
	TimestampTz since = q->boundary[0];
	TimestampTz until = q->boundary[1];
	SlotWindow	w = {since, until, true, false};
	EnergyReadings readings = {NULL, 0, 0};
	EnergyNodes nodes;
	EnergyFill	fill;
	bool		whole;

	do
	{
		slots_fill(q, work, &w, q->boundary, 2, &readings, &nodes, &fill);
		whole = true;
		for (int i = 0; i < nodes.count; i++)
		{
			const EnergyNode *n = &nodes.node[i];

			if (n->why != ENERGY_KNOWN || n->to <= since || n->from >= until || (n->from >= w.lo && n->to <= w.hi))
				continue;
			w.lo = Min(w.lo, n->from);
			w.hi = Max(w.hi, n->to);
			whole = false;
		}
	} while (!whole);
	for (int i = 0; i < nodes.count; i++)
	{
		if (nodes.node[i].contradicted && nodes.node[i].to > since && nodes.node[i].from < until)
			emit(to, work->direction, &nodes.node[i]);
	}
}

/* What both questions begin with: the meter's registers, and the short intervals. */
static void
slots_begin(const EnergyQuery *q, SlotWork *work)
{
	EnergyRegisters *regs = palloc0_object(EnergyRegisters);
	EnergyReadings *shared = palloc0_object(EnergyReadings);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	regs->reg = palloc_array(EnergyRegister, ENERGY_REGISTERS_MAX);
	energy_read_registers(q, regs);
	energy_read_all_short(q, regs, shared);
	work->tariff = 0;
	work->regs = regs;
	work->shared = shared;
}

void
energy_conflicts(const EnergyQuery *q, EnergyConflictEmit emit, void *to)
{
	SlotWork	work;

	slots_begin(q, &work);
	for (work.direction = ENERGY_IMPORT; work.direction <= ENERGY_EXPORT; work.direction++)
		conflicts_of_direction(q, &work, emit, to);
	SPI_finish();
}

/* Nothing for a meter of which no register of energy is known. */
void
energy_slots(const EnergyQuery *q, EnergyEmit emit, void *to)
{
	SlotWork	work;

	slots_check(q);
	slots_begin(q, &work);
	for (work.direction = ENERGY_IMPORT; work.direction <= ENERGY_EXPORT; work.direction++)
		slots_of_direction(q, &work, emit, to);
	SPI_finish();
}

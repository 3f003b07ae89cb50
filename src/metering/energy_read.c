/*
 * energy_read.c: readings out of the ledger, through SQL and so with the caller's
 * rights.
 *
 * Every question is by meter, register and time and is answered by an index; the
 * functions above switch sequential scans off (see sql/energy.sql), so that a
 * plan made while a table was empty is no other than the one for a full table.
 * Plans are made once a session.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "metering/energy.h"

#if !defined(HAVE_INT128)
#error "a compiler with 128-bit integers is needed"
#endif

#define READ_ARGUMENTS_MAX 6

typedef enum ReadKind
{
	READ_ALL_SHORT, READ_SHORT, READ_LONG, READ_STANDS, READ_BEFORE, READ_AFTER, READ_KINDS
} ReadKind;

#define READ_COLUMNS \
	"SELECT r.from_at, r.to_at, r.epoch, r.seq, r.item, r.value, r.scale, r.unit, r.status, r.obis" \
	"  FROM energyledger.reading r WHERE r.meter = $1"
#define READ_REGISTER READ_COLUMNS " AND r.obis = $2"
/* What the message's time of receipt says; $n is the last argument. */
#define READ_KNOWN(alias, n) \
	" AND EXISTS (SELECT FROM energyledger.message m WHERE m.meter = " alias ".meter" \
	" AND m.epoch = " alias ".epoch AND m.seq = " alias ".seq AND m.received_at <= $" n ")"
#define READ_SHORT_SQL \
	" AND r.from_at >= $3 AND r.from_at < $4 AND r.to_at > $5 AND r.from_at < r.to_at" \
	" AND r.to_at - r.from_at <= interval '1 hour'"
/* The predicate of reading_long_idx, word for word. */
#define READ_LONG_INDEX \
	"(r.to_at - r.from_at > interval '1 hour'" \
	" OR date_bin('1 day', r.to_at, timestamptz '2000-01-01 00:00:00+00') > r.from_at)"
#define READ_LONG_SQL READ_REGISTER " AND " READ_LONG_INDEX \
	" AND r.to_at - r.from_at > interval '1 hour' AND r.from_at < $4 AND r.to_at > $3"
#define READ_STANDS_SQL READ_REGISTER " AND r.from_at = r.to_at AND r.from_at > $3 AND r.from_at < $4"
#define READ_NEXT_SQL(compare, order, known) READ_REGISTER \
	" AND r.from_at = r.to_at AND r.from_at = (SELECT s.from_at FROM energyledger.reading s" \
	" WHERE s.meter = $1 AND s.obis = $2 AND s.from_at = s.to_at AND s.from_at " compare " $3" known \
	" ORDER BY s.from_at " order " LIMIT 1)"

static const struct
{
	int			arguments;
	const char *sql[2];			/* without and with known_at */
}			read_statement[READ_KINDS] = {
	{5, {READ_COLUMNS " AND $2 IS NOT NULL" READ_SHORT_SQL,
	READ_COLUMNS " AND $2 IS NOT NULL" READ_SHORT_SQL READ_KNOWN("r", "6")}},
	{5, {READ_REGISTER READ_SHORT_SQL, READ_REGISTER READ_SHORT_SQL READ_KNOWN("r", "6")}},
	{4, {READ_LONG_SQL, READ_LONG_SQL READ_KNOWN("r", "5")}},
	{4, {READ_STANDS_SQL, READ_STANDS_SQL READ_KNOWN("r", "5")}},
	{3, {READ_NEXT_SQL("<=", "DESC", ""),
	READ_NEXT_SQL("<=", "DESC", READ_KNOWN("s", "4")) READ_KNOWN("r", "4")}},
	{3, {READ_NEXT_SQL(">=", "ASC", ""),
	READ_NEXT_SQL(">=", "ASC", READ_KNOWN("s", "4")) READ_KNOWN("r", "4")}},
};

/* Runs a statement by a plan that is kept; the first `texts` arguments are texts, the others times. */
static void
read_execute(SPIPlanPtr *plan, const char *sql, int texts, int count, Datum *value)
{
	if (*plan == NULL)
	{
		Oid			type[READ_ARGUMENTS_MAX];
		SPIPlanPtr	made;

		for (int i = 0; i < count; i++)
			type[i] = i < texts ? TEXTOID : TIMESTAMPTZOID;
		made = SPI_prepare(sql, count, type);
		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = made;
	}
	if (SPI_execute_plan(*plan, value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading failed: %s", SPI_result_code_string(SPI_result));
}

/* Powers of ten of the units of energy; -1 for any other unit. */
static int
read_unit_exponent(const char *unit)
{
	if (strcmp(unit, "Wh") == 0)
		return 0;
	if (strcmp(unit, "kWh") == 0)
		return 3;
	if (strcmp(unit, "MWh") == 0)
		return 6;
	return strcmp(unit, "GWh") == 0 ? 9 : -1;
}

void
energy_read_quantity(EnergyReading *r, int64 value, int scale, const char *unit)
{
	int			exponent = read_unit_exponent(unit);
	int128		one = 1;

	r->usable = strchr("GSX", r->status) != NULL && exponent >= 0 && value >= 0 &&
		(r->status != 'X' || r->from == r->to);
	if (!r->usable)
		return;
	for (int i = -9; i < scale + exponent; i++)
		one *= 10;
	r->usable = value <= (int128) ENERGY_WH_MAX * 1000000000 / one;
	r->nwh = r->usable ? value * one : 0;
	r->unit_wh = Min((one + 999999999) / 1000000000, ENERGY_WH_MAX);
}

/*
 * A register's place in the list, where it is put if it is new; NULL for one that counts no
 * energy.  A meter may have as many of those as it likes: a question about all meters must
 * not fail on one.
 */
static const EnergyRegister *
read_register(EnergyRegisters *regs, const char *obis, size_t len)
{
	EnergyRegister read;
	EnergyRegister *r;

	if (len >= sizeof(read.obis))
		return NULL;
	for (int i = 0; i < regs->count; i++)
	{
		if (strncmp(regs->reg[i].obis, obis, len) == 0 && regs->reg[i].obis[len] == '\0')
			return &regs->reg[i];
	}
	memcpy(read.obis, obis, len);
	read.obis[len] = '\0';
	energy_obis(&read);
	if (read.direction == ENERGY_OTHER)
		return NULL;
	if (regs->count == ENERGY_REGISTERS_MAX)
		elog(ERROR, "more registers of energy than there are names");
	r = &regs->reg[regs->count];
	*r = read;
	r->number = regs->count++;
	return r;
}

static void
read_room(EnergyReadings *out, int count)
{
	if (out->count + count <= out->size)
		return;
	out->size = Max(out->size * 2, out->count + count);
	out->reading = out->reading == NULL ?
		palloc_extended(out->size * sizeof(EnergyReading), MCXT_ALLOC_HUGE) :
		repalloc_huge(out->reading, out->size * sizeof(EnergyReading));
}

/* Of readings of all registers, those of the totals of a direction. */
void
energy_readings_of(const EnergyReadings *all, const EnergyRegisters *regs, EnergyDirection direction,
				   EnergyReadings *out)
{
	read_room(out, all->count);
	for (int i = 0; i < all->count; i++)
	{
		const EnergyRegister *r = &regs->reg[all->reading[i].reg];

		if (r->direction == direction && r->tariff == 0)
			out->reading[out->count++] = all->reading[i];
	}
}

/* The rows that came back: of one register or, where a list is given, of any of energy, which joins the list. */
static void
read_append(const EnergyQuery *q, const EnergyRegister *one, EnergyRegisters *regs, EnergyReadings *out)
{
	SPITupleTable *table = SPI_tuptable;
	int			count = (int) SPI_processed;

	read_room(out, count);
	for (int i = 0; i < count; i++)
	{
		EnergyReading *r = &out->reading[out->count];
		const EnergyRegister *reg;
		Datum		value[10];
		bool		null[10];
		char	   *unit;

		heap_deform_tuple(table->vals[i], table->tupdesc, value, null);
		reg = regs == NULL ? one : read_register(regs, VARDATA_ANY(DatumGetPointer(value[9])),
												 VARSIZE_ANY_EXHDR(DatumGetPointer(value[9])));
		if (reg == NULL)
			continue;
		out->count++;
		memset(r, 0, sizeof(*r));
		r->from = DatumGetTimestampTz(value[0]);
		r->to = DatumGetTimestampTz(value[1]);
		r->epoch = DatumGetInt64(value[2]);
		r->seq = DatumGetInt64(value[3]);
		r->item = DatumGetInt16(value[4]);
		r->reg = reg->number;
		r->channel = reg->channel;
		r->status = *VARDATA_ANY(DatumGetTextPP(value[8]));
		unit = TextDatumGetCString(value[7]);
		energy_read_quantity(r, DatumGetInt64(value[5]), DatumGetInt16(value[6]), unit);
		pfree(unit);
	}
	SPI_freetuptable(table);
}

static void
read_kind(ReadKind kind, const EnergyQuery *q, const EnergyRegister *one, EnergyRegisters *regs,
		  TimestampTz a, TimestampTz b, TimestampTz c, EnergyReadings *out)
{
	static SPIPlanPtr plan[READ_KINDS][2];
	int			count = read_statement[kind].arguments;
	Datum		value[READ_ARGUMENTS_MAX];

	value[0] = CStringGetTextDatum(q->meter);
	value[1] = CStringGetTextDatum(one != NULL ? one->obis : "");
	value[2] = TimestampTzGetDatum(a);
	value[3] = TimestampTzGetDatum(b);
	value[4] = TimestampTzGetDatum(c);
	if (q->has_known_at)
		value[count++] = TimestampTzGetDatum(q->known_at);
	read_execute(&plan[kind][q->has_known_at], read_statement[kind].sql[q->has_known_at], 2, count, value);
	read_append(q, one, regs, out);
}

/*
 * Registers of energy that a meter has, each found from the one before: those with a stand,
 * or with an interval over an hour or over a midnight (UTC), of which there are few
 * rows, in indexes of their own.  Their names lie between two others.
 */
void
energy_read_registers(const EnergyQuery *q, EnergyRegisters *out)
{
	static SPIPlanPtr plan;
	Datum		value[2];

	value[0] = CStringGetTextDatum(q->meter);
	value[1] = CStringGetTextDatum(ENERGY_OBIS_FROM);
	for (;;)
	{
		char	   *obis;

		read_execute(&plan, "(SELECT r.obis FROM energyledger.reading r WHERE r.meter = $1 AND r.obis > $2"
					 " AND r.obis < '" ENERGY_OBIS_UNTIL "' AND r.from_at = r.to_at ORDER BY r.obis LIMIT 1)"
					 " UNION ALL (SELECT r.obis FROM energyledger.reading r WHERE r.meter = $1 AND r.obis > $2"
					 " AND r.obis < '" ENERGY_OBIS_UNTIL "' AND " READ_LONG_INDEX " ORDER BY r.obis LIMIT 1)"
					 " ORDER BY 1 LIMIT 1", 2, 2, value);
		if (SPI_processed == 0)
			return;
		obis = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		SPI_freetuptable(SPI_tuptable);
		(void) read_register(out, obis, strlen(obis));
		value[1] = CStringGetTextDatum(obis);
	}
}

/* Intervals of at most ENERGY_NEAR_US, of all registers, in the time asked about; their registers join the list. */
void
energy_read_all_short(const EnergyQuery *q, EnergyRegisters *regs, EnergyReadings *out)
{
	TimestampTz lo = q->boundary[0];

	read_kind(READ_ALL_SHORT, q, NULL, regs, lo - ENERGY_NEAR_US, q->boundary[q->count], lo, out);
}

/* Intervals of at most ENERGY_NEAR_US that overlap [lo, hi). */
void
energy_read_short(const EnergyQuery *q, const EnergyRegister *r,
				  TimestampTz lo, TimestampTz hi, EnergyReadings *out)
{
	read_kind(READ_SHORT, q, r, NULL, lo - ENERGY_NEAR_US, hi, lo, out);
}

/* The longer ones. */
void
energy_read_long(const EnergyQuery *q, const EnergyRegister *r,
				 TimestampTz lo, TimestampTz hi, EnergyReadings *out)
{
	read_kind(READ_LONG, q, r, NULL, lo, hi, 0, out);
}

/* Stands in (lo, hi), and beyond on either side as many as it takes to have a usable one. */
void
energy_read_stands(const EnergyQuery *q, const EnergyRegister *r,
				   TimestampTz lo, TimestampTz hi, EnergyReadings *out)
{
	TimestampTz at = lo;
	int			before;

	read_kind(READ_STANDS, q, r, NULL, lo, hi, 0, out);
	do
	{
		before = out->count;
		read_kind(READ_BEFORE, q, r, NULL, at, 0, 0, out);
		if (out->count > before)
			at = out->reading[before].from - 1;
	} while (out->count > before && !energy_stand_usable(&out->reading[before], out->count - before));
	at = hi;
	do
	{
		before = out->count;
		read_kind(READ_AFTER, q, r, NULL, at, 0, 0, out);
		if (out->count > before)
			at = out->reading[before].from + 1;
	} while (out->count > before && !energy_stand_usable(&out->reading[before], out->count - before));
}

/* Where a slot has no energy and there is an estimate for it, the newest one is taken. */
void
energy_read_estimates(const EnergyQuery *q, EnergyDirection direction, EnergySlot *slot, int count)
{
	static SPIPlanPtr plan;
	Datum		value[5];
	int			at = 0;

	value[0] = CStringGetTextDatum(q->meter);
	value[1] = CStringGetTextDatum(energy_direction_name(direction));
	value[2] = TimestampTzGetDatum(slot[0].from);
	value[3] = TimestampTzGetDatum(slot[count - 1].to);
	value[4] = TimestampTzGetDatum(q->has_known_at ? q->known_at : DT_NOEND);
	read_execute(&plan, "SELECT from_at, to_at, energy_wh FROM energyledger.energy_estimate"
				 " WHERE meter = $1 AND direction = $2 AND from_at >= $3 AND from_at < $4 AND estimated_at <= $5"
				 " ORDER BY from_at, estimated_at, ledger_id", 2, 5, value);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		column[3];
		bool		null[3];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, null);
		while (at < count && slot[at].from < DatumGetTimestampTz(column[0]))
			at++;
		if (at == count)
			break;
		if (slot[at].from != DatumGetTimestampTz(column[0]) || slot[at].to != DatumGetTimestampTz(column[1]))
			continue;
		if (slot[at].quality < ENERGY_ESTIMATED)
			continue;
		slot[at].quality = ENERGY_ESTIMATED;
		slot[at].wh = DatumGetInt64(column[2]);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* At which reading the register starts again from 0, in Wh; 0: nobody said. */
int64
energy_read_rollover(const EnergyQuery *q, const char *obis)
{
	static SPIPlanPtr plan;
	Datum		value[3];
	int64		modulus_wh = 0;
	bool		isnull;

	value[0] = CStringGetTextDatum(q->meter);
	value[1] = CStringGetTextDatum(obis);
	value[2] = TimestampTzGetDatum(q->has_known_at ? q->known_at : DT_NOEND);
	read_execute(&plan, "SELECT rollover_wh FROM energyledger.register_rollover WHERE meter = $1 AND obis = $2"
				 " AND declared_at <= $3 ORDER BY declared_at DESC, ledger_id DESC LIMIT 1", 2, 3, value);
	if (SPI_processed > 0)
		modulus_wh = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return modulus_wh;
}

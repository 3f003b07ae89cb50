/*
 * energy.h: from readings to the energy of slots.  doc/energy.md has the rules;
 * this is how the rooms fit:
 *
 *   energy_obis.c   which register is which
 *   energy_read.c   readings, out of the ledger
 *   energy_node.c   readings -> nodes: a span of time with a known total
 *   energy_fill.c   nodes -> energy of every moment, and what a slot has of it
 *   energy_slots.c  a meter's slots: how far to read, tariffs, estimates
 *
 * For src/fn and src/metering.  Nothing here writes.
 */
#ifndef METERING_ENERGY_H
#define METERING_ENERGY_H

#include "datatype/timestamp.h"

#define ENERGY_SLOT_US (INT64CONST(900) * USECS_PER_SEC)
#define ENERGY_SHORT_US ENERGY_SLOT_US	/* intervals up to this come first */
#define ENERGY_NEAR_US USECS_PER_HOUR	/* longer intervals have an index of
										 * their own, by that length */
#define ENERGY_SLOTS_MAX 1000000		/* in a call */
#define ENERGY_REGISTERS_MAX 520		/* of a meter: more names of registers of
										 * energy there are not (energy_obis.c) */
#define ENERGY_WH_MAX (INT64CONST(1) << 42)	/* a stand or an interval above is no
											 * meter's; two million of them still
											 * add up in 64 bits */

typedef enum EnergyDirection
{
	ENERGY_OTHER, ENERGY_IMPORT, ENERGY_EXPORT
} EnergyDirection;

typedef struct EnergyRegister
{
	char		obis[32];
	EnergyDirection direction;	/* ENERGY_OTHER: not active energy of
								 * electricity, or not known */
	int			tariff;			/* 0: the total */
	int			channel;		/* 0 or 1 */
	int			number;			/* place in the list */
} EnergyRegister;

typedef struct EnergyRegisters
{
	EnergyRegister *reg;		/* ENERGY_REGISTERS_MAX of them */
	int			count;
} EnergyRegisters;

/* A reading, in nanowatt-hours. */
typedef struct EnergyReading
{
	TimestampTz from;
	TimestampTz to;				/* = from: a stand */
	int64		epoch;
	int64		seq;
	int16		item;
	int			reg;			/* place in the list of registers read */
	int			channel;
	char		status;
	bool		usable;
	int128		nwh;
	int64		unit_wh;		/* the last digit's worth, rounded up */
} EnergyReading;

typedef struct EnergyReadings
{
	EnergyReading *reading;
	int			count;
	int			size;
} EnergyReadings;

/* Worse ones come later. */
typedef enum EnergyQuality
{
	ENERGY_MEASURED, ENERGY_SPREAD, ENERGY_SUBSTITUTE, ENERGY_ESTIMATED,
	ENERGY_CONFLICTING, ENERGY_MISSING
} EnergyQuality;

typedef enum EnergyReason
{
	ENERGY_KNOWN, ENERGY_NO_READING, ENERGY_NOT_SPREAD, ENERGY_NOT_USABLE,
	ENERGY_EXCHANGED, ENERGY_DECREASED, ENERGY_CONTRADICTED
} EnergyReason;

/* A span of time whose total is known, or why it is not. */
typedef struct EnergyNode
{
	TimestampTz from;
	TimestampTz to;
	int64		wh;
	int64		tolerance_wh;	/* how far a total may be off its parts */
	bool		stands;			/* a difference of two stands */
	bool		substitute;
	EnergyReason why;			/* ENERGY_KNOWN, or a node without a total */
	int64		epoch;
	int64		seq;
	int16		item;
	int			channel;
	/* set by energy_fill: what finer nodes have of it, what was left, and where */
	int64		parts_wh;
	int64		left_wh;
	int64		left_us;
	int			first;			/* its first and last segment; -1: none */
	int			last;
	bool		contradicted;	/* the parts are more than the total, or, where
								 * nothing is left, not the total */
} EnergyNode;

typedef struct EnergyNodes
{
	EnergyNode *node;
	int			count;
} EnergyNodes;

/* Time cut at every node's ends and at every boundary asked for. */
typedef struct EnergyFill
{
	const EnergyNodes *nodes;
	TimestampTz *point;
	int			segments;		/* segment k is [point[k], point[k + 1]) */
	int		   *owner;			/* node, or -1 */
	int64	   *wh;
} EnergyFill;

typedef struct EnergySlot
{
	TimestampTz from;
	TimestampTz to;
	int64		wh;				/* where quality is below ENERGY_CONFLICTING */
	EnergyQuality quality;
	EnergyReason reason;
	/* where the reason is ENERGY_NOT_SPREAD and one node has the energy */
	bool		has_known;
	TimestampTz known_from;
	TimestampTz known_to;
	int64		known_wh;
	bool		has_linear;		/* all of the slot lies in known totals */
	int64		linear_wh;		/* the slot's share of them, spread evenly */
} EnergySlot;

typedef struct EnergyQuery
{
	const char *meter;
	int			count;			/* of slots */
	const TimestampTz *boundary;	/* count + 1 of them, ascending */
	int64		spread_max_us;
	bool		has_known_at;
	TimestampTz known_at;		/* only what was known then */
	bool		estimates;
} EnergyQuery;

typedef void (*EnergyEmit) (void *to, EnergyDirection direction, const EnergySlot *slot);
typedef void (*EnergyConflictEmit) (void *to, EnergyDirection direction, const EnergyNode *node);

/* energy_obis.c */
#define ENERGY_OBIS_FROM "1-0:"	/* all names of registers of energy are above ... */
#define ENERGY_OBIS_UNTIL "1-1;"	/* ... and below, as bytes */
extern void energy_obis(EnergyRegister *out);	/* by out->obis */

/* energy_read.c: value * 10^scale units as nWh, by the reading's status; what is negative, too large or no energy is not usable */
extern void energy_read_quantity(EnergyReading *r, int64 value, int scale, const char *unit);

/* energy_read.c: SPI is connected */
extern void energy_read_registers(const EnergyQuery *q, EnergyRegisters *out);
extern void energy_read_all_short(const EnergyQuery *q, EnergyRegisters *regs, EnergyReadings *out);
extern void energy_readings_of(const EnergyReadings *all, const EnergyRegisters *regs, EnergyDirection direction,
							   EnergyReadings *out);
extern void energy_read_short(const EnergyQuery *q, const EnergyRegister *r,
							  TimestampTz lo, TimestampTz hi, EnergyReadings *out);
extern void energy_read_long(const EnergyQuery *q, const EnergyRegister *r,
							 TimestampTz lo, TimestampTz hi, EnergyReadings *out);
extern void energy_read_stands(const EnergyQuery *q, const EnergyRegister *r,
							   TimestampTz lo, TimestampTz hi, EnergyReadings *out);
extern void energy_read_estimates(const EnergyQuery *q, EnergyDirection direction, EnergySlot *slot, int count);
extern int64 energy_read_rollover(const EnergyQuery *q, const char *obis);

/* energy_node.c */
extern void energy_nodes(const EnergyQuery *q, const EnergyRegisters *regs, EnergyReadings *readings, EnergyNodes *out);
extern bool energy_needs_day(const EnergyReadings *readings);
extern TimestampTz energy_day_start(TimestampTz at);
extern bool energy_stand_usable(EnergyReading *stand, int count);

/* energy_fill.c */
extern void energy_fill(EnergyNodes *nodes, const TimestampTz *boundary, int boundaries, EnergyFill *out);
extern int	energy_fill_point(const EnergyFill *fill, TimestampTz at);
extern void energy_judge(const EnergyFill *fill, int64 spread_max_us, EnergySlot *slot);

/* energy_slots.c */
extern void energy_slots(const EnergyQuery *q, EnergyEmit emit, void *to);
extern void energy_conflicts(const EnergyQuery *q, EnergyConflictEmit emit, void *to);
extern const char *energy_direction_name(EnergyDirection direction);
extern const char *energy_quality_name(EnergyQuality quality);
extern const char *energy_reason_name(EnergyReason reason);

#endif							/* METERING_ENERGY_H */

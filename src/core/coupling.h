/*
 * coupling.h: zones cleared together, as far as the lines between them allow.
 *
 * Each zone has steps of supply and of demand, each line a capacity each way.  The
 * flows are those of the highest welfare: what the served demand was worth to its
 * buyers, less what the accepted supply was asked for, less fees.  Of flows with the
 * same welfare, those by which most energy is traded; of those, those by which least
 * is carried over lines.  What is equal even then is decided by the ids of zones and
 * lines, so the result is the same however the input is shuffled.
 *
 * Prices: for every line, energy flows until the prices of its ends meet, but for
 * the fees, or the line is full.  The prices for which that is true, and for which
 * every step is served that gains and none that loses, form an interval [low, high]
 * in each zone; the lows of all zones are together one choice, so are the highs, and
 * so are the midpoints, rounded down.
 *
 * A kWh that is bought in a zone, or leaves it over a line, pays the zone's fee; one
 * that is carried over a line pays the line's as well.  So along a tree of zones a
 * pair of orders pays the fee of each zone on its way once.  A zone's price is what
 * sellers get there, and buyers pay the price and the zone's fee.
 *
 * Units: energy in Wh, prices and fees in micro-currency per kWh, and therefore money
 * in thousandths of a micro-unit ("nano"), in which no amount is rounded.
 */
#ifndef CORE_COUPLING_H
#define CORE_COUPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUPLING_ZONES_MAX 1000
#define COUPLING_LINES_MAX 4000
#define COUPLING_STEPS_MAX 20000000
#define COUPLING_PRICE_MAX INT64_C(100000000000000)	/* and its negative */
#define COUPLING_FEE_MAX INT64_C(100000000000)	/* of a zone, of a line */
#define COUPLING_ENERGY_MAX (INT64_C(1) << 61)	/* of all steps together */
#define COUPLING_PAUSE_EVERY 1000	/* searches */

typedef struct coupling_step
{
	int64_t		price_micro_per_kwh;	/* least that sellers take, most that buyers pay */
	int64_t		energy_wh;
} coupling_step;

/* Steps stand in any order, and several may have the same price. */
typedef struct coupling_zone
{
	int64_t		id;
	int64_t		fee_micro_per_kwh;
	const coupling_step *supply;
	size_t		supply_count;
	const coupling_step *demand;
	size_t		demand_count;
} coupling_zone;

typedef struct coupling_line
{
	int64_t		id;
	int64_t		from_zone;		/* ids */
	int64_t		to_zone;
	int64_t		capacity_forth_wh;
	int64_t		capacity_back_wh;
	int64_t		fee_micro_per_kwh;	/* either way */
} coupling_line;

typedef enum coupling_price_rule
{
	COUPLING_PRICE_LOW,
	COUPLING_PRICE_HIGH,
	COUPLING_PRICE_MIDPOINT		/* rounded down, of negative prices too */
} coupling_price_rule;

typedef struct coupling_problem
{
	const coupling_zone *zone;
	size_t		zone_count;
	const coupling_line *line;
	size_t		line_count;
	coupling_price_rule price_rule;
	void		(*pause) (void);	/* called now and then; may be null, and need not return */
} coupling_problem;

/*
 * A zone has a low where something holds its price up, and a high where something
 * holds it down; a price where it has both.  So has every zone in which energy is
 * sold, bought or carried through; a price where nothing is, is only an indication.
 */
typedef struct coupling_zone_result
{
	int64_t		sold_wh;		/* of its supply, cheapest first */
	int64_t		bought_wh;		/* of its demand, dearest first */
	int64_t		forwarded_wh;	/* left it over lines */
	bool		has_low;
	bool		has_high;
	bool		has_price;
	int64_t		low_micro_per_kwh;
	int64_t		high_micro_per_kwh;
	int64_t		seller_price_micro_per_kwh;
	int64_t		buyer_price_micro_per_kwh;	/* with the zone's fee */
	__int128	fee_nano;		/* taken by the zone */
} coupling_zone_result;

typedef struct coupling_line_result
{
	int64_t		flow_wh;		/* below zero: back, from to_zone to from_zone */
	__int128	fee_nano;		/* taken by the line */
	__int128	rent_nano;		/* flow times what prices differ by above the fees */
} coupling_line_result;

/* buyers_pay_nano = sellers_get_nano + fee_nano + rent_nano */
typedef struct coupling_total
{
	int64_t		sold_wh;		/* as much as is bought */
	__int128	welfare_nano;
	__int128	buyers_pay_nano;
	__int128	sellers_get_nano;
	__int128	fee_nano;
	__int128	rent_nano;
} coupling_total;

typedef enum coupling_status
{
	COUPLING_OK = 0,
	COUPLING_BAD_RULE,			/* none of the price rules */
	COUPLING_TOO_MANY,			/* zones, lines or steps */
	COUPLING_DUPLICATE_ZONE,
	COUPLING_DUPLICATE_LINE,
	COUPLING_UNKNOWN_ZONE,		/* at an end of a line */
	COUPLING_LINE_TO_ITSELF,
	COUPLING_BAD_ENERGY,		/* a step's is not above zero */
	COUPLING_BAD_CAPACITY,		/* below zero */
	COUPLING_BAD_FEE,			/* below zero or above COUPLING_FEE_MAX */
	COUPLING_PRICE_RANGE,		/* above COUPLING_PRICE_MAX or below its negative */
	COUPLING_ENERGY_RANGE		/* the steps' sum is above COUPLING_ENERGY_MAX */
} coupling_status;

/* Bytes that coupling_solve() works in; 0 where there is more than the limits allow. */
extern size_t coupling_memory(const coupling_problem *problem);

/* The same for any problem of so many zones, lines and steps, which are within the limits. */
extern size_t coupling_memory_of(size_t zones, size_t lines, size_t steps);

/*
 * Results stand where the zone and the line stand in the problem.  memory is of
 * coupling_memory() bytes, aligned as malloc() does; nothing in it is needed later.
 */
extern coupling_status coupling_solve(const coupling_problem *problem, void *memory,
									  coupling_zone_result *zone, coupling_line_result *line,
									  coupling_total *total);

/* What coupling_check() finds first. */
typedef enum coupling_fault
{
	COUPLING_SOUND = 0,
	COUPLING_FAULT_LINE,		/* carries more than its capacity */
	COUPLING_FAULT_BALANCE,		/* a zone's energy in is not its energy out */
	COUPLING_FAULT_SUPPLY,		/* a step below the price not sold, or one above it sold */
	COUPLING_FAULT_DEMAND,		/* a step above the price not served, or one below it served */
	COUPLING_FAULT_SLACK,		/* prices differ by more than fees and the line is not full */
	COUPLING_FAULT_PRICE,		/* a price that is not in its interval or missing */
	COUPLING_FAULT_MONEY		/* amounts that are not energy times price, or do not add up */
} coupling_fault;

/*
 * Whether a result is one: that no law is broken, and that with these prices nobody
 * gains by more or less energy, which proves that no other flows have more welfare.
 * It knows nothing of how the result was found and costs a few passes over the steps.
 * The problem is one that coupling_solve() takes; the result may be anything.
 */
extern coupling_fault coupling_check(const coupling_problem *problem,
									 const coupling_zone_result *zone, const coupling_line_result *line,
									 const coupling_total *total);

#endif							/* CORE_COUPLING_H */

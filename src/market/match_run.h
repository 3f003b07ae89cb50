/*
 * match_run.h: matches a set of orders by a rule.
 */
#ifndef MARKET_MATCH_RUN_H
#define MARKET_MATCH_RUN_H

#include "market/match_input.h"
#include "market/match_rule.h"

/* What made a trade. */
typedef enum MatchPhase
{
	MATCH_PHASE_FIRST,			/* named partners */
	MATCH_PHASE_CONDITIONS,
	MATCH_PHASE_MAIN			/* the method */
} MatchPhase;

/* Prices in micro-currency per kWh, energy in Wh. */
typedef struct MatchTrade
{
	uint32		bid;			/* positions in the input */
	uint32		ask;
	int64		energy;
	int64		price;			/* what the seller gets */
	int64		buyer_price;	/* what the buyer pays, fees included */
	uint8		phase;			/* MatchPhase */
} MatchTrade;

/* Of the zones of the rule, in its sequence. */
typedef struct MatchZoneResult
{
	MatchName	name;
	int64		sold_wh;		/* of all phases */
	int64		bought_wh;
	bool		has_price;		/* pay as clear; what sellers get */
	int64		price;
	int64		low;			/* of the interval, where there is a price */
	int64		high;
	int64		fee;			/* micro-currency per kWh, or parts per million, as in the rule */
	int128		fee_nano;		/* what the zone takes in all */
} MatchZoneResult;

/* Of the lines, or without lines of each zone that has a parent, from it to the parent. */
typedef struct MatchLineResult
{
	MatchName	from;
	MatchName	to;
	int64		flow_wh;		/* below 0: from to to from */
	int64		fee;			/* micro-currency per kWh */
	int64		rent;			/* micro-currency per kWh carried */
	int128		fee_nano;
	int128		rent_nano;
} MatchLineResult;

typedef struct MatchResult
{
	MatchTrade *trade;			/* in the sequence in which the rule makes them */
	uint32		trades;
	const int64 *netted;		/* by position: energy taken out against own orders */
	int64		volume;			/* of all trades, Wh */
	int64		netted_volume;	/* of each side */
	bool		has_price;		/* pay as clear without zones, and proportional */
	bool		has_low;
	bool		has_high;
	int64		price;
	int64		low;
	int64		high;
	MatchZoneResult *zone;
	int			zones;			/* 0 where the rule has none */
	MatchLineResult *line;
	int			lines;
} MatchResult;

/*
 * In the current memory context.  Raises an error for whatever is refused, with the
 * order that it is about; in gets
 * the sources and conditions that the rule has, and keeps its orders as they are.
 */
extern MatchResult *match_run(MatchInput *in, const MatchRule *rule);

#endif							/* MARKET_MATCH_RUN_H */

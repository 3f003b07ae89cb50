/*
 * match_input.h: the orders of one clearing, gathered one by one.
 *
 * The core knows actors, zones and sources as numbers; here their names become numbers,
 * the same bytes the same number.  Whoever has orders, from an array of rows or from
 * a table, adds them here and hands the set to match_run().
 */
#ifndef MARKET_MATCH_INPUT_H
#define MARKET_MATCH_INPUT_H

#include "utils/jsonb.h"

#include "core/matching.h"

#define MATCH_NAME_BYTES_MAX 1000

/* A name's bytes, 1 to MATCH_NAME_BYTES_MAX; len 0 is none. */
typedef struct MatchName
{
	const char *data;
	int			len;
} MatchName;

typedef struct MatchOrder
{
	int64		order_id;		/* unique among the orders */
	uint8		side;			/* MATCHING_BID or MATCHING_ASK */
	bool		has_price;		/* false: at any price */
	int64		price;			/* micro-currency per kWh */
	bool		has_partner_price;
	int64		partner_price;
	int64		energy;			/* Wh */
	int64		arrival;
	MatchName	actor;
	MatchName	partner;
	MatchName	zone;
	MatchName	source;
} MatchOrder;

/* One way in which an order agrees to trade; see doc/matching.md.  What is absent means any. */
typedef struct MatchCondition
{
	MatchName	partner;
	MatchName	source;
	MatchName	zone;
	bool		has_energy;		/* otherwise the order's */
	int64		energy;			/* Wh, the most by this condition */
	bool		has_price;		/* otherwise the order's limit */
	int64		price;			/* micro-currency per kWh */
} MatchCondition;

/* Names that have a number: an open hash table that grows. */
typedef struct MatchNames
{
	MatchName  *name;
	uint32	   *hash;
	uint32	   *slot;			/* number + 1, or 0 */
	uint32		count;
	uint32		size;			/* of name and hash */
	uint32		mask;
	char	   *room;			/* where the bytes of the next name go */
	Size		room_left;
} MatchNames;

typedef struct MatchInput
{
	matching_order *order;		/* by position, in the sequence in which they were added */
	uint32		count;
	uint32		size;
	MatchNames	names;
	uint32	   *source;			/* names by position; NULL where no order has one */
	matching_condition *condition;	/* as they were added; zones are names */
	uint32		conditions;
	uint32		condition_size;
	bool		rule_applied;	/* a rule's sources and conditions were added */
	uint32		zone;			/* of the first order that has one, or MATCHING_NOBODY */
	uint32		other_zone;		/* position of the first that has another, or MATCHING_NOBODY */
	bool		of_array;		/* errors name the element of the array as well */
	MemoryContext context;
} MatchInput;

/* An empty set, in the current memory context.  The hint may be wrong either way. */
extern MatchInput *match_input_begin(int capacity_hint);

/*
 * Adds an order and returns its position, from 0.  The names' bytes are copied.  A name
 * that is too long and one order too many are refused here; what is wrong with an order's
 * numbers, or with orders together, match_run() says.
 */
extern uint32 match_input_add(MatchInput *in, const MatchOrder *order);

/*
 * Adds a condition to the order at a position, behind those that it has.  At most
 * MATCHING_CONDITIONS_EACH_MAX an order and MATCHING_CONDITIONS_MAX in all.
 */
extern void match_input_condition(MatchInput *in, uint32 position, const MatchCondition *condition);

/* What the ask at a position is of; instead of what was said before. */
extern void match_input_source(MatchInput *in, uint32 position, MatchName source);

/* The conditions by ascending position, an order's in their sequence. */
extern matching_condition *match_input_conditions(const MatchInput *in);

/* Positions by ascending order_id; one that is there twice is refused. */
extern uint32 *match_input_by_id(const MatchInput *in);
extern void match_refuse_duplicate(const MatchInput *in, uint32 position) pg_attribute_noreturn();

/* The name of that number. */
extern MatchName match_input_name(const MatchInput *in, uint32 number);

/* The number of a name; a new one where there was none. */
extern uint32 match_input_number(MatchInput *in, MatchName name);

/* "Order 7" or "Order 7, element 2 of the array,", as a detail begins. */
extern const char *match_input_where(const MatchInput *in, uint32 position);

/*
 * SHA-256 of all orders and of the rule; doc/matching.md has its bytes.  It does not
 * depend on the sequence in which the orders were added.  Sources and conditions are hashed with
 * their orders, whether they were added here or stand in the options.
 */
extern void match_input_hash(MatchInput *in, const char *method, Jsonb *options, uint8 out[32]);

static inline bool
match_name_same(MatchName a, MatchName b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

#endif							/* MARKET_MATCH_INPUT_H */

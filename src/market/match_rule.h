/*
 * match_rule.h: a method and its options, read from SQL.
 */
#ifndef MARKET_MATCH_RULE_H
#define MARKET_MATCH_RULE_H

#include "utils/jsonb.h"

#include "core/matching.h"
#include "market/match_input.h"

#define MATCH_PRICE_LIMIT INT64CONST(1000000000)	/* what "at any price" is, in coupled zones */

typedef struct MatchSource
{
	int64		order_id;
	MatchName	source;
} MatchSource;

typedef struct MatchRuleCondition
{
	int64		order_id;
	MatchCondition condition;
} MatchRuleCondition;

/* Names are in the memory context in which the rule was read. */
typedef struct MatchRule
{
	matching_rule core;			/* without zones, which match_run() adds */
	bool		has_zones;
	matching_zones zones;
	MatchName  *zone_name;		/* as the zones stand */
	MatchName  *zone_parent;	/* likewise; len 0: a root */
	MatchSource *source;
	int			sources;
	MatchRuleCondition *condition;
	int			conditions;
	bool		has_lottery;
	uint8		lottery[32];
} MatchRule;

/* Refuses methods, options and values that are not known, with those that are. */
extern void match_rule_read(MatchRule *rule, const char *method, Jsonb *options);

/* The rule's sources and conditions to the orders that they name; once, however often it is called. */
extern void match_rule_apply(const MatchRule *rule, MatchInput *in);

/* ---- for match_rule.c: options that are arrays of objects ---- */

extern void match_read_zones(MatchRule *rule, JsonbValue *value);
extern void match_read_lines(MatchRule *rule, JsonbValue *value);
extern void match_read_sources(MatchRule *rule, JsonbValue *value);
extern void match_read_conditions(MatchRule *rule, JsonbValue *value);

/* A whole number of 64 bits, or an error that says what. */
extern int64 match_json_number(const char *what, JsonbValue *value);

/* "a, b, c" */
extern const char *match_list(const char *const *names);

#endif							/* MARKET_MATCH_RULE_H */

/*
 * match_rule.h: a method and its options, read from SQL.
 */
#ifndef MARKET_MATCH_RULE_H
#define MARKET_MATCH_RULE_H

#include "utils/jsonb.h"

#include "core/matching.h"

typedef struct MatchRule
{
	matching_rule core;
} MatchRule;

/* Refuses methods, options and values that are not known, with those that are. */
extern void match_rule_read(MatchRule *rule, const char *method, Jsonb *options);

#endif							/* MARKET_MATCH_RULE_H */

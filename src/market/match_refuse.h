/*
 * match_refuse.h: errors of a matching.  None of these returns.
 */
#ifndef MARKET_MATCH_REFUSE_H
#define MARKET_MATCH_REFUSE_H

#include "market/match_input.h"

extern void match_refuse(const MatchInput *in, const matching_rule *rule, matching_result result, const matching_outcome *out) pg_attribute_noreturn();

/* Orders of several zones, where the rule has none. */
extern void match_refuse_zones(const MatchInput *in) pg_attribute_noreturn();

/* A zone that the rule does not have; or none, where the rule has zones. */
extern void match_refuse_zone(const MatchInput *in, uint32 position, uint32 name) pg_attribute_noreturn();

#endif							/* MARKET_MATCH_REFUSE_H */

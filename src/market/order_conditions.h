/*
 * order_conditions.h: the conditions of an order, as its row has them.
 */
#ifndef MARKET_ORDER_CONDITIONS_H
#define MARKET_ORDER_CONDITIONS_H

#include "market/match_input.h"

/* Adds them to the order at a position. */
extern void order_conditions_add(MatchInput *in, uint32 position, Jsonb *conditions);

#endif							/* MARKET_ORDER_CONDITIONS_H */

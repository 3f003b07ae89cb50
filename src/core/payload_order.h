/*
 * payload_order.h: the bodies of messages of types order and cancel.
 *
 * order:	[market, slot, side, energy, price, kind, valid_until, partner, partner_price, conditions]
 * cancel:	[epoch, seq]
 *
 * market and partner are identifiers as meters' names are; slot and valid_until ms since 1970; energy in
 * Wh, above 0; prices in micro-currency per kWh; side "bid" or "ask"; kind "limit",
 * "immediate_or_cancel" or "all_or_none"; conditions a list of up to ORDER_CONDITIONS_MAX of
 * [partner, source, zone, energy, price].  What is not said is null, conditions an empty list.
 *
 * A cancel names an order of the same meter by its message.
 */
#ifndef CORE_PAYLOAD_ORDER_H
#define CORE_PAYLOAD_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#define ORDER_CONDITIONS_MAX 16
#define ORDER_NAME_LEN_MAX 64
#define ORDER_MONEY_MAX INT64_C(999999999999999)	/* of prices and of conditions' energy: 15 digits */

typedef enum order_side
{
	ORDER_BID = 1, ORDER_ASK
} order_side;

typedef enum order_kind
{
	ORDER_LIMIT = 1, ORDER_IMMEDIATE_OR_CANCEL, ORDER_ALL_OR_NONE
} order_kind;

/* "" and false: any */
typedef struct payload_condition
{
	char		partner[ORDER_NAME_LEN_MAX + 1];
	char		source[ORDER_NAME_LEN_MAX + 1]; /* without control characters */
	char		zone[ORDER_NAME_LEN_MAX + 1];
	bool		has_energy;
	bool		has_price;
	int64_t		energy_wh;
	int64_t		price_micro_per_kwh;
} payload_condition;

typedef struct payload_order
{
	char		market[ORDER_NAME_LEN_MAX + 1];
	char		partner[ORDER_NAME_LEN_MAX + 1];	/* "": none */
	order_side	side;
	order_kind	kind;
	bool		has_price;		/* false: at any price */
	bool		has_valid_until;
	bool		has_partner_price;
	int			condition_count;
	int64_t		slot_ms;
	int64_t		energy_wh;
	int64_t		price_micro_per_kwh;
	int64_t		valid_until_ms;
	int64_t		partner_price_micro_per_kwh;
	payload_condition condition[ORDER_CONDITIONS_MAX];
} payload_order;

typedef struct payload_cancel
{
	uint32_t	epoch;
	int64_t		seq;
} payload_cancel;

extern const char *order_side_name(order_side side);
extern const char *order_kind_name(order_kind kind);

#endif							/* CORE_PAYLOAD_ORDER_H */

/*
 * matching_made.h: orders and runs for the tests of matching.
 */
#ifndef MATCHING_MADE_H
#define MATCHING_MADE_H

#include "unit.h"

#include "core/matching.h"

#define MADE_ORDERS_MAX 64

typedef struct made_book
{
	matching_order order[MADE_ORDERS_MAX];
	size_t		orders;
} made_book;

/* Nobody's, arrived as added; ids from 1. */
static inline matching_order *
made_add(made_book *book, matching_side side, int64_t energy, int64_t price)
{
	matching_order *order = &book->order[book->orders++];

	memset(order, 0, sizeof(*order));
	order->order_id = (int64_t) book->orders;
	order->arrival = order->order_id;
	order->energy = energy;
	order->price = price;
	order->actor = order->partner = MATCHING_NOBODY;
	order->side = side;
	return order;
}

static inline matching_order *
made_bid(made_book *book, int64_t energy, int64_t price)
{
	return made_add(book, MATCHING_BID, energy, price);
}

static inline matching_order *
made_ask(made_book *book, int64_t energy, int64_t price)
{
	return made_add(book, MATCHING_ASK, energy, price);
}

/* Memory of exactly the size asked for, so that one byte more is a sanitizer's finding. */
static inline matching_result
made_run(const made_book *book, const matching_rule *rule, matching_outcome *out, void **memory)
{
	*memory = malloc(matching_memory_size(book->orders, rule));
	assert_non_null(*memory);
	return matching_run(book->order, book->orders, rule, *memory, out);
}

/* The trades as text: "bid-ask energy@price, ..." by order ids. */
static inline const char *
made_trades(const made_book *book, const matching_outcome *out)
{
	static char text[MADE_ORDERS_MAX * 80];
	char	   *at = text;

	*at = '\0';
	for (size_t i = 0; i < out->trades; i++)
	{
		const matching_trade *t = &out->trade[i];

		at += sprintf(at, "%s%lld-%lld %lld@%lld", i > 0 ? ", " : "", (long long) book->order[t->bid].order_id,
					  (long long) book->order[t->ask].order_id, (long long) t->energy, (long long) t->price);
	}
	return text;
}

/* Runs and compares; what it ends with is "error N" where it is no success. */
static inline void
made_expect(const made_book *book, const matching_rule *rule, const char *wanted)
{
	matching_outcome out;
	void	   *memory;
	matching_result result = made_run(book, rule, &out, &memory);
	char		error[32];

	snprintf(error, sizeof(error), "error %d", (int) result);
	assert_string_equal(result == MATCHING_OK ? made_trades(book, &out) : error, wanted);
	free(memory);
}

#endif							/* MATCHING_MADE_H */

/*
 * matching_book.c: the continuous market's book, and a run of it over a set of orders.
 */
#include "core/matching_book.h"

#include <string.h>

#include "core/matching_levels.h"
#include "core/matching_parts.h"

typedef struct book_order
{
	int64_t		order_id;
	int64_t		left;
	uint32_t	actor;
	uint32_t	tag;
	uint32_t	level;
	uint32_t	earlier;		/* neighbours in its level */
	uint32_t	later;			/* of a free one: the next free */
	uint8_t		side;
} book_order;

struct matching_book
{
	book_order *order;
	uint32_t   *slot;			/* hash table: an order's index + 1, or 0 */
	matching_level_pool pool;
	matching_levels side[2];
	int64_t		energy[2];		/* resting, a side */
	uint32_t	free_order;
	uint32_t	orders;
	uint32_t	slot_mask;
	bool		own_trades;
};

/* ---- memory ---- */

static uint32_t
book_slots(uint32_t capacity)
{
	uint32_t	slots = 8;

	while (slots < capacity * 2)
		slots *= 2;
	return slots;
}

static size_t
book_part(size_t count, size_t width)
{
	return (count * width + 7) / 8 * 8;
}

size_t
matching_book_size(uint32_t capacity)
{
	return book_part(1, sizeof(matching_book)) + book_part(capacity, sizeof(book_order)) +
		book_part(capacity, sizeof(matching_level)) + book_part(capacity, sizeof(matching_level_node)) +
		book_part(book_slots(capacity), sizeof(uint32_t));
}

matching_book *
matching_book_init(void *memory, uint32_t capacity, bool own_trades)
{
	matching_book *book = memory;
	char	   *at = (char *) memory + book_part(1, sizeof(*book));

	memset(book, 0, sizeof(*book));
	book->order = (book_order *) at;
	at += book_part(capacity, sizeof(book_order));
	book->pool.level = (matching_level *) at;
	at += book_part(capacity, sizeof(matching_level));
	book->pool.node = (matching_level_node *) at;
	at += book_part(capacity, sizeof(matching_level_node));
	book->slot = (uint32_t *) at;
	book->slot_mask = book_slots(capacity) - 1;
	memset(book->slot, 0, ((size_t) book->slot_mask + 1) * sizeof(*book->slot));
	for (uint32_t i = 0; i < capacity; i++)
	{
		uint32_t	next = i + 1 < capacity ? i + 1 : LEVEL_NONE;

		book->order[i].later = next;
		book->pool.level[i].worse = next;
		book->pool.node[i].child[0] = next;
	}
	/* a level has an order of its own, so none of the three runs out first */
	book->free_order = book->pool.free_level = book->pool.free_node = capacity > 0 ? 0 : LEVEL_NONE;
	for (int s = 0; s < 2; s++)
		book->side[s].root = book->side[s].best = LEVEL_NONE;
	book->own_trades = own_trades;
	return book;
}

/* ---- orders by id ---- */

static uint32_t
slot_home(const matching_book *book, int64_t order_id)
{
	uint64_t	h = (uint64_t) order_id;

	h = (h ^ (h >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t) (h >> 32) & book->slot_mask;
}

/* Where the id stands, or the empty slot where it would. */
static uint32_t
slot_find(const matching_book *book, int64_t order_id)
{
	uint32_t	at = slot_home(book, order_id);

	while (book->slot[at] != 0 && book->order[book->slot[at] - 1].order_id != order_id)
		at = (at + 1) & book->slot_mask;
	return at;
}

/* Those behind it move up, so that no search ends before what it looks for. */
static void
slot_remove(matching_book *book, uint32_t hole)
{
	uint32_t	at = hole;

	for (;;)
	{
		uint32_t	home;

		at = (at + 1) & book->slot_mask;
		if (book->slot[at] == 0)
			break;
		home = slot_home(book, book->order[book->slot[at] - 1].order_id);
		if (((at - home) & book->slot_mask) >= ((at - hole) & book->slot_mask))
		{
			book->slot[hole] = book->slot[at];
			hole = at;
		}
	}
	book->slot[hole] = 0;
}

/* ---- resting orders ---- */

static uint64_t
book_key(uint8_t side, int64_t price)
{
	return side == MATCHING_BID ? ~matching_key(price) : matching_key(price);
}

/* Takes energy from a resting order, and the order out where none is left. */
static void
book_take(matching_book *book, uint32_t index, int64_t energy)
{
	book_order *order = &book->order[index];
	matching_level *level = &book->pool.level[order->level];

	order->left -= energy;
	level->energy -= energy;
	book->energy[order->side] -= energy;
	if (order->left > 0)
		return;
	if (order->earlier != LEVEL_NONE)
		book->order[order->earlier].later = order->later;
	else
		level->first = order->later;
	if (order->later != LEVEL_NONE)
		book->order[order->later].earlier = order->earlier;
	else
		level->last = order->earlier;
	if (level->first == LEVEL_NONE)
		matching_levels_remove(&book->side[order->side], &book->pool, order->level);
	slot_remove(book, slot_find(book, order->order_id));
	order->later = book->free_order;
	book->free_order = index;
	book->orders--;
}

static void
book_rest(matching_book *book, const matching_book_order *incoming, int64_t left)
{
	uint32_t	index = book->free_order;
	book_order *order = &book->order[index];
	uint32_t	at = matching_levels_get(&book->side[incoming->side], &book->pool, book_key(incoming->side, incoming->price));
	matching_level *level = &book->pool.level[at];

	book->free_order = order->later;
	*order = (book_order) {incoming->order_id, left, incoming->actor, incoming->tag, at, level->last, LEVEL_NONE, incoming->side};
	if (level->last != LEVEL_NONE)
		book->order[level->last].later = index;
	else
		level->first = index;
	level->last = index;
	level->price = incoming->price;
	level->energy += left;
	book->energy[incoming->side] += left;
	book->slot[slot_find(book, incoming->order_id)] = index + 1;
	book->orders++;
}

/* ---- what comes in ---- */

static bool
level_is_good_for(const matching_level *level, const matching_book_order *incoming)
{
	return incoming->any_price ||
		(incoming->side == MATCHING_BID ? level->price <= incoming->price : level->price >= incoming->price);
}

/* Whether the other side has all of it, the order's own actor's included. */
static bool
book_has_all(const matching_book *book, const matching_book_order *incoming)
{
	int64_t		missing = incoming->energy;

	for (uint32_t at = book->side[!incoming->side].best; at != LEVEL_NONE; at = book->pool.level[at].worse)
	{
		if (!level_is_good_for(&book->pool.level[at], incoming))
			return false;
		if (book->pool.level[at].energy >= missing)
			return true;
		missing -= book->pool.level[at].energy;
	}
	return false;
}

static int64_t
book_meet(matching_book *book, const matching_book_order *incoming, matching_book_report report, void *to)
{
	int64_t		left = incoming->energy;

	while (left > 0)
	{
		uint32_t	at = book->side[!incoming->side].best;
		matching_level *level;
		book_order *resting;
		matching_book_event event;

		if (at == LEVEL_NONE)
			break;
		level = &book->pool.level[at];
		if (!level_is_good_for(level, incoming))
			break;
		resting = &book->order[level->first];
		event.netted = !book->own_trades && resting->actor == incoming->actor && incoming->actor != MATCHING_NOBODY;
		event.energy = matching_least(left, resting->left);
		event.price = level->price;
		event.resting_id = resting->order_id;
		event.resting_tag = resting->tag;
		event.resting_left = resting->left - event.energy;
		left -= event.energy;
		book_take(book, level->first, event.energy);
		report(to, incoming, &event);
	}
	return left;
}

matching_result
matching_book_insert(matching_book *book, const matching_book_order *order, matching_book_report report, void *to,
					 int64_t *rests, int64_t *dropped)
{
	bool		may_rest = order->kind == MATCHING_LIMIT && !order->any_price;
	int64_t		sum;
	int64_t		left;

	if (order->side != MATCHING_BID && order->side != MATCHING_ASK)
		return MATCHING_BAD_SIDE;
	if (order->kind > MATCHING_ALL_OR_NONE)
		return MATCHING_BAD_KIND;
	if (order->energy <= 0)
		return MATCHING_BAD_ENERGY;
	if (book->slot[slot_find(book, order->order_id)] != 0)
		return MATCHING_DUPLICATE_ID;
	if (__builtin_add_overflow(book->energy[order->side], order->energy, &sum))
		return MATCHING_ENERGY_OVERFLOW;
	if (may_rest && book->free_order == LEVEL_NONE)
		return MATCHING_TOO_MANY_ORDERS;
	left = order->energy;
	if (order->kind != MATCHING_ALL_OR_NONE || book_has_all(book, order))
		left = book_meet(book, order, report, to);
	if (may_rest && left > 0)
		book_rest(book, order, left);
	*rests = may_rest ? left : 0;
	*dropped = may_rest ? 0 : left;
	return MATCHING_OK;
}

matching_result
matching_book_cancel(matching_book *book, int64_t order_id, int64_t *left)
{
	uint32_t	at = book->slot[slot_find(book, order_id)];

	if (at == 0)
		return MATCHING_UNKNOWN_ID;
	*left = book->order[at - 1].left;
	book_take(book, at - 1, *left);
	return MATCHING_OK;
}

bool
matching_book_best(const matching_book *book, matching_side side, int64_t *price, int64_t *energy)
{
	uint32_t	at = book->side[side].best;

	if (at == LEVEL_NONE)
		return false;
	*price = book->pool.level[at].price;
	*energy = book->pool.level[at].energy;
	return true;
}

uint32_t
matching_book_orders(const matching_book *book)
{
	return book->orders;
}

/* ---- a set of orders, one after the other ---- */

static void
one_by_one_report(void *to, const matching_book_order *incoming, const matching_book_event *event)
{
	matching_run_state *run = to;
	bool		bid = incoming->side == MATCHING_BID;
	uint32_t	buyer = bid ? incoming->tag : event->resting_tag;
	uint32_t	seller = bid ? event->resting_tag : incoming->tag;

	if (event->netted)
	{
		run->netted[buyer] += event->energy;
		run->netted[seller] += event->energy;
	}
	else
		matching_add_trade(run, buyer, seller, event->energy, event->price);
}

/* Each as it arrived; the orders and their sums were checked before. */
matching_result
matching_one_by_one(matching_run_state *run)
{
	matching_book *book = matching_book_init(run->book, (uint32_t) run->orders, run->rule->own_trades);

	for (size_t i = 0; i < run->orders; i++)
	{
		uint32_t	position = run->arrived[i];
		const matching_order *order = &run->order[position];
		matching_book_order incoming = {order->order_id, order->energy, order->price, order->actor, position,
		order->side, MATCHING_LIMIT, order->any_price};
		int64_t		rests;
		int64_t		dropped;

		if (matching_book_insert(book, &incoming, one_by_one_report, run, &rests, &dropped) != MATCHING_OK)
			return MATCHING_BROKEN;
	}
	return MATCHING_OK;
}

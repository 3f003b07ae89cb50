/*
 * continuous.c: a continuous market's orders and cancellations, one after the other.
 *
 * They go by sequence_no: it is drawn under the market's lock, and whoever works them off
 * has that lock alone, so none comes later with one that is lower.
 * What a run makes of the first n events is therefore the beginning of what the next
 * makes of more, and only what is new has to be written.
 *
 * Time is what the events say: it goes on with the latest of them, and an order whose
 * own end it has reached leaves the book before the next event is looked at.
 */
#include "postgres.h"
#include "compat.h"

#include "common/cryptohash.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"

#include "core/matching_book.h"
#include "core/sha256.h"
#include "market/outcome.h"

#define CONTINUOUS_HASH_TAG "pg_energyledger market events 1\n"

typedef struct Expiry
{
	int64		at_us;
	uint32		position;
} Expiry;

typedef struct Continuous
{
	Book	   *book;
	Outcome    *out;
	matching_book *matching;
	uint32		trades_size;
	Expiry	   *expiry;			/* of orders with an end of their own, the earliest first */
	uint32		expiries;
	uint32		expired;		/* of these, looked at */
	int64		now_us;			/* latest time of an event so far */
	uint32		next;			/* position of the next order */
} Continuous;

static void
continuous_trade(Continuous *c, uint32 incoming, uint32 resting, int64 energy, int64 price)
{
	MatchResult *result = &c->out->result;
	bool		bid = c->book->in->order[incoming].side == MATCHING_BID;

	if (result->trades == c->trades_size)
	{
		c->trades_size = Max(1024, 2 * c->trades_size);
		result->trade = result->trade == NULL ? palloc_extended(c->trades_size * sizeof(MatchTrade), MCXT_ALLOC_HUGE) :
			repalloc_huge(result->trade, c->trades_size * sizeof(MatchTrade));
	}
	result->trade[result->trades++] = (MatchTrade) {.bid = bid ? incoming : resting,.ask = bid ? resting : incoming,
		.energy = energy,.price = price,.buyer_price = price,.phase = MATCH_PHASE_MAIN
	};
	result->volume += energy;
}

/* The tag of an order in the book is its position. */
static void
continuous_report(void *to, const matching_book_order *incoming, const matching_book_event *event)
{
	Continuous *c = to;

	if (!event->netted)
	{
		continuous_trade(c, incoming->tag, event->resting_tag, event->energy, event->price);
		return;
	}
	outcome_lapse(c->out, incoming->tag, LAPSE_NETTED, event->energy);
	outcome_lapse(c->out, event->resting_tag, LAPSE_NETTED, event->energy);
	c->out->result.netted_volume += event->energy;
}

static void
continuous_take_out(Continuous *c, int64 order_id, LapseReason reason, uint32 position)
{
	int64		left;

	if (matching_book_cancel(c->matching, order_id, &left) == MATCHING_OK)
		outcome_lapse(c->out, position, reason, left);
}

/* Time goes on; it is not put back. */
static void
continuous_until(Continuous *c, int64 at_us)
{
	c->now_us = Max(c->now_us, at_us);
	while (c->expired < c->expiries && c->expiry[c->expired].at_us <= c->now_us)
	{
		uint32		position = c->expiry[c->expired++].position;

		/* one that is still to come is looked at when it does */
		if (position < c->next)
			continuous_take_out(c, c->book->in->order[position].order_id, LAPSE_EXPIRED, position);
	}
}

static void
continuous_order(Continuous *c)
{
	uint32		position = c->next++;
	const matching_order *order = &c->book->in->order[position];
	const BookOrder *extra = &c->book->order[position];
	matching_book_order incoming = {.order_id = order->order_id,.energy = order->energy,.price = order->price,
		.actor = order->actor,.tag = position,.side = order->side,.kind = extra->kind,.any_price = order->any_price
	};
	matching_result status;
	int64		rests;
	int64		dropped;

	continuous_until(c, extra->received_us);
	if (extra->valid_until_us <= c->now_us)
	{
		outcome_lapse(c->out, position, LAPSE_EXPIRED, order->energy);
		return;
	}
	status = matching_book_insert(c->matching, &incoming, continuous_report, c, &rests, &dropped);
	if (status != MATCHING_OK)
		elog(ERROR, "order %lld ended with result %d", (long long) order->order_id, (int) status);
	if (dropped > 0)
		outcome_lapse(c->out, position, LAPSE_DROPPED, dropped);
}

/* Where an order stands: they are sorted by sequence_no, their arrival. */
static uint32
continuous_position(const Book *book, int64 sequence_no)
{
	uint32		low = 0;
	uint32		high = book->in->count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (book->in->order[middle].arrival < sequence_no)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
continuous_run(Continuous *c)
{
	uint32		cancel = 0;

	while (c->next < c->book->in->count || cancel < c->book->cancels)
	{
		CHECK_FOR_INTERRUPTS();
		if (cancel == c->book->cancels ||
			(c->next < c->book->in->count && c->book->in->order[c->next].arrival < c->book->cancel[cancel].sequence_no))
			continuous_order(c);
		else
		{
			const BookCancel *x = &c->book->cancel[cancel++];
			uint32		position = continuous_position(c->book, x->order_no);

			continuous_until(c, x->received_us);
			if (position < c->next)
				continuous_take_out(c, c->book->in->order[position].order_id, LAPSE_CANCELLED, position);
		}
	}
}

static int
continuous_compare_expiry(const void *a, const void *b)
{
	const Expiry *x = a;
	const Expiry *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

static void
continuous_sort_expiries(Continuous *c)
{
	uint32		count = c->book->in->count;

	c->expiry = palloc_extended(sizeof(Expiry) * (count + 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < count; i++)
	{
		if (c->book->order[i].valid_until_us != PG_INT64_MAX)
			c->expiry[c->expiries++] = (Expiry) {c->book->order[i].valid_until_us, i};
	}
	qsort(c->expiry, c->expiries, sizeof(Expiry), continuous_compare_expiry);
}

static pg_noinline void
continuous_broken(const Book *book, uint32 position, const char *what)
{
	elog(ERROR, "order %lld %s: nothing is written", (long long) book->in->order[position].order_id, what);
}

/* Takes energy off what an order has left, which starts as its own. */
static void
continuous_take_off(const Book *book, int64 *left, uint32 position, int64 energy)
{
	left[position] -= energy;
	if (energy <= 0 || left[position] < 0)
		continuous_broken(book, position, "would trade or lose more than its energy");
}

/*
 * The outcome by itself, whatever made it: no order gives more than it has, none trades
 * beyond its limit, nor with itself.  A trade's energy and price are one for both sides.
 */
static void
continuous_check(const Continuous *c, bool own_trades)
{
	const Book *book = c->book;
	int64	   *left = palloc_extended(sizeof(int64) * (book->in->count + 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < book->in->count; i++)
		left[i] = book->in->order[i].energy;
	for (uint32 i = 0; i < c->out->result.trades; i++)
	{
		const MatchTrade *t = &c->out->result.trade[i];
		const matching_order *bid = &book->in->order[t->bid];
		const matching_order *ask = &book->in->order[t->ask];

		continuous_take_off(book, left, t->bid, t->energy);
		continuous_take_off(book, left, t->ask, t->energy);
		if (bid->side != MATCHING_BID || (!bid->any_price && t->price > bid->price))
			continuous_broken(book, t->bid, "would buy beyond its limit");
		if (ask->side != MATCHING_ASK || (!ask->any_price && t->price < ask->price))
			continuous_broken(book, t->ask, "would sell beyond its limit");
		if (!own_trades && bid->actor == ask->actor && bid->actor != MATCHING_NOBODY)
			continuous_broken(book, t->bid, "would trade with itself");
	}
	for (uint32 i = 0; i < c->out->lapses; i++)
		continuous_take_off(book, left, c->out->lapse[i].position, c->out->lapse[i].energy);
	pfree(left);
}

static void
continuous_hash_number(StringInfo to, int64 value)
{
	uint64		big = pg_hton64((uint64) value);

	appendBinaryStringInfo(to, (const char *) &big, sizeof(big));
}

/*
 * The orders' hash, and what it does not know: their kinds and ends, and the
 * cancellations.  doc/market.md has the bytes.
 */
static void
continuous_hash(Book *book, Jsonb *options, uint8 out[SHA256_LEN])
{
	StringInfoData text;
	uint8		orders[SHA256_LEN];
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	match_input_hash(book->in, "continuous", options, orders);
	initStringInfo(&text);
	appendBinaryStringInfo(&text, CONTINUOUS_HASH_TAG, strlen(CONTINUOUS_HASH_TAG));
	appendBinaryStringInfo(&text, (const char *) orders, sizeof(orders));
	if (ctx == NULL || pg_cryptohash_init(ctx) < 0)
		elog(ERROR, "could not begin a hash");
	for (uint32 i = 0; i < book->in->count + book->cancels; i++)
	{
		if (i < book->in->count)
		{
			appendStringInfoChar(&text, (char) book->order[i].kind);
			continuous_hash_number(&text, book->order[i].received_us);
			continuous_hash_number(&text, book->order[i].valid_until_us);
		}
		else
		{
			const BookCancel *x = &book->cancel[i - book->in->count];

			continuous_hash_number(&text, x->sequence_no);
			continuous_hash_number(&text, x->order_no);
			continuous_hash_number(&text, x->received_us);
		}
		if (text.len >= 65536)
		{
			if (pg_cryptohash_update(ctx, (uint8 *) text.data, text.len) < 0)
				elog(ERROR, "could not hash");
			resetStringInfo(&text);
		}
	}
	if (pg_cryptohash_update(ctx, (uint8 *) text.data, text.len) < 0 || pg_cryptohash_final(ctx, out, SHA256_LEN) < 0)
		elog(ERROR, "could not hash");
	pg_cryptohash_free(ctx);
}

Outcome *
outcome_of_events(Book *book, Jsonb *options)
{
	Continuous	c = {.book = book,.out = palloc0(sizeof(Outcome)),.now_us = PG_INT64_MIN};
	uint32		capacity = Max(book->in->count, 1);
	MatchRule	rule;

	match_rule_read(&rule, "continuous", options);
	c.matching = matching_book_init(palloc_extended(matching_book_size(capacity), MCXT_ALLOC_HUGE), capacity, rule.core.own_trades);
	continuous_sort_expiries(&c);
	continuous_run(&c);
	continuous_check(&c, rule.core.own_trades);
	continuous_hash(book, options, c.out->input_hash);
	return c.out;
}

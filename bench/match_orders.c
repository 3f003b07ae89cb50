/*
 * match_orders.c: how long matching takes, with nothing else to do.
 *
 *   match_orders clear ORDERS RUNS        pay as clear of ORDERS, half of them bids
 *   match_orders bid ORDERS RUNS          pay as bid
 *   match_orders book EVENTS RUNS         a continuous book, events a second
 *
 * Prints a line a run: ms for clear and bid; for book, events a second and how many
 * orders rest at the end.  It is the processor's time, as others may have the machine
 * meanwhile.  Orders are of a tenth as many actors, at
 * random prices of which about half cross, in random order with random ids; a tenth
 * has no limit.  Of a book's events three in ten are cancellations of orders that
 * rest or did; it is kept across all events of a run.  Prices lie around a middle, and
 * fewer than half of the orders reach over it, so that the book is deep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/matching.h"
#include "core/matching_book.h"

#define COUNT_MAX 10000000
#define RUNS_MAX 1000
#define PRICE_RANGE 400000		/* micro-currency per kWh: 40 cents */
#define BOOK_RECENT 100000		/* cancellations choose among so many orders */
#define BOOK_PRICES 4000

static uint64_t seed = 20111001;

static uint64_t
random_bits(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717)) >> 16;
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *
take(size_t size)
{
	void	   *memory = malloc(size);

	if (memory == NULL)
	{
		fprintf(stderr, "match_orders: out of memory\n");
		exit(1);
	}
	/* its pages are there before time is taken */
	memset(memory, 1, size);
	return memory;
}

static void
make_orders(matching_order *order, size_t count)
{
	memset(order, 0, count * sizeof(*order));
	for (size_t i = 0; i < count; i++)
	{
		order[i].order_id = (int64_t) (i * UINT64_C(2654435761) % 4294967296);	/* all different */
		order[i].arrival = (int64_t) (random_bits() % count);
		order[i].energy = 1 + (int64_t) (random_bits() % 5000);
		order[i].price = (int64_t) (random_bits() % PRICE_RANGE) - PRICE_RANGE / 8;
		order[i].actor = (uint32_t) (random_bits() % (count / 10 + 1));
		order[i].partner = MATCHING_NOBODY;
		order[i].side = i % 2 == 0 ? MATCHING_BID : MATCHING_ASK;
		order[i].any_price = random_bits() % 10 == 0;
	}
}

static void
bench_run(matching_method method, size_t count, long runs)
{
	matching_rule rule = {.method = method,.has_reference = true,.reference = PRICE_RANGE / 2};
	matching_order *order = take(count * sizeof(*order));
	void	   *memory = take(matching_memory_size(count, &rule));
	matching_outcome out;

	for (long r = 0; r < runs; r++)
	{
		double		start;

		make_orders(order, count);
		start = now_s();
		if (matching_run(order, count, &rule, memory, &out) != MATCHING_OK || out.trades == 0)
		{
			fprintf(stderr, "match_orders: no trades\n");
			exit(1);
		}
		printf("%.3f\n", (now_s() - start) * 1000);
	}
	free(memory);
	free(order);
}

static void
count_event(void *to, const matching_book_order *incoming, const matching_book_event *event)
{
	int64_t    *traded = to;

	*traded += event->energy;
}

static void
bench_book(size_t count, long runs)
{
	matching_book_order *event = take(count * sizeof(*event));
	void	   *memory = take(matching_book_size((uint32_t) count));

	for (long r = 0; r < runs; r++)
	{
		matching_book *book = matching_book_init(memory, (uint32_t) count, false);
		int64_t		traded = 0;
		double		start;

		for (size_t i = 0; i < count; i++)
			event[i] = (matching_book_order) {
			(int64_t) i + 1, 1 + (int64_t) (random_bits() % 5000), (int64_t) (random_bits() % BOOK_PRICES) * 100,
				(uint32_t) (random_bits() % 1000), 0, random_bits() & 1, MATCHING_LIMIT, false
		};
		/* asks begin higher by a third of the range */
		for (size_t i = 0; i < count; i++)
			event[i].price += event[i].side == MATCHING_ASK ? BOOK_PRICES * 100 / 3 : 0;
		start = now_s();
		for (size_t i = 0; i < count; i++)
		{
			int64_t		rests;
			int64_t		dropped;

			/* about three in ten, by bits of the order that is not made then */
			if ((event[i].energy * 7 + event[i].price / 100) % 10 < 3)
				matching_book_cancel(book, (int64_t) i - (int64_t) ((uint64_t) event[i].price * 31 % BOOK_RECENT), &rests);
			else if (matching_book_insert(book, &event[i], count_event, &traded, &rests, &dropped) != MATCHING_OK)
			{
				fprintf(stderr, "match_orders: an order was refused\n");
				exit(1);
			}
		}
		start = now_s() - start;
		printf("%.0f %u\n", count / start, matching_book_orders(book));
		if (traded == 0 || matching_book_orders(book) == 0)
		{
			fprintf(stderr, "match_orders: nothing traded, or nothing rests\n");
			exit(1);
		}
	}
	free(memory);
	free(event);
}

int
main(int argc, char **argv)
{
	long		count = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	long		runs = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

	if (count < 2 || count > COUNT_MAX || runs < 1 || runs > RUNS_MAX)
	{
		fprintf(stderr, "usage: match_orders clear|bid|book COUNT RUNS\n");
		return 1;
	}
	if (strcmp(argv[1], "clear") == 0)
		bench_run(MATCHING_PAY_AS_CLEAR, (size_t) count, runs);
	else if (strcmp(argv[1], "bid") == 0)
		bench_run(MATCHING_PAY_AS_BID, (size_t) count, runs);
	else if (strcmp(argv[1], "book") == 0)
		bench_book((size_t) count, runs);
	else
		return 1;
	return 0;
}

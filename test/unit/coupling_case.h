/*
 * coupling_case.h: a coupling put together by hand, for its tests: zones, steps and
 * lines in arrays of fixed size, solved in memory without a byte to spare.
 */
#ifndef COUPLING_CASE_H
#define COUPLING_CASE_H

#include "unit.h"

#include "core/coupling.h"

#define CASE_ZONES 24
#define CASE_LINES 64
#define CASE_STEPS 64

typedef struct coupling_case
{
	coupling_step supply[CASE_ZONES][CASE_STEPS];
	coupling_step demand[CASE_ZONES][CASE_STEPS];
	coupling_zone zone[CASE_ZONES];
	coupling_line line[CASE_LINES];
	coupling_problem problem;
	coupling_zone_result zone_result[CASE_ZONES];
	coupling_line_result line_result[CASE_LINES];
	coupling_total total;
} coupling_case;

/* Zones 0 to count - 1 without steps and fees, with ids 1 to count. */
static inline void
case_begin(coupling_case *c, int count)
{
	memset(c, 0, sizeof(*c));
	for (int i = 0; i < count; i++)
	{
		c->zone[i].id = i + 1;
		c->zone[i].supply = c->supply[i];
		c->zone[i].demand = c->demand[i];
	}
	c->problem.zone = c->zone;
	c->problem.zone_count = count;
	c->problem.line = c->line;
}

static inline void
case_ask(coupling_case *c, int zone, int64_t price, int64_t energy_wh)
{
	assert_true(c->zone[zone].supply_count < CASE_STEPS);
	c->supply[zone][c->zone[zone].supply_count++] = (coupling_step) {price, energy_wh};
}

static inline void
case_bid(coupling_case *c, int zone, int64_t price, int64_t energy_wh)
{
	assert_true(c->zone[zone].demand_count < CASE_STEPS);
	c->demand[zone][c->zone[zone].demand_count++] = (coupling_step) {price, energy_wh};
}

/* Lines have ids from 1 on. */
static inline void
case_line(coupling_case *c, int from, int to, int64_t forth_wh, int64_t back_wh, int64_t fee)
{
	size_t		at = c->problem.line_count++;

	assert_true(at < CASE_LINES);
	c->line[at] = (coupling_line) {(int64_t) at + 1, c->zone[from].id, c->zone[to].id, forth_wh, back_wh, fee};
}

static inline coupling_status
case_try(coupling_case *c)
{
	size_t		bytes = coupling_memory(&c->problem);
	void	   *memory = malloc(bytes > 0 ? bytes : 1);
	coupling_status status;

	assert_non_null(memory);
	memset(memory, 0xa5, bytes);
	status = coupling_solve(&c->problem, memory, c->zone_result, c->line_result, &c->total);
	free(memory);
	return status;
}

static inline void
case_solve(coupling_case *c)
{
	assert_int_equal(case_try(c), COUPLING_OK);
	assert_int_equal(coupling_check(&c->problem, c->zone_result, c->line_result, &c->total), COUPLING_SOUND);
}

static inline void
case_interval(const coupling_case *c, int zone, int64_t low, int64_t high)
{
	const coupling_zone_result *r = &c->zone_result[zone];

	assert_true(r->has_low && r->has_high && r->has_price);
	assert_int_equal(r->low_micro_per_kwh, low);
	assert_int_equal(r->high_micro_per_kwh, high);
}

static inline void
case_energy(const coupling_case *c, int zone, int64_t sold_wh, int64_t bought_wh)
{
	assert_int_equal(c->zone_result[zone].sold_wh, sold_wh);
	assert_int_equal(c->zone_result[zone].bought_wh, bought_wh);
}

#endif							/* COUPLING_CASE_H */

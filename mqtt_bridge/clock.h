/*
 * clock.h: the bridge's time: milliseconds that never jump.
 *
 * Deadlines and back-off are reckoned with the monotonic clock, so that a
 * clock set right by NTP neither fires nor stalls one.
 */
#ifndef BRIDGE_CLOCK_H
#define BRIDGE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is left until a deadline, for poll(): 0 where it has passed. */
static inline int
clock_left_ms(int64_t deadline_ms)
{
	int64_t		left = deadline_ms - clock_now_ms();

	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int) left;
}

#endif							/* BRIDGE_CLOCK_H */

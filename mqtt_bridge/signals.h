/*
 * signals.h: what the operator asks of the running bridge.
 *
 * SIGTERM and SIGINT ask it to drain and end, SIGUSR1 to log its counters.
 */
#ifndef BRIDGE_SIGNALS_H
#define BRIDGE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* False, with errno, where the pipe cannot be made. */
extern bool signals_install(void);

extern bool signals_stop(void);

/* True once for each time the counters were asked for. */
extern bool signals_take_stats(void);

/* Readable after a signal: belongs in every poll() that may last. */
extern int	signals_fd(void);
extern void signals_drain(void);

/* Sleep until deadline_ms, shorter where a signal comes. */
extern void signals_sleep_until(int64_t deadline_ms);

/*
 * Bound a blocking call: within seconds a SIGALRM makes it fail with EINTR.
 * 0 takes the bound away again.
 */
extern void signals_bound(unsigned seconds);

#endif							/* BRIDGE_SIGNALS_H */

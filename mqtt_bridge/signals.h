/*
 * signals.h: what the operator asks of the running bridge, and how threads
 * that wait hear of it.
 *
 * SIGTERM and SIGINT ask it to drain and end, SIGHUP to read its settings anew,
 * SIGUSR1 to log its counters.  They reach the main thread; each thread has a
 * file descriptor that becomes readable when there is something to look at.
 */
#ifndef BRIDGE_SIGNALS_H
#define BRIDGE_SIGNALS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* In the main thread, before any other.  False, with errno, without resources. */
extern bool signals_install(void);

/* Threads made between these two leave the operator's signals to the main one. */
extern void signals_block(void);
extern void signals_unblock(void);

extern bool signals_stop(void);

/* End as if SIGTERM had come: a shard found that going on makes no sense. */
extern void signals_ask_stop(void);

/* True once for each time it was asked for. */
extern bool signals_take_stats(void);
extern bool signals_take_reload(void);

/* ---- for threads that wait ---- */

/* This thread is woken by this descriptor (an eventfd) from now on. */
extern void signals_wake_by(int fd);

/* Make a thread's descriptor readable. */
extern void signals_wake(int fd);

/* End a system call of that thread that blocks. */
extern void signals_interrupt(pthread_t thread);

/* This thread's descriptor: belongs in every poll() that may last. */
extern int	signals_fd(void);
extern void signals_drain(void);

/* Sleep until deadline_ms, shorter where something is to be looked at. */
extern void signals_sleep_until(int64_t deadline_ms);

/*
 * Bound this thread's blocking calls: within seconds a SIGALRM makes them fail
 * with EINTR, again and again.  0 takes the bound away again.
 */
extern void signals_bound(unsigned seconds);

#endif							/* BRIDGE_SIGNALS_H */

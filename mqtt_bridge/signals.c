/*
 * signals.c: signals become flags and a byte in a descriptor that poll() watches.
 *
 * The handlers only set a flag and write to the main thread's pipe, so a signal
 * between a check and the poll is not slept over.  They are installed without
 * SA_RESTART: libmosquitto's connect() blocks, and an operator's SIGTERM has to
 * end it.  That and the bound on such a call are SIGALRMs sent to one thread.
 */
#define _GNU_SOURCE				/* pipe2, gettid */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* Older C libraries leave this name out. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define SIGNALS_BOUND_AGAIN_MS 250	/* in case the call had not begun yet */

static const int signals_asked[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

/* lock-free, so that handlers may write them and any thread read them */
static atomic_bool signals_stop_asked;
static atomic_bool signals_stats_asked;
static atomic_bool signals_reload_asked;
static int	signals_pipe[2] = {-1, -1};

static _Thread_local int signals_own_fd = -1;
static _Thread_local timer_t signals_timer;
static _Thread_local bool signals_timer_made;

static void
signals_handle(int signal_number)
{
	int			saved_errno = errno;

	if (signal_number == SIGUSR1)
		signals_stats_asked = true;
	else if (signal_number == SIGHUP)
		signals_reload_asked = true;
	else if (signal_number != SIGALRM)
		signals_stop_asked = true;
	/* A full pipe already wakes the poll. */
	if (signal_number != SIGALRM && write(signals_pipe[1], "", 1) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

static void
signals_mask(int how)
{
	sigset_t	set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals_asked) / sizeof(signals_asked[0]); i++)
		sigaddset(&set, signals_asked[i]);
	pthread_sigmask(how, &set, NULL);
}

bool
signals_install(void)
{
	struct sigaction action;

	if (pipe2(signals_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	signals_own_fd = signals_pipe[0];
	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = signals_handle;
	for (size_t i = 0; i < sizeof(signals_asked) / sizeof(signals_asked[0]); i++)
	{
		if (sigaction(signals_asked[i], &action, NULL) != 0)
			return false;
	}
	if (sigaction(SIGALRM, &action, NULL) != 0)
		return false;
	/* A peer that went away is an error of write(), not our end. */
	action.sa_handler = SIG_IGN;
	return sigaction(SIGPIPE, &action, NULL) == 0;
}

void
signals_block(void)
{
	signals_mask(SIG_BLOCK);
}

void
signals_unblock(void)
{
	signals_mask(SIG_UNBLOCK);
}

bool
signals_stop(void)
{
	return signals_stop_asked;
}

void
signals_ask_stop(void)
{
	signals_stop_asked = true;
	signals_wake(signals_pipe[1]);
}

bool
signals_take_stats(void)
{
	return atomic_exchange(&signals_stats_asked, false);
}

bool
signals_take_reload(void)
{
	return atomic_exchange(&signals_reload_asked, false);
}

void
signals_wake_by(int fd)
{
	signals_own_fd = fd;
}

void
signals_wake(int fd)
{
	uint64_t	one = 1;

	/* What cannot be written to is readable already. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

void
signals_interrupt(pthread_t thread)
{
	pthread_kill(thread, SIGALRM);
}

int
signals_fd(void)
{
	return signals_own_fd;
}

void
signals_drain(void)
{
	char		byte[64];

	while (read(signals_own_fd, byte, sizeof(byte)) > 0)
		;
}

void
signals_sleep_until(int64_t deadline_ms)
{
	struct pollfd p = {.fd = signals_own_fd,.events = POLLIN};

	if (poll(&p, 1, clock_left_ms(deadline_ms)) > 0)
		signals_drain();
}

void
signals_bound(unsigned seconds)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = seconds},
		.it_interval = {.tv_nsec = SIGNALS_BOUND_AGAIN_MS * 1000000L}
	};
	struct sigevent to_me;

	if (signals_timer_made)
		timer_delete(signals_timer);
	signals_timer_made = false;
	if (seconds == 0)
		return;
	memset(&to_me, 0, sizeof(to_me));
	to_me.sigev_notify = SIGEV_THREAD_ID;
	to_me.sigev_signo = SIGALRM;
	to_me.sigev_notify_thread_id = gettid();
	/* Without a timer the system's own limit for connect() applies. */
	if (timer_create(CLOCK_MONOTONIC, &to_me, &signals_timer) != 0)
		return;
	signals_timer_made = true;
	timer_settime(signals_timer, 0, &when, NULL);
}

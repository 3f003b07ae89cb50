/*
 * signals.c: signals become flags and one byte in a pipe.
 *
 * The handlers only set a flag and write to a pipe that every poll() watches,
 * so a signal between a check and the poll is not slept over.  They are
 * installed without SA_RESTART: libmosquitto's connect() blocks, and an
 * operator's SIGTERM has to end it.
 */
#define _GNU_SOURCE				/* pipe2 */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

static volatile sig_atomic_t signals_stop_asked;
static volatile sig_atomic_t signals_stats_asked;
static int	signals_pipe[2] = {-1, -1};

static void
signals_handle(int signal_number)
{
	int			saved_errno = errno;

	if (signal_number == SIGUSR1)
		signals_stats_asked = 1;
	else if (signal_number != SIGALRM)
		signals_stop_asked = 1;
	/* A full pipe already wakes the poll. */
	if (write(signals_pipe[1], "", 1) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

bool
signals_install(void)
{
	static const int handled[] = {SIGTERM, SIGINT, SIGUSR1, SIGALRM};
	struct sigaction action;

	if (pipe2(signals_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	memset(&action, 0, sizeof(action));
	sigemptyset(&action.sa_mask);
	action.sa_handler = signals_handle;
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
	{
		if (sigaction(handled[i], &action, NULL) != 0)
			return false;
	}
	/* A peer that went away is an error of write(), not our end. */
	action.sa_handler = SIG_IGN;
	return sigaction(SIGPIPE, &action, NULL) == 0;
}

bool
signals_stop(void)
{
	return signals_stop_asked != 0;
}

bool
signals_take_stats(void)
{
	bool		asked = signals_stats_asked != 0;

	signals_stats_asked = 0;
	return asked;
}

int
signals_fd(void)
{
	return signals_pipe[0];
}

void
signals_drain(void)
{
	char		byte[64];

	while (read(signals_pipe[0], byte, sizeof(byte)) > 0)
		;
}

void
signals_sleep_until(int64_t deadline_ms)
{
	struct pollfd p = {.fd = signals_pipe[0],.events = POLLIN};

	if (poll(&p, 1, clock_left_ms(deadline_ms)) > 0)
		signals_drain();
}

void
signals_bound(unsigned seconds)
{
	alarm(seconds);
}

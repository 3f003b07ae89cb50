/*
 * notify.c: datagrams to the service manager.
 *
 * The protocol is an environment variable and a few words on a socket
 * (sd_notify(3)), less than the library that speaks it would bring in.  Nothing here
 * waits: a manager that does not listen must not hold the meters up.
 */
#include "notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define NOTIFY_STATUS_BYTES_MAX 256

static int	notify_fd = -1;
static struct sockaddr_un notify_to;
static socklen_t notify_to_len;
static int64_t notify_watchdog_every_ms;	/* 0: not asked for */
static int64_t notify_watchdog_sent_ms;
static char notify_said[NOTIFY_STATUS_BYTES_MAX];

/* Only where it was meant for this process. */
static void
notify_init_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return;
	notify_watchdog_every_ms = strtoll(usec, NULL, 10) / 2000;
	if (notify_watchdog_every_ms < 1)
		notify_watchdog_every_ms = 0;
}

void
notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t		len = path != NULL ? strlen(path) : 0;

	/* A path, or a name in Linux's abstract space, which begins with @. */
	if (len < 2 || len >= sizeof(notify_to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	notify_to.sun_family = AF_UNIX;
	memcpy(notify_to.sun_path, path, len);
	if (path[0] == '@')
		notify_to.sun_path[0] = '\0';
	notify_to_len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd >= 0)
		notify_init_watchdog();
}

static void
notify_send(const char *text)
{
	/* Who cannot hear us is not our fault, and nothing depends on it here. */
	if (notify_fd >= 0 &&
		sendto(notify_fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *) &notify_to, notify_to_len) < 0)
		return;
}

void
notify_ready(void)
{
	notify_send("READY=1");
}

/* The time tells the manager which of its wishes this answers. */
void
notify_reloading(void)
{
	char		text[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
			 (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify_send(text);
}

void
notify_stopping(void)
{
	notify_send("STOPPING=1");
}

void
notify_status(const char *status)
{
	char		text[NOTIFY_STATUS_BYTES_MAX + 16];

	if (strcmp(status, notify_said) == 0)
		return;
	snprintf(notify_said, sizeof(notify_said), "%s", status);
	snprintf(text, sizeof(text), "STATUS=%s", notify_said);
	notify_send(text);
}

void
notify_watchdog(void)
{
	int64_t		now_ms = clock_now_ms();

	if (notify_watchdog_every_ms == 0 ||
		(notify_watchdog_sent_ms != 0 && now_ms - notify_watchdog_sent_ms < notify_watchdog_every_ms))
		return;
	notify_watchdog_sent_ms = now_ms;
	notify_send("WATCHDOG=1");
}

int
notify_watchdog_ms(void)
{
	if (notify_watchdog_every_ms == 0)
		return -1;
	return notify_watchdog_every_ms > 60000 ? 60000 : (int) notify_watchdog_every_ms;
}

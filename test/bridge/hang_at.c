/*
 * hang_at.c: loaded into a bridge before its libraries: one shard's thread hangs for as
 * long as a file is there, the others go on.
 *
 *     HANG_SHARD   whose: a level of its subscription
 *     HANG_FILE    hangs while it exists, from the next message on
 *
 * While it hangs, the process's clock runs 30 times as fast, up to two minutes, so that a test does
 * not have to wait for as long as a shard may really take.  It never goes back.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100
#define TICK_RUN_MS 3000
#define RUN_MS_MAX 120000

static struct mosquitto *hang_in;	/* that shard's connection */
static _Atomic long hang_ahead_ms;

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int
clock_gettime(clockid_t id, struct timespec *t)
{
	static __typeof__(&clock_gettime) real;
	long		ahead_ms = hang_ahead_ms;
	int			rc;

	if (real == NULL)
		real = REAL(clock_gettime);
	rc = real(id, t);
	if (rc == 0 && id == CLOCK_MONOTONIC)
	{
		t->tv_sec += ahead_ms / 1000;
		t->tv_nsec += ahead_ms % 1000 * 1000000;
		if (t->tv_nsec >= 1000000000)
		{
			t->tv_nsec -= 1000000000;
			t->tv_sec++;
		}
	}
	return rc;
}

int
mosquitto_subscribe_v5(struct mosquitto *m, int *mid, const char *sub, int qos, int options, const mosquitto_property *p)
{
	const char *shard = getenv("HANG_SHARD");
	char		level[100];

	snprintf(level, sizeof(level), "/%s/+/up/", shard != NULL ? shard : "");
	if (shard != NULL && strstr(sub, level) != NULL)
		hang_in = m;
	return REAL(mosquitto_subscribe_v5) (m, mid, sub, qos, options, p);
}

int
mosquitto_loop_read(struct mosquitto *m, int max)
{
	const char *file = getenv("HANG_FILE");

	/* whatever signal comes */
	while (m == hang_in && file != NULL && access(file, F_OK) == 0)
	{
		usleep(TICK_MS * 1000);
		if (hang_ahead_ms < RUN_MS_MAX)
			hang_ahead_ms += TICK_RUN_MS;
	}
	return REAL(mosquitto_loop_read) (m, max);
}

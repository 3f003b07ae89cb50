/*
 * die_at.c: loaded into a bridge before its libraries: at a chosen step of a message's
 * way, a chosen process is killed with -9.
 *
 *     DIE_STEP    one of the names below
 *     DIE_COUNT   at its so-manieth time
 *     DIE_PID     whom; 0 or absent: the bridge itself
 *     DIE_MARK    file made before, so that whoever watches knows
 *
 * The bridge itself is the one that is installed; what it calls is only watched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int die_seen;
static struct mosquitto *die_in;	/* the connection that messages come by */
static _Thread_local const char *die_asked; /* what the database was asked last */

static void
die_here(const char *step)
{
	const char *wanted = getenv("DIE_STEP");
	const char *count = getenv("DIE_COUNT");
	const char *pid = getenv("DIE_PID");
	const char *mark = getenv("DIE_MARK");
	int			fd;

	if (wanted == NULL || count == NULL || mark == NULL || strcmp(step, wanted) != 0 || ++die_seen != atoi(count))
		return;
	fd = open(mark, O_CREAT | O_WRONLY, 0644);
	if (fd >= 0)
		close(fd);
	kill(pid != NULL && atoi(pid) > 0 ? atoi(pid) : getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int
mosquitto_subscribe_v5(struct mosquitto *m, int *mid, const char *sub, int qos, int options, const mosquitto_property *p)
{
	if (strncmp(sub, "el/v1/", 6) == 0)
		die_in = m;
	return REAL(mosquitto_subscribe_v5) (m, mid, sub, qos, options, p);
}

int
mosquitto_loop_read(struct mosquitto *m, int max)
{
	int			rc = REAL(mosquitto_loop_read) (m, max);

	if (m == die_in)
		die_here("received");
	return rc;
}

int
mosquitto_loop_write(struct mosquitto *m, int max)
{
	bool		acknowledges = m == die_in && mosquitto_want_write(m);
	int			rc;

	if (acknowledges)
		die_here("acknowledge");
	rc = REAL(mosquitto_loop_write) (m, max);
	if (acknowledges)
		die_here("acknowledged");
	return rc;
}

int
mosquitto_publish_v5(struct mosquitto *m, int *mid, const char *topic, int len, const void *payload, int qos,
					 bool retain, const mosquitto_property *p)
{
	bool		receipt = strstr(topic, "/down/receipt") != NULL;
	int			rc;

	if (receipt)
		die_here("receipt");
	rc = REAL(mosquitto_publish_v5) (m, mid, topic, len, payload, qos, retain, p);
	if (receipt)
		die_here("receipt-queued");
	return rc;
}

int
PQsendQuery(PGconn *c, const char *sql)
{
	int			rc;

	die_asked = strncmp(sql, "BEGIN", 5) == 0 ? "begin" : strcmp(sql, "COMMIT") == 0 ? "commit" : NULL;
	if (die_asked != NULL)
		die_here(die_asked);
	rc = REAL(PQsendQuery) (c, sql);
	PQflush(c);
	if (die_asked != NULL)
		die_here(strcmp(die_asked, "commit") == 0 ? "commit-sent" : "begin-sent");
	return rc;
}

int
PQsendQueryParams(PGconn *c, const char *sql, int n, const Oid *types, const char *const *values, const int *lengths,
				  const int *formats, int result)
{
	int			rc = REAL(PQsendQueryParams) (c, sql, n, types, values, lengths, formats, result);

	die_asked = strstr(sql, "ingest(") != NULL ? "ingest" : strstr(sql, "meter_receipts(") != NULL ? "receipts" : NULL;
	if (die_asked != NULL)
		die_here(strcmp(die_asked, "ingest") == 0 ? "ingest-sent" : "receipts-sent");
	return rc;
}

PGresult *
PQgetResult(PGconn *c)
{
	PGresult   *r = REAL(PQgetResult) (c);

	if (r != NULL && die_asked != NULL)
	{
		const char *asked = die_asked;

		die_asked = NULL;
		if (strcmp(asked, "ingest") == 0)
			die_here("ingested");
		else if (strcmp(asked, "commit") == 0)
			die_here("committed");
	}
	return r;
}

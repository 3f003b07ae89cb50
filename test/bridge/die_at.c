/*
 * die_at.c: loaded into bridge, PostgreSQL and meters before their libraries: at a chosen
 * step of a message's way, a chosen process is killed with -9.
 *
 *     DIE_FILE   "number step count pid": at the so-manieth time that the process gets to
 *                this step since the number changed, pid is killed.  The file's name
 *                gets ".struck" first, so that whoever watches knows, and nobody else strikes.
 *
 * The programs are those that are installed; what they call is only watched.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <limits.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int die_seen;
static atomic_int die_number;
static struct mosquitto *die_in;	/* the connection that messages come by */
static _Thread_local const char *die_asked; /* what the database was asked last */
static bool die_verified;		/* a server process: it has to do with messages */
static _Thread_local bool die_storing;	/* in a transaction that stores messages */

static void
die_here(const char *step)
{
	const char *path = getenv("DIE_FILE");
	char		text[100] = "";
	char		wanted[32];
	char		struck[PATH_MAX];
	int			number;
	int			count;
	int			pid;
	int			fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	if (sscanf(text, "%d %31s %d %d", &number, wanted, &count, &pid) != 4 || strcmp(step, wanted) != 0)
		return;
	if (atomic_exchange(&die_number, number) != number)
		die_seen = 0;
	snprintf(struck, sizeof(struck), "%s.struck", path);
	if (++die_seen >= count && rename(path, struck) == 0)
		kill(pid, SIGKILL);
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
	bool		message = strstr(topic, "/up/reading") != NULL;
	bool		command = strstr(topic, "/down/cmd") != NULL;
	int			rc;

	if (receipt)
		die_here("receipt");
	if (message)
		die_here("publish");
	rc = REAL(mosquitto_publish_v5) (m, mid, topic, len, payload, qos, retain, p);
	if (receipt)
		die_here("receipt-queued");
	if (message)
		die_here("published");
	if (command)
		die_here("command-queued");
	return rc;
}

int
PQsendQuery(PGconn *c, const char *sql)
{
	bool		begins = strncmp(sql, "BEGIN ISOLATION", 15) == 0;	/* to store messages */
	int			rc;

	die_asked = begins ? "begin" : die_storing && strcmp(sql, "COMMIT") == 0 ? "commit" : NULL;
	die_storing = begins;
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
	bool		recording = strstr(sql, "commands_published(") != NULL;
	int			rc;

	/* the broker has them, the database does not know */
	if (recording)
		die_here("commands-taken");
	rc = REAL(PQsendQueryParams) (c, sql, n, types, values, lengths, formats, result);

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

/* ---------------------------------------------------------------- in PostgreSQL */

static bool die_in_server;

/* Before it writes what it is doing over its name. */
static void __attribute__((constructor))
die_loaded(void)
{
	die_in_server = strcmp(program_invocation_short_name, "postgres") == 0;
}

int
crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *m, unsigned long long len, const unsigned char *key)
{
	int			rc;

	if (die_in_server)
		die_here("parse");
	rc = REAL(crypto_sign_verify_detached) (signature, m, len, key);
	die_verified = die_in_server;
	if (die_verified)
		die_here("parsed");
	return rc;
}

/* A table grows: rows are being written. */
static void
die_write(int fd)
{
	char		link[40];
	char		path[PATH_MAX];
	ssize_t		len;
	int			kept = errno;

	if (!die_verified)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	if (strstr(path, "/base/") != NULL)
		die_here("insert");
	errno = kept;
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	die_write(fd);
	return REAL(pwrite) (fd, data, len, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	die_write(fd);
	return REAL(pwrite64) (fd, data, len, at);
}

ssize_t
pwritev64(int fd, const struct iovec *data, int count, off64_t at)
{
	die_write(fd);
	return REAL(pwritev64) (fd, data, count, at);
}

/* WAL, at COMMIT. */
int
fdatasync(int fd)
{
	int			rc;

	if (die_verified)
		die_here("flush");
	rc = REAL(fdatasync) (fd);
	if (die_verified)
		die_here("flushed");
	return rc;
}

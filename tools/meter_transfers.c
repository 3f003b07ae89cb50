/*
 * meter_transfers.c: what meters say of certificates, read from a file.
 *
 * A line is a meter's name, a blank and a transfer's body as JSON; empty lines and lines
 * that begin with # say nothing.  A meter signs its lines in their order, after its
 * readings, since certificates are issued from these.  How many it has signed is kept on
 * disk with its counters: what is added to the file is signed by the next run, and
 * nothing twice.
 *
 * The whole file is judged before anything is signed, by the reader that the ledger has.
 */
#define _GNU_SOURCE				/* getline */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

#define TRANSFERS_MAX 1000000	/* lines of one file */

struct meter_transfer
{
	struct meter_transfer *next;	/* of the same meter */
	payload_transfer said;		/* as far as its ranges go */
};

/* Where the next line of each meter is to be hung. */
typedef struct transfers_reader
{
	meter_fleet *fleet;
	const char *file;
	int64_t		line;
	int64_t		count;
	meter_transfer **last;		/* by the meter's place in the fleet */
} transfers_reader;

static bool
transfers_add(transfers_reader *r, meter *m, const payload_transfer *said)
{
	meter_transfer *t = calloc(1, offsetof(meter_transfer, said) + payload_transfer_size(said));
	meter_transfer **last = &r->last[m - r->fleet->meters];

	if (t == NULL || r->count == TRANSFERS_MAX)
	{
		free(t);
		meter_error("\"%s\", line %lld: more than fits (%d lines at most)", r->file, (long long) r->line, TRANSFERS_MAX);
		return false;
	}
	memcpy(&t->said, said, payload_transfer_size(said));
	if (*last == NULL)
		m->transfer = t;
	else
		(*last)->next = t;
	*last = t;
	r->count++;
	return true;
}

static bool
transfers_take_line(transfers_reader *r, char *line, size_t len)
{
	static payload_transfer said;	/* tens of kilobytes: not on the stack */
	char	   *blank = memchr(line, ' ', len);
	meter	   *m;
	refusal		why;

	if (len == 0 || line[0] == '#')
		return true;
	if (blank == NULL || memchr(line, '\0', len) != NULL)
	{
		meter_error("\"%s\", line %lld: not a meter's name, a blank and a body", r->file, (long long) r->line);
		return false;
	}
	*blank = '\0';
	m = meter_fleet_find(r->fleet, line);
	if (m == NULL)
	{
		meter_error("\"%s\", line %lld: this run does not play a meter \"%s\"", r->file, (long long) r->line, line);
		return false;
	}
	why = payload_transfer_parse(blank + 1, len - (size_t) (blank + 1 - line), &said);
	if (why != REFUSAL_NONE)
	{
		meter_error("\"%s\", line %lld: the body would be refused: %s", r->file, (long long) r->line, refusal_name(why));
		return false;
	}
	return transfers_add(r, m, &said);
}

bool
meter_transfers_read(meter_fleet *f, const char *file)
{
	transfers_reader r = {.fleet = f,.file = file,.last = calloc((size_t) f->count, sizeof(*r.last))};
	FILE	   *in = r.last == NULL ? NULL : fopen(file, "r");
	char	   *line = NULL;
	size_t		room = 0;
	ssize_t		len;
	bool		sound = in != NULL;

	while (sound && (len = getline(&line, &room, in)) >= 0)
	{
		r.line++;
		if (len > 0 && line[len - 1] == '\n')
			len--;
		sound = transfers_take_line(&r, line, (size_t) len);
	}
	if (in == NULL || (sound && !feof(in)))
	{
		meter_error("could not read \"%s\": %s", file, strerror(errno));
		sound = false;
	}
	free(line);
	free(r.last);
	if (in != NULL)
		fclose(in);
	return sound;
}

bool
meter_transfers_next(meter *m, payload *p)
{
	while (m->transfer != NULL && m->transfers_passed < m->transferred)
	{
		m->transfer = m->transfer->next;
		m->transfers_passed++;
	}
	if (m->transfer == NULL)
		return false;
	p->type = PAYLOAD_TRANSFER;
	p->reading_count = 0;
	memcpy(&p->transfer, &m->transfer->said, payload_transfer_size(&m->transfer->said));
	m->transferred++;
	return true;
}

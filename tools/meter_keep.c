/*
 * meter_keep.c: what was signed is kept until a receipt covers it.
 *
 * The broker's acknowledgement lets nothing go: only the site's signed receipt
 * does, and only for the bytes it names by their digest.  Messages hang on two
 * lists: one of all, in the order of last sending (the head is what to send
 * again), and one for each meter in the order of its counter (what a cumulative
 * receipt takes from the front).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter.h"
#include "meter_journal.h"
#include "meter_orders.h"

static void
list_append(meter_keep *k, kept *e)
{
	e->earlier = k->last;
	e->later = NULL;
	if (k->last != NULL)
		k->last->later = e;
	else
		k->first = e;
	k->last = e;
}

static void
list_remove(meter_keep *k, kept *e)
{
	if (e->earlier != NULL)
		e->earlier->later = e->later;
	else
		k->first = e->later;
	if (e->later != NULL)
		e->later->earlier = e->earlier;
	else
		k->last = e->earlier;
}

/* Hang a message on both lists, without a word to the disk. */
static kept *
keep_hang(meter_keep *k, meter *m, uint32_t epoch, uint64_t seq, const uint8_t *data, size_t len, meter_leaf leaf)
{
	kept	   *e = malloc(sizeof(kept) + len);

	if (e == NULL)
	{
		meter_error("out of memory");
		exit(1);
	}
	memset(e, 0, sizeof(kept));
	e->whose = m;
	e->epoch = epoch;
	e->seq = seq;
	e->leaf = leaf;
	e->sent_ms = KEPT_UNSENT;
	e->len = (uint32_t) len;
	memcpy(e->data, data, len);
	sha256_of(data, len, e->digest);
	list_append(k, e);
	if (m->newest != NULL)
		m->newest->next_of_meter = e;
	else
		m->oldest = e;
	m->newest = e;
	k->count++;
	return e;
}

/* Let go of m's messages of an epoch up to seq; the count of them. */
static int64_t
keep_let_go(meter_keep *k, meter *m, uint32_t epoch, uint64_t seq)
{
	int64_t		let_go = 0;

	while (m->oldest != NULL && m->oldest->epoch == epoch && m->oldest->seq <= seq)
	{
		kept	   *e = m->oldest;

		m->oldest = e->next_of_meter;
		if (m->oldest == NULL)
			m->newest = NULL;
		list_remove(k, e);
		free(e);
		k->count--;
		let_go++;
	}
	return let_go;
}

/* One record of an earlier run's journal. */
static bool
keep_replay(void *context, const journal_record *r)
{
	keep_reader *reader = context;
	meter	   *m = meter_fleet_find(reader->fleet, r->meter);

	if (m == NULL)
	{
		meter_error("the state kept on disk is of meter \"%s\", which this run does not play", r->meter);
		return false;
	}
	switch (r->type)
	{
		case JOURNAL_ORDERS:
			if (r->orders_len > 0 && !meter_orders_read(meter_orders_of(m), r->orders, r->orders_len))
			{
				meter_error("what meter \"%s\" was told cannot be read from the state on disk", r->meter);
				return false;
			}
			if (r->message_len == 0)
				return true;
			/* FALLTHROUGH */
		case JOURNAL_MESSAGE:
			keep_hang(reader->keep, m, r->epoch, r->seq, r->message, r->message_len, r->leaf);
			sha256_of(r->message, r->message_len, m->last_digest);
			break;
		case JOURNAL_RECEIPT:
			keep_let_go(reader->keep, m, r->epoch, r->seq);
			return true;
		case JOURNAL_HEAD:
			memcpy(m->last_digest, r->digest, sizeof(m->last_digest));
			break;
	}
	m->epoch = r->epoch;
	m->last_seq = r->seq;
	m->measured_to_ms = r->measured_to_ms;
	m->ordered_to_ms = r->ordered_to_ms;
	m->transferred = r->transferred;
	return true;
}

/* What is still kept, then where each meter stands: all that a next run needs. */
static bool
keep_write_compact(meter_keep *k, meter_fleet *f, int fd)
{
	for (kept *e = k->first; e != NULL; e = e->later)
	{
		if (!journal_write_message(fd, e->whose, e->epoch, e->seq, e->data, e->len, e->leaf))
			return false;
	}
	/* A kept message sets the counters back to its own: the heads have the last word. */
	for (int i = 0; i < f->count; i++)
	{
		meter	   *m = &f->meters[i];

		if (m->last_seq > 0 && !journal_write_head(fd, m))
			return false;
		if (m->orders != NULL && !journal_write_orders(fd, m, m->epoch, m->last_seq, NULL, 0, LEAF_READING, m->orders))
			return false;
	}
	return true;
}

bool
meter_keep_open(meter_keep *k, meter_fleet *f, const char *dir)
{
	keep_reader reader = {.keep = k, .fleet = f};
	int			fd;

	*k = (meter_keep) {.journal_fd = -1};
	if (dir == NULL)
		return true;
	if (!journal_lock(dir) || !journal_read(dir, keep_replay, &reader))
		return false;
	fd = journal_begin(dir);
	if (fd == -1)
		return false;
	if (!keep_write_compact(k, f, fd) || !journal_commit(dir, fd))
	{
		close(fd);
		return false;
	}
	k->journal_fd = fd;
	return true;
}

kept *
meter_keep_add(meter_keep *k, meter *m, const uint8_t *data, size_t len, meter_leaf leaf)
{
	kept	   *e = keep_hang(k, m, m->epoch, m->last_seq, data, len, leaf);
	bool		written = true;

	/* a reading uses up credit */
	if (k->journal_fd != -1 && (leaf == LEAF_ACK || (m->orders != NULL && m->orders->prepaid)))
		written = journal_write_orders(k->journal_fd, m, e->epoch, e->seq, data, len, leaf, m->orders);
	else if (k->journal_fd != -1)
		written = journal_write_message(k->journal_fd, m, e->epoch, e->seq, data, len, leaf);
	return written ? e : NULL;
}

/* What is on disk before it is on the wire cannot be signed differently after a crash. */
bool
meter_keep_sync(meter_keep *k)
{
	return k->journal_fd == -1 || journal_sync(k->journal_fd);
}

void
meter_keep_sent(meter_keep *k, kept *e, int64_t now_ms)
{
	list_remove(k, e);
	list_append(k, e);
	e->sent_ms = now_ms;
	e->attempts++;
}

void
meter_keep_all_unsent(meter_keep *k)
{
	for (kept *e = k->first; e != NULL; e = e->later)
		e->sent_ms = KEPT_UNSENT;
}

void
meter_keep_first(meter_keep *k, kept *e)
{
	list_remove(k, e);
	e->earlier = NULL;
	e->later = k->first;
	if (k->first != NULL)
		k->first->earlier = e;
	else
		k->last = e;
	k->first = e;
	e->sent_ms = KEPT_UNSENT;
}

int64_t
meter_keep_again(meter_keep *k, meter *m, uint32_t epoch, uint64_t from_seq, uint64_t to_seq)
{
	int64_t		count = 0;

	for (kept *e = m->oldest; e != NULL; e = e->next_of_meter)
	{
		if (e->epoch == epoch && e->seq >= from_seq && e->seq <= to_seq)
		{
			meter_keep_first(k, e);
			count++;
		}
	}
	return count;
}

keep_verdict
meter_keep_receipt(meter_keep *k, meter *m, uint32_t epoch, uint64_t seq,
				   const uint8_t digest[SHA256_LEN], int64_t *let_go)
{
	kept	   *e = m->oldest;

	*let_go = 0;
	if (epoch < m->epoch || (epoch == m->epoch && e == NULL && seq <= m->last_seq) ||
		(e != NULL && epoch == e->epoch && seq < e->seq))
		return KEEP_OLD;
	if (epoch > m->epoch || seq > m->last_seq)
		return KEEP_AHEAD;
	while (e != NULL && !(e->epoch == epoch && e->seq == seq))
		e = e->next_of_meter;
	if (e == NULL || memcmp(e->digest, digest, SHA256_LEN) != 0)
		return KEEP_MISMATCH;
	*let_go = keep_let_go(k, m, epoch, seq);
	if (k->journal_fd != -1)
		(void) journal_write_receipt(k->journal_fd, m, epoch, seq);	/* lost: sent once more */
	return KEEP_COVERED;
}

void
meter_keep_close(meter_keep *k)
{
	while (k->first != NULL)
	{
		kept	   *e = k->first;

		list_remove(k, e);		/* so k->first is another: NOLINT(clang-analyzer-unix.Malloc) */
		free(e);
	}
	if (k->journal_fd != -1)
	{
		journal_sync(k->journal_fd);
		close(k->journal_fd);
		k->journal_fd = -1;
	}
}

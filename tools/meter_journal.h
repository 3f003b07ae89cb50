/*
 * meter_journal.h: the file in which a meter remembers, for meter_keep.c only.
 */
#ifndef METER_JOURNAL_H
#define METER_JOURNAL_H

#include "meter.h"

typedef enum journal_type
{
	JOURNAL_MESSAGE = 'M',		/* signed, not yet receipted */
	JOURNAL_RECEIPT = 'R',		/* all up to seq may be forgotten */
	JOURNAL_HEAD = 'H',			/* where a meter's counters stand */
	JOURNAL_ORDERS = 'O'		/* what a meter was told, and the message that was
								 * signed with it: both or neither */
} journal_type;

typedef struct journal_record
{
	journal_type type;
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	uint32_t	epoch;
	uint64_t	seq;
	int64_t		measured_to_ms; /* M, H, O */
	int64_t		ordered_to_ms;	/* M, H, O */
	uint32_t	transferred;	/* M, H, O */
	uint8_t		digest[SHA256_LEN]; /* H */
	const uint8_t *message;		/* M, O */
	size_t		message_len;	/* O: 0 where it is only of what it was told */
	meter_leaf	leaf;			/* M, O */
	const uint8_t *orders;		/* O */
	size_t		orders_len;		/* 0: as before */
} journal_record;

typedef struct keep_reader
{
	meter_keep *keep;
	meter_fleet *fleet;
} keep_reader;

/* Takes dir (made if need be) for this process.  False: error printed. */
extern bool journal_lock(const char *dir);

/* Every sound record in order; a torn end is left out.  False: error printed. */
extern bool journal_read(const char *dir, bool (*each) (void *, const journal_record *), void *context);

/* A new journal beside the old one (-1: error printed), put in its place by journal_commit. */
extern int	journal_begin(const char *dir);
extern bool journal_commit(const char *dir, int fd);

extern bool journal_write_message(int fd, const meter *m, uint32_t epoch, uint64_t seq,
								  const uint8_t *data, size_t len, meter_leaf leaf);
extern bool journal_write_orders(int fd, const meter *m, uint32_t epoch, uint64_t seq,
								 const uint8_t *data, size_t len, meter_leaf leaf, const meter_orders *orders);
extern bool journal_write_receipt(int fd, const meter *m, uint32_t epoch, uint64_t seq);
extern bool journal_write_head(int fd, const meter *m);
extern bool journal_sync(int fd);

#endif							/* METER_JOURNAL_H */

/*
 * log_find.h: rows of the log's tables, found by key with the active snapshot.
 *
 * What is found is allocated in the current context.  False: there is no such row.
 * A row that the ledger cannot have written is an error (data_corrupted).  No right
 * is asked for here: who may see what is for the callers to say.
 */
#ifndef LEDGER_LOG_FIND_H
#define LEDGER_LOG_FIND_H

#include "access/htup.h"
#include "access/skey.h"
#include "utils/relcache.h"

#include "ledger/log.h"

typedef struct FoundBlock
{
	encode_block block;
	uint64		size;			/* leaves that its checkpoint covers */
	int			incarnation;
	struct varlena *snapshot;	/* pg_snapshot, of sound length */
	merkle_frontier *frontier;	/* of its size */
	char	   *note;
} FoundBlock;

typedef struct FoundEntry
{
	encode_entry entry;
	int			site_id;
	int			incarnation;
	LogPlace	place;
} FoundEntry;

/* The newest block, or that of one height. */
extern bool log_find_newest_block(int site_id, FoundBlock *out);
extern bool log_find_block(int site_id, uint64 height, FoundBlock *out);

/* Was that transaction visible when the block was made? */
extern bool log_find_sees(const FoundBlock *b, int incarnation, uint64 xid);

/* The first transaction id that was not yet given out when it was made. */
extern uint64 log_find_next_xid(const FoundBlock *b);

/* The entry that begins at first_id; the one in whose run ledger_id lies. */
extern bool log_find_entry(uint64 first_id, FoundEntry *out);
extern bool log_find_entry_of(uint64 ledger_id, FoundEntry *out);
extern void log_find_entry_or_error(int64 ledger_id, FoundEntry *out);
extern void log_find_no_row(int64 ledger_id, const char *detail) pg_attribute_noreturn();

extern bool log_find_schema(int site_id, const char *relation, uint32 version, encode_schema *out);
extern bool log_find_schema_by_id(uint64 schema_id, encode_schema *out);
extern bool log_find_event(uint64 event_id, encode_event *out);

/*
 * The name that the table of an entry has now: renaming and retiring are events of
 * the log, and those after the entry are followed.
 */
extern char *log_find_name_now(const char *relation, uint64 since_id);

/*
 * For those who look into other tables of the log: the first row of an index scan,
 * deformed; false where there is none.
 */
extern bool log_find_row(const char *table, const char *index, ScanKey keys, int key_count,
						 bool backward, Datum *values, bool *nulls, int column_count);
extern void log_find_key_int2(ScanKey key, int column, int value);	/* equal to it */
extern void log_find_key_int8(ScanKey key, int column, int strategy, uint64 value);

#endif							/* LEDGER_LOG_FIND_H */

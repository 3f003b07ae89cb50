/*
 * log.h: the log's own tables: writing their rows, and the bytes of their leaves.
 */
#ifndef LEDGER_LOG_H
#define LEDGER_LOG_H

#include "core/encode.h"
#include "core/merkle.h"
#include "storage/itemptr.h"
#include "utils/timestamp.h"

/* OID of a relation of schema energyledger; errors where it is not there. */
extern Oid	log_relation_oid(const char *name);
extern Oid	log_extension_oid(void);	/* InvalidOid: not installed here */

/* Microseconds since 1970 UTC, the time of all hashed formats. */
extern int64 log_unix_us(TimestampTz t);

/* The inverse: a time as it is hashed, back to what is stored. */
extern TimestampTz log_timestamp(int64 unix_us);

/* Where an entry's rows lie: a hint, as long as the table is not rewritten. */
typedef struct LogPlace
{
	ItemPointerData low;
	ItemPointerData high;
} LogPlace;

/* What it allocates is the caller's to free, by its memory context. */
extern void log_insert_entry(const encode_entry *e, int site_id, int incarnation,
							 const LogPlace *place, const uint8 *row_tags, size_t row_tags_len);
extern void log_insert_schema(const encode_schema *s, uint64 schema_id,
							  int site_id, int incarnation, uint64 xid);
extern void log_insert_event(const encode_event *e, int site_id, int incarnation, uint64 xid);

/* What stands in a block's row beside the block itself. */
typedef struct LogBlockExtra
{
	int			site_id;
	int			incarnation;
	int			key_number;		/* of the key that signed */
	uint32		timeline;		/* of the server that sealed it */
	Datum		snapshot;
	uint64		id_floor;
	uint64		xid_floor;
	const merkle_frontier *frontier;
	const char *note;
} LogBlockExtra;

#define LOG_SITE_NATTS 10		/* columns of energyledger.site */

extern void log_insert_block(const encode_block *b, const LogBlockExtra *extra);

/*
 * Rows as they come back: columns in the order of LOG_ENTRY_COLUMNS,
 * LOG_SCHEMA_COLUMNS, LOG_BLOCK_COLUMNS, LOG_EVENT_COLUMNS.  What they point to lives as long as
 * the values.  False where the row cannot have been written by us: a NULL, a hash
 * of another length, arrays that do not match.  log_malformed is for those who
 * cannot go on then.
 */
#define LOG_ENTRY_COLUMNS \
	"first_id, last_id, xid, made_at, row_count, schema_version, relation, role, schema_digest, rows_root"
#define LOG_ENTRY_COLUMN_COUNT 10
#define LOG_SCHEMA_COLUMNS \
	"relation, schema_version, ordinals, names, types, made_at, role"
#define LOG_SCHEMA_COLUMN_COUNT 7
#define LOG_BLOCK_COLUMNS \
	"height, previous_block_hash, first_index, leaf_count, sealed_at"
#define LOG_BLOCK_COLUMN_COUNT 5
#define LOG_EVENT_COLUMNS \
	"event_id, kind, field_names, field_values, made_at, role"
#define LOG_EVENT_COLUMN_COUNT 6
/*
 * Leaves one by one: site_id, leaf_index, kind (0: none of ours), ref, hash.  The view
 * energyledger.leaf shows the same, but what verifies does not read views, which
 * a superuser may replace.
 */
#define LOG_LEAVES \
	"(SELECT l.site_id, l.first_index + r.position - 1 AS leaf_index," \
	" CASE WHEN r.position <= octet_length(l.kinds)" \
	" THEN get_byte(l.kinds, r.position::int - 1) ELSE 0 END::smallint AS kind, r.ref," \
	" substr(l.hashes, r.position::int * 32 - 31, 32) AS hash" \
	" FROM energyledger.leaf_run l" \
	" CROSS JOIN LATERAL unnest(l.refs) WITH ORDINALITY AS r(ref, position))"

extern bool log_read_entry(const Datum *values, const bool *nulls, encode_entry *e);
extern bool log_read_schema(const Datum *values, const bool *nulls, encode_schema *s);
extern bool log_read_block(const Datum *values, const bool *nulls, encode_block *b);
extern bool log_read_event(const Datum *values, const bool *nulls, encode_event *e);
extern void log_malformed(const char *table) pg_attribute_noreturn();

/* A leaf's data, palloc'd. */
extern uint8 *log_entry_bytes(const encode_entry *e, Size *len);
extern uint8 *log_schema_bytes(const encode_schema *s, Size *len);
extern uint8 *log_event_bytes(const encode_event *e, Size *len);
extern uint8 *log_block_bytes(const encode_block *b, Size *len);

/*
 * A leaf longer than this could not be served: c2sp.org/tlog-tiles has 16 bits for
 * its length.  Entries and blocks never are.
 */
#define LOG_LEAF_BYTES_MAX 65535
extern void log_check_leaf_size(const char *what, Size size);

/* Leaf hashes. */
extern void log_entry_hash(const encode_entry *e, uint8 out[MERKLE_HASH_LEN]);
extern void log_schema_hash(const encode_schema *s, uint8 out[MERKLE_HASH_LEN]);
extern void log_event_hash(const encode_event *e, uint8 out[MERKLE_HASH_LEN]);
extern void log_block_hash(const encode_block *b, uint8 out[MERKLE_HASH_LEN]);

extern Datum log_bytea(const uint8 *data, Size len);

/* bytea's 32 bytes; false where it is not 32 long. */
extern bool log_read_hash(Datum value, uint8 out[MERKLE_HASH_LEN]);

#endif							/* LEDGER_LOG_H */

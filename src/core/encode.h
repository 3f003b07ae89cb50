/*
 * encode.h: the bytes that are hashed (doc/format.md): entry, schema, block, event.
 * Rows are encoded where their column types are known, in src/ledger/row.c.
 */
#ifndef CORE_ENCODE_H
#define CORE_ENCODE_H

#include "core/bytes.h"

#define ENCODE_VERSION 1
#define ENCODE_KIND_ENTRY 1
#define ENCODE_KIND_SCHEMA 2
#define ENCODE_KIND_BLOCK 3
/* from here on: events, which all have the same form */
#define ENCODE_KIND_RENAME 4
#define ENCODE_KIND_RETIRE 5
#define ENCODE_KIND_INCARNATION 6
#define ENCODE_KIND_KEY 7
#define ENCODE_KIND_REDACTION 8
#define ENCODE_KIND_CONVERSION 9
#define ENCODE_KIND_LAST 9

#define ENCODE_IS_EVENT(kind) ((kind) >= ENCODE_KIND_RENAME && (kind) <= ENCODE_KIND_LAST)

typedef struct encode_entry
{
	uint64_t	first_id;
	uint64_t	last_id;
	uint32_t	row_count;
	const char *relation;		/* schema.table */
	uint32_t	schema_version;
	uint8_t		schema_digest[32];
	uint8_t		rows_root[32];
	uint64_t	xid;
	int64_t		time_us;		/* since 1970 UTC */
	const char *role;
} encode_entry;

typedef struct encode_column
{
	uint16_t	ordinal;
	const char *name;
	const char *type;
} encode_column;

typedef struct encode_schema
{
	const char *relation;
	uint32_t	schema_version;
	uint16_t	column_count;
	const encode_column *column;	/* by ascending ordinal */
	int64_t		time_us;
	const char *role;
} encode_schema;

typedef struct encode_block
{
	uint64_t	height;
	uint8_t		previous_block_hash[32];
	uint64_t	first_index;
	uint64_t	count;
	int64_t		sealed_at_us;
} encode_block;

/* What happened to a table or to the log itself, as named texts. */
typedef struct encode_event
{
	uint8_t		kind;
	uint64_t	event_id;
	uint16_t	field_count;
	const char *const *name;
	const char *const *value;
	int64_t		time_us;
	const char *role;
} encode_event;

/* Write the leaf's data.  Check o->overflow afterwards. */
extern void encode_entry_put(bytes_out *o, const encode_entry *e);
extern void encode_schema_put(bytes_out *o, const encode_schema *s);
extern void encode_block_put(bytes_out *o, const encode_block *b);
extern void encode_event_put(bytes_out *o, const encode_event *e);

/* Room that they need; an entry's is ENCODE_ENTRY_FIXED_BYTES and its two names. */
#define ENCODE_ENTRY_FIXED_BYTES (2 + 8 + 8 + 4 + 4 + 4 + 32 + 32 + 8 + 8 + 4)
#define ENCODE_BLOCK_BYTES (2 + 8 + 32 + 8 + 8 + 8)
extern size_t encode_schema_size(const encode_schema *s);
extern size_t encode_event_size(const encode_event *e);

#endif							/* CORE_ENCODE_H */

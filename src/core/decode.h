/*
 * decode.h: leaves and rows back from their bytes (doc/format.md); the inverse of
 * encode.h and of src/ledger/row.c, for whoever checks without a database.
 *
 * Texts are pieces of the input, without a terminator: they are UTF-8 and hold no
 * zero byte.  Nothing is allocated.
 */
#ifndef CORE_DECODE_H
#define CORE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_ENTRY_ROWS_MAX 512	/* rows in an entry */

typedef struct decode_text
{
	const char *text;
	size_t		len;
} decode_text;

typedef struct decode_entry
{
	uint64_t	first_id;
	uint64_t	last_id;
	uint32_t	row_count;
	decode_text relation;		/* schema.table */
	uint32_t	schema_version;
	const uint8_t *schema_digest;	/* 32 bytes */
	const uint8_t *rows_root;	/* 32 bytes */
	uint64_t	xid;
	int64_t		time_us;		/* since 1970 UTC */
	decode_text role;
} decode_entry;

typedef struct decode_schema
{
	decode_text relation;
	uint32_t	schema_version;
	uint16_t	column_count;
	const uint8_t *columns;		/* for decode_schema_next */
	int64_t		time_us;
	decode_text role;
} decode_schema;

typedef struct decode_column
{
	uint16_t	ordinal;
	decode_text name;
	decode_text type;
} decode_column;

typedef struct decode_block
{
	uint64_t	height;
	const uint8_t *previous_block_hash; /* 32 bytes */
	uint64_t	first_index;
	uint64_t	count;
	int64_t		sealed_at_us;
} decode_block;

typedef struct decode_event
{
	uint8_t		kind;
	uint64_t	event_id;
	uint16_t	field_count;
	const uint8_t *fields;		/* for decode_event_next */
	int64_t		time_us;
	decode_text role;
} decode_event;

typedef struct decode_row
{
	uint64_t	ledger_id;
	uint16_t	column_count;	/* those that are not NULL */
	const uint8_t *columns;		/* for decode_row_next */
} decode_row;

typedef struct decode_value
{
	uint16_t	ordinal;
	const uint8_t *data;
	uint32_t	len;
} decode_value;

/* The kind of a leaf of this version (ENCODE_KIND_...), 0 where it is none. */
extern int	decode_kind(const void *data, size_t len);

/* False where the bytes are not exactly one such leaf: *out is then unspecified. */
extern bool decode_entry_read(const void *data, size_t len, decode_entry *out);
extern bool decode_schema_read(const void *data, size_t len, decode_schema *out);
extern bool decode_block_read(const void *data, size_t len, decode_block *out);
extern bool decode_event_read(const void *data, size_t len, decode_event *out);
extern bool decode_row_read(const void *data, size_t len, decode_row *out);

/*
 * The parts of what was read, one after the other: *at begins as columns or
 * fields, and the call is made column_count or field_count times.
 */
extern void decode_schema_next(const uint8_t **at, decode_column *column);
extern void decode_event_next(const uint8_t **at, decode_text *name, decode_text *value);
extern void decode_row_next(const uint8_t **at, decode_value *value);

/* The column with that ordinal; false where the schema has none. */
extern bool decode_schema_find(const decode_schema *s, uint16_t ordinal, decode_column *column);

extern bool decode_text_is(const decode_text *t, const char *text, size_t len);

#endif							/* CORE_DECODE_H */

/*
 * row_text.h: a column's hashed value as people read it, as PostgreSQL would print it
 * with DateStyle ISO and timezone UTC.
 */
#ifndef CORE_ROW_TEXT_H
#define CORE_ROW_TEXT_H

#include "core/bytes.h"

typedef enum row_text_form
{
	ROW_TEXT_NUMBER,			/* also a number in JSON */
	ROW_TEXT_BOOLEAN,			/* true or false */
	ROW_TEXT_STRING,
	ROW_TEXT_HEX				/* \x and hex digits: bytea, a type that is not known
								 * here, or bytes that are no value of the type */
} row_text_form;

/*
 * Writes the value of a column of that type, spelled as the schema spells it.  Check
 * o->overflow: a text needs as much room as the value, hex twice that and 2, numbers
 * ROW_TEXT_ROOM and for numeric as many digits as it has.
 */
#define ROW_TEXT_ROOM 64
extern row_text_form row_text_put(bytes_out *o, const char *type, size_t type_len,
								  const uint8_t *value, size_t len);

/* Room that is enough for any value of that length. */
extern size_t row_text_size_max(size_t len);

/* Microseconds since 1970 UTC as "2026-11-22 01:25:16.591628+00". */
extern void row_text_put_time(bytes_out *o, int64_t unix_us);

#endif							/* CORE_ROW_TEXT_H */

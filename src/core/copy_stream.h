/*
 * copy_stream.h: the records of an export, out of PostgreSQL's COPY BINARY form.
 *
 * A record is (kind "char", index bigint, data bytea).  Its data is handed out in
 * pieces, so that a length that lies costs nothing.
 */
#ifndef CORE_COPY_STREAM_H
#define CORE_COPY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COPY_STREAM_EXTENSION_MAX 65536 /* bytes of header extension passed over */

/* Bytes put into out: less than n only at the end, or where reading failed. */
typedef size_t (*copy_stream_source) (void *context, void *out, size_t n);

typedef enum copy_stream_result
{
	COPY_STREAM_RECORD,
	COPY_STREAM_END,			/* the trailer was read and nothing follows */
	COPY_STREAM_CUT,			/* it ends before its trailer */
	COPY_STREAM_MALFORMED		/* not such a stream */
} copy_stream_result;

typedef struct copy_stream
{
	copy_stream_source source;
	void	   *context;
	bool		begun;			/* the header was read */
	uint32_t	left;			/* data of the current record not yet read */
} copy_stream;

typedef struct copy_record
{
	char		kind;
	uint64_t	index;
	uint32_t	len;			/* of its data */
} copy_record;

extern void copy_stream_open(copy_stream *s, copy_stream_source source, void *context);

/* The next record; what was not read of the one before is passed over. */
extern copy_stream_result copy_stream_next(copy_stream *s, copy_record *record);

/* The next n bytes of its data (n at most what is left).  False: the stream is cut. */
extern bool copy_stream_read(copy_stream *s, void *out, size_t n);

#endif							/* CORE_COPY_STREAM_H */

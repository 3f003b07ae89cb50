/*
 * copy_stream.c: reads what COPY (SELECT * FROM energyledger.export()) writes.
 *
 * The form is that of PostgreSQL's documentation of COPY: a signature, flags, an
 * extension to pass over, tuples of counted fields, a trailer.  A stream that breaks
 * off is told from one that is through, because an export cut in the middle must
 * never pass for a shorter log.
 */
#include "core/copy_stream.h"

#include <string.h>

#include "core/bytes.h"

#define COPY_FLAGS_CRITICAL 0xFFFF0000	/* what a reader must know or stop */
#define COPY_FIELDS 3

static const uint8_t copy_signature[11] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xFF, '\r', '\n', 0};

void
copy_stream_open(copy_stream *s, copy_stream_source source, void *context)
{
	s->source = source;
	s->context = context;
	s->begun = false;
	s->left = 0;
}

static bool
copy_stream_take(copy_stream *s, void *out, size_t n)
{
	return s->source(s->context, out, n) == n;
}

static bool
copy_stream_pass(copy_stream *s, uint32_t n)
{
	uint8_t		piece[1024];

	while (n > 0)
	{
		uint32_t	now = n < sizeof(piece) ? n : (uint32_t) sizeof(piece);

		if (!copy_stream_take(s, piece, now))
			return false;
		n -= now;
	}
	return true;
}

static copy_stream_result
copy_stream_begin(copy_stream *s)
{
	uint8_t		head[11 + 4 + 4];
	uint32_t	extension_len;

	if (!copy_stream_take(s, head, sizeof(head)))
		return COPY_STREAM_CUT;
	extension_len = bytes_load_u32(head + 15);
	if (memcmp(head, copy_signature, sizeof(copy_signature)) != 0 ||
		(bytes_load_u32(head + 11) & COPY_FLAGS_CRITICAL) != 0 ||
		extension_len > COPY_STREAM_EXTENSION_MAX)
		return COPY_STREAM_MALFORMED;
	s->begun = true;
	return copy_stream_pass(s, extension_len) ? COPY_STREAM_RECORD : COPY_STREAM_CUT;
}

bool
copy_stream_read(copy_stream *s, void *out, size_t n)
{
	if (n > s->left || !copy_stream_take(s, out, n))
		return false;
	s->left -= (uint32_t) n;
	return true;
}

copy_stream_result
copy_stream_next(copy_stream *s, copy_record *record)
{
	uint8_t		count[2];
	uint8_t		fields[4 + 1 + 4 + 8 + 4];
	copy_stream_result begun = s->begun ? COPY_STREAM_RECORD : copy_stream_begin(s);

	if (begun != COPY_STREAM_RECORD)
		return begun;
	if (!copy_stream_pass(s, s->left) || !copy_stream_take(s, count, sizeof(count)))
		return COPY_STREAM_CUT;
	s->left = 0;
	if (bytes_load_u16(count) == 0xFFFF)
		return s->source(s->context, count, 1) == 0 ? COPY_STREAM_END : COPY_STREAM_MALFORMED;
	if (bytes_load_u16(count) != COPY_FIELDS)
		return COPY_STREAM_MALFORMED;
	if (!copy_stream_take(s, fields, sizeof(fields)))
		return COPY_STREAM_CUT;
	/* lengths of the first two are fixed; a NULL has length ffffffff */
	if (bytes_load_u32(fields) != 1 || bytes_load_u32(fields + 5) != 8 ||
		bytes_load_u32(fields + 17) > INT32_MAX || bytes_load_u64(fields + 9) > INT64_MAX)
		return COPY_STREAM_MALFORMED;
	record->kind = (char) fields[4];
	record->index = bytes_load_u64(fields + 9);
	record->len = bytes_load_u32(fields + 17);
	s->left = record->len;
	return COPY_STREAM_RECORD;
}

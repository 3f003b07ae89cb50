/*
 * bytes.h: big-endian integers, a bounded writer and a bounded reader.
 *
 * Every byte format of the ledger is big-endian and length-prefixed.  All
 * encoders of src/core write through bytes_out, which never allocates and
 * never writes past its capacity: a writer that ran out of room is marked and
 * stays marked, so a caller checks once, at the end.  bytes_in is its mirror: it
 * never reads past its end, and what is not there reads as zeros.
 *
 * Anybody may include this: no PostgreSQL header, no library.
 */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes_out
{
	uint8_t    *data;
	size_t		len;			/* bytes written so far */
	size_t		cap;
	bool		overflow;		/* something did not fit; data is unusable */
} bytes_out;

static inline void
bytes_store_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
}

static inline void
bytes_store_u32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static inline void
bytes_store_u64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
}

static inline uint16_t
bytes_load_u16(const uint8_t *p)
{
	return (uint16_t) ((p[0] << 8) | p[1]);
}

static inline uint32_t
bytes_load_u32(const uint8_t *p)
{
	uint32_t	v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline uint64_t
bytes_load_u64(const uint8_t *p)
{
	uint64_t	v;

	memcpy(&v, p, 8);
	return __builtin_bswap64(v);
}

static inline void
bytes_out_init(bytes_out *o, void *data, size_t cap)
{
	o->data = (uint8_t *) data;
	o->len = 0;
	o->cap = cap;
	o->overflow = false;
}

/* Room for n more bytes, or NULL (and the writer is marked). */
static inline uint8_t *
bytes_out_room(bytes_out *o, size_t n)
{
	uint8_t    *p;

	if (o->overflow || n > o->cap - o->len)
	{
		o->overflow = true;
		return NULL;
	}
	p = o->data + o->len;
	o->len += n;
	return p;
}

static inline void
bytes_put(bytes_out *o, const void *src, size_t n)
{
	uint8_t    *p = bytes_out_room(o, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

static inline void
bytes_put_u8(bytes_out *o, uint8_t v)
{
	uint8_t    *p = bytes_out_room(o, 1);

	if (p != NULL)
		*p = v;
}

static inline void
bytes_put_u16(bytes_out *o, uint16_t v)
{
	uint8_t    *p = bytes_out_room(o, 2);

	if (p != NULL)
		bytes_store_u16(p, v);
}

static inline void
bytes_put_u32(bytes_out *o, uint32_t v)
{
	uint8_t    *p = bytes_out_room(o, 4);

	if (p != NULL)
		bytes_store_u32(p, v);
}

static inline void
bytes_put_u64(bytes_out *o, uint64_t v)
{
	uint8_t    *p = bytes_out_room(o, 8);

	if (p != NULL)
		bytes_store_u64(p, v);
}

/* lp(x): u32 length, then the bytes. */
static inline void
bytes_put_lp(bytes_out *o, const void *src, size_t n)
{
	if (n > UINT32_MAX)
	{
		o->overflow = true;
		return;
	}
	bytes_put_u32(o, (uint32_t) n);
	bytes_put(o, src, n);
}

typedef struct bytes_in
{
	const uint8_t *at;
	const uint8_t *end;
	bool		short_of;		/* something was asked for that is not there */
} bytes_in;

static inline void
bytes_in_init(bytes_in *in, const void *data, size_t len)
{
	in->at = (const uint8_t *) data;
	in->end = in->at + len;
	in->short_of = false;
}

static inline size_t
bytes_in_left(const bytes_in *in)
{
	return (size_t) (in->end - in->at);
}

/* The next n bytes, or NULL (and the reader is marked and at its end). */
static inline const uint8_t *
bytes_take(bytes_in *in, size_t n)
{
	const uint8_t *p = in->at;

	if (n > bytes_in_left(in))
	{
		in->short_of = true;
		in->at = in->end;
		return NULL;
	}
	in->at += n;
	return p;
}

static inline uint8_t
bytes_take_u8(bytes_in *in)
{
	const uint8_t *p = bytes_take(in, 1);

	return p == NULL ? 0 : *p;
}

static inline uint16_t
bytes_take_u16(bytes_in *in)
{
	const uint8_t *p = bytes_take(in, 2);

	return p == NULL ? 0 : bytes_load_u16(p);
}

static inline uint32_t
bytes_take_u32(bytes_in *in)
{
	const uint8_t *p = bytes_take(in, 4);

	return p == NULL ? 0 : bytes_load_u32(p);
}

static inline uint64_t
bytes_take_u64(bytes_in *in)
{
	const uint8_t *p = bytes_take(in, 8);

	return p == NULL ? 0 : bytes_load_u64(p);
}

#endif							/* CORE_BYTES_H */

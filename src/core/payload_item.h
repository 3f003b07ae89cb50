/*
 * payload_item.h: the items of a body that is a list, read and written one way
 * whichever the encoding.  For src/core/payload*.c only.
 *
 * What is not said is null.  A text that may be null is "" then.
 */
#ifndef CORE_PAYLOAD_ITEM_H
#define CORE_PAYLOAD_ITEM_H

#include "core/payload_field.h"

/* ---- reading ---- */

typedef bool (*item_text_valid) (const char *text, size_t len);

/* The list's next item; REFUSAL_BAD_BODY where there is none. */
extern refusal item_next(field_reader *r, field_walk *w);

/* The list ends here; REFUSAL_BAD_BODY where it does not. */
extern refusal item_end(field_reader *r, field_walk *w);

/* A text, or null where it is not required; out has room for what is valid, and was zeroed. */
extern refusal item_read_text(field_reader *r, field_walk *w, bool required, item_text_valid valid, char *out);

/* A number, or null where has is given. */
extern refusal item_read_number(field_reader *r, field_walk *w, bool *has, int64_t *out);

/* The number of a name among names[first] to names[last]. */
extern refusal item_read_name(field_reader *r, field_walk *w, const char *const *names, int first, int last, int *out);

/* Bytes from 0x20 on without 0x7F, 1 to max of them. */
extern bool item_text_printable(const char *text, size_t len, size_t max);

/* ---- writing ---- */

typedef struct item_out
{
	bytes_out  *o;
	bool		cbor;
	bool		first;			/* JSON: of its list */
} item_out;

extern void item_out_init(item_out *out, bytes_out *o, bool cbor);
extern void item_put_list(item_out *out, int count);
extern void item_put_end(item_out *out);
extern void item_put_null(item_out *out);

/* null where has is false, or text "" */
extern void item_put_number(item_out *out, bool has, int64_t number);
extern void item_put_text(item_out *out, const char *text);

/* May it be written?  name: an identifier, in an array of its longest length and a NUL; "" where it is not required. */
extern bool item_name_writable(const char *name, bool required);

/* text: "" or printable, and in JSON without an escape; cap: of its array. */
extern bool item_text_writable(const char *text, size_t cap);

#endif							/* CORE_PAYLOAD_ITEM_H */

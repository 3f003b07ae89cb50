/*
 * made_log.h: a small log made by the encoders of src/core, for tests of what reads it:
 * one schema, one entry of a few rows, an event, and a block under a signed checkpoint.
 *
 * Used by unit tests and fuzz targets.  Where something cannot be made, it aborts.
 */
#ifndef MADE_LOG_H
#define MADE_LOG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/bytes.h"
#include "core/encode.h"
#include "core/merkle.h"
#include "core/note.h"

#define MADE_ROWS 5
#define MADE_LEAVES 4			/* schema, event, entry, block */
#define MADE_ENTRY_INDEX 2
#define MADE_FIRST_ID UINT64_C(35184372088833)

typedef struct made_bytes
{
	uint8_t		data[512];
	size_t		len;
} made_bytes;

typedef struct made_log
{
	note_key	key;
	uint8_t		secret[ED25519_SECRET_LEN];
	made_bytes	row[MADE_ROWS];
	uint8_t		row_hash[MADE_ROWS][32];
	made_bytes	leaf[MADE_LEAVES];
	uint8_t		leaf_hash[MADE_LEAVES][32];
	uint8_t		root[32];
	char		note[1024];
	size_t		note_len;
} made_log;

static inline void
made_row(made_bytes *row, uint64_t id, int n)
{
	bytes_out	o;

	bytes_out_init(&o, row->data, sizeof(row->data));
	bytes_put_u8(&o, 1);
	bytes_put_u64(&o, id);
	bytes_put_u16(&o, n == 2 ? 1 : 2);	/* the third has no amount: NULL */
	bytes_put_u16(&o, 1);
	bytes_put_lp(&o, "abcdefghijklmnop", (size_t) (n + 1));
	if (n != 2)
	{
		bytes_put_u16(&o, 3);
		bytes_put_u32(&o, 8);
		bytes_put_u64(&o, (uint64_t) (n * 1000 - 1));
	}
	row->len = o.len;
}

static inline void
made_leaf(made_log *l, int i, const bytes_out *o)
{
	if (o->overflow)
		abort();
	l->leaf[i].len = o->len;
	merkle_leaf_hash(l->leaf[i].data, o->len, l->leaf_hash[i]);
}

static inline void
made_leaves(made_log *l)
{
	static const encode_column column[] = {{1, "customer", "text"}, {3, "amount_micro", "bigint"}};
	static const char *const name[] = {"relation", "new_relation"};
	static const char *const value[] = {"public.bill", "public.payment"};
	encode_schema schema = {"public.payment", 2, 2, column, 1700000000000000, "owner"};
	encode_event event = {ENCODE_KIND_RENAME, MADE_FIRST_ID - 1, 2, name, value, 1700000000000001, "owner"};
	encode_entry entry = {MADE_FIRST_ID, MADE_FIRST_ID + MADE_ROWS, MADE_ROWS, "public.payment", 2};
	encode_block block = {1, {0}, 0, 3, 1700000000000003};
	merkle_frontier f;
	bytes_out	o;

	bytes_out_init(&o, l->leaf[0].data, sizeof(l->leaf[0].data));
	encode_schema_put(&o, &schema);
	made_leaf(l, 0, &o);
	bytes_out_init(&o, l->leaf[1].data, sizeof(l->leaf[1].data));
	encode_event_put(&o, &event);
	made_leaf(l, 1, &o);

	merkle_frontier_init(&f);
	for (int i = 0; i < MADE_ROWS; i++)
	{
		/* one id of the run is missing, as after a savepoint that was rolled back */
		made_row(&l->row[i], MADE_FIRST_ID + (uint64_t) i + (i >= 3 ? 1 : 0), i);
		merkle_leaf_hash(l->row[i].data, l->row[i].len, l->row_hash[i]);
		merkle_frontier_append(&f, l->row_hash[i]);
	}
	merkle_frontier_root(&f, entry.rows_root);
	memcpy(entry.schema_digest, l->leaf_hash[0], 32);
	entry.xid = 4711;
	entry.time_us = 1700000000000002;
	entry.role = "writer";
	bytes_out_init(&o, l->leaf[2].data, sizeof(l->leaf[2].data));
	encode_entry_put(&o, &entry);
	made_leaf(l, 2, &o);
	bytes_out_init(&o, l->leaf[3].data, sizeof(l->leaf[3].data));
	encode_block_put(&o, &block);
	made_leaf(l, 3, &o);
}

static inline void
made_sign(made_log *l, const char *origin)
{
	note_checkpoint c;
	char		text[512];
	size_t		len;

	snprintf(c.origin, sizeof(c.origin), "%s", origin);
	c.size = MADE_LEAVES;
	memcpy(c.root, l->root, 32);
	len = note_checkpoint_format(&c, text, sizeof(text));
	l->note_len = note_sign(text, len, &l->key, l->secret, l->note, sizeof(l->note));
	if (len == 0 || l->note_len == 0)
		abort();
}

/* The root over the leaves as they are now, signed. */
static inline void
made_seal(made_log *l)
{
	merkle_frontier f;

	merkle_frontier_init(&f);
	for (int i = 0; i < MADE_LEAVES; i++)
		merkle_frontier_append(&f, l->leaf_hash[i]);
	merkle_frontier_root(&f, l->root);
	made_sign(l, l->key.name);
}

static inline void
made_log_init(made_log *l)
{
	static const uint8_t seed[ED25519_SEED_LEN] = "a seed that only tests are using";
	uint8_t		public_key[ED25519_PUBLIC_LEN];

	memset(l, 0, sizeof(*l));
	if (!core_crypto_init())
		abort();
	ed25519_from_seed(seed, public_key, l->secret);
	if (!note_key_init(&l->key, "site.example/1", public_key))
		abort();
	made_leaves(l);
	made_seal(l);
}

static inline size_t
made_put_base64(char *out, size_t cap, const void *data, size_t len)
{
	size_t		n = base64_encode(data, len, out, cap - 1);

	out[n] = '\0';
	return n;
}

/* The receipt of row n (0 to 4) as text; its path is that of a tree of five. */
static inline size_t
made_receipt(const made_log *l, int n, char *out, size_t cap)
{
	uint8_t		pair[2][32];
	uint8_t		four[32];
	uint8_t		log_pair[32];
	const uint8_t *path[3];
	int			count = 0;
	char		row[1024];
	char		entry[1024];
	char		schema[1024];
	char		hash[3][64];
	char		log_hash[2][64];
	char		note[2048];
	size_t		len = 0;
	size_t		note_len = 0;
	uint64_t	id = bytes_load_u64(l->row[n].data + 1);

	merkle_node_hash(l->row_hash[0], l->row_hash[1], pair[0]);
	merkle_node_hash(l->row_hash[2], l->row_hash[3], pair[1]);
	merkle_node_hash(pair[0], pair[1], four);
	merkle_node_hash(l->leaf_hash[0], l->leaf_hash[1], log_pair);
	if (n == 4)
		path[count++] = four;
	else
	{
		path[count++] = l->row_hash[n ^ 1];
		path[count++] = pair[1 - n / 2];
		path[count++] = l->row_hash[4];
	}
	for (int i = 0; i < 3; i++)
		made_put_base64(hash[i], sizeof(hash[i]), path[i < count ? i : 0], 32);
	made_put_base64(log_hash[0], sizeof(log_hash[0]), l->leaf_hash[3], 32);
	made_put_base64(log_hash[1], sizeof(log_hash[1]), log_pair, 32);
	made_put_base64(row, sizeof(row), l->row[n].data, l->row[n].len);
	made_put_base64(entry, sizeof(entry), l->leaf[2].data, l->leaf[2].len);
	made_put_base64(schema, sizeof(schema), l->leaf[0].data, l->leaf[0].len);
	for (size_t i = 0; i < l->note_len; i++)
	{
		if (l->note[i] == '\n')
			note[note_len++] = '\\';
		note[note_len++] = l->note[i] == '\n' ? 'n' : l->note[i];
	}
	note[note_len] = '\0';
	len = (size_t) snprintf(out, cap,
							"{\"format\": \"energyledger/row-receipt/v1\", \"relation\": \"public.payment\", \"ledger_id\": %llu, "
							"\"row\": \"%s\", \"row_index\": %d, \"row_count\": %d, \"row_path\": [\"%s\"%s%s%s%s%s%s], "
							"\"entry\": \"%s\", \"schema\": \"%s\", "
							"\"proof\": \"c2sp.org/tlog-proof@v1\\nindex %d\\n%s\\n%s\\n\\n%s\"}",
							(unsigned long long) id, row, n, MADE_ROWS, hash[0],
							count > 1 ? ", \"" : "", count > 1 ? hash[1] : "", count > 1 ? "\"" : "",
							count > 2 ? ", \"" : "", count > 2 ? hash[2] : "", count > 2 ? "\"" : "",
							entry, schema, MADE_ENTRY_INDEX, log_hash[0], log_hash[1], note);
	if (len >= cap)
		abort();
	return len;
}

static inline void
made_record(bytes_out *o, char kind, uint64_t index, const void *data, size_t len)
{
	bytes_put_u16(o, 3);
	bytes_put_u32(o, 1);
	bytes_put_u8(o, (uint8_t) kind);
	bytes_put_u32(o, 8);
	bytes_put_u64(o, index);
	bytes_put_lp(o, data, len);
}

/* The stream of its export. */
static inline size_t
made_stream(const made_log *l, uint8_t *out, size_t cap)
{
	bytes_out	o;

	bytes_out_init(&o, out, cap);
	bytes_put(&o, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19);
	for (int i = 0; i < MADE_LEAVES; i++)
	{
		made_record(&o, 'L', (uint64_t) i, l->leaf[i].data, l->leaf[i].len);
		for (int n = 0; i == MADE_ENTRY_INDEX && n < MADE_ROWS; n++)
			made_record(&o, 'R', (uint64_t) i, l->row[n].data, l->row[n].len);
	}
	made_record(&o, 'C', MADE_LEAVES - 1, l->note, l->note_len);
	bytes_put_u16(&o, 0xFFFF);
	if (o.overflow)
		abort();
	return o.len;
}

#endif							/* MADE_LOG_H */

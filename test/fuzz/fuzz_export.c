/*
 * fuzz_export.c: any bytes as the stream of an export, read and checked as
 * energyledger-verify does it.
 *
 * The log that signed is known: a checkpoint that is accepted must be its, over its
 * leaves, in order.
 */
#include "fuzz.h"

#include "../unit/made_log.h"
#include "core/copy_stream.h"
#include "core/log_check.h"

static made_log made;

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	made_log_init(&made);
	return 0;
}

typedef struct source
{
	const uint8_t *data;
	size_t		left;
} source;

static size_t
read_source(void *context, void *out, size_t n)
{
	source	   *s = context;
	size_t		now = n < s->left ? n : s->left;

	memcpy(out, s->data, now);
	s->data += now;
	s->left -= now;
	return now;
}

/* Accepted: then the tree is the one that was signed. */
static void
accepted(const log_check *c)
{
	uint8_t		root[32];

	merkle_frontier_root(&c->tree, root);
	FUZZ_CHECK(c->tree.size == MADE_LEAVES && memcmp(root, made.root, 32) == 0);
	FUZZ_CHECK(c->kind == ENCODE_KIND_BLOCK && memcmp(c->leaf_hash, made.leaf_hash[3], 32) == 0);
}

static void
rows_accepted(const log_check *c)
{
	uint8_t		root[32];

	merkle_frontier_root(&c->rows, root);
	FUZZ_CHECK(c->rows_damaged || (c->rows.size == c->row_count && memcmp(root, c->rows_root, 32) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	source		from = {data, size};
	copy_stream s;
	copy_record r;
	log_check	c;

	log_check_begin(&c, &made.key, 1);
	copy_stream_open(&s, read_source, &from);
	while (copy_stream_next(&s, &r) == COPY_STREAM_RECORD)
	{
		uint8_t    *record = malloc(r.len <= from.left ? r.len + 1 : 1);

		FUZZ_CHECK(record != NULL);
		if (r.len > from.left)
		{
			/* half of it, the rest is passed over */
			free(record);
			continue;
		}
		FUZZ_CHECK(copy_stream_read(&s, record, r.len) && !copy_stream_read(&s, record, 1));
		if (r.kind == 'L')
		{
			if (c.kind == ENCODE_KIND_ENTRY && log_check_rows_end(&c) == LOG_CHECK_OK)
				rows_accepted(&c);
			(void) log_check_leaf(&c, record, r.len);
		}
		else if (r.kind == 'R' && c.kind == ENCODE_KIND_ENTRY)
			(void) log_check_row(&c, record, r.len);
		else if (r.kind == 'C' && log_check_checkpoint(&c, (char *) record, r.len) == LOG_CHECK_OK)
			accepted(&c);
		free(record);
	}
	return 0;
}

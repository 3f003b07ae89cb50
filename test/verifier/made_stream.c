/*
 * made_stream.c: writes the export stream of a log that never was in a database, signed
 * with a key that only tests use.
 *
 *   made_stream LEAVES [FAULT]
 *
 * Without FAULT the log is sound: one table with a few rows, then events; every thousandth
 * leaf is a block, and the last.  It can be larger than a test has time to write
 * transactions for.  With FAULT it is what a site could sign that does not keep its own
 * rules ("other": a sound log, but another).  Prints the verifier key on standard error.
 */
#include "../unit/made_log.h"

#define BLOCK_LEAVES 1000

static made_log made;
static merkle_frontier tree;
static uint8_t previous[32];
static uint64_t height;
static uint64_t batch_first;
static const char *fault = "";

static int
is(const char *name)
{
	return strcmp(fault, name) == 0;
}

static void
put(const uint8_t *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) != len)
		abort();
}

static void
put_record(char kind, uint64_t index, const void *data, size_t len)
{
	uint8_t		record[4096];
	bytes_out	o;

	bytes_out_init(&o, record, sizeof(record));
	made_record(&o, kind, index, data, len);
	if (o.overflow)
		abort();
	put(record, o.len);
}

static void
put_leaf(const uint8_t *data, size_t len, uint8_t hash[32])
{
	put_record('L', tree.size + (is("gap") && tree.size > 1500 ? 1 : 0), data, len);
	merkle_leaf_hash(data, len, hash);
	merkle_frontier_append(&tree, hash);
}

static void
put_event(uint64_t n)
{
	static const char *const name[] = {"relation", "reason"};
	char		reason[32];
	const char *const value[] = {"public.payment", reason};
	encode_event event = {is("kind") ? ENCODE_KIND_LAST + 1 : ENCODE_KIND_REDACTION, n, 2, name, value, 1700000000000000, "x"};
	uint8_t		data[256];
	uint8_t		hash[32];
	bytes_out	o;

	snprintf(reason, sizeof(reason), is("other") && n == 40 ? "%llu, or so" : "%llu", (unsigned long long) n);
	bytes_out_init(&o, data, sizeof(data));
	encode_event_put(&o, &event);
	put_leaf(data, o.len, hash);
}

static void
put_checkpoint(void)
{
	note_checkpoint c;
	char		text[512];
	char		note[1024];
	size_t		len;

	snprintf(c.origin, sizeof(c.origin), "%s", is("origin") ? "site.example/2" : made.key.name);
	c.size = tree.size + (is("size") ? 1 : 0);
	merkle_frontier_root(&tree, c.root);
	if (is("root"))
		c.root[5] ^= 8;
	len = note_checkpoint_format(&c, text, sizeof(text));
	len = note_sign(text, len, &made.key, made.secret, note, sizeof(note));
	if (is("signature"))
		note[len - 10] = note[len - 10] == 'A' ? 'B' : 'A';
	if (!is("no_checkpoint"))
		put_record('C', tree.size - 1, note, len);
}

static void
put_block(void)
{
	encode_block b = {++height, {0}, batch_first, tree.size - batch_first, 1700000000000000 + (int64_t) height};
	uint8_t		data[ENCODE_BLOCK_BYTES];
	bytes_out	o;

	memcpy(b.previous_block_hash, previous, 32);
	if (height > 1 && is("chain"))
		b.previous_block_hash[0] ^= 1;
	if (height > 1 && is("height"))
		b.height++;
	if (is("span"))
		b.count--;
	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	put_leaf(data, o.len, previous);
	put_checkpoint();
	batch_first = tree.size;
}

/* The schema and the entry of made_log, and its rows. */
static void
put_table(void)
{
	made_bytes	entry = made.leaf[MADE_ENTRY_INDEX];
	uint8_t		hash[32];

	if (!is("schema"))
		put_leaf(made.leaf[0].data, made.leaf[0].len, hash);
	if (is("rows_root"))
		entry.data[entry.len - 4 - 6 - 8 - 8 - 1] ^= 1;
	if (is("version"))
		entry.data[2 + 8 + 8 + 4 + 4 + 14 + 3] ^= 1;
	if (is("run"))
		entry.data[2 + 7]++;
	put_leaf(entry.data, entry.len, hash);
	for (int i = 0; i < MADE_ROWS - (is("row_count") ? 1 : 0); i++)
	{
		int			n = is("order") ? MADE_ROWS - 1 - i : i;

		put_record('R', tree.size - 1, made.row[n].data, made.row[n].len);
	}
	if (is("one_row_more"))
		put_record('R', tree.size - 1, made.row[MADE_ROWS - 1].data, made.row[MADE_ROWS - 1].len);
}

int
main(int argc, char **argv)
{
	static const uint8_t head[19] = "PGCOPY\n\377\r\n";
	static const uint8_t end[2] = {0xFF, 0xFF};
	uint64_t	leaves = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	char		vkey[512];

	if (argc > 2)
		fault = argv[2];
	made_log_init(&made);
	merkle_frontier_init(&tree);
	put(head, sizeof(head));
	put_table();
	for (uint64_t n = 1; tree.size < leaves; n++)
	{
		if ((tree.size == leaves - 1 && !is("no_block")) || tree.size % BLOCK_LEAVES == BLOCK_LEAVES - 1)
			put_block();
		else
			put_event(n);
		if (is("stray_row") && n == 3)
			put_record('R', tree.size - 1, made.row[0].data, made.row[0].len);
	}
	put(end, sizeof(end));
	fprintf(stderr, "%.*s\n", (int) note_key_format(&made.key, vkey, sizeof(vkey)), vkey);
	return fflush(stdout) == 0 ? 0 : 1;
}

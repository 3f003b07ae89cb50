/*
 * test_log_check.c: a whole log out of its export stream, and what is wrong with one.
 */
#include "unit.h"

#include "core/copy_stream.h"
#include "core/log_check.h"
#include "made_log.h"

static made_log made;
static uint8_t stream[8192];
static size_t stream_len;

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

typedef struct outcome
{
	copy_stream_result end;
	log_check_result first;		/* thing that was wrong */
	int			records;
	bool		in_order;		/* kinds and indexes are those of a log */
} outcome;

static void
note_result_of(outcome *o, log_check_result r)
{
	if (o->first == LOG_CHECK_OK)
		o->first = r;
}

/* As the tool does it: a leaf closes the one before. */
static outcome
run(const uint8_t *data, size_t len)
{
	uint8_t    *exact = unit_exact(data, len);
	source		from = {exact, len};
	copy_stream s;
	copy_record r;
	log_check	c;
	outcome		o = {.in_order = true};

	log_check_begin(&c, &made.key, 1);
	copy_stream_open(&s, read_source, &from);
	while ((o.end = copy_stream_next(&s, &r)) == COPY_STREAM_RECORD)
	{
		uint8_t    *record = malloc(r.len + 1);

		assert_non_null(record);
		if (r.len > 65536 || !copy_stream_read(&s, record, r.len))
		{
			free(record);
			o.end = COPY_STREAM_CUT;
			break;
		}
		o.records++;
		if (strchr("LRC", r.kind) == NULL || r.index != c.tree.size - (r.kind == 'L' ? 0 : 1))
			o.in_order = false;
		if (r.kind == 'L')
		{
			if (c.kind == ENCODE_KIND_ENTRY)
				note_result_of(&o, log_check_rows_end(&c));
			note_result_of(&o, log_check_leaf(&c, record, r.len));
		}
		else if (r.kind == 'R')
			note_result_of(&o, log_check_row(&c, record, r.len));
		else
			note_result_of(&o, log_check_checkpoint(&c, (char *) record, r.len));
		free(record);
	}
	free(exact);
	return o;
}

static void
a_whole_log(void **state)
{
	outcome		o = run(stream, stream_len);

	assert_int_equal(o.end, COPY_STREAM_END);
	assert_int_equal(o.first, LOG_CHECK_OK);
	assert_int_equal(o.records, MADE_LEAVES + MADE_ROWS + 1);
}

/* Wherever it breaks off it does not pass for a whole one. */
static void
cut_streams(void **state)
{
	for (size_t len = 0; len < stream_len; len++)
		assert_int_equal(run(stream, len).end, COPY_STREAM_CUT);
	stream[stream_len] = 0;
	assert_int_equal(run(stream, stream_len + 1).end, COPY_STREAM_MALFORMED);
}

static void
any_flipped_bit_is_noticed(void **state)
{
	for (size_t i = 0; i < stream_len; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			outcome		o;
			bool		same;

			stream[i] ^= (uint8_t) (1 << bit);
			o = run(stream, stream_len);
			stream[i] ^= (uint8_t) (1 << bit);
			same = o.end == COPY_STREAM_END && o.first == LOG_CHECK_OK && o.in_order;
			/* flags that a reader may pass over */
			assert_true(!same || i == 13 || i == 14);
		}
	}
}

static void
headers(void **state)
{
	uint8_t		other[8192];

	memcpy(other, stream, stream_len);
	other[12] = 1;				/* a critical flag: OIDs */
	assert_int_equal(run(other, stream_len).end, COPY_STREAM_MALFORMED);
	other[12] = 0;
	other[18] = 3;				/* an extension of 3 bytes */
	memmove(other + 22, other + 19, stream_len - 19);
	assert_int_equal(run(other, stream_len + 3).end, COPY_STREAM_END);
	other[16] = 0xFF;			/* a very long one */
	assert_int_equal(run(other, stream_len + 3).end, COPY_STREAM_MALFORMED);
	memcpy(other, stream, stream_len);
	other[20] = 2;				/* fields */
	assert_int_equal(run(other, stream_len).end, COPY_STREAM_MALFORMED);
	memcpy(other, stream, stream_len);
	memset(other + 21, 0xFF, 4);	/* a NULL */
	assert_int_equal(run(other, stream_len).end, COPY_STREAM_MALFORMED);
	memcpy(other, stream, stream_len);
	memset(other + 38, 0xFF, 4);	/* and for the data */
	assert_int_equal(run(other, stream_len).end, COPY_STREAM_MALFORMED);
}

/* Leaves and rows given by hand. */
static log_check
upto(int leaves)
{
	log_check	c;

	log_check_begin(&c, &made.key, 1);
	for (int i = 0; i < leaves; i++)
		assert_int_equal(log_check_leaf(&c, made.leaf[i].data, made.leaf[i].len), LOG_CHECK_OK);
	return c;
}

static void
rows_of_an_entry(void **state)
{
	log_check	c = upto(3);

	assert_int_equal(log_check_rows_end(&c), LOG_CHECK_ROW_COUNT);
	for (int i = 0; i < MADE_ROWS; i++)
		assert_int_equal(log_check_row(&c, made.row[i].data, made.row[i].len), LOG_CHECK_OK);
	assert_int_equal(log_check_rows_end(&c), LOG_CHECK_OK);
	assert_int_equal(log_check_row(&c, made.row[0].data, made.row[0].len), LOG_CHECK_ROW_ORDER);
	assert_int_equal(log_check_rows_end(&c), LOG_CHECK_ROW_COUNT);

	c = upto(3);
	for (int i = 0; i < MADE_ROWS; i++)
	{
		made_bytes	row = made.row[i];

		if (i == 1)
			row.data[row.len - 1] ^= 1;
		assert_int_equal(log_check_row(&c, row.data, row.len), LOG_CHECK_OK);
	}
	assert_int_equal(log_check_rows_end(&c), LOG_CHECK_ROWS_ROOT);

	c = upto(3);
	assert_int_equal(log_check_row(&c, made.row[0].data, made.row[0].len - 1), LOG_CHECK_ROW_MALFORMED);
	c = upto(3);
	{
		made_bytes	row = made.row[0];

		bytes_store_u64(row.data + 1, MADE_FIRST_ID - 1);
		assert_int_equal(log_check_row(&c, row.data, row.len), LOG_CHECK_ROW_OUTSIDE);
		bytes_store_u64(row.data + 1, MADE_FIRST_ID + MADE_ROWS + 1);
		assert_int_equal(log_check_row(&c, row.data, row.len), LOG_CHECK_ROW_OUTSIDE);
	}
}

static log_check_result
with_block(encode_block b)
{
	log_check	c = upto(3);
	uint8_t		data[ENCODE_BLOCK_BYTES];
	bytes_out	o;

	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	return log_check_leaf(&c, data, o.len);
}

static void
blocks(void **state)
{
	static const encode_block right = {1, {0}, 0, 3, 0};
	encode_block b = right;

	assert_int_equal(with_block(b), LOG_CHECK_OK);
	b.height = 2;
	assert_int_equal(with_block(b), LOG_CHECK_BLOCK_HEIGHT);
	b = right;
	b.previous_block_hash[31] = 1;
	assert_int_equal(with_block(b), LOG_CHECK_BLOCK_CHAIN);
	b = right;
	b.count = 2;
	assert_int_equal(with_block(b), LOG_CHECK_BLOCK_SPAN);
	b.first_index = 1;
	assert_int_equal(with_block(b), LOG_CHECK_BLOCK_SPAN);
	b.first_index = 4;
	b.count = UINT64_MAX;
	assert_int_equal(with_block(b), LOG_CHECK_BLOCK_SPAN);
}

/* The second block stands on the first; from a lost leaf on nothing is known of the chain. */
static void
a_second_block(void **state)
{
	encode_block b = {2, {0}, MADE_LEAVES, 0, 0};
	uint8_t		data[ENCODE_BLOCK_BYTES];
	bytes_out	o;
	log_check	c = upto(MADE_LEAVES);
	log_check	lost = upto(MADE_LEAVES);

	memcpy(b.previous_block_hash, made.leaf_hash[3], 32);
	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	assert_int_equal(log_check_leaf(&c, data, o.len), LOG_CHECK_OK);
	assert_int_equal(log_check_leaf(&c, data, o.len), LOG_CHECK_BLOCK_HEIGHT);

	log_check_lost_leaf(&lost, made.leaf_hash[0]);
	b.height = 77;
	b.count = 1;
	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	assert_int_equal(log_check_leaf(&lost, data, o.len), LOG_CHECK_OK);
	log_check_lost_leaf(&lost, made.leaf_hash[0]);
	b.first_index = lost.tree.size + 1;
	b.count = UINT64_MAX;
	bytes_out_init(&o, data, sizeof(data));
	encode_block_put(&o, &b);
	assert_int_equal(log_check_leaf(&lost, data, o.len), LOG_CHECK_BLOCK_SPAN);
	assert_int_equal(log_check_leaf(&lost, "\1\3", 2), LOG_CHECK_LEAF_MALFORMED);
	assert_int_equal(log_check_leaf(&lost, "", 0), LOG_CHECK_LEAF_MALFORMED);
}

static void
checkpoints(void **state)
{
	log_check	c = upto(MADE_LEAVES);
	made_log	l = made;
	note_key	other;
	uint8_t		public_key[ED25519_PUBLIC_LEN] = {1};

	assert_int_equal(log_check_checkpoint(&c, made.note, made.note_len), LOG_CHECK_OK);
	assert_int_equal(log_check_checkpoint(&c, made.note, made.note_len - 1), LOG_CHECK_NOTE_MALFORMED);
	c = upto(3);
	assert_int_equal(log_check_checkpoint(&c, made.note, made.note_len), LOG_CHECK_NOTE_SIZE);
	c = upto(MADE_LEAVES);
	made_sign(&l, "another");
	assert_int_equal(log_check_checkpoint(&c, l.note, l.note_len), LOG_CHECK_NOTE_ORIGIN);
	l.root[0] ^= 1;
	made_sign(&l, l.key.name);
	assert_int_equal(log_check_checkpoint(&c, l.note, l.note_len), LOG_CHECK_NOTE_ROOT);
	memcpy(l.note, made.note, made.note_len);
	l.note[2] ^= 1;
	assert_int_equal(log_check_checkpoint(&c, l.note, made.note_len), LOG_CHECK_NOTE_SIGNATURE);
	assert_true(note_key_init(&other, "site.example/1", public_key));
	c.key = &other;
	assert_int_equal(log_check_checkpoint(&c, made.note, made.note_len), LOG_CHECK_NOTE_OTHER_KEY);
	{
		note_key	both[2] = {other, made.key};

		c.key = both;
		c.key_count = 2;
		assert_int_equal(log_check_checkpoint(&c, made.note, made.note_len), LOG_CHECK_OK);
	}
}

static int
make(void **state)
{
	made_log_init(&made);
	stream_len = made_stream(&made, stream, sizeof(stream) - 1);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_log),
		cmocka_unit_test(cut_streams),
		cmocka_unit_test(any_flipped_bit_is_noticed),
		cmocka_unit_test(headers),
		cmocka_unit_test(rows_of_an_entry),
		cmocka_unit_test(blocks),
		cmocka_unit_test(a_second_block),
		cmocka_unit_test(checkpoints),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}

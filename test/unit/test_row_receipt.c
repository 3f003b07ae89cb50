/*
 * test_row_receipt.c: receipts that hold, and every way in which one does not.
 */
#include "unit.h"

#include "core/row_receipt.h"
#include "made_log.h"

static made_log made;

/* Read and checked in a buffer that ends where it says. */
static row_receipt_result
judge(const char *json, size_t len)
{
	char	   *copy = unit_exact(json, len);
	row_receipt r;
	row_receipt_facts facts;
	row_receipt_result result = row_receipt_read(&r, copy, len);

	if (result == ROW_RECEIPT_VALID)
		result = row_receipt_check(&r, &made.key, &facts);
	free(copy);
	return result;
}

/* The receipt of row n with the first `from` replaced. */
static row_receipt_result
judge_edited(const made_log *l, int n, const char *from, const char *to)
{
	char		json[8192];
	char		edited[8192];
	char	   *at;

	made_receipt(l, n, json, sizeof(json));
	at = strstr(json, from);
	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int) (at - json), json, to, at + strlen(from));
	return judge(edited, strlen(edited));
}

static void
every_row_is_proven(void **state)
{
	for (int n = 0; n < MADE_ROWS; n++)
	{
		char		json[8192];
		size_t		len = made_receipt(&made, n, json, sizeof(json));
		row_receipt r;
		row_receipt_facts f;
		const uint8_t *at;
		decode_value v;

		assert_int_equal(judge(json, len), ROW_RECEIPT_VALID);
		assert_int_equal(row_receipt_read(&r, json, len), ROW_RECEIPT_VALID);
		assert_int_equal(row_receipt_check(&r, &made.key, &f), ROW_RECEIPT_VALID);
		assert_true(f.row.ledger_id == MADE_FIRST_ID + (uint64_t) n + (n >= 3 ? 1 : 0));
		assert_int_equal(f.checkpoint.size, MADE_LEAVES);
		assert_int_equal(f.entry.xid, 4711);
		assert_true(decode_text_is(&f.entry.role, "writer", 6));
		assert_int_equal(f.schema.column_count, 2);
		at = f.row.columns;
		decode_row_next(&at, &v);
		assert_int_equal(v.len, n + 1);
		assert_memory_equal(v.data, "abcdefghij", v.len);
	}
}

static void
other_spellings_of_one_text(void **state)
{
	assert_int_equal(judge_edited(&made, 0, "public.payment", "public\\u002epayment"), ROW_RECEIPT_VALID);
	assert_int_equal(judge_edited(&made, 0, "c2sp.org/tlog", "c2sp.org\\/tlog"), ROW_RECEIPT_VALID);
	assert_int_equal(judge_edited(&made, 0, "\xe2\x80\x94", "\\u2014"), ROW_RECEIPT_VALID);
	assert_int_equal(judge_edited(&made, 0, "{", " \n{\t"), ROW_RECEIPT_VALID);
	assert_int_equal(judge_edited(&made, 0, "index 2", "extra AAAA\\nindex 2"), ROW_RECEIPT_VALID);
	assert_int_equal(judge_edited(&made, 0, "index 2", "extra AAA\\nindex 2"), ROW_RECEIPT_PROOF_MALFORMED);
}

static void
each_way_to_fail_has_its_name(void **state)
{
	static const struct
	{
		const char *from;
		const char *to;
		row_receipt_result expected;
	}			c[] = {
		{"row-receipt/v1", "row-receipt/v2", ROW_RECEIPT_UNKNOWN_FORMAT},
		{"public.payment", "public.paymenu", ROW_RECEIPT_OTHER_RELATION},
		{"\"ledger_id\": 35184372088833", "\"ledger_id\": 35184372088834", ROW_RECEIPT_OTHER_LEDGER_ID},
		{"\"ledger_id\": 35184372088833", "\"ledger_id\": 0", ROW_RECEIPT_MALFORMED},
		{"\"ledger_id\": 35184372088833", "\"ledger_id\": 35184372088833.0", ROW_RECEIPT_MALFORMED},
		{"\"row_index\": 0", "\"row_index\": 1", ROW_RECEIPT_NOT_IN_ENTRY},
		{"\"row_index\": 0", "\"row_index\": 5", ROW_RECEIPT_NOT_IN_ENTRY},
		{"\"row_index\": 0", "\"row_index\": -1", ROW_RECEIPT_MALFORMED},
		{"\"row_count\": 5", "\"row_count\": 6", ROW_RECEIPT_OTHER_ROW_COUNT},
		{"\"row_count\": 5", "\"row_count\": 513", ROW_RECEIPT_MALFORMED},
		{"\"row_path\": [", "\"row_path\": [\"AAAA\", ", ROW_RECEIPT_MALFORMED},
		{"\"row_path\": [", "\"row_path\": [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", ", ROW_RECEIPT_NOT_IN_ENTRY},
		{"\"row\": \"A", "\"row\": \"B", ROW_RECEIPT_NOT_IN_ENTRY},
		{"\"row\": \"", "\"row\": \"=", ROW_RECEIPT_MALFORMED},
		{"\"entry\": \"A", "\"entry\": \"B", ROW_RECEIPT_ENTRY_MALFORMED},
		{"\"schema\": \"A", "\"schema\": \"B", ROW_RECEIPT_OTHER_SCHEMA},
		{"tlog-proof@v1", "tlog-proof@v2", ROW_RECEIPT_PROOF_MALFORMED},
		{"index 2", "index 3", ROW_RECEIPT_NOT_IN_LOG},
		{"index 2\\n", "index 2\\nAAAA\\n", ROW_RECEIPT_PROOF_MALFORMED},
		{"index 2", "index 4", ROW_RECEIPT_NOT_IN_LOG},
		{"index 2", "index 02", ROW_RECEIPT_PROOF_MALFORMED},
		{"index 2", "index 9223372036854775808", ROW_RECEIPT_PROOF_MALFORMED},
		{"\\n\\nsite", "\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\\n\\nsite", ROW_RECEIPT_NOT_IN_LOG},
		{"\\n4\\n", "\\n5\\n", ROW_RECEIPT_WRONG_SIGNATURE},
		{"site.example/1\\n4", "site.example/2\\n4", ROW_RECEIPT_WRONG_SIGNATURE},
		{"\xe2\x80\x94 site.example/1", "\xe2\x80\x94 site.example/2", ROW_RECEIPT_OTHER_KEY},
		{"\xe2\x80\x94 site", "- site", ROW_RECEIPT_NOTE_MALFORMED},
		{"\"row_index\": 0, ", "", ROW_RECEIPT_MALFORMED},
		{"\"row_index\": 0", "\"row_index\": 0, \"row_index\": 0", ROW_RECEIPT_MALFORMED},
		{"\"row_index\": 0", "\"row_index\": 0, \"more\": 0", ROW_RECEIPT_MALFORMED},
		{"\"}", "\"}x", ROW_RECEIPT_MALFORMED},
		{"{", "[", ROW_RECEIPT_MALFORMED}
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
	{
		row_receipt_result got = judge_edited(&made, 0, c[i].from, c[i].to);

		if (got != c[i].expected)
			fprintf(stderr, "%s -> %s: %s, not %s\n", c[i].from, c[i].to,
					row_receipt_name(got), row_receipt_name(c[i].expected));
		assert_int_equal(got, c[i].expected);
	}
	assert_int_equal(judge("", 0), ROW_RECEIPT_MALFORMED);
}

/* What only a log that signs nonsense can bring about. */
static void
logs_that_sign_nonsense(void **state)
{
	made_log	l = made;
	encode_entry entry = {MADE_FIRST_ID + 1, MADE_FIRST_ID + MADE_ROWS, MADE_ROWS, "public.payment", 2};
	char		json[8192];
	bytes_out	o;

	made_sign(&l, "another.example/log");
	assert_int_equal(judge(json, made_receipt(&l, 1, json, sizeof(json))), ROW_RECEIPT_WRONG_ORIGIN);

	/* the entry's run does not hold its first row */
	memcpy(entry.schema_digest, made.leaf_hash[0], 32);
	memcpy(entry.rows_root, made.leaf[2].data + made.leaf[2].len - 8 - 8 - 4 - 6 - 32, 32);
	entry.role = "writer";
	bytes_out_init(&o, l.leaf[2].data, sizeof(l.leaf[2].data));
	encode_entry_put(&o, &entry);
	made_leaf(&l, 2, &o);
	made_seal(&l);
	assert_int_equal(judge(json, made_receipt(&l, 1, json, sizeof(json))), ROW_RECEIPT_VALID);
	assert_int_equal(judge(json, made_receipt(&l, 0, json, sizeof(json))), ROW_RECEIPT_ID_OUTSIDE);

	/* the schema's version, then its table, are not the entry's */
	entry.schema_version = 3;
	bytes_out_init(&o, l.leaf[2].data, sizeof(l.leaf[2].data));
	encode_entry_put(&o, &entry);
	made_leaf(&l, 2, &o);
	made_seal(&l);
	assert_int_equal(judge(json, made_receipt(&l, 1, json, sizeof(json))), ROW_RECEIPT_OTHER_SCHEMA);

	/* what the digest names is no schema */
	entry.schema_version = 2;
	l.leaf[0].data[1] = ENCODE_KIND_BLOCK;
	merkle_leaf_hash(l.leaf[0].data, l.leaf[0].len, l.leaf_hash[0]);
	memcpy(entry.schema_digest, l.leaf_hash[0], 32);
	bytes_out_init(&o, l.leaf[2].data, sizeof(l.leaf[2].data));
	encode_entry_put(&o, &entry);
	made_leaf(&l, 2, &o);
	made_seal(&l);
	assert_int_equal(judge(json, made_receipt(&l, 1, json, sizeof(json))), ROW_RECEIPT_SCHEMA_MALFORMED);
}

/* Rows that a log hashed though they are none. */
static void
rows_that_are_none(void **state)
{
	for (int ordinal = 2; ordinal <= 4; ordinal += 2)
	{
		made_log	l = made;
		encode_entry entry = {MADE_FIRST_ID, MADE_FIRST_ID + MADE_ROWS, MADE_ROWS, "public.payment", 2};
		char		json[8192];
		merkle_frontier f;
		bytes_out	o;

		/* the second column's ordinal, which the schema has not; then a row cut short */
		bytes_store_u16(l.row[0].data + 11 + 6 + 1, (uint16_t) ordinal);
		if (ordinal == 4)
			l.row[1].len--;
		merkle_frontier_init(&f);
		for (int i = 0; i < MADE_ROWS; i++)
		{
			merkle_leaf_hash(l.row[i].data, l.row[i].len, l.row_hash[i]);
			merkle_frontier_append(&f, l.row_hash[i]);
		}
		merkle_frontier_root(&f, entry.rows_root);
		memcpy(entry.schema_digest, made.leaf_hash[0], 32);
		entry.role = "writer";
		bytes_out_init(&o, l.leaf[2].data, sizeof(l.leaf[2].data));
		encode_entry_put(&o, &entry);
		made_leaf(&l, 2, &o);
		made_seal(&l);
		assert_int_equal(judge(json, made_receipt(&l, 0, json, sizeof(json))), ROW_RECEIPT_UNKNOWN_COLUMN);
		assert_int_equal(judge(json, made_receipt(&l, 1, json, sizeof(json))),
						 ordinal == 4 ? ROW_RECEIPT_ROW_MALFORMED : ROW_RECEIPT_VALID);
	}
}

/* No bit of what a receipt's strings hold can be another. */
static void
any_changed_character_is_refused(void **state)
{
	char		json[8192];
	size_t		len = made_receipt(&made, 3, json, sizeof(json));
	const char *proof = strstr(json, "\"proof\"");

	for (size_t i = 0; i < len; i++)
	{
		for (int bit = 0; bit < 8; bit++)
		{
			char		edited[8192];

			memcpy(edited, json, len);
			edited[i] = (char) (edited[i] ^ (1 << bit));
			/* space between tokens is no content; nor is the case of nothing else */
			if (json[i] == ' ' && strchr("\t\n\r", edited[i]) != NULL && json + i < proof)
				continue;
			assert_int_not_equal(judge(edited, len), ROW_RECEIPT_VALID);
		}
	}
	for (size_t i = 0; i < len; i++)
		assert_int_not_equal(judge(json, i), ROW_RECEIPT_VALID);
}

static void
names_are_told_apart(void **state)
{
	for (int i = 0; i < ROW_RECEIPT_RESULT_COUNT; i++)
	{
		assert_non_null(row_receipt_name((row_receipt_result) i));
		assert_non_null(row_receipt_sentence((row_receipt_result) i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(row_receipt_name((row_receipt_result) i), row_receipt_name((row_receipt_result) k));
	}
}

static int
make(void **state)
{
	made_log_init(&made);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_proven),
		cmocka_unit_test(other_spellings_of_one_text),
		cmocka_unit_test(each_way_to_fail_has_its_name),
		cmocka_unit_test(logs_that_sign_nonsense),
		cmocka_unit_test(rows_that_are_none),
		cmocka_unit_test(any_changed_character_is_refused),
		cmocka_unit_test(names_are_told_apart),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}

/*
 * verify_receipt.c: energyledger-verify receipt.
 *
 * What is printed comes from the bytes that were proven, never from what the receipt
 * says beside them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/row_receipt.h"
#include "core/row_text.h"
#include "verify.h"

/* The columns of the schema in order; those that the row has not are NULL. */
static void
report_row(const decode_row *row, const decode_schema *schema)
{
	const uint8_t *column_at = schema->columns;
	const uint8_t *value_at = row->columns;
	int			left = row->column_count;
	decode_value value = {0};

	report_columns_begin();
	if (left > 0)
		decode_row_next(&value_at, &value);
	for (int i = 0; i < schema->column_count; i++)
	{
		decode_column c;
		row_text_form form;
		bytes_out	o;
		size_t		cap;
		char	   *text;

		decode_schema_next(&column_at, &c);
		if (left == 0 || value.ordinal != c.ordinal)
		{
			report_column(&c, NULL, 0, ROW_TEXT_STRING);
			continue;
		}
		cap = row_text_size_max(value.len);
		text = verify_alloc(cap);
		bytes_out_init(&o, text, cap);
		form = row_text_put(&o, c.type.text, c.type.len, value.data, value.len);
		report_column(&c, text, o.len, form);
		free(text);
		if (--left > 0)
			decode_row_next(&value_at, &value);
	}
	report_columns_end();
}

/* With the key that comes furthest: what it says about that is of use. */
static row_receipt_result
check_with_keys(const row_receipt *r, const verify_options *o, row_receipt_facts *facts, const note_key **key)
{
	row_receipt_result result = ROW_RECEIPT_OTHER_KEY;

	for (int i = 0; i < o->key_count; i++)
	{
		row_receipt_result now = row_receipt_check(r, &o->key[i], facts);

		if (now == ROW_RECEIPT_OTHER_KEY)
			continue;
		*key = &o->key[i];
		result = now;
		if (now != ROW_RECEIPT_WRONG_ORIGIN)
			break;
	}
	return result;
}

verify_status
verify_receipt(const verify_options *o)
{
	verify_buffer b = {0};
	row_receipt r;
	row_receipt_facts facts;
	row_receipt_result result;
	const note_key *key = NULL;
	verify_status status;

	status = verify_need_file(o->operand[0], ROW_RECEIPT_BYTES_MAX, &b);
	if (status != VERIFY_OK)
		return status;
	result = row_receipt_read(&r, (char *) b.data, b.len);
	if (result == ROW_RECEIPT_VALID)
		result = check_with_keys(&r, o, &facts, &key);
	if (result != ROW_RECEIPT_VALID)
		status = report_end(VERIFY_NOT, row_receipt_name(result), "%s", row_receipt_sentence(result));
	else
	{
		report_text("relation", facts.entry.relation.text, facts.entry.relation.len);
		report_number("ledger_id", facts.row.ledger_id);
		report_row(&facts.row, &facts.schema);
		report_text("role", facts.entry.role.text, facts.entry.role.len);
		report_time("time", facts.entry.time_us);
		report_number("xid", facts.entry.xid);
		report_number("schema_version", facts.entry.schema_version);
		report_number("log_index", r.proof.index);
		report_string("origin", facts.checkpoint.origin);
		report_number("log_size", facts.checkpoint.size);
		report_hash("log_root", facts.checkpoint.root);
		status = report_end(VERIFY_OK, "valid", "the row is in the log of %s", key->name);
	}
	free(b.data);
	return status;
}

/*
 * row_receipt.c: does this receipt prove this row, to somebody who trusts one key?
 *
 * A receipt carries everything but the key: the row's bytes, the entry they were
 * hashed into, the entry's place in the log and the checkpoint that a log signed.
 * Nothing in it is believed for being there.  The way goes down from the signature:
 * checkpoint, root, entry, rows' root, row; and what the receipt says beside that
 * (table, ledger_id, schema) must be what the proven bytes say.  So every byte of a
 * receipt is either checked or not there: members that the format has not are
 * refused too.
 */
#include "core/row_receipt.h"

#include <string.h>

#include "core/base64.h"
#include "core/json.h"
#include "core/keyset.h"

/* In place: the output is never longer than what was read. */
static bool
row_receipt_text(json_reader *reader, decode_text *t)
{
	json_string s;

	if (json_read_string(reader, &s) != REFUSAL_NONE)
		return false;
	t->text = (const char *) s.bytes;
	t->len = json_unescape(&s, (uint8_t *) (uintptr_t) s.bytes);
	return true;
}

static bool
row_receipt_bytes(json_reader *reader, const uint8_t **data, size_t *len)
{
	decode_text t;

	if (!row_receipt_text(reader, &t))
		return false;
	*data = (const uint8_t *) t.text;
	return base64_decode(t.text, t.len, (uint8_t *) (uintptr_t) t.text, t.len, len);
}

static bool
row_receipt_number(json_reader *reader, int64_t least, int64_t most, uint64_t *value)
{
	int64_t		v;

	if (json_read_int(reader, &v) != REFUSAL_NONE || v < least || v > most)
		return false;
	*value = (uint64_t) v;
	return true;
}

static bool
row_receipt_path(json_reader *reader, row_receipt *r)
{
	bool		first = true;
	bool		more;

	if (json_enter(reader, '[') != REFUSAL_NONE)
		return false;
	for (r->row_path_count = 0;; r->row_path_count++)
	{
		const uint8_t *data;
		size_t		len;

		if (json_more(reader, '[', first, &more) != REFUSAL_NONE)
			return false;
		if (!more)
			return true;
		first = false;
		if (r->row_path_count == ROW_RECEIPT_PATH_MAX ||
			!row_receipt_bytes(reader, &data, &len) || len != MERKLE_HASH_LEN)
			return false;
		memcpy(r->row_path[r->row_path_count], data, MERKLE_HASH_LEN);
	}
}

enum
{
	MEMBER_FORMAT, MEMBER_RELATION, MEMBER_LEDGER_ID, MEMBER_ROW, MEMBER_ROW_INDEX, MEMBER_ROW_COUNT,
	MEMBER_ROW_PATH, MEMBER_ENTRY, MEMBER_SCHEMA, MEMBER_PROOF, MEMBER_COUNT
};

static const char *const member_name[MEMBER_COUNT] = {
	"format", "relation", "ledger_id", "row", "row_index", "row_count",
	"row_path", "entry", "schema", "proof"
};

static int
row_receipt_member(const json_string *name)
{
	for (int i = 0; i < MEMBER_COUNT; i++)
	{
		if (strlen(member_name[i]) == name->len && memcmp(member_name[i], name->bytes, name->len) == 0)
			return i;
	}
	return -1;
}

static row_receipt_result
row_receipt_value(row_receipt *r, json_reader *reader, int member)
{
	decode_text t;
	uint64_t	n = 0;
	bool		ok = false;

	switch (member)
	{
		case MEMBER_FORMAT:
			if (!row_receipt_text(reader, &t))
				return ROW_RECEIPT_MALFORMED;
			return decode_text_is(&t, ROW_RECEIPT_FORMAT, strlen(ROW_RECEIPT_FORMAT)) ?
				ROW_RECEIPT_VALID : ROW_RECEIPT_UNKNOWN_FORMAT;
		case MEMBER_PROOF:
			if (!row_receipt_text(reader, &t))
				return ROW_RECEIPT_MALFORMED;
			return tlog_proof_parse(&r->proof, t.text, t.len) ?
				ROW_RECEIPT_VALID : ROW_RECEIPT_PROOF_MALFORMED;
		case MEMBER_RELATION:
			ok = row_receipt_text(reader, &r->relation);
			break;
		case MEMBER_LEDGER_ID:
			ok = row_receipt_number(reader, 1, INT64_MAX, &r->ledger_id);
			break;
		case MEMBER_ROW:
			ok = row_receipt_bytes(reader, &r->row, &r->row_len);
			break;
		case MEMBER_ROW_INDEX:
			ok = row_receipt_number(reader, 0, DECODE_ENTRY_ROWS_MAX - 1, &n);
			r->row_index = (uint32_t) n;
			break;
		case MEMBER_ROW_COUNT:
			ok = row_receipt_number(reader, 1, DECODE_ENTRY_ROWS_MAX, &n);
			r->row_count = (uint32_t) n;
			break;
		case MEMBER_ROW_PATH:
			ok = row_receipt_path(reader, r);
			break;
		case MEMBER_ENTRY:
			ok = row_receipt_bytes(reader, &r->entry, &r->entry_len);
			break;
		case MEMBER_SCHEMA:
			ok = row_receipt_bytes(reader, &r->schema, &r->schema_len);
			break;
	}
	return ok ? ROW_RECEIPT_VALID : ROW_RECEIPT_MALFORMED;
}

row_receipt_result
row_receipt_read(row_receipt *r, char *json, size_t len)
{
	json_reader reader;
	unsigned	seen = 0;
	bool		first = true;

	memset(r, 0, sizeof(*r));
	if (len > ROW_RECEIPT_BYTES_MAX)
		return ROW_RECEIPT_TOO_LARGE;
	json_open(&reader, (const uint8_t *) json, len);
	if (json_enter(&reader, '{') != REFUSAL_NONE)
		return ROW_RECEIPT_MALFORMED;
	for (;;)
	{
		row_receipt_result result;
		json_string name;
		int			member;
		bool		more;

		if (json_more(&reader, '{', first, &more) != REFUSAL_NONE)
			return ROW_RECEIPT_MALFORMED;
		if (!more)
			break;
		first = false;
		if (json_read_name(&reader, &name) != REFUSAL_NONE)
			return ROW_RECEIPT_MALFORMED;
		member = row_receipt_member(&name);
		if (member < 0 || (seen & (1u << member)) != 0)
			return ROW_RECEIPT_MALFORMED;
		seen |= 1u << member;
		result = row_receipt_value(r, &reader, member);
		if (result != ROW_RECEIPT_VALID)
			return result;
	}
	if (json_close(&reader) != REFUSAL_NONE || seen != (1u << MEMBER_COUNT) - 1)
		return ROW_RECEIPT_MALFORMED;
	return ROW_RECEIPT_VALID;
}

static row_receipt_result
row_receipt_check_note(const row_receipt *r, const note_key *key, note_checkpoint *c)
{
	size_t		text_len;

	switch (note_verify(r->proof.note, r->proof.note_len, key, &text_len))
	{
		case NOTE_VALID:
			break;
		case NOTE_INVALID:
			return ROW_RECEIPT_WRONG_SIGNATURE;
		case NOTE_UNSIGNED:
			return ROW_RECEIPT_OTHER_KEY;
		case NOTE_MALFORMED:
			return ROW_RECEIPT_NOTE_MALFORMED;
	}
	if (!note_checkpoint_parse(r->proof.note, text_len, c))
		return ROW_RECEIPT_NOTE_MALFORMED;
	return strcmp(c->origin, key->name) == 0 ? ROW_RECEIPT_VALID : ROW_RECEIPT_WRONG_ORIGIN;
}

static row_receipt_result
row_receipt_check_entry(const row_receipt *r, row_receipt_facts *f)
{
	uint8_t		hash[MERKLE_HASH_LEN];

	if (!decode_entry_read(r->entry, r->entry_len, &f->entry))
		return ROW_RECEIPT_ENTRY_MALFORMED;
	merkle_leaf_hash(r->entry, r->entry_len, hash);
	if (merkle_verify_inclusion(hash, r->proof.index, f->checkpoint.size,
								(const uint8_t (*)[MERKLE_HASH_LEN]) r->proof.path, r->proof.path_count,
								f->checkpoint.root) != MERKLE_VALID)
		return ROW_RECEIPT_NOT_IN_LOG;
	merkle_leaf_hash(r->schema, r->schema_len, hash);
	if (memcmp(hash, f->entry.schema_digest, MERKLE_HASH_LEN) != 0)
		return ROW_RECEIPT_OTHER_SCHEMA;
	if (!decode_schema_read(r->schema, r->schema_len, &f->schema))
		return ROW_RECEIPT_SCHEMA_MALFORMED;
	if (f->schema.schema_version != f->entry.schema_version ||
		!decode_text_is(&f->schema.relation, f->entry.relation.text, f->entry.relation.len))
		return ROW_RECEIPT_OTHER_SCHEMA;
	if (!decode_text_is(&r->relation, f->entry.relation.text, f->entry.relation.len))
		return ROW_RECEIPT_OTHER_RELATION;
	if (r->row_count != f->entry.row_count)
		return ROW_RECEIPT_OTHER_ROW_COUNT;
	return ROW_RECEIPT_VALID;
}

/* Both ascend by ordinal: one walk. */
static bool
row_receipt_columns_known(const decode_row *row, const decode_schema *schema)
{
	const uint8_t *value_at = row->columns;
	const uint8_t *column_at = schema->columns;
	int			left = schema->column_count;

	for (int i = 0; i < row->column_count; i++)
	{
		decode_value value;
		decode_column column;

		decode_row_next(&value_at, &value);
		do
		{
			if (left-- == 0)
				return false;
			decode_schema_next(&column_at, &column);
		} while (column.ordinal < value.ordinal);
		if (column.ordinal != value.ordinal)
			return false;
	}
	return true;
}

static row_receipt_result
row_receipt_check_row(const row_receipt *r, row_receipt_facts *f)
{
	uint8_t		hash[MERKLE_HASH_LEN];

	merkle_leaf_hash(r->row, r->row_len, hash);
	if (merkle_verify_inclusion(hash, r->row_index, r->row_count,
								(const uint8_t (*)[MERKLE_HASH_LEN]) r->row_path, r->row_path_count,
								f->entry.rows_root) != MERKLE_VALID)
		return ROW_RECEIPT_NOT_IN_ENTRY;
	if (!decode_row_read(r->row, r->row_len, &f->row))
		return ROW_RECEIPT_ROW_MALFORMED;
	if (f->row.ledger_id != r->ledger_id)
		return ROW_RECEIPT_OTHER_LEDGER_ID;
	if (f->row.ledger_id < f->entry.first_id || f->row.ledger_id > f->entry.last_id)
		return ROW_RECEIPT_ID_OUTSIDE;
	if (!row_receipt_columns_known(&f->row, &f->schema))
		return ROW_RECEIPT_UNKNOWN_COLUMN;
	return ROW_RECEIPT_VALID;
}

row_receipt_result
row_receipt_check(const row_receipt *r, const note_key *key, row_receipt_facts *facts)
{
	row_receipt_result result = row_receipt_check_note(r, key, &facts->checkpoint);

	if (result == ROW_RECEIPT_VALID)
		result = row_receipt_check_entry(r, facts);
	if (result == ROW_RECEIPT_VALID)
		result = row_receipt_check_row(r, facts);
	return result;
}

static const struct
{
	const char *name;
	const char *sentence;
}			row_receipt_text_of[ROW_RECEIPT_RESULT_COUNT] = {
	[ROW_RECEIPT_VALID] = {"valid", "the row is in the log"},
	[ROW_RECEIPT_TOO_LARGE] = {"too_large", "the receipt is larger than 256 MiB"},
	[ROW_RECEIPT_MALFORMED] = {"malformed", "this is not the JSON of a row receipt"},
	[ROW_RECEIPT_UNKNOWN_FORMAT] = {"unknown_format", "\"format\" is not " ROW_RECEIPT_FORMAT},
	[ROW_RECEIPT_PROOF_MALFORMED] = {"proof_malformed", "\"proof\" is not a tlog-proof"},
	[ROW_RECEIPT_NOTE_MALFORMED] = {"note_malformed", "the proof holds no signed checkpoint"},
	[ROW_RECEIPT_OTHER_KEY] = {"other_key", "the checkpoint is not signed by this key"},
	[ROW_RECEIPT_WRONG_SIGNATURE] = {"wrong_signature", "the checkpoint's signature is wrong"},
	[ROW_RECEIPT_WRONG_ORIGIN] = {"wrong_origin", "the checkpoint is of another log than the key's"},
	[ROW_RECEIPT_ENTRY_MALFORMED] = {"entry_malformed", "\"entry\" is not the data of an entry"},
	[ROW_RECEIPT_NOT_IN_LOG] = {"not_in_log", "the proof does not lead from the entry to the checkpoint's root"},
	[ROW_RECEIPT_OTHER_SCHEMA] = {"other_schema", "\"schema\" is not the one that the entry names"},
	[ROW_RECEIPT_SCHEMA_MALFORMED] = {"schema_malformed", "\"schema\" is not the data of a schema"},
	[ROW_RECEIPT_OTHER_RELATION] = {"other_relation", "\"relation\" is not the entry's table"},
	[ROW_RECEIPT_OTHER_ROW_COUNT] = {"other_row_count", "\"row_count\" is not the entry's"},
	[ROW_RECEIPT_NOT_IN_ENTRY] = {"not_in_entry", "the row's path does not lead to the entry's root of rows"},
	[ROW_RECEIPT_ROW_MALFORMED] = {"row_malformed", "\"row\" is not the bytes of a row"},
	[ROW_RECEIPT_OTHER_LEDGER_ID] = {"other_ledger_id", "\"ledger_id\" is not the row's"},
	[ROW_RECEIPT_ID_OUTSIDE] = {"id_outside", "the row's ledger_id lies outside of its entry"},
	[ROW_RECEIPT_UNKNOWN_COLUMN] = {"unknown_column", "the row has a column that the schema has not"},
};

const char *
row_receipt_name(row_receipt_result result)
{
	return result < ROW_RECEIPT_RESULT_COUNT ? row_receipt_text_of[result].name : "unknown";
}

const char *
row_receipt_sentence(row_receipt_result result)
{
	return result < ROW_RECEIPT_RESULT_COUNT ? row_receipt_text_of[result].sentence : "unknown result";
}

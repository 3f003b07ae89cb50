/*
 * receipt.c: puts a receipt together: the row's bytes, its path in its entry, the
 * entry, its columns, and the entry's proof up to the newest checkpoint.
 *
 * A receipt that did not verify would accuse the site, so each step is checked as
 * whoever gets the receipt will check it: the rows against the entry's root, the
 * columns against the entry's digest, the proof against the root that was signed.
 * The signature itself is not: that needs a key that does not come from here.
 */
#include "postgres.h"
#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "core/base64.h"
#include "core/merkle_path.h"
#include "core/note.h"
#include "ledger/entry_index.h"
#include "ledger/entry_rows.h"
#include "ledger/receipt.h"
#include "ledger/tree_read.h"

#define RECEIPT_FORMAT "energyledger/row-receipt/v1"
#define RECEIPT_PROOF_FORMAT "c2sp.org/tlog-proof@v1"

static void
receipt_damaged(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("no receipt can be made: the log does not verify"),
			 errdetail("%s", detail),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

static char *
receipt_base64(const uint8 *data, Size len)
{
	Size		cap = BASE64_LEN(len);
	char	   *text = palloc(cap + 1);

	text[base64_encode(data, len, text, cap)] = '\0';
	return text;
}

/* ---- the row in its entry ---- */

static bool
receipt_row_source(void *arg, merkle_subtree subtree, uint8_t out[MERKLE_HASH_LEN])
{
	const EntryRows *rows = arg;
	uint8_t		hash[MERKLE_TILE_WIDTH][MERKLE_HASH_LEN];
	int			count = 1 << subtree.level;

	StaticAssertStmt(ENTRY_ROWS_MAX <= 2 * MERKLE_TILE_WIDTH,
					 "the half of an entry that a path needs is no more than a tile");
	for (int i = 0; i < count; i++)
		memcpy(hash[i], rows->row[(subtree.index << subtree.level) + (uint64) i].hash, MERKLE_HASH_LEN);
	merkle_path_perfect((const uint8_t (*)[MERKLE_HASH_LEN]) hash, count, out);
	return true;
}

static void
receipt_put_row_path(StringInfo json, EntryRows *rows, int at)
{
	merkle_range range[MERKLE_PATH_MAX];
	int			count;

	if (!merkle_path_inclusion((uint64) at, (uint64) rows->count, range, &count))
		elog(ERROR, "row %d is not in its entry", at);
	appendStringInfoString(json, ", \"row_path\": [");
	for (int i = 0; i < count; i++)
	{
		uint8		hash[MERKLE_HASH_LEN];

		if (!merkle_path_root(range[i], receipt_row_source, rows, hash))
			elog(ERROR, "row %d has no path in its entry", at);
		appendStringInfo(json, "%s\"%s\"", i > 0 ? ", " : "", receipt_base64(hash, MERKLE_HASH_LEN));
	}
	appendStringInfoChar(json, ']');
}

static void
receipt_put_row(StringInfo json, int64 ledger_id, const FoundEntry *e)
{
	EntryReader *reader = entry_reader_make(CurrentMemoryContext);
	EntryRows  *rows = palloc(sizeof(EntryRows));
	int			at = 0;
	uint8	   *bytes;
	Size		len;

	entry_reader_rows(reader, e, true, rows);
	while (at < rows->count && rows->row[at].id != (uint64) ledger_id)
		at++;
	if (at == rows->count)
		log_find_no_row(ledger_id,
						psprintf("The entry from " UINT64_FORMAT " to " UINT64_FORMAT " has no such row: its savepoint was rolled back.",
								 e->entry.first_id, e->entry.last_id));
	bytes = entry_row_bytes(rows, at, &len);
	if (len > RECEIPT_ROW_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row with ledger_id " INT64_FORMAT " is too large for a receipt", ledger_id),
				 errdetail("It has %zu bytes; the limit is %d.", len, RECEIPT_ROW_BYTES_MAX)));
	appendStringInfo(json, ", \"row\": \"%s\", \"row_index\": %d, \"row_count\": %d",
					 receipt_base64(bytes, len), at, rows->count);
	receipt_put_row_path(json, rows, at);
	entry_reader_end(reader);
}

/* ---- the entry in the log ---- */

/* Root and size that the block's checkpoint states. */
static void
receipt_read_checkpoint(const FoundBlock *newest, note_checkpoint *checkpoint)
{
	const char *end = strstr(newest->note, "\n\n");

	if (end == NULL || !note_checkpoint_parse(newest->note, (size_t) (end - newest->note) + 1, checkpoint) ||
		checkpoint->size != newest->size)
		receipt_damaged(psprintf("The checkpoint of block " UINT64_FORMAT " is not one over its " UINT64_FORMAT " leaves.",
								 newest->block.height, newest->size));
}

/* c2sp.org/tlog-proof */
static char *
receipt_log_proof(const FoundEntry *e, const FoundBlock *newest, const uint8 leaf[MERKLE_HASH_LEN])
{
	uint64		index = entry_index(e, newest);
	TreeReader *tree = tree_read_begin(e->site_id, newest->size);
	uint8		proof[MERKLE_PATH_MAX][MERKLE_HASH_LEN];
	int			count = tree_read_inclusion(tree, index, proof);
	note_checkpoint checkpoint;
	StringInfoData text;

	tree_read_end(tree);
	receipt_read_checkpoint(newest, &checkpoint);
	if (merkle_verify_inclusion(leaf, index, newest->size, (const uint8_t (*)[MERKLE_HASH_LEN]) proof,
								(size_t) count, checkpoint.root) != MERKLE_VALID)
		receipt_damaged(psprintf("Leaf " UINT64_FORMAT " and the stored tree do not give the root of the checkpoint of size " UINT64_FORMAT ".",
								 index, newest->size));
	initStringInfo(&text);
	appendStringInfo(&text, RECEIPT_PROOF_FORMAT "\nindex " UINT64_FORMAT "\n", index);
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s\n", receipt_base64(proof[i], MERKLE_HASH_LEN));
	appendStringInfo(&text, "\n%s", newest->note);
	return text.data;
}

/* The columns, so that the row can be read where there is no database. */
static void
receipt_put_schema(StringInfo json, const FoundEntry *e)
{
	encode_schema schema;
	uint8		hash[MERKLE_HASH_LEN];
	uint8	   *bytes;
	Size		len;

	if (!log_find_schema(e->site_id, e->entry.relation, e->entry.schema_version, &schema))
		receipt_damaged(psprintf("Version %u of the columns of \"%s\" is missing.",
								 e->entry.schema_version, e->entry.relation));
	bytes = log_schema_bytes(&schema, &len);
	merkle_leaf_hash(bytes, len, hash);
	if (memcmp(hash, e->entry.schema_digest, MERKLE_HASH_LEN) != 0)
		receipt_damaged(psprintf("Version %u of the columns of \"%s\" has another hash than entry " UINT64_FORMAT " states.",
								 e->entry.schema_version, e->entry.relation, e->entry.first_id));
	appendStringInfo(json, ", \"schema\": \"%s\"", receipt_base64(bytes, len));
}

char *
receipt_make(int64 ledger_id)
{
	FoundEntry	e;
	FoundBlock	newest;
	StringInfoData json;
	uint8		hash[MERKLE_HASH_LEN];
	uint8	   *bytes;
	Size		len;

	log_find_entry_or_error(ledger_id, &e);
	entry_index_newest(e.site_id, &newest);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"format\": \"" RECEIPT_FORMAT "\", \"ledger_id\": " INT64_FORMAT ", \"relation\": ", ledger_id);
	escape_json(&json, e.entry.relation);
	receipt_put_row(&json, ledger_id, &e);
	receipt_put_schema(&json, &e);
	bytes = log_entry_bytes(&e.entry, &len);
	merkle_leaf_hash(bytes, len, hash);
	appendStringInfo(&json, ", \"entry\": \"%s\", \"proof\": ", receipt_base64(bytes, len));
	escape_json(&json, receipt_log_proof(&e, &newest, hash));
	appendStringInfoChar(&json, '}');
	return json.data;
}

/*
 * row_receipt.h: receipts for rows (doc/format.md, "Row receipt"): reading one and
 * checking it against a key that came by another way.
 */
#ifndef CORE_ROW_RECEIPT_H
#define CORE_ROW_RECEIPT_H

#include "core/decode.h"
#include "core/note.h"
#include "core/tlog_proof.h"

#define ROW_RECEIPT_FORMAT "energyledger/row-receipt/v1"
#define ROW_RECEIPT_BYTES_MAX (256 * 1024 * 1024)	/* of the JSON text */
#define ROW_RECEIPT_PATH_MAX 9	/* hashes from a row to its entry's root: 512 rows */

/* Why a receipt proves nothing.  A name, once published, keeps its meaning. */
typedef enum row_receipt_result
{
	ROW_RECEIPT_VALID = 0,
	ROW_RECEIPT_TOO_LARGE,		/* above ROW_RECEIPT_BYTES_MAX */
	ROW_RECEIPT_MALFORMED,		/* not the JSON of a receipt */
	ROW_RECEIPT_UNKNOWN_FORMAT, /* "format" names another */
	ROW_RECEIPT_PROOF_MALFORMED,	/* "proof" is no tlog-proof */
	ROW_RECEIPT_NOTE_MALFORMED, /* it holds no signed checkpoint */
	ROW_RECEIPT_OTHER_KEY,		/* signed, but not by this key */
	ROW_RECEIPT_WRONG_SIGNATURE,	/* this key's signature, and wrong */
	ROW_RECEIPT_WRONG_ORIGIN,	/* checkpoint of another log than the key's */
	ROW_RECEIPT_ENTRY_MALFORMED,
	ROW_RECEIPT_NOT_IN_LOG,		/* the proof leads elsewhere */
	ROW_RECEIPT_OTHER_SCHEMA,	/* not the schema that the entry names */
	ROW_RECEIPT_SCHEMA_MALFORMED,
	ROW_RECEIPT_OTHER_RELATION, /* not the table that the entry names */
	ROW_RECEIPT_OTHER_ROW_COUNT,	/* not the entry's */
	ROW_RECEIPT_NOT_IN_ENTRY,	/* the row's path leads elsewhere */
	ROW_RECEIPT_ROW_MALFORMED,
	ROW_RECEIPT_OTHER_LEDGER_ID,	/* the row's is another */
	ROW_RECEIPT_ID_OUTSIDE,		/* the row's lies outside of the entry */
	ROW_RECEIPT_UNKNOWN_COLUMN, /* the row has one that the schema has not */
	ROW_RECEIPT_RESULT_COUNT
} row_receipt_result;

/* What a receipt says, unchecked.  Points into the text it was read from. */
typedef struct row_receipt
{
	decode_text relation;
	uint64_t	ledger_id;
	const uint8_t *row;
	size_t		row_len;
	uint32_t	row_index;		/* of the row in the entry, from 0 */
	uint32_t	row_count;
	uint8_t		row_path[ROW_RECEIPT_PATH_MAX][MERKLE_HASH_LEN];
	size_t		row_path_count;
	const uint8_t *entry;
	size_t		entry_len;
	const uint8_t *schema;
	size_t		schema_len;
	tlog_proof	proof;
} row_receipt;

/* What it proves, once it is ROW_RECEIPT_VALID. */
typedef struct row_receipt_facts
{
	note_checkpoint checkpoint;
	decode_entry entry;
	decode_schema schema;
	decode_row	row;
} row_receipt_facts;

/*
 * Read a receipt.  The text is overwritten: base64 and escapes are resolved where they
 * stand, and what the receipt points to lives in it.  Needs no memory besides.
 */
extern row_receipt_result row_receipt_read(row_receipt *r, char *json, size_t len);

/* Check what was read.  facts is filled as far as the check came. */
extern row_receipt_result row_receipt_check(const row_receipt *r, const note_key *key,
											row_receipt_facts *facts);

/* The result's published name ("not_in_log"), and a sentence about it; never NULL. */
extern const char *row_receipt_name(row_receipt_result result);
extern const char *row_receipt_sentence(row_receipt_result result);

#endif							/* CORE_ROW_RECEIPT_H */

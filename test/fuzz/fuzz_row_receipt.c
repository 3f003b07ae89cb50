/*
 * fuzz_row_receipt.c: any text as a receipt of a log that signed one small tree.
 *
 * The checkpoint's private key signs nothing else here, so whatever verifies must prove
 * one of the rows that the log has, byte for byte, and say the right things of it.
 */
#include "fuzz.h"

#include "../unit/made_log.h"
#include "core/row_receipt.h"

static made_log made;

extern int	LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	made_log_init(&made);
	return 0;
}

/* As it stands, and with the real row, entry and schema where it has any: past the hashes. */
static void
check(const row_receipt *r)
{
	row_receipt_facts f;
	bool		found = false;
	row_receipt_result result = row_receipt_check(r, &made.key, &f);

	FUZZ_CHECK(row_receipt_name(result) != NULL);
	if (result != ROW_RECEIPT_VALID)
		return;
	for (int n = 0; n < MADE_ROWS; n++)
	{
		if (r->row_len == made.row[n].len && memcmp(r->row, made.row[n].data, r->row_len) == 0)
			found = r->row_index == (uint32_t) n;
	}
	FUZZ_CHECK(found);
	FUZZ_CHECK(r->entry_len == made.leaf[2].len && memcmp(r->entry, made.leaf[2].data, r->entry_len) == 0);
	FUZZ_CHECK(r->schema_len == made.leaf[0].len && memcmp(r->schema, made.leaf[0].data, r->schema_len) == 0);
	FUZZ_CHECK(r->ledger_id == f.row.ledger_id && r->proof.index == MADE_ENTRY_INDEX);
	FUZZ_CHECK(decode_text_is(&r->relation, "public.payment", 14));
	FUZZ_CHECK(r->row_count == MADE_ROWS && f.checkpoint.size == MADE_LEAVES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *json = malloc(size + 1);
	row_receipt r;
	tlog_proof	p;

	FUZZ_CHECK(json != NULL);
	memcpy(json, data, size);
	if (row_receipt_read(&r, json, size) == ROW_RECEIPT_VALID)
	{
		check(&r);
		r.row = made.row[size % MADE_ROWS].data;
		r.row_len = made.row[size % MADE_ROWS].len;
		r.entry = made.leaf[2].data;
		r.entry_len = made.leaf[2].len;
		r.schema = made.leaf[0].data;
		r.schema_len = made.leaf[0].len;
		check(&r);
	}
	memcpy(json, data, size);
	if (tlog_proof_parse(&p, json, size))
		FUZZ_CHECK(p.note + p.note_len == json + size && p.path_count <= TLOG_PROOF_PATH_MAX);
	free(json);
	return 0;
}

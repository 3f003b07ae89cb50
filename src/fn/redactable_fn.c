/*
 * redactable_fn.c: type energyledger.redactable in SQL: its text and binary forms,
 * its casts, and what can be asked of a value.
 *
 * Input is immutable: text as people type it becomes a plain value, which gets its
 * salt when a ledger table stores it.  Output is exact: what it writes, input reads
 * back into the same bytes.  People read the value by casting it to text.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "fn/bytea_arg.h"
#include "ledger/am.h"
#include "ledger/erase.h"
#include "ledger/redact.h"
#include "ledger/redactable.h"

PG_FUNCTION_INFO_V1(redactable_in_text);
PG_FUNCTION_INFO_V1(redactable_out_text);
PG_FUNCTION_INFO_V1(redactable_recv);
PG_FUNCTION_INFO_V1(redactable_send);
PG_FUNCTION_INFO_V1(redactable_from_text);
PG_FUNCTION_INFO_V1(redactable_value);
PG_FUNCTION_INFO_V1(redactable_is_redacted);
PG_FUNCTION_INFO_V1(redactable_get_commitment);
PG_FUNCTION_INFO_V1(redactable_get_salt);
PG_FUNCTION_INFO_V1(verify_commitment);
PG_FUNCTION_INFO_V1(redact);
PG_FUNCTION_INFO_V1(redaction_pending);

static void
redactable_check_len(Size len)
{
	if (len > COMMITMENT_VALUE_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value is too long for type energyledger.redactable"),
				 errdetail("It has %zu bytes; at most %d are allowed.", len, COMMITMENT_VALUE_LEN_MAX)));
}

/* A stored value taken apart; errors where it is none of ours. */
static void
redactable_arg(Datum value, commitment_parts *parts)
{
	if (!redactable_parts(value, parts))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored value of type energyledger.redactable is malformed"),
				 errhint("Run SELECT * FROM energyledger.verify().")));
}

Datum
redactable_in_text(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	size_t		len = strlen(text);
	uint8		hash[COMMITMENT_LEN];
	commitment_parts parts;

	if (!commitment_text_parse(text, len, hash, &parts))
	{
		redactable_check_len(len);
		/* the text itself may be somebody's name: it is not repeated */
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type energyledger.redactable"),
				 errdetail("A text that begins with \"%s\" must be as the type's output writes it.",
						   COMMITMENT_TEXT_PREFIX),
				 errhint("Cast a value that begins so to text first.")));
	}
	PG_RETURN_DATUM(redactable_datum(&parts));
}

Datum
redactable_out_text(PG_FUNCTION_ARGS)
{
	commitment_parts parts;
	size_t		size;
	char	   *text;

	redactable_arg(PG_GETARG_DATUM(0), &parts);
	size = commitment_text_size(&parts);
	text = palloc(size + 1);
	commitment_text_put(&parts, text);
	text[size] = '\0';
	PG_RETURN_CSTRING(text);
}

/* The stored bytes, but for the value's encoding, which is the client's. */
Datum
redactable_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	uint8		hash[COMMITMENT_LEN];
	commitment_parts parts = {0};
	int			form = pq_getmsgbyte(buf);
	int			value_len = 0;

	if (form != COMMITMENT_PLAIN && form != COMMITMENT_SALTED && form != COMMITMENT_REDACTED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid form %d in external \"redactable\" value", form)));
	parts.form = form;
	if (form != COMMITMENT_PLAIN)
		pq_copymsgbytes(buf, (char *) hash, COMMITMENT_LEN);
	parts.salt = parts.commitment = hash;
	if (form != COMMITMENT_REDACTED)
	{
		parts.value = (uint8 *) pq_getmsgtext(buf, buf->len - buf->cursor, &value_len);
		parts.value_len = value_len;
		redactable_check_len(value_len);
	}
	PG_RETURN_DATUM(redactable_datum(&parts));
}

Datum
redactable_send(PG_FUNCTION_ARGS)
{
	commitment_parts parts;
	StringInfoData buf;

	redactable_arg(PG_GETARG_DATUM(0), &parts);
	pq_begintypsend(&buf);
	pq_sendbyte(&buf, parts.form);
	if (parts.form != COMMITMENT_PLAIN)
		pq_sendbytes(&buf, (char *) (parts.form == COMMITMENT_SALTED ? parts.salt : parts.commitment), COMMITMENT_LEN);
	if (parts.form != COMMITMENT_REDACTED)
		pq_sendtext(&buf, (const char *) parts.value, parts.value_len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Any text is a value, whatever it begins with. */
Datum
redactable_from_text(PG_FUNCTION_ARGS)
{
	bytea_view	text = bytea_view_of(PG_GETARG_DATUM(0));
	commitment_parts parts = {.form = COMMITMENT_PLAIN,.value = text.data,.value_len = text.len};

	redactable_check_len(text.len);
	PG_RETURN_DATUM(redactable_datum(&parts));
}

Datum
redactable_value(PG_FUNCTION_ARGS)
{
	commitment_parts parts;

	redactable_arg(PG_GETARG_DATUM(0), &parts);
	if (parts.form == COMMITMENT_REDACTED)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len((const char *) parts.value, (int) parts.value_len));
}

Datum
redactable_is_redacted(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(redactable_form(PG_GETARG_DATUM(0)) == COMMITMENT_REDACTED);
}

Datum
redactable_get_commitment(PG_FUNCTION_ARGS)
{
	uint8		commitment[COMMITMENT_LEN];

	if (!redactable_commitment(PG_GETARG_DATUM(0), commitment))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("value of type energyledger.redactable has no commitment yet"),
				 errdetail("It gets its salt when a ledger table stores it.")));
	PG_RETURN_DATUM(bytea_datum(commitment, COMMITMENT_LEN));
}

Datum
redactable_get_salt(PG_FUNCTION_ARGS)
{
	commitment_parts parts;

	redactable_arg(PG_GETARG_DATUM(0), &parts);
	if (parts.form != COMMITMENT_SALTED)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(bytea_datum(parts.salt, COMMITMENT_SALT_LEN));
}

Datum
verify_commitment(PG_FUNCTION_ARGS)
{
	bytea_view	commitment = bytea_view_of(PG_GETARG_DATUM(0));
	bytea_view	salt = bytea_view_of(PG_GETARG_DATUM(1));
	bytea_view	value = bytea_view_of(PG_GETARG_DATUM(2));

	PG_RETURN_BOOL(commitment_opens(commitment.data, commitment.len, salt.data, salt.len,
									value.data, value.len));
}

/* Not STRICT: a redaction that was asked for and did not happen must not pass in silence. */
Datum
redact(PG_FUNCTION_ARGS)
{
	static const char *const name[] = {"relation", "ledger_id", "column", "reason"};
	char	   *column;
	char	   *reason;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" of redact() is null", name[i])));
	column = NameStr(*PG_GETARG_NAME(2));
	reason = text_to_cstring(PG_GETARG_TEXT_PP(3));
	PG_RETURN_INT64((int64) redact_value(PG_GETARG_OID(0), PG_GETARG_INT64(1), column, reason));
}

/* Over the table and the partitions below it. */
Datum
redaction_pending(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int64		pages = 0;
	bool		any = false;
	ListCell   *lc;

	redact_check_rights(relid);
	/* which locks what inherits from it, not the table itself */
	LockRelationOid(relid, AccessShareLock);
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel;

		if (!am_is_ledger_oid(lfirst_oid(lc)))
			continue;
		any = true;
		rel = table_open(lfirst_oid(lc), NoLock);
		pages += erase_pending_pages(rel);
		table_close(rel, NoLock);
	}
	if (!any)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", get_rel_name(relid))));
	PG_RETURN_INT64(pages);
}

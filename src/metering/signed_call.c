/*
 * signed_call.c: what accepted messages say, handed to the SQL functions that take it.
 *
 * A message is in the ledger whatever becomes of what it says: it was signed and belongs
 * to its meter's sequence.  Orders and transfers are judged by functions in SQL; how these
 * are called is the same for all.
 *
 * Within a batch the sequence of arrival counts, not that in which messages are
 * stored, which goes by the meters' names.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "metering/signed_call.h"

void
signed_call(SignedCall *call, Datum *value, const char *null)
{
	if (call->plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(call->sql, call->count, (Oid *) call->types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		call->plan = made;
	}
	if (SPI_execute_plan(call->plan, value, null, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not %s", call->what);
}

static int
signed_call_compare(const void *a, const void *b)
{
	const IngestMessage *x = *(IngestMessage *const *) a;
	const IngestMessage *y = *(IngestMessage *const *) b;

	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

void
signed_call_sort(IngestMessage **messages, int count)
{
	qsort(messages, count, sizeof(*messages), signed_call_compare);
}

Datum
signed_call_texts(Datum *text, int count)
{
	return PointerGetDatum(construct_array(text, count, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
signed_call_numbers(Datum *number, int count)
{
	return PointerGetDatum(construct_array(number, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

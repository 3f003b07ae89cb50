/*
 * verify_redaction.c: what is redacted was redacted by redact(), and stays so.
 *
 * A row's hash does not tell whether a value or its commitment is stored.  So a
 * value that somebody erased in the files would pass for one that was redacted by
 * right, and one that was put back (from a backup, by whoever kept it) would pass
 * as well.  The log's events tell: every redacted value has one, and no value that
 * has one is there.
 *
 * Tables without a redactable column are not read.  Ids are unique over all tables,
 * so an event finds its row by ledger_id and ordinal whatever the table was called.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/log.h"
#include "ledger/redactable.h"
#include "ledger/schema.h"
#include "ledger/verify_redaction.h"
#include "ledger/site.h"

#define VERIFY_FETCH 1000

typedef struct RedactedKey
{
	int64		ledger_id;
	int64		ordinal;		/* as wide, so that there is no padding */
} RedactedKey;

typedef struct RedactedValue
{
	RedactedKey key;
	int64		event_id;
} RedactedValue;

/* A decimal number of an event's fields; -1 where there is none. */
static int64
redaction_number(const encode_event *e, const char *name)
{
	for (int i = 0; i < e->field_count; i++)
	{
		char	   *end;
		int64		number;

		if (strcmp(e->name[i], name) != 0)
			continue;
		errno = 0;
		number = strtoi64(e->value[i], &end, 10);
		return errno != 0 || end == e->value[i] || *end != '\0' ? -1 : number;
	}
	return -1;
}

static void
redaction_note_event(Findings *f, HTAB *redacted, const encode_event *e)
{
	RedactedKey key = {redaction_number(e, "ledger_id"), redaction_number(e, "ordinal")};
	RedactedValue *value;
	bool		found;

	if (key.ledger_id < 0 || key.ordinal < 0)
	{
		verify_finding(f, "energyledger.event", (int64) e->event_id, "redaction_malformed",
					   "ledger_id and ordinal of what was redacted", NULL);
		return;
	}
	value = hash_search(redacted, &key, HASH_ENTER, &found);
	if (!found)
		value->event_id = (int64) e->event_id;
}

/* All redactions of the log, by what they redacted. */
static HTAB *
redaction_load(Findings *f)
{
	HASHCTL		ctl = {.keysize = sizeof(RedactedKey),.entrysize = sizeof(RedactedValue),
	.hcxt = CurrentMemoryContext};
	HTAB	   *redacted = hash_create("redactions", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "redaction events",
												  ALLOCSET_DEFAULT_SIZES);
	Portal		portal =
		SPI_cursor_open_with_args(NULL, "SELECT " LOG_EVENT_COLUMNS " FROM energyledger.event"
								  " WHERE kind = 8", 0, NULL, NULL, NULL, true, 0);

	do
	{
		SPI_cursor_fetch(portal, true, VERIFY_FETCH);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		values[LOG_EVENT_COLUMN_COUNT];
			bool		nulls[LOG_EVENT_COLUMN_COUNT];
			encode_event e;
			MemoryContext old = MemoryContextSwitchTo(scratch);

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
			if (log_read_event(values, nulls, &e))	/* otherwise reported with its leaf */
				redaction_note_event(f, redacted, &e);
			MemoryContextSwitchTo(old);
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(scratch);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	MemoryContextDelete(scratch);
	return redacted;
}

static void
redaction_check_row(Findings *f, HTAB *redacted, const LedgerSchema *schema, TupleTableSlot *slot)
{
	RedactedKey key = {0};
	bool		isnull;
	Datum		id = slot_getattr(slot, schema->id_attnum, &isnull);

	key.ledger_id = isnull ? 0 : DatumGetInt64(id);
	for (int i = 0; i < schema->plan->column_count; i++)
	{
		const RowColumn *column = &schema->plan->column[i];
		RedactedValue *value;
		Datum		stored;
		int			form;

		if (column->form != ROW_REDACTABLE)
			continue;
		stored = slot_getattr(slot, column->attnum, &isnull);
		if (isnull)
			continue;
		form = redactable_form(stored);
		key.ordinal = column->ordinal;
		value = hash_search(redacted, &key, HASH_FIND, NULL);
		if (form == COMMITMENT_REDACTED && value == NULL)
			verify_finding(f, schema->relation, key.ledger_id, "redaction_missing",
						   psprintf("an event that redacts column %u", column->ordinal),
						   "a redacted value and none");
		else if (form != COMMITMENT_REDACTED && value != NULL)
			verify_finding(f, schema->relation, key.ledger_id, "redaction_undone",
						   psprintf("column %u redacted by event " INT64_FORMAT, column->ordinal, value->event_id),
						   "a value");
	}
}

static void
redaction_scan_table(Findings *f, HTAB *redacted, Relation rel, const LedgerSchema *schema)
{
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify redactions",
												  ALLOCSET_DEFAULT_SIZES);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		redaction_check_row(f, redacted, schema, slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	MemoryContextDelete(scratch);
}

/* A table that is gone or no longer fits the log has been reported by who reads its rows. */
static void
redaction_check_table(Findings *f, HTAB *redacted, const char *name, int32 version)
{
	const char *dot = strchr(name, '.');
	Oid			schema_oid = dot != NULL ? get_namespace_oid(pnstrdup(name, dot - name), true) : InvalidOid;
	Oid			relid = OidIsValid(schema_oid) ? get_relname_relid(dot + 1, schema_oid) : InvalidOid;
	Relation	rel = OidIsValid(relid) ? try_table_open(relid, AccessShareLock) : NULL;
	LedgerSchema *schema;
	char	   *why;

	if (rel == NULL)
		return;
	if (redactable_in(RelationGetDescr(rel)))
	{
		schema = schema_of_version(rel, name, site_current()->site_id, version, &why);
		if (schema != NULL && schema->id_attnum != InvalidAttrNumber)
			redaction_scan_table(f, redacted, rel, schema);
	}
	table_close(rel, AccessShareLock);
}

void
verify_redactions(Findings *f, const char *only)
{
	SPITupleTable *tables;
	uint64		count;
	HTAB	   *redacted;

	/* the newest version of each table's columns */
	if (SPI_execute("SELECT DISTINCT ON (relation) relation, schema_version, 'energyledger.redactable' = ANY (types)"
					" FROM energyledger.table_schema ORDER BY relation, schema_version DESC", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the schemas");
	tables = SPI_tuptable;
	count = SPI_processed;
	redacted = redaction_load(f);
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		char	   *name = SPI_getvalue(tables->vals[i], tables->tupdesc, 1);
		int32		version = DatumGetInt32(SPI_getbinval(tables->vals[i], tables->tupdesc, 2, &isnull));

		if (DatumGetBool(SPI_getbinval(tables->vals[i], tables->tupdesc, 3, &isnull)) &&
			(only == NULL || strcmp(only, name) == 0))
			redaction_check_table(f, redacted, name, version);
	}
	hash_destroy(redacted);
}

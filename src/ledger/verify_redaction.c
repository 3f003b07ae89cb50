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
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ledger/log.h"
#include "ledger/redactable.h"
#include "ledger/schema.h"
#include "ledger/verify_redaction.h"
#include "ledger/site.h"

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
	Record	   *r = record_open("event", LOG_EVENT_COLUMNS);
	SysScanDesc scan = record_begin(r, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[LOG_EVENT_COLUMN_COUNT];
		bool		nulls[LOG_EVENT_COLUMN_COUNT];
		encode_event e;
		MemoryContext old = MemoryContextSwitchTo(scratch);

		/* otherwise reported with its leaf */
		if (record_read(r, tuple, values, nulls) && log_read_event(values, nulls, &e) &&
			e.kind == ENCODE_KIND_REDACTION)
			redaction_note_event(f, redacted, &e);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	MemoryContextDelete(scratch);
	return redacted;
}

/* By whose registration a row is hashed. */
static const LedgerSchema *
redaction_schema(const VerifyTable *t, int64 id)
{
	for (int i = 0; i < t->plan_count; i++)
		if (t->plan[i].site_id == LEDGER_ID_SITE(id))
			return t->plan[i].schema;
	return t->plan[0].schema;
}

static void
redaction_check_row(Findings *f, HTAB *redacted, VerifyTable *t, HeapTuple tuple)
{
	RedactedKey key = {0};
	const LedgerSchema *schema;

	/* one that cannot be taken apart is told by who reads its entry's rows */
	if (!tables_row_id(t, tuple, &key.ledger_id))
		return;
	schema = redaction_schema(t, key.ledger_id);
	for (int i = 0; i < schema->plan->column_count; i++)
	{
		const RowColumn *column = &schema->plan->column[i];
		RedactedValue *value;
		Datum		stored;
		int			form;

		if (column->form != ROW_REDACTABLE)
			continue;
		if (t->isnull[column->attnum - 1])
			continue;
		stored = t->value[column->attnum - 1];
		form = redactable_form(stored);
		key.ordinal = column->ordinal;
		value = hash_search(redacted, &key, HASH_FIND, NULL);
		if (form == COMMITMENT_REDACTED && value == NULL)
			verify_finding(f, t->name, key.ledger_id, "redaction_missing",
						   psprintf("an event that redacts column %u", column->ordinal),
						   "a redacted value and none");
		else if (form != COMMITMENT_REDACTED && value != NULL)
			verify_finding(f, t->name, key.ledger_id, "redaction_undone",
						   psprintf("column %u redacted by event " INT64_FORMAT, column->ordinal, value->event_id),
						   "a value");
	}
}

static void
redaction_scan_table(Findings *f, HTAB *redacted, VerifyTable *t)
{
	TableScanDesc scan = table_beginscan(t->rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(t->rel, NULL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify redactions",
												  ALLOCSET_DEFAULT_SIZES);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		redaction_check_row(f, redacted, t, ((BufferHeapTupleTableSlot *) slot)->base.tuple);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	MemoryContextDelete(scratch);
}

void
verify_redactions(Verification *v)
{
	HTAB	   *redacted = redaction_load(&v->findings);

	/* a table that is gone or no longer fits the log has been reported by who reads its rows */
	for (int i = 0; i < v->tables->count; i++)
	{
		VerifyTable *t = &v->tables->table[i];
		char	   *why = NULL;

		if (!t->selected || !OidIsValid(t->relid) || !tables_open(t, &why))
			continue;
		if (redactable_in(RelationGetDescr(t->rel)))
			redaction_scan_table(&v->findings, redacted, t);
		tables_close(t);
	}
	hash_destroy(redacted);
}

/*
 * verify_redaction.c: what is redacted was redacted by redact(), and stays so.
 *
 * A row's hash does not tell whether a value or its commitment is stored.  So a
 * value that somebody erased in the files would pass for one that was redacted by
 * right, and one that was put back (from a backup, by whoever kept it) would pass
 * as well.  The log's events tell: every redacted value has one, and no value that
 * has one is there.  (A row that is gone, or a value made NULL, is told by who reads
 * its entry's rows.)
 *
 * Which values are redacted is counted as rows are read for their entries, as a
 * multiset, and so is which ones the events redact.  Only where the two differ are
 * events kept in memory, for whoever names rows (verify_walk.c).  Ids are unique over
 * all tables, so an event finds its row by ledger_id and ordinal whatever the
 * table was called.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "ledger/log.h"
#include "ledger/redactable.h"
#include "ledger/verify_redaction.h"

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

struct Redactions
{
	EntryDirectory *directory;
	HTAB	   *by_value;
};

/* ---- what is counted ---- */

bool
redaction_selected(EntryDirectory *d, int64 id)
{
	const VerifyEntry *e = entries_before(d, id);

	return e != NULL && id <= e->last_id && entries_selected(d, e);
}

static void
redaction_count(Multiset *m, const Selection *s, int64 id, int64 ordinal)
{
	uint64		sum = (uint64) id % MULTISET_PRIME + multiset_times((uint64) ordinal, s->ordinal_key);

	multiset_add(m, s->key, (int64) (sum % MULTISET_PRIME));
}

void
redaction_count_row(VerifyTable *t, int64 id, const Selection *s, EntryDirectory *d, Multiset *m)
{
	const RowPlan *plan = tables_row_plan(t, id);

	for (int i = 0; i < plan->column_count; i++)
	{
		const RowColumn *column = &plan->column[i];
		int			at = column->attnum - 1;

		if (column->form == ROW_REDACTABLE && !t->isnull[at] &&
			redactable_form(t->value[at]) == COMMITMENT_REDACTED && redaction_selected(d, id))
			redaction_count(m, s, id, column->ordinal);
	}
}

/* ---- the log's redactions ---- */

typedef void (*redaction_function) (void *arg, const encode_event *e, const RedactedKey *key);

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

/* Redactions whose event's id is in [low, high]. */
static void
redaction_read_events(int64 low, int64 high, redaction_function take, void *arg)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "redaction events",
												  ALLOCSET_DEFAULT_SIZES);
	Record	   *r = record_open("event", LOG_EVENT_COLUMNS);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	record_key(r, &key[0], 0, BTGreaterEqualStrategyNumber, low);
	record_key(r, &key[1], 0, BTLessEqualStrategyNumber, high);
	scan = record_begin(r, 2, key);
	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[LOG_EVENT_COLUMN_COUNT];
		bool		nulls[LOG_EVENT_COLUMN_COUNT];
		encode_event e;
		MemoryContext old = MemoryContextSwitchTo(scratch);

		/* otherwise reported with its leaf */
		if (record_read(r, tuple, values, nulls) && log_read_event(values, nulls, &e) &&
			e.kind == ENCODE_KIND_REDACTION)
		{
			RedactedKey value = {redaction_number(&e, "ledger_id"), redaction_number(&e, "ordinal")};

			take(arg, &e, &value);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	record_end(scan);
	record_close(r);
	MemoryContextDelete(scratch);
}

/*
 * Those that can be of a selected row.  An event is younger than the row: since a
 * trusted checkpoint, the site's own events before it are of rows before it.
 */
static void
redaction_each(const Verification *v, redaction_function take, void *arg)
{
	int64		first = (int64) v->selection.log_site << LEDGER_ID_COUNTER_BITS;

	if (v->start == NULL)
		redaction_read_events(0, PG_INT64_MAX, take, arg);
	else
	{
		redaction_read_events(0, first - 1, take, arg);
		redaction_read_events(v->start->id_from, PG_INT64_MAX, take, arg);
	}
}

typedef struct RedactionCount
{
	Verification *v;
	EntryDirectory *directory;
} RedactionCount;

static void
redaction_count_event(void *arg, const encode_event *e, const RedactedKey *key)
{
	RedactionCount *c = arg;

	if (key->ledger_id < 0 || key->ordinal < 0 || key->ordinal > PG_UINT16_MAX)
		verify_finding(&c->v->findings, "energyledger.event", (int64) e->event_id, "redaction_malformed",
					   "ledger_id and ordinal of what was redacted", NULL);
	else if (redaction_selected(c->directory, key->ledger_id))
		redaction_count(&c->v->redacted, &c->v->selection, key->ledger_id, key->ordinal);
}

void
redaction_count_events(Verification *v)
{
	RedactionCount c = {.v = v,.directory = entries_open(v->tables, &v->selection, false)};

	multiset_init(&v->redacted);
	if (v->tables->redactable)
		redaction_each(v, redaction_count_event, &c);
	entries_close(c.directory);
	v->redacted_known = true;
}

/* ---- naming ---- */

static void
redactions_take(void *arg, const encode_event *e, const RedactedKey *key)
{
	Redactions *r = arg;
	RedactedValue *value;
	bool		found;

	if (key->ledger_id < 0 || key->ordinal < 0 || !redaction_selected(r->directory, key->ledger_id))
		return;
	value = hash_search(r->by_value, key, HASH_ENTER, &found);
	if (!found)
		value->event_id = (int64) e->event_id;
}

Redactions *
redactions_load(const Verification *v)
{
	HASHCTL		ctl = {.keysize = sizeof(RedactedKey),.entrysize = sizeof(RedactedValue),
	.hcxt = CurrentMemoryContext};
	Redactions *r = palloc0(sizeof(Redactions));

	r->directory = entries_open(v->tables, &v->selection, false);
	r->by_value = hash_create("redactions", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	redaction_each(v, redactions_take, r);
	return r;
}

int
redactions_of_row(Redactions *r, VerifyTable *t, int64 id, RedactionMisfit *misfit)
{
	const RowPlan *plan = tables_row_plan(t, id);
	int			count = 0;

	for (int i = 0; i < plan->column_count; i++)
	{
		const RowColumn *column = &plan->column[i];
		int			at = column->attnum - 1;
		RedactedKey key = {id, column->ordinal};
		RedactedValue *value;
		bool		redacted;

		if (column->form != ROW_REDACTABLE || t->isnull[at])
			continue;
		redacted = redactable_form(t->value[at]) == COMMITMENT_REDACTED;
		value = hash_search(r->by_value, &key, HASH_FIND, NULL);
		if (redacted == (value != NULL) || (redacted && !redaction_selected(r->directory, id)))
			continue;
		misfit[count].id = id;
		misfit[count].ordinal = column->ordinal;
		misfit[count++].event_id = value != NULL ? value->event_id : 0;
	}
	return count;
}

void
redactions_name(Findings *f, const char *relation, const RedactionMisfit *misfit)
{
	if (misfit->event_id == 0)
		verify_finding(f, relation, misfit->id, "redaction_missing",
					   psprintf("an event that redacts column %u", misfit->ordinal),
					   "a redacted value and none");
	else
		verify_finding(f, relation, misfit->id, "redaction_undone",
					   psprintf("column %u redacted by event " INT64_FORMAT, misfit->ordinal, misfit->event_id),
					   "a value");
}

void
redactions_end(Redactions *r)
{
	hash_destroy(r->by_value);
	entries_close(r->directory);
	pfree(r);
}

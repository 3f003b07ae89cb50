/*
 * check.c: the constraint on certificate_bundle: every row follows from its issue, or from
 * the bundle that it ends.
 *
 * It is asked after each statement, whoever made the rows, and knows nothing of how they were
 * made: it looks again for all that they name.  An issue's bundles have its numbers and
 * its time, all, one after the other; what comes of a bundle has all of its numbers, and is
 * either as it was or in the state, and with the holder, that the event leads to.
 *
 * The sums of what each holder has (certificate_sum) are kept here, where every row passes.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "certificate/check.h"
#include "certificate/move.h"

/* The table's first columns, see sql/certificate.sql. */
enum
{
	COLUMN_DEVICE, COLUMN_CARRIER, COLUMN_FROM, COLUMN_TO, COLUMN_FIRST, COLUMN_LAST, COLUMN_HOLDER, COLUMN_STATE, COLUMN_ISSUE,
	COLUMN_PARENT, COLUMN_EVENT, COLUMN_READING, CHECK_COLUMNS
};

#define SUM_STRIPES 16

typedef struct CheckRow
{
	text	   *device;
	text	   *carrier;
	text	   *holder;
	certificate_state state;
	TimestampTz from_at;
	TimestampTz to_at;
	int64		first_id;
	int64		last_id;
	int64		issue_id;
	int64		parent_id;		/* 0: as it was issued */
	int64		event_id;
	bool		has_reading;
} CheckRow;

typedef struct CheckRows
{
	CheckRow   *row;
	uint32		count;
	uint32		size;
} CheckRows;

static const char issues_sql[] =
"SELECT i.ledger_id, i.device, i.carrier, i.first_id, i.last_id, i.from_at, i.to_at, i.kind"
" FROM energyledger.certificate_issue i WHERE i.ledger_id = ANY ($1) ORDER BY i.ledger_id";

static const char corrections_sql[] =
"SELECT o.device, o.ledger_id, o.from_at, o.to_at"
"  FROM energyledger.certificate_issue i"
"  JOIN energyledger.certificate_issue o ON energyledger.identifier_range(o.device || '/' || o.carrier, o.device || '/' || o.carrier, '[]')"
"   && energyledger.identifier_range(i.device || '/' || i.carrier, i.device || '/' || i.carrier, '[]')"
"   AND tstzrange(o.from_at, o.to_at) && tstzrange(i.from_at, i.to_at) AND o.ledger_id <> i.ledger_id"
"  JOIN energyledger.certificate_holding h ON h.device = o.device AND h.carrier = o.carrier AND h.first_id BETWEEN o.first_id AND o.last_id"
"   AND h.state <> 'withdrawn' AND h.from_at < i.to_at AND h.to_at > i.from_at"
" WHERE i.ledger_id = ANY ($1) AND i.kind = 'correction' LIMIT 1";

static const char events_sql[] =
"SELECT e.ledger_id, e.kind, e.recipient FROM energyledger.certificate_event e WHERE e.ledger_id = ANY ($1) ORDER BY e.ledger_id";

static const char sums_sql[] =
"INSERT INTO energyledger.certificate_sum AS s (holder, carrier, state, stripe, quantity_wh, bundles)"
" SELECT d.holder, d.carrier, d.state, $6, d.quantity_wh, d.bundles FROM unnest($1, $2, $3, $4, $5) d(holder, carrier, state, quantity_wh, bundles)"
"  WHERE d.quantity_wh <> 0 OR d.bundles <> 0 ORDER BY d.holder, d.carrier, d.state"
" ON CONFLICT (holder, carrier, state, stripe) DO UPDATE SET quantity_wh = s.quantity_wh + excluded.quantity_wh, bundles = s.bundles + excluded.bundles";

static bool
check_equal(const text *a, const text *b)
{
	return a == b || (VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0);
}

static int64
check_size(const CheckRow *r)
{
	return r->last_id - r->first_id + 1;
}

static void
check_execute(SPIPlanPtr *plan, const char *sql, int count, const Oid *types, Datum *value, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(sql, count, (Oid *) types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = made;
	}
	if (SPI_execute_plan(*plan, value, NULL, false, 0) != expected)
		elog(ERROR, "could not execute: %s", sql);
}

/* ---- the rows ---- */

static text *
check_text(TupleTableSlot *slot, int column)
{
	return DatumGetTextPCopy(slot->tts_values[column]);
}

static int64
check_number(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? 0 : DatumGetInt64(slot->tts_values[column]);
}

static void
check_add(CheckRows *out, TupleTableSlot *slot)
{
	text	   *state = DatumGetTextPP(slot->tts_values[COLUMN_STATE]);
	CheckRow   *r;
	CheckRow   *last = out->count > 0 ? &out->row[out->count - 1] : NULL;

	if (out->count == out->size)
	{
		out->size *= 2;
		out->row = repalloc_huge(out->row, out->size * sizeof(CheckRow));
		last = &out->row[out->count - 1];
	}
	r = &out->row[out->count++];
	/* names come many times one after the other */
	r->device = last != NULL && check_equal(last->device, DatumGetTextPP(slot->tts_values[COLUMN_DEVICE])) ? last->device : check_text(slot, COLUMN_DEVICE);
	r->carrier = last != NULL && check_equal(last->carrier, DatumGetTextPP(slot->tts_values[COLUMN_CARRIER])) ? last->carrier : check_text(slot, COLUMN_CARRIER);
	r->holder = last != NULL && check_equal(last->holder, DatumGetTextPP(slot->tts_values[COLUMN_HOLDER])) ? last->holder : check_text(slot, COLUMN_HOLDER);
	r->state = certificate_state_of(VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
	r->from_at = DatumGetTimestampTz(slot->tts_values[COLUMN_FROM]);
	r->to_at = DatumGetTimestampTz(slot->tts_values[COLUMN_TO]);
	r->first_id = check_number(slot, COLUMN_FIRST);
	r->last_id = check_number(slot, COLUMN_LAST);
	r->issue_id = check_number(slot, COLUMN_ISSUE);
	r->parent_id = check_number(slot, COLUMN_PARENT);
	r->event_id = check_number(slot, COLUMN_EVENT);
	r->has_reading = !slot->tts_isnull[COLUMN_READING];
}

static int
check_compare(const void *a, const void *b)
{
	const CheckRow *x = a;
	const CheckRow *y = b;

	if (x->parent_id != y->parent_id)
		return x->parent_id < y->parent_id ? -1 : 1;
	if (x->parent_id == 0 && x->issue_id != y->issue_id)
		return x->issue_id < y->issue_id ? -1 : 1;
	return x->first_id < y->first_id ? -1 : x->first_id > y->first_id;
}

/* As issued first, by issue; then by the bundle that they end; each by number. */
static CheckRows
check_read(Tuplestorestate *rows, TupleDesc desc)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	CheckRows	out = {.size = 64};
	int			pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	out.row = palloc(out.size * sizeof(CheckRow));
	tuplestore_select_read_pointer(rows, pointer);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		slot_getsomeattrs(slot, CHECK_COLUMNS);
		check_add(&out, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	qsort(out.row, out.count, sizeof(CheckRow), check_compare);
	return out;
}

/* Different numbers of a column that rows are sorted by, or near to it, as an argument. */
static Datum
check_ids(const CheckRow *row, uint32 count, size_t offset)
{
	Datum	   *id = palloc_extended(Max(count, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	int			n = 0;

	for (uint32 i = 0; i < count; i++)
	{
		int64		number = *(const int64 *) ((const char *) &row[i] + offset);

		if (n == 0 || DatumGetInt64(id[n - 1]) != number)
			id[n++] = Int64GetDatum(number);
	}
	return PointerGetDatum(construct_array(id, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* ---- as issued ---- */

static void
check_refuse_issued(const CheckRow *r, char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION),
			 errmsg("certificates %lld to %lld of device \"%s\" are not those of their issue",
					(long long) r->first_id, (long long) r->last_id, text_to_cstring(r->device)),
			 errdetail("%s", detail)));
}

/* The rows of one issue, by number; t: the issue, or NULL. */
static void
check_issue(const CheckRow *row, uint32 count, HeapTuple t, TupleDesc desc)
{
	bool		null;
	text	   *device;
	text	   *carrier;
	int64		first_id;
	int64		last_id;
	TimestampTz from_at;
	TimestampTz to_at;
	bool		granted;

	if (t == NULL)
		check_refuse_issued(row, psprintf("There is no issue %lld.", (long long) row->issue_id));
	device = DatumGetTextPP(SPI_getbinval(t, desc, 2, &null));
	carrier = DatumGetTextPP(SPI_getbinval(t, desc, 3, &null));
	first_id = DatumGetInt64(SPI_getbinval(t, desc, 4, &null));
	last_id = DatumGetInt64(SPI_getbinval(t, desc, 5, &null));
	from_at = DatumGetTimestampTz(SPI_getbinval(t, desc, 6, &null));
	to_at = DatumGetTimestampTz(SPI_getbinval(t, desc, 7, &null));
	granted = strcmp(TextDatumGetCString(SPI_getbinval(t, desc, 8, &null)), "grant") == 0;
	for (uint32 i = 0; i < count; i++)
	{
		const CheckRow *r = &row[i];
		bool		last = i + 1 == count;

		if (!check_equal(r->device, device) || !check_equal(r->carrier, carrier) || r->has_reading == granted ||
			r->first_id != (i == 0 ? first_id : row[i - 1].last_id + 1) || (last && r->last_id != last_id) ||
			r->from_at != (i == 0 ? from_at : row[i - 1].to_at) || (last && r->to_at != to_at))
			check_refuse_issued(r, psprintf("Issue %lld has %lld to %lld of device \"%s\" for %s to %s, and its bundles must have these one after the other.",
											(long long) r->issue_id, (long long) first_id, (long long) last_id, text_to_cstring(device),
											pstrdup(timestamptz_to_str(from_at)), pstrdup(timestamptz_to_str(to_at))));
	}
}

static void
check_corrections(Datum issues)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8ARRAYOID};
	HeapTuple	t;
	TupleDesc	desc;
	bool		null;

	check_execute(&plan, corrections_sql, lengthof(types), types, &issues, SPI_OK_SELECT);
	if (SPI_processed == 0)
		return;
	t = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	ereport(ERROR,
			(errcode(ERRCODE_EXCLUSION_VIOLATION),
			 errmsg("certificates of device \"%s\" are issued for that time", TextDatumGetCString(SPI_getbinval(t, desc, 1, &null))),
			 errdetail("Issue %lld is of that time, and not all of it is withdrawn.", (long long) DatumGetInt64(SPI_getbinval(t, desc, 2, &null)))));
}

static void
check_issued(const CheckRow *row, uint32 count)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8ARRAYOID};
	Datum		issues = check_ids(row, count, offsetof(CheckRow, issue_id));
	uint64		k = 0;
	SPITupleTable *found;
	uint64		founds;
	bool		corrects = false;
	bool		null;

	check_execute(&plan, issues_sql, lengthof(types), types, &issues, SPI_OK_SELECT);
	found = SPI_tuptable;
	founds = SPI_processed;
	for (uint32 i = 0, n; i < count; i += n)
	{
		HeapTuple	t = NULL;

		for (n = 1; i + n < count && row[i + n].issue_id == row[i].issue_id; n++)
			;
		if (k < founds && DatumGetInt64(SPI_getbinval(found->vals[k], found->tupdesc, 1, &null)) == row[i].issue_id)
			t = found->vals[k++];
		check_issue(&row[i], n, t, found->tupdesc);
		corrects = corrects || strcmp(TextDatumGetCString(SPI_getbinval(t, found->tupdesc, 8, &null)), "correction") == 0;
	}
	if (corrects)
		check_corrections(issues);
}

/* ---- what came of bundles ---- */

typedef struct CheckEvent
{
	int64		event_id;
	certificate_kind kind;
	text	   *recipient;		/* NULL: none */
} CheckEvent;

static CheckEvent *
check_events(const CheckRow *row, uint32 count, uint32 *events)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {INT8ARRAYOID};
	Datum		ids = check_ids(row, count, offsetof(CheckRow, event_id));
	CheckEvent *event;

	check_execute(&plan, events_sql, lengthof(types), types, &ids, SPI_OK_SELECT);
	*events = (uint32) SPI_processed;
	event = palloc_extended(Max(*events, 1) * sizeof(CheckEvent), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < *events; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		bool		null;
		text	   *kind;
		Datum		recipient;

		event[i].event_id = DatumGetInt64(SPI_getbinval(t, SPI_tuptable->tupdesc, 1, &null));
		kind = DatumGetTextPP(SPI_getbinval(t, SPI_tuptable->tupdesc, 2, &null));
		event[i].kind = certificate_kind_of(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
		recipient = SPI_getbinval(t, SPI_tuptable->tupdesc, 3, &null);
		event[i].recipient = null ? NULL : DatumGetTextPP(recipient);
	}
	return event;
}

static int
event_compare(const void *key, const void *element)
{
	int64		id = *(const int64 *) key;
	int64		other = ((const CheckEvent *) element)->event_id;

	return id < other ? -1 : id > other;
}

static int
bundle_compare(const void *a, const void *b)
{
	int64		x = ((const MovePiece *) a)->bundle_id;
	int64		y = ((const MovePiece *) b)->bundle_id;

	return x < y ? -1 : x > y;
}

/* The bundles that the rows end, if they begin with the first of them, and others. */
static MovePiece *
check_parents(const CheckRow *row, uint32 count, uint32 *parents)
{
	MoveRange  *range = palloc_extended(count * sizeof(MoveRange), MCXT_ALLOC_HUGE);
	uint32		ranges = 0;
	MovePiece  *parent;

	for (uint32 i = 0; i < count; i++)
	{
		if (i == 0 || row[i - 1].parent_id != row[i].parent_id)
			range[ranges++] = (MoveRange) {row[i].device, row[i].carrier, row[i].first_id, row[i].last_id};
		else
			range[ranges - 1].last_id = row[i].last_id;
	}
	parent = move_bundles(range, ranges, parents);
	qsort(parent, *parents, sizeof(MovePiece), bundle_compare);
	return parent;
}

static bool
check_step(const CheckRow *r, const MovePiece *p, const CheckEvent *e)
{
	if (r->state == p->state && check_equal(r->holder, p->holder))
		return true;			/* left as it was */
	if (r->state != certificate_step(e->kind, p->state))
		return false;
	if (e->kind == CERTIFICATE_SHARE)
		return true;
	return check_equal(r->holder, e->kind == CERTIFICATE_TRANSFER && e->recipient != NULL ? e->recipient : p->holder);
}

static void
check_refuse_part(const CheckRow *r, const MovePiece *p, const CheckEvent *e)
{
	char	   *detail;

	if (p == NULL)
		detail = psprintf("There is no bundle %lld of the device that begins with the first of them.", (long long) r->parent_id);
	else if (e == NULL)
		detail = psprintf("There is no event %lld.", (long long) r->event_id);
	else
		detail = psprintf("It has %lld to %lld, %s, held by \"%s\"; after %s%s%s they are %s, held by \"%s\". All of its numbers must be there, one after the other.",
						  (long long) p->bundle_first_id, (long long) p->bundle_last_id, certificate_state_name(p->state), text_to_cstring(p->holder),
						  certificate_kind_name(e->kind), e->recipient != NULL ? " to " : "", e->recipient != NULL ? text_to_cstring(e->recipient) : "",
						  certificate_state_name(r->state), text_to_cstring(r->holder));
	ereport(ERROR,
			(errcode(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION),
			 errmsg("certificates %lld to %lld of device \"%s\" do not follow from bundle %lld",
					(long long) r->first_id, (long long) r->last_id, text_to_cstring(r->device), (long long) r->parent_id),
			 errdetail("%s", detail)));
}

/* ---- sums ---- */

typedef struct SumKey
{
	text	   *holder;
	text	   *carrier;
	certificate_state state;
} SumKey;

typedef struct Sum
{
	SumKey		key;
	int64		quantity_wh;
	int64		bundles;
} Sum;

static uint32
sum_hash(const void *key, Size size)
{
	const SumKey *k = key;

	return hash_bytes((const unsigned char *) VARDATA_ANY(k->holder), (int) VARSIZE_ANY_EXHDR(k->holder)) ^ (uint32) k->state;
}

static int
sum_match(const void *a, const void *b, Size size)
{
	const SumKey *x = a;
	const SumKey *y = b;

	return x->state == y->state && check_equal(x->holder, y->holder) && check_equal(x->carrier, y->carrier) ? 0 : 1;
}

static void
sum_add(HTAB *sums, text *holder, text *carrier, certificate_state state, int64 quantity_wh, int64 bundles)
{
	SumKey		key = {.holder = holder,.carrier = carrier,.state = state};
	bool		found;
	Sum		   *sum = hash_search(sums, &key, HASH_ENTER, &found);

	if (!found)
		sum->quantity_wh = sum->bundles = 0;
	sum->quantity_wh += quantity_wh;
	sum->bundles += bundles;
}

static void
sums_write(HTAB *sums)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT4OID};
	long		size = hash_get_num_entries(sums);
	Datum	   *element = palloc_extended(5 * Max(size, 1) * sizeof(Datum), MCXT_ALLOC_HUGE);
	Datum		value[lengthof(types)];
	HASH_SEQ_STATUS status;
	Sum		   *sum;
	long		n = 0;

	hash_seq_init(&status, sums);
	while ((sum = hash_seq_search(&status)) != NULL)
	{
		element[n] = PointerGetDatum(sum->key.holder);
		element[size + n] = PointerGetDatum(sum->key.carrier);
		element[2 * size + n] = CStringGetTextDatum(certificate_state_name(sum->key.state));
		element[3 * size + n] = Int64GetDatum(sum->quantity_wh);
		element[4 * size + n] = Int64GetDatum(sum->bundles);
		n++;
	}
	for (int k = 0; k < 5; k++)
		value[k] = PointerGetDatum(k < 3 ? construct_array(element + k * size, (int) size, TEXTOID, -1, false, TYPALIGN_INT) :
								   construct_array(element + k * size, (int) size, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	value[5] = Int32GetDatum(MyProcPid % SUM_STRIPES);
	check_execute(&plan, sums_sql, lengthof(types), types, value, SPI_OK_INSERT);
}

/* ---- together ---- */

/* The rows that end bundles; what these had goes off the sums. */
static void
check_parts(const CheckRow *row, uint32 count, HTAB *sums)
{
	uint32		events;
	uint32		parents;
	CheckEvent *event = check_events(row, count, &events);
	MovePiece  *parent = check_parents(row, count, &parents);
	const MovePiece *p = NULL;

	for (uint32 i = 0; i < count; i++)
	{
		const CheckRow *r = &row[i];
		bool		first = i == 0 || row[i - 1].parent_id != r->parent_id;
		bool		last = i + 1 == count || row[i + 1].parent_id != r->parent_id;
		const CheckEvent *e = bsearch(&r->event_id, event, events, sizeof(CheckEvent), event_compare);

		CHECK_FOR_INTERRUPTS();
		if (first)
		{
			MovePiece	key = {.bundle_id = r->parent_id};

			p = bsearch(&key, parent, parents, sizeof(MovePiece), bundle_compare);
		}
		if (p == NULL || e == NULL || !check_equal(r->device, p->device) || !check_equal(r->carrier, p->carrier) ||
			r->from_at != p->from_at || r->to_at != p->to_at || r->issue_id != p->issue_id ||
			r->first_id != (first ? p->bundle_first_id : row[i - 1].last_id + 1) || (last && r->last_id != p->bundle_last_id) ||
			!check_step(r, p, e))
			check_refuse_part(r, p, e);
		if (first)
			sum_add(sums, p->holder, p->carrier, p->state, -(p->bundle_last_id - p->bundle_first_id + 1), -1);
	}
}

void
certificate_check(Tuplestorestate *rows, TupleDesc desc)
{
	CheckRows	r = check_read(rows, desc);
	HASHCTL		info = {.keysize = sizeof(SumKey),.entrysize = sizeof(Sum),.hash = sum_hash,.match = sum_match,.hcxt = CurrentMemoryContext};
	HTAB	   *sums;
	uint32		issued = 0;

	if (r.count == 0)
		return;
	sums = hash_create("sums of certificates", 64, &info, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	for (uint32 i = 0; i < r.count; i++)
	{
		issued += r.row[i].parent_id == 0;
		sum_add(sums, r.row[i].holder, r.row[i].carrier, r.row[i].state, check_size(&r.row[i]), 1);
	}
	if (issued > 0)
		check_issued(r.row, issued);
	if (issued < r.count)
		check_parts(r.row + issued, r.count - issued, sums);
	sums_write(sums);
}

/*
 * verify_site.c: are the names and keys in energyledger.site those that the log
 * itself names, and was each key handed over by the one before?
 *
 * energyledger.site is no leaf of the log; what verifies checkpoints reads keys from
 * it.  Each of its rows must have its event, each such event its row.  The first
 * block that a key signs must hold the key's event, and be signed by the key that it
 * replaces as well.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "core/note.h"
#include "ledger/log.h"
#include "ledger/verify_site.h"

/* What an event of kind 6 or 7 says of a row: its first values, in both forms. */
#define SITE_EVENT_MATCHES \
	"v.site_id = i.site_id AND" \
	" (v.kind = 6 AND i.key_number = 1 AND v.field_values[1:3]" \
	" = ARRAY[i.incarnation::text, i.origin, encode(i.public_key, 'base64')]" \
	" OR v.kind = 7 AND i.key_number > 1 AND v.field_values[1:3]" \
	" = ARRAY[i.incarnation::text, i.key_number::text, encode(i.public_key, 'base64')])"

static void
verify_site_execute(const char *query, int site_id, uint64 from_height)
{
	Oid			types[2] = {INT4OID, INT8OID};
	Datum		args[2] = {Int32GetDatum(site_id), Int64GetDatum((int64) from_height)};

	if (SPI_execute_with_args(query, 2, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the log's keys");
}

/* Column 1 is a number that names the row, column 2 what is missing. */
static void
verify_site_report(Findings *f, const char *relation, const char *kind)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		number = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		verify_finding(f, relation, isnull ? -1 : DatumGetInt64(number), kind,
					   SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2), NULL);
	}
}

/*
 * One key of a block where the key or the name changed.  Row: height, note, origin and
 * public key, whether another has replaced the key there, and whether the key is an
 * old one or named in that block, not later.
 */
static void
verify_change(Findings *f, HeapTuple row, TupleDesc desc)
{
	bool		isnull[6];
	Datum		value[6];
	char	   *note;
	note_key	key;
	uint8		public_key[ED25519_PUBLIC_LEN];
	size_t		text_len;

	for (int i = 0; i < 6; i++)
		value[i] = SPI_getbinval(row, desc, i + 1, &isnull[i]);
	if (isnull[0] || isnull[1] || isnull[2] || isnull[3] || isnull[4] || isnull[5] ||
		!log_read_hash(value[3], public_key))
		return;					/* found elsewhere */
	note = TextDatumGetCString(value[1]);
	if (DatumGetBool(value[4]) &&
		(!note_key_init(&key, TextDatumGetCString(value[2]), public_key) ||
		 note_verify(note, strlen(note), &key, &text_len) != NOTE_VALID))
		verify_finding(f, "energyledger.block", DatumGetInt64(value[0]), "key_handover",
					   psprintf("a signature by the key before, of %s", verify_hex(public_key)),
					   "none that verifies");
	if (!DatumGetBool(value[5]))
		verify_finding(f, "energyledger.block", DatumGetInt64(value[0]), "key_event",
					   psprintf("the event that names its key %s among its leaves", verify_hex(public_key)),
					   "a later one");
}

void
verify_site(Findings *f, int site_id, uint64 from_height)
{
	verify_site_execute("SELECT i.incarnation::bigint,"
						" format('an event that names %s and its key %s', i.origin, i.key_number)"
						" FROM energyledger.site i WHERE i.site_id = $1 AND NOT EXISTS"
						" (SELECT FROM energyledger.event v WHERE " SITE_EVENT_MATCHES ") ORDER BY 1", site_id, from_height);
	verify_site_report(f, "energyledger.site", "site_event");
	verify_site_execute("SELECT v.event_id, 'the row of energyledger.site that it names'"
						" FROM energyledger.event v WHERE v.site_id = $1 AND v.kind IN (6, 7) AND NOT EXISTS"
						" (SELECT FROM energyledger.site i WHERE " SITE_EVENT_MATCHES ") ORDER BY 1", site_id, from_height);
	verify_site_report(f, "energyledger.event", "site_missing");
	verify_site_execute("SELECT b.height, b.note, i.origin, i.public_key, i.key_number < b.key_number,"
						" i.key_number = b.since OR NOT EXISTS (SELECT FROM energyledger.event v WHERE " SITE_EVENT_MATCHES
						" AND NOT EXISTS (SELECT FROM energyledger.leaf_run r WHERE r.site_id = $1"
						" AND r.first_index >= b.first_index AND r.first_index <= b.first_index + b.leaf_count"
						" AND v.event_id = ANY (r.refs))"
						/* leaves that are lost are found elsewhere: it was later */
						" AND (NOT pg_visible_in_snapshot(v.xid, b.snapshot) OR EXISTS (SELECT FROM energyledger.leaf_run r"
						" WHERE r.site_id = $1 AND r.first_index > b.first_index + b.leaf_count AND v.event_id = ANY (r.refs))))"
						" FROM (SELECT height, incarnation, key_number, note, first_index, leaf_count, snapshot,"
						" CASE WHEN lag(incarnation) OVER w = incarnation THEN lag(key_number) OVER w ELSE 0 END AS since"
						" FROM energyledger.block WHERE site_id = $1 AND height >= $2 WINDOW w AS (ORDER BY height)) b"
						" JOIN energyledger.site i ON i.site_id = $1 AND i.incarnation = b.incarnation"
						" AND i.key_number >= b.since AND i.key_number <= b.key_number"
						" WHERE b.since < b.key_number AND b.height > $2 ORDER BY 1", site_id, from_height);
	for (uint64 i = 0; i < SPI_processed; i++)
		verify_change(f, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
}

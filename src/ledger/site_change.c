/*
 * site_change.c: new incarnations and new keys of the log.
 *
 * Each is a row of energyledger.site and an event of the log, written together, so
 * that the log itself says where it was restored and which key came after which.
 *
 * An incarnation is a new name.  It is needed wherever another server may go on, or
 * may have gone on, under the old one: in a copy of the database, and where recovery
 * left out what was signed before.  Names of later incarnations have a random
 * part, because two servers can be restored from one backup.
 *
 * Transaction ids go on in a copy of the files and start over in a restored dump.
 * That decides how the sealer tells what is new, so each row says with which
 * incarnations it shares them (xid_space).  energyledger.local_incarnation, which is
 * never dumped, tells the two apart.
 */
#include "postgres.h"
#include "compat.h"

#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/base64.h"
#include "guc.h"
#include "ledger/event.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/site_change.h"
#include "ledger/site_key.h"
#include "worker/shared.h"

#define SITE_ID_FIRST 1

/* ---- rows ---- */

static void
site_insert_row(const char *table, Datum *values, int natts)
{
	Relation	rel = table_open(log_relation_oid(table), RowExclusiveLock);
	bool		nulls[LOG_SITE_NATTS] = {false};

	Assert(natts <= LOG_SITE_NATTS && natts == RelationGetDescr(rel)->natts);
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
}

/* The row; visible from here on, and forgotten again by this backend if rolled back. */
static void
site_insert(const Site *site)
{
	Datum		incarnation = Int32GetDatum(site->incarnation);
	Datum		values[LOG_SITE_NATTS] = {
		Int16GetDatum((int16) site->site_id),
		incarnation,
		Int32GetDatum(site->key_number),
		CStringGetTextDatum(site->origin),
		log_bytea(site->public_key, ED25519_PUBLIC_LEN),
		Int64GetDatum((int64) site->system_identifier),
		ObjectIdGetDatum(site->database),
		Int32GetDatum(site->xid_space),
		Int32GetDatum((int32) site->timeline),
		TimestampTzGetDatum(GetCurrentTimestamp()),
	};

	site_insert_row("site", values, LOG_SITE_NATTS);
	if (site->key_number == 1)
		site_insert_row("local_incarnation", &incarnation, 1);
	CommandCounterIncrement();
	site_forget_current();
}

/* Do transaction ids of that incarnation count in this cluster? */
static bool
site_is_local(int incarnation)
{
	Relation	rel = table_open(log_relation_oid("local_incarnation"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		found = DatumGetInt32(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)) == incarnation;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static char *
site_base64(const uint8 public_key[ED25519_PUBLIC_LEN])
{
	char	   *digits = palloc(BASE64_LEN(ED25519_PUBLIC_LEN) + 1);

	digits[base64_encode(public_key, ED25519_PUBLIC_LEN, digits, BASE64_LEN(ED25519_PUBLIC_LEN))] = '\0';
	return digits;
}

/* One change at a time, until the transaction that makes it ends. */
static void
site_lock(void)
{
	LockRelationOid(log_relation_oid("site"), ShareRowExclusiveLock);
}

/* ---- incarnations ---- */

static void
site_name(Site *site)
{
	int			len = snprintf(site->origin, sizeof(site->origin), "energyledger/" UINT64_FORMAT "/%u",
							   site->system_identifier, site->database);
	uint32		random;

	if (site->incarnation == 1)
		return;
	if (!pg_strong_random(&random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
	snprintf(site->origin + len, sizeof(site->origin) - len, "/%d-%08x", site->incarnation, random);
}

/* previous: NULL for the first.  Its key is the file's newest. */
static void
site_open(const Site *previous, const char *reason)
{
	static const char *const names[] = {"incarnation", "origin", "public_key", "previous_origin", "reason"};
	Site		site = {.key_number = 1};
	const char *values[lengthof(names)];

	site.site_id = previous != NULL ? previous->site_id : SITE_ID_FIRST;
	site.incarnation = previous != NULL ? previous->incarnation + 1 : 1;
	site.xid_space = previous != NULL && site_is_local(previous->incarnation) ?
		previous->xid_space : site.incarnation;
	site.system_identifier = GetSystemIdentifier();
	site.database = MyDatabaseId;
	site.timeline = GetWALInsertionTimeLine();
	site_name(&site);
	site_key_newest(site.public_key);
	site_insert(&site);

	values[0] = psprintf("%d", site.incarnation);
	values[1] = site.origin;
	values[2] = site_base64(site.public_key);
	values[3] = previous != NULL ? previous->origin : "";
	values[4] = reason;
	(void) event_record(ENCODE_KIND_INCARNATION, lengthof(names), names, values);
	if (previous != NULL)
		ereport(LOG,
				(errmsg("ledger of database %u: %s: log \"%s\" goes on as \"%s\"", MyDatabaseId,
						reason, previous->origin, site.origin)));
}

void
site_open_first(void)
{
	/* a restored dump brings its rows along, and is opened afterwards */
	if (!restore_mode)
		site_open(NULL, "created");
}

/*
 * Has a timeline ended at a recovery target since?  Its successor's history file,
 * which is kept for good, has a line for each timeline before it that says why it ended.
 */
static bool
site_recovered_to_target(TimeLineID since, TimeLineID now)
{
	char		path[MAXPGPATH];
	char		line[MAXPGPATH];
	FILE	   *file;
	bool		to_target = false;

	TLHistoryFilePath(path, now);
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		return true;			/* who knows: another name is always right */
	while (fgets(line, sizeof(line), file) != NULL)
	{
		unsigned int timeline,
					high,
					low;
		int			reason = 0;

		if (sscanf(line, "%u\t%X/%X\t%n", &timeline, &high, &low, &reason) == 3 && reason > 0 &&
			timeline >= since &&
			strncmp(line + reason, "no recovery target", strlen("no recovery target")) != 0)
			to_target = true;
	}
	FreeFile(file);
	return to_target;
}

/* The timeline on which the log was last signed or named. */
static TimeLineID
site_newest_timeline(const Site *site)
{
	Oid			types[2] = {INT4OID, INT4OID};
	Datum		args[2] = {Int32GetDatum(site->site_id), Int32GetDatum(site->incarnation)};
	TimeLineID	timeline = site->timeline;

	SPI_connect();
	if (SPI_execute_with_args("SELECT timeline, incarnation FROM energyledger.block WHERE site_id = $1"
							  " AND incarnation = $2 ORDER BY height DESC LIMIT 1",
							  2, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the newest block");
	if (SPI_processed == 1)
	{
		bool		isnull;
		Datum		newest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			timeline = Max(timeline, (TimeLineID) DatumGetInt32(newest));
	}
	SPI_finish();
	return timeline;
}

/* Why the log must go on under another name; NULL where it need not. */
static const char *
site_why_open(const Site *site)
{
	static bool recovery_looked_at = false; /* a server's timeline stays */
	TimeLineID	since;
	TimeLineID	now;

	if (site_is_copy(site))
	{
		if (!site_is_local(site->incarnation))
			return "dump restored";
		return site->system_identifier != GetSystemIdentifier() ? "cluster upgraded" : "database copied";
	}
	if (recovery_looked_at)
		return NULL;
	since = site_newest_timeline(site);
	now = GetWALInsertionTimeLine();
	if (now > since && site_recovered_to_target(since, now))
		return "recovered to a target";
	if (now > since && shared_state->backup_restored)
		return "backup restored";
	recovery_looked_at = true;
	return NULL;
}

bool
site_open_where_needed(bool wanted)
{
	List	   *rows = site_rows(SnapshotSelf);
	const char *reason;

	if (rows == NIL)
		return false;
	if (site_why_open(linitial(rows)) == NULL)
		return true;
	if (site_is_copy(linitial(rows)) && !(wanted && site_lock_for_opening()))
		return false;
	/* unless somebody is doing it by hand */
	site_lock();
	rows = site_rows(SnapshotSelf);
	reason = site_why_open(linitial(rows));
	if (reason != NULL)
		site_open(linitial(rows), reason);
	return true;
}

void
site_reopen(const char *reason)
{
	const Site *site;

	if (reason[0] == '\0' || strlen(reason) > SITE_REASON_LEN_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the reason must have 1 to %d bytes", SITE_REASON_LEN_MAX),
				 errdetail("It has %zu.", strlen(reason))));
	(void) site_current();
	site_lock();
	site = linitial(site_rows(SnapshotSelf));
	site_open(site, reason);
}

/* ---- keys ---- */

/*
 * The next block is signed by the old key and the new one (seal.c), so the old one
 * must still be there.
 */
static void
site_check_old_key(const Site *site)
{
	if (site_key_secret(SITE_KEY_LOG, site->public_key) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the signing key file does not hold the key that shall be replaced"),
				 errdetail("The log's public key is %s; the block that names its successor must be signed with it.",
						   site_base64(site->public_key)),
				 errhint("Put its line back into \"%s\", or go on under another name with energyledger.reopen().",
						 site_key_path(SITE_KEY_LOG))));
}

void
site_rotate_key(bool fresh)
{
	static const char *const names[] = {"incarnation", "key_number", "public_key", "previous_public_key"};
	const char *values[lengthof(names)];
	List	   *rows;
	const Site *old;
	Site		site;
	uint8		(*used)[ED25519_PUBLIC_LEN];

	(void) site_current();
	site_lock();
	rows = site_rows(SnapshotSelf);
	old = linitial(rows);
	site_check_old_key(old);
	used = palloc(list_length(rows) * ED25519_PUBLIC_LEN);
	for (int i = 0; i < list_length(rows); i++)
		memcpy(used[i], ((Site *) list_nth(rows, i))->public_key, ED25519_PUBLIC_LEN);
	site = *old;
	site.key_number++;
	site.timeline = GetWALInsertionTimeLine();
	site_key_next(SITE_KEY_LOG, (const uint8 (*)[ED25519_PUBLIC_LEN]) used, list_length(rows), fresh, site.public_key);
	site_insert(&site);

	values[0] = psprintf("%d", site.incarnation);
	values[1] = psprintf("%d", site.key_number);
	values[2] = site_base64(site.public_key);
	values[3] = site_base64(old->public_key);
	(void) event_record(ENCODE_KIND_KEY, lengthof(names), names, values);
	ereport(LOG, (errmsg("key %d of log \"%s\" is to sign from the next block on", site.key_number, site.origin)));
}

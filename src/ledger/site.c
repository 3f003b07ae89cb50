/*
 * site.c: the site's identity, as energyledger.site says it, and signing in its
 * name.
 *
 * A row names the log (origin) and a public key; the newest counts.  Rows are
 * written by site_change.c; the secret keys are site_key.c's.
 *
 * A database that is a copy (restored dump, CREATE DATABASE ... TEMPLATE) must
 * not sign under the name of the one it was copied from: that would be a fork.
 * Its system identifier or OID gives it away, and until the sealer has opened it
 * under a name of its own there is no current site.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/base64.h"
#include "guc.h"
#include "ledger/log.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/verify_datum.h"
#include "ledger/site_key.h"
#include "worker/shared.h"

#define SITE_LOCK_FIELD 3		/* pg_advisory_lock() uses 1 and 2 */

#define SITE_OPEN_WAIT_MS 20	/* for the sealer to open a copied database ... */
#define SITE_OPEN_WAIT_MAX_MS 10000 /* ... at most */

static Site cached_site;
static bool cached_site_valid = false;
static Oid	cached_relid = InvalidOid;	/* energyledger.site when it was read */
static bool callback_registered = false;

/* Of every row of energyledger.site, as far as it is needed often. */
typedef struct CachedRow
{
	int			incarnation;
	int			xid_space;
} CachedRow;

static CachedRow *cached_row = NULL;
static int	cached_row_count = 0;
static int	cached_row_cap = 0;
static bool keeps_closed = false;	/* this session restores, see site_keep_closed */

static void
site_relcache_callback(Datum arg, Oid relid)
{
	if (!OidIsValid(relid) || relid == cached_relid)
		cached_site_valid = false;
}

void
site_forget_current(void)
{
	cached_site_valid = false;
}

static Site *
site_read_row(HeapTuple tuple, TupleDesc desc)
{
	Site	   *site = palloc0(sizeof(Site));
	Datum		values[LOG_SITE_NATTS];
	bool		nulls[LOG_SITE_NATTS];
	char	   *origin;

	if (!datum_deform(datum_shape(desc, LOG_SITE_NATTS), tuple, values, nulls))
		log_malformed("site");
	for (int i = 0; i < LOG_SITE_NATTS; i++)
		if (nulls[i])
			log_malformed("site");
	site->site_id = DatumGetInt16(values[0]);
	site->incarnation = DatumGetInt32(values[1]);
	site->key_number = DatumGetInt32(values[2]);
	origin = TextDatumGetCString(values[3]);
	if (!note_name_valid(origin, strlen(origin)))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("origin \"%s\" in energyledger.site is not a name for a log", origin)));
	strlcpy(site->origin, origin, sizeof(site->origin));
	if (!log_read_hash(values[4], site->public_key))
		log_malformed("site");
	site->system_identifier = (uint64) DatumGetInt64(values[5]);
	site->database = DatumGetObjectId(values[6]);
	site->xid_space = DatumGetInt32(values[7]);
	site->timeline = (uint32) DatumGetInt32(values[8]);
	return site;
}

static int
site_compare_newest_first(const ListCell *a, const ListCell *b)
{
	const Site *x = lfirst(a);
	const Site *y = lfirst(b);

	if (x->incarnation != y->incarnation)
		return x->incarnation > y->incarnation ? -1 : 1;
	return x->key_number > y->key_number ? -1 : x->key_number < y->key_number ? 1 : 0;
}

List *
site_rows(Snapshot snapshot)
{
	Relation	rel = table_open(log_relation_oid("site"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;
	List	   *rows = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rows = lappend(rows, site_read_row(tuple, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(rows, site_compare_newest_first);
	return rows;
}

bool
site_is_copy(const Site *site)
{
	return site->system_identifier != GetSystemIdentifier() || site->database != MyDatabaseId;
}

/* The newest row into cached_site; false where there is none. */
/* Where transaction ids start over, as the rows say. */
static void
site_load_spaces(List *rows)
{
	ListCell   *lc;

	cached_row_count = 0;
	foreach(lc, rows)
	{
		const Site *row = lfirst(lc);

		if (cached_row_count == cached_row_cap)
		{
			cached_row_cap = Max(8, cached_row_cap * 2);
			cached_row = cached_row == NULL ?
				MemoryContextAlloc(TopMemoryContext, sizeof(CachedRow) * cached_row_cap) :
				repalloc(cached_row, sizeof(CachedRow) * cached_row_cap);
		}
		cached_row[cached_row_count].incarnation = row->incarnation;
		cached_row[cached_row_count++].xid_space = row->xid_space;
	}
}

XidSpace
site_xid_space(int incarnation)
{
	XidSpace	space = {.from = incarnation,.next = PG_INT32_MAX};

	(void) site_current();
	for (int i = 0; i < cached_row_count; i++)
		if (cached_row[i].incarnation == incarnation)
			space.from = cached_row[i].xid_space;
	for (int i = 0; i < cached_row_count; i++)
		if (cached_row[i].xid_space > space.from)
			space.next = Min(space.next, cached_row[i].xid_space);
	return space;
}

static bool
site_load(void)
{
	List	   *rows;

	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(site_relcache_callback, (Datum) 0);
		callback_registered = true;
	}
	cached_relid = log_relation_oid("site");
	rows = site_rows(SnapshotSelf);
	if (rows == NIL)
		return false;
	cached_site = *(Site *) linitial(rows);
	site_load_spaces(rows);
	list_free_deep(rows);
	cached_site_valid = true;
	return true;
}

/*
 * Held in share mode by whoever restores, and exclusively by who opens the ledger.
 * An advisory lock, as these outlast errors and end with the session; its last
 * field has a value that SQL's functions do not use.
 */
static void
site_restore_lock(LOCKTAG *tag)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, 0, log_extension_oid(), SITE_LOCK_FIELD);
}

void
site_keep_closed(void)
{
	LOCKTAG		tag;

	if (keeps_closed)
		return;
	site_restore_lock(&tag);
	(void) LockAcquire(&tag, ShareLock, true, false);
	keeps_closed = true;
	cached_site_valid = false;
}

/* A session that has left restore mode lets the ledger be opened. */
static void
site_release(void)
{
	LOCKTAG		tag;

	if (!keeps_closed)
		return;
	site_restore_lock(&tag);
	(void) LockRelease(&tag, ShareLock, true);
	keeps_closed = false;
}

bool
site_lock_for_opening(void)
{
	LOCKTAG		tag;

	site_restore_lock(&tag);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
site_is_open(void)
{
	/* pg_upgrade makes the extension before its tables */
	if (!cached_site_valid && (!OidIsValid(log_extension_oid()) ||
							   !OidIsValid(schema_relation_oid("energyledger.site")) || !site_load()))
		return false;
	return !site_is_copy(&cached_site);
}

/* Its sealer has seen that the log goes on under its name. */
static bool
site_is_settled(void)
{
	return pg_atomic_read_u32(&shared_database()->opened) != 0;
}

/*
 * Nobody may have come here since the copy was made: ask for the sealer, which
 * opens it, and give it a moment.  False where it did not come.
 */
static bool
site_wait_until(bool (*done) (void))
{
	if (RecoveryInProgress() || restore_mode)
		return false;
	site_release();
	for (int waited_ms = 0; waited_ms < SITE_OPEN_WAIT_MAX_MS; waited_ms += SITE_OPEN_WAIT_MS)
	{
		sealer_ask_to_open(shared_database());
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 SITE_OPEN_WAIT_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		cached_site_valid = false;
		if (done())
			return true;
	}
	return false;
}

const Site *
site_current(void)
{
	if (cached_site_valid && !site_is_copy(&cached_site))
		return &cached_site;
	if (!site_load())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no ledger site"),
				 errhint("Restore energyledger.site, or drop and create the extension.")));
	if (site_is_copy(&cached_site) && !site_wait_until(site_is_open))
	{
		cached_site_valid = false;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this ledger was copied from another database and is not open yet"),
				 errdetail("Its log is that of \"%s\".", cached_site.origin),
				 restore_mode ? errhint("SET energyledger.restore_mode = off") :
				 errhint("The sealer opens it under a name of its own once no session restores into it: see the server log if it does not.")));
	}
	return &cached_site;
}

const char *
site_origin(void)
{
	return site_current()->origin;
}

void
site_row_key(const Site *site, note_key *k)
{
	if (!note_key_init(k, site->origin, site->public_key))
		elog(ERROR, "origin \"%s\" cannot name a key", site->origin);
}

void
site_note_key(note_key *k)
{
	site_row_key(site_current(), k);
}

static const uint8 *
site_secret(const note_key *k)
{
	const uint8 *secret_key = site_key_secret(SITE_KEY_LOG, k->public_key);
	char		digits[BASE64_LEN(ED25519_PUBLIC_LEN) + 1];

	if (secret_key == NULL)
	{
		digits[base64_encode(k->public_key, ED25519_PUBLIC_LEN, digits, sizeof(digits))] = '\0';
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the signing key file does not hold the key of log \"%s\"", k->name),
				 errdetail("\"%s\" has no line for the public key %s.", site_key_path(SITE_KEY_LOG), digits),
				 errhint("Put the line back, or copy the file from the server where the key was made. A key that is lost for good is replaced by energyledger.reopen().")));
	}
	return secret_key;
}

char *
site_sign(const char *text, size_t len, const note_key *keys, int count)
{
	Size		cap = len + 1 + count * (sizeof(keys[0].name) + 128);
	char	   *note = palloc(cap + 1);
	size_t		note_len = note_sign(text, len, &keys[0], site_secret(&keys[0]), note, cap);

	for (int i = 1; i < count && note_len != 0; i++)
		note_len = note_sign_also(note, note_len, len, &keys[i], site_secret(&keys[i]), cap);
	if (note_len == 0)
		elog(ERROR, "text cannot be signed as a note");
	note[note_len] = '\0';
	return note;
}

void
site_wait_settled(void)
{
	if (!site_is_settled() && !site_wait_until(site_is_settled))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing can be signed yet in the name of log \"%s\"", site_current()->origin),
				 errdetail("The sealer has not seen yet whether the log goes on under that name."),
				 errhint("See the server log if it does not come.")));
}

char *
site_sign_note(const char *text, size_t len)
{
	note_key	key;

	site_wait_settled();
	site_note_key(&key);
	return site_sign(text, len, &key, 1);
}

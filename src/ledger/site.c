/*
 * site.c: the site's identity and its signing key.
 *
 * The key is one Ed25519 seed for the cluster, in a file that only the server's
 * operating-system user can read; the log's name (origin) is the database's own.
 * The postmaster makes the file when there is none and keeps the public half in
 * shared memory; the secret is read by the processes that sign, into locked
 * memory.  It never enters SQL, a log line or an error message.
 *
 * A database that is a copy (restored dump, CREATE DATABASE ... TEMPLATE) must
 * not sign under the name of the one it was copied from: that would be a fork.
 * Its system identifier or OID gives it away, and it is reopened as a new
 * incarnation under a name of its own.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/base64.h"
#include "guc.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "worker/shared.h"

#define SITE_KEY_FILE "energyledger_site.key"
#define SITE_KEY_PREFIX "energyledger-ed25519-seed "	/* then base64 and a newline */
#define SITE_KEY_TEXT_LEN (sizeof(SITE_KEY_PREFIX) - 1 + BASE64_LEN(ED25519_SEED_LEN) + 1)
#define SITE_ID_FIRST 1

#define SITE_NATTS 8

#define SITE_OPEN_WAIT_MS 20	/* for the sealer to open a copied database ... */
#define SITE_OPEN_WAIT_MAX_MS 10000 /* ... at most */

static Site cached_site;
static bool cached_site_valid = false;
static bool cached_site_is_copy = false;
static bool callback_registered = false;

static const char *
site_key_path(void)
{
	return signing_key_file != NULL && signing_key_file[0] != '\0' ? signing_key_file : SITE_KEY_FILE;
}

/* The file's text to a seed; FATAL in the postmaster, ERROR in a backend. */
static void
site_key_read(uint8 seed[ED25519_SEED_LEN], int elevel)
{
	const char *path = site_key_path();
	char		text[SITE_KEY_TEXT_LEN + 1];
	struct stat st;
	size_t		seed_len;
	ssize_t		got;
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);

	if (fd < 0)
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not open signing key file \"%s\": %m", path)));
	if (fstat(fd, &st) != 0)
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not stat signing key file \"%s\": %m", path)));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		ereport(elevel,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("signing key file \"%s\" is not a file that only its owner can read", path),
				 errhint("chmod 600 \"%s\"", path)));
	got = read(fd, text, sizeof(text));
	CloseTransientFile(fd);
	if (got != SITE_KEY_TEXT_LEN ||
		memcmp(text, SITE_KEY_PREFIX, strlen(SITE_KEY_PREFIX)) != 0 ||
		text[SITE_KEY_TEXT_LEN - 1] != '\n' ||
		!base64_decode(text + strlen(SITE_KEY_PREFIX), BASE64_LEN(ED25519_SEED_LEN),
					   seed, ED25519_SEED_LEN, &seed_len) ||
		seed_len != ED25519_SEED_LEN)
	{
		explicit_bzero(text, sizeof(text));
		ereport(elevel,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("signing key file \"%s\" does not hold a signing key", path),
				 errdetail("Expected one line: \"%s\" and the base64 of 32 bytes.", SITE_KEY_PREFIX)));
	}
	explicit_bzero(text, sizeof(text));
}

/* Written beside and renamed, so that no half key is ever found. */
static void
site_key_create(void)
{
	const char *path = site_key_path();
	char	   *temporary = psprintf("%s.tmp", path);
	uint8		seed[ED25519_SEED_LEN];
	char		text[SITE_KEY_TEXT_LEN];
	size_t		len = strlen(SITE_KEY_PREFIX);
	int			fd;

	randombytes_buf(seed, sizeof(seed));
	memcpy(text, SITE_KEY_PREFIX, len);
	len += base64_encode(seed, sizeof(seed), text + len, sizeof(text) - len);
	text[len++] = '\n';
	explicit_bzero(seed, sizeof(seed));

	fd = BasicOpenFilePerm(temporary, O_CREAT | O_TRUNC | O_WRONLY | PG_BINARY, S_IRUSR | S_IWUSR);
	if (fd < 0 || write(fd, text, len) != (ssize_t) len || pg_fsync(fd) != 0 || close(fd) != 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not write signing key file \"%s\": %m", temporary)));
	explicit_bzero(text, sizeof(text));
	durable_rename(temporary, path, FATAL);
	ereport(LOG, (errmsg("made the site's signing key in \"%s\"", path)));
	pfree(temporary);
}

static void
site_key_load(uint8 public_key[ED25519_PUBLIC_LEN], uint8 secret_key[ED25519_SECRET_LEN], int elevel)
{
	uint8		seed[ED25519_SEED_LEN];

	site_key_read(seed, elevel);
	ed25519_from_seed(seed, public_key, secret_key);
	explicit_bzero(seed, sizeof(seed));
}

void
site_key_prepare(void)
{
	uint8		secret_key[ED25519_SECRET_LEN];
	struct stat st;

	if (stat(site_key_path(), &st) != 0 && errno == ENOENT &&
		(signing_key_file == NULL || signing_key_file[0] == '\0'))
		site_key_create();
	site_key_load(shared_state->public_key, secret_key, FATAL);
	explicit_bzero(secret_key, sizeof(secret_key));
	shared_state->key_loaded = true;
}

static void
site_relcache_callback(Datum arg, Oid relid)
{
	cached_site_valid = false;
}

/* The newest row of energyledger.site into cached_site; false where there is none. */
static bool
site_read_newest(void)
{
	Relation	rel = table_open(log_relation_oid("site"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	HeapTuple	tuple;
	bool		found = false;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[SITE_NATTS];
		bool		nulls[SITE_NATTS];
		char	   *origin;

		heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
		if (found && (DatumGetInt32(values[1]) < cached_site.incarnation ||
					  (DatumGetInt32(values[1]) == cached_site.incarnation &&
					   DatumGetInt32(values[2]) < cached_site.key_number)))
			continue;
		cached_site.site_id = DatumGetInt16(values[0]);
		cached_site.incarnation = DatumGetInt32(values[1]);
		cached_site.key_number = DatumGetInt32(values[2]);
		origin = TextDatumGetCString(values[3]);
		if (!note_name_valid(origin, strlen(origin)))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("origin \"%s\" in energyledger.site is not a name for a log", origin)));
		strlcpy(cached_site.origin, origin, sizeof(cached_site.origin));
		if (!log_read_hash(values[4], cached_site.public_key))
			log_malformed("site");
		cached_site_is_copy = DatumGetInt64(values[5]) != (int64) GetSystemIdentifier() ||
			DatumGetObjectId(values[6]) != MyDatabaseId;
		found = true;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

static void
site_load(void)
{
	if (!callback_registered)
	{
		CacheRegisterRelcacheCallback(site_relcache_callback, (Datum) 0);
		callback_registered = true;
	}
	if (!site_read_newest())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no ledger site"),
				 errhint("Restore energyledger.site, or drop and create the extension.")));
	cached_site_valid = true;
}

/*
 * Nobody may have come here since the copy was made: ask for the sealer, which
 * opens it, and give it a moment.  False where it did not come.
 */
static bool
site_wait_until_open(void)
{
	if (RecoveryInProgress())
		return false;
	for (int waited_ms = 0; waited_ms < SITE_OPEN_WAIT_MAX_MS; waited_ms += SITE_OPEN_WAIT_MS)
	{
		sealer_wake(shared_database());
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 SITE_OPEN_WAIT_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		site_load();
		if (!cached_site_is_copy)
			return true;
	}
	return false;
}

const Site *
site_current(void)
{
	if (!cached_site_valid)
		site_load();
	if (cached_site_is_copy && !site_wait_until_open())
	{
		cached_site_valid = false;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this ledger was copied from another database and is not open yet"),
				 errdetail("Its log is that of \"%s\".", cached_site.origin),
				 errhint("The sealer opens it under a name of its own: see the server log if it does not.")));
	}
	return &cached_site;
}

const char *
site_origin(void)
{
	return site_current()->origin;
}

void
site_note_key(note_key *k)
{
	const Site *site = site_current();

	if (!note_key_init(k, site->origin, site->public_key))
		elog(ERROR, "origin \"%s\" cannot name a key", site->origin);
}

/*
 * The secret key, read once in a process that signs, into memory that is kept
 * out of swap and core dumps.  The file does not change while the server runs:
 * its name is fixed at start.
 */
static const uint8 *
site_secret_key(uint8 public_key[ED25519_PUBLIC_LEN])
{
	static uint8 *guarded = NULL;

	if (guarded == NULL)
	{
		uint8	   *fresh = sodium_malloc(ED25519_SECRET_LEN);

		if (fresh == NULL)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		PG_TRY();
		{
			site_key_load(public_key, fresh, ERROR);
		}
		PG_CATCH();
		{
			sodium_free(fresh);
			PG_RE_THROW();
		}
		PG_END_TRY();
		(void) sodium_mprotect_readonly(fresh);
		guarded = fresh;
	}
	/* libsodium's form: the seed, then the public key */
	memcpy(public_key, guarded + ED25519_SEED_LEN, ED25519_PUBLIC_LEN);
	return guarded;
}

char *
site_sign_note(const char *text, size_t len)
{
	const Site *site = site_current();
	uint8		public_key[ED25519_PUBLIC_LEN];
	const uint8 *secret_key;
	note_key	key;
	Size		cap = len + sizeof(key.name) + 256;
	char	   *note = palloc(cap + 1);
	size_t		note_len;

	site_note_key(&key);
	secret_key = site_secret_key(public_key);
	if (memcmp(public_key, site->public_key, ED25519_PUBLIC_LEN) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the signing key is not the one that this log was opened with"),
				 errdetail("Log \"%s\" names another public key than \"%s\" holds.",
						   site->origin, site_key_path()),
				 errhint("Put the key file back, or set energyledger.signing_key_file.")));
	note_len = note_sign(text, len, &key, secret_key, note, cap);
	if (note_len == 0)
		elog(ERROR, "text cannot be signed as a note");
	note[note_len] = '\0';
	return note;
}

static void
site_insert(int site_id, int incarnation)
{
	Relation	rel = table_open(log_relation_oid("site"), ShareRowExclusiveLock);
	char	   *origin = psprintf("energyledger/" UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId);
	bool		nulls[SITE_NATTS] = {false};
	bytea	   *public_key = palloc(VARHDRSZ + ED25519_PUBLIC_LEN);
	Datum		values[SITE_NATTS];

	SET_VARSIZE(public_key, VARHDRSZ + ED25519_PUBLIC_LEN);
	memcpy(VARDATA(public_key), shared_state->public_key, ED25519_PUBLIC_LEN);
	values[0] = Int16GetDatum((int16) site_id);
	values[1] = Int32GetDatum(incarnation);
	values[2] = Int32GetDatum(1);
	values[3] = CStringGetTextDatum(origin);
	values[4] = PointerGetDatum(public_key);
	values[5] = Int64GetDatum((int64) GetSystemIdentifier());
	values[6] = ObjectIdGetDatum(MyDatabaseId);
	values[7] = TimestampTzGetDatum(GetCurrentTimestamp());
	CatalogTupleInsert(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls));
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
	cached_site_valid = false;
}

void
site_insert_first(void)
{
	/* a restored dump brings its rows along, and is reopened afterwards */
	if (!restore_mode)
		site_insert(SITE_ID_FIRST, 1);
}

bool
site_reopen_if_copied(void)
{
	if (!site_read_newest())
		return false;
	if (!cached_site_is_copy)
		return false;
	ereport(LOG,
			(errmsg("ledger of database %u was copied from log \"%s\": opening it as incarnation %d",
					MyDatabaseId, cached_site.origin, cached_site.incarnation + 1)));
	site_insert(cached_site.site_id, cached_site.incarnation + 1);
	return true;
}

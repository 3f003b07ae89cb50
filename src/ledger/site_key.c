/*
 * site_key.c: the files with the site's signing keys, and the only code that sees
 * a secret one.
 *
 * There are two, the log's and the operator's (who signs commands to meters), of one
 * form.  Each line says whose it is, so that neither is taken for the other.
 *
 * A file holds Ed25519 seeds, one a line, the newest last, and only the server's
 * operating-system user can read it.  All databases of the cluster share it; which
 * line signs a log is said by the log's own newest row in energyledger.site, which
 * names the public half.  A line that is there and not named yet is the key to come:
 * left by an operator, by another database, or by a rotation that was rolled back.
 *
 * A file is read when a process signs with a key that it does not hold yet, so a
 * line may be added or put back while the server runs.  Secrets stay in locked
 * memory; they never enter SQL, the WAL, a log line or an error message.
 */
#include "postgres.h"
#include "compat.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"
#include "storage/lwlock.h"

#include "core/base64.h"
#include "guc.h"
#include "ledger/site_key.h"
#include "worker/shared.h"

#define SITE_KEY_PREFIX_LEN_MAX 32
#define SITE_KEY_LINE_LEN_MAX (SITE_KEY_PREFIX_LEN_MAX + BASE64_LEN(ED25519_SEED_LEN) + 1)

typedef struct KeyFileKind
{
	const char *name;			/* in the data directory, where no setting names another */
	char	  **setting;
	const char *prefix;			/* of each line; then base64 and a newline */
} KeyFileKind;

static const KeyFileKind key_file_kinds[] = {
	[SITE_KEY_LOG] = {"energyledger_site.key", &signing_key_file, "energyledger-ed25519-seed "},
	[SITE_KEY_OPERATOR] = {"energyledger_operator.key", &operator_key_file, "energyledger-operator-seed "},
};

/* A file as it was read; lives in locked memory. */
typedef struct KeyFile
{
	const KeyFileKind *kind;
	const char *path;
	size_t		prefix_len;
	size_t		line_len;
	int			count;
	uint8		seed[ED25519_SEED_LEN]; /* of the key looked at */
	uint8		secret_key[ED25519_SECRET_LEN];
	char		text[(SITE_KEYS_MAX + 1) * SITE_KEY_LINE_LEN_MAX];	/* room for one line more */
} KeyFile;

static bool
site_key_is_named(SiteKeyFile which)
{
	const char *setting = *key_file_kinds[which].setting;

	return setting != NULL && setting[0] != '\0';
}

const char *
site_key_path(SiteKeyFile which)
{
	return site_key_is_named(which) ? *key_file_kinds[which].setting : key_file_kinds[which].name;
}

static KeyFile *
key_file_allocate(SiteKeyFile which)
{
	KeyFile    *f = sodium_malloc(sizeof(KeyFile));

	if (f == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	memset(f, 0, sizeof(*f));
	f->kind = &key_file_kinds[which];
	f->path = site_key_path(which);
	f->prefix_len = strlen(f->kind->prefix);
	f->line_len = f->prefix_len + BASE64_LEN(ED25519_SEED_LEN) + 1;
	return f;
}

/* Key number i of the file into f->secret_key; false where its line is malformed. */
static bool
key_file_take(KeyFile *f, int i, uint8 public_key[ED25519_PUBLIC_LEN])
{
	const char *line = f->text + i * f->line_len;
	size_t		len;

	if (memcmp(line, f->kind->prefix, f->prefix_len) != 0 ||
		line[f->line_len - 1] != '\n' ||
		!base64_decode(line + f->prefix_len, BASE64_LEN(ED25519_SEED_LEN),
					   f->seed, ED25519_SEED_LEN, &len) ||
		len != ED25519_SEED_LEN)
		return false;
	ed25519_from_seed(f->seed, public_key, f->secret_key);
	return true;
}

static void
key_file_fill(KeyFile *f, int elevel)
{
	const char *path = f->path;
	uint8		public_key[ED25519_PUBLIC_LEN];
	struct stat st;
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
	got = read(fd, f->text, (SITE_KEYS_MAX + 1) * f->line_len);
	if (got < 0)
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not read signing key file \"%s\": %m", path)));
	CloseTransientFile(fd);
	f->count = (int) (got / f->line_len);
	if (f->count > SITE_KEYS_MAX)
		ereport(elevel,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("signing key file \"%s\" holds more than %d keys", path, SITE_KEYS_MAX),
				 errhint("Remove the lines of keys that no longer sign, from the top.")));
	for (int i = 0; i < Max(f->count, 1); i++)
		if (f->count == 0 || got % f->line_len != 0 || !key_file_take(f, i, public_key))
			ereport(elevel,
					(errcode(ERRCODE_CONFIG_FILE_ERROR),
					 errmsg("signing key file \"%s\" does not hold signing keys", path),
					 errdetail("Line %d is not \"%s\" and the base64 of 32 bytes.", i + 1, f->kind->prefix)));
}

/* FATAL in the postmaster, ERROR in a backend.  sodium_free() wipes it. */
static KeyFile *
key_file_read(SiteKeyFile which, int elevel)
{
	KeyFile    *f = key_file_allocate(which);

	PG_TRY();
	{
		key_file_fill(f, elevel);
	}
	PG_CATCH();
	{
		sodium_free(f);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return f;
}

/* Where a link leads: the file is replaced, not the link.  palloc'd. */
static char *
key_file_real_path(const KeyFile *f)
{
	char	   *real = realpath(f->path, NULL);
	char	   *path = pstrdup(real != NULL ? real : f->path);

	free(real);
	return path;
}

/* Written beside and renamed, so that no half file is ever found. */
static void
key_file_write(const KeyFile *f, int elevel)
{
	char	   *path = key_file_real_path(f);
	char	   *temporary = psprintf("%s.tmp", path);
	size_t		len = f->count * f->line_len;
	int			fd;

	(void) unlink(temporary);
	fd = BasicOpenFilePerm(temporary, O_CREAT | O_EXCL | O_WRONLY | PG_BINARY, S_IRUSR | S_IWUSR);
	errno = fd < 0 ? errno : 0;
	if (fd < 0 || write(fd, f->text, len) != (ssize_t) len || pg_fsync(fd) != 0)
	{
		int			saved = errno != 0 ? errno : ENOSPC;

		if (fd >= 0)
			(void) close(fd);
		(void) unlink(temporary);
		errno = saved;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write signing key file \"%s\": %m", temporary),
				 elevel == ERROR ? errhint("Append a line with a new key to \"%s\" yourself, then rotate to it.", path) : 0));
	}
	(void) close(fd);
	if (durable_rename(temporary, path, LOG) != 0)
	{
		(void) unlink(temporary);
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not replace signing key file \"%s\"", path)));
	}
	pfree(temporary);
	pfree(path);
}

/* A new key as the last line. */
static void
key_file_append(KeyFile *f, uint8 public_key[ED25519_PUBLIC_LEN])
{
	char	   *line = f->text + f->count * f->line_len;

	randombytes_buf(f->seed, sizeof(f->seed));
	memcpy(line, f->kind->prefix, f->prefix_len);
	base64_encode(f->seed, sizeof(f->seed), line + f->prefix_len, BASE64_LEN(ED25519_SEED_LEN));
	line[f->line_len - 1] = '\n';
	f->count++;
	if (!key_file_take(f, f->count - 1, public_key))
		elog(ERROR, "a key that was just made cannot be read");
}

/* Not there, and no setting says that it must be. */
static bool
site_key_is_missing(SiteKeyFile which)
{
	struct stat st;

	return !site_key_is_named(which) && stat(site_key_path(which), &st) != 0 && errno == ENOENT;
}

void
site_key_prepare(void)
{
	uint8		public_key[ED25519_PUBLIC_LEN];

	if (site_key_is_missing(SITE_KEY_LOG))
	{
		KeyFile    *f = key_file_allocate(SITE_KEY_LOG);

		key_file_append(f, public_key);
		key_file_write(f, FATAL);
		sodium_free(f);
		ereport(LOG, (errmsg("made the site's signing key in \"%s\"", site_key_path(SITE_KEY_LOG))));
	}
	sodium_free(key_file_read(SITE_KEY_LOG, FATAL));
	if (!site_key_is_missing(SITE_KEY_OPERATOR))
		sodium_free(key_file_read(SITE_KEY_OPERATOR, FATAL));
}

void
site_key_newest(uint8 public_key[ED25519_PUBLIC_LEN])
{
	KeyFile    *f = key_file_read(SITE_KEY_LOG, ERROR);

	(void) key_file_take(f, f->count - 1, public_key);
	sodium_free(f);
}

const uint8 *
site_key_secret(SiteKeyFile which, const uint8 public_key[ED25519_PUBLIC_LEN])
{
	/* libsodium's form: the seed, then the public key */
	static uint8 *held[lengthof(key_file_kinds)];
	uint8	   *guarded = held[which];
	uint8		candidate[ED25519_PUBLIC_LEN];
	KeyFile    *f;
	bool		found = false;

	if (guarded != NULL && memcmp(guarded + ED25519_SEED_LEN, public_key, ED25519_PUBLIC_LEN) == 0)
		return guarded;
	if (guarded == NULL)
	{
		guarded = sodium_malloc(ED25519_SECRET_LEN);
		if (guarded == NULL)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		memset(guarded, 0, ED25519_SECRET_LEN);
		held[which] = guarded;
	}
	if (which == SITE_KEY_OPERATOR && site_key_is_missing(which))
		return NULL;
	f = key_file_read(which, ERROR);
	for (int i = f->count - 1; i >= 0 && !found; i--)
		found = key_file_take(f, i, candidate) &&
			memcmp(candidate, public_key, ED25519_PUBLIC_LEN) == 0;
	if (found)
	{
		(void) sodium_mprotect_readwrite(guarded);
		memcpy(guarded, f->secret_key, ED25519_SECRET_LEN);
		(void) sodium_mprotect_readonly(guarded);
	}
	sodium_free(f);
	return found ? guarded : NULL;
}

static void
site_key_next_locked(KeyFile *f, const uint8 (*used)[ED25519_PUBLIC_LEN], int used_count, bool fresh,
					 uint8 public_key[ED25519_PUBLIC_LEN])
{
	bool		is_used = fresh || f->count == 0;

	if (f->count > 0)
		(void) key_file_take(f, f->count - 1, public_key);
	for (int i = 0; i < used_count && !is_used; i++)
		is_used = memcmp(used[i], public_key, ED25519_PUBLIC_LEN) == 0;
	if (!is_used)
		return;
	if (f->count == SITE_KEYS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("signing key file \"%s\" already holds %d keys", f->path, SITE_KEYS_MAX),
				 errhint("Remove the lines of keys that no longer sign, from the top.")));
	key_file_append(f, public_key);
	key_file_write(f, ERROR);
	ereport(LOG, (errmsg("made another signing key in \"%s\"", f->path)));
}

void
site_key_next(SiteKeyFile which, const uint8 (*used)[ED25519_PUBLIC_LEN], int used_count, bool fresh,
			  uint8 public_key[ED25519_PUBLIC_LEN])
{
	KeyFile    *f;

	/* another database's rotation must not append to the file that we have read */
	LWLockAcquire(&shared_state->key_lock, LW_EXCLUSIVE);
	f = which == SITE_KEY_OPERATOR && site_key_is_missing(which) ?
		key_file_allocate(which) : key_file_read(which, ERROR);
	PG_TRY();
	{
		site_key_next_locked(f, used, used_count, fresh, public_key);
	}
	PG_FINALLY();
	{
		sodium_free(f);
	}
	PG_END_TRY();
	LWLockRelease(&shared_state->key_lock);
}

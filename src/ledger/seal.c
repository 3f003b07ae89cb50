/*
 * seal.c: one block: which leaves it takes, and the checkpoint over them.
 *
 * A block takes what is visible in this transaction's snapshot and was not in the
 * one that the previous block stored.  That is exact whatever order transactions
 * began, wrote and committed in, and an old open transaction holds nothing up.
 * No index on transaction ids is needed to find these rows: a writer has its xid
 * before it reserves ids, so whoever has an xid that was not yet given out when
 * the ids stood somewhere, has ids from there on.  Each block stores such a pair,
 * its floor.
 * Schemas come first, then events, then entries, each by their ids, and last the
 * block itself, whose hash the next block names.
 *
 * Nothing is signed on trust: the previous block's frontier must give the root
 * that its own signed note states, and every new leaf is hashed from the row as
 * it is read now.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/note.h"
#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/seal.h"
#include "ledger/site.h"
#include "ledger/tree.h"

#define SEAL_FETCH 1000			/* rows read at a time */
#define SEAL_NOTE_TEXT_MAX (NOTE_NAME_LEN_MAX + 128)

/* The block before, as it is stored. */
typedef struct PreviousBlock
{
	bool		exists;
	encode_block block;
	uint8		hash[MERKLE_HASH_LEN];
	int			incarnation;
	int			key_number;
	int			xid_space;		/* of its incarnation */
	Datum		snapshot;
	merkle_frontier frontier;
} PreviousBlock;

typedef struct Sealing
{
	List	   *sites;			/* as this snapshot sees them, newest first */
	const Site *site;			/* the newest: whose block it is */
	SealFloor	floor;			/* of this block */
	uint64		id_from;		/* nothing new lies below this */
	PreviousBlock previous;
	merkle_frontier frontier;	/* grows with each leaf */
	TreeWriter *tree;			/* NULL before the first leaf */
	MemoryContext context;		/* lives until the block is made */
	MemoryContext scratch;		/* reset with every fetch */
} Sealing;

static void
seal_refuse(uint64 height, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("block " UINT64_FORMAT " of the log does not verify: nothing more is signed", height),
			 errdetail("%s", detail),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

/* The row of the key with which the block before was signed. */
static const Site *
seal_previous_site(const Sealing *s)
{
	const PreviousBlock *p = &s->previous;
	ListCell   *lc;

	foreach(lc, s->sites)
	{
		const Site *site = lfirst(lc);

		if (site->incarnation == p->incarnation && site->key_number == p->key_number)
			return site;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("site %d has no key %d of incarnation %d", s->site->site_id,
					p->key_number, p->incarnation)));
}

/*
 * The leaves end with the block, too.  Where more of the log is left than of its
 * blocks, a block was lost that others may hold the checkpoint of.
 */
static void
seal_check_end(const Sealing *s)
{
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(s->site->site_id)};
	int64		size = 0;
	bool		isnull = false;

	if (SPI_execute_with_args("SELECT first_index + cardinality(refs) FROM energyledger.leaf_run"
							  " WHERE site_id = $1 ORDER BY first_index DESC LIMIT 1",
							  1, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the newest leaves");
	if (SPI_processed == 1)
		size = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull || (uint64) size != s->previous.frontier.size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the log does not end with its newest block: nothing more is signed"),
				 errdetail("It has " INT64_FORMAT " leaves, " UINT64_FORMAT " of them up to block " UINT64_FORMAT ".",
						   size, s->previous.frontier.size,
						   s->previous.exists ? s->previous.block.height : 0),
				 errhint("Run SELECT * FROM energyledger.verify(), and restore what is missing from a standby or a backup.")));
}

/* What was sealed must still say what was signed. */
static void
seal_check_previous(const Sealing *s, const PreviousBlock *previous, const char *note)
{
	note_key	key;
	note_checkpoint checkpoint;
	uint8		root[MERKLE_HASH_LEN];
	size_t		text_len;
	const encode_block *b = &previous->block;

	if (previous->frontier.size != b->first_index + b->count + 1)
		seal_refuse(b->height, "Its frontier has another size than the log up to it.");
	merkle_frontier_root(&previous->frontier, root);
	/* other keys' lines are passed over: that of a key that was replaced is verify()'s to check */
	site_row_key(seal_previous_site(s), &key);
	if (note_verify(note, strlen(note), &key, &text_len) != NOTE_VALID ||
		!note_checkpoint_parse(note, text_len, &checkpoint))
		seal_refuse(b->height, "Its checkpoint is not signed by this site.");
	if (checkpoint.size != previous->frontier.size ||
		memcmp(checkpoint.root, root, MERKLE_HASH_LEN) != 0)
		seal_refuse(b->height, "Its frontier does not give the root that was signed.");
}

static void
seal_read_previous(Sealing *s)
{
	PreviousBlock *p = &s->previous;
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(s->site->site_id)};
	Datum		values[LOG_BLOCK_COLUMN_COUNT + 5];
	bool		nulls[LOG_BLOCK_COLUMN_COUNT + 5];
	bytea	   *frontier;

	if (SPI_execute_with_args("SELECT " LOG_BLOCK_COLUMNS ", incarnation, key_number, snapshot, frontier, note"
							  " FROM energyledger.block WHERE site_id = $1"
							  " ORDER BY height DESC LIMIT 1",
							  1, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the newest block");
	p->exists = SPI_processed == 1;
	if (!p->exists)
	{
		merkle_frontier_init(&p->frontier);
		return;
	}
	heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, values, nulls);
	for (int i = LOG_BLOCK_COLUMN_COUNT; i < LOG_BLOCK_COLUMN_COUNT + 5; i++)
		if (nulls[i])
			log_malformed("block");
	if (!log_read_block(values, nulls, &p->block))
		log_malformed("block");
	log_block_hash(&p->block, p->hash);
	p->incarnation = DatumGetInt32(values[LOG_BLOCK_COLUMN_COUNT]);
	p->key_number = DatumGetInt32(values[LOG_BLOCK_COLUMN_COUNT + 1]);
	p->snapshot = values[LOG_BLOCK_COLUMN_COUNT + 2];
	frontier = DatumGetByteaPP(values[LOG_BLOCK_COLUMN_COUNT + 3]);
	if (!merkle_frontier_load(&p->frontier, (uint8 *) VARDATA_ANY(frontier), VARSIZE_ANY_EXHDR(frontier)))
		seal_refuse(p->block.height, "Its frontier is malformed.");
	p->xid_space = seal_previous_site(s)->xid_space;
	seal_check_previous(s, p, TextDatumGetCString(values[LOG_BLOCK_COLUMN_COUNT + 4]));
}

static void
seal_leaf(Sealing *s, int kind, uint64 ref, const uint8 hash[MERKLE_HASH_LEN])
{
	MemoryContext old = MemoryContextSwitchTo(s->context);

	if (s->tree == NULL)
		s->tree = tree_write_begin(s->site->site_id, &s->frontier);
	tree_write_leaf(s->tree, kind, ref, hash);
	MemoryContextSwitchTo(old);
}

SealFloor
seal_floor(void)
{
	SealFloor	floor;

	floor.id = ids_floor();
	/* transactions that get their xid after that are at or above this */
	pg_memory_barrier();
	floor.xid = U64FromFullTransactionId(ReadNextFullTransactionId());
	return floor;
}

/*
 * What the previous snapshot did not see has an xid from its xmin on, and so has
 * ids from the floor on of any block whose floor's xid is not beyond that xmin.
 * Floors only grow: the newest such block is the one.  (A snapshot's xmax would not
 * do for a floor's xid: it lies above what was completed, not above what had been
 * given out.)
 */
static void
seal_find_start(Sealing *s)
{
	Oid			types[3] = {INT4OID, INT4OID, PG_SNAPSHOTOID};
	Datum		args[3] = {Int32GetDatum(s->site->site_id),
	Int32GetDatum(s->site->xid_space), s->previous.snapshot};
	bool		isnull;

	s->id_from = (uint64) s->site->site_id << LEDGER_ID_COUNTER_BITS;
	if (!s->previous.exists || s->previous.xid_space != s->site->xid_space)
		return;
	if (SPI_execute_with_args("SELECT id_floor FROM energyledger.block"
							  " WHERE site_id = $1 AND incarnation >= $2"
							  " AND xid_floor <= pg_snapshot_xmin($3)"
							  " ORDER BY height DESC LIMIT 1",
							  3, types, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for the floor of the new ids");
	if (SPI_processed == 1)
		s->id_from = (uint64) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
														  SPI_tuptable->tupdesc, 1, &isnull));
}

/*
 * Incarnations from here on have other transaction ids than the previous block's:
 * the next xid space's first.
 */
static int
seal_next_space(const Sealing *s)
{
	int			next = PG_INT32_MAX;
	ListCell   *lc;

	if (!s->previous.exists)
		return 0;
	foreach(lc, s->sites)
	{
		int			space = ((const Site *) lfirst(lc))->xid_space;

		if (space > s->previous.xid_space)
			next = Min(next, space);
	}
	return next;
}

/*
 * Rows of a log table that are visible now and were not in the previous block's
 * snapshot.  Incarnations that share their transaction ids with that block's are
 * compared with it, older ones too: a transaction may have begun before the
 * log was reopened and committed after.  What is older still was sealed before the
 * ids started over (a dump was restored), and what is newer is new.
 */
static Portal
seal_open_new(Sealing *s, const char *columns, const char *table, const char *id)
{
	const PreviousBlock *p = &s->previous;
	Oid			types[5] = {INT4OID, PG_SNAPSHOTOID, INT8OID, INT8OID, INT4OID};
	Datum		args[5] = {Int32GetDatum(seal_next_space(s)), p->snapshot,
		Int64GetDatum((int64) s->id_from),
		Int64GetDatum((int64) (s->site->site_id + 1) << LEDGER_ID_COUNTER_BITS),
	Int32GetDatum(p->exists ? p->xid_space : 0)};
	char		nulls[5] = {' ', p->exists ? ' ' : 'n', ' ', ' ', ' '};
	char	   *query =
		psprintf("SELECT %s, %s FROM energyledger.%s WHERE %s >= $3 AND %s < $4"
				 " AND (incarnation >= $1 OR incarnation >= $5 AND NOT pg_visible_in_snapshot(xid, $2))"
				 " ORDER BY %s",
				 columns, id, table, id, id, id);

	return SPI_cursor_open_with_args(NULL, query, 5, types, args, nulls, true, 0);
}

typedef void (*seal_row_function) (Sealing *s, const Datum *values, const bool *nulls, uint64 ref);

static void
seal_entry_row(Sealing *s, const Datum *values, const bool *nulls, uint64 ref)
{
	encode_entry e;
	uint8		hash[MERKLE_HASH_LEN];

	if (!log_read_entry(values, nulls, &e))
		log_malformed("entry");
	log_entry_hash(&e, hash);
	seal_leaf(s, ENCODE_KIND_ENTRY, ref, hash);
}

static void
seal_schema_row(Sealing *s, const Datum *values, const bool *nulls, uint64 ref)
{
	encode_schema schema;
	uint8		hash[MERKLE_HASH_LEN];

	if (!log_read_schema(values, nulls, &schema))
		log_malformed("table_schema");
	log_schema_hash(&schema, hash);
	seal_leaf(s, ENCODE_KIND_SCHEMA, ref, hash);
}

static void
seal_event_row(Sealing *s, const Datum *values, const bool *nulls, uint64 ref)
{
	encode_event e;
	uint8		hash[MERKLE_HASH_LEN];

	if (!log_read_event(values, nulls, &e))
		log_malformed("event");
	log_event_hash(&e, hash);
	seal_leaf(s, e.kind, ref, hash);
}

/* The last of column_count columns is the leaf's reference. */
static void
seal_new(Sealing *s, Portal portal, int column_count, seal_row_function row)
{
	do
	{
		SPI_cursor_fetch(portal, true, SEAL_FETCH);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		values[LOG_ENTRY_COLUMN_COUNT + 1];
			bool		nulls[LOG_ENTRY_COLUMN_COUNT + 1];
			MemoryContext old = MemoryContextSwitchTo(s->scratch);

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
			row(s, values, nulls, (uint64) DatumGetInt64(values[column_count]));
			MemoryContextSwitchTo(old);
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(s->scratch);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
}

/*
 * The keys that sign the block: the newest, and before it those that it replaces
 * here.  A key is named by an event, which is a leaf of the first block that the
 * key signs; because the key before signs that block too, whoever trusts the old key
 * has its word for the new one, and the new one's signature shows that its
 * secret is in our hands.
 */
static int
seal_keys(const Sealing *s, note_key **keys)
{
	const PreviousBlock *p = &s->previous;
	int			from = p->exists && p->incarnation == s->site->incarnation ? p->key_number : 1;
	int			count = 0;
	ListCell   *lc;

	*keys = palloc(sizeof(note_key) * list_length(s->sites));
	foreach(lc, s->sites)
	{
		const Site *site = lfirst(lc);

		if (site->incarnation == s->site->incarnation && site->key_number >= from)
			site_row_key(site, &(*keys)[count++]);
	}
	return count;
}

/* The checkpoint: origin, size, root, signed. */
static char *
seal_sign(const Sealing *s)
{
	note_checkpoint checkpoint;
	char		text[SEAL_NOTE_TEXT_MAX];
	size_t		len;
	note_key   *keys;
	int			key_count = seal_keys(s, &keys);

	strlcpy(checkpoint.origin, s->site->origin, sizeof(checkpoint.origin));
	checkpoint.size = s->frontier.size;
	merkle_frontier_root(&s->frontier, checkpoint.root);
	len = note_checkpoint_format(&checkpoint, text, sizeof(text));
	if (len == 0)
		elog(ERROR, "checkpoint of \"%s\" cannot be written", s->site->origin);
	return site_sign(text, len, keys, key_count);
}

/* The block as the last leaf of its batch. */
static uint64
seal_finish(Sealing *s)
{
	const PreviousBlock *p = &s->previous;
	encode_block b;
	LogBlockExtra extra;
	uint8		hash[MERKLE_HASH_LEN];
	bool		isnull;

	b.height = p->exists ? p->block.height + 1 : 1;
	if (p->exists)
		memcpy(b.previous_block_hash, p->hash, MERKLE_HASH_LEN);
	else
		memset(b.previous_block_hash, 0, MERKLE_HASH_LEN);
	b.first_index = p->frontier.size;
	b.count = s->frontier.size - p->frontier.size;
	b.sealed_at_us = log_unix_us(GetCurrentTimestamp());
	log_block_hash(&b, hash);
	seal_leaf(s, ENCODE_KIND_BLOCK, b.height, hash);
	tree_write_end(s->tree);

	if (SPI_execute("SELECT pg_current_snapshot()", true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the snapshot");
	extra.site_id = s->site->site_id;
	extra.incarnation = s->site->incarnation;
	extra.key_number = s->site->key_number;
	extra.timeline = GetWALInsertionTimeLine();
	extra.snapshot = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	extra.id_floor = s->floor.id;
	extra.xid_floor = s->floor.xid;
	extra.frontier = &s->frontier;
	extra.note = seal_sign(s);
	log_insert_block(&b, &extra);
	return b.height;
}

uint64
seal_block(SealFloor floor)
{
	Sealing		s = {.floor = floor};
	uint64		height;

	SPI_connect();
	/* not site_current(): a key that came after the snapshot has its event after it, too */
	s.sites = site_rows(GetActiveSnapshot());
	if (s.sites == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this database has no ledger site")));
	s.site = linitial(s.sites);
	s.context = CurrentMemoryContext;
	s.scratch = AllocSetContextCreate(CurrentMemoryContext, "seal rows", ALLOCSET_DEFAULT_SIZES);
	seal_read_previous(&s);
	seal_check_end(&s);
	seal_find_start(&s);
	s.frontier = s.previous.frontier;
	seal_new(&s, seal_open_new(&s, LOG_SCHEMA_COLUMNS, "table_schema", "schema_id"),
			 LOG_SCHEMA_COLUMN_COUNT, seal_schema_row);
	seal_new(&s, seal_open_new(&s, LOG_EVENT_COLUMNS, "event", "event_id"),
			 LOG_EVENT_COLUMN_COUNT, seal_event_row);
	seal_new(&s, seal_open_new(&s, LOG_ENTRY_COLUMNS, "entry", "first_id"),
			 LOG_ENTRY_COLUMN_COUNT, seal_entry_row);
	if (s.frontier.size > s.previous.frontier.size)
		height = seal_finish(&s);
	else
		height = s.previous.exists ? s.previous.block.height : 0;
	SPI_finish();
	return height;
}

/*
 * verify_log.c: recomputes the log: every leaf in order, the chain of blocks, each
 * block's root and the signature of its checkpoint.
 *
 * One pass over the leaves, with one frontier that grows as the sealer's did.
 * After a block that does not fit, the pass goes on from that block's own stored
 * frontier where its signed checkpoint vouches for it, so that one fault is
 * reported where it is and not once for every block behind it.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/note.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/verify_log.h"

#define VERIFY_FETCH 1000

/* positions in the joined row */
#define AT_INDEX 0
#define AT_KIND 1
#define AT_REF 2
#define AT_HASH 3
#define AT_ENTRY 4
#define AT_SCHEMA (AT_ENTRY + LOG_ENTRY_COLUMN_COUNT)
#define AT_BLOCK (AT_SCHEMA + LOG_SCHEMA_COLUMN_COUNT)
#define AT_EVENT (AT_BLOCK + LOG_BLOCK_COLUMN_COUNT)
#define AT_FRONTIER (AT_EVENT + LOG_EVENT_COLUMN_COUNT)
#define AT_NOTE (AT_FRONTIER + 1)
#define AT_ORIGIN (AT_NOTE + 1)
#define AT_PUBLIC_KEY (AT_ORIGIN + 1)
#define AT_COUNT (AT_PUBLIC_KEY + 1)

typedef struct LogPass
{
	Findings   *findings;
	VerifiedLog *log;
	merkle_frontier frontier;
	bool		broken;			/* a leaf of the current batch could not be hashed */
	uint64		batch_first;	/* index of the current batch's first leaf */
	uint8		block_hash[MERKLE_HASH_LEN];	/* of the block before */
} LogPass;

static const char *const log_query =
"SELECT l.leaf_index, l.kind, l.ref, l.hash,"
" e.first_id, e.last_id, e.xid, e.made_at, e.row_count, e.schema_version, e.relation, e.role,"
" e.schema_digest, e.rows_root,"
" s.relation, s.schema_version, s.ordinals, s.names, s.types, s.made_at, s.role,"
" b.height, b.previous_block_hash, b.first_index, b.leaf_count, b.sealed_at,"
" v.event_id, v.kind, v.field_names, v.field_values, v.made_at, v.role,"
" b.frontier, b.note, i.origin, i.public_key"
" FROM " LOG_LEAVES " l"
" LEFT JOIN energyledger.entry e ON l.kind = 1 AND e.first_id = l.ref"
" LEFT JOIN energyledger.table_schema s ON l.kind = 2 AND s.schema_id = l.ref"
" LEFT JOIN energyledger.block b ON l.kind = 3 AND b.site_id = l.site_id AND b.height = l.ref"
" LEFT JOIN energyledger.event v ON l.kind >= 4 AND v.kind = l.kind AND v.event_id = l.ref"
" LEFT JOIN energyledger.site i ON i.site_id = b.site_id AND i.incarnation = b.incarnation"
" AND i.key_number = b.key_number"
" WHERE l.site_id = $1 ORDER BY l.leaf_index";

static char *
verify_number(uint64 n)
{
	return psprintf(UINT64_FORMAT, n);
}

/* The signed checkpoint of a block; false (and a finding) where it is not one. */
static bool
log_check_note(LogPass *p, uint64 height, const Datum *values, const bool *nulls,
			   note_checkpoint *checkpoint)
{
	note_key	key;
	uint8		public_key[MERKLE_HASH_LEN];
	char	   *note = nulls[AT_NOTE] ? pstrdup("") : TextDatumGetCString(values[AT_NOTE]);
	size_t		text_len;

	if (nulls[AT_ORIGIN] || nulls[AT_PUBLIC_KEY] || !log_read_hash(values[AT_PUBLIC_KEY], public_key))
	{
		verify_finding(p->findings, "energyledger.block", (int64) height, "site_missing",
					   "the incarnation that sealed the block, with its key", NULL);
		return false;
	}
	if (!note_key_init(&key, TextDatumGetCString(values[AT_ORIGIN]), public_key) ||
		note_verify(note, strlen(note), &key, &text_len) != NOTE_VALID ||
		!note_checkpoint_parse(note, text_len, checkpoint) ||
		strcmp(checkpoint->origin, key.name) != 0)
	{
		verify_finding(p->findings, "energyledger.block", (int64) height, "checkpoint_signature",
					   psprintf("a checkpoint signed by %s", TextDatumGetCString(values[AT_ORIGIN])),
					   "none that verifies");
		return false;
	}
	return true;
}

static void
log_check_chain(LogPass *p, const encode_block *b, uint64 index)
{
	if (b->height != p->log->height + 1)
		verify_finding(p->findings, "energyledger.block", (int64) b->height, "block_height",
					   verify_number(p->log->height + 1), verify_number(b->height));
	if (memcmp(b->previous_block_hash, p->block_hash, MERKLE_HASH_LEN) != 0)
		verify_finding(p->findings, "energyledger.block", (int64) b->height, "block_chain",
					   verify_hex(p->block_hash), verify_hex(b->previous_block_hash));
	if (b->first_index != p->batch_first || b->first_index + b->count != index)
		verify_finding(p->findings, "energyledger.block", (int64) b->height, "block_range",
					   psprintf("leaves " UINT64_FORMAT " to " UINT64_FORMAT, p->batch_first, index),
					   psprintf("leaves " UINT64_FORMAT " to " UINT64_FORMAT, b->first_index,
								b->first_index + b->count));
}

/* Which table a leaf of that kind refers to. */
static const char *
log_kind_table(int kind)
{
	switch (kind)
	{
		case ENCODE_KIND_ENTRY:
			return "energyledger.entry";
		case ENCODE_KIND_SCHEMA:
			return "energyledger.table_schema";
		case ENCODE_KIND_BLOCK:
			return "energyledger.block";
		default:
			return ENCODE_IS_EVENT(kind) ? "energyledger.event" : "energyledger.leaf_run";
	}
}

/* A leaf that cannot be hashed: what follows is void until the next signed block. */
static void
log_broken_leaf(LogPass *p, int kind, int64 ref, const char *what, uint64 index)
{
	const char *table = log_kind_table(kind);

	verify_finding(p->findings, table, ref,
				   psprintf("%s_%s", kind == ENCODE_KIND_SCHEMA ? "schema" : strchr(table, '.') + 1, what),
				   psprintf("leaf " UINT64_FORMAT " of the log", index), NULL);
	p->broken = true;
	p->frontier.size++;
}

static bool
log_stored_frontier(const Datum *values, const bool *nulls, merkle_frontier *frontier)
{
	bytea	   *stored;

	if (nulls[AT_FRONTIER])
		return false;
	stored = DatumGetByteaPP(values[AT_FRONTIER]);
	return merkle_frontier_load(frontier, (uint8 *) VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
}

/* The hash that was stored with the leaf makes proofs: it must be the leaf's. */
static void
log_check_stored_hash(LogPass *p, const Datum *values, const bool *nulls, uint64 index,
					  const uint8 hash[MERKLE_HASH_LEN])
{
	uint8		stored[MERKLE_HASH_LEN];

	if (nulls[AT_HASH] || !log_read_hash(values[AT_HASH], stored))
		verify_finding(p->findings, "energyledger.leaf_run", (int64) index, "leaf_hash",
					   verify_hex(hash), NULL);
	else if (memcmp(stored, hash, MERKLE_HASH_LEN) != 0)
		verify_finding(p->findings, "energyledger.leaf_run", (int64) index, "leaf_hash",
					   verify_hex(hash), verify_hex(stored));
}

/* A block closes its batch: everything up to here is under one signature. */
static void
log_check_block(LogPass *p, const Datum *values, const bool *nulls, uint64 index)
{
	encode_block b;
	note_checkpoint checkpoint;
	uint8		hash[MERKLE_HASH_LEN];
	uint8		root[MERKLE_HASH_LEN];
	merkle_frontier frontier;

	if (!log_read_block(values + AT_BLOCK, nulls + AT_BLOCK, &b))
	{
		log_broken_leaf(p, ENCODE_KIND_BLOCK, DatumGetInt64(values[AT_REF]), "malformed", index);
		return;
	}
	log_block_hash(&b, hash);
	log_check_stored_hash(p, values, nulls, index, hash);
	merkle_frontier_append(&p->frontier, hash);
	log_check_chain(p, &b, index);
	if (log_check_note(p, b.height, values, nulls, &checkpoint))
	{
		merkle_frontier_root(&p->frontier, root);
		if (!p->broken &&
			(checkpoint.size != p->frontier.size || memcmp(checkpoint.root, root, MERKLE_HASH_LEN) != 0))
			verify_finding(p->findings, "energyledger.block", (int64) b.height, "log_root",
						   psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(checkpoint.root), checkpoint.size),
						   psprintf("%s over " UINT64_FORMAT " leaves", verify_hex(root), p->frontier.size));
		if (!log_stored_frontier(values, nulls, &frontier))
			verify_finding(p->findings, "energyledger.block", (int64) b.height, "frontier",
						   "a frontier", "other bytes");
		else
		{
			merkle_frontier_root(&frontier, root);
			if (frontier.size != checkpoint.size || memcmp(root, checkpoint.root, MERKLE_HASH_LEN) != 0)
				verify_finding(p->findings, "energyledger.block", (int64) b.height, "frontier",
							   verify_hex(checkpoint.root), verify_hex(root));
			else
				p->frontier = frontier;
		}
	}
	memcpy(p->block_hash, hash, MERKLE_HASH_LEN);
	p->log->height = b.height;
	p->log->size = index + 1;
	p->log->sealed_at_us = b.sealed_at_us;
	p->batch_first = index + 1;
	p->broken = false;
}

/* Where the columns of a leaf's own row are in the joined row. */
static int
log_kind_at(int kind)
{
	return kind == ENCODE_KIND_ENTRY ? AT_ENTRY :
		kind == ENCODE_KIND_SCHEMA ? AT_SCHEMA :
		kind == ENCODE_KIND_BLOCK ? AT_BLOCK : AT_EVENT;
}

/* An entry's, schema's or event's leaf hash; false where its row is not as we write it. */
static bool
log_row_hash(int kind, const Datum *values, const bool *nulls, uint8 hash[MERKLE_HASH_LEN])
{
	if (kind == ENCODE_KIND_ENTRY)
	{
		encode_entry e;

		if (!log_read_entry(values + AT_ENTRY, nulls + AT_ENTRY, &e))
			return false;
		log_entry_hash(&e, hash);
	}
	else if (kind == ENCODE_KIND_SCHEMA)
	{
		encode_schema s;

		if (!log_read_schema(values + AT_SCHEMA, nulls + AT_SCHEMA, &s))
			return false;
		log_schema_hash(&s, hash);
	}
	else
	{
		encode_event e;

		if (!log_read_event(values + AT_EVENT, nulls + AT_EVENT, &e))
			return false;
		log_event_hash(&e, hash);
	}
	return true;
}

static void
log_check_leaf(LogPass *p, const Datum *values, const bool *nulls)
{
	uint64		index = nulls[AT_INDEX] ? UINT64_MAX : (uint64) DatumGetInt64(values[AT_INDEX]);
	int			kind = nulls[AT_KIND] || nulls[AT_REF] ? 0 : DatumGetInt16(values[AT_KIND]);
	int64		ref = nulls[AT_REF] ? -1 : DatumGetInt64(values[AT_REF]);
	uint8		hash[MERKLE_HASH_LEN];

	if (index != p->frontier.size)
	{
		verify_finding(p->findings, "energyledger.leaf_run", (int64) p->frontier.size, "leaf_missing",
					   verify_number(p->frontier.size),
					   nulls[AT_INDEX] ? NULL : psprintf(INT64_FORMAT, (int64) index));
		p->broken = true;
		if (index > PG_INT64_MAX / 2)
			return;				/* no log is as long as that */
		p->frontier.size = index;
	}
	if (kind < ENCODE_KIND_ENTRY || kind > ENCODE_KIND_LAST)
	{
		verify_finding(p->findings, "energyledger.leaf_run", ref, "leaf_kind",
					   psprintf("leaf " UINT64_FORMAT " of the log", index), NULL);
		p->broken = true;
		p->frontier.size++;
	}
	else if (nulls[log_kind_at(kind)])
		log_broken_leaf(p, kind, ref, "missing", index);
	else if (kind == ENCODE_KIND_BLOCK)
		log_check_block(p, values, nulls, index);
	else if (log_row_hash(kind, values, nulls, hash))
	{
		log_check_stored_hash(p, values, nulls, index, hash);
		merkle_frontier_append(&p->frontier, hash);
	}
	else
		log_broken_leaf(p, kind, ref, "malformed", index);
}

/* What the newest block's snapshot saw must be in the log; later things are not sealed yet. */
static void
log_check_unsealed(Findings *f, int site_id, const char *table, const char *id, const char *kinds, const char *finding)
{
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(site_id)};
	char	   *query =
		psprintf("SELECT t.%s FROM energyledger.%s t,"
				 " (SELECT n.snapshot, i.xid_space, coalesce((SELECT min(x.xid_space) FROM energyledger.site x"
				 " WHERE x.site_id = $1 AND x.xid_space > i.xid_space), 2147483647) AS next_space"
				 " FROM (SELECT incarnation, key_number, snapshot FROM energyledger.block"
				 " WHERE site_id = $1 ORDER BY height DESC LIMIT 1) n"
				 " JOIN energyledger.site i ON i.site_id = $1 AND i.incarnation = n.incarnation"
				 " AND i.key_number = n.key_number) b"
				 " WHERE t.site_id = $1 AND (t.incarnation < b.xid_space OR"
				 " t.incarnation < b.next_space AND pg_visible_in_snapshot(t.xid, b.snapshot))"
				 " AND NOT EXISTS (SELECT FROM " LOG_LEAVES " l WHERE l.site_id = $1 AND l.kind %s AND l.ref = t.%s)"
				 " ORDER BY 1",
				 id, table, kinds, id);

	if (SPI_execute_with_args(query, 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for unsealed rows of %s", table);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		verify_finding(f, psprintf("energyledger.%s", table),
					   DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)),
					   finding, "a leaf of the log", "none");
	}
}

/* After the last block there must be nothing, and every block row is a leaf. */
static void
log_check_end(LogPass *p, int site_id)
{
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(site_id)};

	if (p->frontier.size != p->log->size)
		verify_finding(p->findings, "energyledger.leaf_run", (int64) p->log->size, "leaf_without_block",
					   psprintf(UINT64_FORMAT " leaves", p->log->size),
					   psprintf(UINT64_FORMAT " leaves", p->frontier.size));
	if (SPI_execute_with_args("SELECT height FROM energyledger.block b WHERE site_id = $1 AND NOT EXISTS"
							  " (SELECT FROM " LOG_LEAVES " l WHERE l.site_id = $1 AND l.kind = 3 AND l.ref = b.height)"
							  " ORDER BY 1", 1, types, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not look for blocks outside the log");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		verify_finding(p->findings, "energyledger.block",
					   DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull)),
					   "block_not_in_log", "a leaf of the log", "none");
	}
	log_check_unsealed(p->findings, site_id, "entry", "first_id", "= 1", "entry_not_in_log");
	log_check_unsealed(p->findings, site_id, "table_schema", "schema_id", "= 2", "schema_not_in_log");
	log_check_unsealed(p->findings, site_id, "event", "event_id", ">= 4", "event_not_in_log");
}

void
verify_log(Findings *f, int site_id, VerifiedLog *log)
{
	LogPass    *p = palloc0(sizeof(LogPass));
	Oid			types[1] = {INT4OID};
	Datum		args[1] = {Int32GetDatum(site_id)};
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "verify log rows",
												  ALLOCSET_DEFAULT_SIZES);
	Portal		portal = SPI_cursor_open_with_args(NULL, log_query, 1, types, args, NULL, true, 0);

	memset(log, 0, sizeof(*log));
	p->findings = f;
	p->log = log;
	merkle_frontier_init(&p->frontier);
	do
	{
		SPI_cursor_fetch(portal, true, VERIFY_FETCH);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum		values[AT_COUNT];
			bool		nulls[AT_COUNT];
			MemoryContext old = MemoryContextSwitchTo(scratch);

			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
			log_check_leaf(p, values, nulls);
			MemoryContextSwitchTo(old);
			CHECK_FOR_INTERRUPTS();
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(scratch);
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	log_check_end(p, site_id);
	MemoryContextDelete(scratch);
}

/*
 * write.c: rows become entries.
 *
 * For each ledger table that a transaction writes to, one run of ledger_ids is
 * open: its rows' Merkle frontier, their count, and a short tag of each row.  The
 * run is closed and written as an entry when it is full, when its ids can no
 * longer grow contiguously, when the table's columns change, and at the end of
 * the transaction, before it commits or is prepared.  Memory does not grow with
 * the number of rows.
 *
 * Savepoints: the state of a run is copied the first time that a subtransaction
 * writes to the table (a frame); when the subtransaction commits, its frame
 * replaces the parent's, when it aborts, the frame is dropped and the parent's
 * state is as if nothing had happened.  An entry that was written meanwhile went
 * with the subtransaction, as any row does.  Ids are never handed out twice, so
 * an aborted savepoint leaves a gap in the run, which is still nobody else's.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "guc.h"
#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/redactable.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/write.h"
#include "worker/shared.h"

void		(*write_watch) (Relation rel) = NULL;

#define RUN_IDS_FIRST 1			/* ids reserved for a table's first row ... */
#define RUN_IDS_MAX 65536		/* ... and at most at a time: each time twice as
								 * many */

#define ROWS_HASHED_AT_ONCE 64

/* The open run as one (sub)transaction level sees it. */
typedef struct WriteFrame
{
	int			level;			/* nest level that owns it */
	struct WriteFrame *parent;
	bool		open;			/* there is a run with rows in it */
	uint32		region;			/* contiguous reservation that the run lies in */
	uint64		first_id;
	uint64		last_id;
	uint32		row_count;
	const LedgerSchema *schema;
	LogPlace	place;			/* of the rows */
	uint8		tags[ENTRY_ROWS_MAX * ROW_TAG_BYTES];
	merkle_frontier frontier;
} WriteFrame;

/* One table's writing in this transaction. */
typedef struct TableWrite
{
	Oid			relid;			/* key */
	bool		writing;		/* in this transaction, and so in the list of these */
	struct TableWrite *next;	/* in it */
	WriteFrame *frame;			/* innermost level that wrote */
	uint32		region;			/* number of the current reservation */
	uint64		next_id;		/* next id to hand out ... */
	uint64		end_id;			/* ... below this */
	uint64		reserve;		/* how many to reserve next time */
} TableWrite;

/*
 * A transaction of one row must not pay for setting these up, so they stay for
 * the backend's life; between transactions no frame is in use but the spare one.
 */
static MemoryContext write_context = NULL;	/* holds writes and frames */
static MemoryContext scratch = NULL;	/* empty between calls */
static HTAB *writes = NULL;
static TableWrite *last_write = NULL;	/* of writes, the one used last */
static TableWrite *writing = NULL;	/* those of this transaction */
static WriteFrame *spare_frame = NULL;	/* one, for the next transaction */

static bool wrote_leaves = false;	/* tell the sealer when it is committed */
static Oid	role_name_of = InvalidOid;	/* whose name write_role_name has */

#define WRITES_KEPT_MAX 64		/* tables: a larger table of writes is made anew */

static void
write_set_up(void)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(TableWrite)};

	if (write_context == NULL)
	{
		write_context = AllocSetContextCreate(TopMemoryContext, "ledger writes",
											  ALLOCSET_DEFAULT_SIZES);
		scratch = AllocSetContextCreate(TopMemoryContext, "ledger write scratch",
										ALLOCSET_DEFAULT_SIZES);
	}
	ctl.hcxt = write_context;
	writes = hash_create("ledger writes", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static TableWrite *
write_table(Oid relid)
{
	TableWrite *t = last_write;
	bool		found = true;

	if (t == NULL || t->relid != relid)
	{
		if (unlikely(writes == NULL))
			write_set_up();
		t = hash_search(writes, &relid, HASH_ENTER, &found);
		last_write = t;
	}
	if (found && t->writing)
		return t;
	t->frame = NULL;
	t->region = 0;
	t->next_id = t->end_id = 0;
	t->reserve = RUN_IDS_FIRST;
	t->writing = true;
	t->next = writing;
	writing = t;
	return t;
}

static WriteFrame *
write_frame_make(void)
{
	WriteFrame *frame = spare_frame;

	spare_frame = NULL;
	return frame != NULL ? frame : MemoryContextAlloc(write_context, sizeof(WriteFrame));
}

static void
write_frame_free(WriteFrame *frame)
{
	if (spare_frame == NULL)
		spare_frame = frame;
	else
		pfree(frame);
}

/* The transaction is over, one way or the other. */
static void
write_forget(void)
{
	if (writing == NULL)
		return;
	for (; writing != NULL; writing = writing->next)
	{
		while (writing->frame != NULL)
		{
			WriteFrame *frame = writing->frame;

			writing->frame = frame->parent;
			write_frame_free(frame);
		}
		writing->writing = false;
	}
	if (hash_get_num_entries(writes) > WRITES_KEPT_MAX)
	{
		hash_destroy(writes);
		writes = NULL;
		last_write = NULL;
	}
	MemoryContextReset(scratch);
}

/* What of a frame is in use: the rest of its arrays need not be copied. */
static void
write_frame_copy(WriteFrame *to, const WriteFrame *from)
{
	memcpy(to, from, offsetof(WriteFrame, tags));
	memcpy(to->tags, from->tags, (Size) from->row_count * ROW_TAG_BYTES);
	to->frontier.size = from->frontier.size;
	for (int level = 0; level < MERKLE_LEVELS_MAX && (from->frontier.size >> level) != 0; level++)
		if ((from->frontier.size >> level) & 1)
			memcpy(to->frontier.node[level], from->frontier.node[level], MERKLE_HASH_LEN);
}

/* The frame of the current level, made from the parent's where it is the first write. */
static WriteFrame *
write_frame(TableWrite *t)
{
	int			level = GetCurrentTransactionNestLevel();
	WriteFrame *frame = t->frame;

	if (frame != NULL && frame->level == level)
		return frame;
	frame = write_frame_make();
	if (t->frame != NULL)
		write_frame_copy(frame, t->frame);
	else
		frame->open = false;
	frame->level = level;
	frame->parent = t->frame;
	t->frame = frame;
	return frame;
}

static void
write_role_callback(Datum arg, int cache, uint32 hash)
{
	role_name_of = InvalidOid;
}

/* The name of whoever writes now; kept until a role changes. */
static const char *
write_role_name(void)
{
	static char name[NAMEDATALEN];
	Oid			role = GetUserId();

	if (role != role_name_of)
	{
		strlcpy(name, GetUserNameFromId(role, false), sizeof(name));
		role_name_of = role;
	}
	return name;
}

/* The run's rows become an entry. */
static void
write_close_run(WriteFrame *frame)
{
	const Site *site = site_current();
	encode_entry e;

	if (!frame->open)
		return;
	e.first_id = frame->first_id;
	e.last_id = frame->last_id;
	e.row_count = frame->row_count;
	e.relation = frame->schema->relation;
	e.schema_version = (uint32) frame->schema->version;
	memcpy(e.schema_digest, frame->schema->digest, MERKLE_HASH_LEN);
	merkle_frontier_root(&frame->frontier, e.rows_root);
	e.xid = U64FromFullTransactionId(GetTopFullTransactionId());
	e.time_us = log_unix_us(GetCurrentTimestamp());
	e.role = write_role_name();
	log_insert_entry(&e, site->site_id, site->incarnation, &frame->place,
					 frame->tags, (Size) frame->row_count * ROW_TAG_BYTES);
	frame->open = false;
	wrote_leaves = true;
}

/*
 * Make sure that `wanted` ids are at hand, all in one region: extend the
 * reservation, or leave its rest and begin another.
 */
static void
write_reserve(TableWrite *t, uint64 wanted)
{
	uint64		n = Max(t->reserve, wanted);

	if (wanted > LEDGER_ID_SLAB)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot insert more than %d rows into a ledger table at once",
						(int) LEDGER_ID_SLAB)));
	/* the xid before the ids: the sealer finds what is new by that (seal.c) */
	(void) GetTopFullTransactionId();
	if (t->end_id != 0 && ids_extend(t->end_id, n))
		t->end_id += n;
	else
	{
		ids_return(t->next_id, t->end_id);
		t->next_id = ids_reserve(n);
		t->end_id = t->next_id + n;
		t->region++;
	}
	t->reserve = Min(t->reserve * 2, RUN_IDS_MAX);
}

void
write_tell_sealer(void)
{
	wrote_leaves = true;
}

/* Where a tuple has its ledger_id, which is not NULL in it and is `given`. */
static char *
write_id_in_tuple(TupleDesc desc, HeapTuple tuple, const bool *isnull, AttrNumber attnum, int64 given)
{
	char	   *data = (char *) tuple->t_data + tuple->t_data->t_hoff;
	uint32		off = 0;

	/* the last column, as it is where the ledger added it, ends where the tuple ends */
	if (attnum == desc->natts && HeapTupleHeaderGetNatts(tuple->t_data) == attnum)
	{
		char	   *last = (char *) tuple->t_data + tuple->t_len - sizeof(int64);

		if (likely(*(int64 *) last == given))
			return last;
	}
	for (int i = 0; i < attnum - 1; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (isnull[i])
			continue;
		off = att_align_pointer(off, attr->attalign, attr->attlen, data + off);
		off = att_addlength_pointer(off, attr->attlen, data + off);
	}
	return data + att_align_nominal(off, TYPALIGN_DOUBLE);
}

/*
 * Put an id into a slot.  A slot with a materialised tuple is patched in place:
 * ledger_id is fixed-width and NOT NULL, so it has its eight bytes there.
 */
static void
write_set_id(Relation rel, TupleTableSlot *slot, AttrNumber attnum, uint64 id)
{
	TupleDesc	desc = RelationGetDescr(rel);
	HeapTuple	tuple = NULL;
	char	   *data;

	slot_getallattrs(slot);
	if (TTS_IS_BUFFERTUPLE(slot) || TTS_IS_HEAPTUPLE(slot))
		tuple = ((HeapTupleTableSlot *) slot)->tuple;
	if (tuple == NULL && !TTS_IS_MINIMALTUPLE(slot))
	{
		slot->tts_values[attnum - 1] = Int64GetDatum((int64) id);
		slot->tts_isnull[attnum - 1] = false;
		return;
	}
	if (tuple == NULL || slot->tts_isnull[attnum - 1] || !TTS_SHOULDFREE(slot))
	{
		/* another form (CREATE TABLE AS of a sort), no room, or not our memory */
		slot->tts_values[attnum - 1] = Int64GetDatum((int64) id);
		slot->tts_isnull[attnum - 1] = false;
		tuple = heap_form_tuple(desc, slot->tts_values, slot->tts_isnull);
		ExecForceStoreHeapTuple(tuple, slot, true);
		slot_getallattrs(slot);
		return;
	}
	data = write_id_in_tuple(desc, tuple, slot->tts_isnull, attnum,
							 DatumGetInt64(slot->tts_values[attnum - 1]));
	Assert(DatumGetInt64(slot->tts_values[attnum - 1]) == *(int64 *) data);
	*(int64 *) data = (int64) id;
	slot->tts_values[attnum - 1] = Int64GetDatum((int64) id);
}

bool
write_assign_ids(Relation rel, TupleTableSlot **slots, int count)
{
	const LedgerSchema *schema;
	TableWrite *t;

	if (write_watch != NULL)
		write_watch(rel);
	if (unlikely(write_takes_ids()))
	{
		write_check_given(rel, slots, count);
		return false;
	}
	schema = schema_current(rel);
	if (unlikely(schema->retired))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot insert into retired ledger table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Table \"%s\" is kept as it was when it was retired.", schema->relation)));
	t = write_table(RelationGetRelid(rel));
	if (t->end_id - t->next_id < (uint64) count)
		write_reserve(t, (uint64) count);
	for (int i = 0; i < count; i++)
	{
		bool		isnull;
		Datum		given;

		if (unlikely(schema->plan->redactable_count > 0))
			redactable_salt(rel, slots[i], schema->plan);
		given = slot_getattr(slots[i], schema->id_attnum, &isnull);

		if (unlikely(!isnull && DatumGetInt64(given) != 0))
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("cannot insert a value into column \"ledger_id\" of ledger table \"%s\"",
							schema->relation),
					 errdetail("ledger_id " INT64_FORMAT " was supplied; the ledger assigns it.",
							   DatumGetInt64(given)),
					 restore_mode ? write_restore_hint() :
					 errhint("Leave the column out of the INSERT or COPY column list.")));
		write_set_id(rel, slots[i], schema->id_attnum, t->next_id++);
	}
	return true;
}

/* The run that a row of slot's goes into is open, and has room. */
static void
write_open_run(TableWrite *t, WriteFrame *frame, const LedgerSchema *schema, TupleTableSlot *slot)
{
	if (frame->open &&
		(frame->region != t->region || frame->schema != schema ||
		 frame->row_count == ENTRY_ROWS_MAX))
		write_close_run(frame);
	if (frame->open)
		return;
	frame->open = true;
	frame->region = t->region;
	frame->first_id = (uint64) DatumGetInt64(slot->tts_values[schema->id_attnum - 1]);
	frame->row_count = 0;
	frame->schema = schema;
	frame->place.low = frame->place.high = slot->tts_tid;
	merkle_frontier_init(&frame->frontier);
}

/* Rows that the open run has room for, from one to ROWS_HASHED_AT_ONCE. */
static void
write_hash_batch(WriteFrame *frame, const LedgerSchema *schema, TupleTableSlot **slots, int count)
{
	RowValues	row[ROWS_HASHED_AT_ONCE];
	uint8		hash[ROWS_HASHED_AT_ONCE][MERKLE_HASH_LEN];
	uint8	   *tag = frame->tags + (Size) frame->row_count * ROW_TAG_BYTES;
	int			i = 0;

	do
	{
		TupleTableSlot *slot = slots[i];

		slot_getallattrs(slot);
		frame->last_id = (uint64) DatumGetInt64(slot->tts_values[schema->id_attnum - 1]);
		row[i].ledger_id = frame->last_id;
		row[i].values = slot->tts_values;
		row[i].isnull = slot->tts_isnull;
		if (ItemPointerCompare(&slot->tts_tid, &frame->place.low) < 0)
			frame->place.low = slot->tts_tid;
		else if (ItemPointerCompare(&slot->tts_tid, &frame->place.high) > 0)
			frame->place.high = slot->tts_tid;
	} while (++i < count);
	row_leaf_hashes(schema->plan, row, count, hash);
	for (i = 0; i < count; i++, tag += ROW_TAG_BYTES)
		memcpy(tag, hash[i], ROW_TAG_BYTES);
	merkle_frontier_append_all(&frame->frontier, hash, count);
	frame->row_count += count;
}

uint64
write_hash_rows(Relation rel, TupleTableSlot **slots, int count)
{
	const LedgerSchema *schema = schema_current(rel);
	TableWrite *t = write_table(RelationGetRelid(rel));
	WriteFrame *frame = write_frame(t);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	while (count > 0)
	{
		int			batch;

		slot_getallattrs(slots[0]);
		write_open_run(t, frame, schema, slots[0]);
		batch = Min(count, Min(ROWS_HASHED_AT_ONCE, ENTRY_ROWS_MAX - (int) frame->row_count));
		write_hash_batch(frame, schema, slots, batch);
		slots += batch;
		count -= batch;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(scratch);
	return frame->last_id;
}

/* Before commit or prepare: nothing is left open, ids not used are given back. */
static void
write_close_all(void)
{
	MemoryContext old;
	bool		without;

	if (writing == NULL)
		return;
	/* a table with a TOAST table is written to under a snapshot only, and the last is gone */
	without = !HaveRegisteredOrActiveSnapshot();
	if (without)
		PushActiveSnapshot(GetTransactionSnapshot());
	old = MemoryContextSwitchTo(scratch);
	for (TableWrite *t = writing; t != NULL; t = t->next)
	{
		if (t->frame != NULL)
			write_close_run(t->frame);
		ids_return(t->next_id, t->end_id);
	}
	MemoryContextSwitchTo(old);
	if (without)
		PopActiveSnapshot();
	write_forget();
}

static void
write_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			write_close_all();
			break;
		case XACT_EVENT_COMMIT:
			if (wrote_leaves)
			{
				SharedDatabase *db = shared_database();

				/* the store pairs with the sealer's exchange before it looks */
				if (pg_atomic_exchange_u32(&db->unsealed, 1) == 0)
					sealer_wake(db);
			}
			wrote_leaves = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			write_forget();
			wrote_leaves = false;
			break;
		default:
			break;
	}
}

static void
write_subxact_callback(SubXactEvent event, SubTransactionId subid,
					   SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (TableWrite *t = writing; t != NULL; t = t->next)
	{
		WriteFrame *frame = t->frame;

		if (frame == NULL || frame->level < level)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
		{
			t->frame = frame->parent;
			write_frame_free(frame);
		}
		else if (frame->parent != NULL && frame->parent->level == level - 1)
		{
			WriteFrame *replaced = frame->parent;

			frame->parent = replaced->parent;
			frame->level = level - 1;
			write_frame_free(replaced);
		}
		else
			frame->level = level - 1;
	}
}

void
write_init(void)
{
	RegisterXactCallback(write_xact_callback, NULL);
	RegisterSubXactCallback(write_subxact_callback, NULL);
	CacheRegisterSyscacheCallback(AUTHOID, write_role_callback, (Datum) 0);
}

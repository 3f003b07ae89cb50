/*
 * entry_table.c: opens a ledger table for reading its rows as the log has them, and
 * says who may.
 *
 * Rows are given away whole, with the hashes of their neighbours, so the caller
 * must be somebody who could SELECT all of the table: every column of it, or of a
 * table that it is a partition of, with no row-level security in between.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "ledger/am.h"
#include "ledger/entry_table.h"
#include "ledger/site.h"

/* May the caller read every column of every row by that name? */
static bool
entry_table_readable(Oid relid, bool *hidden_rows)
{
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK)
		return false;
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
	{
		*hidden_rows = true;
		return false;
	}
	return true;
}

static bool
entry_table_allowed(Relation rel, bool strict)
{
	bool		hidden_rows = false;
	bool		allowed = entry_table_readable(RelationGetRelid(rel), &hidden_rows);
	ListCell   *lc;

	if (!allowed && rel->rd_rel->relispartition)
	{
		List	   *ancestors = get_partition_ancestors(RelationGetRelid(rel));

		foreach(lc, ancestors)
			allowed |= entry_table_readable(lfirst_oid(lc), &hidden_rows);
	}
	if (allowed || !strict)
		return allowed;
	if (hidden_rows)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security hides rows of table \"%s\" from role \"%s\"",
						RelationGetRelationName(rel), GetUserNameFromId(GetUserId(), false)),
				 errdetail("A receipt holds hashes of other rows than its own."),
				 errhint("Let a role ask that bypasses row-level security.")));
	aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(rel));
	return false;
}

/* A whole and valid btree whose first column is the id. */
static bool
entry_table_index_fits(Relation index, AttrNumber id)
{
	Form_pg_index form = index->rd_index;

	return form->indisvalid && index->rd_rel->relam == BTREE_AM_OID &&
		form->indkey.values[0] == id && index->rd_opcintype[0] == INT8OID &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

static Oid
entry_table_index(Relation rel, AttrNumber id)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (entry_table_index_fits(index, id))
			found = lfirst_oid(lc);
		index_close(index, NoLock);
		if (OidIsValid(found))
			break;
	}
	list_free(indexes);
	return found;
}

static void
entry_table_unfit(const char *name, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("table \"%s\" is not as the log knows it", name),
			 errdetail("%s", why),
			 errhint("Run SELECT * FROM energyledger.verify().")));
}

/* How its rows are read; NULL and *why where they cannot be. */
static LedgerSchema *
entry_table_schema(Relation rel, const char *name, char **why)
{
	LedgerSchema *schema;

	if (!am_hashes_rows(rel))
	{
		*why = pstrdup("it does not use access method \"ledger\"");
		return NULL;
	}
	schema = schema_of_version(rel, name, site_current()->site_id, 0, why);
	if (schema != NULL && schema->id_attnum == InvalidAttrNumber)
	{
		*why = pstrdup("it has no column \"ledger_id\"");
		return NULL;
	}
	return schema;
}

struct EntryTable *
entry_table_open(const char *name, const char *entry_relation, bool strict)
{
	Oid			relid = schema_relation_oid(name);
	Relation	rel = OidIsValid(relid) ? try_table_open(relid, AccessShareLock) : NULL;
	MemoryContext context;
	MemoryContext old;
	struct EntryTable *t;
	char	   *why = NULL;

	if (rel == NULL)
	{
		if (strict)
			entry_table_unfit(name, "There is no such table.");
		return NULL;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "ledger table", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	t = palloc0(sizeof(struct EntryTable));
	t->context = context;
	t->rel = rel;
	if (entry_table_allowed(rel, strict))
		t->schema = entry_table_schema(rel, name, &why);
	if (t->schema != NULL)
	{
		t->entry_relation = pstrdup(entry_relation);
		t->index = entry_table_index(rel, t->schema->id_attnum);
		t->slot = table_slot_create(rel, NULL);
		t->scratch = AllocSetContextCreate(context, "ledger row", ALLOCSET_DEFAULT_SIZES);
		t->near = InvalidBlockNumber;
	}
	else if (strict)
		entry_table_unfit(name, psprintf("Its rows cannot be read: %s.", why));
	MemoryContextSwitchTo(old);
	if (t->schema != NULL)
		return t;
	table_close(rel, AccessShareLock);
	MemoryContextDelete(context);
	return NULL;
}

/* The lock stays until the transaction ends: what was read is still so. */
void
entry_table_close(struct EntryTable *t)
{
	ExecDropSingleTupleTableSlot(t->slot);
	table_close(t->rel, NoLock);
	MemoryContextDelete(t->context);
}

/*
 * verify_tables.c: which tables there are to verify, which of them an entry is
 * about, and how a row of one is hashed.
 *
 * The log says which tables there are, not the catalog: a table that is gone, renamed
 * behind the log's back or made something else is a finding.  Rows are hashed by the columns as the row's
 * own site registered them, since sites that share a table may have registered its
 * columns in another order.  The newest version serves all rows: columns are only ever
 * added, and a NULL is not hashed.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "ledger/am.h"
#include "ledger/lineage.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/verify_parts.h"

typedef struct DigestKey
{
	char		relation[VERIFY_RELATION_LEN_MAX];
	int32		version;
	int32		site_id;
} DigestKey;

typedef struct DigestEntry
{
	DigestKey	key;
	uint8		digest[MERKLE_HASH_LEN];
} DigestEntry;

/* ---- what the log knows ---- */

static void
tables_digest_key(DigestKey *key, int site_id, const char *relation, uint32 version)
{
	memset(key, 0, sizeof(*key));
	strlcpy(key->relation, relation, sizeof(key->relation));
	key->version = (int32) version;
	key->site_id = site_id;
}

static void
tables_add_version(VerifyTable *t, int site_id, int32 version)
{
	for (int i = 0; i < t->version_count; i++)
	{
		if (t->version[i].site_id != site_id)
			continue;
		t->version[i].version = Max(t->version[i].version, version);
		return;
	}
	t->version = t->version_count == 0 ? palloc(sizeof(VerifyVersion)) :
		repalloc(t->version, sizeof(VerifyVersion) * (t->version_count + 1));
	t->version[t->version_count].site_id = site_id;
	t->version[t->version_count].version = version;
	t->version_count++;
}

static void
tables_load_versions(VerifyTables *tables)
{
	Record	   *r = record_open("table_schema", "site_id, " LOG_SCHEMA_COLUMNS);
	SysScanDesc scan = record_begin(r, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = record_next(scan, ForwardScanDirection)))
	{
		Datum		values[LOG_SCHEMA_COLUMN_COUNT + 1];
		bool		nulls[LOG_SCHEMA_COLUMN_COUNT + 1];
		encode_schema s;
		DigestKey	key;
		DigestEntry *entry;
		int			at;

		/* one that is not as we write it is reported with its leaf */
		if (!record_read(r, tuple, values, nulls) || nulls[0] || !log_read_schema(values + 1, nulls + 1, &s))
			continue;
		at = lineage_find(tables->lineage, s.relation, (int32) s.schema_version);
		/* a version under an earlier name has a later one that says the same, and more */
		if (at >= 0 && strcmp(tables->table[at].name, s.relation) == 0)
			tables_add_version(&tables->table[at], DatumGetInt16(values[0]), (int32) s.schema_version);
		tables_digest_key(&key, DatumGetInt16(values[0]), s.relation, s.schema_version);
		entry = hash_search(tables->digest, &key, HASH_ENTER, NULL);
		log_schema_hash(&s, entry->digest);
	}
	record_end(scan);
	record_close(r);
}

VerifyTables *
tables_load(Lineage *lineage, const char *only)
{
	HASHCTL		ctl = {.keysize = sizeof(DigestKey),.entrysize = sizeof(DigestEntry),
	.hcxt = CurrentMemoryContext};
	VerifyTables *tables = palloc0(sizeof(VerifyTables));
	int			only_at = only != NULL ? lineage_find_name(lineage, only) : -1;

	if (only != NULL && only_at < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the log does not know ledger table \"%s\"", only),
				 errdetail("No version of its columns is registered under that name.")));
	tables->lineage = lineage;
	tables->last_relation = palloc0(VERIFY_RELATION_LEN_MAX);
	tables->digest = hash_create("schema digests", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	tables->count = lineage->count;
	tables->table = palloc0(sizeof(VerifyTable) * Max(tables->count, 1));
	for (int i = 0; i < tables->count; i++)
	{
		tables->table[i].name = lineage->table[i].name;
		tables->table[i].selected = only == NULL || i == only_at;
		/* which may be newer than what the snapshot sees, as the table itself may */
		if (lineage->table[i].version > 0)
			tables_add_version(&tables->table[i], site_current()->site_id, lineage->table[i].version);
	}
	if (tables->count > 0)
		tables_load_versions(tables);
	return tables;
}

int
tables_of_entry(VerifyTables *tables, const char *relation, int32 version)
{
	/* mostly the same as for the entry before */
	if (version == tables->last_version && strcmp(relation, tables->last_relation) == 0)
		return tables->last;
	tables->last = lineage_find(tables->lineage, relation, version);
	tables->last_version = version;
	strlcpy(tables->last_relation, relation, VERIFY_RELATION_LEN_MAX);
	return tables->last;
}

bool
tables_entry_schema(VerifyTables *tables, int site_id, const encode_entry *e, Findings *f)
{
	DigestKey	key;
	DigestEntry *entry;

	tables_digest_key(&key, site_id, e->relation, e->schema_version);
	entry = hash_search(tables->digest, &key, HASH_FIND, NULL);
	if (entry != NULL && memcmp(entry->digest, e->schema_digest, MERKLE_HASH_LEN) == 0)
		return true;
	if (f != NULL && entry == NULL)
		verify_finding(f, e->relation, (int64) e->first_id, "schema_missing",
					   psprintf("version %u of the table's columns", e->schema_version), NULL);
	else if (f != NULL)
		verify_finding(f, e->relation, (int64) e->first_id, "schema_digest",
					   verify_hex(e->schema_digest), verify_hex(entry->digest));
	return false;
}

/* ---- the tables themselves ---- */

/* Hashes of rows are shown to those who may read the rows. */
static void
tables_check_rights(Relation rel)
{
	AclResult	right = pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT);

	if (right != ACLCHECK_OK)
		aclcheck_error(right, OBJECT_TABLE, RelationGetRelationName(rel));
}

/* Is it still there, still what it was?  Its lock is kept: nobody changes it meanwhile. */
static void
tables_check_one(VerifyTables *tables, int at, Findings *f)
{
	VerifyTable *t = &tables->table[at];
	LineageTable today;
	Relation	rel = lineage_open_table(tables->lineage, at, AccessShareLock, &today);
	char	   *why = NULL;

	/* it may have got another name or column since; it keeps them from here on */
	t->name = today.name;
	if (today.version > 0)
		tables_add_version(t, site_current()->site_id, today.version);
	tables->lineage->table[at].version = today.version;
	if (rel == NULL)
	{
		verify_finding(f, t->name, -1, "table_missing", "a ledger table", NULL);
		return;
	}
	tables_check_rights(rel);
	if (!am_hashes_rows(rel))
	{
		const char *found = OidIsValid(rel->rd_rel->relam) ? get_am_name(rel->rd_rel->relam) : "none";

		verify_finding(f, t->name, -1, "access_method", "ledger",
					   strcmp(found, "ledger") == 0 ? "ledger, with another handler" : found);
	}
	t->relid = RelationGetRelid(rel);
	table_close(rel, NoLock);
	if (tables_open(t, &why))
	{
		tables->redactable |= t->redactable_count > 0;
		tables_close(t);
	}
	else
	{
		verify_finding(f, t->name, -1, "table_columns",
					   why != NULL ? "the columns that the log has registered" : "a column ledger_id", why);
		t->relid = InvalidOid;
	}
}

void
tables_check(VerifyTables *tables, Findings *f)
{
	for (int i = 0; i < tables->count; i++)
	{
		VerifyTable *t = &tables->table[i];

		if (!t->selected)
			continue;
		tables_check_one(tables, i, f);
		if (!OidIsValid(t->relid))
			tables->unreadable = true;
	}
}

/* Checks for the attributes that any of the plans hashes. */
static void
tables_open_checks(VerifyTable *t, AttrNumber attnum_max)
{
	bool	   *seen = palloc0(sizeof(bool) * (attnum_max + 1));

	t->check = palloc(sizeof(DatumCheck) * attnum_max);
	t->check_attnum = palloc(sizeof(AttrNumber) * attnum_max);
	t->check_count = 0;
	for (int i = 0; i < t->plan_count; i++)
	{
		const RowPlan *plan = t->plan[i].schema->plan;

		for (int c = 0; c < plan->column_count; c++)
		{
			AttrNumber	attnum = plan->column[c].attnum;
			DatumCheck *check = &t->check[t->check_count];

			if (seen[attnum])
				continue;
			seen[attnum] = true;
			datum_check_init(check, TupleDescAttr(RelationGetDescr(t->rel), attnum - 1)->atttypid);
			if (check->varlena || check->form != DATUM_ANY)
				t->check_attnum[t->check_count++] = attnum;
		}
	}
}

bool
tables_open(VerifyTable *t, char **why)
{
	AttrNumber	attnum_max;

	t->rel = table_open(t->relid, AccessShareLock);
	t->plan = palloc(sizeof(VerifyPlan) * Max(t->version_count, 1));
	t->plan_count = 0;
	t->redactable_count = 0;
	attnum_max = t->id_attnum = get_attnum(t->relid, LEDGER_ID_COLUMN);
	for (int i = 0; i < t->version_count && t->id_attnum != InvalidAttrNumber; i++)
	{
		VerifyPlan *plan = &t->plan[t->plan_count];

		plan->site_id = t->version[i].site_id;
		plan->schema = schema_of_version(t->rel, t->name, plan->site_id, t->version[i].version, why);
		if (plan->schema == NULL)
			break;
		attnum_max = Max(attnum_max, plan->schema->plan->attnum_max);
		t->redactable_count = Max(t->redactable_count, plan->schema->plan->redactable_count);
		t->plan_count++;
	}
	/* what its columns were may be gone from the log, or say nothing of this table any more */
	if (t->version_count == 0)
		*why = pstrdup("no version of them");
	if (t->id_attnum == InvalidAttrNumber || t->version_count == 0 || t->plan_count < t->version_count)
	{
		table_close(t->rel, AccessShareLock);
		return false;
	}
	t->shape = datum_shape(RelationGetDescr(t->rel), attnum_max);
	t->value = palloc(sizeof(Datum) * attnum_max);
	t->isnull = palloc(sizeof(bool) * attnum_max);
	tables_open_checks(t, attnum_max);
	return true;
}

void
tables_close(VerifyTable *t)
{
	table_close(t->rel, NoLock);
	t->rel = NULL;
}

bool
tables_row_id(VerifyTable *t, HeapTuple tuple, int64 *id)
{
	*id = -1;
	if (!datum_deform(t->shape, tuple, t->value, t->isnull))
		return false;
	*id = t->isnull[t->id_attnum - 1] ? 0 : DatumGetInt64(t->value[t->id_attnum - 1]);
	return true;
}

const RowPlan *
tables_row_plan(const VerifyTable *t, int64 id)
{
	for (int i = 1; i < t->plan_count; i++)
		if (t->plan[i].site_id == LEDGER_ID_SITE(id))
			return t->plan[i].schema->plan;
	return t->plan[0].schema->plan;
}

uint8 *
tables_row_bytes(VerifyTable *t, int slot, int64 id, Size *len)
{
	for (int i = 0; i < t->check_count; i++)
	{
		int			at = t->check_attnum[i] - 1;

		/* most values are texts as they are: nothing to look into */
		if (!t->isnull[at] && !(t->check[i].form == DATUM_ANY && DATUM_IS_PLAIN(t->value[at])) &&
			!datum_check(&t->check[i], &t->value[at]))
			return NULL;
	}
	return row_leaf_bytes(tables_row_plan(t, id), slot, (uint64) id, t->value, t->isnull, len);
}

/*
 * COPY FREEZE hides the writer behind a frozen xid, but only in a table that the
 * transaction itself made.
 */
bool
tables_is_own_row(const VerifyTable *t, HeapTuple tuple)
{
	TransactionId xmin = t->rel->rd_createSubid != InvalidSubTransactionId ?
		HeapTupleHeaderGetRawXmin(tuple->t_data) : HeapTupleHeaderGetXmin(tuple->t_data);

	/* a version that redact() made is of a row that has its entry */
	return TransactionIdIsCurrentTransactionId(xmin) && (tuple->t_data->t_infomask & HEAP_UPDATED) == 0;
}

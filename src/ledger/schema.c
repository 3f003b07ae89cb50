/*
 * schema.c: the registered columns of ledger tables.
 *
 * A row is hashed by column ordinals that the log itself has recorded, not by
 * whatever the catalog says today: the first write to a table under new columns
 * registers them as a leaf of the log, in the same transaction.  CREATE TABLE and
 * ALTER TABLE do it at once (guard.c), so that writers find it done; a table that
 * came by another way is registered under a lock by whoever writes first.
 *
 * Columns may only be added, and renamed by a statement that records it
 * (schema_rename.c).  Any other difference between catalog and log means that the
 * table was altered behind the ledger's back, and writing stops.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "ledger/ids.h"
#include "ledger/lineage.h"
#include "ledger/log.h"
#include "ledger/redactable.h"
#include "ledger/redactable_copies.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/verify_datum.h"

/* columns of energyledger.table_schema by position */
#define SCHEMA_ATTR_SITE_ID 2
#define SCHEMA_ATTR_RELATION 5
#define SCHEMA_ATTR_VERSION 6
#define SCHEMA_NATTS 11

typedef struct CachedSchema
{
	Oid			relid;			/* key */
	bool		valid;
	bool		uncommitted;	/* registered by this transaction: gone if it is
								 * rolled back */
	MemoryContext context;		/* holds schema */
	LedgerSchema *schema;
} CachedSchema;

static HTAB *cache = NULL;		/* entries are never removed */
static CachedSchema *last_used = NULL;	/* of cache */
static bool cache_has_uncommitted = false;

char *
schema_relation_name(Relation rel)
{
	return psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)),
					RelationGetRelationName(rel));
}

Oid
schema_relation_oid(const char *name)
{
	const char *dot = strchr(name, '.');
	Oid			schema = dot != NULL ? get_namespace_oid(pnstrdup(name, dot - name), true) : InvalidOid;

	return OidIsValid(schema) ? get_relname_relid(dot + 1, schema) : InvalidOid;
}

static AttrNumber
schema_find_attribute(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped && strcmp(NameStr(attr->attname), name) == 0)
			return attr->attnum;
	}
	return InvalidAttrNumber;
}

/* A column that has its place in hashed rows: every one that is stored, but ledger_id. */
static bool
schema_is_hashed(Form_pg_attribute attr)
{
	return !attr->attisdropped && attr->attgenerated != ATTRIBUTE_GENERATED_VIRTUAL &&
		strcmp(NameStr(attr->attname), LEDGER_ID_COLUMN) != 0;
}

void
schema_check_columns(TupleDesc desc, const char *relation)
{
	AttrNumber	id = schema_find_attribute(desc, LEDGER_ID_COLUMN);

	if (id == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("ledger table \"%s\" has no column \"ledger_id\"", relation),
				 errdetail("CREATE TABLE ... USING ledger adds it by itself; a partition takes its columns from its parent."),
				 errhint("Add \"ledger_id bigint NOT NULL DEFAULT 0\" to the table that it takes its columns from.")));
	if (TupleDescAttr(desc, id - 1)->atttypid != INT8OID ||
		TupleDescAttr(desc, id - 1)->attgenerated != '\0' || TupleDescAttr(desc, id - 1)->attidentity != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("column \"ledger_id\" of ledger table \"%s\" must be a plain bigint", relation)));
	schema_check_types(desc, relation);
}

void
schema_check_types(TupleDesc desc, const char *relation)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		RowColumn	column;

		if (schema_is_hashed(attr) && !row_column_init(&column, attr->atttypid))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of ledger table \"%s\" has type %s, which cannot be hashed",
							NameStr(attr->attname), relation, format_type_be(attr->atttypid)),
					 errdetail("Ledger tables take boolean, integers, floats, numeric, text types, bytea, date and time types, uuid, inet, json, jsonb, enums, ranges, domains over these and arrays of these, and energyledger.redactable.")));
	}
}

/* The log names tables schema.table: one dot, so that a name is one table's. */
void
schema_check_name(const char *schema, const char *name)
{
	if (strchr(name, '.') != NULL || (schema != NULL && strchr(schema, '.') != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("ledger table \"%s\" cannot have a dot in its name or its schema's", name),
				 errdetail("The log names it \"%s.%s\".", schema != NULL ? schema : "?", name)));
}

/*
 * Stored generated columns are computed before the access method assigns the id:
 * one that used it would be stored with zero in its place.  And one that used a
 * redactable column would be a copy that nobody erases.
 */
static void
schema_check_generated(Relation rel, const char *relation)
{
	TupleDesc	desc = RelationGetDescr(rel);
	AttrNumber	id = schema_find_attribute(desc, LEDGER_ID_COLUMN);

	if (desc->constr == NULL || !desc->constr->has_generated_stored)
		return;
	for (int i = 0; i < desc->constr->num_defval; i++)
	{
		AttrDefault *def = &desc->constr->defval[i];
		Bitmapset  *used = NULL;

		if (TupleDescAttr(desc, def->adnum - 1)->attgenerated != ATTRIBUTE_GENERATED_STORED)
			continue;
		pull_varattnos(stringToNode(def->adbin), 1, &used);
		if (bms_is_member(id - FirstLowInvalidHeapAttributeNumber, used))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("generated column \"%s\" of ledger table \"%s\" cannot use \"ledger_id\"",
							NameStr(TupleDescAttr(desc, def->adnum - 1)->attname), relation),
					 errdetail("Generated columns are computed before the ledger assigns it."),
					 errhint("Compute it in a view.")));
		if (redactable_is_used(rel, stringToNode(def->adbin)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("generated column \"%s\" of ledger table \"%s\" cannot use a redactable column",
							NameStr(TupleDescAttr(desc, def->adnum - 1)->attname), relation),
					 errdetail("It would keep the value after it has been redacted."),
					 errhint("Compute it in a view.")));
	}
}

/* The name that a column has in another version of the same table's columns, or NULL. */
static const char *
schema_name_of(const encode_schema *s, uint16 ordinal)
{
	for (int i = 0; i < s->column_count; i++)
		if (s->column[i].ordinal == ordinal)
			return s->column[i].name;
	return NULL;
}

/*
 * How a registered schema reads rows of rel, whose columns are named as in the
 * version `named`; NULL and *why where it cannot.
 */
static RowPlan *
schema_plan(Relation rel, const encode_schema *registered, const encode_schema *named, char **why)
{
	TupleDesc	desc = RelationGetDescr(rel);
	RowPlan    *plan = palloc0(offsetof(RowPlan, column) +
							   sizeof(RowColumn) * Max(registered->column_count, 1));

	for (int i = 0; i < registered->column_count; i++)
	{
		const encode_column *c = &registered->column[i];
		const char *name = schema_name_of(named, c->ordinal);
		AttrNumber	attnum = name != NULL ? schema_find_attribute(desc, name) : InvalidAttrNumber;
		char	   *type;

		if (attnum == InvalidAttrNumber)
		{
			*why = psprintf("column \"%s\" is missing", name != NULL ? name : c->name);
			return NULL;
		}
		type = row_type_name(TupleDescAttr(desc, attnum - 1)->atttypid,
							 TupleDescAttr(desc, attnum - 1)->atttypmod);
		if (strcmp(type, c->type) != 0)
		{
			*why = psprintf("column \"%s\" is %s, registered as %s", name, type, c->type);
			return NULL;
		}
		if (!row_column_init(&plan->column[i], TupleDescAttr(desc, attnum - 1)->atttypid))
		{
			*why = psprintf("column \"%s\" has type %s, which cannot be hashed", name, type);
			return NULL;
		}
		plan->column[i].attnum = attnum;
		plan->column[i].ordinal = c->ordinal;
		plan->attnum_max = Max(plan->attnum_max, attnum);
		plan->redactable_count += plan->column[i].form == ROW_REDACTABLE;
	}
	plan->column_count = registered->column_count;
	return plan;
}

bool
schema_read_registered(const char *relation, int site_id, int32 version, bool strict, encode_schema *out)
{
	Relation	rel = table_open(log_relation_oid("table_schema"), AccessShareLock);
	Relation	index = NULL;
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	DatumShape *shape = datum_shape(RelationGetDescr(rel), SCHEMA_NATTS);
	bool		found = false;

	/* the unique index on (site_id, relation, schema_version) */
	foreach(lc, indexes)
	{
		index = index_open(lfirst_oid(lc), AccessShareLock);
		if (index->rd_index->indisunique && index->rd_index->indnatts == 3)
			break;
		index_close(index, AccessShareLock);
		index = NULL;
	}
	if (index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("unique index of energyledger.table_schema is missing")));

	ScanKeyInit(&key[0], SCHEMA_ATTR_SITE_ID, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum((int16) site_id));
	ScanKeyInit(&key[1], SCHEMA_ATTR_RELATION, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(relation));
	key[1].sk_collation = DEFAULT_COLLATION_OID;
	ScanKeyInit(&key[2], SCHEMA_ATTR_VERSION, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(version));
	scan = systable_beginscan(rel, RelationGetRelid(index), true, SnapshotSelf,
							  version > 0 ? 3 : 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[SCHEMA_NATTS];
		bool		nulls[SCHEMA_NATTS];
		encode_schema s;
		const int	first = SCHEMA_ATTR_RELATION - 1;	/* LOG_SCHEMA_COLUMNS are the
														 * table's last */

		if (!datum_deform(shape, tuple, values, nulls) || !log_read_schema(values + first, nulls + first, &s))
		{
			if (strict)
				log_malformed("table_schema");
			continue;
		}
		if (!found || s.schema_version > out->schema_version)
			*out = s;
		found = true;
	}
	systable_endscan(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * What the log should say of rel now: the newest registration with rel's new
 * columns appended, or a first one.  A name whose newest version is a table's that
 * is now called otherwise (ended) begins anew, at the version after it.  Returns
 * whether that differs from what is registered.
 */
static bool
schema_extend(Relation rel, const char *relation, bool registered, bool ended, encode_schema *s)
{
	TupleDesc	desc = RelationGetDescr(rel);
	bool		extends = registered && !ended;
	encode_column *column = palloc(sizeof(encode_column) *
								   (desc->natts + (extends ? s->column_count : 0) + 1));
	uint16		ordinal = 0;
	int			n = 0;

	if (extends)
	{
		memcpy(column, s->column, sizeof(encode_column) * s->column_count);
		n = s->column_count;
		ordinal = n > 0 ? column[n - 1].ordinal : 0;
	}
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		bool		known = false;

		if (!schema_is_hashed(attr))
			continue;
		for (int k = 0; extends && k < s->column_count && !known; k++)
			known = strcmp(column[k].name, NameStr(attr->attname)) == 0;
		if (known)
			continue;
		column[n].ordinal = ++ordinal;
		column[n].name = pstrdup(NameStr(attr->attname));
		column[n].type = row_type_name(attr->atttypid, attr->atttypmod);
		n++;
	}
	if (extends && n == s->column_count)
		return false;
	s->relation = relation;
	s->schema_version = registered ? s->schema_version + 1 : 1;
	s->column = column;
	s->column_count = (uint16) n;
	return true;
}

void
schema_lock_registered(void)
{
	LockRelationOid(log_relation_oid("table_schema"), ShareUpdateExclusiveLock);
}

void
schema_write(encode_schema *s)
{
	/* the xid before the id: the sealer finds what is new by that (seal.c) */
	uint64		xid = U64FromFullTransactionId(GetTopFullTransactionId());

	s->time_us = log_unix_us(GetCurrentTimestamp());
	s->role = GetUserNameFromId(GetUserId(), false);
	log_check_leaf_size(s->relation, encode_schema_size(s));
	log_insert_schema(s, ids_reserve(1), site_current()->site_id,
					  site_current()->incarnation, xid);
}

/* What is registered of a relation's name; *ended: of a table now called otherwise. */
static bool
schema_read_newest(const char *relation, const LineageSteps *steps, encode_schema *s, bool *ended)
{
	bool		registered = schema_read_registered(relation, site_current()->site_id, 0, true, s);

	*ended = registered && lineage_ended(steps, relation, (int32) s->schema_version);
	return registered;
}

/* Registers; *s is then what stands in the log.  True where a row was written. */
static bool
schema_register(Relation rel, const char *relation, const LineageSteps *steps, encode_schema *s)
{
	bool		ended;
	bool		registered = schema_read_newest(relation, steps, s, &ended);

	if (!schema_extend(rel, relation, registered, ended, s))
		return false;
	/* whoever waits finds the registration made */
	schema_lock_registered();
	registered = schema_read_newest(relation, steps, s, &ended);
	if (!schema_extend(rel, relation, registered, ended, s))
		return false;
	schema_write(s);
	return true;
}

static void
schema_load(CachedSchema *entry, Relation rel)
{
	/* cached only once it is whole: an error on the way frees it */
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "ledger schema",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LedgerSchema *schema = palloc0(sizeof(LedgerSchema));
	char	   *relation = schema_relation_name(rel);
	encode_schema s;
	LineageSteps steps;
	bool		wrote;
	char	   *why = NULL;

	schema_check_columns(RelationGetDescr(rel), relation);
	schema_check_generated(rel, relation);
	redactable_refuse_copies(rel);
	/* our lock on the table keeps it from being renamed meanwhile */
	lineage_read_steps(SnapshotSelf, &steps);
	wrote = schema_register(rel, relation, &steps, &s);
	schema->retired = lineage_retired(&steps, relation, (int32) s.schema_version);
	schema->relation = relation;
	schema->version = (int32) s.schema_version;
	schema->id_attnum = schema_find_attribute(RelationGetDescr(rel), LEDGER_ID_COLUMN);
	log_schema_hash(&s, schema->digest);
	schema->plan = schema_plan(rel, &s, &s, &why);
	MemoryContextSwitchTo(old);
	if (schema->plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ledger table \"%s\" no longer has the columns that the log has registered", relation),
				 errdetail("Version %d: %s.", schema->version, why),
				 errhint("Run SELECT * FROM energyledger.verify() to see what else was changed.")));
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->context = context;
	entry->schema = schema;
	entry->uncommitted = wrote;
	cache_has_uncommitted |= wrote;
	entry->valid = true;
}

const LedgerSchema *
schema_current(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	CachedSchema *entry;
	bool		found;

	if (likely(last_used != NULL && last_used->relid == relid && last_used->valid))
		return last_used->schema;
	if (cache == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(CachedSchema)};

		cache = hash_create("ledger schemas", 32, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(cache, &relid, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->uncommitted = false;
		entry->context = NULL;
		entry->schema = NULL;
	}
	last_used = entry;
	if (likely(entry->valid))
		return entry->schema;

	/* somebody further up may still hold the old one: it goes with the transaction */
	if (entry->context != NULL)
	{
		MemoryContextSetParent(entry->context, TopTransactionContext);
		entry->context = NULL;
	}
	schema_load(entry, rel);
	return entry->schema;
}

LedgerSchema *
schema_of_version(Relation rel, const char *relation, int site_id, int32 version, char **why)
{
	LedgerSchema *schema = palloc0(sizeof(LedgerSchema));
	encode_schema s;
	encode_schema newest;

	if (!schema_read_registered(relation, site_id, version, false, &s) ||
		!schema_read_registered(schema_relation_name(rel), site_id, 0, false, &newest))
	{
		*why = version > 0 ? psprintf("version %d of its columns is not in the log", version) :
			pstrdup("its columns are not in the log");
		return NULL;
	}
	schema->relation = pstrdup(relation);
	schema->version = (int32) s.schema_version;
	schema->id_attnum = schema_find_attribute(RelationGetDescr(rel), LEDGER_ID_COLUMN);
	log_schema_hash(&s, schema->digest);
	/* columns keep their ordinals through every name, theirs and the table's */
	schema->plan = schema_plan(rel, &s, &newest, why);
	return schema->plan != NULL ? schema : NULL;
}

static void
schema_relcache_callback(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	CachedSchema *entry;

	if (cache == NULL)
		return;
	if (OidIsValid(relid))
	{
		entry = hash_search(cache, &relid, HASH_FIND, NULL);
		if (entry != NULL)
			entry->valid = false;
		return;
	}
	hash_seq_init(&seq, cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
		entry->valid = false;
}

static void
schema_forget_uncommitted(bool rolled_back)
{
	HASH_SEQ_STATUS seq;
	CachedSchema *entry;

	if (!cache_has_uncommitted)
		return;
	hash_seq_init(&seq, cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (entry->uncommitted && rolled_back)
			entry->valid = false;
		entry->uncommitted = false;
	}
	cache_has_uncommitted = false;
}

static void
schema_xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		schema_forget_uncommitted(true);
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		schema_forget_uncommitted(event == XACT_EVENT_PREPARE);
}

static void
schema_subxact_callback(SubXactEvent event, SubTransactionId subid,
						SubTransactionId parent, void *arg)
{
	/* too careful where the registration was above the savepoint: read again */
	if (event == SUBXACT_EVENT_ABORT_SUB && cache_has_uncommitted)
	{
		HASH_SEQ_STATUS seq;
		CachedSchema *entry;

		hash_seq_init(&seq, cache);
		while ((entry = hash_seq_search(&seq)) != NULL)
			if (entry->uncommitted)
				entry->valid = false;
	}
}

void
schema_init(void)
{
	CacheRegisterRelcacheCallback(schema_relcache_callback, (Datum) 0);
	RegisterXactCallback(schema_xact_callback, NULL);
	RegisterSubXactCallback(schema_subxact_callback, NULL);
}

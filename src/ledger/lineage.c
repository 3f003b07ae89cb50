/*
 * lineage.c: tables and the names that they had.
 *
 * An entry names its table as it was called then, and what is in the log stays.
 * Where its rows are now follows from the events that gave tables other names:
 * each says that the table with version v of its columns, last under the old
 * name, is from then on the one with version w under the new name.  Versions of
 * a name never start over, so a later table of the old name has higher ones, and
 * (relation, version) is one table's for ever:
 *
 *     next(relation, version) = the event of that relation with the least
 *                               schema_version that is not below version
 *
 * and a table's name today is where no event goes on.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "core/encode.h"
#include "ledger/lineage.h"
#include "ledger/log.h"
#include "ledger/schema.h"
#include "ledger/site.h"
#include "ledger/verify_datum.h"

/* columns of energyledger.event by position */
#define EVENT_ATTR_SITE_ID 2
#define EVENT_ATTR_KIND 3
#define EVENT_NATTS 9
/* columns of energyledger.table_schema by position */
#define SCHEMA_ATTR_SITE_ID 2
#define SCHEMA_ATTR_RELATION 5
#define SCHEMA_ATTR_VERSION 6

#define LINEAGE_TRIES 100		/* a table renamed again and again while we ask for it */

/* ---- steps ---- */

static const char *
lineage_value(const encode_event *e, const char *name)
{
	for (int i = 0; i < e->field_count; i++)
		if (strcmp(e->name[i], name) == 0)
			return e->value[i];
	return NULL;
}

static bool
lineage_number(const char *text, int32 *number)
{
	char	   *end;
	long		n;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtol(text, &end, 10);
	*number = (int32) n;
	return *end == '\0' && errno == 0 && n > 0 && n <= PG_INT32_MAX;
}

/* False where the event does not say what a step has to (verify reports it with its leaf). */
static bool
lineage_step(HeapTuple tuple, const DatumShape *shape, LineageStep *step)
{
	Datum		all[EVENT_NATTS];
	bool		all_nulls[EVENT_NATTS];
	Datum		values[LOG_EVENT_COLUMN_COUNT];
	bool		nulls[LOG_EVENT_COLUMN_COUNT];
	static const int at[LOG_EVENT_COLUMN_COUNT] = {0, 2, 5, 6, 7, 8};	/* LOG_EVENT_COLUMNS */
	encode_event e;

	if (!datum_deform(shape, tuple, all, all_nulls))
		return false;
	for (int i = 0; i < LOG_EVENT_COLUMN_COUNT; i++)
	{
		values[i] = all[at[i]];
		nulls[i] = all_nulls[at[i]];
	}
	if (!log_read_event(values, nulls, &e))
		return false;
	step->retired = e.kind == ENCODE_KIND_RETIRE;
	step->relation = (char *) lineage_value(&e, "relation");
	step->new_relation = (char *) lineage_value(&e, "new_relation");
	return step->relation != NULL && step->new_relation != NULL &&
		lineage_number(lineage_value(&e, "schema_version"), &step->version) &&
		lineage_number(lineage_value(&e, "new_schema_version"), &step->new_version);
}

static int
lineage_compare_steps(const void *a, const void *b)
{
	const LineageStep *x = a;
	const LineageStep *y = b;
	int			order = strcmp(x->relation, y->relation);

	return order != 0 ? order : (x->version > y->version) - (x->version < y->version);
}

void
lineage_read_steps(Snapshot snapshot, LineageSteps *steps)
{
	Relation	rel = table_open(log_relation_oid("event"), AccessShareLock);
	Oid			index = log_relation_oid("event_site_id_kind_event_id_key");
	DatumShape *shape = datum_shape(RelationGetDescr(rel), EVENT_NATTS);
	int			cap = 0;

	steps->count = 0;
	steps->step = NULL;
	for (int kind = ENCODE_KIND_RENAME; kind <= ENCODE_KIND_RETIRE; kind++)
	{
		ScanKeyData key[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key[0], EVENT_ATTR_SITE_ID, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum((int16) site_current()->site_id));
		ScanKeyInit(&key[1], EVENT_ATTR_KIND, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum((int16) kind));
		scan = systable_beginscan(rel, index, true, snapshot, 2, key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			if (steps->count == cap)
			{
				cap = Max(16, cap * 2);
				steps->step = steps->step == NULL ? palloc(sizeof(LineageStep) * cap) :
					repalloc(steps->step, sizeof(LineageStep) * cap);
			}
			if (lineage_step(tuple, shape, &steps->step[steps->count]))
				steps->count++;
		}
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	if (steps->count > 1)
		qsort(steps->step, steps->count, sizeof(LineageStep), lineage_compare_steps);
}

/* The step that an entry's name and version take next, or NULL. */
static const LineageStep *
lineage_next(const LineageSteps *steps, const char *relation, int32 version)
{
	int			low = 0;
	int			high = steps->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const LineageStep *s = &steps->step[middle];
		int			order = strcmp(s->relation, relation);

		if (order < 0 || (order == 0 && s->version < version))
			low = middle + 1;
		else
			high = middle;
	}
	return low < steps->count && strcmp(steps->step[low].relation, relation) == 0 ?
		&steps->step[low] : NULL;
}

/* The step by which a name and version came to be, or NULL. */
static const LineageStep *
lineage_previous(const LineageSteps *steps, const char *relation, int32 version)
{
	const LineageStep *found = NULL;

	for (int i = 0; i < steps->count; i++)
	{
		const LineageStep *s = &steps->step[i];

		if (strcmp(s->new_relation, relation) == 0 && s->new_version <= version &&
			(found == NULL || s->new_version > found->new_version))
			found = s;
	}
	/* not where another table had the name in between */
	if (found != NULL)
	{
		const LineageStep *end = lineage_next(steps, relation, found->new_version);

		if (end != NULL && end->version < version)
			return NULL;
	}
	return found;
}

bool
lineage_ended(const LineageSteps *steps, const char *relation, int32 version)
{
	return lineage_next(steps, relation, version) != NULL;
}

bool
lineage_retired(const LineageSteps *steps, const char *relation, int32 version)
{
	/* no more steps than there are: who has edited the log may have made a circle */
	for (int i = 0; i < steps->count; i++)
	{
		const LineageStep *s = lineage_previous(steps, relation, version);

		if (s == NULL || s->retired)
			return s != NULL;
		relation = s->relation;
		version = s->version;
	}
	return false;
}

/* Where the steps lead. */
static const char *
lineage_follow(const LineageSteps *steps, const char *relation, int32 version)
{
	for (int i = 0; i < steps->count; i++)
	{
		const LineageStep *s = lineage_next(steps, relation, version);

		if (s == NULL)
			break;
		relation = s->new_relation;
		version = s->new_version;
	}
	return relation;
}

/* ---- tables ---- */

/* A catalog's OID of a name, as a snapshot sees it. */
static Oid
lineage_catalog_oid(Oid catalog, Oid index, Snapshot snapshot, int key_count, ScanKey key)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, index, true, snapshot, key_count, key);
	HeapTuple	tuple = systable_getnext(scan);
	bool		isnull;
	/* the first column of both catalogs that are asked */
	Oid			oid = HeapTupleIsValid(tuple) ?
		DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull)) : InvalidOid;

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return oid;
}

static Oid
lineage_relid(const char *name, Snapshot snapshot)
{
	const char *dot = strchr(name, '.');
	NameData	schema;
	NameData	table;
	ScanKeyData key[2];
	Oid			namespace;

	if (dot == NULL || dot - name >= NAMEDATALEN || strlen(dot + 1) >= NAMEDATALEN)
		return InvalidOid;
	namestrcpy(&schema, pnstrdup(name, dot - name));
	namestrcpy(&table, dot + 1);
	ScanKeyInit(&key[0], Anum_pg_namespace_nspname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&schema));
	namespace = lineage_catalog_oid(NamespaceRelationId, NamespaceNameIndexId, snapshot, 1, key);
	if (!OidIsValid(namespace))
		return InvalidOid;
	ScanKeyInit(&key[0], Anum_pg_class_relname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&table));
	ScanKeyInit(&key[1], Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(namespace));
	return lineage_catalog_oid(RelationRelationId, ClassNameNspIndexId, snapshot, 2, key);
}

static int
lineage_compare_tables(const void *a, const void *b)
{
	return strcmp(((const LineageTable *) a)->name, ((const LineageTable *) b)->name);
}

/* Each registered version of columns, as a table under the name that it has now. */
static void
lineage_read_tables(Lineage *l, Snapshot snapshot)
{
	Relation	rel = table_open(log_relation_oid("table_schema"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	DatumShape *shape = datum_shape(RelationGetDescr(rel), SCHEMA_ATTR_VERSION);
	int			cap = 64;
	HeapTuple	tuple;

	l->table = palloc(sizeof(LineageTable) * cap);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[SCHEMA_ATTR_VERSION];
		bool		nulls[SCHEMA_ATTR_VERSION];
		Datum		name;
		int32		version;
		LineageTable *t;
		char	   *relation;

		/* one that cannot be read is reported with its leaf */
		if (!datum_deform(shape, tuple, values, nulls) || nulls[SCHEMA_ATTR_SITE_ID - 1] ||
			nulls[SCHEMA_ATTR_RELATION - 1] || nulls[SCHEMA_ATTR_VERSION - 1] ||
			!DATUM_IS_PLAIN(values[SCHEMA_ATTR_RELATION - 1]) ||
			DatumGetInt16(values[SCHEMA_ATTR_SITE_ID - 1]) != site_current()->site_id)
			continue;
		name = values[SCHEMA_ATTR_RELATION - 1];
		version = DatumGetInt32(values[SCHEMA_ATTR_VERSION - 1]);
		if (l->count == cap)
		{
			cap *= 2;
			l->table = repalloc(l->table, sizeof(LineageTable) * cap);
		}
		relation = TextDatumGetCString(name);
		t = &l->table[l->count++];
		t->name = (char *) lineage_follow(&l->steps, relation, version);
		t->version = strcmp(t->name, relation) == 0 ? version : 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* One of each name, with its newest version. */
static void
lineage_unite_tables(Lineage *l, Snapshot snapshot)
{
	int			n = 0;

	if (l->count > 1)
		qsort(l->table, l->count, sizeof(LineageTable), lineage_compare_tables);
	for (int i = 0; i < l->count; i++)
	{
		if (n > 0 && strcmp(l->table[n - 1].name, l->table[i].name) == 0)
			l->table[n - 1].version = Max(l->table[n - 1].version, l->table[i].version);
		else
			l->table[n++] = l->table[i];
	}
	l->count = n;
	for (int i = 0; i < n; i++)
	{
		l->table[i].retired = lineage_retired(&l->steps, l->table[i].name, l->table[i].version);
		l->table[i].relid = lineage_relid(l->table[i].name, snapshot);
	}
}

Lineage *
lineage_load(void)
{
	Lineage    *l = palloc0(sizeof(Lineage));
	Snapshot	snapshot;

	/* log and catalog as of one moment, in which they say the same */
	(void) site_current();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	lineage_read_steps(snapshot, &l->steps);
	lineage_read_tables(l, snapshot);
	lineage_unite_tables(l, snapshot);
	UnregisterSnapshot(snapshot);
	return l;
}

/* ---- to other processes ---- */

/* What stands in front of a lineage's flat bytes; names follow, each with its NUL. */
typedef struct LineageHead
{
	int			steps;
	int			tables;
} LineageHead;

Size
lineage_size(const Lineage *l)
{
	Size		size = sizeof(LineageHead);

	for (int i = 0; i < l->steps.count; i++)
		size += sizeof(LineageStep) + strlen(l->steps.step[i].relation) + strlen(l->steps.step[i].new_relation) + 2;
	for (int i = 0; i < l->count; i++)
		size += sizeof(LineageTable) + strlen(l->table[i].name) + 1;
	return size;
}

static char *
lineage_put(char *out, const void *data, Size len)
{
	memcpy(out, data, len);
	return out + len;
}

void
lineage_write(const Lineage *l, char *out)
{
	LineageHead head = {.steps = l->steps.count,.tables = l->count};

	out = lineage_put(out, &head, sizeof(head));
	for (int i = 0; i < l->steps.count; i++)
	{
		const LineageStep *s = &l->steps.step[i];

		out = lineage_put(out, s, sizeof(LineageStep));
		out = lineage_put(out, s->relation, strlen(s->relation) + 1);
		out = lineage_put(out, s->new_relation, strlen(s->new_relation) + 1);
	}
	for (int i = 0; i < l->count; i++)
	{
		out = lineage_put(out, &l->table[i], sizeof(LineageTable));
		out = lineage_put(out, l->table[i].name, strlen(l->table[i].name) + 1);
	}
}

static const char *
lineage_get(const char *bytes, void *data, Size len)
{
	memcpy(data, bytes, len);
	return bytes + len;
}

static const char *
lineage_get_name(const char *bytes, char **name)
{
	*name = pstrdup(bytes);
	return bytes + strlen(bytes) + 1;
}

Lineage *
lineage_read(const char *bytes)
{
	Lineage    *l = palloc0(sizeof(Lineage));
	LineageHead head;

	bytes = lineage_get(bytes, &head, sizeof(head));
	l->steps.count = head.steps;
	l->steps.step = palloc(sizeof(LineageStep) * Max(head.steps, 1));
	l->count = head.tables;
	l->table = palloc(sizeof(LineageTable) * Max(head.tables, 1));
	for (int i = 0; i < head.steps; i++)
	{
		bytes = lineage_get(bytes, &l->steps.step[i], sizeof(LineageStep));
		bytes = lineage_get_name(bytes, &l->steps.step[i].relation);
		bytes = lineage_get_name(bytes, &l->steps.step[i].new_relation);
	}
	for (int i = 0; i < head.tables; i++)
	{
		bytes = lineage_get(bytes, &l->table[i], sizeof(LineageTable));
		bytes = lineage_get_name(bytes, &l->table[i].name);
	}
	return l;
}

/* ---- looking up ---- */

int
lineage_find_name(const Lineage *l, const char *name)
{
	LineageTable key = {.name = (char *) name};
	LineageTable *found = l->count == 0 ? NULL :
		bsearch(&key, l->table, l->count, sizeof(LineageTable), lineage_compare_tables);

	return found != NULL ? (int) (found - l->table) : -1;
}

int
lineage_find(const Lineage *l, const char *relation, int32 version)
{
	return lineage_find_name(l, lineage_follow(&l->steps, relation, version));
}

/*
 * A rename holds the table's strongest lock: once we have ours, the table's name
 * is what it is.  NULL where it is not what the log said: the log says more by now.
 */
static Relation
lineage_try_open(const LineageTable *t, LOCKMODE lockmode)
{
	Relation	rel = try_relation_open(t->relid, lockmode);

	if (rel == NULL)
		return NULL;
	if (rel->rd_rel->relkind == RELKIND_RELATION && strcmp(schema_relation_name(rel), t->name) == 0)
		return rel;
	relation_close(rel, lockmode);
	return NULL;
}

Relation
lineage_open(const char *relation, int32 version, LOCKMODE lockmode, LineageTable *today)
{
	for (int i = 0; i < LINEAGE_TRIES; i++)
	{
		Lineage    *l = lineage_load();
		int			at = lineage_find(l, relation, version);
		Relation	rel;

		CHECK_FOR_INTERRUPTS();
		if (at < 0)
		{
			memset(today, 0, sizeof(*today));
			today->name = pstrdup(relation);
			return NULL;
		}
		*today = l->table[at];
		if (!OidIsValid(today->relid))
			return NULL;
		rel = lineage_try_open(today, lockmode);
		if (rel != NULL)
			return rel;
	}
	return NULL;
}

Relation
lineage_open_table(const Lineage *l, int at, LOCKMODE lockmode, LineageTable *today)
{
	const LineageTable *t = &l->table[at];
	Relation	rel = OidIsValid(t->relid) ? lineage_try_open(t, lockmode) : NULL;

	*today = *t;
	if (rel != NULL || !OidIsValid(t->relid))
		return rel;
	return lineage_open(t->name, t->version, lockmode, today);
}

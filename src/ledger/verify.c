/*
 * verify.c: what energyledger.verify() does, in which order, and what it says.
 *
 * First the log: every leaf in order up to the signatures (verify_log.c).  Then rows to
 * entries, in one pass without a sort (verify_scan.c) that several processes may
 * share; only where that pass cannot settle everything is the long way gone that
 * sorts all rows and names those that do not fit (verify_walk.c).  Then whether
 * everything that is sealed is in the log, and, where asked for, the indexes.
 *
 * All reading is done with one snapshot, so writers may go on: an entry and its
 * rows become visible together.  Rows that the calling transaction wrote are not
 * covered: they have no entry before it commits.  Nothing is cached between calls, and
 * nothing is written.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "ledger/am.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/verify_parts.h"
#include "ledger/verify_progress.h"
#include "ledger/verify_redaction.h"
#include "ledger/verify_site.h"

/* ---- findings ---- */

void
verify_finding(Findings *f, const char *relation, int64 ledger_id, const char *kind,
			   const char *expected, const char *found)
{
	Datum		values[5] = {0};
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(relation);
	values[1] = Int64GetDatum(ledger_id);
	nulls[1] = ledger_id < 0;
	values[2] = CStringGetTextDatum(kind);
	if (expected != NULL)
		values[3] = CStringGetTextDatum(expected);
	nulls[3] = expected == NULL;
	if (found != NULL)
		values[4] = CStringGetTextDatum(found);
	nulls[4] = found == NULL;
	tuplestore_putvalues(f->result->setResult, f->result->setDesc, values, nulls);
	f->count++;
	/* a site row that cannot be read is one that its blocks miss */
	f->damage |= strstr(kind, "malformed") != NULL || strstr(kind, "unreadable") != NULL ||
		strcmp(kind, "site_missing") == 0;
	progress_finding();
}

char *
verify_hex(const uint8 hash[MERKLE_HASH_LEN])
{
	char	   *hex = palloc(2 * MERKLE_HASH_LEN + 1);

	hex_encode((const char *) hash, MERKLE_HASH_LEN, hex);
	hex[2 * MERKLE_HASH_LEN] = '\0';
	return hex;
}

char *
verify_number(uint64 n)
{
	return psprintf(UINT64_FORMAT, n);
}

/* Large enough that no ledger_id takes away the key's own secret. */
uint64
multiset_key(void)
{
	uint64		key;

	if (!pg_strong_random(&key, sizeof(key)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	return (UINT64CONST(1) << 60) + key % (MULTISET_PRIME - (UINT64CONST(1) << 60));
}

/* ---- the parts ---- */

static char *
verify_only(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *name = schema_relation_name(rel);

	if (!am_hashes_rows(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a ledger table", RelationGetRelationName(rel)),
				 errhint("Without an argument, energyledger.verify() checks every table that the log knows.")));
	table_close(rel, AccessShareLock);
	return name;
}

/* Run a part; what it cannot read is a finding. */
static void
verify_part(Verification *v, guarded_function part, const char *relation, const char *kind)
{
	char	   *why = NULL;

	if (!verify_guarded(part, v, &why))
		verify_finding(&v->findings, relation, -1, kind, "what can be read", why);
}

/* Which tables there are, and were. */
static void
verify_names_part(void *arg)
{
	Verification *v = arg;

	v->tables = tables_load(lineage_load(), v->selection.only_table ? verify_only(v->options->relid) : NULL);
}

/* Without the row that names this site nobody knows which log is its own. */
static void
verify_own_site_part(void *arg)
{
	((Verification *) arg)->own_site = site_current();
}

static void
verify_set_up(Verification *v)
{
	const VerifyOptions *o = v->options;
	Selection  *s = &v->selection;

	s->log_site = o->site_id != 0 ? o->site_id : v->own_site->site_id;
	s->only_site = o->site_id != 0;
	s->only_table = OidIsValid(o->relid);
	s->ids_given = o->ids_given;
	s->ids_low = o->ids_low;
	s->ids_high = o->ids_high;
	s->rows_low = PG_INT64_MIN;
	s->rows_high = PG_INT64_MAX;
	s->key = multiset_key();
	s->ordinal_key = multiset_key();
	verify_part(v, verify_names_part, "energyledger.table_schema", "names_unreadable");
	if (v->tables == NULL)
	{
		v->tables = tables_load(palloc0(sizeof(Lineage)), NULL);
		v->tables->unreadable = true;
	}
	v->keys = keys_load(s->log_site);
	if (o->site_id != 0 && !keys_any(v->keys))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this database has no log of site %d", o->site_id),
				 errdetail("energyledger.site has no row of it.")));
	if (o->deep)
		verify_deep_prepare(v);
	checkpoint_newest(v);
	checkpoint_read(v, &v->against, o->against, "against");
	checkpoint_read(v, &v->since, o->since, "since");
	if (v->since.given)
		v->start = checkpoint_start(v);
}

static void
verify_log_part(void *arg)
{
	Verification *v = arg;

	progress_phase(PROGRESS_LOG, NULL);
	progress_totals(0, v->leaves_expected - Min(v->leaves_expected, v->start != NULL ? v->start->frontier.size : 0));
	verify_log(v);
	/* where it does not reach that far, from the stored hashes */
	if (v->against.given && !v->against.compared && v->against.checkpoint.size < v->log.size)
	{
		merkle_frontier frontier;

		if (subtree_frontier(v->selection.log_site, v->against.checkpoint.size, &frontier))
			checkpoint_reached(&v->against, &frontier);
	}
	checkpoint_judge(v, &v->against);
	checkpoint_judge(v, &v->since);
}

static void
verify_redactions_part(void *arg)
{
	redaction_count_events(arg);
}

static void
verify_rows_part(void *arg)
{
	Verification *v = arg;
	bool		settled = false;
	bool		partial = v->start != NULL || v->selection.ids_given;

	progress_phase(PROGRESS_ROWS, NULL);
	tables_check(v->tables, &v->findings);
	if (partial)
		verify_plan_range(v);
	verify_part(v, verify_redactions_part, "energyledger.event", "redactions_unreadable");
	if (!v->tables->unreadable)
		settled = verify_settle_rows(v);
	if (!settled && partial && !v->tables->unreadable)
	{
		/* the places that entries name may be out of date: look everywhere */
		ereport(DEBUG1, (errmsg_internal("rows are not where entries say: reading whole tables")));
		v->low_block = NULL;
		settled = verify_settle_rows(v);
	}
	if (!settled || !v->redacted_fit)
	{
		uint64		before = v->findings.count;

		ereport(DEBUG1, (errmsg_internal("rows do not fit: sorting all to name them")));
		v->unsettled = !settled;
		progress_phase(PROGRESS_NAMING, NULL);
		verify_name_rows(v);
		/* a value that was put back and redacted anew has two events, and is none */
		v->unsettled = !settled && v->findings.count == before && !v->tables->unreadable;
	}
}

static void
verify_members_part(void *arg)
{
	verify_members(arg);
}

static void
verify_site_part(void *arg)
{
	Verification *v = arg;

	verify_site(&v->findings, v->selection.log_site, v->start != NULL ? v->start->height : 0);
}

/* ---- what is said at the end ---- */

static const char *
verify_covered(const Verification *v)
{
	StringInfoData text;

	if (v->own_site == NULL)
		return "nothing else";
	initStringInfo(&text);
	if (v->selection.only_table)
		appendStringInfo(&text, "rows of \"%s\"", get_rel_name(v->options->relid));
	else
		appendStringInfoString(&text, "rows of all tables");
	if (v->selection.only_site)
		appendStringInfo(&text, " written at site %d", v->selection.log_site);
	if (v->selection.ids_given)
		appendStringInfo(&text, " in entries that have ledger_ids from " INT64_FORMAT " to " INT64_FORMAT,
						 v->selection.ids_low, v->selection.ids_high);
	if (v->start != NULL)
		appendStringInfo(&text, ", the log and the rows since its size was " UINT64_FORMAT, v->start->frontier.size);
	else
		appendStringInfoString(&text, ", the whole log");
	if (v->options->deep)
		appendStringInfoString(&text, ", indexes");
	return text.data;
}

static void
verify_say(const Verification *v)
{
	const char *covered = verify_covered(v);

	if (v->findings.count > 0)
		ereport(NOTICE,
				(errmsg(UINT64_FORMAT " findings in a log of " UINT64_FORMAT " leaves", v->findings.count, v->log.size),
				 errdetail("Covered: %s.", covered)));
	else if (v->log.height == 0)
		ereport(NOTICE, (errmsg("intact, nothing sealed yet"), errdetail("Covered: %s.", covered)));
	else
		ereport(NOTICE,
				(errmsg("intact up to size " UINT64_FORMAT " at %s", v->log.size,
						timestamptz_to_str(v->log.sealed_at_us - log_unix_us(0))),
				 errdetail("Covered: %s.", covered)));
}

static void
verify_done(int code, Datum arg)
{
	progress_end();
}

static void
verify_run(Verification *v)
{
	verify_part(v, verify_own_site_part, "energyledger.site", "site_unreadable");
	if (v->own_site == NULL)
		return;
	verify_set_up(v);
	verify_part(v, verify_log_part, "energyledger.leaf_run", "log_unreadable");
	verify_part(v, verify_rows_part, "energyledger.entry", "entries_unreadable");
	verify_part(v, verify_members_part, "energyledger.leaf_run", "log_unreadable");
	/* this trusts the values that it reads: not where any of them was found damaged */
	if (!v->findings.damage)
		verify_part(v, verify_site_part, "energyledger.site", "site_unreadable");
	if (v->unsettled && v->findings.count == 0)
		verify_finding(&v->findings, "energyledger.entry", -1, "entries_unsettled",
					   "rows for every entry, and an entry for every row", v->unread);
	if (v->options->deep)
		verify_deep(v);
}

void
verify_ledger(ReturnSetInfo *result, const VerifyOptions *options)
{
	Verification *v = palloc0(sizeof(Verification));

	v->options = options;
	v->findings.result = result;
	SPI_connect();
	progress_begin();
	/* also where this backend is terminated meanwhile */
	PG_ENSURE_ERROR_CLEANUP(verify_done, (Datum) 0);
	{
		verify_run(v);
	}
	PG_END_ENSURE_ERROR_CLEANUP(verify_done, (Datum) 0);
	progress_end();
	/* before what was found on the way goes with SPI's memory */
	verify_say(v);
	SPI_finish();
}

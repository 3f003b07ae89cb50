/*
 * move.c: what is done with certificates: found, looked at, and put as new bundles in the
 * place of the old ones.
 *
 * The caller has locked the devices, so what is found does not change.  All of a call is
 * looked at before anything is written: it is done as a whole or refused with a reason.
 * The rows are checked once more by the trigger that checks everybody's
 * (sql/certificate.sql), which knows nothing of how they were made.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "certificate/move.h"
#include "ledger/multi_insert.h"

/* How many of the table's first columns are given, see sql/certificate.sql. */
#define MOVE_BUNDLE_COLUMNS 11

static const char event_sql[] =
"INSERT INTO energyledger.certificate_event (kind, quantity_wh, bundles, recipient, beneficiary, purpose, from_at, until_at, reason, recorded_at, meter, epoch, seq, recorded_by)"
" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), $10, $11, $12,"
" CASE WHEN $10 IS NULL THEN coalesce(nullif(current_setting('role'), 'none'), session_user) END) RETURNING ledger_id";

static const char accepted_sql[] =
"SELECT EXISTS (SELECT FROM energyledger.party p WHERE p.party = $1),"
" coalesce((SELECT a.accepted FROM energyledger.certificate_acceptance a WHERE a.holder = $1 AND a.sender = $2"
" ORDER BY a.recorded_at DESC, a.ledger_id DESC LIMIT 1), false)";

static bool
move_equal(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static int64
move_size(const MovePiece *p)
{
	return p->last_id - p->first_id + 1;
}

static void
move_refuse(MoveResult *out, const char *reason, char *detail)
{
	out->reason = reason;
	out->detail = detail;
}

/* ---- what is asked for ---- */

static bool
move_text_valid(const text *said)
{
	return said == NULL || (VARSIZE_ANY_EXHDR(said) > 0 && VARSIZE_ANY_EXHDR(said) <= MOVE_TEXT_LEN_MAX);
}

static bool
move_request_valid(const MoveRequest *r, MoveResult *out)
{
	if (r->ranges == 0)
		move_refuse(out, "bad_range", pstrdup("No certificates are named."));
	for (uint32 i = 0; i < r->ranges && out->reason == NULL; i++)
	{
		if (r->range[i].first_id < 1 || r->range[i].last_id < r->range[i].first_id)
			move_refuse(out, "bad_range", psprintf("Range %u has numbers %lld to %lld.", i + 1,
												   (long long) r->range[i].first_id, (long long) r->range[i].last_id));
	}
	if (out->reason == NULL && (r->energy_wh < 0 || r->share_ppm < 0 || r->share_ppm > 1000000))
		move_refuse(out, "bad_amount", pstrdup("An amount must be above 0, and a share 1 to 1000000 millionths."));
	if (out->reason == NULL && r->energy_wh != 0 && r->share_ppm != 0)
		move_refuse(out, "bad_amount", pstrdup("An amount and a share are both given."));
	if (out->reason == NULL && (!move_text_valid(r->beneficiary) || !move_text_valid(r->purpose)))
		move_refuse(out, "bad_text", psprintf("Beneficiary and purpose must have 1 to %d bytes.", MOVE_TEXT_LEN_MAX));
	if (out->reason == NULL && (r->has_from != r->has_until || (r->has_from && r->from_at >= r->until_at)))
		move_refuse(out, "bad_period", pstrdup("A period must have a beginning, and an end after it."));
	return out->reason == NULL;
}

/* Every number of every range was issued. */
static bool
move_all_found(const MoveRequest *r, const MovePiece *piece, uint32 count, MoveResult *out)
{
	uint32		k = 0;

	for (uint32 i = 0; i < r->ranges; i++)
	{
		int64		found = 0;

		for (; k < count && piece[k].asked == i; k++)
			found += move_size(&piece[k]);
		if (found != r->range[i].last_id - r->range[i].first_id + 1)
		{
			move_refuse(out, "unknown_certificates",
						psprintf("Of certificates %lld to %lld of device \"%s\", carrier \"%s\", %lld were issued.",
								 (long long) r->range[i].first_id, (long long) r->range[i].last_id, text_to_cstring(r->range[i].device),
								 text_to_cstring(r->range[i].carrier), (long long) found));
			return false;
		}
	}
	return true;
}

/* ---- whether it may be done ---- */

static const char *
move_piece_wrong(const MoveRequest *r, const MovePiece *p)
{
	if (r->actor != NULL && !move_equal(p->holder, r->actor))
		return "not_holder";
	/* what the registry has locked, only the registry releases */
	if (certificate_step(r->kind, p->state) == CERTIFICATE_NONE ||
		(r->kind == CERTIFICATE_RELEASE && p->state == CERTIFICATE_LOCKED && r->actor != NULL))
		return "wrong_state";
	if (r->kind == CERTIFICATE_TRANSFER && move_equal(p->holder, r->recipient))
		return "own_certificates";
	return NULL;
}

static void
move_execute(SPIPlanPtr *plan, const char *sql, int count, const Oid *types, Datum *value, const char *null, int expected)
{
	if (*plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(sql, count, (Oid *) types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		*plan = made;
	}
	if (SPI_execute_plan(*plan, value, null, false, 0) != expected || SPI_processed != 1)
		elog(ERROR, "could not execute: %s", sql);
}

static bool
move_accepted(const MoveRequest *r, text *holder, MoveResult *out)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, TEXTOID};
	Datum		value[2] = {PointerGetDatum(r->recipient), PointerGetDatum(holder)};
	bool		null;

	move_execute(&plan, accepted_sql, lengthof(types), types, value, NULL, SPI_OK_SELECT);
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null)))
		move_refuse(out, "unknown_party", psprintf("Party \"%s\" is not registered.", text_to_cstring(r->recipient)));
	else if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &null)))
		move_refuse(out, "not_accepted", psprintf("Party \"%s\" does not accept certificates from \"%s\".",
												  text_to_cstring(r->recipient), text_to_cstring(holder)));
	return out->reason == NULL;
}

static bool
move_allowed(const MoveRequest *r, const MovePiece *piece, uint32 count, MoveResult *out)
{
	for (uint32 i = 0; i < count; i++)
	{
		const MovePiece *p = &piece[i];
		const char *wrong = move_piece_wrong(r, p);

		if (wrong != NULL)
		{
			move_refuse(out, wrong, psprintf("Certificates %lld to %lld of device \"%s\" are %s, held by \"%s\".",
											 (long long) p->bundle_first_id, (long long) p->bundle_last_id, text_to_cstring(p->device),
											 certificate_state_name(p->state), text_to_cstring(p->holder)));
			return false;
		}
		/* bundles of one holder mostly stand together */
		if (r->kind == CERTIFICATE_TRANSFER && (i == 0 || !move_equal(p->holder, piece[i - 1].holder)) &&
			!move_accepted(r, p->holder, out))
			return false;
	}
	return true;
}

/* ---- how much of it ---- */

static uint32
move_take_energy(const MoveRequest *r, MovePiece *piece, uint32 count, MoveResult *out)
{
	int64		left = r->energy_wh;
	uint32		k;

	for (k = 0; k < count && left > 0; k++)
	{
		if (move_size(&piece[k]) > left)
			piece[k].last_id = piece[k].first_id + left - 1;
		left -= move_size(&piece[k]);
	}
	if (left > 0)
		move_refuse(out, "bad_amount", psprintf("%lld Wh are asked for, of %lld Wh.", (long long) r->energy_wh, (long long) (r->energy_wh - left)));
	return k;
}

static uint32
move_take_share(const MoveRequest *r, MovePiece *piece, uint32 count, MoveResult *out)
{
	uint32		kept = 0;

	for (uint32 i = 0; i < count; i++)
	{
		int64		size = (int64) ((int128) move_size(&piece[i]) * r->share_ppm / 1000000);

		if (size == 0)
			continue;
		piece[kept] = piece[i];
		piece[kept].last_id = piece[kept].first_id + size - 1;
		kept++;
	}
	if (kept == 0)
		move_refuse(out, "bad_amount", psprintf("%d millionths of each bundle are less than 1 Wh.", r->share_ppm));
	return kept;
}

/* ---- writing it ---- */

static int
move_compare(const void *a, const void *b)
{
	const MovePiece *x = a;
	const MovePiece *y = b;

	if (x->bundle_id != y->bundle_id)
		return x->bundle_id < y->bundle_id ? -1 : 1;
	return x->first_id < y->first_id ? -1 : x->first_id > y->first_id;
}

/* Sorted by bundle and number; no number twice. */
static bool
move_sort(MovePiece *piece, uint32 count, MoveResult *out)
{
	qsort(piece, count, sizeof(MovePiece), move_compare);
	for (uint32 i = 1; i < count; i++)
	{
		if (piece[i].bundle_id == piece[i - 1].bundle_id && piece[i].first_id <= piece[i - 1].last_id)
		{
			move_refuse(out, "bad_range", psprintf("Certificate %lld of device \"%s\" is named twice.",
												   (long long) piece[i].first_id, text_to_cstring(piece[i].device)));
			return false;
		}
	}
	return true;
}

static bool
move_total(const MovePiece *piece, uint32 count, MoveResult *out)
{
	out->quantity_wh = 0;
	for (uint32 i = 0; i < count; i++)
	{
		if (pg_add_s64_overflow(out->quantity_wh, move_size(&piece[i]), &out->quantity_wh))
		{
			move_refuse(out, "bad_amount", pstrdup("Together they are more than 2^63 - 1 Wh."));
			return false;
		}
	}
	return true;
}

static void
move_text_argument(Datum *value, char *null, int k, text *given)
{
	value[k] = PointerGetDatum(given);
	null[k] = given == NULL ? 'n' : ' ';
}

static void
move_write_event(const MoveRequest *r, uint32 bundles, MoveResult *out)
{
	static SPIPlanPtr plan = NULL;
	static const Oid types[] = {TEXTOID, INT8OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT8OID, INT8OID};
	Datum		value[lengthof(types)];
	char		null[lengthof(types)];
	bool		is_null;

	memset(null, ' ', sizeof(null));
	value[0] = CStringGetTextDatum(certificate_kind_name(r->kind));
	value[1] = Int64GetDatum(out->quantity_wh);
	value[2] = Int32GetDatum((int32) bundles);
	move_text_argument(value, null, 3, r->recipient);
	move_text_argument(value, null, 4, r->beneficiary);
	move_text_argument(value, null, 5, r->purpose);
	value[6] = TimestampTzGetDatum(r->from_at);
	value[7] = TimestampTzGetDatum(r->until_at);
	null[6] = null[7] = r->has_from ? ' ' : 'n';
	move_text_argument(value, null, 8, r->reason);
	move_text_argument(value, null, 9, r->meter);
	value[10] = Int64GetDatum(r->epoch);
	value[11] = Int64GetDatum(r->seq);
	null[10] = null[11] = r->meter != NULL ? ' ' : 'n';
	move_execute(&plan, event_sql, lengthof(types), types, value, null, SPI_OK_INSERT_RETURNING);
	out->event_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

static void
move_write_bundle(MultiInsert *w, const MovePiece *p, int64 first_id, int64 last_id, text *holder, certificate_state state, int64 event_id)
{
	bool	   *null;
	Datum	   *value;
	MemoryContext old;

	if (first_id > last_id)
		return;
	value = multi_insert_row(w, &null);
	old = MemoryContextSwitchTo(multi_insert_memory(w));
	value[0] = PointerGetDatum(p->device);
	value[1] = PointerGetDatum(p->carrier);
	value[2] = TimestampTzGetDatum(p->from_at);
	value[3] = TimestampTzGetDatum(p->to_at);
	value[4] = Int64GetDatum(first_id);
	value[5] = Int64GetDatum(last_id);
	value[6] = PointerGetDatum(holder);
	value[7] = CStringGetTextDatum(certificate_state_name(state));
	value[8] = Int64GetDatum(p->issue_id);
	value[9] = Int64GetDatum(p->bundle_id);
	value[10] = Int64GetDatum(event_id);
	MemoryContextSwitchTo(old);
}

/* What is taken of a bundle, and what is left of it before, between and after. */
static void
move_write_bundles(const MoveRequest *r, const MovePiece *piece, uint32 count, int64 event_id)
{
	MultiInsert *w = multi_insert_begin("certificate_bundle", MOVE_BUNDLE_COLUMNS);

	for (uint32 i = 0; i < count; i++)
	{
		const MovePiece *p = &piece[i];
		bool		first = i == 0 || piece[i - 1].bundle_id != p->bundle_id;
		bool		last = i + 1 == count || piece[i + 1].bundle_id != p->bundle_id;

		CHECK_FOR_INTERRUPTS();
		move_write_bundle(w, p, first ? p->bundle_first_id : piece[i - 1].last_id + 1, p->first_id - 1, p->holder, p->state, event_id);
		move_write_bundle(w, p, p->first_id, p->last_id, r->kind == CERTIFICATE_TRANSFER ? r->recipient : p->holder,
						  certificate_step(r->kind, p->state), event_id);
		if (last)
			move_write_bundle(w, p, p->last_id + 1, p->bundle_last_id, p->holder, p->state, event_id);
	}
	multi_insert_end(w);
}

void
move_certificates(const MoveRequest *r, MoveResult *out)
{
	MovePiece  *piece;
	uint32		count;

	memset(out, 0, sizeof(*out));
	if (!move_request_valid(r, out))
		return;
	piece = move_pieces(r->range, r->ranges, &count);
	if (!move_all_found(r, piece, count, out) || !move_allowed(r, piece, count, out))
		return;
	if (r->energy_wh != 0)
		count = move_take_energy(r, piece, count, out);
	else if (r->share_ppm != 0)
		count = move_take_share(r, piece, count, out);
	if (out->reason != NULL || !move_sort(piece, count, out) || !move_total(piece, count, out))
		return;
	move_write_event(r, count, out);
	move_write_bundles(r, piece, count, out->event_id);
}

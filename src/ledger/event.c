/*
 * event.c: the one way in which events get into the log.
 *
 * An event says what happened to a ledger table (renamed, retired, converted) or
 * to the log itself (incarnation, key, redaction).  It is a row of
 * energyledger.event, written in the transaction that did it, so that it comes and
 * goes with it, and a leaf of the log from the next block on.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "core/encode.h"
#include "ledger/event.h"
#include "ledger/ids.h"
#include "ledger/log.h"
#include "ledger/site.h"
#include "ledger/write.h"

uint64
event_reserve_id(void)
{
	/* the xid before the id: the sealer finds what is new by that (seal.c) */
	(void) GetTopFullTransactionId();
	return ids_reserve(1);
}

void
event_record_as(uint64 event_id, int kind, int count, const char *const *names, const char *const *values)
{
	const Site *site = site_current();
	encode_event e;

	if (!ENCODE_IS_EVENT(kind) || count < 0 || count > PG_UINT16_MAX)
		elog(ERROR, "event of kind %d with %d fields cannot be recorded", kind, count);
	e.kind = (uint8) kind;
	e.event_id = event_id;
	e.field_count = (uint16) count;
	e.name = names;
	e.value = values;
	e.time_us = log_unix_us(GetCurrentTimestamp());
	e.role = GetUserNameFromId(GetUserId(), false);
	log_check_leaf_size("event", encode_event_size(&e));
	log_insert_event(&e, site->site_id, site->incarnation,
					 U64FromFullTransactionId(GetTopFullTransactionId()));
	write_tell_sealer();
}

uint64
event_record(int kind, int count, const char *const *names, const char *const *values)
{
	uint64		event_id = event_reserve_id();

	event_record_as(event_id, kind, count, names, values);
	return event_id;
}

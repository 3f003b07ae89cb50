/*
 * receipt.c: cumulative receipts for meters, as C2SP signed notes.
 *
 * A meter drops a message when it holds a receipt for it, so a receipt speaks
 * only of what is committed and on disk.  Three things see to that: it reads
 * with a snapshot of its own; it refuses to run in a transaction that has written,
 * whose rows might still roll back; and it flushes the WAL before it signs,
 * because with synchronous_commit off a commit is visible before it is durable.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/base64.h"
#include "core/payload_ocmf.h"
#include "ledger/site.h"
#include "metering/receipt.h"
#include "metering/unix_time.h"

/*
 * The end of what has been inserted into the WAL.  On a page boundary
 * PostgreSQL reports the place after the next page's header, which nothing has
 * written yet and which cannot be flushed.
 */
static XLogRecPtr
receipt_wal_end(void)
{
	XLogRecPtr	end = GetXLogInsertRecPtr();

	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		return end - SizeOfXLogLongPHD;
	if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return end - SizeOfXLogShortPHD;
	return end;
}

Snapshot
receipt_snapshot(const char *what)
{
	Snapshot	snapshot;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot give %s during recovery", what),
				 errhint("Ask the primary server.")));
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("cannot give %s in a transaction that has written", what),
				 errdetail("Only what is committed may leave."),
				 errhint("COMMIT first, then ask.")));
	/* in this order: what the snapshot shows was in the WAL before its end was asked for */
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	XLogFlush(receipt_wal_end());
	return snapshot;
}

int
receipt_reach(const Lookup *l, const char *meter, StoredMessage reach[RECEIPT_SEQUENCES_MAX])
{
	StoredMessage newest;
	int			count = 0;

	if (!lookup_reach(l, meter, -1, &newest))
		return 0;
	/* these two are no epochs that follow each other: both counters run on */
	if (newest.ocmf && newest.epoch == OCMF_EPOCH_FISCAL &&
		lookup_reach(l, meter, OCMF_EPOCH_TRANSACTION, &reach[0]) && reach[0].ocmf)
		count++;
	reach[count++] = newest;
	return count;
}

char *
receipt_sign(const char *meter, const StoredMessage *reach)
{
	char		digest[BASE64_LEN(SHA256_LEN) + 1];
	size_t		len = base64_encode(reach->digest, SHA256_LEN, digest, sizeof(digest));
	int64		now_ms = unix_ms_of_timestamp(GetCurrentTimestamp());
	char	   *text;

	text = psprintf("energyledger/receipt/v1\n%s\n%s\n%lld %lld\n%.*s\n%lld\n",
					site_origin(), meter, (long long) reach->epoch, (long long) reach->seq,
					(int) len, digest, (long long) now_ms);
	return site_sign_note(text, strlen(text));
}

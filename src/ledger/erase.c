/*
 * erase.c: what was redacted leaves the table's files.
 *
 * Heap's VACUUM removes the old version of a redacted row, but it only moves the
 * page's other rows together: the bytes stay in the free space between, for
 * whoever reads the file.  So after VACUUM, what is not in use on a page is zeroed
 * (free space, and the few bytes between rows that alignment leaves), with a full
 * image of the page in WAL, which does the same on standbys.  TOAST
 * tables are vacuumed here as well, as they are heap and nobody would zero theirs.
 *
 * Every page is looked at, because a page may have been pruned long before, by a
 * query or by autovacuum: that is a scan of table and TOAST, so it is done by a
 * VACUUM that somebody asked for, not by autovacuum, and only once the log has a
 * redaction at all.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "postmaster/autovacuum.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "core/encode.h"
#include "ledger/erase.h"
#include "ledger/log.h"
#include "ledger/redactable.h"

#define EVENT_ATTR_KIND 3

/* Was anything ever redacted in this database? */
static bool
erase_is_needed(void)
{
	Relation	rel = table_open(log_relation_oid("event"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key, EVENT_ATTR_KIND, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(ENCODE_KIND_REDACTION));
	scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The page with nothing on it but what is in use: header, line pointers, rows.
 * False where there is nothing to clean: it never was used, or is damaged.
 */
static bool
erase_image(Page page, char image[BLCKSZ])
{
	PageHeader	header = (PageHeader) page;
	OffsetNumber last;

	if (PageIsNew(page) || header->pd_lower < SizeOfPageHeaderData || header->pd_lower > BLCKSZ)
		return false;
	memset(image, 0, BLCKSZ);
	memcpy(image, page, header->pd_lower);
	last = PageGetMaxOffsetNumber(page);
	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);

		if (!ItemIdHasStorage(item))
			continue;
		if (ItemIdGetOffset(item) + ItemIdGetLength(item) > BLCKSZ)
			return false;
		memcpy(image + ItemIdGetOffset(item), (char *) page + ItemIdGetOffset(item), ItemIdGetLength(item));
	}
	return true;
}

static bool
erase_is_clean(Page page)
{
	char		image[BLCKSZ];

	return !erase_image(page, image) || memcmp(page, image, BLCKSZ) == 0;
}

/*
 * Under an exclusive lock nobody adds to the page.  Who has it pinned may be
 * reading rows, which is why only bytes that differ are written: none of a row.
 */
static void
erase_page(Relation rel, Buffer buffer)
{
	char		image[BLCKSZ];
	char	   *page = (char *) BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (erase_image(page, image) && memcmp(page, image, BLCKSZ) != 0)
	{
		START_CRIT_SECTION();
		for (int i = 0; i < BLCKSZ; i++)
			if (page[i] != image[i])
				page[i] = image[i];
		MarkBufferDirty(buffer);
		if (RelationNeedsWAL(rel))
			log_newpage_buffer(buffer, true);
		END_CRIT_SECTION();
	}
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

static void
erase_relation(Relation rel, BufferAccessStrategy strategy)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);

	for (BlockNumber block = 0; block < blocks; block++)
	{
		Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		bool		clean;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		clean = erase_is_clean(BufferGetPage(buffer));
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		if (!clean)
			erase_page(rel, buffer);
		ReleaseBuffer(buffer);
	}
}

void
erase_vacuum(Relation rel, struct VacuumParams *params, BufferAccessStrategy strategy)
{
	const TableAmRoutine *heap = GetHeapamTableAmRoutine();
	Oid			toast_relid = rel->rd_rel->reltoastrelid;
	Relation	toast;

	heap->relation_vacuum(rel, params, strategy);
	if (AmAutoVacuumWorkerProcess() || !redactable_in(RelationGetDescr(rel)) || !erase_is_needed())
		return;
	erase_relation(rel, strategy);
	if (!OidIsValid(toast_relid) || (params->options & VACOPT_PROCESS_TOAST) == 0)
		return;
	toast = table_open(toast_relid, ShareUpdateExclusiveLock);
	heap->relation_vacuum(toast, params, strategy);
	erase_relation(toast, strategy);
	table_close(toast, ShareUpdateExclusiveLock);
}

/* ---- is it done? ---- */

/*
 * A version that is not current: deleted or replaced by a transaction that has
 * committed (or may yet), or written by one that did not.
 */
static bool
erase_is_old_version(HeapTupleHeader header)
{
	if (HeapTupleHeaderXminInvalid(header))
		return true;
	if (!HeapTupleHeaderXminCommitted(header) &&
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(header)) &&
		!TransactionIdDidCommit(HeapTupleHeaderGetRawXmin(header)))
		return true;
	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		!TransactionIdDidAbort(HeapTupleHeaderGetUpdateXid(header));
}

static bool
erase_page_is_pending(Page page)
{
	OffsetNumber last = PageIsNew(page) ? InvalidOffsetNumber : PageGetMaxOffsetNumber(page);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		ItemId		item = PageGetItemId(page, i);

		if (ItemIdIsNormal(item) && erase_is_old_version((HeapTupleHeader) PageGetItem(page, item)))
			return true;
	}
	return !erase_is_clean(page);
}

static int64
erase_count_pages(Relation rel)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);
	int64		count = 0;

	for (BlockNumber block = 0; block < blocks; block++)
	{
		Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		count += erase_page_is_pending(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
	}
	FreeAccessStrategy(strategy);
	return count;
}

int64
erase_pending_pages(Relation rel)
{
	int64		count = erase_count_pages(rel);

	if (OidIsValid(rel->rd_rel->reltoastrelid))
	{
		Relation	toast = table_open(rel->rd_rel->reltoastrelid, AccessShareLock);

		count += erase_count_pages(toast);
		table_close(toast, AccessShareLock);
	}
	return count;
}

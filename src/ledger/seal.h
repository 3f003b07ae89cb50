/*
 * seal.h: making blocks.
 */
#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H

/*
 * Transactions with an xid from `xid` on have ledger_ids from `id` on, because
 * writers have their xid before they reserve ids.
 */
typedef struct SealFloor
{
	uint64		id;
	uint64		xid;
} SealFloor;

extern SealFloor seal_floor(void);

/*
 * Seal what is committed and not in a block.  Runs in the sealer, in a
 * transaction of its own at REPEATABLE READ; the caller took the floor, then
 * the snapshot, and commits.  Returns the newest height, 0 where there is none.
 */
extern uint64 seal_block(SealFloor floor);

#endif							/* LEDGER_SEAL_H */

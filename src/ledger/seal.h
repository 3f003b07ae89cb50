/*
 * seal.h: making blocks.
 */
#ifndef LEDGER_SEAL_H
#define LEDGER_SEAL_H

/*
 * Seal what is committed and not in a block.  Runs in the sealer, in a
 * transaction of its own at REPEATABLE READ with a fresh snapshot; the caller
 * commits.  Returns the newest height, 0 where there is none.
 */
extern uint64 seal_block(void);

#endif							/* LEDGER_SEAL_H */

/*
 * sealer.h: the launcher and the sealers, as the rest of the server uses them.
 */
#ifndef WORKER_SEALER_H
#define WORKER_SEALER_H

/*
 * Keep the sealer out of a database while a statement needs it unconnected.
 * Release with what hold returned; dropped: the database is no more.
 */
extern int	sealer_hold(Oid database);
extern void sealer_release(int hold, bool dropped);

extern void launcher_register(void);	/* _PG_init only */

#endif							/* WORKER_SEALER_H */

/*
 * guc.h: the settings, declared once.  Who reads which is said beside it.
 */
#ifndef ENERGYLEDGER_GUC_H
#define ENERGYLEDGER_GUC_H

extern int	seal_interval_ms;	/* sealer: 0 = seal only when asked */
extern int	databases_max;		/* shared memory: databases that can have a ledger */
extern char *signing_key_file;	/* site key: "" = in the data directory */
extern char *operator_key_file; /* the same for the keys that sign commands */
extern int	verify_rate_limit_kb;	/* verify: kB of tables read in a second; 0 = no limit */
extern int	market_interval_ms; /* 0: only when asked */
extern int	certificate_interval_s; /* 0: only when asked */
extern bool restore_mode;		/* write path: ids and log rows as supplied */

extern void guc_define(void);

#endif							/* ENERGYLEDGER_GUC_H */

/*
 * verify_log.h: between verify.c and verify_log.c.
 */
#ifndef LEDGER_VERIFY_LOG_H
#define LEDGER_VERIFY_LOG_H

#include "nodes/execnodes.h"

#include "core/merkle.h"

/* Where findings go. */
typedef struct Findings
{
	ReturnSetInfo *result;
	uint64		count;
} Findings;

/* One finding.  ledger_id < 0: none can be named.  expected, found: may be NULL. */
extern void verify_finding(Findings *f, const char *relation, int64 ledger_id, const char *kind,
						   const char *expected, const char *found);
extern char *verify_hex(const uint8 hash[MERKLE_HASH_LEN]);

/* The log as it was found. */
typedef struct VerifiedLog
{
	uint64		size;			/* leaves, to the end of the newest block */
	uint64		height;			/* of the newest block; 0: none */
	int64		sealed_at_us;
} VerifiedLog;

/* Leaves, block chain, roots, signatures; SPI is connected. */
extern void verify_log(Findings *f, int site_id, VerifiedLog *log);

#endif							/* LEDGER_VERIFY_LOG_H */

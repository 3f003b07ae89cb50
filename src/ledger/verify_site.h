/*
 * verify_site.h: between verify.c and verify_site.c.
 */
#ifndef LEDGER_VERIFY_SITE_H
#define LEDGER_VERIFY_SITE_H

#include "ledger/verify_parts.h"

/* from_height: the block that a trusted checkpoint covers; 0: all blocks. */
extern void verify_site(Findings *f, int site_id, uint64 from_height);

#endif							/* LEDGER_VERIFY_SITE_H */

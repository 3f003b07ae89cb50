/*
 * verify_site.h: between verify.c and verify_site.c.
 */
#ifndef LEDGER_VERIFY_SITE_H
#define LEDGER_VERIFY_SITE_H

#include "ledger/verify_parts.h"

extern void verify_site(Findings *f, int site_id);

#endif							/* LEDGER_VERIFY_SITE_H */

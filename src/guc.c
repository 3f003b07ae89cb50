/*
 * guc.c: defines the energyledger.* settings.
 *
 * There are few on purpose: a ledger that can be configured into not being one
 * would prove nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "guc.h"

int			seal_interval_ms = 1000;
int			databases_max = 64;
char	   *signing_key_file = NULL;
char	   *operator_key_file = NULL;
bool		restore_mode = false;
int			verify_rate_limit_kb = 0;
int			market_interval_ms = 1000;
int			certificate_interval_s = 900;

void
guc_define(void)
{
	DefineCustomIntVariable("energyledger.seal_interval",
							"Time between two blocks while there is something to seal.",
							"0 seals only when energyledger.seal() is called.",
							&seal_interval_ms, 1000, 0, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("energyledger.max_databases",
							"Number of databases in this cluster that can have a ledger.",
							NULL,
							&databases_max, 64, 1, 10000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("energyledger.signing_key_file",
							   "File that holds the site's Ed25519 signing key.",
							   "Empty: energyledger_site.key in the data directory, made on first start.",
							   &signing_key_file, "",
							   PGC_POSTMASTER, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable("energyledger.operator_key_file",
							   "File that holds the operator's Ed25519 keys, which sign commands to meters.",
							   "Empty: energyledger_operator.key in the data directory, made with the first key.",
							   &operator_key_file, "",
							   PGC_POSTMASTER, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomBoolVariable("energyledger.restore_mode",
							 "Take ledger_id and log rows as supplied, make no entries: for pg_restore only.",
							 NULL,
							 &restore_mode, IsBinaryUpgrade,	/* pg_upgrade restores a schema */
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("energyledger.verify_rate_limit",
							"How much energyledger.verify() reads of tables in a second, by all its processes.",
							"0 sets no limit.",
							&verify_rate_limit_kb, 0, 0, INT_MAX / 1024,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("energyledger.market_interval",
							"Time between two looks whether a market's slot is to be cleared.",
							"0 clears only when energyledger.clear() or run_market() is called.",
							&market_interval_ms, 1000, 0, 3600 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("energyledger.certificate_interval",
							"Time between two looks whether certificates are to be issued for devices that opted in.",
							"0 issues only when energyledger.issue_certificates() or run_certificates() is called.",
							&certificate_interval_s, 900, 0, 7 * 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("energyledger");
}

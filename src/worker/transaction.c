/*
 * transaction.c: how the background workers begin a transaction: the sealer and the market
 * runner, which run statements without a client whose settings they could rely on.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "utils/guc.h"

#include "worker/transaction.h"

void
transaction_set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

void
transaction_begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	transaction_set("search_path", "pg_catalog, pg_temp");
}

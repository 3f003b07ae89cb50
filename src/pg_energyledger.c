/*
 * pg_energyledger.c: the library's door: what is set up when the server loads it.
 *
 * Loaded by shared_preload_libraries it defines the settings, asks for shared
 * memory, installs the hooks and registers the launcher.  Loaded any other way it
 * does nothing but define functions; the access method's handler and CREATE
 * EXTENSION then say what is missing.
 */
#include "postgres.h"
#include "compat.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "core/ed25519.h"
#include "guc.h"
#include "ledger/am.h"
#include "ledger/guard.h"
#include "ledger/index_build.h"
#include "ledger/redactable_copies.h"
#include "ledger/schema.h"
#include "ledger/write.h"
#include "metering/key_cache.h"
#include "worker/sealer.h"
#include "worker/shared.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	if (!core_crypto_init())
		ereport(FATAL, (errmsg("libsodium could not be initialised")));
	am_init();
	if (!process_shared_preload_libraries_in_progress)
		return;
	guc_define();
	shared_init_hooks();
	schema_init();
	write_init();
	index_build_init();
	guard_init();
	redactable_copies_init();
	key_cache_init();
	if (!IsBinaryUpgrade)
		launcher_register();
}

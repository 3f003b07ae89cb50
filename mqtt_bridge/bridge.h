/*
 * bridge.h: the process: its shards, and what its operator asks of it.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "config.h"

/* Exit statuses; --help lists them. */
#define BRIDGE_EXIT_DRAINED 0
#define BRIDGE_EXIT_USAGE 1		/* options or configuration */
#define BRIDGE_EXIT_NOT_INSTALLED 2 /* database reached, extension not there */
#define BRIDGE_EXIT_RESOURCES 3 /* no memory, no file descriptors */
#define BRIDGE_EXIT_UNREADABLE 4	/* --replay: not every line was a message */

/* Reads the settings anew, from where they came; false, with a sentence. */
typedef bool (*bridge_reload_fn) (config *into, char *error);

/* Runs until SIGTERM or SIGINT; returns the exit status. */
extern int	bridge_run(const config *cfg, bool dry_run, bridge_reload_fn reload);

#endif							/* BRIDGE_BRIDGE_H */

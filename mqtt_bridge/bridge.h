/*
 * bridge.h: the bridge at work.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "config.h"

/* Exit statuses; --help lists them. */
#define BRIDGE_EXIT_DRAINED 0
#define BRIDGE_EXIT_USAGE 1		/* options or configuration */
#define BRIDGE_EXIT_NOT_INSTALLED 2 /* database reached, extension not there */
#define BRIDGE_EXIT_RESOURCES 3 /* no memory, no file descriptors */

/* Runs until SIGTERM or SIGINT; returns the exit status. */
extern int	bridge_run(const config *cfg);

#endif							/* BRIDGE_BRIDGE_H */

/*
 * replay.h: messages from a file instead of a broker.
 */
#ifndef BRIDGE_REPLAY_H
#define BRIDGE_REPLAY_H

#include "config.h"

/*
 * path "-": standard input.  Each line: topic, a tab, the message in hex; lines that
 * are empty or begin with # are skipped.  Returns the exit status.
 */
extern int	replay_run(const config *cfg, const char *path, bool dry_run);

#endif							/* BRIDGE_REPLAY_H */

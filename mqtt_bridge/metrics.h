/*
 * metrics.h: the shards' counters as Prometheus text.
 */
#ifndef BRIDGE_METRICS_H
#define BRIDGE_METRICS_H

#include <stddef.h>

#include "shard.h"

#define METRICS_HEAD_BYTES_MAX 8192 /* HELP and TYPE lines */
#define METRICS_SHARD_BYTES_MAX 24576	/* one shard's samples: 20 + 14 + 65 lines of
										 * at most 220 bytes */

/* Bytes written; what does not fit is cut at a line's end. */
extern size_t metrics_write(shard *const *each, int count, char *out, size_t cap);

#endif							/* BRIDGE_METRICS_H */

/*
 * tlog_proof.h: c2sp.org/tlog-proof texts: an index, an inclusion path, a checkpoint.
 */
#ifndef CORE_TLOG_PROOF_H
#define CORE_TLOG_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/merkle.h"

#define TLOG_PROOF_PATH_MAX 63	/* hashes: sizes are below 2^63 */
#define TLOG_PROOF_LINE_MAX 65536	/* longest line above the checkpoint */

typedef struct tlog_proof
{
	uint64_t	index;
	uint8_t		path[TLOG_PROOF_PATH_MAX][MERKLE_HASH_LEN];
	size_t		path_count;
	const char *note;			/* the checkpoint: the rest of the text */
	size_t		note_len;
} tlog_proof;

/* False where the text is not one.  The checkpoint is not looked at. */
extern bool tlog_proof_parse(tlog_proof *p, const char *text, size_t len);

/* Decimal without sign or leading zero, below 2^63. */
extern bool tlog_number_parse(const char *text, size_t len, uint64_t *value);

#endif							/* CORE_TLOG_PROOF_H */

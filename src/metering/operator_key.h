/*
 * operator_key.h: the key that signs commands to meters.
 */
#ifndef METERING_OPERATOR_KEY_H
#define METERING_OPERATOR_KEY_H

#include "core/note.h"
#include "utils/timestamp.h"

#define OPERATOR_KEY_OVERLAP_DAYS_MAX 366

/*
 * Makes or replaces it; *key is the new one.  overlap_us: so long the old one signs
 * beside it; negative: not at all.
 */
extern void operator_key_rotate(int64 overlap_us, bool fresh, note_key *key);

/*
 * A signed note over text, palloc'd, by the newest key and, as long as it shall, the one
 * before.  *key_number is the newest's.
 */
extern char *operator_key_sign(const char *text, size_t len, int *key_number);

#endif							/* METERING_OPERATOR_KEY_H */

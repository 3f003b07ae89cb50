/*
 * describe.h: a signed message in words, for people who debug.
 */
#ifndef METERING_DESCRIBE_H
#define METERING_DESCRIBE_H

#include "lib/stringinfo.h"

/* JSON text: envelope, algorithm, fields, and the reason where it is refused.  No signature check. */
extern void describe_message(StringInfo out, const uint8 *message, size_t len);

#endif							/* METERING_DESCRIBE_H */

/*
 * unix_time.h: the meters' ms since 1970 UTC, and PostgreSQL's time.
 */
#ifndef METERING_UNIX_TIME_H
#define METERING_UNIX_TIME_H

#include "utils/timestamp.h"

#define UNIX_TIME_OFFSET_MS ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400000))

/* ms is within payload.h's limits. */
static inline TimestampTz
unix_ms_to_timestamp(int64 ms)
{
	return (ms - UNIX_TIME_OFFSET_MS) * 1000;
}

static inline int64
unix_ms_of_timestamp(TimestampTz t)
{
	return t / 1000 + UNIX_TIME_OFFSET_MS;
}

#endif							/* METERING_UNIX_TIME_H */

/*
 * ocmf_time.h: OCMF's TM: local time with its offset from UTC and the clock's status.
 */
#ifndef CORE_OCMF_TIME_H
#define CORE_OCMF_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "core/refusal.h"

/*
 * 2018-07-24T13:22:04,000+0200 S, exactly: ms since 1970 UTC and one of S, I, R, U.
 * Refused are days that no calendar has, second 60, offsets beyond 14 hours and
 * times before 1970.
 */
extern refusal ocmf_time_parse(const char *text, size_t len, int64_t *ms, char *clock_status);

#endif							/* CORE_OCMF_TIME_H */

/*
 * payload_ack.h: the body of a message of type ack: what became of a command.
 *
 *	[id, counter, result, detail, at]
 *
 * id and counter are the command's, result is one of a list, detail up to
 * ACK_DETAIL_LEN_MAX bytes without control characters, at the meter's clock in ms since
 * 1970 when it was decided.
 */
#ifndef CORE_PAYLOAD_ACK_H
#define CORE_PAYLOAD_ACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/command.h"

#define ACK_DETAIL_LEN_MAX 200

typedef enum ack_result
{
	ACK_DONE = 1,				/* carried out */
	ACK_SCHEDULED,				/* taken; its not-before lies ahead.  Another ack follows */
	ACK_EXPIRED,				/* came, or its time came, too late */
	ACK_SUPERSEDED,				/* was waiting when a newer one took its place */
	ACK_CANCELLED,				/* was waiting when it was cancelled */
	ACK_OLD_COUNTER,			/* its counter is not above the last one taken */
	ACK_MALFORMED,				/* signed, and no command of the list */
	ACK_UNSUPPORTED,			/* this meter has no such relay, display, ... */
	ACK_FAILED					/* tried, and it did not work */
} ack_result;

typedef struct payload_ack
{
	char		id[COMMAND_ID_LEN + 1];
	int64_t		counter;
	ack_result	result;
	char		detail[ACK_DETAIL_LEN_MAX + 1];
	int64_t		at_ms;
} payload_ack;

extern const char *ack_result_name(ack_result r);

#endif							/* CORE_PAYLOAD_ACK_H */

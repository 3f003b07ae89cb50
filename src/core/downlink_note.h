/*
 * downlink_note.h: the texts of the signed notes that tell a meter to do something:
 * commands, and requests to send messages again.  Signing and checking is note.h's.
 */
#ifndef CORE_DOWNLINK_NOTE_H
#define CORE_DOWNLINK_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/command.h"
#include "core/note.h"
#include "core/payload.h"

#define OPERATOR_KEY_SUFFIX "/operator"	/* its name: the log's origin and this */
#define RESEND_RANGES_MAX 16	/* in one request */
#define DOWNLINK_TEXT_MAX 2048	/* bytes of a note's text */

/*
 *	energyledger/command/v1
 *	<origin of the log>
 *	<meter>
 *	<id>
 *	<counter>
 *	<not before, ms since 1970>
 *	<expires at, ms since 1970>
 *	<command, canonical JSON>
 */
typedef struct command_note
{
	char		origin[NOTE_NAME_LEN_MAX + 1];
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	char		id[COMMAND_ID_LEN + 1];
	int64_t		counter;		/* 1, 2, 3 ... for each meter */
	int64_t		not_before_ms;
	int64_t		expires_ms;		/* later than not_before_ms */
	char		command[COMMAND_BYTES_MAX + 1];
} command_note;

/* Length (no NUL), 0: no room. */
extern size_t command_note_format(const command_note *n, char *out, size_t cap);

/* The lines alone: whether the command is one is command_parse_canonical's to say. */
extern bool command_note_parse(const char *text, size_t len, command_note *out);

typedef struct resend_range
{
	uint32_t	epoch;
	int64_t		from_seq;
	int64_t		to_seq;
} resend_range;

/*
 *	energyledger/resend/v1
 *	<origin of the log>
 *	<meter>
 *	<ms since 1970 when it was signed>
 *	<epoch> <first seq> <last seq>		1 to RESEND_RANGES_MAX lines
 */
typedef struct resend_note
{
	char		origin[NOTE_NAME_LEN_MAX + 1];
	char		meter[PAYLOAD_METER_LEN_MAX + 1];
	int64_t		asked_ms;
	int			range_count;
	resend_range range[RESEND_RANGES_MAX];
} resend_note;

extern size_t resend_note_format(const resend_note *n, char *out, size_t cap);
extern bool resend_note_parse(const char *text, size_t len, resend_note *out);

#endif							/* CORE_DOWNLINK_NOTE_H */

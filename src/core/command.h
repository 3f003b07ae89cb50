/*
 * command.h: what a meter can be told to do, as a C struct: read from JSON and
 * written in the one spelling that is signed.
 *
 *   {"type":"relay","relay":1,"on":false}
 *   {"type":"limit","direction":"import","power_w":3000}
 *   {"type":"limit","direction":"import","power_w":3000,"duration_s":3600}
 *   {"type":"limit","direction":"export","power_w":0,"until":1751328000000}
 *   {"type":"limit_end","direction":"import"}
 *   {"type":"credit","total_wh":500000,"cutoff":true}
 *   {"type":"credit_end"}
 *   {"type":"text","text":"No supply on Sunday from 9 to 12"}
 *   {"type":"cancel","id":"6f1d2a0e-8a55-4c65-9b0e-3f4a8f0b9d11"}
 *
 * Canonical: these members in this order, no space between tokens, whole numbers
 * without sign or leading zero, texts of UTF-8 in which only " and \ are escaped, each
 * by a backslash.  So one command has one text, and whoever signs or checks it agrees
 * with everybody else about what was said.
 */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_RELAYS_MAX 16	/* numbered from 1; 1 is the main switch */
#define COMMAND_POWER_W_MAX INT64_C(1000000000)
#define COMMAND_DURATION_S_MAX INT64_C(31622400)	/* 366 days */
#define COMMAND_CREDIT_WH_MAX INT64_C(1000000000000)
#define COMMAND_TEXT_LEN_MAX 160	/* bytes */
#define COMMAND_ID_LEN 36		/* a UUID in its written form, lower case */
#define COMMAND_BYTES_MAX 400	/* of the canonical text */
#define COMMAND_THING_LEN_MAX 47	/* "cancel:" and an id is the longest */

typedef enum command_type
{
	COMMAND_RELAY = 1, COMMAND_LIMIT, COMMAND_LIMIT_END, COMMAND_CREDIT, COMMAND_CREDIT_END,
	COMMAND_TEXT, COMMAND_CANCEL
} command_type;

typedef struct command
{
	command_type type;
	int			relay;			/* relay: 1 to COMMAND_RELAYS_MAX */
	bool		on;
	bool		is_export;		/* limit, limit_end: else import */
	int64_t		power_w;		/* limit: at most so much, on average over an interval */
	int64_t		duration_s;		/* limit: from when it takes effect; 0: no such end */
	int64_t		until_ms;		/* limit: ms since 1970; 0: no such end */
	int64_t		total_wh;		/* credit: all that was paid for since prepayment began */
	bool		cutoff;			/* credit: no supply when it is used up */
	char		text[COMMAND_TEXT_LEN_MAX + 1];
	char		id[COMMAND_ID_LEN + 1]; /* cancel: of the command not to be done */
} command;

/*
 * Members in any order, space allowed: what a person or jsonb wrote.  NULL where it is
 * sound, else what is wrong with it, in a few words.
 */
extern const char *command_parse(const char *json, size_t len, command *out);

/* The canonical text; its length (no NUL), 0: no room. */
extern size_t command_write(const command *c, char *out, size_t cap);

/* command_parse, and the text must be the canonical one. */
extern const char *command_parse_canonical(const char *json, size_t len, command *out);

/*
 * What it is about, so that a newer command for the same thing takes an older one's
 * place: relay:1, limit:import, limit:export, credit, text, cancel:<id>.
 */
extern void command_thing(const command *c, char out[COMMAND_THING_LEN_MAX + 1]);

extern const char *command_type_name(command_type t);

/* A UUID, 8-4-4-4-12 lower-case hex digits? */
extern bool command_id_valid(const char *id, size_t len);

#endif							/* CORE_COMMAND_H */

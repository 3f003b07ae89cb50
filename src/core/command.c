/*
 * command.c: the commands a meter can be given: read strictly, written canonically.
 *
 * The database reads what an operator wrote and signs the canonical text; the meter
 * takes nothing but that text.  Both use this file, so neither can understand a
 * command otherwise than the other.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/command.h"
#include "core/json.h"
#include "core/utf8.h"

#define COMMAND_TIME_MS_MAX INT64_C(253402300799999)	/* the end of the year 9999 */

/* The members, as bits of what was seen. */
typedef enum command_member
{
	MEMBER_TYPE, MEMBER_RELAY, MEMBER_ON, MEMBER_DIRECTION, MEMBER_POWER, MEMBER_DURATION,
	MEMBER_UNTIL, MEMBER_TOTAL, MEMBER_CUTOFF, MEMBER_TEXT, MEMBER_ID, MEMBER_COUNT
} command_member;

static const char *const member_names[MEMBER_COUNT] = {
	"type", "relay", "on", "direction", "power_w", "duration_s",
	"until", "total_wh", "cutoff", "text", "id"
};

#define BIT(m) (1u << (m))

/* What a type must have, and may have besides. */
typedef struct command_shape
{
	const char *name;
	unsigned	must;
	unsigned	may;
} command_shape;

static const command_shape shapes[] = {
	[COMMAND_RELAY] = {"relay", BIT(MEMBER_TYPE) | BIT(MEMBER_RELAY) | BIT(MEMBER_ON), 0},
	[COMMAND_LIMIT] = {"limit", BIT(MEMBER_TYPE) | BIT(MEMBER_DIRECTION) | BIT(MEMBER_POWER),
	BIT(MEMBER_DURATION) | BIT(MEMBER_UNTIL)},
	[COMMAND_LIMIT_END] = {"limit_end", BIT(MEMBER_TYPE) | BIT(MEMBER_DIRECTION), 0},
	[COMMAND_CREDIT] = {"credit", BIT(MEMBER_TYPE) | BIT(MEMBER_TOTAL) | BIT(MEMBER_CUTOFF), 0},
	[COMMAND_CREDIT_END] = {"credit_end", BIT(MEMBER_TYPE), 0},
	[COMMAND_TEXT] = {"text", BIT(MEMBER_TYPE) | BIT(MEMBER_TEXT), 0},
	[COMMAND_CANCEL] = {"cancel", BIT(MEMBER_TYPE) | BIT(MEMBER_ID), 0},
};

const char *
command_type_name(command_type t)
{
	return t >= COMMAND_RELAY && t <= COMMAND_CANCEL ? shapes[t].name : "unknown";
}

bool
command_id_valid(const char *id, size_t len)
{
	if (len != COMMAND_ID_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool		hex = (id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f');

		if (dash ? id[i] != '-' : !hex)
			return false;
	}
	return true;
}

/* ---- reading ---- */

/* A string's text into out (cap with the NUL); control characters are none. */
static bool
command_read_text(json_reader *r, char *out, size_t cap)
{
	json_string s;
	char		text[6 * COMMAND_BYTES_MAX];
	size_t		len;

	if (json_read_string(r, &s) != REFUSAL_NONE || s.len > sizeof(text))
		return false;
	len = json_unescape(&s, (uint8_t *) text);
	if (len == 0 || len >= cap || !utf8_valid((const uint8_t *) text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7F)
			return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

static bool
command_read_number(json_reader *r, int64_t least, int64_t most, int64_t *out)
{
	return json_read_int(r, out) == REFUSAL_NONE && *out >= least && *out <= most;
}

static bool
command_read_bool(json_reader *r, bool *out)
{
	uint8_t		c = json_peek(r);

	*out = c == 't';
	return (c == 't' || c == 'f') && json_skip(r, 0) == REFUSAL_NONE;
}

/* One of two words: true for the second. */
static bool
command_read_direction(json_reader *r, bool *is_export)
{
	char		word[8];

	if (!command_read_text(r, word, sizeof(word)))
		return false;
	*is_export = strcmp(word, "export") == 0;
	return *is_export || strcmp(word, "import") == 0;
}

static bool
command_read_type(json_reader *r, command_type *out)
{
	char		word[16];

	if (!command_read_text(r, word, sizeof(word)))
		return false;
	for (int t = COMMAND_RELAY; t <= COMMAND_CANCEL; t++)
	{
		if (strcmp(word, shapes[t].name) == 0)
		{
			*out = (command_type) t;
			return true;
		}
	}
	return false;
}

static const char *
command_read_member(json_reader *r, command_member m, command *c)
{
	int64_t		number;

	switch (m)
	{
		case MEMBER_TYPE:
			return command_read_type(r, &c->type) ? NULL :
				"type must be relay, limit, limit_end, credit, credit_end, text or cancel";
		case MEMBER_RELAY:
			if (!command_read_number(r, 1, COMMAND_RELAYS_MAX, &number))
				return "relay must be a whole number from 1 to 16";
			c->relay = (int) number;
			return NULL;
		case MEMBER_ON:
			return command_read_bool(r, &c->on) ? NULL : "on must be true or false";
		case MEMBER_DIRECTION:
			return command_read_direction(r, &c->is_export) ? NULL : "direction must be import or export";
		case MEMBER_POWER:
			return command_read_number(r, 0, COMMAND_POWER_W_MAX, &c->power_w) ? NULL :
				"power_w must be a whole number from 0 to 1000000000";
		case MEMBER_DURATION:
			return command_read_number(r, 1, COMMAND_DURATION_S_MAX, &c->duration_s) ? NULL :
				"duration_s must be a whole number from 1 to 31622400";
		case MEMBER_UNTIL:
			return command_read_number(r, 1, COMMAND_TIME_MS_MAX, &c->until_ms) ? NULL :
				"until must be a time in ms since 1970";
		case MEMBER_TOTAL:
			return command_read_number(r, 0, COMMAND_CREDIT_WH_MAX, &c->total_wh) ? NULL :
				"total_wh must be a whole number from 0 to 1000000000000";
		case MEMBER_CUTOFF:
			return command_read_bool(r, &c->cutoff) ? NULL : "cutoff must be true or false";
		case MEMBER_TEXT:
			return command_read_text(r, c->text, sizeof(c->text)) ? NULL :
				"text must have 1 to 160 bytes without control characters";
		case MEMBER_ID:
			return command_read_text(r, c->id, sizeof(c->id)) && command_id_valid(c->id, strlen(c->id)) ? NULL :
				"id must be a UUID in lower case";
		case MEMBER_COUNT:
			break;
	}
	return "unknown member";
}

static const char *
command_check_shape(const command *c, unsigned seen)
{
	const command_shape *shape;

	if (c->type == 0)
		return "type is missing";
	shape = &shapes[c->type];
	if ((seen & shape->must) != shape->must)
		return "a member that its type needs is missing";
	if ((seen & ~(shape->must | shape->may)) != 0)
		return "a member that its type does not have";
	if ((seen & BIT(MEMBER_DURATION)) && (seen & BIT(MEMBER_UNTIL)))
		return "duration_s and until exclude each other";
	return NULL;
}

const char *
command_parse(const char *json, size_t len, command *out)
{
	json_reader r;
	unsigned	seen = 0;
	bool		more = false;
	bool		first = true;

	memset(out, 0, sizeof(*out));
	json_open(&r, (const uint8_t *) json, len);
	if (json_enter(&r, '{') != REFUSAL_NONE)
		return "not an object";
	for (;; first = false)
	{
		json_string name;
		command_member m;
		const char *wrong;

		if (json_more(&r, '{', first, &more) != REFUSAL_NONE)
			return "not well-formed JSON";
		if (!more)
			break;
		if (json_read_name(&r, &name) != REFUSAL_NONE)
			return "not well-formed JSON";
		for (m = 0; m < MEMBER_COUNT; m++)
			if (name.len == strlen(member_names[m]) && memcmp(name.bytes, member_names[m], name.len) == 0)
				break;
		if (m == MEMBER_COUNT)
			return "unknown member";
		if (seen & BIT(m))
			return "a member stands twice";
		seen |= BIT(m);
		wrong = command_read_member(&r, m, out);
		if (wrong != NULL)
			return wrong;
	}
	if (json_close(&r) != REFUSAL_NONE)
		return "something stands after it";
	return command_check_shape(out, seen);
}

const char *
command_parse_canonical(const char *json, size_t len, command *out)
{
	char		again[COMMAND_BYTES_MAX + 1];
	const char *wrong = command_parse(json, len, out);
	size_t		again_len;

	if (wrong != NULL)
		return wrong;
	again_len = command_write(out, again, sizeof(again));
	return again_len == len && memcmp(again, json, len) == 0 ? NULL : "not in its canonical form";
}

/* ---- writing ---- */

static void command_put(char *out, size_t cap, size_t *len, const char *format,...)
			__attribute__((format(printf, 4, 5)));

/* Beyond cap only the length grows. */
static void
command_put(char *out, size_t cap, size_t *len, const char *format,...)
{
	va_list		args;
	int			n;

	va_start(args, format);
	n = vsnprintf(*len < cap ? out + *len : NULL, *len < cap ? cap - *len : 0, format, args);
	va_end(args);
	*len += n < 0 ? cap : (size_t) n;
}

size_t
command_write(const command *c, char *out, size_t cap)
{
	const char *direction = c->is_export ? "export" : "import";
	size_t		len = 0;

	command_put(out, cap, &len, "{\"type\":\"%s\"", command_type_name(c->type));
	switch (c->type)
	{
		case COMMAND_RELAY:
			command_put(out, cap, &len, ",\"relay\":%d,\"on\":%s", c->relay, c->on ? "true" : "false");
			break;
		case COMMAND_LIMIT:
			command_put(out, cap, &len, ",\"direction\":\"%s\",\"power_w\":%" PRId64, direction, c->power_w);
			if (c->duration_s > 0)
				command_put(out, cap, &len, ",\"duration_s\":%" PRId64, c->duration_s);
			if (c->until_ms > 0)
				command_put(out, cap, &len, ",\"until\":%" PRId64, c->until_ms);
			break;
		case COMMAND_LIMIT_END:
			command_put(out, cap, &len, ",\"direction\":\"%s\"", direction);
			break;
		case COMMAND_CREDIT:
			command_put(out, cap, &len, ",\"total_wh\":%" PRId64 ",\"cutoff\":%s", c->total_wh,
						c->cutoff ? "true" : "false");
			break;
		case COMMAND_CREDIT_END:
			break;
		case COMMAND_TEXT:
			command_put(out, cap, &len, ",\"text\":\"");
			for (const char *p = c->text; *p != '\0'; p++)
				command_put(out, cap, &len, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
			command_put(out, cap, &len, "\"");
			break;
		case COMMAND_CANCEL:
			command_put(out, cap, &len, ",\"id\":\"%s\"", c->id);
			break;
	}
	command_put(out, cap, &len, "}");
	return len < cap ? len : 0;
}

void
command_thing(const command *c, char out[COMMAND_THING_LEN_MAX + 1])
{
	size_t		cap = COMMAND_THING_LEN_MAX + 1;

	switch (c->type)
	{
		case COMMAND_RELAY:
			snprintf(out, cap, "relay:%d", c->relay);
			break;
		case COMMAND_LIMIT:
		case COMMAND_LIMIT_END:
			snprintf(out, cap, "limit:%s", c->is_export ? "export" : "import");
			break;
		case COMMAND_CREDIT:
		case COMMAND_CREDIT_END:
			snprintf(out, cap, "credit");
			break;
		case COMMAND_TEXT:
			snprintf(out, cap, "text");
			break;
		case COMMAND_CANCEL:
			snprintf(out, cap, "cancel:%s", c->id);
			break;
	}
}

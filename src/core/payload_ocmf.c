/*
 * payload_ocmf.c: reads a charging station's record (OCMF 1.4 and before) into a
 * payload of ours.
 *
 * The record is somebody else's format: members that we have no use for are
 * passed over, where our own profile refuses them.  What is used is read as
 * strictly as ours.  As in payload.c, meter and sequence are filled in as they are
 * met, and the readings are read last, whatever their place.
 *
 * A reading inherits what it leaves out from the one before it.  The exception is
 * the specification's own: a reading that states an error may leave out its value,
 * and then has none; it yields no reading of ours.
 */
#include <string.h>

#include "core/decimal.h"
#include "core/keyset.h"
#include "core/ocmf_time.h"
#include "core/payload_field.h"
#include "core/payload_ocmf.h"

/* Members of a reading that are used, as bits. */
#define OCMF_TM 0x01u
#define OCMF_RV 0x02u
#define OCMF_RI 0x04u
#define OCMF_RU 0x08u
#define OCMF_ST 0x10u
#define OCMF_EF 0x20u
#define OCMF_TX 0x40u

/* What holds at a reading: its own members and, for the others, the last ones before. */
typedef struct ocmf_reading
{
	unsigned	known;			/* written in it or before it */
	unsigned	own;			/* written in it */
	int64_t		ms;
	char		clock_status;
	decimal		value;
	char		obis[PAYLOAD_OBIS_LEN_MAX + 1];
	char		unit[PAYLOAD_UNIT_LEN_MAX + 1];
	char		status;
	bool		energy_unusable;	/* EF has E */
	bool		time_unusable;	/* EF has t */
	bool		exception;		/* TX is X */
} ocmf_reading;

/* What was met of the record's own members. */
typedef struct ocmf_record
{
	bool		has_pagination;
	bool		has_serial;		/* the meter is MS, and GS is of no more interest */
	bool		has_readings;
	json_reader readings;		/* stands before RD's value */
} ocmf_record;

static bool
ocmf_name_is(const json_string *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->bytes, text, s->len) == 0;
}

static refusal
ocmf_read_text(json_reader *r, const char **text, size_t *len)
{
	json_string s;
	refusal		why = json_read_string(r, &s);

	if (why != REFUSAL_NONE)
		return why;
	if (!s.plain)
		return REFUSAL_NON_CANONICAL;
	*text = (const char *) s.bytes;
	*len = s.len;
	return REFUSAL_NONE;
}

/* "1.0"; some write the number 1.0. */
static refusal
ocmf_read_version(json_reader *r)
{
	const char *text;
	size_t		len;
	refusal		why = json_peek(r) == '"' ? ocmf_read_text(r, &text, &len) :
		json_read_number(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	if (len == 0 || (text[0] != '0' && text[0] != '1') || (len > 1 && text[1] != '.'))
		return REFUSAL_UNSUPPORTED_VERSION;
	return REFUSAL_NONE;
}

/* T or F, then a number without leading zeros, from 0; our sequences begin with 1. */
static refusal
ocmf_read_pagination(json_reader *r, payload *out)
{
	const char *text;
	size_t		len;
	uint64_t	number = 0;
	refusal		why = ocmf_read_text(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	if (len < 2 || (text[0] != 'T' && text[0] != 'F') || (text[1] == '0' && len > 2))
		return REFUSAL_BAD_PAGINATION;
	for (size_t i = 1; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return REFUSAL_BAD_PAGINATION;
		if (number > (OCMF_NUMBER_MAX - (uint64_t) (text[i] - '0')) / 10)
			return REFUSAL_BAD_SEQUENCE;
		number = number * 10 + (uint64_t) (text[i] - '0');
	}
	out->epoch = text[0] == 'T' ? OCMF_EPOCH_TRANSACTION : OCMF_EPOCH_FISCAL;
	out->seq = number + OCMF_SEQ_OF_ZERO;
	return REFUSAL_NONE;
}

/* MS or GS: the meter's name, where it can be one and no better one is known. */
static refusal
ocmf_read_serial(json_reader *r, bool is_meter, ocmf_record *record, payload *out)
{
	json_string s;
	refusal		why = json_read_string(r, &s);

	if (why != REFUSAL_NONE)
		return why;
	if (record->has_serial || !payload_meter_valid((const char *) s.bytes, s.len))
		return REFUSAL_NONE;
	memcpy(out->meter, s.bytes, s.len);
	out->meter[s.len] = '\0';
	record->has_serial = is_meter;
	return REFUSAL_NONE;
}

static refusal
ocmf_read_member(json_reader *r, const json_string *name, ocmf_record *record, payload *out)
{
	refusal		why;

	if (ocmf_name_is(name, "FV"))
		return ocmf_read_version(r);
	if (ocmf_name_is(name, "PG"))
	{
		why = ocmf_read_pagination(r, out);
		record->has_pagination = why == REFUSAL_NONE;
		return why;
	}
	if (ocmf_name_is(name, "MS"))
		return ocmf_read_serial(r, true, record, out);
	if (ocmf_name_is(name, "GS"))
		return ocmf_read_serial(r, false, record, out);
	if (ocmf_name_is(name, "RD"))
	{
		(void) json_peek(r);
		record->readings = *r;
		record->has_readings = true;
	}
	return json_skip(r, PAYLOAD_DEPTH_MAX - 1);
}

/* A number; some write it as a text, padded with blanks in front. */
static refusal
ocmf_read_value(json_reader *r, decimal *out)
{
	const char *text;
	size_t		len;
	const bool	quoted = json_peek(r) == '"';
	refusal		why = quoted ? ocmf_read_text(r, &text, &len) : json_read_number(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	for (; quoted && len > 0 && *text == ' '; text++)
		len--;
	return decimal_parse(text, len, out);
}

static refusal
ocmf_read_error_flags(json_reader *r, ocmf_reading *g)
{
	const char *text;
	size_t		len;
	refusal		why = ocmf_read_text(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	g->energy_unusable = false;
	g->time_unusable = false;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] == 'E')
			g->energy_unusable = true;
		else if (text[i] == 't')
			g->time_unusable = true;
		else
			return REFUSAL_BAD_ERROR_FLAGS;
	}
	return REFUSAL_NONE;
}

/* A text of a rule of ours into out, which has room for what the rule allows. */
static refusal
ocmf_read_checked(json_reader *r, bool (*valid) (const char *text, size_t len), char *out)
{
	const char *text;
	size_t		len;
	refusal		why = ocmf_read_text(r, &text, &len);

	if (why != REFUSAL_NONE)
		return why;
	if (!valid(text, len))
		return REFUSAL_BAD_BODY;
	memcpy(out, text, len);
	out[len] = '\0';
	return REFUSAL_NONE;
}

/* The member's bit; 0 where it is one that is passed over. */
static refusal
ocmf_read_reading_member(json_reader *r, const json_string *name, ocmf_reading *g, unsigned *bit)
{
	static const char names[][3] = {"TM", "RV", "RI", "RU", "ST", "EF", "TX"};
	const char *text;
	size_t		len;
	refusal		why;

	*bit = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (ocmf_name_is(name, names[i]))
			*bit = 1u << i;
	}
	switch (*bit)
	{
		case OCMF_TM:
			why = ocmf_read_text(r, &text, &len);
			return why != REFUSAL_NONE ? why :
				ocmf_time_parse(text, len, &g->ms, &g->clock_status);
		case OCMF_RV:
			return ocmf_read_value(r, &g->value);
		case OCMF_RI:
			return ocmf_read_checked(r, payload_obis_valid, g->obis);
		case OCMF_RU:
			return ocmf_read_checked(r, payload_unit_valid, g->unit);
		case OCMF_ST:
			why = ocmf_read_text(r, &text, &len);
			if (why != REFUSAL_NONE)
				return why;
			if (len != 1 || !payload_status_valid(text[0]))
				return REFUSAL_BAD_BODY;
			g->status = text[0];
			return REFUSAL_NONE;
		case OCMF_EF:
			return ocmf_read_error_flags(r, g);
		case OCMF_TX:
			why = ocmf_read_text(r, &text, &len);
			g->exception = why == REFUSAL_NONE && len == 1 && text[0] == 'X';
			return why;
		default:
			return json_skip(r, PAYLOAD_DEPTH_MAX - 3);
	}
}

/* Does it have what it must have, and is there a value in it? */
static refusal
ocmf_judge_reading(const ocmf_reading *g, bool *has_value)
{
	const unsigned always = OCMF_TM | OCMF_ST;
	const unsigned valued = OCMF_RV | OCMF_RI | OCMF_RU;
	const unsigned group = g->own & (OCMF_RI | OCMF_RU);
	const bool	error = ((g->own & OCMF_EF) && (g->energy_unusable || g->time_unusable)) ||
		((g->own & OCMF_ST) && g->status != 'G') ||
		((g->own & OCMF_TX) && g->exception);

	*has_value = (g->own & OCMF_RV) || !error;
	if ((g->known & always) != always || (*has_value && (g->known & valued) != valued))
		return REFUSAL_MISSING_FIELD;
	/* a unit may not be carried over to another register, nor the other way round */
	if (group != 0 && group != (OCMF_RI | OCMF_RU))
		return REFUSAL_BAD_BODY;
	return REFUSAL_NONE;
}

/* One object of RD into g, which holds what the one before it left. */
static refusal
ocmf_read_reading(json_reader *r, ocmf_reading *g)
{
	keyset		names;
	bool		more = true;
	refusal		why = json_enter(r, '{');

	keyset_init(&names);
	g->own = 0;
	for (bool first = true; why == REFUSAL_NONE; first = false)
	{
		json_string name;
		unsigned	bit;

		why = json_more(r, '{', first, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = json_read_name(r, &name);
		if (why == REFUSAL_NONE)
			why = keyset_add(&names, name.bytes, name.len);
		if (why == REFUSAL_NONE)
			why = ocmf_read_reading_member(r, &name, g, &bit);
		if (why == REFUSAL_NONE)
			g->own |= bit;
	}
	g->known |= g->own;
	return why;
}

static void
ocmf_put_reading(const ocmf_reading *g, payload *out)
{
	payload_reading *to = &out->reading[out->reading_count++];

	memcpy(to->obis, g->obis, sizeof(to->obis));
	memcpy(to->unit, g->unit, sizeof(to->unit));
	to->from_ms = g->ms;		/* registers' stands */
	to->to_ms = g->ms;
	to->value = g->value.value;
	to->scale = g->value.scale;
	/* not to be billed by, says the record: then it is not good */
	to->status = g->status == 'G' && g->energy_unusable ? 'E' : g->status;
}

static refusal
ocmf_read_readings(json_reader *r, payload *out)
{
	ocmf_reading g;
	bool		more = true;
	refusal		why = json_enter(r, '[');

	memset(&g, 0, sizeof(g));
	for (bool first = true; why == REFUSAL_NONE; first = false)
	{
		bool		has_value = false;

		why = json_more(r, '[', first, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = ocmf_read_reading(r, &g);
		if (why == REFUSAL_NONE)
			why = ocmf_judge_reading(&g, &has_value);
		if (why != REFUSAL_NONE || !has_value)
			continue;
		if (out->reading_count == PAYLOAD_READINGS_MAX)
			return REFUSAL_BAD_BODY;
		ocmf_put_reading(&g, out);
	}
	if (why != REFUSAL_NONE)
		return why;
	if (g.known == 0)
		return REFUSAL_BAD_BODY;	/* not one reading */
	out->t_ms = g.ms;
	out->clock_status = g.time_unusable ? 'U' : g.clock_status;
	return REFUSAL_NONE;
}

refusal
payload_ocmf_parse(const uint8_t *data, size_t len, payload *out)
{
	json_reader r;
	keyset		names;
	ocmf_record record;
	bool		more = true;
	refusal		why;

	memset(&record, 0, sizeof(record));
	out->type = PAYLOAD_READING;
	keyset_init(&names);
	json_open_decimals(&r, data, len);
	why = json_enter(&r, '{');
	for (bool first = true; why == REFUSAL_NONE; first = false)
	{
		json_string name;

		why = json_more(&r, '{', first, &more);
		if (why != REFUSAL_NONE || !more)
			break;
		why = json_read_name(&r, &name);
		if (why == REFUSAL_NONE)
			why = keyset_add(&names, name.bytes, name.len);
		if (why == REFUSAL_NONE)
			why = ocmf_read_member(&r, &name, &record, out);
	}
	if (why == REFUSAL_NONE)
		why = json_close(&r);
	if (why != REFUSAL_NONE)
		return why;
	if (!record.has_pagination || !record.has_readings)
		return REFUSAL_MISSING_FIELD;
	if (out->meter[0] == '\0')
		return REFUSAL_BAD_METER;
	return ocmf_read_readings(&record.readings, out);
}

/*
 * downlink_note.c: writes and reads the lines of commands and resend requests.
 *
 * Reading is strict: each line has one spelling, and nothing may follow the last, so
 * that a signed text means one thing.  Lengths are checked before bytes are copied.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/downlink_note.h"

#define COMMAND_LABEL "energyledger/command/v1"
#define RESEND_LABEL "energyledger/resend/v1"

/* ---- lines ---- */

typedef struct line_reader
{
	const char *at;
	const char *end;
} line_reader;

typedef struct line
{
	const char *text;
	size_t		len;
} line;

static bool
line_next(line_reader *r, line *out)
{
	const char *newline = r->at < r->end ? memchr(r->at, '\n', (size_t) (r->end - r->at)) : NULL;

	if (newline == NULL)
		return false;
	out->text = r->at;
	out->len = (size_t) (newline - r->at);
	r->at = newline + 1;
	return true;
}

static bool
line_is(line_reader *r, const char *text)
{
	line		l;

	return line_next(r, &l) && l.len == strlen(text) && memcmp(l.text, text, l.len) == 0;
}

/* cap with the NUL. */
static bool
line_copy(line_reader *r, char *out, size_t cap)
{
	line		l;

	if (!line_next(r, &l) || l.len == 0 || l.len >= cap || memchr(l.text, '\0', l.len) != NULL)
		return false;
	memcpy(out, l.text, l.len);
	out[l.len] = '\0';
	return true;
}

/* Digits, no leading zero; *p moves behind them. */
static bool
number_take(const char **p, const char *end, int64_t most, int64_t *out)
{
	const char *start = *p;
	int64_t		v = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
	{
		int			digit = **p - '0';

		if (v > (most - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return *p > start && (*start != '0' || *p == start + 1);
}

static bool
line_number(line_reader *r, int64_t *out)
{
	line		l;
	const char *p;

	if (!line_next(r, &l))
		return false;
	p = l.text;
	return number_take(&p, l.text + l.len, INT64_MAX, out) && p == l.text + l.len;
}

static bool
line_meter(line_reader *r, char out[PAYLOAD_METER_LEN_MAX + 1])
{
	return line_copy(r, out, PAYLOAD_METER_LEN_MAX + 1) && payload_meter_valid(out, strlen(out));
}

/* ---- commands ---- */

size_t
command_note_format(const command_note *n, char *out, size_t cap)
{
	int			len = snprintf(out, cap, COMMAND_LABEL "\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%s\n",
							   n->origin, n->meter, n->id, n->counter, n->not_before_ms, n->expires_ms, n->command);

	return len < 0 || (size_t) len >= cap ? 0 : (size_t) len;
}

bool
command_note_parse(const char *text, size_t len, command_note *out)
{
	line_reader r = {text, text + len};

	memset(out, 0, sizeof(*out));
	return line_is(&r, COMMAND_LABEL) &&
		line_copy(&r, out->origin, sizeof(out->origin)) &&
		line_meter(&r, out->meter) &&
		line_copy(&r, out->id, sizeof(out->id)) && command_id_valid(out->id, strlen(out->id)) &&
		line_number(&r, &out->counter) && out->counter > 0 &&
		line_number(&r, &out->not_before_ms) &&
		line_number(&r, &out->expires_ms) && out->expires_ms > out->not_before_ms &&
		line_copy(&r, out->command, sizeof(out->command)) &&
		r.at == r.end;
}

/* ---- resend requests ---- */

size_t
resend_note_format(const resend_note *n, char *out, size_t cap)
{
	int			len = snprintf(out, cap, RESEND_LABEL "\n%s\n%s\n%" PRId64 "\n", n->origin, n->meter, n->asked_ms);

	for (int i = 0; i < n->range_count && len >= 0 && (size_t) len < cap; i++)
	{
		int			more = snprintf(out + len, cap - (size_t) len, "%" PRIu32 " %" PRId64 " %" PRId64 "\n",
									n->range[i].epoch, n->range[i].from_seq, n->range[i].to_seq);

		len = more < 0 ? -1 : len + more;
	}
	return len < 0 || (size_t) len >= cap ? 0 : (size_t) len;
}

static bool
line_range(line_reader *r, resend_range *out)
{
	line		l;
	const char *p;
	const char *end;
	int64_t		epoch;

	if (!line_next(r, &l))
		return false;
	p = l.text;
	end = l.text + l.len;
	if (!number_take(&p, end, UINT32_MAX, &epoch) || p == end || *p++ != ' ' ||
		!number_take(&p, end, INT64_MAX, &out->from_seq) || p == end || *p++ != ' ' ||
		!number_take(&p, end, INT64_MAX, &out->to_seq) || p != end)
		return false;
	out->epoch = (uint32_t) epoch;
	return out->from_seq > 0 && out->to_seq >= out->from_seq;
}

bool
resend_note_parse(const char *text, size_t len, resend_note *out)
{
	line_reader r = {text, text + len};

	memset(out, 0, sizeof(*out));
	if (!line_is(&r, RESEND_LABEL) ||
		!line_copy(&r, out->origin, sizeof(out->origin)) ||
		!line_meter(&r, out->meter) ||
		!line_number(&r, &out->asked_ms))
		return false;
	while (r.at < r.end && out->range_count < RESEND_RANGES_MAX)
		if (!line_range(&r, &out->range[out->range_count++]))
			return false;
	return r.at == r.end && out->range_count > 0;
}

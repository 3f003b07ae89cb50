/*
 * meter_receipt.c: a receipt is believed only when the site has signed it.
 *
 * A receipt is a C2SP signed note whose text is six lines: a label, the site's
 * name, the meter, "<epoch> <seq>", the base64 SHA-256 of that message, and the
 * commit's time in ms.  The key comes from the command line, never from the note.
 */
#include <string.h>

#include "core/base64.h"
#include "meter.h"

#define RECEIPT_LABEL "energyledger/receipt/v1"
#define RECEIPT_LINES 6

typedef struct text_line
{
	const char *text;
	size_t		len;
} text_line;

static bool
line_equals(const text_line *l, const char *text)
{
	return l->len == strlen(text) && memcmp(l->text, text, l->len) == 0;
}

/* Digits only, no leading zero; advances *p. */
static bool
parse_number(const char **p, const char *end, uint64_t max, uint64_t *out)
{
	const char *start = *p;
	uint64_t	v = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
	{
		uint64_t	digit = (uint64_t) (**p - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return *p > start && (*start != '0' || *p == start + 1);
}

static bool
split_lines(const char *text, size_t len, text_line line[RECEIPT_LINES])
{
	for (int i = 0; i < RECEIPT_LINES; i++)
	{
		const char *newline = memchr(text, '\n', len);

		if (newline == NULL)
			return false;
		line[i].text = text;
		line[i].len = (size_t) (newline - text);
		len -= line[i].len + 1;
		text = newline + 1;
	}
	return len == 0;
}

static bool
parse_position(const text_line *l, meter_receipt *out)
{
	const char *p = l->text;
	const char *end = l->text + l->len;
	uint64_t	epoch;

	if (!parse_number(&p, end, UINT32_MAX, &epoch) || p == end || *p++ != ' ' ||
		!parse_number(&p, end, INT64_MAX, &out->seq))
		return false;
	out->epoch = (uint32_t) epoch;
	return p == end;
}

bool
meter_receipt_parse(const char *note, size_t len, const note_key *site, meter_receipt *out)
{
	text_line	line[RECEIPT_LINES];
	size_t		text_len;
	size_t		digest_len;
	uint64_t	ms;
	const char *p;

	if (note_verify(note, len, site, &text_len) != NOTE_VALID ||
		!split_lines(note, text_len, line) ||
		!line_equals(&line[0], RECEIPT_LABEL) ||
		!line_equals(&line[1], site->name) ||
		!payload_meter_valid(line[2].text, line[2].len) ||
		!parse_position(&line[3], out) ||
		!base64_decode(line[4].text, line[4].len, out->digest, sizeof(out->digest), &digest_len) ||
		digest_len != sizeof(out->digest))
		return false;
	memcpy(out->meter, line[2].text, line[2].len);
	out->meter[line[2].len] = '\0';
	p = line[5].text;
	if (!parse_number(&p, p + line[5].len, INT64_MAX, &ms) || p != line[5].text + line[5].len)
		return false;
	out->committed_ms = (int64_t) ms;
	return true;
}

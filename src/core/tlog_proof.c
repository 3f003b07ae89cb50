/*
 * tlog_proof.c: reads the proof that travels in a receipt, line by line as C2SP has it.
 *
 * It only takes the text apart.  Whether the path leads anywhere is merkle.c's
 * to say, and who signed the checkpoint is note.c's.
 */
#include "core/tlog_proof.h"

#include <string.h>

#include "core/base64.h"

static bool
tlog_proof_line(const char **text, size_t *len, const char **line, size_t *line_len)
{
	size_t		most = *len < TLOG_PROOF_LINE_MAX ? *len : TLOG_PROOF_LINE_MAX;
	const char *end = most == 0 ? NULL : memchr(*text, '\n', most);

	if (end == NULL)
		return false;
	*line = *text;
	*line_len = (size_t) (end - *text);
	*text = end + 1;
	*len -= *line_len + 1;
	return true;
}

static bool
tlog_proof_begins(const char *line, size_t len, const char *word)
{
	size_t		n = strlen(word);

	return len >= n && memcmp(line, word, n) == 0;
}

/* Unauthenticated data beside the proof: its form is checked, no more. */
static bool
tlog_proof_extra_valid(const char *text, size_t len)
{
	uint8_t		piece[96];
	size_t		n;

	while (len > 128)
	{
		/* a multiple of 4 digits; padding may only stand in the last piece */
		if (!base64_decode(text, 128, piece, sizeof(piece), &n) || n != sizeof(piece))
			return false;
		text += 128;
		len -= 128;
	}
	return base64_decode(text, len, piece, sizeof(piece), &n);
}

bool
tlog_number_parse(const char *text, size_t len, uint64_t *value)
{
	uint64_t	v = 0;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		uint64_t	digit = (uint64_t) (uint8_t) text[i] - '0';

		if (digit > 9 || v > (INT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

bool
tlog_proof_parse(tlog_proof *p, const char *text, size_t len)
{
	static const char head[] = "c2sp.org/tlog-proof@v1";
	const char *line;
	size_t		line_len;
	size_t		n;

	if (!tlog_proof_line(&text, &len, &line, &line_len) ||
		line_len != strlen(head) || memcmp(line, head, line_len) != 0 ||
		!tlog_proof_line(&text, &len, &line, &line_len))
		return false;
	if (tlog_proof_begins(line, line_len, "extra "))
	{
		if (!tlog_proof_extra_valid(line + 6, line_len - 6) ||
			!tlog_proof_line(&text, &len, &line, &line_len))
			return false;
	}
	if (!tlog_proof_begins(line, line_len, "index ") ||
		!tlog_number_parse(line + 6, line_len - 6, &p->index))
		return false;
	p->path_count = 0;
	for (;;)
	{
		if (!tlog_proof_line(&text, &len, &line, &line_len))
			return false;
		if (line_len == 0)
			break;
		if (p->path_count == TLOG_PROOF_PATH_MAX ||
			!base64_decode(line, line_len, p->path[p->path_count], MERKLE_HASH_LEN, &n) ||
			n != MERKLE_HASH_LEN)
			return false;
		p->path_count++;
	}
	p->note = text;
	p->note_len = len;
	return true;
}

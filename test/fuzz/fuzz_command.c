/*
 * fuzz_command.c: any bytes as a command, the text of a command's note, a request to
 * send again: what is taken is written again as it was read, or in the canonical form.
 */
#include "fuzz.h"

#include "core/downlink_note.h"

static void
try_command(const char *text, size_t size)
{
	command		c;
	command		again;
	char		out[COMMAND_BYTES_MAX + 1];
	char		thing[COMMAND_THING_LEN_MAX + 1];
	size_t		len;

	if (command_parse(text, size, &c) != NULL)
		return;
	len = command_write(&c, out, sizeof(out));
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(command_parse_canonical(out, len, &again) == NULL);
	FUZZ_CHECK(memcmp(&c, &again, sizeof(c)) == 0);
	command_thing(&c, thing);
	FUZZ_CHECK(thing[0] != '\0');
}

static void
try_notes(const char *text, size_t size)
{
	static command_note n;
	static resend_note r;
	static char out[DOWNLINK_TEXT_MAX];

	if (command_note_parse(text, size, &n))
		FUZZ_CHECK(command_note_format(&n, out, sizeof(out)) == size && memcmp(out, text, size) == 0);
	if (resend_note_parse(text, size, &r))
		FUZZ_CHECK(resend_note_format(&r, out, sizeof(out)) == size && memcmp(out, text, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_command((const char *) data, size);
	try_notes((const char *) data, size);
	return 0;
}

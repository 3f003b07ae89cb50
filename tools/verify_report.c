/*
 * verify_report.c: what energyledger-verify says, to people or to programs.
 *
 * Facts are gathered while they are found and printed after the verdict, so that
 * nobody reads a table and an amount before they read that it is forged.  Texts come
 * from files that nobody vouches for: control characters never reach the terminal.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base64.h"
#include "core/row_text.h"
#include "core/utf8.h"
#include "verify.h"

static struct
{
	bool		json;
	const char *command;
	FILE	   *facts;
	char	   *facts_text;
	size_t		facts_len;
	FILE	   *findings;
	char	   *findings_text;
	size_t		findings_len;
	uint64_t	finding_count;
	int			column_count;	/* of the columns being reported */
}			report;

void *
verify_alloc(size_t size)
{
	return verify_grow(NULL, size);
}

void *
verify_grow(void *old, size_t size)
{
	void	   *p = realloc(old, size > 0 ? size : 1);

	if (p == NULL)
	{
		fprintf(stderr, "energyledger-verify: out of memory (%zu bytes)\n", size);
		exit(VERIFY_UNKNOWN);
	}
	return p;
}

uint8_t *
verify_buffer_room(verify_buffer *b, size_t n)
{
	if (n > b->cap - b->len)
	{
		size_t		cap = b->cap < 512 ? 1024 : b->cap * 2;

		if (cap - b->len < n)
			cap = b->len + n;
		b->data = verify_grow(b->data, cap);
		b->cap = cap;
	}
	b->len += n;
	return b->data + b->len - n;
}

void
report_begin(const verify_options *o)
{
	report.json = o->json;
	report.command = o->command;
	report.facts = open_memstream(&report.facts_text, &report.facts_len);
	report.findings = open_memstream(&report.findings_text, &report.findings_len);
	if (report.facts == NULL || report.findings == NULL)
	{
		fprintf(stderr, "energyledger-verify: out of memory\n");
		exit(VERIFY_UNKNOWN);
	}
}

/* A string of JSON; bytes that are no UTF-8 come as the replacement character. */
static void
put_json(FILE *out, const char *text, size_t len)
{
	bool		valid = len == 0 || utf8_valid((const uint8_t *) text, len);

	fputc('"', out);
	for (size_t i = 0; i < len; i++)
	{
		uint8_t		c = (uint8_t) text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7F)
			fprintf(out, "\\u%04x", c);
		else if (c >= 0x80 && !valid)
			fputs("\xef\xbf\xbd", out);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* For a terminal: no control characters, C1's either. */
static void
put_plain(FILE *out, const char *text, size_t len)
{
	bool		valid = len == 0 || utf8_valid((const uint8_t *) text, len);

	for (size_t i = 0; i < len; i++)
	{
		uint8_t		c = (uint8_t) text[i];

		if (c < 0x20 || c == 0x7F || (c >= 0x80 && !valid))
			fprintf(out, "\\x%02x", c);
		else if (c == 0xC2 && i + 1 < len && (uint8_t) text[i + 1] < 0xA0)
			fprintf(out, "\\x%02x\\x%02x", c, (uint8_t) text[++i]);
		else
			fputc(c, out);
	}
}

static void
put_name(const char *name)
{
	if (report.json)
		fprintf(report.facts, ", \"%s\": ", name);
	else
		fprintf(report.facts, "  %-14s ", name);
}

static void
put_end(void)
{
	if (!report.json)
		fputc('\n', report.facts);
}

void
report_text(const char *name, const char *text, size_t len)
{
	put_name(name);
	if (report.json)
		put_json(report.facts, text, len);
	else
		put_plain(report.facts, text, len);
	put_end();
}

void
report_string(const char *name, const char *text)
{
	report_text(name, text, strlen(text));
}

void
report_number(const char *name, uint64_t value)
{
	put_name(name);
	fprintf(report.facts, "%" PRIu64, value);
	put_end();
}

void
report_time(const char *name, int64_t unix_us)
{
	char		text[ROW_TEXT_ROOM];
	bytes_out	o;

	bytes_out_init(&o, text, sizeof(text));
	row_text_put_time(&o, unix_us);
	report_text(name, text, o.len);
}

void
report_hash(const char *name, const uint8_t hash[32])
{
	char		text[BASE64_LEN(32)];

	report_text(name, text, base64_encode(hash, 32, text, sizeof(text)));
}

void
report_columns_begin(void)
{
	report.column_count = 0;
	fputs(report.json ? ", \"columns\": [" : "  columns\n", report.facts);
}

/* In JSON a number is written as such, with all its digits; "hex" says that the value is one of bytes. */
static void
put_column_json(FILE *out, const decode_column *c, const char *text, size_t text_len, row_text_form form)
{
	fputs(report.column_count > 0 ? ", {\"name\": " : "{\"name\": ", out);
	put_json(out, c->name.text, c->name.len);
	fputs(", \"type\": ", out);
	put_json(out, c->type.text, c->type.len);
	fputs(form == ROW_TEXT_HEX ? ", \"hex\": " : ", \"value\": ", out);
	if (text == NULL)
		fputs("null", out);
	else if (form == ROW_TEXT_NUMBER || form == ROW_TEXT_BOOLEAN)
		fwrite(text, 1, text_len, out);
	else
		put_json(out, text, text_len);
	fputc('}', out);
}

void
report_column(const decode_column *column, const char *text, size_t text_len, row_text_form form)
{
	FILE	   *out = report.facts;

	if (report.json)
		put_column_json(out, column, text, text_len, form);
	else
	{
		fputs("    ", out);
		put_plain(out, column->name.text, column->name.len);
		fputs(" (", out);
		put_plain(out, column->type.text, column->type.len);
		fputs(form == ROW_TEXT_HEX ? ", bytes): " : "): ", out);
		if (text == NULL)
			fputs("NULL", out);
		else
			put_plain(out, text, text_len);
		fputc('\n', out);
	}
	report.column_count++;
}

void
report_columns_end(void)
{
	if (report.json)
		fputc(']', report.facts);
}

void
report_finding(const char *file, int64_t index, const char *kind, const char *format,...)
{
	char		detail[1024];
	va_list		args;
	FILE	   *out = report.findings;

	if (report.finding_count++ >= VERIFY_FINDINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	if (report.json)
	{
		fputs(report.finding_count > 1 ? ", {\"file\": " : "{\"file\": ", out);
		put_json(out, file, strlen(file));
		if (index >= 0)
			fprintf(out, ", \"leaf\": %" PRId64, index);
		fprintf(out, ", \"kind\": \"%s\", \"detail\": ", kind);
		put_json(out, detail, strlen(detail));
		fputc('}', out);
		return;
	}
	fputs("  ", out);
	put_plain(out, file, strlen(file));
	if (index >= 0)
		fprintf(out, ", leaf %" PRId64, index);
	fprintf(out, ": %s: ", kind);
	put_plain(out, detail, strlen(detail));
	fputc('\n', out);
}

uint64_t
report_findings(void)
{
	return report.finding_count;
}

verify_status
report_end(verify_status status, const char *reason, const char *format,...)
{
	static const char *const verdict[] = {"verified", "not verified", "cannot tell"};
	static const char *const verdict_name[] = {"verified", "not_verified", "cannot_tell"};
	char		sentence[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	fclose(report.facts);
	fclose(report.findings);
	if (report.json)
	{
		printf("{\"command\": \"%s\", \"result\": \"%s\", \"reason\": \"%s\", \"message\": ",
			   report.command, verdict_name[status], reason);
		put_json(stdout, sentence, strlen(sentence));
		fwrite(report.facts_text, 1, report.facts_len, stdout);
		if (report.finding_count > 0)
			printf(", \"finding_count\": %" PRIu64 ", \"findings\": [%s]", report.finding_count, report.findings_text);
		fputs("}\n", stdout);
	}
	else
	{
		printf("%s: ", verdict[status]);
		put_plain(stdout, sentence, strlen(sentence));
		fputc('\n', stdout);
		fwrite(report.findings_text, 1, report.findings_len, stdout);
		if (report.finding_count > VERIFY_FINDINGS_MAX)
			printf("  and %" PRIu64 " more\n", report.finding_count - VERIFY_FINDINGS_MAX);
		fwrite(report.facts_text, 1, report.facts_len, stdout);
	}
	free(report.facts_text);
	free(report.findings_text);
	/* a verdict nobody could read is none */
	return fflush(stdout) == 0 ? status : VERIFY_UNKNOWN;
}

/*
 * verify.h: what the files of energyledger-verify share: its options, its report, and
 * files read with a limit.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/log_check.h"
#include "core/note.h"
#include "core/row_text.h"

#define VERIFY_KEYS_MAX 64		/* --vkey and the lines of --vkey-file together */
#define VERIFY_AGAINST_MAX 64	/* --against */
#define VERIFY_ROW_BYTES_MAX (256 * 1024 * 1024)	/* one row of an export */
#define VERIFY_FINDINGS_MAX 1000	/* findings printed; all are counted */
#define VERIFY_SCHEMAS_MAX (1 << 20)	/* schemas of a log remembered */

typedef enum verify_status
{
	VERIFY_OK = 0,				/* verified */
	VERIFY_NOT = 1,				/* not */
	VERIFY_UNKNOWN = 2			/* cannot tell */
} verify_status;

typedef struct verify_options
{
	const char *command;
	const char *operand[2];
	int			operand_count;
	note_key	key[VERIFY_KEYS_MAX];
	int			key_count;
	const char *proof_file;
	const char *tiles_dir;
	const char *against[VERIFY_AGAINST_MAX];
	int			against_count;
	bool		next;
	bool		no_rows;
	bool		json;
} verify_options;

/* Ends the program with 2 where the command line is wrong, with 0 for --help and --version. */
extern void verify_options_parse(int argc, char **argv, verify_options *o);

/* The commands. */
extern verify_status verify_receipt(const verify_options *o);
extern verify_status verify_note(const verify_options *o);
extern verify_status verify_checkpoints(const verify_options *o);
extern verify_status verify_export(const verify_options *o);
extern verify_status verify_folder(const verify_options *o);

/*
 * The report: facts as they are found, then one verdict.  As text or as one JSON object on
 * standard output; trouble with files and arguments goes to standard error as well.
 */
extern void report_begin(const verify_options *o);
extern void report_text(const char *name, const char *text, size_t len);
extern void report_string(const char *name, const char *text);
extern void report_number(const char *name, uint64_t value);
extern void report_time(const char *name, int64_t unix_us);
extern void report_hash(const char *name, const uint8_t hash[32]);

/* The columns of a row: between begin and end, each with its type; text NULL for NULL. */
extern void report_columns_begin(void);
extern void report_column(const decode_column *column, const char *text, size_t text_len, row_text_form form);
extern void report_columns_end(void);

/* Something wrong at a place; index: the leaf's, or -1. */
extern void report_finding(const char *file, int64_t index, const char *kind, const char *format, ...)
			__attribute__((format(printf, 4, 5)));
extern uint64_t report_findings(void);

/* Prints all of it.  Returns status. */
extern verify_status report_end(verify_status status, const char *reason, const char *format, ...)
			__attribute__((format(printf, 3, 4)));

/* Memory or nothing: there is no going on without. */
extern void *verify_alloc(size_t size);
extern void *verify_grow(void *old, size_t size);

/* A buffer that grows by doubling. */
typedef struct verify_buffer
{
	uint8_t    *data;
	size_t		len;
	size_t		cap;
} verify_buffer;

extern uint8_t *verify_buffer_room(verify_buffer *b, size_t n);	/* n more bytes, counted in */

typedef enum verify_read
{
	VERIFY_READ_OK,
	VERIFY_READ_MISSING,		/* no such file */
	VERIFY_READ_FAILED,			/* errno says why */
	VERIFY_READ_TOO_LARGE
} verify_read;

/* A whole file ("-": standard input) into a cleared buffer, with a zero byte behind. */
extern verify_read verify_read_file(const char *path, size_t most, verify_buffer *b);

/* The same; where it cannot be read that is reported, and anything but VERIFY_OK returned. */
extern verify_status verify_need_file(const char *path, size_t most, verify_buffer *b);
/* A note that somebody kept: psql prints an empty line behind it, which is passed over. */
extern verify_status verify_need_note(const char *path, verify_buffer *b);
extern const char *verify_read_text(verify_read r);

#define VERIFY_PATH_MAX 4096

/* dir/kind/<N>[.p/<W>] as tlog-tiles spells it: kind "tile/0", "tile/entries", "rows"; width 256: a full one. */
extern void verify_tile_path(char out[VERIFY_PATH_MAX], const char *dir, const char *kind,
							 uint64_t n, unsigned width);

/* Writes under another name and renames; makes the folders above.  False: errno. */
extern bool verify_write_file(const char *path, const void *data, size_t len);
extern bool verify_make_folders(const char *path);	/* those above path */

#endif							/* VERIFY_H */
